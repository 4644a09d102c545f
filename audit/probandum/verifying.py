"""Verification: numbered steps over a record that need nothing but the record itself, and a public key at most."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from probandum import chaining, codec, environment, purging, reviewing, sealing, versions
from probandum.chaining import Again, Outcome
from probandum.dates import as_of_day
from probandum.dossier import WHOLE
from probandum.errors import RecordError, UsageError
from probandum.evidence import Observation
from probandum.journal import compared_entries
from probandum.record import Record, read_bytes
from probandum.rereading import regular
from probandum.sealing import STATEMENT, SUMS, ReportFacts, agree, contents, same, sealed_files, signed, signed_alike
from probandum.units import counted

#: What stands at the root of a sealed record; a journal only stands there while the run goes on.
_ROOT = ("ask", "findings.json", "judgement", "judgements", purging.FILE, "reports", reviewing.FOLDER, STATEMENT, SUMS)
_ASK = ("plan.yaml", "plan.json", "environment.json", "observations.jsonl.zst", "estimates.json")

Check = tuple[str, Callable[[], Outcome]]
#: Renders the reports of a record again, as the facts say, from a judgement of that name into a folder.
Render = Callable[[ReportFacts, str, Path], None]
#: What to think of a record that does not hold.
DAMAGED = "the record is damaged, or not the one you mean"
#: What always renders reports, and what only a format needs.
_RENDERED_BY = ("probandum", "jinja2")
_RENDERED_FOR = {"pdf": "typst", "docx": "python-docx"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One numbered step of a verification. ``held`` None: not applicable, and ``detail`` says why."""

    number: int
    title: str
    held: bool | None
    detail: str

    @property
    def said(self) -> str:
        """The step in one line, as an error or a cause names it.

        >>> Step(number=4, title="the statement is signed", held=False, detail="unsigned, and a key was given").said
        'verification step 4, the statement is signed: unsigned, and a key was given'
        """
        return f"verification step {self.number}, {self.title}: {self.detail}"


def verify(
    record: Record,
    *,
    key: Ed25519PublicKey | None = None,
    again: Again | None = None,
    render: Render | None = None,
) -> list[Step]:
    """Every step of the verification, also those after a failure.

    1. the record is complete and sealed, and nothing else stands in its folder, nor anything but files and folders
    2. SHA256SUMS lists exactly the files of ask/, and every digest agrees; of a purged record, the observations are
       those that the statement over the purge names, and as many, purged after the record began
    3. the statement is canonical, says what SHA256SUMS says, and the key, the tool and the digests, counts and readings
       that the files say; the tool is not newer than this one, which could not check it
    4. the statement is signed, with the given key, and so is the one over a purge, which nobody signs alone
    5. every judgement agrees with its own seal, is signed as the record is, judges this record with the number, tool,
       mode and day that its files say, on a day and with a tool that can be, and names the judgement before it
    6. findings.json is the latest judgement, to the byte; with ``again`` the sealed estimates give the same findings
       and the same decision once more, whichever version of the tool judged
    7. every finding's evidence is among the recorded observations, which are of planned probes in whole packs; every
       answer that was not purged, and every question that stands there whole, is the one whose digest stands beside
       it; energy windows have no digest
    8. the reports agree with their own seal, are signed as the record is, speak of it and of one of its judgements (not
       applicable where that is not the present one), and are the documents in the formats that their statement names,
       as of a day that can be
    9. the reports come out of the record again, to the byte; only with ``render``
    10. every review is of this record and one of its judgements, signed as the record is, on a day that can be; not
        applicable where there is none, or where what was reviewed has changed since
    """
    return _taken(
        [
            ("the record is complete, sealed and alone in its folder", lambda: _complete(record)),
            *_asked(record, key),
            *_judged(record, key, again),
            ("the reports agree with their own seal", lambda: _reports(record, key)),
            ("the reports come out of the record again, to the byte", lambda: _rendered(record, render)),
            ("every review is of this record", lambda: reviewing.checked(record, key)),
        ]
    )


def refuse_damaged(
    record: Record,
    *,
    key: Ed25519PublicKey | None,
    upto: int,
    again: Again | None = None,
    remedy: str = DAMAGED,
) -> None:
    """RecordError naming the first of the steps 1 to ``upto`` that does not hold, before more is built on the record.

    Up to 5 what was asked has to hold, and the judgements that there are: one may still be missing, and another than
    the latest may be the present one; with ``again`` the sealed estimates have to give the latest. From 6 on, that has
    to be the present one; 7 reads every answer once more, and 8 the reports.
    """
    checks = [
        ("the record is complete and sealed", lambda: (_asked_whole if upto < 6 else _complete)(record)),
        *_asked(record, key),
        *_judged(record, key, again),
        ("the reports agree with their own seal", lambda: _reports(record, key)),
    ][:upto]
    base = record.folder / "judgements"
    if upto < 6 and not (base.is_dir() and any(base.iterdir())):
        checks = checks[:4]
    elif upto < 6:
        title = "the sealed estimates give the latest judgement"
        checks.append((title, lambda: chaining.given(record, chaining.latest(record), again)))
    for step in _taken(checks):
        if step.held is False:
            raise RecordError(f"{record.folder}: {step.said}", remedy=remedy)


def refuse_unsealed(record: Record) -> None:
    """RecordError where a finished record has lost its statement: no journal is left from which it could be resumed."""
    if not record.sealed and record.observed.is_file() and not record.journal.is_file():
        raise RecordError(
            f"{record.folder}: holds a finished audit without {STATEMENT}, and no journal to resume it from",
            remedy="the record is damaged; choose another --out",
        )


def _asked(record: Record, key: Ed25519PublicKey | None) -> list[Check]:
    """Steps 2 to 4."""
    return [
        ("every file of ask/ has the digest in SHA256SUMS", lambda: _asked_files(record)),
        ("the statement is canonical and says the same", lambda: _stated(record)),
        ("the statement is signed", lambda: _signed(record, key)),
    ]


def _judged(record: Record, key: Ed25519PublicKey | None, again: Again | None) -> list[Check]:
    """Steps 5 to 7."""
    return [
        ("every judgement agrees with its own seal", lambda: chaining.judgements(record, key)),
        ("findings.json is the present judgement", lambda: chaining.present(record, again)),
        ("every finding's evidence was recorded", lambda: _evidence(record)),
    ]


def _stated(record: Record) -> Outcome:
    held, detail = same(record.folder, "ask", sealing.ask_facts(record))
    wrong = versions.impossible(record.environment["tool"]["version"])
    return (False, wrong) if held and wrong is not None else (held, detail)


def _asked_files(record: Record) -> Outcome:
    purge = purging.read(record)
    if purge is None:
        return agree(record.folder, contents(record.ask))
    if purge.record != sealing.statement_digest(record.folder):
        return False, f"{purging.FILE} is of another record"
    if purging.interrupted(record, purge):
        return False, f"a purge was interrupted; end it with: probandum purge {record.folder} --raw"
    replaced = {purging.OBSERVATIONS: (purge.removed, purge.left)}
    held, detail = agree(record.folder, contents(record.ask), replaced=replaced)
    if held and (wrong := purging.misstated(record, purge)) is not None:
        return False, f"{purging.FILE} {wrong}"
    return held, f"{detail}; {purge.said}" if held else detail


def _signed(record: Record, key: Ed25519PublicKey | None) -> Outcome:
    held, detail = signed(record.folder, key)
    if held is False or (purge := purging.read(record)) is None:
        return held, detail
    if (other := sealing.other_signer(record, purge.signer)) is not None:
        return False, f"the purge is {other}"
    purged, said = signed(record.folder, key, name=purging.FILE)
    return purged, f"{detail}; the purge: {said}"


def _taken(checks: Iterable[Check]) -> list[Step]:
    steps = []
    for number, (title, check) in enumerate(checks, 1):
        try:
            held, detail = check()
        except (RecordError, UsageError) as error:
            held, detail = False, error.message
        except OSError as error:
            held, detail = False, f"{error.filename}: {error.strerror or error}"
        except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
            held, detail = False, f"a file does not have the form of a record's ({type(error).__name__}: {error})"
        steps.append(Step(number=number, title=title, held=held, detail=detail))
    return steps


def _asked_whole(record: Record) -> Outcome:
    for where, folders, files in os.walk(record.folder):
        for path in sorted(Path(where, name) for name in (*folders, *files)):
            if path.is_symlink():
                return False, sealing.linked(_place(record.folder, path))
            if not path.is_file() and not path.is_dir():
                return False, sealing.special(_place(record.folder, path))
    for name in _ASK:
        if not (record.ask / name).is_file():
            return False, f"ask/{name} is missing"
    for name in (SUMS, STATEMENT):
        if not (record.folder / name).is_file():
            return False, f"{name} is missing"
    count = len(record.results)
    return True, f"sealed, {count} probe{'' if count == 1 else 's'}"


def _complete(record: Record) -> Outcome:
    whole = _asked_whole(record)
    if not whole[0]:
        return whole
    for name in ("findings.json", record.present.name):
        if not (record.folder / name).is_file():
            return False, f"{name} is missing"
    strays = sorted({path.name for path in record.folder.iterdir()}.difference(_ROOT))
    if strays:
        return False, sealing.stray(strays[0])
    return whole


def _evidence(record: Record) -> Outcome:
    recorded, purged, windows, compared = set(), 0, 0, 0
    entries, name = compared_entries(record.observed), str(record.observed)
    for entry in regular(entries, record.plan["suites"], what=name, remedy=DAMAGED):
        if isinstance(entry, Observation):
            recorded.add(entry.named)
            purged += entry.purged
            compared += not entry.purged
        else:
            recorded.add(entry.window)
            windows += 1
    if purged and purging.read(record) is None:
        return False, f"{purged} observations say that they were purged, and no {purging.FILE} does"
    named = {digest for finding in record.findings for digest in finding.evidence}
    missing = sorted(named - recorded)
    if missing:
        return False, f"{len(missing)} digests name no observation, the first {missing[0][:19]}…"
    said = [f"{len(named)} of {len(recorded)} observations are evidence of a finding"]
    said += [f"{compared} answers agree with their digests"] * bool(compared)
    said += [f"{purged} were purged, and nothing of them is left to compare"] * bool(purged)
    said += [f"{windows} energy windows have no digest of their own"] * bool(windows)
    return True, "; ".join(said)


def _reports(record: Record, key: Ed25519PublicKey | None) -> Outcome:
    folder = record.reports
    if not folder.exists():
        declared = record.plan["declare"]["documents"]
        named = f"the plan names {', '.join(declared)}, and no" if declared else "no"
        return None, f"{named} reports were written; write them with: probandum report {record.folder}"
    if not (folder / STATEMENT).is_file():
        return False, f"they have no seal, as after an interruption; write them again: probandum report {record.folder}"
    facts = sealing.report_facts(folder)
    for check in (agree(folder, sealed_files(folder)), same(folder, "reports", codec.builtins(facts))):
        if not check[0]:
            return check
    if facts.record != sealing.statement_digest(record.folder):
        return False, "they speak of another record"
    judgement = _judgement_of(record, facts)
    if judgement is None:
        return False, "they speak of no judgement of this record"
    held, detail = signed_alike(record, folder, key)
    if held is False:
        return False, detail
    if (wrong := _misstated(facts, folder)) is not None:
        return False, wrong
    run = record.environment
    as_of_day(facts.as_of, started=str(run["started"]))
    if (wrong := versions.impossible(facts.packages["probandum"], asked=run["tool"]["version"])) is not None:
        return False, wrong
    told = f"{', '.join(facts.documents) or 'no document'} as of {facts.as_of}; judgement {judgement}"
    if (older := stale(record)) is not None:
        return None, f"{told}, not the present one: {older}; {detail}"
    return True, f"{told}; {detail}"


def stale(record: Record) -> str | None:
    """What to say where the reports of a record that holds are of another judgement than the present one."""
    if not (record.reports / STATEMENT).is_file():
        return None
    judgement = _judgement_of(record, sealing.report_facts(record.reports))
    present = read_bytes(record.present).decode("utf-8", "replace").strip()
    if judgement is None or judgement == present:
        return None
    numbers = {folder.name: str(number) for number, folder in sealing.numbered(record)}
    said = f"the reports tell judgement {numbers[judgement]}, and judgement {numbers.get(present, 'none')} decides"
    return f"{said}; write them again with: probandum report {record.folder}"


def _misstated(facts: ReportFacts, folder: Path) -> str | None:
    """What the statement over reports says of its documents, formats or packages that cannot be."""
    of_documents = [format for format in facts.formats if format not in WHOLE]
    named = {f"{document}.{format}" for document in facts.documents for format in of_documents}
    named |= {WHOLE[format] for format in facts.formats if format in WHOLE}
    there = {path.name for path in sealed_files(folder) if path.parent == folder and path.name != "index.html"}
    for name in sorted(named ^ there):
        return f"the statement names {name!r}, which is missing" if name in named else f"no document gives {name!r}"
    needed = {*_RENDERED_BY, *(_RENDERED_FOR[format] for format in facts.formats if format in _RENDERED_FOR)}
    for name in sorted(needed - set(facts.packages)):
        return f"the statement does not say which version of {name} wrote them"
    for name in sorted(set(facts.packages).difference(environment.RENDERING)):
        return f"the statement names a package {name!r} that writes no report"
    return None


def _judgement_of(record: Record, facts: ReportFacts) -> str | None:
    """The name of the judgement that the reports speak of."""
    for folder in sorted((record.folder / "judgements").iterdir()):
        if folder.is_dir() and sealing.statement_digest(folder) == facts.judgement:
            return folder.name
    return None


def _rendered(record: Record, render: Render | None) -> Outcome:
    if render is None:
        return None, "not rendered again: ask for it with --render"
    if not (record.reports / STATEMENT).is_file():
        return None, "there are no sealed reports"
    facts = sealing.report_facts(record.reports)
    judgement = _judgement_of(record, facts)
    if judgement is None:
        return False, "they speak of no judgement of this record"
    with tempfile.TemporaryDirectory() as temporary:
        render(facts, judgement, Path(temporary))
        there = {_place(record.reports, path): path for path in sealed_files(record.reports)}
        again = {_place(Path(temporary), path): path for path in contents(Path(temporary))}
        differ = [name for name in sorted({*there, *again}) if not _alike(there.get(name), again.get(name))]
    changed = environment.changed(record, facts.packages)
    told = "".join(f"; {package}" for package in changed)
    if differ:
        return False, f"{len(differ)} of {len(again)} files differ, the first {differ[0]!r}{told}"
    return True, f"{counted(len(again), 'file')}{told}"


def _alike(one: Path | None, other: Path | None) -> bool:
    return one is not None and other is not None and read_bytes(one) == read_bytes(other)


def _place(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()
