"""Applicants with a column that stands in for their group, and a scorer that may look at either."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fakes import FEATURES, Scorer, credit_world, logistic
from probandum.evidence import Response, Table
from probandum.subject import Subject

#: The columns that the scorer takes.
TAKEN = (*FEATURES, "stand_in")


class Leaning(Scorer):
    """The scorer, which takes ``direct`` logits off women and ``through`` logits off whoever has the stand-in."""

    name = "leaning scorer"

    def __init__(self, *, direct: float = 0.0, through: float = 0.0) -> None:
        super().__init__(gap=direct)
        self.through = through

    def identity(self) -> Mapping[str, Any]:
        """Its two parameters."""
        return {"rule": "leaning", "direct": self.gap, "through": self.through}

    def _scored(self, rows: Table) -> Response:
        good = np.asarray(super()._scored(rows).values[:, 1])
        logit = np.log(good / (1.0 - good)) - self.through * rows["stand_in"]
        good = logistic(np.asarray(logit, dtype=np.float64))
        return Response(outputs=np.column_stack([1.0 - good, good]), labels=self.labels)


def proxied(rows: int = 2000, *, agrees: float = 0.9, seed: int = 1, labelled: bool = True) -> Subject:
    """The credit world, with a stand-in that says of ``agrees`` of all rows whether they are women."""
    subject = credit_world(rows, seed=seed, labelled=labelled)
    female = np.asarray(subject.table["female"]) == 1.0
    right = np.random.default_rng(seed + 1).random(rows) < agrees
    stand_in = np.where(right, female, ~female).astype(np.float64)
    return replace(subject, table=Table({**subject.table.columns, "stand_in": stand_in}), features=TAKEN)


def with_columns(subject: Subject, columns: Mapping[str, Any], *, features: Sequence[str] = ()) -> Subject:
    """The same rows with more columns, and these as features where some are named."""
    table = Table({**subject.table.columns, **columns})
    return replace(subject, table=table, features=tuple(features) or subject.features)
