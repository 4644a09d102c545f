"""A document as plain text for a terminal: wrapped lines, tables in columns, and of a chart its table.

Of what is missing only that it is; the list of open items says who asks for it. Who declared most of what is declared
is said once.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from probandum.document import Cell, Fact, Figure, Gap, Heading, Inline, Listing, Node, Table, Text
from probandum_reports.columns import widths
from probandum_reports.directions import directed
from probandum_reports.labels import cells
from probandum_reports.messages import Spoken, said
from probandum_reports.nodes import walk
from probandum_reports.pages import visible
from probandum_reports.view import View, mark_of

#: Columns of a line, blanks between two columns of a table, and the least that one takes.
WIDTH, _BETWEEN, _LEAST = 98, 2, 8
_MARKS: Mapping[str, str] = Spoken({"missing": "[missing]", "human": "[for a person to write]"})


def render(view: View) -> bytes:
    """The document as UTF-8 text, ending in a newline."""
    return _Plain(view).text().encode()


class _Plain:
    """One document being said."""

    def __init__(self, view: View) -> None:
        self._view = view
        told = (
            view.provenance(node)
            for node in walk([*view.document.front, *view.document.nodes])
            if isinstance(node, Fact) and node.origin == "declared"
        )
        self._declared = next((text for text, _ in Counter(told).most_common(1)), "")

    def text(self) -> str:
        """All of it."""
        document = self._view.document
        blocks = [f"{document.title}\n{'=' * cells(document.title)}", _wrapped(document.subtitle)]
        blocks.append(_wrapped(document.status))
        blocks.append(self._fields([(fact.label or fact.path, replace(fact, label=None)) for fact in document.front]))
        if self._declared:
            whose = said("Where nothing else is said, what is declared here was {declared}.", declared=self._declared)
            blocks.append(_wrapped(whose))
        for node in document.nodes:
            blocks += self._blocks(node)
        return "\n\n".join(block for block in blocks if block) + "\n"

    def _blocks(self, node: Node) -> Iterable[str]:
        if isinstance(node, Heading):
            text = _clean(node.text)
            yield f"\n{text}\n{'-' * cells(text)}"
        elif isinstance(node, Text):
            yield _wrapped(node.text, first="! " if node.style == "warning" else "")
        elif isinstance(node, Table):
            yield from self._table(node)
        elif isinstance(node, Figure):
            yield from self._table(node.twin)
        elif isinstance(node, Listing):
            entries = (" ".join(self._inline(each) for each in entry) for entry in node.entries)
            yield "\n".join(_wrapped(entry, first="- ") for entry in entries)
        else:
            yield _wrapped(self._inline(node))

    def _table(self, table: Table) -> Iterable[str]:
        yield _wrapped(table.caption)
        if len(table.header) == 2:
            yield self._fields(table.rows)
            return
        wide = [
            max(_LEAST, round(share * (WIDTH - _BETWEEN * len(table.header)))) for share in widths(table, self._view)
        ]
        rows = [table.header, *([self._cell(cell) for cell in row] for row in table.rows)]
        lines = [line for row in rows for line in _in_columns(row, wide)]
        under = len(_in_columns(table.header, wide))
        yield "\n".join([*lines[:under], "  " + "-" * (WIDTH - 2), *lines[under:]])

    def _fields(self, rows: Iterable[Sequence[Cell]]) -> str:
        """Labels and what they say beside each other, the labels as wide as the longest of a usual length."""
        told = [(_clean(self._cell(first)), self._cell(second)) for first, second in rows]
        wide = max((cells(label) for label, _ in told if cells(label) <= WIDTH // 3), default=WIDTH // 4)
        return "\n".join(line for row in told for line in _in_columns(row, (wide, WIDTH - wide - 2 * _BETWEEN)))

    def _cell(self, cell: Cell) -> str:
        return cell if isinstance(cell, str) else self._inline(cell)

    def _inline(self, node: Inline) -> str:
        if isinstance(node, Gap):
            return f"{_MARKS[node.origin]} {node.what}"
        if not isinstance(node, Fact):
            return self._view.inline(node)
        told = self._view.provenance(node)
        owned = mark_of(node) in ("declared", "proposed") and told != self._declared
        by = f" ({told})" if told and owned else ""
        return (f"{node.label}: " if node.label else "") + node.value + by


def _in_columns(row: Sequence[str], wide: Sequence[int]) -> list[str]:
    """The lines of a row, each cell wrapped within its column.

    >>> _in_columns(("a b", "c"), (1, 3))
    ['  a  c', '  b']
    """
    wrapped = [_lines(cell, width) for cell, width in zip(row, wide, strict=True)]
    blank = " " * _BETWEEN
    lines = []
    for place in range(max(map(len, wrapped))):
        parts = (lines[place] if place < len(lines) else "" for lines in wrapped)
        padded = (part + " " * (width - cells(part)) for part, width in zip(parts, wide, strict=True))
        lines.append((blank + blank.join(padded)).rstrip())
    return lines


def _wrapped(text: str, *, first: str = "") -> str:
    """Lines of ``WIDTH`` columns; all but the first are indented by as much as ``first`` takes.

    >>> print(_wrapped("a b", first="- "))
    - a b
    """
    lines = _lines(text, WIDTH - len(first))
    return "\n".join(f"{first if place == 0 else ' ' * len(first)}{line}" for place, line in enumerate(lines))


def _lines(text: str, width: int) -> list[str]:
    return textwrap.wrap(_clean(text), width, break_on_hyphens=False) or [""]


def _clean(text: str) -> str:
    return directed(visible(" ".join(text.split())))
