"""Word's XML in small pieces: runs, paragraphs, content controls, fields, tables.

Pieces are texts, which :func:`trees` makes elements of the library's tree all at once: its own calls slow down with the
square of a table's length, and elements made one by one take twice as long. Every text goes through :func:`lettered`
and is escaped, so that nothing a card or a name holds can act as markup.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from probandum.speech import ENGLISH, pieces
from probandum_reports.directions import directed
from probandum_reports.pages import visible

#: A piece of XML with the prefixes of :func:`trees`, and an element of the library's tree.
Piece = str
Element = Any

#: Word refuses longer tags and titles of content controls, and counts units of UTF-16.
_LONGEST = 64
#: How the names of our properties of a file begin.
PROPERTIES = "probandum-"
#: How the names of the bookmarks around fields begin: hidden in Word, and kept by programs that drop tags.
MARKED = "_field_"
_CUSTOM = "application/vnd.openxmlformats-officedocument.custom-properties+xml"
_CUSTOM_NAMESPACE = "http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"
_VALUE_NAMESPACE = "http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
#: What cannot stand in an attribute as it is.
_SPECIAL = re.compile('[&<>"\\t\\n\\r]')
_KIND = "{D5CDD505-2E9C-101B-9397-08002B2CF9AE}"  # of all properties that are the user's own


def element(name: str, /, *children: Piece, **attributes: str | int) -> Piece:
    """``<w:name w:attribute="...">`` with children.

    >>> element("p", element("pStyle", val="A & B"), element("b"))
    '<w:p><w:pStyle w:val="A &amp; B"/><w:b/></w:p>'
    """
    named = "".join([f" w:{key}={_quoted(value)}" for key, value in attributes.items()])
    inner = "".join(children)
    return f"<w:{name}{named}>{inner}</w:{name}>" if inner else f"<w:{name}{named}/>"


def _quoted(value: str | int) -> str:
    return f'"{value}"' if isinstance(value, int) or not _SPECIAL.search(value) else quoteattr(value)


def trees(*made: Piece) -> list[Element]:
    """The elements that ``made`` tell, as the library knows them."""
    from docx.oxml import parse_xml

    return list(parse_xml(f'<w:body xmlns:w="{_WORD}" xmlns:r="{_RELATIONS}">{"".join(made)}</w:body>'))


def piece_of(made: Element) -> Piece:
    """An element of the library's tree as a piece."""
    from lxml import etree  # type: ignore[import-untyped]

    return str(etree.tostring(made, encoding="unicode"))


def name_of(name: str) -> str:
    """The qualified name that the library's tree knows ``w:name`` by."""
    return f"{{{_WORD}}}{name}"


def lettered(text: str) -> str:
    """``text`` as XML can hold it: what is unseen or forbidden is written as its code."""
    return re.sub("[\ufffe\uffff]", lambda found: f"\\u{ord(found[0]):04x}", visible(text))


def run(text: str, *looks: Piece, style: str | None = None) -> Piece:
    """Text in one look; line breaks in it are kept. ``looks`` are run properties in the schema's order.

    Right-to-left words keep to their place; an identifier is left as it is, since it may be copied. Words that stay
    English in a document of another language are runs of their own, which say so.

    >>> run("a < b", element("b"))
    '<w:r><w:rPr><w:b/></w:rPr><w:t xml:space="preserve">a &lt; b</w:t></w:r>'
    """
    properties = "".join(looks) if style is None else element("rStyle", val=style) + "".join(looks)
    if style == "Identifier" or (text.isascii() and text.isprintable()):
        return _run(properties, lettered(text))
    told = [(directed(lettered(part)), kept) for part, kept in pieces(text)]
    english = f"{properties}{element('lang', val=ENGLISH)}"
    return "".join(_run(english if kept else properties, words) for words, kept in told or [("", False)])


def _run(properties: Piece, words: str) -> Piece:
    text = f'<w:t xml:space="preserve">{escape(words)}</w:t>'.replace("\n", '</w:t><w:br/><w:t xml:space="preserve">')
    return f"<w:r><w:rPr>{properties}</w:rPr>{text}</w:r>" if properties else f"<w:r>{text}</w:r>"


def placed(text: str, **parts: Sequence[Piece]) -> list[Piece]:
    """A text as runs, with ``parts`` at the places that it names in braces."""
    made: list[Piece] = []
    for place, piece in enumerate(re.split(r"\{(\w+)\}", text)):
        if place % 2:
            made += parts[piece]
        elif piece:
            made.append(run(piece))
    return made


def line_break() -> Piece:
    """A new line in the same paragraph."""
    return element("r", element("br"))


def paragraph(*parts: Piece, style: str | None = None, looks: Sequence[Piece] = ()) -> Piece:
    """A paragraph of runs, controls and fields; ``looks`` are paragraph properties in the schema's order."""
    properties = [] if style is None else [element("pStyle", val=style)]
    properties += looks
    return element("p", *([element("pPr", *properties)] if properties else []), *parts)


def tag(name: str) -> str:
    """A name as the tag of a content control, shortened by a digest where it is too long for one as it is written.

    >>> tag("annex_iv.oversight"), len(tag("x" * 100)), len(tag("\u202e" * 20))
    ('annex_iv.oversight', 64, 64)
    """
    written = lettered(name)
    if _units(written) <= _LONGEST:
        return written
    return f"{_begins(written, _LONGEST - 9)}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _titled(title: str) -> str:
    """The title of a content control, which ends in an ellipsis where it is too long for one as it is written."""
    written = lettered(title)
    return written if _units(written) <= _LONGEST else f"{_begins(written, _LONGEST - 1)}…"


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _begins(text: str, most: int) -> str:
    """As many whole letters of ``text`` as have so many units of UTF-16 at most.

    >>> len(_begins("\U0001f600" * 9, 5))
    2
    """
    return text.encode("utf-16-le")[: 2 * most].decode("utf-16-le", "ignore")


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

    def locked(self, name: str, title: str, content: Iterable[Piece]) -> Piece:
        """Content that Word lets nobody edit, in a control that it lets nobody delete."""
        return self._control(name, title, [element("lock", val="sdtContentLocked")], content)

    def open(self, name: str, title: str, placeholder: str) -> list[Piece]:
        """A field to fill, with a placeholder until it is, between marks that name it as its tag does."""
        kind = [element("showingPlcHdr"), element("text", multiLine=1)]
        control = self._control(name, title, kind, [run(placeholder, style="PlaceholderText")])
        number = self._made
        return bookmarked(f"{mark(tag(name))}{number}", _ABOVE + number, control)

    def _control(self, name: str, title: str, kind: Iterable[Piece], content: Iterable[Piece]) -> Piece:
        self._made += 1
        properties = [
            element("alias", val=_titled(title)),
            element("tag", val=tag(name)),
            element("id", val=self._made),
            *kind,
        ]
        return element("sdt", element("sdtPr", *properties), element("sdtContent", *content))


def field(instruction: str, *shown: Piece) -> list[Piece]:
    """A field such as PAGE with what it shows until Word works it out anew."""
    code = f'<w:instrText xml:space="preserve"> {escape(instruction)} </w:instrText>'
    return [
        element("r", element("fldChar", fldCharType="begin")),
        element("r", code),
        element("r", element("fldChar", fldCharType="separate")),
        *shown,
        element("r", element("fldChar", fldCharType="end")),
    ]


def linked(content: Piece, *, anchor: str, relation: str = "") -> Piece:
    """A link to a bookmark: of this document, or of the file that a relation of it names."""
    outside = f' r:id="{relation}"' if relation else ""
    return f'<w:hyperlink w:anchor={_quoted(anchor)} w:history="1"{outside}>{content}</w:hyperlink>'


def bookmarked(name: str, number: int, *parts: Piece) -> list[Piece]:
    """``parts`` between the marks that links within the document point at."""
    return [
        element("bookmarkStart", id=number, name=name),
        *parts,
        element("bookmarkEnd", id=number),
    ]


def table(
    header: Sequence[str], rows: Iterable[Sequence[Sequence[Piece]]], *, widths: Sequence[int], caption: str
) -> Piece:
    """A table whose first row repeats on every page; a cell is its paragraphs, ``widths`` are in twips."""
    heads = [[paragraph(run(title), style="TableHead")] for title in header]
    return element(
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
        _row(heads, widths, element("cantSplit"), element("tblHeader")),
        *(_row(row, widths, element("cantSplit")) for row in rows),
    )


def _row(cells: Sequence[Sequence[Piece]], widths: Sequence[int], *properties: Piece) -> Piece:
    return element(
        "tr",
        element("trPr", *properties),
        *(
            element("tc", element("tcPr", element("tcW", w=width, type="dxa")), *cell)
            for cell, width in zip(cells, widths, strict=True)
        ),
    )
