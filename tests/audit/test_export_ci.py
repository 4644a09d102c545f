"""The action, the GitLab template and the pre-commit hook: valid by their services' schemas, and run for real."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from paths import ROOT
from probandum import cli
from records import LIMITS, PLAN, write_plan

BIN = Path(sys.executable).parent
ACTION = ROOT / "action.yml"
GITLAB = ROOT / "ci" / "gitlab.yml"
HOOKS = ROOT / ".pre-commit-hooks.yaml"


def step(name: str) -> dict[str, Any]:
    """A step of the action by its name."""
    steps = yaml.safe_load(ACTION.read_text("utf-8"))["runs"]["steps"]
    return next(each for each in steps if each.get("name") == name)


def bash(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A script as a runner starts it."""
    known = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(folder), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        env={**known, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def judged(schema: str, path: Path) -> int:
    """The exit code of check-jsonschema with a schema that it carries."""
    command = [str(BIN / "check-jsonschema"), "--builtin-schema", schema, str(path)]
    return subprocess.run(command, capture_output=True, check=False).returncode


@pytest.mark.parametrize(
    ("schema", "path", "good", "bad"),
    [
        ("vendor.github-actions", ACTION, "using: composite", "using: magic"),
        ("vendor.gitlab-ci", GITLAB, "when: always", "when: sometimes"),
    ],
)
def test_each_file_fits_the_schema_of_its_service(tmp_path: Path, schema: str, path: Path, good: str, bad: str) -> None:
    """And the schema refuses a broken copy."""
    text = path.read_text("utf-8")
    assert good in text
    broken = tmp_path / path.name
    broken.write_text(text.replace(good, bad), "utf-8")

    assert 0 == judged(schema, path)
    assert 1 == judged(schema, broken)


def test_the_hook_is_one_that_pre_commit_takes(tmp_path: Path) -> None:
    """And pre-commit refuses one without an entry."""
    broken = tmp_path / "hooks.yaml"
    broken.write_text(HOOKS.read_text("utf-8").replace("  entry:", "  entrance:"), "utf-8")
    command = [str(BIN / "pre-commit"), "validate-manifest"]

    assert 0 == subprocess.run([*command, str(HOOKS)], capture_output=True, check=False).returncode
    assert 1 == subprocess.run([*command, str(broken)], capture_output=True, check=False).returncode


def test_no_expression_stands_inside_a_script() -> None:
    """What comes from outside reaches a script as a variable, never as its text."""
    steps = yaml.safe_load(ACTION.read_text("utf-8"))["runs"]["steps"]

    assert 4 == len([each for each in steps if "run" in each])
    assert [] == [each["name"] for each in steps if "${{" in each.get("run", "")]


def test_third_parties_are_pinned_by_commit_and_the_gate_comes_last() -> None:
    """A tag can be moved; and what is published is published before the job fails."""
    steps = yaml.safe_load(ACTION.read_text("utf-8"))["runs"]["steps"]
    audit = [each.get("id") for each in steps].index("audit")

    assert [] == [each["uses"] for each in steps if not re.search(r"@[0-9a-f]{40}$", each.get("uses", "@" + "0" * 40))]
    assert "Gate" == steps[-1]["name"]
    assert [] == [each for each in steps[audit + 1 :] if "always()" not in each["if"]]


def test_the_action_audits_publishes_and_then_gates(tmp_path: Path) -> None:
    """Its own scripts, run as a runner runs them, on a real log with a planted gap."""
    write_plan(tmp_path)
    files = {"GITHUB_OUTPUT": str(tmp_path / "output"), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary")}
    inputs = {"PLAN": "audit.yaml", "TIER": "", "OUT": "out dir", "KEY": ""}
    audit = bash(step("Audit")["run"], tmp_path, **inputs, **files)
    told = bash(step("Summary")["run"], tmp_path, OUT="out dir", **files)
    outputs = dict(line.split("=", 1) for line in (tmp_path / "output").read_text("utf-8").splitlines())

    assert (0, 0) == (audit.returncode, told.returncode), audit.stderr
    assert {"exit-code": "1", "record": "out dir/record"} == outputs
    assert "::error file=audit.yaml,line=9," in audit.stdout
    assert "gate 1, a limit is broken" in (tmp_path / "summary").read_text("utf-8")
    assert (tmp_path / "out dir" / "findings.sarif").is_file()
    assert 1 == bash(step("Gate")["run"], tmp_path, CODE=outputs["exit-code"]).returncode


def test_a_signed_action_keeps_no_key_and_a_hostile_input_is_a_word(tmp_path: Path) -> None:
    """The key lives in a file of its own while the audit runs; an input is never read as a script."""
    write_plan(tmp_path, name="a$(touch owned).yaml")
    subprocess.run([str(BIN / "probandum"), "keygen", "key"], cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "tmp").mkdir()
    facts = {
        "PLAN": "a$(touch owned).yaml",
        "TIER": "pr",
        "OUT": "out",
        "KEY": (tmp_path / "key").read_text("utf-8"),
        "TMPDIR": str(tmp_path / "tmp"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }
    bash(step("Audit")["run"], tmp_path, **facts)
    verified = bash("probandum verify out/record --key key.pub", tmp_path)

    assert 0 == verified.returncode, verified.stdout
    assert [] == list((tmp_path / "tmp").iterdir())
    assert not (tmp_path / "owned").exists()


def test_a_gate_without_a_code_is_4_and_a_missing_summary_is_said(tmp_path: Path) -> None:
    """An audit step that was killed is no pass."""
    told = bash(step("Summary")["run"], tmp_path, OUT="none", GITHUB_STEP_SUMMARY=str(tmp_path / "summary"))

    assert 4 == bash(step("Gate")["run"], tmp_path, CODE="").returncode
    assert 0 == bash(step("Gate")["run"], tmp_path, CODE="0").returncode
    assert 0 == told.returncode
    assert "nothing was judged" in (tmp_path / "summary").read_text("utf-8")


def test_the_gitlab_job_writes_the_reports_that_it_names(tmp_path: Path) -> None:
    """Its script, run by a shell with the variables of the file, ends with the gate's code."""
    template = yaml.safe_load(GITLAB.read_text("utf-8"))
    job, variables = template["probandum"], template["variables"]
    write_plan(tmp_path)
    ended = bash("\n".join(job["script"]), tmp_path, **variables)
    out = variables["PROBANDUM_OUT"]

    assert 1 == ended.returncode, ended.stderr
    for report in job["artifacts"]["reports"].values():
        assert (tmp_path / report.replace("$PROBANDUM_OUT", out)).is_file(), report
    assert 0 != bash(job["before_script"][0], tmp_path).returncode
    assert 0 == bash(job["before_script"][0], tmp_path, PROBANDUM_PACKAGE="x").returncode


def test_the_hook_checks_several_plans_and_names_every_mistake(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """pre-commit passes all changed files at once."""
    hook = yaml.safe_load(HOOKS.read_text("utf-8"))[0]
    monkeypatch.chdir(tmp_path)
    write_plan(tmp_path, name="good.yaml")
    write_plan(tmp_path, PLAN.replace("version: 1", "version: 2"), name="one.yaml")
    write_plan(tmp_path, (PLAN + LIMITS).replace("at_least", "at_lest"), name="two.yaml")
    monkeypatch.setattr(sys, "argv", [*hook["entry"].split(), "one.yaml", "good.yaml", "two.yaml"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    captured = capsys.readouterr()

    assert 2 == ended.value.code
    assert {"one.yaml", "two.yaml"} == {line.partition(":")[0] for line in captured.err.splitlines()}
    assert captured.out.startswith("good.yaml: fits")


def test_the_hook_meets_every_audit_file_of_this_repository() -> None:
    """By its name, wherever it lies."""
    hook = yaml.safe_load(HOOKS.read_text("utf-8"))[0]
    plans = [path.relative_to(ROOT).as_posix() for path in (ROOT / "examples").glob("*/audit.yaml")]

    assert 3 <= len(plans)
    assert [] == [plan for plan in plans if not re.search(hook["files"], plan)]
    assert shutil.which(hook["entry"].split()[0], path=str(BIN)) is not None
