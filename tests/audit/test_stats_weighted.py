"""AUCs, calibration and strata of weighted rows in clusters: beside other implementations and in simulation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probandum import stats
from probandum.evidence import Floats
from probandum.stats import ClusteredStrata, ClusterSums
from probandum.subject import Bools, Codes

RUNS = 400


def scored(seed: int, rows: int = 200, clusters: int = 60) -> tuple[Floats, Floats, Codes, Bools, Bools]:
    """Scores in twentieths, weights, clusters, who is positive and who is of the first group."""
    rng = np.random.default_rng(seed)
    positive = rng.random(rows) < 0.5
    score = np.round(20 / (1 + np.exp(-rng.normal(size=rows) - positive))) / 20
    return score, rng.uniform(0.2, 5.0, rows), rng.integers(0, clusters, rows), positive, rng.random(rows) < 0.5


def difference(
    score: Floats, weights: Floats, clusters: Codes, positive: Bools, group: Bools
) -> tuple[float, float, float]:
    """The moments of the AUC of a group less that of the others."""
    areas = [stats.weighted_area(score, weights, positive & side, ~positive & side) for side in (group, ~group)]
    student = stats.clustered_area(*areas, weights=weights, clusters=clusters).student
    return student.mean, student.standard_error, student.df


@given(st.integers(0, 10_000))
def test_areas_are_those_of_scikit_learn(seed: int) -> None:
    """Weights, ties and all."""
    from sklearn.metrics import roc_auc_score

    score, weights, _, positive, _ = scored(seed, rows=60)

    assert roc_auc_score(positive, score, sample_weight=weights) == pytest.approx(
        stats.weighted_area(score, weights, positive, ~positive).value
    )


@given(st.integers(0, 10_000))
def test_single_rows_of_equal_weight_are_delong(seed: int) -> None:
    """The value and the standard error are the same; only degrees of freedom are CR2's."""
    score, _, _, positive, group = scored(seed)
    plain = [stats.area(score, positive & side, ~positive & side) for side in (group, ~group)]
    interval = stats.auc_difference_interval(*plain)
    value, error, df = difference(score, np.ones(len(score)), np.arange(len(score)), positive, group)

    assert interval.value == value
    assert interval.standard_error == pytest.approx(error)
    assert 0.4 < df / (interval.df or 1.0) < 2.5


@given(st.integers(0, 10_000), st.integers(2, 4))
def test_weights_are_copies(seed: int, many: int) -> None:
    """A weight of k gives the value of k copies."""
    score, _, _, positive, group = scored(seed, rows=60)
    weights = np.random.default_rng(seed).integers(1, many + 1, len(score))
    rows = np.repeat(np.arange(len(score)), weights)
    one = difference(score, weights.astype(float), np.arange(len(score)), positive, group)
    copies = [stats.area(score[rows], (positive & side)[rows], (~positive & side)[rows]) for side in (group, ~group)]

    assert copies[0].value - copies[1].value == pytest.approx(one[0], abs=1e-12)


@given(st.integers(0, 10_000))
def test_copies_under_one_cluster_are_worth_nothing(seed: int) -> None:
    """Every row twice, of its own cluster: the moments stay as they were."""
    score, _, clusters, positive, group = scored(seed)
    ones = np.ones(len(score))
    twice: list[Any] = [np.tile(each, 2) for each in (score, ones, clusters, positive, group)]

    once = difference(score, ones, clusters, positive, group)
    assert once[:2] == pytest.approx(difference(*twice)[:2], rel=0.02)
    single = difference(score, ones, np.arange(len(score)), positive, group)
    twice[2] = np.tile(np.arange(len(score)), 2)
    assert single == pytest.approx(difference(*twice))


@pytest.mark.parametrize("seed", range(5))
def test_the_error_of_an_area_is_that_of_leaving_clusters_out(seed: int) -> None:
    """A jackknife over persons, which knows nothing of placements, gives it within a few per cent."""
    score, weights, clusters, positive, group = scored(seed, rows=600, clusters=200)
    found = difference(score, weights, clusters, positive, group)
    left = []
    for cluster in np.unique(clusters):
        rest = clusters != cluster
        left.append(difference(*(each[rest] for each in (score, weights, clusters, positive, group)))[0])
    k = len(left)
    jackknife = math.sqrt((k - 1) / k * float(((np.array(left) - np.mean(left)) ** 2).sum()))

    assert jackknife == pytest.approx(found[1], rel=0.05)


@given(st.integers(0, 10_000))
def test_influence_is_what_moments_rest_on(seed: int) -> None:
    """It is 0 in sum, and its sums over clusters, squared, are about the variance."""
    score, weights, clusters, positive, _ = scored(seed)
    area = stats.weighted_area(score, weights, positive, ~positive)
    found = stats.clustered_area(area, weights=weights, clusters=clusters)
    sums = np.bincount(clusters, weights=found.influence)

    assert 0.0 == pytest.approx(float(sums.sum()), abs=1e-12)
    assert found.student.standard_error == pytest.approx(float(np.sqrt((sums**2).sum())), rel=0.2)


def test_a_separated_sample_is_no_certainty() -> None:
    """15 disjoint pairs of equal weight bound the AUC, and a difference from it, as DeLong's do."""
    score = np.concatenate([np.arange(15, 30), np.arange(15)]).astype(float)
    positive, ones = np.arange(30) < 15, np.ones(30)
    area = stats.weighted_area(score, ones, positive, ~positive)
    found = stats.clustered_area(area, weights=ones, clusters=np.arange(30)).student
    paired = stats.clustered_area(area, weights=ones, clusters=np.arange(30) % 15).student

    assert (1.0, 0.0, 15.0) == (found.mean, found.standard_error, found.df)
    assert 7.5 == paired.df  # fifteen persons with a row of either kind are seven pairs and a half
    two = np.concatenate([score, score]), np.tile(positive, 2), np.arange(60) < 30
    value, error, _ = difference(two[0], np.ones(60), np.arange(60), two[1], two[2])
    plain = stats.auc_difference_interval(
        *(stats.area(two[0], two[1] & side, ~two[1] & side) for side in (two[2], ~two[2]))
    )
    assert (plain.value, plain.standard_error) == pytest.approx((value, error))


def test_areas_that_share_rows_are_refused() -> None:
    """Nor is there one without a row of some weight on either side."""
    score, weights, clusters, positive, _ = scored(1)
    area = stats.weighted_area(score, weights, positive, ~positive)

    with pytest.raises(ValueError, match="the two areas share rows"):
        stats.clustered_area(area, area, weights=weights, clusters=clusters)
    with pytest.raises(ValueError, match="a row of some weight among each"):
        stats.weighted_area(score, weights * ~positive, positive, ~positive)


def calibrated(
    p: Floats, y: Bools, weights: Floats, clusters: Codes, groups: Codes | None = None
) -> tuple[float, float, float]:
    """Moments of calibration in the large, or of its difference."""
    codes = np.zeros(len(p), dtype=np.int64) if groups is None else groups
    student = stats.clustered_calibration_in_the_large(p, y, weights=weights, clusters=clusters, groups=codes).student
    return student.mean, student.standard_error, student.df


@given(st.integers(0, 10_000))
def test_calibration_of_single_rows_is_student(seed: int) -> None:
    """Value and standard error are those of Student's and of Welch's interval."""
    score, _, _, positive, group = scored(seed)
    ones, rows = np.ones(len(score)), np.arange(len(score))
    plain = stats.calibration_in_the_large(score, positive)
    sides = [stats.calibration_in_the_large(score[side], positive[side]) for side in (group, ~group)]
    found = calibrated(score, positive, ones, rows, (~group).astype(np.int64))

    assert (plain.value, plain.standard_error, plain.df) == pytest.approx(calibrated(score, positive, ones, rows))
    assert sides[0].value - sides[1].value == pytest.approx(found[0], abs=1e-12)
    assert math.hypot(*(side.standard_error or 0.0 for side in sides)) == pytest.approx(found[1])


@pytest.mark.parametrize("outcome", [0, 1])
def test_outcomes_that_are_all_alike_are_no_certainty(outcome: int) -> None:
    """They vary as the share (x + 1) / (n + 2) would, of rows as of persons of equal weight."""
    p, y = np.full(40, 0.5), np.full(40, outcome == 1)
    plain = stats.calibration_in_the_large(p, y)
    found = calibrated(p, y, np.ones(40), np.arange(40))
    twice = calibrated(np.tile(p, 2), np.tile(y, 2), np.ones(80), np.tile(np.arange(40), 2))

    assert (plain.value, plain.standard_error) == pytest.approx(found[:2])
    assert found == pytest.approx(twice)


def test_calibration_agrees_with_statsmodels() -> None:
    """Of many clusters the difference and its error are those of weighted least squares by clusters."""
    sm = pytest.importorskip("statsmodels.api")
    score, weights, clusters, positive, group = scored(3, rows=4000, clusters=1000)
    fit = sm.WLS(positive - score, sm.add_constant(group.astype(float)), weights=weights).fit(
        cov_type="cluster", cov_kwds={"groups": clusters}
    )
    found = calibrated(score, positive, weights, clusters, (~group).astype(np.int64))

    assert fit.params[1] == pytest.approx(found[0])
    assert fit.bse[1] == pytest.approx(found[1], rel=0.01)


def strata_of(
    seed: int, rows: int = 800, clusters: int = 250, strata: int = 4
) -> tuple[Floats, Floats, Codes, Codes, Codes]:
    """Decisions, weights, clusters, strata and sides; the two groups differ otherwise in every stratum."""
    rng = np.random.default_rng(seed)
    stratum, side = rng.integers(0, strata, rows), rng.integers(0, 2, rows)
    chance = 0.2 + 0.5 * stratum / strata + 0.3 * (side == 0) * (stratum % 2)
    return (
        (rng.random(rows) < chance).astype(float),
        rng.uniform(0.2, 5.0, rows),
        rng.integers(0, clusters, rows),
        stratum,
        side,
    )


def within(y: Floats, weights: Floats, clusters: Codes, stratum: Codes, side: Codes) -> ClusteredStrata:
    """The sums of both groups in every stratum."""
    cells = 2 * stratum + side
    return ClusteredStrata(sums=ClusterSums.of(y, weights, clusters, cells), strata=int(stratum.max()) + 1)


def test_the_difference_within_strata_is_a_regression() -> None:
    """It is the coefficient of the group beside a level for each stratum, with the error by clusters of statsmodels."""
    sm = pytest.importorskip("statsmodels.api")
    y, weights, clusters, stratum, side = strata_of(2, rows=6000, clusters=2000)
    design = np.column_stack([(side == 0).astype(float), *(stratum == s for s in range(4))]).astype(float)
    fit = sm.WLS(y, design, weights=weights).fit(
        cov_type="cluster", cov_kwds={"groups": clusters, "use_correction": False}
    )
    found = within(y, weights, clusters, stratum, side).difference()
    influence = found.influence(y, weights, 2 * stratum + side)
    sums = np.bincount(clusters, weights=influence)

    assert fit.params[0] == pytest.approx(found.student.mean)
    assert fit.bse[0] == pytest.approx(float(np.sqrt((sums**2).sum())))
    assert fit.bse[0] == pytest.approx(found.student.standard_error, rel=0.01)


@given(st.integers(0, 10_000))
def test_single_rows_of_equal_weight_have_the_values_of_counts(seed: int) -> None:
    """Difference, ratio and odds ratio are Cochran's and Mantel and Haenszel's of the same tables."""
    y, _, _, stratum, side = strata_of(seed)
    found = within(y, np.ones(len(y)), np.arange(len(y)), stratum, side)
    tables = [
        tuple(
            (int(y[inside].sum()), int(inside.sum()))
            for inside in ((stratum == s) & (side == 0), (stratum == s) & (side == 1))
        )
        for s in range(4)
    ]
    score = stats.stratified_difference_interval(tables)  # type: ignore[arg-type]
    ratio, odds = stats.stratified_ratio_interval(tables), stats.odds_ratio_interval(tables)  # type: ignore[arg-type]
    wide = found.difference().student.interval(level=0.95, method="cr2")

    assert score.value == pytest.approx(wide.value)
    assert score.high - score.low == pytest.approx(wide.high - wide.low, rel=0.05)
    for plain, logarithm in ((ratio, found.log_ratio()), (odds, found.log_odds_ratio())):
        assert plain.value == pytest.approx(math.exp(logarithm.student.mean))
        width = logarithm.student.interval(level=0.95, method="t")
        assert math.log(plain.high / plain.low) == pytest.approx(width.high - width.low, rel=0.1)


@given(st.integers(0, 10_000))
def test_figures_of_strata_move_as_their_influence_says(seed: int) -> None:
    """A little more weight on one row moves each figure by that row's share in it."""
    y, weights, clusters, stratum, side = strata_of(seed, rows=300)
    cells, row = 2 * stratum + side, seed % 300
    more = weights.copy()
    more[row] *= 1 + 1e-6
    before, after = (within(y, each, clusters, stratum, side) for each in (weights, more))

    for figure in (ClusteredStrata.difference, ClusteredStrata.log_ratio, ClusteredStrata.log_odds_ratio):
        one, other = figure(before), figure(after)
        influence = one.influence(y, weights, cells)

        assert 1e6 * (other.student.mean - one.student.mean) == pytest.approx(float(influence[row]), abs=1e-6)
        assert 0.0 == pytest.approx(float(influence.sum()), abs=1e-9)


def test_copies_in_strata_are_worth_nothing() -> None:
    """Every row twice under its own cluster leaves the moments as they were."""
    y, _, _, stratum, side = strata_of(1)
    ones, rows = np.ones(len(y)), np.arange(len(y))
    one = within(y, ones, rows, stratum, side).difference().student
    twice: list[Any] = [np.tile(each, 2) for each in (y, ones, rows, stratum, side)]
    other = within(*twice).difference().student

    assert (one.mean, one.standard_error, one.df) == pytest.approx((other.mean, other.standard_error, other.df))


def test_figures_that_do_not_exist_are_refused() -> None:
    """A ratio of nothing, and odds of certainty."""
    y, weights, clusters, stratum, side = strata_of(1)
    none = within(y * (side == 1), weights, clusters, stratum, side)
    sure = within(np.where(side == 0, 1.0, y), weights, clusters, stratum, side)

    with pytest.raises(ValueError, match="the group has no event in any stratum"):
        none.log_ratio()
    with pytest.raises(ValueError, match="odds ratio is 0, infinite or undefined"):
        sure.log_odds_ratio()


class Population:
    """Persons with one to five rows, of two groups that differ; drawn by size, so that weights matter.

    Rows of a person are alike in stratum, score, outcome and decision, and whoever has many rows is decided otherwise.
    """

    def __init__(self, persons: int = 6000) -> None:
        rng = np.random.default_rng(0)
        self.sizes = rng.integers(1, 6, persons)
        self.who = np.repeat(np.arange(persons), self.sizes)
        rows = len(self.who)
        self.group = (np.arange(persons) % 2 == 0)[self.who]
        level = (rng.normal(size=persons) + 0.3 * self.sizes)[self.who]
        self.p = 1 / (1 + np.exp(-0.5 * level - 0.5 * rng.normal(size=rows)))
        drawn = (0.6 * rng.random(persons)[self.who] + 0.4 * rng.random(rows)) < self.p - 0.1 * self.group
        self.positive = np.asarray(drawn)
        self.stratum = rng.integers(0, 3, persons)[self.who]
        chance = 0.2 + 0.2 * self.stratum + 0.15 * self.group * self.stratum + 0.05 * (self.sizes[self.who] > 3)
        self.decided = (rng.random(persons)[self.who] < chance).astype(float)
        everybody = np.ones(rows), np.arange(rows)
        self.truths = self.moments(np.arange(rows), *everybody)

    def moments(self, rows: Codes, weights: Floats, clusters: Codes) -> list[tuple[float, float, float]]:
        """Of the difference in AUC, in calibration and in decisions within strata."""
        group, p, y = self.group[rows], self.p[rows], self.positive[rows]
        student = within(
            self.decided[rows], weights, clusters, self.stratum[rows], (~group).astype(np.int64)
        ).difference()
        return [
            difference(p, weights, clusters, y, group),
            calibrated(p, y, weights, clusters, (~group).astype(np.int64)),
            (student.student.mean, student.student.standard_error, student.student.df),
        ]

    def sample(self, seed: int, many: int = 150) -> tuple[Codes, Floats, Codes]:
        """Rows of persons drawn by their size, the weight of each row, and whose it is."""
        rng = np.random.default_rng([seed, 1])
        chance = self.sizes / self.sizes.sum()
        drawn = rng.choice(len(self.sizes), many, p=chance)
        picked = [np.flatnonzero(self.who == person) for person in drawn.tolist()]
        clusters = np.repeat(np.arange(many), [len(each) for each in picked])
        rows = np.concatenate(picked)
        return rows, 1 / (many * chance[self.who[rows]]), clusters


def test_intervals_cover_the_population_where_rows_alone_do_not() -> None:
    """150 persons drawn by their size: 95 % intervals by weight and person cover; those of rows do far less."""
    population = Population()
    covered, naive = np.zeros(3), np.zeros(3)
    for seed in range(RUNS):
        rows, weights, clusters = population.sample(seed)
        for kept, drawn in (
            (covered, (rows, weights, clusters)),
            (naive, (rows, np.ones(len(rows)), np.arange(len(rows)))),
        ):
            for place, (found, truth) in enumerate(zip(population.moments(*drawn), population.truths, strict=True)):
                wide = stats.bounds("cr2", level=0.95, moments=found)
                kept[place] += wide.low <= truth[0] <= wide.high

    assert [True] * 3 == [0.925 <= share <= 0.975 for share in covered / RUNS], covered / RUNS
    assert [True] * 3 == [share < 0.90 for share in naive / RUNS], naive / RUNS
