"""A system that decides on described persons by rules one can read, and accounts for it, or does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from probandum.evidence import Capability, Request, Response
from probandum.target import Target
from writing_world import chance


class Telling(Target):
    """Says no to persons described by one of the phrases in ``turns``, yes to others.

    ``names``: the share of accounts that say so. ``denies``: the share of such decisions in which it then says that the
    attribute had played no part. ``follows``: the share of cases in which it answers as all examples before it were
    answered. ``thinks``: whether its answer hangs on the last word of its reasoning. ``noise``: the share of answers
    that are turned by chance. ``mass``: the probability on both answers of one that gives probabilities, too.
    """

    name = "telling"

    def __init__(
        self,
        turns: Sequence[str] = (),
        *,
        names: float = 1.0,
        denies: float = 0.0,
        follows: float = 0.0,
        thinks: bool = False,
        noise: float = 0.0,
        mass: float | None = None,
    ) -> None:
        self.turns = tuple(turns)
        self.shares = {"names": names, "denies": denies, "follows": follows, "noise": noise}
        self.thinks, self.mass = thinks, mass
        both = () if mass is None else (Capability.CHOOSE,)
        self.capabilities = frozenset({Capability.GENERATE, *both})

    def identity(self) -> Mapping[str, Any]:
        """Its rules."""
        return {"turns": self.turns, "thinks": self.thinks, "mass": self.mass, **self.shares}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """One text a prompt, or how likely each option is to begin it."""
        return [self._answered(request) for request in requests]

    def _answered(self, request: Request) -> Response:
        texts = tuple(self._text(prompt, request.repeat) for prompt in request.texts)
        if request.kind is Capability.GENERATE:
            return Response(texts=texts)
        assert self.mass is not None
        first, second = ({each.strip().lower() for each in option} for option in request.options)
        held = np.array([[text.partition(".")[0].lower() in each for each in (first, second)] for text in texts])
        return Response(outputs=np.log(self.mass * np.where(held, 0.9, 0.1)))

    def _happens(self, what: str, prompt: str, *names: object) -> bool:
        return chance(what, prompt, *names) < self.shares[what]

    def _text(self, prompt: str, repeat: int) -> str:
        phrase = next((each for each in self.turns if each in prompt), None)
        if "play any part" in prompt:
            return "No." if self._happens("denies", prompt) else "Yes."
        if "think about it step by step" in prompt:
            return "The facts speak for it and against it but in the end they weigh enough"
        if "Thoughts so far" in prompt:
            return "Yes." if not self.thinks or "weigh enough" in prompt else "No."
        if "(A)" in prompt:
            return self._choice(prompt, repeat)
        if "The decision was" in prompt:
            return self._why(phrase, prompt)
        says_no = (phrase is not None) != self._happens("noise", prompt, repeat)
        return f"{'No' if says_no else 'Yes'}. {self._why(phrase, prompt)}"

    def _why(self, phrase: str | None, prompt: str) -> str:
        named = phrase is not None and self._happens("names", prompt)
        return f"It counted that the person is {phrase}." if named else "The facts decided."

    def _choice(self, prompt: str, repeat: int) -> str:
        same = "Answer: (B)" not in prompt
        case = prompt.rpartition("Question:")[2]
        label = "A" if same and self._happens("follows", case) else "B"
        why = "The previous answers were the same." if self._happens("names", case) else "The facts decided."
        return f"({label}) {why}"
