"""Real servers on loopback that speak the OpenAI protocol, with a small deterministic model behind them, or faults.

``Model`` is a language model of whole words whose next-word probabilities follow from a hash of what stands before:
they sum to 1, so that a prompt scored by echo and an answer scored as it is written must agree. ``Served`` says what
the server does not do, as real ones differ; ``faults`` say what goes wrong, and when.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

VOCABULARY = (" yes", " no", " Yes", " No", " the", " a", " answer", " is", " one", " two", " three", " four", ".", ",")
#: What a word outside the vocabulary has for a log-probability, in nats.
UNKNOWN = -12.0


def tokens_of(text: str) -> list[str]:
    """Words and signs with the space before them.

    >>> tokens_of("My answer is yes.")
    ['My', ' answer', ' is', ' yes', '.']
    """
    return re.findall(r"\s*\w+|\s*[^\w\s]|\s+$", text)


@dataclass(frozen=True, kw_only=True)
class Model:
    """``favours``: logits added to " yes" where a word stands in the prompt; ``likes``: logits added to a word."""

    name: str = "tiny"
    salt: str = ""
    favours: Mapping[str, float] = field(default_factory=dict)
    likes: Mapping[str, float] = field(default_factory=lambda: {" yes": 4.0, " no": 4.0})

    def log_probabilities(self, context: tuple[str, ...]) -> dict[str, float]:
        """Of every word of the vocabulary after ``context``, in nats."""
        logits = {word: self._logit(context, word) for word in VOCABULARY}
        total = math.log(sum(math.exp(logit) for logit in logits.values()))
        return {word: logit - total for word, logit in logits.items()}

    def score(self, tokens: tuple[str, ...], place: int) -> float:
        """The log-probability of the token at ``place`` after those before it, in nats."""
        return self.log_probabilities(tokens[:place]).get(tokens[place], UNKNOWN)

    def _logit(self, context: tuple[str, ...], word: str) -> float:
        seen = hashlib.sha256(json.dumps([self.salt, context[-3:], len(context), word]).encode()).digest()
        planted = sum(logits for name, logits in self.favours.items() if any(name in token for token in context))
        return 2.0 * seen[0] / 255 + self.likes.get(word, 0.0) + (planted if word == " yes" else 0.0)


#: What a fault does with one ask: it may answer in its own way, and says whether it did.
Fault = Callable[["Handler", dict[str, Any], int], bool]


@dataclass(kw_only=True)
class Served:
    """A server: its model, what it does not do, and what went on.

    ``shift``: echoed log-probabilities are those of the next place, as one common server serves them. ``drift``: no
    two greedy answers are the same. ``penalty``: logits taken from words that were written already, unasked.
    ``counts``: how it counts tokens without answering, as ``vllm``, ``llama.cpp`` or ``llama-cpp-python`` do;
    ``wrong``: one too many. ``needs``: what an ask must hold, or not, by the name of the parameter. ``thinks``: the
    tokens that the model writes before its answer, from those that it is allowed.
    ``fault`` is asked before each answer, with the number of asks before it.
    """

    model: Model = field(default_factory=Model)
    logprobs: bool = True
    most_top: int = 20
    echo: bool = True
    shift: int = 0
    drift: bool = False
    sampled: bool = False
    penalty: float = 0.0
    key: str | None = None
    fingerprint: str | None = "fp_1"
    states: str = ""
    usage: bool = True
    counts: str | None = None
    counted: int = 0
    needs: str | None = None
    thinks: int = 0
    fault: Fault | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    at_once: int = 0
    most_at_once: int = 0
    slow_seconds: float = 0.0
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    """Speaks the protocol."""

    disable_nagle_algorithm = True  # head and body are two packets; the second would wait 40 ms
    protocol_version = "HTTP/1.1"
    served: Served

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        """The list of models."""
        self.served.paths.append(self.path)
        if not self.path.endswith("/models"):
            return self.send_json({"error": {"message": "not found"}}, 404)
        owner = {"id": self.served.model.name, "object": "model", "owned_by": "tests"}
        return self.send_json({"object": "list", "data": [owner]})

    def do_POST(self) -> None:
        """One ask, with the fault that is planted."""
        served = self.served
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if "tokenize" in self.path:
            return self.count(body)
        with served.lock:
            number = len(served.asked)
            served.asked.append(body)
            served.headers.append(dict(self.headers))
            served.paths.append(self.path)
            served.at_once += 1
            served.most_at_once = max(served.most_at_once, served.at_once)
        try:
            time.sleep(served.slow_seconds * (1 + number % 3))
            if served.fault is None or not served.fault(self, body, number):
                self.answer(body)
        finally:
            with served.lock:
                served.at_once -= 1

    def count(self, body: dict[str, Any]) -> None:
        """The tokens of a text, in the words of the server that it stands for."""
        served = self.served
        keys = {"vllm": "prompt", "wrong": "prompt", "llama.cpp": "content", "llama-cpp-python": "input"}
        key = keys.get(served.counts or "", "")
        extras = served.counts == "llama-cpp-python"
        chat = key == "prompt" and "messages" in body
        if (self.path != ("/extras/tokenize/count" if extras else "/tokenize")) or not (chat or key in body):
            return self.send_json({"error": {"message": "not found"}}, 404)
        served.counted += 1
        tokens = tokens_of(prompt_of(body) if chat else body[key])
        if served.counts == "llama.cpp":
            return self.send_json({"tokens": list(range(len(tokens)))})
        return self.send_json({"count": len(tokens) + (served.counts == "wrong")})

    def answer(self, body: dict[str, Any]) -> None:
        """The model's answer, or why there is none."""
        served = self.served
        if served.key is not None and self.headers["Authorization"] != f"Bearer {served.key}":
            said = f"Incorrect API key provided: {self.headers['Authorization']}"
            return self.send_json({"error": {"message": said}}, 401)
        if body["model"] != served.model.name:
            return self.send_json({"error": {"message": f"the model {body['model']} does not exist"}}, 404)
        if served.needs == "max_completion_tokens" and "max_tokens" in body:
            said = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
            return self.send_json({"error": {"message": said}}, 400)
        if served.needs == "temperature" and body["temperature"] != 1:
            return self.send_json({"error": {"message": "Unsupported value: 'temperature' does not support 0"}}, 400)
        if served.needs == "no top_p" and "top_p" in body:
            said = "Unsupported parameter: 'top_p' is not supported with this model."
            return self.send_json({"error": {"message": said}}, 400)
        if "far too long" in json.dumps(body):
            return self.send_json({"error": {"message": "This model's maximum context length is 256 tokens"}}, 400)
        top = body.get("top_logprobs") if "messages" in body else body.get("logprobs")
        if top is not None and served.logprobs and top > served.most_top:
            return self.send_json({"error": {"message": f"logprobs: at most {served.most_top}"}}, 400)
        return self.send_json(reply(served, body))

    def send_json(self, found: object, status: int = 200, **headers: str) -> None:
        """An answer in JSON."""
        self.send_text(json.dumps(found), status, **headers)

    def send_text(self, text: str, status: int = 200, **headers: str) -> None:
        """An answer as it is."""
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)


def prompt_of(body: dict[str, Any]) -> str:
    """What the model reads of one ask."""
    return "".join(message["content"] for message in body["messages"]) + "\n" if "messages" in body else body["prompt"]


def reply(served: Served, body: dict[str, Any]) -> dict[str, Any]:
    """What the server answers to one ask."""
    chat = "messages" in body
    prompt = prompt_of(body)
    before = tuple(tokens_of(prompt))
    model = replace(served.model, salt=str(len(served.asked))) if served.drift else served.model
    written: list[str] = []
    allowed = body.get("max_completion_tokens", body.get("max_tokens", 16))
    most = allowed - served.thinks
    while len(written) < most:
        likely = model.log_probabilities((*before, *written))
        seed = body["seed"] if body.get("temperature", 1.0) > 0 else 0
        ranked = sorted(likely, key=lambda word: served.penalty * (word in written) - likely[word])
        written.append(ranked[seed % 5])
    text = "".join(written).lstrip() if chat else "".join(written)
    top = body.get("top_logprobs") if chat else body.get("logprobs")
    echo = bool(body.get("echo")) and served.echo
    choice: dict[str, Any] = {"index": 0, "finish_reason": "length"}
    if chat:
        choice["message"] = {"role": "assistant", "content": text or None}
        if served.thinks:
            choice["message"]["reasoning_content"] = "Let me think"
    else:
        choice["text"] = (prompt if echo else "") + text
    if top is not None and served.logprobs:
        choice["logprobs"] = _logprobs(served, before, written, top, echo=echo, chat=chat)
    found: dict[str, Any] = {
        "id": "x",
        "object": "text_completion",
        "model": served.states or served.model.name,
        "choices": [choice],
    }
    if served.fingerprint is not None:
        found["system_fingerprint"] = served.fingerprint
    if served.usage:
        spent = len(written) + min(allowed, served.thinks)
        found["usage"] = {"prompt_tokens": len(before), "completion_tokens": spent}
    return found


def _logprobs(
    served: Served, before: tuple[str, ...], written: list[str], top: int, *, echo: bool, chat: bool
) -> dict[str, Any]:
    tokens = (*before, *written)
    first = 0 if echo else len(before)
    places = []
    for place in range(first, len(tokens)):
        shifted = min(place + served.shift, len(tokens) - 1) if place < len(before) else place
        likely = served.model.log_probabilities(tokens[:shifted])
        if served.sampled:
            likely = {word: 0.0 if word == max(likely, key=likely.__getitem__) else -50.0 for word in likely}
        ranked = sorted(likely, key=lambda word: -likely[word])[:top]
        value = likely.get(tokens[place], UNKNOWN)
        places.append((tokens[place], value, {word: likely[word] for word in ranked}))
    if chat:
        stripped = [(token.lstrip(), value, {w.lstrip(): p for w, p in tops.items()}) for token, value, tops in places]
        listed = [
            {"token": token, "logprob": value, "top_logprobs": [{"token": w, "logprob": p} for w, p in tops.items()]}
            for token, value, tops in stripped
        ]
        return {"content": listed}
    return {
        "tokens": [token for token, _, _ in places],
        "token_logprobs": [None if echo and place == 0 else value for place, (_, value, _) in enumerate(places)],
        "top_logprobs": [None if echo and place == 0 else tops for place, (_, _, tops) in enumerate(places)],
    }


def cut(handler: Handler) -> None:
    """Reset the connection, as a server that dies does."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def hang(handler: Handler, seconds: float = 0.6) -> None:
    """Say nothing for a while."""
    time.sleep(seconds)
    cut(handler)


def drip(handler: Handler, seconds: float = 0.6) -> None:
    """One byte after the other, each in time, and all of them too late."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(round(seconds / 0.05)):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.05)
    cut(handler)


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away, as a timed-out one does, is no news."""


@contextmanager
def serving(
    served: Served | None = None,
    *,
    handler: type[BaseHTTPRequestHandler] = Handler,
    tls: Path | None = None,
    port: int = 0,
) -> Iterator[Served]:
    """A server while the block runs; ``tls``: the file with its certificate and key."""
    found = served if served is not None else Served()
    server = _Quiet(("127.0.0.1", port), type("Bound", (handler,), {"served": found}))
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    found.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def unplugged() -> str:
    """An address where nobody listens."""
    with serving() as served:
        return served.url


def swaps_plan(folder: Path, target: Mapping[str, Any], *, limits: str = "") -> None:
    """A plan of name swaps in two scenarios with eight names: quick, and too few for a verdict."""
    folder.mkdir(parents=True, exist_ok=True)
    told = "".join(
        f"  - {{id: s-{place}, domain: hiring, favourable: 'yes', unfavourable: 'no', "
        f"text: 'Case {place}: {{name}}. Invite {{name}}? Answer {{first}} or {{second}}.'}}\n"
        for place in range(2)
    )
    (folder / "scenarios.yaml").write_text(f"scenarios:\n{told}", "utf-8")
    names = [f"{name},{'women' if place < 4 else 'men'}" for place, name in enumerate("ABCDEFGH")]
    (folder / "names.csv").write_text("\n".join(["name,group", *names]) + "\n", "utf-8")
    keys = {"type": "openai", "model": "tiny", "concurrency": 1, "retries": 1, **target}
    (folder / "audit.yaml").write_text(
        "version: 1\n"
        'system: {name: Assistant, version: "1"}\n'
        f"target: {json.dumps(keys)}\n"
        "suites: {bias.name-swap: {scenarios: scenarios.yaml, names: names.csv, reference: men}}\n"
        f"{limits}"
        "energy: {codecarbon: false, meter: none}\n",
        "utf-8",
    )
