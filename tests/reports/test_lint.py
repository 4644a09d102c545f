from __future__ import annotations

from dataclasses import replace

import pytest

from probandum.document import Document, Fact, Gap, Heading, Node, Number, Text
from probandum.dossier import Dossier
from probandum.errors import RecordError
from probandum_reports import lint
from probandum_reports.build import build
from probandum_reports.documents import templates
from probandum_reports.view import View

RATIO = "bias.group-rates/impact-ratio?age=25 or younger~over 25"


@pytest.fixture(scope="module")
def whole(dossier: Dossier) -> Document:
    """A document without a breach."""
    return build("annex_iv", dossier)


def found(document: Document, dossier: Dossier, *nodes: Node) -> list[str]:
    """The breaches of the document with ``nodes`` added."""
    return list(lint.breaches(View(replace(document, nodes=(*document.nodes, *nodes)), dossier)))


@pytest.mark.parametrize("name", sorted(templates()))
def test_the_shipped_documents_hold(dossier: Dossier, name: str) -> None:
    """No shipped document breaks a rule."""
    assert [] == list(lint.breaches(View(build(name, dossier), dossier)))


@pytest.mark.parametrize("word", ["compliant", "certified", "fair", "Unbiased", "anonymous", "approved", "bias-free"])
def test_a_claim_that_no_tool_can_make_is_a_breach(whole: Document, dossier: Dossier, word: str) -> None:
    """Words that only people and authorities may say are found in prose and headings."""
    assert 1 == len(found(whole, dossier, Text(text=f"The system is {word}.")))
    assert 1 == len(found(whole, dossier, Heading(text=f"Is it {word}?", level=1, anchor="q")))


def test_people_are_quoted_whatever_they_say(whole: Document, dossier: Dossier) -> None:
    """A declared fact may hold any word: it is somebody's, and says whose."""
    card = {**dossier.card, "claim": "Our model is fair"}

    assert [] == found(whole, replace(dossier, card=card), Fact(path="claim", value="Our model is fair"))


def test_a_number_without_a_finding_is_a_breach(whole: Document, dossier: Dossier) -> None:
    """Every number is a finding of the record."""
    assert ["number x.y/z is no finding of the record"] == found(whole, dossier, Number(finding="x.y/z"))


@pytest.mark.parametrize(
    "fact",
    [
        Fact(path="no.such.key", value="x"),
        Fact(path="version", value="2.2.0"),
        Fact(path="run.tool", value="probandum 9", origin="measured"),
        Fact(path=f"finding:{RATIO}.limit", value="at least 0.7"),
        Fact(path="finding:x.y/z.limit", value="at least 0.7"),
        Fact(path="proposal:T1.likelihood", value="1"),
    ],
)
def test_a_fact_that_its_source_does_not_say_is_a_breach(whole: Document, dossier: Dossier, fact: Fact) -> None:
    """A fact's words are those at its path: in the card, the run, or the finding."""
    assert 1 == len(found(whole, dossier, fact))


def test_a_finding_that_is_left_out_is_a_breach(whole: Document, dossier: Dossier) -> None:
    """Leaving a finding out of a document is an error, not a choice."""
    breaches = list(lint.breaches(View(replace(whole, nodes=whole.nodes[:10]), dossier)))

    assert f"finding {RATIO} does not appear" in breaches


def test_a_gap_without_citation_or_supplier_is_a_breach(whole: Document, dossier: Dossier) -> None:
    """A gap that nobody can fill is no gap."""
    gap = Gap(what="purpose", citation=" ", supplier="provider", field_id="f")

    assert ["gap f lacks what, citation or supplier"] == found(whole, dossier, gap)


def test_fields_and_anchors_are_told_apart(whole: Document, dossier: Dossier) -> None:
    """One field asks one question, and one anchor names one heading."""
    gaps = [Gap(what=what, citation="c", supplier="s", field_id="f") for what in ("a", "b")]
    headings = [Heading(text=text, level=1, anchor="same") for text in ("a", "b")]

    assert ["two gaps share the field f"] == found(whole, dossier, *gaps)
    assert ["two headings share the anchor same"] == found(whole, dossier, *headings)


def test_breaches_are_one_error(whole: Document, dossier: Dossier) -> None:
    """A document with a breach is not written."""
    view = View(replace(whole, nodes=(*whole.nodes, Text(text="It is fair."))), dossier)

    with pytest.raises(RecordError, match="document annex_iv: the word 'fair' stands in"):
        lint.check(view)


def test_a_page_says_no_such_word_in_its_own_voice() -> None:
    """Headings and sentences of pages are searched; whoever is quoted there may say what he likes, and is named."""
    with pytest.raises(RecordError, match=r"index\.html: the word 'unbiased' stands in 'It is unbiased\.'"):
        lint.check_page("index.html", b"<h1 data-by='card'>Fair</h1><p>It is <b>new</b></p><p>It is unbiased.</p>")
    for quoted in (
        b"<p data-by='card'>Certified, <b>fair</b></p>",
        b"<p>They say <q>certified</q>.</p><dl><dd>fair</dd></dl>",
        b"<table><tr><th scope='row'>approved</th><td>fair</td></tr></table>",
        b"<p>A certificate, fairly old</p>",
    ):
        lint.check_page("index.html", quoted)
