"""Changes of shares in pairs, gaps between two sets of pairs, and relative changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar as oracle

import strategies
from probandum import stats
from probandum.stats.paired import PairedGap

Counts = tuple[tuple[int, int], tuple[int, int]]
gaps = st.tuples(strategies.changes(), strategies.changes())


@given(strategies.changes())
def test_at_zero_the_test_is_mcnemars(changed: Counts) -> None:
    """Both one-sided p-values of no change are exact; twice the smaller is statsmodels'."""
    (better, worse), (n, _) = changed
    above = stats.p_value("mcnemar-tango", 0.0, side="above", counts=changed)
    below = stats.p_value("mcnemar-tango", 0.0, side="below", counts=changed)
    expected = oracle([[n - better - worse, worse], [better, 0]], exact=True).pvalue

    assert stats.mcnemar(worse, better, alternative="worse") == above
    assert stats.mcnemar(worse, better, alternative="better") == below
    assert expected == pytest.approx(min(1.0, 2 * min(above, below)))


@given(strategies.changes(), st.floats(-0.5, 0.5).filter(lambda limit: limit != 0))
def test_elsewhere_and_in_its_bounds_it_is_tangos(changed: Counts, limit: float) -> None:
    """Only at 0 is there an exact test."""
    for side in ("above", "below"):
        expected = stats.p_value("tango", limit, side=side, counts=changed)

        assert expected == stats.p_value("mcnemar-tango", limit, side=side, counts=changed)
    first, second = (stats.bounds(method, level=0.9, counts=changed) for method in ("tango", "mcnemar-tango"))

    assert (first.low, first.high) == (second.low, second.high)


def test_a_gap_of_pairs_can_be_checked_by_hand() -> None:
    """Of 8 pairs two rose, of 8 others two fell: u = .3, w = .1 and the other way round, so .4 +- z sqrt(2 * .036)."""
    interval = stats.bounds("paired-gap", level=0.95, counts=((2, 0), (8, 8), (0, 2), (8, 8)))

    reach = 1.959964 * np.sqrt(0.072)

    assert 0.5 == interval.value
    assert 0.4 - reach == pytest.approx(interval.low)
    assert 0.4 + reach == pytest.approx(interval.high)


@given(gaps)
def test_a_gap_turns_its_sign_with_its_sides(both: tuple[Counts, Counts]) -> None:
    """Group less reference is minus reference less group."""
    one = stats.bounds("paired-gap", level=0.9, counts=(*both[0], *both[1]))
    other = stats.bounds("paired-gap", level=0.9, counts=(*both[1], *both[0]))

    assert (-other.value, -other.high, -other.low) == pytest.approx((one.value, one.low, one.high))


@given(gaps, st.floats(-1, 1), st.floats(0.001, 0.4))
def test_a_gaps_p_values_invert_its_bounds(both: tuple[Counts, Counts], limit: float, alpha: float) -> None:
    """p < alpha exactly where the bound at alpha excludes the limit."""
    counts = (*both[0], *both[1])
    bounds = stats.bounds("paired-gap", level=1 - 2 * alpha, counts=counts)
    p = stats.p_value("paired-gap", limit, side="above", counts=counts)

    assert (p < alpha) == (limit < bounds.low) or p == pytest.approx(alpha, abs=1e-9)


@given(gaps)
def test_a_gap_has_a_smallest_effect_that_it_finds(both: tuple[Counts, Counts]) -> None:
    """The detectable effect is above 0 whatever was seen, and data that never moved could pass a wide band."""
    counts = (*both[0], *both[1])

    assert 0 < (stats.detectable("paired-gap", counts=counts) or 0) < float("inf")
    assert stats.can_pass("paired-gap", low=-2.0, high=2.0, counts=counts)


def test_the_number_of_pairs_that_a_gap_needs_decides() -> None:
    """With so many times the pairs the bounds lie inside the limit, and with a tenth less they do not."""
    counts = ((12, 9), (300, 300), (8, 9), (300, 300))
    needed = stats.n_for_verdict("paired-gap", low=-0.04, high=0.04, n=600, counts=counts)
    assert needed is not None

    def within(n: float) -> bool:
        cells = [cell * n / 600 for pair in counts for cell in pair]
        found = PairedGap(*cells[:3], *cells[4:7])
        return found.lower(0.05) >= -0.04 and found.upper(0.05) <= 0.04

    assert 600 < needed
    assert within(needed)
    assert not within(0.9 * needed)


@pytest.mark.parametrize(
    ("method", "counts", "message"),
    [
        ("mcnemar-tango", ((1, 2), (10, 11)), r"mcnemar-tango expects \(\(better, worse\), \(n, n\)\)"),
        ("mcnemar-tango", ((7, 4), (10, 10)), "worse is 4; expected at most n - better, which is 3"),
        ("paired-gap", ((1, 0), (50, 7), (1, 0), (50, 50)), r"paired-gap expects \(\(better, worse\), \(n, n\)\)"),
        ("paired-gap", ((1, 2), (10, 10)), "paired-gap expects 4 pairs of counts"),
        ("paired-gap", ((1, 2), (10, 10), (9, 2), (10, 10)), "worse is 2; expected at most n - better, which is 1"),
    ],
)
def test_counts_that_no_pairs_can_have_are_refused(method: str, counts: Counts, message: str) -> None:
    """The message names the count and what was expected."""
    with pytest.raises(ValueError, match=message):
        stats.bounds(method, level=0.95, counts=counts)


@given(st.floats(-0.5, 0.5), st.floats(0.001, 0.2), st.floats(2, 60))
def test_a_relative_change_asks_what_its_ratio_would(centre: float, error: float, df: float) -> None:
    """Bounds, detectable effects and numbers needed are those of 1 + the change."""
    moments = (centre, error, df)
    change, ratio = (stats.bounds(method, level=0.9, moments=moments) for method in ("log-change", "log-t"))
    assert (1 + change.low, 1 + change.high) == pytest.approx((ratio.low, ratio.high))
    assert stats.can_pass("log-t", low=0.7, high=1.4, moments=moments) == stats.can_pass(
        "log-change", low=-0.3, high=0.4, moments=moments
    )
    assert stats.n_for_verdict("log-t", low=0.7, high=1.4, n=10, moments=moments) == stats.n_for_verdict(
        "log-change", low=-0.3, high=0.4, n=10, moments=moments
    )
    assert stats.detectable("log-t", moments=(0.0, error, df)) == stats.detectable("log-change", moments=moments)


def test_nothing_falls_by_more_than_its_whole() -> None:
    """A limit of -1 or less is always exceeded by a relative change."""
    moments = (0.0, 0.1, 9.0)

    assert 0.0 == stats.p_value("log-change", -1.0, side="above", moments=moments)
    assert 1.0 == stats.p_value("log-change", -1.0, side="below", moments=moments)


def test_a_relative_change_of_what_is_not_positive_is_refused() -> None:
    """There is no logarithm of 0."""
    with pytest.raises(ValueError, match=r"values hold 0\.0; expected numbers above 0"):
        stats.relative_change_interval([1.0, 2.0], [0.0, 1.0])
