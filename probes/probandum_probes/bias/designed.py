"""Rates of groups where rows carry sampling weights, or several are about one person: linearised, over persons.

A rate is the share of the population that the rows stand for. What counts is persons: their rows are added up before
anything is squared, and every smallest number is one of persons.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from probandum import stats
from probandum.evidence import Floats, Items
from probandum.finding import Estimate, Groups, SubReason, Verdict
from probandum.probe import Measure
from probandum.subject import Bools, Codes, Grouping, Outcomes, Subject, as_text
from probandum_probes.bias.counting import (
    COMPARED,
    RATES,
    SELECTION,
    SMALLEST_EXPECTED,
    SMALLEST_FOR_PRECISION,
    SMALLEST_GROUP,
    Rate,
    cell_of,
    chosen_by_system,
    compared,
    count,
    groups_of,
    present,
)
from probandum_probes.bias.scored import MOST_ITEMS, opposed
from probandum_probes.estimates import from_moments

#: Two groups of persons by their places among the groups of an attribute.
Two = tuple[int, int]


def unit_of(rate: Rate) -> str:
    """Whom a rate is counted over, as persons.

    >>> unit_of(SELECTION), [unit_of(rate) for rate in RATES][1]
    ('persons', 'persons among the positives')
    """
    return "persons" if rate is SELECTION else f"persons among the {rate.unit.replace('rows', 'those')}"


def design_in_words(subject: Subject) -> str:
    """What stands for an observation, and how it is weighted.

    >>> from probandum.evidence import Table
    >>> design_in_words(Subject(table=Table({"w": np.ones(2)}), weight="w"))
    "each row a person; weighted by 'w'"
    """
    whose = "each row a person" if subject.cluster is None else f"rows of one {subject.cluster!r} as one person"
    return whose if subject.weight is None else f"{whose}; weighted by {subject.weight!r}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Tally:
    """One rate of the groups of one attribute: what every person adds to the group that their rows are in."""

    rate: Rate
    grouping: Grouping
    sums: stats.ClusterSums
    events: stats.ClusterSums
    everybody: stats.ClusterSums
    design: str

    @classmethod
    def of(cls, rate: Rate, grouping: Grouping, subject: Subject, outcomes: Outcomes) -> Tally:
        """Over the rows that the rate is counted over."""
        cells, weights, persons = cell_of(outcomes), subject.weights, subject.persons
        trials, happened = rate.trials[cells], rate.events[cells].astype(np.float64)
        picked = np.flatnonzero(trials)

        def summed(rows: Codes) -> stats.ClusterSums:
            return stats.ClusterSums.of(happened[rows], weights[rows], persons[rows], grouping.codes[rows])

        return cls(
            rate=rate,
            grouping=grouping,
            sums=summed(picked),
            events=summed(picked[happened[picked] == 1]),
            everybody=summed(np.arange(len(happened))),
            design=design_in_words(subject),
        )

    def persons(self, *groups: int) -> int:
        """Persons whom the rate of a group, or of several, is counted over."""
        return self.sums.size(*groups)

    def share(self, group: int) -> Estimate:
        """The rate of one group, its bounds taken on the logit; of one where nothing or everything happened, exact."""
        persons, name = self.persons(group), self.grouping.names[group]
        if persons == 0:
            return Estimate.missing(f"{name} has no {unit_of(self.rate)}", unit="share")
        effective, value = self.sums.effective_size(group), self.sums.mean(group)
        error, freedom = 0.0, effective
        if persons > 1 and 0 < value < 1:
            found = self.sums.contrast({group: 1.0})
            error, freedom = found.standard_error, found.df if found.standard_error > 0 else effective
        return from_moments(
            "cr2-logit",
            (value, error, freedom),
            n=persons,
            n_effective=effective,
            unit="share",
            design=self.design,
        )

    @property
    def moving(self) -> dict[int, bool]:
        """Whether a group's rate lies inside 0 and 1, so that a linearised interval has a width."""
        known = [group for group in range(len(self.grouping.names)) if self.persons(group) > 1]
        return {group: 0 < self.sums.mean(group) < 1 for group in known}

    def difference(self, pair: Two) -> stats.Interval:
        """The rate of a group less that of its reference."""
        return self._contrast({pair[0]: 1.0, pair[1]: -1.0})

    def log_ratio(self, pair: Two) -> stats.Interval:
        """The logarithm of the ratio of the two rates, both above 0, to first order."""
        first, second = (self.sums.mean(group) for group in pair)
        found = self._contrast({pair[0]: 1 / first, pair[1]: -1 / second})
        return replace(found, value=math.log(first / second))

    def _contrast(self, factors: Mapping[int, float]) -> stats.Interval:
        return self.sums.contrast(factors).interval(level=0.95, method="cr2")

    def rates(self, pair: Two) -> tuple[float, float, float]:
        """Of the group, of its reference, and of both together."""
        first, second = (self.sums.mean(group) for group in pair)
        inside = np.isin(self.sums.groups, pair)
        pooled = float(self.sums.weighted[inside].sum() / self.sums.weights[inside].sum())
        return first, second, pooled

    def too_small(self, pair: Two) -> str | None:
        """Why two groups do not allow a verdict; None where they do. Persons count, whatever the number of rows."""
        for group in pair:
            name, persons = self.grouping.names[group], self.persons(group)
            if persons < SMALLEST_GROUP:
                return f"{name} has {persons or 'no'} {unit_of(self.rate)}; a verdict needs {SMALLEST_GROUP}"
            everybody = self.everybody.size(group)
            if chosen_by_system(self.rate) and everybody < SMALLEST_FOR_PRECISION:
                return f"{name} has {everybody} persons; a verdict on predictive values needs {SMALLEST_FOR_PRECISION}"
        pooled = self.rates(pair)[2]
        for group in pair:
            name, persons = self.grouping.names[group], self.persons(group)
            for share, decision in ((pooled, "favourable"), (1 - pooled, "unfavourable")):
                if self.rate is SELECTION and persons * share < SMALLEST_EXPECTED:
                    return (
                        f"{name} has {persons} persons, of whom {persons * share:.1f} {decision} decisions are "
                        f"expected at the pair's rate; a verdict needs {SMALLEST_EXPECTED}"
                    )
            happened = self.events.size(group)
            spared = self._spared(group)
            for seen, words in ((happened, "count towards"), (spared, "count against")):
                if seen < SMALLEST_EXPECTED:
                    return (
                        f"of {persons} {unit_of(self.rate)} in {name} {seen or 'none'} {words} its {self.rate.name}; "
                        f"a linearised interval needs {SMALLEST_EXPECTED}"
                    )
        return None

    def _spared(self, group: int) -> int:
        """Persons with a row in which the rate's event did not happen."""
        inside = self.sums.groups == group
        return int((self.sums.rows[inside] > self.sums.values[inside]).sum())


class Persons:
    """Items of persons under names of their own: a quantity as the mean of what each person adds to it."""

    def __init__(self, subject: Subject, most: int) -> None:
        self._kept = most <= MOST_ITEMS
        if not self._kept:
            return
        column = None if subject.cluster is None else as_text(subject.table[subject.cluster])
        if column is None:
            names = _different(subject.keys())
        else:
            first = np.unique(subject.persons, return_index=True)[1]
            names = tuple(column[first].tolist())
        self._names, self._contents = names, _content_of(subject, len(names))

    def items(
        self, sums: stats.ClusterSums, pair: Two, factors: Mapping[int, float], value: float, *, unit: str
    ) -> Items | None:
        """Of one comparison; None where there are too many persons to keep them."""
        if not self._kept:
            return None
        persons, added = sums.influence(factors)
        sides = [set(sums.clusters[sums.groups == group].tolist()) for group in pair]
        names = {(True, False): "group", (False, True): "reference", (True, True): "both"}
        return Items(
            keys=tuple(self._names[person] for person in persons),
            strata=tuple(names[person in sides[0], person in sides[1]] for person in persons.tolist()),
            values=tuple((value + len(persons) * added).tolist()),
            unit=unit,
            contents=tuple(self._contents[person] for person in persons),
        )


def _different(keys: Sequence[str]) -> tuple[str, ...]:
    """Names of rows, told apart by their place where two are alike."""
    if len(set(keys)) == len(keys):
        return tuple(keys)
    return tuple(f"{key} (row {place})" for place, key in enumerate(keys, 1))


def _content_of(subject: Subject, persons: int) -> tuple[str, ...]:
    """A digest of all rows of each person, in their order."""
    whole = [hashlib.blake2b(digest_size=8) for _ in range(persons)]
    for person, content in zip(subject.persons.tolist(), subject.contents(), strict=True):
        whole[person].update(content.encode())
    return tuple(each.hexdigest() for each in whole)


class DesignedRates:
    """All rates of all groups and all comparisons between them, over persons and by their weights."""

    def __init__(self, subject: Subject, outcomes: Outcomes) -> None:
        self._subject, self._outcomes = subject, outcomes

    @cached_property
    def labelled(self) -> bool:
        """Whether it is known which decisions were errors."""
        return self._outcomes.positive is not None

    def tally(self, rate: Rate, grouping: Grouping) -> Tally:
        """One rate of the groups of one attribute."""
        return Tally.of(rate, grouping, self._subject, self._outcomes)

    def pairs(self, grouping: Grouping) -> list[Two]:
        """Which groups are compared with which."""
        return compared(grouping, count(grouping, self._outcomes))

    def measures(self, groupings: Sequence[Grouping]) -> Iterator[Measure]:
        """Rates, differences and ratios, as ``bias.group-rates`` names them."""
        sizes = [self.tally(SELECTION, grouping) for grouping in groupings]
        compared_persons = sum(
            tally.persons(*pair) for tally in sizes for pair in self.pairs(tally.grouping) for _ in COMPARED
        )
        persons = Persons(self._subject, compared_persons)
        for grouping in groupings:
            for rate in RATES if self.labelled else (SELECTION,):
                tally = self.tally(rate, grouping)
                for group in present(grouping, count(grouping, self._outcomes)):
                    where = Groups(attribute=grouping.attribute, group=grouping.names[group])
                    yield Measure(metric=rate.name, groups=where, estimate=tally.share(group), mode="disclosure")
                if rate in COMPARED:
                    for pair in self.pairs(grouping):
                        yield from _compared(tally, pair, persons)


def _compared(tally: Tally, pair: Two, persons: Persons) -> Iterator[Measure]:
    """The difference of a rate between two groups, and the ratio of selection rates."""
    where = groups_of(tally.grouping, *pair)
    small = tally.too_small(pair)
    barred = None if small is None else (Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP, small)
    n = tally.persons(*pair)
    moving = tally.moving
    for metric, unit in ((tally.rate.gap, "share"), ("impact-ratio", "ratio")):
        if unit == "ratio" and tally.rate is not SELECTION:
            continue
        if not all(moving.get(group) for group in pair):
            assert barred is not None  # a rate of 0 or 1 has too few on one side
            why = small
            if unit == "ratio" and tally.persons(pair[1]) and tally.sums.mean(pair[1]) == 0 and _many(tally, pair):
                why = f"nobody in {where.reference} was selected, so there is no ratio; the rates say what can be said"
                barred = (Verdict.NOT_APPLICABLE, SubReason.NO_DATA, why)
            estimate, items = Estimate.missing(str(why), n=n, unit=unit), None
        else:
            estimate, items = _estimated(tally, pair, persons, unit)
            if estimate.moments is not None and estimate.moments[1] == 0:
                why = "all persons of a group have the same share, so that nothing tells how far their mean may err"
                estimate, items = Estimate.missing(why, n=n, unit=unit), None
                barred = barred or (Verdict.INCONCLUSIVE, SubReason.NO_DATA, why)
        verdict, reason, told = barred or (None, None, None)
        yield Measure(
            metric=metric, groups=where, estimate=estimate, verdict=verdict, sub_reason=reason, why=told, items=items
        )


def _many(tally: Tally, pair: Two) -> bool:
    """Whether both groups have persons enough, whatever was decided on them."""
    return all(tally.persons(group) >= SMALLEST_GROUP for group in pair)


def _estimated(tally: Tally, pair: Two, persons: Persons, unit: str) -> tuple[Estimate, Items | None]:
    """A difference, or a ratio by its logarithm, and what each person adds to it."""
    first, second, _ = rates = tally.rates(pair)
    n = tally.persons(*pair)  # a person may be in both groups
    shown = {
        "n": n,
        "n_effective": min(n, sum(tally.sums.effective_size(group) for group in pair)),
        "unit": unit,
        "design": tally.design,
    }
    if unit == "share":
        found = tally.difference(pair)
        assert found.standard_error is not None and found.df is not None
        moments = (found.value, found.standard_error, found.df)
        estimate = replace(from_moments("cr2", moments, **shown), rates=rates)  # type: ignore[arg-type]
        return estimate, persons.items(tally.sums, pair, {pair[0]: 1.0, pair[1]: -1.0}, found.value, unit=unit)
    found = tally.log_ratio(pair)
    assert found.standard_error is not None and found.df is not None
    estimate = from_moments("log-t", (found.value, found.standard_error, found.df), **shown)  # type: ignore[arg-type]
    ratio = first / second
    factors = {pair[0]: 1 / second, pair[1]: -ratio / second}
    return estimate, persons.items(tally.sums, pair, factors, ratio, unit=unit)


def decisions_against_labels(subject: Subject, outcomes: Outcomes, level: float) -> Measure | None:
    """The ERROR that decisions run against the labels, weighted and over persons; None where they do not for certain.

    Their AUC is half of tpr + 1 - fpr over all rows, and ``level`` that of the interval which must lie below 0.5.
    """
    if outcomes.positive is None:
        return None
    sides: Bools = ~outcomes.positive
    said: Floats = outcomes.detected.astype(np.float64)
    sums = stats.ClusterSums.of(said, subject.weights, subject.persons, sides.astype(np.int64))
    if min(sums.size(0), sums.size(1)) < 2:
        return None
    found = sums.contrast({0: 0.5, 1: -0.5})
    sizes = [sums.effective_size(group) for group in (0, 1)]
    freedom = found.df if found.standard_error > 0 else min(sizes)
    moments = (0.5 + found.mean, found.standard_error, freedom)
    if stats.bounds("cr2-logit", level=level, moments=moments).high >= 0.5:
        return None
    n, design = sums.size(0, 1), design_in_words(subject)
    estimate = from_moments("cr2-logit", moments, n=n, n_effective=min(n, sum(sizes)), unit="share", design=design)
    return opposed(estimate, what="decisions")
