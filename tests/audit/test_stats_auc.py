"""Areas under the ROC curve against published numbers, other libraries, and brute force over all pairs."""

from __future__ import annotations

import csv
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats as scipy_stats
from sklearn.metrics import roc_auc_score

from paths import test_data
from probandum import stats
from strategies import alphas, levels

Floats = NDArray[np.float64]
scores = st.lists(st.integers(-6, 6).map(float), min_size=2, max_size=30)


def kernel(positives: Floats, negatives: Floats) -> Floats:
    """1, 0.5 or 0 for every pair, shape (m, n)."""
    gap = np.asarray(positives)[:, None] - np.asarray(negatives)[None, :]
    return np.asarray((np.sign(gap) + 1) / 2)


def delong(*kernels: Floats) -> Floats:
    """DeLong's covariance matrix of the AUCs of several scores of the same rows, by its definition."""
    positives = np.atleast_2d(np.cov([k.mean(axis=1) for k in kernels]))
    negatives = np.atleast_2d(np.cov([k.mean(axis=0) for k in kernels]))
    m, n = kernels[0].shape
    return np.asarray(positives / m + negatives / n)


@pytest.fixture(scope="module")
def compas() -> dict[str, NDArray[Any]]:
    """Decile, recidivism and race of ProPublica's file."""
    with (test_data("compas") / "compas-scores-two-years.deidentified.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {
        "score": np.array([float(row["decile_score"]) for row in rows]),
        "y": np.array([row["two_year_recid"] == "1" for row in rows]),
        "race": np.array([row["race"] for row in rows]),
    }


def areas_by_race(compas: dict[str, NDArray[Any]]) -> tuple[stats.Area, stats.Area]:
    """The AUC within each of the two groups of the published comparison."""
    found = []
    for race in ("African-American", "Caucasian"):
        inside = compas["race"] == race
        found.append(stats.area(compas["score"], compas["y"] & inside, ~compas["y"] & inside))
    return found[0], found[1]


def test_published_areas(compas: dict[str, NDArray[Any]]) -> None:
    """The COMPAS decile has AUCs of 0.6918 (SE .0086) and 0.6931 (SE .0108), tied scores and all."""
    black, white = (area.interval() for area in areas_by_race(compas))

    assert (0.6918, 0.0086) == (round(black.value, 4), round(black.standard_error or 0, 4))
    assert (0.6931, 0.0108) == (round(white.value, 4), round(white.standard_error or 0, 4))


def test_published_gap(compas: dict[str, NDArray[Any]]) -> None:
    """The gap is -0.0013 with the 90 % interval (-0.024, 0.021): parity within 0.05."""
    gap = stats.auc_difference_interval(*areas_by_race(compas), level=0.9)

    assert (-0.0013, -0.024, 0.021) == (round(gap.value, 4), round(gap.low, 3), round(gap.high, 3))


def test_points_agree_with_scikit_learn(compas: dict[str, NDArray[Any]]) -> None:
    """The value is scikit-learn's, to the last digits."""
    y, score = compas["y"], compas["score"]

    assert roc_auc_score(y, score) == pytest.approx(stats.area(score, y, ~y).value, abs=1e-12)


@given(scores, scores)
def test_area_and_variance_are_those_of_all_pairs(positives: list[float], negatives: list[float]) -> None:
    """Value and standard error are DeLong's, as every pair gives them."""
    pairs = kernel(np.array(positives), np.array(negatives))
    interval = stats.auc_interval(positives, negatives)

    assert pairs.mean() == pytest.approx(interval.value, abs=1e-12)
    assert math.sqrt(max(0.0, float(delong(pairs)[0, 0]))) == pytest.approx(interval.standard_error, abs=1e-9)


def test_statistic_is_that_of_brunner_and_munzel() -> None:
    """DeLong's z of "AUC = 1/2", with its degrees of freedom, is the test of Brunner and Munzel in scipy."""
    rng = np.random.default_rng(1)
    positives, negatives = rng.normal(0.6, 1.0, 21), rng.normal(0.0, 2.0, 16)
    interval = stats.auc_interval(positives, negatives)
    assert interval.standard_error is not None and interval.df is not None
    theirs = scipy_stats.brunnermunzel(negatives, positives, distribution="t")
    ours = (interval.value - 0.5) / interval.standard_error

    assert theirs.statistic == pytest.approx(ours)
    assert theirs.pvalue == pytest.approx(2 * scipy_stats.t.sf(abs(ours), interval.df))


def test_paired_gap_is_that_of_all_pairs() -> None:
    """Two scores of the same rows have DeLong's covariance between them."""
    rng = np.random.default_rng(2)
    y = rng.random(120) < 0.4
    one = np.round(rng.normal(0, 1, 120) + y, 1)
    other = np.round(one + rng.normal(0, 0.7, 120), 1)
    covariance = delong(kernel(one[y], one[~y]), kernel(other[y], other[~y]))
    expected = math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    gap = stats.auc_difference_interval(stats.area(one, y, ~y), stats.area(other, y, ~y))
    apart = math.sqrt(covariance[0, 0] + covariance[1, 1])

    assert expected == pytest.approx(gap.standard_error)
    assert expected < apart


def test_separate_groups_add_their_variances() -> None:
    """Groups that share no row are independent, with Welch's degrees of freedom over four parts."""
    rng = np.random.default_rng(3)
    score, y, g = rng.normal(size=200), rng.random(200) < 0.5, rng.random(200) < 0.3
    first, second = stats.area(score, y & g, ~y & g), stats.area(score, y & ~g, ~y & ~g)
    one, two = first.interval(), second.interval()
    gap = stats.auc_difference_interval(first, second)

    assert math.hypot(one.standard_error or 0, two.standard_error or 0) == pytest.approx(gap.standard_error)
    assert (one.df or 0) < (gap.df or 0) < (one.df or 0) + (two.df or 0)


def test_gap_of_a_subgroup_to_all_rows_covers() -> None:
    """A subgroup against all rows, itself among them, is covered at about the level."""
    rng = np.random.default_rng(4)
    covered, runs, n = 0, 600, 240
    for _ in range(runs):
        y, g = rng.random(n) < 0.5, rng.random(n) < 0.3
        score = rng.normal(size=n) + y
        gap = stats.auc_difference_interval(stats.area(score, y & g, ~y & g), stats.area(score, y, ~y))
        covered += gap.low <= 0 <= gap.high

    assert 0.925 <= covered / runs <= 0.975


def test_borkan_areas_find_a_planted_shift() -> None:
    """Raising the negatives of a subgroup lowers its BPSN alone, and its negatives lie above the background."""
    rng = np.random.default_rng(5)
    y, g = rng.random(4000) < 0.5, rng.random(4000) < 0.3
    score = rng.normal(size=4000) + 2 * y
    still = stats.subgroup_areas(score, y, g)
    moved = stats.subgroup_areas(score + 1.0 * (g & ~y), y, g)
    gap = stats.auc_difference_interval(moved.bpsn, stats.area(score, y, ~y))

    assert moved.bpsn.value < still.bpsn.value - 0.1
    assert still.bnsp.value == moved.bnsp.value
    assert 0.5 - moved.negatives.value < -0.2
    assert abs(0.5 - moved.positives.value) < 0.05
    assert gap.high < -0.1


def test_areas_across_groups_are_those_of_all_pairs() -> None:
    """xAUC compares the positives of one group with the negatives of the other."""
    rng = np.random.default_rng(6)
    score, y, g = rng.integers(0, 9, 90).astype(float), rng.random(90) < 0.5, rng.random(90) < 0.5
    pairs = kernel(score[y & g], score[~y & ~g])

    assert pairs.mean() == pytest.approx(stats.area(score, y & g, ~y & ~g).value)


@pytest.mark.parametrize(
    ("positives", "negatives", "value"),
    [([2.0] * 15, [1.0] * 20, 1.0), ([1.0] * 15, [2.0] * 20, 0.0), ([1.0] * 15, [1.0] * 20, 0.5)],
)
def test_alike_pairs_are_no_certainty(positives: list[float], negatives: list[float], value: float) -> None:
    """Separation and all ties are bounded as 15 disjoint pairs that agree bound them, exactly."""
    interval = stats.auc_interval(positives, negatives, level=0.9)
    left = 0.05 ** (1 / 15)

    assert value == interval.value
    assert (value * left, 1 - (1 - value) * left) == pytest.approx((interval.low, interval.high))
    assert interval.high - interval.low > 0.1


def test_alike_pairs_leave_gaps_uncertain() -> None:
    """A separated group, and two scores of one order, still have gaps with width."""
    y = np.repeat([True, False], 30)
    perfect, noisy = np.arange(60.0)[::-1], np.random.default_rng(7).normal(size=60)
    a, b = stats.area(perfect, y, ~y), stats.area(noisy, y, ~y)
    c = stats.area(np.exp(noisy), y, ~y)

    assert (stats.auc_difference_interval(a, b).standard_error or 0) > (b.interval().standard_error or 0)
    assert (stats.auc_difference_interval(a, a).standard_error or 0) > 0.05
    assert 2 / 30 == pytest.approx(stats.auc_difference_interval(b, c).standard_error)


@given(scores, scores, levels, st.randoms(use_true_random=False))
def test_order_and_scale_do_not_matter(
    positives: list[float], negatives: list[float], level: float, random: Any
) -> None:
    """Rows in any order, and scores on any rising scale, give the same interval."""
    one = stats.auc_interval(positives, negatives, level=level)
    random.shuffle(positives)
    random.shuffle(negatives)
    other = stats.auc_interval(np.exp(positives), np.exp(negatives), level=level)

    assert (one.low, one.value, one.high) == pytest.approx((other.low, other.value, other.high))


@given(scores, scores, levels)
def test_exchanging_kinds_mirrors_the_interval(positives: list[float], negatives: list[float], level: float) -> None:
    """Negatives over positives have 1 less the interval, which lies inside 0 to 1 and holds its value."""
    one = stats.auc_interval(positives, negatives, level=level)
    other = stats.auc_interval(negatives, positives, level=level)

    assert (1 - one.high, 1 - one.low) == pytest.approx((other.low, other.high))
    assert 0 <= one.low <= one.value <= one.high <= 1


@given(scores, scores, alphas)
def test_moments_are_all_a_judge_needs(positives: list[float], negatives: list[float], alpha: float) -> None:
    """From the value, its standard error and df come the bounds at any level, and p-values that invert them."""
    kept = stats.auc_interval(positives, negatives)
    assert kept.standard_error is not None and kept.df is not None
    moments = (kept.value, kept.standard_error, kept.df)
    again = stats.bounds("delong", level=1 - 2 * alpha, moments=moments)
    expected = stats.auc_interval(positives, negatives, level=1 - 2 * alpha)
    above = stats.p_value("delong", again.low, side="above", moments=moments)
    below = stats.p_value("delong", again.high, side="below", moments=moments)

    assert expected == again
    if 1e-9 < again.low < again.value:
        assert alpha == pytest.approx(above, rel=1e-4)
    if again.value < again.high < 1 - 1e-9:
        assert alpha == pytest.approx(below, rel=1e-4)


@pytest.mark.parametrize("moments", [(0.7, 0.02, 400.0), (1.0, 0.0, 60.0), (0.5, 0.0, 60.0)])
def test_power_of_an_area_follows_its_own_bounds(moments: tuple[float, float, float]) -> None:
    """The number needed for a verdict is the least at which the bounds of an enlarged sample give one."""
    needed = stats.n_for_verdict("delong", low=0.65, high=None, n=100, moments=moments)
    assert needed is not None
    factor = needed / 100
    enlarged = (moments[0], moments[1] / math.sqrt(factor), moments[2] * factor)
    interval = stats.bounds("delong", level=0.9, moments=enlarged)

    assert interval.low >= 0.65 or interval.high < 0.65
    assert stats.can_pass("delong", low=0.65, high=None, moments=moments)


def test_more_rows_narrow_an_area() -> None:
    """Each row four times over gives about half the width."""
    rng = np.random.default_rng(8)
    positives, negatives = rng.normal(1, 1, 40), rng.normal(0, 1, 60)
    few = stats.auc_interval(positives, negatives)
    many = stats.auc_interval(np.tile(positives, 4), np.tile(negatives, 4))

    assert 0.45 < (many.high - many.low) / (few.high - few.low) < 0.52


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: stats.auc_interval([1.0], [1.0, 2.0]), "positives has shape (1,)"),
        (lambda: stats.auc_interval([1.0, math.nan], [1.0, 2.0]), "positives holds NaN or infinity"),
        (lambda: stats.area([1.0, 2.0], [True, True], [True, False]), "above and below share rows"),
        (lambda: stats.area([1.0, 2.0], [1, 0], [False, True]), "above has shape (2,) of int64; expected (2,) of bool"),
        (lambda: stats.area([1.0, 2.0, 3.0], [True, False, False], [False, True, True]), "scores of above has shape"),
        (lambda: stats.bounds("delong", level=0.9, moments=(1.2, 0.1, 3.0)), "AUC is 1.2; expected from 0 to 1"),
        (lambda: stats.bounds("delong", level=0.9, moments=(1.0, 0.1, 3.0)), "expected 0"),
    ],
)
def test_bad_arguments_are_named(call: Any, said: str) -> None:
    """What cannot be meant is refused in one line that names it."""
    with pytest.raises(ValueError) as caught:
        call()

    assert said in str(caught.value)
