"""Killed at random moments, out of room, cut off: what was recorded is never lost and never asked twice."""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import killed
from paths import ROOT
from probandum import api
from probandum.journal import journal_entries
from probandum.record import Record

COMMAND = [sys.executable, str(ROOT / "tests" / "killed.py")]
#: About how often a run touches its record, and how many seconds it takes on a slow machine.
TOUCHES, SECONDS = 24, 0.6
KILLS = 5


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record of a run that nobody killed."""
    plan = killed.write(tmp_path_factory.mktemp("whole"))
    subprocess.run([*COMMAND, str(plan), str(plan.parent / "run")], check=True)
    return plan.parent / "run"


def processes(folder: Path, kills: list[str]) -> list[dict[str, Any]]:
    """What each process of a run that was killed so left behind, the last one unharmed."""
    plan = killed.write(folder)
    ended = subprocess.run([*COMMAND, str(plan), str(folder / "run"), *kills], check=True, capture_output=True)
    return [json.loads(line) for line in ended.stdout.splitlines()]


@pytest.mark.parametrize("seed", range(4))
def test_killed_at_random_moments_a_run_ends_as_one_that_was_not(whole: Path, tmp_path: Path, seed: int) -> None:
    """SIGKILL before a random touch of the record, or after a random time; again and again, then nobody kills.

    A pack that a process was asked for and had not written down is asked once more by the next one, and no other.
    """
    draw = random.Random(seed)
    kills = [
        str(draw.randint(1, TOUCHES)) if draw.random() < 0.5 else f"{draw.uniform(0, SECONDS):.4f}s"
        for _ in range(KILLS)
    ]

    told = processes(tmp_path, kills)

    known: set[str] = set()
    for each in told:
        assert [] == sorted(known & set(each["asked"])), kills
        assert len(each["asked"]) - len(set(each["asked"])) == 0, kills
        lost = known - set(each["recorded"])
        assert not lost or (tmp_path / "run" / "statement.dsse.json").exists(), kills
        known |= set(each["recorded"])
    assert 0 == told[-1]["ended"]
    record = Record.open(tmp_path / "run")
    assert (whole / "findings.json").read_bytes() == (record.folder / "findings.json").read_bytes()
    assert [o.request for o in Record.open(whole).observations()] == [o.request for o in record.observations()]
    assert [] == [step.title for step in api.verify(record) if step.held is False]


def _little_room(most: int) -> None:
    """No file may grow beyond ``most`` bytes: a write fails as on a full disk, with what fits written before."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))


def test_a_disk_that_runs_full_ends_the_run_in_one_line_and_the_same_command_goes_on(
    whole: Path, tmp_path: Path
) -> None:
    """The run ends at the pack that could not be written; no probe is blamed, nothing sealed, nothing asked twice."""
    plan = killed.write(tmp_path)
    most = 1000 + max(path.stat().st_size for path in (whole / "ask").glob("*.json") if path.name != "items.json")
    command = [*COMMAND, str(plan), str(tmp_path / "run")]

    full = subprocess.run(command, check=False, capture_output=True, text=True, preexec_fn=lambda: _little_room(most))

    assert 1 == full.returncode
    assert "probandum.errors.Unrecorded: " in full.stderr.splitlines()[-1]
    assert "journal.jsonl: File too large" in full.stderr.splitlines()[-1]
    asked = (tmp_path / "calls.txt").read_text("utf-8").splitlines()
    recorded = [entry.asked["inputs"][0] for entry in journal_entries(tmp_path / "run" / "journal.jsonl")]  # type: ignore[union-attr]
    assert 0 < len(recorded) < killed.ROUNDS
    assert [*recorded, asked[-1]] == asked
    assert not (tmp_path / "run" / "statement.dsse.json").exists()

    subprocess.run(command, check=True)
    asked = (tmp_path / "calls.txt").read_text("utf-8").splitlines()
    assert killed.ROUNDS + 1 == len(asked)
    assert killed.ROUNDS == len(set(asked))
    assert (whole / "findings.json").read_bytes() == (tmp_path / "run" / "findings.json").read_bytes()
