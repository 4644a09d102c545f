"""Locks: what an audit will ask and judge by, written down and signed before its first request.

``probandum plan lock audit.yaml`` writes ``audit.lock.json`` beside the plan: an in-toto statement in a DSSE
envelope, as a record's seal. The run copies it into the record. Limits count as fixed before testing only where a
lock that precedes the first request holds them; a limit that was changed later is an amendment, and stays visible.

What it shows rests on who holds the key and on the clock of the machine that made it: an unsigned lock shows no more
than a date in a file.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from probandum import codec
from probandum.errors import PlanError, RecordError
from probandum.finding import Limit, limit_words
from probandum.plan import Plan
from probandum.record import write_bytes
from probandum.sealing import predicate_type, statement
from probandum.signing import envelope, load_private, open_envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A lock as it was read. ``made``: ISO time, UTC. ``files``: digests of the files that the plan names.

    ``tiers``: the digests of what is asked in each tier that asks otherwise.
    """

    made: str
    ask: str
    tiers: Mapping[str, str]
    judge: str
    limits: tuple[Limit, ...]
    files: Mapping[str, str]
    seed: int
    suites: Mapping[str, Any]
    software: Mapping[str, str]
    signed: bool
    key_id: str | None
    digest: str

    def holds(self, limit: Limit) -> bool:
        """Whether ``limit`` stands in the lock with the same number, wherever its line is now."""
        return _said(limit) in [_said(each) for each in self.limits]

    def precedes(self, started: str) -> bool:
        """Whether the lock was made before a run that started then (ISO times)."""
        return datetime.datetime.fromisoformat(self.made) <= datetime.datetime.fromisoformat(started)


def lock_path(plan: Path) -> Path:
    """Where the lock of a plan lies.

    >>> lock_path(Path("audits/audit.yaml")).as_posix()
    'audits/audit.lock.json'
    """
    return plan.with_name(f"{plan.stem}.lock.json")


def write_lock(plan: Plan, files: Mapping[str, str], *, key: Path | None, made: datetime.datetime) -> Path:
    """Write the lock of ``plan``; an older one is replaced, so keep locks under version control."""
    facts = {
        "made": made.astimezone(datetime.UTC).isoformat(timespec="seconds"),
        "ask": plan.digests["ask"],
        "tiers": {tier: plan.at_tier(tier).digests["ask"] for tier in plan.tiers},
        "judge": plan.digests["judge"],
        "limits": list(plan.limits),
        "files": dict(files),
        "seed": plan.seed,
        "suites": {name: options or {} for name, options in plan.suites.items()},
        "software": {"probandum": version("probandum")},
    }
    digest = codec.digest(plan.source).removeprefix("sha256:")
    body = statement([(plan.path.name, digest)], "lock", facts)
    path = lock_path(plan.path)
    write_bytes(path, envelope(body, None if key is None else load_private(key)))
    return path


def read_lock(path: Path) -> Lock | None:
    """The lock in ``path``, or None where there is none; RecordError where it is damaged or no lock."""
    if not path.is_file():
        return None
    body, signatures = open_envelope(path)
    told = codec.decode(dict[str, Any], body, what=str(path))
    if told.get("predicateType") != predicate_type("lock"):
        raise RecordError(f"{path}: not a lock", remedy="write one with: probandum plan lock PLAN")
    try:
        facts = dict(told["predicate"])
        limits = codec.decode(list[Limit], codec.encode(facts.pop("limits")), what=str(path))
        return Lock(
            **facts,
            limits=tuple(limits),
            signed=bool(signatures),
            key_id=signatures[0].keyid if signatures else None,
            digest=codec.digest(body),
        )
    except (LookupError, TypeError, ValueError) as error:
        raise RecordError(f"{path}: not a statement of a lock ({type(error).__name__}: {error})") from None


def refuse_other_questions(plan: Plan, files: Mapping[str, str]) -> Lock | None:
    """The lock beside ``plan``, if there is one; PlanError where the plan no longer asks what was locked.

    Limits may differ: that is an amendment, which the documents show. Questions, seeds and data may not.
    """
    lock = read_lock(lock_path(plan.path))
    if lock is None:
        return None
    changed = [name for name in sorted({*files, *lock.files}) if files.get(name) != lock.files.get(name)]
    if plan.digests["ask"] not in (lock.ask, *lock.tiers.values()):
        what = "its target, data, groups, suites or execution"
    elif changed:
        what = f"the file {changed[0]}"
    else:
        return lock
    raise PlanError(
        [f"{plan.path}: changed since {lock_path(plan.path).name} was made on {lock.made[:10]}: {what}; lock it again"]
    )


def amendments(lock: Lock, limits: Sequence[Limit]) -> list[str]:
    """What was changed in the limits after the lock, one line each: added, changed, or taken away.

    A limit is known by its metric and the findings that it is for.
    """
    before = {_subject(limit): limit for limit in lock.limits}
    now = {_subject(limit): limit for limit in limits}
    lines = []
    for subject in sorted({*before, *now}):
        old, new = before.get(subject), now.get(subject)
        if old is None and new is not None:
            lines.append(f"{subject}: added after the lock, {_demand(new)}")
        elif new is None and old is not None:
            lines.append(f"{subject}: taken away after the lock, was {_demand(old)}")
        elif old is not None and new is not None and _said(old) != _said(new):
            lines.append(f"{subject}: changed after the lock, was {_demand(old)}, is {_demand(new)}")
    return lines


def _said(limit: Limit) -> tuple[Any, ...]:
    """What a limit demands, without its line and its reasons."""
    return (_subject(limit), limit.direction, limit.threshold, limit.around, limit.margin, limit.alpha, limit.family)


def _subject(limit: Limit) -> str:
    narrowed = ",".join(f"{key}={value}" for key, value in sorted(limit.groups.items()))
    return f"{limit.metric} ({narrowed})" if narrowed else limit.metric


def _demand(limit: Limit) -> str:
    margin = f" with a margin of {limit.margin:g}" if limit.margin else ""
    return f"{limit_words(limit)}{margin}"
