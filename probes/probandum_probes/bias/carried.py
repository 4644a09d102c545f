"""Features, those of them that carry an attribute, and rows whose attribute is changed in these and in nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

import numpy as np

from probandum.errors import DataError
from probandum.evidence import Column, Table
from probandum.gaps import absent
from probandum.keywords import Distinct
from probandum.plan_names import Names
from probandum.subject import Bools, Grouping, Subject, as_text

#: The features that carry attributes, by attribute, as a plan names them.
Carriers = Mapping[
    Annotated[str, Names("attribute")], Annotated[Sequence[Annotated[str, Names("feature")]], Distinct()]
]


def features_of(subject: Subject) -> tuple[str, ...]:
    """What a system may look at: its features, else every column that says none of what is declared of the rows.

    >>> rows = Table({"debt": np.ones(2), "w": np.ones(2), "repaid": np.ones(2)})
    >>> features_of(Subject(table=rows, label="repaid", weight="w"))
    ('debt',)
    """
    apart = {subject.label, subject.row_id, subject.weight, subject.cluster, *subject.answers}
    return subject.features or tuple(name for name in subject.table if name not in apart)


def carriers(subject: Subject, grouping: Grouping) -> tuple[str, ...]:
    """The features that carry an attribute: those that bear its name or are told apart by its groups.

    A feature does where it has one value in each group and not the same in all (a code, an indicator), or is a number
    whose ranges in the groups do not overlap (an age behind age bands).

    >>> rows = Table({"female": np.array([1.0, 1.0, 0.0, 0.0]), "debt": np.array([1.0, 3.0, 2.0, 4.0])})
    >>> sex = Grouping(attribute="sex", codes=np.array([0, 0, 1, 1]), names=("F", "M"))
    >>> carriers(Subject(table=rows), sex)
    ('female',)
    """
    features = features_of(subject)
    sides = [rows for index in range(len(grouping.names)) if (rows := grouping.codes == index).any()]
    if len(sides) < 2:
        return tuple(name for name in features if name == grouping.attribute)
    return tuple(name for name in features if name == grouping.attribute or _told_apart(subject.table[name], sides))


def named_carriers(
    subject: Subject, grouping: Grouping, columns: Mapping[str, Sequence[str]], *, what: str
) -> tuple[str, ...]:
    """The features that ``columns`` says carry an attribute, else :func:`carriers`.

    ``what`` begins the DataError about an attribute that is not declared, or a feature that the model does not take.
    """
    unknown = next((name for name in columns if name not in subject.groupings), None)
    if unknown is not None:
        raise DataError(f"{what}.{unknown}: no such attribute", remedy=f"found: {', '.join(subject.groupings)}")
    features = features_of(subject)
    named = columns.get(grouping.attribute)
    foreign = next((name for name in named or () if name not in features), None)
    if foreign is not None:
        raise DataError(
            f"{what}.{grouping.attribute}: {foreign!r} is no feature of the model",
            remedy=f"found: {', '.join(features)}",
        )
    return carriers(subject, grouping) if named is None else tuple(named)


def _told_apart(column: Column, sides: Sequence[Bools]) -> bool:
    values = [np.unique(column[rows]) for rows in sides]
    if all(len(each) == 1 for each in values):
        return len(np.unique(np.concatenate(values))) > 1
    stated = [each[~absent(each)] for each in values]
    if column.dtype.kind not in "fiub" or not all(len(each) for each in stated):
        return False
    spans = sorted((each[0], each[-1]) for each in stated)
    return all(low[1] < high[0] for low, high in itertools.pairwise(spans))


def typical(column: Column, rows: Bools) -> Any:
    """What a group has in a column: its one value, else the lower median of its numbers, or the most frequent text.

    >>> float(typical(np.array([1.0, 2.0, 5.0, 9.0]), np.ones(4, dtype=bool)))
    2.0
    """
    found = column[rows]
    if column.dtype.kind in "fiub":
        stated = found[~absent(found)]
        return np.sort(stated)[(len(stated) - 1) // 2] if len(stated) else np.nan
    values, counts = np.unique(as_text(found), return_counts=True)
    return values[counts.argmax()]


def all_as(subject: Subject, grouping: Grouping, group: int, columns: Sequence[str]) -> Subject:
    """The rows, those outside a group with what is typical of it in ``columns``; its own stay as they are."""
    inside = grouping.codes == group
    changed: dict[str, Column] = dict(subject.table.columns)
    for name in columns:
        value = typical(changed[name], inside)
        changed[name] = np.where(inside, changed[name], value)
    return replace(subject, table=Table(changed))
