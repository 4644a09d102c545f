"""Which findings become pictures of their own kind, each with its table and its reading; the rest as everywhere.

Rates where attributes cross become a heat map, bins of predictions a reliability diagram, words that were swapped a
ladder, names that were swapped a spread, slices and stand-ins intervals, what features add to a gap, and how much they
do in all, bars, what they do row by row a beeswarm, and prompts ribbons. A picture says at once what would take pages
as lines of a chart, so what it shows does not count among the figures that are too many for a place; explainers that
are set against each other are shown there all the same, since their limits are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from probandum.document import Cell, Fact, Figure, Node, Number, Table
from probandum.finding import Finding
from probandum_reports import (
    clues,
    footprints,
    heat_maps,
    importances,
    readings,
    reliability_diagrams,
    reversals,
    ribbons,
    saying,
    spreads,
    tradeoffs,
)
from probandum_reports.charting import drawn
from probandum_reports.messages import said
from probandum_reports.neighbours import comparisons, neutral_words
from probandum_reports.reliability_diagrams import BIN, OBSERVED
from probandum_reports.sayings import Shown
from probandum_reports.tables import as_table, gravity, in_place, name, one_of, repeated, tabled
from probandum_reports.view import View

#: The rates of crossed groups that are mapped: what is decided, and whom errors meet.
_MAPPED = ("selection-rate", "tpr", "fpr")
_SHIFT, _LOG_ODDS = "bias.term-swap/signed-shift", "log-odds-difference"
#: How many crossings, words and differences are pictured in one place; the rest stands in charts and tables.
_CROSSINGS, _WORDS, _DIFFERENCES = 4, 26, 3


def placed(view: View, findings: Sequence[Finding], *, caption: str, chart: str | None = None) -> Iterable[Node]:
    """What is reversed within strata first, pictures where ``chart`` asks for charts, charts and tables of the rest."""
    yield from reversals.cautions(findings, view)
    shown = [view.shown(finding.id) for finding in findings]
    pictures = [] if chart is None else list(_pictures(shown, view, repeated()))
    yield from pictures
    if chart is not None:
        both = said("The table below repeats every value, and both stand by themselves, too.")
        yield from tradeoffs.figure(shown, view, both)
    held = {cell.finding for each in pictures for row in each.twin.rows for cell in row if isinstance(cell, Number)}
    rest = [finding for finding in findings if finding.id not in held]
    if rest:
        yield from in_place(view, rest, caption=caption, chart=chart)


def _pictures(shown: Sequence[Shown], view: View, repeats: str) -> Iterator[Figure]:
    """All of one kind after the other; ``repeats`` says of each that its table holds its values."""
    yield from _heat_maps(shown, view, repeats)
    yield from _reliability(shown, view, repeats)
    yield from _ladders(shown, view, repeats)
    yield from _spreads(shown, view, repeats)
    yield from clues.slices(shown, repeats)
    yield from clues.carriers(shown, repeats)
    yield from clues.contributions(shown, repeats)
    yield from importances.bars(shown, repeats)
    yield from importances.beeswarm(shown, view, repeats)
    yield from ribbons.prompts(shown, repeats)
    yield from footprints.emissions(shown, repeats)
    yield from footprints.shares(shown, repeats)


def _heat_maps(shown: Sequence[Shown], view: View, repeats: str) -> Iterator[Figure]:
    """One figure a probe and crossing."""
    crossings: dict[tuple[str, str], list[Shown]] = {}
    for each in shown:
        groups, metric = each.finding.groups, each.finding.metric.rpartition("/")[2]
        if groups is not None and groups.reference is None and "*" in groups.attribute and metric in _MAPPED:
            crossings.setdefault((each.finding.probe, groups.attribute), []).append(each)
    drawable = [(key, _fitting(members)) for key, members in crossings.items()]
    for (probe, attribute), fitting in [each for each in drawable if each[1]][:_CROSSINGS]:
        crossed = saying.crossed(attribute)
        others = sum(each == attribute for (_, each), members in drawable if members) > 1
        title = said("Rates where {attributes} cross", attributes=crossed)
        if others:
            title = said("{caption}, as {probe} counts them", caption=title, probe=probe)
        sheets = heat_maps.sheets(fitting)
        for place, members in enumerate(sheets, 1):
            caption = title if len(sheets) == 1 else one_of(title, place, len(sheets))
            marked = any(heat_maps.breaks(each, view) for each in members)
            metrics = _listed(list(dict.fromkeys(each.title for each in members)))
            alt = said(
                "Heat map of {metrics} of every group where {attributes} cross, darker where larger{marked}.",
                metrics=metrics,
                attributes=crossed,
                marked=said(", marked where beyond a limit") if marked else "",
            )
            yield Figure(
                kind="heat",
                caption=caption,
                alt=f"{alt} {repeats}",
                reading=readings.of_rates(members),
                findings=tuple(each.finding.id for each in members),
                twin=_with_comparisons(tabled(as_table(caption), members), members, view),
            )


def _with_comparisons(table: Table, members: Sequence[Shown], view: View) -> Table:
    """The table with the gravest comparison of each group, where a limit was applied to any."""
    gravest = [min(comparisons(each, view), key=gravity, default=None) for each in members]
    if not any(gravest):
        return table
    none = said("none")
    cells: list[tuple[Cell, Cell]] = [(none, none) if each is None else _compared(each) for each in gravest]
    rows = tuple((*row, *more) for row, more in zip(table.rows, cells, strict=True))
    return Table(caption=table.caption, header=(*table.header, "Gravest comparison", "Its verdict"), rows=rows)


def _compared(shown: Shown) -> tuple[str, Fact]:
    groups = shown.finding.groups
    assert groups is not None and groups.reference is not None
    reference = saying.group(groups.reference, groups.attribute)
    what = said("{quantity} against {reference}", quantity=shown.title, reference=reference)
    return what, Fact(path=f"finding:{shown.finding.id}.verdict", value=shown.verdict, origin="measured")


def _fitting(members: Sequence[Shown]) -> list[Shown]:
    """The findings by metric, of those metrics that make a grid of which two cells at least may be drawn."""
    found: list[Shown] = []
    for metric in dict.fromkeys(each.finding.metric for each in members):
        own = [each for each in members if each.finding.metric == metric]
        if heat_maps.grid(own) is not None and sum(drawn(each) for each in own) > 1:
            found += own
    return found


def _reliability(shown: Sequence[Shown], view: View, repeats: str) -> Iterator[Figure]:
    """One figure a probe and attribute."""
    attributes: dict[tuple[str, str], list[Shown]] = {}
    for each in shown:
        finding = each.finding
        if finding.metric.endswith(f"/{OBSERVED}") and finding.groups is not None and BIN in finding.facets:
            attributes.setdefault((finding.probe, finding.groups.attribute), []).append(each)
    for (_, attribute), members in attributes.items():
        all_bins = reliability_diagrams.bins([each.finding for each in members], view)
        groups = dict.fromkeys(str(each.observed.finding.groups) for each in all_bins if each.drawn)
        first = list(groups)[: reliability_diagrams.MOST]
        found = [each for each in all_bins if str(each.observed.finding.groups) in first]
        if not found:
            continue
        crossed = saying.crossed(attribute)
        caption = said("What was predicted and what came true, by {attribute}", attribute=crossed)
        if len(first) < len(groups):
            shown_of = "{caption}: {some} of {all} groups"
            caption = said(shown_of, caption=caption, some=len(first), all=len(groups))
        alt = said(
            "Reliability diagram, one panel a group of {attribute}: the share that came true against the share that "
            "was predicted, bin by bin, and the line on which they are alike.",
            attribute=crossed,
        )
        rows = tuple(
            (
                said(
                    "{groups}; bin {bin}",
                    groups=saying.groups(each.observed.finding.groups),
                    bin=each.observed.finding.facets[BIN],
                ),
                Number(finding=each.predicted.finding.id),
                Number(finding=each.observed.finding.id),
            )
            for each in found
        )
        yield Figure(
            kind="reliability",
            caption=caption,
            alt=f"{alt} {repeats}",
            reading=readings.of_reliability([each.observed for each in found], view),
            findings=tuple(each.observed.finding.id for each in found),
            twin=Table(caption=as_table(caption), header=("Bin", "Predicted", "Came true"), rows=rows),
        )


def _ladders(shown: Sequence[Shown], view: View, repeats: str) -> Iterator[Figure]:
    """Words for persons by how far they move a score, with the neutral ones below them in the table."""
    moved = [each for each in shown if each.finding.metric == _SHIFT and each.finding.groups is not None]
    if not moved:
        return
    neutral = neutral_words(moved[0], view)
    apart = {each.finding.id for each in neutral}
    words = [each for each in moved if each.finding.id not in apart and each.finding.estimate.value is not None]
    if not 2 <= len(words) <= _WORDS:
        return
    words.sort(key=lambda each: -(each.finding.estimate.value or 0.0))
    caption = said("How far each word moves the score")
    alt = said(
        "Ladder of words from the largest shift to the smallest, with intervals, what the limit tolerates, and the "
        "region of neutral words: {names}.",
        names="; ".join(name(each) for each in words),
    )
    yield Figure(
        kind="ladder",
        caption=caption,
        alt=f"{alt} {repeats}",
        reading=readings.of_ladder(words, view),
        findings=tuple(each.finding.id for each in words),
        twin=tabled(said("{caption}, as a table, neutral words last", caption=caption), [*words, *neutral]),
    )


def _spreads(shown: Sequence[Shown], view: View, repeats: str) -> Iterator[Figure]:
    """The differences of swapped names whose verdict is gravest, each over its scenarios and names."""
    found = [
        each
        for each in shown
        if each.finding.metric.endswith(f"-swap/{_LOG_ODDS}")
        and not each.finding.facets
        and spreads.drawable(each, view)
    ]
    members = sorted(found, key=gravity)[:_DIFFERENCES]
    if not members:
        return
    caption = said("Scenario by scenario and name by name")
    if len(members) < len(found):
        gravest = "{caption}: the {some} gravest of {all} differences"
        caption = said(gravest, caption=caption, some=len(members), all=len(found))
    names = "; ".join(name(each) for each in members)
    alt = said("Spread of scenarios and of names about the difference: {names}.", names=names)
    yield Figure(
        kind="spread",
        caption=caption,
        alt=f"{alt} {repeats}",
        reading=readings.of_spread(members, view),
        findings=tuple(each.finding.id for each in members),
        twin=Table(
            caption=as_table(caption),
            header=("What", "Result, or every value from the lowest on"),
            rows=tuple(row for each in members for row in _of_spread(each, view)),
        ),
    )


def _of_spread(shown: Shown, view: View) -> Iterator[tuple[Cell, ...]]:
    finding = shown.finding
    yield name(shown), Number(finding=finding.id)
    for place, line in enumerate(spreads.rows(finding, view)):
        told = line.said(finding.estimate.unit)
        about = f"{saying.groups(finding.groups)}; {line.count:,} {line.what}"
        yield about, Fact(path=f"finding:{finding.id}.spread-{place}", value=told, origin="measured")


def _listed(titles: Sequence[str]) -> str:
    return ", ".join(map(saying.decapitalised, titles))
