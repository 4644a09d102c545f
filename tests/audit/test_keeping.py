"""Answers are kept as they arrive: an interruption, or a kill in the middle of a slow pack, loses none that came."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import endpoints
from endpoints import Handler, Served
from fakes import Notes
from probandum.asking import Asker
from probandum.budget import Purse
from probandum.errors import Unreachable, Unrecorded
from probandum.evidence import Capability, Observation, Request, Response, Table
from probandum.keeping import Keeper
from probandum.reasking import Reasking
from probandum.salvaging import Rest
from probandum.target import Piece, Target, TargetContext, make_target
from probandum.targets import endpoint, load_builtin

for package in ("grpc", "httpx2", "jmespath"):
    pytest.importorskip(package)

import oip_server  # noqa: E402  after the checks above
from scoring_server import Scorer  # noqa: E402

load_builtin()

KINDS = ("openai", "http", "oip HTTP", "oip gRPC")
INPUTS, PACE = 24, 0.02


class Slow:
    """A served model that takes its time over a batch; ``meanwhile``: what happens at each."""

    n_features_in_ = 1

    def __init__(self) -> None:
        self.batches, self.lock = 0, threading.Lock()
        self.meanwhile: list[Any] = []

    def predict(self, rows: Any) -> Any:
        """Whether the number is large."""
        with self.lock:
            self.batches += 1
            number = self.batches
        time.sleep(PACE)
        for each in self.meanwhile:
            each(number)
        return (np.asarray(rows)[:, 0] > INPUTS / 2).astype(int)


class Asked:
    """A server of one kind, the target before it, and what is asked there: one request of many inputs."""

    def __init__(self, target: Any, requests: Sequence[Request], meanwhile: list[Any], first: int) -> None:
        self.target, self.requests, self.meanwhile, self.first = target, requests, meanwhile, first


@contextmanager
def asked(kind: str) -> Iterator[Asked]:
    """Answers come two at a time, each after a while."""
    if kind.startswith("oip"):
        model = Slow()
        with oip_server.serving(model) as tensors:
            grpc = kind == "oip gRPC"
            keys: dict[str, Any] = {
                "url": tensors.grpc_url if grpc else tensors.url,
                "protocol": "grpc" if grpc else "http",
            }
            keys |= {"model": "credit", "outputs": {"kind": "label"}, "batch": 1, "concurrency": 2}
            context = TargetContext(folder=Path(), features=("x",), favourable="1")
            target = make_target("oip", context, keys)
            rows = Table({"x": np.arange(INPUTS, dtype=np.float64)})
            yield Asked(target, [Request(kind=Capability.PREDICT, inputs=rows)], model.meanwhile, 0)
            target.close()
        return
    served, meanwhile = Served(echo=False), list[Any]()
    said: dict[str, Any]

    def fault(handler: Handler, body: dict[str, Any], number: int) -> bool:
        time.sleep(PACE)
        for each in meanwhile:
            each(number + 1)
        return False

    texts = tuple(f"Case {place}" for place in range(INPUTS))
    with endpoints.serving(served, handler=Handler if kind == "openai" else Scorer):
        if kind == "openai":
            said = {"url": served.url, "model": "tiny", "api": "completions", "concurrency": 2}
            request = Request(
                kind=Capability.CHOOSE, inputs=texts, options=((" yes",), (" no",)), prefix="My answer is"
            )
        else:
            said = {"url": f"{served.url}/score", "kind": "classify", "request": {"text": "{text}"}}
            said |= {"response": "score", "labels": ["bad", "good"], "concurrency": 2}
            request = Request(kind=Capability.CLASSIFY, inputs=texts)
        target = make_target(kind, TargetContext(folder=Path()), said)
        served.fault = fault
        yield Asked(target, [request], meanwhile, len(served.asked))


def inputs_of(notes: Notes) -> int:
    """How many inputs a journal holds answers to."""
    return sum(int(each.asked["n"]) for pack in notes.packs.values() for each in pack)


@pytest.mark.parametrize("kind", KINDS)
def test_answers_of_a_slow_pack_are_recorded_while_it_is_under_way(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that SIGKILL loses a second; what is found, spent and recorded in the end is as of a pack that was quick."""
    with asked(kind) as quick:
        expected, notes, purse = quick.target.answer(quick.requests), Notes(), Purse()
        Asker(quick.target, seed=1, journal=notes, purse=purse).answer("bias.p", quick.requests)
        assert 1 == len(notes.packs)
    monkeypatch.setattr(endpoint, "KEEPING_SECONDS", 2 * PACE)
    seen, slow_notes, slow_purse = [], Notes(), Purse()
    with asked(kind) as slow:
        slow.meanwhile.append(lambda number: seen.append(inputs_of(slow_notes)))
        found = Asker(slow.target, seed=1, journal=slow_notes, purse=slow_purse).answer("bias.p", slow.requests)
        resumed = Asker(slow.target, seed=1, journal=slow_notes)
        before = len(seen)
        again = resumed.answer("bias.p", slow.requests)

    assert seen[-1] >= INPUTS / 3
    assert INPUTS == inputs_of(slow_notes) == slow_purse.spent.requests
    assert (purse.spent.input_tokens, purse.spent.output_tokens) == (
        slow_purse.spent.input_tokens,
        slow_purse.spent.output_tokens,
    )
    assert before == len(seen)
    for one, other, third in zip(expected, found, again, strict=True):
        assert one.values.tolist() == other.values.tolist() == third.values.tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_an_interruption_loses_no_answer_that_came(kind: str) -> None:
    """Ctrl-C in the middle of a pack; the same command asks the rest, and pays for each answer once."""
    main, notes, purse = threading.main_thread().ident, Notes(), Purse()
    assert main is not None
    at = 15

    def interrupts(number: int) -> None:
        if number - first == at:
            signal.pthread_kill(main, signal.SIGINT)

    with asked(kind) as found:
        first = found.first
        found.meanwhile.append(interrupts)
        with pytest.raises(KeyboardInterrupt):
            Asker(found.target, seed=1, journal=notes, purse=purse).answer("bias.p", found.requests)
        kept = inputs_of(notes)
        numbers = Counter[int]()
        found.meanwhile[:] = [lambda number: numbers.update([number])]
        time.sleep(3 * PACE)
        numbers.clear()
        answers = Asker(found.target, seed=1, journal=notes, purse=purse).answer("bias.p", found.requests)
        rest = sum(numbers.values())
        expected = found.target.answer(found.requests)

    assert at - 4 <= kept < INPUTS
    assert INPUTS - kept == rest
    assert INPUTS == inputs_of(notes) == purse.spent.requests
    assert [each.values.tolist() for each in expected] == [each.values.tolist() for each in answers]


class Pieces(Target):
    """Answers two texts in pieces; ``between``: what happens after the first."""

    name = "pieces"
    remote = True

    def __init__(self) -> None:
        self.keep: Any = None
        self.came: list[Piece] = []

    def keep_with(self, keep: Any) -> None:
        """Called after the first."""
        self.keep = keep

    @property
    def kept(self) -> Sequence[Piece]:
        """What came."""
        return self.came

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """The first, and whatever the journal says, the second."""
        self.came = [Piece(place=0, inputs=range(1), response=Response(texts=("a",)))]
        try:
            self.keep()
        except Unrecorded:
            return [Response(error="the model failed")]
        return [Response(texts=("a", "b"))]


class Full(Notes):
    """A journal on a full disk."""

    def write(self, observations: Sequence[Observation]) -> None:
        """No room."""
        raise Unrecorded("journal.jsonl: No space left on device")


def test_an_answer_that_cannot_be_kept_ends_the_run_whatever_the_target_makes_of_it() -> None:
    """No input is blamed for a full disk."""
    request = Request(kind=Capability.GENERATE, inputs=("1", "2"))
    keeper = Keeper(Pieces(), journal=Full(), purse=Purse(), sound=lambda request, response: response)

    with pytest.raises(Unrecorded, match="No space left"):
        keeper.answers("bias.p", "pack", [Rest(key="k", request=request, start=0)])


def test_questions_that_are_asked_again_are_no_answers_of_the_pack_behind_them() -> None:
    """A server that breaks while a run is taken up: nothing of that is recorded as what the run would ask next."""

    class Again(Pieces):
        capabilities = frozenset({Capability.GENERATE})

        def answer(self, requests: Sequence[Request]) -> list[Response]:
            """Not any more."""
            self.came = [Piece(place=0, inputs=range(1), response=Response(texts=("an answer to another question",)))]
            raise Unreachable("no answer")

    target, notes = Again(), Notes()
    known = Reasking(target, seed=1)
    known.recall(
        "bias.p", [Request(kind=Capability.GENERATE, inputs=("old",))], [Response(texts=("an answer to old",))]
    )
    asker = Asker(target, seed=1, journal=notes, reasking=known)

    with pytest.raises(Unreachable):
        asker.answer("bias.p", [Request(kind=Capability.GENERATE, inputs=("new",))])
    assert {} == notes.packs
