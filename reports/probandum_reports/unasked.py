"""What stands of a document that nobody is bound to make: what was measured, and what the card states anyway.

Nobody is asked for what is missing of it, but for the class of the system, which may change that, and for a review.
That something was not assessed is told as everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from probandum.document import Cell, Fact, Figure, Gap, Heading, Listing, Node, Number, Table, Text
from probandum.law.confirming import CONFIRMED
from probandum_reports import facts
from probandum_reports.nodes import walk

#: Begin the fields of what was not assessed.
_UNASSESSED = ("not_assessed.", "not-assessed-")


def left(nodes: Sequence[Node], *, document: str, places: Iterable[Node]) -> list[Node]:
    """The nodes without what is missing, and without sections that hold no statement then.

    The first chapter, which says what the document is, stays as it is written. ``places`` are held for what is made of
    the rest, and stay.
    """
    kept = [each for node in nodes for each in _without_gaps(node, document)]
    held = {id(each) for each in places}
    found: list[Node] = []
    chapters, empty = 0, False
    for at, node in enumerate(kept):
        if isinstance(node, Heading):
            chapters += node.level == 1
            section = list(_below(kept[at + 1 :], node.level))
            empty = not any(id(each) in held for each in section) and not any(_states(each) for each in walk(section))
        if chapters < 2 or not empty:
            found.append(node)
    return found


def _below(nodes: Iterable[Node], level: int) -> Iterator[Node]:
    """What stands under a heading of a level, up to the next of the same or of a higher one."""
    for node in nodes:
        if isinstance(node, Heading) and node.level <= level:
            return
        yield node


def _without_gaps(node: Node, document: str) -> Iterator[Node]:
    """A node without what it asks of nobody; nothing where nothing is left of it.

    A row of figures stays as it is: what is missing there is not asked under the provision of the document.
    """
    if isinstance(node, Gap) and _left_out(node, document):
        return
    if isinstance(node, Table) and len(node.header) == 2:
        rows = tuple(row for row in node.rows if not any(_left_out(cell, document) for cell in row))
        if rows:
            yield replace(node, rows=rows)
        return
    if isinstance(node, Listing):
        entries = tuple(each for each in node.entries if not any(_left_out(part, document) for part in each))
        if entries:
            yield replace(node, entries=entries)
        return
    yield node


def _left_out(part: Cell | Text, document: str) -> bool:
    if not isinstance(part, Gap) or part.field_id.startswith(_UNASSESSED):
        return False
    return part.field_id not in (CONFIRMED, facts.review_field(document))


def _states(node: object) -> bool:
    return isinstance(node, Fact | Figure | Gap | Number)
