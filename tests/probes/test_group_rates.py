"""Rates by group on real decisions, on planted gaps, and on data that forbid a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from compas import compas
from fakes import BROKEN, Constant, Scorer, credit_world, measured, result_of, run_probe
from probandum import stats
from probandum.asking import Asker
from probandum.errors import UsageError
from probandum.evidence import Table
from probandum.finding import Limit, SubReason, Verdict
from probandum.judging import judge, unused_limits
from probandum.probe import Ask, Measure, ProbeResult, make_probe
from probandum.subject import UNKNOWN, Decision, Grouping, Outcomes, Subject
from probandum.target import Target
from probandum_probes.bias.counting import (
    FALSE_POSITIVES,
    PRECISION,
    SELECTION,
    compared,
    count,
    crossings,
    decisions,
    pair_of,
)
from probandum_probes.bias.gap_controls import turn_round
from probandum_probes.bias.group_rates import GroupRates
from probandum_probes.bias.rates import JUDGED, OF_ERRORS

PARITY = Limit(metric="bias.group-rates/selection-difference", direction="band", threshold=0.05)


@pytest.fixture(scope="module")
def published() -> ProbeResult:
    """What the probe says of ProPublica's unfiltered file: high risk from decile 5 on."""
    return run_probe(GroupRates(), *compas(scored=False))


def small_world(groups: Mapping[str, tuple[int, int]], *, reference: str | None = None) -> Subject:
    """Groups of ``(rows, of them with a high income)``: the scorer without a gap grants those and no others."""
    codes = np.repeat(np.arange(len(groups)), [rows for rows, _ in groups.values()])
    income = np.concatenate([np.where(np.arange(rows) < rich, 5.0, -5.0) for rows, rich in groups.values()])
    zero = np.zeros(len(codes))
    table = Table({"income": income, "debt": zero, "years": zero, "female": zero, "repaid": (income > 0) * 1.0})
    grouping = Grouping(attribute="town", codes=codes, names=tuple(groups), reference=reference)
    return Subject(
        table=table,
        features=("income", "debt", "years", "female"),
        groupings={"town": grouping},
        decision=Decision(favourable="1", positive="1"),
    )


def test_published_false_positive_rates(published: ProbeResult) -> None:
    """ProPublica's false positive rates, 44.85 % and 23.45 %, come out of the unfiltered file."""
    black, white = (measured(published, "fpr", group).estimate for group in ("African-American", "Caucasian"))

    assert ((805, 1795),) == black.counts
    assert ((349, 1488),) == white.counts
    assert (0.4485, 0.2345) == (round(black.value or 0, 4), round(white.value or 0, 4))


def test_published_false_negative_rates(published: ProbeResult) -> None:
    """So do the false negative rates, 27.99 % and 47.72 %."""
    values = [measured(published, "fnr", group).estimate.value for group in ("African-American", "Caucasian")]

    assert [0.2799, 0.4772] == [round(value or 0, 4) for value in values]


def test_published_false_positive_gap(published: ProbeResult) -> None:
    """The gap of the false positive rates has the published interval and the n of both groups."""
    gap = measured(published, "fpr-difference", "African-American", "Caucasian").estimate

    assert (0.1821, 0.2450) == (round(gap.low or 0, 4), round(gap.high or 0, 4))
    assert 3283 == gap.n


def test_published_impact_ratio(published: ProbeResult) -> None:
    """With the low score as the favourable decision the impact ratio is 0.632."""
    ratio = measured(published, "impact-ratio", "African-American", "Caucasian").estimate

    assert 0.632 == round(ratio.value or 0, 3)


def test_point_values_agree_with_fairlearn(published: ProbeResult) -> None:
    """Selection rates, error rates and precision of every race are those of fairlearn's MetricFrame."""
    fairlearn = pytest.importorskip("fairlearn.metrics")
    from sklearn.metrics import precision_score

    _, subject = compas(scored=False)
    positive = np.asarray(subject.positive)
    detected = subject.table["decile_score"] >= 5
    names = subject.table["race"]
    frame = fairlearn.MetricFrame(
        metrics={
            "tpr": fairlearn.true_positive_rate,
            "fpr": fairlearn.false_positive_rate,
            "fnr": fairlearn.false_negative_rate,
            "ppv": precision_score,
            "selection-rate": lambda y_true, y_pred: 1 - fairlearn.selection_rate(y_true, y_pred),
        },
        y_true=positive,
        y_pred=detected,
        sensitive_features=names,
    )

    for metric in ("tpr", "fpr", "fnr", "ppv", "selection-rate"):
        for group, expected in frame.by_group[metric].items():
            assert expected == pytest.approx(measured(published, metric, group).estimate.value)


def test_real_decisions_are_judged(published: ProbeResult) -> None:
    """The gap is a FAIL, small groups are INCONCLUSIVE with their number, and controls held."""
    limit = Limit(
        metric="bias.group-rates/fpr-difference", direction="band", threshold=0.05, groups={"attribute": "race"}
    )
    findings = {finding.id: finding for finding in judge([published], [limit])}
    black = findings["bias.group-rates/fpr-difference?race=African-American~Caucasian"]
    small = findings["bias.group-rates/fpr-difference?race=Native American~Caucasian"]

    assert {"positive": "held", "negative": "held"} == black.controls
    assert (Verdict.FAIL, None) == (black.verdict, black.sub_reason)
    assert (Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP) == (small.verdict, small.sub_reason)
    assert "Native American has 8 negatives; a verdict needs 30" == small.why


def test_a_planted_gap_is_found() -> None:
    """A scorer that takes 1.2 logits from women FAILS against men, and by about as much as was planted."""
    world = credit_world(2000)
    result = run_probe(GroupRates(), Scorer(gap=1.2), world)
    gap = measured(result, "selection-difference", "women", "men").estimate
    before = run_probe(GroupRates(), Scorer(), world)
    base = measured(before, "selection-difference", "women", "men").estimate

    assert {Verdict.FAIL} == {f.verdict for f in judge([result], [PARITY]) if f.limit}
    assert (gap.value or 0) < (base.value or 0) - 0.2


def test_a_system_without_a_gap_passes() -> None:
    """The same scorer without the gap is quiet: with rows enough it PASSES the same limit."""
    result = run_probe(GroupRates(), Scorer(), credit_world(8000))

    assert {Verdict.PASS} == {f.verdict for f in judge([result], [PARITY]) if f.limit}


def test_null_systems_stay_quiet() -> None:
    """Of 200 worlds without a gap no more FAIL a band of a point than 5 % allow, at 99 % confidence."""
    loud = 0
    for seed in range(200):
        ask = Asker(Scorer(), seed=1, subject=credit_world(400, seed=seed)).for_probe("bias.group-rates")
        gaps = [m for m in GroupRates().measure(ask) if m.metric == "selection-difference"]
        findings = judge([result_of(*gaps, probe="bias.group-rates")], [replace(PARITY, threshold=0.01)])
        loud += findings[0].verdict is Verdict.FAIL

    assert loud <= 17


def test_controls_hold_on_sound_systems() -> None:
    """Over ten worlds both controls hold, with and without a gap."""
    for seed in range(10):
        result = run_probe(GroupRates(), Scorer(gap=seed % 2), credit_world(600, seed=seed), seed=seed)

        assert [True, True] == [outcome.held for outcome in result.controls]


def test_without_reference_every_ordered_pair_is_compared() -> None:
    """Two groups without a reference are compared both ways, with mirrored gaps."""
    result = run_probe(GroupRates(), Scorer(gap=0.5), credit_world(reference=None))
    one = measured(result, "selection-difference", "women", "men").estimate
    other = measured(result, "selection-difference", "men", "women").estimate

    assert (one.value, one.low) == pytest.approx((-(other.value or 0), -(other.high or 0)))


def test_small_groups_are_never_dropped() -> None:
    """A group of 29 is shown with its interval, and allows no verdict."""
    subject = small_world({"Ayr": (29, 10), "Bath": (400, 200)}, reference="Bath")
    result = run_probe(GroupRates(), Scorer(), subject)
    finding = next(f for f in judge([result], [PARITY]) if f.metric == PARITY.metric)
    shown = measured(result, "selection-rate", "Ayr").estimate

    assert (29, 10 / 29) == (shown.n, shown.value)
    assert (Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP) == (finding.verdict, finding.sub_reason)
    assert "Ayr has 29 rows; a verdict needs 30" == finding.why
    assert finding.limit is not None
    assert (0.05, None, False) == (finding.limit.threshold, finding.limit.p_fail, finding.judged)


def test_rare_decisions_allow_no_verdict() -> None:
    """Where fewer than five favourable decisions are expected the groups are too small, whatever their rows."""
    subject = small_world({"Ayr": (200, 1), "Bath": (200, 3)}, reference="Bath")
    why = measured(run_probe(GroupRates(), Scorer(), subject), "impact-ratio", "Ayr").why

    expected = "Ayr has 200 rows, of which 2.0 favourable decisions are expected at the pair's rate; a verdict needs 5"

    assert expected == why


def test_no_ratio_to_a_group_that_nobody_is_selected_from() -> None:
    """A reference rate of 0 leaves the difference and no ratio."""
    subject = small_world({"Ayr": (100, 40), "Bath": (100, 0)}, reference="Bath")
    result = run_probe(GroupRates(), Scorer(), subject)
    ratio = measured(result, "impact-ratio", "Ayr", "Bath")

    assert (Verdict.NOT_APPLICABLE, None) == (ratio.verdict, ratio.estimate.value)
    assert 0.4 == measured(result, "selection-difference", "Ayr", "Bath").estimate.value


def test_without_labels_error_rates_are_not_applicable() -> None:
    """A plan without a label measures no error rate, and says so of each that a limit may judge."""
    result = run_probe(GroupRates(), Scorer(), credit_world(labelled=False))
    verdicts = {measure.metric: measure.verdict for measure in result.measures}

    assert {*OF_ERRORS, "selection-rate", "selection-difference", "impact-ratio", "selection-p-value"} == set(verdicts)
    assert {Verdict.NOT_APPLICABLE} == {verdicts[metric] for metric in OF_ERRORS}


def test_a_group_without_positives_says_so() -> None:
    """Its true positive rate is missing, and the comparison INCONCLUSIVE, with the reason."""
    world = credit_world(600)
    columns = {**world.table.columns, "repaid": world.table["repaid"] * (1 - world.table["female"])}
    result = run_probe(GroupRates(), Scorer(), replace(world, table=Table(columns)))
    rate, gap = measured(result, "tpr", "women"), measured(result, "tpr-difference", "women", "men")

    assert (None, "women has no positives") == (rate.estimate.value, rate.estimate.why)
    assert (Verdict.INCONCLUSIVE, "women has no positives; a verdict needs 30") == (gap.verdict, gap.why)


def test_rows_that_state_no_group_are_shown_and_compared_with_nobody() -> None:
    """Unknown membership is counted, and is no group to judge."""
    subject = small_world({"Ayr": (100, 40), "Bath": (100, 50), UNKNOWN: (7, 3)})
    result = run_probe(GroupRates(), Scorer(), subject)
    pairs = [m.groups for m in result.measures if m.metric == "impact-ratio" and m.groups]
    named = {name for pair in pairs for name in (pair.group, pair.reference)}

    assert 7 == measured(result, "selection-rate", UNKNOWN).estimate.n
    assert {"Ayr", "Bath"} == named


def test_one_group_alone_is_inconclusive() -> None:
    """An attribute with a single group has nothing to compare, and says so of everything that a limit may judge."""
    labelled = replace(small_world({"Ayr": (100, 40)}), label="repaid")
    for subject, expected in ((small_world({"Ayr": (100, 40)}), JUDGED[:2]), (labelled, JUDGED)):
        result = run_probe(GroupRates(), Scorer(), subject)
        limits = [Limit(metric=f"bias.group-rates/{metric}", direction="at_least", threshold=0.0) for metric in JUDGED]
        open_ = [f for f in judge([result], limits) if f.why == "town has no two groups to compare"]

        assert {(f"bias.group-rates/{metric}", Verdict.INCONCLUSIVE) for metric in expected} == {
            (finding.metric, finding.verdict) for finding in open_
        }
        assert [] == unused_limits([result], limits)


def test_a_constant_system_cannot_pass() -> None:
    """A system that decides alike on everybody gives controls nothing to see, so nothing PASSES."""
    result = run_probe(GroupRates(), Constant(Scorer()), credit_world(2000))
    verdicts = {f.verdict for f in judge([result], [PARITY, replace(PARITY, metric="bias.group-rates/tpr-difference")])}

    assert Verdict.PASS not in verdicts
    assert Verdict.ERROR not in verdicts


@pytest.mark.parametrize("broken", BROKEN)
def test_broken_answers_are_errors(broken: Any) -> None:
    """Refusals, crashes, errors, empty answers and NaN leave an error with its reason, and no rate."""
    result = run_probe(GroupRates(), broken(Scorer()), credit_world(200))

    assert ("error", ()) == (result.status, result.measures)
    assert result.why


class Upright(GroupRates):
    """A sabotaged probe: it halves every difference."""

    def measure(self, ask: Ask) -> Any:
        """As the probe, and wrong."""
        for each in super().measure(ask):
            value = each.estimate.value
            if each.metric.endswith("-difference") and value is not None:
                yield replace(each, estimate=replace(each.estimate, value=value / 2, low=-1.0, high=1.0))
            else:
                yield each


class Muddled(GroupRates):
    """A sabotaged probe: it ranks rows by income before it looks at groups, so that a gap is always there."""

    def measure(self, ask: Ask) -> Any:
        """As the probe, and with a gap of its own."""
        for each in super().measure(ask):
            if each.metric == "selection-difference" and each.estimate.counts:
                (x1, n1), (x2, n2) = each.estimate.counts
                yield replace(each, estimate=replace(each.estimate, counts=((x1 // 2, n1), (x2, n2))))
            else:
                yield each


@pytest.mark.parametrize(("probe", "kind"), [(Upright, "positive"), (Muddled, "negative")])
def test_a_sabotaged_probe_is_an_error(probe: type[GroupRates], kind: str) -> None:
    """A probe that says the wrong size, or a gap where none is, fails its control, and all it says is an ERROR."""
    result = run_probe(probe(), Scorer(), credit_world(2000))
    findings = judge([result], [PARITY])

    assert "failed" == findings[0].controls[kind]
    assert {Verdict.ERROR} == {finding.verdict for finding in findings}


def test_no_groups_declared_is_an_error() -> None:
    """Without groups there is nothing to compare."""
    result = run_probe(GroupRates(), Scorer(), replace(credit_world(100), groupings={}))

    assert ("error", "the plan declares no groups to compare; add groups: to the plan") == (result.status, result.why)


def test_options_are_checked() -> None:
    """A word in place of a number is refused before anything is asked."""
    with pytest.raises(UsageError) as caught:
        make_probe("bias.group-rates", {"sample": "few"})

    assert "suites.bias.group-rates.sample: expected a whole number or nothing, got 'few'" == caught.value.message


def test_error_rates_have_ratios(published: ProbeResult) -> None:
    """Each of them with the interval of the impact ratio, and a limit on it is judged."""
    ratio = measured(published, "fpr-ratio", "African-American", "Caucasian").estimate
    ends = stats.ratio_interval(805, 1795, 349, 1488)
    limit = Limit(metric="bias.group-rates/fpr-ratio", direction="at_most", threshold=1.25)
    findings = {finding.id: finding.verdict for finding in judge([published], [limit])}

    assert (ends.value, ends.low, ends.high) == (ratio.value, ratio.low, ratio.high)
    assert Verdict.FAIL is findings["bias.group-rates/fpr-ratio?race=African-American~Caucasian"]


def test_equal_selection_is_tested(published: ProbeResult) -> None:
    """Large groups by the two-sample z test, small ones by Fisher's test with mid-p; two orders are one test."""
    from statsmodels.stats.proportion import proportions_ztest

    tested = {
        m.groups.group: (m, measured(published, "impact-ratio", m.groups.group, "Caucasian").estimate.counts)
        for m in published.measures
        if m.metric == "selection-p-value" and m.groups is not None and m.groups.reference == "Caucasian"
    }
    large, counts = tested["Hispanic"]
    small, few = tested["Native American"]
    assert counts is not None and few is not None
    (x1, n1), (x2, n2) = counts
    (a, m1), (b, m2) = few
    tables = scipy.stats.hypergeom(m1 + m2, a + b, m1).pmf(np.arange(m1 + 1))
    as_rare = tables[tables <= tables[a] * (1 + 1e-9)].sum() - tables[a] / 2

    assert proportions_ztest([x1, x2], [n1, n2])[1] == pytest.approx(large.estimate.value)
    assert as_rare == pytest.approx(small.estimate.value)
    assert "mid-p" in str(small.estimate.design)
    assert 1 == sum(m.metric == "selection-p-value" for m in run_probe(GroupRates(), Scorer(), credit_world()).measures)


def test_equalized_odds_are_fairlearns(published: ProbeResult) -> None:
    """Its worst-case difference and ratio of two groups."""
    fairlearn = pytest.importorskip("fairlearn.metrics")
    _, subject = compas(scored=False)
    two = np.isin(subject.table["race"], ["African-American", "Caucasian"])
    of = {
        "y_true": np.asarray(subject.positive)[two],
        "y_pred": (subject.table["decile_score"] >= 5)[two],
        "sensitive_features": subject.table["race"][two],
    }
    for metric, theirs in (
        ("equalized-odds-difference", fairlearn.equalized_odds_difference),
        ("equalized-odds-ratio", fairlearn.equalized_odds_ratio),
    ):
        shown = measured(published, metric, "African-American", "Caucasian")

        assert (theirs(**of), "disclosure") == (pytest.approx(shown.estimate.value), shown.mode)
        assert ("extreme", False) == (shown.estimate.method, shown.estimate.bounded)


def test_what_errors_cost_is_weighed() -> None:
    """A miss at 5 and a false alarm at 1, by the published rates; one cost alone is refused."""
    system, subject = compas(scored=False)
    result = run_probe(GroupRates(cost_of_miss=5, cost_of_false_alarm=1), system, subject)
    cost = measured(result, "cost-difference", "African-American", "Caucasian").estimate
    missed, alarmed = 532 / 1901 - 461 / 966, 805 / 1795 - 349 / 1488

    assert 5 * missed + alarmed == pytest.approx(cost.value)
    assert "5 for a missed positive, 1 for a false alarm; each row a person" == cost.design
    with pytest.raises(UsageError, match="expected both"):
        GroupRates(cost_of_miss=5)


def test_error_rates_need_both_labels_in_every_group() -> None:
    """30 positives and 30 negatives, whichever of them the rate is counted over."""
    world = credit_world(600)
    women = np.flatnonzero(world.table["female"] == 1)
    repaid = world.table["repaid"].copy()
    repaid[women] = np.where(np.arange(len(women)) < 29, 0.0, 1.0)
    result = run_probe(GroupRates(), Scorer(), replace(world, table=Table({**world.table.columns, "repaid": repaid})))
    whys = [
        measured(result, metric, "women", "men").why for metric in ("tpr-difference", "fpr-difference", "tpr-ratio")
    ]

    assert ["women has 29 negatives; a verdict needs 30"] * 3 == whys


def test_decisions_against_the_labels_are_said_before_any_rate() -> None:
    """A plan that names the other value as positive is an ERROR, and comes first; its rates are shown all the same."""
    world = credit_world(600)
    turned = replace(world, table=Table({**world.table.columns, "repaid": 1 - world.table["repaid"]}))
    result = run_probe(GroupRates(), Scorer(), turned)
    first = judge([result], [])[0]

    assert ("bias.group-rates/overall-auc", Verdict.ERROR) == (first.metric, first.verdict)
    assert SubReason.AGAINST_LABELS is first.sub_reason
    assert str(first.why).startswith("the decisions run against the labels: their AUC is 0.2")
    assert measured(result, "tpr", "women").estimate.value is not None


def test_no_error_rate_passes_against_the_labels() -> None:
    """All of them are INCONCLUSIVE then, and selection rates, which rest on no label, are judged as ever."""
    world = credit_world(8000)
    turned = replace(world, table=Table({**world.table.columns, "repaid": 1 - world.table["repaid"]}))
    limits = [
        Limit(metric=f"bias.group-rates/{metric}", direction="at_most", threshold=0.9) for metric in (*OF_ERRORS,)
    ]
    limits += [PARITY]
    findings = [f for f in judge([run_probe(GroupRates(), Scorer(), turned)], limits) if f.limit is not None]
    errors = [f for f in findings if f.metric != PARITY.metric]

    assert {(Verdict.INCONCLUSIVE, SubReason.AGAINST_LABELS)} == {(f.verdict, f.sub_reason) for f in errors}
    assert len(OF_ERRORS) == len(errors)
    assert [Verdict.PASS] == [f.verdict for f in findings if f.metric == PARITY.metric]


def test_negative_predictive_values_by_hand() -> None:
    """Of 60 found negative in Ayr 45 are, of 50 in Bath 40: 0.75 and 0.8."""
    subject = small_world({"Ayr": (100, 40), "Bath": (100, 50)}, reference="Bath")
    late = np.zeros(200)
    late[np.r_[40:55, 150:160]] = 1  # found negative, and positive
    columns = {**subject.table.columns, "repaid": np.maximum(subject.table["repaid"], late)}
    result = run_probe(GroupRates(), Scorer(), replace(subject, table=Table(columns), label="repaid"))

    assert ((45, 60),) == measured(result, "npv", "Ayr").estimate.counts
    assert ((45, 60), (40, 50)) == measured(result, "npv-difference", "Ayr", "Bath").estimate.counts


def test_the_same_seed_gives_the_same_result() -> None:
    """Measures and controls are equal from run to run."""
    one, other = (run_probe(GroupRates(), Scorer(gap=0.3), credit_world(500)) for _ in range(2))

    assert one == other


def test_a_recorded_decision_is_turned_round() -> None:
    """The planted gap turns decisions of a log and of a model, and touches no other row."""
    world = credit_world(50)
    model = run_answers(Scorer(), world)
    assert world.decision is not None
    turned = turn_round(model, np.array([3, 7]), world.decision)
    before, after = world.outcomes(model), world.outcomes(turned)

    assert [3, 7] == np.flatnonzero(before.favourable != after.favourable).tolist()
    assert np.allclose(1.0, turned.values.sum(axis=1))


def run_answers(target: Target, subject: Subject) -> Any:
    """The system's answer to all rows."""
    return decisions(Asker(target, seed=1, subject=subject).for_probe("bias.group-rates"))[1]


rows = st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=60)


@given(rows)
def test_the_table_counts_every_row_once(data: list[tuple[int, bool, bool, bool]]) -> None:
    """Counts by cells are counts by rows, for every rate and group, and mergeable by adding."""
    codes = np.array([row[0] for row in data])
    favourable, detected, positive = (np.array([row[i] for row in data]) for i in (1, 2, 3))
    grouping = Grouping(attribute="g", codes=codes, names=("a", "b", "c"))
    cells = count(grouping, Outcomes(favourable=favourable, detected=detected, positive=positive))
    half = len(data) // 2
    parts = [
        count(
            Grouping(attribute="g", codes=codes[part], names=("a", "b", "c")),
            Outcomes(favourable=favourable[part], detected=detected[part], positive=positive[part]),
        )
        for part in (slice(0, half), slice(half, None))
    ]

    assert len(data) == cells.sum()
    assert np.array_equal(cells, parts[0] + parts[1])
    for group in range(3):
        inside = codes == group
        assert [(inside & favourable).sum(), inside.sum()] == SELECTION.counts(cells)[group].tolist()
        assert [(inside & detected & ~positive).sum(), (inside & ~positive).sum()] == FALSE_POSITIVES.counts(cells)[
            group
        ].tolist()
        assert [(inside & detected & positive).sum(), (inside & detected).sum()] == PRECISION.counts(cells)[
            group
        ].tolist()


@given(st.permutations(range(3)))
def test_renaming_groups_renames_findings_and_nothing_else(order: list[int]) -> None:
    """The numbers of a comparison do not depend on the order in which groups are listed."""
    codes = np.arange(300) % 3
    favourable = np.arange(300) % 7 < 2 + codes
    outcomes = Outcomes(favourable=favourable, detected=~favourable)
    names = ("a", "b", "c")
    listed = Grouping(attribute="g", codes=np.argsort(order)[codes], names=tuple(names[i] for i in order))
    plain = Grouping(attribute="g", codes=codes, names=names)

    def said(grouping: Grouping) -> dict[tuple[str, str], Any]:
        cells = count(grouping, outcomes)
        return {
            (grouping.names[g], grouping.names[h]): pair_of(SELECTION, cells, g, h)
            for g, h in compared(grouping, cells)
        }

    assert said(plain) == said(listed)


def test_crossing_keeps_both_references() -> None:
    """Two declared references make the reference of their crossing, one alone makes none."""
    world = credit_world(100)
    sex = world.groupings["sex"]
    old = Grouping(attribute="age", codes=np.arange(100) % 2, names=("young", "old"), reference="old")
    subject = replace(world, groupings={"sex": sex, "age": old})

    assert ["sex*age"] == [each.attribute for each in crossings(subject, 3)]
    assert "men*old" == crossings(subject, 2)[0].reference
    assert sex.cross(replace(old, reference=None)).reference is None


def test_measures_are_evidence() -> None:
    """Every measure names the one request that it rests on."""
    result = run_probe(GroupRates(), Scorer(), credit_world(100))
    digests: set[tuple[str, ...]] = {measure.evidence for measure in result.measures}

    assert 1 == len(digests)
    assert all(isinstance(measure, Measure) and len(measure.evidence) == 1 for measure in result.measures)
