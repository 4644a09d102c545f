"""Cells without a value: NaN among numbers, the empty text among texts; where they are, and what is said of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from probandum.evidence import Column, Floats, Request, Table
from probandum.subject import NUMBER, as_text

Bools = npt.NDArray[np.bool_]

#: Columns that an error names; of more it says how many.
_NAMED = 3


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
        where = f"{', '.join(others)} or {last}" if others else last
        have = "has" if self.rows == 1 else "have"
        return (
            f"{self.rows:,} of the {self.of:,} rows under audit {have} no value in {where}, and the system was given "
            "it as missing"
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


def with_gaps_named(why: str, requests: Sequence[Request], columns: Sequence[str]) -> str:
    """An error beside which the gaps of what was asked are named, by row and column; ``why`` where there are none.

    So it is where it names such a column itself. The system may have failed for another reason: that is left open.

    >>> rows = Table({"age": np.array([1.0, np.nan])})
    >>> from probandum.evidence import Capability
    >>> with_gaps_named("Input X contains NaN", [Request(kind=Capability.PREDICT, inputs=rows)], ["age"])
    "Input X contains NaN; of what was asked, row 2 has no value in column 'age'"
    """
    tables = ((each.inputs, each.start) for each in requests if isinstance(each.inputs, Table))
    each_found = (list(_first_gaps(table, columns, start)) for table, start in tables)
    found = next(filter(None, each_found), [])
    if not found or any(f"column {name!r}" in why for name, _ in found):
        return why
    named = ", ".join(text for _, text in found[:_NAMED])
    more = f", and {len(found) - _NAMED} more columns have such cells" if len(found) > _NAMED else ""
    return f"{why}; of what was asked, {named}{more}"


def _first_gaps(table: Table, columns: Sequence[str], start: int) -> Iterator[tuple[str, str]]:
    """Of every column with gaps its name, and where the first one is."""
    for name in columns:
        if name in table and (cells := absent(table[name])).any():
            count = int(cells.sum())
            others = f" ({count:,} such rows)" if count > 1 else ""
            yield name, f"row {start + int(cells.argmax()) + 1} has no value in column {name!r}{others}"
