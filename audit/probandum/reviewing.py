"""Reviewing: who reviewed which document of a record when, in a statement of its own apart from every seal.

A document is sealed before anybody reviews it, so a review changes none: it names the files that were reviewed by
their digests, and what they say by the digest of their content before any review stood in them. Documents that are
written again show the reviews of what they say, and no other. A review is a record that somebody looked, and no
signature of a responsible person in the sense of Annex IV(2)(g).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from probandum import codec, sealing, versions
from probandum.dates import said_on
from probandum.dossier import Review
from probandum.errors import RecordError, UsageError
from probandum.record import Record, write_bytes
from probandum.sealing import STATEMENT, signed
from probandum.signing import envelope, key_id, load_private, open_envelope

#: The folder of all reviews in a record.
FOLDER = "reviews"
_NAME = re.compile(r"(?P<document>[a-z][a-z0-9_]*)-(?P<number>[1-9][0-9]*)\.dsse\.json")


def read(record: Record) -> tuple[Review, ...]:
    """Every review of ``record``, by document and number; RecordError where one is damaged, missing or misplaced."""
    found = [_read(path) for path in _files(record)]
    reviews = sorted(found, key=lambda each: (each.document, each.number))
    counted: dict[str, int] = {}
    for each in reviews:
        counted[each.document] = counted.get(each.document, 0) + 1
        if each.number != counted[each.document]:
            raise RecordError(f"{_place(record, each.document, counted[each.document])}: is missing")
    return tuple(reviews)


def write(record: Record, review: Review, *, key: Path | None) -> Review:
    """Write down a review, whose number, digest and signer are given here; returns it as it stands.

    UsageError where ``key`` is not the key that signed the record, or is given where none did, and where the same
    person reviewed the same on that day already. RecordError where a review that stands there cannot be.
    """
    sealing.refuse_other_key(record, key)
    private = None if key is None else load_private(key)
    there = read(record)
    refuse_wrong(record, there, None if private is None else private.public_key())
    for each in there:
        if all(getattr(each, name) == getattr(review, name) for name in _SAME):
            again = f"{review.name} reviewed {review.document} on {review.date} already, and it says the same"
            raise UsageError(again, remedy=f"nothing is left to do: review {each.number} holds")
    number = 1 + sum(each.document == review.document for each in there)
    facts = {name: value for name, value in codec.builtins(review).items() if name not in _APART} | {"number": number}
    body = sealing.statement(sorted(review.files.items()), "review", facts)
    write_bytes(_place(record, review.document, number), envelope(body, private))
    return _made(facts, review.files, body, None if private is None else key_id(private.public_key()))


def checked(record: Record, key: Ed25519PublicKey | None) -> tuple[bool | None, str]:
    """Whether every review is of this record, signed as it is, and on a day that can be; and which still hold.

    None where there is none, or where what was reviewed has changed since.
    """
    folder = record.folder / FOLDER
    if not folder.exists() and not shown(record):
        return None, f"nobody recorded a review; record one with: probandum report sign {record.folder}"
    reviews = read(record)
    for each in reviews:
        if (wrong := _wrong(record, each, key)) is not None:
            return False, f"{each.document}-{each.number}: {wrong}"
    for digest in shown(record):
        if digest not in {each.digest for each in reviews}:
            return False, f"the reports show a review that is not here: {digest[:19]}…"
    olds = {each.digest: stale(record, each) for each in reviews}
    said = [
        f"{each.document} by {each.name}, {each.function}, on {each.date}"
        + ("" if (old := olds[each.digest]) is None else f" (stale: {old})")
        for each in reviews
    ]
    detail = "; ".join([*said, *_unchecked(record, reviews, key)])
    return (None if any(olds.values()) else True), detail


def refuse_wrong(record: Record, reviews: Iterable[Review], key: Ed25519PublicKey | None) -> None:
    """RecordError where one of ``reviews`` is not of ``record``, not signed as it is or with ``key``, or cannot be."""
    for each in reviews:
        try:
            wrong = _wrong(record, each, key)
        except UsageError as error:
            wrong = error.message
        if wrong is not None:
            place = _place(record, each.document, each.number)
            raise RecordError(f"{place}: {wrong}", remedy="take it away if nobody made it, and review again")


def stale(record: Record, review: Review) -> str | None:
    """What changed since a review; None where the record decides and its reports say what was reviewed."""
    if review.judgement != sealing.statement_digest(record.judgement()):
        return "another judgement decides now"
    if not (record.reports / STATEMENT).is_file():
        return "the documents are gone"
    if review.digest in shown(record):
        return None
    listed = sealing.listed_digests(record.reports)
    changed = sorted(name for name, digest in review.files.items() if listed.get(name) != digest)
    if not changed:
        return None
    return f"{changed[0]} was written again since and does not show it; write it with: probandum report {record.folder}"


def shown(record: Record) -> tuple[str, ...]:
    """The digests of the reviews that the sealed reports of a record show; none of reports whose seal is damaged."""
    try:
        return sealing.report_facts(record.reports).reviews if (record.reports / STATEMENT).is_file() else ()
    except RecordError:
        return ()


def day(text: str | None, *, started: str) -> str:
    """The ISO date of a review, by default today (UTC); UsageError where it is none, before the run, or to come."""
    found = said_on(text, remedy="give the day of the review")
    if found < started[:10]:
        raise UsageError(f"{found} lies before the run began, on {started[:10]}", remedy="give the day of the review")
    return found


#: What a statement over a review does not say of itself.
_APART = ("files", "digest", "signer")
#: What two reviews have in common that are one.
_SAME = ("document", "judgement", "content", "name", "function", "date")


def _files(record: Record) -> Iterator[Path]:
    folder = record.folder / FOLDER
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if not _NAME.fullmatch(path.name):
            raise RecordError(f"{FOLDER}/{sealing.stray(path.name)}")
        yield path


def _place(record: Record, document: str, number: int) -> Path:
    return record.folder / FOLDER / f"{document}-{number}.dsse.json"


def _read(path: Path) -> Review:
    body, signatures = open_envelope(path)
    told = codec.decode(dict[str, Any], body, what=str(path))
    try:
        files = {each["name"]: each["digest"]["sha256"] for each in told["subject"]}
        review = _made(told["predicate"], files, body, signatures[0].keyid if signatures else None)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise RecordError(f"{path}: not a statement over a review ({type(error).__name__}: {error})") from None
    if sealing.statement(sorted(files.items()), "review", told["predicate"]) != body:
        raise RecordError(f"{path}: not a statement over a review, or not in canonical form")
    if path.name != f"{review.document}-{review.number}.dsse.json":
        raise RecordError(f"{path}: is of {review.document}, number {review.number}")
    return review


def _made(facts: dict[str, Any], files: Any, body: bytes, signer: str | None) -> Review:
    if not all(isinstance(value, str) for name, value in facts.items() if name != "number"):
        raise TypeError("a fact is no text")
    return Review(**facts, files=dict(files), digest=codec.digest(body), signer=signer)


def _wrong(record: Record, review: Review, key: Ed25519PublicKey | None) -> str | None:
    """What a review says that the record contradicts; who reviewed, nothing else says."""
    if review.record != sealing.statement_digest(record.folder):
        return "is of another record"
    if review.judgement not in {sealing.statement_digest(folder) for _, folder in sealing.numbered(record)}:
        return "is of no judgement of this record"
    if (other := sealing.other_signer(record, review.signer)) is not None:
        return other
    place = _place(record, review.document, review.number)
    held, detail = signed(place.parent, key, name=place.name)
    if held is False:
        return detail
    if not (review.name.strip() and review.function.strip() and review.files):
        return "names no person, no function or no file"
    run = record.environment
    day(review.date, started=str(run["started"]))
    return versions.impossible(review.tool, asked=run["tool"]["version"])


def _unchecked(record: Record, reviews: tuple[Review, ...], key: Ed25519PublicKey | None) -> Iterator[str]:
    """What to say of signatures, once for all reviews."""
    if reviews:
        place = _place(record, reviews[0].document, reviews[0].number)
        yield signed(place.parent, key, name=place.name)[1]
