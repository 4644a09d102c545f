"""Vectors of texts: pooled as stated, the same whatever stands beside them, and never normalised."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from probandum.errors import PlanError, TargetError, UsageError
from probandum.evidence import Capability, Floats, Request
from probandum.target import TargetContext, make_target, target_sources
from probandum.targets import load_builtin
from tiny_models import save_bert, save_encoder, save_llama

for package in ("torch", "transformers", "tokenizers"):
    pytest.importorskip(package)
load_builtin()

import torch  # noqa: E402  after the check that it is installed

TEXTS = ("Emily", "Emily and Greg Baker ask for a loan.", "No", "Emily")


def made(folder: Path, context: dict[str, Any] | None = None, **options: Any) -> Any:
    """The target over a model folder, on the CPU with one thread unless told otherwise."""
    there = TargetContext(**{"folder": folder, "device": "cpu", "threads": 1, **(context or {})})
    return make_target("transformers", there, {"path": str(folder), **options})


def embed(*texts: str, **more: Any) -> Request:
    """The vectors of some texts."""
    return Request(kind=Capability.EMBED, inputs=texts, **more)


def by_hand(target: Any, text: str, way: str) -> Floats:
    """The vector of a text from one plain pass."""
    tokens = torch.tensor([target._tokenizer(text)["input_ids"]])
    with torch.inference_mode():
        states = target._model.base_model(tokens).last_hidden_state[0].double().numpy()
    found: Floats = {"mean": states.mean(axis=0), "cls": states[0], "last": states[-1]}[way]
    return found


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny encoder without a head."""
    return save_encoder(tmp_path_factory.mktemp("encoder"))


def with_steps(folder: Path, *steps: str, **pooling: Any) -> Path:
    """The folder as sentence-transformers writes it."""
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling), "utf-8")
    named = [("", "Transformer"), ("1_Pooling", "Pooling"), *((f"{step}_", step) for step in steps)]
    listed = [
        {"idx": place, "path": path, "type": f"sentence_transformers.models.{step}"}
        for place, (path, step) in enumerate(named)
    ]
    (folder / "modules.json").write_text(json.dumps(listed), "utf-8")
    return folder


@pytest.mark.parametrize("way", ["mean", "cls", "last"])
def test_a_vector_is_pooled_as_the_plan_says(encoder: Path, way: str) -> None:
    """Over all tokens, of the first, or of the last one; of the length that they have."""
    target = made(encoder, pooling=way)

    (answer,) = target.answer([embed(*TEXTS)])

    np.testing.assert_allclose(answer.values, [by_hand(target, text, way) for text in TEXTS], atol=1e-5)
    assert ("encoder", way) == (target.identity()["task"], target.identity()["pooling"])
    assert {Capability.EMBED} == target.capabilities
    assert (np.linalg.norm(answer.values, axis=1) > 2).all()


@pytest.mark.parametrize(
    ("save", "way"),
    [
        (save_encoder, "mean"),
        (lambda folder: save_encoder(folder, kind="Roberta", max_position_embeddings=65), "mean"),
        (lambda folder: save_encoder(folder, head="ForMaskedLM"), "mean"),
        (save_llama, "last"),
        (lambda folder: with_steps(save_encoder(folder), pooling_mode_cls_token=True), "cls"),
        (lambda folder: with_steps(save_llama(folder), pooling_mode_lasttoken=True), "last"),
        (lambda folder: with_steps(save_llama(folder), pooling_mode="mean", include_prompt=True), "mean"),
    ],
)
def test_what_the_plan_leaves_out_follows_from_the_model(tmp_path: Path, save: Any, way: str) -> None:
    """As its folder states, else the last token of a causal model and the mean of any other."""
    target = made(save(tmp_path))

    (answer,) = target.answer([embed(*TEXTS)])

    assert way == target.identity()["pooling"]
    np.testing.assert_allclose(answer.values, [by_hand(target, text, way) for text in TEXTS], atol=1e-5)


def test_how_a_folder_pools_is_part_of_the_model(tmp_path: Path) -> None:
    """Its file keys the record and stands in the identity beside the others."""
    folder = with_steps(save_encoder(tmp_path), pooling_mode_mean_tokens=True)
    context = TargetContext(folder=folder)

    assert folder / "1_Pooling" / "config.json" in target_sources("transformers", context, {"path": str(folder)})
    assert {"config.json", "1_Pooling/config.json"} <= set(made(folder).identity()["files"])


def test_what_a_folder_does_beyond_pooling_is_said(tmp_path: Path) -> None:
    """Normalising is left out and said; a further layer is refused until the plan says how to pool without it."""
    normal = made(with_steps(save_encoder(tmp_path / "normal"), "Normalize", pooling_mode_mean_tokens=True))
    dense = with_steps(save_encoder(tmp_path / "dense"), "Dense", pooling_mode_mean_tokens=True)

    assert "brings its vectors to length 1" in normal.cautions[0]
    with pytest.raises(TargetError, match="names the step 'Dense'"):
        made(dense)
    assert "names the step 'Dense'" in made(dense, pooling="mean").cautions[0]


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"pooling_mode_max_tokens": True}, "pooling_mode_max_tokens"),
        ({"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True}, "pooling_mode_mean_tokens, pooling_mode"),
        ({}, "not stated"),
    ],
)
def test_a_pooling_that_is_not_known_is_refused(tmp_path: Path, stated: dict[str, Any], said: str) -> None:
    """Rather than another one taken in its place; the plan can say which."""
    folder = with_steps(save_encoder(tmp_path), **stated)

    with pytest.raises(TargetError, match=f"its pooling is {said}"):
        made(folder)
    assert "cls" == made(folder, pooling="cls").identity()["pooling"]


def test_an_encoder_may_lack_the_layer_that_no_vector_is_made_of(encoder: Path, tmp_path: Path) -> None:
    """A checkpoint without its pooler loads, and gives the same vectors; one without a layer does not."""
    (bare := tmp_path / "bare").mkdir()
    for file in encoder.iterdir():
        (bare / file.name).write_bytes(file.read_bytes())
    weights = load_file(bare / "model.safetensors")
    kept = {name: weight for name, weight in weights.items() if not name.startswith("pooler.")}
    assert len(kept) < len(weights)
    save_file(kept, bare / "model.safetensors", metadata={"format": "pt"})

    assert made(encoder).answer([embed(*TEXTS)])[0].digest == made(bare).answer([embed(*TEXTS)])[0].digest
    kept.popitem()
    save_file(kept, bare / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(TargetError, match="missing keys"):
        made(bare)


def test_what_else_is_asked_moves_nothing_but_rounding(encoder: Path) -> None:
    """Nothing is padded; alone, vectors are the same to the bit, and how far a batch moves them is measured."""
    target, lonely = made(encoder), made(encoder, {"batch_invariant": True})
    longer = tuple(f"{text} and {text}" for text in TEXTS)

    together = target.answer([embed(*TEXTS, *longer)])[0].values
    alone = np.concatenate([lonely.answer([embed(text)])[0].values for text in (*TEXTS, *longer)])

    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert alone.tobytes() == lonely.answer([embed(*TEXTS, *longer)])[0].values.tobytes()
    assert {"invariant": True} == lonely.batching
    assert (False, "of a vector's length") == (target.batching["invariant"], target.batching["unit"])
    assert 0 <= target.batching["apart"] < 1e-4


def test_equal_texts_are_read_once_and_counted_each_time(encoder: Path) -> None:
    """Tokens count as if nothing were shared."""
    target = made(encoder)
    read: list[int] = []
    hook = target._model.register_forward_pre_hook(
        lambda module, arguments, inputs: read.append(inputs["input_ids"].numel()), with_kwargs=True
    )
    (answer,) = target.answer([embed(*TEXTS)])
    hook.remove()

    lengths = [len(target._tokenizer(text)["input_ids"]) for text in TEXTS]
    assert sum(lengths) - lengths[-1] == sum(read)
    assert sum(lengths) == answer.input_tokens
    assert [answer.input_tokens] == target.tokens([embed(*TEXTS)])


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (embed("granted " * 70, keys=("long",)), "long: "),
        (embed("Well?", parameters={"pooling": "cls"}), "texts alone"),
        (embed("Well?", prefix="It is"), "texts alone"),
        (Request(kind=Capability.CLASSIFY, inputs=("Well?",)), "cannot answer classify"),
    ],
)
def test_what_cannot_be_asked_is_the_error_of_its_response(encoder: Path, request_: Request, expected: str) -> None:
    """The error names the fault in one line; its neighbour is answered as ever."""
    target = made(encoder)

    bad, good = target.answer([request_, embed("Well?")])

    assert expected in str(bad.error)
    assert good.error is None
    assert [0] == target.tokens([request_])


def test_not_a_number_is_an_error_that_names_its_text(encoder: Path) -> None:
    """A weight that is NaN spoils the text that reaches it, and no other."""
    target = made(encoder)
    (token,) = target._tokenizer.encode("Z", add_special_tokens=False)
    with torch.no_grad():
        target._model.get_input_embeddings().weight[token] = float("nan")

    bad, good = target.answer([embed("A", "Z", keys=("a", "z")), embed("A")])

    assert "z: the model's numbers are not finite" == bad.error
    assert np.isfinite(good.values).all()


def test_wrong_keys_are_one_line(encoder: Path, tmp_path: Path) -> None:
    """Pooling of a classifier, or of a kind that is not known."""
    with pytest.raises(UsageError, match=r"target.pooling: a text classifier gives no vectors"):
        made(save_bert(tmp_path), pooling="mean")
    with pytest.raises((UsageError, PlanError), match="'mean' or 'cls' or 'last' or nothing, got 'max'"):
        made(encoder, pooling="max")
