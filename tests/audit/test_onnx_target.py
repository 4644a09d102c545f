"""ONNX models made from real classifiers: the same answers and findings within single precision."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from probandum import api
from probandum.attempts import model_of
from probandum.errors import DataError, ProbandumError, TargetError, UsageError
from probandum.evidence import Capability, Request, Response, Table
from probandum.target import Target, TargetContext, make_target
from probandum.targets import load_builtin
from probandum.targets.casting import cast
from probandum.targets.loading import file_digest
from probandum.targets.onnx import OnnxTarget
from records import write_sklearn_plan

load_builtin()

RNG = np.random.default_rng(5)
VALUES = RNG.normal(size=(200, 2))
GOOD = np.where(VALUES[:, 0] > VALUES[:, 1], "good", "bad")
ROWS = Table({"debt": VALUES[:, 1], "town": np.array(["Ulm", "Bonn"])[RNG.integers(0, 2, 200)], "income": VALUES[:, 0]})
MODEL = LogisticRegression().fit(VALUES, GOOD)
PLAIN = {"zipmap": False}


def saved(folder: Path, model: Any = MODEL, *, options: Any = None, initial: Any = None) -> Path:
    """The model as an ONNX file."""
    sample = None if initial else np.zeros((1, model.n_features_in_), dtype=np.float32)
    converted = to_onnx(model, sample, initial_types=initial, options=PLAIN if options is None else options)
    path = folder / "model.onnx"
    path.write_bytes(converted.SerializeToString())
    return path


def made(
    folder: Path, features: tuple[str, ...] = ("income", "debt"), *, device: str = "auto", **options: Any
) -> Target:
    """The target as a plan would make it."""
    context = TargetContext(folder=folder, features=features, threads=1, device=device)
    return make_target("onnx", context, {"path": "model.onnx", **options})


def asked(target: Target, table: Table = ROWS) -> Response:
    """The answer for these rows."""
    (response,) = target.answer([Request(kind=Capability.PREDICT, inputs=table)])
    return response


def refused(
    folder: Path, error: type[ProbandumError], features: tuple[str, ...] = ("income", "debt"), **options: Any
) -> str:
    """The one line that loading ends in."""
    with pytest.raises(error) as caught:
        made(folder, features, **options)
    (line,) = caught.value.lines()

    assert "\n" not in line
    return line


def test_a_matrix_is_made_of_the_features_in_the_plans_order(tmp_path: Path) -> None:
    """Answers agree with the original's within single precision."""
    saved(tmp_path)
    target = made(tmp_path, labels=["bad", "good"])

    assert ("bad", "good") == target.labels
    assert np.allclose(MODEL.predict_proba(VALUES), asked(target).values, atol=1e-5)
    assert "CPUExecutionProvider" == target.identity()["provider"]


@pytest.mark.parametrize("kind", ["words", "numbers"])
def test_a_map_of_names_says_its_classes_itself(tmp_path: Path, kind: str) -> None:
    """The zipmap of words, and of whole numbers."""
    model = MODEL if kind == "words" else LogisticRegression().fit(VALUES, (GOOD == "good").astype(int))
    saved(tmp_path, model, options={"zipmap": True})
    target = made(tmp_path)

    assert (("bad", "good") if kind == "words" else ("0", "1")) == target.labels
    assert np.allclose(model.predict_proba(VALUES), asked(target).values, atol=1e-5)


@pytest.mark.parametrize("zipmap", [False, True])
@pytest.mark.parametrize("size", [1, 32])
def test_a_model_of_a_fixed_number_of_rows_is_asked_in_blocks_of_so_many(
    tmp_path: Path, size: int, zipmap: bool
) -> None:
    """As many frameworks save one unless they are told otherwise; the last block is filled up."""
    saved(tmp_path, options={"zipmap": zipmap}, initial=[("x", FloatTensorType([size, 2]))])
    named: dict[str, Any] = {} if zipmap else {"labels": ["bad", "good"]}
    target = made(tmp_path, **named)

    assert len(VALUES) % 32
    assert np.allclose(MODEL.predict_proba(VALUES), asked(target).values, atol=1e-5)


@pytest.mark.parametrize("kind", ["words", "numbers"])
def test_the_models_own_names_in_another_order_are_refused(tmp_path: Path, kind: str) -> None:
    """By the plan check too, which runs no model; so are too many."""
    model = MODEL if kind == "words" else LogisticRegression().fit(VALUES, (GOOD == "good").astype(int))
    saved(tmp_path, model, options={"zipmap": True})
    own = ["bad", "good"] if kind == "words" else ["0", "1"]
    there = f"the model's own classes are {own[0]}, {own[1]}, in this order: {own[0]} would be called"
    other = ["Good", "BAD"] if kind == "words" else [True, False]
    context = TargetContext(folder=tmp_path)
    for labels, why in (
        (own[::-1], f"names {own[1]}, {own[0]}, and {there} {own[1]}"),
        (other, f"names {other[0]}, {other[1]}, and {there} {other[0]}"),
        ([*own, "more"], "3 names for 2 classes"),
    ):
        assert f"target.labels: {why}" in refused(tmp_path, UsageError, labels=labels)
        (found,) = OnnxTarget.file_problems({"path": "model.onnx", "labels": labels}, context)
        assert ("labels",) == found.place
        assert why in found.text
    assert ("no", "yes") == made(tmp_path, labels=["no", "yes"]).labels
    assert [] == list(OnnxTarget.file_problems({"path": "model.onnx", "labels": ["no", "yes"]}, context))


def test_a_model_of_one_input_a_column_gets_each_by_its_name(tmp_path: Path) -> None:
    """Words and numbers, as the model declares them."""
    import pandas as pd

    frame = pd.DataFrame({"income": VALUES[:, 0], "town": ROWS["town"]})
    encode = make_column_transformer((OneHotEncoder(), ["town"]), remainder="passthrough")
    model = make_pipeline(encode, LogisticRegression()).fit(frame, GOOD)
    inputs = [("income", FloatTensorType([None, 1])), ("town", StringTensorType([None, 1]))]
    saved(tmp_path, model, initial=inputs)
    target = made(tmp_path, ("debt", "town", "income"), labels=["bad", "good"])

    assert np.allclose(model.predict_proba(frame), asked(target).values, atol=1e-5)
    assert "the model takes the column 'town', which data.features lacks" in refused(
        tmp_path, TargetError, ("income",), labels=["bad", "good"]
    )


def test_the_findings_are_those_of_the_original(tmp_path: Path) -> None:
    """The whole audit, once by skops and once by ONNX: every count, interval and verdict alike."""
    plan = write_sklearn_plan(tmp_path)
    original = api.audit(plan, out=tmp_path / "skops", documents=False)
    saved(tmp_path, skops.io.load(tmp_path / "model.skops"))
    text = plan.read_text("utf-8")
    plan.write_text(
        text.replace("type: sklearn, path: model.skops", "type: onnx, path: model.onnx, labels: [0, 1]"), "utf-8"
    )
    converted = api.audit(plan, out=tmp_path / "onnx", documents=False)
    (one,) = original.observations()
    (other,) = converted.observations()

    assert 0 < np.abs(one.answer.values - other.answer.values).max() < 1e-5
    for ours, theirs in zip(original.findings, converted.findings, strict=True):
        assert (ours.id, ours.verdict, ours.estimate) == (theirs.id, theirs.verdict, theirs.estimate)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, UsageError, "target.labels: model.onnx does not say what its classes are called"),
        ({"labels": ["a", "a"]}, UsageError, "target.labels: the name 'a' occurs twice"),
        ({"labels": ["a", "b"], "output": "label"}, UsageError, "'label' is no output of probabilities of model.onnx"),
        ({"labels": ["a", "b"], "sha256": "0" * 64}, TargetError, "model.onnx: expected sha256:0000"),
        ({"labels": ["a", "b"], "features": ("income",)}, TargetError, "takes 2 columns, data.features names 1"),
        ({"labels": ["a", "b", "c"]}, UsageError, "target.labels: 3 names for 2 classes"),
    ],
)
def test_what_cannot_be_audited_is_one_line(
    tmp_path: Path, options: Mapping[str, Any], error: type[ProbandumError], message: str
) -> None:
    """Before a row is asked."""
    saved(tmp_path)

    assert message in refused(tmp_path, error, **options)


def test_an_accelerator_is_never_replaced_in_silence(tmp_path: Path) -> None:
    """Another device answers other digits."""
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this machine has the provider")
    saved(tmp_path)

    assert "onnxruntime has no CUDAExecutionProvider here" in refused(
        tmp_path, TargetError, labels=["a", "b"], device="cuda"
    )


@pytest.mark.parametrize("data", [b"", b"no model", b"\x08\x07" * 40])
def test_a_file_that_is_no_model_is_one_line(tmp_path: Path, data: bytes) -> None:
    """Whatever the runtime says of it."""
    (tmp_path / "model.onnx").write_bytes(data)

    assert "model.onnx: no ONNX model" in refused(tmp_path, TargetError)


def beside(folder: Path, model: Any = MODEL, *, location: str | None = "model.onnx.data") -> Path:
    """The model as a graph of plain arrays, which lie in a file of their own; without ``location`` inside."""
    import onnx
    from onnx import helper, numpy_helper

    width = model.n_features_in_
    slopes = np.column_stack([np.zeros(width), model.coef_[0]]).astype(np.float32)
    starts = np.array([0.0, model.intercept_[0]], dtype=np.float32)
    nodes = [
        helper.make_node("MatMul", ["x", "slopes"], ["odds"]),
        helper.make_node("Add", ["odds", "starts"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "logistic",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [None, width])],
        [helper.make_tensor_value_info("probabilities", onnx.TensorProto.FLOAT, [None, 2])],
        [numpy_helper.from_array(slopes, "slopes"), numpy_helper.from_array(starts, "starts")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path = folder / "model.onnx"
    onnx.save_model(made, path, save_as_external_data=location is not None, location=location, size_threshold=0)
    return path


def named(folder: Path, location: str) -> Path:
    """The model, saying that its weights lie elsewhere."""
    path = beside(folder)
    there, here = (bytes([len(name)]) + name.encode() for name in (location, "model.onnx.data"))
    assert len(location) == len("model.onnx.data")
    path.write_bytes(path.read_bytes().replace(here, there))
    return path


def test_weights_beside_the_model_are_part_of_it(tmp_path: Path) -> None:
    """The same answers; their digest stands in the identity and keys the record, and a changed one is another model."""
    beside(tmp_path, location=None)
    whole = made(tmp_path, labels=["bad", "good"])
    plain = asked(whole).values
    path = beside(tmp_path)
    weights = tmp_path / "model.onnx.data"
    target = made(tmp_path, labels=["bad", "good"])
    identity = target.identity()
    sources = OnnxTarget.sources(TargetContext(folder=tmp_path), {"path": "model.onnx"})
    before = model_of(identity)
    weights.write_bytes(bytes([weights.read_bytes()[0] ^ 1]) + weights.read_bytes()[1:])

    assert np.array_equal(plain, asked(target).values)
    assert (path, weights) == sources
    assert {"model.onnx.data"} == set(identity["external_data"])
    assert before != model_of(made(tmp_path, labels=["bad", "good"]).identity())
    assert "external_data" not in whole.identity()
    assert np.allclose(MODEL.predict_proba(VALUES), plain, atol=1e-5)


def test_an_audit_of_a_model_with_weights_beside_it_hashes_both(tmp_path: Path) -> None:
    """From the plan check to the record."""
    write_sklearn_plan(tmp_path)
    values = np.random.default_rng(3).normal(size=(200, 1)).astype(np.float32)
    beside(tmp_path, LogisticRegression().fit(values, (values[:, 0] > 0).astype(int)), location="w.bin")
    text = (tmp_path / "audit.yaml").read_text("utf-8")
    plan = text.replace("type: sklearn, path: model.skops", "type: onnx, path: model.onnx, labels: [0, 1]")
    (tmp_path / "audit.yaml").write_text(plan, "utf-8")
    record = api.audit(tmp_path / "audit.yaml", out=tmp_path / "run", documents=False)
    identity = record.environment["target"]["identity"]

    assert {"w.bin": file_digest(tmp_path / "w.bin")} == identity["external_data"]
    assert {"measured"} == {each.status for each in record.results if each.probe == "bias.group-rates"}


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("model.onnx.dat_", "its weights lie in model.onnx.dat_ beside it (external data), which is not there"),
        ("/root/model.dat", "its weights lie in '/root/model.dat', which is not below its own folder"),
        ("../../model.dat", "its weights lie in '../../model.dat', which is not below its own folder"),
    ],
)
def test_weights_that_are_not_there_are_missed_by_the_plan_check(
    tmp_path: Path, location: str, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """In words, at the line of the path; loading says the same, and the runtime says nothing."""
    named(tmp_path, location)
    found = list(OnnxTarget.file_problems({"path": "model.onnx"}, TargetContext(folder=tmp_path)))

    assert [("path",)] == [each.place for each in found]
    assert found[0].text.startswith(f"model.onnx: {said}")
    assert said in refused(tmp_path, DataError, labels=["bad", "good"])
    assert ("", "") == capfd.readouterr()


def test_the_runtime_writes_nothing_of_its_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What it makes of a damaged model or of a wrong row is our line, and no second one on standard error."""
    path = saved(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"LinearClassifier", b"LinearClassifyer"))
    line = refused(tmp_path, TargetError, labels=["bad", "good"])

    assert data != path.read_bytes()
    assert line.startswith("model.onnx: no ONNX model: ")
    assert ("", "") == capfd.readouterr()


def test_text_where_a_number_is_wanted_is_the_error_of_its_block(tmp_path: Path) -> None:
    """The other blocks of the pack are answered."""
    saved(tmp_path)
    target = made(tmp_path, ("income", "town"), labels=["bad", "good"])
    numbers = Table({"income": VALUES[:3, 0], "town": VALUES[:3, 1]})
    requests = [Request(kind=Capability.PREDICT, inputs=table) for table in (ROWS, numbers)]
    broken, sound = target.answer(requests)

    assert f"row 1: column 'town' holds {ROWS['town'][0].item()!r}, which is no float32" in (broken.error or "")
    assert np.allclose(MODEL.predict_proba(VALUES[:3]), sound.values, atol=1e-5)


@pytest.mark.parametrize(
    ("initial", "value", "called"),
    [
        (Int64TensorType([None, 2]), 2.5, "int64"),
        (Int64TensorType([None, 2]), np.nan, "int64"),
        (Int64TensorType([None, 2]), 2.0**60, "int64"),
        (FloatTensorType([None, 2]), 1e39, "float32"),
    ],
)
def test_a_value_that_the_models_input_does_not_hold_is_an_error(
    tmp_path: Path, initial: Any, value: float, called: str
) -> None:
    """It names row and column: a half child cut to none, or a sum beyond single precision, is another person."""
    saved(tmp_path, initial=[("x", initial)])
    target = made(tmp_path, labels=["bad", "good"])
    fitting = Table({"income": np.array([1.0, 2.0]), "debt": np.array([0.0, -3.0])})
    other = Table({"income": np.array([1.0, 2.0]), "debt": np.array([0.0, value])})

    assert None is asked(target, fitting).error
    assert f"row 2: column 'debt' holds {value!r}, which is no {called}" in str(asked(target, other).error)


def test_gaps_reach_a_model_that_may_know_them() -> None:
    """Trees take NaN for a missing value; whole numbers have none."""
    column = np.array([1.0, np.nan, np.inf])

    assert np.array_equal(column, cast(column, np.float32, "x", called="float32", missing=True), equal_nan=True)
    with pytest.raises(ValueError, match="row 2: column 'x' holds nan, which is no FP32"):
        cast(column, np.float32, "x", called="FP32")
