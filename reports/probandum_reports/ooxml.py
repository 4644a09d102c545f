"""Word's XML in small pieces: runs, paragraphs, content controls, fields, tables.

Built element by element, since the library's own calls slow down with the square of a table's length. Text is
always a text node, with what XML forbids written as its code.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Any

from probandum_reports.directions import directed
from probandum_reports.pages import visible

Element = Any  # an lxml element

#: Word refuses longer tags and titles of content controls.
_LONGEST = 64


def element(name: str, /, *children: Element, **attributes: str | int) -> Element:
    """``<w:name w:attribute="...">`` with children."""
    from docx.oxml import OxmlElement

    made = OxmlElement(f"w:{name}")
    for key, value in attributes.items():
        made.set(name_of(key), str(value))
    made.extend(children)
    return made


def name_of(name: str) -> str:
    """The qualified name that the library's tree knows ``w:name`` by."""
    return f"{{http://schemas.openxmlformats.org/wordprocessingml/2006/main}}{name}"


def lettered(text: str) -> str:
    """``text`` as XML can hold it: what is unseen or forbidden is written as its code."""
    return re.sub("[\ufffe\uffff]", lambda found: f"\\u{ord(found[0]):04x}", visible(text))


def run(text: str, *looks: Element, style: str | None = None) -> Element:
    """Text in one look; line breaks in it are kept. ``looks`` are run properties in the schema's order.

    Right-to-left words keep to their place; an identifier is left as it is, since it may be copied.
    """
    made = element("r")
    if style is not None or looks:
        properties = [] if style is None else [element("rStyle", val=style)]
        made.append(element("rPr", *properties, *looks))
    said = lettered(text) if style == "Identifier" else directed(lettered(text))
    for number, line in enumerate(said.split("\n")):
        if number > 0:
            made.append(element("br"))
        words = element("t")
        words.text = line
        words.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
        made.append(words)
    return made


def line_break() -> Element:
    """A new line in the same paragraph."""
    return element("r", element("br"))


def paragraph(*parts: Element, style: str | None = None, looks: Sequence[Element] = ()) -> Element:
    """A paragraph of runs, controls and fields; ``looks`` are paragraph properties in the schema's order."""
    properties = [] if style is None else [element("pStyle", val=style)]
    properties += looks
    return element("p", *([element("pPr", *properties)] if properties else []), *parts)


def tag(name: str) -> str:
    """A name as the tag of a content control, shortened by a digest where it is too long for one.

    >>> tag("annex_iv.oversight"), len(tag("x" * 100))
    ('annex_iv.oversight', 64)
    """
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


class Controls:
    """Makes content controls, each with an id of its own."""

    def __init__(self) -> None:
        self._made = 0

    def locked(self, name: str, title: str, content: Iterable[Element]) -> Element:
        """Content that Word lets nobody edit, in a control that it lets nobody delete."""
        return self._control(name, title, [element("lock", val="sdtContentLocked")], content)

    def open(self, name: str, title: str, placeholder: str) -> Element:
        """A field to fill, with a placeholder until it is."""
        kind = [element("showingPlcHdr"), element("text", multiLine=1)]
        return self._control(name, title, kind, [run(placeholder, style="PlaceholderText")])

    def _control(self, name: str, title: str, kind: Iterable[Element], content: Iterable[Element]) -> Element:
        self._made += 1
        short = title if len(title) <= _LONGEST else f"{title[: _LONGEST - 1]}…"
        properties = [
            element("alias", val=lettered(short)),
            element("tag", val=lettered(tag(name))),
            element("id", val=self._made),
            *kind,
        ]
        return element("sdt", element("sdtPr", *properties), element("sdtContent", *content))


def field(instruction: str, *shown: Element) -> list[Element]:
    """A field such as PAGE with what it shows until Word works it out anew."""
    code = element("instrText")
    code.text = f" {instruction} "
    code.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    return [
        element("r", element("fldChar", fldCharType="begin")),
        element("r", code),
        element("r", element("fldChar", fldCharType="separate")),
        *shown,
        element("r", element("fldChar", fldCharType="end")),
    ]


def bookmarked(name: str, number: int, *parts: Element) -> list[Element]:
    """``parts`` between the marks that links within the document point at."""
    return [
        element("bookmarkStart", id=number, name=name),
        *parts,
        element("bookmarkEnd", id=number),
    ]


def table(
    header: Sequence[str], rows: Iterable[Sequence[Sequence[Element]]], *, widths: Sequence[int], caption: str
) -> Element:
    """A table whose first row repeats on every page; a cell is its paragraphs, ``widths`` are in twips."""
    made = element(
        "tbl",
        element(
            "tblPr",
            element("tblStyle", val="Evidence"),
            element("tblW", w=sum(widths), type="dxa"),
            element("tblLayout", type="fixed"),
            element("tblLook", val="0020", firstRow=1, lastRow=0, firstColumn=0, lastColumn=0, noHBand=1, noVBand=1),
            element("tblCaption", val=lettered(caption)),
        ),
        element("tblGrid", *(element("gridCol", w=width) for width in widths)),
    )
    heads = [[paragraph(run(title), style="TableHead")] for title in header]
    made.append(_row(heads, widths, element("cantSplit"), element("tblHeader")))
    for row in rows:
        made.append(_row(row, widths, element("cantSplit")))
    return made


def _row(cells: Sequence[Sequence[Element]], widths: Sequence[int], *properties: Element) -> Element:
    return element(
        "tr",
        element("trPr", *properties),
        *(
            element("tc", element("tcPr", element("tcW", w=width, type="dxa")), *cell)
            for cell, width in zip(cells, widths, strict=True)
        ),
    )
