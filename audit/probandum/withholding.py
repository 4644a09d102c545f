"""Withholding: which figures would show, or give away, fewer than ten persons, and what stands in their place.

Published tables leave out cells of fewer than ten persons and one complementary cell, since a single hole in
a table whose total is known is no hole. The record keeps every cell, and the terminal prints it. Whatever leaves the
machine follows this rule: documents, comparisons, the files that CI services read, and test reports.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from probandum.comparison import Change, Comparison
from probandum.finding import Estimate, Finding, Groups, SubReason

#: A convention of this toolkit; no law sets the number.
FEWEST = 10

#: What stands where a figure about fewer than ten persons would stand, and where one that gives it away would.
WITHHELD = "fewer than 10 persons, not shown"
WITHHELD_TOO = "not shown, since it would give away a smaller group"

#: What a rate is counted over: those with either outcome, those with either decision, or everybody; and who they are.
_OVER = {
    "tpr": ("outcome", "positives"),
    "fnr": ("outcome", "positives"),
    "fpr": ("outcome", "negatives"),
    "tnr": ("outcome", "negatives"),
    "equalized": ("outcome", "positives"),
    "cost": ("outcome", "positives"),
    "ppv": ("decision", "favoured"),
    "npv": ("decision", "others"),
    "selection": ("everybody", "everybody"),
    "impact": ("everybody", "everybody"),
    **dict.fromkeys(
        (
            "shrunk",
            "probability",
            "lowest",
            "highest",
            "auc",
            "xauc",
            "calibration",
            "recalibration",
            "debiased",
            "predicted",
            "observed",
            "scoring",
            "mean",
            "error",
            "mae",
            "rmse",
            "quantile",
            "difference",
            "cohens",
            "ks",
            "exposure",
            "top",
            "pool",
        ),
        ("everybody", "everybody"),
    ),
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


def withheld(findings: Iterable[Finding], attributes: Iterable[str]) -> Mapping[str, str]:
    """What stands in place of each figure that is withheld, by finding id; the others are absent.

    Only groups of persons count: ``attributes`` that the plan declares for the rows under audit, and their
    intersections. A comparison is withheld where either of its groups is.
    """
    figures = [
        _Figure(each.id, each.metric, each.groups, each.facets, each.estimate)
        for each in findings
        if each.groups is not None
    ]
    return _withheld(figures, attributes)


def told(findings: Sequence[Finding], attributes: Iterable[str]) -> tuple[Finding, ...]:
    """``findings`` as they may be told beyond this machine, in their order: withheld ones without a figure."""
    words = withheld(findings, attributes)
    return tuple(_without_figures(each, words[each.id]) if each.id in words else each for each in findings)


def hidden(estimate: Estimate) -> bool:
    """Whether an estimate stands in place of one that is withheld."""
    return estimate.value is None and estimate.why in (WITHHELD, WITHHELD_TOO)


def _without_figures(finding: Finding, words: str) -> Finding:
    """Verdict, limit as declared, and waiver stay; how many persons there are, or would be needed, goes."""
    limit = finding.limit
    if limit is not None and limit.applied:
        limit = replace(limit, effective=limit.threshold, lower=None, upper=None, p_fail=None, p_adjusted=None)
    return replace(
        finding,
        estimate=Estimate.missing(words, unit=finding.estimate.unit),
        limit=limit,
        why=f"not comparable: {words}" if finding.sub_reason is SubReason.NOT_COMPARABLE else words,
        detectable=None,
        n_needed=None,
        evidence=(),
    )


def published(comparison: Comparison) -> Comparison:
    """A comparison as documents may print it: without what would show, or give away, a small group of persons."""
    figures = [
        _Figure(each.of, f"{each.probe}/{each.metric}", each.groups, each.facets, each.estimate)
        for each in comparison.changes
        if each.groups is not None
    ]
    words = _withheld(figures, comparison.attributes)
    return replace(
        comparison,
        changes=tuple(_hushed(each, words[each.of]) if each.of in words else each for each in comparison.changes),
    )


def _hushed(change: Change, words: str) -> Change:
    return replace(change, base=None, new=None, estimate=Estimate.missing(words, unit=change.estimate.unit))


def _withheld(figures: Iterable[_Figure], attributes: Iterable[str]) -> Mapping[str, str]:
    """By id, what stands in place of a figure about few persons, or of one that would give some away."""
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
    holes = small | set(_complements(sizes, small))
    about = {figure.id: [_counted(figure, group) for group in _compared(figure)] for figure in personal}
    few = {
        name: any(each.cell in small and counted.get(each, 0) < FEWEST for each in compared)
        for name, compared in about.items()
        if any(each.cell in holes for each in compared)
    }
    return {name: WITHHELD if fewer else WITHHELD_TOO for name, fewer in few.items()}


def _complements(sizes: dict[_Cell, int], small: set[_Cell]) -> Iterable[_Cell]:
    """The smallest other cell of each table in which exactly one is small."""
    for table in sorted({cell.table for cell in small}):
        holes = [cell for cell in small if cell.table == table]
        others = [cell for cell in sizes if cell.table == table and cell not in small]
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
