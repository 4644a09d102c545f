"""Spreads of a swap of names: the difference of two groups beside every scenario and every name that it rests on.

All rows of a panel share one scale: a scenario stands at its own difference, a name at how far its answers lie from
the mean of the reference's names. Where single names lie further apart than the groups do, a difference says little
about any one person. Means of recorded items are arranged here, and nothing is judged by them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, quantiles
from typing import Any

from probandum.document import Figure
from probandum.evidence import Items
from probandum.finding import Finding
from probandum_reports import saying
from probandum_reports.charting import (
    BAND,
    COLOURS,
    INK,
    MEASURED,
    MUTED,
    PAPER,
    SIZE,
    WIDTH,
    blank,
    drawn,
    legend,
    marker,
    quiet,
    ticked,
)
from probandum_reports.directions import directed
from probandum_reports.estimate_words import n_alone
from probandum_reports.labels import folded
from probandum_reports.lettering import written
from probandum_reports.messages import said
from probandum_reports.pages import visible
from probandum_reports.sayings import Shown
from probandum_reports.view import View

#: With more values than this a row shows where each twentieth of them lies.
_MOST = 60
_ROW, _TOP, _BOTTOM, _LEGEND = 0.36, 0.36, 0.36, 0.32  # inches
_LABEL, _SAID = 0.25, 0.25  # shares of the width
_MARK: Mapping[str, Any] = {
    "linestyle": "none",
    "marker": "|",
    "markersize": 13,
    "markeredgecolor": MEASURED,
    "markeredgewidth": 1.3,
    "alpha": 0.7,
}
_MEAN: Mapping[str, Any] = {
    "linestyle": "none",
    "marker": "D",
    "markersize": 4.5,
    "markerfacecolor": PAPER,
    "markeredgecolor": INK,
    "markeredgewidth": 1.1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What stands on one line: ``values`` by name from the lowest on, of so many things called ``what``.

    ``side``: +1 for names of the group, -1 for those of the reference, 0 for scenarios.
    """

    what: str
    count: int
    values: Sequence[tuple[str, float]]
    side: int

    def said(self, unit: str) -> str:
        """Every value with its name, from the lowest on."""
        written = saying.figures([value for _, value in self.values], unit)
        return "; ".join(f"{name} {value}" for (name, _), value in zip(self.values, written, strict=True))


def rows(finding: Finding, view: View) -> list[Row]:
    """The scenarios and names of a difference; nothing where the record keeps no such items."""
    items = view.dossier.items.get(finding.id)
    if items is None or not items.clusters or finding.groups is None or finding.groups.reference is None:
        return []
    if items.form == "two-way":
        return _crossed(items, finding.groups.group, finding.groups.reference)
    by_case = _means(zip(items.clusters, items.values, strict=True))
    return [_row(said("scenarios"), by_case, 0)]


def _crossed(items: Items, group: str, reference: str) -> list[Row]:
    """Scenarios at their difference; names at their mean distance from the reference's mean in the same scenario."""
    cells = list(zip(items.clusters, items.crossed, items.sides, items.values, strict=True))
    of = {side: _means((case, value) for case, _, at, value in cells if at == side) for side in (1, -1)}
    gaps = {case: mean - of[-1][case] for case, mean in of[1].items() if case in of[-1]}
    found = [_row(said("scenarios"), gaps, 0)]
    for side, name, plain in ((1, group, said("the group")), (-1, reference, said("the reference"))):
        own = _means(
            (person, value - of[-1][case]) for case, person, at, value in cells if at == side and case in of[-1]
        )
        whose = name if written(name) else plain
        found.append(_row(said("names: {group}", group=whose), own, side))
    return found


def _means(pairs: Any) -> dict[str, float]:
    found: dict[str, list[float]] = defaultdict(list)
    for name, value in pairs:
        found[name].append(value)
    return {name: fmean(values) for name, values in found.items()}


def _row(what: str, values: Mapping[str, float], side: int) -> Row:
    ordered = sorted(values.items(), key=lambda each: (each[1], each[0]))
    if len(ordered) > _MOST:
        numbers = [value for _, value in ordered]
        inner = quantiles(numbers, n=20, method="inclusive")
        kept = [numbers[0], *inner, numbers[-1]]
        ordered = [(said("at {share} %:", share=5 * place), value) for place, value in enumerate(kept)]
    return Row(what=what, count=len(values), values=ordered, side=side)


def chart(figure: Figure, view: View, beside: Mapping[str, str]) -> Any:
    """A sheet with one panel a difference."""
    found = [(view.shown(name), rows(view.shown(name).finding, view)) for name in figure.findings]
    height = sum(_TOP + _ROW * (1 + len(lines)) + _BOTTOM for _, lines in found) + _LEGEND
    sheet, top = blank(height), height
    for shown, lines in found:
        top -= _TOP
        share = _ROW * (1 + len(lines)) / height
        axes = sheet.add_axes((_LABEL, top / height - share, 1 - _LABEL - _SAID, share))
        _panel(axes, shown, lines, f"{shown.title}: {beside[shown.finding.id]}")
        top -= _ROW * (1 + len(lines)) + _BOTTOM
    legend(sheet, _handles([shown for shown, _ in found]))
    return sheet


def _panel(axes: Any, shown: Shown, lines: Sequence[Row], title: str) -> None:
    quiet(axes)
    axes.set_yticks([])
    axes.set_ylim(len(lines) + 0.5, -0.5)
    axes.set_title(
        directed(visible(title)),
        loc="left",
        x=-_LABEL / (1 - _LABEL - _SAID),
        fontsize=9.5,
        fontweight="bold",
        color=INK,
    )
    ticked(axes.xaxis, 6)
    estimate, limit = shown.finding.estimate, shown.finding.limit
    edges = (None, None) if limit is None else limit.edges()
    numbers = [edge for edge in (*edges, estimate.low, estimate.high, 0.0) if edge is not None]
    numbers += [value for line in lines for _, value in line.values]
    room = 0.06 * (max(numbers) - min(numbers) or 1.0)
    axes.set_xlim(min(numbers) - room, max(numbers) + room)
    left, right = axes.get_xlim()
    if limit is not None:
        good = (left if edges[0] is None else edges[0], right if edges[1] is None else edges[1])
        axes.axvspan(*good, color=BAND, linewidth=0, zorder=0)
        for edge in edges:
            if edge is not None:
                axes.axvline(edge, color=MUTED, linewidth=1.2, zorder=1)
    axes.axvline(0.0, color=MUTED, linewidth=0.7, linestyle=(0, (2, 2)), zorder=1)
    colour = COLOURS[shown.finding.verdict]
    assert estimate.low is not None and estimate.high is not None
    axes.hlines(0, estimate.low, estimate.high, color=colour, linewidth=2.2, zorder=3)
    axes.plot([estimate.value], [0], linestyle="none", zorder=4, **marker(shown.finding))
    _label(axes, 0, said("difference"), shown.value, n_alone(estimate))
    for place, line in enumerate(lines, 1):
        _marks(axes, place, line)
        low, high = saying.figures([line.values[0][1], line.values[-1][1]], estimate.unit)
        _label(axes, place, f"{line.count:,} {line.what}", said("{low} to {high}", low=low, high=high), "")


def _marks(axes: Any, place: int, line: Row) -> None:
    """Each value as an upright mark, and their mean as a point."""
    values = [value for _, value in line.values]
    axes.hlines(place, min(values), max(values), color=MUTED, linewidth=0.6, zorder=2)
    axes.plot(values, [place] * len(values), zorder=3, **_MARK)
    axes.plot([fmean(values)], [place], zorder=4, **_MEAN)


def _label(axes: Any, row: int, name: str, value: str, n: str) -> None:
    """What a row is, left of it; its value, or its lowest and highest, right of it."""
    wide = 1 - _LABEL - _SAID
    lines = folded(visible(name), width=22, lines=2)
    for number, line in enumerate(lines):
        down = row + (number - (len(lines) - 1) / 2) * 1.15 * SIZE / (72 * _ROW)
        across = -8 / (72 * WIDTH * wide)
        axes.text(
            across, down, directed(line), transform=axes.get_yaxis_transform(), ha="right", va="center", color=INK
        )
    bold = "bold" if n else "normal"
    axes.text(1.03, row, value, transform=axes.get_yaxis_transform(), va="center", color=INK, fontweight=bold)
    edge = 1 + 0.96 * _SAID / wide
    axes.text(edge, row, n, transform=axes.get_yaxis_transform(), va="center", ha="right", color=MUTED)


def _handles(shown: Sequence[Shown]) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [
        Line2D(
            [],
            [],
            label=said("difference: {verdict}", verdict=saying.verdict(verdict)),
            linestyle="none",
            **marker(each.finding),
        )
        for verdict, each in {each.finding.verdict: each for each in shown}.items()
    ]
    handles.append(Line2D([], [], label=said("one scenario or name"), **{**_MARK, "markersize": 9}))
    handles.append(Line2D([], [], label=said("their mean"), **_MEAN))
    if any(each.finding.limit is not None for each in shown):
        handles.append(Patch(facecolor=BAND, edgecolor=MUTED, linewidth=0.8, label=said("within the limit")))
    return handles


def drawable(shown: Shown, view: View) -> bool:
    """Whether a difference has scenarios or names to draw."""
    return drawn(shown) and shown.finding.estimate.low is not None and bool(rows(shown.finding, view))
