"""What a document is made of: a tree in which only Number and Fact carry data.

"Every number has its evidence" is a property of these types: a text node is prose and holds no figure of the
audit; a :class:`Number` names the finding it shows; a :class:`Fact` names the path in the system card it
quotes; a :class:`Gap` stands where a fact is missing, with the requirement and who can supply it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal

#: Where a statement comes from: measured by this audit, declared by a person, proposed by a rule for a
#: person to accept, for a person alone to write, or missing.
Origin = Literal["measured", "declared", "proposed", "human", "missing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A section title; ``level`` 1 is a chapter. ``citation`` names the provision the section answers."""

    text: str
    level: int
    anchor: str
    citation: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Prose of the template: explains, and states no quantity of the audit."""

    text: str
    style: Literal["body", "lead", "note", "warning"] = "body"


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A finding shown in place: value, interval, n, verdict and id all come from it."""

    finding: str
    label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A declared fact: ``value`` is what stands at ``path`` in the card, ``by`` and ``on`` who said it when.

    Facts of the run itself (version, digests, times) have a path starting ``run.`` and origin ``measured``.
    """

    path: str
    value: str
    label: str | None = None
    by: str | None = None
    on: str | None = None
    origin: Origin = "declared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A missing fact, visible: what, under which requirement, and who can supply it.

    ``origin`` ``human`` marks a field that only a named person may fill. ``card`` is the path in the system card that
    fills it, and in Word its content control; None where no statement of the card can. ``blank``: a line of a form,
    which people write on in the file itself or on paper, and which nothing fills or reads back.
    """

    what: str
    citation: str
    supplier: str
    field_id: str
    origin: Origin = "missing"
    card: str | None = None
    blank: bool = False


Inline = Text | Number | Fact | Gap
Cell = str | Number | Fact | Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under a header; a cell is text or one of the data-carrying nodes.

    ``style`` ``dense`` asks for small print on paper: a register to look something up in, which nobody reads through.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    style: Literal["dense"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A chart of findings, drawn by us; ``alt`` states it in words and the twin table repeats every value.

    ``reading`` says in one sentence what these findings show.
    """

    kind: str
    caption: str
    alt: str
    findings: tuple[str, ...]
    twin: Table
    reading: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A list of entries, each one or more inline nodes."""

    entries: tuple[tuple[Inline, ...], ...]


Node = Heading | Text | Number | Fact | Gap | Table | Figure | Listing


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole document: its front matter and its nodes in reading order.

    ``every_finding``: it holds all findings of the record, and not a choice of them. ``brief``: it is short, and set
    without a page of its own for cover and contents. ``hub_metadata``: its Markdown begins with what model hubs read.
    """

    id: str
    title: str
    subtitle: str
    status: str
    front: tuple[Fact, ...]
    nodes: tuple[Node, ...]
    requirements: tuple[str, ...] = field(default_factory=tuple)
    every_finding: bool = False
    brief: bool = False
    hub_metadata: bool = False

    def findings(self) -> tuple[str, ...]:
        """The ids of all findings it shows, in reading order, without repeats."""
        seen: dict[str, None] = {}

        def walk(nodes: Sequence[object]) -> None:
            for node in nodes:
                if isinstance(node, Number):
                    seen.setdefault(node.finding)
                elif isinstance(node, Figure):
                    for finding in node.findings:
                        seen.setdefault(finding)
                    walk([node.twin])
                elif isinstance(node, Table):
                    walk([cell for row in node.rows for cell in row])
                elif isinstance(node, Listing):
                    walk([inline for entry in node.entries for inline in entry])

        walk(self.nodes)
        return tuple(seen)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardField:
    """A fact that a document reads from the card: where it stands, what it is, who can supply it under which provision.

    ``human``: only a named person may state it, with a date. ``in_parts``: of keys below it, only those are printed
    that are asked for.
    """

    path: str
    what: str
    requirement: str
    supplier: str
    human: bool = False
    in_parts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSpec:
    """What ``templates/<id>/document.yaml`` says a document is; ``digest`` is of all that it says.

    ``refers``: the documents whose reviews its text hangs on, which refer to none themselves.
    """

    id: str
    title: str
    summary: str
    audience: str
    requirements: tuple[str, ...]
    digest: str
    refers: tuple[str, ...] = ()


#: Stands in the place of a document's name for all that there are.
ALL = "all"


def chosen(documents: Sequence[str], known: Collection[str]) -> tuple[str, ...]:
    """The documents that ``documents`` names, each once; ``all`` stands for all that are ``known``.

    >>> chosen(["dpia", "all"], ["annex_iv", "dpia"])
    ('dpia', 'annex_iv')
    """
    return tuple(dict.fromkeys(name for each in documents for name in (known if each == ALL else [each])))
