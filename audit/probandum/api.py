"""The verbs of the command line as functions: audit, judge, gate, report, verify.

record = probandum.audit("audit.yaml")
record.findings
probandum.gate(record).code
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from probandum import codec, gating, judging, locking, places, running, sealing
from probandum import export as exporting
from probandum.accounting import Account, accounts
from probandum.dossier import Dossier, publisher
from probandum.errors import RecordError, UsageError
from probandum.export.outcome import Outcome
from probandum.finding import Finding, Limit, Waiver
from probandum.gating import GateResult
from probandum.places import Spot
from probandum.plan import Plan
from probandum.plugins import load_plugins
from probandum.record import Record, read_bytes, write_bytes, write_json
from probandum.running import Observer
from probandum.sealing import Step

#: What a tier means for the gate (and, later, for how much is asked).
MODES: Mapping[str, str] = {"pr": "merge", "nightly": "release", "release": "release"}
FORMATS = ("html", "pdf", "docx", "md", "json")


def load_plan(plan: Plan | str | Path) -> Plan:
    """A plan as it is, or read from its file; PlanError lists every problem in it."""
    return plan if isinstance(plan, Plan) else Plan.load(Path(plan))


def check_plan(plan: Plan | str | Path) -> Plan:
    """The plan, after everything was checked that needs no model: keys, probes, options, targets, documents."""
    checked = load_plan(plan)
    running.prepare(checked)
    checked.check_names(documents=publisher().known())
    return checked


def lock(plan: Plan | str | Path, *, key: str | Path | None = None) -> Path:
    """Write down what ``plan`` asks and judges by, before anything is asked; returns the lock's path."""
    checked = check_plan(plan)
    files = running.named_files(checked, running.source_digests(checked))
    now = datetime.datetime.now(datetime.UTC)
    return locking.write_lock(checked, files, key=None if key is None else Path(key), made=now)


def audit(
    plan: Plan | str | Path,
    *,
    out: str | Path | None = None,
    tier: str | None = None,
    key: str | Path | None = None,
    documents: bool = True,
    observer: Observer | None = None,
) -> Record:
    """Run, judge and document; returns the sealed record.

    ``out``: the record's folder, by default ``runs/<system>-<key>``. ``tier``: pr, nightly or release.
    ``key``: an ed25519 private key to sign with. An interrupted run in the same folder is resumed.
    """
    checked = load_plan(plan)
    mode = _mode(checked, tier)
    signing = None if key is None else Path(key)
    if signing is not None:
        sealing.load_private(signing)  # a wrong key is found before hours of work, not after
    folder = None if out is None else Path(out)
    load_plugins()
    if documents:
        checked.check_names(documents=publisher().known())
    spots = places.spots(checked.yaml)  # before the run: the file may change while it goes on
    record = running.run(checked, folder, key=signing, observer=observer)
    _judge(
        record,
        checked.limits,
        checked.waivers,
        card=checked.card,
        digests=checked.digests,
        spots=spots,
        mode=mode,
        key=signing,
    )
    if documents:
        report(record, documents=checked.documents)
    return record


def judge(
    record: Record | str | Path,
    *,
    plan: Plan | str | Path | None = None,
    limits: Sequence[Limit] | None = None,
    tier: str | None = None,
    as_of: str | None = None,
    key: str | Path | None = None,
) -> tuple[Finding, ...]:
    """Judge a sealed record again, under another plan's limits or ``limits``; nothing is asked.

    The new judgement stands beside the older ones and becomes the record's ``findings.json``. UsageError where
    ``plan`` asks other questions than the record answers.
    """
    opened = _open(record)
    signing = None if key is None else Path(key)
    if plan is not None:
        checked = load_plan(plan)
        if checked.digests["ask"] != opened.plan["digests"]["ask"]:
            raise UsageError(
                f"{checked.path}: asks other questions than {opened.folder} answers", remedy="run the audit again"
            )
        return _judge(
            opened,
            checked.limits if limits is None else limits,
            checked.waivers,
            card=checked.card,
            digests=checked.digests,
            spots=places.spots(checked.yaml),
            mode=_mode(checked, tier),
            as_of=as_of,
            key=signing,
        )
    before = _Judgement(opened)
    return _judge(
        opened,
        before.limits if limits is None else limits,
        before.waivers,
        card=before.card,
        digests=before.digests,
        spots=before.spots,
        mode=before.mode if tier is None else _mode(None, tier),
        as_of=as_of,
        key=signing,
    )


def gate(record: Record | str | Path, *, key: str | Path | None = None) -> GateResult:
    """Decide over a sealed record; ``key`` is the public key that must have signed it."""
    opened = _open(record)
    public = None if key is None else sealing.load_public(Path(key))
    return gating.gate(opened, key=public)


def export(
    record: Record | str | Path,
    result: GateResult,
    *,
    plan: Plan | None = None,
    sarif: str | Path | None = None,
    junit: str | Path | None = None,
    gitlab: str | Path | None = None,
    summary: str | Path | None = None,
) -> list[str]:
    """Write what CI services read of a gate's ``result``; returns the annotations of a GitHub workflow.

    Also where there is no record, or one that is not to be trusted: the files then say so. ``plan`` says in that case
    which system was meant.
    """
    told = _outcome(record, result, plan)
    files = {"sarif": sarif, "junit": junit, "gitlab": gitlab, "summary": summary}
    problems = []
    for format, file in files.items():
        try:
            if file is not None:
                Path(file).parent.mkdir(parents=True, exist_ok=True)
                Path(file).write_bytes(exporting.FORMATS[format](told))
        except OSError as error:
            problems.append(f"{file}: {error.strerror or error}")
    if problems:
        raise UsageError("; ".join(problems), remedy="choose other files")
    return exporting.annotate(told)


def _outcome(record: Record | str | Path, result: GateResult, plan: Plan | None) -> Outcome:
    """What there is to tell; of a record that is not to be trusted only its name, where that can be read."""
    told = Outcome(result=result, system="unknown system", tool=version("probandum"))
    if plan is not None:
        told = replace(_named(told, plan.card), spots=places.spots(plan.yaml))
    try:
        opened = _open(record)
        told = replace(_named(told, opened.plan["declare"]["system"]), run=opened.plan["key"][len("sha256:") :][:8])
        judged = _Judgement(opened)
        told = replace(_named(told, judged.card), spots=judged.spots)
    except (RecordError, LookupError, TypeError):
        if result.trusted:
            raise
        return told  # damaged before this point; the result says so
    if not result.trusted:
        return told
    return replace(
        told,
        started=opened.environment["started"],
        as_of=judged.as_of,
        findings=opened.findings,
        summaries={each.probe: each.summary for each in opened.results},
        seconds={name: reading.seconds for name, reading in opened.readings.items()},
        accounts=_accounts(opened),
        signed=bool(sealing.signature(opened.folder)["signed"]),
    )


def _named(told: Outcome, card: Mapping[str, Any]) -> Outcome:
    return replace(told, system=str(card["name"]), version=str(card.get("version", "")))


def verify(record: Record | str | Path, *, key: str | Path | None = None) -> list[Step]:
    """Every step of the verification of a record, also those after a failure."""
    return sealing.verify(_open(record), key=None if key is None else sealing.load_public(Path(key)))


def report(
    record: Record | str | Path,
    *,
    documents: Sequence[str] | None = None,
    formats: Sequence[str] = FORMATS,
    out: str | Path | None = None,
    as_of: str | None = None,
) -> list[Path]:
    """Write documents from a sealed record, by default into its ``reports/``; the index comes first."""
    opened = _open(record)
    load_plugins()
    chosen = opened.plan["declare"]["documents"] if documents is None else documents
    folder = opened.folder / "reports" if out is None else Path(out)
    files = publisher().publish(dossier(opened, as_of=as_of), list(chosen), folder, list(formats))
    sealing.write_sums(folder)
    return files


def dossier(record: Record, *, as_of: str | None = None) -> Dossier:
    """All that documents may say of ``record``, under its present judgement."""
    judgement = _Judgement(record)
    facts = gating.load_gate(record)
    return Dossier(
        card=judgement.card,
        plan=record.plan,
        findings=record.findings,
        results=record.results,
        environment=record.environment,
        readings=record.readings,
        items=record.items,
        digests={
            **judgement.digests,
            "record": sealing.statement_digest(record.folder),
            "judgement": sealing.statement_digest(judgement.folder),
        },
        seal=sealing.signature(record.folder),
        gate=codec.builtins(facts),
        as_of=as_of or judgement.as_of,
        observations=record.observations,
        windows=record.windows(),
        lock=_lock(record, judgement.limits),
        accounts=_accounts(record),
    )


def _accounts(record: Record) -> tuple[Account, ...]:
    return accounts(record.plan["suites"], record.results, record.observations(), record.windows())


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


class _Judgement:
    """What stands in the folder of a record's present judgement."""

    def __init__(self, record: Record) -> None:
        self.folder = record.judgement()
        said = codec.decode(dict[str, Any], read_bytes(self.folder / "judging.json"), what="judging.json")
        self.card: Mapping[str, Any] = codec.decode(dict[str, Any], read_bytes(self.folder / "card.json"))
        self.digests: Mapping[str, str] = said["digests"]
        self.spots = codec.decode(dict[str, Spot], codec.encode(said.get("places", {})), what="judging.json")
        self.mode: str = said["mode"]
        self.as_of: str = said["as_of"]
        self.limits = codec.decode(list[Limit], codec.encode(said["limits"]), what="judging.json")
        self.waivers = codec.decode(list[Waiver], codec.encode(said["waivers"]), what="judging.json")


def _judge(
    record: Record,
    limits: Sequence[Limit],
    waivers: Sequence[Waiver],
    *,
    card: Mapping[str, Any],
    digests: Mapping[str, str],
    spots: Mapping[str, Spot],
    mode: str,
    as_of: str | None = None,
    key: Path | None = None,
) -> tuple[Finding, ...]:
    """Write one judgement and make it the record's present one."""
    date = as_of or str(record.environment["started"])[:10]
    results = record.results
    unused = judging.unused_limits(results, limits)
    findings = judging.judge(results, limits, mode=mode, waivers=waivers, as_of=date)
    said = {
        "mode": mode,
        "as_of": date,
        "limits": list(limits),
        "waivers": list(waivers),
        "digests": dict(digests),
        "places": dict(spots),
    }
    decided = gating.decided(findings, unused, record.plan["suites"], mode=mode)
    folder = record.judgement(codec.digest_of([said, card]).removeprefix("sha256:")[:16])
    write_json(folder / "judging.json", said)
    write_json(folder / "card.json", card)
    write_json(folder / "findings.json", findings)
    write_json(folder / "gate.json", decided)
    files = sorted(path for path in folder.iterdir() if path.name not in (sealing.SUMS, sealing.STATEMENT))
    facts = {"record": sealing.statement_digest(record.folder), "mode": mode, "as_of": date}
    sealing.seal(folder, files, predicate="judgement", facts=facts, key=key)
    write_bytes(record.folder / "findings.json", codec.pretty(findings))
    write_bytes(record.present, f"{folder.name}\n".encode())
    return findings


def _mode(plan: Plan | None, tier: str | None) -> str:
    if tier is None:
        return plan.mode if plan is not None else "release"
    if tier not in MODES:
        raise UsageError(f"no tier {tier!r}", remedy=f"known: {', '.join(MODES)}")
    return MODES[tier]


def _open(record: Record | str | Path) -> Record:
    return record if isinstance(record, Record) else Record.open(record)
