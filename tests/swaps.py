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
from probandum_probes.bias.swap_texts import Scenario


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
        base = {scenario.id: rng.normal() - 0.5 for scenario in asked.decisions}
        own = {name: rng.normal() * names for members in asked.people.values() for name in members}
        for group, members in asked.people.items():
            for scenario in asked.decisions:
                of_both = base[scenario.id] + self.effects.get(group, 0.0) + rng.normal() * slopes
                for name in members:
                    odds = of_both + own[name] + rng.normal() * noise
                    self._note(scenario, name, odds)

    def identity(self) -> Mapping[str, Any]:
        """Its parameters."""
        return {"rule": "panel", "effects": self.effects, **self.parts}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """Log-probabilities of the two answers, shape (prompts, 2), in nats."""
        return [self._answered(request) for request in requests]

    def _note(self, scenario: Scenario, name: str, odds: float) -> None:
        for order in (0, 1):
            self._answers[scenario.prompt(name, order)] = (odds, scenario.favourable)

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
