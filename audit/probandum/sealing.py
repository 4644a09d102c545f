"""Seals: digests of every file, an in-toto statement over them in an envelope, and the checks of one sealed folder.

Three kinds of folder have a seal of their own: the record over what was asked, each judgement, and the reports. A
statement holds the digests and, in its predicate, a few facts; each fact can be found again in the files, and is.
Without a key a flipped bit is still found, but whoever can write the folder could write a matching seal, and every
report says so.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from probandum import codec
from probandum.errors import RecordError, UsageError
from probandum.record import PART, Record, read_bytes, write_bytes
from probandum.signing import envelope, key_id, load_private, made_with, open_envelope
from probandum.units import counted

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
SUMS = "SHA256SUMS"
STATEMENT = "statement.dsse.json"
#: What the statement over a judgement repeats of its `judging.json`.
_JUDGING = ("number", "before", "tool", "mode", "as_of")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFacts:
    """What the statement over reports says: enough to render them again.

    ``record`` and ``judgement``: digests of the statements that the reports speak of. ``as_of``: the ISO date that they
    state. ``packages``: versions of what rendered them. ``language``: in which they are written.
    ``reviews``: digests of the statements over the reviews that they show. ``final``: they were written to be filed.
    """

    record: str
    judgement: str
    documents: tuple[str, ...]
    formats: tuple[str, ...]
    as_of: str
    packages: dict[str, str]
    language: str
    reviews: tuple[str, ...]
    final: bool


def ask_facts(record: Record) -> dict[str, Any]:
    """What the statement over ``ask/`` says: the record's key, the tool that asked, and what a purge would leave.

    ``left``: the SHA-256 of the journal's lines without raw questions and answers. It is the same before and after a
    purge, so that the seal of what was asked holds for what is left of it.
    """
    left = hashlib.sha256()
    for line in record.left_by_a_purge():
        left.update(line)
    return {"key": record.plan.get("key"), "tool": record.environment.get("tool"), "left": left.hexdigest()}


def judgement_facts(record: Record, folder: Path) -> dict[str, Any]:
    """What a judgement's statement says: the record that it judges, its number, the one before, tool, mode and day."""
    said = _judging(folder)
    return {"record": statement_digest(record.folder), **{name: said.get(name) for name in _JUDGING}}


def numbered(record: Record) -> list[tuple[int, Path]]:
    """Every judgement of ``record`` after its number, the latest last; RecordError where one has no number.

    The first judgement is number 1. Each one that differs from the latest is the next, also where it says what an
    older one said: so the present judgement is the one with the highest number, and none can be swapped for another.
    """
    base = record.folder / "judgements"
    folders = [path for path in base.iterdir() if (path / "judging.json").is_file()] if base.is_dir() else []
    return sorted((_number(folder), folder) for folder in folders)


def before(folder: Path | None) -> str | None:
    """What a judgement says of the one before it, in ``folder``: the digest of its statement; None of the first."""
    return None if folder is None else statement_digest(folder)


def _number(folder: Path) -> int:
    found = _judging(folder).get("number")
    if type(found) is not int or found < 1:
        raise RecordError(f"{folder / 'judging.json'}: expected a number from 1 on, found {found!r}")
    return found


def _judging(folder: Path) -> dict[str, Any]:
    path = folder / "judging.json"
    return codec.decode(dict[str, Any], read_bytes(path), what=str(path))


def judgement_name(said: Mapping[str, Any], card: Mapping[str, Any]) -> str:
    """The name of a judgement's folder: 16 hex digits of the digest of its ``judging.json`` and ``card.json``."""
    return codec.digest_of([said, card]).removeprefix("sha256:")[:16]


def seal(folder: Path, files: Iterable[Path], *, predicate: str, facts: Mapping[str, Any], key: Path | None) -> str:
    """Write ``SHA256SUMS`` and the statement over ``files`` into ``folder``; returns the statement's digest.

    ``predicate`` names what kind of statement it is; ``facts`` go into it as they are. The statement comes last: a
    process that is killed before leaves no folder that claims to be sealed.
    """
    private = None if key is None else load_private(key)
    sums = sorted((_name(folder, path), file_sha256(path)) for path in files)
    body = statement(sums, predicate, facts)
    (folder / STATEMENT).unlink(missing_ok=True)
    write_bytes(folder / SUMS, _sums_text(sums))
    write_bytes(folder / STATEMENT, envelope(body, private))
    return codec.digest(body)


def break_seal(folder: Path) -> None:
    """Take the seal off ``folder``, and then away every file that it covered; what else lies there stays."""
    try:
        listed = listed_digests(folder)
    except RecordError:
        listed = {}
    (folder / STATEMENT).unlink(missing_ok=True)
    (folder / SUMS).unlink(missing_ok=True)
    root = folder.resolve()
    for path in [folder / name for name in listed]:
        if not path.resolve().is_relative_to(root):
            continue  # a damaged list must not reach files elsewhere
        with contextlib.suppress(OSError):  # what cannot go stays, and is found when the folder is verified
            path.unlink()
            if path.parent != folder:
                path.parent.rmdir()


def contents(folder: Path) -> list[Path]:
    """Every file under ``folder``, and every folder without one: what a list of digests has to account for."""
    found: list[Path] = []
    for where, folders, files in os.walk(folder, onerror=_unreadable):
        found += [Path(where, name) for name in files]
        inner = [Path(where, name) for name in folders]
        found += [path for path in inner if path.is_symlink() or not any(path.iterdir())]
    return sorted(found)


def sealed_files(folder: Path) -> list[Path]:
    """What a seal inside ``folder`` has to list: everything but itself."""
    return [path for path in contents(folder) if path not in (folder / SUMS, folder / STATEMENT)]


def _unreadable(error: OSError) -> None:
    raise RecordError(f"{error.filename}: {error.strerror or error}")


def agree(
    folder: Path, found: Iterable[Path], *, replaced: Mapping[str, tuple[str, str]] | None = None
) -> tuple[bool, str]:
    """Whether ``SHA256SUMS`` in ``folder`` lists exactly what was ``found``, with the digest that each file has.

    ``replaced``: by name, the listed digest of a file that went and the digest of what stands in its place.
    """
    listed = listed_digests(folder)
    names = {_name(folder, path): path for path in found}
    for name in sorted({*listed, *names}):
        if name not in listed:
            return False, stray(name)
        if name in names and names[name].is_symlink():
            return False, linked(name)
        if name not in names or not names[name].is_file():
            return False, f"{name} is listed and missing"
        went, instead = (replaced or {}).get(name, (None, ""))
        expected = instead if listed[name] == went else listed[name]
        if expected != (digest := file_sha256(names[name])):
            return False, f"{name}: expected {expected[:12]}…, found {digest[:12]}…"
    return True, counted(len(names), "file")


def stray(name: str) -> str:
    """What to say of a file or folder ``name`` that no seal accounts for."""
    if PART in name:
        return f"{name!r} is left over from a command that was interrupted: repeat that command"
    return f"{name!r} is not listed"


def linked(name: str) -> str:
    """What to say of a symbolic link ``name`` in a record: what it points at stands somewhere else.

    >>> linked("ask")
    "'ask' is a symbolic link, and a record holds files and folders alone"
    """
    return f"{name!r} is a symbolic link, and a record holds files and folders alone"


def special(name: str) -> str:
    """What to say of ``name`` in a record that is neither file nor folder, such as a named pipe; it is never opened.

    >>> special("judgement")
    "'judgement' is neither a file nor a folder, and a record holds files and folders alone"
    """
    return f"{name!r} is neither a file nor a folder, and a record holds files and folders alone"


def same(folder: Path, predicate: str, facts: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether the statement in ``folder`` is canonical, says what ``SHA256SUMS`` says, and these ``facts``."""
    body, _ = open_envelope(folder / STATEMENT)
    if body == statement(listed_digests(folder).items(), predicate, facts):
        return True, f"statement {codec.digest(body)[:19]}…"
    told = _told(folder).predicate
    for name in sorted({*facts, *told}):
        one, other = codec.encode(told.get(name)).decode(), codec.encode(facts.get(name)).decode()
        if one != other:
            return False, f"the statement says {name} {one}, and the files {other}"
    return False, "the statement names other files, other digests or another kind"


def signed(folder: Path, key: Ed25519PublicKey | None, *, name: str = STATEMENT) -> tuple[bool | None, str]:
    """Whether the statement ``name`` in ``folder`` is signed with ``key``; None where that is not checked."""
    body, signatures = open_envelope(folder / name)
    if not signatures:
        if key is not None:
            return False, "unsigned, and a key was given"
        return None, "unsigned: whoever can write this folder could have written a matching seal"
    (signature,) = signatures
    if key is None:
        return None, f"it names key {signature.keyid}, not checked: give the public key with --key"
    if not made_with(signature, body, key):
        return False, f"the signature was not made with key {key_id(key)} (it names {signature.keyid})"
    return True, f"signed by key {key_id(key)}"


def unchecked(folder: Path, key: Ed25519PublicKey | None) -> str | None:
    """What to say of a signed record in ``folder`` that nobody gave the public key for; None where there is nothing.

    The bytes of another signature can be pasted there, over other limits, too.
    """
    if key is not None:
        return None
    with contextlib.suppress(RecordError):
        if (by := signature(folder)["key_id"]) is not None:
            return (
                f"no signature was checked: the record names key {by}, which whoever can write its folder can write "
                "there over anything; give the public key with --key"
            )
    return None


def signed_alike(record: Record, folder: Path, key: Ed25519PublicKey | None) -> tuple[bool | None, str]:
    """As :func:`signed`, of a judgement or the reports; False too where another key, or none, signed than the record.

    Without a key that only compares what the signatures name; whether they hold takes the public key.
    """
    held, detail = signed(folder, key)
    if held is not False and (other := other_signer(record, signature(folder)["key_id"])) is not None:
        return False, other
    return held, detail


def other_signer(record: Record, own: str | None) -> str | None:
    """What is wrong where something in ``record`` is signed by the key ``own``, and the record by another or by none.

    A signature over part of an unsigned record is what is left where that of the record was taken off.
    """
    by = signature(record.folder)["key_id"]
    told = [f"signed by key {each}" if each else "unsigned" for each in (own, by)]
    return None if own == by else f"{told[0]}, and the record is {told[1]}"


def refuse_other_key(record: Record, key: Path | None) -> None:
    """UsageError where ``key`` is not the private key that signed ``record``, or one is given and none signed it.

    What is added to a record is signed as it is, so that "signed by" is said of all of it or of nothing.
    """
    by = signature(record.folder)["key_id"]
    own = None if key is None else key_id(load_private(key).public_key())
    if by is None and own is not None:
        raise UsageError(
            f"{record.folder}: unsigned, and what is added to it is unsigned, too",
            remedy="leave --key and PROBANDUM_KEY out, or audit again with the key into another --out",
        )
    if by is not None and own != by:
        instead = "" if own is None else f", and {key} is key {own}"
        raise UsageError(
            f"{record.folder}: signed by key {by}{instead}", remedy="give its private key with --key or PROBANDUM_KEY"
        )


def statement_digest(folder: Path) -> str:
    """The digest of the statement in ``folder``: what names this record, or this judgement."""
    return codec.digest(open_envelope(folder / STATEMENT)[0])


def signature(folder: Path) -> dict[str, Any]:
    """Whether the statement in ``folder`` carries a signature, and of which key; it is not checked here."""
    _, signatures = open_envelope(folder / STATEMENT)
    return {"signed": bool(signatures), "key_id": signatures[0].keyid if signatures else None}


def report_facts(folder: Path) -> ReportFacts:
    """What the statement over reports in ``folder`` says; RecordError where it is of another kind."""
    path = folder / STATEMENT
    told = _told(folder)
    if told.predicate_type != predicate_type("reports"):
        raise RecordError(f"{path}: not a statement over reports")
    return codec.decode(ReportFacts, codec.encode(told.predicate), what=str(path))


class _Told(msgspec.Struct, rename="camel"):
    """A statement as far as it is read again; whether it says more is seen when its bytes are compared."""

    predicate_type: str
    predicate: dict[str, Any]


def _told(folder: Path) -> _Told:
    body, _ = open_envelope(folder / STATEMENT)
    return codec.decode(_Told, body, what=str(folder / STATEMENT))


def listed_digests(folder: Path) -> dict[str, str]:
    """The SHA-256 in hex of every file that ``SHA256SUMS`` in ``folder`` lists, by name."""
    return _parse_sums(read_bytes(folder / SUMS), folder / SUMS)


def _name(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file of a record, in hex."""
    return hashlib.sha256(read_bytes(path)).hexdigest()


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
    """What kind of statement it is: ask, judgement, reports, review, purge or lock.

    >>> predicate_type("lock")
    'urn:probandum:lock:v1'
    """
    return f"urn:probandum:{predicate}:v1"


def statement(sums: Iterable[tuple[str, str]], predicate: str, facts: Mapping[str, Any]) -> bytes:
    """An in-toto statement in canonical JSON over ``(name, hex digest)`` pairs: the bytes that are signed."""
    return codec.encode(
        {
            "_type": STATEMENT_TYPE,
            "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in sums],
            "predicateType": predicate_type(predicate),
            "predicate": facts,
        }
    )
