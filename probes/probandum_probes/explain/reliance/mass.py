"""Attribution mass: how much of what explanations say they say of some features, over the rows of two groups.

A share is a ratio of means, since a mean of the shares of rows has none of a row whose attributions are all 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from probandum import stats
from probandum.evidence import Floats
from probandum.subject import Bools, Codes
from probandum_probes.explain.reliance.comparison import Comparison

#: Log-odds that rounding leaves: a row whose attributions add up to no more has none.
NEGLIGIBLE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mass:
    """|phi| of the explained rows of two groups, shape (rows, features).

    ``rows``: their places among all. ``weights``: of how many rows of both groups each is one, so that a group that is
    explained more often than it occurs counts no more. ``persons``: whom each is about.
    """

    sizes: Floats
    rows: Codes
    weights: Floats
    persons: Codes

    @classmethod
    def of(cls, found: Comparison) -> Mass:
        """Of the rows that were explained of either group."""
        known, subject, codes = found.known, found.place.subject, found.place.grouping.codes
        weights = []
        for side, picked in zip(found.place.pair, found.chosen, strict=True):
            own = subject.weights[known.rows[picked]]
            weights.append(own * subject.weights[codes == side].sum() / own.sum())
        picked = np.concatenate(found.chosen)
        rows = known.rows[picked]
        return cls(
            sizes=np.abs(known.phi[picked]),
            rows=rows,
            weights=np.concatenate(weights),
            persons=np.unique(subject.persons[rows], return_inverse=True)[1].reshape(-1),
        )

    @property
    def n(self) -> int:
        """Rows, or persons."""
        return int(self.persons.max()) + 1

    @property
    def explained(self) -> int:
        """How many rows have attributions that are not all 0."""
        return int((self.sizes.sum(axis=1) > NEGLIGIBLE).sum())

    def mean(self, features: Bools) -> float:
        """Mean |phi| of some features together, in log-odds."""
        return float(np.average(self.sizes[:, features].sum(axis=1), weights=self.weights))

    def share(self, features: Bools) -> float:
        """Their part of the mean |phi| of all.

        >>> mass = Mass(sizes=np.array([[1.0, 3.0], [0.0, 0.0]]), rows=np.arange(2), weights=np.ones(2),
        ...             persons=np.arange(2))
        >>> mass.share(np.array([True, False]))
        0.25
        """
        return self.mean(features) / self.mean(np.ones(len(features), dtype=bool))

    def draws(self, features: Bools, rng: np.random.Generator) -> tuple[float, ...]:
        """Sorted draws of the share, rows resampled, or persons."""
        parts = [self.sizes[:, features].sum(axis=1), self.sizes.sum(axis=1)]
        some, every = (np.bincount(self.persons, weights=self.weights * each) for each in parts)
        return stats.ratio_of_means_draws(some, every, rng=rng)

    def influence(self, features: Bools) -> Floats:
        """What each row adds to the share, to first order, shape (rows,); the sum is 0."""
        every = self.sizes.sum(axis=1)
        off = self.sizes[:, features].sum(axis=1) - self.share(features) * every
        return np.asarray(self.weights * off / (self.weights @ every))
