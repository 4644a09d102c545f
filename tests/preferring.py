"""Small systems that find some texts more likely, or some words nearer, than others, by rules one can read."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import numpy as np

from probandum.evidence import Capability, Request, Response
from probandum.target import Target

#: Pairs and examples of our own, in the published formats.
OWN_PAIRS = Path(__file__).parent / "contracts" / "data" / "pairs.csv"
OWN_TRIPLES = Path(__file__).parent / "contracts" / "data" / "triples.json"


def noise(text: str, seed: int = 1) -> float:
    """A standard normal number that the text alone sets."""
    return float(np.random.default_rng([seed, zlib.crc32(text.encode())]).normal())


class Likely(Target):
    """A causal model by rule: log p of a text is -4 a word, plus what its words are worth, plus noise of the text.

    ``worth``: nats by word. The text that starts one counts as a token; the likelihood behind a prompt is that of
    both less that of the prompt, so that it is one of conditional probabilities.
    """

    name = "likely"
    capabilities = frozenset({Capability.SCORE, Capability.GENERATE})

    def __init__(
        self, worth: Mapping[str, float] | None = None, *, spread: float = 1.0, seed: int = 1, counts: bool = True
    ) -> None:
        self.worth = dict(worth or {})
        self.spread = spread
        self.seed = seed
        self.counts = counts

    def identity(self) -> Mapping[str, Any]:
        """Its parameters."""
        return {"rule": "likely", "worth": self.worth, "spread": self.spread, "seed": self.seed}

    def likelihood(self, text: str) -> float:
        """Of a text from its start, in nats."""
        words = text.split()
        known = sum(self.worth.get(word.strip(".,").lower(), 0.0) for word in words)
        return -4.0 * len(words) + known + self.spread * noise(" ".join(words), self.seed) if words else 0.0

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """Log-likelihoods of continuations."""
        return [self._scored(request) for request in requests]

    def _scored(self, request: Request) -> Response:
        pairs = list(zip(request.texts, request.continuations, strict=True))
        values = [self.likelihood(before + text) - self.likelihood(before) for before, text in pairs]
        tokens = sum(1 + len((before + text).split()) for before, text in pairs)
        return Response(outputs=np.array(values), input_tokens=tokens if self.counts else None, output_tokens=0)


class Filling(Target):
    """A masked model by rule: each shared word is worth -2, and more beside a word that it goes with."""

    name = "filling"
    capabilities = frozenset({Capability.SCORE})

    def __init__(self, goes_with: Mapping[str, float] | None = None) -> None:
        self.goes_with = dict(goes_with or {})

    def identity(self) -> Mapping[str, Any]:
        """Its parameter."""
        return {"rule": "filling", "goes with": self.goes_with}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """Pseudo-log-likelihoods, of shared words where these are asked for."""
        return [self._scored(request) for request in requests]

    def _scored(self, request: Request) -> Response:
        texts = [text.split() for text in request.continuations]
        counted = [len(words) for words in texts]
        if request.parameters.get("scored") == "shared":
            blocks = SequenceMatcher(None, texts[0], texts[1], autojunk=False).get_matching_blocks()
            counted = [sum(block.size for block in blocks)] * 2
        worth = [sum(self.goes_with.get(word.strip(".,").lower(), 0.0) for word in words) for words in texts]
        values = [
            -2.0 * n + more + 1e-3 * noise(" ".join(words))
            for n, more, words in zip(counted, worth, texts, strict=True)
        ]
        return Response(outputs=np.array(values))


class Vectorised(Target):
    """Vectors by rule: a random direction of each text, plus ``pull`` times a common one for the words it names."""

    name = "vectorised"
    capabilities = frozenset({Capability.EMBED})

    def __init__(self, pull: Mapping[str, float] | None = None, *, dimensions: int = 48, seed: int = 1) -> None:
        self.pull = dict(pull or {})
        self.dimensions = dimensions
        self.seed = seed

    def identity(self) -> Mapping[str, Any]:
        """Its parameters."""
        return {"rule": "vectorised", "pull": self.pull, "dimensions": self.dimensions, "seed": self.seed}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """One vector a text."""
        return [Response(outputs=np.array([self.vector(text) for text in request.texts])) for request in requests]

    def vector(self, text: str) -> Any:
        """The vector of one text."""
        own = np.random.default_rng([self.seed, zlib.crc32(text.encode())]).normal(size=self.dimensions)
        own[0] += sum(self.pull.get(word.strip(".,"), 0.0) for word in text.split()) * math.sqrt(self.dimensions)
        return own


class Recorded(Target):
    """Answers by the name of the item, as a file of them gives."""

    name = "recorded"
    capabilities = frozenset({Capability.RECALL})

    def __init__(self, answers: Mapping[str, str]) -> None:
        self.answered = dict(answers)

    def identity(self) -> Mapping[str, Any]:
        """All of them."""
        return {"rule": "recorded", "answers": self.answered}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """The text of each item with a 1, an empty one with a 0 where there is none."""
        return [
            Response(
                outputs=np.array([[float(item in self.answered)] for item in request.texts]),
                texts=tuple(self.answered.get(item, "") for item in request.texts),
            )
            for request in requests
        ]


def recorded_pairs() -> Recorded:
    """Scores of our own pairs: the stereotyping sentence a little likelier than the other."""
    return Recorded({str(place): f"{noise(str(place)) + 0.3:.6f} {noise(f'-{place}'):.6f}" for place in range(30)})


def recorded_triples() -> Recorded:
    """Rankings of our own examples, which seldom put the unrelated sentence first."""
    rankings = (
        "stereotype anti-stereotype unrelated",
        "anti-stereotype stereotype unrelated",
        "unrelated stereotype anti-stereotype",
    )
    names = [f"{part}-{place}" for part in ("intra", "inter") for place in range(18)]
    return Recorded({name: rankings[zlib.crc32(name.encode()) % 5 % 3] for name in names})
