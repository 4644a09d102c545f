"""Withholding: which figures would show, or give away, fewer than ten persons, and what stands in their place.

Published tables leave out cells of fewer than ten persons and complementary cells, since a single hole in a line whose
total is known is no hole. Figures of all probes about the same persons make one table with its margins: an attribute's
groups are the margins of every crossing, and strata and slices cross what they are made of (``headcounts.py``). One
number over all groups goes where any of them is withheld. The record keeps every cell, and the terminal prints it.
Whatever leaves the machine follows this rule: documents, comparisons, the files that CI services read, and reports of
tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from probandum.comparison import Change, Comparison
from probandum.finding import Estimate, Finding, Groups, SubReason
from probandum.headcounts import EVERYBODY, Counted, Figure, Naming, Place, headcounts, joined, whole
from probandum.speech import noted
from probandum.suppressing import BIN, TOTAL, Cell, Size, apart, attributes_of, suppressed

#: A convention of this toolkit; no law sets the number.
FEWEST = 10

#: What stands where a figure about fewer than ten persons would stand, and where one that gives it away would.
WITHHELD = noted("fewer than 10 persons, not shown")
WITHHELD_TOO = noted("not shown, since it would give away a smaller group")


def withheld(findings: Iterable[Finding], attributes: Iterable[str]) -> Mapping[str, str]:
    """What stands in place of each figure that is withheld, by finding id; the others are absent.

    Only groups of persons count: ``attributes`` that the plan declares for the rows under audit (names, or what the
    plan says of each by its name), and their intersections. A comparison is withheld where either of its groups is,
    and a figure worked out from all groups where any of them is.
    """
    figures = [Figure(each.id, each.metric, each.groups, each.facets, each.estimate) for each in findings]
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
    read = _read_from(attributes)
    declared = frozenset(read)
    told = [figure for figure in figures if (figure.attributes or frozenset()) <= declared]
    personal = [figure for figure in told if figure.groups is not None]
    probes = {figure.probe for figure in personal}
    wholes = [figure.estimate.n for figure in told if figure.attributes is None and figure.probe in probes]
    naming = Naming.of(personal, declared)
    counted = headcounts(personal, naming)
    tables = _tables(counted, wholes)
    small = {Place(name, cell) for name, table in tables.items() for cell, n in table.items() if n.fewest < FEWEST}
    holes = _holes(tables, small)
    about = {figure.id: naming.about(figure) for figure in personal}
    few = {
        name: any(each.place in small and (each not in counted or counted[each].fewest < FEWEST) for each in compared)
        for name, compared in about.items()
        if any(each.place in holes for each in compared)
    }
    pairs = {_pair(figure) for figure in personal if figure.id in few and "stratum" in figure.facets}
    few |= {each.id: False for each in personal if each.id not in few and _by_stratum(each) and _pair(each) in pairs}
    hidden = [each.cell for each in holes if each.table == (EVERYBODY,)]
    total = tables.get((EVERYBODY,), {}).get(TOTAL, Size(0, 0)).most
    few |= {
        figure.id: False
        for figure in told
        if figure.id not in few and (_entered(figure, naming, read, hidden) or _leaving_few(figure, total))
    }
    return {name: WITHHELD if fewer else WITHHELD_TOO for name, fewer in few.items()}


def _read_from(attributes: Iterable[str]) -> Mapping[str, str]:
    """The column that each attribute is read from: its own name where the plan's words for it are not given."""
    said = attributes if isinstance(attributes, Mapping) else dict.fromkeys(attributes)
    return {name: str(each.get("column", name)) if isinstance(each, Mapping) else name for name, each in said.items()}


def _tables(counted: Mapping[Counted, Size], wholes: Iterable[int]) -> dict[tuple[str, ...], dict[Cell, Size]]:
    """The cells of each table, those of everybody with how many there are in all."""
    tables: dict[tuple[str, ...], dict[Cell, Size]] = {}
    for each, size in counted.items():
        table = tables.setdefault(each.place.table, {})
        table[each.place.cell] = joined(size, table.get(each.place.cell))
    if (EVERYBODY,) in tables:
        tables[EVERYBODY,] |= whole(tables[EVERYBODY,], wholes)
    return tables


def _entered(figure: Figure, naming: Naming, read: Mapping[str, str], hidden: Iterable[Cell]) -> bool:
    """Whether persons who are withheld are among those whose numbers make a figure, beyond the groups that it names."""
    if figure.estimate.value is None:
        return False
    own = figure.attributes
    if figure.of_all_groups:
        entering = frozenset({*read, BIN}) if own is None else own
        return any(attributes_of(cell) <= entering for cell in hidden)
    if figure.groups is None or own is None or not figure.of_values:
        return False
    values = {attribute for attribute, column in read.items() if column == figure.facets["feature"]}
    sides = [frozenset(naming.crossed(figure.groups.attribute, each).items()) for each in figure.compared]
    return bool(values) and any(
        attributes_of(cell) <= own | values and not all(apart(cell, side) for side in sides) for cell in hidden
    )


def _leaving_few(figure: Figure, total: int) -> bool:
    """Whether the persons that a figure about all groups is not about are few: those who state none."""
    return figure.groups is None and figure.attributes is not None and 0 < total - figure.estimate.n < FEWEST


def _pair(figure: Figure) -> tuple[str, Groups | None]:
    """The probe and the groups that it compares."""
    return figure.probe, figure.groups


def _by_stratum(figure: Figure) -> bool:
    """Whether a figure over all strata carries the counts of each."""
    estimate = figure.estimate
    return estimate.method != "paired-gap" and len(estimate.counts or ()) > len(figure.compared)


def _holes(tables: Mapping[tuple[str, ...], Mapping[Cell, Size]], small: set[Place]) -> set[Place]:
    """Small cells and those withheld with them; what is withheld of everybody is so of everybody's parts, too.

    Positives and negatives add up to everybody: a cell whose size is withheld is no hole where both of them are shown.
    """
    found: set[Place] = set()
    for name in sorted(tables, key=lambda name: (name != (EVERYBODY,), len(name), name)):
        sizes = tables[name]
        wider = [(EVERYBODY,), name[:1]]
        hidden = {cell for cell in sizes if Place(name, cell) in small or any((each, cell) in found for each in wider)}
        found |= {Place(name, cell) for cell in suppressed(sizes, hidden, least=FEWEST)}
    return found
