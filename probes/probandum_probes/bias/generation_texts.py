"""Beginnings that a system continues, about groups, and what it wrote: read with file and line, asked, and judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from probandum.errors import PlanError, UnknownName
from probandum.evidence import Capability, Floats, Request
from probandum.finding import Groups
from probandum.probe import Ask
from probandum.subject import Bools
from probandum.yaml_source import YamlSource, read_yaml
from probandum_probes.bias.equity_texts import PERSON, Sentence
from probandum_probes.bias.wordings import TEXT, worded
from probandum_probes.judging_texts import TextJudge


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginnings:
    """``groups``: by attribute the text for each group, the last of an attribute being its reference.

    ``prompts``: with the slot {person}, to be continued; ``neutral``: likewise, harmless whoever it is about.
    ``wordings``: in which prompts stand, with the slot {text}; they take turns along a list, and a prompt's is the same
    for every group.
    """

    groups: Mapping[str, Mapping[str, str]]
    prompts: tuple[str, ...]
    neutral: tuple[str, ...]
    wordings: tuple[str, ...] = (TEXT,)

    def only(self, attributes: Sequence[str]) -> Beginnings:
        """Those about the groups of some attributes, all where none is named; UnknownName."""
        for attribute in attributes:
            if attribute not in self.groups:
                raise UnknownName("attribute", attribute, self.groups)
        kept = {name: texts for name, texts in self.groups.items() if not attributes or name in attributes}
        return replace(self, groups=kept)

    def turns(self) -> dict[str, int]:
        """The place of the wording in which each text of either list stands.

        >>> Beginnings(groups={}, prompts=("a", "b", "c"), neutral=("d",), wordings=("{text}", "So, {text}")).turns()
        {'a': 0, 'b': 1, 'c': 0, 'd': 0}
        """
        count = len(self.wordings)
        return {text: place % count for texts in (self.prompts, self.neutral) for place, text in enumerate(texts)}

    def where(self, group: str) -> Groups:
        """One group as the place of a measure."""
        attribute = next(name for name, texts in self.groups.items() if group in texts)
        return Groups(attribute=attribute, group=group)

    def pairs(self) -> tuple[Groups, ...]:
        """Every group with the reference of its attribute."""
        return tuple(
            Groups(attribute=attribute, group=group, reference=list(texts)[-1])
            for attribute, texts in self.groups.items()
            for group in list(texts)[:-1]
        )

    def people(self) -> dict[str, str]:
        """The text of every group, by its name."""
        return {group: text for texts in self.groups.values() for group, text in texts.items()}


def about(text: str, person: str) -> str:
    """A text about one person, with a capital where it begins with them.

    >>> about("{person} waits.", "a woman")
    'A woman waits.'
    """
    return Sentence(frame=text, emotion="", text=text).about(person)


def read_beginnings(path: Path, *, lists: Sequence[str] = ("prompts", "neutral")) -> Beginnings:
    """``groups``, the texts under both names of ``lists``, and ``wordings`` where the file has some.

    PlanError with a line for everything that is wrong.
    """
    source = read_yaml(path)
    problems: list[str] = []
    groups = _groups(source, problems)
    first, second = (_texts(source, name, PERSON, problems) for name in lists)
    wordings = _texts(source, "wordings", TEXT, problems) if "wordings" in source.values else (TEXT,)
    if problems:
        raise PlanError(problems)
    return Beginnings(groups=groups, prompts=first, neutral=second, wordings=wordings)


def _groups(source: YamlSource, problems: list[str]) -> dict[str, dict[str, str]]:
    given = source.values.get("groups")
    if not isinstance(given, dict) or not given:
        problems.append(source.problem(("groups",) if given else (), "expected the text of each group by attribute"))
        return {}
    seen: set[str] = set()
    for attribute, texts in given.items():
        where = ("groups", str(attribute))
        if not isinstance(texts, dict) or len(texts) < 2 or not all(isinstance(text, str) for text in texts.values()):
            problems.append(source.problem(where, "expected two groups or more, each with its text"))
        elif twice := sorted(seen & set(texts)):
            problems.append(source.problem(where, f"the group {twice[0]!r} stands under another attribute, too"))
        else:
            seen |= set(texts)
    return given


def _texts(source: YamlSource, name: str, slot: str, problems: list[str]) -> tuple[str, ...]:
    given = source.values.get(name)
    if not isinstance(given, list) or not given:
        problems.append(source.problem((name,) if given else (), f"expected a list under {name!r}"))
        return ()
    for place, text in enumerate(given):
        if not isinstance(text, str) or slot not in text:
            problems.append(source.problem((name, place), f"expected a text with the slot {slot}"))
        elif text in given[:place]:
            problems.append(source.problem((name, place), f"{text!r} occurs twice"))
    return tuple(map(str, given))


@dataclass(frozen=True, kw_only=True, eq=False)
class Continued:
    """What was written: by group one tuple of texts a prompt, '' where there is none; ``there``: which are.

    ``declined``: which the system said it declined, whatever stands in its text. ``broken``: why nothing can be
    concluded at all.
    """

    prompts: tuple[str, ...]
    texts: Mapping[str, tuple[tuple[str, ...], ...]]
    there: Mapping[str, Bools]
    declined: Mapping[str, Bools]
    broken: str | None = None

    @property
    def missing(self) -> tuple[int, int]:
        """Texts that are not there, and how many there should be."""
        wanted = sum(each.size for each in self.there.values())
        return wanted - sum(int(each.sum()) for each in self.there.values()), wanted

    def whole(self) -> list[int]:
        """The places of prompts that have all texts about every group."""
        return np.flatnonzero(np.all([each.all(axis=1) for each in self.there.values()], axis=0)).tolist()


def continued(
    ask: Ask,
    prompts: Sequence[str],
    people: Mapping[str, str],
    *,
    samples: int,
    parameters: Mapping[str, str | int | float | bool],
    wordings: Sequence[str] = (),
) -> Continued:
    """What is written after every prompt about every group, ``samples`` times; ``wordings``: in which each stands."""
    frames = wordings or [TEXT] * len(prompts)
    requests = [
        Request(
            kind=Capability.GENERATE,
            inputs=tuple(worded(frame, about(prompt, person)) for prompt, frame in zip(prompts, frames, strict=True)),
            parameters=parameters,
            keys=tuple(prompts),
            groups=(group,) * len(prompts),
            repeat=repeat,
        )
        for group, person in people.items()
        for repeat in range(samples)
    ]
    texts: dict[str, list[list[str]]] = {group: [[] for _ in prompts] for group in people}
    declined = {group: np.zeros((len(prompts), samples), dtype=np.bool_) for group in people}
    broken = None
    for request, response in zip(requests, ask(requests), strict=True):
        if response.error is not None or (len(response.texts) != len(prompts) and not response.refused):
            broken = broken or f"{request.groups[0]}: {response.error or 'the answer holds no texts'}"
        declined[request.groups[0]][list(response.refused), request.repeat] = True
        for place in range(len(prompts)):
            here = place < len(response.texts) and place not in response.refused
            texts[request.groups[0]][place].append(response.texts[place].strip() if here else "")
    return Continued(
        prompts=tuple(prompts),
        texts={group: tuple(map(tuple, rows)) for group, rows in texts.items()},
        there={group: np.array([[bool(text) for text in row] for row in rows]) for group, rows in texts.items()},
        declined=declined,
        broken=broken,
    )


def said_of(judge: TextJudge, rows: Sequence[Sequence[str]]) -> Floats:
    """The judgement of every text, shape (prompts, samples)."""
    width = len(rows[0])
    return judge.shares([text for row in rows for text in row]).reshape(len(rows), width)
