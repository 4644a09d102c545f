"""Concluding: one judgement of a sealed record, written under a seal of its own and made the present one.

It stands beside the older ones, and nothing is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from probandum import baselines, chaining, codec, gating, judging, sealing
from probandum.attempts import attempts_of
from probandum.comparison import Comparison
from probandum.dates import as_of_day
from probandum.finding import Finding, Limit, Waiver
from probandum.gating import GateResult
from probandum.places import Spot
from probandum.record import PART, Record, read_bytes, write_bytes, write_json


def conclude(
    record: Record,
    limits: Sequence[Limit],
    waivers: Sequence[Waiver],
    *,
    card: Mapping[str, Any],
    digests: Mapping[str, str],
    spots: Mapping[str, Spot],
    mode: str,
    comparisons: Sequence[Comparison],
    as_of: str | None = None,
    key: Path | None = None,
) -> tuple[Finding, ...]:
    """Write one judgement and make it the record's present one, under the next number unless the latest says the same.

    UsageError where ``key`` is not the key that signed the record, or is given where none did.
    """
    sealing.refuse_other_key(record, key)
    started = str(record.environment["started"])
    date = started[:10] if as_of is None else as_of_day(as_of, started=started).isoformat()
    said: dict[str, Any] = {
        "tool": version("probandum"),
        "mode": mode,
        "as_of": date,
        "limits": list(limits),
        "waivers": list(waivers),
        "digests": dict(digests),
        "places": dict(spots),
        "baselines": {each.name: each.base.statement for each in comparisons},
    }
    record.sweep()
    folder = _standing(record, said, card)
    if folder is None:
        number, before = max(sealing.numbered(record), default=(0, None))
        said |= {"number": number + 1, "before": sealing.before(before)}
        findings, decided = _concluded(record, limits, waivers, comparisons, mode=mode, as_of=date, number=number + 1)
        files = {"judging.json": said, "card.json": card, "findings.json": findings, "gate.json": decided}
        files |= {baselines.FILE: comparisons} if comparisons else {}
        folder = record.judgement(sealing.judgement_name(said, card))
        _write(record, folder, files, key)
    write_bytes(record.folder / "findings.json", read_bytes(folder / "findings.json"))
    write_bytes(record.present, f"{folder.name}\n".encode())
    return record.findings


def _standing(record: Record, said: Mapping[str, Any], card: Mapping[str, Any]) -> Path | None:
    """The latest judgement, where it says the same and the sealed estimates give it."""
    judgements = sealing.numbered(record)
    if not judgements:
        return None
    number, latest = judgements[-1]
    before = judgements[-2][1] if len(judgements) > 1 else None
    place = {"number": number, "before": sealing.before(before)}
    if latest.name != sealing.judgement_name({**said, **place}, card):
        return None
    return None if chaining.differing(latest, again(record, latest)) else latest


def _write(record: Record, folder: Path, files: Mapping[str, object], key: Path | None) -> None:
    """Write a judgement whole or not at all: beside its place, sealed, then renamed."""
    made = folder.with_name(f".{folder.name}{PART}")
    for name, value in files.items():
        write_json(made / name, value)
    facts = sealing.judgement_facts(record, made)
    sealing.seal(made, [made / name for name in files], predicate="judgement", facts=facts, key=key)
    made.rename(folder)


class _Said(msgspec.Struct):
    """What decides a judgement, as far as it is read to judge once more."""

    mode: str
    as_of: str
    number: int
    limits: list[Limit]
    waivers: list[Waiver]


def again(record: Record, folder: Path) -> dict[str, bytes]:
    """``findings.json`` and ``gate.json`` of the judgement in ``folder``, once more from what is sealed."""
    path = folder / "judging.json"
    said = codec.decode(_Said, read_bytes(path), what=str(path))
    findings, decided = _concluded(
        record,
        said.limits,
        said.waivers,
        baselines.kept(folder),
        mode=said.mode,
        as_of=said.as_of,
        number=said.number,
    )
    return {"findings.json": codec.pretty(findings), "gate.json": codec.pretty(decided)}


def _concluded(
    record: Record,
    limits: Sequence[Limit],
    waivers: Sequence[Waiver],
    comparisons: Sequence[Comparison],
    *,
    mode: str,
    as_of: str,
    number: int,
) -> tuple[tuple[Finding, ...], GateResult]:
    results = baselines.with_changes(record.results, comparisons, limits)
    unused = judging.unused_limits(results, limits)
    judged = judging.judge(results, limits, mode=mode, waivers=waivers, as_of=as_of)
    findings = (*judged, *baselines.pinned_findings(comparisons))
    decided = gating.decided(
        findings,
        unused,
        record.plan["suites"],
        mode=mode,
        waivers=waivers,
        as_of=as_of,
        attempts=attempts_of(record, number),
    )
    return findings, decided
