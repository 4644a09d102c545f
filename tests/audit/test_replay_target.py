"""A recorded audit answers again: the same findings without the model, and nothing that was not recorded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression

from probandum import api, codec
from probandum.errors import DataError, ProbandumError, RecordError, TargetError
from probandum.evidence import Capability, Observation, Request
from probandum.finding import Verdict
from probandum.journal import packed
from probandum.plan import Plan
from probandum.record import Record
from probandum.target import TargetContext, make_target
from probandum.targets import load_builtin
from records import write_sklearn_plan

load_builtin()

SUITES = "bias.group-rates: {}, energy.inference: {seconds: 0.01}"


def replayed(plan: Path, record: str, *, energy: bool = True) -> Path:
    """The same plan, answered by a record instead of the model."""
    text = plan.read_text("utf-8").replace("type: sklearn, path: model.skops", f"type: replay, record: {record}")
    if energy:
        text = text.replace("energy: {codecarbon: false}", f"energy: {{codecarbon: false, replay: {record}}}")
    path = plan.with_name("replay.yaml")
    path.write_text(text, "utf-8")
    return path


def other_model(path: Path) -> None:
    """A model of one column that answers otherwise than the one of the records."""
    values = np.linspace(-1, 1, 50)[:, None]
    skops.io.dump(LogisticRegression(C=0.1).fit(values, (values[:, 0] > 0.2).astype(int)), path)


def test_an_audit_replays_without_its_model(tmp_path: Path) -> None:
    """Every finding is byte-identical, energy ones too; the record says that nobody was asked."""
    plan = write_sklearn_plan(tmp_path, suites=SUITES)
    first = api.audit(plan, out=tmp_path / "first", documents=False)
    (tmp_path / "model.skops").unlink()
    again = api.audit(replayed(plan, "first"), out=tmp_path / "again", documents=False)
    target = again.environment["target"]

    assert (first.folder / "findings.json").read_bytes() == (again.folder / "findings.json").read_bytes()
    assert "energy.inference/seconds-per-request" in {finding.metric for finding in again.findings}
    assert "replay" == target["type"]
    assert "the system itself was not asked" in target["cautions"][-1]
    assert first.environment["target"]["identity"] == target["identity"]["recorded_identity"]


def test_a_replay_can_be_replayed(tmp_path: Path) -> None:
    """What a record says does not wear off."""
    plan = write_sklearn_plan(tmp_path, suites=SUITES)
    first = api.audit(plan, out=tmp_path / "first", documents=False)
    api.audit(replayed(plan, "first"), out=tmp_path / "again", documents=False)
    third = api.audit(replayed(plan, "again"), out=tmp_path / "third", documents=False)

    assert codec.encode(first.findings) == codec.encode(third.findings)


def test_energy_cannot_be_measured_on_a_replay(tmp_path: Path) -> None:
    """Reading a file takes other joules than answering: the probe says that nothing was recorded."""
    plan = write_sklearn_plan(tmp_path, suites=SUITES)
    api.audit(plan, out=tmp_path / "first", documents=False)
    record = api.audit(replayed(plan, "first", energy=False), out=tmp_path / "again", documents=False)
    (error,) = [finding for finding in record.findings if finding.verdict is Verdict.ERROR]

    assert "energy.inference/run" == error.id
    assert "no recorded answer to predict request" in (error.why or "")


def test_a_request_that_was_not_recorded_is_an_error(tmp_path: Path) -> None:
    """A replay does not guess: with other rows the audit cannot be carried out."""
    plan = write_sklearn_plan(tmp_path)
    api.audit(plan, out=tmp_path / "first", documents=False)
    rows = (tmp_path / "rows.csv").read_text("utf-8").splitlines()
    (tmp_path / "rows.csv").write_text("\n".join(rows[:-1]) + "\n", "utf-8")
    record = api.audit(replayed(plan, "first", energy=False), out=tmp_path / "again", documents=False)
    target = make_target("replay", TargetContext(folder=tmp_path), {"record": "first"})

    assert 4 == api.gate(record).code
    assert {"bias.group-rates/run"} == {finding.id for finding in record.findings}
    with pytest.raises(TargetError, match="no recorded answer to predict request sha256:"):
        target.answer([Request(kind=Capability.PREDICT, inputs=("a",))])


def test_a_record_without_answers_and_a_folder_without_a_record_are_refused(tmp_path: Path) -> None:
    """Before anything runs."""
    from probandum.preparing import source_digests

    with pytest.raises(RecordError, match="no audit record"):
        make_target("replay", TargetContext(folder=tmp_path), {"record": "."})
    plan = write_sklearn_plan(tmp_path, suites="bias.name-swap: {}")
    api.audit(plan, out=tmp_path / "silent", documents=False)
    with pytest.raises(TargetError, match="silent: the record holds no answers"):
        make_target("replay", TargetContext(folder=tmp_path), {"record": "silent"})
    with pytest.raises(RecordError, match="no audit record"):
        source_digests(Plan.load(replayed(plan, "gone")), ())


def test_the_energy_of_another_system_is_not_played_back(tmp_path: Path) -> None:
    """Another model's joules for the same rows would be a wrong number without a trace."""
    plan = write_sklearn_plan(tmp_path / "one", suites=SUITES)
    other = write_sklearn_plan(tmp_path / "other", suites=SUITES)
    other.write_text(other.read_text("utf-8").replace("model.skops", "second.skops"), "utf-8")
    other_model(tmp_path / "other" / "second.skops")
    api.audit(plan, out=tmp_path / "first", documents=False)
    text = other.read_text("utf-8")
    other.write_text(text.replace("codecarbon: false", "codecarbon: false, replay: ../first"), "utf-8")

    with pytest.raises(DataError, match=r"energy\.replay: .*another model"):
        api.audit(other, out=tmp_path / "second", documents=False)


def test_the_energy_of_another_plan_is_not_played_back(tmp_path: Path) -> None:
    """Other windows, or another probe beside it, are other work."""
    plan = write_sklearn_plan(tmp_path, suites=SUITES)
    first = api.audit(plan, out=tmp_path / "first", documents=False)
    text = plan.read_text("utf-8").replace("codecarbon: false", "codecarbon: false, replay: first")
    for changed in (text.replace("0.01", "0.02"), text.replace("bias.group-rates: {}, ", "")):
        plan.write_text(changed, "utf-8")
        with pytest.raises(ProbandumError, match=r"energy\.replay: .*another plan"):
            api.audit(plan, out=tmp_path / "second", documents=False)
    plan.write_text(text, "utf-8")
    same = api.audit(plan, out=tmp_path / "third", documents=False)

    assert isinstance(first, Record)
    assert codec.encode(first.findings) == codec.encode(same.findings)
    assert codec.encode(first.readings) == codec.encode(same.readings)


def test_a_record_with_a_changed_answer_is_not_replayed(tmp_path: Path) -> None:
    """One answer that is not the one whose digest stands beside it, in a packed journal and in an open one."""
    plan = write_sklearn_plan(tmp_path)
    record = api.audit(plan, out=tmp_path / "first", documents=False)
    entries = list(record.entries())
    place = next(index for index, entry in enumerate(entries) if isinstance(entry, Observation))
    entry = entries[place]
    assert isinstance(entry, Observation)
    outputs = entry.answer.values.copy()
    outputs[0] = outputs[0][::-1] + 1e-9
    entries[place] = replace(entry, answer=replace(entry.answer, outputs=outputs))
    lines = [codec.encode(each) + b"\n" for each in entries]
    for path, data in ((record.observed, packed(lines)), (record.journal, b"".join(lines))):
        record.observed.unlink()
        path.write_bytes(data)
        with pytest.raises(RecordError, match=f"{path.name}:{place + 1}: the answer is not the one whose") as refused:
            make_target("replay", TargetContext(folder=tmp_path), {"record": "first"})
        assert 4 == refused.value.exit_code
