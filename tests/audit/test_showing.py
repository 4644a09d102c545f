"""The terminal: a line a probe in a log, bars on a terminal, colours only where they are wanted."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import cast

import pytest
from rich.console import Console

from fakes import estimated, result_of
from probandum import api, showing
from probandum.finding import Finding, Groups, Limit, SubReason, Verdict, Waiver
from probandum.gating import decided
from probandum.judging import judge
from probandum.pacing import Pace
from probandum.probe import Measure, ProbeResult
from probandum.record import Record
from records import LIMITS, PLAN, write_plan

FAILED = Measure(metric="failed", estimate=estimated("wilson", counts=[(900, 1000)]))
OPEN = Measure(metric="open", estimate=estimated("wilson", counts=[(5, 10)]))
LIMITED = [Limit(metric=f"bias.fake/{name}", direction="at_most", threshold=0.5) for name in ("failed", "open")]


def on_terminal(folder: Path, *, colour: bool) -> str:
    """What an audit shows on a terminal of its own."""
    ours, theirs = pty.openpty()
    environment = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "CI", "FORCE_COLOR")}
    environment |= {"TERM": "xterm", "COLUMNS": "150", **({} if colour else {"NO_COLOR": "1"})}
    program = "from probandum.cli import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "audit", "audit.yaml", "--out", "run"],
        cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while data := os.read(ours, 65536):
            shown += data
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(ours)
    process.wait()
    return shown.decode("utf-8")


@pytest.mark.parametrize("colour", [True, False])
def test_a_terminal_shows_a_bar_a_probe_and_colours_where_they_are_wanted(tmp_path: Path, colour: bool) -> None:
    """NO_COLOR leaves the bars and takes the colours."""
    write_plan(tmp_path)
    shown = on_terminal(tmp_path, colour=colour)

    assert "bias.group-rates" in shown
    assert "━" in shown
    assert "800/800" in shown
    assert "gate 1: a limit is broken" in shown
    assert colour == ("\x1b[1;31m" in shown or "\x1b[31m" in shown)


def test_a_log_has_plain_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Which probe of how many, what came of it, and how long it took; no line is broken by a narrow window."""
    plan = api.load_plan(write_plan(tmp_path, PLAN.replace("suites:\n", "suites:\n  bias.term-swap: {}\n") + LIMITS))
    with showing.watching(plan) as observer:
        api.audit(plan, out=tmp_path / "run", documents=False, observer=observer)
    with showing.watching(plan) as observer:
        record = api.audit(plan, out=tmp_path / "run", documents=False, observer=observer)
    result = api.gate(record)
    showing.print_findings(record, result)
    showing.print_summary([(plan, record, result)])
    lines = capsys.readouterr().out.splitlines()
    text = "\n".join(lines)

    assert "Auditing Loan desk 1.0" == lines[0]
    assert ["hashing the files that the plan names", "loading the system (target log)"] == lines[1:3]
    assert "1/2 bias.term-swap ..." == lines[3]
    assert lines[4].startswith("    bias.term-swap: not_applicable: it needs classify, and target log answers predict")
    assert "2/2 bias.group-rates ..." in lines
    assert "holds this audit already; it is judged again, and nothing is asked" in text
    assert "more quantities without a limit stand in" in text
    assert "\x1b" not in text
    assert f"gate 1  Loan desk: {tmp_path / 'run' / 'reports' / 'index.html'}" == lines[-1]


def test_steps_go_on_below_their_text(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """On a narrow terminal no word is broken, and what does not fit stands below the text, not below its number."""
    steps = [("1. ok     ", "every file of the record is listed: 12 files in ask/"), ("ok  cpu        ", "2 cores")]
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "24")
    showing.print_steps(steps)

    assert [
        "1. ok     every file of the record is",
        "          listed: 12 files in ask/",
        "ok  cpu        2 cores",
    ] == capsys.readouterr().out.splitlines()


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def test_the_time_left_is_said_of_what_the_system_answered_and_of_nothing_less() -> None:
    """Packs from a journal come at once; three packs and five seconds are the least; between packs it counts down."""
    clock = Clock()
    pace = Pace(clock)
    pace.progress(0, 1000)
    for done in range(10, 510, 10):  # found again after an interruption
        clock.now += 0.0001
        pace.progress(done, 1000)
    said = []
    for done in (520, 540, 560):
        clock.now += 4.0
        pace.progress(done, 1000)
        said.append(pace.seconds_left())

    assert [None, None] == said[:2]
    assert pytest.approx(440 * 0.2) == said[2]
    assert "about 2 min left in this round" == pace.left
    clock.now += 40.0
    assert pytest.approx(440 * 0.2 - 40) == pace.seconds_left()
    clock.now += 4000.0
    assert 0 == pace.seconds_left()
    pace.progress(1000, 1000)
    assert "" == pace.left


def test_a_pace_follows_the_system() -> None:
    """Twenty packs are remembered: one that slows down is not judged by how it began."""
    clock = Clock()
    pace = Pace(clock)
    pace.progress(0, 1000)
    for done in range(10, 510, 10):
        clock.now += 1.0 if done <= 300 else 10.0
        pace.progress(done, 1000)

    assert pytest.approx(500 * 1.0) == pace.seconds_left()


def test_a_log_says_once_a_minute_how_far_a_long_round_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Not for every pack, and not at its end."""
    clock = Clock()
    lines = showing._Lines(Console(), clock)
    lines.started("bias.fake", 1, 1)
    for done in range(0, 1010, 10):
        lines.progress("bias.fake", done, 1000)
        clock.now += 2.5

    assert [
        "1/1 bias.fake ...",
        "    bias.fake: 240 of 1,000 of this round answered, about 4 min left in this round",
        "    bias.fake: 480 of 1,000 of this round answered, about 3 min left in this round",
        "    bias.fake: 720 of 1,000 of this round answered, about 2 min left in this round",
        "    bias.fake: 960 of 1,000 of this round answered, about 1 min left in this round",
    ] == capsys.readouterr().out.splitlines()


def test_what_does_not_block_is_shown_too(capsys: pytest.CaptureFixture[str]) -> None:
    """A waived finding and an open one are no passes, and the gate does not call them so."""
    waiver = Waiver(
        finding="bias.fake/failed", owner="Board", reason="under way", set_on="2026-01-01", expires="2026-03-01"
    )
    findings = judge([result_of(FAILED, OPEN)], LIMITED, mode="merge", waivers=[waiver], as_of="2026-02-01")
    result = decided(findings, [], ["bias.fake"], mode="merge")
    showing.print_gate(result)
    waived, open_ = (line for line in capsys.readouterr().out.splitlines() if line.startswith("  -  "))
    showing.print_gate(replace(result, notes=()))

    assert 0 == result.code
    assert "waived by Board until 2026-03-01: under way" in waived
    assert "INCONCLUSIVE" in open_ and "does not block a merge" in open_
    assert "gate 0: every judged finding passes" in capsys.readouterr().out


def test_what_a_limit_covers_and_nobody_judged_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """So that the findings held against a limit and these add up to the verdicts in the table."""
    small = replace(OPEN, verdict=Verdict.INCONCLUSIVE, sub_reason=SubReason.SMALL_GROUP, why="A has 10 rows")
    result = decided(judge([result_of(FAILED, small)], LIMITED), [], ["bias.fake"], mode="release")
    showing.print_gate(result)

    assert "     held against a limit: 1, covered and not judged: 1" == capsys.readouterr().out.splitlines()[1]


LONG = Measure(
    metric="selection-difference",
    groups=Groups(attribute="age", group="25 or younger", reference="over 25"),
    estimate=estimated("wilson", counts=[(900, 1000)]),
)
ON_LONG = [Limit(metric="bias.fake/selection-difference", direction="at_most", threshold=0.5)]


@dataclass(frozen=True)
class Judged:
    """What printing reads of a record."""

    findings: tuple[Finding, ...]
    folder: Path = Path("run")


@pytest.mark.parametrize("width", [None, 80, 120])
def test_a_findings_id_is_never_broken(width: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a log each finding has one line; on a terminal its id stands whole, and every cause keeps its indent."""
    said = StringIO()
    console = Console(file=said, width=width or 40, force_terminal=width is not None, color_system=None)
    monkeypatch.setattr(showing, "Console", lambda: console)
    findings = judge([result_of(LONG)], ON_LONG)
    showing.print_findings(cast(Record, Judged(findings)), decided(findings, [], [], mode="release"))
    lines = said.getvalue().splitlines()
    id = "bias.fake/selection-difference?age=25 or younger~over 25"
    with_id = [line for line in lines if id in line]

    assert 2 == len(with_id)
    if width is None:
        assert 6 == len(lines)
        assert all("0.9" in line for line in with_id)
    else:
        assert max(map(len, lines)) <= width
        assert all(line[:2] == "  " for line in lines[lines.index("gate 1: a limit is broken") + 1 :])
    assert id == findings[0].id


def test_a_name_from_data_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """An escape sequence in a cause is written out."""
    broken = ProbeResult(probe="bias.broken", version=1, status="error", why="it broke\x1b[2J")
    showing.print_gate(decided(judge([broken], []), [], [], mode="release"))
    out = capsys.readouterr().out

    assert "it broke\\x1b[2J" in out
    assert "\x1b" not in out


@pytest.mark.parametrize(("code", "said"), [(1, "a limit is broken"), (3, "inconclusive"), (4, "could not be carried")])
def test_the_gate_says_its_code_in_words_and_every_cause(
    capsys: pytest.CaptureFixture[str], code: int, said: str
) -> None:
    """One line a cause, its code first."""
    broken = ProbeResult(probe="bias.broken", version=1, status="error", why="it broke")
    results = {1: [result_of(FAILED)], 3: [result_of(OPEN)], 4: [broken]}[code]
    result = decided(judge(results, LIMITED), [], [], mode="release")
    showing.print_gate(result)
    out = capsys.readouterr().out

    assert f"gate {code}: {said}" in out.splitlines()[0] or said in out.splitlines()[0]
    named = [line.split()[0] for line in out.splitlines()[1:] if not line.startswith(" " * 5)]
    assert [str(cause.code) for cause in result.causes] == named
