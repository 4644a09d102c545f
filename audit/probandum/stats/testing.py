"""Tests: of no difference between two shares, McNemar's of paired outcomes, and equivalence by two one-sided tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from probandum.finding import Stream
from probandum.stats.basis import Counts, family_of
from probandum.stats.checking import refuse_count, refuse_number, refuse_trials
from probandum.stats.families import normal_tail
from probandum.stats.paired import half_tail

#: Below so many observations of either sample, or expected in any cell of the table, the test of two shares is exact.
FEWEST_FOR_Z, FEWEST_EXPECTED_FOR_Z = 30, 5


class NoDifference(NamedTuple):
    """A two-sided p-value of "both shares are equal"; ``z``, in standard deviations, where it rests on one."""

    p: float
    z: float | None

    @property
    def told(self) -> str:
        """Which test it is.

        >>> NoDifference(0.0455, 2.0).told
        'two-sample z test of no difference, z = +2.00'
        """
        if self.z is None:
            return "Fisher's exact test of no difference, mid-p"
        return f"two-sample z test of no difference, z = {self.z:+.2f}"


def no_difference(counts: Counts) -> NoDifference:
    """The two-sided test that two independent shares, ``((x1, n1), (x2, n2))``, are equal.

    ``z = (p1 - p2) / sqrt(p (1 - p) (1 / n1 + 1 / n2))``, p the pooled share, from 30 observations of both and 5
    expected in each of the four cells on. Below that Fisher's exact p-value less half the probability of the observed
    table (mid-p; Lydersen, Fagerland and Laake 2009). Where everything or nothing happened: 1.

    >>> round(no_difference(((30, 100), (45, 100))).p, 4), round(no_difference(((1, 10), (5, 10))).p, 4)
    (0.0285, 0.1084)
    """
    from scipy.stats import fisher_exact, hypergeom

    (x1, n1), (x2, n2) = counts
    for name, x, n in (("1", x1, n1), ("2", x2, n2)):
        refuse_trials(f"n{name}", n)
        refuse_count(f"x{name}", x, n, f"n{name}")
    happened, everybody = x1 + x2, n1 + n2
    rarer = min(happened, everybody - happened)
    if rarer == 0:
        return NoDifference(1.0, None)
    if min(n1, n2) >= FEWEST_FOR_Z and rarer * min(n1, n2) >= FEWEST_EXPECTED_FOR_Z * everybody:
        pooled = happened / everybody
        z = (x1 / n1 - x2 / n2) / math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
        return NoDifference(min(1.0, 2 * normal_tail(abs(z))), z)
    exact = float(fisher_exact([[x1, n1 - x1], [x2, n2 - x2]]).pvalue)
    return NoDifference(exact - float(hypergeom.pmf(x1, everybody, happened, n1)) / 2, None)


def mcnemar(
    better: int, worse: int, *, alternative: Literal["worse", "better", "two-sided"], mid: bool = False
) -> float:
    """The exact p-value of McNemar's test (1947) that changed pairs go both ways equally often.

    Of the pairs that changed, ``better`` improved and ``worse`` deteriorated. ``alternative`` is what a small p
    speaks for: ``worse`` (P(Bin(better + worse, 1/2) >= worse)), ``better``, or ``two-sided`` (twice the smaller
    tail). ``mid`` counts half of the observed point: less conservative, for information. No changed pair: 1.

    >>> mcnemar(0, 4, alternative="worse"), mcnemar(0, 4, alternative="worse", mid=True)
    (0.0625, 0.03125)
    """
    refuse_count("better", better)
    refuse_count("worse", worse)
    if alternative == "worse":
        return half_tail(worse, better + worse, mid)
    if alternative == "better":
        return half_tail(better, better + worse, mid)
    if alternative == "two-sided":
        return min(1.0, 2 * half_tail(max(better, worse), better + worse, mid))
    raise ValueError(f"alternative is {alternative!r}; expected worse, better or two-sided")


def equivalence(
    method: str,
    margin: float,
    *,
    around: float = 0.0,
    counts: Counts | None = None,
    moments: tuple[float, float, float] | None = None,
    draws: Sequence[float] | None = None,
    stream: Stream | None = None,
    value: float | None = None,
) -> float:
    """The p-value that a quantity lies within ``margin`` of ``around`` (TOST, Schuirmann 1987).

    The larger of two one-sided p-values; below alpha exactly where the interval at level 1 - 2 alpha lies
    strictly inside the band. Not small never means different.

    >>> equivalence("newcombe", 0.05, counts=((500, 1000), (500, 1000))) < 0.05
    True
    >>> equivalence("newcombe", 0.05, counts=((50, 100), (50, 100))) < 0.05
    False
    """
    refuse_number("margin", margin)
    refuse_number("around", around)
    if margin <= 0:
        raise ValueError(f"margin is {margin}; expected more than 0")
    family = family_of(method, counts=counts, moments=moments, draws=draws, stream=stream, value=value)
    return max(family.p_above(around - margin), family.p_below(around + margin))
