"""Reporting: reports have a seal of their own, replace each other whole, and take no place that is not theirs."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from commands import entered
from probandum import api
from probandum.errors import MissingDependency, UsageError
from probandum.plan import Plan
from probandum.record import Record
from probandum.reporting import dossier
from probandum.sealing import STATEMENT, SUMS, report_facts, signature, statement_digest
from probandum.signing import keygen
from probandum_reports.documents import templates
from records import LIMITS, PLAN, broken, write_plan


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """A record with one document in Markdown."""
    folder = tmp_path_factory.mktemp("reporting")
    plan = write_plan(folder, PLAN + LIMITS + "documents: [dpia]\n")
    record = api.audit(plan, out=folder / "run", documents=False)
    api.report(record, formats=["md"])
    return record


@pytest.fixture
def record(made: Record, tmp_path: Path) -> Record:
    """A copy of it to write into."""
    return Record.open(shutil.copytree(made.folder, tmp_path / "run"))


def files(folder: Path) -> dict[str, bytes]:
    """Every file under ``folder``."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_the_statement_says_what_renders_the_reports_again(record: Record) -> None:
    """Which record, which judgement, which documents in which formats, and as of which day."""
    api.report(record, documents=["dpia"], formats=["md", "json"], as_of="2027-01-31")
    facts = report_facts(record.reports)

    assert statement_digest(record.folder) == facts.record
    assert statement_digest(record.judgement()) == facts.judgement
    assert (("dpia",), ("md", "json"), "2027-01-31") == (facts.documents, facts.formats, facts.as_of)
    assert {"probandum", "jinja2", "matplotlib", "typst", "python-docx"} == set(facts.packages)
    assert [] == broken(record, render=True)


def test_an_old_law_is_told_at_the_terminal_too(record: Record, tmp_path: Path) -> None:
    """By the day that the documents state; the paths stay what a program reads."""
    words = ("report", record.folder, "--document", "dpia", "--format", "md", "--out", tmp_path / "docs")
    fresh, old = entered(tmp_path, *words), entered(tmp_path, *words, "--as-of", "2028-06-01")

    assert (0, 0, fresh.out) == (fresh.code, old.code, old.out)
    assert "warning: the law pack was checked on 2026-11-23, 556 days before 2028-06-01" in old.err


def test_all_stands_for_every_document(record: Record) -> None:
    """In a plan and on the command line; the statement names each, so that verifying needs no list of its own."""
    files = api.report(record, documents=["all"], formats=["md"])
    known = set(templates())

    assert known == {path.stem for path in files if path.suffix == ".md"}
    assert known == set(report_facts(record.reports).documents)
    Plan.load(write_plan(record.folder.parent, PLAN + LIMITS + "documents: [all]\n")).check_names(documents=known)


def test_an_audit_signs_its_reports_with_its_key(tmp_path: Path) -> None:
    """So does a report that is written again with one, and a wrong key leaves the old ones alone."""
    public = keygen(tmp_path / "key")
    record = api.audit(write_plan(tmp_path), out=tmp_path / "run", key=tmp_path / "key")
    before = files(record.reports)
    assert signature(record.reports)["signed"]
    assert [] == broken(record, key=public, render=True)

    (tmp_path / "key").chmod(0o644)
    with pytest.raises(UsageError, match="others can use this private key"):
        api.report(record, key=tmp_path / "key")
    assert before == files(record.reports)
    (tmp_path / "key").chmod(0o600)
    api.report(record, key=tmp_path / "key")
    assert before == files(record.reports)


def test_reports_written_elsewhere_have_the_same_files(record: Record, tmp_path: Path) -> None:
    """Their seal too, byte for byte; written once more they are the same again."""
    for _ in range(2):
        api.report(record, formats=["md"], out=tmp_path / "a" / "else")

        assert files(record.reports) == files(tmp_path / "a" / "else")
    assert {SUMS, STATEMENT} <= set(files(tmp_path / "a" / "else"))


def test_new_reports_take_the_place_of_the_old_ones(record: Record) -> None:
    """A document that is no longer asked for goes; a file that no seal ever covered stays, unsealed, and is found."""
    (record.reports / "dpia signed.docx").write_text("by hand")
    written = api.report(record, documents=["annex_iv"], formats=["md"])

    assert [record.reports / name for name in ("index.html", "annex_iv.md")] == written[:2]
    assert "dpia.md" not in files(record.reports)
    assert b"by hand" == files(record.reports)["dpia signed.docx"]
    assert [8] == broken(record)
    (record.reports / "dpia signed.docx").unlink()
    assert [] == broken(record, render=True)


def test_what_stands_there_is_kept_where_it_comes_out_the_same(record: Record) -> None:
    """One document is written beside the others of the same judgement, day and language, in all their formats."""
    folder = record.folder.parent
    before = files(record.reports)
    written = entered(folder, "report", "run", "--document", "merge_summary", "--format", "json")
    facts, now = report_facts(record.reports), files(record.reports)

    assert 0 == written.code
    assert (("dpia", "merge_summary"), ("md", "json")) == (facts.documents, facts.formats)
    assert {f"{name}.{kind}" for name in facts.documents for kind in facts.formats} <= set(now)
    assert before["dpia.md"] == now["dpia.md"]
    assert b"merge_summary" in now["index.html"] and b"dpia" in now["index.html"]
    assert [] == broken(record, render=True)
    entered(folder, "report", "run", "--document", "dpia", "--format", "md")
    assert now == files(record.reports)
    assert 0 == entered(folder, "report", "run", "--document", "dpia", "--format", "md", "--replace").code
    assert before == files(record.reports)


def test_what_would_go_is_named_before_it_goes(record: Record) -> None:
    """A document of another day, or of another judgement, is let go with a word alone; all of them need none."""
    folder = record.folder.parent
    before = files(record.reports)
    words = ("report", "run", "--document", "merge_summary", "--format", "md")
    refused = entered(folder, *words, "--as-of", "2027-01-31")

    assert (2, 1) == (refused.code, len(refused.err.splitlines()))
    assert (
        f"run/reports: holds documents as of {report_facts(record.reports).as_of}, of which dpia would go"
        in refused.err
    )
    assert "write them all, choose another --out, or let them go with --replace" in refused.err
    assert before == files(record.reports)
    assert 0 == entered(folder, "report", "run", "--format", "md", "--as-of", "2027-01-31").code
    api.judge(record, as_of="2027-01-30")
    assert "of another judgement and as of 2027-01-31, of which dpia would go" in entered(folder, *words).err
    assert 0 == entered(folder, *words, "--replace").code
    assert {"merge_summary.md"} == {name for name in files(record.reports) if name.endswith(".md")}


def test_documents_that_would_go_are_counted_and_not_their_formats(record: Record) -> None:
    """Formats that would go are told as such behind the documents."""
    folder = record.folder.parent
    documents = ("annex_iv", "dpia", "fria", "lia", "ropa")
    api.report(record, documents=documents, formats=["md", "json"])
    day = ("--as-of", "2027-01-31")

    def told(*words: str) -> str:
        return entered(folder, "report", "run", *words, *day).err.partition("of which ")[2].partition(" would go")[0]

    assert "dpia, fria, lia and 1 more, and every file in json" == told("--document", "annex_iv", "--format", "md")
    everything = [word for name in documents for word in ("--document", name)]
    assert "every file in json" == told(*everything, "--format", "md")


def test_reports_that_cannot_be_rendered_leave_the_old_ones(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is touched before everything is rendered, and no empty folder is left where there was none."""
    before = files(record.folder)
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(MissingDependency, match="typst"):
        api.report(record, formats=["md", "pdf"])
    assert before == files(record.folder)

    shutil.rmtree(record.reports)
    with pytest.raises(MissingDependency, match="typst"):
        api.report(record, formats=["md", "pdf"])
    assert not record.reports.exists()


def test_reports_take_no_place_that_is_not_theirs(record: Record, tmp_path: Path) -> None:
    """Not the record's own folders, not another record, not somebody's list of digests, not a file."""
    other = Record.open(shutil.copytree(record.folder, tmp_path / "other"))
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / SUMS).write_text("")
    (tmp_path / "file").write_text("")
    before = files(tmp_path)
    for folder, message in (
        (record.folder, "lies inside the record"),
        (record.ask, "lies inside the record"),
        (record.reports / "more", "lies inside the record"),
        (other.folder, "holds digests or a seal of something else"),
        (other.judgement(), "holds digests or a seal of something else"),
        (tmp_path / "downloads", "holds digests or a seal of something else"),
        (tmp_path / "file", "not a folder"),
    ):
        with pytest.raises(UsageError, match=message):
            api.report(record, formats=["md"], out=folder)
    assert before == files(tmp_path)


def killed(record: Record, at: int, **options: Any) -> bool:
    """Write reports in a process that is killed before it moves its file number ``at``; whether it was."""
    child = os.fork()
    if child == 0:
        moved = 0
        replace = Path.replace

        def counting(path: Path, target: Path) -> Path:
            nonlocal moved
            moved += 1
            if moved == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return replace(path, target)

        Path.replace = counting  # type: ignore[method-assign, assignment]
        api.report(record, **options)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def test_a_report_that_is_killed_never_claims_a_seal_that_does_not_hold(made: Record, tmp_path: Path) -> None:
    """kill -9 before each file in turn: the old reports hold, or there is no seal; the same command mends it."""
    outcomes = []
    for at in range(1, 20):
        record = Record.open(shutil.copytree(made.folder, tmp_path / str(at)))
        was_killed = killed(record, at, documents=["annex_iv"], formats=["md"])
        step = api.verify(record)[7]
        outcomes.append(step.held)
        if step.held:
            assert [] == broken(record, render=True)
        else:
            assert "they have no seal" in step.detail or "left over from a command that was interrupted" in step.detail
        api.report(record, documents=["annex_iv"], formats=["md"])

        assert [] == broken(record, render=True)
        assert [] == list(record.folder.rglob("*.part"))
        if not was_killed:
            break
    else:
        pytest.fail("it was never let finish")

    assert {True, False} == set(outcomes)


def test_a_dossier_can_be_of_an_older_judgement(record: Record) -> None:
    """Its findings, its gate and its digest are that judgement's."""
    first, before = record.judgement().name, dossier(record)
    api.judge(record, tier="pr", limits=[])
    now, then = dossier(record), dossier(record, judgement=first)

    assert ("merge", "release") == (now.gate["mode"], then.gate["mode"])
    assert before.findings == then.findings != now.findings
    assert before.digests == then.digests
