"""Models in 8 and 4 bits: near the plain one, never taken for it, and refused in one line where they cannot run."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from probandum.errors import MissingDependency, TargetError, UsageError
from probandum.evidence import Capability, Floats, Request
from probandum.target import TargetContext, make_target
from probandum.targets import load_builtin, quantising
from probandum.targets.hugging import transformers
from tiny_models import save_bert, save_llama

for package in ("torch", "transformers", "accelerate", "bitsandbytes"):
    pytest.importorskip(package)
load_builtin()

#: Shares of 1 by which the probability of an option may differ from that of plain weights, on the model below.
NEAR = {"8bit": 0.03, "4bit": 0.2}
BITS = tuple(NEAR)


def made(folder: Path, *, alone: bool = False, **options: Any) -> Any:
    """The target over a model folder, on the CPU with one thread."""
    context = TargetContext(folder=folder, device="cpu", threads=1, batch_invariant=alone)
    return make_target("transformers", context, {"path": str(folder), **options})


def asked() -> list[Request]:
    """Twelve prompts with two options each, and a text to write."""
    names = ("Emily", "Jamal", "Aisha", "Greg Baker", "Todd", "Mei", "Jose", "Anna", "Omar", "Ben", "Kim", "Lakisha")
    prompts = tuple(f"A bank reviews an application of {name}. Should it be granted?" for name in names)
    return [Request(kind=Capability.CHOOSE, inputs=prompts, options=((" yes", " Yes"), (" no", " No")))]


def chances(target: Any) -> Floats:
    """The probability of the first option against the second, one a prompt."""
    (answer,) = target.answer(asked())
    odds = answer.values[:, 0] - answer.values[:, 1]
    return np.asarray(1 / (1 + np.exp(-odds)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose weights are as small as those of real ones, so that it has no strong opinion."""
    path = tmp_path_factory.mktemp("plain")
    return save_llama(path, hidden_size=128, intermediate_size=256, initializer_range=0.08)


@pytest.mark.parametrize("bits", BITS)
def test_a_quantised_model_answers_nearly_as_the_plain_one(folder: Path, bits: str) -> None:
    """Near, not the same, and the same each time."""
    plain, target = made(folder), made(folder, quantisation=bits)

    off = np.abs(chances(target) - chances(plain))

    assert 0 < off.max() < NEAR[bits]
    np.testing.assert_array_equal(chances(target), chances(target))


@pytest.mark.parametrize("bits", BITS)
def test_the_identity_says_that_it_is_quantised(folder: Path, bits: str) -> None:
    """Precision, how it was done and by which version: answers are never shared with those of the plain model."""
    plain, target = made(folder), made(folder, quantisation=bits)

    said = target.identity()

    assert f"linear layers in {bits[0]} bits (bitsandbytes), the rest in float32" == said["precision"]
    assert ("bitsandbytes", int(bits[0])) == (said["quantisation"]["quant_method"], said["quantisation"]["bits"])
    assert "bitsandbytes" in said["versions"]
    assert ("float32", None) == (plain.identity()["precision"], plain.identity()["quantisation"])
    assert plain.identity()["parameters"] == said["parameters"]
    assert any(each.startswith("What ran is quantised") for each in target.cautions)
    assert not any("quantised" in each for each in plain.cautions)
    json.dumps(said)


@pytest.mark.parametrize("bits", BITS)
def test_what_runs_are_the_rounded_weights(folder: Path, bits: str) -> None:
    """A plain model that holds the rounded weights gives the same numbers, but for the precision of the arithmetic."""
    functional = importlib.import_module("bitsandbytes.functional")
    target, plain = made(folder, quantisation=bits), made(folder)
    rounded = 0
    quantised = dict(target._model.named_modules())
    for name, module in plain._model.named_modules():
        if type(quantised[name]).__name__ == "Linear4bit":
            codes, state = functional.quantize_4bit(module.weight.data.clone(), quant_type="nf4", blocksize=64)
            module.weight.data = functional.dequantize_4bit(codes, state).to(module.weight.dtype)
        elif type(quantised[name]).__name__ == "Linear8bitLt":
            scale = module.weight.data.abs().amax(dim=1, keepdim=True) / 127
            module.weight.data = (module.weight.data / scale).round() * scale
        else:
            continue
        rounded += 1

    off = np.abs(chances(target) - chances(plain))

    assert 14 == rounded  # seven layers in each of two blocks, and not the head
    assert off.max() < 0.03


@pytest.mark.parametrize("bits", BITS)
def test_each_input_alone_is_exact(folder: Path, bits: str) -> None:
    """With batch_invariant a prompt gets the same bits whatever stands beside it."""
    target = made(folder, alone=True, quantisation=bits)
    (request,) = asked()
    lone = Request(kind=request.kind, inputs=request.texts[3:4], options=request.options)

    together, alone = target.answer([request, lone])

    np.testing.assert_array_equal(together.values[3:4], alone.values)


@pytest.mark.parametrize("bits", BITS)
def test_the_head_of_a_classifier_stays_as_it_is(tmp_path: Path, bits: str) -> None:
    """Layers that a CPU cannot run in 4 bits, such as a head of two classes, are left in the model's precision."""
    target = made(save_bert(tmp_path, hidden_size=64, intermediate_size=96), quantisation=bits)

    (answer,) = target.answer([Request(kind=Capability.CLASSIFY, inputs=("You are rude.", "Hello."))])

    assert "Linear" == type(target._model.classifier).__name__
    assert (2, 2) == answer.values.shape


@pytest.mark.parametrize("bits", BITS)
def test_a_folder_with_quantised_weights_runs_as_it_is_stored(folder: Path, tmp_path: Path, bits: str) -> None:
    """The configuration in the folder says how; the plan may not say it again."""
    target = made(folder, quantisation=bits)
    target._model.save_pretrained(tmp_path)
    target._tokenizer.save_pretrained(tmp_path)

    stored = made(tmp_path)

    np.testing.assert_allclose(chances(target), chances(stored), atol=5e-3)
    assert f"linear layers in {bits[0]} bits (bitsandbytes), the rest in float32" == stored.identity()["precision"]
    assert "bitsandbytes" == stored.identity()["quantisation"]["quant_method"]
    assert any(each.startswith("What ran is quantised") for each in stored.cautions)
    with pytest.raises(UsageError, match=r"target\.quantisation: .* is quantised already \(bitsandbytes\)"):
        made(tmp_path, quantisation=bits)


def test_a_quantisation_that_no_package_here_runs_is_one_line(folder: Path, tmp_path: Path) -> None:
    """Whatever it needs, the library's own words name it."""
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "gptq", "bits": 4, "group_size": 128}
    (tmp_path / "config.json").write_text(json.dumps(config))

    with pytest.raises(TargetError, match=r"cannot be loaded: ImportError: .*GPTQ") as raised:
        made(tmp_path)

    assert 1 == len(str(raised.value).splitlines())


def test_a_missing_package_is_named_with_what_brings_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a model is loaded."""

    def absent(module: str, *, needed_for: str, extra: str) -> Any:
        if module == "bitsandbytes":
            raise MissingDependency(module, needed_for=needed_for, extra=extra)
        return importlib.import_module(module)

    monkeypatch.setattr(quantising, "need", absent)

    with pytest.raises(MissingDependency, match=r"target\.quantisation: 8bit needs it") as raised:
        made(folder, quantisation="8bit")

    assert "probandum[quantised]" in str(raised.value.remedy)


def test_nothing_fetches_machine_code(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the package kernels, bitsandbytes would take compiled code from a hub."""
    monkeypatch.setattr(quantising, "find_spec", lambda name: object())

    with pytest.raises(UsageError, match="would fetch and run code"):
        quantising.Quantisation.of({}, "4bit", name="m", download=True)

    assert quantising.Quantisation.of({}, "4bit", name="m") is not None


def test_other_bits_are_refused(folder: Path) -> None:
    """Named before anything is loaded."""
    with pytest.raises(UsageError, match="expected '8bit' or '4bit' or nothing, got '2bit'"):
        made(folder, quantisation="2bit")


def test_the_library_has_what_the_plan_asks_for() -> None:
    """Its configuration still takes these keys, as it drops in silence those that it does not know."""
    known = transformers().BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4").to_dict()

    assert {"load_in_8bit", "llm_int8_threshold", "llm_int8_skip_modules", "bnb_4bit_compute_dtype"} <= set(known)
