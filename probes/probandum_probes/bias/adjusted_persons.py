"""Two groups within strata by weights and over persons, where the plan declares either: linearised figures.

In place of Miettinen and Nurminen's score interval, and of Mantel and Haenszel's variances, which count independent
rows, all figures rest on CR2's variance over persons; the weights of strata are totals of the population.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from probandum import stats
from probandum.evidence import Floats, Items
from probandum.finding import Estimate, SubReason, Verdict
from probandum.probe import Measure
from probandum.stats.weighted_strata import Adjusted
from probandum.subject import Bools, Codes, Grouping, Subject
from probandum.units import so_many
from probandum_probes.bias.adjusted import IN_STRATUM, Comparison, Form
from probandum_probes.bias.counting import SMALLEST_EXPECTED, SMALLEST_GROUP
from probandum_probes.bias.strata import LEAST_COMPARED, SMALLEST_CELL
from probandum_probes.bias.tallies import Two, design_in_words
from probandum_probes.bias.weighted import PersonValues, persons_of
from probandum_probes.bias.worth import ROUNDING
from probandum_probes.estimates import from_moments


@dataclass(frozen=True, kw_only=True, eq=False)
class PersonsWithin:
    """A group and its reference in the strata in which both are worth ``SMALLEST_CELL`` persons of equal weight.

    ``kept``: the codes of these strata; ``sums``: of what was decided, as ``ClusteredStrata`` has them; ``cells``: of
    every row the place of its group there, -1 for rows that are not compared; ``shares``: how much of each group is.
    """

    kept: tuple[int, ...]
    sums: stats.ClusteredStrata
    cells: Codes
    shares: tuple[float, float]

    @classmethod
    def of(cls, subject: Subject, grouping: Grouping, strata: Grouping, pair: Two, favourable: Bools) -> PersonsWithin:
        """Of rows that stand for somebody, with the codes of their groups and strata and whether each was selected."""
        weights, many = subject.weights, len(strata.names)
        side = np.select([grouping.codes == group for group in pair], [0, 1], -1)
        rows = np.flatnonzero((side >= 0) & (weights > 0))
        cells = np.full(len(side), -1)
        cells[rows] = 2 * strata.codes[rows] + side[rows]
        values = favourable[rows].astype(np.float64)
        sums = stats.ClusterSums.of(values, weights[rows], subject.persons[rows], cells[rows])
        totals, squares = (
            np.bincount(sums.groups, weights=part, minlength=2 * many) for part in (sums.weights, sums.weights**2)
        )
        enough = (totals > 0) & (totals**2 >= (SMALLEST_CELL - ROUNDING) * squares)
        kept = np.flatnonzero(enough.reshape(many, 2).all(axis=1))
        places = np.full(2 * many, -1)
        for number, stratum in enumerate(kept.tolist()):
            places[2 * stratum], places[2 * stratum + 1] = 2 * number, 2 * number + 1
        whole = totals.reshape(many, 2)
        first, second = (whole[kept].sum(axis=0) / np.maximum(whole.sum(axis=0), np.finfo(float).tiny)).tolist()
        return cls(
            kept=tuple(kept.tolist()),
            sums=stats.ClusteredStrata(sums=sums.regrouped(places[sums.groups]), strata=len(kept)),
            cells=np.where(cells >= 0, places[cells], -1),
            shares=(first, second),
        )

    @cached_property
    def crude(self) -> stats.ClusteredStrata:
        """All strata that are compared as one."""
        return self.sums.crude()


def too_small(names: tuple[str, str], all_in_one: stats.ClusteredStrata, within: stats.ClusteredStrata) -> str | None:
    """Why two groups do not allow a verdict; None where they do.

    ``all_in_one``: both groups, of whose persons of equal weight 30 are needed and 5 expected of either decision;
    ``within``: the strata in which a decision still varies, where 5 persons are needed of either.
    """
    sums, pooled = all_in_one.sums, all_in_one.common[2]
    for side, name in enumerate(names):
        persons, effective = sums.size(side), sums.effective_size(side)
        if persons < SMALLEST_GROUP:
            return f"{name} has {so_many(persons, 'persons')}; a verdict needs {SMALLEST_GROUP}"
        if effective < SMALLEST_GROUP - ROUNDING:
            return (
                f"the {persons} persons of {name} are worth {effective:.1f} of equal weight; "
                f"a verdict needs {SMALLEST_GROUP}"
            )
        for share, decision in ((pooled, "favourable"), (1 - pooled, "unfavourable")):
            if effective * share < SMALLEST_EXPECTED:
                return (
                    f"{name} has {persons} persons, of whom {effective * share:.1f} {decision} decisions are "
                    f"expected at the pair's rate; a verdict needs {SMALLEST_EXPECTED}"
                )
        for seen, decision in zip(within.told(side), ("favourable", "unfavourable"), strict=True):
            if seen < SMALLEST_EXPECTED:
                return (
                    f"of {persons} persons in {name} {seen or 'none'} with a {decision} decision lie where decisions "
                    f"differ; a linearised interval needs {SMALLEST_EXPECTED}"
                )
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonComparison(Comparison):
    """Persons are compared, by the weights of their rows."""

    subject: Subject
    counts: PersonsWithin
    favourable: Bools
    named: PersonValues

    @property
    def n(self) -> int:
        """All persons in both groups."""
        return persons_of(self.subject, np.isin(self.grouping.codes, self.pair))

    @property
    def kept(self) -> tuple[int, ...]:
        """Strata in which both groups are worth persons enough."""
        return self.counts.kept

    @property
    def none(self) -> str:
        """Why there is no such stratum."""
        return f"in no stratum are both groups worth {SMALLEST_CELL} persons of equal weight"

    @property
    def common(self) -> tuple[float, float]:
        """The rates by what each stratum weighs in the population."""
        return self.counts.sums.common[:2]

    @property
    def share(self) -> tuple[float, str]:
        """How much of the population of both groups is compared."""
        rows = np.isin(self.grouping.codes, self.pair)
        weights = self.subject.weights
        whole = float(weights[rows].sum())
        share = float(weights[self.counts.cells >= 0].sum()) / whole if whole else 0.0
        return share, f"by weight, in the {len(self.kept)} strata that are compared; {design_in_words(self.subject)}"

    def small(self) -> str | None:
        """Too few persons in strata that are compared, or of one decision."""
        for name, share in zip(self.names, self.counts.shares, strict=True):
            if share < LEAST_COMPARED:
                return (
                    f"{share:.0%} of {name} by weight lie in strata where both groups are worth {SMALLEST_CELL} "
                    f"persons of equal weight; a verdict needs {LEAST_COMPARED:.0%}"
                ).replace("%", " %")
        return too_small(self.names, self.counts.crude, self.counts.sums)

    def decided(self) -> bool:
        """Never where a figure stands: one without any variation within strata has no interval here."""
        return False

    def crude(self, form: Form) -> Estimate:
        """By all strata as one."""
        return self._estimate(self.counts.crude, form, self.within)

    def adjusted(self, form: Form) -> Estimate:
        """By each stratum."""
        return self._estimate(self.counts.sums, form, self.within)

    def influence(self, form: Form) -> Floats:
        """Of a figure, or of the ratio whose logarithm has the moments."""
        return self._influence(self.counts.sums, form, self.counts.cells)

    def items(self, estimate: Estimate, influence: Floats) -> Items | None:
        """Of the persons who are compared."""
        return self._items(estimate, influence, self.counts.cells)

    def tested(self, test: Literal["breslow-day", "woolf"]) -> Estimate:
        """No such test is given."""
        raise ValueError(
            "tests of one odds ratio take rows as independent and of equal weight, which these are not; "
            f"{IN_STRATUM} says, with intervals over persons, in which strata the groups differ"
        )

    def in_stratum(self, place: int) -> Measure:
        """The difference, linearised."""
        alone, unit = self.counts.sums.alone(place), "share"
        cells = np.where(self.counts.cells // 2 == place, self.counts.cells % 2, -1)
        small = too_small(self.names, alone, alone)
        barred = None if small is None else (SubReason.SMALL_GROUP, small)
        try:
            estimate = self._estimate(alone, "difference", None)
            items = self._items(estimate, self._influence(alone, "difference", cells), cells)
        except ValueError as error:
            barred = barred or (SubReason.NO_DYNAMIC_RANGE, str(error))
            estimate, items = Estimate.missing(barred[1], n=alone.sums.size(0, 1), unit=unit), None
        return Measure(
            metric=IN_STRATUM,
            groups=self.where,
            facets={"stratum": self.strata.names[self.kept[place]]},
            estimate=estimate,
            verdict=None if barred is None else Verdict.INCONCLUSIVE,
            sub_reason=None if barred is None else barred[0],
            why=None if barred is None else barred[1],
            items=items,
        )

    def _estimate(self, strata: stats.ClusteredStrata, form: Form, told: str | None) -> Estimate:
        found, design = linearised(strata, form), design_in_words(self.subject)
        student = found.student
        if student.standard_error == 0:
            raise ValueError("decisions do not vary within strata, so that nothing tells how far the figure may err")
        n = persons_of(self.subject, self.counts.cells >= 0) if told is not None else strata.sums.size(0, 1)
        crude = strata.crude().sums
        estimate = from_moments(
            "cr2" if form == "difference" else "log-t",
            (student.mean, student.standard_error, student.df),
            n=n,
            n_effective=min(float(n), crude.effective_size(0) + crude.effective_size(1)),
            unit="share" if form == "difference" else "ratio",
            design=design if told is None else f"{told}; {design}",
        )
        return replace(estimate, rates=strata.common) if form == "difference" else estimate

    def _influence(self, strata: stats.ClusteredStrata, form: Form, cells: Codes) -> Floats:
        found = linearised(strata, form)
        added = found.influence(self.favourable.astype(np.float64), self.subject.weights, cells)
        return added if form == "difference" else math.exp(found.student.mean) * added

    def _items(self, estimate: Estimate, influence: Floats, cells: Codes) -> Items | None:
        assert estimate.value is not None
        sides = [(cells >= 0) & (cells % 2 == side) for side in (0, 1)]
        return self.named.items(estimate.value, influence, sides[0], sides[1], unit=estimate.unit)


def linearised(strata: stats.ClusteredStrata, form: Form) -> Adjusted:
    """A figure of strata, by its logarithm where it is a ratio; ValueError where it has none."""
    if form == "difference":
        return strata.difference()
    return strata.log_ratio() if form == "ratio" else strata.log_odds_ratio()
