"""The energy of a run that was interrupted: what an earlier session took is in no reading of the later one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from probandum import api, running
from probandum.evidence import Reading, Request, Response
from probandum.journal import journal_entries
from probandum.record import Record
from probandum.targets.sklearn import SklearnTarget
from probandum.totalling import PARTLY
from records import write_sklearn_plan
from sensors import Watts, metered

ENERGY = "{codecarbon: false, idle_seconds: REST, warm_up_seconds: 0}"


class Opinion:
    """A second opinion that holds the whole audit for 5 J, in place of codecarbon's."""

    def __init__(self, settings: object) -> None:
        pass

    def start(self) -> None:
        """Nothing."""

    def stop(self) -> Reading:
        """Five joules."""
        return Reading(cpu_joules=5.0, seconds=1.0, meter="opinion", grade="D")


def interrupted(folder: Path, monkeypatch: pytest.MonkeyPatch, *, suites: str, when: Any, rest: float = 0.05) -> Record:
    """An audit that is broken off once ``when`` says so of its journal, and carried out by the same command again."""
    plan = write_sklearn_plan(folder, suites=suites)
    plan.write_text(
        plan.read_text("utf-8").replace("{codecarbon: false}", ENERGY.replace("REST", f"{rest:g}")), "utf-8"
    )
    out = folder / "run"
    answer = SklearnTarget.answer

    def breaking(self: SklearnTarget, requests: Sequence[Request]) -> list[Response]:
        if when([getattr(entry, "window", "pack") for entry in journal_entries(out / "journal.jsonl")]):
            raise KeyboardInterrupt
        return answer(self, requests)

    monkeypatch.setattr(running, "make_meter", lambda settings, place: metered(Watts(50.0)))
    monkeypatch.setattr(running, "AuditMeter", Opinion)
    with monkeypatch.context() as broken:
        broken.setattr(SklearnTarget, "answer", breaking)
        with pytest.raises(KeyboardInterrupt):
            api.audit(plan, out=out, documents=False)
    return api.audit(plan, out=out, documents=False)


WINDOWS = "energy.inference: {repeats: 3, seconds: 0.02, precision: null}"


def worked(names: Sequence[str]) -> int:
    """How many windows of work a journal holds."""
    return sum(name.startswith("sha256:") for name in names)


@pytest.mark.parametrize("windows", [0, 2])
def test_a_probe_that_was_broken_off_at_rest_or_amid_its_windows_has_no_reading_of_its_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, windows: int
) -> None:
    """Its joules are missing with the reason, and no estimate of the later session stands for the whole audit."""
    record = interrupted(
        tmp_path,
        monkeypatch,
        suites=WINDOWS,
        when=lambda names: "rest:loaded:10" in names and worked(names) >= windows,
    )

    assert (None, PARTLY) == (
        record.readings["energy.inference"].joules,
        record.readings["energy.inference"].why["gpu"],
    )
    assert None is record.readings["audit"].joules
    assert (None, PARTLY) == (record.energy.kwh, record.energy.why)
    assert 3 <= worked(list(record.windows()))
    assert all(each.reading.joules for each in record.windows().values() if each.requests)


def test_probes_that_were_done_before_or_begun_afterwards_keep_their_readings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken off behind the first of two: both are whole, and only the second opinion is of a part."""
    record = interrupted(
        tmp_path,
        monkeypatch,
        suites=f"bias.group-rates: {{}}, {WINDOWS}",
        when=lambda names: bool(names) and names[-1] == "probe:bias.group-rates",
        rest=0.0,
    )

    assert [True, True] == [
        record.readings[name].joules is not None for name in ("bias.group-rates", "energy.inference")
    ]
    assert (2, 2, ()) == (record.energy.of, record.energy.probes, record.energy.left_out)
    assert None is record.readings["audit"].joules


def test_of_two_probes_the_one_that_was_broken_off_is_left_out_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The total is of the other alone, and says so."""
    record = interrupted(
        tmp_path,
        monkeypatch,
        suites=f"bias.group-rates: {{}}, {WINDOWS}",
        when=lambda names: worked(names) >= 1,
    )

    assert (1, 2) == (record.energy.of, record.energy.probes)
    assert (f"energy.inference: {PARTLY}",) == record.energy.left_out


def test_a_run_that_nothing_interrupted_has_all_its_readings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows that a control asks for again are found where this run wrote them down."""
    monkeypatch.setattr(running, "make_meter", lambda settings, place: metered(Watts(50.0)))
    monkeypatch.setattr(running, "AuditMeter", Opinion)
    plan = write_sklearn_plan(tmp_path, suites=WINDOWS)
    plan.write_text(plan.read_text("utf-8").replace("{codecarbon: false}", ENERGY.replace("REST", "0")), "utf-8")
    record = api.audit(plan, out=tmp_path / "run", documents=False)

    assert (1, 1) == (record.energy.of, record.energy.probes)
    assert 5.0 == record.readings["audit"].joules
