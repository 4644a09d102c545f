"""What every interval family answers: its one-sided bounds, and the p-values that invert the same bounds.

A family is built from what an estimate keeps (counts, moments or draws). ``p_above(limit) < alpha`` holds
exactly where ``lower(alpha) > limit``, so a p-value can never contradict the interval beside it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

_NORMAL = NormalDist()


class Family(ABC):
    """One quantity with its bounds at any one-sided error rate ``alpha`` below a half."""

    __slots__ = ()

    @property
    @abstractmethod
    def value(self) -> float:
        """The point estimate."""

    @abstractmethod
    def lower(self, alpha: float) -> float:
        """The one-sided lower bound with confidence ``1 - alpha``."""

    @abstractmethod
    def upper(self, alpha: float) -> float:
        """The one-sided upper bound with confidence ``1 - alpha``."""

    @abstractmethod
    def p_above(self, limit: float) -> float:
        """The p-value of the null hypothesis "quantity <= limit"; small where the quantity is above."""

    @abstractmethod
    def p_below(self, limit: float) -> float:
        """The p-value of the null hypothesis "quantity >= limit"; small where the quantity is below."""


class NormalFamily(Family):
    """A family given by ``z(limit)``: a normal deviate, positive where the data lie above ``limit``."""

    __slots__ = ()

    @abstractmethod
    def z(self, limit: float) -> float:
        """The test statistic of "quantity = limit"; falls as ``limit`` rises."""

    def p_above(self, limit: float) -> float:
        """The upper tail of the statistic."""
        return normal_tail(self.z(limit))

    def p_below(self, limit: float) -> float:
        """The lower tail of the statistic."""
        return normal_tail(-self.z(limit))


@dataclass(frozen=True, slots=True, kw_only=True)
class Exact(Family):
    """A deterministic quantity: no sampling, so bounds equal the value and p-values are 0 or 1."""

    known: float

    @property
    def value(self) -> float:
        """The quantity itself."""
        return self.known

    def lower(self, alpha: float) -> float:
        """The quantity itself."""
        return self.known

    def upper(self, alpha: float) -> float:
        """The quantity itself."""
        return self.known

    def p_above(self, limit: float) -> float:
        """0 where the quantity is above ``limit``, else 1."""
        return 0.0 if self.known > limit else 1.0

    def p_below(self, limit: float) -> float:
        """0 where the quantity is below ``limit``, else 1."""
        return 0.0 if self.known < limit else 1.0


def normal_tail(z: float) -> float:
    """P(Z > z) of a standard normal Z, accurate far into the tail.

    >>> round(normal_tail(1.959964), 6)
    0.025
    """
    return 0.5 * math.erfc(z / math.sqrt(2))


def normal_quantile(alpha: float) -> float:
    """The z with P(Z > z) = alpha.

    >>> round(normal_quantile(0.025), 6)
    1.959964
    """
    return -_NORMAL.inv_cdf(alpha)


def deviate(gap: float, variance: float) -> float:
    """``gap`` in standard deviations; infinite, with the sign of ``gap``, where nothing can vary.

    >>> deviate(1.0, 4.0), deviate(-1.0, 0.0), deviate(0.0, 0.0)
    (0.5, -inf, 0.0)
    """
    if variance > 0:
        return gap / math.sqrt(variance)
    return math.copysign(math.inf, gap) if gap else 0.0


def last_inside(inside: Callable[[float], bool], start: float, end: float) -> float:
    """The furthest point from ``start`` towards ``end`` that is still inside, by bisection to float precision.

    >>> round(last_inside(lambda x: x * x <= 2, 0.0, 2.0), 12)
    1.414213562373
    """
    if inside(end):
        return end
    for _ in range(200):
        middle = (start + end) / 2
        if middle in (start, end):
            break
        if inside(middle):
            start = middle
        else:
            end = middle
    return start
