"""Worlds of rows for `planted.py`: decisions, scores and numbers whose differences between groups have a known size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from worlds import Generator, Listed, World, either, rows, selected

from probandum.evidence import Request, Response, Table
from probandum.finding import Limit
from probandum.subject import NUMERIC, Decision, Subject
from probandum.target import Target


def group_rates(rng: Generator, effect: float) -> tuple[Target, Subject]:
    """1,500 rows of two groups each; half of B are selected, and that share and ``effect`` of A."""
    codes = np.repeat([0, 1], 1500)
    return rows(selected(rng, np.where(codes == 0, 0.5 + effect, 0.5)), codes % 2, g=(codes, "AB"))


def auc_gap(rng: Generator, effect: float) -> tuple[Target, Subject]:
    """1,500 rows of two groups each with normal scores; the AUC of B is .80, and of A ``effect`` more."""
    from scipy.special import expit
    from scipy.stats import norm

    codes = np.repeat([0, 1], 1500)
    positive = rng.random(3000) < 0.5
    apart = np.sqrt(2) * norm.ppf(np.where(codes == 0, 0.8 + effect, 0.8))
    return rows(expit(apart * positive - apart / 2 + rng.normal(size=3000)), positive, g=(codes, "AB"))


def calibration(rng: Generator, effect: float) -> tuple[Target, Subject]:
    """1,500 rows of two groups each; what is predicted comes true in B, and ``effect`` more often in A."""
    codes = np.repeat([0, 1], 1500)
    p = rng.uniform(0.3, 0.7, 3000)
    return rows(p, rng.random(3000) < p + effect * (codes == 0), g=(codes, "AB"))


def intersections(rng: Generator, effect: float) -> tuple[Target, Subject]:
    """1,500 rows of four crossed groups each; half are selected, of one group ``effect`` times as many."""
    codes = np.repeat(np.arange(4), 1500)
    p = selected(rng, np.where(codes == 0, 0.5 * effect, 0.5))
    return rows(p, codes % 2, g=(codes // 2, "AB"), h=(codes % 2, "CD"))


def conditional_parity(rng: Generator, effect: float) -> tuple[Target, Subject]:
    """1,500 rows of two groups each, A mostly where .4 are selected and B where .6; of A ``effect`` more."""
    codes = np.repeat([0, 1], 1500)
    hard = np.arange(3000) % 3 < np.where(codes == 0, 2, 1)
    system, subject = rows(selected(rng, np.where(hard, 0.4, 0.6) + effect * (codes == 0)), codes % 2, g=(codes, "AB"))
    factor = np.where(hard, "hard", "easy")
    return system, replace(subject, table=Table({**subject.table.columns, "factor": factor}))


class Switched(Listed):
    """Answers as listed for whoever is not of A, and turns the decision round for A where ``u`` is below ``share``."""

    name = "switched"

    def __init__(self, share: float) -> None:
        self.share = share

    def identity(self) -> Mapping[str, Any]:
        """Its only parameter."""
        return {"rule": "switched", "share": self.share}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """1 - p, p."""
        tables = [request.table for request in requests]
        turned = [(table["a"] == 1) & (table["u"] < self.share) for table in tables]
        found = [np.where(turn, 1 - table["p"], table["p"]) for turn, table in zip(turned, tables, strict=True)]
        return [either(each, self.labels) for each in found]


def attribute_flip(rng: Generator, effect: float) -> tuple[Target, Subject]:
    """1,500 rows of two groups each; the decision on a row depends on its group with the probability ``effect``."""
    codes = np.repeat([0, 1], 1500)
    _, subject = rows(selected(rng, np.full(3000, 0.5)), codes % 2, g=(codes, "AB"))
    table = Table({**subject.table.columns, "a": 1.0 - codes, "u": rng.random(3000)})
    return Switched(effect), replace(subject, table=table, features=("p", "a", "u"))


def designed_flips(rng: Generator, effect: float) -> tuple[Target, Subject]:
    """2 rows of 1,500 persons a group, of unequal weights; all decisions on a person depend on their group, or none."""
    person = np.repeat(np.arange(3000), 2)
    codes = person % 2
    _, subject = rows(selected(rng, np.full(6000, 0.5)), codes % 2, g=(codes, "AB"))
    columns = {**subject.table.columns, "a": 1.0 - codes, "u": rng.random(3000)[person]}
    columns |= {"w": rng.uniform(0.5, 2.0, 6000), "person": person.astype(np.float64)}
    table, features = Table(columns), ("p", "a", "u")
    return Switched(effect), replace(subject, table=table, features=features, weight="w", cluster="person")


class Weighed(Listed):
    """Half a logit a unit of ``w``, and 1.6 logits less for A: a share of them through ``z``, the rest through ``a``.

    ``z`` says of nine rows in ten whether they are of A, so that it differs by .8 between the groups.
    """

    name = "weighed"

    def __init__(self, share: float) -> None:
        self.share = share

    def identity(self) -> Mapping[str, Any]:
        """Its only parameter."""
        return {"rule": "weighed", "share": self.share}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """1 - p, p."""
        found = []
        for table in (request.table for request in requests):
            logit = 0.8 + 0.5 * table["w"] - 1.6 * (self.share * table["z"] / 0.8 + (1 - self.share) * table["a"])
            found.append(1 / (1 + np.exp(-np.asarray(logit, dtype=np.float64))))
        return [either(each, self.labels) for each in found]


def proxies(rng: Generator, effect: float) -> tuple[Target, Subject]:
    """1,500 rows of two groups each; of a gap of 1.6 logits the share ``effect`` runs through a proxy."""
    codes = np.repeat([0, 1], 1500)
    _, subject = rows(np.zeros(3000), codes % 2, g=(codes, "AB"))
    z = np.where(rng.random(3000) < 0.9, 1.0 - codes, codes * 1.0)
    table = Table({**subject.table.columns, "a": 1.0 - codes, "z": z, "w": rng.normal(size=3000)})
    return Weighed(effect), replace(subject, table=table, features=("a", "z", "w"))


class Numbered(Listed):
    """Answers each row with the number that stands in it."""

    name = "numbered"
    labels = (NUMERIC,)

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """p, as a number."""
        found = [np.asarray(request.table["p"], dtype=np.float64) for request in requests]
        return [Response(outputs=each[:, None], labels=self.labels) for each in found]


def designed_rates(rng: Generator, effect: float) -> tuple[Target, Subject]:
    """3 rows of 500 persons a group, of unequal weights; half of B are selected, and ``effect`` more of A."""
    person = np.repeat(np.arange(1000), 3)
    codes, leaning = person % 2, rng.beta(4, 4, 1000)[person] - 0.5
    system, subject = rows(selected(rng, 0.5 + leaning + effect * (codes == 0)), codes % 2, g=(codes, "AB"))
    table = {**subject.table.columns, "w": rng.uniform(0.5, 2.0, 3000), "person": person.astype(np.float64)}
    return system, replace(subject, table=Table(table), label=None, weight="w", cluster="person")


def numbered(values: Any, codes: Any, **columns: Any) -> tuple[Target, Subject]:
    """Numbers of two groups, B the reference; higher ones are good."""
    _, subject = rows(values, values, g=(codes, "AB"))
    decision = Decision(favourable="higher", numeric=True)
    table = Table({**subject.table.columns, **columns})
    return Numbered(), replace(subject, table=table, label=None, decision=decision)


def outcome_gap(rng: Generator, effect: float) -> tuple[Target, Subject]:
    """1,500 normal numbers of two groups each; those of A lie ``effect`` standard deviations of all higher."""
    codes = np.repeat([0, 1], 1500)
    shift = effect / np.sqrt(1 - effect**2 / 4)  # the spread of all has a quarter of the squared shift in it
    return numbered(rng.normal(size=3000) + shift * (codes == 0), codes)


def ranking_exposure(rng: Generator, effect: float) -> tuple[Target, Subject]:
    """60 lists of 10 of A and 10 of B, normal scores shifted so that the ratio of their attention is ``effect``."""
    codes, lists = np.tile([0, 1], 600), np.repeat(np.arange(60.0), 20)
    return numbered(rng.normal(size=1200) - shift_for(effect) * (codes == 0), codes, q=lists)


@cache
def shift_for(ratio: float) -> float:
    """The shift of normal scores by which lists of ten and ten have this ratio of mean attention, by simulation."""
    noise, inside = np.random.default_rng(0).normal(size=(20_000, 20)), np.arange(20) < 10

    def reached(shift: float) -> float:
        mine = inside[np.argsort(-(noise - shift * inside), axis=1)]
        attention = np.broadcast_to(1 / np.log2(2.0 + np.arange(20)), mine.shape)
        return float(attention[mine].mean() / attention[~mine].mean())

    low, high = -5.0, 5.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if reached(middle) > ratio else (low, middle)
    return low


WORLDS = (
    World(
        limit=Limit(metric="bias.group-rates/selection-difference", direction="band", threshold=0.05),
        draw=group_rates,
        said="two groups of 1,500, half selected",
    ),
    World(
        limit=Limit(metric="bias.auc-gap/auc-difference", direction="band", threshold=0.05),
        draw=auc_gap,
        said="two groups of 1,500, AUC .80",
    ),
    World(
        limit=Limit(metric="bias.calibration/calibration-difference", direction="band", threshold=0.05),
        draw=calibration,
        said="two groups of 1,500, predictions from .3 to .7",
    ),
    World(
        limit=Limit(metric="bias.conditional-parity/adjusted-difference", direction="band", threshold=0.05),
        draw=conditional_parity,
        said="two groups of 1,500, unevenly in two strata that select .4 and .6",
        options={"given": ("factor",), "reason": "planted"},
    ),
    World(
        limit=Limit(metric="bias.attribute-flip/attribute-flip-rate", direction="at_most", threshold=0.01),
        draw=attribute_flip,
        stated_at=0.01,
        said="two groups of 1,500, half selected",
    ),
    World(
        limit=Limit(metric="bias.attribute-flip/attribute-flip-rate", direction="at_most", threshold=0.01),
        draw=designed_flips,
        stated_at=0.01,
        said="two groups of 1,500 persons with two rows each that flip together, weights from .5 to 2, half selected",
    ),
    World(
        limit=Limit(metric="bias.group-rates/selection-difference", direction="band", threshold=0.05),
        draw=designed_rates,
        said="two groups of 500 persons with three rows each, weights from .5 to 2, half selected",
    ),
    World(
        limit=Limit(metric="bias.outcome-gap/difference-in-sd", direction="band", threshold=0.1),
        draw=outcome_gap,
        said="two groups of 1,500 normal numbers",
    ),
    World(
        limit=Limit(metric="bias.ranking-exposure/exposure-ratio", direction="at_least", threshold=0.9),
        draw=ranking_exposure,
        null=1.0,
        options={"lists": "q", "top": 5},
        said="60 lists of 10 and 10 with normal scores",
    ),
    World(
        limit=Limit(metric="bias.intersections/impact-ratio", direction="at_least", threshold=0.8),
        draw=intersections,
        null=1.0,
        group="A*C",
        said="four crossed groups of 1,500, half selected",
    ),
    World(
        limit=Limit(metric="bias.proxies/proxy-share", direction="at_most", threshold=0.5),
        draw=proxies,
        stated_at=0.5,
        said="two groups of 1,500, 1.6 logits apart in part through a proxy of AUC .90",
    ),
)
