"""Explainers against models whose attributions are known in closed form, and at the edges."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from explained_worlds import TEXTS, Rule, by_text, gate_world, row_world, text_world
from fakes import Constant, KeywordClassifier, Refusing, Scorer
from probandum.errors import DataError, ProbeError, UnknownName, UsageError
from probandum.evidence import Capability, Table
from probandum.resources import dataset
from probandum.subject import Decision, Subject
from probandum_probes.explain.explaining import (
    Explainer,
    explainer,
    explainers_for,
    known_explainers,
    make_explainer,
)
from probandum_probes.explain.texts import MOST_FEATURES, pieces, read_texts
from probandum_probes.explain.worlds import MOST_INPUTS, Removal, World, class_scores, distinct, spread

#: Explainers of rows that give interventional Shapley values.
SHAPLEY = ("shap.exact", "shap.kernel", "shap.permutation")


@pytest.mark.parametrize("name", SHAPLEY)
def test_and_gate_has_the_shapley_values_that_theory_gives_it(name: str) -> None:
    """x1 AND x2 at (1, 1) with a uniform background: phi = (.375, .375), base .25 (and the constant 1)."""
    world = gate_world()
    place = next(i for i in range(4) if all(world.rows[name][i] == 1.0 for name in ("x1", "x2")))
    found = make_explainer(name).explain(world, seed=3)[place]

    np.testing.assert_allclose([0.375, 0.375], found.attributions, atol=1e-12)
    assert pytest.approx(1.25) == found.base


@pytest.mark.parametrize("name", [*SHAPLEY, "shap.linear"])
def test_linear_model_has_interventional_shapley_values(name: str) -> None:
    """phi_j = w_j (x_j - mean of the background), for every column, instance and seed."""
    world = row_world(inputs=6)
    weights = np.array([0.9, -0.8, 0.5, -0.7])
    expected = (world.rows.matrix() - world.background.matrix().mean(axis=0)) * weights
    signs = np.array([1.0 if instance.label == 1 else -1.0 for instance in world.instances])
    found = make_explainer(name).explain(world, seed=7)

    np.testing.assert_allclose(expected * signs[:, None], [each.attributions for each in found], atol=1e-9)


def test_column_that_the_model_ignores_gets_nothing() -> None:
    """A dummy column has attribution 0 by Shapley values and by occlusion."""
    world = row_world(Scorer(gap=0.0), inputs=5)
    column = world.instances[0].features.index("female")
    for name in (*SHAPLEY, "shap.linear", "occlusion"):
        largest = max(abs(each.attributions[column]) for each in make_explainer(name).explain(world, seed=1))

        assert largest < 1e-12, name


@pytest.mark.parametrize("name", SHAPLEY)
def test_columns_that_play_the_same_part_get_the_same(name: str) -> None:
    """Two copies of one column share its worth equally."""
    values = np.random.default_rng(5).normal(size=60)
    table = Table({"a": values, "b": values.copy(), "c": np.arange(60.0)})
    world = row_world(Rule(lambda rows: rows["a"] * rows["b"] + 0.01 * rows["c"]), Subject(table=table), inputs=5)
    for each in make_explainer(name).explain(world, seed=2):
        assert pytest.approx(each.attributions[0], abs=1e-9) == each.attributions[1]


@pytest.mark.parametrize("name", ["shap.exact", "shap.kernel"])
def test_attributions_are_linear_in_the_model(name: str) -> None:
    """Of the sum of two systems' log-odds each column gets the sum of what it gets of each."""
    table = Table.from_matrix(np.random.default_rng(8).normal(size=(80, 5)), list("abcde"))
    first = Rule(lambda rows: 3 + rows["a"] * rows["b"] * rows["c"] / 9)
    second = Rule(lambda rows: 2 + np.abs(rows["c"]) * rows["d"] / 9)
    both = Rule(lambda rows: first.rule(rows) + second.rule(rows))
    parts = [
        np.array([each.attributions for each in make_explainer(name).explain(world, seed=1)])
        for world in (row_world(rule, Subject(table=table), inputs=4) for rule in (first, second, both))
    ]

    np.testing.assert_allclose(parts[0] + parts[1], parts[2], atol=1e-9)


def test_occlusion_of_a_linear_model_is_the_distance_to_what_takes_its_place() -> None:
    """f(x) - f(x without j) = w_j (x_j - value), with the median, another row's value, and the background's mean."""
    world = row_world(inputs=4)
    background = world.background.matrix()
    drawn = world.background.take(list(world.drawn)).matrix()
    medians = np.quantile(background, 0.5, axis=0, method="lower")
    places = {"median": medians, "row": drawn, "background": background.mean(axis=0)}
    signs = np.array([1.0 if instance.label == 1 else -1.0 for instance in world.instances])
    weights = np.array([0.9, -0.8, 0.5, -0.7]) * signs[:, None]
    expected = {name: (world.rows.matrix() - value) * weights for name, value in places.items()}
    for name, each in expected.items():
        found = make_explainer(f"occlusion.{name}").explain(world, seed=0)

        np.testing.assert_allclose(each, [one.attributions for one in found], atol=1e-9)
    mean = make_explainer("occlusion").explain(world, seed=0)

    np.testing.assert_allclose(
        (expected["median"] + expected["background"]) / 2, [one.attributions for one in mean], atol=1e-9
    )


def test_each_way_to_remove_a_word_is_an_explainer() -> None:
    """Occlusion is the mean of deletion and masking."""
    world = text_world()
    found = [
        make_explainer(name).explain(world, seed=0) for name in ("occlusion.delete", "occlusion.mask", "occlusion")
    ]
    for deleted, masked, mean in zip(*found, strict=True):
        np.testing.assert_allclose((deleted.attributions + masked.attributions) / 2, mean.attributions, atol=1e-12)


@pytest.mark.parametrize("name", ["occlusion", "shap.exact", "shap.partition"])
def test_words_of_an_additive_classifier_get_their_weights(name: str) -> None:
    """Where log-odds add up over words, each word's attribution is its weight, with the sign of the class."""
    world = text_world()
    found = by_text(world, make_explainer(name).explain(world, seed=4))

    np.testing.assert_allclose(
        [0, 0, 0, 3, 3, 0, 0, 2.5, 0], found["you are a stupid idiot and I hate you"].attributions, atol=1e-9
    )
    np.testing.assert_allclose([0, 1, 0, 0, 0], found["I love this warm bread"].attributions, atol=1e-9)


def test_lime_finds_the_weights_of_an_additive_classifier() -> None:
    """LIME's ridge comes close to them, and says how well its line fits."""
    world = text_world()
    found = by_text(world, make_explainer("lime.text").explain(world, seed=4))[TEXTS[0]]

    np.testing.assert_allclose([0, 0, 0, 3, 3, 0, 0, 2.5, 0], found.attributions, atol=0.1)
    assert found.local_fit is not None and found.local_fit > 0.99


def test_lime_of_rows_ranks_and_signs_a_steep_column_right() -> None:
    """A column in the top quartile speaks for the class it raises, and the fit is told."""
    rng = np.random.default_rng(3)
    table = Table({"a": rng.normal(size=200), "kind": np.array(["x", "y"] * 100)})
    subject = Subject(table=table, decision=Decision(favourable="yes", positive="yes"))
    world = row_world(Rule(lambda rows: 3.0 * rows["a"] + 0.1 * (rows["kind"] == "x")), subject, inputs=20)
    found = make_explainer("lime.tabular").explain(world, seed=4)
    for each, value in zip(found, world.rows["a"], strict=True):
        assert each.local_fit is not None and 0 < each.local_fit <= 1
        if abs(value) > 1.2:
            assert each.attributions[0] > abs(each.attributions[1])


@pytest.mark.parametrize("name", ["occlusion", "shap.exact", "shap.partition", "lime.text"])
def test_lone_word_is_worth_all_that_it_changes(name: str) -> None:
    """f(stupid) - f() = 3 for the class toxic, by every explainer."""
    world = text_world(["stupid", "bread"])
    found = by_text(world, make_explainer(name).explain(world, seed=1))

    assert pytest.approx(3.0) == found["stupid"].attributions[0]


def test_texts_without_a_word_are_left_out_and_counted() -> None:
    """Blank texts are no instances; where nothing else is there, that is an error."""
    world = text_world(["", "  \t", "warm bread"])

    assert (1, 2) == (len(world), world.left_out)
    with pytest.raises(DataError, match="no text holds a word"):
        text_world(["", " "])


@given(st.text(max_size=60))
def test_pieces_joined_are_the_text(text: str) -> None:
    """Cutting loses nothing of a text that holds a word."""
    if text.strip():
        assert text == "".join(pieces(text))


def test_long_text_is_cut_into_runs_of_words() -> None:
    """A text of 1,000 words has 40 features, and keeps every word."""
    text = " ".join(f"w{place}" for place in range(1000))

    assert MOST_FEATURES == len(pieces(text))
    assert text == "".join(pieces(text))


def test_batched_occlusion_equals_asking_one_by_one() -> None:
    """One round for all instances gives the very numbers of a round an instance."""
    world = text_world()
    together = make_explainer("occlusion").explain(world, seed=0)
    for place, instance in enumerate(world.instances):
        for j in range(len(instance)):
            kept = np.arange(len(instance)) != j
            alone = [world.value(place, operator, kept[None, :])[0] for operator in ("delete", "mask")]

            assert instance.score - np.mean(alone) == together[place].attributions[j]


def test_equal_rows_are_asked_once() -> None:
    """Versions that come out equal cost one row: of 1 + 3 masks over 2 different substitutes, those that differ."""
    table = Table({"a": np.array([0.0, 1.0]), "b": np.array([5.0, 5.0])})
    world = row_world(Rule(lambda rows: rows["a"] + rows["b"]), Subject(table=table), inputs=2)
    kept = np.array([[True, True], [False, True], [True, False], [False, False]])
    place = int(np.argmax(world.rows["a"]))
    request, _ = world.request(Removal(instance=place, operator="background", kept=kept))

    assert 2 == len(request)
    np.testing.assert_allclose([6.0, 5.5, 6.0, 5.5], world.value(place, "background", kept))


def test_journal_holds_masks_and_not_the_versions() -> None:
    """A block of changed texts is recorded as base, operator, seed and packed masks."""
    world = text_world(["you stupid idiot", "warm bread"])
    request, _ = world.request(Removal(instance=0, operator="mask", kept=np.array([[True] * len(world.instances[0])])))

    assert request.masks is not None
    assert (world.instances[0].key, "mask ...", len(world.instances[0])) == (
        request.masks.base,
        request.masks.operator,
        request.masks.width,
    )


@pytest.mark.parametrize("name", ["lime.text", "shap.partition", "lime.tabular", "shap.kernel", "shap.permutation"])
def test_same_seed_same_explanation(name: str) -> None:
    """A seed fixes every digit, whatever numpy's global generator holds, and leaves that generator as it was."""
    explains_texts = Capability.CLASSIFY in known_explainers()[name].explains
    world: World = text_world() if explains_texts else row_world(inputs=3)
    made = make_explainer(name, samples=200)
    np.random.seed(1)
    expected = np.random.random()
    np.random.seed(1)
    first = made.explain(world, seed=9)
    drawn = np.random.random()
    second = made.explain(world, seed=9)

    assert expected == drawn
    for one, two in zip(first, second, strict=True):
        assert one.attributions.tolist() == two.attributions.tolist()


def test_explanation_does_not_depend_on_what_else_is_explained() -> None:
    """The seed of an instance follows from its content: alone or among others, LIME says the same of it."""
    together = text_world()
    alone = text_world([TEXTS[0]])
    made = make_explainer("lime.text", samples=100)
    found = by_text(together, made.explain(together, seed=5))[TEXTS[0]]

    assert made.explain(alone, seed=5)[0].attributions.tolist() == found.attributions.tolist()


def test_refusal_is_an_error() -> None:
    """A system that declines changed inputs cannot be explained, and that is said."""
    with pytest.raises(ProbeError, match="did not answer"):
        text_world(target=Refusing(KeywordClassifier()))


def test_constant_model_leaves_nothing_to_attribute() -> None:
    """All attributions of a constant model are 0."""
    world = text_world(target=Constant(KeywordClassifier()))
    for name in ("occlusion", "shap.partition", "lime.text"):
        largest = max(np.abs(each.attributions).max() for each in make_explainer(name).explain(world, seed=1))

        assert largest < 1e-12, name


def test_log_odds_keep_their_digits_near_1() -> None:
    """p = 1 to the last digit of a float, with 1e-17 left for the other class, has log-odds of 39 and not of 34."""
    found = class_scores(np.array([[1e-15 * 2, 1.0], [0.0, 1.0]]), np.array(1))

    np.testing.assert_allclose([-np.log(2e-15), -np.log(1e-15)], found.log_odds)


@settings(max_examples=50)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=60), st.integers(1, 80), st.integers(0, 2**32))
def test_inputs_are_spread_over_classes(classes: list[int], count: int, seed: int) -> None:
    """Every class is there in its own share, to within one input, and none twice."""
    names = [f"input {place}" for place in range(len(classes))]
    chosen = spread(np.array(classes), names, count, np.random.default_rng(seed))
    taken = min(count, len(classes))

    assert taken == len(set(chosen.tolist()))
    for value in set(classes):
        share = classes.count(value) * taken / len(classes)
        assert abs(sum(classes[place] == value for place in chosen) - share) < 2


@settings(max_examples=50)
@given(st.integers(0, 2**32), st.floats(0.05, 0.95), st.sampled_from([0.0, 0.01, 0.05, 1.0]))
def test_another_system_is_asked_about_nearly_the_same_inputs(seed: int, share: float, changed: float) -> None:
    """Where few decisions change, 95 of 100 inputs stay; where all are drawn anew, 70."""
    rng = np.random.default_rng(seed)
    names = [f"row {place}" for place in range(500)]
    before = (rng.random(500) < share).astype(int)
    after = np.where(rng.random(500) < changed, (rng.random(500) < share).astype(int), before)
    first, second = ({*spread(each, names, 100, np.random.default_rng(seed)).tolist()} for each in (before, after))
    shared = len(first & second)

    assert shared >= (95 if changed <= 0.05 else 70)
    assert (changed > 0.0) or shared == 100


def test_decided_class_follows_the_plans_threshold() -> None:
    """At P = .65 and a threshold of .7 the refusal is explained, though repayment is likelier."""
    table = Table({"a": np.full(3, np.log(0.65 / 0.35))})
    subject = Subject(table=table, decision=Decision(favourable="yes", positive="yes", threshold=0.7))
    world = row_world(Rule(lambda rows: rows["a"]), subject, inputs=3)

    assert {"no"} == {instance.stratum for instance in world.instances}


def test_unknown_explainer_is_named_with_a_suggestion() -> None:
    """A typing error says what was meant."""
    with pytest.raises(UnknownName, match=r"did you mean 'lime\.text'"):
        make_explainer("lime.txt")


def test_explainer_that_does_not_fit_the_system_is_an_error() -> None:
    """lime.tabular explains rows and no texts."""
    with pytest.raises(UsageError, match="cannot explain a system that answers classify"):
        explainers_for(Capability.CLASSIFY, ["lime.tabular"])


def test_every_kind_of_system_has_its_explainers() -> None:
    """Rows and texts have two sampled explainers each, and occlusion; the others are for somebody to name."""
    texts = [each.name for each in explainers_for(Capability.CLASSIFY, [])]
    rows = [each.name for each in explainers_for(Capability.PREDICT, [])]

    assert ["lime.text", "occlusion", "shap.partition"] == texts
    assert ["lime.tabular", "occlusion", "shap.permutation"] == rows


def test_too_many_features_for_exact_values_are_an_error() -> None:
    """Of 13 words there are 8,192 versions: what explains them is named."""
    world = text_world([" ".join(f"w{place}" for place in range(13))])
    with pytest.raises(UsageError, match="has 13 features; expected 12 at most"):
        make_explainer("shap.exact").explain(world, seed=1)


def test_system_that_does_not_add_up_over_columns_has_no_linear_values() -> None:
    """A product of two columns is told by the answers, and the error names what explains it."""
    table = Table.from_matrix(np.random.default_rng(8).normal(size=(80, 3)), list("abc"))
    world = row_world(Rule(lambda rows: rows["a"] * rows["b"] + rows["c"]), Subject(table=table), inputs=3)
    with pytest.raises(UsageError, match="depends on the others") as refused:
        make_explainer("shap.linear").explain(world, seed=1)

    assert "shap.permutation" in str(refused.value.remedy)


def test_scorecard_has_linear_values() -> None:
    """Where each column adds what a table of bins says, phi_j is its own part less that part's mean."""
    table = Table.from_matrix(np.random.default_rng(8).normal(size=(80, 2)), list("ab"))
    world = row_world(Rule(lambda rows: np.sign(rows["a"]) + rows["b"] ** 2), Subject(table=table), inputs=5)
    for place, each in enumerate(make_explainer("shap.linear").explain(world, seed=1)):
        sign = 1.0 if world.instances[place].label == 1 else -1.0
        parts = [np.sign(world.rows["a"][place]), world.rows["b"][place] ** 2]
        means = [np.sign(world.background["a"]).mean(), (world.background["b"] ** 2).mean()]

        np.testing.assert_allclose(sign * (np.array(parts) - means), each.attributions, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "kind"), [("gradients.input", "tokens"), ("gradients.integrated", "tokens"), ("shap.tree", "rows")]
)
def test_system_that_gives_no_attributions_is_an_error(name: str, kind: str) -> None:
    """What would have to be asked of the system itself is refused, and who can answer is named."""
    world: World = text_world() if kind == "tokens" else row_world()
    with pytest.raises(UsageError, match=f"gives no attributions of {kind}") as refused:
        make_explainer(name).explain(world, seed=1)

    assert ("transformers" if kind == "tokens" else "lightgbm") in str(refused.value.remedy)


def test_large_rounds_are_asked_in_parts() -> None:
    """What would not fit the memory is several rounds, and the values are the same."""
    world = row_world(inputs=3)
    kept = np.random.default_rng(1).random((MOST_INPUTS // 250, 4)) < 0.5
    removals = [Removal(instance=place, operator="background", kept=kept) for place in range(3)]
    found = [each.log_odds for each in world.scores(removals)]

    for removal, values in zip(removals, found, strict=True):
        assert world.value(removal.instance, "background", kept).tolist() == values.tolist()


@given(st.integers(1, 200), st.integers(1, 80), st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_equal_masks_are_told_from_others(count: int, width: int, seed: int) -> None:
    """Every row is equal to the first of its kind, and the kinds are as many as there are different rows."""
    rng = np.random.default_rng(seed)
    kept = rng.random((count, width)) < rng.choice([0.1, 0.5, 0.95])
    first, places = distinct(kept)

    assert len(np.unique(kept, axis=0)) == len(first)
    assert (kept[first[places]] == kept).all()


def test_explainer_without_a_summary_is_refused() -> None:
    """Users read the first sentence of the docstring: there must be one."""
    with pytest.raises(TypeError, match="docstring"):

        @explainer("test.silent", explains=Capability.CLASSIFY)
        class Silent(Explainer):
            pass

    assert "test.silent" not in known_explainers()


def test_shipped_texts_are_those_of_the_card() -> None:
    """127 texts, each once, none blank, 43 of them rude; the file is the one whose digest the card states."""
    texts = read_texts(None)
    folder = dataset("moderation_texts")
    card = yaml.safe_load((folder / "card.yaml").read_text("utf-8"))

    assert card["files"] == {"texts.txt": hashlib.sha256((folder / "texts.txt").read_bytes()).hexdigest()}
    assert card["rows"] == len(texts)
    assert texts[84].startswith("You are an idiot")
    assert all(text.strip() == text for text in texts)
