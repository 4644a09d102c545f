"""Systems that answer by chance: by a digest of what is asked, or as the audited model with weights drawn anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import replace

import numpy as np

from probandum.controls import AskThrough
from probandum.evidence import Capability, Floats, Request, Response, Table
from probandum.probe import Ask
from probandum.row_items import Digests, combined, digests_of, text_digest
from probandum.subject import Bools
from probandum_probes.explain.worlds import Instance, Removal, World, answered, class_scores


class RandomAnswers(AskThrough):
    """Class probabilities drawn evenly from all there are (Dirichlet with ones), by a digest of ``seed`` and the input.

    The same input has the same answer in every round; two that differ in a letter or a digit have nothing in common.
    """

    def __init__(self, ask: Ask, seed: int) -> None:
        super().__init__(ask)
        self.seed = seed

    def __call__(self, requests: Sequence[Request]) -> list[Response]:
        """Answers that the audited system has no part in."""
        return [Response(outputs=self._drawn(request), labels=self.labels) for request in requests]

    def _drawn(self, request: Request) -> Floats:
        inputs = _digests(request)
        seeds = np.full(len(inputs), self.seed, dtype=np.uint64)
        classes = max(2, len(self.labels))
        waits = np.column_stack(
            [_exponential(combined([seeds, inputs, np.full(len(inputs), k, dtype=np.uint64)])) for k in range(classes)]
        )
        shares: Floats = waits / waits.sum(axis=1, keepdims=True)
        return shares


class RandomWeights(AskThrough):
    """The audited model with the weights of some layers drawn anew by ``seed``: the head, and a share of the others."""

    def __init__(self, ask: Ask, *, layers: float, seed: int) -> None:
        super().__init__(ask)
        self.drawn = {"layers": layers, "seed": seed}

    def __call__(self, requests: Sequence[Request]) -> list[Response]:
        """Classes and attributions of the model that is left."""
        return self._ask(
            [
                replace(each, kind=Capability.RANDOMISE, parameters={**each.parameters, **self.drawn})
                for each in requests
            ]
        )


def at_random(world: World, seed: int) -> World:
    """The same inputs, removals and background under a random system; of each the class is explained that it gets."""
    return _under(world, RandomAnswers(world.ask, seed), same_class=False)


def with_random_weights(world: World, *, layers: float, seed: int) -> World:
    """The same inputs under the same model with other weights; the class stays the one that the model itself gave."""
    return _under(world, RandomWeights(world.ask, layers=layers, seed=seed), same_class=True)


def _under(world: World, ask: Ask, *, same_class: bool) -> World:
    changed = copy(world)
    changed.ask = ask
    changed.instances = tuple(_answered(changed, same_class=same_class))
    return changed


def _answered(world: World, *, same_class: bool) -> Iterator[Instance]:
    """The instances with what the world's system says of them whole."""
    whole: list[Bools] = [np.ones((1, len(instance)), dtype=bool) for instance in world.instances]
    asked = [
        world.request(Removal(instance=index, operator=world.operators[0], kept=kept))[0]
        for index, kept in enumerate(whole)
    ]
    for instance, answer in zip(world.instances, world.ask(asked), strict=True):
        values = answered(answer, instance.key)[:1]
        label = instance.label if same_class else int(values[0].argmax())
        scores = class_scores(values, np.array(label))
        yield replace(instance, label=label, probability=float(scores.probability[0]), score=float(scores.log_odds[0]))


def _digests(request: Request) -> Digests:
    """64 bits of each input."""
    if isinstance(request.inputs, Table):
        return combined([digests_of(column) for column in request.inputs.columns.values()])
    return np.array([text_digest(text) for text in request.inputs], dtype=np.uint64)


def _exponential(digests: Digests) -> Floats:
    """Exponentially distributed numbers with the mean 1, from 53 bits each."""
    uniform = ((digests >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53
    return -np.log(uniform)
