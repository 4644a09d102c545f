"""Reading rows from CSV and Parquet files, and turning them into the subject of an audit.

Only the columns that an audit names are kept in memory: rows are persons.
"""

from __future__ import annotations

import csv
import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from probandum.errors import DataError, MissingDependency, did_you_mean
from probandum.evidence import Column, Floats, Table
from probandum.subject import NUMBER, UNKNOWN, Decision, Grouping, Subject, as_text, spelled

#: A column of more distinct values than this is no grouping; it wants bins, or is an identifier.
MOST_GROUPS = 100

Reader = TypeVar("Reader", bound=Callable[..., Any])

_EXACT = 2**53
#: What programs write where a number is missing or too large.
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.ASCII | re.IGNORECASE)
#: The same among words: a missing value that became one. A town may be called Nan.
_MISSING = ("nan", "NaN", "NAN")


def read_table(path: Path, *, columns: Sequence[str] | None = None) -> Table:
    """The named columns of a ``.csv`` or ``.parquet`` file, in that order; all of them where None.

    CSV is UTF-8 with a header, separated by commas, quoted as RFC 4180 has it. A column is numeric (float64)
    where every value is a decimal number, text otherwise; an empty cell of a text column is "". A numeric
    column with an empty cell, NaN or an infinity is an error where it was named. Where ``columns`` is None nobody
    has said that it counts, so it is kept as text, and whoever needs its numbers gets the error.

    DataError names the file, and the row or line, of whatever is wrong.
    """
    reader = _by_kind(path, csv=_read_csv, parquet=_read_parquet)
    if columns is not None and not columns:
        raise DataError(f"{path.name}: no column of it is named", remedy="name a label, features or groups in the plan")
    with _readable(path):
        return reader(path, None if columns is None else list(dict.fromkeys(columns)))


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
    with _parquet_file(path) as file:
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
def _parquet_file(path: Path) -> Iterator[Any]:
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


def _read_csv(path: Path, columns: list[str] | None) -> Table:
    with _csv_lines(path) as lines:
        header: list[str] = next(lines, [])
        names = _checked_header(path, header, columns)
        values: list[list[str]] = [[] for _ in names]
        _fill(path, lines, len(header), [header.index(name) for name in names], values)
    if not values[0]:
        raise DataError(f"{path.name}: a header and no rows")
    typed = zip(names, values, strict=True)
    return Table({name: _typed(path.name, name, column, columns is not None) for name, column in typed})


def _fill(path: Path, lines: Any, width: int, places: list[int], values: list[list[str]]) -> None:
    targets = [(place, column.append) for place, column in zip(places, values, strict=True)]
    for row in lines:
        if len(row) != width:
            if not row:  # a blank line, as many editors leave at the end
                continue
            raise DataError(f"{path.name}:{lines.line_num}: {len(row)} fields, the header has {width}")
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


def _typed(source: str, name: str, values: list[str], strict: bool) -> Column:
    """Floats where every value is a number, text otherwise; in a column of numbers no cell is missing or infinite."""
    distinct = set(values)
    numeric = {value for value in distinct if NUMBER.fullmatch(value) and math.isfinite(float(value))}
    if numeric == distinct:
        return np.fromiter(map(float, values), dtype=np.float64, count=len(values))
    others = {value for value in distinct - numeric if value and not NUMBER.fullmatch(value)}
    if strict and distinct != {""} and all(map(_NOT_FINITE.fullmatch, others)):
        raise _bad_cell(source, name, values, next(i for i, value in enumerate(values) if value not in numeric))
    return np.array(values, dtype=np.str_)


def _bad_cell(source: str, name: str, values: Sequence[object], row: int) -> DataError:
    """A cell that holds no value."""
    said = f"holds {str(values[row])!r}, which is no value" if str(values[row]) else "is empty"
    return DataError(
        f"{source}: row {row + 1}: column {name!r} {said}",
        remedy="fill it in or leave the row out; the audit drops nothing by itself",
    )


def _read_parquet(path: Path, columns: list[str] | None) -> Table:
    with _parquet_file(path) as file:
        names = _checked_header(path, file.schema_arrow.names, columns)
        read = file.read(columns=names)
        if read.num_rows == 0:
            raise DataError(f"{path.name}: a header and no rows")
        return Table({name: _from_arrow(path.name, name, read.column(name), columns is not None) for name in names})


def _from_arrow(source: str, name: str, column: Any, strict: bool) -> Column:
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
        raise DataError(f"{source}: column {name!r} holds {kind}, expected numbers or text")
    if not is_number:
        return np.asarray(column.cast(arrow.string()).fill_null("").to_numpy(zero_copy_only=False), dtype=np.str_)
    if arrow.types.is_boolean(kind):
        column = column.cast(arrow.int8())
    numbers = np.asarray(column.cast(arrow.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)
    absent = ~np.isfinite(numbers)
    if absent.any():
        text = np.where(absent, "", as_text(np.where(absent, 0.0, numbers)))
        text = np.where(np.isinf(numbers), np.where(numbers > 0, "inf", "-inf"), text)
        if strict:
            raise _bad_cell(source, name, text.tolist(), int(np.argmax(absent)))
        return text
    if arrow.types.is_integer(kind) and (np.abs(numbers) >= _EXACT).any():
        return np.array([str(value) for value in column.to_pylist()], dtype=np.str_)
    return numbers


def numbers_of(table: Table, name: str, *, what: str) -> Floats:
    """A column as numbers; DataError, starting with ``what``, names the first row that holds none."""
    column = column_of(table, name, what=what)
    if column.dtype.kind == "f":
        return column
    values = column.tolist()
    row = next((i for i, value in enumerate(values) if not NUMBER.fullmatch(str(value))), 0)
    if values[row] == "":
        raise _bad_cell(what, name, values, row)
    raise DataError(f"{what}: row {row + 1}: column {name!r} holds {values[row]!r}, expected a number")


def stated(table: Table, name: str, *, what: str) -> Column:
    """A column without empty cells or NaN; DataError, starting with ``what``, names the first row that has one."""
    column = column_of(table, name, what=what)
    if column.dtype.kind != "f" and (empty := np.isin(column, ["", *_MISSING])).any():
        raise _bad_cell(what, name, column.tolist(), int(np.argmax(empty)))
    return column


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


def make_groupings(groups: Mapping[str, Mapping[str, Any]], table: Table) -> dict[str, Grouping]:
    """One grouping an attribute, from ``{column, reference, bins, labels}``.

    Without ``bins`` the groups are the column's values in sorted order (numbers by size), and empty cells are
    the group "(not stated)", last; a NaN that was written as a word is refused. With them the groups are the
    intervals, right-closed, the first one holding its lower edge too, named by ``labels`` where given; an interval
    that no row falls into stays a group.
    DataError where a column, a reference or a row does not fit.

    >>> ages = Table({"age": np.array([25.0, 26.0, 0.0])})
    >>> make_groupings({"age": {"column": "age", "bins": [0, 25, 120]}}, ages)["age"].names
    ('0 to 25', 'over 25 to 120')
    """
    made = {}
    for attribute, spec in groups.items():
        what = f"groups.{attribute}"
        if spec.get("labels") and spec.get("bins") is None:
            raise DataError(f"{what}: labels name bins, and there are none", remedy="add bins, or leave labels away")
        name = str(spec.get("column") or attribute)
        column = column_of(table, name, what=what)
        if spec.get("bins") is None:
            names, codes = _by_value(what, name, column)
        else:
            names, codes = _by_bin(what, name, table, spec["bins"], spec.get("labels"))
        reference = spec.get("reference")
        made[attribute] = Grouping(
            attribute=attribute,
            codes=codes,
            names=tuple(names),
            reference=None if reference is None else spelled(reference, names),
        )
    return made


def _by_value(what: str, name: str, column: Column) -> tuple[list[str], np.ndarray]:
    values = column.tolist()
    if column.dtype.kind != "f" and (missing := np.isin(column, _MISSING)).any():
        row = int(np.argmax(missing))
        raise DataError(
            f"{what}: row {row + 1}: column {name!r} holds {values[row]!r}, which is no value",
            remedy=f"leave the cell empty: such rows are the group {UNKNOWN!r}",
        )
    distinct = sorted(set(values), key=lambda value: (value == "", value))
    if len(distinct) > MOST_GROUPS:
        raise DataError(
            f"{what}: column {name!r} has {len(distinct)} distinct values, at most {MOST_GROUPS} groups are audited",
            remedy="give bins, or choose another column",
        )
    place = {value: index for index, value in enumerate(distinct)}
    codes = np.fromiter(map(place.__getitem__, values), dtype=np.int64, count=len(values))
    names = [str(text) or UNKNOWN for text in as_text(np.array(distinct, dtype=column.dtype))]
    return names, codes


def _by_bin(
    what: str, name: str, table: Table, bins: Sequence[float], labels: Sequence[str] | None
) -> tuple[list[str], np.ndarray]:
    edges = np.asarray(bins, dtype=np.float64)
    if len(edges) < 2 or not np.isfinite(edges).all() or (np.diff(edges) <= 0).any():
        raise DataError(f"{what}: bins {list(bins)} do not rise; expected at least two rising numbers")
    names = [str(label) for label in labels] if labels else _interval_names(as_text(edges).tolist())
    if len(names) != len(edges) - 1 or len(set(names)) != len(names):
        raise DataError(f"{what}: {len(names)} labels for {len(edges) - 1} bins; expected one each, all different")
    values = numbers_of(table, name, what=what)
    codes = np.searchsorted(edges, values, side="left") - 1
    codes[values == edges[0]] = 0
    outside = (codes < 0) | (codes >= len(names))
    if outside.any():
        row = int(np.argmax(outside))
        raise DataError(
            f"{what}: row {row + 1}: {name} {values[row]:g} lies outside the bins {edges[0]:g} to {edges[-1]:g}",
            remedy="widen the bins",
        )
    return names, codes.astype(np.int64)


def _interval_names(edges: Sequence[str]) -> list[str]:
    names = [f"over {low} to {high}" for low, high in itertools.pairwise(edges)]
    return [f"{edges[0]} to {edges[1]}", *names[1:]]


def make_subject(
    *,
    table: Table,
    groups: Mapping[str, Mapping[str, Any]] | None = None,
    features: Sequence[str] = (),
    label: str | None = None,
    row_id: str | None = None,
    decision: Decision | None = None,
    classes: Sequence[str] = (),
    answers: Sequence[str] = (),
) -> Subject:
    """The rows under audit with all that the plan declares of them; DataError where the two do not fit.

    ``classes`` are the class names of a model, where one decides: the favourable and the positive value must
    be among them. ``answers`` are columns that hold recorded answers.
    """
    for name in features:
        column_of(table, name, what="data.features")
    if row_id is not None:
        stated(table, row_id, what="data.id")
    found = [] if label is None else distinct_of(stated(table, label, what="data.label"))
    if decision is not None and label is not None:
        positive = _occurring("data.positive", decision.positive, found, f"the values of column {label!r}")
        decision = replace(decision, positive=positive)
    if decision is not None and classes:
        favourable = _occurring("decision.favourable", decision.favourable, classes, "the model's classes")
        positive = _occurring("data.positive", decision.positive, classes, "the model's classes")
        decision = replace(decision, favourable=favourable, positive=positive)
    return Subject(
        table=table,
        features=tuple(features),
        label=label,
        row_id=row_id,
        groupings=make_groupings(groups or {}, table),
        decision=decision,
        answers=tuple(answers),
    )


def _occurring(what: str, value: object, found: Sequence[str], where: str) -> str:
    """``value`` as ``found`` spells it; DataError where it is not there, since every rate would then be 0 or 1."""
    text = spelled(value, found)
    if text not in found:
        shown = ", ".join(found[:10]) + (", ..." if len(found) > 10 else "")
        raise DataError(f"{what}: {text!r} is not among {where}", remedy=f"found: {shown}")
    return text
