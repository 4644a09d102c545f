"""Labels of a chart, folded into lines by how wide their letters are in any script."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

_CUT = " …"
#: So many cells of a document's title and of a system's name stand in the line over and under each page, beside day,
#: seal and number of the page.
TITLE, SYSTEM = 80, 80


def cells(text: str) -> int:
    """How wide a line is, in widths of a Latin letter: an ideograph takes two, what sits on a letter none.

    >>> cells("Łódź"), cells("中文"), cells("e\u0301")
    (4, 4, 1)
    """
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def folded(text: str, *, width: int, lines: int) -> list[str]:
    """``text`` on at most so many lines of so many cells; where it is longer the last one ends in an ellipsis.

    >>> folded("25 or younger against over 25", width=16, lines=2)
    ['25 or younger', 'against over 25']
    >>> folded("中文中文中文中文", width=6, lines=2)
    ['中文中', '文中 …']
    """
    found = list(_lines(text, width))
    if len(found) <= lines:
        return found
    last = found[lines - 1]
    while last and cells(last + _CUT) > width:
        last = last[:-1].rstrip()
    return [*found[: lines - 1], last + _CUT]


def cut(text: str, width: int) -> str:
    """``text`` on one line of so many cells.

    >>> cut("25 or younger against over 25", 16)
    '25 or younger …'
    """
    return "".join(folded(text, width=width, lines=1))


def _lines(text: str, width: int) -> Iterator[str]:
    line = ""
    for word in text.split():
        for piece in _pieces(word, width):
            joined = f"{line} {piece}" if line else piece
            if cells(joined) > width:
                yield line
                joined = piece
            line = joined
    if line:
        yield line


def _pieces(word: str, width: int) -> Iterator[str]:
    """A word in pieces that fit a line: broken behind a hyphen, else between any two letters.

    >>> list(_pieces("Amer-Indian-Eskimo", 12)), list(_pieces("Eskimo", 4))
    (['Amer-Indian-', 'Eskimo'], ['Eski', 'mo'])
    """
    piece = ""
    for character in word:
        if piece and cells(piece + character) > width:
            whole, hyphen, rest = piece.rpartition("-")
            yield whole + hyphen or piece
            piece = rest if hyphen else ""
        piece += character
    yield piece
