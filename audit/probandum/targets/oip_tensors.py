"""Rows and texts as tensors of the Open Inference Protocol: datatypes, checked values, and their JSON and bytes.

Nothing is rounded, cut off or filled in to make a value fit a tensor: what does not fit is a ValueError that names
row and column, before anything is sent.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from probandum.evidence import Column, Table
from probandum.subject import as_text
from probandum.targets.casting import cast, refuse_gap_as_text, whole

TEXT = "BYTES"
#: The numeric datatypes of the protocol as numpy says them, little-endian as bytes are sent.
NUMBERS: Mapping[str, np.dtype[Any]] = {
    "BOOL": np.dtype("?"),
    **{f"UINT{bits}": np.dtype(f"<u{bits // 8}") for bits in (8, 16, 32, 64)},
    **{f"INT{bits}": np.dtype(f"<i{bits // 8}") for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": np.dtype(f"<f{bits // 8}") for bits in (16, 32, 64)},
}
DATATYPES = (*NUMBERS, TEXT)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tensor:
    """A named array of one datatype; texts are an array of str."""

    name: str
    datatype: str
    values: npt.NDArray[Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """As HTTP carries it: the values flat, in row-major order."""
        said = {
            "name": self.name,
            "datatype": self.datatype,
            "shape": list(self.values.shape),
            "data": self.values.ravel().tolist(),
        }
        return {**said, "parameters": dict(self.parameters)} if self.parameters else said

    def as_bytes(self) -> bytes:
        """As gRPC carries it: little-endian; of texts each with its length before it, four bytes."""
        if self.datatype != TEXT:
            return bytes(np.ascontiguousarray(self.values).tobytes())
        encoded = [str(text).encode() for text in self.values.ravel()]
        return b"".join(struct.pack("<I", len(text)) + text for text in encoded)


def from_json(said: Any) -> Tensor:
    """A tensor of an answer; ValueError where it is none."""
    if not isinstance(said, Mapping) or not isinstance(said.get("name"), str):
        raise ValueError("an output without a name")
    name, datatype, data = said["name"], said.get("datatype"), said.get("data")
    if not isinstance(data, list):
        raise ValueError(f"the output {name!r} holds no data")
    shape = said.get("shape")
    if not isinstance(shape, list) or not all(isinstance(size, int) and size >= 0 for size in shape):
        raise ValueError(f"the output {name!r} states no shape")
    kind = _kind(name, datatype)
    flat = _flat(data)
    for wrong in _others(flat, kind):
        raise ValueError(f"the output {name!r} holds {_short(wrong)}, which is no {datatype}")
    values = np.array(flat, dtype=np.str_ if kind is None else np.float64)
    return Tensor(name=name, datatype=str(datatype), values=_shaped(name, values, shape))


def _flat(data: list[Any]) -> list[Any]:
    """The values of a list in row-major order, however it nests: the protocol allows both.

    >>> _flat([[1, 2], [3, 4]])
    [1, 2, 3, 4]
    """
    while any(isinstance(each, list) for each in data):
        data = [value for each in data for value in (each if isinstance(each, list) else [each])]
    return data


def _others(values: Sequence[Any], kind: np.dtype[Any] | None) -> Iterator[Any]:
    """The values of an answer that are not of its datatype, ``kind`` None being that of texts."""
    fits: tuple[type, ...] = (str,) if kind is None else (bool, int) if kind.kind == "b" else (int, float)
    if not set(map(type, values)).issubset(fits):
        yield from (value for value in values if type(value) not in fits)
        return
    try:
        numbers = np.zeros(0) if kind is None else np.array(values, dtype=np.float64)
    except OverflowError:  # a whole number beyond double precision
        yield max(values, key=abs)
        return
    if kind is not None and kind.kind != "f":
        yield from (value for value, fit in zip(values, whole(numbers, kind).tolist(), strict=True) if not fit)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


def from_bytes(name: str, datatype: str, shape: Sequence[int], data: bytes) -> Tensor:
    """A tensor of an answer; ValueError where the bytes are not those of its datatype and shape."""
    kind = _kind(name, datatype)
    try:
        flat = np.array(_texts(data)) if kind is None else np.frombuffer(data, dtype=kind)
    except (struct.error, ValueError):
        raise ValueError(f"the output {name!r}: {len(data)} bytes are no {datatype}") from None
    return Tensor(name=name, datatype=datatype, values=_shaped(name, flat, shape))


def _kind(name: str, datatype: object) -> np.dtype[Any] | None:
    """How numpy says a datatype; None for texts."""
    if datatype != TEXT and datatype not in NUMBERS:
        raise ValueError(f"the output {name!r} is of the datatype {datatype!r}, expected one of {', '.join(DATATYPES)}")
    return NUMBERS.get(str(datatype))


def _shaped(name: str, flat: npt.NDArray[Any], shape: Sequence[int]) -> npt.NDArray[Any]:
    if prod(shape) != flat.size:
        raise ValueError(f"the output {name!r} holds {flat.size} values, and states the shape {list(shape)}")
    return flat.reshape(tuple(shape))


def _texts(data: bytes) -> list[str]:
    """Texts with their lengths before them.

    >>> _texts(b"\\x02\\x00\\x00\\x00no")
    ['no']
    """
    found, place = [], 0
    while place < len(data):
        (length,) = struct.unpack_from("<I", data, place)
        text = data[place + 4 : place + 4 + length]
        if len(text) != length:
            raise ValueError("a text is cut off")
        found.append(text.decode())
        place += 4 + length
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A tensor as rows fill it: of which columns, in which order. No ``columns``: all that there are.

    ``datatype`` None is FP64 of numbers and BYTES of texts. ``rank`` 1 is the shape [rows], 2 is [rows, columns].
    """

    name: str
    datatype: str | None = None
    columns: tuple[str, ...] = ()
    rank: int = 2
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def of_rows(self, table: Table, *, nan: bool = False, instead: str = "") -> Tensor:
        """The rows; ValueError naming row and column of the first value that does not fit.

        ``nan``: whether a missing number can be sent, as the NaN of a tensor of floats; ``instead``: how it could be.
        """
        names = self.columns or tuple(table)
        absent = next((name for name in names if name not in table), None)
        if absent is not None:
            raise ValueError(f"the rows lack the column {absent!r}")
        datatype = self.datatype or self._fitting(table, names)
        values = np.column_stack([fitted(table[name], datatype, name, nan=nan, instead=instead) for name in names])
        return self._made(datatype, values if self.rank == 2 else values.reshape(-1))

    def of_texts(self, texts: Sequence[str]) -> Tensor:
        """The texts, one a row."""
        return self._made(TEXT, np.array(texts, dtype=np.str_).reshape((-1, 1) if self.rank == 2 else -1))

    def _made(self, datatype: str, values: npt.NDArray[Any]) -> Tensor:
        return Tensor(name=self.name, datatype=datatype, values=values, parameters=self.parameters)

    def _fitting(self, table: Table, names: Sequence[str]) -> str:
        words = [name for name in names if table[name].dtype.kind not in "fiub"]
        if words and len(words) < len(names):
            raise ValueError(f"the column {words[0]!r} holds text; name one tensor a column under target.inputs")
        return TEXT if words else "FP64"


def fitted(column: Column, datatype: str, name: str, *, nan: bool = False, instead: str = "") -> npt.NDArray[Any]:
    """A column in a datatype; ValueError names the first row whose value the datatype does not hold."""
    if datatype == TEXT:
        refuse_gap_as_text(column, name)
        return as_text(column)
    floats = NUMBERS[datatype].kind == "f"
    return cast(column, NUMBERS[datatype], name, called=f"{datatype}{instead if floats else ''}", missing=nan)
