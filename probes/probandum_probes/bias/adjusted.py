"""Crude and adjusted figures of a group and its reference: in all strata together, and in each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from probandum import stats
from probandum.evidence import Floats
from probandum.finding import Estimate, Groups, SubReason, Verdict
from probandum.probe import Measure
from probandum.subject import Bools, Grouping
from probandum_probes.bias.counting import SELECTION, counted, groups_of, too_small
from probandum_probes.bias.rates import unsaid
from probandum_probes.bias.scored import RowValues
from probandum_probes.bias.strata import LEAST_COMPARED, SMALLEST_CELL, Within
from probandum_probes.estimates import exactly, from_counts

ADJUSTED = "adjusted-difference"
IN_STRATUM = "stratum-difference"


def column_of(attribute: str) -> str:
    """The column of row items that holds the strata in which an attribute is compared."""
    return f"strata of {attribute}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A group and its reference, in all strata together and in each."""

    grouping: Grouping
    strata: Grouping
    within: Within
    favourable: Bools
    kept: RowValues

    def all(self) -> Iterator[Measure]:
        """Every measure of the comparison."""
        yield self._share()
        if not self.within.counts:
            yield unsaid(
                ADJUSTED,
                f"in no stratum do both groups have {SMALLEST_CELL} rows",
                self._where,
                Verdict.INCONCLUSIVE,
                n=self.within.rows,
                reason=SubReason.SMALL_GROUP,
            )
            return
        crude = self._shown("crude-difference", lambda: self._counts("newcombe", self.within.crude), unit="share")
        adjusted = self._difference(crude.estimate)
        yield from (crude, adjusted, self._reversal(crude.estimate, adjusted.estimate))
        yield self._shown("crude-ratio", lambda: self._counts("koopman", self.within.crude, "ratio"), unit="ratio")
        yield self._ratio()
        odds = "mantel-haenszel-odds"
        yield self._shown("crude-odds-ratio", lambda: self._counts(odds, self.within.crude, "ratio"), unit="ratio")
        yield self._shown("adjusted-odds-ratio", lambda: self._counts(odds, self.within.flat, "ratio"), unit="ratio")
        yield self._shown("breslow-day", lambda: self._tested(stats.breslow_day(self.within.counts)), unit="p-value")
        yield self._shown("woolf", lambda: self._tested(stats.woolf(self.within.counts)), unit="p-value")
        yield from self._each()

    @property
    def _where(self) -> Groups:
        return groups_of(self.grouping, *self.within.pair)

    @property
    def _design(self) -> str:
        count = len(self.within.counts)
        return f"within {count} {'stratum' if count == 1 else 'strata'} of {self.strata.attribute}"

    def _counts(self, method: str, counts: Sequence[tuple[int, int]], unit: str = "share") -> Estimate:
        """An estimate from pairs of counts; ValueError where they have none by this method."""
        return from_counts(method, counts, unit=unit, design=self._design)

    def _tested(self, test: stats.Homogeneity) -> Estimate:
        statistic = f"chi-squared {test.statistic:.2f} with {test.df} degrees of freedom"
        return self._exactly(test.p_value, unit="p-value", design=f"{statistic}, {self._design}")

    def _exactly(self, value: float, *, unit: str, design: str) -> Estimate:
        return exactly(value, n=self.within.rows, unit=unit, design=design)

    def _shown(self, metric: str, estimate: Callable[[], Estimate], *, unit: str) -> Measure:
        """A figure beside what is judged, or why there is none."""
        try:
            found = estimate()
        except ValueError as error:
            found = Estimate.missing(str(error), n=self.within.rows, unit=unit)
        return Measure(metric=metric, groups=self._where, estimate=found, mode="disclosure")

    def _share(self) -> Measure:
        """How many rows of both groups are compared at all."""
        rows = sum(trials for _, trials in self.within.flat)
        design = f"{rows:,} of {self.within.rows:,} rows lie in the {len(self.within.counts)} strata that are compared"
        share = rows / self.within.rows if self.within.rows else 0.0
        estimate = self._exactly(share, unit="share", design=design)
        if not self.within.rows:
            estimate = Estimate.missing("nobody is in these groups", unit="share")
        return Measure(metric="compared-share", groups=self._where, estimate=estimate, mode="disclosure")

    def _small(self) -> str | None:
        """Why no adjusted figure gets a verdict; None where it may."""
        where = self._where
        names = (where.group, str(where.reference))
        for name, share in zip(names, self.within.shares, strict=True):
            if share < LEAST_COMPARED:
                return (
                    f"{share:.0%} of the rows of {name} lie in strata with {SMALLEST_CELL} rows of both groups; a "
                    f"verdict needs {LEAST_COMPARED:.0%}"
                ).replace("%", " %")
        crude = self.within.crude
        return too_small(SELECTION, names, crude, (crude[0][1], crude[1][1]))

    def _judged(self, metric: str, estimate: Estimate, influence: Floats) -> Measure:
        small = self._small()
        group, reference = (self.within.rows_of(side) for side in (0, 1))
        assert estimate.value is not None
        return Measure(
            metric=metric,
            groups=self._where,
            estimate=estimate,
            verdict=None if small is None else Verdict.INCONCLUSIVE,
            sub_reason=None if small is None else SubReason.SMALL_GROUP,
            why=small,
            items=self.kept.items(estimate.value, influence, group, reference, unit=estimate.unit),
        )

    def _difference(self, crude: Estimate) -> Measure:
        estimate = self._counts("stratified-miettinen-nurminen", self.within.flat)
        if crude.value is not None:
            estimate = replace(estimate, design=f"{self._design}; crude {crude.value:+.3f}")
        group, reference = self._parts()
        return self._judged(ADJUSTED, estimate, (group - reference) / self.within.weights.sum())

    def _ratio(self) -> Measure:
        where, n = self._where, self.within.rows
        group, reference = (float(rate @ self.within.weights) for rate in self.within.rates)
        verdict, reason = Verdict.INCONCLUSIVE, SubReason.NO_DYNAMIC_RANGE
        if reference == 0:
            why, verdict, reason = (
                f"nobody in {where.reference} was selected",
                Verdict.NOT_APPLICABLE,
                SubReason.NO_DATA,
            )
        elif group == 0:
            why = f"nobody in {where.group} was selected, and a ratio of 0 has no interval here"
        else:
            try:
                estimate = self._counts("mantel-haenszel-ratio", self.within.flat, "ratio")
            except ValueError:
                why = "the factors alone decide: no stratum has both decisions, so that the ratio has no interval"
            else:
                over, under = self._parts()
                return self._judged("adjusted-ratio", estimate, over / reference - group / reference**2 * under)
        why = f"{why}; {ADJUSTED} says what can be said"
        missing = Estimate.missing(why, n=n, unit="ratio")
        return Measure(
            metric="adjusted-ratio", groups=where, estimate=missing, verdict=verdict, sub_reason=reason, why=why
        )

    def _parts(self) -> tuple[Floats, Floats]:
        """What each row adds to the weighted rate of its side, less the rate that its stratum has: 0 in sum."""
        parts = []
        for side, rates in enumerate(self.within.rates):
            sizes = np.array([pair[side][1] for pair in self.within.counts], dtype=np.float64)
            rows, place = self.within.rows_of(side), self.within.place
            added = np.zeros(len(place))
            at = place[rows]
            added[rows] = self.within.weights[at] * (self.favourable[rows] - rates[at]) / sizes[at]
            parts.append(added)
        return parts[0], parts[1]

    def _reversal(self, crude: Estimate, adjusted: Estimate) -> Measure:
        """Whether what is true of all rows is the opposite of what is true within the strata."""
        reversed_, why = _opposite(crude, adjusted)
        estimate = self._exactly(float(reversed_), unit="share", design=self._design)
        return Measure(
            metric="sign-reversal",
            groups=self._where,
            estimate=estimate,
            mode="disclosure",
            verdict=None if why is None else Verdict.NOT_APPLICABLE,
            sub_reason=None if why is None else SubReason.NO_LIMIT,
            why=why,
        )

    def _each(self) -> Iterator[Measure]:
        """The difference in every stratum."""
        where, column = self._where, column_of(self.grouping.attribute)
        for stratum, pair in zip(self.within.kept, self.within.counts, strict=True):
            small = too_small(SELECTION, (where.group, str(where.reference)), pair, (pair[0][1], pair[1][1]))
            told = counted("difference", SELECTION, self.grouping, *self.within.pair)
            yield Measure(
                metric=IN_STRATUM,
                groups=where,
                facets={"stratum": self.strata.names[stratum]},
                estimate=replace(self._counts("newcombe", pair), design=None),
                verdict=None if small is None else Verdict.INCONCLUSIVE,
                sub_reason=None if small is None else SubReason.SMALL_GROUP,
                why=small,
                counted=replace(told, sides=tuple({**side, column: stratum} for side in told.sides)),
            )


def _opposite(crude: Estimate, adjusted: Estimate) -> tuple[bool, str | None]:
    """Whether two differences certainly point in opposite directions, and what to say where they do so at all."""
    assert crude.value is not None and adjusted.value is not None
    if crude.value * adjusted.value >= 0:
        return False, None
    said = f"crude {crude.value:+.4f} and adjusted {adjusted.value:+.4f} point in opposite directions"
    if _excludes_0(crude) and _excludes_0(adjusted):
        return True, f"{said}, and no 95 % interval holds 0: what is true of all rows is reversed within the strata"
    return False, f"{said}, and chance may do that: a 95 % interval holds 0"


def _excludes_0(estimate: Estimate) -> bool:
    assert estimate.low is not None and estimate.high is not None
    return estimate.low > 0 or estimate.high < 0
