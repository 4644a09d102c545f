"""Slices of rows, by one or two columns, in which two groups lie further apart than outside them.

Rows are counted by slice, group and outcome, so that a search over many pairs of columns costs one count a pair.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from probandum import stats
from probandum.evidence import Floats
from probandum.stats.means import satterthwaite
from probandum.subject import Bools, Codes

#: The fewest rows of either group, inside a slice and outside it.
FEWEST = 30
#: Of a confirmed slice the adjusted p-value is at most this.
CONFIRMED = 0.05
#: Slices that share more than this of their rows say the same.
ALIKE = 0.5
#: How many of the best slices of a search are looked at for such overlaps.
_LOOKED_AT = 400

#: Events and trials of a group and of its reference.
Pair = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Factor:
    """One column, coded: ``codes[i]`` is the place of row i's value in ``names``."""

    name: str
    codes: Codes
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """What is compared: ``event`` among the rows of ``group`` and of ``reference``, disjoint masks of all rows."""

    event: Bools
    group: Bools
    reference: Bools

    def within(self, rows: Bools) -> Pair:
        """Events and trials of both groups among some rows."""
        sides = [side & rows for side in (self.group, self.reference)]
        first, second = ((int(self.event[side].sum()), int(side.sum())) for side in sides)
        return first, second


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """A slice with what the search saw: ``excess`` over the rest, and ``score``, that in standard errors."""

    name: str
    rows: Bools
    excess: float
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A slice in the half that confirms: events and trials of both groups inside it and outside."""

    inside: Pair
    outside: Pair

    @classmethod
    def of(cls, trial: Trial, slice: Bools, half: Bools) -> Seen | None:
        """The counts; None where a group has fewer than 30 rows inside or outside."""
        seen = cls(inside=trial.within(slice & half), outside=trial.within(~slice & half))
        return seen if min(n for pair in (seen.inside, seen.outside) for _, n in pair) >= FEWEST else None

    @property
    def n(self) -> int:
        """All rows of both groups."""
        return sum(n for pair in (self.inside, self.outside) for _, n in pair)

    def p(self, towards: float) -> float:
        """One-sided: that the excess is 0 or points the other way, by shares (x + 1) / (n + 2).

        So the test keeps its level where slices are small and rates uneven; by x / n it errs in 6.6 % of worlds at 5 %.
        """
        found = excess(self.inside, self.outside)
        assert found.standard_error is not None and found.df is not None
        signs = ((1.0, self.inside[0]), (-1.0, self.inside[1]), (-1.0, self.outside[0]), (1.0, self.outside[1]))
        moments = (sum(sign * (x + 1) / (n + 2) for sign, (x, n) in signs), found.standard_error, found.df)
        return stats.p_value("welch", 0.0, side="above" if towards > 0 else "below", moments=moments)


def excess(inside: Pair, outside: Pair) -> stats.Interval:
    """The gap inside a slice less the gap outside it, from -2 to 2, neutral 0, with Welch's interval.

    Variances are those of shares (x + 1) / (n + 2), over n - 1, so that none is taken as certain.

    >>> round(excess(((6, 30), (15, 30)), ((15, 30), (15, 30))).value, 9)
    -0.3
    """
    parts, gaps = [], []
    for pair in (inside, outside):
        gaps.append(pair[0][0] / pair[0][1] - pair[1][0] / pair[1][1])
        for x, n in pair:
            share = (x + 1) / (n + 2)
            parts.append((share * (1 - share) / (n - 1), n - 1.0))
    error = float(np.sqrt(sum(variance for variance, _ in parts)))
    return stats.bounds("welch", level=0.95, moments=(gaps[0] - gaps[1], error, satterthwaite(*parts)))


def search(
    factors: Sequence[Factor], trial: Trial, rows: Bools, *, towards: float, most: int
) -> tuple[list[Found], int]:
    """The slices of ``rows`` in which the gap lies furthest beyond the rest of them, and how many were looked at.

    ``towards``: 1 or -1, the sign of the gap to explain. Slices with fewer than 30 rows of a group, inside or outside,
    are none; of those that share more than half of their rows the better one stays.
    """
    scored: list[tuple[float, float, tuple[int, ...], int]] = []
    looked = 0
    for places in _combinations(len(factors)):
        codes, width = _joint([factors[place] for place in places])
        values, scores = _excesses(codes[rows], width, trial, rows, towards)
        known = np.flatnonzero(np.isfinite(scores))
        looked += len(known)
        scored += [(float(scores[cell]), float(values[cell]), places, int(cell)) for cell in known if scores[cell] > 0]
    scored.sort(key=lambda each: -each[0])
    found: list[Found] = []
    for score, value, places, cell in scored[:_LOOKED_AT]:
        chosen = [factors[place] for place in places]
        mask = _joint(chosen)[0] == cell
        if all(_overlap(mask & rows, each.rows & rows) <= ALIKE for each in found):
            found.append(Found(name=_named(chosen, cell), rows=mask, excess=value, score=score))
        if len(found) == most:
            break
    return found, looked


def _combinations(count: int) -> Iterator[tuple[int, ...]]:
    """Every column, and every two."""
    for size in (1, 2):
        yield from itertools.combinations(range(count), size)


def _joint(factors: Sequence[Factor]) -> tuple[Codes, int]:
    """Codes of the values that one column or two have together."""
    codes, width = factors[0].codes, len(factors[0].names)
    for each in factors[1:]:
        codes, width = codes * len(each.names) + each.codes, width * len(each.names)
    return codes, width


def _named(factors: Sequence[Factor], cell: int) -> str:
    """A slice by its values."""
    places = np.unravel_index(cell, tuple(len(each.names) for each in factors))
    return ", ".join(each.names[int(place)] for each, place in zip(factors, places, strict=True))


def _excesses(codes: Codes, width: int, trial: Trial, rows: Bools, towards: float) -> tuple[Floats, Floats]:
    """The excess of every slice and its score; NaN where a slice is too small."""
    gaps, variances, fewest = np.zeros((2, width)), np.zeros((2, width)), np.full((2, width), np.inf)
    event = trial.event[rows]
    for sign, side in ((1.0, trial.group[rows]), (-1.0, trial.reference[rows])):
        n = np.bincount(codes[side], minlength=width).astype(np.float64)
        x = np.bincount(codes[side & event], minlength=width).astype(np.float64)
        for place, (events, trials) in enumerate(((x, n), (x.sum() - x, n.sum() - n))):
            share = (events + 1) / (trials + 2)
            many = np.maximum(trials, 1.0)
            gaps[place] += sign * events / many
            variances[place] += share * (1 - share) / np.maximum(trials - 1, 1.0)
            fewest[place] = np.minimum(fewest[place], trials)
    value = gaps[0] - gaps[1]
    large = fewest.min(axis=0) >= FEWEST
    score = np.where(large, towards * value / np.sqrt(variances.sum(axis=0)), np.nan)
    return value, score


def _overlap(one: Bools, other: Bools) -> float:
    """The rows of both among the rows of either."""
    either = int((one | other).sum())
    return int((one & other).sum()) / either if either else 0.0
