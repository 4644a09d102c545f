"""Each audit once a session, whichever of its processes needs it first; the others wait, and read what it left."""

from __future__ import annotations

import fcntl
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from probandum import api, codec, gating, preparing, running, showing, withholding
from probandum.errors import ProbandumError
from probandum.export.writing import line
from probandum.finding import Finding
from probandum.gating import GateResult
from probandum.plan import Plan
from probandum.record import Record, write_bytes
from probandum.sealing import statement_digest
from probandum.waiving import standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """How an audit ended. ``digest``: of the record's seal, None where there is no record that one may trust.

    ``stood``: the record was complete before the session began, and nothing was asked.
    """

    system: str
    folder: str
    digest: str | None
    stood: bool
    result: GateResult

    @property
    def record(self) -> Record:
        """The record; only where the result is trusted."""
        return Record(Path(self.folder))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Its findings as the gate sees them, without waivers that have ended; only where the result is trusted."""
        return standing(self.record.findings, self.result.idle)

    @property
    def told(self) -> Told:
        """Findings and result as a test report may keep them, without figures about small groups of persons."""
        findings = withholding.told(self.findings, self.record.plan["ask"].get("groups") or ())
        return Told(findings, gating.retold(self.result, findings))


class Told(NamedTuple):
    """What the lines and properties of tests are made of: reports of tests are uploaded."""

    findings: tuple[Finding, ...]
    result: GateResult


def audited(plan: Plan, folder: Path, *, out: Path | None, tier: str | None) -> Audited:
    """Carry out ``plan``, unless a process of this session did so: ``folder`` is the session's own.

    The record goes there, or into ``out``, where that of the same plan, model and data is kept, judged again, and
    resumed where it is incomplete.
    """
    name = f"{plan.slug}-{codec.digest_of(str(plan.path.resolve())).removeprefix('sha256:')[:8]}"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    done = folder / f"{name}.json"
    with (folder / f"{name}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # a process that ends in any way releases it
        if not done.is_file():
            write_bytes(done, codec.pretty(_carry_out(plan, folder / name, out, tier)))
    return _read(done)


def gate_lines(folder: Path) -> list[str]:
    """The gate of every audit of the session, one a line, and where its record is."""
    lines = []
    for done in (_read(path) for path in sorted(folder.glob("*.json"))):
        where = done.folder if done.result.trusted else "; ".join(cause.text for cause in done.result.causes)
        stood = " (complete before this session: judged again, nothing asked)" if done.stood else ""
        lines.append(line(f"gate {done.result.code}  {done.system}: {gating.meaning(done.result)}: {where}{stood}"))
    return lines


def gated(folder: Path, *, system: str = "") -> Audited:
    """A finished record as the gate sees it."""
    result = api.gate(folder)
    digest = statement_digest(folder) if result.trusted else None
    return Audited(system=system, folder=str(folder), digest=digest, stood=True, result=result)


@contextmanager
def calm() -> Iterator[None]:
    """Warnings as Python shows them by default: a suite that makes errors of them must not change what is measured."""
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        for kind in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
            warnings.simplefilter("ignore", kind)
        yield


def _carry_out(plan: Plan, folder: Path, out: Path | None, tier: str | None) -> Audited:
    system = f"{plan.card_text('name')} {plan.card_text('version')}".strip()
    try:
        with calm():
            if out is not None:
                asked = plan.at_tier(tier)
                key = preparing.record_key(asked, preparing.source_digests(asked, preparing.prepare(asked).values()))
                folder = out / running.default_folder(asked, key).name
            stood = statement_digest(folder) if Record(folder).sealed else None
            with showing.watching(plan) as observer:
                record = api.audit(plan, out=folder, tier=tier, documents=False, observer=observer)
            done = gated(record.folder, system=system)
            return replace(done, stood=done.digest is not None and done.digest == stood)
    except ProbandumError as error:
        return Audited(system=system, folder=str(folder), digest=None, stood=False, result=gating.failed(error))


def _read(path: Path) -> Audited:
    return codec.decode(Audited, path.read_bytes(), what=str(path))
