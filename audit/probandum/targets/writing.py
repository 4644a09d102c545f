"""Texts written side by side, one token of each a pass: who has finished leaves, and who waits enters.

Rows of different lengths are filled up on the left. A text that ends leaves the batch with its keys and values, and
the next ones that fit enter in its place: their beginnings are read in a pass of their own and joined. Where a model's
cache cannot be joined, a batch is written to its end before the next begins. Who stands beside whom is a pure function
of the drafts and of what the model writes.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from probandum.targets.generating import Draft
from probandum.targets.prompting import Unanswerable
from probandum.targets.tries import Tokens


@dataclass(slots=True, kw_only=True)
class _Row:
    """One text that is being written; ``place``: where its draft stands among those asked."""

    place: int
    draft: Draft
    written: list[int] = field(default_factory=list)

    @property
    def left(self) -> int:
        """How many tokens it may still write."""
        return self.draft.decoding.max_new_tokens - len(self.written)


def write(
    model: Any, asked: Sequence[Draft], *, stops: Collection[int], batch_tokens: int, padded: bool
) -> list[Tokens | Unanswerable]:
    """The tokens written for each draft, a stop token included, or why there are none.

    ``padded``: whether contexts of different lengths may stand in one batch, filled up on the left; otherwise
    only equal lengths do. No more than ``batch_tokens`` are held at once, as far as more than one text is.
    """
    import torch

    found: list[Tokens | Unanswerable] = [()] * len(asked)
    order = sorted(range(len(asked)), key=lambda i: len(asked[i].context))
    waiting = deque(_Row(place=place, draft=asked[place]) for place in order)
    batch = _Batch(model)
    with torch.inference_mode():
        while waiting or batch.rows:
            entering = _entering(waiting, batch, batch_tokens, padded)
            if not entering:
                batch.read(batch.last())
                _settle(batch, found, stops)
                continue
            fresh = _Batch(model)
            fresh.begin(entering)
            _settle(fresh, found, stops)
            batch = batch.joined(fresh) if batch.rows else fresh
    return found


def _entering(waiting: deque[_Row], batch: _Batch, batch_tokens: int, padded: bool) -> list[_Row]:
    """Who enters before the next pass: as many as fit when all have written what they may."""
    found: list[_Row] = []
    if batch.rows and not (padded and batch.joinable):
        return found
    width, left = batch.width, max((row.left for row in batch.rows), default=0)
    while waiting:
        row = waiting[0]
        length = len(row.draft.context)
        width, left = max(width, length), max(left, row.left)
        held = len(batch.rows) + len(found)
        alike = padded or not found or len(found[0].draft.context) == length
        if held and not (alike and (held + 1) * (width + left) <= batch_tokens):
            break
        found.append(waiting.popleft())
    return found


def _settle(batch: _Batch, found: list[Tokens | Unanswerable], stops: Collection[int]) -> None:
    """Give every row its next token, and let those go that have ended."""
    going = []
    for number, row in enumerate(batch.rows):
        logits = batch.logits[number]
        if not np.isfinite(logits).all():
            found[row.place] = Unanswerable(f"{row.draft.name}: the model's numbers are not finite")
            continue
        decoding = row.draft.decoding
        if len(row.written) < decoding.min_new_tokens:
            logits[sorted(stops)] = -np.inf
        token = decoding.next_token(logits, row.draft.rng)
        row.written.append(token)
        if token in stops or not row.left:
            found[row.place] = tuple(row.written)
        else:
            going.append(number)
    batch.keep(going)


class _Batch:
    """Rows with what the model has read of them, as wide as the longest: ``mask`` is 0 where a row is filled up."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._last_only = "logits_to_keep" in inspect.signature(model.forward).parameters
        self.rows: list[_Row] = []
        self._cache: Any = None
        self._tokens: Any = None
        self._mask: Any = None

    @property
    def width(self) -> int:
        """Tokens of a row, those that fill up included."""
        return 0 if self._mask is None else int(self._mask.shape[1])

    @property
    def joinable(self) -> bool:
        """Whether the cache is keys and values of every token, which those of others can stand beside."""
        from transformers.cache_utils import DynamicLayer

        layers = getattr(self._cache, "layers", ())
        return bool(layers) and all(type(layer) is DynamicLayer and layer.is_initialized for layer in layers)

    def begin(self, rows: list[_Row]) -> None:
        """Read the beginnings of ``rows``."""
        import torch

        self.rows = rows
        width = max(len(row.draft.context) for row in rows)
        tokens = torch.zeros((len(rows), width), dtype=torch.long)
        mask = torch.zeros_like(tokens)
        for number, row in enumerate(rows):
            tokens[number, width - len(row.draft.context) :] = torch.tensor(row.draft.context)
            mask[number, width - len(row.draft.context) :] = 1
        self._mask = mask[:, :0].to(self._model.device)
        self.read(tokens.to(self._model.device), mask.to(self._model.device))

    def last(self) -> Any:
        """The token that each row wrote last."""
        import torch

        return torch.tensor([[row.written[-1]] for row in self.rows], device=self._model.device)

    def read(self, tokens: Any, mask: Any = None) -> None:
        """Read ``tokens`` behind what was read; the logits of the next are then in ``logits``."""
        import torch

        new = torch.ones_like(tokens) if mask is None else mask
        self._mask = torch.cat([self._mask, new], dim=-1)
        if self._tokens is not None and self._cache is None:  # a model without one reads all of it again
            tokens, new = torch.cat([self._tokens, tokens], dim=-1), self._mask
        self._tokens = tokens
        more: dict[str, Any] = {"logits_to_keep": 1} if self._last_only else {}
        if not bool(self._mask.all()):
            positions = (self._mask.cumsum(-1) - 1).clamp(min=0)[:, -tokens.shape[1] :]
            more |= {"attention_mask": self._mask, "position_ids": positions}
        output = self._model(input_ids=tokens, past_key_values=self._cache, use_cache=True, **more)
        self._cache = getattr(output, "past_key_values", None)
        self.logits = output.logits[:, -1].float().cpu().numpy().astype(np.float64)

    def keep(self, numbers: list[int]) -> None:
        """Let the other rows go, and what filled up for them alone."""
        import torch

        if len(numbers) == len(self.rows):
            return
        self.rows = [self.rows[number] for number in numbers]
        if not self.rows:
            self._cache = self._tokens = self._mask = None
            return
        kept = torch.tensor(numbers, device=self._model.device)
        self._tokens, self._mask = self._tokens.index_select(0, kept), self._mask.index_select(0, kept)
        if self._cache is not None:
            self._cache.batch_select_indices(kept)
        if self.joinable:
            self._filled(int(self._mask.any(0).int().argmax()) * -1)

    def joined(self, other: _Batch) -> _Batch:
        """One batch of both, this one's rows first."""
        import torch

        if not other.rows:
            return self
        for each in (self, other):
            each._filled(max(self.width, other.width) - each.width)
        for own, more in zip(self._cache.layers, other._cache.layers, strict=True):
            own.keys = torch.cat([own.keys, more.keys])
            own.values = torch.cat([own.values, more.values])
        self._mask = torch.cat([self._mask, other._mask])
        self.rows = self.rows + other.rows
        return self

    def _filled(self, more: int) -> None:
        """Fill up on the left, or take that many columns away there."""
        from torch.nn.functional import pad

        if not more:
            return
        self._mask = pad(self._mask, (more, 0))
        for layer in self._cache.layers:
            layer.keys, layer.values = pad(layer.keys, (0, 0, more, 0)), pad(layer.values, (0, 0, more, 0))
