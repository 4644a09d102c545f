"""Systems that answer by chance: a digest of what is asked decides, so that the audited system is not asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import replace

import numpy as np

from probandum.controls import AskThrough
from probandum.evidence import Floats, Request, Response, Table
from probandum.probe import Ask
from probandum.row_items import Digests, combined, digests_of, text_digest
from probandum.subject import Bools
from probandum_probes.explain.worlds import Instance, Removal, World, class_scores


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


def at_random(world: World, seed: int) -> World:
    """The same inputs, removals and background under a random system; of each the class is explained that it gets."""
    changed = copy(world)
    changed.ask = RandomAnswers(world.ask, seed)
    changed.instances = tuple(_answered(changed))
    return changed


def _answered(world: World) -> Iterator[Instance]:
    """The instances with what the world's system says of them whole."""
    whole: list[Bools] = [np.ones((1, len(instance)), dtype=bool) for instance in world.instances]
    asked = [
        world.request(Removal(instance=index, operator=world.operators[0], kept=kept))[0]
        for index, kept in enumerate(whole)
    ]
    for instance, answer in zip(world.instances, world.ask(asked), strict=True):
        label = int(answer.values[0].argmax())
        scores = class_scores(answer.values[:1], np.array(label))
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
