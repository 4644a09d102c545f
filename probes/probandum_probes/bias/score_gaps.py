"""What carries a gap in scores: the mean attribution of every feature in one group less that in another.

With interventional Shapley values over one background these differences add up to the gap itself:
``sum over j of (mean phi_j of g - mean phi_j of h) = mean f of g - mean f of h``, in log-odds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from probandum import stats
from probandum.evidence import Floats, Response, Table
from probandum.probe import Ask
from probandum.stats.resampling import DRAWS, sorted_draws, weighted_sums
from probandum.subject import Bools, Codes, Grouping, Subject
from probandum_probes.bias.predicting import Sampled
from probandum_probes.explain.explaining import Explainer, make_explainer
from probandum_probes.explain.rows import RowWorld
from probandum_probes.explain.worlds import Instance, class_scores

#: Rows that stand for "this value is not known".
BACKGROUND = 30


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explained:
    """Attributions of some rows: ``phi``, shape (rows, features), towards the favourable decision in log-odds.

    ``rows`` are their places among all rows under audit. ``scores``: what the attributions explain, shape (rows,), and
    ``bases`` what they start from, NaN where the explainer says none. ``background``: the rows that stand for a value
    that is not known, the same for all.
    """

    features: tuple[str, ...]
    rows: Codes
    phi: Floats
    scores: Floats
    bases: Floats
    background: Table

    def of(self, grouping: Grouping, group: int, inputs: int) -> Floats:
        """The first attributions of a group, in the order in which its rows were drawn."""
        return self.phi[np.flatnonzero(grouping.codes[self.rows] == group)[:inputs]]

    def places(self, grouping: Grouping, group: int, inputs: int) -> Codes:
        """The rows behind them."""
        return self.rows[np.flatnonzero(grouping.codes[self.rows] == group)[:inputs]]


def explained(
    ask: Ask,
    answer: Response,
    features: Sequence[str],
    inputs: int,
    *,
    explainer: Explainer | None = None,
    background: int = BACKGROUND,
) -> Explained:
    """``inputs`` rows of every group of every attribute, in a seeded order, each explained once.

    Of every row the same class is explained, and never the one it was decided for. ``explainer``: by default one
    permutation there and back. ``background``: how many rows stand for a value that is not known.
    """
    subject = ask.subject
    order = ask.rng("explained").permutation(len(subject))
    order = order[subject.weights[order] > 0]  # others stand for nobody
    wanted = np.zeros(len(subject), dtype=bool)
    for grouping in subject.groupings.values():
        for group in range(len(grouping.names)):
            wanted[order[grouping.codes[order] == group][:inputs]] = True
    rows = order[wanted[order]]
    table = subject.table.select(tuple(features))
    unknown = table.take(np.sort(_by_weight(ask.rng("background"), subject.weights)[:background]))
    instances = _instances(subject, answer, tuple(features), rows)
    world = RowWorld(ask, instances, table.take(rows), background=unknown, drawn=[0] * len(rows))
    seed = int(ask.rng("explainer").integers(2**31))
    found = (explainer or make_explainer("shap.permutation")).explain(world, seed=seed)
    decision = subject.decision
    assert decision is not None  # decisions were read by it
    towards = 1.0 if decision.favourable == decision.positive else -1.0
    return Explained(
        features=tuple(features),
        rows=rows,
        phi=towards * np.stack([each.attributions for each in found]),
        scores=towards * np.array([each.score for each in instances]),
        bases=towards * np.array([np.nan if each.base is None else each.base for each in found]),
        background=unknown,
    )


def _by_weight(rng: np.random.Generator, weights: Floats) -> Codes:
    """Rows in an order in which those of more weight tend to come first; of equal weights a permutation.

    Each place of a permutation is a step of an exponential race, which a row runs as fast as it weighs (Efraimidis and
    Spirakis 2006).
    """
    order = rng.permutation(len(weights))
    steps = -np.log1p(-(np.arange(len(order)) + 0.5) / len(order))
    running = np.flatnonzero(weights[order] > 0)
    return np.asarray(order[running][np.argsort(steps[running] / weights[order][running], kind="stable")])


def _instances(subject: Subject, answer: Response, features: tuple[str, ...], rows: Codes) -> list[Instance]:
    """The rows with the score of the positive class, whichever was decided on."""
    assert subject.decision is not None
    label = answer.labels.index(subject.decision.positive)
    scores = class_scores(answer.values[rows], np.array(label))
    keys = subject.keys()
    return [
        Instance(
            key=keys[place],
            features=features,
            label=label,
            stratum=subject.decision.positive,
            probability=float(probability),
            score=float(score),
        )
        for place, probability, score in zip(rows.tolist(), *scores, strict=True)
    ]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gap:
    """Attributions of a group and of its reference, shape (rows, features) each.

    ``sampled``: how the rows of both, the group's first, were sampled, where the plan declares it.
    """

    group: Floats
    reference: Floats
    sampled: Sampled | None = None

    @property
    def n(self) -> int:
        """All rows, or persons."""
        return self._size if self.sampled is None else len(np.unique(self.sampled.persons))

    @property
    def _size(self) -> int:
        return len(self.group) + len(self.reference)

    @property
    def weights(self) -> tuple[Floats, Floats]:
        """Of the rows of both, 1 in sum each."""
        each = np.ones(self._size) if self.sampled is None else self.sampled.weights
        first, second = each[: len(self.group)], each[len(self.group) :]
        return first / first.sum(), second / second.sum()

    def whole(self) -> stats.Interval:
        """The gap in scores, in logits: Welch's interval, over persons CR2's."""
        return self._difference(self.group.sum(axis=1), self.reference.sum(axis=1))

    def contribution(self, feature: int) -> stats.Interval:
        """What one feature adds to it, in logits, likewise."""
        return self._difference(self.group[:, feature], self.reference[:, feature])

    def added(self, feature: int) -> Floats:
        """What each row does to what one feature adds, to first order, the group's rows first; sums of each are 0."""
        parts = []
        for sign, phi, weights in zip((1.0, -1.0), (self.group, self.reference), self.weights, strict=True):
            parts.append(sign * weights * (phi[:, feature] - weights @ phi[:, feature]))
        return np.concatenate(parts)

    def _difference(self, group: Floats, reference: Floats) -> stats.Interval:
        if self.sampled is None:
            return stats.welch_interval(group, reference)
        sides = np.repeat([0, 1], [len(group), len(reference)])
        values = np.concatenate([group, reference])
        sums = stats.ClusterSums.of(values, self.sampled.weights, self.sampled.persons, sides)
        return sums.contrast({0: 1.0, 1: -1.0}).interval(level=0.95, method="cr2")

    def share(self, features: Bools) -> float:
        """The part of the gap that some features carry; below 0 or above 1 where others pull the other way.

        >>> gap = Gap(group=np.array([[3.0, 1.0]] * 2), reference=np.array([[0.0, 0.0]] * 2))
        >>> gap.share(np.array([True, False]))
        0.75
        """
        first, second = self.weights
        moved = first @ self.group - second @ self.reference
        return float(moved[features].sum() / moved.sum()) + 0.0  # no negative zero

    def share_draws(self, features: Bools, rng: np.random.Generator) -> tuple[float, ...]:
        """Sorted draws of the share, the rows of each group resampled, or all persons."""
        if self.sampled is not None:
            return self._person_draws(features, rng)
        sides = []
        for phi in (self.group, self.reference):
            sums = np.column_stack([phi[:, features].sum(axis=1), phi.sum(axis=1)])
            sides.append(weighted_sums(sums, rng=rng, draws=DRAWS) / len(phi))
        moved = sides[0] - sides[1]
        with np.errstate(all="ignore"):
            return sorted_draws(moved[:, 0] / moved[:, 1] + 0.0, DRAWS)

    def _person_draws(self, features: Bools, rng: np.random.Generator) -> tuple[float, ...]:
        assert self.sampled is not None
        weights, persons = self.sampled.weights, self.sampled.persons
        inside = np.arange(self._size) < len(self.group)
        phi = np.concatenate([self.group, self.reference])
        parts = [phi[:, features].sum(axis=1), phi.sum(axis=1), np.ones(len(phi))]
        columns = [np.bincount(persons, weights=weights * side * part) for side in (inside, ~inside) for part in parts]
        drawn = weighted_sums(np.column_stack(columns), rng=rng, draws=DRAWS)
        with np.errstate(all="ignore"):
            moved = drawn[:, :2] / drawn[:, [2]] - drawn[:, 3:5] / drawn[:, [5]]
            return sorted_draws(moved[:, 0] / moved[:, 1] + 0.0, DRAWS)

    def influence(self, features: Bools) -> tuple[Floats, Floats]:
        """What each row adds to the share, to first order, rows of the group and of the reference; sums are 0."""
        share, whole = self.share(features), self.whole().value
        parts = []
        for sign, phi, weights in zip((1.0, -1.0), (self.group, self.reference), self.weights, strict=True):
            added = phi[:, features].sum(axis=1) - share * phi.sum(axis=1)
            parts.append(sign * weights * (added - weights @ added) / whole)
        return parts[0], parts[1]
