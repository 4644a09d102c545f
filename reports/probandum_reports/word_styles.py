"""The styles of a Word document: own letters, spaces and frames under the names that Word and readers expect."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from probandum_reports.charting import INK, MUTED, RULE
from probandum_reports.messages import tag
from probandum_reports.ooxml import Element, Piece, element, name_of, trees

ACCENT = "#0a566b"
HUMAN = "#7b3a63"
#: The width between the margins, in twips: A4 less 21 mm on each side.
TEXT_WIDTH = 9524
_SERIF, _SANS, _MONO = "Georgia", "Calibri", "Consolas"


def colour(tone: str) -> Piece:
    """A colour as a run property."""
    return element("color", val=tone.lstrip("#"))


def box(kind: str, tone: str, width: float) -> Piece:
    """A frame around a paragraph; neighbours with the same frame share it. ``width`` in points."""
    return element("pBdr", *(_rule(side, kind, tone, width, 6) for side in ("top", "left", "bottom", "right")))


def bar(tone: str) -> Piece:
    """A thick line left of a paragraph."""
    return element("pBdr", _rule("left", "single", tone, 2.25, 8))


def restyle(styles: Element) -> None:
    """Replace the library's styles by ours; its four defaults stay, without a look of their own."""
    for style in list(styles):
        if style.tag == name_of("style"):
            if not style.get(name_of("default")):
                styles.remove(style)
            else:
                _strip(style)
    spoken = "-".join(filter(None, tag()))
    letters = element("rPr", _font(_SANS), colour(INK), *_size(10.5), element("lang", val=spoken, eastAsia=spoken))
    defaults = element(
        "docDefaults",
        element("rPrDefault", letters),
        element("pPrDefault", element("pPr", _space(0, 6, 1.15))),
    )
    first, *ours = trees(defaults, *_headings(), *_paragraphs(), *_characters(), _table())
    styles.replace(styles.find(name_of("docDefaults")), first)
    styles.extend(ours)


def _strip(style: Element) -> None:
    if style.get(name_of("type")) == "paragraph":
        for part in list(style):
            if part.tag in (name_of("rPr"), name_of("pPr")):
                style.remove(part)


def _headings() -> Iterable[Piece]:
    yield _style("Title", _space(40, 4, 1.0), _letters(_SERIF, 30, INK))
    yield _style("Subtitle", _space(0, 26), _letters(_SANS, 12, MUTED))
    yield _style("System", _space(0, 2), _letters(_SERIF, 17, INK))
    yield _style("Status", _space(6, 16), _letters(_SANS, 10.5, INK, bold=True), box("single", INK, 0.75), _indent(120))
    for level, (points, before, after) in enumerate(((19, 26, 6), (14, 18, 5), (11.5, 14, 4), (10.5, 11, 3)), 1):
        yield _style(
            f"heading {level}",
            _space(before, after, 1.0),
            _letters(_SERIF, points, INK, bold=level > 2),
            element("keepNext"),
            element("keepLines"),
            *([element("pBdr", _rule("top", "single", ACCENT, 1.5, 6))] if level == 1 else []),
            element("outlineLvl", val=level - 1),
        )
    yield _style("toc 1", _space(2, 0), _letters(_SANS, 10, INK))
    yield _style("toc 2", _space(0, 0), _letters(_SANS, 9.5, INK), _indent(280, right=0))


def _paragraphs() -> Iterable[Piece]:
    quiet = element("pBdr", _rule("left", "single", RULE, 1, 8))
    yield _style("Citation", _space(0, 8), _letters(_SANS, 9, MUTED), element("keepNext"))
    yield _style("Lead", _space(4, 10), _letters(_SANS, 12, INK))
    yield _style("Note", _space(4, 8), _letters(_SANS, 9.5, MUTED), quiet, _indent(200, right=0))
    yield _style("Warning", _space(8, 10), _letters(_SANS, 10.5, INK), box("single", INK, 0.75), _indent(120))
    yield _style("Fact", _space(2, 2), None, _tab("left", 2700), _hanging(2700))
    yield _style("Cover Fact", _space(1, 1), _letters(_SANS, 9.5, INK), _tab("left", 2100), _hanging(2100))
    yield _style("Digest", _space(0, 0), _letters(_MONO, 8, INK), _tab("left", 1700), _hanging(1700))
    yield _style("Bullet", _space(2, 2), None, _hanging(260))
    yield _style("Finding", _space(0, 0), _letters(_SANS, 9.5, INK), element("keepLines"), _indent(200, right=0))
    yield _style("Gap", _space(0, 0), None, element("keepLines"), _indent(140))
    yield _style("caption", _space(10, 4), _letters(_SANS, 9.5, INK), element("keepNext"))
    yield _style("Table Text", _space(1, 1, 1.05), _letters(_SANS, 9, INK))
    yield _style("Table Small", _space(0, 0, 1.0), _letters(_SANS, 7.5, INK))
    yield _style("Table Head", _space(2, 2, 1.05), _letters(_SANS, 9, INK, bold=True), element("keepNext"))
    for name in ("header", "footer"):
        yield _style(name, _space(0, 0), _letters(_SANS, 8.5, MUTED), _tab("right", TEXT_WIDTH))


def _characters() -> Iterable[Piece]:
    for name, looks in {
        "Placeholder Text": [colour(HUMAN)],
        "Small": [colour(MUTED), *_size(8.5)],
        "Fine": [colour(MUTED), *_size(7)],
        "Identifier": [_font(_MONO), colour(MUTED), *_size(8)],
        "Value": [_font(_SERIF), colour(INK), *_size(17)],
    }.items():
        yield _made("character", name, [element("rPr", *looks)], based=None)


def _table() -> Piece:
    borders = element(
        "tblBorders",
        _rule("top", "single", INK, 1, 0),
        _rule("bottom", "single", RULE, 0.5, 0),
        _rule("insideH", "single", RULE, 0.5, 0),
    )
    sides = {"top": 50, "left": 80, "bottom": 50, "right": 80}
    margins = element("tblCellMar", *(element(side, w=width, type="dxa") for side, width in sides.items()))
    first = element(
        "tcPr",
        element("tcBorders", _rule("bottom", "single", INK, 0.75, 0)),
        element("shd", val="clear", color="auto", fill="EDF1F2"),
    )
    parts = [element("tblPr", borders, margins), element("tblStylePr", first, type="firstRow")]
    return _made("table", "Evidence", parts, based="TableNormal")


def _style(name: str, space: Piece, letters: Piece | None, *looks: Piece) -> Piece:
    """A paragraph style; its properties are put into the schema's order."""
    late = [look for look in looks if look.startswith(("<w:ind ", "<w:outlineLvl "))]
    properties = [*(look for look in looks if look not in late), space, *late]
    return _made("paragraph", name, [element("pPr", *properties), *([] if letters is None else [letters])])


def _made(kind: str, name: str, parts: Iterable[Piece], *, based: str | None = "Normal") -> Piece:
    base = [] if based is None else [element("basedOn", val=based)]
    id = name.title().replace(" ", "")
    return element("style", element("name", val=name), *base, element("qFormat"), *parts, type=kind, styleId=id)


def _letters(font: str, points: float, tone: str, *, bold: bool = False) -> Piece:
    return element("rPr", _font(font), *([element("b")] if bold else []), colour(tone), *_size(points))


def _font(name: str) -> Piece:
    return element("rFonts", ascii=name, hAnsi=name, cs=name, eastAsia=name)


def _size(points: float) -> list[Piece]:
    return [element("sz", val=round(2 * points)), element("szCs", val=round(2 * points))]


def _space(before: float, after: float, line: float = 1.12) -> Piece:
    """Points before and after; ``line`` is the height of a line as a multiple of its own."""
    twips: dict[str, Any] = {"before": round(20 * before), "after": round(20 * after), "line": round(240 * line)}
    return element("spacing", **twips, lineRule="auto")


def _indent(left: int, *, right: int | None = None) -> Piece:
    return element("ind", left=left, right=left if right is None else right)


def _hanging(left: int) -> Piece:
    return element("ind", left=left, hanging=left)


def _tab(kind: str, place: int) -> Piece:
    return element("tabs", element("tab", val=kind, pos=place))


def _rule(side: str, kind: str, tone: str, width: float, space: int) -> Piece:
    return element(side, val=kind, sz=round(8 * width), space=space, color=tone.lstrip("#"))
