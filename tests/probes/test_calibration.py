"""Calibration by group on planted shifts, beside other implementations, and on data that forbid a verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compas import compas
from fakes import BROKEN, Constant, Scorer, credit_world, logistic, measured, result_of, run_probe
from listed import Listed, listed
from probandum.asking import Asker
from probandum.changing import change_of_items
from probandum.evidence import Capability, Floats, Request, Table
from probandum.finding import Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.probe import Ask, ProbeResult
from probandum.stats import bounds
from probandum.subject import Subject
from probandum_probes.bias.calibration import Calibration
from probandum_probes.bias.recalibration import Interaction, Line, interaction, log_odds, recalibrated

ALIKE = Limit(metric="bias.calibration/calibration-difference", direction="band", threshold=0.05)


def drawn(rng: np.random.Generator, rows: int, *, shift: float = 0.0) -> tuple[list[float], list[int]]:
    """Predictions, and outcomes that come true with log-odds ``shift`` higher."""
    logits = rng.normal(size=rows)
    return logistic(logits).tolist(), (rng.random(rows) < logistic(logits + shift)).astype(int).tolist()


@pytest.fixture(scope="module")
def lowered() -> ProbeResult:
    """Of a scorer that takes a logit from women, who repay as men do."""
    return run_probe(Calibration(), Scorer(gap=1.0), credit_world(4000))


def test_in_the_large_by_hand() -> None:
    """In Ayr 60 of 200 come true where 50 were predicted, in Bath 50: 0.05 and 0, and their difference."""
    p = np.tile([0.1, 0.4], 100)
    ayr, bath = (np.r_[np.ones(many), np.zeros(200 - many)].astype(int).tolist() for many in (60, 50))
    result = run_probe(Calibration(), Listed(), listed({"Ayr": (p, ayr), "Bath": (p, bath)}, reference="Bath"))
    found = [measured(result, "calibration-in-the-large", town).estimate.value for town in ("Ayr", "Bath")]

    assert [0.05, 0.0] == pytest.approx(found)
    assert 0.05 == pytest.approx(measured(result, "calibration-difference", "Ayr", "Bath").estimate.value)


def test_a_shift_of_predictions_fails_and_none_passes(lowered: ProbeResult) -> None:
    """What is predicted a logit too low comes true more often; predictions that come true lie within the band."""
    alike = run_probe(Calibration(), Scorer(), credit_world(6000))

    assert {Verdict.FAIL} == {each.verdict for each in judge([lowered], [ALIKE]) if each.limit}
    assert {Verdict.PASS} == {each.verdict for each in judge([alike], [ALIKE]) if each.limit}


def test_the_line_finds_the_logit_that_was_taken(lowered: ProbeResult) -> None:
    """Women's intercept is about 1, men's about 0, both slopes about 1, and the lines differ."""
    intercepts, slopes = (
        [measured(lowered, metric, group).estimate for group in ("women", "men")]
        for metric in ("recalibration-intercept", "recalibration-slope")
    )
    p = measured(lowered, "recalibration-p-value")
    assert ("point", False) == (p.estimate.method, p.estimate.bounded)

    assert [True, True] == [each.low < 1 < each.high for each in slopes if each.low and each.high]
    assert (intercepts[0].low or 0) < 1 < (intercepts[0].high or 0)
    assert (intercepts[1].low or 0) < 0 < (intercepts[1].high or 0)
    assert {"compared": "sex"} == p.facets
    assert (p.estimate.value or 1) < 1e-10
    assert "on 2 degrees of freedom" in str(p.estimate.design)


def test_recalibration_agrees_with_statsmodels() -> None:
    """Coefficients, standard errors and the likelihood-ratio test are those of statsmodels' Logit."""
    api = pytest.importorskip("statsmodels.api")
    from scipy.stats import chi2

    rng = np.random.default_rng(3)
    groups = [
        (np.array(p), np.array(y) == 1) for p, y in (drawn(rng, 300, shift=0.4), drawn(rng, 500), drawn(rng, 400))
    ]
    fits = [api.Logit(y.astype(float), api.add_constant(log_odds(p))).fit(disp=0) for p, y in groups]
    p, y = (np.concatenate(part) for part in zip(*groups, strict=True))
    whole = api.Logit(y.astype(float), api.add_constant(log_odds(p))).fit(disp=0)
    statistic = 2 * (sum(fit.llf for fit in fits) - whole.llf)
    lines = [recalibrated(*each) for each in groups]
    tested = interaction(groups)

    assert isinstance(tested, Interaction)
    assert (statistic, 4, chi2.sf(statistic, 4)) == pytest.approx(tuple(tested))
    for line, fit in zip(lines, fits, strict=True):
        assert isinstance(line, Line)
        assert [*fit.params, *fit.bse, fit.llf] == pytest.approx(list(line))


@pytest.mark.parametrize(
    ("p", "y", "why"),
    [
        ([0.5] * 4, [1, 0, 1, 0], "all predictions are alike, and through one point goes no line"),
        ([0.1, 0.2, 0.3, 0.4], [1, 1, 1, 1], "all outcomes are alike, so that no line is most likely"),
        ([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], "predictions part the outcomes without a mistake, so that no line is"),
        ([0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1], "predictions part the outcomes without a mistake, so that no line is"),
    ],
)
def test_without_a_most_likely_line_there_is_none(p: list[float], y: list[int], why: str) -> None:
    """Nothing is made up where the likelihood has no maximum; a test of several groups says the same."""
    found = recalibrated(np.array(p), np.array(y) == 1)
    other = np.array([0.3, 0.6, 0.3, 0.6]), np.array([True, False, False, True])

    assert str(found).startswith(why)
    assert found == interaction([(np.array(p), np.array(y) == 1), other])


def test_the_calibration_error_is_debiased_and_covers_the_truth() -> None:
    """Of 200 groups of 400 whose error is 0.1 in every bin about 95 % of intervals hold 0.1, and few begin at 0."""
    covered, found = 0, []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        p = rng.choice([0.2, 0.3, 0.4, 0.5, 0.6], 400)
        y = (rng.random(400) < p + 0.1).astype(int)
        world = listed({"Ayr": (p, y.tolist()), "Bath": (p, y.tolist())}, reference="Bath")
        ask = Asker(Listed(), seed=seed, subject=world).for_probe("bias.calibration")
        estimate = next(each.estimate for each in Calibration().measure(ask) if each.metric == "debiased-ece")
        covered += (estimate.low or 0) <= 0.1 <= (estimate.high or 0)
        found.append(estimate.value or 0)

    assert 180 <= covered <= 199
    assert 0.1 == pytest.approx(float(np.mean(found)), abs=0.01)


def test_where_predictions_come_true_the_error_is_what_chance_gives() -> None:
    """It lies below its 95 % point about 19 of 20 times, which stands beside it."""
    below = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        world = listed({"Ayr": drawn(rng, 300), "Bath": drawn(rng, 300)}, reference="Bath")
        ask = Asker(Listed(), seed=seed, subject=world).for_probe("bias.calibration")
        estimate = next(each.estimate for each in Calibration().measure(ask) if each.metric == "debiased-ece")
        below += (estimate.value or 0) <= float(str(estimate.design).split()[-1])

    assert 88 <= below <= 100


def test_reliability_data_by_hand() -> None:
    """Two predictions make two bins, alike for both groups, with what came true in each."""
    ayr = [0.2] * 100 + [0.6] * 100, [1] * 30 + [0] * 70 + [1] * 50 + [0] * 50
    bath = [0.2] * 50 + [0.6] * 150, [1] * 10 + [0] * 40 + [1] * 90 + [0] * 60
    result = run_probe(Calibration(), Listed(), listed({"Ayr": ayr, "Bath": bath}, reference="Bath"))
    found = {
        (each.groups.group, each.facets["bin"]): (each.estimate.value, each.estimate.n)
        for each in result.measures
        if each.metric == "observed-rate" and each.groups
    }
    predicted = {each.estimate.value for each in result.measures if each.metric == "predicted-rate"}
    methods = {each.estimate.method for each in result.measures if each.metric == "predicted-rate"}
    assert {"point"} == methods

    assert {
        ("Ayr", "1 of 2"): (0.3, 100),
        ("Ayr", "2 of 2"): (0.5, 100),
        ("Bath", "1 of 2"): (0.2, 50),
        ("Bath", "2 of 2"): (0.6, 150),
    } == found
    assert [0.2, 0.6] == pytest.approx(sorted(each for each in predicted if each is not None), abs=1e-9)


def test_multicalibration_names_the_group_and_bin_that_miss_most(lowered: ProbeResult) -> None:
    """It is an indicator, says that it was picked, and needs a bin of 100 rows."""
    worst = measured(lowered, "multicalibration-error")
    few = run_probe(Calibration(), Listed(), listed({"Ayr": ([0.1, 0.6] * 40, [0, 1] * 40)}))

    assert "indicator" == worst.mode
    assert str(worst.estimate.design).startswith("sex=women, bin ")
    assert (worst.estimate.value or 0) > 0.15
    assert "no group has a bin of 100 rows" == measured(few, "multicalibration-error").estimate.why


def test_null_systems_stay_quiet() -> None:
    """Of 200 worlds in which predictions come true no more FAIL a band of almost nothing than 5 % allow, at 99 %."""
    loud = 0
    for seed in range(200):
        ask = Asker(Scorer(), seed=1, subject=credit_world(300, seed=seed)).for_probe("bias.calibration")
        gaps = [m for m in Calibration().measure(ask) if m.metric == "calibration-difference"]
        findings = judge([result_of(*gaps, probe="bias.calibration")], [replace(ALIKE, threshold=1e-6)])
        loud += findings[0].verdict is Verdict.FAIL

    assert loud <= 17


def test_controls_hold_on_sound_systems() -> None:
    """Over ten worlds both controls hold, with and without a shift."""
    for seed in range(10):
        result = run_probe(Calibration(), Scorer(gap=seed % 2), credit_world(500, seed=seed), seed=seed)

        assert [True, True] == [outcome.held for outcome in result.controls]


def test_controls_hold_where_outcomes_are_rare() -> None:
    """Two per cent predicted, and as many coming true."""
    rng = np.random.default_rng(5)
    p = rng.choice([0.01, 0.03], 4000)
    towns = {town: (p[part], (rng.random(2000) < p[part]).astype(int)) for town, part in _HALVES.items()}
    world = listed({town: (p.tolist(), y.tolist()) for town, (p, y) in towns.items()}, reference="Bath")
    result = run_probe(Calibration(), Listed(), world)

    assert [True, True] == [outcome.held for outcome in result.controls]


_HALVES = {"Ayr": slice(0, 2000), "Bath": slice(2000, 4000)}


def test_few_predicted_allow_no_verdict() -> None:
    """Of 200 rows predicted with 1 % two are expected to be positive."""
    p, y = [0.01] * 100 + [0.011] * 100, [0] * 198 + [1] * 2
    result = run_probe(Calibration(), Listed(), listed({"Ayr": (p, y), "Bath": (p, y)}, reference="Bath"))
    gap = measured(result, "calibration-difference", "Ayr", "Bath")

    assert (Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP) == (gap.verdict, gap.sub_reason)
    assert "of Ayr's 200 rows 2.1 are predicted to be positives; a verdict needs 5" == gap.why


def test_small_groups_are_shown_and_allow_no_verdict() -> None:
    """Ninety-nine rows have their calibration in the large, no line, no error, and no verdict."""
    rng = np.random.default_rng(1)
    result = run_probe(Calibration(), Listed(), listed({"Ayr": drawn(rng, 99), "Bath": drawn(rng, 400)}))
    gap = measured(result, "calibration-difference", "Ayr", "Bath")

    assert measured(result, "calibration-in-the-large", "Ayr").estimate.value is not None
    assert "Ayr has 99 rows; calibration needs 100" == measured(result, "debiased-ece", "Ayr").estimate.why
    assert "Ayr has 99 rows; calibration needs 100" == measured(result, "recalibration-slope", "Ayr").estimate.why
    assert (Verdict.INCONCLUSIVE, "Ayr has 99 rows; calibration needs 100") == (gap.verdict, gap.why)
    assert gap.estimate.value is not None


def test_a_group_of_one_row_has_no_number() -> None:
    """Neither it nor its comparison."""
    rng = np.random.default_rng(1)
    result = run_probe(Calibration(), Listed(), listed({"Ayr": ([0.4], [1]), "Bath": drawn(rng, 400)}))

    assert "Ayr has fewer than two rows" == measured(result, "calibration-in-the-large", "Ayr").estimate.why
    assert measured(result, "calibration-difference", "Ayr", "Bath").estimate.value is None


def test_a_fit_that_does_not_exist_is_told() -> None:
    """A group whose outcomes are parted without a mistake has no line, and its attribute no test."""
    apart = [0.2] * 60 + [0.8] * 60, [0] * 60 + [1] * 60
    rng = np.random.default_rng(1)
    result = run_probe(Calibration(), Listed(), listed({"Ayr": apart, "Bath": drawn(rng, 400)}))
    why = "predictions part the outcomes without a mistake, so that no line is most likely"

    assert f"Ayr: {why}" == measured(result, "recalibration-slope", "Ayr").estimate.why
    assert why == measured(result, "recalibration-p-value").estimate.why


def test_scores_against_the_labels_get_no_verdict() -> None:
    """They are said first, and no difference is judged."""
    world = credit_world(1000)
    turned = replace(world, table=Table({**world.table.columns, "repaid": 1 - world.table["repaid"]}))
    findings = judge([run_probe(Calibration(), Scorer(), turned)], [ALIKE])
    gap = next(each for each in findings if each.metric == ALIKE.metric)

    assert ("bias.calibration/overall-auc", Verdict.ERROR) == (findings[0].metric, findings[0].verdict)
    assert (Verdict.INCONCLUSIVE, SubReason.AGAINST_LABELS) == (gap.verdict, gap.sub_reason)


def test_what_is_no_probability_is_not_held_against_outcomes() -> None:
    """Deciles of COMPAS, decisions without scores, and rows without labels: it is not applicable, with the reason."""
    deciles = judge([run_probe(Calibration(), *compas())], [ALIKE])
    unlabelled = judge([run_probe(Calibration(), Scorer(), credit_world(labelled=False))], [ALIKE])

    assert "its scores run from 1 to 10 and are no probabilities" == deciles[0].why
    assert [(Verdict.NOT_APPLICABLE, SubReason.NO_DATA)] == [(each.verdict, each.sub_reason) for each in deciles]
    assert "the plan names no label, so nobody can say whether scores come true" == unlabelled[0].why


def test_a_constant_system_breaks_nothing() -> None:
    """One probability for everybody has no line, and may still be as calibrated for one group as for the other."""
    result = run_probe(Calibration(), Constant(Scorer()), credit_world(2000))

    assert "measured" == result.status
    assert "women: all predictions are alike, and through one point goes no line" == (
        measured(result, "recalibration-slope", "women").estimate.why
    )


@pytest.mark.parametrize("broken", BROKEN)
def test_broken_answers_are_errors(broken: Any) -> None:
    """Refusals, crashes, errors, empty answers and NaN leave an error with its reason, and no number."""
    result = run_probe(Calibration(), broken(Scorer()), credit_world(200))

    assert ("error", ()) == (result.status, result.measures)
    assert result.why


class Halved(Calibration):
    """A sabotaged probe: it halves every difference."""

    def measure(self, ask: Ask) -> Any:
        """As the probe, and wrong."""
        for each in super().measure(ask):
            if each.metric == "calibration-difference" and each.estimate.moments:
                value, error, df = each.estimate.moments
                halved = replace(each.estimate, value=value / 2, low=-1.0, high=1.0, moments=(value / 2, error, df))
                yield replace(each, estimate=halved)
            else:
                yield each


class Sure(Calibration):
    """A sabotaged probe: it finds every gap a tenth larger than it is, and is far too sure of it."""

    def measure(self, ask: Ask) -> Any:
        """As the probe, and wrong."""
        for each in super().measure(ask):
            if each.metric == "calibration-difference" and each.estimate.moments:
                value, error, df = each.estimate.moments
                yield replace(each, estimate=replace(each.estimate, moments=(value + 0.1, error / 50, df)))
            else:
                yield each


@pytest.mark.parametrize(("probe", "kind"), [(Halved, "positive"), (Sure, "negative")])
def test_a_sabotaged_probe_is_an_error(probe: type[Calibration], kind: str) -> None:
    """A probe that says the wrong size, or a gap where none is, fails its control, and all it says is an ERROR."""
    result = run_probe(probe(), Scorer(), credit_world(2000))
    findings = judge([result], [ALIKE])

    assert "failed" == findings[0].controls[kind]
    assert {Verdict.ERROR} == {finding.verdict for finding in findings}


def test_a_change_of_the_gap_is_paired_row_by_row() -> None:
    """Over the same rows only what predictions moved by counts, and labels cancel."""
    world = credit_world(1500)
    items = [
        measured(run_probe(Calibration(), Scorer(gap=gap), world), "calibration-difference").items for gap in (0, 0.5)
    ]
    assert items[0] is not None
    assert items[1] is not None
    change = change_of_items(items[0], items[1], design=None, unit="share")
    women = world.table["female"] == 1
    p = [_predicted(world, gap) for gap in (0, 0.5)]

    assert float((p[0] - p[1])[women].mean()) == pytest.approx(change.value)
    assert change.moments is not None
    assert change.moments[1] < 0.002


def _predicted(world: Subject, gap: float) -> Floats:
    request = Request(kind=Capability.PREDICT, inputs=world.table.select(world.features))
    return Scorer(gap=gap).answer([request])[0].values[:, 1]


@given(st.floats(0.05, 0.95), st.floats(-1.0, 1.0), st.integers(0, 1000))
def test_the_most_likely_line_balances_the_rows(center: float, spread: float, seed: int) -> None:
    """Where there is a line, recalibrated predictions sum to the outcomes: the score equations hold."""
    rng = np.random.default_rng(seed)
    logits = log_odds(np.full(40, center)) + spread * rng.normal(size=40)
    p, y = logistic(logits), rng.random(40) < 0.5
    line = recalibrated(p, y)
    if isinstance(line, Line):
        fitted = logistic(line.intercept + line.slope * log_odds(p))
        assert 0 == pytest.approx(float((y - fitted).sum()), abs=1e-6)
        assert bounds("t", level=0.95, moments=(line.slope, line.slope_error, 38.0)).low <= line.slope
