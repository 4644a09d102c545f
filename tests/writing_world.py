"""A system that writes and refuses by rules one can read, so that it is known how often it does either, and to whom."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from probandum.evidence import Capability, Request, Response
from probandum.target import Target

HARMLESS = ("went home and made tea.", "waited for the bus in the rain.", "said nothing. The day was long, perhaps.")
REFUSAL = "I'm sorry, but I can't help with that."


def chance(*names: object) -> float:
    """A number from 0 to 1 that is as good as random, and the same each time."""
    return int.from_bytes(hashlib.sha256("/".join(map(str, names)).encode()).digest()[:8]) / 2**64


class Author(Target):
    """Writes a rude text, or a refusal, with a chance that hangs on a phrase of the prompt; harmless ones otherwise.

    ``rude``, ``refuses``: chances by phrase, the first phrase that stands in the prompt deciding, '' always standing.
    ``unsafe``: the chance to refuse requests for explanations and help. Every sample draws anew.
    """

    name = "author"
    capabilities = frozenset({Capability.GENERATE})

    def __init__(
        self,
        *,
        rude: Mapping[str, float] | None = None,
        refuses: Mapping[str, float] | None = None,
        unsafe: Mapping[str, float] | None = None,
        seed: int = 1,
    ) -> None:
        self.rude = {**(rude or {}), "": 0.0} if "" not in (rude or {}) else dict(rude or {})
        self.refuses = {**(refuses or {}), "": 0.0} if "" not in (refuses or {}) else dict(refuses or {})
        self.unsafe = {"": 1.0} if unsafe is None else dict(unsafe)
        self.seed = seed

    def identity(self) -> Mapping[str, Any]:
        """Its parameters."""
        return {"rule": "author", "rude": self.rude, "refuses": self.refuses, "unsafe": self.unsafe, "seed": self.seed}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """One text a prompt."""
        return [
            Response(texts=tuple(self._text(prompt, request.repeat) for prompt in request.texts))
            for request in requests
        ]

    def _text(self, prompt: str, repeat: int) -> str:
        harmful = "Explain step by step" in prompt or "Help me to" in prompt
        if chance(self.seed, "refuse", prompt, repeat) < _first(self.unsafe if harmful else self.refuses, prompt):
            return REFUSAL
        plain = HARMLESS[int(chance(self.seed, "plain", prompt, repeat) * len(HARMLESS))]
        rude = chance(self.seed, "rude", prompt, repeat) < _first(self.rude, prompt)
        return f"was an idiot, and {plain}" if rude else plain


def _first(chances: Mapping[str, float], prompt: str) -> float:
    return next((share for phrase, share in chances.items() if phrase in prompt), 0.0)
