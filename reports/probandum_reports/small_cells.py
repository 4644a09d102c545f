"""Which figures are withheld because they would show, or give away, a cell of fewer than ten persons.

Published tables leave out cells of fewer than ten persons and one complementary cell, since a single hole in
a table whose total is known is no hole. The record keeps every cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from probandum.dossier import Dossier
from probandum.finding import Finding

#: A convention of this toolkit; no law sets the number.
FEWEST = 10

#: What a rate is counted over: those with either outcome, those with either decision, or everybody.
_OVER = {
    "tpr": "outcome",
    "fnr": "outcome",
    "fpr": "outcome",
    "tnr": "outcome",
    "ppv": "decision",
    "npv": "decision",
    "selection": "everybody",
    "impact": "everybody",
}


@dataclass(frozen=True, slots=True)
class _Cell:
    """One group of persons, as one kind of rate counts it, in one table."""

    table: tuple[str, ...]
    group: str


def small_cells(dossier: Dossier) -> Mapping[str, bool]:
    """The ids of the findings to withhold: True where a group is small, False where it would give one away.

    Only groups of persons count: attributes that the plan declares for the rows under audit, and their
    intersections. A comparison is withheld where either of its groups is.
    """
    declared = frozenset(dossier.plan.get("ask", {}).get("groups") or ())
    personal = [
        finding
        for finding in dossier.findings
        if finding.groups is not None and set(finding.groups.attribute.split("*")) <= declared
    ]
    sizes: dict[_Cell, int] = {}
    for finding in personal:
        for cell, size in _sizes(finding):
            sizes[cell] = min(size, sizes.get(cell, size))
    small = {cell for cell, size in sizes.items() if size < FEWEST}
    telling = set(_complements(sizes, small))
    cells = {finding.id: {_cell(finding, group) for group in _compared(finding)} for finding in personal}
    return {name: bool(compared & small) for name, compared in cells.items() if compared & (small | telling)}


def _complements(sizes: dict[_Cell, int], withheld: set[_Cell]) -> Iterable[_Cell]:
    """The smallest other cell of each table in which exactly one is withheld."""
    for table in sorted({cell.table for cell in withheld}):
        holes = [cell for cell in withheld if cell.table == table]
        others = [cell for cell in sizes if cell.table == table and cell not in withheld]
        if len(holes) == 1 and others:
            yield min(others, key=lambda cell: (sizes[cell], cell.group))


def _sizes(finding: Finding) -> Iterable[tuple[_Cell, int]]:
    """The persons behind each group of a finding, as far as it tells: of a pair without counts at most its n."""
    compared = _compared(finding)
    estimate = finding.estimate
    if estimate.counts is not None and estimate.method != "tango" and len(estimate.counts) == len(compared):
        sizes = [trials for _, trials in estimate.counts]
    elif estimate.value is None and estimate.n == 0:
        sizes = []
    else:
        sizes = [estimate.n] * len(compared)
    return [(_cell(finding, group), size) for group, size in zip(compared, sizes, strict=False)]


def _compared(finding: Finding) -> list[str]:
    assert finding.groups is not None
    pair = [finding.groups.group, finding.groups.reference]
    return [group for group in pair if group is not None]


def _cell(finding: Finding, group: str) -> _Cell:
    assert finding.groups is not None
    stem = finding.metric.rpartition("/")[2].partition("-")[0]
    over = _OVER.get(stem, finding.metric)
    facets = tuple(f"{key}={value}" for key, value in sorted(finding.facets.items()))
    return _Cell(table=(finding.groups.attribute, over, *facets), group=group)
