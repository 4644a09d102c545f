"""Explainers that ask the system itself for attributions: boosted trees, and gradients of text classifiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from explained_worlds import asking
from fakes import run_probe
from probandum.evidence import ATTRIBUTED, ATTRIBUTED_ROWS, Capability, Floats, PerToken, Request, Response, Table
from probandum.finding import Limit, Verdict
from probandum.judging import judge
from probandum.subject import Subject
from probandum.target import Target, TargetContext, make_target
from probandum.targets import load_builtin
from probandum_probes.explain.explaining import make_explainer, residual
from probandum_probes.explain.quality.efficiency import Efficiency
from probandum_probes.explain.rows import RowWorld
from probandum_probes.explain.texts import TextWorld

load_builtin()
NAMES = tuple("abcde")
TEXTS = ("the loan is granted today", "Emily, Jamal and Greg apply for it.", "No", "  you are   very rude ")


class Curved(Target):
    """A classifier of texts by their length, with the integral of its gradient along a line of known error.

    f is 3 - 0.1 n of n characters. Integrated gradients fall short of f - base by ``missing`` / steps of it, and every
    letter has its equal share, one token a letter.
    """

    name = "curved"
    capabilities = frozenset({Capability.CLASSIFY, Capability.ATTRIBUTE})
    labels = ("kind", "rude")
    base = -1.0

    def __init__(self, missing: float) -> None:
        self.missing = missing
        self.asked: list[tuple[int, int]] = []

    def identity(self) -> Mapping[str, Any]:
        """Its only parameter."""
        return {"missing": self.missing}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """Classes, or what each letter did."""
        return [
            self._attributed(each) if each.kind is Capability.ATTRIBUTE else self._classes(each) for each in requests
        ]

    def _score(self, request: Request) -> Floats:
        return 3 - 0.1 * np.array([len(text) for text in request.texts], dtype=np.float64)

    def _classes(self, request: Request) -> Response:
        kind = 1 / (1 + np.exp(-self._score(request)))
        return Response(outputs=np.column_stack([kind, 1 - kind]), labels=self.labels)

    def _attributed(self, request: Request) -> Response:
        steps = int(request.parameters["steps"])
        self.asked.append((len(request), steps))
        sign = 1.0 if request.parameters["class"] == "kind" else -1.0
        score = sign * self._score(request)
        shared = (score - self.base) * (1 - self.missing / steps)
        tokens = tuple(
            PerToken(
                tokens=tuple(text),
                starts=tuple(range(len(text))),
                ends=tuple(range(1, len(text) + 1)),
                values=(share / len(text),) * len(text),
            )
            for text, share in zip(request.texts, shared, strict=True)
        )
        whole = [np.full(len(score), 0.0), score, np.full(len(score), self.base), shared + self.base - score]
        labels = ATTRIBUTED["integrated-gradients"]
        return Response(outputs=np.column_stack(whole), per_token=tokens, labels=labels)


def test_steps_are_doubled_until_the_integral_is_near_enough() -> None:
    """At 50 steps 1.8 % are missing, at 100 half of that, which is near enough."""
    system = Curved(missing=0.9)
    world = TextWorld.open(asking(system), TEXTS, inputs=4)
    found = make_explainer("gradients.integrated").explain(world, seed=1)

    assert {50, 100} == {steps for _, steps in system.asked}
    for instance, each in zip(world.instances, found, strict=True):
        assert each.base is not None
        assert residual(each.attributions, each.base, instance.score) <= 0.01 + 1e-9
        assert 150 == each.evaluations


def test_letters_are_added_up_by_word() -> None:
    """A word has the sum of its letters, and the blank behind it is its own."""
    world = TextWorld.open(asking(Curved(missing=0.0)), TEXTS, inputs=4)
    found = make_explainer("gradients.integrated").explain(world, seed=1)
    for place, (instance, each) in enumerate(zip(world.instances, found, strict=True)):
        lengths = np.array([len(piece) for piece in world.pieces(place)])

        assert each.base is not None
        np.testing.assert_allclose(lengths / lengths.sum() * (instance.score - each.base), each.attributions, atol=1e-9)


@pytest.mark.parametrize(("missing", "verdict"), [(0.0, Verdict.PASS), (100.0, Verdict.FAIL)])
def test_integral_that_stays_far_off_fails(tmp_path: Path, missing: float, verdict: Verdict) -> None:
    """Where 800 steps still leave an eighth, the limit of integrals is broken; an exact integral is within it."""
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(TEXTS) + "\n", "utf-8")
    probe = Efficiency(explainers=("gradients.integrated",), texts=path)
    result = run_probe(probe, Curved(missing=missing))
    limit = Limit(metric="explain.efficiency/integration-residual", direction="at_most", threshold=0.01)
    (finding,) = judge([result], [limit])

    assert [True, True] == [control.held for control in result.controls]
    assert verdict is finding.verdict


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> TextWorld:
    """Texts under a tiny real classifier."""
    for package in ("torch", "transformers", "tokenizers"):
        pytest.importorskip(package)
    from tiny_models import save_bert

    folder = save_bert(tmp_path_factory.mktemp("bert"))
    context = TargetContext(folder=folder, device="cpu", threads=1)
    return TextWorld.open(asking(make_target("transformers", context, {"path": str(folder)})), TEXTS, inputs=4)


@pytest.mark.parametrize("name", ["gradients.integrated", "gradients.integrated-pad"])
def test_integrated_gradients_of_a_real_classifier_add_up(classifier: TextWorld, name: str) -> None:
    """Words and base give the log-odds of the class, to one part in a hundred."""
    found = make_explainer(name).explain(classifier, seed=1)
    for instance, each in zip(classifier.instances, found, strict=True):
        assert each.base is not None
        assert len(instance) == len(each.attributions)
        assert residual(each.attributions, each.base, instance.score) <= 0.01


def test_gradients_of_tokens_are_added_up_by_word(classifier: TextWorld) -> None:
    """The words of a text have together what its tokens have, for the class that the whole text was given."""
    found = make_explainer("gradients.input").explain(classifier, seed=1)
    for place, each in enumerate(found):
        label = classifier.ask.labels[classifier.instances[place].label]
        (answer,) = classifier.ask(
            [
                Request(
                    kind=Capability.ATTRIBUTE,
                    inputs=(classifier.texts[place],),
                    parameters={"method": "gradient-x-input", "class": label},
                )
            ]
        )

        assert pytest.approx(sum(answer.per_token[0].values), rel=1e-5, abs=1e-6) == each.attributions.sum()


@pytest.fixture(scope="module", params=["xgboost", "lightgbm"])
def trees(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Target, Subject]:
    """Boosted trees and the rows that they were trained on."""
    pytest.importorskip("shap")
    library = pytest.importorskip(request.param)
    rng = np.random.default_rng(1)
    values = rng.normal(size=(300, 5))
    classes = (values[:, 0] + values[:, 1] * values[:, 2] > 0).astype(int)
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "xgboost":
        data = library.DMatrix(values, label=classes)
        booster = library.train({"objective": "binary:logistic", "max_depth": 3, "nthread": 1}, data, 15)
        booster.save_model(folder / "m.ubj")
    else:
        options = {"objective": "binary", "num_leaves": 7, "verbose": -1, "num_threads": 1}
        library.train(options, library.Dataset(values, label=classes), 15).save_model(folder / "m.txt")
    file = "m.ubj" if request.param == "xgboost" else "m.txt"
    target = make_target(request.param, TargetContext(folder=folder, features=NAMES, threads=1), {"path": file})
    return target, Subject(table=Table.from_matrix(values, NAMES), features=NAMES)


def test_values_of_trees_are_the_exact_ones(trees: tuple[Target, Subject]) -> None:
    """What TreeExplainer computes from the trees is what all versions over the same background give."""
    world = RowWorld.open(asking(*trees), inputs=6)
    exact = make_explainer("shap.exact").explain(world, seed=1)
    for ours, theirs in zip(make_explainer("shap.tree").explain(world, seed=1), exact, strict=True):
        np.testing.assert_allclose(theirs.attributions, ours.attributions, atol=1e-5)
        assert pytest.approx(theirs.base, abs=1e-5) == ours.base


def test_values_by_paths_add_up_from_another_base(trees: tuple[Target, Subject]) -> None:
    """They start from the training rows, and end at f as well."""
    world = RowWorld.open(asking(*trees), inputs=6)
    found = make_explainer("shap.tree-path-dependent").explain(world, seed=1)
    exact = make_explainer("shap.exact").explain(world, seed=1)
    for instance, each, other in zip(world.instances, found, exact, strict=True):
        assert each.base is not None and other.base is not None
        assert residual(each.attributions, each.base, instance.score) < 1e-4
        assert abs(each.base - other.base) > 1e-3


def test_efficiency_of_trees_has_its_own_limit(trees: tuple[Target, Subject]) -> None:
    """What is left of single precision is judged by itself, and the controls hold."""
    probe = Efficiency(explainers=("shap.tree", "shap.exact"), inputs=8)
    result = run_probe(probe, *trees)

    assert [True, True] == [control.held for control in result.controls]
    assert {"single-precision-residual", "residual"} == {each.metric for each in result.measures}
    assert all("Shapley values, interventional" in (each.estimate.design or "") for each in result.measures)
    limit = Limit(metric="explain.efficiency/single-precision-residual", direction="at_most", threshold=1e-4)
    assert {Verdict.PASS} == {each.verdict for each in judge([result], [limit]) if "single" in each.metric}


class Broken(Target):
    """A model whose library finds that its values do not add up."""

    name = "broken"
    capabilities = frozenset({Capability.PREDICT, Capability.ATTRIBUTE})
    labels = ("0", "1")

    def identity(self) -> Mapping[str, Any]:
        """It has no parameter."""
        return {}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """Classes, and no attributions."""
        return [
            Response(error="ExplainerError: Additivity check failed in TreeExplainer!")
            if request.kind is Capability.ATTRIBUTE
            else Response(outputs=np.full((len(request), 2), 0.5), labels=self.labels)
            for request in requests
        ]


def test_failed_check_of_the_library_is_an_error_of_the_probe() -> None:
    """No value is judged, and the reason is the library's."""
    table = Table.from_matrix(np.random.default_rng(1).normal(size=(30, 5)), NAMES)
    result = run_probe(Efficiency(explainers=("shap.tree",), inputs=5), Broken(), Subject(table=table, features=NAMES))

    assert "error" == result.status
    assert result.why is not None and "Additivity check failed" in result.why


def test_methods_are_those_that_models_answer() -> None:
    """Every explainer that asks for attributions of rows names a method that targets know."""
    assert {"tree-interventional", "tree-path-dependent"} == set(ATTRIBUTED_ROWS)
    assert set(ATTRIBUTED_ROWS) == {make_explainer(f"shap.{name}").method for name in ("tree", "tree-path-dependent")}  # type: ignore[attr-defined]
