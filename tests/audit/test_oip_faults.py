"""Whole audits of a served model while the server breaks: each ends in the right code, and none of them in a pass."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from commands import Ended, entered
from probandum.record import Record
from probandum.targets import endpoint
from records import write_sklearn_plan

pytest.importorskip("grpc")
pytest.importorskip("httpx2")

from oip_server import Serving, serving

LIMITS = """\
limits:
  - {metric: bias.group-rates/impact-ratio, at_least: 0.5, source: project, set_by: Board, set_on: 2026-11-01,
     reason: Screening}
"""
PROTOCOLS = ("http", "grpc")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other without a wait."""
    monkeypatch.setattr(endpoint, "BACKOFF_SECONDS", 0.01)


@contextmanager
def planned(folder: Path, protocol: str, *, timeout: float = 20.0, **how: Any) -> Iterator[Serving]:
    """A plan in ``folder`` whose target is a served model; its 300 rows are asked in two batches."""
    import skops.io

    plan = write_sklearn_plan(folder)
    with serving(skops.io.load(folder / "model.skops"), **how) as server:
        url = server.url if protocol == "http" else server.grpc_url
        target = (
            f"target: {{type: oip, url: {url!r}, model: credit, protocol: {protocol}, batch: 150, concurrency: 1, "
            f"timeout: {timeout}, retries: 2, outputs: {{name: predict_proba}}}}"
        )
        text = plan.read_text("utf-8").replace("target: {type: sklearn, path: model.skops}", target)
        plan.write_text(text + LIMITS, "utf-8")
        yield server


def audited(folder: Path) -> tuple[Ended, list[dict[str, Any]]]:
    """How the audit ended, and its findings where there are any."""
    ended = entered(folder, "audit", "audit.yaml", "--out", "run")
    findings = folder / "run" / "findings.json"
    return ended, json.loads(findings.read_text("utf-8")) if findings.exists() else []


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_sound_server_is_audited(tmp_path: Path, protocol: str) -> None:
    """Without a fault the plan ends in the verdict of its limit: what else ends here is the fault's doing."""
    with planned(tmp_path, protocol):
        ended, findings = audited(tmp_path)

    assert 0 == ended.code, ended.err
    assert "PASS" in {each["verdict"] for each in findings}


FAULTS = [
    ("hang", "no whole answer in 0.5 seconds|DEADLINE_EXCEEDED"),
    ("429", "asked 3 times, the server answered (429|RESOURCE_EXHAUSTED)"),
    ("500", "asked 3 times, the server answered (500|INTERNAL)"),
    ("malformed", "the answer is no JSON|bytes are no FP64"),
    ("shape", r"has the shape \[1, 300\] for 150 rows"),
    ("three classes", r"inputs 151 to 300: ValueError: expected 150 rows of 2 classes \(0, 1\), got shape \(150, 3\)"),
    ("fewer rows", r"has the shape \[149, 2\] for 150 rows"),
    ("nan", "it holds NaN, which is no number|nan, nan. are no class probabilities"),
]


#: What JSON alone can say: values that are none of the stated datatype.
UNTYPED = [("booleans", "holds (True|False), which is no FP64"), ("texts", "holds '[0-9.e-]+', which is no FP64")]


@pytest.mark.parametrize(("fault", "why"), UNTYPED, ids=[fault for fault, _ in UNTYPED])
def test_values_of_another_type_than_stated_are_an_error(tmp_path: Path, fault: str, why: str) -> None:
    """A truth or a text is no probability, though it can be read as a number."""
    test_a_fault_is_an_error_and_never_a_pass(tmp_path, "http", fault, why)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("fault", "why"), FAULTS, ids=[fault for fault, _ in FAULTS])
def test_a_fault_is_an_error_and_never_a_pass(tmp_path: Path, protocol: str, fault: str, why: str) -> None:
    """It begins with the second of two batches, lasts as long as retries do, and is gone when the audit ends."""
    passing = 1 if fault in ("shape", "three classes", "fewer rows", "nan", *dict(UNTYPED)) else 3
    if (protocol, fault) == ("grpc", "malformed"):
        passing = 1  # what is no JSON is sent again
    timeout = 0.5 if fault == "hang" else 20.0
    with planned(tmp_path, protocol, timeout=timeout, fault=fault, after=1, times=passing):
        ended, findings = audited(tmp_path)

    assert 4 == ended.code, ended.err
    assert ["ERROR"] == [each["verdict"] for each in findings]
    (result,) = Record.open(tmp_path / "run").results
    assert "error" == result.status
    assert re.search(why, str(result.why))


def test_a_slow_drip_is_an_error(tmp_path: Path) -> None:
    """Each byte comes in time and the answer never does: the limit is on the whole of it."""
    with planned(tmp_path, "http", timeout=0.5, fault="drip", after=1, times=3):
        ended, findings = audited(tmp_path)

    assert 4 == ended.code, ended.err
    assert ["ERROR"] == [each["verdict"] for each in findings]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("fault", ["reset", "429", "500", "503"])
def test_what_passes_is_asked_again(tmp_path: Path, protocol: str, fault: str) -> None:
    """A fault that is gone after two tries leaves the findings as they would be without it."""
    with planned(tmp_path / "sound", protocol):
        _, expected = audited(tmp_path / "sound")
    with planned(tmp_path / "shaken", protocol, fault=fault, after=1, times=2):
        ended, found = audited(tmp_path / "shaken")

    assert 0 == ended.code, ended.err
    assert expected == found
    assert [1, 3] == [each.attempt for each in Record.open(tmp_path / "shaken" / "run").observations()]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_lost_connection_ends_the_run_and_the_same_command_resumes_it(tmp_path: Path, protocol: str) -> None:
    """Nothing is sealed and nothing judged of an audit that the network ended; then it ends as if nothing had been."""
    with planned(tmp_path, protocol, fault="reset", after=1, times=3):
        ended, findings = audited(tmp_path)

        assert 4 == ended.code
        assert re.search("asked 3 times, (no answer: |the server answered UNAVAILABLE)", ended.err)
        assert [] == findings
        assert not Record(tmp_path / "run").sealed

        again, findings = audited(tmp_path)

    assert 0 == again.code, again.err
    assert "PASS" in {each["verdict"] for each in findings}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_another_version_in_the_middle_ends_the_audit(tmp_path: Path, protocol: str) -> None:
    """A server that restarts with another model: nothing that it answered is kept, and nothing is judged."""
    with planned(tmp_path, protocol, fault="restart", after=1):
        ended, findings = audited(tmp_path)

    assert 4 == ended.code
    assert "credit answered as version 1, and then as 2" in ended.err
    assert [] == findings
    assert not Record(tmp_path / "run").sealed
    assert not Record(tmp_path / "run").journal.exists()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_unplugged_server_ends_the_audit(tmp_path: Path, protocol: str) -> None:
    """It does not answer again, so nobody can say whether it is still the same: no record is sealed."""
    with planned(tmp_path, protocol, fault="unplug", after=1):
        ended, findings = audited(tmp_path)

    assert 4 == ended.code
    assert "asked 3 times" in ended.err
    assert [] == findings
    assert not Record(tmp_path / "run").sealed


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_server_that_is_not_there_is_one_line(tmp_path: Path, protocol: str) -> None:
    """Before anything was asked: exit 4, no record, no traceback."""
    with planned(tmp_path, protocol) as server:
        server.unplug()
        ended, findings = audited(tmp_path)

    assert 4 == ended.code
    assert "Traceback" not in ended.err
    assert [] == findings
