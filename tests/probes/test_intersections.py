"""Crossed groups: rates, verdicts from what was counted, and shrinkage that only shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compas import compas
from fakes import BROKEN, Scorer, credit_world, measured, result_of, run_probe
from probandum import stats
from probandum.asking import Asker
from probandum.errors import UsageError
from probandum.evidence import Table
from probandum.finding import Limit, SubReason, Verdict
from probandum.judging import judge, unused_limits
from probandum.probe import ProbeResult, make_probe
from probandum.subject import UNKNOWN, Decision, Grouping, Subject
from probandum_probes.bias import additive
from probandum_probes.bias.intersections import Intersections
from probandum_probes.bias.rates import JUDGED, OF_ERRORS

FOUR_FIFTHS = Limit(metric="bias.intersections/impact-ratio", direction="at_least", threshold=0.8)
SHOWN = {
    "shrunk-selection-rate",
    "probability-below-four-fifths",
    "differential-fairness",
    "lowest-selection-rate",
    "highest-error-rate",
    "groups-too-small",
}


def small_world(
    cells: Mapping[tuple[str, str], tuple[int, int]], *, reference: tuple[str, str] | None = None
) -> Subject:
    """Cells of town and sex with ``(selected, rows)``: the scorer without a gap grants a high income and no other."""
    towns, sexes = (tuple(dict.fromkeys(cell[i] for cell in cells)) for i in (0, 1))
    rows = [n for _, n in cells.values()]
    income = np.concatenate([np.where(np.arange(n) < x, 5.0, -5.0) for x, n in cells.values()])
    zero = np.zeros(len(income))
    places = {
        "town": (towns, np.repeat([towns.index(cell[0]) for cell in cells], rows)),
        "sex": (sexes, np.repeat([sexes.index(cell[1]) for cell in cells], rows)),
    }
    return Subject(
        table=Table({"income": income, "debt": zero, "years": zero, "female": zero, "repaid": (income > 0) * 1.0}),
        features=("income", "debt", "years", "female"),
        groupings={
            name: Grouping(attribute=name, codes=codes, names=names, reference=reference and reference[i])
            for i, (name, (names, codes)) in enumerate(places.items())
        },
        decision=Decision(favourable="1", positive="1"),
    )


CELLS = {("Ayr", "F"): (4, 9), ("Ayr", "M"): (19, 39), ("Bath", "F"): (60, 120), ("Bath", "M"): (50, 80)}


@pytest.fixture(scope="module")
def published() -> ProbeResult:
    """What the probe says of COMPAS."""
    return run_probe(Intersections(), *compas())


def test_crossed_groups_are_named_and_counted(published: ProbeResult) -> None:
    """Intersections are groups of their own, their rows add up to all rows, and no attribute is repeated alone."""
    rates = [m for m in published.measures if m.metric == "selection-rate" and m.groups]

    assert {"race*sex"} == {m.groups.attribute for m in rates if m.groups}
    assert 7214 == sum(m.estimate.n for m in rates)
    assert {"positive": "held", "negative": "held"} == judge([published], [])[0].controls


def test_rates_of_crossed_groups_agree_with_fairlearn(published: ProbeResult) -> None:
    """Selection and error rates of every race and sex are those of fairlearn's MetricFrame over both."""
    fairlearn = pytest.importorskip("fairlearn.metrics")
    _, subject = compas()
    positive, detected = np.asarray(subject.positive), subject.table["decile_score"] >= 5
    frame = fairlearn.MetricFrame(
        metrics={
            "fpr": fairlearn.false_positive_rate,
            "selection-rate": lambda y, d: 1 - fairlearn.selection_rate(y, d),
        },
        y_true=positive,
        y_pred=detected,
        sensitive_features={"race": subject.table["race"], "sex": subject.table["sex"]},
    )

    for metric in ("fpr", "selection-rate"):
        for (race, sex), expected in frame.by_group[metric].items():
            found = measured(published, metric, f"{race}*{sex}").estimate
            assert found.value is None or expected == pytest.approx(found.value)


def test_numbers_by_hand() -> None:
    """Epsilon over both outcomes, the last group with its own rate, and how many are too small."""
    result = run_probe(Intersections(), Scorer(), small_world(CELLS, reference=("Bath", "M")))
    shares = {cell: ((x + 0.5) / (n + 1), (n - x + 0.5) / (n + 1)) for cell, (x, n) in CELLS.items()}
    epsilon = max(
        abs(np.log(one[i] / other[i])) for one in shares.values() for other in shares.values() for i in (0, 1)
    )
    small = measured(result, "groups-too-small")

    assert epsilon == pytest.approx(measured(result, "differential-fairness").estimate.value)
    assert (0.25, {"crossing": "town*sex"}) == (small.estimate.value, small.facets)
    assert "1 of 4 groups that somebody is in" == small.estimate.design
    assert ((60, 120),) == measured(result, "lowest-selection-rate").estimate.counts


def test_shrunk_rates_are_the_posterior_of_the_counts() -> None:
    """Each lies between its own rate and the common one, and its interval is wider than were the prior known."""
    result = run_probe(Intersections(), Scorer(), small_world(CELLS, reference=("Bath", "M")))
    shrunk = stats.shrunk_rates([x for x, _ in CELLS.values()], [n for _, n in CELLS.values()])
    low, high = shrunk.credible()[0]
    found = measured(result, "shrunk-selection-rate", "Ayr*F").estimate
    below = measured(result, "probability-below-four-fifths", "Ayr*F", "Bath*M").estimate

    assert shrunk.rates[0] == pytest.approx(found.value)
    assert found.low is not None and found.high is not None
    assert found.low < low < shrunk.rates[0] < high < found.high
    assert 0 < (below.value or 0.0) < 1
    assert "of a posterior whose prior is estimated from these groups, its error included" == found.design


def test_draws_meet_the_plain_posterior_where_groups_are_large() -> None:
    """So many rows leave the prior nothing to say: each rate is drawn from the beta distribution of its own counts."""
    events, trials = [4000, 9000, 12000, 15000], [20000] * 4
    drawn = additive.posterior_draws(events, trials, [(0, 0), (0, 1), (1, 0), (1, 1)], np.random.default_rng(1))
    ends = [stats.proportion_interval(x, n) for x, n in zip(events, trials, strict=True)]

    assert [each.low for each in ends] == pytest.approx(np.quantile(drawn, 0.025, axis=0).tolist(), abs=0.001)
    assert [each.high for each in ends] == pytest.approx(np.quantile(drawn, 0.975, axis=0).tolist(), abs=0.001)


def test_credible_intervals_hold_the_rates_of_small_groups() -> None:
    """In 60 worlds in which attributes say nearly all, 95 % intervals hold the true rates about as often.

    With the prior taken for known they hold 63 % of them.
    """
    rng = np.random.default_rng(1)
    places = [(town, sex) for town in range(5) for sex in range(2)]
    rows = np.array([2000, 1800, 500, 400, 300, 250, 60, 66, 40, 30])
    held, plainly = [], []
    for world in range(60):
        logits = np.array([-1.2 + 0.3 * town + 0.5 * sex for town, sex in places])
        rates = 1 / (1 + np.exp(-(logits + rng.normal(0, (0.0, 0.2, 0.5)[world % 3], 10))))
        events = rng.binomial(rows, rates).tolist()
        low, high = np.quantile(additive.posterior_draws(events, rows.tolist(), places, rng), [0.025, 0.975], axis=0)
        held += ((low <= rates) & (rates <= high)).tolist()
        ends = np.array(additive.shrunk(events, rows.tolist(), places).credible())
        plainly += ((ends[:, 0] <= rates) & (rates <= ends[:, 1])).tolist()

    assert 0.91 < np.mean(held) < 0.98
    assert np.mean(plainly) < 0.75


def test_error_rates_against_the_labels_are_said_before_any_rate() -> None:
    """Of crossed groups too: an ERROR first, and no PASS of an error rate."""
    world = credit_world(8000, towns=True)
    turned = replace(world, table=Table({**world.table.columns, "repaid": 1 - world.table["repaid"]}))
    limit = Limit(metric="bias.intersections/tpr-difference", direction="band", threshold=0.9)
    findings = judge([run_probe(Intersections(), Scorer(), turned)], [limit])

    assert ("bias.intersections/overall-auc", Verdict.ERROR) == (findings[0].metric, findings[0].verdict)
    assert {SubReason.AGAINST_LABELS} == {each.sub_reason for each in findings if each.limit is not None}


def test_nothing_that_ranks_is_judged(published: ProbeResult) -> None:
    """No limit reaches what is shrunk: verdicts rest on what was counted."""
    limits = [Limit(metric=f"bias.intersections/{metric}", direction="at_most", threshold=0.0) for metric in SHOWN]
    findings = [each for each in judge([published], limits) if each.metric.split("/")[1] in SHOWN]

    assert {each.metric.split("/")[1] for each in findings} == SHOWN
    assert {None} == {each.limit for each in findings}
    assert {Verdict.NOT_APPLICABLE} == {each.verdict for each in findings}
    assert {"koopman"} == {
        each.estimate.method for each in published.measures if each.metric == "impact-ratio" and each.estimate.method
    }


def test_shrinkage_does_not_hide_a_small_group_that_is_harmed() -> None:
    """One cell of 60 with a rate of .1 among cells at .5 FAILS, whatever its shrunk rate."""
    cells = {(town, sex): (100, 200) for town in "ABCDE" for sex in "FM"} | {("A", "F"): (6, 60)}
    result = run_probe(Intersections(), Scorer(), small_world(cells, reference=("E", "M")))
    found = {each.id: each for each in judge([result], [FOUR_FIFTHS])}

    assert Verdict.FAIL is found["bias.intersections/impact-ratio?town*sex=A*F~E*M"].verdict
    assert (measured(result, "shrunk-selection-rate", "A*F").estimate.value or 0) > 0.1
    assert "A*F" == str(measured(result, "lowest-selection-rate").groups).split("=")[1]


def test_a_planted_gap_fails_and_none_passes() -> None:
    """Against the declared references' crossing."""
    fault = run_probe(Intersections(), Scorer(gap=1.5), credit_world(8000, towns=True))
    null = run_probe(Intersections(), Scorer(), credit_world(8000, towns=True))

    assert Verdict.FAIL in {each.verdict for each in judge([fault], [FOUR_FIFTHS]) if each.limit}
    assert {Verdict.PASS} == {each.verdict for each in judge([null], [FOUR_FIFTHS]) if each.limit}


def test_null_systems_stay_quiet() -> None:
    """Of 200 worlds without a gap no more have any FAIL of a ratio of almost 1 than 5 % allow, at 99 % confidence."""
    loud = 0
    limit = replace(FOUR_FIFTHS, threshold=1.0)
    for seed in range(200):
        world = credit_world(600, seed=seed, towns=True)
        ask = Asker(Scorer(), seed=1, subject=world).for_probe("bias.intersections")
        ratios = [m for m in Intersections().measure(ask) if m.metric == "impact-ratio"]
        findings = judge([result_of(*ratios, probe="bias.intersections")], [limit])
        loud += Verdict.FAIL in {each.verdict for each in findings}

    assert loud <= 17


def test_controls_hold_on_sound_systems() -> None:
    """Over ten worlds both controls hold, with and without a gap."""
    for seed in range(10):
        world = credit_world(800, seed=seed, towns=True)
        result = run_probe(Intersections(), Scorer(gap=seed % 2), world, seed=seed)

        assert [True, True] == [outcome.held for outcome in result.controls]


def test_groups_with_an_unknown_part_are_shown_and_left_out() -> None:
    """They have their rate, are compared with nobody, and neither rank nor are ranked."""
    cells = {**CELLS, ("Bath", UNKNOWN): (1, 90)}
    result = run_probe(Intersections(), Scorer(), small_world(cells))
    named = {
        each.groups.group: each.metric
        for each in result.measures
        if each.groups and (each.metric in SHOWN or each.metric == "impact-ratio")
    }

    assert ((1, 90),) == measured(result, "selection-rate", f"Bath*{UNKNOWN}").estimate.counts
    assert not [name for name in named if UNKNOWN in name]
    assert "1 of 4 groups that somebody is in" == measured(result, "groups-too-small").estimate.design


def test_where_nobody_states_both_nothing_ranks() -> None:
    """Their rates are shown, and the share of small groups has no value."""
    result = run_probe(Intersections(), Scorer(), small_world({("Ayr", UNKNOWN): (40, 90), (UNKNOWN, "F"): (10, 90)}))

    assert "nobody states all of these attributes" == measured(result, "groups-too-small").estimate.why
    assert ((40, 90),) == measured(result, "selection-rate", f"Ayr*{UNKNOWN}").estimate.counts


def test_without_a_reference_the_posterior_compares_with_the_highest() -> None:
    """The group that the shrunk rates rank first."""
    result = run_probe(Intersections(), Scorer(), small_world(CELLS))
    pairs = {
        each.groups.reference
        for each in result.measures
        if each.metric == "probability-below-four-fifths" and each.groups
    }

    assert {"Bath*M"} == pairs


def test_many_crossed_groups_ask_for_references() -> None:
    """Fourteen of them compared each with each are 182 comparisons; with a reference of both attributes they are 13."""
    cells = {(town, sex): (20, 40) for town in "ABCDEFG" for sex in "FM"}
    refused = run_probe(Intersections(), Scorer(), small_world(cells))
    told = run_probe(Intersections(), Scorer(), small_world(cells, reference=("A", "M")))

    assert (
        "town*sex: 14 groups and no reference are 182 comparisons; at most 12 groups are compared each with each; "
        "add groups.town.reference and groups.sex.reference"
    ) == refused.why
    assert 13 == sum(each.metric == "impact-ratio" for each in told.measures)


def test_three_attributes_cross_on_request() -> None:
    """By default two at a time."""
    world = small_world(CELLS)
    third = Grouping(attribute="age", codes=np.arange(len(world)) % 2, names=("young", "old"))
    world = replace(world, groupings={**world.groupings, "age": third})
    two, three = (
        {
            each.groups.attribute
            for each in run_probe(Intersections(order=order), Scorer(), world).measures
            if each.groups
        }
        for order in (2, 3)
    )

    assert {"town*sex", "town*age", "sex*age"} == two
    assert three == {*two, "town*sex*age"}


def test_one_attribute_has_nothing_to_cross() -> None:
    """It is not applicable, and says why, under a limit too."""
    result = run_probe(Intersections(), Scorer(), credit_world(200))
    limits = [replace(FOUR_FIFTHS, metric=f"bias.intersections/{metric}") for metric in JUDGED]
    findings = judge([result], limits)

    assert [(Verdict.NOT_APPLICABLE, SubReason.NO_DATA)] * len(JUDGED) == [(f.verdict, f.sub_reason) for f in findings]
    assert {"the plan declares 1 attribute, and a crossing takes two"} == {finding.why for finding in findings}
    assert [] == unused_limits([result], [replace(each, groups={"attribute": "sex*town"}) for each in limits])


def test_rows_that_are_all_in_one_group_rank_nothing() -> None:
    """One crossed group has a rate and no other to be ranked with."""
    result = run_probe(Intersections(), Scorer(), small_world({("Ayr", "F"): (40, 100)}))

    assert {"selection-rate", "selection-difference", "impact-ratio", "groups-too-small", *OF_ERRORS} == {
        each.metric for each in result.measures
    }


def test_options_are_checked() -> None:
    """Crossing more than three attributes is refused before anything is asked."""
    with pytest.raises(UsageError) as caught:
        make_probe("bias.intersections", {"order": 4})

    assert "suites.bias.intersections.order: expected 2 or 3, got 4" == caught.value.message


@pytest.mark.parametrize("broken", BROKEN)
def test_broken_answers_are_errors(broken: Any) -> None:
    """Refusals, crashes, errors, empty answers and NaN leave an error with its reason, and no number."""
    result = run_probe(Intersections(), broken(Scorer()), credit_world(200, towns=True))

    assert ("error", ()) == (result.status, result.measures)
    assert result.why


def test_many_groups_are_shrunk_towards_what_attributes_say() -> None:
    """Rates that attributes explain stay apart where one common rate would draw them together."""
    places = [(town, sex) for town in range(4) for sex in range(2)]
    expected = [1 / (1 + np.exp(-(town - 1.5 + 1.2 * sex))) for town, sex in places]
    trials = [40] * 8
    events = [round(rate * 40) for rate in expected]
    common, effects = stats.shrunk_rates(events, trials), additive.shrunk(events, trials, places)
    rates = [x / 40 for x in events]

    def off(found: stats.Shrunk) -> float:
        return float(np.abs(np.array(found.rates) - rates).max())

    assert off(effects) < off(common)
    assert effects.correlation < common.correlation


def test_few_groups_are_shrunk_towards_one_rate() -> None:
    """Seven groups leave too little beside their attributes."""
    events, trials = [3, 5, 7, 9], [20] * 4

    assert stats.shrunk_rates(events, trials) == additive.shrunk(events, trials, [(0, 0), (0, 1), (1, 0), (1, 1)])


def test_main_effects_agree_with_statsmodels() -> None:
    """The expected rates are those of a binomial regression on both attributes, but for a slight penalty."""
    api = pytest.importorskip("statsmodels.api")
    places = np.array([(town, sex) for town in range(4) for sex in range(2)])
    design = np.column_stack([np.ones(8), *(places[:, 0] == town for town in (1, 2, 3)), places[:, 1] == 1]).astype(
        float
    )
    rng = np.random.default_rng(1)
    trials = np.full(8, 5000.0)
    events = rng.binomial(5000, 0.2 + 0.05 * places[:, 0] + 0.1 * places[:, 1]).astype(float)
    fit = api.GLM(np.column_stack([events, trials - events]), design, family=api.families.Binomial()).fit()

    assert fit.fittedvalues == pytest.approx(additive.main_effects(events, trials, design), abs=1e-3)


counts = st.lists(st.tuples(st.integers(0, 30), st.integers(2, 30)), min_size=8, max_size=8)


@given(counts)
def test_shrunk_rates_lie_strictly_between_nothing_and_all(data: list[tuple[int, int]]) -> None:
    """Whatever was counted, empty and full groups among it, no group is certain."""
    places = [(town, sex) for town in range(4) for sex in range(2)]
    found = additive.shrunk([min(x, n) for x, n in data], [n for _, n in data], places)

    assert all(0 < rate < 1 for rate in found.rates)
    assert all(a > 0 and b > 0 for a, b in found.posteriors)
