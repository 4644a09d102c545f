"""Indices of agreement against plain counting, scipy, and values that can be had by hand."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from probandum.evidence import Floats
from probandum_probes.explain.quality.comparing import (
    MOST,
    kendall,
    over_null,
    rank_biased_overlap,
    rankable,
    sign_agreement,
    spearman,
    top_overlap,
)

EVERY = (spearman, kendall, top_overlap, sign_agreement, rank_biased_overlap)
#: Attributions of few different sizes, so that many tie.
SIZES = st.lists(st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0, 3.0]), min_size=6, max_size=9)


def plain_overlap(first: Floats, second: Floats, persistence: float = 0.9) -> float:
    """Rank-biased overlap read off its definition: sets of all that stand at a place or before."""
    width = len(first)
    tops = [
        [
            {j for j in range(width) if sum(abs(phi[k]) > abs(phi[j]) for k in range(width)) < depth}
            for depth in range(1, width + 1)
        ]
        for phi in (first, second)
    ]
    agreed = [2 * len(a & b) / (len(a) + len(b)) for a, b in zip(*tops, strict=True)]
    total = sum(each * persistence**depth for depth, each in enumerate(agreed, 1))
    return agreed[-1] * persistence**width + (1 - persistence) / persistence * total


def plain_top_overlap(first: Floats, second: Floats, top: int) -> float:
    """Kuncheva's index, averaged over all orders in which features that tie may stand."""
    width = len(first)
    picks = []
    for phi in (first, second):
        seen = [
            sorted(range(width), key=lambda j, phi=phi, order=order: (-abs(phi[j]), order[j]))[:top]  # type: ignore[misc]
            for order in permutations(range(width))
        ]
        picks.append(np.mean([[j in each for j in range(width)] for each in seen], axis=0))
    return float((picks[0] @ picks[1] - top * top / width) / (top - top * top / width))


@given(SIZES, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_ranks_correlate_as_scipy_has_it(values: list[float], random: object) -> None:
    """Spearman's correlation and Kendall's tau-b of the sizes, ties included."""
    first = np.array(values)
    second = first.copy()
    random.shuffle(second)  # type: ignore[attr-defined]
    if not rankable(first):
        return

    assert pytest.approx(stats.spearmanr(np.abs(first), np.abs(second)).statistic) == spearman(first, second)
    assert pytest.approx(stats.kendalltau(np.abs(first), np.abs(second)).statistic) == kendall(first, second)


@given(SIZES, SIZES)
@settings(max_examples=60, deadline=None)
def test_rank_biased_overlap_is_that_of_the_definition(first: list[float], second: list[float]) -> None:
    """Counted set by set."""
    width = min(len(first), len(second))
    a, b = np.array(first[:width]), np.array(second[:width])

    assert pytest.approx(plain_overlap(a, b)) == rank_biased_overlap(a, b)
    assert pytest.approx(1.0) == rank_biased_overlap(a, a)


def test_rank_biased_overlap_by_hand() -> None:
    """Three features, the first two changed over: A = 0, 1, 1 with p = .9."""
    found = rank_biased_overlap(np.array([3.0, 2.0, 1.0]), np.array([2.0, 3.0, 1.0]))

    assert pytest.approx(0.9**3 + 0.1 / 0.9 * (0.9**2 + 0.9**3)) == found


@pytest.mark.parametrize("second", [[3.0, 2.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 2.0, 2.0], [1.0, 1.0, 1.0, 1.0, 1.0]])
def test_features_that_tie_at_the_edge_are_in_by_chance(second: list[float]) -> None:
    """The index is its mean over all orders of ties; an explanation that ranks nothing agrees by chance, 0."""
    first, other = np.array([2.0, 1.0, 1.0, 0.5, 0.0]), np.array(second)

    assert pytest.approx(plain_top_overlap(first, other, 2)) == top_overlap(first, other, top=2)
    assert pytest.approx(0.0) == top_overlap(first, np.ones(5), top=2)


def test_top_overlap_by_hand() -> None:
    """The same five of ten: 1; no feature in common: (0 - 2.5) / 2.5 = -1; three of five: (3 - 2.5) / 2.5."""
    first = np.array([1.0] * 5 + [0.0] * 5)

    assert 1.0 == top_overlap(first, first * 2)
    assert -1.0 == top_overlap(first, first[::-1])
    assert pytest.approx(0.2) == top_overlap(first, np.array([1.0, 1, 1, 0, 0, 1, 1, 0, 0, 0]))


def test_top_overlap_of_all_features_is_undefined() -> None:
    """At k = d it would divide by 0."""
    with pytest.raises(ValueError, match="all of them"):
        top_overlap(np.arange(1.0, 6.0), np.arange(1.0, 6.0))
    with pytest.raises(ValueError, match="none or all"):
        top_overlap(np.zeros(6), np.arange(6.0))


def test_top_is_what_both_name() -> None:
    """Two words that weigh of ten are a top two: the same, or one of two: (1 - .4) / (2 - .4)."""
    first = np.array([3.0, -2.0] + [0.0] * 8)

    assert pytest.approx(1.0) == top_overlap(first, -first)
    assert pytest.approx(0.375) == top_overlap(first, np.array([3.0, 0.0, 5.0, 0.2] + [0.0] * 6))


def test_signs_of_features_that_neither_names_do_not_count() -> None:
    """Of seven features the two smallest, on which signs differ, are in no top five."""
    first = np.array([7.0, 6.0, -5.0, 4.0, 3.0, 0.2, 0.1])

    assert 1.0 == sign_agreement(first, first * np.array([1, 1, 1, 1, 1, -1, -1]))
    assert pytest.approx(4 / 5) == sign_agreement(first, first * np.array([1, 1, -1, 1, 1, 1, 1]))


@pytest.mark.parametrize("index", [spearman, kendall])
def test_rankings_turned_round_disagree_fully(index: Callable[[Floats, Floats], float]) -> None:
    """-1 of the reverse order, 1 of the same, and neither depends on signs or units."""
    phi = np.array([1.0, -2.0, 3.0, 4.0])

    assert pytest.approx(1.0) == index(phi, -10 * phi)
    assert pytest.approx(-1.0) == index(phi, phi[::-1] * np.array([1, 1, -1, 1]))
    with pytest.raises(ValueError, match="one size"):
        index(phi, np.ones(4))


@pytest.mark.parametrize("index", EVERY)
def test_order_of_the_two_does_not_matter(index: Callable[[Floats, Floats], float]) -> None:
    """Every index is symmetric, and rounding is no size."""
    rng = np.random.default_rng(3)
    for first, second in combinations([rng.normal(size=8).round(1) for _ in range(6)], 2):
        assert pytest.approx(index(first, second)) == index(second, first)
        assert index(first, second) == index(first + 1e-12 * (first == 0), second)


def test_similarity_over_the_null_by_hand() -> None:
    """A mean of .6 less the 95th percentile of 0, .1, ..., 1 (which is .95, and counts as .8)."""
    null = np.tile(np.linspace(0, 1, 11), (4, 1))
    value, draws = over_null(np.array([0.5, 0.7, 0.6, 0.6]), null, rng=np.random.default_rng(1))

    assert pytest.approx(0.6 - MOST) == value
    assert pytest.approx(0.6 - 0.475) == over_null(np.full(4, 0.6), null / 2, rng=np.random.default_rng(1))[0]
    assert -0.31 < draws[0] <= value <= draws[-1] < -0.09
