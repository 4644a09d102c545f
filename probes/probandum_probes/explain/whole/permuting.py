"""What is lost and what changes where a column is dealt out anew, in all rows or within rows alike in its partners."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from probandum.evidence import Floats
from probandum.probe import Measure
from probandum.subject import Bools
from probandum_probes.estimates import from_interval
from probandum_probes.explain.questions import Answer, Question
from probandum_probes.explain.whole.associations import cells, dealt
from probandum_probes.explain.whole.crossed import crossed_interval
from probandum_probes.explain.whole.world import GlobalWorld, shown, told


class _Dealt(NamedTuple):
    """A column to deal out: ``prefix`` of its metrics, and within which rows in words."""

    feature: str
    prefix: str
    within: str


def permuted(world: GlobalWorld, repeats: int) -> Iterator[Measure]:
    """Importance and shift of every feature, and the conditional ones of features that go together with others."""
    rows = world.questioned.rows
    planned, questions = [], []
    for name in world.features:
        near = world.partners(name)
        ways = [_Dealt(name, "", world.said(name))]
        if near:
            ways.append(_Dealt(name, "conditional-", f"within rows alike in {' and '.join(near)}"))
        for way in ways:
            code = cells(rows, near if way.prefix else [])
            source = dealt(code, repeats, world.ask.rng("permuted", way.prefix, name))
            planned.append(way)
            questions.append(Question(feature=name, values=rows[name][source]))
    answers, truth = world.questioned.answers(questions), positives(world)
    before = world.questioned.before.scores[:, None]
    for way, after in zip(planned, answers, strict=True):
        yield _mean(world, way, "permutation-shift", "logit", np.abs(after.scores - before), after)
        if truth is not None:
            rise = log_loss(after.scores, truth) - log_loss(before, truth)
            yield _mean(world, way, "permutation-importance", "nat", rise, after)


def positives(world: GlobalWorld) -> Bools | None:
    """In which rows the explained class came true; None without a label."""
    subject = world.ask.subject
    if subject.positive is None or subject.decision is None or subject.decision.positive not in world.ask.labels:
        return None
    itself = world.ask.labels.index(subject.decision.positive) == world.what.label
    return np.asarray(subject.positive[world.questioned.places] == itself)


def log_loss(scores: Floats, truth: Bools) -> Floats:
    """-log p of what came true, in nats, from log-odds, rows first.

    >>> log_loss(np.zeros((1, 2)), np.array([True])).round(6).tolist()  # log 2
    [[0.693147, 0.693147]]
    """
    signs = np.where(truth, -1.0, 1.0).reshape(-1, *[1] * (scores.ndim - 1))
    loss: Floats = np.logaddexp(0.0, signs * scores)
    return loss


def _mean(world: GlobalWorld, way: _Dealt, metric: str, unit: str, values: Floats, after: Answer) -> Measure:
    """The mean over rows and repeats; ``values``: shape (rows, repeats)."""
    rows, repeats = values.shape
    words = told(world.what.said, f"{rows} rows and {repeats} permutations", way.within)
    estimate = from_interval(crossed_interval(values), n=rows, unit=unit, design=words)
    evidence = [world.questioned.before.evidence, after.evidence]
    return shown(f"{way.prefix}{metric}", estimate, evidence=evidence, feature=way.feature)
