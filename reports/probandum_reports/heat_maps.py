"""Heat maps: a share of every group where attributes cross, darker where it is larger, with its value and n.

A group that breaks a limit beside another one is framed, and its cell bears the shape of a FAIL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from probandum.document import Figure
from probandum.finding import Finding, Verdict
from probandum_reports import saying
from probandum_reports.charting import COLOURS, INK, MEASURED, MUTED, PAGE, RULE, SHAPES, SIZE, WIDTH, blank, drawn
from probandum_reports.directions import directed
from probandum_reports.estimate_words import n_alone
from probandum_reports.labels import folded
from probandum_reports.messages import said
from probandum_reports.neighbours import comparisons
from probandum_reports.pages import visible
from probandum_reports.row_charts import panels
from probandum_reports.sayings import Shown
from probandum_reports.view import View

#: How many rows and columns a map may have.
MOST_ROWS, MOST_COLUMNS = 12, 8
_CELL, _TOP, _BOTTOM, _LEGEND = 0.46, 0.66, 0.1, 0.42  # inches
_LABEL = 0.26  # share of the width, left of the cells
_LINE, _LINES = 24, 2  # cells of a line, lines of a label
#: Lines of a column's head, and the height of each beyond the first, in inches.
_HEADS, _HEAD = 3, 0.14
#: How dark the lowest and the highest share are: letters stay readable on both, on light paper and on dark.
_PALE, _DARK, _STEPS = 0.05, 0.5, 5
_HATCH = "////"


@dataclass(frozen=True, slots=True)
class Grid:
    """Groups by the parts of their names: columns by the last attribute, rows by the others."""

    rows: Sequence[str]
    columns: Sequence[str]
    cells: Mapping[tuple[str, str], Shown]


def place(finding: Finding) -> tuple[str, str] | None:
    """The row and the column of a group of crossed attributes; None for any other, and for a name that cannot be cut.

    A name can be cut where it has one star fewer than the crossing has attributes.
    """
    groups = finding.groups
    if groups is None or groups.reference is not None or "*" not in groups.attribute:
        return None
    parts = groups.group.split("*")
    if len(parts) != len(groups.attribute.split("*")):
        return None
    return saying.joined(parts[:-1]), parts[-1]


def grid(members: Sequence[Shown]) -> Grid | None:
    """The groups of one crossing and metric as a grid; None where some have no place, or there are too many."""
    places = [place(each.finding) for each in members]
    known = [each for each in places if each is not None]
    rows, columns = (list(dict.fromkeys(each[part] for each in known)) for part in (0, 1))
    fits = 2 <= len(rows) <= MOST_ROWS and 2 <= len(columns) <= MOST_COLUMNS
    if len(known) < len(places) or len(set(known)) < len(known) or not fits:
        return None
    return Grid(rows, columns, dict(zip(known, members, strict=True)))


def chart(figure: Figure, view: View, _: Mapping[str, str]) -> Any:
    """A sheet with one map a metric, and a scale of the shades."""
    grids = [(panel, found) for panel in panels(figure, view) if (found := grid(panel)) is not None]
    heads = [_heads(found) for _, found in grids]
    tops = [_top(lines) for lines in heads]
    height = sum(_height(found) for _, found in grids) + _LEGEND
    sheet, top = blank(height), height
    low, high = _scale([shown for panel, _ in grids for shown in panel if drawn(shown)])
    broken = {shown.finding.id for panel, _ in grids for shown in panel if breaks(shown, view)}
    for (panel, found), lines, above in zip(grids, heads, tops, strict=True):
        top -= above
        share = _CELL * len(found.rows) / height
        axes = sheet.add_axes((_LABEL, top / height - share, 1 - _LABEL, share))
        _frame(axes, panel[0], found, lines, above)
        for row, name in enumerate(found.rows):
            for column, other in enumerate(found.columns):
                shown = found.cells.get((name, other))
                _cell(axes, row, column, shown, (low, high))
                if shown is not None and shown.finding.id in broken:
                    _mark(axes, row, column)
        top -= _CELL * len(found.rows) + _BOTTOM
    _legend(sheet.add_axes((_LABEL, 0.06 / height, 1 - _LABEL, 0.3 / height)), low, high, marked=bool(broken))
    return sheet


def sheets(members: Sequence[Shown]) -> list[list[Shown]]:
    """The findings of one crossing by metric, on as many sheets as their maps need to fit a page each."""
    by_metric: dict[str, list[Shown]] = {}
    for each in members:
        by_metric.setdefault(each.finding.metric, []).append(each)
    found: list[list[Shown]] = []
    left = 0.0
    for own in by_metric.values():
        made = grid(own)
        needed = 0.0 if made is None else _height(made)
        if not found or needed > left:
            found.append([])
            left = PAGE - _LEGEND
        found[-1] += own
        left -= needed
    return found


def _height(found: Grid) -> float:
    return _top(_heads(found)) + _CELL * len(found.rows) + _BOTTOM


def _top(heads: Sequence[Sequence[str]]) -> float:
    """What stands above the cells: a title, and as many lines as the longest head takes."""
    return _TOP + _HEAD * (max(map(len, heads)) - 1)


def breaks(shown: Shown, view: View) -> bool:
    """Whether a group's rate breaks a limit beside another group's."""
    return any(each.finding.verdict is Verdict.FAIL for each in comparisons(shown, view))


def _heads(found: Grid) -> list[list[str]]:
    """What stands above each column, in lines that fit it."""
    fits = max(4, int(72 * WIDTH * (1 - _LABEL) / len(found.columns) / (0.62 * SIZE)))
    return [folded(visible(name), width=fits, lines=_HEADS) for name in found.columns]


def _frame(axes: Any, first: Shown, found: Grid, heads: Sequence[Sequence[str]], above: float) -> None:
    """Names above and beside the cells, and nothing else; the cells begin so many inches below the edge ``above``."""
    axes.set_facecolor("none")
    axes.set_xlim(-0.5, len(found.columns) - 0.5)
    axes.set_ylim(len(found.rows) - 0.5, -0.5)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    width = 72 * WIDTH * (1 - _LABEL)
    left = -_LABEL / (1 - _LABEL)
    up = (above - 0.12) / _CELL
    axes.text(
        left,
        -0.5 - up,
        directed(visible(first.title)),
        transform=axes.get_yaxis_transform(),
        fontsize=9.5,
        fontweight="bold",
        color=INK,
        va="top",
    )
    for column, lines in enumerate(heads):
        middle = 0.3 + (len(lines) - 1) / 2 * 1.15 * SIZE / (72 * _CELL)
        _lines(axes, column, -0.5 - middle, lines, ha="center")
    for row, name in enumerate(found.rows):
        _lines(axes, -0.5 - 8 * len(found.columns) / width, row, folded(visible(name), width=_LINE, lines=_LINES))


def _lines(axes: Any, across: float, down: float, lines: Sequence[str], *, ha: str = "right") -> None:
    for number, line in enumerate(lines):
        shift = (number - (len(lines) - 1) / 2) * 1.15 * SIZE / (72 * _CELL)
        axes.text(across, down + shift, directed(line), ha=ha, va="center", color=INK)


def _cell(axes: Any, row: int, column: int, shown: Shown | None, scale: tuple[float, float]) -> None:
    """One group: its shade, its value and its n; what is withheld is hatched and has neither."""
    if shown is None:
        axes.text(column, row, said("nobody"), ha="center", va="center", color=MUTED, fontsize=8)
        return
    box: dict[str, Any] = {"edgecolor": RULE, "linewidth": 0.8}
    if not drawn(shown):
        _box(axes, row, column, facecolor="none", **(box | {"hatch": _HATCH if shown.suppressed else None}))
        words = said("not shown") if shown.suppressed else saying.no_value()
        axes.text(column, row, words, ha="center", va="center", color=MUTED, fontsize=8, style="italic")
        return
    value = shown.finding.estimate.value
    assert value is not None
    low, high = scale
    _box(axes, row, column, facecolor=MEASURED, alpha=_shade((value - low) / (high - low)), linewidth=0)
    _box(axes, row, column, facecolor="none", **box)
    axes.text(column, row - 0.14, shown.value, ha="center", va="center", color=INK, fontweight="bold", fontsize=9.5)
    axes.text(column, row + 0.24, n_alone(shown.finding.estimate), ha="center", va="center", color=INK, fontsize=7.5)


def _mark(axes: Any, row: int, column: int) -> None:
    """The frame and the shape of a FAIL."""
    colour = COLOURS[Verdict.FAIL]
    _box(axes, row, column, facecolor="none", edgecolor=colour, linewidth=2.0)
    axes.plot([column + 0.4], [row - 0.28], color=colour, marker=SHAPES[Verdict.FAIL], markersize=5.5)


def _box(axes: Any, row: int, column: int, **looks: Any) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle((column - 0.48, row - 0.46), 0.96, 0.92, **looks))


def _shade(share: float) -> float:
    """How dark a place between the lowest and the highest is."""
    return _PALE + (_DARK - _PALE) * share


def _scale(found: Sequence[Shown]) -> tuple[float, float]:
    """Tenths that hold every share."""
    values = [each.finding.estimate.value or 0.0 for each in found] or [0.0, 1.0]
    low = int(10 * min(values) + 1e-9) / 10
    high = -int(-(10 * max(values) - 1e-9) // 1) / 10
    return (low, high) if high > low else (min(low, 0.9), min(low, 0.9) + 0.1)


def _legend(axes: Any, low: float, high: float, *, marked: bool) -> None:
    """Which shade is which share, and what a mark says where there is one."""
    axes.set_facecolor("none")
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    from matplotlib.patches import Rectangle

    width = 0.075
    start = 0.01
    for step in range(_STEPS):
        share = (step + 0.5) / _STEPS
        axes.add_patch(
            Rectangle((start + width * step, 0.5), width, 0.42, facecolor=MEASURED, alpha=_shade(share), lw=0)
        )
    for place, value in ((0.0, low), (0.5, (low + high) / 2), (1.0, high)):
        across = start + width * _STEPS * place
        axes.text(across, 0.22, saying.number(round(value, 3)), ha="center", va="center", color=MUTED, fontsize=8)
    behind = start + width * _STEPS + 0.03
    axes.text(behind, 0.71, said("darker: a larger share"), va="center", color=MUTED, fontsize=8)
    if marked:
        axes.plot([behind + 0.01], [0.22], color=COLOURS[Verdict.FAIL], marker=SHAPES[Verdict.FAIL], markersize=5.5)
        broken = said("beyond the limit beside another group")
        axes.text(behind + 0.035, 0.22, broken, va="center", color=MUTED, fontsize=8)
