"""Explanations by group of the rows: one that is worse for a group is found, equal ones are quiet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from explained_probes import planted
from explained_worlds import asking, row_world, text_world
from fakes import Scorer, credit_world, run_probe
from probandum.evidence import Floats
from probandum.finding import Estimate, Groups, SubReason, Verdict
from probandum.probe import Measure, ProbeResult
from probandum.stats.resampling import DRAWS
from probandum.subject import Grouping
from probandum_probes.explain.by_group import ALL, Ratio, by_group, divided, largest_gap
from probandum_probes.explain.quality.faithfulness import FaithfulnessProbe
from probandum_probes.explain.worlds import World

SEX = Grouping(attribute="sex", codes=np.repeat([0, 1, 2], [40, 40, 3]), names=("women", "men", "others"))
WEIGHTS = np.array([0.9, 0.8, 0.5, 0.0])


def figures(tops: Floats, bottoms: Floats, grouping: Grouping = SEX) -> dict[str, Measure]:
    """What is said of each group, and of all."""
    ask = asking(Scorer(), credit_world(10))
    measures = list(by_group(ask, grouping, grouping.codes, tops, bottoms, metric="fit", design="rows", facets={}))

    assert {"fit-by-group", "fit-gap"} == {each.metric for each in measures}
    assert {"disclosure"} == {each.mode for each in measures}
    return {each.groups.group: each for each in measures if each.groups is not None}


def said(estimate: Estimate) -> tuple[float, float, float]:
    """Value and interval of an estimate that has some."""
    assert estimate.value is not None and estimate.low is not None and estimate.high is not None
    return estimate.value, estimate.low, estimate.high


def test_a_figure_is_a_ratio_of_sums() -> None:
    """Women 20 of 40, men 30 of 40: .5 and .75, a quarter apart; nothing varies, so intervals have no width."""
    found = figures(np.repeat([0.5, 1.5, 9.0], [40, 40, 3]), np.repeat([1.0, 2.0, 1.0], [40, 40, 3]))

    assert (0.5, 0.5, 0.5) == said(found["women"].estimate)
    assert (0.75, 0.75, 0.75) == said(found["men"].estimate)
    assert (0.25, 0.25, 0.25) == said(found[ALL].estimate)
    assert 80 == found[ALL].estimate.n
    assert "from women to men, of 2 groups" in str(found[ALL].estimate.design)


def test_a_small_group_has_no_figure() -> None:
    """Three persons say nothing, and the gap is one between the others."""
    found = figures(np.ones(83), np.ones(83))

    assert (Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP) == (found["others"].verdict, found["others"].sub_reason)
    assert (None, 0) == (found["others"].estimate.value, found["others"].estimate.n)
    assert "fewer than 30 of these inputs are of others; a figure of a group needs as many" == found["others"].why
    assert 80 == found[ALL].estimate.n


def test_a_group_without_a_span_has_no_figure_and_leaves_no_gap() -> None:
    """Where random and best orders score alike nothing is normalised; one group alone is compared with nobody."""
    found = figures(np.ones(83), np.repeat([0.0, 1.0, 1.0], [40, 40, 3]))

    assert (Verdict.NOT_APPLICABLE, SubReason.NO_DYNAMIC_RANGE) == (found["women"].verdict, found["women"].sub_reason)
    assert (Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP) == (found[ALL].verdict, found[ALL].sub_reason)
    assert found[ALL].estimate.value is None


def test_resamples_without_a_span_leave_no_figure() -> None:
    """Forty spans of 3.05 and -1.05 lie 3.1 standard errors above 0 on average, and a few resamples do not."""
    bottoms = np.concatenate([np.tile([3.05, -1.05], 20), np.ones(43)])
    found = figures(bottoms, bottoms)

    assert Verdict.NOT_APPLICABLE is found["women"].verdict
    assert 1.0 == found["men"].estimate.value


def test_rows_that_state_no_group_are_compared_with_nobody() -> None:
    """They have no figure of a group."""
    found = figures(np.ones(83), np.ones(83), replace(SEX, names=("women", "(not stated)", "others")))

    assert {"women", "others", ALL} == set(found)


def test_interval_of_a_gap_of_two_normal_means() -> None:
    """Two means of 400: the interval is the gap and 1.96 sqrt(2 / 400) on either side, clipped at 0."""
    rng = np.random.default_rng(5)
    draws = [value + rng.normal(size=DRAWS) * 0.05 for value in (1.0, 3.0)]
    value, sorted_draws = largest_gap([Ratio(value=v, draws=d, n=400) for v, d in zip((1.0, 3.0), draws, strict=True)])

    assert 2.0 == value
    assert pytest.approx(2.0 - 1.96 * 0.05 * 2**0.5, abs=0.02) == sorted_draws[49]
    assert pytest.approx(2.0 + 1.96 * 0.05 * 2**0.5, abs=0.02) == sorted_draws[-50]


def test_interval_of_the_largest_gap_covers_the_true_one() -> None:
    """Six groups that are alike: the largest gap seen is never small, and its interval begins at 0 in 95 % of worlds.

    Of 200 worlds 190 are expected at least; 181 leaves three standard errors.
    """
    rng = np.random.default_rng(8)
    covered = 0
    for _ in range(200):
        values = rng.normal(size=6) * 0.1
        found = [Ratio(value=v, draws=v + rng.normal(size=DRAWS) * 0.1, n=100) for v in values]
        value, draws = largest_gap(found)

        assert value > 0
        covered += draws[49] == 0
    assert covered >= 181


def test_groups_of_inputs_are_those_of_their_rows() -> None:
    """Inputs stand in random order, and each keeps its group."""
    subject = credit_world(300)
    world = row_world(Scorer(gap=1.0), subject, inputs=50)
    ((grouping, codes),) = divided(world.ask, world)

    np.testing.assert_array_equal(codes == 0, world.rows["female"] == 1.0)
    assert "sex" == grouping.attribute
    assert [] == list(divided(world.ask, text_world()))


def one_sided(world: World, seed: int) -> list[Floats]:
    """The truth of men, and of women what chance draws."""
    rng, signs = np.random.default_rng(seed), np.array([1.0, -1.0, 1.0, 0.0])
    rows = world.rows  # type: ignore[attr-defined]
    means = {name: float(np.mean(rows[name])) for name in rows}
    found = []
    for place, each in enumerate(world.instances):
        towards = 1.0 if each.label == 1 else -1.0
        off = np.array([rows[name][place] - means[name] for name in rows])
        found.append(rng.normal(size=4) if rows["female"][place] else towards * signs * WEIGHTS * off)
    return found


@pytest.fixture(scope="module")
def result() -> ProbeResult:
    """An explainer that is blind for women beside one that is not."""
    with planted("planted.one-sided", one_sided, sampled=True) as name:
        probe = FaithfulnessProbe(explainers=(name, "occlusion", "lime.tabular"), inputs=150, samples=100)
        return run_probe(probe, Scorer(), credit_world(400, towns=True))


def of(result: ProbeResult, metric: str, explainer: str, group: str, attribute: str = "sex") -> Measure:
    """The one measure."""
    where = Groups(attribute=attribute, group=group)
    (found,) = [
        each
        for each in result.measures
        if (each.metric, each.facets["explainer"], each.groups) == (metric, explainer, where)
    ]
    return found


def test_an_explainer_that_is_blind_for_one_group_is_found(result: ProbeResult) -> None:
    """Women's explanations score about 0, men's about 1, and the gap lies beyond .05 without any doubt."""
    women, men, gap = (
        said(of(result, metric, "planted.one-sided", group).estimate)
        for metric, group in [
            ("comprehensiveness-by-group", "women"),
            ("comprehensiveness-by-group", "men"),
            ("comprehensiveness-gap", ALL),
        ]
    )

    assert women[1] < 0.1 < 0.8 < men[1]
    assert gap[1] > 0.5
    assert pytest.approx(men[0] - women[0]) == gap[0]


@pytest.mark.parametrize(("explainer", "attribute"), [("occlusion", "sex"), ("planted.one-sided", "town")])
def test_groups_that_are_served_alike_are_quiet(result: ProbeResult, explainer: str, attribute: str) -> None:
    """The interval of the gap begins at 0, or near it."""
    assert said(of(result, "comprehensiveness-gap", explainer, ALL, attribute).estimate)[1] < 0.05


def test_groups_make_up_the_whole(result: ProbeResult) -> None:
    """N of all is the mean of those of the groups, weighted by their spans: it lies between them."""
    (whole,) = [
        each.estimate.value
        for each in result.measures
        if (each.metric, each.facets["explainer"]) == ("comprehensiveness-normalised", "planted.one-sided")
    ]
    women, men = (
        said(of(result, "comprehensiveness-by-group", "planted.one-sided", group).estimate)[0]
        for group in ("women", "men")
    )

    assert whole is not None and women < whole < men


def test_local_fit_by_group_adds_up_to_that_of_all(result: ProbeResult) -> None:
    """Only LIME has one; it is the mean over the rows of each group."""
    fits = [of(result, "local-fit-by-group", "lime.tabular", group).estimate for group in ("women", "men")]
    (whole,) = [each.estimate for each in result.measures if each.metric == "local-fit"]
    sums = [fit.n * said(fit)[0] for fit in fits]

    assert 150 == whole.n == sum(fit.n for fit in fits)
    assert pytest.approx(whole.value) == sum(sums) / 150
    assert {"lime.tabular"} == {each.facets["explainer"] for each in result.measures if "local-fit" in each.metric}
