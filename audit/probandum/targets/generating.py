"""How the next token of a text is chosen: greedy, or sampled with a seed of each input's own.

The defaults of a model's repository (penalties, temperatures) do not apply: what is not asked for is not done.
A sample depends on the request and its ``repeat`` alone, whatever is written beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from probandum.evidence import Floats, Request
from probandum.keywords import Between
from probandum.packing import name_of
from probandum.targets.prompting import Unanswerable
from probandum.targets.tries import Tokens

#: The most tokens of a text.
MostTokens = Annotated[int, Between(least=1, most=1_000_000)]
_KNOWN = ("temperature", "top_p", "max_new_tokens", "min_new_tokens", "seed", "chat_template")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """How the next token is chosen. ``temperature`` 0 is greedy: the most probable one, the first on a tie.

    Before ``min_new_tokens`` are written no token may end the text: energy is compared over equal work.
    """

    max_new_tokens: int
    min_new_tokens: int = 0
    temperature: float = 0.0
    top_p: float = 1.0

    @classmethod
    def of(cls, parameters: Mapping[str, str | int | float | bool], *, max_new_tokens: int) -> Decoding:
        """What the parameters of a request say; Unanswerable names the first that cannot be meant."""
        unknown = [name for name in parameters if name not in _KNOWN]
        if unknown:
            raise Unanswerable(f"parameter {unknown[0]}: not known; known: {', '.join(_KNOWN)}")
        most = parameters.get("max_new_tokens", max_new_tokens)
        least = parameters.get("min_new_tokens", 0)
        temperature, top_p = parameters.get("temperature", 0.0), parameters.get("top_p", 1.0)
        if not isinstance(most, int) or most < 1:
            raise Unanswerable(f"parameter max_new_tokens: {most!r}, expected a whole number from 1")
        if not isinstance(least, int) or not 0 <= least <= most:
            raise Unanswerable(f"parameter min_new_tokens: {least!r}, expected a whole number from 0 to {most}")
        if not isinstance(temperature, int | float) or not 0 <= temperature < float("inf"):
            raise Unanswerable(f"parameter temperature: {temperature!r}, expected a number from 0")
        if not isinstance(top_p, int | float) or not 0 < top_p <= 1:
            raise Unanswerable(f"parameter top_p: {top_p!r}, expected a number above 0, at most 1")
        return cls(max_new_tokens=most, min_new_tokens=least, temperature=float(temperature), top_p=float(top_p))

    def next_token(self, logits: Floats, rng: np.random.Generator) -> int:
        """The token chosen from one row of logits.

        Of the tokens by falling probability, the fewest that hold ``top_p`` together are drawn from.

        >>> Decoding(max_new_tokens=1).next_token(np.array([0.0, 2.0, 2.0]), np.random.default_rng(0))
        1
        """
        if self.temperature == 0:
            return int(np.argmax(logits))
        order = np.argsort(-logits, kind="stable")
        weights = np.exp((logits[order] - logits[order[0]]) / self.temperature)
        sums = np.cumsum(weights / weights.sum())
        kept = int(np.searchsorted(sums, self.top_p)) + 1
        place = np.searchsorted(sums[:kept], rng.random() * sums[min(kept, len(sums)) - 1], side="right")
        return int(order[min(int(place), kept - 1, len(order) - 1)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One text to be written: what stands before it, how it is decoded, and its own random numbers."""

    context: Tokens
    decoding: Decoding
    rng: np.random.Generator
    name: str


def drafts(request: Request, contexts: Sequence[Tokens], decoding: Decoding) -> list[Draft]:
    """One draft an input; seeded by the request's digest, which covers ``seed`` and ``repeat``."""
    return [
        Draft(
            context=context,
            decoding=decoding,
            rng=np.random.default_rng(list(hashlib.sha256(f"{request.digest}/{row}".encode()).digest())),
            name=name_of(request, row),
        )
        for row, context in enumerate(contexts)
    ]
