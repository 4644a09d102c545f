"""Concluding: one judgement of a sealed record, written under a seal of its own and made the present one.

It stands beside the older ones, and nothing is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from probandum import baselines, codec, gating, judging, sealing
from probandum.comparison import Comparison
from probandum.dates import as_of_day
from probandum.finding import Finding, Limit, Waiver
from probandum.gating import GateResult
from probandum.places import Spot
from probandum.record import Record, read_bytes, write_bytes, write_json


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

    UsageError where the record is signed and ``key`` is not the key that signed it.
    """
    sealing.refuse_other_key(record, key)
    started = str(record.environment["started"])
    date = started[:10] if as_of is None else as_of_day(as_of, started=started).isoformat()
    findings, decided = _concluded(record, limits, waivers, comparisons, mode=mode, as_of=date)
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
    said["number"] = _number(record, said, card)
    folder = record.judgement(sealing.judgement_name(said, card))
    files = {"judging.json": said, "card.json": card, "findings.json": findings, "gate.json": decided}
    files |= {baselines.FILE: comparisons} if comparisons else {}
    for name, value in files.items():
        write_json(folder / name, value)
    facts = sealing.judgement_facts(record, folder)
    sealing.seal(folder, [folder / name for name in files], predicate="judgement", facts=facts, key=key)
    write_bytes(record.folder / "findings.json", codec.pretty(findings))
    write_bytes(record.present, f"{folder.name}\n".encode())
    return findings


class _Said(msgspec.Struct):
    """What decides a judgement, as far as it is read to judge once more."""

    mode: str
    as_of: str
    limits: list[Limit]
    waivers: list[Waiver]


def again(record: Record, folder: Path) -> dict[str, bytes]:
    """``findings.json`` and ``gate.json`` of the judgement in ``folder``, once more from what is sealed."""
    path = folder / "judging.json"
    said = codec.decode(_Said, read_bytes(path), what=str(path))
    findings, decided = _concluded(
        record, said.limits, said.waivers, baselines.kept(folder), mode=said.mode, as_of=said.as_of
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
) -> tuple[tuple[Finding, ...], GateResult]:
    results = baselines.with_changes(record.results, comparisons, limits)
    unused = judging.unused_limits(results, limits)
    judged = judging.judge(results, limits, mode=mode, waivers=waivers, as_of=as_of)
    findings = (*judged, *baselines.pinned_findings(comparisons))
    return findings, gating.decided(findings, unused, record.plan["suites"], mode=mode, waivers=waivers, as_of=as_of)


def _number(record: Record, said: Mapping[str, Any], card: Mapping[str, Any]) -> int:
    """The number of the latest judgement where it says the same, else the next."""
    judgements = sealing.numbered(record)
    if not judgements:
        return 1
    number, folder = judgements[-1]
    same = folder.name == sealing.judgement_name({**said, "number": number}, card)
    return number if same else number + 1
