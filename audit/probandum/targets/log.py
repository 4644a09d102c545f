"""Decisions already made, read from a file: no model at all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import numpy as np

from probandum import codec
from probandum.columns import distinct_of, numbers_of, outcomes_of
from probandum.errors import DataError, UsageError
from probandum.evidence import Capability, Column, Request, Response, Table
from probandum.keywords import Place, Sendable, Text
from probandum.subject import DIRECTIONS, NUMERIC, Bools, spelled
from probandum.tables import read_table
from probandum.target import Problem, Target, TargetContext, target
from probandum.targets.answering import unable

_UNDECLARED = "not declared: which decision is good for the person? There is no default"


@target("log")
class LogTarget(Target):
    """Recorded decisions, outcomes and scores of a CSV or Parquet file, each answered for its own row.

    ``decision``: a column, or ``{column, at_least}`` for a number that becomes a decision, "1" at or above it
    and "0" below, or ``{number: COLUMN}`` for a number that is the outcome itself, such as a price, a salary or a
    score that ranks. ``favourable``: the decision that is good for the person, or which numbers are, ``higher`` or
    ``lower`` ones; there is no default.
    ``label``: the column of the outcome; ``positive``: its value that the system tries to detect.
    ``detected``: the decision that says "positive", by default the same value as ``positive``, and without a
    label whatever is not favourable. ``score``: a column of numbers. ``columns``: which others to read, such
    as those of the groups; all where not given. ``id``: the column that names a row, so that a later log can be
    compared with this one row by row. ``weight``: the column that says how many persons of the population a row
    stands for; ``cluster``: that of the person whom it is about, where persons recur.

    Answers hold 0 or 1 in the columns ``favourable`` and ``detected``, and ``score`` as recorded; or the one column
    ``number``, beside a label that is a number then, too. A row that the log does not hold is an error: nobody knows
    how the system would have decided on it.
    """

    capabilities = frozenset({Capability.PREDICT})

    recorded = True
    numeric = True

    def __init__(
        self,
        context: TargetContext,
        *,
        path: Text,
        decision: Text | Annotated[Mapping[str, Any], Sendable()],
        favourable: object = None,
        label: Text | None = None,
        positive: object = None,
        detected: object = None,
        score: Text | None = None,
        columns: Sequence[Text] | None = None,
        id: Text | None = None,
        weight: Text | None = None,
        cluster: Text | None = None,
    ) -> None:
        file = context.resolve(path)
        self._file = file.name
        self._column, self._at_least, self._number = _decision(decision)
        named = [name for name in (self._column, label, score, id, weight, cluster) if name is not None]
        self._table = read_table(file, columns=None if columns is None else [*named, *columns])
        self._digest = codec.digest(file.read_bytes())
        if score is not None:
            numbers_of(self._table, score, what=f"target.score: {self._file}")
        self._score = score
        self._rows: dict[tuple[str, ...], set[tuple[object, ...]]] = {}
        #: The columns that an answer depends on: what a request has to hold.
        self.features = (self._column, *((score,) if score and score != self._column else ()))
        self.answers = self.features
        if self._number:
            numbers_of(self._table, self._column, what=f"target.decision: {self._file}")
            self._favourable, self._detected = str(favourable), frozenset[str]()
            self.labels = (NUMERIC,)
            return
        found = _decisions(self._table, self._column, self._at_least, self._file)
        self._favourable = _favourable(favourable, found, self._column, self._file)
        said = {"label": label, "positive": positive, "detected": detected}
        says = _detected(said, self._table, found, self._column, self._file)
        self._detected = frozenset(found) - {self._favourable} if says is None else says
        self.labels = ("favourable", "detected", *(("score",) if score else ()))

    @classmethod
    def problems(cls, options: Mapping[str, Any], context: TargetContext) -> Iterator[Problem]:
        """What is wrong with the decision, and with the values that are one of it or of the outcome."""
        number = False
        try:
            number = _decision(options["decision"]).number
        except UsageError as error:
            yield Problem(("decision",), "; ".join(error.lines()).removeprefix("target.decision: "))
        favourable = options.get("favourable")
        if number and favourable not in DIRECTIONS:
            yield Problem(
                ("favourable",), "which numbers are good for the person, higher or lower? There is no default"
            )
        elif favourable is None:
            yield Problem(("favourable",), f"{_UNDECLARED}; add favourable: VALUE")
        for key in ("positive", "detected", "score"):
            if number and options.get(key) is not None:
                yield Problem((key,), "decision names a number, which is compared as it is; leave this key out")
        for key in ("favourable", "positive", "detected"):
            if isinstance(options.get(key), list | Mapping):
                yield Problem((key,), f"expected one value, got {options[key]!r}")

    @classmethod
    def named_columns(cls, options: Mapping[str, Any]) -> Mapping[Place, str]:
        """The columns of the decision, the outcome, the score, the row and the person, and the others to be read."""
        named: dict[Place, Any] = {(key,): options.get(key) for key in ("label", "score", "id", "weight", "cluster")}
        named |= {("columns", index): name for index, name in enumerate(options.get("columns") or ())}
        decision = options.get("decision")
        if isinstance(decision, Mapping):
            named |= {("decision", key): decision.get(key) for key in ("column", "number")}
        else:
            named["decision",] = decision
        return {place: column for place, column in named.items() if isinstance(column, str)}

    @classmethod
    def row_problems(cls, options: Mapping[str, Any], table: Table, file: str) -> Iterator[Problem]:
        """Decisions, scores and outcomes that are no such values, and declared ones that never occur."""
        label, score, favourable = options.get("label"), options.get("score"), options.get("favourable")
        if score is not None and score in table:
            yield from _wrong(lambda: numbers_of(table, score, what=f"target.score: {file}"))
        try:
            column, at_least, number = _decision(options["decision"])
            if column not in table:
                return
            if number:
                yield from _wrong(lambda: numbers_of(table, column, what=f"target.decision: {file}"))
                return
            found = _decisions(table, column, at_least, file)
        except UsageError as error:
            yield Problem.of(error)
            return
        if favourable is not None:
            yield from _wrong(lambda: _favourable(favourable, found, column, file))
        if label is None or label in table:
            yield from _wrong(lambda: _detected(options, table, found, column, file))

    def table(self) -> Table:
        """The rows of the log."""
        return self._table

    @classmethod
    def answers_only(cls, options: Mapping[str, Any]) -> frozenset[Capability] | None:
        """What was recorded, which is of rows."""
        return cls.capabilities

    def identity(self) -> Mapping[str, Any]:
        """The digest of the file, and how its columns were read."""
        return {
            "file": self._file,
            "sha256": self._digest,
            "decision": self._column,
            "at_least": self._at_least,
            "favourable": self._favourable,
            "detected": sorted(self._detected),
            **({"number": True} if self._number else {}),
            "score": self._score,
            "rows": len(self._table),
        }

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """What the log records of each row."""
        return [self._recorded(request) for request in requests]

    def _recorded(self, request: Request) -> Response:
        if why := unable(self, request) or self._foreign(request.table):
            return Response(error=why)
        table = request.table
        chosen = table[self._column]
        if self._number:
            return Response(outputs=np.asarray(chosen, dtype=np.float64)[:, None], labels=self.labels)
        parts = [self._is(chosen, {self._favourable}), self._is(chosen, self._detected)]
        columns = [part.astype(np.float64) for part in parts]
        if self._score is not None:
            columns.append(np.asarray(table[self._score], dtype=np.float64))
        return Response(outputs=np.column_stack(columns), labels=self.labels)

    def _is(self, chosen: Column, values: Collection[str]) -> Bools:
        """Which decisions are one of ``values``."""
        if self._at_least is not None:
            high = chosen >= self._at_least
            return (high & ("1" in values)) | (~high & ("0" in values))
        wanted = [float(value) for value in values] if chosen.dtype.kind == "f" else sorted(values)
        return np.isin(chosen, wanted)

    def _foreign(self, table: Table) -> str | None:
        """Why these rows are not all rows of the log, compared over every column asked; None where they are."""
        absent = [name for name in self.features if name not in table]
        unknown = [name for name in table if name not in self._table]
        if absent or unknown:
            return f"a log answers for its own rows only: column {(absent or unknown)[0]!r} is not in both"
        if len(table) == len(self._table) and all(np.array_equal(table[name], self._table[name]) for name in table):
            return None
        names = tuple(table)
        if names not in self._rows:
            self._rows[names] = set(_tuples(self._table, names))
        row = next((i for i, row in enumerate(_tuples(table, names)) if row not in self._rows[names]), None)
        return None if row is None else f"input {row + 1}: a log answers for its own rows only, and holds none like it"


def _wrong(check: Callable[[], object]) -> Iterator[Problem]:
    """What ``check`` raises."""
    try:
        check()
    except DataError as error:
        yield Problem.of(error)


def _decisions(table: Table, column: str, at_least: float | None, file: str) -> list[str]:
    """The decisions that occur."""
    what = f"target.decision: {file}"
    if at_least is not None:
        return [str(int(high)) for high in np.unique(numbers_of(table, column, what=what) >= at_least)]
    return distinct_of(outcomes_of(table, column, what=what))


def _favourable(favourable: object, found: Sequence[str], column: str, file: str) -> str:
    value = spelled(favourable, found)
    if value not in found:
        raise DataError(
            f"target.favourable: {file}: the favourable decision {value!r} never occurs in column {column!r}",
            remedy=f"found: {_shown(found)}",
        )
    return value


def _detected(
    options: Mapping[str, Any], table: Table, found: Sequence[str], column: str, file: str
) -> frozenset[str] | None:
    """The decisions that say "positive"; None where neither ``detected`` nor a label says which."""
    label, positive, detected = (options.get(key) for key in ("label", "positive", "detected"))
    if detected is not None:
        value = spelled(detected, found)
        if value not in found:
            raise DataError(
                f"target.detected: {file}: the detected decision {value!r} never occurs in column {column!r}",
                remedy=f"found: {_shown(found)}",
            )
        return frozenset({value})
    if label is None:
        return None
    outcomes = distinct_of(outcomes_of(table, label, what=f"target.label: {file}"))
    value = spelled("1" if positive is None else positive, outcomes)
    if value not in outcomes:
        raise DataError(
            f"target.positive: {file}: the positive value {value!r} never occurs in column {label!r}",
            remedy=f"declare target.positive; found: {_shown(outcomes)}",
        )
    says = spelled(value, found)
    if says not in found and not set(found) <= set(outcomes):
        raise DataError(
            f"target.detected: {file}: decisions ({_shown(found)}) and outcomes ({_shown(outcomes)}) have other words",
            remedy="declare target.detected, the decision that says the positive outcome is expected",
        )
    return frozenset({says} & set(found))


class _Decided(NamedTuple):
    """The column of the decision, where a number becomes one, and whether the number is what was decided."""

    column: str
    at_least: float | None = None
    number: bool = False


def _decision(decision: str | Mapping[str, Any]) -> _Decided:
    if isinstance(decision, str):
        return _Decided(decision)
    keys = set(decision)
    if keys == {"number"}:
        return _Decided(str(decision["number"]), number=True)
    at_least = decision.get("at_least")
    if keys != {"column", "at_least"} or isinstance(at_least, bool) or not isinstance(at_least, int | float):
        raise UsageError(
            "target.decision: expected a column, or {column: NAME, at_least: NUMBER}, or {number: NAME}",
            remedy=f"got {dict(decision)}",
        )
    return _Decided(str(decision["column"]), float(at_least))


def _tuples(table: Table, names: Sequence[str]) -> zip[tuple[object, ...]]:
    return zip(*(table[name].tolist() for name in names), strict=True)


def _shown(values: Sequence[str]) -> str:
    return ", ".join(values[:10]) + (", ..." if len(values) > 10 else "")
