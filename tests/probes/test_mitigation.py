"""What two remedies would do on rows held out: fairlearn itself, weights by hand, and nothing that is applied."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compas import compas
from fakes import BROKEN, Scorer, credit_world, run_probe
from listed import Listed, listed
from probandum import stats
from probandum.asking import Asker
from probandum.errors import DataError
from probandum.finding import Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.probe import Ask, Measure, ProbeResult
from probandum.subject import UNKNOWN, Grouping, Subject
from probandum_probes.bias.halving import first_half
from probandum_probes.bias.mitigation import Mitigation
from probandum_probes.bias.mitigation_controls import nothing_to_close, planted_and_closed
from probandum_probes.bias.remedies import CONSTRAINTS, reweighing, stand_in, thresholds

pytest.importorskip("fairlearn")

TOWNS = {"Ayr": 0.05, "Bath": 0.0}
SELECTION, ERRORS, WEIGHTS = "thresholds-for-equal-selection", "thresholds-for-equal-errors", "reweighing"


def found(result: ProbeResult, metric: str, method: str, stage: str | None = None) -> Measure:
    """The one measure of a remedy."""
    (only,) = [
        each
        for each in result.measures
        if each.metric == metric and each.facets.get("method") == method and each.facets.get("stage") == stage
    ]
    return only


def scored_world(n: int = 1200, *, shift: float = 0.25, seed: int = 1) -> Subject:
    """Two towns with scores that come true, those of Ayr ``shift`` lower than they should be."""
    rng = np.random.default_rng(seed)
    towns = {}
    for name, down in (("Ayr", shift), ("Bath", 0.0)):
        p = rng.uniform(0.3, 0.9, n // 2)
        towns[name] = (p - down, (rng.random(n // 2) < p) * 1.0)
    return listed(towns, reference="Bath")


def halves(subject: Subject) -> tuple[Any, Any]:
    """The fitted rows and those held out, as the probe cuts them."""
    fit = first_half(Asker(Listed(), seed=1, subject=subject).for_probe("bias.mitigation"))
    return fit, ~fit


def test_thresholds_are_fairlearns() -> None:
    """Its optimizer around a model that gives these scores decides as the probe says, and closes the gap."""
    from fairlearn.metrics import demographic_parity_difference
    from fairlearn.postprocessing import ThresholdOptimizer
    from sklearn.linear_model import LogisticRegression

    subject = scored_world()
    fit, held = halves(subject)
    score, outcome, codes = subject.table["score"], subject.table["outcome"], subject.groupings["town"].codes
    result = run_probe(Mitigation(), Listed(), subject)
    before, after = (found(result, "selection-difference", SELECTION, stage).estimate for stage in ("before", "after"))
    model = LogisticRegression().fit(np.array([[0.0], [1.0]]), [0, 1])  # in the order of the scores, as theirs is
    other = ThresholdOptimizer(
        estimator=model, constraints="demographic_parity", prefit=True, predict_method="predict_proba"
    )
    other.fit(score[fit][:, None], outcome[fit].astype(int), sensitive_features=codes[fit])
    lots = int(
        Asker(Listed(), seed=1, subject=subject).for_probe("bias.mitigation").rng("lots", "town").integers(2**31)
    )
    theirs = other.predict(score[:, None], sensitive_features=codes, random_state=lots)[held]
    gap = demographic_parity_difference(outcome[held], theirs, sensitive_features=codes[held])

    assert (before.value or 0.0) < -0.3
    assert abs(after.value or 1.0) < 0.1
    assert gap == pytest.approx(abs(after.value or 0.0))
    assert {"positive": "held", "negative": "held"} == judge([result], [])[0].controls


def test_before_is_the_system_on_the_held_out_half() -> None:
    """By the means of its rows, and only these."""
    subject = scored_world()
    _, held = halves(subject)
    chosen, codes = subject.table["score"] >= 0.5, subject.groupings["town"].codes
    gap = chosen[held & (codes == 0)].mean() - chosen[held & (codes == 1)].mean()
    before = found(run_probe(Mitigation(), Listed(), subject), "selection-difference", SELECTION, "before").estimate

    assert (gap, int(held.sum())) == (pytest.approx(before.value), before.n)


def test_equal_errors_bring_error_rates_together() -> None:
    """Both of them, at a price in accuracy or none, which is told with its paired interval."""
    result = run_probe(Mitigation(), Listed(), scored_world(4000))
    for metric in ("tpr-difference", "fpr-difference"):
        before, after = (found(result, metric, ERRORS, stage).estimate for stage in ("before", "after"))

        assert (before.value or 0.0) < -0.2
        assert abs(after.value or 1.0) < 0.08
    cost = found(result, "accuracy-change", ERRORS).estimate

    assert "mcnemar-tango" == cost.method
    assert cost.counts is not None
    assert (cost.counts[0][0] - cost.counts[0][1]) / cost.counts[1][0] == pytest.approx(cost.value)


def test_accuracy_is_compared_row_by_row() -> None:
    """Rows that come right less those that come wrong, of the rows held out."""
    subject = scored_world()
    fit, held = halves(subject)
    score, outcome = subject.table["score"], subject.table["outcome"] == 1
    codes = subject.groupings["town"].codes
    result = run_probe(Mitigation(), Listed(), subject)
    seed = int(
        Asker(Listed(), seed=1, subject=subject).for_probe("bias.mitigation").rng("lots", "town").integers(2**31)
    )
    after = thresholds(score, outcome, codes, fit, constraint=CONSTRAINTS[SELECTION], seed=seed)
    change = (after == outcome)[held].mean() - ((score >= 0.5) == outcome)[held].mean()

    assert change == pytest.approx(found(result, "accuracy-change", SELECTION).estimate.value)


def test_it_is_advice_and_says_what_it_needs() -> None:
    """No limit judges it, and each figure says that it is not applied and what it takes."""
    result = run_probe(Mitigation(), Scorer(gap=1.0), credit_world(800))
    limits = [Limit(metric="bias.mitigation/selection-difference", direction="band", threshold=0.01)]

    assert {"disclosure"} == {each.mode for each in result.measures}
    assert not {Verdict.PASS, Verdict.FAIL} & {finding.verdict for finding in judge([result], limits)}
    assert {
        "advice, not applied; needs sex of every person at decision time",
        "advice, not applied; of a stand-in for the system; needs sex in training",
    } == {each.estimate.design for each in result.measures}


def test_weights_by_hand() -> None:
    """Group 0 has 3 positives of 4, group 1 has 1 of 4; with weights half of both are positive."""
    positive = np.array([1, 1, 1, 0, 1, 0, 0, 0]) == 1
    codes = np.repeat([0, 1], 4)
    weights = reweighing(positive, codes)

    assert [2 / 3] * 3 + [2.0] + [2.0] + [2 / 3] * 3 == pytest.approx(weights.tolist())


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 2)), min_size=12, max_size=60))
def test_weights_make_label_and_group_independent(rows: list[tuple[bool, int]]) -> None:
    """Every group with both labels has the rate of all rows, and all weights add up to as many as there are rows."""
    rows = [*rows, *((label, group) for label in (True, False) for group in range(3))]
    positive, codes = np.array([label for label, _ in rows]), np.array([group for _, group in rows])
    weights = reweighing(positive, codes)

    assert len(rows) == pytest.approx(weights.sum())
    for group in range(3):
        inside = codes == group
        rate = (weights * positive)[inside].sum() / weights[inside].sum()
        assert positive.mean() == pytest.approx(rate)


def test_reweighing_is_of_a_stand_in_that_finds_as_many() -> None:
    """Before and after find the system's share positive in the fitted half; where labels differ, the gap shrinks."""
    rng = np.random.default_rng(1)
    subject = credit_world(3000)
    women = subject.table["female"] == 1
    repaid = np.where(women & (rng.random(3000) < 0.5), 0.0, subject.table["repaid"])
    subject = replace(subject, table=type(subject.table)({**subject.table.columns, "repaid": repaid}))
    result = run_probe(Mitigation(), Scorer(gap=1.0), subject)
    before, after = (found(result, "selection-difference", WEIGHTS, stage).estimate for stage in ("before", "after"))
    fit = np.arange(3000) < 1500
    chosen = stand_in(subject.table.select(subject.features), repaid == 1, fit, share=0.3, seed=1)

    assert 0.3 == pytest.approx(chosen[fit].mean(), abs=0.01)
    assert (before.value or 0.0) < (after.value or 0.0) - 0.1


def test_compas_is_advised_from_its_log() -> None:
    """A log with scores and labels has thresholds; without features there is no stand-in, and that is said."""
    system, subject = compas()
    subject = replace(subject, groupings={"sex": subject.groupings["sex"]})
    result = run_probe(Mitigation(), system, subject)
    gap = found(result, "fpr-difference", ERRORS, "after").estimate

    assert ("measured", None) == (result.status, result.why)
    assert gap.low is not None and gap.high is not None
    assert abs(gap.value or 1.0) < abs(found(result, "fpr-difference", ERRORS, "before").estimate.value or 0.0) + 0.05


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"label": None}, "the plan names no label, so nobody can say whether scores come true"),
        ({"groupings": {"sex": "alone"}}, "sex has no two groups to compare"),
        ({"groupings": {"sex": "few"}}, "women has 10 rows in the fitted half; it takes 30"),
        ({"groupings": {"sex": "same"}}, "all rows of women in the fitted half have the same label"),
    ],
)
def test_what_it_takes(change: Any, why: str) -> None:
    """A label, two groups, enough rows of each in both halves, and both labels in each."""
    subject = credit_world(800)
    fit = first_half(Asker(Scorer(), seed=1, subject=subject).for_probe("bias.mitigation"))
    if "groupings" in change:
        codes = np.ones(800, dtype=np.int64)
        kind = change["groupings"]["sex"]
        if kind == "few":
            codes[np.flatnonzero(fit)[:10]] = 0
        if kind == "same":
            codes[np.flatnonzero(subject.table["repaid"] == 1)] = 0
        names = ("women", "men")
        change = {"groupings": {"sex": Grouping(attribute="sex", codes=codes, names=names)}}
    (only,) = run_probe(Mitigation(), Scorer(), replace(subject, **change)).measures

    assert why == only.why
    assert only.verdict in (Verdict.NOT_APPLICABLE, Verdict.INCONCLUSIVE)
    assert only.sub_reason in (SubReason.NO_DATA, SubReason.SMALL_GROUP)


def test_a_small_group_is_left_out_by_name() -> None:
    """Its comparisons say why, the others are advised without it, and no control fails for its sake."""
    rng = np.random.default_rng(2)
    towns = {}
    for name, n in (("Ayr", 500), ("Bath", 500), ("Cork", 12)):
        p = rng.uniform(0.3, 0.9, n)
        towns[name] = (p - 0.2 * (name == "Ayr"), (rng.random(n) < p) * 1.0)
    result = run_probe(Mitigation(), Listed(), listed(towns, reference="Bath"))
    small = [each for each in result.measures if each.verdict is not None]
    after = found(result, "selection-difference", SELECTION, "after")

    assert [("Cork", "Bath")] == [(each.groups.group, each.groups.reference) for each in small if each.groups]
    assert SubReason.SMALL_GROUP is small[0].sub_reason
    assert str(small[0].why).startswith("Cork has ")
    assert "Ayr" == (after.groups.group if after.groups else "")
    assert str(after.estimate.design).endswith("leaves out Cork")
    assert Verdict.ERROR not in {finding.verdict for finding in judge([result], [])}


def test_levels_stand_beside_gaps() -> None:
    """Selection rates of each group before and after; a remedy that grants everybody says so."""
    subject = scored_world()
    result = run_probe(Mitigation(), Listed(), subject)
    _, held = halves(subject)
    ayr = held & (subject.groupings["town"].codes == 0)
    levels = {
        (each.groups.group, each.facets["stage"]): each.estimate
        for each in result.measures
        if each.metric == "selection-rate" and each.facets["method"] == SELECTION and each.groups
    }
    rng = np.random.default_rng(3)
    ready = {name: (rng.uniform(0.2, 0.8, 600) - down, (rng.random(600) < 0.9) * 1.0) for name, down in TOWNS.items()}
    granting = run_probe(Mitigation(), Listed(), listed(ready, reference="Bath"))
    told = str(found(granting, "selection-difference", SELECTION, "after").estimate.design)

    assert {(town, stage) for town in ("Ayr", "Bath") for stage in ("before", "after")} == set(levels)
    assert (subject.table["score"] >= 0.5)[ayr].mean() == pytest.approx(levels["Ayr", "before"].value)
    assert "it decides favourably on 100.0 % of all rows, so that hardly a gap can be left" in told


def test_no_advice_from_scores_against_the_labels() -> None:
    """Where high scores go with negatives thresholds would be fitted the wrong way round."""
    world = scored_world()
    subject = replace(world, table=type(world.table)({**world.table.columns, "score": 1 - world.table["score"]}))
    result = run_probe(Mitigation(), Listed(), subject)
    (only,) = result.measures

    assert SubReason.AGAINST_LABELS is only.sub_reason
    assert str(only.why).startswith("no advice: the scores run against the labels: their AUC is 0.3")
    assert [None, None] == [outcome.held for outcome in result.controls]


def test_rows_that_state_no_group_are_left_out() -> None:
    """They are neither fitted nor shown."""
    subject = credit_world(900)
    codes = subject.groupings["sex"].codes.copy()
    codes[:100] = 2
    stated = Grouping(attribute="sex", codes=codes, names=("women", "men", UNKNOWN), reference="men")
    result = run_probe(Mitigation(), Scorer(gap=1.0), replace(subject, groupings={"sex": stated}))
    pairs = {(e.groups.group, e.groups.reference) for e in result.measures if e.groups and e.groups.reference}
    n = found(result, "accuracy-change", SELECTION).estimate.n

    assert {("women", "men")} == pairs
    assert n < 450


def test_a_sample_and_groups_are_checked() -> None:
    """One row is no sample, and there must be groups."""
    with pytest.raises(DataError, match="sample: 1"):
        Mitigation(sample=1)
    bare = replace(credit_world(100), groupings={})

    assert str(run_probe(Mitigation(), Scorer(), bare).why).startswith("the plan declares no groups to compare")
    assert (
        200
        == found(
            run_probe(Mitigation(sample=400), Scorer(), credit_world(900)), "accuracy-change", SELECTION
        ).estimate.n
    )


def test_controls_catch_a_probe_that_is_wrong() -> None:
    """One that closes nothing, and one that sees a gap where there is none."""

    class Idle(Mitigation):
        """Says before for after."""

        def measure(self, ask: Ask) -> Any:
            """The figures of no remedy."""
            last: Measure | None = None
            for each in super().measure(ask):
                if each.facets.get("stage") == "before":
                    last = each
                idle = last is not None and each.facets.get("stage") == "after"
                yield replace(each, estimate=last.estimate) if idle and last is not None else each

    class Seeing(Mitigation):
        """Sees a gap everywhere."""

        def measure(self, ask: Ask) -> Any:
            """Counts that are none."""
            for each in super().measure(ask):
                counts = ((10, 100), (60, 100))
                wide = stats.bounds("newcombe", level=0.95, counts=counts)
                seen = replace(each.estimate, value=wide.value, low=wide.low, high=wide.high, counts=counts)
                yield replace(each, estimate=seen) if each.facets.get("stage") == "after" else each

    ask = Asker(Scorer(), seed=1, subject=credit_world(1200)).for_probe("bias.mitigation")
    idle: Any = Idle()
    seeing: Any = Seeing()
    right: Any = Mitigation()

    assert (False, False) == (planted_and_closed(idle, ask)[0], nothing_to_close(seeing, ask)[0])
    assert (True, True) == (planted_and_closed(right, ask)[0], nothing_to_close(right, ask)[0])


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_broken_answers_are_an_error(broken: Any) -> None:
    """No remedy is fitted to answers that are none."""
    assert "error" == run_probe(Mitigation(), broken(Scorer()), credit_world(300)).status
