"""The commands about a plan: what they print before anything is asked, and what a tier changes in an audit."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from probandum import api
from probandum.cli import app
from probandum.errors import PlanError, UsageError
from probandum.record import Record
from records import LIMITS, PLAN, write_plan, write_sklearn_plan

TIERS = "tiers: {pr: {suites: {bias.group-rates: {sample: 400}}}}\n"


def printed(*words: object) -> str:
    """What a command that ends well prints."""
    ended = CliRunner().invoke(app, list(map(str, words)))

    assert 0 == ended.exit_code, ended.exception
    return ended.output


def test_an_estimate_says_requests_seconds_energy_and_limits(tmp_path: Path) -> None:
    """Of recorded decisions: every row once, exactly."""
    said = printed("plan", "estimate", write_plan(tmp_path, PLAN + LIMITS + "energy: {meter: none}\n"))

    assert "asks what the plan asks" in said
    assert "bias.group-rates  800 requests" in said
    assert "requests: 800, energy windows apart" in said
    assert "CPU-seconds: about" in said
    assert "seconds by the clock: " in said
    assert "energy: not known; the plan says energy.meter: none" in said
    assert "1 of 1 limits: whether they PASS depends on the answers" in said


def test_an_estimate_without_calibration_only_counts(tmp_path: Path) -> None:
    """And says so; energy windows are told by their seconds."""
    plan = write_sklearn_plan(tmp_path, suites="energy.inference: {repeats: 2, seconds: 0.5}")
    said = printed("plan", "estimate", plan, "--no-calibrate")

    assert "2 energy windows of 1 s in all" in said
    assert "seconds and energy: not known without calibration" in said


def test_an_estimate_says_whether_the_budget_reaches(tmp_path: Path) -> None:
    """With what is needed at most."""
    plan = write_plan(tmp_path, PLAN + "execution: {budget: {requests: 700}}\n")

    assert "budget of 700 requests: DOES NOT SUFFICE: at most 800 are needed" in printed("plan", "estimate", plan)


def test_a_tier_asks_its_sample_and_the_output_says_so(tmp_path: Path) -> None:
    """400 rows in place of 800, judged as a merge."""
    plan = write_plan(tmp_path, PLAN + TIERS + LIMITS)
    said = printed("plan", "estimate", plan, "--tier", "pr")
    ended = CliRunner().invoke(app, ["audit", str(plan), "--tier", "pr", "--out", str(tmp_path / "run")])

    assert "tier pr: asks bias.group-rates with sample 400" in said
    assert "bias.group-rates  400 requests" in said
    assert "tier pr: asks bias.group-rates with sample 400" in ended.output
    assert [400] == [each.planned for each in Record.open(tmp_path / "run").results]
    assert "merge" == api.gate(tmp_path / "run").mode


def test_a_tier_without_options_changes_the_gate_alone_and_the_output_says_so(tmp_path: Path) -> None:
    """The record of the plan itself is judged again."""
    plan = write_plan(tmp_path, PLAN + TIERS + LIMITS)
    api.audit(plan, out=tmp_path / "run", documents=False)
    ended = CliRunner().invoke(app, ["audit", str(plan), "--tier", "nightly", "--out", str(tmp_path / "run")])

    assert "tier nightly: asks what the plan asks, for want of tiers.nightly; only the gate follows it" in ended.output
    assert "holds this audit already" in ended.output


def test_plan_check_looks_at_every_tier(tmp_path: Path) -> None:
    """A wrong option is found at its place, and so is a probe that the plan does not have."""
    assert "tier pr: asks bias.group-rates with sample 400" in printed(
        "plan", "check", write_plan(tmp_path, PLAN + TIERS)
    )
    wrong = write_plan(tmp_path, PLAN + TIERS.replace("sample", "samples"))
    with pytest.raises(PlanError, match=r"audit.yaml:8:23: tiers.pr.suites.bias.group-rates: .*did you mean 'sample'"):
        api.check_plan(wrong)
    with pytest.raises(PlanError, match=r"no suite of that name, did you mean 'bias.group-rates'\?"):
        api.check_plan(write_plan(tmp_path, PLAN + TIERS.replace("group-rates", "group-rate")))


def test_a_lock_holds_what_every_tier_asks(tmp_path: Path) -> None:
    """Neither the plan nor its tiers may ask otherwise afterwards."""
    plan = write_plan(tmp_path, PLAN + TIERS + LIMITS)
    api.lock(plan)
    api.audit(plan, out=tmp_path / "whole", documents=False)
    api.audit(plan, out=tmp_path / "few", tier="pr", documents=False)
    plan.write_text(PLAN + TIERS.replace("400", "300") + LIMITS, "utf-8")

    with pytest.raises(PlanError, match=r"changed since audit\.lock\.json was made"):
        api.audit(plan, out=tmp_path / "fewer", tier="pr", documents=False)


def test_the_record_of_a_tier_is_judged_again_by_the_plan(tmp_path: Path) -> None:
    """It answers what its tier asked; a plan whose tier asks otherwise is refused."""
    plan = write_plan(tmp_path, PLAN + TIERS + LIMITS)
    record = api.audit(plan, out=tmp_path / "run", tier="pr", documents=False)

    assert 0 < len(api.judge(record, plan=plan))
    assert "merge" == api.gate(record).mode
    plan.write_text(PLAN + TIERS.replace("400", "300") + LIMITS, "utf-8")
    with pytest.raises(UsageError, match="asks other questions"):
        api.judge(record, plan=plan)


def test_values_of_another_kind_are_told_in_plain_words_and_in_the_order_of_the_file(tmp_path: Path) -> None:
    """A number in quotes is a text; no word of the library that checks them reaches anybody."""
    plan = write_plan(
        tmp_path,
        """\
version: 1
system: 5
target: x
suites: {}
limits:
  - {metric: bias.group-rates/impact-ratio, at_least: "0.8"}
waivers: [y]
execution: {threads: none, seed: "1", batch_invariant: "yes"}
energy: {pue: 0.5}
documents: dpia
gate: {mode: x, baseline: {}}
""",
    )
    with pytest.raises(PlanError) as caught:
        api.check_plan(plan)

    assert [
        "2:1: system: expected text or keys and values, got 5",
        "3:1: target: expected keys and values, got 'x'",
        "4:1: suites: expected at least one entry, got nothing",
        "6:45: limits.0.at_least: expected a number, got '0.8'",
        "7:11: waivers.0: expected keys and values, got 'y'",
        "8:13: execution.threads: expected a whole number or 'auto', got 'none'",
        "8:28: execution.seed: expected a whole number, got '1'",
        "8:39: execution.batch_invariant: expected true or false, got 'yes'",
        "9:10: energy.pue: expected 1 or more, got 0.5",
        "10:1: documents: expected a list, got 'dpia'",
        "11:8: gate.mode: expected 'release' or 'merge', got 'x'",
        "11:17: gate.baseline: expected a record under merged, release, or both",
    ] == [line.removeprefix(f"{plan}:") for line in caught.value.lines()]


def test_a_number_that_the_environment_gives_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment has texts alone; a version stays one, and what is no number is none."""
    monkeypatch.setenv("AUDIT_LIMIT", "0.75")
    text = PLAN.replace("1.0", "${AUDIT_LIMIT}") + LIMITS.replace("0.8", '"${AUDIT_LIMIT}"')
    plan = write_plan(tmp_path, text + "execution:\n  seed: ${AUDIT_SEED}\n")
    monkeypatch.setenv("AUDIT_SEED", "7")
    checked = api.check_plan(plan)

    assert ("0.75", 0.75, 7) == (checked.card["version"], checked.limits[0].threshold, checked.seed)
    monkeypatch.setenv("AUDIT_SEED", "seven")
    with pytest.raises(PlanError, match=r"12:3: execution\.seed: expected a whole number, got 'seven'"):
        api.check_plan(plan)


def test_problems_of_every_tier_and_of_a_card_stand_beside_the_others_once_and_in_order(tmp_path: Path) -> None:
    """Lines 9 and 10 come before 16, whatever found them first."""
    (tmp_path / "card.yaml").write_text("version: 2.1\n", "utf-8")
    text = PLAN.replace('{name: Loan desk, version: "1.0", purpose: Decides on loans}', "card.yaml")
    text = text.replace("reference: M", "reference: X") + LIMITS.replace("bias.group-rates/", "bias.group-rate/")
    text += TIERS.replace("sample", "sampel")
    plan = write_plan(tmp_path, text + "documents: [annex_v]\n")
    with pytest.raises(PlanError) as caught:
        api.check_plan(plan)
    found = [line.removeprefix(f"{tmp_path}/") for line in caught.value.lines()]
    places = [line.split(": ")[0] for line in found if line.startswith("audit.yaml")]

    assert ["card.yaml:1:1", "card.yaml:1:1"] == [line.split(": ")[0] for line in found if line.startswith("card.yaml")]
    assert ["5:9", "9:6", "11:23", "12:13"] == [place.removeprefix("audit.yaml:") for place in places]
