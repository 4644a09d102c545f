"""Controls of the comparison within strata: no gap where groups are permuted in them, and a planted one found.

Both work on the answers that were already given and ask the system nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np

from probandum import stats
from probandum.controls import ChangedAnswers
from probandum.evidence import Response
from probandum.finding import Groups
from probandum.probe import Ask, Measure, Probe
from probandum.stats.basis import scaled_family
from probandum.stats.strata import Stratified
from probandum.subject import Bools, Grouping, Subject
from probandum_probes.bias.counting import SELECTION, decisions, groups_of, too_small
from probandum_probes.bias.gap_controls import (
    FEWEST_DRAWS,
    NULL_DRAWS,
    PLANTED,
    TWICE,
    few_false,
    still_apart,
    turn_round,
    z_at,
)
from probandum_probes.bias.sampling import sampled_rows
from probandum_probes.bias.scored import Recorded, pairs_of
from probandum_probes.bias.strata import Within

METHOD = "stratified-miettinen-nurminen"
NOWHERE = "no two groups are large enough to be compared within strata"


class _Place(NamedTuple):
    """The comparison that sees most, by its standard error, and how many one-sided hypotheses there are in all."""

    grouping: Grouping
    strata: Grouping
    within: Within
    error: float
    hypotheses: int

    @property
    def where(self) -> Groups:
        return groups_of(self.grouping, *self.within.pair)


class _World(NamedTuple):
    """The rows, what was answered, and the comparison that the controls look at."""

    ask: Ask
    subject: Subject
    answer: Response
    favourable: Bools
    place: _Place | None


def permuted_within(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """Groups permuted within strata have no gap that the probe may find; of groups drawn alike few tests find one."""
    world = _world(probe, ask)
    place = world.place
    if place is None:
        return None, NOWHERE
    seen = []
    for number in ("first", "second"):
        subject = permuted_in(world.subject, place.grouping, place.strata, ask.rng("permuted", number))
        (found,) = said_of(probe, Recorded(world.ask, subject=subject, answer=world.answer), place.where)[""]
        seen.append(stats.bounds(METHOD, level=TWICE, counts=found.estimate.counts))
    if (apart := still_apart(seen, place.where, permuted="permuted within strata twice")) is not None:
        return False, apart
    drawn, rejected = _null_worlds(place.within, ask.rng("null"))
    if drawn < FEWEST_DRAWS:
        return None, f"only {drawn} of {NULL_DRAWS} worlds without a gap had groups large enough to be compared"
    return few_false(drawn, rejected, found="tests find")


def planted_within(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """Decisions on one group turned round within as few strata as it takes: the probe must say in which, by how much.

    Strata are taken by their weight until the adjusted difference moves by (z at 5 % over all one-sided hypotheses + z
    at 1 %) standard errors; it must then be told from what it was.
    """
    world = _world(probe, ask)
    place = world.place
    if place is None or world.subject.decision is None:
        return None, NOWHERE
    alpha, within = 0.05 / place.hypotheses, place.within
    rates = float(within.rates[0] @ within.weights / within.weights.sum())
    worse = rates >= 0.5
    wanted = max(PLANTED, (z_at(alpha) + z_at(0.01)) * place.error)
    if wanted > max(rates, 1 - rates):
        return None, f"no room for a gap of {wanted:.3f} in {place.where.group} within strata"
    rows, planted = _chosen(within, world.favourable == worse, wanted, ask.rng("planted"))
    sign = -1.0 if worse else 1.0
    changed = turn_round(world.answer, rows, world.subject.decision)
    before = said_of(probe, Recorded(world.ask, subject=world.subject, answer=world.answer), place.where)
    after = said_of(probe, ChangedAnswers(world.ask, lambda request, response: changed), place.where)
    favourable = world.subject.outcomes(changed).favourable
    old, new = (_directly(place, each) for each in (world.favourable, favourable))
    (was,), (found,) = before[""], after[""]
    if not near(was.estimate.value, old) or not near(found.estimate.value, new):
        return False, f"{found.metric} of {place.where} came out as {found.estimate.value}; by its rows it is {new}"
    for stratum, moved in zip(within.kept, planted, strict=True):
        name = place.strata.names[stratum]
        (first,), (second,) = before[name], after[name]
        if not near(second.estimate.value, (first.estimate.value or 0.0) + sign * moved):
            return False, f"in {name} a gap of {sign * moved:+.4f} was planted, and it came out otherwise"
    side: Literal["above", "below"] = "below" if worse else "above"
    p = stats.p_value(METHOD, old, side=side, counts=found.estimate.counts)
    touched = sum(moved > 0 for moved in planted)
    told = f"a gap was planted in {touched} of {len(planted)} strata of {place.where}"
    return p < alpha, f"{told}; the adjusted difference moved by {new - old:+.4f}, p = {p:.2g}"


def _world(probe: Probe, ask: Ask) -> _World:
    ask = sampled_rows(ask, getattr(probe, "sample", None))
    subject, answer = decisions(ask)
    favourable = subject.outcomes(answer).favourable
    places: list[_Place] = []
    for grouping in subject.groupings.values():
        strata: Grouping | None = probe.within(subject, grouping)  # type: ignore[attr-defined]
        for pair in pairs_of(grouping) if strata is not None else ():
            assert strata is not None
            within = Within.of(grouping, strata, pair, favourable)
            if not within.counts or too_small(SELECTION, ("", ""), within.crude, [n for _, n in within.crude]):
                continue
            family = scaled_family(METHOD, within.flat)
            assert isinstance(family, Stratified)
            places.append(_Place(grouping, strata, within, family.standard_error, 0))
    place = min(places, key=lambda each: each.error)._replace(hypotheses=2 * len(places)) if places else None
    return _World(ask, subject, answer, favourable, place)


def said_of(probe: Probe, ask: Ask, where: Groups) -> dict[str, list[Measure]]:
    """What the probe itself says of one comparison: by stratum, and under "" of all of them."""
    found: dict[str, list[Measure]] = {}
    for each in probe.measure(ask):
        if each.groups == where and each.metric in ("adjusted-difference", "stratum-difference"):
            found.setdefault(each.facets.get("stratum", ""), []).append(each)
    return found


def permuted_in(subject: Subject, grouping: Grouping, strata: Grouping, rng: np.random.Generator) -> Subject:
    """The same rows, of one attribute with the groups of other rows of the same stratum."""
    order = np.arange(len(strata.codes))
    rows = np.argsort(strata.codes, kind="stable")
    order[rows] = rows[np.lexsort((rng.random(len(rows)), strata.codes[rows]))]
    moved = replace(grouping, codes=grouping.codes[order])
    return replace(subject, groupings={**subject.groupings, moved.attribute: moved})


def _null_worlds(within: Within, rng: np.random.Generator) -> tuple[int, int]:
    """How many worlds were drawn with one rate a stratum for both groups, and how many tests found a gap."""
    sizes = np.array([[n1, n2] for (_, n1), (_, n2) in within.counts])
    events = np.array([x1 + x2 for (x1, _), (x2, _) in within.counts])
    alike = np.broadcast_to((events / sizes.sum(axis=1))[:, None], sizes.shape)
    drawn, rejected = 0, 0
    for _ in range(NULL_DRAWS):
        selected = rng.binomial(sizes, alike)
        table = np.stack([selected, sizes], axis=2)
        counts = [(x, n) for x, n in table.reshape(-1, 2).tolist()]
        crude = table.sum(axis=0).tolist()
        if too_small(SELECTION, ("", ""), (tuple(crude[0]), tuple(crude[1])), [n for _, n in crude]) is not None:
            continue
        drawn += 1
        rejected += min(stats.p_value(METHOD, 0.0, side=side, counts=counts) for side in ("above", "below")) < 0.025
    return drawn, rejected


def _chosen(within: Within, can_turn: Bools, wanted: float, rng: np.random.Generator) -> tuple[np.ndarray, list[float]]:
    """Rows of the group to turn round, the heaviest strata first, and by how much each stratum's rate then moves."""
    weights, rows = within.weights, []
    planted = [0.0] * len(within.counts)
    left = wanted * float(weights.sum())
    for place in np.argsort(-weights, kind="stable").tolist():
        pool = np.flatnonzero(within.rows_of(0) & (within.place == place) & can_turn)
        step = float(weights[place]) / within.counts[place][0][1]
        take = min(len(pool), int(np.ceil(left / step)))
        if take <= 0:
            continue
        rows.append(rng.choice(pool, size=take, replace=False))
        planted[place] = take / within.counts[place][0][1]
        left -= take * step
    return np.concatenate(rows), planted


def _directly(place: _Place, favourable: Bools) -> float:
    """The adjusted difference by means over the rows of each stratum: a second opinion on the tables of counts."""
    grouping, strata = place.grouping, place.strata
    total = weight = 0.0
    for stratum in place.within.kept:
        sides = [favourable[(grouping.codes == index) & (strata.codes == stratum)] for index in place.within.pair]
        w = 1 / (1 / len(sides[0]) + 1 / len(sides[1]))
        total, weight = total + w * float(sides[0].mean() - sides[1].mean()), weight + w
    return total / weight


def near(value: float | None, expected: float) -> bool:
    """Whether a number is there and the expected one."""
    return value is not None and abs(value - expected) < 1e-9
