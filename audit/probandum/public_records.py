"""Records of files that others publish: CSV, TSV, JSON, JSON lines and Parquet, each record with its place.

Unlike ``probandum.tables`` these files are lists of texts with whatever fields they have, not columns to compute with.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from probandum.errors import DataError, did_you_mean
from probandum.tables import open_parquet, read_table
from probandum.units import counted

#: What a Parquet file begins with.
_PARQUET = b"PAR1"


@dataclass(frozen=True, slots=True)
class PublicRecord:
    """One record: its fields as the file has them, and ``where`` it stands, such as ``bbq.jsonl:12``."""

    values: Mapping[str, Any]
    where: str

    def text(self, name: str) -> str:
        """A field as text; DataError where the record has none of that name, or what it has is no text or number."""
        if name not in self.values:
            found = list(map(str, self.values))
            raise DataError(
                f"{self.where}: no field {name!r}{did_you_mean(name, found)}",
                remedy=_otherwise_separated(found) or f"found: {', '.join(found)}",
            )
        value = self.values[name]
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise DataError(f"{self.where}: {name}: expected text, got {json.dumps(value, default=str)[:80]}")
        return str(value)


def read_records(path: Path) -> list[PublicRecord]:
    """All records of a file, by its suffix: .csv, .tsv, .json (a list of objects), .jsonl, .parquet.

    CSV and TSV are UTF-8 with a header, and all their fields are text. DataError names the file and, where there is
    one, the line of what is wrong; a file without a record is one of these.
    """
    readers = {
        ".csv": _separated,
        ".tsv": _separated,
        ".json": _json_list,
        ".jsonl": _json_lines,
        ".parquet": _parquet,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path.name}: unknown kind of file {path.suffix!r}", remedy=f"expected {', '.join(readers)}")
    found = list(reader(path))
    if not found:
        raise DataError(f"{path.name}: holds no record")
    return found


def read_json(path: Path) -> Any:
    """What a JSON file holds; DataError names the place of what is wrong."""
    return _parsed(_text(path), path.name)


def _text(path: Path, newline: str | None = None) -> str:
    try:
        with path.open(encoding="utf-8-sig", newline=newline) as file:
            return file.read()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}", remedy="check the path in the plan") from None
    except UnicodeDecodeError:
        raise not_text(path) from None


def not_text(path: Path) -> DataError:
    """What to say of a file that is no UTF-8 text, which may be Parquet."""
    with path.open("rb") as file:
        if file.read(len(_PARQUET)) != _PARQUET:
            return DataError(f"{path.name}: not UTF-8 text", remedy="save the file in UTF-8")
    return DataError(f"{path.name}: Parquet, and text is read here", remedy="name the file as its authors published it")


def read_nested(path: Path) -> list[PublicRecord]:
    """The rows of a Parquet file with the lists and objects in them; DataError where there is none."""
    with open_parquet(path) as file:
        rows = file.read().to_pylist()
    if not rows:
        raise DataError(f"{path.name}: holds no record")
    return [PublicRecord(row, f"{path.name}: row {number}") for number, row in enumerate(rows, 1)]


def _separated(path: Path) -> Iterator[PublicRecord]:
    """Records of CSV or TSV, each where its first line stands; only CR, LF and both together end a line."""
    text = _text(path, newline="")
    mark = "\t" if path.suffix.lower() == ".tsv" else ","
    lines = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=mark)
    begins = 1
    try:
        with _fields_up_to(len(text)):
            header = next(lines, [])
            twice = next((name for name in header if header.count(name) > 1), None)
            if twice is not None:
                raise DataError(f"{path.name}:1: the field {twice!r} occurs twice")
            begins = lines.line_num + 1
            for fields in lines:
                where, begins = f"{path.name}:{begins}", lines.line_num + 1
                if not fields:
                    continue
                if len(fields) != len(header):
                    raise DataError(
                        f"{where}: {counted(len(fields), 'field')}, and the header names {len(header)}",
                        remedy=_otherwise_separated(header),
                    )
                yield PublicRecord(dict(zip(header, fields, strict=True)), where)
    except csv.Error as error:
        raise DataError(f"{path.name}:{begins}: {error}", remedy=f"is it a {path.suffix} file?") from None


@contextmanager
def _fields_up_to(size: int) -> Iterator[None]:
    """Fields of so many characters: the csv module refuses longer ones than 131,072 otherwise."""
    before = csv.field_size_limit()
    csv.field_size_limit(max(before, size))
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _otherwise_separated(header: Sequence[str]) -> str | None:
    """What to do about a header that looks like several names in one; None where it does not."""
    if len(header) == 1 and (mark := re.search(r"[;\t|,]", header[0])):
        return f"the file is separated by {mark[0]!r}; save it with commas as .csv, or with tabs as .tsv"
    return None


def _json_list(path: Path) -> Iterator[PublicRecord]:
    found = read_json(path)
    if not isinstance(found, list):
        raise DataError(f"{path.name}: expected a list of objects", remedy="one object a record, or a .jsonl file")
    for number, each in enumerate(found, 1):
        yield _object(each, f"{path.name}: record {number}")


def _json_lines(path: Path) -> Iterator[PublicRecord]:
    for number, line in enumerate(_text(path).split("\n"), 1):
        if line.strip():
            where = f"{path.name}:{number}"
            yield _object(_parsed(line, where), where)


def _parquet(path: Path) -> Iterator[PublicRecord]:
    table = read_table(path)
    for number, row in enumerate(zip(*(table[name].tolist() for name in table), strict=True), 1):
        yield PublicRecord(dict(zip(table, row, strict=True)), f"{path.name}: row {number}")


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        at = f"{where}:{error.lineno}:{error.colno}" if "\n" in text else f"{where}:{error.colno}"
        raise DataError(f"{at}: no JSON: {error.msg}") from None
    except RecursionError:
        raise DataError(f"{where}: nested too deeply") from None


def _object(found: Any, where: str) -> PublicRecord:
    if not isinstance(found, dict):
        raise DataError(f"{where}: expected an object, got {json.dumps(found)[:80]}")
    return PublicRecord(found, where)
