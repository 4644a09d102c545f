"""The Word file: measured values locked, fields for people open, and the same bytes for the same view."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from typing import Any

import pytest

from papers import HUMAN, MISSING, findings_table, make_document, make_view
from probandum.document import Fact, Gap, Heading, Table, Text
from probandum.dossier import Dossier
from probandum_reports import docx as paper
from probandum_reports import registers
from probandum_reports.ooxml import properties_of
from probandum_reports.view import View

docx: Any = pytest.importorskip("docx")
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


@pytest.fixture(scope="module")
def made(dossier: Dossier) -> bytes:
    """The sample document."""
    return paper.render(make_view(dossier))


@pytest.fixture(scope="module")
def body(made: bytes) -> Any:
    """Its body."""
    return docx.Document(io.BytesIO(made)).element.body


def controls(body: Any, *, locked: bool) -> dict[str, str]:
    """The text of every content control by tag, of those locked or of those open."""
    found: dict[str, str] = {}
    for control in body.iter(f"{W}sdt"):
        properties = control.find(f"{W}sdtPr")
        lock = properties.find(f"{W}lock")
        if (lock is not None and lock.get(f"{W}val") == "sdtContentLocked") == locked:
            tag = properties.find(f"{W}tag").get(f"{W}val")
            found[tag] = found.get(tag, "") + words(control)
    return found


def words(element: Any) -> str:
    """All text below an element."""
    return "".join(text.text or "" for text in element.iter(f"{W}t"))


def test_same_view_gives_same_bytes(made: bytes, dossier: Dossier) -> None:
    """Rendering again gives the same bytes, and no entry of the package carries a clock."""
    entries = zipfile.ZipFile(io.BytesIO(made)).infolist()

    assert made == paper.render(make_view(dossier))
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}


def test_properties_are_the_documents_own(made: bytes) -> None:
    """Title, author, language and dates come from the record; nothing of the library's template is left."""
    opened = docx.Document(io.BytesIO(made))
    core = opened.core_properties
    parts = zipfile.ZipFile(io.BytesIO(made)).namelist()

    assert ("Technical documentation", "en-GB") == (core.title, core.language)
    assert ("2026-11-02", "2026-11-02") == (core.created.date().isoformat(), core.modified.date().isoformat())
    assert core.author.startswith("probandum")
    assert "python-docx" not in core.comments
    assert not [name for name in parts if "thumbnail" in name]


def test_language_is_set(made: bytes) -> None:
    """The whole document is English to spelling and to screen readers."""
    styles = docx.Document(io.BytesIO(made)).styles.element

    assert "en-GB" == styles.find(f"{W}docDefaults").find(f".//{W}lang").get(f"{W}val")


def test_measured_values_are_locked(body: Any, dossier: Dossier) -> None:
    """Every finding shown stands in a control that nobody can edit or delete, with value, interval, n and id."""
    locked = controls(body, locked=True)
    view = make_view(dossier)

    for finding in view.document.findings():
        shown = view.shown(finding)
        text = locked[shown.anchor]
        assert shown.value in text
        assert shown.verdict in text
        assert finding in text
        if not shown.suppressed:
            assert shown.interval in text
            assert shown.n in text
    assert any(said.startswith("Locked against editing and deleting: each value") for said in map(words, body))


def test_fields_for_people_are_open_with_the_path_that_they_fill(body: Any) -> None:
    """A field's tag is its path in the card, its placeholder names who writes; a named person says who and when."""
    found = controls(body, locked=False)
    named = {str(HUMAN.card), "listed", "reviewer"}

    assert {str(MISSING.card), *named, *(f"{path}{end}" for path in named for end in (paper.BY, paper.DATE))} == set(
        found
    )
    assert "[to be completed by provider]" == found[str(HUMAN.card)]
    assert "[name]" == found[f"{HUMAN.card}{paper.BY}"]


def test_what_no_statement_fills_is_no_field(dossier: Dossier) -> None:
    """A gap that only another run closes says so, since what is written in it could go nowhere."""
    opened = docx.Document(io.BytesIO(paper.render(make_view(dossier, replace(MISSING, card=None, what="A suite")))))
    last = [words(each) for each in opened.element.body.iter(f"{W}p")]

    assert "Not filled in here." in last
    assert "data.sheets" in controls(opened.element.body, locked=False)


def test_the_file_says_which_record_it_is_of(made: bytes, dossier: Dossier) -> None:
    """Its properties name document, record, judgement, template, day, language and tool."""
    found = properties_of(docx.Document(io.BytesIO(made)))

    assert dossier.digests["record"] == found["probandum-record"]
    assert dossier.digests["judgement"] == found["probandum-judgement"]
    assert ("sample", "", dossier.as_of, "en", "probandum 0.1.0") == tuple(
        found[f"probandum-{name}"] for name in ("document", "template", "as-of", "language", "tool")
    )


def test_long_field_ids_stay_distinct(dossier: Dossier) -> None:
    """Word refuses long tags; two long ids that begin alike keep tags of their own."""
    gaps = [replace(MISSING, card="x" * 80 + end) for end in "ab"]
    opened = docx.Document(io.BytesIO(paper.render(make_view(dossier, *gaps))))
    tags = [tag.get(f"{W}val") for tag in opened.element.body.iter(f"{W}tag")]

    assert max(len(tag) for tag in tags) <= 64
    assert len({tag for tag in tags if tag.startswith("xxxx")}) == 2


@pytest.mark.parametrize("letter", ["\u202e", "\U0001f600"])
def test_tags_and_titles_are_as_long_as_word_allows(dossier: Dossier, letter: str) -> None:
    """It counts units of UTF-16, of what is written: an unseen letter is six letters then, and an emoji two units."""
    gap = replace(MISSING, what=f"the name {letter * 40}", card=f"names.{letter * 29}end")
    opened = docx.Document(io.BytesIO(paper.render(make_view(dossier, gap))))
    said = [each.get(f"{W}val") for name in ("tag", "alias") for each in opened.element.body.iter(f"{W}{name}")]

    assert 2 == sum("name" in each for each in said)
    assert 64 >= max(len(each.encode("utf-16-le")) // 2 for each in said)
    assert 64 >= max(len(each) for each in said)


def test_headings_have_real_styles(made: bytes, dossier: Dossier) -> None:
    """Each heading has the style of its level, which navigation and contents follow."""
    opened = docx.Document(io.BytesIO(made))
    found = [
        (paragraph.text, paragraph.style.name)
        for paragraph in opened.paragraphs
        if paragraph.style.name.lower().startswith("heading")
    ]
    expected = [
        (node.text, f"Heading {node.level}") for node in make_document(dossier).nodes if isinstance(node, Heading)
    ]

    assert expected == found


def test_tables_repeat_their_header(body: Any) -> None:
    """The first row of every table is marked as header and repeats; rows are not torn apart."""
    for table in body.iter(f"{W}tbl"):
        rows = table.findall(f"{W}tr")
        assert rows[0].find(f".//{W}tblHeader") is not None
        assert all(row.find(f".//{W}cantSplit") is not None for row in rows)
        assert all(cell[-1].tag == f"{W}p" for row in rows for cell in row.iter(f"{W}tc"))


def test_no_page_is_left_half_empty_by_force(body: Any) -> None:
    """Readers set other letters than ours: a page that is forced to begin leaves a scrap of the last one alone."""
    breaks = [part for part in body.iter(f"{W}br") if part.get(f"{W}type") == "page"]

    assert not breaks
    assert not list(body.iter(f"{W}pageBreakBefore"))


def test_what_the_run_recorded_is_not_said_to_be_measured(body: Any, dossier: Dossier) -> None:
    """A day or a digest of the run has the mark and the words of other formats, and a count of its own."""
    said = [words(part) for part in body.iter(f"{W}p")]
    rows = [[words(cell) for cell in row.iter(f"{W}tc")] for row in next(body.iter(f"{W}tbl")).iter(f"{W}tr")]
    counts = {row[0].partition(" ")[2]: int(row[2]) for row in rows[1:]}

    assert any(line.startswith("Audit begun") and line.endswith("≡ Recorded by the run") for line in said)
    assert 2 == counts["Recorded by the run"]
    assert len([line for line in said if "◉ Measured" in line]) <= counts["Measured"] + 1


def test_a_lead_in_stays_with_what_it_leads_to(body: Any) -> None:
    """The text right under a heading is kept on the page of what follows it."""
    opening = "What the system is for, who provides it, and what it runs on."
    lead = next(part for part in body.iter(f"{W}p") if words(part) == opening)

    assert lead.find(f"{W}pPr/{W}keepNext") is not None


def test_no_heading_ends_a_page(body: Any) -> None:
    """From a heading to the first line of what it heads, gaps and citations included, each keeps to the next."""
    parts = [part for part in body if part.tag in (f"{W}p", f"{W}tbl")]
    for place, part in enumerate(parts):
        style = part.find(f"{W}pPr/{W}pStyle")
        if style is None or not style.get(f"{W}val").startswith("Heading"):
            continue
        between = []
        for follower in parts[place + 1 :]:
            if words(follower) and not words(follower).startswith("Answers "):
                break
            between.append(follower)
        assert all(_keeps(each) for each in between), words(part)


def _keeps(part: Any) -> bool:
    style = part.find(f"{W}pPr/{W}pStyle")
    kept = style is not None and style.get(f"{W}val") in ("Citation", "Caption")
    return kept or part.find(f"{W}pPr/{W}keepNext") is not None


def test_the_last_entries_of_the_contents_stay_together(dossier: Dossier) -> None:
    """None of them begins a page alone."""
    headings = [Heading(text=f"Chapter {number}", level=1, anchor=f"c{number}") for number in range(40)]
    view = make_view(dossier)
    view.document = replace(view.document, nodes=(*view.document.nodes, *headings))
    long = docx.Document(io.BytesIO(paper.render(view))).element.body
    styled = [part for part in long.iter(f"{W}p") if part.find(f"{W}pPr/{W}pStyle") is not None]
    entries = [part for part in styled if part.find(f"{W}pPr/{W}pStyle").get(f"{W}val").startswith("Toc")]

    assert 40 < len(entries)
    assert [*[False] * (len(entries) - 5), *[True] * 4, False] == [
        part.find(f"{W}pPr/{W}keepNext") is not None for part in entries
    ]


def test_the_legend_is_kept_in_one_piece(body: Any) -> None:
    """Its head and all its rows stay on the page of what follows them."""
    legend = next(body.iter(f"{W}tbl"))
    before = legend.getprevious()

    assert "How to read this document" == words(before)
    for part in (before, *legend.iter(f"{W}p")):
        style = part.find(f"{W}pPr/{W}pStyle").get(f"{W}val")
        assert style == "TableHead" or part.find(f"{W}pPr/{W}keepNext") is not None


def test_pictures_have_alternative_text(body: Any) -> None:
    """The chart says in words what it shows."""
    drawing = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}docPr"
    said = [properties.get("descr") for properties in body.iter(drawing)]

    assert ["Intervals of the differences between groups, against their limits"] == said


def test_a_long_name_takes_one_line_at_the_foot_of_a_page(dossier: Dossier) -> None:
    """It is cut before the seal and the number of the page, and stands in full on the cover."""
    name = "scorer of applications " * 20
    made = docx.Document(io.BytesIO(paper.render(make_view(replace(dossier, card={**dossier.card, "name": name})))))
    foot = words(made.sections[0].footer._element)

    assert name.strip() in words(made.element.body)
    assert foot.startswith(f"{name[: 3 * 23]}scorer of … · unsigned")


def test_control_ids_are_unique(body: Any) -> None:
    """No two controls or bookmarks share an id, which Word would call damage."""
    ids = [identity.get(f"{W}val") for identity in body.iter(f"{W}id")]

    assert len(ids) == len(set(ids))


def test_hostile_text_stays_text(dossier: Dossier) -> None:
    """Control characters, markup and hiding characters become visible text."""
    hostile = "<w:p/> & \x00 \x1b \u202e \ufffe ]]>"
    view = make_view(
        dossier,
        Heading(text=hostile, level=2, anchor="h"),
        Text(text=hostile),
        Fact(path=hostile, value=hostile),
        Gap(what=hostile, citation=hostile, supplier=hostile, field_id=hostile),
        Table(caption=hostile, header=(hostile, "b"), rows=((hostile, hostile),)),
    )
    said = words(docx.Document(io.BytesIO(paper.render(view))).element.body)

    assert said.count(r"<w:p/> & \u0000 \u001b \u202e \ufffe ]]>") >= 8


def test_parts_follow_the_schemas_order(body: Any) -> None:
    """Paragraph, run and control properties stand in the order that strict readers ask for."""
    orders = {
        "pPr": (
            "pStyle",
            "keepNext",
            "keepLines",
            "pageBreakBefore",
            "pBdr",
            "shd",
            "tabs",
            "spacing",
            "ind",
            "outlineLvl",
        ),
        "rPr": ("rStyle", "rFonts", "b", "i", "color", "sz", "szCs", "lang"),
        "sdtPr": ("alias", "tag", "id", "lock", "showingPlcHdr", "text"),
    }
    for name, order in orders.items():
        for properties in body.iter(f"{W}{name}"):
            places = [order.index(part.tag.removeprefix(W)) for part in properties]
            assert places == sorted(places)


def test_a_register_says_what_it_leaves_out(dossier: Dossier, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more rows than a Word file takes the first stand there, and below them where all of them are."""
    register = replace(findings_table(dossier.findings), style="dense")
    document = replace(make_document(dossier), nodes=(Heading(text="Annex", level=1, anchor="annex"), register))
    view = View(document, dossier)
    whole = docx.Document(io.BytesIO(paper.render(view)))
    monkeypatch.setattr(registers, "LONGEST", 2)
    cut = docx.Document(io.BytesIO(paper.render(view)))
    said = f"Of {len(dossier.findings)} rows the first 2 are printed. All of them stand in this document as HTML"

    assert [len(dossier.findings) + 1, 3] == [len(each.tables[-1].rows) for each in (whole, cut)]
    assert [0, 1] == [sum(line.text.startswith(said) for line in each.paragraphs) for each in (whole, cut)]
