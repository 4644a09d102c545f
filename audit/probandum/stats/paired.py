"""Changes of shares in pairs: one set of pairs with an exact test at 0, and the gap between two sets."""

from __future__ import annotations

import math
from dataclasses import dataclass

from probandum.stats.checking import refuse_count, refuse_trials
from probandum.stats.families import NormalFamily, deviate, normal_quantile
from probandum.stats.scores import Tango


@dataclass(frozen=True, slots=True)
class McNemarTango(Tango):
    """Tango's interval of a paired difference, with McNemar's exact test where the limit is 0.

    At 0 only the pairs that changed say anything, and of them as many go up as down: a binomial test, exact at
    every size. Elsewhere no exact test is known, and the score test serves.
    """

    def p_above(self, limit: float) -> float:
        """P(Bin(changed, 1/2) >= better) at 0, else the score test's."""
        if limit == 0:
            return half_tail(self.better, self.better + self.worse)
        return NormalFamily.p_above(self, limit)

    def p_below(self, limit: float) -> float:
        """P(Bin(changed, 1/2) >= worse) at 0, else the score test's."""
        if limit == 0:
            return half_tail(self.worse, self.better + self.worse)
        return NormalFamily.p_below(self, limit)


@dataclass(frozen=True, slots=True)
class PairedGap(NormalFamily):
    """Difference of two paired differences, of a group and its reference, each adjusted (Bonett and Price 2012).

    Of n pairs, with one change each way added: ``u = (better + 1) / (n + 2)``, ``w = (worse + 1) / (n + 2)``, the
    centre is u - w and its variance ``(u + w - (u - w)^2) / (n + 2)``. Centres are subtracted and variances added,
    the groups being independent. So pairs of which none changed leave an interval with a width.
    """

    better1: float
    worse1: float
    n1: float
    better2: float
    worse2: float
    n2: float

    @property
    def value(self) -> float:
        """The observed gap, without what the interval adds."""
        return (self.better1 - self.worse1) / self.n1 - (self.better2 - self.worse2) / self.n2

    @property
    def centre(self) -> float:
        """The middle of the interval."""
        return (self.better1 - self.worse1) / (self.n1 + 2) - (self.better2 - self.worse2) / (self.n2 + 2)

    @property
    def standard_error(self) -> float:
        """Half the width of the interval at one standard deviation."""
        first = _variance(self.better1, self.worse1, self.n1)
        return math.sqrt(first + _variance(self.better2, self.worse2, self.n2))

    def z(self, limit: float) -> float:
        """(centre - limit) / standard error."""
        return deviate(self.centre - limit, self.standard_error**2)

    def lower(self, alpha: float) -> float:
        """The centre less z standard errors, at least -2."""
        return max(-2.0, self.centre - normal_quantile(alpha) * self.standard_error)

    def upper(self, alpha: float) -> float:
        """The centre plus z standard errors, at most 2."""
        return min(2.0, self.centre + normal_quantile(alpha) * self.standard_error)

    def balanced(self) -> PairedGap:
        """The same pairs, those that changed going both ways equally often."""
        first, second = (self.better1 + self.worse1) / 2, (self.better2 + self.worse2) / 2
        return PairedGap(first, first, self.n1, second, second, self.n2)


def paired_gap(better1: float, worse1: float, n1: float, better2: float, worse2: float, n2: float) -> PairedGap:
    """The checked family of a gap between two sets of pairs."""
    for better, worse, n in ((better1, worse1, n1), (better2, worse2, n2)):
        refuse_trials("n", n)
        refuse_count("better", better, n)
        refuse_count("worse", worse, n - better, "n - better")
    return PairedGap(better1, worse1, n1, better2, worse2, n2)


def half_tail(x: float, n: float, mid: bool = False) -> float:
    """P(Bin(n, 1/2) >= x), or with half of P(= x) taken off.

    >>> half_tail(4, 4), half_tail(4, 4, mid=True), half_tail(0, 0)
    (0.0625, 0.03125, 1.0)
    """
    from scipy.special import betainc

    def at_least(k: float) -> float:
        if k <= 0:
            return 1.0
        return 0.0 if k > n else float(betainc(k, n - k + 1, 0.5))

    return (at_least(x) + at_least(x + 1)) / 2 if mid else at_least(x)


def _variance(better: float, worse: float, n: float) -> float:
    up, down = (better + 1) / (n + 2), (worse + 1) / (n + 2)
    return (up + down - (up - down) ** 2) / (n + 2)
