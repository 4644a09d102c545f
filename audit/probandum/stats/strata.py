"""Interval families of two groups compared within strata: a common difference, ratio or odds ratio.

Cells may be any reals here, so that a design can be scaled; what users pass is checked in ``stratified``.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from probandum.stats.families import NormalFamily, deviate, last_inside, normal_quantile
from probandum.stats.scores import constrained_share

Pair = tuple[float, float]
Stratum = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Stratified(NormalFamily):
    """Strata as cells ``(x1, n1, x2, n2)``; reals are allowed, so that a design can be scaled."""

    strata: tuple[Stratum, ...]

    @property
    @abstractmethod
    def standard_error(self) -> float:
        """That of the value, or of its logarithm where the bounds are taken there."""


@dataclass(frozen=True, slots=True)
class StratifiedScore(Stratified):
    """Weighted difference of shares by the score test of Miettinen and Nurminen (1985) over strata.

    ``d = sum(w_s d_s) / sum(w_s)`` with Cochran's weights ``w_s = n1 n2 / (n1 + n2)``; the variance of d_s is
    taken at the most likely shares that differ by the limit, times N_s / (N_s - 1). Never of zero width.
    """

    @property
    def value(self) -> float:
        """The weighted mean of the differences."""
        return _weighted_difference(self.strata)

    @property
    def standard_error(self) -> float:
        """At the shares (x + 1) / (n + 2), so that no events do not promise certainty."""
        weights = [_weight(stratum) for stratum in self.strata]
        variances = (_spread(x1, n1) / n1 + _spread(x2, n2) / n2 for x1, n1, x2, n2 in self.strata)
        return math.sqrt(math.fsum(w * w * v for w, v in zip(weights, variances, strict=True))) / math.fsum(weights)

    def z(self, limit: float) -> float:
        """(d - limit) over its standard deviation if every stratum differed by ``limit``."""
        if not -1 < limit < 1:
            return deviate(self.value - limit, 0.0)
        total = variance = 0.0
        for stratum in self.strata:
            x1, n1, x2, n2 = stratum
            p2 = constrained_share(x1, n1, x2, n2, limit)
            p1 = p2 + limit
            weight, n = _weight(stratum), n1 + n2
            variance += weight * weight * (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) * n / (n - 1)
            total += weight
        return deviate(self.value - limit, variance / (total * total))

    def lower(self, alpha: float) -> float:
        """The smallest difference that the score test does not reject."""
        quantile = normal_quantile(alpha)
        return last_inside(lambda limit: self.z(limit) <= quantile, self.value, -1.0)

    def upper(self, alpha: float) -> float:
        """The largest difference that the score test does not reject."""
        quantile = normal_quantile(alpha)
        return last_inside(lambda limit: self.z(limit) >= -quantile, self.value, 1.0)


@dataclass(frozen=True, slots=True)
class MantelHaenszelDifference(Stratified):
    """Common difference of shares (Greenland and Robins 1985) with the variance of Sato (1989).

    ``d = sum(w_s d_s) / sum(w_s)``, ``w_s = n1 n2 / N``; ``var = (d sum P + sum Q) / (sum w_s)^2`` with
    ``P = (n1^2 x2 - n2^2 x1 + n1 n2 (n2 - n1) / 2) / N^2`` and ``Q = (x1 (n2 - x2) + x2 (n1 - x1)) / 2N``:
    consistent for few large strata and for many small ones, where Greenland and Robins' is for the former only.
    """

    @property
    def value(self) -> float:
        """The common difference."""
        return _weighted_difference(self.strata)

    @property
    def standard_error(self) -> float:
        """Sato's; 0 where no cell speaks against the difference."""
        p = math.fsum(
            (n1 * n1 * x2 - n2 * n2 * x1 + n1 * n2 * (n2 - n1) / 2) / (n1 + n2) ** 2 for x1, n1, x2, n2 in self.strata
        )
        q = math.fsum((x1 * (n2 - x2) + x2 * (n1 - x1)) / (2 * (n1 + n2)) for x1, n1, x2, n2 in self.strata)
        return math.sqrt(max(0.0, self.value * p + q)) / math.fsum(map(_weight, self.strata))

    def z(self, limit: float) -> float:
        """(d - limit) over the standard error."""
        return deviate(self.value - limit, self.standard_error**2)

    def lower(self, alpha: float) -> float:
        """The difference less z standard errors."""
        return max(-1.0, self.value - normal_quantile(alpha) * self.standard_error)

    def upper(self, alpha: float) -> float:
        """The difference plus z standard errors."""
        return min(1.0, self.value + normal_quantile(alpha) * self.standard_error)


@dataclass(frozen=True, slots=True)
class _OnLogarithm(Stratified):
    """A common ratio whose logarithm is taken as normal."""

    def z(self, limit: float) -> float:
        """log(ratio / limit) over its standard error."""
        return math.inf if limit <= 0 else deviate(math.log(self.value / limit), self.standard_error**2)

    def lower(self, alpha: float) -> float:
        """The lower bound, taken on the logarithm."""
        return self.value * math.exp(-normal_quantile(alpha) * self.standard_error)

    def upper(self, alpha: float) -> float:
        """The upper bound, taken on the logarithm."""
        return self.value * math.exp(normal_quantile(alpha) * self.standard_error)


@dataclass(frozen=True, slots=True)
class MantelHaenszelRatio(_OnLogarithm):
    """Common ratio of shares, R / S with ``R = sum(x1 n2 / N)``, ``S = sum(x2 n1 / N)`` (Greenland and Robins 1985).

    ``var(log) = sum((n1 n2 (x1 + x2) - x1 x2 N) / N^2) / (R S)``.
    """

    @property
    def value(self) -> float:
        """R / S."""
        over, under = self._sums
        return over / under

    @property
    def _sums(self) -> tuple[float, float]:
        over = math.fsum(x1 * n2 / (n1 + n2) for x1, n1, x2, n2 in self.strata)
        return over, math.fsum(x2 * n1 / (n1 + n2) for x1, n1, x2, n2 in self.strata)

    @property
    def standard_error(self) -> float:
        """That of the logarithm."""
        over, under = self._sums
        top = math.fsum((n1 * n2 * (x1 + x2) - x1 * x2 * (n1 + n2)) / (n1 + n2) ** 2 for x1, n1, x2, n2 in self.strata)
        return math.sqrt(max(0.0, top) / (over * under))


@dataclass(frozen=True, slots=True)
class MantelHaenszelOdds(_OnLogarithm):
    """Common odds ratio, ``sum R / sum S`` (Mantel and Haenszel 1959), with the variance of Robins et al. (1986).

    ``R = x1 (n2 - x2) / N``, ``S = x2 (n1 - x1) / N``, ``P = (x1 + n2 - x2) / N``, ``Q = 1 - P``;
    ``var(log) = sum(P R) / 2 R^2 + sum(P S + Q R) / 2 R S + sum(Q S) / 2 S^2``.
    """

    @property
    def value(self) -> float:
        """The sum of R over the sum of S."""
        over, under = odds_sums(self.strata)
        return over / under

    @property
    def standard_error(self) -> float:
        """That of the logarithm."""
        over, under = odds_sums(self.strata)
        first = second = third = 0.0
        for x1, n1, x2, n2 in self.strata:
            n = n1 + n2
            r, s, p = x1 * (n2 - x2) / n, x2 * (n1 - x1) / n, (x1 + n2 - x2) / n
            first, second, third = first + p * r, second + p * s + (1 - p) * r, third + (1 - p) * s
        return math.sqrt(first / (2 * over * over) + second / (2 * over * under) + third / (2 * under * under))


#: Families without their checks, for designs that are scaled to numbers no data have.
STRATIFIED: Mapping[str, type[Stratified]] = {
    "stratified-miettinen-nurminen": StratifiedScore,
    "mantel-haenszel-difference": MantelHaenszelDifference,
    "mantel-haenszel-ratio": MantelHaenszelRatio,
    "mantel-haenszel-odds": MantelHaenszelOdds,
}


def paired(counts: Iterable[Pair]) -> tuple[Stratum, ...]:
    """Strata of pairs of counts: group and reference of the first, of the second, and so on."""
    pairs = list(counts)
    return tuple((x1, n1, x2, n2) for (x1, n1), (x2, n2) in zip(pairs[::2], pairs[1::2], strict=True))


def scaled_strata(counts: Iterable[Pair], factor: float) -> tuple[Stratum, ...]:
    """The strata of the same proportions from ``factor`` times as many observations, whole or not."""
    return paired([(x * factor, n * factor) for x, n in counts])


def split_strata(counts: Iterable[Pair], share: float | None) -> tuple[Stratum, ...]:
    """The strata with as many events, of which the group has ``share`` of what it could, or (None) its even part."""
    split = []
    for x1, n1, x2, n2 in paired(counts):
        events = x1 + x2
        fewest, most = max(0.0, events - n2), min(n1, events)
        group = events * n1 / (n1 + n2) if share is None else fewest + share * (most - fewest)
        split.append((group, n1, events - group, n2))
    return tuple(split)


def odds_sums(strata: Iterable[Stratum]) -> tuple[float, float]:
    """The sums of R and S (see ``MantelHaenszelOdds``), whose ratio is the common odds ratio."""
    parts = [(x1 * (n2 - x2) / (n1 + n2), x2 * (n1 - x1) / (n1 + n2)) for x1, n1, x2, n2 in strata]
    return math.fsum(r for r, _ in parts), math.fsum(s for _, s in parts)


def _weight(stratum: Stratum) -> float:
    _, n1, _, n2 = stratum
    return n1 * n2 / (n1 + n2)


def _weighted_difference(strata: Sequence[Stratum]) -> float:
    top = math.fsum((x1 * n2 - x2 * n1) / (n1 + n2) for x1, n1, x2, n2 in strata)
    return top / math.fsum(map(_weight, strata))


def _spread(x: float, n: float) -> float:
    share = (x + 1) / (n + 2)
    return share * (1 - share)
