"""Controls of comparisons of numbers: no gap where there is none, and a planted one found.

Both work on the answers that were already given and ask the system nothing.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from probandum import stats
from probandum.evidence import Floats
from probandum.probe import Ask, Probe
from probandum.subject import Grouping
from probandum_probes.bias.counting import groups_of
from probandum_probes.bias.gap_controls import (
    FEWEST_DRAWS,
    NULL_DRAWS,
    TWICE,
    differences,
    few_false,
    permuted,
    still_apart,
    z_at,
)
from probandum_probes.bias.outcomes import (
    LOSSES,
    OUTCOME,
    Numbers,
    RecordedNumbers,
    gap,
    numbers_of,
    overall_spread,
    pairs_of,
    too_small,
)
from probandum_probes.bias.tallies import Two

#: The smallest gap that the positive control plants, in standard deviations of what was decided.
PLANTED = 0.3
#: Rows of all worlds together; of a large audit fewer worlds tell as much.
_ROWS = 10_000_000


def no_gap(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """Permuted groups have no gap that the probe may find, and of groups drawn alike few intervals may show one."""
    numbers = numbers_of(ask, probe.sample, 0.5)  # type: ignore[attr-defined]
    place = None if isinstance(numbers, str) else _sharpest(probe, numbers)
    if isinstance(numbers, str) or place is None:
        return None, "no two groups are large enough to be compared"
    grouping, pair, _ = place
    where = groups_of(grouping, *pair)
    seen = []
    for number in ("first", "second"):
        order = ask.rng("permuted", number).permutation(len(numbers.decided))
        world = RecordedNumbers(ask, subject=permuted(numbers.subject, order), decided=numbers.decided)
        found = differences(probe, world, where)[OUTCOME.gap]
        assert found.method is not None
        seen.append(stats.bounds(found.method, level=TWICE, moments=found.moments))
    if (apart := still_apart(seen, where, digits="+.4g")) is not None:
        return False, apart
    drawn, rejected = _null_worlds(numbers, grouping, pair, ask.rng("null"))
    return few_false(drawn, rejected)


def _null_worlds(numbers: Numbers, grouping: Grouping, pair: Two, rng: np.random.Generator) -> tuple[int, int]:
    """How many worlds deal persons out to two groups at random, and how many intervals then exclude 0."""
    sums = numbers.sums(numbers.decided, grouping)
    share = sums.size(pair[0]) / (sums.size(pair[0]) + sums.size(pair[1]))
    everybody = sums.pooled(*pair)
    size = len(everybody.clusters)
    drawn = int(np.clip(_ROWS / size, FEWEST_DRAWS, NULL_DRAWS))
    rejected = 0
    for _ in range(drawn):
        inside = np.zeros(size, dtype=np.int64)
        inside[rng.permutation(size)[: round(share * size)]] = 1
        if numbers.subject.design:
            found = everybody.dealt(inside).contrast({1: 1.0, 0: -1.0}).interval(level=0.95, method="cr2")
        else:
            found = stats.welch_interval(everybody.values[inside == 1], everybody.values[inside == 0])
        rejected += not found.low <= 0.0 <= found.high
    return drawn, rejected


def planted_gap(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """A number added to what was decided on one group: the probe must say by how much, and tell new gap from old.

    At least 0.3 standard deviations, and (z at 5 % over all one-sided hypotheses + z at 1 %) standard errors.
    """
    numbers = numbers_of(ask, probe.sample, 0.5)  # type: ignore[attr-defined]
    place = None if isinstance(numbers, str) else _sharpest(probe, numbers)
    if isinstance(numbers, str) or place is None:
        return None, "no two groups are large enough to be compared"
    grouping, pair, hypotheses = place
    where, alpha = groups_of(grouping, *pair), 0.05 / hypotheses
    before = gap(numbers, OUTCOME, grouping, pair)
    error = before.student(numbers, grouping, pair)[1].standard_error
    spread = overall_spread(numbers, grouping, pair)[0]
    planted = max(PLANTED * spread, (z_at(alpha) + z_at(0.01)) * error)
    changed = numbers.decided + planted * (grouping.codes == pair[0])
    measured = differences(probe, RecordedNumbers(ask, subject=numbers.subject, decided=changed), where)
    tolerated = 1e-9 * max(1.0, float(np.abs(changed).max()))
    wanted = {OUTCOME.gap: _directly(numbers, changed, grouping, pair)}
    if numbers.subject.actual is not None:
        wanted[LOSSES[0].gap] = _directly(numbers, changed - numbers.subject.actual, grouping, pair)
    for metric, value in wanted.items():
        found = measured[metric].value
        if found is None or not math.isclose(found, value, abs_tol=tolerated):
            return False, f"{metric} of {where} came out as {found}; by the rows' means it is {value}"
    new, side = measured[OUTCOME.gap], _ABOVE
    assert new.method is not None and new.value is not None
    p = stats.p_value(new.method, before.value, side=side, moments=new.moments)
    moved = new.value - before.value
    said = f"{planted:+.4g} was planted in {where}; the difference moved by {moved:+.4g}, p = {p:.2g}"
    return math.isclose(moved, planted, abs_tol=tolerated) and p < alpha, said


_ABOVE: Literal["above"] = "above"


def _directly(numbers: Numbers, values: Floats, grouping: Grouping, pair: Two) -> float:
    """The difference by plain weighted means of rows."""
    first, second = (
        float(np.average(values[grouping.codes == group], weights=numbers.weights[grouping.codes == group]))
        for group in pair
    )
    return first - second


def _sharpest(probe: Probe, numbers: Numbers) -> tuple[Grouping, Two, int] | None:
    """The comparison with the most persons, and how many one-sided hypotheses there are in all."""
    found: list[tuple[float, Grouping, Two]] = []
    groupings: list[Grouping] = probe.groupings(numbers.subject)  # type: ignore[attr-defined]
    for grouping in groupings:
        sums = numbers.sums(numbers.decided, grouping)
        found += [
            (sum(1 / sums.effective_size(group) for group in pair), grouping, pair)
            for pair in pairs_of(numbers, grouping)
            if too_small(numbers, grouping, pair) is None and overall_spread(numbers, grouping, pair)[0] > 0
        ]
    if not found:
        return None
    _, grouping, pair = min(found, key=lambda each: each[0])
    return grouping, pair, 2 * len(found)
