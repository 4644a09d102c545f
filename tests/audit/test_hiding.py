"""Secrets in what servers say: which part and which form of one is blanked, and what is left as it is."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from probandum.targets import endpoint
from probandum.targets.endpoint import Reply
from probandum.targets.hiding import Secrets

KEY = 'sk-Ab/9<x>"k&+d3'


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a decoded reply may be made of."""

    name: str
    values: np.ndarray
    more: tuple[str, ...]


@pytest.mark.parametrize(
    ("value", "text", "expected"),
    [
        ("Bearer sk-1234567", "no: sk-1234567", "no: [secret]"),
        ("ApiKey sk-1234567", "no: ApiKey sk-1234567, sk-1234567", "no: [secret], [secret]"),
        ("a=s3cr3t-1; b=2", "no: s3cr3t-1 and 2", "no: [secret] and 2"),
        ("Basic " + base64.b64encode(b"me:s3cr3t-1").decode(), "no: s3cr3t-1", "no: [secret]"),
        ("abc", "abc, and YWJj", "[secret], and YWJj"),
        ("ApiKey abc", "ApiKey abc and abc", "[secret] and abc"),
        ("s3cr3t/1", r"s3cr3t\\\\/1 and s3cr3t&#x2F;1", "[secret] and [secret]"),
        ("s3cr3t/1", r"\u00733cr3t\/1 and s3cr3t%252F1", "[secret] and [secret]"),
        ("Bearer s3cr3t-1", "no s3cr3\nt-1, s3c\r\n  r3t-1", "no [secret], [secret]"),
        ("Bearer s3cr3t-1", r"no s3cr3\nt-1 at \new", "no [secret] at  ew"),
        ("s3cr3t-1", "s3cr3\n- 1", "s3cr3\n- 1"),
        ("s3cr3t/1", r"50 % of a \ or &amp;", r"50 % of a \ or &amp;"),
    ],
)
def test_a_secret_is_blanked_and_nothing_else(value: str, text: str, expected: str) -> None:
    """Escapes stay where no secret hid behind them; a part of fewer than six characters is an ordinary word."""
    assert expected == Secrets([value]).hidden(text)


def test_every_text_of_a_decoded_reply_is_looked_at() -> None:
    """Keys, lists, arrays of texts and fields of dataclasses; numbers are what they were."""
    secrets = Secrets(["s3cr3t/1"])
    found = secrets.hidden_in({"s3cr3t/1": ["a s3cr3t/1", 1.5, None]})
    said = secrets.hidden_in(Said(name="s3cr3t/1", values=np.array([["x", "s3cr3t/1"]]), more=("s3cr3t\\/1",)))
    numbers = np.array([1.0, 2.0])

    assert {"[secret]": ["a [secret]", 1.5, None]} == found
    assert ("[secret]", [["x", "[secret]"]], ("[secret]",)) == (said.name, said.values.tolist(), said.more)
    assert numbers is secrets.hidden_in(numbers)


def escaped(text: str) -> str:
    """Every letter as its number."""
    return '"' + "".join(f"\\u{ord(letter):04x}" for letter in text) + '"'


@pytest.mark.parametrize("written", [json.dumps, escaped])
def test_a_key_of_json_that_stands_twice_is_told_without_a_secret(written: Callable[[str], str]) -> None:
    """The server named the key by what it was sent."""
    name = written(KEY)
    reply = Reply(status=200, body=f"{{{name}: 1, {name}: 2}}", attempts=1, secrets=Secrets([KEY]))

    with pytest.raises(ValueError, match=r"it holds the key '\[secret\]' twice, with other values"):
        reply.json()


def test_true_and_1_under_one_key_are_two_values() -> None:
    """As JSON has it, whatever Python thinks."""
    reply = Reply(status=200, body='{"p": true, "p": 1}', attempts=1, secrets=Secrets([]))

    with pytest.raises(ValueError, match="twice"):
        reply.json()
    nested = Reply(status=200, body='{"p": {"a": [true]}, "p": {"a": [1]}}', attempts=1, secrets=Secrets([]))
    with pytest.raises(ValueError, match="twice"):
        nested.json()


@pytest.mark.parametrize("begins", ["data: {}", "event: x", "id: 1", "retry: 9", ": keep-alive"])
def test_a_stream_is_called_one_however_it_begins(begins: str) -> None:
    """By a field, or by a comment that keeps the connection open."""
    assert "the server streams its answer" in endpoint._no_json(f"{begins}\n\n")
