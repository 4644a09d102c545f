"""Secrets: refused in a plan wherever they stand, and sent from the environment without a trace in a run's folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from commands import entered
from endpoints import Handler, Served, serving
from oip_server import serving as oip_serving
from probandum.confiding import looks_secret, names_secret, secret_places
from probandum.record import Record
from probandum.targets import endpoint
from scoring_server import Scorer

KEY = "s3cr3t/+v4lue"
FORM = "sk-live-0123456789abcdef"
ROWS = {"type": "http", "kind": "predict", "request": {"rows": "{matrix}"}, "response": "p"}
CHAT = {"type": "openai", "model": "tiny"}
OIP = {"type": "oip", "model": "credit"}
PLAN = """\
version: 1
system: {{name: Scorer, version: "1"}}
target: {target}
data: {{path: rows.csv, features: [income], id: id}}
decision: {{favourable: {favourable}}}
groups: {{sex: {{reference: M}}}}
suites: {{bias.group-rates: {{}}}}
energy: {{codecarbon: false}}
"""


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries wait a hundredth of a second."""
    monkeypatch.setattr(endpoint, "BACKOFF_SECONDS", 0.01)


def written(folder: Path, target: dict[str, Any], favourable: object = 1) -> Path:
    """A plan with its rows."""
    rows = [f"p{index},{index / 50 - 1},{'FM'[index % 2]}" for index in range(100)]
    (folder / "rows.csv").write_text("\n".join(["id,income,sex", *rows]) + "\n", "utf-8")
    text = PLAN.format(target=json.dumps({"url": "http://127.0.0.1:9", **target}), favourable=favourable)
    (folder / "audit.yaml").write_text(text, "utf-8")
    return folder / "audit.yaml"


def traces(folder: Path, *texts: str) -> list[str]:
    """The files below a folder that hold one of the texts, and observations that do."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    found = [str(file) for file in files if any(text.encode() in file.read_bytes() for text in texts)]
    observed = "".join(map(str, Record(folder / "run").observations()))
    return found + [text for text in texts if text in observed]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("api_key", "a", True),
        ("apiKey", "a", True),
        ("Ocp-Apim-Subscription-Key", "a", True),
        ("X-Auth-Token", "a", True),
        ("Authorization", "a", True),
        ("client_secret", 1234, True),
        ("session_cookie", "a", True),
        ("passwd", "a", True),
        ("credentials", "a", True),
        ("X-Amz-Signature", "a", True),
        ("sig", "a", True),
        ("max_tokens", 64, False),
        ("stop_token_ids", 2, False),
        ("skip_special_tokens", True, False),
        ("tokenizer", "a", False),
        ("author", "a", False),
        ("keywords", "a", False),
        ("design", "a", False),
        ("top_k", 5, False),
    ],
)
def test_a_secret_is_known_by_its_name(name: str, value: object, expected: bool) -> None:
    """A count of tokens is none."""
    assert expected is names_secret(name, value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (FORM, True),
        ("Bearer sk-proj-abcdEFGH1234ijklMNOP5678", True),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl", True),
        ("ghp_0123456789abcdefABCDEF0123456789abcd", True),
        ("hf_abcdefghijKLMNOPQRST0123", True),
        ("AKIAIOSFODNN7EXAMPLE", True),
        ("http://host/keys/ASIAIOSFODNN7EXAMPLE/v1", True),
        ("sk-learn-credit-scoring-v2", False),
        ("desk-0123456789abcdef", False),
        ("meta-llama/Llama-3.1-8B", False),
        ("hf_small", False),
    ],
)
def test_a_key_of_a_well_known_service_is_known_by_its_form(text: str, expected: bool) -> None:
    """Names of models are none."""
    assert expected is looks_secret(text)


def test_a_part_of_the_question_and_a_variable_are_no_secrets() -> None:
    """Nor are truths and what is empty."""
    sound = {"request": {"key": "{row.key}", "auth": {"token": "env:A", "use": True, "other": None, "none": ""}}}

    assert [] == list(secret_places(sound))
    assert [("request", "auth", "a", 0)] == [place for place, _ in secret_places({"request": {"auth": {"a": ["b"]}}})]


@pytest.mark.parametrize(
    ("target", "place"),
    [
        ({**CHAT, "extra": {"api_key": KEY}}, "target.extra.api_key"),
        ({**CHAT, "extra": {"metadata": {"authorization": [KEY]}}}, "target.extra.metadata.authorization"),
        ({**CHAT, "extra": {"note": f"use {FORM}"}}, "target.extra.note"),
        ({**CHAT, "url": f"http://127.0.0.1:9/key/{FORM}/v1"}, "target.url"),
        ({**CHAT, "headers": {"Ocp-Apim-Subscription": FORM}}, "target.headers.Ocp-Apim-Subscription"),
        ({**CHAT, "headers": {"X-Access": KEY, "X-Token": KEY}}, "target.headers.X-Token"),
        ({**CHAT, "extra": {"api_key": "env:PROBANDUM_NOT_SET"}}, "target.extra.api_key"),
        ({**ROWS, "request": {"rows": "{matrix}", "apiKey": KEY}}, "target.request.apiKey"),
        ({**ROWS, "identity": {"path": f"/version?api_key={KEY}", "value": "v"}}, "target.identity.path"),
        ({**ROWS, "identity": {"path": "/version?sig=env:PROBANDUM_NOT_SET", "value": "v"}}, "target.identity.path"),
        ({**OIP, "parameters": {"api_key": KEY}}, "target.parameters.api_key"),
        ({**OIP, "inputs": {"parameters": {"password": 123456}}}, "target.inputs.parameters.password"),
    ],
)
def test_a_secret_in_a_plan_is_refused_with_its_place(tmp_path: Path, target: dict[str, Any], place: str) -> None:
    """In one line that does not repeat it, by the check and by the audit, which leaves no folder."""
    written(tmp_path, target)
    ended = [entered(tmp_path, *verb) for verb in (("plan", "check", "audit.yaml"), ("audit", "audit.yaml"))]
    lines = {line for each in ended for line in each.err.strip().splitlines()}
    (line,) = lines

    assert [2, 2] == [each.code for each in ended]
    assert line.startswith("audit.yaml:3:")
    assert place in line
    assert ("under key_env, or in a header as env:NAME" in line) is (place == "target.url")
    assert "a secret is not written into a plan" in line or "names no environment variable that is set" in line
    assert not any(secret in line for secret in (KEY, FORM, "123456"))
    assert {"audit.yaml", "rows.csv"} == {path.name for path in tmp_path.iterdir()}


def test_init_takes_no_secret(tmp_path: Path) -> None:
    """Its plan would hold it."""
    words = ("http://127.0.0.1:9", "--set", "model=tiny", "--set", f"extra={{api_key: {KEY}}}")
    ended = entered(tmp_path, "init", *words)

    assert 2 == ended.code
    assert "target.extra.api_key: a secret is not written into a plan" in ended.err
    assert KEY not in ended.err
    assert [] == list(tmp_path.iterdir())


def test_a_key_of_the_environment_is_sent_in_a_chat_and_written_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where the server repeats it, in answers or in errors."""
    monkeypatch.setenv("TEAM_KEY", KEY)

    def mirror(handler: Handler, body: dict[str, Any], number: int) -> bool:
        handler.served.fingerprint = f"fp {body['api_key']}"
        if number % 20 == 19:
            handler.send_json({"error": {"message": f"bad {body['api_key']} here"}}, 422)
            return True
        return False

    options = {**CHAT, "api": "completions", "extra": {"api_key": "env:TEAM_KEY", "meta": [{"token": "env:TEAM_KEY"}]}}
    with serving(Served(fault=mirror)) as served:
        names = "name,group\n" + "".join(f"{name},{'FM'[name > 'D']}\n" for name in ("Ann", "Bea", "Karl", "Max"))
        (tmp_path / "names.csv").write_text(names, "utf-8")
        plan = {
            "version": 1,
            "system": {"name": "Writer", "version": "1"},
            "target": {**options, "url": served.url},
            "suites": {"bias.name-swap": {"names": "names.csv"}},
            "energy": {"codecarbon": False},
            "documents": ["annex_iv"],
        }
        (tmp_path / "audit.yaml").write_text(json.dumps(plan), "utf-8")
        ended = entered(tmp_path, "audit", "audit.yaml", "--out", "run")

    assert 4 == ended.code
    assert "[secret]" in "".join(map(str, Record(tmp_path / "run").observations()))
    assert {KEY} == {body["api_key"] for body in served.asked} | {body["meta"][0]["token"] for body in served.asked}
    assert [] == traces(tmp_path, KEY, "s3cr3t%2F", "v4lue")
    assert KEY not in ended.out + ended.err


class _Versioned(Scorer):
    """Says what it was asked where it states its version."""

    def do_GET(self) -> None:  # noqa: N802 - the standard library's name
        """The version, and the path."""
        self.served.paths.append(self.path)
        self.send_json({"version": "1", "asked": self.path})


def test_a_key_of_the_environment_is_sent_with_rows_and_in_a_query(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Braces in it are no placeholders."""
    key = "s3cr{text}t/+v4lue"
    monkeypatch.setenv("TEAM_KEY", key)
    target = {
        **ROWS,
        "request": {"instances": "{matrix}", "auth": {"key": "env:TEAM_KEY"}},
        "response": "predictions[].score",
        "identity": {"path": "/version?api_key=env:TEAM_KEY&v=1", "value": "asked"},
    }
    with serving(handler=_Versioned) as served:
        written(tmp_path, {**target, "url": f"{served.url}/score"})
        ended = entered(tmp_path, "audit", "audit.yaml", "--out", "run")

    assert 3 == ended.code, ended.err
    assert {"/version?api_key=s3cr%7Btext%7Dt%2F%2Bv4lue&v=1"} == set(served.paths) - {"/score"}
    assert {key} == {body["auth"]["key"] for body in served.asked if body}
    assert "[secret]" in (tmp_path / "run/ask/environment.json").read_text("utf-8")
    assert [] == traces(tmp_path, key, "v4lue", "s3cr%7B")


def test_a_path_with_a_key_is_blanked_in_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where nobody listens."""
    monkeypatch.setenv("TEAM_KEY", KEY)
    target = {**ROWS, "retries": 0, "identity": {"path": "/version?api_key=env:TEAM_KEY", "value": "v"}}
    written(tmp_path, target)
    ended = entered(tmp_path, "audit", "audit.yaml", "--out", "run")

    assert 4 == ended.code
    assert "/version?api_key=[secret]: asked once" in ended.err


@pytest.mark.parametrize("protocol", ["http", "grpc"])
def test_a_key_of_the_environment_is_a_parameter_of_the_inference_protocol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    """Of a request and of a tensor."""
    monkeypatch.setenv("TEAM_KEY", KEY)
    values = np.random.default_rng(3).normal(size=(200, 1))
    model = LogisticRegression().fit(values, (values[:, 0] > 0).astype(int))
    with oip_serving(model) as served:
        target = {
            **OIP,
            "protocol": protocol,
            "url": served.url if protocol == "http" else served.grpc_url,
            "outputs": {"name": "predict_proba"},
            "parameters": {"api_key": "env:TEAM_KEY"},
            "inputs": {"parameters": {"token": "env:TEAM_KEY"}},
        }
        written(tmp_path, target)
        ended = entered(tmp_path, "audit", "audit.yaml", "--out", "run")

    assert 3 == ended.code, ended.err
    assert {2} == {each.count(KEY.encode()) for each in served.sent}
    assert [] == traces(tmp_path, KEY)
