"""Casting: the values of a column in the number type that a model takes, and nothing rounded away, cut off or made up.

Single and half precision round, as the model that takes them does; a whole number stays what it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from probandum.evidence import Column
from probandum.gaps import absent
from probandum.targets.misfit import Misfit

#: Whole numbers beyond this are not told apart in double precision, which is what rows are held in.
_WHOLE = 2.0**53


def cast(column: Column, kind: npt.DTypeLike, name: str, *, called: str, missing: bool = False) -> npt.NDArray[Any]:
    """The column ``name`` as numbers of a ``kind``; Misfit names the first row whose value is none, by ``called``.

    ``missing``: NaN and infinities of the column stay as they are where the kind has such values.

    >>> cast(np.array([1.0, 2.5]), np.int64, "children", called="INT64")
    Traceback (most recent call last):
    probandum.targets.misfit.Misfit: row 2: column 'children' holds 2.5, which is no INT64
    """
    try:
        numbers = np.asarray(column, dtype=np.float64)
    except ValueError:
        raise _unfit(column, [not _is_number(value) for value in column.tolist()], name, called) from None
    made = np.dtype(kind)
    if made.kind == "f":
        with np.errstate(over="ignore"):
            values = numbers.astype(made)
        sound = np.isfinite(values) | (missing & ~np.isfinite(numbers))
    else:
        sound = whole(numbers, made)
        values = np.where(sound, numbers, 0.0).astype(made)
    if not sound.all():
        raise _unfit(column, ~sound, name, called)
    return np.asarray(values)


def refuse_gap_as_text(column: Column, name: str) -> None:
    """Misfit where a missing number would become a word."""
    if (gaps := absent(column) & (column.dtype.kind == "f")).any():
        raise Misfit(int(np.argmax(gaps)), f"column {name!r} has no value, which no text says", what="row")


def whole(numbers: npt.NDArray[np.float64], kind: np.dtype[Any]) -> npt.NDArray[np.bool_]:
    """Which numbers a type of whole numbers, or of truths, holds as they are.

    >>> whole(np.array([255.0, 256.0, 2.5, np.nan]), np.dtype("u1")).tolist()
    [True, False, False, False]
    """
    low, high = (0, 1) if kind.kind == "b" else (np.iinfo(kind).min, np.iinfo(kind).max)
    inside = (numbers >= low) & (numbers <= high) & (np.abs(numbers) <= _WHOLE)
    return np.asarray(inside & (numbers == np.floor(numbers)))


def _is_number(value: object) -> bool:
    try:
        float(str(value))
    except ValueError:
        return False
    return True


def _unfit(column: Column, bad: npt.ArrayLike, name: str, called: str) -> Misfit:
    row = int(np.argmax(bad))
    value = column[row].item() if hasattr(column[row], "item") else column[row]
    return Misfit(row, f"column {name!r} holds {value!r}, which is no {called}", what="row")
