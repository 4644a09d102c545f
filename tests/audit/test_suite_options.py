"""What options of suites name is held against the rest of the plan, before a model is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import pytest

from commands import entered
from probandum import api
from probandum.errors import PlanError
from probandum.keywords import Distinct, Facts, Place, wrong_beside, wrong_values
from probandum.plan_names import Names
from records import write_plan, write_sklearn_plan


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with one feature, its rows and a plan."""
    return write_sklearn_plan(tmp_path_factory.mktemp("options")).parent


def problems(folder: Path, suites: str, *changes: tuple[str, str]) -> list[str]:
    """What is wrong with the plan whose suites are these, without the folder's name."""
    text = (folder / "audit.yaml").read_text("utf-8").replace("bias.group-rates: {}", suites)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    plan = folder / "changed.yaml"
    plan.write_text(text, "utf-8")
    with pytest.raises(PlanError) as caught:
        api.check_plan(plan)
    return [line.replace(f"{folder}/changed.yaml:", "") for line in caught.value.lines()]


@pytest.mark.parametrize(
    ("suites", "said"),
    [
        (
            "explain.counterfactuals: {immutable: [incom]}",
            "7:48: suites.explain.counterfactuals.immutable.0: no feature 'incom', did you mean 'income'?; the model ",
        ),
        (
            "explain.counterfactuals: {immutable: [income], increase_only: [income]}",
            "7:57: suites.explain.counterfactuals.increase_only: 'income' stands in immutable, too; keep one of the",
        ),
        (
            "explain.counterfactuals: {immutable: [income, income]}",
            "7:56: suites.explain.counterfactuals.immutable.1: 'income' stands twice; keep one of the two",
        ),
        (
            "explain.counterfactuals: {texts: rows.csv}",
            "7:36: suites.explain.counterfactuals.texts: names texts, and target sklearn reads rows; leave it out",
        ),
        (
            "explain.reliance: {columns: {sex: [sex]}}",
            "7:45: suites.explain.reliance.columns.sex.0: no feature 'sex'; the model takes: income",
        ),
        (
            "explain.reliance: {columns: {gender: [income]}}",
            "7:39: suites.explain.reliance.columns.gender: no attribute 'gender' under groups; known: sex",
        ),
        (
            "bias.attribute-flip: {columns: {sexe: [income]}}",
            "7:42: suites.bias.attribute-flip.columns.sexe: no attribute 'sexe' under groups, did you mean 'sex'?",
        ),
        (
            "bias.triage: {columns: [income, income]}",
            "7:42: suites.bias.triage.columns.1: 'income' stands twice; keep one of the two",
        ),
        (
            "bias.conditional-parity: {given: [repayed], reason: So it is}",
            "7:44: suites.bias.conditional-parity.given.0: no column 'repayed', did you mean 'repaid'?; found: sex, ",
        ),
        (
            "bias.conditional-parity: {given: [income]}",
            "7:10: suites.bias.conditional-parity: the key 'reason' is missing: say in a sentence why the factors are ",
        ),
        (
            "bias.conditional-parity: {given: [], reason: So it is}",
            "7:36: suites.bias.conditional-parity.given: [] says nothing; name columns, such as given: [education]",
        ),
        (
            "bias.ll144: {sex: gender, race: sex}",
            "7:23: suites.bias.ll144.sex: no attribute 'gender' under groups; known: sex",
        ),
        (
            "bias.intersections: {}",
            "7:10: suites.bias.intersections: a crossing takes 2 attributes under groups, and the plan has 1",
        ),
        (
            "bias.ranking-exposure: {lists: list}",
            "7:34: suites.bias.ranking-exposure.lists: no column 'list'; found: sex, income, repaid",
        ),
        (
            "explain.efficiency: {explainers: [lime.text]}",
            "7:44: suites.explain.efficiency.explainers.0: lime.text explains no rows, and target sklearn reads rows; ",
        ),
        (
            "explain.global: {explainer: gradients.integrated}",
            "7:27: suites.explain.global.explainer: gradients.integrated explains no rows, and target sklearn reads ",
        ),
        (
            "explain.efficiency: {explainers: [shap.exact, shap.exact]}",
            "7:56: suites.explain.efficiency.explainers.1: 'shap.exact' stands twice; keep one of the two",
        ),
        (
            "explain.seed-stability: {samples: 0}",
            "7:35: suites.explain.seed-stability.samples: 0, expected a whole number from 1 to 1,000,000",
        ),
        (
            "explain.infidelity: {neighbours: 1000000}",
            "7:31: suites.explain.infidelity.neighbours: 1000000, expected a whole number from 0 to 200",
        ),
        (
            "explain.global: {repeats: 3}",
            "7:27: suites.explain.global.repeats: 3; expected at least 30",
        ),
    ],
)
def test_what_an_option_names_and_nothing_has_is_told_at_its_place(folder: Path, suites: str, said: str) -> None:
    """One line with file, line, column, and the name that was meant or all there are."""
    (line,) = problems(folder, suites)

    assert line.startswith(said)


def test_everything_wrong_with_options_is_told_at_once(folder: Path) -> None:
    """Two suites, three options."""
    suites = "explain.counterfactuals: {immutable: [a], inputs: x}, explain.efficiency: {explainers: [lime.text], b: 1}"

    assert ["7:48", "7:52", "7:64", "7:98"] == sorted(
        line.split(": ")[0].strip() for line in problems(folder, suites)
    ), problems(folder, suites)


def test_what_a_target_cannot_give_is_known_by_its_kind(tmp_path: Path) -> None:
    """A log of rows gives no attributions."""
    plan = write_plan(tmp_path)
    text = plan.read_text("utf-8")
    suite = "  explain.efficiency: {explainers: [shap.tree]}\n  bias.group-rates: {}"
    plan.write_text(text.replace("  bias.group-rates: {}", suite), "utf-8")
    with pytest.raises(PlanError) as caught:
        api.check_plan(plan)
    (line,) = caught.value.lines()

    assert "explainers.0: shap.tree asks the system itself for attributions, and target log gives none" in line


@pytest.mark.parametrize(
    ("suite", "said"),
    [
        ("bias.conditional-parity: {given: [approved], reason: So}", "'approved' is what the system answered, and "),
        ("bias.conditional-parity: {given: [sex], reason: So}", "'sex' holds the groups of 'gender', and within it "),
        ("bias.triage: {columns: [sex]}", "'sex' holds the groups of 'gender', and within it none are left"),
    ],
)
def test_within_what_is_compared_nothing_is(tmp_path: Path, suite: str, said: str) -> None:
    """The column of the decision, and that of groups by another name."""
    plan = write_plan(tmp_path)
    text = plan.read_text("utf-8").replace("bias.group-rates: {}", suite)
    plan.write_text(text.replace("sex: {", "gender: {column: sex, "), "utf-8")
    with pytest.raises(PlanError) as caught:
        api.check_plan(plan)

    assert 1 == sum(said in line for line in caught.value.lines())


def test_a_benchmark_without_its_file_is_told_where_it_can_be_asked(tmp_path: Path, folder: Path) -> None:
    """Of a target that recalls answers; a model of rows is not asked anyway, and its plan may be shared."""
    (tmp_path / "answers.csv").write_text("item,answer\nAge/1,The old man\n", "utf-8")
    plan = tmp_path / "audit.yaml"
    system = "version: 1\nsystem: {name: S, version: '1', purpose: p}\n"
    plan.write_text(f"{system}target: {{type: answers, path: answers.csv}}\nsuites: {{bias.bbq: {{}}}}\n", "utf-8")
    with pytest.raises(PlanError) as caught:
        api.check_plan(plan)
    (line,) = caught.value.lines()

    assert "suites.bias.bbq: the key 'data' is missing: BBQ is published by" in line
    shared = folder / "benchmark.yaml"
    text = (folder / "audit.yaml").read_text("utf-8")
    shared.write_text(text.replace("{bias.group-rates", "{bias.bbq: {}, bias.group-rates"), "utf-8")
    api.check_plan(shared)


def test_a_suite_that_is_never_asked_is_told_and_stays(folder: Path) -> None:
    """A plan may be shared by several systems; what none of this kind can answer is said when it is checked."""
    text = (folder / "audit.yaml").read_text("utf-8")
    shared = folder / "shared.yaml"
    shared.write_text(text.replace("{bias.group-rates", "{explain.prompt-attribution: {}, bias.group-rates"), "utf-8")
    line = (
        f"{shared}:7:10: suites.explain.prompt-attribution: not applicable: it needs choose or generate, and target "
        "sklearn answers predict"
    )

    assert (line,) == api.never_asked(shared)
    assert () == api.never_asked(folder / "audit.yaml")
    ended = entered(folder, "plan", "check", shared)
    assert 0 == ended.code
    assert line in ended.out.splitlines()


@pytest.mark.parametrize("suite", ["explain.global", "explain.challenger", "explain.faithfulness"])
def test_weights_and_persons_that_a_suite_leaves_out_are_refused(folder: Path, suite: str) -> None:
    """Its figures would be those of other rows; a suite that honours them stays."""
    declared = ("label: repaid", "label: repaid, cluster: income")
    (line,) = problems(folder, f"{suite}: {{}}, explain.counterfactuals: {{}}", declared)

    assert line.startswith(
        f"7:10: suites.{suite}: the plan declares the cluster 'income' of the rows, which {suite} does not "
        "take into account; leave the suite out"
    )


class Taking:
    """Options that name something in lists, under keys and alone."""

    def __init__(
        self,
        *,
        by: Mapping[Annotated[str, Names("attribute")], Sequence[Annotated[str, Names("feature")]]] | None = None,
        given: Annotated[Sequence[Annotated[str, Names("column")]], Distinct()] = (),
    ) -> None:
        pass


def test_rules_reach_into_lists_and_keys() -> None:
    """Names are found wherever their rule stands; a value of another type is somebody else's to tell."""
    facts = Facts(features=("age",), attributes=("sex",), unread=lambda column: None if column == "x" else "not read")
    options = {"by": {"sex": ["age", "agee"], "race": "age"}, "given": ["x", "sex", "y", "x"]}
    found: list[tuple[Place, str]] = [(each.place, each.text) for each in wrong_beside(Taking, options, facts)]
    places = [place for place, _ in found]

    assert [("by", "sex", 1), ("by", "race"), ("given", 2)] == places
    assert "not read" == found[-1][1]
    assert [("given", 3)] == [each.place for each in wrong_values(Taking, options)]
    assert [] == list(wrong_beside(Taking, {"by": {"a": ["b"]}}, Facts(features=("b",), attributes=("a",))))
