"""Which characters the shipped fonts can show, and what stands for those they cannot.

An archivable file may hold no character without its shape, so a name in a script that no shipped font has
would stop the whole document. It is written as codes instead; the attached findings hold it verbatim.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

from probandum.errors import DataError
from probandum.resources import shipped

#: Categories that change how others are shown, or have no shape of their own.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def fonts() -> Path:
    """The folder of the shipped fonts."""
    return shipped("templates") / "_render" / "fonts"


@cache
def covered() -> frozenset[int]:
    """The code points that at least one shipped font has a shape for."""
    from fontTools.ttLib import TTFont

    files = sorted(path for path in fonts().iterdir() if path.suffix in (".otf", ".ttf"))
    if not files:
        raise DataError(f"{fonts()}: no fonts", remedy="install probandum again")
    points: set[int] = set()
    for path in files:
        with TTFont(path, lazy=True) as font:
            points |= font.getBestCmap().keys()
    return frozenset(points)


def printable(text: str) -> str:
    r"""``text`` composed (NFC), with what the fonts cannot show, or what hides, written as its code.

    Line breaks stay. Codes are U+ and the hexadecimal number, several in one pair of brackets.

    >>> printable("Łódź ≥ 0.8"), printable("中文 ok"), printable("a\u202eb")
    ('Łódź ≥ 0.8', '⟨U+4E2D U+6587⟩ ok', 'a⟨U+202E⟩b')
    """
    if text.isascii() and text.isprintable():
        return text
    parts: list[str] = []
    codes: list[str] = []

    def flush() -> None:
        if codes:
            parts.append(f"⟨{' '.join(codes)}⟩")
            codes.clear()

    for character in unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\t", " "):
        if character == "\n" or (unicodedata.category(character) not in _UNSEEN and ord(character) in covered()):
            flush()
            parts.append(character)
        else:
            codes.append(f"U+{ord(character):04X}")
    flush()
    return "".join(parts)


def printable_all(value: Any) -> Any:
    """``value`` (nested dicts and lists) with every string in it :func:`printable`."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: printable_all(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [printable_all(inner) for inner in value]
    return value
