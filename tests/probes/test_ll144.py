"""The tables of Local Law 144: the rule's own example, ties at the median, unknown and small categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compas import compas
from fakes import BROKEN, Constant, Scorer, credit_world, measured, run_probe
from probandum.errors import DataError
from probandum.evidence import Capability, Request, Response, Table
from probandum.finding import Limit, Verdict
from probandum.judging import judge
from probandum.probe import Ask
from probandum.subject import UNKNOWN, Decision, Grouping, Subject
from probandum.target import Target
from probandum_probes.bias.ll144 import LocalLaw144


class Recorded(Target):
    """A log: what stands in the rows is the answer."""

    name = "recorded"
    capabilities = frozenset({Capability.PREDICT})
    labels = ("favourable", "detected", "score")

    def identity(self) -> dict[str, Any]:
        """It has no parameter."""
        return {"rule": "recorded"}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """The columns of each row."""
        return [
            Response(outputs=np.column_stack([each.table[name] for name in self.labels]), labels=self.labels)
            for each in requests
        ]


def applicants(
    groups: Mapping[str, Sequence[str]],
    chosen: Sequence[int],
    score: Sequence[float] | None = None,
    *,
    low: bool = False,
) -> Subject:
    """Rows with their categories, whether they were selected, and their scores; ``low``: low scores are selected."""
    selected = np.asarray(chosen, dtype=np.float64)
    table = {
        "favourable": selected,
        "detected": 1 - selected if low else selected,
        "score": selected if score is None else np.asarray(score, dtype=np.float64),
    }
    groupings = {}
    for attribute, values in groups.items():
        names = tuple(dict.fromkeys(values))
        codes = np.array([names.index(value) for value in values])
        groupings[attribute] = Grouping(attribute=attribute, codes=codes, names=names)
    return Subject(
        table=Table(table),
        features=("favourable", "detected", "score"),
        groupings=groupings,
        decision=Decision(favourable="1", positive="1"),
    )


def example() -> Subject:
    """34 of 76 women and 50 of 92 men were selected."""
    return applicants({"sex": ["female"] * 76 + ["male"] * 92}, [1] * 34 + [0] * 42 + [1] * 50 + [0] * 42)


def test_the_example_of_the_rule() -> None:
    """The impact ratio is 0.823, with Koopman's 95 % interval from 0.597 to 1.118 beside it; the highest has 1."""
    result = run_probe(LocalLaw144(), Recorded(), example())
    women = measured(result, "selection-impact-ratio", "female", "male").estimate
    men = measured(result, "selection-impact-ratio", "male", "male").estimate

    assert (0.823, 0.597, 1.118) == tuple(round(each or 0, 3) for each in (women.value, women.low, women.high))
    assert ("koopman", ((34, 76), (50, 92))) == (women.method, women.counts)
    assert (1.0, "the highest rate itself") == (men.value, men.design)
    assert [True, True] == [outcome.held for outcome in result.controls]


def test_no_limit_reaches_the_tables() -> None:
    """The law sets no pass mark: whatever limit a plan sets, nothing is judged."""
    result = run_probe(LocalLaw144(), Recorded(), example())
    limits = [
        Limit(metric=f"bias.ll144/{name}", direction="at_least", threshold=0.99) for name in result_metrics(result)
    ]
    findings = judge([result], limits)

    assert {Verdict.NOT_APPLICABLE} == {each.verdict for each in findings}
    assert {None} == {each.limit for each in findings}


def result_metrics(result: Any) -> set[str]:
    """What was measured."""
    return {each.metric for each in result.measures}


def test_scoring_rates_count_who_lies_strictly_above_the_median() -> None:
    """Of scores 1 2 3 3 3 4 5 6 the median is 3: three tie with it, and only 4, 5 and 6 lie above."""
    world = applicants({"sex": list("FFFFMMMM")}, [0] * 8, [1, 3, 3, 4, 2, 3, 5, 6])
    result = run_probe(LocalLaw144(tool="scoring"), Recorded(), world)

    assert ((3, 8),) == measured(result, "at-the-median").estimate.counts
    assert ((1, 4),) == measured(result, "scoring-rate", "F").estimate.counts
    assert ((2, 4),) == measured(result, "scoring-rate", "M").estimate.counts
    assert 0.5 == measured(result, "scoring-impact-ratio", "F", "M").estimate.value
    assert "selection-rate" not in result_metrics(result)


def test_the_median_is_that_of_all_rows() -> None:
    """Rows that state no sex, and categories that are left out, are part of the sample."""
    sexes = ["F"] * 60 + ["M"] * 60 + ["X"] + [UNKNOWN] * 60
    score = [*range(60), *range(30, 90), 100, *range(100, 160)]
    result = run_probe(
        LocalLaw144(tool="scoring", exclusion="One person"), Recorded(), applicants({"sex": sexes}, [0] * 181, score)
    )
    above = np.asarray(score) > np.median(score)

    assert ((int(above[60:120].sum()), 60),) == measured(result, "scoring-rate", "M").estimate.counts
    assert ((60, 181),) == measured(result, "not-stated").estimate.counts
    assert 180 == sum(each.estimate.n for each in result.measures if each.metric == "scoring-rate") + 59


def test_where_low_scores_are_favourable_they_count_from_the_other_end() -> None:
    """A risk score of 1 to 8, where the lower half was selected."""
    sexes = list("FMFMFMFM")
    risk = [1, 2, 3, 4, 5, 6, 7, 8]
    world = applicants({"sex": sexes}, [1, 1, 1, 1, 0, 0, 0, 0], risk, low=True)
    result = run_probe(LocalLaw144(tool="scoring"), Recorded(), world)

    assert [((2, 4),), ((2, 4),)] == [measured(result, "scoring-rate", sex).estimate.counts for sex in "FM"]
    assert 0.0 == measured(result, "at-the-median").estimate.value


def test_scores_that_lead_neither_way_are_refused() -> None:
    """Where favourable is neither the positive decision nor the other, nobody knows which end is good."""
    world = applicants({"sex": list("FFMM")}, [1, 0, 1, 0], [1, 2, 3, 4])
    table = Table({**world.table.columns, "detected": np.array([1.0, 1.0, 0.0, 0.0])})
    result = run_probe(LocalLaw144(), Recorded(), replace(world, table=table))

    assert "error" == result.status
    assert str(result.why).startswith(
        "favourable decisions are neither those that say the positive value nor the others"
    )


def small_categories(exclusion: str) -> Any:
    """98 + 100 + 2 applicants; the two lie under 2 % of the rows."""
    races = ["A"] * 98 + ["B"] * 100 + ["C"] * 2
    chosen = [1] * 40 + [0] * 58 + [1] * 50 + [0] * 50 + [1] * 2
    return run_probe(LocalLaw144(exclusion=exclusion), Recorded(), applicants({"race": races}, chosen))


def test_small_categories_are_left_out_with_a_justification() -> None:
    """Count and rate are shown all the same, the highest is one of the others, and the reason stands beside it."""
    result = small_categories("Two persons say nothing")
    left_out = measured(result, "selection-impact-ratio", "C", "B")

    assert ((2, 2),) == measured(result, "selection-rate", "C").estimate.counts
    assert (Verdict.NOT_APPLICABLE, None) == (left_out.verdict, left_out.estimate.value)
    assert "left out: 1.00 % of the rows, under 2 %. Justification: Two persons say nothing" == left_out.why
    assert 40 / 98 / 0.5 == pytest.approx(measured(result, "selection-impact-ratio", "A", "B").estimate.value)


def test_without_a_justification_none_is_left_out() -> None:
    """A small category counts, also as the highest, and says that it is one."""
    result = small_categories("")

    assert 0.5 == measured(result, "selection-impact-ratio", "B", "C").estimate.value
    assert "the highest rate itself; 1.00 % of the rows, under 2 %" == (
        measured(result, "selection-impact-ratio", "C", "C").estimate.design
    )


def test_sex_and_race_are_crossed() -> None:
    """A table each, and one for both, in which who states only one of them is counted as unknown."""
    _, subject = compas()
    result = run_probe(LocalLaw144(), *compas())
    tables = {each.groups.attribute for each in result.measures if each.groups and each.metric == "selection-rate"}

    assert {"sex", "race", "race*sex"} == tables
    assert len(subject) == sum(
        each.estimate.n
        for each in result.measures
        if each.metric == "selection-rate" and each.groups and each.groups.attribute == "race*sex"
    )
    assert [True, True] == [outcome.held for outcome in result.controls]


def test_who_states_one_of_both_is_unknown_in_the_crossed_table() -> None:
    """Counted there, and in the table of what is stated."""
    world = applicants({"sex": ["F", "F", UNKNOWN, "M"] * 10, "race": ["A", UNKNOWN, "A", "B"] * 10}, [1, 0, 1, 0] * 10)
    result = run_probe(LocalLaw144(tool="selection"), Recorded(), world)
    unknown = {
        each.groups.attribute: each.estimate.counts
        for each in result.measures
        if each.metric == "not-stated" and each.groups
    }

    assert {"sex": ((10, 40),), "race": ((10, 40),), "sex*race": ((20, 40),)} == unknown
    assert 30 == sum(
        each.estimate.n
        for each in result.measures
        if each.metric == "selection-rate" and each.groups and each.groups.attribute == "race"
    )


def test_a_missing_attribute_is_a_gap() -> None:
    """A plan without race says that two tables are missing; other names are given by options."""
    result = run_probe(LocalLaw144(sex="gender"), Scorer(), credit_world(200))
    gaps = {each.groups.attribute: each.why for each in result.measures if each.verdict is not None and each.groups}

    assert {"gender", "race"} == set(gaps)
    assert "the plan declares no groups 'race', so that this table and the crossed one are missing" == gaps["race"]
    with pytest.raises(DataError, match="sex and race are both 'sex'"):
        LocalLaw144(race="sex")


def test_without_scores_the_scoring_table_is_a_gap() -> None:
    """The selection table stands all the same."""
    result = run_probe(LocalLaw144(), *compas(scored=False))

    assert "the system's decisions come without scores" == measured(result, "scoring-rate").why
    assert measured(result, "selection-impact-ratio", "Male", "Female").estimate.value is not None


def test_nobody_selected_has_no_ratio() -> None:
    """And breaks nothing."""
    result = run_probe(LocalLaw144(tool="selection"), Recorded(), applicants({"sex": list("FFMM") * 20}, [0] * 80))

    assert "nobody in any category was chosen, so there is no ratio" == (
        measured(result, "selection-impact-ratio", "F").estimate.why
    )


def test_a_constant_system_breaks_no_table() -> None:
    """Everybody ties at the median, so that nobody lies above it."""
    result = run_probe(LocalLaw144(), Constant(Scorer()), credit_world(200))

    assert 1.0 == measured(result, "at-the-median").estimate.value
    assert 0.0 == measured(result, "scoring-rate", "women").estimate.value


@pytest.mark.parametrize("broken", BROKEN)
def test_broken_answers_are_errors(broken: Any) -> None:
    """Refusals, crashes, errors, empty answers and NaN leave an error with its reason, and no number."""
    result = run_probe(LocalLaw144(), broken(Scorer()), credit_world(200))

    assert ("error", ()) == (result.status, result.measures)
    assert result.why


class Rounded(LocalLaw144):
    """A sabotaged probe: its ratios are a tenth too small."""

    def measure(self, ask: Ask) -> Any:
        """As the probe, and wrong."""
        for each in super().measure(ask):
            value = each.estimate.value
            if each.metric == "selection-impact-ratio" and value is not None:
                yield replace(each, estimate=replace(each.estimate, value=value * 0.9, low=0.0))
            else:
                yield each


class Loaded(LocalLaw144):
    """A sabotaged probe: it counts no woman as selected."""

    def measure(self, ask: Ask) -> Any:
        """As the probe, and wrong."""
        for each in super().measure(ask):
            if (
                each.metric == "selection-rate"
                and each.groups
                and each.groups.group == "women"
                and each.estimate.counts
            ):
                ((_, n),) = each.estimate.counts
                yield replace(each, estimate=replace(each.estimate, counts=((0, n),)))
            else:
                yield each


@pytest.mark.parametrize(("probe", "kind"), [(Rounded, "positive"), (Loaded, "negative")])
def test_a_sabotaged_probe_is_an_error(probe: type[LocalLaw144], kind: str) -> None:
    """Wrong ratios and wrong counts fail a control, and everything in the tables is an ERROR."""
    findings = judge([run_probe(probe(), Scorer(), credit_world(600))], [])

    assert "failed" == findings[0].controls[kind]
    assert {Verdict.ERROR} == {finding.verdict for finding in findings}


rows = st.lists(st.tuples(st.sampled_from("FMX"), st.integers(0, 1), st.integers(0, 5)), min_size=2, max_size=40)


@given(rows)
def test_every_row_is_counted_once_and_no_ratio_is_above_one(data: list[tuple[str, int, int]]) -> None:
    """Rates add up to all rows, and the highest rate is the measure of all."""
    sexes, chosen, score = (list(column) for column in zip(*data, strict=True))
    names = [UNKNOWN if sex == "X" else sex for sex in sexes]
    result = run_probe(LocalLaw144(), Recorded(), applicants({"sex": names}, chosen, score))
    if result.status == "error":  # favourable decisions lie towards neither end
        assert "neither" in str(result.why)
        return
    for rate, ratio in (("selection-rate", "selection-impact-ratio"), ("scoring-rate", "scoring-impact-ratio")):
        known = sum(each.estimate.n for each in result.measures if each.metric == rate)
        ratios = [each.estimate.value for each in result.measures if each.metric == ratio and each.estimate.value]
        assert len(data) == known + names.count(UNKNOWN)
        assert all(value <= 1 + 1e-12 for value in ratios)
