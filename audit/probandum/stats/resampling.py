"""Bootstrap: resampled values, and the percentile bounds and p-values that rest on them.

Every helper takes a ``numpy.random.Generator``, so that a run can be repeated, and returns sorted draws as an
``Estimate`` keeps them. A resample in which the quantity does not exist (a reference without events) is an
error and is never dropped: dropping would move the interval.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from probandum.stats.checking import Reals, finite_array, refuse_number
from probandum.stats.families import Family
from probandum.stats.intervals import Interval, interval_of

#: As many as an ``Estimate`` keeps.
DRAWS = 2000

#: Resampling weights held in memory at once.
_BLOCK = 4_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Resampled(Family):
    """Percentile bounds from sorted resampled values.

    With B draws, p = (1 + draws on the null's side) / (B + 1), and the bound at ``alpha`` is the draw at which
    that p reaches ``alpha``. The observed value itself is reported as it is; percentiles may leave it out.
    """

    observed: float
    draws: Reals

    def __post_init__(self) -> None:
        """Refuse what is not a sorted row of finite numbers."""
        refuse_number("value", self.observed)
        if (np.diff(self.draws) < 0).any():
            raise ValueError("draws are not sorted; expected ascending resampled values")

    @property
    def value(self) -> float:
        """The observed value, not the mean of the draws."""
        return self.observed

    def _rank(self, alpha: float) -> int:
        """How many draws in from its end the bound lies (1: the outermost draw)."""
        size = len(self.draws)
        rank = math.ceil(round(alpha * (size + 1), 9)) - 1
        if rank < 1:
            fewest = math.floor(round(1 / alpha, 9))
            raise ValueError(f"draws are {size}; expected at least {fewest} for a bound at {alpha:.3g}")
        return rank

    def lower(self, alpha: float) -> float:
        """The draw below which less than ``alpha`` of them lie."""
        return float(self.draws[self._rank(alpha) - 1])

    def upper(self, alpha: float) -> float:
        """The draw above which less than ``alpha`` of them lie."""
        return float(self.draws[-self._rank(alpha)])

    def p_above(self, limit: float) -> float:
        """(1 + draws at or below ``limit``) / (B + 1)."""
        return (1 + int(np.searchsorted(self.draws, limit, side="right"))) / (len(self.draws) + 1)

    def p_below(self, limit: float) -> float:
        """(1 + draws at or above ``limit``) / (B + 1)."""
        size = len(self.draws)
        return (1 + size - int(np.searchsorted(self.draws, limit, side="left"))) / (size + 1)


def resampled(value: float | None, draws: ArrayLike) -> Resampled:
    """The checked family of sorted draws around the observed ``value``."""
    refuse_number("value", value)
    assert value is not None
    return Resampled(observed=value, draws=finite_array("draws", draws))


def percentile_interval(value: float, draws: ArrayLike, *, level: float = 0.95) -> Interval:
    """The percentile interval of sorted ``draws``, shape (B,), around the observed ``value``.

    >>> percentile_interval(5.0, [float(i) for i in range(1, 100)], level=0.9).low
    4.0
    """
    return interval_of(resampled(value, draws), level=level, method="bootstrap")


def multinomial_draws(
    cells: ArrayLike,
    statistic: Callable[[NDArray[np.int64]], Reals],
    *,
    rng: Generator,
    draws: int = DRAWS,
    fixed: int = 0,
) -> tuple[float, ...]:
    """Sorted draws of a statistic of a contingency table whose rows of data are independent.

    ``cells``: counts of any shape. ``statistic`` maps resampled tables, shape (B, *cells.shape), to shape (B,).
    The first ``fixed`` axes keep their totals (1: groups whose sizes were chosen); by default only the grand
    total is kept. Resampling cells is resampling rows, without touching them: it has the same distribution as
    long as rows are independent and only their cell matters. Persons who repeat need clusters instead.
    """
    sampled = resampled_tables(cells, rng=rng, draws=draws, fixed=fixed)
    with np.errstate(all="ignore"):
        return sorted_draws(statistic(sampled), draws)


def resampled_tables(cells: ArrayLike, *, rng: Generator, draws: int = DRAWS, fixed: int = 0) -> NDArray[np.int64]:
    """The tables behind ``multinomial_draws``, shape (draws, *cells.shape), for statistics that share them."""
    table = np.asarray(cells)
    if not np.isfinite(table).all() or (table < 0).any() or (table != np.floor(table)).any():
        raise ValueError("cells holds what is not a count; expected whole numbers of at least 0")
    kept = table.shape[:fixed]
    flat = table.reshape(*kept, -1).astype(np.float64)
    totals = flat.sum(axis=-1)
    if (totals < 1).any():
        raise ValueError("cells has a total of 0; expected at least 1 observation to resample")
    sampled = rng.multinomial(totals.astype(np.int64), flat / totals[..., None], size=(draws, *kept))
    return sampled.reshape(draws, *table.shape)


def ratio_of_means_draws(
    numerators: ArrayLike, denominators: ArrayLike, *, rng: Generator, draws: int = DRAWS
) -> tuple[float, ...]:
    """Sorted draws of mean(numerators) / mean(denominators), both resampled by the same instances.

    Shapes (n,), n at least 2. For an explanation score normalised between random and greedy attributions,
    (M - R) / (O - R), the numerators are M - R and the denominators O - R, instance by instance; for clusters
    of rows, the sums of each cluster.
    """
    top, bottom = finite_array("numerators", numerators), finite_array("denominators", denominators)
    if len(top) != len(bottom):
        raise ValueError(f"denominators has {len(bottom)} values; expected {len(top)}, one an instance")
    joined = weighted_sums(np.stack([top, bottom], axis=1), rng=rng, draws=draws)
    with np.errstate(all="ignore"):
        return sorted_draws(joined[:, 0] / joined[:, 1], draws)


def weighted_sums(rows: Reals, *, rng: Generator, draws: int) -> Reals:
    """Sums over resampled ``rows``, shape (n, k), as shape (draws, k): as many rows, each as often as it was drawn."""
    n = len(rows)
    even = np.full(n, 1.0 / n)
    block = max(1, _BLOCK // n)
    sums = [rng.multinomial(n, even, size=min(block, draws - start)) @ rows for start in range(0, draws, block)]
    return np.concatenate(sums)


def mean_draws(values: ArrayLike, *, rng: Generator, draws: int = DRAWS) -> tuple[float, ...]:
    """Sorted draws of the mean of independent values, shape (n,), n at least 2."""
    array = finite_array("values", values)
    return ratio_of_means_draws(array, np.ones(len(array)), rng=rng, draws=draws)


def has_dynamic_range(random: ArrayLike, oracle: ArrayLike) -> bool:
    """Whether random and oracle scores, shape (n,) each, differ by 3 standard errors of their mean difference.

    Otherwise the metric cannot tell attributions apart on these inputs, and a score normalised by that
    difference would be noise over noise.
    """
    low, high = finite_array("random", random), finite_array("oracle", oracle)
    if len(low) != len(high):
        raise ValueError(f"oracle has {len(high)} values; expected {len(low)}, one an instance")
    gaps = high - low
    gap, error = float(gaps.mean()), float(gaps.std(ddof=1)) / math.sqrt(len(gaps))
    return gap > 0 and gap >= 3 * error


def sorted_draws(values: Reals, draws: int) -> tuple[float, ...]:
    """``values`` in order, as an ``Estimate`` keeps them; ValueError unless they are ``draws`` finite numbers."""
    if values.shape != (draws,):
        raise ValueError(f"statistic returned shape {values.shape}; expected ({draws},), one value a resample")
    undefined = int((~np.isfinite(values)).sum())
    if undefined:
        raise ValueError(f"the quantity is undefined in {undefined} of {draws} resamples; expected none, use more data")
    ordered: Sequence[float] = np.sort(values).tolist()
    return tuple(ordered)
