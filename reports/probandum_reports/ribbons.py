"""Ribbons: a prompt sentence by sentence, each tinted by what it adds to the answer, with its interval beside it.

A sentence that speaks for the favourable answer has a plus before it and a solid line under it, one that speaks against
it a minus and a broken line; colour and tint say the same, so that a picture printed in grey loses nothing. One whose
interval holds 0 has neither line, and a point for a mark.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from probandum.document import Figure, Number, Table
from probandum_reports.charting import INK, MUTED, NARROW, RULE, SIZE, WIDTH, blank, drawn, quiet
from probandum_reports.directions import directed
from probandum_reports.labels import folded
from probandum_reports.messages import said
from probandum_reports.pages import visible
from probandum_reports.sayings import Shown
from probandum_reports.tables import as_table
from probandum_reports.view import View
from probandum_reports.waterfalls import AGAINST, TOWARDS

METRICS = ("explain.prompt-attribution/log-odds-attribution", "explain.prompt-attribution/probability-attribution")
#: What the probe calls the sentence that has nothing to do with the case.
_IRRELEVANT = "placebo"
#: How many prompts are drawn; the tables of the annex hold all.
_PROMPTS = 3
_STRONGEST, _FAINTEST = 0.34, 0.03  # opacity: letters stay readable on either
_LINE, _PAD, _GAP, _TOP, _BOTTOM = 0.165, 0.055, 0.05, 0.5, 0.28  # inches
_SPACE = 0.3  # below the text in a narrow chart, where its interval lies
#: How thick the line under a sentence is, in printer's points.
UNDERLINE = 1.6
_SIGNS = {1: "+", -1: "\u2212", 0: "\u00b7"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Columns:
    """Where things lie, in inches: the text with so many cells a line, the scale, and the right edge of values."""

    width: float
    text: tuple[float, float]
    cells: int
    scale: tuple[float, float]
    below: float


_WIDE = _Columns(width=WIDTH, text=(0.2, 4.32), cells=62, scale=(4.5, 5.55), below=0.0)
_SLIM = _Columns(width=NARROW, text=(0.2, NARROW - 0.03), cells=45, scale=(0.3, 2.35), below=_SPACE)


def prompts(shown: Sequence[Shown], repeats: str) -> Iterator[Figure]:
    """A figure a prompt whose sentences have figures of their own."""
    found: dict[str, list[Shown]] = {}
    for each in shown:
        if each.finding.metric in METRICS and "segment" in each.finding.facets and drawn(each):
            found.setdefault(each.finding.facets["prompt"], []).append(each)
    for prompt, members in list(found.items())[:_PROMPTS]:
        caption = said("What each sentence of the prompt {prompt} adds to the answer", prompt=prompt)
        alt = said(
            "The sentences of one prompt in their order, tinted by how much each adds: plus and solid line for the "
            "favourable answer, minus and broken line against it, a point where it cannot be told: {sentences}.",
            sentences="; ".join(f"{_mark(each)} “{_text(each)}”" for each in members),
        )
        yield Figure(
            kind="ribbon",
            caption=caption,
            alt=f"{alt} {repeats}",
            reading=_reading(members),
            findings=tuple(each.finding.id for each in members),
            twin=Table(
                caption=as_table(caption),
                header=("Sentence", "What it is", "What it adds"),
                rows=tuple((_text(each), _part(each), Number(finding=each.finding.id)) for each in members),
            ),
        )


def chart(figure: Figure, view: View, beside: Mapping[str, str]) -> Any:
    """A sheet with the text on the left and the intervals on the right."""
    return _sheet([view.shown(name) for name in figure.findings], _WIDE)


def narrow(figure: Figure, view: View, beside: Mapping[str, str]) -> Any:
    """The same for a narrow window, each interval below its sentence."""
    return _sheet([view.shown(name) for name in figure.findings], _SLIM)


def _sheet(members: Sequence[Shown], at: _Columns) -> Any:
    lines = [
        [directed(line) for line in folded(visible(f"{_text(each)} ({_part(each)})"), width=at.cells, lines=4)]
        for each in members
    ]
    heights = [2 * _PAD + _LINE * len(own) for own in lines]
    height = _TOP + sum(each + _GAP + at.below for each in heights) + _BOTTOM
    sheet = blank(height, at.width)
    axes = sheet.add_axes((0.0, 0.0, 1.0, 1.0))
    quiet(axes)
    axes.set_axis_off()
    axes.set_xlim(0.0, at.width)
    axes.set_ylim(height, 0.0)
    key = said("+ for the favourable answer, \u2212 against it, \u00b7 cannot be told")
    axes.text(0.0, 0.14, said("What each sentence adds"), fontsize=9.5, fontweight="bold", color=INK, va="center")
    axes.text(0.0, 0.33, key, fontsize=8, color=MUTED, va="center")
    reach = max(max(abs(each.finding.estimate.low or 0.0), abs(each.finding.estimate.high or 0.0)) for each in members)
    most = max(abs(each.finding.estimate.value or 0.0) for each in members)
    reach, most = _rounded(reach), most or 1.0
    down = _TOP
    for each, own, tall in zip(members, lines, heights, strict=True):
        _sentence(axes, each, own, down, tall, at, share=abs(each.finding.estimate.value or 0.0) / most)
        _interval(axes, each, down + (tall + 0.11 if at.below else tall / 2), at, reach)
        down += tall + _GAP + at.below
    _scale(axes, down, at, reach)
    return sheet


def _sentence(
    axes: Any, shown: Shown, lines: Sequence[str], top: float, tall: float, at: _Columns, *, share: float
) -> None:
    """The text on its tint, with its mark in front and its line below."""
    from matplotlib.patches import Rectangle

    left, right = at.text
    sign = _sign(shown)
    colour = _colour(shown)
    axes.add_patch(
        Rectangle((left, top), right - left, tall, facecolor=colour, alpha=tint(share), linewidth=0, zorder=1)
    )
    axes.text(0.07, top + tall / 2, _SIGNS[sign], color=INK, ha="center", va="center", fontweight="bold", fontsize=11)
    for number, line in enumerate(lines):
        down = top + _PAD + (number + 0.5) * _LINE
        axes.text(left + 0.06, down, line, color=INK, va="center", fontsize=SIZE, zorder=3)
    if sign:
        style = "-" if sign > 0 else "--"
        axes.plot([left, right], [top + tall, top + tall], color=colour, linewidth=UNDERLINE, linestyle=style, zorder=2)


def _interval(axes: Any, shown: Shown, row: float, at: _Columns, reach: float) -> None:
    """A whisker from the lower to the upper end, the value on it, and its number beside it."""
    estimate = shown.finding.estimate
    low, value, high = (_place(number or 0.0, at, reach) for number in (estimate.low, estimate.value, estimate.high))
    colour = _colour(shown)
    axes.hlines(row, low, high, color=colour, linewidth=1.4, zorder=3)
    axes.plot([value], [row], linestyle="none", marker="D", markersize=4.2, color=colour, zorder=4)
    axes.plot([at.scale[0] + (at.scale[1] - at.scale[0]) / 2] * 2, [row - 0.11, row + 0.11], color=MUTED, linewidth=0.8)
    axes.text(at.width, row, shown.value, color=INK, fontweight="bold", ha="right", va="center", zorder=3)


def _scale(axes: Any, top: float, at: _Columns, reach: float) -> None:
    """The ends of the scale and its middle."""
    left, right = at.scale
    axes.hlines(top, left, right, color=RULE, linewidth=1.0)
    for number, edge in ((-reach, "left"), (0.0, "center"), (reach, "right")):
        place = _place(number, at, reach)
        axes.vlines(place, top, top + 0.04, color=RULE, linewidth=1.0)
        mark = f"{number:+.3g}".replace("-", "\u2212") if number else "0"
        axes.text(place, top + 0.13, mark, color=MUTED, fontsize=8, ha=edge, va="center")


def tint(share: float) -> float:
    """How opaque the colour behind letters is, by the share of the largest size; letters stay readable on all.

    >>> tint(0.0), tint(1.0)
    (0.03, 0.34)
    """
    return round(_FAINTEST + (_STRONGEST - _FAINTEST) * share, 4)


def _rounded(reach: float) -> float:
    """The next number with one digit that is no smaller; 1 for nothing.

    >>> _rounded(0.721), _rounded(3.0), _rounded(0.0)
    (0.8, 3.0, 1.0)
    """
    if reach <= 0:
        return 1.0
    digits = -math.floor(math.log10(reach))
    return round(math.ceil(round(reach * 10.0**digits, 9)) / 10.0**digits, max(0, digits))


def _place(number: float, at: _Columns, reach: float) -> float:
    left, right = at.scale
    return left + (right - left) * (number + reach) / (2 * reach)


def _sign(shown: Shown) -> int:
    """Which way the whole interval lies: 1, -1, or 0 where it holds 0."""
    low, high = shown.finding.estimate.low or 0.0, shown.finding.estimate.high or 0.0
    return 1 if low > 0 else -1 if high < 0 else 0


def _mark(shown: Shown) -> str:
    return _SIGNS[_sign(shown)]


def _colour(shown: Shown) -> str:
    value = shown.finding.estimate.value or 0.0
    return MUTED if value == 0 else TOWARDS if value > 0 else AGAINST


def _part(shown: Shown) -> str:
    """What kind of sentence it is."""
    return shown.finding.facets["part"]


def _text(shown: Shown) -> str:
    """The sentence without its number."""
    return shown.finding.facets["segment"].partition(": ")[2]


def _reading(members: Sequence[Shown]) -> str:
    """Which sentence adds most either way, and how many can be told from nothing."""
    told = [each for each in members if _sign(each)]
    if not told:
        return said("No sentence can be told from one that adds nothing.")
    most = max(told, key=lambda each: abs(each.finding.estimate.value or 0.0))
    if _sign(most) > 0:
        parts = [said("Most is added by what is called {part}, for the favourable answer", part=_part(most))]
    else:
        parts = [said("Most is added by what is called {part}, against the favourable answer", part=_part(most))]
    some = said("{some} of {all} sentences can be told from one that adds nothing", some=len(told), all=len(members))
    parts.append(some)
    idle = [each for each in members if _part(each) == _IRRELEVANT]
    if idle:
        least = max(abs(each.finding.estimate.value or 0.0) for each in idle)
        more = sum(abs(each.finding.estimate.value or 0.0) > least for each in members)
        others = len(members) - len(idle)
        parts.append(said("{some} of {all} add more, either way, than the irrelevant one", some=more, all=others))
    return f"{'; '.join(parts)}."
