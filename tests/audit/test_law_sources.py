"""The law pack beside the collection that it was made from: nothing is left out, and what differs is meant.

The collection lies beside the checkout; where it does not, these tests skip and say so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from paths import ROOT
from probandum.law import Catalogue, Dates, catalogue
from probandum.law.loading import canonical
from probandum.law.reading import read_yaml

COLLECTION = ROOT.parent / "shared" / "law"
#: Entries whose words differ from the collection's, each for the reason given.
REWORDED = {
    "ai-act:annex-iii:5:a": "says that it is a high-risk use case, as its neighbours do",
    "ai-act:annex-viii:b:7": "deleted: says so first, and is no duty",
    "ai-act:annex-viii:b:9": "deleted: says so first, and is no duty",
    "gdpr:36:1": "Art. 36(1) as worded; the reading stands in the note",
}
#: Uses whose hints were corrected: draft guidance against enacted words, who acts as notified body, names of data sets.
CORRECTED = {f"ai-act:annex-iii:{point}" for point in ("1:a", "1:b", "1:c", "3:b", "5:b", "6:d", "6:e")}


#: Entries that bind fewer than the collection's roles can say, and by which role each does: what its own words leave
#: out. A condition that both share is settled under the wider role's name.
NARROWED: dict[str, tuple[dict[str, str], str]] = {
    "ai-act:art-16:i": (
        {"provider-high-risk": "provider-high-risk-annex-iii-but-2"},
        "registers under Art. 49(1), which leaves out point 2",
    ),
    "ai-act:art-26:7": ({"deployer-employer": "deployer-high-risk-employer"}, "a high-risk system at the workplace"),
    "ai-act:art-26:10": (
        {"deployer-law-enforcement": "deployer-law-enforcement-1a"},
        "post-remote biometric identification, point 1(a)",
    ),
    "ai-act:art-49:4": (
        {
            "provider-high-risk-annex-iii": "provider-high-risk-annex-iii-1-6-7",
            "deployer-public-authority": "deployer-public-authority-1-6-7",
        },
        "points 1, 6 and 7 alone",
    ),
    **dict.fromkeys(
        ("ai-act:art-86:1", "ai-act:art-86:2", "ai-act:art-86:3"),
        ({"deployer-high-risk": "deployer-high-risk-annex-iii-but-2"}, "listed systems, and not point 2"),
    ),
    **dict.fromkeys(
        (
            "ai-act:art-49:1",
            "ai-act:art-49:3",
            "ai-act:art-71",
            "ai-act:annex-viii:update",
            *(f"ai-act:annex-viii:a:{number}" for number in range(1, 14)),
            *(f"ai-act:annex-viii:c:{number}" for number in range(1, 6)),
        ),
        (
            {
                "provider-high-risk-annex-iii": "provider-high-risk-annex-iii-but-2",
                "deployer-public-authority": "deployer-public-authority-but-2",
            },
            "the Union's register, while point 2 is registered at national level (Art. 49(5))",
        ),
    ),
}
#: Duties for which the collection gives no date of the product route, and why the pack does.
OF_PRODUCTS = dict.fromkeys(
    ("ai-act:art-18:3", "ai-act:art-26:5:fin"), "binds any financial institution, whatever makes its system high-risk"
)
_DOCUMENTED = (
    "ai-act:art-53:1:a",
    "ai-act:art-53:1:b:i",
    "ai-act:art-53:1:b:ii",
    "ai-act:annex-xi:s1",
    *(f"ai-act:annex-xi:s1:1:{letter}" for letter in "abcdef"),
    *(f"ai-act:annex-xi:s1:2:{letter}" for letter in "abcde"),
    *(f"ai-act:annex-xii:1:{letter}" for letter in "abcdefgh"),
    *(f"ai-act:annex-xii:2:{letter}" for letter in "abc"),
)
NARROWED |= dict.fromkeys(
    _DOCUMENTED, ({"gpai-provider": "gpai-documenting"}, "Art. 53(2) exempts open-source models without systemic risk")
)
NARROWED["ai-act:art-53:2"] = ({"gpai-provider": "gpai-open-source"}, "the exemption itself")
NARROWED["ai-act:art-54:6"] = ({"gpai-provider-third-country": "gpai-open-source"}, "the exemption from Art. 54")
#: Entries that are duties in the collection and none by their own words, each with what they are.
REKINDED = {
    "ai-act:art-10:6": ("background", "says how far Art. 10(2) to (4) reach"),
    "ai-act:art-11:1:c": ("permission", "a simplified form that some may use"),
    "ai-act:art-14:3:a": ("permission", "one of two ways to meet Art. 14(3), which is the duty"),
    "ai-act:art-14:3:b": ("permission", "the other way"),
    "gdpr:21:5": ("permission", "a way in which a person may object"),
    "gdpr:34:3": ("permission", "when Art. 34(1) asks for no message"),
}


@cache
def whole(name: str) -> dict[str, Any]:
    """A file of the collection."""
    path = COLLECTION / name
    if not path.is_file():
        pytest.skip(f"no collection of the law at {COLLECTION}")
    return read_yaml(path)


def rows(name: str, key: str) -> list[dict[str, Any]]:
    """The rows of a file of the collection."""
    found: list[dict[str, Any]] = whole(name)[key]
    return found


def text(value: object) -> str | None:
    """A date as text."""
    return None if value is None else str(value)


@pytest.fixture(scope="module")
def law() -> Catalogue:
    """The shipped pack."""
    return catalogue()


@pytest.fixture(
    params=[("ai_act_requirements.yaml", 405), ("gdpr/gdpr_requirements.yaml", 146), ("other_law.yaml", 10)]
)
def requirements(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """The rows of one list of requirements, as many as there must be."""
    name, count = request.param
    found = rows(name, "requirements")
    assert count == len(found)
    return found


def test_every_requirement_is_in_the_pack_and_none_beside_it(law: Catalogue) -> None:
    """405, 146 and 10 entries, by the same ids."""
    names = ("ai_act_requirements.yaml", "gdpr/gdpr_requirements.yaml", "other_law.yaml")
    ids = [canonical(row["id"]) for name in names for row in rows(name, "requirements")]

    assert 561 == len(ids)
    assert sorted(ids) == sorted(law.requirements)


def test_requirements_say_the_same(law: Catalogue, requirements: list[dict[str, Any]]) -> None:
    """Citation, words, evidence, amendments, metrics; the kind where the collection states one."""
    for row in requirements:
        entry = law.get(row["id"])

        assert row["citation"].removeprefix("GDPR ").removeprefix("AI Act ") == entry.citation
        assert row["summary"] == entry.summary or entry.id in REWORDED, entry.id
        assert row["evidence"] == entry.evidence
        assert tuple(row.get("probe_metrics") or ()) == entry.metrics
        assert (row.get("amended_by"), row.get("former")) == (entry.amended_by, entry.former)
        assert ("replaced_by" in row) == (entry.replaced_by is not None)
        assert row.get("requirement_kind", entry.kind) == entry.kind


def test_what_people_must_state_stands_in_words(law: Catalogue, requirements: list[dict[str, Any]]) -> None:
    """Each input of the collection, one for one: it names them as keys of a card, which no document would read."""
    told: dict[str, str] = {}
    for row in requirements:
        names, inputs = row.get("declared_inputs") or [], law.get(row["id"]).inputs

        assert len(names) == len(inputs)
        for name, words in zip(names, inputs, strict=True):
            assert words == told.setdefault(name, words)
            assert name.startswith("human.") == words.endswith(" (a named person)")
            assert "_" not in words and "card." not in words

    assert len(told) == len(set(told.values()))


#: Roles that the collection leaves out, and why they belong there.
WIDENED = {
    f"ai-act:art-4a:{point}": (
        ("gpai-provider",),
        "Art. 4a(2) speaks of providers and deployers of other AI systems and models, under all conditions of (1)",
    )
    for point in ("1:a", "1:b", "1:c", "1:d", "1:e", "1:f", "2")
}


def test_requirements_bind_the_same(law: Catalogue, requirements: list[dict[str, Any]]) -> None:
    """The same roles, or narrower ones; what restates an entry of the Act binds whom that entry binds."""
    for row in requirements:
        entry = law.get(row["id"])
        narrower, _ = NARROWED.get(entry.id, ({}, ""))
        theirs = tuple(narrower.get(role, role) for role in row["applies_to"])
        theirs += WIDENED.get(entry.id, ((), ""))[0]
        roles = law.get(entry.see[0]).applies_to if entry.see else theirs

        assert set(roles) <= set(entry.applies_to), entry.id
        assert entry.see or roles == entry.applies_to
        assert set(narrower.values()).isdisjoint(row["applies_to"])


def test_what_the_collection_calls_a_duty_and_is_none_is_listed(law: Catalogue) -> None:
    """Scope rules, options and exceptions: a list of duties that are missing must not hold them."""
    names = ("ai_act_requirements.yaml", "gdpr/gdpr_requirements.yaml", "other_law.yaml")
    stated = {canonical(row["id"]): row.get("requirement_kind") for name in names for row in rows(name, "requirements")}

    assert {id: kind for id, (kind, _) in REKINDED.items()} == {id: law.get(id).kind for id in REKINDED}
    assert {None} == {stated[id] for id in REKINDED}


def test_requirements_have_the_same_dates(law: Catalogue, requirements: list[dict[str, Any]]) -> None:
    """Formal and practical, original and amended, of the product route, of legacy and of deletion.

    What the collection calls original is kept where the formal date moved. Where it gives none for an entry that moved
    with its section, the pack has it.
    """
    for row in requirements:
        entry, dates = law.get(row["id"]), law.get(row["id"]).dates
        starts, formal = text(row["applies_from"]), text(row.get("formal_application_date"))
        if row.get("deleted_on"):
            assert ("deleted", str(row["deleted_on"])) == (dates.kind, dates.deleted)
        elif starts == "in force":
            assert "in-force" == dates.kind
        elif formal is not None and formal != starts:
            assert ("reading", formal, starts) == (dates.kind, dates.formal, dates.practical)
        else:
            assert (starts, None) == (dates.formal, dates.practical), entry.id
        if not entry.see:
            first = text(row.get("original_applies_from"))
            assert first is None or (None if first == dates.formal else first) == dates.original, entry.id
            route = "2028-08-02" if entry.id in OF_PRODUCTS else text(row.get("applies_from_annex_i"))
            assert (route, text(row.get("legacy_deadline"))) == (dates.annex_i, dates.legacy_by)
            assert entry.id not in OF_PRODUCTS or "applies_from_annex_i" not in row
            assert text(row.get("text_as_amended_since")) == dates.text_since
        assert text(row.get("legacy_cutoff")) in (None, dates.legacy_before)


def test_whatever_is_not_settled_there_is_not_settled_here(law: Catalogue) -> None:
    """No verify flag was lost in any list; more may be flagged."""
    lists: list[tuple[str, str, Mapping[str, Any]]] = [
        ("ai_act_requirements.yaml", "requirements", law.requirements),
        ("gdpr/gdpr_requirements.yaml", "requirements", law.requirements),
        ("other_law.yaml", "requirements", law.requirements),
        ("ai_act_timeline.yaml", "entries", law.timeline),
        ("gpai_model_documentation_form.yaml", "fields", law.form),
    ]
    flagged = [(row["id"], ours) for name, key, ours in lists for row in rows(name, key) if row.get("verify")]

    assert len(flagged) > 100
    assert [] == [id for id, ours in flagged if not ours[canonical(id)].verify]


def test_the_timeline_has_the_same_dates(law: Catalogue) -> None:
    """55 dates: what, citation, kind, state, whom, when, first when, and the practical dates of readings."""
    found = rows("ai_act_timeline.yaml", "entries")

    assert 55 == len(found)
    assert [row["id"] for row in found] == list(law.timeline)
    for row in found:
        entry = law.timeline[row["id"]]
        dates: Dates = entry.dates
        practical = row.get("practical_date") or {}

        assert (row["what"], row["citation"], row["kind"], row["status"], tuple(row["applies_to"])) == (
            entry.what,
            entry.citation,
            entry.kind,
            entry.status,
            entry.applies_to,
        )
        assert (None if str(row["date"]).startswith("no date") else str(row["date"])) == dates.formal
        assert not row["moved"] or str(row["original_date"]) == dates.original
        assert (practical.get("annex_iii"), practical.get("annex_i")) == (
            dates.practical,
            dates.annex_i if practical else None,
        )


def test_the_uses_of_annex_iii_say_the_same(law: Catalogue) -> None:
    """25 uses; words, examples, hints, profiling, assessment and registration, but for the corrections."""
    found = rows("ai_act_annex_iii.yaml", "use_cases")
    registrations = {"public": "eu-database-public", "non-public": "eu-database-non-public", "national": "national"}

    assert 25 == len(found)
    assert {row["id"] for row in found} == set(law.use_cases)
    for row in found:
        case = law.use_cases[row["id"]]

        assert (row["title"], row["summary"], row["profiling"]) == (case.title, case.summary, case.profiling)
        assert tuple(row["examples_high_risk"]) == case.examples
        assert row["conformity_route"].startswith(case.conformity.replace("or-vii", "or-annex-vii"))
        assert row["registration"].startswith(registrations.get(case.registration, "eu-database-public"))
        assert case.id in CORRECTED or (
            tuple(row["examples_outside"]),
            tuple(row["traps"]),
        ) == (case.outside, case.traps)
        assert case.id in CORRECTED or set(row["keywords"]) <= set(case.keywords)  # more words, for hints alone


def test_what_moved_with_its_section_says_when_it_was_first_due(law: Catalogue) -> None:
    """Chapter III Sections 1 to 3: first set for 2 August 2026, on the product route of Annex I for 2 August 2027."""
    first = {
        ("2027-12-02", None): "2026-08-02",
        ("2028-08-02", None): "2027-08-02",
        ("2027-12-02", "2028-08-02"): "2026-08-02",
    }
    moved = [
        entry for entry in law.requirements.values() if str(entry.dates.basis).startswith("Art. 113 third para (c)")
    ]

    assert len(moved) > 200
    for entry in moved:
        dates = entry.dates
        assert dates.original == first[str(dates.formal), dates.annex_i] or entry.id == "ai-act:art-2:2"
        assert (None if dates.annex_i is None else "2027-08-02") == dates.annex_i_original


def test_the_form_has_the_same_fields(law: Catalogue) -> None:
    """45 fields: label, words, recipients and how sure they are, unit, choices, evidence."""
    found = rows("gpai_model_documentation_form.yaml", "fields")
    recipients = {
        "ai-office": "ai_office",
        "national-authorities": "ncas",
        "downstream-providers": "downstream_providers",
    }

    assert 45 == len(found)
    assert [row["id"] for row in found] == list(law.form)
    for row in found:
        field = law.form[row["id"]]

        assert (row["label"], row["what"], row["recipients_confidence"], row["evidence"], row.get("unit")) == (
            field.label,
            field.what,
            field.recipients_confidence,
            field.evidence,
            field.unit,
        )
        assert tuple(name for name, theirs in recipients.items() if row["recipients"][theirs]) == field.recipients
        assert (tuple(row.get("options") or ()), tuple(row.get("probe_metrics") or ())) == (
            field.options,
            field.metrics,
        )
        assert row.get("recommended_words") == field.words


def test_every_standard_of_the_collection_is_in_the_pack(law: Catalogue) -> None:
    """Each number that stands in the first column of its tables."""
    path = COLLECTION / "standards.md"
    if not path.is_file():
        pytest.skip(f"no collection of the law at {COLLECTION}")
    firsts = [line.split("|")[1] for line in path.read_text("utf-8").splitlines() if line.startswith("| ")]
    numbers = {
        found
        for first in firsts
        for found in re.findall(r"(?:F?prEN|EN|ISO/IEC|ISO)(?: ISO/IEC)?(?: TS| TR)? \d[\d:-]*", first)
    }
    ours = " ".join(f"{each.citation} {each.title}" for each in law.standards.values())

    assert len(numbers) > 25
    assert [] == sorted(number for number in numbers if number not in ours)


def test_no_file_of_the_collection_is_newer_than_the_pack(law: Catalogue) -> None:
    """What was looked at last is what the pack says."""
    for name in ("ai_act_requirements.yaml", "ai_act_timeline.yaml", "other_law.yaml"):
        assert str(whole(name)["as_of"]) <= law.pack.as_of
