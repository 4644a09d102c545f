"""Items of rows, packed: a key, a digest of its content and a few small codes for each of a million rows.

Rates of groups are counts, so a comparison of two records needs of every row no more than which cell it fell into.
Rows are named by digests: an ``items.json`` with the persons themselves in it would be a copy of the data.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Digests = npt.NDArray[np.uint64]
Codes = npt.NDArray[np.uint16]
Form = Literal["share", "difference", "ratio"]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowItems:
    """What became of every row that a probe asked about.

    ``named``: whether rows have names of their own (``data.id``), or only their place. ``keys``: a digest of 64 bits a
    row of its name; empty without names, since the key is then one of place and content. ``contents``: a digest of all
    its columns but the answers. ``columns``: codes of 16 bits a row by name. All little-endian in base64.
    """

    rows: int
    named: bool
    keys: str
    contents: str
    columns: Mapping[str, str]

    @classmethod
    def packed(cls, *, keys: Digests | None, contents: Digests, columns: Mapping[str, Any]) -> RowItems:
        """The packed form, ``keys`` None for rows without names; ValueError where a code does not fit 16 bits."""
        for name, codes in columns.items():
            if len(codes) and not 0 <= int(np.min(codes)) <= int(np.max(codes)) < 2**16:
                raise ValueError(f"column {name!r} holds codes up to {int(np.max(codes))}; expected 0 to 65535")
        return cls(
            rows=len(contents),
            named=keys is not None,
            keys="" if keys is None else _text(keys, "<u8"),
            contents=_text(contents, "<u8"),
            columns={name: _text(codes, "<u2") for name, codes in columns.items()},
        )

    def opened(self) -> Rows:
        """The arrays, one value a row."""
        contents = _array(self.contents, "<u8", self.rows)
        return Rows(
            keys=_array(self.keys, "<u8", self.rows) if self.named else _by_place(contents),
            contents=contents,
            columns={name: _array(text, "<u2", self.rows) for name, text in self.columns.items()},
        )


class Rows(NamedTuple):
    """Row items as arrays, shape (rows,) each."""

    keys: Digests
    contents: Digests
    columns: Mapping[str, Codes]

    def take(self, rows: npt.NDArray[np.intp]) -> Rows:
        """The rows named by an index array, in that order."""
        return Rows(self.keys[rows], self.contents[rows], {name: codes[rows] for name, codes in self.columns.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How an estimate follows from row items: events among trials, of one group or of a group and its reference.

    ``column`` holds what became of a row; ``events`` and ``trials`` are codes of it. ``sides``: which codes of other
    columns the rows of a side have, the group first.
    """

    form: Form
    column: str
    events: tuple[int, ...]
    trials: tuple[int, ...]
    sides: tuple[Mapping[str, int], ...]


def digests_of(column: npt.NDArray[Any]) -> Digests:
    """64 bits of every value: of the bits of numbers, of the letters of texts."""
    if column.dtype.kind in "fiub":
        numbers = column.astype("<f8") + 0.0  # -0.0 is 0.0
        numbers[np.isnan(numbers)] = np.nan  # and a gap is a gap, whichever library made it
        return _mixed(numbers.view("<u8"))
    distinct, places = np.unique(np.asarray(column, dtype=np.str_), return_inverse=True)
    known = np.array([text_digest(text) for text in distinct.tolist()], dtype=np.uint64)
    return known[places]


def text_digest(text: str) -> int:
    """64 bits of a text."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def combined(parts: Sequence[Digests]) -> Digests:
    """One digest a row of several, in their order."""
    whole = np.zeros(len(parts[0]), dtype=np.uint64)
    for part in parts:
        whole = _mixed(whole * _GOLDEN + part)
    return whole


def numbered(names: Digests) -> Digests:
    """Names that are all different: how often each was met before goes into it, so that a person may recur."""
    order = np.argsort(names, kind="stable")
    ordered = names[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    before = np.arange(len(names)) - np.repeat(starts, np.diff(np.r_[starts, len(names)]))
    again = np.empty(len(names), dtype=np.uint64)
    again[order] = before.astype(np.uint64)
    return combined([names, again])


def _by_place(contents: Digests) -> Digests:
    """The keys of rows without names."""
    return numbered(combined([np.arange(len(contents), dtype=np.uint64), contents]))


def name_key(name: str, number: int) -> int:
    """The key of the row that bears ``name`` for the ``number``-th time, counted from 0."""
    parts = [np.array([part], dtype=np.uint64) for part in (text_digest(name), number)]
    return int(combined(parts)[0])


def _mixed(values: Digests) -> Digests:
    """Steele, Lea and Flood's (2014) finaliser of SplitMix64: every bit depends on every other."""
    mixed = (values ^ (values >> np.uint64(30))) * _FIRST
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), dtype=np.uint64)


def _text(values: Any, kind: str) -> str:
    return base64.b64encode(np.asarray(values).astype(kind).tobytes()).decode("ascii")


def _array(text: str, kind: str, rows: int) -> Any:
    """The array in ``text``; ValueError where it has another length."""
    found = np.frombuffer(base64.b64decode(text, validate=True), dtype=kind)
    if len(found) != rows:
        raise ValueError(f"row items hold {len(found)} values for {rows} rows")
    return found
