"""Shrunk rates and differential fairness: by hand, by simulation, and as properties."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probandum import stats
from strategies import counts

groups = st.lists(counts(most=80), min_size=2, max_size=6).filter(lambda found: any(n > 1 for _, n in found))


def test_moments_by_hand() -> None:
    """Two groups of ten with one and nine events: MSB 3.2, MSW 0.1, so rho is 3.1 / 4.1 and M is 10 / 31."""
    found = stats.shrunk_rates([1, 9], [10, 10])

    assert 3.1 / 4.1 == pytest.approx(found.correlation)
    assert 10 / 31 == pytest.approx(found.weight)
    assert (1 + 5 / 31, 9 + 5 / 31) == pytest.approx(found.posteriors[0])


def test_planted_spread_is_recovered() -> None:
    """Rates drawn from a beta distribution with a correlation of 0.1 are found so, and shrunk ones lie closer."""
    rng = np.random.default_rng(1)
    truth = rng.beta(0.3 * 9, 0.7 * 9, 2000)
    trials = rng.integers(5, 40, 2000)
    events = rng.binomial(trials, truth)
    found = stats.shrunk_rates(events.tolist(), trials.tolist())
    raw = ((events / trials - truth) ** 2).mean()
    shrunk = ((np.array(found.rates) - truth) ** 2).mean()

    assert 0.1 == pytest.approx(found.correlation, abs=0.015)
    assert 0.3 == pytest.approx(found.common, abs=0.02)
    assert shrunk < 0.75 * raw


def test_credible_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Under the model that it assumes, the posterior interval holds nine in ten of the true rates."""
    rng = np.random.default_rng(2)
    truth = rng.beta(2, 3, 1500)
    events = rng.binomial(25, truth)
    found = stats.shrunk_rates(events.tolist(), [25] * 1500).credible(level=0.9)

    assert 0.9 == pytest.approx(
        np.mean([low <= p <= high for (low, high), p in zip(found, truth, strict=True)]), abs=0.025
    )


@given(groups)
def test_shrinkage_pulls_towards_the_common_rate(found: list[tuple[int, int]]) -> None:
    """Every rate lies between its raw and the common one, strictly inside 0 to 1, with an interval around it."""
    events, trials = [x for x, _ in found], [n for _, n in found]
    shrunk = stats.shrunk_rates(events, trials)

    for x, n, rate, (low, high) in zip(events, trials, shrunk.rates, shrunk.credible(), strict=True):
        assert min(x / n, shrunk.common) - 1e-9 <= rate <= max(x / n, shrunk.common) + 1e-9
        assert 0 < rate < 1
        assert low <= high


@given(groups, st.randoms(use_true_random=False))
def test_order_and_names_do_not_matter(found: list[tuple[int, int]], random: Any) -> None:
    """Groups in any order have the same rates, the opposite decision their complements, and epsilon stays."""
    events, trials = [x for x, _ in found], [n for _, n in found]
    order = list(range(len(found)))
    random.shuffle(order)
    one = stats.shrunk_rates(events, trials)
    shuffled = stats.shrunk_rates([events[i] for i in order], [trials[i] for i in order])
    opposite = [n - x for x, n in found]
    epsilon = stats.differential_fairness(events, trials)

    assert [one.rates[i] for i in order] == pytest.approx(shuffled.rates)
    assert [1 - rate for rate in one.rates] == pytest.approx(stats.shrunk_rates(opposite, trials).rates)
    assert epsilon == pytest.approx(stats.differential_fairness(opposite, trials))
    assert 0 <= epsilon < math.inf


def test_epsilon_looks_at_both_outcomes() -> None:
    """Where the event is common the rarer outcome decides: 0.5 / 11 against 4.5 / 11."""
    assert math.log(9) == pytest.approx(stats.differential_fairness([10, 6], [10, 10]))


def test_groups_without_events_are_no_certainty() -> None:
    """With no event anywhere the common rate is half an event of one more trial, and intervals have width."""
    found = stats.shrunk_rates([0, 0], [20, 30])
    low, high = found.credible()[0]

    assert 0.5 / 51 == pytest.approx(found.common)
    assert 0 <= low < found.rates[0] < high


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: stats.shrunk_rates([1], [2]), "events and trials have 1 and 1 groups"),
        (lambda: stats.shrunk_rates([1, 0], [1, 1]), "every group has one trial"),
        (lambda: stats.shrunk_rates([1, 3], [2, 2]), "events[1] is 3"),
        (lambda: stats.shrunk_rates([1, 0], [2, 0]), "trials[1] is 0"),
        (lambda: stats.differential_fairness([1, math.nan], [2, 2]), "events[1] is nan"),  # type: ignore[list-item]
    ],
)
def test_bad_arguments_are_named(call: Any, said: str) -> None:
    """What cannot be meant is refused in one line that names it."""
    with pytest.raises(ValueError) as caught:
        call()

    assert said in str(caught.value)
