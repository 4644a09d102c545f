"""Charts of findings as SVG: deterministic, with text that stays text, and an alternative in words.

``intervals``: each estimate with its interval against its limit, one panel a metric; ``ladder``: the same in order,
beside what neutral words do. ``rates``: the share in each group, from zero. ``heat``: the share where attributes
cross. ``reliability``: what came true against what was predicted, one panel a group. ``spread``: scenarios and names
one by one. ``swarm``: features row by row. ``tradeoff``: explainers by how many features they name and how faithful
they are. ``ribbon``: a prompt sentence by sentence. ``tally``: how many findings have which verdict. ``waterfall``:
the way to the one decision that a document explains; ``words``: the text that it was about. A figure holds nothing
that its twin table does not say. Charts with a line a finding, swarms, ribbons, tallies, words and waterfalls can also
be drawn for a narrow window.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from probandum.document import Figure
from probandum.errors import UsageError
from probandum_reports import (
    charting,
    heat_maps,
    reliability_diagrams,
    ribbons,
    row_charts,
    row_names,
    spreads,
    swarms,
    tallies,
    tradeoffs,
    waterfalls,
    word_ribbons,
)
from probandum_reports.view import View

_Drawing = Callable[[Figure, View, Mapping[str, str]], Any]
_KINDS: Mapping[str, _Drawing] = {
    "intervals": partial(row_charts.chart, row_charts.intervals),
    "ladder": partial(row_charts.chart, row_charts.ladder),
    "rates": partial(row_charts.chart, row_charts.rates),
    "heat": heat_maps.chart,
    "reliability": reliability_diagrams.chart,
    "spread": spreads.chart,
    "swarm": swarms.chart,
    "tradeoff": tradeoffs.chart,
    "ribbon": ribbons.chart,
    "tally": tallies.chart,
    "waterfall": waterfalls.chart,
    "words": word_ribbons.chart,
}
_NARROW: Mapping[str, _Drawing] = {
    "intervals": partial(row_charts.narrow, row_charts.intervals),
    "ladder": partial(row_charts.narrow, row_charts.ladder),
    "rates": partial(row_charts.narrow, row_charts.rates),
    "swarm": swarms.narrow,
    "ribbon": ribbons.narrow,
    "tally": tallies.narrow,
    "waterfall": waterfalls.narrow,
    "words": word_ribbons.narrow,
}
#: Kinds that show no finding by itself, but all of them as counts, or the one decision that a document explains.
_OF_NO_FINDING = ("tally", "waterfall", "words")


def labels(figure: Figure, view: View) -> dict[str, str]:
    """What stands beside each row or panel of the chart, by finding id: the groups and facets, without the metric."""
    said: dict[str, str] = {}
    for panel in row_charts.panels(figure, view):
        attributes = {shown.finding.groups.attribute for shown in panel if shown.finding.groups is not None}
        several, shared = len(attributes) > 1, row_names.common(panel)
        said |= {each.finding.id: row_names.label(each, attribute=several, without=shared) for each in panel}
    return {name: said[name] for name in figure.findings}


def draw(figure: Figure, view: View, *, beside: Mapping[str, str] | None = None) -> bytes:
    """The chart as an SVG file; UsageError for a kind that nobody draws, or for a figure of no finding.

    ``beside``: what stands beside each row, by finding id; by default its :func:`labels`.
    """
    if figure.kind not in _KINDS:
        raise UsageError(f"no figure of kind {figure.kind!r}", remedy=f"known: {', '.join(sorted(_KINDS))}")
    if not figure.findings and figure.kind not in _OF_NO_FINDING:
        raise UsageError(f"the figure {figure.caption!r} shows no finding", remedy="leave it out where there is none")
    return _drawn(_KINDS[figure.kind], figure, view, labels(figure, view) if beside is None else beside)


def draw_narrow(figure: Figure, view: View) -> bytes | None:
    """The chart for a narrow window; None of a kind that is drawn in one width alone."""
    drawing = _NARROW.get(figure.kind)
    return None if drawing is None else _drawn(drawing, figure, view, labels(figure, view))


def _drawn(drawing: _Drawing, figure: Figure, view: View, beside: Mapping[str, str]) -> bytes:
    def written() -> bytes:
        with charting.lettered():
            return charting.written(drawing(figure, view, beside), figure.alt)

    return view.once((drawing, figure, tuple(beside.items())), written)
