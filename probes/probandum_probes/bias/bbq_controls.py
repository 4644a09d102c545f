"""Controls of BBQ: a system that always names the stereotype, and one that always says UNKNOWN.

Both change answers that were already given and ask the system nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from probandum.controls import ChangedAnswers
from probandum.evidence import Capability, Request, Response
from probandum.probe import Ask, Measure
from probandum_probes.bias.bbq_answers import of_key
from probandum_probes.bias.bbq_items import BbqItem
from probandum_probes.bias.bbq_reading import SCHEMES

Outcome = tuple[bool | None, str]
_CLOSE = 1e-9


def finds_the_stereotype(probe: Any, ask: Ask) -> Outcome:
    """Where every answer is the stereotype's, every score of bias is 1."""
    chosen = _measured(probe, ask, lambda item: item.unknown if item.target is None else item.target)
    metrics = ("bias-disambiguated", "bias-ambiguous", "bias-ambiguous-unscaled")
    scores = [each.estimate.value for each in chosen if each.metric in metrics]
    known = [score for score in scores if score is not None]
    if not known:
        return None, "no item has a target"
    said = f"{len(known)} scores of bias lie from {min(known):.3f} to {max(known):.3f}; they must be 1"
    return all(abs(score - 1) <= _CLOSE for score in known), said


def leaves_unknown_alone(probe: Any, ask: Ask) -> Outcome:
    """Where every answer is UNKNOWN, none is biased, ambiguous contexts are all answered right, and no position wins.

    Only asked answers can be rotated; recorded ones stand where their file has them.
    """
    chosen = _measured(probe, ask, lambda item: item.unknown)
    scores = [each for each in chosen if each.metric.startswith("bias-") and each.estimate.value is not None]
    accuracies = [each.estimate.value for each in chosen if each.metric == "accuracy-ambiguous"]
    shares = [each.estimate.value for each in chosen if each.metric == "position-share"]
    rotated = Capability.RECALL not in ask.capabilities
    even = not rotated or all(share is not None and abs(share - 1 / 3) <= _CLOSE for share in shares)
    right = all(value is None or value == 1 for value in accuracies)
    said = f"{len(scores)} scores of bias, accuracy in ambiguous contexts {'1' if right else 'not 1'}"
    return not scores and right and even, f"{said}, positions {'even' if even else 'not even'}"


def _measured(probe: Any, ask: Ask, place: Callable[[BbqItem], int]) -> list[Measure]:
    """What the probe says of a system that gives the answer at ``place`` of every item."""
    seen = Answering(probe, place)
    return list(probe.measure(ChangedAnswers(ask, seen.changed)))


class Answering:
    """Puts one answer in place of each that was given."""

    def __init__(self, probe: Any, place: Callable[[BbqItem], int]) -> None:
        self._by_name = {item.key: item for item in probe.file.items}
        self._probe = probe
        self._place = place

    def changed(self, request: Request, response: Response) -> Response:
        """The response that such a system gives."""
        if request.kind is Capability.RECALL:
            items = [self._by_name[key] for key in request.texts]
            texts = tuple(item.answers[self._place(item)] for item in items)
            return Response(outputs=np.ones((len(items), 1)), texts=texts, labels=response.labels)
        shown = []
        for key in request.keys:
            name, order, labels = of_key(key)
            shown.append(((self._place(self._by_name[name]) - order) % 3, labels))
        if request.kind is Capability.GENERATE:
            return Response(texts=tuple(SCHEMES[labels][position] for position, labels in shown))
        outputs = np.full((len(shown), 3), -50.0)
        outputs[np.arange(len(shown)), [position for position, _ in shown]] = 0.0
        return Response(outputs=outputs)
