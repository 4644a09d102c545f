"""Two groups compared in both orders: which hypotheses are one and the same, so that a correction counts them once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from probandum.finding import Estimate
from probandum.probe import Measure

#: How far bounds of one comparison in both orders may differ by rounding, relative and absolute.
_ROUNDING, _NOTHING = 1e-9, 1e-12


class Hypothesis(NamedTuple):
    """That a quantity, by its place among all, lies above (``side`` 1) or below (-1) an edge of its limit."""

    quantity: int
    side: int
    edge: float


class Mirrors:
    """Quantities of which some say of (g, h) what others say of (h, g).

    A difference and its opposite have values and bounds of opposite sign. A share of rows that both orders compare,
    such as those decided otherwise, is the same number by the same counts. A ratio and its inverse have other edges.
    """

    def __init__(self, quantities: Sequence[tuple[str, Measure] | None]) -> None:
        """``quantities``: metric and measure of what is judged, None of what is not."""
        places: dict[tuple[object, ...], int] = {}
        self._first: dict[int, tuple[int, int]] = {}
        estimates = [None if each is None else each[1].estimate for each in quantities]
        for index, each in enumerate(quantities):
            if each is None or (groups := each[1].groups) is None or groups.reference is None:
                continue
            where = (each[0], tuple(sorted(each[1].facets.items())), groups.attribute)
            places[(*where, groups.group, groups.reference)] = index
            first = places.get((*where, groups.reference, groups.group))
            if first is not None and (sign := _sign(estimates[first], estimates[index])) != 0:
                self._first[index] = first, sign

    def hypothesis(self, index: int, side: int, edge: float) -> Hypothesis:
        """The hypothesis as the order that came first says it."""
        first, sign = self._first.get(index, (index, 1))
        return Hypothesis(first, sign * side, sign * edge + 0.0)  # -0.0 is 0.0


def _sign(first: Estimate | None, second: Estimate | None) -> int:
    """-1 where the second is the opposite of the first, 1 where it is the same number, 0 where it is neither."""
    if first is None or second is None or first.unit == "ratio" or first.method != second.method:
        return 0
    ends, others = (np.array([each.value, each.low, each.high], dtype=np.float64) for each in (first, second))
    if np.allclose(others, -ends[[0, 2, 1]], rtol=_ROUNDING, atol=_NOTHING):
        return -1
    same = first.counts == second.counts and np.allclose(others, ends, rtol=_ROUNDING, atol=_NOTHING)
    return 1 if same else 0
