"""Rows that a plan declares weights or persons of: the credit world with both, copies of rows, and whose they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from fakes import credit_world
from listed import Listed
from probandum.asking import Asker
from probandum.evidence import Floats, Table
from probandum.probe import Measure
from probandum.subject import Codes, Subject
from probandum.target import Target

Declared = dict[str, Any]
BOTH: Declared = {"weight": "weight", "cluster": "person"}
#: What a plan may declare of these worlds, by a short name.
DECLARED: dict[str, Declared] = {"weight": {"weight": "weight"}, "cluster": {"cluster": "person"}, "both": BOTH}


def with_columns(subject: Subject, weights: Floats, persons: Codes, **declared: Any) -> Subject:
    """The rows with a weight and the name of a person each; ``declared`` says what the plan names."""
    names = np.array([f"p{person}" for person in persons])
    table = Table({**subject.table.columns, "weight": np.asarray(weights, dtype=np.float64), "person": names})
    return replace(subject, table=table, **declared)


def designed(rows: int = 3000, *, persons: int = 1500, seed: int = 1, **declared: Any) -> Subject:
    """The credit world with weights from 0.2 to 4 and persons who recur."""
    rng = np.random.default_rng(seed)
    plain = credit_world(rows, seed=seed)
    return with_columns(plain, rng.uniform(0.2, 4.0, rows), rng.integers(0, persons, rows), **declared)


def alone(plain: Subject) -> Subject:
    """Rows of weight 1, each of a person of its own."""
    return with_columns(plain, np.ones(len(plain)), np.arange(len(plain)), **BOTH)


def said(probe: Any, subject: Subject, target: Target | None = None) -> Iterator[Measure]:
    """What a probe measures, without its controls."""
    ask = Asker(target or Listed(), seed=1, subject=subject).for_probe(probe.spec.id, honours=probe.spec.honours)
    return iter(probe.measure(ask))


def the(metric: str, probe: Any, subject: Subject, target: Target | None = None) -> Measure:
    """The first of a metric."""
    return next(each for each in said(probe, subject, target) if each.metric == metric)
