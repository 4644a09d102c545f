"""Variants of a system as points: what each takes against its quality, and against each gap between groups.

Both figures have their intervals. A variant that another one dominates is drawn open and grey; one whose energy nobody
can compare is an open square. Names stand beside the panel, each with a line to its point.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from probandum.export import trade_offs as told
from probandum.finding import Estimate
from probandum.tradeoffs import TradeOffs, Variant
from probandum_reports.charting import (
    INK,
    MEASURED,
    MUTED,
    NARROW,
    PAPER,
    RULE,
    WIDTH,
    blank,
    legend,
    lettered,
    quiet,
    ticked,
    written,
)
from probandum_reports.directions import directed
from probandum_reports.labels import folded
from probandum_reports.messages import counted, said
from probandum_reports.pages import visible

#: Panels of gaps that are drawn; the tables hold all.
_GAPS = 5
_PANEL, _LEFT, _RIGHT, _TOP, _BOTTOM, _LEGEND = 2.75, 0.74, 0.88, 0.55, 0.5, 0.34  # inches
_NAME, _TITLE = 15, 44  # cells of a name, and of a line of a title
#: How far names stand apart, as a share of the height of a panel.
_LINE = 0.095


class Panel(NamedTuple):
    """One picture: its title, what its height says, the value that is no difference, and a figure a variant."""

    title: str
    up: str
    neutral: float | None
    values: tuple[Estimate, ...]


def panels(found: TradeOffs) -> list[Panel]:
    """The quality first, then the gaps that every variant has, no more than five of them."""
    quality = Panel(found.quality, told.direction(found), None, tuple(each.quality for each in found.variants))
    return [quality, *_gap_panels(found)[:_GAPS]]


def left_out(found: TradeOffs) -> int:
    """How many gaps are not drawn; they stand in the table."""
    return len(found.gaps) - min(_GAPS, len(_gap_panels(found)))


def _gap_panels(found: TradeOffs) -> list[Panel]:
    return [
        Panel(gap.of, gap.unit, 1.0 if "ratio" in gap.unit else 0.0, gap.values)
        for gap in found.gaps
        if all(each.value is not None for each in gap.values)
    ]


def alt(found: TradeOffs) -> str:
    """What the picture shows, in words."""
    drawn = panels(found)
    others = len(drawn) - 1
    gaps = counted(
        others, ", and against {n} difference between groups", ", and against {n:,} differences between groups"
    )
    points = said(
        "One point for each of {variants}, with intervals both ways: {cost} in {unit} against {quality}{gaps}.",
        variants=counted(len(found.variants), "{n} variant", "{n:,} variants"),
        cost=found.cost,
        unit=found.variants[0].cost.unit,
        quality=found.quality,
        gaps=gaps if others else "",
    )
    return f"{points} {told.conclusion(found)} {said('The tables below hold every figure.')}"


def wide(found: TradeOffs) -> bytes:
    """Two panels side by side."""
    return _drawn(found, 2, WIDTH)


def narrow(found: TradeOffs) -> bytes:
    """One panel under another, for a narrow window."""
    return _drawn(found, 1, NARROW)


def _drawn(found: TradeOffs, columns: int, width: float) -> bytes:
    drawn = panels(found)
    rows = -(-len(drawn) // columns)
    height = rows * _PANEL + _LEGEND * (2 if columns == 1 else 1)
    with lettered():
        sheet = blank(height, width)
        each = width / columns
        for place, panel in enumerate(drawn):
            row, column = divmod(place, columns)
            top = height - row * _PANEL
            axes = sheet.add_axes(
                (
                    (column * each + _LEFT) / width,
                    (top - _PANEL + _BOTTOM) / height,
                    (each - _LEFT - _RIGHT) / width,
                    (_PANEL - _BOTTOM - _TOP) / height,
                )
            )
            _panel(axes, panel, found)
        legend(sheet, _handles(found), columns=columns)
        return written(sheet, alt(found))


def _panel(axes: Any, panel: Panel, found: TradeOffs) -> None:
    quiet(axes)
    axes.grid(color=RULE, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(True)
    axes.spines["left"].set_color(RULE)
    costs = [each.cost for each in found.variants]
    axes.set_xlim(0, max(_end(each.high) for each in costs) * 1.06)
    ends = [_end(end) for each in panel.values for end in (each.low, each.high)]
    ends += [] if panel.neutral is None else [panel.neutral]
    room = 0.08 * (max(ends) - min(ends) or 1.0)
    axes.set_ylim(min(ends) - room, max(ends) + room)
    if panel.neutral is not None:
        axes.axhline(panel.neutral, color=MUTED, linewidth=1.0, linestyle=(0, (4, 2)), zorder=2)
    for variant, value in zip(found.variants, panel.values, strict=True):
        colour = MUTED if variant.dominated else MEASURED
        axes.hlines(value.value, variant.cost.low, variant.cost.high, color=colour, linewidth=1.3, zorder=3)
        axes.vlines(variant.cost.value, value.low, value.high, color=colour, linewidth=1.3, zorder=3)
        axes.plot([variant.cost.value], [value.value], linestyle="none", zorder=5, clip_on=False, **_mark(variant))
    _named(axes, panel, found.variants)
    lines = folded(visible(panel.title), width=_TITLE, lines=2)
    axes.text(
        -0.16,
        1.08,
        "\n".join(map(directed, lines)),
        transform=axes.transAxes,
        va="bottom",
        ha="left",
        color=INK,
        fontsize=8,
    )
    cost = said("{unit}, less is better", unit=found.variants[0].cost.unit)
    axes.set_xlabel(cost, color=MUTED, fontsize=7.5, labelpad=2)
    axes.set_ylabel(panel.up, color=MUTED, fontsize=7.5, labelpad=2)
    ticked(axes.xaxis, 5)
    ticked(axes.yaxis, 5)


def _named(axes: Any, panel: Panel, variants: Sequence[Variant]) -> None:
    """Names to the right of the panel in the order of their points, one line apart at least."""
    low, high = axes.get_ylim()
    left, right = axes.get_xlim()
    at = [(_end(value.value) - low) / (high - low) for value in panel.values]
    order = sorted(range(len(variants)), key=lambda place: (-at[place], place))
    for place, spot in zip(order, _apart([at[each] for each in order]), strict=True):
        name = directed("".join(folded(visible(variants[place].name), width=_NAME, lines=1)))
        x, y = right + 0.05 * (right - left), low + spot * (high - low)
        ends = [_end(variants[place].cost.value), x], [_end(panel.values[place].value), y]
        axes.plot(*ends, color=RULE, linewidth=0.7, clip_on=False, zorder=1.5)
        axes.text(x, y, f" {name}", va="center", ha="left", color=INK, fontsize=7.5, zorder=4)


def _apart(wanted: Sequence[float]) -> list[float]:
    """Places from the highest down, each near the one that is wanted and a line below the one before, none below 0.

    >>> [round(each, 3) for each in _apart([0.9, 0.9, 0.1])]
    [0.9, 0.805, 0.1]
    >>> [round(each, 3) for each in _apart([0.05, 0.0])]
    [0.095, 0.0]
    """
    found: list[float] = []
    for each in wanted:
        found.append(min([each, *(before - _LINE for before in found[-1:])]))
    floor = 0.0
    for place in reversed(range(len(found))):
        found[place] = max(found[place], floor)
        floor = found[place] + _LINE
    return found


def _mark(variant: Variant) -> dict[str, Any]:
    """How the point of a variant looks."""
    colour = MUTED if variant.dominated else MEASURED
    open_ = bool(variant.dominated or variant.uncompared)
    return {
        "marker": "D" if variant.dominated else "s" if variant.uncompared else "o",
        "markersize": 5.5,
        "markerfacecolor": PAPER if open_ else colour,
        "markeredgecolor": colour,
        "markeredgewidth": 1.4,
    }


def _handles(found: TradeOffs) -> list[Any]:
    from matplotlib.lines import Line2D

    kinds = {said("dominated by another"): "D", said("not compared in energy"): "s", said("not dominated"): "o"}
    shown: dict[str, dict[str, Any]] = {}
    for each in found.variants:
        mark = _mark(each)
        label = next(name for name, marker in kinds.items() if marker == mark["marker"])
        shown.setdefault(label, mark)
    handles = [Line2D([], [], linestyle="none", label=label, **mark) for label, mark in shown.items()]
    if len(panels(found)) > 1:
        handles.append(Line2D([], [], color=MUTED, linewidth=1.0, linestyle=(0, (4, 2)), label=said("no difference")))
    return handles


def _end(value: float | None) -> float:
    assert value is not None
    return value
