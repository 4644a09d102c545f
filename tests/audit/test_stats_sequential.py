"""Sequential tests and confidence sequences: published numbers, error rates by simulation, and what always holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fakes import result_of
from probandum import codec, stats
from probandum.finding import Direction, Estimate, Finding, Limit, Stream, SubReason, Verdict
from probandum.judging import judge
from probandum.probe import Measure
from probandum.stats.betting import Betting, Past, gain

LOG_20 = math.log(20)

bit = st.integers(0, 1)
runs = st.builds(lambda first, n, then, m: [first] * n + [then] * m, bit, st.integers(1, 90), bit, st.integers(0, 90))
periods = st.builds(
    lambda period, times, end: period * times + end,
    st.lists(bit, min_size=1, max_size=6),
    st.integers(1, 40),
    st.lists(bit, max_size=60),
)
bits = st.one_of(st.lists(bit, min_size=1, max_size=150), runs, periods)
values = st.lists(st.floats(0, 1), min_size=1, max_size=60)
taus = st.floats(0.01, 0.99)


def capital(xs: Any, m: float, side: Literal["above", "below"], **how: Any) -> Any:
    """The log capital after each outcome of streams, shape (runs, n)."""
    how = {"binary": True, "population": None} | how
    return np.cumsum(gain(xs, Past.before_each(xs), m, side, **how), axis=-1)


def ever(capitals: Any, *, threshold: float = LOG_20, every: int = 1) -> float:
    """The share of streams whose capital was ever that large when one looked."""
    return float((capitals[:, every - 1 :: every] >= threshold).any(axis=1).mean())


def as_printed(xs: Sequence[int], tau: float, alpha: float) -> tuple[str, int]:
    """The published algorithm, line by line, for 0/1 outcomes and tau up to 1/2."""
    total, k_pass, k_fail = 0, 0.0, 0.0
    a0, b0, c = 0.5, 0.5 / tau - 0.5, 0.9
    for t, x in enumerate(xs):
        ph = (total + a0) / (t + a0 + b0)
        lam = (ph - tau) / (tau * (1 - tau))
        lp = min(max(lam, -c / (1 - tau)), 0)
        lf = min(max(lam, 0), c / tau)
        k_pass += math.log1p(lp * (x - tau))
        k_fail += math.log1p(lf * (x - tau))
        total += x
        if k_pass >= math.log(1 / alpha):
            return "PASS", t + 1
        if k_fail >= math.log(1 / alpha):
            return "FAIL", t + 1
    return "INCONCLUSIVE", len(xs)


@pytest.mark.parametrize(
    ("tau", "at_5", "at_1"), [(0.01, 410, 588), (0.02, 204, 293), (0.05, 81, 116), (0.10, 40, 57), (0.20, 19, 27)]
)
def test_published_calls_without_an_event(tau: float, at_5: int, at_1: int) -> None:
    """The fewest calls without an event that pass come out as printed, and mirrored for a least share."""
    for alpha, expected in ((0.05, at_5), (0.01, at_1)):
        most = stats.SequentialTest(tau, alpha_pass=alpha, n_max=1000)
        least = stats.SequentialTest(1 - tau, alpha_pass=alpha, n_max=1000, direction="at_least")

        assert Verdict.PASS == most.extend([0] * 1000) == least.extend([1] * 1000)
        assert expected == most.n == least.n


@pytest.mark.parametrize(("n", "printed"), [(50, 0.0795), (81, 0.0495), (100, 0.040), (200, 0.020), (500, 0.008)])
def test_published_ends_of_confidence_sequences(n: int, printed: float) -> None:
    """Without an event the upper end lies in the cell of a grid of 0.0005 that starts at the printed number."""
    high = stats.confidence_sequence([0] * n, alpha=0.05).high

    assert printed <= high < printed + 0.0005


def test_the_algorithm_is_the_published_one() -> None:
    """Verdict and number of calls agree with the printed pseudo-code, run line by line."""
    rng = np.random.default_rng(1)
    for tau, rate in ((0.05, 0.0), (0.05, 0.05), (0.05, 0.2), (0.3, 0.2), (0.5, 0.6), (0.1, 0.13)):
        for _ in range(10):
            xs = (rng.random(400) < rate).astype(int).tolist()
            test = stats.SequentialTest(tau, n_max=400)
            test.extend(xs)

            assert test.verdict is not None
            assert as_printed(xs, tau, 0.05) == (test.verdict.value, test.n)


def test_bets_on_other_outcomes_are_agrapa() -> None:
    """Two steps of the bet on values between 0 and 1, by hand."""
    test = stats.SequentialTest(0.4, n_max=10, binary=False)
    test.update(0.9)  # bet (0.5 - 0.4) / (0.25 + 0.01)
    first = 1 + 0.1 / 0.26 * 0.5

    assert first == pytest.approx(test.e_fail)

    test.update(0.7)  # mean 1.4 / 2, variance (0.25 + 0.04) / 2
    second = 1 + 0.3 / (0.145 + 0.09) * 0.3

    assert 0.5 / 0.4 < 0.3 / (0.145 + 0.09)  # so the bet is cut to half of the ruinous one
    assert first * (1 + 0.5 / 0.4 * 0.3) == pytest.approx(test.e_fail)
    assert second > 1 + 0.5 / 0.4 * 0.3


def test_looking_every_ten_calls_costs_nothing() -> None:
    """At the limit itself at most 5 % ever pass and at most 5 % ever fail, with looks every 10 calls or at each."""
    rng = np.random.default_rng(2)
    xs = (rng.random((4000, 1000)) < 0.05).astype(float)
    error = 3 * math.sqrt(0.05 * 0.95 / 4000)
    for side in ("below", "above"):
        capitals = capital(xs, 0.05, side)

        assert 0.01 < ever(capitals, every=10) <= ever(capitals) <= 0.05 + error


@pytest.mark.parametrize(("rate", "mean", "most"), [(0.01, 148, 262), (0.10, 211, 422), (0.20, 36, 70)])
def test_published_numbers_of_calls(rate: float, mean: float, most: float) -> None:
    """The mean and the 90th percentile of calls at a limit of 5 % come out as printed, up to simulation error."""
    rng = np.random.default_rng(3)
    xs = (rng.random((1500, 1500)) < rate).astype(float)
    decided = np.maximum(capital(xs, 0.05, "below"), capital(xs, 0.05, "above")) >= LOG_20
    calls = np.where(decided.any(axis=1), decided.argmax(axis=1) + 1, xs.shape[1])

    assert mean == pytest.approx(calls.mean(), rel=0.08)
    assert most == pytest.approx(np.quantile(calls, 0.9), rel=0.12)


def test_values_between_and_pairs_keep_their_error_rates() -> None:
    """At the limit itself skewed values and differences of pairs ever decide in at most 5 % of runs a side."""
    rng = np.random.default_rng(4)
    skewed = rng.beta(0.2, 1.8, size=(2000, 500))
    pairs = (rng.choice([-1, 0, 1], p=[0.1, 0.8, 0.1], size=(2000, 500)) + 1) / 2
    error = 3 * math.sqrt(0.05 * 0.95 / 2000)
    for xs, m in ((skewed, 0.1), (pairs, 0.5)):
        for side in ("below", "above"):
            assert ever(capital(xs, m, side, binary=False)) <= 0.05 + error


@pytest.mark.parametrize(("bad", "wrong", "right"), [(50, "FAIL", "PASS"), (51, "PASS", "FAIL")])
def test_a_census_on_the_edge(bad: int, wrong: str, right: str) -> None:
    """Of 1000 items 50 keep a limit of 5 % and 51 do not: at most 5 % of orders say otherwise, the rest is exact."""
    rng = np.random.default_rng(5)
    items = np.repeat([1, 0], [bad, 1000 - bad])
    verdicts = []
    for _ in range(60):
        test = stats.SequentialTest(0.05, n_max=1000, population=1000)
        verdicts.append(test.extend(rng.permutation(items).tolist()))
    found = [verdict.value for verdict in verdicts if verdict is not None]

    assert set(found) <= {wrong, right}
    assert 60 == len(found)
    assert found.count(wrong) <= 8

    orders = rng.permuted(np.tile(items.astype(float), (2000, 1)), axis=1)
    side: Literal["above", "below"] = "above" if wrong == "FAIL" else "below"

    assert ever(capital(orders, 0.05, side, population=1000)) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 2000)


@given(st.lists(st.integers(0, 1), min_size=1, max_size=60), st.integers(1, 59), st.randoms(use_true_random=False))
def test_a_census_does_not_depend_on_order(xs: list[int], bad: int, random: Any) -> None:
    """Where bets decide nothing, the verdict on all items is that of their count, in any order."""
    assume(bad < len(xs))
    tau, n = bad / len(xs), len(xs)
    shuffled = random.sample(xs, n)
    for order in (xs, shuffled):
        strict: dict[str, Any] = {"alpha_pass": 1e-50, "alpha_fail": 1e-50, "n_max": n, "population": n}
        most = stats.SequentialTest(tau, **strict).extend(order)
        least = stats.SequentialTest(tau, direction="at_least", **strict).extend(order)

        assert (Verdict.PASS if sum(xs) <= bad else Verdict.FAIL) == most
        assert (Verdict.PASS if sum(xs) >= bad else Verdict.FAIL) == least


def test_what_the_rest_cannot_change_is_decided_at_once() -> None:
    """Of 20 items at most 2 may be bad: the third bad one fails, and so many good ones that 2 are left pass."""
    worst = stats.SequentialTest(0.1, alpha_fail=1e-9, n_max=20, population=20)
    best = stats.SequentialTest(0.1, alpha_pass=1e-9, n_max=20, population=20)

    assert (Verdict.FAIL, 3) == (worst.extend([1] * 20), worst.n)
    assert (Verdict.PASS, 19) == (best.extend([0] * 20), best.n)
    assert (math.inf, 0.0) == (best.e_pass, best.p_pass)


@given(bits, taus, st.booleans())
def test_relabelling_turns_the_sides(xs: list[int], tau: float, band: bool) -> None:
    """A least share of hits is a most share of misses, and a band of one is a band of the other."""
    misses = [1 - x for x in xs]
    if band:
        one = stats.SequentialTest(0.1, n_max=100, direction="band", around=tau)
        other = stats.SequentialTest(0.1, n_max=100, direction="band", around=1 - tau)
    else:
        one = stats.SequentialTest(tau, n_max=100, direction="at_least")
        other = stats.SequentialTest(1 - tau, n_max=100)
    one.extend(xs)
    other.extend(misses)

    assert (one.verdict, one.n) == (other.verdict, other.n)
    assert (one.p_pass, one.p_fail) == pytest.approx((other.p_pass, other.p_fail))
    assert (one.e_pass, one.e_fail) == pytest.approx((other.e_pass, other.e_fail))


def test_a_band_passes_once_both_edges_have_been_cleared() -> None:
    """PASS needs both sides at 1 / alpha; FAIL needs one side at twice that, because a band has two."""
    rng = np.random.default_rng(6)
    xs = (rng.random(5000) < 0.5).astype(int).tolist()
    band = stats.SequentialTest(0.1, n_max=5000, direction="band", around=0.5)
    upper = stats.SequentialTest(0.6, n_max=5000)
    lower = stats.SequentialTest(0.4, n_max=5000, direction="at_least")
    for test in (band, upper, lower):
        test.extend(xs)

    assert {Verdict.PASS} == {band.verdict, upper.verdict, lower.verdict}
    assert max(upper.n, lower.n) == band.n
    assert upper.n != lower.n

    outside = stats.SequentialTest(0.1, n_max=5000, direction="band", around=0.2)
    alone = stats.SequentialTest(0.3, n_max=5000, alpha_fail=0.025)

    assert Verdict.FAIL == outside.extend(xs) == alone.extend(xs)
    assert alone.n == outside.n


def test_a_band_keeps_its_error_rates() -> None:
    """At an edge of a band at most 5 % of runs ever pass and at most 2.5 % ever fail over that edge."""
    rng = np.random.default_rng(7)
    xs = (rng.random((3000, 800)) < 0.6).astype(float)
    passes = (capital(xs, 0.6, "below") >= LOG_20).any(axis=1) & (capital(xs, 0.4, "above") >= LOG_20).any(axis=1)

    assert passes.mean() <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 3000)
    assert ever(capital(xs, 0.6, "above"), threshold=math.log(40)) <= 0.025 + 3 * math.sqrt(0.025 * 0.975 / 3000)


def test_an_edge_beyond_what_can_be_is_no_edge() -> None:
    """A band of 0.1 around 0.02 is a limit of at most 0.12, with one hypothesis."""
    band = stats.SequentialTest(0.1, n_max=200, direction="band", around=0.02)
    plain = stats.SequentialTest(0.12, n_max=200)

    assert Verdict.PASS == band.extend([0] * 200) == plain.extend([0] * 200)
    assert (plain.n, 1) == (band.n, band.hypotheses)


def test_a_family_asks_for_more_before_it_fails() -> None:
    """Among 20 hypotheses a FAIL needs an e-value of 400, so that Holm's first step can reject; PASS needs 20."""
    alone, one_of_20 = (stats.SequentialTest(0.05, n_max=500, hypotheses=k) for k in (1, 20))

    assert Verdict.FAIL == alone.extend([1] * 500) == one_of_20.extend([1] * 500)
    assert alone.n < one_of_20.n
    assert 400 <= one_of_20.e_fail
    assert stats.e_holm([one_of_20.e_fail] + [1.0] * 19)[0] <= 0.05

    passing = stats.SequentialTest(0.05, n_max=500, hypotheses=20)

    assert (Verdict.PASS, 81) == (passing.extend([0] * 500), passing.n)


@given(bits, taus, st.sampled_from(["at_most", "at_least"]), st.sampled_from([0.01, 0.05, 0.2]), st.booleans())
def test_the_confidence_sequence_never_contradicts_the_verdict(
    xs: list[int], tau: float, direction: Direction, alpha: float, finite: bool
) -> None:
    """PASS: the interval lies on the good side; FAIL: on the bad one; else it holds the limit."""
    population = len(xs) + 7 if finite else None
    test = stats.SequentialTest(
        tau, alpha_pass=alpha, alpha_fail=alpha, n_max=len(xs), direction=direction, population=population
    )
    test.extend(xs)
    interval = stats.confidence_sequence(test.stream.values, alpha=alpha, population=population)
    good = interval.high < tau if direction == "at_most" else interval.low > tau
    bad = interval.low > tau if direction == "at_most" else interval.high < tau

    assert {Verdict.PASS: (True, False), Verdict.FAIL: (False, True)}.get(test.verdict, (False, False)) == (good, bad)  # type: ignore[arg-type]


@given(st.one_of(bits, values), taus, st.booleans(), st.booleans())
def test_a_limit_can_be_changed_afterwards(xs: list[float], tau: float, wide: bool, finite: bool) -> None:
    """The p-values of a kept stream at any limit are those of a test of that limit, in any unit."""
    span = (-1.0, 1.0) if wide else (0.0, 1.0)
    ys, limit = ([2 * x - 1 for x in xs], 2 * tau - 1) if wide else (list(xs), tau)
    how: dict[str, Any] = {"binary": set(xs) <= {0, 1}, "population": len(xs) + 3 if finite else None, "span": span}
    test = stats.SequentialTest(limit, alpha_pass=1e-200, alpha_fail=1e-200, n_max=len(xs), **how)
    test.extend(ys)
    assume(test.n == len(xs))
    kept = Stream(values=tuple(ys), **how)

    assert kept == test.stream
    assert test.p_pass == pytest.approx(stats.p_value("sequential", limit, side="below", stream=kept))
    assert test.p_fail == pytest.approx(stats.p_value("sequential", limit, side="above", stream=kept))


@given(bits, taus)
def test_a_test_can_be_rebuilt_from_its_stream(xs: list[int], tau: float) -> None:
    """A new test that sees what was seen is in the same state."""
    test = stats.SequentialTest(tau, n_max=120)
    test.extend(xs)
    again = stats.SequentialTest(tau, n_max=120)
    again.extend(test.stream.values)

    assert (test.verdict, test.n, test.e_pass, test.e_fail) == (again.verdict, again.n, again.e_pass, again.e_fail)


@given(st.one_of(bits, values), st.floats(0.001, 0.2), st.floats(0.001, 0.2), st.booleans())
def test_bounds_contain_the_mean_and_widen_with_the_level(xs: list[float], a: float, b: float, finite: bool) -> None:
    """low <= mean <= high within the span, and a smaller alpha is a wider interval."""
    how: dict[str, Any] = {"binary": set(xs) <= {0, 1}, "population": len(xs) if finite else None}
    narrow = stats.confidence_sequence(xs, alpha=max(a, b), **how)
    wide = stats.confidence_sequence(xs, alpha=min(a, b), **how)

    assert 0 <= wide.low <= narrow.low + 1e-9
    assert narrow.low <= narrow.value <= narrow.high
    assert narrow.high - 1e-9 <= wide.high <= 1
    assert not finite or wide.low == pytest.approx(wide.high, abs=1e-8)


@given(st.floats(0.02, 0.98), st.integers(5, 300), st.integers(0, 2**32 - 1), st.booleans())
def test_further_limits_are_refuted_more(rate: float, n: int, seed: int, binary: bool) -> None:
    """In random order all limits above a refuted "at least m" are refuted, and all below a refuted "at most m"."""
    rng = np.random.default_rng(seed)
    xs = (rng.random(n) < rate).astype(float) if binary else rng.beta(3 * rate, 3 * (1 - rate), n)
    family = Betting(stream=Stream(values=tuple(xs.tolist()), binary=binary))
    limits = np.linspace(0.02, 0.98, 25).tolist()
    below, above = [family.p_below(m) for m in limits], [family.p_above(m) for m in limits]

    for alpha in (0.2, 0.05, 0.01):
        refuted_below, refuted_above = [p <= alpha for p in below], [p <= alpha for p in above]

        assert sorted(refuted_below) == refuted_below
        assert sorted(refuted_above, reverse=True) == refuted_above


def test_confidence_sequences_cover() -> None:
    """Each end excludes the true mean, at any of 300 times, in at most 5 % of runs: both ends then 10 %."""
    rng = np.random.default_rng(8)
    missed = 0
    for _ in range(300):
        xs = (rng.random(300) < 0.3).astype(int).tolist()
        interval = stats.confidence_sequence(xs, alpha=0.05)
        missed += not interval.low <= 0.3 <= interval.high

    assert missed / 300 <= 0.10


def judged(estimate: Estimate, limit: Limit) -> Finding:
    """The finding on one sequential estimate."""
    (finding,) = judge([result_of(Measure(metric="rate", estimate=estimate))], [limit])
    return finding


def estimate_of(stream: Stream) -> Estimate:
    """What a sequential probe says."""
    interval = stats.bounds("sequential", level=0.95, stream=stream)
    return Estimate(
        value=interval.value,
        low=interval.low,
        high=interval.high,
        n=len(stream.values),
        unit="share",
        method="sequential",
        stream=stream,
    )


def test_a_stopped_run_is_judged_as_it_stopped_and_at_other_limits() -> None:
    """81 calls without an event pass 5 %, do not decide 4 %, and could not have passed 4 %; the record keeps them."""
    test = stats.SequentialTest(0.05, n_max=1000)
    test.extend([0] * 1000)
    estimate = estimate_of(test.stream)
    limit = Limit(metric="bias.fake/rate", direction="at_most", threshold=0.05)
    other = judged(estimate, replace(limit, threshold=0.04))

    assert Verdict.PASS is judged(estimate, limit).verdict
    assert (Verdict.INCONCLUSIVE, SubReason.UNDERPOWERED) == (other.verdict, other.sub_reason)
    assert other.n_needed is not None
    assert 100 <= other.n_needed <= 103
    assert estimate == codec.decode(Estimate, codec.encode(estimate))


def test_a_run_that_used_up_its_calls_says_so() -> None:
    """A rate near its limit is INCONCLUSIVE for its budget, and one far above it FAILs."""
    rng = np.random.default_rng(9)
    limit = Limit(metric="bias.fake/rate", direction="at_most", threshold=0.3)
    near = stats.SequentialTest(0.3, n_max=200)
    near.extend((rng.permutation(np.repeat([1, 0], [60, 140]))).tolist())
    far = stats.SequentialTest(0.3, n_max=200)
    far.extend((rng.random(200) < 0.6).astype(int).tolist())
    found = judged(estimate_of(near.stream), limit)

    assert (Verdict.INCONCLUSIVE, Verdict.FAIL) == (near.verdict, far.verdict)
    assert (Verdict.INCONCLUSIVE, SubReason.BUDGET) == (found.verdict, found.sub_reason)
    assert Verdict.FAIL is judged(estimate_of(far.stream), limit).verdict


def test_a_detectable_effect_is_detected() -> None:
    """An excess as large as ``detectable`` says is found in about 80 % of streams of that length."""
    rng = np.random.default_rng(10)
    half = Stream(values=tuple(rng.permutation(np.repeat([1.0, 0.0], 200)).tolist()))
    gap = stats.detectable("sequential", stream=half)
    assert gap is not None
    xs = (rng.random((1500, 400)) < 0.5).astype(float)

    assert 0.7 <= ever(capital(xs, 0.5 - gap, "above")) <= 0.9


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: stats.SequentialTest(0.0, n_max=9), "the limit lies at [0.0]; expected an edge strictly between"),
        (lambda: stats.SequentialTest(math.nan, n_max=9), "tau is nan; expected a finite number"),
        (lambda: stats.SequentialTest(0.5, n_max=0), "n_max is 0"),
        (lambda: stats.SequentialTest(0.5, n_max=9, alpha_pass=0.0), "alpha_pass is 0.0"),
        (lambda: stats.SequentialTest(0.0, n_max=9, direction="band", around=0.5), "tau is 0.0; a band expects"),
        (lambda: stats.SequentialTest(0.5, n_max=9, direction="up"), "direction is 'up'"),  # type: ignore[arg-type]
        (lambda: stats.SequentialTest(0.5, n_max=9).update(0.5), "x is 0.5; expected 0.0 or 1.0"),
        (lambda: stats.SequentialTest(0.5, n_max=9, binary=False).update(math.nan), "x is nan; expected a number"),
        (lambda: [test := stats.SequentialTest(0.5, n_max=1), test.update(0), test.update(0)], "the test stopped with"),
        (lambda: stats.confidence_sequence([], alpha=0.05), "the stream is empty"),
        (lambda: stats.confidence_sequence([0, 2], alpha=0.05), "the stream holds 2.0; expected values from 0.0"),
        (lambda: stats.confidence_sequence([0.5], alpha=0.05), "the binary stream holds 0.5"),
        (lambda: stats.confidence_sequence([0, 0], alpha=0.05, population=1), "population is 1; expected at least"),
        (lambda: stats.confidence_sequence([0], alpha=0.05, span=(1.0, 0.0)), "span is (1.0, 0.0)"),
        (lambda: stats.confidence_sequence([0], alpha=0.5), "level is 0.0"),
        (lambda: stats.bounds("sequential", level=0.9), "stream is None; sequential expects the outcomes"),
    ],
)
def test_bad_arguments_are_named(call: Any, said: str) -> None:
    """What cannot be meant is refused in one line that names it."""
    with pytest.raises(ValueError) as caught:
        call()

    assert said in str(caught.value)
