"""What the provider's documents under the AI Act must hold: every point asked, people's fields left to people."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from dossiers import make_dossier, make_results
from probandum.document import Document, Fact, Gap, Heading, Node, Number, Table, Text
from probandum.dossier import Dossier
from probandum.finding import Verdict
from probandum.law import catalogue
from probandum_reports import docx
from probandum_reports.build import build
from probandum_reports.documents import template
from probandum_reports.nodes import gaps, walk
from probandum_reports.proposals import ALERTS, LOOKS, judged
from probandum_reports.view import View

NAMES = ("instructions_for_use", "declaration_data", "pmm_plan", "risk_file", "qms_index", "annex_viii")
Built = Mapping[str, Document]
#: What reviewers and authorities look for in the technical documentation, as paths of the card.
REVIEWED = {
    "validation.procedures",
    "validation.not_reproducible",
    "data.test",
    "data.representativeness",
    "bias.examination",
    "bias.measures",
    "bias_testing.special_categories",
    "oversight.stop",
    "oversight.automation_bias",
    "signatures.test_report",
    "signatures.test_logs",
    "logs.events",
    "logs.provider_retention",
    "cybersecurity.model_poisoning",
    "metrics_rationale",
    "risk_management.residual_accepted",
    "modification.decision",
}
LOCK: dict[str, Any] = {
    "made": "2026-10-30T08:00:00+00:00",
    "digest": "sha256:ab",
    "signed": False,
    "key_id": None,
    "precedes": True,
    "held": [],
    "amendments": [],
}


@pytest.fixture(scope="module")
def built(dossier: Dossier) -> Built:
    """The documents of one dossier by name, each built once."""
    return {name: build(name, dossier) for name in (*NAMES, "annex_iv")}


def of_kind(document: Document, kind: type) -> list[Any]:
    """All nodes of one kind in a document's text."""
    return [node for node in walk(document.nodes) if isinstance(node, kind)]


def paths(document: Document) -> dict[str, Fact]:
    """The facts of a document's text by path."""
    return {fact.path: fact for fact in of_kind(document, Fact)}


def under(document: Document, title: str) -> list[object]:
    """What stands under a heading and the smaller ones below it."""

    def below() -> Iterator[Node]:
        level = None
        for node in document.nodes:
            if isinstance(node, Heading):
                if level is not None and node.level <= level:
                    return
                level = node.level if node.text.startswith(title) else level
            if level is not None:
                yield node

    found = list(walk(below()))
    assert found, f"no heading begins with {title!r}"
    return found


def told(dossier: Dossier, **card: Any) -> Dossier:
    """The dossier with more said in its card."""
    return replace(dossier, card={**dossier.card, **card})


@pytest.mark.parametrize("name", ["annex_iv", "instructions_for_use", "qms_index", "ropa"])
def test_a_product_of_annex_i_is_named_by_its_law(dossier: Dossier, name: str) -> None:
    """Beside the point of Annex III, under which it is none."""
    lift = {"annex_iii": "none", "annex_i": "Directive 2014/33/EU, lifts", "annex_i_section": "A"}
    met = {"safety_component": True, "third_party_assessment": True}
    rows = {
        row[0]: row[1]
        for node in of_kind(build(name, told(dossier, **lift, **met)), Table)
        for row in node.rows
        if isinstance(row[1], Fact)
    }

    assert ("none", "Directive 2014/33/EU, lifts") == (
        rows["Point of Annex III"].value,
        rows["Law of Annex I"].value,
    )
    assert not any("or the act of Annex I" in gap.what for gap in gaps(build(name, replace(dossier, card={})).nodes))


def prose(document: Document) -> str:
    """All text of a document that is no data."""
    return " ".join(node.text for node in of_kind(document, Text))


@pytest.mark.parametrize(
    ("name", "families"),
    [
        ("instructions_for_use", ["ai-act:art-13:2", "ai-act:art-13:3"]),
        ("declaration_data", ["ai-act:annex-v", "ai-act:art-47"]),
        ("pmm_plan", ["ai-act:art-72"]),
        ("risk_file", ["ai-act:art-9"]),
        ("qms_index", ["ai-act:art-17"]),
        ("annex_viii", ["ai-act:annex-viii", "ai-act:art-49:1", "ai-act:art-49:2", "ai-act:art-49:3"]),
    ],
)
def test_every_point_of_its_provisions_stands_in_a_document(name: str, families: list[str]) -> None:
    """Each paragraph, letter and point of the catalogue is asked, the deleted ones excepted."""
    asked = [each for family in families for each in catalogue().entries_of(family) if each.kind != "deleted"]

    assert [] == [each.id for each in asked if each.id not in template(name).requirements()]


def test_the_technical_documentation_asks_for_what_a_reviewer_wants_to_see(built: Built) -> None:
    """Each is a line of its own, which is a gap where the card says nothing."""
    asked = {gap.card for gap in of_kind(built["annex_iv"], Gap)}

    assert set() == REVIEWED - asked


@pytest.mark.parametrize("name", NAMES)
def test_an_audit_without_findings_leaves_gaps_and_nothing_else(name: str) -> None:
    """No number, no proposal and no declared statement comes from a bare card and no results."""
    document = build(name, make_dossier(results=[], card={"name": "System"}, waivers=[]))
    facts = [fact for fact in of_kind(document, Fact) if not fact.path.startswith(("run.", "coverage:"))]

    assert [] == of_kind(document, Number)
    assert {"name"} >= {fact.path for fact in facts}
    assert of_kind(document, Gap)
    assert document.status.startswith("Draft: ")


# Instructions for use.


def test_performance_of_groups_is_item_five_and_the_capability_to_explain_item_four(
    built: Built, dossier: Dossier
) -> None:
    """Figures of groups stand under (b)(v), and those of explanations under (b)(iv)."""
    document = built["instructions_for_use"]
    groups = {node.finding for node in under(document, "(b)(v)") if isinstance(node, Number)}
    explained = {node.finding for node in under(document, "(b)(iv)") if isinstance(node, Number)}

    assert {each.id for each in dossier.findings if each.groups is not None} <= groups
    assert {each.id for each in dossier.findings if each.probe.startswith("explain.")} == explained


def test_no_group_is_left_out_of_the_instructions_however_many_there_are() -> None:
    """A deployer has no annex to look a group up in."""
    first = make_results()[0]
    one = first.measures[0]
    assert one.groups is not None
    many = [replace(one, groups=replace(one.groups, attribute="area", group=f"area {each}")) for each in range(200)]
    dossier = make_dossier(results=[replace(first, measures=tuple(many))])

    assert {each.id for each in dossier.findings} == set(build("instructions_for_use", dossier).findings())


# The declaration.


def test_the_form_of_the_declaration_is_blank_whatever_the_card_says(dossier: Dossier) -> None:
    """Statements and signature wait for a person, also where the card holds each of their lines."""
    signed = {"by": "A. Example", "date": "2026-11-01"}
    said = {"declaration": {"statement_4": {"value": "All requirements are met", **signed}}, "standards": "None"}
    document = build("declaration_data", told(dossier, **said, reference="S-1", system_type="scorer"))
    form = under(document, "Blank form")
    gaps = [node for node in form if isinstance(node, Gap)]

    assert [] == [node for node in form if isinstance(node, Fact | Number)]
    assert all(gap.origin == "human" and gap.blank and gap.card is None for gap in gaps)
    assert {f"AI Act, Annex V({point})" for point in range(1, 9)} == {gap.citation for gap in gaps}
    assert "All requirements are met" not in [fact.value for fact in of_kind(document, Fact)]


def test_in_word_the_form_has_lines_to_write_on(built: Built, dossier: Dossier) -> None:
    """Each line of the form is ruled, and no content control, which an import would read back, stands for it."""
    view = View(built["declaration_data"], dossier)
    with zipfile.ZipFile(io.BytesIO(docx.render(view))) as package:
        body = package.read("word/document.xml").decode()
    blanks = [gap for gap in of_kind(view.document, Gap) if gap.blank]

    assert len(blanks) == body.count(docx.RULED)
    assert not any(f'w:tag w:val="{gap.field_id}"' in body for gap in blanks)


def test_source_data_of_the_declaration_are_those_of_three_points(built: Built) -> None:
    """Points 1, 2 and 6 have source data; no finding and no other point has any."""
    document = built["declaration_data"]
    cited = [node.citation for node in under(document, "Source data") if isinstance(node, Heading) and node.citation]

    assert ["ai-act:annex-v:1", "ai-act:annex-v:2", "ai-act:annex-v:6"] == [
        each.rpartition("[")[2].rstrip("]") for each in cited
    ]
    assert () == document.findings()
    assert "Credit scorer" == paths(document)["name"].value


# The plan of monitoring.


def test_each_judged_metric_has_a_limit_a_value_and_a_proposed_rule(built: Built, dossier: Dossier) -> None:
    """One row a metric and limit, shown by its gravest finding; the rule follows from the verdict."""
    document = built["pmm_plan"]
    (table,) = [node for node in document.nodes if isinstance(node, Table) and node.caption == "Metrics to monitor"]
    limited = {(each.metric, each.limit.threshold) for each in dossier.findings if each.limit is not None}
    known = {each.id: each for each in dossier.findings}

    assert len(limited) == len(table.rows)
    for _, measured, limit, rule in table.rows:
        assert isinstance(measured, Number) and isinstance(limit, Fact) and isinstance(rule, Fact)
        assert ("proposed", ALERTS[known[measured.finding].verdict]) == (rule.origin, rule.value)
        assert "declared" == limit.origin


def test_the_gravest_finding_stands_for_its_metric(built: Built, dossier: Dossier) -> None:
    """A broken limit comes before one that is open, and that before one that is kept."""
    order = [Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.PASS, Verdict.NOT_APPLICABLE]
    for row in judged(View(built["pmm_plan"], dossier)):
        verdicts = [order.index(each.finding.verdict) for each in row.members]

        assert sorted(verdicts) == verdicts


def test_only_a_named_and_dated_person_decides_on_an_alert(dossier: Dossier) -> None:
    """A bare value leaves the field open; one with name and date fills it, once a metric."""
    rule = {"value": "Monthly, on 2,000 decisions", "by": "E. Example", "date": "2026-11-02"}
    alerts = {"bias-group-rates-impact-ratio": rule, "bias-group-rates-fpr-difference": "Weekly"}
    document = build("pmm_plan", told(dossier, post_market={"alerts": alerts}))
    fields = [gap.field_id for gap in of_kind(document, Gap)]

    assert "E. Example" == paths(document)["post_market.alerts.bias-group-rates-impact-ratio"].by
    assert "post_market.alerts.bias-group-rates-fpr-difference" in fields
    assert "post_market.alerts.bias-group-rates-impact-ratio" not in fields


def test_the_template_of_the_plan_is_voluntary_and_its_day_comes_from_the_timeline(built: Built) -> None:
    """Both dates of the duty and the day of the guidance stand in the text."""
    said = prose(built["pmm_plan"])

    assert "formally since 2026-08-02; practical, a reading: 2027-12-02" in said
    assert f"due {catalogue().timeline['ai-act-date:c-72-3'].dates.formal} (first set for 2026-02-02)" in said
    assert "That template is voluntary" in said


# The risk file.


def test_what_broke_a_limit_or_was_left_open_is_proposed_as_a_risk(built: Built, dossier: Dossier) -> None:
    """Every finding that failed, erred or did not decide stands there, and no other; none is accepted by the tool."""
    document = built["risk_file"]
    shown = {node.finding for node in under(document, "9(2)(a)") if isinstance(node, Number)}
    proposed = [node for node in under(document, "9(2)(a)") if isinstance(node, Fact) and node.origin == "proposed"]

    assert {each.id for each in dossier.findings if each.verdict in LOOKS} == shown
    assert proposed
    assert {fact.value for fact in proposed} <= set(LOOKS.values())


def test_a_clean_audit_proposes_no_risk_and_says_that_risks_remain() -> None:
    """That nothing was found is no statement that there is nothing."""
    results = [each for each in make_results() if each.probe == "explain.faithfulness"]
    document = build("risk_file", make_dossier(results=results, waivers=[]))

    assert [] == [fact for fact in of_kind(document, Fact) if fact.path.startswith("proposal:risk.")]
    assert "Risks that no probe saw remain." in prose(document)


def test_residual_risk_is_accepted_by_a_named_person_alone(dossier: Dossier) -> None:
    """Neither a value without a name nor a waiver of the gate fills the field."""
    bare = build("risk_file", told(dossier, risk_management={"residual_accepted": "acceptable"}))
    person = {"value": "B. Example, head of risk", "by": "B. Example", "date": "2026-11-01"}
    named = build("risk_file", told(dossier, risk_management={"residual_accepted": person}))

    assert "risk_management.residual_accepted" in [gap.field_id for gap in of_kind(bare, Gap) if gap.origin == "human"]
    assert "2026-11-01" == paths(named)["risk_management.residual_accepted"].on


def test_whether_thresholds_preceded_the_test_comes_from_the_lock(built: Built, dossier: Dossier) -> None:
    """A lock before the run says so; one after it shows nothing; without one a gap stands there."""
    before, after = (
        {fact.path: fact.value for fact in under(build("risk_file", replace(dossier, lock=lock)), "9(8)")
         if isinstance(fact, Fact)}["run.lock"]
        for lock in (LOCK, {**LOCK, "precedes": False})
    )  # fmt: skip
    missing = [node.what for node in under(built["risk_file"], "9(8)") if isinstance(node, Gap)]

    assert before.startswith("made on 2026-10-30, before the run began, unsigned")
    assert "after the run began, so that it shows nothing of it" in after
    assert any("a lock of the limits that was made before the first request" in what for what in missing)


# The index for the quality management system.


@pytest.mark.parametrize("letter", "abcdefghijklm")
def test_each_letter_of_the_quality_system_asks_for_the_providers_own_document(built: Built, letter: str) -> None:
    """What this audit measured never stands for the provider's written procedure."""
    found = under(built["qms_index"], f"({letter}) ")
    (heading,) = [node for node in found if isinstance(node, Heading)]
    tables = [node for node in found if isinstance(node, Table)]

    assert heading.citation is not None
    assert heading.citation.endswith(f"[ai-act:art-17:1:{letter}]")
    assert "Provider's document" == tables[0].rows[0][0]
    assert isinstance(tables[0].rows[0][1], Gap)


def test_an_index_that_nobody_needs_has_no_heading_without_a_statement(dossier: Dossier) -> None:
    """The size of the provider and the system as a whole are chapters, and fall away where nothing is said of them."""
    nobody, binds = (
        {node.text for node in build("qms_index", told(dossier, **card)).nodes if isinstance(node, Heading)}
        for card in ({"annex_iii": "none", "annex_i": "none"}, {"annex_iii": "5(b)", "art_6_3": "none"})
    )
    chapters = {"How large the system has to be", "The system as a whole"}

    assert set() == chapters & nobody
    assert chapters <= binds


# Registration.


def test_deleted_points_of_section_b_are_printed_as_deleted_with_their_date(dossier: Dossier) -> None:
    """Points 7 and 9 ask nothing; no field is left for them, also where section B binds."""
    document = build("annex_viii", told(dossier, art_6_3="a", profiling=False))
    (table,) = [node for node in under(document, "Section B") if isinstance(node, Table) and len(node.header) == 4]

    assert ["AI Act, Annex VIII Section B(7) [ai-act:annex-viii:b:7]"] == [
        row[0] for row in table.rows if "B(7)" in str(row[0])
    ]
    assert ["deleted 2026-07-27"] * 2 == [row[3] for row in table.rows]
    assert not any("B(7)" in gap.citation or "B(9)" in gap.citation for gap in of_kind(document, Gap))


@pytest.mark.parametrize(
    ("card", "asked"),
    [
        ({"annex_iii": "5(b)", "art_6_3": "none", "roles": {"deployer-public-authority": False}}, "A"),
        ({"annex_iii": "5(b)", "art_6_3": "a", "profiling": False, "roles": {"deployer-public-authority": False}}, "B"),
        ({"annex_iii": "5(b)", "provider": "none", "roles": {"deployer-public-authority": True}}, "C"),
    ],
)
def test_a_section_is_asked_only_of_whom_it_binds(dossier: Dossier, card: dict[str, Any], asked: str) -> None:
    """By what the card says one party registers under one section; of the others a sentence says that they do not."""
    document = build("annex_viii", told(dossier, **card))
    for section in "ABC":
        found = under(document, f"Section {section}: ")
        said = [node.text for node in found if isinstance(node, Text)]

        assert (section in asked) == any(isinstance(node, Table) for node in found)
        assert (section not in asked) == any("binds nobody here" in text for text in said)
        assert (section in asked) == any("points of" in node.text for node in found if isinstance(node, Heading))


def test_a_section_whose_party_the_card_leaves_open_says_what_must_be_settled(built: Built) -> None:
    """Section C is asked where the card does not say whether the deployer is a public authority."""
    found = under(built["annex_viii"], "Section C: ")
    said = [node.text for node in found if isinstance(node, Text)]

    assert any("is open: if the deployer is a public authority" in text for text in said)
    assert any(isinstance(node, Table) for node in found)


def test_section_b_is_asked_for_while_the_card_leaves_open_whether_an_exception_is_relied_on(built: Built) -> None:
    """Silence about Art. 6(3) says why the section is open, and its points are asked for as those of Section C are."""
    found = under(built["annex_viii"], "Section B: ")
    said = [node.text for node in found if isinstance(node, Text)]

    assert any("is open" in text and "whether an exception of Art. 6(3) is relied on" in text for text in said)
    assert not any("art_6_3" in text for text in said)
    assert "registration.conditions" in {gap.card for gap in gaps(found)}


def test_what_the_catalogue_leaves_open_is_marked_where_it_stands(built: Built) -> None:
    """Every point and every section of Annex VIII whose entry is to be looked at again says so beside its name."""
    law = catalogue()
    labels = {
        str(row[0])
        for node in built["annex_viii"].nodes
        if isinstance(node, Table) and node.caption.startswith("Section ")
        for row in node.rows
    }
    points = {line.label for each in template("annex_viii").entries() for line, _ in each.of_card()}
    marked = {label for label in labels if label.endswith(" [not settled]")}

    assert law.get("ai-act:annex-viii:c:2").verify
    assert "C(2) Person who submits [not settled]" in marked
    assert {label for label in labels if label.startswith(("A(", "B(", "C("))} == marked
    assert {label.removesuffix(" [not settled]") for label in marked} <= points
    assert "AI Act, Art. 49(3) [not settled] [ai-act:art-49:3]" in {
        node.citation for node in built["annex_viii"].nodes if isinstance(node, Heading)
    }


def test_from_when_a_not_high_risk_conclusion_is_registered_is_said_to_be_open(built: Built) -> None:
    """Both dates of Art. 49(2) stand in the text, and that neither is settled."""
    (said,) = [
        node.text
        for node in under(built["annex_viii"], "Section B")
        if isinstance(node, Text) and node.style == "warning"
    ]

    assert "not settled" in said
    assert "formally since 2026-08-02; practical, a reading: 2027-12-02" in said
