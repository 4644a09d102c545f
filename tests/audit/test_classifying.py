"""The proposed classification: what the card's answers lead to, with the law, and never a verdict."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probandum.errors import UsageError
from probandum.law import bind, catalogue
from probandum.law.classifying import classify
from probandum.law.hints import about_uses
from probandum.law.steps import Proposal, Step
from probandum.plan_file import SystemCard
from probandum.questioning import questions
from probandum_reports.claims import claim

BANK = {"name": "Example Bank AG"}
CREDIT: Mapping[str, Any] = {
    "name": "Scorer",
    "purpose": "Decides on consumer credit applications",
    "provider": BANK,
    "deployer": BANK,
    "controller": BANK,
    "art_5": "none",
    "annex_i": "none",
    "annex_iii": "5(b)",
}
#: Both conditions of the product route.
MET = {"safety_component": True, "third_party_assessment": True}
POINTS = [case.point for case in catalogue().use_cases.values()]


def step(proposal: Proposal, id: str) -> Step:
    """The step of that id."""
    return next(each for each in proposal.steps if each.id == id)


def texts(proposal: Proposal) -> list[str]:
    """Every sentence of a proposal."""
    found = [proposal.outcome]
    for each in proposal.steps:
        found += [each.question, *each.reasoning, *each.unsettled, *each.changes]
    return found


# the listed uses


@pytest.mark.parametrize("point", POINTS)
def test_every_listed_use_leads_to_a_proposal_that_names_it(point: str) -> None:
    """Each of the 25 uses: the route, the use in words, its assessment, and its dates as the catalogue has them."""
    case = catalogue().use_case(point)
    proposal = classify({**CREDIT, "annex_iii": point})
    use = step(proposal, "use")

    assert f"Proposed: high-risk, by Art. 6(2) with Annex III {point}." == proposal.outcome
    assert f"Annex III {point}, {case.title}: {case.summary}" in use.reasoning
    assert case.id in use.requirements
    assert case.verify == any(f"How far Annex III {point} reaches is not settled." == each for each in use.unsettled)
    assert ("ai-act:art-43:2" in step(proposal, "assessment").requirements) == (case.conformity == "annex-vi")
    assert all(
        "from 2027-12-02" in each or "since" in each for each in use.cited(catalogue(), "2026-11-29", proposal.applying)
    )


def test_annex_iii_has_25_uses() -> None:
    """The cases above are all there are."""
    assert 25 == len(POINTS)


@pytest.mark.parametrize("condition", ["a", "b", "c", "d"])
@pytest.mark.parametrize("point", ["4(a)", "8(a)"])
def test_an_exception_is_the_providers_conclusion_and_never_the_tools(point: str, condition: str) -> None:
    """Claimed, with profiling denied: the outcome says whose conclusion it is, and what must be done with it."""
    proposal = classify({**CREDIT, "annex_iii": point, "art_6_3": condition, "profiling": False})
    exception = step(proposal, "exception")

    assert (
        f"Proposed: a use of Annex III {point} for which the provider relies on Art. 6(3)({condition}), its own "
        "conclusion, to be documented (Art. 6(4)) and registered (Art. 49(2))."
    ) == proposal.outcome
    assert {f"ai-act:art-6:3:{condition}", "ai-act:art-6:4", "ai-act:art-49:2"} <= set(exception.requirements)
    assert any("read narrowly" in each for each in exception.unsettled)
    assert "assessment" not in {each.id for each in proposal.steps}


@pytest.mark.parametrize("condition", ["a", "b", "c", "d"])
def test_profiling_overrides_every_exception(condition: str) -> None:
    """The third subparagraph of Art. 6(3): always high-risk, and the step says why."""
    proposal = classify({**CREDIT, "art_6_3": condition, "profiling": True})

    assert "Proposed: high-risk, by Art. 6(2) with Annex III 5(b)." == proposal.outcome
    assert any("closes every exception" in each for each in step(proposal, "exception").reasoning)
    assert ("ai-act:art-6:3:profiling",) == step(proposal, "profiling").requirements


def test_an_exception_without_a_word_on_profiling_stays_open() -> None:
    """Whether there is profiling is for people to say, and without it no class is proposed and no duty is let off."""
    card = {**CREDIT, "art_6_3": "a"}
    proposal = classify(card)
    opens = {role.role: role.why for role in bind(card).open}

    assert "Open: the card does not say profiling, without which no class can be proposed." == proposal.outcome
    assert "if the system is high-risk (the card does not say profiling)" == opens["provider-high-risk"]


def test_profiling_is_a_hint_where_nobody_said_it() -> None:
    """What the catalogue knows of a use decides nothing."""
    profiling = step(classify(CREDIT), "profiling")

    assert "Hint, no finding: systems for Annex III 5(b) always profile natural persons." in profiling.reasoning
    assert ("profiling",) == profiling.silent
    assert profiling.unsettled


def test_a_profiling_that_is_denied_where_a_use_comes_with_it_is_told() -> None:
    """The denial is believed, and stands among what is not settled."""
    proposal = classify({**CREDIT, "profiling": False})

    assert "The card denies profiling, which Annex III 5(b) mostly comes with." in proposal.unsettled


def test_a_person_who_looks_changes_no_class() -> None:
    """With and without human oversight the outcome is the same, and the step says so."""
    without = classify(CREDIT)
    overseen = classify({**CREDIT, "oversight": {"measures": "A clerk decides every case"}})

    assert without.outcome == overseen.outcome
    assert any("does not by itself change" in each for each in step(overseen, "oversight").reasoning)


def test_a_sector_is_no_use() -> None:
    """A bank's chatbot that names no listed use is on no route, whatever its purpose speaks of; the word is a hint."""
    proposal = classify({**CREDIT, "annex_iii": "none", "purpose": "Answers questions about credit cards"})

    assert proposal.outcome.startswith("Proposed: no route to high-risk is declared")
    assert any(each.startswith("Hint, no finding: the purpose has the word “credit”") for each in proposal.unsettled)


@pytest.mark.parametrize("case", catalogue().use_cases.values(), ids=lambda case: case.point)
def test_every_use_can_be_hinted_at_by_each_of_its_words(case: Any) -> None:
    """A purpose with a word of a use leads to a hint at it, unless the card names the use already."""
    for word in (each.replace("*", "") for each in case.keywords):
        assert any(f"Annex III {case.point}," in each for each in about_uses(f"For {word}.", (), catalogue()))
        assert not any(f"Annex III {case.point}," in each for each in about_uses(word, (case,), catalogue()))


@pytest.mark.parametrize(
    ("purpose", "point"),
    [
        ("Identifies people by facial recognition", "1(a)"),
        ("Emotion detection in calls", "1(c)"),
        ("Controls traffic lights", "2"),
        ("Decides who is admitted to a university", "3(a)"),
        ("Grades exams", "3(b)"),
        ("Detects cheating in tests", "3(d)"),
        ("Ranks job applicants", "4(a)"),
        ("Screens CVs", "4(a)"),
        ("Scores applications for jobs", "4(a)"),
        ("Allocates shifts to workers", "4(b)"),
        ("Finds who is entitled to social housing", "5(a)"),
        ("Decides on mortgages", "5(b)"),
        ("Prices health insurance", "5(c)"),
        ("Sends ambulances", "5(d)"),
        ("Says whether a prisoner reoffends", "6(d)"),
        ("Helps judges with sentencing", "8(a)"),
    ],
)
def test_plain_words_for_a_listed_use_lead_to_a_hint(purpose: str, point: str) -> None:
    """People say what a system does, and seldom in the words of the annex; a use that is not listed gives no hint."""
    assert any(f"Annex III {point}," in each for each in about_uses(purpose, (), catalogue()))
    assert () == about_uses("Sorts photographs of birds", (), catalogue())


# products


def test_a_product_of_section_a_has_its_own_dates() -> None:
    """Art. 6(1) with Annex I Section A, from August 2028."""
    proposal = classify(
        {**CREDIT, **MET, "annex_iii": "none", "annex_i": "Directive 2014/33/EU, lifts", "annex_i_section": "A"}
    )

    assert "Proposed: high-risk, by Art. 6(1) with Annex I Section A." == proposal.outcome
    assert "annex-i" == proposal.applying.route
    assert "AI Act, Art. 6(1)(a): from 2028-08-02 (first set for 2027-08-02)" in step(proposal, "product").cited(
        catalogue(), "2026-11-29", proposal.applying
    )
    assert ("ai-act:art-43:3", "ai-act:art-8:2", "ai-act:art-11:2") == step(proposal, "product_assessment").requirements


@pytest.mark.parametrize("said", [(), ("safety_component",), ("third_party_assessment",)])
def test_a_product_whose_conditions_are_unsaid_is_not_proposed_as_high_risk(said: tuple[str, ...]) -> None:
    """Both conditions of Art. 6(1) must be met: what the card does not say of them leaves the class open, and binds
    nothing of Chapter III.
    """
    card = {**CREDIT, "annex_iii": "none", "annex_i": "lifts", "annex_i_section": "A", **dict.fromkeys(said, True)}
    proposal, binding = classify(card), bind(card)
    missing = [key for key in MET if key not in said]

    assert f"Open: the card does not say {' and '.join(missing)}, without which no class" in proposal.outcome
    assert {f"A condition of Art. 6(1): the card does not say {key}." for key in missing} <= set(proposal.unsettled)
    assert "ai-act:art-9:1" not in {each.requirement.id for each in binding.bound}
    opens = {role.role: role.why for role in binding.open}
    assert f"if the system is high-risk (the card does not say {' and '.join(missing)})" == opens["provider-high-risk"]
    assert set(missing) <= set(binding.unsaid)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"role": "provider and deployer", "deployer": "none"}, "role says deployer, and deployer says"),
        ({"role": "provider", "provider": "none"}, "role says provider, and provider says"),
        ({"controller": "none", "personal_data": "Income and debts"}, "personal_data says which"),
        ({"annex_iii": "none", "art_6_3": "a"}, "art_6_3 claims an exception"),
        (
            {"annex_i": "Toys", "annex_i_section": "B"},
            "annex_i_section says B, and the law on toys stands in Section A",
        ),
        ({"annex_i": "machinery", "annex_i_section": "A"}, "annex_i_section says A, and the law on machinery"),
        ({"annex_i": "none", "safety_component": True}, "annex_i says that there is no such product"),
    ],
)
def test_answers_that_contradict_each_other_are_told(change: dict[str, Any], told: str) -> None:
    """As open, at the step that they concern; the same answers without the contradiction say nothing of it."""
    found = [each for each in classify({**CREDIT, **change}).unsettled if "contradicts itself" in each]

    assert 1 == len(found) and told in found[0]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"role": "provider", "deployer": "none"},
        {"role": "neither"},
        {"controller": "none", "personal_data": "None; all is invented"},
        {"annex_iii": "none", "art_6_3": "none"},
        {"annex_i": "toys", "annex_i_section": "A"},
        {"annex_i": "Regulation (EU) 2019/2144, vehicles", "annex_i_section": "B"},
        {"annex_i": "none", "safety_component": False},
    ],
)
def test_answers_that_hold_together_are_told_of_no_contradiction(change: dict[str, Any]) -> None:
    """Nothing is read into words that may mean something else."""
    assert [] == [each for each in classify({**CREDIT, **change}).unsettled if "contradicts itself" in each]


def test_of_a_product_of_section_b_little_of_the_act_binds_directly() -> None:
    """Art. 2(2): Art. 6(1) and a few others; Articles 9 to 49 bind by no role that is high-risk through it alone."""
    card = {**CREDIT, **MET, "annex_iii": "none", "annex_i": "machinery", "annex_i_section": "B"}
    proposal = classify(card)
    ids = {each.requirement.id for each in bind(card).bound}

    assert "Annex I Section B" in proposal.outcome and "not settled" in proposal.outcome
    assert {"ai-act:art-2:2", "ai-act:art-6:1:a"} <= ids
    assert set() == {id for id in ids if re.match(r"ai-act:(art-(9|1[0-9]|2[0-46-79]|43|49):|annex-(iv|v))", id)}
    assert "ai-act:art-9:1" in {
        each.requirement.id for each in bind({**card, "annex_iii": "5(b)"}).bound
    }  # a listed use binds by itself


@pytest.mark.parametrize("key", ["safety_component", "third_party_assessment"])
def test_both_conditions_of_the_product_route_must_be_met(key: str) -> None:
    """A law of Annex I with one condition denied leads nowhere, and binds nothing of Chapter III."""
    card = {**CREDIT, "annex_iii": "none", "annex_i": "lifts", key: False}

    assert classify(card).outcome.startswith("Proposed: no route to high-risk is declared")
    assert "ai-act:art-9:1" not in {each.requirement.id for each in bind(card).bound}


def test_two_routes_are_both_named() -> None:
    """A listed use in a product of Annex I; the dates are those of the earlier route."""
    proposal = classify({**CREDIT, **MET, "annex_i": "medical devices", "annex_i_section": "A"})

    assert (
        "Proposed: high-risk, by Art. 6(2) with Annex III 5(b) and by Art. 6(1) with Annex I Section A."
        == proposal.outcome
    )
    assert "annex-iii" == proposal.applying.route


@pytest.mark.parametrize(
    ("law", "section"),
    [
        ("machinery", "B"),
        ("Regulation (EU) 2023/1230", "B"),
        ("Regulation (EU) 2019/2144", "B"),
        ("tractors", "B"),
        ("unmanned aircraft", "B"),
        ("recreational craft", "A"),
        ("ATEX", "A"),
        ("Directive 2014/34/EU", "A"),
        ("in vitro diagnostic devices", "A"),
    ],
)
def test_a_section_that_the_law_does_not_stand_in_is_told(law: str, section: str) -> None:
    """By words of its products or the number of the act; the right section is told of nothing."""
    card = {**CREDIT, **MET, "annex_iii": "none", "annex_i": law}
    wrong = classify({**card, "annex_i_section": "A" if section == "B" else "B"})

    assert any(f"stands in Section {section}." in each for each in wrong.unsettled)
    assert not any("contradicts" in each for each in classify({**card, "annex_i_section": section}).unsettled)


def test_a_product_without_a_section_is_open_with_a_hint_at_it() -> None:
    """No class is proposed; which section the law named stands in is a hint, and for a person to say."""
    proposal = classify({**CREDIT, **MET, "annex_iii": "none", "annex_i": "machinery"})

    assert "Open: the card does not say annex_i_section, without which no class can be proposed." == proposal.outcome
    assert any("Hint, no finding: the law on machinery stands in Section B." in each for each in proposal.unsettled)
    assert "annex-i" == proposal.applying.route


# scope and time


DENIED = {"value": False, "by": "A. Example, law", "date": "2026-11-01"}


def test_whether_the_act_speaks_of_it_is_the_first_step() -> None:
    """Unsaid it is one open point, and the class is what it was; affirmed it is settled."""
    unsaid, affirmed = classify(CREDIT), classify({**CREDIT, "in_scope": True})

    assert "scope" == unsaid.steps[0].id
    assert 1 == sum("in_scope" in each for each in unsaid.unsettled)
    assert not any("in_scope" in each for each in affirmed.unsettled)
    assert unsaid.outcome == affirmed.outcome


def test_a_denial_with_reasons_by_a_named_person_leads_outside_the_act() -> None:
    """No class follows, practices and data protection stay; without reasons the denial counts for nothing."""
    card = {**CREDIT, "in_scope": DENIED}
    proposal, unreasoned = classify({**card, "in_scope_reasons": "People wrote each rule"}), classify(card)

    assert (
        "Proposed: outside the AI Act, as A. Example, law said on 2026-11-01 with reasons; the GDPR and the law on "
        "equal treatment stay."
    ) == proposal.outcome
    assert ["scope", "purpose", "parties", "practices", "route", "data_protection"] == [e.id for e in proposal.steps]
    assert ("in_scope_reasons", "People wrote each rule") in step(proposal, "scope").answers
    assert classify(CREDIT).outcome == unreasoned.outcome
    assert ("in_scope_reasons",) == step(unreasoned, "scope").silent
    assert any("reasons and who gives them" in each for each in unreasoned.unsettled)


def test_a_denial_ends_a_confirmation_for_what_was_affirmed() -> None:
    """Whether the Act speaks of it is one of the answers that a class rests on."""
    said = {"confirmed": {"value": "High-risk", "by": "B", "date": "2026-10-01"}, "answers": {"in_scope": "yes"}}
    proposal = classify({"in_scope": DENIED, "classification": said})

    assert proposal.confirmed is None and proposal.overtaken is not None
    assert ("in_scope",) == proposal.overtaken[1]


def test_when_it_came_onto_the_market_is_a_step_where_duties_hang_on_it() -> None:
    """Of a high-risk system, before the cut-off or unsaid, with the provision; of no other system."""
    unsaid, older = classify(CREDIT), classify({**CREDIT, "placed_on_market": "2026-03-01"})
    later, other = classify({**CREDIT, "placed_on_market": "2028-01-01"}), classify({**CREDIT, "annex_iii": "none"})

    assert "From when its duties bind: the card does not say placed_on_market." in unsaid.unsettled
    assert "of this one the card says 2026-03-01." in step(older, "placing").reasoning[0]
    assert () == step(older, "placing").unsettled
    assert ("ai-act:art-111:2",) == step(older, "placing").requirements
    assert not any(each.id == "placing" for each in (*later.steps, *other.steps))


def test_a_step_dates_a_duty_of_an_older_system_as_the_check_does() -> None:
    """Art. 27(1)(a) of a public authority is put off as wherever else it is dated."""
    roles = {"deployer-public-authority": True, "deployer-fria": True}
    card = {**CREDIT, "annex_iii": "5(d)", "placed_on_market": "2025-05-01", "roles": roles}
    when = bind(card).applying.when(catalogue().get("ai-act:art-27:1:a"), "2026-11-29")
    proposal = classify(card)
    cited = [line for each in proposal.steps for line in each.cited(catalogue(), "2026-11-29", proposal.applying)]

    assert "by 2030-08-02 in any case" in when
    assert f"AI Act, Art. 27(1)(a): {when}" in cited


@pytest.mark.parametrize(("law", "section", "cited"), [("lifts", "A", True), ("machinery", "B", False)])
def test_other_conditions_cite_what_can_bind_by_them(law: str, section: str, cited: bool) -> None:
    """Of a product of Section B, by which Art. 22 does not bind, no provision of Chapter III."""
    roles = {"provider-high-risk-third-country": True}
    card = {**CREDIT, **MET, "annex_iii": "none", "annex_i": law, "annex_i_section": section, "roles": roles}
    binding, found = bind(card), step(classify(card), "conditions").requirements
    able = {each.requirement.id for each in binding.bound} | {e.id for role in binding.open for e in role.requirements}

    assert set(found) <= able
    assert cited == any(id.startswith("ai-act:art-22:") for id in found)


def test_who_else_answers_is_asked_where_the_own_role_is_neither() -> None:
    """An importer's card names no importer: that is open; a provider's card is not asked."""
    neither = step(classify({**CREDIT, "role": "neither"}), "parties")

    assert {"importer", "distributor", "authorised_representative"} <= set(neither.silent)
    assert "The card names no importer." in neither.unsettled
    assert not any("importer" in each for each in step(classify(CREDIT), "parties").unsettled)


# the rest


def test_a_card_that_says_nothing_leads_to_nothing() -> None:
    """What is open is named, and nothing is proposed."""
    proposal = classify({"name": "X"})

    assert (
        "Open: the card does not say annex_iii and annex_i, without which no class can be proposed." == proposal.outcome
    )
    assert {"purpose", "annex_iii", "annex_i", "art_5"} <= {path for each in proposal.steps for path in each.silent}


def test_a_prohibited_practice_comes_before_any_class() -> None:
    """Named, it leads the outcome and cites its letter; denied, the step says who says so."""
    proposal = classify({**CREDIT, "art_5": ["f", "5(1)(ba)"]})

    assert proposal.outcome.startswith(
        "Before any class: the card names a practice of Art. 5(1)(f), prohibited with effect from 2025-02-02, and of "
        "Art. 5(1)(ba), prohibited with effect from 2026-12-02. Proposed: high-risk"
    )
    assert ("ai-act:art-5:1:f", "ai-act:art-5:1:ba") == step(proposal, "practices").requirements


def test_a_use_that_borders_on_a_prohibition_says_so() -> None:
    """Emotion recognition: the trap of the catalogue stands in the step about Art. 5."""
    practices = step(classify({**CREDIT, "annex_iii": "1(c)"}), "practices")

    assert any("prohibited at work and in education" in each for each in practices.reasoning)


def test_a_use_that_is_only_hinted_at_says_so_too() -> None:
    """The purpose speaks of emotions, and the card names another point: the prohibition at work is told anyway."""
    card = {**CREDIT, "annex_iii": "4(b)", "purpose": "Infers emotions of call-centre employees"}

    assert any("prohibited at work and in education" in each for each in step(classify(card), "practices").reasoning)


def test_an_empty_class_is_confirmed_by_nobody() -> None:
    """A name and a day without a class confirm none."""
    said = {"value": "", "by": "A. Example", "date": "2026-11-01"}

    assert classify({**CREDIT, "classification": {"confirmed": said}}).confirmed is None


def test_a_model_of_ones_own_binds_its_provider_and_systemic_risk_is_asked() -> None:
    """Named: Arts 53 to 55; unsaid: open; none: to build on somebody else's model makes nobody its provider."""
    named = step(classify({**CREDIT, "gpai": {"name": "Model AG"}}), "models")
    unsaid, none = (step(classify({**CREDIT, **card}), "models") for card in ({}, {"gpai": "none"}))

    assert named.reasoning[0].startswith("The card names a provider of a general-purpose model")
    assert any("systemic risk" in each and "roles.gpai-systemic" in each for each in named.unsettled)
    assert unsaid.reasoning[0].startswith("The card does not say")
    assert ("Whether Arts 53 to 55 bind anybody here: the card does not say gpai.",) == unsaid.unsettled
    assert () == none.unsettled
    assert "does not by itself make a party its provider" in none.reasoning[0]


def test_the_exemption_of_open_source_models_is_named_and_asked() -> None:
    """Art. 53 binds the provider, Art. 54 one outside the Union; whether Art. 53(2) is relied on is a question."""
    card = {**CREDIT, "gpai": {"name": "Model AG"}}
    told = step(classify(card), "models")
    settled = {"gpai-open-source": True, "gpai-provider-third-country": True}
    relied = step(classify({**card, "roles": settled}), "models")

    assert "Art. 53 binds it, Art. 54 if it is established outside the Union, Art. 55 with" in told.reasoning[0]
    assert "Arts 53(2) and 54(6) exempt open-source models" in told.reasoning[0]
    assert "ai-act:art-53:2" in told.requirements
    assert any("roles.gpai-open-source" in each for each in told.unsettled)
    paths = [each.path for each in questions(card)]
    assert "roles.gpai-open-source" in paths and "roles.gpai-systemic" in paths
    assert any(each.startswith("Said to hold: the provider relies on the exemption") for each in relied.reasoning)
    assert any(each.startswith("Said to hold: the model provider is established out") for each in relied.reasoning)
    assert any("(roles.gpai-systemic)" in each for each in relied.unsettled)
    assert not any("(roles.gpai-provider-third-country)" in each for each in relied.unsettled)


_TRANSPARENT = (
    "roles.provider-interactive-ai",
    "roles.provider-genai",
    "roles.deployer-genai",
    "roles.deployer-biometric",
)


def test_conditions_of_roles_are_open_until_the_card_settles_them() -> None:
    """Art. 50: each condition is asked for by its name, and what is settled is said to be so."""
    open_ = step(classify(CREDIT), "transparency")
    settled = step(
        classify({**CREDIT, "roles": {"provider-interactive-ai": True, "provider-genai": False}}), "transparency"
    )

    assert "Whether the system interacts directly with natural persons" in "".join(open_.unsettled)
    assert all(
        each.endswith(f"nobody has said it ({name}).") for each, name in zip(open_.unsettled, _TRANSPARENT, strict=True)
    )
    assert "Said to hold: the system interacts directly with natural persons (roles.provider-interactive-ai)." in (
        settled.reasoning
    )
    assert any(each.startswith("Said not to hold:") for each in settled.reasoning)
    assert not any("provider-genai" in each for each in settled.unsettled)


@pytest.mark.parametrize(
    ("point", "words"),
    [("2", "left out of Art. 27"), ("5(b)", "Any deployer"), ("4(a)", "Bodies governed by public law")],
)
def test_who_would_make_an_impact_assessment_follows_from_the_point(point: str, words: str) -> None:
    """Art. 27 binds any deployer of 5(b) and 5(c), public bodies and services elsewhere, nobody at point 2."""
    assert words in step(classify({**CREDIT, "annex_iii": point}), "impact").reasoning[0]


def test_only_a_named_person_confirms() -> None:
    """A value with name and date of its own counts; the card's own declared does not."""
    said = {"value": "High-risk, 5(b)", "by": "B. Example, head of compliance", "date": "2026-11-20"}
    whole = classify({**CREDIT, "classification": {"confirmed": said}})
    leaning = classify(
        {**CREDIT, "declared": {"by": "A", "date": "2026-11-01"}, "classification": {"confirmed": "yes"}}
    )

    assert whole.confirmed is not None and "B. Example, head of compliance" == whole.confirmed.by
    assert leaning.confirmed is None
    assert whole.outcome == leaning.outcome


def test_who_says_it_changes_no_step() -> None:
    """A value with name and date classifies and binds as the plain value does."""
    said = {key: {"value": value, "by": "A. Example", "date": "2026-11-01"} for key, value in CREDIT.items()}
    extra = {"profiling": True, "art_6_3": "a", "roles": {"deployer-credit": True}}
    dressed = {key: {"value": value, "by": "A. Example"} for key, value in extra.items()}

    assert classify({**CREDIT, **extra}).steps == classify({**said, **dressed}).steps
    assert [each.requirement.id for each in bind({**CREDIT, **extra}).bound] == [
        each.requirement.id for each in bind({**said, **dressed}).bound
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"annex_iii": "5(e)"}, r"unknown Annex III point '5\(e\)'"),
        ({"annex_iii": ["none", "5(b)"]}, r"none cannot stand beside 5\(b\)"),
        ({"annex_iii": {"value": ["4(a)", "9"]}}, "unknown Annex III point '9'"),
        ({"art_6_3": "e"}, r"unknown condition of Art. 6\(3\) 'e'"),
        ({"art_5": "z"}, r"unknown practice of Art. 5\(1\) 'z'"),
        ({"annex_i_section": "C"}, "unknown section of Annex I 'C'"),
        ({"profiling": "yes"}, "profiling: expected true or false, got 'yes'"),
        ({"roles": {"provider-high-risk": False}}, "unknown role 'provider-high-risk'"),
    ],
)
def test_an_answer_that_cannot_be_read_is_refused_and_never_a_silent_no(
    change: Mapping[str, Any], message: str
) -> None:
    """One line that names the key or the value, from the classification and from what binds alike."""
    for reader in (classify,) if "art_5" in change else (classify, bind):
        with pytest.raises(UsageError, match=message) as caught:
            reader({**CREDIT, **change})

        assert 1 == len(caught.value.lines())


@pytest.mark.parametrize("silent", ["", [], None])
def test_an_empty_answer_is_no_answer(silent: Any) -> None:
    """Nothing, an empty text and an empty list leave the question open; none of them says none."""
    assert classify({**CREDIT, "annex_iii": silent}).outcome.startswith("Open: the card does not say annex_iii")


# over all cards

_TRUTH = st.sampled_from([None, True, False])
_PARTY = st.sampled_from([None, "none", {"name": "X AG"}])
CARDS = st.fixed_dictionaries(
    {
        "purpose": st.sampled_from([None, "Scores loans", "Grades exams"]),
        "provider": _PARTY,
        "deployer": _PARTY,
        "controller": _PARTY,
        "gpai": _PARTY,
        "art_5": st.sampled_from([None, "none", "f"]),
        "annex_i": st.sampled_from([None, "none", "machinery"]),
        "annex_i_section": st.sampled_from([None, "A", "B"]),
        "safety_component": _TRUTH,
        "third_party_assessment": _TRUTH,
        "annex_iii": st.none() | st.just("none") | st.lists(st.sampled_from(POINTS), min_size=1, max_size=3),
        "profiling": _TRUTH,
        "art_6_3": st.sampled_from([None, "none", "a", ["b", "d"]]),
    }
).map(lambda card: {key: value for key, value in card.items() if value is not None})


@given(CARDS)
def test_no_card_leads_to_a_verdict_or_to_a_class_that_it_does_not_support(card: dict[str, Any]) -> None:
    """High-risk is proposed exactly where a route is declared whole; nothing else ever says what a system is not."""
    proposal = classify(card)
    product = card.get("annex_i") == "machinery" and all(card.get(key) is True for key in MET)
    product = product and card.get("annex_i_section") is not None
    listed = isinstance(card.get("annex_iii"), list)
    claimed = card.get("art_6_3") not in (None, "none")
    high = product or (listed and (card.get("profiling") is True or not claimed))
    said = " ".join(texts(proposal))

    assert high == ("Proposed: high-risk" in proposal.outcome)
    assert not re.search(r"not (a )?high-risk", proposal.outcome)
    assert claim(said) is None
    assert all(catalogue().get(id) for each in proposal.steps for id in each.requirements)
    assert all(each.reasoning for each in proposal.steps)
    assert ["scope"] == [each.id for each in proposal.steps if not each.requirements]  # the catalogue has no Art. 3(1)
    SystemCard.model_validate({"name": "X", **card})


@given(
    st.dictionaries(
        st.sampled_from(
            ["annex_iii", "annex_i", "annex_i_section", "art_5", "art_6_3", "profiling", "roles", "provider"]
        ),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=8),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
            max_leaves=6,
        ),
        max_size=4,
    )
)
def test_any_card_is_read_or_refused_in_one_line(card: dict[str, Any]) -> None:
    """Whatever stands in it, there is a proposal or an error that a person can read."""
    try:
        proposal = classify(card)
    except UsageError as error:
        assert 1 == len(error.lines())
    else:
        assert proposal.outcome.startswith(("Proposed", "Open", "Before any class"))


def test_a_classification_depends_on_the_card_alone() -> None:
    """Two askings give equal proposals, and the card stays as it was."""
    card = {**CREDIT, "roles": {"deployer-credit": True}}
    before = dict(card)

    assert classify(card) == classify(card)
    assert before == card
