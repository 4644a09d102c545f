"""Models behind the Open Inference Protocol: what is sent, what is read, and what is refused before it is sent."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from probandum import codec
from probandum.asking import Asker
from probandum.errors import Exchanged, PlanError, ProbandumError, TargetError, UsageError
from probandum.evidence import Capability, Request, Response, Table
from probandum.plan import Plan
from probandum.reasking import Reasking
from probandum.target import Target, TargetContext, known_targets, make_target
from probandum.targets import load_builtin
from probandum.targets.oip_tensors import NUMBERS, Input, Tensor, fitted, from_bytes, from_json

pytest.importorskip("grpc")
pytest.importorskip("httpx2")

from oip_server import Serving, serving

load_builtin()

RNG = np.random.default_rng(5)
VALUES = RNG.normal(size=(90, 2))
GOOD = np.where(VALUES[:, 0] > VALUES[:, 1], "good", "bad")
TOWNS = np.array(["Ulm", "Bonn"])[RNG.integers(0, 2, 90)]
ROWS = Table({"debt": VALUES[:, 1], "town": TOWNS, "income": VALUES[:, 0]})
MATRIX = LogisticRegression().fit(VALUES, GOOD)
FRAME = make_pipeline(
    make_column_transformer((OneHotEncoder(), ["town"]), remainder="passthrough"), LogisticRegression()
).fit(pd.DataFrame({"income": VALUES[:, 0], "town": TOWNS}), GOOD)
WORDS = ("a good day", "bad rain", "good and bad", "good good")
TEXTS = make_pipeline(CountVectorizer(), LogisticRegression()).fit(WORDS, ["pos", "neg", "neg", "pos"])
TENSORS = [{"name": "input", "datatype": "FP32", "shape": [-1, 2]}]
PROBA = {"name": "predict_proba"}
PROTOCOLS = ("http", "grpc")


@pytest.fixture(params=PROTOCOLS)
def protocol(request: pytest.FixtureRequest) -> str:
    """Every way to ask."""
    return str(request.param)


@pytest.fixture(scope="module")
def served() -> Iterator[Serving]:
    """A model of a matrix, with nothing stated of its tensors, as in MLServer."""
    with serving(MATRIX) as found:
        yield found


def made(server: Serving, protocol: str, *, features: Sequence[str] = ("income", "debt"), **options: Any) -> Target:
    """The target as a plan would make it."""
    decision = {key: options.pop(key) for key in ("favourable", "positive", "threshold") if key in options}
    context = TargetContext(folder=Path(), features=tuple(features), **decision)
    url = server.url if protocol == "http" else server.grpc_url
    said = {"url": url, "model": "credit", "protocol": protocol, "labels": ["bad", "good"], "outputs": PROBA}
    return make_target("oip", context, {**said, "retries": 0, **options})


def asked(target: Target, inputs: Table | tuple[str, ...] = ROWS) -> Response:
    """The answer to these rows or texts; the target is closed."""
    kind = Capability.PREDICT if isinstance(inputs, Table) else Capability.CLASSIFY
    try:
        (response,) = target.answer([Request(kind=kind, inputs=inputs)])
    finally:
        target.close()
    return response


def refused(error: type[ProbandumError], server: Serving, protocol: str = "http", **options: Any) -> str:
    """The one line in which making the target ends."""
    with pytest.raises(error) as caught:
        made(server, protocol, **options)
    (line,) = caught.value.lines()

    assert "\n" not in line
    return line


def test_a_matrix_holds_the_features_in_the_plans_order(served: Serving, protocol: str) -> None:
    """Nothing is stated of the tensors, so one FP64 tensor holds all features: the answers are the model's own."""
    answer = asked(made(served, protocol))

    assert answer.error is None
    assert ("bad", "good") == answer.labels
    assert np.array_equal(MATRIX.predict_proba(VALUES), answer.values)


def test_batches_are_bounded_and_come_back_in_order(served: Serving, protocol: str) -> None:
    """90 rows at 32 a batch are three requests, whatever order they end in."""
    served.rows.clear()
    answer = asked(made(served, protocol, batch=32, concurrency=3))

    assert [26, 32, 32] == sorted(served.rows)
    assert np.array_equal(MATRIX.predict_proba(VALUES), answer.values)


def test_metadata_say_what_the_plan_leaves_open(protocol: str) -> None:
    """The name and the datatype of the tensor, and the only output."""
    outputs = [{"name": "predict_proba", "datatype": "FP64", "shape": [-1, 2]}]
    with serving(MATRIX, metadata={"inputs": TENSORS, "outputs": outputs, "platform": "loop"}) as server:
        target = made(server, protocol, outputs=None)
        identity = target.identity()
        answer = asked(target)

    assert [("input", "FP32", 2)] == [(each["name"], each["datatype"], each["rank"]) for each in identity["sends"]]
    assert "loop" == identity["platform"]
    assert "predict_proba" == identity["reads"]["name"]
    assert np.array_equal(MATRIX.predict_proba(VALUES.astype(np.float32)), answer.values)


def test_a_tensor_a_column_of_numbers_and_of_text(protocol: str) -> None:
    """Each takes the column of its name, in the datatype of its values, and a data frame comes out of them."""
    with serving(FRAME) as server:
        inputs = [{"name": "town"}, {"name": "income", "datatype": "FP64"}]
        answer = asked(made(server, protocol, features=("income", "town"), inputs=inputs))
        flat = [{**each, "rank": 1} for each in inputs]
        again = asked(made(server, protocol, features=("income", "town"), inputs=flat))

    expected = FRAME.predict_proba(pd.DataFrame({"income": VALUES[:, 0], "town": TOWNS}))

    assert np.array_equal(expected, answer.values)
    assert np.array_equal(expected, again.values)


def test_several_stated_tensors_are_columns(protocol: str) -> None:
    """Metadata with a tensor a column need nothing of the plan."""
    inputs = [
        {"name": "income", "datatype": "FP64", "shape": [-1, 1]},
        {"name": "town", "datatype": "BYTES", "shape": [-1]},
    ]
    with serving(FRAME, metadata={"inputs": inputs}) as server:
        target = made(server, protocol, features=("income", "town"))
        ranks = [each["rank"] for each in target.identity()["sends"]]
        answer = asked(target)

    assert [2, 1] == ranks
    assert np.array_equal(FRAME.predict_proba(pd.DataFrame({"income": VALUES[:, 0], "town": TOWNS})), answer.values)


def test_texts_are_classified(protocol: str) -> None:
    """One text a row, beyond ASCII too, as BYTES; a batch of two at a time."""
    texts = (*WORDS, "Übermaß: good", "")
    with serving(TEXTS) as server:
        target = made(server, protocol, kind="classify", labels=["neg", "pos"], features=(), batch=2)
        capabilities = target.capabilities
        answer = asked(target, texts)

    assert {Capability.CLASSIFY} == capabilities
    assert np.array_equal(TEXTS.predict_proba(texts), answer.values)


def test_classes_alone_are_decisions(served: Serving, protocol: str) -> None:
    """Labels in place of probabilities answer as a log of decisions does: favourable and detected."""
    target = made(served, protocol, outputs={"kind": "label"}, favourable="good", positive="bad")
    labels = target.labels
    answer = asked(target)
    good = MATRIX.predict(VALUES) == "good"

    assert ("favourable", "detected") == labels == answer.labels
    assert np.array_equal(np.column_stack([good, ~good]), answer.values)


def test_scores_are_decided_by_the_plans_threshold(protocol: str) -> None:
    """At or above the threshold the decision is the positive value; the score is kept as it came."""

    class Scores:
        n_features_in_ = 2

        def predict_proba(self, values: np.ndarray) -> np.ndarray:
            return 100.0 * values[:, :1]

    with serving(Scores()) as server:
        outputs = {**PROBA, "kind": "score"}
        answer = asked(made(server, protocol, outputs=outputs, favourable="bad", positive="good", threshold=50.0))
    high = 100.0 * VALUES[:, 0] >= 50.0

    assert ("favourable", "detected", "score") == answer.labels
    assert np.array_equal(np.column_stack([~high, high, 100.0 * VALUES[:, 0]]), answer.values)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (
            {"outputs": {"kind": "label"}, "favourable": "good", "threshold": 0.7},
            "leaves no room for decision.threshold",
        ),
        ({"outputs": {"kind": "score"}, "favourable": "good"}, "score needs decision.threshold"),
        ({"outputs": {"kind": "label"}}, "label needs a decision"),
        ({"outputs": {"kind": "label"}, "favourable": "fine"}, "'fine' is not among target.labels; found: bad, good"),
        ({"outputs": {"kind": "lable"}}, "target.outputs.kind: 'lable', did you mean 'label'?"),
        ({"outputs": {"nam": "x"}}, "target.outputs: unknown key 'nam', did you mean 'name'?"),
        ({"inputs": []}, "target.inputs: 0 tensors, expected at least one"),
        ({"inputs": {"datatpe": "FP32"}}, "unknown key 'datatpe', did you mean 'datatype'?"),
        ({"inputs": {"datatype": "FP31"}}, "'predict': datatype 'FP31'; expected one of BOOL, "),
        ({"inputs": {"columns": ["income"]}}, "no tensor takes 'debt', which data.features names"),
        ({"inputs": {"columns": ["incme", "debt"]}}, "'incme' is not among data.features, did you mean 'income'?"),
        ({"inputs": [{"name": "income"}, {"name": "depth"}]}, "'depth' is not among data.features"),
        ({"inputs": [{"name": "debt"}, {"name": "debt"}]}, "the name 'debt' occurs twice"),
        ({"inputs": {"rank": 1}}, "2 columns in a tensor of rank 1"),
        ({"inputs": {"rank": 3}}, "rank 3; expected 1, the shape [rows], or 2"),
        ({"kind": "classify", "inputs": {"datatype": "FP32"}}, "texts are BYTES, not FP32"),
        ({"kind": "classify", "outputs": {"kind": "label"}}, "label: of texts expected probability"),
        ({"labels": ["good", "good"]}, "the name 'good' occurs twice"),
        ({"batch": 0}, "target.batch: 0, expected a whole number from 1"),
    ],
)
def test_what_does_not_fit_together_is_a_usage_error(served: Serving, options: Mapping[str, Any], why: str) -> None:
    """Each is one line that names the key, before anything is asked of the model."""
    assert why in refused(UsageError, served, **options)


@pytest.mark.parametrize(
    ("metadata", "options", "why"),
    [
        ({"inputs": TENSORS}, {"inputs": {"name": "predict"}}, "'predict' is no input of the model; its inputs: input"),
        ({"inputs": [{**TENSORS[0], "shape": [-1, 30]}]}, {}, "the model takes 30 columns, the plan gives 2"),
        ({"inputs": [{**TENSORS[0], "shape": [-1, 3, 4]}]}, {}, "rank 3"),
        ({"outputs": TENSORS}, {}, "'predict_proba' is none of the model's outputs; its outputs: input"),
        ({"outputs": [*TENSORS, {**TENSORS[0], "name": "b"}]}, {"outputs": None}, "names none of the model's outputs"),
    ],
)
def test_a_plan_that_the_metadata_contradict_is_refused(
    metadata: Mapping[str, Any], options: Mapping[str, Any], why: str, protocol: str
) -> None:
    """What the server states is compared with the plan before anything is asked."""
    with serving(MATRIX, metadata=metadata) as server:
        assert why in refused(ProbandumError, server, protocol, **options)


def test_problems_have_lines_before_a_server_is_asked(tmp_path: Path) -> None:
    """All of a target's are reported at once, each with its line and key; nothing listens at the address."""
    plan = tmp_path / "audit.yaml"
    plan.write_text(
        "version: 1\nsystem: {name: S}\ntarget:\n  type: oip\n  url: http://127.0.0.1:9\n  model: m\n  batch: 0\n"
        "  outputs: {kind: chance}\n  inputs: {name: x, rank: 3}\nsuites: {bias.group-rates: {}}\n",
        "utf-8",
    )
    with pytest.raises(PlanError) as caught:
        Plan.load(plan).check_names(targets=known_targets())

    assert [
        f"{plan}:7:3: target.batch: 0, expected a whole number from 1 to 1,000,000",
        f"{plan}:8:13: target.outputs.kind: 'chance'; expected probability, score, label",
        f"{plan}:9:3: target.inputs: 'x': rank 3; expected 1, the shape [rows], or 2, [rows, columns]",
    ] == caught.value.lines()


def test_a_value_that_does_not_fit_is_named_and_not_sent(protocol: str) -> None:
    """NaN is no JSON, half a child is no INT64, and text is no number: row and column are said, nothing is asked."""
    numbers = VALUES.copy()
    numbers[70, 1] = np.nan
    strange = Table({"income": VALUES[:, 0], "debt": numbers[:, 1]})
    with serving(MATRIX) as server:
        missing = asked(made(server, protocol, batch=32), strange)
        half = asked(made(server, protocol, inputs={"datatype": "INT64"}))
        word = asked(made(server, protocol, features=("town", "debt"), inputs={"datatype": "FP64"}))
        mixed = asked(made(server, protocol, features=("town", "debt")))

    assert "row 71: column 'debt' holds nan, which is no FP64" == missing.error
    assert str(half.error).startswith("row 1: column 'income' holds ")
    assert "row 1: column 'town' holds 'Bonn', which is no FP64" in str(word.error).replace("Ulm", "Bonn")
    assert "name one tensor a column under target.inputs" in str(mixed.error)
    assert [] == server.rows


def test_a_row_of_a_block_that_is_asked_in_parts_is_counted_from_its_beginning(protocol: str) -> None:
    """What does not fit a tensor, and what the model answers that is no class of the plan."""
    numbers = VALUES.copy()
    numbers[70, 1] = np.nan
    strange = Table({"income": VALUES[:, 0], "debt": numbers[:, 1]})
    good, bad = (int(np.flatnonzero(MATRIX.predict(VALUES) == each)[0]) for each in ("good", "bad"))
    keys: dict[str, Any] = {"batch": 10, "concurrency": 1}
    label: dict[str, Any] = {
        "outputs": {"kind": "label"},
        "labels": ["good", "x"],
        "favourable": "good",
        "positive": "x",
    }
    with serving(MATRIX) as server:
        missing = in_parts(made(server, protocol, **keys), strange)
        named = in_parts(made(server, protocol, **keys, **label), ROWS.take(np.r_[np.repeat(good, 70), bad]))

    assert "inputs 61 to 90: row 71: column 'debt' holds nan, which is no FP64" == missing.error
    assert "inputs 61 to 71: input 71: the class 'bad' is not among target.labels" == named.error


def in_parts(target: Target, rows: Table) -> Response:
    """The answer to a block as a probe gets it; the target is closed."""
    try:
        (response,) = Asker(target, seed=1).answer("p", [Request(kind=Capability.PREDICT, inputs=rows)])
    finally:
        target.close()
    return response


@pytest.mark.parametrize(
    ("datatype", "value", "fits"),
    [
        ("FP32", 3.4e38, True),
        ("FP32", 3.5e38, False),
        ("FP16", 65504.0, True),
        ("FP16", 70000.0, False),
        ("INT8", 127.0, True),
        ("INT8", 128.0, False),
        ("UINT8", -1.0, False),
        ("INT64", 2.0**53, True),
        ("INT64", 2.0**60, False),
        ("BOOL", 1.0, True),
        ("BOOL", 2.0, False),
        ("INT32", np.inf, False),
        ("FP64", -np.inf, False),
    ],
)
def test_a_datatype_holds_what_it_holds(datatype: str, value: float, fits: bool) -> None:
    """Nothing is cut off to fit."""
    column = np.array([0.0, value])
    if fits:
        kept = fitted(column, datatype, "x")

        assert NUMBERS[datatype] == kept.dtype
        assert np.allclose(column, kept.astype(np.float64), rtol=1e-3)
    else:
        with pytest.raises(ValueError, match=f"row 2: column 'x' holds .*, which is no {datatype}"):
            fitted(column, datatype, "x")


@pytest.mark.parametrize("datatype", [*NUMBERS, "BYTES"])
def test_tensors_survive_json_and_bytes(datatype: str) -> None:
    """What is sent is what is read, in every datatype."""
    values = np.array([["", "ß"], ["a b", "0"]]) if datatype == "BYTES" else np.eye(2).astype(NUMBERS[datatype])
    tensor = Tensor(name="x", datatype=datatype, values=values)

    assert np.array_equal(values, from_json(tensor.as_json()).values)
    assert np.array_equal(values, from_json({**tensor.as_json(), "data": values.tolist()}).values)
    assert np.array_equal(values, from_bytes("x", datatype, [2, 2], tensor.as_bytes()).values)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"data": [1.0, 2.0, 3.0]}, "holds 3 values, and states the shape [1, 2]"),
        ({"data": ["a", "b"]}, "holds 'a', which is no FP64"),
        ({"data": [0.5, True]}, "holds True, which is no FP64"),
        ({"data": [None, 0.5]}, "holds None, which is no FP64"),
        ({"data": [1, 10**400]}, "holds 1000000000000000000000000000000000000000..., which is no FP64"),
        ({"data": [1.5, 2], "datatype": "INT64"}, "holds 1.5, which is no INT64"),
        ({"data": [1, 300], "datatype": "UINT8"}, "holds 300, which is no UINT8"),
        ({"data": [True, 2], "datatype": "BOOL"}, "holds 2, which is no BOOL"),
        ({"data": ["a", 2], "datatype": "BYTES"}, "holds 2, which is no BYTES"),
        ({"data": {"a": 1}}, "holds no data"),
        ({"shape": None}, "states no shape"),
        ({"shape": ["1", 2]}, "states no shape"),
        ({"datatype": "BF16"}, "is of the datatype 'BF16', expected one of BOOL, "),
        ({"name": None}, "an output without a name"),
    ],
)
def test_an_answer_that_is_no_tensor_says_what_it_is(change: Mapping[str, Any], why: str) -> None:
    """Each departure of an answer from the protocol has its own words."""
    with pytest.raises(ValueError) as caught:
        from_json({"name": "x", "datatype": "FP64", "shape": [1, 2], "data": [1.0, 2.0], **change})

    assert why in str(caught.value)


def test_bytes_that_are_cut_off_are_no_tensor() -> None:
    """Numbers and texts alike."""
    for datatype, data in (("FP64", b"\0" * 15), ("BYTES", b"\x05\0\0\0four"), ("BYTES", b"\x05\0")):
        with pytest.raises(ValueError, match=f"'x': {len(data)} bytes are no {datatype}"):
            from_bytes("x", datatype, [1], data)


def test_all_columns_are_sent_where_no_features_are_named() -> None:
    """A tensor without columns takes the table as it is."""
    tensor = Input(name="x").of_rows(ROWS.select(["income", "debt"]))

    assert np.array_equal(VALUES, tensor.values)


def test_classes_are_not_taken_for_probabilities(served: Serving, protocol: str) -> None:
    """Without a name the server gives its classes: a probability of 1 for everybody's class would judge nothing."""
    with pytest.raises(TargetError, match="the output 'predict' is BYTES: classes, no probabilities"):
        asked(made(served, protocol, outputs=None))


def test_an_unknown_output_is_the_servers_refusal(served: Serving, protocol: str) -> None:
    """What the server says of it is the error of the block."""
    assert "no output chances" in str(asked(made(served, protocol, outputs={"name": "chances"})).error)


def test_a_class_that_the_plan_does_not_name_is_an_error(served: Serving, protocol: str) -> None:
    """It is neither favourable nor unfavourable."""
    options: dict[str, Any] = {
        "outputs": {"kind": "label"},
        "labels": ["bad", "fine"],
        "favourable": "fine",
        "positive": "bad",
    }
    answer = asked(made(served, protocol, **options))

    assert "the class 'good' is not among target.labels" in str(answer.error)


def test_what_the_server_states_is_the_identity(served: Serving, protocol: str) -> None:
    """Server, model and version, with a digest of all that is stated; no digest of weights, so nothing is shared."""
    target = made(served, protocol)
    identity = target.identity()
    target.close()

    assert ("credit", "1") == (identity["model"], identity["version"])
    assert ("loopback", "0.1") == (identity["server"]["name"], identity["server"]["version"])
    assert identity["stated_sha256"].startswith("sha256:")
    assert not target.shareable
    assert 1 == len(target.cautions)
    assert codec.encode(dict(identity))


def test_a_server_that_states_no_version_is_a_caution(protocol: str) -> None:
    """A report has to say that an exchanged model would not be seen."""
    with serving(MATRIX, version="") as server:
        target = made(server, protocol)
        target.close()

    assert "states no version of the model" in target.cautions[1]


def test_another_model_that_answers_is_refused(protocol: str) -> None:
    """By the name in its answers, which a server need not state."""
    request = Request(kind=Capability.PREDICT, inputs=ROWS)
    with serving(MATRIX, version="") as server:
        target = made(server, protocol)
        server.answers_as = ""
        target.answer([request])
        assert target.check() is None
        server.answers_as = "debit"
        with pytest.raises(TargetError, match="model 'credit' was asked, and 'debit' answered"):
            target.answer([request])
        assert "model 'credit' was asked, and 'debit' answered" == target.check()
        target.close()


def test_a_digest_behind_the_name_may_stand_and_not_change(protocol: str) -> None:
    """ModelMesh answers so."""
    request = Request(kind=Capability.PREDICT, inputs=ROWS)
    with serving(MATRIX, version="") as server:
        target = made(server, protocol)
        server.answers_as = "credit__isvc-3c2cb2d4e0"
        target.answer([request])
        assert target.check() is None
        server.answers_as = "credit__isvc-0000000000"
        with pytest.raises(
            TargetError, match="model 'credit__isvc-3c2cb2d4e0' was asked, and 'credit__isvc-0000000000'"
        ):
            target.answer([request])
        target.close()


def test_a_model_exchanged_under_its_old_name_is_seen(protocol: str) -> None:
    """Rows that were answered are asked again, for servers that state no version."""
    with serving(MATRIX, version="") as server:
        target = made(server, protocol)
        request = Request(kind=Capability.PREDICT, inputs=ROWS)
        known = Reasking(target, seed=1)
        known.note("bias.rates", [request], target.answer([request]))
        known.refuse_other()
        server.model = LogisticRegression().fit(-VALUES, GOOD)

        with pytest.raises(Exchanged, match=r"asked question 1 \(bias\.rates, input 1\) again, it answered bad 0\."):
            known.refuse_other()
        target.close()


def test_metadata_that_change_are_another_system(protocol: str) -> None:
    """The same answers from another platform are not the same system."""
    with serving(MATRIX) as server:
        target = made(server, protocol)
        server.metadata = {"platform": "onnx"}
        why = target.check()
        target.close()

    assert "its metadata differ" in str(why)


def test_an_index_that_does_not_answer_in_the_end_is_no_other_system() -> None:
    """Neither the index of models nor the server's own page says anything when it fails."""
    with serving(MATRIX) as server:
        target = made(server, "http")
        version = target.identity()["version"]
        server.silent = True
        why = target.check()
        target.close()

    assert "1" == version
    assert None is why


def test_keys_are_sent_and_never_said(served: Serving, protocol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key comes from the environment, goes into every request, and stands in no identity."""
    monkeypatch.setenv("OIP_KEY", "s3cret-value")
    served.headers.clear()
    target = made(served, protocol, key_env="OIP_KEY", headers={"X-Team": "audit"})
    asked(target)
    sent = [{name.lower(): value for name, value in each.items()} for each in served.headers]

    assert {"Bearer s3cret-value"} == {each.get("authorization") for each in sent}
    assert {"audit"} == {each.get("x-team") for each in sent}
    assert b"s3cret" not in codec.encode([dict(target.identity()), target.cautions])


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"model": "other"}, "model 'other': the server answered (404|NOT_FOUND): "),
        ({"url": "http://127.0.0.1:9"}, "asked once, (no answer|the server answered UNAVAILABLE)"),
    ],
)
def test_a_model_that_is_not_there_is_one_line(
    served: Serving, protocol: str, options: Mapping[str, Any], why: str
) -> None:
    """A wrong name and a wrong address."""
    with pytest.raises(TargetError, match=why):
        made(served, protocol, **options)


def test_grpc_takes_host_and_port_alone(served: Serving) -> None:
    """A path would be dropped in silence, and so would a proxy."""
    assert "host and port alone" in refused(UsageError, served, "grpc", url="http://127.0.0.1:9/seldon")
    assert "host and port alone" in refused(UsageError, served, "grpc", url="http://localhost")
    assert "only with protocol: http" in refused(UsageError, served, "grpc", proxy="http://127.0.0.1:9")


def test_a_failure_ends_the_round_and_waits_for_what_is_under_way(protocol: str) -> None:
    """Of six batches the first fails: what was sent beside it may be paid for and is kept, and nothing more is sent."""
    with serving(MATRIX, faults=("503", "", "hang", "")) as server:
        target = made(server, protocol, batch=15, timeout=1.0, concurrency=2)
        with pytest.raises(TargetError, match=r"the server answered (503|UNAVAILABLE)"):
            asked(target)

        assert server.answered <= 3
        assert {15} >= {len(piece.inputs) for piece in target.kept}
        for piece in target.kept:
            rows = ROWS.take(np.arange(piece.inputs.start, piece.inputs.stop))
            expected = MATRIX.predict_proba(np.column_stack([rows["income"], rows["debt"]]))
            assert np.allclose(expected, piece.response.values)


def test_grpc_over_tls_believes_the_named_authority_alone(tmp_path: Path) -> None:
    """With ``ca_file`` the server is believed, without it, or with a file that is none, not."""
    key, certificate = self_signed()
    (tmp_path / "ca.pem").write_bytes(certificate)
    with serving(MATRIX, tls=(key, certificate)) as server:
        answer = asked(made(server, "grpc", ca_file=str(tmp_path / "ca.pem")))

        assert np.array_equal(MATRIX.predict_proba(VALUES), answer.values)
        distrusted = refused(TargetError, server, "grpc")
        assert "UNAVAILABLE" in distrusted
        assert "name the file of the authority that signed it under target.ca_file" in distrusted
        assert "ca_file" in refused(UsageError, server, "grpc", ca_file=str(tmp_path / "none.pem"))


def self_signed() -> tuple[bytes, bytes]:
    """A key and a certificate for localhost, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private, certificate.public_bytes(pem)
