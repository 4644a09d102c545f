"""Purging: raw questions and answers are deleted from a sealed record, and a statement of its own says so.

The seal of what was asked stays as it is. It lists the digest of the observations that went, and holds the digest of
what a purge leaves of them, so that nobody can change digests, counts or readings and call it a purge. The statement
over a purge names both files, who deleted and when. It is written before the observations are replaced: a process
that is killed between leaves a purge that ``verify`` calls interrupted, and the same command ends it.

Nothing is promised of copies elsewhere: documents written outside the record, backups, the blocks of a disk.
"""

from __future__ import annotations

import datetime
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from probandum import codec, sealing, versions
from probandum.errors import RecordError, UsageError
from probandum.evidence import Observation
from probandum.journal import packed
from probandum.record import Record, write_bytes
from probandum.signing import envelope, key_id, load_private, open_envelope

#: The statement over a purge, at the root of the record.
FILE = "purge.dsse.json"
OBSERVATIONS = "ask/observations.jsonl.zst"


@dataclass(frozen=True, slots=True, kw_only=True)
class Purge:
    """What a statement over a purge says. ``removed`` and ``left``: the SHA-256 of the observations before and after.

    ``record``: the digest of the statement over what was asked. ``purged``: the ISO time. ``observations``: how many
    lost their question and answer. ``signer``: the id of the key that it says it was signed with.
    """

    record: str
    removed: str
    left: str
    purged: str
    observations: int
    by: str | None
    reason: str | None
    tool: str
    signer: str | None

    @property
    def said(self) -> str:
        """The purge in one sentence, without its end."""
        who = f" by {self.by}" if self.by else ""
        signed = f" (key {self.signer})" if self.signer else " (unsigned)"
        why = f": {self.reason}" if self.reason else ""
        return f"the raw questions and answers were deleted on {self.purged[:10]}{who}{signed}{why}"


def read(record: Record) -> Purge | None:
    """The purge of ``record``; None where there was none. RecordError where its statement is damaged."""
    path = record.folder / FILE
    if not path.is_file():
        return None
    body, signatures = open_envelope(path)
    told = codec.decode(dict[str, Any], body, what=str(path))
    try:
        (subject,) = told["subject"]
        purge = Purge(
            left=subject["digest"]["sha256"], signer=signatures[0].keyid if signatures else None, **told["predicate"]
        )
    except (LookupError, TypeError, ValueError) as error:
        raise RecordError(f"{path}: not a statement over a purge ({type(error).__name__}: {error})") from None
    if _body(purge) != body:
        raise RecordError(f"{path}: the statement names another file, or is of another kind")
    return purge


def misstated(record: Record, purge: Purge) -> str | None:
    """What the statement over a purge says that the record contradicts; who purged it and why, nothing else says."""
    entries = [entry for entry in record.entries() if isinstance(entry, Observation)]
    if {entry.purged for entry in entries} - {True} or len(entries) != purge.observations:
        purged = sum(entry.purged for entry in entries)
        return f"says that {purge.observations} observations were purged, and of {len(entries)} here {purged} were"
    if (wrong := versions.impossible(purge.tool, asked=record.environment["tool"]["version"])) is not None:
        return f"is {wrong}"
    started, day = datetime.datetime.fromisoformat(record.environment["started"]), _time(purge.purged)
    if day is None:
        return f"says that it was purged on {purge.purged!r}, which is no time such as {started.isoformat()}"
    if day < started:
        return f"says that it was purged on {purge.purged}, before the record began on {started.isoformat()}"
    return None


def _time(text: str) -> datetime.datetime | None:
    """The time that a purge states, as it writes it; None where it is none.

    >>> _time("2026-11-28T09:30:00+00:00").hour, _time("2026-11-28"), _time("garbage")
    (9, None, None)
    """
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None and found.isoformat(timespec="seconds") == text else None


def interrupted(record: Record, purge: Purge) -> bool:
    """Whether a purge was said and not done: the observations are still those that went."""
    return purge.left != purge.removed == sealing.file_sha256(record.folder / OBSERVATIONS)


def withdraw(record: Record) -> None:
    """Take an interrupted purge back, so that the record can be verified and purged whole."""
    purge = read(record)
    if purge is not None and interrupted(record, purge):
        (record.folder / FILE).unlink()


def purge(record: Record, *, by: str | None, reason: str | None, key: Path | None) -> Purge:
    """Delete what was asked and answered from a sealed, verified record; keeps digests, counts and readings.

    A record that was purged before stays as it is. UsageError where a signed record is purged without a key.
    """
    found = read(record)
    if found is not None:
        return found
    if key is None and (signature := sealing.signature(record.folder))["signed"]:
        raise UsageError(
            f"{record.folder}: signed by key {signature['key_id']}, and a purge has to be, too",
            remedy="name the private key with --key",
        )
    private = None if key is None else load_private(key)
    after = packed(record.left_by_a_purge())
    made = Purge(
        record=sealing.statement_digest(record.folder),
        removed=sealing.listed_digests(record.folder)[OBSERVATIONS],
        left=codec.digest(after).removeprefix("sha256:"),
        purged=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        observations=sum(1 for _ in record.observations()),
        by=by,
        reason=reason,
        tool=version("probandum"),
        signer=None if private is None else key_id(private.public_key()),
    )
    write_bytes(record.folder / FILE, envelope(_body(made), private))
    write_bytes(record.folder / OBSERVATIONS, after)
    return made


def delete_raw_pages(record: Record) -> sealing.ReportFacts | None:
    """Take every report away, since evidence pages repeat questions and answers; what wrote them, where a seal says."""
    facts = None
    if (record.reports / sealing.STATEMENT).is_file():
        facts = sealing.report_facts(record.reports)
    sealing.break_seal(record.reports)
    shutil.rmtree(record.reports / "evidence", ignore_errors=True)
    return facts


def _body(purge: Purge) -> bytes:
    facts = codec.builtins(purge)
    del facts["left"], facts["signer"]
    return sealing.statement([(OBSERVATIONS, purge.left)], "purge", facts)
