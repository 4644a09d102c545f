"""Targets by name: every key is checked before anything is loaded, and the plan's line is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from probandum.errors import PlanError, UnknownName
from probandum.evidence import Capability
from probandum.plan import Plan
from probandum.probe import probe
from probandum.target import Target, TargetContext, known_targets, make_target, target
from probandum.targets import load_builtin
from records import write_plan

load_builtin()


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
