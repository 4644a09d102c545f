"""Columns that a plan counts on: numbers, weights and values that are stated; the first row that has none is named."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from probandum.errors import DataError, did_you_mean
from probandum.evidence import Column, Floats, Table
from probandum.subject import NUMBER, as_text

#: A missing number that became a word. A town may be called Nan.
MISSING = ("nan", "NaN", "NAN")


def numbers_of(table: Table, name: str, *, what: str) -> Floats:
    """A column as numbers; DataError, starting with ``what``, names the first row that holds none."""
    column = column_of(table, name, what=what)
    if column.dtype.kind == "f":
        _refuse_nan(what, name, column)
        return column
    values = column.tolist()
    row = next((i for i, value in enumerate(values) if not NUMBER.fullmatch(str(value))), 0)
    if values[row] == "":
        raise bad_cell(what, name, values, row)
    raise DataError(f"{what}: row {row + 1}: column {name!r} holds {values[row]!r}, expected a number")


def weights_of(table: Table, name: str, *, what: str) -> Floats:
    """A column of sampling weights: numbers of 0 or more, some above it; DataError names the first row that has none.

    >>> weights_of(Table({"w": np.array([0.0, 2.5])}), "w", what="data.weight").tolist()
    [0.0, 2.5]
    """
    weights = numbers_of(table, name, what=what)
    wrong = ~np.isfinite(weights) | (weights < 0)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"{what}: row {row + 1}: column {name!r} holds {weights[row]:g}; a weight is a number of 0 or more",
            remedy="it says how many persons of the population the row stands for; 0 leaves it out",
        )
    if not weights.any():
        raise DataError(
            f"{what}: every weight in column {name!r} is 0, so that no row stands for anybody",
            remedy="name the column of the sampling weights, or leave the key out for equal weights",
        )
    return weights


def stated(table: Table, name: str, *, what: str) -> Column:
    """A column without empty cells or NaN; DataError, starting with ``what``, names the first row that has one."""
    column = column_of(table, name, what=what)
    if column.dtype.kind == "f":
        _refuse_nan(what, name, column)
    elif (empty := np.isin(column, ["", *MISSING])).any():
        raise bad_cell(what, name, column.tolist(), int(np.argmax(empty)))
    return column


def _refuse_nan(what: str, name: str, column: Floats) -> None:
    if (gaps := np.isnan(column)).any():
        raise bad_cell(what, name, column.tolist(), int(np.argmax(gaps)))


def column_of(table: Table, name: str, *, what: str) -> Column:
    """A column; DataError, starting with ``what``, where the table has none of that name."""
    if name not in table:
        raise DataError(f"{what}: no column {name!r}{did_you_mean(name, table)}", remedy=f"found: {', '.join(table)}")
    return table[name]


def distinct_of(column: Column) -> list[str]:
    """The distinct values as text, numbers in order of size; far cheaper than the whole column as text.

    >>> distinct_of(np.array([10.0, 2.0, 10.0]))
    ['2', '10']
    """
    return [str(value) for value in as_text(np.array(sorted(set(column.tolist())), dtype=column.dtype))]


def bad_cell(source: str, name: str, values: Sequence[object], row: int, *, feature: bool = False) -> DataError:
    """A cell that holds no value; ``feature``: the system is asked about the column, and may take missing ones."""
    shown = "" if str(values[row]) == "nan" and isinstance(values[row], float) else str(values[row])
    said = f"holds {shown!r}, which is no value" if shown else "is empty"
    keep = ", or say data.missing: keep where the system takes missing values" if feature else ""
    return DataError(
        f"{source}: row {row + 1}: column {name!r} {said}",
        remedy=f"fill it in or leave the row out{keep}; the audit drops nothing by itself",
    )
