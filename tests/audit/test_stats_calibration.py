"""Calibration error and stability: published means, null models that stay quiet, faults that are found."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from probandum import stats

shares = st.lists(st.floats(0, 1), min_size=2, max_size=60)


def perfect(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Predictions, and outcomes that come true with just those probabilities."""
    p = rng.random(n)
    return p, rng.random(n) < p


@pytest.mark.parametrize(("n", "plug_in", "runs"), [(200, 0.087, 400), (1000, 0.039, 300), (5000, 0.017, 150)])
def test_published_bias_of_the_plug_in_and_its_absence(n: int, plug_in: float, runs: int) -> None:
    """Fifteen equal-width bins of a perfect model: the plug-in is .087 / .039 / .017, the debiased square about 0."""
    rng = np.random.default_rng(n)
    found = [stats.reliability(*perfect(rng, n), equal="width") for _ in range(runs)]
    squares = np.array([each.squared for each in found])

    assert plug_in == pytest.approx(np.mean([each.plug_in for each in found]), rel=0.04)
    assert abs(squares.mean()) < 3 * squares.std() / math.sqrt(runs)


def test_square_is_its_formula() -> None:
    """The debiased square is the weighted sum over bins that it says, spelled out row by row."""
    rng = np.random.default_rng(1)
    p, y = perfect(rng, 500)
    edges = np.quantile(p, np.arange(1, 10) / 10, method="inverted_cdf")
    codes = np.searchsorted(edges, p, side="left")
    expected = 0.0
    for code in range(10):
        inside = codes == code
        rate, count = y[inside].mean(), inside.sum()
        expected += count / 500 * ((p[inside].mean() - rate) ** 2 - rate * (1 - rate) / (count - 1))

    assert expected == pytest.approx(stats.reliability(p, y, bins=10).squared)
    assert math.sqrt(max(0.0, expected)) == pytest.approx(stats.debiased_ece(p, y, bins=10))


def test_planted_error_is_found_and_its_null_stays_below() -> None:
    """A prediction 0.1 too high has an error of 0.1; a calibrated one exceeds its null point one time in twenty."""
    rng = np.random.default_rng(2)
    p = rng.uniform(0.2, 0.8, 20_000)
    late = rng.random(20_000) < p - 0.1
    above = 0
    q = rng.random(300)
    null = stats.calibration_null(q, rng=rng, draws=600)
    for _ in range(400):
        above += stats.debiased_ece(q, rng.random(300) < q) > null

    assert 0.1 == pytest.approx(stats.debiased_ece(p, late), abs=0.01)
    assert 0.02 <= above / 400 <= 0.09


@given(shares, st.integers(1, 20), st.sampled_from(["mass", "width"]), st.randoms(use_true_random=False))
def test_bins_hold_every_row_once_and_two_at_least(p: list[float], bins: int, equal: Any, random: Any) -> None:
    """Bins are at most those asked for, none holds a single row, and order does not matter."""
    y = [random.random() < 0.5 for _ in p]
    found = stats.reliability(p, y, bins=bins, equal=equal)
    order = list(range(len(p)))
    random.shuffle(order)
    shuffled = stats.debiased_ece([p[i] for i in order], [y[i] for i in order], bins=bins, equal=equal)

    assert len(p) == found.n.sum()
    assert sum(y) == found.events.sum()
    assert 1 <= len(found.n) <= bins
    assert found.n.min() >= 2
    assert found.debiased == pytest.approx(shuffled, abs=1e-9)
    assert 0 <= found.debiased <= 1


def test_equal_predictions_share_a_bin() -> None:
    """Ties are never split, so a constant prediction has one bin, whatever was asked for."""
    found = stats.reliability([0.3] * 50, [1] * 15 + [0] * 35, bins=15)

    assert [50] == found.n.tolist()
    assert 0.0 == found.debiased


def test_calibration_in_the_large_finds_what_was_planted() -> None:
    """Outcomes 0.05 more frequent than predicted are found with an interval that excludes 0."""
    rng = np.random.default_rng(3)
    p = rng.uniform(0.1, 0.7, 4000)
    interval = stats.calibration_in_the_large(p, rng.random(4000) < p + 0.05)

    assert interval.low < 0.05 < interval.high
    assert interval.low > 0


def test_calibration_in_the_large_covers() -> None:
    """A calibrated model's interval holds 0 at about its level, rare outcomes included."""
    rng = np.random.default_rng(4)
    p = rng.beta(1, 9, 150)
    covered = 0
    for _ in range(1000):
        interval = stats.calibration_in_the_large(p, rng.random(150) < p)
        covered += interval.low <= 0 <= interval.high

    assert 0.92 <= covered / 1000 <= 0.975


@pytest.mark.parametrize(("p", "outcome"), [(0.01, 0), (0.0, 0), (1.0, 1)])
def test_outcomes_that_never_vary_are_no_certainty(p: float, outcome: int) -> None:
    """No events, or nothing else, leave an interval with width."""
    interval = stats.calibration_in_the_large([p] * 40, [outcome] * 40)

    assert outcome - p == pytest.approx(interval.value)
    assert interval.high - interval.low > 0.05


def test_published_null_of_the_stability_index() -> None:
    """500 against 500 in ten bins: expected .036, 95 % below .068, as simulation has it."""
    rng = np.random.default_rng(5)
    found = [stats.psi(rng.normal(size=500), rng.normal(size=500)) for _ in range(1500)]
    values = np.array([each.value for each in found])

    assert (0.036, 0.068) == (round(found[0].expected, 3), round(found[0].null_95 or 0, 3))
    assert 0.036 == pytest.approx(values.mean(), rel=0.06)
    assert 0.03 <= (values > (found[0].null_95 or 0)).mean() <= 0.08


def test_small_samples_have_a_permutation_null_or_none() -> None:
    """Below 500 values the null needs a generator, and is about the chi-squared one; without it, it is None."""
    rng = np.random.default_rng(6)
    reference, new = rng.normal(size=200), rng.normal(size=150)
    found = stats.psi(reference, new, rng=np.random.default_rng(7))

    assert stats.psi(reference, new).null_95 is None
    assert stats.psi(reference, new).value == found.value
    assert scipy_stats.chi2.ppf(0.95, 9) * (1 / 200 + 1 / 150) == pytest.approx(found.null_95, rel=0.3)


def test_a_shift_is_found() -> None:
    """Half a standard deviation lies far above what no change gives."""
    rng = np.random.default_rng(8)
    found = stats.psi(rng.normal(size=1000), rng.normal(0.5, 1, size=1000))

    assert found.null_95 is not None
    assert found.value > 4 * found.null_95


def test_index_is_its_formula() -> None:
    """Shares of two bins, 0.5 and 0.5 against 0.25 and 0.75; an emptied bin counts for 0.0001."""
    half = stats.psi([0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0], bins=2)
    gone = stats.psi([0.0, 0.0, 1.0, 1.0], [1.0, 1.0], bins=2)

    assert 0.25 * math.log(3) == pytest.approx(half.value)
    assert 0.4999 * math.log(5000) + 0.5 * math.log(2) == pytest.approx(gone.value)


@given(st.lists(st.integers(-5, 5).map(float), min_size=2, max_size=40), st.integers(1, 12))
def test_index_of_the_same_values_is_zero(values: list[float], bins: int) -> None:
    """A sample against itself shows nothing, and any other sample is not below it."""
    same = stats.psi(values, values, bins=bins)
    other = stats.psi(values, [x + 1 for x in values], bins=bins)

    assert 0.0 == same.value
    assert other.value >= 0
    assert 1 <= same.bins <= bins


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: stats.debiased_ece([0.5, 1.2], [0, 1]), "p holds a number outside 0 to 1"),
        (lambda: stats.debiased_ece([0.5, math.nan], [0, 1]), "p holds NaN or infinity"),
        (lambda: stats.debiased_ece([0.5, 0.5], [0, 2]), "y holds what is neither 0 nor 1"),
        (lambda: stats.debiased_ece([0.5, 0.5], [0, 1, 1]), "y has 3 values; expected 2"),
        (lambda: stats.debiased_ece([0.5, 0.5], [0, 1], bins=0), "bins is 0; expected at least 1"),
        (lambda: stats.reliability([0.5, 0.5], [0, 1], equal="size"), "equal is 'size'"),  # type: ignore[arg-type]
        (lambda: stats.psi([1.0, math.inf], [1.0, 2.0]), "reference holds NaN or infinity"),
        (lambda: stats.psi([1.0, 2.0], [1.0]), "new has shape (1,)"),
    ],
)
def test_bad_arguments_are_named(call: Any, said: str) -> None:
    """What cannot be meant is refused in one line that names it."""
    with pytest.raises(ValueError) as caught:
        call()

    assert said in str(caught.value)
