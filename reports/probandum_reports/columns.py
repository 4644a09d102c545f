"""How wide the columns of a table are set on paper, from what stands in them."""

from __future__ import annotations

from probandum.document import Cell, Fact, Number, Table
from probandum_reports.view import View

#: Letters beyond which a cell takes more lines instead of more width, and a word is broken.
_LONG_CELL, _LONG_WORD = 90, 18


def widths(table: Table, view: View) -> list[float]:
    """How wide each column is set, as shares of the table's width.

    Two columns are a label and what it says. Otherwise a width follows the longest word, which should not break,
    and the longest cell, up to a limit beyond which a cell takes more lines instead; none is narrower than six
    tenths of an even share.
    """
    if len(table.header) == 2:
        return [0.3, 0.7]
    wanted: list[float] = []
    for place, title in enumerate(table.header):
        extents = [_extent(title, view), *(_extent(row[place], view) for row in table.rows)]
        wanted.append(max(word for word, _ in extents) + min(max(length for _, length in extents), _LONG_CELL))
    even = sum(wanted) / len(wanted)
    columns = [max(column, 0.6 * even) for column in wanted]
    return [round(column / sum(columns), 4) for column in columns]


def _extent(cell: Cell, view: View) -> tuple[int, int]:
    """The letters of a cell's longest word and of the whole cell, with what stands below a fact or a figure."""
    text = view.cell(cell)
    word = max((min(len(part), _LONG_WORD) for part in text.split()), default=1)
    if isinstance(cell, Fact):
        said = view.provenance(cell)
        return max(word, 11), max(len(text), len(said))
    if isinstance(cell, Number):
        return 33, len(text)
    return word, len(text)
