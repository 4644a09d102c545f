"""What a public benchmark is made of: the records of its files, and the answers that were given to its items."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from probandum.errors import TargetError
from probandum.evidence import Capability, Request
from probandum.probe import Ask
from probandum.public_records import PublicRecord, not_text, read_json, read_nested, read_records

__all__ = ["PublicRecord", "not_text", "read_json", "read_nested", "read_once", "read_records", "recalled"]

P = ParamSpec("P")
R = TypeVar("R")


def read_once(reader: Callable[P, R]) -> Callable[P, R]:
    """``reader`` of files that its arguments name, which returns what it read last where no byte of them has changed.

    A probe is made to check a plan, for each of its tiers, and to run; a large file is taken apart once for all.
    """
    last: dict[object, R] = {}

    @wraps(reader)
    def read(*args: P.args, **kwargs: P.kwargs) -> R:
        key = _stated((*args, *kwargs.items()))
        if key not in last:
            found = reader(*args, **kwargs)
            last.clear()
            last[key] = found
        return last[key]

    return read


def _stated(value: object) -> object:
    """A value as a key: a file by its path and its bytes, as far as these can be read."""
    if isinstance(value, list | tuple):
        return tuple(map(_stated, value))
    if not isinstance(value, Path) or not value.is_file():
        return value
    with value.open("rb") as file:
        return value, hashlib.file_digest(file, "blake2b").digest()


def recalled(ask: Ask, items: Sequence[str]) -> list[str | None]:
    """The recorded answer of each item by its name, in order; None where the record has none.

    Only where ``Capability.RECALL`` is among ``ask.capabilities``. TargetError where the target answers nothing at all.
    """
    (response,) = ask([Request(kind=Capability.RECALL, inputs=tuple(items), keys=tuple(items))])
    if response.error is not None:
        raise TargetError(response.error)
    found = response.values[:, 0] == 1
    found[list(response.refused)] = False
    return [text if there else None for text, there in zip(response.texts, found, strict=True)]
