"""The audit file: every problem at once, each with its place; four parts, four digests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from paths import ROOT
from probandum.errors import PlanError
from probandum.plan import Plan
from probandum.plan_file import json_schema
from probandum.targets import load_builtin
from probandum.yaml_source import read_yaml
from records import LIMITS, PLAN, write_plan

SOUND = """\
version: 1
system: {name: Scorer, version: "2.10", provider: {name: Example AG}}
target: {type: log, path: log.csv, decision: approved, favourable: yes, label: repaid}
groups:
  sex: {reference: F}
  age: {column: years, bins: [0, 25, 120], labels: [young, old]}
suites:
  bias.group-rates: {sample: 900}
limits:
  - {metric: bias.group-rates/impact-ratio, at_least: 0.8, set_by: Board, set_on: 2026-11-01, reason: Screening}
  - {metric: bias.group-rates/fpr-difference, band: 0.05, groups: {attribute: sex}}
"""


def write(folder: Path, text: str, name: str = "audit.yaml") -> Path:
    """A plan file."""
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def problems(folder: Path, text: str) -> list[str]:
    """What is wrong with a plan, without the folder's name."""
    with pytest.raises(PlanError) as caught:
        Plan.load(write(folder, text))
    return [line.replace(f"{folder}/", "") for line in caught.value.lines()]


def test_a_sound_plan_gives_its_limits_with_their_lines(tmp_path: Path) -> None:
    """A limit knows the line it stands on, who set it and which findings it is for."""
    plan = Plan.load(write(tmp_path, SOUND))

    assert [10, 11] == [limit.line for limit in plan.limits]
    assert ("at_least", 0.8, "Board", "2026-11-01") == (
        plan.limits[0].direction,
        plan.limits[0].threshold,
        plan.limits[0].set_by,
        plan.limits[0].set_on,
    )
    assert {"attribute": "sex"} == plan.limits[1].groups


def test_a_log_is_told_what_the_plan_says_of_it_and_nothing_else(tmp_path: Path) -> None:
    """Which columns are read is the plan's to say: without target.columns all of them are."""
    plan = Plan.load(write(tmp_path, SOUND))

    assert {"path", "decision", "favourable", "label"} == set(plan.target_options)
    assert plan.decision is not None
    assert "True" == plan.decision.favourable


def test_all_problems_are_reported_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Unknown keys with a suggestion, missing keys, wrong types and duplicates come in one go."""
    text = """\
version: 1
system: {name: X, version: 2.1}
target: {typ: log}
suites: {bias.group-rates: {}}
limits:
  - {metric: bias.group-rates/impact-ratio, at_mots: 0.8}
  - {metric: bias.group-rates/tpr-difference, at_most: x}
execution: {threads: none, seed: 1, seed: 2}
"""

    assert [
        "audit.yaml:2:19: system.version: a version is text: write it in quotes, '2.1'",
        "audit.yaml:3:1: target.type: the key is missing",
        "audit.yaml:6:45: limits.0.at_mots: unknown key 'at_mots', did you mean 'at_most'?",
        "audit.yaml:7:47: limits.1.at_most: expected a number, got 'x'",
        "audit.yaml:8:13: execution.threads: expected a whole number or 'auto', got 'none'",
        "audit.yaml:8:37: execution.seed: the key occurs twice (line 8)",
    ] == problems(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("version: [", "broken YAML"),
        ("", "the file is empty"),
        ("- a\n", "expected keys and values, found a list"),
        (SOUND.replace("limits:", "limit:"), "limit: unknown key 'limit', did you mean 'limits'?"),
        (SOUND.replace("at_least: 0.8", "at_least: 0.8, at_most: 1"), "exactly one of at_most, at_least, band"),
        (SOUND.replace("bias.group-rates/fpr", "fpr"), "metric 'fpr-difference': expected probe/metric, such as"),
        (SOUND.replace("fpr-difference", "fpr-difference/trend"), "fpr-difference/trend': expected probe/metric"),
        (SOUND.replace("Screening", "'${NO_SUCH_VARIABLE}'"), "the environment has no variable 'NO_SUCH_VARIABLE'"),
        (SOUND.replace("band: 0.05", "band: .nan"), "limits.1.band"),
        (
            SOUND + "waivers:\n  - {finding: x, owner: a, reason: b, set_on: 2026-01-01, expires: 2026-12-31}\n",
            "waivers.0.expires: a waiver ends between its set_on and 90 days later",
        ),
        (
            SOUND + "waivers:\n  - {finding: x, owner: Nobody, reason: b, set_on: 2026-01-01, expires: 2026-02-01}\n",
            "waivers.0.owner: expected who answers for it, got 'Nobody', which names nobody",
        ),
        (
            SOUND + "waivers:\n  - {finding: x, owner: A. B., reason: none, set_on: 2026-01-01, expires: 2026-02-01}\n",
            "waivers.0.reason: expected a reason, got 'none'",
        ),
        (
            SOUND.replace("set_by: Board", "set_by: unknown"),
            "limits.0.set_by: expected who answers for it, got 'unknown', which names nobody",
        ),
        (
            SOUND.replace(", decision: approved, favourable: yes, label: repaid", "").replace(
                "type: log", "type: onnx"
            ),
            "the favourable decision is not declared",
        ),
    ],
)
def test_each_mistake_is_one_line_with_its_place(tmp_path: Path, text: str, expected: str) -> None:
    """Every mistake names file, line and column."""
    (line, *rest) = problems(tmp_path, text)

    assert line.startswith("audit.yaml:")
    assert line.split(":")[1].isdigit() and line.split(":")[2].isdigit()
    assert any(expected in each for each in [line, *rest]), line


def test_unknown_probe_target_key_and_document_are_named_together(tmp_path: Path) -> None:
    """Names are checked against what is installed, with suggestions."""
    load_builtin()
    text = SOUND.replace("favourable: yes", "favorable: yes") + "documents: [annex_5]\n"
    plan = Plan.load(write(tmp_path, text))
    from probandum.target import known_targets

    with pytest.raises(PlanError) as caught:
        plan.check_names(probes=["bias.group-rate"], targets=known_targets(), documents=["annex_iv", "dpia"])
    found = " | ".join(caught.value.lines())

    assert "did you mean 'favourable'?" in found
    assert "unknown probe 'bias.group-rates', did you mean 'bias.group-rate'?" in found
    assert "unknown document 'annex_5', did you mean 'annex_iv'?" in found


def test_a_limit_moves_the_judge_digest_alone(tmp_path: Path) -> None:
    """Changing a limit asks nothing again; changing a suite does; comments change nothing."""
    before = Plan.load(write(tmp_path, SOUND)).digests
    limited = Plan.load(write(tmp_path, SOUND.replace("0.8", "0.9"))).digests
    asked = Plan.load(write(tmp_path, SOUND.replace("sample: 900", "sample: 800"))).digests
    noted = Plan.load(write(tmp_path, "# a comment\n" + SOUND)).digests

    assert {"judge"} == {part for part in before if before[part] != limited[part]}
    assert {"ask"} == {part for part in before if before[part] != asked[part]}
    assert before == noted


def test_extends_merges_mappings_and_keeps_the_place_of_what_is_inherited(tmp_path: Path) -> None:
    """An error in an inherited value names the file it stands in."""
    write(tmp_path, SOUND.replace("band: 0.05", "band: wide"), "base.yaml")

    found = problems(tmp_path, 'extends: base.yaml\nsystem: {version: "3"}\n')

    assert ["base.yaml:11:47: limits.1.band: expected a number, got 'wide'"] == found
    write(tmp_path, SOUND, "base.yaml")
    plan = Plan.load(write(tmp_path, 'extends: base.yaml\nsystem: {version: "3"}\n'))
    assert ("Scorer", "3") == (plan.card_text("name"), plan.card_text("version"))


def test_files_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    """A circle of files is one error."""
    write(tmp_path, "extends: audit.yaml\n", "base.yaml")

    assert any("extends this file in turn" in line for line in problems(tmp_path, "extends: base.yaml\n"))


def test_a_card_can_lie_in_a_file_of_its_own(tmp_path: Path) -> None:
    """The card's file is checked like the plan."""
    write(tmp_path, "name: Scorer\ncolour: blue\n", "card.yaml")
    text = SOUND.replace('{name: Scorer, version: "2.10", provider: {name: Example AG}}', "card.yaml")

    plan = Plan.load(write(tmp_path, text))

    assert {"name": "Scorer", "colour": "blue"} == dict(plan.card)


def test_yaml_reads_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``${NAME}`` stands for a variable."""
    monkeypatch.setenv("AUDIT_OWNER", "Board")

    assert {"a": "the Board"} == read_yaml(write(tmp_path, "a: the ${AUDIT_OWNER}\n")).values


def test_every_key_of_the_schema_is_described_and_the_committed_schema_is_this_one() -> None:
    """Editors show a sentence for every key; the file in the repository is what the program prints."""
    schema = json_schema()

    for name, part in {"PlanFile": schema, **schema["$defs"]}.items():
        for key, spec in part["properties"].items():
            assert spec.get("description"), f"{name}.{key}"
    assert schema == json.loads((ROOT / "audit.schema.json").read_text("utf-8"))


def test_open_questions_hide_no_other_mistake_and_are_told_once(tmp_path: Path) -> None:
    """Whatever kind of value is still to be decided, one line says so, beside what else is wrong."""
    text = PLAN.replace("favourable: 1", "favourable: TODO") + LIMITS.replace("at_least: 0.8", "at_least: TODO")
    path = write_plan(tmp_path, text + "execution: {sed: 1}\n")
    with pytest.raises(PlanError) as caught:
        Plan.load(path)

    assert ["target.favourable", "limits.0.at_least", "execution.sed"] == [
        line.removeprefix(f"{tmp_path}/").split(": ")[1] for line in caught.value.lines()
    ]
