"""Documents of a duty that binds nobody by the card: they say so first, ask nothing, and show what was measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dossiers import make_dossier
from probandum.document import Document, Fact, Gap, Heading, Node, Number, Text
from probandum.law import catalogue
from probandum_reports import lint
from probandum_reports.build import build
from probandum_reports.documents import template, templates
from probandum_reports.nodes import gaps, walk
from probandum_reports.view import View

OF_PROVIDERS = (
    "annex_iv",
    "declaration_data",
    "instructions_for_use",
    "pmm_plan",
    "qms_index",
    "risk_file",
)
OF_CONTROLLERS = ("anonymity", "art22_notice", "dpia", "lia", "ropa")
CHATBOT = {"provider": "P", "deployer": "D", "controller": "C", "annex_iii": "none", "annex_i": "none", "gpai": "none"}
MACHINE = {
    **CHATBOT,
    "annex_i": "machinery",
    "annex_i_section": "B",
    "safety_component": True,
    "third_party_assessment": True,
}
EXCEPTED = {**CHATBOT, "annex_iii": "4(a)", "art_6_3": "a", "profiling": False}
GRID = {**CHATBOT, "annex_iii": "2", "controller": "none"}
LENDER = {**CHATBOT, "annex_iii": "5(b)", "art_6_3": "none", "profiling": True}
SEEN_BY_NOBODY = {"provider-interactive-ai": False, "provider-genai": False, "deployer-genai": False}
MODEL = {**CHATBOT, "provider": "none", "deployer": "none", "gpai": "Lab", "roles": {"gpai-systemic": False}}
RULES = {
    **LENDER,
    "in_scope": {"value": False, "by": "B. Example", "date": "2026-10-02"},
    "in_scope_reasons": "People wrote each rule.",
}
HOST = {**CHATBOT, "controller": "none", "processor": "H"}
AUTHORITY = {**CHATBOT, "annex_iii": "4(a)", "art_6_3": "none", "profiling": True, "provider": "none"}
#: Other documents that are scoped, each with a card by which it binds nobody.
OF_OTHERS = {
    "annex_viii": CHATBOT,
    "art4a_record": {**MODEL, "gpai": "none"},
    "art50_notice": {**CHATBOT, "roles": {**SEEN_BY_NOBODY, "deployer-biometric": False}},
    "art86_explanation": CHATBOT,
    "fria": CHATBOT,
    "annex_xi_xii": CHATBOT,
    "gpai_form": CHATBOT,
}
EVERY = (*OF_PROVIDERS, *OF_CONTROLLERS, *OF_OTHERS)


def made(name: str, card: dict[str, Any]) -> Document:
    """A document of the record under a card, which holds what must be held before it is written."""
    dossier = replace(make_dossier(), card={"name": "System", **card})
    document = build(name, dossier)
    lint.check(View(document, dossier))
    return document


def head(document: Document) -> str:
    """What the first chapter warns of."""
    texts = []
    chapters = 0
    for node in document.nodes:
        chapters += isinstance(node, Heading) and node.level == 1
        if chapters == 1 and isinstance(node, Text) and node.style == "warning":
            texts.append(node.text)
    return " ".join(texts)


def asked(document: Document) -> list[Gap]:
    """What it asks beside a review, the class of the system, and whose limits are."""
    aside = ("review.", "classification.", "limit-of-")
    return [each for each in gaps(document.nodes) if not each.field_id.startswith(aside)]


def numbers(document: Document) -> list[str]:
    """The findings that it shows."""
    return [each.finding for each in walk(document.nodes) if isinstance(each, Number)]


@pytest.mark.parametrize(
    ("name", "card"),
    [
        *((name, card) for name in (*OF_PROVIDERS, "fria") for card in (CHATBOT, MACHINE, EXCEPTED)),
        *((name, GRID) for name in OF_CONTROLLERS),
        *OF_OTHERS.items(),
        ("art86_explanation", GRID),
        ("art86_explanation", EXCEPTED),
    ],
)
def test_nothing_is_asked_of_nobody(name: str, card: dict[str, Any]) -> None:
    """It names the provisions first, asks for no fact, and shows every figure that it shows where somebody is bound."""
    cited = "; ".join(catalogue().get(each).cited for each in template(name).scope)
    document = made(name, card)

    assert any(f"{binds}. A change of the card" in head(document) for binds in (f"{cited} binds nobody here", cited))
    assert "By what the card says, " in head(document)
    assert [] == asked(document)
    assert numbers(made(name, LENDER)) == numbers(document)
    assert "asked of nobody, by what the card says" in document.status
    assert not any(isinstance(each, Text) and each.style == "lead" for each in document.nodes)


def test_what_a_national_register_takes_is_asked() -> None:
    """Point 2 of Annex III: Art. 49(5) binds its provider, and no section of Annex VIII."""
    document = made("annex_viii", {**GRID, "art_6_3": "none"})

    assert "asked of nobody" not in document.status
    assert "binds nobody here" not in head(document)


def test_what_was_not_assessed_is_told_and_asked_of_nobody() -> None:
    """It stands as a sentence, and the cover counts it as missing no more."""
    chatbot, lender = made("risk_file", CHATBOT), made("risk_file", LENDER)
    texts = [each.text for each in chatbot.nodes if isinstance(each, Text)]
    unassessed = {each.what for each in gaps(lender.nodes) if each.field_id.startswith("not_assessed.")}

    assert unassessed and all(f"{what[:1].upper()}{what[1:]}." in texts for what in unassessed)
    assert {each.field_id for each in gaps(chatbot.nodes) if not each.field_id.startswith("limit-of-")} == {
        "review.risk_file"
    }


@pytest.mark.parametrize("name", EVERY)
def test_where_it_is_open_the_document_says_so_and_asks(name: str) -> None:
    """A card that does not classify, or names neither provider nor controller, rules nothing out."""
    silent = {key: each for key, each in CHATBOT.items() if key not in ("annex_iii", "controller", "provider", "gpai")}
    document = made(name, silent)

    assert "binds anybody here is open: " in head(document)
    assert len(asked(document)) > 3


@pytest.mark.parametrize("name", EVERY)
def test_where_somebody_is_bound_nothing_is_said_of_it(name: str) -> None:
    """A lender's provider, deployer and controller are asked."""
    bound = {**LENDER, "roles": {"provider-interactive-ai": True}}
    model = {**MODEL, "roles": {"gpai-systemic": False, "gpai-open-source": False}}
    document = made(name, model if name in ("annex_xi_xii", "gpai_form") else bound)

    assert "binds" not in head(document)
    assert "asked of nobody" not in document.status
    assert len(asked(document)) > 3


def test_every_document_of_this_kind_is_listed() -> None:
    """Another document that is scoped joins these tests."""
    assert sorted(EVERY) == [name for name, each in templates().items() if each.scope]


# What hangs on several provisions, and parts that hang on one of their own.


def under(document: Document, title: str) -> list[Node]:
    """What stands in the chapter with a title."""
    found: list[Node] = []
    inside = False
    for node in document.nodes:
        if isinstance(node, Heading) and node.level == 1:
            inside = node.text == title
        found += [node] if inside else []
    return found


@pytest.mark.parametrize("card", [CHATBOT, EXCEPTED, AUTHORITY])
def test_the_record_of_article_4a_is_asked_of_whoever_its_second_paragraph_binds(card: dict[str, Any]) -> None:
    """Providers and deployers of other systems, and deployers of high-risk ones, answer for all six conditions."""
    document = made("art4a_record", card)
    titles = [each.text for each in document.nodes if isinstance(each, Heading)]
    fields = {each.card for each in gaps(document.nodes)}

    assert "binds" not in head(document)
    assert "Who acts" in titles
    assert list("abcdef") == [each[1] for each in titles if each.startswith("(")]
    assert {"art4a.actor", "art4a.other_data", "art4a.b", "art4a.c", "art4a.d", "art4a.deleted"} <= fields


@pytest.mark.parametrize(
    ("card", "bound", "free", "provision"),
    [
        ({**HOST, "roles": {}}, ["Processor"], ["Controller", "Activities", "Beyond the legal minimum"], "30(1)(a)"),
        ({**LENDER, "processor": "none"}, ["Controller", "Activities"], ["Processor"], "30(2)(a)"),
    ],
)
def test_controller_and_processor_are_each_asked_for_their_own_record(
    card: dict[str, Any], bound: list[str], free: list[str], provision: str
) -> None:
    """Where one of them is nobody, its part says so and asks nothing; the other's is asked for in full."""
    document = made("ropa", card)

    assert "binds" not in head(document)
    assert all(len([*gaps(under(document, each))]) > 2 for each in bound)
    assert [] == [gap for each in free for gap in gaps(under(document, each))]
    assert f"GDPR, Art. {provision} binds nobody here" in " ".join(
        node.text for each in free for node in under(document, each) if isinstance(node, Text)
    )


def test_what_the_head_leaves_open_no_part_repeats() -> None:
    """Where the document is asked for anyway, the part of a party that the card does not name says it itself."""
    silent = {key: each for key, each in LENDER.items() if key != "controller"}
    alone, beside = made("ropa", silent), made("ropa", {**silent, "processor": "H"})
    told = "Whether GDPR, Art. 30(1)(a) binds anybody here is open: the card names no controller."
    first, second = (
        [node.text for node in document.nodes if isinstance(node, Text) and told in node.text]
        for document in (alone, beside)
    )

    assert ([told], "") == (first, head(alone).replace(told, "").partition("binds")[1])
    assert told not in head(beside) and {told} == set(second)


def test_a_party_of_whom_the_card_is_silent_is_named_and_one_that_it_rules_out_is_not() -> None:
    """Nobody is taken to be ruled out by silence without being told."""
    silent, ruled_out = (
        " ".join(node.text for node in under(made("ropa", card), "Processor") if isinstance(node, Text))
        for card in (LENDER, {**LENDER, "processor": "none"})
    )

    assert (
        "binds nobody here. A change of the card changes this. Among its parties the card names no processor." in silent
    )
    assert "binds nobody here. " in ruled_out and "names no processor" not in ruled_out


def test_what_the_record_of_a_processor_alone_asks_it_asks_of_the_processor() -> None:
    """Its review and its reasons, under the paragraph that binds it; beside a controller they are the controller's."""
    alone, both = (
        {gap.card or gap.field_id: gap for gap in gaps(made("ropa", card).nodes)}
        for card in (HOST, {**HOST, "controller": "C"})
    )

    assert {"processor"} == {alone[each].supplier for each in ("review.ropa", "art4a.necessity", "art4a.other_data")}
    assert "GDPR, Art. 30(2)(a)" == alone["review.ropa"].citation
    assert ("controller", "GDPR, Art. 30(1)(a)") == (both["review.ropa"].supplier, both["review.ropa"].citation)
    assert "controller" not in {gap.supplier for gap in alone.values()}


@pytest.mark.parametrize(("card", "told"), [(LENDER, 1), (CHATBOT, 0)])
def test_the_blanks_of_a_form_are_told_of_where_it_stands(card: dict[str, Any], told: int) -> None:
    """A declaration that nobody draws up has no form."""
    texts = [node.text for node in made("declaration_data", card).nodes if isinstance(node, Text)]

    assert told == texts.count("The blanks of the form are among them.")


def test_a_part_that_is_asked_of_nobody_shows_what_was_measured_and_what_is_stated() -> None:
    """The record of a processor keeps the figures of the audit and what its card says of recipients."""
    document = made("ropa", {**HOST, "processors": "Sub Ltd"})
    paths = {each.path for each in walk(under(document, "Activities")) if isinstance(each, Fact)}

    assert "processors" in paths
    assert numbers(made("ropa", LENDER)) == numbers(document)


OF_THE_ACT = [
    "dpia.bias_testing",
    "dpia.provider_information",
    "art4a.necessity",
    "art22.art26_11",
    "role",
    "annex_iii",
]


@pytest.mark.parametrize(
    ("card", "asks"),
    [
        ({**RULES, "annex_iii": None}, []),
        ({**CHATBOT, "annex_iii": None}, OF_THE_ACT),
        (CHATBOT, ["dpia.bias_testing", "art4a.necessity", "role"]),
        (LENDER, [each for each in OF_THE_ACT if each != "annex_iii"]),
    ],
)
def test_documents_of_the_gdpr_ask_of_the_act_what_it_asks_of_somebody(card: dict[str, Any], asks: list[str]) -> None:
    """Nothing where a person denies the Act; of a system without high risk what binds anybody."""
    fields = {gap.card for name in ("dpia", "ropa", "art22_notice") for gap in gaps(made(name, card).nodes)}

    assert asks == [each for each in OF_THE_ACT if each in fields]
    assert {"dpia.other_parties", "dpia.legal_basis", "art22.channel"} <= fields


@pytest.mark.parametrize("name", OF_CONTROLLERS)
def test_no_provision_of_the_act_asks_a_document_of_the_gdpr_where_a_person_denies_it(name: str) -> None:
    """What is missing of it, beside reasons for limits of the audit, the GDPR or another law asks for."""
    assert not [each for each in asked(made(name, RULES)) if each.citation.startswith("AI Act")]


def test_what_a_card_states_of_a_provision_that_binds_nobody_stands() -> None:
    """A line that is not asked for is not left out where somebody answers it."""
    stated = {"value": "none used", "by": "B. Example", "date": "2026-10-02"}
    document = made("dpia", {**RULES, "dpia": {"bias_testing": stated}})

    assert "dpia.bias_testing" in {each.path for each in walk(document.nodes) if isinstance(each, Fact)}
