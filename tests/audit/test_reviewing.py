"""Reviewing: who reviewed which document when, apart from every seal; and documents that are called final."""

from __future__ import annotations

import base64
import datetime
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from commands import entered
from probandum import api, reporting, reviewing
from probandum.dossier import publisher
from probandum.errors import RecordError, Unfinished, UsageError
from probandum.record import Record, reopen
from probandum.sealing import report_facts
from probandum.signing import keygen
from probandum.splicing import Statement, spliced
from probandum_reports.build import build
from probandum_reports.nodes import gaps
from records import LIMITS, PLAN, broken, write_plan

#: A document with few fields.
DOCUMENT = "merge_summary"
TODAY = datetime.datetime.now(datetime.UTC).date().isoformat()
ROTH = {"by": "Maria Roth", "function": "Head of credit risk", "date": TODAY}
DOE = {"by": "Jo Doe", "function": "DPO", "date": TODAY}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plan and its record, whose one document is written."""
    folder = tmp_path_factory.mktemp("reviewing")
    plan = write_plan(folder, PLAN + LIMITS + f"documents: [{DOCUMENT}]\n")
    record = api.audit(plan, out=folder / "run", documents=False)
    api.report(record, formats=["md", "json"])
    return folder


@pytest.fixture
def record(made: Path, tmp_path: Path) -> Record:
    """A copy of the record to write into, its plan beside it."""
    return Record.open(Path(shutil.copytree(made, tmp_path / "desk")) / "run")


def step(record: Record) -> tuple[bool | None, str]:
    """What the verification says of reviews."""
    found = api.verify(record)[9]
    return found.held, found.detail


def text(record: Record) -> str:
    """The document as it stands in the reports."""
    return (record.reports / f"{DOCUMENT}.md").read_text()


def forge(record: Record, change: dict[str, Any]) -> None:
    """The first review says something else, under the signature that it had."""
    path = record.folder / "reviews" / f"{DOCUMENT}-1.dsse.json"
    outer = json.loads(path.read_text())
    told = json.loads(base64.b64decode(outer["payload"]))
    told["predicate"] |= change
    body = json.dumps(told, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
    outer["payload"] = base64.b64encode(body).decode()
    path.write_text(json.dumps(outer, separators=(",", ":"), sort_keys=True))


def crowned(record: Record) -> None:
    """The first review is by somebody else."""
    forge(record, {"name": "The King"})


def strip(record: Record) -> None:
    """The first review loses its signature."""
    path = record.folder / "reviews" / f"{DOCUMENT}-1.dsse.json"
    outer = json.loads(path.read_text())
    path.write_text(json.dumps({**outer, "signatures": []}, separators=(",", ":"), sort_keys=True))


def fill(record: Record) -> None:
    """Whatever the document asks of the card is stated, and the record judged and documented again."""
    told = build(DOCUMENT, reporting.dossier(record))
    plan = record.folder.parent / "audit.yaml"
    paths = {gap.card for gap in gaps(told.nodes) if gap.card is not None}
    said = {("system", *path.split(".")): Statement(value="x", by="A", date="2026-11-29") for path in paths}
    plan.write_text(spliced(plan.read_text(), said))
    api.judge(record, plan=plan)
    api.report(record, formats=["md", "json"])


def test_a_review_stands_apart_from_every_seal(record: Record) -> None:
    """It names the files by their digests, changes none of them, and says what it is not."""
    before = {path: path.read_bytes() for path in record.folder.rglob("*") if path.is_file()}
    said = entered(
        record.folder.parent,
        "report",
        "sign",
        "run",
        "--document",
        DOCUMENT,
        "--by",
        "Maria Roth",
        "--function",
        "Head",
    )
    (review,) = reviewing.read(record)

    assert 0 == said.code
    assert "no signature of a responsible person in the sense of Annex IV(2)(g)" in said.out
    assert {f"{DOCUMENT}.md", f"{DOCUMENT}.json"} == set(review.files)
    assert before == {path: path.read_bytes() for path in before}
    assert [record.folder / "reviews" / f"{DOCUMENT}-1.dsse.json"] == [
        path for path in record.folder.rglob("*") if path.is_file() and path not in before
    ]
    assert step(record)[0]
    assert "Maria Roth" not in text(record)


def test_a_review_counts_for_a_document_that_refers_to_what_was_reviewed(record: Record) -> None:
    """Written together with it or alone; a document that refers to none has no use for it."""
    api.report(record, documents=["dpia"], formats=["md"])
    review = api.sign(record, document="dpia", **ROTH)
    api.report(record, documents=["fria"], formats=["md"])

    assert (review.digest,) == report_facts(record.reports).reviews
    assert [] == broken(record, render=True)
    fria = api.sign(record, document="fria", **DOE)
    api.report(record, documents=["fria"], formats=["md"])
    assert (review.digest, fria.digest) == report_facts(record.reports).reviews
    api.report(record, documents=[DOCUMENT], formats=["md"])
    assert () == report_facts(record.reports).reviews


def test_documents_written_again_show_it(record: Record) -> None:
    """With the digests of what was reviewed; they still come out of the record, and the review still holds."""
    review = api.sign(record, document=DOCUMENT, **ROTH)
    api.report(record, formats=["md", "json"])

    assert (review.digest,) == report_facts(record.reports).reviews
    assert f"reviewed by Maria Roth on {TODAY}" in text(record)
    assert "Maria Roth, Head of credit risk. A record of review, and no signature" in text(record)
    assert all(digest in text(record) for digest in review.files.values())
    assert [] == broken(record, render=True)
    assert (True, f"{DOCUMENT} by Maria Roth, Head of credit risk, on {TODAY}") == (
        step(record)[0],
        step(record)[1].partition(";")[0],
    )


@pytest.mark.parametrize("name", ["Jane Fair", "Fair", "A. Certified-Approved"])
def test_a_reviewer_may_have_any_name(record: Record, name: str) -> None:
    """It is quoted as others' words are, and documents are written with it."""
    api.sign(record, document=DOCUMENT, **{**ROTH, "by": name})
    api.report(record, formats=["md", "html"])

    assert f"reviewed by {name} on {TODAY}" in text(record)
    assert [] == broken(record, render=True)


@pytest.mark.parametrize(
    "words",
    [
        {"by": "This system is compliant with the AI Act"},
        {"by": "The system, compliant with the AI Act"},
        {"by": "Maria Roth who found it unbiased and certified"},
        {"by": "No bias: free of discrimination"},
        {"function": "Auditor of a system that is fair"},
        {"function": "It meets all requirements"},
    ],
)
def test_a_sentence_that_claims_is_no_name(record: Record, words: dict[str, str]) -> None:
    """It would stand in the status of the document; functions that hold a word of a claim are functions."""
    with pytest.raises(UsageError, match="which no document says of a system"):
        api.sign(record, document=DOCUMENT, **{**ROTH, **words})

    assert not (record.folder / "reviews").exists()
    api.sign(record, document=DOCUMENT, **{**ROTH, "function": "Deputy head of fair lending and of certified products"})


def test_a_second_review_stands_beside_the_first(record: Record) -> None:
    """Of the same content, whether or not the first stands in it by then."""
    api.sign(record, document=DOCUMENT, **ROTH)
    api.report(record, formats=["md", "json"])
    second = api.sign(record, document=DOCUMENT, **DOE)
    assert [1, 2] == [each.number for each in reviewing.read(record)]
    assert step(record)[0]
    api.report(record, formats=["md"])

    assert 2 == second.number
    assert f"reviewed by Maria Roth on {TODAY}, by Jo Doe on {TODAY}" in text(record)
    assert [] == broken(record, render=True)


def test_a_review_of_what_has_changed_since_is_stale(record: Record) -> None:
    """Another judgement, or documents that say something else: it stands, holds no more, and is shown nowhere."""
    api.sign(record, document=DOCUMENT, **ROTH)
    api.report(record, formats=["md"], as_of="2099-03-01")
    assert step(record)[0] is None
    assert "(stale: merge_summary.json was written again since and does not show it" in step(record)[1]
    assert "Maria Roth" not in text(record)
    api.report(record, formats=["md"])
    assert step(record)[0]

    api.judge(record, limits=[])
    assert "stale: another judgement decides now" in step(record)[1]
    assert [] == broken(record)
    with pytest.raises(UsageError, match="tells another judgement than the one that decides"):
        api.sign(record, document=DOCUMENT, **ROTH)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": " "}, "names no person"),
        ({"date": "2020-01-01"}, "lies before the run began"),
        ({"date": "soon"}, "'soon' is no date"),
        ({"date": "9999-12-31"}, "9999-12-31 is still to come"),
        ({"record": "sha256:0"}, "is of another record"),
        ({"judgement": "sha256:0"}, "is of no judgement of this record"),
        ({"tool": "99.0"}, "newer than this"),
        ({"number": 2}, "is of merge_summary, number 2"),
        ({"more": "x"}, "not a statement over a review"),
    ],
)
def test_what_cannot_be_is_found(record: Record, change: dict[str, Any], message: str) -> None:
    """Whoever wrote it there, under whichever name."""
    api.sign(record, document=DOCUMENT, **ROTH)
    forge(record, change)

    assert [10] == broken(record)
    assert message in step(record)[1]


def test_nothing_else_stands_among_the_reviews(record: Record) -> None:
    """No stray file, no gap in the numbers, no review missing that the reports show."""
    for number, who in enumerate((ROTH, DOE), 1):
        api.sign(record, document=DOCUMENT, **who)
        assert number == len(reviewing.read(record))
    api.report(record, formats=["md"])
    stray = record.folder / "reviews" / "note.txt"
    stray.write_text("")
    assert [10] == broken(record)
    stray.unlink()
    (record.folder / "reviews" / f"{DOCUMENT}-1.dsse.json").rename(record.folder.parent / "kept")
    assert (False, f"{record.folder}/reviews/{DOCUMENT}-1.dsse.json: is missing") == step(record)
    shutil.rmtree(record.folder / "reviews")
    assert [10] == broken(record)
    assert "the reports show a review that is not here" in step(record)[1]
    assert [9, 10] == broken(record, render=True)


def test_a_review_is_signed_as_the_record_is(made: Path, tmp_path: Path) -> None:
    """With its key and no other; an unsigned one in a signed record is found."""
    public = keygen(tmp_path / "key")
    keygen(tmp_path / "other")
    record = api.audit(made / "audit.yaml", out=tmp_path / "run", key=tmp_path / "key", documents=False)
    api.report(record, formats=["md"], key=tmp_path / "key")
    for wrong in (None, tmp_path / "other"):
        with pytest.raises(UsageError, match="signed by key"):
            api.sign(record, document=DOCUMENT, key=wrong, **ROTH)
    review = api.sign(record, document=DOCUMENT, key=tmp_path / "key", **ROTH)
    assert review.signer is not None
    assert [] == broken(record, public)

    strip(record)
    assert [10] == broken(record)


@pytest.mark.parametrize("final", [False, True])
def test_no_document_is_sealed_over_a_review_that_nobody_made(made: Path, tmp_path: Path, final: bool) -> None:
    """Another name under the old signature, or no signature: nothing is written, and nobody signs beside it."""
    key = tmp_path / "key"
    keygen(key)
    record = api.audit(made / "audit.yaml", out=tmp_path / "run", key=key, documents=False)
    api.report(record, formats=["md"], key=key)
    api.sign(record, document=DOCUMENT, key=key, **ROTH)
    before = (record.reports / "statement.dsse.json").read_bytes()
    place = r"merge_summary-1\.dsse\.json: "
    for damage, message in ((crowned, "the signature was not made with key"), (strip, "unsigned, and the record is ")):
        damage(record)
        with pytest.raises(RecordError, match=place + message):
            api.report(record, formats=["md"], key=key, final=final)
        with pytest.raises(RecordError, match=place + message):
            api.sign(record, document=DOCUMENT, key=key, **DOE)
        assert before == (record.reports / "statement.dsse.json").read_bytes()


def test_one_review_is_not_recorded_twice(record: Record) -> None:
    """The same person, day and content: refused with the number of the one that stands there."""
    api.sign(record, document=DOCUMENT, **ROTH)
    with pytest.raises(UsageError, match=f"Maria Roth reviewed {DOCUMENT} on {TODAY} already") as refused:
        api.sign(record, document=DOCUMENT, **ROTH)

    assert "nothing is left to do: review 1 holds" == refused.value.remedy
    assert 1 == len(reviewing.read(record))


def test_what_is_not_there_cannot_be_reviewed(record: Record) -> None:
    """A document that was not written, one of damaged reports, or by nobody."""
    with pytest.raises(UsageError, match="holds no dpia, but merge_summary"):
        api.sign(record, document="dpia", **ROTH)
    with pytest.raises(UsageError, match="a review has a name and a function"):
        api.sign(record, document=DOCUMENT, by="x", function=" ")
    for words in ({"by": "x" * 201, "function": "y"}, {"by": "x", "function": "y" * 201}):
        with pytest.raises(UsageError, match="a reviewer have at most 200 letters each"):
            api.sign(record, document=DOCUMENT, **words)
    with pytest.raises(UsageError, match="lies before the run began"):
        api.sign(record, document=DOCUMENT, by="x", function="y", date="2020-01-01")
    with pytest.raises(UsageError, match="9999-12-31 is still to come"):
        api.sign(record, document=DOCUMENT, by="x", function="y", date="9999-12-31")
    (record.reports / f"{DOCUMENT}.md").write_text("other words")
    with pytest.raises(RecordError, match="verification step 8"):
        api.sign(record, document=DOCUMENT, **ROTH)
    shutil.rmtree(record.reports)
    with pytest.raises(UsageError, match="has no sealed documents"):
        api.sign(record, document=DOCUMENT, **ROTH)
    assert not (record.folder / "reviews").exists()


def test_final_is_refused_while_a_field_is_open_or_nobody_signed(record: Record) -> None:
    """One line a document with how many and the first three; the reports stay as they are."""
    folder, before = record.folder.parent, text(record)
    open_ = publisher().state(reporting.dossier(record), "annex_iv").open
    refused = entered(folder, "report", "run", "--final", "--document", "annex_iv", "--document", "dpia")
    lines = refused.err.splitlines()

    assert 2 == refused.code
    assert ["error: annex_iv: not final", "error: dpia: not final"] == [":".join(line.split(":")[:3]) for line in lines]
    assert (
        f"{len(open_)} required fields are open: {open_[0]}; {open_[1]}; {open_[2]}, and {len(open_) - 3} more"
        in lines[0]
    )
    api.sign(record, document=DOCUMENT, **ROTH)
    with pytest.raises(Unfinished, match="1 required field is open"):
        api.report(record, final=True)
    fill(record)
    with pytest.raises(Unfinished, match="no named reviewer signed what it says now: probandum report sign"):
        api.report(record, final=True)
    assert "Status:** Draft" in before
    assert "Status:** Draft" in text(record)


def test_with_every_field_filled_and_a_reviewer_it_is_final(record: Record) -> None:
    """It says so, verifies and comes out of the record again; without the word it is reviewed alone."""
    fill(record)
    api.sign(record, document=DOCUMENT, **ROTH)
    api.report(record, formats=["md", "json"])
    assert "Status:** Reviewed: no fact is missing" in text(record)
    api.report(record, formats=["md", "json"], final=True)

    assert "Status:** Final: no fact is missing and no field waits for a person; reviewed by Maria Roth" in text(record)
    assert report_facts(record.reports).final
    assert [] == broken(record, render=True)
    assert step(record)[0]


def test_a_blank_form_is_never_final(record: Record) -> None:
    """It says so, and does not count lines as if somebody could close them."""
    refused = entered(record.folder.parent, "report", "run", "--final", "--document", "declaration_data", "--replace")

    assert 2 == refused.code
    assert "error: declaration_data: never final: a blank form, whose lines people fill in and sign" in refused.err
    assert "required field" not in refused.err


def test_a_stand_in_reviews_nothing(record: Record) -> None:
    """Somebody who has yet to be named looked at nothing."""
    with pytest.raises(UsageError, match="a review has a name and a function"):
        api.sign(record, document=DOCUMENT, by="TBD", function="DPO")


def test_report_writes_where_no_other_command_is_named(record: Record) -> None:
    """Options may stand before the folder; without a word there is help, which names what else there is."""
    folder = record.folder.parent
    written = entered(folder, "report", "--format", "md", "run")
    helped = [entered(folder, "report", *words) for words in (("--help",), ("run", "--help"), ("import", "--help"))]

    assert (0, f"run/reports/{DOCUMENT}.md") == (written.code, written.out.splitlines()[1])
    assert {f"{DOCUMENT}.md"} == {path.name for path in record.reports.glob("*.md")}
    assert all(word in helped[0].out for word in ("write", "import", "sign"))
    assert "--final" in helped[1].out
    assert "--replace" in helped[2].out


def test_reviews_go_with_the_documents_of_a_run_that_goes_on(record: Record) -> None:
    """With a larger budget a record is taken up again: what was reviewed spoke of a part of it."""
    api.sign(record, document=DOCUMENT, **ROTH)
    reopen(record, plan_source=(record.ask / "plan.yaml").read_bytes(), plan=record.plan)

    assert not (record.folder / "reviews").exists()
    assert not record.reports.exists()
