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
from probandum.document import CardField, DocumentSpec
from probandum.errors import MissingDependency
from probandum.evidence import Items, Reading
from probandum.filling import Filled, Origin
from probandum.finding import Finding, Waiver
from probandum.journal import Recorded
from probandum.probe import ProbeResult, Window
from probandum.reasons import Reasons
from probandum.speech import ENGLISH
from probandum.totalling import AuditEnergy
from probandum.tradeoffs import TradeOffs

#: Formats of the audit as a whole, which programs read, by the file that each is written into beside the documents.
WHOLE: Mapping[str, str] = {"cyclonedx": "audit.cdx.json", "in-toto": "test-result.intoto.json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Who reviewed which document of a record when. It is a record of review, and no signature of a person.

    ``number``: counted from 1 for each document. ``record`` and ``judgement``: digests of the statements that the
    document was written from. ``files``: the SHA-256 of each file that was reviewed, by name. ``content``: the digest
    of what they all say, before any review stood in them. ``date``: the ISO date. ``digest``: of the statement over
    the review. ``signer``: the id of the key that it says it was signed with.
    """

    document: str
    number: int
    record: str
    judgement: str
    files: Mapping[str, str]
    content: str
    name: str
    function: str
    date: str
    tool: str
    digest: str
    signer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How far a document is, whoever reviewed it: the digest of what it says, and what each open field asks for.

    ``blank``: it is a form with lines that people write on in the file or on paper, and never final itself.
    """

    content: str
    open: tuple[str, ...]
    blank: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Dossier:
    """One record, one judgement, one card.

    ``card``: the system card as declared. ``plan``: the plan as measured (keys ask, judge, declare, waive, suites,
    digests). ``environment``: tool, machine, target identity, cautions and times of the run. ``digests``: of the
    record's statement (``record``), of the judgement (``judgement``), of the observations as they were sealed
    (``observations``) and of the plan's parts (``ask``, ``judge``, ``declare``, ``waive``). ``seal``: signed (bool) and
    key_id. ``gate``: code, mode, causes (each code, text, finding), counts by verdict, judged. ``as_of``: the ISO date
    that every document states. ``observations`` reads the raw observations again from the start at each call;
    ``windows`` are the metered energy windows by the key that findings name as evidence, ``energy`` what the whole
    audit took. ``lock``: made, digest, signed, key_id, precedes (the run), held (the limits that stand in it),
    amendments (words); None without a lock. ``accounts``: what became of every input. ``waivers``: all that the
    judgement looked at; ``judged_on`` is the ISO date that decided which of them are in force. ``purged``: in words,
    that raw questions and answers were deleted; None where they were not. ``decision``: the one decision that a
    document explains; None where it speaks of the audit. ``language``: in which documents are written. ``reviews``:
    those of what the documents say now. ``final``: they are written to be filed, and have nothing open.
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
    observations: Callable[[], Iterator[Recorded]]
    windows: Mapping[str, Window] = field(default_factory=dict)
    energy: AuditEnergy = field(default_factory=lambda: AuditEnergy(why="nothing was metered"))
    lock: Mapping[str, Any] | None = None
    accounts: tuple[Account, ...] = ()
    purged: str | None = None
    decision: Reasons | None = None
    language: str = ENGLISH
    reviews: tuple[Review, ...] = ()
    final: bool = False


class Publisher(Protocol):
    """Writes documents; the reports package registers one."""

    def known(self) -> Mapping[str, DocumentSpec]:
        """The documents it can write, by id."""
        ...

    def asked(self, card: Mapping[str, Any] | None = None) -> Mapping[str, tuple[CardField, ...]]:
        """What each document reads from a card, by its id; of one at hand what it states, or is asked as it stands."""
        ...

    def claim(self, text: str) -> str | None:
        """The first claim in a text that no document makes of a system itself; None where it makes none."""
        ...

    def refuse_missing(self, formats: Sequence[str], *, load: bool) -> None:
        """MissingDependency where a package that one of ``formats`` needs is not installed, naming the first.

        ``load``: whether they are loaded for it, and not only looked for.
        """
        ...

    def publish(self, dossier: Dossier, documents: Sequence[str], folder: Path, formats: Sequence[str]) -> list[Path]:
        """Write ``documents`` and an ``index.html`` into ``folder``; returns the files, the index first.

        The index links to the files of formats in :data:`WHOLE`, which others write.
        """
        ...

    def state(self, dossier: Dossier, document: str) -> State:
        """How far a document of ``dossier`` is."""
        ...

    def origin(self, path: Path) -> Origin:
        """Which document the filled Word file in ``path`` says it is; DataError where it is no such file."""
        ...

    def filled(self, dossier: Dossier, path: Path, *, original: Path | None = None) -> Filled:
        """What people wrote into the fields of a document of ``dossier``; DataError where they changed more.

        ``original``: the file as it was written, where it still lies there as it was sealed.
        """
        ...

    def explained(self, dossier: Dossier, format: str) -> bytes:
        """The explanation of the decision in ``dossier`` as a file: text, html, docx or json."""
        ...

    def compared(self, comparison: Comparison) -> bytes:
        """One page, in HTML, that says what changed between two audits."""
        ...

    def traded(self, found: TradeOffs) -> bytes:
        """One page, in HTML, that draws what variants of a system give up for what."""
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
