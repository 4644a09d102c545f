"""Reliability diagrams: what came true against what was predicted, one panel a group; on the line both are alike."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from probandum.document import Figure
from probandum.finding import Finding
from probandum_reports import saying
from probandum_reports.charting import INK, MEASURED, MUTED, PAPER, RULE, WIDTH, blank, drawn, legend, quiet
from probandum_reports.directions import directed
from probandum_reports.labels import folded
from probandum_reports.messages import said
from probandum_reports.pages import visible
from probandum_reports.sayings import Shown
from probandum_reports.view import View

#: The metrics of a bin, and the facet that says which bin.
PREDICTED, OBSERVED, BIN = "predicted-rate", "observed-rate", "bin"
#: How many panels a figure has, and how many stand beside each other.
MOST, _ACROSS = 6, 3
_TOP, _BOTTOM, _LEGEND = 0.34, 0.52, 0.34  # inches
_LEFT, _GAP, _RIGHT = 0.5, 0.42, 0.12


class Bin(NamedTuple):
    """A bin of one group: what was predicted on average, and how often it came true."""

    predicted: Shown
    observed: Shown

    @property
    def drawn(self) -> bool:
        """Whether both may be drawn."""
        return drawn(self.predicted) and drawn(self.observed)

    @property
    def misses(self) -> bool:
        """Whether the prediction lies outside the interval of what came true."""
        estimate, value = self.observed.finding.estimate, self.predicted.finding.estimate.value
        if not self.drawn or estimate.low is None or estimate.high is None or value is None:
            return False
        return not estimate.low <= value <= estimate.high


def bins(observed: Sequence[Finding], view: View) -> list[Bin]:
    """The bins of findings of what came true, each with what was predicted in it; those without are left out."""
    known = {_key(each): each.id for each in view.dossier.findings if each.metric.endswith(f"/{PREDICTED}")}
    return [Bin(view.shown(known[_key(each)]), view.shown(each.id)) for each in observed if _key(each) in known]


def _key(finding: Finding) -> tuple[str, str, str]:
    return finding.probe, str(finding.groups), finding.facets.get(BIN, "")


def chart(figure: Figure, view: View, beside: Mapping[str, str]) -> Any:
    """A sheet with one square panel a group, named by what stands beside its first bin."""
    by_group: dict[str, list[Bin]] = {}
    for each in bins([view.shown(name).finding for name in figure.findings], view):
        by_group.setdefault(str(each.observed.finding.groups), []).append(each)
    across = min(_ACROSS, max(2, len(by_group)))
    side = (WIDTH - _LEFT - _RIGHT - _GAP * (across - 1)) / across
    side = min(side, 2.4)
    down = math.ceil(len(by_group) / across)
    height = down * (_TOP + side + _BOTTOM) + _LEGEND
    sheet = blank(height)
    for number, members in enumerate(by_group.values()):
        row, column = divmod(number, across)
        left = _LEFT + column * (side + _GAP)
        bottom = height - (row + 1) * (_TOP + side + _BOTTOM) + _BOTTOM
        axes = sheet.add_axes((left / WIDTH, bottom / height, side / WIDTH, side / height))
        name = beside[members[0].observed.finding.id].partition("; ")[0]
        _panel(axes, members, name, first=column == 0)
    legend(sheet, _handles())
    return sheet


def _panel(axes: Any, members: Sequence[Bin], name: str, *, first: bool) -> None:
    from matplotlib.ticker import FuncFormatter

    quiet(axes)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    axes.set_title(
        directed(folded(visible(name), width=26, lines=1)[0]), loc="left", fontsize=9.5, fontweight="bold", color=INK
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks([0.0, 0.25, 0.5, 0.75, 1.0])
        axis.set_major_formatter(FuncFormatter(lambda tick, _: saying.number(tick)))
    axes.grid(color=RULE, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel(said("predicted share"), color=MUTED, fontsize=8)
    if first:
        axes.set_ylabel(said("share that came true"), color=MUTED, fontsize=8)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1.0, linestyle=(0, (4, 2)), zorder=2)
    shown = [each for each in members if each.drawn]
    for each in shown:
        estimate = each.observed.finding.estimate
        at = each.predicted.finding.estimate.value
        axes.vlines(at, estimate.low, estimate.high, color=MEASURED, linewidth=1.5, zorder=3)
        axes.plot([at], [estimate.value], linestyle="none", zorder=4, clip_on=False, **_point(misses=each.misses))
    hidden = len(members) - len(shown)
    if hidden:
        words = said("{some} of {all} bins not shown", some=hidden, all=len(members))
        axes.text(0.98, 0.03, words, ha="right", va="bottom", color=MUTED, fontsize=7.5, style="italic")


def _point(*, misses: bool) -> dict[str, Any]:
    """Filled where the interval misses the line, open where it reaches it."""
    face = MEASURED if misses else PAPER
    shape = {"marker": "D" if misses else "o", "markersize": 5.0 if misses else 5.5}
    return {**shape, "markerfacecolor": face, "markeredgecolor": MEASURED, "markeredgewidth": 1.4}


def _handles() -> list[Any]:
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], color=MUTED, linewidth=1.0, linestyle=(0, (4, 2)), label=said("as predicted")),
        Line2D([], [], linestyle="none", label=said("interval holds what was predicted"), **_point(misses=False)),
        Line2D([], [], linestyle="none", label=said("interval misses it"), **_point(misses=True)),
    ]
