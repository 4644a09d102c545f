"""Controls of rates by group where the plan declares weights or persons; without these, those of plain counts.

They work on the answers that were already given. Worlds without a gap deal whole persons out to groups, since rows of
one person belong together.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from probandum import stats
from probandum.controls import ChangedAnswers
from probandum.evidence import Floats
from probandum.probe import Ask, Probe
from probandum.subject import Bools, Grouping, Outcomes, Subject
from probandum_probes.bias import gap_controls
from probandum_probes.bias.counting import COMPARED, FALSE_POSITIVES, SELECTION, TRUE_POSITIVES, decisions, groups_of
from probandum_probes.bias.designed import DesignedRates
from probandum_probes.bias.gap_controls import (
    FEWEST_DRAWS,
    NULL_DRAWS,
    PLANTED,
    TWICE,
    few_false,
    permuted,
    still_apart,
    turn_round,
    z_at,
)
from probandum_probes.bias.sampling import sampled_rows
from probandum_probes.bias.scored import Recorded
from probandum_probes.bias.tallies import Tally, Two

#: Persons of all worlds together; of a large audit fewer worlds tell as much.
_PERSONS = 5_000_000


def no_gap(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """Permuted groups have no gap that the probe may find, and of groups drawn alike few intervals may show one."""
    ask = sampled_rows(ask, getattr(probe, "sample", None))
    if not ask.subject.design:
        return gap_controls.no_gap(probe, ask)
    subject, answer = decisions(ask)
    outcomes = subject.outcomes(answer)
    tallies = _tallies(probe, subject, outcomes)
    sharpest = _sharpest(tallies)
    if sharpest is None:
        return None, "no two groups have persons enough to be compared"
    tally, pair, _ = sharpest
    where = groups_of(tally.grouping, *pair)
    seen = []
    for number in ("first", "second"):
        world = permuted(subject, ask.rng("permuted", number).permutation(len(subject)))
        found = gap_controls.differences(probe, Recorded(ask, subject=world, answer=answer), where)[SELECTION.gap]
        if found.method is None:
            return None, f"groups were permuted, and {where} could not be compared: {found.why}"
        seen.append(stats.bounds(found.method, level=TWICE, moments=found.moments))
    if (apart := still_apart(seen, where)) is not None:
        return False, apart
    drawn, rejected = _null_worlds(tallies, ask.rng("null"))
    if drawn < FEWEST_DRAWS:
        return None, f"only {drawn} worlds without a gap had persons enough to be compared"
    return few_false(drawn, rejected)


def _tallies(probe: Probe, subject: Subject, outcomes: Outcomes) -> list[tuple[Tally, Two]]:
    """Every comparison that has persons enough."""
    designed = DesignedRates(subject, outcomes)
    groupings: list[Grouping] = probe.groupings(subject)  # type: ignore[attr-defined]
    return [
        (tally, pair)
        for grouping in groupings
        for rate in (COMPARED if designed.labelled else (SELECTION,))
        for tally in [designed.tally(rate, grouping)]
        for pair in designed.pairs(grouping)
        if tally.too_small(pair) is None
    ]


def _sharpest(tallies: list[tuple[Tally, Two]]) -> tuple[Tally, Two, int] | None:
    """The comparison of selection rates with most effective persons, and how many one-sided hypotheses there are."""
    found = [(tally, pair) for tally, pair in tallies if tally.rate is SELECTION]
    if not found:
        return None
    tally, pair = min(found, key=lambda each: sum(1 / each[0].sums.effective_size(group) for group in each[1]))
    return tally, pair, 2 * len(found)


def _null_worlds(tallies: list[tuple[Tally, Two]], rng: np.random.Generator) -> tuple[int, int]:
    """How many worlds deal persons out to two groups at random, and how many intervals then exclude parity.

    Each world asks one comparison, in turn, so that the worlds are independent of each other.
    """
    asked = [(tally.sums.pooled(*pair), tally.persons(pair[0]) / tally.persons(*pair)) for tally, pair in tallies]
    persons = sum(sums.size(0) for sums, _ in asked) / max(len(asked), 1)
    worlds = int(np.clip(_PERSONS / max(persons, 1), FEWEST_DRAWS, NULL_DRAWS))
    drawn, rejected = 0, 0
    for number in range(worlds):
        sums, share = asked[number % len(asked)]
        size = len(sums.clusters)
        inside = np.zeros(size, dtype=np.int64)
        inside[rng.permutation(size)[: round(share * size)]] = 1
        world = sums.dealt(inside)
        if min(world.size(0), world.size(1)) < 2 or not all(0 < world.mean(group) < 1 for group in (0, 1)):
            continue
        interval = world.contrast({1: 1.0, 0: -1.0}).interval(level=0.95, method="cr2")
        drawn += 1
        rejected += not interval.low <= 0.0 <= interval.high
    return drawn, rejected


def planted_gap(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """Decisions on one group turned round: the probe must say by how much, and tell the new gap from the old.

    The planted gap is at least (z at 5 % over all one-sided hypotheses + z at 1 %) standard errors wide.
    """
    ask = sampled_rows(ask, getattr(probe, "sample", None))
    if not ask.subject.design:
        return gap_controls.planted_gap(probe, ask)
    subject, answer = decisions(ask)
    before = subject.outcomes(answer)
    sharpest = _sharpest(_tallies(probe, subject, before))
    if sharpest is None or subject.decision is None:
        return None, "no two groups have persons enough to be compared"
    tally, pair, hypotheses = sharpest
    where, codes, weights = groups_of(tally.grouping, *pair), tally.grouping.codes, subject.weights
    inside, outside = codes == pair[0], codes == pair[1]
    alpha, error = 0.05 / hypotheses, tally.difference(pair).standard_error or 0.0
    whole = float(weights[inside].sum())
    wanted = max(PLANTED, (z_at(alpha) + z_at(0.01)) * error) * whole
    worse = float(weights[inside & before.favourable].sum()) >= wanted
    pool = np.flatnonzero(inside & (before.favourable == worse) & (weights > 0))
    pool = ask.rng("planted").permutation(pool)
    reached = np.flatnonzero(np.cumsum(weights[pool]) >= wanted)
    if not len(reached):
        return None, f"no room for a gap of {wanted / whole:.3f} in {where.group}"
    turned = pool[: reached[0] + 1]

    changed = turn_round(answer, turned, subject.decision)
    measured = gap_controls.differences(probe, ChangedAnswers(ask, lambda request, response: changed), where)
    for metric, gap in _directly(subject.outcomes(changed), weights, inside, outside).items():
        value = measured[metric].value
        if value is not None and abs(value - gap) > 1e-9:
            return False, f"{metric} of {where} came out as {value}; by the rows' weighted means it is {gap}"
    old, new = _directly(before, weights, inside, outside)[SELECTION.gap], measured[SELECTION.gap]
    if new.method is None:
        return None, f"decisions on {where.group} were turned round, and it could not be compared: {new.why}"
    side: Literal["above", "below"] = "below" if worse else "above"
    p = stats.p_value(new.method, old, side=side, moments=new.moments)
    planted = float(weights[turned].sum()) / whole * (-1 if worse else 1)
    moved = (new.value or 0.0) - old
    said = f"a gap of {planted:+.4f} was planted in {where}; the difference moved by {moved:+.4f}, p = {p:.2g}"
    return abs(moved - planted) < 1e-9 and p < alpha, said


def _directly(outcomes: Outcomes, weights: Floats, group: Bools, reference: Bools) -> dict[str, float]:
    """The differences by plain weighted means of rows, as far as there are rows."""

    def gap(happened: Bools, among: Bools) -> float:
        sides = [side & among for side in (group, reference)]
        first, second = (float(np.average(happened[side], weights=weights[side])) for side in sides)
        return first - second

    gaps = {SELECTION.gap: gap(outcomes.favourable, np.ones(len(weights), dtype=np.bool_))}
    if outcomes.positive is None:
        return gaps
    for rate, among in ((TRUE_POSITIVES, outcomes.positive), (FALSE_POSITIVES, ~outcomes.positive)):
        if all(weights[side & among].any() for side in (group, reference)):
            gaps[rate.gap] = gap(outcomes.detected, among)
    return gaps
