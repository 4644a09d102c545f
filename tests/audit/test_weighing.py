"""Weighing one estimate against one limit: rare outcomes, checks of a merge, and which reason goes first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from fakes import estimated, result_of
from probandum.finding import Estimate, Finding, Limit, Stream, SubReason, Verdict
from probandum.judging import judge
from probandum.probe import Measure
from probandum.stats import bounds
from probandum.weighing import effective, fail_p_values, rates_of, underdesigned
from strategies import pairs

GAPS = ("selection-difference", "tpr-difference", "fpr-difference", "fnr-difference", "ppv-difference")
#: Limits of .05 on a difference of rates: both sides, either side.
FIVE_POINTS: Mapping[str, Limit] = {
    "band": Limit(metric="bias.fake/gap", direction="band", threshold=0.05),
    "at_most": Limit(metric="bias.fake/gap", direction="at_most", threshold=0.05),
    "at_least": Limit(metric="bias.fake/gap", direction="at_least", threshold=-0.05),
}
DROP = Limit(metric="bias.fake/flip-rate/change", direction="at_most", threshold=0.02)


def judged(estimate: Estimate, limit: Limit, *, mode: str = "release") -> Finding:
    """The finding of one estimate under one limit."""
    measure = Measure(metric=limit.metric.removeprefix("bias.fake/"), estimate=estimate)
    (finding,) = judge([result_of(measure)], [limit], mode=mode)
    return finding


def samples(p1: float, p2: float, n: int) -> Iterator[tuple[float, Estimate]]:
    """All pairs of counts that are not beyond belief, with their probability; ``n`` rows a group."""
    for x1 in range(int(binom.ppf(1e-5, n, p1)), int(binom.ppf(1 - 1e-5, n, p1)) + 1):
        for x2 in range(int(binom.ppf(1e-5, n, p2)), int(binom.ppf(1 - 1e-5, n, p2)) + 1):
            weight = float(binom.pmf(x1, n, p1) * binom.pmf(x2, n, p2))
            yield weight, estimated("newcombe", counts=[(x1, n), (x2, n)])


def test_rates_of_4_and_1_per_cent_pass_five_points_in_59_per_cent_of_samples_and_never_with_the_rule() -> None:
    """At 500 rows a group, by summing over all counts; one-sided limits are passed as trivially as a band."""
    plain, ruled = 0.0, dict.fromkeys(FIVE_POINTS, 0.0)
    for weight, estimate in samples(0.04, 0.01, 500):
        counts = estimate.counts
        interval = bounds("newcombe", level=0.90, counts=counts)
        plain += weight * (interval.low >= -0.05 and interval.high <= 0.05)
        assert counts is not None
        turned = estimated("newcombe", counts=[counts[1], counts[0]])
        for name, limit in FIVE_POINTS.items():
            finding = judged(turned if name == "at_least" else estimate, limit)
            ruled[name] += weight * (finding.verdict is Verdict.PASS)

    assert 0.585 == pytest.approx(plain, abs=0.001)
    assert dict.fromkeys(FIVE_POINTS, 0.0) == ruled


@pytest.mark.parametrize(("larger", "n"), [(0.2, 500), (0.25, 300)])
def test_a_gap_of_a_fifth_of_the_larger_rate_passes_in_at_most_5_per_cent_of_samples(larger: float, n: int) -> None:
    """The tolerance is estimated from the same data, and the error of a PASS stays what it is said to be."""
    passed = sum(
        weight * (judged(estimate, FIVE_POINTS["at_most"]).verdict is Verdict.PASS)
        for weight, estimate in samples(larger, 0.8 * larger, n)
    )

    assert passed <= 0.05


@pytest.mark.parametrize("metric", GAPS)
@pytest.mark.parametrize("name", list(FIVE_POINTS))
def test_rare_outcomes_pass_no_absolute_limit(metric: str, name: str) -> None:
    """Every limit on a difference of rates: 4 to 1 is uninformative, and an equal share of more is a PASS."""
    limit = replace(FIVE_POINTS[name], metric=f"bias.fake/{metric}")
    counts = [(50, 5000), (200, 5000)] if name == "at_least" else [(200, 5000), (50, 5000)]
    rare, common = estimated("newcombe", counts=counts), estimated("newcombe", counts=[(2500, 5000), (2500, 5000)])
    finding = judged(rare, limit)

    assert (Verdict.INCONCLUSIVE, SubReason.BAND_UNINFORMATIVE) == (finding.verdict, finding.sub_reason)
    assert f"the {'band' if name == 'band' else 'limit'} is wide against a pooled rate of 0.025" in str(finding.why)
    assert Verdict.PASS is judged(common, limit).verdict


@pytest.mark.parametrize(
    ("name", "counts", "narrowed"),
    [
        ("band", [(700, 5000), (850, 5000)], 0.2 * 0.17),
        ("at_most", [(850, 5000), (700, 5000)], 0.2 * 0.17),
        ("at_least", [(700, 5000), (850, 5000)], -0.2 * 0.17),
    ],
)
def test_a_pass_stays_within_a_fifth_of_the_larger_rate(
    name: str, counts: list[tuple[int, int]], narrowed: float
) -> None:
    """Bounds inside five points and outside that fifth are no PASS, and the reason says which it is."""
    finding = judged(estimated("newcombe", counts=counts), FIVE_POINTS[name])
    assert finding.limit is not None

    assert narrowed == pytest.approx(finding.limit.effective)
    assert (Verdict.INCONCLUSIVE, SubReason.NEAR_THRESHOLD) == (finding.verdict, finding.sub_reason)
    assert "not within 0.034, a fifth of the larger rate, as a pass must be" in str(finding.why)


def test_a_limit_broken_on_its_own_is_said_also_where_the_data_could_not_pass() -> None:
    """Nine more hypotheses take the FAIL away; that the design is too small stays the sub-reason."""
    small = estimated("newcombe", counts=[(9, 60), (24, 60)])
    others = estimated("newcombe", counts=[(30, 60), (30, 60)])
    measures = [
        Measure(metric="gap", estimate=small if group == 0 else others, facets={"n": str(group)}) for group in range(10)
    ]
    finding = next(each for each in judge([result_of(*measures)], [FIVE_POINTS["band"]]) if each.facets["n"] == "0")
    assert finding.limit is not None and finding.limit.p_fail is not None and finding.limit.p_adjusted is not None

    assert finding.limit.p_fail < 0.05 < finding.limit.p_adjusted
    assert (Verdict.INCONCLUSIVE, SubReason.UNDERPOWERED) == (finding.verdict, finding.sub_reason)
    assert (
        f"outside the limit on its own (p = {finding.limit.p_fail:.3f}), and not after Holm's correction over "
        f"{finding.limit.hypotheses} hypotheses; even the best possible data of this size could not pass"
    ) == finding.why


def test_a_band_is_broken_on_its_own_by_both_of_its_sides() -> None:
    """A bound of a pass looks at one side and lies beyond it; the p-value of a fail looks at both, and is .08."""
    finding = judged(estimated("newcombe", counts=[(8, 60), (19, 60)]), FIVE_POINTS["band"])
    assert finding.limit is not None and finding.limit.upper is not None and finding.limit.p_fail is not None

    assert finding.limit.upper < -0.05
    assert 0.05 < finding.limit.p_fail < 0.1
    assert "on its own" not in str(finding.why)


def test_an_interval_outside_a_limit_is_not_said_to_contain_it() -> None:
    """Where a FAIL needs more than 95 %, as at merges: the whole interval lies beyond, and the p-value says how far."""
    finding = judged(estimated("newcombe", counts=[(60, 600), (110, 600)]), replace(FIVE_POINTS["band"], alpha=0.001))
    assert finding.limit is not None and finding.estimate.high is not None and finding.limit.p_fail is not None

    assert finding.estimate.high < -0.04
    assert 0.001 < finding.limit.p_fail < 0.1
    assert "contains the limit" not in str(finding.why)
    assert "is not below 0.001, as a fail must be" in str(finding.why)


def test_a_limit_that_tolerates_less_than_nothing_is_not_widened() -> None:
    """Where a gap must lie below -0.01, or above 0.01, a fifth of the larger rate says nothing."""
    estimate = estimated("newcombe", counts=[(2500, 5000), (2500, 5000)])

    assert -0.01 == effective(estimate, replace(FIVE_POINTS["at_most"], threshold=-0.01))
    assert 0.01 == effective(estimate, replace(FIVE_POINTS["at_least"], threshold=0.01))


def test_a_band_around_another_value_keeps_its_middle() -> None:
    """Its half-width shrinks: ten points apart within five are within two and a half for rates of .125 and .025."""
    limit = replace(FIVE_POINTS["band"], around=0.1)
    finding = judged(estimated("newcombe", counts=[(12500, 100000), (2500, 100000)]), replace(limit, threshold=0.03))

    assert 0.025 == pytest.approx(effective(estimated("newcombe", counts=[(125, 1000), (25, 1000)]), limit))
    assert (Verdict.PASS, 0.1) == (finding.verdict, finding.limit.around if finding.limit else None)


def test_a_margin_makes_a_tolerance_no_less_trivial() -> None:
    """It is part of what is compared with the rates."""
    limit = replace(FIVE_POINTS["at_most"], threshold=0.01, margin=0.04)
    finding = judged(estimated("newcombe", counts=[(200, 5000), (50, 5000)]), limit)

    assert SubReason.BAND_UNINFORMATIVE is finding.sub_reason


@pytest.mark.parametrize("method", ["newcombe", "miettinen-nurminen"])
@pytest.mark.parametrize("strata", [1, 2])
def test_rates_are_those_behind_the_difference(method: str, strata: int) -> None:
    """Over strata they are weighted as the difference is: .1 and .3 of two equal strata are .2."""
    counts = [(100, 1000), (50, 1000), (300, 1000), (150, 1000)][: 2 * strata]
    name = method if strata == 1 else "stratified-miettinen-nurminen"
    estimate = estimated(name, counts=counts)
    rates = rates_of(estimate, FIVE_POINTS["band"])
    assert rates is not None and estimate.value is not None

    assert ((0.1, 0.05, 0.075) if strata == 1 else (0.2, 0.1, 0.15)) == pytest.approx(rates)
    assert estimate.value == pytest.approx(rates.group - rates.reference)


@pytest.mark.parametrize(
    "estimate",
    [
        estimated("wilson", counts=[(1, 1000)]),
        estimated("koopman", counts=[(4, 1000), (1, 1000)]),
        estimated("tango", counts=[(4, 1), (1000, 1000)]),
        estimated("t", moments=(0.001, 0.001, 30.0)),
    ],
    ids=lambda estimate: str(estimate.method),
)
def test_other_quantities_are_taken_at_their_limit(estimate: Estimate) -> None:
    """A share, a ratio, a paired difference and a mean have no two rates behind them."""
    assert None is rates_of(estimate, FIVE_POINTS["band"])
    assert [0.05, 0.05, -0.05] == [effective(estimate, limit) for limit in FIVE_POINTS.values()]


def test_a_change_of_a_rate_is_taken_at_its_declared_drop() -> None:
    """A regression is declared as an absolute drop, whatever the rate was."""
    estimate = estimated("newcombe", counts=[(40, 10000), (40, 10000)])

    assert None is rates_of(estimate, DROP)
    assert Verdict.PASS is judged(estimate, DROP).verdict


@given(pairs(most=2000), st.sampled_from(list(FIVE_POINTS)))
def test_the_rule_takes_passes_away_and_no_failures(pair: tuple[tuple[int, int], tuple[int, int]], name: str) -> None:
    """A PASS lies within the plain limit too; FAIL is p-values of the plain limit alone."""
    limit = FIVE_POINTS[name]
    estimate = estimated("newcombe", counts=list(pair))
    finding = judged(estimate, limit)
    low, high = limit.edges()
    applied = finding.limit
    assert applied is not None and applied.lower is not None and applied.upper is not None
    ps = fail_p_values(estimate, limit)

    assert (finding.verdict is Verdict.FAIL) == (min(1.0, len(ps) * min(ps)) < 0.05)
    if finding.verdict is Verdict.PASS:
        assert low is None or applied.lower >= low
        assert high is None or applied.upper <= high
        assert applied.effective is not None
        assert abs(applied.effective) <= 0.2 * max(x / n for x, n in pair) + 1e-12


def test_the_number_needed_is_that_of_the_narrowed_limit() -> None:
    """Twice as many of the same shares as it says pass, and half as many do not."""
    limit = FIVE_POINTS["at_most"]
    needed = judged(estimated("newcombe", counts=[(61, 400), (60, 400)]), limit).n_needed
    assert needed is not None

    def at(n: int) -> Verdict:
        scaled = [(round(share * n / 2), n // 2) for share in (61 / 400, 60 / 400)]
        return judged(estimated("newcombe", counts=scaled), limit).verdict

    assert (Verdict.PASS, Verdict.INCONCLUSIVE) == (at(2 * needed), at(needed // 2))


@pytest.mark.parametrize(
    ("changed", "pairs", "verdict"),
    [
        ((25, 25), 1000, Verdict.PASS),
        ((20, 20), 800, Verdict.PASS),
        ((10, 10), 400, Verdict.ERROR),
        ((0, 0), 50, Verdict.ERROR),
        ((0, 0), 1000, Verdict.PASS),
        ((2, 60), 400, Verdict.ERROR),
    ],
)
def test_a_check_of_a_merge_has_the_power_to_pass(changed: tuple[int, int], pairs: int, verdict: Verdict) -> None:
    """With a share psi of pairs changed, 6.18 psi / m^2 of them pass a drop of m in 80 % of unchanged systems."""
    estimate = estimated("tango", counts=[changed, (pairs, pairs)])
    finding = judged(estimate, DROP, mode="merge")

    assert verdict is finding.verdict
    assert (SubReason.UNDERDESIGNED if verdict is Verdict.ERROR else None) is finding.sub_reason
    assert (underdesigned(estimate, DROP) is not None) == (verdict is Verdict.ERROR)


def test_only_checks_of_a_merge_must_have_that_power() -> None:
    """A release is blocked by what is inconclusive, so that a tiny sample waves nothing through."""
    estimate = estimated("tango", counts=[(1, 1), (40, 40)])
    level = replace(DROP, metric="bias.fake/flip-rate")

    assert Verdict.INCONCLUSIVE is judged(estimate, DROP).verdict
    assert Verdict.INCONCLUSIVE is judged(estimate, level, mode="merge").verdict
    assert Verdict.ERROR is judged(estimate, DROP, mode="merge").verdict


def test_a_drop_that_a_tiny_sample_shows_is_still_a_fail() -> None:
    """A FAIL has its own error rate and needs no power."""
    estimate = estimated("tango", counts=[(30, 0), (40, 40)])

    assert underdesigned(estimate, DROP) is not None
    assert Verdict.FAIL is judged(estimate, DROP, mode="merge").verdict


def test_the_power_is_that_of_the_formula() -> None:
    """``Phi(m / SE - 1.645)``, and both sides of a band; in words, and no drop at all has none."""
    estimate = estimated("t", moments=(0.3, 0.01, 1e9))
    one = replace(DROP, threshold=0.02)

    assert "in 64 % of runs" in str(underdesigned(estimate, one))
    assert "in 28 % of runs" in str(underdesigned(estimate, replace(one, direction="band")))
    assert "in 5 % of runs" in str(underdesigned(estimate, replace(one, threshold=0.0)))
    assert None is underdesigned(estimate, replace(one, threshold=0.025))
    assert "in 64 % of runs" in str(underdesigned(estimate, replace(one, direction="at_least", threshold=-0.02)))


def test_a_census_needs_no_power() -> None:
    """What is exact has no error to plan for."""
    census = Estimate(value=0.0, low=0.0, high=0.0, n=5, unit="share", method="exact")

    assert None is underdesigned(census, DROP)
    assert Verdict.PASS is judged(census, DROP, mode="merge").verdict


def stream(values: tuple[float, ...]) -> Estimate:
    """The estimate of a sequential probe."""
    interval = bounds("sequential", level=0.95, stream=Stream(values=values))
    return Estimate(
        value=interval.value,
        low=interval.low,
        high=interval.high,
        n=len(values),
        unit="share",
        method="sequential",
        stream=Stream(values=values),
    )


def test_of_several_reasons_the_first_is_given() -> None:
    """small_group > underpowered > budget > near_threshold: each is what remains without those before it."""
    limit = Limit(metric="bias.fake/share", direction="at_most", threshold=0.05)
    tiny, longer = stream((0.0,) * 20), stream(((0.0,) * 24 + (1.0,)) * 8)
    counted = estimated("wilson", counts=[(8, 200)])
    small = Measure(
        metric="share", estimate=tiny, verdict=Verdict.INCONCLUSIVE, sub_reason=SubReason.SMALL_GROUP, why="20 rows"
    )
    (first,) = judge([result_of(small)], [limit])

    assert [SubReason.SMALL_GROUP, SubReason.UNDERPOWERED, SubReason.BUDGET, SubReason.NEAR_THRESHOLD] == [
        first.sub_reason,
        *[judged(estimate, limit).sub_reason for estimate in (tiny, longer, counted)],
    ]
