"""Layers of a text classifier drawn anew while it answers: from the output on, by seed, and put back bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from probandum.asking import Asker
from probandum.codec import encode
from probandum.errors import ProbeError
from probandum.evidence import ATTRIBUTED, Capability, Request
from probandum.packing import checked
from probandum.rehearsing import Counting
from probandum.target import TargetContext, make_target
from probandum.targets import load_builtin
from tiny_models import save_bert, save_encoder, save_llama

for package in ("torch", "transformers", "tokenizers"):
    pytest.importorskip(package)
load_builtin()

import torch  # noqa: E402  after the check that it is installed

from probandum.targets.randomised_weights import RandomisedModel, layers_of, randomised  # noqa: E402

TEXTS = ("The loan is granted.", "Emily, Jamal and Greg apply for it.", "No")
CLASSES = Request(kind=Capability.CLASSIFY, inputs=TEXTS)
GRADIENTS: Mapping[str, Any] = {"method": "gradient-x-input", "class": "rude"}


def made(folder: Path, **options: Any) -> Any:
    """The target over a model folder, on the CPU with one thread."""
    return make_target(
        "transformers", TargetContext(folder=folder, device="cpu", threads=1), {"path": str(folder), **options}
    )


def drawn(layers: float, seed: int = 1, **more: Any) -> Request:
    """The same texts, once layers are drawn anew."""
    return Request(kind=Capability.RANDOMISE, inputs=TEXTS, parameters={"layers": layers, "seed": seed, **more})


def weights_of(target: Any) -> dict[str, bytes]:
    """Every weight, to the bit."""
    return {name: each.numpy().tobytes() for name, each in target._model.named_parameters()}


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A tiny text classifier."""
    return made(save_bert(tmp_path_factory.mktemp("bert")))


def test_layers_stand_from_the_output_on(target: Any) -> None:
    """Head with pooler, blocks from the last on, embeddings; each weight once, and the identity names them."""
    layers = layers_of(target._model)
    names = [name for layer in layers for name, _ in layer.weights]

    assert ["head", "block 2", "block 1", "embeddings"] == [layer.name for layer in layers]
    assert ["head", "block 2", "block 1", "embeddings"] == target.identity()["layers"]
    assert sorted(names) == sorted(name for name, _ in target._model.named_parameters())
    assert {"bert.pooler.dense.weight", "classifier.bias"} <= {name for name, _ in layers[0].weights}
    assert all(name.startswith("bert.encoder.layer.1.") for name, _ in layers[1].weights)
    assert all(name.startswith("bert.embeddings.") for name, _ in layers[3].weights)


@pytest.mark.parametrize(
    ("kind", "blocks"),
    [
        ("DistilBert", 2),
        ("Albert", 1),
        ("Roberta", 2),
        ("Electra", 2),
        ("ModernBert", 2),
        ("Llama", 2),
        ("XLMRoberta", 2),
    ],
)
def test_layers_of_other_families(tmp_path: Path, kind: str, blocks: int) -> None:
    """Albert's blocks share their weights, which are one layer; every weight is of some layer."""
    more = {"embedding_size": 16} if kind in ("Albert", "Electra") else {}
    model = made(save_encoder(tmp_path, kind=kind, head="ForSequenceClassification", **more))._model
    layers = layers_of(model)

    expected = ["head", *(f"block {place}" for place in range(blocks, 0, -1)), "embeddings"]
    assert expected == [layer.name for layer in layers]
    assert len(list(model.parameters())) == sum(len(layer.weights) for layer in layers)
    assert any(name.startswith(("classifier", "score")) for name, _ in layers[0].weights)


def test_a_model_without_a_list_of_blocks_has_a_head_and_a_body() -> None:
    """Then the body is one layer."""
    plain = torch.nn.Module()
    plain.base_model = torch.nn.Linear(4, 4)
    plain.classifier = torch.nn.Linear(4, 2)

    assert ["head", "body"] == [layer.name for layer in layers_of(plain)]


def test_answers_before_and_after_are_identical(target: Any) -> None:
    """To the bit, classes and gradients alike, and so is every weight; in between they are others."""
    asked = [CLASSES, Request(kind=Capability.ATTRIBUTE, inputs=TEXTS, parameters=GRADIENTS)]
    before, weights = target.answer(asked), weights_of(target)
    classes, gradients = target.answer([drawn(1.0), drawn(1.0, **GRADIENTS)])
    after = target.answer(asked)

    assert [each.digest for each in before] == [each.digest for each in after]
    assert weights == weights_of(target)
    assert np.abs(classes.values - before[0].values).max() > 0.01
    assert gradients.per_token[0].tokens == before[1].per_token[0].tokens
    assert gradients.per_token[0].values != before[1].per_token[0].values


def test_an_error_puts_the_weights_back(target: Any) -> None:
    """Of a request that cannot be answered, and of whatever else breaks while other weights stand there."""
    weights = weights_of(target)
    (answer,) = target.answer([drawn(1.0, method="integrated-gradients", baseline="nothing")])
    with pytest.raises(KeyboardInterrupt), randomised(layers_of(target._model), 3):
        assert weights != weights_of(target)
        raise KeyboardInterrupt

    assert "parameter baseline: 'nothing'" in str(answer.error)
    assert weights == weights_of(target)


def test_a_draw_that_breaks_puts_back_what_was_drawn(target: Any) -> None:
    """The last layer cannot be drawn; the ones before it are as they were."""
    weights, layers = weights_of(target), layers_of(target._model)
    with pytest.raises(AttributeError), randomised([*layers, type(layers[0])(name="x", weights=(("x", None),))], 3):
        raise AssertionError

    assert weights == weights_of(target)


def test_only_the_layers_that_are_meant_are_drawn(target: Any) -> None:
    """And each of them by its own name, so that a deeper step keeps what the one before it drew."""
    layers = layers_of(target._model)
    with randomised(layers[:2], 5):
        two = weights_of(target)
    with randomised(layers, 5):
        every = weights_of(target)
    own = weights_of(target)

    for place, layer in enumerate(layers):
        for name, weight in layer.weights:
            assert (two[name] != own[name]) == (place < 2 and bool(weight.std(correction=0) > 0))
            assert place >= 2 or two[name] == every[name]


def test_drawn_weights_keep_mean_and_deviation(target: Any) -> None:
    """Of 10,240 entries within 5 standard errors; none is what it was."""
    weight = target._model.get_input_embeddings().weight
    own = weight.data
    with randomised(layers_of(target._model), 9):
        new = weight.data

    assert own.shape == new.shape and own.dtype == new.dtype
    assert abs(float(new.mean() - own.mean())) < 5 * float(own.std()) / own.numel() ** 0.5
    assert float(new.std()) == pytest.approx(float(own.std()), rel=5 / (2 * own.numel()) ** 0.5)
    assert abs(float(torch.corrcoef(torch.stack([own.flatten(), new.flatten()]))[0, 1])) < 5 / own.numel() ** 0.5


def test_the_seed_and_the_share_decide_the_answer(target: Any) -> None:
    """The same request has the same answer in every round, another seed or share another one, and another digest."""
    asked = [drawn(0.0), drawn(0.5), drawn(1.0), drawn(1.0, seed=2)]
    first, second = target.answer(asked), target.answer(asked[::-1])[::-1]

    assert [each.digest for each in first] == [each.digest for each in second]
    assert 4 == len({each.digest for each in first})
    assert 5 == len({each.digest for each in [*asked, CLASSES]})


def test_tokens_are_counted_as_they_are_read(target: Any) -> None:
    """As of the answer without randomisation."""
    gradients = Request(kind=Capability.ATTRIBUTE, inputs=TEXTS, parameters=GRADIENTS)
    asked = [CLASSES, drawn(1.0), gradients, drawn(1.0, **GRADIENTS), drawn(2.0)]
    answers = target.answer(asked)

    counted = target.tokens(asked)
    assert counted[0] == counted[1] and counted[2] == counted[3] and counted[4] == 0
    assert counted[:4] == [each.input_tokens for each in answers[:4]]


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"seed": 1}, "parameter layers: None, expected a share"),
        ({"layers": 1.5, "seed": 1}, "parameter layers: 1.5"),
        ({"layers": True, "seed": 1}, "parameter layers: True"),
        ({"layers": 1.0}, "parameter seed: None, expected a whole number"),
        ({"layers": 1.0, "seed": -1}, "parameter seed: -1"),
        ({"layers": 1.0, "seed": 1, "class": "rude"}, "parameter class: not known"),
        ({"layers": 1.0, "seed": 1, "method": "guess"}, "parameter method: 'guess'"),
    ],
)
def test_what_cannot_be_meant_is_refused(target: Any, parameters: dict[str, Any], words: str) -> None:
    """In one line, beside requests that are answered."""
    bad, good = target.answer([Request(kind=Capability.RANDOMISE, inputs=TEXTS, parameters=parameters), drawn(1.0)])

    assert words in str(bad.error)
    assert good.error is None


def test_other_systems_refuse_it(tmp_path: Path) -> None:
    """A language model cannot, says so, and no probe gets as far as asking it."""
    causal = made(save_llama(tmp_path))
    (answer,) = causal.answer([drawn(1.0)])

    assert Capability.RANDOMISE not in causal.capabilities
    assert "layers" not in causal.identity()
    assert "cannot answer randomise" in str(answer.error)
    with pytest.raises(ProbeError, match="asked for randomise"):
        Asker(causal, seed=1).for_probe("p")([drawn(1.0)])


def test_quantised_weights_are_left_alone(target: Any) -> None:
    """They say why none can take their place; so do compiled ones, see the tests of placed models."""
    quantised = torch.nn.Module()
    quantised.base_model = quantised.inner = torch.nn.Linear(2, 2)
    quantised.inner.weight = torch.nn.Parameter(torch.zeros(2, 2, dtype=torch.int8), requires_grad=False)

    assert RandomisedModel.why_not(target._model) is None
    assert "quantised" in str(RandomisedModel.why_not(quantised))


def test_half_precision_comes_back_too(tmp_path: Path) -> None:
    """Weights in bfloat16 are drawn in it."""
    half = made(save_bert(tmp_path), dtype="bfloat16")
    before = half.answer([CLASSES])[0].digest
    (answer,) = half.answer([drawn(1.0)])

    assert answer.error is None
    assert before == half.answer([CLASSES])[0].digest != answer.digest


def test_a_dry_run_invents_answers_of_the_right_form(target: Any) -> None:
    """Classes without a method, numbers for tokens with one; both pass as answers."""
    asked = [drawn(1.0), drawn(1.0, **GRADIENTS)]
    classes, gradients = Counting(target, world=0, known={}).answer(asked)

    assert (3, 2) == classes.values.shape and () == classes.per_token
    assert ATTRIBUTED["gradient-x-input"] == gradients.labels and 3 == len(gradients.per_token)
    assert [None, None] == [checked(*each).error for each in zip(asked, (classes, gradients), strict=True)]
    assert b"randomise" in encode(sorted(target.capabilities))
