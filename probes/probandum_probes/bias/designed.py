"""Rates of groups and their comparisons where rows carry sampling weights, or several are about one person.

What is counted, and how, stands in ``tallies``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from probandum.evidence import Items
from probandum.finding import Estimate, Groups, SubReason, Verdict
from probandum.probe import Measure
from probandum.subject import Grouping, Outcomes, Subject
from probandum_probes.bias.counting import (
    COMPARED,
    RATES,
    SELECTION,
    SMALLEST_GROUP,
    Rate,
    compared,
    count,
    groups_of,
    no_ratio,
    present,
)
from probandum_probes.bias.person_items import Persons
from probandum_probes.bias.tallies import Tally, Two
from probandum_probes.estimates import from_moments


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
            2 * tally.persons(*pair) for tally in sizes for pair in self.pairs(tally.grouping) for _ in COMPARED
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
    """The difference of a rate between two groups, and its ratio."""
    where = groups_of(tally.grouping, *pair)
    small = tally.too_small(pair)
    barred = None if small is None else (Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP, small)
    n = tally.persons(*pair)
    moving = tally.moving
    for metric, unit in ((tally.rate.gap, "share"), (tally.rate.ratio, "ratio")):
        if not all(moving.get(group) for group in pair):
            assert barred is not None  # a rate of 0 or 1 has too few on one side
            why = small
            if unit == "ratio" and tally.persons(pair[1]) and tally.sums.mean(pair[1]) == 0 and _many(tally, pair):
                why = no_ratio(tally.rate, str(where.reference))
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
