"""The interval of a group contrast when both the templates and the names are samples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from probandum.stats.checking import Reals, finite_array
from probandum.stats.intervals import Interval
from probandum.stats.means import Student, satterthwaite

#: How often an additive fit is refined at most, and the step at which it stands.
_STEPS = 1000
_CLOSE = 1e-12
#: What lies closer together than this part of the scale is alike but for rounding.
ROUNDING = 1e-9


def two_way_interval(a: ArrayLike, b: ArrayLike, *, level: float = 0.95, scale: float | None = None) -> Interval:
    """Interval of mean(a) - mean(b), neutral value 0, over templates (rows) and names (columns).

    ``a``: shape (T, N_A), ``b``: shape (T, N_B): the same templates crossed with the names of each group, every
    name in one group only; T, N_A and N_B at least 2. With d_t the difference of row means::

        v_T = var(d_t) / T
        v_N = var(name means of A) / N_A + var(name means of B) / N_B
        s^2 = residual mean square of the additive template + name fits, pooled over the groups
        v   = max(v_T + v_N - s^2 (1/(T N_A) + 1/(T N_B)), v_T, v_N)
        df  = v^2 / (v_T^2 / (T-1) + v_N^2 / (N_A+N_B-2))
        mean(a) - mean(b) +- t_df sqrt(v)

    Taking the names as fixed would call 80 % confidence 95 % (Clark 1973). For one explicit text a group
    (no names) use ``mean_interval`` over the differences d_t. Where nothing varies the standard error is 0; what is
    smaller than 1e-9 of ``scale``, the largest number behind ``a`` and ``b``, by default in them, is rounding and
    counts as 0.

    >>> interval = two_way_interval([[1.0, 2.0], [2.0, 5.0]], [[0.0, 1.0], [0.0, 1.0]])
    >>> interval.value, round(interval.standard_error or 0, 4), round(interval.df or 0, 4)  # v = 1 + 1.25 - 0.25
    (2.0, 1.4142, 2.2456)
    """
    first = finite_array("a", a, dimensions=2)
    second = finite_array("b", b, dimensions=2)
    if len(first) != len(second):
        raise ValueError(f"a has {len(first)} templates and b {len(second)}; expected the same rows in both")
    templates, names_a, names_b = len(first), first.shape[1], second.shape[1]

    least = ROUNDING * (max(float(np.abs(first).max()), float(np.abs(second).max())) if scale is None else scale)
    gaps = without_rounding(first.mean(axis=1) - second.mean(axis=1), least)
    from_templates = variance_of(gaps, least) / templates
    from_names = variance_of(first.mean(axis=0), least) / names_a + variance_of(second.mean(axis=0), least) / names_b
    residual = _residual_squares(first, least) + _residual_squares(second, least)
    residual /= (templates - 1) * (names_a + names_b - 2)
    counted_twice = residual * (1 / (templates * names_a) + 1 / (templates * names_b))
    variance = max(from_templates + from_names - counted_twice, from_templates, from_names)

    df = satterthwaite((from_templates, templates - 1), (from_names, names_a + names_b - 2), total=variance)
    student = Student(mean=float(gaps.mean()), standard_error=math.sqrt(variance), df=df)
    return student.interval(level=level, method="two-way")


def without_rounding(differences: Reals, least: float) -> Reals:
    """``differences`` with 0 for those of at most ``least``.

    >>> without_rounding(np.array([2.8e-17, 0.5]), 1e-9).tolist()
    [0.0, 0.5]
    """
    return np.where(np.abs(differences) <= least, 0.0, differences)


def variance_of(values: Reals, least: float) -> float:
    """The sample variance of at least two values; 0 where they lie no further apart than ``least``.

    >>> variance_of(np.array([0.1 + 0.2, 0.3]), 1e-9), variance_of(np.array([1.0, 3.0]), 1e-9)
    (0.0, 2.0)
    """
    return float(values.var(ddof=1)) if np.ptp(values) > least else 0.0


def _residual_squares(table: Reals, least: float) -> float:
    """The sum of squares that template and name effects leave."""
    rows, columns = table.mean(axis=1, keepdims=True), table.mean(axis=0, keepdims=True)
    return float((without_rounding(table - rows - columns + table.mean(), least) ** 2).sum())


def filled(values: Reals, valid: NDArray[np.bool_]) -> Reals:
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


def kept(valid: NDArray[np.bool_], a: Any, b: Any) -> tuple[Any, Any, Any]:
    """Rows, columns of ``a`` and columns of ``b`` that have a valid cell in more than half of their places.

    ``valid``: shape (rows, columns); ``a`` and ``b``: column indexes. A row must have them in both groups.
    """
    columns_a = a[valid[:, a].mean(axis=0) > 0.5]
    columns_b = b[valid[:, b].mean(axis=0) > 0.5]
    if len(columns_a) == 0 or len(columns_b) == 0:
        return np.arange(0), columns_a, columns_b
    both = np.minimum(valid[:, columns_a].mean(axis=1), valid[:, columns_b].mean(axis=1))
    return np.flatnonzero(both > 0.5), columns_a, columns_b
