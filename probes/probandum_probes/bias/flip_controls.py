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
from probandum.subject import Grouping, Subject
from probandum_probes.bias.carried import all_as
from probandum_probes.bias.counting import SMALLEST_GROUP, decisions, groups_of
from probandum_probes.bias.gap_controls import turn_round
from probandum_probes.bias.sampling import sampled_rows
from probandum_probes.bias.scored import Recorded, pairs_of, sizes_of

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
    pool = np.flatnonzero(codes == group)
    n, alpha = int(np.isin(codes, place.pair).sum()), 0.05 / place.hypotheses
    wanted = next((k for k in range(int(np.ceil(PLANTED * n)), len(pool) + 1) if _p(k, n) < alpha), None)
    if wanted is None:
        return None, f"no room for flips in {place.where}, n = {n}"
    rows = ask.rng("planted").choice(pool, size=wanted, replace=False)
    changed = turn_round(answer, rows, ask.subject.decision)
    features = subject.features or tuple(subject.table)
    asked = all_as(subject, place.grouping, reference, place.columns).table.select(features).digest
    world = _Planted(ask, subject=subject, answer=answer, asked=asked, changed=changed)
    found = {each.metric: each for each in probe.measure(world) if each.groups == place.where}
    rate, shift = (_value(found.get(metric)) for metric in ("attribute-flip-rate", "attribute-shift"))
    lost = int(subject.outcomes(answer).favourable[rows].sum())
    expected = (2 * lost - wanted) / n  # who loses the favour as one of the other group counts for their own
    counts = found["attribute-flip-rate"].estimate.counts
    told = f"{wanted} of {n} decisions were turned round in {place.where}; the probe says {rate}, shifted by {shift}"
    if rate is None or shift is None or abs(rate - wanted / n) > 1e-9 or abs(shift - expected) > 1e-9:
        return False, f"{told}; it should be {wanted / n}, shifted by {expected}"
    p = stats.p_value("clopper-pearson", BEYOND, side="above", counts=counts)
    return p < alpha, f"{wanted} of {n} decisions were turned round in {place.where} and all were counted, p = {p:.2g}"


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
        sizes = sizes_of(grouping)
        places += [
            (int(sizes[list(pair)].sum()), _Place(grouping, pair, columns, 0))
            for pair in pairs_of(grouping)
            if columns and min(sizes[list(pair)]) >= SMALLEST_GROUP
        ]
    if not places:
        return None
    _, place = max(places, key=lambda each: each[0])
    return place._replace(hypotheses=3 * len(places))
