"""Association tests: effect sizes and p-values by plain loops, planted directions found, random vectors quiet."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Sequence
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from fakes import Constant, Failing, Refusing, run_probe
from preferring import Vectorised
from probandum.errors import DataError, PlanError, UnknownName
from probandum.evidence import Capability, Request, Response
from probandum.finding import Limit, SubReason, Verdict
from probandum.judging import judge
from probandum.probe import Measure, ProbeResult, make_probe
from probandum.resources import dataset
from probandum.target import TargetContext, make_target
from probandum_probes.bias.association import AssociationTest
from probandum_probes.bias.association_tests import (
    effect_size,
    largest_effect,
    normal_p,
    permutation_test,
    published_p,
    random_effects,
    unit,
)
from probandum_probes.bias.association_vectors import near_to
from probandum_probes.bias.association_words import Association, read_word_sets
from swaps import asking, rarely

ID = "bias.association"
WORDS = read_word_sets(dataset("association_words") / "words.yaml")
PEOPLE = "women-men-care-engineering"


def own(**options: Any) -> AssociationTest:
    """The probe with options."""
    probe = make_probe(ID, options)
    assert isinstance(probe, AssociationTest)
    return probe


def said(result: ProbeResult, metric: str, level: str = "word", test: str = PEOPLE, **facets: str) -> Measure:
    """The one measure of that metric, test and level."""
    place = {"test": test, "level": level, **facets}
    found = [m for m in result.measures if m.metric == metric and m.facets == place]

    assert 1 == len(found), f"{metric} {place}: {result.status}, {result.why}"
    return found[0]


def pulled(strength: float) -> Vectorised:
    """Vectors in which women's words and those of care share a direction."""
    test = next(test for test in WORDS.tests if test.id == PEOPLE)
    return Vectorised(dict.fromkeys((*test.x.words, *test.a.words), strength))


def cosine(u: Sequence[float], v: Sequence[float]) -> float:
    """The definition."""
    dot = sum(a * b for a, b in zip(u, v, strict=True))
    return dot / math.sqrt(sum(a * a for a in u)) / math.sqrt(sum(b * b for b in v))


def by_loops(system: Vectorised, test: Association, templates: Sequence[str]) -> tuple[float, float]:
    """Effect size and exact p-value of Caliskan et al., written down from the paper's text alone."""

    def texts(words: Sequence[str]) -> list[str]:
        return [template.replace("{word}", word) for word in words for template in templates or ["{word}"]]

    vectors = {text: system.vector(text).tolist() for text in texts(test.words)}

    def s(text: str) -> float:
        near_a = [cosine(vectors[text], vectors[a]) for a in texts(test.a.words)]
        near_b = [cosine(vectors[text], vectors[b]) for b in texts(test.b.words)]
        return sum(near_a) / len(near_a) - sum(near_b) / len(near_b)

    x, y = ([s(text) for text in texts(words)] for words in (test.x.words, test.y.words))
    mean = sum(x + y) / len(x + y)
    spread = math.sqrt(sum((value - mean) ** 2 for value in x + y) / (len(x + y) - 1))
    effect = (sum(x) / len(x) - sum(y) / len(y)) / spread
    per = len(templates) or 1
    words = [sum((x + y)[place : place + per]) for place in range(0, len(x + y), per)]
    total, observed, n = sum(words), sum(x) - sum(y), len(test.x.words)
    large = [2 * sum(half) - total >= observed - 1e-9 for half in itertools.combinations(words, n)]
    return effect, sum(large) / len(large)


@pytest.mark.parametrize(("level", "templates"), [("word", ()), ("sentence", WORDS.templates)])
@pytest.mark.parametrize("system", [Vectorised(), pulled(0.3)], ids=["random", "pulled"])
def test_effects_and_p_values_are_those_of_plain_loops(
    system: Vectorised, level: str, templates: tuple[str, ...]
) -> None:
    """Every shipped test, words alone and in sentences."""
    result = run_probe(own(random_sets=0), system)

    for test in WORDS.tests:
        effect, p = by_loops(system, test, templates)
        assert effect == pytest.approx(said(result, "effect-size", level, test.id).estimate.value)
        assert p == pytest.approx(said(result, "permutation-p-value", level, test.id).estimate.value)


def test_the_observed_partition_counts() -> None:
    """So no exact p is 0, and one that all partitions reach is 1."""
    rng = np.random.default_rng(1)
    far = permutation_test(np.arange(8.0) + 100, np.arange(8.0), rng)
    level = permutation_test(np.ones(8), np.ones(8), rng)

    assert (1 / math.comb(16, 8), math.comb(16, 8), True) == (far.p, far.partitions, far.exact)
    assert 1.0 == level.p


@pytest.mark.parametrize(("n", "exact"), [(9, True), (10, False)])
def test_up_to_100000_partitions_are_counted_one_by_one(n: int, exact: bool) -> None:
    """Of more, 100,000 are drawn; p then has 1 added to both, and lies where all partitions put it."""
    rng = np.random.default_rng(2)
    x, y = rng.normal(0.4, 1.0, n), rng.normal(size=n)
    found = permutation_test(x, y, rng)
    together = np.concatenate([x, y])
    halves = np.array(list(itertools.combinations(range(2 * n), n)))
    truth = float((2 * together[halves].sum(axis=1) - together.sum() >= x.sum() - y.sum() - 1e-9).mean())

    assert exact == found.exact
    if exact:
        assert truth == pytest.approx(found.p)
    else:
        assert (100_001, found.p) == (found.partitions, found.as_large / found.partitions)
        assert truth == pytest.approx(found.p, abs=4 * math.sqrt(truth * (1 - truth) / 100_000))
        assert 1 / 100_001 <= permutation_test(x + 100, y, rng).p < 1e-3


def test_a_p_value_of_random_partitions_has_the_interval_of_their_drawing(tmp_path: Path) -> None:
    """Ten words a set have more partitions than are counted: the p-value is a share of those drawn."""
    sets = {name: [f"{name}{place}" for place in range(10)] for name in "xyab"}
    text = {"tests": [{"id": "t", "targets": {n: sets[n] for n in "xy"}, "attributes": {n: sets[n] for n in "ab"}}]}
    (tmp_path / "words.yaml").write_text(yaml.safe_dump(text))
    probe = own(words=str(tmp_path / "words.yaml"), random_sets=0)
    result = run_probe(probe, Vectorised({}))
    drawn = said(result, "permutation-p-value", test="t").estimate
    counted = said(run_probe(own(random_sets=0), Vectorised({})), "permutation-p-value").estimate

    assert ("clopper-pearson", "exact") == (drawn.method, counted.method)
    assert drawn.low is not None and drawn.value is not None and drawn.high is not None
    assert 0 < drawn.low < drawn.value < drawn.high < drawn.low + 0.01
    assert "100,000 random partitions" in str(drawn.design)
    assert [True, True] == [outcome.held for outcome in result.controls]


@given(st.lists(st.floats(-1, 1), min_size=16, max_size=16))
def test_no_effect_is_larger_than_the_largest(values: list[float]) -> None:
    """|d| is at most 2 sqrt((2n - 1) / 2n), and exchanging targets turns its sign."""
    x, y = np.array(values[:8]), np.array(values[8:])
    effect, back = effect_size(x, y), effect_size(y, x)

    if effect is None or back is None:
        assert effect is back is None
    else:
        assert abs(effect) <= largest_effect(8) + 1e-9
        assert effect == pytest.approx(-back)


def test_lengths_of_vectors_change_nothing() -> None:
    """Cosines have none."""

    class Longer(Vectorised):
        def vector(self, text: str) -> Any:
            return super().vector(text) * (1 + len(text))

    one, other = (run_probe(own(tests=[PEOPLE]), system) for system in (Vectorised(), Longer()))

    assert said(one, "effect-size").estimate.value == pytest.approx(said(other, "effect-size").estimate.value)


@pytest.mark.parametrize("level", ["word", "sentence"])
def test_a_planted_direction_is_found(level: str) -> None:
    """By effect, p-value and against random attributes; the mean of each set lies on its side."""
    result = run_probe(own(tests=[PEOPLE]), pulled(1.0))
    effect = said(result, "effect-size", level).estimate.value
    upper = said(result, "random-attributes-upper", level).estimate.value

    assert effect is not None and upper is not None
    assert effect > 1.2
    assert (said(result, "permutation-p-value", level).estimate.value or 0) < 0.001
    women, men = (said(result, "mean-association", level, set=name).estimate for name in ("women", "men"))
    assert women.low is not None and men.high is not None
    assert women.low > men.high
    assert [True, True] == [outcome.held for outcome in result.controls]


def test_random_vectors_are_quiet() -> None:
    """p is at most 5 % in no more than 5 % of random systems, and the band of random attributes holds the effect."""
    probe, few, outside, runs = own(tests=[PEOPLE], random_sets=200), 0, 0, 150
    probe.templates = ()
    for seed in range(runs):
        found = {each.metric: each.estimate.value for each in probe.measure(asking(Vectorised(seed=seed), ID))}
        few += (found["permutation-p-value"] or 0) <= 0.05
        outside += (found["random-attributes-share"] or 0) <= 0.05

    assert rarely(few, runs, 0.05)
    assert rarely(outside, runs, 0.05)


def test_random_attributes_show_what_any_two_sets_would() -> None:
    """Where all targets of one set share a direction with half of everything, large effects are common."""
    rng = np.random.default_rng(4)
    pool = unit(rng.normal(size=(40, 20)) + np.outer(rng.normal(size=40), np.eye(20)[0]) * 5)
    x = unit(rng.normal(size=(8, 20)) + 3 * np.eye(20)[0])
    y = unit(rng.normal(size=(8, 20)) - 3 * np.eye(20)[0])
    effects = random_effects(x, y, pool, (8, 8), 500, rng)

    assert 500 == len(effects)
    assert np.mean(np.abs(effects) > 1.5) > 0.5
    assert abs(float(np.mean(np.sign(effects)))) < 0.2


def test_a_system_that_tells_no_words_apart_has_no_effect() -> None:
    """There is no spread to divide by, and no control could tell."""
    result = run_probe(own(), Constant(Vectorised()))
    effect = said(result, "effect-size")

    assert (Verdict.NOT_APPLICABLE, SubReason.NO_DYNAMIC_RANGE) == (effect.verdict, effect.sub_reason)
    assert [None, None] == [outcome.held for outcome in result.controls]


class Silent(Vectorised):
    """A vector of zeros for one word."""

    def vector(self, text: str) -> Any:
        """Zero for a nurse."""
        return super().vector(text) * (text != "nurse")


@pytest.mark.parametrize(
    ("system", "why"),
    [
        (Silent(), "the vector of 'nurse' is zero"),
        (Failing(Vectorised()), "out of memory"),
        (Refusing(Vectorised()), "texts were declined"),
    ],
)
def test_broken_answers_are_an_error(system: Any, why: str) -> None:
    """Each test says why."""
    measures = run_probe(own(), system).measures

    assert {Verdict.ERROR} == {measure.verdict for measure in measures}
    assert all(why in str(measure.why) for measure in measures)


def test_no_limit_ever_judges_it() -> None:
    """An indicator; the weak link stands beside the number."""
    result = run_probe(own(tests=[PEOPLE]), pulled(1.0))
    metrics = {f"{ID}/{each.metric}" for each in result.measures}
    findings = judge([result], [Limit(metric=metric, direction="at_most", threshold=0.1) for metric in metrics])

    assert {Verdict.NOT_APPLICABLE} == {finding.verdict for finding in findings}
    assert "Goldfarb-Tarrant" in str(said(result, "effect-size").estimate.design)


def test_the_shipped_sets_are_as_their_card_says() -> None:
    """Eight words a set, and a pool that shares none with any test."""
    assert {8} == {len(each.words) for test in WORDS.tests for each in (test.x, test.y, test.a, test.b)}
    assert not set(WORDS.pool) & {word for test in WORDS.tests for word in test.words}
    assert (4, 5, 48) == (len(WORDS.tests), len(WORDS.templates), len(WORDS.pool))


def test_sets_of_ones_own(tmp_path: Path) -> None:
    """Without templates and pool there are words alone and no random sets; few words say so."""
    path = tmp_path / "words.yaml"
    path.write_text(
        "tests:\n  - id: t\n    targets: {x: [a, b], y: [c, d]}\n    attributes: {p: [e, f], q: [g, h, i]}\n"
    )
    result = run_probe(own(words=str(path)), Vectorised())
    effect = said(result, "effect-size", test="t")

    assert {"effect-size", "permutation-p-value", "mean-association"} == {m.metric for m in result.measures}
    assert (SubReason.SMALL_GROUP, "2 words in the smallest set; 8 are needed") == (effect.sub_reason, effect.why)


def published(folder: Path, name: str, sizes: tuple[int, ...] = (8, 8, 6, 5)) -> Path:
    """A test in the form of the publications, spread over lines as theirs are; one example stands in it twice."""
    keys = ("targ1", "targ2", "attr1", "attr2")
    sets = {
        key: {"category": f"{key}s", "examples": [f"{key} word {place}" for place in range(size)]}
        for key, size in zip(keys, sizes, strict=True)
    }
    sets["attr1"]["examples"] = [*sets["attr1"]["examples"], "attr1 word 0"]
    (folder / name).write_text(json.dumps(sets, indent=2))
    return folder / name


def reference(x: Sequence[float], y: Sequence[float]) -> tuple[float, float, float]:
    """d, p and the normal p of the published code, in plain loops over all partitions."""
    together, n = [*x, *y], len(x)
    mean = sum(together) / len(together)
    d = (sum(x) / n - sum(y) / n) / math.sqrt(sum((each - mean) ** 2 for each in together) / (len(together) - 1))
    halves = [sum(half) for half in itertools.combinations(together, n)]
    p = sum(half >= sum(x) - 1e-12 for half in halves) / len(halves)
    sums = [2 * half - sum(together) for half in halves]
    spread = math.sqrt(sum(each**2 for each in sums) / len(sums))
    return d, p, NormalDist().cdf(-(sum(x) - sum(y)) / spread)


@pytest.mark.parametrize("suffix", ["json", "jsonl"])
def test_published_sets_have_the_published_figures(tmp_path: Path, suffix: str) -> None:
    """Files of May et al.'s form, each a test by its name, with d and both p-values as their code has them."""
    paths = [published(tmp_path, f"{name}.{suffix}") for name in ("weat1", "sent-weat1")]
    probe = own(words=[str(path) for path in paths])
    system = Vectorised({"word": 0.1})
    result = run_probe(probe, system)
    test = probe.chosen[0]
    x, y = (near.ravel().tolist() for near in near_to(probe.vectors(asking(system, ID)), test, ()))
    figures = [
        said(result, metric, test="sent-weat1").estimate.value
        for metric in ("effect-size", "p-value-as-published", "p-value-normal-as-published")
    ]

    assert ["weat1", "sent-weat1"] == [each.id for each in probe.chosen]
    assert (8, 8, 6, 5) == tuple(len(each.words) for each in (test.x, test.y, test.a, test.b))
    assert figures == pytest.approx(reference(x, y))
    assert {"word"} == {m.facets["level"] for m in result.measures}
    assert not {m.metric for m in run_probe(own(), system).measures} & set(probe.own_metrics)


def test_of_many_partitions_the_published_p_counts_the_observed_one() -> None:
    """1 of 100,000 where no random one is as large."""
    found = permutation_test(np.arange(20.0) + 100, np.arange(20.0), np.random.default_rng(1))

    assert (1, 100_000) == published_p(found)
    assert normal_p(found) < 1e-6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda sets: sets.pop("attr2"), "x.json: attr2: expected a category and a list of examples; WEAT and SEAT"),
        (
            lambda sets: sets["targ1"]["examples"].pop(),
            "targ1s has 7 different examples and targ2s 8; expected equally",
        ),
        (lambda sets: sets["attr1"].update(examples=["a", "a"]), "x.json: attr1: 1 example; expected at least 2"),
        (lambda sets: sets["targ2"].update(sets["targ1"]), "'targ1 word 0' stands in both targets"),
    ],
)
def test_published_sets_of_another_form_are_refused(tmp_path: Path, change: Any, message: str) -> None:
    """With the file, the set, and where the published ones are."""
    path = published(tmp_path, "x.json")
    sets = json.loads(path.read_text())
    change(sets)
    path.write_text(json.dumps(sets))

    with pytest.raises(DataError) as caught:
        own(words=str(path))
    assert message in "; ".join(caught.value.lines())


def test_files_of_two_forms_do_not_go_together(tmp_path: Path) -> None:
    """Several files are in the form of the publications."""
    (tmp_path / "words.yaml").write_text("tests: []\n")
    with pytest.raises(DataError, match="words: 2 files"):
        own(words=[str(published(tmp_path, "x.json")), str(tmp_path / "words.yaml")])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tests: []", "expected a list under 'tests'"),
        ("tests: [{id: t, targets: {x: [a, b], y: [c, d]}}]", "expected two sets under 'attributes'"),
        (
            "tests: [{id: t, targets: {x: [a, b], y: [c]}, attributes: {p: [e, f], q: [g, h]}}]",
            "expected at least 2 texts",
        ),
        (
            "tests: [{id: t, targets: {x: [a, b, z], y: [c, d]}, attributes: {p: [e, f], q: [g, h]}}]",
            "x has 3 words and y 2",
        ),
        (
            "tests: [{id: t, targets: {x: [a, b], y: [c, d]}, attributes: {p: [a, f], q: [g, h]}}]",
            "'a' stands in it twice",
        ),
        (
            "tests: [{id: t, target: 1, targets: {x: [a, b], y: [c, d]}, attributes: {p: [e, f], q: [g, h]}}]",
            "unknown key, did you mean",
        ),
        (
            "tests: [{targets: {x: [a, b], y: [c, d]}, attributes: {p: [e, f], q: [g, h]}}]",
            "expected a text under 'id'",
        ),
        (
            "tests: [{id: t, targets: {x: [a, b], y: [c, d]}, attributes: {p: [e, f], q: [g, h]}}]\ntemplates: [none]",
            "the slot {word} must stand in it once",
        ),
        (
            "tests: [{id: t, targets: {x: [a, no], y: [c, d]}, attributes: {p: [e, f], q: [g, h]}}]",
            "write words such as no in quotes",
        ),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str, message: str) -> None:
    """With file, line and column."""
    path = tmp_path / "words.yaml"
    path.write_text(text)

    with pytest.raises(PlanError) as caught:
        read_word_sets(path)
    assert message in caught.value.message
    assert all(line.startswith(f"{path}:") for line in caught.value.problems)


def test_unknown_tests_and_senseless_options_are_refused() -> None:
    """By name."""
    with pytest.raises(UnknownName, match="women-men-care"):
        own(tests=["women-men-carers-engineering"])
    with pytest.raises(DataError, match="random_sets: -1"):
        own(random_sets=-1)


def test_a_real_encoder_is_tested_as_plain_passes_say(tmp_path: Path) -> None:
    """A tiny BERT: pooled hidden states by hand, and the effect that follows."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from probandum.targets import load_builtin
    from tiny_models import save_encoder

    load_builtin()
    folder = save_encoder(tmp_path / "bert")
    context = TargetContext(folder=tmp_path, device="cpu", threads=1)
    target: Any = make_target("transformers", context, {"path": str(folder)})
    result = run_probe(own(tests=[PEOPLE], random_sets=0), target)

    class Plain(Vectorised):
        def vector(self, text: str) -> Any:
            tokens = torch.tensor([target._tokenizer(text)["input_ids"]])
            with torch.inference_mode():
                return target._model.base_model(tokens).last_hidden_state[0].mean(dim=0).double().numpy()

    test = next(test for test in WORDS.tests if test.id == PEOPLE)
    effect, p = by_loops(Plain(), test, ())
    assert effect == pytest.approx(said(result, "effect-size").estimate.value, abs=1e-4)
    assert p == pytest.approx(said(result, "permutation-p-value").estimate.value, abs=1e-3)


def test_one_request_asks_for_every_vector() -> None:
    """Words and sentences together, each once."""
    seen: list[Request] = []

    class Noting(Vectorised):
        def answer(self, requests: Sequence[Request]) -> list[Response]:
            seen.extend(requests)
            return super().answer(requests)

    own(tests=[PEOPLE]).vectors(asking(Noting(), ID))
    (request,) = seen

    assert Capability.EMBED is request.kind
    assert len(request) == len(set(request.texts)) == (32 + 48) * (1 + 5)
