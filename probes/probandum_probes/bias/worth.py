"""What rows are worth: how many they are or, where the plan declares weights or persons, how many persons stand there.

Smallest numbers of scores and of strata count persons of equal weight (Kish 1965): a hundred persons of whom one
weighs as much as all others say hardly more than one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from probandum.subject import Bools, Grouping, Subject
from probandum.units import so_many
from probandum_probes.bias.scored import pairs_of
from probandum_probes.bias.tallies import Two
from probandum_probes.bias.weighted import persons_of

#: What rounding takes off a whole number of persons.
ROUNDING = 1e-9


class Worth(NamedTuple):
    """How many there are, and how many of equal weight say as much: (sum w)^2 / sum w^2 over persons."""

    n: int
    effective: float


def worth_of(subject: Subject, rows: Bools) -> Worth:
    """Of some rows: they themselves without a design, else the persons that they are about.

    >>> from probandum.evidence import Table
    >>> four = Subject(table=Table({"w": np.array([1.0, 3.0, 2.0, 0.0]), "who": np.array(["a", "b", "a", "c"])}))
    >>> worth_of(four, np.ones(4, dtype=bool))
    Worth(n=4, effective=4.0)
    >>> from dataclasses import replace
    >>> worth_of(replace(four, weight="w", cluster="who"), np.ones(4, dtype=bool))  # a and b with 3 each
    Worth(n=2, effective=2.0)
    """
    if not subject.design:
        n = int(rows.sum())
        return Worth(n, float(n))
    totals = np.bincount(subject.persons[rows], weights=subject.weights[rows])
    totals = totals[totals > 0]
    return Worth(len(totals), float(totals.sum() ** 2 / (totals**2).sum()) if len(totals) else 0.0)


def few(
    subject: Subject, name: str, rows: Bools, least: int, *, kind: str = "", needs: str = "a verdict needs"
) -> str | None:
    """Why a group's rows, perhaps of a ``kind`` such as positives, are worth too little; None where they are not."""
    n, effective = worth_of(subject, rows)
    what = kind or "rows"
    if subject.design:
        what = f"persons among the {kind}" if kind else "persons"
    if n < least:
        return f"{name} has {so_many(n, what)}; {needs} {least}"
    if effective < least - ROUNDING:
        return f"the {n} {what} of {name} are worth {effective:.1f} of equal weight; {needs} {least}"
    return None


def persons_compared(subject: Subject, groupings: list[Grouping]) -> int:
    """How many items all comparisons hold together: rows, or persons."""
    return sum(persons_of(subject, _both(grouping, pair)) for grouping in groupings for pair in pairs_of(grouping))


def _both(grouping: Grouping, pair: Two) -> Bools:
    return np.isin(grouping.codes, pair)
