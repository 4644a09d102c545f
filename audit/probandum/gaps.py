"""Cells without a value: NaN among numbers, the empty text among texts; where they are, and what is said of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from probandum.evidence import Capability, Column, Floats, Request, Table
from probandum.speech import counted, said
from probandum.subject import NUMBER, as_text

Bools = npt.NDArray[np.bool_]

#: Columns that an error names; of more it says how many.
_NAMED = 3
#: An error that names the cell, and one that names the inputs that it is about.
_NAMES_CELL = re.compile(r"(?:^|: )row \d+: ")
_NAMES_INPUTS = re.compile(r"inputs? (?P<first>\d+)(?: to (?P<last>\d+))?: ")
#: What Python and its libraries say of a text where they take numbers.
_NO_NUMBER = re.compile(r"could not convert string to float: (?:np\.str_\()?(?P<quote>['\"])(?P<text>.*?)(?P=quote)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """How many of the rows lack a value in some column, and how many do in each that has such cells."""

    rows: int
    of: int
    columns: Mapping[str, int]

    @property
    def said(self) -> str:
        """The same in words.

        >>> Gaps(rows=2, of=9, columns={"income": 2, "debt": 1}).said
        '2 of the 9 rows under audit have no value in debt (1) or income (2), and the system was given it as missing'
        """
        *others, last = (f"{name} ({count:,})" for name, count in sorted(self.columns.items()))
        return counted(
            self.rows,
            "{n} of the {of:,} rows under audit has no value in {columns}, and the system was given it as missing",
            "{n:,} of the {of:,} rows under audit have no value in {columns}, and the system was given it as missing",
            of=self.of,
            columns=said("{some} or {last}", some=", ".join(others), last=last) if others else last,
        )


def absent(column: Column) -> Bools:
    """Which cells hold no value.

    >>> absent(np.array([1.0, np.nan])).tolist(), absent(np.array(["", "cook"])).tolist()
    ([False, True], [True, False])
    """
    if column.dtype.kind == "f":
        return np.isnan(column)
    return np.asarray(column == "") if column.dtype.kind == "U" else np.zeros(len(column), dtype=np.bool_)


def alike(one: Column, other: Column) -> Bools:
    """Which cells hold the same, a gap the same as another gap.

    >>> alike(np.array([1.0, np.nan, 2.0]), np.array([1.0, np.nan, np.nan])).tolist()
    [True, True, False]
    """
    same = np.asarray(one == other)
    return same | (np.isnan(one) & np.isnan(other)) if one.dtype.kind == "f" else same


def with_missing(column: Column) -> Column:
    """A column as data frames have it: of texts an array of objects, a gap in it NaN; numbers as they are.

    >>> with_missing(np.array(["cook", ""])).tolist()
    ['cook', nan]
    """
    if column.dtype.kind != "U":
        return column
    made = column.astype(object)
    made[absent(column)] = np.nan
    return made


def numbers_in(column: Column) -> Floats | None:
    """A column of numbers, also of such that stand there as text, gaps as NaN; None where it holds texts, or nothing.

    >>> numbers_in(np.array(["2", "", "0.5"])).tolist(), numbers_in(np.array(["2", "cook"]))
    ([2.0, nan, 0.5], None)
    """
    if column.dtype.kind in "fiub":
        numbers = np.asarray(column, dtype=np.float64)
        return numbers if np.isfinite(numbers).any() else None
    texts = as_text(column)
    stated = texts != ""
    if not stated.any() or not all(NUMBER.fullmatch(text) for text in np.unique(texts[stated]).tolist()):
        return None
    found = np.full(len(texts), np.nan)
    found[stated] = texts[stated].astype(np.float64)
    return found


def gaps_in(table: Table, columns: Sequence[str]) -> Gaps | None:
    """The gaps of some columns; None where every cell holds a value."""
    where = {name: absent(table[name]) for name in columns}
    counts = {name: int(cells.sum()) for name, cells in where.items()}
    if not any(counts.values()):
        return None
    rows = int(np.logical_or.reduce(list(where.values())).sum())
    return Gaps(rows=rows, of=len(table), columns={name: count for name, count in counts.items() if count})


def with_cells_named(why: str, requests: Sequence[Request], columns: Sequence[str]) -> str:
    """An error beside which the cells are named, by row and column, that the system may have failed on.

    That is a text that it says is no number, and else the gaps of what was asked, in ``columns``. It may have failed
    for another reason: that is left open. ``why`` alone where it names a cell itself, where the inputs that it names
    have no gap, and of attributions, which follow answers to the same rows.

    >>> rows = Table({"age": np.array([1.0, np.nan]), "town": np.array(["Ulm", "NA"])})
    >>> asked = [Request(kind=Capability.PREDICT, inputs=rows)]
    >>> with_cells_named("Input X contains NaN", asked, ["age"])
    "Input X contains NaN; of what was asked, row 2 has no value in column 'age'"
    >>> with_cells_named("could not convert string to float: 'NA'", asked, ["age"])
    "could not convert string to float: 'NA'; it stands in row 2 of column 'town'"
    >>> with_cells_named("input 1: [2.0, 3.0] are no class probabilities", asked, ["age"])
    'input 1: [2.0, 3.0] are no class probabilities'
    """
    tables = [(each.inputs, each.start) for each in requests if isinstance(each.inputs, Table) and not _explains(each)]
    if _NAMES_CELL.search(why):
        return why
    if (said := _NO_NUMBER.search(why)) is not None:
        place = next(filter(None, (_first(table, said["text"], start) for table, start in tables)), None)
        return why if place is None else f"{why}; it stands in {place}"
    within = _NAMES_INPUTS.match(why)
    first, last = (int(within["first"]), int(within["last"] or within["first"])) if within else (1, None)
    each_found = (list(_first_gaps(table, columns, start, first, last)) for table, start in tables)
    found = next(filter(None, each_found), [])
    if not found or any(f"column {name!r}" in why for name, _ in found):
        return why
    named = ", ".join(text for _, text in found[:_NAMED])
    more = f", and {len(found) - _NAMED} more columns have such cells" if len(found) > _NAMED else ""
    return f"{why}; of what was asked, {named}{more}"


def _explains(request: Request) -> bool:
    return request.kind is Capability.ATTRIBUTE


def _first(table: Table, text: str, start: int) -> str | None:
    """Where a text stands first, in words; None where it does not."""
    for name, column in table.columns.items():
        if column.dtype.kind == "U" and (cells := np.asarray(column == text)).any():
            return f"row {start + int(cells.argmax()) + 1} of column {name!r}"
    return None


def _first_gaps(
    table: Table, columns: Sequence[str], start: int, first: int, last: int | None
) -> Iterator[tuple[str, str]]:
    """Of every column with gaps its name, and where the first one is; between two inputs counted from 1 alone."""
    low, high = max(first - 1 - start, 0), len(table) if last is None else max(last - start, 0)
    for name in columns:
        if name in table and (cells := absent(table[name])[low:high]).any():
            count = int(cells.sum())
            others = f" ({count:,} such rows)" if count > 1 else ""
            yield name, f"row {start + low + int(cells.argmax()) + 1} has no value in column {name!r}{others}"
