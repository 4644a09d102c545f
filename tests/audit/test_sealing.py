"""Seals: any flipped bit is found, signed or not; a wrong key is refused."""

from __future__ import annotations

import base64
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probandum import api, codec
from probandum.errors import UsageError
from probandum.record import Record
from probandum.sealing import envelope, keygen, load_private, load_public, pae
from records import write_plan

STEPS = 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A signed record, with documents, and its keys beside it."""
    base = tmp_path_factory.mktemp("sealed")
    keygen(base / "key")
    api.audit(write_plan(base), out=base / "run", key=base / "key")
    return base


@pytest.fixture
def run(folder: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the record to damage."""
    yield Path(shutil.copytree(folder / "run", tmp_path / "run"))


def broken(run: Path, key: Path | None = None) -> list[int]:
    """The numbers of the steps that do not hold."""
    return [step.number for step in api.verify(run, key=key) if step.held is False]


def test_a_signed_record_holds_at_every_step(folder: Path) -> None:
    """Eight numbered steps, none broken, the signature checked with the public key."""
    steps = api.verify(folder / "run", key=folder / "key.pub")

    assert list(range(1, STEPS + 1)) == [step.number for step in steps]
    assert [] == [step.title for step in steps if step.held is not True]


def test_without_the_key_the_signature_is_named_and_not_claimed_to_be_checked(folder: Path) -> None:
    """Not checked is not held."""
    step = api.verify(folder / "run")[3]

    assert None is step.held
    assert "not checked" in step.detail


def test_another_key_is_refused(folder: Path, tmp_path: Path) -> None:
    """The message names both keys."""
    keygen(tmp_path / "other")
    steps = api.verify(folder / "run", key=tmp_path / "other.pub")

    assert [4, 5] == [step.number for step in steps if step.held is False]
    assert "was not made with key" in steps[3].detail


def test_every_file_of_a_record_is_guarded_against_a_flipped_bit(folder: Path, run: Path) -> None:
    """One bit anywhere in any file: the gate no longer trusts the record."""
    rng = random.Random(7)
    files = sorted(path for path in run.rglob("*") if path.is_file())

    assert len(files) > 10
    for path in files:
        data = bytearray(path.read_bytes())
        for place in {0, len(data) - 1, rng.randrange(len(data)), rng.randrange(len(data))}:
            changed = bytearray(data)
            changed[place] ^= 1 << rng.randrange(8)
            path.write_bytes(bytes(changed))
            assert broken(run, folder / "key.pub"), f"{path.relative_to(run)}, byte {place}"
        path.write_bytes(bytes(data))
    assert [] == broken(run, folder / "key.pub")


def test_an_unsigned_record_finds_a_flipped_bit_too(tmp_path: Path) -> None:
    """Digests do not need a key."""
    record = api.audit(write_plan(tmp_path), out=tmp_path / "run", documents=False)
    assert [] == broken(record.folder)
    path = record.ask / "estimates.json"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))

    assert [2, 3] == [number for number in broken(record.folder) if number in (2, 3)]
    assert 4 == api.gate(record).code


@pytest.mark.parametrize(
    "name", ["ask/estimates.json", "ask/observations.jsonl.zst", "statement.dsse.json", "SHA256SUMS"]
)
def test_a_truncated_file_is_found(run: Path, name: str) -> None:
    """Half a file is no record."""
    path = run / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    assert broken(run)
    assert 4 == api.gate(run).code


def test_a_file_more_and_a_file_less_are_found(run: Path) -> None:
    """The list of digests is the list of files."""
    (run / "ask" / "more.json").write_text("{}")
    assert 2 in broken(run)
    (run / "ask" / "more.json").unlink()
    (run / "ask" / "items.json").unlink()

    assert 2 in broken(run)


def test_findings_of_another_judgement_are_found(run: Path) -> None:
    """findings.json is one of the sealed judgements, to the byte."""
    path = run / "findings.json"
    findings = json.loads(path.read_text())
    findings[0]["verdict"] = "PASS"
    path.write_bytes(codec.pretty(findings))

    assert 6 in broken(run)


def test_the_last_character_of_a_payload_carries_no_spare_bits(run: Path) -> None:
    """Base64 that decodes to the same bytes is still another envelope."""
    path = run / "statement.dsse.json"
    outer = json.loads(path.read_text())
    payload = outer["payload"]
    if payload.endswith("="):
        at = len(payload.rstrip("=")) - 1
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        twin = alphabet[alphabet.index(payload[at]) ^ 1]
        outer["payload"] = payload[:at] + twin + payload[at + 1 :]
        assert base64.b64decode(outer["payload"]) == base64.b64decode(payload)
        path.write_bytes(codec.encode(outer))

        assert 3 in broken(run)


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
    with pytest.raises(UsageError, match="not a PEM public key"):
        load_public(tmp_path / "key")


def test_judging_again_keeps_the_first_judgement_sealed(folder: Path, run: Path) -> None:
    """Both judgements verify; findings.json is the newer one."""
    from probandum.finding import Limit, Verdict

    record = Record.open(run)
    before = record.findings
    limit = Limit(metric="bias.group-rates/impact-ratio", direction="at_least", threshold=0.1)
    after = api.judge(record, limits=[limit])

    assert Verdict.FAIL in [finding.verdict for finding in before]
    assert Verdict.FAIL not in [finding.verdict for finding in after]
    assert 2 == len(list((run / "judgements").iterdir()))
    assert [] == broken(run)
