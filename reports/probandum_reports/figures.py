"""Charts of findings as SVG: deterministic, with text that stays text, and an alternative in words.

Two kinds. ``intervals``: each estimate with its interval against its limit, one panel a metric. ``rates``: the
share in each group, from zero, one panel a metric. A figure holds nothing that its twin table does not say.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from probandum.document import Figure
from probandum.errors import UsageError
from probandum.finding import Finding, Verdict
from probandum_reports import saying
from probandum_reports.directions import directed
from probandum_reports.labels import folded
from probandum_reports.pages import visible
from probandum_reports.strips import neutral, span
from probandum_reports.view import Shown, View

#: The colours of all charts; a page may swap each for one that suits the reader's own light or dark.
INK, MUTED, RULE, BAND, PAPER = "#17212b", "#54616d", "#d9dfe3", "#cfe3e4", "#ffffff"
COLOURS: Mapping[Verdict, str] = {
    Verdict.PASS: "#1c6b41",
    Verdict.FAIL: "#b0261c",
    Verdict.INCONCLUSIVE: "#855300",
    Verdict.ERROR: "#7a2a86",
    Verdict.NOT_APPLICABLE: "#0a566b",
}
#: A shape for each verdict, so that a chart printed in grey says the same.
_SHAPES: Mapping[Verdict, str] = {
    Verdict.PASS: "o",
    Verdict.FAIL: "D",
    Verdict.INCONCLUSIVE: "o",
    Verdict.ERROR: "^",
    Verdict.NOT_APPLICABLE: "s",
}
_OPEN = (Verdict.INCONCLUSIVE, Verdict.ERROR)
_WIDTH, _ROW, _TOP, _BOTTOM, _LEGEND = 6.6, 0.3, 0.36, 0.36, 0.32  # inches
_LABEL, _SAID = 0.37, 0.25  # shares of the width, left and right of the scale
_LINE, _LINES, _PAD, _SIZE = 34, 2, 8, 8.5  # cells of a line, lines of a label, points between it and the chart
_SETTINGS: Mapping[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "probandum",
    "font.family": ["DejaVu Sans"],
    "font.size": _SIZE,
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "path.simplify": False,
}


def labels(figure: Figure, view: View) -> dict[str, str]:
    """What stands beside each row of the chart, by finding id: the groups and facets, without the metric."""
    said: dict[str, str] = {}
    for panel in _panels([view.shown(name) for name in figure.findings]):
        attributes = {shown.finding.groups.attribute for shown in panel if shown.finding.groups is not None}
        said |= {shown.finding.id: _label(shown, attribute=len(attributes) > 1) for shown in panel}
    return {name: said[name] for name in figure.findings}


def draw(figure: Figure, view: View, *, beside: Mapping[str, str] | None = None) -> bytes:
    """The chart as an SVG file; UsageError for a kind that nobody draws, or for a figure of no finding.

    ``beside``: what stands beside each row, by finding id; by default its :func:`labels`.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure as Sheet

    if figure.kind not in _KINDS:
        raise UsageError(f"no figure of kind {figure.kind!r}", remedy=f"known: {', '.join(sorted(_KINDS))}")
    if not figure.findings:
        raise UsageError(f"the figure {figure.caption!r} shows no finding", remedy="leave it out where there is none")
    panels = _panels([view.shown(name) for name in figure.findings])
    beside = labels(figure, view) if beside is None else beside
    rows = [len(panel) for panel in panels]
    height = sum(_TOP + _ROW * count + _BOTTOM for count in rows) + _LEGEND
    with matplotlib.rc_context(dict(_SETTINGS)), _any_script():
        sheet = Sheet(figsize=(_WIDTH, height), facecolor="none")
        FigureCanvasSVG(sheet)
        top = height
        for panel in panels:
            top -= _TOP
            area = (_LABEL, (top - _ROW * len(panel)) / height, 1 - _LABEL - _SAID, _ROW * len(panel) / height)
            axes = sheet.add_axes(area)
            _frame(axes, panel, beside)
            _KINDS[figure.kind](axes, panel)
            top -= _ROW * len(panel) + _BOTTOM
        _legend(sheet, [shown for panel in panels for shown in panel])
        buffer = io.BytesIO()
        sheet.savefig(
            buffer,
            format="svg",
            transparent=True,
            metadata={"Title": visible(figure.alt), "Date": None, "Creator": None, "Format": None, "Type": None},
        )
    return buffer.getvalue()


@contextmanager
def _any_script() -> Iterator[None]:
    """Without the warnings that the font by which text is measured lacks a letter.

    Text stays text, so its letters are the reader's; and each line hangs on one of its edges, so that its width here
    moves nothing.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        warnings.filterwarnings("ignore", "Matplotlib currently does not support", UserWarning)
        yield


def _panels(shown: Sequence[Shown]) -> list[list[Shown]]:
    """The findings by metric, in the order in which the figure names them."""
    panels: dict[str, list[Shown]] = {}
    for each in shown:
        panels.setdefault(each.finding.metric, []).append(each)
    return list(panels.values())


def _drawn(shown: Shown) -> bool:
    return not shown.suppressed and shown.finding.estimate.value is not None


def _frame(axes: Any, panel: Sequence[Shown], beside: Mapping[str, str]) -> None:
    """Title, labels on the left, values on the right, and a quiet scale below."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_facecolor("none")
    axes.set_ylim(len(panel) - 0.5, -0.5)
    axes.set_title(
        directed(visible(panel[0].title)), loc="left", x=0, fontsize=9.5, fontweight="bold", color=INK, pad=8
    )
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda tick, _: saying.number(tick)))
    axes.tick_params(axis="x", length=3, color=RULE, labelcolor=MUTED, labelsize=8)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(RULE)
    drawn = [shown.finding for shown in panel if _drawn(shown)]
    axes.set_xlim(*(span(drawn) if drawn else (0.0, 1.0)))
    for row, shown in enumerate(panel):
        _name(axes, row, beside[shown.finding.id])
        _say(axes, row, shown)


def _name(axes: Any, row: int, label: str) -> None:
    """The row's label, line by line, right against the chart."""
    lines = folded(visible(label), width=_LINE, lines=_LINES)
    left = -_PAD / (72 * _WIDTH * (1 - _LABEL - _SAID))
    for place, line in enumerate(lines):
        down = (place - (len(lines) - 1) / 2) * 1.15 * _SIZE / (72 * _ROW)
        say = partial(axes.text, transform=axes.get_yaxis_transform(), va="center", ha="right")
        say(left, row + down, directed(line), color=INK)


def _say(axes: Any, row: int, shown: Shown) -> None:
    """Value and n beside the row; a figure that is withheld or absent says so in its place."""
    say = partial(axes.text, transform=axes.get_yaxis_transform(), va="center")
    if _drawn(shown):
        edge = 1 + 0.96 * _SAID / (1 - _LABEL - _SAID)
        say(1.03, row, shown.value, color=INK, fontweight="bold")
        say(edge, row, shown.n.partition(" (")[0], color=MUTED, ha="right")
    else:
        say(0.02, row, directed(visible(shown.value)), color=MUTED, style="italic")


def _label(shown: Shown, *, attribute: bool) -> str:
    """What tells this row from its neighbours: the groups and facets, without the metric."""
    finding = shown.finding
    if finding.groups is None:
        return "; ".join(value for _, value in sorted(finding.facets.items())) or shown.title
    text = saying.groups(finding.groups) if attribute else saying.groups(finding.groups).partition(": ")[2]
    return "; ".join([text, *(value for _, value in sorted(finding.facets.items()))])


def _intervals(axes: Any, panel: Sequence[Shown]) -> None:
    """Intervals against what their limit tolerates: the tinted region is the tolerated one."""
    low, high = axes.get_xlim()
    for row, shown in enumerate(panel):
        limit = shown.finding.limit
        if limit is None or not _drawn(shown):
            continue
        edges = limit.edges()
        good = (low if edges[0] is None else edges[0], high if edges[1] is None else edges[1])
        axes.barh(row, good[1] - good[0], left=good[0], height=1.0, color=BAND, zorder=0)
        for edge in edges:
            if edge is not None:
                axes.vlines(edge, row - 0.5, row + 0.5, color=MUTED, linewidth=1.2, zorder=1)
    origin = neutral(panel[0].finding)
    if origin is not None and low <= origin <= high:
        axes.axvline(origin, color=MUTED, linewidth=0.7, linestyle=(0, (2, 2)), zorder=1)
    for row, shown in enumerate(panel):
        _interval(axes, row, shown)


def _rates(axes: Any, panel: Sequence[Shown]) -> None:
    """Shares from zero, with their intervals."""
    highest = max([shown.finding.estimate.high or 0.0 for shown in panel if _drawn(shown)], default=1.0)
    axes.set_xlim(0.0, min(1.0, 1.08 * highest) if 0 < highest <= 1 else max(1.08 * highest, 1.0))
    for row, shown in enumerate(panel):
        if _drawn(shown):
            axes.barh(row, shown.finding.estimate.value, height=0.56, color=BAND, zorder=0)
        _interval(axes, row, shown)


def _interval(axes: Any, row: int, shown: Shown) -> None:
    if not _drawn(shown):
        return
    finding = shown.finding
    estimate, colour = finding.estimate, COLOURS[finding.verdict]
    assert estimate.low is not None and estimate.high is not None
    axes.hlines(row, estimate.low, estimate.high, color=colour, linewidth=1.6, zorder=3)
    for edge in (estimate.low, estimate.high):
        axes.vlines(edge, row - 0.14, row + 0.14, color=colour, linewidth=1.6, zorder=3)
    axes.plot([estimate.value], [row], linestyle="none", zorder=4, clip_on=False, **_marker(finding))


def _marker(finding: Finding) -> dict[str, Any]:
    colour = COLOURS[finding.verdict]
    return {
        "marker": _SHAPES[finding.verdict],
        "markersize": 5.5 if finding.verdict is not Verdict.NOT_APPLICABLE else 4.5,
        "markerfacecolor": PAPER if finding.verdict in _OPEN else colour,
        "markeredgecolor": colour,
        "markeredgewidth": 1.5,
    }


def _legend(sheet: Any, shown: Sequence[Shown]) -> None:
    """What the shapes mean: only those that occur."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = []
    for verdict in Verdict:
        found = next((each for each in shown if each.finding.verdict is verdict and _drawn(each)), None)
        if found is not None:
            handles.append(Line2D([], [], label=saying.verdict(verdict), linestyle="none", **_marker(found.finding)))
    if any(each.finding.limit is not None and _drawn(each) for each in shown):
        handles.append(Patch(facecolor=BAND, edgecolor=MUTED, linewidth=0.8, label="within the limit"))
    if handles:
        sheet.legend(
            handles=handles,
            loc="lower left",
            ncols=len(handles),
            frameon=False,
            fontsize=8,
            labelcolor=MUTED,
            bbox_to_anchor=(0.0, 0.0),
            handletextpad=0.4,
            columnspacing=1.4,
            borderaxespad=0.2,
        )


_KINDS: Mapping[str, Callable[[Any, Sequence[Shown]], None]] = {"intervals": _intervals, "rates": _rates}
