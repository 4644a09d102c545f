"""Contrasts over grids with missing cells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probandum import stats
from probandum.stats import filled, kept
from probandum_probes.bias.contrasts import contrast
from probandum_probes.estimates import from_clusters


def grid(seed: int, rows: int = 6, columns: int = 8) -> np.ndarray:
    """An additive grid: nothing but row and column effects."""
    rng = np.random.default_rng(seed)
    return np.asarray(rng.normal(size=(rows, 1)) + rng.normal(size=(1, columns)))


@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.0, 0.3))
def test_an_additive_grid_is_restored(seed: int, share: float) -> None:
    """Cells that are missing from an additive grid come back as they were, whatever stood in their place."""
    rng = np.random.default_rng(seed)
    whole = grid(seed)
    valid = rng.random(whole.shape) >= share
    valid[0], valid[:, 0] = True, True

    assert pytest.approx(whole, abs=1e-6) == filled(np.where(valid, whole, 1e3), valid)


def test_a_complete_grid_is_left_alone() -> None:
    """Without missing cells the contrast is the two-way interval itself."""
    values = np.random.default_rng(3).normal(size=(5, 7))
    a, b = np.arange(3), np.arange(3, 7)

    assert stats.two_way_interval(values[:, :3], values[:, 3:]) == contrast(values, np.full((5, 7), True), a, b)


def test_rows_and_columns_without_answers_are_left_out() -> None:
    """A row or column that is valid in half of its cells or fewer is not kept."""
    valid = np.full((4, 6), True)
    valid[:2, 0] = False
    valid[3, :3] = False
    rows, a, b = kept(valid, np.arange(3), np.arange(3, 6))

    assert ([0, 1, 2], [1, 2], [3, 4, 5]) == (rows.tolist(), a.tolist(), b.tolist())


def test_nothing_valid_keeps_nothing() -> None:
    """Of a group without any answer nothing is kept."""
    rows, a, _ = kept(np.full((3, 4), False), np.arange(2), np.arange(2, 4))

    assert (0, 0) == (len(rows), len(a))


def test_an_estimate_keeps_its_moments() -> None:
    """What a judge needs for another level stands in the estimate."""
    interval = stats.mean_interval([1.0, 2.0, 3.0])
    kept_in = from_clusters(interval, n=3, unit="logit", design="cluster=template")

    assert ("t", (2.0, interval.standard_error, 2.0), 3.0) == (kept_in.method, kept_in.moments, kept_in.n_effective)
    assert (interval.low, interval.high) == (kept_in.low, kept_in.high)
