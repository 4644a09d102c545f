"""Withholding: which figures would show, or give away, fewer than ten persons, and what stands in their place.

Published tables leave out cells of fewer than ten persons and complementary cells, since a single hole in a line whose
total is known is no hole. Figures of all probes about the same persons make one table with its margins: an attribute's
groups are the margins of every crossing, and a stratum crosses what it is made of. The record keeps every cell, and the
terminal prints it. Whatever leaves the machine follows this rule: documents, comparisons, the files that CI services
read, and test reports.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from probandum.comparison import Change, Comparison
from probandum.finding import Estimate, Finding, Groups, SubReason
from probandum.suppressing import COMPARED, Cell, Size, suppressed

#: A convention of this toolkit; no law sets the number.
FEWEST = 10

#: What stands where a figure about fewer than ten persons would stand, and where one that gives it away would.
WITHHELD = "fewer than 10 persons, not shown"
WITHHELD_TOO = "not shown, since it would give away a smaller group"

_EVERYBODY = "everybody"
#: What decisions and outcomes make together: three of the rates over either of them give away the fourth.
_BOTH = "decision and outcome"

#: What a rate is counted over, everybody or those with one decision or outcome; and who they are.
_OVER = {
    "tpr": (_BOTH, "positives"),
    "fnr": (_BOTH, "positives"),
    "fpr": (_BOTH, "negatives"),
    "tnr": (_BOTH, "negatives"),
    "equalized": (_BOTH, "positives"),
    "cost": (_BOTH, "positives"),
    "ppv": (_BOTH, "favoured"),
    "npv": (_BOTH, "others"),
    **dict.fromkeys(
        (
            "selection",
            "impact",
            "crude",
            "adjusted",
            "stratum",
            "breslow",
            "woolf",
            "sign",
            "compared",
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
        (_EVERYBODY, _EVERYBODY),
    ),
}

#: Figures over those of a group alone who lie in strata that are compared.
_OF_COMPARED = ("crude", "adjusted", "stratum")

#: Methods whose counts are pairs that changed, and no events of trials.
_PAIRS = ("tango", "mcnemar-tango")


class _Place(NamedTuple):
    """One group of persons, as one kind of rate counts it, in one table."""

    table: tuple[str, ...]
    cell: Cell


class _Counted(NamedTuple):
    """Those of a cell whom a figure is about: a group's positives and its negatives share one cell."""

    place: _Place
    who: str


class Figure(NamedTuple):
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
        Figure(each.id, each.metric, each.groups, each.facets, each.estimate)
        for each in findings
        if each.groups is not None
    ]
    return withheld_figures(figures, attributes)


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
        Figure(each.of, f"{each.probe}/{each.metric}", each.groups, each.facets, each.estimate)
        for each in comparison.changes
        if each.groups is not None
    ]
    words = withheld_figures(figures, comparison.attributes)
    return replace(
        comparison,
        changes=tuple(_hushed(each, words[each.of]) if each.of in words else each for each in comparison.changes),
    )


def _hushed(change: Change, words: str) -> Change:
    return replace(change, base=None, new=None, estimate=Estimate.missing(words, unit=change.estimate.unit))


def withheld_figures(figures: Iterable[Figure], attributes: Iterable[str]) -> Mapping[str, str]:
    """By id, what stands in place of a figure about few persons, or of one that would give some away."""
    declared = frozenset(attributes)
    personal = [figure for figure in figures if set(figure.groups.attribute.split("*")) <= declared]
    naming = _Naming.of(personal, declared)
    counted: dict[_Counted, Size] = {}
    for figure in personal:
        for each, size in _sizes(figure, naming):
            counted[each] = _joined(size, counted.get(each))
    tables: dict[tuple[str, ...], dict[Cell, Size]] = {}
    for each, size in counted.items():
        table = tables.setdefault(each.place.table, {})
        table[each.place.cell] = _joined(size, table.get(each.place.cell))
    small = {_Place(name, cell) for name, table in tables.items() for cell, n in table.items() if n.fewest < FEWEST}
    holes = _holes(tables, small)
    about = {figure.id: [naming.counted(figure, group) for group in _compared(figure)] for figure in personal}
    few = {
        name: any(each.place in small and (each not in counted or counted[each].fewest < FEWEST) for each in compared)
        for name, compared in about.items()
        if any(each.place in holes for each in compared)
    }
    pairs = {_pair(figure) for figure in personal if figure.id in few and "stratum" in figure.facets}
    few |= {each.id: False for each in personal if each.id not in few and _by_stratum(each) and _pair(each) in pairs}
    return {name: WITHHELD if fewer else WITHHELD_TOO for name, fewer in few.items()}


def _pair(figure: Figure) -> tuple[str, Groups]:
    """The probe and the groups that it compares."""
    return figure.metric.partition("/")[0], figure.groups


def _by_stratum(figure: Figure) -> bool:
    """Whether a figure over all strata carries the counts of each."""
    estimate = figure.estimate
    return estimate.method != "paired-gap" and len(estimate.counts or ()) > len(_compared(figure))


def _joined(size: Size, other: Size | None) -> Size:
    return size if other is None else Size(min(size.fewest, other.fewest), max(size.most, other.most))


def _holes(tables: Mapping[tuple[str, ...], Mapping[Cell, Size]], small: set[_Place]) -> set[_Place]:
    """Small cells and those withheld with them; what is withheld of everybody is so of everybody's parts, too.

    Positives and negatives add up to everybody: a cell whose size is withheld is no hole where both of them are shown.
    """
    found: set[_Place] = set()
    for name in sorted(tables, key=lambda name: (name != (_EVERYBODY,), len(name), name)):
        sizes = tables[name]
        wider = [(_EVERYBODY,), name[:1]]
        hidden = {cell for cell in sizes if _Place(name, cell) in small or any((each, cell) in found for each in wider)}
        found |= {_Place(name, cell) for cell in suppressed(sizes, hidden, least=FEWEST)}
    return found


def _sizes(figure: Figure, naming: _Naming) -> Iterable[tuple[_Counted, Size]]:
    """The persons behind each group of a figure, as far as it tells: of a pair without counts at most its n."""
    compared = _compared(figure)
    estimate = figure.estimate
    exact = True
    if estimate.counts is not None and estimate.method == "paired-gap":
        sizes = [n for n, _ in estimate.counts[1::2]]
    elif estimate.counts is not None and estimate.method not in _PAIRS and len(estimate.counts) == len(compared):
        sizes = [trials for _, trials in estimate.counts]
    elif estimate.value is None and estimate.n == 0:
        sizes = []
    else:
        sizes = [estimate.n] * len(compared)
        exact = len(compared) == 1
    told = [Size(size, size if exact else 0) for size in sizes]
    return [(naming.counted(figure, group), size) for group, size in zip(compared, told, strict=False)]


def _compared(figure: Figure) -> list[str]:
    pair = [figure.groups.group, figure.groups.reference]
    return [group for group in pair if group is not None]


@dataclass(frozen=True, slots=True)
class _Naming:
    """Which cell a group is, by the groups that each attribute is known to have: names may hold stars and commas."""

    groups: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, figures: Iterable[Figure], declared: Iterable[str]) -> _Naming:
        groups: dict[str, set[str]] = {attribute: set() for attribute in declared}
        for figure in figures:
            if figure.groups.attribute in groups:
                groups[figure.groups.attribute].update(_compared(figure))
        return cls({attribute: frozenset(names) for attribute, names in groups.items()})

    def counted(self, figure: Figure, group: str) -> _Counted:
        """Whom of which cell a figure is about, with regard to one of the groups that it compares."""
        metric = figure.metric.removesuffix("/change")  # a change tells as much of a cell as the quantity itself
        stem = metric.rpartition("/")[2].partition("-")[0]
        over, who = _OVER.get(stem, (metric, metric))
        facets = sorted(item for item in figure.facets.items() if item[0] not in ("baseline", "stratum"))
        table = (over, *(f"{key}={value}" for key, value in facets))
        cell = {**self._crossed(figure.groups.attribute, group), **self._stratum(figure.facets.get("stratum"))}
        cell |= dict([COMPARED] if stem in _OF_COMPARED else [])
        return _Counted(place=_Place(table=table, cell=frozenset(cell.items())), who=who)

    def _crossed(self, attribute: str, group: str) -> dict[str, str]:
        """``race*sex`` and ``Asian*Female`` as race and sex of their own."""
        attributes, words = attribute.split("*"), group.split("*")
        ways = []
        for cuts in itertools.combinations(range(1, len(words)), len(attributes) - 1):
            edges = itertools.pairwise((0, *cuts, len(words)))
            ways.append(dict(zip(attributes, ("*".join(words[start:end]) for start, end in edges), strict=True)))
        known = [way for way in ways if all(name in self.groups[each] for each, name in way.items())]
        return next(iter([*known, *ways]), {attribute: group})

    def _stratum(self, stratum: str | None) -> dict[str, str]:
        """A stratum as the groups of attributes that it names, and all else of it as one."""
        found: dict[str, str] = {}
        others = []
        for word in [] if stratum is None else stratum.split(", "):
            named = [each for each in self.groups if word.startswith(f"{each} ")]
            if named:
                attribute = max(named, key=len)
                found[attribute] = word.removeprefix(f"{attribute} ")
            else:
                others.append(word)
        return {**found, "stratum of others": ", ".join(others)} if others else found
