from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from dossiers import make_dossier, make_results
from probandum.document import Document, Fact, Gap, Heading, Node, Number, Text
from probandum.dossier import Dossier
from probandum.errors import RecordError
from probandum.probe import ProbeResult
from probandum.resources import shipped
from probandum_reports import html, lint, measured_form
from probandum_reports.build import build
from probandum_reports.documents import templates
from probandum_reports.nodes import walk
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


@pytest.mark.parametrize(
    "said",
    [
        "The system complies with the Act.",
        "It is free from bias.",
        "The model is free of any discrimination.",
        "It was built in conformity with Article 9.",
        "It is in full compliance with the Act.",
        "The system is lawful.",
        "This model is demonstrably safe.",
        "It is safe to use.",
        "It is a trustworthy system.",
        "The answers are non discriminatory.",
        "The answers are nondiscriminatory.",
        "It meets every requirement.",
        "The system is com\u200bpliant.",
        "The system is f\u0430ir.",
        "The system is \u0421\u0415RTIFIED.",
        "The system is \uff46\uff41\uff49\uff52.",
        "The system is certi\ufb01ed.",
        "The system is bias\u2010free.",
        "The system is a\u0301pproved.",
        "The system is\u00a0 safe.",
        "The system meets the requirements of the AI Act.",
        "It meets its legal requirements.",
        "It satisfies Article 15.",
        "It fulfils Art. 13.",
        "It passes the AI Act.",
        "The decision passes Art. 22.",
        "The model has no bias.",
        "It shows no measurable discrimination.",
        "The product is GDPR-ready.",
        "AI Act compliance confirmed.",
        "It ensures compliance.",
        "This audit certifies the system.",
        "Certification was granted.",
        "The system got official approval.",
        "It was found to be lawful.",
        "It is considered safe.",
        "It counts as lawful.",
        "It proved to be secure.",
        "The system is conformant.",
        "It adheres to the GDPR.",
        "It abides by the law.",
        "It works in line with the AI Act.",
        "It complies fully with the Act.",
        "It is legally sound.",
        "The system is not high-risk.",
        "It treats all people alike.",
        "People are treated fairly.",
        "Fairness guaranteed.",
        "The model holds no personal data.",
        "Its compliance score is high.",
        "The residual risk is low.",
        "The FRIA is completed.",
        "The DPO agreed.",
        "Data subjects were consulted.",
        "The four-fifths rule is satisfied.",
        "It enjoys the presumption of conformity.",
    ],
)
def test_a_claim_is_found_in_whatever_words_and_letters(whole: Document, dossier: Dossier, said: str) -> None:
    """The like of those words, and letters of other scripts or without a shape that a reader does not tell apart."""
    assert 1 == len(found(whole, dossier, Text(text=said)))
    with pytest.raises(RecordError, match=r"index\.html: the claim"):
        lint.check_page("index.html", f"<p>{said}</p>".encode())


@pytest.mark.parametrize(
    "said",
    [
        "No measured number shows that a treatment is lawful.",
        "How a person stops the system, and in which safe state it then is.",
        "Annex V asks for a declaration of conformity.",
        "Without prejudice to trade secrets.",
        "It is not safe to rely on one figure.",
        "The legal basis, and measures against discrimination.",
        "Whether the system meets the requirements of Section 2.",
        "How it was found that the model holds no personal data",
        "Tests, so that the system performs consistently and meets the requirements.",
        "No statement that the model holds no personal data.",
        "the conditions by which the provider concluded that the system is not high-risk",
        "It has not received certification.",
        "which levels of risk are acceptable, and with which justification",
        "Does it satisfy Article 15?",
        "A certificate of a notified body, with its number.",
    ],
)
def test_the_prose_of_the_law_is_no_claim(whole: Document, dossier: Dossier, said: str) -> None:
    """Texts that ask for a thing, or say that nothing shows it."""
    assert [] == found(whole, dossier, Text(text=said))


@pytest.mark.parametrize(
    "said",
    [
        "Nothing in it would trouble a court.",
        "A court would find nothing to say.",
        "Its risk could hardly be lower.",
        "Where people use it as intended it respects the law.",
    ],
)
def test_a_claim_in_words_that_nobody_thought_of_is_not_found(whole: Document, dossier: Dossier, said: str) -> None:
    """The list of words is a net and no proof: a template is reviewed by people, too."""
    assert [] == found(whole, dossier, Text(text=said))


def test_no_page_of_ours_holds_a_figure() -> None:
    """Every figure of a page is a finding of its record; the levels of tests and intervals are none."""
    pages = {
        path: re.sub(r"(?s)\{[{%#].*?[}%#]\}|<style.*?</style>|<[^>]*>|9?5 %", " ", path.read_text("utf-8"))
        for path in sorted((shipped("templates") / "_render" / "html").glob("*.html"))
    }

    assert 4 < len(pages)
    assert {} == {path.name: held for path, text in pages.items() if (held := measured_form.figure(text))}


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

    with pytest.raises(RecordError, match="document annex_iv: the claim 'fair' stands in"):
        lint.check(view)


def test_a_page_says_no_such_word_in_its_own_voice() -> None:
    """Headings and sentences of pages are searched; whoever is quoted there may say what he likes, and is named."""
    with pytest.raises(RecordError, match=r"index\.html: the claim 'unbiased' stands in 'It is unbiased\.'"):
        lint.check_page("index.html", b"<h1 data-by='card'>Fair</h1><p>It is <b>new</b></p><p>It is unbiased.</p>")
    for quoted in (
        b"<p data-by='card'>Certified, <b>fair</b></p>",
        b"<p>They say <q>certified</q>.</p><dl><dd>fair</dd></dl>",
        b"<table><tr><th scope='row'>approved</th><td>fair</td></tr></table>",
        b"<p>A certificate, fairly old</p>",
    ):
        lint.check_page("index.html", quoted)


@pytest.mark.parametrize("name", ["fair", "anonymous", "approved"])
def test_a_group_may_have_any_name(name: str, tmp_path: Path) -> None:
    """Also where a limit holds its finding, whose id then stands on the page of evidence."""
    first = make_results()[0]
    ratio = next(each for each in first.measures if each.metric == "impact-ratio" and each.groups is not None)
    assert ratio.groups is not None
    renamed = replace(ratio, groups=replace(ratio.groups, group=name))
    told = make_dossier(results=[replace(first, measures=(renamed,))])
    assert any(each.limit is not None and name in each.id for each in told.findings)
    html.evidence(told, tmp_path)

    assert name in (tmp_path / "evidence" / f"{first.probe}.html").read_text()


def third_party(result: ProbeResult) -> ProbeResult:
    """The same of a probe whose author says what no tool can."""
    rude = replace(result.controls[0], name="certified", detail="the system is compliant")
    summary = "Shows that the system is certified, fair and compliant."
    return replace(result, author="rude", summary=summary, controls=(rude, *result.controls[1:]))


def test_the_words_of_another_author_are_quoted(tmp_path: Path) -> None:
    """What a third party's probe says of itself and of its controls stands with its package wherever it stands."""
    results = make_results()
    told = make_dossier(results=[third_party(results[0]), *results[1:]])
    marked = "“Shows that the system is certified, fair and compliant.”, says the author of the probe rude"
    facts = [node for node in walk(build("annex_iv", told).nodes) if isinstance(node, Fact)]
    html.evidence(told, tmp_path)
    page = (tmp_path / "evidence" / f"{results[0].probe}.html").read_text()

    assert marked in [each.value for each in facts if each.path == f"run.summary.{results[0].probe}"]
    for each in facts:
        if "compliant" in each.value:
            assert "says the author of the probe rude" in each.value
    assert [] == list(lint.breaches(View(build("annex_iv", told), told)))
    assert marked in page
    assert "“the system is compliant”, says the author of the probe rude" in page
    assert marked in html.index(told, [], {}).decode()


def test_our_own_probes_are_searched(dossier: Dossier, tmp_path: Path) -> None:
    """The same words of ours are a breach, in a document and on the page of evidence."""
    results = make_results()
    told = make_dossier(results=[replace(third_party(results[0]), author=""), *results[1:]])
    breaches = list(lint.breaches(View(build("annex_iv", told), told)))

    assert ["certified", "certified"] == [each.split("'")[1] for each in breaches]
    with pytest.raises(RecordError, match="the claim 'certified' stands in"):
        html.evidence(told, tmp_path)
