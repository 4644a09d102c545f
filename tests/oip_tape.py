"""What a real server of the Open Inference Protocol answered, kept in a file and played back on loopback.

A tape is recorded by standing between target and server: bytes are handed on unread in both directions, so that it
holds what the server said and not what we think it says.
"""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import grpc


@dataclass(kw_only=True)
class Tape:
    """Answers by what was asked: of HTTP status and text, of gRPC code, words and bytes.

    ``http`` and ``grpc``: the real server's addresses while a tape is recorded.
    """

    answers: dict[str, Any] = field(default_factory=dict)
    http: str | None = None
    grpc: str | None = None

    @classmethod
    def read(cls, path: Path) -> Tape:
        """A tape from its file."""
        return cls(answers=json.loads(path.read_text("utf-8")))

    def write(self, path: Path) -> None:
        """The tape as a file that people can read."""
        path.write_text(json.dumps(self.answers, indent=1, sort_keys=True) + "\n", "utf-8")


@contextmanager
def playing(tape: Tape) -> Iterator[tuple[str, str]]:
    """The addresses, HTTP and gRPC, where the tape is played back or recorded."""
    handler = type("Handler", (_Handler,), {"tape": tape})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    remote = grpc.server(ThreadPoolExecutor(4), handlers=[_Passing(tape)])
    port = remote.add_insecure_port("127.0.0.1:0")
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    remote.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", f"http://127.0.0.1:{port}"
    finally:
        server.shutdown()
        server.server_close()
        remote.stop(0).wait()


class _Handler(BaseHTTPRequestHandler):
    disable_nagle_algorithm = True  # head and body are two packets; the second would wait 40 ms
    protocol_version = "HTTP/1.1"
    tape: Tape

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""

    def _answer(self, body: bytes) -> None:
        key = f"{self.command} {self.path} {body.decode()}"
        if self.tape.http is not None:
            self.tape.answers[key] = self._real(body)
        status, text = self.tape.answers.get(key, (599, f"not on the tape: {key}"))
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def _real(self, body: bytes) -> tuple[int, str]:
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(
            f"{self.tape.http}{self.path}", data=body or None, headers=headers, method=self.command
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


class _Passing(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Every method, with its bytes as they are."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape

    def service(self, details: Any) -> Any:
        """A handler of any method."""
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: self._answer(details.method, request, context)
        )

    def _answer(self, method: str, request: bytes, context: Any) -> bytes:
        key = f"{method} {base64.b64encode(request).decode()}"
        if self.tape.grpc is not None:
            self.tape.answers[key] = self._real(method, request)
        code, words, data = self.tape.answers.get(key, ("DATA_LOSS", f"not on the tape: {key}", ""))
        if code != "OK":
            context.abort(grpc.StatusCode[code], words)
        return base64.b64decode(data)

    def _real(self, method: str, request: bytes) -> tuple[str, str, str]:
        with grpc.insecure_channel(str(self.tape.grpc)) as channel:
            try:
                data = channel.unary_unary(method)(request, timeout=20)
            except grpc.RpcError as error:
                return error.code().name, error.details(), ""
        return "OK", "", base64.b64encode(data).decode()
