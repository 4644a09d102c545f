"""How closely one feature goes with membership of a group: Cramer's V of texts, distance correlation of numbers.

Both lie from 0 to 1, are 0 where a feature says nothing, and are biased upwards in small samples: the p-value of a
permutation test stands beside them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from probandum import stats
from probandum.evidence import Column, Floats
from probandum.stats.resampling import sorted_draws
from probandum.subject import Bools, Codes
from probandum_probes.bias.predicting import coded, numbers_of

#: Permutations of a test, and resamples of an interval of distance correlation, which takes distances of all rows.
PERMUTATIONS = 999
RESAMPLES = 399
#: Rows whose distances are taken.
MOST_DISTANCES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """One feature beside membership: ``metric`` says which of the two, ``p`` is the permutation test's."""

    metric: str
    value: float
    draws: tuple[float, ...]
    n: int
    p: float


def association(column: Column, member: Bools, rng: np.random.Generator) -> Association:
    """Cramer's V where the column holds texts, else distance correlation over at most 500 rows that state a number."""
    numbers = numbers_of(column)
    if numbers is None:
        return _by_values(coded(column), member, rng)
    rows = np.sort(rng.permutation(np.flatnonzero(np.isfinite(numbers)))[:MOST_DISTANCES])
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
    return _weighted(values, members, np.ones_like(members, dtype=np.float64))


def _weighted(values: Floats, members: Floats, weights: Floats) -> Floats:
    """The same where every row counts as often as its weight, shape (k, n), says.

    With centred memberships c and distances a, dCov^2 = -2 c a c / n^2: those of two values are their disagreements.
    """
    n = len(values)
    distances = np.abs(values[:, None] - values[None, :])
    centred = members - (weights * members).sum(axis=1, keepdims=True) / n
    pulled = weights * centred
    covariance = -2 * np.einsum("kn,kn->k", pulled @ distances, pulled) / n**2
    sums = weights @ distances
    squares = np.einsum("kn,kn->k", weights @ distances**2, weights) / n**2
    whole = np.einsum("kn,kn->k", sums, weights) / n**2
    spread = squares + whole**2 - 2 * np.einsum("kn,kn->k", sums**2, weights) / n**3
    own = 2 * (weights * centred**2).sum(axis=1) / n
    bottom = np.sqrt(np.maximum(spread, 0.0)) * own
    return (
        np.asarray(np.sqrt(np.clip(np.where(bottom > 1e-12, covariance / np.maximum(bottom, 1e-12), 0.0), 0.0, 1.0)))
        + 0.0
    )


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
    resampled = _weighted(values, np.tile(member.astype(np.float64), (RESAMPLES, 1)), weights)
    draws = _centred(value, resampled)
    return Association(metric="distance-correlation", value=value, draws=draws, n=n, p=_p(value, permuted))


def _centred(value: float, resampled: Floats) -> tuple[float, ...]:
    """Sorted draws about the value: resampling, which repeats rows, would lift both measures above it."""
    return sorted_draws(np.clip(resampled - resampled.mean() + value, 0.0, 1.0), len(resampled))


def _p(value: float, permuted: Floats) -> float:
    """(1 + permutations that reach the value) / (permutations + 1)."""
    return float((1 + int((permuted >= value - 1e-12).sum())) / (len(permuted) + 1))
