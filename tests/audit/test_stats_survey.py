"""Exact bounds of weighted shares: of counts where rows count themselves, and of fewer trials where they do not."""

from __future__ import annotations

import math
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probandum import stats
from probandum.stats.survey import effective_trials, korn_graubard

shares = st.integers(2, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def moments(x: int, n: int, *, effect: float = 1.0) -> tuple[float, float, float]:
    """Of a simple random sample, its variance as many times as large as ``effect`` says."""
    share = x / n
    if x in (0, n):
        return share, 0.0, float(n)
    return share, math.sqrt(effect * share * (1 - share) / (n - 1)), n - 1.0


@given(shares, st.sampled_from([0.8, 0.9, 0.95]))
def test_a_simple_random_sample_has_the_bounds_of_its_counts(counts: tuple[int, int], level: float) -> None:
    """Whatever was counted, none and all included."""
    ours = stats.bounds("korn-graubard", level=level, moments=moments(*counts))
    theirs = stats.bounds("clopper-pearson", level=level, counts=(counts,))

    assert (theirs.value, theirs.low, theirs.high) == pytest.approx((ours.value, ours.low, ours.high), abs=1e-9)


def test_a_design_effect_of_two_halves_the_trials() -> None:
    """Their bounds are those of statsmodels for as many events among as many trials, whole or not."""
    from statsmodels.stats.proportion import proportion_confint

    share, error, _ = moments(30, 301, effect=2.0)
    interval = stats.bounds("korn-graubard", level=0.95, moments=(share, error, 1e6))
    trials = effective_trials(share, error, 1e6)
    low, high = proportion_confint(share * trials, trials, method="beta")

    assert 151 == pytest.approx(trials, rel=0.02)
    assert (low, high) == pytest.approx((interval.low, interval.high))


def test_few_degrees_of_freedom_take_trials_away() -> None:
    """By the squares of Student's quantiles: those of 4 against those of 99, as Korn and Graubard have it."""
    share, error, df = moments(50, 100)
    whole, few = effective_trials(share, error, df), effective_trials(share, error, 4.0)

    assert 100 == pytest.approx(whole)
    assert (1.9842 / 2.7764) ** 2 * 100 == pytest.approx(few, rel=1e-3)


@given(shares, st.floats(0.5, 4.0), st.floats(0.01, 0.99))
def test_p_values_invert_the_bounds(counts: tuple[int, int], effect: float, limit: float) -> None:
    """A p-value is below 5 % exactly where the bound at one-sided 5 % leaves the limit out."""
    known = moments(*counts, effect=effect)
    interval = stats.bounds("korn-graubard", level=0.9, moments=known)
    sides: tuple[tuple[Literal["above", "below"], float], ...] = (("above", interval.low), ("below", interval.high))
    for side, bound in sides:
        p = stats.p_value("korn-graubard", limit, side=side, moments=known)
        beyond = bound > limit if side == "above" else bound < limit

        assert abs(bound - limit) < 1e-9 or (p < 0.05) == beyond


def test_power_is_that_of_the_effective_counts() -> None:
    """What is detectable, what could pass and how many it takes are those of exact bounds of whole counts."""
    ways: list[tuple[str, dict[str, Any]]] = [
        ("korn-graubard", {"moments": moments(3, 250)}),
        ("clopper-pearson", {"counts": ((3, 250),)}),
    ]
    ours, theirs = (stats.detectable(method, **basis) for method, basis in ways)
    can = [[stats.can_pass(method, low=None, high=high, **basis) for high in (0.011, 0.013)] for method, basis in ways]
    needed = [stats.n_for_verdict(method, low=None, high=0.03, n=250, **basis) for method, basis in ways]

    assert ours == pytest.approx(theirs)
    assert can == [[False, True]] * 2
    assert needed[0] is not None and needed[0] == needed[1]


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ((1.2, 0.1, 3.0), "share is 1.2; expected from 0 to 1"),
        ((0.0, 0.1, 3.0), "standard error is 0.1 at a share of 0.0; expected 0"),
        ((0.5, 0.0, 3.0), "standard error is 0 at a share of 0.5; expected more than 0"),
        ((0.5, 0.1, 0.0), "degrees of freedom are 0.0; expected more than 0"),
        ((0.5, math.nan, 3.0), "standard error is nan; expected a finite number"),
    ],
)
def test_moments_of_no_share_are_refused(given_: tuple[float, float, float], said: str) -> None:
    """Each by what is wrong."""
    with pytest.raises(ValueError, match=said):
        korn_graubard(*given_)
