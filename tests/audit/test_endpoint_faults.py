"""Every kind of endpoint with every fault of a server: whole audits from the command line, and none ends in a pass.

A fault begins after some answers and sticks to the ask that met it first; all others are answered, so that an audit
that looked away would end as one of a sound server does: in 0, and with so few names in 3. Over gRPC no server says how
long to wait, and a slow drip is made between the two.
"""

from __future__ import annotations

import base64
import copy
import html
import json
import math
import re
import shutil
import socket
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import endpoints
from commands import Ended, entered
from endpoints import Handler, Model, Served, cut, drip, hang
from probandum.record import Record
from probandum.targets import endpoint
from records import write_sklearn_plan

for package in ("grpc", "httpx2", "jmespath", "skops"):
    pytest.importorskip(package)

import oip_server  # noqa: E402  after the checks above
from scoring_server import Scorer  # noqa: E402

#: Every kind of endpoint, and how the audit of a sound one ends.
SOUND = {"openai chat": 3, "openai completions": 3, "oip HTTP": 0, "oip gRPC": 0, "http": 0}
KINDS = tuple(SOUND)
#: Seconds for one try where time is the fault, and where it is not.
SHORT, LONG = 1.0, 30.0


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What goes wrong and what an audit says of it: ``why`` in the error, over gRPC too.

    ``served``: of servers that speak JSON, in place of an answer; ``oip``: its name in the other server.
    """

    served: Callable[[Handler, dict[str, Any]], object]
    oip: str
    why: str
    timeout: float = LONG


def spoilt(change: Callable[[Any], object]) -> Callable[[Handler, dict[str, Any]], None]:
    """An answer of the real model with one thing wrong."""

    def answer(handler: Handler, body: dict[str, Any]) -> None:
        found = Scored.of(handler, body) if isinstance(handler, Scored) else endpoints.reply(handler.served, body)
        change(found)
        handler.send_text(json.dumps(found))

    return answer


class Scored(Scorer):
    """A scoring service whose answers can be taken apart before they are sent."""

    sent: Any = None

    def send_json(self, found: object, status: int = 200, **headers: str) -> None:
        """The answer, or only a note of it."""
        if self.sent == "kept":
            self.sent = found
        else:
            super().send_json(found, status, **headers)

    def of(self, body: dict[str, Any]) -> Any:
        """What it answers."""
        self.sent = "kept"
        Scorer.answer(self, body)
        found, self.sent = self.sent, None
        return found


def bent(found: Any) -> None:
    """Another shape than was asked for: a number for a text, one probability in place of two."""
    if "predictions" in found:
        found["predictions"][0]["probabilities"] = [1.0]
    else:
        found["choices"] = [{"text": 5, "message": {"content": 5}}]


def fewer(found: Any) -> None:
    """One answer less."""
    found["predictions" if "predictions" in found else "choices"].pop()


def no_number(found: Any) -> None:
    """NaN in place of a number."""
    if "predictions" in found:
        found["predictions"][0]["probabilities"][0] = math.nan
        return
    listed = found["choices"][0]["logprobs"]
    if "content" in listed:
        listed["content"][0]["top_logprobs"][0]["logprob"] = math.nan
    else:
        first = listed["top_logprobs"][0]
        first[next(iter(first))] = math.nan


FAULTS: Mapping[str, Fault] = {
    "timeout": Fault(
        served=lambda handler, body: hang(handler, 3.0),
        oip="hang",
        why="asked 2 times, (no whole answer in 1 seconds|the server answered DEADLINE_EXCEEDED)",
        timeout=SHORT,
    ),
    "slow drip": Fault(
        served=lambda handler, body: drip(handler, 3.0),
        oip="drip",
        why="asked 2 times, no whole answer in 1 seconds",
        timeout=SHORT,
    ),
    "429": Fault(
        served=lambda handler, body: handler.send_json({}, 429),
        oip="429",
        why="asked 2 times, the server answered (429|RESOURCE_EXHAUSTED)",
    ),
    "429, wait": Fault(
        served=lambda handler, body: handler.send_json({}, 429, Retry_After="0"),
        oip="429, wait 0",
        why="asked 2 times, the server answered 429",
    ),
    "429, wait an hour": Fault(
        served=lambda handler, body: handler.send_json({}, 429, Retry_After="3600"),
        oip="429, wait 3600",
        why="asked once, the server answered 429.*, and asks to wait 3600 seconds",
    ),
    "500": Fault(
        served=lambda handler, body: handler.send_json({"error": {"message": "it broke"}}, 500),
        oip="500",
        why="asked 2 times, the server answered (500|INTERNAL)",
    ),
    "malformed JSON": Fault(
        served=lambda handler, body: handler.send_text('{"choices": [{"predictions'),
        oip="malformed",
        why="the answer is no JSON|bytes are no FP64",
    ),
    "wrong shape": Fault(
        served=spoilt(bent),
        oip="shape",
        why=r"has no (text|content)|has the shape \[1, 300\] for 150 rows|expected 2 probabilities",
    ),
    "fewer answers": Fault(
        served=spoilt(fewer),
        oip="fewer rows",
        why=r"no choice among|has the shape \[149, 2\] for 150 rows|59 answers to 60 inputs",
    ),
    "NaN": Fault(
        served=spoilt(no_number),
        oip="nan",
        why="it holds NaN, which is no number|nan, nan. are no class probabilities",
    ),
}
RESET = Fault(served=lambda handler, body: cut(handler), oip="reset", why="asked 2 times, ")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries follow each other without a wait."""
    monkeypatch.setattr(endpoint, "BACKOFF_SECONDS", 0.01)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, its rows and the plan over them."""
    folder = tmp_path_factory.mktemp("ground")
    write_sklearn_plan(folder)
    return folder


@contextmanager
def audited_by(
    kind: str,
    ground: Path,
    folder: Path,
    fault: Fault | None,
    *,
    swaps: bool = False,
    last: bool = False,
    keys: Mapping[str, Any] | None = None,
) -> Iterator[Any]:
    """The server of one kind, and in ``folder`` the plan that audits it.

    ``swaps``: it becomes another model. ``last``: the fault meets the question by which it is asked again in the end
    whether it is the same. ``keys``: more of the target.
    """
    with ExitStack() as stack:
        more = {"timeout": LONG if fault is None else fault.timeout, **(keys or {})}
        if kind.startswith("oip"):
            name = "restart" if swaps else None if fault is None else fault.oip
            served, target = _oip(stack, kind, ground, name, sticks=not swaps and not last, after=2 if last else 1)
            _tabular(ground, folder, {**target, **more})
        else:
            served = Served()
            if swaps or fault is not None:
                served.fault = _swapped if fault is None else _sticking(fault, after=2 if kind == "http" else 12)
            if last and fault is not None:
                served.fault = _last(fault)
            stack.enter_context(endpoints.serving(served, handler=Scored if kind == "http" else Handler))
            if kind == "http":
                _tabular(ground, folder, {**SCORING, "url": f"{served.url}/score", **more})
            else:
                keys = {"url": served.url, "api": kind.removeprefix("openai "), **more}
                limits = "limits: [{metric: bias.name-swap/log-odds-difference, band: 0.5}]\n"
                endpoints.swaps_plan(folder, keys, limits=limits)
        yield served


SCORING = {
    "type": "http",
    "kind": "predict",
    "request": {"instances": "{matrix}"},
    "response": "predictions[].probabilities",
    "labels": ["0", "1"],
    "batch": 60,
}


def _oip(
    stack: ExitStack, kind: str, ground: Path, fault: str | None, *, sticks: bool, after: int
) -> tuple[Any, dict[str, Any]]:
    import skops.io

    model = skops.io.load(ground / "model.skops")
    served = stack.enter_context(oip_server.serving(model, fault=fault, after=after, sticks=sticks))
    grpc = kind == "oip gRPC"
    said = {"url": served.grpc_url if grpc else served.url, "protocol": "grpc" if grpc else "http"}
    return served, {"type": "oip", "model": "credit", "outputs": {"name": "predict_proba"}, "batch": 150, **said}


def _tabular(ground: Path, folder: Path, target: dict[str, Any]) -> None:
    shutil.copytree(ground, folder, dirs_exist_ok=True)
    target = {**target, "concurrency": 1, "retries": 1}
    text = (ground / "audit.yaml").read_text("utf-8")
    text = text.replace("target: {type: sklearn, path: model.skops}", f"target: {json.dumps(target)}")
    limit = "limits: [{metric: bias.group-rates/impact-ratio, at_least: 0.5}]\n"
    (folder / "audit.yaml").write_text(text + limit, "utf-8")


def _sticking(fault: Fault, *, after: int) -> endpoints.Fault:
    """The fault at the ask that is made after so many others, each time that it is made."""
    stuck: list[dict[str, Any]] = []

    def plant(handler: Handler, body: dict[str, Any], number: int) -> bool:
        if number == after:
            stuck.append(body)
        if body not in stuck:
            return False
        fault.served(handler, body)
        return True

    return plant


def _last(fault: Fault) -> endpoints.Fault:
    """The fault at the first ask, when that is sent once more after others; a handshake sends it three times.

    Of rows at all that is sent after the five packs.
    """

    def plant(handler: Handler, body: dict[str, Any], number: int) -> bool:
        again = number >= 5 if isinstance(handler, Scored) else body == handler.served.asked[0] and number >= 7
        if not again:
            return False
        fault.served(handler, body)
        return True

    return plant


def _swapped(handler: Handler, body: dict[str, Any], number: int) -> bool:
    """After twelve answers, or three of many rows, another model answers."""
    if number == (3 if isinstance(handler, Scored) else 12):
        name = "mirror" if isinstance(handler, Scored) else handler.served.model.name
        handler.served.model = Model(name=name, salt="another")
        handler.served.states = "another"
    return False


def audited(folder: Path) -> tuple[Ended, set[str], str]:
    """How the audit ended, its verdicts, and all that it says of errors."""
    ended = entered(folder, "audit", "audit.yaml", "--out", "run")
    findings = folder / "run" / "findings.json"
    if not findings.exists():
        return ended, set(), ended.err
    record = Record.open(folder / "run")
    whys = [str(result.why) for result in record.results] + [str(each.answer.error) for each in record.observations()]
    return ended, {each["verdict"] for each in json.loads(findings.read_text("utf-8"))}, "\n".join(whys)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sound_server_has_no_error(tmp_path: Path, ground: Path, kind: str) -> None:
    """What ends in another way below is the doing of one fault."""
    with audited_by(kind, ground, tmp_path, None):
        ended, verdicts, _ = audited(tmp_path)

    assert SOUND[kind] == ended.code, ended.err
    assert ("PASS" in verdicts) == (ended.code == 0)
    assert "ERROR" not in verdicts


MATRIX = [
    (kind, name) for kind in KINDS for name in FAULTS if not (kind == "oip gRPC" and ("wait" in name or "drip" in name))
]


@pytest.mark.parametrize(("kind", "name"), MATRIX)
def test_a_fault_is_an_error_and_never_a_pass(tmp_path: Path, ground: Path, kind: str, name: str) -> None:
    """One ask is never answered well: the finding is ERROR and says why, the record is sealed, and the code is 4.

    What was not answered at all the same command asks again; what was answered badly is an answer.
    """
    fault = FAULTS[name]
    with audited_by(kind, ground, tmp_path, fault) as served:
        ended, verdicts, said = audited(tmp_path)
        sealed = Record(tmp_path / "run").sealed
        served.fault = None
        again, _, _ = audited(tmp_path)

    unanswered = name not in ("wrong shape", "fewer answers", "NaN") or (kind.startswith("oip") and name != "NaN")
    assert (SOUND[kind] if unanswered or kind == "oip HTTP" else 4) == again.code, again.err
    assert ("the same command asks what was not answered" in ended.out) == unanswered or kind == "oip HTTP"
    assert sealed
    assert 4 == ended.code, ended.err
    assert {"ERROR"} == verdicts - {"NOT_APPLICABLE"}
    assert re.search(fault.why, said), said
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("kind", KINDS)
def test_a_connection_that_is_reset_ends_the_run_and_the_same_command_resumes_it(
    tmp_path: Path, ground: Path, kind: str
) -> None:
    """Exit 4 and no verdict; once the server answers again, it ends as if nothing had been."""
    with audited_by(kind, ground, tmp_path, RESET) as served:
        ended, verdicts, said = audited(tmp_path)
        served.fault = None
        again, passed, _ = audited(tmp_path)

    assert 4 == ended.code
    assert set() == verdicts
    assert re.search(RESET.why, said), said
    assert "the same command asks what was not answered" in said
    assert SOUND[kind] == again.code, again.err
    assert "ERROR" not in passed


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_restarts_with_another_model_leaves_no_verdict(tmp_path: Path, ground: Path, kind: str) -> None:
    """In the middle of the asking: exit 4, nothing sealed, and its answers are dropped."""
    with audited_by(kind, ground, tmp_path, None, swaps=True):
        ended, verdicts, _ = audited(tmp_path)

    assert 4 == ended.code, ended.out
    assert set() == verdicts
    assert not Record(tmp_path / "run").sealed
    assert not Record(tmp_path / "run").journal.exists()
    assert "Traceback" not in ended.err


BROKEN: Mapping[str, Fault] = {
    "a page": Fault(served=lambda handler, body: handler.send_text("<html>maintenance</html>"), oip="html", why=""),
    "400": Fault(served=lambda handler, body: handler.send_json({"error": {"message": "bad"}}, 400), oip="400", why=""),
    "malformed JSON": FAULTS["malformed JSON"],
    "500": FAULTS["500"],
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_reply_in_the_end_is_not_another_model_and_the_same_command_resumes(
    tmp_path: Path, ground: Path, kind: str, name: str
) -> None:
    """Exit 4 and no verdict, and all that was answered is kept; then it ends as if nothing had been."""
    with audited_by(kind, ground, tmp_path, BROKEN[name], last=True) as served:
        ended, verdicts, said = audited(tmp_path)
        journal = (tmp_path / "run" / "journal.jsonl").read_bytes()
        answered = len(served.asked)
        served.fault = None
        again, passed, _ = audited(tmp_path)
        more = len(served.asked) - answered

    assert 4 == ended.code, ended.out
    assert set() == verdicts
    assert "were dropped" not in said
    assert 1 == len([line for line in said.splitlines() if line.startswith("error: ")])
    assert journal.count(b'"answer"') >= 1
    assert SOUND[kind] == again.code, again.err
    assert "ERROR" not in passed
    assert more <= 7 + 1 + 2 * 64 + 4  # a handshake, the last greeting, and the questions that are asked again


#: How a server may write what it was sent into its own JSON: the value of the header, and what it writes.
REPEATS: Mapping[str, Callable[[str], str]] = {
    "as it is": lambda sent: json.dumps(sent)[1:-1],
    "slashes escaped": lambda sent: json.dumps(sent)[1:-1].replace("/", "\\/"),
    "all escaped": lambda sent: "".join(f"\\u{ord(letter):04x}" for letter in sent),
    "JSON in JSON": lambda sent: json.dumps(json.dumps({"got": sent}).replace("/", "\\/"))[1:-1],
    "behind the scheme": lambda sent: json.dumps(sent.partition(" ")[2])[1:-1].replace("<", "\\u003c"),
    "as an address": lambda sent: urllib.parse.quote(sent, safe=""),
    "as HTML": lambda sent: json.dumps(html.escape(sent))[1:-1],
    "base64": lambda sent: base64.b64encode(f"X-Auth: {sent}".encode()).decode(),
}
KEY = 'sk-Ab/9<x>"k&+d3'


@pytest.mark.parametrize("way", REPEATS)
@pytest.mark.parametrize("kind", KINDS)
def test_no_way_of_repeating_a_secret_brings_it_into_a_record(
    tmp_path: Path, ground: Path, kind: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal of one ask repeats a header: it is blanked in errors, journal, evidence and documents."""
    monkeypatch.setenv("TEAM_AUTH", f"ApiKey {KEY}")

    def mirror(handler: Handler, body: dict[str, Any]) -> None:
        sent = REPEATS[way](handler.headers["X-Auth"])
        handler.send_text(f'{{"error": {{"message": "no right to ask: {sent}"}}}}', 400)

    fault = Fault(served=mirror, oip="repeats", why="")
    with audited_by(kind, ground, tmp_path, fault, keys={"headers": {"X-Auth": "env:TEAM_AUTH"}}) as served:
        served.repeats = REPEATS[way]
        ended, _, said = audited(tmp_path)

    assert 4 == ended.code, ended.err
    assert "no right to ask: " in said
    assert "[secret]" in said
    record = Record(tmp_path / "run")
    written = [file.read_text("utf-8", "replace") for file in (tmp_path / "run").rglob("*") if file.is_file()]
    for text in (*written, "".join(map(str, record.observations())), said, ended.out + ended.err):
        for form in (KEY, *(repeat(f"ApiKey {KEY}") for repeat in REPEATS.values())):
            assert form not in text
        assert "9<x>" not in html.unescape(text.replace("\\u003c", "<"))


@pytest.mark.parametrize("kind", ["oip HTTP", "oip gRPC", "http"])
def test_a_server_that_comes_back_as_another_model_does_not_take_the_run_up(
    tmp_path: Path, ground: Path, kind: str
) -> None:
    """One probe was answered when the connection broke; what states no version gives itself away by its answers."""
    with audited_by(kind, ground, tmp_path, RESET) as served:
        plan = tmp_path / "audit.yaml"
        suites = "suites: {bias.group-rates: {sample: 100}, bias.calibration: {}}"
        plan.write_text(plan.read_text("utf-8").replace("suites: {bias.group-rates: {}}", suites), "utf-8")
        lost, _, _ = audited(tmp_path)
        recorded = (tmp_path / "run" / "journal.jsonl").read_bytes()
        served.fault = None
        if kind == "http":
            served.model = Model(name="mirror")
        else:
            served.model = _turned(served.model)
        again, verdicts, said = audited(tmp_path)

    assert (4, 4) == (lost.code, again.code)
    assert b"bias.group-rates" in recorded
    assert set() == verdicts
    assert "this is another system (of one that" in said
    assert "samples: true says so); what was recorded is kept" in said
    kept = (tmp_path / "run" / "journal.jsonl").read_bytes()
    assert kept.startswith(recorded)
    assert all(b'"window":"again:' in line for line in kept.removeprefix(recorded).splitlines())
    assert not Record(tmp_path / "run").sealed


@pytest.mark.parametrize("kind", ["openai chat", "openai completions"])
def test_a_server_that_comes_back_under_another_name_ends_with_4_until_it_is_the_same_again(
    tmp_path: Path, ground: Path, kind: str
) -> None:
    """It says what differs, keeps what was recorded, and asks no question of the audit."""
    with audited_by(kind, ground, tmp_path, RESET) as served:
        lost, _, _ = audited(tmp_path)
        served.fault, served.states = None, "another"
        again, verdicts, said = audited(tmp_path)
        served.states = ""
        passed, _, _ = audited(tmp_path)

    assert (4, 4, SOUND[kind]) == (lost.code, again.code, passed.code)
    assert set() == verdicts
    assert "was begun with another target, and cannot be resumed with this one" in said
    assert "identity.stated.model was 'tiny', and is 'another'" in said
    assert 1 == len(said.strip().splitlines())


def _turned(model: Any) -> Any:
    """A model that decides the other way round."""
    turned = copy.deepcopy(model)
    turned.coef_ = -turned.coef_
    return turned


def test_a_slow_drip_over_grpc_is_never_a_pass(tmp_path: Path, ground: Path) -> None:
    """Behind a relay that hands on the first answers, and then a byte at a time: no answer in time, exit 4."""
    with audited_by("oip gRPC", ground, tmp_path, None) as served, dripping(served.grpc_url, after=1500) as url:
        plan = tmp_path / "audit.yaml"
        text = plan.read_text("utf-8").replace(served.grpc_url, url).replace(f'"timeout": {LONG}', '"timeout": 1.0')
        plan.write_text(text, "utf-8")
        ended, verdicts, said = audited(tmp_path)

    assert 4 == ended.code
    assert "PASS" not in verdicts
    assert "asked 2 times, the server answered DEADLINE_EXCEEDED" in said


@contextmanager
def dripping(url: str, *, after: int) -> Iterator[str]:
    """A relay before a server: what the server says beyond ``after`` bytes comes in drops."""
    host, port = url.removeprefix("http://").split(":")
    listening = socket.create_server(("127.0.0.1", 0))
    sockets = [listening]

    def pump(one: socket.socket, other: socket.socket, swift: float) -> None:
        try:
            while data := one.recv(65536 if swift > 0 else 1):
                swift -= len(data)
                time.sleep(0.0 if swift > 0 else 0.05)
                other.sendall(data)
        except OSError:
            pass  # one of the two has hung up

    def accept() -> None:
        try:
            while True:
                client, _ = listening.accept()
                server = socket.create_connection((host, int(port)))
                sockets.extend((client, server))
                threading.Thread(target=pump, args=(client, server, math.inf), daemon=True).start()
                threading.Thread(target=pump, args=(server, client, after), daemon=True).start()
        except OSError:
            pass  # closed below

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        for each in sockets:
            with closing(each):
                each.close()
