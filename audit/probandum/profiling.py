"""What the rows of a file look like: kinds, distinct values, sizes, and what a column may hold by its name.

Names are guessed at and never trusted: whoever writes a guess into a plan says that it is one.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from probandum.columns import MISSING, distinct_of
from probandum.evidence import Table
from probandum.matching import MOST_GROUPS
from probandum.resources import shipped
from probandum.subject import NUMBER, as_text
from probandum.tables import read_table
from probandum.units import counted
from probandum.yaml_source import read_yaml

#: A number with more distinct values wants intervals to be groups.
MOST_VALUES = 10

Role = Literal["decision", "score", "label", "id"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: ``counts`` of rows by value as text, in the order of groups; empty beyond ``MOST_GROUPS`` values.

    ``missing``: cells without a value. ``low``, ``middle`` (the median) and ``high`` of a number without missing cells.
    """

    name: str
    rows: int
    distinct: int
    missing: int = 0
    counts: Mapping[str, int]
    numeric: bool
    low: float = 0.0
    middle: float = 0.0
    high: float = 0.0

    @property
    def values(self) -> tuple[str, ...]:
        """The distinct values as text; none beyond ``MOST_GROUPS``."""
        return tuple(self.counts)

    @property
    def wants_bins(self) -> bool:
        """Whether its groups are intervals."""
        return self.numeric and self.distinct > MOST_VALUES

    def unusable(self, *, grouped: bool) -> str | None:
        """Why an audit would refuse the column, as the attribute of groups or as a label; None where it would not."""
        if self.missing and (self.numeric or not grouped):
            return f"{counted(self.missing, 'empty cell')}: fill in or leave the rows out"
        if grouped and not self.wants_bins and self.distinct > MOST_GROUPS:
            return f"{self.distinct} distinct texts: derive a column with fewer, such as years from a date"
        return None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile:
    """A file of rows and its columns by name."""

    file: str
    table: Table
    columns: Mapping[str, Column]

    def __len__(self) -> int:
        return len(self.table)

    @classmethod
    def read(cls, path: Path) -> Profile:
        """The profile of a ``.csv`` or ``.parquet`` file; DataError where it is none."""
        table = read_table(path)
        return cls(file=path.name, table=table, columns={name: _column(name, table) for name in table})

    def named(self, role: Role) -> list[str]:
        """The columns whose name says that they hold it, in the order of the file."""
        return [name for name in self.columns if _says(name, _words()[role])]

    def protected(self) -> dict[str, str]:
        """The columns whose name says a protected attribute, and which."""
        return {name: kind for name in self.columns if (kind := protected_by_name(name)) is not None}


def protected_by_name(name: str) -> str | None:
    """The protected attribute that a column's name says, in one of several languages; None where it says none.

    >>> protected_by_name("ApplicantAge"), protected_by_name("Geschlecht"), protected_by_name("mortgage")
    ('age', 'sex', None)
    """
    return next((kind for kind, words in _protected().items() if _says(name, words)), None)


def _column(name: str, table: Table) -> Column:
    column = table[name]
    distinct = distinct_of(column)
    texts = [text for text in distinct if text]
    stated = [text for text in texts if text not in MISSING]
    numeric = bool(stated) and all(NUMBER.fullmatch(text) for text in stated)
    if numeric:
        texts = stated
    counted = Counter(as_text(column).tolist()) if len(distinct) <= MOST_GROUPS else {}
    ordered = sorted(distinct, key=lambda text: (text not in texts, float(text) if numeric and text else 0.0, text))
    spread = {}
    if column.dtype.kind == "f":
        low, middle, high = (float(value) for value in np.quantile(column, [0.0, 0.5, 1.0], method="lower"))
        spread = {"low": low, "middle": middle, "high": high}
    gaps = ("", *MISSING) if numeric else ("",)
    missing = 0 if column.dtype.kind == "f" else int(np.isin(column, gaps).sum())
    return Column(
        name=name,
        rows=len(column),
        distinct=len(texts),
        missing=missing,
        counts={text: counted[text] for text in ordered} if counted else {},
        numeric=numeric,
        **spread,
    )


def _says(name: str, words: Collection[str]) -> bool:
    """Whether one of the words is a whole word of the name."""
    plain = "".join(char for char in unicodedata.normalize("NFKD", name) if not unicodedata.combining(char))
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", plain)
    joined = f"_{'_'.join(parts).lower()}_"
    return any(f"_{word}_" in joined for word in words)


def _protected() -> Mapping[str, Sequence[str]]:
    found: Mapping[str, Sequence[str]] = _words()["protected"]
    return found


@cache
def _words() -> Mapping[str, Any]:
    """The words by what they say."""
    return read_yaml(shipped("templates") / "_plan" / "columns.yaml").values
