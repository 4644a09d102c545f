"""Models that are spread over devices, and compiled ones: what can be tried without GPUs, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from probandum import api
from probandum.errors import PlanError, TargetError, UsageError
from probandum.evidence import Capability, Request
from probandum.target import TargetContext, make_target
from probandum.targets import load_builtin
from probandum.targets.generating import Decoding, Draft
from records import write_sklearn_plan
from tiny_models import save_bert, save_llama

for package in ("torch", "transformers", "accelerate"):
    pytest.importorskip(package)
load_builtin()

import torch  # noqa: E402  after the check that it is installed

from probandum.targets.placing import Placing  # noqa: E402
from probandum.targets.scoring import Scorer  # noqa: E402
from probandum.targets.tries import Scored  # noqa: E402
from probandum.targets.writing import write  # noqa: E402

PROMPTS = tuple(f"A bank reviews an application of {name}. Granted?" for name in ("Emily", "Jamal", "Greg Baker"))
ASKED = [
    Request(kind=Capability.CHOOSE, inputs=PROMPTS, options=((" yes", " Yes"), (" no",))),
    Request(kind=Capability.GENERATE, inputs=PROMPTS, parameters={"max_new_tokens": 5}),
]
MODULES = ("model.embed_tokens", "model.layers.0", "model.layers.1", "model.norm", "model.rotary_emb", "lm_head")


def made(folder: Path, device: str = "cpu", **options: Any) -> Any:
    """The target over a model folder, with one thread."""
    return make_target(
        "transformers", TargetContext(folder=folder, device=device, threads=1), {"path": str(folder), **options}
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny causal model."""
    return save_llama(tmp_path_factory.mktemp("tiny"))


@pytest.mark.parametrize("where", [{"": "cpu"}, dict.fromkeys(MODULES, "cpu")])
def test_a_map_of_modules_gives_the_same_answers(folder: Path, where: dict[str, str]) -> None:
    """Where parts lie changes no number; the identity states the map."""
    plain, placed = made(folder), made(folder, device_map=where)

    (expected, told), (got, written) = plain.answer(ASKED), placed.answer(ASKED)
    np.testing.assert_array_equal(expected.values, got.values)
    assert told.texts == written.texts
    assert where == placed.identity()["device_map"]
    assert plain.identity() == {**placed.identity(), "device_map": None}
    placed.synchronise()
    json.dumps(placed.identity())


def test_parts_that_move_their_inputs_give_the_same_numbers(folder: Path) -> None:
    """The hooks by which accelerate moves what each part reads stand in the way of no score and no text."""
    from accelerate import dispatch_model

    target, plain = made(folder), made(folder)
    dispatch_model(target._model, dict.fromkeys(MODULES, "cpu"), force_hooks=True)
    sequences = [Scored(context=(3, 4, 5, 6), continuation=(7, 8)), Scored(context=(3, 4, 9), continuation=(7,))]
    drafts = [
        Draft(context=context, decoding=Decoding(max_new_tokens=6), rng=np.random.default_rng(0), name="text")
        for context in ((3, 4, 5), (9, 8, 7, 6, 5), (4,))
    ]

    moved = Scorer(target._model, batch_tokens=512)

    assert hasattr(target._model.model.layers[0], "_hf_hook")
    assert moved.shares_prefixes
    np.testing.assert_allclose(
        Scorer(plain._model, batch_tokens=512).score(sequences), moved.score(sequences), atol=1e-5
    )
    how: dict[str, Any] = {"stops": {1}, "batch_tokens": 64, "padded": True}
    assert write(plain._model, drafts, **how) == write(target._model, drafts, **how)


@pytest.mark.parametrize(
    ("where", "device", "expected"),
    [
        ("auto", "cpu", "auto spreads a model over GPUs, and this one runs on the CPU"),
        ("balanced", "cpu", "balanced spreads a model over GPUs"),
        ({"model": "cpu", "lm_head": "disk"}, "cpu", r"device_map\.lm_head: 'disk', expected a GPU .* not offloaded"),
        ({"model": 0, "lm_head": "cpu"}, "cpu", "parts on the CPU and on GPUs; weights are not offloaded"),
        ({"": -1}, "cpu", r"-1, expected a GPU"),
        ({"": True}, "cpu", r"True, expected a GPU"),
        ({"": "cuda:0"}, "cpu", "it names cuda:0, and the model runs on cpu"),
        ({}, "cpu", "no module is named"),
        ("everywhere", "cpu", "expected 'auto' or 'balanced' or 'sequential' or keys and values or nothing"),
    ],
)
def test_maps_that_cannot_be_meant_are_refused(folder: Path, where: object, device: str, expected: str) -> None:
    """In one line, before a model is loaded."""
    with pytest.raises(UsageError, match=expected) as raised:
        made(folder, device, device_map=where)

    assert 1 == len(str(raised.value).splitlines())


def test_a_map_that_leaves_a_part_out_is_one_line(folder: Path) -> None:
    """It names a weight that has no place."""
    with pytest.raises(TargetError, match=r"it gives model\.layers\.0\..* no device, one of 20 weights"):
        made(folder, device_map={"model.embed_tokens": "cpu"})


def test_a_part_that_found_no_room_is_refused() -> None:
    """A library that would rather keep weights on the CPU or on disk than fail is not let."""

    model = torch.nn.Linear(1, 1)
    model.hf_device_map = {"model": 0, "lm_head": "disk", "norm": "cpu"}
    placing = Placing(devices=(torch.device("cuda:0"),), told="auto")

    with pytest.raises(TargetError, match="parts of the model would lie on cpu and disk"):
        placing.used(torch, model)


def test_the_plan_names_the_line_of_a_wrong_place(tmp_path: Path) -> None:
    """Like every other mistake in it."""
    path = write_sklearn_plan(tmp_path)
    text = path.read_text("utf-8")
    start, end = text.index("target:"), text.index("\n", text.index("target:"))
    told = "target: {type: transformers, model: somewhere, device_map: {model: 0, lm_head: disk}}"
    path.write_text(text[:start] + told + text[end:], "utf-8")

    with pytest.raises(PlanError, match=r"target\.device_map\.lm_head: 'disk', expected a GPU"):
        api.check_plan(path)


@pytest.mark.slow
@pytest.mark.skipif(not any(map(shutil.which, ("g++", "clang++"))), reason="torch.compile needs a C++ compiler")
def test_a_compiled_model_gives_the_same_numbers(tmp_path: Path) -> None:
    """Up to rounding, for texts of several lengths; the identity says that it is compiled. Its weights stay."""
    folder = save_bert(tmp_path)
    texts = ("You are rude.", "Hello there.", "A much longer text that says nothing at all.", "No.")
    request = Request(kind=Capability.CLASSIFY, inputs=texts)
    plain, compiled = made(folder), made(folder, compile=True)

    (expected,), (got,) = plain.answer([request]), compiled.answer([request])

    np.testing.assert_allclose(expected.values, got.values, atol=1e-5)
    assert (False, True) == (plain.identity()["compiled"], compiled.identity()["compiled"])
    assert [Capability.RANDOMISE in each.capabilities for each in (plain, compiled)] == [True, False]
    assert "its body is compiled" in compiled.why_not[Capability.RANDOMISE]


def test_a_machine_without_a_compiler_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing, and what to do."""
    from torch._inductor import config

    monkeypatch.setattr(config.cpp, "cxx", ("no-such-compiler",))

    with pytest.raises(TargetError, match=r"torch\.compile cannot compile it here: .*no-such-compiler") as raised:
        made(folder, compile=True)

    assert "install a C++ compiler" in str(raised.value.remedy)


def test_only_plain_weights_on_one_device_are_compiled(folder: Path) -> None:
    """What was not tried is refused."""
    with pytest.raises(UsageError, match="only a model with plain weights on one device is compiled"):
        made(folder, compile=True, device_map={"": "cpu"})


def test_shapes_that_need_ever_more_graphs_end_the_audit() -> None:
    """In place of running the rest uncompiled, in silence."""
    from probandum.targets.compiling import steady

    with pytest.raises(TargetError, match=r"m: torch\.compile made 16 graphs"), steady("m"):
        raise torch._dynamo.exc.FailOnRecompileLimitHit("recompile_limit reached")
