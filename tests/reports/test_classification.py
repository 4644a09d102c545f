"""The proposed classification in a document: declared, proposed and missing told apart, and nothing stale."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dossiers import make_dossier
from probandum.document import Document, Fact, Gap, Table, Text
from probandum.dossier import Dossier
from probandum.law import catalogue
from probandum.law.classifying import classify
from probandum_reports import classification, facts, lint
from probandum_reports.build import build
from probandum_reports.claims import claim
from probandum_reports.documents import templates
from probandum_reports.markdown import render
from probandum_reports.nodes import walk
from probandum_reports.view import View

CAPTION = "The proposed classification, step by step"
OTHERS = ("annex_i", "art_5")
OVERTAKEN = "proposal:classification.overtaken"
MET = {"safety_component": True, "third_party_assessment": True}
CARD: dict[str, Any] = {
    "name": "Desk",
    "purpose": {"value": "Decides on loans", "by": "B. Example", "date": "2026-10-02"},
    "provider": {"name": "P"},
    "annex_iii": "5(b)",
    "annex_i": "none",
    "art_5": "none",
}


def document(card: dict[str, Any]) -> tuple[Document, Dossier]:
    """The technical documentation of a system with that card."""
    dossier = replace(make_dossier(), card=card)
    return build("annex_iv", dossier), dossier


def table(made: Document) -> Table:
    """The table of the steps."""
    return next(node for node in made.nodes if isinstance(node, Table) and node.caption == CAPTION)


def proposals(made: Document) -> dict[str, Fact]:
    """The facts that the classification proposes, by path."""
    facts = [node for node in walk(made.nodes) if isinstance(node, Fact)]
    return {fact.path: fact for fact in facts if fact.path.startswith("proposal:classification.")}


def test_every_step_has_a_row_with_what_follows_and_the_law() -> None:
    """Question with its provisions and dates, statement, proposal; the numbers are those of the steps."""
    made, _ = document(CARD)
    proposal = classify(CARD)
    steps = proposal.steps
    rows = [row for row in table(made).rows if isinstance(row[2], Fact)]

    assert [
        f"{number}. {step.question} {'; '.join(step.cited(catalogue(), '2026-11-02', proposal.applying))}"
        for number, step in enumerate(steps, 1)
    ] == [row[0] for row in rows]
    assert {f"proposal:classification.{step.id}" for step in steps} | {"proposal:classification.outcome"} == set(
        proposals(made)
    )
    assert {"proposed"} == {fact.origin for fact in proposals(made).values()}


def test_what_the_card_says_is_a_fact_and_what_it_does_not_a_gap() -> None:
    """Each with its path, and who said it; a missing answer names its provision and who can supply it."""
    made, _ = document(CARD)
    cells = [cell for row in table(made).rows for cell in row]
    facts = {cell.path: cell for cell in cells if isinstance(cell, Fact)}
    gaps = {cell.card: cell for cell in cells if isinstance(cell, Gap)}

    assert ("Decides on loans", "B. Example", "2026-10-02") == (
        facts["purpose"].value,
        facts["purpose"].by,
        facts["purpose"].on,
    )
    assert {"deployer", "profiling", "art_6_3", "gpai", "controller"} <= set(gaps)
    assert "AI Act, Art. 6(3), third subparagraph" == gaps["profiling"].citation
    assert "controller" == gaps["personal_data"].supplier


def test_the_outcome_is_told_as_a_proposal_and_confirmed_by_a_named_person_alone() -> None:
    """Without a person the field stays open; with one the document says who and when."""
    made, dossier = document(CARD)
    signed = {
        **CARD,
        "classification": {"confirmed": {"value": "High-risk, 5(b)", "by": "C. Example", "date": "2026-11-01"}},
    }
    confirmed, with_person = document(signed)
    text = render(View(confirmed, with_person)).decode()

    assert (
        "Proposed: high-risk, by Art. 6(2) with Annex III 5(b). *(proposed, for a person to accept)*"
        in render(View(made, dossier)).decode()
    )
    assert any(isinstance(node, Gap) and node.card == "classification.confirmed" for node in walk(made.nodes))
    assert "High-risk, 5(b) *(declared by C. Example on 2026-11-01)*" in text


def test_a_class_that_was_confirmed_for_other_answers_is_a_gap() -> None:
    """Who confirmed when, and for what else, is said; the field is open again."""
    said = {"value": "High-risk, 5(b)", "by": "B. Example", "date": "2026-10-20"}
    kept = {
        "confirmed": said,
        "answers": {"annex_iii": "4(a)", "purpose": "Decides on loans", **dict.fromkeys(OTHERS, "none")},
    }
    made, dossier = document({**CARD, "classification": kept})
    same, _ = document({**CARD, "classification": {**kept, "answers": {**kept["answers"], "annex_iii": "5(b)"}}})

    assert any(isinstance(node, Gap) and node.card == "classification.confirmed" for node in walk(made.nodes))
    told = proposals(made)[OVERTAKEN].value
    assert "B. Example confirmed a class on 2026-10-20 for other answers (the point of Annex III)" in told
    assert OVERTAKEN not in proposals(same)
    assert any(isinstance(node, Fact) and node.path == "classification.confirmed" for node in walk(same.nodes))
    lint.check(View(made, dossier))


@pytest.mark.parametrize(
    "change",
    [{"annex_iii": "none"}, {"profiling": False, "art_6_3": "a"}, {"annex_i": "lifts", "annex_i_section": "A", **MET}],
)
def test_a_stale_proposal_cannot_be_rendered(change: dict[str, Any]) -> None:
    """A document whose card says otherwise by now is refused, and so is a proposal that does not say it is one."""
    made, dossier = document(CARD)
    fresh = View(made, dossier)
    stale = View(made, replace(dossier, card={**CARD, **change}))
    disguised = tuple(
        replace(node, origin="declared") if isinstance(node, Fact) and node.path.startswith("proposal:") else node
        for node in proposals(made).values()
    )

    lint.check(fresh)
    assert any("proposal:classification.outcome" in breach for breach in lint.breaches(stale))
    assert any("does not say so" in each for each in lint.breaches(View(replace(made, nodes=disguised), dossier)))


PRACTICE = {"value": "f", "by": "B. Example", "date": "2026-10-02"}
PROHIBITED = "The card names a practice of Art. 5(1)(f), which is prohibited since 2025-02-02."


@pytest.mark.parametrize("id", sorted(templates()))
def test_every_document_says_that_a_practice_is_prohibited(id: str) -> None:
    """Those of management and of a merge too, and those that bind nobody: first, with who declared it."""
    dossier = replace(make_dossier(), card={**CARD, "art_5": PRACTICE})
    made = build(id, dossier)
    told = [node for node in walk((*made.front, *made.nodes)) if isinstance(node, Fact) and node.value == PROHIBITED]
    without = build(id, replace(dossier, card=CARD))

    assert {"B. Example"} == {node.by for node in told}
    assert PROHIBITED in render(View(made, dossier)).decode()
    assert not any(isinstance(node, Fact) and "Art. 5(1)(f), which" in node.value for node in walk(without.nodes))
    lint.check(View(made, dossier))


DENIED = {"value": False, "by": "B. Example", "date": "2026-10-02"}
OUTSIDE = {"in_scope": DENIED, "in_scope_reasons": "People wrote each rule."}
UNSPOKEN = (
    "By B. Example on 2026-10-02, the AI Act does not speak of this system. The reasons, not examined here: "
    "People wrote each rule."
)


@pytest.mark.parametrize("id", sorted(templates()))
def test_every_document_says_who_puts_the_system_outside_the_act(id: str) -> None:
    """On its cover, with the day and the reasons; what asks for it by the Act says so where it asks nothing."""
    dossier = replace(make_dossier(), card={**CARD, **OUTSIDE})
    made = build(id, dossier)
    covered = [node for node in walk((*made.front, *made.nodes)) if isinstance(node, Fact) and node.value == UNSPOKEN]

    assert {("scope.denied", "B. Example", "2026-10-02")} == {(node.path, node.by, node.on) for node in covered}
    assert "The reasons, not examined here: People wrote each rule." in render(View(made, dossier)).decode()
    lint.check(View(made, dossier))
    if id == "art4a_record":
        (head,) = [node.text for node in made.nodes if isinstance(node, Text) and "no basis" in node.text]
        assert head.startswith("This document rests on AI Act, Art. 4a(1), introductory part. Where the Act does not")
    if any(each.startswith("ai-act:") for each in templates()[id].scope):
        assert any(isinstance(node, Text) and node.text.startswith(UNSPOKEN) for node in made.nodes)


def test_a_basis_of_the_act_falls_away_only_where_somebody_denies_the_act() -> None:
    """The record of Art. 4a has no such head otherwise."""
    made = build("art4a_record", replace(make_dossier(), card=CARD))

    assert not any(isinstance(node, Text) and "no basis" in node.text for node in made.nodes)


def test_a_practice_that_is_prohibited_later_says_from_when() -> None:
    """The day of the documents decides: before it from, after it since."""
    for day, told in (("2026-11-02", "from 2026-12-02"), ("2026-12-02", "since 2026-12-02")):
        dossier = replace(make_dossier(), card={**CARD, "art_5": "ba"}, as_of=day)
        (fact,) = facts.notices(dossier)

        assert f"The card names a practice of Art. 5(1)(ba), which is prohibited {told}." == fact.value
        assert fact.value == facts.resolve(dossier, fact.path)


def test_the_classification_of_every_use_may_be_printed() -> None:
    """No word that the toolkit never says of a system stands in any of the 25, in an exception or without a use."""
    cards = [{**CARD, "annex_iii": case.point} for case in catalogue().use_cases.values()]
    denied = {"value": False, "by": "B. Example", "date": "2026-10-02"}
    cards += [{**CARD, "in_scope": denied, "in_scope_reasons": "Rules"}, {**CARD, "placed_on_market": "2026-03-01"}]
    cards += [{**CARD, "profiling": False, "art_6_3": "a"}, {**CARD, "annex_iii": "none"}, {"name": "Desk"}]
    said = [text for card in cards for text in classification.proposed(classify(card)).values()]

    assert len(said) > 300
    assert [] == [text for text in said if claim(text)]
