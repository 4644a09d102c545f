"""Exact log-likelihoods of many continuations, with everything that prompts have in common computed once.

Two ways to the same numbers, both without padding:

- the *walk*: the trie of all sequences goes through the model depth first, some nodes a pass, and the
  key-value cache of the path to the next node is carried along. No token is computed twice.
- the *rows*: whole sequences, equal lengths together. Nothing is assumed of the architecture.

The walk needs a model whose attention takes a mask and positions as given. Whether this one does is tried out
when it is loaded, on random sequences against plain passes; where it does not, rows are scored.
Either is a pure function of the sequences. Log-probabilities are taken in float32 (logsumexp) and summed in float64.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from probandum.evidence import Floats
from probandum.targets.devices import out_of_memory
from probandum.targets.heads import head_of, log_probabilities, precision
from probandum.targets.tries import Ints, Scored, Trie, plant

#: Tokens a pass of the walk. Attention grows with it, what a pass costs besides shrinks; measured on two cores.
PASS_TOKENS = {"cpu": 384, "cuda": 2048}
#: How far the walk may be from plain passes in nats a token, by precision: some ten times its rounding.
TOLERANCE = {"float32": 1e-3, "float16": 3e-2, "bfloat16": 2.5e-1}
#: Logits that a pass may make at once where a model makes them only whole: 512 MiB in float32.
WHOLE_LOGITS = 2**27

_FULL, _SLIDING = "full_attention", "sliding_attention"


class Scorer:
    """Scores sequences with one causal model. ``batch_tokens`` bounds the tokens of a pass."""

    def __init__(self, model: Any, *, batch_tokens: int) -> None:
        self._model = model
        self._keeps = "logits_to_keep" in inspect.signature(model.forward).parameters
        self._reach = _reach(model.config)
        self.use_batches(batch_tokens)
        tried = plant(self._tried())
        self._head, self.shares_prefixes = None, False
        own = self._rows(tried)
        self._head = head_of(model, TOLERANCE[precision(model)] / 10)
        if self._head is not None and not self._near(self._rows(tried), own):
            self._head = None
        #: Whether common prefixes are computed once on this model.
        self.shares_prefixes = self._reach > 0 and self._walks(tried, own)
        #: How far the numbers of a pack were from those of single passes when it was tried out, in nats a token.
        self.apart = self._apart()

    def use_batches(self, batch_tokens: int) -> None:
        """Bound the tokens of a pass from now on."""
        self._batch_tokens = max(1, batch_tokens)
        self._pass_tokens = min(self._batch_tokens, PASS_TOKENS.get(self._model.device.type, PASS_TOKENS["cpu"]))

    def score(self, sequences: Sequence[Scored]) -> Floats:
        """Log-likelihood in nats of each continuation, shape (sequences,); not finite where the model is not."""
        if not sequences:
            return np.zeros(0)
        trie = plant(sequences)
        walkable = self.shares_prefixes and trie.longest <= self._reach
        found = self._walk(trie, self._pass_tokens) if walkable else self._rows(trie)
        if walkable and not np.isfinite(found).all():  # one branch's NaN reaches others through masked attention
            found = self._rows(trie)
        return np.array([found[targets].sum() for targets in trie.of])

    def plain(self, sequences: Sequence[Scored]) -> Floats:
        """As :meth:`score`, one sequence a pass and nothing shared: what the engine is measured against."""
        return np.array([self._rows(plant([sequence])).sum() for sequence in sequences])

    def _walk(self, trie: Trie, pass_tokens: int) -> Floats:
        """Log-probabilities of the trie's targets, depth first with the cache of the current path."""
        import torch
        from transformers import DynamicCache

        device = self._model.device
        passes = -(-len(trie) // self._at_once(pass_tokens))
        bounds = np.linspace(0, len(trie), passes + 1).astype(np.int64)
        order = np.argsort(trie.targets[:, 0], kind="stable")
        nodes = trie.targets[order, 0]
        cache, path = DynamicCache(), np.zeros(0, dtype=np.int64)
        found = []
        with torch.inference_mode():
            for start, stop in itertools.pairwise(bounds.tolist()):
                asked = order[np.searchsorted(nodes, start) : np.searchsorted(nodes, stop)]
                keys = np.concatenate([path, np.arange(start, stop)])
                kept, which = np.unique(trie.targets[asked, 0] - start, return_inverse=True)
                rows = self._rows_of(
                    torch.from_numpy(trie.tokens[None, start:stop]).to(device),
                    torch.from_numpy(kept).to(device),
                    attention_mask=self._mask(trie, keys, start, stop),
                    position_ids=torch.from_numpy(trie.depths[None, start:stop]).to(device),
                    past_key_values=cache,
                    use_cache=True,
                )
                found.append(log_probabilities(self._head, rows, which, trie.targets[asked, 1]))
                if stop < len(trie):
                    onward = trie.ends[keys] > stop
                    path = keys[onward]
                    _keep(cache, torch.from_numpy(np.flatnonzero(onward)).to(device))
        return _in_order(torch.cat(found), order)

    def _mask(self, trie: Trie, keys: Ints, start: int, stop: int) -> Any:
        """What is added to attention scores, shape (1, 1, queries, keys): 0 for a node's own path, else far below 0."""
        import torch

        queries = np.arange(start, stop)[:, None]
        seen = torch.from_numpy((keys <= queries) & (queries < trie.ends[keys])).to(self._model.device)
        mask = torch.zeros(seen.shape, dtype=self._model.dtype, device=self._model.device)
        return mask.masked_fill_(~seen, torch.finfo(self._model.dtype).min)[None, None]

    def _rows(self, trie: Trie) -> Floats:
        """Log-probabilities of the trie's targets, from its paths as rows of equal length."""
        import torch

        paths = list(trie.paths())
        row = np.searchsorted(trie.leaves(), trie.targets[:, 0])  # the first leaf under a node
        depth = trie.depths[trie.targets[:, 0]]
        lengths = np.array([len(path) for path in paths])
        found, order = [], []
        with torch.inference_mode():
            for length in np.unique(lengths):
                same = np.flatnonzero(lengths == length)
                size = max(1, self._at_once(self._batch_tokens) // int(length))
                for batch in np.split(same, range(size, len(same), size)):
                    asked = np.flatnonzero(np.isin(row, batch))
                    if not len(asked):
                        continue
                    kept, column = np.unique(depth[asked], return_inverse=True)
                    rows = self._rows_of(
                        torch.from_numpy(np.stack([paths[index] for index in batch])).to(self._model.device),
                        torch.from_numpy(kept).to(self._model.device),
                        use_cache=False,
                    )
                    which = np.searchsorted(batch, row[asked]) * len(kept) + column
                    found.append(log_probabilities(self._head, rows, which, trie.targets[asked, 1]))
                    order.append(asked)
        return _in_order(torch.cat(found), np.concatenate(order))

    def _at_once(self, tokens: int) -> int:
        """How many of ``tokens`` go into one pass: fewer where that makes logits of all of them."""
        if self._head is not None:
            return tokens
        return max(1, min(tokens, WHOLE_LOGITS // int(self._model.config.get_text_config().vocab_size)))

    def _rows_of(self, tokens: Any, kept: Any, **inputs: Any) -> Any:
        """One row for each of the positions ``kept`` of each sequence: hidden states before the head, or logits."""
        if self._head is not None:
            states = self._model.base_model(input_ids=tokens, **inputs).last_hidden_state
            rows = states.to(kept.device)[:, kept]  # of a model on several GPUs they are on the last
        elif self._keeps:
            rows = self._model(input_ids=tokens, logits_to_keep=kept, **inputs).logits
        else:
            rows = self._model(input_ids=tokens, **inputs).logits[:, kept]
        return rows.flatten(0, 1)

    def _tried(self) -> list[Scored]:
        """Branching random sequences."""
        draw = np.random.default_rng(0).integers(0, self._model.config.get_text_config().vocab_size, size=40).tolist()
        stem, long, short = tuple(draw[:12]), tuple(draw[12:22]), tuple(draw[22:26])
        return [
            Scored(context=stem + long, continuation=tuple(draw[26:29])),
            Scored(context=stem + long[:5] + short, continuation=tuple(draw[29:31])),
            Scored(context=stem + long[:5] + short, continuation=tuple(draw[31:32])),
            Scored(context=stem[:6] + short, continuation=tuple(draw[32:34])),
        ]

    def _apart(self) -> float | None:
        """The largest difference, a token, between the tried sequences together and each alone; None of no numbers."""
        tried = self._tried()
        lengths = np.array([len(sequence.continuation) for sequence in tried])
        apart = float(np.max(np.abs(self.score(tried) - self.plain(tried)) / lengths))
        return apart if np.isfinite(apart) else None

    def _walks(self, trie: Trie, own: Floats) -> bool:
        """Whether the walk gives this model's ``own`` numbers, in passes of seven tokens."""

        try:
            found = self._walk(trie, 7)
        except Exception as error:  # a model may refuse a mask, positions or a cache in its own way
            if out_of_memory(error):
                raise
            return False
        return self._near(found, own)

    def _near(self, found: Floats, own: Floats) -> bool:
        return bool((np.abs(found - own) <= TOLERANCE[precision(self._model)]).all())


def _reach(config: Any) -> int:
    """The longest sequence of which every layer sees all that stands before; 0 where a layer's kind is not known."""
    config = config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or [_FULL])
    if not kinds <= {_FULL, _SLIDING}:
        return 0
    reach = [2**31]
    window = getattr(config, "sliding_window", None)
    if window and getattr(config, "use_sliding_window", True):
        reach.append(int(window))
    rope = getattr(config, "rope_parameters", None) or {}
    if rope.get("rope_type") in ("dynamic", "longrope"):  # these turn with the length of the pass
        reach.append(int(rope.get("original_max_position_embeddings") or config.max_position_embeddings))
    return min(reach)


def _keep(cache: Any, keys: Any) -> None:
    """Drop from every layer of the cache what the next nodes do not see."""
    for layer in cache.layers:
        here = keys.to(layer.keys.device)  # each layer's GPU
        layer.keys = layer.keys.index_select(2, here)
        layer.values = layer.values.index_select(2, here)


def _in_order(found: Any, order: Ints) -> Floats:
    """``found`` back in the order of the targets, as float64 on the host."""
    values = np.empty(len(order))
    values[order] = found.double().cpu().numpy()
    return values
