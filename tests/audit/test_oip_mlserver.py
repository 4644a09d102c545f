"""MLServer 1.7.1: what the real one answers, kept on a tape that every run plays back, and the real one at night.

With PROBANDUM_MLSERVER_PYTHON the real server is asked, and its answers compared with the tape; with
PROBANDUM_GOLDEN=write as well the tape is recorded anew. The models are those of ``real_mlserver``: their numbers
follow from coefficients that are written down there.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from probandum.errors import TargetError
from probandum.evidence import Capability, Floats, Request, Response, Table
from probandum.target import Target, TargetContext, make_target
from probandum.targets import load_builtin
from probandum.targets.oip_messages import messages

pytest.importorskip("grpc")
pytest.importorskip("httpx2")

from oip_tape import Tape, playing
from real_mlserver import mlserver

load_builtin()

TAPE = Path(__file__).parent / "data" / "mlserver.json"
ROWS = Table({"income": np.array([0.5, -1.25, 2.0]), "debt": np.array([1.0, 0.0, -0.75])})
TOWNS = Table({"income": np.array([0.5, -1.25]), "town": np.array(["Bonn", "Ulm"])})
WORDS = ("a good day", "bad, bad Übermaß", "")
PROBA = {"name": "predict_proba"}
STRINGS = {"content_type": "str"}
Addresses = tuple[str, str]


def made(addresses: Addresses, protocol: str, model: str, features: tuple[str, ...] = (), **options: Any) -> Target:
    """The target as a plan would make it."""
    context = TargetContext(folder=Path(), features=features, favourable="1", positive="1")
    url = addresses[protocol == "grpc"]
    return make_target("oip", context, {"url": url, "model": model, "protocol": protocol, "retries": 0, **options})


def asked(target: Target, inputs: Table | tuple[str, ...]) -> Response:
    """The answer; the target is closed."""
    kind = Capability.PREDICT if isinstance(inputs, Table) else Capability.CLASSIFY
    try:
        (response,) = target.answer([Request(kind=kind, inputs=inputs)])
    finally:
        target.close()
    return response


def logistic(log_odds: Floats) -> Floats:
    """Both probabilities."""
    p = 1.0 / (1.0 + np.exp(-log_odds))
    return np.column_stack([1.0 - p, p])


@pytest.fixture(scope="module")
def played() -> Iterator[Addresses]:
    """The tape."""
    with playing(Tape.read(TAPE)) as addresses:
        yield addresses


def a_matrix(addresses: Addresses, protocol: str) -> None:
    """One tensor of all features; MLServer states no tensors, and its index the version."""
    target = made(addresses, protocol, "matrix", ("income", "debt"), outputs=PROBA, batch=2)
    identity = target.identity()
    expected = logistic(1.5 * ROWS["income"] - ROWS["debt"] + 0.25)

    assert np.allclose(expected, asked(target, ROWS).values, atol=1e-12, rtol=0)
    assert {"name": "mlserver", "version": "1.7.1", "extensions": []} == identity["server"]
    assert ("matrix", "v1", [], []) == tuple(identity[key] for key in ("model", "version", "inputs", "outputs"))


def classes(addresses: Addresses, protocol: str) -> None:
    """They come in the shape [rows, 1]."""
    answer = asked(made(addresses, protocol, "matrix", ("income", "debt"), outputs={"kind": "label"}), ROWS)

    assert [[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]] == answer.values.tolist()


def a_data_frame(addresses: Addresses, protocol: str) -> None:
    """One tensor a column of numbers and of text, made a data frame by a parameter of the request."""
    inputs = [{"name": "income"}, {"name": "town", "parameters": STRINGS}]
    options: dict[str, Any] = {
        "labels": ["bad", "good"],
        "inputs": inputs,
        "outputs": PROBA,
        "parameters": {"content_type": "pd"},
    }
    answer = asked(made(addresses, protocol, "frame", ("income", "town"), **options), TOWNS)
    expected = logistic(np.array([0.5, -0.5]) + 1.5 * TOWNS["income"] + 0.25)

    assert np.allclose(expected, answer.values, atol=1e-12, rtol=0)


def texts(addresses: Addresses, protocol: str) -> None:
    """BYTES, told to be strings by a parameter of the tensor."""
    options: dict[str, Any] = {
        "kind": "classify",
        "labels": ["neg", "pos"],
        "outputs": PROBA,
        "inputs": {"parameters": STRINGS},
    }
    answer = asked(made(addresses, protocol, "texts", **options), WORDS)

    assert np.allclose(logistic(np.array([2.25, -3.75, 0.25])), answer.values, atol=1e-12, rtol=0)


def its_errors(addresses: Addresses, protocol: str) -> None:
    """A wrong output is an error of the block; a wrong shape, a bare 500, and a model that is not there are raised."""
    unknown = asked(made(addresses, protocol, "matrix", ("income", "debt"), outputs={"name": "chances"}), ROWS)

    assert "only supports 'predict', 'predict_proba' and 'transform' as outputs" in str(unknown.error)
    with pytest.raises(TargetError, match=r"answered (500: Internal Server Error|INTERNAL: X has 1 features)"):
        asked(made(addresses, protocol, "matrix", ("income",), outputs=PROBA), ROWS)
    with pytest.raises(TargetError, match=r"answered (404|NOT_FOUND): Model nothing .*not found"):
        made(addresses, protocol, "nothing")
    with pytest.raises(TargetError, match=r"answered (404|NOT_FOUND): Model matrix with version v9 not found"):
        made(addresses, protocol, "matrix", version="v9")


ASKS = (a_matrix, classes, a_data_frame, texts, its_errors)


@pytest.mark.parametrize("protocol", ["http", "grpc"])
@pytest.mark.parametrize("ask", ASKS)
def test_what_a_real_server_answered_is_read_as_it_was_meant(played: Addresses, ask: Any, protocol: str) -> None:
    """Played back from the tape."""
    ask(played, protocol)


@pytest.mark.nightly
def test_a_real_server_answers_as_on_the_tape(tmp_path: Path) -> None:
    """The same checks against MLServer itself; apart from the number of a request it says what it said."""
    python = os.environ.get("PROBANDUM_MLSERVER_PYTHON")
    if not python:
        pytest.skip("PROBANDUM_MLSERVER_PYTHON names no Python with mlserver and mlserver-sklearn 1.7.1")
    tape = Tape()
    with mlserver(Path(python), tmp_path) as (tape.http, tape.grpc), playing(tape) as addresses:
        for ask in ASKS:
            for protocol in ("http", "grpc"):
                ask(addresses, protocol)
    if os.environ.get("PROBANDUM_GOLDEN") == "write":
        tape.write(TAPE)
    expected, found = Tape.read(TAPE).answers, tape.answers

    assert sorted(expected) == sorted(found)
    assert {key: without_id(key, each) for key, each in expected.items()} == {
        key: without_id(key, each) for key, each in found.items()
    }


def without_id(key: str, answer: Any) -> Any:
    """An answer without the number that a server gives each request, and an index in order."""
    if key.startswith("/") and answer[0] == "OK":
        method = key.partition(" ")[0].rpartition("/")[2]
        message = messages()[f"{method}Response"].FromString(base64.b64decode(answer[2]))
        if method == "ModelInfer":
            message.ClearField("id")
        return sorted(map(str, message.models)) if method == "RepositoryIndex" else str(message)
    if key.startswith("POST") and answer[0] == 200:
        said = json.loads(answer[1])
        return sorted(map(str, said)) if isinstance(said, list) else {**said, "id": ""}
    return list(answer)
