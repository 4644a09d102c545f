"""The audit folder: what stands where, how it is written so that kill -9 loses nothing, how it is read.

    run/ask/            plan.yaml, plan.json, environment.json, observations.jsonl.zst, items.json,
                        rows.json, readings.json, energy.json, estimates.json, spending.json
    run/judgements/D/   findings.json, gate.json, card.json and their own statement; D names the judgement
    run/findings.json   the present judgement, which run/judgement names
    run/reports/        documents, evidence pages and their own statement
    run/reviews/        who reviewed which document when, a statement each
    run/SHA256SUMS, run/statement.dsse.json   the seal over run/ask
    run/purge.dsse.json the statement over a purge, where there was one

While a run goes on, ``run/journal.jsonl`` grows by one line an observation and is synced after each pack. A
half-written last pack is dropped when the run resumes. The journal goes once its packed copy is sealed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from probandum import codec
from probandum.budget import Spending
from probandum.errors import RecordError, UsageError
from probandum.evidence import Items, Observation, Reading
from probandum.finding import Finding
from probandum.journal import (
    ASKED_AGAIN,
    Recorded,
    WindowEntry,
    journal_entries,
    packed,
    packed_entries,
    packed_observations,
    packed_windows,
)
from probandum.probe import ProbeResult, Window
from probandum.row_items import RowItems
from probandum.totalling import AuditEnergy

T = TypeVar("T")
_FORMAT = 1
#: How the names of files and folders end that are still being written.
PART = ".part"


class Record:
    """A folder with one audit in it, being written or sealed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ask = folder / "ask"

    @classmethod
    def open(cls, folder: str | Path) -> Record:
        """The record in ``folder``; RecordError where there is none."""
        path = Path(folder)
        record = cls(path)
        if not (record.ask / "environment.json").is_file():
            raise RecordError(f"{path}: no audit record", remedy="name a folder that `probandum audit` wrote")
        return record

    @property
    def sealed(self) -> bool:
        """Whether the run is complete: its journal is packed and its statement, the last file of all, is written."""
        return (self.folder / "statement.dsse.json").is_file()

    @property
    def environment(self) -> dict[str, Any]:
        """Tool, machine, target and times of the run."""
        return self._json(self.ask / "environment.json", dict[str, Any])

    @property
    def plan(self) -> dict[str, Any]:
        """The plan as it was measured: normalised values, digests and line map."""
        return self._json(self.ask / "plan.json", dict[str, Any])

    @property
    def results(self) -> tuple[ProbeResult, ...]:
        """What every probe measured, in the plan's order."""
        return tuple(self._json(self.ask / "estimates.json", list[ProbeResult]))

    @property
    def items(self) -> dict[str, Items]:
        """Item values by finding id."""
        return self._json(self.ask / "items.json", dict[str, Items])

    @property
    def rows(self) -> dict[str, RowItems]:
        """What became of every row, by probe."""
        return self._json(self.ask / "rows.json", dict[str, RowItems])

    @property
    def readings(self) -> dict[str, Reading]:
        """Energy by probe, and of the whole audit under ``audit`` where a second meter ran."""
        return self._json(self.ask / "readings.json", dict[str, Reading])

    @property
    def energy(self) -> AuditEnergy:
        """What the audit took together, and the CO2e of that."""
        return self._json(self.ask / "energy.json", AuditEnergy)

    @property
    def spending(self) -> Spending:
        """What was spent, of what budget, and whether that ended the asking."""
        return self._json(self.ask / "spending.json", Spending)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the present judgement found."""
        return tuple(self._json(self.folder / "findings.json", list[Finding]))

    def judgement(self, name: str | None = None) -> Path:
        """The folder of a judgement, by default of the present one."""
        if name is None:
            return self._present()
        return self.folder / "judgements" / name

    def observations(self) -> Iterator[Observation]:
        """Every ask and its answer, in the order they were recorded."""
        return (entry for entry in self.entries() if isinstance(entry, Observation))

    def windows(self) -> dict[str, Window]:
        """Every metered energy window by its key."""
        windows: Iterable[Observation | WindowEntry]
        windows = self.entries() if self.observed == self.journal else packed_windows(self.observed)
        return {
            each.window: each.reading
            for each in windows
            if isinstance(each, WindowEntry) and not each.window.startswith(ASKED_AGAIN)
        }

    def recorded(self) -> Iterator[Recorded]:
        """As :meth:`observations` of a sealed record, each in outline, which takes a third of the time, and whole."""
        return packed_observations(self.observed)

    def entries(self, *, arrays: bool = True) -> Iterator[Observation | WindowEntry]:
        """The journal, sealed or not, in the order it was written; of a sealed one with ``arrays`` or without."""
        file = self.observed
        yield from journal_entries(file) if file == self.journal else packed_entries(file, arrays=arrays)

    def left_by_a_purge(self) -> Iterator[bytes]:
        """The lines of the journal as they stand once raw questions and answers are deleted, sealed or not."""
        for entry in self.entries(arrays=False):
            left = entry.without_payload() if isinstance(entry, Observation) else entry
            yield codec.encode(left) + b"\n"

    @property
    def observed(self) -> Path:
        """The file that holds what was asked and answered: packed, or the journal of an unfinished run."""
        packed = self.ask / "observations.jsonl.zst"
        return packed if packed.is_file() else self.journal

    @property
    def present(self) -> Path:
        """The file that names the present judgement: two judgements may hold the same findings."""
        return self.folder / "judgement"

    @property
    def reports(self) -> Path:
        """Where the documents stand."""
        return self.folder / "reports"

    def sweep(self) -> None:
        """Take away what killed processes left half-written; call it where nobody else is writing the record."""
        for path in list(self.folder.rglob(f".*{PART}")):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def _present(self) -> Path:
        name = read_bytes(self.present).decode("utf-8", "replace")
        folder = self.folder / "judgements" / name.removesuffix("\n")
        found, wanted = folder / "findings.json", self.folder / "findings.json"
        if not (name.endswith("\n") and name.strip() == name[:-1] and found.is_file()):
            raise RecordError(f"{self.present}: names none of the judgements", remedy="judge it again")
        if read_bytes(found) != read_bytes(wanted):
            raise RecordError(f"{self.folder}: findings.json is none of its judgements", remedy="judge it again")
        return folder

    @property
    def lock(self) -> Path:
        """The lock that lay beside the plan when the run began, where there was one."""
        return self.ask / "lock.dsse.json"

    @property
    def journal(self) -> Path:
        """Where an unfinished run writes what it asked."""
        return self.folder / "journal.jsonl"

    def _json(self, path: Path, kind: type[T]) -> T:
        return codec.decode(kind, read_bytes(path), what=str(path))


def reopen(record: Record, *, plan_source: bytes, plan: Mapping[str, Any]) -> None:
    """Make a sealed record an unfinished one again, with all that was asked: what its budget had ended goes on.

    Its judgements, documents and their reviews are taken away: they spoke of the part that was asked. They go before
    its statement, so that a process that is killed between leaves a record that can be reopened once more.
    """
    write_bytes(record.journal, b"".join(codec.encode(entry) + b"\n" for entry in record.entries()))
    for folder in (record.folder / "judgements", record.reports, record.folder / "reviews"):
        with contextlib.suppress(FileNotFoundError):  # whole or not at all: a judgement that lacks a file is damage
            shutil.rmtree(folder.rename(folder.with_name(f".{folder.name}{PART}")))
    whole = ("statement.dsse.json", "SHA256SUMS", "ask/observations.jsonl.zst")
    for path in (record.present, record.folder / "findings.json", *(record.folder / name for name in whole)):
        path.unlink(missing_ok=True)
    write_bytes(record.ask / "plan.yaml", plan_source)
    write_json(record.ask / "plan.json", plan)


def pack_journal(journal: Path, target: Path) -> None:
    """Compress a finished journal to ``target``, as it stands: :class:`RunJournal` leaves whole packs alone in it."""
    write_bytes(target, packed([journal.read_bytes()]))


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file of mode 600 whole or not at all: a temporary neighbour, synced, then renamed.

    An error of the system names ``path``, and not the neighbour, of which nobody knows.
    """
    make_folder(path.parent)
    name = ""
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=PART)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException as error:
        if name:
            with contextlib.suppress(OSError):
                Path(name).unlink()
        if isinstance(error, OSError):
            error.filename, error.filename2 = str(path), None
        raise


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """An error of the system in the block names ``path`` where it names no file, as that of a full disk does."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def make_folder(folder: Path) -> None:
    """Make ``folder`` and every missing folder above it, all of mode 700; those that stand keep theirs."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(exist_ok=True, mode=0o700)


def write_json(path: Path, value: object) -> None:
    """Write ``value`` as indented canonical JSON."""
    write_bytes(path, codec.pretty(value))


def read_bytes(path: Path) -> bytes:
    """A file of a record; RecordError where it is missing, or is a pipe or device, from which reading may never end."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:  # which never waits for a pipe
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise RecordError(f"{path}: neither a file nor a folder", remedy="the record is damaged")
            return file.read()
    except OSError as error:
        raise RecordError(
            f"{path}: {error.strerror or error}", remedy="the record is incomplete; run the audit again to resume it"
        ) from None


def start_record(
    folder: Path, *, plan_source: bytes, plan: Mapping[str, Any], environment: Mapping[str, Any]
) -> Record:
    """A new record, or the unfinished one of the same *ask* that stands in ``folder``.

    UsageError where another plan's record, or files that are no record, stand there; they stay untouched. So it is
    where ``folder`` cannot be written.
    """
    try:
        return _started(folder, plan_source, plan, environment)
    except OSError as error:
        raise UsageError(
            f"{folder}: cannot be written: {error.strerror or error}", remedy="choose another --out"
        ) from None


def _started(folder: Path, plan_source: bytes, plan: Mapping[str, Any], environment: Mapping[str, Any]) -> Record:
    record = Record(folder)
    if (record.ask / "plan.json").is_file():
        if record.plan["key"] != plan["key"]:
            raise UsageError(
                f"{folder}: holds the record of another plan, model or data set", remedy="choose another --out"
            )
        tempfile.TemporaryFile(dir=folder).close()  # the rest of the run is written there
        return record
    if folder.exists() and (not folder.is_dir() or any(path.name != "ask" for path in folder.iterdir())):
        raise UsageError(f"{folder}: not empty and not an audit record", remedy="choose another --out")
    make_folder(record.ask)
    write_bytes(record.ask / "plan.yaml", plan_source)
    write_json(record.ask / "environment.json", {"format": _FORMAT, **environment})
    write_json(record.ask / "plan.json", plan)
    return record
