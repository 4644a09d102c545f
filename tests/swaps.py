"""Small systems that answer applications and sentences by rules one can read, with effects of known size."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from fakes import logistic
from probandum.asking import Asker
from probandum.evidence import Capability, Request, Response
from probandum.probe import Ask
from probandum.target import Target
from probandum_probes.bias.name_swap import NameSwap
from probandum_probes.bias.swap_design import Case, Person


class Panel(Target):
    """Decides on applications: log-odds of the favourable answer of scenario t about name n of group g are

        -0.5 + N(0, 1) of t + N(0, names) of n + (effect of g) + N(0, slopes) of t and g + N(0, noise) of t and n

    and 0.4 more for the answer that the prompt lists first; ``mass`` of the probability lies on the two answers.
    """

    name = "panel"
    capabilities = frozenset({Capability.CHOOSE})

    def __init__(
        self,
        effects: Mapping[str, float] | None = None,
        *,
        names: float = 0.05,
        slopes: float = 0.05,
        noise: float = 0.05,
        mass: float = 0.9,
        seed: int = 1,
        probe: NameSwap | None = None,
    ) -> None:
        self.effects = dict(effects or {})
        self.parts = {"names": names, "slopes": slopes, "noise": noise, "mass": mass, "seed": seed}
        self.mass = mass
        asked = probe or NameSwap()
        rng = np.random.default_rng(seed)
        self._answers: dict[str, tuple[float, str]] = {}
        cases, attributes = asked.source.cases, asked.source.attributes
        base = {case.id: rng.normal() - 0.5 for case in cases}
        own = [{person.label: rng.normal() * names for person in attribute.persons} for attribute in attributes]
        for attribute, of_names in zip(attributes, own, strict=True):
            for group, members in attribute.groups.items():
                for case in cases:
                    of_both = base[case.id] + self.effects.get(group, 0.0) + rng.normal() * slopes
                    for person in members:
                        odds = of_both + of_names[person.label] + rng.normal() * noise
                        self._note(asked, case, person, odds)

    def identity(self) -> Mapping[str, Any]:
        """Its parameters."""
        return {"rule": "panel", "effects": self.effects, **self.parts}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """Log-probabilities of the two answers, shape (prompts, 2), in nats."""
        return [self._answered(request) for request in requests]

    def _note(self, asked: NameSwap, case: Case, person: Person, odds: float) -> None:
        for way in asked.source.ways:
            self._answers[case.prompt(person, way)] = (odds, case.answers(way)[way.order])

    def _answered(self, request: Request) -> Response:
        first = request.options[0][0].strip()
        odds = [self._odds_of(text, first) + 0.4 for text in request.texts]
        shares = logistic(np.array(odds))
        return Response(outputs=np.log(self.mass * np.column_stack([shares, 1.0 - shares])))

    def _odds_of(self, text: str, first: str) -> float:
        odds, favourable = self._answers[text]
        return odds if first == favourable else -odds


class Reader(Target):
    """P(offensive) of a sentence: a third, an effect of every word it knows, and noise that texts alone set."""

    name = "reader"
    capabilities = frozenset({Capability.CLASSIFY})
    labels = ("harmless", "offensive")

    def __init__(self, effects: Mapping[str, float] | None = None, *, noise: float = 0.05, seed: int = 1) -> None:
        self.effects = dict(effects or {})
        self.noise = noise
        self.seed = seed

    def identity(self) -> Mapping[str, Any]:
        """Its parameters."""
        return {"rule": "reader", "effects": self.effects, "noise": self.noise, "seed": self.seed}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """P(harmless), P(offensive) of each text."""
        return [self._read(request.texts) for request in requests]

    def _read(self, texts: Sequence[str]) -> Response:
        rng = np.random.default_rng([self.seed, zlib.crc32("\n".join(texts).encode())])
        known = [sum(effect for word, effect in self.effects.items() if word in words) for words in map(_words, texts)]
        offensive = np.clip(1 / 3 + np.array(known) + self.noise * rng.normal(size=len(texts)), 0.0, 1.0)
        return Response(outputs=np.column_stack([1.0 - offensive, offensive]), labels=self.labels)


@cache
def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[\w-]+", text))


def asking(target: Target, probe: str, *, seed: int = 1) -> Ask:
    """The ask of one probe, without a record."""
    return Asker(target, seed=seed).for_probe(probe)


def names_file(folder: Path, counts: Mapping[str, int]) -> Path:
    """A file of so many invented names a group."""
    path = folder / "names.csv"
    rows = [f"{group.title()} Number{index},{group}" for group, count in counts.items() for index in range(count)]
    path.write_text("\n".join(["name,group", *rows]) + "\n", encoding="utf-8")
    return path


def scenarios_file(folder: Path, count: int) -> Path:
    """A file of so many short scenarios in two domains, all of which ask for a yes."""
    path = folder / "scenarios.yaml"
    lines = ["scenarios:"]
    for index in range(count):
        lines += [
            f"  - id: case-{index}",
            f"    domain: {'hiring' if index % 2 else 'credit'}",
            '    favourable: "yes"',
            '    unfavourable: "no"',
            f"    text: Case {index} is about {{name}}. Is it granted? Answer with {{first}} or {{second}}.",
        ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def rarely(misses: int, of: int, rate: float) -> bool:
    """Whether so many misses are no sign of an error rate above ``rate``: below the 99.9 % point of chance."""
    from scipy.stats import binom

    return misses <= int(binom.ppf(0.999, of, rate))


class Decider(Target):
    """Decides on cases of one language: log-odds of the favourable answer, by what stands in the prompt alone.

    ``effects`` by group of the person; ``wordings`` by group and place of the question; the case, the person and the
    whole prompt add as much as their letters say, with standard deviations 1, ``names`` and ``noise``. The answer
    listed first gets 0.4 more. ``jitter``: the standard deviation of what asking again changes.
    """

    name = "decider"
    capabilities = frozenset({Capability.CHOOSE})

    def __init__(
        self,
        probe: Any,
        effects: Mapping[str, float] | None = None,
        *,
        wordings: Mapping[tuple[str, int], float] | None = None,
        names: float = 0.05,
        noise: float = 0.05,
        jitter: float = 0.0,
    ) -> None:
        self.effects, self.wordings = dict(effects or {}), dict(wordings or {})
        self.names, self.noise, self.jitter = names, noise, jitter
        self.known = Known(probe)
        self.asked = np.random.default_rng(5)

    def identity(self) -> Mapping[str, Any]:
        """Its parameters."""
        wordings = {f"{group} {question}": shift for (group, question), shift in self.wordings.items()}
        return {"effects": self.effects, "wordings": wordings, "names": self.names, "noise": self.noise}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """Log-probabilities of the two answers, shape (prompts, 2), in nats."""
        return [self._answered(request) for request in requests]

    def _answered(self, request: Request) -> Response:
        odds = np.array([self.odds(text) for text in request.texts]) + self.jitter * self.asked.normal(
            size=len(request)
        )
        shares = logistic(odds)
        return Response(outputs=np.log(np.column_stack([shares, 1.0 - shares])))

    def odds(self, text: str) -> float:
        """Log-odds of the answer that the prompt lists first."""
        case, person, group, question, favourable_first = self.known.read(text)
        odds = drawn(case) - 0.5 + self.names * drawn(person) + self.noise * drawn(text)
        odds += self.effects.get(group, 0.0) + self.wordings.get((group, question), 0.0)
        return (odds if favourable_first else -odds) + 0.4


class Talker(Decider):
    """A decider that writes its decision, drawn by chance: asked again it may say otherwise.

    ``mute``: the share of answers without a decision. Asked for a number it gives 100 times the probability of what the
    question asks for.
    """

    name = "talker"
    capabilities = frozenset({Capability.GENERATE})

    def __init__(
        self, probe: Any, effects: Mapping[str, float] | None = None, *, mute: float = 0.0, **more: Any
    ) -> None:
        super().__init__(probe, effects, **more)
        self.mute = mute
        self.seen = 0

    def _answered(self, request: Request) -> Response:
        self.seen += len(request)
        return Response(texts=tuple(self.said(text, request.repeat) for text in request.texts))

    def said(self, text: str, repeat: int) -> str:
        """What it writes the ``repeat``-th time."""
        bare, _, number = text.partition(" Instead of yes or no")
        chance = np.random.default_rng(zlib.crc32(f"{repeat}/{text}".encode()))
        first = float(logistic(np.array(self.odds(bare) - 0.4)))
        if chance.random() < self.mute:
            return "I cannot tell."
        if number:
            case, _, _, _, favourable_first = self.known.read(bare)
            favoured = first if favourable_first else 1 - first
            return f"I would say {100 * (favoured if self.known.favourable[case][0] == 'yes' else 1 - favoured):.1f}."
        labels = re.search(r"(?:Answer with|Antworten Sie mit) (\w+) (?:or|oder) (\w+)\.", bare)
        assert labels is not None
        return f"{labels.group(1 if chance.random() < first else 2)}."


class Known:
    """What a prompt of the English or German decisions says, read from its text."""

    def __init__(self, probe: Any) -> None:
        self.groups: dict[str, str] = {}
        self.favourable: dict[str, tuple[str, list[str]]] = {}
        cases, attributes = probe.source.cases, probe.source.attributes
        ways = {way.question: way for way in probe.source.ways if way.order == 0}
        for case in cases:
            for attribute in attributes:
                for person in attribute.persons:
                    who = case.described(person.values) if person.values else person.label
                    self.groups[who] = person.group
            texts = [case.prompt(attributes[0].persons[0], ways[question]) for question in sorted(ways)]
            text, asked = _parted(texts[0])[0], [_parted(each)[2] for each in texts]
            self.favourable[text] = case.words(ways[0])[0], [_question(each) for each in asked]

    def read(self, text: str) -> tuple[str, str, str, int, bool]:
        """The case, the person and the group, which question, and whether the favourable answer is listed first."""
        case, person, rest = _parted(text)
        favourable, questions = self.favourable[case]
        other = {"yes": "no", "no": "yes", "ja": "nein", "nein": "ja"}[favourable]
        first = re.search(rf"\b({favourable}|{other})\b", rest[len(_question(rest)) :])
        assert first is not None
        return case, person, self.groups[person], questions.index(_question(rest)), first.group() == favourable


def _parted(text: str) -> tuple[str, str, str]:
    who = r"(?:The person concerned is|Die betreffende Person (?:heißt|ist))"
    found = re.fullmatch(rf"(.*) {who} (?:called )?(.+?)\. (.*)", text)
    assert found is not None, text
    return found.group(1), found.group(2), found.group(3)


def _question(rest: str) -> str:
    return rest[: rest.index("?") + 1]


@cache
def drawn(text: str) -> float:
    """A normal number that is a function of the text."""
    return float(np.random.default_rng(zlib.crc32(text.encode())).normal())
