"""Systems of planted worlds: a rule of two classes that answers in place of the audited system."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from probandum.controls import AskThrough
from probandum.evidence import Capability, Floats, Request, Response


class ByRule(AskThrough, ABC):
    """An ask that answers by a rule alone; subclasses give the probability of class "1" of each row or text."""

    answers: ClassVar[Capability] = Capability.PREDICT

    @property
    def labels(self) -> tuple[str, ...]:
        """Of the rule."""
        return ("0", "1")

    @property
    def capabilities(self) -> frozenset[Capability]:
        """Of the rule."""
        return frozenset({self.answers})

    def __call__(self, requests: Sequence[Request]) -> list[Response]:
        """1 - p, p."""
        found = []
        for request in requests:
            p = np.asarray(self.probability(request), dtype=np.float64)
            found.append(Response(outputs=np.column_stack([1.0 - p, p]), labels=self.labels))
        return found

    @abstractmethod
    def probability(self, request: Request) -> Floats:
        """Of class "1", shape (inputs,)."""


def logistic(log_odds: Any) -> Floats:
    """The probability of log-odds.

    >>> float(logistic(0.0))
    0.5
    """
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds)))
