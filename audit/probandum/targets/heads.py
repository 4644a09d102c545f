"""From hidden states to log-probabilities of single tokens, with never a vocabulary of logits for every row.

Where logits are a matrix times hidden states and nothing around it, they are made and reduced a slice of the
vocabulary at a time: the matrix is read once for many rows, and no slice of logits leaves the cache of a processor.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from probandum.targets.devices import out_of_memory
from probandum.targets.tries import Ints

#: Rows, and words of the vocabulary, whose logits are made at once: on a CPU as many as its caches hold, on a GPU as
#: many as are worth a launch. Both are powers of two, since a matrix with rows of odd lengths is written slowly.
_SLICE = {"cpu": (1024, 4096), "cuda": (2048, 16384)}
#: Rows of all words that are made at once where the head is more than a matrix.
_WHOLE_ROWS = 256
#: By how much hidden states are stretched when it is tried out whether the head is all that makes logits of them.
_STRETCH = 30.0


def precision(model: Any) -> str:
    """What the weights of a model are held in, such as float32."""
    return str(model.dtype).removeprefix("torch.")


def head_of(model: Any, tolerance: float) -> Any:
    """The module that makes logits of hidden states, where it alone does; None where anything else takes part.

    That is tried out on hidden states that are stretched: a cap on logits, or a factor, shows then. ``tolerance``: how
    far the two may be apart, as a share of the largest logit.
    """
    import torch

    body, head = model.base_model, model.get_output_embeddings()
    if body is model or head is None:
        return None
    seen: list[Any] = []

    def stretch(module: Any, arguments: Any, output: Any) -> Any:
        output.last_hidden_state = output.last_hidden_state * _STRETCH
        seen.append(output.last_hidden_state)
        return output

    draw = np.random.default_rng(1).integers(0, model.config.get_text_config().vocab_size, size=(1, 8))
    hook = body.register_forward_hook(stretch)
    try:
        with torch.inference_mode():
            logits = model(input_ids=torch.from_numpy(draw).to(model.device), use_cache=False).logits.float()
            again = head(seen[0]).to(logits.device).float()
    except Exception as error:  # a body may answer in its own form
        if out_of_memory(error):
            raise
        return None
    finally:
        hook.remove()
    near = tolerance * logits.abs().max()
    return head if logits.shape == again.shape and bool(((logits - again).abs() <= near).all()) else None


def log_probabilities(head: Any, rows: Any, which: Ints, tokens: Ints) -> Any:
    """log p of ``tokens[i]`` by row ``which[i]``, in nats and float32, on the device of ``rows``.

    ``rows``: hidden states, shape (rows, size); where there is no ``head``, logits, shape (rows, words).
    """
    import torch

    sliced = _plain(head)
    size, words = _SLICE.get(rows.device.type, _SLICE["cpu"])
    if not sliced:
        size = _WHOLE_ROWS
    found = torch.empty(len(which), dtype=torch.float32, device=rows.device)
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        inside = np.flatnonzero((which >= start) & (which < start + size))
        row = torch.from_numpy(which[inside] - start).to(rows.device)
        token = torch.from_numpy(tokens[inside]).to(rows.device)
        if sliced:
            picked, totals = _by_slices(head, part, row, token, words)
        else:
            logits = (part if head is None else head(part).to(part.device)).float()
            picked, totals = logits[row, token], torch.logsumexp(logits, dim=-1)
        found[torch.from_numpy(inside).to(rows.device)] = picked - totals[row]
    return found


def _plain(head: Any) -> bool:
    """Whether the head is a matrix here and now, as it was made: not quantised, moved about or watched."""
    import torch

    if type(head) is not torch.nn.Linear or type(head.weight) is not torch.nn.Parameter:
        return False
    here = head.weight.device.type != "meta" and "forward" not in vars(head)
    return here and not head._forward_hooks and not head._forward_pre_hooks


def _by_slices(head: Any, rows: Any, row: Any, token: Any, words: int) -> tuple[Any, Any]:
    """The logit of ``token[i]`` by row ``row[i]``, and the logsumexp of every row, over ``words`` at a time."""
    import torch

    picked = torch.zeros(len(row), dtype=torch.float32, device=rows.device)
    totals = []
    for first in range(0, len(head.weight), words):
        bias = None if head.bias is None else head.bias[first : first + words]
        logits = torch.nn.functional.linear(rows, head.weight[first : first + words], bias).float()
        place = token - first
        here = (place >= 0) & (place < logits.shape[1])  # without asking a GPU which these are
        picked = torch.where(here, logits[row, place.clamp(0, logits.shape[1] - 1)], picked)
        totals.append(torch.logsumexp(logits, dim=-1))
    return picked, torch.logsumexp(torch.stack(totals), dim=0)
