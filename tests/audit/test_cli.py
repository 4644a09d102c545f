"""The command line: one line for a mistake, its exit code, and no traceback unless asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable
from functools import partial
from importlib.metadata import metadata
from pathlib import Path

import pytest

from commands import Ended, entered
from paths import ROOT
from probandum import api, doctor
from probandum.signing import keygen
from records import LIMITS, PLAN, write_plan, write_sklearn_plan

Command = Callable[..., Ended]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Runs the command line in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return partial(entered, tmp_path)


def test_an_audit_ends_with_the_gates_code_and_says_where_to_look(command: Command, tmp_path: Path) -> None:
    """A broken limit is 1, with the finding, its interval and its n."""
    ended = command("audit", write_plan(tmp_path), "--out", "run")

    assert 1 == ended.code
    assert "gate 1: a limit is broken" in ended.out
    assert "bias.group-rates/impact-ratio?sex=F~M: FAIL" in ended.out
    assert "run/reports/index.html" in ended.out
    assert "\x1b[" not in ended.out


@pytest.mark.parametrize(
    ("module", "package", "extra"),
    [("typst", "typst", "pdf"), ("docx", "python-docx", "docx"), ("matplotlib", "matplotlib", "charts")],
)
def test_a_package_that_documents_need_is_missed_before_anything_is_asked(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, package: str, extra: str
) -> None:
    """An audit does not begin, of several plans none; `plan check` tells it; without documents nothing is needed."""
    plan = write_plan(tmp_path, PLAN + LIMITS + "documents: [merge_summary]\n")
    alone = write_plan(tmp_path, PLAN + LIMITS, name="alone.yaml")
    monkeypatch.setitem(sys.modules, module, None)
    ended, checked = command("audit", alone, plan), command("plan", "check", plan)

    assert 2 == ended.code
    assert ended.err.startswith(f"error: {package} is not installed, and ")
    assert ended.err.endswith(f"install it with: pip install 'probandum[{extra}]'\n")
    assert not (tmp_path / "runs").exists()
    assert 0 == checked.code
    assert f"audit.yaml:11:1: documents: {package} is not installed, and " in checked.out
    assert 1 == command("audit", alone, "--out", "run").code
    assert "is not installed" not in command("plan", "check", alone).out


def test_a_package_that_is_there_and_does_not_load_stops_an_audit(tmp_path: Path) -> None:
    """It is found by loading it, before anything is asked."""
    (tmp_path / "typst.py").write_text("raise ImportError('built for another machine')\n")
    plan = write_plan(tmp_path, PLAN + LIMITS + "documents: [merge_summary]\n")
    line = [
        sys.executable,
        "-c",
        "from probandum import cli; cli.main()",
        "audit",
        str(plan),
        "--out",
        str(tmp_path / "run"),
    ]
    ended = subprocess.run(line, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(tmp_path)})

    assert 2 == ended.returncode
    assert ended.stderr.startswith("error: typst is not installed, and writing PDF and Word files needs it; ")
    assert not (tmp_path / "run").exists()


def test_exit_zero_is_said_and_changes_the_code_alone(command: Command, tmp_path: Path) -> None:
    """A demonstration may end with 0; the gate is printed all the same."""
    ended = command("audit", write_plan(tmp_path), "--out", "run", "--exit-zero")

    assert 0 == ended.code
    assert "gate 1" in ended.out


def test_gate_verify_and_report_read_the_record_alone(command: Command, tmp_path: Path) -> None:
    """None of them needs the plan or the data any more."""
    plan = write_plan(tmp_path)
    command("audit", plan, "--out", "run")
    plan.unlink()
    (tmp_path / "log.csv").unlink()
    verified = command("verify", "run")

    assert 1 == command("gate", "run").code
    assert 0 == verified.code
    assert [f"{number}." for number in range(1, 10)] + ["10"] == [line[:2] for line in verified.out.splitlines()]
    assert "9. -      " in verified.out
    assert "9. ok     " in command("verify", "run", "--render").out
    assert 0 == command("report", "run", "--out", "again", "--format", "md").code


def test_an_inconclusive_audit_is_3_and_so_is_one_without_a_limit(command: Command, tmp_path: Path) -> None:
    """A gate that judged nothing does not pass."""
    none = command("audit", write_plan(tmp_path, PLAN), "--out", "none")
    near = command("audit", write_plan(tmp_path, gap=0.1), "--out", "near")

    assert 3 == none.code
    assert "nothing was judged" in none.out
    assert 3 == near.code
    assert "a verdict would need about n = " in near.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("audit", "nothing.yaml"), "nothing.yaml: No such file or directory"),
        (("audit", "audit.yaml", "--tier", "weekly"), "no tier 'weekly'"),
        (("audit", "audit.yaml", "--key", "nothing.pem"), "nothing.pem"),
        (("audit", "audit.yaml", "audit.yaml", "--out", "x"), "--out names one folder"),
        (("law", "show", "ai-act:annex-iv:2:z"), "ai-act:annex-iv:2:z"),
    ],
)
def test_a_wrong_command_is_one_line_and_2(
    command: Command, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    """Nothing was run, nothing was written."""
    write_plan(tmp_path)
    ended = command(*words)

    assert 2 == ended.code
    assert 1 == len(ended.err.splitlines())
    assert message in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("change", "place", "message"),
    [
        (("bias.group-rates: {}\n" + LIMITS, "bias.group-rate: {}\n"), "7:3", "did you mean 'bias.group-rates'?"),
        (("bias.group-rates: {}", "bias.group-rates: {sampel: 2}"), "7:3", "did you mean 'sample'?"),
        (("rates: {}", "rates: {}\n  bias.intersections: {order: two}"), "8:3", "expected 2 or 3, got 'two'"),
        (("version: 1", "version: 2"), "1:1", "version"),
        (("at_least: 0.8", "at_lest: 0.8"), "9:45", "did you mean 'at_least'?"),
        (("decision: approved", "decison: approved"), "3:36", "did you mean 'decision'?"),
        (("limits:", "documents: [annex_6]\nlimits:"), "8:13", "did you mean 'annex_iv'?"),
    ],
)
def test_a_mistake_in_a_plan_names_file_line_and_column(
    command: Command, tmp_path: Path, change: tuple[str, str], place: str, message: str
) -> None:
    """The line to look at comes first."""
    ended = command("audit", write_plan(tmp_path, (PLAN + LIMITS).replace(*change)), "--out", "run")

    assert 2 == ended.code
    assert f"audit.yaml:{place}: " in ended.err
    assert message in ended.err
    assert not (tmp_path / "run").exists()


def test_the_mistakes_of_all_plans_come_at_once(command: Command, tmp_path: Path) -> None:
    """One line a mistake, of every plan that has some, before the sound ones are carried out."""
    sound = write_plan(tmp_path)
    lest = write_plan(tmp_path, (PLAN + LIMITS).replace("at_least: 0.8", "at_lest: 0.8"), name="lest.yaml")
    many = (PLAN + LIMITS).replace("decision: approved", "decison: approved").replace("version: 1", "version: 2")
    ended = command("audit", sound, lest, write_plan(tmp_path, many, name="many.yaml"), "missing.yaml")

    lines = ended.err.splitlines()
    assert 2 == ended.code
    assert any("lest.yaml:9:45: " in line for line in lines)
    assert any("many.yaml:1:1: " in line for line in lines)
    assert any("missing.yaml" in line for line in lines)
    assert not (tmp_path / "runs").exists()


def test_a_long_name_of_a_system_is_cut_in_the_name_of_its_folder(command: Command, tmp_path: Path) -> None:
    """Two plans of names that begin alike still have a folder each, by their keys."""
    names = [f"{'Scorer ' * 700}{end}" for end in ("one", "two")]
    plans = []
    for place, name in enumerate(names):
        text = (PLAN + LIMITS).replace("name: Loan desk", f"name: {name}")
        plans.append(write_plan(tmp_path / str(place), text, gap=0.1 * place))
    ended = command("audit", *plans, "--exit-zero")

    assert 0 == ended.code, ended.err
    made = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert 2 == len(made)
    assert all(len(name) <= 60 + 1 + 8 and name.startswith("scorer-scorer-") for name in made)


def test_a_key_that_is_none_is_one_plain_line_at_verify(command: Command, tmp_path: Path) -> None:
    """The file, what was expected, and what to name."""
    record = write_plan(tmp_path)
    command("audit", record, "--out", "run")
    (tmp_path / "no.pub").write_text("no key", "utf-8")

    ended = command("verify", "run", "--key", "no.pub")

    said = "not a PEM public key; name the file that `probandum keygen FILE` wrote beside the key: FILE.pub"
    assert 2 == ended.code
    assert f"error: no.pub: {said}" == ended.err.strip()


def test_a_wrong_key_at_verify_is_4_and_named(command: Command, tmp_path: Path) -> None:
    """A signature by another key is no signature."""
    keygen(tmp_path / "ours")
    keygen(tmp_path / "theirs")
    command("audit", write_plan(tmp_path), "--out", "run", "--key", "ours")

    assert 0 == command("verify", "run", "--key", "ours.pub").code
    assert 2 == command("report", "run", "--format", "md").code
    assert 2 == command("report", "run", "--format", "md", "--key", "theirs").code
    assert 0 == command("report", "run", "--format", "md", "--key", "ours").code
    assert 0 == command("verify", "run", "--key", "ours.pub", "--render").code
    wrong = command("verify", "run", "--key", "theirs.pub")
    assert 4 == wrong.code
    assert "was not made with key" in wrong.out
    assert 4 == command("gate", "run", "--key", "theirs.pub").code


def test_a_truncated_record_is_4_and_names_the_file(command: Command, tmp_path: Path) -> None:
    """Half a record is not judged."""
    command("audit", write_plan(tmp_path), "--out", "run")
    path = tmp_path / "run" / "ask" / "estimates.json"
    path.write_bytes(path.read_bytes()[:100])
    ended = command("gate", "run")

    assert 4 == ended.code
    assert "ask/estimates.json" in ended.out


def test_a_model_file_that_is_no_model_is_4(command: Command, tmp_path: Path) -> None:
    """The system could not be loaded; the message names the file."""
    plan = write_sklearn_plan(tmp_path)
    with zipfile.ZipFile(tmp_path / "model.skops", "w") as file:
        file.writestr("schema.json", "no schema")
    ended = command("audit", plan, "--out", "run")

    assert 4 == ended.code
    assert "model.skops: no skops file" in ended.err


def test_a_file_that_shows_from_outside_that_it_is_no_model_is_2(command: Command, tmp_path: Path) -> None:
    """The plan names the wrong one, and nothing is loaded."""
    plan = write_sklearn_plan(tmp_path)
    (tmp_path / "model.skops").write_bytes(b"no model")
    ended = command("audit", plan, "--out", "run")

    assert 2 == ended.code
    assert "audit.yaml:3:25: target.path: model.skops: no skops file: expected a zip archive" in ended.err


def test_a_pickle_without_the_flag_is_refused_unread(command: Command, tmp_path: Path) -> None:
    """Loading a pickle runs whatever code is in it: here it would leave a file behind."""
    import pickle

    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str, ...]]:
            return Path.touch, (Path("ran.txt"),)  # type: ignore[return-value]

    plan = write_sklearn_plan(tmp_path)
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(Bomb()))
    plan.write_text(plan.read_text("utf-8").replace("model.skops", "model.pkl"), "utf-8")
    ended = command("audit", plan, "--out", "run")

    assert 2 == ended.code
    assert "model.pkl: loading a pickle runs whatever code is in it" in ended.err
    assert not (tmp_path / "ran.txt").exists()


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    """Only where it is asked for."""
    words = [sys.executable, "-m", "probandum.cli", "audit", "nothing.yaml", "--debug"]
    program = "import sys; from probandum.cli import main; sys.argv = sys.argv[1:]; main()"
    ended = subprocess.run(
        [sys.executable, "-c", program, "probandum", *words[3:]],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )

    assert "Traceback" in ended.stderr
    assert 2 == ended.returncode


def test_the_schema_is_printed_for_editors(command: Command) -> None:
    """JSON, whole."""
    ended = command("plan", "schema")

    assert 0 == ended.code
    assert "properties" in json.loads(ended.out)


def test_checking_a_plan_runs_nothing(command: Command, tmp_path: Path) -> None:
    """It says how much there is to do."""
    ended = command("plan", "check", write_plan(tmp_path))

    assert 0 == ended.code
    assert "fits; 1 probe, 1 limit, ask" in ended.out
    assert not (tmp_path / "runs").exists()


def test_doctor_names_what_is_there_and_what_is_missing(command: Command) -> None:
    """One line a fact."""
    ended = command("doctor")

    assert 0 == ended.code
    extras = {each for each in metadata("probandum").get_all("Provides-Extra") or () if each not in ("all", "dev")}
    for word in ("cpu", "NVML", "RAPL", "codecarbon", "fonts", "cache", "signing", *extras):
        assert any(line[4:].startswith(f"{word} ") for line in ended.out.splitlines()), word
    assert all(line[:2] in ("ok", "--", "pr") for line in ended.out.splitlines())


def test_doctor_knows_what_every_extra_is_for() -> None:
    """Each one that ``all`` brings has its own words, so that a new one is not forgotten."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    (whole,) = project["optional-dependencies"]["all"]

    assert set(whole.removeprefix("probandum[").removesuffix("]").split(",")) == set(doctor.PURPOSES)


def test_help_and_plan_checks_load_no_heavy_library(tmp_path: Path) -> None:
    """They answer at once."""
    plan = write_plan(tmp_path)
    program = f"""
import sys
from probandum import api, cli
from probandum.preparing import prepare
prepare(api.load_plan({str(plan)!r}))
heavy = {{"torch", "transformers", "shap", "lime", "sklearn", "pandas", "matplotlib", "codecarbon", "typst", "docx"}}
print(sorted(heavy & set(sys.modules)))
"""
    ended = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert "[]\n" == ended.stdout


def test_judging_under_another_plan_asks_nothing(command: Command, tmp_path: Path) -> None:
    """Other limits, the same record."""
    plan = write_plan(tmp_path)
    command("audit", plan, "--out", "run")
    milder = tmp_path / "milder.yaml"
    milder.write_text(plan.read_text("utf-8").replace("0.8", "0.2"), "utf-8")
    before = command("judge", "run")
    quiet = command("judge", "run", "--exit-zero")
    ended = command("judge", "run", "--plan", milder)

    assert "gate 0" in ended.out
    assert (1, 0, 0) == (before.code, quiet.code, ended.code)
    assert "gate 1" in before.out and "gate 1" in quiet.out
    assert 0 == api.gate("run").code


def test_a_gate_on_a_later_day_names_the_waiver_that_ended(command: Command, tmp_path: Path) -> None:
    """In the terminal, in every export and in what judging prints."""
    plan = write_plan(tmp_path)
    record = api.audit(plan, out=tmp_path / "run", documents=False)
    today = str(record.environment["started"])[:10]
    waiver = '{finding: "bias.group-rates/impact-ratio?sex=F~M", owner: Jane Doe, reason: under way, '
    waiver += f"set_on: {today}, expires: {today}, worst: 0.1}}"
    plan.write_text(plan.read_text("utf-8") + f"waivers:\n  - {waiver}\n", "utf-8")
    files = {name: tmp_path / name for name in ("sarif", "junit", "gitlab", "summary")}
    words = [word for name in files for word in (f"--{name}", name)]
    judged = command("judge", "run", "--plan", plan, "--as-of", today)
    held = command("gate", "run", "--as-of", today, "--annotations", *words)
    summary = files["summary"].read_text("utf-8")
    later = command("gate", "run", "--as-of", "2099-01-01", "--annotations", *words)

    assert (0, 0, 1) == (judged.code, held.code, later.code)
    assert f"waived by Jane Doe until {today}, no worse than 0.1" in summary
    assert "under way" in summary
    assert f"the waiver by Jane Doe ended on {today}: mend what was found" in later.out
    assert f"sex=F~M (line 12) ended on {today}" in later.out
    for name in ("sarif", "junit", "gitlab"):
        assert f"ended on {today}" in files[name].read_text("utf-8"), name
    assert f"ended on {today}" in files["summary"].read_text("utf-8")
    assert 2 == command("gate", "run", "--as-of", "2020-01-01").code
