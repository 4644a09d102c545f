"""The journal of a run: one line an observation or an energy window, synced by whole packs, so that kill -9 loses none.

A half-written last pack is dropped when the run resumes. Once the run is over, the journal is packed as it stands.

An observation holds its question and answer beside the digests of both. Whoever builds on them compares the two: a run
that resumes, a replay, a verification. An energy window has no digest: it is a reading, and nothing says it twice.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec

from probandum import codec
from probandum.budget import Spent
from probandum.errors import RecordError, Unrecorded, UsageError
from probandum.evidence import Observation
from probandum.probe import Window
from probandum.rereading import AGAIN, WHOLE_PROBE, regular
from probandum.totalling import SECOND

#: How the windows are called that hold what was asked again, to see that the system is the same.
ASKED_AGAIN = "again:"
#: How the line of a window begins, and no other's.
_OF_A_WINDOW = b'{"reading":'
#: How many bytes of a packed journal are unpacked at once.
_AT_ONCE = 1 << 17
#: What the digest of an answer covers, in its order; see :attr:`probandum.evidence.Response.digest`.
_ANSWERED = ("outputs", "per_token", "texts", "labels", "input_tokens", "output_tokens", "refused", "error")
#: What the digest of a request covers beyond its kind and its inputs, and what it is where the journal leaves it out.
_ASKED = {"options": b"[]", "prefix": b'""', "continuations": b"[]", "parameters": b"{}", "repeat": b"0"}


class Recorded(NamedTuple):
    """An observation with an empty array in the place of each, and what reads it whole: most of the time goes there."""

    outline: Observation
    whole: Callable[[], Observation]


class _Payload(msgspec.Struct):
    """A line of the journal with its question and answer as they stand there."""

    asked: dict[str, msgspec.Raw]
    answer: dict[str, msgspec.Raw]


class WindowEntry(msgspec.Struct):
    """A journal line that holds an energy window instead of an observation."""

    window: str
    reading: Window


class RunJournal:
    """The journal of a run that is being written; also what it finds there when it resumes.

    Only whole packs count as recorded. The file is locked while it is open: a second run into the same folder
    is refused. Without ``resume`` what an interrupted run recorded is dropped. ``resumes``: whether it held anything of
    such a run; ``under_way``: whether a probe of it was begun and not done. RecordError where a recorded question or
    answer is not the one whose digest stands beside it, or a line is none that a run of ``probes``, by default of any,
    writes there.
    """

    def __init__(self, path: Path, *, probes: Collection[str] | None = None, resume: bool = True) -> None:
        self._lines: dict[str, int] = {}
        self._packs: dict[str, list[Observation]] = {}
        self._windows: dict[str, Window] = {}
        self._path = path
        self._file = _open_locked(path)
        try:
            if not resume:
                self._file.truncate(0)
            entries = _whole_entries(self._file, path, remedy=AGAIN)
            for number, entry in enumerate(regular(entries, probes, what=str(path), remedy=AGAIN), 1):
                if isinstance(entry, Observation) and entry.purged:
                    raise RecordError(f"{path}:{number}: its answer was purged", remedy=AGAIN)
                if isinstance(entry, Observation):
                    self._lines.setdefault(entry.pack, number)
        except BaseException:
            self._file.close()
            raise
        self.resumes = bool(entries)
        self.under_way = self.resumes and not _ends_a_probe(entries[-1])
        for entry in entries:
            if isinstance(entry, Observation):
                self._packs.setdefault(entry.pack, []).append(entry)
            else:
                self._windows[entry.window] = entry.reading
        self._parts: dict[str, list[Observation]] = {}
        for pack in self._packs.values():
            if len(pack) == 1:
                self._parts.setdefault(pack[0].named, []).append(pack[0])

    def recorded(self, pack: str) -> list[Observation] | None:
        """The observations of a whole recorded pack, in order."""
        return self._packs.get(pack)

    def parts(self, block: str) -> list[Observation]:
        """What was recorded of a block alone, each a pack of its own."""
        return self._parts.get(block, [])

    def place(self, pack: str) -> tuple[str, int]:
        """The file and the line at which a recorded pack begins."""
        return str(self._path), self._lines[pack]

    def write(self, observations: Sequence[Observation]) -> None:
        """Append whole packs and sync. Only earlier packs are given back: nothing is asked twice in a run."""
        self._append([codec.encode(observation) for observation in observations])

    def spent(self) -> Spent:
        """What everything recorded so far took; the readings of whole probes, which hold it too, are not added."""
        packs = (Spent.on_recorded(pack) for pack in self._packs.values())
        windows = (
            Spent.on_again(window) if key.startswith(ASKED_AGAIN) else Spent.on_window(window)
            for key, window in self._windows.items()
            if window.requests
        )
        return sum([*packs, *windows], Spent())

    def smaller_batches(self) -> int | None:
        """The tokens of a pass that the run had to go down to; None where memory held as many as the plan says."""
        found = (observation.smaller_batches for pack in self._packs.values() for observation in pack)
        return min((tokens for tokens in found if tokens is not None), default=None)

    def window(self, key: str) -> Window | None:
        """A recorded energy window."""
        return self._windows.get(key)

    def write_window(self, key: str, window: Window) -> None:
        """Append one energy window and sync."""
        self._append([codec.encode({"window": key, "reading": window})])
        self._windows[key] = window

    def write_again(self, window: Window) -> None:
        """Append what asking again took, and sync."""
        self.write_window(f"{ASKED_AGAIN}{sum(key.startswith(ASKED_AGAIN) for key in self._windows) + 1}", window)

    def close(self) -> None:
        """Release the lock."""
        self._file.close()

    def _append(self, lines: Sequence[bytes]) -> None:
        """Past the file's buffer, whose rest would be written again when it is closed."""
        descriptor = self._file.fileno()
        end = os.lseek(descriptor, 0, os.SEEK_END)
        left = memoryview(b"".join(line + b"\n" for line in lines))
        try:
            while left:
                left = left[os.write(descriptor, left) :]
            os.fsync(descriptor)
        except OSError as error:
            with contextlib.suppress(OSError):  # a half-written pack is dropped when the run resumes, too
                os.ftruncate(descriptor, end)
            raise Unrecorded(
                f"{self._path}: {error.strerror or error}",
                remedy="make room and give the same command again: what was recorded is kept",
            ) from None


def _ends_a_probe(entry: Observation | WindowEntry) -> bool:
    """Whether it is the reading of a whole probe, or of the whole audit, which is the last that is written."""
    return isinstance(entry, WindowEntry) and (entry.window == SECOND or entry.window.startswith(WHOLE_PROBE))


def journal_entries(path: Path) -> list[Observation | WindowEntry]:
    """The whole lines of an open journal; none where it does not exist yet."""
    if not path.is_file():
        return []
    with path.open("rb") as file:
        return _whole_entries(file, path, mend=False)


def packed_entries(path: Path, *, arrays: bool = True) -> Iterator[Observation | WindowEntry]:
    """The lines of a packed journal; RecordError where it is truncated or damaged.

    Without ``arrays`` the numbers of answers are left out (:func:`codec.decode`).
    """
    return (_entry(line, where, arrays=arrays) for line, where in _packed_lines(path))


def packed_observations(path: Path) -> Iterator[Recorded]:
    """The observations of a packed journal, each in outline; RecordError as :func:`packed_entries` raises it."""
    for line, where in _packed_lines(path):
        outline = _entry(line, where, arrays=False)
        if isinstance(outline, Observation):
            yield Recorded(outline, partial(codec.decode, Observation, line, what=where))


def packed_windows(path: Path) -> Iterator[WindowEntry]:
    """The energy windows of a packed journal alone, read as :func:`packed_entries` reads them."""
    lines = (each for each in _packed_lines(path) if each[0].startswith(_OF_A_WINDOW))
    return (entry for line, where in lines if isinstance(entry := _entry(line, where), WindowEntry))


def compared_entries(path: Path) -> Iterator[Observation | WindowEntry]:
    """The whole lines of a journal, packed or open; RecordError naming the first that is not what its digests say.

    Of an observation that was purged nothing is left to compare.
    """
    if path.suffix == ".zst":
        for line, where in _packed_lines(path):
            yield _compared(_entry(line, where), line, where, remedy="the record is damaged; choose another")
    elif path.is_file():
        with path.open("rb") as file:
            yield from _whole_entries(file, path, mend=False, remedy="the record is damaged; choose another")


def _packed_lines(path: Path) -> Iterator[tuple[bytes, str]]:
    """Each line and its place."""
    import zstandard

    with path.open("rb") as raw:
        try:
            missing = zstandard.frame_content_size(raw.read(18))
            raw.seek(0)
            lines = io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(raw), _AT_ONCE)
            for number, line in enumerate(lines, 1):
                missing -= len(line)
                yield line, f"{path}:{number}"
        except zstandard.ZstdError as error:
            raise RecordError(f"{path}: {error}", remedy="the record is truncated or damaged") from None
    if missing:
        raise RecordError(f"{path}: {missing} bytes are missing at its end", remedy="the record is truncated")


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


def _whole_entries(
    file: IO[bytes], path: Path, *, mend: bool = True, remedy: str | None = None
) -> list[Observation | WindowEntry]:
    """All whole packs and windows; with ``mend``, what a killed run left half-written behind them is cut off.

    The journal only ever grows at its end, so that only its last pack can be short. With a ``remedy`` each is compared
    with its digests.
    """
    entries: list[Observation | WindowEntry] = []
    ends: list[int] = [0]
    file.seek(0)
    for number, line in enumerate(file, 1):
        if not line.endswith(b"\n"):
            break
        where = f"{path}:{number}"
        entry = _entry(line, where)
        entries.append(entry if remedy is None else _compared(entry, line, where, remedy=remedy))
        ends.append(ends[-1] + len(line))
    last = entries[-1] if entries else None
    if isinstance(last, Observation) and last.index + 1 < last.size:
        del entries[len(entries) - last.index - 1 :]
    if mend:
        file.seek(ends[len(entries)])
        file.truncate()
    return entries


def _entry(line: bytes, what: str, *, arrays: bool = True) -> Observation | WindowEntry:
    kind: type[Any] = WindowEntry if line.startswith(_OF_A_WINDOW) else Observation
    entry: Observation | WindowEntry = codec.decode(kind, line, what=what, arrays=arrays)
    return entry


def _compared(entry: Observation | WindowEntry, line: bytes, where: str, *, remedy: str) -> Observation | WindowEntry:
    """``entry``; RecordError where its question or answer is not what the digest beside it says.

    The bytes of the line are hashed as they stand: canonical JSON, as they were when the digest was taken.
    """
    if isinstance(entry, WindowEntry):
        return entry
    wrong = None
    if entry.purged:
        if entry.answer.digest != entry.without_payload().answer.digest:
            wrong = "it was purged, and still holds an answer"
    else:
        held = msgspec.json.decode(line, type=_Payload)
        asked = _asked_digest(held.asked)
        if _digest_of(held.answer.get(name, b"") for name in _ANSWERED) != entry.response:
            wrong = "the answer is not the one whose digest stands beside it"
        elif asked is not None and asked != entry.request:
            wrong = "the question is not the one whose digest stands beside it"
    if wrong is not None:
        raise RecordError(f"{where}: {wrong}", remedy=remedy)
    return entry


def _asked_digest(asked: dict[str, msgspec.Raw]) -> str | None:
    """The digest of a recorded question; None of perturbed texts, in whose place the journal holds masks."""
    seen = asked.get("rows", asked.get("inputs"))
    if seen is None:
        return None
    rest = (asked.get(name, nothing) for name, nothing in _ASKED.items())
    return _digest_of([asked.get("kind", b""), seen, *rest])


def _digest_of(values: Iterable[msgspec.Raw | bytes]) -> str:
    """The digest of a list, from the canonical JSON of its values."""
    return codec.digest(b"[" + b",".join(map(bytes, values)) + b"]")


def packed(lines: Iterable[bytes]) -> bytes:
    """The lines of a journal, compressed; numbers and digests, most of it, get no smaller by more effort than this."""
    import zstandard

    return zstandard.ZstdCompressor(level=3, write_checksum=True).compress(b"".join(lines))
