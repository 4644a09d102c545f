"""The change of a quantity over paired items, against independent oracles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as oracle

from probandum.changing import FEWEST_CLUSTERS, NotComparable, change_of_items
from probandum.evidence import Floats, Form, Items
from probandum.finding import Estimate
from probandum.stats import p_value, two_way_interval


def items(values: Floats, *, form: Form = "mean", clusters: int = 0, weights: Floats | None = None) -> Items:
    """Items with those values, in so many clusters; of a two-way form, half of the columns on either side."""
    n = len(values)
    rows, columns = np.divmod(np.arange(n), 8)
    crossed = form == "two-way"
    return Items(
        keys=tuple(f"item {place}" for place in range(n)),
        strata=("",) * n,
        values=tuple(values.tolist()),
        unit="score",
        form=form,
        clusters=tuple(f"c{place % clusters}" for place in range(n)) if clusters else tuple(map(str, rows)) * crossed,
        crossed=tuple(map(str, columns)) * crossed,
        sides=tuple(np.where(columns < 4, 1, -1).tolist()) * crossed,
        weights=() if weights is None else tuple(weights.tolist()),
    )


def changed(base: Items, new: Items, design: str | None = None) -> Estimate:
    """The change of a score."""
    return change_of_items(base, new, design=design, unit="score")


def drawn(seed: int, n: int = 160) -> tuple[Floats, Floats]:
    """Two correlated rows of values."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=n)
    return shared + 0.3 * rng.normal(size=n), shared + 0.3 * rng.normal(size=n) + 0.1


def test_unclustered_items_give_the_paired_t_test() -> None:
    """Value and p-value are those of scipy's paired t-test."""
    before, after = drawn(1)
    change = changed(items(before), items(after))
    expected = oracle.ttest_rel(after, before, alternative="greater")

    assert change.value == pytest.approx(float((after - before).mean()))
    assert change.method is not None
    assert expected.pvalue == pytest.approx(p_value(change.method, 0.0, side="above", moments=change.moments))


def test_clusters_count_once_each() -> None:
    """Items of one cluster are averaged first, and the t-test runs over clusters."""
    before, after = drawn(2)
    change = changed(items(before, clusters=40), items(after, clusters=40), "cluster=text")
    means = np.array([(after - before)[place::40].mean() for place in range(40)])
    interval = oracle.ttest_1samp(means, 0.0).confidence_interval(0.95)

    assert (interval.low, interval.high) == pytest.approx((change.low, change.high))
    assert 40 == change.n_effective
    assert (change.design or "").startswith("cluster=text; 160 items paired")


def test_few_clusters_carry_a_caution() -> None:
    """Under 20 clusters the estimate says on how few degrees of freedom it rests; from 20 on it does not."""
    before, after = drawn(3)
    few = changed(items(before, clusters=FEWEST_CLUSTERS - 1), items(after, clusters=FEWEST_CLUSTERS - 1))
    many = changed(items(before, clusters=FEWEST_CLUSTERS), items(after, clusters=FEWEST_CLUSTERS))

    assert "caution: 19 clusters are few, the interval rests on 18.0 degrees of freedom" in (few.design or "")
    assert "caution" not in (many.design or "")


def test_shares_give_mcnemars_exact_test() -> None:
    """The p-value of no change is that of scipy's exact binomial test over the pairs that changed."""
    rng = np.random.default_rng(4)
    before = (rng.random(300) < 0.4).astype(float)
    after = np.where(rng.random(300) < 0.1, 1 - before, before)
    change = changed(items(before, form="share"), items(after, form="share"))
    up, down, n = change.moved or (0, 0, 0)
    expected = oracle.binomtest(up, up + down, 0.5, alternative="greater").pvalue

    assert ((after > before).sum(), (after < before).sum(), 300) == (up, down, n)
    assert ((up, down), (n, n)) == change.counts
    assert expected == pytest.approx(p_value("mcnemar-tango", 0.0, side="above", counts=change.counts))


def test_a_grid_gives_the_two_way_interval_of_its_differences() -> None:
    """Templates crossed with names: the interval over the matrices of differences."""
    before, after = drawn(5)
    change = changed(items(before, form="two-way"), items(after, form="two-way"), "two_way=template x name")
    grid = (after - before).reshape(20, 8)
    expected = two_way_interval(grid[:, :4], grid[:, 4:])

    assert (expected.value, expected.low, expected.high) == pytest.approx((change.value, change.low, change.high))


def test_a_missing_cell_of_a_grid_changes_nothing_that_is_additive() -> None:
    """A cell that only one audit has is filled in from its row and column."""
    rows, columns = np.divmod(np.arange(160), 8)
    before = np.zeros(160)
    after = 0.5 * (columns < 4) + 0.01 * rows
    whole = items(after, form="two-way")
    holed = replace(
        whole,
        **{name: getattr(whole, name)[1:] for name in ("keys", "strata", "values", "clusters", "crossed", "sides")},
    )
    change = changed(items(before, form="two-way"), holed)

    assert 0.5 == pytest.approx(change.value, abs=1e-6)
    assert "159 items paired; 1 left out" in (change.design or "")


def test_windows_give_welchs_test_on_logarithms() -> None:
    """A relative change of independent repeats: scipy's Welch test on the logarithms."""
    rng = np.random.default_rng(6)
    before, after = np.exp(rng.normal(size=5) * 0.05), 1.1 * np.exp(rng.normal(size=7) * 0.02)
    change = changed(items(before, form="windows"), items(after, form="windows"))
    expected = oracle.ttest_ind(np.log(after), np.log(before), equal_var=False)
    interval = expected.confidence_interval(0.95)

    assert "relative" == change.unit
    assert (np.expm1(interval.low), np.expm1(interval.high)) == pytest.approx((change.low, change.high))
    assert expected.pvalue / 2 == pytest.approx(p_value("log-change", 0.0, side="above", moments=change.moments))


def test_windows_of_another_meter_are_refused() -> None:
    """Another meter, or other work, would be read as a change of the system."""
    base = items(np.array([1.0, 1.1]), form="windows")

    with pytest.raises(NotComparable, match="metered otherwise: meter B; the baseline: "):
        changed(base, replace(base, strata=("meter B", "meter B")))


def test_a_ratio_of_means_changes_by_the_difference_of_both_ratios() -> None:
    """The value is exact, and the standard error is the bootstrap's of both ratios over the same items."""
    rng = np.random.default_rng(7)
    top, bottom = rng.gamma(4, size=(2, 200)), rng.gamma(8, size=(2, 200)) + 2
    first, second = (items(t / b.mean(), weights=b / b.mean(), form="ratio") for t, b in zip(top, bottom, strict=True))
    change = changed(first, second)
    places = rng.integers(200, size=(4000, 200))
    draws = np.subtract(
        *(t[places].mean(axis=1) / b[places].mean(axis=1) for t, b in zip(top[::-1], bottom[::-1], strict=True))
    )

    assert top[1].mean() / bottom[1].mean() - top[0].mean() / bottom[0].mean() == pytest.approx(change.value)
    assert draws.std() == pytest.approx((change.moments or (0, 0, 0))[1], rel=0.1)


def test_the_largest_of_all_is_exact() -> None:
    """A census has no sampling error: the change of the largest value, without a width."""
    change = changed(items(np.array([0.1, 0.4]), form="largest"), items(np.array([0.2, 0.3]), form="largest"))

    assert "exact" == change.method
    assert -0.1 == pytest.approx(change.value)
    assert change.low == change.high


def test_under_95_percent_of_the_baselines_items_nothing_is_compared() -> None:
    """Items that the baseline had and the new audit lacks are no longer the same benchmark."""
    before, after = drawn(8, n=100)
    enough = changed(items(before), items(after[:95]))

    assert 95 == enough.n
    with pytest.raises(NotComparable, match="94 of the baseline's 100 items recur, under 95 %"):
        changed(items(before), items(after[:94]))


def test_a_declared_sample_pairs_with_all_of_which_it_is_a_part() -> None:
    """A smaller sample of the same items is compared over itself, whichever of the two audits asked it."""
    before, after = drawn(8, n=100)
    for base, new in ((items(before), items(after[:40])), (items(before[:40]), items(after))):
        change = change_of_items(base, new, design=None, unit="score", sampled=True)

        assert 40 == change.n
        assert float((after - before)[:40].mean()) == pytest.approx(change.value)


def test_new_items_are_left_out_and_said() -> None:
    """A benchmark may grow: what the baseline never asked is compared with nothing."""
    before, after = drawn(9, n=100)
    change = changed(items(before[:50]), items(after))

    assert "50 items paired; 50 new" == change.design


def test_an_item_of_other_content_is_another_item() -> None:
    """Where a key names a place only, a row that was changed does not recur."""
    before, after = drawn(10, n=100)
    base = replace(items(before), contents=tuple(map(str, range(100))))
    new = replace(items(after), contents=("edited", *map(str, range(1, 100))))

    assert 99 == changed(base, new).n


def test_items_of_another_form_are_refused() -> None:
    """The two audits must have made the quantity up in the same way."""
    before, after = drawn(11)

    with pytest.raises(NotComparable, match="its items make up a share, and those of the baseline a mean"):
        changed(items(before), items((after > 0).astype(float), form="share"))


def test_items_without_keys_of_their_own_are_refused() -> None:
    """Two items of one key cannot be told apart."""
    before, _ = drawn(12, n=4)
    twice = replace(items(before), keys=("a", "a", "b", "c"))

    with pytest.raises(NotComparable, match="no keys of their own"):
        changed(twice, twice)


forms: st.SearchStrategy[Form] = st.sampled_from(["mean", "share", "two-way", "ratio", "largest", "windows"])


@given(forms, st.integers(0, 10_000))
def test_nothing_changes_from_an_audit_to_itself(form: Form, seed: int) -> None:
    """The change is exactly 0, inside its interval, and no item moved."""
    same = _any(form, seed)
    change = changed(same, same)

    assert 0.0 == change.value
    assert change.low is not None and change.high is not None
    assert change.low <= 0.0 <= change.high
    assert change.moved is None or (0, 0) == change.moved[:2]


@given(forms, st.integers(0, 10_000))
def test_swapping_the_audits_turns_the_sign(form: Form, seed: int) -> None:
    """Value and bounds change their sign, on the logarithm for a relative change."""
    first, second = _any(form, seed), _any(form, seed + 1)
    one, other = changed(first, second), changed(second, first)

    def turned(value: float | None) -> float:
        assert value is not None
        return float(np.expm1(-np.log1p(value))) if form == "windows" else -value

    assert turned(other.value) == pytest.approx(one.value, abs=1e-9)
    assert (turned(other.high), turned(other.low)) == pytest.approx((one.low, one.high), abs=1e-9)


def _any(form: Form, seed: int) -> Items:
    rng = np.random.default_rng(seed)
    values = rng.gamma(3, size=80)
    weights = rng.gamma(5, size=80) if form == "ratio" else None
    return items((values > 3).astype(float) if form == "share" else values, form=form, weights=weights)
