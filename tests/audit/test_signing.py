"""Keys and envelopes: bytes are signed, a payload has one form, and a private key is its owner's alone."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probandum import codec
from probandum.errors import RecordError, UsageError
from probandum.signing import (
    Signature,
    envelope,
    key_id,
    keygen,
    load_private,
    load_public,
    made_with,
    open_envelope,
    pae,
)


@given(body=st.binary(max_size=200))
@settings(max_examples=30, deadline=None)
def test_an_envelope_verifies_with_its_own_key(body: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is signed are the bytes in DSSE's own encoding."""
    folder = tmp_path_factory.mktemp("key")
    keygen(folder / "key")
    outer = json.loads(envelope(body, load_private(folder / "key")))

    load_public(folder / "key.pub").verify(
        base64.b64decode(outer["signatures"][0]["sig"]), pae(outer["payloadType"], base64.b64decode(outer["payload"]))
    )
    assert body == base64.b64decode(outer["payload"])


def test_a_signature_counts_under_its_own_key_and_name_alone(tmp_path: Path) -> None:
    """Another key, other bytes or another key's name: not made with it."""
    ours, theirs = (load_public(keygen(tmp_path / name)) for name in ("ours", "theirs"))
    (tmp_path / "e.json").write_bytes(envelope(b"body", load_private(tmp_path / "ours")))
    body, (signature,) = open_envelope(tmp_path / "e.json")
    renamed = Signature(keyid=key_id(theirs), sig=signature.sig)

    assert made_with(signature, body, ours)
    assert not made_with(signature, body, theirs)
    assert not made_with(signature, b"other", ours)
    assert not made_with(renamed, body, ours)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"payloadType": "text/plain"}, "expected payload type"),
        ({"payload": "YQ=!"}, "the payload is not base64"),
        ({"payload": "YR=="}, "the payload is not in canonical form"),
        ({"more": 1}, "unknown field"),
        ({"signatures": [{"keyid": "a", "sig": "YR=="}]}, "the signature is not in canonical form"),
        ({"signatures": [{"keyid": "a"}]}, "missing required field"),
        ({"signatures": ["a"]}, "Expected `object`"),
        ({"signatures": [{"keyid": "a", "sig": "YQ=="}] * 2}, "at most one signature"),
    ],
)
def test_an_envelope_has_one_form(tmp_path: Path, change: dict[str, object], message: str) -> None:
    """Whatever decodes to the same and is written otherwise is another envelope."""
    path = tmp_path / "e.json"
    path.write_bytes(envelope(b"a", None))
    assert (b"a", []) == open_envelope(path)
    path.write_bytes(codec.encode({**json.loads(path.read_bytes()), **change}))

    with pytest.raises(RecordError, match=message):
        open_envelope(path)


def test_a_space_more_is_another_envelope(tmp_path: Path) -> None:
    """Canonical JSON has none."""
    (tmp_path / "e.json").write_bytes(envelope(b"a", None) + b" ")

    with pytest.raises(RecordError, match="not in canonical form"):
        open_envelope(tmp_path / "e.json")


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    """Losing a key means losing what it signed."""
    keygen(tmp_path / "key")

    with pytest.raises(UsageError, match="exists already"):
        keygen(tmp_path / "key")
    assert 0o600 == (tmp_path / "key").stat().st_mode & 0o777


def test_a_file_that_is_no_key_is_one_error(tmp_path: Path) -> None:
    """Before hours of work, not after."""
    (tmp_path / "key").write_text("no key")

    with pytest.raises(UsageError, match="not an unencrypted PEM private key"):
        load_private(tmp_path / "key")
    with pytest.raises(UsageError, match="not a PEM public key") as caught:
        load_public(tmp_path / "key")
    (line,) = caught.value.lines()
    assert f"{tmp_path / 'key'}: not a PEM public key; name the file that `probandum keygen FILE` wrote" in line
    assert "http" not in line
    with pytest.raises(UsageError, match="No such file"):
        load_private(tmp_path / "nothing")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610, 0o602])
def test_a_private_key_that_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    """The message names the file, its mode and the remedy; the public half may be anybody's."""
    keygen(tmp_path / "key")
    (tmp_path / "key").chmod(mode)
    (tmp_path / "key.pub").chmod(0o644)

    with pytest.raises(UsageError) as caught:
        load_private(tmp_path / "key")
    said = f"{tmp_path}/key: others can use this private key (mode {mode:o}, expected 600)"
    assert [f"{said}; run: chmod 600 {tmp_path}/key"] == caught.value.lines()
    load_public(tmp_path / "key.pub")
    (tmp_path / "key").chmod(0o400)
    load_private(tmp_path / "key")
