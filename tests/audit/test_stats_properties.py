"""What holds of every interval and every p-value, whatever the data."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from probandum import stats
from probandum.stats.basis import family_of
from strategies import alphas, changes, counts, levels, pairs, probabilities

#: Limits that every share lies above, or below, with the side that is asked about.
_BEYOND: tuple[tuple[float, Literal["above", "below"]], ...] = (
    (-0.1, "above"),
    (1.0, "above"),
    (0.0, "below"),
    (1.1, "below"),
)
Pair = tuple[tuple[int, int], tuple[int, int]]


def bases(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A method that keeps counts or moments, with what it keeps."""
    method = draw(
        st.sampled_from(
            ["wilson", "clopper-pearson", "newcombe", "miettinen-nurminen", "koopman", "katz", "tango", "t", "share-t"]
        )
    )
    if method in ("wilson", "clopper-pearson"):
        return method, {"counts": (draw(counts()),)}
    if method == "tango":
        return method, {"counts": draw(changes())}
    if method == "share-t":
        return method, {"moments": (draw(st.floats(0, 1)), draw(st.floats(0.001, 3)), draw(st.floats(1, 50)))}
    if method == "t":
        return method, {"moments": (draw(st.floats(-5, 5)), draw(st.floats(0.001, 3)), draw(st.floats(1, 50)))}
    pair = draw(pairs(reference=1))
    if method == "katz":
        assume(all(min(x, n - x) >= 10 for x, n in pair))
    return method, {"counts": pair}


anything = st.composite(bases)()


@given(anything, levels)
def test_an_interval_contains_its_estimate(basis: tuple[str, dict[str, Any]], level: float) -> None:
    """low <= value <= high, and all three are finite."""
    method, kept = basis
    interval = stats.bounds(method, level=level, **kept)

    assert interval.low <= interval.value + 1e-12
    assert interval.value - 1e-12 <= interval.high
    assert all(math.isfinite(end) for end in (interval.low, interval.high))


@given(anything, levels, levels)
def test_a_higher_level_is_a_wider_interval(basis: tuple[str, dict[str, Any]], one: float, other: float) -> None:
    """Intervals of the same data are nested by level."""
    method, kept = basis
    narrow = stats.bounds(method, level=min(one, other), **kept)
    wide = stats.bounds(method, level=max(one, other), **kept)

    assert wide.low <= narrow.low + 1e-9
    assert narrow.high - 1e-9 <= wide.high


@given(anything, alphas)
def test_p_values_invert_bounds(basis: tuple[str, dict[str, Any]], alpha: float) -> None:
    """Just outside a one-sided bound the p-value is below alpha, just inside it is not."""
    method, kept = basis
    family = family_of(method, **kept)
    low, high = family.lower(alpha), family.upper(alpha)
    step = 1e-6 * max(1.0, abs(low), abs(high))
    least = 0.0 if method in ("wilson", "clopper-pearson", "koopman", "katz") else -1.0
    most = math.inf if method in ("koopman", "katz") else 1.0
    bounded = method != "t"

    if not bounded or low - step > least:
        assert stats.p_value(method, low - step, side="above", **kept) < alpha + 1e-9
    if low < family.value - 2 * step:
        assert stats.p_value(method, low + step, side="above", **kept) > alpha - 1e-9
    if not bounded or high + step < most:
        assert stats.p_value(method, high + step, side="below", **kept) < alpha + 1e-9
    if high > family.value + 2 * step:
        assert stats.p_value(method, high - step, side="below", **kept) > alpha - 1e-9


@given(anything, st.floats(-2, 2))
def test_p_values_are_probabilities(basis: tuple[str, dict[str, Any]], limit: float) -> None:
    """Both sides give a number from 0 to 1 at any limit, possible or not, and fall with the evidence."""
    method, kept = basis
    above = stats.p_value(method, limit, side="above", **kept)
    below = stats.p_value(method, limit, side="below", **kept)

    assert 0 <= above <= 1
    assert 0 <= below <= 1
    assert above + below >= 1 - 1e-9


@given(pairs(), levels)
def test_exchanging_groups_negates_a_difference(pair: Pair, level: float) -> None:
    """The interval of h - g is that of g - h with its sign turned."""
    for method in ("newcombe", "miettinen-nurminen"):
        one = stats.bounds(method, level=level, counts=pair)
        other = stats.bounds(method, level=level, counts=(pair[1], pair[0]))

        assert (one.value, one.low, one.high) == pytest.approx((-other.value, -other.high, -other.low), abs=1e-7)


@given(pairs(), levels)
def test_renaming_events_negates_a_difference(pair: Pair, level: float) -> None:
    """Counting the opposite decision turns the sign, and changes nothing else."""
    opposite = tuple((n - x, n) for x, n in pair)
    for method in ("newcombe", "miettinen-nurminen"):
        one = stats.bounds(method, level=level, counts=pair)
        other = stats.bounds(method, level=level, counts=opposite)

        assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-7)


@given(pairs(reference=1), levels)
def test_exchanging_groups_inverts_a_ratio(pair: Pair, level: float) -> None:
    """The interval of h / g is the inverse of that of g / h."""
    assume(pair[0][0] > 0)
    one = stats.bounds("koopman", level=level, counts=pair)
    other = stats.bounds("koopman", level=level, counts=(pair[1], pair[0]))

    assert (one.low, one.high) == pytest.approx((1 / other.high, 1 / other.low), rel=1e-5)


@given(changes(), levels)
def test_exchanging_better_and_worse_negates_a_paired_difference(pair: Pair, level: float) -> None:
    """Tango's interval is symmetric in what is called better."""
    (better, worse), (n, _) = pair
    one = stats.paired_difference_interval(better, worse, n, level=level)
    other = stats.paired_difference_interval(worse, better, n, level=level)

    assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=1e-7)


@given(anything, st.integers(2, 20))
def test_more_data_of_the_same_kind_narrow_an_interval(basis: tuple[str, dict[str, Any]], times: int) -> None:
    """The same shares from several times as many observations give a narrower interval."""
    method, kept = basis
    assume("counts" in kept)
    more = tuple((x * times, n * times) for x, n in kept["counts"])
    one, many = stats.bounds(method, level=0.95, **kept), stats.bounds(method, level=0.95, counts=more)

    assert many.high - many.low <= one.high - one.low + 1e-9


@given(st.lists(probabilities, max_size=12))
def test_adjusted_p_values(p: list[float]) -> None:
    """Holm's are never below Benjamini and Hochberg's, and those never below the raw ones; order is kept."""
    strict, loose = stats.holm(p), stats.benjamini_hochberg(p)

    assert all(raw <= bh + 1e-12 <= h + 2e-12 for raw, bh, h in zip(p, loose, strict, strict=True))
    assert all(strict[i] <= strict[j] for i in range(len(p)) for j in range(len(p)) if p[i] < p[j])


@given(st.lists(probabilities, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_holm_does_not_depend_on_order(p: list[float], random: Any) -> None:
    """Shuffling the hypotheses shuffles the adjusted p-values."""
    order = list(range(len(p)))
    random.shuffle(order)

    assert [stats.holm(p)[i] for i in order] == stats.holm([p[i] for i in order])


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_sides(better: int, worse: int) -> None:
    """Both sides share the observed point, so they sum to at least 1; mid-p sums to 1 exactly."""
    sides = [stats.mcnemar(better, worse, alternative=side) for side in ("better", "worse")]
    mids = [stats.mcnemar(better, worse, alternative=side, mid=True) for side in ("better", "worse")]

    assert sum(sides) >= 1 - 1e-12
    assert sum(mids) == pytest.approx(1)


@given(st.integers(2, 30), st.integers(2, 6), st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_two_way_is_equivariant(templates: int, first: int, second: int, seed: int) -> None:
    """Adding to one group shifts the interval, exchanging groups negates it, and order does not matter."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(templates, first)), rng.normal(size=(templates, second))
    one = stats.two_way_interval(a, b)
    shifted = stats.two_way_interval(a + 2.0, b)
    exchanged = stats.two_way_interval(b, a)
    order = rng.permutation(templates)
    shuffled = stats.two_way_interval(a[order][:, ::-1], b[order])

    assert (one.low + 2, one.high + 2) == pytest.approx((shifted.low, shifted.high))
    assert (-one.high, -one.low) == pytest.approx((exchanged.low, exchanged.high))
    assert (one.low, one.high) == pytest.approx((shuffled.low, shuffled.high))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: stats.proportion_interval(5, 0), "n is 0; expected a whole number of at least 1"),
        (lambda: stats.proportion_interval(11, 10), "x is 11; expected at most n, which is 10"),
        (lambda: stats.proportion_interval(1, 10, level=1.0), "level is 1.0"),
        (lambda: stats.ratio_interval(1, 10, 0, 10), "x2 is 0"),
        (lambda: stats.ratio_interval(1, 20, 10, 20, method="katz"), "x1 is 1; katz expects at least 10"),
        (lambda: stats.paired_difference_interval(6, 5, 10), "worse is 5; expected at most n - better"),
        (lambda: stats.holm([0.5, math.nan]), "p holds nan"),
        (lambda: stats.mean_interval([1.0, math.nan]), "values holds NaN or infinity"),
        (lambda: stats.bounds("newcombe", level=0.9), "counts is None; newcombe expects 2 pairs"),
        (lambda: stats.bounds("wald", level=0.9), "method is 'wald'; expected one of wilson"),
        (lambda: stats.p_value("wilson", math.nan, side="above", counts=((1, 2),)), "limit is nan"),
        (lambda: stats.equivalence("t", 0.0, moments=(0.0, 1.0, 3.0)), "margin is 0.0; expected more than 0"),
        (lambda: stats.two_way_interval([[1.0, 2.0]], [[1.0, 2.0]]), "a has shape (1, 2)"),
    ],
)
def test_bad_arguments_are_named(call: Any, said: str) -> None:
    """What cannot be meant is refused in one line that names it."""
    with pytest.raises(ValueError) as caught:
        call()

    assert said in str(caught.value)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(1, 50), levels)
def test_a_share_stays_a_share(value: float, error: float, df: float, level: float) -> None:
    """Bounds of a share by Student's t are his own within 0 and 1, and nothing lies beyond these."""
    whole, share = (stats.bounds(method, level=level, moments=(value, error, df)) for method in ("t", "share-t"))

    assert (max(0.0, whole.low), min(1.0, whole.high)) == (share.low, share.high)
    beyond = [stats.p_value("share-t", limit, side=side, moments=(value, error, df)) for limit, side in _BEYOND]
    assert [0.0, 1.0, 1.0, 0.0] == beyond


@given(st.floats(0, 5), st.floats(0, 3), st.floats(1, 50), levels)
def test_an_amount_is_never_less_than_nothing(value: float, error: float, df: float, level: float) -> None:
    """Bounds of an amount by Student's t are his own from 0 on, to any height."""
    whole, amount = (stats.bounds(method, level=level, moments=(value, error, df)) for method in ("t", "amount-t"))

    assert (max(0.0, whole.low), whole.high) == (amount.low, amount.high)
    assert 0.0 == stats.p_value("amount-t", -0.1, side="above", moments=(value, error, df))
    assert 1.0 == stats.p_value("amount-t", 0.0, side="below", moments=(value, error, df))
