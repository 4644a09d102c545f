"""AUCs of weighted rows that come in clusters: a contrast of weighted means of what each row beats.

A row of one kind is placed at the weighted share of the other kind that it is ranked rightly against, ties half. The
AUC is the weighted mean of the placements of either kind, and errs as the sum of what both means err by (DeLong, DeLong
and Clarke-Pearson 1988; with weights, Binder's linearisation of 1983; over clusters, Obuchowski 1997). What a cluster
adds, in both kinds and in both of two AUCs, is added up before it is squared, with CR2's variance. Where every row is a
cluster of weight 1 the standard error is exactly DeLong's; only the degrees of freedom are CR2's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from probandum.stats.auc import Mask, unmoved
from probandum.stats.checking import Reals
from probandum.stats.linearised import ClusterSums, Linearised, Whole, rows_influence
from probandum.stats.means import Student, satterthwaite

#: Standard errors below this are what rounding leaves of none.
_NONE = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WeightedArea:
    """The chance that a row of ``above``, drawn by its weight, scores over one of ``below``, ties half.

    ``placements``: shape (rows,), of each row the weighted share of the other kind that it is ranked rightly against;
    0 outside both masks, which hold only rows of some weight.
    """

    value: float
    placements: Reals
    above: Mask
    below: Mask

    @property
    def varied(self) -> bool:
        """Whether any row is placed otherwise than the rest of its kind."""
        return any(bool(np.ptp(self.placements[side]) > 0) for side in (self.above, self.below))


def weighted_area(scores: Reals, weights: Reals, above: Mask, below: Mask) -> WeightedArea:
    """P(score of a row of ``above`` > score of a row of ``below``), each drawn by its weight, ties half.

    All of shape (rows,); ``above`` and ``below`` are disjoint masks with a row of some weight each.

    >>> above, below = np.array([True, True, False, False]), np.array([False, False, True, True])
    >>> scores, weights = np.array([4.0, 2.0, 3.0, 1.0]), np.array([1.0, 3.0, 1.0, 1.0])
    >>> weighted_area(scores, weights, above, below).value  # (1 * 2 + 3 * 1) / (4 * 2)
    0.625
    """
    standing = weights > 0
    over, under = above & standing, below & standing
    if not over.any() or not under.any() or (over & under).any():
        raise ValueError("expected disjoint rows above and below, and a row of some weight among each")
    won, below_all = _won(scores[over], scores[under], weights[under])
    lost, above_all = _won(scores[under], scores[over], weights[over])
    placements = np.zeros(len(scores))
    placements[over] = won / (2 * below_all)
    placements[under] = (2 * above_all - lost) / (2 * above_all)
    # One division of sums, so that whole weights give the very number that counting pairs does.
    value = min(1.0, float((weights[over] * won).sum()) / (2 * above_all * below_all))
    return WeightedArea(value=value, placements=placements, above=over, below=under)


def clustered_area(
    first: WeightedArea, second: WeightedArea | None = None, *, weights: Reals, clusters: Whole
) -> Linearised:
    """An area with its moments over clusters; less the second where there is one, of other rows than the first.

    ``weights``, ``clusters`` (codes from 0): shape (rows,). ValueError where one of the kinds lies in one cluster.
    An area in which nothing varied has a standard error of 0, and as its degrees of freedom how many disjoint pairs of
    equal weight it is worth (see ``DeLong``); in a difference it enters as in ``auc_difference_interval``.
    """
    areas = [first] if second is None else [first, second]
    cells, placed = np.full(len(weights), -1), np.zeros(len(weights))
    for number, area in enumerate(areas):
        rows = area.above | area.below
        if (cells[rows] >= 0).any():
            raise ValueError("the two areas share rows; expected areas of other rows")
        cells[area.above], cells[area.below] = 2 * number, 2 * number + 1
        placed[rows] = area.placements[rows]
    picked = np.flatnonzero(cells >= 0)
    sums = ClusterSums.of(placed[picked], weights[picked], clusters[picked], cells[picked])
    factors = {cell: 1.0 if cell < 2 else -1.0 for cell in range(2 * len(areas))}
    influence = rows_influence(placed, weights, cells, factors)
    student = sums.contrast(factors)
    error = student.standard_error if student.standard_error > _NONE else 0.0
    pairs = [_pairs(sums, 2 * number) for number in range(len(areas))]
    if second is None:
        moments = Student(mean=first.value, standard_error=error, df=student.df if error else pairs[0])
        return Linearised(student=moments, influence=influence)
    still = [
        unmoved(many, max(area.value, 1 - area.value))
        for many, area in zip(pairs, areas, strict=True)
        if not area.varied
    ]
    if not still and not error:
        still = [unmoved(min(pairs), 1.0)]
    parts = [(error**2, student.df), *((variance, max(df, 1.0)) for variance, df in still)]
    whole = math.sqrt(math.fsum(variance for variance, _ in parts))
    moments = Student(mean=first.value - second.value, standard_error=whole, df=satterthwaite(*parts))
    return Linearised(student=moments, influence=influence)


def _won(of: Reals, over: Reals, weights: Reals) -> tuple[NDArray[np.float64], float]:
    """Twice the weight of ``over`` that each of ``of`` beats, a tie counting once, and the weight of all of it."""
    order = np.argsort(over, kind="stable")
    ordered, summed = over[order], np.concatenate([[0.0], np.cumsum(weights[order])])
    ends = (np.searchsorted(ordered, of, side=side) for side in ("left", "right"))
    won = np.sum([summed[end] for end in ends], axis=0)
    return won, float(summed[-1])


def _pairs(sums: ClusterSums, above: int) -> float:
    """How many pairs of equal weight a kind and the next are worth, each cluster in one of them at most."""
    below = above + 1
    return min(sums.effective_size(above), sums.effective_size(below), sums.size(above, below) / 2)
