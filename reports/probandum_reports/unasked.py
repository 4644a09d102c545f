"""What stands of a document, or a part of one, that nobody is bound to make: what was measured, what the card states.

Nobody is asked for what is missing of it, but for the class of the system, which may change that, and for a review.
That something was not assessed is told, and nobody is asked to make up for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeGuard

from probandum.document import Cell, Fact, Figure, Gap, Heading, Listing, Node, Number, Table, Text
from probandum.law.confirming import CONFIRMED
from probandum_reports import facts
from probandum_reports.messages import said
from probandum_reports.nodes import walk

#: Begin the fields of what was not assessed.
_UNASSESSED = ("not_assessed.", "not-assessed-")


def left(nodes: Sequence[Node], *, document: str, places: Iterable[Node], whole: bool = False) -> list[Node]:
    """The nodes without what is missing, and without sections that hold no statement then.

    ``whole``: the nodes are the document, whose first chapter, which says what it is, stays as it is written, but for
    its lead: that promises what is left out here.
    ``places`` are held for what is made of the rest, and stay.
    """
    kept: list[Node] = []
    held = {id(each) for each in places}
    for node in nodes:
        told = _without_gaps(node, document)
        kept += [] if told is None else [told]
        if told is not None and any(map(_unassessed, walk([node]))):
            held.add(id(told))
    found: list[Node] = []
    chapters, empty = 0, False
    for at, node in enumerate(kept):
        if isinstance(node, Heading):
            chapters += node.level == 1
            section = list(_below(kept[at + 1 :], node.level))
            empty = not any(id(each) in held for each in section) and not any(_states(each) for each in walk(section))
        if not (_leads(node) if whole and chapters == 1 else empty):
            found.append(node)
    return found


def _below(nodes: Iterable[Node], level: int) -> Iterator[Node]:
    """What stands under a heading of a level, up to the next of the same or of a higher one."""
    for node in nodes:
        if isinstance(node, Heading) and node.level <= level:
            return
        yield node


def _without_gaps(node: Node, document: str) -> Node | None:
    """A node without what it asks of nobody; None where nothing is left of it.

    A row of more than a field and its statement stays, and says that the statement is not asked for.
    """
    if isinstance(node, Gap) and not _asked(node, document):
        return Text(text=_words(node), style="note") if _unassessed(node) else None
    if isinstance(node, Table):
        pairs = len(node.header) == 2
        rows = tuple(
            tuple(cell if not isinstance(cell, Gap) or _asked(cell, document) else _words(cell) for cell in row)
            for row in node.rows
            if not pairs or not any(_left_out(cell, document) for cell in row)
        )
        return replace(node, rows=rows) if rows else None
    if isinstance(node, Listing):
        entries = tuple(
            tuple(Text(text=_words(each)) if _unassessed(each) else each for each in entry)
            for entry in node.entries
            if not any(_left_out(each, document) for each in entry)
        )
        return replace(node, entries=entries) if entries else None
    return node


def _asked(gap: Gap, document: str) -> bool:
    return gap.field_id in (CONFIRMED, facts.review_field(document))


def _unassessed(node: object) -> TypeGuard[Gap]:
    return isinstance(node, Gap) and node.field_id.startswith(_UNASSESSED)


def _left_out(part: Cell | Text, document: str) -> bool:
    return isinstance(part, Gap) and not _asked(part, document) and not _unassessed(part)


def _words(gap: Gap) -> str:
    """What stands in place of a field that nobody is asked to fill."""
    if _unassessed(gap):
        return f"{gap.what[:1].upper()}{gap.what[1:]}."
    return said("not stated, and not asked for here")


def _leads(node: Node) -> bool:
    return isinstance(node, Text) and node.style == "lead"


def _states(node: object) -> bool:
    return isinstance(node, Fact | Figure | Gap | Number)
