"""What the first page of a paper document says: the system, the day, the seal, the digests, who wrote it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby

from probandum.document import Document, Fact, Gap, Heading, Node, Number
from probandum.errors import RecordError
from probandum_reports.messages import Spoken, said
from probandum_reports.nodes import walk
from probandum_reports.view import View, mark_of, of_another
from probandum_reports.wording import Mark

#: The digests of a dossier in the order a reader checks them.
_DIGESTS: Mapping[str, str] = Spoken(
    {
        "record": "Record",
        "judgement": "Judgement",
        "ask": "Plan: ask",
        "judge": "Plan: judge",
        "declare": "Plan: declare",
        "waive": "Plan: waive",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """The first page in words. ``digests`` are those that the document's front does not state.

    ``line``: what tells one record from every other, in one line.
    """

    system: str
    day: date
    seal: str
    seal_short: str
    digests: tuple[tuple[str, str], ...]
    line: str
    author: str
    description: str


def front(view: View) -> Front:
    """The first page of ``view``; RecordError where the record's day is no date."""
    dossier = view.dossier
    name, version = (str(dossier.card.get(key) or "") for key in ("name", "version"))
    system = f"{name} {version}".strip() or said("a system without a name")
    tool = dossier.environment.get("tool") or {}
    stated = {fact.value for fact in view.document.front}
    try:
        day = date.fromisoformat(dossier.as_of[:10])
    except ValueError:
        raise RecordError(
            f"as of {dossier.as_of!r}: expected a date such as 2026-11-23", remedy="name one with --as-of"
        ) from None
    if dossier.seal.get("signed"):
        key = dossier.seal.get("key_id")
        seal, seal_short = said("Sealed and signed by key {key}.", key=key), said("signed by key {key}", key=key)
    else:
        seal = said(
            "Unsigned. The digests show accidental change, but whoever can write the record's folder could write "
            "matching ones."
        )
        seal_short = said("unsigned")
    return Front(
        system=system,
        day=day,
        seal=seal,
        seal_short=seal_short,
        digests=tuple(
            (label, dossier.digests[key])
            for key, label in _DIGESTS.items()
            if key in dossier.digests and dossier.digests[key] not in stated
        ),
        line=" · ".join(
            [
                system,
                said("as of {day}", day=day.isoformat()),
                said("record {digest}", digest=short(dossier.digests.get("record", ""))),
                seal_short,
            ]
        ),
        author=" ".join(["probandum", str(tool.get("version", ""))]).strip(),
        description=said(
            "{title} of {system}, as of {day}, {seal}",
            title=view.document.title,
            system=system,
            day=day.isoformat(),
            seal=seal_short,
        ),
    )


def short(digest: str) -> str:
    """The first letters of a digest, which tell it from any other that a reader meets; it stands in full elsewhere.

    >>> short("sha256:ea043a48f0c58c839b26")
    'ea043a48f0c5'
    """
    return digest.partition(":")[2][:12] or said("without a digest")


def closing(document: Document) -> tuple[Fact, ...]:
    """What of its front a short document says in small print at its end: the law, the digests in full, the seal."""
    return tuple(fact for fact in document.front if fact.path not in ("name", "version", "run.as_of"))


def who(fact: Fact) -> str | None:
    """By whom a fact is stated, and since when; None where nobody says."""
    return ", ".join(part for part in (fact.by, fact.on) if part) or None


def whose(fact: Fact) -> str | None:
    """:func:`who`, where that is not said by the number or the row beside the fact."""
    return None if mark_of(fact) is not None and of_another(fact) else who(fact)


def in_reading_order(nodes: Iterable[Node]) -> Iterator[Node | list[Fact]]:
    """The nodes as they are set on paper.

    Neighbouring facts come as one list, set as one block of lines. A heading is never more than one level below
    the one before it, which accessible files require.
    """
    level = 0
    for is_fact, run in groupby(nodes, key=lambda node: isinstance(node, Fact)):
        if is_fact:
            yield [node for node in run if isinstance(node, Fact)]
            continue
        for node in run:
            if isinstance(node, Heading):
                level = min(node.level, level + 1)
                yield replace(node, level=level)
            else:
                yield node


def origins(document: Document) -> Counter[Mark]:
    """How many statements of each mark the document makes, its first page included."""
    parts = walk([*document.front, *document.nodes])
    marks = (mark_of(part) for part in parts if isinstance(part, Number | Fact | Gap))
    return Counter(mark for mark in marks if mark is not None)
