"""What a model file shows from outside: told at its key in the plan, before anything is loaded."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from commands import entered
from probandum.targets.forms import no_onnx
from records import write_plan

PLAN = """\
version: 1
system: {name: Scorer, version: "1.0"}
target: {type: %s}
data: {path: log.csv, label: repaid, features: [id]}
decision: {favourable: 1}
suites: {bias.group-rates: {}}
"""
ZEROS, JUNK = "0" * 64, "junk :"
DIGEST = hashlib.sha256(JUNK.encode()).hexdigest()


def told(folder: Path, target: str) -> list[str]:
    """What the plan check says of a target, without the name of the plan."""
    write_plan(folder, PLAN % target)
    ended = entered(folder, "plan", "check", "audit.yaml")

    assert (2 if ended.err else 0) == ended.code
    return [line.removeprefix("audit.yaml:") for line in ended.err.splitlines()]


@pytest.mark.parametrize(
    ("target", "wrong"),
    [
        (
            "callable, function: 'system:scor', kind: predic",
            {
                "function": "system has no function 'scor', did you mean 'score'?; looked in system.py",
                "kind": "'predic', did you mean 'predict'?; expected predict, classify, choose",
            },
        ),
        (
            "callable, function: 'junk:f', kind: predict",
            {"function": "junk:f cannot be imported: SyntaxError: invalid syntax (junk.py, line 1)"},
        ),
        (
            "callable, function: f, kind: predict",
            {"function": "'f', expected module:function; such as scorer:score"},
        ),
        (
            "callable, function: 'nomod:f', kind: predict",
            {"function": "no source file of module 'nomod'; put it beside the plan, or install its package"},
        ),
        ("replay, record: nothere", {"record": "nothere: no audit record; name a folder that `probandum audit` wrote"}),
        (
            "sklearn, path: log.csv",
            {"path": "log.csv: unknown kind of model file '.csv'; expected .skops or .joblib, .pkl"},
        ),
        ("sklearn, path: junk.pkl", {"path": "junk.pkl: loading a pickle runs whatever code is in it; convert it"}),
        (
            "sklearn, path: junk.pkl, unsafe_pickle: true",
            {
                "path": "junk.pkl: a pickle is loaded only where the plan names its SHA-256; if you trust this file, "
                f"add sha256: {DIGEST}"
            },
        ),
        (
            "sklearn, path: junk.pkl, unsafe_pickle: true, sha256: abc, kind: clasify",
            {
                "sha256": "'abc' is no SHA-256; expected 64 hexadecimal digits",
                "kind": "'clasify', expected predict or classify, did you mean 'classify'?",
            },
        ),
        (
            f"sklearn, path: junk.skops, sha256: '{ZEROS}'",
            {
                "path": "junk.skops: no skops file: expected a zip archive with schema.json in it",
                "sha256": f"junk.skops: expected sha256:{ZEROS}, got sha256:{DIGEST}; this is not the file that the",
            },
        ),
        (
            "onnx, path: junk.onnx, labels: [1, 1]",
            {
                "path": "junk.onnx: no ONNX model: expected a protobuf message with a graph",
                "labels": "the name '1' occurs twice; name each class differently",
            },
        ),
        ("xgboost, path: junk.ubj", {"path": "junk.ubj: no model of XGBoost: expected JSON or UBJSON with a learner"}),
        (
            "xgboost, timeout: 0, path: junk.ubj",
            {
                "timeout": "0, expected seconds above 0, at most 604,800",
                "path": "junk.ubj: no model of XGBoost: expected JSON or UBJSON with a learner",
            },
        ),
        ("lightgbm, path: ' ', timeout: -1", {"path": "' ', expected some text", "timeout": "-1, expected seconds"}),
        (
            "sklearn, path: '', timeout: 1000000000",
            {"path": "'', expected some text", "timeout": "1000000000, expected seconds"},
        ),
        ("onnx, path: '', output: ''", {"path": "'', expected some text", "output": "'', expected some text"}),
        ("transformers, model: '', dtype: ''", {"model": "'', expected some text", "dtype": "'', expected some text"}),
        ("replay, record: ''", {"record": "'', expected some text"}),
        ("answers, path: '', item: ''", {"path": "'', expected some text", "item": "'', expected some text"}),
        (
            "lightgbm, path: junk.txt",
            {"path": "junk.txt: no model of LightGBM: expected text that states max_feature_idx"},
        ),
        (
            "transformers, model: unnamed, task: casual, max_new_tokens: 0",
            {
                "model": "unnamed: config.json names no model_type; expected a transformers model",
                "task": "'casual', did you mean 'causal'?; expected auto, causal, masked, sequence-classification",
                "max_new_tokens": "0, expected a whole number from 1 to 1,000,000",
            },
        ),
        ("transformers, model: empty", {"model": "empty: no .safetensors weights; pickled weights (.bin) are never"}),
        ("transformers, model: junk.gguf", {"model": "junk.gguf: no GGUF file: it starts with b'junk'"}),
    ],
)
def test_a_target_that_cannot_be_is_told_at_its_keys(tmp_path: Path, target: str, wrong: dict[str, str]) -> None:
    """The key is said once, and no code of the system runs."""
    for suffix in ("py", "pkl", "skops", "onnx", "ubj", "txt", "gguf"):
        (tmp_path / f"junk.{suffix}").write_text(JUNK, "utf-8")
    (tmp_path / "system.py").write_text("def score(columns): raise SystemExit(3)\nraise SystemExit(4)\n", "utf-8")
    for name, config in (("unnamed", "{}"), ("empty", '{"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(config, "utf-8")
    (tmp_path / "unnamed" / "model.safetensors").write_bytes(b"")
    line = PLAN.splitlines()[2] % target

    found = told(tmp_path, target)

    assert len(wrong) == len(found), found
    for said, (key, text) in zip(found, wrong.items(), strict=True):
        assert said.startswith(f"3:{line.index(f'{key}: ') + 1}: target.{key}: {text}"), said


def test_a_target_that_lacks_one_of_two_keys_is_told_at_the_target(tmp_path: Path) -> None:
    """No key of it is the wrong one."""
    assert ["3:1: target: expected one of model and path; name a folder, a .gguf file or a hub id"] == told(
        tmp_path, "transformers"
    )


@pytest.mark.parametrize(
    ("file", "data", "target"),
    [
        ("made.py", b"globals()['score'] = len\n", "callable, function: 'made:score', kind: predict"),
        (
            "late.py",
            b"def f():\n    global score\n    score = len\nf()\n",
            "callable, function: 'late:score', kind: predict",
        ),
        ("star.py", b"from math import *\n", "callable, function: 'star:sqrt', kind: predict"),
        ("a.onnx", b"\x08\x0a\x3a\x00", "onnx, path: a.onnx"),
        ("a.onnx", b"\x18\x00\x00\x00ORTM", "onnx, path: a.onnx"),
        ("a.json", b' {"learner": {}}', "xgboost, path: a.json"),
        ("a.txt", b"tree\nmax_feature_idx=1\n", "lightgbm, path: a.txt"),
    ],
)
def test_what_only_loading_shows_is_left_to_it(tmp_path: Path, file: str, data: bytes, target: str) -> None:
    """A function that is made as the file runs, or a model of nothing."""
    (tmp_path / file).write_bytes(data)

    assert [] == told(tmp_path, target)


@pytest.mark.parametrize("data", [b"", b"\x08", b"\x3a\xff\xff\xff\xff\x0f", b"\x3b\x00", b"\x80" * 12, b"\x08\x0a"])
def test_a_message_that_is_cut_off_or_has_no_graph_is_no_onnx_model(tmp_path: Path, data: bytes) -> None:
    """Whatever its first bytes."""
    (tmp_path / "model.onnx").write_bytes(data)

    assert "model.onnx: no ONNX model: expected a protobuf message with a graph" == no_onnx(tmp_path / "model.onnx")
