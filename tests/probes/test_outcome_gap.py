"""Numbers by group, against scipy, scikit-learn and fairlearn, on planted gaps, and on data that forbid a verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import Constant, Pricer, Scorer, credit_world, measured, price_world, result_of, run_probe
from probandum.asking import Asker
from probandum.changing import change_of_items, value_of
from probandum.errors import DataError
from probandum.evidence import Floats, Response, Table
from probandum.finding import Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.probe import ProbeResult, make_probe
from probandum.subject import Decision, Grouping, Subject
from probandum_probes.bias.outcome_gap import OutcomeGap
from probandum_probes.bias.outcomes import (
    LOSSES,
    OUTCOME,
    Numbers,
    gap,
    overall_spread,
    pinball,
    scaled,
    within_spread,
)

BAND = Limit(metric="bias.outcome-gap/difference-in-sd", direction="band", threshold=0.1)


@pytest.fixture(scope="module")
def found() -> ProbeResult:
    """What the probe says of a pricer that takes half a unit from women."""
    return run_probe(OutcomeGap(), Pricer(gap=0.5), price_world(1000))


def sides(world: Subject, decided: Any) -> tuple[Any, Any]:
    """What was decided on women, and on men."""
    codes = world.groupings["sex"].codes
    return decided[codes == 0], decided[codes == 1]


def decided(world: Subject, gap: float = 0.5) -> Floats:
    """What the pricer decides."""
    columns = world.table
    return np.asarray(2 * columns["income"] + columns["debt"] - gap * columns["female"])


def two(first: Floats, second: Floats, **declared: Any) -> Numbers:
    """Numbers of two groups, that of reference last."""
    values = np.concatenate([first, second])
    codes = np.repeat([0, 1], [len(first), len(second)])
    grouping = Grouping(attribute="g", codes=codes, names=("A", "B"), reference="B")
    subject = Subject(
        table=Table({"actual": np.zeros(len(values)), **declared.pop("columns", {})}),
        groupings={"g": grouping},
        label="actual",
        decision=Decision(favourable="higher", numeric=True),
        **declared,
    )
    return Numbers(subject=subject, answer=Response(), decided=values, quantile=0.9)


def test_the_difference_is_welchs(found: ProbeResult) -> None:
    """Value, interval and degrees of freedom of scipy's t test without equal variances."""
    stats = pytest.importorskip("scipy.stats")
    world = price_world(1000)
    women, men = sides(world, decided(world))
    expected = stats.ttest_ind(women, men, equal_var=False)
    interval = expected.confidence_interval(0.95)
    estimate = measured(found, "mean-difference").estimate

    assert estimate.moments is not None
    assert (women.mean() - men.mean(), expected.df) == pytest.approx((estimate.value, estimate.moments[2]))
    assert (interval.low, interval.high) == pytest.approx((estimate.low, estimate.high))


def test_errors_are_those_of_scikit_learn_in_fairlearns_frame(found: ProbeResult) -> None:
    """Mean absolute and root mean squared error and quantile loss, by group and as differences."""
    metrics, frames = pytest.importorskip("sklearn.metrics"), pytest.importorskip("fairlearn.metrics")
    world = price_world(1000)
    frame = frames.MetricFrame(
        metrics={
            "mae": metrics.mean_absolute_error,
            "rmse": metrics.root_mean_squared_error,
            "quantile-loss": lambda y, p: metrics.mean_pinball_loss(y, p, alpha=0.9),
        },
        y_true=world.table["price"],
        y_pred=decided(world),
        sensitive_features=np.array(["women", "men"])[world.groupings["sex"].codes],
    ).by_group

    for name in ("mae", "rmse", "quantile-loss"):
        women, men = (measured(found, name, group).estimate.value for group in ("women", "men"))
        assert (frame[name]["women"], frame[name]["men"]) == pytest.approx((women, men))
        expected = frame[name]["women"] - frame[name]["men"]
        assert expected == pytest.approx(measured(found, f"{name}-difference").estimate.value)


def test_the_distance_is_scipys(found: ProbeResult) -> None:
    """Of two samples without weights."""
    stats = pytest.importorskip("scipy.stats")
    world = price_world(1000)

    assert stats.ks_2samp(*sides(world, decided(world))).statistic == pytest.approx(
        measured(found, "ks-distance").estimate.value
    )


def test_differences_over_a_spread_by_hand() -> None:
    """Of 1 and 3 against 3 and 5: two apart, 2 over all of them, and the root of 2 within."""
    numbers = two(np.array([1.0, 3.0]), np.array([3.0, 5.0]))
    grouping = numbers.subject.groupings["g"]

    assert (-2.0, np.sqrt(2)) == (
        gap(numbers, OUTCOME, grouping, (0, 1)).value,
        overall_spread(numbers, grouping, (0, 1))[0],
    )
    assert np.sqrt(2) == pytest.approx(within_spread(numbers, grouping, (0, 1))[0])


@pytest.mark.parametrize("metric", ["difference-in-sd", "cohens-d", "rmse-difference"])
def test_linearised_intervals_cover(metric: str) -> None:
    """Roots and ratios are taken to first order, and of 1,000 samples their intervals miss about 5 %."""
    missed, runs = 0, 1000
    truth = {"difference-in-sd": 1 / np.sqrt(1 + 0.25), "cohens-d": 1.0, "rmse-difference": np.sqrt(2) - 1}[metric]
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        numbers = two(1 + rng.normal(size=150), rng.normal(size=150))
        grouping = numbers.subject.groupings["g"]
        raw = gap(numbers, LOSSES[2] if metric.startswith("rmse") else OUTCOME, grouping, (0, 1))
        if not metric.startswith("rmse"):
            spread = overall_spread if metric == "difference-in-sd" else within_spread
            raw = scaled(numbers, raw, spread(numbers, grouping, (0, 1)))
        interval = raw.student(numbers, grouping, (0, 1))[1].interval(level=0.95, method="welch")
        missed += not interval.low <= truth <= interval.high

    assert 0.03 <= missed / runs <= 0.07


def test_a_planted_gap_is_found_and_its_absence_passes() -> None:
    """A unit from women is beyond a tenth of a standard deviation; nothing is within it; controls hold both times."""
    loud, quiet = (run_probe(OutcomeGap(), Pricer(gap=gap), price_world(8000)) for gap in (1.0, 0.0))

    assert [Verdict.FAIL] == [each.verdict for each in judge([loud], [BAND]) if each.judged]
    assert [Verdict.PASS] == [each.verdict for each in judge([quiet], [BAND]) if each.judged]
    assert [True] * 4 == [outcome.held for result in (loud, quiet) for outcome in result.controls]


@pytest.mark.parametrize("declared", [{"weight": "w"}, {"cluster": "who"}, {"weight": "w", "cluster": "who"}])
def test_weights_and_persons_are_honoured(declared: dict[str, Any]) -> None:
    """Weighted means, CR2, and controls that hold; n counts persons."""
    world = price_world(3000, **declared)
    result = run_probe(OutcomeGap(), Pricer(gap=1.0), world)
    estimate = measured(result, "mean-difference").estimate
    women, men = sides(world, np.arange(len(world)))
    values = decided(world, 1.0)
    means = [np.average(values[side], weights=world.weights[side]) for side in (women, men)]

    assert means[0] - means[1] == pytest.approx(estimate.value)
    assert ("cr2", len(np.unique(world.persons))) == (estimate.method, estimate.n)
    assert [True, True] == [outcome.held for outcome in result.controls]


def test_null_systems_stay_quiet() -> None:
    """Of 300 worlds without a gap no more FAIL a band of a hundredth than 5 % allow, at 99 % confidence."""
    loud = 0
    for seed in range(300):
        ask = Asker(Pricer(), seed=1, subject=price_world(400, seed=seed)).for_probe("bias.outcome-gap")
        gaps = [each for each in OutcomeGap().measure(ask) if each.metric == "difference-in-sd"]
        findings = judge([result_of(*gaps, probe="bias.outcome-gap")], [replace(BAND, threshold=0.01)])
        loud += findings[0].verdict is Verdict.FAIL

    assert loud <= 24


@given(st.floats(-5, 5), st.floats(0.1, 10), st.integers(0, 1000))
def test_a_change_of_units_changes_units_alone(shift: float, scale: float, seed: int) -> None:
    """Cents in place of euros: differences are scaled, those over a spread are not, and an offset does nothing."""
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=40), 1 + 2 * rng.normal(size=50)
    one, other = two(first, second), two(shift + scale * first, shift + scale * second)
    raw = [gap(each, OUTCOME, each.subject.groupings["g"], (0, 1)) for each in (one, other)]
    free = [
        scaled(each, gap, overall_spread(each, each.subject.groupings["g"], (0, 1)))
        for each, gap in zip((one, other), raw, strict=True)
    ]
    errors = [
        contrast.student(each, each.subject.groupings["g"], (0, 1))[1].standard_error
        for each, contrast in zip((one, other), free, strict=True)
    ]

    assert scale * raw[0].value == pytest.approx(raw[1].value, abs=1e-9)
    assert (free[0].value, errors[0]) == pytest.approx((free[1].value, errors[1]))


@given(st.lists(st.floats(-100, 100), min_size=1), st.floats(0.01, 0.99))
def test_quantile_loss_is_never_negative_and_halves_at_the_median(errors: list[float], quantile: float) -> None:
    """At the median it is half of the absolute error."""
    array = np.array(errors)

    assert (pinball(array, quantile) >= 0).all()
    assert np.allclose(pinball(array, 0.5), np.abs(array) / 2)


def test_small_groups_allow_no_verdict() -> None:
    """Twenty-nine are shown and not judged."""
    world = price_world(400)
    rows = np.concatenate(
        [np.flatnonzero(world.groupings["sex"].codes == group)[:size] for group, size in ((0, 29), (1, 90))]
    )
    fewer = replace(
        world,
        table=world.table.take(rows),
        groupings={"sex": replace(world.groupings["sex"], codes=world.groupings["sex"].codes[rows])},
    )
    each = measured(run_probe(OutcomeGap(), Pricer(), fewer), "difference-in-sd")

    assert each.estimate.value is not None
    assert (Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP) == (each.verdict, each.sub_reason)
    assert "women has 29 rows; a verdict needs 30" == each.why


def test_one_number_for_everybody_is_trivial() -> None:
    """There is nothing to compare, which is no pass."""
    each = measured(run_probe(OutcomeGap(), Constant(Pricer()), price_world(400)), "mean-difference")

    assert (Verdict.NOT_APPLICABLE, SubReason.TRIVIAL) == (each.verdict, each.sub_reason)


def test_numbers_against_the_label_are_an_error_before_any_gap() -> None:
    """A price that falls where it should rise."""
    world = price_world(1000)
    turned = replace(world, table=Table({**world.table.columns, "price": -world.table["price"]}))
    first = run_probe(OutcomeGap(), Pricer(), turned).measures[0]

    assert ("overall-correlation", Verdict.ERROR) == (first.metric, first.verdict)
    assert SubReason.AGAINST_LABELS is first.sub_reason
    assert "the numbers run against what turned out: their correlation is -0.9" in str(first.why)


def test_without_a_label_errors_are_not_applicable() -> None:
    """And nothing else is lost."""
    result = run_probe(OutcomeGap(), Pricer(), replace(price_world(400), label=None))

    assert Verdict.NOT_APPLICABLE is measured(result, "error-difference").verdict
    assert measured(result, "difference-in-sd").estimate.value is not None


def test_decisions_are_not_applicable() -> None:
    """The reason says how numbers are declared; a probe of decisions says the same the other way round."""
    of_decisions = measured(run_probe(OutcomeGap(), Scorer(), credit_world(400)), "mean-difference")
    of_numbers = run_probe(make_probe("bias.group-rates", {}), Pricer(), price_world(400))

    assert Verdict.NOT_APPLICABLE is of_decisions.verdict
    assert "decision: {outcome: numeric}" in str(of_decisions.why)
    assert "error" == of_numbers.status
    assert "this probe compares decisions; bias.outcome-gap compares numbers" in str(of_numbers.why)


def test_every_gap_can_be_compared(found: ProbeResult) -> None:
    """Its items make it up."""
    gaps = [each for each in found.measures if each.mode == "gate"]

    assert 7 == len(gaps)
    for each in gaps:
        assert each.items is not None
        assert each.estimate.value == pytest.approx(value_of(each.items), abs=1e-9), each.metric
        assert 0.0 == change_of_items(each.items, each.items, design=None, unit="outcome").value


@pytest.mark.parametrize("quantile", [0.0, 1.0, -1.0])
def test_a_quantile_lies_inside(quantile: float) -> None:
    """Its ends have no loss."""
    with pytest.raises(DataError, match=r"suites\.bias\.outcome-gap\.quantile"):
        OutcomeGap(quantile=quantile)


def test_heavy_tails_do_not_slip_by() -> None:
    """Where a few numbers carry the mean, the negative control counts how often intervals err."""
    world = price_world(600)
    rng = np.random.default_rng(1)
    heavy = replace(
        world, label=None, table=Table({**world.table.columns, "income": np.exp(2.5 * rng.normal(size=600))})
    )
    (negative,) = [each for each in run_probe(OutcomeGap(), Pricer(), heavy).controls if each.kind == "negative"]

    assert "intervals show a gap where there is none; up to" in negative.detail
