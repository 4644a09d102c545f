"""Where a model looks: its attention on the tokens of a text. It explains no answer, and is never called so.

``attention-last-layer`` is the mean over heads in the last layer. ``attention-rollout`` (Abnar and Zuidema 2020)
multiplies the layers' means, each halved with the identity for what passes a layer unchanged. Both are read where the
answer is made: at the last token where tokens see only what stands before them, at the first one otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from probandum.evidence import Floats
from probandum.targets.prompting import Unanswerable
from probandum.targets.tries import Tokens


def rollout(layers: Floats) -> Floats:
    """What of each token reaches each place through all layers; ``layers`` and the result have rows that sum to 1.

    >>> rollout(np.array([[[1.0, 0.0], [1.0, 0.0]]] * 2)).tolist()  # the second token keeps half of itself, twice
    [[1.0, 0.0], [0.75, 0.25]]
    """
    reached = np.eye(layers.shape[-1])
    for layer in layers:
        reached = (layer + np.eye(len(layer))) / 2 @ reached
    return reached


def attention(model: Any, tokens: Tokens, *, rolled: bool) -> Floats:
    """The attention of the place where the answer is made on each token, shape (tokens,); it sums to 1.

    Unanswerable where the model has none that could be read.
    """
    import torch

    with torch.no_grad(), _readable(model):
        output = model(input_ids=torch.tensor([tokens], device=model.device), output_attentions=True)
    shape = (len(tokens), len(tokens))
    found = [each for each in output.get("attentions") or () if each is not None and each.shape[-2:] == shape]
    if len(found) != model.config.get_text_config().num_hidden_layers:
        raise Unanswerable(f"a {type(model).__name__} has no attention of every layer that could be read")
    layers = np.stack([each[0].double().mean(dim=0).cpu().numpy() for each in found])
    forward = not np.triu(layers, k=1).any()
    reached = rollout(layers) if rolled else layers[-1]
    row: Floats = reached[-1 if forward else 0]
    return row


@contextmanager
def _readable(model: Any) -> Iterator[None]:
    """The way of computing attention that keeps it, for as long as it takes."""
    usual = model.config._attn_implementation  # the library has no public name for it
    model.set_attn_implementation("eager")
    try:
        yield
    finally:
        model.set_attn_implementation(usual)
