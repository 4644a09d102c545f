"""The pictures of a Word file: what is drawn, what is said of it for those who do not see it, and how large it is."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from probandum_reports.ooxml import name_of

_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006"
_PLACED = f"{{{_DRAWING}/wordprocessingDrawing}}"
_BLIP, _CROP = f"{{{_DRAWING}/main}}blip", f"{{{_DRAWING}/main}}srcRect"
_EMBEDDED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}embed"
#: Elements that draw something, whatever it is.
_DRAWN = tuple(map(name_of, ("drawing", "pict", "object")))
#: How much of our size a picture has at least, as a share of its area.
_LEAST_AREA = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture: its words for those who do not see it, its bytes, and its area in square EMU.

    ``data`` is None where it is no picture of the file alone: a shape, a file that was put in, a link, or a picture
    that is cropped or shown in other colours than it has.
    """

    alt: str
    title: str
    area: int
    data: bytes | None


def pictures(word: Any) -> list[Picture]:
    """Everything that is drawn in the text, in reading order."""
    return [_picture(each, word.part) for each in word.element.body.iter(*_DRAWN) if not _within(each)]


def around(word: Any) -> Iterator[str]:
    """The kinds of headers, footers and notes in which something is drawn: nothing of ours is."""
    from docx.oxml import parse_xml

    for part in word.part.package.iter_parts():
        kind = part.content_type.rpartition("+")[0].rpartition(".")[2]
        if kind in ("header", "footer", "footnotes", "endnotes"):
            root = getattr(part, "element", None)
            if next((parse_xml(part.blob) if root is None else root).iter(*_DRAWN), None) is not None:
                yield kind


def differs(old: Picture, new: Picture) -> str | None:
    """How a picture is not the one that it was, in words; None where it is. Saved anew without loss, it is."""
    if new.data is None or old.data is None or not _alike(old.data, new.data):
        return "is another one, or was saved anew with loss"
    if new.area < _LEAST_AREA * old.area:
        return "is so small that nobody can read it"
    for name in ("alt", "title"):  # some programs drop a title
        said = " ".join(getattr(new, name).split())
        if said and said != " ".join(getattr(old, name).split()):
            return "has another text for those who do not see it"
    return None


def _within(drawn: Any) -> bool:
    return next(drawn.iterancestors(*_DRAWN), None) is not None


def _picture(drawn: Any, part: Any) -> Picture:
    told = next(drawn.iter(f"{_PLACED}docPr"), None)
    extent = next(drawn.iter(f"{_PLACED}extent"), None)
    blips = list(drawn.iter(_BLIP))
    data: bytes | None = None
    if len(blips) == 1 and (related := part.related_parts.get(blips[0].get(_EMBEDDED))) is not None:
        changed = any(not each.tag.endswith("}extLst") for each in blips[0])
        cropped = any(value not in ("0", "0%") for each in drawn.iter(_CROP) for value in each.attrib.values())
        boxed = next(drawn.iter(name_of("p")), None) is not None
        data = None if changed or cropped or boxed else related.blob
    return Picture(
        alt="" if told is None else str(told.get("descr", "")),
        title="" if told is None else str(told.get("title", "")),
        area=0 if extent is None else _number(extent.get("cx")) * _number(extent.get("cy")),
        data=data,
    )


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() else 0


def _alike(old: bytes, new: bytes) -> bool:
    """Whether two pictures are the same bytes, or the same to every point."""
    if old == new:
        return True
    from PIL import Image

    try:
        with Image.open(io.BytesIO(old)) as one, Image.open(io.BytesIO(new)) as other:
            return one.size == other.size and one.convert("RGBA").tobytes() == other.convert("RGBA").tobytes()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False
