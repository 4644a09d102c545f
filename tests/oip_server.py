"""A server of the Open Inference Protocol on loopback, with a real model behind it, over HTTP and over gRPC.

It answers as MLServer does, metadata empty, or as Triton does, metadata full; and breaks in the ways that servers do.
"""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any

import grpc
import numpy as np

from probandum.targets.oip_messages import SERVICE, messages
from probandum.targets.oip_tensors import Tensor, from_bytes, from_json

#: A drop of a slow answer every so many seconds.
DRIP_SECONDS = 0.05


class Refused(Exception):
    """An input that the model does not take."""


@dataclass(kw_only=True)
class Serving:
    """A model and how it is served.

    ``fault``: what happens from answer ``after`` on, ``times`` times, by default for ever; with ``sticks`` to the batch
    that met it first, and to no other. ``repeats``: how the fault "repeats" writes the header X-Auth into its refusal,
    as it stands in JSON. ``answers_as``: the name that its answers state in place of its own.
    ``silent``: of itself and its models it says nothing, over HTTP. ``faults``: what happens to
    the first answers, one each. ``asked``: the method and path of every request; ``rows``: how many rows each batch
    had; ``sent``: the bytes of each.
    """

    model: Any
    name: str = "credit"
    version: str = "1"
    answers_as: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    fault: str | None = None
    after: int = 0
    faults: Sequence[str] = ()
    times: int | None = None
    sticks: bool = False
    stuck: bytes | None = None
    repeats: Callable[[str], str] | None = None
    silent: bool = False
    asked: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    sent: list[bytes] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    stopped: Event = field(default_factory=Event)
    url: str = ""
    grpc_url: str = ""
    answered: int = 0
    unplug: Any = None
    lock: Any = field(default_factory=Lock)

    def due(self, batch: bytes) -> str | None:
        """The fault of this answer, counted."""
        with self.lock:
            self.answered += 1
            if self.sticks:
                if self.stuck is None and self.answered > self.after:
                    self.stuck = batch
                return self.fault if batch == self.stuck else None
            if self.answered <= len(self.faults):
                return self.faults[self.answered - 1]
            begins = self.after < self.answered
            over = self.times is not None and self.answered > self.after + self.times
            return self.fault if begins and not over else None

    def stated(self) -> dict[str, Any]:
        """The model's metadata."""
        empty = {"name": self.name, "versions": [], "platform": "", "inputs": [], "outputs": []}
        return {**empty, **self.metadata}

    def infer(self, inputs: Sequence[Tensor], wanted: Sequence[str], fault: str | None) -> list[Tensor]:
        """The outputs wanted, by default the classes."""
        given = self._given(inputs)
        self.rows.append(len(given))
        outputs = []
        for name in wanted or ["predict"]:
            if name == "predict_proba":
                values = np.asarray(self.model.predict_proba(given), dtype=np.float64)
                outputs.append(Tensor(name=name, datatype="FP64", values=_bent(values, fault)))
            elif name == "predict":
                classes = np.asarray(self.model.predict(given)).reshape(-1, 1)
                kind = "INT64" if classes.dtype.kind == "i" else "BYTES"
                outputs.append(Tensor(name=name, datatype=kind, values=_bent(classes, fault)))
            else:
                raise Refused(f"no output {name}")
        return outputs

    def _given(self, inputs: Sequence[Tensor]) -> Any:
        if len(inputs) > 1:
            import pandas as pd

            return pd.DataFrame({each.name: each.values.reshape(-1) for each in inputs})
        (only,) = inputs
        if only.datatype == "BYTES":
            return only.values.reshape(-1).tolist()
        if only.values.ndim != 2 or only.values.shape[1] != self.model.n_features_in_:
            raise RuntimeError("the model takes another shape")
        return only.values


def _bent(values: np.ndarray, fault: str | None) -> np.ndarray:
    """An answer as a broken model would give it."""
    if fault == "fewer rows":
        return values[:-1]
    if fault == "shape":
        return values.reshape(1, -1)
    if fault == "three classes":
        return np.column_stack([values, np.zeros(len(values))])
    if fault == "booleans":
        return values > 0.5
    if fault == "texts":
        return values.astype(np.str_)
    if fault == "nan":
        bent = values.astype(np.float64)
        bent[min(2, len(bent) - 1)] = np.nan
        return bent
    return values


class _Handler(BaseHTTPRequestHandler):
    disable_nagle_algorithm = True  # head and body are two packets; the second would wait 40 ms
    protocol_version = "HTTP/1.1"
    serving: Serving

    def do_GET(self) -> None:
        served = self.serving
        self._note()
        if self.path == "/v2" and served.silent:
            return self._raw(b"<html>busy</html>")
        if self.path == "/v2":
            return self._send({"name": "loopback", "version": "0.1", "extensions": []})
        if self.path == f"/v2/models/{served.name}":
            return self._send(served.stated())
        return self._send({"error": f"{self.path} not found"}, 404)

    def do_POST(self) -> None:
        served = self.serving
        self._note()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v2/repository/index" and served.silent:
            return self._raw(b"", 404)
        if self.path == "/v2/repository/index":
            return self._send([{"name": served.name, "version": served.version, "state": "READY", "reason": ""}])
        if self.path != f"/v2/models/{served.name}/infer":
            return self._send({"error": f"{self.path} not found"}, 404)
        served.sent.append(body)
        fault = served.due(body)
        if fault is not None and self._break(fault):
            return None
        try:
            asked = json.loads(body, parse_constant=_no_number)
            inputs = [from_json(each) for each in asked["inputs"]]
            outputs = served.infer(inputs, [each["name"] for each in asked.get("outputs", ())], fault)
        except (Refused, ValueError) as error:
            return self._send({"error": str(error)}, 400)
        except Exception:  # as MLServer does: a bare 500
            return self._raw(b"Internal Server Error", 500, "text/plain")
        said = {
            "model_name": served.name if served.answers_as is None else served.answers_as,
            "model_version": served.version,
            "id": "1",
        }
        data = json.dumps({**said, "outputs": [each.as_json() for each in outputs]}).encode()
        if fault == "drip":
            return self._drip(data)
        return self._raw(data[: len(data) // 2] if fault == "malformed" else data)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""

    def _note(self) -> None:
        self.serving.asked.append(f"{self.command} {self.path}")
        self.serving.headers.append(dict(self.headers))

    def _break(self, fault: str) -> bool:
        """Whether the fault leaves nothing more to answer."""
        if fault == "hang":
            self.serving.stopped.wait(30)
            self.close_connection = True
        elif fault == "reset":
            self.connection.setsockopt(1, 13, struct.pack("ii", 1, 0))  # SO_LINGER: close with a reset
            self.close_connection = True
            self.connection.close()
        elif fault == "unplug":
            self.close_connection = True
            self.serving.unplug()
        elif fault in ("429", "500", "503"):
            self._raw(b"", int(fault), "text/plain")
        elif fault in ("400", "html"):
            self._raw(b"<html>maintenance</html>", 400 if fault == "400" else 200, "text/html")
        elif fault == "repeats" and self.serving.repeats is not None:
            self._raw(b'{"error": "no right to ask: %s"}' % self.serving.repeats(self.headers["X-Auth"]).encode(), 400)
        elif fault.startswith("429, wait "):
            self._raw(b"", 429, "text/plain", fault.removeprefix("429, wait "))
        elif fault == "restart":
            self.serving.version = "2"
            return False
        else:
            return False
        return True

    def _drip(self, data: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        for place in range(len(data)):
            if self.serving.stopped.is_set():
                break
            try:
                self.wfile.write(data[place : place + 1])
            except OSError:
                break
            time.sleep(DRIP_SECONDS)
        self.close_connection = True

    def _send(self, said: object, status: int = 200) -> None:
        self._raw(json.dumps(said).encode(), status)

    def _raw(self, data: bytes, status: int = 200, kind: str = "application/json", wait: str | None = None) -> None:
        self.send_response(status)
        if wait is not None:
            self.send_header("Retry-After", wait)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Quiet: that a client hangs up is a part of the tests."""


class _Servicer:
    """The methods of the gRPC service."""

    def __init__(self, serving: Serving) -> None:
        self.serving, self.made = serving, messages()

    def server_metadata(self, request: Any, context: Any) -> Any:
        return self.made["ServerMetadataResponse"](name="loopback", version="0.1")

    def model_metadata(self, request: Any, context: Any) -> Any:
        self._known(request.name, context)
        said = self.serving.stated()
        answer = self.made["ModelMetadataResponse"](
            name=said["name"], versions=said["versions"], platform=said["platform"]
        )
        for where in ("inputs", "outputs"):
            for each in said[where]:
                getattr(answer, where).add(**each)
        return answer

    def repository_index(self, request: Any, context: Any) -> Any:
        answer = self.made["RepositoryIndexResponse"]()
        answer.models.add(name=self.serving.name, version=self.serving.version, state="READY")
        return answer

    def model_infer(self, request: Any, context: Any) -> Any:
        self._known(request.model_name, context)
        self.serving.sent.append(request.SerializeToString())
        fault = self.serving.due(self.serving.sent[-1])
        if fault is not None:
            self._break(fault, context)
        try:
            parts = zip(request.inputs, request.raw_input_contents, strict=True)
            inputs = [from_bytes(each.name, each.datatype, list(each.shape), raw) for each, raw in parts]
            outputs = self.serving.infer(inputs, [each.name for each in request.outputs], fault)
        except (Refused, ValueError) as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except Exception as error:
            context.abort(grpc.StatusCode.INTERNAL, str(error))
        named = self.serving.name if self.serving.answers_as is None else self.serving.answers_as
        answer = self.made["ModelInferResponse"](model_name=named, model_version=self.serving.version)
        for each in outputs:
            answer.outputs.add(name=each.name, datatype=each.datatype, shape=each.values.shape)
            data = each.as_bytes()
            answer.raw_output_contents.append(data[:-1] if fault == "malformed" else data)
        return answer

    def _known(self, name: str, context: Any) -> None:
        self.serving.asked.append(f"grpc {name}")
        self.serving.headers.append(dict(context.invocation_metadata()))
        if name != self.serving.name:
            context.abort(grpc.StatusCode.NOT_FOUND, f"{name} not found")

    def _break(self, fault: str, context: Any) -> None:
        codes = {"429": "RESOURCE_EXHAUSTED", "500": "INTERNAL", "503": "UNAVAILABLE", "reset": "UNAVAILABLE"}
        codes |= {"400": "INVALID_ARGUMENT", "html": "UNKNOWN"}
        if fault == "hang":
            self.serving.stopped.wait(30)
        elif fault == "unplug":
            self.serving.unplug()
            context.abort(grpc.StatusCode.UNAVAILABLE, "")
        elif fault == "restart":
            self.serving.version = "2"
        elif fault in codes:
            context.abort(grpc.StatusCode[codes[fault]], "")
        elif fault == "repeats" and self.serving.repeats is not None:
            said = self.serving.repeats(dict(context.invocation_metadata())["x-auth"])
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"no right to ask: {said}")


def _handlers(servicer: Any) -> Any:
    """The service's methods, each with its messages."""
    made = messages()
    methods = {
        "ServerMetadata": servicer.server_metadata,
        "ModelMetadata": servicer.model_metadata,
        "RepositoryIndex": servicer.repository_index,
        "ModelInfer": servicer.model_infer,
    }
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            method,
            request_deserializer=made[f"{name}Request"].FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )
        for name, method in methods.items()
    }
    return grpc.method_handlers_generic_handler(SERVICE, handlers)


@contextmanager
def serving(model: Any, *, tls: Any = None, **how: Any) -> Iterator[Serving]:
    """The model behind ``url`` (HTTP) and ``grpc_url``. ``tls``: key and certificate in PEM, for gRPC."""
    served = Serving(model=model, **how)
    handler = type("Handler", (_Handler,), {"serving": served})
    server = _Server(("127.0.0.1", 0), handler)
    remote = grpc.server(ThreadPoolExecutor(8), handlers=[_handlers(_Servicer(served))])
    if tls is None:
        port = remote.add_insecure_port("127.0.0.1:0")
    else:
        port = remote.add_secure_port("localhost:0", grpc.ssl_server_credentials([tls]))
    served.url = f"http://127.0.0.1:{server.server_address[1]}"
    served.grpc_url = f"http://127.0.0.1:{port}" if tls is None else f"https://localhost:{port}"
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    remote.start()

    def unplug() -> None:
        remote.stop(0)
        Thread(target=server.shutdown, daemon=True).start()
        server.socket.close()

    served.unplug = unplug
    try:
        yield served
    finally:
        served.stopped.set()
        server.shutdown()
        server.server_close()
        remote.stop(0).wait()
