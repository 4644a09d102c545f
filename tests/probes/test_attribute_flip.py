"""Decisions that change with the attribute alone: counts by hand, what carries it, and what nothing can be said of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compas import compas
from fakes import BROKEN, Scorer, credit_world, measured, run_probe
from listed import Switched
from probandum import stats
from probandum.asking import Asker
from probandum.changing import value_of
from probandum.errors import DataError
from probandum.evidence import Table
from probandum.finding import Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.probe import Ask, ProbeResult
from probandum.subject import UNKNOWN, Decision, Grouping, Subject
from probandum_probes.bias.attribute_flip import AttributeFlip
from probandum_probes.bias.carried import all_as, carriers
from probandum_probes.bias.flip_controls import blind, planted_flips

RATE = Limit(metric="bias.attribute-flip/attribute-flip-rate", direction="at_most", threshold=0.01)
SHIFT = Limit(metric="bias.attribute-flip/attribute-shift", direction="band", threshold=0.01)


def world(as_a: Sequence[float], as_b: Sequence[float], *, members: int, favourable: str = "1") -> Subject:
    """Rows with the score that each gets as one of A and of B; the first ``members`` are of A."""
    codes = (np.arange(len(as_a)) >= members) * 1
    return Subject(
        table=Table({"a": 1.0 - codes, "as_a": np.array(as_a), "as_b": np.array(as_b)}),
        features=("a", "as_a", "as_b"),
        groupings={"g": Grouping(attribute="g", codes=codes, names=("A", "B"), reference="B")},
        decision=Decision(favourable=favourable, positive="1", threshold=0.5),
    )


def asked(subject: Subject, **options: Any) -> ProbeResult:
    """What the probe says of these rows."""
    return run_probe(AttributeFlip(**options), Switched(), subject)


def test_numbers_by_hand() -> None:
    """Of 100 rows 7 are favoured as A only and 3 as B only: 10 % flip, the shift is +4 points."""
    as_a = [0.8] * 40 + [0.8] * 7 + [0.2] * 3 + [0.2] * 50
    as_b = [0.8] * 40 + [0.2] * 7 + [0.8] * 3 + [0.2] * 50
    result = asked(world(as_a, as_b, members=45))
    rate, shift, logits = (
        measured(result, f"attribute-{name}").estimate for name in ("flip-rate", "shift", "logit-shift")
    )
    exact = stats.proportion_interval(10, 100, method="clopper-pearson")

    assert (0.1, exact.low, exact.high) == pytest.approx((rate.value, rate.low, rate.high))
    assert 0.04 == pytest.approx(shift.value)
    assert ((7, 3), (100, 100)) == shift.counts
    assert 0.04 * 2 * np.log(4) == pytest.approx(logits.value)
    assert "not causal: a alone changed" == rate.design


def test_the_direction_is_tested_exactly() -> None:
    """At 0 the p-value of the shift is McNemar's exact one, as SciPy's binomial test gives it."""
    from scipy.stats import binomtest

    as_a, as_b = [0.8] * 9 + [0.2] * 91, [0.2] * 8 + [0.8] * 1 + [0.2] * 89 + [0.8] * 2
    found = measured(asked(world(as_a, as_b, members=50)), "attribute-shift").estimate

    assert ((8, 2), (100, 100)) == found.counts
    p = stats.p_value("mcnemar-tango", 0.0, side="above", counts=found.counts)
    assert binomtest(8, 10, alternative="greater").pvalue == pytest.approx(p)


def test_a_high_score_may_be_the_unfavourable_decision() -> None:
    """Then whoever scores higher as A is favoured as B, in decisions and in log-odds."""
    result = asked(world([0.8] * 80, [0.2] * 80, members=40, favourable="0"))

    assert -1.0 == measured(result, "attribute-shift").estimate.value
    assert -2 * np.log(4) == pytest.approx(measured(result, "attribute-logit-shift").estimate.value)


def test_a_planted_fault_fails_and_none_passes() -> None:
    """299 rows without a flip are enough for "at most 0.01", 298 are not."""
    quiet = {n: asked(world([0.8] * n, [0.8] * n, members=n // 2)) for n in (298, 299)}
    fault = asked(world([0.8] * 300, [0.2] * 12 + [0.8] * 288, members=150))
    found = {n: judge([result], [RATE])[0] for n, result in quiet.items()}

    assert (Verdict.INCONCLUSIVE, SubReason.UNDERPOWERED) == (found[298].verdict, found[298].sub_reason)
    assert Verdict.PASS is found[299].verdict
    assert [Verdict.FAIL, Verdict.FAIL] == [each.verdict for each in judge([fault], [RATE, SHIFT])[:2]]
    assert {"positive": "held", "negative": "held"} == found[299].controls


def test_a_model_without_the_attribute_is_trivial() -> None:
    """No feature carries it: not applicable, never a PASS, and it says why."""
    result = run_probe(AttributeFlip(), Scorer(gap=1.0), credit_world(600, towns=True))
    town = measured(result, "attribute-flip-rate", "Ayr")
    finding, _ = [each for each in judge([result], [RATE]) if each.groups and each.groups.attribute == "town"]

    assert (Verdict.NOT_APPLICABLE, SubReason.TRIVIAL, None) == (town.verdict, town.sub_reason, town.estimate.value)
    assert str(town.why).startswith("no feature carries town, so that changing it changes no decision")
    assert (Verdict.NOT_APPLICABLE, SubReason.TRIVIAL) == (finding.verdict, finding.sub_reason)


def test_the_planted_gap_of_a_scorer_is_its_shift() -> None:
    """A scorer that takes a logit off women shifts by one, whatever else it looks at."""
    result = run_probe(AttributeFlip(), Scorer(gap=1.0), credit_world(600))
    shift = measured(result, "attribute-logit-shift", "women", "men").estimate

    assert -1.0 == pytest.approx(shift.value)
    assert (measured(result, "attribute-shift", "women", "men").estimate.high or 0.0) < 0


def test_recorded_decisions_cannot_be_asked() -> None:
    """A log answers for its own rows only."""
    system, subject = compas()
    measures = run_probe(AttributeFlip(), system, replace(subject, answers=("decile_score",))).measures

    assert {
        ("attribute-flip-rate", Verdict.NOT_APPLICABLE, SubReason.NO_CAPABILITY),
        ("attribute-shift", Verdict.NOT_APPLICABLE, SubReason.NO_CAPABILITY),
    } == {(each.metric, each.verdict, each.sub_reason) for each in measures}


def bands(names: Sequence[str] = ("young", "old")) -> Subject:
    """Ages with bands, an indicator of each band, a word for it, and a debt that has nothing to do with it."""
    age = np.array([20.0, 25.0, 30.0, 60.0, 61.0, 70.0])
    old = age > 40
    columns = {"age": age, "young": 1.0 - old, "word": np.where(old, "x", "y"), "debt": np.array([1.0, 9, 5, 2, 8, 4])}
    return Subject(
        table=Table(columns),
        features=("age", "young", "word", "debt"),
        groupings={"band": Grouping(attribute="band", codes=old * 1, names=tuple(names))},
    )


def test_what_carries_an_attribute_is_found() -> None:
    """One value a group, or ranges that do not overlap, or its name; another feature is not."""
    subject = bands()
    debt = Grouping(attribute="debt", codes=np.array([0, 1, 0, 1, 0, 1]), names=("a", "b"))

    assert ("age", "young", "word") == carriers(subject, subject.groupings["band"])
    assert ("debt",) == carriers(subject, debt)


def test_rows_become_members_of_a_group() -> None:
    """With its one value, or the lower median of its numbers; its own rows stay as they are."""
    subject = bands()
    made = all_as(subject, subject.groupings["band"], 0, ("age", "young", "word")).table

    assert [20.0, 25.0, 30.0, 25.0, 25.0, 25.0] == made["age"].tolist()
    assert ([1.0] * 6, ["y"] * 6) == (made["young"].tolist(), made["word"].tolist())
    assert made["debt"].tolist() == subject.table["debt"].tolist()


def test_columns_can_be_named() -> None:
    """Only these are changed, together."""
    named = run_probe(AttributeFlip(columns={"sex": ["years"]}), Scorer(gap=1.0), credit_world(600))

    assert "not causal: years alone changed" == measured(named, "attribute-flip-rate", "women").estimate.design


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"race": ["female"]}, "suites.bias.attribute-flip.columns.race: no such attribute; found: sex"),
        ({"sex": ["repaid"]}, "suites.bias.attribute-flip.columns.sex: 'repaid' is no feature of the model"),
    ],
)
def test_columns_that_do_not_exist_are_an_error(columns: Mapping[str, Sequence[str]], why: str) -> None:
    """Of an attribute that the plan does not declare, or a column that the model does not take."""
    result = run_probe(AttributeFlip(columns=columns), Scorer(), credit_world(100))

    assert "error" == result.status
    assert str(result.why).startswith(why)


def test_options_that_mean_nothing_are_refused() -> None:
    """A text for a list, an empty list, a sample of one, and rows without groups."""
    for options, why in (
        ({"columns": {"sex": "female"}}, "columns.sex: 'female'"),
        ({"columns": {"sex": []}}, "columns.sex"),
        ({"sample": 1}, "sample: 1"),
    ):
        with pytest.raises(DataError, match=why):
            AttributeFlip(**options)
    subject = world([0.8] * 40, [0.8] * 40, members=20)
    bare = Subject(table=subject.table, features=subject.features, decision=subject.decision)

    assert "the plan declares no groups to compare; add groups: to the plan" == asked(bare).why


def test_small_groups_have_no_verdict() -> None:
    """Nor has a group of which there is nobody to be like, nor one alone."""
    few = measured(asked(world([0.8] * 100, [0.8] * 100, members=10)), "attribute-flip-rate")
    nobody = measured(asked(world([0.8] * 100, [0.8] * 100, members=0), columns={"g": ["a"]}), "attribute-flip-rate")
    subject = world([0.8] * 100, [0.8] * 100, members=50)
    unknown = Grouping(attribute="g", codes=subject.groupings["g"].codes, names=("A", UNKNOWN))
    alone = Subject(table=subject.table, features=subject.features, decision=subject.decision, groupings={"g": unknown})

    assert "A has 10 rows; a verdict needs 30" == few.why
    assert ("A has no rows; a verdict needs 30", None) == (nobody.why, nobody.estimate.value)
    assert {(Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP)} == {(e.verdict, e.sub_reason) for e in (few, nobody)}
    assert "g has no two groups to compare" == measured(asked(alone), "attribute-flip-rate").why


def test_scores_that_are_no_probabilities_have_no_log_odds() -> None:
    """A score of 1 has none; decisions flip all the same."""
    result = asked(world([1.0] * 80, [0.2] * 80, members=40))
    logits = measured(result, "attribute-logit-shift").estimate

    assert (None, "it takes probabilities between 0 and 1 for every row") == (logits.value, logits.why)
    assert 1.0 == measured(result, "attribute-flip-rate").estimate.value


def test_a_sample_is_asked_alone() -> None:
    """Over fewer rows, which the items count."""
    found = measured(run_probe(AttributeFlip(sample=200), Scorer(gap=1.0), credit_world(600)), "attribute-flip-rate")

    assert found.items is not None
    assert (200, 200) == (found.estimate.n, len(found.items.keys))
    assert found.estimate.value == pytest.approx(value_of(found.items))


def test_a_control_catches_a_probe_that_miscounts() -> None:
    """One that sees flips where nothing looks at the attribute, and one that loses some."""

    class Miscounting(AttributeFlip):
        """Says twice as many."""

        def measure(self, ask: Ask) -> Any:
            """The figures, each a little off."""
            for each in super().measure(ask):
                value = each.estimate.value
                off = None if value is None else replace(each.estimate, value=value + 0.001, high=1.0)
                yield each if off is None else replace(each, estimate=off)

    ask = Asker(Scorer(gap=1.0), seed=1, subject=credit_world(600)).for_probe("bias.attribute-flip")

    wrong: Any = Miscounting()
    right: Any = AttributeFlip()

    assert [False, False] == [control(wrong, ask)[0] for control in (blind, planted_flips)]
    assert [True, True] == [control(right, ask)[0] for control in (blind, planted_flips)]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_broken_answers_are_an_error(broken: Any) -> None:
    """No flip is counted among answers that are none."""
    assert "error" == run_probe(AttributeFlip(), broken(Scorer()), credit_world(200)).status


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=60, max_size=80))
def test_flips_and_shift_are_those_of_the_rows(pairs: list[tuple[bool, bool]]) -> None:
    """Whatever is decided as one and as the other: |shift| is at most the flip rate, and both are means over rows."""
    as_a, as_b = (np.array([pair[side] for pair in pairs]) * 1.0 for side in (0, 1))
    result = asked(world(as_a.tolist(), as_b.tolist(), members=30))
    rate, shift = (measured(result, f"attribute-{name}").estimate.value for name in ("flip-rate", "shift"))

    assert rate == pytest.approx(np.abs(as_a - as_b).mean())
    assert shift == pytest.approx((as_a - as_b).mean())
    assert abs(shift or 0.0) <= (rate or 0.0) + 1e-12
