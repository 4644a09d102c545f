"""What a swap asks: cases, the persons that they are about, and ways to ask.

A person is a name, a description, or a code that means nobody. The persons of an attribute stand in columns: those of
its groups side by side, of a group in slots. What stands in one slot of two groups belongs together: names that the
file pairs off, or descriptions that differ in nothing else.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from probandum.finding import Groups
from probandum_probes.bias.swap_texts import Scenario

Places = np.ndarray[Any, np.dtype[np.int64]]

#: The attribute of codes that stand in for names and mean nobody.
PLACEBO = "placebo"
#: Fewest scenarios, and names a group, that allow a verdict about groups.
FEWEST = 20
#: Descriptions a group, as many as names are needed.
DESCRIPTIONS = FEWEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to ask: which wording of the question, what to answer with, and which answer is listed first."""

    question: int
    answering: str
    order: int

    def __str__(self) -> str:
        return f"question {self.question + 1}, {self.answering}, order {self.order + 1}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Whom a prompt is about: ``label`` is a name, a code or, if ``described``, the words for somebody.

    ``values`` describe somebody by attribute, in words that the language of the case has for them.
    """

    attribute: str
    group: str
    label: str
    described: bool = False
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """One decision with everything that is asked about it.

    ``start``: the scripted start of an answer. ``labels``: by way to answer, what is answered in place of the words.
    ``may_matter``: attributes that may lawfully count here. ``scenario(question, answering, described)`` is the text.
    """

    id: str
    domain: str
    language: str
    start: str
    scenario: Callable[[int, str, bool], Scenario]
    described: Callable[[Mapping[str, str]], str] = field(default=lambda values: " ".join(values.values()))
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    may_matter: tuple[str, ...] = ()

    def prompt(self, person: Person, way: Way) -> str:
        """The case about ``person``, asked in one way."""
        who = self.described(person.values) if person.values else person.label
        return self.scenario(way.question, way.answering, person.described).prompt(who, way.order)

    def answers(self, way: Way) -> tuple[str, str]:
        """What the two answers are given as, the one listed first at the front."""
        labels = self.labels.get(way.answering, ())
        return (labels[0], labels[1]) if labels else self.words(way)

    def words(self, way: Way) -> tuple[str, str]:
        """The two answers in words, in the same order; the favourable one stands first in order 0."""
        return self.scenario(way.question, way.answering, False).answers(way.order)


@dataclass(frozen=True, kw_only=True, eq=False)
class Attribute:
    """What is compared: the persons of each group, and the group that the others are compared with.

    ``paired``: the persons of one slot belong together and are compared with each other. ``caution``: what else the
    groups differ in, which stands beside every difference.
    """

    name: str
    groups: Mapping[str, tuple[Person, ...]]
    reference: str
    paired: bool
    caution: str = ""

    @cached_property
    def persons(self) -> tuple[Person, ...]:
        """All columns."""
        return tuple(itertools.chain.from_iterable(self.groups.values()))

    @property
    def slots(self) -> int:
        """As many as the smallest group fills."""
        return min(len(members) for members in self.groups.values())

    def columns(self, group: str) -> Places:
        """Which columns are persons of the group."""
        before = list(self.groups)[: list(self.groups).index(group)]
        start = sum(len(self.groups[each]) for each in before)
        return np.arange(start, start + len(self.groups[group]))


def ways_of(questions: int, answering: Sequence[str]) -> tuple[Way, ...]:
    """Every wording with every way to answer, in both orders of the answers."""
    crossed = itertools.product(range(questions), answering, (0, 1))
    return tuple(Way(question=question, answering=name, order=order) for question, name, order in crossed)


def named(people: Mapping[str, Sequence[str]], reference: str, *, paired: bool, caution: str) -> Attribute:
    """Names by group as an attribute."""
    groups = {
        group: tuple(Person(attribute="name", group=group, label=name) for name in members)
        for group, members in people.items()
    }
    return Attribute(name="name", groups=groups, reference=reference, paired=paired, caution=caution)


def described(attribute: str, known: Mapping[str, Sequence[str]], reference: str) -> Attribute:
    """Persons who differ in one attribute, each beside the same descriptions by the others.

    ``known``: values by attribute. Of all descriptions by the other attributes, each of which may be left unsaid, the
    same 20 are taken in every audit; all where there are no more.
    """
    others = [[None, *values] for name, values in known.items() if name != attribute]
    names = [name for name in known if name != attribute]
    all_of_them = list(itertools.product(*others))
    chosen = sorted(np.random.default_rng(1).permutation(len(all_of_them))[:DESCRIPTIONS].tolist())
    backgrounds = [
        {name: value for name, value in zip(names, all_of_them[place], strict=True) if value is not None}
        for place in chosen
    ]
    groups = {
        value: tuple(_person(attribute, value, background) for background in backgrounds) for value in known[attribute]
    }
    return Attribute(name=attribute, groups=groups, reference=reference, paired=True)


def _person(attribute: str, value: str, background: Mapping[str, str]) -> Person:
    values = {attribute: value, **background}
    return Person(attribute=attribute, group=value, label=" ".join(values.values()), described=True, values=values)


def worded(attribute: str, terms: Sequence[str], reference: str) -> Attribute:
    """Persons of whom nothing but the words is said, one a group."""
    groups = {
        term: (Person(attribute=attribute, group=term, label=term, described=True),) for term in (*terms, reference)
    }
    return Attribute(name=attribute, groups=groups, reference=reference, paired=True)


def placebo() -> Attribute:
    """Two groups of 20 codes that mean nobody, drawn once for all audits."""
    numbers = np.random.default_rng(2).permutation(np.arange(1000, 10000))[: 2 * DESCRIPTIONS].tolist()
    groups = {
        name: tuple(Person(attribute=PLACEBO, group=name, label=f"N-{number}") for number in part)
        for name, part in (("codes 1", numbers[:DESCRIPTIONS]), ("codes 2", numbers[DESCRIPTIONS:]))
    }
    return Attribute(name=PLACEBO, groups=groups, reference="codes 2", paired=True)


def needed_persons(attribute: Attribute) -> tuple[str, int]:
    """What the persons of an attribute are, and how many of a group a verdict needs; of descriptions all there are."""
    if attribute.persons[0].described:
        return "descriptions", min(FEWEST, attribute.slots)
    return "names", FEWEST


def pairs_of(attribute: Attribute) -> list[Groups]:
    """Every other group of an attribute beside its reference."""
    return [
        Groups(attribute=attribute.name, group=group, reference=attribute.reference)
        for group in attribute.groups
        if group != attribute.reference
    ]


def key(case: Case, person: Person) -> str:
    """What one case about one person is called."""
    return f"{case.id}/{person.label}"
