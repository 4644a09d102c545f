"""Answers that outlive a run: by the identity of the target and the digest of a pack, in one SQLite file.

The pack is the unit, as everywhere: the same request in another batch may answer another fifth digit. Only
targets whose identity is a digest of their weights may share answers; an endpoint may change overnight.
"""

from __future__ import annotations

import datetime
import os
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from probandum import codec
from probandum.errors import UsageError
from probandum.evidence import Response
from probandum.resources import cache_folder

_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
  identity TEXT NOT NULL, pack TEXT NOT NULL, answered TEXT NOT NULL, responses BLOB NOT NULL,
  PRIMARY KEY (identity, pack)
) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cached:
    """The answers to one pack and the day they were given."""

    responses: list[Response]
    answered: str


class AnswerCache:
    """The answers of one target. Errors are never kept: they may be gone tomorrow."""

    def __init__(self, identity: Mapping[str, Any], *, path: Path | None = None) -> None:
        self._identity = codec.digest_of(identity)
        self._path = path or cache_folder() / "answers.sqlite"
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        try:
            self._database = sqlite3.connect(self._path, isolation_level=None, timeout=30)
            self._database.execute(_SCHEMA)
        except sqlite3.DatabaseError as error:
            raise UsageError(f"{self._path}: {error}", remedy="remove the file; it holds only copies") from None

    def get(self, pack: str) -> Cached | None:
        """The answers to ``pack``; None where they are not known."""
        row = self._database.execute(
            "SELECT answered, responses FROM answers WHERE identity = ? AND pack = ?", (self._identity, pack)
        ).fetchone()
        if row is None:
            return None
        responses = codec.decode(list[Response], bytes(row[1]), what=f"{self._path}: {pack}")
        return Cached(responses=responses, answered=str(row[0]))

    def put(self, pack: str, responses: Sequence[Response]) -> None:
        """Keep the answers to ``pack``, unless one is an error."""
        if any(response.error is not None for response in responses):
            return
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        self._database.execute(
            "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)",
            (self._identity, pack, today, codec.encode(list(responses))),
        )

    def close(self) -> None:
        """Release the file."""
        self._database.close()
