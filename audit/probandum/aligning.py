"""Aligning: text in lines for a terminal of some width, or for a log, where nothing is broken at all.

A finding's id is copied and searched for: a line breaks at spaces and behind ``?``, ``&``, ``~`` and ``/``, and nowhere
else. What has no such place runs on.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from rich.cells import cell_len

_PIECES = re.compile(r"[^ ?&~/]+[ ?&~/]*|[ ?&~/]+")
#: Cells longer than this many columns push the rest of their row, and widen no other row.
_WIDEST = 60
_GAP = "  "


def folded(text: str, width: int | None, *, indent: int = 0) -> list[str]:
    """``text`` in lines of at most ``width`` columns, all but the first indented; None: in one line.

    >>> folded("  1  bias.fake/share?sex=F~M: FAIL", 20, indent=5)
    ['  1  bias.fake/', '     share?sex=F~M:', '     FAIL']
    >>> folded("nothing to break here", None)
    ['nothing to break here']
    """
    if width is None or cell_len(text) <= width:
        return [text]
    lines, line = [], ""
    for piece in _PIECES.findall(text):
        if line.strip() and cell_len((line + piece).rstrip()) > width:
            lines.append(line.rstrip())
            line = " " * indent + piece.lstrip()
        else:
            line += piece
    return [*lines, line.rstrip()]


def led(lead: str, text: str, width: int | None) -> list[str]:
    """``text`` behind its ``lead``; where it is too long for a line, what it is about has one of its own.

    >>> led("  1  ", "bias.fake/share?age=25 or younger: FAIL; 0.9, n = 10", 40)
    ['  1  bias.fake/share?age=25 or younger:', '     FAIL; 0.9, n = 10']
    """
    indent = len(lead)
    about, colon, said = text.partition(": ")
    if width is None or not colon or cell_len(lead + text) <= width:
        return folded(lead + text, width, indent=indent)
    behind = " " * indent
    return [*folded(f"{lead}{about}:", width, indent=indent), *folded(behind + said, width, indent=indent)]


def laid_out(
    rows: Sequence[Sequence[str]], *, name: int, right: Collection[int] = (), width: int | None
) -> list[list[str]]:
    """The lines of each row of a table, the header among them.

    Where the table is too wide, the column ``name`` ends its line, and what stands behind it follows on a line below.
    ``right``: columns that are aligned to the right.

    >>> rows = [("verdict", "finding", "n"), ("FAIL", "bias.fake/share?sex=F", "10")]
    >>> laid_out(rows, name=1, right={2}, width=None)
    [['verdict  finding                 n'], ['FAIL     bias.fake/share?sex=F  10']]
    >>> laid_out(rows, name=1, right={2}, width=30)
    [['verdict  finding', '            n'], ['FAIL     bias.fake/share?sex=F', '           10']]
    """
    columns = range(len(rows[0]))
    limits = [None if column == name else _WIDEST for column in columns]
    widths = [_widest((row[column] for row in rows), limit) for column, limit in zip(columns, limits, strict=True)]

    def line(row: Sequence[str], chosen: range) -> str:
        return _GAP.join(_padded(row[each], widths[each], each in right) for each in chosen).rstrip()

    start = sum(widths[:name]) + len(_GAP) * name
    if width is None or sum(widths) + len(_GAP) * (len(widths) - 1) <= width:
        return [folded(line(row, columns), width, indent=start) for row in rows]
    made = []
    for row in rows:
        upper, lower = line(row, range(name + 1)), line(row, range(name + 1, len(row)))
        made.append(folded(upper, width, indent=start))
        if lower:
            indent = start + len(_GAP)
            made[-1] += folded(" " * indent + lower, width, indent=indent)
    return made


def _widest(cells: Iterable[str], limit: int | None) -> int:
    return max((wide for cell in cells if (wide := cell_len(cell)) <= (limit or wide)), default=0)


def _padded(text: str, width: int, right: bool) -> str:
    space = " " * (width - cell_len(text))
    return space + text if right else text + space
