"""Intervals of means: one sample, and the difference of two with unequal variances."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from probandum.stats.checking import finite_array, refuse_number, refuse_share
from probandum.stats.families import Family
from probandum.stats.intervals import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Student(Family):
    """A value whose error over ``standard_error`` follows Student's t with ``df`` degrees of freedom.

    A standard error of 0 (nothing varied in the sample) is taken at its word: the interval has no width.
    """

    mean: float
    standard_error: float
    df: float

    def __post_init__(self) -> None:
        """Refuse moments that are none."""
        refuse_number("value", self.mean)
        refuse_number("standard error", self.standard_error)
        refuse_number("degrees of freedom", self.df)
        if self.standard_error < 0:
            raise ValueError(f"standard error is {self.standard_error}; expected at least 0")
        if self.df <= 0:
            raise ValueError(f"degrees of freedom are {self.df}; expected more than 0")

    @property
    def value(self) -> float:
        """The mean."""
        return self.mean

    def quantile(self, alpha: float) -> float:
        """The t with P(T > t) = alpha."""
        from scipy.special import stdtrit

        return -float(stdtrit(self.df, alpha))

    def lower(self, alpha: float) -> float:
        """The mean less t standard errors."""
        return self.mean - self.quantile(alpha) * self.standard_error

    def upper(self, alpha: float) -> float:
        """The mean plus t standard errors."""
        return self.mean + self.quantile(alpha) * self.standard_error

    def p_above(self, limit: float) -> float:
        """The upper tail of (mean - limit) / standard error."""
        from scipy.special import stdtr

        if self.standard_error == 0:
            return 0.0 if self.mean > limit else 1.0
        return float(stdtr(self.df, (limit - self.mean) / self.standard_error))

    def p_below(self, limit: float) -> float:
        """The lower tail of (mean - limit) / standard error."""
        from scipy.special import stdtr

        if self.standard_error == 0:
            return 0.0 if self.mean < limit else 1.0
        return float(stdtr(self.df, (self.mean - limit) / self.standard_error))

    def interval(self, *, level: float, method: str) -> Interval:
        """The two-sided interval with the standard error and the degrees of freedom it rests on."""
        refuse_share("level", level)
        alpha = (1 - level) / 2
        return Interval(
            value=self.mean,
            low=self.lower(alpha),
            high=self.upper(alpha),
            level=level,
            method=method,
            standard_error=self.standard_error,
            df=self.df,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CutStudent(Family):
    """A value whose error follows Student's t, also at the ends of where it can lie: bounds beyond are cut off there.

    Cutting an interval where no value can lie covers as often as the whole one. ``least`` and ``most``: 0 and 1 of a
    share, -1 and 1 of a difference of two, 0 and no end of an amount.
    """

    whole: Student
    least: float = 0.0
    most: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if not self.least <= self.whole.mean <= self.most:
            what = "share" if self.most == 1 else "amount"
            raise ValueError(f"{what} is {self.whole.mean}; expected from {self.least:g} to {self.most:g}")

    @property
    def value(self) -> float:
        """The mean."""
        return self.whole.mean

    def lower(self, alpha: float) -> float:
        """The mean less t standard errors, ``least`` at least."""
        return max(self.least, self.whole.lower(alpha))

    def upper(self, alpha: float) -> float:
        """The mean plus t standard errors, ``most`` at most."""
        return min(self.most, self.whole.upper(alpha))

    def p_above(self, limit: float) -> float:
        """Student's; nothing lies below ``least`` or above ``most``."""
        return 0.0 if limit < self.least else 1.0 if limit >= self.most else self.whole.p_above(limit)

    def p_below(self, limit: float) -> float:
        """Student's; nothing lies below ``least`` or above ``most``."""
        return 0.0 if limit > self.most else 1.0 if limit <= self.least else self.whole.p_below(limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogStudent(Family):
    """A positive value whose logarithm follows Student's t: its interval is a factor, not a distance."""

    logarithm: Student

    @property
    def value(self) -> float:
        """The geometric mean."""
        return math.exp(self.logarithm.value)

    def lower(self, alpha: float) -> float:
        """The bound of the logarithm, back on the scale of the value."""
        return math.exp(self.logarithm.lower(alpha))

    def upper(self, alpha: float) -> float:
        """The bound of the logarithm, back on the scale of the value."""
        return math.exp(self.logarithm.upper(alpha))

    def p_above(self, limit: float) -> float:
        """The logarithm's; a limit of 0 or less is always exceeded."""
        return 0.0 if limit <= 0 else self.logarithm.p_above(math.log(limit))

    def p_below(self, limit: float) -> float:
        """The logarithm's; no positive value lies below 0."""
        return 1.0 if limit <= 0 else self.logarithm.p_below(math.log(limit))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogChange(Family):
    """A relative change, neutral value 0: the logarithm of 1 + the change follows Student's t."""

    logarithm: Student

    @property
    def value(self) -> float:
        """The relative change: 0.02 is 2 % more."""
        return math.expm1(self.logarithm.value)

    def lower(self, alpha: float) -> float:
        """The bound of the logarithm, back on the scale of the change."""
        return math.expm1(self.logarithm.lower(alpha))

    def upper(self, alpha: float) -> float:
        """The bound of the logarithm, back on the scale of the change."""
        return math.expm1(self.logarithm.upper(alpha))

    def p_above(self, limit: float) -> float:
        """The logarithm's; nothing can fall by its whole, so a limit of -1 or less is always exceeded."""
        return 0.0 if limit <= -1 else self.logarithm.p_above(math.log1p(limit))

    def p_below(self, limit: float) -> float:
        """The logarithm's."""
        return 1.0 if limit <= -1 else self.logarithm.p_below(math.log1p(limit))


def relative_change_interval(new: ArrayLike, base: ArrayLike, *, level: float = 0.95) -> Interval:
    """Interval of the geometric mean of ``new`` over that of ``base``, less 1: independent positive values.

    ``new`` shape (n,), ``base`` shape (m,), each at least 2 and above 0, such as joules of repeated windows. Welch's
    on the logarithms, whose ``standard_error`` and ``df`` are kept.

    >>> interval = relative_change_interval([2.0, 8.0], [1.0, 4.0])
    >>> round(interval.value, 9), round((1 + interval.low) * (1 + interval.high), 9)
    (1.0, 4.0)
    """
    first, second = finite_array("new", new), finite_array("base", base)
    lowest = float(min(first.min(), second.min()))
    if lowest <= 0:
        raise ValueError(f"values hold {lowest}; expected numbers above 0")
    inner = welch_interval(np.log(first), np.log(second), level=level)
    return replace(
        inner,
        value=math.expm1(inner.value),
        low=math.expm1(inner.low),
        high=math.expm1(inner.high),
        method="log-change",
    )


def log_mean_interval(values: ArrayLike, *, level: float = 0.95) -> Interval:
    """Student's interval of the geometric mean of independent positive values, such as joules of repeated windows.

    ``values``: shape (n,), n at least 2, all above 0. ``standard_error`` and ``df`` are those of the logarithm.

    >>> interval = log_mean_interval([2.0, 8.0])
    >>> round(interval.value, 9), round(interval.low * interval.high, 9)
    (4.0, 16.0)
    """
    array = finite_array("values", values)
    if (array <= 0).any():
        raise ValueError(f"values hold {float(array.min())}; expected numbers above 0")
    inner = mean_interval(np.log(array), level=level)
    assert inner.standard_error is not None and inner.df is not None
    return Interval(
        value=math.exp(inner.value),
        low=math.exp(inner.low),
        high=math.exp(inner.high),
        level=level,
        method="log-t",
        standard_error=inner.standard_error,
        df=inner.df,
    )


def mean_interval(values: ArrayLike, *, level: float = 0.95) -> Interval:
    """Student's interval of the mean of independent values (of clusters: give the cluster means).

    ``values``: shape (n,), n at least 2, any unit. Values that are all equal give a standard error of 0 and an
    interval without width: right for a deterministic quantity, too sure for a rare event (a share's interval
    then serves better).

    >>> interval = mean_interval([1.0, 2.0, 3.0])
    >>> round(interval.low, 3), round(interval.high, 3), interval.df
    (-0.484, 4.484, 2.0)
    """
    array = finite_array("values", values)
    n = len(array)
    error = math.sqrt(float(array.var(ddof=1)) / n)
    return Student(mean=float(array.mean()), standard_error=error, df=float(n - 1)).interval(level=level, method="t")


def welch_interval(a: ArrayLike, b: ArrayLike, *, level: float = 0.95) -> Interval:
    """Interval of mean(a) - mean(b) for independent samples of unequal variance (Welch 1947).

    ``a`` shape (n,), ``b`` shape (m,), each at least 2. Degrees of freedom after Satterthwaite.

    >>> interval = welch_interval([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    >>> interval.value, round(interval.df or 0, 9)
    (0.0, 4.0)
    """
    first, second = finite_array("a", a), finite_array("b", b)
    n1, n2 = len(first), len(second)
    v1, v2 = float(first.var(ddof=1)) / n1, float(second.var(ddof=1)) / n2
    df = satterthwaite((v1, n1 - 1), (v2, n2 - 1))
    value = float(first.mean() - second.mean())
    return Student(mean=value, standard_error=math.sqrt(v1 + v2), df=df).interval(level=level, method="welch")


def satterthwaite(*parts: tuple[float, float], total: float | None = None) -> float:
    """Degrees of freedom of a sum of variance parts, each ``(variance, its degrees of freedom)``.

    ``total`` is the variance used, where it is not their sum. Where nothing varies: the smallest df of a part.

    >>> satterthwaite((1.0, 10), (1.0, 10))
    20.0
    """
    total = sum(variance for variance, _ in parts) if total is None else total
    if total == 0:
        return float(min(df for _, df in parts))
    # Shares of the total, because the squares of tiny variances would underflow.
    return 1.0 / sum((variance / total) ** 2 / df for variance, df in parts)
