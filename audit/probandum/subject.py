"""The rows under audit and what is declared about them: labels, groups, and which decision is good.

Counting comes before dividing: groups are coded once, and everything about them is a table of counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from probandum.errors import DataError
from probandum.evidence import Floats, PlaceNames, Response, Table
from probandum.row_items import Digests, RowItems, combined, digests_of, numbered

Bools = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int64]

#: Numbers that a float holds and gives back: "007" and identifiers of 16 digits and more stay text.
NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9]\d{0,14})(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_TWINS = (("1", "true", "True", "TRUE"), ("0", "false", "False", "FALSE"))
#: What people write in YAML without quotes where the file says it in a word of its own.
_WORDS = {True: (*_TWINS[0], "yes", "Yes", "YES"), False: (*_TWINS[1], "no", "No", "NO")}

#: The one column of an answer that is a number a row, and no probability.
NUMERIC = "number"
#: Which numbers are good for the person, where what the system decides is one.
DIRECTIONS = ("higher", "lower")

#: The name of the group of rows that state none.
UNKNOWN = "(not stated)"


@dataclass(frozen=True, kw_only=True, eq=False)
class Grouping:
    """One attribute of the rows: ``codes[i]`` is the index into ``names`` of row i's group.

    ``reference`` names the group that others are compared with; None means every ordered pair is judged. ``parts``
    are the attributes that an intersection crosses.
    """

    attribute: str
    codes: Codes
    names: tuple[str, ...]
    reference: str | None = None
    parts: tuple[Grouping, ...] = ()

    def __post_init__(self) -> None:
        """The reference must be one of the groups."""
        if self.reference is not None and self.reference not in self.names:
            raise DataError(
                f"groups.{self.attribute}.reference: {self.reference!r} is not among the groups",
                remedy=f"found: {', '.join(self.names)}",
            )

    def cross(self, other: Grouping) -> Grouping:
        """The intersection ``race*sex`` with groups ``African-American*Male``; two references make one."""
        codes = self.codes * len(other.names) + other.codes
        names = tuple(f"{a}*{b}" for a in self.names for b in other.names)
        reference = f"{self.reference}*{other.reference}" if self.reference and other.reference else None
        return Grouping(
            attribute=f"{self.attribute}*{other.attribute}",
            codes=codes,
            names=names,
            reference=reference,
            parts=(*(self.parts or (self,)), *(other.parts or (other,))),
        )

    def place(self, index: int) -> dict[str, int]:
        """The code of group ``index`` in each attribute that is crossed; in its own where none is."""
        parts = self.parts or (self,)
        codes = np.unravel_index(index, tuple(len(part.names) for part in parts))
        return {part.attribute: int(code) for part, code in zip(parts, codes, strict=True)}


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What the plan declares of a decision.

    ``favourable``: the value of the decision that is good for the person (no default exists). ``positive``:
    the value of the label that the system tries to detect, as the model's classes spell it where there are
    some. ``threshold``: where a score becomes a decision. ``numeric``: what the system decides is a number (a salary, a
    score that ranks) and ``favourable`` says which numbers are good for the person, ``higher`` or ``lower`` ones.
    ``assumed``: the plan names no positive value.
    """

    favourable: str
    positive: str = "1"
    assumed: bool = False
    threshold: float | None = None
    numeric: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcomes:
    """What the system decided on each row, beside what turned out.

    ``favourable``: the decision was good for the person. ``detected``: the decision said "positive".
    ``positive``: the label says positive; None without labels. ``score``: P(positive) or the recorded score.
    """

    favourable: Bools
    detected: Bools
    positive: Bools | None = None
    score: Floats | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """The rows, their groups, and the declarations that turn answers into decisions.

    ``features`` names the columns that the model takes; ``label`` and ``row_id`` name columns of ``table``, and
    ``answers`` those that hold what a recorded system answered. ``weight`` names the column that says how many persons
    of the population a row stands for, ``cluster`` the one that says which person a row is about: rows of one person
    are no independent observations. ``gaps`` names the columns whose cells without a value go to the system as missing
    ones.
    """

    table: Table
    features: tuple[str, ...] = ()
    label: str | None = None
    row_id: str | None = None
    groupings: Mapping[str, Grouping] = field(default_factory=dict)
    decision: Decision | None = None
    answers: tuple[str, ...] = ()
    weight: str | None = None
    cluster: str | None = None
    gaps: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.table)

    @property
    def numeric(self) -> bool:
        """Whether what the system decides of a row is a number."""
        return self.decision is not None and self.decision.numeric

    @property
    def actual(self) -> Floats | None:
        """What turned out of each row, as a number; None without a label, or where decisions are no numbers."""
        if self.label is None or not self.numeric:
            return None
        return np.asarray(self.table[self.label], dtype=np.float64)

    def numbers(self, response: Response) -> Floats:
        """What the system decided on each row, from an answer to a predict request over all rows."""
        if not self.numeric or response.labels != (NUMERIC,):
            raise DataError("the system's answers are no numbers", remedy="declare a numeric outcome in the plan")
        return np.asarray(response.values[:, 0], dtype=np.float64)

    @cached_property
    def positive(self) -> Bools | None:
        """Which rows carry the positive label; None where the plan names no label, or labels are numbers."""
        if self.label is None or self.decision is None or self.decision.numeric:
            return None
        column = self.table[self.label]
        values = sorted(set(column.tolist()))
        texts = as_text(np.array(values, dtype=column.dtype)).tolist()
        wanted = spelled(self.decision.positive, texts)
        found = [value for value, text in zip(values, texts, strict=True) if text == wanted]
        return np.isin(column, np.array(found, dtype=column.dtype))

    @property
    def design(self) -> tuple[str, ...]:
        """What is declared of how the rows were sampled: weight, cluster, both, or nothing.

        >>> Subject(table=Table({"w": np.ones(2)}), weight="w").design
        ('weight',)
        """
        declared = {"weight": self.weight, "cluster": self.cluster}
        return tuple(key for key, column in declared.items() if column is not None)

    @property
    def weights(self) -> Floats:
        """How many persons of the population each row stands for; 1 each where the plan declares no weights."""
        if self.weight is None:
            return np.ones(len(self))
        return np.asarray(self.table[self.weight], dtype=np.float64)

    @cached_property
    def persons(self) -> Codes:
        """A number for the person that each row is about, from 0; each row is one of its own without ``cluster``."""
        if self.cluster is None:
            return np.arange(len(self))
        return np.unique(self.table[self.cluster], return_inverse=True)[1].reshape(-1)

    def keys(self) -> Sequence[str]:
        """One name a row: its id where the plan names one, its place otherwise."""
        if self.row_id is None:
            return PlaceNames(len(self))
        return tuple(as_text(self.table[self.row_id]).tolist())

    def contents(self) -> tuple[str, ...]:
        """A digest of every row's content, all columns but the answers: 16 hex digits."""
        return tuple(f"{digest:016x}" for digest in self._contents.tolist())

    def row_items(self, columns: Mapping[str, npt.NDArray[np.integer[Any]]]) -> RowItems:
        """``columns`` (codes, one a row) with what names every row in every audit: its id, else place and content."""
        named = None if self.row_id is None else numbered(digests_of(as_text(self.table[self.row_id])))
        return RowItems.packed(keys=named, contents=self._contents, columns=columns)

    @cached_property
    def _contents(self) -> Digests:
        """Of every row a digest of all columns but the answers."""
        asked = [digests_of(self.table[name]) for name in sorted(self.table) if name not in self.answers]
        return combined([np.zeros(len(self), dtype=np.uint64), *asked])

    def outcomes(self, response: Response) -> Outcomes:
        """Decisions from an answer to a predict request over all rows.

        A decision log answers with the column ``favourable`` (0 or 1), ``detected`` (0 or 1) and perhaps
        ``score``; a model answers with class probabilities, of which the positive class's is thresholded:
        at or above the threshold the decision is the positive value.
        """
        if self.decision is None:
            raise DataError("the favourable decision is not declared", remedy="add decision.favourable to the plan")
        if self.decision.numeric:
            raise DataError(
                "the plan declares that what the system decides is a number, and this probe compares decisions",
                remedy="bias.outcome-gap compares numbers; or declare where the number becomes a decision",
            )
        values = response.values
        names = response.labels
        if "favourable" in names:
            column = {name: values[:, index] for index, name in enumerate(names)}
            return Outcomes(
                favourable=column["favourable"] == 1,
                detected=column["detected"] == 1,
                positive=self.positive,
                score=column.get("score"),
            )
        score = positive_column(values, names, self.decision.positive)
        threshold = 0.5 if self.decision.threshold is None else self.decision.threshold
        detected = score >= threshold
        favours_positive = self.decision.favourable == self.decision.positive
        return Outcomes(
            favourable=detected if favours_positive else ~detected,
            detected=detected,
            positive=self.positive,
            score=score,
        )


def positive_column(values: Floats, labels: tuple[str, ...], positive: str) -> Floats:
    """The probability of the class named ``positive``; DataError where the model has no such class."""
    if values.ndim == 1:
        return values
    if positive not in labels:
        raise DataError(
            f"the positive value {positive!r} is not a class of the model",
            remedy=f"its classes: {', '.join(labels)}",
        )
    return np.asarray(values[:, labels.index(positive)], dtype=np.float64)


def as_text(column: npt.NDArray[np.generic]) -> npt.NDArray[np.str_]:
    """A column as the text a file would show: whole floats without a point, so that 1.0 equals "1".

    >>> as_text(np.array([1.0, 0.5])).tolist()
    ['1', '0.5']
    """
    if column.dtype.kind == "f":
        values = column.tolist()
        return np.array([str(int(v)) if v.is_integer() else repr(v) for v in values], dtype=np.str_)
    if column.dtype.kind == "b":
        return np.asarray(column.astype(np.int8), dtype=np.str_)
    return np.asarray(column, dtype=np.str_)


def spelled(value: object, known: Collection[str]) -> str:
    """A value from a plan as the file spells it: YAML turns ``yes`` into True and ``1.0`` into a float.

    >>> spelled(True, ["False", "True"]), spelled(0, ["0", "1"]), spelled(False, ["no", "yes"])
    ('True', '0', 'no')
    """
    text = str(value)
    if text in known:
        return text
    candidates: Iterable[str] = ()
    if text in ("True", "False"):
        candidates = _WORDS[text == "True"]
    elif twins := next((family for family in _TWINS if text in family), None):
        candidates = twins
    elif NUMBER.fullmatch(text):
        candidates = (str(as_text(np.array([float(text)]))[0]),)
    return next((candidate for candidate in candidates if candidate in known), text)
