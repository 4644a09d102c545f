"""What a plan says of a server, checked without it: every problem at once, each at its line, and nothing is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from commands import Ended, entered

pytest.importorskip("httpx2")
pytest.importorskip("grpc")
pytest.importorskip("jmespath")

KINDS: dict[str, dict[str, Any]] = {
    "openai chat": {"type": "openai", "model": "tiny"},
    "openai completions": {"type": "openai", "model": "tiny", "api": "completions"},
    "oip HTTP": {"type": "oip", "model": "credit"},
    "oip gRPC": {"type": "oip", "model": "credit", "protocol": "grpc"},
    "http": {"type": "http", "kind": "predict", "request": {"rows": "{matrix}"}, "response": "p"},
}
PLAN = """\
version: 1
system: {{name: Scorer, version: "1"}}
target:
{target}data: {{path: rows.csv, features: [income]}}
decision: {{favourable: 1}}
groups: {{sex: {{reference: M}}}}
suites: {{bias.group-rates: {{}}}}
"""
SOUND = "http://127.0.0.1:9"


def checked(folder: Path, kind: str, **options: Any) -> Ended:
    """``plan check`` of a plan whose target has a line of its own for every key."""
    keys = {**KINDS[kind], "url": SOUND, **options}
    said = "".join(f"  {key}: {json.dumps(value)}\n" for key, value in keys.items())
    (folder / "audit.yaml").write_text(PLAN.format(target=said), "utf-8")
    (folder / "rows.csv").write_text("income,sex\n1,F\n2,M\n", "utf-8")
    return entered(folder, "plan", "check", "audit.yaml")


def line_of(folder: Path, key: str) -> int:
    """The line on which a key of the target stands."""
    lines = (folder / "audit.yaml").read_text("utf-8").splitlines()
    return 1 + next(number for number, line in enumerate(lines) if line.startswith(f"  {key}:"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_plan_that_can_be_carried_out_fits(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though nobody listens at its address: a check opens no connection."""
    monkeypatch.setenv("TEAM_KEY", "s3cr3t-value")
    ended = checked(tmp_path, kind, key_env="TEAM_KEY", headers={"X-Api-Key": "env:TEAM_KEY"})

    assert 0 == ended.code, ended.err


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("key", ["EMPTY", "no", "x", "Bearer none"])
def test_a_secret_that_would_be_blanked_out_of_ordinary_words_is_refused(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """Dummies that servers without keys are given; evidence is never changed, and the dummy is not repeated."""
    monkeypatch.setenv("TEAM_KEY", key)
    ended = checked(tmp_path, kind, headers={"X-Api-Key": "env:TEAM_KEY"})

    assert 2 == ended.code
    assert f"audit.yaml:{line_of(tmp_path, 'headers')}:" in ended.err
    assert "the environment variable holds fewer than 8 characters" in ended.err
    assert key not in ended.err.partition("fewer")[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("url", "127.0.0.1:8000", "expected an address such as"),
        ("url", "ftp://127.0.0.1", "expected an address such as"),
        ("url", "http://me:sk-abc@127.0.0.1:9", "holds a secret"),
        ("key_env", "PROBANDUM_NOT_SET", "names no environment variable that is set"),
        ("headers", {"X-Api-Key": "sk-abc"}, "a secret is not written into a plan"),
        ("headers", {"X-Api-Key": "env:PROBANDUM_NOT_SET"}, "names no environment variable that is set"),
        ("proxy", "socks", "expected an address such as"),
        ("ca_file", "nowhere.pem", "No such file"),
        ("ca_file", "rows.csv", "rows.csv: "),
        ("concurrency", 0, "expected a whole number from 1"),
        ("retries", -1, "expected a whole number from 0"),
        ("timeout", 0, "expected seconds above 0"),
        ("timeout", "soon", "expected a number"),
        ("timeout", 10**9, "at most 604,800"),
        ("concurrency", 10**9, "expected a whole number from 1 to 1,000"),
        ("ca_file", "", "expected some text"),
    ],
)
def test_what_is_wrong_with_the_way_to_a_server_is_named_by_its_line(
    tmp_path: Path, kind: str, key: str, value: Any, why: str
) -> None:
    """Exit 2 in one line that holds no secret, for every kind of server."""
    ended = checked(tmp_path, kind, **{key: value})
    (line,) = ended.err.strip().splitlines()

    assert 2 == ended.code
    assert f"audit.yaml:{line_of(tmp_path, key)}:" in line
    assert f"target.{key}" in line
    assert why in line
    assert "sk-abc" not in line


@pytest.mark.parametrize(
    ("kind", "key", "value", "why"),
    [
        ("openai chat", "api", "chats", "expected 'chat' or 'completions'"),
        ("openai chat", "temperature", -1, "expected a number from 0"),
        ("openai chat", "top_p", 0, "expected a number above 0"),
        ("openai chat", "max_tokens", 0, "expected a whole number from 1"),
        ("openai chat", "extra", {"temperature": 1}, "not an extra of the server"),
        ("openai chat", "seed", -1, "expected a whole number from 0"),
        ("openai chat", "model", "", "expected some text"),
        ("oip HTTP", "model", "", "expected some text"),
        ("oip gRPC", "version", " ", "expected some text"),
        ("oip HTTP", "batch", -1, "expected a whole number from 1"),
        ("oip HTTP", "inputs", {"name": ""}, "name: '', expected some text"),
        ("oip HTTP", "inputs", {"rank": 0}, "rank 0; expected 1"),
        ("oip HTTP", "outputs", {"name": " "}, "name: ' ', expected some text"),
        ("http", "batch", 0, "expected a whole number from 1"),
        ("openai completions", "system", "Be kind.", "a completion has no messages"),
        ("oip gRPC", "url", "http://127.0.0.1", "over gRPC expected host and port alone"),
        ("oip gRPC", "url", "http://127.0.0.1:9/v2", "over gRPC expected host and port alone"),
        ("oip gRPC", "proxy", "http://127.0.0.1:3128", "only with protocol: http"),
        ("oip HTTP", "protocol", "rest", "expected 'http' or 'grpc'"),
        ("http", "response", "p[", "no JMESPath expression"),
    ],
)
def test_what_is_wrong_with_one_kind_of_server_is_named_by_its_line(
    tmp_path: Path, kind: str, key: str, value: Any, why: str
) -> None:
    """What only its protocol has."""
    ended = checked(tmp_path, kind, **{key: value})
    (line,) = ended.err.strip().splitlines()

    assert 2 == ended.code
    assert f"audit.yaml:{line_of(tmp_path, key)}:" in line
    assert why in line


def test_all_of_it_is_said_at_once(tmp_path: Path) -> None:
    """A key that is not set, authorities that are none, and a sampling that cannot be meant: three lines."""
    wrong = {"key_env": "PROBANDUM_NOT_SET", "ca_file": "nowhere.pem", "top_p": 2}
    ended = checked(tmp_path, "openai chat", **wrong)

    assert 2 == ended.code
    assert [f"target.{key}" in line for key, line in zip(wrong, ended.err.strip().splitlines(), strict=True)] == [
        True
    ] * 3
