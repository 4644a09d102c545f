"""One rate of groups where rows carry sampling weights, or several are about one person: linearised, over persons.

A rate is the share of the population that the rows stand for. What counts is persons: their rows are added up before
anything is squared, and every smallest number is one of persons.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from probandum import stats
from probandum.finding import Estimate
from probandum.subject import Codes, Grouping, Outcomes, Subject
from probandum.units import so_many
from probandum_probes.bias.counting import (
    SELECTION,
    SMALLEST_EXPECTED,
    SMALLEST_FOR_PRECISION,
    SMALLEST_GROUP,
    Rate,
    cell_of,
    chosen_by_system,
)
from probandum_probes.estimates import from_moments

#: Two groups of persons by their places among the groups of an attribute.
Two = tuple[int, int]


def unit_of(rate: Rate) -> str:
    """Whom a rate is counted over, as persons.

    >>> from probandum_probes.bias.counting import PRECISION, TRUE_POSITIVES
    >>> unit_of(SELECTION), unit_of(TRUE_POSITIVES), unit_of(PRECISION)
    ('persons', 'persons among the positives', 'persons found positive')
    """
    if rate.unit.startswith("rows"):
        return rate.unit.replace("rows", "persons")
    return f"persons among the {rate.unit}"


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
    """One rate of the groups of one attribute: what every person adds to the group that their rows are in.

    ``others``: persons with rows that the rate is not counted over.
    """

    rate: Rate
    grouping: Grouping
    sums: stats.ClusterSums
    events: stats.ClusterSums
    others: stats.ClusterSums
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
            others=summed(np.flatnonzero(~trials)),
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
                return f"{name} has {so_many(persons, unit_of(self.rate))}; a verdict needs {SMALLEST_GROUP}"
            others = self.others.size(group)
            if self.rate.others and others < SMALLEST_GROUP:
                among = f"persons among the {self.rate.others}"
                return f"{name} has {so_many(others, among)}; a verdict needs {SMALLEST_GROUP}"
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
