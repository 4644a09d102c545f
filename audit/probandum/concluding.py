"""Concluding: one judgement of a sealed record, written under a seal of its own and made the present one.

It stands beside the older ones, and nothing is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from probandum import baselines, codec, gating, judging, sealing
from probandum.comparison import Comparison
from probandum.dates import as_of_day
from probandum.finding import Finding, Limit, Waiver
from probandum.places import Spot
from probandum.record import Record, write_bytes, write_json


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
    """Write one judgement and make it the record's present one."""
    started = str(record.environment["started"])
    date = started[:10] if as_of is None else as_of_day(as_of, started=started).isoformat()
    results = baselines.with_changes(record.results, comparisons, limits)
    unused = judging.unused_limits(results, limits)
    judged = judging.judge(results, limits, mode=mode, waivers=waivers, as_of=date)
    findings = (*judged, *baselines.pinned_findings(comparisons))
    said = {
        "mode": mode,
        "as_of": date,
        "limits": list(limits),
        "waivers": list(waivers),
        "digests": dict(digests),
        "places": dict(spots),
        "baselines": {each.name: each.base.statement for each in comparisons},
    }
    decided = gating.decided(findings, unused, record.plan["suites"], mode=mode, waivers=waivers)
    record.sweep()
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
