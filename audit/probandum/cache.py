"""Answers that outlive a run: by the system, how it is asked, and the digest of a pack, in one SQLite file.

The pack is the unit, as everywhere: the same request in another batch may answer another fifth digit. Only targets
whose identity is a digest of their weights may share answers; an endpoint may change overnight. Several processes may
use the file at once (write-ahead log). It holds only copies: what is used least recently goes when the file grows
beyond its limit, and a cache that fails while an audit goes on costs time and nothing else.
"""

from __future__ import annotations

import datetime
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from probandum import codec
from probandum.errors import RecordError, UsageError
from probandum.evidence import Response
from probandum.resources import cache_folder

#: Most megabytes (of a million bytes) that answers may take, where ``PROBANDUM_CACHE_LIMIT`` says nothing else.
LIMIT_MEGABYTES = 2000.0
#: Seconds that a process waits for another one that is writing.
_PATIENCE = 30.0
#: How full the file may be after the least recently used went, so that not every answer has to make room.
_ROOM = 0.9
_FORMAT = 1
_REMEDY = "remove it with: probandum cache clear; it holds only copies"

#: Bodies stand apart, so that noting a use rewrites a few bytes; ``answers.used`` is in seconds since 1970.
_SCHEMA = (
    "CREATE TABLE systems (digest TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE answers (
      id INTEGER PRIMARY KEY, system TEXT NOT NULL, pack TEXT NOT NULL, answered TEXT NOT NULL, used REAL NOT NULL,
      bytes INTEGER NOT NULL, digest TEXT NOT NULL, UNIQUE (system, pack))""",
    "CREATE TABLE bodies (id INTEGER PRIMARY KEY, responses BLOB NOT NULL)",
    "CREATE TRIGGER forget AFTER DELETE ON answers BEGIN DELETE FROM bodies WHERE id = old.id; END",
    f"PRAGMA user_version = {_FORMAT}",
)
_FIND = (
    "SELECT id, answered, digest, CAST(responses AS BLOB) FROM answers JOIN bodies USING (id)"
    " WHERE system = ? AND pack = ?"
)
_KEEP = "INSERT OR IGNORE INTO answers (system, pack, answered, used, bytes, digest) VALUES (?, ?, ?, ?, ?, ?)"
#: All but the most recently used, as far as these are not more than so many bytes together.
_EVICT = (
    "DELETE FROM answers WHERE id IN (SELECT id FROM"
    " (SELECT id, SUM(bytes) OVER (ORDER BY used DESC, id DESC) AS total FROM answers) WHERE total > ?)"
)
_HELD = (
    "SELECT system, name, COUNT(*), SUM(bytes), MIN(answered), MAX(answered) FROM answers"
    " JOIN systems ON systems.digest = system GROUP BY system ORDER BY MAX(used) DESC, system"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cached:
    """The answers to one pack and the day they were given."""

    responses: list[Response]
    answered: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What is kept of one system.

    ``system``: the digest of what it is and how it is asked; ``name``: what people call it; ``first`` and ``last``: the
    days of its answers.
    """

    system: str
    name: str
    packs: int
    bytes: int
    first: str
    last: str


class AnswerCache:
    """The answers of one system. Errors are never kept: they may be gone tomorrow.

    ``identity``: the target's, and whatever else decides what it answers. ``name``: what people call it. ``notice`` is
    told in one line where the file fails while it is in use; nothing is read or kept from then on. UsageError where it
    cannot be written, or is no cache, when it is opened.
    """

    def __init__(
        self,
        identity: Mapping[str, Any],
        *,
        name: str = "",
        path: Path | None = None,
        notice: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.system = codec.digest_of({"tool": version("probandum"), "system": identity})
        self._name = name
        self._path = path or cache_path()
        self._limit = limit_bytes()
        self._notice = notice
        self._failed = False
        self._database = _opened(self._path)

    def get(self, pack: str) -> Cached | None:
        """The answers to ``pack``; None where they are not known."""
        if self._failed:
            return None
        with self._surviving():
            row = self._database.execute(_FIND, (self.system, pack)).fetchone()
            if row is not None:
                if codec.digest(bytes(row[3])) != row[2]:
                    raise RecordError(f"the answers to pack {pack[:19]}… are not those that were kept")
                found = Cached(responses=codec.decode(list[Response], bytes(row[3]), what=pack), answered=str(row[1]))
                self._database.execute("UPDATE answers SET used = ? WHERE id = ?", (time.time(), row[0]))
                return found
        return None

    def put(self, pack: str, responses: Sequence[Response]) -> None:
        """Keep the answers to ``pack``, unless one is an error; those that another process kept first stay."""
        if self._failed or any(response.error is not None for response in responses):
            return
        body = codec.encode(list(responses))
        if len(body) > self._limit:
            return
        with self._surviving(), _whole(self._database):
            today = datetime.datetime.now(datetime.UTC).date().isoformat()
            self._database.execute("INSERT OR REPLACE INTO systems VALUES (?, ?)", (self.system, self._name))
            values = (self.system, pack, today, time.time(), len(body), codec.digest(body))
            kept = self._database.execute(_KEEP, values)
            if kept.rowcount:
                self._database.execute("INSERT INTO bodies VALUES (?, ?)", (kept.lastrowid, body))
                (size,) = self._database.execute("SELECT SUM(bytes) FROM answers").fetchone()
                if size > self._limit:
                    self._database.execute(_EVICT, (max(self._limit * _ROOM, len(body)),))

    def close(self) -> None:
        """Release the file."""
        self._database.close()

    @contextmanager
    def _surviving(self) -> Iterator[None]:
        """Give the file up where it fails: the system can be asked instead."""
        try:
            yield
        except (sqlite3.Error, RecordError) as error:
            self._failed = True
            damaged = not isinstance(error, sqlite3.OperationalError)
            self._notice("; ".join([f"{self._path}: {error}; this run goes on without it", *[_REMEDY] * damaged]))


def cache_path() -> Path:
    """Where answers are kept."""
    return cache_folder() / "answers.sqlite"


def limit_bytes() -> int:
    """How much may be kept, from ``PROBANDUM_CACHE_LIMIT`` in megabytes; UsageError where that is no such number."""
    said = os.environ.get("PROBANDUM_CACHE_LIMIT") or str(LIMIT_MEGABYTES)
    with suppress(ValueError):
        if 0 < (megabytes := float(said)) < float("inf"):
            return int(megabytes * 1e6)
    raise UsageError(f"PROBANDUM_CACHE_LIMIT: {said!r}", remedy="expected a number of megabytes above 0, such as 500")


def holdings(path: Path | None = None) -> list[Holding]:
    """What is kept, by system, the last used first; UsageError where the file is damaged."""
    where = path or cache_path()
    if not where.exists():
        return []
    with closing(_opened(where)) as database, _readable(where):
        return [
            Holding(system=system, name=name, packs=packs, bytes=size, first=first, last=last)
            for system, name, packs, size, first, last in database.execute(_HELD)
        ]


def clear(path: Path | None = None, *, older_than_days: int | None = None, system: str | None = None) -> int:
    """Forget answers, all or those given more than so many days ago, of every system or those whose digest begins so.

    Returns how many packs went. Without a filter a damaged file is removed whole. UsageError where no system is named
    so.
    """
    where = path or cache_path()
    if not where.exists():
        return 0
    try:
        with closing(_opened(where)) as database, _readable(where):
            return _forgotten(database, older_than_days, system)
    except UsageError as error:
        if (older_than_days, system) != (None, None) or error.remedy != _REMEDY:
            raise
        for suffix in ("-wal", "-shm", ""):
            where.with_name(where.name + suffix).unlink(missing_ok=True)
        return 0


def _forgotten(database: sqlite3.Connection, older_than_days: int | None, system: str | None) -> int:
    before = "9999-12-31"
    if older_than_days is not None:
        today = datetime.datetime.now(datetime.UTC).date()
        before = (today - datetime.timedelta(days=older_than_days)).isoformat()
    begins = "" if system is None else f"sha256:{system.removeprefix('sha256:')}"
    known = [digest for (digest,) in database.execute("SELECT digest FROM systems") if digest.startswith(begins)]
    if system is not None and not known:
        raise UsageError(f"no system {system!r} in the cache", remedy="see: probandum cache")
    gone = 0
    with _whole(database):
        for digest in known:
            gone += database.execute("DELETE FROM answers WHERE system = ? AND answered < ?", (digest, before)).rowcount
        database.execute("DELETE FROM systems WHERE digest NOT IN (SELECT system FROM answers)")
    database.execute("PRAGMA incremental_vacuum").fetchall()
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return gone


def _opened(path: Path) -> sqlite3.Connection:
    """The file, made where there is none; UsageError where it cannot be written, or is no cache of this version."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite gives the mode to the files beside it
    except OSError as error:
        raise _unusable(error.filename or path, error.strerror or str(error)) from None
    database = sqlite3.connect(path, isolation_level=None, timeout=_PATIENCE)
    try:
        with _readable(path):
            _prepare(database)
    except BaseException:
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection) -> None:
    """Make the tables where there are none, and set how this connection works."""
    for pragma in ("auto_vacuum = INCREMENTAL", "secure_delete = ON", "synchronous = NORMAL"):
        database.execute(f"PRAGMA {pragma}").fetchall()
    _log_ahead(database)
    with _whole(database):
        (tables,) = database.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        if not tables:
            for statement in _SCHEMA:
                database.execute(statement)
        (found,) = database.execute("PRAGMA user_version").fetchone()
    if found != _FORMAT:
        raise sqlite3.DatabaseError(f"a cache of format {found}, expected {_FORMAT}")


def _log_ahead(database: sqlite3.Connection) -> None:
    """Switch to the write-ahead log; SQLite does not wait for others there, so that we do."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL").fetchall()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


@contextmanager
def _whole(database: sqlite3.Connection) -> Iterator[None]:
    """One transaction that holds the write lock from its start, so that two never wait for each other."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with suppress(sqlite3.Error):  # the failure itself may have ended it
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """What SQLite says of a file as one of our errors: damaged, or not to be used now."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise _unusable(path, str(error)) from None
    except sqlite3.DatabaseError as error:
        raise UsageError(f"{path}: {error}", remedy=_REMEDY) from None


def _unusable(path: object, why: str) -> UsageError:
    return UsageError(
        f"{path}: answers cannot be kept there: {why}",
        remedy="set PROBANDUM_CACHE to a folder that can be written, or execution.cache to run",
    )
