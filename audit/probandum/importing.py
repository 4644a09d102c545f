"""Importing: what people wrote into the fields of a document goes back into the card, with who said it and when.

1. the record is found that the document names, and holds
2. the document is of this record, of a judgement that decided the same, and of this template
3. nothing else than its fields was changed
4. the card is found, and is the one that the record was judged by
5. no statement takes the place of another one that the card holds, unless that is said
6. the card is written whole or not at all, and reads as it did but for what was written

The record knows nothing of it until it is judged again, which asks nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as replaced
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from probandum import card_file, card_writing, codec, questioning, reporting, sealing, verifying
from probandum.card_file import CardFile
from probandum.chaining import Again
from probandum.dates import said_on
from probandum.dossier import publisher
from probandum.errors import DataError, UsageError
from probandum.filling import Entry, Origin
from probandum.law.confirming import CONFIRMED, kept
from probandum.plan import Plan
from probandum.plan_file import SystemCard
from probandum.record import Record, read_bytes
from probandum.splicing import Statement
from probandum.stating import names_somebody, stands_in, stated, words

_OTHERWISE = "write it otherwise in the document, or by hand in the card"
#: What a card says plainly: of itself who declares it and when, and a version, which titles quote.
_PLAIN = ("declared.by", "declared.date", "version")
#: How many letters a field may hold: some ten pages.
_LONGEST = 20_000
_OTHER = "fill in the document that `probandum report` writes of this record now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of the fields of a document: paths written, of those the ones replaced, those that stood already.

    ``card``: the file that holds the card. ``plan``: the audit file that names it, where it is known.
    """

    document: str
    card: Path
    record: Path
    plan: Path | None
    tier: str | None
    written: Mapping[str, Statement]
    replaced: tuple[str, ...]
    standing: tuple[str, ...]
    empty: int


def import_filled(
    file: Path,
    *,
    again: Again,
    record: Record,
    by: str = "",
    date: str | None = None,
    plan: Path | None = None,
    card: Path | None = None,
    replace: bool = False,
) -> Imported:
    """Write the filled fields of the Word file into the card; ``again`` judges ``record`` once more.

    ``plan`` or ``card``: the file that holds the card, by default the audit file where the record says that it lay.
    ``by`` and ``date`` hold for every field that does not say so itself; ``by`` is needed where there is one, ``date``
    is by default today (UTC). DataError where the document is another one or was changed; UsageError where the card
    holds something else already, or nobody states what a field says.
    """
    speaker = _speaker(by) if by.strip() else None
    on = said_on(date, label="--date: ", remedy="give the day on which it was stated")
    origin = publisher().origin(file)
    # 1. the record
    verifying.refuse_damaged(record, key=None, upto=6, again=again)
    # 2. the document
    told = reporting.dossier(
        record, as_of=origin.as_of, judgement=_judgement(record, origin, file), language=origin.language
    )
    told = reporting.reviewed(record, told, (origin.document,), only=origin.reviews)
    told = replaced(told, final=origin.final)  # which an unreviewed or an open document says nowhere
    # 3. its fields
    filled = publisher().filled(told, file, original=_as_sealed(record, f"{origin.document}.docx"))
    # 4. the card
    plan = _plan_of(record, plan)
    found = _card(record, None if card is not None else plan, card)
    # 5. what stands there already
    statements: dict[str, Statement] = {}
    standing: list[str] = []
    taken: list[str] = []
    for entry in filled.entries:
        value = _value(entry)
        there = stated(found.card, entry.path)
        if there is not None and words(there.value) == words(value) and (there.own or entry.path in _PLAIN):
            standing.append(entry.path)
            continue
        if there is not None:
            taken.append(entry.path)
        statements[entry.path] = _statement(entry, value, speaker, on)
    if taken and not replace:
        raise UsageError(_conflict(found, taken, statements), remedy="with --replace they give way")
    # 6. the writing
    if statements:
        _write(found, statements, filled.entries)
    return Imported(
        document=origin.document,
        card=found.path,
        record=record.folder,
        plan=plan,
        tier=record.plan.get("tier"),
        written=statements,
        replaced=tuple(taken),
        standing=tuple(standing),
        empty=filled.empty,
    )


def record_of(file: Path, *, run: Path | None, beside: Sequence[Path]) -> Record:
    """The record that the Word file names: ``run``, or one around the file or in ``beside``, also in ``runs`` there."""
    origin = publisher().origin(file)
    if run is not None:
        record = Record.open(run)
        if (named := sealing.statement_digest(record.folder)) != origin.record:
            raise DataError(f"{file}: of record {origin.record[:19]}…, and {run} is {named[:19]}…", remedy=_OTHER)
        return record
    there = [*file.absolute().parents[:2], *beside]
    within = [inner for each in there for place in (each, each / "runs") for inner in sorted(place.glob("*/"))]
    for folder in (*there, *within):
        record = Record(folder)
        if record.sealed and sealing.statement_digest(folder) == origin.record:
            return record
    raise UsageError(f"{file}: its record {origin.record[:19]}… does not lie here", remedy="name its folder with --run")


def _judgement(record: Record, origin: Origin, file: Path) -> str:
    """The judgement that a document was written from: the present one, or one that found and decided the same."""
    known = publisher().known()
    if origin.document not in known:
        raise DataError(f"{file}: {origin.document} is no document of an audit", remedy=_OTHER)
    if known[origin.document].digest != origin.template:
        raise DataError(f"{file}: {origin.document} has another template by now", remedy=_OTHER)
    present = record.judgement()
    for number, folder in sealing.numbered(record):
        if sealing.statement_digest(folder) != origin.judgement:
            continue
        for name in ("findings.json", "gate.json"):
            if _told(folder / name) != _told(present / name):
                raise DataError(f"{file}: of judgement {number}, and another one decides now", remedy=_OTHER)
        return folder.name
    raise DataError(f"{file}: of no judgement of {record.folder}", remedy=_OTHER)


def _as_sealed(record: Record, name: str) -> Path | None:
    """A file among the sealed reports of a record, where it is as it was sealed."""
    path = record.reports / name
    if not (record.reports / sealing.STATEMENT).is_file() or not path.is_file():
        return None
    return path if sealing.listed_digests(record.reports).get(name) == sealing.file_sha256(path) else None


def _told(path: Path) -> Any:
    """A file of a judgement, without its place among the others."""
    told = codec.decode(Any, read_bytes(path), what=str(path))
    if isinstance(told, dict):
        told.pop("attempts", None)
    return told


def _card(record: Record, plan: Path | None, card: Path | None) -> CardFile:
    """The card that a record was judged by: in ``card``, or where the audit file says."""
    if card is None and plan is None:
        raise UsageError(f"{record.folder}: no audit file lies where it was", remedy="name it, or the card with --card")
    if plan is not None:
        chosen = Plan.load(plan).at_tier(record.plan.get("tier"))
        if chosen.digests["ask"] != record.plan["digests"]["ask"]:
            asks = f"{plan}: asks other questions than {record.folder} answers"
            raise UsageError(asks, remedy="name the plan of this record")
    found = card_file.read(card or plan or Path())
    said, judged = (words(each.get("name")) for each in (found.card, reporting.Judgement(record).card))
    if said != judged:
        raise UsageError(f"{found.path}: is the card of {said!r}, and {record.folder} of {judged!r}")
    return found


def _plan_of(record: Record, plan: Path | None) -> Path | None:
    """The audit file: the one that was named, or the one where the record says that it lay, if it still does."""
    lay = record.environment.get("plan")
    if plan is not None or not isinstance(lay, str) or not (record.folder / lay).is_file():
        return plan
    return (record.folder / lay).resolve()


def _write(card: CardFile, statements: Mapping[str, Statement], entries: Sequence[Entry]) -> None:
    """Write statements into the card, unless it could not be read again as one; a class with what it rests on."""
    asked = {entry.path: entry.what for entry in entries}
    for path, each in statements.items():
        if "${" in f"{each.value}{each.by}":
            said = f"{path}, {asked[path]}: ${{ names a variable in an audit file"
            raise UsageError(said, remedy=_OTHERWISE)
    placed = {tuple(path.split(".")): said for path, said in statements.items()}
    try:
        values = card_writing.with_statements(card.card, placed)
        if CONFIRMED in statements:
            statements = {**statements, **{path: Statement(value=said) for path, said in kept(values).items()}}
        SystemCard.model_validate(values)
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        raise UsageError(f"{card.path}: {wrong['loc'][0]}: {wrong['msg']}", remedy=_OTHERWISE) from None
    card_writing.put(card.path, statements, under=card.under)


def _value(entry: Entry) -> Any:
    """What a field says as the card holds it: where the law asks who, which, or yes or no, it is that.

    UsageError where it says that somebody has yet to say something, or more than a field holds.
    """
    for text in (entry.value, entry.by or ""):
        if stands_in(text):
            said = f"{entry.path}, {entry.what}: {text!r} stands in for a statement, and is none"
            raise UsageError(said, remedy="say it, or leave the field empty")
        if len(text) > _LONGEST:
            raise UsageError(
                f"{entry.path}, {entry.what}: has {len(text):,} letters; a field holds {_LONGEST:,} at most",
                remedy="say it in short, and name the file that says the rest",
            )
    if entry.by is not None and not names_somebody(entry.by):
        said = f"{entry.path}, {entry.what}: {entry.by!r} names nobody"
        raise UsageError(said, remedy="name who states it, or leave that field to --by")
    _refuse_sentence(entry.by or "", f"{entry.path}, {entry.what}")
    question = questioning.asked_at(entry.path)
    if question is None or question.kind == "text":
        return entry.value
    try:
        value = questioning.read(question, entry.value)
    except UsageError as error:
        raise UsageError(f"{entry.path}, {entry.what}: {error.message}", remedy=_OTHERWISE) from None
    return {"name": value} if question.kind == "party" and value != "none" else value


def _statement(entry: Entry, value: Any, speaker: str | None, on: str) -> Statement:
    """What the card is to say; UsageError where neither the field nor ``speaker`` names who states it."""
    if entry.path in _PLAIN:
        return Statement(value=value)
    if entry.by is None and speaker is None:
        said = f"{entry.path}, {entry.what}: a statement has somebody who makes it"
        raise UsageError(said, remedy="name them with --by")
    return Statement(value=value, by=entry.by or speaker, date=entry.date or on)


def _conflict(card: CardFile, taken: Sequence[str], statements: Mapping[str, Statement]) -> str:
    first = taken[0]
    there = stated(card.card, first)
    assert there is not None
    said = f"{first} says {words(there.value)!r}, and the document {words(statements[first].value)!r}"
    many = f"holds {len(taken)} of the fields already: " if len(taken) > 1 else ""
    return f"{card.path}: {many}{said}"


def _speaker(by: str) -> str:
    if not names_somebody(by):
        raise UsageError("a statement has somebody who makes it", remedy="name them with --by")
    _refuse_sentence(by, "--by")
    return " ".join(by.split())


def _refuse_sentence(name: str, where: str) -> None:
    if (found := reporting.claimed(name)) is not None:
        raise UsageError(
            f"{where}: a name says {found!r}, which no document says of a system",
            remedy="give the name of who states it, and no sentence",
        )
