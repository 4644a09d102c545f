"""Comparisons within strata against statsmodels, brute force, and what simulation says of their variances."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats as scipy_stats
from statsmodels.stats.contingency_tables import StratifiedTable

from probandum import stats
from probandum.stats.stratified import flat
from strategies import alphas, levels, pairs

Strata = list[tuple[tuple[int, int], tuple[int, int]]]

#: Admissions to six departments, men and women (Bickel, Hammel and O'Connell 1975): a reversal by strata.
BERKELEY: Strata = [
    ((512, 825), (89, 108)),
    ((353, 560), (17, 25)),
    ((120, 325), (202, 593)),
    ((138, 417), (131, 375)),
    ((53, 191), (94, 393)),
    ((22, 373), (24, 341)),
]
SMALL: Strata = [((4, 9), (2, 8)), ((7, 12), (5, 15)), ((1, 6), (3, 30)), ((0, 5), (1, 7))]

strata_of_any_kind = st.lists(pairs(most=60), min_size=1, max_size=5)


def theirs(strata: Strata) -> StratifiedTable:
    """The same tables for statsmodels."""
    return StratifiedTable([np.array([[x1, n1 - x1], [x2, n2 - x2]], dtype=float) for (x1, n1), (x2, n2) in strata])


@pytest.mark.parametrize("strata", [BERKELEY, SMALL])
def test_odds_ratio_agrees_with_statsmodels(strata: Strata) -> None:
    """The common odds ratio and the variance of Robins, Breslow and Greenland are those of statsmodels."""
    interval = stats.odds_ratio_interval(strata)
    other = theirs(strata)

    assert other.oddsratio_pooled == pytest.approx(interval.value)
    assert other.oddsratio_pooled_confint() == pytest.approx((interval.low, interval.high))


@pytest.mark.parametrize("strata", [BERKELEY, SMALL])
def test_ratio_agrees_with_statsmodels(strata: Strata) -> None:
    """The common ratio of shares is that of statsmodels."""
    assert theirs(strata).riskratio_pooled == pytest.approx(stats.stratified_ratio_interval(strata).value)


@pytest.mark.parametrize("strata", [BERKELEY, SMALL])
@pytest.mark.parametrize("tarone", [True, False])
def test_breslow_day_agrees_with_statsmodels(strata: Strata, tarone: bool) -> None:
    """The test of homogeneity, with and without Tarone's correction, is that of statsmodels."""
    ours, other = stats.breslow_day(strata, tarone=tarone), theirs(strata).test_equal_odds(adjust=tarone)

    assert other.statistic == pytest.approx(ours.statistic, rel=1e-6)
    assert other.pvalue == pytest.approx(ours.p_value, rel=1e-6)


def test_woolf_by_its_definition() -> None:
    """Woolf's statistic is the weighted spread of log odds ratios, on one degree of freedom less than strata."""
    logs = np.array([math.log(x1 * (n2 - x2) / (x2 * (n1 - x1))) for (x1, n1), (x2, n2) in BERKELEY])
    variances = [1 / x1 + 1 / (n1 - x1) + 1 / x2 + 1 / (n2 - x2) for (x1, n1), (x2, n2) in BERKELEY]
    weights = 1 / np.array(variances)
    expected = float((weights * logs**2).sum() - (weights * logs).sum() ** 2 / weights.sum())
    found = stats.woolf(BERKELEY)

    assert expected == pytest.approx(found.statistic)
    assert 5 == found.df
    assert scipy_stats.chi2.sf(expected, 5) == pytest.approx(found.p_value)


def test_strata_reverse_the_crude_difference() -> None:
    """Berkeley's crude gap is 14 points for men; within departments it turns to the women's side."""
    events = [sum(stratum[side][0] for stratum in BERKELEY) for side in (0, 1)]
    trials = [sum(stratum[side][1] for stratum in BERKELEY) for side in (0, 1)]
    crude = stats.difference_interval(events[0], trials[0], events[1], trials[1])
    within = stats.stratified_difference_interval(BERKELEY)

    assert crude.low > 0.1
    assert -0.04 < within.value < 0
    assert stats.breslow_day(BERKELEY).p_value < 0.01


def test_one_stratum_is_the_plain_interval() -> None:
    """With one stratum the score interval is Miettinen and Nurminen's, and the ratio Katz's."""
    score = stats.stratified_difference_interval([((56, 70), (48, 80))])
    plain = stats.difference_interval(56, 70, 48, 80, method="miettinen-nurminen")
    ratio = stats.stratified_ratio_interval([((56, 70), (48, 80))])
    katz = stats.ratio_interval(56, 70, 48, 80, method="katz")

    assert (plain.low, plain.high) == pytest.approx((score.low, score.high), abs=1e-9)
    assert (0.0528, 0.3382) == (round(score.low, 4), round(score.high, 4))
    assert (katz.value, katz.low, katz.high) == pytest.approx((ratio.value, ratio.low, ratio.high))


def test_alike_strata_pool() -> None:
    """Strata of equal shares and sizes give the score statistic of their sum, up to N / (N - 1) each."""
    one = stats.stratified_difference_interval([((300, 1000), (280, 1000))] * 4)
    pooled = stats.difference_interval(1200, 4000, 1120, 4000, method="miettinen-nurminen")

    assert (pooled.low, pooled.high) == pytest.approx((one.low, one.high), abs=2e-5)


@pytest.mark.parametrize("sizes", [(40, 60, 8), (1, 2, 150)])
def test_sato_variance_is_right_for_few_large_and_many_small_strata(sizes: tuple[int, int, int]) -> None:
    """Over simulated tables Sato's variance is on average the variance of the common difference."""
    n1, n2, count = sizes
    rng = np.random.default_rng(1)
    base = rng.uniform(0.2, 0.6, count)
    values, variances = [], []
    for _ in range(1500):
        x1, x2 = rng.binomial(n1, base + 0.15), rng.binomial(n2, base)
        strata = [((int(a), n1), (int(b), n2)) for a, b in zip(x1, x2, strict=True)]
        family = stats.basis.family_of("mantel-haenszel-difference", counts=flat(strata))
        values.append(family.value)
        variances.append(family.standard_error**2)  # type: ignore[attr-defined]

    assert 0.15 == pytest.approx(np.mean(values), abs=0.01)
    assert np.var(values) == pytest.approx(np.mean(variances), rel=0.1)


def test_both_difference_methods_agree_on_large_tables() -> None:
    """The score interval and the Mantel-Haenszel interval differ little where tables are large."""
    score = stats.stratified_difference_interval(BERKELEY)
    normal = stats.stratified_difference_interval(BERKELEY, method="mantel-haenszel-difference")

    assert score.value == pytest.approx(normal.value)
    assert (score.low, score.high) == pytest.approx((normal.low, normal.high), abs=0.001)


def test_planted_heterogeneity_is_found_and_its_absence_is_quiet() -> None:
    """Equal odds are rejected at about the level, opposite odds nearly always."""
    rng = np.random.default_rng(2)
    quiet = loud = 0
    for _ in range(400):
        base = rng.uniform(0.3, 0.7, 4)
        odds = 1.8 * base / (1 - base)
        same = odds / (1 + odds)
        opposite = np.clip(base + np.array([0.25, -0.25, 0.25, -0.25]), 0.02, 0.98)
        for shares, found in ((same, "quiet"), (opposite, "loud")):
            x1, x2 = rng.binomial(80, shares), rng.binomial(80, base)
            strata = [((int(a), 80), (int(b), 80)) for a, b in zip(x1, x2, strict=True)]
            rejected = stats.breslow_day(strata).p_value < 0.05
            quiet += rejected and found == "quiet"
            loud += rejected and found == "loud"

    assert 0.02 <= quiet / 400 <= 0.085
    assert loud / 400 > 0.95


@given(strata_of_any_kind, levels)
def test_the_score_interval_contains_its_estimate_and_has_width(strata: Strata, level: float) -> None:
    """low <= value <= high whatever the tables, from -1 to 1 and never of zero width."""
    interval = stats.stratified_difference_interval(strata, level=level)

    assert -1 <= interval.low <= interval.value <= interval.high <= 1
    assert interval.high > interval.low


@given(strata_of_any_kind, st.randoms(use_true_random=False))
def test_order_and_names_only_turn_signs(strata: Strata, random: Any) -> None:
    """Strata in any order give the same interval; exchanged groups, or the opposite decision, its negative."""
    one = stats.stratified_difference_interval(strata)
    exchanged = stats.stratified_difference_interval([(b, a) for a, b in strata])
    opposite = stats.stratified_difference_interval([((n - x, n), (m - z, m)) for (x, n), (z, m) in strata])
    shuffled = list(strata)
    random.shuffle(shuffled)
    again = stats.stratified_difference_interval(shuffled)

    assert (one.low, one.high) == pytest.approx((again.low, again.high), abs=1e-9)
    assert (one.low, one.high) == pytest.approx((-exchanged.high, -exchanged.low), abs=1e-7)
    assert (one.low, one.high) == pytest.approx((-opposite.high, -opposite.low), abs=1e-7)


@given(strata_of_any_kind, st.sampled_from(["mantel-haenszel-ratio", "mantel-haenszel-odds"]), levels)
def test_exchanging_groups_inverts_ratios(strata: Strata, method: str, level: float) -> None:
    """Common ratios of h to g are the inverse of those of g to h."""
    try:
        one = stats.bounds(method, level=level, counts=flat(strata))
        other = stats.bounds(method, level=level, counts=flat([(b, a) for a, b in strata]))
    except ValueError:
        assume(False)

    assert one.low <= one.value <= one.high
    assert (one.low, one.high) == pytest.approx((1 / other.high, 1 / other.low), rel=1e-6)


@given(
    st.sampled_from(["stratified-miettinen-nurminen", *[f"mantel-haenszel-{x}" for x in ("difference", "odds")]]),
    alphas,
)
def test_p_values_invert_the_bounds_from_counts(method: str, alpha: float) -> None:
    """Counts of all strata in a row are what a judge needs for any level and any limit."""
    counts = flat(SMALL)
    interval = stats.bounds(method, level=1 - 2 * alpha, counts=counts)

    assert alpha == pytest.approx(stats.p_value(method, interval.low, side="above", counts=counts), rel=1e-4)
    assert alpha == pytest.approx(stats.p_value(method, interval.high, side="below", counts=counts), rel=1e-4)


@pytest.mark.parametrize(
    ("method", "low", "high"),
    [
        ("stratified-miettinen-nurminen", -0.1, 0.1),
        ("mantel-haenszel-difference", -0.1, 0.1),
        ("mantel-haenszel-ratio", 0.8, 1.25),
        ("mantel-haenszel-odds", 0.5, 2.0),
    ],
)
def test_power_of_strata(method: str, low: float | None, high: float | None) -> None:
    """The number needed is where the tables, all scaled, give a verdict; large even tables can pass, tiny cannot."""
    counts = flat(SMALL)
    needed = stats.n_for_verdict(method, low=low, high=high, n=92, counts=counts)
    assert needed is not None and needed > 92
    scaled = stats.basis.scaled_family(method, counts, needed / 92)
    edge = (low is not None and scaled.upper(0.05) < low) or (high is not None and scaled.lower(0.05) > high)
    inside = (low is None or scaled.lower(0.05) >= low) and (high is None or scaled.upper(0.05) <= high)

    assert edge or inside
    assert not stats.can_pass(method, low=low, high=high, counts=counts)
    assert stats.can_pass(method, low=low, high=high, counts=[(50 * x, 50 * n) for x, n in counts])
    assert 0 < (stats.detectable(method, counts=counts) or 0) < 1


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: stats.stratified_difference_interval([]), "counts are 0 pairs"),
        (lambda: stats.stratified_difference_interval([((1, 2), (1, 0))]), "n2 of stratum 1 is 0"),
        (lambda: stats.stratified_difference_interval([((3, 2), (1, 2))]), "x1 of stratum 1 is 3"),
        (lambda: stats.stratified_difference_interval([((math.nan, 2), (1, 2))]), "x1 of stratum 1 is nan"),
        (lambda: stats.stratified_ratio_interval([((1, 2), (0, 2))]), "the reference has no event in any stratum"),
        (lambda: stats.odds_ratio_interval([((1, 2), (0, 2))]), "the common odds ratio is 0, infinite or undefined"),
        (lambda: stats.breslow_day([((1, 2), (1, 2)), ((0, 2), (0, 2))]), "1 strata have events and others"),
        (
            lambda: stats.stratified_difference_interval([((0, 5), (0, 5))], method="mantel-haenszel-difference"),
            "no cell speaks against the value",
        ),
        (lambda: stats.bounds("mantel-haenszel-odds", level=0.9), "counts is None"),
    ],
)
def test_bad_arguments_are_named(call: Any, said: str) -> None:
    """What cannot be meant is refused in one line that names it."""
    with pytest.raises(ValueError) as caught:
        call()

    assert said in str(caught.value)
