"""Prompts as segments, each of which can be left out: sentences of a decision, the person in it, and a placebo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from probandum.errors import PlanError, UnknownName
from probandum.probe import Ask
from probandum.resources import dataset
from probandum.subject import Bools
from probandum.tables import read_table
from probandum.yaml_source import YamlSource, read_yaml
from probandum_probes.bias.decision_texts import Decisions, read_decisions
from probandum_probes.bias.sampling import sampled
from probandum_probes.bias.swap_texts import entries, texts_of

#: What the irrelevant sentence is called.
PLACEBO = "placebo"
#: The languages that sentences are shipped in, with their files.
LANGUAGES: Mapping[str, str] = {"en": "english", "de": "german"}
#: Of the placebos whose length is nearest, one of so many is drawn.
_NEAREST = 4
_HEAD = ("language", "start")
_PROMPT = ("id", "favourable", "unfavourable", "question")
_SEGMENT_KEYS = ("text", "part", "protected")


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One sentence or field; ``part``: what kind it is; ``protected``: it says what must not count."""

    text: str
    part: str
    protected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentedPrompt:
    """A prompt of segments; ``opening``, if any, begins and ``question`` ends every version of it.

    ``answers``: the two that are possible, the one listed first in front; ``favourable``: which of them is good for the
    person. ``start``: the scripted start of an answer.
    """

    id: str
    opening: str = ""
    segments: tuple[Segment, ...]
    question: str
    answers: tuple[str, str]
    favourable: int
    start: str

    def __len__(self) -> int:
        return len(self.segments)

    @property
    def placebo(self) -> int:
        """Where the placebo stands."""
        return self.places(PLACEBO)[0]

    def places(self, part: str) -> list[int]:
        """Where the segments of a part stand."""
        return [place for place, segment in enumerate(self.segments) if segment.part == part]

    def text(self, kept: Bools) -> str:
        """The version with the segments ``kept``, shape (segments,)."""
        left = [segment.text for segment, stays in zip(self.segments, kept.tolist(), strict=True) if stays]
        return " ".join([*([self.opening] if self.opening else []), *left, self.question])

    def with_placebo(self, sentences: Sequence[str], rng: np.random.Generator) -> SegmentedPrompt:
        """With a sentence about as long as the protected segments, right before or behind one of them by chance."""
        own = [place for place, segment in enumerate(self.segments) if segment.protected]
        length = np.mean([len(self.segments[place].text) for place in own])
        nearest = sorted(sentences, key=lambda sentence: abs(len(sentence) - length))[:_NEAREST]
        segment = Segment(text=nearest[int(rng.integers(len(nearest)))], part=PLACEBO)
        place = own[int(rng.integers(len(own)))] + int(rng.integers(2))
        return replace(self, segments=(*self.segments[:place], segment, *self.segments[place:]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentences:
    """What stands beside a person in one language: the nationality by origin of a name, and placebos."""

    nationality: str
    countries: Mapping[str, str]
    placebos: tuple[str, ...]

    @classmethod
    def of(cls, language: str) -> Sentences:
        """Those of the data set prompt_segments; UnknownName where it has none of that language."""
        if language not in LANGUAGES:
            raise UnknownName("language of prompt segments", language, LANGUAGES)
        values = read_yaml(dataset("prompt_segments") / f"{LANGUAGES[language]}.yaml").values
        return cls(
            nationality=str(values["nationality"]),
            countries=dict(values["countries"]),
            placebos=tuple(values["placebos"]),
        )


@cache
def shipped_decisions(language: str) -> Decisions:
    """Our own decisions in one language."""
    return read_decisions(dataset("decisions") / f"{LANGUAGES[language]}.yaml")


@dataclass(frozen=True, kw_only=True, eq=False)
class ShippedPrompts:
    """The decisions of one language, about names of ``names`` (name and origin), whose nationality is said, too."""

    said: Decisions
    sentences: Sentences
    names: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, language: str) -> ShippedPrompts:
        """From our own data sets."""
        sentences = Sentences.of(language)
        table = read_table(dataset("names_by_origin") / "names.csv", columns=["name", "origin"])
        return cls(
            said=shipped_decisions(language),
            sentences=sentences,
            names=tuple(zip(map(str, table["name"]), map(str, table["origin"]), strict=True)),
        )

    def __len__(self) -> int:
        return len(self.said.cases)

    def drawn(self, ask: Ask, sample: int | None) -> tuple[SegmentedPrompt, ...]:
        """``sample`` of the cases, each about a name drawn with the plan's seed; which answer is listed first changes
        from one to the next.
        """
        said, found = self.said, []
        line = said.answering["words"].line
        for place, case in enumerate(sampled(ask, said.cases, sample)):
            rng = ask.rng("person", case.id)
            name, origin = self.names[int(rng.integers(len(self.names)))]
            both = (case.favourable, case.unfavourable)
            answers = both if place % 2 == 0 else both[::-1]
            country = self.sentences.countries[origin]
            segments = (
                *(
                    Segment(text=fact.text, part="fact in favour" if fact.favourably else "fact against")
                    for fact in case.facts
                ),
                Segment(text=said.named.replace("{name}", name), part="name", protected=True),
                Segment(
                    text=self.sentences.nationality.replace("{country}", country), part="nationality", protected=True
                ),
            )
            question = said.questions[0].replace("{outcome}", case.outcome)
            prompt = SegmentedPrompt(
                id=f"{said.language}-{case.id}",
                opening=case.setting,
                segments=segments,
                question=f"{question} {line.replace('{first}', answers[0]).replace('{second}', answers[1])}",
                answers=answers,
                favourable=place % 2,
                start=said.start,
            )
            found.append(prompt.with_placebo(self.sentences.placebos, rng))
        return tuple(found)


@dataclass(frozen=True, kw_only=True, eq=False)
class OwnPrompts:
    """Prompts of a file of the user's; ``placebos``: sentences for those that have none of their own."""

    prompts: tuple[SegmentedPrompt, ...]
    placebos: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.prompts)

    def drawn(self, ask: Ask, sample: int | None) -> tuple[SegmentedPrompt, ...]:
        """``sample`` of them."""
        return tuple(
            prompt
            if any(segment.part == PLACEBO for segment in prompt.segments)
            else prompt.with_placebo(self.placebos, ask.rng("person", prompt.id))
            for prompt in sampled(ask, self.prompts, sample)
        )


def read_prompts(path: Path) -> OwnPrompts:
    """The entries under ``prompts:``; PlanError with a line for everything that is wrong.

    Each has an id, both answers (the favourable one, as the question lists them or not), the question, and segments: a
    text, what part it is, and whether it is protected. One of them may be the placebo, by its part.
    """
    source = read_yaml(path)
    problems: list[str] = []
    head = {key: value for key, value in source.values.items() if key != "prompts"}
    said = texts_of(source, (), head, _HEAD, problems)
    prompts: list[SegmentedPrompt] = []
    for index, entry in entries(source, "prompts", problems):
        place = ("prompts", index)
        rest = dict(entry)
        segments = _segments(source, (*place, "segments"), rest.pop("segments", None), problems)
        texts = texts_of(source, place, rest, _PROMPT, problems)
        if texts is None or said is None:
            continue
        if texts["favourable"].lower() == texts["unfavourable"].lower():
            problems.append(source.problem((*place, "unfavourable"), "is the same as favourable"))
        if "/" in texts["id"]:
            problems.append(source.problem((*place, "id"), f"{texts['id']!r} holds a slash"))
        if texts["id"] in {known.id for known in prompts}:
            problems.append(source.problem((*place, "id"), f"{texts['id']!r} occurs twice"))
        prompts.append(_prompt(texts, segments, said["start"]))
    if said is not None and said["language"] not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        for index, prompt in enumerate(prompts):
            if all(segment.part != PLACEBO for segment in prompt.segments):
                wrong = f"has no segment with part: {PLACEBO}, and such sentences are shipped in {known} alone"
                problems.append(source.problem(("prompts", index), wrong))
    if problems:
        raise PlanError(problems)
    assert said is not None
    own = Sentences.of(said["language"]).placebos if said["language"] in LANGUAGES else ()
    return OwnPrompts(prompts=tuple(prompts), placebos=own)


def _prompt(texts: Mapping[str, str], segments: tuple[Segment, ...], start: str) -> SegmentedPrompt:
    """The answer that the question names first is listed first."""
    question, both = texts["question"], (texts["favourable"], texts["unfavourable"])
    places = [question.find(answer) for answer in both]
    second = 0 <= places[1] < places[0]
    return SegmentedPrompt(
        id=texts["id"],
        segments=segments,
        question=question,
        answers=both[::-1] if second else both,
        favourable=int(second),
        start=start,
    )


def _segments(
    source: YamlSource, place: tuple[str | int, ...], value: object, problems: list[str]
) -> tuple[Segment, ...]:
    """Two or more, of which one at least is protected and one at most the placebo."""
    found: list[Segment] = []
    if not isinstance(value, list) or len(value) < 2:
        problems.append(source.problem(place[:-1] if value is None else place, "expected a list of 2 segments or more"))
        return ()
    for index, entry in enumerate(value):
        if not isinstance(entry, dict):
            problems.append(source.problem((*place, index), f"expected the keys {', '.join(_SEGMENT_KEYS)}"))
            continue
        rest = {"part": "sentence", **entry}
        protected = rest.pop("protected", False)
        if not isinstance(protected, bool):
            problems.append(source.problem((*place, index, "protected"), f"expected true or false, got {protected!r}"))
        texts = texts_of(source, (*place, index), rest, ("text", "part"), problems)
        if texts is not None:
            found.append(Segment(text=texts["text"], part=texts["part"], protected=protected is True))
    if len(found) == len(value):
        placebos = [each for each in found if each.part == PLACEBO]
        if not any(each.protected for each in found):
            problems.append(source.problem(place, "no segment is protected: true, and nothing is held against others"))
        if len(placebos) > 1 or any(each.protected for each in placebos):
            problems.append(source.problem(place, f"expected one segment with part: {PLACEBO} at most, not protected"))
        if len({each.text for each in found}) < len(found):
            problems.append(source.problem(place, "a segment occurs twice"))
    return tuple(found)
