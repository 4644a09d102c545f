"""Whether predicted probabilities come true, and whether scores still look as they did."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from probandum.stats.checking import Reals, finite_array
from probandum.stats.intervals import Interval
from probandum.stats.linearised import ClusterSums, Linearised, Whole, rows_influence
from probandum.stats.means import Student, satterthwaite

Equal = Literal["mass", "width"]

BINS = 15
PSI_BINS = 10
#: The share that an empty bin counts for.
PSI_LEAST = 1e-4
#: Below so many values on either side the chi-squared null of the PSI is too far off, and labels are permuted.
PSI_ASYMPTOTIC = 500
PERMUTATIONS = 1000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reliability:
    """Predictions by bin: ``n`` rows, the mean ``predicted`` probability, ``events`` that came true; shape (bins,)."""

    n: NDArray[np.int64]
    predicted: Reals
    events: NDArray[np.int64]

    @property
    def _gaps(self) -> Reals:
        return self.predicted - self.events / self.n

    @property
    def plug_in(self) -> float:
        """``sum w |p - y|``: the usual expected calibration error, biased upwards; never to be shown alone."""
        return float((self.n * np.abs(self._gaps)).sum() / self.n.sum())

    @property
    def squared(self) -> float:
        """``sum w ((p - y)^2 - y (1 - y) / (n - 1))``: 0 on average where calibrated, and may be negative."""
        rates = self.events / self.n
        return float((self.n * (self._gaps**2 - rates * (1 - rates) / (self.n - 1))).sum() / self.n.sum())

    @property
    def debiased(self) -> float:
        """The root of ``squared``, 0 where that is negative."""
        return math.sqrt(max(0.0, self.squared))


def reliability(p: ArrayLike, y: ArrayLike, *, bins: int = BINS, equal: Equal = "mass") -> Reliability:
    """Rows binned by predicted probability, in bins of equal mass or of equal width.

    ``p``: probabilities, shape (n,); ``y``: 0 or 1 (or bool), shape (n,); n at least 2. Equal predictions always
    share a bin, so there may be fewer bins than asked for; a bin of one row, which has no variance to take off,
    joins its neighbour above (the highest: below).

    >>> reliability([0.1, 0.1, 0.9, 0.9], [0, 0, 1, 0], bins=2).events.tolist()
    [0, 1]
    """
    shares, outcomes = _predictions(p, y)
    codes = _binned(shares, bins, equal)
    sizes = np.bincount(codes)
    return Reliability(
        n=sizes,
        predicted=np.bincount(codes, weights=shares) / sizes,
        events=np.bincount(codes, weights=outcomes).astype(np.int64),
    )


def debiased_ece(p: ArrayLike, y: ArrayLike, *, bins: int = BINS, equal: Equal = "mass") -> float:
    """Root mean squared calibration error without the bias of small bins, from 0 to 1 (Kumar, Liang and Ma 2019).

    ``sqrt(max(0, sum_b w_b ((p_b - y_b)^2 - y_b (1 - y_b) / (n_b - 1))))``; arguments as ``reliability``. Read
    it beside ``calibration_null``: what a calibrated system of the same predictions shows.

    >>> round(debiased_ece([0.5] * 4, [1, 1, 1, 0], bins=1), 9), debiased_ece([0.5] * 4, [1, 1, 0, 0], bins=1)
    (0.0, 0.0)
    >>> round(debiased_ece([0.1] * 4, [1, 1, 1, 0], bins=1), 4)  # sqrt(0.65 ** 2 - 0.1875 / 3)
    0.6
    """
    return reliability(p, y, bins=bins, equal=equal).debiased


def calibration_null(
    p: ArrayLike, *, rng: Generator, bins: int = BINS, equal: Equal = "mass", draws: int = 1000, share: float = 0.95
) -> float:
    """The quantile at ``share`` of ``debiased_ece`` if every outcome came true with its predicted probability."""
    shares, _ = _predictions(p, np.zeros(len(np.atleast_1d(np.asarray(p)))))
    codes = _binned(shares, bins, equal)
    sizes = np.bincount(codes)
    predicted = np.bincount(codes, weights=shares) / sizes
    found = [
        Reliability(
            n=sizes,
            predicted=predicted,
            events=np.bincount(codes, weights=rng.random(len(shares)) < shares).astype(np.int64),
        ).debiased
        for _ in range(draws)
    ]
    return float(np.quantile(found, share))


def calibration_in_the_large(p: ArrayLike, y: ArrayLike, *, level: float = 0.95) -> Interval:
    """Interval of mean(y) - mean(p), from -1 to 1, neutral value 0: above 0, more came true than was predicted.

    Student's t of y - p. Outcomes that are all alike, or that miss their prediction all by the same, vary as the
    share (x + 1) / (n + 2) would, so that no events are no certainty. Arguments as ``reliability``.

    >>> interval = calibration_in_the_large([0.1, 0.4, 0.6, 0.7], [0, 1, 0, 1])
    >>> round(interval.value, 9), round(interval.standard_error or 0, 4)  # of -0.1, 0.6, -0.6, 0.3
    (0.05, 0.2598)
    """
    shares, outcomes = _predictions(p, y)
    n, events = len(shares), float(outcomes.sum())
    gaps = outcomes - shares
    variance = float(gaps.var(ddof=1))
    if events in (0, n) or np.ptp(gaps) == 0:
        share = (events + 1) / (n + 2)
        variance = max(variance, share * (1 - share))
    student = Student(mean=float(gaps.mean()), standard_error=math.sqrt(variance / n), df=n - 1.0)
    return student.interval(level=level, method="t")


def clustered_calibration_in_the_large(
    p: ArrayLike, y: ArrayLike, *, weights: Reals, clusters: Whole, groups: Whole
) -> Linearised:
    """Weighted mean(y) - mean(p) of group 0, less that of group 1 where there is one, over clusters (CR2).

    ``weights``, ``clusters`` and ``groups`` (codes from 0): shape (n,). Of a group whose outcomes are all alike, or
    miss their prediction all by the same, the variance is at least that of the share (x + 1) / (n + 2), n the clusters
    of equal weight that it is worth and x as many of them. ValueError where a group lies in one cluster.

    >>> parts = {"weights": np.array([1.0, 1.0, 2.0]), "clusters": np.arange(3), "groups": np.zeros(3, dtype=np.int64)}
    >>> clustered_calibration_in_the_large([0.5, 0.5, 0.5], [0, 0, 1], **parts).student.mean
    0.0
    """
    shares, outcomes = _predictions(p, y)
    gaps = outcomes - shares
    sums = ClusterSums.of(gaps, weights, clusters, groups)
    factors = {0: 1.0, 1: -1.0} if groups.any() else {0: 1.0}
    found = sums.contrast(factors)
    parts = [(found.standard_error**2, found.df)]
    for group in factors:
        rows = (groups == group) & (weights > 0)
        known = outcomes[rows]
        if np.ptp(known) > 0 and np.ptp(gaps[rows]) > 0:
            continue
        size = sums.effective_size(group)
        share = (float(np.average(known, weights=weights[rows])) * size + 1) / (size + 2)
        lacking = share * (1 - share) / size - sums.contrast({group: 1.0}).standard_error ** 2
        if lacking > 0:
            parts.append((lacking, max(size - 1, 1.0)))
    error = math.sqrt(math.fsum(variance for variance, _ in parts))
    student = Student(mean=found.mean, standard_error=error, df=satterthwaite(*parts))
    return Linearised(student=student, influence=rows_influence(gaps, weights, groups, factors))


@dataclass(frozen=True, slots=True, kw_only=True)
class StabilityIndex:
    """A population stability index with what it is where nothing has changed: ``expected``, and its 95 % point.

    ``null_95`` is None where a permutation was needed (fewer than 500 values on a side) and no generator given.
    """

    value: float
    expected: float
    null_95: float | None
    bins: int


def psi(reference: ArrayLike, new: ArrayLike, *, bins: int = PSI_BINS, rng: Generator | None = None) -> StabilityIndex:
    """``sum (q_b - p_b) ln(q_b / p_b)`` over quantile bins of the reference, from 0 upwards, neutral value 0.

    ``reference`` shape (N,), ``new`` shape (M,), both at least 2; a bin's share counts as 0.0001 at least. The
    customary 0.1 and 0.25 know nothing of N and M. Where nothing has changed the index is about
    ``(B - 1)(1/N + 1/M)``, and 95 % of the time below the point of chi-squared(B - 1) times (1/N + 1/M); with fewer
    than 500 values on a side, below the point that permuting the labels gives (``rng``).

    >>> found = psi([1.0, 2.0, 3.0, 4.0] * 250, [1.0, 1.0, 2.0, 2.0, 3.0, 4.0, 4.0, 4.0] * 125, bins=4)
    >>> round(found.value, 6), found.bins  # shares 2/8, 2/8, 1/8, 3/8: (1/8) ln 2 + (1/8) ln 1.5
    (0.137327, 4)
    """
    first, second = finite_array("reference", reference), finite_array("new", new)
    _refuse_bins(bins)
    value, used = _psi(first, second, bins)
    n, m = len(first), len(second)
    return StabilityIndex(
        value=value,
        expected=(used - 1) * (1 / n + 1 / m),
        null_95=_psi_null(first, second, bins, used, rng),
        bins=used,
    )


def _psi_null(first: Reals, second: Reals, bins: int, used: int, rng: Generator | None) -> float | None:
    from scipy.special import chdtri

    n, m = len(first), len(second)
    if min(n, m) >= PSI_ASYMPTOTIC:
        return float(chdtri(used - 1, 0.05)) * (1 / n + 1 / m) if used > 1 else 0.0
    if rng is None:
        return None
    pooled = np.concatenate([first, second])
    found = []
    for _ in range(PERMUTATIONS):
        shuffled = rng.permutation(pooled)
        found.append(_psi(shuffled[:n], shuffled[n:], bins)[0])
    return float(np.quantile(found, 0.95))


def _psi(reference: Reals, new: Reals, bins: int) -> tuple[float, int]:
    edges = _quantile_edges(reference, bins)
    used = len(edges) + 1
    p, q = (
        np.maximum(np.bincount(np.searchsorted(edges, x, side="left"), minlength=used) / len(x), PSI_LEAST)
        for x in (reference, new)
    )
    return float(((q - p) * np.log(q / p)).sum()), used


def _quantile_edges(values: Reals, bins: int) -> Reals:
    """Upper ends of the bins but the last, each a value; equal values share a bin."""
    ordered = np.sort(values)
    places = np.ceil(np.arange(1, bins) * len(ordered) / bins).astype(np.int64) - 1
    edges: Reals = np.unique(ordered[np.maximum(places, 0)])
    inner: Reals = edges[edges < ordered[-1]]
    return inner


def _binned(shares: Reals, bins: int, equal: Equal) -> NDArray[np.int64]:
    """The bin of each prediction, from 0 without a gap, each of at least 2 rows."""
    _refuse_bins(bins)
    if equal not in ("mass", "width"):
        raise ValueError(f"equal is {equal!r}; expected mass or width")
    edges = _quantile_edges(shares, bins) if equal == "mass" else np.arange(1, bins) / bins
    codes = np.searchsorted(edges, shares, side="left")
    sizes = np.bincount(codes)
    joined, current, rows = np.zeros(len(sizes), dtype=np.int64), 0, 0
    for index, size in enumerate(sizes):
        joined[index] = current
        rows += size
        if rows >= 2:
            current, rows = current + 1, 0
    if rows:  # one row is left over at the top
        joined[joined == current] = max(current - 1, 0)
    merged: NDArray[np.int64] = joined[codes]
    return merged


def _predictions(p: ArrayLike, y: ArrayLike) -> tuple[Reals, Reals]:
    shares, outcomes = finite_array("p", p), finite_array("y", y)
    if len(shares) != len(outcomes):
        raise ValueError(f"y has {len(outcomes)} values; expected {len(shares)}, one a prediction")
    if ((shares < 0) | (shares > 1)).any():
        raise ValueError("p holds a number outside 0 to 1; expected probabilities")
    if not np.isin(outcomes, (0.0, 1.0)).all():
        raise ValueError("y holds what is neither 0 nor 1; expected outcomes")
    return shares, outcomes


def _refuse_bins(bins: int) -> None:
    if bins < 1:
        raise ValueError(f"bins is {bins}; expected at least 1")
