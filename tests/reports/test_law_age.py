"""A catalogue that was looked at long before the day of a document: said in every document, and on its index."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dossiers import make_dossier
from probandum.document import Fact
from probandum_reports import facts, index, lint
from probandum_reports.build import build
from probandum_reports.documents import templates
from probandum_reports.nodes import walk
from probandum_reports.view import View

FRESH = make_dossier()
OLD = replace(FRESH, as_of="2028-06-01")
SAID = (
    "The law pack was checked on 2026-11-23, 556 days before 2028-06-01; more than 180 is stale: update it, or check "
    "each date in the Official Journal."
)


@pytest.mark.parametrize("name", templates())
def test_every_document_says_that_the_law_is_old(name: str) -> None:
    """Before any table, by the day of the document alone; the lint finds the sentence again in the record."""
    made, young = build(name, OLD), build(name, FRESH)
    said = [node for node in walk(made.nodes) if isinstance(node, Fact) and node.path == "run.law_age"]

    assert [SAID] == [fact.value for fact in said]
    assert [] == list(lint.breaches(View(made, OLD)))
    assert "run.law_age" not in {node.path for node in walk(young.nodes) if isinstance(node, Fact)}


@pytest.mark.parametrize(("as_of", "old"), [("2027-05-22", False), ("2027-05-23", True)])
def test_the_index_says_so_from_the_first_day_on(as_of: str, old: bool) -> None:
    """180 days are not too long, and one more is."""
    dossier = replace(FRESH, as_of=as_of)

    assert old == bool(facts.aged_law(dossier))
    assert old == (
        "About the law" in {heading for heading, _ in index._cautions(View(build("coverage", dossier), dossier))}
    )
