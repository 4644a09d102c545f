"""Verification: numbered steps over a record that need nothing but the record itself, and a public key at most."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from probandum import codec, environment, purging, sealing
from probandum.errors import RecordError, UsageError
from probandum.evidence import Observation
from probandum.journal import compared_entries
from probandum.record import Record, read_bytes
from probandum.sealing import STATEMENT, SUMS, ReportFacts, agree, contents, same, signed, signed_alike

#: What stands at the root of a sealed record; a journal only stands there while the run goes on.
_ROOT = ("ask", "findings.json", "judgement", "judgements", purging.FILE, "reports", STATEMENT, SUMS)
_ASK = ("plan.yaml", "plan.json", "environment.json", "observations.jsonl.zst", "estimates.json")

#: What one step found: whether it held, None where it does not apply, and a sentence.
Outcome = tuple[bool | None, str]
Check = tuple[str, Callable[[], Outcome]]
#: Renders the reports of a record again, as the facts say, from a judgement of that name into a folder.
Render = Callable[[ReportFacts, str, Path], None]
#: Judges once more as the judgement in a folder does: the bytes of its files by name.
Again = Callable[[Path], Mapping[str, bytes]]
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

    1. the record is complete and sealed, and nothing else stands in its folder, nor any symbolic link
    2. SHA256SUMS lists exactly the files of ask/, and every digest agrees; of a purged record, the observations are
       those that the statement over the purge names
    3. the statement is canonical, says what SHA256SUMS says, and the key, the tool and the digests, counts and readings
       that the files say
    4. the statement is signed, with the given key, and so is the one over a purge
    5. every judgement agrees with its own seal, is signed by the key of a signed record, and judges this record with
       the number, tool, mode and day that its files say
    6. findings.json is the latest judgement, to the byte; with ``again`` the sealed estimates give the same findings
       and the same decision once more (not applicable where another version of the tool gives others)
    7. every finding's evidence is among the recorded observations, and every answer that was not purged, and every
       question that stands there whole, is the one whose digest stands beside it; energy windows have no digest
    8. the reports agree with their own seal, are signed by the key of a signed record, speak of it and of one of its
       judgements, and are the documents in the formats that their statement names
    9. the reports come out of the record again, to the byte; only with ``render``
    """
    return _taken(
        [
            ("the record is complete, sealed and alone in its folder", lambda: _complete(record)),
            *_asked(record, key),
            ("every judgement agrees with its own seal", lambda: _judgements(record, key)),
            ("findings.json is the present judgement", lambda: _present(record, again)),
            ("every finding's evidence was recorded", lambda: _evidence(record)),
            ("the reports agree with their own seal", lambda: _reports(record, key)),
            ("the reports come out of the record again, to the byte", lambda: _rendered(record, render)),
        ]
    )


def refuse_damaged(record: Record, *, key: Ed25519PublicKey | None) -> None:
    """RecordError naming the first of steps 1 to 4 that does not hold for what was asked, before more is built on it.

    Of step 1 only what concerns ``ask/``: a judgement may still be missing.
    """
    for step in _taken([("the record is complete and sealed", lambda: _asked_whole(record)), *_asked(record, key)]):
        if step.held is False:
            raise RecordError(
                f"{record.folder}: {step.said}",
                remedy="the record is damaged, or not the one you mean; choose another --out",
            )


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
        ("the statement is canonical and says the same", lambda: same(record.folder, "ask", sealing.ask_facts(record))),
        ("the statement is signed", lambda: _signed(record, key)),
    ]


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
    return held, f"{detail}; {purge.said}" if held else detail


def _signed(record: Record, key: Ed25519PublicKey | None) -> Outcome:
    held, detail = signed(record.folder, key)
    if held is False or (purge := purging.read(record)) is None:
        return held, detail
    by = sealing.signature(record.folder)["key_id"]
    if by is not None and purge.signer != by:
        who = f"signed by key {purge.signer}" if purge.signer else "unsigned"
        return False, f"the purge is {who}, and the record is signed by key {by}"
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
    for name in _ASK:
        if not (record.ask / name).is_file():
            return False, f"ask/{name} is missing"
    for name in (SUMS, STATEMENT):
        if not (record.folder / name).is_file():
            return False, f"{name} is missing"
    for where, folders, files in os.walk(record.folder):
        for path in sorted(Path(where, name) for name in (*folders, *files)):
            if path.is_symlink():
                return False, sealing.linked(_place(record.folder, path))
    return True, f"sealed, {len(record.results)} probes"


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


def _judgements(record: Record, key: Ed25519PublicKey | None) -> Outcome:
    base = record.folder / "judgements"
    folders = sorted(base.iterdir()) if base.is_dir() else []
    if not folders:
        return False, "no judgement"
    signers: Counter[str] = Counter()
    for folder in folders:
        if not folder.is_dir():
            return False, sealing.stray(folder.name)
        files = _sealed_files(folder)
        for check in (agree(folder, files), same(folder, "judgement", sealing.judgement_facts(record, folder))):
            if not check[0]:
                return False, f"{folder.name}: {check[1]}"
        if folder.name != (name := _judgement_name(folder)):
            return False, f"{folder.name}: its files are those of judgement {name}"
        held, detail = signed_alike(record, folder, key)
        if held is False:
            return False, f"{folder.name}: {detail}"
        signer = sealing.signature(folder)["key_id"]
        signers["unsigned" if signer is None else f"signed by key {signer}{'' if held else ' (not checked)'}"] += 1
    told = ", ".join(f"{count} {signer}" for signer, count in sorted(signers.items()))
    return True, f"{len(folders)} judgement{'s' if len(folders) > 1 else ''}: {told}"


def _judgement_name(folder: Path) -> str:
    said, card = (
        codec.decode(dict[str, Any], read_bytes(folder / name), what=str(folder / name))
        for name in ("judging.json", "card.json")
    )
    return sealing.judgement_name(said, card)


def _present(record: Record, again: Again | None) -> Outcome:
    folder = record.judgement()
    numbers = {path.name: number for number, path in sealing.numbered(record)}
    number = numbers.pop(folder.name)
    later = {name: other for name, other in numbers.items() if other >= number}
    if later:
        latest = max(later, key=later.__getitem__)
        return False, f"judgement {number} is not the latest: {latest} is judgement {later[latest]}"
    whose = f"{folder.name}, judgement {number}"
    if again is None:
        return True, whose
    damaged = next((detail for held, detail in _judged_from(record, folder) if not held), None)
    if damaged is not None:
        return None, f"{whose}; not judged again: {damaged}"
    given = {name: (json.loads(read_bytes(folder / name)), json.loads(data)) for name, data in again(folder).items()}
    differ = [name for name, (told, now) in given.items() if not _near(told, now)]
    if not differ:
        return True, f"{whose}; judged again, the sealed estimates give the same"
    said, here = sealing.judgement_facts(record, folder)["tool"], version("probandum")
    found = _differing(*given["findings.json"])
    if said != here:
        count = f"{len(found)} findings differ" if found else "what the gate decides differs"
        return None, f"{whose}; judged with probandum {said}, and {count} with {here}"
    where = f"{len(found)} findings, the first {found[0]}" if found else ", ".join(differ)
    return False, f"{whose}: the sealed estimates give other findings than these: {where}"


def _judged_from(record: Record, folder: Path) -> Iterable[tuple[bool, str]]:
    """Whether what a judgement is made of is what was sealed: damage is told by its own step, and judges nothing."""
    listed = sealing.listed_digests(record.folder)
    for name in ("ask/plan.json", "ask/estimates.json"):
        yield listed.get(name) == sealing.file_sha256(record.folder / name), f"{name} is not what was sealed"
    yield agree(folder, _sealed_files(folder))


def _differing(told: Any, now: Any) -> list[str]:
    """The ids of findings that were told otherwise than they come out now."""
    then, again = ({finding["id"]: finding for finding in findings} for findings in (told, now))
    return [name for name in sorted({*then, *again}) if not _near(then.get(name), again.get(name))]


def _near(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same; a fraction may differ in its last digits, as another processor gives it.

    >>> _near({"p": [0.1, "FAIL"]}, {"p": [0.1 + 1e-15, "FAIL"]}), _near([0.1], [0.1000001])
    (True, False)
    """
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_near(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_near, one, other))
    return type(one) is type(other) and bool(one == other)


def _evidence(record: Record) -> Outcome:
    recorded, purged, windows, compared = set(), 0, 0, 0
    for entry in compared_entries(record.observed):
        if isinstance(entry, Observation):
            recorded.add(entry.request)
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
    for check in (agree(folder, _sealed_files(folder)), same(folder, "reports", codec.builtins(facts))):
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
    present = read_bytes(record.present).decode("utf-8", "replace").strip()
    whose = f"judgement {judgement}" + ("" if judgement == present else ", not the present one")
    return True, f"{', '.join(facts.documents) or 'no document'} as of {facts.as_of}; {whose}; {detail}"


def _misstated(facts: ReportFacts, folder: Path) -> str | None:
    """What the statement over reports says of its documents, formats or packages that cannot be."""
    named = {f"{document}.{format}" for document in facts.documents for format in facts.formats}
    there = {path.name for path in _sealed_files(folder) if path.parent == folder and path.name != "index.html"}
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
        there = {_place(record.reports, path): path for path in _sealed_files(record.reports)}
        again = {_place(Path(temporary), path): path for path in contents(Path(temporary))}
        differ = [name for name in sorted({*there, *again}) if not _alike(there.get(name), again.get(name))]
    changed = environment.changed(record, facts.packages)
    told = "".join(f"; {package}" for package in changed)
    if differ:
        return False, f"{len(differ)} of {len(again)} files differ, the first {differ[0]!r}{told}"
    return True, f"{len(again)} files{told}"


def _alike(one: Path | None, other: Path | None) -> bool:
    return one is not None and other is not None and read_bytes(one) == read_bytes(other)


def _place(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix()


def _sealed_files(folder: Path) -> list[Path]:
    """What a seal inside ``folder`` has to list: everything but itself."""
    return [path for path in contents(folder) if path not in (folder / SUMS, folder / STATEMENT)]
