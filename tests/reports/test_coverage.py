from __future__ import annotations

from dataclasses import replace

import pytest

from dossiers import HELD, make_dossier
from probandum.document import Cell, Fact, Gap, Table
from probandum.dossier import Dossier
from probandum.finding import Estimate
from probandum.law import bind, catalogue
from probandum.probe import Measure, ProbeResult
from probandum_reports import coverage
from probandum_reports.build import build


def rows_of(dossier: Dossier) -> dict[str, tuple[Cell, ...]]:
    """The rows of the matrix by the id of their provision."""
    tables = [node for node in build("coverage", dossier).nodes if isinstance(node, Table) and len(node.header) == 5]
    return {str(row[0]).rpartition("[")[2].rstrip("]"): row for table in tables for row in table.rows}


def test_every_provision_of_the_catalogue_has_one_row(dossier: Dossier) -> None:
    """What binds, what may and what does not: nothing is left out, and nothing stands twice, in other words neither."""
    tables = [node for node in build("coverage", dossier).nodes if isinstance(node, Table) and len(node.header) == 5]
    own = sorted(each.id for each in catalogue().requirements.values() if not each.see)

    assert own == sorted(rows_of(dossier))
    assert len(own) == sum(len(table.rows) for table in tables)
    assert "ai-act:art-86:1" in own and "ai-act:86:1" not in own


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
    assert ("declared", "declared: 5 of 5 facts asked for") == (answer.origin, answer.value)
    assert "several: A. Example (name, purpose, provider and 1 more); C. Example (earlier_versions)" == answer.by


def test_a_declared_answer_names_everybody_who_speaks_and_the_days_between_which() -> None:
    """One name and day where all facts share them; else each with the paths of theirs; nobody where none says."""
    card = {
        "declared": {"by": "A. Example", "date": "2026-10-20"},
        "name": "S",
        "version": "1",
        "provider": {"name": {"value": "P", "by": "B. Example", "date": "2026-10-22"}},
        "purpose": {"value": "Scores", "by": "B. Example", "date": "2026-10-22"},
    }
    answer = rows_of(make_dossier(results=[], card=card))["ai-act:annex-iv:1:a"][4]
    alone = rows_of(make_dossier(results=[], card={**card, "provider": "P", "purpose": "Scores"}))
    unsaid = rows_of(make_dossier(results=[], card={"name": "S", "version": "1", "provider": "P"}))

    assert isinstance(answer, Fact) and answer.by is not None
    assert answer.by.startswith("several: ")
    assert "A. Example (" in answer.by and "B. Example (purpose" in answer.by
    assert "2026-10-20 to 2026-10-22" == answer.on
    assert isinstance(one := alone["ai-act:annex-iv:1:a"][4], Fact)
    assert ("A. Example", "2026-10-20") == (one.by, one.on)
    assert isinstance(bare := unsaid["ai-act:annex-iv:1:a"][4], Fact)
    assert (None, None) == (bare.by, bare.on)


def test_silence_is_no_answer_and_rules_nothing_out(dossier: Dossier) -> None:
    """What the card does not say is open, or of a party that it does not name; what it denies binds nobody."""
    card = {"name": "S", "provider": "P", "deployer": "D", "controller": "C", "annex_iii": "5(b)"}
    silent = rows_of(replace(dossier, card=card))
    said = rows_of(
        replace(dossier, card={**card, "gpai": "none", "annex_i": "none", "art_6_3": "none", "importer": False})
    )

    for provision, why in (
        ("ai-act:art-53:1:a", "open: the card does not say gpai"),
        ("ai-act:art-51:1:a", "open: the card does not say gpai"),
        ("ai-act:art-6:1:a", "open: the card does not say annex_i"),
    ):
        assert why == silent[provision][2]
        assert "nobody, by what the card says" == said[provision][2]
    assert "does not say art_6_3" in str(silent["ai-act:art-49:2"][2])
    assert "nobody, by what the card says" == said["ai-act:art-49:2"][2]
    assert "nobody named: the card names no importer" == silent["ai-act:art-23:1"][2]
    assert "nobody, by what the card says" == said["ai-act:art-23:1"][2]
    assert "nobody named: the card names no processor" == said["gdpr:30:2:a"][2]
    assert "the Commission, the standardisation bodies, no party of the card" == said["ai-act:art-40:2"][2]


def test_what_binds_nobody_is_not_answered(dossier: Dossier) -> None:
    """Neither findings nor facts of a system stand under duties that its card rules out."""
    rows = rows_of(replace(dossier, card={**dossier.card, "gpai": "none"}))
    nobody = [row[4] for row in rows.values() if str(row[2]).startswith("nobody")]

    assert nobody
    assert not any(isinstance(each, Fact | Gap) for each in nobody)


@pytest.mark.parametrize(
    "provision", ["ai-act:annex-iv:2:c", "ai-act:annex-xi:s1:2:e", "ai-act:art-95:2:b", "gdpr:35:7:b"]
)
def test_seconds_answer_nothing_that_asks_for_energy(provision: str) -> None:
    """A time is no answer to a provision on energy; joules are, where the provision asks for those of inference."""

    def answered(metric: str, unit: str) -> bool:
        estimate = Estimate(value=2.0, low=1.9, high=2.1, n=8, unit=unit, method="exact")
        measure = Measure(metric=metric, estimate=estimate, mode="disclosure")
        result = ProbeResult(
            probe="energy.inference",
            version=1,
            status="measured",
            measures=(measure,),
            controls=HELD,
            requirements=("ai-act:annex-iv:2:c",),
        )
        card = {"name": "S", "provider": "P", "gpai": "Lab"}
        return bool(coverage.answers(make_dossier(results=[result], card=card))[provision].measured)

    assert not answered("seconds-per-request", "second")
    assert (provision != "ai-act:annex-iv:2:c") == answered("joules-per-request", "joule")


def test_what_asks_for_an_act_in_use_is_answered_by_no_finding(dossier: Dossier) -> None:
    """Monitoring, an assessment, an intervention: group rates of a test set are none of them."""
    found = coverage.answers(dossier)

    assert found["ai-act:annex-iv:2:g"].measured
    for provision in ("ai-act:art-26:5:a", "ai-act:art-72:2", "gdpr:22:3", "gdpr:35:1"):
        assert () == found[provision].measured


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
