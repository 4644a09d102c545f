"""How alike two explanations of one input are: indices of ranks by the size of attributions, and of their signs."""

from __future__ import annotations

import numpy as np

from probandum.evidence import Floats
from probandum.stats.resampling import DRAWS, sorted_draws, weighted_sums
from probandum.subject import Codes

#: The features that a reader of an explanation looks at.
TOP = 5
#: Log-odds that rounding leaves: attributions no larger are 0, and no number of samples helps against it.
NEGLIGIBLE = 1e-9
#: No null counts as more than this: explanations that are as alike of systems that share nothing come from none.
MOST = 0.8
#: How much each further place counts in rank-biased overlap.
PERSISTENCE = 0.9


def cleaned(attributions: Floats) -> Floats:
    """Attributions without what rounding leaves of 0."""
    return np.where(np.abs(attributions) <= NEGLIGIBLE, 0.0, attributions)


def rankable(attributions: Floats) -> bool:
    """Whether the sizes of attributions rank features at all: two of them differ by more than rounding."""
    return float(np.ptp(np.abs(attributions))) > NEGLIGIBLE


def spearman(first: Floats, second: Floats) -> float:
    """Pearson's correlation of the ranks by size; features of one size share their ranks' mean.

    ValueError where all features of either have one size. Spearman 1904.

    >>> round(spearman(np.array([3.0, -2.0, 1.0]), np.array([5.0, 1.0, 2.0])), 9)  # 1 - 6 (0 + 1 + 1) / (3 * 8)
    0.5
    """
    a, b = _ranks(first), _ranks(second)
    a, b = a - a.mean(), b - b.mean()
    spread = float(np.sqrt((a @ a) * (b @ b)))
    if spread == 0:
        raise ValueError("all features of one explanation have one size; expected some that differ")
    return float(a @ b) / spread


def kendall(first: Floats, second: Floats) -> float:
    """Tau-b of the sizes: pairs of features in one order less those in opposite orders, ties taken out of both.

    ValueError where all features of either have one size. Kendall 1945.

    >>> round(kendall(np.array([3.0, -2.0, 1.0]), np.array([5.0, 1.0, 2.0])), 9)  # (2 - 1) / 3
    0.333333333
    """
    a, b = (np.sign(np.subtract.outer(size, size)) for size in (np.abs(cleaned(first)), np.abs(cleaned(second))))
    spread = float(np.sqrt((a * a).sum() * (b * b).sum()))
    if spread == 0:
        raise ValueError("all features of one explanation have one size; expected some that differ")
    return float((a * b).sum()) / spread


def top_size(first: Floats, second: Floats, top: int = TOP) -> int:
    """How many features a comparison of the largest is about: ``top``, or as many as both explanations name at all.

    >>> top_size(np.array([3.0, 0.0, -1.0]), np.array([1.0, 2.0, 3.0]))
    2
    """
    return min(top, *(int(np.count_nonzero(cleaned(each))) for each in (first, second)))


def top_overlap(first: Floats, second: Floats, top: int = TOP) -> float:
    """Kuncheva's index (r - k^2/d) / (k - k^2/d) of the k largest, r in common and k as ``top_size``; 0 is chance.

    Features that tie at the edge are each in by their share of the places left, so that r is what chance would give.
    ValueError where k = d, since any two picks are then the same, and where either names nothing. Kuncheva 2007.

    >>> top_overlap(np.array([4.0, 3.0, 2.0, 1.0]), np.array([4.0, 1.0, 3.0, 2.0]), top=2)  # r = 1 = k^2/d
    0.0
    """
    k, width = top_size(first, second, top), len(first)
    if not 0 < k < width:
        raise ValueError(f"the top {k} of {width} features are none or all of them; expected 1 to {width - 1}")
    shared = float(_within(first, k) @ _within(second, k))
    return (shared - k * k / width) / (k - k * k / width)


def sign_agreement(first: Floats, second: Floats, top: int = TOP) -> float:
    """Share of signs that are alike among the features that either names in its ``top`` largest; 0 is a third sign.

    ValueError where neither names any. Krishna et al. 2022.

    >>> sign_agreement(np.array([2.0, -1.0, 0.0]), np.array([1.0, 3.0, 0.0]))
    0.5
    """
    a, b = cleaned(first), cleaned(second)
    named = ((_within(a, top) > 0) & (a != 0)) | ((_within(b, top) > 0) & (b != 0))
    if not named.any():
        raise ValueError("all attributions are 0; expected some that are not")
    return float((np.sign(a) == np.sign(b))[named].mean())


def rank_biased_overlap(first: Floats, second: Floats, persistence: float = PERSISTENCE) -> float:
    """How alike two rankings by size are, the first places counting most: 1 where they are the same.

    A_d p^d + (1 - p) / p * sum over depths i of A_i p^i, with A_i = 2 |both| / (|first| + |second|) of the features
    that stand at place i or before; those that tie stand together at the first of their places. Webber et al. 2010.

    >>> round(rank_biased_overlap(np.array([2.0, 1.0]), np.array([1.0, 2.0])), 9)  # A = 0, 1: .81 + .1 / .9 * .81
    0.9
    """
    width = len(first)
    places = [_places(each) for each in (first, second)]
    depths = np.arange(width)[:, None]
    a, b = (each[None, :] <= depths for each in places)
    agreement = 2 * (a & b).sum(axis=1) / (a.sum(axis=1) + b.sum(axis=1))
    weights = persistence ** np.arange(1, width + 1)
    return float(agreement[-1] * weights[-1] + (1 - persistence) / persistence * (agreement @ weights))


def over_null(values: Floats, null: Floats, *, rng: np.random.Generator) -> tuple[float, tuple[float, ...]]:
    """Mean of ``values`` (inputs,) less the 95th percentile of the column means of ``null`` (inputs, columns).

    A percentile above ``MOST`` counts as that. With sorted bootstrap draws, in which inputs are resampled for both.

    >>> value, _ = over_null(np.ones(2), np.array([[0.0, 0.25, 0.5]] * 2), rng=np.random.default_rng(1))
    >>> round(value, 9)  # the percentile lies nine tenths of the way from .25 to .5
    0.525
    """
    joined = np.column_stack([values, null])
    drawn = weighted_sums(joined, rng=rng, draws=DRAWS) / len(values)
    return float(_above(joined.mean(axis=0))), sorted_draws(_above(drawn), DRAWS)


def _above(means: Floats) -> Floats:
    """The first of the last axis less the 95th percentile of the others."""
    over: Floats = means[..., 0] - np.minimum(np.quantile(means[..., 1:], 0.95, axis=-1), MOST)
    return over


def _ranks(attributions: Floats) -> Floats:
    """Ranks by size from 1, the smallest first; those of one size share the mean of theirs.

    >>> _ranks(np.array([0.0, 2.0, -2.0])).tolist()
    [1.0, 2.5, 2.5]
    """
    _, places, counts = np.unique(np.abs(cleaned(attributions)), return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    means: Floats = (ends - (counts - 1) / 2)[places]
    return means


def _places(attributions: Floats) -> Codes:
    """How many features are larger than each: 0 is the first place."""
    size = np.abs(cleaned(attributions))
    ahead: Codes = (size[:, None] > size[None, :]).sum(axis=0)
    return ahead


def _within(attributions: Floats, top: int) -> Floats:
    """How far each feature is among the ``top`` largest: 1, 0, or its share where several tie at the edge.

    >>> _within(np.array([3.0, 1.0, 1.0]), 2).tolist()
    [1.0, 0.5, 0.5]
    """
    ahead = _places(attributions)
    size = np.abs(cleaned(attributions))
    tied = (size[:, None] == size[None, :]).sum(axis=0)
    share: Floats = np.clip((top - ahead) / tied, 0.0, 1.0)
    return share
