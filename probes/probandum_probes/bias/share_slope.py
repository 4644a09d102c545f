"""The slope of a table's columns on a number that each column has, where rows and columns are samples."""

from __future__ import annotations

import math

import numpy as np

from probandum import stats
from probandum.evidence import Floats
from probandum.stats.means import satterthwaite

PERMUTATIONS = 9999


def crossed_slope(table: Floats, x: Floats, *, level: float = 0.95) -> stats.Interval:
    """Interval of the slope of column values on ``x``, over rows and columns that are both samples.

    ``table``: shape (rows, columns), at least 2 and 3; ``x``: shape (columns,), not all alike. The two-way formula for
    a contrast (Clark 1973), with the least-squares weights in place of groups. b_t is the slope in row t, r_n the
    residual of the mean of column n from the line, S = sum (x - mean x)^2::

        v_T = var(b_t) / T
        v_N = sum r_n^2 / (N - 2) / S
        s^2 = mean square of what rows, columns and the rows' own slopes leave, of (T - 1)(N - 2) degrees of freedom
        v   = max(v_T + v_N - s^2 / (T S), v_T, v_N)
        df  = v^2 / (v_T^2 / (T - 1) + v_N^2 / (N - 2))

    >>> interval = crossed_slope(np.array([[0.0, 1.0, 2.0], [0.0, 3.0, 6.0]]), np.array([0.0, 0.5, 1.0]))
    >>> interval.value, round((interval.standard_error or 0) ** 2, 9)  # slopes 2 and 6; the means lie on a line
    (4.0, 4.0)
    """
    rows, columns = table.shape
    weights = slope_weights(x)
    squares = 1 / float((weights**2).sum())
    slopes = table @ weights
    means = table.mean(axis=0)
    slope = float(means @ weights)
    left = means - means.mean() - slope * (x - x.mean())
    own = table - table.mean(axis=1, keepdims=True) - means + table.mean() - np.outer(slopes - slope, x - x.mean())
    from_rows = float(slopes.var(ddof=1)) / rows
    from_columns = float((left**2).sum()) / (columns - 2) / squares
    residual = float((own**2).sum()) / ((rows - 1) * (columns - 2))
    variance = max(from_rows + from_columns - residual / (rows * squares), from_rows, from_columns)
    df = satterthwaite((from_rows, rows - 1), (from_columns, columns - 2), total=variance)
    return stats.bounds("two-way", level=level, moments=(slope, math.sqrt(variance), df))


def slope_weights(x: Floats) -> Floats:
    """What each column's value counts in the least-squares slope: (x - mean x) / sum (x - mean x)^2."""
    centred = x - x.mean()
    return np.asarray(centred / (centred**2).sum())


def permutation_p(values: Floats, x: Floats, rng: np.random.Generator) -> tuple[int, int]:
    """Two-sided p-value that ``x`` has nothing to do with ``values``, shape (n,) each: x is permuted 9,999 times.

    Its numerator and denominator: 1 + permutations whose slope is as far from 0, of 10,000.
    """
    weights = slope_weights(x)
    observed = abs(float(values @ weights))
    drawn = np.abs(rng.permuted(np.tile(weights, (PERMUTATIONS, 1)), axis=1) @ values)
    return 1 + int((drawn >= observed * (1 - 1e-12)).sum()), PERMUTATIONS + 1
