"""Intervals of shares: one share, the difference or the ratio of two, and the difference of pairs.

Shares are of 1, differences are group minus reference, ratios group over reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from probandum.stats.checking import refuse_count, refuse_share, refuse_trials
from probandum.stats.families import Family
from probandum.stats.scores import ClopperPearson, Katz, Koopman, MiettinenNurminen, Newcombe, Tango, Wilson

ProportionMethod = Literal["wilson", "clopper-pearson"]
DifferenceMethod = Literal["newcombe", "miettinen-nurminen"]
RatioMethod = Literal["koopman", "katz"]

#: Katz's normal approximation is kept for tables whose four cells all reach this.
KATZ_SMALLEST_CELL = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A value with its two-sided interval at ``level``; ``standard_error`` and ``df`` where it rests on a t.

    ``level = 1 - 2 alpha`` makes ``low`` and ``high`` the two one-sided bounds at error rate ``alpha``.
    """

    value: float
    low: float
    high: float
    level: float
    method: str
    standard_error: float | None = None
    df: float | None = None


def interval_of(family: Family, *, level: float, method: str) -> Interval:
    """The two-sided interval of ``family``; ValueError for a level outside (0, 1)."""
    refuse_share("level", level)
    alpha = (1 - level) / 2
    low, high = family.lower(alpha), family.upper(alpha)
    return Interval(value=family.value, low=low, high=high, level=level, method=method)


def proportion_interval(x: int, n: int, *, level: float = 0.95, method: ProportionMethod = "wilson") -> Interval:
    """Interval of the share x / n, between 0 and 1 (Wilson 1927; Clopper and Pearson 1934).

    No events of 59 bound the rate below 5 % (one-sided, exact):

    >>> round(proportion_interval(0, 59, level=0.90, method="clopper-pearson").high, 4)
    0.0495
    """
    return interval_of(share_family(method, x, n), level=level, method=method)


def difference_interval(
    x1: int, n1: int, x2: int, n2: int, *, level: float = 0.95, method: DifferenceMethod = "newcombe"
) -> Interval:
    """Interval of x1/n1 - x2/n2, from -1 to 1, neutral value 0, of two independent samples.

    ``newcombe`` is the hybrid of two Wilson intervals (Newcombe 1998, method 10); ``miettinen-nurminen`` the
    score interval with constrained variance (1985). The table of Newcombe's paper:

    >>> interval = difference_interval(56, 70, 48, 80, method="miettinen-nurminen")
    >>> round(interval.value, 4), round(interval.low, 4), round(interval.high, 4)
    (0.2, 0.0528, 0.3382)
    """
    return interval_of(difference_family(method, x1, n1, x2, n2), level=level, method=method)


def ratio_interval(
    x1: int, n1: int, x2: int, n2: int, *, level: float = 0.95, method: RatioMethod = "koopman"
) -> Interval:
    """Interval of (x1/n1) / (x2/n2), from 0 upwards, neutral value 1.

    ValueError where x2 is 0: the ratio does not exist, and the difference says what can be said. ``katz``
    refuses tables with a cell below 10, where its normal approximation is poor.

    >>> interval = ratio_interval(34, 76, 50, 92)
    >>> round(interval.value, 3), round(interval.low, 3), round(interval.high, 3)
    (0.823, 0.597, 1.118)
    """
    return interval_of(ratio_family(method, x1, n1, x2, n2), level=level, method=method)


def paired_difference_interval(
    better: int, worse: int, n: int, *, level: float = 0.95, method: Literal["tango"] = "tango"
) -> Interval:
    """Interval of (better - worse) / n, from -1 to 1, neutral value 0, among n pairs (Tango 1998).

    ``better`` and ``worse`` count the pairs that changed; the others stayed as they were.

    >>> interval = paired_difference_interval(0, 0, 96)
    >>> round(interval.low, 4), round(interval.high, 4)
    (-0.0385, 0.0385)
    """
    return interval_of(paired_family(better, worse, n), level=level, method=method)


def share_family(method: str, x: float, n: float) -> Wilson | ClopperPearson:
    """The checked family of one share."""
    refuse_trials("n", n)
    refuse_count("x", x, n, "n")
    if method == "wilson":
        return Wilson(x, n)
    if method == "clopper-pearson":
        return ClopperPearson(x, n)
    raise ValueError(f"method is {method!r}; expected wilson or clopper-pearson")


def difference_family(method: str, x1: float, n1: float, x2: float, n2: float) -> Newcombe | MiettinenNurminen:
    """The checked family of a difference of two independent shares."""
    _refuse_table(x1, n1, x2, n2)
    if method == "newcombe":
        return Newcombe(x1, n1, x2, n2)
    if method == "miettinen-nurminen":
        return MiettinenNurminen(x1, n1, x2, n2)
    raise ValueError(f"method is {method!r}; expected newcombe or miettinen-nurminen")


def ratio_family(method: str, x1: float, n1: float, x2: float, n2: float) -> Koopman | Katz:
    """The checked family of a ratio of two independent shares."""
    _refuse_table(x1, n1, x2, n2)
    if x2 == 0:
        raise ValueError("x2 is 0; expected at least 1 event in the reference, or there is no ratio to it")
    if method == "koopman":
        return Koopman(x1, n1, x2, n2)
    if method == "katz":
        for name, cell in {"x1": x1, "n1 - x1": n1 - x1, "x2": x2, "n2 - x2": n2 - x2}.items():
            if cell < KATZ_SMALLEST_CELL:
                raise ValueError(f"{name} is {cell}; katz expects at least {KATZ_SMALLEST_CELL} in every cell")
        return Katz(x1, n1, x2, n2)
    raise ValueError(f"method is {method!r}; expected koopman or katz")


def paired_family(better: float, worse: float, n: float) -> Tango:
    """The checked family of a paired difference."""
    refuse_trials("n", n)
    refuse_count("better", better, n, "n")
    refuse_count("worse", worse, n - better, "n - better")
    return Tango(better, worse, n)


def _refuse_table(x1: float, n1: float, x2: float, n2: float) -> None:
    refuse_trials("n1", n1)
    refuse_trials("n2", n2)
    refuse_count("x1", x1, n1, "n1")
    refuse_count("x2", x2, n2, "n2")
