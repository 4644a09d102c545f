"""Tokens of a served model before it is asked: as many as it then says it read, or none, and the estimate says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from commands import entered
from endpoints import Served, serving
from probandum.evidence import Capability, Request
from probandum.reasking import asked_again
from probandum.record import Record
from probandum.target import Target, TargetContext, make_target
from probandum.targets import load_builtin
from probandum.targets.openai import OpenAITarget

pytest.importorskip("httpx2")
load_builtin()

REQUESTS = [
    Request(kind=Capability.GENERATE, inputs=("Is it?", "Is it one, two, three?"), parameters={"max_new_tokens": 4}),
    Request(kind=Capability.GENERATE, inputs=("Is it?",)),
    Request(kind=Capability.CHOOSE, inputs=("Is it?",), options=((" yes", " Yes"), (" no", " No"))),
]
SCORED = Request(kind=Capability.SCORE, inputs=("One", "Two"), continuations=(" two three", " three"))
HANDSHAKE = 6


def made(served: Served, api: str) -> Target:
    """The target as a plan would make it."""
    keys = {"url": served.url, "model": "tiny", "api": api, "max_tokens": 16}
    target = make_target("openai", TargetContext(folder=Path()), keys)
    assert isinstance(target, OpenAITarget)
    return target


@pytest.mark.parametrize(
    ("counts", "api"),
    [("vllm", "chat"), ("vllm", "completions"), ("llama.cpp", "completions"), ("llama-cpp-python", "completions")],
)
def test_tokens_are_counted_as_the_server_then_says_it_read(counts: str, api: str) -> None:
    """Whichever way it has; nothing more is asked of the model, and no count is asked for twice."""
    with serving(Served(counts=counts)) as served:
        target = made(served, api)
        requests = [*REQUESTS, SCORED] if api == "completions" else REQUESTS
        before = len(served.asked)
        counted, allowed = target.tokens(requests), target.writes(requests)
        once = served.counted
        again = target.tokens(requests)
        asked = len(served.asked)
        answers = target.answer(requests)

    assert [each.input_tokens for each in answers] == counted == again
    assert [each.output_tokens for each in answers] == allowed
    assert (before, once) == (asked, served.counted)


@pytest.mark.parametrize(
    ("counts", "api", "usage"),
    [(None, "completions", True), ("wrong", "chat", True), ("llama.cpp", "chat", True), ("vllm", "chat", False)],
)
def test_a_count_that_was_not_seen_to_be_right_is_none(counts: str | None, api: str, usage: bool) -> None:
    """No way to ask, one too many, a text without its template, or nothing to hold the count against."""
    with serving(Served(counts=counts, usage=usage)) as served:
        target = made(served, api)

        assert [None] * 3 == target.tokens(REQUESTS)
        assert [8, 16, 1] == target.writes(REQUESTS)


def test_what_cannot_be_asked_reads_and_writes_nothing() -> None:
    """It is an error, and costs nothing."""
    with serving(Served(counts="vllm")) as served:
        unknown = Request(kind=Capability.GENERATE, inputs=("a",), parameters={"colour": 2})
        target = made(served, "chat")

        assert ([0, 0], [0, 0]) == (target.tokens([unknown, SCORED]), target.writes([unknown, SCORED]))


def planned(folder: Path, served: Served, budget: dict[str, float]) -> None:
    """Name swaps of two scenarios and eight names, with a price and a budget."""
    told = [
        f"  - {{id: s-{place}, domain: hiring, favourable: 'yes', unfavourable: 'no', "
        f"text: 'Case {place}: {{name}}. Invite {{name}}? Answer {{first}} or {{second}}.'}}"
        for place in range(2)
    ]
    (folder / "scenarios.yaml").write_text("\n".join(["scenarios:", *told]) + "\n", "utf-8")
    names = [f"{name},{'women' if place < 4 else 'men'}" for place, name in enumerate("ABCDEFGH")]
    (folder / "names.csv").write_text("\n".join(["name,group", *names]) + "\n", "utf-8")
    price = {"input_eur_per_million_tokens": 1000, "output_eur_per_million_tokens": 2000}
    target: dict[str, Any] = {"type": "openai", "url": served.url, "model": "tiny", "api": "completions"}
    (folder / "audit.yaml").write_text(
        "version: 1\n"
        'system: {name: Assistant, version: "1"}\n'
        f"target: {json.dumps({**target, 'price': price})}\n"
        "suites: {bias.name-swap: {scenarios: scenarios.yaml, names: names.csv, reference: men}}\n"
        f"execution: {{budget: {json.dumps(budget)}}}\n"
        "energy: {codecarbon: false, meter: none}\n",
        "utf-8",
    )


def test_an_estimate_holds_a_budget_of_money_against_what_will_be_spent(tmp_path: Path) -> None:
    """To the cent: the audit then spends what was foreseen, with what is asked again in the end."""
    with serving(Served(counts="vllm")) as served:
        planned(tmp_path, served, {"money_eur": 4.0, "tokens": 100})
        estimated = entered(tmp_path, "plan", "estimate", "audit.yaml")
        asked = len(served.asked)
        planned(tmp_path, served, {"money_eur": 10.0})
        ended = entered(tmp_path, "audit", "audit.yaml", "--out", "run")
    spent = Record(tmp_path / "run").spending

    assert HANDSHAKE == asked
    assert 3 == ended.code, ended.err
    tokens = spent.spent.input_tokens + spent.spent.output_tokens
    assert spent.spent.requests == 96 + asked_again(96)
    assert f"and {asked_again(96)} of them once more in the end" in estimated.out
    assert f"budget of 4 euro: suffices: at most {spent.money_eur:g} are needed" in estimated.out
    assert f"budget of 100 tokens: DOES NOT SUFFICE: at most {tokens:,} are needed" in estimated.out


def test_an_estimate_without_counts_says_what_is_not_known(tmp_path: Path) -> None:
    """The budget cannot be compared, in words; the requests still can."""
    with serving() as served:
        planned(tmp_path, served, {"money_eur": 1.0, "requests": 1000})
        ended = entered(tmp_path, "plan", "estimate", "audit.yaml")

    assert 0 == ended.code, ended.err
    assert "tokens not known: this system does not count them beforehand" in ended.out
    assert "budget of 1 euro: cannot be compared" in ended.out
    assert "budget of 1,000 requests: suffices" in ended.out
