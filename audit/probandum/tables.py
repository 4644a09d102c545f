"""Reading rows from CSV and Parquet files: columns of numbers or of text.

Only the columns that an audit names are kept in memory: rows are persons.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from probandum.columns import bad_cell, odd_among_numbers, odd_feature
from probandum.errors import DataError, MissingDependency, did_you_mean
from probandum.evidence import Column, Table
from probandum.subject import NUMBER, as_text
from probandum.units import counted

#: The columns of a file that are sound, and what is wrong with each of the others.
Columns = tuple[Table, dict[str, DataError]]
Reader = TypeVar("Reader", bound=Callable[..., Any])

_EXACT = 2**53
#: What programs write where a number is missing or too large.
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.ASCII | re.IGNORECASE)
_NAN = re.compile(r"[+-]?nan", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Columns whose cells may lack a value, where the plan ``says`` so; a gap in one of numbers is NaN then.

    ``asked``: those that the system is asked about, in which a text among numbers may be a slip; ``text``: those that
    the plan calls text, whatever their cells look like.
    """

    columns: Collection[str] = ()
    says: bool = False
    asked: Collection[str] = ()
    text: Collection[str] = ()

    def allows(self, name: str) -> bool:
        """Whether the plan says it, and of this column it may."""
        return self.says and name in self.columns


#: No gap of a column of numbers is kept.
REFUSED = Kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """How a column is read: ``strict`` where it was named, so that it counts; ``source``: its file, for messages."""

    source: str
    strict: bool
    kept: Kept


def read_table(path: Path, *, columns: Sequence[str] | None = None, kept: Kept = REFUSED) -> Table:
    """The named columns of a ``.csv`` or ``.parquet`` file, in that order; all of them where None.

    CSV is UTF-8 with a header, separated by commas, quoted as RFC 4180 has it. A column is numeric (float64)
    where every value is a decimal number, text otherwise; an empty cell of a text column is "". A numeric
    column with an empty cell, NaN or an infinity is an error where it was named, and one that the system is asked about
    with a text among its numbers, too, unless that is meant. Of the columns that are ``kept`` with their gaps an empty
    cell or a NaN is NaN, and one without any value is one of numbers. What the plan calls text is text.
    Where ``columns`` is None nobody has said that it counts: it is kept as text, and whoever needs numbers is told.

    DataError names the file, and the row or line, of whatever is wrong.
    """
    table, unsound = read_columns(path, columns=columns, kept=kept)
    for error in unsound.values():
        raise error
    return table


def read_columns(path: Path, *, columns: Sequence[str] | None = None, kept: Kept = REFUSED) -> Columns:
    """As :func:`read_table`; columns with a cell that holds no value stand apart, each with what is wrong with it."""
    reader = _by_kind(path, csv=_read_csv, parquet=_read_parquet)
    if columns is not None and not columns:
        raise DataError(f"{path.name}: no column of it is named", remedy="name a label, features or groups in the plan")
    with _readable(path):
        return reader(path, None if columns is None else list(dict.fromkeys(columns)), kept)


def _columns(names: Sequence[str], make: Callable[[str, Any], Column], cells: Iterable[Any]) -> Columns:
    """Every column as ``make`` makes it of its name and cells, or why it cannot."""
    sound, unsound = {}, {}
    for name, values in zip(names, cells, strict=True):
        try:
            sound[name] = make(name, values)
        except DataError as error:
            unsound[name] = error
    return Table(sound), unsound


def read_header(path: Path) -> tuple[str, ...]:
    """The names of a table's columns, without its rows; DataError where it has none, MissingDependency as above."""
    reader = _by_kind(path, csv=_csv_header, parquet=_parquet_header)
    with _readable(path):
        header, filled = reader(path)
    names = _checked_header(path, header, None)
    if not filled:
        raise DataError(f"{path.name}: a header and no rows")
    return tuple(names)


def _by_kind(path: Path, *, csv: Reader, parquet: Reader) -> Reader:
    """The reader for a file of this kind; DataError where there is none."""
    reader = {".csv": csv, ".parquet": parquet}.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path.name}: unknown kind of table {path.suffix!r}", remedy="expected .csv or .parquet")
    return reader


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """What the system says of a file that cannot be read, as a DataError."""
    try:
        yield
    except OSError as error:
        said = error.strerror or " ".join(str(error).split())
        raise DataError(f"{path}: {said}", remedy="check the path in the plan") from None


def missing_column(name: str, header: Sequence[str]) -> str | None:
    """What to say of a column that a table lacks; None where it has it.

    >>> missing_column("sexe", ["sex", "age"])
    "no column 'sexe', did you mean 'sex'?; found: sex, age"
    """
    return None if name in header else f"no column {name!r}{did_you_mean(name, header)}; {_columns_found(header)}"


def _csv_header(path: Path) -> tuple[list[str], bool]:
    """The first line, and whether a row follows it."""
    with _csv_lines(path) as lines:
        return next(lines, []), any(lines)


def _parquet_header(path: Path) -> tuple[list[str], bool]:
    """The schema's names, and whether the file says that it holds rows."""
    with open_parquet(path) as file:
        return list(file.schema_arrow.names), file.metadata.num_rows > 0


@contextmanager
def _csv_lines(path: Path) -> Iterator[Any]:
    """The lines of a CSV file; DataError where it turns out to be none."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = csv.reader(file, strict=True, skipinitialspace=True)
        try:
            yield lines
        except csv.Error as error:
            raise DataError(f"{path.name}:{lines.line_num}: {error}", remedy="is it a CSV file?") from None
        except UnicodeDecodeError:
            raise DataError(f"{path.name}: not UTF-8 text", remedy="save the file as CSV in UTF-8") from None


@contextmanager
def open_parquet(path: Path) -> Iterator[Any]:
    """A Parquet file; DataError where it turns out to be none, MissingDependency without pyarrow."""
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise MissingDependency("pyarrow", needed_for=path.name, extra="parquet") from None
    try:
        with parquet.ParquetFile(path) as file:
            yield file
    except (arrow.ArrowException, UnicodeDecodeError) as error:
        raise DataError(f"{path.name}: no sound Parquet file: {' '.join(str(error).split())}") from None


def _read_csv(path: Path, columns: list[str] | None, kept: Kept) -> Columns:
    with _csv_lines(path) as lines:
        header: list[str] = next(lines, [])
        names = _checked_header(path, header, columns)
        values: list[list[str]] = [[] for _ in names]
        _fill(path, lines, len(header), [header.index(name) for name in names], values)
    if not values[0]:
        raise DataError(f"{path.name}: a header and no rows")
    return _columns(names, partial(_typed, _Asked(source=path.name, strict=columns is not None, kept=kept)), values)


def _fill(path: Path, lines: Any, width: int, places: list[int], values: list[list[str]]) -> None:
    targets = [(place, column.append) for place, column in zip(places, values, strict=True)]
    for row in lines:
        if len(row) != width:
            if not row:  # a blank line, as many editors leave at the end
                continue
            raise DataError(f"{path.name}:{lines.line_num}: {counted(len(row), 'field')}, the header has {width}")
        for place, append in targets:
            append(row[place])


def _checked_header(path: Path, header: Sequence[str], columns: list[str] | None) -> list[str]:
    """The columns to read, after the header was found sound."""
    if not header:
        raise DataError(f"{path.name}: the file is empty", remedy="expected a header line and rows")
    if all(NUMBER.fullmatch(name) for name in header):
        raise DataError(f"{path.name}:1: numbers where the header should be", remedy="add a line of column names")
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise DataError(f"{path.name}: the column {repeated[0]!r} occurs twice in the header")
    for name in columns or ():
        if name not in header:
            raise DataError(
                f"{path.name}: no column {name!r}{did_you_mean(name, header)}", remedy=_columns_found(header)
            )
    return list(header) if columns is None else columns


def _columns_found(header: Sequence[str]) -> str:
    if len(header) == 1 and re.search(r"[;\t|]", header[0]):
        return "the file is not separated by commas; save it with commas"
    return f"found: {', '.join(header)}"


def _typed(asked: _Asked, name: str, values: list[str]) -> Column:
    """Floats where every value is a number, text otherwise; in a column of numbers no cell is missing or infinite.

    Where gaps are kept a missing one is NaN.
    """
    if name in asked.kept.text:
        return np.array(values, dtype=np.str_)
    distinct = set(values)
    numeric = {value for value in distinct if NUMBER.fullmatch(value) and math.isfinite(float(value))}
    if numeric == distinct:
        return np.fromiter(map(float, values), dtype=np.float64, count=len(values))
    gaps = {value for value in distinct - numeric if not value or _NAN.fullmatch(value)}
    others = {value for value in distinct - numeric if value and not NUMBER.fullmatch(value)}
    if asked.kept.allows(name) and distinct == numeric | gaps:
        number = {value: math.nan if value in gaps else float(value) for value in distinct}
        return np.fromiter(map(number.__getitem__, values), dtype=np.float64, count=len(values))
    if asked.strict and distinct != {""} and all(map(_NOT_FINITE.fullmatch, others)):
        sound = numeric | gaps if asked.kept.allows(name) else numeric
        row = next(i for i, value in enumerate(values) if value not in sound)
        raise bad_cell(asked.source, name, values, row, feature=name in asked.kept.columns)
    if name in asked.kept.asked and (odd := odd_among_numbers(values)) is not None:
        raise odd_feature(asked.source, name, odd, gaps=name in asked.kept.columns, keeps=asked.kept.says)
    return np.array(values, dtype=np.str_)


def _read_parquet(path: Path, columns: list[str] | None, kept: Kept) -> Columns:
    with open_parquet(path) as file:
        names = _checked_header(path, file.schema_arrow.names, columns)
        read = file.read(columns=names)
        if read.num_rows == 0:
            raise DataError(f"{path.name}: a header and no rows")
        asked = _Asked(source=path.name, strict=columns is not None, kept=kept)
        return _columns(names, partial(_from_arrow, asked), map(read.column, names))


def _from_arrow(asked: _Asked, name: str, column: Any) -> Column:
    """As :func:`_typed`, for a column whose kind the file states; numbers written as text stay text."""
    import pyarrow as arrow

    kind = column.type.value_type if arrow.types.is_dictionary(column.type) else column.type
    is_number = any(
        test(kind)
        for test in (
            arrow.types.is_integer,
            arrow.types.is_floating,
            arrow.types.is_decimal,
            arrow.types.is_boolean,
        )
    )
    if arrow.types.is_nested(kind) or arrow.types.is_binary(kind):
        raise DataError(f"{asked.source}: column {name!r} holds {kind}, expected numbers or text")
    if asked.kept.allows(name) and arrow.types.is_null(kind):
        return np.full(len(column), np.nan)
    if not is_number:
        return np.asarray(column.cast(arrow.string()).fill_null("").to_numpy(zero_copy_only=False), dtype=np.str_)
    if name in asked.kept.text:
        what = f"{asked.source}: column {name!r} holds {kind}, and data.text calls it text"
        raise DataError(what, remedy="leave the name out, or write text there: a Parquet file says what it holds")
    if arrow.types.is_boolean(kind):
        column = column.cast(arrow.int8())
    numbers = np.asarray(column.cast(arrow.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)
    absent = np.isinf(numbers) if asked.kept.allows(name) else ~np.isfinite(numbers)
    if absent.any():
        text = np.where(absent, "", as_text(np.where(absent, 0.0, numbers)))
        text = np.where(np.isinf(numbers), np.where(numbers > 0, "inf", "-inf"), text)
        if asked.strict:
            row = int(np.argmax(absent))
            raise bad_cell(asked.source, name, text.tolist(), row, feature=name in asked.kept.columns)
        return text
    if arrow.types.is_integer(kind) and (np.abs(numbers) >= _EXACT).any():
        return np.array(["" if value is None else str(value) for value in column.to_pylist()], dtype=np.str_)
    return numbers
