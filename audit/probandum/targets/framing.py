"""What crosses between the audit and a process that holds a model: plain values, checked, never objects.

A frame is eight bytes of length and a msgpack body whose type is known beforehand, so that the process that runs
foreign code can only ever send numbers and texts back.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import BinaryIO

import msgspec
import numpy as np

from probandum.evidence import Floats, Table
from probandum.targets.answering import Inputs
from probandum.targets.fitted import Facts, Part

#: The largest frame that is read, in bytes.
LARGEST_FRAME = 2**31
HEADER = struct.Struct("<Q")


class Load(msgspec.Struct):
    """What is loaded, and with how many threads it computes; 0 leaves that to its library.

    ``missing``: an empty text among the columns is a gap.
    """

    parts: tuple[Part, ...]
    threads: int = 0
    missing: bool = False


class Loaded(msgspec.Struct):
    """What the model says of itself, or why it was not loaded; ``cpu_seconds`` that the process has taken so far."""

    facts: Facts | None = None
    error: str = ""
    cpu_seconds: float = 0.0


class Asked(msgspec.Struct):
    """Texts, or columns: float64 in little-endian bytes, or texts.

    ``method``: attributions are wanted, with so many rows of ``background`` in front; else probabilities.
    """

    texts: tuple[str, ...] | None = None
    columns: Mapping[str, bytes | list[str]] | None = None
    method: str = ""
    background: int = 0

    @classmethod
    def of(cls, inputs: Inputs, *, method: str = "", background: int = 0) -> Asked:
        """The message for these inputs."""
        if not isinstance(inputs, Table):
            return cls(texts=inputs)
        columns = {name: _sent(column) for name, column in inputs.columns.items()}
        return cls(columns=columns, method=method, background=background)

    def inputs(self) -> Inputs:
        """The inverse of :meth:`of`."""
        if self.columns is None:
            return self.texts or ()
        return Table(
            {
                name: np.frombuffer(column, dtype="<f8").copy() if isinstance(column, bytes) else np.array(column)
                for name, column in self.columns.items()
            }
        )


class Answered(msgspec.Struct):
    """Probabilities as float64 in little-endian bytes with their shape, or what the model raised.

    ``cpu_seconds`` that the process has taken so far.
    """

    shape: tuple[int, ...] = ()
    values: bytes = b""
    error: str | None = None
    cpu_seconds: float = 0.0

    @classmethod
    def of(cls, values: Floats) -> Answered:
        """The message for these values."""
        return cls(shape=values.shape, values=np.ascontiguousarray(values, dtype="<f8").tobytes())

    def array(self) -> Floats:
        """The values; ValueError where they are not as many as the shape says."""
        if any(size < 0 for size in self.shape):
            raise ValueError(f"an array of shape {self.shape}")
        return np.frombuffer(self.values, dtype="<f8").reshape(self.shape).astype(np.float64)


def framed(message: msgspec.Struct) -> bytes:
    """A message as it goes through a pipe."""
    body = msgspec.msgpack.encode(message)
    return HEADER.pack(len(body)) + body


def read_frame(pipe: BinaryIO) -> bytes | None:
    """The next body; None where the other end is gone."""
    header = pipe.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    (size,) = HEADER.unpack(header)
    body = pipe.read(size)
    return body if len(body) == size else None


def _sent(column: np.ndarray) -> bytes | list[str]:
    if column.dtype.kind in "fiub":
        return np.ascontiguousarray(column, dtype="<f8").tobytes()
    return [str(value) for value in column.tolist()]
