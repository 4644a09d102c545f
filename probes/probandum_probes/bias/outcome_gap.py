"""Outcomes that are numbers, such as prices, salaries or predicted years: how far the groups' lie apart."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from probandum import stats
from probandum.controls import Examined
from probandum.errors import DataError
from probandum.evidence import Capability
from probandum.finding import Estimate, Groups, SubReason, Verdict
from probandum.probe import Ask, Measure, probe
from probandum.subject import Grouping, Subject
from probandum.units import so_many
from probandum_probes.bias.counting import groups_of
from probandum_probes.bias.outcome_controls import no_gap, planted_gap
from probandum_probes.bias.outcomes import (
    LOSSES,
    OUTCOME,
    SCALED,
    SPREADS,
    UNIT,
    Contrast,
    Loss,
    Numbers,
    against_outcomes,
    distance,
    gap,
    numbers_of,
    overall_spread,
    pairs_of,
    scaled,
    too_small,
    within_spread,
)
from probandum_probes.bias.person_items import Persons
from probandum_probes.bias.requirements import PERFORMANCE
from probandum_probes.bias.sampling import refuse_sample
from probandum_probes.bias.tallies import Two
from probandum_probes.estimates import extreme, from_moments

#: Outcomes may have nothing to do with what was decided, and chance alone must not call that an error.
CERTAIN = 0.998


@probe(
    "bias.outcome-gap",
    version=1,
    requirements=PERFORMANCE,
    needs=Capability.PREDICT,
    metrics={
        OUTCOME.name: UNIT,
        OUTCOME.gap: f"{UNIT} difference",
        **{loss.name: UNIT for loss in LOSSES},
        **{loss.gap: f"{UNIT} difference" for loss in LOSSES},
        **dict.fromkeys(SCALED.values(), f"{SPREADS} difference"),
        "cohens-d": f"{SPREADS} difference",
        "ks-distance": "share",
        "overall-correlation": "correlation",
    },
    attributes="plan",
    honours=("weight", "cluster"),
    judged=(
        "mean-difference",
        "error-difference",
        "mae-difference",
        "rmse-difference",
        "quantile-loss-difference",
        "difference-in-sd",
        "error-difference-in-sd",
    ),
)
class OutcomeGap:
    """How far groups lie apart in a number that is decided on them, and in how far that number errs.

    Of each group, shown and never judged: ``mean-outcome`` of what was decided and, beside a label that is a number,
    ``mean-error`` = decided - turned out, ``mae`` (mean of its size), ``rmse`` (root of the mean of its square) and
    ``quantile-loss`` (what guesses of the ``quantile`` cost, by default 0.9: a unit too low 0.9, one too high 0.1).
    Of each group g and reference h: ``mean-difference``, ``error-difference``, ``mae-difference``, ``rmse-difference``
    and ``quantile-loss-difference`` = that of g - that of h, in the unit of the outcome, neutral 0; and free of a unit
    ``difference-in-sd`` and ``error-difference-in-sd``, the first two over the standard deviation of what was decided
    on everybody in both groups. Without a declared reference every ordered pair is compared.

    Intervals are Welch's, of roots and of differences over a spread to first order (the spread's own error enters).
    Where the plan declares ``weight`` or ``cluster`` of its rows they rest on persons and weights: linearised, CR2.
    Shown beside: ``cohens-d`` (over the spread within the groups, pooled) and ``ks-distance``, the largest gap between
    the two cumulative distributions: from 0 to 1, biased upwards in small groups, and without an interval.

    A verdict needs 30 rows in both groups, or 30 persons. Where all numbers are the same there is nothing to compare
    (``trivial``). Means follow the tails: of a few very large outcomes the negative control says whether intervals
    still hold. Numbers that run against the label are an ERROR before any gap. The label may itself be biased. A band
    of 0.1 standard deviations is a convention (half of what Cohen called small), and no law's.
    ``sample``: ask about so many rows only, drawn with the plan's seed.

    Welch 1947; Cohen 1988; Koenker and Bassett 1978 (quantile loss).
    """

    controls = (
        Examined(name="groups without a gap", kind="negative", function=no_gap),
        Examined(name="planted gap", kind="positive", function=planted_gap),
    )

    def __init__(self, *, quantile: float = 0.9, sample: int | None = None) -> None:
        refuse_sample("bias.outcome-gap", sample)
        if not 0 < quantile < 1:
            raise DataError(f"suites.bias.outcome-gap.quantile: {quantile:g}", remedy="expected more than 0, below 1")
        self.quantile = quantile
        self.sample = sample

    def groupings(self, subject: Subject) -> list[Grouping]:
        """The attributes whose groups are compared: those that the plan declares."""
        return list(subject.groupings.values())

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Ask for all numbers at once, and compare."""
        numbers = numbers_of(ask, self.sample, self.quantile)
        if isinstance(numbers, str):
            yield from _unsaid((OUTCOME, *LOSSES), numbers, None, Verdict.NOT_APPLICABLE, n=0)
            return
        opposed = against_outcomes(numbers, CERTAIN)
        if opposed is not None:
            yield opposed
        losses = (OUTCOME, *(LOSSES if numbers.error is not None else ()))
        groupings = self.groupings(numbers.subject)
        kept = sum(_persons(numbers, grouping) * len(pairs_of(numbers, grouping)) for grouping in groupings)
        persons = Persons(numbers.subject, kept * (len(losses) + len(SCALED)))
        for grouping in groupings:
            sums = numbers.sums(numbers.decided, grouping)
            for group, name in enumerate(grouping.names):
                where = Groups(attribute=grouping.attribute, group=name)
                for loss in losses:
                    estimate = _alone(numbers, loss, grouping, group, sums)
                    yield Measure(metric=loss.name, groups=where, estimate=estimate, mode="disclosure")
            pairs = pairs_of(numbers, grouping)
            if not pairs:
                only = Groups(attribute=grouping.attribute, group=grouping.names[0])
                why = f"{grouping.attribute} has no two groups to compare"
                yield from _unsaid(losses, why, only, Verdict.INCONCLUSIVE, n=len(numbers.decided))
            for pair in pairs:
                yield from _Pair(numbers, grouping, pair, persons).measures(losses)
        if numbers.error is None:
            why = "the plan names no label, so nobody can say how far the numbers err"
            yield from _unsaid(LOSSES, why, None, Verdict.NOT_APPLICABLE, n=len(numbers.decided))


class _Pair:
    """Two groups, and all that is said of them."""

    def __init__(self, numbers: Numbers, grouping: Grouping, pair: Two, persons: Persons) -> None:
        self._numbers, self._grouping, self._pair, self._persons = numbers, grouping, pair, persons
        self._where = groups_of(grouping, *pair)
        sums = numbers.sums(numbers.decided, grouping)
        self._n = sums.size(*pair)
        self._enough = all(sums.size(group) > 1 for group in pair)
        effective = sum(sums.effective_size(group) for group in pair) if self._enough else 0.0
        self._effective = min(self._n, effective) if numbers.subject.design else None
        self._small = too_small(numbers, grouping, pair)

    def measures(self, losses: tuple[Loss, ...]) -> Iterator[Measure]:
        """Every gap, those that are scaled, and the distance of the distributions."""
        if not self._enough:
            assert self._small is not None
            yield from _unsaid(losses, self._small, self._where, Verdict.INCONCLUSIVE, n=self._n, small=True)
            return
        spread = overall_spread(self._numbers, self._grouping, self._pair)
        if spread[0] == 0:
            why = "the same number was decided on everybody in both groups"
            yield from _unsaid(losses, why, self._where, Verdict.NOT_APPLICABLE, n=self._n)
            return
        for loss in losses:
            raw = gap(self._numbers, loss, self._grouping, self._pair)
            yield self._measure(loss.gap, raw, UNIT)
            if loss.gap in SCALED:
                yield self._measure(SCALED[loss.gap], scaled(self._numbers, raw, spread), SPREADS)
            if loss is OUTCOME:
                yield from self._shown(raw)

    def _shown(self, raw: Contrast) -> Iterator[Measure]:
        """Cohen's d, where the groups vary within, and the distance of the two distributions."""
        inner = within_spread(self._numbers, self._grouping, self._pair)
        if inner[0] > 0:
            found = self._estimate(scaled(self._numbers, raw, inner), SPREADS)
            yield Measure(metric="cohens-d", groups=self._where, estimate=found, mode="disclosure")
        far = distance(self._numbers, self._grouping, self._pair)
        design = "a largest distance, biased upwards in small groups"
        estimate = extreme(far, n=self._n, unit="share", design=design)
        yield Measure(metric="ks-distance", groups=self._where, estimate=estimate, mode="disclosure")

    def _measure(self, metric: str, contrast: Contrast, unit: str) -> Measure:
        barred = self._small is not None
        sums = self._numbers.sums(contrast.influence, self._grouping)
        factors = {self._pair[0]: 1.0, self._pair[1]: -1.0}
        return Measure(
            metric=metric,
            groups=self._where,
            estimate=self._estimate(contrast, unit),
            verdict=Verdict.INCONCLUSIVE if barred else None,
            sub_reason=SubReason.SMALL_GROUP if barred else None,
            why=self._small,
            items=self._persons.items(sums, self._pair, factors, contrast.value, unit=unit),
        )

    def _estimate(self, contrast: Contrast, unit: str) -> Estimate:
        method, found = contrast.student(self._numbers, self._grouping, self._pair)
        return from_moments(
            method,
            (found.mean, found.standard_error, found.df),
            n=self._n,
            n_effective=self._effective,
            unit=unit,
            design=self._numbers.design,
        )


def _alone(numbers: Numbers, loss: Loss, grouping: Grouping, group: int, sums: stats.ClusterSums) -> Estimate:
    """A loss of one group with its interval; of one person nothing says how far it may err."""
    n, name = sums.size(group), grouping.names[group]
    if n < 2:
        return Estimate.missing(f"{name} has {so_many(n, 'person' if n else 'rows')}", n=n, unit=UNIT)
    values = loss.values(numbers)
    side = (grouping.codes == group) & (numbers.weights > 0)
    mean = numbers.mean(values, side)
    slope = 1.0
    if loss.root:
        mean = math.sqrt(mean)
        slope = 1 / (2 * mean) if mean > 0 else 0.0
    if numbers.subject.design:
        found = numbers.sums(values, grouping).contrast({group: 1.0})
        moments = (mean, slope * found.standard_error, found.df)
        effective = sums.effective_size(group)
        return from_moments("cr2", moments, n=n, n_effective=effective, unit=UNIT, design=numbers.design)
    error = slope * float(np.std(values[side], ddof=1)) / math.sqrt(n)
    return from_moments("t", (mean, error, n - 1.0), n=n, unit=UNIT)


def _persons(numbers: Numbers, grouping: Grouping) -> int:
    return numbers.sums(numbers.decided, grouping).size(*range(len(grouping.names)))


def _unsaid(
    losses: Sequence[Loss], why: str, where: Groups | None, verdict: Verdict, *, n: int, small: bool = False
) -> Iterator[Measure]:
    """Comparisons that do not exist, with their reason: all that a limit may judge."""
    trivial = verdict is Verdict.NOT_APPLICABLE and where is not None
    reason = SubReason.SMALL_GROUP if small else SubReason.TRIVIAL if trivial else SubReason.NO_DATA
    for loss in losses:
        for metric, unit in ((loss.gap, UNIT), (SCALED.get(loss.gap), SPREADS)):
            if metric is not None:
                estimate = Estimate.missing(why, n=n, unit=unit)
                yield Measure(
                    metric=metric, groups=where, estimate=estimate, verdict=verdict, sub_reason=reason, why=why
                )
