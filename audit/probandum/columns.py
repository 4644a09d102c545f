"""Columns that a plan counts on: numbers, weights and values that are stated; the first row that has none is named."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from probandum.errors import DataError, did_you_mean
from probandum.evidence import Column, Floats, Table
from probandum.subject import NUMBER, as_text
from probandum.units import counted

#: A missing number that became a word. A town may be called Nan.
MISSING = ("nan", "NaN", "NAN")
#: What people and programs write where a number is missing, or is none.
_NO_VALUE = re.compile(
    r"n/?a|n\.a\.?|<na>|null|none|nil|[+-]?nan|[+-]?inf(?:inity)?|#[a-z0-9/ !?]+|\?+|[-–—]+|\.+",
    re.ASCII | re.IGNORECASE,
)
_SIGNS = r"[€$£¥]|\b(?:EUR|USD|GBP|CHF)\b"
#: Numbers gone wrong: with a currency, separators of thousands, a comma for the point, a unit, spaces around, a long
#: minus, or the letter O for 0. Codes are none: 12B, 007, 62.01.1, 5+, <18, 12/14, 1012 AB, 110 00, 05.01.2020.
_SPOILED = re.compile(
    rf"[-+−–]?\d[\d.,'’\s]*(?:{_SIGNS})|(?:{_SIGNS})\s*[-+−–]?\d[\d.,'’\s]*"
    r"|[-+−–]?\d{1,3}(?:([,.'’\u00a0\u202f])\d{3})(?:\1\d{3})*(?:[.,]\d+)?"
    r"|[-+−–]?\d+,\d+"
    r"|[-+−–]?\d+(?:[.,]\d+)?\s*(?:[%‰]|°[CF]|kg|k?m²|[kcm]m|m[gl]|min|(?:h|y)rs?|(?:year|month|week|day|hour)s?)"
    r"|\s+[-+]?\d+(?:\.\d+)?\s*|[-+]?\d+(?:\.\d+)?\s+|[−–]\d+(?:\.\d+)?"
    r"|[1-9]\d*[oO][\doO]*(?:\.[\doO]+)?",
    re.IGNORECASE,
)
#: Texts that spoil a column of numbers are one cell, or at most one of so many; more are meant.
_FEW = 20
#: So many distinct whole numbers, or fewer, may be names of categories, and any text among them another one.
_CATEGORIES = 10


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd:
    """A text among numbers, the first one in ``row`` counted from 0; the cells that hold numbers, texts and nothing."""

    row: int
    text: str
    numbers: int
    texts: int
    empty: int


def odd_among_numbers(values: Sequence[str], *, outcomes: bool = False) -> Odd | None:
    """What makes texts of a column of numbers, as a file holds them; None where nothing does, or texts are meant.

    Few cells do that say that a value is missing, or hold a number gone wrong, among numbers that look like measured
    ones: more than a few, or with decimals. Any other text, a code or a word, is meant, and with it all of them.
    ``outcomes``: a word for a missing value is none, however many there are, and however few numbers.

    >>> odd_among_numbers(["30.5", "NA", "", "28"])
    Odd(row=1, text='NA', numbers=2, texts=1, empty=1)
    >>> odd_among_numbers(["1.2", "12B", "NA"]), odd_among_numbers(["none", "1", "2", "3"])
    (None, None)
    >>> odd_among_numbers(["0", "NA", "1"], outcomes=True)
    Odd(row=1, text='NA', numbers=2, texts=1, empty=0)
    >>> odd_among_numbers([*map(str, range(99)), "€ 12"])
    Odd(row=99, text='€ 12', numbers=99, texts=1, empty=0)
    """
    counts = Counter(values)
    numbers = {value for value in counts if NUMBER.fullmatch(value) and math.isfinite(float(value))}
    texts = {value for value in counts if value.strip() and value not in numbers}
    if not numbers or not texts:
        return None
    held = sum(counts[value] for value in numbers)
    count = sum(counts[value] for value in texts)
    spoiled = {value for value in texts if not _NO_VALUE.fullmatch(value.strip())}
    if not all(NUMBER.fullmatch(value) or _SPOILED.fullmatch(value) for value in spoiled):
        return None
    categories = len(numbers) <= _CATEGORIES and all(float(value).is_integer() for value in numbers)
    if (spoiled or not outcomes) and (categories or count > max(1, (held + count) // _FEW)):
        return None
    row = next(row for row, value in enumerate(values) if value in texts)
    return Odd(row=row, text=values[row], numbers=held, texts=count, empty=len(values) - held - count)


def odd_cell(source: str, name: str, odd: Odd, *, remedy: str) -> DataError:
    """What is said of a text among numbers.

    >>> odd_cell("rows.csv", "income", Odd(row=1, text="NA", numbers=599, texts=1, empty=0), remedy="").message
    "rows.csv: row 2: column 'income' holds 'NA', and the other 599 cells are numbers"
    """
    rest = f"the other {counted(odd.numbers + odd.texts - 1, 'cell')}{' that hold something' if odd.empty else ''}"
    if odd.texts > 1:
        rest = f"{odd.numbers:,} of {rest}"
    are = "is a number" if odd.numbers == 1 else "are numbers"
    return DataError(
        f"{source}: row {odd.row + 1}: column {name!r} holds {odd.text!r}, and {rest} {are}", remedy=remedy
    )


def odd_feature(source: str, name: str, odd: Odd, *, gaps: bool, keeps: bool) -> DataError:
    """Of a column that the system is asked about; ``gaps``: it may lack values; ``keeps``: the plan says so."""
    given = "for a missing value" if keeps else "and say data.missing: keep where the system takes missing values"
    empty = f"leave the cell empty {given}, " if gaps else ""
    remedy = f"{empty}write a number or leave the row out; where texts are meant, name the column under data.text"
    return odd_cell(source, name, odd, remedy=remedy)


def outcomes_of(table: Table, name: str, *, what: str) -> Column:
    """A column of outcomes or decisions, each stated; DataError, starting with ``what``, names the first that is none.

    A text among numbers, such as NA among 0 and 1, would count as one more outcome.
    """
    column = stated(table, name, what=what)
    if column.dtype.kind == "U" and (odd := odd_among_numbers(column.tolist(), outcomes=True)) is not None:
        raise odd_cell(what, name, odd, remedy="write one of its other values or leave the row out")
    return column
