"""Controls of the comparison within strata where the plan declares weights or persons; without these, those of counts.

They work on the answers that were already given. Worlds without a gap deal persons out to the two groups within each
stratum, each with all their rows there, since rows of one person belong together.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from probandum import stats
from probandum.controls import ChangedAnswers
from probandum.evidence import Response
from probandum.finding import Groups
from probandum.probe import Ask, Measure, Probe
from probandum.subject import Bools, Codes, Grouping, Subject
from probandum_probes.bias import conditional_controls
from probandum_probes.bias.adjusted_persons import PersonsWithin, too_small
from probandum_probes.bias.conditional_controls import NOWHERE, near, permuted_in, said_of
from probandum_probes.bias.counting import decisions, groups_of
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

#: Persons of all worlds together, and of one at most: of a large audit fewer tell as much.
_PERSONS, _MOST_PERSONS = 1_000_000, 10_000


class _World(NamedTuple):
    """The rows, what was answered, and the comparison that sees most among so many one-sided hypotheses."""

    ask: Ask
    subject: Subject
    answer: Response
    favourable: Bools
    grouping: Grouping
    strata: Grouping
    where: Groups
    within: PersonsWithin
    error: float
    hypotheses: int


def permuted_within(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """Groups permuted within strata have no gap that the probe may find; of groups dealt out few tests find one."""
    ask = sampled_rows(ask, getattr(probe, "sample", None))
    if not ask.subject.design:
        return conditional_controls.permuted_within(probe, ask)
    world = _world(probe, ask)
    if world is None:
        return None, NOWHERE
    seen = []
    for number in ("first", "second"):
        subject = permuted_in(world.subject, world.grouping, world.strata, ask.rng("permuted", number))
        (found,) = said_of(probe, Recorded(ask, subject=subject, answer=world.answer), world.where)[""]
        if found.estimate.method is None:
            return None, f"groups were permuted within strata, and {world.where} could not be compared: {found.why}"
        seen.append(stats.bounds(found.estimate.method, level=TWICE, moments=found.estimate.moments))
    if (apart := still_apart(seen, world.where, permuted="permuted within strata twice")) is not None:
        return False, apart
    drawn, rejected = _null_worlds(world.within.sums, ask.rng("null"))
    if drawn < FEWEST_DRAWS:
        return None, f"only {drawn} worlds without a gap had persons enough to be compared"
    return few_false(drawn, rejected)


def planted_within(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """Decisions on one group turned round within as few strata as it takes: the probe must say in which, by how much.

    Strata are taken by their weight until the adjusted difference moves by (z at 5 % over all one-sided hypotheses + z
    at 1 %) standard errors; it must then be told from what it was.
    """
    ask = sampled_rows(ask, getattr(probe, "sample", None))
    if not ask.subject.design:
        return conditional_controls.planted_within(probe, ask)
    world = _world(probe, ask)
    if world is None or world.subject.decision is None:
        return None, NOWHERE
    alpha, rate = 0.05 / world.hypotheses, world.within.sums.common[0]
    worse = rate >= 0.5
    wanted = max(PLANTED, (z_at(alpha) + z_at(0.01)) * world.error)
    if wanted > max(rate, 1 - rate):
        return None, f"no room for a gap of {wanted:.3f} in {world.where.group} within strata"
    rows, planted = _chosen(world, world.favourable == worse, wanted, ask.rng("planted"))
    sign = -1.0 if worse else 1.0
    changed = turn_round(world.answer, rows, world.subject.decision)
    before = said_of(probe, Recorded(ask, subject=world.subject, answer=world.answer), world.where)
    after = said_of(probe, ChangedAnswers(ask, lambda request, response: changed), world.where)
    favourable = world.subject.outcomes(changed).favourable
    old, new = (_directly(world, each) for each in (world.favourable, favourable))
    (was,), (found,) = before[""], after[""]
    if found.estimate.method is None or was.estimate.value is None:
        return None, f"decisions on {world.where.group} were turned round, and it could not be compared: {found.why}"
    if not near(was.estimate.value, old) or not near(found.estimate.value, new):
        return False, f"{found.metric} of {world.where} came out as {found.estimate.value}; by its rows it is {new}"
    for stratum, moved in zip(world.within.kept, planted, strict=True):
        name = world.strata.names[stratum]
        values = [_value(each[name]) for each in (before, after)]
        if values[0] is not None and values[1] is not None and not near(values[1], values[0] + sign * moved):
            return False, f"in {name} a gap of {sign * moved:+.4f} was planted, and it came out otherwise"
    side: Literal["above", "below"] = "below" if worse else "above"
    p = stats.p_value(found.estimate.method, old, side=side, moments=found.estimate.moments)
    touched = sum(moved > 0 for moved in planted)
    told = f"a gap was planted in {touched} of {len(planted)} strata of {world.where}"
    return p < alpha, f"{told}; the adjusted difference moved by {new - old:+.4f}, p = {p:.2g}"


def _world(probe: Probe, ask: Ask) -> _World | None:
    subject, answer = decisions(ask)
    favourable = subject.outcomes(answer).favourable
    found: list[_World] = []
    for grouping in subject.groupings.values():
        strata: Grouping | None = probe.within(subject, grouping)  # type: ignore[attr-defined]
        for pair in pairs_of(grouping) if strata is not None else ():
            assert strata is not None
            within = PersonsWithin.of(subject, grouping, strata, pair, favourable)
            if not within.kept or too_small(("", ""), within.crude, within.sums) is not None:
                continue
            error, where = within.sums.difference().student.standard_error, groups_of(grouping, *pair)
            found.append(_World(ask, subject, answer, favourable, grouping, strata, where, within, error, 0))
    return min(found, key=lambda each: each.error)._replace(hypotheses=2 * len(found)) if found else None


def _null_worlds(within: stats.ClusteredStrata, rng: np.random.Generator) -> tuple[int, int]:
    """How many worlds deal the persons of each stratum out to both groups, and how many intervals exclude parity."""
    sizes = np.bincount(within.sums.groups, minlength=2 * within.strata).reshape(-1, 2)
    pooled, everybody = within.sums.regrouped(within.sums.groups // 2), np.unique(within.sums.clusters)
    if len(everybody) > _MOST_PERSONS:
        some = np.isin(pooled.clusters, rng.choice(everybody, _MOST_PERSONS, replace=False))
        pooled = pooled.regrouped(np.where(some, pooled.groups, -1))
    stratum, many = pooled.groups, np.bincount(pooled.groups, minlength=within.strata)
    starts, first = np.cumsum(many) - many, np.round(many * sizes[:, 0] / sizes.sum(axis=1))
    drawn, rejected = 0, 0
    for _ in range(int(np.clip(_PERSONS / max(len(stratum), 1), FEWEST_DRAWS, NULL_DRAWS))):
        order = np.lexsort((rng.random(len(stratum)), stratum))
        rank = np.empty(len(stratum), dtype=np.int64)
        rank[order] = np.arange(len(stratum)) - starts[stratum[order]]
        cells: Codes = 2 * stratum + (rank >= first[stratum])
        if np.bincount(cells, minlength=2 * within.strata).min() < 2:
            continue
        student = stats.ClusteredStrata(sums=pooled.dealt(cells), strata=within.strata).difference().student
        if student.standard_error == 0:
            continue
        interval = student.interval(level=0.95, method="cr2")
        drawn += 1
        rejected += not interval.low <= 0.0 <= interval.high
    return drawn, rejected


def _chosen(world: _World, can_turn: Bools, wanted: float, rng: np.random.Generator) -> tuple[Codes, list[float]]:
    """Rows of the group to turn round, the heaviest strata first, and by how much each stratum's rate then moves."""
    sums, rows, weights = world.within.sums, [], world.subject.weights
    planted = [0.0] * sums.strata
    shares, left = sums.weights / sums.weights.sum(), wanted
    for place in np.argsort(-shares, kind="stable").tolist():
        if left <= 0:
            break
        pool = rng.permutation(np.flatnonzero((world.within.cells == 2 * place) & can_turn))
        whole = float(sums.totals[0][place])
        moved = np.cumsum(weights[pool]) / whole
        taken = pool[: int(np.searchsorted(moved * shares[place], left)) + 1]
        if not len(taken):
            continue
        rows.append(taken)
        planted[place] = float(weights[taken].sum()) / whole
        left -= planted[place] * float(shares[place])
    return np.concatenate(rows), planted


def _directly(world: _World, favourable: Bools) -> float:
    """The adjusted difference by weighted means over the rows of each stratum: a second opinion on the sums."""
    weights, codes, strata = world.subject.weights, world.grouping.codes, world.strata.codes
    names = (world.where.group, world.where.reference)
    total = weight = 0.0
    for stratum in world.within.kept:
        sides = [(codes == world.grouping.names.index(str(name))) & (strata == stratum) for name in names]
        sizes = [float(weights[side].sum()) for side in sides]
        rates = [float(np.average(favourable[side], weights=weights[side])) for side in sides]
        w = 1 / (1 / sizes[0] + 1 / sizes[1])
        total, weight = total + w * (rates[0] - rates[1]), weight + w
    return total / weight


def _value(measures: list[Measure]) -> float | None:
    (only,) = measures
    return only.estimate.value
