"""One input of a block that does not fit, or whose answer does not: named by its place in the whole block."""

from __future__ import annotations

from probandum.evidence import Request


class Misfit(ValueError):
    """What is wrong with the input at place ``row`` of what was asked, counted from 0.

    >>> str(Misfit(2, "the text has no tokens"))
    'input 3: the text has no tokens'
    """

    def __init__(self, row: int, text: str, *, what: str = "input") -> None:
        self._row, self._text, self._what = int(row), text, what
        super().__init__(self._said(0))

    def within(self, request: Request) -> str:
        """The same of the block that ``request`` is a part of."""
        return self._said(request.start)

    def _said(self, start: int) -> str:
        return f"{self._what} {start + self._row + 1}: {self._text}"
