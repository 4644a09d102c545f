"""Word ribbons: a text word by word, each tinted by what it added to the decision that a document explains.

A word that speaks one way has a solid line under it, one that speaks the other way a broken one; colour and tint say
the same, so that a picture printed in grey loses nothing. A word whose part is not stable has no line, and one without
any part in the answer stands in grey. Of a long text several words together are one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from probandum.document import Figure, Table
from probandum.reasons import Factor
from probandum_reports.charting import INK, MUTED, NARROW, PAGE, RULE, SIZE, WIDTH, blank, legend, quiet
from probandum_reports.decision_names import NO_PART, passage
from probandum_reports.decision_words import DecisionWords
from probandum_reports.directions import directed
from probandum_reports.labels import cells, folded
from probandum_reports.messages import counted, said
from probandum_reports.pages import visible
from probandum_reports.ribbons import UNDERLINE, tint
from probandum_reports.view import View
from probandum_reports.waterfalls import AGAINST, TOWARDS

_CELL, _SIDE, _TALL, _LINE, _GAP = 0.078, 0.06, 0.21, 0.32, 0.05  # inches: of a letter, beside words, of lines
_TOP, _KEYS, _COLUMNS = 0.06, 0.2, 4
_IDLE = 0.6  # opacity of what has no part
_MOST = 36  # cells of a word


class _Chip(NamedTuple):
    """A word with the factor that it is, or is a part of, and where it stands."""

    factor: Factor
    text: str
    left: float
    width: float
    line: int


def figure(words: DecisionWords, table: Table) -> Figure:
    """The words of the text in their order; ``table`` says the same in numbers."""
    more, less = words.ways
    return Figure(
        kind="words",
        caption=said("What each {thing} of the text added", thing=words.thing),
        alt=said(
            "The text in its order, each {thing} tinted by how much it added, with a solid line under what was {more} "
            "and a broken line under what was {less}, and grey what was {idle}. The table repeats every value.",
            thing=words.thing,
            more=more,
            less=less,
            idle=said(NO_PART),
        ),
        reading=_reading(words),
        findings=(),
        twin=table,
    )


def _reading(words: DecisionWords) -> str:
    """How many words have a part that is stable, one that is not, and none."""
    factors = words.decision.factors
    parts: list[str] = []
    if kept := sum(each.kept for each in factors):
        parts.append(counted(kept, "{n} has a part that is stable", "{n} have a part that is stable"))
    if left := len(words.decision.left_out):
        parts.append(counted(left, "{n} has one that is not stable", "{n} have one that is not stable"))
    if idle := sum(each.idle for each in factors):
        parts.append(counted(idle, "{n} has no part at all", "{n} have no part at all"))
    return said("Of {things} {parts}.", things=words.things(len(factors)), parts=", ".join(parts))


def chart(figure: Figure, view: View, beside: Mapping[str, str]) -> Any:
    """A sheet with the text."""
    return _sheet(DecisionWords(view.dossier), WIDTH)


def narrow(figure: Figure, view: View, beside: Mapping[str, str]) -> Any:
    """The same for a narrow window."""
    return _sheet(DecisionWords(view.dossier), NARROW)


def _sheet(words: DecisionWords, width: float) -> Any:
    from matplotlib.patches import Rectangle

    factors = words.in_order()
    fits = _TOP + _LINE * (list(_chips(factors, WIDTH, whole=True))[-1].line + 1) <= PAGE - _KEYS
    chips = list(_chips(factors, width, whole=fits))
    handles = _handles(words)
    columns = 1 if width == NARROW else _COLUMNS
    keys = _KEYS * math.ceil(len(handles) / columns) + 0.06
    height = _TOP + _LINE * (chips[-1].line + 1) + keys
    sheet = blank(height, width)
    axes = sheet.add_axes((0.0, 0.0, 1.0, 1.0))
    quiet(axes)
    axes.set_axis_off()
    axes.set_xlim(0.0, width)
    axes.set_ylim(height, 0.0)
    most = max(abs(each.factor.weight.value) for each in chips) or 1.0
    for each in chips:
        weight = words.turn * each.factor.weight.value
        colour, top = TOWARDS if weight > 0 else AGAINST, _TOP + _LINE * each.line
        box = Rectangle((each.left, top), each.width, _TALL, linewidth=0, zorder=1)
        if each.factor.idle:
            box.set(facecolor=RULE, alpha=_IDLE)
        else:
            box.set(facecolor=colour, alpha=tint(abs(weight) / most))
        axes.add_patch(box)
        middle = each.left + each.width / 2
        axes.text(middle, top + _TALL / 2, directed(each.text), color=INK, ha="center", va="center", fontsize=SIZE)
        if each.factor.kept:
            ends, style = [each.left, each.left + each.width], "-" if weight > 0 else "--"
            axes.plot(ends, [top + _TALL] * 2, color=colour, linewidth=UNDERLINE, linestyle=style, zorder=2)
    legend(sheet, handles, columns=columns)
    return sheet


def _chips(factors: Sequence[Factor], width: float, *, whole: bool) -> Iterator[_Chip]:
    """Words side by side, as wide as their letters may be in any font, in lines that fit the sheet.

    Those of one passage touch each other; of a text that fits no page each passage shows its ends, if not ``whole``.
    """
    left, line = 0.0, 0
    for factor in factors:
        shown = visible(factor.told.name)
        for word in (shown if whole else passage(shown)).split() or [""]:
            (text,) = folded(word, width=_MOST, lines=1) or [""]
            wide = _CELL * cells(text) + 2 * _SIDE
            if left and left + wide > width:
                left, line = 0.0, line + 1
            yield _Chip(factor, text, left, wide, line)
            left += wide
        left += _GAP


def _handles(words: DecisionWords) -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    more, less = words.ways
    handles: list[Any] = [
        Line2D([], [], color=TOWARDS, linewidth=UNDERLINE, label=more),
        Line2D([], [], color=AGAINST, linewidth=UNDERLINE, linestyle="--", label=less),
    ]
    if words.decision.left_out:
        handles.append(Line2D([], [], color=MUTED, linestyle="none", label=said("no line: not stable")))
    if any(each.idle for each in words.decision.factors):
        handles.append(Patch(facecolor=RULE, alpha=_IDLE, linewidth=0, label=said(NO_PART)))
    return handles
