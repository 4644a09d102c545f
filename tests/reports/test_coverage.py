from __future__ import annotations

from dataclasses import replace

import pytest

from dossiers import make_dossier
from probandum.document import Cell, Fact, Gap, Table
from probandum.dossier import Dossier
from probandum.law import bind, catalogue
from probandum_reports import coverage
from probandum_reports.build import build


def rows_of(dossier: Dossier) -> dict[str, tuple[Cell, ...]]:
    """The rows of the matrix by the id of their provision."""
    tables = [node for node in build("coverage", dossier).nodes if isinstance(node, Table) and len(node.header) == 5]
    return {str(row[0]).rpartition("[")[2].rstrip("]"): row for table in tables for row in table.rows}


def test_every_provision_of_the_catalogue_has_one_row(dossier: Dossier) -> None:
    """What binds, what may and what does not: nothing is left out, and nothing stands twice."""
    tables = [node for node in build("coverage", dossier).nodes if isinstance(node, Table) and len(node.header) == 5]

    assert sorted(catalogue().requirements) == sorted(rows_of(dossier))
    assert len(catalogue().requirements) == sum(len(table.rows) for table in tables)


@pytest.mark.parametrize("card", [{}, {"annex_iii": "5(b)"}, {"annex_iii": "none", "annex_i": "none", "gpai": "A"}])
def test_what_binds_by_the_card_names_whom_and_when(dossier: Dossier, card: dict[str, str]) -> None:
    """Each bound provision stands with its parties and a date, and no duty among them without an answer or a gap."""
    told = replace(dossier, card={"name": "S", "provider": "P", "deployer": "D", "controller": "C", **card})
    rows = rows_of(told)
    bound = bind(told.card).bound

    assert bound
    for each in bound:
        _, _, binds, when, answer = rows[each.requirement.id]
        assert ", ".join(each.parties) == binds
        assert when
        assert each.requirement.kind != "duty" or isinstance(answer, Fact | Gap)


def test_a_measured_provision_says_by_how_many_findings(dossier: Dossier) -> None:
    """Findings that name a provision answer it, and those without a number are told apart."""
    answer = rows_of(dossier)["ai-act:annex-iv:2:g"][4]
    named = [each for each in dossier.findings if "ai-act:annex-iv:2:g" in each.requirements]
    known = [each for each in named if each.estimate.value is not None]

    assert isinstance(answer, Fact)
    assert "measured" == answer.origin
    assert answer.value.startswith(f"measured: {len(known)} findings of bias.group-rates; ")
    assert "asked without a number: 2 findings" in answer.value


def test_a_declared_provision_says_how_much_of_it(dossier: Dossier) -> None:
    """Annex IV(1)(a) asks for five facts of the card, all of which this one gives."""
    answer = rows_of(dossier)["ai-act:annex-iv:1:a"][4]

    assert isinstance(answer, Fact)
    assert ("declared", "declared: 5 of 5 facts") == (answer.origin, answer.value)


def test_an_audit_without_findings_answers_nothing_by_measurement() -> None:
    """No provision is called measured, and each bound duty of which the card says nothing is a gap."""
    bare = make_dossier(results=[], card={"name": "S", "provider": "P", "annex_iii": "5(b)"})
    rows = rows_of(bare)
    answers = [rows[each.requirement.id][4] for each in bind(bare.card).bound if each.requirement.kind == "duty"]

    assert not any(isinstance(each, Fact) and each.origin == "measured" for row in rows.values() for each in row)
    assert sum(isinstance(each, Gap) for each in answers) > len(answers) * 0.9


def test_the_words_of_an_answer_are_found_again(dossier: Dossier) -> None:
    """What a cell says is what the record gives for its provision."""
    said = [row[4] for row in rows_of(dossier).values() if isinstance(row[4], Fact)]

    assert said
    assert all(coverage.resolve(dossier, each.path.removeprefix("coverage:")) == each.value for each in said)
