"""Controls of the probe that changes an attribute: none flips where the answers are blind to it, planted flips count.

Both work on the answers that were already given and ask the system nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from probandum import stats
from probandum.evidence import Request, Response
from probandum.finding import Groups
from probandum.probe import Ask, Measure, Probe
from probandum.subject import Bools, Codes, Grouping, Subject
from probandum_probes.bias.carried import all_as
from probandum_probes.bias.counting import SMALLEST_GROUP, decisions, groups_of
from probandum_probes.bias.gap_controls import turn_round
from probandum_probes.bias.sampling import sampled_rows
from probandum_probes.bias.scored import Recorded, pairs_of
from probandum_probes.bias.weighted import Shares, persons_of

#: The share of decisions that the positive control turns round at least, and the rate it must be told from.
PLANTED, BEYOND = 0.10, 0.01
_NOWHERE = "no two groups that the features carry are large enough"


class _Place(NamedTuple):
    """The comparison of most rows, and how many one-sided hypotheses there are in all."""

    grouping: Grouping
    pair: tuple[int, int]
    columns: tuple[str, ...]
    hypotheses: int

    @property
    def where(self) -> Groups:
        return groups_of(self.grouping, *self.pair)


class _Planted(Recorded):
    """Answers that are blind to the attribute, but for the rows as members of one group."""

    def __init__(self, ask: Ask, *, subject: Subject, answer: Response, asked: str, changed: Response) -> None:
        super().__init__(ask, subject=subject, answer=answer)
        self._asked, self._changed = asked, changed

    def __call__(self, requests: Sequence[Request]) -> list[Response]:
        """The changed answer to the one request, the recorded one to all others."""
        return [self._changed if each.table.digest == self._asked else self._answer for each in requests]


def blind(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """Where every row is answered as it is, whatever its attribute, no decision may flip."""
    ask = sampled_rows(ask, getattr(probe, "sample", None))
    if _place(probe, ask.subject) is None:
        return None, _NOWHERE
    subject, answer = decisions(ask)
    found = list(probe.measure(Recorded(ask, subject=subject, answer=answer)))
    moved = [each for each in found if each.estimate.value not in (None, 0.0)]
    if moved:
        return False, f"{moved[0].metric} of {moved[0].groups} is {moved[0].estimate.value} and should be 0"
    counted = sum(each.estimate.value is not None for each in found)
    return True, f"all {counted} figures are 0 where the answers do not look at the attribute"


def planted_flips(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """Decisions on members of one group turned round when they are asked as members of the other: all must be counted.

    As many as it takes to tell their rate from 0.01, and a tenth of the rows at least.
    """
    ask = sampled_rows(ask, getattr(probe, "sample", None))
    place = _place(probe, ask.subject)
    if place is None or ask.subject.decision is None:
        return None, _NOWHERE
    subject, answer = decisions(ask)
    codes, (group, reference) = place.grouping.codes, place.pair
    both, weights = np.isin(codes, place.pair), subject.weights
    pool = np.flatnonzero((codes == group) & (weights > 0))
    n, alpha = int(both.sum()), 0.05 / place.hypotheses
    rows = _turned(ask.rng("planted"), subject, pool, both, alpha)
    if rows is None:
        return None, f"no room for flips in {place.where}, n = {n}"
    changed = turn_round(answer, rows, ask.subject.decision)
    features = subject.features or tuple(subject.table)
    asked = all_as(subject, place.grouping, reference, place.columns).table.select(features).digest
    world = _Planted(ask, subject=subject, answer=answer, asked=asked, changed=changed)
    found = {each.metric: each for each in probe.measure(world) if each.groups == place.where}
    rate, shift = (_value(found.get(metric)) for metric in ("attribute-flip-rate", "attribute-shift"))
    whole, planted = float(weights[both].sum()), float(weights[rows].sum())
    lost = float(weights[rows][subject.outcomes(answer).favourable[rows]].sum())
    # Who loses the favour as one of the other group counts for their own.
    expected, wanted = (2 * lost - planted) / whole, planted / whole
    estimate = found["attribute-flip-rate"].estimate
    told = f"{len(rows)} of {n} decisions were turned round in {place.where}"
    if rate is None or shift is None or abs(rate - wanted) > 1e-9 or abs(shift - expected) > 1e-9:
        return False, f"{told}; the probe says {rate}, shifted by {shift}; it should be {wanted}, shifted by {expected}"
    p = stats.p_value(str(estimate.method), BEYOND, side="above", counts=estimate.counts, moments=estimate.moments)
    said = f"{told} and all were counted, p = {p:.2g}"
    # How much persons of unequal weight tell is known only once some of them are turned round.
    return (None, said) if subject.design and p >= alpha else (p < alpha, said)


def _turned(rng: np.random.Generator, subject: Subject, pool: Codes, both: Bools, alpha: float) -> Codes | None:
    """The rows of ``pool`` that are turned round, a tenth of all and enough to tell; None where there are too few.

    Persons are turned round whole, so that a share among them tells as much as their number says.
    """
    n = int(both.sum())
    if not subject.design:
        wanted = next((k for k in range(int(np.ceil(PLANTED * n)), len(pool) + 1) if _p(k, n) < alpha), None)
        return None if wanted is None else rng.choice(pool, size=wanted, replace=False)
    everybody = Shares.of(both, subject, np.zeros(len(both), dtype=np.int64), both)
    effective = max(1, int(everybody.sums.effective_size(0)))
    few = next((k for k in range(int(np.ceil(PLANTED * effective)), effective + 1) if _p(k, effective) < alpha), None)
    if few is None:
        return None
    # A third more: persons of large weight that happen to be turned round tell less than their share.
    share, place = min(1.0, 4 / 3 * few / effective), subject.persons[pool]
    order = rng.permutation(int(subject.persons.max()) + 1)
    pool = pool[np.argsort(order[place], kind="stable")]
    reached = np.cumsum(subject.weights[pool]) >= share * float(subject.weights[both].sum())
    if not reached.any():
        return None
    last = subject.persons[pool][int(reached.argmax())]
    end = int(np.flatnonzero(subject.persons[pool] == last)[-1]) + 1
    return pool[:end]


def _p(flips: int, n: int) -> float:
    return stats.p_value("clopper-pearson", BEYOND, side="above", counts=((flips, n),))


def _value(measure: Measure | None) -> float | None:
    return None if measure is None else measure.estimate.value


def _place(probe: Probe, subject: Subject) -> _Place | None:
    """The largest comparison; None where there is none of a carried attribute."""
    places: list[tuple[int, _Place]] = []
    if subject.answers:
        return None
    for grouping in subject.groupings.values():
        columns: tuple[str, ...] = probe.carried(subject, grouping)  # type: ignore[attr-defined]
        sizes = [persons_of(subject, grouping.codes == index) for index in range(len(grouping.names))]
        places += [
            (sum(sizes[index] for index in pair), _Place(grouping, pair, columns, 0))
            for pair in pairs_of(grouping)
            if columns and min(sizes[index] for index in pair) >= SMALLEST_GROUP
        ]
    if not places:
        return None
    _, place = max(places, key=lambda each: each[0])
    return place._replace(hypotheses=3 * len(places))
