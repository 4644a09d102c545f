"""Estimates as probes give them: from what a judge can compute again, from an interval, or exactly.

One place, so that no probe shows an interval that its own basis does not give.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from probandum import stats
from probandum.finding import EXACT, EXTREME, POINT, Estimate


def from_counts(
    method: str,
    counts: Sequence[tuple[int, int]],
    *,
    n: int | None = None,
    unit: str = "share",
    design: str | None = None,
) -> Estimate:
    """An estimate from pairs of events and trials, by a method of ``probandum.stats.bounds``.

    ``n`` is the sum of all trials unless it is given. ValueError where the counts have no estimate by the method.

    >>> estimate = from_counts("newcombe", [(9, 10), (3, 10)])
    >>> estimate.n, round(estimate.value, 9)
    (20, 0.6)
    """
    interval = stats.bounds(method, level=0.95, counts=counts)
    n = sum(trials for _, trials in counts) if n is None else n
    return Estimate(
        value=interval.value,
        low=interval.low,
        high=interval.high,
        n=n,
        n_effective=n,
        unit=unit,
        method=method,
        design=design,
        counts=tuple(counts),
    )


def from_interval(interval: stats.Interval, *, n: int, unit: str, design: str | None = None) -> Estimate:
    """An estimate from an interval of moments: one with a standard error and degrees of freedom."""
    assert interval.standard_error is not None and interval.df is not None
    return Estimate(
        value=interval.value,
        low=interval.low,
        high=interval.high,
        level=interval.level,
        n=n,
        unit=unit,
        method=interval.method,
        design=design,
        moments=(interval.value, interval.standard_error, interval.df),
    )


def from_moments(
    method: str,
    moments: tuple[float, float, float],
    *,
    n: int,
    n_effective: float | None = None,
    unit: str,
    design: str | None = None,
) -> Estimate:
    """An estimate from moments that a method takes: value, standard error and degrees of freedom, of logarithms maybe.

    >>> round(from_moments("log-t", (0.0, 0.1, 50.0), n=60, unit="ratio").value or 0, 9)
    1.0
    """
    interval = stats.bounds(method, level=0.95, moments=moments)
    return Estimate(
        value=interval.value,
        low=interval.low,
        high=interval.high,
        n=n,
        n_effective=n_effective,
        unit=unit,
        method=method,
        design=design,
        moments=moments,
    )


def from_clusters(interval: stats.Interval, *, n: int, unit: str, design: str) -> Estimate:
    """An estimate from Student's interval over clusters: what counts is their degrees of freedom, and one."""
    assert interval.df is not None
    return replace(from_interval(interval, n=n, unit=unit, design=design), method="t", n_effective=interval.df + 1)


def share_of_clusters(interval: stats.Interval, *, n: int, unit: str, design: str) -> Estimate:
    """A share from an interval over clusters, its bounds taken on the logit, so that they lie within 0 and 1.

    At 0 and 1, and where no cluster differs from another, the number of clusters bounds it.

    >>> rare = stats.mean_interval([0.0] * 9 + [0.5])
    >>> rare.low < 0 < share_of_clusters(rare, n=20, unit="share", design="cluster=text").low
    True
    """
    assert interval.standard_error is not None and interval.df is not None
    value = min(max(interval.value, 0.0), 1.0)
    error = interval.standard_error if 0 < value < 1 else 0.0
    moments = (value, error, interval.df if error else interval.df + 1)
    return from_moments("cr2-logit", moments, n=n, n_effective=interval.df + 1, unit=unit, design=design)


def within_one(estimate: Estimate) -> Estimate:
    """A difference of shares from moments, its bounds cut off at -1 and 1: of a few items they may lie beyond.

    >>> wide = from_moments("t", (0.9, 0.2, 5.0), n=6, unit="share")
    >>> round(wide.high, 3), within_one(wide).high
    (1.414, 1.0)
    """
    if estimate.moments is None or estimate.value is None or abs(estimate.value) > 1:
        return estimate
    cut = stats.bounds("share-difference-t", level=estimate.level, moments=estimate.moments)
    return replace(estimate, low=cut.low, high=cut.high, method="share-difference-t")


def from_draws(
    method: str,
    value: float,
    draws: Sequence[float],
    *,
    n: int,
    unit: str,
    design: str | None = None,
    level: float = 0.95,
) -> Estimate:
    """An estimate from sorted draws: of a bootstrap, of a posterior or of uncertain factors."""
    interval = stats.bounds(method, level=level, draws=draws, value=value)
    return Estimate(
        value=value,
        low=interval.low,
        high=interval.high,
        level=level,
        n=n,
        unit=unit,
        method=method,
        design=design,
        draws=tuple(draws),
    )


def exactly(value: float, *, n: int, unit: str, design: str | None = None) -> Estimate:
    """A number that is no estimate of a population's and has no sampling error, with what it is in words."""
    return Estimate(value=value, low=value, high=value, n=n, unit=unit, method=EXACT, design=design)


def point(value: float, *, n: int, unit: str, design: str) -> Estimate:
    """A number that rests on a sample, such as a p-value, and of which no interval is computed."""
    return Estimate(value=value, low=value, high=value, n=n, unit=unit, method=POINT, design=design)


def extreme(value: float, *, n: int, unit: str, design: str) -> Estimate:
    """The largest or smallest of several estimates, which being picked makes biased: no interval is computed of it."""
    return Estimate(value=value, low=value, high=value, n=n, unit=unit, method=EXTREME, design=design)
