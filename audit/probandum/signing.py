"""Keys and envelopes: ed25519 signatures over bytes, in DSSE's canonical form.

What is signed is bytes: a payload is written once in canonical JSON and never re-serialised. Without a key an envelope
carries no signature.

Deliberately not supported: more than one signature, key discovery, encrypted keys, and time-stamping.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from probandum import codec
from probandum.errors import RecordError, UsageError
from probandum.record import read_bytes, write_bytes

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_PUBLIC = "name the file that `probandum keygen FILE` wrote beside the key: FILE.pub"


class Signature(msgspec.Struct, forbid_unknown_fields=True):
    """A signature in base64, and the id of the key that it says it was made with."""

    keyid: str
    sig: str


class _Envelope(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    payload: str
    payload_type: str
    signatures: list[Signature]


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
    """The signing key in ``path``; UsageError where there is none, or where others than its owner can read it."""
    data = _key_bytes(path)
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise UsageError(
            f"{path}: not an unencrypted PEM private key", remedy="make one with: probandum keygen FILE"
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"{path}: expected an ed25519 key", remedy="make one with: probandum keygen FILE")
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise UsageError(
            f"{path}: others can use this private key (mode {mode:o}, expected 600)", remedy=f"run: chmod 600 {path}"
        )
    return key


def load_public(path: Path) -> Ed25519PublicKey:
    """The verifying key in ``path``; UsageError where there is none."""
    data = _key_bytes(path)
    try:
        key = serialization.load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise UsageError(f"{path}: not a PEM public key", remedy=_PUBLIC) from None
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"{path}: expected an ed25519 public key", remedy=_PUBLIC)
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


def envelope(body: bytes, key: Ed25519PrivateKey | None) -> bytes:
    """``body`` in a DSSE envelope, canonical, signed where there is a key."""
    signatures = []
    if key is not None:
        signature = base64.b64encode(key.sign(pae(PAYLOAD_TYPE, body))).decode()
        signatures.append(Signature(keyid=key_id(key.public_key()), sig=signature))
    return enveloped(body, signatures)


def enveloped(body: bytes, signatures: list[Signature]) -> bytes:
    """``body`` in a DSSE envelope, canonical, under signatures that were made before."""
    payload = base64.b64encode(body).decode()
    return codec.encode(_Envelope(payload=payload, payload_type=PAYLOAD_TYPE, signatures=signatures))


def made_with(signature: Signature, body: bytes, key: Ed25519PublicKey) -> bool:
    """Whether ``signature`` over ``body`` was made with ``key``, and names it."""
    try:
        key.verify(base64.b64decode(signature.sig), pae(PAYLOAD_TYPE, body))
    except InvalidSignature:
        return False
    return signature.keyid == key_id(key)


def pae(payload_type: str, body: bytes) -> bytes:
    """DSSE's pre-authentication encoding, the bytes that are signed.

    >>> pae("t", b"ab")
    b'DSSEv1 1 t 2 ab'
    """
    return b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type.encode("ascii"), len(body), body)


def open_envelope(path: Path) -> tuple[bytes, list[Signature]]:
    """The payload and its signature, one or none; RecordError unless every byte is where the canonical form puts it.

    Base64 that decodes is not enough: the last character of a payload carries bits that decoding ignores.
    """
    data = read_bytes(path)
    outer = codec.decode(_Envelope, data, what=str(path))
    if codec.encode(outer) != data:
        raise RecordError(f"{path}: not in canonical form")
    if outer.payload_type != PAYLOAD_TYPE:
        raise RecordError(f"{path}: expected payload type {PAYLOAD_TYPE}, got {outer.payload_type}")
    if len(outer.signatures) > 1:
        raise RecordError(f"{path}: expected at most one signature, got {len(outer.signatures)}")
    body = _unpacked(outer.payload, path, "payload")
    for signature in outer.signatures:
        _unpacked(signature.sig, path, "signature")
    return body, outer.signatures


def _unpacked(text: str, path: Path, what: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise RecordError(f"{path}: the {what} is not base64") from None
    if base64.b64encode(raw).decode() != text:
        raise RecordError(f"{path}: the {what} is not in canonical form")
    return raw
