"""Judging: what limits make of estimates, and what bars a PASS."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import HELD, estimated, result_of
from probandum.errors import UsageError
from probandum.finding import Estimate, Finding, Groups, Limit, SubReason, Verdict, Waiver, join
from probandum.judging import judge, unused_limits
from probandum.probe import ControlOutcome, Measure, ProbeResult
from probandum.stats import bounds
from strategies import limits, pairs, verdicts

SHARE, GAP, RATIO = "bias.fake/share", "bias.fake/gap", "bias.fake/ratio"


def share(x: int, n: int) -> Measure:
    """A measured share."""
    return Measure(metric="share", estimate=estimated("wilson", counts=[(x, n)]))


def gap(x1: int, n1: int, x2: int, n2: int, group: str = "A", **more: Any) -> Measure:
    """A measured difference of two groups."""
    groups = Groups(attribute="town", group=group, reference="B")
    estimate = estimated("newcombe", counts=[(x1, n1), (x2, n2)])
    return Measure(metric="gap", estimate=estimate, groups=groups, **more)


def judged(measure: Measure, limit: Limit | None, *, mode: str = "release") -> Finding:
    """The finding of one measure under one limit."""
    (finding,) = judge([result_of(measure)], [] if limit is None else [limit], mode=mode)
    return finding


AT_MOST = Limit(metric=SHARE, direction="at_most", threshold=0.10)
AT_LEAST = Limit(metric=SHARE, direction="at_least", threshold=0.10)
BAND = Limit(metric=GAP, direction="band", threshold=0.05)


@pytest.mark.parametrize(
    ("x", "n", "at_most", "at_least"),
    [
        (10, 400, Verdict.PASS, Verdict.FAIL),
        (80, 400, Verdict.FAIL, Verdict.PASS),
        (40, 400, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE),
        (0, 5, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE),
    ],
)
def test_one_sided_limits(x: int, n: int, at_most: Verdict, at_least: Verdict) -> None:
    """The bound on the good side is a PASS, on the bad side a FAIL, and on neither INCONCLUSIVE."""
    assert at_most is judged(share(x, n), AT_MOST).verdict
    assert at_least is judged(share(x, n), AT_LEAST).verdict


@pytest.mark.parametrize(
    ("counts", "verdict"),
    [
        ((2500, 5000, 2500, 5000), Verdict.PASS),
        ((3000, 5000, 2500, 5000), Verdict.FAIL),
        ((2000, 5000, 2500, 5000), Verdict.FAIL),
        ((2700, 5000, 2500, 5000), Verdict.INCONCLUSIVE),
        ((50, 100, 50, 100), Verdict.INCONCLUSIVE),
    ],
)
def test_a_band_is_judged_on_both_sides(counts: tuple[int, int, int, int], verdict: Verdict) -> None:
    """Equivalence is a PASS, a gap to either side a FAIL."""
    assert verdict is judged(gap(*counts), BAND).verdict


def test_a_margin_widens_what_is_tolerated() -> None:
    """With a margin of 0.1 a share of 0.12 stays within "at most 0.1"."""
    plain, widened = judged(share(120, 1000), AT_MOST), judged(share(120, 1000), replace(AT_MOST, margin=0.1))

    assert (Verdict.FAIL, Verdict.PASS) == (plain.verdict, widened.verdict)
    assert widened.limit is not None
    assert 0.2 == widened.limit.effective


def test_no_limit_no_verdict() -> None:
    """Without a limit an estimate is printed and not judged, even where its groups are small."""
    small = gap(1, 5, 2, 9, verdict=Verdict.INCONCLUSIVE, sub_reason=SubReason.SMALL_GROUP, why="A has 5 rows")
    plain, tiny = judged(share(1, 9), None), judged(small, None)

    assert (Verdict.NOT_APPLICABLE, SubReason.NO_LIMIT) == (plain.verdict, plain.sub_reason)
    assert (Verdict.NOT_APPLICABLE, "A has 5 rows") == (tiny.verdict, tiny.why)
    assert tiny.estimate.value is not None


def test_a_small_group_comes_before_every_verdict() -> None:
    """Where the data forbid a verdict no limit gives one, however far the estimate lies beyond it."""
    measure = gap(5, 5, 0, 900, verdict=Verdict.INCONCLUSIVE, sub_reason=SubReason.SMALL_GROUP, why="A has 5 rows")
    finding = judged(measure, BAND)

    assert (Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP) == (finding.verdict, finding.sub_reason)
    assert ("A has 5 rows", False) == (finding.why, finding.judged)


@pytest.mark.parametrize("mode", ["release", "merge"])
@pytest.mark.parametrize(
    "measure",
    [
        gap(5, 5, 0, 900, verdict=Verdict.INCONCLUSIVE, sub_reason=SubReason.SMALL_GROUP, why="A has 5 rows"),
        gap(5, 5, 0, 900, verdict=Verdict.ERROR, sub_reason=SubReason.INVALID_ANSWERS, why="no answer was valid"),
        replace(gap(5, 5, 0, 900), estimate=Estimate.missing("no positives", unit="share")),
    ],
)
def test_what_the_data_forbid_to_judge_still_carries_its_limit(measure: Measure, mode: str) -> None:
    """The limit stands there as declared, with its line and owner, and with no number that was never computed."""
    limit = replace(BAND, margin=0.01, set_by="Board", set_on="2026-10-01", reason="Decision 14", line=11)
    covered = judged(measure, limit, mode=mode).limit

    assert covered is not None
    assert ("band", 0.05, 0.01) == (covered.direction, covered.threshold, covered.margin)
    assert ("Board", "2026-10-01", "Decision 14", 11) == (covered.set_by, covered.set_on, covered.reason, covered.line)
    assert [None] * 5 == [covered.effective, covered.lower, covered.upper, covered.p_fail, covered.p_adjusted]
    assert (0, False) == (covered.hypotheses, covered.applied)


@pytest.mark.parametrize("mode", ["disclosure", "indicator"])
def test_what_is_never_judged_carries_no_limit(mode: Any) -> None:
    """A quantity that is only reported is covered by none, however small its groups are."""
    small = gap(5, 5, 0, 900, verdict=Verdict.INCONCLUSIVE, sub_reason=SubReason.SMALL_GROUP, why="few", mode=mode)

    assert judged(small, BAND).limit is None


def test_small_groups_do_not_spend_the_family() -> None:
    """A measure that cannot be judged is no hypothesis of Holm's family."""
    small = gap(5, 5, 0, 900, "C", verdict=Verdict.INCONCLUSIVE, sub_reason=SubReason.SMALL_GROUP, why="C has 5 rows")
    findings = judge([result_of(gap(700, 1000, 500, 1000), small)], [BAND])

    assert findings[0].limit is not None
    assert 2 == findings[0].limit.hypotheses


def test_underpowered_and_near_threshold_are_told_apart() -> None:
    """Data that could never pass are underpowered; data that could have are near the threshold."""
    limit = Limit(metric=SHARE, direction="at_most", threshold=0.05)
    tiny, near = judged(share(0, 20), limit), judged(share(8, 200), limit)

    assert (SubReason.UNDERPOWERED, SubReason.NEAR_THRESHOLD) == (tiny.sub_reason, near.sub_reason)


def test_an_inconclusive_finding_says_how_many_it_would_need() -> None:
    """That many observations of the same kind do give the verdict, and a tenth fewer do not."""
    needed = judged(share(16, 400), replace(AT_MOST, threshold=0.05)).n_needed
    assert needed is not None
    sizes = (needed, needed * 9 // 10)
    there, short = (bounds("wilson", level=0.9, counts=((round(n * 0.04), n),)).high for n in sizes)

    assert there <= 0.0501 < short


def test_no_number_helps_between_pass_and_fail() -> None:
    """A gap within the declared band and beyond what a PASS must show has no number that would settle it."""
    finding = judged(gap(90, 600, 110, 600), replace(BAND, threshold=0.06))

    assert finding.limit is not None
    assert finding.limit.effective is not None
    assert 0.2 * 110 / 600 == pytest.approx(finding.limit.effective)
    assert finding.limit.effective < 0.06
    assert (Verdict.INCONCLUSIVE, True) == (finding.verdict, finding.n_needed is not None)
    assert judged(gap(840, 6000, 1110, 6000), replace(BAND, threshold=0.06)).n_needed is None


def test_holm_runs_over_all_hypotheses_of_a_family() -> None:
    """A gap that fails alone is not significant among twenty others; the p-values say why."""
    failing = gap(136, 200, 100, 200)
    alone = judged(failing, BAND)
    others = [gap(100, 200, 100, 200, f"group {i}") for i in range(20)]
    among = judge([result_of(failing, *others)], [BAND])[0]

    assert alone.limit is not None
    assert among.limit is not None
    assert (2, 42) == (alone.limit.hypotheses, among.limit.hypotheses)
    assert alone.limit.p_fail == among.limit.p_fail
    assert alone.limit.p_fail == pytest.approx(alone.limit.p_adjusted)
    assert 21 * (alone.limit.p_fail or 0) == pytest.approx(among.limit.p_adjusted)
    assert (Verdict.FAIL, Verdict.INCONCLUSIVE) == (alone.verdict, among.verdict)


def test_both_orders_of_a_difference_are_one_hypothesis() -> None:
    """Two groups compared both ways spend what one order does; a ratio and its inverse have hypotheses of their own."""

    def ordered(metric: str, method: str, counts: list[tuple[int, int]], *names: str) -> Measure:
        groups = Groups(attribute="town", group=names[0], reference=names[1])
        return Measure(metric=metric, estimate=estimated(method, counts=counts), groups=groups)

    table = [(136, 200), (100, 200)]
    gaps = [ordered("gap", "newcombe", table, "A", "B"), ordered("gap", "newcombe", table[::-1], "B", "A")]
    flips = [ordered("gap", "wilson", [(30, 400)], *names) for names in (("A", "B"), ("B", "A"))]
    ratios = [ordered("ratio", "koopman", table, "A", "B"), ordered("ratio", "koopman", table[::-1], "B", "A")]
    ratios = [replace(each, estimate=replace(each.estimate, unit="ratio")) for each in ratios]
    at_least = Limit(metric=RATIO, direction="at_least", threshold=0.8)
    alone = judged(gaps[0], BAND)

    for measures, limit, expected in (
        (gaps, BAND, 2),
        (gaps, replace(BAND, direction="at_least", threshold=-0.05), 2),
        (flips, replace(BAND, direction="at_most"), 1),
        (ratios, at_least, 2),
    ):
        findings = judge([result_of(*measures)], [limit])

        assert [expected] * 2 == [finding.limit.hypotheses for finding in findings if finding.limit is not None]
    both = judge([result_of(*gaps)], [BAND])
    assert [alone.verdict] * 2 == [finding.verdict for finding in both]
    assert [alone.limit and alone.limit.p_adjusted] * 2 == [
        finding.limit and finding.limit.p_adjusted for finding in both
    ]


def test_families_are_corrected_apart() -> None:
    """A limit with a family of its own pays for its own hypotheses only."""
    results = [result_of(gap(136, 200, 100, 200), *[gap(100, 200, 100, 200, f"group {i}") for i in range(20)])]
    own = [replace(BAND, family="A", groups={"group": "A"}), BAND]
    finding = judge(results, own)[0]

    assert (Verdict.FAIL, "A") == (finding.verdict, finding.limit.family if finding.limit else None)


def test_a_pass_is_not_corrected() -> None:
    """Each of many equivalent gaps passes at its own level, since a suite passes only with all of them."""
    measures = [gap(2500, 5000, 2500, 5000, f"group {i}") for i in range(30)]

    assert {Verdict.PASS} == {finding.verdict for finding in judge([result_of(*measures)], [BAND])}


def test_a_merge_is_harder_to_block() -> None:
    """In mode merge FAIL needs p < 0.01, in mode release p < 0.05; a limit's own alpha goes before both."""
    measure = gap(133, 200, 100, 200)

    assert Verdict.FAIL is judged(measure, BAND).verdict
    assert Verdict.INCONCLUSIVE is judged(measure, BAND, mode="merge").verdict
    assert Verdict.FAIL is judged(measure, replace(BAND, alpha=0.05), mode="merge").verdict


def test_rare_outcomes_do_not_pass_an_absolute_band() -> None:
    """Rates of .04 and .01 lie within a band of .05 and stand 4 to 1: that is uninformative, never a PASS."""
    finding = judged(gap(200, 5000, 50, 5000), BAND)

    assert (Verdict.INCONCLUSIVE, SubReason.BAND_UNINFORMATIVE) == (finding.verdict, finding.sub_reason)
    assert "judge the ratio instead" in str(finding.why)
    assert finding.n_needed is None


def test_a_pass_stays_within_a_fifth_of_the_larger_rate() -> None:
    """The effective band is the smaller of the declared one and a fifth of the larger rate."""
    finding = judged(gap(750, 5000, 750, 5000), BAND)
    narrow = judged(gap(700, 5000, 850, 5000), BAND)

    assert finding.limit is not None
    assert 0.03 == pytest.approx(finding.limit.effective)
    assert Verdict.PASS is finding.verdict
    assert Verdict.INCONCLUSIVE is narrow.verdict


def test_effective_bands_concern_differences_of_rates_alone() -> None:
    """A band on a mean difference is the declared one."""
    measure = Measure(metric="gap", estimate=estimated("t", moments=(0.001, 0.001, 30.0)))
    finding = judged(measure, BAND)

    assert finding.limit is not None
    assert (Verdict.PASS, 0.05) == (finding.verdict, finding.limit.effective)


def test_ratios_are_judged_by_their_score_interval() -> None:
    """The rule example 34/76 against 50/92 is INCONCLUSIVE at four fifths; far below it is a FAIL."""
    limit = Limit(metric=RATIO, direction="at_least", threshold=0.8)
    example = Measure(metric="ratio", estimate=estimated("koopman", counts=[(34, 76), (50, 92)]))
    far = Measure(metric="ratio", estimate=estimated("koopman", counts=[(180, 1000), (300, 1000)]))

    assert (Verdict.INCONCLUSIVE, Verdict.FAIL) == (judged(example, limit).verdict, judged(far, limit).verdict)


@given(pairs(most=3000), st.sampled_from(["release", "merge"]))
def test_verdicts_agree_with_the_printed_bounds(pair: Any, mode: str) -> None:
    """PASS has its bounds inside the effective limit; FAIL has its adjusted p below alpha and a bound outside."""
    (x1, n1), (x2, n2) = pair
    finding = judged(gap(x1, n1, x2, n2), BAND, mode=mode)
    applied = finding.limit
    assert applied is not None
    assert applied.effective is not None
    assert applied.lower is not None
    assert applied.upper is not None
    inside = -applied.effective <= applied.lower and applied.upper <= applied.effective
    fails = (applied.p_adjusted or 0) < applied.alpha_fail

    assert (finding.verdict is Verdict.FAIL) == fails
    assert finding.verdict is not Verdict.PASS or inside
    assert not fails or applied.lower > 0.05 or applied.upper < -0.05


@given(st.data())
def test_judging_does_not_depend_on_order(data: st.DataObject) -> None:
    """Findings of shuffled measures are the shuffled findings."""
    drawn = data.draw(st.lists(pairs(), max_size=5))
    measures = [gap(*one, *other, f"group {i}") for i, (one, other) in enumerate(drawn)]
    limit = data.draw(limits(GAP))
    order = data.draw(st.permutations(range(len(measures))))
    plain = judge([result_of(*measures)], [limit])
    shuffled = judge([result_of(*[measures[i] for i in order])], [limit])

    assert [plain[i] for i in order] == list(shuffled)[: len(order)]


@given(st.lists(verdicts), st.lists(verdicts))
def test_joining_verdicts_is_a_semilattice(one: list[Verdict], other: list[Verdict]) -> None:
    """Commutative, associative, idempotent, with NOT_APPLICABLE as its identity."""
    assert join(one + other) is join(other + one)
    assert join([join(one), join(other)]) is join(one + other)
    assert join(one + one) is join(one)
    assert join([*one, Verdict.NOT_APPLICABLE]) is join(one)
    assert reduce(lambda a, b: join([a, b]), one, Verdict.NOT_APPLICABLE) is join(one)


def test_the_worst_verdict_wins() -> None:
    """FAIL > ERROR > INCONCLUSIVE > PASS > NOT_APPLICABLE."""
    order = [Verdict.NOT_APPLICABLE, Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.FAIL]

    assert all(order[max(i, j)] is join([order[i], order[j]]) for i in range(5) for j in range(5))


def control(kind: str, held: bool | None) -> ControlOutcome:
    """A control's outcome."""
    return ControlOutcome(name=f"{kind} one", kind=kind, held=held, detail="saw 3 of 5")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "controls",
    [
        (control("positive", False), control("negative", True)),
        (control("positive", True), control("negative", False)),
        (control("positive", True),),
        (),
    ],
)
def test_a_control_that_failed_or_is_missing_is_an_error(controls: tuple[ControlOutcome, ...]) -> None:
    """Everything the probe says is then an ERROR, its FAIL included."""
    measures = (gap(2500, 5000, 2500, 5000), gap(4000, 5000, 2500, 5000, "C"))
    findings = judge([result_of(*measures, controls=controls)], [BAND])

    assert {(Verdict.ERROR, SubReason.CONTROL_FAILED)} == {(f.verdict, f.sub_reason) for f in findings}


def test_a_failed_control_says_what_it_saw() -> None:
    """The reason names the control and its numbers."""
    result = result_of(share(1, 100), controls=(control("positive", False), control("negative", True)))
    (finding,) = judge([result], [AT_MOST])

    assert "positive control failed (positive one: saw 3 of 5)" == finding.why
    assert {"positive": "failed", "negative": "held"} == finding.controls


def test_a_control_that_cannot_tell_bars_a_pass_alone() -> None:
    """PASS becomes INCONCLUSIVE, FAIL stays."""
    controls = (control("positive", None), control("negative", True))
    measures = (gap(2500, 5000, 2500, 5000), gap(4000, 5000, 2500, 5000, "C"))
    passing, failing = judge([result_of(*measures, controls=controls)], [BAND])

    assert (Verdict.INCONCLUSIVE, SubReason.CONTROL_INCONCLUSIVE) == (passing.verdict, passing.sub_reason)
    assert Verdict.FAIL is failing.verdict


def test_a_missing_value_is_inconclusive_under_a_limit() -> None:
    """No data under a limit is INCONCLUSIVE with the reason, and without one not applicable."""
    measure = Measure(metric="share", estimate=Estimate.missing("nobody was asked", unit="share"))
    under, free = judged(measure, AT_MOST), judged(measure, None)

    assert (Verdict.INCONCLUSIVE, SubReason.NO_DATA, "nobody was asked") == (under.verdict, under.sub_reason, under.why)
    assert Verdict.NOT_APPLICABLE is free.verdict


@pytest.mark.parametrize("mode", ["disclosure", "indicator"])
def test_only_gate_measures_are_judged(mode: str) -> None:
    """A disclosure far beyond a limit has no verdict."""
    finding = judged(replace(share(90, 100), mode=mode), AT_MOST)  # type: ignore[arg-type]

    assert (Verdict.NOT_APPLICABLE, None) == (finding.verdict, finding.limit)


@pytest.mark.parametrize(
    ("status", "verdict", "reason"),
    [
        ("error", Verdict.ERROR, SubReason.CRASHED),
        ("not_applicable", Verdict.NOT_APPLICABLE, SubReason.NO_CAPABILITY),
    ],
)
def test_a_probe_that_measured_nothing_is_a_finding(status: Any, verdict: Verdict, reason: SubReason) -> None:
    """It leaves one finding with its reason."""
    result = ProbeResult(probe="bias.fake", version=1, status=status, why="it broke")
    (finding,) = judge([result], [AT_MOST])

    assert ("bias.fake/run", verdict, reason, "it broke") == (
        finding.id,
        finding.verdict,
        finding.sub_reason,
        finding.why,
    )


def test_a_measured_probe_without_measures_is_an_error() -> None:
    """Status "measured" with nothing measured is no silence."""
    (finding,) = judge([result_of()], [])

    assert Verdict.ERROR is finding.verdict


def test_the_narrowest_limit_applies() -> None:
    """A limit on one group goes before the one on all; two alike are refused with their lines."""
    wide, narrow = replace(BAND, threshold=0.5, line=3), replace(BAND, groups={"group": "A"}, line=4)
    findings = judge([result_of(gap(700, 1000, 500, 1000), gap(700, 1000, 500, 1000, "C"))], [wide, narrow])

    assert [4, 3] == [finding.limit.line for finding in findings if finding.limit]
    with pytest.raises(UsageError, match=r"two limits claim bias.fake/gap\?town=A~B \(lines 4 and 9\)"):
        judge([result_of(gap(700, 1000, 500, 1000))], [narrow, replace(narrow, line=9)])


def test_what_does_not_apply_to_anybody_is_met_by_every_limit_on_it() -> None:
    """A metric that a probe says does not apply, to no group in particular, leaves no limit on it unused."""
    why = "the plan names no label"
    absent = Measure(
        metric="gap",
        estimate=Estimate.missing(why, unit="share"),
        verdict=Verdict.NOT_APPLICABLE,
        sub_reason=SubReason.NO_DATA,
        why=why,
    )
    narrow = replace(BAND, groups={"attribute": "town", "group": "A"})

    assert [] == unused_limits([result_of(absent)], [BAND, narrow])
    assert [narrow] == unused_limits([result_of(replace(absent, verdict=Verdict.INCONCLUSIVE))], [BAND, narrow])


def test_limits_that_meet_nothing_are_named() -> None:
    """A limit on a metric that nobody measured is unused."""
    other = replace(AT_MOST, metric="bias.fake/other")

    assert [other] == unused_limits([result_of(share(1, 9))], [AT_MOST, other])


WAIVER = Waiver(
    finding="bias.fake/gap?town=A~B", owner="Board", reason="under way", set_on="2026-01-01", expires="2026-03-01"
)


@pytest.mark.parametrize(
    ("waiver", "as_of", "waived"),
    [
        (WAIVER, "2026-03-01", True),
        (WAIVER, "2026-03-02", False),
        (WAIVER, "2025-12-31", False),
        (WAIVER, None, False),
        (replace(WAIVER, worst=0.25), "2026-02-01", True),
        (replace(WAIVER, worst=0.15), "2026-02-01", False),
        (replace(WAIVER, finding="bias.fake/gap?town=C~B"), "2026-02-01", False),
    ],
)
def test_a_waiver_holds_within_its_bound_and_date(waiver: Waiver, as_of: str | None, waived: bool) -> None:
    """A gap of 0.2 is waived up to its worst value and last day, and stays a FAIL."""
    (finding,) = judge([result_of(gap(700, 1000, 500, 1000))], [BAND], waivers=[waiver], as_of=as_of)

    assert (Verdict.FAIL, waived) == (finding.verdict, finding.waiver is not None)


def test_an_error_cannot_be_waived() -> None:
    """A waiver accepts a finding, never a broken audit."""
    controls = (control("positive", False), control("negative", True))
    measures = result_of(gap(700, 1000, 500, 1000), controls=controls)
    (finding,) = judge([measures], [BAND], waivers=[WAIVER], as_of="2026-02-01")

    assert (Verdict.ERROR, None) == (finding.verdict, finding.waiver)


def test_findings_keep_the_order_of_results() -> None:
    """Results come out in the order in which they went in, each with its probe."""
    one = result_of(share(1, 9), probe="bias.one")
    other = result_of(share(1, 9), probe="bias.other", controls=HELD)

    assert ["bias.other", "bias.one"] == [finding.probe for finding in judge([other, one], [])]
