"""How closely one feature goes with membership of a group: Cramer's V of texts, distance correlation of numbers.

Both lie from 0 to 1, are 0 where a feature says nothing, and are biased upwards in small samples: the p-value of a
permutation test stands beside them. Rows of one person are permuted and resampled together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from probandum import stats
from probandum.evidence import Column, Floats
from probandum.gaps import numbers_in
from probandum.stats.resampling import sorted_draws
from probandum.subject import Bools, Codes
from probandum_probes.bias.predicting import Sampled, coded

#: Permutations of a test, and resamples of an interval of distance correlation, which takes distances of all rows.
PERMUTATIONS = 999
RESAMPLES = 399
#: Rows of which distance correlation is taken.
MOST_DISTANCES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """One feature beside membership: ``metric`` says which of the two, ``p`` is the permutation test's."""

    metric: str
    value: float
    draws: tuple[float, ...]
    n: int
    p: float


def association(column: Column, member: Bools, rng: np.random.Generator, sampled: Sampled | None = None) -> Association:
    """Cramer's V where the column holds texts, else distance correlation over at most 500 rows that state a number."""
    numbers = numbers_in(column)
    if numbers is None:
        if sampled is not None:
            return _by_weighted_values(coded(column), member, rng, sampled)
        return _by_values(coded(column), member, rng)
    rows = np.sort(rng.permutation(np.flatnonzero(np.isfinite(numbers)))[:MOST_DISTANCES])
    if sampled is not None:
        fewer = Sampled(weights=sampled.weights[rows], persons=sampled.persons[rows])
        return _by_weighted_distances(numbers[rows], member[rows], rng, fewer)
    return _by_distances(numbers[rows], member[rows], rng)


def cramers_v(tables: Floats) -> Floats:
    """sqrt(chi-squared / n) of tables of 2 rows, shape (..., 2, values), by table (Cramer 1946).

    >>> cramers_v(np.array([[30.0, 10.0], [10.0, 30.0]])).round(9).tolist()
    0.5
    """
    rows, columns = tables.sum(axis=-1, keepdims=True), tables.sum(axis=-2, keepdims=True)
    n = rows.sum(axis=-2, keepdims=True)
    expected = rows * columns / n
    parts = np.where(expected > 0, (tables - expected) ** 2 / np.where(expected > 0, expected, 1.0), 0.0)
    return np.asarray(np.sqrt(parts.sum(axis=(-1, -2)) / n[..., 0, 0]))


def distance_correlation(values: Floats, members: Floats) -> Floats:
    """Distance correlation of values, shape (n,), with memberships, shape (k, n) of 0 and 1 (Szekely et al. 2007).

    >>> distance_correlation(np.array([0.0, 0.0, 1.0, 1.0]), np.array([[0, 0, 1, 1], [0, 1, 0, 1]])).tolist()
    [1.0, 0.0]
    """
    return _weighted(values, members, np.ones((1, len(values))))


def _weighted(values: Floats, members: Floats, weights: Floats) -> Floats:
    """The same where every row counts as often as its weight, shape (k, n) or the same for all (1, n), says.

    With centred memberships c and distances a, dCov^2 = -2 c a c / n^2: those of two values are their disagreements.
    Sums of distances are sums over the gaps between values in their order, of what lies on either side: no pair of rows
    is looked at.
    """
    n, order = len(values), np.argsort(values, kind="stable")
    values, members, weights = values[order] - values.mean(), members[:, order], weights[:, order]
    gaps = np.diff(values)
    centred = members - (weights * members).sum(axis=1, keepdims=True) / n
    pulled = np.cumsum(weights * centred, axis=1)[:, :-1]
    covariance = 4 * (pulled**2 @ gaps) / n**2
    upto, moved = np.cumsum(weights, axis=1), np.cumsum(weights * values, axis=1)
    # Of each row the sum of its distances to those below it, and to those above.
    sums = values * upto - moved + (moved[:, -1:] - moved) - values * (n - upto)
    squares = 2 * (n * (weights @ values**2) - (weights @ values) ** 2) / n**2
    whole = (sums * weights).sum(axis=1) / n**2
    spread = squares + whole**2 - 2 * (sums**2 * weights).sum(axis=1) / n**3
    own = 2 * (weights * centred**2).sum(axis=1) / n
    bottom = np.sqrt(np.maximum(spread, 0.0)) * own
    found = np.where(bottom > 1e-12, covariance / np.maximum(bottom, 1e-12), 0.0)
    return np.asarray(np.sqrt(np.clip(found, 0.0, 1.0))) + 0.0


def _by_values(codes: Codes, member: Bools, rng: np.random.Generator) -> Association:
    """By the table of values; under permutation its margins stay, so that tables are drawn and not rows."""
    counts = np.bincount(codes)
    counts = counts[counts > 0]
    inside = np.bincount(codes[member], minlength=int(codes.max()) + 1)[np.bincount(codes) > 0]
    value = float(cramers_v(np.stack([inside, counts - inside]).astype(np.float64)))
    drawn = rng.multivariate_hypergeometric(counts, int(member.sum()), size=PERMUTATIONS)
    permuted = cramers_v(np.stack([drawn, counts - drawn], axis=1).astype(np.float64))
    draws = stats.multinomial_draws(
        np.stack([inside, counts - inside]), lambda tables: cramers_v(tables.astype(np.float64)), rng=rng, fixed=1
    )
    return Association(
        metric="cramers-v", value=value, draws=_centred(value, np.array(draws)), n=len(member), p=_p(value, permuted)
    )


def _by_distances(values: Floats, member: Bools, rng: np.random.Generator) -> Association:
    """By the distances of all rows, which permuted memberships share."""
    n = len(values)
    value = float(distance_correlation(values, member[None, :].astype(np.float64))[0])
    orders = np.stack([rng.permutation(n) for _ in range(PERMUTATIONS)])
    permuted = distance_correlation(values, member[orders].astype(np.float64))
    weights = rng.multinomial(n, np.full(n, 1.0 / n), size=RESAMPLES).astype(np.float64)
    resampled = _weighted(values, member[None, :].astype(np.float64), weights)
    draws = _centred(value, resampled)
    return Association(metric="distance-correlation", value=value, draws=draws, n=n, p=_p(value, permuted))


class _Units:
    """Persons in one of both groups: what is permuted and resampled; whoever is in both is two of them."""

    def __init__(self, member: Bools, sampled: Sampled, rng: np.random.Generator) -> None:
        names, self.of_rows = np.unique(2 * sampled.persons + member, return_inverse=True)
        self.member = names % 2 == 1
        self.persons = len(np.unique(names // 2))
        self._rng = rng

    def permuted(self) -> Bools:
        """Memberships dealt out anew, of all rows."""
        return np.asarray(self._rng.permutation(self.member)[self.of_rows])

    def resampled(self) -> Codes:
        """How often each row is drawn, both groups as large as they are."""
        many = np.zeros(len(self.member), dtype=np.int64)
        for side in (self.member, ~self.member):
            size = int(side.sum())
            many[side] = self._rng.multinomial(size, np.full(size, 1.0 / size))
        return np.asarray(many[self.of_rows])


def _by_weighted_values(codes: Codes, member: Bools, rng: np.random.Generator, sampled: Sampled) -> Association:
    """By the weighted table of values."""
    units, width = _Units(member, sampled, rng), int(codes.max()) + 1

    def found(inside: Bools, weights: Floats) -> float:
        sides = [np.bincount(codes[side], weights=weights[side], minlength=width) for side in (inside, ~inside)]
        return float(cramers_v(np.stack(sides)))

    value = found(member, sampled.weights)
    permuted = np.array([found(units.permuted(), sampled.weights) for _ in range(PERMUTATIONS)])
    drawn = np.array([found(member, sampled.weights * units.resampled()) for _ in range(RESAMPLES)])
    p = _p(value, permuted)
    return Association(metric="cramers-v", value=value, draws=_centred(value, drawn), n=units.persons, p=p)


def _by_weighted_distances(values: Floats, member: Bools, rng: np.random.Generator, sampled: Sampled) -> Association:
    """By the distances of all rows, each as often as its weight says."""
    units, n = _Units(member, sampled, rng), len(values)

    def found(inside: Floats, weights: Floats) -> Floats:
        return _weighted(values, inside, weights * n / weights.sum(axis=1, keepdims=True))

    members, weights = member[None, :].astype(np.float64), sampled.weights[None, :]
    value = float(found(members, weights)[0])
    permuted = np.stack([units.permuted() for _ in range(PERMUTATIONS)]).astype(np.float64)
    drawn = weights * np.stack([units.resampled() for _ in range(RESAMPLES)])
    p = _p(value, found(permuted, weights))
    draws = _centred(value, found(members, drawn))
    return Association(metric="distance-correlation", value=value, draws=draws, n=units.persons, p=p)


def _centred(value: float, resampled: Floats) -> tuple[float, ...]:
    """Sorted draws about the value: resampling, which repeats rows, would lift both measures above it."""
    return sorted_draws(np.clip(resampled - resampled.mean() + value, 0.0, 1.0), len(resampled))


def _p(value: float, permuted: Floats) -> float:
    """(1 + permutations that reach the value) / (permutations + 1)."""
    return float((1 + int((permuted >= value - 1e-12).sum())) / (len(permuted) + 1))
