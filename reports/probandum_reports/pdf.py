"""A document as PDF: archivable (PDF/A-3a) and accessible (PDF/UA-1), with its findings inside.

The writer refuses to produce a file that breaks either standard. The content goes in as JSON and is only ever
placed as text, so that nothing a system card or a group name holds can act as markup. Fonts are the shipped
ones and the date is the document's own, so that the same view gives the same bytes on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, time
from itertools import pairwise
from typing import Any

from probandum import codec
from probandum.document import (
    Cell,
    Fact,
    Figure,
    Gap,
    Heading,
    Inline,
    Listing,
    Node,
    Number,
    Table,
    Text,
)
from probandum.errors import UsageError
from probandum.resources import shipped
from probandum_reports.columns import widths
from probandum_reports.front import closing, front, in_reading_order, origins, whose
from probandum_reports.labels import SYSTEM, TITLE, cut
from probandum_reports.lettering import Names, faces
from probandum_reports.messages import noted, said, tag
from probandum_reports.needs import need
from probandum_reports.registers import shortened
from probandum_reports.strips import Strip, strips
from probandum_reports.typesetting import TypesettingError, picture, typeset
from probandum_reports.view import View, asked_of, mark_of
from probandum_reports.wording import BRIEFLY, ORIGINS, Mark

#: What the typesetter writes of its own.
_OWN = (
    "As of",
    "Contents",
    "How to read this document",
    "Names in letters that this file does not have",
    "Seal: ",
    "The findings are attached to this file as findings.json.",
    "Written from a sealed record by",
    "The findings of this audit, as JSON",
    "as of {day}",
    "page {page} of {pages}",
    "{n} here",
    (
        "A strip draws the interval (bar) and the value (dot) against the limit (upright line) and the tolerated side "
        "(shaded); all strips of a metric share one scale. A verdict is read off the bound of an interval, never off "
        "the value alone. The findings are attached to this file as findings.json."
    ),
    (
        "Characters outside the letters shipped with this document are written as their code, such as ⟨U+4E2D⟩; the "
        "attachment holds them verbatim."
    ),
    "A name that would take many codes stands as its number, such as ⟨name 1⟩; the last table says which it is.",
    "The codes of each name, letter by letter",
    "Here",
    "Unicode",
    "Table",
    "Figure",
    "Limit",
    "Why",
    "Controls",
    "Method",
    "Finding ",
    "Note well.",
    "Answers {citation}",
    noted("field"),
)
_STANDARDS = ["a-3a", "ua-1"]
#: Where all rows of a register stand that has too many to be printed.
_ELSEWHERE = noted("findings.json, which is attached to this file, and in this document as HTML, Markdown or JSON")
#: Counts of findings, which lead to the page that lists these.
_COUNTS = ("outcome:counts", "tally:")
#: Letters of a cell that might not fit a page; a shorter row is kept in one piece.
_PAGE = 900


def render(view: View) -> bytes:
    """The document as one PDF file; UsageError where its template breaks a rule of the standards."""
    return later(view)()


def later(view: View) -> Callable[[], bytes]:
    """What typesets the document when it is called, as :func:`render` would: in any thread, since all is read now."""
    need("typst")
    content = _Content(view)
    sources = sorted((shipped("templates") / "_render" / "typst").glob("*.typ"))
    files = {path.name: path.read_bytes() for path in sources}
    files["findings.json"] = view.once("findings.json", lambda: _findings(view))
    files["document.json"] = codec.encode(content.tree())
    files["faces.json"] = codec.encode(faces(files["document.json"].decode()))
    files |= content.pictures
    noon = datetime.combine(content.front.day, time(12), UTC)

    def typesetting() -> bytes:
        try:
            return typeset(files, pdf_standards=_STANDARDS, timestamp=int(noon.timestamp()))
        except TypesettingError as error:
            raise UsageError(
                f"document {view.document.id}: cannot be written as PDF: {error}",
                remedy=f"mend templates/{view.document.id}/document.yaml",
            ) from error

    return typesetting


def _findings(view: View) -> bytes:
    """Every finding of the record as published, the same in all documents."""
    return codec.pretty([view.public(finding.id) for finding in view.dossier.findings])


class _Content:
    """The tree as plain values, one dict a node, for ``main.typ``."""

    def __init__(self, view: View) -> None:
        self._view = view
        self.front = front(view)
        self._strips: Mapping[str, Strip] = strips(view.dossier.findings)
        self.pictures: dict[str, bytes] = {}

    def tree(self) -> dict[str, Any]:
        """Everything that ``document.json`` holds."""
        document, page = self._view.document, self.front
        counts = origins(document)
        plain = {
            "title": document.title,
            "subtitle": document.subtitle,
            "status": document.status,
            "brief": document.brief,
            "system": page.system,
            "line": page.line,
            "closing": [self._fact(fact) for fact in closing(document)],
            "as_of": page.day.isoformat(),
            "date": {"year": page.day.year, "month": page.day.month, "day": page.day.day},
            "lang": tag()[0],
            "region": tag()[1],
            "author": page.author,
            "description": page.description,
            "seal": page.seal,
            "seal_short": page.seal_short,
            "digests": [{"label": label, "value": value} for label, value in page.digests],
            "origins": [
                {"name": name, "word": word, "meaning": meaning, "count": counts[name]}
                for name, (word, meaning) in ORIGINS.items()
            ],
            "front": [self._fact(fact) for fact in document.front],
            "nodes": _kept([self._node(node) for node in in_reading_order(document.nodes)]),
        }
        names = Names()
        shown = names.short_all(plain)
        words = {word: said(word) for word in _OWN}
        line = {"title": cut(shown["title"], TITLE), "system": cut(shown["system"], SYSTEM)}
        return {**shown, "running": line, "words": words, "escaped": shown != plain, "names": list(names.codes.items())}

    def _node(self, node: Node | Sequence[Fact]) -> dict[str, Any]:
        if isinstance(node, Heading):
            return {"kind": "heading", **asdict(node)}
        if isinstance(node, Table):
            return {"kind": "table", **self._table(node)}
        if isinstance(node, Figure):
            return {"kind": "figure", **self._figure(node)}
        if isinstance(node, Listing):
            return {"kind": "listing", "entries": [[self._inline(part) for part in entry] for entry in node.entries]}
        if isinstance(node, Text | Number | Fact | Gap):
            return self._inline(node)
        return {"kind": "facts", "facts": [self._fact(fact) for fact in node]}

    def _inline(self, node: Inline) -> dict[str, Any]:
        if isinstance(node, Number):
            return self._number(node)
        if isinstance(node, Fact):
            return {**self._fact(node), "label": node.label}
        if isinstance(node, Gap):
            close = self._view.document.brief
            word = ORIGINS[node.origin][0]
            return {"kind": "gap", **asdict(node), "word": word, "head": asked_of(node), "close": close}
        paragraphs = [" ".join(part.split()) for part in node.text.split("\n\n") if part.strip()]
        return {"kind": "text", "style": node.style, "text": " ".join(paragraphs), "paragraphs": paragraphs}

    def _cell(self, cell: Cell) -> str | dict[str, Any]:
        return cell if isinstance(cell, str) else self._inline(cell)

    def _fact(self, fact: Fact) -> dict[str, Any]:
        mark = mark_of(fact)
        return {
            "kind": "fact",
            **asdict(fact),
            "label": fact.label or fact.path,
            "origin": mark or fact.origin,
            "word": "" if mark is None else self._word(mark),
            "who": whose(fact),
            "digest": fact.value.startswith("sha256:"),
            "href": "index.html#judged" if fact.path.startswith(_COUNTS) and fact.value != "0" else "",
        }

    def _word(self, mark: Mark) -> str:
        """The word of a mark; of a short document its first, which the last lines explain."""
        word = ORIGINS[mark][0]
        return BRIEFLY.get(mark, word) if self._view.document.brief else word

    def _number(self, node: Number) -> dict[str, Any]:
        shown = self._view.number(node)
        strip = self._strips.get(node.finding) if shown.limit and not shown.suppressed else None
        return {
            "kind": "number",
            "id": node.finding,
            "label": node.label,
            "word": ORIGINS["measured"][0],
            "key": shown.finding.verdict.value,
            "strip": None if strip is None else asdict(strip),
            **{name: getattr(shown, name) for name in _WORDS},
        }

    def _table(self, table: Table) -> dict[str, Any]:
        table, left_out = shortened(table, elsewhere=said(_ELSEWHERE))
        return {
            "caption": table.caption,
            "header": list(table.header),
            "widths": widths(table, self._view),
            "drawn": False,
            "dense": table.style == "dense",
            "close": self._view.document.brief,
            "named": any(isinstance(cell, Number) for row in table.rows for cell in row),
            "cut": left_out,
            "whole": all(len(self._view.cell(cell)) < _PAGE for row in table.rows for cell in row),
            "rows": [[self._cell(cell) for cell in row] for row in table.rows],
        }

    def _figure(self, figure: Figure) -> dict[str, Any]:
        name = f"figure-{len(self.pictures) + 1}.svg"
        self.pictures[name], figure = picture(figure, self._view)
        twin = self._table(figure.twin)
        return {
            "file": name,
            "caption": figure.caption,
            "alt": figure.alt,
            "reading": figure.reading,
            "twin": {**twin, "drawn": True},
        }


def _kept(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The nodes, of which prose right under a heading stays on one page with what follows it."""
    for above, node in pairwise(nodes):
        if node["kind"] == "text":
            node["sticky"] = above["kind"] == "heading"
    return nodes


#: The strings of a shown finding that the templates print.
_WORDS = (
    "title", "about", "value", "interval", "n", "verdict", "limit", "limit_source", "reason", "controls",
    "method", "href", "suppressed",
)  # fmt: skip
