"""Matching what a plan declares of rows with the rows themselves: groups, the outcome, the favourable decision."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from probandum.columns import MISSING, column_of, distinct_of, numbers_of, outcomes_of, stated, weights_of
from probandum.errors import DataError
from probandum.evidence import Table
from probandum.subject import UNKNOWN, Decision, Grouping, Subject, as_text, spelled
from probandum.units import counted

#: A column of more distinct values than this is no grouping; it wants bins, or is an identifier.
MOST_GROUPS = 100
#: Without a reference every ordered pair is compared: of more groups than this somebody has to say with whom.
MOST_WITHOUT_REFERENCE = 12


def group_problems(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with an attribute's bins, labels and reference whatever the rows: the key, and what to say of it.

    >>> list(group_problems({"bins": [0, 900], "labels": ["a", "b", "c"]}))
    [('labels', '3 labels for 1 interval; expected one each')]
    """
    bins, labels = spec.get("bins"), [str(label) for label in spec.get("labels") or ()]
    if bins is None:
        if labels:
            yield "labels", "labels name bins, and there are none; add bins, or leave labels away"
        return
    rising = len(bins) > 1 and all(low < high for low, high in itertools.pairwise(bins)) and np.isfinite(bins).all()
    if not rising:
        shown = ", ".join(as_text(np.asarray(bins, dtype=np.float64)).tolist())
        yield "bins", f"[{shown}] do not rise; expected at least two rising numbers"
    if twice := next((label for label in labels if labels.count(label) > 1), None):
        yield "labels", f"the label {twice!r} occurs twice; name each interval differently"
    intervals = len(bins) - 1
    if labels and rising and len(labels) != intervals:
        said = " for ".join([counted(len(labels), "label"), counted(intervals, "interval")])
        yield "labels", f"{said}; expected one each"
    names = labels or (_interval_names(bins) if rising else [])
    reference = spec.get("reference")
    if reference is not None and names and spelled(reference, names) not in names:
        yield "reference", f"{str(reference)!r} is not among the groups; found: {', '.join(names)}"


def make_groupings(groups: Mapping[str, Mapping[str, Any]], table: Table) -> dict[str, Grouping]:
    """One grouping an attribute, from ``{column, reference, bins, labels}``.

    Without ``bins`` the groups are the column's values in sorted order (numbers by size), and empty cells are
    the group "(not stated)", last, with any that say so in these words; a NaN that was written as a word is refused.
    With them the groups are the intervals, right-closed, the first one holding its lower edge too, named by ``labels``
    where given; an interval that no row falls into stays a group.
    DataError where a column, a reference or a row does not fit.

    >>> ages = Table({"age": np.array([25.0, 26.0, 0.0])})
    >>> make_groupings({"age": {"column": "age", "bins": [0, 25, 120]}}, ages)["age"].names
    ('0 to 25', 'over 25 to 120')
    """
    made = {}
    for attribute, spec in groups.items():
        what = f"groups.{attribute}"
        for key, text in group_problems(spec):
            raise DataError(f"{what}.{key}: {text}")
        name = str(spec.get("column") or attribute)
        column_of(table, name, what=what)
        if spec.get("bins") is None:
            names, codes = _by_value(what, name, table)
        else:
            names, codes = _by_bin(f"{what}.bins", name, table, spec["bins"], spec.get("labels"))
        reference = spec.get("reference")
        compared = len(set(names) - {UNKNOWN})
        if reference is None and compared > MOST_WITHOUT_REFERENCE:
            raise DataError(
                f"{what}: {compared} groups and no reference are {compared * (compared - 1):,} comparisons; "
                f"at most {MOST_WITHOUT_REFERENCE} groups are compared each with each",
                remedy=f"add {what}.reference, the group that the others are compared with, or give bins",
            )
        made[attribute] = Grouping(
            attribute=attribute,
            codes=codes,
            names=tuple(names),
            reference=None if reference is None else spelled(reference, names),
        )
    return made


def _by_value(what: str, name: str, table: Table) -> tuple[list[str], np.ndarray]:
    column = table[name]
    values = column.tolist()
    if column.dtype.kind == "f":
        numbers_of(table, name, what=what)
    elif (missing := np.isin(column, MISSING)).any():
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
    if names.count(UNKNOWN) == 2:  # a file that spells it out in places, and leaves cells empty in others
        spelled_out, last = names.index(UNKNOWN), len(names) - 1
        codes = np.where(codes == spelled_out, last, codes)
        codes, names = codes - (codes > spelled_out), [*names[:spelled_out], *names[spelled_out + 1 :]]
    return names, codes


def _by_bin(
    what: str, name: str, table: Table, bins: Sequence[float], labels: Sequence[str] | None
) -> tuple[list[str], np.ndarray]:
    edges = np.asarray(bins, dtype=np.float64)
    names = [str(label) for label in labels] if labels else _interval_names(bins)
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


def _interval_names(bins: Sequence[float]) -> list[str]:
    edges = as_text(np.asarray(bins, dtype=np.float64)).tolist()
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
    weight: str | None = None,
    cluster: str | None = None,
    gaps: Sequence[str] = (),
    part: str = "data",
) -> Subject:
    """The rows under audit with all that the plan declares of them; DataError where the two do not fit.

    ``classes`` are the class names of a model, where one decides: the favourable and the positive value must
    be among them. ``answers`` are columns that hold recorded answers; ``weight`` and ``cluster`` those of sampling
    weights and of persons, ``gaps`` those whose missing values go to the system. ``part`` of the plan names them.
    """
    for name in features:
        column_of(table, name, what=f"{part}.features")
    if row_id is not None:
        stated(table, row_id, what=f"{part}.id")
    if weight is not None:
        weights_of(table, weight, what=f"{part}.weight")
    if cluster is not None:
        stated(table, cluster, what=f"{part}.cluster")
    if label is not None:
        decision = with_outcome(table, label, decision, part=part)
    if decision is not None and classes and not decision.numeric:
        favourable = occurring("decision.favourable", decision.favourable, classes, "the model's classes")
        positive = positive_among(f"{part}.positive", decision, classes, "the model's classes")
        decision = replace(decision, favourable=favourable, positive=positive)
    return Subject(
        table=table,
        features=tuple(features),
        label=label,
        row_id=row_id,
        groupings=make_groupings(groups or {}, table),
        decision=decision,
        answers=tuple(answers),
        weight=weight,
        cluster=cluster,
        gaps=tuple(gaps),
    )


def with_outcome(table: Table, label: str, decision: Decision | None, *, part: str) -> Decision | None:
    """``decision`` with its positive value as the column ``label`` spells it; DataError where it never occurs there."""
    if decision is not None and decision.numeric:
        numbers_of(table, label, what=f"{part}.label")
        return decision
    found = distinct_of(outcomes_of(table, label, what=f"{part}.label"))
    if decision is None:
        return None
    positive = positive_among(f"{part}.positive", decision, found, f"the values of column {label!r}")
    return replace(decision, positive=positive)


def positive_among(what: str, decision: Decision, found: Sequence[str], where: str) -> str:
    """The positive value as ``found`` spells it; DataError where it is not there, who said so and how to say another.

    >>> positive_among("data.positive", Decision(favourable="yes", assumed=True), ["no", "yes"], "the classes")
    Traceback (most recent call last):
    probandum.errors.DataError: data.positive: not declared, and '1', which then counts, is not among the classes
    """
    try:
        return occurring(what, decision.positive, found, where)
    except DataError as error:
        if not decision.assumed:
            raise
        text = f"{what}: not declared, and {decision.positive!r}, which then counts, is not among {where}"
        remedy = f"declare {what}, the value that the system tries to detect; {error.remedy}"
        raise DataError(text, remedy=remedy) from None


def occurring(what: str, value: object, found: Sequence[str], where: str) -> str:
    """``value`` as ``found`` spells it; DataError where it is not there, since every rate would then be 0 or 1."""
    text = spelled(value, found)
    if text not in found:
        shown = ", ".join(found[:10]) + (", ..." if len(found) > 10 else "")
        raise DataError(f"{what}: {text!r} is not among {where}", remedy=f"found: {shown}")
    return text
