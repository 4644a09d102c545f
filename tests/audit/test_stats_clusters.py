"""Cluster-robust intervals against dense matrices, other libraries, and simulated clusters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats as scipy_stats
from statsmodels.regression.linear_model import OLS

from probandum import stats

Floats = NDArray[np.float64]
seeds = st.integers(0, 2**32 - 1)


def ragged(rng: np.random.Generator, clusters: int, most: int = 7) -> NDArray[np.int64]:
    """Labels of clusters of unequal size."""
    return np.repeat(np.arange(clusters), rng.integers(1, most + 1, clusters))


def dense(X: Floats, y: Floats, clusters: NDArray[np.int64], contrast: Floats) -> tuple[float, float, float]:
    """Value, CR2 standard error and Bell and McCaffrey's degrees of freedom by their matrices."""
    n, labels = len(y), np.unique(clusters)
    bread = np.linalg.inv(X.T @ X)
    beta = bread @ X.T @ y
    hat = X @ bread @ X.T
    residual = np.eye(n) - hat
    variance, columns = 0.0, []
    for label in labels:
        rows = clusters == label
        values, vectors = np.linalg.eigh(residual[np.ix_(rows, rows)])
        adjusted = vectors @ np.diag(values**-0.5) @ vectors.T
        weights = adjusted @ X[rows] @ bread @ contrast
        variance += float(weights @ (y - X @ beta)[rows]) ** 2
        columns.append(residual[:, rows] @ weights)
    inner = np.array(columns) @ np.array(columns).T
    return float(contrast @ beta), math.sqrt(variance), float(np.trace(inner) ** 2 / (inner**2).sum())


@pytest.mark.parametrize("seed", range(4))
def test_mean_is_that_of_dense_matrices(seed: int) -> None:
    """Value, standard error and degrees of freedom of a mean are those of CR2's definition."""
    rng = np.random.default_rng(seed)
    clusters = ragged(rng, 9)
    y = rng.normal(size=len(clusters)) + rng.normal(size=9)[clusters]
    interval = stats.cluster_mean_interval(y, clusters)
    expected = dense(np.ones((len(y), 1)), y, clusters, np.ones(1))

    assert expected == pytest.approx((interval.value, interval.standard_error, interval.df))


@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_difference_is_that_of_dense_matrices(seed: int, nested: bool) -> None:
    """So are those of a difference, whether clusters lie inside one group or hold both."""
    rng = np.random.default_rng(seed)
    clusters = ragged(rng, 12)
    member = clusters % 3 == 0 if nested else rng.random(len(clusters)) < 0.4
    y = rng.normal(size=len(clusters)) + rng.normal(size=12)[clusters]
    interval = stats.cluster_difference_interval(y, clusters, member)
    X = np.stack([np.ones(len(y)), member], axis=1)
    expected = dense(X, y, clusters, np.array([0.0, 1.0]))

    assert expected == pytest.approx((interval.value, interval.standard_error, interval.df))


def test_many_clusters_agree_with_statsmodels() -> None:
    """With many clusters CR2 is the usual cluster-robust standard error of statsmodels."""
    rng = np.random.default_rng(5)
    clusters = ragged(rng, 800)
    member = rng.random(len(clusters)) < 0.5
    y = rng.normal(size=len(clusters)) + rng.normal(size=800)[clusters]
    fit = OLS(y, np.stack([np.ones(len(y)), member], axis=1)).fit(cov_type="cluster", cov_kwds={"groups": clusters})

    assert fit.bse[1] == pytest.approx(stats.cluster_difference_interval(y, clusters, member).standard_error, rel=0.01)


def test_equal_clusters_are_student_of_their_means() -> None:
    """With clusters of one size the interval is Student's of the cluster means."""
    values = np.random.default_rng(6).normal(size=(8, 5))
    interval = stats.cluster_mean_interval(values.ravel(), np.repeat(np.arange(8), 5))
    plain = stats.mean_interval(values.mean(axis=1))

    assert (plain.low, plain.high, plain.df) == pytest.approx((interval.low, interval.high, interval.df))


def test_clusters_of_one_row_are_student_and_nearly_welch() -> None:
    """Without clusters a mean has Student's interval and a difference Welch's standard error."""
    rng = np.random.default_rng(7)
    y, member = rng.normal(size=40), np.arange(40) < 15
    mean, gap = stats.cluster_mean_interval(y, range(40)), stats.cluster_difference_interval(y, range(40), member)
    welch = stats.welch_interval(y[member], y[~member])

    assert scipy_stats.sem(y) == pytest.approx(mean.standard_error)
    assert welch.standard_error == pytest.approx(gap.standard_error)


def test_few_ragged_clusters_are_covered_where_rows_are_not() -> None:
    """Ten clusters of unequal size are covered at about the level, and far from it when rows count as independent."""
    rng = np.random.default_rng(8)
    covered = naive = 0
    for _ in range(800):
        clusters = ragged(rng, 10, 12)
        y = rng.normal(size=len(clusters)) + rng.normal(size=10)[clusters]
        interval, rows = stats.cluster_mean_interval(y, clusters), stats.mean_interval(y)
        covered += interval.low <= 0 <= interval.high
        naive += rows.low <= 0 <= rows.high

    assert 0.92 <= covered / 800 <= 0.98
    assert naive / 800 < 0.75


@given(seeds, st.floats(-3, 3), st.floats(0.1, 4))
def test_differences_are_equivariant(seed: int, shift: float, scale: float) -> None:
    """Labels and order do not matter; shifts leave a difference, scales scale it, exchanged groups negate it."""
    rng = np.random.default_rng(seed)
    clusters = ragged(rng, 6)
    member = rng.random(len(clusters)) < 0.5
    member[[0, -1]], member[np.flatnonzero(np.diff(clusters))] = (True, False), True
    member[np.flatnonzero(np.diff(clusters)) + 1] = False
    if min(len(np.unique(clusters[member])), len(np.unique(clusters[~member]))) < 2:
        return
    y = rng.normal(size=len(clusters))
    one = stats.cluster_difference_interval(y, clusters, member)
    order = rng.permutation(len(y))
    names = np.array([f"person {i}" for i in rng.permutation(6)])
    moved = stats.cluster_difference_interval(scale * y[order] + shift, names[clusters][order], member[order])
    exchanged = stats.cluster_difference_interval(y, clusters, ~member)

    assert (scale * one.low, scale * one.high) == pytest.approx((moved.low, moved.high), abs=1e-9)
    assert (-one.high, -one.low) == pytest.approx((exchanged.low, exchanged.high), abs=1e-9)


def test_moments_are_all_a_judge_needs() -> None:
    """The interval at any level comes from value, standard error and degrees of freedom."""
    values, clusters = [1.0, 3.0, 2.0, 4.0, 6.0, 9.0], [0, 0, 1, 1, 2, 3]
    kept = stats.cluster_mean_interval(values, clusters)
    assert kept.standard_error is not None and kept.df is not None
    again = stats.bounds("cr2", level=0.8, moments=(kept.value, kept.standard_error, kept.df))

    assert stats.cluster_mean_interval(values, clusters, level=0.8) == again


def test_design_effect_of_planted_resemblance() -> None:
    """With an intraclass correlation of 0.2 and clusters of ten, rows count for 1 in 2.8."""
    rng = np.random.default_rng(9)
    clusters = np.repeat(np.arange(3000), 10)
    y = math.sqrt(0.2) * rng.normal(size=3000)[clusters] + math.sqrt(0.8) * rng.normal(size=30000)
    found = stats.design_effect(y, clusters)

    assert 0.2 == pytest.approx(found.icc, abs=0.015)
    assert 2.8 == pytest.approx(found.design_effect, abs=0.15)
    assert 30000 == pytest.approx(found.n_effective * found.design_effect)


@given(seeds)
def test_effective_n_lies_between_clusters_and_rows(seed: int) -> None:
    """Resemblance never adds rows, and equal clusters never count for less than one row each."""
    rng = np.random.default_rng(seed)
    clusters = np.repeat(np.arange(6), 4)
    found = stats.design_effect(rng.normal(size=24) + rng.normal(size=6)[clusters], clusters)

    assert 0 <= found.icc <= 1
    assert 6 - 1e-9 <= found.n_effective <= 24


def ratio(totals: Floats) -> Floats:
    """The second total over the first: a mean over rows."""
    return np.asarray(totals[:, 1] / totals[:, 0])


def test_bca_agrees_with_scipy() -> None:
    """For clusters of one row the draws have scipy's BCa bounds at the level that Student's t widens it to."""
    values = np.random.default_rng(10).lognormal(size=60)
    draws = stats.bca_draws(np.stack([np.ones(60), values], axis=1), ratio, rng=np.random.default_rng(11))
    ours = stats.bounds("bca", level=0.9, draws=draws, value=float(values.mean()))
    wider = 1 - 2 * scipy_stats.norm.sf(math.sqrt(60 / 59) * scipy_stats.t.isf(0.05, 59))
    theirs = scipy_stats.bootstrap(
        (values,), np.mean, confidence_level=wider, n_resamples=20_000, method="BCa", rng=np.random.default_rng(12)
    ).confidence_interval

    assert (theirs.low, theirs.high) == pytest.approx((ours.low, ours.high), abs=0.025)


def test_bca_reaches_further_into_a_long_tail_than_percentiles() -> None:
    """Where the statistic is skewed both BCa bounds lie above those of the percentile interval."""
    values = np.random.default_rng(13).lognormal(sigma=1.2, size=50)
    rows = np.stack([np.ones(50), values], axis=1)
    draws = stats.bca_draws(rows, ratio, rng=np.random.default_rng(14))
    plain = stats.mean_draws(values, rng=np.random.default_rng(14), draws=10_000)
    value = float(values.mean())
    ours = stats.bounds("bca", level=0.95, draws=draws, value=value)
    percentile = stats.percentile_interval(value, plain)

    assert ours.low > percentile.low
    assert ours.high > percentile.high


def test_bca_resamples_clusters_whole() -> None:
    """Its width is that of the cluster means, and not that of rows."""
    rng = np.random.default_rng(15)
    clusters = np.repeat(np.arange(60), 8)
    y = rng.normal(size=60)[clusters] + 0.1 * rng.normal(size=480)
    sums = np.stack([np.bincount(clusters), np.bincount(clusters, weights=y)], axis=1)
    draws = stats.bca_draws(sums, ratio, rng=rng)
    ours = stats.bounds("bca", level=0.95, draws=draws, value=float(y.mean()))
    robust = stats.cluster_mean_interval(y, clusters)

    assert robust.high - robust.low == pytest.approx(ours.high - ours.low, rel=0.1)


def test_bca_depends_on_the_seed_alone_and_stays_within_the_draws() -> None:
    """The same generator gives the same draws, sorted; constant clusters give a constant."""
    rows = np.array([[1.0, 2.0], [2.0, 2.0], [1.0, 0.0], [3.0, 9.0]])
    one, other = (stats.bca_draws(rows, ratio, rng=np.random.default_rng(16), resamples=999) for _ in range(2))
    flat = stats.bca_draws(np.ones((5, 2)), ratio, rng=np.random.default_rng(17), resamples=999)

    assert one == other
    assert tuple(sorted(one)) == one
    assert 0 <= one[0] and one[-1] <= 3
    assert {1.0} == set(flat)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: stats.cluster_mean_interval([1.0, math.nan], [0, 1]), "values holds NaN or infinity"),
        (lambda: stats.cluster_mean_interval([1.0, 2.0], [0, 0]), "clusters holds one label, 0; expected at least 2"),
        (lambda: stats.cluster_mean_interval([1.0, 2.0], [0]), "clusters has shape (1,); expected (2,)"),
        (lambda: stats.cluster_mean_interval([1.0, 2.0], [0.0, math.nan]), "clusters holds NaN"),
        (
            lambda: stats.cluster_difference_interval([1.0, 2.0, 3.0], [0, 1, 1], np.array([True, False, False])),
            "group 0 lies in 1 cluster",
        ),
        (
            lambda: stats.cluster_difference_interval([1.0, 2.0], [0, 1], np.array([True, True])),
            "member is the same in every row",
        ),
        (lambda: stats.design_effect([1.0, 2.0], [0, 1]), "every cluster has one row"),
        (
            lambda: stats.bca_draws([[1.0, 0.0], [0.0, 1.0]], ratio, rng=np.random.default_rng(1)),
            "the quantity is undefined in",
        ),
        (lambda: stats.bounds("bca", level=0.9), "draws is None; bca expects"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_bad_arguments_are_named(call: Any, said: str) -> None:
    """What cannot be meant is refused in one line that names it."""
    with pytest.raises(ValueError) as caught:
        call()

    assert said in str(caught.value)
