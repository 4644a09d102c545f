from __future__ import annotations

import re
from dataclasses import replace

import pytest

from dossiers import HELD, make_dossier
from probandum.document import Cell, Fact, Gap, Table, Text
from probandum.dossier import Dossier
from probandum.finding import Estimate
from probandum.law import bind, catalogue
from probandum.probe import Measure, ProbeResult
from probandum_reports import answering, coverage, front, standing
from probandum_reports.build import build
from probandum_reports.view import mark_of
from probandum_reports.wording import ASKED


def tables_of(dossier: Dossier) -> list[Table]:
    """The tables of the matrix."""
    return [node for node in build("coverage", dossier).nodes if isinstance(node, Table) and node.style == "dense"]


def rows_of(dossier: Dossier) -> dict[str, tuple[Cell, ...]]:
    """The rows of the matrix by the id of their provision."""
    rows = [row for table in tables_of(dossier) for row in table.rows]
    return {str(row[0]).rpartition("[")[2].rstrip("]"): row for row in reversed(rows)}


def rest_of(dossier: Dossier, provision: str) -> Gap | None:
    """What stands as missing beneath the answer to a provision."""
    rows = [row for table in tables_of(dossier) for row in table.rows if str(row[0]).endswith(f"[{provision}]")]
    gaps = [row[4] for row in rows[1:] if isinstance(row[4], Gap)]
    return gaps[0] if gaps else None


def test_every_provision_of_the_catalogue_has_one_row(dossier: Dossier) -> None:
    """What binds, what may and what does not: nothing is left out or stands twice, but for what an answer lacks."""
    rows = [row for table in tables_of(dossier) for row in table.rows]
    rest = [at for at, row in enumerate(rows) if str(row[1]).startswith("the same; ")]
    own = sorted(each.id for each in catalogue().requirements.values() if not each.see)

    assert own == sorted(rows_of(dossier))
    assert len(own) == len(rows) - len(rest)
    assert all(rows[at][0] == rows[at - 1][0] and isinstance(rows[at][4], Gap) for at in rest)
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
    assert "asked for, and no number came of it: 2 findings" in answer.value


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
        ("ai-act:art-53:1:a", "open: the card does not say who provides a general-purpose model, if anybody"),
        ("ai-act:art-51:1:a", "open: the card does not say who provides a general-purpose model, if anybody"),
        ("ai-act:art-6:1:a", "open: the card does not say which law of Annex I covers it, if any"),
    ):
        assert why == silent[provision][2]
        assert "nobody, by what the card says" == said[provision][2]
    assert "does not say whether an exception of Art. 6(3) is relied on" in str(silent["ai-act:art-49:2"][2])
    assert "nobody, by what the card says" == said["ai-act:art-49:2"][2]
    assert "nobody named: the card names no importer" == silent["ai-act:art-23:1"][2]
    assert "nobody, by what the card says" == said["ai-act:art-23:1"][2]
    assert "nobody named: the card names no processor" == said["gdpr:30:2:a"][2]
    assert "the Commission, the standardisation bodies, no party of the card" == said["ai-act:art-40:2"][2]


def test_every_reason_why_a_provision_may_bind_is_told(dossier: Dossier) -> None:
    """Art. 50(5) hangs on each of the four paragraphs before it."""
    binds = str(rows_of(replace(dossier, card={"name": "S", "provider": "P", "deployer": "D"}))["ai-act:art-50:5"][2])

    for condition in ("interacts directly", "generates synthetic", "deep fakes", "recognises emotions"):
        assert condition in binds


def test_what_binds_nobody_is_not_answered(dossier: Dossier) -> None:
    """Neither findings nor facts of a system stand under duties that its card rules out."""
    rows = rows_of(replace(dossier, card={**dossier.card, "gpai": "none"}))
    nobody = [row[4] for row in rows.values() if str(row[2]).startswith("nobody")]

    assert nobody
    assert not any(isinstance(each, Fact | Gap) for each in nobody)


@pytest.mark.parametrize("provision", ["ai-act:annex-iv:2:c", "ai-act:annex-xi:s1:2:e", "ai-act:art-95:2:b"])
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
        return bool(answering.answers(make_dossier(results=[result], card=card))[provision].measured)

    assert not answered("seconds-per-request", "second")
    assert (provision != "ai-act:annex-iv:2:c") == answered("joules-per-request", "joule")


def test_what_asks_for_an_act_in_use_is_answered_by_no_finding(dossier: Dossier) -> None:
    """Monitoring, an assessment, an intervention: group rates of a test set are none of them."""
    found = answering.answers(dossier)

    assert found["ai-act:annex-iv:2:g"].measured
    for provision in ("ai-act:art-26:5:a", "ai-act:art-72:2", "gdpr:22:3", "gdpr:35:1"):
        assert () == found[provision].measured


@pytest.mark.parametrize("provision", ["ai-act:art-86:1", "gdpr:5:1:d", "gdpr:13:2:f", "gdpr:14:2:g", "gdpr:15:1:h"])
def test_what_asks_that_people_are_told_something_is_answered_by_no_finding(provision: str) -> None:
    """A ranking of features is no evidence that anybody was told of it; nor are a system's errors those of its data."""
    law = catalogue()
    targets = {target for group in law.metric_targets(law.get(provision)).values() for target in group}
    estimate = Estimate(value=0.5, low=0.4, high=0.6, n=80, unit="share", method="exact")
    results = [
        ProbeResult(
            probe=target.partition("/")[0],
            version=1,
            status="measured",
            measures=(Measure(metric=target.partition("/")[2] or "value", estimate=estimate, mode="disclosure"),),
            controls=HELD,
            requirements=(provision,),
        )
        for target in sorted(targets)
    ]

    assert results
    assert () == answering.answers(make_dossier(results=results))[provision].measured


def test_what_a_provision_asks_to_be_measured_is_told_in_words() -> None:
    """No short form of the catalogue's names is left, and no words stand for a name that it does not have."""
    families = catalogue().metric_map.metrics
    names = {name for family, group in families.items() for name in group if family != "run"}
    words = {word for name in names for word in re.findall(r"\w+", answering._told(name))}

    assert set() == words & {"ci", "per", "vs", "ood", "eval", "csam", "pii", "dp", "flops", "equalized", "hits"}
    assert set(ASKED) <= names
    assert "performance by group" == answering._told("per_group_performance")


def test_beside_what_was_measured_stands_what_nobody_measured() -> None:
    """Art. 15(1) asks for accuracy, robustness and cybersecurity over time: accuracy alone answers a part of it."""
    estimate = Estimate(value=0.8, low=0.7, high=0.9, n=80, unit="share", method="exact")
    accuracy = ProbeResult(
        probe="explain.challenger",
        version=1,
        status="measured",
        measures=(Measure(metric="accuracy", estimate=estimate, mode="disclosure"),),
        controls=HELD,
    )
    record = make_dossier(results=[accuracy])
    rows = rows_of(record)
    answer, missing = rows["ai-act:art-15:1"][4], rest_of(record, "ai-act:art-15:1")

    assert isinstance(answer, Fact) and isinstance(missing, Gap)
    assert "measured: 1 finding of explain.challenger; not assessed: robustness, drift, cybersecurity" == answer.value
    assert missing.what.endswith("Art. 15(1): robustness; drift; cybersecurity")
    assert "the provider" == missing.supplier
    told = rows["ai-act:art-13:3:b:ii"][4]
    assert isinstance(told, Fact)
    assert "; not assessed: degradation conditions, robustness, cybersecurity; " in told.value
    assert "not assessed" not in str(rows["ai-act:art-15:3"][4])


def test_the_accuracy_of_a_model_fitted_beside_the_system_answers_nothing() -> None:
    """What a probe says of a simpler model is counted nowhere, and alone it leaves a provision without an answer."""
    estimate = Estimate(value=0.8, low=0.7, high=0.9, n=80, unit="share", method="exact")

    def found(*models: str) -> answering.Answer:
        shown = tuple(
            Measure(metric="accuracy", estimate=estimate, facets={"model": model}, mode="disclosure")
            for model in models
        )
        result = ProbeResult(probe="explain.challenger", version=1, status="measured", measures=shown, controls=HELD)
        return answering.answers(make_dossier(results=[result]))["ai-act:art-15:1"]

    assert "measured: 1 finding of explain.challenger" == found("system", "challenger").words.partition(";")[0]
    assert () == found("challenger").measured


def test_an_answer_in_part_has_a_gap_beside_it(dossier: Dossier) -> None:
    """What is not stated is named with who can supply it, and is closed by an answer to the provision as such."""
    answer, missing = rows_of(dossier)["ai-act:annex-iv:2:g"][4], rest_of(dossier, "ai-act:annex-iv:2:g")
    answered = {"ai_act_annex_iv_2_g": {"value": "In the file of tests", "by": "B. Example", "date": "2026-11-01"}}
    closed = replace(dossier, card={**dossier.card, "provisions": answered})

    assert isinstance(answer, Fact) and " facts asked for" in answer.value
    assert isinstance(missing, Gap)
    assert missing.what.startswith("the rest of an answer to AI Act, Annex IV(2)(g): ")
    assert ("provisions.ai_act_annex_iv_2_g", "the provider") == (missing.card, missing.supplier)
    assert rest_of(closed, "ai-act:annex-iv:2:g") is None
    assert rest_of(dossier, "ai-act:annex-iv:1:a") is None


def test_what_findings_answer_is_marked_as_measured(dossier: Dossier) -> None:
    """The cover counts the rows that findings with a number answer; what was asked in vain is none of them."""
    document = build("coverage", dossier)
    cells = [cell for row in rows_of(dossier).values() for cell in row if isinstance(cell, Fact)]
    measured = [each for each in cells if each.value.startswith("measured: ")]

    assert measured
    assert {"measured"} == {mark_of(each) for each in measured}
    assert len(measured) == front.origins(document)["measured"]
    asked = [each for each in cells if each.path.startswith("coverage.asked:")]
    assert all("recorded" == mark_of(each) and "measured: " not in each.value for each in asked)


def test_a_table_counts_the_rows_by_state(dossier: Dossier) -> None:
    """Each row of the matrix once: measured, declared, missing, or why nothing is asked; open ones apart."""
    nodes = build("coverage", dossier).nodes
    table = next(each for each in nodes if isinstance(each, Table) and "by how they are answered" in each.caption)
    counts = {str(row[0]): [int(cell.value) for cell in row if isinstance(cell, Fact)] for row in table.rows}
    rows = rows_of(dossier)

    def found(open_: bool, kind: str) -> int:
        told = [row[4] for row in rows.values() if str(row[2]).startswith("open: ") is open_]
        return sum(isinstance(each, Fact | Gap) and mark_of(each) == kind for each in told)

    assert len(rows) == sum(map(sum, counts.values()))
    for name in ("measured", "declared", "missing"):
        assert [found(False, name), found(True, name), 0] == counts[name.capitalize()]
    assert counts["Not applicable"][2] == sum(row[2] == "nobody, by what the card says" for row in rows.values())
    assert 0 < counts["Measured"][0] and 0 < counts["Missing"][0] and 0 < sum(each[1] for each in counts.values())


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
    assert all(coverage.resolve(dossier, each.path.partition(":")[2]) == each.value for each in said)


def test_a_practice_that_the_card_names_is_told_from_those_that_it_denies(dossier: Dossier) -> None:
    """One question is about all practices: each row says what was answered of its own; silence is no answer."""
    card = {"name": "S", "provider": "P", "deployer": "D", "declared": {"by": "A. Example", "date": "2026-10-20"}}
    rows = rows_of(replace(dossier, card={**card, "art_5": ["f", "ba"]}))
    none = rows_of(replace(dossier, card={**card, "art_5": "none"}))
    silent = rows_of(replace(dossier, card=card))
    named, denied = "named by the card as part of the purpose", "denied by the card"

    for letter, told in (("f", named), ("ba", named), ("a", denied), ("bb", denied)):
        answer, other = rows[f"ai-act:art-5:1:{letter}"][4], none[f"ai-act:art-5:1:{letter}"][4]
        assert isinstance(answer, Fact) and isinstance(other, Fact)
        assert (told, "A. Example", "declared") == (answer.value, answer.by, answer.origin)
        assert denied == other.value
        assert not isinstance(silent[f"ai-act:art-5:1:{letter}"][4], Fact)
    assert "from 2026-12-02" == rows["ai-act:art-5:1:ba"][3]


def test_the_dates_of_an_older_system_say_from_when(dossier: Dossier) -> None:
    """Art. 111(2) stands in the rows that it puts off, and in no other."""
    card = {"name": "S", "provider": "P", "annex_iii": "5(b)", "placed_on_market": "2026-03-01"}
    rows = rows_of(replace(dossier, card=card))

    assert "as an older system only from a significant change in its design" in str(rows["ai-act:art-9:1"][3])
    assert "older" not in str(rows["ai-act:art-4:1"][3])


@pytest.mark.parametrize(
    "document, provision", [("fria", "art-27:1:a"), ("risk_file", "art-9:1"), ("qms_index", "art-17:1")]
)
def test_a_document_dates_a_duty_as_its_row_in_the_matrix_does(dossier: Dossier, document: str, provision: str) -> None:
    """An older system of a public authority: one record gives one date."""
    roles = {"deployer-fria": True, "deployer-public-authority": True}
    card = {"name": "S", "provider": "P", "deployer": "D", "annex_iii": "5(d)", "placed_on_market": "2025-05-01"}
    told = replace(dossier, card={**card, "roles": roles})
    when = str(rows_of(told)[f"ai-act:{provision}"][3])
    texts = [node.text for node in build(document, told).nodes if isinstance(node, Text)]

    assert "by 2030-08-02 in any case" in when
    assert any(f"applies {when}." in text for text in texts)


@pytest.mark.parametrize(
    "provision",
    [
        "ai-act:art-15:3",
        "ai-act:art-27:1:d",
        "ai-act:annex-iv:2:e",
        "gdpr:5:1:a",
        "gdpr:5:1:c",
        "gdpr:6:1:f",
        "gdpr:35:7:b",
        "gdpr:35:7:c",
    ],
)
def test_no_finding_answers_what_asks_for_an_act_or_a_judgement(dossier: Dossier, provision: str) -> None:
    """An assessment, a balance of interests or a declaration is made by people, whatever a finding names."""
    named = replace(
        next(each for each in dossier.findings if each.estimate.value is not None), requirements=(provision,)
    )
    found = answering.answers(replace(dossier, findings=(named, *dossier.findings)))

    assert () == found[provision].measured


def test_what_is_open_on_the_product_route_has_the_date_of_that_route(dossier: Dossier) -> None:
    """Annex I alone: no row that binds or may gives the date of Annex III."""
    lift = {"annex_iii": "none", "annex_i": "lifts", "annex_i_section": "A"}
    met = {"safety_component": True, "third_party_assessment": True}
    told = replace(dossier, card={"name": "S", "provider": "P", "deployer": "D", "gpai": "none", **lift, **met})
    reached = standing.reaches(told)
    rows = {id: row for id, row in rows_of(told).items() if reached[id].binding}

    assert reached["ai-act:art-22:1"].why and str(rows["ai-act:art-22:1"][3]).startswith("from 2028-08-02")
    moved = [id for id in rows if catalogue().get(id).dates.annex_i is not None]
    assert moved and not [id for id in moved if "2027-12-02" in str(rows[id][3])]


def test_of_a_system_outside_the_act_no_provision_of_it_binds(dossier: Dossier) -> None:
    """A named person denies it with reasons: the rows of the Act bind nobody, those of the GDPR as before."""
    denied = {"value": False, "by": "A. Example", "date": "2026-10-01"}
    card = {"name": "S", "provider": "P", "deployer": "D", "controller": "C", "gpai": "none"}
    rows = rows_of(replace(dossier, card={**card, "in_scope": denied, "in_scope_reasons": "People wrote each rule"}))

    assert "nobody, by what the card says" == rows["ai-act:art-4:1"][2]
    assert not any(str(row[2]).startswith("open") for id, row in rows.items() if id.startswith("ai-act:"))
    assert "controller C" == rows["gdpr:35:1"][2]
    assert "not applicable: outside the Act by A. Example on 2026-10-01, not examined here" == rows["ai-act:art-9:1"][4]
    made = build("coverage", replace(dossier, card={**card, "in_scope": denied, "in_scope_reasons": "Rules"}))
    none = [node.text for node in made.nodes if isinstance(node, Text) and "there is no such provision" in node.text]
    assert any(each.startswith("By A. Example on 2026-10-01, the AI Act does not speak") for each in none)
