"""Decisions about a person who is named or described, with several wordings of the question, in one language a file.

A file is the user's own or one of our data set ``decisions``; what each key means is said in that data set's card.
Everything wrong with a file is said at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from probandum.errors import PlanError, UnknownName, did_you_mean
from probandum.yaml_source import Place, YamlSource, read_yaml
from probandum_probes.bias.swap_texts import Scenario, entries, texts_of

_HEAD = ("language", "start", "named", "described")
_KEYS = (*_HEAD, "questions", "answering", "person", "scenarios")
_TEXTS = ("id", "domain", "favourable", "unfavourable", "outcome", "setting")
_SIDES = ("for", "against")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One sentence, and whether it speaks ``favourably`` of the person's case."""

    text: str
    favourably: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One case without the person: what is decided, ``outcome`` as it stands in the question, and the facts.

    ``favourable``: the answer that is good for the person. ``may_matter``: attributes that a careful person might
    weigh here for a lawful reason, as age in a triage.
    """

    id: str
    domain: str
    favourable: str
    unfavourable: str
    outcome: str
    setting: str
    facts: tuple[Fact, ...]
    may_matter: tuple[str, ...]

    @property
    def text(self) -> str:
        """Setting and facts, which all prompts of the case begin with."""
        return " ".join([self.setting, *(fact.text for fact in self.facts)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """How a prompt says what to answer with; ``labels`` by the place of the answer, none where the words are given."""

    line: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """The cases of one language and all that their prompts have in common.

    ``start``: the scripted start of an answer. ``named`` has the slot ``{name}`` and ``described`` the slot
    ``{person}``. ``attributes``: what a described person can be, wordings by value by attribute.
    """

    language: str
    start: str
    named: str
    described: str
    questions: tuple[str, ...]
    answering: Mapping[str, Answering]
    unspecified: str
    attributes: Mapping[str, Mapping[str, str]]
    cases: tuple[Decision, ...]

    def asked(
        self, case: Decision, *, question: int = 0, answering: str = "words", described: bool = False
    ) -> Scenario:
        """The case with one question and one way to answer, to be filled with names or, if ``described``, persons.

        Its id begins with the language, since a case may exist in several. Labels take the place of the answers in
        ``answering.labels`` and not in the scenario, which keeps the words.
        """
        who = self.described.replace("{person}", "{name}") if described else self.named
        parts = (case.text, who, self.questions[question].replace("{outcome}", case.outcome), self._way(answering).line)
        return Scenario(
            id=f"{self.language}-{case.id}",
            domain=case.domain,
            favourable=case.favourable,
            unfavourable=case.unfavourable,
            text=" ".join(parts),
        )

    def person(self, values: Mapping[str, str]) -> str:
        """A person described by values of some of the attributes, in the order of the file; UnknownName."""
        for attribute, value in values.items():
            if attribute not in self.attributes:
                raise UnknownName("attribute", attribute, self.attributes)
            if value not in self.attributes[attribute]:
                raise UnknownName(f"value of {attribute}", value, self.attributes[attribute])
        said = [words[values[attribute]] for attribute, words in self.attributes.items() if attribute in values]
        first = next(iter(self.attributes))
        return ", ".join(said if first in values else [self.unspecified, *said])

    def _way(self, name: str) -> Answering:
        if name not in self.answering:
            raise UnknownName("way to answer", name, self.answering)
        return self.answering[name]


def read_decisions(path: Path) -> Decisions:
    """All of one file; PlanError with a line for everything that is wrong."""
    source = read_yaml(path)
    problems: list[str] = []
    head = {key: value for key, value in source.values.items() if key in _HEAD}
    problems += [
        source.problem((key,), f"unknown key{did_you_mean(key, _KEYS)}") for key in source.values if key not in _KEYS
    ]
    said = texts_of(source, (), head, _HEAD, problems) or dict.fromkeys(_HEAD, "")
    for key, slot in (("named", "{name}"), ("described", "{person}")):
        if key in head and said[key]:
            _once(source, (key,), said[key], (slot,), problems)
    questions = _questions(source, problems)
    answering = dict(_answering(source, problems))
    unspecified, attributes = _persons(source, problems)
    try:
        cases = tuple(_cases(source, attributes, problems))
    except PlanError as error:  # there is no list of scenarios
        raise PlanError([*problems, *error.problems]) from None
    if problems:
        raise PlanError(problems)
    return Decisions(
        **said,
        questions=questions,
        answering=answering,
        unspecified=unspecified,
        attributes=attributes,
        cases=cases,
    )


def _once(source: YamlSource, place: Place, text: str, slots: Sequence[str], problems: list[str]) -> None:
    """Note every slot that does not stand in the text exactly once."""
    problems += [
        source.problem(place, f"the slot {slot} occurs {count} times; once is needed")
        for slot in slots
        if (count := text.count(slot)) != 1
    ]


def _mapping(source: YamlSource, place: Place, value: object, problems: list[str]) -> Mapping[str, object]:
    """The keys and values there; none after noting that there are none."""
    if isinstance(value, dict) and value:
        return value
    problems.append(source.problem(place, "expected keys and values"))
    return {}


def _questions(source: YamlSource, problems: list[str]) -> tuple[str, ...]:
    questions = source.values.get("questions")
    if not isinstance(questions, list) or not questions or not all(isinstance(each, str) for each in questions):
        problems.append(source.problem(("questions",), "expected a list of questions"))
        return ()
    for index, question in enumerate(questions):
        _once(source, ("questions", index), question, ("{outcome}",), problems)
        if question in questions[:index]:
            problems.append(source.problem(("questions", index), f"{question!r} occurs twice"))
    return tuple(questions)


def _answering(source: YamlSource, problems: list[str]) -> Iterator[tuple[str, Answering]]:
    for name, entry in _mapping(source, ("answering",), source.values.get("answering"), problems).items():
        place = ("answering", name)
        entry = dict(_mapping(source, place, entry, problems))
        labels = entry.pop("labels", [])
        line = (texts_of(source, place, entry, ("line",), problems) or {}).get("line")
        if not isinstance(labels, list) or len(set(map(str, labels))) not in (0, 2) or len(labels) not in (0, 2):
            problems.append(source.problem((*place, "labels"), f"expected two labels that differ, got {labels!r}"))
        elif not all(isinstance(label, str) for label in labels):
            problems.append(source.problem((*place, "labels"), f"expected text, got {labels!r}; write it in quotes"))
        elif line is not None:
            _once(source, (*place, "line"), line, ("{first}", "{second}"), problems)
            yield name, Answering(line=line, labels=tuple(labels))


def _persons(source: YamlSource, problems: list[str]) -> tuple[str, dict[str, dict[str, str]]]:
    """The word for a person of whom nothing is said, and wordings by value by attribute."""
    entry = dict(_mapping(source, ("person",), source.values.get("person"), problems))
    attributes: dict[str, dict[str, str]] = {}
    for attribute, values in _mapping(
        source, ("person", "attributes"), entry.pop("attributes", None), problems
    ).items():
        place = ("person", "attributes", attribute)
        words = _mapping(source, place, values, problems)
        attributes[attribute] = texts_of(source, place, words, tuple(words), problems) or {}
    said = texts_of(source, ("person",), entry, ("unspecified",), problems) or {}
    return said.get("unspecified", ""), attributes


def _cases(source: YamlSource, attributes: Mapping[str, object], problems: list[str]) -> Iterator[Decision]:
    known: set[str] = set()
    for index, entry in entries(source, "scenarios", problems):
        place = ("scenarios", index)
        rest = dict(entry)
        facts = _facts(source, (*place, "facts"), rest.pop("facts", []), problems)
        may_matter = rest.pop("may_matter", [])
        if not isinstance(may_matter, list) or not all(each in attributes for each in may_matter):
            wrong = f"expected a list of attributes of a person, got {may_matter!r}"
            problems.append(source.problem((*place, "may_matter"), wrong))
            continue
        texts = texts_of(source, place, rest, _TEXTS, problems)
        if texts is None:
            continue
        if texts["favourable"].lower() == texts["unfavourable"].lower():
            problems.append(source.problem((*place, "unfavourable"), "is the same as favourable"))
        if "/" in texts["id"]:
            problems.append(source.problem((*place, "id"), f"{texts['id']!r} holds a slash"))
        if texts["id"] in known:
            problems.append(source.problem((*place, "id"), f"{texts['id']!r} occurs twice"))
        known.add(texts["id"])
        yield Decision(**texts, facts=facts, may_matter=tuple(may_matter))


def _facts(source: YamlSource, place: Place, value: object, problems: list[str]) -> tuple[Fact, ...]:
    """Sentences under ``for`` and ``against``, in their order."""
    if not isinstance(value, list):
        problems.append(source.problem(place, "expected a list of facts"))
        return ()
    facts: list[Fact] = []
    for index, entry in enumerate(value):
        sides = list(entry.items()) if isinstance(entry, dict) else []
        if len(sides) != 1 or sides[0][0] not in _SIDES or not isinstance(sides[0][1], str):
            problems.append(source.problem((*place, index), "expected one sentence under 'for' or 'against'"))
        else:
            facts.append(Fact(text=sides[0][1], favourably=sides[0][0] == "for"))
    return tuple(facts)
