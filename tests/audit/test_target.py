"""Targets by name: every key is checked before anything is loaded, and the plan's line is named."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from probandum.errors import PlanError, UnknownName, UsageError
from probandum.evidence import Capability
from probandum.plan import Plan
from probandum.probe import probe
from probandum.target import Target, TargetContext, check_keywords, known_targets, make_target, target
from probandum.targets import load_builtin
from records import write_plan

load_builtin()


class Keys:
    """One key of every kind."""

    def __init__(
        self,
        *,
        word: str,
        number: float = 0.0,
        count: int | None = None,
        flag: bool = False,
        choice: typing.Literal["a", "b"] = "a",
        names: Sequence[str] = (),
        spec: str | Mapping[str, Any] = "",
        path: Path | None = None,
        anything: object = None,
    ) -> None:
        """Nothing."""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "it: the key 'word' is missing"),
        ({"word": "a", "nunber": 1}, "it: unknown key 'nunber', did you mean 'number'?"),
        ({"word": 5}, "it.word: expected text, got 5"),
        ({"word": None}, "it.word: expected text, got None"),
        ({"word": "a", "number": "1"}, "it.number: expected a number, got '1'"),
        ({"word": "a", "number": True}, "it.number: expected a number, got True"),
        ({"word": "a", "count": 1.5}, "it.count: expected a whole number or nothing, got 1.5"),
        ({"word": "a", "flag": "yes"}, "it.flag: expected true or false, got 'yes'"),
        ({"word": "a", "choice": "c"}, "it.choice: expected 'a' or 'b', got 'c'"),
        ({"word": "a", "names": "abc"}, "it.names: expected a list, got 'abc'"),
        ({"word": "a", "names": ["a", 1]}, "it.names: expected a list, got ['a', 1]"),
        ({"word": "a", "spec": 1}, "it.spec: expected text or keys and values, got 1"),
        ({"word": "a", "path": 1}, "it.path: expected a file name or nothing, got 1"),
    ],
)
def test_a_key_that_does_not_fit_is_named_with_what_was_expected(options: Mapping[str, Any], message: str) -> None:
    """In the words of a plan, not of Python."""
    with pytest.raises(UsageError) as caught:
        check_keywords(Keys, options, what="it")

    assert message == caught.value.message


@pytest.mark.parametrize(
    "options",
    [
        {"word": "a"},
        {"word": "a", "number": 1, "count": None, "flag": True, "choice": "b"},
        {"word": "a", "count": 3, "names": ["a"], "spec": {"column": "a"}, "path": "x.txt", "anything": [1]},
    ],
)
def test_keys_that_fit_are_taken(options: Mapping[str, Any]) -> None:
    """A whole number is a number, and nothing is nothing."""
    check_keywords(Keys, options, what="it")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (("path: log.csv", "path: 5"), "audit.yaml:3:21: target.path: expected text, got 5"),
        (("label: repaid", "labl: repaid"), "target.labl: unknown key 'labl', did you mean 'label'?"),
        (("path: log.csv, ", ""), "audit.yaml:3:1: target: the key 'path' is missing"),
        (("type: log", "type: onyx"), "target.type: unknown target type 'onyx', did you mean 'onnx'?"),
    ],
)
def test_a_plan_names_the_place_of_a_target_key(tmp_path: Path, change: tuple[str, str], line: str) -> None:
    """File, line, column and path."""
    plan = write_plan(tmp_path)
    text = plan.read_text("utf-8").replace(*change)
    plan.write_text(text.replace("groups:\n  sex: {reference: M}\n", ""), "utf-8")
    with pytest.raises(PlanError) as caught:
        Plan.load(plan).check_names(targets=known_targets())
    (problem,) = caught.value.lines()

    assert line in problem


def test_every_builtin_target_says_what_kind_each_key_is() -> None:
    """Without that a plan's mistake would be found inside the target, or not at all."""
    import inspect

    for name, cls in known_targets().items():
        parameters = list(inspect.signature(cls, eval_str=True).parameters.values())
        assert TargetContext is parameters[0].annotation, name
        assert all(each.kind is each.KEYWORD_ONLY for each in parameters[1:]), name
        assert all(each.annotation is not each.empty for each in parameters), name


def test_an_unknown_target_suggests_the_nearest(tmp_path: Path) -> None:
    """And lists what there is."""
    with pytest.raises(UnknownName, match="unknown target type 'sklern', did you mean 'sklearn'"):
        make_target("sklern", TargetContext(folder=tmp_path), {})


def test_a_name_has_one_class() -> None:
    """Neither a target nor a probe takes another's; a module imported again may register again."""

    class Other(Target):
        """Another."""

    with pytest.raises(ValueError, match=r"target log is registered already, by probandum\.targets\.log\.LogTarget"):
        target("log")(Other)
    log = known_targets()["log"]
    assert log is target("log")(log)
    with pytest.raises(TypeError, match=r"probe bias\.none has no docstring"):
        probe("bias.none", version=1, requirements=[], needs=Capability.PREDICT, metrics={})(
            type("None_", (), {"__doc__": None})
        )


def test_paths_start_at_the_plans_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Absolute ones and the home stay what they are."""
    monkeypatch.setenv("HOME", "/home/ann")
    context = TargetContext(folder=tmp_path)

    assert tmp_path / "a/b.csv" == context.resolve("a/b.csv")
    assert Path("/etc/b.csv") == context.resolve("/etc/b.csv")
    assert Path("/home/ann/b.csv") == context.resolve("~/b.csv")
