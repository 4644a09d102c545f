"""Reporting: what documents may say of a record, and their writing under a seal of their own.

New reports are rendered beside the old ones, and take their place only when all of them are whole. The old seal is
broken first and the new statement written last: a process that is killed between leaves reports without a seal, and
never a seal over other reports.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from probandum import codec, environment, gating, locking, purging, sealing
from probandum.accounting import Account, accounts
from probandum.dossier import Dossier, publisher
from probandum.errors import RecordError, UsageError
from probandum.finding import Finding, Limit, Waiver
from probandum.places import Spot
from probandum.probe import Window
from probandum.record import PART, Record, make_folder, read_bytes
from probandum.sealing import ReportFacts


class Judgement:
    """What stands in the folder of one judgement of a record, by default of the present one."""

    def __init__(self, record: Record, name: str | None = None) -> None:
        self.folder = record.judgement(name)
        said = codec.decode(dict[str, Any], read_bytes(self.folder / "judging.json"), what="judging.json")
        self.card: Mapping[str, Any] = codec.decode(dict[str, Any], read_bytes(self.folder / "card.json"))
        self.digests: Mapping[str, str] = said["digests"]
        self.spots = codec.decode(dict[str, Spot], codec.encode(said.get("places", {})), what="judging.json")
        self.mode: str = said["mode"]
        self.as_of: str = said["as_of"]
        self.limits = codec.decode(list[Limit], codec.encode(said["limits"]), what="judging.json")
        self.waivers = codec.decode(list[Waiver], codec.encode(said["waivers"]), what="judging.json")

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings as this judgement found them."""
        path = self.folder / "findings.json"
        return tuple(codec.decode(list[Finding], read_bytes(path), what=str(path)))


def dossier(record: Record, *, as_of: str | None = None, judgement: str | None = None) -> Dossier:
    """All that documents may say of ``record`` under a judgement, by default the present one."""
    judged = Judgement(record, judgement)
    windows = record.windows()
    return Dossier(
        card=judged.card,
        plan=record.plan,
        findings=judged.findings,
        waivers=tuple(judged.waivers),
        judged_on=judged.as_of,
        results=record.results,
        environment=record.environment,
        readings=record.readings,
        items=record.items,
        digests={
            **judged.digests,
            "record": sealing.statement_digest(record.folder),
            "judgement": sealing.statement_digest(judged.folder),
        },
        seal=sealing.signature(record.folder),
        gate=codec.builtins(gating.load_gate(record, judgement)),
        as_of=as_of or judged.as_of,
        observations=record.observations,
        windows=windows,
        lock=_lock(record, judged.limits),
        accounts=account(record, windows),
        purged=None if (purge := purging.read(record)) is None else purge.said,
    )


def account(record: Record, windows: Mapping[str, Window]) -> tuple[Account, ...]:
    """What became of every input that the probes of a record planned to ask; ``windows`` are the record's."""
    return accounts(record.plan["suites"], record.results, record.observations(), windows)


def _lock(record: Record, limits: Sequence[Limit]) -> Mapping[str, Any] | None:
    """What the record's lock says of the limits that judge now."""
    found = locking.read_lock(record.lock)
    if found is None:
        return None
    return {
        "made": found.made,
        "digest": found.digest,
        "signed": found.signed,
        "key_id": found.key_id,
        "precedes": found.precedes(record.environment["started"]),
        "held": [limit for limit in limits if found.holds(limit)],
        "amendments": locking.amendments(found, limits),
    }


def write(
    record: Record,
    documents: Sequence[str],
    formats: Sequence[str],
    *,
    folder: Path,
    as_of: str | None = None,
    key: Path | None = None,
) -> list[Path]:
    """Write documents from a sealed record into ``folder`` and seal them there; the index comes first.

    Reports that an earlier seal in ``folder`` covers are replaced; UsageError where a seal of something else, or
    another part of the record, would be.
    """
    _refuse_other_folder(record, folder)
    record.sweep()
    told = dossier(record, as_of=as_of)
    with _staging(folder) as staging:
        made = publisher().publish(told, list(documents), staging, list(formats))
        names = [path.relative_to(staging) for path in made]
        sealing.break_seal(folder)
        for name in names:
            make_folder((folder / name).parent)
            (staging / name).replace(folder / name)
    facts = ReportFacts(
        record=told.digests["record"],
        judgement=told.digests["judgement"],
        documents=tuple(documents),
        formats=tuple(formats),
        as_of=told.as_of,
        packages=environment.rendering_packages(),
    )
    files = [folder / name for name in names]
    sealing.seal(folder, files, predicate="reports", facts=codec.builtins(facts), key=key)
    return files


def render(record: Record, facts: ReportFacts, judgement: str, folder: Path) -> None:
    """Write into ``folder`` the reports that a statement with these ``facts`` speaks of, without a seal."""
    told = dossier(record, as_of=facts.as_of, judgement=judgement)
    publisher().publish(told, facts.documents, folder, facts.formats)


@contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    """A folder inside ``folder`` for files that are still being written; nothing is left of it at the end."""
    there = folder.exists()
    make_folder(folder)
    staging = Path(tempfile.mkdtemp(dir=folder, prefix=".", suffix=PART))
    try:
        yield staging
    finally:
        shutil.rmtree(staging)
        if not there and not any(folder.iterdir()):
            folder.rmdir()


def _refuse_other_folder(record: Record, folder: Path) -> None:
    """UsageError where ``folder`` is no place for reports."""
    remedy = "choose another --out"
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: not a folder", remedy=remedy)
    if folder.resolve() == record.reports.resolve():
        return
    if folder.resolve().is_relative_to(record.folder.resolve()):
        raise UsageError(f"{folder}: lies inside the record and is not its reports/", remedy=remedy)
    if any((folder / name).exists() for name in (sealing.SUMS, sealing.STATEMENT)):
        try:
            sealing.report_facts(folder)
        except RecordError:
            raise UsageError(f"{folder}: holds digests or a seal of something else", remedy=remedy) from None
