"""Rows counted by group and by what was decided and turned out: one table an attribute, and the rates it holds.

A table has the shape (groups, 8): a cell says whether the decision was favourable, whether it said "positive",
and whether the label is positive.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from probandum.errors import DataError, TargetError
from probandum.evidence import Capability, Request, Response
from probandum.finding import Groups
from probandum.matching import MOST_WITHOUT_REFERENCE
from probandum.probe import Ask
from probandum.row_items import Counted, Form
from probandum.subject import UNKNOWN, Grouping, Outcomes, Subject
from probandum.units import so_many

#: The fewest rows, positives or negatives of a group that allow a verdict, and the fewest expected of a decision.
SMALLEST_GROUP = 30
SMALLEST_EXPECTED = 5
#: Predictive values rest on a part of the group that the system itself chose, so the group must be larger.
SMALLEST_FOR_PRECISION = 100

Mask = npt.NDArray[np.bool_]
Cells = npt.NDArray[np.int64]
Pair = tuple[tuple[int, int], tuple[int, int]]

#: Rows counted at once.
_ROWS_AT_ONCE = 65536

#: The column of row items that holds the cell a row fell into; no attribute has an empty name.
OUTCOME = ""
_FAVOURABLE, _DETECTED, _POSITIVE = ((np.arange(8) >> shift) % 2 == 1 for shift in (2, 1, 0))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rate:
    """A share ``events / trials``, both as cells of the table; ``trials`` are counted in ``unit``.

    ``gap`` and ``ratio`` name the metrics that compare it between groups; empty where it is compared under another
    name. ``others``: what the rows are called that the trials leave out, where a verdict needs enough of these, too.
    """

    name: str
    gap: str = ""
    ratio: str = ""
    events: Mask
    trials: Mask
    unit: str
    others: str = ""

    def counts(self, cells: Cells) -> Cells:
        """Events and trials, shape (groups, 2), of a table of shape (groups, 8)."""
        return np.stack([cells[:, self.events & self.trials].sum(axis=1), cells[:, self.trials].sum(axis=1)], axis=1)


SELECTION = Rate(
    name="selection-rate",
    gap="selection-difference",
    ratio="impact-ratio",
    events=_FAVOURABLE,
    trials=np.full(8, True),
    unit="rows",
)
PRECISION = Rate(
    name="ppv", gap="ppv-difference", ratio="ppv-ratio", events=_POSITIVE, trials=_DETECTED, unit="rows found positive"
)
NEGATIVE_PRECISION = Rate(
    name="npv",
    gap="npv-difference",
    ratio="npv-ratio",
    events=~_POSITIVE,
    trials=~_DETECTED,
    unit="rows found negative",
)
TRUE_POSITIVES = Rate(
    name="tpr",
    gap="tpr-difference",
    ratio="tpr-ratio",
    events=_DETECTED,
    trials=_POSITIVE,
    unit="positives",
    others="negatives",
)
FALSE_POSITIVES = Rate(
    name="fpr",
    gap="fpr-difference",
    ratio="fpr-ratio",
    events=_DETECTED,
    trials=~_POSITIVE,
    unit="negatives",
    others="positives",
)
FALSE_NEGATIVES = Rate(name="fnr", events=~_DETECTED, trials=_POSITIVE, unit="positives")
#: Decisions that the label contradicts, among all rows.
ERRORS = Rate(name="error-rate", events=_DETECTED ^ _POSITIVE, trials=np.full(8, True), unit="rows")

RATES = (SELECTION, TRUE_POSITIVES, FALSE_POSITIVES, FALSE_NEGATIVES, PRECISION, NEGATIVE_PRECISION)
#: The gap in false negative rates is the one in true positive rates with its sign turned, and not judged twice.
COMPARED = (SELECTION, TRUE_POSITIVES, FALSE_POSITIVES, PRECISION, NEGATIVE_PRECISION)
#: Rates that rest on a part of the group which the system itself chose.
_CHOSEN = (PRECISION, NEGATIVE_PRECISION)


def chosen_by_system(rate: Rate) -> bool:
    """Whether a rate rests on a part of the group which the system itself chose.

    >>> chosen_by_system(PRECISION), chosen_by_system(SELECTION)
    (True, False)
    """
    return rate in _CHOSEN


def count(grouping: Grouping, outcomes: Outcomes) -> Cells:
    """Rows by group and cell, shape (groups, 8); rows without labels count as negative.

    >>> three = Grouping(attribute="sex", codes=np.array([0, 0, 1]), names=("F", "M"))
    >>> granted = np.array([True, False, True])
    >>> SELECTION.counts(count(three, Outcomes(favourable=granted, detected=~granted))).tolist()
    [[1, 2], [1, 1]]
    """
    cells = np.zeros(8 * len(grouping.names), dtype=np.int64)
    of_rows = cell_of(outcomes)
    for start in range(0, len(of_rows), _ROWS_AT_ONCE):  # so that no row costs more than the byte of its cell
        part = slice(start, start + _ROWS_AT_ONCE)
        cells += np.bincount(8 * grouping.codes[part] + of_rows[part], minlength=len(cells))
    return cells.reshape(-1, 8)


def cell_of(outcomes: Outcomes) -> npt.NDArray[np.uint8]:
    """The cell of every row, shape (rows,)."""
    cell = 4 * outcomes.favourable.astype(np.uint8)
    cell += 2 * outcomes.detected.astype(np.uint8)
    if outcomes.positive is not None:
        cell += outcomes.positive
    return cell


def counted(form: Form, rate: Rate, grouping: Grouping, *groups: int) -> Counted:
    """What a rate, or a comparison of two groups, counts in the column ``OUTCOME`` of the row items."""
    return Counted(
        form=form,
        column=OUTCOME,
        events=tuple(np.flatnonzero(rate.events).tolist()),
        trials=tuple(np.flatnonzero(rate.trials).tolist()),
        sides=tuple(grouping.place(group) for group in groups),
    )


def too_small(rate: Rate, names: Sequence[str], pair: Pair, rows: Sequence[int]) -> str | None:
    """Why two groups do not allow a verdict on their gap in ``rate``; None where they do.

    ``pair``: events and trials of group and reference; ``rows``: all their rows.

    >>> too_small(SELECTION, ["A", "B"], ((9, 29), (30, 90)), (29, 90))
    'A has 29 rows; a verdict needs 30'
    """
    for name, (_, trials), size in zip(names, pair, rows, strict=True):
        if trials < SMALLEST_GROUP:
            return f"{name} has {so_many(trials, rate.unit)}; a verdict needs {SMALLEST_GROUP}"
        if rate.others and size - trials < SMALLEST_GROUP:
            return f"{name} has {so_many(size - trials, rate.others)}; a verdict needs {SMALLEST_GROUP}"
        if rate in _CHOSEN and size < SMALLEST_FOR_PRECISION:
            return f"{name} has {size} rows; a verdict on predictive values needs {SMALLEST_FOR_PRECISION}"
        if rate is SELECTION:
            pooled = (pair[0][0] + pair[1][0]) / (pair[0][1] + pair[1][1])
            for share, decision in ((pooled, "favourable"), (1 - pooled, "unfavourable")):
                if trials * share < SMALLEST_EXPECTED:
                    return (
                        f"{name} has {trials} rows, of which {trials * share:.1f} {decision} decisions are expected "
                        f"at the pair's rate; a verdict needs {SMALLEST_EXPECTED}"
                    )
    return None


def no_ratio(rate: Rate, reference: str) -> str:
    """Why a ratio to a group whose rate is 0 does not exist."""
    zero = f"nobody in {reference} was selected" if rate is SELECTION else f"the {rate.name} of {reference} is 0"
    return f"{zero}, so there is no ratio; the difference says what can be said"


def compared(grouping: Grouping, cells: Cells) -> list[tuple[int, int]]:
    """Which groups are compared with which: all with the declared reference, else every ordered pair.

    Rows that state no group are shown and compared with nobody; neither is a crossed group without rows.
    """
    shown = [i for i in present(grouping, cells) if UNKNOWN not in grouping.names[i].split("*")]
    if grouping.reference is None:
        return list(itertools.permutations(shown, 2))
    reference = grouping.names.index(grouping.reference)
    return [(group, reference) for group in shown if group != reference]


def once(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Each two groups once: what is said of one order is said of the other.

    >>> once([(0, 1), (1, 0), (1, 2)])
    [(0, 1), (1, 2)]
    """
    return [pair for place, pair in enumerate(pairs) if pair[::-1] not in pairs[:place]]


def present(grouping: Grouping, cells: Cells) -> list[int]:
    """The groups to speak of: all that were declared, and of crossed ones those that somebody is in."""
    crossed = "*" in grouping.attribute
    return [i for i, size in enumerate(cells.sum(axis=1)) if size > 0 or not crossed]


def stated(grouping: Grouping, sizes: npt.NDArray[np.int64]) -> list[int]:
    """The groups that somebody is in, and whose members state every attribute; ``sizes``: rows by group."""
    parts = grouping.parts or (grouping,)
    unknown = [{i for i, name in enumerate(part.names) if name == UNKNOWN} for part in parts]
    return [
        index
        for index in np.flatnonzero(sizes).tolist()
        if not any(code in none for code, none in zip(grouping.place(index).values(), unknown, strict=True))
    ]


def refuse_no_groups(subject: Subject) -> None:
    """DataError where the plan declares no groups."""
    if not subject.groupings:
        raise DataError("the plan declares no groups to compare", remedy="add groups: to the plan")


def decisions(ask: Ask) -> tuple[Subject, Response]:
    """The rows under audit and the system's answer to all of them; TargetError where one has none."""
    subject = ask.subject
    rows = subject.table.select(subject.features) if subject.features else subject.table
    (answer,) = ask([Request(kind=Capability.PREDICT, inputs=rows, keys=subject.keys())])
    if answer.error is not None or answer.outputs is None:
        raise TargetError(f"the system did not decide on the rows: {answer.error or 'its answer is empty'}")
    if answer.refused:
        raise TargetError(
            f"the system declined {len(answer.refused)} of {len(subject)} rows; "
            "rates over the others would not be rates of the groups"
        )
    return subject, answer


def crossings(subject: Subject, order: int) -> list[Grouping]:
    """The crossings of two and up to ``order`` declared attributes.

    DataError where one has more groups than are compared each with each, and not every attribute a reference.
    """
    declared = list(subject.groupings.values())
    crossed = [
        reduce(Grouping.cross, chosen)
        for size in range(2, min(order, len(declared)) + 1)
        for chosen in itertools.combinations(declared, size)
    ]
    for each in crossed:
        groups = len(stated(each, np.bincount(each.codes, minlength=len(each.names))))
        if each.reference is None and groups > MOST_WITHOUT_REFERENCE:
            lacking = [part.attribute for part in each.parts if part.reference is None]
            raise DataError(
                f"{each.attribute}: {groups} groups and no reference are {groups * (groups - 1):,} comparisons; at "
                f"most {MOST_WITHOUT_REFERENCE} groups are compared each with each",
                remedy=f"add {' and '.join(f'groups.{name}.reference' for name in lacking)}",
            )
    return crossed


def pair_of(rate: Rate, cells: Cells, group: int, reference: int) -> tuple[Pair, tuple[int, int]]:
    """Events and trials of a group and its reference, and the rows of both."""
    (x1, n1), (x2, n2) = rate.counts(cells[[group, reference]]).tolist()
    return ((x1, n1), (x2, n2)), (int(cells[group].sum()), int(cells[reference].sum()))


def groups_of(grouping: Grouping, group: int, reference: int) -> Groups:
    """One comparison by name."""
    return Groups(attribute=grouping.attribute, group=grouping.names[group], reference=grouping.names[reference])
