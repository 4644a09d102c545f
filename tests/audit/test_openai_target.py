"""The openai target over real loopback servers: what it asks, what it refuses, and what faults come to."""

from __future__ import annotations

import base64
import json
import math
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

import endpoints
from commands import Ended, entered
from endpoints import Fault, Handler, Model, Served, cut, drip, hang, serving, unplugged
from paths import ROOT
from probandum import codec
from probandum.asking import Asker
from probandum.budget import Spent
from probandum.errors import TargetError, UsageError
from probandum.evidence import Capability, Observation, Request
from probandum.journal import RunJournal, journal_entries
from probandum.reasking import asked_again, asked_on_resuming
from probandum.record import Record
from probandum.target import TargetContext, make_target
from probandum.targets import endpoint, load_builtin
from probandum.targets.openai import OpenAITarget

load_builtin()

YES_NO = ((" yes", " Yes"), (" no", " No"))
NAMES = ("Ann", "Bea", "Cleo", "Dana", "Alan", "Bert", "Carl", "Dan")


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries wait a hundredth of a second."""
    monkeypatch.setattr(endpoint, "BACKOFF_SECONDS", 0.01)


def made(served: Served, **options: Any) -> OpenAITarget:
    """The target as a plan would make it."""
    keys = {"url": served.url, "model": "tiny", "api": "completions", **options}
    target = make_target("openai", TargetContext(folder=Path()), keys)
    assert isinstance(target, OpenAITarget)
    return target


def choose(*prompts: str, options: Any = YES_NO, **more: Any) -> Request:
    """Which option, after a scripted start."""
    return Request(kind=Capability.CHOOSE, inputs=prompts, options=options, prefix="My answer is", **more)


def write(*prompts: str, **parameters: Any) -> Request:
    """A text."""
    return Request(kind=Capability.GENERATE, inputs=prompts, parameters=parameters)


def plan_of(folder: Path, served_url: str, *, scenarios: int = 2, names: int = 8, **options: Any) -> Path:
    """A small audit of name swaps: two scenarios, four names a group, and a limit."""
    folder.mkdir(parents=True, exist_ok=True)
    told = [
        f"  - {{id: s-{place}, domain: hiring, favourable: 'yes', unfavourable: 'no', "
        f"text: 'Case {place} is about {{name}}. Invite {{name}}? Answer {{first}} or {{second}}.'}}"
        for place in range(scenarios)
    ]
    (folder / "scenarios.yaml").write_text("\n".join(["scenarios:", *told]) + "\n", "utf-8")
    people = [
        f"{name}{place // 8 or ''},{'women' if place % 8 < 4 else 'men'}"
        for place, name in enumerate(NAMES * (names // 8))
    ]
    (folder / "names.csv").write_text("\n".join(["name,group", *people]) + "\n", "utf-8")
    keys = {"type": "openai", "url": served_url, "model": "tiny", "api": "completions", **options}
    (folder / "audit.yaml").write_text(
        "version: 1\n"
        'system: {name: Assistant, version: "1"}\n'
        f"target: {json.dumps(keys)}\n"
        "suites: {bias.name-swap: {scenarios: scenarios.yaml, names: names.csv, reference: men}}\n"
        "limits: [{metric: bias.name-swap/log-odds-difference, band: 0.5}]\n"
        "energy: {codecarbon: false, meter: none}\n",
        "utf-8",
    )
    return folder / "audit.yaml"


def audited(folder: Path, served: Served, **options: Any) -> Ended:
    """The small audit from the command line."""
    plan = plan_of(folder, served.url, **options)
    return entered(folder, "audit", plan, "--out", "run")


def verdicts(folder: Path) -> set[str]:
    """What the findings of a record say."""
    found = json.loads((folder / "run" / "findings.json").read_text("utf-8"))
    return {each["verdict"] for each in found}


# What is asked.


@pytest.mark.parametrize("api", ["chat", "completions"])
def test_every_sampling_parameter_is_sent_with_every_ask(api: str) -> None:
    """No server fills in a default of its own, in the handshake and after it."""
    with serving() as served:
        target = made(served, api=api, extra={"top_k": -1})
        target.answer([write("Is it?", max_new_tokens=2), choose("Is it?")])

    for body in served.asked:
        assert {"temperature", "top_p", "max_tokens", "seed", "top_k", "stream"} <= body.keys()


def test_a_sampled_text_depends_on_the_request_alone() -> None:
    """Each input and each repeat has a seed of its own, and the same ask the same text."""
    with serving() as served:
        target = made(served, seed=3)
        first, again = target.answer([write("One", "Two", temperature=1.0)] * 2)
        served.asked.clear()
        target.answer(
            [
                write("One", "Two", temperature=1.0),
                Request(kind=Capability.GENERATE, inputs=("One",), repeat=1, parameters={"temperature": 1.0}),
            ]
        )

    assert first.texts == again.texts
    assert 3 == len({body["seed"] for body in served.asked})


def test_answers_come_in_order_whatever_is_answered_first() -> None:
    """Eight asks at a time at most, of which later ones are answered earlier, stand in their places."""
    with serving(Served(slow_seconds=0.005)) as served:
        target = made(served, concurrency=8)
        together = target.answer([choose(*(f"Question {n}?" for n in range(40)))])
        alone = [target.answer([choose(f"Question {n}?")])[0].values[0].tolist() for n in range(40)]

    assert alone == together[0].values.tolist()
    assert 2 <= served.most_at_once <= 8


def test_tokens_are_counted_as_the_server_says() -> None:
    """So that a budget of tokens counts; where the server does not say, they are not known."""
    with serving() as served, serving(Served(usage=False)) as silent:
        counted, unknown = (made(each).answer([write("Is it?", max_new_tokens=4)])[0] for each in (served, silent))

    assert (3, 4) == (counted.input_tokens, counted.output_tokens)
    assert (None, None) == (unknown.input_tokens, unknown.output_tokens)
    assert not Spent.on([(1, unknown)], seconds=1.0).counted


# What the handshake finds.


@pytest.mark.parametrize(
    ("served", "api", "able"),
    [
        (Served(), "completions", "choose generate score"),
        (Served(), "chat", "choose generate"),
        (Served(most_top=5), "completions", "choose generate score"),
        (Served(echo=False), "completions", "choose generate"),
        (Served(shift=1), "completions", "choose generate"),
        (Served(logprobs=False), "completions", "generate"),
        (Served(logprobs=False), "chat", "generate"),
        (Served(sampled=True), "completions", "generate"),
        (Served(needs="max_completion_tokens"), "chat", "choose generate"),
    ],
)
def test_a_server_earns_its_capabilities(served: Served, api: str, able: str) -> None:
    """What it was not seen to do right, it cannot be asked; each has its reason."""
    with serving(served):
        target = made(served, api=api)

    assert able.split() == sorted(target.capabilities)
    assert {"choose", "generate", "score"} == {*target.capabilities, *target.why_not}
    assert all(target.why_not.values())


def test_prompts_scored_off_by_one_are_refused_with_the_reason() -> None:
    """The common server's fault is found, and documents print it."""
    with serving(Served(shift=1)) as served:
        target = made(served)

    assert any("log-probabilities of prompts are not used: they differ by more than 0.05" in c for c in target.cautions)


def test_the_reason_stands_beside_a_probe_that_could_not_ask(tmp_path: Path) -> None:
    """A probe that needs choices is not applicable, because the server sends no log-probabilities."""
    with serving(Served(logprobs=False)) as served:
        ended = audited(tmp_path, served)
        (result,) = Record(tmp_path / "run").results

    assert 4 != ended.code
    assert "not_applicable" == result.status
    assert "answers generate: asked for log-probabilities, the server answers without them" in str(result.why)


def test_a_replayed_record_gives_the_same_reasons(tmp_path: Path) -> None:
    """What the server could not do, its record cannot either, and for the same reason."""
    with serving(Served(shift=1)) as served:
        audited(tmp_path, served)
        target = made(served)
    replayed = make_target("replay", TargetContext(folder=tmp_path), {"record": "run"})

    assert target.capabilities == replayed.capabilities
    assert dict(target.why_not) == dict(replayed.why_not)


def test_a_penalty_that_nobody_asked_for_is_found() -> None:
    """A greedy answer of other tokens than the most probable ones is said, with the keys that set it right."""
    with serving(Served(penalty=3.0)) as served, serving() as plain:
        told, quiet = (any("repeat_penalty: 1.0" in c for c in made(each).cautions) for each in (served, plain))

    assert told
    assert not quiet


def test_a_server_that_wanders_is_said_to() -> None:
    """Greedy answers that differ leave no canary, and a caution."""
    with serving(Served(drift=True)) as served:
        target = made(served)

    assert target.identity()["canary"] is None
    assert any("answered the same greedy request differently" in caution for caution in target.cautions)


def test_a_server_that_takes_no_greedy_request_still_writes() -> None:
    """Its texts are sampled as the plan says, and nothing rests on their being the same."""
    with serving(Served(needs="temperature")) as served:
        target = made(served, api="chat", temperature=1.0)
        (answer,) = target.answer([write("Is it?")])

        assert target.check() is None
    assert answer.error is None
    assert {"generate"} == set(target.capabilities)
    assert {1.0} == {body["temperature"] for body in served.asked[1:]}


def test_a_closed_list_of_tokens_says_what_it_leaves_open() -> None:
    """Two options that five listed tokens do not hold are open, and the answer is an error that names the input."""
    likes = dict.fromkeys((" the", " a", " one", " two", " three"), 4.0)
    with serving(Served(most_top=5, echo=False, model=Model(likes=likes))) as served:
        (answer,) = made(served).answer([choose("Is it?", keys=("s-1/Ann",))])

    assert "s-1/Ann: the 5 most probable tokens leave the option ' yes' open" in str(answer.error)


def test_an_open_list_is_closed_by_echoed_prompts() -> None:
    """The same options are scored exactly where the server scores prompts rightly; both ways' tokens are counted."""
    model = Model(likes=dict.fromkeys((" the", " a", " one", " two", " three"), 4.0))
    with serving(Served(most_top=5, model=model)) as served:
        (answer,) = made(served).answer([choose("Is it?")])

    before = tuple(endpoints.tokens_of("Is it?\nMy answer is"))
    likely = model.log_probabilities(before)
    expected = [math.log(sum(math.exp(likely[word]) for word in variants)) for variants in YES_NO]
    assert expected == pytest.approx(answer.values[0].tolist(), abs=1e-9)
    assert 1 + 4 == answer.output_tokens


def test_a_scored_text_is_the_sum_of_its_tokens() -> None:
    """In nats, of every token after the prompt."""
    with serving() as served:
        (answer,) = made(served).answer(
            [Request(kind=Capability.SCORE, inputs=("One",), continuations=(" two three",))]
        )

    tokens = ("One", " two", " three")
    assert sum(served.model.score(tokens, place) for place in (1, 2)) == pytest.approx(answer.values[0])


# What the server says of itself.


def test_identity_is_what_the_server_states() -> None:
    """Model, fingerprint and owner; nothing of it is a digest of weights, and nothing is shared."""
    with serving() as served:
        target = made(served)

    assert {"model": "tiny", "owned_by": "tests"} == target.identity()["stated"]
    assert ["fp_1"] == target.identity()["system_fingerprints"]
    assert not target.shareable
    assert (served.url,) == target.endpoints
    assert any("its identity is what it says of itself" in caution for caution in target.cautions)


SWAPS: Mapping[str, Callable[[Served], None]] = {
    "another model": lambda served: setattr(served, "states", "tiny-2"),
    "other words": lambda served: setattr(served, "model", Model(salt="other")),
    "other words and fingerprint": lambda served: vars(served).update(fingerprint="fp_2", model=Model(salt="other")),
}


@pytest.mark.parametrize("swap", SWAPS)
def test_a_server_that_restarts_with_another_model_ends_the_run(tmp_path: Path, swap: str) -> None:
    """In the middle of the asking: exit 4, no verdict, and the answers are dropped."""

    def fault(handler: Handler, body: dict[str, Any], number: int) -> bool:
        if number == 20:
            SWAPS[swap](handler.served)
        return False

    with serving(Served(fault=fault)) as served:
        ended = audited(tmp_path, served)

    assert 4 == ended.code
    assert "and now says" in ended.err or "other words than before the audit" in ended.err
    assert "Traceback" not in ended.err
    assert not (tmp_path / "run" / "findings.json").exists()
    assert not (tmp_path / "run" / "journal.jsonl").exists()


#: What a server states of its machines while it is asked, by the number of the ask, and the caution that comes of it.
MACHINES: Mapping[str, tuple[Callable[[int], str | None], str | None]] = {
    "one that says nothing": (lambda number: "fp_1" if number < 20 else None, None),
    "one after the other": (
        lambda number: "fp_1" if number < 20 else "fp_2",
        "fp_2 beside fp_1 of the handshake; asked the handshake's question again, it answered in the same words.",
    ),
    "two in turn": (lambda number: "fp_1" if number % 2 or number < 8 else "fp_2", "fp_2 beside fp_1 of the handshake"),
    "one in between": (
        lambda number: "fp_2" if number == 20 else "fp_1",
        "fp_2 was not met again, and that it is like the others, nothing shows",
    ),
}


@pytest.mark.parametrize("machines", MACHINES)
def test_another_fingerprint_with_the_same_words_is_a_caution(tmp_path: Path, machines: str, sound: bytes) -> None:
    """Servers of several machines state several; all that was answered counts, and documents print what was seen."""
    stated, caution = MACHINES[machines]

    def turn(handler: Handler, body: dict[str, Any], number: int) -> bool:
        handler.served.fingerprint = stated(number)
        return False

    with serving(Served(fault=turn)) as served:
        ended = audited(tmp_path, served, concurrency=1)
        cautions = Record(tmp_path / "run").environment["target"]["cautions"]

    assert 3 == ended.code, ended.err
    assert sound == (tmp_path / "run" / "findings.json").read_bytes()
    assert (caution is not None) == any("fp_2" in each for each in cautions)
    assert caution is None or any(caution in each for each in cautions)


def test_another_fingerprint_of_a_server_that_wanders_is_another_system() -> None:
    """Nothing else could tell the two apart."""
    with serving(Served(drift=True)) as served:
        target = made(served)
        served.fingerprint = "fp_2"

        assert "its system fingerprint was 'fp_1', and now says 'fp_2'" in str(target.check())


def test_a_run_is_taken_up_on_another_machine_of_the_server(tmp_path: Path) -> None:
    """The same words and another fingerprint: nothing is asked twice, and the record says so."""
    with serving(
        Served(fault=at(lambda number: number >= HANDSHAKE + 10, lambda handler, body: cut(handler)))
    ) as served:
        lost = audited(tmp_path, served, retries=0)
        served.fault, served.fingerprint = None, "fp_2"
        ended = audited(tmp_path, served, retries=0)
        cautions = Record(tmp_path / "run").environment["target"]["cautions"]

    assert (4, 3) == (lost.code, ended.code), ended.err
    assert any("system_fingerprints of the system were ['fp_2'], not ['fp_1']" in each for each in cautions)


# What some servers do otherwise.


def test_a_model_that_reasons_is_given_the_tokens_of_the_plan() -> None:
    """Its answers are those behind its reasoning, and the first tokens that it writes choose nothing."""
    with serving(Served(thinks=20)) as served:
        target = made(served, api="chat", max_tokens=32)
        (answer,) = target.answer([write("Is it?", max_new_tokens=24)])

        assert target.check() is None
    assert {"generate"} == set(target.capabilities)
    assert "the model reasons before it answers" in target.why_not[Capability.CHOOSE]
    assert str(target.identity()["canary"]).startswith("sha256:")
    assert 4 == len(endpoints.tokens_of(answer.texts[0]))


def test_a_model_that_does_nothing_but_reason_is_an_error_that_says_what_to_do() -> None:
    """In the handshake, where it ends the audit, and later, where it is the error of one request."""
    with serving(Served(thinks=20)) as served:
        with pytest.raises(TargetError) as caught:
            made(served, api="chat", max_tokens=18)
        (answer,) = made(served, api="chat", max_tokens=32).answer([write("Is it?", max_new_tokens=8)])

    why = "the model used up its tokens on reasoning and wrote no answer; allow it more: target.max_tokens"
    assert f"the handshake failed: {why}" in caught.value.message
    assert "it was allowed 18" in str(caught.value.remedy)
    assert f"input 1: {why}" in str(answer.error)
    assert (4, 8) == (answer.input_tokens, answer.output_tokens)


def test_a_parameter_that_a_server_refuses_is_left_out_by_the_plan() -> None:
    """The refusal says how; then no ask holds it, and a caution says whose value applies."""
    with serving(Served(needs="no top_p")) as served:
        with pytest.raises(TargetError, match="Unsupported parameter: 'top_p'") as caught:
            made(served, api="chat")
        served.asked.clear()
        target = made(served, api="chat", omit=["top_p"])
        fine, refused = target.answer([write("Is it?"), write("Is it?", top_p=0.5)])

    assert "leave it out by target.omit: [top_p]" in str(caught.value.remedy)
    assert not any("top_p" in body for body in served.asked)
    assert all({"temperature", "seed", "max_tokens"} <= body.keys() for body in served.asked)
    assert any("top_p is not sent (target.omit): a default of the server applies" in each for each in target.cautions)
    assert None is target.identity()["sampling"]["top_p"]
    assert fine.error is None
    assert "parameter top_p: target.omit leaves it out of every ask" in str(refused.error)


def test_without_a_temperature_nothing_rests_on_greedy_answers() -> None:
    """No log-probabilities, no canary, and both are said."""
    with serving() as served:
        target = made(served, omit=["temperature"])

    assert {"generate"} == set(target.capabilities)
    assert None is target.identity()["canary"]
    assert any("is sent no temperature: its texts differ" in each for each in target.cautions)


@pytest.mark.parametrize("way", ["500", "another model"])
def test_what_other_replies_of_a_broken_round_took_is_paid(way: str) -> None:
    """Three of four texts came when the last one broke it: their tokens count, and those of the fourth where stated."""

    def broken(handler: Handler, body: dict[str, Any], number: int) -> bool:
        if "Fourth" not in json.dumps(body):
            return False
        found = {**endpoints.reply(handler.served, body), "model": "another"}
        handler.send_json(found if way == "another model" else {}, 200 if way == "another model" else 500)
        return True

    with serving(Served(fault=broken)) as served:
        target = made(served, concurrency=1, retries=0)
        asker = Asker(target, seed=1)
        with pytest.raises(TargetError):
            asker.answer("p", [write("First one", "Second one", "Third", "Fourth", max_new_tokens=4)])
    spent = asker.purse.spent

    answered = 4 if way == "another model" else 3
    assert 4 * answered == spent.output_tokens
    assert {3: 5, 4: 6}[answered] == spent.input_tokens
    assert spent.seconds > 0


@pytest.mark.parametrize("budget", ["tokens: 500", "money_eur: 0.0005"])
def test_answers_that_are_errors_are_paid_for(tmp_path: Path, budget: str) -> None:
    """Every answer after the handshake is broken, and says what it cost: the budget ends after the first pack."""

    def broken(found: dict[str, Any]) -> None:
        found["choices"] = [{"text": None}]
        found["usage"] = {"prompt_tokens": 10, "completion_tokens": 4}

    def fault(handler: Handler, body: dict[str, Any], number: int) -> bool:
        if "Case" in body["prompt"]:
            spoilt(broken)(handler, body)
        return "Case" in body["prompt"]

    with serving(Served(fault=fault)) as served:
        price = {"input_eur_per_million_tokens": 1.0, "output_eur_per_million_tokens": 1.0}
        plan = plan_of(tmp_path, served.url, scenarios=14, price=price)
        plan.write_text(plan.read_text("utf-8") + f"execution: {{budget: {{{budget}}}}}\n", "utf-8")
        ended = entered(tmp_path, "audit", plan, "--out", "run")
        spending = Record(tmp_path / "run").spending

    assert 4 == ended.code, ended.err
    assert budget.partition(":")[0] == spending.ended_by
    assert 14 * spending.spent.requests == spending.spent.input_tokens + spending.spent.output_tokens
    assert spending.spent.requests <= 64


# Faults.


def later(seconds: float) -> str:
    """A date so many seconds from now, as HTTP writes it."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


def spoilt(change: Callable[[dict[str, Any]], object]) -> Callable[[Handler, dict[str, Any]], None]:
    """An answer with one thing wrong."""

    def answer(handler: Handler, body: dict[str, Any]) -> None:
        found = endpoints.reply(handler.served, body)
        change(found)
        handler.send_text(json.dumps(found))

    return answer


def numbers(value: object) -> Callable[[dict[str, Any]], object]:
    """Every log-probability is ``value``."""

    def change(found: dict[str, Any]) -> None:
        listed = found["choices"][0]["logprobs"]
        listed["token_logprobs"] = [value for _ in listed["tokens"]]
        listed["top_logprobs"] = [dict.fromkeys(each or (), value) for each in listed["top_logprobs"]]

    return change


#: Faults that pass, by what answers in place of the model.
PASSING: Mapping[str, Callable[[Handler, dict[str, Any]], object]] = {
    "timeout": lambda handler, body: hang(handler),
    "slow drip": lambda handler, body: drip(handler),
    "connection reset": lambda handler, body: cut(handler),
    "429, seconds": lambda handler, body: handler.send_json({}, 429, Retry_After="0"),
    "429, date": lambda handler, body: handler.send_json({}, 429, Retry_After=later(0.1)),
    "429, nonsense": lambda handler, body: handler.send_json({}, 429, Retry_After="soon"),
    "500": lambda handler, body: handler.send_json({"error": {"message": "out of memory"}}, 500),
    "503": lambda handler, body: handler.send_text("<html>busy</html>", 503),
}
#: Answers that are none, by what is wrong with them.
WRONG: Mapping[str, Callable[[Handler, dict[str, Any]], object]] = {
    "malformed JSON": lambda handler, body: handler.send_text('{"choices": ['),
    "no JSON at all": lambda handler, body: handler.send_text("<html>hello</html>"),
    "wrong shape": lambda handler, body: handler.send_json({"choices": [{"text": 5}]}),
    "a list": lambda handler, body: handler.send_json([]),
    "nests too deep": lambda handler, body: handler.send_text("[" * 100_000),
    "fewer choices": spoilt(lambda found: found["choices"].clear()),
    "no log-probabilities": spoilt(lambda found: found["choices"][0].pop("logprobs")),
    "NaN": spoilt(numbers(math.nan)),
    "null": spoilt(numbers(None)),
    "a floor": spoilt(numbers(-9999.0)),
    "above 0": spoilt(numbers(0.5)),
    "400": lambda handler, body: handler.send_json({"error": {"message": "bad"}}, 400),
}
#: Asks of the handshake, with all log-probabilities.
HANDSHAKE = 6


def at(kinds: Callable[[int], bool], answer: Callable[[Handler, dict[str, Any]], object]) -> Fault:
    """``answer`` in place of the model, at the asks after the handshake that ``kinds`` picks."""

    def fault(handler: Handler, body: dict[str, Any], number: int) -> bool:
        if number < HANDSHAKE or not kinds(number):
            return False
        answer(handler, body)
        return True

    return fault


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The findings of the small audit where nothing goes wrong."""
    folder = tmp_path_factory.mktemp("sound")
    with serving() as served:
        ended = audited(folder, served)

    assert 3 == ended.code, ended.err
    assert {"INCONCLUSIVE", "NOT_APPLICABLE"} == verdicts(folder)
    return (folder / "run" / "findings.json").read_bytes()


@pytest.mark.parametrize("name", PASSING)
def test_a_fault_that_passes_changes_nothing(tmp_path: Path, sound: bytes, name: str) -> None:
    """One ask in seven fails, is sent again, and the findings are the same to the byte; the record counts tries."""
    fault = at(lambda number: number % 7 == 0, PASSING[name])
    with serving(Served(fault=fault)) as served:
        ended = audited(tmp_path, served, timeout=0.3)

    assert 3 == ended.code, ended.err
    assert sound == (tmp_path / "run" / "findings.json").read_bytes()
    assert 2 <= max(each.attempt for each in Record(tmp_path / "run").observations())


@pytest.mark.parametrize("name", PASSING)
def test_a_fault_that_stays_is_never_a_pass(tmp_path: Path, name: str) -> None:
    """After ten answers the server fails for good: exit 4 in one line, and the same command can go on later."""
    fault = at(lambda number: number >= HANDSHAKE + 10, PASSING[name])
    with serving(Served(fault=fault)) as served:
        ended = audited(tmp_path, served, timeout=0.1, retries=1)

    assert 4 == ended.code
    assert "Traceback" not in ended.err
    assert "asked 2 times" in ended.err
    assert not (tmp_path / "run" / "findings.json").exists()


def test_a_server_that_fails_some_asks_for_good_is_an_error(tmp_path: Path) -> None:
    """The probe is an ERROR with its reason, the record is sealed, and the exit code is 4."""

    def poisoned(handler: Handler, body: dict[str, Any], number: int) -> bool:
        if "Case 1 is about Bert" in body["prompt"]:
            handler.send_json({"error": {"message": "out of memory"}}, 500)
            return True
        return False

    with serving(Served(fault=poisoned)) as served:
        ended = audited(tmp_path, served, retries=1)

    assert 4 == ended.code
    assert {"ERROR"} == verdicts(tmp_path)
    assert "the server answered 500: out of memory" in (tmp_path / "run" / "findings.json").read_text("utf-8")


NO_JSON = ("malformed JSON", "no JSON at all", "nests too deep")


@pytest.mark.parametrize("name", NO_JSON)
def test_what_is_no_json_is_asked_again_and_then_by_the_same_command(tmp_path: Path, name: str) -> None:
    """As a 500 is: a part of an answer, or the page of a proxy, is none of the model's."""
    with serving(Served(fault=at(lambda number: number % 4 == 0 and number > HANDSHAKE, WRONG[name]))) as served:
        passed = audited(tmp_path / "passing", served)

        def poisoned(handler: Handler, body: dict[str, Any], number: int) -> bool:
            found = "Case 1 is about Bert" in body["prompt"]
            if found:
                WRONG[name](handler, body)
            return found

        served.fault = poisoned
        ended = audited(tmp_path / "cut", served, retries=1, concurrency=1)
        said = (tmp_path / "cut" / "run" / "findings.json").read_text("utf-8")
        served.fault = None
        again = audited(tmp_path / "cut", served, retries=1, concurrency=1)

    assert (3, 4, 3) == (passed.code, ended.code, again.code)
    assert "asked 2 times, the answer is no JSON" in said
    assert "the same command asks what was not answered" in said
    assert "ERROR" not in verdicts(tmp_path / "cut")


@pytest.mark.parametrize("name", [name for name in WRONG if name not in NO_JSON])
def test_an_answer_that_is_none_is_an_error(tmp_path: Path, name: str) -> None:
    """It is sent once, recorded as an error that names the input, and what rests on it is ERROR: exit 4."""
    with serving(Served(fault=at(lambda number: number % 4 == 0, WRONG[name]))) as served:
        ended = audited(tmp_path, served)
        errors = [each.answer.error for each in Record(tmp_path / "run").observations()]

    assert 4 == ended.code, ended.err
    assert "ERROR" in verdicts(tmp_path)
    assert "PASS" not in verdicts(tmp_path)
    assert any(error and error.startswith("s-0/") and "\n" not in error for error in errors)


def test_an_unplugged_endpoint_is_one_line_and_exit_4(tmp_path: Path) -> None:
    """Nothing is begun, and the line names the address."""
    plan = plan_of(tmp_path, unplugged(), retries=1)
    ended = entered(tmp_path, "audit", plan, "--out", "run")

    assert 4 == ended.code
    assert 1 == len(ended.err.strip().splitlines()), ended.err
    assert "http://127.0.0.1:" in ended.err
    assert not (tmp_path / "run").exists()


def test_a_wait_that_is_too_long_is_not_waited_for() -> None:
    """A server that asks for an hour has failed."""
    fault = at(lambda number: True, lambda handler, body: handler.send_json({}, 429, Retry_After="3600"))
    with serving(Served(fault=fault)) as served:
        target = made(served)
        with pytest.raises(TargetError, match="asks to wait 3600 seconds"):
            target.answer([write("Is it?")])


@pytest.mark.parametrize("wait", ["251606423800", "9" * 400])
def test_a_wait_beyond_a_day_is_said_in_words(wait: str) -> None:
    """However many digits it has."""
    fault = at(lambda number: True, lambda handler, body: handler.send_json({}, 429, Retry_After=wait))
    with serving(Served(fault=fault)) as served:
        target = made(served)
        with pytest.raises(TargetError, match="asks to wait more than a day"):
            target.answer([write("Is it?")])


@pytest.mark.parametrize("where", ["text", "message"])
def test_half_a_character_is_the_error_of_its_question(tmp_path: Path, where: str) -> None:
    """In a text, and in what a server says of an error; the other questions are answered and recorded."""

    def half(found: dict[str, Any]) -> None:
        found["choices"][0]["text"] = "\ud83d"

    def fault(handler: Handler, body: dict[str, Any], number: int) -> bool:
        if "Second" not in body["prompt"]:
            return False
        if where == "message":
            handler.send_json({"error": {"message": "no \ud83d"}}, 422)
        else:
            spoilt(half)(handler, body)
        return True

    journal = RunJournal(tmp_path / "journal.jsonl")
    with serving(Served(fault=fault)) as served:
        asker = Asker(made(served), seed=1, journal=journal)
        first, second, third = asker.answer("p", [write("First one"), write("Second one"), write("Third")])
    journal.close()
    kept = [each.answer.error for each in journal_entries(tmp_path / "journal.jsonl") if isinstance(each, Observation)]
    why = "the system answered half a character, which is no text"
    expected = {"text": f"input 1: {why}", "message": "input 1: the server answered 422: no \\ud83d"}[where]

    assert [None, expected, None] == [first.error, second.error, third.error] == kept


def test_half_a_character_in_a_name_breaks_no_record() -> None:
    """What a server calls its model and its system stands in the record as Python writes it."""
    with serving(Served(fingerprint="fp \ud83d", states="tiny \ud83d")) as served:
        identity = made(served).identity()

    assert ["fp \\ud83d"] == identity["system_fingerprints"]
    assert b"tiny" in codec.encode(identity)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 10, "total_tokens": 14}, (10, 4)),
        ({"completion_tokens": 4, "total_tokens": 14}, (10, 4)),
        ({"prompt_tokens": 10}, (10, None)),
        ({"total_tokens": 14}, (None, None)),
        ({"prompt_tokens": 10, "total_tokens": 9}, (10, None)),
    ],
)
@pytest.mark.parametrize("budget", ["tokens: 100000", "money_eur: 200"])
def test_a_budget_is_kept_where_two_counts_say_the_third_and_else_ends(
    tmp_path: Path, usage: dict[str, int], expected: tuple[int | None, int | None], budget: str
) -> None:
    """A half of the tokens is never taken for all of them: the asking ends and says why."""

    def counts(found: dict[str, Any]) -> None:
        found["usage"] = usage

    def fault(handler: Handler, body: dict[str, Any], number: int) -> bool:
        spoilt(counts)(handler, body)
        return True

    with serving(Served(fault=fault)) as served:
        price = {"input_eur_per_million_tokens": 0.0001, "output_eur_per_million_tokens": 100000.0}
        plan = plan_of(tmp_path, served.url, scenarios=14, price=price)
        plan.write_text(plan.read_text("utf-8") + f"execution: {{budget: {{{budget}}}}}\n", "utf-8")
        entered(tmp_path, "audit", plan, "--out", "run")
        spending = Record(tmp_path / "run").spending
        answer = next(iter(Record(tmp_path / "run").observations())).answer
    whole = None not in expected

    assert spending is not None
    assert whole is spending.spent.counted
    assert whole is (spending.ended is None)
    assert whole or "the system does not say of every answer how many tokens it read and wrote" in str(spending.ended)
    assert whole or spending.spent.requests <= 64 + asked_again(64)
    assert [each is None for each in expected] == [each is None for each in (answer.input_tokens, answer.output_tokens)]


def test_one_input_that_the_server_refuses_is_one_error() -> None:
    """A prompt that is too long is the error of its request; the others are answered."""
    with serving() as served:
        first, second = made(served).answer([write("far too long"), write("Is it?")])

    assert "input 1: the server answered 400: This model's maximum context length is 256 tokens" == first.error
    assert second.error is None


def test_what_the_model_declines_is_a_refusal() -> None:
    """A refusal and a filtered answer are marked, and are no error."""

    def declined(handler: Handler, body: dict[str, Any], number: int) -> bool:
        if "bad" not in str(body):
            return False
        message = {"role": "assistant", "content": None, "refusal": "I can't help with that."}
        handler.send_json({"model": "tiny", "system_fingerprint": "fp_1", "choices": [{"message": message}]})
        return True

    with serving() as served:
        target = made(served, api="chat")
        served.fault = declined
        text, choice = target.answer([write("a", "bad"), choose("bad", "a")])

    assert (1,) == text.refused
    assert (0,) == choice.refused
    assert text.error is None and choice.error is None


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (write("a", min_new_tokens=2), "parameter min_new_tokens"),
        (write("a", colour=2), "parameter colour: not known"),
        (write("a", chat_template=False), "parameter chat_template: target.api is chat"),
        (choose("a", options=()), "names no options"),
        (choose("a", options=(("yes",), ("yes, sure",))), "begins more than one option"),
    ],
)
def test_what_cannot_be_asked_is_an_error(request_: Request, why: str) -> None:
    """Nothing is dropped in silence."""
    with serving(Served(model=Model(likes={" yes": 5.0}))) as served:
        (answer,) = made(served, api="chat").answer([request_])

    assert why in str(answer.error)


# Secrets and addresses.


def test_a_key_is_read_from_the_environment_and_written_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not into the record, nor into an error in which the server repeats it."""
    monkeypatch.setenv("TEAM_KEY", "s3cr3t-value")
    monkeypatch.setenv("TEAM_COOKIE", 'b"i/scuit')

    def mirror(handler: Handler, body: dict[str, Any], number: int) -> bool:
        handler.served.fingerprint = handler.headers["X-Cookie"] + str(handler.headers["Authorization"])
        return False

    with serving(Served(key="s3cr3t-value", fault=mirror)) as served:
        ended = audited(
            tmp_path, served, key_env="TEAM_KEY", headers={"X-Cookie": "env:TEAM_COOKIE", "X-Team": "audit"}
        )
    assert 3 == ended.code, ended.err
    assert {"audit"} == {headers["X-Team"] for headers in served.headers}
    assert {'b"i/scuit'} == {headers["X-Cookie"] for headers in served.headers}

    with serving(Served(key="another")) as served:
        refused = audited(tmp_path / "refused", served, key_env="TEAM_KEY")
    assert 4 == refused.code
    assert "401: Incorrect API key provided: Bearer [secret]; check target.key_env" in " ".join(refused.err.split())

    written = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    journal = "".join(str(each) for each in Record(tmp_path / "run").observations())
    for text in (written.decode("latin-1"), journal, ended.out + ended.err, refused.out + refused.err):
        assert "s3cr3t-value" not in text
        assert "i/scuit" not in text


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"key_env": "PROBANDUM_NOT_SET"}, "target.key_env: names no environment variable that is set"),
        ({"key_env": "sk-abcdef"}, "target.key_env: names no environment variable that is set"),
        ({"headers": {"X-Api-Key": "sk-abcdef"}}, "target.headers.X-Api-Key: a secret is not written into a plan"),
        ({"url": "http://me:sk-abcdef@127.0.0.1"}, "target.url: holds a secret"),
        ({"url": "http://127.0.0.1/v1?api_key=sk-abcdef"}, "target.url: holds a secret"),
        ({"url": "127.0.0.1:80"}, "target.url: expected an address"),
        ({"url": "http://127.0.0.1:99999"}, "target.url: expected an address"),
        ({"proxy": "socks"}, "target.proxy: expected an address"),
        ({"proxy": "http://me:sk-abcdef@127.0.0.1:9"}, "target.proxy: holds a secret"),
        ({"proxy": "env:sk-abcdef"}, "target.proxy: names no environment variable that is set"),
        ({"omit": ["model"]}, "target.omit: 'model' has to be sent"),
        ({"omit": ["top_p"], "top_p": 0.5}, "target.omit: top_p is said under target.top_p"),
        ({"concurrency": 0}, "target.concurrency: 0"),
        ({"retries": -1}, "target.retries: -1"),
        ({"timeout": 0.0}, "target.timeout: 0"),
        ({"top_p": 0.0}, "target.top_p: 0"),
        ({"max_tokens": 0}, "target.max_tokens: 0"),
        ({"ca_file": "nowhere.pem"}, "target.ca_file: nowhere.pem: No such file"),
        ({"extra": {"temperature": 2}}, "target.extra.temperature"),
        ({"system": "Be kind.", "api": "completions"}, "target.system: a completion has no messages"),
    ],
)
def test_a_wrong_key_is_a_usage_error_that_repeats_no_secret(options: dict[str, Any], why: str) -> None:
    """In one line, before anything is asked."""
    keys = {"url": "http://127.0.0.1:9", "model": "tiny", **options}
    with pytest.raises(UsageError) as caught:
        make_target("openai", TargetContext(folder=Path()), keys)

    assert why in caught.value.message
    assert "sk-abcdef" not in " ".join(caught.value.lines())
    assert 1 == len(caught.value.lines())


def test_a_redirect_is_not_followed() -> None:
    """A key goes nowhere but to the address of the plan."""

    def fault(handler: Handler, body: dict[str, Any], number: int) -> bool:
        handler.send_json({}, 307, Location="http://127.0.0.1:9/")
        return True

    with serving(Served(fault=fault)) as served, pytest.raises(TargetError, match="answered 307") as caught:
        made(served)

    assert "redirects are not followed" in " ".join(caught.value.lines())


def test_a_server_with_a_certificate_of_its_own(tmp_path: Path) -> None:
    """Its authority is named by ca_file; without it the server is not believed."""
    authority, both = certificate(tmp_path)
    with serving(tls=both) as served:
        (answer,) = made(served, ca_file=str(authority)).answer([write("Is it?")])
        with pytest.raises(TargetError, match="its certificate is not trusted: self-signed certificate") as caught:
            made(served)

    assert answer.error is None
    assert "name the file of the authority that signed it under target.ca_file, or check target.url" == (
        caught.value.remedy
    )


def test_a_proxy_gets_its_name_and_password_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan names a variable; the address without both stands in the record, and they stand nowhere."""
    with serving() as proxy:
        monkeypatch.setenv("TEAM_PROXY", proxy.url.replace("//", "//me:p%40ss%2Fw0rd@"))

        def mirror(handler: Handler, body: dict[str, Any], number: int) -> bool:
            said = "me:p@ss/w0rd", "p%40ss%2fw0rd", handler.headers["Proxy-Authorization"]
            handler.served.fingerprint = " and ".join(said)
            return False

        proxy.fault = mirror
        ended = audited(tmp_path, Served(url="http://model.invalid"), proxy="env:TEAM_PROXY")
        environment = Record(tmp_path / "run").environment
        plain = "Basic " + base64.b64encode(b"me:p@ss/w0rd").decode()

    assert 3 == ended.code, ended.err
    assert {plain} == {headers["Proxy-Authorization"] for headers in proxy.headers}
    assert [proxy.url, "http://model.invalid"] == environment["target"]["endpoints"]
    assert ["[secret] and [secret] and Basic [secret]"] == environment["target"]["identity"]["system_fingerprints"]
    written = [file.read_text("utf-8", "replace") for file in tmp_path.rglob("*") if file.is_file()]
    for text in (*written, ended.out + ended.err):
        assert "w0rd" not in text
        assert plain.removeprefix("Basic ") not in text


def test_a_proxy_is_asked_in_place_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only one that the plan names; proxies of the environment are not used."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with serving() as proxy:
        target = made(Served(url="http://model.invalid"), proxy=proxy.url)
        (answer,) = target.answer([write("Is it?")])

    assert answer.error is None
    assert "http://model.invalid/v1/completions" == proxy.paths[-1]
    assert (proxy.url, "http://model.invalid") == target.endpoints


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that vouches for itself, alone and with its key."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made_ = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = made_.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "ca.pem").write_bytes(public)
    (folder / "both.pem").write_bytes(secret + public)
    return folder / "ca.pem", folder / "both.pem"


# Whole audits.


def test_a_lost_connection_ends_the_run_and_the_same_command_asks_what_was_not_answered(tmp_path: Path) -> None:
    """The server goes away in the second pack and comes back: nothing is sealed, and nothing asked twice."""

    def gone(handler: Handler, body: dict[str, Any], number: int) -> bool:
        if number >= HANDSHAKE + 170:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
        return number >= HANDSHAKE + 170

    with serving() as served:
        plan = plan_of(tmp_path / "whole", served.url, scenarios=14, retries=0)
        assert 3 == entered(plan.parent, "audit", plan, "--out", "run").code
        in_one_go = len(served.asked)
    with serving(Served(fault=gone)) as served:
        plan = plan_of(tmp_path / "cut", served.url, scenarios=14, retries=0)
        lost = entered(plan.parent, "audit", plan, "--out", "run")
        served.asked.clear()
        served.fault = None
        assert 4 == lost.code
        assert "the same command asks what was not answered" in lost.err
        assert not (plan.parent / "run" / "statement.dsse.json").exists()
        assert 170 == _recorded(plan.parent / "run")
        assert 3 == entered(plan.parent, "audit", plan, "--out", "run").code

    assert in_one_go - 170 + asked_on_resuming(170) == len(served.asked)  # whether it is the same model
    whole, cut = (tmp_path / name / "run" / "findings.json" for name in ("whole", "cut"))
    assert whole.read_bytes() == cut.read_bytes()


def test_a_killed_audit_asks_no_answered_pack_again(tmp_path: Path) -> None:
    """kill -9 in the second pack: the first is not asked again, and the findings are those of an audit in one go."""
    with serving() as served:
        plan = plan_of(tmp_path / "whole", served.url, scenarios=14)
        assert 3 == entered(plan.parent, "audit", plan, "--out", "run").code
        in_one_go = len(served.asked)
    running: list[subprocess.Popen[bytes]] = []

    def kill(handler: Handler, body: dict[str, Any], number: int) -> bool:
        if number == HANDSHAKE + 170:
            os.kill(running[0].pid, signal.SIGKILL)
        return False

    with serving(Served(fault=kill)) as served:
        plan = plan_of(tmp_path / "cut", served.url, scenarios=14)
        command = [
            sys.executable,
            "-c",
            "from probandum.cli import main; main()",
            "audit",
            plan,
            "--out",
            plan.parent / "run",
        ]
        running.append(
            subprocess.Popen(list(map(str, command)), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        )
        assert -signal.SIGKILL == running[0].wait()
        before = [body["prompt"] for body in served.asked[HANDSHAKE:]]
        served.asked.clear()
        served.fault = None
        recorded = _recorded(plan.parent / "run")
        assert 3 == entered(plan.parent, "audit", plan, "--out", "run").code
        after = [body["prompt"] for body in served.asked[HANDSHAKE:]]

    greeting = served.asked[0]["prompt"]
    assert 128 <= recorded <= 170
    assert in_one_go - recorded + asked_on_resuming(recorded) == len(served.asked)  # whether it is the same model
    assert 14 * 2 * 8 == len({*before, *after} - {greeting})
    whole, cut = (tmp_path / name / "run" / "findings.json" for name in ("whole", "cut"))
    assert whole.read_bytes() == cut.read_bytes()


def test_ctrl_c_does_not_wait_for_a_server_that_hangs(tmp_path: Path) -> None:
    """The asking ends at once with 130, however long the server may take."""
    running: list[subprocess.Popen[bytes]] = []
    free = threading.Event()

    def interrupt(handler: Handler, body: dict[str, Any], number: int) -> bool:
        if number == HANDSHAKE + 4:
            running[0].send_signal(signal.SIGINT)
        if number >= HANDSHAKE + 4:
            free.wait(60)
        return False

    with serving(Served(fault=interrupt)) as served:
        plan = plan_of(tmp_path, served.url, timeout=600.0)
        command = [sys.executable, "-c", "from probandum.cli import main; main()", "audit", plan, "--out", "run"]
        words = list(map(str, command))
        running.append(subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE))
        said = running[0].communicate(timeout=50)[1].decode()
        free.set()

    assert 130 == running[0].returncode
    assert "Traceback" not in said


def test_an_audit_connects_to_the_address_of_its_plan_and_nowhere_else(tmp_path: Path) -> None:
    """With every other socket trapped: no other host, no name looked up, nothing in the log."""
    with serving() as served:
        plan = plan_of(tmp_path, served.url)
        host = served.url.removeprefix("http://")
        command = [sys.executable, ROOT / "tests" / "offline.py", tmp_path / "log.txt", f"--allow={host}"]
        words = [*command, "audit", plan, "--out", tmp_path / "run"]
        ended = subprocess.run(list(map(str, words)), capture_output=True, check=False)

    assert (3, "") == (ended.returncode, (tmp_path / "log.txt").read_text("utf-8")), ended.stderr.decode()
    assert [served.url] == Record(tmp_path / "run").environment["target"]["endpoints"]


@pytest.mark.slow
@pytest.mark.parametrize(("planted", "code"), [(0.0, 0), (1.5, 1)])
def test_a_planted_name_is_found_behind_a_server(tmp_path: Path, planted: float, code: int) -> None:
    """Twenty scenarios and twenty names a group: no effect passes the limit, a planted one breaks it."""
    model = Model(favours=dict.fromkeys(NAMES[:4], planted))
    with serving(Served(model=model)) as served:
        ended = audited(tmp_path, served, scenarios=20, names=40, concurrency=8)

    assert code == ended.code, ended.err


def _recorded(run: Path) -> int:
    """How many inputs a run recorded answers to so far."""
    entries = journal_entries(run / "journal.jsonl")
    return sum(int(entry.asked["n"]) for entry in entries if isinstance(entry, Observation))
