"""Word's XML in small pieces: runs, paragraphs, content controls, fields, tables.

Built element by element, since the library's own calls slow down with the square of a table's length. Text is
always a text node, with what XML forbids written as its code.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from functools import cache
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from probandum.speech import ENGLISH, language, pieces, piecewise
from probandum_reports.directions import directed
from probandum_reports.pages import visible

Element = Any  # an lxml element

#: Word refuses longer tags and titles of content controls.
_LONGEST = 64
#: How the names of our properties of a file begin.
PROPERTIES = "probandum-"
#: How the names of the bookmarks around fields begin: hidden in Word, and kept by programs that drop tags.
MARKED = "_field_"
_CUSTOM = "application/vnd.openxmlformats-officedocument.custom-properties+xml"
_CUSTOM_NAMESPACE = "http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"
_VALUE_NAMESPACE = "http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_PREFIXES = {"w": _WORD}
_KIND = "{D5CDD505-2E9C-101B-9397-08002B2CF9AE}"  # of all properties that are the user's own


def element(name: str, /, *children: Element, **attributes: str | int) -> Element:
    """``<w:name w:attribute="...">`` with children."""
    named = {name_of(key): str(value) for key, value in attributes.items()} if attributes else None
    made = _maker()(name_of(name), named, _PREFIXES)
    if children:
        made.extend(children)
    return made


@cache
def _maker() -> Callable[..., Element]:
    """What makes an element of the library's tree; its own call looks names up anew each time, and there are many."""
    from docx.oxml.parser import oxml_parser

    make: Callable[..., Element] = oxml_parser.makeelement
    return make


def name_of(name: str) -> str:
    """The qualified name that the library's tree knows ``w:name`` by."""
    return f"{{{_WORD}}}{name}"


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
    told = lettered(text) if style == "Identifier" else _in_pieces(text)
    for number, line in enumerate(told.split("\n")):
        if number > 0:
            made.append(element("br"))
        made.append(_text(line))
    return made


def _in_pieces(text: str) -> str:
    """``text`` with its right-to-left words kept to their place, and its marks of what stays English."""
    if text.isascii() and text.isprintable():
        return text
    return piecewise(text, lambda part: directed(lettered(part)))


def in_languages(root: Element) -> None:
    """Make runs of their own, which say so, of words that stay English in a document of another language."""
    if language() == ENGLISH:
        return
    for whole in list(root.iter(name_of("r"))):
        if not any(kept for words in whole.iter(name_of("t")) for _, kept in pieces(words.text or "")):
            continue
        looks = whole.find(name_of("rPr"))
        for each in whole:
            if each.tag == name_of("t"):
                for part, kept in pieces(each.text or ""):
                    whole.addprevious(_like(looks, _text(part), lang=ENGLISH if kept else None))
            elif each is not looks:
                whole.addprevious(_like(looks, deepcopy(each), lang=None))
        whole.getparent().remove(whole)


def _like(looks: Element | None, content: Element, *, lang: str | None) -> Element:
    """A run of ``content`` with the looks of another, in a language of its own if one is named."""
    properties = element("rPr") if looks is None else deepcopy(looks)
    if lang is not None:
        properties.append(element("lang", val=lang))
    return element("r", *([properties] if len(properties) else []), content)


def _text(words: str) -> Element:
    made = element("t")
    made.text = words
    made.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    return made


def placed(text: str, **parts: Sequence[Element]) -> list[Element]:
    """A text as runs, with ``parts`` at the places that it names in braces."""
    made: list[Element] = []
    for place, piece in enumerate(re.split(r"\{(\w+)\}", text)):
        if place % 2:
            made += parts[piece]
        elif piece:
            made.append(run(piece))
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


def mark(name: str) -> str:
    """How the bookmarks around the fields of a tag begin; a bookmark has 40 letters at most, and no dots.

    >>> mark("purpose")
    '_field_81b06df4303e_'
    """
    return f"{MARKED}{hashlib.sha256(name.encode()).hexdigest()[:12]}_"


def set_properties(word: Any, properties: Mapping[str, str]) -> None:
    """Give a document properties of its own, texts by name."""
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part

    entries = "".join(
        f'<property fmtid="{_KIND}" pid="{number}" name={quoteattr(name)}>'
        f"<vt:lpwstr>{escape(lettered(value))}</vt:lpwstr></property>"
        for number, (name, value) in enumerate(properties.items(), 2)
    )
    body = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        f'<Properties xmlns="{_CUSTOM_NAMESPACE}" xmlns:vt="{_VALUE_NAMESPACE}">{entries}</Properties>'
    )
    package = word.part.package
    part = Part(PackURI("/docProps/custom.xml"), _CUSTOM, body.encode(), package)
    package.relate_to(part, RELATIONSHIP_TYPE.CUSTOM_PROPERTIES)


def properties_of(word: Any) -> dict[str, str]:
    """The properties of its own that a document has, texts by name."""
    from docx.oxml import parse_xml

    found: dict[str, str] = {}
    for part in word.part.package.iter_parts():
        if part.content_type == _CUSTOM:
            for each in parse_xml(part.blob).iter(f"{{{_CUSTOM_NAMESPACE}}}property"):
                found[str(each.get("name"))] = "".join(each.itertext())
    return found


#: Bookmarks of fields are numbered from here on, above those of headings.
_ABOVE = 100_000


class Controls:
    """Makes content controls, each with an id of its own."""

    def __init__(self) -> None:
        self._made = 0

    def locked(self, name: str, title: str, content: Iterable[Element]) -> Element:
        """Content that Word lets nobody edit, in a control that it lets nobody delete."""
        return self._control(name, title, [element("lock", val="sdtContentLocked")], content)

    def open(self, name: str, title: str, placeholder: str) -> list[Element]:
        """A field to fill, with a placeholder until it is, between marks that name it as its tag does."""
        kind = [element("showingPlcHdr"), element("text", multiLine=1)]
        control = self._control(name, title, kind, [run(placeholder, style="PlaceholderText")])
        number = self._made
        return bookmarked(f"{mark(tag(name))}{number}", _ABOVE + number, control)

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
