"""Checking rows: what is wrong with them, and with what a plan declares of them, before anybody is asked about one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from probandum.columns import stated, weights_of
from probandum.errors import DataError, MissingDependency
from probandum.evidence import Table
from probandum.keywords import Facts, Place, fitting, wrong_keywords
from probandum.matching import group_problems, make_groupings, occurring, positive_among, with_outcome
from probandum.plan import Plan
from probandum.plan_checks import Problem as Located
from probandum.tables import missing_column, read_columns, read_header
from probandum.target import Problem, Target, TargetContext

#: Keys of a target that name the columns of what a recorded system answered.
_ANSWERS = ("decision", "score")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """The file of the rows, the place where the plan names it, and every column that the plan names, by place."""

    path: Path
    at: Place
    columns: Mapping[Place, str]

    @property
    def part(self) -> str:
        """The part of the plan that the file belongs to: data, or a target that brings its own rows."""
        return str(self.at[0])

    @classmethod
    def of(cls, plan: Plan, target: type[Target]) -> _Rows | None:
        """None where the plan names no rows."""
        data, options = plan.file.data, fitting(target, plan.target_options, skip=1)
        columns: dict[Place, str | None] = {}
        if data is not None:
            path, at = plan.resolve(data.path), ("data", "path")
            columns |= {("data", "label"): data.label, ("data", "id"): data.id}
            columns |= {("data", "weight"): data.weight, ("data", "cluster"): data.cluster}
            columns |= {("data", "features", index): name for index, name in enumerate(data.features)}
        elif (named := target.named_columns(options)) and isinstance(options.get("path"), str):
            path, at = plan.resolve(options["path"]), ("target", "path")
            columns |= {("target", *place): name for place, name in named.items()}
        else:
            return None
        for name, group in plan.file.groups.items():
            columns[("groups", name) if group.column is None else ("groups", name, "column")] = group.column or name
        return cls(path=path, at=at, columns={place: name for place, name in columns.items() if name is not None})


def missing_columns(plan: Plan, target: type[Target]) -> Iterator[Located]:
    """What is wrong with the file of the rows, by its header alone: missing, empty, or without a column of the plan."""
    rows = _Rows.of(plan, target)
    if rows is None:
        return
    try:
        header = read_header(rows.path)
    except (DataError, MissingDependency) as error:
        yield rows.at, "; ".join(error.lines())
        return
    options = fitting(target, plan.target_options, skip=1)
    taken = rows.columns if rows.part == "data" or "columns" not in options else target.named_columns(options)
    for place, column in rows.columns.items():
        if (text := missing_column(column, header)) is not None:
            yield place, text
        elif column not in taken.values():
            yield place, f"target.columns leaves out the column {column!r}; add it there, or leave target.columns out"


def facts_of(plan: Plan, target: type[Target] | None) -> Facts:
    """What the plan shows of the system and its rows, which options of suites are held against.

    What is wrong with the file of the rows itself :func:`missing_columns` tells.
    """
    features, attributes = plan.features, tuple(plan.groups)
    holding = {group.column: name for name, group in plan.file.groups.items() if group.column is not None}
    if target is None:
        return Facts(features=features, attributes=attributes, holding=holding)
    options = fitting(target, plan.target_options, skip=1)
    return Facts(
        features=features,
        attributes=attributes,
        holding=holding,
        answered=tuple(name for place, name in target.named_columns(options).items() if place[0] in _ANSWERS),
        unread=_unread(plan, target, options),
        answers=target.answers_only(options),
        target=plan.target_type,
    )


def _unread(plan: Plan, target: type[Target], options: Mapping[str, Any]) -> Callable[[str], str | None]:
    """Why a column of the rows is not read, None where it is, or where nobody can say."""
    rows = _Rows.of(plan, target)
    try:
        header = None if rows is None else read_header(rows.path)
    except (DataError, MissingDependency):
        header = None
    if rows is None or header is None:
        return lambda column: None
    all_of_them = rows.part == "target" and "columns" not in options

    def why(column: str) -> str | None:
        text = missing_column(column, header)
        if text is None and not all_of_them and column not in rows.columns.values():
            where = "target.columns" if rows.part == "target" else "data.features"
            return f"{rows.path.name} has a column {column!r}, and it is not read; name it under {where} or groups"
        return text

    return why


def row_problems(plan: Plan, target: type[Target]) -> Iterator[Located]:
    """What the rows themselves show, one problem a place; what :func:`missing_columns` tells is left to it."""
    rows = _Rows.of(plan, target)
    if rows is None:
        return
    try:
        header = read_header(rows.path)
        named = [name for name in rows.columns.values() if name in header]
        table, unsound = read_columns(rows.path, columns=named, kept=plan.kept) if named else (Table({}), {})
    except MissingDependency:
        return
    except DataError as error:
        yield rows.at, "; ".join(error.lines())
        return
    places = {column: place for place, column in reversed(list(rows.columns.items()))}
    found: dict[Place, str] = {places[column]: "; ".join(error.lines()) for column, error in unsound.items()}
    for place, text in (*_own(plan, target, rows, table), *_declared(plan, target, rows.part, table)):
        found.setdefault(place, text)
    yield from found.items()


def _own(plan: Plan, target: type[Target], rows: _Rows, table: Table) -> Iterator[Located]:
    """What a target says of rows that it brings itself."""
    options = plan.target_options
    if rows.part == "target" and not any(wrong_keywords(target, options, skip=1)):
        for place, text in target.row_problems(options, table, rows.path.name):
            yield ("target", *place), text


def _declared(plan: Plan, target: type[Target], part: str, table: Table) -> Iterator[Located]:
    """What the plan declares of rows and does not find in them; a column that the table lacks has been told."""
    label, row_id, decision = plan.label, plan.row_id, plan.decision
    if row_id is not None and row_id in table:
        yield from _raised(lambda: stated(table, row_id, what=f"{part}.id"), part)
    weight, cluster = plan.weight, plan.cluster
    if weight is not None and weight in table:
        yield from _raised(lambda: weights_of(table, weight, what=f"{part}.weight"), part)
    if cluster is not None and cluster in table:
        yield from _raised(lambda: stated(table, cluster, what=f"{part}.cluster"), part)
    if label is not None and label in table:
        yield from _raised(lambda: with_outcome(table, label, decision, part=part), part)
    options = fitting(target, plan.target_options, skip=1)
    classes, where = _classes(plan, target, options), "the model's classes"
    if part == "data" and decision is not None and classes and target.gives_probabilities(options):
        yield from _raised(lambda: occurring("decision.favourable", decision.favourable, classes, where), "decision")
        yield from _raised(lambda: positive_among("data.positive", decision, classes, where), "data")
    for name, spec in plan.groups.items():
        if str(spec.get("column", name)) in table and not any(group_problems(spec)):
            yield from _raised(partial(make_groupings, {name: spec}, table), "groups", name)


def _classes(plan: Plan, target: type[Target], options: Mapping[str, Any]) -> list[str]:
    """What the model's classes are called: as the plan says, or as its file shows; none where neither does."""
    if labels := options.get("labels"):
        return [str(each) for each in labels]
    if plan.decision is None or plan.decision.numeric or any(wrong_keywords(target, plan.target_options, skip=1)):
        return []
    try:
        return list(target.own_classes(options, TargetContext(folder=plan.folder)))
    except (DataError, OSError):  # the check of the target's files says so
        return []


def _raised(check: Callable[[], object], *part: str) -> Iterator[Located]:
    """What ``check`` raises about a part of the plan."""
    try:
        check()
    except DataError as error:
        place, text = Problem.of(error, ".".join(part))
        yield (*part, *place), text
