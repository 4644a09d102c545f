"""What a design can show: the published tables, and simulations of what they promise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probandum import stats
from strategies import changes, counts, pairs

SIZES = (30, 50, 100, 200, 500, 1000, 2000, 5000)


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        (0.5, (0.362, 0.280, 0.198, 0.140, 0.089, 0.063, 0.044, 0.028)),
        (0.3, (0.331, 0.257, 0.182, 0.128, 0.081, 0.057, 0.041, 0.026)),
    ],
)
def test_published_detectable_effects(p: float, expected: tuple[float, ...]) -> None:
    """The table of detectable differences by group size comes out as printed."""
    assert expected == tuple(round(stats.minimum_detectable_effect(p, n, p, n), 3) for n in SIZES)


@pytest.mark.parametrize(
    ("p", "expected"), [(0.5, (10705, 1713, 429)), (0.3, (8993, 1439, 360)), (0.1, (3854, 617, 155))]
)
def test_published_sizes_for_equivalence(p: float, expected: tuple[int, ...]) -> None:
    """The table of group sizes that pass a band comes out as printed, up to rounding up."""
    found = [stats.n_for_equivalence(p, margin) for margin in (0.02, 0.05, 0.10)]

    assert all(abs(ours - theirs) <= 1 for ours, theirs in zip(found, expected, strict=True))


def test_published_trials_without_an_event() -> None:
    """No event among 59, 299, 598 and 2995 trials bounds the rate by 5, 1, 0.5 and 0.1 %."""
    assert (59, 299, 598, 2995) == tuple(stats.n_for_zero_events(rate) for rate in (0.05, 0.01, 0.005, 0.001))


def test_equivalence_has_the_power_it_was_planned_for() -> None:
    """With 429 in each group a band of 0.10 is passed in about 80 % of worlds without a gap."""
    rng = np.random.default_rng(3)
    worlds = rng.binomial(429, 0.5, size=(1500, 2)).tolist()
    passed = sum(stats.equivalence("newcombe", 0.10, counts=((x1, 429), (x2, 429))) < 0.05 for x1, x2 in worlds)

    assert 0.76 <= passed / 1500 <= 0.84


def test_published_sizes_for_a_ratio() -> None:
    """With 249 in each group at rate 0.5 "ratio at least 0.8" is passed in about 80 % of worlds without a gap."""
    rng = np.random.default_rng(4)
    worlds = rng.binomial(249, 0.5, size=(1500, 2)).tolist()
    passed = sum(stats.p_value("koopman", 0.8, side="above", counts=((x1, 249), (x2, 249))) < 0.05 for x1, x2 in worlds)

    assert 0.76 <= passed / 1500 <= 0.84


def test_a_detectable_gap_is_detected() -> None:
    """A gap as wide as ``detectable`` says is found one-sided in about 80 % of worlds."""
    gap = stats.detectable("newcombe", counts=((200, 400), (200, 400)))
    assert gap is not None
    rng = np.random.default_rng(5)
    first, second = rng.binomial(400, 0.5 + gap / 2, 1500).tolist(), rng.binomial(400, 0.5 - gap / 2, 1500).tolist()
    found = sum(
        stats.p_value("newcombe", 0.0, side="above", counts=((x1, 400), (x2, 400))) < 0.05
        for x1, x2 in zip(first, second, strict=True)
    )

    assert 0.76 <= found / 1500 <= 0.86


@pytest.mark.parametrize(
    ("method", "kept"),
    [
        ("wilson", {"counts": ((12, 300),)}),
        ("clopper-pearson", {"counts": ((12, 300),)}),
        ("newcombe", {"counts": ((160, 300), (150, 300))}),
        ("koopman", {"counts": ((90, 300), (100, 300))}),
        ("tango", {"counts": ((12, 9), (300, 300))}),
        ("t", {"moments": (0.03, 0.04, 30.0)}),
        ("log-t", {"moments": (0.03, 0.04, 30.0)}),
    ],
)
def test_the_number_needed_decides(method: str, kept: dict[str, Any]) -> None:
    """At the number needed the verdict falls, and a tenth below it it does not."""
    low, high = {"koopman": (0.8, 1.25), "log-t": (0.95, 1.06), "tango": (-0.03, 0.03)}.get(method, (-0.06, 0.06))
    needed = stats.n_for_verdict(method, low=low, high=high, n=300, **kept)
    assert needed is not None
    assert needed > 300

    def inside(n: float) -> bool:
        if "moments" in kept:
            value, error, df = kept["moments"]
            scaled: dict[str, Any] = {"moments": (value, error * (300 / n) ** 0.5, df)}
            interval = stats.bounds(method, level=0.9, **scaled)
        else:
            # Counts need not be whole to ask when an interval fits.
            from probandum.stats.basis import scaled_family

            family = scaled_family(method, kept["counts"], n / 300)
            return low <= family.lower(0.05) and family.upper(0.05) <= high
        return low - 1e-9 <= interval.low and interval.high <= high + 1e-9

    assert inside(needed * 1.001)
    assert not inside(needed * 0.9)


def test_no_number_is_needed_that_nobody_can_collect() -> None:
    """On the edge itself, and a hair beside it, there is no number."""
    assert stats.n_for_verdict("wilson", low=None, high=0.05, n=100, counts=((5, 100),)) is None
    assert stats.n_for_verdict("t", low=None, high=1.0, n=100, moments=(1.0 + 1e-9, 0.1, 99.0)) is None
    assert stats.n_for_verdict("exact", low=None, high=1.0, n=1, value=0.5) is None


@given(counts(most=300), st.floats(0.01, 0.9))
def test_whether_a_share_can_pass_is_brute_force(kept: tuple[int, int], high: float) -> None:
    """A share can pass a limit exactly where some number of events does."""
    _, n = kept
    some = any(stats.bounds("wilson", level=0.9, counts=((x, n),)).high <= high for x in range(n + 1))

    assert some == stats.can_pass("wilson", low=None, high=high, counts=(kept,))


@given(pairs(most=60), st.floats(0.02, 0.5), st.floats(0.0, 0.4))
def test_whether_a_gap_can_pass_a_band_off_parity_is_brute_force(kept: Any, half: float, around: float) -> None:
    """Where parity is not tolerated, every split of the same events is tried, and the bisection misses none."""
    (x1, n1), (x2, n2) = kept
    low, high = around + 0.01, around + 0.01 + 2 * half
    splits = range(max(0, x1 + x2 - n2), min(n1, x1 + x2) + 1)
    some = any(
        low <= i.low and i.high <= high
        for i in (stats.bounds("newcombe", level=0.9, counts=((x, n1), (x1 + x2 - x, n2))) for x in splits)
    )

    assert some == stats.can_pass("newcombe", low=low, high=high, counts=kept)


@given(pairs(most=2000), st.floats(0.01, 0.3))
def test_what_passes_could_have_passed(kept: Any, half: float) -> None:
    """Data that pass are never called underpowered."""
    interval = stats.bounds("newcombe", level=0.9, counts=kept)
    passes = -half <= interval.low and interval.high <= half

    assert not passes or stats.can_pass("newcombe", low=-half, high=half, counts=kept)


@given(pairs(reference=1), changes())
def test_detectable_effects_are_positive(pair: Any, changed: Any) -> None:
    """Every design has a smallest effect it finds, above 0 and finite, whatever it saw."""
    for method in ("newcombe", "miettinen-nurminen", "koopman"):
        assert 0 < (stats.detectable(method, counts=pair) or 0) < float("inf")
    assert 0 < (stats.detectable("tango", counts=changed) or 0) < float("inf")
    assert stats.detectable("exact", value=1.0) is None
    assert stats.detectable("t", moments=(1.0, 0.0, 3.0)) is None
