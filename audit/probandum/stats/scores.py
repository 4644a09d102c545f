"""Interval families of counts: one share, the difference or the ratio of two, and a difference of pairs.

Counts may be any reals from 0 to n here, so that a design can be scaled; what users pass is checked in
``intervals`` and ``basis``. All are defined at no events and at full events, and never have zero width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from probandum.stats.families import Family, NormalFamily, deviate, last_inside, normal_quantile

#: Beyond this deviate a normal tail is 0 in floating point.
_FURTHEST = 40.0


def wilson_bounds(x: float, n: float, z: float) -> tuple[float, float]:
    """The Wilson (1927) score bounds of x events among n, ``z`` standard deviations out.

    >>> [round(bound, 4) for bound in wilson_bounds(0, 10, 1.959964)]
    [0.0, 0.2775]
    """
    share = x / n
    centre = share + z * z / (2 * n)
    reach = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # Rounding must not leave 0 and 1 open where the counts close them.
    low = 0.0 if x <= 0 else max(0.0, min(share, (centre - reach) / scale))
    high = 1.0 if x >= n else min(1.0, max(share, (centre + reach) / scale))
    return low, high


@dataclass(frozen=True, slots=True)
class Wilson(NormalFamily):
    """Score interval of a share, x events among n."""

    x: float
    n: float

    @property
    def value(self) -> float:
        """x / n."""
        return self.x / self.n

    def z(self, limit: float) -> float:
        """(x/n - limit) over its standard deviation at ``limit``."""
        return deviate(self.value - limit, limit * (1 - limit) / self.n)

    def lower(self, alpha: float) -> float:
        """Wilson's lower bound."""
        return wilson_bounds(self.x, self.n, normal_quantile(alpha))[0]

    def upper(self, alpha: float) -> float:
        """Wilson's upper bound."""
        return wilson_bounds(self.x, self.n, normal_quantile(alpha))[1]


@dataclass(frozen=True, slots=True)
class ClopperPearson(Family):
    """Exact binomial interval of a share (Clopper and Pearson 1934), never less than nominal coverage."""

    x: float
    n: float

    @property
    def value(self) -> float:
        """x / n."""
        return self.x / self.n

    def lower(self, alpha: float) -> float:
        """The share under which x or more events have probability ``alpha``."""
        from scipy.special import betaincinv

        return 0.0 if self.x <= 0 else float(betaincinv(self.x, self.n - self.x + 1, alpha))

    def upper(self, alpha: float) -> float:
        """The share under which x or fewer events have probability ``alpha``."""
        from scipy.special import betainccinv

        return 1.0 if self.x >= self.n else float(betainccinv(self.x + 1, self.n - self.x, alpha))

    def p_above(self, limit: float) -> float:
        """P(x or more events) at the share ``limit``."""
        from scipy.special import betainc

        if limit < 0 or self.x <= 0:
            return 0.0 if limit < 0 else 1.0
        return float(betainc(self.x, self.n - self.x + 1, min(limit, 1.0)))

    def p_below(self, limit: float) -> float:
        """P(x or fewer events) at the share ``limit``."""
        from scipy.special import betaincc

        if limit > 1 or self.x >= self.n:
            return 0.0 if limit > 1 else 1.0
        return float(betaincc(self.x + 1, self.n - self.x, max(limit, 0.0)))


@dataclass(frozen=True, slots=True)
class Newcombe(NormalFamily):
    """Difference of two shares by the hybrid score method (Newcombe 1998, method 10).

    With Wilson bounds (l, u) of each share: ``d - sqrt((p1-l1)^2 + (u2-p2)^2)`` and
    ``d + sqrt((u1-p1)^2 + (p2-l2)^2)``.
    """

    x1: float
    n1: float
    x2: float
    n2: float

    @property
    def value(self) -> float:
        """x1/n1 - x2/n2."""
        return self.x1 / self.n1 - self.x2 / self.n2

    def _low(self, z: float) -> float:
        (l1, _), (_, u2) = wilson_bounds(self.x1, self.n1, z), wilson_bounds(self.x2, self.n2, z)
        return self.value - math.hypot(self.x1 / self.n1 - l1, u2 - self.x2 / self.n2)

    def _high(self, z: float) -> float:
        (_, u1), (l2, _) = wilson_bounds(self.x1, self.n1, z), wilson_bounds(self.x2, self.n2, z)
        return self.value + math.hypot(u1 - self.x1 / self.n1, self.x2 / self.n2 - l2)

    def lower(self, alpha: float) -> float:
        """Newcombe's lower bound."""
        return max(-1.0, self._low(normal_quantile(alpha)))

    def upper(self, alpha: float) -> float:
        """Newcombe's upper bound."""
        return min(1.0, self._high(normal_quantile(alpha)))

    def z(self, limit: float) -> float:
        """How many standard deviations out the bound meets ``limit``; infinite where it never does."""
        if self.value == limit:
            return 0.0
        if self.value > limit:
            found = last_inside(lambda z: self._low(z) > limit, 0.0, _FURTHEST)
        else:
            found = last_inside(lambda z: self._high(z) < limit, 0.0, _FURTHEST)
        return math.copysign(math.inf if found == _FURTHEST else found, self.value - limit)


def constrained_share(x1: float, n1: float, x2: float, n2: float, difference: float) -> float:
    """The most likely p2 given ``p1 = p2 + difference`` (Miettinen and Nurminen 1985).

    The score equation of p2 is the cubic
    ``N p^3 + (d(n1 + 2 n2) - N - x1 - x2) p^2 + (d^2 n2 - d(N + 2 x2) + x1 + x2) p + x2 d (1 - d)``,
    whose middle root (of three, all real) lies where both shares are possible.

    >>> round(constrained_share(5, 10, 3, 10, 0.0), 12)
    0.4
    """
    n, d = n1 + n2, difference
    a2 = (d * (n1 + 2 * n2) - n - x1 - x2) / n
    a1 = (d * (d * n2 - n - 2 * x2) + x1 + x2) / n
    a0 = x2 * d * (1 - d) / n
    shift = a2 / 3
    spread = shift * shift - a1 / 3
    if spread <= 0:
        root = -shift
    else:
        radius = math.sqrt(spread)
        cosine = (shift**3 - a1 * shift / 2 + a0 / 2) / radius**3
        root = -shift + 2 * radius * math.cos((math.pi + math.acos(max(-1.0, min(1.0, cosine)))) / 3)
    return min(max(root, 0.0, -d), 1.0, 1.0 - d)


@dataclass(frozen=True, slots=True)
class MiettinenNurminen(NormalFamily):
    """Difference of two shares by the score test with constrained variance and the factor N/(N-1)."""

    x1: float
    n1: float
    x2: float
    n2: float

    @property
    def value(self) -> float:
        """x1/n1 - x2/n2."""
        return self.x1 / self.n1 - self.x2 / self.n2

    def z(self, limit: float) -> float:
        """(d - limit) over its standard deviation at the most likely shares that differ by ``limit``."""
        if not -1 < limit < 1:
            return deviate(self.value - limit, 0.0)
        p2 = constrained_share(self.x1, self.n1, self.x2, self.n2, limit)
        p1 = p2 + limit
        n = self.n1 + self.n2
        variance = (p1 * (1 - p1) / self.n1 + p2 * (1 - p2) / self.n2) * n / (n - 1)
        return deviate(self.value - limit, variance)

    def lower(self, alpha: float) -> float:
        """The smallest difference that the score test does not reject."""
        quantile = normal_quantile(alpha)
        return last_inside(lambda limit: self.z(limit) <= quantile, self.value, -1.0)

    def upper(self, alpha: float) -> float:
        """The largest difference that the score test does not reject."""
        quantile = normal_quantile(alpha)
        return last_inside(lambda limit: self.z(limit) >= -quantile, self.value, 1.0)


@dataclass(frozen=True, slots=True)
class Koopman(NormalFamily):
    """Ratio of two shares by the asymptotic score test (Koopman 1984); needs x2 > 0.

    Neutral value 1. No events in the first share give the ratio 0 with a finite upper bound.
    """

    x1: float
    n1: float
    x2: float
    n2: float

    @property
    def value(self) -> float:
        """(x1/n1) / (x2/n2)."""
        return self.x1 * self.n2 / (self.n1 * self.x2)

    def z(self, limit: float) -> float:
        """(p1 - limit p2) over its standard deviation at the most likely shares of that ratio."""
        if limit <= 0:
            return deviate(self.value - limit, 0.0)
        events = self.x1 + self.x2
        half = (limit * (self.n1 + self.x2) + self.x1 + self.n2) / 2
        root = math.sqrt(max(0.0, half * half - limit * (self.n1 + self.n2) * events))
        p2 = min(events / (half + root), 1.0, 1.0 / limit)
        p1 = min(limit * p2, 1.0)
        variance = p1 * (1 - p1) / self.n1 + limit * limit * p2 * (1 - p2) / self.n2
        return deviate(self.x1 / self.n1 - limit * self.x2 / self.n2, variance)

    def lower(self, alpha: float) -> float:
        """The smallest ratio that the score test does not reject."""
        quantile = normal_quantile(alpha)
        return last_inside(lambda limit: self.z(limit) <= quantile, self.value, 0.0)

    def upper(self, alpha: float) -> float:
        """The largest ratio that the score test does not reject."""
        quantile = normal_quantile(alpha)
        end = max(1.0, 2 * self.value)
        while self.z(end) >= -quantile:
            end *= 2
        return last_inside(lambda limit: self.z(limit) >= -quantile, self.value, end)


@dataclass(frozen=True, slots=True)
class Katz(NormalFamily):
    """Ratio of two shares by the normal distribution of its logarithm (Katz 1978); for large cells only."""

    x1: float
    n1: float
    x2: float
    n2: float

    @property
    def value(self) -> float:
        """(x1/n1) / (x2/n2)."""
        return self.x1 * self.n2 / (self.n1 * self.x2)

    @property
    def _variance(self) -> float:
        return max(0.0, 1 / self.x1 - 1 / self.n1 + 1 / self.x2 - 1 / self.n2)

    def z(self, limit: float) -> float:
        """log(ratio / limit) over its standard deviation."""
        return math.inf if limit <= 0 else deviate(math.log(self.value / limit), self._variance)

    def lower(self, alpha: float) -> float:
        """The lower bound, taken on the logarithm."""
        return self.value * math.exp(-normal_quantile(alpha) * math.sqrt(self._variance))

    def upper(self, alpha: float) -> float:
        """The upper bound, taken on the logarithm."""
        return self.value * math.exp(normal_quantile(alpha) * math.sqrt(self._variance))


@dataclass(frozen=True, slots=True)
class Tango(NormalFamily):
    """Paired difference (better - worse) / n among n pairs by the score test (Tango 1998)."""

    better: float
    worse: float
    n: float

    @property
    def value(self) -> float:
        """(better - worse) / n."""
        return (self.better - self.worse) / self.n

    def z(self, limit: float) -> float:
        """(d - limit) over its standard deviation at the most likely discordant shares that differ by ``limit``."""
        if limit < 0:  # the mirrored question; a positive limit keeps the root below free of cancellation
            return -Tango(self.worse, self.better, self.n).z(-limit)
        if limit >= 1:
            return deviate(self.value - limit, 0.0)
        half = (limit * (2 * self.n - self.better + self.worse) - self.better - self.worse) / 2
        product = 2 * self.n * self.worse * limit * (1 - limit)
        root = math.sqrt(half * half + product)
        if half > 0:
            share = self.worse * limit * (1 - limit) / (half + root)
        else:
            share = (root - half) / (2 * self.n)
        return deviate(self.value - limit, (2 * share + limit * (1 - limit)) / self.n)

    def lower(self, alpha: float) -> float:
        """The smallest difference that the score test does not reject."""
        quantile = normal_quantile(alpha)
        return last_inside(lambda limit: self.z(limit) <= quantile, self.value, -1.0)

    def upper(self, alpha: float) -> float:
        """The largest difference that the score test does not reject."""
        quantile = normal_quantile(alpha)
        return last_inside(lambda limit: self.z(limit) >= -quantile, self.value, 1.0)
