"""Bad input on the command line: one line that names it and says what to do, a documented code, no traceback."""

from __future__ import annotations

import inspect
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

import killed
from commands import Ended, entered
from paths import ROOT
from probandum import api, codec
from probandum.cache import AnswerCache
from probandum.errors import TargetError, UsageError
from probandum.plan import Plan
from probandum.record import Record
from probandum.resources import cache_folder, from_home
from probandum.target import TargetContext, known_targets
from probandum.targets.checkpoints import Checkpoint, Place
from records import LIMITS, PLAN, write_plan, write_sklearn_plan

Command = Callable[..., Ended]
CHECK = ("plan", "check", "audit.yaml")


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Runs the command line in a folder that holds a plan and its log."""
    write_plan(tmp_path)
    return lambda *words: entered(tmp_path, *words)


# Words of the command.


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("audit",), "error: Missing argument 'PLAN...'; see probandum audit --help"),
        (("audit", "a.yaml", "--tear", "pr"), "error: No such option: --tear (Possible options: "),
        (("audit", "a.yaml", "--out"), "error: Option '--out' requires an argument; see probandum --help"),
        (("adit", "a.yaml"), "error: No such command 'adit'"),
        (("judge",), "error: Missing argument 'RUN'; see probandum judge --help"),
    ],
)
def test_wrong_words_are_one_line_and_2(command: Command, words: tuple[str, ...], line: str) -> None:
    """What is wrong, and where the help is."""
    ended = command(*words)

    assert (2, 1) == (ended.code, len(ended.err.splitlines()))
    assert ended.err.startswith(line), ended.err


def test_help_is_0_and_no_words_at_all_are_the_help_and_2(command: Command) -> None:
    """For the program and for a group of verbs."""
    helped, bare, group = command("--help"), command(), command("law")

    assert (0, 2, 2) == (helped.code, bare.code, group.code)
    assert helped.out == bare.err
    assert "timeline" in group.err


def test_version_is_one_line_and_0(command: Command) -> None:
    """Whatever stands behind it."""
    alone, before = command("--version"), command("--version", "audit")

    assert [(0, f"probandum {version('probandum')}\n")] * 2 == [(each.code, each.out) for each in (alone, before)]


# Ctrl-C.

SLOW = f"""\
import sys
sys.path.insert(0, {str(ROOT / "tests")!r})
import killed
from probandum.cli import main
killed.register()
main()
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_ctrl_c_says_that_the_run_resumes_and_ends_with_130(tmp_path: Path, name: str) -> None:
    """Or a job that is stopped, at the seventh of ten rounds; the same command asks the seventh again and no other."""
    plan = killed.write(tmp_path)
    system = tmp_path / "system.py"
    system.write_text(system.read_text("utf-8").replace("SIGKILL", name), "utf-8")
    (tmp_path / "kill_at.txt").write_text("7")

    def run() -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-c", SLOW, "audit", plan.name, "--out", "run"]
        return subprocess.run(words, check=False, capture_output=True, text=True, cwd=tmp_path)

    cut = run()
    (tmp_path / "kill_at.txt").unlink()
    whole = run()
    asked = (tmp_path / "calls.txt").read_text("utf-8").splitlines()

    assert 130 == cut.returncode
    assert "interrupted: what was recorded is kept; the same command resumes it" == cut.stderr.splitlines()[-1]
    assert "Traceback" not in cut.stderr
    assert 0 == whole.returncode, whole.stderr
    assert (killed.ROUNDS + 1, killed.ROUNDS) == (len(asked), len(set(asked)))


def test_ctrl_c_while_nothing_is_recorded_promises_nothing(tmp_path: Path) -> None:
    """Only an audit resumes."""
    program = "import os, signal\nfrom probandum import cli, doctor\n"
    program += f"doctor.examine = lambda: os.kill(os.getpid(), {int(signal.SIGINT)})\ncli.main()\n"
    ended = subprocess.run([sys.executable, "-c", program, "doctor"], check=False, capture_output=True, text=True)

    assert (130, "interrupted\n") == (ended.returncode, ended.stderr)


# Folders that cannot be written.


@pytest.mark.parametrize(
    ("out", "line"),
    [
        ("/proc/x", "error: /proc/x: cannot be written: No such file or directory; choose another --out"),
        ("/sys/x", "error: /sys/x: cannot be written: Operation not permitted; choose another --out"),
        ("log.csv/x", "error: log.csv/x: cannot be written: Not a directory; choose another --out"),
        ("log.csv", "error: log.csv: not empty and not an audit record; choose another --out"),
    ],
)
def test_a_record_that_cannot_be_written_is_one_line_and_2(command: Command, out: str, line: str) -> None:
    """Before anything is asked; the line names the folder."""
    ended = command("audit", "audit.yaml", "--out", out)

    assert 2 == ended.code
    assert line == ended.err.splitlines()[-1]
    assert "Traceback" not in ended.err


def test_reports_that_cannot_be_written_are_one_line_and_2(command: Command) -> None:
    """Nobody knows better than the system why."""
    command("audit", "audit.yaml", "--out", "run")
    ended = command("report", "run", "--format", "md", "--out", "/proc/x")

    assert 2 == ended.code
    assert "error: /proc/x: No such file or directory; check the path, and who may read and write there\n" == ended.err


def test_a_cache_that_cannot_be_written_is_one_line_and_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The home, the user's cache or ours: the folder is named, and no record is begun."""
    write_sklearn_plan(tmp_path, execution="{cache: shared}")
    remedy = "set PROBANDUM_CACHE to a folder that can be written, or execution.cache to run"
    for name, value, folder, why in (
        ("HOME", "/proc/x", "/proc/x", "No such file or directory"),
        ("XDG_CACHE_HOME", "/sys", "/sys/probandum", "Operation not permitted"),
        ("PROBANDUM_CACHE", str(tmp_path / "rows.csv"), str(tmp_path / "rows.csv"), "File exists"),
    ):
        with monkeypatch.context() as patch:
            for each in ("XDG_CACHE_HOME", "PROBANDUM_CACHE"):
                patch.delenv(each, raising=False)
            patch.setenv(name, value)
            ended = entered(tmp_path, "audit", "audit.yaml", "--out", "run")

        assert 2 == ended.code
        assert f"error: {folder}: answers cannot be kept there: {why}; {remedy}" == ended.err.splitlines()[-1]
        assert not (tmp_path / "run").exists()


def test_a_cache_that_is_a_folder_is_named(tmp_path: Path) -> None:
    """As anything else that cannot be opened."""
    with pytest.raises(UsageError) as caught:
        AnswerCache({}, path=tmp_path)

    assert f"{tmp_path}: answers cannot be kept there: Is a directory" == caught.value.message


def test_a_user_without_a_home_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """``~`` of nobody, and a cache that would lie there."""
    for name in ("HOME", "XDG_CACHE_HOME", "PROBANDUM_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 4_000_000_000)

    with pytest.raises(UsageError, match=r"^~/\.cache: no home folder is known$"):
        cache_folder()
    with pytest.raises(UsageError, match=r"^~nobody-of-that-name/rows\.csv: no home folder is known$"):
        from_home("~nobody-of-that-name/rows.csv")


# The log of a meter.


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (
            "time,watts\n1,40\n2,much\n",
            "row 2: column 'watts' holds 'much', expected a number; mend the log, or start a new one",
        ),
        ("time,watts\n1,40\n2,nan\n", "row 2: column 'watts' holds 'nan', expected a number; mend the log"),
        ("time,watts\n1,40\n,40\n", "row 2: column 'time' holds '', expected a number"),
        ("time,watts\n1,40\n2\n", "row 2: column 'watts' holds '', expected a number"),
        ("time,power\n1,40\n2,40\n", "no column 'watts'; found: time, power"),
        (
            "time,watts\n2,40\n1,40\n",
            "row 2: the time 1.0 does not follow 2.0; times rise from row to row, in Unix seconds",
        ),
        ("time,watts\n1,40\n2,-1\n", "row 2: -1 watts, expected 0 or more"),
        ("time,watts\n1,40\n", "fewer than 2 whole rows; start the meter before the audit"),
        ("", "no column 'time'; found: nothing"),
        (None, "Is a directory; check the path in the plan"),
    ],
)
@pytest.mark.parametrize("verb", [("audit", "audit.yaml", "--out", "run"), ("plan", "check", "audit.yaml")])
def test_a_broken_log_of_a_meter_is_found_before_anything_is_asked(
    tmp_path: Path, verb: tuple[str, ...], log: str | None, said: str
) -> None:
    """The plan's line, the file, and the row."""
    write_plan(tmp_path, PLAN + LIMITS + "energy: {log: wall.csv}\n")
    if log is None:
        (tmp_path / "wall.csv").mkdir()
    else:
        (tmp_path / "wall.csv").write_text(log, "utf-8")
    ended = entered(tmp_path, *verb)

    assert (2, 1) == (ended.code, len(ended.err.splitlines()))
    assert ended.err.startswith(f"audit.yaml:11:10: energy.log: wall.csv: {said}"), ended.err
    assert not (tmp_path / "run").exists()


def test_a_log_that_is_not_there_is_missed_when_the_run_begins(tmp_path: Path) -> None:
    """A plan may be checked and locked before its meter is started."""
    write_plan(tmp_path, PLAN + LIMITS + "energy: {log: wall.csv}\n")
    ended = entered(tmp_path, "audit", "audit.yaml", "--out", "run")

    assert 0 == entered(tmp_path, "plan", "check", "audit.yaml").code
    assert 2 == ended.code
    assert "error: energy.log: wall.csv: no such file; start the meter before the audit" == ended.err.splitlines()[-1]
    assert not (tmp_path / "run").exists()


# Values that are none.


def spoil(folder: Path, column: int, value: str, *, row: int = 2) -> None:
    """Another value in the second row of the log, or in another."""
    log = folder / "log.csv"
    lines = log.read_text("utf-8").splitlines()
    cells = lines[row].split(",")
    cells[column] = value
    log.write_text("\n".join([*lines[:row], ",".join(cells), *lines[row + 1 :]]) + "\n", "utf-8")


@pytest.mark.parametrize("value", ["nan", "NaN", "inf", "-inf", "Infinity", "1e400"])
@pytest.mark.parametrize(("column", "name"), [(2, "approved"), (3, "repaid")])
def test_a_number_that_is_none_among_decisions_or_labels_is_named(
    tmp_path: Path, column: int, name: str, value: str
) -> None:
    """File, row and column: it must not turn its column into words."""
    write_plan(tmp_path)
    spoil(tmp_path, column, value)
    ended = {entered(tmp_path, *verb) for verb in (("audit", "audit.yaml", "--out", "run"), CHECK)}
    place = {"approved": "3:36: target.decision", "repaid": "3:71: target.label"}[name]
    remedy = "fill it in or leave the row out; the audit drops nothing by itself"

    assert {
        Ended(
            2, "", f"audit.yaml:{place}: log.csv: row 2: column {name!r} holds {value!r}, which is no value; {remedy}\n"
        )
    } == ended


@pytest.mark.parametrize(("column", "name"), [(2, "approved"), (3, "repaid")])
def test_a_word_for_no_value_among_decisions_or_labels_is_named(tmp_path: Path, column: int, name: str) -> None:
    """It would count as one more decision or outcome, that is not the favourable or the positive one."""
    write_plan(tmp_path)
    spoil(tmp_path, column, "NA")
    ended = {entered(tmp_path, *verb) for verb in (("audit", "audit.yaml", "--out", "run"), CHECK)}
    place = {"approved": "3:36: target.decision", "repaid": "3:71: target.label"}[name]
    rows = len((tmp_path / "log.csv").read_text("utf-8").splitlines()) - 1
    said = f"log.csv: row 2: column {name!r} holds 'NA', and the other {rows - 1} cells are numbers"
    remedy = "write one of its other values or leave the row out"

    assert {Ended(2, "", f"audit.yaml:{place}: {said}; {remedy}\n")} == ended


def test_a_score_that_is_no_number_is_named(tmp_path: Path) -> None:
    """As a decision that is none."""
    write_plan(tmp_path, (PLAN + LIMITS).replace("label: repaid", "score: repaid"))
    spoil(tmp_path, 3, "NaN")
    ended = entered(tmp_path, "audit", "audit.yaml", "--out", "run")

    assert 2 == ended.code
    assert "log.csv: row 2: column 'repaid' holds 'NaN', which is no value" in ended.err


def test_an_empty_decision_is_named(tmp_path: Path) -> None:
    """Among numbers and among words."""
    write_plan(tmp_path)
    spoil(tmp_path, 2, "")
    numbers = entered(tmp_path, "audit", "audit.yaml", "--out", "run")
    log = tmp_path / "log.csv"
    words = log.read_text("utf-8").replace(",1,", ",yes,").replace(",0,", ",no,")
    log.write_text(words, "utf-8")
    (tmp_path / "audit.yaml").write_text((PLAN + LIMITS).replace("favourable: 1", "favourable: yes"), "utf-8")
    among_words = entered(tmp_path, "audit", "audit.yaml", "--out", "run")

    assert (2, 2) == (numbers.code, among_words.code)
    for ended in (numbers, among_words):
        assert "audit.yaml:3:36: target.decision: log.csv: row 2: column 'approved' is empty; fill it in" in ended.err


def test_a_group_that_nobody_states_is_a_group_and_nan_is_none(tmp_path: Path) -> None:
    """An empty cell is the group "(not stated)"; a NaN that became a word would be a group of its own."""
    write_plan(tmp_path)
    spoil(tmp_path, 1, "")
    entered(tmp_path, "audit", "audit.yaml", "--out", "run")
    names = {finding.groups.group for finding in Record.open(tmp_path / "run").findings if finding.groups}
    spoil(tmp_path, 1, "nan")
    ended = entered(tmp_path, "audit", "audit.yaml", "--out", "again")

    assert "(not stated)" in names
    assert 2 == ended.code
    assert (
        "audit.yaml:5:3: groups.sex: row 2: column 'sex' holds 'nan', which is no value; leave the cell empty: such "
        "rows are the group '(not stated)'"
    ) == ended.err.splitlines()[-1]


def test_not_stated_in_words_and_an_empty_cell_are_one_group(tmp_path: Path) -> None:
    """A file may spell it out in one row and leave the cell empty in another: the audit counts both together."""
    write_plan(tmp_path)
    spoil(tmp_path, 1, "")
    spoil(tmp_path, 1, "(not stated)", row=3)
    ended = entered(tmp_path, "audit", "audit.yaml", "--out", "run")
    findings = {finding.id: finding for finding in Record.open(tmp_path / "run").findings}

    assert 0 != ended.code
    assert 2 == findings["bias.group-rates/selection-rate?sex=(not stated)"].estimate.n


def test_many_groups_ask_for_a_reference(tmp_path: Path) -> None:
    """Thirteen of them compared each with each are 156 comparisons: somebody has to say with whom they are compared."""
    write_plan(tmp_path)
    log = tmp_path / "log.csv"
    head, *rows = log.read_text("utf-8").splitlines()
    towns = [f"{row},town {place % 13}" for place, row in enumerate(rows)]
    log.write_text("\n".join([f"{head},town", *towns]) + "\n", "utf-8")
    plan = tmp_path / "audit.yaml"
    plan.write_text((PLAN + LIMITS).replace("  sex: {reference: M}", "  sex: {reference: M}\n  town: {}"), "utf-8")
    refused = entered(tmp_path, *CHECK)
    plan.write_text(plan.read_text("utf-8").replace("town: {}", "town: {reference: town 0}"), "utf-8")

    assert (2, 0) == (refused.code, entered(tmp_path, *CHECK).code)
    assert (
        "audit.yaml:6:3: groups.town: 13 groups and no reference are 156 comparisons; at most 12 groups are compared "
        "each with each; add groups.town.reference, the group that the others are compared with, or give bins\n"
    ) == refused.err


def test_columns_that_suites_name_are_held_against_the_file(tmp_path: Path) -> None:
    """A log reads every column where the plan says nothing else; one that is not there, or left out, is named."""
    named = "  bias.conditional-parity: {given: [ids], reason: Who applied first may be served first}\n"
    write_plan(tmp_path, PLAN + named + LIMITS)
    absent = entered(tmp_path, *CHECK)
    plan = tmp_path / "audit.yaml"
    plan.write_text((PLAN + named + LIMITS).replace("ids]", "id, sex]"), "utf-8")
    there = entered(tmp_path, *CHECK)
    plan.write_text(plan.read_text("utf-8").replace("label: repaid", "label: repaid, columns: [sex]"), "utf-8")
    left_out = entered(tmp_path, *CHECK)

    place = "audit.yaml:8:37: suites.bias.conditional-parity.given.0"
    assert f"{place}: no column 'ids', did you mean 'id'?; found: id, sex, approved, repaid\n" == absent.err
    assert (2, 0, 2) == (absent.code, there.code, left_out.code)
    assert (
        f"{place}: log.csv has a column 'id', and it is not read; name it under target.columns or groups\n"
    ) == left_out.err


# Days.


@pytest.mark.parametrize("day", ["tomorrow", "2026-02-30", "20261128", "2026-W48-6", "2026-11-28T10:00", ""])
def test_a_day_that_is_none_is_the_same_line_everywhere(command: Command, day: str) -> None:
    """judge, report, law check and law timeline check it alike."""
    command("audit", "audit.yaml", "--out", "run")
    verbs = (("judge", "run"), ("report", "run"), ("law", "check", "audit.yaml"), ("law", "timeline"))
    ended = {command(*verb, "--as-of", day) for verb in verbs}

    assert {Ended(2, "", f"error: as-of: expected a date such as 2026-11-23, got {day!r}\n")} == ended


def test_a_day_before_the_record_began_is_refused_and_a_later_one_is_not(command: Command, tmp_path: Path) -> None:
    """Nothing was known before it; a later day shows what will have expired."""
    command("audit", "audit.yaml", "--out", "run")
    started = str(Record.open(tmp_path / "run").environment["started"])[:10]
    line = f"error: as-of: 2001-01-01 lies before {started}, when the record began; name that day or a later one\n"

    assert {Ended(2, "", line)} == {command(verb, "run", "--as-of", "2001-01-01") for verb in ("judge", "report")}
    assert 1 == command("judge", "run", "--as-of", "2099-01-01").code  # the gate's
    assert 0 == command("judge", "run", "--as-of", "2099-01-01", "--exit-zero").code
    assert 0 == command("law", "timeline", "--as-of", "2001-01-01").code


# A plan that cannot be true.


def test_a_limit_of_a_later_day_is_refused(tmp_path: Path) -> None:
    """It must precede the run: the day is the plan's to state, and the clock's to check."""
    import datetime

    write_plan(tmp_path, (PLAN + LIMITS).replace("2026-11-01", "2999-01-01"))
    today = datetime.date(2998, 12, 31)
    ended = entered(tmp_path, "plan", "check", "audit.yaml")

    assert 2 == ended.code
    assert ended.err.startswith("audit.yaml:10:6: limits.0.set_on: 2999-01-01 lies after today, ")
    assert ended.err.endswith("; it must precede the run\n")
    with pytest.raises(UsageError, match=r"2999-01-01 lies after today, 2998-12-31; it must precede the run"):
        Plan.load(tmp_path / "audit.yaml", today=today)
    assert "2999-01-01" == Plan.load(tmp_path / "audit.yaml", today=datetime.date(2999, 1, 1)).limits[0].set_on


@pytest.mark.parametrize(
    ("country", "hint"),
    [("GER", ", did you mean 'DEU' (Germany)?"), ("QQQ", "; give an ISO 3166 alpha-3 code such as DEU")],
)
def test_a_country_that_is_none_is_refused_with_its_line(tmp_path: Path, country: str, hint: str) -> None:
    """Before anything is asked, with the code that was meant where one can tell."""
    write_plan(tmp_path, PLAN + LIMITS + f"energy: {{country: {country}}}\n")
    ended = entered(tmp_path, "plan", "check", "audit.yaml")

    assert 2 == ended.code
    assert f"audit.yaml:11:10: energy.country: codecarbon's table has no {country!r}{hint}\n" == ended.err


GRID = "intensity: {mid: 300, year: YEAR, source: me}"


@pytest.mark.parametrize(
    ("energy", "said"),
    [
        ("log: wall.csv, replay: run", "energy.replay: readings come from a log or from an earlier record; leave"),
        ("log: wall.csv, meter: rapl", "energy.meter: rapl, and energy.log names a meter at the wall; leave one"),
        (f"{GRID.replace('YEAR', '2024')}, country: DEU", "energy.country: intensity stands in place of the country's"),
        ("warm_up_seconds: 300", "energy.warm_up_seconds: 180 s at most, and warm_up_seconds asks for 300 at least"),
        ("warm_up_at_most: 9", "energy.warm_up_at_most: 9 s at most, and warm_up_seconds asks for 30 at least"),
        (GRID.replace("YEAR", "24"), "energy.intensity.year: 24; expected the year of the figures in four digits"),
        (GRID.replace("YEAR", "2999"), "energy.intensity.year: 2999; expected the year of the figures in four digits"),
    ],
)
def test_keys_of_energy_that_contradict_each_other_or_the_calendar_are_refused(
    tmp_path: Path, energy: str, said: str
) -> None:
    """One of the two would be ignored without a word; a year of two digits is none."""
    write_plan(tmp_path, PLAN + LIMITS + f"energy: {{{energy}}}\n")
    (tmp_path / "wall.csv").write_text("time,watts\n1,40\n2,40\n", "utf-8")
    ended = entered(tmp_path, "plan", "check", "audit.yaml")

    assert 2 == ended.code
    assert said in ended.err.splitlines()[0], ended.err


WAIVERS = """\
waivers:
  - {finding: "bias.group-rates/impact-ratio?sex=F~M", owner: Board, reason: known, set_on: 2026-11-01,
     expires: 2026-12-31}
  - {finding: "%s", owner: Board, reason: known, set_on: 2026-11-01,
     expires: 2026-12-31}
"""


def test_a_finding_that_is_waived_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    """Nobody could tell which of the two holds."""
    finding = "bias.group-rates/impact-ratio?sex=F~M"
    write_plan(tmp_path, PLAN + LIMITS + WAIVERS % finding)
    ended = entered(tmp_path, "plan", "check", "audit.yaml")
    line = f"audit.yaml:14:6: waivers.1.finding: '{finding}' is waived on line 12 already; keep one of the two\n"

    assert (2, line) == (ended.code, ended.err)


def test_a_waiver_of_no_finding_is_said_in_the_terminal_and_in_every_export(tmp_path: Path) -> None:
    """It accepts nothing, so it blocks nothing; whoever wrote it means a finding that is not there."""
    write_plan(tmp_path, PLAN + LIMITS + WAIVERS % "bias.group-rates/impact-ratio?sex=M~F")
    files = {name: tmp_path / name for name in ("sarif", "junit", "gitlab", "summary")}
    words = [word for name in files for word in (f"--{name}", name)]
    ended = entered(tmp_path, "audit", "audit.yaml", "--out", "run", "--annotations", *words)
    said = "waiver for bias.group-rates/impact-ratio?sex=M~F (line 14) matches no finding"
    (annotation,) = [line for line in ended.out.splitlines() if line.startswith("::notice") and said in line]

    assert f"  -  {said}" in ended.out.splitlines()
    assert "file=audit.yaml,line=14,title=gate" in annotation
    for name in ("sarif", "junit", "gitlab"):
        assert f"Note: {said}" in files[name].read_text("utf-8"), name
    assert "matches no finding" in files["summary"].read_text("utf-8")
    assert [14] == [idle.waiver.line for idle in api.gate(tmp_path / "run").idle]


# Groups and values that the rows do not have.

PEOPLE = "sex,age,approved,repaid\n" + "".join(f"{'FM'[n % 2]},{20 + n % 50},{n % 2},0\n" for n in range(40))
AGES = """\
  age: {bins: [0, 900], labels: [a, b, c], reference: d}
  years: {column: age, bins: [3, 2, 9], labels: [a, a]}
  words: {column: sex, bins: [0, 1]}
  young: {column: age, bins: [0, 30]}
"""


def test_what_groups_and_values_get_wrong_is_one_list_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Of the plan alone and of the rows; the audit says the same and begins nothing."""
    text = (
        (PLAN + LIMITS)
        .replace("favourable: 1", "favourable: 7")
        .replace("  sex: {reference: M}\n", "  sex: {reference: X}\n" + AGES)
    )
    write_plan(tmp_path, text)
    (tmp_path / "log.csv").write_text(PEOPLE, "utf-8")
    checked, audited = (entered(tmp_path, *verb) for verb in (CHECK, ("audit", "audit.yaml", "--out", "run")))

    assert [
        (
            "audit.yaml:3:1: target.positive: log.csv: the positive value '1' never occurs in column 'repaid'; declare "
            "target.positive; found: 0"
        ),
        (
            "audit.yaml:3:56: target.favourable: log.csv: the favourable decision '7' never occurs in column "
            "'approved'; found: 0, 1"
        ),
        "audit.yaml:5:9: groups.sex.reference: 'X' is not among the groups; found: F, M",
        "audit.yaml:6:25: groups.age.labels: 3 labels for 1 interval; expected one each",
        "audit.yaml:6:44: groups.age.reference: 'd' is not among the groups; found: a, b, c",
        "audit.yaml:7:24: groups.years.bins: [3, 2, 9] do not rise; expected at least two rising numbers",
        "audit.yaml:7:41: groups.years.labels: the label 'a' occurs twice; name each interval differently",
        "audit.yaml:8:24: groups.words.bins: row 1: column 'sex' holds 'F', expected a number",
        "audit.yaml:9:24: groups.young.bins: row 12: age 31 lies outside the bins 0 to 30; widen the bins",
    ] == checked.err.splitlines()
    assert (2, checked) == (checked.code, audited)
    assert not (tmp_path / "run").exists()


def test_a_group_whose_column_the_log_is_not_to_read_is_named(tmp_path: Path) -> None:
    """``target.columns`` says what else is read."""
    write_plan(tmp_path, (PLAN + LIMITS).replace("label: repaid", "label: repaid, columns: [id]"))

    assert (
        "audit.yaml:5:3: groups.sex: target.columns leaves out the column 'sex'; add it there, or leave target.columns "
        "out\n"
    ) == entered(tmp_path, *CHECK).err


def test_values_of_rows_beside_a_model_are_held_against_its_labels(tmp_path: Path) -> None:
    """As the plan names the classes, or the model's file; where only loading shows them, the audit says the same."""
    write_sklearn_plan(tmp_path)
    plan = tmp_path / "audit.yaml"
    text = plan.read_text("utf-8").replace("favourable: 1", "favourable: 7")
    plan.write_text(
        text.replace("model.skops", "model.skops, labels: [0, 1]").replace("label: repaid", "label: sex"), "utf-8"
    )
    named = entered(tmp_path, *CHECK)
    plan.write_text(text, "utf-8")

    assert [
        (
            "audit.yaml:4:1: data.positive: not declared, and '1', which then counts, is not among the values of "
            "column 'sex'; declare data.positive, the value that the system tries to detect; found: F, M"
        ),
        "audit.yaml:5:12: decision.favourable: '7' is not among the model's classes; found: 0, 1",
    ] == named.err.splitlines()
    said = "audit.yaml:5:12: decision.favourable: '7' is not among the model's classes; found: 0, 1\n"
    assert said == entered(tmp_path, *CHECK).err
    model = skops.io.load(tmp_path / "model.skops")
    joblib.dump(model, tmp_path / "model.joblib")
    sha = codec.digest((tmp_path / "model.joblib").read_bytes()).removeprefix("sha256:")
    plan.write_text(text.replace("model.skops", "model.joblib, unsafe_pickle: true, sha256: " + sha), "utf-8")
    assert 0 == entered(tmp_path, *CHECK).code
    assert said == entered(tmp_path, "audit", "audit.yaml", "--out", "run").err.splitlines(keepends=True)[-1]


def test_a_models_own_classes_want_their_positive_value(tmp_path: Path) -> None:
    """Without labels, in plan or rows: 1 counts, and no class is called so."""
    write_sklearn_plan(tmp_path)
    inputs = np.linspace(-1, 1, 50)[:, None]
    words = LogisticRegression().fit(inputs, np.where(inputs[:, 0] > 0, "yes", "no"))
    skops.io.dump(words, tmp_path / "model.skops")
    plan = tmp_path / "audit.yaml"
    text = plan.read_text("utf-8").replace("favourable: 1", "favourable: 'yes'").replace("label: repaid, ", "")
    plan.write_text(text, "utf-8")
    said = (
        "data.positive: not declared, and '1', which then counts, is not among the model's classes; declare "
        "data.positive, the value that the system tries to detect; found: no, yes\n"
    )

    assert f"audit.yaml:4:1: {said}" == entered(tmp_path, *CHECK).err
    plan.write_text(text.replace("path: rows.csv", "path: rows.csv, positive: 'yes'"), "utf-8")
    assert 0 == entered(tmp_path, *CHECK).code


def test_readings_of_a_record_that_is_not_there_are_missed_at_their_line(tmp_path: Path) -> None:
    """Before anything is asked."""
    write_plan(tmp_path, PLAN + LIMITS + "energy: {replay: nothere}\n")

    assert (
        "audit.yaml:11:10: energy.replay: nothere: no audit record; name a folder that `probandum audit` wrote\n"
        == (entered(tmp_path, *CHECK).err)
    )


# Options of a target.

SKLEARN = "type: sklearn, path: model.skops"
LABELLED = {
    "sklearn": SKLEARN,
    "onnx": "type: onnx, path: model.skops",
    "callable": "type: callable, function: 'fn:score', kind: predict",
    "oip": "type: oip, url: 'http://127.0.0.1:1', model: m",
    "http": "type: http, url: 'http://127.0.0.1:1', kind: predict, request: {x: '{matrix}'}, response: p",
    "xgboost": "type: xgboost, path: model.skops",
    "lightgbm": "type: lightgbm, path: model.skops",
}


def test_every_target_that_takes_labels_is_in_the_list() -> None:
    """A new one joins it."""
    assert set(LABELLED) == {
        name for name, cls in known_targets().items() if "labels" in inspect.signature(cls).parameters
    }


@pytest.mark.parametrize("type", LABELLED)
@pytest.mark.parametrize(
    ("value", "line"),
    [
        *((value, "target.labels: expected a list, got ") for value in ("5", "true", "-1", "1.5", '"a\\nb"', "{a: 1}")),
        ("[]", "target.labels: names no class; name each, or leave labels out"),
        ("[[]]", "target.labels.0: expected the name of a class, got []"),
        ("[a, ~]", "target.labels.1: expected the name of a class, got None"),
        ('["a\\nb", "a\\nb"]', "target.labels: the name 'a\\nb' occurs twice"),
    ],
)
def test_labels_that_are_none_are_one_line_whatever_else_is_read(
    tmp_path: Path, type: str, value: str, line: str
) -> None:
    """Rows and decisions are held against labels only where these are labels."""
    plan = write_sklearn_plan(tmp_path)
    plan.write_text(plan.read_text("utf-8").replace(SKLEARN, f"{LABELLED[type]}, labels: {value}"), "utf-8")
    ended = entered(tmp_path, *CHECK)
    (told,) = [each for each in ended.err.splitlines() if "target.labels" in each]

    assert 2 == ended.code
    assert f": {line}" in told
    assert re.match(r"audit.yaml:3:\d+: ", told)
    assert all(re.match(r"audit.yaml:\d+:\d+: ", each) for each in ended.err.splitlines()), ended.err


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("columns: 5", "3:71: target.columns: expected a list or nothing, got 5"),
        ("columns: true", "3:71: target.columns: expected a list or nothing, got True"),
        ("columns: {a: 1}", "3:71: target.columns: expected a list or nothing, got {'a': 1}"),
    ],
)
def test_columns_of_a_log_that_are_no_list_are_one_line(tmp_path: Path, written: str, line: str) -> None:
    """Its header is read once they are."""
    write_plan(tmp_path, PLAN.replace("label: repaid", written))
    ended = entered(tmp_path, *CHECK)

    assert (2, f"audit.yaml:{line}\n") == (ended.code, ended.err)


@pytest.mark.parametrize("type", ["oip", "http"])
@pytest.mark.parametrize(
    ("headers", "lines"),
    [
        ("{a: é}", ["target.headers.a: holds characters that no header can; write them in ASCII"]),
        ('{a: "x\\ny"}', ["target.headers.a: holds characters that no header can; write them in ASCII"]),
        ("{a: [x], b: 1}", ["target.headers.a: expected text"]),
        (
            '{bad name: x, "a\\nb": x}',
            [
                "target.headers.bad name: no name of a header, which holds letters, digits and signs alone",
                "target.headers.a\\nb: no name of a header, which holds letters, digits and signs alone",
            ],
        ),
    ],
)
def test_headers_that_http_does_not_carry_are_found_before_anything_is_sent(
    tmp_path: Path, type: str, headers: str, lines: list[str]
) -> None:
    """Each at its own place."""
    plan = write_sklearn_plan(tmp_path)
    plan.write_text(plan.read_text("utf-8").replace(SKLEARN, f"{LABELLED[type]}, headers: {headers}"), "utf-8")
    ended = entered(tmp_path, *CHECK)

    assert 2 == ended.code
    assert lines == [re.sub(r"^audit.yaml:3:\d+: ", "", line) for line in ended.err.splitlines()]


@pytest.mark.parametrize("value", ["a\\nb", "a\\rb", "a\\u2028b", "\\e[2Kb"])
def test_a_line_break_in_a_value_breaks_no_line(tmp_path: Path, value: str) -> None:
    """It is shown as Python writes it, and so is what moves the cursor of a terminal."""
    write_plan(tmp_path, PLAN.replace("log.csv", f'"{value}.csv"'))
    ended = entered(tmp_path, *CHECK)

    shown = value.replace("\\e", "\\x1b")
    assert (2, 1) == (ended.code, len(ended.err.splitlines()))
    assert f"{shown}.csv: " in ended.err
    assert ended.err.rstrip("\n").isprintable()


# A model that the plan calls by a dot.


@pytest.mark.parametrize("path", [".", "", "..", "inner/.."])
def test_a_model_folder_is_named_whatever_the_plan_calls_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """An error about nothing helps nobody."""
    folder = tmp_path / "small-model"
    (folder / "inner").mkdir(parents=True)
    monkeypatch.chdir(folder / "inner" if path == ".." else folder)
    place = Place.of(TargetContext(folder=Path()), {"path": path})

    with pytest.raises(TargetError) as caught:
        Checkpoint.read(place, task="auto")
    assert "small-model: no model folder: it has no config.json" == caught.value.message
