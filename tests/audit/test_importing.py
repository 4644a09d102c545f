"""Importing: what people wrote into a document stands in the card with who and when, and the documents say so then."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commands import Ended, entered
from probandum import api
from probandum.errors import DataError, UsageError
from probandum.record import Record
from probandum.reporting import dossier
from probandum.yaml_source import read_yaml
from probandum_reports import ooxml
from probandum_reports.build import build
from probandum_reports.nodes import gaps, walk
from probandum_reports.ooxml import mark, name_of
from records import LIMITS, PLAN, write_plan
from word_forms import controls, element, fill, saved_again

docx: Any = pytest.importorskip("docx")

#: A card as people keep it, with comments, in a file of its own.
CARD = """\
# Kept by the risk team.
name: Loan desk
version: "1.0"   # as deployed
purpose: >-
  Decides
  on loans

oversight:
  interpretation: A list of reasons.   # since May
"""
STATED = {
    "oversight.measures": "A clerk decides each case anew, and can stop the system.",
    "signatures.test_report": "Maria Roth, head of testing",
    "signatures.test_report#by": "Maria Roth",
    "signatures.test_report#date": "2026-11-28",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plan, its card, and the record with one document as a Word file."""
    folder = tmp_path_factory.mktemp("importing")
    text = PLAN.replace('{name: Loan desk, version: "1.0", purpose: Decides on loans}', "card.yaml")
    (folder / "card.yaml").write_text(CARD)
    record = api.audit(
        write_plan(folder, text + LIMITS + "documents: [annex_iv]\n"), out=folder / "run", documents=False
    )
    api.report(record, formats=["docx", "json"])
    fill(folder / "run" / "reports" / "annex_iv.docx", folder / "filled.docx", STATED)
    return folder


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Path:
    """A copy of it to write into."""
    return Path(shutil.copytree(made, tmp_path / "desk"))


def imported(place: Path, file: str = "filled.docx", *words: str) -> Ended:
    """The command, by Ann Example on a day."""
    return entered(place, "report", "import", file, "--by", "Ann Example", "--date", "2026-11-29", *words)


def card(place: Path) -> dict[str, Any]:
    """What the card says."""
    return read_yaml(place / "card.yaml").values


def test_filled_fields_stand_in_the_card_with_who_and_when(place: Path) -> None:
    """Whoever a field names, else whoever imports; comments and line breaks of the card stay as they are."""
    before, counts = card(place), imported(place)
    after = card(place)
    measures = {"value": STATED["oversight.measures"], "by": "Ann Example", "date": "2026-11-29"}

    assert 0 == counts.code
    assert "card.yaml: 2 fields of annex_iv written, " in counts.out
    assert "the documents say so after: probandum audit audit.yaml --out run (asks nothing again)" in counts.out
    assert before["oversight"] | {"measures": measures} == after["oversight"]
    assert {"value": "Maria Roth, head of testing", "by": "Maria Roth", "date": "2026-11-28"} == (
        after["signatures"]["test_report"]
    )
    assert [] == [line for line in CARD.splitlines() if line not in (place / "card.yaml").read_text().splitlines()]


def test_a_file_that_is_not_there_is_named(place: Path) -> None:
    """As what it is, and not as a damaged one."""
    refused = imported(place, "none.docx")

    assert 2 == refused.code
    assert "none.docx: no such file; name a .docx that `probandum report` wrote" in refused.err


def test_the_same_command_then_says_so_in_the_documents(place: Path) -> None:
    """Nothing is asked again; the statements are facts with their speaker, and as many gaps are fewer."""
    old = dossier(Record.open(place / "run"))
    imported(place)
    journal = (place / "run" / "ask" / "observations.jsonl.zst").read_bytes()
    again = entered(place, "audit", "audit.yaml", "--out", "run")
    record = Record.open(place / "run")
    trees = [build("annex_iv", each) for each in (old, dossier(record))]
    before, after = ({gap.field_id for gap in gaps(tree.nodes)} for tree in trees)
    facts = {getattr(node, "path", ""): node for node in walk(trees[1].nodes)}

    assert 1 == again.code
    assert journal == (place / "run" / "ask" / "observations.jsonl.zst").read_bytes()
    assert {"oversight.measures", "signatures.test_report"} == before - after
    assert set() == after - before
    assert ("Ann Example", "2026-11-29") == (facts["oversight.measures"].by, facts["oversight.measures"].on)  # type: ignore[attr-defined]
    assert "Maria Roth" == facts["signatures.test_report"].by  # type: ignore[attr-defined]
    assert [] == [step for step in api.verify(record) if step.held is False]


def test_a_document_whose_every_field_is_filled_and_signed_is_final(place: Path) -> None:
    """The summary for management of an audit that measured no robustness, no leakage and no drift."""
    record = Record.open(place / "run")
    api.report(record, documents=["summary"], formats=["docx"], keep=False)
    open_ = [gap for gap in gaps(build("summary", dossier(record)).nodes) if gap.field_id != "review.summary"]
    said = {str(gap.card): "A person states this." for gap in open_}
    said |= {f"{gap.card}#by": "Maria Roth" for gap in open_ if gap.origin == "human"}
    said |= {f"{gap.card}#date": "2026-11-28" for gap in open_ if gap.origin == "human"}
    fill(record.reports / "summary.docx", place / "summary.docx", said)
    assert "not_assessed.leakage_of_training_data" in said

    made = api.import_filled(place / "summary.docx", by="Ann Example", run=place / "run")
    api.judge(record, plan=place / "audit.yaml")
    api.report(record, documents=["summary"], formats=["md"], keep=False)
    api.sign(record, document="summary", by="Maria Roth", function="Head of credit risk")
    api.report(record, documents=["summary"], formats=["md"], final=True, keep=False)

    api.report(record, documents=["summary"], formats=["docx"], final=True, keep=True)
    final = api.import_filled(record.reports / "summary.docx", by="B", run=place / "run")
    assert (0, 0) == (len(final.written), final.empty)
    called = docx.Document(str(record.reports / "summary.docx"))
    status = next(each for each in called.element.body.iter(name_of("t")) if str(each.text).startswith("Final: "))
    status.text = status.text.replace("Final", "Reviewed")
    called.save(str(place / "called.docx"))
    with pytest.raises(DataError, match="the record says 'Final"):
        api.import_filled(place / "called.docx", by="B", run=place / "run")

    assert {str(gap.card) for gap in open_} == set(made.written)
    assert "Status:** Final: no fact is missing" in (record.reports / "summary.md").read_text()
    assert [] == [step for step in api.verify(record) if step.held is False]


@pytest.mark.parametrize(
    "text", ["TBD - to be completed", "TODO", "n/a", "to be completed", "-", "xxx", "pending", "not yet", "see above"]
)
def test_what_stands_in_for_a_statement_is_refused(place: Path, text: str) -> None:
    """In a field, in the name beside it and of whoever imports; a check of the card warns of what stands there."""
    for name in ("provider", "signatures.test_report#by"):
        fill(place / "filled.docx", place / "odd.docx", {name: text})
        refused = imported(place, "odd.docx")
        assert 2 == refused.code
        assert f"{text!r} stands in for a statement, and is none" in refused.err
    with pytest.raises(UsageError, match="a statement has somebody who makes it"):
        api.import_filled(place / "filled.docx", by=text, run=place / "run")
    assert CARD == (place / "card.yaml").read_text()

    (place / "card.yaml").write_text(CARD.replace("A list of reasons.", f"'{text}'"))
    checked = entered(place, "card", "check", "card.yaml")
    assert f"oversight.interpretation: {text!r} stands in for a statement, and is none" in checked.out


def test_a_field_holds_so_many_letters_and_a_terminal_shows_fewer(place: Path) -> None:
    """Ten pages are a document of their own; what turns letters round stands in the card as its code."""
    long = fill(place / "filled.docx", place / "long.docx", {"oversight.measures": "word " * 5_000})
    refused = imported(place, long.name)
    assert 2 == refused.code
    assert "has 24,999 letters; a field holds 20,000 at most" in refused.err
    assert 500 > len(refused.err)

    fill(place / "filled.docx", place / "odd.docx", {"oversight.measures": "turned \u202eround " + "word " * 500})
    shown = imported(place, "odd.docx")
    assert 0 == shown.code
    assert r"turned \u202eround" in shown.out
    assert 2_000 > len(shown.out)
    assert r"turned \u202eround" in (place / "card.yaml").read_text()
    assert "turned \u202eround" in card(place)["oversight"]["measures"]["value"]


def test_another_document_of_an_older_judgement_can_still_be_imported(place: Path) -> None:
    """Where only statements moved on; where another judgement found otherwise, it is refused."""
    imported(place)
    entered(place, "judge", "run", "--plan", "audit.yaml")
    fill(place / "filled.docx", place / "more.docx", {"role": "provider"})
    assert ["role"] == list(api.import_filled(place / "more.docx", by="B", run=place / "run").written)

    plan = place / "audit.yaml"
    plan.write_text(plan.read_text().replace("at_least: 0.8", "at_least: 0.1"))
    entered(place, "judge", "run", "--plan", "audit.yaml")
    with pytest.raises(DataError, match="of judgement 1, and another one decides now"):
        api.import_filled(place / "more.docx", by="B", run=place / "run")


def test_a_document_that_shows_a_review_can_still_be_filled_in(place: Path) -> None:
    """Written again after it was reviewed it says so, which is no change that somebody made."""
    record = Record.open(place / "run")
    api.report(record, documents=["annex_iv"], formats=["docx"], keep=False)
    api.sign(record, document="annex_iv", by="Maria Roth", function="Head of credit risk")
    api.report(record, documents=["annex_iv"], formats=["docx"], keep=False)
    fill(record.reports / "annex_iv.docx", place / "reviewed.docx", STATED)

    made = api.import_filled(place / "reviewed.docx", by="Ann Example", run=place / "run")

    shown = [each.text for table in docx.Document(place / "reviewed.docx").tables for each in table._cells]
    assert any("Head of credit risk" in text for text in shown)
    assert {"oversight.measures", "signatures.test_report"} == set(made.written)


def test_who_imports_is_asked_for_where_a_field_names_nobody(place: Path) -> None:
    """Where every filled field says by whom, the command needs no name."""
    named = {name: text for name, text in STATED.items() if name.startswith("signatures")}
    fill(place / "run" / "reports" / "annex_iv.docx", place / "named.docx", named)
    assert 0 == entered(place, "report", "import", "named.docx").code
    assert "Maria Roth" == card(place)["signatures"]["test_report"]["by"]

    refused = entered(place, "report", "import", "filled.docx")
    assert 2 == refused.code
    assert refused.err.startswith("error: oversight.measures, ")
    assert "a statement has somebody who makes it; name them with --by" in refused.err
    fill(place / "filled.docx", place / "nobody.docx", {"signatures.test_report#by": "Unknown"})
    assert "signatures.test_report, " in imported(place, "nobody.docx").err
    assert "'Unknown' names nobody" in imported(place, "nobody.docx").err


def test_a_second_import_writes_nothing(place: Path) -> None:
    """What stands there already is counted; what stands there otherwise is refused unless it is to give way."""
    imported(place)
    before = (place / "card.yaml").read_bytes()
    assert "0 fields of annex_iv written, 2 stood there already, " in imported(place).out
    assert before == (place / "card.yaml").read_bytes()

    fill(place / "filled.docx", place / "other.docx", {"oversight.measures": "Nobody looks."})
    refused = imported(place, "other.docx")
    assert 2 == refused.code
    assert "oversight.measures says 'A clerk decides each case anew, and can stop the system.'" in refused.err
    assert before == (place / "card.yaml").read_bytes()
    assert "(replaced)" in imported(place, "other.docx", "--replace").out
    assert "Nobody looks." == card(place)["oversight"]["measures"]["value"]


def test_a_card_within_the_audit_file_is_written_there(tmp_path: Path) -> None:
    """Below ``system``, whether in braces or not; the plan still loads and asks the same."""
    plan = write_plan(tmp_path, PLAN + LIMITS + "documents: [art22_notice]\n")
    record = api.audit(plan, out=tmp_path / "run", documents=False)
    api.report(record, formats=["docx"])
    told = next(
        gap
        for gap in gaps(build("art22_notice", dossier(record)).nodes)
        if gap.card is not None and gap.origin != "human"
    )
    fill(record.reports / "art22_notice.docx", tmp_path / "filled.docx", {str(told.card): "Two words"})

    made = api.import_filled(tmp_path / "filled.docx", by="B", run=record.folder)
    values: Any = read_yaml(plan).values["system"]
    for step in str(told.card).split("."):
        values = values[step]
    assert (plan.resolve(), [told.card]) == (made.card.resolve(), list(made.written))
    assert "Two words" == values["value"]
    assert record.plan["digests"]["ask"] == api.load_plan(plan).digests["ask"]


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice (soffice) is not installed")
def test_a_file_that_libreoffice_saved_is_read_like_any(place: Path, tmp_path: Path) -> None:
    """Though it drops tags and locks: what was filled in is found, and what was changed is refused."""
    saved = saved_again(place / "filled.docx", tmp_path)
    names = [name for name, _ in controls(docx.Document(str(saved)))]
    made = api.import_filled(saved, by="Ann Example", run=place / "run", plan=place / "audit.yaml")

    assert [] == names
    assert {"oversight.measures", "signatures.test_report"} == set(made.written)
    assert "Maria Roth" == made.written["signatures.test_report"].by

    (tmp_path / "more").mkdir()
    word = docx.Document(str(saved))
    for text in word.element.body.iter(name_of("t")):
        if text.text == "probandum 0.1.0":
            text.text = "probandum 9.9.9"
    word.save(str(tmp_path / "more" / "changed.docx"))
    with pytest.raises(DataError, match=r"Tool: the record says 'probandum 0.1.0', and the file 'probandum 9.9.9'"):
        api.import_filled(tmp_path / "more" / "changed.docx", by="B", run=place / "run")


def behind(control: Any, *marks: Any) -> None:
    """Put marks behind the words of a control, in the same run."""
    for each in reversed(marks):
        next(control.iter(name_of("t"))).addnext(each)


def words_of(text: str) -> Any:
    """Words within a run."""
    made = element("t")
    made.text = text
    return made


def test_a_mark_in_a_field_is_what_its_reader_sees(place: Path) -> None:
    """Hyphens and blanks that programs write as elements stand in the card; marks that are not seen do not."""
    word = docx.Document(str(place / "filled.docx"))
    say(first(word, "oversight.measures"), "released below 10")
    behind(
        first(word, "oversight.measures"),
        *(element("noBreakHyphen"), words_of("20"), element("ptab"), words_of("ca"), element("softHyphen")),
        *(words_of("ses"), element("tab"), words_of("a\u201110")),
    )
    word.save(str(place / "marks.docx"))
    assert 0 == imported(place, "marks.docx").code
    assert "released below 10\u201120 cases a\u201110" == card(place)["oversight"]["measures"]["value"]


@pytest.mark.parametrize(
    "sign",
    [
        element("sym", font="Symbol", char="F0A3"),
        element("sym", font="Wingdings", char="0041"),
        words_of("\uf0a3"),
        element("yearLong"),
        element("ruby", element("rubyBase", element("r", words_of("5")))),
        ooxml.trees('<m:oMath xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"/>')[0],
    ],
)
def test_a_sign_that_is_no_letter_is_refused_by_the_name_of_its_field(place: Path, sign: Any) -> None:
    """A symbol, a day that a program writes, letters above letters, a formula: none of them is dropped."""
    word = docx.Document(str(place / "filled.docx"))
    say(first(word, "oversight.measures"), "limit ")
    behind(first(word, "oversight.measures"), copy.deepcopy(sign), words_of("5"))
    word.save(str(place / "sign.docx"))
    refused = imported(place, "sign.docx")

    assert 2 == refused.code
    assert "oversight.measures: holds a sign that is kept as no letter" in refused.err
    assert "'limit (a symbol)5'" in refused.err
    assert CARD == (place / "card.yaml").read_text()


def test_a_formula_around_the_runs_of_a_field_is_refused(place: Path) -> None:
    """Its letters alone would say something else: a fraction would be one number."""
    word = docx.Document(str(place / "filled.docx"))
    run = next(first(word, "oversight.measures").iter(name_of("r")))
    run.addnext(ooxml.trees('<m:oMath xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"/>')[0])
    word.save(str(place / "formula.docx"))
    assert "oversight.measures: holds a sign that is kept as no letter" in imported(place, "formula.docx").err


def test_a_hyphen_of_a_locked_value_may_be_written_in_any_way(place: Path) -> None:
    """Programs write it as an element; a symbol in the place of letters is a change."""
    word = docx.Document(str(place / "filled.docx"))
    locked = next(
        control for _, control in controls(word) if "-" in "".join(t.text for t in control.iter(name_of("t")))
    )
    text = next(each for each in locked.iter(name_of("t")) if "-" in each.text)
    before, _, after = text.text.partition("-")
    text.text = before
    text.addnext(words_of(after))
    text.addnext(element("noBreakHyphen"))
    word.save(str(place / "hyphen.docx"))
    assert 0 == imported(place, "hyphen.docx").code

    text.addnext(element("sym", font="Wingdings", char="0041"))
    word.save(str(place / "hyphen.docx"))
    assert f"and the file '{before}(a symbol)-{after}" in imported(place, "hyphen.docx").err.replace("\u2011", "-")


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice (soffice) is not installed")
def test_a_field_that_libreoffice_splits_is_read_or_named(place: Path, tmp_path: Path) -> None:
    """Several scripts stand there whole and in pieces; the place of a line break is lost, and the field is named."""
    said = {
        "oversight.measures": "A clerk decides: \u65e5\u672c\u8a9e and \u0639\u0631\u0628\u064a words.",
        "role": "provider",
    }
    mixed = saved_again(fill(place / "filled.docx", tmp_path / "mixed.docx", said), tmp_path)
    assert 4 < len(list(first_bookmark(docx.Document(str(mixed)), "oversight.measures").itersiblings(name_of("sdt"))))
    api.import_filled(mixed, by="Ann Example", run=place / "run", plan=place / "audit.yaml")
    assert said["oversight.measures"] == card(place)["oversight"]["measures"]["value"]

    word = docx.Document(str(place / "filled.docx"))
    text = next(first(word, "role").iter(name_of("t")))
    text.text, line = "provider", element("t")
    line.text = "and deployer"
    text.addnext(element("br"))
    text.getnext().addnext(line)
    word.save(str(tmp_path / "lines.docx"))
    broken = saved_again(tmp_path / "lines.docx", tmp_path)
    with pytest.raises(DataError, match="role: LibreOffice is known to split fields") as refused:
        api.import_filled(broken, by="B", run=place / "run", replace=True)
    assert "or by hand in the card" in str(refused.value.remedy)


def first_bookmark(word: Any, tag: str) -> Any:
    """The control in which the bookmark of a field begins."""
    starts = (each for each in word.element.body.iter(name_of("bookmarkStart")))
    start = next(each for each in starts if str(each.get(name_of("name"))).startswith(mark(tag)))
    return next(start.iterancestors(name_of("sdt")))


def removed(word: Any) -> None:
    """A locked value that somebody cut out."""
    control = first(word, "run.tool")
    control.getparent().remove(control)


def repeated(word: Any) -> None:
    """A locked value that somebody pasted once more."""
    control = first(word, "run.tool")
    control.addnext(copy.deepcopy(control))


def renamed(word: Any) -> None:
    """A field under another name."""
    tag = first(word, "oversight.measures").find(name_of("sdtPr")).find(name_of("tag"))
    tag.set(name_of("val"), "oversight.mesures")


def in_two_ways(word: Any) -> None:
    """A field that occurs twice, filled in otherwise the second time."""
    say([each for name, each in controls(word) if name == "oversight.measures"][1], "Nobody")


def first(word: Any, tag: str) -> Any:
    """The first control of a tag."""
    return next(each for name, each in controls(word) if name == tag)


def say(control: Any, text: str) -> None:
    """Write into a control."""
    next(control.iter(name_of("t"))).text = text


def appended(word: Any) -> None:
    """More words at the end of a paragraph of ours."""
    paragraph = next(each for each in word.paragraphs if each.text.startswith("Draft"))
    paragraph.add_run(" This system is certified.")


def added(word: Any) -> None:
    """A paragraph of somebody else's."""
    word.add_paragraph("This system is certified.")


def boxed(word: Any) -> None:
    """A paragraph in a box, which stands in a paragraph of ours."""
    inner = element("txbxContent", element("p", element("r", element("t"))))
    next(inner.iter(name_of("t"))).text = "Certified"
    word.paragraphs[3].add_run()._element.append(element("pict", inner))


def headed(word: Any) -> None:
    """A header in place of ours."""
    word.sections[0].header.paragraphs[0].text = "Certified"


def footed(word: Any) -> None:
    """A footer with the page, and nothing of ours."""
    word.sections[0].footer.paragraphs[0].text = "page 1"


def left_out(word: Any) -> None:
    """A paragraph of ours that somebody took away."""
    paragraph = next(each for each in word.paragraphs if each.text.startswith("Draft"))._element
    paragraph.getparent().remove(paragraph)


def typed_behind(word: Any) -> None:
    """Words behind a field, within the bookmark that names it."""
    run = element("r", element("t"))
    run[0].text = "Certified."
    first(word, "oversight.measures").addnext(run)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (appended, "a text outside the fields was changed: the record says 'provider must review it'"),
        (appended, "This system is certified.'"),
        (added, "a text stands outside the fields that the record does not have: 'This system is certified.'"),
        (boxed, "a text stands outside the fields that the record does not have: 'Certified'"),
        (left_out, "a text outside the fields is missing: 'Draft"),
        (typed_behind, "a text stands outside the fields that the record does not have: 'Certified.'"),
        (headed, "header: the record does not have the text 'Certified'"),
        (footed, "footer: the record does not have the text 'page 1'"),
        (
            lambda word: say(first(word, "run.tool"), "no 9"),
            "Tool: the record says 'probandum 0.1.0', and the file 'no 9'",
        ),
        (removed, "Tool: its locked value is missing: 'probandum 0.1.0'"),
        (repeated, "a locked value stands there that the record does not have: 'probandum 0.1.0'"),
        (renamed, "'oversight.mesures' is no field of this document"),
        (in_two_ways, "oversight.measures is filled in twice, with 'A clerk decides"),
        (lambda word: say(first(word, "signatures.test_report#date"), "28.11.2026"), "'28.11.2026' is no date"),
        (lambda word: say(first(word, "signatures.test_report#date"), "9999-12-31"), "9999-12-31 is still to come"),
        (lambda word: say(first(word, "signatures.test_report"), ""), "says by whom or when, and not what"),
    ],
)
def test_whatever_else_was_changed_is_refused(place: Path, change: Callable[[Any], None], message: str) -> None:
    """Each by its name, and the card stays as it was."""
    word = docx.Document(str(place / "filled.docx"))
    change(word)
    word.save(str(place / "changed.docx"))
    refused = imported(place, "changed.docx")

    assert 2 == refused.code
    assert message in refused.err
    assert CARD == (place / "card.yaml").read_text()


def test_what_programs_work_out_anew_is_no_change(place: Path) -> None:
    """Numbers of pages in the contents and in footers, hyphens and unseen marks; other words there are a change."""
    word = docx.Document(str(place / "filled.docx"))
    line = next(each for each in word.paragraphs if each.style.name.lower().startswith("toc"))
    line.add_run("\t12")
    footer = word.sections[0].footer._element
    page = next(each for each in footer.iter(name_of("t")) if each.text == "1")
    page.text = "17"
    text = next(each for each in word.paragraphs if "-" in each.text).runs[0]._element
    text.append(element("softHyphen"))
    text.append(element("lastRenderedPageBreak"))
    word.save(str(place / "numbered.docx"))
    assert 0 == imported(place, "numbered.docx").code

    page.text = "certified"
    word.save(str(place / "numbered.docx"))
    assert "footer: the record does not have the text" in imported(place, "numbered.docx").err


def test_a_document_of_another_record_is_refused(place: Path, tmp_path: Path) -> None:
    """It is not found, or not the one that is named; and a file that says nothing of itself is no document."""
    other = write_plan(tmp_path, PLAN + LIMITS, gap=0.1)
    record = api.audit(other, out=tmp_path / "other", documents=False)
    with pytest.raises(DataError, match=r"of record sha256:[0-9a-f]{12}…, and .*other is sha256:"):
        api.import_filled(place / "filled.docx", by="B", run=record.folder)

    alone = tmp_path / "mail" / "deep" / "filled.docx"
    alone.parent.mkdir(parents=True)
    shutil.copyfile(place / "filled.docx", alone)
    with pytest.raises(UsageError, match=r"its record sha256:.* does not lie here"):
        api.import_filled(alone, by="B")

    docx.Document().save(str(tmp_path / "empty.docx"))
    with pytest.raises(DataError, match="does not say of which record it is"):
        api.import_filled(tmp_path / "empty.docx", by="B", run=place / "run")
    with pytest.raises(DataError, match="not a Word file"):
        api.import_filled(other, by="B", run=place / "run")


def test_an_answer_is_what_the_law_asks_for(place: Path) -> None:
    """Points where it asks which, a name where it asks who; anything else is refused."""
    said = {"provider": "Bank AG", "annex_iii": "5(b), 4(a)", "art_5": "None", "declared.by": "Ann Example"}
    file = fill(place / "filled.docx", place / "law.docx", said)
    api.import_filled(file, by="B", date="2026-11-29", run=place / "run")
    after = card(place)

    assert {"value": {"name": "Bank AG"}, "by": "B", "date": "2026-11-29"} == after["provider"]
    assert {"4(a)", "5(b)"} == set(after["annex_iii"]["value"])
    assert ("none", {"by": "Ann Example"}) == (after["art_5"]["value"], after["declared"])
    wrong = fill(place / "filled.docx", place / "wrong.docx", {"annex_iii": "a point that there is none of"})
    with pytest.raises(UsageError, match="annex_iii, "):
        api.import_filled(wrong, by="B", run=place / "run")


def test_the_notice_on_decisions_and_a_role_are_filled_in_a_document(tmp_path: Path) -> None:
    """Its facts stand in a card beside the text of covers; whether a role holds is yes or no."""
    text = PLAN.replace('version: "1.0"', 'version: "1.0", notice: For demonstration, gpai: {name: Lab}')
    record = api.audit(
        write_plan(tmp_path, text + LIMITS + "documents: [art22_notice, annex_xi_xii]\n"),
        out=tmp_path / "run",
        documents=False,
    )
    api.report(record, formats=["docx"])
    filled = {"art22_notice": ("art22.ease", "A form"), "annex_xi_xii": ("roles.gpai-open-source", "yes")}
    for id, (path, words) in filled.items():
        file = fill(record.reports / f"{id}.docx", tmp_path / f"{id}.docx", {path: words})
        api.import_filled(file, by="B", date="2026-11-29", run=record.folder)
    system: Any = read_yaml(tmp_path / "audit.yaml").values["system"]

    assert {"value": "A form", "by": "B", "date": "2026-11-29"} == system["art22"]["ease"]
    assert {"value": True, "by": "B", "date": "2026-11-29"} == system["roles"]["gpai-open-source"]
    assert "For demonstration" == system["notice"]


def test_a_class_that_is_confirmed_in_a_document_is_so_for_the_answers_beside_it(place: Path) -> None:
    """The card keeps them as `card confirm` does: those that stood there, and those that came with it."""
    who = {"classification.confirmed#by": "B. Example", "classification.confirmed#date": "2026-11-28"}
    said = {"classification.confirmed": "High-risk, 5(b)", "annex_iii": "5(b)", **who}
    api.import_filled(fill(place / "filled.docx", place / "class.docx", said), by="B", run=place / "run")

    assert {"purpose": "Decides on loans", "annex_iii": "5(b)"} == card(place)["classification"]["answers"]
    assert "confirmed: “High-risk, 5(b)”, by B. Example" in entered(place, "card", "check", "card.yaml").out
    with (place / "card.yaml").open("a", encoding="utf-8") as file:
        file.write("profiling: false\n")
    assert "was for another profiling" in entered(place, "card", "check", "card.yaml").out


def test_a_sentence_in_the_place_of_a_name_is_refused(place: Path) -> None:
    """Documents show names as they are: beside a field, and of whoever imports; people may be called Fair."""
    sentence, wrong = "the system is compliant with the Act", "a name says 'compliant', which no document says"
    with pytest.raises(UsageError, match=f"--by: {wrong}"):
        api.import_filled(place / "filled.docx", by=sentence, run=place / "run")
    fill(place / "filled.docx", place / "odd.docx", {"signatures.test_report#by": sentence})
    said = imported(place, "odd.docx").err
    assert said.startswith("error: signatures.test_report, ")
    assert wrong in said
    assert CARD == (place / "card.yaml").read_text()

    api.import_filled(place / "filled.docx", by="Lena Fair", run=place / "run")
    assert "Lena Fair" in (place / "card.yaml").read_text()


def test_who_and_when_are_asked_for(place: Path) -> None:
    """A statement without a speaker, or on no day, is none; the plan of another record neither."""
    run = place / "run"
    with pytest.raises(UsageError, match="a statement has somebody who makes it"):
        api.import_filled(place / "filled.docx", by=" ", run=run)
    with pytest.raises(UsageError, match="'today' is no date"):
        api.import_filled(place / "filled.docx", by="B", date="today", run=run)
    with pytest.raises(UsageError, match="9999-12-31 is still to come"):
        api.import_filled(place / "filled.docx", by="B", date="9999-12-31", run=run)
    (place / "audit.yaml").write_text((place / "audit.yaml").read_text() + "execution: {seed: 7}\n")
    with pytest.raises(UsageError, match="asks other questions than"):
        api.import_filled(place / "filled.docx", by="B", run=run)
    (place / "audit.yaml").unlink()
    with pytest.raises(UsageError, match="no audit file lies where it was"):
        api.import_filled(place / "filled.docx", by="B", run=run)
    (place / "card.yaml").write_text(CARD.replace("Loan desk", "Another desk"))
    with pytest.raises(UsageError, match="is the card of 'Another desk'"):
        api.import_filled(place / "filled.docx", by="B", run=run, card=place / "card.yaml")


def test_what_no_card_can_hold_is_refused(place: Path) -> None:
    """A variable of the environment, or what belongs below a text; nothing is written."""
    odd = fill(place / "filled.docx", place / "odd.docx", {"oversight.measures": "See ${HOME}"})
    with pytest.raises(UsageError, match=r"oversight.measures, .*: \$\{ names a variable"):
        api.import_filled(odd, by="B", run=place / "run")
    assert CARD == (place / "card.yaml").read_text()

    (place / "card.yaml").write_text(
        CARD.replace("oversight:\n  interpretation: A list of reasons.", "oversight: A list")
    )
    with pytest.raises(UsageError, match="oversight: holds a text, and measures belongs below it"):
        api.import_filled(place / "filled.docx", by="B", run=place / "run")
