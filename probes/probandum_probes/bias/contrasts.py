"""Contrasts over a grid of scenarios and names, some of whose cells may have no valid answer."""

from __future__ import annotations

from typing import Any

from probandum import stats
from probandum.evidence import Floats
from probandum.subject import Bools


def contrast(values: Floats, valid: Bools, a: Any, b: Any, *, level: float = 0.95) -> stats.Interval:
    """The two-way interval of mean(a) - mean(b); ``a`` and ``b`` are columns of ``values``, shape (rows, columns)."""
    sides = (stats.filled(values[:, side], valid[:, side]) for side in (a, b))
    return stats.two_way_interval(*sides, level=level)
