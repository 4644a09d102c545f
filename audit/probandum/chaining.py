"""Chaining: the judgements of a record, each under a seal of its own and numbered, each naming the one before it.

So a judgement that was taken out from between others is missed, and none can be put in its place. The latest one
names no successor: that it was deleted can only be told from the reports that speak of it.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from probandum import codec, sealing, versions
from probandum.dates import as_of_day
from probandum.errors import RecordError, UsageError
from probandum.record import Record, read_bytes
from probandum.sealing import agree, same, sealed_files, signed_alike
from probandum.units import counted

#: What one step of a verification found: whether it held, None where it does not apply, and a sentence.
Outcome = tuple[bool | None, str]
#: Judges once more as the judgement in a folder does: the bytes of its files by name.
Again = Callable[[Path], Mapping[str, bytes]]


def judgements(record: Record, key: Ed25519PublicKey | None) -> Outcome:
    """Whether every judgement agrees with its own seal, is signed as the record is, and none is missing before it."""
    base = record.folder / "judgements"
    folders = sorted(base.iterdir()) if base.is_dir() else []
    if not folders:
        return False, "no judgement"
    signers: Counter[str] = Counter()
    for folder in folders:
        if not folder.is_dir():
            return False, sealing.stray(folder.name)
        for held, detail in _checked(record, folder, key):
            if held is False:
                return False, f"{folder.name}: {detail}"
        signer = sealing.signature(folder)["key_id"]
        signers[
            "unsigned" if signer is None else f"signed by key {signer}" if key else f"naming key {signer} (not checked)"
        ] += 1
    broken = next(_breaks(record), None)
    if broken is not None:
        return False, broken
    told = ", ".join(f"{count} {signer}" for signer, count in sorted(signers.items()))
    return True, f"{len(folders)} judgement{'s' if len(folders) > 1 else ''}: {told}"


def _checked(record: Record, folder: Path, key: Ed25519PublicKey | None) -> Iterator[Outcome]:
    """What has to hold of one judgement, whatever stands beside it."""
    yield agree(folder, sealed_files(folder))
    yield same(folder, "judgement", sealing.judgement_facts(record, folder))
    said, card = (
        codec.decode(dict[str, Any], read_bytes(folder / name), what=str(folder / name))
        for name in ("judging.json", "card.json")
    )
    name = sealing.judgement_name(said, card)
    yield folder.name == name, f"its files are those of judgement {name}"
    yield signed_alike(record, folder, key)
    run = record.environment
    wrong = versions.impossible(said.get("tool"), asked=run["tool"]["version"])
    yield wrong is None, str(wrong)
    try:
        as_of_day(str(said.get("as_of")), started=str(run["started"]))
    except UsageError as error:
        yield False, error.message


def _breaks(record: Record) -> Iterator[str]:
    """Where the numbers of the judgements leave one out, or one names another before it than the one that is here."""
    before: Path | None = None
    for expected, (number, folder) in enumerate(sealing.numbered(record), 1):
        if number > expected:
            yield f"judgement {expected} is missing: {folder.name} is judgement {number}"
        elif before is not None and number < expected:
            yield f"{before.name} and {folder.name} are both judgement {number}"
        elif sealing.judgement_facts(record, folder)["before"] != sealing.before(before):
            yield f"{folder.name}, judgement {number}, followed another judgement than the one that is here before it"
        before = folder


def present(record: Record, again: Again | None) -> Outcome:
    """Whether the present judgement is the latest, and the sealed estimates give it once more."""
    folder = record.judgement()
    numbers = {path.name: number for number, path in sealing.numbered(record)}
    number = numbers.pop(folder.name)
    later = {name: other for name, other in numbers.items() if other >= number}
    if later:
        latest = max(later, key=later.__getitem__)
        return False, f"judgement {number} is not the latest: {latest} is judgement {later[latest]}"
    return given(record, folder, again)


def latest(record: Record) -> Path:
    """The folder of the latest judgement; RecordError where there is none."""
    judgements = sealing.numbered(record)
    if not judgements:
        raise RecordError(f"{record.folder}: was never judged", remedy="judge it under a plan: --plan PLAN")
    return judgements[-1][1]


def given(record: Record, folder: Path, again: Again | None) -> Outcome:
    """Whether the sealed estimates give the judgement in ``folder`` once more."""
    whose = f"{folder.name}, judgement {sealing.judgement_facts(record, folder)['number']}"
    if again is None:
        return True, whose
    damaged = next((detail for held, detail in _judged_from(record, folder) if not held), None)
    if damaged is not None:
        return None, f"{whose}; not judged again: {damaged}"
    differ = differing(folder, again(folder))
    if not differ:
        return True, f"{whose}; judged again, the sealed estimates give the same"
    found = differ.get("findings.json", [])
    if not judged_here(folder):
        count = (
            f"{counted(len(found), 'finding')} {'differs' if len(found) == 1 else 'differ'}"
            if found
            else "what the gate decides differs"
        )
        told = f"judged with probandum {_tool(folder)}, and {count} with this {version('probandum')}"
        return False, f"{whose}: {told}; judge it again with: probandum judge {record.folder}"
    where = f"{counted(len(found), 'finding')}, the first {found[0]}" if found else ", ".join(differ)
    return False, f"{whose}: the sealed estimates give other findings than these: {where}"


def differing(folder: Path, again: Mapping[str, bytes]) -> dict[str, list[str]]:
    """The files of the judgement in ``folder`` that come out otherwise ``again``, with the ids of findings that do."""
    pairs = {name: (read_bytes(folder / name), data) for name, data in again.items()}
    given = {name: (json.loads(then), json.loads(now)) for name, (then, now) in pairs.items() if then != now}
    return {
        name: _findings(told, now) if name == "findings.json" else []
        for name, (told, now) in given.items()
        if not _near(told, now)
    }


def judged_here(folder: Path) -> bool:
    """Whether the judgement in ``folder`` says that this version of the toolkit made it."""
    return _tool(folder) == version("probandum")


def _tool(folder: Path) -> object:
    path = folder / "judging.json"
    return codec.decode(dict[str, Any], read_bytes(path), what=str(path)).get("tool")


def _judged_from(record: Record, folder: Path) -> Iterable[tuple[bool, str]]:
    """Whether what a judgement is made of is what was sealed: damage is told by its own step, and judges nothing."""
    listed = sealing.listed_digests(record.folder)
    for name in ("ask/plan.json", "ask/environment.json", "ask/estimates.json"):
        yield listed.get(name) == sealing.file_sha256(record.folder / name), f"{name} is not what was sealed"
    yield agree(folder, sealed_files(folder))


def _findings(told: Any, now: Any) -> list[str]:
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
