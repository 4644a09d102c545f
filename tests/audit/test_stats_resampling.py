"""Resampling: the same distribution as resampling rows, and never a dropped draw."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from probandum import stats

CELLS = [[990, 805, 532, 1369], [1139, 349, 461, 505]]


def fpr_gap(tables: np.ndarray) -> np.ndarray:
    """The difference of false positive rates of tables with cells TN, FP, FN, TP by group."""
    rate = tables[..., 1] / (tables[..., 0] + tables[..., 1])
    return np.asarray(rate[..., 0] - rate[..., 1])


def test_published_bootstrap_interval() -> None:
    """The multinomial bootstrap of ProPublica's false positive gap is the published one, up to its own noise."""
    draws = stats.multinomial_draws(CELLS, fpr_gap, rng=np.random.default_rng(1), draws=10_000)
    interval = stats.percentile_interval(0.2139, draws)

    assert (0.1823, 0.2454) == pytest.approx((interval.low, interval.high), abs=0.003)


def test_cells_are_as_good_as_rows() -> None:
    """Resampling cells and resampling rows give the same distribution."""
    group = np.repeat([0, 0, 1, 1], [30, 20, 25, 45])
    good = np.repeat([1, 0, 1, 0], [30, 20, 25, 45])
    rng = np.random.default_rng(2)

    def gap(tables: np.ndarray) -> np.ndarray:
        return np.asarray(tables[:, 0, 0] / tables[:, 0].sum(axis=1) - tables[:, 1, 0] / tables[:, 1].sum(axis=1))

    by_cells = stats.multinomial_draws([[30, 20], [25, 45]], gap, rng=rng)
    picked = rng.integers(0, len(group), size=(2000, len(group)))
    by_rows = [good[i][group[i] == 0].mean() - good[i][group[i] == 1].mean() for i in picked]

    assert scipy_stats.ks_2samp(by_cells, by_rows).pvalue > 0.001


def test_fixed_groups_keep_their_sizes() -> None:
    """With one fixed axis every resample has the groups' own sizes."""
    seen: list[np.ndarray] = []

    def statistic(tables: np.ndarray) -> np.ndarray:
        seen.append(tables.sum(axis=2))
        return np.asarray(tables[:, 0, 0], dtype=float)

    stats.multinomial_draws([[5, 5], [9, 11]], statistic, rng=np.random.default_rng(3), draws=50, fixed=1)

    assert [10, 20] == np.unique(seen[0], axis=0).tolist()[0]
    assert 1 == len(np.unique(seen[0], axis=0))


def test_an_undefined_resample_is_an_error() -> None:
    """A quantity that some resamples do not have is refused with how many, and none is dropped."""
    with pytest.raises(ValueError, match=r"undefined in \d+ of 2000 resamples"):
        stats.multinomial_draws([[1, 2], [1, 2]], lambda t: t[:, 0, 0] / t[:, 1, 0], rng=np.random.default_rng(4))


def test_bootstrap_covers() -> None:
    """The percentile interval of a mean of 60 covers at about its level."""
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(300):
        values = rng.normal(1.0, 1.0, 60)
        interval = stats.percentile_interval(float(values.mean()), stats.mean_draws(values, rng=rng, draws=400))
        covered += interval.low <= 1.0 <= interval.high

    assert 0.90 <= covered / 300 <= 0.98


@given(st.lists(st.floats(-100, 100), min_size=40, max_size=300), st.floats(0.05, 0.4))
def test_p_values_invert_percentiles(values: list[float], alpha: float) -> None:
    """The bound at alpha is the draw at which the p-value reaches alpha."""
    draws = tuple(sorted(values))
    interval = stats.bounds("bootstrap", level=1 - 2 * alpha, draws=draws, value=0.0)
    above = stats.p_value("bootstrap", np.nextafter(interval.low, -np.inf), side="above", draws=draws, value=0.0)
    below = stats.p_value("bootstrap", np.nextafter(interval.high, np.inf), side="below", draws=draws, value=0.0)

    assert above <= alpha + 1e-9
    assert below <= alpha + 1e-9
    assert stats.p_value("bootstrap", interval.low, side="above", draws=draws, value=0.0) >= alpha - 1e-9


def test_too_few_draws_for_a_bound_are_refused() -> None:
    """39 draws carry no 95 % interval, the message says how many do, and so many do."""
    with pytest.raises(ValueError, match="draws are 39; expected at least 40"):
        stats.bounds("bootstrap", level=0.95, draws=tuple(range(39)), value=9.0)
    assert 0.0 == stats.bounds("bootstrap", level=0.95, draws=tuple(range(40)), value=9.0).low


def test_the_same_generator_gives_the_same_draws() -> None:
    """Draws depend on the seed alone."""
    one, other = (stats.mean_draws([1.0, 2.0, 5.0], rng=np.random.default_rng(6)) for _ in range(2))

    assert one == other
    assert 2000 == len(one)


def test_a_metric_without_dynamic_range_says_so() -> None:
    """Random and oracle scores have to differ by three standard errors of their paired difference."""
    rng = np.random.default_rng(7)
    noise = rng.normal(size=100)

    assert stats.has_dynamic_range(noise, noise + 1.0)
    assert not stats.has_dynamic_range(noise, rng.normal(size=100))
    assert not stats.has_dynamic_range(noise + 1.0, noise)
