"""The way to one decision as a chart: from the middle of other cases, factor by factor, to this case's estimate.

Steps add up in log-odds, so that is the scale; what stands along it is the estimate that each place means, in per cent.
Each whisker is the 95 % interval of one step over repeated calculations.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

from probandum.document import Figure
from probandum_reports.charting import INK, MUTED, NARROW, PAPER, SIZE, WIDTH, blank, legend, quiet
from probandum_reports.decision_numbers import percents, share_of
from probandum_reports.decision_words import DecisionWords
from probandum_reports.directions import directed
from probandum_reports.labels import folded
from probandum_reports.messages import said
from probandum_reports.pages import visible
from probandum_reports.view import View

#: What moved the estimate one way and the other; told apart by fill and by the word beside it, and only then by colour.
TOWARDS, AGAINST = "#0a566b", "#9a4a1f"
_ROW, _TOP, _BOTTOM, _LEGEND = 0.4, 0.16, 0.5, 0.3  # inches
_LABEL, _SAID = 0.36, 0.245  # shares of the width, left and right of the scale
_LINE, _WORDS, _PAD = 32, 21, 8  # cells of a line left and right, points between it and the chart
#: Lines of a label at most, those that fit a row as it is, and by how many inches all rows grow for each further one.
_LINES, _FITTING, _MORE = 4, 2, 0.14
_HALF, _HATCH = 0.108, "////"  # half the height of a bar in inches
#: Of a narrow chart, in inches but for the cells of a line: the height of a row with one line of its name, how far its
#: part stands above the bar, the step between lines, the room above the first one and below the last bar, its edges.
_TALL, _ABOVE, _STEP, _HEAD, _FOOT, _NAME, _EDGE = 0.76, 0.258, 0.165, 0.145, 0.266, 44, 0.04
_SLIM = 0.122  # half the height of a bar of it
#: Estimates, in per cent, that stand along the scale where there is room: tens first, then fives, then even ones.
_TICKS = range(1, 100)
_ROOM = 0.13  # the least share of the scale between two of them


def chart(figure: Figure, view: View, beside: Mapping[str, str]) -> Any:
    """A sheet with one row a step, its name on the left and what it did on the right."""
    words = DecisionWords(view.dossier)
    rows = _rows(words)
    beside_bars = [(_folded(label, _LINE), _folded(told, _WORDS), bold) for label, told, bold in rows]
    most = max(len(lines) for label, told, _ in beside_bars for lines in (label, told))
    tall = _ROW + _MORE * max(most - _FITTING, 0)
    height = _TOP + tall * len(rows) + _BOTTOM + _LEGEND
    sheet = blank(height)
    area = (_LABEL, (_BOTTOM + _LEGEND) / height, 1 - _LABEL - _SAID, tall * len(rows) / height)
    axes = sheet.add_axes(area)
    _scale(axes, words, len(rows) - 0.5, -0.5, _ROOM)
    left = -_PAD / (72 * WIDTH * (1 - _LABEL - _SAID))
    say = partial(axes.text, transform=axes.get_yaxis_transform(), va="center", color=INK)
    for place, (label, told, bold) in enumerate(beside_bars):
        for at, lines, edge in ((left, label, "right"), (1.04, told, "left")):
            for number, line in enumerate(lines):
                down = (number - (len(lines) - 1) / 2) * 1.15 * SIZE / (72 * tall)
                say(at, place + down, line, ha=edge, fontweight="bold" if bold else "normal")
    _bars(axes, words, half=_HALF / tall)
    legend(sheet, _handles(words))
    return sheet


def narrow(figure: Figure, view: View, beside: Mapping[str, str]) -> Any:
    """The same for a narrow window: each row has its name and what it did above it."""
    words = DecisionWords(view.dossier)
    above = [(_folded(label, _NAME), _folded(told, _NAME), bold) for label, told, bold in _rows(words)]
    lines = max(len(label) + len(told) for label, told, _ in above)
    tall = _TALL + _STEP * (lines - 2)
    handles = _handles(words)
    keys = 0.1 + 0.19 * len(handles)
    height = _TOP + tall * len(above) + _BOTTOM + keys
    sheet = blank(height, NARROW)
    axes = sheet.add_axes((_EDGE, (_BOTTOM + keys) / height, 1 - 2 * _EDGE, tall * len(above) / height))
    _scale(axes, words, len(above) - 1 + _FOOT / tall, _FOOT / tall - 1, 1.6 * _ROOM)
    over = {"facecolor": PAPER, "edgecolor": "none", "pad": 1.0}  # the limit's line is not drawn through letters
    say = partial(axes.text, 0.0, transform=axes.get_yaxis_transform(), va="center", zorder=5, bbox=over)
    for place, (label, told, bold) in enumerate(above):
        weight = "bold" if bold else "normal"
        for up, line in enumerate(reversed([*label, *told])):
            colour = INK if bold or up >= len(told) else MUTED
            say(place - (_ABOVE + _STEP * up) / tall, line, color=colour, fontweight=weight)
    _bars(axes, words, half=_SLIM / tall)
    legend(sheet, handles, columns=1)
    return sheet


def _folded(text: str, width: int) -> list[str]:
    """A label in lines; the table has what is cut."""
    return [directed(line) for line in folded(visible(text), width=width, lines=_LINES)]


def rows_of(words: DecisionWords) -> list[str]:
    """The names of the rows, from where the calculation starts to this case."""
    return [label for label, _, _ in _rows(words)]


def _rows(words: DecisionWords) -> list[tuple[str, str, bool]]:
    """Name, what stands beside it, and whether it is an end of the way."""
    facts = words.facts()
    found = [(words.begins, facts["start"], True)]
    for factor, _, _, _ in words.steps:
        if factor is None:
            found.append((words.others, words.direction(words.decision.rest.value), False))
        else:
            found.append((words.item(factor), words.part(factor), False))
    return [*found, (said("This case"), facts["share"], True)]


def _scale(axes: Any, words: DecisionWords, bottom: float, top: float, room: float) -> None:
    """A quiet scale in log-odds along which estimates stand."""
    quiet(axes)
    axes.set_yticks([])
    axes.set_ylim(bottom, top)
    ends = [edge for _, start, _, after in words.steps for edge in (start, after.low, after.high)]
    limit = _limit(words)
    ends += [words.turn * words.decision.score, *([] if limit is None else [limit])]
    low, high = min(ends), max(ends)
    wide = max(high - low, 0.2)
    low, high = low - 0.08 * wide, high + 0.08 * wide
    axes.set_xlim(low, high)
    ticks: list[float] = []
    for each in sorted(_TICKS, key=lambda each: [each % step != 0 for step in (10, 5, 2)]):
        place = math.log(each / (100 - each))
        if low <= place <= high and all(abs(place - other) > room * (high - low) for other in ticks):
            ticks.append(place)
    ticks.sort()
    axes.set_xticks(ticks)
    axes.set_xticklabels([f"{100 * share_of(place):.0f}\u00a0%" for place in ticks])
    title = said("Estimate: {what}", what=words.shown)
    axes.set_xlabel(directed(visible(title)), loc="left", fontsize=8, color=MUTED, labelpad=3)


def _bars(axes: Any, words: DecisionWords, *, half: float) -> None:
    """The steps, each from where the one before it ended, with its whisker; the limit as a line through all.

    A step of 0 has no bar, since that would have a colour. ``half``: half the height of a bar, in rows.
    """
    base, score = words.turn * words.decision.base.value, words.turn * words.decision.score
    limit = _limit(words)
    bottom, top = axes.get_ylim()
    if limit is not None:
        axes.vlines(limit, top, bottom, color=INK, linewidth=1.0, linestyle=(0, (4, 2)), zorder=1)
    places = [base, *(end for _, _, end, _ in words.steps), score]
    for row, at in enumerate(places[:-1]):
        axes.vlines(at, row, row + 1, color=MUTED, linewidth=0.7, zorder=1)
    for row, (factor, start, end, after) in enumerate(words.steps, 1):
        colour = TOWARDS if end > start else AGAINST
        looks: dict[str, Any] = {"facecolor": colour if end > start else PAPER, "edgecolor": colour}
        if end < start:
            looks["hatch"] = _HATCH
        if factor is None:
            looks["alpha"] = 0.55
        if end != start:
            axes.barh(row, end - start, left=start, height=2 * half, linewidth=1.2, zorder=2, **looks)
        if after.high > after.low:
            for colour, wide in ((PAPER, 3.6), (INK, 1.3)):  # a light edge, so that it shows on any bar
                axes.hlines(row, after.low, after.high, color=colour, linewidth=wide, zorder=4)
                for edge in (after.low, after.high):
                    axes.vlines(edge, row - 0.35 * half, row + 0.35 * half, color=colour, linewidth=wide, zorder=4)
    for row, at in ((0, base), (len(places) - 1, score)):
        axes.plot([at], [row], linestyle="none", marker="D", markersize=6, color=INK, zorder=5, clip_on=False)


def _limit(words: DecisionWords) -> float | None:
    """Where the decision turns, in log-odds of the class that is shown; None where that is no place of the scale."""
    at = words.decision.threshold
    return math.log(at / (1 - at)) if at is not None and 0 < at < 1 else None


def _handles(words: DecisionWords) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    more, less = words.ways
    handles: list[Any] = [
        Patch(facecolor=TOWARDS, edgecolor=TOWARDS, label=more),
        Patch(facecolor=PAPER, edgecolor=AGAINST, hatch=_HATCH, label=less),
    ]
    if words.varies:
        handles.append(Line2D([], [], color=INK, linewidth=1.3, marker="|", markersize=6, label=said("95 % interval")))
    if _limit(words) is not None:
        at = percents([words.decision.threshold or 0.0, words.decision.probability])[0]
        label = said("where the decision turns, {share}", share=at)
        handles.append(Line2D([], [], color=INK, linewidth=1.0, linestyle=(0, (4, 2)), label=label))
    return handles
