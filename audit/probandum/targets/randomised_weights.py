"""A text classifier whose layers are drawn anew, from the output on, while it answers; then it is what it was.

An explanation that stays the same while the weights behind an answer go is no explanation of the answer (Adebayo et al.
2018). A drawn weight is normal, with the mean and the standard deviation of the entries of the one whose place it
takes: numbers keep about their size on the way through the model, and no weight is left out. Drawing as the model's
family does before training would keep what the family's own initialiser does not know, without a word. A weight whose
entries are all alike stays, as that of a normalisation which training never moved; of a single number the deviation is
its size.

The own weights are never written to: others stand in their place, and the same tensors come back.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from probandum.evidence import Capability, Request, Response
from probandum.targets.prompting import Unanswerable, attempt

#: What a request says beside the parameters of the answer that it wants.
_OWN = ("layers", "seed")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layer:
    """Weights that are drawn together, by their names in the model."""

    name: str
    weights: tuple[tuple[str, Any], ...]


def layers_of(model: Any) -> tuple[Layer, ...]:
    """The layers from the output on: the head, each block from the last to the first, embeddings.

    Blocks are the list of modules that holds most of the weights. What stands outside the model's body is of the head,
    and so is what the body lists behind the blocks (a pooler, a last normalisation); what it lists before them is of
    the embeddings. A body without a list is one layer. Shared weights are of the part that lists them first.
    """
    body = {id(each) for each in model.base_model.parameters()}
    prefix, count = _stack(model)
    parts: dict[str, list[tuple[str, Any]]] = {"head": []}
    parts |= {f"block {block}": [] for block in range(count, 0, -1)}
    outside = "embeddings" if count else "body"
    parts[outside] = []
    for name, weight in model.named_parameters():
        if count and name.startswith(prefix):
            place = f"block {int(name.removeprefix(prefix).partition('.')[0]) + 1}"
            outside = "head"  # from here on
        else:
            place = outside if id(weight) in body else "head"
        parts[place].append((name, weight))
    return tuple(Layer(name=name, weights=tuple(weights)) for name, weights in parts.items() if weights)


def _stack(model: Any) -> tuple[str, int]:
    """What the names of the blocks' weights begin with, and how many blocks; 0 without a list of modules."""
    from torch.nn import ModuleList

    lists = [(f"{name}.", module) for name, module in model.named_modules() if isinstance(module, ModuleList)]
    sizes = [sum(each.numel() for each in module.parameters()) for _, module in lists]
    if not any(sizes):
        return "", 0
    prefix, blocks = lists[int(np.argmax(sizes))]
    return prefix, len(blocks)


def reached(layers: int, share: float) -> int:
    """How many of the layers are drawn: the head, and that share of those behind it, rounded up.

    >>> [reached(5, share) for share in (0.0, 0.25, 0.3, 1.0)]
    [1, 2, 3, 5]
    """
    return 1 + math.ceil(round(share * (layers - 1), 9))


@contextmanager
def randomised(layers: Sequence[Layer], seed: int) -> Iterator[None]:
    """The model with other weights in these layers. A weight's draw follows from ``seed`` and its name alone."""
    weights = [pair for layer in layers for pair in layer.weights]
    own = [(weight, weight.data) for _, weight in weights]
    try:
        for name, weight in weights:
            weight.data = _drawn(weight.data, name, seed)
        yield
    finally:
        for weight, data in own:
            weight.data = data


def _drawn(own: Any, name: str, seed: int) -> Any:
    """Normal numbers with the mean and the standard deviation of ``own``, in its shape, type and place."""
    import torch

    material = hashlib.sha256(f"{seed}\x1f{name}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(material[:16], "big"))
    entries = own.float()
    spread = entries.std(correction=0) if own.numel() > 1 else entries.abs().sum()
    normal = torch.from_numpy(rng.standard_normal(tuple(own.shape), dtype=np.float32)).to(own.device)
    drawn = (entries.mean() + spread * normal).to(own.dtype)
    return drawn if spread > 0 else own


class RandomisedModel:
    """Answers randomise requests: what the model answers to the rest of each, once layers of it are drawn anew.

    ``layers``: a share, as ``reached`` reads it; ``seed``: a whole number from 0. With the parameter ``method`` the
    rest is an attribute request, else one for classes. ``answer`` and ``count``: how the model does as it is.
    """

    def __init__(
        self,
        model: Any,
        *,
        answer: Callable[[Sequence[Request]], list[Response]],
        count: Callable[[Request], int],
    ) -> None:
        self.layers = layers_of(model)
        self._answer = answer
        self._count = count

    @staticmethod
    def why_not(model: Any) -> str | None:
        """Why weights of this model cannot be drawn anew; None where they can."""
        if getattr(model.base_model, "_compiled_call_impl", None) is not None:
            return "its body is compiled with the weights that it has"
        if any(not each.is_floating_point() for each in model.parameters()) or hasattr(model, "hf_quantizer"):
            return "its weights are quantised, and no others can be drawn in their place"
        return None

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """One response a request; those that want the same weights share them."""
        asked = [attempt(self._asked, request) for request in requests]
        found = {place: Response(error=each) for place, each in enumerate(asked) if isinstance(each, str)}
        wanted: dict[tuple[int, int], list[tuple[int, Request]]] = {}
        for place, each in enumerate(asked):
            if not isinstance(each, str):
                wanted.setdefault(each[:2], []).append((place, each[2]))
        for (count, seed), same in wanted.items():
            with randomised(self.layers[:count], seed):
                answers = self._answer([rest for _, rest in same])
            found.update(zip((place for place, _ in same), answers, strict=True))
        return [found[place] for place in range(len(requests))]

    def count(self, request: Request) -> int:
        """The tokens that the model reads for the rest of it; 0 where it cannot be asked."""
        asked = attempt(self._asked, request)
        return 0 if isinstance(asked, str) else self._count(asked[2])

    def use_batches(self, tokens: int) -> None:
        """The parts that answer are told themselves."""

    def _asked(self, request: Request) -> tuple[int, int, Request]:
        """How many layers are drawn, by which seed, and what is asked then; Unanswerable where it cannot be meant."""
        given = request.parameters
        share, seed = given.get("layers"), given.get("seed")
        if not isinstance(share, int | float) or isinstance(share, bool) or not 0 <= share <= 1:
            raise Unanswerable(f"parameter layers: {share!r}, expected a share of the layers, 0 for the head to 1")
        if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
            raise Unanswerable(f"parameter seed: {seed!r}, expected a whole number from 0")
        rest = {name: value for name, value in given.items() if name not in _OWN}
        if "method" not in rest and rest:
            raise Unanswerable(f"parameter {next(iter(rest))}: not known; known: layers, seed, and those of a method")
        kind = Capability.ATTRIBUTE if rest else Capability.CLASSIFY
        return reached(len(self.layers), share), seed, replace(request, kind=kind, parameters=rest)
