"""Answers written into the file that a card stands in: at once, whole or not at all, everything else as it was."""

from __future__ import annotations

import codecs
import copy
import datetime
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from probandum.errors import UsageError
from probandum.record import write_bytes
from probandum.splicing import Statement, spliced

#: Stands at the top of a card that is written for the first time.
_HEAD = (
    "# What people declare of a system: probandum card check says what is missing, card schema what may stand here.\n"
)


def put(path: Path, statements: Mapping[str, Statement], *, under: tuple[str, ...] = ()) -> None:
    """Write each statement at its dotted path below ``under``; UsageError, and an untouched file, where it cannot be.

    A file that is not there yet is made, and needs a statement of its ``name``.
    """
    path = path.resolve()  # a link stays one
    there = path.exists()
    file = path.resolve()  # a link stays one
    data = file.read_bytes() if there else f"{_HEAD}name: x\n".encode()
    mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    text = data.removeprefix(mark).decode("utf-8")
    placed = {(*under, *name.split(".")): said for name, said in statements.items()}
    try:
        made = spliced(text, placed)
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}", remedy=error.remedy) from None
    mode = stat.S_IMODE(file.stat().st_mode) if there else None
    if _read(made) != with_statements(_read(text), placed):
        raise UsageError(f"{path}: has a form that statements cannot be put into", remedy="write them by hand")
    write_bytes(file, mark + made.encode())
    if mode is not None:
        file.chmod(mode)


def with_statements(values: Any, placed: Mapping[tuple[str, ...], Statement]) -> Any:
    """``values``, as they are read, with each statement at its place.

    >>> with_statements({"a": None}, {("a", "b"): Statement(value="x"), ("c",): Statement(value=1)})
    {'a': {'b': 'x'}, 'c': 1}
    """
    found = copy.deepcopy(values)
    for place, said in placed.items():
        below = found
        for step in place[:-1]:
            if not isinstance(below.get(step), dict):
                below[step] = {}
            below = below[step]
        below[place[-1]] = said.value if said.plain else {"value": said.value, "by": said.by, "date": said.date}
    return found


def _read(text: str) -> Any:
    """The values of a file, dates as the texts that they are written as."""
    return _texts(yaml.safe_load(text))


def _texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _texts(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_texts(inner) for inner in value]
    return value.isoformat() if isinstance(value, datetime.date) else value
