"""The probes of explanations: planted faults are found, null models stay quiet, controls hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from explained_probes import decision_log
from explained_worlds import row_world
from fakes import BROKEN, Constant, KeywordClassifier, Scorer, Through, credit_world, run_probe
from probandum.asking import Asker
from probandum.errors import UsageError
from probandum.evidence import Capability, Request, Response, Table
from probandum.finding import Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.probe import Measure, ProbeResult, make_probe
from probandum.stats import bounds
from probandum.subject import Subject
from probandum.target import TargetContext, make_target
from probandum.targets import load_builtin
from probandum_probes.explain import explaining
from probandum_probes.explain.explaining import Explainer, Explanation, explainer, make_explainer, residual
from probandum_probes.explain.quality.base import QualityProbe
from probandum_probes.explain.quality.efficiency import Efficiency
from probandum_probes.explain.quality.faithfulness import FaithfulnessProbe
from probandum_probes.explain.quality.scoring import by_size, faithfulness, greedy_orders, ranked, sizes
from probandum_probes.explain.quality.seed_spread import kuncheva, stability
from probandum_probes.explain.quality.seed_stability import SeedStability
from probandum_probes.explain.texts import TextWorld
from probandum_probes.explain.worlds import Removal, Scores, World

VOCABULARY = ("stupid", "idiot", "hate", "love", "bread", "warm", "soup", "rain", "train", "the", "is", "my")
PROBES: tuple[type[QualityProbe], ...] = (Efficiency, FaithfulnessProbe, SeedStability)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """130 texts of 4 to 11 words, drawn from twelve."""
    rng = np.random.default_rng(11)
    lines = [" ".join(rng.choice(VOCABULARY, size=rng.integers(4, 12))) for _ in range(130)]
    path = tmp_path_factory.mktemp("texts") / "texts.txt"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


@pytest.fixture
def planted() -> Iterator[None]:
    """Two explainers more: one that turns the truth round, one whose attributions do not add up."""
    before = dict(explaining._EXPLAINERS.classes)

    @explainer("planted.backwards", explains=[Capability.CLASSIFY])
    class Backwards(Explainer):
        """Names last what speaks most for the class."""

        def explain(self, world: World, *, seed: int) -> list[Explanation]:
            """Occlusion, its signs turned round."""
            return [
                Explanation(attributions=-each.attributions, base=None, evaluations=1, seed=seed)
                for each in make_explainer("occlusion").explain(world, seed=seed)
            ]

    @explainer("planted.leaking", explains=[Capability.CLASSIFY])
    class Leaking(Explainer):
        """Loses a fifth of what it claims to share out."""

        complete = True

        def explain(self, world: World, *, seed: int) -> list[Explanation]:
            """Shares of the log-odds, from a base of 0, that add up to four fifths of them."""
            return [
                Explanation(
                    attributions=np.full(len(found), 0.8 * found.score / len(found)), base=0.0, evaluations=1, seed=seed
                )
                for found in world.instances
            ]

    yield
    explaining._EXPLAINERS.classes.clear()
    explaining._EXPLAINERS.classes.update(before)


def found(result: ProbeResult, metric: str, name: str) -> Measure:
    """The one measure of that metric and explainer."""
    fitting = [each for each in result.measures if (each.metric, each.facets.get("explainer")) == (metric, name)]

    assert 1 == len(fitting), f"{result.status}: {result.why}"
    return fitting[0]


def verdict_of(result: ProbeResult, metric: str, name: str, limit: Limit) -> Verdict:
    """What the limit says of that measure."""
    return next(
        each.verdict
        for each in judge([result], [limit])
        if each.metric == f"{result.probe}/{metric}" and each.facets.get("explainer") == name
    )


def held(result: ProbeResult) -> list[bool | None]:
    """Whether each control held."""
    return [outcome.held for outcome in result.controls]


FAITHFUL = Limit(metric="explain.faithfulness/comprehensiveness-normalised", direction="at_least", threshold=0.2)
NON_INFERIOR = Limit(
    metric="explain.faithfulness/comprehensiveness-over-occlusion", direction="at_least", threshold=-0.1
)
STABLE = Limit(metric="explain.seed-stability/relative-noise", direction="at_most", threshold=0.1)
EXACT = Limit(metric="explain.efficiency/residual", direction="at_most", threshold=1e-6)


def test_shares_are_rounded_up_and_never_empty() -> None:
    """max(1, ceil(q d)), and 20 % of 35 is 7 though 0.2 * 35 is a little more in binary."""
    assert (1, 1, 1, 1, 1) == sizes(1)
    assert (1, 2, 4, 7, 18) == sizes(35)


def test_faithfulness_of_an_additive_classifier_by_hand() -> None:
    """p(x) - p(x without the first q), read off the logistic curve for a text of two weighted words."""
    ask = Asker(KeywordClassifier({"a": 2.0, "b": 1.0}, bias=0.0), seed=1).for_probe("explain.test")
    world = TextWorld.open(ask, ["a b c d"], inputs=1)
    scores = faithfulness(world, {"best": [np.array([0, 1, 2, 3])]})["best"]
    p = [1 / (1 + np.exp(-total)) for total in (3.0, 1.0, 0.0, 2.0)]

    assert pytest.approx((4 * (p[0] - p[1]) + (p[0] - p[2])) / 5) == scores.comprehensiveness[0]
    assert pytest.approx((4 * (p[3] - p[0]) + 0.0) / 5) == scores.sufficiency[0]
    area = 0.25 * (p[0] - p[1]) / 2 + 0.25 * (p[0] - p[1] + p[0] - p[2]) / 2 + 0.5 * (p[0] - p[2])
    assert pytest.approx(area) == scores.deletion[0]
    empty = p[2]  # c and d weigh nothing: without a and b nothing is left
    added = 0.25 * (p[3] - empty) / 2 + 0.25 * (p[3] - empty + p[0] - empty) / 2 + 0.5 * (p[0] - empty)
    assert pytest.approx(added) == scores.insertion[0]
    assert pytest.approx(p[0] - empty) == scores.whole[0]
    assert pytest.approx(p[0] - empty - area) == scores.area_removed[0]


def test_insertion_and_the_order_by_size_ask_no_second_round() -> None:
    """All orders of all contenders are cut in one round."""
    ask = Asker(KeywordClassifier({"a": 2.0, "b": -3.0}, bias=0.0), seed=1).for_probe("explain.test")
    world = TextWorld.open(ask, ["a b c d", "b a d"], inputs=2)
    rounds: list[int] = []

    class Counting(TextWorld):
        """Counts how often it is asked."""

        def scores(self, removals: Sequence[Removal]) -> list[Scores]:
            """As before."""
            rounds.append(len(removals))
            return super().scores(removals)

    world.__class__ = Counting
    phi = [np.array([2.0, -3.0, 0.0, 0.0]), np.array([-3.0, 2.0, 0.0])]
    faithfulness(world, {"signed": [ranked(each) for each in phi], "size": [by_size(each) for each in phi]})

    assert [4] == rounds


def test_greedy_search_finds_the_weights_order() -> None:
    """Where log-odds add up, the greedy order is that of the weights, for the half that counts."""
    ask = Asker(KeywordClassifier({"a": 1.0, "b": 3.0, "c": -2.0, "d": 2.0}, bias=0.0), seed=1).for_probe(
        "explain.test"
    )
    world = TextWorld.open(ask, ["a b c d"], inputs=1)
    removing, keeping = greedy_orders(world)

    assert [1, 3] == removing[0][:2].tolist() == keeping[0][:2].tolist()
    assert [0, 1, 2, 3] == sorted(removing[0].tolist())


def test_ties_keep_the_order_of_the_text() -> None:
    """Equal attributions rank in the order of their features."""
    assert [2, 0, 1, 3] == ranked(np.array([1.0, 1.0, 5.0, 0.0])).tolist()


def test_faithful_explainers_pass_and_controls_hold(texts: Path) -> None:
    """On an additive classifier every explainer comes near the oracle, and none falls behind occlusion."""
    result = run_probe(FaithfulnessProbe(texts=texts, samples=200), KeywordClassifier())

    assert [True, True] == held(result)
    for name in ("occlusion", "lime.text", "shap.partition"):
        assert Verdict.PASS is verdict_of(result, "comprehensiveness-normalised", name, FAITHFUL)
        value = found(result, "comprehensiveness-normalised", name).estimate.value
        assert value is not None and value > 0.9
    assert Verdict.PASS is verdict_of(result, "comprehensiveness-over-occlusion", "shap.partition", NON_INFERIOR)
    assert "disclosure" == found(result, "local-fit", "lime.text").mode


def test_items_average_to_the_normalised_score(texts: Path) -> None:
    """Each input has one value, and their mean is the score."""
    result = run_probe(FaithfulnessProbe(texts=texts, explainers=("occlusion",)), KeywordClassifier())
    measure = found(result, "comprehensiveness-normalised", "occlusion")

    assert measure.items is not None
    assert 100 == len(set(measure.items.keys)) == measure.estimate.n
    assert pytest.approx(measure.estimate.value) == np.mean(measure.items.values)


def test_the_order_by_size_and_areas_are_shown_beside(texts: Path) -> None:
    """What speaks against the class is removed early by size: it does worse; areas lie on the right sides of a half."""
    result = run_probe(FaithfulnessProbe(texts=texts, explainers=("occlusion",), inputs=40), KeywordClassifier())
    shown = {
        metric: found(result, metric, "occlusion")
        for metric in ("comprehensiveness-by-size", "sufficiency-by-size", "deletion-area", "insertion-area")
    }
    values = {metric: each.estimate.value for metric, each in shown.items()}

    assert {"disclosure"} == {each.mode for each in shown.values()}
    assert pytest.approx(1.0, abs=0.01) == found(result, "insertion-normalised", "occlusion").estimate.value
    assert values["comprehensiveness-by-size"] is not None and 0.2 < values["comprehensiveness-by-size"] < 0.95
    assert values["deletion-area"] is not None and values["deletion-area"] < 0.3
    assert values["insertion-area"] is not None and values["insertion-area"] > 0.7
    for each in shown.values():
        assert each.items is not None
        assert pytest.approx(each.estimate.value) == np.mean(each.items.values) / np.mean(each.items.weights)


@pytest.mark.usefixtures("planted")
def test_backwards_explainer_fails(texts: Path) -> None:
    """An explainer that names the least important words first is worse than chance, and is found."""
    probe = FaithfulnessProbe(texts=texts, explainers=("planted.backwards",))
    result = run_probe(probe, KeywordClassifier())
    value = found(result, "comprehensiveness-normalised", "planted.backwards").estimate.value

    assert value is not None and value < 0
    assert Verdict.FAIL is verdict_of(result, "comprehensiveness-normalised", "planted.backwards", FAITHFUL)
    assert Verdict.FAIL is verdict_of(result, "comprehensiveness-over-occlusion", "planted.backwards", NON_INFERIOR)


def test_fewer_than_100_inputs_are_inconclusive(texts: Path) -> None:
    """Forty inputs give an estimate and no verdict."""
    result = run_probe(FaithfulnessProbe(texts=texts, explainers=("occlusion",), inputs=40), KeywordClassifier())

    assert Verdict.INCONCLUSIVE is verdict_of(result, "comprehensiveness-normalised", "occlusion", FAITHFUL)
    assert found(result, "comprehensiveness-normalised", "occlusion").estimate.value is not None


@pytest.mark.parametrize("probe", PROBES)
def test_constant_model_is_no_pass(probe: type[QualityProbe], texts: Path) -> None:
    """A system that answers all inputs alike has no explanation to judge: not applicable, never PASS."""
    result = run_probe(probe(texts=texts, inputs=5, samples=60), Constant(KeywordClassifier()))
    leading = [each for each in result.measures if each.mode == "gate"]

    assert leading
    assert {(Verdict.NOT_APPLICABLE, SubReason.NO_DYNAMIC_RANGE)} == {(m.verdict, m.sub_reason) for m in leading}
    assert False not in held(result)


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("probe", PROBES)
def test_broken_system_is_an_error(probe: type[QualityProbe], broken: type[Through], texts: Path) -> None:
    """Refusals, crashes, errors, silence and NaN all end in an error with its reason."""
    result = run_probe(probe(texts=texts, inputs=5, samples=60), broken(KeywordClassifier()))

    assert "error" == result.status
    assert result.why


def test_log_of_decisions_is_not_applicable(tmp_path: Path) -> None:
    """A log answers for its own rows only; each probe says so, and no control fails over it."""
    target, subject = decision_log(tmp_path)
    for probe in PROBES:
        result = run_probe(probe(), target, subject)
        (measure,) = result.measures

        assert (Verdict.NOT_APPLICABLE, SubReason.NO_CAPABILITY) == (measure.verdict, measure.sub_reason)
        assert [None, None] == held(result)


def test_shapley_values_add_up_and_controls_hold() -> None:
    """The residual of permutation values on a scorer is 0 to rounding."""
    result = run_probe(Efficiency(inputs=20), Scorer(gap=0.5), credit_world(200))

    assert [True, True] == held(result)
    assert Verdict.PASS is verdict_of(result, "residual", "shap.permutation", EXACT)


@pytest.mark.usefixtures("planted")
def test_attributions_that_do_not_add_up_fail(texts: Path) -> None:
    """A fifth that is missing is found at its size, and the control notices that the explainer is not exact."""
    result = run_probe(Efficiency(texts=texts, explainers=("planted.leaking",)), KeywordClassifier())

    assert pytest.approx(0.2) == found(result, "residual", "planted.leaking").estimate.value


def test_explainer_without_the_claim_is_not_applicable(texts: Path) -> None:
    """LIME never said that its weights add up."""
    result = run_probe(Efficiency(texts=texts, explainers=("lime.text",)), KeywordClassifier())
    measure = found(result, "residual", "lime.text")

    assert (Verdict.NOT_APPLICABLE, SubReason.NO_CAPABILITY) == (measure.verdict, measure.sub_reason)


def test_residual_is_relative_to_the_base() -> None:
    """Half a logit missing of two is a quarter."""
    assert 0.25 == residual(np.array([1.0, 0.5]), 1.0, 3.0)


def test_stable_and_noisy_explainers_are_told_apart(texts: Path) -> None:
    """Exact explainers vary by 0; LIME of few samples is noisy, and says how many samples it needs."""
    probe = SeedStability(texts=texts, samples=15, explainers=("lime.text", "occlusion"))
    result = run_probe(probe, KeywordClassifier())
    noise = found(result, "relative-noise", "lime.text").estimate
    needed = found(result, "samples-needed", "lime.text").estimate

    assert [True, True] == held(result)
    assert 0.0 == found(result, "relative-noise", "occlusion").estimate.value
    assert 1.0 == found(result, "top-overlap", "occlusion").estimate.value
    assert noise.value is not None and noise.value > 0.1
    assert pytest.approx(15 * (noise.value / 0.1) ** 2) == needed.value
    assert Verdict.FAIL is verdict_of(result, "relative-noise", "lime.text", STABLE)
    assert Verdict.PASS is verdict_of(result, "relative-noise", "occlusion", STABLE)


def test_noise_of_a_known_size_is_measured_at_that_size() -> None:
    """Attributions of size 1 with noise of standard deviation .2 have a relative noise of .2."""
    rng = np.random.default_rng(8)
    runs = [np.concatenate([1 + 0.2 * rng.normal(size=(10, 5)), np.zeros((10, 4))], axis=1) for _ in range(200)]
    seen = stability(runs)

    assert pytest.approx(0.2, abs=0.01) == seen.noise.mean() / seen.size.mean()
    assert 1.0 == seen.overlap.mean()


def test_every_feature_has_its_spread_over_seeds(texts: Path) -> None:
    """Items of one word each: mean, standard deviation and half the t interval that follows from it."""
    probe = SeedStability(texts=texts, samples=40, inputs=8, explainers=("lime.text", "occlusion"))
    result = run_probe(probe, KeywordClassifier())
    items = {
        metric: found(result, metric, "lime.text").items
        for metric in ("attribution", "standard-deviation", "interval-half-width")
    }
    spread, width = items["standard-deviation"], items["interval-half-width"]

    assert spread is not None and width is not None
    assert spread.keys == width.keys and len(set(zip(spread.keys, spread.contents or spread.keys, strict=True))) > 30
    assert pytest.approx(0.71536, abs=1e-5) == np.mean(width.values) / np.mean(spread.values)  # t of 9 over root of 10
    tau, same, near = (
        found(result, metric, "lime.text").estimate.value
        for metric in ("kendall", "variables-stability", "coefficients-stability")
    )
    assert tau is not None and 0 < tau < 1
    assert same is not None and 0.5 < same < 1
    assert near is not None and near > 0.8
    assert 1.0 == found(result, "kendall", "occlusion").estimate.value
    assert not [
        each for each in result.measures if "coefficients" in each.metric and "occlusion" in each.facets.values()
    ]


def test_standard_errors_of_coefficients_are_those_over_seeds() -> None:
    """Of LIME on rows: what one run says of its own error is what ten runs spread by."""
    world = row_world(inputs=4)
    runs = [make_explainer("lime.tabular").explain(world, seed=seed) for seed in range(10)]
    said = np.array([[each.errors for each in run] for run in runs], dtype=np.float64).mean(axis=0)
    spread = np.array([[each.attributions for each in run] for run in runs]).std(axis=0, ddof=1)

    assert pytest.approx(1.0, abs=0.4) == said.mean() / spread.mean()


def test_fewer_samples_than_the_library_takes_are_said(texts: Path) -> None:
    """And how to ask for as many."""
    few, many = (
        run_probe(FaithfulnessProbe(texts=texts, explainers=("lime.text",), inputs=3, samples=samples), classifier)
        for samples, classifier in ((60, KeywordClassifier()), (5000, KeywordClassifier()))
    )
    said = found(few, "local-fit", "lime.text").estimate.design or ""

    assert said.endswith("60 versions an input, where its own library takes 5,000 (samples: 5000 asks for them)")
    assert (found(many, "local-fit", "lime.text").estimate.design or "").endswith("5000 versions an input")


def test_overlap_is_undefined_where_all_features_are_on_top() -> None:
    """Kuncheva's index divides by 0 at k = d: such inputs have none."""
    seen = stability([np.ones((10, 5)), np.ones((10, 6)), np.zeros((10, 9))])

    assert (0, 1) == seen.places
    assert (1,) == seen.overlapping
    with pytest.raises(ValueError, match="all of them"):
        kuncheva(np.ones((3, 5), dtype=bool))


def test_overlap_by_chance_is_about_0() -> None:
    """Random picks of 5 of 30 agree no more than chance has it."""
    rng = np.random.default_rng(4)
    members = np.zeros((400, 30), dtype=bool)
    for row in members:
        row[rng.permutation(30)[:5]] = True

    assert abs(kuncheva(members)) < 0.02


def test_same_seed_same_findings(texts: Path) -> None:
    """The plan's seed fixes every estimate; another one changes them."""
    probe = FaithfulnessProbe(texts=texts, inputs=20, samples=60)
    first, second, other = (run_probe(probe, KeywordClassifier(), seed=seed) for seed in (3, 3, 4))

    assert first == second
    assert first.measures != other.measures


def test_options_are_checked() -> None:
    """Unknown explainers, one input and one seed are refused before the model is asked."""
    with pytest.raises(UsageError, match="at least 2"):
        make_probe("explain.faithfulness", {"inputs": 1})
    with pytest.raises(UsageError, match="at least 2"):
        make_probe("explain.seed-stability", {"seeds": 1})
    with pytest.raises(UsageError, match="unknown explainer"):
        make_probe("explain.efficiency", {"explainers": ["lime.txt"]})


def test_rows_with_text_columns_are_explained() -> None:
    """Columns of words are replaced like columns of numbers."""
    rng = np.random.default_rng(6)
    table = Table(
        {"age": rng.normal(size=150), "income": rng.normal(size=150), "job": rng.choice(["a", "b", "c"], 150)}
    )

    class Jobs(Scorer):
        """Likes job a and a high income."""

        def answer(self, requests: Sequence[Request]) -> list[Response]:
            """As the scorer, whose other columns follow from the job."""
            return super().answer([replace(request, inputs=self._columns(request.table)) for request in requests])

        def _columns(self, rows: Table) -> Table:
            nothing = np.zeros(len(rows))
            debt = -(rows["job"] == "a").astype(np.float64)
            return Table({"income": rows["income"], "debt": debt, "years": nothing, "female": nothing})

    result = run_probe(FaithfulnessProbe(samples=150, inputs=30), Jobs(), Subject(table=table))

    assert [True, True] == held(result)
    for name in ("shap.permutation", "lime.tabular", "occlusion"):
        value = found(result, "comprehensiveness-normalised", name).estimate.value
        assert value is not None and value > 0.6


def test_bounds_follow_from_what_the_estimate_keeps(texts: Path) -> None:
    """The interval can be had again from the draws, at any level."""
    result = run_probe(FaithfulnessProbe(texts=texts, explainers=("occlusion",), inputs=20), KeywordClassifier())
    estimate = found(result, "comprehensiveness-normalised", "occlusion").estimate
    again = bounds("bootstrap", level=0.95, draws=estimate.draws, value=estimate.value)

    assert (estimate.low, estimate.high) == (again.low, again.high)


def test_word_that_makes_a_text_rude_comes_first() -> None:
    """All explainers of the real moderation model agree on which word of a rude text weighs most."""
    load_builtin()
    folder = "package:profanity_check/data"
    options = {
        "path": f"{folder}/model.joblib",
        "vectorizer": f"{folder}/vectorizer.joblib",
        "unsafe_pickle": True,
        "sha256": "aeafc04849d4d93db4721cf30a86ebf22085595294b8a07d51918e7fa98f538b",
        "vectorizer_sha256": "19c5200dc6a41f026e0558e2f164f5fe8d8f58e502b46b37e4385037fcfa4831",
    }
    target = make_target("sklearn", TargetContext(folder=Path()), options)
    rude = {"Your cousin is an idiot.": 4, "What a damn mess you made": 2, "Bread and moron soup": 2}
    world = TextWorld.open(Asker(target, seed=1).for_probe("explain.test"), tuple(rude), inputs=3)
    for name in ("occlusion", "lime.text", "shap.partition"):
        for text, each in zip(world.texts, make_explainer(name).explain(world, seed=1), strict=True):
            assert rude[text] == ranked(each.attributions)[0], (name, text)
