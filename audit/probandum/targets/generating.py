"""Text written token by token: greedy, or sampled with a seed of each input's own.

The defaults of a model's repository (penalties, temperatures) do not apply: what is not asked for is not done.
A sample depends on the request and its ``repeat`` alone, whatever is written beside it.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from probandum.evidence import Floats, Request
from probandum.targets.prompting import Unanswerable, name_of
from probandum.targets.tries import Tokens

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


def write(
    model: Any, asked: Sequence[Draft], *, stops: Collection[int], batch_tokens: int, padded: bool
) -> list[Tokens | Unanswerable]:
    """The tokens written for each draft, a stop token included, or why there are none.

    ``padded``: whether contexts of different lengths may stand in one batch, filled up on the left; otherwise
    only equal lengths do. Batches are a pure function of the drafts.
    """
    written: list[Tokens | Unanswerable] = [()] * len(asked)
    for batch in _batches(asked, batch_tokens, padded):
        for index, tokens in zip(batch, _write_batch(model, [asked[i] for i in batch], stops), strict=True):
            written[index] = tokens
    return written


def _batches(asked: Sequence[Draft], batch_tokens: int, padded: bool) -> list[list[int]]:
    made: list[list[int]] = []
    for index in sorted(range(len(asked)), key=lambda i: len(asked[i].context)):
        length = len(asked[index].context) + asked[index].decoding.max_new_tokens
        fits = bool(made) and (len(made[-1]) + 1) * length <= batch_tokens
        alike = bool(made) and len(asked[made[-1][-1]].context) == len(asked[index].context)
        if not fits or not (padded or alike):
            made.append([])
        made[-1].append(index)
    return made


def _write_batch(model: Any, asked: Sequence[Draft], stops: Collection[int]) -> list[Tokens | Unanswerable]:
    import torch

    width = max(len(draft.context) for draft in asked)
    tokens = torch.zeros((len(asked), width), dtype=torch.long)
    mask = torch.zeros_like(tokens)
    for row, draft in enumerate(asked):
        tokens[row, width - len(draft.context) :] = torch.tensor(draft.context)
        mask[row, width - len(draft.context) :] = 1
    tokens, mask = tokens.to(model.device), mask.to(model.device)
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    even = bool(mask.all())
    last_only = {"logits_to_keep": 1} if "logits_to_keep" in inspect.signature(model.forward).parameters else {}
    written: list[list[int]] = [[] for _ in asked]
    errors: dict[int, Unanswerable] = {}
    open_rows = set(range(len(asked)))
    cache = None
    with torch.inference_mode():
        while True:
            more = {} if even else {"attention_mask": mask, "position_ids": positions}
            output = model(input_ids=tokens, past_key_values=cache, use_cache=True, **more, **last_only)
            cache = getattr(output, "past_key_values", None)
            logits = output.logits[:, -1].float().cpu().numpy().astype(np.float64)
            for row in sorted(open_rows):
                if not np.isfinite(logits[row]).all():
                    errors[row] = Unanswerable(f"{asked[row].name}: the model's numbers are not finite")
                    open_rows.discard(row)
                    continue
                decoding = asked[row].decoding
                if len(written[row]) < decoding.min_new_tokens:
                    logits[row, sorted(stops)] = -np.inf
                token = decoding.next_token(logits[row], asked[row].rng)
                written[row].append(token)
                if token in stops or len(written[row]) >= decoding.max_new_tokens:
                    open_rows.discard(row)
            if not open_rows:
                return [errors.get(row, tuple(tokens)) for row, tokens in enumerate(written)]
            last = torch.tensor([[each[-1] if each else 0] for each in written], device=model.device)
            tokens = last if cache is not None else torch.cat([tokens, last], dim=-1)  # no cache: all of it again
            mask = torch.cat([mask, torch.ones_like(last)], dim=-1)
            positions = positions[:, -1:] + 1
