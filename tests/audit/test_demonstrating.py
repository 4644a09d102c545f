"""The embedded audits, for whoever only installed the package."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from commands import entered
from paths import ROOT
from probandum import demonstrating
from probandum.demonstrating import EXAMPLES
from records import broken


def test_all_that_an_example_needs_is_written_and_nothing_else(tmp_path: Path) -> None:
    """Plans, models and rows to the byte, under the names that the repository has; the schema for editors."""
    for example in EXAMPLES.values():
        assert [] == list(demonstrating.write(example, tmp_path))
        assert demonstrating.plan_of(example, tmp_path).is_file()
        for path in (ROOT / "examples" / example.name).iterdir():
            if path.is_file():
                assert path.read_bytes() == (tmp_path / "examples" / example.name / path.name).read_bytes()

    assert {"examples", "audit.schema.json"} == {path.name for path in tmp_path.iterdir()}
    assert 0o700 == (tmp_path / "examples").stat().st_mode & 0o777


def test_what_somebody_changed_stays_and_is_run(tmp_path: Path) -> None:
    """The folder is theirs: a changed plan is named and kept; the second run asks nothing again."""
    list(demonstrating.write(EXAMPLES["credit"], tmp_path))
    plan = demonstrating.plan_of(EXAMPLES["credit"], tmp_path)
    whole = yaml.safe_load(plan.read_text("utf-8"))
    limits = [each for each in whole["limits"] if each["metric"] == "bias.group-rates/impact-ratio"]
    changed = {**whole, "suites": {"bias.group-rates": {}}, "limits": limits, "tiers": {}, "documents": []}
    plan.write_text(yaml.safe_dump(changed), "utf-8")

    first = entered(tmp_path, "demo", "--only", "credit", "--out", tmp_path)
    again = entered(tmp_path, "demo", "--only", "credit", "--out", tmp_path)

    assert (0, 0) == (first.code, again.code), first.err + again.err
    assert f"{plan}: differs from the embedded file, and stays as it is" in first.out
    assert changed == yaml.safe_load(plan.read_text("utf-8"))
    assert (
        f"gate 3  Demonstration credit scorer: {tmp_path / 'runs' / 'credit' / 'reports' / 'index.html'}" in first.out
    )
    assert "holds this audit already" in " ".join(again.out.split())
    assert [] == broken(tmp_path / "runs" / "credit")


def test_what_is_missing_is_named_with_the_command_that_brings_it() -> None:
    """Extras together, and a package that no extra brings on its own."""
    brought = {"hf": ["no-such-torch", "numpy"], "energy": ["numpy"], "pdf": ["no-such-typst"], "docx": ["numpy"]}
    example = replace(EXAMPLES["assistant"], apart={"no-such-model": "pip install --no-deps no-such-model==1"})

    assert (
        "no-such-torch, no-such-typst, no-such-model not installed: "
        "pip install 'probandum[hf,pdf]' && pip install --no-deps no-such-model==1"
    ) == str(demonstrating.lacking(example, brought=brought))
    assert None is demonstrating.lacking(EXAMPLES["credit"], brought={})


def test_an_example_whose_packages_are_missing_is_not_run_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files are there all the same; asked for by name, it ends with 2."""
    lacking = replace(EXAMPLES["assistant"], apart={"no-such-model": "pip install no-such-model"})
    monkeypatch.setattr(demonstrating, "EXAMPLES", {"assistant": lacking})
    ended = entered(tmp_path, "demo", "--only", "assistant")

    assert 2 == ended.code
    assert "not run: assistant, no-such-model not installed: pip install no-such-model\n" in ended.out
    assert (tmp_path / "probandum-demo" / "examples" / "assistant" / "audit.yaml").is_file()


def test_a_name_that_there_is_not_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    """With the nearest one, and a file is no folder."""
    ended = entered(tmp_path, "demo", "--only", "credits")
    (tmp_path / "file").write_text("", "utf-8")
    refused = entered(tmp_path, "demo", "--only", "credit", "--out", "file")

    assert 2 == ended.code
    assert "unknown example 'credits', did you mean 'credit'?" in ended.err
    assert [tmp_path / "file"] == list(tmp_path.iterdir())
    assert (2, "error: file: is a file; name a folder with --out\n") == (refused.code, refused.err)
