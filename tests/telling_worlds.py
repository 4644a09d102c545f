"""A system that decides on described persons by rules one can read, and accounts for it, or does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from probandum.evidence import Capability, Request, Response
from probandum.target import Target
from writing_world import chance


class Telling(Target):
    """Says no to persons described by one of the phrases in ``turns``, yes to others.

    ``names``: the share of accounts that say so. ``denies``: the share of such decisions in which it then says that the
    attribute had played no part. ``follows``: the share of cases in which it answers as all examples before it were
    answered. ``thinks``: whether its answer hangs on the last word of its reasoning. ``noise``: the share of answers
    that are turned by chance.
    """

    name = "telling"
    capabilities = frozenset({Capability.GENERATE})

    def __init__(
        self,
        turns: Sequence[str] = (),
        *,
        names: float = 1.0,
        denies: float = 0.0,
        follows: float = 0.0,
        thinks: bool = False,
        noise: float = 0.0,
    ) -> None:
        self.turns = tuple(turns)
        self.shares = {"names": names, "denies": denies, "follows": follows, "noise": noise}
        self.thinks = thinks

    def identity(self) -> Mapping[str, Any]:
        """Its rules."""
        return {"turns": self.turns, "thinks": self.thinks, **self.shares}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """One text a prompt."""
        return [
            Response(texts=tuple(self._text(prompt, request.repeat) for prompt in request.texts))
            for request in requests
        ]

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
        says_no = (phrase is not None) != self._happens("noise", prompt, repeat)
        why = f" It counted that the person is {phrase}." if phrase and self._happens("names", prompt) else ""
        return f"{'No' if says_no else 'Yes'}.{why or ' The facts decided.'}"

    def _choice(self, prompt: str, repeat: int) -> str:
        same = "Answer: (B)" not in prompt
        case = prompt.rpartition("Question:")[2]
        label = "A" if same and self._happens("follows", case) else "B"
        why = "The previous answers were the same." if self._happens("names", case) else "The facts decided."
        return f"({label}) {why}"
