"""Weighted means of groups whose rows come in clusters: linearised contrasts with CR2's variance.

A weighted mean is a ratio, so its error is that of its linearisation ``sum w (y - mean) / sum w`` (Binder 1983), added
up within clusters before it is squared. CR2 (Bell and McCaffrey 2002; Pustejovsky and Tipton 2018, working model of
independent rows of equal variance) makes up for residuals being smaller than errors, and Satterthwaite's degrees of
freedom for the few clusters that the variance is taken from.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from probandum.stats.checking import Reals
from probandum.stats.means import Student

Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClusterSums:
    """What each cluster adds to each group that it has rows in, one entry such a pair; a sum is all that counts.

    ``clusters``, ``groups``: whose entry it is. ``rows``: how many; ``weights``, ``squares``: sums of w and of w^2;
    ``values``, ``weighted``: sums of y and of w y. All of shape (entries,).
    """

    clusters: Whole
    groups: Whole
    rows: Reals
    weights: Reals
    squares: Reals
    values: Reals
    weighted: Reals

    @classmethod
    def of(cls, values: Reals, weights: Reals, clusters: Whole, groups: Whole) -> ClusterSums:
        """Of rows, codes from 0 in ``clusters`` and ``groups``; rows of no weight stand for nobody and are left out."""
        kept = weights > 0
        values, weights = values[kept], weights[kept]
        parts = (np.ones(len(weights)), weights, weights**2, values, weights * values)
        return cls._summed(clusters[kept], groups[kept], parts)

    @classmethod
    def _summed(cls, clusters: Whole, groups: Whole, parts: Sequence[Reals]) -> ClusterSums:
        """Entries of the same cluster and group added up."""
        width = int(groups.max()) + 1 if len(groups) else 1
        names, entry = np.unique(clusters * width + groups, return_inverse=True)
        place = entry.reshape(-1)
        sums = [np.asarray(np.bincount(place, weights=part, minlength=len(names)), np.float64) for part in parts]
        return cls(
            clusters=names // width,
            groups=names % width,
            rows=sums[0],
            weights=sums[1],
            squares=sums[2],
            values=sums[3],
            weighted=sums[4],
        )

    def mean(self, group: int) -> float:
        """The weighted mean of a group that has rows."""
        inside = self.groups == group
        return float(self.weighted[inside].sum() / self.weights[inside].sum())

    def size(self, *groups: int) -> int:
        """How many clusters have rows in any of the groups."""
        return len(np.unique(self.clusters[np.isin(self.groups, groups)]))

    def effective_size(self, group: int) -> float:
        """How many clusters of equal weight say as much about a group (Kish 1965): (sum w_c)^2 / sum w_c^2.

        Rows of one cluster count as one, so this is the least that they can be worth.
        """
        totals = self.weights[self.groups == group]
        return float(totals.sum() ** 2 / (totals**2).sum())

    def pooled(self, *groups: int) -> ClusterSums:
        """The rows of several groups as those of one, group 0."""
        inside = np.isin(self.groups, groups)
        parts = [part[inside] for part in (self.rows, self.weights, self.squares, self.values, self.weighted)]
        clusters = self.clusters[inside]
        return self._summed(clusters, np.zeros(len(clusters), dtype=np.int64), parts)

    def dealt(self, groups: Whole) -> ClusterSums:
        """Each entry in the group that ``groups`` gives it; no cluster may then have two entries in one group."""
        return replace(self, groups=groups)

    def influence(self, factors: Mapping[int, float]) -> tuple[Whole, Reals]:
        """Clusters, and what each adds to the contrast about its value: they sum to 0."""
        found, places = self._places(factors)
        added = np.zeros(len(found))
        for group, factor in factors.items():
            inside = self.groups == group
            weights = self.weights[inside]
            residuals = self.weighted[inside] - weights * self.mean(group)
            added[places[group]] += factor * residuals / weights.sum()
        return found, added

    def contrast(self, factors: Mapping[int, float]) -> Student:
        """The sum over groups of ``factor * mean``, with CR2's standard error and Satterthwaite's degrees of freedom.

        ValueError where a group lies in fewer than 2 clusters.

        >>> sums = ClusterSums.of(np.array([1.0, 3.0, 8.0]), np.array([1.0, 1.0, 2.0]), np.arange(3), np.zeros(3, int))
        >>> sums.contrast({0: 1.0}).value
        5.0
        """
        found, places = self._places(factors)
        size = len(found)
        score, diagonal = np.zeros(size), np.zeros(size)
        loadings: list[Reals] = []
        inner = np.zeros((2 * len(factors), 2 * len(factors)))
        value = 0.0
        for number, (group, factor) in enumerate(factors.items()):
            inside = self.groups == group
            at = places[group]
            if len(at) < 2:
                raise ValueError(
                    f"group {group} lies in {len(at)} cluster; expected at least 2, or it shows no variance"
                )
            n, s, q = self.rows[inside], self.weights[inside], self.squares[inside]
            total, squares = float(s.sum()), float(q.sum())
            mean = float(self.weighted[inside].sum()) / total
            ones, weights = _adjusted(n, s, q, total, squares, factor)
            score[at] += ones * (self.values[inside] - n * mean) + weights * (self.weighted[inside] - s * mean)
            diagonal[at] += ones**2 * n + 2 * ones * weights * s + weights**2 * q
            for loading in (ones * n + weights * s, ones * s + weights * q):
                loadings.append(np.zeros(size))
                loadings[-1][at] = loading
            block = [[squares / total**2, -1 / total], [-1 / total, 0.0]]
            inner[2 * number : 2 * number + 2, 2 * number : 2 * number + 2] = block
            value += factor * mean
        error = math.sqrt(float((score**2).sum()))
        return Student(mean=value, standard_error=error, df=_freedom(diagonal, np.stack(loadings, axis=1), inner))

    def _places(self, groups: Iterable[int]) -> tuple[Whole, dict[int, Whole]]:
        """The clusters with rows in the groups, and for each group the places among them of its own."""
        mine = {group: self.clusters[self.groups == group] for group in groups}
        found = np.unique(np.concatenate(list(mine.values())))
        return found, {group: np.searchsorted(found, clusters) for group, clusters in mine.items()}


def _adjusted(n: Reals, s: Reals, q: Reals, total: float, squares: float, factor: float) -> tuple[Reals, Reals]:
    """CR2's weights of the residuals of each cluster, as ``ones * 1 + weights * w`` in each of its rows.

    ``B = (I - H)(I - H)'`` of one cluster maps the span of 1 and w onto itself; in these two it is the matrix T below,
    whose inverse root is wanted at w. The root of such a matrix is ``(T + r I) / sqrt(tr T + 2 r)``, r = sqrt(det T).
    """
    share = s / total
    spread = squares / total**2
    corner, below = 1 - share, -q / total + spread * s
    root = np.sqrt(corner**2 + n * (squares - q) / total**2)
    trace = np.sqrt(2 * corner + spread * n + 2 * root)
    ones = -below / (trace * root)
    weights = (trace - (corner + root) / trace) / root
    return factor * ones / total, factor * weights / total


def _freedom(diagonal: Reals, loadings: Reals, inner: Reals) -> float:
    """Satterthwaite's degrees of freedom of a variance whose form is ``diag(d) + L M L'`` for independent rows."""
    product = loadings.T @ loadings
    trace = float(diagonal.sum() + (inner @ product).trace())
    crossed = loadings.T @ (diagonal[:, None] * loadings)
    squares = float((diagonal**2).sum() + 2 * (inner @ crossed).trace() + (inner @ product @ inner @ product).trace())
    return trace * trace / squares
