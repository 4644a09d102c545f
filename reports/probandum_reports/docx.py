"""A document as Word file: what was measured is locked, what a person must write is a field to fill.

A gap that a statement of the card can fill is a content control whose tag is the path in the card, so that what
people write in it can be read back (:mod:`probandum_reports.filled`). The properties of the file name the record and
the judgement that it is of. The same view gives the same bytes.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from functools import partial, singledispatchmethod
from itertools import pairwise
from typing import Any

from probandum.document import Cell, Fact, Figure, Gap, Heading, Inline, Listing, Node, Number, Table, Text
from probandum.finding import Verdict
from probandum_reports import word_brief
from probandum_reports.columns import widths
from probandum_reports.documents import referred, template_digest
from probandum_reports.front import front, in_reading_order, origins, whose
from probandum_reports.glyphs import MARKS
from probandum_reports.messages import noted, said
from probandum_reports.needs import need
from probandum_reports.ooxml import (
    PROPERTIES,
    Controls,
    Piece,
    bookmarked,
    element,
    field,
    lettered,
    line_break,
    linked,
    paragraph,
    piece_of,
    run,
    set_properties,
    table,
)
from probandum_reports.registers import shortened
from probandum_reports.sayings import Shown
from probandum_reports.typesetting import beside_picture, picture, raster
from probandum_reports.view import View, asked_of, mark_of
from probandum_reports.word_look import TONES, dress
from probandum_reports.word_styles import TEXT_WIDTH, bar, box, colour
from probandum_reports.wording import BRIEFLY, EXPLAINED, ORIGINS, Mark

#: The oldest time a zip entry can have; the document's own date stands in its properties.
_EPOCH = (1980, 1, 1, 0, 0, 0)
#: A line to write on.
RULED = "_" * 48
#: What a field asks for that only a named person may fill, beside the statement itself; the end of its tag.
BY, DATE = "#by", "#date"
#: Where all rows of a register stand that has too many for a Word file.
_ELSEWHERE = noted("this document as HTML, Markdown or JSON, and in findings.json of the record")
#: How many of the last entries of the contents stay together, so that none begins a page alone.
_TOGETHER = 5


def render(view: View) -> bytes:
    """The document as one Word file."""
    return later(view)()


def later(view: View) -> Callable[[], bytes]:
    """What packs the document when it is called, as :func:`render` would; most of what it says is told now."""
    need("docx")
    return partial(_packed, view, _Body(view))


def form(view: View, *, pictures: bool = False) -> Any:
    """The document as python-docx knows it, with its pictures or without: for comparing another file with it."""
    import docx

    return docx.Document(io.BytesIO(_packed(view, _Body(view, pictures=pictures))))


def _packed(view: View, body: _Body) -> bytes:
    """The file. Its text is put into the package as it is: making a tree of it first takes as long as all the rest."""
    import docx
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.oxml import parse_xml

    word = docx.Document()
    dress(word, front(view), view.document)
    for page, relation in body.links.items():
        word.part.load_rel(RELATIONSHIP_TYPE.HYPERLINK, page, relation, is_external=True)
    drawn = {place: _drawn(view, word, number, *chart) for number, (place, chart) in enumerate(body.charts.items(), 1)}
    text = "".join(drawn.get(place, part) for place, part in enumerate(body.parts)).encode()
    set_properties(word, _of(view))
    buffer, made = io.BytesIO(), io.BytesIO()
    word.save(buffer)
    with zipfile.ZipFile(buffer) as whole, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for name in whole.namelist():
            data = whole.read(name)
            if name == "word/document.xml":
                before, opened, after = data.partition(b"<w:body>")
                data = b"".join((before, opened, text, after))
                parse_xml(data)  # a piece that is no XML is told here, and not by Word
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 0
            target.writestr(entry, data)
    return made.getvalue()


def _drawn(view: View, word: Any, number: int, chart: bytes, figure: Figure) -> Piece:
    """A chart in a paragraph of its own, which stays with its caption."""
    from docx.shared import Twips

    pixels = view.once(chart, partial(raster, chart))
    inline = word.part.new_pic_inline(io.BytesIO(pixels), width=Twips(TEXT_WIDTH))
    told = {"id": str(number), "descr": figure.alt, "title": figure.caption, "name": said("Figure {n}", n=number)}
    for name, words in told.items():
        inline.docPr.set(name, lettered(words))
    return paragraph(element("r", element("drawing", piece_of(inline))), looks=[element("keepNext")])


def _of(view: View) -> dict[str, str]:
    """What the properties of the file say: of which document, record and judgement it is, and by which template."""
    digests, tool = view.dossier.digests, view.dossier.environment.get("tool") or {}
    shown = (view.document.id, *referred(view.document.id))
    reviews = [each for each in view.dossier.reviews if each.document in shown]
    told = {
        "document": view.document.id,
        "record": digests.get("record", ""),
        "judgement": digests.get("judgement", ""),
        "template": template_digest(view.document.id),
        "as-of": view.dossier.as_of,
        "language": view.dossier.language,
        "reviews": " ".join(each.digest for each in reviews),
        "tool": f"{tool.get('name', '')} {tool.get('version', '')}".strip(),
        **({"final": "yes"} if view.dossier.final else {}),
    }
    return {f"{PROPERTIES}{name}": value for name, value in told.items()}


class _Body:
    """Walks the tree and tells in ``parts`` what the body of the file holds.

    ``links``: relations by the pages that they lead to; ``charts``: pictures, and their figures, by their places there.
    """

    def __init__(self, view: View, *, pictures: bool = True) -> None:
        self._view = view
        self._pictures = pictures
        self._controls = Controls()
        self._tables = self._figures = self._headings = 0
        self.parts: list[Piece] = []
        self.links: dict[str, str] = {}
        self.charts: dict[int, tuple[bytes, Figure]] = {}
        self._write()

    def _write(self) -> None:
        """The first page, how to read it, the contents, and every node."""
        nodes = list(in_reading_order(self._view.document.nodes))
        alone = self._view.dossier.decision is not None  # a person's own page begins with what it says
        self._first_page(seals=not alone)
        late = alone or self._view.document.brief
        if not late:
            self._legend()
            self._contents([node for node in nodes if isinstance(node, Heading)])
        for above, node in pairwise([None, *nodes]):
            if isinstance(node, Text):
                self._text(node, keep=isinstance(above, Heading))
            else:
                self._node(node)
        if self._view.document.brief:
            self._add(*word_brief.imprint(self._view, front(self._view), self._controls))
        elif late:
            self._legend()

    def _add(self, *parts: Piece) -> None:
        self.parts += parts

    # The pages before the text.

    def _first_page(self, *, seals: bool) -> None:
        document, page = self._view.document, front(self._view)
        if document.brief:
            self._add(*word_brief.head(self._view, page))
            return
        self._add(
            paragraph(run(document.title), style="Title"),
            paragraph(run(document.subtitle), style="Subtitle"),
            paragraph(run(page.system), style="System"),
            paragraph(run(said("As of {day}", day=page.day.isoformat()))),
            paragraph(run(document.status), style="Status"),
            *(self._fact(fact, style="CoverFact") for fact in document.front),
        )
        if not seals:
            return
        self._add(paragraph(run(said("Seal: "), element("b")), run(page.seal), looks=[element("spacing", before=200)]))
        for label, digest in page.digests:
            self._add(paragraph(run(label), element("r", element("tab")), run(digest), style="Digest"))

    def _legend(self) -> None:
        """How to read it, kept in one piece; no page is forced to begin here, since every reader sets other letters."""
        counts = origins(self._view.document)
        told = {} if self._view.dossier.decision is None else EXPLAINED
        looks = [element("keepNext"), element("spacing", before=480)]
        head = paragraph(run(said("How to read this document")), style="System", looks=looks)
        rows = [
            [
                [paragraph(*parts, style="TableText", looks=[element("keepNext")])]
                for parts in (self._origin(name), [run(told.get(name, meaning))], [run(str(counts[name]))])
            ]
            for name, (_, meaning) in ORIGINS.items()
        ]
        shares = [round(TEXT_WIDTH * share) for share in (0.26, 0.63, 0.11)]
        made = table(
            tuple(map(said, ("Mark", "Where it comes from", "Here"))),
            rows,
            widths=shares,
            caption=said("How to read this document"),
        )
        closing = said(
            "Locked against editing and deleting: each value that was measured or recorded, a measured one with its "
            "interval, n, verdict and finding. Not locked: all other text, what was declared, and charts; and whoever "
            "lifts the locks can change these values, too. The seal of the reports holds this file as it was "
            "written. Fields to fill show a placeholder until they are filled. A verdict is read off the bound of an "
            "interval, never off the value alone."
        )
        self._add(head, made, paragraph(run(closing), looks=[element("spacing", before=160)]))

    def _contents(self, headings: Sequence[Heading]) -> None:
        listed = [(place, heading) for place, heading in enumerate(headings) if heading.level <= 2]
        if not listed:
            return
        *begin, end = field(r'TOC \o "1-2" \h \z \u')
        looks = [element("spacing", before=480)]
        self._add(paragraph(run(said("Contents")), style="System", looks=looks))
        for number, (place, heading) in enumerate(listed, 1):
            line = [linked(run(heading.text), anchor=_bookmark(place))]
            if number == 1:
                line[:0] = begin
            if number == len(listed):
                line.append(end)
            held = [element("keepNext")] if len(listed) - _TOGETHER < number < len(listed) else []
            self._add(paragraph(*line, style=f"Toc{heading.level}", looks=held))

    # Nodes of the text.

    @singledispatchmethod
    def _node(self, node: Node | list[Fact]) -> None:
        """Append one node."""
        raise TypeError(f"no such node: {type(node).__name__}")

    @_node.register
    def _(self, node: Heading) -> None:
        place = self._headings
        self._headings += 1
        parts = bookmarked(_bookmark(place), place, run(node.text))
        self._add(paragraph(*parts, style=f"Heading{min(node.level, 4)}"))
        if node.citation is not None:
            self._add(paragraph(run(said("Answers {citation}", citation=node.citation)), style="Citation"))

    def _text(self, node: Text, *, keep: bool) -> None:
        """Prose; ``keep`` holds its end on the page of what follows: a lead-in tells nothing at the foot of one."""
        style = {"body": None, "lead": "Lead", "note": "Note", "warning": "Warning"}[node.style]
        parts = [" ".join(part.split()) for part in node.text.split("\n\n") if part.strip()]
        for place, part in enumerate(parts, 1):
            opening = [run(said("Note well. "), element("b"))] if node.style == "warning" and place == 1 else []
            looks = [element("keepNext")] if keep and place == len(parts) else []
            self._add(paragraph(*opening, run(part), style=style, looks=looks))

    @_node.register
    def _(self, node: list) -> None:  # type: ignore[type-arg]
        self._add(*(self._fact(fact) for fact in node))

    @_node.register
    def _(self, node: Gap) -> None:
        if self._view.document.brief:
            self._add(paragraph(*self._in_one(node), style="Gap", looks=[_frame(node)]), _spacer())
            return
        lines = [
            self._gap_head(node),
            [run(node.what)],
            [
                run(f"{node.citation} · {said('field')} ", style="Small"),
                run(node.field_id, style="Identifier"),
            ],
            self._open(node),
        ]
        self._add(
            _spacer(element("keepNext")),
            *(paragraph(*line, style="Gap", looks=[element("keepNext"), _frame(node)]) for line in lines[:-1]),
            paragraph(*lines[-1], style="Gap", looks=[_frame(node)]),
            _spacer(),
        )

    @_node.register
    def _(self, node: Number) -> None:
        shown = self._view.number(node)
        tone = TONES[shown.finding.verdict]
        what = node.label or ", ".join(part for part in (shown.title, shown.about) if part)
        lines = [
            [run(what, element("b")), run("   "), *self._origin("measured"), run("   "), *_verdict(shown)],
            [_value(shown, large=True), run(f"   {_range(shown)}", style="Small")],
        ]
        limit = f"{shown.limit[:1].upper()}{shown.limit[1:]}. {shown.limit_source}" if shown.limit else ""
        for label, words in (
            ("Limit", limit), ("Why", shown.reason), ("Controls", shown.controls), ("Method", shown.method),
        ):  # fmt: skip
            if words:
                lines.append([run(f"{said(label)}: ", style="Small"), run(words)])
        lines.append([run(said("Finding "), style="Small"), self._evidence(shown)])
        self._add(_spacer(element("keepNext")))
        for place, line in enumerate(lines, 1):
            looks = [bar(tone)] if place == len(lines) else [element("keepNext"), bar(tone)]
            self._add(paragraph(self._controls.locked(shown.anchor, what, line), style="Finding", looks=looks))
        self._add(_spacer())

    @_node.register
    def _(self, node: Table) -> None:
        self._tables += 1
        node, cut = shortened(node, elsewhere=said(_ELSEWHERE))
        title = [run(f"{said('Table {n}.', n=self._tables)} ", element("b")), run(node.caption)]
        shares = [round(TEXT_WIDTH * share) for share in widths(node, self._view)]
        cell = self._small if node.style == "dense" else self._close if self._view.document.brief else self._cell
        rows = ([cell(each) for each in row] for row in node.rows)
        made = table(node.header, rows, widths=shares, caption=node.caption)
        self._add(paragraph(*title, style="Caption"), made, _spacer())
        if cut:
            self._add(paragraph(run(cut), style="Note"))

    @_node.register
    def _(self, node: Figure) -> None:
        self._figures += 1
        if self._pictures:
            chart, node = picture(node, self._view)
            self.charts[len(self.parts)] = chart, node
            self._add("")
        else:
            node = beside_picture(node, self._view)
        number = run(f"{said('Figure {n}.', n=self._figures)} ", element("b"))
        self._add(paragraph(number, run(node.caption), style="Caption"))
        if node.reading:
            self._add(paragraph(run(node.reading)))
        self._node(node.twin)

    @_node.register
    def _(self, node: Listing) -> None:
        for entry in node.entries:
            parts = [part for inline in entry for part in (*self._inline(inline), run(" "))]
            self._add(paragraph(run("–"), element("r", element("tab")), *parts, style="Bullet"))

    # Pieces of a line or a cell.

    def _fact(self, fact: Fact, *, style: str = "Fact") -> Piece:
        label = run(fact.label or fact.path, colour(TONES[Verdict.NOT_APPLICABLE]))
        return paragraph(label, element("r", element("tab")), *self._stated(fact), style=style)

    def _stated(self, fact: Fact, *, apart: Piece | None = None) -> list[Piece]:
        """What a fact says, locked where the audit says it, and who says so; ``apart`` stands between the two."""
        said = [run(fact.value, style="Identifier" if fact.value.startswith("sha256:") else None)]
        if fact.origin == "measured":
            said = [self._controls.locked(fact.path, fact.label or fact.path, said)]
        mark = mark_of(fact)
        if mark is None:
            return said
        owner = whose(fact)
        between = run("   ") if apart is None else apart
        return [*said, between, *self._origin(mark), *([run(f" · {owner}", style="Small")] if owner else [])]

    def _cell(self, cell: Cell) -> list[Piece]:
        if isinstance(cell, str):
            return [paragraph(run(cell), style="TableText")]
        if isinstance(cell, Number):
            return [paragraph(self._number_in_cell(cell), style="TableText")]
        if isinstance(cell, Fact):
            return [paragraph(*self._stated(cell, apart=line_break()), style="TableText")]
        lines = [
            self._gap_head(cell),
            [run(f"{cell.what} "), run(f"({cell.citation})", style="Small")],
            self._open(cell),
        ]
        return [paragraph(*line, style="TableText", looks=[_frame(cell), _inset()]) for line in lines]

    def _small(self, cell: Cell) -> list[Piece]:
        """A cell of a register: a figure takes one line, and its value leads to its evidence."""
        if isinstance(cell, Number):
            shown = self._view.number(cell)
            spread = [run(f"  {_range(shown)}", style="Fine")] if _range(shown) else []
            said = [self._evidence(shown, _value(shown)), run("  "), *_verdict(shown), *spread]
            return [paragraph(self._controls.locked(shown.anchor, shown.title, said), style="TableSmall")]
        if isinstance(cell, Gap):
            return self._cell(cell)
        said = [run(cell)] if isinstance(cell, str) else self._stated(cell)
        return [paragraph(*said, style="TableSmall")]

    def _close(self, cell: Cell) -> list[Piece]:
        """A cell of a short document: a figure leads to its evidence by its value, a gap takes one paragraph."""
        if isinstance(cell, Number):
            shown = self._view.number(cell)
            spread = [line_break(), run(_range(shown), style="Small")] if _range(shown) else []
            parts = [self._evidence(shown, _value(shown)), run("  "), *_verdict(shown), *spread]
            return [paragraph(self._controls.locked(shown.anchor, shown.title, parts), style="TableText")]
        if isinstance(cell, Gap):
            return [paragraph(*self._in_one(cell), style="TableText")]
        parts = [run(cell)] if isinstance(cell, str) else self._stated(cell)
        return [paragraph(*parts, style="TableText")]

    def _in_one(self, gap: Gap) -> list[Piece]:
        """A gap in one paragraph: who is to fill what, which a field says itself, and the provision that asks."""
        opened = gap.card is not None
        word = run(f"{MARKS[gap.origin]} {ORIGINS[gap.origin][0]}", element("b"), colour(TONES[gap.origin]))
        head = [word] if opened else self._gap_head(gap)
        asked = run(f" ({gap.citation}) ", style="Small")
        return [*head, run(f"  {gap.what}"), asked, *self._open(gap)]

    def _number_in_cell(self, node: Number) -> Piece:
        shown = self._view.number(node)
        label = [] if node.label is None else [run(node.label), line_break()]
        said = [_value(shown), run("  "), *_verdict(shown), line_break()]
        spread = [run(_range(shown), style="Small"), line_break()] if _range(shown) else []
        return self._controls.locked(shown.anchor, shown.title, [*label, *said, *spread, self._evidence(shown)])

    def _inline(self, node: Inline) -> list[Piece]:
        if isinstance(node, Text):
            return [run(node.text)]
        if isinstance(node, Fact):
            return [*([run(f"{node.label}: ")] if node.label else []), *self._stated(node)]
        if isinstance(node, Gap):
            source = run(f" ({node.citation}) ", style="Small")
            return [*self._gap_head(node), run(f" {node.what}"), source, *self._open(node)]
        shown = self._view.number(node)
        label = node.label or ", ".join(part for part in (shown.title, shown.about) if part)
        spread = [run(f" ({_range(shown)})", style="Small")] if _range(shown) else []
        said = [run(f"{label}: "), _value(shown), *spread, run("  "), *_verdict(shown), run("  ")]
        return [self._controls.locked(shown.anchor, label, [*said, self._evidence(shown)])]

    def _origin(self, name: Mark) -> list[Piece]:
        """A mark with its word; in a short document with the first of its words, which its last lines explain."""
        word = ORIGINS[name][0]
        brief = BRIEFLY.get(name, word) if self._view.document.brief else word
        return [run(f"{MARKS[name]} {brief}", colour(TONES[name]))]

    def _gap_head(self, gap: Gap) -> list[Piece]:
        return [run(f"{MARKS[gap.origin]} {asked_of(gap)}", element("b"), colour(TONES[gap.origin]))]

    def _open(self, gap: Gap) -> list[Piece]:
        """The field of a gap; where only a named person may fill it, with who that is and when."""
        if gap.card is None:
            return [run(RULED if gap.blank else said("Not filled in here."), style="PlaceholderText")]
        waiting = said("[to be completed by {supplier}]", supplier=gap.supplier)
        field = self._controls.open(gap.card, gap.what, waiting)
        if gap.origin != "human":
            return field
        by = self._controls.open(f"{gap.card}{BY}", said("Stated by"), said("[name]"))
        on = self._controls.open(f"{gap.card}{DATE}", said("Stated on"), said("[date, such as 2026-11-29]"))
        return [*field, run(said(" stated by "), style="Small"), *by, run(said(" on "), style="Small"), *on]

    def _evidence(self, shown: Shown, said: Piece | None = None) -> Piece:
        """The finding's id, or what is ``said`` in its place, as a link to its raw observations."""
        page, _, anchor = shown.href.partition("#")
        words = run(shown.finding.id, style="Identifier") if said is None else said
        relation = self.links.setdefault(page, f"rPage{len(self.links) + 1}")
        return linked(words, anchor=anchor, relation=relation)


def _bookmark(place: int) -> str:
    return f"_Toc{place:08d}"


def _frame(gap: Gap) -> Piece:
    """A dashed frame for what a person writes, a solid one for what is missing."""
    return box("dashed" if gap.origin == "human" else "single", TONES[gap.origin], 1.0)


def _inset() -> Piece:
    """Room for a frame within a cell."""
    return element("ind", left=150, right=150)


def _spacer(*looks: Piece) -> Piece:
    """A thin gap between framed blocks, which would otherwise grow together; the one above a block stays with it."""
    return paragraph(looks=[*looks, element("spacing", before=0, after=0, line=120, lineRule="exact")])


def _value(shown: Shown, *, large: bool = False) -> Piece:
    if shown.suppressed:
        return run(shown.value, element("i"))
    return run(shown.value, style="Value") if large else run(shown.value, element("b"))


def _range(shown: Shown) -> str:
    """Interval and n; nothing for a figure that is withheld."""
    return "" if shown.suppressed else " · ".join(part for part in (shown.interval, shown.n) if part)


def _verdict(shown: Shown) -> list[Piece]:
    verdict: Verdict = shown.finding.verdict
    return [run(f"{MARKS[verdict]} {shown.verdict}", element("b"), colour(TONES[verdict]))]
