"""Running: killed and resumed without asking twice, repeated to the byte, refused where it would mix two audits."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

import killed
from paths import ROOT
from probandum import api, codec
from probandum.errors import DataError, PlanError, UsageError
from probandum.finding import Verdict
from probandum.record import Record
from probandum.reporting import dossier
from probandum_reports import facts
from records import LIMITS, PLAN, write_log, write_plan, write_sklearn_plan


def start(plan: Path, out: Path) -> int:
    """The exit code of a run in a process of its own."""
    command = [sys.executable, str(ROOT / "tests" / "killed.py"), str(plan), str(out)]
    return subprocess.run(command, check=False, capture_output=True).returncode


def asked(folder: Path) -> list[str]:
    """What the system was asked, in order."""
    return (folder / "calls.txt").read_text("utf-8").splitlines()


def test_a_killed_run_resumes_asks_nothing_twice_and_ends_with_the_same_findings(tmp_path: Path) -> None:
    """kill -9 at the seventh of ten rounds; the seventh, which was not answered, is the only one asked again."""
    whole = killed.write(tmp_path / "whole")
    assert 0 == start(whole, tmp_path / "whole" / "run")
    cut = killed.write(tmp_path / "cut")
    (cut.parent / "kill_at.txt").write_text("7")

    assert -signal.SIGKILL == start(cut, cut.parent / "run")
    assert 7 == len(asked(cut.parent))
    (cut.parent / "kill_at.txt").unlink()
    assert 0 == start(cut, cut.parent / "run")

    assert killed.ROUNDS + 1 == len(asked(cut.parent))
    assert killed.ROUNDS == len(set(asked(cut.parent)))
    assert (whole.parent / "run/findings.json").read_bytes() == (cut.parent / "run/findings.json").read_bytes()
    assert [] == [step.title for step in api.verify(cut.parent / "run") if step.held is False]
    assert not (cut.parent / "run" / "journal.jsonl").exists()


def test_a_half_written_last_line_is_dropped_when_a_run_resumes(tmp_path: Path) -> None:
    """What a power cut left behind is no answer."""
    cut = killed.write(tmp_path)
    (tmp_path / "kill_at.txt").write_text("4")
    start(cut, tmp_path / "run")
    (tmp_path / "kill_at.txt").unlink()
    with (tmp_path / "run" / "journal.jsonl").open("ab") as file:
        file.write(b'{"answer":{"err')

    assert 0 == start(cut, tmp_path / "run")
    assert [] == [step.title for step in api.verify(tmp_path / "run") if step.held is False]


def test_with_the_cache_off_a_killed_run_starts_over(tmp_path: Path) -> None:
    """``cache: off`` reuses nothing."""
    cut = killed.write(tmp_path)
    cut.write_text(killed.PLAN + "execution: {cache: off}\n".replace("off", '"off"'), "utf-8")
    (tmp_path / "kill_at.txt").write_text("4")
    start(cut, tmp_path / "run")
    (tmp_path / "kill_at.txt").unlink()
    start(cut, tmp_path / "run")

    assert 4 + killed.ROUNDS == len(asked(tmp_path))


def test_the_same_plan_twice_gives_byte_identical_findings(tmp_path: Path) -> None:
    """Nothing in a finding depends on the clock, the folder or the order of a set."""
    plan = write_plan(tmp_path)
    api.audit(plan, out=tmp_path / "one", documents=False)
    api.audit(plan, out=tmp_path / "two", documents=False)

    assert (tmp_path / "one/findings.json").read_bytes() == (tmp_path / "two/findings.json").read_bytes()


def test_a_sealed_record_of_the_same_plan_is_judged_again_and_asks_nothing(tmp_path: Path) -> None:
    """Changing a limit needs no model."""
    plan = write_plan(tmp_path)
    first = api.audit(plan, out=tmp_path / "run", documents=False)
    (tmp_path / "audit.yaml").write_text(PLAN + LIMITS.replace("0.8", "0.2"), "utf-8")
    second = api.audit(plan, out=tmp_path / "run", documents=False)
    found = {finding.metric: finding.verdict for finding in second.findings if finding.limit is not None}

    assert {"bias.group-rates/impact-ratio": Verdict.PASS} == found
    assert 2 == len(list((first.folder / "judgements").iterdir()))


def test_the_record_of_another_plan_is_refused_and_untouched(tmp_path: Path) -> None:
    """Another question, or other bytes of the data, is another record."""
    plan = write_plan(tmp_path)
    record = api.audit(plan, out=tmp_path / "run", documents=False)
    before = {path: path.read_bytes() for path in record.folder.rglob("*") if path.is_file()}
    write_log(tmp_path, seed=2)

    with pytest.raises(UsageError, match="another plan, model or data set"):
        api.audit(plan, out=tmp_path / "run", documents=False)
    assert before == {path: path.read_bytes() for path in record.folder.rglob("*") if path.is_file()}


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    """An audit never writes between somebody's files."""
    plan = write_plan(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("")

    with pytest.raises(UsageError, match="not empty and not an audit record"):
        api.audit(plan, out=tmp_path / "mine", documents=False)


def test_files_of_a_record_are_their_owners_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evidence may speak of persons: mode 600, every folder 700, that of all records included."""
    monkeypatch.chdir(tmp_path)
    record = api.audit(write_plan(tmp_path))
    inside = list((tmp_path / "runs").rglob("*"))

    assert record.folder.resolve() in inside
    assert {0o600} == {path.stat().st_mode & 0o777 for path in inside if path.is_file()}
    assert {0o700} == {path.stat().st_mode & 0o777 for path in [tmp_path / "runs", *inside] if path.is_dir()}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("path: log.csv", "path: nothing.csv"), "nothing.csv"),
        (("favourable: 1,", ""), "favourable"),
        (("decision: approved", "decision: aproved"), "no column 'aproved', did you mean 'approved'?"),
        (("sex: {reference: M}", "gender: {column: gender}"), "no column 'gender'"),
        (("reference: M", "reference: X"), "sex.reference: 'X' is not among the groups; found: F, M"),
        (("favourable: 1,", "favourable: 7,"), "'7'"),
    ],
)
def test_a_plan_that_does_not_fit_its_data_is_one_error_before_anything_runs(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    """Nothing is written for an audit that cannot be."""
    plan = write_plan(tmp_path, (PLAN + LIMITS).replace(*change))

    with pytest.raises((DataError, UsageError)) as caught:
        api.audit(plan, out=tmp_path / "run", documents=False)
    assert 2 == caught.value.exit_code
    assert message in caught.value.message
    assert not (tmp_path / "run" / "findings.json").exists()


def test_a_group_without_positives_is_inconclusive_and_named(tmp_path: Path) -> None:
    """No rate is made of no data: neither 0 nor 1, nor silence."""
    limits = "limits:\n  - {metric: bias.group-rates/tpr-difference, band: 0.05}\n"
    plan = write_plan(tmp_path, PLAN + limits)
    rows = (tmp_path / "log.csv").read_text("utf-8").splitlines()
    kept = [rows[0], *(",".join([*row.split(",")[:3], "0"]) if ",F," in row else row for row in rows[1:])]
    (tmp_path / "log.csv").write_text("\n".join(kept) + "\n", "utf-8")
    record = api.audit(plan, out=tmp_path / "run", documents=False)
    (finding,) = [each for each in record.findings if each.metric == "bias.group-rates/tpr-difference"]

    assert Verdict.INCONCLUSIVE is finding.verdict
    assert None is finding.estimate.value
    assert "F" in (finding.why or "") and "positive" in (finding.why or "")
    assert 3 == api.gate(record).code


def test_an_empty_data_set_is_one_error(tmp_path: Path) -> None:
    """A header and no rows."""
    plan = write_plan(tmp_path)
    (tmp_path / "log.csv").write_text("id,sex,approved,repaid\n", "utf-8")

    with pytest.raises(PlanError, match="a header and no rows"):
        api.audit(plan, out=tmp_path / "run", documents=False)


def test_answers_are_shared_between_runs_only_where_the_plan_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record says which answers came from the cache, and of what day."""
    monkeypatch.setenv("PROBANDUM_CACHE", str(tmp_path / "cache"))
    plan = write_sklearn_plan(tmp_path, execution="{cache: shared}")
    one = api.audit(plan, out=tmp_path / "one", documents=False)
    two = api.audit(plan, out=tmp_path / "two", documents=False)

    assert {"local"} == {observation.placement for observation in one.observations()}
    assert {"cache, answered"} == {observation.placement[:15] for observation in two.observations()}
    assert codec.encode(one.findings) == codec.encode(two.findings)
    (day,) = {observation.cached_on for observation in two.observations()}
    assert [(0, ()), (300, (day,))] == [
        (dossier(run).accounts[0].cached, dossier(run).accounts[0].cached_days) for run in (one, two)
    ]
    said = f"; 300 answered from the shared cache, on {day}"
    assert facts.run_facts(dossier(two))["inputs.bias.group-rates"].endswith(said)
    api.export(two, api.gate(two), summary=tmp_path / "summary.md")
    assert f"{said}</summary>" in (tmp_path / "summary.md").read_text("utf-8")


def test_an_answer_is_shared_only_between_runs_that_ask_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another decision, or fewer tokens a pass, may be answered otherwise."""
    monkeypatch.setenv("PROBANDUM_CACHE", str(tmp_path / "cache"))
    plan = write_sklearn_plan(tmp_path, execution="{cache: shared}")
    text = plan.read_text("utf-8")
    for number, (old, new) in enumerate(
        (("", ""), ("threshold: 0.5", "threshold: 0.6"), ("shared}", "shared, batch_tokens: 64}"))
    ):
        plan.write_text(text.replace(old, new), "utf-8")
        record = api.audit(plan, out=tmp_path / f"run{number}", documents=False)
        assert {"local"} == {observation.placement for observation in record.observations()}


def test_a_record_can_be_opened_only_where_there_is_one(tmp_path: Path) -> None:
    """The message says what a record is."""
    from probandum.errors import RecordError

    with pytest.raises(RecordError, match="no audit record"):
        Record.open(tmp_path)


def test_another_card_or_tier_is_another_judgement_even_where_the_findings_agree(tmp_path: Path) -> None:
    """Documents and gate speak of the judgement made last, and of none that happens to hold the same findings."""
    plan = write_plan(tmp_path)
    for number in range(5):
        plan.write_text((PLAN + LIMITS).replace("Decides on loans", f"Purpose {number}"), "utf-8")
        record = api.audit(plan, out=tmp_path / "run", documents=False)

        assert f"Purpose {number}" == dossier(record).card["purpose"]
    api.judge(record, tier="pr")
    assert "merge" == dossier(record).gate["mode"]


@pytest.mark.parametrize(("execution", "told"), [("{}", "2"), ("{threads: 1}", 1)])
def test_the_threads_that_a_person_set_stand_in_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, execution: str, told: object
) -> None:
    """They move float32 results in the fifth digit; what the plan says comes first."""
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    record = api.audit(write_sklearn_plan(tmp_path, execution=execution), out=tmp_path / "run", documents=False)

    assert told == record.environment["machine"]["threads"]
