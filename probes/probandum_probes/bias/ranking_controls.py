"""Controls of comparisons of rankings: no gap where there is none, and a group ranked last found.

Both work on the answers that were already given and ask the system nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from probandum import stats
from probandum.finding import Estimate, Groups
from probandum.probe import Ask, Probe
from probandum.subject import Grouping, Subject
from probandum_probes.bias.counting import SMALLEST_GROUP, groups_of
from probandum_probes.bias.gap_controls import FALSE_ALARM, NULL_ERROR, TWICE, differences, excluded_twice
from probandum_probes.bias.outcomes import RecordedNumbers, pairs_of
from probandum_probes.bias.rankings import Ranking, discount, log_ratio, sums_by_list
from probandum_probes.bias.scored import sizes_of
from probandum_probes.bias.tallies import Two

#: Worlds that the negative control draws.
WORLDS = 500


def no_gap(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """Groups permuted within lists have no gap that the probe may find, and few of many intervals may show one."""
    found = _sharpest(probe, ask)
    if found is None:
        return None, "no two groups are large enough to be compared"
    ranking, grouping, pair = found
    where = groups_of(grouping, *pair)
    seen = []
    for number in ("first", "second"):
        world = _dealt(ranking, ask.rng("permuted", number))
        measured = differences(probe, RecordedNumbers(ask, subject=world, decided=ranking.numbers.decided), where)
        ratio = measured["exposure-ratio"]
        if ratio.method is None:
            return None, f"groups were permuted, and {where} could not be compared: {ratio.why}"
        wide = stats.bounds(ratio.method, level=TWICE, moments=ratio.moments, draws=ratio.draws, value=ratio.value)
        seen.append(replace(wide, low=wide.low - 1, high=wide.high - 1))
    if excluded_twice(seen):
        said = " and ".join(f"{1 + wide.low:.4f} to {1 + wide.high:.4f}" for wide in seen)
        return False, f"groups were permuted twice, and the ratio of {where} was still {said}"
    rejected, drawn = _null_worlds(ranking, grouping, pair, ask.rng("null"))
    from scipy.stats import binom

    allowed = int(binom.ppf(1 - FALSE_ALARM, drawn, NULL_ERROR))
    return rejected <= allowed, f"{rejected} of {drawn} intervals show a gap where there is none; up to {allowed} may"


def _null_worlds(ranking: Ranking, grouping: Grouping, pair: Two, rng: np.random.Generator) -> tuple[int, int]:
    """How many worlds without a gap have an interval that shows one, and how many there were.

    Of one list: how many of the group are on top is drawn by chance alone. Of several: groups are dealt out anew.
    """
    if len(ranking.names) == 1:
        (_, top, members), pool = ranking.counts(grouping, pair[0]), len(ranking.lists)
        k, size = int(top[0]), int(members[0])
        if not (0 < size < pool and k < pool):
            return 0, 0
        drawn = rng.hypergeometric(size, pool - size, k, size=WORLDS).tolist()
        known = {x: stats.bounds("hypergeometric", level=0.95, counts=((x, k), (size, pool))) for x in set(drawn)}
        return sum(not known[x].low <= 0 <= known[x].high for x in drawn), WORLDS
    rejected = counted = 0
    for _ in range(WORLDS):
        world = _dealt(ranking, rng).groupings[grouping.attribute]
        sums = sums_by_list(ranking, world)
        if min(sums.size(group) for group in pair) < 2:
            continue
        interval = log_ratio(sums, pair).interval(level=0.95, method="log-t")
        counted += 1
        rejected += not interval.low <= 0 <= interval.high
    return rejected, counted


def _dealt(ranking: Ranking, rng: np.random.Generator) -> Subject:
    """The same rows, the groups of each list dealt out anew among its rows."""
    places, shuffled = (
        np.argsort(ranking.lists, kind="stable"),
        np.lexsort((rng.random(len(ranking.lists)), ranking.lists)),
    )
    order = np.empty(len(places), dtype=np.int64)
    order[places] = shuffled
    subject = ranking.numbers.subject
    groups = {name: replace(each, codes=each.codes[order]) for name, each in subject.groupings.items()}
    return replace(subject, groupings=groups)


def planted_gap(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """A group ranked last in every list, or first where it is last already: the probe must say by how much it moved."""
    found = _sharpest(probe, ask)
    if found is None:
        return None, "no two groups are large enough to be compared"
    ranking, grouping, pair = found
    where = groups_of(grouping, *pair)
    inside = grouping.codes == pair[0]
    span = float(ranking.score.max() - ranking.score.min()) + 1.0
    sign = 1.0 if ranking.score is ranking.numbers.decided else -1.0
    before = _ratio(differences(probe, ask, where))
    ways: tuple[tuple[float, Literal["below", "above"]], ...] = ((-span, "below"), (span, "above"))
    for shift, side in ways:
        decided = ranking.numbers.decided + sign * shift * inside
        world = RecordedNumbers(ask, subject=ranking.numbers.subject, decided=decided)
        after = _ratio(differences(probe, world, where))
        direct = _directly(replace(ranking, numbers=replace(ranking.numbers, decided=decided)), grouping, pair)
        if after.value is None or abs(after.value - direct) > 1e-9 * direct:
            return False, f"the ratio of {where} came out as {after.value}; by a loop over ranks it is {direct}"
        assert before.value is not None and after.method is not None
        p = stats.p_value(
            after.method,
            before.value,
            side=side,
            moments=after.moments,
            draws=after.draws,
            value=after.value,
        )
        if p < 0.05:
            end = "last" if side == "below" else "first"
            return (
                True,
                f"{where} ranked {end}: the ratio went from {before.value:.3f} to {after.value:.3f}, p = {p:.2g}",
            )
    return False, f"{where} ranked last, and first, and no interval left the old ratio {before.value:.3f}"


def _ratio(found: dict[str, Estimate]) -> Estimate:
    return found["exposure-ratio"]


def _directly(ranking: Ranking, grouping: Grouping, pair: Two) -> float:
    """The ratio by ranks counted row by row: how many of the list are better, and how many tie."""
    means = []
    for group in pair:
        total = 0.0
        rows = np.flatnonzero(grouping.codes == group)
        for row in rows.tolist():
            mine = ranking.score[ranking.lists == ranking.lists[row]]
            better, tied = int((mine > ranking.score[row]).sum()), int((mine == ranking.score[row]).sum())
            total += float(discount(np.arange(better + 1.0, better + tied + 1.0)).mean())
        means.append(total / len(rows))
    return means[0] / means[1]


def _sharpest(probe: Probe, ask: Ask) -> tuple[Ranking, Grouping, Two] | None:
    """The comparison with the most rows whose measure allows a verdict."""
    ranking = probe.ranking(ask)  # type: ignore[attr-defined]
    if isinstance(ranking, str):
        return None
    allowed: set[Groups] = {
        each.groups
        for each in probe.measure(ask)
        if each.metric == "exposure-ratio" and each.verdict is None and each.groups is not None
    }
    found: list[tuple[float, Grouping, Two]] = []
    groupings: list[Grouping] = probe.groupings(ranking.numbers.subject)  # type: ignore[attr-defined]
    for grouping in groupings:
        sizes = sizes_of(grouping)
        found += [
            (sum(1 / sizes[group] for group in pair), grouping, pair)
            for pair in pairs_of(ranking.numbers, grouping)
            if groups_of(grouping, *pair) in allowed and min(sizes[list(pair)]) >= SMALLEST_GROUP
        ]
    if not found:
        return None
    _, grouping, pair = min(found, key=lambda each: each[0])
    return ranking, grouping, pair
