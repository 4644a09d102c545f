"""The Model Documentation Form, and Annexes XI and XII."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from dossiers import HELD, make_dossier, make_review
from probandum.document import Fact, Gap, Heading, Number, Table, Text
from probandum.dossier import Dossier
from probandum.finding import Estimate
from probandum.law import catalogue
from probandum.probe import Measure, ProbeResult
from probandum_reports import asked, form_fields, lint
from probandum_reports.build import build
from probandum_reports.documents import FormLine, Section, template, templates
from probandum_reports.nodes import gaps, walk
from probandum_reports.view import View

CARD = {
    "name": "Example-1B",
    "declared": {"by": "A. Example", "date": "2026-10-20"},
    "gpai": {"name": "Example Lab"},
    "gpai_model": {
        "inputs": {"ticked": ["text"], "maximum": "8,192 tokens"},
        "parameters_range": "500M-5B",
        "energy": {"training": {"value": "12 MWh", "by": "C. Example", "date": "2026-09-01"}},
    },
}


def form_lines() -> list[FormLine]:
    """Every field of the form, in the order of the document."""

    def walked(sections: tuple[Section, ...]) -> Iterator[FormLine]:
        for section in sections:
            yield from (line for entry in section.content for line in entry.form or ())
            yield from walked(section.sections)

    return [*walked(template("gpai_form").sections)]


def rows_of(dossier: Dossier) -> dict[str, tuple[object, ...]]:
    """The rows of the form by the field's label."""
    tables = [node for node in build("gpai_form", dossier).nodes if isinstance(node, Table)]
    return {str(row[0]): row for table in tables if len(table.header) == 4 for row in table.rows}


def flop(metric: str = "flop-per-request") -> ProbeResult:
    """What a probe leaves that counts the computation of a reference request."""
    estimate = Estimate(value=2.4e11, low=2.4e11, high=2.4e11, n=8, unit="flop", method="exact")
    measure = Measure(metric=metric, estimate=estimate, mode="disclosure")
    return ProbeResult(probe="energy.compute", version=1, status="measured", measures=(measure,), controls=HELD)


def test_the_form_has_every_field_of_the_catalogue_in_its_order() -> None:
    """All 45 fields, none twice, each with a path of its own in the card."""
    lines = form_lines()

    assert list(catalogue().form) == [line.field for line in lines]
    assert 45 == len({line.card for line in lines})


def test_a_field_says_what_it_asks_who_receives_it_and_whether_that_is_confirmed() -> None:
    """Unit, choices, length and precision are the form's; a tick that no copy shows is called so."""
    energy = catalogue().form["gpai-mdf:energy:training"]
    exact = catalogue().form["gpai-mdf:properties:size-exact"]

    assert "at least two significant figures" in form_fields.asked(energy)
    assert "Unit: MWh." in form_fields.asked(energy)
    assert "■\u00a0AIO ■\u00a0NCA □\u00a0DP" == form_fields.recipients(energy)
    assert form_fields.recipients(exact).startswith("■\u00a0AIO □\u00a0NCA □\u00a0DP. Not confirmed")


def test_every_recipient_that_is_not_confirmed_is_printed_as_such(dossier: Dossier) -> None:
    """As many fields say so as the catalogue does not call confirmed."""
    unsure = [field for field in catalogue().form.values() if field.recipients_confidence != "confirmed"]
    said = [row for row in rows_of(replace(dossier, card=CARD)).values() if "Not confirmed" in str(row[2])]

    assert 24 == len(unsure) == len(said)


def test_choices_are_ticked_by_what_the_card_says(dossier: Dossier) -> None:
    """What is ticked, and what more the card says, stands in the field with who said it."""
    stated = replace(dossier, card=CARD)
    rows = rows_of(stated)
    inputs, size, energy = (
        rows[name][3] for name in ("Input modalities", "Total model size (range)", "Amount of energy used for training")
    )

    lint.check(View(build("gpai_form", stated), stated))
    assert isinstance(inputs, Fact) and isinstance(size, Fact) and isinstance(energy, Fact)
    assert "■ text □ images □ audio □ video □ other; maximum: 8,192 tokens" == inputs.value
    assert size.value.startswith("□ 1-500M ■ 500M-5B □ 5B-15B")
    assert ("12 MWh", "C. Example", "2026-09-01") == (energy.value, energy.by, energy.on)


def test_a_choice_that_the_card_does_not_say_is_found_by_the_lint(dossier: Dossier) -> None:
    """A tick stands on the card, as every statement does."""
    stated = replace(dossier, card=CARD)
    said = list(lint.breaches(View(build("gpai_form", stated), replace(stated, card={"name": "Example-1B"}))))

    assert any("form:gpai-mdf:properties:inputs" in each for each in said)


def test_computation_of_inference_is_measured_where_a_probe_counts_it(dossier: Dossier) -> None:
    """FLOP of an energy probe answer the field; joules of a request never do."""
    label = "Benchmarked amount of computation used for inference"
    counted = rows_of(make_dossier(results=[flop()], card=CARD))[label][3]

    assert isinstance(counted, Number)
    assert "energy.compute/flop-per-request" == counted.finding
    assert isinstance(rows_of(replace(dossier, card=CARD))[label][3], Gap)


def test_the_task_and_the_machine_of_the_counted_computation_stand_beside_it(dossier: Dossier) -> None:
    """As the record has them, of a model whose provider is named; the card's own words come first."""
    label = "Measurement methodology (inference compute)"
    counted = replace(flop("flop-per-output-token"), options={"tokens": 32, "texts": None})
    told = rows_of(make_dossier(results=[counted], card=CARD))[label][3]
    own = {**CARD, "gpai_model": {"energy": {"inference_method": "a benchmark of ours"}}}
    said = rows_of(make_dossier(results=[counted], card=own))[label][3]
    far = make_dossier(results=[counted], card=CARD)
    target = {**far.environment["target"], "endpoints": ["https://example.org"]}
    hidden = rows_of(replace(far, environment={**far.environment, "target": target}))[label][3]

    assert isinstance(told, Fact)
    assert "run.benchmark" == told.path
    assert told.value.startswith("8 texts of the set that comes with the tool, each asked alone, 32 tokens asked for; ")
    assert "it ran on " in told.value and str(far.environment["machine"]["cores"]) in told.value
    assert isinstance(hidden, Fact)
    assert "hardware that the audit does not see" in hidden.value
    assert isinstance(said, Fact)
    assert "a benchmark of ours" == said.value
    assert isinstance(rows_of(replace(dossier, card=CARD))[label][3], Gap)


def test_the_run_speaks_for_the_model_only_where_its_provider_is_named(dossier: Dossier) -> None:
    """The digest of a credit scorer is no evidence on a general-purpose model that nobody declares."""
    named = rows_of(replace(dossier, card=CARD))["Model authenticity"][3]

    assert isinstance(named, Fact)
    assert "run.target.identity" == named.path
    assert "Model authenticity" not in rows_of(replace(dossier, card={"name": "S", "gpai": "none"}))


@pytest.mark.parametrize("name", ["gpai_form", "annex_xi_xii"])
def test_while_it_is_open_who_provides_a_model_every_field_is_asked_for_and_none_is_filled(name: str) -> None:
    """What is known of the system may be of another's model: it fills no field, and no finding stands there."""
    card = {"name": "S", "design": {"architecture": "forest"}, "data": {"selection": "at random"}, "limitations": "few"}
    open_, named = (build(name, make_dossier(card=each)) for each in (card, {**card, "gpai": "Lab"}))
    ours = {"design.architecture", "data.selection", "limitations"}

    assert not ours & {node.path for node in walk(open_.nodes) if isinstance(node, Fact)}
    assert ours & {node.path for node in walk(named.nodes) if isinstance(node, Fact)}
    assert () == open_.findings()
    assert len(list(gaps(open_.nodes))) > 40
    assert not ours & {gap.card for gap in gaps(open_.nodes)}
    assert "gpai_model.acceptable_use" in {gap.card for gap in gaps(open_.nodes)}


@pytest.mark.parametrize("name", ["gpai_form", "annex_xi_xii"])
def test_what_waits_for_the_provider_of_a_model_names_the_key_that_closes_it(name: str) -> None:
    """No note speaks of findings that do not stand there, and no field is named by what is no path of the card."""
    card = {"name": "S", "limitations": "few"}
    open_, named = (build(name, make_dossier(card=each)) for each in (card, {**card, "gpai": "Lab"}))
    left, told = (" ".join(node.text for node in each.nodes if isinstance(node, Text)) for each in (open_, named))
    known = {field.path for each in templates().values() for field in asked.fields(each)}

    lint.check(View(open_, make_dossier(card=card)))
    assert set() == {gap.field_id for gap in gaps(open_.nodes) if gap.card is None} - known
    assert "until the card names the provider of the model (its key gpai)" in left
    assert "until the card names" not in told
    assert "the table of limits below" not in left and "no official rating" not in left
    assert not any("as measured" in node.text for node in open_.nodes if isinstance(node, Heading))
    assert ("annex_xi_xii" == name) == ("the table of limits below" in told)


@pytest.mark.parametrize("name", ["gpai_form", "annex_xi_xii"])
def test_a_document_without_gaps_says_that_nothing_is_open(name: str) -> None:
    """In the place of a table without rows; once it is reviewed, no sentence calls it a draft."""
    card = {"name": "S", "version": "1", "gpai": "none", "declared": {"by": "A", "date": "2026-10-20"}}
    review = make_review(name, function="counsel")
    draft, reviewed = (build(name, replace(make_dossier(card=card), reviews=each)) for each in ((), (review,)))
    texts = [[node.text for node in each.nodes if isinstance(node, Text)] for each in (draft, reviewed)]

    assert [False, True] == ["Nothing is open." in each for each in texts]
    assert [1, 0] == [sum(_is_open(node) for node in each.nodes) for each in (draft, reviewed)]
    assert reviewed.status.startswith("Reviewed: ")
    assert not any("it is a draft" in text for text in texts[1])


def _is_open(node: object) -> bool:
    return isinstance(node, Table) and node.caption == "Open items"


@pytest.mark.parametrize("name", ["gpai_form", "annex_xi_xii"])
def test_they_say_first_whom_they_bind_and_print_no_field_of_a_model_that_nobody_places(
    dossier: Dossier, name: str
) -> None:
    """A card that says none has no field and no heading of one, and the introduction says why; silence asks for all."""
    none, silent = (build(name, replace(dossier, card={"name": "Scorer", **card})) for card in ({"gpai": "none"}, {}))
    told, asked = (" ".join(node.text for node in each.nodes if isinstance(node, Text)) for each in (none, silent))
    headings = [[node.text for node in each.nodes if isinstance(node, Heading)] for each in (none, silent)]

    assert any("Whom" in node.caption for node in none.nodes if isinstance(node, Table))
    assert "nobody here places a general-purpose model on the market" in told and "not printed" in told
    assert not any(promise in told for promise in ("lists every field", "item by item.  Most", "is a ticked box"))
    assert "Annex XI, Section 1" not in headings[0] and "The form, and a voluntary addition" not in headings[0]
    assert {"Annex XI, Section 1", "The form, and a voluntary addition"} & set(headings[1])
    assert "binds anybody here is open: the card does not say who provides a general-purpose model" in asked
    assert not any("licence" in gap.what.lower() for gap in gaps(none.nodes))
    assert any("licence" in gap.what.lower() for gap in gaps(silent.nodes))
    assert "gpai" in {gap.card for gap in gaps(silent.nodes)}


@pytest.mark.parametrize("name", ["gpai_form", "annex_xi_xii"])
def test_an_open_source_provider_is_asked_for_no_field_of_either(name: str) -> None:
    """Art. 53(2): where it is relied on and there is no systemic risk, they say so; until both are said, they ask."""
    relied = {"gpai-open-source": True}
    exempt, open_ = (
        build(name, make_dossier(card={**CARD, "roles": roles}))
        for roles in ({**relied, "gpai-systemic": False}, relied)
    )
    told, asked = (" ".join(node.text for node in each.nodes if isinstance(node, Text)) for each in (exempt, open_))

    assert "relies on the exemption of Art. 53(2)" in told and "nobody here places" not in told
    assert not any("licence" in gap.what.lower() for gap in gaps(exempt.nodes))
    assert "binds anybody here is open: if the model has systemic risk under Art. 51." in asked
    assert any("licence" in gap.what.lower() for gap in gaps(open_.nodes))


@pytest.mark.parametrize("annex", ["ai-act:annex-xi", "ai-act:annex-xii"])
def test_every_item_of_the_annex_has_its_section(annex: str) -> None:
    """Each item of Annex XI, both sections, and of Annex XII."""
    asked = {requirement.id for requirement in catalogue().entries_of(annex)}

    assert asked <= set(template("annex_xi_xii").requirements())


def test_the_part_on_systemic_risk_is_asked_for_unless_the_card_rules_it_out(dossier: Dossier) -> None:
    """A model without it, one of which the card is silent, and one with it."""

    def said(card: dict[str, object]) -> tuple[str, list[str], bool]:
        nodes = build("annex_xi_xii", replace(dossier, card={"name": "M", **card})).nodes
        first = next(at for at, node in enumerate(nodes) if isinstance(node, Heading) and "Section 2" in node.text)
        last = next(at for at, node in enumerate(nodes) if isinstance(node, Heading) and "Annex XII" in node.text)
        part = nodes[first:last]
        note = " ".join(node.text for node in part if isinstance(node, Text))
        return note, [gap.what for gap in gaps(part)], any(isinstance(node, Table) for node in walk(part))

    nobody, silent = said({"gpai": "Lab", "roles": {"gpai-systemic": False}}), said({"gpai": "Lab"})
    systemic = said({"gpai": "Lab", "roles": {"gpai-systemic": True}})

    assert "binds nobody here" in nobody[0]
    assert ([], False) == nobody[1:]
    assert "is open: if the model has systemic risk under Art. 51" in silent[0]
    assert silent[1:] == systemic[1:]
    assert any("adversarial testing" in what for what in systemic[1])


@pytest.mark.parametrize("name", ["gpai_form", "annex_xi_xii"])
def test_an_audit_without_findings_renders_as_gaps(name: str) -> None:
    """Nothing is measured, and nothing is said to be."""
    empty = make_dossier(results=[], windows={}, readings={}, card={"name": "M", "gpai": "Lab"})
    document = build(name, empty)

    lint.check(View(document, empty))
    assert () == document.findings()
    assert len(list(gaps(document.nodes))) > 40


EXEMPT = "whether the provider relies on Art. 53(2) for open-source models"


@pytest.mark.parametrize("roles", [{"gpai-open-source": True}, ["gpai-open-source"]])
def test_the_exemption_for_open_source_is_said_once(roles: object) -> None:
    """The role that the law reads is what the document asks for: no second key stays open beside it."""
    whose = {key: said for key, said in CARD.items() if key != "gpai"}
    (asks,) = [
        each for each in gaps(build("annex_xi_xii", replace(make_dossier(), card=whose)).nodes) if EXEMPT in each.what
    ]
    dossier = replace(make_dossier(), card={**CARD, "roles": roles})
    told = [node for node in walk(build("annex_xi_xii", dossier).nodes) if isinstance(node, Fact)]
    left = {gap.card for gap in gaps(build("annex_xi_xii", dossier).nodes)}

    assert (EXEMPT, "roles.gpai-open-source") == (asks.what, asks.card)
    assert ("roles.gpai-open-source", "yes") in {(fact.path, fact.value) for fact in told}
    assert "roles.gpai-open-source" not in left and "gpai_model.open_source" not in left
