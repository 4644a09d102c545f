"""explain.randomisation: explainers that do not look at the system are found, and others are left in peace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from explained_probes import (
    WEIGHTS,
    by_chance,
    by_place,
    constant,
    found,
    held,
    planted,
    texts_file,
    value,
    verdict,
)
from explained_worlds import asking, row_world, text_world
from fakes import BROKEN, Constant, KeywordClassifier, Scorer, Through, credit_world, run_probe
from probandum.evidence import Capability, Request, Response, Table
from probandum.finding import Limit, SubReason, Verdict
from probandum_probes.explain.explaining import make_explainer
from probandum_probes.explain.quality.random_similarity import attributions, similarities
from probandum_probes.explain.quality.random_systems import RandomAnswers, at_random
from probandum_probes.explain.quality.randomisation import Randomisation
from probandum_probes.explain.worlds import World

LIMIT = Limit(metric="explain.randomisation/similarity-over-null", direction="at_most", threshold=0.1)
SYSTEM = KeywordClassifier(WEIGHTS, bias=0.0)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """130 texts."""
    return texts_file(tmp_path_factory.mktemp("texts"))


@pytest.fixture
def asked_explainer() -> Iterator[str]:
    """An explainer that asks the system itself."""
    with planted("planted.asking", constant) as name:
        make = type(make_explainer(name))
        make.masks = False
        yield name


def test_random_system_answers_alike_to_the_same_and_evenly() -> None:
    """The same input has one answer; over many, p of one class of two is uniform: mean 1/2, variance 1/12."""
    answers = RandomAnswers(asking(SYSTEM), 7)
    texts = tuple(f"text {place}" for place in range(4000))
    first, second = (answers([Request(kind=Capability.CLASSIFY, inputs=texts)])[0].values for _ in range(2))
    other = RandomAnswers(asking(SYSTEM), 8)([Request(kind=Capability.CLASSIFY, inputs=texts)])[0].values

    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(1.0, first.sum(axis=1))
    assert abs(first[:, 0].mean() - 0.5) < 4 * (1 / 12 / 4000) ** 0.5
    assert abs(first[:, 0].var() - 1 / 12) < 0.005
    assert abs(np.corrcoef(first[:, 0], other[:, 0])[0, 1]) < 4 / 4000**0.5


def test_random_system_sees_every_digit_of_a_row() -> None:
    """A row that differs in one place of one column has another answer, a row that does not the same."""
    table = Table({"a": np.array([1.0, 1.0, 1.0 + 1e-12]), "b": np.array(["x", "x", "x"])})
    p = RandomAnswers(asking(Scorer(), credit_world(5)), 3)([Request(kind=Capability.PREDICT, inputs=table)])[0].values

    assert p[0, 0] == p[1, 0] != p[2, 0]


class Counting(Through):
    """Counts the rounds that it is asked."""

    rounds = 0

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """One more."""
        self.rounds += 1
        return super().answer(requests)


def test_random_world_asks_the_audited_system_nothing() -> None:
    """Texts and rows are explained under chance alone, and the class explained is the one that chance gives."""
    classifier, scorer = Counting(SYSTEM), Counting(Scorer())
    worlds: list[World] = [text_world(target=classifier), row_world(scorer, credit_world(200))]
    for world, target in zip(worlds, (classifier, scorer), strict=True):
        before = target.rounds
        random = at_random(world, 5)
        said = make_explainer("occlusion").explain(random, seed=0)

        assert before == target.rounds > 0
        assert len(world) == len(said)
        assert all(each.probability >= 0.5 for each in random.instances)
        assert [each.key for each in world.instances] == [each.key for each in random.instances]


def test_similarity_is_0_where_nothing_is_ranked() -> None:
    """An explanation that says the same of every feature has nothing in common with any."""
    first, second = [np.array([1.0, 2.0]), np.ones(3)], [np.array([-3.0, 5.0]), np.arange(3.0)]

    assert [1.0, 0.0] == similarities(first, second).tolist()


def test_explainers_that_look_at_the_system_pass(texts: Path) -> None:
    """Occlusion, LIME and Owen values change with the system; where chance answers, none is worth anything."""
    names = ("lime.text", "occlusion", "shap.partition")
    result = run_probe(Randomisation(texts=texts, explainers=names, samples=200), SYSTEM)

    assert [True, True] == held(result)
    for name in names:
        assert Verdict.PASS is verdict(result, LIMIT, name)
        assert abs(value(result, "similarity", explainer=name)) < 0.15
        beyond = found(result, "random-comprehensiveness-over-null", explainer=name).estimate
        assert beyond.low is not None and beyond.high is not None and beyond.low <= 0 <= beyond.high


def test_explainers_of_rows_that_look_at_the_system_pass() -> None:
    """Columns that hold the values of the background anyhow matter to no system: that is in the null."""
    result = run_probe(Randomisation(inputs=100), Scorer(gap=1.0), credit_world(600))

    assert [True, True] == held(result)
    for name in ("lime.tabular", "occlusion", "shap.permutation"):
        assert Verdict.PASS is verdict(result, LIMIT, name)


def test_blind_explainer_fails(texts: Path) -> None:
    """Features by their place alone: 1 over a null that counts as .8, so .2 without any doubt."""
    with planted("planted.blind", by_place) as name:
        result = run_probe(Randomisation(texts=texts, explainers=(name,)), SYSTEM)

    assert Verdict.FAIL is verdict(result, LIMIT, name)
    assert pytest.approx(0.2) == value(result, "similarity-over-null", explainer=name)
    assert pytest.approx(1.0) == value(result, "similarity", explainer=name)
    assert pytest.approx(1.0) == value(result, "null-similarity", explainer=name)


def test_explainer_that_draws_by_its_seed_alone_fails(texts: Path) -> None:
    """The same seed says the same of every system."""
    with planted("planted.chance", by_chance, sampled=True) as name:
        result = run_probe(Randomisation(texts=texts, explainers=(name,)), SYSTEM)

    assert Verdict.FAIL is verdict(result, LIMIT, name)


def test_constant_explainer_ranks_nothing(texts: Path) -> None:
    """No ranking, no similarity: not applicable, never a pass."""
    with planted("planted.constant", constant) as name:
        measure = found(
            run_probe(Randomisation(texts=texts, explainers=(name,)), SYSTEM), "similarity-over-null", explainer=name
        )

    assert (Verdict.NOT_APPLICABLE, SubReason.NO_DYNAMIC_RANGE) == (measure.verdict, measure.sub_reason)


def test_explainer_that_asks_the_system_is_not_applicable(texts: Path, asked_explainer: str) -> None:
    """No random system computes attributions of itself."""
    result = run_probe(Randomisation(texts=texts, explainers=(asked_explainer,)), SYSTEM)
    (measure,) = result.measures

    assert (Verdict.NOT_APPLICABLE, SubReason.NO_CAPABILITY) == (measure.verdict, measure.sub_reason)


def test_explainer_of_linear_systems_is_not_applicable() -> None:
    """A random system is not linear, which is no mistake of the explainer; others are compared all the same."""
    result = run_probe(Randomisation(explainers=("shap.linear", "occlusion")), Scorer(gap=1.0), credit_world(300))
    measure = found(result, "similarity-over-null", explainer="shap.linear")

    assert (Verdict.NOT_APPLICABLE, SubReason.NO_CAPABILITY) == (measure.verdict, measure.sub_reason)
    assert "neither linear nor a scorecard" in str(measure.why)
    assert Verdict.PASS is verdict(result, LIMIT, "occlusion")


def test_fewer_than_30_inputs_are_inconclusive(texts: Path) -> None:
    """An estimate, and no verdict."""
    result = run_probe(Randomisation(texts=texts, explainers=("occlusion",), inputs=29), SYSTEM)

    assert Verdict.INCONCLUSIVE is verdict(result, LIMIT, "occlusion")
    assert found(result, "similarity-over-null").estimate.value is not None


def test_items_average_to_the_judged_number(texts: Path) -> None:
    """Each input has one value."""
    measure = found(run_probe(Randomisation(texts=texts, explainers=("occlusion",)), SYSTEM), "similarity-over-null")

    assert measure.items is not None
    assert 50 == len(set(measure.items.keys)) == measure.estimate.n
    assert pytest.approx(measure.estimate.value) == np.mean(measure.items.values)


def test_same_seed_same_findings(texts: Path) -> None:
    """The plan's seed fixes all; another one changes it."""
    probe = Randomisation(texts=texts, inputs=10, explainers=("occlusion",))
    first, second, other = (run_probe(probe, SYSTEM, seed=seed) for seed in (3, 3, 4))

    assert first == second
    assert first.measures != other.measures


def test_constant_system_is_no_pass(texts: Path) -> None:
    """A system that answers all inputs alike has no explanation that could change."""
    result = run_probe(Randomisation(texts=texts, inputs=30, samples=60), Constant(SYSTEM))
    judged = [each for each in result.measures if each.mode == "gate"]

    assert {(Verdict.NOT_APPLICABLE, SubReason.NO_DYNAMIC_RANGE)} == {(m.verdict, m.sub_reason) for m in judged}
    assert False not in held(result)


@pytest.mark.parametrize("broken", BROKEN)
def test_broken_system_is_an_error(broken: type[Through], texts: Path) -> None:
    """That random systems answer is no excuse."""
    result = run_probe(Randomisation(texts=texts, inputs=5, samples=60), broken(SYSTEM))

    assert "error" == result.status
    assert result.why


def test_null_is_that_of_systems_that_have_nothing_in_common() -> None:
    """Two random systems explained by occlusion: Spearman's correlation is 0 where no column is forced."""
    world = text_world([f"{a} {b} {c} {d} {e}" for a in "abc" for b in "de" for c in "fgh" for d in "ij" for e in "kl"])
    first, second = (attributions(at_random(world, seed), make_explainer("occlusion"), seed=0) for seed in (1, 2))
    values = similarities(first, second)

    assert 72 == len(values)
    assert abs(values.mean()) < 4 * values.std() / 72**0.5
