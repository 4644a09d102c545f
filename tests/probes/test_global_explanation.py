"""Global explanations: closed forms of linear, additive and multiplied rules, ranks, and what is not said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from explained_probes import decision_log, found, held, value
from explained_worlds import Rule, asking
from fakes import Constant, Pricer, Scorer, credit_world, price_world, run_probe
from probandum.asking import Asker
from probandum.changing import value_of
from probandum.errors import UsageError
from probandum.evidence import Capability, Floats, Table
from probandum.finding import Estimate, Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.probe import Measure
from probandum.subject import Decision, Subject
from probandum_probes.explain import explaining
from probandum_probes.explain.explainers.permutation import Permutation
from probandum_probes.explain.explaining import Explanation, explainer
from probandum_probes.explain.questions import Question, explained_class
from probandum_probes.explain.whole.associations import associations, cells, dealt, partners
from probandum_probes.explain.whole.curves import accumulated, bins_of, ends
from probandum_probes.explain.whole.explanation import GlobalExplanation
from probandum_probes.explain.whole.importance import bands, ranked
from probandum_probes.explain.whole.interactions import parts
from probandum_probes.explain.whole.permuting import log_loss
from probandum_probes.explain.whole.world import GlobalWorld
from probandum_probes.explain.worlds import World

WEIGHTS = {"income": 0.9, "debt": -0.8, "years": 0.5, "female": -0.7}
SYSTEM = Scorer(gap=0.7)
SMALL = GlobalExplanation(inputs=60, rows=120, seeds=2, bins=4)


def world_of(rule: Rule, columns: dict[str, np.ndarray], *, rows: int = 200) -> GlobalWorld:
    """All rows of a rule's own world."""
    return GlobalWorld.open(asking(rule, Subject(table=Table(columns))), inputs=rows, rows=rows)


def opened() -> GlobalWorld:
    """The rows that the probe of ``credit`` looks at."""
    ask = Asker(SYSTEM, seed=1, subject=credit_world(400)).for_probe("explain.global")
    return GlobalWorld.open(ask, inputs=SMALL.inputs, rows=SMALL.rows)


@pytest.fixture(scope="module")
def credit() -> Sequence[Measure]:
    """What is said of the linear scorer."""
    result = run_probe(SMALL, SYSTEM, credit_world(400))

    assert ("measured", [True, True]) == (result.status, held(result))
    return result.measures


def of(measures: Sequence[Measure], metric: str, **facets: str) -> Measure:
    """The one measure of that metric and those facets."""
    (one,) = [each for each in measures if each.metric == metric and facets.items() == dict(each.facets).items()]
    return one


def test_mean_absolute_shap_of_a_linear_system_is_its_weight_times_the_mean_distance(
    credit: Sequence[Measure],
) -> None:
    """|w| E|x - mean of x in the background|."""
    world = opened()
    for name, weight in WEIGHTS.items():
        middle = float(np.asarray(world.explained.background[name]).mean())
        expected = abs(weight) * float(np.abs(np.asarray(world.explained.rows[name]) - middle).mean())

        assert pytest.approx(expected, abs=1e-9) == of(credit, "mean-absolute-shap", feature=name).estimate.value
        design = str(of(credit, "mean-absolute-shap", feature=name).estimate.design)
        assert "60 rows, 2 seeds and 100 rows of background in 25 parts" in design


def test_items_are_what_each_row_adds(credit: Sequence[Measure]) -> None:
    """Their mean is the quantity, with signs and without; rows with high values lie on the side of the weight."""
    for name, weight in WEIGHTS.items():
        signed, size = (of(credit, metric, feature=name) for metric in ("mean-shap", "mean-absolute-shap"))
        assert signed.items is not None and size.items is not None
        values, strata = np.array(signed.items.values), np.array(signed.items.strata)

        assert pytest.approx(signed.estimate.value) == value_of(signed.items) == values.mean()
        assert pytest.approx(size.estimate.value) == value_of(size.items) == np.abs(values).mean()
        if name != "female":
            low, high = (values[strata == band].mean() for band in ("lowest third", "highest third"))
            assert np.sign(weight) == np.sign(high - low)


def test_permutation_of_a_linear_system(credit: Sequence[Measure]) -> None:
    """The shift is |w| E|x - x'| over all pairs of rows; the loss rises where the label follows the column."""
    rows = opened().questioned.rows
    for name, weight in WEIGHTS.items():
        column = np.asarray(rows[name])
        expected = abs(weight) * float(np.abs(np.subtract.outer(column, column)).mean())

        assert pytest.approx(expected, rel=0.03) == of(credit, "permutation-shift", feature=name).estimate.value
    assert (of(credit, "permutation-importance", feature="income").estimate.low or 0.0) > 0


def test_shift_and_loss_are_those_of_the_rows_as_they_were_dealt() -> None:
    """Row by row and repeat by repeat, against a plain loop over the same permutations."""
    subject = credit_world(60)
    world = GlobalWorld.open(asking(SYSTEM, subject), inputs=10, rows=60)
    source = dealt(np.zeros(60, dtype=np.int64), 3, np.random.default_rng(5))
    rows = world.questioned.rows
    (answer,) = world.questioned.answers([Question(feature="debt", values=rows["debt"][source])])
    for repeat in range(3):
        assert sorted(source[:, repeat].tolist()) == list(range(60))
        debt = np.asarray(rows["debt"])[source[:, repeat]]
        logit = 0.9 * rows["income"] - 0.8 * debt + 0.5 * rows["years"] - 0.7 * rows["female"]
        assert pytest.approx(np.asarray(logit)) == answer.scores[:, repeat]
    truth = subject.positive
    assert truth is not None
    p = 1 / (1 + np.exp(-answer.scores[:, 0]))
    assert pytest.approx(-np.log(np.where(truth, p, 1 - p))) == log_loss(answer.scores, truth)[:, 0]


def test_a_row_and_a_value_that_recur_are_asked_once() -> None:
    """Thirty permutations of a column of two values ask for two rows each at most."""
    asked: list[int] = []

    def rule(rows: Table) -> Floats:
        asked.append(len(rows))
        return np.asarray(rows["a"], dtype=np.float64)

    world = world_of(Rule(rule), {"a": np.tile([0.0, 1.0], 20), "b": np.arange(40.0)}, rows=40)
    asked.clear()
    source = dealt(np.zeros(40, dtype=np.int64), 30, np.random.default_rng(1))
    world.questioned.answers([Question(feature="a", values=world.questioned.rows["a"][source])])

    assert [80] == asked


def test_features_that_go_together_are_permuted_among_their_like() -> None:
    """Twins: each conditional shift is smaller, the features that stand alone have none, and no dependence is drawn."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=300)
    columns = {"x": x, "twin": x + 0.3 * rng.normal(size=300), "alone": rng.normal(size=300)}
    result = run_probe(
        GlobalExplanation(inputs=60, rows=300),
        Rule(lambda rows: rows["x"] + rows["alone"]),
        Subject(table=Table(columns)),
    )
    conditional = {each.facets["feature"] for each in result.measures if each.metric.startswith("conditional-")}
    depending = {each.facets["feature"] for each in result.measures if each.metric == "partial-dependence"}

    assert [True, True] == held(result)
    assert {"x", "twin"} == conditional
    assert {"alone"} == depending
    assert "goes together with twin (0.9" in str(found(result, "mean-absolute-shap", feature="x").estimate.design)
    assert value(result, "conditional-permutation-shift", feature="x") < 0.6 * value(
        result, "permutation-shift", feature="x"
    )
    assert 0.0 == value(result, "permutation-shift", feature="twin")
    assert "permutation-importance" not in {each.metric for each in result.measures}  # there is no label


def test_local_effects_of_an_additive_rule_are_its_components_however_columns_go_together() -> None:
    """f = sin 2x + y^2 with y close to x: between edges each curve does what its component does."""
    rng = np.random.default_rng(7)
    x = rng.uniform(-2, 2, size=200)
    columns = {"x": x, "y": x + 0.1 * rng.normal(size=200)}
    components: dict[str, Callable[[Floats], Floats]] = {"x": lambda v: np.sin(2 * v), "y": lambda v: v**2}
    world = world_of(Rule(lambda rows: np.sin(2 * rows["x"]) + rows["y"] ** 2), columns)
    for name, component in components.items():
        column = np.asarray(world.questioned.rows[name])
        bins = bins_of(column, 7)
        assert bins is not None
        (answer,) = world.questioned.answers([Question(feature=name, values=ends(bins, column))])
        curve = accumulated(bins, answer.scores[:, 1] - answer.scores[:, 0])
        effect = np.array([each.value for each in curve.at_edges])

        assert pytest.approx(np.diff(component(bins.edges)), abs=1e-9) == np.diff(effect)
        assert pytest.approx(effect[-1] - effect[0]) == curve.rise.value
        inside = bins.of[bins.of >= 0]
        assert pytest.approx(0.0, abs=1e-9) == ((effect[:-1] + effect[1:]) / 2)[inside].mean()


def test_local_effects_of_a_product_are_means_within_bins() -> None:
    """f = x z with z drawn apart from x: a slope of the mean of z in each bin, with an interval that has width."""
    rng = np.random.default_rng(8)
    columns = {"x": rng.uniform(size=400), "z": rng.normal(1.0, 1.0, size=400)}
    world = world_of(Rule(lambda rows: rows["x"] * rows["z"]), columns, rows=400)
    x, z = (np.asarray(world.questioned.rows[name]) for name in ("x", "z"))
    bins = bins_of(x, 5)
    assert bins is not None
    (answer,) = world.questioned.answers([Question(feature="x", values=ends(bins, x))])
    curve = accumulated(bins, answer.scores[:, 1] - answer.scores[:, 0])
    means = [float(z[bins.of == place].mean()) for place in range(5)]

    assert pytest.approx(float(np.diff(bins.edges) @ means)) == curve.rise.value
    assert curve.rise.low < float(bins.edges[-1] - bins.edges[0]) * 1.0 < curve.rise.high
    assert curve.rise.standard_error is not None and curve.rise.standard_error > 0


def test_no_edge_tells_a_single_persons_value() -> None:
    """Ten rows lie at or beyond either end; values beyond, and gaps, are in no bin."""
    column = np.arange(300.0)
    bins = bins_of(column, 6)
    assert bins is not None

    assert (9.0, 290.0) == (bins.edges[0], bins.edges[-1])
    assert 282 == int((bins.of >= 0).sum())
    assert [-1, 0, 5, -1] == bins.of[[8, 9, 290, 291]].tolist()
    assert bins_of(np.full(50, 3.0), 6) is None
    assert bins_of(np.full(50, np.nan), 6) is None
    with_gap = bins_of(np.array([np.nan, *np.arange(40.0)]), 3)
    assert with_gap is not None and -1 == with_gap.of[0]


def test_interactions_of_a_product_and_of_an_and_gate() -> None:
    """All of a product of balanced signs is interaction; of x1 AND x2 a third: (1/4)^2 of 3/16."""
    signs = np.array([-1.0, -1.0, 1.0, 1.0]), np.array([-1.0, 1.0, -1.0, 1.0])
    columns = {"a": np.tile(signs[0], 25), "b": np.tile(signs[1], 25)}
    product = parts(world_of(Rule(lambda rows: rows["a"] * rows["b"]), columns, rows=100).explained)
    both = Rule(lambda rows: np.where((rows["a"] > 0) & (rows["b"] > 0), 1.0, 0.0))
    gate = parts(world_of(both, columns, rows=100).explained)
    for feature in (0, 1, None):
        assert pytest.approx(1.0) == product.missed(feature).mean() / (product.whole**2).mean()
        assert pytest.approx(1 / 3) == gate.missed(feature).mean() / (gate.whole**2).mean()


def test_an_additive_system_has_no_interaction(credit: Sequence[Measure]) -> None:
    """Exactly none: what rounding leaves is 0."""
    shares = [each.estimate.value for each in credit if each.metric in ("interaction-share", "non-additive-share")]

    assert [0.0] * 5 == shares


def test_ranks_are_said_where_intervals_lie_apart() -> None:
    """The first stands alone; the next two overlap, and so lie between the second and the third place."""
    ends_of = {"a": (5.0, 6.0), "b": (2.0, 3.1), "c": (3.0, 4.0), "d": (0.5, 1.0)}
    estimates = [
        Estimate(value=(low + high) / 2, low=low, high=high, n=90, unit="logit", method="bootstrap")
        for low, high in ends_of.values()
    ]
    said = {each.facets["feature"]: each for each in ranked(list(ends_of), estimates)}

    assert {"a": 1.0, "b": None, "c": None, "d": 4.0} == {name: each.estimate.value for name, each in said.items()}
    assert "between place 2 and 3 of 4" in str(said["b"].why)
    assert (Verdict.INCONCLUSIVE, SubReason.NEAR_THRESHOLD) == (said["c"].verdict, said["c"].sub_reason)


def test_associations_of_numbers_and_texts() -> None:
    """Monotone is close, chance is 0, a text that decides a number is close, and constants go with nothing."""
    rng = np.random.default_rng(2)
    job = rng.choice(["cook", "baker", "smith"], 600)
    rows = Table(
        {
            "age": (age := rng.normal(size=600)),
            "cube": age**3,
            "job": job,
            "pay": np.where(job == "smith", 9.0, 1.0) + 0.01 * rng.normal(size=600),
            "guild": np.char.add(job, "s' guild"),
            "noise": rng.choice(["x", "y"], 600),
            "same": np.ones(600),
        }
    )
    close = associations(rows)

    assert pytest.approx(1.0) == close["age"]["cube"] == close["cube"]["age"]
    assert pytest.approx(1.0, abs=0.01) == close["job"]["guild"]
    assert close["pay"]["job"] > 0.8
    assert max(close["noise"].values()) < 0.15
    assert {0.0} == set(close["same"].values())
    assert {"job", "guild"} == set(partners(close["pay"]))
    code = cells(rows, ["job"])
    source = dealt(code, 2, rng)
    assert (code[:, None] == code[source]).all()


def test_texts_have_bands_and_dependences_of_their_own() -> None:
    """A text has no order; its dependence is read at the values of ten rows and more."""
    rng = np.random.default_rng(9)
    job = rng.choice(["cook", "baker"], 200)
    job[:4] = "duke"
    subject = Subject(table=Table({"job": job, "age": rng.normal(size=200)}))
    rule = Rule(lambda rows: np.where(rows["job"] == "cook", 1.0, 0.0) + rows["age"])
    result = run_probe(GlobalExplanation(inputs=60, rows=200), rule, subject)
    depending = {
        each.facets["at"] for each in result.measures if each.facets.get("feature") == "job" and "at" in each.facets
    }
    items = found(result, "mean-shap", feature="job").items
    gap = value(result, "partial-dependence", feature="job", at="cook") - value(
        result, "partial-dependence", feature="job", at="baker"
    )

    assert [True, True] == held(result)
    assert {"cook", "baker"} == depending
    assert items is not None and {"a category"} == set(items.strata)
    assert pytest.approx(1.0) == gap
    assert ["not stated", "lowest third"] == bands(np.array([np.nan, 1.0]))


def test_the_favourable_class_is_explained() -> None:
    """Of two classes the one that is good for the person, of more the positive one, without a decision the last."""
    table = Table({"a": np.ones(2)})
    bad = Subject(table=table, decision=Decision(favourable="0", positive="1"))

    assert 0 == explained_class(bad, ("0", "1")).label
    assert 1 == explained_class(Subject(table=table), ("0", "1")).label
    assert 1 == explained_class(bad, ("0", "1", "2")).label


def test_a_made_up_explainer_fails_both_controls() -> None:
    """One that gives something to a column that nobody sees, and misses known weights."""
    before = dict(explaining._EXPLAINERS.classes)

    @explainer("test.generous", explains=Capability.PREDICT)
    class Generous(Permutation):
        """Shapley values, and a little more."""

        by_default = False

        def explain(self, world: World, *, seed: int) -> list[Explanation]:
            """The true ones and 0.1."""
            return [replace(each, attributions=each.attributions + 0.1) for each in super().explain(world, seed=seed)]

    try:
        probe = GlobalExplanation(explainer="test.generous", inputs=10, rows=20, seeds=2)
        result = run_probe(probe, SYSTEM, credit_world(100))
    finally:
        explaining._EXPLAINERS.classes.clear()
        explaining._EXPLAINERS.classes.update(before)

    assert [False, False] == held(result)


def test_systems_without_log_odds_are_not_applicable(tmp_path: Path) -> None:
    """A log of decisions, and a system that decides a number."""
    for system, subject in (decision_log(tmp_path), (Pricer(), price_world(60))):
        result = run_probe(GlobalExplanation(), system, subject)
        (measure,) = result.measures

        assert (Verdict.NOT_APPLICABLE, SubReason.NO_CAPABILITY) == (measure.verdict, measure.sub_reason)
        assert False not in held(result)


def test_a_constant_system_rests_on_nothing() -> None:
    """No importance, no effect; and there is no variance of which a share could be said."""
    result = run_probe(SMALL, Constant(SYSTEM), credit_world(100))
    measure = found(result, "non-additive-share")

    assert 0.0 == value(result, "mean-absolute-shap", feature="income")
    assert (Verdict.NOT_APPLICABLE, SubReason.NO_DYNAMIC_RANGE) == (measure.verdict, measure.sub_reason)
    numbers = {each.estimate.value for each in result.measures if each.metric != "partial-dependence"}
    assert {0.0, None} == numbers


def test_few_rows_are_said_to_be_few_and_nothing_is_judged(credit: Sequence[Measure]) -> None:
    """The figure stands with what it lacks, and no limit makes a verdict of it."""
    result = run_probe(GlobalExplanation(inputs=20, rows=30, seeds=2), SYSTEM, credit_world(80))
    limits = [Limit(metric="explain.global/mean-shap", direction="at_most", threshold=-1e9)]

    assert {SubReason.UNDERPOWERED} >= {each.sub_reason for each in result.measures if each.metric != "importance-rank"}
    assert {"disclosure"} == {each.mode for each in credit}
    assert not {Verdict.PASS, Verdict.FAIL} & {each.verdict for each in judge([result], limits)}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"repeats": 29}, "suites.explain.global.repeats: 29; expected at least 30"),
        ({"seeds": 1}, "suites.explain.global.seeds: 1; expected at least 2"),
        ({"explainer": "occlusion"}, "suites.explain.global.explainer: occlusion does not fit"),
        ({"explainer": "lime.tabular"}, "suites.explain.global.explainer: lime.tabular does not fit"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, int | str], said: str) -> None:
    """With the number or the name that was given."""
    with pytest.raises(UsageError, match=said):
        GlobalExplanation(**options)  # type: ignore[arg-type]
