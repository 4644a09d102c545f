"""What explanations buy by naming fewer features: how far each explainer's are better than chance, against how many.

Both figures are measured by probes of their own on inputs of the same system; nothing is judged by their picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from probandum.document import Figure, Number, Table
from probandum.finding import Finding
from probandum_reports.charting import INK, MEASURED, MUTED, PAPER, RULE, WIDTH, blank, drawn, legend, quiet, ticked
from probandum_reports.directions import directed
from probandum_reports.labels import folded
from probandum_reports.messages import said
from probandum_reports.pages import visible
from probandum_reports.sayings import Shown
from probandum_reports.tables import as_table
from probandum_reports.view import View

_SPREAD, _FAITHFUL = "explain.complexity/effective-features", "explain.faithfulness/comprehensiveness-normalised"
_HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 3.4, 0.62, 0.86, 0.12, 1.5  # inches
#: Cells of a name beside its point.
_NAME = 22


class Point(NamedTuple):
    """One explainer: on how many features its explanations rest, and how far they carry the answer."""

    spread: Shown
    faithful: Shown

    @property
    def name(self) -> str:
        """The explainer."""
        return self.spread.finding.facets["explainer"]


def points(spread: Sequence[Finding], view: View) -> list[Point]:
    """Explainers of which both figures may be drawn, in the order of ``spread``."""
    known = {each.facets.get("explainer"): each.id for each in view.dossier.findings if each.metric == _FAITHFUL}
    pairs = [
        Point(view.shown(each.id), view.shown(known[each.facets["explainer"]]))
        for each in spread
        if each.metric == _SPREAD and each.facets.get("explainer") in known
    ]
    return [each for each in pairs if drawn(each.spread) and drawn(each.faithful)]


def figure(shown: Sequence[Shown], view: View, repeats: str) -> Iterator[Figure]:
    """The picture, where two explainers have both figures."""
    found = points([each.finding for each in shown], view)
    if len(found) < 2:
        return
    caption = said("How faithful explanations are, and on how many features they rest")
    alt = said(
        "One point an explainer, with intervals both ways: normalised comprehensiveness, which is 0 of a random order "
        "and 1 of a greedy search, against the effective number of features."
    )
    yield Figure(
        kind="tradeoff",
        caption=caption,
        alt=f"{alt} {repeats}",
        reading=_reading(found),
        findings=tuple(each.spread.finding.id for each in found),
        twin=Table(
            caption=as_table(caption),
            header=("Explainer", "Effective number of features", "Normalised comprehensiveness"),
            rows=tuple(
                (each.name, Number(finding=each.spread.finding.id), Number(finding=each.faithful.finding.id))
                for each in found
            ),
        ),
    )


def _reading(found: Sequence[Point]) -> str:
    """Which explainer names the fewest features, and whether another is more faithful beyond both intervals."""
    fewest = min(found, key=lambda each: each.spread.finding.estimate.value or 0.0)
    low = fewest.faithful.finding.estimate.high
    better = [
        each.name
        for each in found
        if (other := each.faithful.finding.estimate.low) is not None and low is not None and other > low
    ]
    if not better:
        return said(
            "Explanations of {name} rest on the fewest features; none is shown to be more faithful.", name=fewest.name
        )
    return said(
        "Explanations of {name} rest on the fewest features; intervals show more faithful ones of {others}.",
        name=fewest.name,
        others=", ".join(better),
    )


def chart(figure: Figure, view: View, beside: Mapping[str, str]) -> Any:
    """One panel: to the right more features, upwards more faithful."""
    sheet = blank(_HEIGHT)
    axes = sheet.add_axes(
        (
            _LEFT / WIDTH,
            _BOTTOM / _HEIGHT,
            (WIDTH - _LEFT - _RIGHT) / WIDTH,
            (_HEIGHT - _BOTTOM - _TOP) / _HEIGHT,
        )
    )
    quiet(axes)
    axes.grid(color=RULE, linewidth=0.5)
    axes.set_axisbelow(True)
    for limit, words in ((0.0, said("random order")), (1.0, said("greedy search"))):
        axes.axhline(limit, color=MUTED, linewidth=1.0, linestyle=(0, (4, 2)), zorder=2)
        axes.text(1.01, limit, words, transform=axes.get_yaxis_transform(), va="center", color=MUTED, fontsize=7.5)
    found = points([view.shown(name).finding for name in figure.findings], view)
    for each in found:
        across, up = each.spread.finding.estimate, each.faithful.finding.estimate
        axes.hlines(up.value, across.low, across.high, color=MEASURED, linewidth=1.4, zorder=3)
        axes.vlines(across.value, up.low, up.high, color=MEASURED, linewidth=1.4, zorder=3)
        axes.plot([across.value], [up.value], linestyle="none", zorder=4, clip_on=False, **_POINT)
    lows = [each.faithful.finding.estimate.low or 0.0 for each in found]
    highs = [each.faithful.finding.estimate.high or 0.0 for each in found]
    axes.set_ylim(min(0.0, *lows) - 0.06, max(1.0, *highs) + 0.06)
    most = max(each.spread.finding.estimate.high or 0.0 for each in found)
    axes.set_xlim(0, most * 1.08)
    _named(axes, found)
    axes.set_xlabel(said("effective number of features"), color=MUTED, fontsize=8)
    axes.set_ylabel(said("normalised comprehensiveness"), color=MUTED, fontsize=8)
    ticked(axes.xaxis, 8)
    ticked(axes.yaxis, 8)
    legend(sheet, _handles())
    return sheet


def _named(axes: Any, found: Sequence[Point]) -> None:
    """Names to the lower left of their points, those that would cover each other one line apart."""
    low, high = axes.get_ylim()
    line = 0.055 * (high - low)
    before = high
    for each in sorted(found, key=lambda one: -(one.faithful.finding.estimate.value or 0.0)):
        at = each.faithful.finding.estimate.value or 0.0
        place = min(at - line, before - line)
        before = place
        name = directed(folded(visible(each.name), width=_NAME, lines=1)[0])
        axes.text(
            each.spread.finding.estimate.value,
            place,
            f"{name} ",
            ha="right",
            va="center",
            color=INK,
            fontsize=8,
            zorder=5,
        )


_POINT: Mapping[str, Any] = {
    "marker": "o",
    "markersize": 5.5,
    "markerfacecolor": PAPER,
    "markeredgecolor": MEASURED,
    "markeredgewidth": 1.4,
}


def _handles() -> list[Any]:
    from matplotlib.lines import Line2D

    return [
        Line2D([], [], linestyle="none", label=said("an explainer, with intervals both ways"), **_POINT),
        Line2D([], [], color=MUTED, linewidth=1.0, linestyle=(0, (4, 2)), label=said("what the scale is read against")),
    ]
