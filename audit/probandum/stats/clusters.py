"""Rows that come in clusters (a person, a template, a topic): intervals that count clusters and not rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from probandum.stats.checking import Reals, finite_array
from probandum.stats.intervals import Interval
from probandum.stats.linearised import ClusterSums
from probandum.stats.resampling import DRAWS, sorted_draws, weighted_sums

#: Draws behind a BCa interval: its bounds lie further out than percentiles, so it asks for more of them.
BCA_RESAMPLES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Clustering:
    """How much rows of one cluster resemble each other, and what that costs.

    ``icc``: intraclass correlation, never below 0. ``design_effect`` = 1 + (m - 1) icc, m the size of the cluster
    that a row lies in, on average over rows; ``n_effective`` = n / design_effect.
    """

    n: int
    clusters: int
    icc: float
    design_effect: float

    @property
    def n_effective(self) -> float:
        """How many independent rows say as much as these."""
        return self.n / self.design_effect


def cluster_mean_interval(values: ArrayLike, clusters: ArrayLike, *, level: float = 0.95) -> Interval:
    """Interval of the mean of values whose errors may be alike within a cluster in any way.

    ``values`` shape (n,), ``clusters`` shape (n,) of labels, at least 2 of them. CR2 variance with Satterthwaite's
    degrees of freedom (Bell and McCaffrey 2002, working model of independent rows): with e_g the sum of residuals
    of cluster g, of n_g rows out of n, ``var = sum(e_g^2 / (1 - n_g / n)) / n^2``. Clusters of equal size give
    exactly Student's t of their means:

    >>> interval = cluster_mean_interval([1.0, 3.0, 2.0, 4.0, 6.0, 8.0], ["a", "a", "b", "b", "c", "c"])
    >>> interval.value, round(interval.standard_error or 0, 4), round(interval.df or 0, 9)  # of 2, 3 and 7
    (4.0, 1.5275, 2.0)
    """
    array, codes = _clustered(values, clusters)
    return _cr2(array, codes, np.zeros(len(array), dtype=np.int64), level)


def cluster_difference_interval(
    values: ArrayLike, clusters: ArrayLike, member: ArrayLike, *, level: float = 0.95
) -> Interval:
    """Interval of the mean of ``member`` rows less the mean of the others; clusters may lie in both groups or one.

    ``values``, ``clusters``, ``member`` (bool): shape (n,); each group in at least 2 clusters. CR2 with
    Satterthwaite's degrees of freedom, as in ``cluster_mean_interval``; what a cluster adds to both means is
    subtracted before it is squared, so clusters that hold both groups pair them.

    >>> values, clusters = [2.0, 1.0, 5.0, 3.0, 8.0, 4.0], [0, 0, 1, 1, 2, 2]
    >>> interval = cluster_difference_interval(values, clusters, np.array([True, False] * 3))
    >>> round(interval.value, 4), round(interval.standard_error or 0, 4)  # of 1, 2 and 4
    (2.3333, 0.8819)
    """
    array, codes = _clustered(values, clusters)
    groups = np.asarray(member)
    if groups.shape != array.shape or groups.dtype != np.bool_:
        raise ValueError(f"member has shape {groups.shape} of {groups.dtype}; expected ({len(array)},) of bool")
    if groups.all() or not groups.any():
        raise ValueError("member is the same in every row; expected rows of both groups")
    return _cr2(array, codes, (~groups).astype(np.int64), level)


def design_effect(values: ArrayLike, clusters: ArrayLike) -> Clustering:
    """Intraclass correlation by analysis of variance (Donner 1986), and the design effect that follows (Kish 1965).

    ``icc = (MSB - MSW) / (MSB + (n0 - 1) MSW)``, ``n0 = (n - sum n_g^2 / n) / (k - 1)``, at least 0;
    ``design effect = 1 + (sum n_g^2 / n - 1) icc``. ``values`` shape (n,), ``clusters`` shape (n,), at least 2
    labels, and one cluster of at least 2 rows. Values that are all equal show no resemblance: 0.

    >>> found = design_effect([1.0, 1.0, 2.0, 2.0], ["a", "a", "b", "b"])
    >>> found.icc, found.design_effect, found.n_effective
    (1.0, 2.0, 2.0)
    """
    array, codes = _clustered(values, clusters)
    sizes = np.bincount(codes)
    n, k = len(array), len(sizes)
    if n == k:
        raise ValueError("every cluster has one row; expected at least one of 2 rows, or there is nothing to compare")
    means = np.bincount(codes, weights=array) / sizes
    between = float((sizes * (means - array.mean()) ** 2).sum()) / (k - 1)
    within = float(((array - means[codes]) ** 2).sum()) / (n - k)
    crowd = float((sizes.astype(np.float64) ** 2).sum()) / n
    total = between + ((n - crowd) / (k - 1) - 1) * within
    icc = max(0.0, (between - within) / total) if total > 0 else 0.0
    return Clustering(n=n, clusters=k, icc=icc, design_effect=1 + (crowd - 1) * icc)


def bca_draws(
    sums: ArrayLike,
    statistic: Callable[[Reals], Reals],
    *,
    rng: Generator,
    draws: int = DRAWS,
    resamples: int = BCA_RESAMPLES,
) -> tuple[float, ...]:
    """Sorted draws whose percentiles are the BCa bounds (Efron 1987) of a statistic of sums over clusters.

    ``sums``: shape (clusters, k), what each cluster adds to k totals (its rows and its events, say).
    ``statistic`` maps totals, shape (B, k), to shape (B,). Clusters are resampled whole. With G the distribution of
    the resampled statistic, ``z0 = Phi^-1(share below the observed value)`` and a the acceleration from leaving
    each cluster out (``sum d^3 / 6 (sum d^2)^1.5``, d the mean of the values without one, less each), the bound at
    alpha is ``G^-1(Phi(z0 + (z0 + z) / (1 - a (z0 + z))))``. z is not the normal quantile but ``sqrt(k / (k - 1))``
    times Student's of k - 1 degrees of freedom, k clusters: resampling k of k is narrow by the first and knows
    nothing of the second, and without both 40 clusters would cover 94 % (Hesterberg 2015). Reading that curve at
    ``draws`` even steps keeps it whole: an estimate stores them with the method ``bca`` and has every bound and
    every p-value.

    >>> clusters = np.array([[1.0, 2.0], [3.0, 2.0], [2.0, 2.0], [2.0, 2.0]])
    >>> found = bca_draws(clusters, lambda t: t[:, 0] / t[:, 1], rng=np.random.default_rng(1), draws=99)
    >>> len(found), 0.5 <= found[0] <= found[-1] <= 1.5
    (99, True)
    """
    table = finite_array("sums", sums, dimensions=2, at_least=1)
    if len(table) < 2:
        raise ValueError("sums has 1 cluster; expected at least 2")
    resampled = np.array(sorted_draws(statistic(weighted_sums(table, rng=rng, draws=resamples)), resamples))
    total = table.sum(axis=0)
    observed = float(statistic(total[None, :])[0])
    without = np.array(sorted_draws(statistic(total - table), len(table)))
    shares = _corrected(np.arange(1, draws + 1) / (draws + 1), observed, resampled, without)
    return tuple(np.quantile(resampled, shares, method="weibull").tolist())


def _corrected(shares: Reals, observed: float, resampled: Reals, without: Reals) -> Reals:
    """Which share of the resampled values lies below the BCa bound of each share; rises with it."""
    from scipy.special import ndtr, ndtri, stdtrit

    size, clusters = len(resampled), len(without)
    below = (np.searchsorted(resampled, observed, "left") + np.searchsorted(resampled, observed, "right")) / 2
    bias = ndtri(min(max(below / size, 1 / (size + 1)), size / (size + 1)))
    gaps = without.mean() - without
    squares = float((gaps**2).sum())
    acceleration = float((gaps**3).sum()) / (6 * squares**1.5) if squares > 0 else 0.0
    reach = bias + math.sqrt(clusters / (clusters - 1)) * stdtrit(clusters - 1, shares)
    slowed = 1 - acceleration * reach
    # Past its pole the curve has left every share behind.
    moved = np.where(slowed > 0, reach / np.where(slowed > 0, slowed, 1.0), np.sign(reach) * np.inf)
    return np.asarray(ndtr(bias + moved))


def _clustered(values: ArrayLike, clusters: ArrayLike) -> tuple[Reals, NDArray[np.int64]]:
    array, labels = finite_array("values", values), np.asarray(clusters)
    if labels.shape != array.shape:
        raise ValueError(f"clusters has shape {labels.shape}; expected ({len(array)},), a label for each value")
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise ValueError("clusters holds NaN or infinity; expected a label for each value")
    names, codes = np.unique(labels, return_inverse=True)
    if len(names) < 2:
        raise ValueError(f"clusters holds one label, {names[0]}; expected at least 2")
    return array, codes


def _cr2(values: Reals, clusters: NDArray[np.int64], groups: NDArray[np.int64], level: float) -> Interval:
    """Mean of group 0, less that of group 1 where there is one."""
    sums = ClusterSums.of(values, np.ones(len(values)), clusters, groups)
    student = sums.contrast({0: 1.0, 1: -1.0} if groups.any() else {0: 1.0})
    return student.interval(level=level, method="cr2")
