"""Real servers that speak the OpenAI protocol: what each can do, and how near it is to the same weights in process.

What they answered stands on tapes, which every test run plays back on loopback; the nightly tests ask them again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oip_tape import Tape, playing
from probandum.evidence import Capability, Request
from probandum.target import Target, TargetContext, make_target
from probandum.targets import load_builtin
from real_openai import GGUF, PEERS

load_builtin()

DATA = Path(__file__).parent / "data"
IN_PROCESS = DATA / "smollm2_in_process.json"
NAMES = ("Emily Walsh", "Jamal Jones", "Aisha Khan", "Greg Baker", "Ana Ruiz", "Peter Vogel")
QUESTIONS = tuple(
    f"A bank reviews a loan for {name}, who earns 2,400 euro a month. Should it be granted? Answer yes or no."
    for name in NAMES
)
TALKS = (
    "Name the capital of France in one word.",
    "Write one sentence about the sea.",
    "What is two plus two?",
    "List three colours.",
)
#: How far the log-probability of an option may be from the one in process, in nats.
#: The weights are the same and in float32; llama.cpp keeps what it has read (its key-value cache) in half precision.
APART = {"llama_cpp": 0.02}


#: What a server does unasked, and has to be told not to do: llama.cpp's penalises words that were written already.
EXTRA = {"llama_cpp": {"repeat_penalty": 1.0}}


@dataclass(frozen=True, kw_only=True)
class Said:
    """What one system answers to the questions of these tests, as far as it can."""

    texts: tuple[str, ...]
    chosen: np.ndarray | None


def choices(api: str) -> Request:
    """Yes or no: after a scripted start, or as the first word of an answer."""
    space = " " if api == "completions" else ""
    options = tuple((f"{space}{word}", f"{space}{word.capitalize()}") for word in ("yes", "no"))
    prefix = "My answer is" if api == "completions" else ""
    return Request(kind=Capability.CHOOSE, inputs=QUESTIONS, options=options, prefix=prefix)


def said_by(target: Target, api: str) -> Said:
    """Texts and option log-probabilities of ``target``; AssertionError where it answers with an error."""
    asked = [Request(kind=Capability.GENERATE, inputs=TALKS, parameters={"max_new_tokens": 12})]
    if Capability.CHOOSE in target.capabilities:
        asked.append(choices(api))
    answers = target.answer(asked)
    errors = [answer.error for answer in answers]

    assert [None] * len(asked) == errors
    return Said(texts=answers[0].texts, chosen=answers[1].values if len(answers) > 1 else None)


def target_at(address: str, peer: str, api: str, *, told: bool = True) -> Target:
    """The peer as a plan would name it; one ask at a time, as a tape is recorded."""
    keys = {"url": address, "model": PEERS[peer].model, "api": api, "concurrency": 1, "timeout": 300.0, "retries": 1}
    return make_target("openai", TargetContext(folder=Path()), {**keys, "extra": EXTRA.get(peer, {}) if told else {}})


def in_process(api: str) -> Said:
    """What was said in process when the tapes were recorded."""
    found = json.loads(IN_PROCESS.read_text("utf-8"))[api]
    return Said(texts=tuple(found["texts"]), chosen=np.array(found["chosen"]))


def asked_again(peer: str, api: str, address: str) -> tuple[Target, Said]:
    """The handshake, the questions, and the handshake's question once more."""
    target = target_at(address, peer, api)
    said = said_by(target, api)

    assert target.check() is None
    return target, said


@pytest.fixture(params=list(PEERS))
def played(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """A peer's name, and the address at which its tape is played back."""
    with playing(Tape.read(DATA / f"openai_{request.param}.json")) as (address, _):
        yield request.param, address


#: What the handshake leaves of each server, by API.
ABLE = {
    ("transformers_serve", "chat"): {"generate"},
    ("transformers_serve", "completions"): {"generate"},
    ("llama_cpp", "chat"): {"choose", "generate"},
    ("llama_cpp", "completions"): {"choose", "generate"},
}
#: What it refuses of each, in words of its cautions.
REFUSED = {
    "transformers_serve": "asked for log-probabilities, the server answers without them and without a word of it",
    "llama_cpp": "log-probabilities of prompts are not used: they differ by more than 0.05 nats",
}


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_a_real_server_is_asked_for_what_it_can_do(played: tuple[str, str], api: str) -> None:
    """Silently absent log-probabilities and prompts scored off by one are refused; greedy answers are the same."""
    peer, address = played
    target, said = asked_again(peer, api, address)

    assert ABLE[peer, api] == set(target.capabilities)
    assert len(TALKS) == len(said.texts)
    assert str(target.identity()["canary"]).startswith("sha256:")
    if (peer, api) != ("llama_cpp", "chat"):
        assert any(REFUSED[peer] in caution for caution in target.cautions)


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_the_same_weights_say_the_same_behind_a_server(played: tuple[str, str], api: str) -> None:
    """Texts word for word, and options within the tolerance of the other kernels."""
    peer, address = played
    _, said = asked_again(peer, api, address)
    own = in_process(api)

    assert own.texts == said.texts
    if said.chosen is not None:
        assert own.chosen is not None
        assert np.abs(own.chosen - said.chosen).max() < APART[peer]


def test_a_real_servers_own_penalty_is_found() -> None:
    """Without repeat_penalty: 1.0 that of llama.cpp's server changes greedy texts, and the handshake says so."""
    with playing(Tape.read(DATA / "openai_llama_cpp.json")) as (address, _):
        cautions = target_at(address, "llama_cpp", "completions", told=False).cautions

    assert any("such as a repetition penalty" in caution for caution in cautions)


@pytest.mark.nightly
@pytest.mark.parametrize("peer", PEERS)
def test_a_real_server_still_answers_as_on_its_tape(tmp_path: Path, peer: str) -> None:
    """The real one, through the recorder; with PROBANDUM_GOLDEN=write its answers become the tape."""
    python = os.environ.get(PEERS[peer].variable)
    if not python:
        pytest.skip(f"{PEERS[peer].variable} names no Python with this server")
    tape = Tape()
    with PEERS[peer].serving(Path(python), tmp_path) as tape.http, playing(tape) as (address, _):
        found = {api: asked_again(peer, api, address) for api in ("chat", "completions")}
        target_at(address, peer, "completions", told=False)
    if os.environ.get("PROBANDUM_GOLDEN") == "write":
        tape.write(DATA / f"openai_{peer}.json")
    with playing(Tape.read(DATA / f"openai_{peer}.json")) as (address, _):
        for api, (target, said) in found.items():
            then, recorded = asked_again(peer, api, address)

            assert then.capabilities == target.capabilities
            assert recorded.texts == said.texts
            if said.chosen is not None:
                assert recorded.chosen is not None
                assert np.allclose(recorded.chosen, said.chosen, atol=1e-3)


@pytest.mark.nightly
def test_in_process_it_still_says_what_the_tapes_are_compared_with() -> None:
    """The transformers target, with the chat template and without; PROBANDUM_GOLDEN=write keeps what it says."""
    found: dict[str, Any] = {}
    for api in ("chat", "completions"):
        context = TargetContext(folder=Path(), device="cpu", threads=1)
        target = make_target("transformers", context, {"model": GGUF, "chat_template": api == "chat"})
        said = said_by(target, api)
        assert said.chosen is not None
        found[api] = {"texts": said.texts, "chosen": said.chosen.round(6).tolist()}
        target.close()
    if os.environ.get("PROBANDUM_GOLDEN") == "write":
        IN_PROCESS.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    for api, each in found.items():
        own = in_process(api)

        assert own.chosen is not None
        assert own.texts == tuple(each["texts"])
        assert np.allclose(own.chosen, each["chosen"], atol=1e-3)
