"""How far a surrogate says what the system says: R squared of log-odds, and Cohen's kappa of decisions.

Everything is a function of sums over rows, so that resampled persons give resampled sums and no row is touched twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from probandum.evidence import Floats
from probandum.stats.resampling import DRAWS, weighted_sums
from probandum.subject import Bools, Codes

#: Spread below this is taken as this, as a part of a squared logit: resamples of one value divide by no 0.
LEAST = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compared:
    """What the system says of rows and what a surrogate, which has not seen them, says; shape (rows,) each.

    ``system``, ``surrogate``: log-odds; decisions are detected from ``cut`` on. ``weights``, and ``persons``: a code
    from 0 for whom each row is about.
    """

    system: Floats
    surrogate: Floats
    cut: float
    weights: Floats
    persons: Codes

    @property
    def decided(self) -> tuple[Bools, Bools]:
        """What the system and the surrogate detect."""
        return self.system >= self.cut, self.surrogate >= self.cut

    def fit(self, rows: Bools) -> Floats:
        """What R squared of some rows is made of, one line a row."""
        weights = np.where(rows, self.weights, 0.0)
        middle = float(np.average(self.system[rows], weights=self.weights[rows]))
        off, away = self.system - self.surrogate, self.system - middle
        return np.column_stack([weights * off**2, weights * away**2, weights * away, weights])

    def match(self) -> Floats:
        """What kappa is made of, one line a row."""
        ours, theirs = self.decided
        lines: Floats = self.weights[:, None] * np.column_stack([ours == theirs, ours, theirs, np.ones(len(ours))])
        return lines

    def resampled(self, blocks: Sequence[Floats], rng: np.random.Generator) -> list[Floats]:
        """Sums of the lines of each block over persons who are resampled alike for all, shape (draws, columns) each."""
        count = int(self.persons.max()) + 1
        columns = np.hstack(list(blocks)).T
        sums = [np.bincount(self.persons, weights=column, minlength=count) for column in columns]
        drawn = weighted_sums(np.column_stack(sums).astype(np.float64), rng=rng, draws=DRAWS)
        return np.split(drawn, np.cumsum([block.shape[1] for block in blocks])[:-1], axis=1)

    def fit_influence(self, rows: Bools) -> Floats:
        """What each row adds to R squared of some rows, to first order; 0 in sum."""
        lines = self.fit(rows)
        value, spread = float(r_squared(lines.sum(axis=0))), float(lines[:, 1].sum())
        added: Floats = ((1 - value) * lines[:, 1] - lines[:, 0]) / max(spread, LEAST)
        return added

    def match_influence(self) -> Floats:
        """What each row adds to kappa, to first order; 0 in sum."""
        lines = self.match()
        agree, ours, theirs, whole = lines.sum(axis=0)
        agree, ours, theirs = agree / whole, ours / whole, theirs / whole
        chance = ours * theirs + (1 - ours) * (1 - theirs)
        of_agree, of_ours, of_theirs = (lines[:, :3] - self.weights[:, None] * [agree, ours, theirs]).T
        by_chance = of_ours * (2 * theirs - 1) + of_theirs * (2 * ours - 1)
        rest = max(1 - chance, LEAST)
        added: Floats = (of_agree / rest - (1 - agree) / rest**2 * by_chance) / whole
        return added


def r_squared(sums: Floats) -> Floats:
    """1 - SSE / SST from sums, the last axis as ``Compared.fit`` has it; 1 is a perfect fit, 0 that of the mean.

    >>> found = Compared(system=np.array([0.0, 2.0]), surrogate=np.array([0.0, 1.0]), cut=0.0, weights=np.ones(2),
    ...                  persons=np.arange(2))
    >>> float(r_squared(found.fit(np.ones(2, dtype=bool)).sum(axis=0)))  # 1 - 1 / 2
    0.5
    """
    missed, squares, away, weight = np.moveaxis(sums, -1, 0)
    with np.errstate(all="ignore"):
        spread = squares - np.where(weight > 0, away**2 / weight, 0.0)
    found: Floats = 1 - missed / np.maximum(spread, LEAST)
    return found


def kappa(sums: Floats) -> Floats:
    """Cohen's kappa from sums, the last axis as ``Compared.match`` has it; 0 where both decide the same on every row.

    >>> float(kappa(np.array([3.0, 2.0, 1.0, 4.0])))  # agreement .75 where chance gives .5
    0.5
    """
    agree, ours, theirs, weight = np.moveaxis(sums, -1, 0)
    with np.errstate(all="ignore"):
        seen, first, second = agree / weight, ours / weight, theirs / weight
        chance = first * second + (1 - first) * (1 - second)
        found: Floats = np.where(1 - chance > LEAST, (seen - chance) / (1 - chance), 0.0)
    return found
