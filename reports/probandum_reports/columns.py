"""How wide the columns of a table are set on paper, from what stands in them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from probandum.document import Cell, Fact, Number, Table
from probandum_reports.view import View, mark_of
from probandum_reports.wording import Mark

#: Letters of a line as wide as the table, also in small print; those beyond which a cell takes more lines instead of
#: more width, and a word is broken; what the edges of a cell take.
_LINE, _SMALL_LINE, _LONG_CELL, _LONG_WORD, _EDGES = 104, 132, 150, 22, 3
#: What a figure takes with its verdict; in small print its interval stands on the same line.
_RESULT, _DENSE_RESULT = 25, 34
#: At most so many letters decide on the width of a figure in a short document, where it stands in two lines.
_STACKED = 40
#: What a fact's mark takes with its words, which are set smaller and should not break.
_BESIDE: Mapping[Mark | None, int] = {None: 1, "recorded": 18}


def widths(table: Table, view: View) -> list[float]:
    """How wide each column is set, as shares of the table's width.

    Two columns are a label and what it says. Otherwise each column has room for its longest word, which should not
    break, and the rest goes to where the longest cells are, up to a limit beyond which a cell takes more lines.
    """
    dense = table.style == "dense"
    if len(table.header) == 2:
        return [0.52, 0.48] if dense else [0.3, 0.7]
    words: list[float] = []
    cells: list[float] = []
    for place, title in enumerate(table.header):
        extents = [_extent(title, view), *(_extent(row[place], view, dense=dense) for row in table.rows)]
        words.append(max(word for word, _ in extents) + _EDGES)
        cells.append(min(max(length for _, length in extents), _LONG_CELL))
    spare = max((_SMALL_LINE if dense else _LINE) - sum(words), 0)
    columns = [word + spare * cell / sum(cells) for word, cell in zip(words, cells, strict=True)]
    return [round(column / sum(columns), 4) for column in columns]


def _extent(cell: Cell, view: View, *, dense: bool = False) -> tuple[int, int]:
    """The letters of a cell's longest word and of the whole cell, with what stands beside a fact or a figure."""
    text = view.cell(cell)
    word = max((min(len(part), _LONG_WORD) for part in re.split(r"[\s/-]+", text)), default=1)
    if isinstance(cell, Fact):
        return max(word, _BESIDE.get(mark_of(cell), 10)), len(text)
    if isinstance(cell, Number):
        return _DENSE_RESULT if dense else _RESULT, min(len(text), _STACKED) if view.document.brief else len(text)
    return word, len(text)
