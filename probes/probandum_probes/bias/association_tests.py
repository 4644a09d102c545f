"""The mathematics of word-embedding association tests: effect size, permutation test, random attribute sets."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from probandum.evidence import Floats

#: As many partitions are counted one by one; of more, so many are drawn.
EXACT_PARTITIONS = 100_000
#: Below this spread of associations every word is as near to both attribute sets: there is no effect size.
NO_SPREAD = 1e-9
_BLOCK = 10_000
#: Two sums of the same numbers in another order.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Permuted:
    """A one-sided permutation test: ``p`` = ``as_large`` / ``partitions``, all of them where ``exact``.

    Where partitions were drawn, the observed one is counted among them.

    ``sums``: the statistic of each, in an order that means nothing; ``observed``: that of the sets as they are, with
    what ``rounding`` may do to it.
    """

    p: float
    as_large: int
    partitions: int
    exact: bool
    observed: float
    rounding: float
    sums: Floats


def unit(vectors: Floats) -> Floats:
    """Vectors of length 1, shape as given; ValueError names the place of one without a direction."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    if (lengths == 0).any():
        raise ValueError(f"vector {int(np.argmin(lengths.ravel()))} is zero and has no direction")
    return np.asarray(vectors / lengths)


def associations(words: Floats, a: Floats, b: Floats) -> Floats:
    """s(w) = mean cosine of w with A less that with B, of unit vectors; shape (words,).

    >>> associations(np.eye(2), np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])).tolist()
    [1.0, -1.0]
    """
    return np.asarray((words @ a.T).mean(axis=1) - (words @ b.T).mean(axis=1))


def effect_size(x: Floats, y: Floats) -> float | None:
    """d = (mean of s over X - mean over Y) / standard deviation of s over both, ``ddof=1``; None without spread.

    It is at most 2 sqrt((2n - 1) / 2n) for sets of n.

    >>> round(effect_size(np.array([1.0, 1.0]), np.array([-1.0, -1.0])), 6)  # 2 * sqrt(3 / 4)
    1.732051
    """
    spread = float(np.concatenate([x, y]).std(ddof=1))
    return None if spread < NO_SPREAD else float(x.mean() - y.mean()) / spread


def largest_effect(n: int) -> float:
    """The largest effect size that two sets of n can have."""
    return 2 * math.sqrt((2 * n - 1) / (2 * n))


def permutation_test(x: Floats, y: Floats, rng: Generator) -> Permuted:
    """One-sided p that X is no nearer to A than Y is: the share of partitions with a statistic as large.

    The statistic is the sum of s over X less that over Y. Up to 100,000 partitions of both sets into halves of equal
    size are counted all, the observed one among them; of more, 100,000 are drawn, and p = (1 + as large) / (1 + drawn).

    >>> permutation_test(np.array([3.0, 4.0]), np.array([1.0, 2.0]), np.random.default_rng(1)).p  # 1 of 6
    0.16666666666666666
    """
    together, n = np.concatenate([x, y]), len(x)
    total, observed = float(together.sum()), float(x.sum() - y.sum())
    exact = math.comb(len(together), n) <= EXACT_PARTITIONS
    if exact:
        chosen = np.array(list(itertools.combinations(range(len(together)), n)))
        sums = 2 * together[chosen].sum(axis=1) - total
    else:
        sizes = [min(_BLOCK, EXACT_PARTITIONS - start) for start in range(0, EXACT_PARTITIONS, _BLOCK)]
        orders = (np.argsort(rng.random((size, len(together))), axis=1)[:, :n] for size in sizes)
        sums = np.concatenate([2 * together[order].sum(axis=1) - total for order in orders])
    rounding = _ROUNDING * max(1.0, abs(total), abs(observed))
    as_large = int((sums >= observed - rounding).sum())
    added = int(not exact)
    as_large, partitions = as_large + added, len(sums) + added
    return Permuted(
        p=as_large / partitions,
        as_large=as_large,
        partitions=partitions,
        exact=exact,
        observed=observed,
        rounding=rounding,
        sums=sums,
    )


def published_p(found: Permuted) -> tuple[int, int]:
    """Numerator and denominator of the p-value of May et al.: as many partitions, and the observed one among 100,000.

    All of them where there are at most so many, else 99,999 random ones and 1 added to both.
    """
    if found.exact:
        return found.as_large, found.partitions
    drawn = found.sums[: EXACT_PARTITIONS - 1]
    return 1 + int((drawn >= found.observed - found.rounding).sum()), 1 + len(drawn)


def normal_p(found: Permuted) -> float:
    """The p-value of Caliskan et al. and of May et al.'s parametric test: the upper tail of a normal distribution.

    Its mean and standard deviation are those of the statistic over the partitions.

    >>> import numpy as np
    >>> found = permutation_test(np.array([3.0, 4.0]), np.array([1.0, 2.0]), np.random.default_rng(1))
    >>> round(normal_p(found), 6)  # sums -4, -2, 0, 0, 2, 4: the tail above 4 / sqrt(40 / 6)
    0.060668
    """
    spread = float(found.sums.std(ddof=0 if found.exact else 1))
    return 0.5 * math.erfc((found.observed - float(found.sums.mean())) / spread / math.sqrt(2)) if spread else 1.0


def random_effects(x: Floats, y: Floats, pool: Floats, sizes: tuple[int, int], draws: int, rng: Generator) -> Floats:
    """Effect sizes under attribute sets drawn from a pool without replacement; of unit vectors, shape (draws,).

    ``x``, ``y``, ``pool``: shape (words, dimensions). Draws without spread are left out.
    """
    first, second = sizes
    near_x, near_y = x @ pool.T, y @ pool.T
    effects = []
    for _ in range(draws):
        drawn = rng.permutation(len(pool))[: first + second]
        a, b = drawn[:first], drawn[first:]
        sides = (near[:, a].mean(axis=1) - near[:, b].mean(axis=1) for near in (near_x, near_y))
        effects.append(effect_size(*sides))
    return np.array([each for each in effects if each is not None])
