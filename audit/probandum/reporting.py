"""Reporting: what documents may say of a record, and their writing under a seal of their own.

New reports are rendered beside the old ones, and take their place only when all of them are whole. The old seal is
broken first and the new statement written last: a process that is killed between leaves reports without a seal, and
never a seal over other reports.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from probandum import codec, environment, gating, locking, purging, report_folders, reviewing, sealing
from probandum.accounting import Account, accounts
from probandum.document import chosen
from probandum.dossier import WHOLE, Dossier, Review, publisher
from probandum.errors import RecordError, Unfinished, UsageError
from probandum.evidence import Observation
from probandum.export import cyclonedx, in_toto
from probandum.finding import Finding, Limit, Waiver
from probandum.journal import ASKED_AGAIN
from probandum.places import Spot
from probandum.probe import Window
from probandum.record import Record, make_folder, read_bytes, write_bytes
from probandum.sealing import ReportFacts
from probandum.signing import Signature, envelope, enveloped, load_private, open_envelope
from probandum.speech import ENGLISH
from probandum.stating import is_said, names_somebody
from probandum.units import counted

#: How many open fields of a document are named.
_FEW = 3
#: How many letters the name of a reviewer, and that of a function, may have.
_LONGEST = 200
#: How many words a name has at most that holds a word of a claim, and what only sentences have.
_WORDS_OF_A_NAME, _OF_SENTENCES = 6, frozenset(("are", "be", "is", "was", "were", "with"))


class Judgement:
    """What stands in the folder of one judgement of a record, by default of the present one."""

    def __init__(self, record: Record, name: str | None = None) -> None:
        self.folder = record.judgement(name)
        said = codec.decode(dict[str, Any], read_bytes(self.folder / "judging.json"), what="judging.json")
        self.card: Mapping[str, Any] = codec.decode(dict[str, Any], read_bytes(self.folder / "card.json"))
        self.digests: Mapping[str, str] = said["digests"]
        self.spots = codec.decode(dict[str, Spot], codec.encode(said.get("places", {})), what="judging.json")
        self.mode: str = said["mode"]
        self.as_of: str = said["as_of"]
        self.limits = codec.decode(list[Limit], codec.encode(said["limits"]), what="judging.json")
        self.waivers = codec.decode(list[Waiver], codec.encode(said["waivers"]), what="judging.json")

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings as this judgement found them."""
        path = self.folder / "findings.json"
        return tuple(codec.decode(list[Finding], read_bytes(path), what=str(path)))


def dossier(
    record: Record, *, as_of: str | None = None, judgement: str | None = None, language: str = ENGLISH
) -> Dossier:
    """All that documents may say of ``record`` under a judgement, by default the present one."""
    judged = Judgement(record, judgement)
    windows, told = passed(record)
    return Dossier(
        card=judged.card,
        plan=record.plan,
        findings=judged.findings,
        waivers=tuple(judged.waivers),
        judged_on=judged.as_of,
        results=record.results,
        environment=record.environment,
        readings=record.readings,
        items=record.items,
        digests={
            **judged.digests,
            "record": sealing.statement_digest(record.folder),
            "judgement": sealing.statement_digest(judged.folder),
            "observations": f"sha256:{sealing.listed_digests(record.folder)[purging.OBSERVATIONS]}",
        },
        seal=sealing.signature(record.folder),
        gate=codec.builtins(gating.load_gate(record, judgement)),
        as_of=as_of or judged.as_of,
        observations=record.recorded,
        windows=windows,
        energy=record.energy,
        lock=_lock(record, judged.limits),
        accounts=told,
        purged=None if (purge := purging.read(record)) is None else purge.said,
        language=language,
    )


def passed(record: Record) -> tuple[Mapping[str, Window], tuple[Account, ...]]:
    """Every metered window, and what became of every input that was planned, in one pass over what was recorded."""
    windows: dict[str, Window] = {}

    def outlines() -> Iterator[Observation]:
        for entry in record.entries(arrays=False):
            if isinstance(entry, Observation):
                yield entry
            elif not entry.window.startswith(ASKED_AGAIN):
                windows[entry.window] = entry.reading

    told = accounts(record.plan["suites"], record.results, outlines(), windows)  # which reads the windows after them
    return windows, told


@contextmanager
def uncollected() -> Iterator[None]:
    """Within it nobody looks for garbage: nearly all that documents are made of is kept until they are written.

    What is left then counts as old, so that it is not looked through at once, and is at the next whole collection.
    """
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.unfreeze()
        if before:
            gc.enable()


def _lock(record: Record, limits: Sequence[Limit]) -> Mapping[str, Any] | None:
    """What the record's lock says of the limits that judge now."""
    found = locking.read_lock(record.lock)
    if found is None:
        return None
    return {
        "made": found.made,
        "digest": found.digest,
        "signed": found.signed,
        "key_id": found.key_id,
        "precedes": found.precedes(record.environment["started"]),
        "held": [limit for limit in limits if found.holds(limit)],
        "amendments": locking.amendments(found, limits),
    }


def write(
    record: Record,
    documents: Sequence[str],
    formats: Sequence[str],
    *,
    folder: Path,
    as_of: str | None = None,
    key: Path | None = None,
    language: str = ENGLISH,
    final: bool = False,
    keep: bool = False,
) -> list[Path]:
    """Write documents from a sealed record into ``folder`` and seal them there; the index comes first.

    ``documents``: ids, or ``all``. Reports that an earlier seal in ``folder`` covers are replaced; UsageError where a
    seal of something else, or another part of the record, would be. They show the reviews of what they say, and
    RecordError where one of those cannot be. ``final``: Unfinished where a document has an open field or no reviewer.
    ``keep``: what an earlier seal covers is written again with them; UsageError where it is of another record,
    judgement, day or language, or not as final.
    """
    report_folders.refuse_other_folder(record, folder)
    record.sweep()
    told = dossier(record, as_of=as_of, language=language)
    documents = chosen(documents, publisher().known())
    private = None if key is None else load_private(key)
    plain, told = told, _checked(record, told, documents, private, final=final)
    if keep:
        asked = documents
        documents, formats = report_folders.with_those_there(folder, told, documents, formats)
        told = told if documents == asked else _checked(record, plain, documents, private, final=final)
    with report_folders.staging(folder) as staging:
        made = publisher().publish(told, documents, staging, list(formats))
        made += _write_whole(told, formats, staging, lambda body: envelope(body, private))
        names = [path.relative_to(staging) for path in made]
        sealing.break_seal(folder)
        for name in names:
            make_folder((folder / name).parent)
            (staging / name).replace(folder / name)
    facts = ReportFacts(
        record=told.digests["record"],
        judgement=told.digests["judgement"],
        documents=documents,
        formats=tuple(formats),
        as_of=told.as_of,
        packages=environment.rendering_packages(),
        language=language,
        reviews=tuple(each.digest for each in told.reviews),
        final=final,
    )
    files = [folder / name for name in names]
    sealing.seal(folder, files, predicate="reports", facts=codec.builtins(facts), key=key)
    return files


def render(record: Record, facts: ReportFacts, judgement: str, folder: Path) -> None:
    """Write into ``folder`` the reports that a statement with these ``facts`` speaks of, without a seal."""
    plain = dossier(record, as_of=facts.as_of, judgement=judgement, language=facts.language)
    told = replace(reviewed(record, plain, facts.documents, only=facts.reviews), final=facts.final)
    if facts.reviews != tuple(each.digest for each in told.reviews):
        raise RecordError(f"{record.reports}: they show a review that is not of what they say")
    with uncollected():
        publisher().publish(told, facts.documents, folder, facts.formats)
    stated = record.reports / WHOLE["in-toto"]
    signatures: list[Signature] = open_envelope(stated)[1] if stated.is_file() else []
    _write_whole(told, facts.formats, folder, lambda body: enveloped(body, signatures))


def _checked(
    record: Record, told: Dossier, documents: Sequence[str], key: Ed25519PrivateKey | None, *, final: bool
) -> Dossier:
    """``told`` with the reviews of its documents, each of which can be; ``final``: Unfinished where one is open."""
    told = reviewed(record, told, documents)
    reviewing.refuse_wrong(record, told.reviews, None if key is None else key.public_key())
    if final:
        _refuse_unfinished(record, told, documents)
    return replace(told, final=final)


def reviewed(record: Record, told: Dossier, documents: Sequence[str], *, only: Sequence[str] | None = None) -> Dossier:
    """``told`` with the reviews of what its documents say now; ``only``: those with one of these digests.

    What a document says hangs on whether those that it refers to are reviewed, so these come first, written or not.
    """
    found = [
        each
        for each in (reviewing.read(record) if only is None or only else ())
        if (only is None or each.digest in only) and each.judgement == told.digests["judgement"]
    ]
    known = publisher().known()
    referred = [other for document in documents if document in known for other in known[document].refers]
    for document in dict.fromkeys([*referred, *documents]):
        if of_it := [each for each in found if each.document == document]:
            content = publisher().state(told, document).content
            told = replace(told, reviews=(*told.reviews, *(each for each in of_it if each.content == content)))
    return replace(told, reviews=tuple(sorted(told.reviews, key=lambda each: (each.document, each.number))))


def _refuse_unfinished(record: Record, told: Dossier, documents: Sequence[str]) -> None:
    """Unfinished, with a line for each document that has an open field or no reviewer."""
    lines = []
    for document in documents:
        state = publisher().state(told, document)
        found = state.open
        if state.blank:
            lines.append(
                f"{document}: never final: a blank form, whose lines people fill in and sign in the file or on paper, "
                "and nothing reads back; file what they signed"
            )
        elif found:
            more = f", and {len(found) - _FEW} more" if len(found) > _FEW else ""
            fields = f"{counted(len(found), 'required field')} {'is' if len(found) == 1 else 'are'} open"
            lines.append(f"{document}: not final: {fields}: {'; '.join(found[:_FEW])}{more}")
        elif not any(each.document == document for each in told.reviews):
            how = f"probandum report sign {record.folder} --document {document} --by NAME --function FUNCTION"
            lines.append(f"{document}: not final: no named reviewer signed what it says now: {how}")
    if lines:
        raise Unfinished(lines)


def claimed(text: str, *, most: int = _WORDS_OF_A_NAME) -> str | None:
    """The claim in a name of a person, or in a function, which documents show as it is; None where it is a word of one.

    It is, alone in at most so many words, none of them of a sentence: people are called Fair and work in fair lending.
    """
    found, words = publisher().claim(text), text.casefold().split()
    if found is None or (" " not in found and len(words) <= most and _OF_SENTENCES.isdisjoint(words)):
        return None
    return found


def sign(record: Record, *, document: str, name: str, function: str, date: str | None, key: Path | None) -> Review:
    """Record that somebody reviewed a document as it stands in the sealed reports of a record that was verified.

    UsageError where it does not stand there, or tells another judgement than the present one.
    """
    again = f"write it first: probandum report {record.folder}"
    if not (names_somebody(name) and is_said(function)):
        raise UsageError("a review has a name and a function", remedy="give them with --by and --function")
    if max(len(name), len(function)) > _LONGEST:
        raise UsageError(
            f"a name and a function of a reviewer have at most {_LONGEST} letters each", remedy="shorten it"
        )
    for what, said, most in (("name", name, _WORDS_OF_A_NAME), ("function", function, _LONGEST)):
        if (found := claimed(said, most=most)) is not None:
            raise UsageError(
                f"a {what} of a reviewer says {found!r}, which no document says of a system",
                remedy="give the name with --by, and the function with --function, and no sentence",
            )
    if not (record.reports / sealing.STATEMENT).is_file():
        raise UsageError(f"{record.folder}: has no sealed documents", remedy=again)
    facts = sealing.report_facts(record.reports)
    if document not in facts.documents:
        known = ", ".join(facts.documents) or "no document"
        raise UsageError(f"{record.reports}: holds no {document}, but {known}", remedy=again)
    judgement = sealing.statement_digest(record.judgement())
    if facts.judgement != judgement:
        raise UsageError(f"{record.reports}: tells another judgement than the one that decides", remedy=again)
    told = dossier(record, as_of=facts.as_of, language=facts.language)
    told = reviewed(record, told, facts.documents, only=facts.reviews)  # as the documents told them when written
    listed = sealing.listed_digests(record.reports)
    review = Review(
        document=document,
        number=0,
        record=facts.record,
        judgement=judgement,
        files={file: digest for file, digest in listed.items() if file.rpartition(".")[0] == document},
        content=publisher().state(told, document).content,
        name=" ".join(name.split()),
        function=" ".join(function.split()),
        date=reviewing.day(date, started=str(record.environment["started"])),
        tool=version("probandum"),
        digest="",
    )
    return reviewing.write(record, review, key=key)


def _write_whole(told: Dossier, formats: Iterable[str], folder: Path, sealed: Callable[[bytes], bytes]) -> list[Path]:
    """Write the audit as a whole in those of ``formats`` that are of this kind; ``sealed`` wraps a statement."""
    written = []
    for name in dict.fromkeys(format for format in formats if format in WHOLE):
        path = folder / WHOLE[name]
        write_bytes(path, cyclonedx.render(told) if name == "cyclonedx" else sealed(in_toto.statement(told)))
        written.append(path)
    return written
