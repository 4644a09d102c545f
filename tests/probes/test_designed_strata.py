"""Selection within strata where rows carry sampling weights or several are about one person."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fakes import Scorer, credit_world, measured, run_probe
from listed import Listed
from probandum.changing import change_of_items, value_of
from probandum.evidence import Table
from probandum.finding import Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.probe import Ask, ProbeResult
from probandum.stats import bounds
from probandum.subject import Decision, Grouping, Subject
from probandum_probes.bias.conditional_parity import ConditionalParity
from probandum_probes.bias.removal import only
from weighted_worlds import BOTH, DECLARED, Declared, alone, designed, said, the, with_columns

ADJUSTED = Limit(metric="bias.conditional-parity/adjusted-difference", direction="band", threshold=0.05)
JUDGED = {"adjusted-difference", "adjusted-ratio", "stratum-difference"}
FIGURES = ("crude-difference", "crude-ratio", "crude-odds-ratio", "adjusted-difference", "adjusted-ratio")

each_design = pytest.mark.parametrize("declared", list(DECLARED.values()), ids=list(DECLARED))


def within(factor: str = "income", **options: Any) -> ConditionalParity:
    """The probe within one factor."""
    return ConditionalParity(**{"given": (factor,), "reason": "set by law", **options})


def world(cells: dict[str, tuple[tuple[int, int], tuple[int, int]]], weights: float = 1.0) -> Subject:
    """Rows of A and B with ``(selected, rows)`` in every value of "factor", each of a person of its own."""
    each = [(name, code, *pair) for name, pairs in cells.items() for code, pair in enumerate(pairs)]
    sizes = [n for *_, n in each]
    score = np.concatenate([(np.arange(n) < x) * 1.0 for *_, x, n in each])
    codes = np.repeat([code for _, code, *_ in each], sizes)
    factor = np.repeat([name for name, *_ in each], sizes)
    plain = Subject(
        table=Table({"score": score, "factor": factor}),
        features=("score",),
        groupings={"g": Grouping(attribute="g", codes=codes, names=("A", "B"), reference="B")},
        decision=Decision(favourable="1", positive="1", threshold=0.5),
    )
    return with_columns(plain, np.full(len(score), weights), np.arange(len(score)), **BOTH)


def asked(subject: Subject, **options: Any) -> ProbeResult:
    """What the probe says within "factor"."""
    return run_probe(within("factor", **options), Listed(), subject)


def test_numbers_by_hand() -> None:
    """Weights N1 N2 / (N1 + N2), the weighted difference, and ratios of the weighted rates, whatever rows weigh."""
    subject = world({"easy": ((30, 40), (18, 40)), "hard": ((6, 20), (6, 60))}, weights=2.5)
    result = asked(subject)
    weights, group, reference = np.array([20.0, 15.0]), np.array([0.75, 0.3]), np.array([0.45, 0.1])
    found = {name: measured(result, name).estimate for name in FIGURES}

    assert weights @ (group - reference) / 35 == pytest.approx(found["adjusted-difference"].value)
    assert weights @ group / (weights @ reference) == pytest.approx(found["adjusted-ratio"].value)
    assert 36 / 60 - 24 / 100 == pytest.approx(found["crude-difference"].value)
    assert ("cr2", "log-t") == (found["adjusted-difference"].method, found["adjusted-ratio"].method)
    assert "within 2 strata of factor; crude +0.360; rows of one 'person' as one person; weighted by 'weight'" == (
        found["adjusted-difference"].design
    )


def test_the_difference_is_a_regression_with_a_level_for_every_stratum() -> None:
    """Coefficient and, with many persons, standard error are those of statsmodels' weighted least squares by person."""
    sm = pytest.importorskip("statsmodels.api")
    subject = designed(6000, persons=3000, **BOTH)
    probe = within()
    strata = probe.within(subject, subject.groupings["sex"])
    assert strata is not None
    codes = strata.codes
    estimate = the("adjusted-difference", probe, subject, Scorer(gap=1.0)).estimate
    logit = 0.9 * subject.table["income"] - 0.8 * subject.table["debt"] + 0.5 * subject.table["years"]
    granted = (logit - subject.table["female"] >= 0).astype(float)
    design = np.column_stack([subject.groupings["sex"].codes == 0, *(codes == s for s in range(4))]).astype(float)
    fit = sm.WLS(granted, design, weights=subject.weights).fit(
        cov_type="cluster", cov_kwds={"groups": subject.persons, "use_correction": False}
    )
    assert estimate.moments is not None

    assert fit.params[0] == pytest.approx(estimate.value)
    assert fit.bse[0] == pytest.approx(estimate.moments[1], rel=0.01)


def test_rows_of_weight_1_of_persons_of_their_own_say_what_rows_say() -> None:
    """Values exactly; widths within 4 % of the score interval's and of Mantel and Haenszel's, which they replace."""
    plain = credit_world(2000)
    for metric in (*FIGURES, "adjusted-odds-ratio", "compared-share", "stratum-difference"):
        one, other = (the(metric, within(), each, Scorer(gap=0.5)).estimate for each in (plain, alone(plain)))
        assert one.low is not None and one.high is not None and other.low is not None and other.high is not None

        assert (one.value, one.n) == pytest.approx((other.value, other.n), abs=1e-12), metric
        widths = np.array([[one.low, one.high], [other.low, other.high]])
        widths = np.log(widths) if one.unit == "ratio" else widths
        assert widths[0, 1] - widths[0, 0] == pytest.approx(widths[1, 1] - widths[1, 0], rel=0.04), metric


def test_rows_twice_under_one_person_are_worth_nothing() -> None:
    """Values, intervals and n stay as they were."""
    plain = alone(credit_world(600))
    twice = only(plain, np.tile(np.arange(600), 2))
    for one, other in zip(said(within(), plain, Scorer(gap=0.5)), said(within(), twice, Scorer(gap=0.5)), strict=True):
        ends = [(each.estimate.value, each.estimate.low, each.estimate.high) for each in (one, other)]

        assert (one.metric, one.estimate.n) == (other.metric, other.estimate.n)
        assert ends[0] == (pytest.approx(ends[1], rel=1e-6, abs=1e-9) if ends[1][0] is not None else ends[1])


def test_weights_are_copies_in_value() -> None:
    """A weight of k says what k copies of the row say, within the same strata."""
    plain = designed(600, persons=10**9)
    weights = np.random.default_rng(2).integers(1, 4, 600)
    grade = np.array(["low", "mid", "high"])[np.searchsorted([-0.5, 0.5], plain.table["income"])]
    plain = replace(plain, table=Table({**plain.table.columns, "grade": grade}))
    weighted = with_columns(plain, weights.astype(float), np.arange(600), weight="weight")
    copied = only(plain, np.repeat(np.arange(600), weights))
    for metric in FIGURES:
        one, other = (the(metric, within("grade"), each, Scorer(gap=0.5)).estimate.value for each in (weighted, copied))

        assert one == pytest.approx(other, abs=1e-12), metric


@each_design
def test_planted_gaps_are_found_and_controls_hold(declared: Declared) -> None:
    """A scorer that takes 1.5 logits from women FAILS within incomes; without a gap nothing does."""
    subject = designed(4000, persons=2500, **declared)
    results = [run_probe(within(), Scorer(gap=gap), subject) for gap in (1.5, 0.0)]
    verdicts = [[each.verdict for each in judge([result], [ADJUSTED]) if each.judged] for result in results]

    assert [[True, True]] * 2 == [[outcome.held for outcome in result.controls] for result in results]
    assert [Verdict.FAIL] == verdicts[0]
    assert Verdict.FAIL not in verdicts[1]


def test_null_systems_stay_quiet() -> None:
    """Of 200 worlds of 300 persons without a gap no more FAIL a band of almost nothing than 5 % allow, at 99 %."""
    loud = 0
    for seed in range(200):
        gap = the("adjusted-difference", within(bins=2), designed(600, persons=300, seed=seed, **BOTH), Scorer())
        result = ProbeResult(probe="bias.conditional-parity", version=1, status="measured", measures=(gap,))
        findings = judge([result], [replace(ADJUSTED, threshold=1e-6)])
        loud += findings[0].verdict is Verdict.FAIL

    assert loud <= 17


def test_every_judged_number_can_be_compared() -> None:
    """Its items are persons, who make it up; an audit has not changed against itself, and a judge finds its bounds."""
    measures = list(said(within(), designed(1500, persons=900, **BOTH), Scorer(gap=0.5)))
    found = [each for each in measures if each.mode == "gate"]

    assert JUDGED == {each.metric for each in found}
    assert {None} == {each.rows for each in measures} | {each.counted for each in measures}
    for each in found:
        assert each.items is not None and each.estimate.method is not None
        change = change_of_items(each.items, each.items, design=each.estimate.design, unit="share")
        wide = bounds(each.estimate.method, level=0.95, moments=each.estimate.moments)

        assert each.estimate.n == len(each.items.keys) == len({*each.items.keys})
        assert each.estimate.value == pytest.approx(value_of(each.items), abs=1e-12), each.metric
        assert 0.0 == change.value
        assert (each.estimate.low, each.estimate.high) == (wide.low, wide.high)


def test_tests_of_one_odds_ratio_are_left_out_and_say_so() -> None:
    """They know neither weights nor persons; the strata speak for themselves."""
    measures = list(said(within(), designed(**BOTH), Scorer()))
    found = {each.metric: each.estimate for each in measures}

    assert [None, None] == [found[name].value for name in ("breslow-day", "woolf")]
    assert str(found["woolf"].why).startswith("tests of one odds ratio take rows as independent and of equal weight")
    assert 4 == sum(each.metric == "stratum-difference" for each in measures)


def test_strata_and_smallest_numbers_are_of_persons_of_equal_weight() -> None:
    """A hundred rows of one person are no stratum, nor are those of which one weighs more than all others."""
    cells = {"a": ((60, 100), (60, 100)), "b": ((40, 100), (40, 100))}
    sizes = np.repeat(["a A", "a B", "b A", "b B"], 100)
    one_person = np.where(sizes == "b A", 1000, np.arange(400))
    alike = with_columns(world(cells), np.ones(400), one_person, **BOTH)
    heavy = with_columns(world(cells), np.where(np.arange(400) % 100 == 0, 1e4, 1.0), np.arange(400), **BOTH)
    half, none = asked(alike), asked(heavy)
    share = measured(half, "compared-share").estimate
    adjusted = measured(half, "adjusted-difference")

    assert (0.5, "by weight, in the 1 strata that are compared; rows of one 'person' as one person") == (
        share.value,
        str(share.design).partition("; weighted")[0],
    )
    assert (
        "50 % of A by weight lie in strata where both groups are worth 10 persons of equal weight; a verdict needs 80 %"
        == adjusted.why
    )
    assert "in no stratum are both groups worth 10 persons of equal weight" == (
        measured(none, "adjusted-difference").estimate.why
    )


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"a": ((10, 20), (60, 100))}, "A has 20 persons; a verdict needs 30"),
        ({"a": ((1, 100), (1, 100))}, "A has 100 persons, of whom 1.0 favourable decisions are expected at the pair's"),
        ({"a": ((3, 100), (60, 100))}, "of 100 persons in A 3 with a favourable decision lie where decisions differ"),
        ({"a": ((50, 50), (50, 50)), "b": ((0, 50), (0, 50))}, "of 100 persons in A none with a favourable decision"),
    ],
)
def test_small_groups_and_rare_decisions_have_no_verdict(cells: Any, why: str) -> None:
    """Under 30 persons, 5 expected decisions of a kind, or 5 who were decided either way where decisions differ."""
    found = measured(asked(world(cells)), "adjusted-difference")

    assert (Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP) == (found.verdict, found.sub_reason)
    assert str(found.why).startswith(why)


def test_where_factors_alone_decide_there_is_no_number() -> None:
    """Nothing tells how far a figure may err, and nothing passes."""
    result = asked(world({"a": ((50, 50), (50, 50)), "b": ((0, 50), (0, 50))}))
    found = [measured(result, name) for name in ("adjusted-difference", "adjusted-ratio")]

    assert [(None, Verdict.INCONCLUSIVE)] * 2 == [(each.estimate.value, each.verdict) for each in found]
    assert "one of the two differences has no number" == measured(result, "sign-reversal").estimate.why
    assert {(None, Verdict.INCONCLUSIVE)} == {
        (each.estimate.value, each.verdict) for each in result.measures if each.metric == "stratum-difference"
    }


def test_a_reversal_is_flagged() -> None:
    """A does worse over all and better in every stratum, by persons as by rows."""
    result = asked(world({"easy": ((360, 400), (2560, 3200)), "hard": ((640, 3200), (40, 400))}))
    flag = measured(result, "sign-reversal")

    assert 1.0 == flag.estimate.value
    assert "what is true of all rows is reversed within the strata" in str(flag.why)
    assert Verdict.FAIL is next(each.verdict for each in judge([result], [ADJUSTED]) if each.judged)


def test_rates_that_are_rare_pass_no_absolute_band() -> None:
    """Shares of .04 and .01 within strata lie within five points of each other and far from alike."""
    result = asked(world(dict.fromkeys("ab", ((400, 10000), (100, 10000)))))
    (finding,) = [each for each in judge([result], [ADJUSTED]) if each.judged]

    assert (Verdict.INCONCLUSIVE, SubReason.BAND_UNINFORMATIVE) == (finding.verdict, finding.sub_reason)


def test_controls_catch_a_probe_that_is_wrong() -> None:
    """One whose adjusted difference is off and too sure."""

    class Wrong(ConditionalParity):
        """Adds to the difference within strata."""

        def measure(self, ask: Ask) -> Any:
            """The figures, a tenth higher and with hardly any error."""
            for each in super().measure(ask):
                if each.metric == "adjusted-difference" and each.estimate.moments:
                    value, error, df = each.estimate.moments
                    moved = replace(each.estimate, value=value + 0.1, moments=(value + 0.1, error / 50, df), high=1.0)
                    each = replace(each, estimate=moved)
                yield each

    subject = designed(2000, persons=1500, **BOTH)
    controls = {
        kind: [outcome.held for outcome in run_probe(kind(given=("income",), reason="law"), Scorer(), subject).controls]
        for kind in (Wrong, ConditionalParity)
    }

    assert [False, False] == controls[Wrong]
    assert [True, True] == controls[ConditionalParity]
