"""The law pack: what it holds, how strictly it is read, what it says of a system, and what it never says."""

from __future__ import annotations

import datetime
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands import entered
from probandum import cli_law
from probandum.errors import DataError, UnknownName, UsageError
from probandum.law import Bound, Catalogue, Dates, Requirement, bind, catalogue, load, show
from probandum.law import loading as loading_module
from probandum.law.classifying import classify
from probandum.law.reading import read_yaml
from probandum.plugins import load_plugins
from probandum.probe import known_probes
from probandum.questioning import questions
from probandum.stating import plainly

LAW = Path(loading_module.__file__).parent
FILES = sorted(path.name for path in LAW.glob("*.yaml"))

#: The probes of the house plan; a target of the metric map is one of them, or one of their metrics.
PROBES = {
    "bias.group-rates",
    "bias.ll144",
    "bias.calibration",
    "bias.auc-gap",
    "bias.intersections",
    "bias.outcome-gap",
    "bias.ranking-exposure",
    "bias.attribute-flip",
    "bias.proxies",
    "bias.conditional-parity",
    "bias.name-swap",
    "bias.sampled-swap",
    "bias.occupation",
    "bias.crows-pairs",
    "bias.stereoset",
    "bias.bbq",
    "bias.generation",
    "bias.refusal",
    "bias.association",
    "bias.prompt-stability",
    "bias.term-swap",
    "bias.subgroup-auc",
    "bias.emotion",
    "bias.hatecheck",
    "explain.efficiency",
    "explain.faithfulness",
    "explain.infidelity",
    "explain.seed-stability",
    "explain.randomisation",
    "explain.agreement",
    "explain.complexity",
    "explain.counterfactuals",
    "explain.global",
    "explain.surrogate",
    "explain.reliance",
    "explain.prompt",
    "explain.self",
    "energy.compute",
    "energy.inference",
    "energy.phases",
    "explain.challenger",
}
METRICS = {
    "accuracy",
    "accuracy-gain",
    "auc",
    "auc-gain",
    "log-loss",
    "log-loss-gain",
    "overall-auc",
    "overall-correlation",
    "seconds-per-output-token",
    "seconds-per-read-token",
    "seconds-per-request",
    "seconds-per-written-token",
    "grams-co2e-per-1000-requests",
    "joules-per-request",
    "net-joules-per-request",
    "software-carbon-intensity",
    "watt-hours-per-1000-requests",
    "impact-ratio",
    "selection-rate",
    "selection-difference",
    "equalized-odds-difference",
    "tpr-difference",
    "fpr-difference",
    "ppv-difference",
    "auc-difference",
    "tpr",
    "fpr",
    "fnr",
    "ppv",
}
DOCUMENTS = {
    "annex_iv",
    "instructions_for_use",
    "declaration_data",
    "fria",
    "dpia",
    "art22_notice",
    "art86_explanation",
    "ropa",
    "lia",
    "anonymity",
    "pmm_plan",
    "risk_file",
    "qms_index",
    "gpai_form",
    "annex_xi_xii",
    "art50_notice",
    "art4a_record",
    "annex_viii",
    "energy_statement",
    "summary",
    "merge_summary",
    "model_card",
}

BANK = {"name": "Example Bank AG"}
CREDIT = {
    "name": "Credit scorer",
    "version": "2.1.0",
    "purpose": "Decides on consumer credit applications",
    "provider": BANK,
    "deployer": BANK,
    "controller": BANK,
    "annex_iii": "5(b)",
}
MODERATION = {
    "name": "Moderation",
    "version": "1.9.1",
    "provider": {"name": "Example Forum"},
    "deployer": {"name": "Example Forum"},
    "annex_iii": "none",
    "annex_i": "none",
}


@pytest.fixture(scope="module")
def law() -> Catalogue:
    """The shipped pack."""
    return catalogue()


def bound(card: Mapping[str, Any]) -> dict[str, Bound]:
    """What binds by a card, by id."""
    return {each.requirement.id: each for each in bind(card).bound}


def when(card: Mapping[str, Any], id: str, as_of: str = "2026-11-23") -> str:
    """From when an entry applies by a card, as seen on a day."""
    return bind(card).applying.when(catalogue().get(id), as_of)


@cache
def all_texts() -> list[tuple[str, str]]:
    """Every text of every file, with where it stands."""
    found: list[tuple[str, str]] = []

    def walk(value: Any, where: str) -> None:
        if isinstance(value, str):
            found.append((where, value))
        elif isinstance(value, Mapping):
            for key, inner in value.items():
                walk(inner, f"{where}.{key}")
        elif isinstance(value, list):
            for inner in value:
                walk(inner, inner["id"] if isinstance(inner, dict) and "id" in inner else where)

    for name in FILES:
        walk(read_yaml(LAW / name), name)
    return found


# what it holds


def test_it_holds_what_the_pack_states(law: Catalogue) -> None:
    """405 entries of the AI Act, 146 of the GDPR, 10 of other law, and the five lists beside them."""
    counts = (len(law.requirements), len(law.timeline), len(law.use_cases), len(law.form), len(law.standards))

    assert (405 + 146 + 10, 55, 25, 45, 50) == counts
    assert 6 == len(law.remarks)


def test_ids_are_well_formed_and_unique_across_the_lists(law: Catalogue) -> None:
    """No two entries share an id; a use case bears the id of the classification entry that it details."""
    ids = [*law.requirements, *law.timeline, *law.form, *law.standards, *law.remarks]

    assert len(ids) == len(set(ids))
    assert [] == [id for id in ids if not re.fullmatch(r"[a-z0-9-]+(:[a-z0-9.-]+)*", id)]
    assert {id for id in law.requirements if id.startswith("ai-act:annex-iii:")} == set(law.use_cases)


def test_every_date_is_iso_and_every_kind_has_its_dates(law: Catalogue) -> None:
    """A reading has both dates, the later one practical; a deleted provision the day of its end and no start."""
    entries: list[Any] = [*law.requirements.values(), *law.timeline.values()]
    for entry in entries:
        dates = entry.dates
        for name in Dates.__dataclass_fields__:
            if name not in ("kind", "basis") and (value := getattr(dates, name)) is not None:
                datetime.date.fromisoformat(value)
        present = (dates.formal is not None, dates.practical is not None, dates.deleted is not None)
        expected = {
            "law": (True, False, False),
            "reading": (True, True, False),
            "deleted": (False, False, True),
            "in-force": (False, False, False),
            "none": (False, False, False),
        }[dates.kind]

        assert expected == present, entry.id
        assert dates.practical is None or str(dates.formal) < dates.practical, entry.id


def test_every_entry_names_its_source_in_the_official_journal(law: Catalogue) -> None:
    """The source is an Official Journal citation, and what the entry was checked against stands apart from it."""
    for requirement in law.requirements.values():
        assert requirement.source, requirement.id
        assert [] == [source for source in requirement.source if ", OJ " not in source]
        assert set() == set(requirement.source) & set(requirement.checked)


def test_sources_and_checks_stand_apart_in_every_list(law: Catalogue) -> None:
    """Dates and form fields name a source, too, and never count it as a check; standards say what was looked at."""
    entries: list[Any] = [*law.timeline.values(), *law.form.values()]

    assert [] == [entry.id for entry in entries if not entry.source or set(entry.source) & set(entry.checked)]
    assert [] == [each.id for each in law.standards.values() if not each.citation or not each.status]
    assert [] == [each.id for each in law.standards.values() if each.cited_in_oj]


def test_the_questions_of_a_card_have_provisions_and_reasons(law: Catalogue) -> None:
    """Each path is asked for once, with why; each provision is known; choices are there where one must choose."""
    paths = [question.path for question in law.questions]

    assert len(paths) == len(set(paths)) > 20
    for question in law.questions:
        assert question.ask.endswith(("?", ".")) and question.why.endswith(".")
        assert all(law.get(id) for id in question.requirements)
        assert (question.kind == "choice") == bool(question.options)


def test_what_nothing_confirmed_is_marked_as_not_settled(law: Catalogue) -> None:
    """An entry that was checked against nothing carries verify."""
    lists: list[Mapping[str, Any]] = [law.requirements, law.form, law.standards, law.timeline]
    entries = [entry for each in lists for entry in each.values()]

    assert [] == [entry.id for entry in entries if not entry.checked and not entry.verify]


def test_every_role_binds_somebody_and_every_entry_a_known_role(law: Catalogue) -> None:
    """The roles table and the roles that the entries use are the same set."""
    entries: list[Any] = [*law.requirements.values(), *law.timeline.values(), *law.form.values()]
    used = {role for entry in entries for role in entry.applies_to}

    assert set(law.pack.roles) == used
    assert [] == [entry.id for entry in entries if not entry.applies_to]


def test_documents_that_entries_feed_are_documents_of_the_house(law: Catalogue) -> None:
    """Every document named by an entry is one that the design names."""
    named = {document for requirement in law.requirements.values() for document in requirement.documents}

    assert set() == named - DOCUMENTS


def test_entries_of_the_ai_act_under_the_gdpr_restate_entries_of_the_act(law: Catalogue) -> None:
    """Each of the GDPR list's AI Act rows points at the entry that it restates, with the same dates and kind."""
    restating = [requirement for requirement in law.requirements.values() if requirement.see]

    assert 15 == len(restating)
    for requirement in restating:
        originals = [law.get(id) for id in requirement.see]
        assert {(o.dates.formal, o.dates.practical, o.kind) for o in originals} == {
            (requirement.dates.formal, requirement.dates.practical, requirement.kind)
        }


# the metric map


def test_every_metric_of_the_catalogue_is_mapped_in_one_family(law: Catalogue) -> None:
    """Each metric name has one place in the map, and no entry names a metric that has none."""
    mapped = [name for group in law.metric_map.metrics.values() for name in group]
    entries: list[Any] = [*law.requirements.values(), *law.form.values()]
    used = {name for entry in entries for name in entry.metrics}

    assert len(mapped) == len(set(mapped))
    assert set() == used - set(mapped)


def test_every_target_of_the_map_is_a_probe_or_metric_of_the_house(law: Catalogue) -> None:
    """A target is a probe of the plan, or a probe and one of its metric names."""
    targets = {t for group in law.metric_map.metrics.values() for ts in group.values() for t in ts}
    wrong = [
        target
        for target in targets
        if target.partition("/")[0] not in PROBES or ("/" in target and target.partition("/")[2] not in METRICS)
    ]

    assert [] == wrong


def test_metric_targets_lead_from_a_provision_to_probes(law: Catalogue) -> None:
    """Annex IV(2)(g) asks for a fairness gap, which group-rate differences measure and energy does not."""
    requirement = law.get("ai-act:annex-iv:2:g")
    targets = law.metric_targets(requirement)

    assert "bias.group-rates/selection-difference" in targets["fairness_gap"]
    assert () == targets["signed_report_metadata"]
    assert law.measures(requirement, "bias.group-rates/fpr-difference")
    assert not law.measures(requirement, "energy.inference/joules-per-request")


def test_a_whole_probe_as_target_takes_all_its_metrics(law: Catalogue) -> None:
    """Annex IV(2)(b) names global importance, mapped to a probe: any metric of that probe measures it."""
    assert law.measures(law.get("ai-act:annex-iv:2:b"), "explain.global/top-share")


# asking it


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("ai-act:annex-iv:2:g", "ai-act:annex-iv:2:g"),
        ("aiact:annex-iv:2:g", "ai-act:annex-iv:2:g"),
        ("aiact:26:9", "ai-act:26:9"),
        ("gdpr:35:7:b", "gdpr:35:7:b"),
    ],
)
def test_the_other_spelling_of_the_act_is_an_alias(law: Catalogue, asked: str, found: str) -> None:
    """``aiact:`` reads as ``ai-act:``; other ids are taken as they are."""
    assert found == law.get(asked).id


def test_an_unknown_id_is_refused_with_the_nearest(law: Catalogue) -> None:
    """The message suggests an id, and the remedy lists a few, never hundreds."""
    with pytest.raises(UnknownName, match=r"did you mean 'gdpr:35:7:[abcd]'") as caught:
        law.get("gdpr:35:7:z")

    assert len(caught.value.lines()) == 1
    assert len(caught.value.lines()[0]) < 200


@pytest.mark.parametrize(
    ("family", "first", "last", "n"),
    [
        ("ai-act:annex-iv:*", "ai-act:annex-iv:0", "ai-act:annex-iv:9", 24),
        ("ai-act:annex-iv", "ai-act:annex-iv:0", "ai-act:annex-iv:9", 24),
        ("gdpr:35", "gdpr:35:1", "gdpr:35:11", 15),
        ("ai-act:art-4", "ai-act:art-4:1", "ai-act:art-4:1", 1),
        ("ai-act:annex-viii:b", "ai-act:annex-viii:b:1", "ai-act:annex-viii:b:9", 9),
    ],
)
def test_a_family_comes_whole_and_in_the_order_of_the_law(
    law: Catalogue, family: str, first: str, last: str, n: int
) -> None:
    """Whole segments count (Art. 4 is not Art. 4a), and 35(10) follows 35(9)."""
    ids = [requirement.id for requirement in law.entries_of(family)]

    assert (first, last, n) == (ids[0], ids[-1], len(ids))


def test_an_empty_family_is_an_error(law: Catalogue) -> None:
    """A family that no entry belongs to is refused, not returned empty."""
    with pytest.raises(UnknownName, match="unknown part of the law 'ai-act:annex-xx'"):
        law.entries_of("ai-act:annex-xx")


@pytest.mark.parametrize(
    ("id", "cited"),
    [
        ("ai-act:annex-iv:2:g", "AI Act, Annex IV(2)(g)"),
        ("ai-act:26:9", "AI Act, Art. 26(9)"),
        ("gdpr:35:7:b", "GDPR, Art. 35(7)(b)"),
        ("eprivacy:5-3", "Directive 2002/58/EC Art. 5(3)"),
    ],
)
def test_a_citation_in_words_names_its_act(law: Catalogue, id: str, cited: str) -> None:
    """The citation alone is short; cited adds the act unless the citation holds it."""
    assert cited == law.get(id).cited


@pytest.mark.parametrize(
    ("id", "words"),
    [
        ("ai-act:annex-iv:2:g", "the provider"),
        ("ai-act:art-27:1:a", "the deployer"),
        ("ai-act:art-4a:1:a", "the provider or the deployer or the provider of the model"),
        ("gdpr:32:1:a", "the controller or the processor"),
        ("ai-act:annex-xi:s1:2:e", "the provider of the model"),
        ("ai-act:art-27:5", "the AI Office"),
    ],
)
def test_a_missing_fact_has_somebody_who_can_supply_it(law: Catalogue, id: str, words: str) -> None:
    """The supplier in words follows from the roles that an entry binds."""
    assert words == law.supplier(law.get(id))


@pytest.mark.parametrize("point", ["5(b)", "5b", "5 (b)", "Annex III(5)(b)", "Annex III, point 5(b)"])
def test_a_point_of_annex_iii_is_read_in_common_spellings(law: Catalogue, point: str) -> None:
    """People write a point in several ways; all name the credit scorer's."""
    assert "ai-act:annex-iii:5:b" == law.use_case(point).id


@given(
    formal=st.dates(datetime.date(2018, 1, 1), datetime.date(2031, 1, 1)),
    later=st.integers(1, 2000),
    day=st.dates(datetime.date(2018, 1, 1), datetime.date(2036, 1, 1)),
)
def test_a_reading_never_loses_one_of_its_dates(formal: datetime.date, later: int, day: datetime.date) -> None:
    """Whatever the dates and the day, both are said and the later one is labelled as a reading."""
    practical = (formal + datetime.timedelta(days=later)).isoformat()
    raw: Any = {"kind": "reading", "formal": formal.isoformat(), "practical": practical}
    said = Dates(**raw).said(as_of=day.isoformat())

    assert f"practical, a reading: {practical}" in said
    assert f"{'since' if formal <= day else 'from'} {formal.isoformat()}" in said


# what it says of a system


def test_a_credit_scorer_is_bound_from_december_2027(law: Catalogue) -> None:
    """Annex III 5(b): Chapter III from 2 December 2027, first set for 2 August 2026; the FRIA binds a private bank."""
    entries = bound(CREDIT)

    for id in ("ai-act:art-9:1", "ai-act:annex-iv:2:g", "ai-act:art-26:1", "ai-act:art-27:1:a"):
        assert "2027-12-02" == entries[id].requirement.dates.formal, id
    assert ("deployer Example Bank AG",) == entries["ai-act:art-27:1:a"].parties
    assert ("provider Example Bank AG",) == entries["ai-act:annex-iv:2:g"].parties
    assert ("controller Example Bank AG",) == entries["gdpr:35:7:b"].parties
    assert "from 2027-12-02 (first set for 2026-08-02)" == entries["ai-act:art-9:1"].requirement.dates.said(
        as_of="2026-11-23"
    )


def test_a_credit_scorer_gets_both_dates_where_the_later_is_a_reading() -> None:
    """Registration: formally since 2 August 2026, practical, by a reading, 2 December 2027."""
    line = next(line for line in show.check(CREDIT, "2026-11-23") if line.startswith("ai-act:art-49:1 "))

    assert "formally since 2026-08-02; practical, a reading: 2027-12-02" in line
    assert line.endswith("[not settled]")


def test_a_credit_scorer_is_spared_other_points_and_routes() -> None:
    """Only its own point of Annex III is listed, no product route, no biometric minimum, no notified body."""
    entries = bound(CREDIT)

    assert ["ai-act:annex-iii:5:b"] == [id for id in entries if id.startswith("ai-act:annex-iii:")]
    assert set() == {"ai-act:art-6:1:a", "ai-act:art-12:3:a", "ai-act:art-43:1:b", "ai-act:art-43:3"} & set(entries)
    assert "ai-act:art-43:2" in entries


def test_a_moderation_classifier_outside_annex_iii_has_no_high_risk_duties() -> None:
    """Literacy, prohibitions and the rule on changed purposes bind it; Articles 9 to 15 and the FRIA do not."""
    entries = bound(MODERATION)
    chapter = {
        id for id in entries if re.match(r"ai-act:(art-(9|1[0-9]|2[0-467]|43|49|72|73|86):|annex-iv|annex-v)", id)
    }

    assert set() == chapter
    assert "2025-02-02" == entries["ai-act:art-4:1"].requirement.dates.formal
    assert "2026-12-02" == entries["ai-act:art-5:1:ba"].requirement.dates.formal
    assert "2027-12-02" == entries["ai-act:art-25:1:c"].requirement.dates.formal
    assert "permission" == entries["ai-act:art-4a:2"].requirement.kind


def test_what_a_card_does_not_say_stays_open() -> None:
    """Without annex_iii nothing of Chapter III binds and nothing is let off: the roles are open, with the reason."""
    card = {key: value for key, value in CREDIT.items() if key != "annex_iii"}
    answer = bind(card)
    opens = {role.role: role.why for role in answer.open}

    assert ("annex_iii", "annex_i", "gpai") == answer.unsaid
    assert "if the system is high-risk (the card does not say annex_iii and annex_i)" == opens["provider-high-risk"]
    assert "ai-act:art-9:1" not in {each.requirement.id for each in answer.bound}


def test_silence_about_a_model_of_ones_own_settles_nothing() -> None:
    """Without gpai the duties of its provider are open and none of them binds; none rules all of them out."""
    silent, none = bind(CREDIT), bind({**CREDIT, "gpai": "none"})
    opens = {role.role: role for role in silent.open}
    hanging = {each.id for name in opens if name.startswith("gpai") for each in opens[name].requirements}

    assert {"the card does not say gpai"} == {opens[name].why for name in opens if name.startswith("gpai")}
    assert {"ai-act:art-53:1:a", "ai-act:art-51:1:a", "ai-act:annex-xi:s1:1:a"} <= hanging
    assert not any(role.role.startswith("gpai") for role in none.open)
    assert set() == {each.requirement.id for answer in (silent, none) for each in answer.bound} & hanging


def test_silence_about_an_exception_settles_nothing() -> None:
    """Without art_6_3 the registration of an excepted system is open; none, or profiling, rules it out."""
    excepted = "provider-annex-iii-not-high-risk"
    opens = {role.role: role.why for role in bind(CREDIT).open}

    assert (
        "if the use is listed in Annex III and Art. 6(3) is relied on (the card does not say art_6_3)"
        == opens[excepted]
    )
    assert ("art_6_3", "gpai") == bind(CREDIT).unsaid
    for card in ({"art_6_3": "none"}, {"profiling": True}, {"annex_iii": "none"}):
        assert "art_6_3" not in bind({**CREDIT, **card}).unsaid
        assert excepted not in {role.role for role in bind({**CREDIT, **card}).open}
    assert "ai-act:art-9:1" in bound(CREDIT)


def test_a_condition_is_settled_by_the_card_under_roles() -> None:
    """An employer's duty is open, binds when the card says so, and is gone when the card denies it."""
    hiring = {**CREDIT, "annex_iii": "4(a)"}

    assert "deployer-employer" in {role.role for role in bind(hiring).open}
    assert "ai-act:art-26:7" in bound({**hiring, "roles": ["deployer-employer"]})
    denied = bind({**hiring, "roles": {"deployer-employer": False}})
    assert "ai-act:art-26:7" not in {each.requirement.id for each in denied.bound}
    assert "deployer-employer" not in {role.role for role in denied.open}


def test_point_2_is_spared_the_union_register_and_the_explanation() -> None:
    """Critical infrastructure registers at national level; Art. 86(1), Art. 49(1) and (3) and their annex leave it out.

    A use of another point beside it brings them back.
    """
    public = {**CREDIT, "annex_iii": "2", "roles": ["deployer-public-authority"]}
    spared, beside = bound(public), bound({**public, "annex_iii": ["2", "5(b)"]})
    left_out = {"ai-act:art-16:i", "ai-act:art-49:1", "ai-act:art-49:3", "ai-act:art-86:1", "ai-act:annex-viii:a:1"}

    assert left_out.isdisjoint(spared) and left_out <= set(beside)
    assert {"ai-act:art-49:5", "ai-act:art-26:8"} <= set(spared)
    undecided = {each.id for role in bind({**CREDIT, "annex_iii": "2"}).open for each in role.requirements}
    assert "ai-act:art-26:8" in undecided and left_out.isdisjoint(undecided)


def test_an_employer_informs_of_high_risk_systems_alone() -> None:
    """Art. 26(7) hangs on the class; one answer in the card settles it and what binds employers anyway."""
    outside = {**MODERATION, "annex_i": "none", "roles": {"deployer-employer": True}}
    entries = bound(outside)

    assert "ai-act:art-26:7" not in entries and "pay-transparency" in entries
    assert "ai-act:art-26:7" in bound({**outside, "annex_iii": "4(a)"})


@pytest.mark.parametrize(("points", "binds"), [("1(a)", True), ("6(d)", False), ("5(b)", False), ("none", False)])
def test_identification_afterwards_binds_for_biometric_identification_alone(points: str, binds: bool) -> None:
    """Art. 26(10) binds a law enforcement authority at point 1(a), and is open at no other point."""
    card = {**CREDIT, "annex_iii": points}
    asked = {each.id for role in bind(card).open for each in role.requirements}

    assert binds == ("ai-act:art-26:10" in bound({**card, "roles": ["deployer-law-enforcement"]}))
    assert binds == ("ai-act:art-26:10" in asked)


def test_one_condition_is_asked_once(law: Catalogue) -> None:
    """A narrower role is settled by the wider one that shares its condition; what hangs on either is said."""
    asked = {each.path: each for each in questions({**CREDIT, "annex_iii": "4(a)"})}
    shared = {name for name, role in law.pack.roles.items() if role.settled_by}

    assert {"deployer-high-risk-employer", "deployer-public-authority-but-2", "deployer-law-enforcement-1a"} == shared
    assert shared.isdisjoint(path.removeprefix("roles.") for path in asked)
    assert "roles.deployer-employer" in asked


def test_nothing_deleted_has_a_basis_of_its_dates(law: Catalogue) -> None:
    """A basis says from when a text applies, and a deleted one does not."""
    deleted = [each for each in law.requirements.values() if each.kind == "deleted"]

    assert {"ai-act:art-10:5", "ai-act:annex-viii:b:7", "ai-act:annex-viii:b:9"} == {each.id for each in deleted}
    for each in deleted:
        said = "\n".join(show.entry(each.id, measured={}))
        assert "basis of the dates" not in said and "applicable" not in said and "in force" not in said
        assert "dates: deleted 2026-07-27" in said


def test_a_product_of_annex_i_is_bound_from_august_2028() -> None:
    """The product route has its own dates, and no registration or FRIA."""
    card: dict[str, Any] = {"name": "Lift", "provider": BANK, "deployer": BANK, "annex_iii": "none", "annex_i": "lifts"}
    card |= {"annex_i_section": "A", "safety_component": True, "third_party_assessment": True}
    entries = bound(card)

    assert "from 2028-08-02 (first set for 2027-08-02)" == when(card, "ai-act:art-9:1")
    assert set() == {"ai-act:art-49:1", "ai-act:art-27:1:a"} & set(entries)


def test_a_claimed_exception_binds_its_registration_and_profiling_closes_it() -> None:
    """Art. 6(3) relied on: assessment and registration bind, Articles 9 ff. do not; profiling undoes the claim."""
    claimed = bound({**CREDIT, "annex_iii": "4(a)", "art_6_3": "d"})
    profiling = bound({**CREDIT, "annex_iii": "4(a)", "art_6_3": "d", "profiling": True})

    assert {"ai-act:art-6:4", "ai-act:art-49:2"} <= set(claimed)
    assert "ai-act:art-9:1" not in claimed
    assert "ai-act:art-9:1" in profiling
    assert "ai-act:art-6:4" not in profiling


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"annex_iii": "5(e)"}, "unknown Annex III point '5\\(e\\)'"),
        ({"roles": ["deployer-employers"]}, "did you mean 'deployer-employer'"),
        ({"roles": {"deployer-employer": "yes"}}, "expected true or false, got 'yes'"),
        ({"roles": "deployer-employer"}, "expected a list of role names"),
    ],
)
def test_a_card_that_cannot_be_read_is_refused(change: Mapping[str, Any], message: str) -> None:
    """A point or role that does not exist is an error of one line, not a silent no."""
    with pytest.raises(UsageError, match=message):
        bind({**CREDIT, **change})


MET = {"safety_component": True, "third_party_assessment": True}
LIFT: dict[str, Any] = {"annex_iii": "none", "annex_i": "lifts", "annex_i_section": "A", **MET}
MACHINE = {**LIFT, "annex_i": "machinery", "annex_i_section": "B"}


def test_a_product_whose_section_is_unsaid_binds_nothing_of_chapter_iii() -> None:
    """Machinery stands in Section B: read as Section A it would be bound by all of Articles 8 to 49."""
    card = {**CREDIT, **LIFT, "annex_i": "machinery", "annex_i_section": None}
    opens = {role.role: role.why for role in bind(card).open}

    assert "annex_i_section" in bind(card).unsaid
    assert "if the system is high-risk (the card does not say annex_i_section)" == opens["provider-high-risk"]
    assert "ai-act:art-9:1" not in bound(card) and "ai-act:art-9:1" in bound({**CREDIT, **LIFT})


def test_of_the_act_only_what_article_2_2_leaves_binds_a_product_of_section_b() -> None:
    """Art. 6(1), 60a and 111: not Art. 4, 5, 25, 85 or 95; the provider of a model, and other law, stay bound."""
    entries = bound({**CREDIT, **MACHINE})
    of_act = {id for id in entries if id.startswith("ai-act:")}

    assert of_act <= {"ai-act:art-2:2", "ai-act:art-111:2", "ai-act:art-60a"} | {
        f"ai-act:art-6:{rest}" for rest in ("1:a", "1:b", "1a", "1b", "1c")
    }
    assert {"ai-act:art-2:2", "ai-act:art-6:1:a"} <= of_act
    assert {"gdpr:35:1", "equality"} <= set(entries)
    assert "ai-act:art-53:1:c" in bound({**CREDIT, **MACHINE, "gpai": BANK})
    assert "ai-act:art-4:1" in bound({**CREDIT, **MACHINE, "annex_iii": "5(b)"})


#: What Art. 53(2) and Art. 54(6) exempt open-source models from, and what they leave.
_EXEMPTED = ("ai-act:art-53:1:a", "ai-act:art-53:1:b:i", "ai-act:annex-xi:s1:1:a", "ai-act:annex-xii:2:c")
_LEFT = ("ai-act:art-53:1:c", "ai-act:art-53:1:d", "ai-act:art-53:3")


@pytest.mark.parametrize(
    ("roles", "documents"),
    [
        ({}, "unless the provider relies on the exemption for open-source models"),
        ({"gpai-systemic": False}, "unless the provider relies on the exemption for open-source models"),
        ({"gpai-open-source": True}, "if the model has systemic risk under Art. 51"),
        ({"gpai-open-source": True, "gpai-systemic": False}, False),
        ({"gpai-open-source": True, "gpai-systemic": True}, True),
        ({"gpai-open-source": False}, True),
        ({"gpai-systemic": True}, True),
    ],
)
def test_an_open_source_model_is_exempt_by_what_the_card_says(roles: dict[str, bool], documents: bool | str) -> None:
    """Art. 53(2): open while nobody relies on it or denies it; systemic risk gives it up; (c) and (d) stay."""
    card = {**CREDIT, "gpai": BANK, "roles": {"gpai-provider-third-country": True, **roles}}
    entries = bound(card)
    opens = {each.id: role.why for role in bind(card).open for each in role.requirements}

    assert all(id in entries for id in _LEFT)
    for id in (*_EXEMPTED, "ai-act:art-54:1"):
        assert (documents is True) == (id in entries), id
        assert isinstance(documents, str) == (id in opens), id
        assert opens.get(id, "").startswith(documents if isinstance(documents, str) else "")
    assert roles.get("gpai-open-source", False) == ("ai-act:art-53:2" in entries)


def test_article_54_binds_nobody_within_the_union() -> None:
    """It is about providers established elsewhere, which the card asks."""
    settled = {"gpai-provider-third-country": False, "gpai-open-source": False}
    card = {**CREDIT, "gpai": BANK, "roles": settled}

    assert "ai-act:art-53:1:a" in bound(card) and "ai-act:art-54:1" not in bound(card)
    assert "ai-act:art-54:1" not in {each.id for role in bind(card).open for each in role.requirements}


def test_what_speaks_of_section_b_does_not_bind_a_product_of_section_a() -> None:
    """Art. 2(2) is told where the section is B or unsaid."""
    told = "ai-act:art-2:2"

    assert told in bound({**CREDIT, **MACHINE}) and told not in bound({**CREDIT, **LIFT})
    unsaid = bind({**CREDIT, **LIFT, "annex_i_section": None})
    assert told in {each.id for role in unsaid.open for each in role.requirements}


@pytest.mark.parametrize(
    ("card", "asked"),
    [
        ({"annex_i": "none"}, False),
        ({}, False),
        ({"annex_iii": "1(a)", "annex_i": "none"}, True),
        (LIFT, True),
        ({**LIFT, "annex_iii": "5(b)"}, True),
        (MACHINE, False),
        ({"annex_iii": None}, True),
    ],
)
def test_a_notified_body_is_asked_about_at_point_1_and_of_products_alone(card: dict[str, Any], asked: bool) -> None:
    """Art. 43(2) has points 2 to 8 go by internal control; what is unsaid leaves it open."""
    opens = {role.role for role in bind({**CREDIT, **card}).open}

    assert asked == ("provider-high-risk-notified-body-route" in opens)


def test_a_financial_institution_is_bound_whatever_makes_its_system_high_risk() -> None:
    """Art. 18(3) and 26(5), second subparagraph, bind by both routes, each from its own day."""
    roles = {"provider-high-risk-financial-institution": True, "deployer-high-risk-financial-institution": True}
    for id in ("ai-act:art-18:3", "ai-act:art-26:5:fin"):
        listed, product = ({**CREDIT, "roles": roles, **card} for card in ({}, LIFT))

        assert id in bound(listed) and "from 2027-12-02 (first set for 2026-08-02)" == when(listed, id)
        assert id in bound(product) and "from 2028-08-02 (first set for 2027-08-02)" == when(product, id)


DENIED = {"value": False, "by": "A. Example, law", "date": "2026-11-01"}


def test_what_a_named_person_puts_outside_the_act_is_bound_by_other_law_alone() -> None:
    """With reasons: nothing of the Act binds or is open; the GDPR and the law on equal treatment stay."""
    answer = bind({**CREDIT, "in_scope": DENIED, "in_scope_reasons": "People wrote each rule"})
    ids = {each.requirement.id for each in answer.bound} | {e.id for role in answer.open for e in role.requirements}

    assert not any(id.startswith("ai-act:") for id in ids)
    assert {"gdpr:35:1", "equality"} <= ids
    assert () == answer.unsaid and "" == answer.placing
    assert answer.remarks[0].startswith("outside the scope of the Act, by A. Example, law on 2026-11-01, with reasons")


def test_what_binds_providers_of_models_stays_where_a_system_is_outside_the_act() -> None:
    """A general-purpose model is no AI system: who says so truthfully is bound by Arts 53 to 55 as before."""
    model = {"gpai": {"name": "Lab e.V."}, "roles": {"gpai-systemic": True, "gpai-open-source": False}}
    denied = {**model, "in_scope": DENIED, "in_scope_reasons": "It is a general-purpose model, and no system"}
    roles = catalogue().pack.roles

    def of_models(card: dict[str, Any]) -> set[str]:
        ids = {each.requirement.id: each.roles for each in bind(card).bound}
        return {id for id, by in ids.items() if any(roles[name].party == "gpai" for name in by)}

    assert {"ai-act:art-53:1:a", "ai-act:art-55:1:a"} <= of_models(denied) == of_models(model)
    assert of_models(denied) == {id for id in bound(denied) if id.startswith("ai-act:")}
    told = classify(denied)
    assert "ai-act:art-53:1:a" in next(each for each in told.steps if each.id == "models").requirements
    assert told.outcome.endswith("So does what the Act asks of the provider of a general-purpose model.")
    assert {"ai-act:art-4a:2", "ai-act:art-4a:1:f"} <= of_models(denied)
    late = {"placed_on_market": "2026-03-01"}
    assert "ai-act:art-111:3" not in of_models({**denied, **late}) | of_models({**model, **late})


@pytest.mark.parametrize(
    "card",
    [
        {},
        {"in_scope": True},
        {"in_scope": DENIED},
        {"in_scope": False, "in_scope_reasons": "People wrote each rule"},
        {"in_scope": {"value": False, "by": "A"}, "in_scope_reasons": "People wrote each rule"},
        {"in_scope": DENIED, "in_scope_reasons": "none"},
        {"in_scope": DENIED, "in_scope_reasons": "TBD"},
        {"in_scope": {**DENIED, "by": "none"}, "in_scope_reasons": "People wrote each rule"},
        {
            "in_scope": False,
            "in_scope_reasons": "People wrote each rule",
            "declared": {"by": "the project", "date": "2026-11-01"},
        },
    ],
)
def test_the_act_binds_where_nobody_puts_the_system_outside_it_with_reasons(card: dict[str, Any]) -> None:
    """Unsaid, affirmed, or denied without a name and day of its own, or without reasons: it binds as it does."""
    denies = plainly(card).get("in_scope") is False
    assert denies == any("counts for nothing" in each for each in bind({**CREDIT, **card}).remarks)
    assert bound({**CREDIT, **card}).keys() == bound(CREDIT).keys()


def test_whoever_is_asked_for_the_scope_is_told_that_output_used_in_the_union_counts() -> None:
    """Art. 2(1)(c): that a system is hosted abroad puts nothing outside."""
    why = next(each.why for each in catalogue().questions if each.path == "in_scope")

    assert "where the output is used in the Union, Art. 2(1)(c)" in why


@pytest.mark.parametrize(
    ("id", "before", "after", "more"),
    [
        ("ai-act:art-111:3", "2025-08-01", "2025-08-02", {"gpai": "P"}),
        ("ai-act:art-111:4", "2026-08-01", "2026-08-02", {"roles": {"provider-genai": True}}),
    ],
)
def test_what_speaks_of_older_systems_alone_binds_no_later_one(
    id: str, before: str, after: str, more: dict[str, Any]
) -> None:
    """Unsaid it binds as the pack says; from the cut-off on it does not, and what it puts off binds as before."""
    days = {None: True, before: True, after: False}

    for day, binds in days.items():
        found = bound({**CREDIT, **more, "placed_on_market": day})
        assert binds is (id in found)
        assert ("ai-act:art-53:1:c" if "gpai" in more else "ai-act:art-50:2") in found


def test_an_older_system_has_its_duties_from_a_change_in_its_design() -> None:
    """Art. 111(2) puts off what binds high-risk systems for one that came before the cut-off, and nothing else."""
    card = {**CREDIT, "placed_on_market": "2026-03-01", "roles": {"deployer-public-authority": False}}
    change = "; as an older system only from a significant change in its design on or after"
    reading = "(a reading of Art. 111(2), not settled)"

    assert f"from 2027-12-02 (first set for 2026-08-02){change} 2027-12-02 {reading}" == when(card, "ai-act:art-9:1")
    assert when(card, "ai-act:art-49:1").startswith("formally since 2026-08-02; practical, a reading: ")
    for id in ("ai-act:art-4:1", "ai-act:art-5:1:a", "gdpr:35:1"):
        assert id in bound(card) and "older" not in when(card, id)
    assert bind(card).placing.endswith("of this one the card says 2026-03-01")
    assert when({**card, **LIFT}, "ai-act:art-9:1").endswith(f"{change} 2028-08-02 {reading}")


def test_nothing_but_a_duty_is_put_off_for_an_older_system() -> None:
    """A permission such as Art. 4a(1), a definition or a classification is no duty of an older system."""
    card = {**CREDIT, "placed_on_market": "2026-03-01"}
    put_off = bind(card).applying.put_off

    assert "ai-act:art-4a:1" in bound(card) and "older" not in when(card, "ai-act:art-4a:1")
    assert {"duty"} == {catalogue().get(id).kind for id in put_off}


def test_what_is_open_applies_as_what_binds() -> None:
    """A role that the card leaves open has the date of the system's own route, and is put off for an older system."""
    id = "ai-act:art-22:1"
    card = {**CREDIT, "placed_on_market": "2026-03-01"}
    section_unsaid = {**CREDIT, **LIFT, "annex_i": "machinery", "annex_i_section": None}

    assert id in {each.id for role in bind(card).open for each in role.requirements}
    assert "as an older system only from" in when(card, id)
    assert when({**CREDIT, **LIFT}, id).startswith("from 2028-08-02 (first set for 2027-08-02)")
    assert "ai-act:art-9:1" not in bound(section_unsaid)
    assert when(section_unsaid, "ai-act:art-9:1").startswith("from 2028-08-02 (first set for 2027-08-02)")


def test_where_the_route_is_open_both_dates_are_told() -> None:
    """The card says neither use nor product: either date may be the system's."""
    assert (
        "from 2027-12-02 (first set for 2026-08-02); on the product route of Annex I, Section A: from 2028-08-02 "
        "(first set for 2027-08-02)"
    ) == when({**CREDIT, "annex_iii": None}, "ai-act:art-9:1")


def test_a_day_of_placing_to_come_is_told_as_to_come() -> None:
    """Seen from before that day, in the dates and on top of the check."""
    card = {**CREDIT, "placed_on_market": "2027-06-01"}
    told = "as an older system, if it comes on 2027-06-01 as the card says, only from a significant change"

    assert told in when(card, "ai-act:art-9:1")
    assert "as an older system only from" in when(card, "ai-act:art-9:1", as_of="2027-06-01")
    assert any(line.endswith("says 2027-06-01; that day is to come") for line in show.check(card, "2026-11-23"))
    assert not any("that day is to come" in line for line in show.check(card, "2027-06-01"))


@pytest.mark.parametrize(
    ("card", "said"),
    [
        ({}, "where public authorities are to use it (Art. 111(2), not settled); the card does not say"),
        ({"placed_on_market": "none"}, "this one has not come yet, the card says"),
        (
            {"roles": {"deployer-public-authority": True}},
            "by 2030-08-02 in any case, since a public authority is to use",
        ),
        ({"roles": {"deployer-public-authority": False}}, "on or after that day (Art. 111(2), not settled)"),
        ({**LIFT, "placed_on_market": "2028-08-01"}, "before 2028-08-02 has its duties only from"),
    ],
)
def test_the_check_says_on_top_what_the_day_of_placing_does(card: dict[str, Any], said: str) -> None:
    """Before the first entry, whether the card states the day or not; public authorities have until August 2030."""
    lines = list(show.check({**CREDIT, **card}, "2026-11-23"))
    first = next(at for at, line in enumerate(lines) if " entries by what the card says" in line)

    assert any(said in line for line in lines[:first])


@pytest.mark.parametrize(
    "card",
    [
        {"placed_on_market": "2027-12-02"},
        {"annex_iii": "none", "annex_i": "none"},
        MACHINE,
        {"in_scope": DENIED, "in_scope_reasons": "People wrote each rule"},
    ],
)
def test_the_day_of_placing_is_nothing_to_speak_of_where_nothing_hangs_on_it(card: dict[str, Any]) -> None:
    """On the cut-off itself, and where no duty of a high-risk system binds."""
    answer = bind({**CREDIT, "placed_on_market": "2026-03-01", **card})

    assert "" == answer.placing
    assert frozenset() == answer.applying.put_off


@pytest.mark.parametrize("day", ["1 March 2026", "2026-13-02", ["2026-03-01", "2026-04-01"]])
def test_a_day_of_placing_that_is_none_is_refused(day: Any) -> None:
    """One line that names the key."""
    with pytest.raises(UsageError, match=r"placed_on_market is .*: expected one date such as 2026-11-23, or none"):
        bind({**CREDIT, "placed_on_market": day})


# what it prints


def test_the_check_opens_with_a_practice_that_is_prohibited() -> None:
    """Since when or from when, before anything else; a practice that is denied opens nothing."""
    lines = list(show.check({**CREDIT, "art_5": ["f", "ba"]}, "2026-11-23"))

    assert "The card names a practice of Art. 5(1)(f), which is prohibited since 2025-02-02." == lines[0]
    assert "The card names a practice of Art. 5(1)(ba), which is prohibited from 2026-12-02." == lines[1]
    assert "Credit scorer 2.1.0: " == lines[2][:21]
    assert list(show.check({**CREDIT, "art_5": "none"}, "2026-11-23")) == list(show.check(CREDIT, "2026-11-23"))


def test_parties_of_whom_the_card_says_nothing_are_told_in_one_line() -> None:
    """Those whom duties may bind: importers of high-risk systems, and of others none; who is denied is not silent."""
    told = [line for line in show.check(CREDIT, "2026-11-23") if line.startswith("the card says nothing of ")]
    plain = [line for line in show.check(MODERATION, "2026-11-23") if line.startswith("the card says nothing of ")]
    denied = {**CREDIT, **dict.fromkeys(("importer", "distributor", "processor"), "none")}

    assert 1 == len(told) and "processor, importer, distributor, authorised_representative" in told[0]
    assert ["the card says nothing of processor: what may bind them is not counted"] == plain
    assert {"authorised_representative", "initial_provider", "third_party_supplier"} == {
        each.party for each in bind(denied).silent
    }


def test_a_day_before_the_text_of_the_pack_is_told() -> None:
    """The pack knows no earlier text: whatever is asked of an earlier day warns first, and of a later day does not."""
    said = "warning: the law pack knows the text of the law since 2026-07-27 alone: what applied on 2026-07-26 may"

    assert next(iter(show.check(CREDIT, "2026-07-26"))).startswith(said)
    assert next(iter(show.timeline("2026-07-26"))).startswith(said)
    assert not next(iter(show.check(CREDIT, "2026-07-27"))).startswith("warning")
    done = next(line for line in show.timeline("2026-07-26") if "(done" in line)
    assert "(done as of 2026-11-23)" in done


def test_the_check_states_its_sources_and_its_disclaimer() -> None:
    """The law's version, the pack's date and the disclaimer come before the first entry."""
    lines = list(show.check(CREDIT, "2026-11-23"))

    assert "Credit scorer 2.1.0: what binds whom by what its card says, as of 2026-11-23" == lines[0]
    assert lines[1].endswith("checked on 2026-11-23")
    assert lines[2].startswith("Own-words summaries, not legal advice")
    assert "the card says: Annex III 5(b), Creditworthiness and credit scoring" == lines[3]


def test_a_card_without_provider_and_deployer_never_reads_as_if_nothing_bound() -> None:
    """What may bind the parties that the card leaves out is counted by party and listed by role."""
    card = {key: value for key, value in CREDIT.items() if key not in ("provider", "deployer")}
    lines = list(show.check(card, "2026-11-23"))
    provider, deployer = bind(card).unnamed
    named = {each.requirement.id for each in bind(CREDIT).bound if each.requirement.kind == "duty"}
    hanging = {each.id for role in (*provider.roles, *deployer.roles) for each in role.requirements}
    said = f"{provider.duties} duties of providers and {deployer.duties} of deployers may bind and are not counted"

    assert f"the card names no provider and no deployer: {said}" in lines
    assert provider.duties > 100 and deployer.duties > 10
    assert named - {each.requirement.id for each in bind(card).bound} <= hanging
    assert any(line.startswith("provider-high-risk  if there is a provider  ai-act:") for line in lines)
    assert any(line.startswith("deployer-high-risk  if there is a deployer  ai-act:") for line in lines)


def test_what_a_card_names_or_denies_is_not_unnamed() -> None:
    """A party that it says there is none of has no duties that may bind."""
    assert () == bind(CREDIT).unnamed
    assert ["controller"] == [each.party for each in bind({**CREDIT, "controller": None, "deployer": "none"}).unnamed]


def test_a_stale_pack_warns_first() -> None:
    """180 days after the check nothing is said; a day later the first line is a warning."""
    assert not next(iter(show.check(CREDIT, "2027-05-22"))).startswith("warning")
    assert next(iter(show.check(CREDIT, "2027-05-23"))).startswith(
        "warning: the law pack was checked on 2026-11-23, 181 days before 2027-05-23"
    )


def test_a_date_that_is_none_is_refused() -> None:
    """``--as-of`` wants an ISO date, whatever is asked."""
    said = "expected a date such as 2026-11-23, got '1 May'"
    with pytest.raises(UsageError, match=said):
        show.check(CREDIT, "1 May")
    with pytest.raises(UsageError, match=said):
        show.listing("gdpr", as_of="1 May")
    with pytest.raises(UsageError, match=said):
        show.entry("gdpr:35:1", measured={}, as_of="1 May")
    with pytest.raises(UsageError, match=said):
        show.timeline("1 May")


def test_a_day_tells_past_from_to_come_and_warns_where_the_pack_is_old() -> None:
    """In a listing and in one entry: since or from; beyond 180 days a warning comes first."""
    now = list(show.listing("ai-act:art-50:2", as_of="2026-11-29"))
    later = list(show.listing("ai-act:art-50:2", as_of="2028-01-01"))
    entry = list(show.entry("ai-act:art-9:1", measured={}, as_of="2028-01-01"))

    assert "  since 2026-08-02 (placed on the market before 2026-08-02: 2026-12-02)  " in now[0]
    assert 1 == len(now) and later[0].startswith("warning: the law pack was checked on 2026-11-23, 404 days before")
    assert entry[0].startswith("warning: ") and "  dates: since 2027-12-02 (first set for 2026-08-02)" in entry


def test_without_a_day_an_old_pack_warns_on_standard_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is listed stays what a program reads; the warning stands beside it."""
    fresh = entered(tmp_path, "law", "list", "gdpr:35:1")
    monkeypatch.setattr(cli_law, "_today", lambda: "2027-05-23")
    old = entered(tmp_path, "law", "list", "gdpr:35:1")

    assert ("", fresh.out) == (fresh.err, old.out)
    assert old.err.startswith("warning: the law pack was checked on 2026-11-23, 181 days before 2027-05-23")


def test_every_kind_of_entry_says_whom_it_binds() -> None:
    """A date of the timeline and a field of the form name their roles, as a provision does; a use its consequences."""
    date = "\n".join(show.entry("ai-act-date:hr-section-5", measured={}))
    field = "\n".join(show.entry("gpai-mdf:general:legal-name", measured={}))
    use = "\n".join(show.entry("ai-act:annex-iii:2", measured={}))

    assert "  roles: " in date and "  roles: gpai-provider (the provider of the model)" in field
    assert "  impact assessment of Art. 27: exempt\n  registration: national" in use
    assert "  area: Critical infrastructure" in use


def test_a_state_of_the_timeline_is_of_the_day_of_the_check() -> None:
    """Later, what was to come then is not said to be to come now."""
    then, later = (
        next(line for line in show.timeline(day) if "(future" in line) for day in ("2026-11-23", "2028-06-01")
    )

    assert "(future)" in then and "(future as of 2026-11-23)" in later
    assert not any("(future)" in line for line in show.timeline("2028-06-01"))


def test_listings_are_one_entry_a_line_id_first(law: Catalogue) -> None:
    """The listing holds every requirement, form field, standard and remark once; a prefix narrows it."""
    ids = [line.split("  ")[0] for line in show.listing()]

    assert [*law.requirements, *law.form, *law.standards, *law.remarks] == ids
    assert 24 == len(list(show.listing("aiact:annex-iv:")))
    assert all("\n" not in line for line in show.listing())


def test_a_listing_of_nothing_is_an_error() -> None:
    """A prefix that nothing starts with is refused with suggestions."""
    with pytest.raises(UnknownName, match="unknown law entry 'gdrp'"):
        show.listing("gdrp")


def test_every_entry_can_be_shown_whole(law: Catalogue) -> None:
    """Any id prints: its id, its facts, and the disclaimer; what is not settled says so."""
    for id in [*law.requirements, *law.form, *law.standards, *law.timeline, *law.remarks]:
        lines = list(show.entry(id, measured={}))

        assert id == lines[0]
        assert lines[-1].strip() == law.pack.disclaimer
        assert law.find(id).verify == any("state: not settled" in line for line in lines), id


def test_only_probes_that_there_are_are_said_to_measure() -> None:
    """The map names planned probes as well; an entry lists those that are registered, by metric, and says where none
    measures what it asks for.
    """
    load_plugins()
    measured = {name: spec.metrics for name, spec in known_probes().items()}
    whole = "\n".join(show.entry("ai-act:annex-iv:2:g", measured=measured)).replace("\n    ", " ")
    said = {name: targets.split(", ") for name, targets in re.findall(r"\n  metric (\S+): (.*)", whole)}
    targets = {target for listed in said.values() for target in listed}
    metrics = {f"{name}/{metric}" for name, each in measured.items() for metric in each}

    assert "bias.group-rates/selection-difference" in targets
    assert targets <= {*measured, *metrics, "no probe measures it"}
    assert ["no probe measures it"] == said["signed_report_metadata"]
    assert any("no probe measures it" in line for line in show.entry("ai-act:annex-iv:2:g", measured={}))


def test_the_timeline_is_sorted_and_gives_both_dates_of_a_reading() -> None:
    """The earliest date comes first, the dateless last; Section 5 shows its formal and both practical dates."""
    lines = list(show.timeline())[1:]
    dates = [re.search(r"\d{4}-\d\d-\d\d", line.split("  ")[1]) for line in lines]
    firsts = [found.group() if found else "9999" for found in dates]

    assert sorted(firsts) == firsts
    section_5 = next(line for line in lines if line.startswith("ai-act-date:hr-section-5 "))
    assert (
        "formally 2026-08-02; practical, a reading: 2027-12-02 (Annex III), 2028-08-02 (Annex I Section A)" in section_5
    )


def test_every_line_of_an_unsettled_or_later_dated_entry_says_so(law: Catalogue) -> None:
    """In listing and check alike: verify is marked, and a reading never shows one date alone."""
    lines = [*show.listing(), *show.check(CREDIT, "2026-11-23"), *show.timeline()]
    entries: dict[str, Any] = {**law.requirements, **law.form, **law.standards, **law.timeline, **law.remarks}
    for line in lines:
        entry = entries.get(line.split("  ")[0])
        if entry is None:
            continue
        assert entry.verify == line.endswith("[not settled]"), line
        if getattr(entry, "dates", None) is not None and entry.dates.kind == "reading":
            assert "practical, a reading: " in line, line


# what it never says


def test_deleted_provisions_are_never_duties(law: Catalogue) -> None:
    """Art. 10(5) and Annex VIII Section B points 7 and 9 print as deleted with their date, and bind nobody."""
    deleted = [requirement.id for requirement in law.requirements.values() if requirement.kind == "deleted"]
    lines = {line.split("  ")[0]: line for line in show.listing()}
    claimed = {**CREDIT, "annex_iii": "4(a)", "art_6_3": "d"}

    assert ["ai-act:art-10:5", "ai-act:annex-viii:b:7", "ai-act:annex-viii:b:9"] == deleted
    assert all("deleted 2026-07-27  [deleted] " in lines[id] for id in deleted)
    assert set() == set(deleted) & (set(bound(CREDIT)) | set(bound(claimed)))


def test_the_marking_duty_is_not_qualified_by_feasibility(law: Catalogue) -> None:
    """In Art. 50 the words stand with the quality of the solution only."""
    for requirement in law.entries_of("ai-act:art-50"):
        before, found, _ = requirement.summary.partition("as far as technically feasible")

        assert not found or "the solution is" in before, requirement.id


def test_the_notification_of_a_fria_has_its_exemption(law: Catalogue) -> None:
    """Wherever the FRIA is notified, the case of Art. 46(1) stands beside it."""
    for id in ("ai-act:art-27:3", "ai-act:27:3"):
        assert "Art. 46(1)" in law.get(id).summary
    assert [] == [text for _, text in all_texts() if "FRIA must be notified" in text]


def test_annex_viii_knows_no_withdrawn_status(law: Catalogue) -> None:
    """The status of a registered system is never withdrawn."""
    assert [] == [r.id for r in law.entries_of("ai-act:annex-viii") if "withdrawn" in r.summary.lower()]


def test_corrected_readings_stand_corrected(law: Catalogue) -> None:
    """Art. 36(1) as worded with its reading apart; Art. 15(1)(h)'s version rule is ours; 5(b) and 3(b) are hedged."""
    assert "in the absence of measures taken by the controller" in law.get("gdpr:36:1").summary
    assert "is a reading" in (law.get("gdpr:36:1").note or "")
    assert "this toolkit's rule" in (law.get("gdpr:15:1:h").note or "")
    assert "not occasional" in (law.get("gdpr:30:5").note or "")
    assert "Art. 27 is not in the Art. 99(4) list" in (law.get("ai-act:art-99").note or "")
    assert any("anti-money-laundering" in trap for trap in law.use_case("5(b)").traps)
    assert law.use_case("1(b)").verify
    assert law.use_case("3(b)").verify


def test_examples_carry_the_tag_of_the_draft(law: Catalogue) -> None:
    """Each example of a use case is tagged, inside and outside alike."""
    examples = [e for case in law.use_cases.values() for e in (*case.examples, *case.outside)]

    assert [] == [example for example in examples if not example.endswith("[DRAFT]")]


@pytest.mark.parametrize(
    "words",
    [
        r"\bis (AI Act |GDPR )?compliant\b",
        r"\bGDPR compliant\b",
        r"\bmodel is anonymous\b",
        r"\bunbiased\b",
        r"04/2025 on AI DPIA",
        r"06/2025 on AI",
        r"COM\(2025\) 833",
        r"18 December 2024",
        r"/work/|/shared/|consulted|session\b|aiact:",
    ],
)
def test_no_text_of_the_pack_says(words: str) -> None:
    """Verdicts on systems, guidance that could not be confirmed, and traces of the making stand nowhere."""
    assert [] == [(where, text) for where, text in all_texts() if re.search(words, text)]


# how strictly it is read


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the pack to break."""
    for name in FILES:
        shutil.copy(LAW / name, tmp_path / name)
    return tmp_path


def test_the_shipped_pack_reads_the_same_from_anywhere(law: Catalogue, copy: Path) -> None:
    """Loading depends on the files alone."""
    assert law == load(copy)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("ai_act.yaml", "  evidence: declared\n", "  evidnce: declared\n", "ai_act.yaml: ai-act:art-2:2: unknown key"),
        ("ai_act.yaml", "  evidence: declared\n", "", "ai_act.yaml: ai-act:art-2:2: missing key 'evidence'"),
        (
            "ai_act.yaml",
            "id: ai-act:art-2:13",
            "id: ai-act:art-2:2",
            "ai_act.yaml: ai-act:art-2:2: the id stands twice",
        ),
        (
            "gdpr.yaml",
            "id: gdpr:5:1:a",
            "id: ai-act:art-2:2",
            "gdpr.yaml: ai-act:art-2:2: the id stands twice, also in",
        ),
        ("gdpr.yaml", "id: gdpr:5:1:a", "id: GDPR 5", "gdpr.yaml: entry 1: expected an id such as"),
        (
            "gdpr.yaml",
            "applies_to: [controller]",
            "applies_to: [controler]",
            "gdpr:5:1:a: applies_to: unknown 'controler'",
        ),
        (
            "gdpr.yaml",
            "families: [bias, explain]",
            "families: [bias, exlain]",
            "gdpr:5:1:a: families: unknown 'exlain'",
        ),
        ("gdpr.yaml", "metrics: [bias.sel", "metrics: [bias.zel", "gdpr:5:1:a: metrics: unknown 'bias.zelection_rate"),
        ("gdpr.yaml", "source: [GDPR]", "source: [GPDR]", "gdpr:5:1:a: source: unknown 'GPDR', did you mean 'GDPR'"),
        ("gdpr.yaml", "formal: 2018-05-25", "formal: May 2018", "dates: formal: expected a date such as"),
        ("gdpr.yaml", "see: ['ai-act:art-4a:1']", "see: ['ai-act:art-4b']", "see 'ai-act:art-4b', which no file holds"),
        ("ai_act.yaml", "basis: art113-c}", "basis: art113-z}", "ai-act:art-2:2: basis: unknown 'art113-z'"),
        ("ai_act.yaml", "verify: true", "verify: 1", "verify: expected bool, got int 1"),
        ("ai_act.yaml", "kind: background", "kind: opinion", "kind is 'opinion'; one of duty, permission"),
        (
            "annex_iii.yaml",
            "id: ai-act:annex-iii:5:b",
            "id: ai-act:annex-iii:5:f",
            "no classification entry of this id",
        ),
        ("annex_iii.yaml", "point: 5(b)", "point: 9(b)", "point '9(b)' lies in no area"),
        ("pack.yaml", "gdpr: 146", "gdpr: 147", "gdpr.yaml: 146 entries, and pack.yaml states 147"),
        ("pack.yaml", "{party: controller}", "{party: controler}", "role controller: expected a known party"),
        ("metric_map.yaml", "  drift: [drift]\n", "", "family 'drift' stands in only one of families and metrics"),
        ("ai_act.yaml", "title: 'AI Act: requirements'", "title: a\ntitle: b", "key 'title' stands twice"),
        ("timeline.yaml", "entries:", "entries: [", "timeline.yaml:"),
        ("card.yaml", "kind: points", "kind: point", "card.yaml: questions: kind is 'point', did you mean 'points'?"),
        (
            "card.yaml",
            "'ai-act:art-6:2'",
            "'ai-act:art-6:9'",
            "card.yaml: purpose: 'ai-act:art-6:9', which no file holds",
        ),
        ("card.yaml", "path: version", "path: name", "card.yaml: a path is asked for twice"),
        ("standards.yaml", "cited_in_oj: false", "cited_in_oj: maybe", "cited_in_oj: expected bool, got str 'maybe'"),
        (
            "ai_act.yaml",
            "formal: 2028-08-02, kind: law",
            "formal: 2028-13-02, kind: law",
            "ai_act.yaml:41: no valid YAML: 2028-13-02 is no date",
        ),
        (
            "ai_act.yaml",
            "{formal: 2028-08-02, kind: law",
            "{kind: law",
            "ai-act:art-2:2: dates: formal: expected a day, as they are of the kind 'law'",
        ),
        (
            "ai_act.yaml",
            "formal: 2028-08-02, kind: law",
            "formal: 2028-08-02, kind: reading",
            "ai-act:art-2:2: dates: practical: expected a day, as they are of the kind 'reading'",
        ),
        (
            "ai_act.yaml",
            "formal: 2028-08-02, kind: law",
            "formal: 2028-08-02, practical: 2028-08-02, kind: reading",
            "dates: practical: expected a day after 2028-08-02, got 2028-08-02",
        ),
        (
            "ai_act.yaml",
            "deleted: 2026-07-27, kind: deleted",
            "kind: deleted",
            "dates: deleted: expected a day, as they are of the kind 'deleted'",
        ),
        (
            "ai_act.yaml",
            "kind: deleted\n",
            "kind: duty\n",
            "kind is 'duty' and its dates are of the kind 'deleted': deleted is both or neither",
        ),
        ("gdpr.yaml", "applies_to: [controller]", "applies_to: []", "gdpr:5:1:a: applies_to: expected one at least"),
        ("gdpr.yaml", "source: [GDPR]", "source: []", "gdpr:5:1:a: source: expected one at least"),
    ],
)
def test_a_broken_file_is_one_line_naming_file_and_entry(
    copy: Path, file: str, old: str, new: str, message: str
) -> None:
    """Each planted fault is found, in one line that says where."""
    text = (copy / file).read_text()
    assert old in text
    (copy / file).write_text(text.replace(old, new, 1))

    with pytest.raises(DataError) as caught:
        load(copy)

    assert 1 == len(caught.value.lines())
    assert "\n" not in caught.value.lines()[0]
    assert message in caught.value.lines()[0]


@pytest.mark.parametrize("file", FILES)
def test_a_missing_or_empty_file_is_refused(copy: Path, file: str) -> None:
    """Every file of the pack is needed, and an empty one is no file of the pack."""
    (copy / file).write_text("")
    with pytest.raises(DataError, match=f"{file}: expected a mapping, got NoneType"):
        load(copy)
    (copy / file).unlink()
    with pytest.raises(DataError, match=f"{file}: No such file"):
        load(copy)


def test_import_loads_nothing() -> None:
    """Importing the package opens no file of the pack."""
    program = (
        "import sys; opened = []\n"
        "sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == 'open' else None)\n"
        "import probandum.law.show\n"
        "print([name for name in opened if name.endswith('.yaml')])"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert "[]" == out.strip()


def test_the_catalogue_is_read_once() -> None:
    """Two askings give the same object."""
    assert catalogue() is catalogue()


def test_requirements_are_immutable(law: Catalogue) -> None:
    """An entry cannot be edited in place."""
    requirement: Requirement = law.get("gdpr:35:1")
    with pytest.raises(AttributeError):
        requirement.summary = "other"  # type: ignore[misc]
