"""Rates by group where rows carry sampling weights or several are about one person."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fakes import Scorer, credit_world, measured, result_of, run_probe
from probandum.asking import Asker
from probandum.changing import change_of_items, value_of
from probandum.evidence import Table
from probandum.finding import Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.plugins import load_plugins
from probandum.probe import ProbeResult, known_probes, make_probe
from probandum.stats import bounds
from probandum.subject import Decision, Grouping, Subject
from probandum_probes.bias.group_rates import GroupRates

load_plugins()

PARITY = Limit(metric="bias.group-rates/selection-difference", direction="band", threshold=0.05)
Declared = dict[str, Any]
WEIGHT: Declared
CLUSTER: Declared
BOTH: Declared
WEIGHT, CLUSTER, BOTH = {"weight": "weight"}, {"cluster": "person"}, {"weight": "weight", "cluster": "person"}


def designed(rows: int = 3000, *, persons: int = 1500, seed: int = 1, **declared: Any) -> Subject:
    """The credit world with weights from 0.2 to 4 and persons who recur; ``declared`` says what the plan names."""
    rng = np.random.default_rng(seed)
    plain = credit_world(rows, seed=seed)
    names = np.array([f"p{person}" for person in rng.integers(0, persons, rows)])
    columns = {**plain.table.columns, "weight": rng.uniform(0.2, 4.0, rows), "person": names}
    return replace(plain, table=Table(columns), **declared)


def people(*groups: list[tuple[float, int]], person: list[str] | None = None, label: bool = False) -> Subject:
    """Rows of (weight, granted) a group, granted by the scorer where the income is high."""
    rows = [(place, weight, granted) for place, group in enumerate(groups) for weight, granted in group]
    granted = np.array([row[2] for row in rows], dtype=np.float64)
    zero = np.zeros(len(rows))
    columns = {"income": 10 * granted - 5, "debt": zero, "years": zero, "female": zero}
    columns |= {"weight": np.array([row[1] for row in rows]), "repaid": granted}
    table = Table(columns if person is None else {**columns, "person": np.array(person)})
    return Subject(
        table=table,
        features=("income", "debt", "years", "female"),
        groupings={
            "town": Grouping(
                attribute="town", codes=np.array([row[0] for row in rows]), names=("Ayr", "Bath"), reference="Bath"
            )
        },
        decision=Decision(favourable="1", positive="1"),
        label="repaid" if label else None,
        weight="weight",
        cluster=None if person is None else "person",
    )


def rates(subject: Subject, target: Scorer | None = None) -> ProbeResult:
    """What the probe leaves, controls included."""
    return run_probe(GroupRates(), target or Scorer(), subject)


def test_rates_are_weighted_means() -> None:
    """By hand: 3 of 4 by weight against 1 of 2, and a ratio of 1.5."""
    subject = people([(3.0, 1), (1.0, 0)], [(1.0, 1), (1.0, 0)])
    found = rates(subject)

    assert 0.75 == measured(found, "selection-rate", "Ayr").estimate.value
    assert 0.25 == measured(found, "selection-difference").estimate.value
    assert 1.5 == pytest.approx(measured(found, "impact-ratio").estimate.value)


def test_n_counts_persons_and_what_they_are_worth() -> None:
    """Sixty rows about thirty persons are 30, and (sum w)^2 / sum w^2 of these count."""
    rows = [(2.0, number % 2) for number in range(60)]
    persons = [f"{town}{number // 2}" for town in "AB" for number in range(60)]
    found = measured(rates(people(rows, rows, person=persons)), "selection-rate", "Ayr").estimate

    assert (30, 30.0) == (found.n, found.n_effective)
    assert "rows of one 'person' as one person; weighted by 'weight'" == found.design


def test_fewer_than_thirty_persons_allow_no_verdict_whatever_the_rows() -> None:
    """A person asked for ten times is one."""
    rows = [(1.0, number % 3 % 2) for number in range(290)]
    persons = [f"{town}{number // 10}" for town in "AB" for number in range(290)]
    found = measured(rates(people(rows, rows, person=persons)), "selection-difference")

    assert (Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP) == (found.verdict, found.sub_reason)
    assert "Ayr has 29 persons; a verdict needs 30" == found.why


def test_rows_of_no_weight_are_nobody() -> None:
    """They are counted nowhere."""
    with_some, without = (
        measured(rates(people(first, [(1.0, 1), (1.0, 0)])), "selection-rate", "Ayr").estimate
        for first in ([(3.0, 1), (1.0, 0), (0.0, 1)], [(3.0, 1), (1.0, 0)])
    )

    assert with_some == without


def test_a_rate_of_nothing_keeps_the_exact_bound_of_effective_persons() -> None:
    """None of 59: at most 1 - 0.05^(1/59) at one-sided 5 %, and no verdict on the linearised difference."""
    found = rates(people([(1.0, 0)] * 59, [(1.0, number % 2) for number in range(60)]))
    none = measured(found, "selection-rate", "Ayr").estimate
    gap = measured(found, "selection-difference")

    assert 1 - 0.05 ** (1 / 59) == pytest.approx(bounds(str(none.method), level=0.90, moments=none.moments).high)
    assert (None, Verdict.INCONCLUSIVE) == (gap.estimate.value, gap.verdict)
    assert "of 59 persons in Ayr none count towards its selection-rate; a linearised interval needs 5" == gap.why


def test_no_ratio_to_a_group_in_which_nobody_was_selected() -> None:
    """It is not applicable where both groups have persons enough."""
    found = measured(rates(people([(1.0, number % 2) for number in range(60)], [(2.0, 0)] * 60)), "impact-ratio")

    assert Verdict.NOT_APPLICABLE is found.verdict
    assert str(found.why).startswith("nobody in Bath was selected")


@pytest.mark.parametrize("declared", [WEIGHT, CLUSTER, BOTH], ids=["weight", "cluster", "both"])
def test_a_planted_gap_is_found_and_controls_hold(declared: Declared) -> None:
    """A scorer that takes 1.5 logits from women FAILS; without a gap nothing does."""
    subject = designed(**declared)
    loud, quiet = (rates(subject, Scorer(gap=gap)) for gap in (1.5, 0.0))

    assert [True, True] == [outcome.held for outcome in loud.controls]
    assert [True, True] == [outcome.held for outcome in quiet.controls]
    assert [Verdict.FAIL] == [each.verdict for each in judge([loud], [PARITY]) if each.judged]
    assert Verdict.FAIL not in {each.verdict for each in judge([quiet], [PARITY])}


def test_null_systems_stay_quiet() -> None:
    """Of 200 worlds of 300 persons without a gap no more FAIL a band of a point than 5 % allow, at 99 % confidence."""
    loud = 0
    for seed in range(200):
        subject = designed(600, persons=300, seed=seed, **BOTH)
        ask = Asker(Scorer(), seed=1, subject=subject).for_probe("bias.group-rates", honours=("weight", "cluster"))
        gaps = [each for each in GroupRates().measure(ask) if each.metric == "selection-difference"]
        findings = judge([result_of(*gaps, probe="bias.group-rates")], [replace(PARITY, threshold=0.01)])
        loud += findings[0].verdict is Verdict.FAIL

    assert loud <= 17


def test_copies_of_a_person_are_worth_nothing() -> None:
    """Every row written four times, as four of the same person, leaves values and intervals as they were."""
    plain = designed(1200, persons=10**9, **BOTH)
    four = np.tile(np.arange(1200), 4)
    copied = replace(
        plain,
        table=plain.table.take(four),
        groupings={name: replace(each, codes=each.codes[four]) for name, each in plain.groupings.items()},
    )
    one, other = (measured(rates(each), "selection-difference").estimate for each in (plain, copied))

    assert one.n == other.n
    assert one.value == pytest.approx(other.value)
    assert (one.low, one.high) == pytest.approx((other.low, other.high), rel=1e-3)


def test_rare_outcomes_pass_no_absolute_band() -> None:
    """Shares of .04 and .01 lie within five points of each other and far from alike, by weights as by counts."""
    ayr, bath = ([(1.0, int(number < granted)) for number in range(20_000)] for granted in (800, 200))
    (finding,) = [each for each in judge([rates(people(ayr, bath))], [PARITY]) if each.judged]

    assert (Verdict.INCONCLUSIVE, SubReason.BAND_UNINFORMATIVE) == (finding.verdict, finding.sub_reason)


def test_every_judged_number_can_be_compared() -> None:
    """Its items are persons, who make it up, and an audit has not changed against itself."""
    found = [each for each in rates(designed(**BOTH)).measures if each.mode == "gate"]

    assert {"selection-difference", "impact-ratio", "tpr-difference"} <= {each.metric for each in found}
    for each in found:
        assert each.items is not None
        change = change_of_items(each.items, each.items, design=each.estimate.design, unit="share")

        assert each.estimate.n == len(each.items.keys) == len({*each.items.keys})
        assert each.estimate.value == pytest.approx(value_of(each.items)), each.metric
        assert 0.0 == change.value


def test_decisions_against_the_labels_are_an_error() -> None:
    """Also by weights, and before any rate."""
    subject = people([(1.0, number % 2) for number in range(100)], [(2.0, number % 2) for number in range(100)])
    table = Table({**subject.table.columns, "repaid": 1 - subject.table["repaid"]})
    first = rates(replace(subject, table=table, label="repaid")).measures[0]

    assert ("overall-auc", Verdict.ERROR, SubReason.AGAINST_LABELS) == (first.metric, first.verdict, first.sub_reason)


def test_intersections_honour_them_too() -> None:
    """What is judged of crossed groups rests on persons; what ranks is not applicable."""
    plain = designed(4000, persons=2000, **BOTH)
    home = np.random.default_rng(2).integers(0, 2, 4000)
    town = Grouping(attribute="town", codes=home, names=("Ayr", "Bath"), reference="Bath")
    result = run_probe(
        make_probe("bias.intersections", {}), Scorer(), replace(plain, groupings={**plain.groupings, "town": town})
    )
    ratio = measured(result, "impact-ratio", "women*Ayr").estimate

    assert ("log-t", True) == (ratio.method, ratio.n < 2000)
    assert Verdict.NOT_APPLICABLE is measured(result, "shrunk-selection-rate").verdict
    assert [True, True] == [outcome.held for outcome in result.controls]


@pytest.mark.parametrize("declared", [WEIGHT, CLUSTER], ids=["weight", "cluster"])
@pytest.mark.parametrize("id", ["explain.efficiency", "explain.faithfulness", "explain.global", "explain.challenger"])
def test_probes_that_do_not_honour_them_say_so(id: str, declared: Declared) -> None:
    """An ERROR that names what they ignore, never a figure of other rows."""
    result = run_probe(make_probe(id, {}), Scorer(), designed(**declared))
    (key, column), *_ = declared.items()

    assert ("error", ()) == (result.status, result.measures)
    assert f"the plan declares the {key} {column!r} of the rows, which {id} does not take into account" in str(
        result.why
    )


def test_only_known_designs_are_honoured() -> None:
    """What a probe says that it honours is what a plan can declare."""
    assert {key for spec in known_probes().values() for key in spec.honours} == {"weight", "cluster"}
