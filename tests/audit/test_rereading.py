"""Rereading: a run goes on only from what it would have written, and says which line is not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from commands import entered
from fakes import KeywordClassifier, Notes
from probandum import api, codec
from probandum.asking import Asker
from probandum.errors import Misrecorded
from probandum.evidence import Capability, Observation, Request
from probandum.record import Record
from probandum.rereading import regular

PLAN = """\
version: 1
system: {name: Classifier, version: "1"}
target: {type: callable, function: "system:f", kind: classify, labels: [harmless, offensive]}
decision: {favourable: harmless}
suites: {bias.term-swap: {}}
limits:
  - {metric: bias.term-swap/signed-shift, band: 0.02}
energy: {codecarbon: false}
"""
SYSTEM = "def f(texts):\n    return [0.1 + 0.2 * (sum(map(ord, text)) % 97) / 97 for text in texts]\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The record of an audit of texts, in packs of many questions, and its plan beside it."""
    base = tmp_path_factory.mktemp("reread")
    (base / "system.py").write_text(SYSTEM)
    (base / "audit.yaml").write_text(PLAN)
    api.audit(base / "audit.yaml", out=base / "whole", documents=False)
    return base


def lines_of(folder: Path) -> list[dict[str, Any]]:
    """The lines of the journal."""
    return [codec.builtins(entry) for entry in Record.open(folder / "whole").entries()]


def interrupted(folder: Path, out: Path, lines: list[dict[str, Any]]) -> Path:
    """A run that stopped after it had written these lines."""
    (out / "ask").mkdir(parents=True)
    for name in ("plan.yaml", "plan.json", "environment.json"):
        shutil.copy(folder / "whole" / "ask" / name, out / "ask" / name)
    (out / "journal.jsonl").write_bytes(b"".join(codec.encode(line) + b"\n" for line in lines))
    return out


Change = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


def changed(place: int, **facts: Any) -> Change:
    """One line says something else."""
    return lambda lines: [*lines[:place], {**lines[place], **facts}, *lines[place + 1 :]]


def other_keys(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first question stands for another item."""
    asked = {**lines[0]["asked"], "keys": [f"other {key}" for key in lines[0]["asked"]["keys"]]}
    return [{**lines[0], "asked": asked}, *lines[1:]]


def exchanged_answers_in_order(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Two whole lines in each other's place, their numbers put right."""
    one, other = ({**lines[place], "index": 1 - place} for place in (0, 1))
    return [other, one, *lines[2:]]


@pytest.mark.parametrize(
    ("change", "line", "message"),
    [
        (lambda lines: [lines[1], lines[0], *lines[2:]], 1, "line 2 of {size} of its pack stands where line 1 belongs"),
        (exchanged_answers_in_order, 1, "it answers another question than bias.term-swap asks here, by its digest"),
        (lambda lines: [*lines[:5], *lines[6:]], 6, "line 7 of {size} of its pack stands where line 6 belongs"),
        (lambda lines: [*lines[: lines[0]["size"]], *lines], 41, "its pack is recorded twice"),
        (changed(0, probe="bias.name-swap"), 1, "the plan has no probe 'bias.name-swap'"),
        (changed(0, placement="cached 2020-01-01"), 1, "no run writes the placement 'cached 2020-01-01'"),
        (changed(3, seconds=99.0), 4, "it has another seconds than the line before it in its pack"),
        (changed(3, pack="sha256:00"), 4, "it has another pack than the line before it in its pack"),
        (other_keys, 1, "it answers another question than bias.term-swap asks here, by its keys"),
        (lambda lines: [*lines, lines[-1]], 56, "its energy window is recorded twice"),
    ],
)
def test_a_run_does_not_go_on_from_a_line_that_it_would_not_have_written(
    folder: Path, tmp_path: Path, change: Change, line: int, message: str
) -> None:
    """One line names file, line and remedy, with 4; nothing is sealed, and nothing of it is a finding."""
    lines = lines_of(folder)
    size = lines[0]["size"]
    assert (40, 55) == (size, len(lines))
    run = interrupted(folder, tmp_path / "run", change(lines))
    ended = entered(folder, "audit", "audit.yaml", "--out", run)

    why = message.format(size=size)
    remedy = "delete the folder, or start again in another --out"
    assert 4 == ended.code
    assert [f"error: {run}/journal.jsonl:{line}: the journal is damaged at this line: {why}; {remedy}"] == (
        ended.err.splitlines()
    )
    assert not (run / "statement.dsse.json").exists()


def test_a_run_goes_on_from_what_it_wrote(folder: Path, tmp_path: Path) -> None:
    """Its whole packs, with the last one half-written."""
    run = interrupted(folder, tmp_path / "run", lines_of(folder)[:47])
    api.audit(folder / "audit.yaml", out=run, documents=False)

    assert (folder / "whole" / "findings.json").read_bytes() == (run / "findings.json").read_bytes()


def test_a_sealed_record_with_a_line_of_no_planned_probe_is_broken(folder: Path, tmp_path: Path) -> None:
    """Step 7 names it."""
    run = interrupted(folder, tmp_path / "run", changed(0, probe="bias.name-swap")(lines_of(folder)))
    shutil.copytree(run / "ask", tmp_path / "sealed" / "ask")
    shutil.copytree(folder / "whole", tmp_path / "sealed", dirs_exist_ok=True)
    (tmp_path / "sealed" / "ask" / "observations.jsonl.zst").unlink()
    shutil.copy(run / "journal.jsonl", tmp_path / "sealed" / "journal.jsonl")

    detail = api.verify(tmp_path / "sealed")[6].detail
    assert "journal.jsonl:1: the journal is damaged at this line: the plan has no probe 'bias.name-swap'" in detail


def test_another_probe_may_have_asked_first() -> None:
    """What it told beside the question is its own; how many inputs the question has is not."""
    notes, question = Notes(), Request(kind=Capability.CLASSIFY, inputs=("I hate it",), keys=("a",))
    Asker(KeywordClassifier(), seed=1, journal=notes).for_probe("bias.first")([question])
    (pack,) = notes.packs.values()
    again = Asker(KeywordClassifier(), seed=1, journal=notes)
    again.for_probe("bias.second")([Request(kind=Capability.CLASSIFY, inputs=("I hate it",), keys=("b",))])
    assert 1 == again.asked_before

    pack[0] = replace(pack[0], asked={**pack[0].asked, "n": 2})
    with pytest.raises(Misrecorded, match=r"notes:1: .*another question than bias\.second asks here, by its n"):
        Asker(KeywordClassifier(), seed=1, journal=notes).for_probe("bias.second")([question])


def test_a_pack_that_ends_early_is_found_at_the_end(folder: Path) -> None:
    """Where nothing cuts it off, as in a sealed record."""
    entries = [entry for entry in Record.open(folder / "whole").entries() if isinstance(entry, Observation)][:39]

    with pytest.raises(Misrecorded, match=r"o:39: .*lines of its pack are missing after it") as caught:
        list(regular(entries, None, what="o", remedy="mend it"))
    assert "mend it" == caught.value.remedy
