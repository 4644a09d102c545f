"""Explainers against shap and lime, used as their documentation shows, at equal seeds and equal masks."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from explained_worlds import TEXTS, Rule, row_world, text_world
from fakes import logistic
from probandum.evidence import Floats, Table
from probandum.subject import Subject
from probandum_probes.explain.explainers import kernel as by_kernel
from probandum_probes.explain.explainers import lime as by_lime
from probandum_probes.explain.explaining import Explanation, make_explainer
from probandum_probes.explain.rows import RowWorld
from probandum_probes.explain.texts import TextWorld

for package in ("shap", "lime"):
    pytest.importorskip(package)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import shap
    from lime.lime_tabular import LimeTabularExplainer
    from lime.lime_text import LimeTextExplainer

SEED = 11


@pytest.fixture(autouse=True)
def global_generator() -> Iterator[None]:
    """numpy's global generator, which shap draws from, is as it was."""
    state = np.random.get_state()
    yield
    np.random.set_state(state)


def rough(rows: Table) -> Floats:
    """Log-odds with interactions of all orders."""
    columns = [np.asarray(column, dtype=np.float64) for column in rows.columns.values()]
    return np.sin(sum(column * (place + 1) for place, column in enumerate(columns))) * 2 + columns[0] * columns[1]


def numbers(width: int, *, rows: int = 60, seed: int = 3) -> RowWorld:
    """A world of numbers, the last column of few different values, under a rough rule."""
    values = np.random.default_rng(seed).normal(size=(rows, width))
    values[:, -1] = np.round(values[:, -1])
    table = Table.from_matrix(values, [f"x{place}" for place in range(width)])
    return row_world(Rule(rough), Subject(table=table), inputs=4)


def scorer(world: RowWorld, place: int) -> Callable[[Any], Floats]:
    """f of one instance's class, as a function of a matrix."""
    sign = 1.0 if world.instances[place].label == 1 else -1.0
    names = list(world.rows)

    def score(matrix: Any) -> Floats:
        p = logistic(rough(Table.from_matrix(np.asarray(matrix, dtype=np.float64), names)))
        return sign * (np.log(p) - np.log(1 - p))

    return score


def ours(name: str, world: RowWorld | TextWorld, samples: int | None = None) -> list[Explanation]:
    """All explanations of a world."""
    return make_explainer(name, samples=samples).explain(world, seed=SEED)


def test_exact_values_are_those_of_the_library() -> None:
    """shap.explainers.Exact with an independent masker over the same background."""
    world = numbers(6)
    background = world.background.matrix()
    for place, each in enumerate(ours("shap.exact", world)):
        masker = shap.maskers.Independent(background, max_samples=len(background))
        theirs = shap.explainers.Exact(scorer(world, place), masker)(world.rows.matrix()[[place]])

        np.testing.assert_allclose(theirs.values[0], each.attributions, atol=1e-9)
        assert pytest.approx(theirs.base_values[0]) == each.base


@pytest.mark.parametrize("samples", [None, 200])
def test_permutation_values_are_those_of_the_library(samples: int | None) -> None:
    """shap.explainers.Permutation under the seed of the instance."""
    world = numbers(7)
    background = world.background.matrix()
    for place, each in enumerate(ours("shap.permutation", world, samples)):
        masker = shap.maskers.Independent(background, max_samples=len(background))
        explain = shap.explainers.Permutation(scorer(world, place), masker, seed=each.seed)
        theirs = explain(world.rows.matrix()[[place]], max_evals=samples or 15)

        np.testing.assert_allclose(theirs.values[0], each.attributions, atol=1e-9)


@pytest.mark.parametrize(
    ("width", "samples"), [(2, None), (6, None), (6, 20), (13, None), (13, 37), (14, 300), (40, 90)]
)
def test_kernel_values_are_those_of_the_library(width: int, samples: int | None) -> None:
    """shap.KernelExplainer under the seed of the instance, without its selection of ten columns."""
    world = numbers(width, rows=12)
    for place, each in enumerate(ours("shap.kernel", world, samples)):
        explain = shap.KernelExplainer(scorer(world, place), world.background.matrix())
        np.random.seed(each.seed)
        row = world.rows.matrix()[place]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # few samples leave a singular matrix
            theirs = explain.shap_values(row, nsamples=samples or "auto", l1_reg=False, silent=True)

        np.testing.assert_allclose(theirs, each.attributions, atol=1e-6)
        assert explain.nsamplesAdded + 2 == each.evaluations


def test_kernel_masks_and_weights_are_those_of_the_library() -> None:
    """Every version that the library draws of 14 columns is drawn, with its weight."""
    world = numbers(14, rows=5)
    explain = shap.KernelExplainer(scorer(world, 0), world.background.matrix())
    np.random.seed(5)
    explain.shap_values(world.rows.matrix()[0], nsamples=500, l1_reg=False, silent=True)
    kept, weights = by_kernel.coalitions(14, 500, np.random.RandomState(5))
    theirs = sorted(zip(explain.maskMatrix.astype(int).tolist(), explain.kernelWeights.round(12), strict=True))

    assert theirs == sorted(zip(kept.astype(int).tolist(), weights.round(12), strict=True))


def test_column_that_never_varies_is_left_out_of_the_kernel() -> None:
    """A column that holds one value in the background and the row has attribution 0, and the others their own."""
    values = np.random.default_rng(3).normal(size=(30, 4))
    values[:, 2] = 1.0
    table = Table.from_matrix(values, list("abcd"))
    world = row_world(Rule(rough), Subject(table=table), inputs=3)
    for kernel, exact in zip(ours("shap.kernel", world), ours("shap.exact", world), strict=True):
        assert 0.0 == kernel.attributions[2]
        np.testing.assert_allclose(exact.attributions, kernel.attributions, atol=1e-9)


def test_linear_values_are_those_of_the_library() -> None:
    """shap.explainers.Linear of a logistic regression, interventional."""
    from sklearn.linear_model import LogisticRegression

    values = np.random.default_rng(4).normal(size=(90, 5))
    model = LogisticRegression().fit(values, values[:, 0] - values[:, 1] ** 2 > 0)
    names = list("abcde")
    table = Table.from_matrix(values, names)
    world = row_world(Rule(lambda rows: model.decision_function(rows.matrix())), Subject(table=table), inputs=6)
    masker = shap.maskers.Independent(world.background.matrix(), max_samples=100)
    theirs = shap.explainers.Linear(model, masker)(world.rows.matrix())
    for place, each in enumerate(ours("shap.linear", world)):
        sign = 1.0 if world.instances[place].label == 1 else -1.0

        np.testing.assert_allclose(sign * theirs.values[place], each.attributions, atol=1e-6)
        assert pytest.approx(sign * theirs.base_values[place], abs=1e-6) == each.base


@pytest.mark.parametrize("samples", [30, 500])
def test_partition_values_are_those_of_the_library(samples: int) -> None:
    """shap.explainers.Partition with a masker of words, three dots for an absent one."""
    world = text_world()
    for place, (text, each) in enumerate(zip(world.texts, ours("shap.partition", world, samples), strict=True)):
        cut = world.pieces(place)
        if len(cut) == 1:
            continue
        starts = np.cumsum([0, *map(len, cut)]).tolist()

        def tokenizer(
            text: str, return_offsets_mapping: bool = True, cut: tuple[str, ...] = cut, starts: list[int] = starts
        ) -> dict[str, Any]:
            return {
                "input_ids": list(cut) if text else [],
                "offset_mapping": list(pairwise(starts)) if text else [],
            }

        masker = shap.maskers.Text(tokenizer)

        class Words:
            """The library's masks as they are, under its own tree."""

            immutable_outputs = True
            clustering = masker.clustering(text)

            def shape(self, _: object) -> tuple[int, int]:
                """One version, and so many words."""
                return 1, len(self.clustering) + 1

            def __call__(self, mask: Any, _: object) -> tuple[Any]:
                return (np.asarray(mask, dtype=bool)[None, :],)

        np.random.seed(each.seed)
        explain = shap.explainers.Partition(lambda kept, place=place: world.value(place, "mask", kept), Words())
        theirs = explain.explain_row(
            np.zeros(len(cut)),
            max_evals=samples,
            main_effects=False,
            error_bounds=False,
            batch_size=samples,
            outputs=None,
            silent=True,
        )

        np.testing.assert_allclose(theirs["values"], each.attributions, atol=1e-9)


def test_weights_of_words_are_those_of_lime() -> None:
    """LimeTextExplainer, every blank-separated word a feature of its own, under the seed of the instance."""
    world = text_world()
    for place, each in enumerate(ours("lime.text", world, 150)):
        width = len(world.pieces(place))
        if width == 1:
            continue
        words = re.compile(r"W(\d+)W")

        def score(versions: list[str], place: int = place, width: int = width, words: Any = words) -> Floats:
            kept = np.zeros((len(versions), width), dtype=bool)
            for row, version in zip(kept, versions, strict=True):
                row[[int(word) for word in words.findall(version)]] = True
            return world.value(place, "delete", kept)[:, None]

        explain = LimeTextExplainer(random_state=each.seed, feature_selection="none", bow=False, mask_string="")
        theirs = explain.explain_instance(
            " ".join(f"W{word}W" for word in range(width)), score, labels=(0,), num_features=width, num_samples=150
        )

        weights = np.zeros(width)
        for word, weight in theirs.local_exp[0]:
            weights[int(word)] = weight
        np.testing.assert_allclose(weights, each.attributions, atol=1e-9)
        assert pytest.approx(theirs.score) == each.local_fit
        assert pytest.approx(theirs.intercept[0]) == each.base


def test_weights_of_columns_are_those_of_lime() -> None:
    """LimeTabularExplainer over the same background, a column of few values among those of many."""
    world = numbers(5, rows=90)
    background, categories = world.background.matrix(), [4]
    levels = np.unique(np.concatenate([background[:, 4], world.rows["x4"]]))
    coded = background.copy()
    coded[:, 4] = np.searchsorted(levels, background[:, 4])
    for place, each in enumerate(ours("lime.tabular", world, 300)):

        def score(matrix: Floats, place: int = place) -> Floats:
            back = matrix.copy()
            back[:, 4] = levels[matrix[:, 4].astype(int)]
            return scorer(world, place)(back)

        row = world.rows.matrix()[place]
        row[4] = np.searchsorted(levels, row[4])
        explain = LimeTabularExplainer(
            coded, mode="regression", feature_selection="none", categorical_features=categories, random_state=each.seed
        )
        theirs = explain.explain_instance(row, score, num_features=5, num_samples=300)
        weights = np.zeros(5)
        for column, weight in theirs.local_exp[1]:
            weights[int(column)] = weight

        np.testing.assert_allclose(weights, each.attributions, atol=1e-9)
        assert pytest.approx(theirs.score) == each.local_fit


def test_quartile_that_holds_one_number_is_drawn_as_lime_draws_it() -> None:
    """Where a quarter of the background has the smallest value, that bin holds nothing else."""
    column = np.concatenate([np.zeros(30), np.arange(1.0, 71.0)])
    bins = by_lime._Bins(column)
    explain = LimeTabularExplainer(column[:, None], random_state=0)
    chosen = np.arange(len(bins.edges) + 1).repeat(5)
    drawn = explain.discretizer.get_undiscretize_values(0, chosen)
    rng = np.random.RandomState(0)

    assert not bins.wide.all()
    np.testing.assert_allclose(drawn, bins.values(chosen, rng.uniform(size=int(bins.wide[chosen].sum()))), atol=1e-12)


def test_texts_are_those_of_the_shared_world() -> None:
    """The texts compared here hold one of a word alone, and one with a word that occurs twice."""
    lengths = sorted(len(text.split()) for text in TEXTS)

    assert 1 == lengths[0] < lengths[-1]
