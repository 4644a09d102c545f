"""Models in 8 and 4 bits, spread over GPUs, and compiled: the numbers of the plain model on one device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from probandum.errors import TargetError
from probandum.evidence import Capability, Request
from probandum.target import TargetContext, make_target
from probandum.targets import load_builtin
from tiny_models import save_llama

torch = pytest.importorskip("torch")
for package in ("transformers", "accelerate"):
    pytest.importorskip(package)
load_builtin()

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]
two_gpus = pytest.mark.skipif(torch.cuda.device_count() < 2, reason="one CUDA device; this needs two")

PROMPTS = tuple(f"A bank reviews an application of {name}. Granted?" for name in ("Emily", "Jamal", "Aisha", "Greg"))
ASKED = [
    Request(kind=Capability.CHOOSE, inputs=PROMPTS, options=((" yes", " Yes"), (" no",))),
    Request(kind=Capability.GENERATE, inputs=PROMPTS, parameters={"max_new_tokens": 6}),
]
SPLIT = {
    "model.embed_tokens": 1,
    "model.layers.0": 0,
    "model.layers.1": 1,
    "model.norm": 0,
    "model.rotary_emb": 0,
    "lm_head": "cuda:1",
}


def made(folder: Path, device: str = "cuda", **options: Any) -> Any:
    """The target over a model folder."""
    context = TargetContext(folder=folder, device=device, threads=1)
    return make_target("transformers", context, {"path": str(folder), "dtype": "float32", **options})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model without strong opinions."""
    path = tmp_path_factory.mktemp("tiny")
    return save_llama(path, hidden_size=128, intermediate_size=256, initializer_range=0.08)


def same(expected: Any, got: Any, *, nats: float) -> None:
    """Options within so many nats, and the same texts."""
    (options, text), (others, written) = expected.answer(ASKED), got.answer(ASKED)
    np.testing.assert_allclose(options.values, others.values, atol=nats)
    assert text.texts == written.texts


@pytest.mark.parametrize(("bits", "nats"), [("8bit", 0.3), ("4bit", 1.5)])
def test_quantised_models_are_near_the_plain_one(folder: Path, bits: str, nats: float) -> None:
    """On a GPU as on a CPU, and again the same."""
    pytest.importorskip("bitsandbytes")
    plain, target = made(folder), made(folder, quantisation=bits)

    (expected, _), (got, _) = plain.answer(ASKED), target.answer(ASKED)

    np.testing.assert_allclose(expected.values, got.values, atol=nats)
    assert not np.array_equal(expected.values, got.values)
    np.testing.assert_array_equal(got.values, target.answer(ASKED)[0].values)


@pytest.mark.parametrize("where", [{"": 0}, "auto"])
def test_a_map_onto_one_gpu_changes_nothing(folder: Path, where: Any) -> None:
    """Weights that fit one card lie there."""
    same(made(folder), made(folder, device_map=where), nats=1e-4)


@two_gpus
@pytest.mark.parametrize("where", [SPLIT, "balanced", "auto", "sequential"])
def test_a_model_over_two_gpus_gives_the_same_numbers(folder: Path, where: Any) -> None:
    """Scores, shared beginnings and texts, wherever the parts lie; memory and waiting are of both."""
    plain, spread = made(folder), made(folder, device_map=where)

    same(plain, spread, nats=1e-4)
    spread.synchronise()

    assert plain._scorer.shares_prefixes == spread._scorer.shares_prefixes
    assert where == SPLIT or set(spread._devices) <= {torch.device("cuda:0"), torch.device("cuda:1")}
    assert len(spread._devices) == spread.identity()["gpu"].count("NVIDIA")


@two_gpus
def test_a_quantised_model_over_two_gpus(folder: Path) -> None:
    """Both at once."""
    pytest.importorskip("bitsandbytes")
    same(made(folder, quantisation="4bit"), made(folder, quantisation="4bit", device_map="balanced"), nats=0.05)


def test_a_gpu_that_is_not_there_is_one_line(folder: Path) -> None:
    """Named, before weights are loaded."""
    with pytest.raises(TargetError, match=r"target\.device_map: there is no cuda:99 here"):
        made(folder, device_map={"": 99})


@pytest.mark.slow
def test_a_compiled_model_gives_the_same_numbers(folder: Path) -> None:
    """Up to rounding."""
    same(made(folder), made(folder, compile=True), nats=1e-3)
