"""Documents of a duty that binds nobody by the card: they say so first, ask nothing, and show what was measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dossiers import make_dossier
from probandum.document import Document, Gap, Heading, Number, Text
from probandum.law import catalogue
from probandum_reports import lint
from probandum_reports.build import build
from probandum_reports.documents import template, templates
from probandum_reports.nodes import gaps, walk
from probandum_reports.view import View

OF_PROVIDERS = (
    "annex_iv",
    "art4a_record",
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
    ],
)
def test_nothing_is_asked_of_nobody(name: str, card: dict[str, Any]) -> None:
    """It names the provision first, asks for no fact, and shows every figure that it shows where somebody is bound."""
    cited = catalogue().get(template(name).requirement).cited
    document = made(name, card)

    assert f"By what the card says, {cited} binds nobody here. " in head(document)
    assert [] == asked(document)
    assert numbers(made(name, LENDER)) == numbers(document)


def test_what_was_not_assessed_is_told_and_asked_of_nobody() -> None:
    """It stands as a sentence, and the cover counts it as missing no more."""
    chatbot, lender = made("risk_file", CHATBOT), made("risk_file", LENDER)
    texts = [each.text for each in chatbot.nodes if isinstance(each, Text)]
    unassessed = {each.what for each in gaps(lender.nodes) if each.field_id.startswith("not_assessed.")}

    assert unassessed and all(f"{what[:1].upper()}{what[1:]}." in texts for what in unassessed)
    assert {each.field_id for each in gaps(chatbot.nodes) if not each.field_id.startswith("limit-of-")} == {
        "review.risk_file"
    }


@pytest.mark.parametrize("name", [*OF_PROVIDERS, *OF_CONTROLLERS])
def test_where_it_is_open_the_document_says_so_and_asks(name: str) -> None:
    """A card that does not classify, or names no controller, rules nothing out."""
    silent = {key: each for key, each in CHATBOT.items() if key not in ("annex_iii", "controller")}
    document = made(name, silent)

    assert "binds anybody here is open: " in head(document)
    assert len(asked(document)) > 3


@pytest.mark.parametrize("name", [*OF_PROVIDERS, *OF_CONTROLLERS])
def test_where_somebody_is_bound_nothing_is_said_of_it(name: str) -> None:
    """A lender's provider and controller are asked."""
    document = made(name, LENDER)

    assert "binds" not in head(document)
    assert len(asked(document)) > 3


def test_every_document_of_this_kind_is_listed() -> None:
    """Another document that is scoped joins these tests."""
    assert sorted((*OF_PROVIDERS, *OF_CONTROLLERS, "fria")) == [
        name for name, each in templates().items() if each.scoped
    ]
