"""What carries a gap in scores: the mean attribution of every feature in one group less that in another.

With interventional Shapley values over one background these differences add up to the gap itself:
``sum over j of (mean phi_j of g - mean phi_j of h) = mean f of g - mean f of h``, in log-odds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from probandum import stats
from probandum.evidence import Floats, Response
from probandum.probe import Ask
from probandum.stats.resampling import DRAWS, sorted_draws, weighted_sums
from probandum.subject import Bools, Codes, Grouping, Subject
from probandum_probes.explain.explaining import make_explainer
from probandum_probes.explain.rows import RowWorld
from probandum_probes.explain.worlds import Instance, class_scores

#: Rows that stand for "this value is not known".
BACKGROUND = 30


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explained:
    """Attributions of some rows: ``phi``, shape (rows, features), towards the favourable decision in log-odds.

    ``rows`` are their places among all rows under audit.
    """

    features: tuple[str, ...]
    rows: Codes
    phi: Floats

    def of(self, grouping: Grouping, group: int, inputs: int) -> Floats:
        """The first attributions of a group, in the order in which its rows were drawn."""
        return self.phi[np.flatnonzero(grouping.codes[self.rows] == group)[:inputs]]

    def places(self, grouping: Grouping, group: int, inputs: int) -> Codes:
        """The rows behind them."""
        return self.rows[np.flatnonzero(grouping.codes[self.rows] == group)[:inputs]]


def explained(ask: Ask, answer: Response, features: Sequence[str], inputs: int) -> Explained:
    """``inputs`` rows of every group of every attribute, in a seeded order, each explained once."""
    subject = ask.subject
    order = ask.rng("explained").permutation(len(subject))
    wanted = np.zeros(len(subject), dtype=bool)
    for grouping in subject.groupings.values():
        for group in range(len(grouping.names)):
            wanted[order[grouping.codes[order] == group][:inputs]] = True
    rows = order[wanted[order]]
    background = np.sort(ask.rng("background").permutation(len(subject))[:BACKGROUND])
    table = subject.table.select(tuple(features))
    world = RowWorld(
        ask,
        _instances(subject, answer, tuple(features), rows),
        table.take(rows),
        background=table.take(background),
        drawn=[0] * len(rows),
    )
    seed = int(ask.rng("explainer").integers(2**31))
    found = make_explainer("shap.permutation").explain(world, seed=seed)
    decision = subject.decision
    assert decision is not None  # decisions were read by it
    towards = 1.0 if decision.favourable == decision.positive else -1.0
    return Explained(features=tuple(features), rows=rows, phi=towards * np.stack([each.attributions for each in found]))


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
    """Attributions of a group and of its reference, shape (rows, features) each."""

    group: Floats
    reference: Floats

    def whole(self) -> stats.Interval:
        """The gap in scores, in logits, with Welch's interval."""
        return stats.welch_interval(self.group.sum(axis=1), self.reference.sum(axis=1))

    def contribution(self, feature: int) -> stats.Interval:
        """What one feature adds to it, in logits, with Welch's interval."""
        return stats.welch_interval(self.group[:, feature], self.reference[:, feature])

    def share(self, features: Bools) -> float:
        """The part of the gap that some features carry; below 0 or above 1 where others pull the other way.

        >>> gap = Gap(group=np.array([[3.0, 1.0]] * 2), reference=np.array([[0.0, 0.0]] * 2))
        >>> gap.share(np.array([True, False]))
        0.75
        """
        moved = self.group.mean(axis=0) - self.reference.mean(axis=0)
        return float(moved[features].sum() / moved.sum()) + 0.0  # no negative zero

    def share_draws(self, features: Bools, rng: np.random.Generator) -> tuple[float, ...]:
        """Sorted draws of the share, the rows of each group resampled."""
        sides = []
        for phi in (self.group, self.reference):
            sums = np.column_stack([phi[:, features].sum(axis=1), phi.sum(axis=1)])
            sides.append(weighted_sums(sums, rng=rng, draws=DRAWS) / len(phi))
        moved = sides[0] - sides[1]
        with np.errstate(all="ignore"):
            return sorted_draws(moved[:, 0] / moved[:, 1] + 0.0, DRAWS)

    def influence(self, features: Bools) -> tuple[Floats, Floats]:
        """What each row adds to the share, to first order, rows of the group and of the reference; sums are 0."""
        share, whole = self.share(features), self.whole().value
        parts = []
        for sign, phi in ((1.0, self.group), (-1.0, self.reference)):
            added = phi[:, features].sum(axis=1) - share * phi.sum(axis=1)
            parts.append(sign * (added - added.mean()) / (len(phi) * whole))
        return parts[0], parts[1]
