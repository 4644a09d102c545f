"""Whether a reader of a Word file sees a run, and sees it stand.

It does not where it is hidden, tiny, squeezed, struck through, or of the colour of its ground. What a run does not say
of its look, its styles and that of its table say, and what these do not, the defaults of the document.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from probandum_reports.ooxml import name_of

#: What letters need at least: half points of size, per cent of their width, and the contrast with their ground.
_LEAST_SIZE, _LEAST_WIDTH, _LEAST_CONTRAST = 8, 20, 1.5
_OFF = ("0", "false", "off", "none")
#: What takes words away: nobody sees them, or whoever reads them takes them for deleted.
_AWAY = ("vanish", "strike", "dstrike")
_PAPER, _AUTOMATIC = "FFFFFF", "000000"
#: Colours that a theme gives paper and what lies on it.
_THEMED = {"background1": _PAPER, "light1": _PAPER, "bg1": _PAPER, "lt1": _PAPER}
_MARKERS = {
    "black": "000000",
    "darkBlue": "000080",
    "darkGray": "808080",
    "darkMagenta": "800080",
    "darkRed": "800000",
    "darkGreen": "008000",
    "darkCyan": "008080",
    "darkYellow": "808000",
    "blue": "0000FF",
    "red": "FF0000",
}
_TEXT_FILL = "{http://schemas.microsoft.com/office/word/2010/wordml}textFill"


class Looks:
    """How the runs of one opened Word file look, as far as they can be read at all."""

    def __init__(self, word: Any) -> None:
        root = word.styles.element
        styles = list(root.iter(name_of("style")))
        self._styles = {str(each.get(name_of("styleId"))): each for each in styles}
        self._default = {
            str(each.get(name_of("type"))): str(each.get(name_of("styleId")))
            for each in styles
            if each.get(name_of("default")) not in (None, *_OFF)
        }
        self._defaults = root.find(f"{name_of('docDefaults')}/{name_of('rPrDefault')}/{name_of('rPr')}")

    def hidden(self, run: Any) -> bool:
        """Whether nobody sees the text of ``run``, a ``w:r``, or sees it struck through."""
        told = list(self._told(run))
        if any(self._on(told, each) for each in _AWAY):
            return True
        size, width = self._number(told, "sz"), self._number(told, "w")
        if (size is not None and size < _LEAST_SIZE) or (width is not None and width < _LEAST_WIDTH):
            return True
        if any(fill[:1] and fill[0].tag.endswith("}noFill") for each in told for fill in each.iter(_TEXT_FILL)):
            return True
        colour = next((each for part in told if (each := part.find(name_of("color"))) is not None), None)
        return _contrast(_letters(colour), self._ground(run, told)) < _LEAST_CONTRAST

    def _told(self, run: Any) -> Iterator[Any]:
        """The properties of a run, the nearest first: its own, those of its styles and the defaults."""
        own = run.find(name_of("rPr"))
        paragraph = next(run.iterancestors(name_of("p")), None)
        table = next(run.iterancestors(name_of("tbl")), None)
        if own is not None:
            yield own
        yield from self._of_style(own, "rStyle", "character")
        yield from self._of_style(None if paragraph is None else paragraph.find(name_of("pPr")), "pStyle", "paragraph")
        if table is not None:
            yield from self._of_style(table.find(name_of("tblPr")), "tblStyle", "table")
        if self._defaults is not None:
            yield self._defaults

    def _of_style(self, properties: Any, name: str, kind: str, part: str = "rPr") -> Iterator[Any]:
        """What a style and those that it is based on say; the default one of its kind where none is named."""
        named = None if properties is None else properties.find(name_of(name))
        id = self._default.get(kind) if named is None else str(named.get(name_of("val")))
        seen: set[str] = set()
        while id is not None and id not in seen and (style := self._styles.get(id)) is not None:
            seen.add(id)
            if kind == "table":  # what it says of some of its rows comes first; of which ones is not worked out
                yield from style.iterfind(f"{name_of('tblStylePr')}/{name_of(part)}")
            if (found := style.find(name_of(part))) is not None:
                yield found
            based = style.find(name_of("basedOn"))
            id = None if based is None else str(based.get(name_of("val")))

    @staticmethod
    def _on(told: list[Any], name: str) -> bool:
        found = next((each for part in told if (each := part.find(name_of(name))) is not None), None)
        return found is not None and found.get(name_of("val")) not in _OFF

    @staticmethod
    def _number(told: list[Any], name: str) -> float | None:
        found = next((each for part in told if (each := part.find(name_of(name))) is not None), None)
        try:
            return None if found is None else float(str(found.get(name_of("val"))))
        except ValueError:
            return None

    def _ground(self, run: Any, told: list[Any]) -> str:
        """The colour that a run stands on."""
        marker = next((each for part in told if (each := part.find(name_of("highlight"))) is not None), None)
        if marker is not None and marker.get(name_of("val")) != "none":
            return _MARKERS.get(str(marker.get(name_of("val"))), _PAPER)
        places = [*told]
        if (paragraph := next(run.iterancestors(name_of("p")), None)) is not None:
            own = paragraph.find(name_of("pPr"))
            places += [*([] if own is None else [own]), *self._of_style(own, "pStyle", "paragraph", "pPr")]
        places += [
            each for cell in run.iterancestors(name_of("tc")) if (each := cell.find(name_of("tcPr"))) is not None
        ]
        fills = (str(shade.get(name_of("fill"))) for each in places if (shade := each.find(name_of("shd"))) is not None)
        return next((fill for fill in fills if _is_colour(fill)), _PAPER)


def _letters(colour: Any) -> str:
    if colour is None:
        return _AUTOMATIC
    told = str(colour.get(name_of("val")))
    themed = _THEMED.get(str(colour.get(name_of("themeColor"))))
    return themed or (told if _is_colour(told) else _AUTOMATIC)


def _is_colour(text: str) -> bool:
    return len(text) == 6 and all(each in "0123456789abcdefABCDEF" for each in text)


def _contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG 2.2 has it, from 1 to 21.

    >>> _contrast("FFFFFF", "ffffff"), round(_contrast("000000", "FFFFFF"))
    (1.0, 21)
    """
    dark, light = sorted(map(_luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4))
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
