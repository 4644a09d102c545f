"""A group's share of the top of a ranking against its share of the pool: exact, given both.

Of a pool of N with K of a group, k are placed on top; x of these are of the group. Were places drawn with odds w for
the group's members and 1 for the others, x would follow Fisher's noncentral hypergeometric distribution (Harkness
1965), the hypergeometric one where w = 1. Bounds are those of the odds by inverted tail probabilities (Cornfield 1956),
said as the share of the top that these odds lead to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from probandum.stats.checking import Reals, refuse_count, refuse_trials
from probandum.stats.families import Family

#: Logarithms of odds beyond which nothing moves any more.
_FAR = 60.0


@dataclass(frozen=True, slots=True)
class TopShare(Family):
    """The group's share of the top less its share of the pool, ``x / k - K / N``."""

    x: int
    top: int
    members: int
    pool: int

    @property
    def value(self) -> float:
        """The share of the top less that of the pool."""
        return self.x / self.top - self.members / self.pool

    @property
    def spread(self) -> float:
        """The standard deviation of the share of the top where places go by chance alone."""
        share = self.members / self.pool
        finite = (self.pool - self.top) / max(self.pool - 1, 1)
        return float(np.sqrt(share * (1 - share) / self.top * finite))

    def lower(self, alpha: float) -> float:
        """The share under the least odds that make so many on top no rarer than ``alpha``."""
        return self._at(_least(lambda odds: self._above(odds) >= alpha))

    def upper(self, alpha: float) -> float:
        """The share under the greatest odds that make so few on top no rarer than ``alpha``."""
        return self._at(_least(lambda odds: self._below(odds) < alpha))

    def p_above(self, limit: float) -> float:
        """How likely so many on top are under the odds that lead to ``limit``; none lead below the least possible."""
        least = self._first / self.top - self.members / self.pool
        return 0.0 if limit < least else self._above(self._leading_to(limit))

    def p_below(self, limit: float) -> float:
        """How likely so few on top are under the odds that lead to ``limit``; none lead above the most possible."""
        most = min(self.top, self.members) / self.top - self.members / self.pool
        return 0.0 if limit > most else self._below(self._leading_to(limit))

    def _above(self, odds: float) -> float:
        return float(self._chances(odds)[self.x - self._first :].sum())

    def _below(self, odds: float) -> float:
        return float(self._chances(odds)[: self.x - self._first + 1].sum())

    def _at(self, odds: float) -> float:
        """The expected share of the top under these log odds, less the share of the pool."""
        chances = self._chances(odds)
        return float(chances @ (self._first + np.arange(len(chances)))) / self.top - self.members / self.pool

    def _leading_to(self, limit: float) -> float:
        return _least(lambda odds: self._at(odds) >= limit)

    @property
    def _first(self) -> int:
        """The fewest of the group that can be on top."""
        return max(0, self.top + self.members - self.pool)

    def _chances(self, odds: float) -> Reals:
        """The probability of every number on top that there can be, under these log odds."""
        ways = _ways(self.top, self.members, self.pool)
        tilted = ways + odds * np.arange(len(ways))
        chances = np.exp(tilted - tilted.max())
        return np.asarray(chances / chances.sum())


def _least(holds: Callable[[float], bool]) -> float:
    """The least log odds from which on ``holds`` is true, by bisection."""
    low, high = -_FAR, _FAR
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


@lru_cache(maxsize=64)
def _ways(top: int, members: int, pool: int) -> Reals:
    """Logarithms, up to a constant, of how many ways there are to have each number of the group on top."""
    from scipy.special import gammaln

    x = np.arange(max(0, top + members - pool), min(top, members) + 1)
    others = pool - members
    return np.asarray(
        -(gammaln(x + 1) + gammaln(members - x + 1) + gammaln(top - x + 1) + gammaln(others - top + x + 1))
    )


def top_share(x: float, top: float, members: float, pool: float) -> TopShare:
    """The checked family; ValueError where no pool has such a top.

    >>> found = top_share(0, 10, 30, 60)  # by chance none of ten is as rare as 30! 50! / (20! 60!)
    >>> round(found.p_below(0.0), 6)
    0.000399
    """
    for name, number in {"top": top, "members": members, "pool": pool}.items():
        refuse_trials(name, number)
    refuse_count("top", top, pool - 1, "pool - 1")
    refuse_count("members", members, pool - 1, "pool - 1")
    refuse_count("x", x, min(top, members), "both top and members")
    refuse_count("x - (top + members - pool)", x - max(0, top + members - pool))
    return TopShare(int(x), int(top), int(members), int(pool))
