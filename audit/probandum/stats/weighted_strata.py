"""Two groups of weighted rows in clusters, compared within strata: common difference, ratio and odds ratio.

With N1 and N2 the weights of group and reference in a stratum, strata weigh ``W = N1 N2 / (N1 + N2)`` as Cochran's and
Mantel and Haenszel's do, of totals of a population in place of counts. A difference is ``sum W (r1 - r2) / sum W``, the
coefficient of the group in weighted least squares with a level for every stratum. A score interval (Miettinen and
Nurminen's) inverts the likelihood of independent draws, which weighted rows of persons do not have; so all three are
linearised (Binder 1983), with CR2's variance of the shares within each stratum of each group, and W is itself an
estimate, whose error enters as that of totals.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from probandum.stats.checking import Reals
from probandum.stats.linearised import ClusterSums, Whole, rows_influence
from probandum.stats.means import Student

#: Standard errors below this are what rounding leaves of none.
_NONE = 1e-12


class Adjusted(NamedTuple):
    """A quantity with its moments, on the logarithm for a ratio, and how it moves with shares and total weights."""

    student: Student
    factors: Mapping[int, float]
    totals: Mapping[int, float]

    def influence(self, values: Reals, weights: Reals, groups: Whole) -> Reals:
        """What each row adds about the value, 0 in sum; rows of group -1 add nothing."""
        return rows_influence(values, weights, groups, self.factors, self.totals)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClusteredStrata:
    """Sums whose group ``2 s`` is the group, and ``2 s + 1`` its reference, in stratum s of ``strata``.

    Values are 0 or 1; every group of every stratum has rows of at least 2 clusters.
    """

    sums: ClusterSums
    strata: int

    @property
    def totals(self) -> Reals:
        """The weights of group and reference, shape (2, strata)."""
        return self._summed(self.sums.weights)

    @property
    def rates(self) -> Reals:
        """The weighted shares of group and reference, shape (2, strata)."""
        rates: Reals = self._summed(self.sums.weighted) / self.totals
        return rates

    @property
    def weights(self) -> Reals:
        """What each stratum weighs, shape (strata,)."""
        first, second = self.totals
        weights: Reals = first * second / (first + second)
        return weights

    @property
    def common(self) -> tuple[float, float, float]:
        """The share of the group, of its reference, and of both, over all strata by what each weighs."""
        pooled = (self.totals * self.rates).sum(axis=0) / self.totals.sum(axis=0)
        first, second, both = (float(each @ self.weights / self.weights.sum()) for each in (*self.rates, pooled))
        return first, second, both

    def crude(self) -> ClusteredStrata:
        """All strata as one."""
        return ClusteredStrata(sums=self.sums.regrouped(self.sums.groups % 2), strata=1)

    def alone(self, stratum: int) -> ClusteredStrata:
        """One of the strata."""
        inside = self.sums.groups // 2 == stratum
        return ClusteredStrata(sums=self.sums.regrouped(np.where(inside, self.sums.groups % 2, -1)), strata=1)

    def told(self, side: int) -> tuple[int, int]:
        """Clusters of a side with an event, and with a row without one, in strata whose share is neither 0 nor 1."""
        sums = self.sums
        moving = ((self.rates[side] > 0) & (self.rates[side] < 1))[sums.groups // 2]
        inside = (sums.groups % 2 == side) & moving
        seen = sums.values > 0, sums.rows > sums.values
        happened, spared = (len(np.unique(sums.clusters[inside & some])) for some in seen)
        return happened, spared

    def difference(self) -> Adjusted:
        """``sum W (r1 - r2) / sum W``, from -1 to 1, neutral 0.

        >>> decided, stratum = np.array([1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0]), np.repeat([0, 1], 4)
        >>> cells = 2 * stratum + np.array([0, 0, 1, 1] * 2)
        >>> strata = ClusteredStrata(sums=ClusterSums.of(decided, np.ones(8), np.arange(8), cells), strata=2)
        >>> strata.difference().student.mean  # 1/2 - 0 and 1 - 1/2
        0.5
        """
        (first, second), weights = self.rates, self.weights
        whole = float(weights.sum())
        value = float((first - second) @ weights) / whole
        each = weights / whole
        return self._linear(value, each, each, (first - second - value) / whole)

    def log_ratio(self) -> Adjusted:
        """The logarithm of ``sum W r1 / sum W r2``; ValueError where a side has no event in any stratum."""
        (first, second), weights = self.rates, self.weights
        over, under = float(first @ weights), float(second @ weights)
        if over == 0 or under == 0:
            raise ValueError(
                f"the {'group' if over == 0 else 'reference'} has no event in any stratum; there is no ratio"
            )
        return self._linear(math.log(over / under), weights / over, weights / under, first / over - second / under)

    def log_odds_ratio(self) -> Adjusted:
        """The logarithm of ``sum W r1 (1 - r2) / sum W r2 (1 - r1)``; ValueError where it has none."""
        (first, second), weights = self.rates, self.weights
        for_it, against = first * (1 - second), second * (1 - first)
        over, under = float(for_it @ weights), float(against @ weights)
        if over == 0 or under == 0:
            raise ValueError(
                "the common odds ratio is 0, infinite or undefined; expected events and others on both sides"
            )
        group = weights * ((1 - second) / over + second / under)
        reference = weights * (first / over + (1 - first) / under)
        return self._linear(math.log(over / under), group, reference, for_it / over - against / under)

    def _linear(self, value: float, group: Reals, reference: Reals, slopes: Reals) -> Adjusted:
        """Of a quantity that moves by ``group`` and, downwards, ``reference`` with the shares, by ``slopes`` with W."""
        first, second = self.totals
        parts = slopes * np.stack([second, first]) ** 2 / (first + second) ** 2
        factors = {2 * s + side: float((group, -reference)[side][s]) for s in range(self.strata) for side in (0, 1)}
        totals = {2 * s + side: float(parts[side][s]) for s in range(self.strata) for side in (0, 1)}
        found = self.sums.contrast(factors, totals)
        error = found.standard_error if found.standard_error > _NONE else 0.0
        student = Student(mean=value, standard_error=error, df=found.df)
        return Adjusted(student=student, factors=factors, totals=totals)

    def _summed(self, values: Reals) -> Reals:
        summed = np.bincount(self.sums.groups, weights=values, minlength=2 * self.strata)
        return np.asarray(summed.reshape(self.strata, 2).T, dtype=np.float64)
