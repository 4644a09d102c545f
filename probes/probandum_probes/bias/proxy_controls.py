"""Controls of the probe of proxies: a shuffled attribute that nothing tells, and decisions by a proxy alone.

Both look at the rows of the audit; the decisions follow a rule of their own, and the system is asked nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from probandum import stats
from probandum.evidence import Column, Floats, Request, Table
from probandum.finding import Groups
from probandum.probe import Ask, Measure, Probe
from probandum.subject import Decision, Grouping, Subject
from probandum_probes.bias.carried import features_of
from probandum_probes.bias.counting import SMALLEST_GROUP
from probandum_probes.bias.gap_controls import TWICE, excluded_twice
from probandum_probes.bias.halving import order_of_persons
from probandum_probes.bias.scored import pairs_of
from probandum_probes.bias.weighted import persons_of
from probandum_probes.ruled import ByRule

#: The share of rows whose stand-in says what they are, and what is decided on either value of it.
AGREE, GRANTED = 0.9, 0.9
#: Names of the planted columns.
ITSELF, STAND_IN = "(the attribute)", "(a stand-in)"
#: The most rows that a control looks at, and real features beside the planted ones.
MOST_ROWS, BESIDE = 2000, 2
NOWHERE = f"no two groups have {SMALLEST_GROUP} persons each"


class ByStandIn(ByRule):
    """Decisions that follow the stand-in and nothing else: 0.9 where it says the group, 0.1 where it does not."""

    def probability(self, request: Request) -> Floats:
        """Of a grant."""
        return np.where(request.table[STAND_IN] == 1.0, GRANTED, 1.0 - GRANTED)


def proxy_only(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """A stand-in that tells nine of ten rows decides alone: the probe must say so, and that the attribute does nothing.

    By construction the selection difference is 0.80, the AUC of the stand-in 0.90, its share of the gap 1, that of the
    attribute 0, and without the stand-in nothing is left of the difference.
    """
    world = planted_world(ask)
    if world is None:
        return None, NOWHERE
    found = {_key(each): each.estimate for each in probe.measure(world)}
    codes = world.subject.groupings["planted"].codes
    stand_in, weights = np.asarray(world.subject.table[STAND_IN]) == 1.0, world.subject.weights
    first, second = (float(np.average(stand_in[codes == side], weights=weights[codes == side])) for side in (0, 1))
    difference = first - second
    selection, share, itself = (
        found[name].value for name in ("selection-difference", "proxy-share", "attribute-share")
    )
    area = found[f"feature-auc {STAND_IN}"]
    removed = found["selection-difference-removed"]
    said = (
        f"the stand-in decides alone: difference {selection}, its AUC {area.value}, share of the gap {share}, "
        f"of the attribute {itself}, removed {removed.value}"
    )
    exact = ((selection, difference), (share, 1.0), (itself, 0.0))
    if any(value is None or abs(value - expected) > 1e-6 for value, expected in exact):
        return False, f"{said}; expected {difference:.4f}, 1 and 0"
    if area.value is None or abs(area.value - (1 + difference) / 2) > 0.02:
        return False, f"{said}; expected an AUC of {(1 + difference) / 2:.4f}"
    assert removed.method is not None
    half = -difference / 2
    p = stats.p_value(removed.method, half, side="below", counts=removed.counts, moments=removed.moments)
    return p < 0.01, f"{said}; that more than half of the difference is gone has p = {p:.2g}"


def shuffled_attribute(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """Of an attribute that is dealt out anew among the rows no feature may tell anything, twice."""
    world = planted_world(ask)
    if world is None:
        return None, NOWHERE
    names = tuple(name for name in world.subject.features if name not in (ITSELF, STAND_IN)) or (STAND_IN,)
    seen = []
    for number in ("first", "second"):
        planted = world.subject.groupings["planted"]
        codes = planted.codes[order_of_persons(world.subject, ask.rng("permuted", number))]
        shuffled: Grouping = replace(planted, codes=codes)
        told: Any = probe.together(world.subject, shuffled, (0, 1), names, ask)  # type: ignore[attr-defined]
        seen.append(told.interval(level=TWICE))
    above = [replace(each, low=each.low - 0.5, high=each.high - 0.5) for each in seen]
    said = " and ".join(f"{each.low:.3f} to {each.high:.3f}" for each in seen)
    return not excluded_twice(above), f"of an attribute dealt out anew twice features have AUCs of {said}"


def planted_world(ask: Ask, rule: type[ByRule] = ByStandIn) -> ByRule | None:
    """Rows of the largest comparison with both planted columns; None where no two groups are large enough."""
    subject = ask.subject
    places = [
        (min(persons_of(subject, grouping.codes == side) for side in pair), grouping, pair)
        for grouping in subject.groupings.values()
        for pair in pairs_of(grouping)
    ]
    if not places:
        return None
    smaller, grouping, pair = max(places, key=lambda each: each[0])
    if smaller < SMALLEST_GROUP:
        return None
    rng = ask.rng("planted")
    standing = np.isin(grouping.codes, pair) & (subject.weights > 0)
    rows = np.sort(rng.permutation(np.flatnonzero(standing))[:MOST_ROWS])
    codes = (grouping.codes[rows] != pair[0]).astype(np.int64)
    agree = np.zeros(len(rows), dtype=bool)
    for side in (0, 1):
        inside = rng.permutation(np.flatnonzero(codes == side))
        agree[inside[: round(AGREE * len(inside))]] = True
    columns: dict[str, Column] = {name: subject.table[name][rows] for name in features_of(subject)[:BESIDE]}
    columns[ITSELF] = 1.0 - codes
    columns[STAND_IN] = np.where(agree, 1.0 - codes, codes * 1.0)
    declared = {name: subject.table[name][rows] for name in (subject.weight, subject.cluster) if name is not None}
    names = tuple(grouping.names[side] for side in pair)
    planted = Grouping(attribute="planted", codes=codes, names=names, reference=names[1])
    world = Subject(
        table=Table({**declared, **columns}),
        features=tuple(columns),
        groupings={"planted": planted},
        decision=Decision(favourable="1", positive="1", threshold=0.5),
        weight=subject.weight,
        cluster=subject.cluster,
    )
    enough = min(persons_of(world, codes == side) for side in (0, 1)) >= SMALLEST_GROUP
    return rule(ask, subject=world) if enough else None


def _key(measure: Measure) -> str:
    """A measure of the planted attribute by its metric and feature."""
    where: Groups | None = measure.groups
    assert where is not None
    return " ".join([measure.metric, *measure.facets.values()])
