"""How far two groups may lie apart in one ranking: a confidence distribution of the ratio of their mean attention.

Places in one list are not independent: what one row gains others lose, so that resampled rows understate the error (of
a hundred rows one-sided 5 % bounds miss 11 %). Instead the order is taken for a race (Plackett 1975; Luce 1959): the
rows of the group run with the odds w, those of its reference with 1, over the places that both hold. At w = 1 this is
the randomisation test.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from probandum.stats.checking import Reals, finite_array

#: Races behind a distribution; fewer of a long list.
DRAWS, FEWEST_DRAWS = 1000, 200
#: Runners of all races together.
_RUNNERS = 300_000
#: Log odds that are tried first, with few races, and how many in between.
_FAR, _COARSE, _FEW, _FINE = 8.0, 33, 60, 15
#: Standard deviations of the group's attention beyond which log odds need no look.
_REACH = 4.5


def exposure_ratio_draws(attention: ArrayLike, member: ArrayLike, *, rng: Generator) -> tuple[float, ...]:
    """Sorted ratios, mean attention of ``member`` rows over that of the others, whose percentiles are bounds.

    ``attention`` shape (n,), ``member`` shape (n,) of bool: what the place of each row gets, and whose it is. Each draw
    is a race in which the group's odds are turned until its attention is the observed one; the odds stand for the ratio
    that they lead to on average. An estimate keeps them with the method ``inverted``.

    >>> found = exposure_ratio_draws([1.0, 0.5, 0.25], [True, False, False], rng=np.random.default_rng(1))
    >>> len(found), found[0] <= found[-1]
    (1000, True)
    """
    places, inside = finite_array("attention", attention), np.asarray(member)
    if inside.shape != places.shape or inside.dtype != np.bool_:
        raise ValueError(f"member has shape {inside.shape} of {inside.dtype}; expected ({len(places)},) of bool")
    if inside.all() or not inside.any():
        raise ValueError("member is the same in every row; expected rows of both groups")
    size, runners = len(places), int(inside.sum())
    seen, total = float(places[inside].sum()), float(places.sum())
    places = np.sort(places)[::-1]
    draws = int(np.clip(_RUNNERS // size, FEWEST_DRAWS, DRAWS))

    coarse = np.linspace(-_FAR, _FAR, _COARSE)
    tried = _attention(coarse, rng.exponential(size=(_FEW, size)), places, runners)
    apart = np.maximum.accumulate((tried.mean(axis=1) - seen) / np.maximum(tried.std(axis=1), 1e-12))
    first, last = np.searchsorted(apart, [-_REACH, _REACH])
    odds = np.linspace(coarse[max(first - 1, 0)], coarse[min(last, _COARSE - 1)], _FINE)

    found = _attention(odds, rng.exponential(size=(draws, size)), places, runners)
    rising = found + np.arange(_FINE)[:, None] * 1e-12  # steps of a race that moves nothing
    mean = found.mean(axis=1)
    ratios = (mean / runners) / ((total - mean) / (size - runners))
    turned = [np.interp(seen, rising[:, race], odds) for race in range(draws)]
    return tuple(np.sort(np.interp(turned, odds, ratios)).tolist())


def _attention(odds: Reals, times: Reals, places: Reals, runners: int) -> NDArray[np.float64]:
    """What the group gets under each log odds in each race, shape (odds, races); it rises with the odds."""
    found = np.empty((len(odds), len(times)))
    for number, each in enumerate(odds):
        run = times.copy()
        run[:, :runners] *= np.exp(-each)
        found[number] = np.where(np.argsort(run, axis=1) < runners, places, 0.0).sum(axis=1)
    return np.maximum.accumulate(found, axis=0)
