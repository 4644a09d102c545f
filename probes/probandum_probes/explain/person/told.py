"""A system that is told what to answer, row by row: rows that are alike may have answers that are not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from probandum.controls import AskThrough
from probandum.evidence import Floats, Request, Response
from probandum.probe import Ask
from probandum.subject import Subject


class Told(AskThrough):
    """Given probabilities of the positive class, ``positive``, shape (rows,), of two classes "0" and "1"."""

    def __init__(self, ask: Ask, subject: Subject, positive: Floats) -> None:
        super().__init__(ask, subject=subject)
        self._positive = positive

    @property
    def labels(self) -> tuple[str, ...]:
        """Two classes, the second one positive."""
        return "0", "1"

    def __call__(self, requests: Sequence[Request]) -> list[Response]:
        """The same to each request for all rows."""
        outputs = np.column_stack([1.0 - self._positive, self._positive])
        return [Response(outputs=outputs, labels=self.labels) for _ in requests]
