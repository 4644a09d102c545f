"""Attempts on one model: what lay beside a record is counted when it begins, sealed, and told wherever a PASS is."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import killed
from paths import ROOT
from probandum import api, showing
from probandum.attempts import Attempts, Earlier, attempts_of, earlier_beside, model_of
from probandum.errors import RecordError
from probandum.record import Record
from probandum.reporting import dossier
from probandum_reports import facts
from records import LIMITS, PLAN, broken, write_plan

#: Plans that ask otherwise, so that each is a record of its own.
OTHERS = ("execution: {seed: 7}\n", "execution: {seed: 8}\n")


def tried(folder: Path, name: str, more: str = "", *, plan: str = PLAN + LIMITS) -> Record:
    """The record ``name`` of an audit of one log under the plan with ``more``."""
    path = folder / "plan" / "audit.yaml"
    if not path.is_file():
        write_plan(folder / "plan")
    path.write_text(plan + more, "utf-8")
    return api.audit(path, out=folder / "runs" / name, documents=False)


def counted(record: Record) -> Attempts:
    """What the gate says of a record's attempts."""
    found = api.gate(record).attempts
    assert found is not None
    return found


def test_the_third_record_of_a_model_names_the_two_before_it(tmp_path: Path) -> None:
    """Other seeds make other records; the oldest stands first, and each sealed its own count."""
    made = [tried(tmp_path, name, more) for name, more in zip("abc", ("", *OTHERS), strict=True)]

    assert [(), ("a",), ("a", "b")] == [counted(record).earlier.records for record in made]
    assert [True, False, False] == [counted(record).first for record in made]
    assert [[], [], []] == [broken(record) for record in made]
    assert counted(made[2]).said.startswith("attempt 3 on this model that its folder of records knows of (2 earlier")


def test_findings_do_not_depend_on_what_lay_beside_a_record(tmp_path: Path) -> None:
    """Byte for byte: the count stands in the record and in the gate's result alone."""
    alone = tried(tmp_path / "alone", "run", OTHERS[1])
    tried(tmp_path / "beside", "first")
    second = tried(tmp_path / "beside", "second", OTHERS[1])

    assert ((), ("first",)) == (counted(alone).earlier.records, counted(second).earlier.records)
    assert (alone.folder / "findings.json").read_bytes() == (second.folder / "findings.json").read_bytes()


def test_a_record_that_asks_the_same_elsewhere_counts_and_another_model_does_not(tmp_path: Path) -> None:
    """A system may answer otherwise when it is asked again; the same model under another name is that model."""
    tried(tmp_path, "one")
    tried(tmp_path, "same")
    log = tmp_path / "plan" / "log.csv"
    (tmp_path / "plan" / "moved.csv").write_bytes(log.read_bytes())
    moved = tried(tmp_path, "moved", plan=(PLAN + LIMITS).replace("log.csv", "moved.csv"))
    log.write_text(log.read_text("utf-8") + "p900,F,1,1\n", "utf-8")
    other = tried(tmp_path, "other")

    assert {"one", "same"} == {*counted(moved).earlier.records}
    assert () == counted(other).earlier.records
    assert counted(other).first


def test_an_interrupted_record_counts_as_unfinished_and_resuming_keeps_the_first_count(tmp_path: Path) -> None:
    """Killed at its fourth round, it was an attempt; what begins beside it later changes nothing in it."""
    plan = killed.write(tmp_path / "plan")
    command = [sys.executable, str(ROOT / "tests" / "killed.py"), str(plan)]
    (tmp_path / "plan" / "kill_at.txt").write_text("4")
    assert -signal.SIGKILL == subprocess.run([*command, str(tmp_path / "runs" / "cut")], check=False).returncode
    (tmp_path / "plan" / "kill_at.txt").unlink()
    plan.write_text(killed.PLAN + "execution: {seed: 2}\n", "utf-8")
    assert 0 == subprocess.run([*command, str(tmp_path / "runs" / "whole")], check=False).returncode
    plan.write_text(killed.PLAN, "utf-8")
    assert 0 == subprocess.run([*command, str(tmp_path / "runs" / "cut")], check=False).returncode
    whole, cut = (Record.open(tmp_path / "runs" / name) for name in ("whole", "cut"))

    assert Earlier(records=("cut",), unfinished=("cut",)) == counted(whole).earlier
    assert "(1 earlier record, 1 of them unfinished: cut)" in counted(whole).said
    assert cut.sealed
    assert Earlier() == counted(cut).earlier


def test_what_cannot_be_read_is_named_and_other_folders_are_left_alone(tmp_path: Path) -> None:
    """A damaged record may be an attempt; what is no record is none."""
    tried(tmp_path, "first")
    runs = tmp_path / "runs"
    for name in ("damaged", "nameless", "begun"):
        (runs / name / "ask").mkdir(parents=True)
        (runs / name / "ask" / "plan.yaml").write_text("version: 1\n")
    (runs / "damaged" / "ask" / "environment.json").write_text("{")
    (runs / "nameless" / "ask" / "environment.json").write_text('{"target": {}}')
    (runs / "notes").mkdir()
    (runs / "notes.txt").write_text("")
    second = tried(tmp_path, "second", OTHERS[0])

    why = "its ask/environment.json names no model"
    assert ("first",) == counted(second).earlier.records
    assert tuple(f"{name} ({why})" for name in ("begun", "damaged", "nameless")) == counted(second).earlier.unread
    assert f"3 folders beside it could not be read: begun ({why}), " in counted(second).said


def test_judging_again_is_told_and_keeps_the_count(tmp_path: Path) -> None:
    """The number of the judgement is that which the record counts; the same judgement again is none."""
    record = tried(tmp_path, "one")
    tried(tmp_path, "two", OTHERS[0])
    again = tried(tmp_path, "one", plan=(PLAN + LIMITS).replace("0.8", "0.2"))

    assert record.folder == again.folder
    assert Attempts(earlier=Earlier(), judgement=2) == counted(again)
    assert "judgement 2 of this record" in counted(again).said
    assert 2 == counted(tried(tmp_path, "one", plan=(PLAN + LIMITS).replace("0.8", "0.2"))).judgement
    assert [] == broken(again)


def test_the_count_is_told_in_the_terminal_the_summary_and_every_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A first attempt says nothing in a terminal, and says that it is the first in documents."""
    first, second = tried(tmp_path, "first"), tried(tmp_path, "second", OTHERS[0])
    said = {}
    for record in (first, second):
        result = api.gate(record)
        showing.print_findings(record, result)
        api.export(record, result, summary=tmp_path / "summary.md")
        (page, *_) = api.report(record, documents=["annex_iv"], formats=["html", "md"])
        summary = (tmp_path / "summary.md").read_text("utf-8")
        texts = [capsys.readouterr().out, summary, page.read_text("utf-8")]
        said[record] = [*texts, (record.reports / "annex_iv.md").read_text("utf-8")]

    assert [False, False, True, True] == ["attempt 1 on this model" in text for text in said[first]]
    assert [True] * 4 == ["attempt 2 on this model" in text and "first" in text for text in said[second]]
    assert all("only the PASS of all is controlled at 5 %" in text for text in (*said[first][:2], *said[second][:2]))
    assert counted(second).said == facts.run_facts(dossier(second))["attempts"]
    assert [[], []] == [broken(record, render=True) for record in (first, second)]


def test_a_count_that_was_edited_is_damage(tmp_path: Path) -> None:
    """It is sealed with what was asked, and the gate ends with 4."""
    tried(tmp_path, "first")
    second = tried(tmp_path, "second", OTHERS[0])
    path = second.ask / "environment.json"
    told = json.loads(path.read_text("utf-8"))
    told["earlier"]["records"] = []
    path.write_text(json.dumps(told), "utf-8")

    assert 4 == api.gate(second).code
    assert api.gate(second).attempts is None
    assert 2 in broken(second)


def test_the_count_knows_only_what_lies_in_the_folder(tmp_path: Path) -> None:
    """What was deleted is not known of; nothing claims that it is."""
    first = tried(tmp_path, "first")
    shutil.rmtree(first.folder)

    assert counted(tried(tmp_path, "second", OTHERS[0])).first


def test_a_record_that_says_nothing_of_what_lay_beside_it_is_no_first_attempt(tmp_path: Path) -> None:
    """A missing count is an error, never a zero."""
    record = tried(tmp_path, "first")
    path = record.ask / "environment.json"
    told = json.loads(path.read_text("utf-8"))
    del told["earlier"]
    path.write_text(json.dumps(told), "utf-8")

    with pytest.raises(RecordError, match="earlier"):
        attempts_of(record, 1)


def test_a_folder_that_is_not_there_yet_knows_of_nothing(tmp_path: Path) -> None:
    """The first audit of a project begins in a folder that it makes."""
    assert Earlier() == earlier_beside(tmp_path / "runs" / "one", {"sha256": "sha256:1f"})


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"sha256": "a", "versions": {"numpy": "1"}}, {"sha256": "a", "versions": {"numpy": "2"}}, True),
        ({"sha256": "a"}, {"sha256": "b"}, False),
        ({"files": {"w": "a"}, "dtype": "float32"}, {"files": {"w": "a"}, "dtype": "bfloat16"}, True),
        ({"sha256": "a", "vectorizer_sha256": "v"}, {"sha256": "a", "vectorizer_sha256": None}, False),
        ({"sha256": "r", "recorded_identity": {"sha256": "a"}}, {"sha256": "a"}, True),
        (
            {"url": "u", "model": "m", "sampling": {"seed": 1}},
            {"url": "u", "model": "m", "sampling": {"seed": 2}},
            True,
        ),
        ({"url": "u", "stated": {"model": "m1"}}, {"url": "u", "stated": {"model": "m2"}}, False),
        ({"count": 1}, {"count": 2}, False),
    ],
)
def test_what_makes_two_systems_one_model(one: dict[str, object], other: dict[str, object], same: bool) -> None:
    """Its files, or its address and what it states of itself; not how it was asked, nor by which versions."""
    assert same == (model_of(one) == model_of(other))


def test_many_names_are_counted_and_the_first_are_said() -> None:
    """The record names all; a line stays a line."""
    many = Attempts(earlier=Earlier(records=tuple(f"run-{number}" for number in range(40))), judgement=1)

    assert "(40 earlier records: run-0, run-1, run-2 and 37 more)" in many.said
    assert many.said.startswith("attempt 41 ")
    assert not replace(many, earlier=Earlier(unread=("x (Permission denied)",))).first
