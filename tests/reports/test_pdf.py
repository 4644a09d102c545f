"""The PDF: archivable, accessible, with its evidence inside, and the same bytes for the same view."""

from __future__ import annotations

import io
import json
import time
from dataclasses import replace
from typing import Any

import pytest

from papers import findings_table, glyphs_of, letters_of, make_document, make_view, words_of
from probandum import codec
from probandum.document import Document, Fact, Figure, Gap, Heading, Number, Table, Text
from probandum.dossier import Dossier
from probandum.errors import RecordError, UsageError
from probandum.finding import Groups
from probandum_reports import pdf, registers
from probandum_reports.build import build
from probandum_reports.view import View

pikepdf: Any = pytest.importorskip("pikepdf")


@pytest.fixture(scope="module")
def sample(dossier: Dossier) -> Any:
    """The sample document, rendered and opened."""
    return pikepdf.open(io.BytesIO(pdf.render(make_view(dossier))))


def test_says_of_itself_that_it_is_archivable_and_accessible(sample: Any) -> None:
    """Metadata name PDF/A part 3 level A and PDF/UA part 1, the title and the language."""
    with sample.open_metadata() as metadata:
        said = {name: metadata.get(name) for name in ("pdfaid:part", "pdfaid:conformance", "pdfuaid:part")}
        title = metadata["dc:title"]

    assert said == {"pdfaid:part": "3", "pdfaid:conformance": "A", "pdfuaid:part": "1"}
    assert title == "Technical documentation — Credit scorer 2.1.0"
    assert str(sample.Root.Lang) == "en-GB"
    assert bool(sample.Root.MarkInfo.Marked)
    assert bool(sample.Root.ViewerPreferences.DisplayDocTitle)
    assert 1 == len(sample.Root.OutputIntents)
    assert "/StructTreeRoot" in sample.Root
    assert {"/S"} == {str(page.Tabs) for page in sample.pages}


def test_every_font_is_embedded(sample: Any) -> None:
    """No page needs a font of the reader's machine, and only shipped families occur."""
    families = set()
    for page in sample.pages:
        for font in page.Resources.get("/Font", {}).values():
            descriptor = font.DescendantFonts[0].FontDescriptor
            families.add(str(descriptor.FontName).partition("+")[2].partition("-")[0])
            assert "/FontFile2" in descriptor or "/FontFile3" in descriptor

    assert families <= {"Inter", "Vollkorn", "JetBrainsMono"}


def test_findings_are_attached_in_their_published_form(sample: Any, dossier: Dossier) -> None:
    """The one attachment is data, holds every finding, and withholds small cells as the pages do."""
    attachment = sample.attachments["findings.json"]
    specification = sample.Root.AF[0]
    held = json.loads(attachment.get_file().read_bytes())
    view = make_view(dossier)

    assert len(sample.Root.AF) == 1
    assert str(specification.AFRelationship) == "/Data"
    assert attachment.get_file().mime_type == "application/json"
    assert json.loads(codec.encode([view.public(finding.id) for finding in dossier.findings])) == held
    assert any(entry["estimate"]["value"] is None and "fewer than 10" in entry["estimate"]["why"] for entry in held)


def test_outline_follows_the_headings(sample: Any, dossier: Dossier) -> None:
    """The bookmarks are the document's headings, in order."""
    with sample.open_outline() as outline:
        titles = []

        def walk(items: Any) -> None:
            for item in items:
                titles.append(item.title)
                walk(item.children)

        walk(outline.root)
    expected = [node.text for node in make_document(dossier).nodes if isinstance(node, Heading)]

    assert expected == [title for title in titles if title != "Contents"]


def test_figures_have_alternative_text(sample: Any) -> None:
    """The chart's alternative text stands in the structure tree."""
    found = []

    def walk(element: Any) -> None:
        if isinstance(element, pikepdf.Dictionary):
            if "/Alt" in element:
                found.append(str(element.Alt))
            children = element.get("/K", [])
            for child in children if isinstance(children, pikepdf.Array) else [children]:
                walk(child)

    walk(sample.Root.StructTreeRoot)

    assert "Intervals of the differences between groups, against their limits" in found


def test_every_finding_is_shown_with_interval_n_and_id(sample: Any, dossier: Dossier) -> None:
    """Value, interval, n, verdict and id of every finding of the document can be read off the pages."""
    said = words_of(sample)
    view = make_view(dossier)
    missing = [
        (finding, words)
        for finding in view.document.findings()
        for shown in [view.shown(finding)]
        for words in (finding, shown.value, shown.verdict, *([] if shown.suppressed else [shown.interval, shown.n]))
        if words.replace(" ", "") not in said
    ]

    assert missing == []


def test_gaps_name_provision_supplier_and_field(sample: Any) -> None:
    """A gap's citation, supplier and field id stand on the page."""
    said = words_of(sample)

    for words in ("AI Act, Annex IV(2)(d)", "data.sheets", "oversight.stop", "supplied by: provider"):
        assert words.replace(" ", "") in said


def test_first_page_says_system_day_digests_and_seal(sample: Any, dossier: Dossier) -> None:
    """System, version, day, digests and that the record is unsigned stand on the first page."""
    said = "".join(letters_of(sample.pages[0])).replace(" ", "")

    for words in ("Credit scorer 2.1.0", "As of 2026-11-02", "Unsigned.", *dossier.digests.values()):
        assert words.replace(" ", "") in said


def test_a_long_first_page_leaves_no_page_empty(dossier: Dossier) -> None:
    """A name of two lines and a long notice stay on the first page; what no page holds flows into the second."""
    card = {**dossier.card, "name": "A scorer with a name that takes more than one line of the first page of a file"}
    for length, seal in ((60, 0), (500, 1)):
        view = make_view(replace(dossier, card=card))
        notice = Fact(path="notice", value="word " * length, label="Notice")
        digests = [Fact(path=f"run.{n}", value="sha256:" + f"{n:02d}" * 32, label="Digest") for n in range(10)]
        view.document = replace(view.document, front=(*view.document.front, notice, *digests))
        pages = pikepdf.open(io.BytesIO(pdf.render(view))).pages
        said = ["".join(letters_of(each)).replace(" ", "") for each in list(pages)[:2]]

        assert "Seal:Unsigned." in said[seal]
        assert "Howtoreadthisdocument" in said[1]


def test_what_the_run_recorded_is_not_said_to_be_measured(sample: Any, dossier: Dossier) -> None:
    """A day of the run has the words of other formats behind it, and the legend counts it apart."""
    first, second = ("".join(letters_of(page)).replace(" ", "") for page in sample.pages[:2])

    assert "2026-11-01RecordedbytheRun".lower() in first.lower()
    assert "Measured" not in first
    assert "RecordedbytherunWhattherecordsays" in second


def test_links_lead_to_the_evidence(sample: Any, dossier: Dossier) -> None:
    """Every finding shown is linked with the page of its raw observations."""
    targets = {
        str(note.A.URI)
        for page in sample.pages
        for note in page.get("/Annots", [])
        if "/A" in note and "/URI" in note.A
    }
    view = make_view(dossier)

    assert {view.shown(finding).href for finding in view.document.findings()} <= targets


def test_same_view_gives_same_bytes(dossier: Dossier) -> None:
    """Rendering twice gives the same bytes, and the date inside is the document's own."""
    first, second = (pdf.render(make_view(dossier)) for _ in range(2))
    opened = pikepdf.open(io.BytesIO(first))

    assert first == second
    assert str(opened.docinfo.CreationDate).startswith("D:20261102")


def test_markup_in_data_stays_text(dossier: Dossier) -> None:
    """Typst code in a card or a group name is printed, not run."""
    hostile = '#panic("x") *b* $1$ <t> @ref \\ // `c` #read("/etc/passwd")'
    view = make_view(
        dossier,
        Heading(text=hostile, level=2, anchor="h"),
        Text(text=hostile),
        Fact(path=hostile, value=hostile, by=hostile),
        Gap(what=hostile, citation=hostile, supplier=hostile, field_id=hostile),
        Table(caption=hostile, header=(hostile, "b", "c"), rows=((hostile, hostile, "x" * 300),)),
    )
    said = words_of(pikepdf.open(io.BytesIO(pdf.render(view))))

    assert said.count(hostile.replace(" ", "")) >= 8


def test_foreign_letters_are_written_as_codes(dossier: Dossier) -> None:
    """A letter no shipped font has, and one that hides, stand as their code; the document is still written."""
    view = make_view(dossier, Text(text="名 \u202e \ue000 Łódź Ελλάδα България \U0001f600 a\u0301"))
    said = words_of(pikepdf.open(io.BytesIO(pdf.render(view))))

    assert "⟨U+540D⟩⟨U+202E⟩⟨U+E000⟩ŁódźΕλλάδαБългария⟨U+1F600⟩á" in said


def test_a_foreign_name_has_a_number_and_a_row_of_codes(dossier: Dossier) -> None:
    """Where it would take many codes a name is its number, the same wherever it stands; a table has the codes."""
    view = make_view(dossier, Text(text="against 中华人民 共和国, 中华人民 共和国 and 北京市政府"), Text(text="名"))
    said = words_of(pikepdf.open(io.BytesIO(pdf.render(view))))

    assert "against⟨name1⟩,⟨name1⟩and⟨name2⟩" in said
    assert "Namesinlettersthatthisfiledoesnothave" in said
    assert 1 == said.count("⟨U+4E2DU+534EU+4EBAU+6C11⟩⟨U+5171U+548CU+56FD⟩")
    assert "⟨U+540D⟩" in said


def test_a_letter_is_drawn_with_its_marks_in_every_face(dossier: Dossier) -> None:
    """On the cover, in a heading and in the id of a field letter and marks come out of one font that holds them all."""
    name = "K\u0254\u0301fi M\u025b\u0303nsa x\u032d\u0301"
    gap = Gap(what="w", citation="c", supplier="s", field_id=name)
    view = make_view(
        replace(dossier, card={**dossier.card, "name": name}), Heading(text=name, level=2, anchor="h"), gap
    )
    made = pikepdf.open(io.BytesIO(pdf.render(view)))

    marked = {each: glyphs_of(made, each) for each in ("\u0254\u0301", "\u025b\u0303", "x\u032d\u0301")}

    assert [{"Inter"}] * 3 == [drawn.keys() for drawn in marked.values()]
    assert 2 == len(marked["\u0254\u0301"]["Inter"])
    assert {"Vollkorn", "JetBrainsMono", "Inter"} <= glyphs_of(made, "n").keys()


def test_a_letter_whose_mark_no_font_can_draw_with_it_is_written_as_codes(dossier: Dossier) -> None:
    """Only the serif has it, and not the mark: both stand as codes, and neither vanishes."""
    said = words_of(pikepdf.open(io.BytesIO(pdf.render(make_view(dossier, Text(text="\u2115\u0330 \u2115 o\u0301"))))))

    assert "⟨U+2115U+0330⟩\u2115\u00f3" in said


def test_names_are_not_hyphenated_where_they_stand_for_what_was_measured(dossier: Dossier) -> None:
    """In a cell beside a figure, and in the label of one, a line breaks a name without a sign of its own."""
    name, label = "administration" * 8, "consideration" * 8
    number = Number(finding=dossier.findings[0].id, label=label)
    table = Table(caption="c", header=("Quantity", "Result", "Why"), rows=((name, number, "why"),))
    said = words_of(pikepdf.open(io.BytesIO(pdf.render(make_view(dossier, table, number)))))

    assert 1 == said.count(name)
    assert 2 == said.count(label)


def test_a_long_name_takes_one_line_at_the_foot_of_a_page(dossier: Dossier) -> None:
    """It is cut where the seal and the number of the page begin, and stands in full on the cover."""
    name = "scorer of applications " * 20
    view = make_view(replace(dossier, card={**dossier.card, "name": name}))
    made = pikepdf.open(io.BytesIO(pdf.render(view)))
    cover, *pages = ("".join(letters_of(page)).replace(" ", "") for page in made.pages)

    assert name.replace(" ", "") in cover
    assert all(f"{'scorerofapplications' * 3}scorerof…·unsigned" in page for page in pages)
    assert not any("scorerofapplications" * 4 in page for page in pages)


def test_counts_of_verdicts_lead_to_the_index(dossier: Dossier) -> None:
    """In a summary the findings by verdict are a link, whatever else it lists."""
    made = pikepdf.open(io.BytesIO(pdf.render(View(build("summary", dossier), dossier))))
    links = {str(note.A.URI) for page in made.pages for note in page.get("/Annots", []) if "/URI" in note.get("/A", {})}

    assert "index.html#judged" in links


def test_a_document_in_shipped_letters_has_no_table_of_names(sample: Any) -> None:
    """Nothing is explained that does not occur."""
    assert "thatthisfiledoesnothave" not in words_of(sample)


def test_signed_record_says_so(dossier: Dossier) -> None:
    """A signed record names its key instead of saying unsigned."""
    signed = replace(dossier, seal={"signed": True, "key_id": "ed25519:abc"})
    said = words_of(pikepdf.open(io.BytesIO(pdf.render(make_view(signed)))))

    assert "signedbykeyed25519:abc" in said
    assert "unsigned" not in said.lower()


def test_day_that_is_none_is_refused(dossier: Dossier) -> None:
    """A record whose day is no date gives one clear line."""
    with pytest.raises(RecordError, match="expected a date such as"):
        pdf.render(make_view(replace(dossier, as_of="soon")))


def test_chart_without_alternative_text_is_refused(dossier: Dossier) -> None:
    """What the standards forbid is an error that names the document, not a file that breaks them."""
    chart = next(node for node in make_document(dossier).nodes if isinstance(node, Figure))
    document = Document(id="empty", title="T", subtitle="", status="", front=(), nodes=(replace(chart, alt=""),))

    with pytest.raises(UsageError, match="document empty: cannot be written as PDF"):
        pdf.render(View(document, dossier))


def test_a_register_is_small_print_and_says_what_it_leaves_out(dossier: Dossier, monkeypatch: Any) -> None:
    """A line a finding, linked to its evidence; of more rows than are printed the file says where they stand."""
    found = dossier.findings
    register = replace(findings_table(found), style="dense")
    document = make_document(dossier)
    document = replace(document, nodes=(*document.nodes[:1], *[replace(register, caption=name) for name in "abcd"]))
    small = pikepdf.open(io.BytesIO(pdf.render(View(document, dossier))))
    large = replace(
        document, nodes=tuple(replace(each, style=None) if isinstance(each, Table) else each for each in document.nodes)
    )
    monkeypatch.setattr(registers, "LONGEST", 2)
    cut = pikepdf.open(io.BytesIO(pdf.render(View(document, dossier))))
    said = f"Of {len(found)} rows the first 2 are printed.".replace(" ", "")

    assert len(small.pages) < len(pikepdf.open(io.BytesIO(pdf.render(View(large, dossier)))).pages)
    assert said not in words_of(small)
    assert 4 == words_of(cut).count(said)
    assert len(found) == len(json.loads(cut.attachments["findings.json"].get_file().read_bytes()))


@pytest.mark.slow
def test_three_thousand_findings_take_seconds(dossier: Dossier) -> None:
    """A table of 3,000 findings is set in under a minute even on a busy machine."""
    base = [finding for finding in dossier.findings if finding.limit is not None and finding.groups is not None]
    many = tuple(
        replace(
            base[place % len(base)],
            id=f"{base[place % len(base)].metric}?group=subgroup {place} of a long name~all others",
            groups=Groups(attribute="group", group=f"subgroup {place} of a long name", reference="all others"),
        )
        for place in range(3000)
    )
    document = Document(
        id="many",
        title="Many",
        subtitle="",
        status="",
        front=(),
        nodes=(Heading(text="All", level=1, anchor="all"), findings_table(many), Number(finding=many[-1].id)),
    )
    began = time.process_time()

    made = pdf.render(View(document, replace(dossier, findings=many)))

    assert time.process_time() - began < 60
    assert len(pikepdf.open(io.BytesIO(made)).pages) > 100


def test_who_can_supply_what_is_missing_is_told_apart_from_what_it_is(dossier: Dossier) -> None:
    """In a box of a table a mark stands between the two, which else read as one sentence."""
    gap = Gap(
        what="not assessed: leakage", citation="Art. 15", supplier="the auditor, as they need", field_id="leakage"
    )
    table = Table(caption="Open", header=("What", "State"), rows=(("Leakage", gap),))
    document = replace(make_document(dossier), nodes=(table,))
    said = words_of(pikepdf.open(io.BytesIO(pdf.render(View(document, dossier)))))

    assert "theauditor,astheyneed·notassessed:leakage" in said
