"""Contrasts over a grid of scenarios and names, some of whose cells may have no valid answer."""

from __future__ import annotations

from typing import Any

import numpy as np

from probandum import stats
from probandum.evidence import Floats
from probandum.finding import Estimate
from probandum.subject import Bools

_STEPS = 1000
_CLOSE = 1e-12


def kept(valid: Bools, a: Any, b: Any) -> tuple[Any, Any, Any]:
    """Rows, columns of ``a`` and columns of ``b`` that have a valid cell in more than half of their places.

    ``valid``: shape (rows, columns); ``a`` and ``b``: column indexes. A row must have them in both groups.
    """
    columns_a = a[valid[:, a].mean(axis=0) > 0.5]
    columns_b = b[valid[:, b].mean(axis=0) > 0.5]
    if len(columns_a) == 0 or len(columns_b) == 0:
        return np.arange(0), columns_a, columns_b
    both = np.minimum(valid[:, columns_a].mean(axis=1), valid[:, columns_b].mean(axis=1))
    return np.flatnonzero(both > 0.5), columns_a, columns_b


def contrast(values: Floats, valid: Bools, a: Any, b: Any, *, level: float = 0.95) -> stats.Interval:
    """The two-way interval of mean(a) - mean(b); ``a`` and ``b`` are columns of ``values``, shape (rows, columns)."""
    return stats.two_way_interval(filled(values[:, a], valid[:, a]), filled(values[:, b], valid[:, b]), level=level)


def filled(values: Floats, valid: Bools) -> Floats:
    """``values`` with invalid cells replaced by the additive row + column fit of the valid ones (Yates 1933).

    Every row and column has a valid cell. Such a cell adds no evidence of its own to any contrast.

    >>> filled(np.array([[1.0, 2.0], [3.0, 99.0]]), np.array([[True, True], [True, False]])).round(6).tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    if valid.all():
        return values
    complete = np.where(valid, values, values[valid].mean())
    for _ in range(_STEPS):
        fit = complete.mean(axis=1, keepdims=True) + complete.mean(axis=0, keepdims=True) - complete.mean()
        moved = float(np.abs(np.where(valid, 0.0, fit - complete)).max())
        complete = np.where(valid, values, fit)
        if moved <= _CLOSE:
            break
    return complete


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
