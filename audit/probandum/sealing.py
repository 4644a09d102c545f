"""Seals: digests of every file, an in-toto statement over them, a DSSE envelope, and ``verify``.

What is signed is bytes: the statement is written once in canonical JSON and never re-serialised. Without a
key the envelope carries no signature: a flipped bit is still found, but whoever can write the folder could
write a matching seal, and every report says so.

Deliberately not supported: more than one signature, key discovery, and time-stamping.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from probandum import codec
from probandum.errors import RecordError, UsageError
from probandum.evidence import Observation
from probandum.record import Record, read_bytes, write_bytes

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
SUMS = "SHA256SUMS"
STATEMENT = "statement.dsse.json"


def keygen(path: Path) -> Path:
    """Write a new ed25519 key (PKCS#8 PEM, mode 600) to ``path`` and its public half to ``path.pub``."""
    public = path.with_name(path.name + ".pub")
    for file in (path, public):
        if file.exists():
            raise UsageError(f"{file}: exists already", remedy="choose another name; a key is never overwritten")
    key = Ed25519PrivateKey.generate()
    write_bytes(
        path,
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
    write_bytes(
        public,
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
    )
    return public


def load_private(path: Path) -> Ed25519PrivateKey:
    """The signing key in ``path``; UsageError where there is none."""
    try:
        key = serialization.load_pem_private_key(_key_bytes(path), password=None)
    except (ValueError, TypeError) as error:
        raise UsageError(f"{path}: not an unencrypted PEM private key ({error})") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"{path}: expected an ed25519 key", remedy="make one with: probandum keygen FILE")
    return key


def load_public(path: Path) -> Ed25519PublicKey:
    """The verifying key in ``path``; UsageError where there is none."""
    try:
        key = serialization.load_pem_public_key(_key_bytes(path))
    except ValueError as error:
        raise UsageError(f"{path}: not a PEM public key ({error})") from None
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"{path}: expected an ed25519 public key")
    return key


def key_id(key: Ed25519PublicKey) -> str:
    """The first 16 hex digits of the SHA-256 of the raw public key."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:16]


def _key_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}", remedy="name a key file") from None


def seal(folder: Path, files: Iterable[Path], *, predicate: str, facts: dict[str, Any], key: Path | None) -> str:
    """Write ``SHA256SUMS`` and the statement over ``files`` into ``folder``; returns the statement's digest.

    ``predicate`` names what kind of statement it is; ``facts`` go into it as they are.
    """
    sums = _sums(folder, files)
    body = statement(sums, predicate, facts)
    write_bytes(folder / SUMS, _sums_text(sums))
    write_bytes(folder / STATEMENT, envelope(body, None if key is None else load_private(key)))
    return codec.digest(body)


def envelope(body: bytes, key: Ed25519PrivateKey | None) -> bytes:
    """``body`` in a DSSE envelope, canonical, signed where there is a key."""
    signatures = []
    if key is not None:
        signature = key.sign(pae(PAYLOAD_TYPE, body))
        signatures.append({"keyid": key_id(key.public_key()), "sig": base64.b64encode(signature).decode()})
    return codec.encode(
        {"payload": base64.b64encode(body).decode(), "payloadType": PAYLOAD_TYPE, "signatures": signatures}
    )


def pae(payload_type: str, body: bytes) -> bytes:
    """DSSE's pre-authentication encoding, the bytes that are signed.

    >>> pae("t", b"ab")
    b'DSSEv1 1 t 2 ab'
    """
    return b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type.encode("ascii"), len(body), body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One numbered step of a verification. ``held`` None: not applicable, and ``detail`` says why."""

    number: int
    title: str
    held: bool | None
    detail: str


def verify(record: Record, *, key: Ed25519PublicKey | None = None) -> list[Step]:
    """Every step of the verification, also those after a failure.

    1. the record is complete and sealed
    2. SHA256SUMS lists exactly the files of ask/, and every digest agrees
    3. the statement is canonical and says what SHA256SUMS says
    4. the statement is signed, with the given key
    5. every judgement's files agree with its own digests and statement, which names this record
    6. findings.json is one of the judgements, to the byte
    7. every finding's evidence is among the recorded observations
    8. the reports agree with their digests
    """
    steps: list[Step] = []

    def step(title: str, check: Any) -> None:
        number = len(steps) + 1
        try:
            held, detail = check()
        except RecordError as error:
            held, detail = False, error.message
        steps.append(Step(number=number, title=title, held=held, detail=detail))

    ask_files = sorted(path for path in record.ask.rglob("*") if path.is_file())
    step("the record is complete and sealed", lambda: _complete(record))
    step("every file of ask/ has the digest in SHA256SUMS", lambda: _agree(record.folder, ask_files))
    step("the statement is canonical and says the same", lambda: _same(record.folder, ask_files, "ask"))
    step("the statement is signed", lambda: _signed(record.folder, key))
    step("every judgement agrees with its own seal", lambda: _judgements(record, key))
    step("findings.json is one of the judgements", lambda: (True, record.judgement().name))
    step("every finding's evidence was recorded", lambda: _evidence(record))
    step("the reports agree with their digests", lambda: _reports(record))
    return steps


def _complete(record: Record) -> tuple[bool, str]:
    for name in ("plan.yaml", "plan.json", "environment.json", "observations.jsonl.zst", "estimates.json"):
        if not (record.ask / name).is_file():
            return False, f"ask/{name} is missing"
    for name in (SUMS, STATEMENT, "findings.json", record.present.name):
        if not (record.folder / name).is_file():
            return False, f"{name} is missing"
    return True, f"sealed, {len(record.results)} probes"


def _agree(folder: Path, files: Iterable[Path]) -> tuple[bool, str]:
    listed = _parse_sums(read_bytes(folder / SUMS), folder / SUMS)
    found = dict(_sums(folder, files))
    for name in sorted(listed.keys() | found.keys()):
        if name not in found:
            return False, f"{name} is listed and missing"
        if name not in listed:
            return False, f"{name} is not listed"
        if listed[name] != found[name]:
            return False, f"{name}: expected {listed[name][:12]}…, found {found[name][:12]}…"
    return True, f"{len(found)} files"


def _same(folder: Path, files: Iterable[Path], predicate: str) -> tuple[bool, str]:
    body, _ = open_envelope(folder / STATEMENT)
    told = codec.decode(dict[str, Any], body, what=str(folder / STATEMENT))
    expected = statement(_sums(folder, files), predicate, told.get("predicate", {}))
    if body != expected:
        return False, "the statement names other files, other digests or another kind"
    return True, f"statement {codec.digest(body)[:19]}…"


def _signed(folder: Path, key: Ed25519PublicKey | None) -> tuple[bool | None, str]:
    body, signatures = open_envelope(folder / STATEMENT)
    if not signatures:
        if key is not None:
            return False, "unsigned, and a key was given"
        return None, "unsigned: whoever can write this folder could have written a matching seal"
    if key is None:
        return None, f"signed by key {signatures[0].get('keyid')}, not checked: give the public key with --key"
    try:
        key.verify(base64.b64decode(str(signatures[0].get("sig")), validate=True), pae(PAYLOAD_TYPE, body))
    except (InvalidSignature, ValueError):
        return False, f"the signature was not made with key {key_id(key)} (it names {signatures[0].get('keyid')})"
    return True, f"signed by key {key_id(key)}"


def _judgements(record: Record, key: Ed25519PublicKey | None) -> tuple[bool, str]:
    folders = sorted(path for path in (record.folder / "judgements").glob("*") if path.is_dir())
    if not folders:
        return False, "no judgement"
    seal_body, _ = open_envelope(record.folder / STATEMENT)
    for folder in folders:
        files = [path for path in sorted(folder.iterdir()) if path.name not in (SUMS, STATEMENT)]
        for check in (_agree(folder, files), _same(folder, files, "judgement")):
            if not check[0]:
                return False, f"{folder.name}: {check[1]}"
        body, _ = open_envelope(folder / STATEMENT)
        named = codec.decode(dict[str, Any], body)["predicate"].get("record")
        if named != codec.digest(seal_body):
            return False, f"{folder.name}: judges another record"
        signed, detail = _signed(folder, key)
        if signed is False:
            return False, f"{folder.name}: {detail}"
    return True, f"{len(folders)} judgement{'s' if len(folders) > 1 else ''}"


def _evidence(record: Record) -> tuple[bool, str]:
    recorded = {entry.request if isinstance(entry, Observation) else entry.window for entry in record.entries()}
    named = {digest for finding in record.findings for digest in finding.evidence}
    missing = sorted(named - recorded)
    if missing:
        return False, f"{len(missing)} digests name no observation, the first {missing[0][:19]}…"
    return True, f"{len(named)} of {len(recorded)} observations are evidence of a finding"


def _reports(record: Record) -> tuple[bool | None, str]:
    folder = record.folder / "reports"
    if not (folder / SUMS).is_file():
        return None, "no reports"
    return _agree(folder, [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != SUMS])


def statement_digest(folder: Path) -> str:
    """The digest of the statement in ``folder``: what names this record, or this judgement."""
    return codec.digest(open_envelope(folder / STATEMENT)[0])


def signature(folder: Path) -> dict[str, Any]:
    """Whether the statement in ``folder`` carries a signature, and of which key; it is not checked here."""
    _, signatures = open_envelope(folder / STATEMENT)
    return {"signed": bool(signatures), "key_id": signatures[0].get("keyid") if signatures else None}


def write_sums(folder: Path) -> None:
    """List the digest of every file under ``folder`` in its ``SHA256SUMS``."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != SUMS]
    write_bytes(folder / SUMS, _sums_text(_sums(folder, files)))


def _sums(folder: Path, files: Iterable[Path]) -> list[tuple[str, str]]:
    return sorted((path.relative_to(folder).as_posix(), hashlib.sha256(read_bytes(path)).hexdigest()) for path in files)


def _sums_text(sums: Iterable[tuple[str, str]]) -> bytes:
    return "".join(f"{digest}  {name}\n" for name, digest in sums).encode()


def _parse_sums(data: bytes, path: Path) -> dict[str, str]:
    try:
        pairs = [line.split("  ", 1) for line in data.decode().splitlines()]
        listed = {name: digest for digest, name in pairs}
    except (UnicodeDecodeError, ValueError):
        raise RecordError(f"{path}: not a list of digests") from None
    if _sums_text(sorted(listed.items())) != data:
        raise RecordError(f"{path}: not in canonical form")
    return listed


def predicate_type(predicate: str) -> str:
    """What kind of statement it is: ask, judgement or lock.

    >>> predicate_type("lock")
    'urn:probandum:lock:v1'
    """
    return f"urn:probandum:{predicate}:v1"


def statement(sums: Iterable[tuple[str, str]], predicate: str, facts: dict[str, Any]) -> bytes:
    """An in-toto statement in canonical JSON over ``(name, hex digest)`` pairs: the bytes that are signed."""
    return codec.encode(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in sums],
            "predicateType": predicate_type(predicate),
            "predicate": facts,
        }
    )


def open_envelope(path: Path) -> tuple[bytes, list[dict[str, Any]]]:
    """The payload and signatures; RecordError unless every byte is where the canonical form puts it.

    Base64 that decodes is not enough: the last character of a payload carries bits that decoding ignores.
    """
    data = read_bytes(path)
    outer = codec.decode(dict[str, Any], data, what=str(path))
    if codec.encode(outer) != data or set(outer) != {"payload", "payloadType", "signatures"}:
        raise RecordError(f"{path}: not in canonical form")
    if outer["payloadType"] != PAYLOAD_TYPE:
        raise RecordError(f"{path}: expected payload type {PAYLOAD_TYPE}, got {outer['payloadType']}")
    try:
        body = base64.b64decode(outer["payload"], validate=True)
    except (ValueError, TypeError):
        raise RecordError(f"{path}: the payload is not base64") from None
    if base64.b64encode(body).decode() != outer["payload"]:
        raise RecordError(f"{path}: the payload is not in canonical form")
    for signature in outer["signatures"]:
        try:
            raw = base64.b64decode(str(signature.get("sig")), validate=False)
        except ValueError:
            raise RecordError(f"{path}: the signature is not base64") from None
        if base64.b64encode(raw).decode() != signature.get("sig"):
            raise RecordError(f"{path}: the signature is not in canonical form")
    return body, list(outer["signatures"])
