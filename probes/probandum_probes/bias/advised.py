"""Which groups of an attribute a remedy can be fitted to; the others are left out by name, with the reason."""

from __future__ import annotations

from collections.abc import Mapping

from probandum.subject import UNKNOWN, Bools, Grouping
from probandum.units import so_many
from probandum_probes.bias.counting import SMALLEST_GROUP, once
from probandum_probes.bias.scored import Scored, pairs_of
from probandum_probes.bias.tallies import Two
from probandum_probes.bias.weighted import persons_of


def left_out(found: Scored, grouping: Grouping, fit: Bools) -> dict[int, str]:
    """Why no remedy can be fitted to a group, by its place; groups that are not here have one.

    Each needs 30 rows, or persons, in both halves, and positives and negatives in the fitted one.
    """
    subject, standing = found.subject, found.subject.weights > 0
    who = "persons" if subject.design else "rows"
    told: dict[int, str] = {}
    for index, name in enumerate(grouping.names):
        inside = grouping.codes == index
        if name == UNKNOWN:
            continue
        for half, rows in (("fitted", fit), ("held-out", ~fit)):
            size = persons_of(subject, rows & inside)
            if size < SMALLEST_GROUP:
                told[index] = f"{name} has {so_many(size, who)} in the {half} half; it takes {SMALLEST_GROUP}"
                break
        labels = found.positive[fit & standing & inside]
        if index not in told and (labels.all() or not labels.any()):
            told[index] = f"all rows of {name} in the fitted half have the same label"
    return told


def advised_pairs(grouping: Grouping, out: Mapping[int, str]) -> list[Two]:
    """The comparisons of two groups that a remedy can be fitted to, each two once."""
    return [pair for pair in once(pairs_of(grouping)) if not set(pair) & set(out)]
