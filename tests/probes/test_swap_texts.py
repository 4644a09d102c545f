"""What people write for swap probes, and what they get wrong; and the data sets that come with the toolkit."""

from __future__ import annotations

import csv
import hashlib
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from probandum.errors import DataError, PlanError, ProbandumError
from probandum.resources import dataset
from probandum_probes.bias.swap_texts import (
    Scenario,
    Seed,
    read_names,
    read_scenarios,
    read_seeds,
    read_terms,
    spellings,
)

SCENARIO = """\
scenarios:
  - id: one
    domain: credit
    favourable: "yes"
    unfavourable: "no"
    text: It is about {name}. Answer {first} or {second}.
"""


def written(folder: Path, name: str, text: str) -> Path:
    """A file with that text."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def problems(error: ProbandumError, folder: Path) -> list[str]:
    """What a person reads, without the folder."""
    return [line.replace(f"{folder}/", "") for line in error.lines()]


def test_a_prompt_holds_name_and_answers_in_either_order() -> None:
    """Order 0 lists the favourable answer first, order 1 last."""
    scenario = Scenario(id="a", domain="d", favourable="no", unfavourable="yes", text="{name}: {first} or {second}?")

    assert ("Ann: no or yes?", "Ann: yes or no?") == (scenario.prompt("Ann", 0), scenario.prompt("Ann", 1))


def test_spellings_differ() -> None:
    """A word that is the same in capitals is listed once, so that no probability is counted twice."""
    assert (" 1",) == spellings("1")
    assert (" oui", " Oui", " OUI") == spellings("oui")


def test_a_sentence_has_its_article() -> None:
    """The article goes by the term's first letter."""
    seed = Seed(text="I am {a} {term} cook.", cluster="")

    assert ("I am a gay cook.", "I am an Arab cook.") == (seed.sentence("gay"), seed.sentence("Arab"))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (('"yes"', "yes"), "scenarios.yaml:4:5: scenarios.0.favourable: expected text, got True; write it in quotes"),
        (("{name}", "Ann"), "scenarios.yaml:6:5: scenarios.0.text: the slot {name} is missing"),
        (("{second}", "no"), "scenarios.yaml:6:5: scenarios.0.text: the slot {second} is missing"),
        (("domain", "domian"), "scenarios.yaml:3:5: scenarios.0.domian: unknown key, did you mean 'domain'?"),
        (('"no"', '"Yes"'), "scenarios.yaml:5:5: scenarios.0.unfavourable: is 'Yes', the same as favourable"),
        (
            ("id: one", "id: a/b"),
            "scenarios.yaml:2:5: scenarios.0.id: 'a/b' holds a slash, which separates it from names",
        ),
        (("scenarios:", "cases:"), "scenarios.yaml:1:1: expected a list under 'scenarios'"),
    ],
)
def test_mistakes_in_scenarios_have_their_line(tmp_path: Path, change: tuple[str, str], expected: str) -> None:
    """Every mistake is one line with its place."""
    path = written(tmp_path, "scenarios.yaml", SCENARIO.replace(*change, 1))

    with pytest.raises(PlanError) as caught:
        read_scenarios(path)

    assert expected in problems(caught.value, tmp_path)


def test_all_mistakes_are_said_at_once(tmp_path: Path) -> None:
    """A file with three mistakes gives three lines."""
    text = SCENARIO + SCENARIO.removeprefix("scenarios:\n").replace("{name}", "Ann") + "  - 7\n"

    with pytest.raises(PlanError) as caught:
        read_scenarios(written(tmp_path, "scenarios.yaml", text))

    assert [2, 7, 11, 12][1:] == sorted(int(line.split(":")[1]) for line in problems(caught.value, tmp_path))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("Ann,women\n,men\n", "names.csv:3: the name is empty; fill it in"),
        ("Ann,women\nBob,\n", "names.csv:3: the group is empty; fill it in"),
        (
            "Ann,women\nBob,men\nAnn,men\n",
            "names.csv:4: the name 'Ann' stands in line 2 already; a name belongs to one group",
        ),
        ("Ann,women\nBob\n", "names.csv:3: 1 field, the header has 2"),
        ("", "names.csv: a header and no rows"),
    ],
)
def test_mistakes_in_names_have_their_line(tmp_path: Path, rows: str, expected: str) -> None:
    """Every mistake is one line with its place."""
    with pytest.raises(DataError) as caught:
        read_names(written(tmp_path, "names.csv", "name,group\n" + rows))

    assert [expected] == caught.value.lines()


def test_a_names_file_without_its_columns_is_refused(tmp_path: Path) -> None:
    """A column of another name is named, with the nearest one."""
    with pytest.raises(DataError) as caught:
        read_names(written(tmp_path, "names.csv", "names,group\nAnn,women\n"))

    assert ["names.csv: no column 'name', did you mean 'names'?; found: names, group"] == caught.value.lines()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("a,x,refrence\n", "terms.csv:2: unknown role 'refrence', did you mean 'reference'?"),
        ("a,x,term\n", "terms.csv:2: 'x' has nothing to be compared with"),
        ("a,x,reference\na,x,term\n", "terms.csv:3: 'x' occurs twice"),
        ("a,x,reference\na,y,reference\n", "terms.csv:3: a has the reference 'x' already"),
        ("a,,term\n", "terms.csv:2: the term is empty"),
        ("a,x,placebo\n", "terms.csv: 1 placebos, and they are compared two by two"),
    ],
)
def test_mistakes_in_terms_have_their_line(tmp_path: Path, rows: str, expected: str) -> None:
    """Every mistake is one line with its place."""
    with pytest.raises(DataError) as caught:
        read_terms(written(tmp_path, "terms.csv", "attribute,term,role\n" + rows))

    assert expected == caught.value.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("seeds:\n  - text: I am a man.\n", "seeds.yaml:2:5: seeds.0.text: the slot {term} is missing"),
        (
            "seeds:\n  - text: '{term} {filler}'\n",
            "seeds.yaml:2:5: seeds.0.text: has the slot {filler}, and the file lists no fillers",
        ),
        ("seeds:\n  - text: '{term}'\n  - text: '{term}'\n", "seeds.yaml:3:5: seeds.1.text: '{term}' occurs twice"),
        ("fillers: cook\nseeds:\n  - text: '{term}'\n", "seeds.yaml:1:1: fillers: expected a list of words"),
        (
            "seeds:\n  - text: '{term}'\n    attributes: x\n",
            "seeds.yaml:3:5: seeds.0.attributes: expected a list of attributes",
        ),
        ("", "seeds.yaml:1:1: the file is empty"),
    ],
)
def test_mistakes_in_seeds_have_their_line(tmp_path: Path, text: str, expected: str) -> None:
    """Every mistake is one line with its place."""
    with pytest.raises(PlanError) as caught:
        read_seeds(written(tmp_path, "seeds.yaml", text))

    assert [expected] == problems(caught.value, tmp_path)


def test_fillers_multiply_a_seed_within_its_cluster(tmp_path: Path) -> None:
    """A sentence with a filler becomes one for each of them, and they stay one cluster."""
    seeds = read_seeds(written(tmp_path, "s.yaml", "fillers: [cook, nurse]\nseeds:\n  - text: 'A {term} {filler}.'\n"))

    assert ["A {term} cook.", "A {term} nurse."] == [seed.text for seed in seeds]
    assert {"A {term} {filler}."} == {seed.cluster for seed in seeds}


@pytest.mark.parametrize(
    "name",
    [
        "decision_scenarios",
        "decisions",
        "names",
        "names_by_origin",
        "identity_terms",
        "identity_comments",
        "equity_sentences",
        "generation_prompts",
        "rude_words",
        "refusal_prompts",
    ],
)
def test_cards_hold_the_digests_of_their_files(name: str) -> None:
    """Every file beside a card stands in it with its SHA-256, and the card says origin, licence and limits."""
    folder = dataset(name)
    card = yaml.safe_load((folder / "card.yaml").read_text("utf-8"))
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    files.pop("card.yaml")

    assert files == card["files"]
    assert name == card["name"]
    assert all(card[key] for key in ("title", "origin", "licence", "limits", "groups"))


def test_scenarios_are_as_their_card_says() -> None:
    """Ten a domain, half of each with yes as the good answer, 60 to 110 words, the name late, no word for a sex."""
    scenarios = read_scenarios(dataset("decision_scenarios") / "scenarios.yaml")

    assert {("hiring", "yes"): 5, ("hiring", "no"): 5, ("credit", "yes"): 5, ("credit", "no"): 5} == Counter(
        (scenario.domain, scenario.favourable) for scenario in scenarios
    )
    for scenario in scenarios:
        assert 60 <= len(scenario.text.split()) <= 110
        assert 0.8 < scenario.text.index("{name}") / len(scenario.text)
        assert scenario.text.endswith("Answer with {first} or {second}.")
        assert not re.search(r"\b(he|she|his|her|hers|him|woman|man)\b", scenario.text, re.IGNORECASE)


def test_names_are_as_their_card_says() -> None:
    """Twenty a group, the same surnames, first names of equal length and nearly equal frequency, pair by pair."""
    with (dataset("names") / "names.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    men, women = ([row for row in rows if row["group"] == group] for group in ("men", "women"))

    assert (20, 20) == (len(men), len(women))
    for man, woman in zip(men, women, strict=True):
        assert man["name"].split()[1] == woman["name"].split()[1]
        assert (
            len(man["name"].split()[0]) == len(woman["name"].split()[0]) == int(man["letters"]) == int(woman["letters"])
        )
        assert 11 / 12 <= float(woman["census_1990_percent"]) / float(man["census_1990_percent"]) <= 12 / 11


def test_terms_are_as_their_card_says() -> None:
    """Sixteen terms and as many pairs of placebos, with the same two lengths in letters."""
    terms = read_terms(dataset("identity_terms") / "terms.csv")
    lengths = {
        placebo: sorted((len(t.text), len(t.reference)) for t in terms if t.placebo is placebo)
        for placebo in (False, True)
    }

    assert 16 == len(lengths[False])
    assert lengths[False] == lengths[True]


def test_seeds_are_as_their_card_says() -> None:
    """At least 200 sentences in 20 clusters for every attribute; a person can read any of them about any term."""
    seeds = read_seeds(dataset("identity_terms") / "seeds.yaml")
    for term in read_terms(dataset("identity_terms") / "terms.csv"):
        fitting = [seed for seed in seeds if seed.fits(term.attribute)]

        assert len(fitting) >= 200
        assert len({seed.cluster for seed in fitting}) >= 20
        assert not any("{" in seed.sentence(term.text) for seed in fitting)
