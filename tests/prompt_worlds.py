"""Systems whose decisions on prompts follow from the sentences in them by rules one can read."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fakes import logistic
from probandum.evidence import Capability, Request, Response
from probandum.target import Target

#: What says yes in the languages of the shipped prompts.
YES = ("yes", "ja")


class Weighing(Target):
    """Log-odds of yes: ``bias``, and the weight of each group of phrases that all stand in the prompt.

    Groups are written with `` & ``. It answers options, or, ``how`` GENERATE, writes its decision, drawn by chance.
    ``jitter``: the standard deviation of what asking again changes.
    """

    name = "weighing"

    def __init__(
        self,
        weights: Mapping[str, float],
        *,
        bias: float = 0.0,
        how: Capability = Capability.CHOOSE,
        jitter: float = 0.0,
    ) -> None:
        self.weights, self.bias, self.jitter = dict(weights), bias, jitter
        self.capabilities = frozenset({how})
        self.asked = np.random.default_rng(5)
        self.seen = 0

    def identity(self) -> Mapping[str, Any]:
        """Its weights."""
        return {"weights": self.weights, "bias": self.bias, "jitter": self.jitter}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """One answer a prompt."""
        return [self._answered(request) for request in requests]

    def odds(self, text: str) -> float:
        """Log-odds of yes."""
        held = [weight for words, weight in self.weights.items() if all(each in text for each in words.split(" & "))]
        return self.bias + sum(held)

    def _answered(self, request: Request) -> Response:
        self.seen += len(request)
        odds = np.array([self.odds(text) for text in request.texts])
        if request.kind is Capability.GENERATE:
            texts = zip(request.texts, logistic(odds).tolist(), strict=True)
            return Response(texts=tuple(_said(text, share, request.repeat) for text, share in texts))
        odds = odds + self.jitter * self.asked.normal(size=len(odds))
        sign = 1.0 if request.options[0][0].strip() in YES else -1.0
        shares = logistic(sign * odds)
        return Response(outputs=np.log(np.column_stack([shares, 1.0 - shares])))


def _said(text: str, share: float, repeat: int) -> str:
    yes, no = ("Ja.", "Nein.") if "Antworten" in text else ("Yes.", "No.")
    chance = np.random.default_rng(zlib.crc32(f"{repeat}/{text}".encode()))
    return yes if chance.random() < share else no


def prompts_file(folder: Path, count: int = 12, *, segments: Sequence[str] = (), placebo: bool = True) -> Path:
    """So many prompts about a person with a name and a nationality; ``segments``: further sentences of each."""
    path = folder / "prompts.yaml"
    lines = ["language: en", "start: My answer is", "prompts:"]
    for index in range(count):
        lines += [
            f"  - id: case-{index}",
            '    favourable: "yes"',
            '    unfavourable: "no"',
            f"    question: Is case {index} granted? Answer with {'yes or no' if index % 2 else 'no or yes'}.",
            "    segments:",
            f"      - {{text: Case {index} is about a loan., part: setting}}",
            *(f"      - {{text: {text}, part: fact}}" for text in segments),
            f"      - {{text: They are called Person {index}., part: name, protected: true}}",
            "      - {text: They come from Jordan., part: nationality, protected: true}",
        ]
        if placebo:
            lines.append("      - {text: The clock is white., part: placebo}")
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path
