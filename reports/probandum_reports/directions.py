"""Names that are written from right to left, in lines that are written from left to right.

Left to themselves the words of such a name draw the numbers and signs after them to their other side: the value of
a finding is then printed before its name, and two names that are compared change places.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

#: Bidirectional classes of letters and digits that are set from right to left; where they are to be found at all.
_LEFTWARDS = frozenset({"R", "AL", "AN"})
_MAYBE = re.compile("[\u0590-\u08ff\ufb1d-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
#: What joins names in our own sentences and ids, and so is taken to end a name.
_JOINTS = frozenset(",;:~*=&?/|")
#: The left-to-right mark, which is not seen.
_MARK = "\u200e"


def directed(text: str) -> str:
    r"""``text`` in which right-to-left words keep to their place: a left-to-right mark stands on both sides of them.

    >>> directed("\u05d0 \u05d1: 0.37") == "\u200e\u05d0 \u05d1\u200e: 0.37"
    True
    """
    if text.isascii():
        return text
    return "".join(f"{_MARK}{part}{_MARK}" if leftwards else part for leftwards, part in by_direction(text))


def by_direction(text: str) -> Iterator[tuple[bool, str]]:
    """The parts of ``text``, and whether each runs from right to left; neighbouring words of one name are one part."""
    if not _MAYBE.search(text):
        yield False, text
        return
    plain, run, gap = "", "", ""
    for character in text:
        kind = unicodedata.bidirectional(character)
        if kind in _LEFTWARDS or (run and not gap and kind == "NSM"):
            if plain:
                yield False, plain
            plain, run, gap = "", run + gap + character, ""
        elif run and kind != "L" and character not in _JOINTS:
            gap += character
        else:
            if run:
                yield True, run
            plain, run, gap = plain + gap + character, "", ""
    if run:
        yield True, run
    if plain + gap:
        yield False, plain + gap
