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
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from probandum.stats.checking import Reals
from probandum.stats.means import Student

Whole = NDArray[np.int64]

#: Groups up to which matrices of all clusters by all groups are held whole; of more they are nearly empty.
_FEW_GROUPS = 16
_EVEN: Mapping[int, float] = {}


class Linearised(NamedTuple):
    """A quantity of weighted rows in clusters, to first order: its moments, and what each row adds about its value.

    ``influence``: shape (rows,), 0 in sum; its sums over clusters are what the moments rest on.
    """

    student: Student
    influence: Reals


def rows_influence(
    values: Reals,
    weights: Reals,
    groups: Whole,
    factors: Mapping[int, float],
    totals: Mapping[int, float] = _EVEN,
) -> Reals:
    """What each row adds to a contrast of weighted means, see ``ClusterSums.contrast``; rows of group -1 add nothing.

    >>> rows_influence(np.array([1.0, 3.0, 9.0]), np.array([1.0, 1.0, 1.0]), np.array([0, 0, -1]), {0: 1.0}).tolist()
    [-0.5, 0.5, 0.0]
    """
    added = np.zeros(len(values))
    for group, factor in factors.items():
        rows = np.flatnonzero(groups == group)
        inside, mine = values[rows], weights[rows]
        whole = float(mine.sum())
        mean = float((mine * inside).sum()) / whole
        added[rows] = mine * (factor * (inside - mean) / whole + totals.get(group, 0.0))
    return added


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
        return self.regrouped(np.where(np.isin(self.groups, groups), 0, -1))

    def regrouped(self, groups: Whole) -> ClusterSums:
        """Each entry in the group that ``groups`` gives it, added up; those with -1 are left out."""
        inside = groups >= 0
        parts = [part[inside] for part in (self.rows, self.weights, self.squares, self.values, self.weighted)]
        return self._summed(self.clusters[inside], groups[inside], parts)

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

    def contrast(self, factors: Mapping[int, float], totals: Mapping[int, float] = _EVEN) -> Student:
        """The sum over groups of ``factor * mean``, with CR2's standard error and Satterthwaite's degrees of freedom.

        ``totals``: how the factors themselves move with the total weight of each group, where they follow from these;
        over all groups ``total weight * totals`` must be 0 in sum. What clusters add by that is no residual of a mean,
        and enters as the total of a sample of k clusters does, times ``sqrt(k / (k - 1))``.
        ValueError where a group lies in fewer than 2 clusters.

        >>> sums = ClusterSums.of(np.array([1.0, 3.0, 8.0]), np.array([1.0, 1.0, 2.0]), np.arange(3), np.zeros(3, int))
        >>> sums.contrast({0: 1.0}).value
        5.0
        """
        found, places = self._places(factors)
        size = len(found)
        score, diagonal = np.zeros(size), np.zeros(size)
        loadings: list[tuple[Whole, Reals]] = []
        inner: list[Reals] = []
        value = 0.0
        for group, factor in factors.items():
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
            loadings += [(at, ones * n + weights * s), (at, ones * s + weights * q)]
            inner.append(np.array([[squares / total**2, -1 / total], [-1 / total, 0.0]]))
            value += factor * mean
        score += math.sqrt(size / (size - 1)) * self._of_totals(totals, size, places)
        error = math.sqrt(float((score**2).sum()))
        return Student(mean=value, standard_error=error, df=_freedom(diagonal, loadings, inner))

    def _of_totals(self, totals: Mapping[int, float], size: int, places: Mapping[int, Whole]) -> Reals:
        """What each cluster adds by the total weights of groups."""
        added = np.zeros(size)
        for group, each in totals.items():
            added[places[group]] += each * self.weights[self.groups == group]
        return added

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


def _freedom(diagonal: Reals, loadings: Sequence[tuple[Whole, Reals]], inner: Sequence[Reals]) -> float:
    """Satterthwaite's degrees of freedom of a variance whose form is ``diag(d) + L M L'`` for independent rows.

    ``loadings``: the columns of L, each where it is not 0; ``inner``: the blocks of M.
    """
    size = len(diagonal)
    columns, middle = _columns(loadings, size), _blocks(inner)
    product = middle @ (columns.T @ columns)
    crossed = middle @ (columns.T @ _columns([(at, diagonal[at] * loading) for at, loading in loadings], size))
    trace = float(diagonal.sum() + product.trace())
    squares = float((diagonal**2).sum() + 2 * crossed.trace() + (product @ product).trace())
    return trace * trace / squares


def _columns(loadings: Sequence[tuple[Whole, Reals]], size: int) -> Any:
    """The columns side by side, shape (size, columns)."""
    if len(loadings) <= 2 * _FEW_GROUPS:
        whole = np.zeros((size, len(loadings)))
        for number, (at, loading) in enumerate(loadings):
            whole[at, number] = loading
        return whole
    from scipy.sparse import csc_array

    starts = np.cumsum([0, *(len(at) for at, _ in loadings)])
    places, values = (np.concatenate([column[part] for column in loadings]) for part in (0, 1))
    return csc_array((values, places, starts), shape=(size, len(loadings)))


def _blocks(blocks: Sequence[Reals]) -> Any:
    """Blocks of two along a diagonal."""
    if len(blocks) > _FEW_GROUPS:
        from scipy.sparse import block_diag

        return block_diag([*blocks], format="csr")
    whole = np.zeros((2 * len(blocks), 2 * len(blocks)))
    for number, block in enumerate(blocks):
        whole[2 * number : 2 * number + 2, 2 * number : 2 * number + 2] = block
    return whole
