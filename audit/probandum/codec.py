"""Canonical JSON: the one place that turns our types into bytes and back.

Canonical means: UTF-8, keys sorted, no spaces, shortest round-trip floats, no NaN and no infinity. The same
value always gives the same bytes, so a digest of the bytes identifies the value. An array of many numbers is one
value: its doubles, little-endian in base64, beside its shape.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec
import numpy as np

from probandum.errors import RecordError

T = TypeVar("T")

_SCALARS = frozenset({str, int, bool, type(None)})
#: The most numbers of an array that stand one by one, as people read them.
_LISTED = 1024


def encode(value: object) -> bytes:
    """``value`` as canonical JSON; raises ValueError on NaN or an infinity, which JSON cannot say.

    >>> encode({"b": 1, "a": [0.1, None]})
    b'{"a":[0.1,null],"b":1}'
    """
    plain = builtins(value)
    _refuse_non_finite(plain, "")
    return msgspec.json.encode(plain, order="sorted")


def pretty(value: object) -> bytes:
    """As :func:`encode`, indented by two spaces and ending in a newline, for files that people open."""
    return msgspec.json.format(encode(value), indent=2) + b"\n"


def builtins(value: object) -> Any:
    """``value`` as dicts, lists, strings, numbers, bools and None; numpy arrays become nested lists, or packed."""
    return msgspec.to_builtins(value, enc_hook=_from_numpy, str_keys=True, order="sorted")


def decode(kind: type[T], data: bytes, *, what: str = "JSON", arrays: bool = True) -> T:
    """``data`` as a value of type ``kind``, strictly checked; raises RecordError naming ``what``.

    Without ``arrays`` an empty one stands in the place of each, for a reader who only has to know that there is one:
    most of the time goes into their numbers.
    """
    try:
        return msgspec.json.decode(data, type=kind, dec_hook=_to_numpy if arrays else _left_out, strict=True)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RecordError(f"{what}: {error}", remedy="the file is damaged or of another version") from None


def digest(data: bytes) -> str:
    """The SHA-256 of ``data``, written as everywhere in the record.

    >>> digest(b"")[:23]
    'sha256:e3b0c44298fc1c14'
    """
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def digest_of(value: object) -> str:
    """The digest of the canonical JSON of ``value``."""
    return digest(encode(value))


def _from_numpy(value: object) -> Any:
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size > _LISTED and np.isfinite(value).all():
        doubles = value.astype("<f8").tobytes()
        return {"f8": base64.b64encode(doubles).decode("ascii"), "shape": list(value.shape)}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise NotImplementedError(f"{type(value).__name__} has no canonical JSON")


def _to_numpy(kind: type, value: object) -> object:
    if kind is not np.ndarray:
        raise NotImplementedError(f"cannot decode a {kind.__name__}")
    if not isinstance(value, Mapping):
        return np.asarray(value, dtype=np.float64)
    if set(value) != {"f8", "shape"}:
        raise ValueError("expected an array as a list, or as f8 and shape")
    doubles = np.frombuffer(base64.b64decode(value["f8"], validate=True), dtype="<f8").reshape(value["shape"])
    if doubles.size <= _LISTED or not np.isfinite(doubles).all():
        raise ValueError(f"expected more than {_LISTED} finite numbers")
    return doubles.astype(np.float64)


def _left_out(kind: type, value: object) -> object:
    return np.empty(0) if kind is np.ndarray else _to_numpy(kind, value)


def _refuse_non_finite(value: Any, where: str) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where or 'value'} is {value}; canonical JSON holds finite numbers only")
    if isinstance(value, dict):
        for key, inner in value.items():
            if type(inner) in _SCALARS:
                continue
            _refuse_non_finite(inner, f"{where}.{key}" if where else str(key))
    elif isinstance(value, list | tuple) and not _plainly_finite(value):
        for index, inner in enumerate(value):
            _refuse_non_finite(inner, f"{where}[{index}]")


def _plainly_finite(values: Sequence[Any]) -> bool:
    """Whether a list of scalars, or of lists of scalars, holds finite numbers alone, found without a step a value.

    Where it cannot tell, as of very large numbers that add up to an infinity, it says no.
    """
    kinds = set(map(type, values))
    if kinds == {list}:
        values = list(itertools.chain.from_iterable(values))
        kinds = set(map(type, values))
    if float not in kinds:
        return kinds <= _SCALARS
    return kinds == {float} and math.isfinite(sum(values))
