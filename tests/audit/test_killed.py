"""Killed at random moments, out of room, cut off: what was recorded is never lost and never asked twice."""

from __future__ import annotations

import itertools
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import killed
from endpoints import Handler, Served, serving
from paths import ROOT
from probandum import api, codec
from probandum.evidence import Observation
from probandum.journal import journal_entries, packed
from probandum.packing import PACK_ELSEWHERE
from probandum.reasking import asked_again, asked_on_resuming
from probandum.record import Record
from probandum.sealing import ask_facts, contents, seal
from scoring_server import Scorer

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


@pytest.mark.parametrize("seed", range(2))
def test_a_large_block_of_a_served_system_is_lost_a_small_pack_at_a_time(tmp_path: Path, seed: int) -> None:
    """One request of many texts over HTTP, and SIGKILL at random asks: what was recorded is not asked again.

    Of what a killed process asked at most a pack is lost, and the run ends as one that was not killed. Known texts are
    asked again, to see that the server is the same.
    """
    draw = random.Random(seed)
    kills = [part * 18 + draw.randrange(5, 18) for part in range(3)]
    asked: dict[str, list[str]] = {}
    again: list[str] = []
    numbers = itertools.count()

    def kill(handler: Handler, body: dict[str, Any], number: int) -> bool:
        entries = journal_entries(tmp_path / "run" / "journal.jsonl")
        packs = [entry for entry in entries if isinstance(entry, Observation)]
        if set(body["texts"]) <= {text for each in packs for text in each.asked["inputs"]}:
            again.extend(body["texts"])
            return False
        pid = (tmp_path / "pid.txt").read_text("utf-8")
        asked.setdefault(pid, []).extend(body["texts"])
        dies = next(numbers) in kills
        if dies:
            os.kill(int(pid), signal.SIGKILL)
        return dies

    with serving(Served(), handler=Scorer) as served:
        plan = killed.write(tmp_path, url=served.url.removesuffix("/v1"))
        subprocess.run([*COMMAND, str(plan), str(tmp_path / "whole")], check=True)
        served.fault = kill
        command = [*COMMAND, str(plan), str(tmp_path / "run"), *["0"] * len(kills)]  # no process ends itself
        ended = subprocess.run(command, check=True, capture_output=True)

    told = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [-signal.SIGKILL] * len(kills) + [0] == [each["ended"] for each in told]
    known: set[str] = set()
    for each, texts in zip(told[:-1], asked.values(), strict=False):
        assert [] == sorted(known & set(texts)), kills
        assert known <= set(each["inputs"]), kills
        known = set(each["inputs"])
        assert 0 < len(set(texts) - known) <= PACK_ELSEWHERE, kills
    taken_up = sum(asked_on_resuming(len(each["inputs"]), at_once=16) for each in told[:-1])
    assert taken_up + asked_again(killed.BLOCK, at_once=16) == len(again)
    last = list(asked.values())[-1]
    assert killed.BLOCK == len(known) + len(last) == len(known | set(last))
    record = Record.open(tmp_path / "run")
    assert killed.BLOCK + len(again) == record.spending.spent.requests
    assert (tmp_path / "whole" / "findings.json").read_bytes() == (record.folder / "findings.json").read_bytes()
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


def changed(line: bytes) -> bytes:
    """A line of a journal with one digit of its answer changed."""
    place = line.index(b'"outputs":[[0.') + len(b'"outputs":[[0.')
    return line[:place] + (b"1" if line[place : place + 1] != b"1" else b"2") + line[place + 1 :]


def test_an_interrupted_run_does_not_go_on_from_a_changed_answer(tmp_path: Path) -> None:
    """One digit in the journal of a killed run: its line is named, nothing is asked, sealed or cut off."""
    plan = killed.write(tmp_path)
    command = [*COMMAND, str(plan), str(tmp_path / "run")]
    (tmp_path / "kill_at.txt").write_text("6", "utf-8")
    subprocess.run(command, check=False, capture_output=True)
    (tmp_path / "kill_at.txt").unlink()
    journal = tmp_path / "run" / "journal.jsonl"
    whole = journal.read_bytes()
    lines = whole.splitlines(keepends=True)
    asked = (tmp_path / "calls.txt").read_text("utf-8")
    assert len(lines) > 2
    journal.write_bytes(b"".join([*lines[:2], changed(lines[2]), *lines[3:]]))
    before = journal.read_bytes()

    refused = subprocess.run(command, check=False, capture_output=True, text=True)

    said = refused.stderr.splitlines()[-1]
    assert f"RecordError: {journal}:3: the answer is not the one whose digest stands beside it" in said
    assert before == journal.read_bytes()
    assert asked == (tmp_path / "calls.txt").read_text("utf-8")
    assert not (tmp_path / "run" / "statement.dsse.json").exists()

    journal.write_bytes(whole)
    subprocess.run(command, check=True)
    assert [] == [step.title for step in api.verify(tmp_path / "run") if step.held is False]


def test_a_changed_answer_under_a_seal_of_its_own_is_found_by_verify(whole: Path, tmp_path: Path) -> None:
    """Sealed again over the changed observations, the record contradicts itself at step 7, and the gate ends with 4."""
    run = Path(shutil.copytree(whole, tmp_path / "run"))
    forged = run / "ask" / "observations.jsonl.zst"
    record = Record.open(run)
    lines = [codec.encode(entry) + b"\n" for entry in record.entries()]
    forged.write_bytes(packed([lines[0], changed(lines[1]), *lines[2:]]))
    seal(run, contents(record.ask), predicate="ask", facts=ask_facts(record), key=None)

    steps = api.verify(run)
    assert all(step.held for step in steps[:3])
    assert steps[6].held is False
    assert f"{forged}:2: the answer is not the one whose digest stands beside it" == steps[6].detail
    assert 4 == api.gate(run).code
    assert f"{killed.ROUNDS} answers agree with their digests" in api.verify(whole)[6].detail
