"""Contrasts over a grid of scenarios and names, some of whose cells may have no valid answer."""

from __future__ import annotations

from typing import Any

from probandum import stats
from probandum.evidence import Floats
from probandum.finding import Estimate
from probandum.subject import Bools


def contrast(values: Floats, valid: Bools, a: Any, b: Any, *, level: float = 0.95) -> stats.Interval:
    """The two-way interval of mean(a) - mean(b); ``a`` and ``b`` are columns of ``values``, shape (rows, columns)."""
    sides = (stats.filled(values[:, side], valid[:, side]) for side in (a, b))
    return stats.two_way_interval(*sides, level=level)


def estimated(interval: stats.Interval, *, n: int, unit: str, design: str) -> Estimate:
    """An estimate from an interval of Student's, with the moments that a judge needs."""
    assert interval.standard_error is not None and interval.df is not None
    return Estimate(
        value=interval.value,
        low=interval.low,
        high=interval.high,
        level=interval.level,
        n=n,
        n_effective=interval.df + 1,
        unit=unit,
        method="t",
        design=design,
        moments=(interval.value, interval.standard_error, interval.df),
    )
