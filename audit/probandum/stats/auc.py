"""How well scores separate: the AUC of any rows over any others, its interval, and the gap between two of them.

Everything is one quantity, the chance that a row of one kind scores above a row of another (ties count half),
and one variance (DeLong, DeLong and Clarke-Pearson 1988), kept as what each row contributes to it. So gaps of
separate groups, of two scores of the same rows, and of a subgroup against all rows are the same subtraction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from probandum.stats.checking import Reals, finite_array, refuse_number
from probandum.stats.families import Family
from probandum.stats.intervals import Interval, interval_of
from probandum.stats.means import Student, satterthwaite

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeLong(Family):
    """An AUC whose logit over its standard error follows Student's t; moments are on the scale of the AUC.

    A standard error of 0 means that every pair came out alike (the sample is separated, or all tied), which
    bounds the AUC and does not make it certain. ``df`` then counts disjoint pairs: were a pair to come out
    otherwise with probability q, k pairs would all agree with probability (1 - q)^k, whatever the distribution.
    """

    area: float
    standard_error: float
    df: float

    def __post_init__(self) -> None:
        """Refuse moments that are no AUC's."""
        refuse_number("AUC", self.area)
        if not 0 <= self.area <= 1:
            raise ValueError(f"AUC is {self.area}; expected from 0 to 1")
        refuse_number("standard error", self.standard_error)
        if self.standard_error < 0 or (self.standard_error > 0 and self.area in (0, 1)):
            raise ValueError(f"standard error is {self.standard_error} at an AUC of {self.area}; expected 0")
        refuse_number("degrees of freedom", self.df)
        if self.df <= 0:
            raise ValueError(f"degrees of freedom are {self.df}; expected more than 0")

    @property
    def value(self) -> float:
        """The AUC."""
        return self.area

    @property
    def _logit(self) -> Student:
        slope = self.area * (1 - self.area)
        return Student(mean=_logit(self.area), standard_error=self.standard_error / slope, df=self.df)

    def lower(self, alpha: float) -> float:
        """The bound of the logit, back on the scale of the AUC."""
        if self.standard_error == 0:
            return float(self.area * alpha ** (1 / self.df))
        return min(self.area, _share(self._logit.lower(alpha)))

    def upper(self, alpha: float) -> float:
        """The bound of the logit, back on the scale of the AUC."""
        if self.standard_error == 0:
            return float(1 - (1 - self.area) * alpha ** (1 / self.df))
        return max(self.area, _share(self._logit.upper(alpha)))

    def p_above(self, limit: float) -> float:
        """The logit's; no AUC lies below 0 or above 1."""
        if limit < 0 or limit >= 1:
            return 0.0 if limit < 0 else 1.0
        if self.standard_error == 0:
            return 1.0 if limit >= self.area else float((limit / self.area) ** self.df)
        return 0.0 if limit == 0 else self._logit.p_above(_logit(limit))

    def p_below(self, limit: float) -> float:
        """That of the mirrored question: 1 - AUC above 1 - limit."""
        mirrored = DeLong(area=1 - self.area, standard_error=self.standard_error, df=self.df)
        return mirrored.p_above(1 - limit)

    def interval(self, *, level: float, method: str) -> Interval:
        """The two-sided interval with the standard error, of the AUC, and the degrees of freedom it rests on."""
        found = interval_of(self, level=level, method=method)
        return replace(found, standard_error=self.standard_error, df=self.df)

    def enlarged(self, factor: float) -> DeLong:
        """What ``factor`` times as many rows of the same kind would give."""
        return DeLong(area=self.area, standard_error=self.standard_error / math.sqrt(factor), df=self.df * factor)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Area:
    """The chance that a row of ``above`` scores over one of ``below``, ties half, and what each row contributes.

    ``influence``: shape (rows,), 0 outside both masks; its squares sum to DeLong's variance.
    """

    value: float
    influence: Reals
    above: Mask
    below: Mask

    @property
    def pairs(self) -> int:
        """How many disjoint, hence independent, pairs the rows hold."""
        return int(min(self.above.sum(), self.below.sum()))

    @property
    def varied(self) -> bool:
        """Whether any row came out other than the rest; otherwise all are tied, or the two kinds are separated."""
        return bool(self.influence.any())

    def interval(self, *, level: float = 0.95) -> Interval:
        """DeLong's interval on the logit scale; ``standard_error`` and ``df`` are those that a judge keeps.

        Degrees of freedom after Satterthwaite, as Brunner and Munzel (2000) give them to the same statistic.
        Where nothing varied: standard error 0, ``df`` the number of disjoint pairs (see ``DeLong``).
        """
        variance, df = _total(_parts(self.influence, _role(self)))
        df = df if self.varied else float(self.pairs)
        family = DeLong(area=self.value, standard_error=math.sqrt(variance), df=df)
        return family.interval(level=level, method="delong")


def auc_interval(positives: ArrayLike, negatives: ArrayLike, *, level: float = 0.95) -> Interval:
    """Interval of P(score of a positive > score of a negative), ties half, from 0 to 1, neutral value 0.5.

    ``positives`` shape (m,), ``negatives`` shape (n,), both at least 2; below 15 of either the normal
    approximation is poor. Mid-ranks as Sun and Xu (2014) use them, O(n log n).

    Of four pairs three are won:

    >>> interval = auc_interval([2.0, 4.0], [1.0, 3.0])
    >>> interval.value, round(interval.standard_error or 0, 4)  # sqrt(0.125 / 2 + 0.125 / 2)
    (0.75, 0.3536)

    A separated sample is no certainty; 15 disjoint pairs that all agree are, at one-sided 5 %:

    >>> separated = auc_interval(range(15, 30), range(15), level=0.9)
    >>> round(separated.low, 4), separated.high  # 0.05 ** (1 / 15)
    (0.819, 1.0)
    """
    first, second = finite_array("positives", positives), finite_array("negatives", negatives)
    above = np.arange(len(first) + len(second)) < len(first)
    return area(np.concatenate([first, second]), above, ~above).interval(level=level)


def area(scores: ArrayLike, above: ArrayLike, below: ArrayLike) -> Area:
    """P(score of a row of ``above`` > score of a row of ``below``), ties half.

    ``scores``: shape (rows,); ``above`` and ``below``: disjoint masks of them, at least 2 rows each. With y the
    label and g, h groups: AUC of g: ``area(s, y & g, ~y & g)``; xAUC of g over h (Kallus and Zhou 2019):
    ``area(s, y & g, ~y & h)``.

    >>> area([4.0, 2.0, 3.0, 1.0], [True, True, False, False], [False, False, True, True]).value
    0.75
    """
    values = finite_array("scores", scores)
    over, under = _mask("above", above, len(values)), _mask("below", below, len(values))
    if (over & under).any():
        raise ValueError("above and below share rows; expected each row in one of them at most")
    first = finite_array("scores of above", values[over])
    second = finite_array("scores of below", values[under])
    m, n = len(first), len(second)
    wins, losses = _doubled_wins(first, second), 2 * m - _doubled_wins(second, first)
    total = int(wins.sum())
    influence = np.zeros(len(values))
    # Centred as whole numbers, so that rows which all came out alike contribute 0 and no rounding error.
    influence[over] = (wins * m - total) / (2 * m * n * math.sqrt(m * (m - 1)))
    influence[under] = (losses * n - total) / (2 * m * n * math.sqrt(n * (n - 1)))
    return Area(value=total / (2 * m * n), influence=influence, above=over, below=under)


def auc_difference_interval(first: Area, second: Area, *, level: float = 0.95) -> Interval:
    """Interval of first - second, from -1 to 1, neutral value 0, of two AUCs of the same rows.

    What a row contributes to both is subtracted before it is squared: for two scores of the same rows this is
    DeLong's paired variance, for groups that share no row the sum of both variances, and in between (a subgroup
    against all rows) what the overlap leaves. Student's t, degrees of freedom after Satterthwaite. An AUC, or
    a difference, in which nothing varied enters with a standard error of 2 / pairs times the distance that it
    could have moved: as wide as its exact bound at the usual levels, and never 0.

    >>> scores, y = [4.0, 2.0, 3.0, 1.0], np.array([True, True, False, False])
    >>> same = auc_difference_interval(area(scores, y, ~y), area(scores, y, ~y))
    >>> same.value, same.standard_error  # 2 pairs, which never disagreed
    (0.0, 1.0)
    """
    if len(first.influence) != len(second.influence):
        raise ValueError(f"second has {len(second.influence)} rows; expected {len(first.influence)}, the same in both")
    gaps = first.influence - second.influence
    parts = _parts(gaps, 3 * _role(first) + _role(second))
    still = [unmoved(x.pairs, max(x.value, 1 - x.value)) for x in (first, second) if not x.varied]
    if not still and not gaps.any():
        still = [unmoved(min(first.pairs, second.pairs), 1.0)]
    variance, df = _total([*parts, *still])
    student = Student(mean=first.value - second.value, standard_error=math.sqrt(variance), df=df)
    return student.interval(level=level, method="delong-difference")


class SubgroupAreas(NamedTuple):
    """The areas of Borkan et al. (2019) for one subgroup; all are of the same rows and can be subtracted.

    ``bpsn`` (background positive, subgroup negative) is low where negatives of the subgroup score too high,
    ``bnsp`` where its positives score too low. ``positives`` and ``negatives`` compare the subgroup with the
    background inside one label: the average equality gap is 0.5 less their value.
    """

    subgroup: Area
    bpsn: Area
    bnsp: Area
    positives: Area
    negatives: Area


def subgroup_areas(scores: ArrayLike, positive: ArrayLike, member: ArrayLike) -> SubgroupAreas:
    """The five areas of the subgroup ``member``; its background is every other row, whatever else it mentions.

    ``scores``, ``positive``, ``member``: shape (rows,); at least 2 rows in each of the four cells.

    >>> y = np.array([True, True, False, False] * 2)
    >>> g = np.arange(8) < 4
    >>> found = subgroup_areas([9.0, 8.0, 7.0, 6.0, 4.0, 3.0, 2.0, 1.0], y, g)
    >>> found.subgroup.value, found.bpsn.value, found.bnsp.value, 0.5 - found.negatives.value
    (1.0, 0.0, 1.0, -0.5)
    """
    values = finite_array("scores", scores)
    y, inside = _mask("positive", positive, len(values)), _mask("member", member, len(values))
    return SubgroupAreas(
        subgroup=area(values, y & inside, ~y & inside),
        bpsn=area(values, y & ~inside, ~y & inside),
        bnsp=area(values, y & inside, ~y & ~inside),
        positives=area(values, y & inside, y & ~inside),
        negatives=area(values, ~y & inside, ~y & ~inside),
    )


def _doubled_wins(of: Reals, over: Reals) -> NDArray[np.int64]:
    """Twice how many of ``over`` each of ``of`` beats, a tie counting one: the mid-ranks, less the own kind's."""
    ordered = np.sort(over)
    return np.searchsorted(ordered, of, side="left") + np.searchsorted(ordered, of, side="right")


def _role(of: Area) -> NDArray[np.int64]:
    """1 for rows above, 2 for rows below, 0 for the others."""
    return of.above + 2 * of.below.astype(np.int64)


def _parts(influence: Reals, strata: NDArray[np.int64]) -> list[tuple[float, float]]:
    """The variance and the degrees of freedom that each kind of row contributes."""
    squares, sizes = np.bincount(strata, weights=influence**2), np.bincount(strata)
    return [(float(squares[i]), max(1.0, float(sizes[i]) - 1.0)) for i in range(1, len(sizes)) if sizes[i]]


def unmoved(pairs: float, distance: float) -> tuple[float, float]:
    """The variance, with its degrees of freedom, of an AUC in which nothing varied and that could move so far."""
    return (2 * distance / pairs) ** 2, pairs - 1.0


def _total(parts: list[tuple[float, float]]) -> tuple[float, float]:
    return math.fsum(variance for variance, _ in parts), satterthwaite(*parts)


def _mask(name: str, values: ArrayLike, rows: int) -> Mask:
    mask = np.asarray(values)
    if mask.shape != (rows,) or mask.dtype != np.bool_:
        raise ValueError(f"{name} has shape {mask.shape} of {mask.dtype}; expected ({rows},) of bool, one a row")
    return mask


def _logit(share: float) -> float:
    return math.log(share) - math.log1p(-share)


def _share(logit: float) -> float:
    from scipy.special import expit

    return float(expit(logit))
