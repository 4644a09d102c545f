"""What a remedy would do on rows held out, as figures: every group and every comparison before and after."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from probandum.finding import Estimate, Groups
from probandum.probe import Measure
from probandum.subject import Grouping, Outcomes, Subject
from probandum_probes.bias.counting import (
    FALSE_POSITIVES,
    SELECTION,
    TRUE_POSITIVES,
    Rate,
    cell_of,
    count,
    groups_of,
    pair_of,
)
from probandum_probes.bias.remedies import REWEIGHING
from probandum_probes.bias.tallies import Two, unit_of
from probandum_probes.bias.weighted import Shares, shift
from probandum_probes.estimates import from_counts

#: What each remedy is meant to bring together.
_MEANT: dict[str, tuple[Rate, ...]] = {
    "thresholds-for-equal-selection": (SELECTION,),
    "thresholds-for-equal-errors": (TRUE_POSITIVES, FALSE_POSITIVES),
    REWEIGHING: (SELECTION,),
}
#: From such a share of one decision on a remedy is told to decide alike on (nearly) everybody: no gap can then be left.
_NEARLY_ALL = 0.99


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Remedy:
    """What was decided on the held-out rows of an attribute, and what a remedy would have decided.

    ``pairs``: the comparisons of groups that it was fitted to.
    """

    method: str
    subject: Subject
    grouping: Grouping
    before: Outcomes
    after: Outcomes
    pairs: list[Two]
    design: str


def shown(remedy: Remedy) -> Iterator[Measure]:
    """Before and after of every group and every comparison, and what it costs."""
    remedy = replace(remedy, design=remedy.design + _alike(remedy))
    grouping, subject = remedy.grouping, remedy.subject
    everybody = np.ones(len(subject), dtype=np.bool_)
    for group in dict.fromkeys(index for pair in remedy.pairs for index in pair):
        for stage, outcomes in (("before", remedy.before), ("after", remedy.after)):
            yield Measure(
                metric=SELECTION.name,
                groups=Groups(attribute=grouping.attribute, group=grouping.names[group]),
                facets={"method": remedy.method, "stage": stage},
                estimate=_level(remedy, outcomes, group),
                mode="disclosure",
            )
    for pair in remedy.pairs:
        for rate in _MEANT[remedy.method]:
            for stage, outcomes in (("before", remedy.before), ("after", remedy.after)):
                yield Measure(
                    metric=rate.gap,
                    groups=groups_of(grouping, *pair),
                    facets={"method": remedy.method, "stage": stage},
                    estimate=_difference(remedy, rate, outcomes, pair),
                    mode="disclosure",
                )
    right = [each.detected == each.positive for each in (remedy.after, remedy.before)]
    if subject.design:
        cost = shift(right[0].astype(np.int64) - right[1], subject, everybody, remedy.design)
    else:
        better, worse = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
        n = len(subject)
        cost = from_counts("mcnemar-tango", ((better, worse), (n, n)), n=n, design=remedy.design)
    yield Measure(
        metric="accuracy-change",
        groups=Groups(attribute=grouping.attribute, group="all"),
        facets={"method": remedy.method},
        estimate=cost,
        mode="disclosure",
    )


def _alike(remedy: Remedy) -> str:
    """That a remedy decides alike on (nearly) everybody, in words; nothing where it does not."""
    share = float(np.average(remedy.after.favourable, weights=remedy.subject.weights))
    if _NEARLY_ALL > share > 1 - _NEARLY_ALL:
        return ""
    decided, said = ("favourably", share) if share >= _NEARLY_ALL else ("unfavourably", 1 - share)
    return f"; it decides {decided} on {said:.1%} of all rows, so that hardly a gap can be left".replace("%", " %")


def _level(remedy: Remedy, outcomes: Outcomes, group: int) -> Estimate:
    """The selection rate of one group."""
    inside = remedy.grouping.codes == group
    if remedy.subject.design:
        return Shares.of(outcomes.favourable, remedy.subject, (~inside).astype(np.int64)).share(0, remedy.design)
    counts = ((int(outcomes.favourable[inside].sum()), int(inside.sum())),)
    return from_counts("wilson", counts, design=remedy.design)


def _difference(remedy: Remedy, rate: Rate, outcomes: Outcomes, pair: tuple[int, int]) -> Estimate:
    """One gap; missing where a group has nobody whom the rate counts."""
    grouping, cells = remedy.grouping, cell_of(outcomes)
    shares = Shares.of(rate.events[cells], remedy.subject, grouping.codes, rate.trials[cells])
    unit = unit_of(rate) if remedy.subject.design else rate.unit
    for index in pair:
        if not shares.sums.size(index):
            return Estimate.missing(f"{grouping.names[index]} has no held-out {unit}", unit="share")
    if remedy.subject.design:
        return shares.difference(pair, remedy.design)
    counts, _ = pair_of(rate, count(grouping, outcomes), *pair)
    return from_counts("newcombe", counts, design=remedy.design)
