"""Telling: what CI services, and people without a record, are told of a gate or a comparison, and in which files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from probandum import export, places, reporting, sealing, withholding
from probandum.comparison import Comparison
from probandum.dossier import publisher
from probandum.errors import RecordError, UsageError
from probandum.export.comparison import markdown
from probandum.export.outcome import Outcome
from probandum.finding import Estimate
from probandum.gating import GateResult, retold
from probandum.plan import Plan
from probandum.record import Record
from probandum.reporting import Judgement
from probandum.tradeoffs import Gap, TradeOffs
from probandum.waiving import standing


def outcome(record: Record | str | Path, result: GateResult, plan: Plan | None) -> Outcome:
    """What there is to tell, without figures that would show a small group of persons: such files are uploaded.

    Of a record that is not to be trusted only its name, where that can be read.
    """
    told = Outcome(result=result, system="unknown system", tool=version("probandum"))
    if plan is not None:
        told = replace(_named(told, plan.card), spots=places.spots(plan.yaml))
    try:
        opened = record if isinstance(record, Record) else Record.open(record)
        told = replace(_named(told, opened.plan["declare"]["system"]), run=opened.plan["key"][len("sha256:") :][:8])
        judged = Judgement(opened)
        told = replace(_named(told, judged.card), spots=judged.spots)
    except (RecordError, LookupError, TypeError):
        if result.trusted:
            raise
        return told  # damaged before this point; the result says so
    if not result.trusted:
        return told
    findings = withholding.told(standing(opened.findings, result.idle), opened.plan["ask"].get("groups") or ())
    return replace(
        told,
        result=retold(result, findings),
        started=opened.environment["started"],
        as_of=judged.as_of,
        findings=findings,
        summaries={each.probe: each.summary for each in opened.results},
        seconds={name: reading.seconds for name, reading in opened.readings.items()},
        accounts=reporting.passed(opened)[1],
        signed=bool(sealing.signature(opened.folder)["signed"]),
    )


def _named(told: Outcome, card: Mapping[str, Any]) -> Outcome:
    return replace(told, system=str(card["name"]), version=str(card.get("version", "")))


def refuse_inside(record: Record | str | Path, files: Mapping[str, str | Path | None]) -> None:
    """UsageError where a file would be written into a record, whose seals account for everything in its folder."""
    folder = (record.folder if isinstance(record, Record) else Path(record)).resolve()
    for file in files.values():
        if file is not None and Path(file).resolve().is_relative_to(folder):
            raise UsageError(
                f"{file}: lies inside the record, where nothing else may stand", remedy="choose another file"
            )


def write(told: Outcome, files: Mapping[str, str | Path | None]) -> None:
    """Write a gate's outcome into files by the name of their format; UsageError names all that cannot be written."""
    problems = []
    for format, file in files.items():
        try:
            if file is not None:
                Path(file).parent.mkdir(parents=True, exist_ok=True)
                Path(file).write_bytes(export.FORMATS[format](told))
        except OSError as error:
            problems.append(f"{file}: {error.strerror or error}")
    if problems:
        raise UsageError("; ".join(problems), remedy="choose other files")


def write_comparison(comparison: Comparison, *, md: Path | None, html: Path | None) -> list[Path]:
    """Write what documents may show of a comparison; returns the files. Probes and reports are loaded already."""
    shown = withholding.published(comparison)
    made: list[tuple[Path, bytes]] = []
    if md is not None:
        made.append((md, markdown(shown)))
    if html is not None:
        made.append((html, publisher().compared(shown)))
    return _written(made)


def write_trade_offs(found: TradeOffs, *, html: Path) -> list[Path]:
    """Draw what may be shown of trade-offs; UsageError where their own axes would show a small group of persons."""
    for name in (found.cost, found.quality):
        if name in found.withheld:
            raise UsageError(f"{name}: {found.withheld[name]}", remedy="name another quantity for a page")
    gaps = tuple(_hushed(each, found.withheld[each.of]) if each.of in found.withheld else each for each in found.gaps)
    return _written([(html, publisher().traded(replace(found, gaps=gaps)))])


def _hushed(gap: Gap, words: str) -> Gap:
    missing = Estimate.missing(words, unit=gap.unit)
    changes = tuple(each and replace(each, base=None, new=None, estimate=missing) for each in gap.changes)
    return replace(gap, values=(missing,) * len(gap.values), changes=changes)


def _written(made: Sequence[tuple[Path, bytes]]) -> list[Path]:
    """The files, written; UsageError where one cannot be."""
    for path, data in made:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror or error}", remedy="choose another file") from None
    return [path for path, _ in made]
