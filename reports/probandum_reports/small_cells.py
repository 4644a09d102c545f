"""Which figures are withheld because they would show, or give away, a cell of fewer than ten persons.

Published tables leave out cells of fewer than ten persons and one complementary cell, since a single hole in
a table whose total is known is no hole. The record keeps every cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from probandum.comparison import Change, Comparison
from probandum.dossier import Dossier
from probandum.finding import Estimate, Groups
from probandum_reports import saying

#: A convention of this toolkit; no law sets the number.
FEWEST = 10

#: What a rate is counted over: those with either outcome, those with either decision, or everybody; and who they are.
_OVER = {
    "tpr": ("outcome", "positives"),
    "fnr": ("outcome", "positives"),
    "fpr": ("outcome", "negatives"),
    "tnr": ("outcome", "negatives"),
    "ppv": ("decision", "favoured"),
    "npv": ("decision", "others"),
    "selection": ("everybody", "everybody"),
    "impact": ("everybody", "everybody"),
}

#: Methods whose counts are pairs that changed, and no events of trials.
_PAIRS = ("tango", "mcnemar-tango")


@dataclass(frozen=True, slots=True)
class _Cell:
    """One group of persons, as one kind of rate counts it, in one table."""

    table: tuple[str, ...]
    group: str


class _Counted(NamedTuple):
    """Those of a cell whom a figure is about: a group's positives and its negatives share one cell."""

    cell: _Cell
    who: str


class _Figure(NamedTuple):
    """What may tell of a cell: a finding, or a change."""

    id: str
    metric: str
    groups: Groups
    facets: Mapping[str, str]
    estimate: Estimate


def small_cells(dossier: Dossier) -> Mapping[str, bool]:
    """The ids of the findings to withhold: True where it is about few persons, False where it would give some away.

    Only groups of persons count: attributes that the plan declares for the rows under audit, and their
    intersections. A comparison is withheld where either of its groups is.
    """
    figures = [
        _Figure(each.id, each.metric, each.groups, each.facets, each.estimate)
        for each in dossier.findings
        if each.groups is not None
    ]
    return _withheld(figures, dossier.plan.get("ask", {}).get("groups") or ())


def published(comparison: Comparison) -> Comparison:
    """A comparison as documents may print it: without what would show, or give away, a small group of persons."""
    figures = [
        _Figure(each.of, f"{each.probe}/{each.metric}", each.groups, each.facets, each.estimate)
        for each in comparison.changes
        if each.groups is not None
    ]
    withheld = _withheld(figures, comparison.attributes)
    return replace(
        comparison,
        changes=tuple(
            _hidden(each, small=withheld[each.of]) if each.of in withheld else each for each in comparison.changes
        ),
    )


def _hidden(change: Change, *, small: bool) -> Change:
    why = saying.WITHHELD if small else saying.WITHHELD_TOO
    return replace(change, base=None, new=None, estimate=Estimate.missing(why, unit=change.estimate.unit))


def _withheld(figures: Iterable[_Figure], attributes: Iterable[str]) -> Mapping[str, bool]:
    """By id, whether a figure is about few persons (True) or would give some away (False); the others are absent."""
    declared = frozenset(attributes)
    personal = [figure for figure in figures if set(figure.groups.attribute.split("*")) <= declared]
    counted: dict[_Counted, int] = {}
    for figure in personal:
        for each, size in _sizes(figure):
            counted[each] = min(size, counted.get(each, size))
    sizes: dict[_Cell, int] = {}
    for each, size in counted.items():
        sizes[each.cell] = min(size, sizes.get(each.cell, size))
    small = {cell for cell, size in sizes.items() if size < FEWEST}
    hidden = small | set(_complements(sizes, small))
    about = {figure.id: [_counted(figure, group) for group in _compared(figure)] for figure in personal}
    return {
        name: any(each.cell in small and counted.get(each, 0) < FEWEST for each in compared)
        for name, compared in about.items()
        if any(each.cell in hidden for each in compared)
    }


def _complements(sizes: dict[_Cell, int], withheld: set[_Cell]) -> Iterable[_Cell]:
    """The smallest other cell of each table in which exactly one is withheld."""
    for table in sorted({cell.table for cell in withheld}):
        holes = [cell for cell in withheld if cell.table == table]
        others = [cell for cell in sizes if cell.table == table and cell not in withheld]
        if len(holes) == 1 and others:
            yield min(others, key=lambda cell: (sizes[cell], cell.group))


def _sizes(figure: _Figure) -> Iterable[tuple[_Counted, int]]:
    """The persons behind each group of a figure, as far as it tells: of a pair without counts at most its n."""
    compared = _compared(figure)
    estimate = figure.estimate
    if estimate.counts is not None and estimate.method == "paired-gap":
        sizes = [n for n, _ in estimate.counts[1::2]]
    elif estimate.counts is not None and estimate.method not in _PAIRS and len(estimate.counts) == len(compared):
        sizes = [trials for _, trials in estimate.counts]
    elif estimate.value is None and estimate.n == 0:
        sizes = []
    else:
        sizes = [estimate.n] * len(compared)
    return [(_counted(figure, group), size) for group, size in zip(compared, sizes, strict=False)]


def _compared(figure: _Figure) -> list[str]:
    pair = [figure.groups.group, figure.groups.reference]
    return [group for group in pair if group is not None]


def _counted(figure: _Figure, group: str) -> _Counted:
    metric = figure.metric.removesuffix("/change")  # a change tells as much of a cell as the quantity itself
    stem = metric.rpartition("/")[2].partition("-")[0]
    over, who = _OVER.get(stem, (metric, metric))
    facets = tuple(f"{key}={value}" for key, value in sorted(figure.facets.items()) if key != "baseline")
    return _Counted(cell=_Cell(table=(figure.groups.attribute, over, *facets), group=group), who=who)
