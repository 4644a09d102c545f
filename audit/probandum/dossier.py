"""All that a document may say, read from one sealed record; and who writes documents from it.

A dossier holds values only, so that documents are a pure function of it: no clock, no machine, no network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from probandum.accounting import Account
from probandum.comparison import Comparison
from probandum.document import DocumentSpec
from probandum.errors import MissingDependency
from probandum.evidence import Items, Observation, Reading
from probandum.finding import Finding, Waiver
from probandum.probe import ProbeResult, Window
from probandum.reasons import Reasons


@dataclass(frozen=True, kw_only=True, eq=False)
class Dossier:
    """One record, one judgement, one card.

    ``card``: the system card as declared. ``plan``: the plan as measured (keys ask, judge, declare, waive,
    suites, digests). ``environment``: tool, machine, target identity, cautions and times of the run.
    ``digests``: of the record's statement (``record``), of the judgement (``judgement``) and of the plan's
    parts (``ask``, ``judge``, ``declare``, ``waive``). ``seal``: signed (bool) and key_id. ``gate``: code,
    mode, causes (each code, text, finding), counts by verdict, judged. ``as_of``: the ISO date that every
    document states. ``observations`` reads the raw observations again from the start at each call; ``windows``
    are the metered energy windows by the key that findings name as evidence. ``lock``: made, digest, signed, key_id,
    precedes (the run), held (the limits that stand in it), amendments (words); None without a lock. ``accounts``: what
    became of every input. ``waivers``: all that the judgement looked at; ``judged_on`` is the ISO date that decided
    which of them are in force. ``purged``: in words, that raw questions and answers were deleted; None where they
    were not. ``decision``: the one decision that a document explains; None where it speaks of the audit.
    """

    card: Mapping[str, Any]
    plan: Mapping[str, Any]
    findings: tuple[Finding, ...]
    waivers: tuple[Waiver, ...]
    judged_on: str
    results: tuple[ProbeResult, ...]
    environment: Mapping[str, Any]
    readings: Mapping[str, Reading]
    items: Mapping[str, Items]
    digests: Mapping[str, str]
    seal: Mapping[str, Any]
    gate: Mapping[str, Any]
    as_of: str
    observations: Callable[[], Iterator[Observation]]
    windows: Mapping[str, Window] = field(default_factory=dict)
    lock: Mapping[str, Any] | None = None
    accounts: tuple[Account, ...] = ()
    purged: str | None = None
    decision: Reasons | None = None


class Publisher(Protocol):
    """Writes documents; the reports package registers one."""

    def known(self) -> Mapping[str, DocumentSpec]:
        """The documents it can write, by id."""
        ...

    def publish(self, dossier: Dossier, documents: Sequence[str], folder: Path, formats: Sequence[str]) -> list[Path]:
        """Write ``documents`` and an ``index.html`` into ``folder``; returns the files, the index first."""
        ...

    def explained(self, dossier: Dossier, format: str) -> bytes:
        """The explanation of the decision in ``dossier`` as a file: text, html, docx or json."""
        ...

    def compared(self, comparison: Comparison) -> bytes:
        """One page, in HTML, that says what changed between two audits."""
        ...


@dataclass(slots=True)
class _Registry:
    publisher: Publisher | None = field(default=None)


_REGISTRY = _Registry()


def register_publisher(publisher: Publisher) -> None:
    """Make ``publisher`` the one that writes documents."""
    _REGISTRY.publisher = publisher


def publisher() -> Publisher:
    """The registered publisher; MissingDependency where no reports package is installed."""
    if _REGISTRY.publisher is None:
        raise MissingDependency("the reports package", needed_for="writing documents", extra="all")
    return _REGISTRY.publisher
