"""Agreement, complexity and infidelity: figures that can be had by hand, planted explainers, and no verdict ever."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from explained_probes import (
    WEIGHTS,
    by_chance,
    by_place,
    constant,
    decision_log,
    found,
    held,
    planted,
    texts_file,
    value,
    weights,
)
from explained_worlds import Rule, row_world, text_world
from fakes import BROKEN, Constant, KeywordClassifier, Scorer, Through, credit_world, run_probe
from probandum.errors import UsageError
from probandum.evidence import Table
from probandum.finding import Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.probe import make_probe
from probandum.subject import Subject
from probandum_probes.explain.explaining import make_explainer
from probandum_probes.explain.quality.agreement import Agreement
from probandum_probes.explain.quality.base import QualityProbe
from probandum_probes.explain.quality.complexity import ComplexityProbe, complexity
from probandum_probes.explain.quality.infidelity import Infidelity
from probandum_probes.explain.quality.sensitivity import RADIUS, continuous, neighbours, sensitivity
from probandum_probes.explain.removing import Removed, draw_removals, moments, remove

SYSTEM = KeywordClassifier(WEIGHTS, bias=0.0)
PROBES: tuple[type[QualityProbe], ...] = (Agreement, ComplexityProbe, Infidelity)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """130 texts."""
    return texts_file(tmp_path_factory.mktemp("texts"))


def test_agreement_of_explainers_that_find_the_truth(texts: Path) -> None:
    """On an additive classifier occlusion, Owen values and the weights themselves are one explanation."""
    with planted("planted.truth", weights) as truth:
        names = (truth, "occlusion", "shap.partition", "lime.text")
        result = run_probe(Agreement(texts=texts, explainers=names, samples=400), SYSTEM)

    assert [True, True] == held(result)
    assert 1.0 == value(result, "self-agreement", explainer="occlusion")
    for metric in ("spearman", "kendall", "sign-agreement", "rank-biased-overlap", "top-overlap"):
        assert pytest.approx(1.0) == value(result, metric, explainer=truth, other="occlusion")
        assert 0.8 < value(result, metric, explainer="occlusion", other="lime.text") <= 1.0
    own = value(result, "self-agreement", explainer="lime.text")
    together = value(result, "spearman", explainer="occlusion", other="lime.text")
    measure = found(result, "agreement-over-ceiling", explainer="occlusion", other="lime.text")

    assert pytest.approx(together / ((1 + own) / 2)) == measure.estimate.value
    assert measure.items is not None and "ratio" == measure.items.form


def test_explainers_that_are_not_faithful_are_left_out(texts: Path) -> None:
    """Random and constant attributions are named with their score, and compared with none."""
    with planted("planted.chance", by_chance, sampled=True) as chance, planted("planted.place", by_place) as place:
        result = run_probe(Agreement(texts=texts, explainers=("occlusion", chance, place, "shap.partition")), SYSTEM)

    for name in (chance, place):
        score = found(result, "comprehensiveness-normalised", explainer=name).estimate
        assert "left out of the comparison" in str(score.design)
        assert score.low is not None and score.low < 0.2
    pairs = {(each.facets["explainer"], each.facets["other"]) for each in result.measures if "other" in each.facets}

    assert {("occlusion", "shap.partition")} == pairs
    assert "; compared" in str(found(result, "comprehensiveness-normalised", explainer="occlusion").estimate.design)


def test_one_faithful_explainer_has_nobody_to_agree_with(texts: Path) -> None:
    """It is said why there is no figure."""
    with planted("planted.place", by_place) as place:
        result = run_probe(Agreement(texts=texts, explainers=("occlusion", place)), SYSTEM)
    measure = found(result, "spearman")

    assert Verdict.NOT_APPLICABLE is measure.verdict
    assert "1 of 2 explainers are faithful" in str(measure.why)


def test_complexity_by_hand() -> None:
    """Shares .5, .25, .25, 0: entropy 1.5 log 2, effective number 2^1.5, Gini by pairs, three hold 90 %."""
    phi = np.array([0.25, -0.5, 0.0, 0.25])
    found = complexity(phi)
    by_pairs = float(np.abs(np.subtract.outer(np.abs(phi), np.abs(phi))).sum()) / (2 * 4 * 1.0)

    assert pytest.approx(1.5 * math.log(2)) == found.entropy
    assert pytest.approx(2**1.5) == found.effective
    assert pytest.approx(by_pairs) == found.gini
    assert 3 == found.needed
    assert 9 == complexity(np.ones(10)).needed
    assert pytest.approx((0.0, 0.75, 1.0, 1)) == complexity(np.array([0.0, 0.0, -3.0, 0.0]))
    with pytest.raises(ValueError, match="all attributions are 0"):
        complexity(np.zeros(3))


def test_complexity_does_not_depend_on_order_sign_or_unit() -> None:
    """Shares alone count."""
    rng = np.random.default_rng(2)
    phi = rng.normal(size=9)

    assert pytest.approx(complexity(phi)) == complexity(-7 * rng.permutation(phi))


def test_complexity_of_constant_and_true_explanations(texts: Path) -> None:
    """A constant explanation spreads over all features of an input; the weights of words over fewer."""
    with planted("planted.constant", constant) as even, planted("planted.truth", weights) as truth:
        result = run_probe(ComplexityProbe(texts=texts, explainers=(even, truth)), SYSTEM)
    widths = [len(line.split()) for line in texts.read_text("utf-8").splitlines()]

    assert [True, True] == held(result)
    assert pytest.approx(0.0, abs=1e-12) == value(result, "gini", explainer=even)
    assert min(widths) <= value(result, "effective-features", explainer=even) <= max(widths)
    assert value(result, "effective-features", explainer=truth) < value(result, "effective-features", explainer=even)
    assert {None} == {each.verdict for each in result.measures}


def test_removals_are_of_every_size_alike_and_runs_are_runs() -> None:
    """1 to d features, each size a d-th of all; a run has no gap."""
    rng = np.random.default_rng(5)
    for runs in (False, True):
        gone = draw_removals(5, 4000, rng, runs=runs)
        sizes = np.bincount(gone.sum(axis=1), minlength=6)

        assert 0 == sizes[0]
        assert (abs(sizes[1:] - 800) < 4 * (4000 * 0.2 * 0.8) ** 0.5).all()
        if runs:
            assert ((np.diff(gone.astype(int), axis=1) == 1).sum(axis=1) + gone[:, 0] == 1).all()


def test_infidelity_of_an_additive_system_is_0_and_otherwise_as_counted() -> None:
    """The weights foretell every removal; of half the weights a quarter of what happens is left, and beta is 2."""
    world = text_world([" ".join(WEIGHTS), "rain is love", "stupid warm train"], SYSTEM)
    removed = remove(world, 50, seed=3)
    truth = weights(world, 0)
    exact, half = moments(removed, truth), moments(removed, [phi / 2 for phi in truth])
    plain = [
        np.mean([(sum(phi[each.gone[k]]) / 2 - each.fall[k]) ** 2 for k in range(50)])
        for each, phi in zip(removed, truth, strict=True)
    ]

    np.testing.assert_allclose(exact.error, 0.0, atol=1e-20)
    np.testing.assert_allclose(half.error, plain)
    np.testing.assert_allclose(half.error, exact.happened / 4)
    np.testing.assert_allclose(half.both / half.foretold, 2.0)


def test_infidelity_by_hand() -> None:
    """f falls by 1, 0, 2 where phi foretells 1, 2, 3: (0 + 4 + 1) / 3, over 5 / 3, best scale 7 / 14."""
    removed = Removed(np.array([[True, False], [False, True], [True, True]]), np.array([1.0, 0.0, 2.0]))
    found = moments([removed], [np.array([1.0, 2.0])])

    assert pytest.approx(5 / 3) == found.error[0]
    assert pytest.approx(1.0) == found.error[0] / found.happened[0]
    assert pytest.approx(0.5) == found.both[0] / found.foretold[0]


def test_infidelity_tells_truth_from_chance_and_constants(texts: Path) -> None:
    """0 for the weights with the scale 1; more than saying nothing for random attributions."""
    with planted("planted.truth", weights) as truth, planted("planted.chance", by_chance) as chance:
        result = run_probe(Infidelity(texts=texts, explainers=(truth, chance, "occlusion"), perturbations=100), SYSTEM)

    assert [True, True] == held(result)
    for kind in ("features", "runs"):
        assert pytest.approx(0.0, abs=1e-12) == value(result, "infidelity", explainer=truth, removal=kind)
        assert pytest.approx(0.0, abs=1e-12) == value(result, "scale-free-infidelity", explainer=truth, removal=kind)
        assert pytest.approx(1.0) == value(result, "optimal-scale", explainer="occlusion", removal=kind)
        assert value(result, "scale-free-infidelity", explainer=chance, removal=kind) > 1
    assert not [each for each in result.measures if "sensitivity" in each.metric]


def test_neighbours_are_near_and_get_the_same_decision() -> None:
    """Within 2 % of the range of numeric columns, categories untouched, as many for each row."""
    world = row_world(Scorer(gap=1.0), credit_world(400), inputs=40)
    near = neighbours(world, 6, seed=4)
    assert near is not None
    ranges = continuous(world.background)
    rows = {name: column.reshape(-1, 7) for name, column in near.world.rows.columns.items()}

    assert {"income", "debt", "years"} == set(ranges)
    assert near.steps.shape == near.moves.shape == (len(near.places), 6)
    for name, column in rows.items():
        np.testing.assert_array_equal(world.rows[name][list(near.places)], column[:, 0])
        assert (np.abs(column[:, 1:] - column[:, :1]) <= RADIUS * ranges.get(name, 0.0) + 1e-12).all()
    instances = [near.world.instances[7 * place : 7 * place + 7] for place in range(len(near.places))]
    assert all({each.label for each in own} == {own[0].label} for own in instances)
    assert all((each.probability >= 0.5 for each in own) for own in instances)


def test_neighbours_beyond_the_edge_of_a_decision_are_passed_over() -> None:
    """A row that lies nearer to the edge than its neighbours do has only those of its own side, and as many."""
    values = np.linspace(-1, 1, 201)[np.arange(201) != 100]
    world = row_world(Rule(lambda rows: 5 * rows["a"]), Subject(table=Table({"a": values})), inputs=200)
    near = neighbours(world, 4, seed=1)
    assert near is not None
    rows = near.world.rows["a"].reshape(-1, 5)
    edge = np.abs(rows[:, 0]) < 0.04

    assert edge.any()
    assert (np.sign(rows) == np.sign(rows[:, :1])).all()
    assert all(each.probability >= 0.5 for each in near.world.instances)
    np.testing.assert_allclose(5 * np.abs(np.diff(rows[:, :2])[:, 0]), near.moves[:, 0])


def test_rows_at_the_edge_of_a_decision_are_left_out() -> None:
    """Where nearly every neighbour gets another decision there are too few, and no maximum over fewer is taken."""
    rule = Rule(lambda rows: np.where(np.abs(rows["a"] * 1e6 % 1 - 0.5) < 0.45, 1.0, -1.0))
    table = Table({"a": np.linspace(0, 1, 60), "b": np.linspace(0, 1, 60)[::-1].copy()})
    world = row_world(rule, Subject(table=table), inputs=60)
    near = neighbours(world, 10, seed=1)
    assert near is not None
    lone = [place for place, each in enumerate(world.instances) if each.label == 0]

    assert lone
    assert not set(lone) & set(near.places)


def test_sensitivity_by_hand() -> None:
    """Attributions of x itself: |x' - x| / |x| is the way over the size; those of a constant do not move at all."""
    world = row_world(Rule(lambda rows: rows["a"] + 9.0), _line(), inputs=30)
    near = neighbours(world, 5, seed=2)
    assert near is not None

    def columns(world, seed):  # type: ignore[no-untyped-def]  # a planted explainer
        return list(world.rows.matrix())

    with planted("planted.itself", columns) as itself, planted("planted.constant", constant) as even:
        moving = sensitivity(near, make_explainer(itself), seed=1)
        still = sensitivity(near, make_explainer(even), seed=1)
    rows = near.world.rows.matrix().reshape(len(near.places), 6, 2)
    ratios = np.linalg.norm(rows[:, 1:] - rows[:, :1], axis=2) / np.linalg.norm(rows[:, 0], axis=1)[:, None]

    np.testing.assert_allclose(ratios.max(axis=1), moving.largest)
    np.testing.assert_allclose(np.quantile(ratios, 0.95, axis=1), moving.usual)
    assert 0.0 == still.largest.max() == still.steepness.max()
    assert 30 == len(still.places)


def _line() -> Subject:
    """Sixty rows of two numbers."""
    rng = np.random.default_rng(9)
    return Subject(table=Table({"a": rng.uniform(1, 2, 60), "b": rng.uniform(1, 2, 60)}))


def test_shapley_values_of_a_linear_scorer_are_as_steep_as_its_columns() -> None:
    """phi moves by w_j times the step of column j, so that along one column it is as steep as f."""
    table = Table({"a": np.random.default_rng(3).normal(size=80)})
    result = run_probe(
        Infidelity(explainers=("shap.permutation",), neighbours=4),
        Rule(lambda rows: 0.7 * rows["a"] + 3.0),
        Subject(table=table),
    )

    assert pytest.approx(1.0) == value(result, "relative-steepness", explainer="shap.permutation")
    assert value(result, "sensitivity-95th-percentile") <= value(result, "max-sensitivity")


def test_text_columns_have_no_neighbours() -> None:
    """A row of words cannot move a little: no sensitivity, which is said, and infidelity all the same."""
    rng = np.random.default_rng(6)
    subject = Subject(table=Table({"job": rng.choice(["a", "b", "c"], 90), "town": rng.choice(["x", "y"], 90)}))
    rule = Rule(lambda rows: np.where(rows["job"] == "a", 1.0, -1.0) + np.where(rows["town"] == "x", 0.5, 0.0))
    result = run_probe(Infidelity(explainers=("occlusion",)), rule, subject)

    assert value(result, "infidelity", explainer="occlusion") >= 0
    measure = found(result, "max-sensitivity", explainer="occlusion")
    assert (Verdict.NOT_APPLICABLE, None) == (measure.verdict, measure.estimate.value)
    assert "no column holds numbers" in str(measure.why)


@pytest.mark.parametrize("probe", PROBES)
def test_nothing_of_them_is_judged(probe: type[QualityProbe], texts: Path) -> None:
    """Whatever limit a plan sets."""
    result = run_probe(probe(texts=texts, inputs=60, samples=100), SYSTEM)
    limits = [
        Limit(metric=f"{result.probe}/{each.metric}", direction="at_most", threshold=-1e9) for each in result.measures
    ]
    judged = judge([result], list({limit.metric: limit for limit in limits}.values()))

    assert result.measures
    assert {"disclosure"} == {each.mode for each in result.measures}
    assert {Verdict.NOT_APPLICABLE} == {each.verdict for each in judged}
    assert [True, True] == held(result)


@pytest.mark.parametrize("probe", PROBES)
def test_fewer_than_50_inputs_are_said_to_be_few(probe: type[QualityProbe], texts: Path) -> None:
    """The figure stands, with what it lacks."""
    result = run_probe(probe(texts=texts, inputs=40, explainers=("occlusion", "shap.partition")), SYSTEM)
    said = {
        each.sub_reason
        for each in result.measures
        if each.metric not in ("self-agreement", "comprehensiveness-normalised")
    }

    assert {SubReason.UNDERPOWERED} == said


@pytest.mark.parametrize("probe", PROBES)
def test_constant_system_breaks_no_control(probe: type[QualityProbe], texts: Path) -> None:
    """There is nothing to explain; no control calls the probe broken, and no number is made up."""
    result = run_probe(probe(texts=texts, inputs=5, samples=60), Constant(SYSTEM))

    assert "measured" == result.status
    assert False not in held(result)
    assert {0.0, None} >= {each.estimate.value for each in result.measures}


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("probe", PROBES)
def test_broken_system_is_an_error(probe: type[QualityProbe], broken: type[Through], texts: Path) -> None:
    """Refusals, crashes, errors, silence and NaN all end in an error with its reason."""
    result = run_probe(probe(texts=texts, inputs=5, samples=60), broken(SYSTEM))

    assert "error" == result.status
    assert result.why


@pytest.mark.parametrize("probe", PROBES)
def test_same_seed_same_findings(probe: type[QualityProbe]) -> None:
    """The plan's seed fixes all; another one changes it."""
    options = {"inputs": 10, "samples": 60}
    runs = [run_probe(probe(**options), Scorer(gap=1.0), credit_world(200), seed=seed) for seed in (3, 3, 4)]  # type: ignore[arg-type]

    assert runs[0] == runs[1]
    assert runs[0].measures != runs[2].measures


def test_options_of_infidelity_are_checked() -> None:
    """One removal, fewer than no neighbours or more than can be explained are refused before the system is asked."""
    with pytest.raises(UsageError, match="at least 2"):
        make_probe("explain.infidelity", {"perturbations": 1})
    for many in (-1, 201):
        with pytest.raises(UsageError, match=f"neighbours: {many}, expected a whole number from 0 to 200"):
            make_probe("explain.infidelity", {"neighbours": many})


def test_log_of_decisions_is_reported_as_not_applicable(tmp_path: Path) -> None:
    """A log answers for its own rows only; what never gates does not gate here either."""
    target, subject = decision_log(tmp_path)
    for probe in PROBES:
        result = run_probe(probe(), target, subject)
        (measure,) = result.measures

        assert (Verdict.NOT_APPLICABLE, "disclosure") == (measure.verdict, measure.mode)
        assert [None, None] == held(result)
