"""What answers beside the causal scorer and the text classifier: masked likelihoods, vectors and attributions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from probandum.evidence import Capability, Request, Response
from probandum.targets.attributing import Attributor
from probandum.targets.checkpoints import CLASSIFICATION, ENCODER, MASKED
from probandum.targets.embedding import Embedder
from probandum.targets.explained import Explained
from probandum.targets.masking import MaskedModel
from probandum.targets.pooling import Pooling
from probandum.targets.randomised_weights import RandomisedModel


class Part(Protocol):
    """What answers one kind of request, and counts the tokens that are read for it."""

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """One response a request."""

    def count(self, request: Request) -> int:
        """As its answer counts them; 0 for a request that cannot be asked."""

    def use_batches(self, tokens: int) -> None:
        """Bound the tokens of a pass from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of a model by kind of request, and why it lacks one.

    ``apart``: how far numbers of a batch were from those of single passes, in ``unit``, where a part gives the main
    answers; ``unit`` is empty where none does. ``layers``: those whose weights can be drawn anew, from the output on.
    """

    of: Mapping[Capability, Part]
    why_not: Mapping[Capability, str]
    apart: float | None = None
    unit: str = ""
    layers: tuple[str, ...] = ()


def parts_of(
    task: str,
    model: Any,
    tokenizer: Any,
    *,
    explained: Explained | None,
    pooling: Pooling | None,
    limit: int | None,
    batch_tokens: int,
    alone: bool,
    answer: Callable[[Sequence[Request]], list[Response]],
    count: Callable[[Request], int],
) -> Parts:
    """The parts that fit a task. ``explained``, ``pooling``: None where the model has no such answers.

    Only an encoder gives vectors of many texts in a pass: for the others each is asked alone. ``answer``, ``count``:
    how the target does for all kinds of requests, while a classifier has other weights.
    """
    found: dict[Capability, Part] = {}
    why_not: dict[Capability, str] = {}
    apart, unit = None, ""
    if task == MASKED:
        masked = MaskedModel(model, tokenizer, limit=limit, batch_tokens=batch_tokens, alone=alone)
        found |= {Capability.CHOOSE: masked, Capability.SCORE: masked}
        apart, unit = masked.apart, masked.unit
    if pooling is not None:
        together = batch_tokens if task == ENCODER and not alone else 0
        embedder = Embedder(model, tokenizer, pooling=pooling.way, limit=limit, batch_tokens=together)
        found[Capability.EMBED] = embedder
        if task == ENCODER:
            apart, unit = embedder.apart() if together else None, embedder.unit
    if explained is not None:
        why = Attributor.why_not(model, tokenizer)
        if why is None:
            found[Capability.ATTRIBUTE] = Attributor(model, tokenizer, explained, batch_tokens=batch_tokens)
        else:
            why_not[Capability.ATTRIBUTE] = why
    layers: tuple[str, ...] = ()
    if task == CLASSIFICATION:
        why = RandomisedModel.why_not(model)
        if why is None:
            found[Capability.RANDOMISE] = drawn = RandomisedModel(model, answer=answer, count=count)
            layers = tuple(layer.name for layer in drawn.layers)
        else:
            why_not[Capability.RANDOMISE] = why
    return Parts(of=found, why_not=why_not, apart=apart, unit=unit, layers=layers)
