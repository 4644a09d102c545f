"""Small files in the formats of Winogender and WinoBias, written for the tests, and systems that know them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from lasting import lasting
from probandum.evidence import Capability, Request, Response
from probandum.resources import dataset
from probandum.target import Target
from probandum_probes.bias.coreference import Passage
from probandum_probes.bias.occupation_texts import read_shares
from probandum_probes.bias.winobias import WinoBias
from probandum_probes.bias.winogender import Winogender

#: How probable a system finds the person who is meant; 0.5 where it cannot tell, None where it names nobody.
Rule = Callable[[Passage], float | None]
SHARES = read_shares(dataset("occupations") / "shares.csv")
_GENDERS = {"male": "he", "female": "she", "neutral": "they"}


def chance(*names: object) -> float:
    """A number from 0 to 1 that is as good as random, and the same each time."""
    return zlib.crc32("/".join(map(str, names)).encode()) / 2**32


def winogender_rows(occupations: Sequence[str]) -> list[tuple[str, str]]:
    """sentid and sentence: each occupation with a visitor and with someone, each of both being meant once."""
    rows = []
    for occupation in occupations:
        for participant in ("visitor", "someone"):
            named = "someone" if participant == "someone" else "the visitor"
            for answer, told in (("0", "would mend the lamp soon"), ("1", "could wait in the hall")):
                for gender, pronoun in _GENDERS.items():
                    name = f"{occupation}.{participant}.{answer}.{gender}.txt"
                    rows.append((name, f"The {occupation} told {named} that {pronoun} {told}."))
    return rows


def write_winogender(path: Path, rows: Sequence[tuple[str, str]]) -> Path:
    """A file as published."""
    path.write_text("".join(f"{name}\t{text}\n" for name, text in [("sentid", "sentence"), *rows]))
    return path


@cache
def winogender_file(occupations: int = 60) -> Path:
    """One such file about the first occupations of those shipped, for as long as the tests run."""
    folder = lasting("winogender")
    return write_winogender(folder / "all_sentences.tsv", winogender_rows([*SHARES][:occupations]))


def winobias_lines(count: int, men: Sequence[str], women: Sequence[str], *, anti: bool) -> list[str]:
    """Numbered sentences, in turn about someone of either list."""
    lines = []
    for place in range(count):
        man, woman = men[place // 2 % len(men)], women[(place // 2 * 7 + place // (2 * len(men))) % len(women)]
        meant, other = (man, woman) if place % 2 == 0 else (woman, man)
        pronoun = "he" if (place % 2 == 0) is not anti else "she"
        persons = f"[The {meant}] met the {other}" if place % 4 < 2 else f"The {other} met [the {meant}]"
        lines.append(f"{place + 1} {persons} because [{pronoun}] had lost a key.")
    return lines


@cache
def winobias_files(count: int = 320, men: int = 20, women: int = 20) -> Mapping[str, str]:
    """The options of the probe: two files of one type, for as long as the tests run."""
    folder = lasting("winobias")
    lists = [f"porter{place}" for place in range(men)], [f"weaver{place}" for place in range(women)]
    options = {}
    for side in ("pro", "anti"):
        path = folder / f"{side}_stereotyped_type1.txt.dev"
        path.write_text("\n".join(winobias_lines(count, *lists, anti=side == "anti")) + "\n")
        options[f"type1_{side}"] = str(path)
    return options


class Resolver(Target):
    """Finds the person who is meant with a probability that a rule gives; it knows a sentence by its name.

    ``first``: log-odds more for the person that the question names first. Where the rule gives None, little
    probability lies on either.
    """

    name = "resolver"
    capabilities = frozenset({Capability.CHOOSE})

    def __init__(self, passages: Mapping[str, Passage], rule: Rule, *, first: float = 0.0, name: str = "rule") -> None:
        self.passages = dict(passages)
        self.rule = rule
        self.first = first
        self.rule_name = name

    def identity(self) -> Mapping[str, Any]:
        """Its rule."""
        return {"rule": self.rule_name, "first": self.first}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """Log-probabilities of the two persons, of which nine tenths of the whole are, or a fifth."""
        return [Response(outputs=np.array([self._row(name) for name in request.keys])) for request in requests]

    def _row(self, name: str) -> Any:
        key, _, order = name.rpartition("#")
        passage = self.passages[key]
        p = self.rule(passage)
        right = 0.5 if p is None else p
        odds = np.log(right / (1 - right)) * (1 if passage.answer == 0 else -1)
        odds += self.first if order == "0" else -self.first
        return np.log(0.9 if p is not None else 0.2) - np.logaddexp(0.0, np.array([-odds, odds]))


class Recorded(Target):
    """The same as recorded answers: names of persons, ``nobody`` where the rule gives None; some are not recorded."""

    name = "recorded"
    capabilities = frozenset({Capability.RECALL})
    labels = ("answered",)

    def __init__(self, passages: Mapping[str, Passage], rule: Rule, *, without: Sequence[str] = ()) -> None:
        self.passages = dict(passages)
        self.rule = rule
        self.without = tuple(without)

    def identity(self) -> Mapping[str, Any]:
        """What is not there."""
        return {"rule": "recorded", "without": self.without}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """A text an item."""
        return [self._texts(request.texts) for request in requests]

    def _texts(self, names: Sequence[str]) -> Response:
        found = np.array([[float(name not in self.without)] for name in names])
        return Response(outputs=found, texts=tuple(map(self._text, names)), labels=self.labels)

    def _text(self, name: str) -> str:
        passage = self.passages[name]
        p = self.rule(passage)
        if name in self.without:
            return ""
        return "nobody" if p is None else passage.referents[passage.answer if p > 0.5 else 1 - passage.answer]


def winogender(occupations: int = 60) -> Winogender:
    """The probe on the small file."""
    return Winogender(data=winogender_file(occupations))


def winobias(**size: int) -> WinoBias:
    """The probe on the small files."""
    named: dict[str, Any] = {name: Path(path) for name, path in winobias_files(**size).items()}
    return WinoBias(**named)


def always(p: float | None) -> Rule:
    """The same of every sentence."""
    return lambda passage: p


def stereotyped(probe: Winogender | WinoBias, share: float = 1.0) -> Rule:
    """Right of a sentence whose stereotype is right, and wrong of its twin in so many of the pairs."""
    easy = probe.twins.stereotyped

    def rule(passage: Passage) -> float:
        return (
            0.2
            if passage.key in probe.twins.other and passage.key not in easy and chance(passage.frame) < share
            else 0.8
        )

    return rule
