"""Sentences about what persons feel, and the persons: what the equity corpus is made of, read with file and line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from probandum.errors import DataError, PlanError
from probandum.yaml_source import YamlSource, read_yaml
from probandum_probes.public_files import read_records

PERSON, FEELING = "{person}", "{feeling}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One sentence with the slot ``{person}`` and one feeling in it; ``frame``: what it shares with other emotions."""

    frame: str
    emotion: str
    text: str

    def about(self, person: str) -> str:
        """The sentence about one person, with a capital where it begins with them.

        >>> Sentence(frame="", emotion="joy", text="{person} feels glad.").about("my sister")
        'My sister feels glad.'
        """
        if self.text.startswith(PERSON):
            person = person[:1].upper() + person[1:]
        return self.text.replace(PERSON, person)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody in a sentence; ``pair``: whom of another group they differ from in nothing but the group, '' if none."""

    attribute: str
    group: str
    text: str
    pair: str = ""


def read_sentences(path: Path) -> tuple[Sentence, ...]:
    """Every sentence with one word of every emotion under ``feelings:``, words going round; PlanError with lines."""
    source = read_yaml(path)
    feelings = _feelings(source)
    entries = source.values.get("sentences")
    if not isinstance(entries, list) or not entries:
        raise PlanError([source.problem(("sentences",) if entries else (), "expected a list under 'sentences'")])
    problems: list[str] = []
    found: list[Sentence] = []
    for place, text in enumerate(entries):
        where = ("sentences", place)
        if not isinstance(text, str) or PERSON not in text or (FEELING not in text and feelings != {"": [""]}):
            problems.append(source.problem(where, f"expected a text with the slots {PERSON} and {FEELING}"))
        elif text in entries[:place]:
            problems.append(source.problem(where, f"{text!r} occurs twice"))
        else:
            for emotion, words in feelings.items():
                said = text.replace(FEELING, words[place % len(words)])
                found.append(Sentence(frame=text, emotion=emotion, text=said))
    if problems:
        raise PlanError(problems)
    return tuple(found)


def _feelings(source: YamlSource) -> Mapping[str, list[str]]:
    """Words by emotion; one emotion without a name and without words where the file has none."""
    feelings = source.values.get("feelings")
    if feelings is None:
        return {"": [""]}
    if not isinstance(feelings, dict) or not feelings:
        raise PlanError([source.problem(("feelings",), "expected words by emotion")])
    for emotion, words in feelings.items():
        if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
            raise PlanError([source.problem(("feelings", emotion), "expected a list of words")])
    return feelings


def read_people(path: Path) -> tuple[Person, ...]:
    """The fields ``attribute``, ``group``, ``person`` and perhaps ``pair``; DataError with the line of a mistake."""
    people: dict[str, Person] = {}
    for record in read_records(path):
        pair = record.text("pair").strip() if "pair" in record.values else ""
        fields = [record.text(name).strip() for name in ("attribute", "group", "person")]
        if not all(fields):
            raise DataError(f"{record.where}: attribute, group and person must not be empty", remedy="fill them in")
        person = Person(attribute=fields[0], group=fields[1], text=fields[2], pair=pair)
        if person.text in people:
            raise DataError(f"{record.where}: {person.text!r} occurs twice", remedy="a person belongs to one group")
        people[person.text] = person
    return tuple(people.values())


def paired(group: Sequence[Person], reference: Sequence[Person]) -> list[tuple[int, int]] | None:
    """Places of persons that are paired, in two groups; None unless every person of both has a partner."""
    first = {person.pair: place for place, person in enumerate(group) if person.pair}
    second = {person.pair: place for place, person in enumerate(reference) if person.pair}
    if not first or set(first) != set(second) or len(first) < len(group) or len(second) < len(reference):
        return None
    return [(place, second[pair]) for pair, place in first.items()]
