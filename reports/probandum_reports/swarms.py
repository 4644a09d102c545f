"""Beeswarms: what each feature adds to the answer of every explained row, one point a row, the strongest feature first.

How full a point is says whether the row has a low or a high value of the feature; a text has no such order, nor have
codes whose meanings the card gives. Points that would cover each other stand above and below each other, so that a
taller column holds more rows. Recorded items are arranged here, and nothing is judged by them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from math import inf
from statistics import fmean, quantiles
from typing import Any

from probandum.document import Figure
from probandum.finding import Finding
from probandum_reports import card_names, saying
from probandum_reports.charting import (
    BAND,
    INK,
    MEASURED,
    MUTED,
    NARROW,
    PAPER,
    RULE,
    SIZE,
    WIDTH,
    blank,
    drawn,
    legend,
    quiet,
    ticked,
)
from probandum_reports.directions import directed
from probandum_reports.dots import dots
from probandum_reports.labels import folded
from probandum_reports.messages import Spoken, said
from probandum_reports.pages import visible
from probandum_reports.sayings import Shown
from probandum_reports.view import View

#: How full the points of each band are, as the probe names it; others are small and grey.
LOW, MIDDLE, HIGH = "lowest third", "middle third", "highest third"
_LOOKS: Mapping[str, tuple[str, str, float]] = {  # face, edge, and how wide the rim is
    LOW: (PAPER, MEASURED, 0.6),
    MIDDLE: (BAND, MEASURED, 1.1),
    HIGH: (MEASURED, MEASURED, 0.6),
}
_PLAIN = (RULE, MUTED, 0.6)
#: What the bands are called in a table, and in a chart.
_THIRDS: Mapping[str, str] = Spoken({LOW: "lowest third", MIDDLE: "middle third", HIGH: "highest third"})
_VALUES: Mapping[str, str] = Spoken({LOW: "low value", MIDDLE: "middle value", HIGH: "high value"})
#: The band of rows whose value is a code.
_CODE = "a code"
#: Rows that a swarm needs and draws at most: fewer tell on persons, more are no longer points.
FEWEST, MOST = 10, 200
_ROW, _TALL, _TOP, _BOTTOM = 0.34, 0.56, 0.36, 0.64  # inches: a line, one of a narrow chart, above and below them
_ABOVE, _STEP = 0.28, 0.15  # inches: how far a name stands above its line in a narrow chart, and between lines of it
_LABEL, _SAID, _EDGE = 0.27, 0.19, 0.03  # shares of the width: beside the points, and at the edges of a narrow chart
_LINE, _NAME, _LINES = 24, 29, 3  # cells of a label beside and above the points, and its lines
_POINT = 3.8
#: How far two points that would cover each other lie apart, in lines, where the fullest crowd leaves so much room, and
#: how far a crowd reaches to either side of its line.
_STEP, _REACH = 0.11, 0.42


@dataclass(frozen=True, slots=True, kw_only=True)
class Swarm:
    """What one feature adds in every row, in logits, and in which band of its values each row lies."""

    values: Sequence[float]
    bands: Sequence[str]

    @property
    def size(self) -> float:
        """The mean without signs."""
        return fmean(map(abs, self.values))

    def mean_of(self, band: str) -> float | None:
        """The mean over the rows of a band; None without any."""
        own = [value for value, each in zip(self.values, self.bands, strict=True) if each == band]
        return fmean(own) if own else None

    def said(self, unit: str) -> str:
        """The lowest, the quarters and the highest value, and the mean of each band."""
        quarters = quantiles(self.values, n=4, method="inclusive")
        numbers = [min(self.values), *quarters, max(self.values)]
        means = [(band, mean) for band in _LOOKS if (mean := self.mean_of(band)) is not None]
        written = saying.figures([*numbers, *(mean for _, mean in means)], unit)
        low, first, middle, third, high = written[:5]
        text = said(
            "from {low} to {high}, half of the rows from {first} to {third}, the middle one {middle}",
            low=low,
            high=high,
            first=first,
            third=third,
            middle=middle,
        )
        of_bands = [f"{_THIRDS[band]} {value}" for (band, _), value in zip(means, written[5:], strict=True)]
        if not of_bands:
            return text
        return said("{text}; mean by value of the feature: {means}", text=text, means=", ".join(of_bands))


def swarm(finding: Finding, view: View) -> Swarm | None:
    """The rows behind a mean attribution; None where the record keeps none, or too few to be drawn."""
    items = view.dossier.items.get(finding.id)
    if items is None or items.clusters or len(items.values) < FEWEST:
        return None
    bands = items.strata[:MOST]
    if card_names.coded(view.dossier.card, finding.facets.get("feature", "")):
        bands = (_CODE,) * len(bands)
    return Swarm(values=items.values[:MOST], bands=bands)


def told(finding: Finding, view: View) -> str | None:
    """What a table says of the rows of one feature."""
    found = swarm(finding, view)
    return None if found is None else found.said(finding.estimate.unit)


def drawable(shown: Shown, view: View) -> bool:
    """Whether a mean attribution has rows to draw."""
    return drawn(shown) and swarm(shown.finding, view) is not None


def chart(figure: Figure, view: View, beside: Mapping[str, str]) -> Any:
    """A sheet with one line a feature, its name on the left and its mean on the right."""
    lines = [view.shown(name) for name in figure.findings]
    height = _TOP + _ROW * len(lines) + _BOTTOM + 0.1
    sheet = blank(height)
    share = _ROW * len(lines) / height
    axes = sheet.add_axes((_LABEL, (height - _TOP) / height - share, 1 - _LABEL - _SAID, share))
    _frame(axes, lines, view, left=-_LABEL / (1 - _LABEL - _SAID), ticks=6)
    axes.set_ylim(len(lines) - 0.5, -0.5)
    inches = WIDTH * (1 - _LABEL - _SAID)
    for row, shown in enumerate(lines):
        say = partial(axes.text, transform=axes.get_yaxis_transform(), va="center")
        words = folded(visible(beside[shown.finding.id]), width=_LINE, lines=_LINES)
        for place, line in enumerate(words):
            down = (place - (len(words) - 1) / 2) * 1.15 * SIZE / (72 * _ROW)
            say(-8 / (72 * inches), row + down, directed(line), color=INK, ha="right")
        say(1.03, row, shown.value, color=INK, fontweight="bold")
        _points(axes, row, swarm(shown.finding, view), inches=inches, line=_ROW)
    legend(sheet, _handles(lines, view))
    return sheet


def narrow(figure: Figure, view: View, beside: Mapping[str, str]) -> Any:
    """The same for a narrow window, each name above its line."""
    lines = [view.shown(name) for name in figure.findings]
    names = [folded(visible(beside[shown.finding.id]), width=_NAME, lines=_LINES) for shown in lines]
    tall = _TALL + _STEP * (max(map(len, names)) - 1)
    height = _TOP + tall * len(lines) + _BOTTOM + 0.3
    sheet = blank(height, NARROW)
    share = tall * len(lines) / height
    axes = sheet.add_axes((_EDGE, (height - _TOP) / height - share, 1 - 2 * _EDGE, share))
    _frame(axes, lines, view, left=0.0, ticks=4)
    axes.set_ylim(len(lines) - 1 + 0.4 * _TALL / tall, 0.4 * _TALL / tall - 1 - 0.15 * _TALL / tall)
    say = partial(axes.text, transform=axes.get_yaxis_transform(), va="center", zorder=5)
    for row, (shown, name) in enumerate(zip(lines, names, strict=True)):
        for up, line in enumerate(reversed(name)):
            say(0.0, row - (_ABOVE + _STEP * up) / tall, directed(line), color=INK)
        say(1.0, row - _ABOVE / tall, shown.value, color=INK, fontweight="bold", ha="right")
        _points(axes, row, swarm(shown.finding, view), inches=NARROW * (1 - 2 * _EDGE), line=tall)
    legend(sheet, _handles(lines, view), columns=2)
    return sheet


def _frame(axes: Any, lines: Sequence[Shown], view: View, *, left: float, ticks: int) -> None:
    """A title, a scale that holds all points, and the line on which a feature adds nothing."""
    quiet(axes)
    axes.set_yticks([])
    title = said("SHAP value of each row, and the mean")
    axes.set_title(title, loc="left", x=left, fontsize=9.5, fontweight="bold", color=INK, pad=8)
    found = [each for shown in lines if (each := swarm(shown.finding, view)) is not None]
    values = [value for each in found for value in each.values]
    room = 0.04 * (max(values) - min(values) or 1.0)
    axes.set_xlim(min([*values, 0.0]) - room, max([*values, 0.0]) + room)
    ticked(axes.xaxis, ticks)
    which = folded(visible(card_names.explained(view.dossier.card, lines[0].finding)), width=_NAME, lines=1)[0]
    axes.set_xlabel(
        directed(said("to the right: for {name}", name=which)), loc="left", fontsize=8, color=MUTED, labelpad=3
    )
    axes.axvline(0.0, color=MUTED, linewidth=0.7, linestyle=(0, (2, 2)), zorder=1)


def _points(axes: Any, row: int, found: Swarm | None, *, inches: float, line: float) -> None:
    """One point a row, in the order of the bands, so that equal findings are equal files."""
    if found is None:
        return
    low, high = axes.get_xlim()
    across = [(value - low) / (high - low) * inches for value in found.values]
    ways = aside(across, width=_POINT / 72)
    step = min(_STEP, _REACH / max(1, *map(abs, ways))) * _ROW / line
    for band in dict.fromkeys([*_LOOKS, *sorted(set(found.bands))]):
        own = [place for place, each in enumerate(found.bands) if each == band]
        if own:
            spots = [(found.values[place], row + step * ways[place]) for place in own]
            face, edge, rim = _LOOKS.get(band, _PLAIN)
            axes.add_artist(dots(spots, colour=edge, size=_POINT))
            if face != edge:
                axes.add_artist(dots(spots, colour=face, size=_POINT - 2 * rim))


def aside(across: Sequence[float], *, width: float) -> list[int]:
    """How many steps each point stands beside its line, so that none closer than ``width`` stand at one place.

    In the order of their places, and to either side in turn: the taller a column is the more rows it holds.

    >>> aside([0.0, 0.01, 0.02, 1.0], width=0.1)
    [0, 1, -1, 0]
    """
    last: dict[int, float] = {}
    found = [0] * len(across)
    for place in sorted(range(len(across)), key=lambda each: (across[each], each)):
        way = next(way for way in _ways() if across[place] - last.get(way, -inf) >= width)
        last[way] = across[place]
        found[place] = way
    return found


def _ways() -> Iterator[int]:
    """0, 1, -1, 2, -2 and so on."""
    return ((each + 1) // 2 * (1 if each % 2 else -1) for each in count())


def _mark(band: str) -> dict[str, Any]:
    face, edge, rim = _LOOKS.get(band, _PLAIN)
    looks = {"markersize": _POINT, "markerfacecolor": face, "markeredgecolor": edge, "markeredgewidth": rim}
    return {"linestyle": "none", "marker": "o", **looks}


def _handles(lines: Sequence[Shown], view: View) -> list[Any]:
    """What the points mean: only those that occur."""
    from matplotlib.lines import Line2D

    bands = {band for shown in lines if (found := swarm(shown.finding, view)) is not None for band in found.bands}
    handles = [Line2D([], [], label=_VALUES[band], **_mark(band)) for band in _LOOKS if band in bands]
    others = sorted(bands - _LOOKS.keys())
    return [*handles, *([Line2D([], [], label=said("no order"), **_mark(others[0]))] if others else [])]
