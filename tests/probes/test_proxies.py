"""Features that stand in for an attribute: what tells it, what the gap in scores runs through, and every refusal."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compas import compas
from fakes import BROKEN, Scorer, credit_world, measured, run_probe
from listed import Listed
from probandum import stats
from probandum.asking import Asker
from probandum.changing import value_of
from probandum.errors import DataError, UsageError
from probandum.evidence import Table
from probandum.finding import Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.probe import Ask, ProbeResult
from probandum.subject import Decision, Grouping, Subject
from probandum_probes.bias.counting import decisions
from probandum_probes.bias.predicting import FOLDS, CrossFitted, alone, coded, encoded, folds, together
from probandum_probes.bias.proxies import Proxies
from probandum_probes.bias.proxy_associations import association, cramers_v, distance_correlation
from probandum_probes.bias.proxy_controls import proxy_only, shuffled_attribute
from probandum_probes.bias.proxy_telling import Told
from probandum_probes.bias.score_gaps import explained
from proxied import TAKEN, Leaning, proxied, with_columns

SHARE = Limit(metric="bias.proxies/proxy-share", direction="at_most", threshold=0.5)


def by_feature(result: ProbeResult, metric: str) -> dict[str, float | None]:
    """One figure of every feature."""
    return {each.facets["feature"]: each.estimate.value for each in result.measures if each.metric == metric}


def share_of(result: ProbeResult) -> tuple[Verdict, SubReason | None]:
    """What the judge says of the share that proxies carry."""
    (finding,) = [each for each in judge([result], [SHARE]) if each.metric == SHARE.metric]
    return finding.verdict, finding.sub_reason


def proxy_world(n: int = 1000) -> Subject:
    """Half of the rows are A; the score is 0.9 where z says A, and z says so of nine A in ten and of one B in ten."""
    codes = np.repeat([0, 1], n // 2)
    z = (np.arange(n) % 10 < np.where(codes == 0, 9, 1)).astype(np.float64)
    return Subject(
        table=Table({"score": np.where(z == 1, 0.9, 0.1), "right": z}),
        features=("score",),
        label="right",
        groupings={"g": Grouping(attribute="g", codes=codes, names=("A", "B"), reference="B")},
        decision=Decision(favourable="1", positive="1", threshold=0.5),
    )


def test_decisions_by_a_proxy_alone() -> None:
    """The card's control: difference .80, AUC .90, all of the gap through the proxy, and nothing left without it."""
    result = run_probe(Proxies(), Listed(), proxy_world())
    gap = measured(result, "score-gap").estimate
    removed = measured(result, "selection-difference-removed").estimate

    assert 0.8 == pytest.approx(measured(result, "selection-difference").estimate.value)
    assert {"score": 0.9} == pytest.approx(by_feature(result, "feature-auc"), abs=0.005)
    assert 0.9 == pytest.approx(measured(result, "attribute-auc").estimate.value, abs=0.005)
    assert 1.0 == pytest.approx(measured(result, "proxy-share").estimate.value)
    assert 0.0 == measured(result, "attribute-share").estimate.value
    assert gap.value == pytest.approx(by_feature(result, "feature-contribution")["score"])
    assert -0.8 == pytest.approx(removed.value, abs=0.1)
    assert removed.high is not None and removed.high < -0.7
    assert -0.5 == pytest.approx(measured(result, "accuracy-removed").estimate.value, abs=0.05)
    assert {"positive": "held", "negative": "held"} == judge([result], [])[0].controls
    assert (Verdict.FAIL, None) == share_of(result)


def test_contributions_of_a_linear_scorer_are_its_own() -> None:
    """Each feature adds its weight times the difference of its means, over the rows that were explained."""
    subject = proxied(800)
    system = Leaning(direct=0.7, through=1.2)
    ask = Asker(system, seed=1, subject=subject).for_probe("bias.proxies")
    _, answer = decisions(ask)
    known = explained(ask, answer, TAKEN, 100)
    grouping = subject.groupings["sex"]
    weights = {"income": 0.9, "debt": -0.8, "years": 0.5, "female": -0.7, "stand_in": -1.2}
    women, men = (known.places(grouping, side, 100) for side in (0, 1))
    expected = {
        name: weight * float(subject.table[name][women].mean() - subject.table[name][men].mean())
        for name, weight in weights.items()
    }
    result = run_probe(Proxies(), system, subject)
    found = by_feature(result, "feature-contribution")
    whole = sum(expected.values())

    assert expected == pytest.approx(found)
    assert whole == pytest.approx(measured(result, "score-gap").estimate.value)
    assert expected["stand_in"] / whole == pytest.approx(measured(result, "proxy-share").estimate.value)
    assert expected["female"] / whole == pytest.approx(measured(result, "attribute-share").estimate.value)


def test_scores_are_read_towards_the_favourable_decision() -> None:
    """Where the high score is the bad one the gap and its parts change their sign, and no share does."""
    subject = proxied(800)
    turned = replace(subject, decision=Decision(favourable="0", positive="1", threshold=0.5))
    good, bad = (run_probe(Proxies(), Leaning(through=2.0), each) for each in (subject, turned))
    gaps = [measured(each, "score-gap").estimate.value or 0.0 for each in (good, bad)]

    assert gaps[0] == pytest.approx(-gaps[1])
    assert measured(good, "proxy-share").estimate.value == pytest.approx(measured(bad, "proxy-share").estimate.value)


def test_the_share_is_judged_where_selection_differs() -> None:
    """A scorer through the proxy FAILS, one that looks at the attribute alone PASSES, and items make up the share."""
    subject = proxied(3000)
    through, direct = (run_probe(Proxies(), Leaning(**{side: 2.0}), subject) for side in ("through", "direct"))
    items = measured(through, "proxy-share").items

    assert (Verdict.FAIL, Verdict.PASS) == (share_of(through)[0], share_of(direct)[0])
    assert 0.0 == measured(direct, "proxy-share").estimate.value
    assert items is not None
    assert measured(through, "proxy-share").estimate.value == pytest.approx(value_of(items))


def test_predictability_alone_is_no_failure() -> None:
    """Where a scorer does not look at the proxy and selects alike, nothing is judged however well it tells."""
    result = run_probe(Proxies(), Leaning(), proxied(6000))
    share = measured(result, "proxy-share")

    assert 0.85 < (by_feature(result, "feature-auc")["stand_in"] or 0.0)
    assert (Verdict.NOT_APPLICABLE, SubReason.TRIVIAL) == share_of(result)
    assert "selection rates lie within 0.05 of each other: there is no disparity that features carry" == share.why


@pytest.mark.parametrize(
    ("rows", "through", "reason", "why"),
    [
        (400, 3.0, SubReason.SMALL_GROUP, "both groups have 400 rows; a verdict needs 500"),
        (700, 0.2, SubReason.UNDERPOWERED, "the difference in selection is not told from 0"),
    ],
)
def test_what_bars_a_verdict(rows: int, through: float, reason: SubReason, why: str) -> None:
    """Too few rows, and a difference that may be none."""
    result = run_probe(Proxies(), Leaning(through=through), proxied(rows))

    assert (Verdict.INCONCLUSIVE, reason) == share_of(result)
    assert str(measured(result, "proxy-share").why).startswith(why)


def test_small_groups_are_shown_and_not_judged() -> None:
    """29 rows of a group allow no figure of it."""
    subject = credit_world(600)
    codes = (np.arange(600) >= 29).astype(np.int64)
    few = replace(subject, groupings={"sex": replace(subject.groupings["sex"], codes=codes)})
    result = run_probe(Proxies(), Scorer(), few)
    (only,) = result.measures

    assert ("women has 29 rows; a verdict needs 30", SubReason.SMALL_GROUP) == (only.why, only.sub_reason)


def test_recorded_decisions_allow_predictability_alone() -> None:
    """Nobody can ask how changed rows would have been scored."""
    subject = with_columns(credit_world(600), {"decided": np.arange(600) % 2 * 1.0})
    recorded = replace(subject, answers=("decided",))
    result = run_probe(Proxies(), Scorer(gap=1.0), recorded)
    share = measured(result, "proxy-share")

    assert (Verdict.NOT_APPLICABLE, SubReason.NO_CAPABILITY) == (share.verdict, share.sub_reason)
    assert measured(result, "attribute-auc").estimate.value is not None
    assert measured(result, "selection-difference-removed").estimate.value is None


def test_compas_is_told_by_its_columns() -> None:
    """Age and prior offences tell sex a little, together better than each alone; what the log answers is left out."""
    system, subject = compas()
    subject = replace(subject, groupings={"sex": subject.groupings["sex"]}, answers=("decile_score",))
    result = run_probe(Proxies(), system, subject)
    found = by_feature(result, "feature-auc")
    every = measured(result, "attribute-auc").estimate
    share = measured(result, "proxy-share")

    assert not {"sex", "decile_score", "two_year_recid"} & set(found)
    assert 0.5 < (found["priors_count"] or 0.0) < (every.low or 0.0) < 0.7
    assert (Verdict.NOT_APPLICABLE, SubReason.NO_CAPABILITY) == (share.verdict, share.sub_reason)


def test_texts_and_numbers_have_their_own_measure() -> None:
    """Cramer's V for one, distance correlation for the other; adjusted p-values part the stand-in from the rest."""
    subject = with_columns(
        proxied(1200),
        {"job": np.array(["cook", "clerk", "judge"])[np.arange(1200) % 3]},
        features=(*TAKEN, "job"),
    )
    result = run_probe(Proxies(inputs=20), Leaning(through=1.0), subject)
    adjusted = by_feature(result, "association-p")

    assert set(by_feature(result, "cramers-v")) == {"job"}
    assert set(by_feature(result, "distance-correlation")) == {"income", "debt", "years", "stand_in"}
    assert (adjusted["stand_in"] or 1.0) < 0.01
    assert (adjusted["job"] or 0.0) > 0.05


def told(column: Any, codes: Any, **more: Any) -> Told:
    """Part (a) of two groups by these columns."""
    subject = Subject(table=Table({"x": np.asarray(column), **more}), groupings={})
    grouping = Grouping(attribute="g", codes=np.asarray(codes), names=("A", "B"))
    ask = Asker(Scorer(), seed=1, subject=credit_world(10)).for_probe("bias.proxies")
    return Proxies().told(subject, grouping, (0, 1), ("x", *more), ask)


def test_a_column_that_turns_back_is_told() -> None:
    """Members lie at both ends: ranks see nothing, bins and trees do."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=1000)
    codes = (np.abs(x) < 0.6745).astype(np.int64)
    found = told(x, codes)

    assert abs(stats.auc_interval(x[codes == 0], x[codes == 1]).value - 0.5) < 0.05
    assert found.alone["x"].value > 0.9
    assert found.together.value > 0.95
    assert ("x",) == found.proxies


def test_held_out_aucs_of_noise_are_one_half() -> None:
    """On average, of a number, of a text with many values, and of trees: folds are never compared with each other."""
    values = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        member = rng.random(300) < 0.4
        fold = folds(member, rng)
        columns = {"number": rng.normal(size=300), "text": rng.integers(0, 40, 300).astype(np.str_)}
        table = Table(columns)
        values.append([alone(table[name], member, fold).value for name in columns])
        if seed < 8:
            values[-1].append(together(table, member, fold, seed=seed).value)
    means = [np.mean([each[place] for each in values if len(each) > place]) for place in range(3)]

    assert means == pytest.approx([0.5] * 3, abs=0.03)


def test_the_auc_of_a_flag_is_that_of_its_folds() -> None:
    """The mean over folds of (1 + share among members - share among others) / 2, where the sign is never in doubt."""
    rng = np.random.default_rng(5)
    member = rng.random(500) < 0.5
    flag = np.where(rng.random(500) < 0.8, member, ~member)
    fold = folds(member, rng)
    found = alone(flag.astype(np.float64), member, fold)
    by_hand = [(1 + flag[(fold == k) & member].mean() - flag[(fold == k) & ~member].mean()) / 2 for k in range(FOLDS)]

    assert np.mean(by_hand) == pytest.approx(found.value)


def test_cramers_v_agrees_with_scipy() -> None:
    """And its p-value with the chi-squared test, as far as 999 permutations tell."""
    from scipy.stats import chi2_contingency
    from scipy.stats.contingency import association as oracle

    rng = np.random.default_rng(2)
    member = rng.random(400) < 0.5
    texts = np.where(rng.random(400) < 0.15, np.where(member, "a", "b"), rng.choice(["a", "b", "c"], 400))
    table = np.array([[(texts[side] == value).sum() for value in "abc"] for side in (member, ~member)])
    found = association(texts, member, np.random.default_rng(1))

    assert ("cramers-v", oracle(table, method="cramer")) == (found.metric, pytest.approx(found.value))
    assert chi2_contingency(table, correction=False).pvalue == pytest.approx(found.p, abs=0.02)


def naive_distance_correlation(values: Any, members: Any) -> float:
    """The definition, by loops over centred distances."""
    centred = []
    for each in (values, members):
        distances = np.abs(np.subtract.outer(each, each)).astype(float)
        rows, columns = distances.mean(axis=1, keepdims=True), distances.mean(axis=0, keepdims=True)
        centred.append(distances - rows - columns + distances.mean())
    covariance, first, second = (
        (a * b).mean() for a, b in ((centred[0], centred[1]), *zip(centred, centred, strict=True))
    )
    return math.sqrt(covariance / math.sqrt(first * second)) if first * second > 0 else 0.0


@given(st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=6, max_size=25))
def test_distance_correlation_is_its_definition(rows: list[tuple[int, bool]]) -> None:
    """Of any numbers and memberships, from 0 to 1, wherever the numbers start and however they are scaled."""
    values = np.array([float(value) for value, _ in rows])
    members = np.array([float(member) for _, member in rows])
    found = float(distance_correlation(values, members[None, :])[0])

    assert 0.0 <= found <= 1.0
    assert naive_distance_correlation(values, members) == pytest.approx(found, abs=1e-6)
    assert found == pytest.approx(float(distance_correlation(3 - 2 * values, members[None, :])[0]), abs=1e-6)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=6))
def test_cramers_v_lies_from_0_to_1(columns: list[tuple[int, int]]) -> None:
    """Of any table with somebody in both groups, values that nobody has among them."""
    table = np.array(columns, dtype=np.float64).T + np.array([[1.0] + [0.0] * (len(columns) - 1)] * 2)

    assert 0.0 <= float(cramers_v(table)) <= 1.0 + 1e-12


def test_permutations_of_small_samples_are_all_of_them() -> None:
    """The p-value is about the share of all orders that reach the value."""
    values, member = np.arange(8.0), np.arange(8) < 4
    found = association(values, member, np.random.default_rng(4))
    every = [
        float(distance_correlation(values, np.isin(np.arange(8), chosen)[None, :].astype(float))[0])
        for chosen in itertools.combinations(range(8), 4)
    ]
    exact = float(np.mean(np.array(every) >= found.value - 1e-12))

    assert exact == pytest.approx(found.p, abs=0.025)


def test_columns_become_numbers_and_bins() -> None:
    """Numbers with gaps stay numbers, texts are codes, and rare ones share one."""
    gaps = np.array(["1", "", "3.5"])
    many = np.array([f"v{place:04d}" for place in range(400)] + ["v0000"] * 3)
    values, texts = encoded(Table({"gaps": gaps}))

    assert ([1.0, 3.5], [False]) == (values[[0, 2], 0].tolist(), texts)
    assert np.isnan(values[1, 0])
    assert [0, 2, 1] == coded(gaps).tolist()
    assert 250 == len(np.unique(coded(many)))
    assert 20 >= len(np.unique(coded(np.random.default_rng(1).normal(size=500))))


def test_typical_values_and_permutations_remove_alike() -> None:
    """Either takes the proxy away, and the difference with it."""
    subject = proxied(2000)
    found = {
        how: measured(run_probe(Proxies(removal=how), Leaning(through=3.0), subject), "selection-difference-removed")
        for how in ("permuted", "typical")
    }

    assert {"stand_in permuted together", "stand_in typical together"} == {e.estimate.design for e in found.values()}
    for each in found.values():
        assert (each.estimate.low or 0.0) > 0.2


def test_options_that_mean_nothing_are_refused() -> None:
    """One row is no mean, and there are two ways to remove."""
    with pytest.raises(UsageError, match="inputs: 1"):
        Proxies(inputs=1)
    with pytest.raises(UsageError, match="removal: 'shuffle'"):
        Proxies(removal="shuffle")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="sample: 1"):
        Proxies(sample=1)
    bare = replace(credit_world(100), groupings={})

    assert "the plan declares no groups to compare; add groups: to the plan" == run_probe(Proxies(), Scorer(), bare).why


def test_one_group_is_compared_with_nobody() -> None:
    """And that is said."""
    subject = credit_world(100)
    alone_ = replace(subject, groupings={"sex": Grouping(attribute="sex", codes=np.zeros(100, int), names=("women",))})
    (only,) = run_probe(Proxies(), Scorer(), alone_).measures

    assert "sex has no two groups to compare" == only.why


def test_without_a_reference_each_two_groups_are_compared_once() -> None:
    """What is said of one order is said of the other."""
    subject = replace(
        proxied(900),
        groupings={"town": Grouping(attribute="town", codes=np.arange(900) % 3, names=("Ayr", "Bath", "Cork"))},
    )
    result = run_probe(Proxies(inputs=20), Leaning(), subject)
    pairs = {(e.groups.group, e.groups.reference) for e in result.measures if e.metric == "attribute-auc" and e.groups}

    assert {("Ayr", "Bath"), ("Ayr", "Cork"), ("Bath", "Cork")} == pairs


def test_controls_catch_a_probe_that_is_wrong() -> None:
    """One that sees what is not there, and one that overlooks the proxy."""

    class Seeing(Proxies):
        """Takes whatever it is shown for the attribute."""

        def together(self, *args: Any) -> CrossFitted:
            """As if every row told its group."""
            return replace(super().together(*args), value=0.9)

    class Blind(Proxies):
        """Finds no proxy."""

        def told(self, *args: Any) -> Told:
            """No feature alone."""
            found = super().told(*args)
            return replace(found, alone={name: replace(area, value=0.5) for name, area in found.alone.items()})

    ask: Ask = Asker(Scorer(), seed=1, subject=credit_world(600)).for_probe("bias.proxies")
    wrong: Any = Seeing()
    blind: Any = Blind()
    right: Any = Proxies()

    assert (False, False) == (shuffled_attribute(wrong, ask)[0], proxy_only(blind, ask)[0])
    assert (True, True) == (shuffled_attribute(right, ask)[0], proxy_only(right, ask)[0])


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_broken_answers_are_an_error(broken: Any) -> None:
    """No share is computed from answers that are none."""
    assert "error" == run_probe(Proxies(), broken(Scorer()), credit_world(200)).status
