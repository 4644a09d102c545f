"""Contrasts over cases crossed with persons, some of whose cells were not asked or have no valid answer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from probandum import stats
from probandum.evidence import Floats
from probandum.stats.means import Student, satterthwaite
from probandum.subject import Bools
from probandum_probes.bias.components import REST, solved, tabled


def contrast(
    values: Floats, valid: Bools, a: Any, b: Any, *, level: float = 0.95, scale: float | None = None
) -> stats.Interval:
    """The two-way interval of mean(a) - mean(b); ``a`` and ``b`` are columns of ``values``, shape (rows, columns).

    ``scale``: the largest number that ``values`` were made of; what is smaller than 1e-9 of it is rounding.
    """
    sides = (stats.filled(values[:, side], valid[:, side]) for side in (a, b))
    return stats.two_way_interval(*sides, level=level, scale=scale)


def crossed_mean(gaps: Floats, valid: Bools | None = None, *, level: float = 0.95) -> stats.Interval:
    """The interval of the mean over rows of the mean of their valid cells, where rows and columns are both samples.

    ``gaps``, ``valid``: shape (rows, columns); all cells are valid where it is not given. Each row and column has a
    valid cell, and there are two rows at least. With cell weights w = 1 / (rows * cells of the row), and variance
    components by Henderson's method 1::

        A = s2_row * sum of (weight of a row)^2 + s2_rest * sum of w^2
        B = s2_column * sum of (weight of a column)^2 + s2_rest * sum of w^2
        v = max(A + B - s2_rest * sum of w^2, A, B)
        df = v^2 / (A^2 / (rows - 1) + B^2 / (columns - 1))

    Where every cell was asked these are the parts of ``stats.two_way_interval`` for differences of pairs. One column
    is no sample: Student's t over the rows.

    >>> interval = crossed_mean(np.array([[1.0, 3.0], [3.0, 9.0]]))
    >>> interval.value, round(interval.standard_error or 0, 4)  # A = 16/2/2, B = 16/2/2, s2 of the rest = 4, over 4
    (4.0, 2.6458)
    """
    valid = np.ones(gaps.shape, dtype=np.bool_) if valid is None else valid
    rows, columns = np.nonzero(valid)
    cells = gaps[rows, columns]
    per_row = valid.sum(axis=1)
    weights = 1.0 / (len(per_row) * per_row[rows])
    value = float(weights @ cells)
    if valid.shape[1] == 1:
        return stats.mean_interval(cells, level=level)
    row_parts, column_parts = np.bincount(rows, weights), np.bincount(columns, weights)
    parts = solved(tabled(cells, rows, {"column": columns}), np.ones(len(per_row)), name="row")
    if not parts:  # a cell a row, so that rows are the rest
        parts = solved(tabled(cells, columns, {}), np.ones(valid.shape[1]), name="column")
    rest = max(parts.get(REST, float(np.var(cells, ddof=1))), 0.0) * float(weights @ weights)
    of_rows = max(parts.get("row", 0.0) * float(row_parts @ row_parts) + rest, 0.0)
    of_columns = max(parts.get("column", 0.0) * float(column_parts @ column_parts) + rest, 0.0)
    variance = max(of_rows + of_columns - rest, of_rows, of_columns)
    df = satterthwaite((of_rows, len(row_parts) - 1), (of_columns, len(column_parts) - 1), total=variance)
    student = Student(mean=value, standard_error=math.sqrt(variance), df=df)
    return student.interval(level=level, method="two-way")


def kept_cells(valid: Bools, asked: Bools) -> tuple[Any, Any]:
    """Rows and columns with valid cells in more than half of the places that were asked."""
    columns = np.flatnonzero(valid.sum(axis=0) > asked.sum(axis=0) / 2)
    rows = np.flatnonzero(valid[:, columns].sum(axis=1) > asked[:, columns].sum(axis=1) / 2)
    columns = columns[valid[np.ix_(rows, columns)].any(axis=0)]
    return rows, columns
