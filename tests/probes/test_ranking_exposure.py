"""Rankings by group: attention by hand and by a loop, tops against scipy, and data that forbid a verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import Constant, Pricer, Scorer, credit_world, measured, price_world, run_probe
from probandum import stats
from probandum.changing import change_of_items, value_of
from probandum.errors import DataError
from probandum.evidence import Floats, Response, Table
from probandum.finding import Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.probe import ProbeResult
from probandum.subject import Decision, Grouping, Subject
from probandum_probes.bias.outcomes import Numbers
from probandum_probes.bias.ranking_exposure import RankingExposure
from probandum_probes.bias.rankings import Ranking, log_ratio, sums_by_list

FOUR_FIFTHS = Limit(metric="bias.ranking-exposure/exposure-ratio", direction="at_least", threshold=0.8)


def ranked(
    scores: Any, codes: Any, *, lists: Any = None, favourable: str = "higher", top: int = 2
) -> tuple[Ranking, Grouping]:
    """Rows of two groups A and B with these numbers."""
    values = np.asarray(scores, dtype=np.float64)
    grouping = Grouping(attribute="g", codes=np.asarray(codes), names=("A", "B"), reference="B")
    table = Table({"x": values, "q": np.zeros(len(values)) if lists is None else np.asarray(lists, dtype=np.float64)})
    decision = Decision(favourable=favourable, numeric=True)
    subject = Subject(table=table, groupings={"g": grouping}, decision=decision)
    numbers = Numbers(subject=subject, answer=Response(), decided=values, quantile=0.5)
    return Ranking.of(numbers, None if lists is None else "q", top, np.random.default_rng(1)), grouping


def in_lists(rows: int, lists: int, seed: int = 1) -> Subject:
    """The price world in lists of equal length."""
    world = price_world(rows, seed=seed)
    names = np.array([f"q{place % lists}" for place in range(rows)])
    return replace(world, table=Table({**world.table.columns, "q": names}))


@pytest.fixture(scope="module")
def one() -> ProbeResult:
    """One list of 400, in which women are ranked lower."""
    return run_probe(RankingExposure(), Pricer(gap=1.0), price_world(400))


@pytest.fixture(scope="module")
def several() -> ProbeResult:
    """Sixty lists of 20."""
    return run_probe(RankingExposure(lists="q", top=5), Pricer(gap=1.0), in_lists(1200, 60))


def test_attention_by_hand() -> None:
    """First, second and third get 1, 1 / log2 3 and 1/2; where lower is better the order turns round."""
    ranking, _ = ranked([3.0, 2.0, 1.0], [0, 1, 0])
    turned, _ = ranked([3.0, 2.0, 1.0], [0, 1, 0], favourable="lower")

    assert [1.0, 1 / np.log2(3), 0.5] == pytest.approx(ranking.exposure.tolist())
    assert ranking.exposure.tolist()[::-1] == turned.exposure.tolist()


def test_rows_that_tie_share_what_their_ranks_get() -> None:
    """And of a tie at the cut of the top one is drawn, which is told."""
    ranking, _ = ranked([3.0, 1.0, 1.0, 0.0], [0, 1, 0, 1])

    assert (1 / np.log2(3) + 0.5) / 2 == pytest.approx(ranking.exposure[1])
    assert ranking.exposure[1] == ranking.exposure[2]
    assert (2, 2) == (int(ranking.on_top.sum()), ranking.tied_at_the_cut)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), min_size=1, max_size=30), st.integers(0, 5))
def test_attention_is_that_of_a_loop_over_ranks(rows: list[tuple[int, int]], seed: int) -> None:
    """In every list, whatever ties; what a list gives in all is what its ranks give."""
    scores, lists = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    ranking, _ = ranked(scores, np.zeros(len(rows), dtype=np.int64), lists=lists)
    for row, (score, each) in enumerate(rows):
        mine = scores[lists == each]
        better, tied = int((mine > score).sum()), int((mine == score).sum())
        expected = np.mean([1 / np.log2(1 + rank) for rank in range(better + 1, better + tied + 1)])

        assert expected == pytest.approx(ranking.exposure[row])


def test_tops_are_scipys(one: ProbeResult) -> None:
    """Bounds of the odds by scipy's noncentral hypergeometric distribution, as the share of the top they lead to."""
    scipy = pytest.importorskip("scipy")
    from scipy.optimize import brentq
    from scipy.stats import nchypergeom_fisher

    assert scipy is not None
    estimate = measured(one, "top-share-difference", "women").estimate
    assert estimate.counts is not None
    (x, top), (members, pool) = estimate.counts
    low = brentq(lambda odds: nchypergeom_fisher.sf(x - 1, pool, members, top, odds) - 0.025, 1e-6, 1e3)
    high = brentq(lambda odds: nchypergeom_fisher.cdf(x, pool, members, top, odds) - 0.025, 1e-6, 1e3)
    bounds = [nchypergeom_fisher.mean(pool, members, top, odds) / top - members / pool for odds in (low, high)]

    assert x / top - members / pool == pytest.approx(estimate.value)
    assert bounds == pytest.approx([estimate.low, estimate.high], abs=1e-6)


def test_the_ratio_is_plain_means(one: ProbeResult) -> None:
    """Of attention by a sort, without ties."""
    world = price_world(400)
    price = 2 * world.table["income"] + world.table["debt"] - world.table["female"]
    attention = 1 / np.log2(2.0 + np.argsort(np.argsort(-price)))
    women = world.groupings["sex"].codes == 0

    assert attention[women].mean() / attention[~women].mean() == pytest.approx(
        measured(one, "exposure-ratio").estimate.value
    )


def test_a_ratio_in_one_list_is_the_randomisation_test_where_nothing_differs() -> None:
    """Of 400 lists of 40 in random order about 5 % have a one-sided p below 5 %, on either side."""
    above = below = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        inside = rng.permutation(np.arange(40) < 20)
        attention = 1 / np.log2(2.0 + np.arange(40))
        draws = stats.exposure_ratio_draws(attention, inside, rng=rng)
        ratio = attention[inside].mean() / attention[~inside].mean()
        above += stats.p_value("inverted", 1.0, side="above", draws=draws, value=ratio) < 0.05
        below += stats.p_value("inverted", 1.0, side="below", draws=draws, value=ratio) < 0.05

    assert max(above, below) <= 35
    assert min(above, below) >= 6


def missed(ratios: list[tuple[float, Any]], truth: float) -> float:
    """How many 95 % intervals leave out the truth."""
    return sum(not each.low <= truth <= each.high for _, each in ratios) / len(ratios)


def test_intervals_of_one_list_cover_in_a_world_of_shifted_scores() -> None:
    """Normal scores are no race, and of 200 lists no more than 7 % of intervals miss the ratio of means."""
    codes = np.repeat([0, 1], 50)

    def attention(seed: int) -> Floats:
        scores = np.random.default_rng(seed).normal(size=100) - 0.7 * (codes == 0)
        return np.asarray(1 / np.log2(2.0 + np.argsort(np.argsort(-scores))))

    many = np.mean(
        [[each[codes == 0].mean(), each[codes == 1].mean()] for each in map(attention, range(10_000, 14_000))], 0
    )
    found = []
    for seed in range(200):
        each = attention(seed)
        draws = stats.exposure_ratio_draws(each, codes == 0, rng=np.random.default_rng(seed))
        ratio = float(each[codes == 0].mean() / each[codes == 1].mean())
        found.append((ratio, stats.bounds("inverted", level=0.95, draws=draws, value=ratio)))

    assert missed(found, float(many[0] / many[1])) <= 0.07


def test_intervals_over_lists_cover() -> None:
    """Of 300 samples of forty lists no more than 8 % miss a ratio of 1 where nothing differs."""
    found = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        ranking, grouping = ranked(rng.normal(size=400), np.tile([0, 1], 200), lists=np.repeat(np.arange(40), 10))
        each = log_ratio(sums_by_list(ranking, grouping), (0, 1))
        found.append((each.mean, each.interval(level=0.95, method="log-t")))

    assert missed(found, 0.0) <= 0.08


def test_a_group_that_is_pushed_down_is_found(several: ProbeResult) -> None:
    """It FAILS four fifths by a long way where it is last; an order that knows no group PASSES, and controls hold."""
    last = run_probe(RankingExposure(lists="q", top=5), Pricer(gap=20.0), in_lists(1200, 60))
    alike = run_probe(RankingExposure(lists="q", top=5), Pricer(), in_lists(1200, 60))

    assert [Verdict.FAIL] == [each.verdict for each in judge([last], [FOUR_FIFTHS]) if each.judged]
    assert [Verdict.PASS] == [each.verdict for each in judge([alike], [FOUR_FIFTHS]) if each.judged]
    assert [True] * 6 == [outcome.held for result in (several, last, alike) for outcome in result.controls]


def test_several_lists_are_what_counts(several: ProbeResult) -> None:
    """The design names lists, of which the difference of the top has sixty."""
    gap, ratio = (measured(several, metric, "women").estimate for metric in ("top-share-difference", "exposure-ratio"))

    assert ("cluster=list", "t", "log-t") == (gap.design, gap.method, ratio.method)
    assert gap.moments is not None
    assert 59 == gap.moments[2]


@pytest.mark.parametrize("name", ["one", "several"])
def test_every_judged_number_can_be_compared(name: str, request: pytest.FixtureRequest) -> None:
    """Its items, rows or lists, make it up."""
    result: ProbeResult = request.getfixturevalue(name)
    judged = [each for each in result.measures if each.mode == "gate"]

    assert 3 == len(judged)
    for each in judged:
        assert each.items is not None
        assert each.estimate.value == pytest.approx(value_of(each.items)), each.metric
        assert 0.0 == change_of_items(each.items, each.items, design=each.estimate.design, unit="share").value


@pytest.mark.parametrize(
    ("rows", "options", "metric", "why"),
    [
        (50, {}, "exposure-ratio", "rows; a verdict needs 30"),
        (200, {"lists": "q"}, "exposure-ratio", "is in 5 lists; a verdict over several needs 20"),
        (
            200,
            {"top": 300},
            "top-share-difference",
            "a list has no more than the 300 rows of its top; name a smaller top",
        ),
    ],
)
def test_small_rankings_allow_no_verdict(rows: int, options: Any, metric: str, why: str) -> None:
    """They say what is wanting."""
    each = measured(run_probe(RankingExposure(**options), Pricer(), in_lists(rows, 5)), metric, "women")

    assert Verdict.INCONCLUSIVE is each.verdict
    assert why in str(each.why)


def test_where_everybody_ties_there_is_nothing_to_compare() -> None:
    """Which is no pass."""
    each = measured(run_probe(RankingExposure(), Constant(Pricer()), price_world(200)), "exposure-ratio")

    assert (Verdict.NOT_APPLICABLE, SubReason.TRIVIAL) == (each.verdict, each.sub_reason)


def test_decisions_weights_and_unknown_columns_are_refused() -> None:
    """Each in words."""
    decisions = measured(run_probe(RankingExposure(), Scorer(), credit_world(200)), "exposure-ratio")
    weighted = run_probe(RankingExposure(), Pricer(), price_world(200, weight="w"))
    unknown = run_probe(RankingExposure(lists="wuery"), Pricer(), price_world(200))

    assert Verdict.NOT_APPLICABLE is decisions.verdict
    assert "the weight 'w' of the rows, which bias.ranking-exposure does not take into account" in str(weighted.why)
    assert "suites.bias.ranking-exposure.lists: no column 'wuery'" in str(unknown.why)


def test_a_top_holds_somebody() -> None:
    """One at least."""
    with pytest.raises(DataError, match=r"suites\.bias\.ranking-exposure\.top: 0"):
        RankingExposure(top=0)


@given(st.integers(2, 40), st.data())
def test_bounds_and_p_values_of_a_top_agree(pool: int, data: st.DataObject) -> None:
    """p is below alpha exactly where the bound leaves the limit out; shares are those of group and complement."""
    top, members = data.draw(st.integers(1, pool - 1)), data.draw(st.integers(1, pool - 1))
    x = data.draw(st.integers(max(0, top + members - pool), min(top, members)))
    counts = ((x, top), (members, pool))
    interval = stats.bounds("hypergeometric", level=0.9, counts=counts)
    mirrored = stats.bounds("hypergeometric", level=0.9, counts=((top - x, top), (pool - members, pool)))

    assert interval.low - 1e-9 <= interval.value <= interval.high + 1e-9
    assert (-mirrored.high, -mirrored.low) == pytest.approx((interval.low, interval.high), abs=1e-6)
    for limit in (interval.low - 0.01, interval.high + 0.01):
        side: Any = "above" if limit < interval.value else "below"

        assert stats.p_value("hypergeometric", limit, side=side, counts=counts) < 0.05


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (((3, 2), (5, 10)), "x is 3; expected at most both top and members"),
        (((1, 10), (5, 10)), "top is 10; expected at most pool - 1"),
        (((0, 8), (5, 10)), "x - .top . members - pool. is -3; expected a whole number"),
    ],
)
def test_tops_that_cannot_be_are_refused(counts: Any, message: str) -> None:
    """No pool has them."""
    with pytest.raises(ValueError, match=message):
        stats.bounds("hypergeometric", level=0.9, counts=counts)
