"""What is said of two groups beside their gaps: a test of no difference, equalized odds in one number, and costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from probandum import stats
from probandum.errors import UsageError
from probandum.finding import Estimate
from probandum.keywords import Between
from probandum.probe import Measure
from probandum.subject import Grouping, Outcomes, Subject
from probandum_probes.bias.counting import SELECTION, compared, count, groups_of, once, pair_of
from probandum_probes.bias.tallies import Tally, Two
from probandum_probes.bias.weighted import Shares
from probandum_probes.estimates import extreme, from_moments, point

#: What an error costs, beside another that costs 1.
Cost = Annotated[float, Between(least=0, most=1_000_000, what="a number")]
#: What is measured, by unit.
BESIDE = {
    "selection-p-value": "p-value",
    "equalized-odds-difference": "share",
    "equalized-odds-ratio": "ratio",
}
#: The same where the plan states what errors cost.
COST = {"cost-difference": "cost"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a missed positive and a false alarm cost, in any one unit."""

    miss: float
    alarm: float

    @classmethod
    def of(cls, probe: str, miss: float | None, alarm: float | None) -> Costs | None:
        """None where neither is declared; UsageError where one is alone, since costs only compare."""
        if miss is None and alarm is None:
            return None
        if miss is None or alarm is None or miss + alarm <= 0:
            raise UsageError(
                f"suites.{probe}: cost_of_miss {miss}, cost_of_false_alarm {alarm}; expected both, one of them above 0",
                remedy="one cost alone says nothing of how errors weigh against each other",
            )
        return cls(miss=miss, alarm=alarm)


def beside(grouping: Grouping, subject: Subject, outcomes: Outcomes, costs: Costs | None) -> Iterator[Measure]:
    """Of every two groups of an attribute, each two once; shown and never judged."""
    pairs = once(compared(grouping, count(grouping, outcomes)))
    if not pairs:
        return
    for pair in pairs:
        where = groups_of(grouping, *pair)
        estimate = _no_difference(grouping, subject, outcomes, pair)
        yield Measure(metric="selection-p-value", groups=where, estimate=estimate, mode="disclosure")
    if outcomes.positive is None:
        return
    found = _Errors(grouping, subject, outcomes)
    for pair in pairs:
        where = groups_of(grouping, *pair)
        for metric, estimate in found.told(pair, costs).items():
            yield Measure(metric=metric, groups=where, estimate=estimate, mode="disclosure")


def _no_difference(grouping: Grouping, subject: Subject, outcomes: Outcomes, pair: Two) -> Estimate:
    """The p-value of equal selection rates: of counts, or by the linearised difference over persons."""
    if not subject.design:
        counts, _ = pair_of(SELECTION, count(grouping, outcomes), *pair)
        n = counts[0][1] + counts[1][1]
        if not all(trials for _, trials in counts):
            return Estimate.missing("one of the groups has no rows", n=n, unit="p-value")
        tested = stats.no_difference(counts)
        return point(tested.p, n=n, unit="p-value", design=tested.told)
    tally = Tally.of(SELECTION, grouping, subject, outcomes)
    n = tally.persons(*pair)
    found = tally.difference(pair) if all(tally.moving.get(group) for group in pair) else None
    if found is None or not found.standard_error or found.df is None:
        return Estimate.missing("the rate of a group does not vary over persons", n=n, unit="p-value")
    moments = (found.value, found.standard_error, found.df)
    sides = [stats.p_value("cr2", 0.0, side=side, moments=moments) for side in ("above", "below")]
    design = f"Student's t test of no difference, t = {found.value / found.standard_error:+.2f}; {tally.design}"
    return point(min(1.0, 2 * min(sides)), n=n, unit="p-value", design=design)


class _Errors:
    """Shares found positive among the positives and among the negatives of every group."""

    def __init__(self, grouping: Grouping, subject: Subject, outcomes: Outcomes) -> None:
        assert outcomes.positive is not None
        self._grouping = grouping
        self._shares = Shares.of(outcomes.detected, subject, 2 * grouping.codes + outcomes.positive)
        sums = self._shares.sums
        self._weights = np.bincount(sums.groups, weights=sums.weights, minlength=2 * len(grouping.names))
        self._found = np.bincount(sums.groups, weights=sums.weighted, minlength=2 * len(grouping.names))

    def told(self, pair: Two, costs: Costs | None) -> dict[str, Estimate]:
        """Equalized odds as the field states them in one number, and the difference in what errors cost."""
        cells = tuple(2 * group + positive for group in pair for positive in (1, 0))
        n = self._shares.sums.size(*cells)
        empty = next((cell for cell in cells if not self._weights[cell]), None)
        units = {metric: unit for metric, unit in BESIDE.items() if metric != "selection-p-value"}
        units |= COST if costs is not None else {}
        if empty is not None:
            kind = "positives" if empty % 2 else "negatives"
            why = f"{self._grouping.names[empty // 2]} has no {kind}"
            return {metric: Estimate.missing(why, n=n, unit=unit) for metric, unit in units.items()}
        tpr, fpr, other_tpr, other_fpr = (float(self._found[cell] / self._weights[cell]) for cell in cells)
        sides = (tpr, other_tpr), (fpr, other_fpr)
        design = "of true and false positive rates; a limit judges both differences, and this is biased upwards"
        widest = max(abs(one - other) for one, other in sides)
        told = {"equalized-odds-difference": extreme(widest, n=n, unit="share", design=f"the larger gap {design}")}
        if any(max(side) == 0 for side in sides):
            why = "nobody of either group is found positive among the negatives, or among the positives: no ratio"
            told["equalized-odds-ratio"] = Estimate.missing(why, n=n, unit="ratio")
        else:
            least = min(min(side) / max(side) for side in sides)
            lower = design.replace("differences", "ratios").replace("upwards", "downwards")
            told["equalized-odds-ratio"] = extreme(least, n=n, unit="ratio", design=f"the smaller ratio {lower}")
        if costs is not None:
            told["cost-difference"] = self._cost(cells, costs, n)
        return told

    def _cost(self, cells: tuple[int, ...], costs: Costs, n: int) -> Estimate:
        """The sum over both kinds of error of cost times difference in rate."""
        factors = dict(zip(cells, (-costs.miss, costs.alarm, costs.miss, -costs.alarm), strict=True))
        told = f"{costs.miss:g} for a missed positive, {costs.alarm:g} for a false alarm"
        design = self._shares.told(told)
        return from_moments("cr2", self._shares.contrast(factors), n=n, unit="cost", design=design)
