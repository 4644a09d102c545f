"""Walking the content tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from probandum.document import Figure, Gap, Listing, Table


def inner(node: object) -> Sequence[object]:
    """What stands inside a node."""
    if isinstance(node, Table):
        return [cell for row in node.rows for cell in row]
    if isinstance(node, Figure):
        return [node.twin]
    if isinstance(node, Listing):
        return [inline for entry in node.entries for inline in entry]
    return []


def walk(nodes: Iterable[object]) -> Iterator[object]:
    """Every node of a tree, in reading order."""
    for node in nodes:
        yield node
        yield from walk(inner(node))


def gaps(nodes: Iterable[object]) -> Iterator[Gap]:
    """Every gap of a tree, in reading order."""
    return (node for node in walk(nodes) if isinstance(node, Gap))


def fields(nodes: Iterable[object]) -> dict[str, Gap]:
    """What is open in a tree, by the field that closes it: of several gaps the first, which asks in its own words."""
    found: dict[str, Gap] = {}
    for gap in gaps(nodes):
        found.setdefault(gap.field_id, gap)
    return found
