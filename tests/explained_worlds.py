"""Worlds whose attributions are known in closed form, for the tests of explainers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from fakes import KeywordClassifier, Scorer, credit_world, logistic
from probandum.asking import Asker
from probandum.evidence import Capability, Floats, Request, Response, Table
from probandum.probe_ask import ProbeAsk
from probandum.subject import Subject
from probandum.target import Target
from probandum_probes.explain.explaining import Explanation
from probandum_probes.explain.rows import RowWorld
from probandum_probes.explain.texts import TextWorld

TEXTS = (
    "you are a stupid idiot and I hate you",
    "I love this warm bread",
    "stupid",
    "the bread is warm and the soup is hot",
    "  hate  the   stupid rain ",
)


class Rule(Target):
    """P of the second class of two from a rule on the columns, given as log-odds."""

    name = "rule"
    capabilities = frozenset({Capability.PREDICT})
    labels = ("no", "yes")

    def __init__(self, rule: Callable[[Table], Floats]) -> None:
        self.rule = rule

    def identity(self) -> Mapping[str, Any]:
        """The rule is the test's own."""
        return {"rule": "test"}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """The rule, row by row."""
        answers = []
        for request in requests:
            yes = logistic(np.asarray(self.rule(request.table), dtype=np.float64))
            answers.append(Response(outputs=np.column_stack([1 - yes, yes]), labels=self.labels))
        return answers


def asking(target: Target, subject: Subject | None = None, *, seed: int = 1, honours: Collection[str] = ()) -> ProbeAsk:
    """An ask as a probe gets it that takes these declarations of how rows were sampled into account."""
    return Asker(target, seed=seed, subject=subject).for_probe("explain.test", honours=honours)


def text_world(texts: Sequence[str] = TEXTS, target: Target | None = None, *, inputs: int = 100) -> TextWorld:
    """Texts under a classifier that adds up the weights of words."""
    return TextWorld.open(asking(target or KeywordClassifier()), texts, inputs=inputs)


def row_world(target: Target | None = None, subject: Subject | None = None, *, inputs: int = 10) -> RowWorld:
    """Rows under a scorer that is linear in its columns."""
    return RowWorld.open(asking(target or Scorer(gap=0.7), subject or credit_world(300)), inputs=inputs)


def by_text(world: TextWorld, explanations: Sequence[Explanation]) -> dict[str, Explanation]:
    """Explanations by the text they explain: a world holds its instances in random order."""
    return dict(zip(world.texts, explanations, strict=True))


def gate_world() -> RowWorld:
    """x1 AND x2 as the explained score, both columns uniform on 0 and 1: the log-odds of "yes" are x1 x2 + 1."""
    table = Table({"x1": np.array([0.0, 0.0, 1.0, 1.0]), "x2": np.array([0.0, 1.0, 0.0, 1.0])})
    return row_world(Rule(lambda rows: rows["x1"] * rows["x2"] + 1.0), Subject(table=table), inputs=4)
