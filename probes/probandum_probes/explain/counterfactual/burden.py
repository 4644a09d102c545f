"""What a favourable decision would have cost the members of two groups who did not get one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from probandum.evidence import Floats
from probandum.finding import Estimate, Groups, SubReason, Verdict
from probandum.probe import Measure
from probandum.subject import Codes, Grouping
from probandum.units import so_many
from probandum_probes.bias.barring import Bar, judged, shown, too_small, unsaid
from probandum_probes.bias.counting import SMALLEST_GROUP, groups_of
from probandum_probes.bias.predicting import Sampled
from probandum_probes.bias.score_gaps import Gap
from probandum_probes.bias.scored import pairs_of
from probandum_probes.estimates import from_interval
from probandum_probes.explain.counterfactual.rows import Explored

BURDEN, DIFFERENCE = "burden", "burden-difference"
UNIT = "median deviation"
#: The part of a group's rows that may have no change, whose cost nobody knows.
UNKNOWN = 0.05
_NO_DATA = (Verdict.INCONCLUSIVE, SubReason.NO_DATA)


def burdens(found: Explored, grouping: Grouping, inputs: int) -> Iterator[Measure]:
    """The mean cost in every group, and the difference of every comparison."""
    smallest, codes = found.smallest, grouping.codes[found.rows]
    mine = {group: np.flatnonzero(codes == group)[:inputs] for group in range(len(grouping.names))}
    pairs = pairs_of(grouping)
    if not pairs:
        only = Groups(attribute=grouping.attribute, group=grouping.names[0])
        why = f"{grouping.attribute} has no two groups to compare"
        yield unsaid(DIFFERENCE, why, only, SubReason.NO_DATA, unit=UNIT)
        return
    for group in dict.fromkeys(group for pair in pairs for group in pair):
        known = mine[group][smallest[mine[group]] >= 0]
        where = Groups(attribute=grouping.attribute, group=grouping.names[group])
        design = "; ".join([_told(mine[group], known), found.tried, *found.bounds])
        estimate = found.mean(known, _costs(found, known), unit=UNIT, design=design)
        yield shown(BURDEN, estimate, where)
    for pair in pairs:
        yield _compared(found, grouping, pair, (mine[pair[0]], mine[pair[1]]))


def _compared(found: Explored, grouping: Grouping, pair: tuple[int, int], rows: tuple[Codes, Codes]) -> Measure:
    """The mean cost in a group less that in its reference: Welch's interval, over persons CR2's."""
    where, smallest = groups_of(grouping, *pair), found.smallest
    first, second = (each[smallest[each] >= 0] for each in rows)
    bar = _barred(found, grouping, pair, rows, (first, second))
    if min(found.persons(first), found.persons(second)) < 2:
        assert bar is not None  # two are fewer than a verdict needs
        missing = Estimate.missing(bar[2], n=len(first) + len(second), unit=UNIT)
        return judged(DIFFERENCE, missing, bar, where)
    both = np.concatenate([first, second])
    gap = Gap(
        group=_costs(found, first)[:, None],
        reference=_costs(found, second)[:, None],
        sampled=Sampled.of(found.subject, found.rows[both]),
    )
    whole = gap.whole()
    sides = found.mask(first), found.mask(second)
    told = ", ".join(
        f"{grouping.names[group]} {_told(all_, known)}"
        for group, all_, known in zip(pair, rows, (first, second), strict=True)
    )
    return judged(
        DIFFERENCE,
        from_interval(whole, n=gap.n, unit=UNIT, design="; ".join([told, found.tried, *found.bounds])),
        bar,
        where,
        items=found.kept.items(whole.value, found.spread(both, gap.added(0)), *sides, unit=UNIT),
    )


def _barred(
    found: Explored,
    grouping: Grouping,
    pair: tuple[int, int],
    rows: tuple[Codes, Codes],
    known: tuple[Codes, Codes],
) -> Bar | None:
    """Why there is no verdict: a group of few, or one of whose rows many have no change, whose cost nobody knows."""
    for group, every, some in zip(pair, rows, known, strict=True):
        name, n = grouping.names[group], found.persons(some)
        if n < SMALLEST_GROUP:
            who = "persons" if found.subject.design else "rows"
            return too_small(
                f"{name} has {so_many(n, who)} decided unfavourably with a change; a verdict needs {SMALLEST_GROUP}"
            )
        if len(every) - len(some) > UNKNOWN * len(every):
            without = f"{len(every) - len(some)} of {len(every)} rows of {name} have no change"
            return (*_NO_DATA, f"{without}, and nobody knows what one would cost")
    return None


def _costs(found: Explored, places: Codes) -> Floats:
    return np.asarray(found.found.costs[found.smallest[places]])


def _told(every: Codes, known: Codes) -> str:
    return f"{len(known)} of {len(every)} rows with a change"
