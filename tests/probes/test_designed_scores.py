"""AUCs and calibration by group where rows carry sampling weights or several are about one person."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fakes import Blurred, Constant, Scorer, credit_world, logistic, measured, result_of, run_probe
from listed import Listed, listed
from probandum.changing import change_of_items, value_of
from probandum.evidence import Capability, Floats, Request, Table
from probandum.finding import Estimate, Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.probe import Ask, ProbeResult, make_probe
from probandum.stats import bounds
from probandum.subject import Bools, Subject
from probandum_probes.bias.auc_gap import AucGap
from probandum_probes.bias.calibration import Calibration
from probandum_probes.bias.recalibration import Line, Sample, log_odds, recalibrated
from probandum_probes.bias.removal import only
from weighted_worlds import BOTH, DECLARED, Declared, alone, designed, said, the, with_columns

AUC = Limit(metric="bias.auc-gap/auc-difference", direction="band", threshold=0.05)
CALIBRATED = Limit(metric="bias.calibration/calibration-difference", direction="band", threshold=0.05)
#: The metrics of each probe that may be judged.
JUDGED = {AucGap: ("auc-difference", "xauc-difference"), Calibration: ("calibration-difference",)}

each_design = pytest.mark.parametrize("declared", list(DECLARED.values()), ids=list(DECLARED))


def scores_of(subject: Subject, gap: float = 0.0) -> tuple[Floats, Bools, Floats, Bools]:
    """What the scorer says, what is true, the weights, and who is a woman."""
    asked = Request(kind=Capability.PREDICT, inputs=subject.table.select(subject.features))
    score = Scorer(gap=gap).answer([asked])[0].values[:, 1]
    return score, np.asarray(subject.positive), subject.weights, subject.groupings["sex"].codes == 0


@each_design
def test_areas_are_those_of_scikit_learn(declared: Declared) -> None:
    """By weights, within a group and across groups."""
    from sklearn.metrics import roc_auc_score

    subject = designed(**declared)
    found = {(each.metric, str(each.groups)): each.estimate for each in said(AucGap(), subject, Scorer())}
    score, positive, weights, women = scores_of(subject)
    across = (positive & women) | (~positive & ~women)
    expected = {
        ("overall-auc", "None"): np.ones(len(score), dtype=bool),
        ("auc", "sex=women"): women,
        ("auc", "sex=men"): ~women,
        ("xauc", "sex=women~men"): across,
    }

    for place, rows in expected.items():
        area = roc_auc_score(positive[rows], score[rows], sample_weight=weights[rows])
        assert area == pytest.approx(found[place].value), place


@each_design
def test_calibration_is_a_difference_of_weighted_means(declared: Declared) -> None:
    """Of label - predicted, in each group and between them."""
    subject = designed(**declared)
    score, positive, weights, women = scores_of(subject)
    women_miss, men_miss = (
        float(np.average((positive - score)[side], weights=weights[side])) for side in (women, ~women)
    )
    found = {(each.metric, str(each.groups)): each.estimate.value for each in said(Calibration(), subject, Scorer())}

    assert women_miss == pytest.approx(found["calibration-in-the-large", "sex=women"])
    assert women_miss - men_miss == pytest.approx(found["calibration-difference", "sex=women~men"])


@pytest.mark.parametrize("probe", JUDGED)
def test_rows_of_weight_1_of_persons_of_their_own_say_what_rows_say(probe: Any) -> None:
    """The value exactly; the standard error, which CR2 shares with the plain formulas; t may differ by its degrees."""
    plain = credit_world(1000)
    for metric in JUDGED[probe]:
        one, other = (the(metric, probe(), each, Scorer(gap=0.5)).estimate for each in (plain, alone(plain)))
        assert one.moments is not None and other.moments is not None

        assert (one.value, one.n, float(other.n)) == pytest.approx((other.value, other.n, other.n_effective), abs=1e-12)
        assert one.moments[1] == pytest.approx(other.moments[1])
        assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=1e-4)


@pytest.mark.parametrize("probe", JUDGED)
def test_rows_twice_under_one_person_are_worth_nothing(probe: Any) -> None:
    """Values, intervals and n stay as they were."""
    plain = alone(credit_world(600))
    twice = only(plain, np.tile(np.arange(600), 2))
    for one, other in zip(said(probe(), plain, Scorer()), said(probe(), twice, Scorer()), strict=True):
        if one.estimate.method is None or one.metric == "predicted-rate":
            continue
        ends = [(each.estimate.value, each.estimate.low, each.estimate.high) for each in (one, other)]

        assert one.estimate.n == other.estimate.n
        assert ends[0] == pytest.approx(ends[1], rel=1e-6, abs=1e-9), one.metric


@pytest.mark.parametrize("probe", JUDGED)
def test_weights_are_copies_in_value(probe: Any) -> None:
    """A weight of k says what k copies of the row say."""
    plain = credit_world(600)
    weights = np.random.default_rng(2).integers(1, 4, 600)
    weighted = with_columns(plain, weights.astype(float), np.arange(600), weight="weight")
    copied = only(plain, np.repeat(np.arange(600), weights))
    for metric in JUDGED[probe]:
        one, other = (the(metric, probe(), each, Scorer(gap=0.5)).estimate.value for each in (weighted, copied))

        assert one == pytest.approx(other, abs=1e-12)


@each_design
def test_planted_gaps_are_found_and_controls_hold(declared: Declared) -> None:
    """Blurred scores of women rank worse, and a logit less for them comes true more often; without either nothing."""
    subject = designed(4000, persons=2500, **declared)
    for probe, limit, loud in ((AucGap(), AUC, Blurred(blur=4.0)), (Calibration(), CALIBRATED, Scorer(gap=1.0))):
        results = [run_probe(probe, system, subject) for system in (loud, Scorer())]
        verdicts = [[each.verdict for each in judge([result], [limit]) if each.judged] for result in results]

        assert [[True, True]] * 2 == [[outcome.held for outcome in result.controls] for result in results]
        assert [Verdict.FAIL] == verdicts[0]
        assert Verdict.FAIL not in verdicts[1]


@pytest.mark.parametrize(("probe", "limit"), [(AucGap, AUC), (Calibration, CALIBRATED)])
def test_null_systems_stay_quiet(probe: Any, limit: Limit) -> None:
    """Of 200 worlds of 300 persons without a gap no more FAIL a band of a point than 5 % allow, at 99 % confidence."""
    loud = 0
    for seed in range(200):
        subject = designed(600, persons=300, seed=seed, **BOTH)
        gap = the(limit.metric.partition("/")[2], probe(), subject, Scorer())
        findings = judge([result_of(gap, probe=probe.spec.id)], [replace(limit, threshold=1e-6)])
        loud += findings[0].verdict is Verdict.FAIL

    assert loud <= 17


def shifted(seed: int) -> Subject:
    """Two towns of 60 persons with 5 rows each; a person's rows are alike in score and come true together."""
    rng = np.random.default_rng(seed)
    persons = np.repeat(np.arange(120), 5)
    p = logistic(rng.normal(size=120)[persons] + 0.2 * rng.normal(size=600))
    y = rng.random(120)[persons] < p
    rows = [persons % 2 == side for side in (0, 1)]
    towns = {name: (p[side], y[side].astype(int)) for name, side in zip(("Ayr", "Bath"), rows, strict=True)}
    order = np.concatenate([np.flatnonzero(side) for side in rows])
    return with_columns(listed(towns, reference="Bath"), rng.uniform(0.5, 2.0, 600), persons[order], **BOTH)


@pytest.mark.parametrize(("probe", "metric"), [(AucGap, "auc-difference"), (Calibration, "calibration-difference")])
def test_intervals_cover_where_those_of_rows_do_not(probe: Any, metric: str) -> None:
    """Of 300 worlds 92 to 98 % of intervals over persons hold the truth, which is 0; of those over rows far fewer."""
    persons = sum(holds_0(the(metric, probe(), shifted(seed)).estimate) for seed in range(300))
    over_rows = [replace(shifted(seed), weight=None, cluster=None) for seed in range(60)]

    assert 0.92 <= persons / 300 <= 0.98
    assert sum(holds_0(the(metric, probe(), each).estimate) for each in over_rows) / 60 < 0.85


def holds_0(estimate: Estimate) -> bool:
    """Whether the 95 % interval does."""
    assert estimate.low is not None and estimate.high is not None
    return estimate.low <= 0 <= estimate.high


def test_smallest_numbers_are_of_persons_of_equal_weight() -> None:
    """Rows of one person are one, and thirty of whom one weighs as much as all others are few."""
    few = only(designed(2000, persons=20, cluster="person"), np.arange(2000))
    plain = credit_world(400)
    heavy = with_columns(plain, np.where(np.arange(400) < 2, 1000.0, 1.0), np.arange(400), weight="weight")
    found = [measured(run_probe(AucGap(), Scorer(), each), "auc-difference", "women") for each in (few, heavy)]
    calibrated = [measured(run_probe(Calibration(), Scorer(), each), "calibration-difference") for each in (few, heavy)]

    assert {(Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP)} == {
        (each.verdict, each.sub_reason) for each in (*found[1:], *calibrated)
    }
    assert "of equal weight; a verdict needs 15" in str(found[1].why)
    assert "women has 20 persons; calibration needs 100" == calibrated[0].why
    assert "are worth 2.4 of equal weight; calibration needs 100" in str(calibrated[1].why)


@pytest.mark.parametrize("probe", JUDGED)
def test_every_judged_number_can_be_compared(probe: Any) -> None:
    """Its items are persons, who make it up; an audit has not changed against itself, and a judge finds its bounds."""
    measures = list(said(probe(), designed(800, persons=500, **BOTH), Scorer(gap=0.5)))
    found = [each for each in measures if each.mode == "gate"]

    assert set(JUDGED[probe]) == {each.metric for each in found}
    for each in found:
        assert each.items is not None and each.estimate.method is not None
        change = change_of_items(each.items, each.items, design=each.estimate.design, unit="share")
        wide = bounds(each.estimate.method, level=0.95, moments=each.estimate.moments)

        assert each.estimate.n == len(each.items.keys) == len({*each.items.keys})
        assert each.estimate.value == pytest.approx(value_of(each.items), abs=1e-12)
        assert 0.0 == change.value
        assert (each.estimate.low, each.estimate.high) == (wide.low, wide.high)
        assert "rows of one 'person' as one person; weighted by 'weight'" == each.estimate.design


def test_a_change_over_persons_has_the_error_of_their_difference() -> None:
    """Two systems on the same persons: the change is the difference of the differences, and errs by persons."""
    subject = designed(1500, persons=600, **BOTH)
    one, other = (the("auc-difference", AucGap(), subject, system) for system in (Scorer(), Blurred(blur=2.0)))
    assert one.items is not None and other.items is not None
    change = change_of_items(one.items, other.items, design=one.estimate.design, unit="share")
    assert change.moments is not None and one.estimate.value is not None and other.estimate.value is not None

    assert other.estimate.value - one.estimate.value == pytest.approx(change.value)
    assert change.n == one.estimate.n


def test_scores_against_the_labels_are_said_first() -> None:
    """Also by weights, and nothing by group gets a verdict."""
    world = designed(1000, persons=800, **BOTH)
    turned = replace(world, table=Table({**world.table.columns, "repaid": 1 - world.table["repaid"]}))
    for probe, metric in ((AucGap(), "auc-difference"), (Calibration(), "calibration-difference")):
        measures = list(said(probe, turned, Scorer()))
        gap = next(each for each in measures if each.metric == metric)

        assert ("overall-auc", Verdict.ERROR) == (measures[0].metric, measures[0].verdict)
        assert (Verdict.INCONCLUSIVE, SubReason.AGAINST_LABELS) == (gap.verdict, gap.sub_reason)


def test_rows_of_no_weight_are_nobody() -> None:
    """They are counted nowhere, whatever their scores."""
    plain = credit_world(500)
    some = with_columns(plain, np.ones(500), np.arange(500), weight="weight")
    rows = np.concatenate([np.arange(500), np.arange(100)])
    more = with_columns(only(plain, rows), np.r_[np.ones(500), np.zeros(100)], np.arange(600), weight="weight")
    for probe in (AucGap, Calibration):
        for metric in JUDGED[probe]:
            assert the(metric, probe(), some, Scorer()).estimate == the(metric, probe(), more, Scorer()).estimate


def test_what_has_no_weighted_form_is_left_out_and_says_so() -> None:
    """The calibration error and the test of the lines; rates by bin are weighted, as is the bin that misses most."""
    subject = designed(**BOTH)
    measures = list(said(Calibration(), subject, Scorer(gap=1.0)))
    found = {metric: [each for each in measures if each.metric == metric] for metric in {m.metric for m in measures}}
    score, positive, weights, women = scores_of(subject, gap=1.0)
    edges = np.unique(np.quantile(score, np.arange(1, 10) / 10, method="inverted_cdf"))
    first = (score <= edges[0]) & women
    rates = {(each.facets["bin"], str(each.groups)): each.estimate.value for each in found["observed-rate"]}

    assert {None} == {each.estimate.value for name in ("debiased-ece", "recalibration-p-value") for each in found[name]}
    assert "as that of independent rows of equal weight" in str(found["debiased-ece"][0].estimate.why)
    assert str(found["recalibration-p-value"][0].estimate.why).startswith("a likelihood-ratio test takes rows as")
    assert float(np.average(positive[first], weights=weights[first])) == pytest.approx(rates["1 of 10", "sex=women"])
    assert ("cr2", "indicator") == (found["multicalibration-error"][0].estimate.method, measures[-1].mode)
    assert "rows of one 'person' as one person" in str(found["multicalibration-error"][0].estimate.design)


def test_the_line_agrees_with_statsmodels() -> None:
    """Coefficients and errors over persons are those of as many copies of each row as it weighs."""
    sm = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(3)
    persons, weights = rng.integers(0, 400, 2000), rng.integers(1, 5, 2000)
    p = logistic(rng.normal(size=2000))
    y = rng.random(400)[persons] < logistic(0.3 + 0.8 * log_odds(p))
    rows = np.repeat(np.arange(2000), weights)
    fit = sm.GLM(y[rows].astype(float), sm.add_constant(log_odds(p[rows])), family=sm.families.Binomial()).fit(
        cov_type="cluster", cov_kwds={"groups": persons[rows], "use_correction": False}
    )
    line = recalibrated(p, y, Sample(weights=weights.astype(float), persons=persons))
    k = len(np.unique(persons))

    assert isinstance(line, Line)
    assert list(fit.params) == pytest.approx([line.intercept, line.slope])
    assert list(np.sqrt(k / (k - 1)) * fit.bse) == pytest.approx([line.intercept_error, line.slope_error], rel=1e-5)


def test_nothing_to_rank_is_no_pass() -> None:
    """One score for everybody, and positives all of one person."""
    world = designed(1000, persons=800, **BOTH)
    constant = the("auc-difference", AucGap(), world, Constant(Scorer()))
    one = with_columns(world, world.weights, np.where(np.asarray(world.positive), 0, 1 + np.arange(1000)), **BOTH)

    assert (Verdict.INCONCLUSIVE, SubReason.NO_DYNAMIC_RANGE) == (constant.verdict, constant.sub_reason)
    assert "fewer than two persons have a row that is positive" == the("overall-auc", AucGap(), one, Scorer()).why


def test_a_group_of_one_person_has_no_number() -> None:
    """Whatever the number of its rows."""
    world = designed(1000, persons=800, **BOTH)
    women = world.groupings["sex"].codes == 0
    one = with_columns(world, world.weights, np.where(women, 0, 1 + np.arange(1000)), **BOTH)
    gap = the("calibration-difference", Calibration(), one, Scorer())
    found = {(m.metric, str(m.groups)): m.estimate for m in said(AucGap(), one, Scorer())}

    assert (None, "women has 1 person; calibration needs 100") == (gap.estimate.value, gap.why)
    assert "women has fewer than two persons among the positives" == found["auc", "sex=women"].why


@pytest.mark.parametrize("id", ["bias.auc-gap", "bias.calibration"])
def test_a_sabotaged_probe_is_an_error(id: str) -> None:
    """A probe that halves what it finds, or is far too sure of it, fails a control also where persons count."""
    metric = id.removeprefix("bias.").replace("-gap", "") + "-difference"
    sound: Any = type(make_probe(id, {}))

    class Wrong(sound):  # type: ignore[misc]
        """As the probe, with a tenth more and hardly any error."""

        def measure(self, ask: Ask) -> Any:
            """The figures, wrong."""
            for each in super().measure(ask):
                if each.metric == metric and each.estimate.moments:
                    value, error, df = each.estimate.moments
                    moments = (value + 0.1, error / 50, df)
                    each = replace(each, estimate=replace(each.estimate, value=value + 0.1, high=1.0, moments=moments))
                yield each

    result: ProbeResult = run_probe(Wrong(), Scorer(), designed(2000, persons=1200, **BOTH))

    assert [False, False] == [outcome.held for outcome in result.controls]


def test_decided_rows_alone_are_listed_as_they_are() -> None:
    """Three of four pairs by weight: 2 x (1 of 1) and 1 x (1/2) of 3 in Ayr."""
    towns = listed({"Ayr": ((0.9, 0.4, 0.4, 0.1), (1, 1, 0, 0)), "Bath": ((0.9, 0.8, 0.2, 0.1), (1, 1, 0, 0))})
    world = with_columns(towns, np.array([2.0, 1.0, 1.0, 1.0] * 2), np.arange(8), weight="weight")
    found = {str(each.groups): each.estimate.value for each in said(AucGap(), world, Listed()) if each.metric == "auc"}

    assert {"town=Ayr": (2 * 2 + 1.5) / 6, "town=Bath": 1.0} == pytest.approx(found)
