"""Pictures of a whole model: bars of how much each feature does, and a beeswarm of what it does row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from probandum.document import Cell, Fact, Figure, Number, Table
from probandum_reports import feature_readings, swarms
from probandum_reports.charting import drawn
from probandum_reports.messages import said
from probandum_reports.sayings import Shown
from probandum_reports.tables import as_table, name
from probandum_reports.view import View

_SIZE, _MEAN = "explain.global/mean-absolute-shap", "explain.global/mean-shap"
_RANK = "explain.global/importance-rank"
#: How many features are drawn; the tables of the annex hold all.
_BARS, _SWARMS = 14, 10


def bars(shown: Sequence[Shown], repeats: str) -> Iterator[Figure]:
    """Mean absolute SHAP values from zero, the largest first, with intervals; the table says which ranks show.

    The caption says how many of all features are drawn; the table has all.
    """
    found = _largest(shown)
    if len(found) < 2:
        return
    ranks = {_column(each): each for each in shown if each.finding.metric == _RANK}
    caption = said("How much each feature does to the answers")
    names = "; ".join(map(name, found[:_BARS]))
    alt = said("Bars with intervals, one a feature, the largest first: {names}.", names=names)
    yield Figure(
        kind="rates",
        caption=strongest_of(caption, found[:_BARS], found),
        alt=f"{alt} {repeats}",
        reading=feature_readings.of_importances(found, list(ranks.values())),
        findings=tuple(each.finding.id for each in found[:_BARS]),
        twin=Table(
            caption=as_table(caption),
            header=("Feature", "Mean absolute SHAP value", "Rank", "Where no rank shows"),
            rows=tuple(_ranked(each, ranks.get(_column(each))) for each in found),
        ),
    )


def beeswarm(shown: Sequence[Shown], view: View, repeats: str) -> Iterator[Figure]:
    """What the leading features add in every explained row."""
    means = {_column(each): each for each in shown if each.finding.metric == _MEAN}
    found = _largest(shown)
    leading = [means.get(_column(each)) for each in found]
    members = [each for each in leading if each is not None and swarms.drawable(each, view)][:_SWARMS]
    if not members:
        return
    caption = strongest_of(said("What each feature adds to the answer, row by row"), members, found)
    rows: list[tuple[Cell, ...]] = []
    for each in members:
        path, told = f"finding:{each.finding.id}.swarm", swarms.told(each.finding, view)
        assert told is not None
        rows.append((_feature(each), Number(finding=each.finding.id), Fact(path=path, value=told, origin="measured")))
    alt = said(
        "Beeswarm, one line a feature and one point an explained row, fuller where the row's value of the feature is "
        "higher, and grey where values have no order: {names}.",
        names="; ".join(map(name, members)),
    )
    yield Figure(
        kind="swarm",
        caption=caption,
        alt=f"{alt} {repeats}",
        reading=feature_readings.of_swarms(members, view),
        findings=tuple(each.finding.id for each in members),
        twin=Table(caption=as_table(caption), header=("Feature", "Mean", "Over the rows"), rows=tuple(rows)),
    )


def _ranked(size: Shown, rank: Shown | None) -> tuple[Cell, ...]:
    """A feature with its size and its rank, or between which places it lies."""
    row: tuple[Cell, ...] = (_feature(size), Number(finding=size.finding.id))
    if rank is None:
        return (*row, said("none"), said("none was measured"))
    if rank.finding.estimate.value is not None:
        return (*row, Number(finding=rank.finding.id), said("its interval lies apart"))
    why = Fact(path=f"finding:{rank.finding.id}.reason", value=rank.reason, origin="measured")
    return (*row, Number(finding=rank.finding.id), why)


def strongest_of(caption: str, drawn: Sequence[Shown], found: Sequence[Shown]) -> str:
    """The caption with which features are drawn, where these are not all."""
    if len(drawn) == len(found):
        return caption
    return said("{caption}: the {some} strongest of {all} features", caption=caption, some=len(drawn), all=len(found))


def _column(shown: Shown) -> str:
    return shown.finding.facets["feature"]


def _feature(shown: Shown) -> str:
    return shown.facets["feature"]


def _largest(shown: Sequence[Shown]) -> list[Shown]:
    """Features by how much they do, the most first."""
    found = [each for each in shown if each.finding.metric == _SIZE and drawn(each)]
    return sorted(found, key=lambda each: -(each.finding.estimate.value or 0.0))
