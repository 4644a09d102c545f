"""Pictures of clues: slices in which a gap is wider, features that tell an attribute, and what features add to a gap.

A line is a slice or a feature, and the readings say what a reader is apt to overlook: which slices were found and do
not hold, which features stand in for the attribute, and which pull the other way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from probandum.document import Figure
from probandum.finding import Finding
from probandum_reports import feature_readings
from probandum_reports.charting import drawn
from probandum_reports.importances import strongest_of
from probandum_reports.messages import said
from probandum_reports.sayings import Shown
from probandum_reports.tables import as_table, name, tabled

_SLICE, _P, _CONFIRMED = "bias.triage/slice-excess", "bias.triage/slice-p", 0.05
_TOLD, _CARRIED = "bias.proxies/feature-auc", "bias.proxies/feature-contribution"
_ADDED, _GAP = "explain.reliance/feature-contribution", "explain.reliance/score-gap"
#: From this AUC on a feature is called a proxy, as the probe has it.
_PROXY = 0.6
#: How many slices, and features of how many comparisons, are drawn; the tables of the annex hold all.
_SLICES, _FEATURES, _COMPARISONS = 12, 12, 2


def slices(shown: Sequence[Shown], repeats: str) -> Iterator[Figure]:
    """What the search found, as the other half of the rows has it."""
    found = [each for each in shown if each.finding.metric == _SLICE and "slice" in each.finding.facets]
    searched = [each for each in found if drawn(each)]
    members = searched[:_SLICES]
    if not members:
        return
    held = [each for each in searched if _holds(each, shown)]
    caption = said("Slices in which a difference is wider than outside them")
    if len(members) < len(searched):
        caption = said("{caption}: the first {some} of {all}", caption=caption, some=len(members), all=len(searched))
    names = "; ".join(name(each) for each in members)
    alt = said(
        "Intervals of how much wider a difference is in each slice than outside it, in rows that were not searched: "
        "{names}.",
        names=names,
    )
    yield Figure(
        kind="intervals",
        caption=caption,
        alt=f"{alt} {repeats}",
        reading=feature_readings.of_slices(searched, held),
        findings=tuple(each.finding.id for each in members),
        twin=tabled(as_table(caption), [*searched, *_tests(searched, shown)]),
    )


def carriers(shown: Sequence[Shown], repeats: str) -> Iterator[Figure]:
    """A figure a comparison: how well each feature tells the attribute, and what it adds to the gap in scores."""
    comparisons: dict[str, list[Shown]] = {}
    for each in shown:
        if each.finding.metric in (_TOLD, _CARRIED) and drawn(each):
            comparisons.setdefault(str(each.finding.groups), []).append(each)
    for members in list(comparisons.values())[:_COMPARISONS]:
        telling = [each for each in members if each.finding.metric == _TOLD]
        carrying = [each for each in members if each.finding.metric == _CARRIED]
        told, carried = _first(telling), _first(carrying)
        if len(told) + len(carried) < 2:
            continue
        groups = members[0].finding.groups
        assert groups is not None
        caption = said(
            "Features that stand in for {attribute}, {group} and {reference}",
            attribute=groups.attribute,
            group=groups.group,
            reference=groups.reference,
        )
        caption = strongest_of(caption, max(told, carried, key=len), max(telling, carrying, key=len))
        names = "; ".join(name(each) for each in [*told, *carried])
        alt = said("Intervals, one line a feature: {names}.", names=names)
        yield Figure(
            kind="intervals",
            caption=caption,
            alt=f"{alt} {repeats}",
            reading=feature_readings.of_carriers(told, carried, _PROXY),
            findings=tuple(each.finding.id for each in [*told, *carried]),
            twin=tabled(as_table(caption), [*told, *carried]),
        )


def contributions(shown: Sequence[Shown], repeats: str) -> Iterator[Figure]:
    """A figure a comparison: bars from zero of what each feature adds to the gap in scores, with intervals."""
    comparisons: dict[str, list[Shown]] = {}
    for each in shown:
        if each.finding.metric == _ADDED and drawn(each):
            comparisons.setdefault(str(each.finding.groups), []).append(each)
    for where, members in list(comparisons.items())[:_COMPARISONS]:
        gap = [each for each in shown if each.finding.metric == _GAP and str(each.finding.groups) == where]
        groups, added = members[0].finding.groups, _first(members)
        assert groups is not None
        caption = said(
            "What features add to the difference in scores by {attribute}, {group} and {reference}",
            attribute=groups.attribute,
            group=groups.group,
            reference=groups.reference,
        )
        caption = strongest_of(caption, added, members)
        alt = said("Bars with intervals, one a feature: {names}.", names="; ".join(name(each) for each in added))
        yield Figure(
            kind="rates",
            caption=caption,
            alt=f"{alt} {repeats}",
            reading=feature_readings.of_contributions(members, gap),
            findings=tuple(each.finding.id for each in added),
            twin=tabled(as_table(caption), [*gap, *members]),
        )


def _first(members: Sequence[Shown]) -> list[Shown]:
    """Those furthest from what says nothing, the furthest first."""
    return sorted(members, key=lambda each: -_away(each.finding))[:_FEATURES]


def _away(finding: Finding) -> float:
    return abs((finding.estimate.value or 0.0) - (0.5 if finding.metric == _TOLD else 0.0))


def _tests(members: Sequence[Shown], shown: Sequence[Shown]) -> list[Shown]:
    """The test of each slice."""
    return [each for slice in members for each in shown if each.finding.metric == _P and _same(each, slice)]


def _holds(slice: Shown, shown: Sequence[Shown]) -> bool:
    """Whether the test of a slice confirms it."""
    return any((each.finding.estimate.value or 0.0) <= _CONFIRMED for each in _tests([slice], shown))


def _same(one: Shown, other: Shown) -> bool:
    return (one.finding.groups, one.finding.facets) == (other.finding.groups, other.finding.facets)
