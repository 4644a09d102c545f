"""Documents about people's data and rights: assessments, notices, records. What only people may say stays theirs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from dossiers import make_dossier, make_results, make_review
from probandum.document import Document, Fact, Gap, Number, Table, Text
from probandum.dossier import Dossier
from probandum.finding import Estimate, Groups
from probandum.law import catalogue
from probandum.probe import Measure, ProbeResult
from probandum_reports import lint
from probandum_reports.build import build
from probandum_reports.documents import Section, template, templates
from probandum_reports.dpia_reasons import CRITERIA
from probandum_reports.fria_bridge import BRIDGES
from probandum_reports.nodes import walk
from probandum_reports.publisher import DocumentPublisher
from probandum_reports.risk_rows import FIELDS
from probandum_reports.special_names import suggested
from probandum_reports.threats import register
from probandum_reports.view import View

OURS = ("anonymity", "art22_notice", "art4a_record", "art86_explanation", "dpia", "fria", "lia", "ropa")
BY = {"by": "D. Example", "date": "2026-10-25"}
LENDER = {"annex_iii": "5(b)", "provider": "A", "deployer": "B", "controller": "B"}


def carded(card: Mapping[str, Any], **changes: object) -> Dossier:
    """The dossier under another card."""
    return replace(make_dossier(**changes), card={"name": "System", **card})  # type: ignore[arg-type]


def facts_of(document: Document) -> dict[str, Fact]:
    """Its facts by path."""
    return {node.path: node for node in walk(document.nodes) if isinstance(node, Fact)}


def gaps_of(document: Document) -> dict[str, Gap]:
    """Its gaps by field."""
    return {node.field_id: node for node in walk(document.nodes) if isinstance(node, Gap)}


def warnings_of(document: Document) -> list[str]:
    """What it warns of."""
    return [node.text for node in walk(document.nodes) if isinstance(node, Text) and node.style == "warning"]


def said(paths: Mapping[str, Any]) -> dict[str, Any]:
    """A card that states each dotted path, by a named person."""
    card: dict[str, Any] = {}
    for path, value in paths.items():
        *steps, last = path.split(".")
        inner = card
        for step in steps:
            inner = inner.setdefault(step, {})
        inner[last] = {"value": value, **BY}
    return card


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("fria", [f"ai-act:art-27:1:{letter}" for letter in "abcdef"] + ["ai-act:art-27:2", "ai-act:art-27:3"]),
        ("art4a_record", ["ai-act:art-4a:2"] + [f"ai-act:art-4a:1:{letter}" for letter in "abcdef"]),
        ("ropa", [f"gdpr:30:1:{each}" for each in "abcdefg"] + [f"gdpr:30:2:{each}" for each in "abcd"]),
        ("ropa", ["gdpr:30:3-4", "gdpr:30:5", "ai-act:art-4a:1:f"]),
        ("art22_notice", ["gdpr:13:1", "gdpr:13:2:a-e", "gdpr:13:2:f", "gdpr:14:1-2", "gdpr:15:1:h", "gdpr:22:3"]),
        ("art86_explanation", [f"ai-act:art-86:{paragraph}" for paragraph in "123"]),
        ("dpia", [f"gdpr:36:3:{letter}" for letter in "abcdef"] + ["gdpr:35:10", "gdpr:36:5"]),
        ("dpia", [f"gdpr:32:1:{letter}" for letter in "abcd"] + ["gdpr:25:2", "gdpr:46:1"]),
    ],
)
def test_every_point_of_a_provision_has_its_place(name: str, asked: list[str]) -> None:
    """Each lettered point is asked for by a section or by a line of the document that answers it."""
    assert set(asked) <= set(template(name).requirements())
    assert all(catalogue().get(each).citation for each in asked)


@pytest.mark.parametrize("name", ["anonymity", "art22_notice", "lia", "ropa"])
def test_every_duty_that_the_catalogue_gives_a_document_is_asked_for_in_it(name: str) -> None:
    """No duty under the GDPR that the catalogue says a document answers is left out of it."""
    law = catalogue()
    given = {
        each.id for each in law.requirements.values() if name in each.documents and each.kind == "duty" and not each.see
    }
    general = {"gdpr:5:1:a", "gdpr:5:1:b", "gdpr:5:1:f", "gdpr:5:2", "gdpr:14:2:g"}

    assert given - general <= set(template(name).requirements())


@pytest.mark.parametrize("name", OURS)
def test_a_field_of_the_card_is_asked_for_in_the_same_words_throughout_a_document(name: str) -> None:
    """One field asks one question, wherever it stands, so that one answer fills it."""
    found: dict[str, set[str]] = {}

    def into(sections: tuple[Section, ...]) -> None:
        for section in sections:
            for entry in section.content:
                for line in (*(entry.facts or ()), *(entry.human or ())):
                    if line.card is not None:
                        found.setdefault(line.card, set()).add(line.what or line.label)
            into(section.sections)

    into(template(name).sections)

    assert {} == {path: words for path, words in found.items() if len(words) > 1}


@pytest.mark.parametrize("name", OURS)
def test_a_record_without_findings_renders_as_gaps(name: str) -> None:
    """With nothing measured and nothing declared no figure and no statement of a person stands in the document."""
    dossier = carded({}, results=[], waivers=[])
    document = build(name, dossier)
    stated = [fact.path for fact in facts_of(document).values() if fact.origin in ("declared", "human")]

    lint.check(View(document, dossier))
    assert () == document.findings()
    assert {"name"} >= set(stated)
    assert any(gap.origin == "human" for gap in gaps_of(document).values())
    assert any(gap.what.startswith("not assessed") for gap in gaps_of(document).values())


@pytest.mark.parametrize("name", ["anonymity", "dpia", "lia", "ropa"])
def test_privacy_is_not_assessed_where_no_probe_measured_it(dossier: Dossier, name: str) -> None:
    """A missing probe never reads as a low risk."""
    found = [gap.what for gap in gaps_of(build(name, dossier)).values() if gap.what.startswith("not assessed")]

    assert any("extraction" in what or "leakage" in what or "privacy" in what for what in found)


# The fundamental rights impact assessment.


@pytest.mark.parametrize(
    ("card", "scope"),
    [
        (LENDER, "deployer B"),
        ({"annex_iii": "4(a)", "provider": "A", "deployer": "B"}, "open: "),
        ({"annex_iii": "5(b)", "provider": "A", "deployer": "none"}, "nobody"),
        ({"annex_iii": "2", "provider": "A", "deployer": "B"}, "nobody"),
        ({"annex_iii": "none", "annex_i": "none", "provider": "A", "deployer": "B"}, "nobody"),
    ],
)
def test_only_a_deployer_in_scope_has_a_result_to_state(card: dict[str, Any], scope: str) -> None:
    """For a provider, and outside the scope, the document takes no result and says that it is no assessment."""
    document = build("fria", carded(card))

    assert facts_of(document)["proposal:fria.scope"].value.startswith(scope)
    assert ("fria.result" in gaps_of(document)) == (scope != "nobody")
    assert any("binds nobody here" in text for text in warnings_of(document)) == (scope == "nobody")


def test_a_statement_of_a_result_outside_the_scope_is_not_shown() -> None:
    """A provider's own words on a result do not turn its file into an assessment."""
    card = {"annex_iii": "5(b)", "provider": "A", "deployer": "none", **said({"fria.result": "done"})}

    assert "fria.result" not in facts_of(build("fria", carded(card)))


def test_no_point_refers_to_a_draft(dossier: Dossier) -> None:
    """A draft is referred to by nobody, and the point is answered where it stands."""
    facts = facts_of(build("fria", dossier))

    assert all(facts[f"proposal:fria.reference.{each.point}"].value.startswith("none yet: ") for each in BRIDGES)


def complete(**more: Any) -> Dossier:
    """A dossier whose other assessment is reviewed and has no open field: people state all that it asks."""
    (rates,) = (each for each in make_results() if each.probe == "bias.group-rates")
    of_age = (each for each in rates.measures if "age" in str(each.groups))
    measures = tuple(each for each in of_age if each.metric in ("selection-rate", "impact-ratio"))
    review = make_review("dpia", function="head of credit")
    told = {"name": "System", "version": "1", **LENDER}
    card: dict[str, Any] = {**said({"dpia.version": "3", "dpia.version_date": "2026-10-20", **more}), **told}
    found = replace(make_dossier(results=[replace(rates, measures=measures)]), card=card, reviews=(review,))
    while fields := {each.card: "Stated" for each in gaps_of(build("dpia", found)).values() if each.card}:
        found = replace(found, card=merged(dict(found.card), said(fields)))
    return found


def merged(card: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """A card with what another states, too; a party that is a name alone becomes one that has it."""
    for key, value in more.items():
        there = card.get(key)
        inner = there if isinstance(there, dict) else {"name": there} if there else {}
        card[key] = value if "value" in value else merged(dict(inner), value)
    return card


def test_a_point_refers_to_sections_of_an_assessment_that_is_no_draft() -> None:
    """A reference names sections, the version, and the day of the version, which is not that of the statement."""
    facts = facts_of(build("fria", complete()))

    assert "point (b) refers to DPIA sections 0.4 and 1.1.d, version 3 of 2026-10-20" == (
        facts["proposal:fria.reference.b"].value
    )
    assert all("refers to DPIA section" in facts[f"proposal:fria.reference.{each.point}"].value for each in BRIDGES)


@pytest.mark.parametrize("lacking", ["dpia.consultation", "processing.scope", "dpia.version_date", "review"])
def test_one_open_field_makes_a_draft_that_is_referred_to_by_nobody(lacking: str) -> None:
    """A field of any section, the day of the version, the review: without one of them no point refers."""
    dossier = complete()
    if lacking == "review":
        dossier = replace(dossier, reviews=())
    else:
        above, _, last = lacking.partition(".")
        dossier = replace(
            dossier,
            card={**dossier.card, above: {key: each for key, each in dossier.card[above].items() if key != last}},
        )
    facts = facts_of(build("fria", dossier))

    assert all(facts[f"proposal:fria.reference.{each.point}"].value.startswith("none yet: ") for each in BRIDGES)


def test_what_a_reviewer_of_the_assessment_saw_hangs_on_the_review_of_the_other_one() -> None:
    """The content that a review names changes once the other assessment is reviewed, and by no review of itself."""
    reviewed = complete()
    own = replace(reviewed.reviews[0], document="fria")
    content = {
        name: DocumentPublisher().state(replace(reviewed, reviews=reviews), "fria").content
        for name, reviews in (("none", ()), ("dpia", reviewed.reviews), ("both", (*reviewed.reviews, own)))
    }

    assert content["none"] != content["dpia"] == content["both"]


def test_a_document_that_is_referred_to_refers_to_none() -> None:
    """So what one of them says hangs on no chain of reviews."""
    refers = {name: each.refers for name, each in templates().items() if each.refers}

    assert ("dpia",) == refers["fria"]
    assert not any(templates()[other].refers for names in refers.values() for other in names)


@pytest.mark.parametrize(("relied", "stale"), [("3", False), ("2", True)])
def test_another_version_makes_the_references_stale(relied: str, stale: bool) -> None:
    """Where the other assessment has moved on, the document says so."""
    document = build("fria", carded({**LENDER, **said({"dpia.version": "3", "fria.dpia_version": relied})}))

    assert stale == any("versions differ" in text for text in warnings_of(document))


def test_every_bridge_leads_to_a_place_of_the_other_assessment() -> None:
    """No reference names a section that the template of the other assessment does not have."""
    named = {place.section.title for place in template("dpia").walk()}
    named |= {entry.caption or "" for entry in template("dpia").entries()}
    named |= {line.label for entry in template("dpia").entries() for line, _ in entry.of_card()}
    numbers = {each.partition(" ")[0] for each in named}

    for bridge in BRIDGES:
        for number in bridge.sections:
            assert any(each == number or each.startswith(f"{number}.") for each in numbers), number
    assert "abcdef" == "".join(each.point for each in BRIDGES)


def test_no_text_says_that_one_assessment_covers_the_other() -> None:
    """References are to sections, and never to the whole."""
    texts = [node.text for name in OURS for node in walk(build(name, make_dossier()).nodes) if isinstance(node, Text)]

    assert not [text for text in texts if "covered by" in text.lower() or "fria completed" in text.lower()]


def test_the_two_assessments_share_groups_and_risks(dossier: Dossier) -> None:
    """One severity serves both, and rows stand where their regime puts them."""
    rows = {
        name: {node.caption for node in walk(build(name, dossier).nodes) if isinstance(node, Table)}
        for name in ("dpia", "fria")
    }
    regimes = {f"Risk {each.id}": each.regime for each in register()}

    assert {row for row, regime in regimes.items() if regime != "FRIA"} == rows["dpia"] & set(regimes)
    assert {row for row, regime in regimes.items() if regime != "GDPR"} == rows["fria"] & set(regimes)
    assert "Groups of persons in the data of this audit" in rows["dpia"] & rows["fria"]
    assert "3, significant" == facts_of(build("fria", dossier))["risk_register.T1.severity"].value


@pytest.mark.parametrize("name", ["dpia", "fria"])
def test_both_assessments_say_what_a_limit_of_the_plan_proposes(dossier: Dossier, name: str) -> None:
    """A risk without a band has its likelihood from there, in whichever of them it stands."""
    texts = " ".join(node.text for node in walk(build(name, dossier).nodes) if isinstance(node, Text))

    assert "Where no band is given the plan's own limit speaks: broken proposes 3, kept proposes 2." in texts


def test_a_group_with_too_few_persons_is_not_assessed(dossier: Dossier) -> None:
    """The group stands in the table with its figure withheld and a gap beside it."""
    document = build("fria", dossier)
    table = next(
        node
        for node in walk(document.nodes)
        if isinstance(node, Table) and node.caption == "Groups of persons in the data of this audit"
    )
    said = {row[0].finding.partition("?")[2]: row[1] for row in table.rows if isinstance(row[0], Number)}
    open_ = {group: cell.what for group, cell in said.items() if isinstance(cell, Gap)}
    suppliers = {group: cell.supplier for group, cell in said.items() if isinstance(cell, Gap)}

    assert "not assessed: groups with too few persons for a verdict" == open_.pop("nationality=CH")
    assert (
        dict.fromkeys(
            ("nationality=AT", "nationality=DE"), "not assessed: groups that no finding compares with another"
        )
        == open_
    )
    assert "the auditor, with data on more persons" == suppliers["nationality=CH"]
    assert suppliers["nationality=AT"].startswith("the auditor, by adding one of the suites bias.attribute-flip, ")
    assert "bias.group-rates" not in suppliers["nationality=AT"]
    assert "compared with another group in a finding of this record" == said["age=25 or younger"]
    assert "the group with which findings of this record compare others" == said["age=over 25"]


def ungrouped(dossier: Dossier) -> Dossier:
    """The dossier whose plan names no groups and no rows, and so no decision on them."""
    ask = {**dossier.plan["ask"], "groups": {}, "data": None, "decision": None}
    return replace(dossier, plan={**dossier.plan, "ask": ask})


def test_where_no_finding_is_about_a_group_nobody_was_assessed() -> None:
    """Neither the plan nor a finding names a group, and the document says so of what was looked at."""
    document = build("fria", ungrouped(make_dossier(results=[])))
    texts = " ".join(node.text for node in walk(document.nodes) if isinstance(node, Text))

    (gap,) = [gap for gap in gaps_of(document).values() if gap.what == "not assessed: groups of persons in the data"]
    assert "not_assessed.groups_of_persons_in_the_data" == gap.card
    assert gap.supplier.startswith("the auditor, by adding one of the suites bias.")
    assert gap.supplier.endswith(", and by naming groups")
    said = {"value": "All are adults of one state.", "by": "D. Example", "date": "2026-11-02"}
    empty = ungrouped(make_dossier(results=[]))
    stated = build("fria", replace(empty, card={**empty.card, "not_assessed": {"groups_of_persons_in_the_data": said}}))
    assert gap.card not in {each.card for each in gaps_of(stated).values()}
    assert "The plan names no groups, and no finding of this record is about a group." in texts


def named_in_texts() -> Dossier:
    """A dossier of probes that compare words for groups in texts, and no rows."""
    pairs = [("gay", "straight"), ("Muslim", "Christian"), ("deaf", "nondisabled"), ("female", "male")]
    neutral = replace(shifted("new", "talented"), mode="disclosure")
    result = ProbeResult(
        probe="bias.term-swap", version=1, status="measured", measures=(*(shifted(*pair) for pair in pairs), neutral)
    )
    return ungrouped(make_dossier(results=[result], waivers=[]))


def shifted(group: str, reference: str) -> Measure:
    """How far a score moves from one word to the other."""
    estimate = Estimate(value=0.3, low=0.2, high=0.4, n=200, unit="share", method="t", moments=(0.3, 0.05, 27.0))
    return Measure(
        metric="signed-shift", estimate=estimate, groups=Groups(attribute="term", group=group, reference=reference)
    )


@pytest.mark.parametrize("name", ["art22_notice", "art4a_record", "dpia", "fria", "ropa"])
def test_groups_that_texts_name_are_compared_and_their_categories_told(name: str) -> None:
    """No document says that nobody is compared; each word for a group suggests a category, and neutral words none."""
    document = build(name, dossier := named_in_texts())
    texts = " ".join(node.text for node in walk(document.nodes) if isinstance(node, Text))
    told = facts_of(document)["run.special.term"].value

    assert "No group" not in texts and "names no groups" not in texts
    assert "sex life or sexual orientation, by the words (Art. 9(1) GDPR): gay, straight" in told
    assert "religious or philosophical beliefs, by the words (Art. 9(1) GDPR): Muslim, Christian" in told
    assert "health, by the words (Art. 9(1) GDPR): deaf, nondisabled" in told
    assert "may matter under equality law: female, male" in told
    assert "talented" not in told
    assert "not assessed: groups of persons in the data" not in {gap.what for gap in gaps_of(document).values()}
    lint.check(View(document, dossier))


def test_what_the_record_holds_of_a_test_without_rows_is_asked_of_nobody() -> None:
    """Texts, groups, the rule of decision and addresses are the auditor's own, and stand as recorded."""
    found = {**facts_of(build("art4a_record", named_in_texts())), **facts_of(build("annex_iv", named_in_texts()))}
    dossier = named_in_texts()
    missing = {gap.field_id for name in templates() for gap in gaps_of(build(name, dossier)).values()}

    assert not {"not_recorded.data", "not_recorded.groups", "not_recorded.decision", "art4a.endpoints"} & missing
    assert "term, named in texts: gay, straight, Muslim, Christian, deaf, nondisabled, female, male" == (
        found["run.groups"].value
    )
    assert found["run.data"].value.startswith("no rows by the plan; heldout.csv sha256:")
    assert found["run.decision"].value.startswith("none by the plan: ")
    assert "nobody: it connected to none" == found["run.nobody_reached"].value


def test_rows_without_a_rule_of_decision_leave_it_missing(dossier: Dossier) -> None:
    """Where a plan scores rows and says no threshold, somebody has to."""
    plan = {**dossier.plan, "ask": {**dossier.plan["ask"], "decision": None}}

    assert "not_recorded.decision" in gaps_of(build("annex_iv", replace(dossier, plan=plan)))


def test_addresses_of_a_judge_are_not_said_to_be_none() -> None:
    """A probe that was given a judge may have connected where the target did not."""
    judged = ProbeResult(probe="bias.honest", version=1, status="measured", options={"judge": "judge.yaml"})
    facts = facts_of(build("art4a_record", make_dossier(results=[judged])))

    assert "judges of bias.honest" in facts["run.target.endpoints"].value
    assert "run.nobody_reached" not in facts


@pytest.mark.parametrize("measured", [False, True])
def test_only_probes_of_privacy_are_test_reports_of_anonymity(measured: bool) -> None:
    """Bias and energy are none; attacks that were not made ask for no power and no targets."""
    attack = ProbeResult(
        probe="privacy.membership",
        version=1,
        status="measured",
        measures=(Measure(metric="advantage", estimate=shifted("a", "b").estimate, groups=None),),
    )
    dossier = make_dossier(results=[attack]) if measured else make_dossier()
    plan = (
        {**dossier.plan, "suites": {**dossier.plan["suites"], "privacy.membership": {}}} if measured else dossier.plan
    )
    document = build("anonymity", replace(dossier, plan=plan))
    captions = {node.caption for node in walk(document.nodes) if isinstance(node, Table)}

    assert measured == ("Test reports" in captions)
    assert measured == ("model_anonymity.attacks.power" in gaps_of(document))
    assert "model_anonymity.attacks.not_tried" in gaps_of(document)
    assert measured != any("No test of privacy stands in this record" in text for text in warnings_of(document))
    assert ["privacy.membership"] * measured == [
        fact.value for path, fact in facts_of(document).items() if path.startswith("run.suites.")
    ]


@pytest.mark.parametrize(
    ("name", "first", "others"),
    [
        ("ropa", "Regulation (EU) 2016/679", {"Law, of the AI Act"}),
        ("lia", "Regulation (EU) 2016/679", set()),
        ("anonymity", "Regulation (EU) 2016/679", set()),
        ("art22_notice", "Regulation (EU) 2016/679", {"Law, of the AI Act"}),
        ("dpia", "Regulation (EU) 2016/679", {"Law, of the AI Act"}),
        ("fria", "Regulation (EU) 2024/1689", {"Law, of the GDPR"}),
        ("annex_xi_xii", "Regulation (EU) 2024/1689", set()),
    ],
)
def test_the_cover_states_the_law_that_asks_for_the_document(name: str, first: str, others: set[str]) -> None:
    """The GDPR for its own documents, with the day it was last looked at, and the other act where it is cited."""
    laws = {fact.label: fact.value for fact in build(name, make_dossier()).front if "run.law" in fact.path}

    assert laws["Law"].startswith(first)
    assert {"Law", *others} == set(laws)
    assert all("last looked at on 2026-11-23" in text for text in laws.values() if "2016/679" in text)


def test_no_document_names_a_key_of_the_card_or_a_role(dossier: Dossier) -> None:
    """What the card leaves open is said in words that a reader of a filed document knows."""
    silent = replace(dossier, card={"name": "S", "annex_iii": "5(b)", "provider": "P", "deployer": "D"})
    told = [
        f"{name}: {text}"
        for name in templates()
        for node in walk(build(name, silent).nodes)
        for text in (node.text if isinstance(node, Text) else node.value if isinstance(node, Fact) else "",)
    ]
    told += [str(c) for n in walk(build("coverage", silent).nodes) if isinstance(n, Table) for r in n.rows for c in r]

    assert any("does not say" in each for each in told)
    assert not [each for each in told if re.search(r"roles\.[a-z]|\((?:art_5|art_6_3|gpai|annex_i+)\)", each)]
    assert not [each for each in told if re.search(r"does not say \(?(?:[a-z0-9]+_|gpai|profiling)", each)]


# The data protection impact assessment.


def dpia(**paths: Any) -> Document:
    """The assessment of a card that states these paths."""
    return build("dpia", carded({**LENDER, **said({path.replace("__", "."): value for path, value in paths.items()})}))


def test_proportionality_waits_for_necessity() -> None:
    """Benefits are weighed only after the need was settled."""
    alone, both = dpia(dpia__proportionality="Fine"), dpia(dpia__proportionality="Fine", dpia__necessity="Needed")

    assert "dpia.proportionality" not in facts_of(alone)
    assert "waits for an earlier field" in gaps_of(alone)["dpia.proportionality"].what
    assert "Fine" == facts_of(both)["dpia.proportionality"].value


@pytest.mark.parametrize(
    ("met", "said_of_law", "said_of_criteria"),
    [
        ({}, "not settled", "not settled"),
        ({"systematic_evaluation": "Yes, of applicants"}, "required", "not settled"),
        ({"scoring": "yes", "new_technology": "yes"}, "not settled", "presumed required"),
        (dict.fromkeys(CRITERIA, "no"), "not settled", "no criterion is met"),
        (dict.fromkeys(CRITERIA, "no") | {"scoring": "yes"}, "not settled", "a person decides"),
    ],
)
def test_facts_of_the_card_propose_the_reasons(met: dict[str, str], said_of_law: str, said_of_criteria: str) -> None:
    """Art. 35(3) and two of nine criteria are proposals from what the card says, and silence settles nothing."""
    facts = facts_of(dpia(**{f"triggers__{key}": value for key, value in met.items()}))

    assert facts["proposal:dpia.reasons.0"].value.startswith(said_of_law)
    assert facts["proposal:dpia.reasons.1"].value.startswith(said_of_criteria)


def test_a_law_that_was_itself_assessed_is_for_a_person_to_decide() -> None:
    """Art. 35(10) is a branch of its own."""
    facts = facts_of(dpia(triggers__legislative="Yes, Act 14 of 2025"))

    assert facts["proposal:dpia.reasons.2"].value.startswith("a person decides")


@pytest.mark.parametrize(
    ("residual", "state", "blocked"),
    [
        (None, "not settled", False),
        ("low", "no residual risk above medium", False),
        ("High, no measure helps", "residual risk high or very high: T1", True),
        ("no longer high", "not settled", False),
    ],
)
def test_a_high_residual_risk_blocks_a_start(residual: str | None, state: str, blocked: bool) -> None:
    """The banner shows the law and its reading apart, and only an end of the consultation closes the field."""
    rows = {f"risk_register__{each.id}__residual": "low" for each in register()}
    rows = {key: value for key, value in (rows | {"risk_register__T1__residual": residual}).items() if value}
    document = dpia(**rows, dpia__outcome="Goes ahead")

    assert facts_of(document)["proposal:dpia.residual"].value.startswith(state)
    assert blocked == any("Art. 36(1) as worded" in text and "read by recitals" in text for text in banners(document))
    assert blocked == ("dpia.consultation_over" in gaps_of(document))
    assert document.status.startswith("Draft")


def banners(document: Document) -> list[str]:
    """Warnings of a recorded risk."""
    return [text for text in warnings_of(document) if text.startswith("Residual high risk recorded")]


def test_missing_evidence_never_makes_a_risk_low() -> None:
    """A row that no probe spoke to is at least medium, whatever a person accepts."""
    rows = {f"risk_register__T6__{field}": "1" for field in ("severity", "likelihood")}

    assert facts_of(dpia(**rows))["proposal:T6.level"].value.startswith("medium, since evidence is missing")


def test_presence_says_which_fields_are_filled_and_nothing_of_quality() -> None:
    """A filled field is filled, a part of several is partly filled, and the rest is open."""
    facts = facts_of(dpia(dataflow="Collected, stored", processing__scope="Few"))
    states = [facts[f"proposal:dpia.presence.{index}"].value for index in range(1, 23)]

    assert ("partly filled", "filled") == (states[0], states[2])
    assert {"filled", "partly filled", "open"} == set(states)


def test_no_field_for_people_holds_words_of_the_template() -> None:
    """Under a bare card every such field is a gap."""
    document = build("dpia", carded({}))
    people = {f"risk_register.{each.id}.{field}" for each in register() if each.regime != "FRIA" for field in FIELDS}

    assert people <= set(gaps_of(document))
    assert all(gaps_of(document)[path].origin == "human" for path in people)


# Special categories, the record of processing, and the record under Art. 4a.


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("race", "racial or ethnic origin"),
        ("patient_disability", "health"),
        ("sexualOrientation", "sex life or sexual orientation"),
        ("sex", "no special category"),
        ("age", "no special category"),
        ("horse_race_bets", "racial or ethnic origin"),
        ("embrace", "no special category"),
        ("traces", "no special category"),
        ("conviction_count", "offences"),
    ],
)
def test_a_name_suggests_a_category_by_whole_words(name: str, found: str) -> None:
    """Sex and age are no special categories; a name is a hint that can be wrong, and never hides in another word."""
    assert suggested(name).words.startswith(found)


def compared(*attributes: str, card: Mapping[str, Any] | None = None) -> Dossier:
    """A dossier whose plan compares groups by these attributes."""
    dossier = make_dossier()
    plan = {**dossier.plan, "ask": {**dossier.plan["ask"], "groups": {name: {"column": name} for name in attributes}}}
    findings = tuple(each for each in dossier.findings if each.groups is None or each.groups.attribute in attributes)
    return replace(dossier, plan=plan, findings=findings, card={"name": "System", **(card or {})})


def test_a_name_that_contradicts_the_card_is_a_discrepancy() -> None:
    """The card's word stands, and what speaks against it stands before it."""
    dossier = compared(
        "race", "age", card={"special_categories": "none", "declared": {"by": "A", "date": "2026-10-20"}}
    )
    document = build("art4a_record", dossier)

    lint.check(View(document, dossier))
    assert any(text.startswith("Discrepancy: ") for text in warnings_of(document))
    assert "none" == facts_of(document)["special_categories"].value
    assert facts_of(document)["run.special.race"].value.startswith("race: no input; racial or ethnic origin")


def test_an_input_whose_name_is_special_stands_beside_the_attributes() -> None:
    """What the model is asked with can be of a special category, too; ordinary inputs are not listed."""
    dossier = compared("age")
    ask = {**dossier.plan["ask"], "data": {"features": ["amount", "diagnosis", "age"]}}
    facts = facts_of(build("dpia", replace(dossier, plan={**dossier.plan, "ask": ask})))

    assert facts["run.special.diagnosis"].value.startswith("diagnosis: an input; health")
    assert {"run.special.age", "run.special.diagnosis"} == {path for path in facts if path.startswith("run.special.")}


def test_without_a_contradiction_nothing_is_called_a_discrepancy() -> None:
    """An ordinary attribute, or a card that states the category, is no discrepancy."""
    for dossier in (
        compared("age", card={"special_categories": "none"}),
        compared("race", card={"special_categories": {"race": "racial or ethnic origin"}}),
    ):
        assert not [text for text in warnings_of(build("art4a_record", dossier)) if text.startswith("Discrepancy")]


def test_the_deletion_of_raw_answers_is_recorded_and_never_invented(dossier: Dossier) -> None:
    """Without a purge the field is a gap; with one the record's own words stand in it."""
    purged = replace(dossier, purged="the raw questions and answers were deleted on 2026-11-20 by A. Example")

    for name in ("art4a_record", "ropa"):
        assert any("which the command purge records" in gap.what for gap in gaps_of(build(name, dossier)).values())
        assert "deleted on 2026-11-20" in facts_of(build(name, purged))["run.target.cautions.purged"].value


def test_the_audit_is_an_activity_of_its_own(dossier: Dossier) -> None:
    """Audit and bias test have their rows always; another moment has one once the card gives its fields."""

    def activities(made: Document) -> list[str]:
        tables = (node for node in walk(made.nodes) if isinstance(node, Table))
        return [table.caption for table in tables if table.caption.startswith("Activity: ")]

    bare = build("ropa", dossier)
    trained = build("ropa", carded({"ropa": {"train": {"purposes": "Scoring"}, "label": "Does not take place."}}))

    assert ["Activity: testing for bias (bias_test)", "Activity: this audit (audit)"] == activities(bare)
    assert "Activity: training (train)" in activities(trained)
    assert "Scoring" == facts_of(trained)["ropa.train.purposes"].value
    assert "Does not take place." == facts_of(trained)["ropa.label"].value
    assert "ropa.train.retention" in gaps_of(trained)


def test_a_sentence_about_a_moment_is_printed_and_its_fields_are_asked_for_unless_it_denies_it() -> None:
    """None is lost: neither beside fields, nor where the audit shows otherwise, which is told."""
    yearly, denied = {"value": "It takes place once a year.", "data": "Tables"}, "Does not take place."
    there = carded({"ropa": {"bias_test": yearly["value"], "train": yearly, "label": denied}})
    found, gone = build("ropa", there), build("ropa", carded({"ropa": {"bias_test": denied}}))

    lint.check(View(found, there))
    assert {yearly["value"]} == {facts_of(found)[f"ropa.{each}"].value for each in ("bias_test", "train")}
    assert "Tables" == facts_of(found)["ropa.train.data"].value
    assert {"ropa.bias_test.purposes", "ropa.train.purposes"} <= set(gaps_of(found))
    assert not [path for path in gaps_of(found) if path.startswith("ropa.label")]
    assert denied == facts_of(gone)["ropa.bias_test"].value
    assert not [path for path in gaps_of(gone) if path.startswith("ropa.bias_test")]
    told = [text for text in warnings_of(gone) if text.startswith("Discrepancy: ")]
    assert 1 == len(told) and "testing for bias" in told[0]
    assert not [text for text in warnings_of(found) if text.startswith("Discrepancy: ")]


def test_the_notice_names_the_command_that_explains_one_decision(dossier: Dossier) -> None:
    """The document holds no decision, and says how the notice about one is made."""
    texts = [node.text for node in walk(build("art22_notice", dossier).nodes) if isinstance(node, Text)]

    assert any("probandum explain" in text for text in texts)


def test_both_dates_of_article_86_stand_in_its_document(dossier: Dossier) -> None:
    """A date that is a reading never stands without the formal one, and is said to be open."""
    texts = [node.text for node in walk(build("art86_explanation", dossier).nodes) if isinstance(node, Text)]
    dated = next(text for text in texts if "2027-12-02" in text)

    assert "2026-08-02" in dated
    assert "To be confirmed" in dated


def test_every_document_of_this_kind_is_listed() -> None:
    """All of them are shipped."""
    assert set(OURS) <= set(templates())


def test_the_items_of_data_stand_in_the_notice_as_the_card_calls_them(dossier: Dossier) -> None:
    """A statement on personal data is no list of what a system uses; without rows somebody has to give one."""
    ask = {**dossier.plan["ask"], "data": {**dossier.plan["ask"]["data"], "features": ["amount", "age"]}}
    card = {**dossier.card, "columns": {"amount": {"name": "amount of the loan"}}}
    notice = build("art22_notice", replace(dossier, plan={**dossier.plan, "ask": ask}, card=card))

    assert "amount of the loan, age" == facts_of(notice)["run.features"].value
    assert "not_recorded.features" in gaps_of(build("art22_notice", named_in_texts()))
