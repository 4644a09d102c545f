"""Controls of the advice: thresholds find nothing to close where groups are drawn alike, and close a planted gap.

Both work on the answers that were already given and ask the system nothing.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from probandum import stats
from probandum.evidence import Floats
from probandum.finding import Estimate, Groups
from probandum.probe import Ask, Measure, Probe
from probandum.subject import Bools, Grouping, Subject
from probandum_probes.bias.advised import advised_pairs, left_out
from probandum_probes.bias.counting import SMALLEST_GROUP, groups_of
from probandum_probes.bias.gap_controls import TWICE, excluded_twice, permuted, z_at
from probandum_probes.bias.halving import first_half, order_of_persons
from probandum_probes.bias.sampling import sampled_rows
from probandum_probes.bias.scored import Recorded, Scored, rescored, scored
from probandum_probes.bias.weighted import persons_of

_METHOD = "thresholds-for-equal-selection"
#: What scores of one group are pulled down to: this part of their distance from the lowest of all.
PULLED = 0.5
#: Thresholds are fitted on one half and seen on the other, each with its chance: variances add up.
_BOTH = math.sqrt(2)


def nothing_to_close(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """Of groups dealt out anew there is no gap after thresholds, as there is none before: two worlds may not agree."""
    found = _found(probe, ask)
    if isinstance(found, str):
        return None, found
    scores, grouping, pair = found
    where = groups_of(grouping, *pair)
    seen = []
    for number in ("first", "second"):
        order = order_of_persons(scores.subject, ask.rng("permuted", number))
        world = Recorded(ask, subject=_alone(permuted(scores.subject, order), grouping), answer=scores.answer)
        after = _stages(probe, world, where).get("after")
        if after is None or after.value is None:
            return None, f"groups were dealt out anew, and the probe then had no advice for {where}"
        seen.append(_wider(after))
    said = " and ".join(f"{each.low:+.4f} to {each.high:+.4f}" for each in seen)
    return not excluded_twice(seen), f"groups were dealt out anew twice; after thresholds {where} differ by {said}"


def planted_and_closed(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """Scores of one group pulled down in their order: thresholds by group can undo that, and the probe must say so."""
    found = _found(probe, ask)
    if isinstance(found, str):
        return None, found
    scores, grouping, pair = found
    where, inside = groups_of(grouping, *pair), grouping.codes == pair[0]
    pulled = _pulled(scores.score, inside)
    answer = rescored(scores, pulled)
    stages = _stages(probe, Recorded(ask, subject=_alone(scores.subject, grouping), answer=answer), where)
    before, after = stages.get("before"), stages.get("after")
    if before is None or after is None or before.value is None or after.value is None:
        return None, f"scores of {where.group} were pulled down, and the probe then had no advice for {where}"
    held = ~first_half(sampled_rows(ask, getattr(probe, "sample", None)))
    favourable = scores.subject.outcomes(answer).favourable
    first, second = (
        float(np.average(favourable[rows], weights=scores.subject.weights[rows]))
        for rows in (held & inside, held & (grouping.codes == pair[1]))
    )
    plainly = first - second
    if abs(before.value - plainly) > 1e-9:
        return False, f"before, {where} came out as {before.value}; by the rows' means it is {plainly}"
    error = _error(before)
    if abs(plainly) < (z_at(0.05) + z_at(0.01)) * _BOTH * error:
        return None, f"no room for a gap that {where} could show: {plainly:+.4f}"
    wide = _wider(after)
    said = f"scores of {where.group} were pulled down: {plainly:+.4f} before, {after.value:+.4f} after thresholds"
    return wide.low <= 0 <= wide.high, f"{said} ({wide.low:+.4f} to {wide.high:+.4f})"


def _found(probe: Probe, ask: Ask) -> tuple[Scored, Grouping, tuple[int, int]] | str:
    """Scores and labels with the comparison whose smaller group is largest, or why there is none."""
    found = scored(sampled_rows(ask, getattr(probe, "sample", None)), None)
    if isinstance(found, str):
        return found
    fit = first_half(sampled_rows(ask, getattr(probe, "sample", None)))
    places = [
        (min(persons_of(found.subject, grouping.codes == index) for index in pair), name, pair)
        for name, grouping in found.subject.groupings.items()
        for pair in advised_pairs(grouping, left_out(found, grouping, fit))
    ]
    if not places or max(places)[0] < 4 * SMALLEST_GROUP:
        return f"no two groups have {4 * SMALLEST_GROUP} persons each"
    _, name, pair = max(places)
    if found.score.min() == found.score.max():
        return "every row has the same score"
    return found, found.subject.groupings[name], pair


def _alone(subject: Subject, grouping: Grouping) -> Subject:
    """The rows with one of their attributes."""
    return replace(subject, groupings={grouping.attribute: subject.groupings[grouping.attribute]})


def _stages(probe: Probe, ask: Ask, where: Groups) -> dict[str, Estimate]:
    """Before and after thresholds for equal selection, as the probe itself says of one pair of groups."""
    measures: list[Measure] = list(probe.measure(ask))
    return {
        each.facets["stage"]: each.estimate
        for each in measures
        if each.groups == where and each.facets.get("method") == _METHOD
    }


def _pulled(scores: Floats, inside: Bools) -> Floats:
    """Scores of a group nearer to the lowest of all, in the same order."""
    lowest = float(scores.min())
    return np.where(inside, lowest + PULLED * (scores - lowest), scores)


def _wider(estimate: Estimate) -> stats.Interval:
    """The interval as wide as both halves make it."""
    assert estimate.method is not None
    found = stats.bounds(estimate.method, level=TWICE, counts=estimate.counts, moments=estimate.moments)
    low, high = (found.value + _BOTH * (end - found.value) for end in (found.low, found.high))
    return replace(found, low=low, high=high)


def _error(estimate: Estimate) -> float:
    assert estimate.low is not None and estimate.high is not None
    return (estimate.high - estimate.low) / (2 * z_at(0.025))
