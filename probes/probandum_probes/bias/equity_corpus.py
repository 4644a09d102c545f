"""The same sentence about many persons: does who they are move the intensity that a classifier reads in it?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from probandum import stats
from probandum.controls import Examined
from probandum.errors import DataError, UnknownName
from probandum.evidence import Capability, Floats, Items, Request
from probandum.finding import Estimate, Groups, SubReason
from probandum.probe import Ask, Measure, probe
from probandum.resources import dataset
from probandum.units import so_many
from probandum_probes.bias.barring import judged, too_small, unsaid
from probandum_probes.bias.contrasts import crossed_mean
from probandum_probes.bias.equity_controls import finds_planted_intensity, quiet_within_groups
from probandum_probes.bias.equity_texts import Person, Sentence, paired, read_people, read_sentences
from probandum_probes.bias.requirements import DIFFERENCES
from probandum_probes.bias.sampling import refuse_sample, sampled
from probandum_probes.bias.swap_sources import NOT_MATCHED
from probandum_probes.bias.text_answers import class_place, unclassified
from probandum_probes.estimates import from_clusters

ID = "bias.equity-corpus"
_DESIGN = "two_way=sentence x person"
#: Fewest sentences, and persons a group, that allow a verdict.
FEWEST_SENTENCES = 40
FEWEST_PERSONS = 20


@dataclass(frozen=True, kw_only=True, eq=False)
class Intensities:
    """P(class) of every sentence about every person, by class, shape (sentences, persons)."""

    sentences: tuple[Sentence, ...]
    people: tuple[Person, ...]
    values: Mapping[str, Floats]

    def columns(self, attribute: str, group: str) -> list[int]:
        """The places of a group's persons."""
        return [
            place for place, person in enumerate(self.people) if (person.attribute, person.group) == (attribute, group)
        ]

    def table(self, label: str, emotion: str, columns: Sequence[int]) -> Floats:
        """The values of the sentences of one emotion about some persons, shape (sentences, persons)."""
        rows = [place for place, sentence in enumerate(self.sentences) if sentence.emotion == emotion]
        return self.values[label][np.ix_(rows, list(columns))]

    @property
    def emotions(self) -> tuple[str, ...]:
        """All emotions, in the order of the file."""
        return tuple(dict.fromkeys(sentence.emotion for sentence in self.sentences))


@probe(
    ID,
    version=1,
    requirements=DIFFERENCES,
    needs=Capability.CLASSIFY,
    metrics={"intensity": "share", "intensity-difference": "share difference"},
    facets=["emotion", "label"],
    attributes=None,
    judged=("intensity-difference",),
)
class EquityCorpus:
    """How much intensity a classifier reads into the same sentence about persons of another group, emotion by emotion.

    With f the probability of a class, each sentence is asked about every person, so that sentences and persons cross.
    ``intensity-difference`` = mean of f about a group less mean of f about its reference, from -1 to 1, neutral 0, of
    every emotion in which sentences differ by a word only. Where persons come in pairs (my sister, my brother) it is
    the mean of f about one less f about the other, sentences and pairs being samples; otherwise (names) the two-way
    interval of sentences and names nested in groups (Clark 1973). ``intensity``: the mean by group, shown.

    The difference may be judged, over all emotions and classes as one family (Holm). A verdict needs 40 sentences of
    an emotion and 20 persons a group. A text that was declined, or an answer that is none, is an ERROR. Sentences are
    short and written for the test: they say what a word for a person does, and little about real texts.

    ``texts``: a file of your own with ``sentences``, each with the slots {person} and {feeling}, and ``feelings``,
    words by emotion; without these there is one emotion without a name. ``people``: a file of your own with
    ``attribute``, ``group``, ``person`` and perhaps ``pair``; the first group of an attribute is compared with the
    last, which is the reference, or with the one that ``references`` names. ``attributes``: which of the file's.
    ``class_names``: the classes whose probability is f, by default the last. ``sample``: so many sentences only, each
    with all its emotions, drawn with the plan's seed.

    Kiritchenko and Mohammad 2018.
    """

    controls: ClassVar = (
        Examined(name="planted intensity for one group", kind="positive", function=finds_planted_intensity),
        Examined(name="persons of one group, split at random", kind="negative", function=quiet_within_groups),
    )

    def __init__(
        self,
        *,
        texts: Path | None = None,
        people: Path | None = None,
        attributes: Sequence[str] = (),
        references: Mapping[str, str] | None = None,
        class_names: Sequence[str] = (),
        sample: int | None = None,
    ) -> None:
        refuse_sample(ID, sample)
        self.texts, self.people, self.attributes = texts, people, tuple(attributes)
        self.references, self.class_names, self.sample = references, tuple(class_names), sample
        folder = dataset("equity_sentences")
        self.sentences = read_sentences(texts or folder / "sentences.yaml")
        known = read_people(people or folder / "people.csv")
        for attribute in (*self.attributes, *(references or {})):
            if attribute not in {person.attribute for person in known}:
                raise UnknownName("attribute", attribute, {person.attribute for person in known})
        self.persons = tuple(each for each in known if not attributes or each.attribute in attributes)
        self.pairs = tuple(self._pairs())
        if not self.pairs:
            raise DataError("no attribute has two groups of persons to compare", remedy="give persons of two groups")

    def _design(self, attribute: str) -> str:
        """What is sampled, and what the shipped names of an origin are not matched on."""
        return f"{_DESIGN}; {NOT_MATCHED}" if self.people is None and attribute == "origin" else _DESIGN

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Ask about everybody in one round, and compare."""
        found = self.asked(ask)
        if isinstance(found, str):
            for pair in self.pairs:
                yield unsaid("intensity-difference", found, pair)
            return
        for label in found.values:
            for emotion in found.emotions:
                facets = {"label": label} | ({"emotion": emotion} if emotion else {})
                for attribute, group in dict.fromkeys((each.attribute, each.group) for each in self.persons):
                    where = Groups(attribute=attribute, group=group)
                    yield _intensity(found.table(label, emotion, found.columns(attribute, group)), where, facets)
                for pair in self.pairs:
                    yield _difference(found, label, emotion, pair, facets, self._design(pair.attribute))

    def asked(self, ask: Ask) -> Intensities | str:
        """What is said of every sentence about every person, or why some answers cannot be used."""
        frames = set(sampled(ask, list(dict.fromkeys(each.frame for each in self.sentences)), self.sample))
        sentences = tuple(each for each in self.sentences if each.frame in frames)
        places = {name: class_place(ask, name) for name in self.class_names} or {
            ask.labels[-1] if ask.labels else "": class_place(ask, None)
        }
        requests = [
            Request(
                kind=Capability.CLASSIFY,
                inputs=tuple(sentence.about(person.text) for sentence in sentences),
                keys=tuple(sentence.text for sentence in sentences),
                groups=(person.text,) * len(sentences),
            )
            for person in self.persons
        ]
        columns: list[Floats] = []
        for request, response in zip(requests, ask(requests), strict=True):
            if why := unclassified(request, response, max(places.values())):
                return f"{request.groups[0]}: {why}"
            columns.append(np.asarray(response.values, dtype=np.float64))
        values = {name: np.column_stack([each[:, place] for each in columns]) for name, place in places.items()}
        return Intensities(sentences=sentences, people=self.persons, values=values)

    def _pairs(self) -> Iterator[Groups]:
        """Every group with the reference of its attribute."""
        groups: dict[str, list[str]] = {}
        for person in self.persons:
            of = groups.setdefault(person.attribute, [])
            if person.group not in of:
                of.append(person.group)
        for attribute, names in groups.items():
            reference = (self.references or {}).get(attribute, names[-1])
            if reference not in names:
                raise UnknownName(f"group of {attribute}", reference, names)
            for group in names:
                if group != reference:
                    yield Groups(attribute=attribute, group=group, reference=reference)


def compared(table: Floats, people: Sequence[Person], first: Sequence[int], second: Sequence[int]) -> stats.Interval:
    """The interval of a group less its reference; ``table``: shape (sentences, first and second persons)."""
    partners = paired([people[place] for place in first], [people[place] for place in second])
    own, others = table[:, : len(first)], table[:, len(first) :]
    if partners is None:
        return stats.two_way_interval(own, others)
    ours, theirs = ([pair[side] for pair in partners] for side in (0, 1))
    return crossed_mean(own[:, ours] - others[:, theirs])


def _difference(
    found: Intensities, label: str, emotion: str, pair: Groups, facets: Mapping[str, str], design: str
) -> Measure:
    first, second = (found.columns(pair.attribute, str(group)) for group in (pair.group, pair.reference))
    table = found.table(label, emotion, [*first, *second])
    small = _too_small(table, (pair.group, len(first)), (str(pair.reference), len(second)))
    if len(table) < 2 or min(len(first), len(second)) < 2:
        return unsaid("intensity-difference", str(small), pair, SubReason.SMALL_GROUP, facets=facets)
    interval = compared(table, found.people, first, second)
    frames = [sentence.frame for sentence in found.sentences if sentence.emotion == emotion]
    names = [found.people[place].text for place in (*first, *second)]
    return judged(
        "intensity-difference",
        from_clusters(interval, n=table.size, unit="share", design=design),
        too_small(small),
        pair,
        facets=facets,
        items=Items(
            keys=tuple(f"{frame}/{name}" for frame in frames for name in names),
            strata=tuple(found.people[place].group for _ in frames for place in (*first, *second)),
            values=tuple(table.ravel().tolist()),
            unit="share",
            form="two-way",
            clusters=tuple(frame for frame in frames for _ in names),
            crossed=tuple(names) * len(frames),
            sides=tuple(1 if place < len(first) else -1 for _ in frames for place in range(len(names))),
        ),
    )


def _too_small(table: Floats, *groups: tuple[str, int]) -> str | None:
    if len(table) < FEWEST_SENTENCES:
        return f"{so_many(len(table), 'sentences')}; a verdict needs {FEWEST_SENTENCES}"
    for group, count in groups:
        if count < FEWEST_PERSONS:
            return f"{group} has {so_many(count, 'persons')}; a verdict needs {FEWEST_PERSONS}"
    return None


def _intensity(table: Floats, where: Groups, facets: Mapping[str, str]) -> Measure:
    """What one group gets, on average."""
    if min(table.shape) < 2:
        estimate = Estimate.missing("one sentence or person alone has no interval", n=table.size, unit="share")
    else:
        interval = crossed_mean(table)
        estimate = from_clusters(interval, n=table.size, unit="share", design=_DESIGN)
    return Measure(metric="intensity", groups=where, facets=facets, estimate=estimate, mode="disclosure")
