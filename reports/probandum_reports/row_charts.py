"""Charts with a line a finding: intervals against limits, ladders of words beside neutral ones, rates of groups.

For a narrow window each line has its name and its value above it, so that the scale takes the whole width.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from probandum.document import Figure
from probandum.finding import Judgement, Verdict
from probandum_reports import saying
from probandum_reports.charting import (
    BAND,
    COLOURS,
    INK,
    MUTED,
    NARROW,
    PAGE,
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
from probandum_reports.judgement_words import narrowed
from probandum_reports.labels import cells, folded
from probandum_reports.messages import said
from probandum_reports.neighbours import neutral_words, tolerated
from probandum_reports.pages import visible
from probandum_reports.sayings import Shown
from probandum_reports.strips import edges, neutral, span, tolerated_side
from probandum_reports.view import View

_ROW, _TOP, _BOTTOM, _LEGEND = 0.3, 0.36, 0.36, 0.32  # inches
_LABEL, _SAID = 0.37, 0.25  # shares of the width, left and right of the scale
_LINE, _LINES, _PAD = 34, 4, 8  # cells of a line, lines of a label, points between it and the chart
#: Lines of a label that fit a row as it is, and by how much a row grows for each further one, in inches.
_FITTING, _MORE = 2, 0.14
_HATCH = "////"
_TOO_FAR: Mapping[str, Any] = {"facecolor": "none", "edgecolor": MUTED, "hatch": ".....", "linewidth": 0, "alpha": 0.8}
#: Cells of the longest title that fits beside the labels; a longer one begins at the edge of the chart.
_BESIDE = 50
#: Of a narrow chart, in inches: the height of a line, how far the last line of its name stands above it, the step
#: between lines, the room above the first one, half of what is tinted; the edges of the scale as shares of the width,
#: cells of a name and of a title, keys of the legend in a row and its height.
_TALL, _ABOVE, _STEP, _HEAD, _TINTED, _EDGE = 0.6, 0.222, 0.15, 0.078, 0.132, 0.03
_NAME, _TITLE = 29, 40
_KEYS, _KEY = 2, 0.19

#: How a panel is filled; ``half``: half the height of what is tinted behind a line, where the lines are 1 apart.
Painter = Callable[[Any, Sequence[Shown], View, float], None]


def panels(figure: Figure, view: View) -> list[list[Shown]]:
    """The findings by metric, in the order in which the figure names them."""
    found: dict[str, list[Shown]] = {}
    for name in figure.findings:
        shown = view.shown(name)
        found.setdefault(shown.finding.metric, []).append(shown)
    return list(found.values())


def chart(paint: Painter, figure: Figure, view: View, beside: Mapping[str, str]) -> Any:
    """A sheet with one panel a metric, each with its rows as ``paint`` draws them."""
    found = panels(figure, view)
    handles = _handles(figure, [shown for panel in found for shown in panel], view)
    for most in range(_LINES, _FITTING - 1, -1):
        rows = [_ROW + _MORE * max(_lines(panel, beside, _LINE, most) - _FITTING, 0) for panel in found]
        height = sum(_TOP + row * len(panel) + _BOTTOM for row, panel in zip(rows, found, strict=True)) + _LEGEND
        if height <= PAGE:
            break
    sheet = blank(height)
    top = height
    for row, panel in zip(rows, found, strict=True):
        top -= _TOP
        tall = row * len(panel)
        axes = sheet.add_axes((_LABEL, (top - tall) / height, 1 - _LABEL - _SAID, tall / height))
        _frame(axes, panel, beside, row, most)
        paint(axes, panel, view, 0.5)
        top -= tall + _BOTTOM
    legend(sheet, handles)
    return sheet


def narrow(paint: Painter, figure: Figure, view: View, beside: Mapping[str, str]) -> Any:
    """The same for a narrow window."""
    found = panels(figure, view)
    handles = _handles(figure, [shown for panel in found for shown in panel], view)
    keys = 0.1 + _KEY * math.ceil(len(handles) / _KEYS)
    titles = [folded(visible(panel[0].title), width=_TITLE, lines=2) for panel in found]
    tops = [_TOP + _KEY * (len(title) - 1) for title in titles]
    lines = [max(_lines(panel, beside, _NAME, _LINES), _FITTING) for panel in found]
    rows = [_TALL + _STEP * (most - _FITTING) for most in lines]
    height = sum(tops) + sum(row * len(panel) + _BOTTOM for row, panel in zip(rows, found, strict=True)) + keys
    sheet = blank(height, NARROW)
    top = height
    for panel, title, above, most, row in zip(found, titles, tops, lines, rows, strict=True):
        top -= above
        tall = row * len(panel)
        axes = sheet.add_axes((_EDGE, (top - tall) / height, 1 - 2 * _EDGE, tall / height))
        _scaled(axes, panel, title="\n".join(map(directed, title)), ticks=4)
        first = _ABOVE + _STEP * (most - 1)
        edge = (first + _HEAD) / row
        axes.set_ylim(len(panel) - edge, -edge)
        for place, shown in enumerate(panel):
            _head(axes, place, beside[shown.finding.id], shown, [(_STEP * step - first) / row for step in range(most)])
        paint(axes, panel, view, _TINTED / row)
        top -= tall + _BOTTOM
    legend(sheet, handles, columns=_KEYS)
    return sheet


def _lines(panel: Sequence[Shown], beside: Mapping[str, str], width: int, most: int) -> int:
    """How many lines the longest label of a panel takes, of ``most`` that it may take."""
    return max(len(_folded(beside[each.finding.id], width, most)) for each in panel)


def _folded(label: str, width: int, most: int) -> list[str]:
    """A label in lines: one a part of it where these are no more lines than it takes anyway."""
    text = visible(label)
    whole = folded(text, width=width, lines=most)
    parts = [line for part in text.split("; ") for line in folded(part, width=width, lines=most)]
    return parts if len(parts) <= len(whole) else whole


def _head(axes: Any, row: int, label: str, shown: Shown, above: Sequence[float]) -> None:
    """Above a line of a narrow chart: its name on the left, its value over its n on the right."""
    say = partial(axes.text, transform=axes.get_yaxis_transform(), va="center", zorder=5)
    lines = _folded(label, _NAME, _LINES)
    for down, line in zip(above[-max(len(lines), _FITTING) :], lines, strict=False):
        say(0.0, row + down, directed(line), color=INK)
    if drawn(shown):
        say(1.0, row + above[-2], shown.value, color=INK, fontweight="bold", ha="right")
        say(1.0, row + above[-1], n_alone(shown.finding.estimate), color=MUTED, ha="right")
    else:
        say(0.0, row, directed(visible(shown.value)), color=MUTED, style="italic")


def _frame(axes: Any, panel: Sequence[Shown], beside: Mapping[str, str], tall: float, most: int) -> None:
    """Title, labels on the left, values on the right, and a quiet scale below; a row is ``tall`` inches high.

    A label takes ``most`` lines at most.
    """
    title = visible(panel[0].title)
    edge = -_LABEL / (1 - _LABEL - _SAID) if cells(title) > _BESIDE else 0
    _scaled(axes, panel, title=directed(title), ticks=6, left=edge)
    axes.set_ylim(len(panel) - 0.5, -0.5)
    for row, shown in enumerate(panel):
        _name(axes, row, _folded(beside[shown.finding.id], _LINE, most), tall)
        _say(axes, row, shown)


def _scaled(axes: Any, panel: Sequence[Shown], *, title: str, ticks: int, left: float = 0) -> None:
    """A quiet scale with a title, which begins at ``left`` of it."""
    quiet(axes)
    axes.set_title(title, loc="left", x=left, fontsize=9.5, fontweight="bold", color=INK, pad=8)
    axes.set_yticks([])
    ticked(axes.xaxis, ticks)
    axes.set_xlim(*_scale(panel))


def _name(axes: Any, row: int, lines: Sequence[str], tall: float) -> None:
    """The row's label, line by line, right against the chart."""
    left = -_PAD / (72 * WIDTH * (1 - _LABEL - _SAID))
    for place, line in enumerate(lines):
        down = (place - (len(lines) - 1) / 2) * 1.15 * SIZE / (72 * tall)
        say = partial(axes.text, transform=axes.get_yaxis_transform(), va="center", ha="right")
        say(left, row + down, directed(line), color=INK)


def _say(axes: Any, row: int, shown: Shown) -> None:
    """Value and n beside the row; a figure that is withheld or absent says so in its place."""
    say = partial(axes.text, transform=axes.get_yaxis_transform(), va="center")
    if drawn(shown):
        edge = 1 + 0.96 * _SAID / (1 - _LABEL - _SAID)
        say(1.03, row, shown.value, color=INK, fontweight="bold")
        say(edge, row, n_alone(shown.finding.estimate), color=MUTED, ha="right")
    else:
        say(0.02, row, directed(visible(shown.value)), color=MUTED, style="italic")


def intervals(axes: Any, panel: Sequence[Shown], view: View, half: float) -> None:
    """Intervals against what their limit tolerates: the tinted region is the tolerated one."""
    low, high = axes.get_xlim()
    for row, shown in enumerate(panel):
        limit = shown.finding.limit
        if limit is None or not drawn(shown):
            continue
        good = tolerated_side(limit, (low, high))
        axes.barh(row, good[1] - good[0], left=good[0], height=2 * half, color=BAND, zorder=0)
        for edge in edges(limit, (low, high)):
            axes.vlines(edge, row - half, row + half, color=MUTED, linewidth=1.2, zorder=1, clip_on=False)
        for start, end in _too_far(limit, good):
            axes.barh(row, end - start, left=start, height=2 * half, zorder=0.5, **_TOO_FAR)
    origin = neutral(panel[0].finding)
    if origin is not None and low <= origin <= high:
        axes.axvline(origin, color=MUTED, linewidth=0.7, linestyle=(0, (2, 2)), zorder=1)
    for row, shown in enumerate(panel):
        _interval(axes, row, shown, half)


def _too_far(limit: Judgement, good: tuple[float, float]) -> list[tuple[float, float]]:
    """What lies within a limit, and further from 0 than a pass may, as a rate this low is held to a narrower one."""
    if not narrowed(limit):
        return []
    assert limit.effective is not None
    width = limit.effective
    inner = {
        "band": (limit.around - width, limit.around + width),
        "at_most": (good[0], width),
        "at_least": (width, good[1]),
    }[limit.direction]
    return [(start, end) for start, end in ((good[0], inner[0]), (inner[1], good[1])) if start < end]


def ladder(axes: Any, panel: Sequence[Shown], view: View, half: float) -> None:
    """Intervals against limits, over the hatched region in which all pairs of neutral words lie."""
    others = [each for each in neutral_words(panel[0], view) if drawn(each)]
    axes.set_xlim(*_scale([*panel, *others]))
    values = [each.finding.estimate.value or 0.0 for each in others]
    looks = {"facecolor": "none", "edgecolor": MUTED, "hatch": _HATCH, "alpha": 0.7, "lw": 0, "zorder": 0.5}
    for row in range(len(panel) if values else 0):
        axes.barh(row, max(values) - min(values), left=min(values), height=2 * half, **looks)
    intervals(axes, panel, view, half)


def rates(axes: Any, panel: Sequence[Shown], view: View, half: float) -> None:
    """Bars from zero, with their intervals, and what a limit tolerates beside the reference's share."""
    highest = max([shown.finding.estimate.high or 0.0 for shown in panel if drawn(shown)], default=1.0)
    lowest = min([shown.finding.estimate.low or 0.0 for shown in panel if drawn(shown)], default=0.0)
    if lowest < 0:
        low, high = _scale(panel)
        axes.set_xlim(low, max(high, 0.0))
        axes.axvline(0.0, color=MUTED, linewidth=0.7, zorder=1)
    else:
        axes.set_xlim(0.0, min(1.0, 1.08 * highest) if 0 < highest <= 1 else max(1.08 * highest, 1.0))
    for row, shown in enumerate(panel):
        if drawn(shown):
            axes.barh(row, shown.finding.estimate.value, height=1.12 * half, color=BAND, zorder=0)
        region = tolerated(shown, view)
        if region is not None:
            low, high = (min(max(edge, 0.0), axes.get_xlim()[1]) for edge in region[:2])
            axes.barh(
                row, high - low, left=low, height=1.8 * half, facecolor="none", edgecolor=MUTED, linewidth=0.8, zorder=2
            )
        _interval(axes, row, shown, half)


def _interval(axes: Any, row: int, shown: Shown, half: float) -> None:
    if not drawn(shown):
        return
    finding = shown.finding
    estimate, colour = finding.estimate, COLOURS[finding.verdict]
    assert estimate.low is not None and estimate.high is not None
    axes.hlines(row, estimate.low, estimate.high, color=colour, linewidth=1.6, zorder=3)
    for edge in (estimate.low, estimate.high):
        axes.vlines(edge, row - 0.28 * half, row + 0.28 * half, color=colour, linewidth=1.6, zorder=3, clip_on=False)
    axes.plot([estimate.value], [row], linestyle="none", zorder=4, clip_on=False, **marker(finding))


def _scale(panel: Sequence[Shown]) -> tuple[float, float]:
    found = [shown.finding for shown in panel if drawn(shown)]
    return span(found) if found else (0.0, 1.0)


def _handles(figure: Figure, shown: Sequence[Shown], view: View) -> list[Any]:
    """What the shapes mean: only those that occur."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = []
    for verdict in Verdict:
        found = next((each for each in shown if each.finding.verdict is verdict and drawn(each)), None)
        if found is not None:
            handles.append(Line2D([], [], label=saying.verdict(verdict), linestyle="none", **marker(found.finding)))
    if any(each.finding.limit is not None and drawn(each) for each in shown):
        handles.append(Patch(facecolor=BAND, edgecolor=MUTED, linewidth=0.8, label=said("within the limit")))
    if any(each.finding.limit is not None and narrowed(each.finding.limit) and drawn(each) for each in shown):
        handles.append(Patch(label=said("too far for a pass"), **_TOO_FAR))
    if figure.kind == "rates" and any(tolerated(each, view) for each in shown):
        beside = said("within the limit against the reference")
        handles.append(Patch(facecolor="none", edgecolor=MUTED, linewidth=0.8, label=beside))
    if figure.kind == "ladder":
        pairs = said("all pairs of neutral words")
        handles.append(Patch(facecolor="none", edgecolor=MUTED, hatch=_HATCH, linewidth=0, label=pairs))
    return handles
