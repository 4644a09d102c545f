"""The transparency notice of Article 50."""

from __future__ import annotations

from dataclasses import replace

from dossiers import make_dossier
from probandum.document import Fact, Gap, Heading, Table, Text
from probandum.dossier import Dossier
from probandum.law import catalogue
from probandum_reports import lint
from probandum_reports.build import build
from probandum_reports.documents import template
from probandum_reports.nodes import gaps, walk
from probandum_reports.view import View


def prose(dossier: Dossier) -> str:
    """All prose of the notice."""
    return " ".join(node.text for node in build("art50_notice", dossier).nodes if isinstance(node, Text))


def test_every_paragraph_of_the_article_has_its_section() -> None:
    """Paragraphs 1 to 5, the fourth in its two subparagraphs."""
    asked = {requirement.id for requirement in catalogue().entries_of("ai-act:art-50")}

    assert asked <= set(template("art50_notice").requirements())


def test_each_paragraph_says_whom_it_asks(dossier: Dossier) -> None:
    """The provider answers for paragraphs 1 and 2, the deployer for 3 and 4."""
    said = prose(dossier)

    assert 2 == said.count("Asked of the provider: ")
    assert 3 == said.count("Asked of the deployer: ")


def test_the_time_for_earlier_systems_and_the_weight_of_guidelines_are_stated(dossier: Dossier) -> None:
    """The date of grace is the catalogue's; guidelines do not bind."""
    said = prose(dossier)

    assert "(placed on the market before 2026-08-02: 2026-12-02)" in said
    assert "C(2026) 5054, were adopted and do not bind" in said


def test_feasibility_qualifies_the_solution_and_not_the_duty(dossier: Dossier) -> None:
    """The wording that is often got wrong."""
    assert "which qualifies the quality of the solution and not the duty to mark" in prose(dossier)


def test_a_paragraph_that_binds_nobody_stands_without_fields(dossier: Dossier) -> None:
    """Where the card denies the role, no field is asked for; where it states it, all are."""
    roles = {"provider-genai": False, "provider-interactive-ai": True}
    stated = replace(dossier, card={**dossier.card, "roles": roles})
    document = build("art50_notice", stated)
    asked = {gap.card for gap in gaps(document.nodes)}

    lint.check(View(document, stated))
    assert "transparency.interaction.wording" in asked
    assert "transparency.marking.technique" not in asked
    assert "Art. 50(2) binds nobody here" in prose(stated)


def test_the_day_of_placing_is_the_one_that_the_law_reads(dossier: Dossier) -> None:
    """A generator is asked for it under one key, and nothing else is."""
    stated = replace(dossier, card={**dossier.card, "roles": {"provider-genai": True}})
    asked = {gap.card for gap in gaps(build("art50_notice", stated).nodes)}
    said = build("art50_notice", replace(stated, card={**stated.card, "placed_on_market": "2026-03-01"}))

    assert "placed_on_market" in asked and "transparency.marking.placed" not in asked
    assert ("placed_on_market", "2026-03-01") in {(e.path, e.value) for e in walk(said.nodes) if isinstance(e, Fact)}


def test_the_wording_of_the_notice_is_a_person_s(dossier: Dossier) -> None:
    """Nobody but a named person writes it."""
    unsigned = replace(dossier, card={**dossier.card, "transparency": {"notice": "You talk to a machine."}})
    tables = [node for node in build("art50_notice", unsigned).nodes if isinstance(node, Table)]
    cell = next(table.rows[0][1] for table in tables if table.caption == "The notice")

    assert isinstance(cell, Gap)
    assert "human" == cell.origin


def test_an_audit_without_findings_renders_as_gaps() -> None:
    """No claim is made of what people see."""
    empty = make_dossier(results=[], windows={}, readings={}, card={"name": "M"})
    document = build("art50_notice", empty)
    declared = {node.path for node in walk(document.nodes) if isinstance(node, Fact) and node.origin == "declared"}

    lint.check(View(document, empty))
    assert () == document.findings()
    assert {"name"} == {path for path in declared if not path.startswith("coverage:")}
    assert any(isinstance(node, Heading) and node.text.startswith("50(5)") for node in document.nodes)
