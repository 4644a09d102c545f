"""Weighted, clustered contrasts against the matrices that define CR2, against statsmodels, and in simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probandum import stats
from probandum.evidence import Floats
from probandum.stats import ClusterSums
from probandum.subject import Codes


def by_matrices(y: Floats, w: Floats, clusters: Codes, groups: Codes, factors: Floats) -> tuple[float, float, float]:
    """Value, standard error and degrees of freedom by Pustejovsky and Tipton's matrices, one a cluster."""
    design = np.stack([groups == group for group in range(len(factors))], axis=1).astype(float)
    bread = np.linalg.inv(design.T @ (w[:, None] * design))
    leave = np.eye(len(y)) - design @ bread @ (w[:, None] * design).T
    residuals = leave @ y
    variance, rows = 0.0, []
    for cluster in np.unique(clusters):
        inside = np.flatnonzero(clusters == cluster)
        values, vectors = np.linalg.eigh(leave[inside] @ leave[inside].T)
        adjusted = (vectors / np.sqrt(values)) @ vectors.T @ (w[inside, None] * design[inside]) @ bread @ factors
        variance += float(adjusted @ residuals[inside]) ** 2
        rows.append(leave[inside].T @ adjusted)
    form = np.array(rows) @ np.array(rows).T
    value = factors @ bread @ design.T @ (w * y)
    return float(value), math.sqrt(variance), form.trace() ** 2 / float((form**2).sum())


def drawn(seed: int, rows: int = 60, clusters: int = 12) -> tuple[Floats, Floats, Codes, Codes]:
    """Values, weights, clusters and two groups."""
    rng = np.random.default_rng(seed)
    return (
        rng.normal(size=rows),
        rng.uniform(0.2, 5.0, rows),
        rng.permutation(np.arange(rows) % clusters),
        rng.integers(0, 2, rows),
    )


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("weighted", [True, False])
def test_contrasts_are_those_of_the_matrices(seed: int, *, weighted: bool) -> None:
    """Closed sums over clusters give what an inverse root of a matrix for each cluster gives, for any contrast."""
    y, w, clusters, groups = drawn(seed)
    w = w if weighted else np.ones(len(y))
    factors = np.random.default_rng(seed).normal(size=2)
    found = ClusterSums.of(y, w, clusters, groups).contrast(dict(enumerate(factors.tolist())))

    assert by_matrices(y, w, clusters, groups, factors) == pytest.approx((found.mean, found.standard_error, found.df))


def test_many_groups_have_the_degrees_of_freedom_of_the_matrices() -> None:
    """Forty of them, held as nearly empty matrices, give what whole matrices give."""
    rng = np.random.default_rng(1)
    y, w, groups = rng.normal(size=400), rng.uniform(0.2, 5.0, 400), np.arange(400) % 40
    clusters = rng.integers(0, 90, 400)
    factors = rng.normal(size=40)
    found = ClusterSums.of(y, w, clusters, groups).contrast(dict(enumerate(factors.tolist())))

    assert by_matrices(y, w, clusters, groups, factors) == pytest.approx((found.mean, found.standard_error, found.df))


def test_statsmodels_agrees() -> None:
    """With many clusters the standard error is about that of statsmodels' weighted least squares by clusters."""
    sm = pytest.importorskip("statsmodels.api")
    y, w, clusters, groups = drawn(3, rows=4000, clusters=1000)
    found = ClusterSums.of(y, w, clusters, groups).contrast({1: 1.0, 0: -1.0})
    fit = sm.WLS(y, sm.add_constant(groups.astype(float)), weights=w).fit(
        cov_type="cluster", cov_kwds={"groups": clusters}
    )

    assert fit.params[1] == pytest.approx(found.mean)
    assert fit.bse[1] == pytest.approx(found.standard_error, rel=0.01)


def test_single_rows_of_equal_weight_are_student() -> None:
    """A cluster a row and equal weights, of whatever size, give Student's interval of a mean."""
    y = drawn(1)[0]
    found = ClusterSums.of(y, np.full(len(y), 3.0), np.arange(len(y)), np.zeros(len(y), dtype=np.int64)).contrast(
        {0: 1}
    )
    plain = stats.mean_interval(y)

    assert (plain.standard_error, plain.df) == pytest.approx((found.standard_error, found.df))


def test_two_values_by_hand() -> None:
    """Of 0 and 1 with weights 1 and 3 the mean is 3/4; 16/10 persons of equal weight would say as much."""
    sums = ClusterSums.of(np.array([0.0, 1.0]), np.array([1.0, 3.0]), np.arange(2), np.zeros(2, dtype=np.int64))

    assert (0.75, 1.6, 2) == (sums.mean(0), sums.effective_size(0), sums.size(0))


@given(st.integers(0, 10_000), st.floats(0.01, 100.0))
def test_the_scale_of_weights_does_not_matter(seed: int, scale: float) -> None:
    """Weights that sum to the population, or to the sample, say the same."""
    y, w, clusters, groups = drawn(seed)
    one, other = (ClusterSums.of(y, each, clusters, groups).contrast({0: 1, 1: -1}) for each in (w, scale * w))

    assert (one.mean, one.standard_error, one.df) == pytest.approx((other.mean, other.standard_error, other.df))


@given(st.integers(0, 10_000))
def test_rows_of_no_weight_stand_for_nobody(seed: int) -> None:
    """They move nothing, and their clusters are not counted."""
    y, w, clusters, groups = drawn(seed)
    longer = [np.append(part, extra) for part, extra in ((y, 99.0), (w, 0.0), (clusters, 77), (groups, 1))]
    one, other = ClusterSums.of(y, w, clusters, groups), ClusterSums.of(*longer)

    assert (one.contrast({0: 1, 1: -1}), one.size(0, 1)) == (other.contrast({0: 1, 1: -1}), other.size(0, 1))


@given(st.integers(0, 10_000))
def test_influence_sums_to_nothing(seed: int) -> None:
    """What clusters add to a contrast is about its value."""
    y, w, clusters, groups = drawn(seed)
    found, added = ClusterSums.of(y, w, clusters, groups).influence({0: 1.0, 1: -2.0})

    assert 0.0 == pytest.approx(float(added.sum()), abs=1e-12)
    assert len(np.unique(clusters)) == len(found)


def test_a_group_in_one_cluster_is_refused() -> None:
    """It shows no variance."""
    sums = ClusterSums.of(np.ones(3), np.ones(3), np.array([0, 2, 1]), np.array([0, 0, 1]))

    with pytest.raises(ValueError, match="group 1 lies in 1 cluster; expected at least 2"):
        sums.contrast({0: 1.0, 1: -1.0})


def test_intervals_cover_where_rows_alone_do_not() -> None:
    """Persons with ten alike rows and weights: CR2 covers the truth 95 % of the time, intervals of rows far less."""
    covered = naive = 0
    runs = 400
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        persons = np.repeat(np.arange(30), 10)
        groups, weights = persons % 2, rng.uniform(0.5, 2.0, 30)[persons]
        chance = rng.beta(1, 1, 30)[persons]  # of mean 1/2 in both groups
        happened = (rng.random(300) < chance).astype(float)
        wide = (
            ClusterSums.of(happened, weights, persons, groups)
            .contrast({1: 1, 0: -1})
            .interval(level=0.95, method="cr2")
        )
        rows = stats.welch_interval(happened[groups == 1], happened[groups == 0])
        covered += wide.low <= 0 <= wide.high
        naive += rows.low <= 0 <= rows.high

    assert 0.93 <= covered / runs <= 0.975
    assert naive / runs < 0.75
