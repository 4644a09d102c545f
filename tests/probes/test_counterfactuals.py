"""What counterfactuals are worth: validity, constraints, burdens of groups, and when nothing is said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import yaml

from explained_probes import decision_log, held
from fakes import Constant, Scorer, credit_world, logistic, measured, run_probe
from probandum import api
from probandum.asking import Asker
from probandum.changing import value_of
from probandum.errors import UsageError
from probandum.evidence import Floats, Request, Response, Table
from probandum.finding import Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.probe import Ask, Probe, ProbeResult, make_probe
from probandum.subject import Decision, Grouping, Subject
from probandum_probes.bias.counting import decisions
from probandum_probes.explain.counterfactual.answers import Answered
from probandum_probes.explain.counterfactual.controls import closed_form, known_boundary, unchanged
from probandum_probes.explain.counterfactual.counterfactuals import Counterfactuals
from probandum_probes.explain.counterfactual.quality import diversity, neighbour_percentiles, steadiness
from probandum_probes.explain.counterfactual.rows import Explored
from probandum_probes.explain.counterfactual.search import counterfactuals
from probandum_probes.explain.counterfactual.space import Constraints, Space
from records import write_sklearn_plan

VALIDITY = Limit(metric="explain.counterfactuals/validity", direction="at_least", threshold=0.95)
ACTIONABILITY = Limit(metric="explain.counterfactuals/actionability", direction="at_least", threshold=1.0)
BURDEN = Limit(metric="explain.counterfactuals/burden-difference", direction="band", threshold=0.5)


def judged(result: ProbeResult, limit: Limit) -> tuple[Verdict, SubReason | None]:
    """What the judge says of the one quantity that the limit is on."""
    (finding,) = [each for each in judge([result], [limit]) if each.metric == limit.metric]
    return finding.verdict, finding.sub_reason


def value(result: ProbeResult, metric: str, group: str | None = None) -> float:
    """An estimate's number."""
    found = measured(result, metric, group).estimate.value

    assert found is not None
    return found


def explored(probe: Counterfactuals, system: Scorer, subject: Subject) -> Explored:
    """The changes that the probe finds."""
    ask = Asker(system, seed=1, subject=subject).for_probe("explain.counterfactuals", honours=("weight", "cluster"))
    return probe.explored(ask, Constraints(increase_only=probe.increase_only), probe.inputs)


# what is judged


def test_a_sound_scorer_passes_and_a_quiet_one_has_no_burden() -> None:
    """Every change is valid and allowed, and women pay no more than men where the rule is the same."""
    result = run_probe(Counterfactuals(inputs=400), Scorer(), credit_world(4000))

    assert [True, True] == held(result)
    assert (Verdict.PASS, None) == judged(result, VALIDITY)
    assert (Verdict.PASS, None) == judged(result, ACTIONABILITY)
    assert (Verdict.PASS, None) == judged(result, BURDEN)
    assert "female as they are" in str(measured(result, "validity").estimate.design)


def test_a_planted_burden_is_found() -> None:
    """Women need two logits more: their changes cost more, by about what these cost."""
    result = run_probe(Counterfactuals(), Scorer(gap=2.0), credit_world(4000))
    difference = measured(result, "burden-difference")

    assert (Verdict.FAIL, None) == judged(result, BURDEN)
    assert "welch" == difference.estimate.method
    assert 1.0 < value(result, "burden-difference") < 3.0
    assert value(result, "burden", "women") - value(result, "burden", "men") == pytest.approx(
        value(result, "burden-difference")
    )


def test_no_bound_of_a_count_lies_below_its_least() -> None:
    """Nobody changes less than one feature, which Student's interval does not know."""
    looked = explored(Counterfactuals(inputs=80), Scorer(gap=1.0), credit_world(600))
    places, changed = np.arange(74), np.r_[2.0, np.ones(73)]
    said = looked.resampled(places, changed, rng=np.random.default_rng(1), unit="features", design="")

    assert 75 / 74 == pytest.approx(said.value)
    assert said.low is not None
    assert 1.0 <= said.low < 75 / 74
    assert 1.0 > (looked.mean(places, changed, unit="features", design="").low or 0)


def test_figures_are_those_of_the_smallest_changes() -> None:
    """Means over rows of what the search found, and items make up what is judged."""
    subject, probe = credit_world(600), Counterfactuals(inputs=120)
    result, found = run_probe(probe, Scorer(gap=1.0), subject), explored(probe, Scorer(gap=1.0), subject)
    first = found.smallest[: found.sample]

    assert 120 == found.sample
    assert found.found.costs[first].mean() == pytest.approx(value(result, "proximity"))
    assert found.found.changed[first].sum(axis=1).mean() == pytest.approx(value(result, "sparsity"))
    assert "clopper-pearson" == measured(result, "validity").estimate.method
    for metric in ("validity", "actionability", "burden-difference"):
        items = measured(result, metric).items

        assert items is not None
        assert value(result, metric) == pytest.approx(value_of(items))


def test_a_search_that_breaks_a_constraint_fails() -> None:
    """One change of many that asks for another sex is seen by the gate, however few rows there are."""

    class Careless(Counterfactuals):
        """Changes the sex of the first row that it finds something for."""

        def explored(self, ask: Ask, declared: Constraints, inputs: int) -> Explored:
            """What is found, spoilt in one row."""
            found = super().explored(ask, declared, inputs)
            if "female" not in found.seen:
                return found  # the control's world
            after = dict(found.found.after.columns)
            after["female"] = np.where(np.arange(len(after["female"])) == 0, 1 - after["female"], after["female"])
            return replace(found, found=replace(found.found, after=Table(after)))

    for inputs in (30, 150):
        result = run_probe(Careless(inputs=inputs), Scorer(), credit_world(2000))

        assert value(result, "actionability") < 1.0
        assert (Verdict.FAIL, None) == judged(result, ACTIONABILITY)


def test_few_rows_allow_no_verdict() -> None:
    """99 are one too few; a group of 29 is too few for its burden."""
    few = run_probe(Counterfactuals(inputs=99), Scorer(), credit_world(2000))
    small = run_probe(Counterfactuals(inputs=29), Scorer(), credit_world(2000))

    assert (Verdict.INCONCLUSIVE, SubReason.UNDERPOWERED) == judged(few, VALIDITY) == judged(few, ACTIONABILITY)
    assert "99 rows decided unfavourably; a verdict needs 100" == measured(few, "validity").why
    assert (Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP) == judged(small, BURDEN)


# what may not change


@pytest.mark.parametrize(
    ("options", "stays", "words"),
    [
        ({}, "female", "female as they are"),
        ({"immutable": ("income",)}, "income", "income, female as they are"),
        ({"increase_only": ("years",)}, "female", "female as they are; years only upwards"),
    ],
)
def test_constraints_come_from_the_plan_and_from_its_groups(options: dict[str, Any], stays: str, words: str) -> None:
    """What carries an attribute stays by default; what the plan names is added, and estimates say so."""
    result = run_probe(Counterfactuals(inputs=20, **options), Scorer(gap=1.0), credit_world(400))

    assert str(measured(result, "actionability").estimate.design).endswith(words)
    assert 1.0 == value(result, "actionability")
    assert stays in words


def test_a_protected_feature_may_be_declared_to_move_one_way() -> None:
    """An age that carries the groups of a plan may only rise where the plan says so, and then does."""
    rng = np.random.default_rng(2)
    age = rng.integers(18, 80, 500).astype(np.float64)
    subject = Subject(
        table=Table({"age": age, "debt": rng.normal(size=500)}),
        features=("age", "debt"),
        groupings={"age": Grouping(attribute="age", codes=(age > 40).astype(np.int64), names=("young", "old"))},
        decision=Decision(favourable="1", positive="1"),
    )

    class ByAge(Scorer):
        """Older people are favoured."""

        def _scored(self, rows: Table) -> Response:
            good = logistic(np.asarray((rows["age"] - 50) / 5 - rows["debt"]))
            return Response(outputs=np.column_stack([1 - good, good]), labels=self.labels)

    free = explored(Counterfactuals(inputs=60, increase_only=("age",)), ByAge(), subject).found
    bound = explored(Counterfactuals(inputs=60), ByAge(), subject).found

    assert (free.after["age"] >= free.before["age"]).all()
    assert (free.after["age"] > free.before["age"]).any()
    assert bound.before["age"].tolist() == bound.after["age"].tolist()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"immutable": ["salary"]}, "suites.explain.counterfactuals.immutable: 'salary' is no feature of the model"),
        ({"asks": 10}, "single changes of 4 features are 39 asks a row; 10 are granted"),
    ],
)
def test_options_that_do_not_fit_are_an_error_in_one_line(options: dict[str, Any], message: str) -> None:
    """The probe says it, and nothing is measured; what options alone show is refused when the probe is made."""
    with pytest.raises(UsageError, match="'years' stands in increase_only, too"):
        make_probe("explain.counterfactuals", {"increase_only": ["years"], "decrease_only": ["years"]})
    result = run_probe(make_probe("explain.counterfactuals", options), Scorer(), credit_world(300))

    assert ("error", ()) == (result.status, result.measures)
    assert message in str(result.why)
    assert "\n" not in str(result.why).strip()


@pytest.mark.parametrize("option", [{"changes": 4}, {"inputs": 1}, {"alternatives": 0}, {"immutable": "sex"}])
def test_options_out_of_range_are_refused(option: dict[str, Any]) -> None:
    """Before anything is asked."""
    with pytest.raises(UsageError, match=rf"suites\.explain\.counterfactuals\.{next(iter(option))}: "):
        make_probe("explain.counterfactuals", option)


# where nothing can be said


def test_a_log_cannot_be_asked_about_changed_rows(tmp_path: Path) -> None:
    """Its decisions were recorded."""
    target, subject = decision_log(tmp_path)
    declared = replace(subject, decision=Decision(favourable="0"), answers=("decision",))
    result = run_probe(Counterfactuals(), target, declared)

    assert (Verdict.NOT_APPLICABLE, SubReason.NO_CAPABILITY) == judged(result, VALIDITY)


def test_where_every_decision_is_favourable_there_is_nothing_to_turn() -> None:
    """Not applicable, and no pass."""
    world = credit_world(300)
    generous = replace(world, decision=Decision(favourable="1", positive="1", threshold=0.0))
    result = run_probe(Counterfactuals(), Scorer(), generous)

    assert (Verdict.NOT_APPLICABLE, SubReason.TRIVIAL) == judged(result, VALIDITY)


def test_what_nothing_turns_has_no_valid_change() -> None:
    """A system that refuses everybody fails on validity; of its changes nothing is said, since there are none."""
    world = credit_world(300)
    strict = replace(world, decision=Decision(favourable="1", positive="1", threshold=0.9999))
    result = run_probe(Counterfactuals(inputs=120), Constant(Scorer()), strict)

    assert 0.0 == value(result, "validity")
    assert (Verdict.FAIL, None) == judged(result, VALIDITY)
    assert (Verdict.INCONCLUSIVE, SubReason.NO_DATA) == judged(result, ACTIONABILITY)
    assert Verdict.PASS is not judged(result, BURDEN)[0]


def test_a_group_that_is_often_stuck_has_no_burden_to_compare() -> None:
    """What those would have to change costs more than what others do, and is not known."""

    class Stuck(Scorer):
        """Grants nothing to women of few years, whatever they change but that."""

        def _scored(self, rows: Table) -> Response:
            good = np.asarray(super()._scored(rows).values[:, 1])
            good = np.where((rows["female"] == 1) & (np.asarray(rows["years"]) < -0.7), 0.0, good)
            return Response(outputs=np.column_stack([1 - good, good]), labels=self.labels)

    result = run_probe(Counterfactuals(immutable=("years",), inputs=100), Stuck(), credit_world(1000))
    difference = measured(result, "burden-difference")

    assert (Verdict.INCONCLUSIVE, SubReason.NO_DATA) == judged(result, BURDEN)
    assert "rows of women have no change, and nobody knows what one would cost" in str(difference.why)
    assert Verdict.FAIL is judged(result, VALIDITY)[0]
    assert "none found for " in str(measured(result, "validity").estimate.design)


def test_a_favourable_decision_that_is_not_declared_is_an_error() -> None:
    """Nobody can say which decisions are to be turned."""
    result = run_probe(Counterfactuals(), Scorer(), replace(credit_world(100), decision=None))

    assert "error" == result.status
    assert "the favourable decision is not declared" in str(result.why)


def test_without_groups_there_are_changes_and_no_burdens() -> None:
    """Nothing is protected then, and nobody compared."""
    result = run_probe(Counterfactuals(inputs=20), Scorer(), replace(credit_world(400), groupings={}))

    assert {"validity", "proximity"} <= {each.metric for each in result.measures}
    assert not {"burden", "burden-difference"} & {each.metric for each in result.measures}


# persons and weights


def test_persons_count_once_and_rows_by_their_weights() -> None:
    """Each row twice as one person says what the rows say alone; weights move means as they should."""
    plain = credit_world(400)
    rng = np.random.default_rng(1)
    columns = {**plain.table.columns, "w": rng.uniform(0.5, 3.0, 400), "who": np.arange(400.0) // 2}
    subject = replace(plain, table=Table(columns), weight="w", cluster="who")
    probe = Counterfactuals(inputs=150)
    result, found = run_probe(probe, Scorer(gap=1.0), subject), explored(probe, Scorer(gap=1.0), subject)
    sample = found.rows[: found.sample]
    weights, costs = columns["w"][sample], found.found.costs[found.smallest[: found.sample]]
    mean = measured(result, "proximity").estimate
    items = measured(result, "burden-difference").items

    assert (weights * costs).sum() / weights.sum() == pytest.approx(value(result, "proximity"))
    assert len(np.unique(columns["who"][sample])) == mean.n < 150
    assert "cr2" == mean.method == measured(result, "burden-difference").estimate.method
    assert "korn-graubard" == measured(result, "validity").estimate.method
    assert "rows of one 'who' as one person; weighted by 'w'" in str(mean.design)
    assert items is not None
    assert value(result, "burden-difference") == pytest.approx(value_of(items))


# the parts


def test_neighbours_are_counted_by_hand() -> None:
    """Of twenty numbers in a row the fifth neighbour is 3 away, of the second from either end 4, and of the ends 5."""
    seen = Table({"x": np.arange(20.0)})
    space = Space.of(seen, seen, Constraints())
    known = space.encoded(seen)
    apart = np.eye(20, dtype=bool)
    near = neighbour_percentiles(space, known[[18, 10, 0]], known, apart[[18, 10, 0]])
    far = neighbour_percentiles(space, np.array([[100.0], [9.6]]), known, np.zeros((2, 20), dtype=bool))

    assert [0.9, 0.8, 1.0] == near.tolist()
    assert [1.0, 0.0] == far.tolist()  # 9.6 has five neighbours within 2.4


def test_diversity_is_the_mean_cost_between_alternatives() -> None:
    """Two changes of 12 and 3 deviations in two features lie 15 apart."""
    seen = Table({"a": np.arange(100.0), "b": np.arange(100.0)})

    def answers(rows: Table) -> Answered:
        score = rows["a"] + rows["b"] - 70
        return Answered(score >= 0, score)

    found = counterfactuals(answers, seen.take([10]), seen, wanted=2)
    rows, distances = diversity(Space.of(seen, seen, Constraints()), found)

    assert [[True, False], [False, True]] == sorted(found.changed.tolist(), reverse=True)
    assert [0] == rows.tolist()
    assert [2 * 50 / 25] == distances.tolist()


def test_steadiness_is_certain_far_from_the_boundary_and_a_half_on_it() -> None:
    """Noise of a tenth deviation turns nothing ten deviations away."""
    seen = Table({"x": np.random.default_rng(1).normal(size=500)})
    space = Space.of(seen, seen, Constraints())

    def answers(rows: Table) -> Answered:
        return Answered(rows["x"] >= 0, rows["x"])

    firm = steadiness(space, answers, np.array([[2.0]] * 50 + [[1e-9]] * 500), np.random.default_rng(2))

    assert 1.0 == firm[:50].min()
    assert 0.5 == pytest.approx(firm[50:].mean(), abs=0.05)


def test_controls_see_what_is_broken() -> None:
    """A system that answers otherwise when asked again fails the negative one, changes that cost more the other."""

    class Fickle(Scorer):
        """Refuses everybody first, and grants everything afterwards."""

        asked = 0

        def answer(self, requests: Sequence[Request]) -> list[Response]:
            """By how often it was asked."""
            self.asked += 1
            p: Floats = np.full(len(requests[0]), 0.1 if self.asked == 1 else 0.9)
            return [Response(outputs=np.column_stack([1 - p, p]), labels=self.labels) for _ in requests]

    class Coarse(Counterfactuals):
        """Says every change costs a tenth more."""

        def explored(self, ask: Ask, declared: Constraints, inputs: int) -> Explored:
            """What is found, dearer."""
            found = super().explored(ask, declared, inputs)
            return replace(found, found=replace(found.found, costs=found.found.costs * 1.1))

    subject = credit_world(200)
    fickle = Asker(Fickle(), seed=1, subject=subject).for_probe("explain.counterfactuals")
    sound = Asker(Scorer(), seed=1, subject=subject).for_probe("explain.counterfactuals")

    probe, coarse = make_probe("explain.counterfactuals", {}), cast(Probe, Coarse())

    assert False is unchanged(probe, fickle)[0]
    assert True is unchanged(probe, sound)[0]
    assert False is known_boundary(coarse, sound)[0]
    assert True is known_boundary(probe, sound)[0]


def test_the_closed_form_of_the_control_is_right() -> None:
    """Two weights, 2 and 0.7, and half a unit missing: the cheaper of the two is the first."""
    names = ("may change", "may rise", "may fall", "immutable")
    seen = Table({name: np.linspace(-2, 2, 101) for name in names})
    row = Table({name: np.array([0.0]) for name in names})

    assert [0.25] == pytest.approx(closed_form(row, seen).tolist(), abs=1e-12)  # 0.5 / 2 over a MAD of 1


def test_it_is_set_in_a_plan_and_judged(tmp_path: Path) -> None:
    """From YAML to findings: options are lists of features, limits hold, and the record keeps what was asked."""
    path = write_sklearn_plan(tmp_path)
    plan = yaml.safe_load(path.read_text("utf-8"))
    plan["suites"] = {"explain.counterfactuals": {"increase_only": ["income"], "inputs": 150}}
    plan["limits"] = [
        {"metric": "explain.counterfactuals/validity", "at_least": 0.9, "source": "project", "reason": "As agreed"}
    ]
    path.write_text(yaml.safe_dump(plan), "utf-8")
    record = api.audit(path, out=tmp_path / "run", documents=False)
    (finding,) = [each for each in record.findings if each.metric == "explain.counterfactuals/validity"]

    assert "income only upwards" in str(finding.estimate.design)
    assert finding.verdict in (Verdict.PASS, Verdict.INCONCLUSIVE)
    assert finding.estimate.value == 1.0


def test_unfavourable_rows_are_drawn_in_one_order() -> None:
    """A smaller sample is a part of a larger one, and every group has so many rows of its own."""
    subject = credit_world(600)
    small, large = (explored(Counterfactuals(inputs=count), Scorer(), subject) for count in (10, 40))
    _, answer = decisions(Asker(Scorer(), seed=1, subject=subject).for_probe("explain.counterfactuals"))
    refused = ~subject.outcomes(answer).favourable
    codes = subject.groupings["sex"].codes

    assert set(small.rows.tolist()) <= set(large.rows.tolist())
    assert refused[large.rows].all()
    assert all((codes[large.rows] == group).sum() >= 40 for group in (0, 1))
