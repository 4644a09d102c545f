"""Two groups within strata by counts of rows, each of which is a person: score intervals and Mantel-Haenszel's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from probandum import stats
from probandum.evidence import Floats, Items
from probandum.finding import Estimate, SubReason, Verdict
from probandum.probe import Measure
from probandum.subject import Bools
from probandum_probes.bias.adjusted import IN_STRATUM, Comparison, Form, column_of
from probandum_probes.bias.counting import SELECTION, counted, too_small
from probandum_probes.bias.scored import RowValues
from probandum_probes.bias.strata import LEAST_COMPARED, SMALLEST_CELL, Within
from probandum_probes.estimates import from_counts, point

_CRUDE: Mapping[Form, str] = {"difference": "newcombe", "ratio": "koopman", "odds-ratio": "mantel-haenszel-odds"}
_ADJUSTED: Mapping[Form, str] = {
    "difference": "stratified-miettinen-nurminen",
    "ratio": "mantel-haenszel-ratio",
    "odds-ratio": "mantel-haenszel-odds",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RowComparison(Comparison):
    """Rows are counted."""

    counts: Within
    favourable: Bools
    named: RowValues

    @property
    def n(self) -> int:
        """All rows of both groups."""
        return self.counts.rows

    @property
    def kept(self) -> tuple[int, ...]:
        """Strata in which both groups have rows enough."""
        return self.counts.kept

    @property
    def none(self) -> str:
        """Why there is no such stratum."""
        return f"in no stratum do both groups have {SMALLEST_CELL} rows"

    @property
    def common(self) -> tuple[float, float]:
        """The rates by Cochran's weights."""
        weights = self.counts.weights
        group, reference = (float(rate @ weights / weights.sum()) for rate in self.counts.rates)
        return group, reference

    @property
    def share(self) -> tuple[float, str]:
        """How many rows of both groups are compared."""
        rows = sum(trials for _, trials in self.counts.flat)
        told = f"{rows:,} of {self.n:,} rows lie in the {len(self.kept)} strata that are compared"
        return rows / self.n if self.n else 0.0, told

    def small(self) -> str | None:
        """Too few rows in strata that are compared, or of one decision."""
        for name, share in zip(self.names, self.counts.shares, strict=True):
            if share < LEAST_COMPARED:
                return (
                    f"{share:.0%} of the rows of {name} lie in strata with {SMALLEST_CELL} rows of both groups; a "
                    f"verdict needs {LEAST_COMPARED:.0%}"
                ).replace("%", " %")
        crude = self.counts.crude
        return too_small(SELECTION, self.names, crude, (crude[0][1], crude[1][1]))

    def decided(self) -> bool:
        """Whether every stratum has one decision only."""
        return all(x1 + x2 in (0, n1 + n2) for (x1, n1), (x2, n2) in self.counts.counts)

    def crude(self, form: Form) -> Estimate:
        """By the counts of all strata as one."""
        return self._counted(_CRUDE[form], self.counts.crude, form)

    def adjusted(self, form: Form) -> Estimate:
        """By the counts of each stratum."""
        return self._counted(_ADJUSTED[form], self.counts.flat, form)

    def _counted(self, method: str, counts: Sequence[tuple[int, int]], form: Form) -> Estimate:
        return from_counts(method, counts, unit="share" if form == "difference" else "ratio", design=self.within)

    def influence(self, form: Form) -> Floats:
        """Of the difference or the ratio of the common rates."""
        group, reference = self._parts()
        if form == "difference":
            return (group - reference) / float(self.counts.weights.sum())
        over, under = (float(rate @ self.counts.weights) for rate in self.counts.rates)
        return group / under - over / under**2 * reference

    def _parts(self) -> tuple[Floats, Floats]:
        """What each row adds to the weighted rate of its side, less the rate that its stratum has: 0 in sum."""
        parts, counts = [], self.counts
        for side, rates in enumerate(counts.rates):
            sizes = np.array([pair[side][1] for pair in counts.counts], dtype=np.float64)
            rows, place = counts.rows_of(side), counts.place
            added = np.zeros(len(place))
            at = place[rows]
            added[rows] = counts.weights[at] * (self.favourable[rows] - rates[at]) / sizes[at]
            parts.append(added)
        return parts[0], parts[1]

    def items(self, estimate: Estimate, influence: Floats) -> Items | None:
        """Of the rows that are compared."""
        assert estimate.value is not None
        group, reference = (self.counts.rows_of(side) for side in (0, 1))
        return self.named.items(estimate.value, influence, group, reference, unit=estimate.unit)

    def tested(self, test: Literal["breslow-day", "woolf"]) -> Estimate:
        """By a chi-squared test."""
        found = (stats.breslow_day if test == "breslow-day" else stats.woolf)(self.counts.counts)
        statistic = f"chi-squared {found.statistic:.2f} with {found.df} degrees of freedom"
        return point(found.p_value, n=self.n, unit="p-value", design=f"{statistic}, {self.within}")

    def in_stratum(self, place: int) -> Measure:
        """Newcombe's difference."""
        stratum, pair, column = self.kept[place], self.counts.counts[place], column_of(self.grouping.attribute)
        small = too_small(SELECTION, self.names, pair, (pair[0][1], pair[1][1]))
        told = counted("difference", SELECTION, self.grouping, *self.pair)
        return Measure(
            metric=IN_STRATUM,
            groups=self.where,
            facets={"stratum": self.strata.names[stratum]},
            estimate=from_counts("newcombe", pair),
            verdict=None if small is None else Verdict.INCONCLUSIVE,
            sub_reason=None if small is None else SubReason.SMALL_GROUP,
            why=small,
            counted=replace(told, sides=tuple({**side, column: stratum} for side in told.sides)),
        )
