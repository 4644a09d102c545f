"""The audit folder: what stands where, how it is written so that kill -9 loses nothing, how it is read.

    run/ask/            plan.yaml, plan.json, environment.json, observations.jsonl.zst, items.json,
                        readings.json, estimates.json
    run/judgements/D/   findings.json, gate.json, card.json and their own statement; D names the judgement
    run/findings.json   the present judgement, which run/judgement names
    run/reports/        documents
    run/SHA256SUMS, run/statement.dsse.json   the seal over run/ask

While a run goes on, ``run/journal.jsonl`` grows by one line an observation and is synced after each pack. A
half-written last pack is dropped when the run resumes. The journal goes once its packed copy is sealed.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, TypeVar

import msgspec

from probandum import codec
from probandum.errors import RecordError, UsageError
from probandum.evidence import Items, Observation, Reading
from probandum.finding import Finding
from probandum.probe import ProbeResult, Window

T = TypeVar("T")
_FORMAT = 1


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
        """Whether the run is complete: its journal is packed and its digests are written."""
        return (self.folder / "SHA256SUMS").is_file()

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
    def readings(self) -> dict[str, Reading]:
        """Energy by probe, and of the whole audit under ``audit`` where a second meter ran."""
        return self._json(self.ask / "readings.json", dict[str, Reading])

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The plan's own judgement."""
        return tuple(self._json(self.folder / "findings.json", list[Finding]))

    def judgement(self, name: str | None = None) -> Path:
        """The folder of a judgement, by default of the plan's own."""
        if name is None:
            return self._present()
        return self.folder / "judgements" / name

    def observations(self) -> Iterator[Observation]:
        """Every ask and its answer, in the order they were recorded."""
        return (entry for entry in self.entries() if isinstance(entry, Observation))

    def windows(self) -> dict[str, Window]:
        """Every metered energy window by its key."""
        return {entry.window: entry.reading for entry in self.entries() if isinstance(entry, WindowEntry)}

    def entries(self) -> Iterator[Observation | WindowEntry]:
        """The journal, sealed or not, in the order it was written."""
        packed = self.observed
        if packed == self.journal:
            yield from journal_entries(self.journal)
            return
        import zstandard

        with packed.open("rb") as raw:
            try:
                missing = zstandard.frame_content_size(raw.read(18))
                raw.seek(0)
                lines = io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(raw))
                for number, line in enumerate(lines, 1):
                    missing -= len(line)
                    yield _entry(line, f"{packed}:{number}")
            except zstandard.ZstdError as error:
                raise RecordError(f"{packed}: {error}", remedy="the record is truncated or damaged") from None
        if missing:
            raise RecordError(f"{packed}: {missing} bytes are missing at its end", remedy="the record is truncated")

    @property
    def observed(self) -> Path:
        """The file that holds what was asked and answered: packed, or the journal of an unfinished run."""
        packed = self.ask / "observations.jsonl.zst"
        return packed if packed.is_file() else self.journal

    @property
    def present(self) -> Path:
        """The file that names the present judgement: two judgements may hold the same findings."""
        return self.folder / "judgement"

    def _present(self) -> Path:
        name = read_bytes(self.present).decode("utf-8", "replace")
        folder = self.folder / "judgements" / name.removesuffix("\n")
        found, wanted = folder / "findings.json", self.folder / "findings.json"
        if not (name.endswith("\n") and name.strip() == name[:-1] and found.is_file()):
            raise RecordError(f"{self.present}: names none of the judgements", remedy="judge it again")
        if found.read_bytes() != read_bytes(wanted):
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


class WindowEntry(msgspec.Struct):
    """A journal line that holds an energy window instead of an observation."""

    window: str
    reading: Window


class RunJournal:
    """The journal of a run that is being written; also what it finds there when it resumes.

    Only whole packs count as recorded. The file is locked while it is open: a second run into the same folder
    is refused. Without ``resume`` what an interrupted run recorded is dropped.
    """

    def __init__(self, path: Path, *, resume: bool = True) -> None:
        self._packs: dict[str, list[Observation]] = {}
        self._windows: dict[str, Window] = {}
        self._file = _open_locked(path)
        try:
            if not resume:
                self._file.truncate(0)
            entries = _whole_entries(self._file, path)
        except BaseException:
            self._file.close()
            raise
        for entry in entries:
            if isinstance(entry, Observation):
                self._packs.setdefault(entry.pack, []).append(entry)
            else:
                self._windows[entry.window] = entry.reading

    def recorded(self, pack: str) -> list[Observation] | None:
        """The observations of a whole recorded pack, in order."""
        return self._packs.get(pack)

    def write(self, observations: Sequence[Observation]) -> None:
        """Append one pack and sync."""
        self._append([codec.encode(observation) for observation in observations])
        self._packs[observations[0].pack] = list(observations)

    def window(self, key: str) -> Window | None:
        """A recorded energy window."""
        return self._windows.get(key)

    def write_window(self, key: str, window: Window) -> None:
        """Append one energy window and sync."""
        self._append([codec.encode({"window": key, "reading": window})])
        self._windows[key] = window

    def close(self) -> None:
        """Release the lock."""
        self._file.close()

    def _append(self, lines: Sequence[bytes]) -> None:
        self._file.seek(0, os.SEEK_END)
        self._file.write(b"".join(line + b"\n" for line in lines))
        self._file.flush()
        os.fsync(self._file.fileno())


def journal_entries(path: Path) -> list[Observation | WindowEntry]:
    """The whole lines of an open journal; none where it does not exist yet."""
    if not path.is_file():
        return []
    with path.open("rb") as file:
        return _whole_entries(file, path, mend=False)


def _open_locked(path: Path) -> IO[bytes]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    file = os.fdopen(descriptor, "r+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise UsageError(
            f"{path.parent}: another run is writing this record", remedy="wait for it, or choose another --out"
        ) from None
    return file


def _whole_entries(file: IO[bytes], path: Path, *, mend: bool = True) -> list[Observation | WindowEntry]:
    """All whole packs and windows; with ``mend``, what a killed run left half-written behind them is cut off.

    The journal only ever grows at its end, so that only its last pack can be short.
    """
    entries: list[Observation | WindowEntry] = []
    ends: list[int] = [0]
    file.seek(0)
    for number, line in enumerate(file, 1):
        if not line.endswith(b"\n"):
            break
        entries.append(_entry(line, f"{path}:{number}"))
        ends.append(ends[-1] + len(line))
    last = entries[-1] if entries else None
    if isinstance(last, Observation) and last.index + 1 < last.size:
        del entries[len(entries) - last.index - 1 :]
    if mend:
        file.seek(ends[len(entries)])
        file.truncate()
    return entries


def _entry(line: bytes, what: str) -> Observation | WindowEntry:
    kind: type[Any] = WindowEntry if line.startswith(b'{"reading":') else Observation
    entry: Observation | WindowEntry = codec.decode(kind, line, what=what)
    return entry


def pack_journal(journal: Path, target: Path) -> None:
    """Compress a finished journal to ``target``."""
    import zstandard

    lines = b"".join(codec.encode(entry) + b"\n" for entry in journal_entries(journal))
    write_bytes(target, zstandard.ZstdCompressor(level=9, write_checksum=True).compress(lines))


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file of mode 600 whole or not at all: a temporary neighbour, synced, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def write_json(path: Path, value: object) -> None:
    """Write ``value`` as indented canonical JSON."""
    write_bytes(path, codec.pretty(value))


def read_bytes(path: Path) -> bytes:
    """A file of a record; RecordError where it is missing."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise RecordError(
            f"{path}: {error.strerror or error}", remedy="the record is incomplete; run the audit again to resume it"
        ) from None


def start_record(
    folder: Path, *, plan_source: bytes, plan: Mapping[str, Any], environment: Mapping[str, Any]
) -> Record:
    """A new record, or the unfinished one of the same *ask* that stands in ``folder``.

    UsageError where another plan's record, or files that are no record, stand there; they stay untouched.
    """
    record = Record(folder)
    if (record.ask / "plan.json").is_file():
        if record.plan["key"] != plan["key"]:
            raise UsageError(
                f"{folder}: holds the record of another plan, model or data set", remedy="choose another --out"
            )
        return record
    if folder.exists() and (not folder.is_dir() or any(path.name != "ask" for path in folder.iterdir())):
        raise UsageError(f"{folder}: not empty and not an audit record", remedy="choose another --out")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    record.ask.mkdir(exist_ok=True, mode=0o700)
    write_bytes(record.ask / "plan.yaml", plan_source)
    write_json(record.ask / "environment.json", {"format": _FORMAT, **environment})
    write_json(record.ask / "plan.json", plan)
    return record
