"""Rows that hold the score they get, and the system that answers with it: worlds in which every number is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from probandum.evidence import Capability, Request, Response, Table
from probandum.subject import Decision, Grouping, Subject
from probandum.target import Target


class Listed(Target):
    """Answers each row with the score of the positive class that stands in it."""

    name = "listed"
    capabilities = frozenset({Capability.PREDICT})
    labels: tuple[str, ...] = ("0", "1")

    def identity(self) -> Mapping[str, Any]:
        """It has no parameter."""
        return {"rule": "listed"}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """1 - score, score."""
        scores = [np.asarray(request.table["score"], dtype=np.float64) for request in requests]
        return [Response(outputs=np.column_stack([1 - each, each]), labels=self.labels) for each in scores]


class Switched(Target):
    """Answers the score in "as_a" where the feature "a" is 1, and that in "as_b" where it is not."""

    name = "switched"
    capabilities = frozenset({Capability.PREDICT})
    labels = ("0", "1")

    def identity(self) -> Mapping[str, Any]:
        """It has no parameter."""
        return {"rule": "switched"}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """1 - score, score."""
        found = []
        for request in requests:
            rows = request.table
            score = np.where(rows["a"] == 1, rows["as_a"], rows["as_b"]).astype(np.float64)
            found.append(Response(outputs=np.column_stack([1 - score, score]), labels=self.labels))
        return found


def listed(groups: Mapping[str, tuple[Any, Any]], *, reference: str | None = None) -> Subject:
    """Towns as groups, each with ``(scores, outcomes)`` of its rows, outcomes 0 or 1."""
    scores, outcomes = (
        np.concatenate([np.asarray(pair[place], dtype=np.float64) for pair in groups.values()]) for place in (0, 1)
    )
    codes = np.repeat(np.arange(len(groups)), [len(pair[0]) for pair in groups.values()])
    return Subject(
        table=Table({"score": scores, "outcome": outcomes}),
        features=("score",),
        label="outcome",
        groupings={"town": Grouping(attribute="town", codes=codes, names=tuple(groups), reference=reference)},
        decision=Decision(favourable="1", positive="1", threshold=0.5),
    )
