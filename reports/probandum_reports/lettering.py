"""Which characters the shipped fonts can show, and what stands for those they cannot.

An archivable file may hold no character without its shape, so a name in a script that no shipped font has
would stop the whole document. It is written as codes instead, or, where these would be many, under a number with
its codes in a table of its own; the attached findings hold it verbatim.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

from probandum.errors import DataError
from probandum.resources import shipped
from probandum.speech import bare, piecewise
from probandum_reports.messages import said

#: Categories that change how others are shown, or have no shape of their own.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
#: Neighbouring words of codes, and how many codes stand where they are.
_CODES = r"⟨U\+[0-9A-F]+(?: U\+[0-9A-F]+)*⟩"
_RUN, _SHORT = re.compile(f"{_CODES}(?: {_CODES})*"), 3


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
    composed = unicodedata.normalize("NFC", bare(text)).replace("\r\n", "\n").replace("\t", " ")
    unseen = "".join(each for each in sorted(set(composed)) if not _seen(each))
    return re.sub(f"[{re.escape(unseen)}]+", _coded, composed) if unseen else composed


def _seen(character: str) -> bool:
    if character == "\n":
        return True
    return unicodedata.category(character) not in _UNSEEN and ord(character) in covered()


def _coded(run: re.Match[str]) -> str:
    return f"⟨{' '.join(f'U+{ord(character):04X}' for character in run[0])}⟩"


class Names:
    """Numbers for names that would take many codes, in the order in which they are met.

    >>> names = Names()
    >>> names.short("中文 北京 against ok"), names.short("中文 ok"), dict(names.codes)
    ('⟨name 1⟩ against ok', '⟨U+4E2D U+6587⟩ ok', {'⟨name 1⟩': '⟨U+4E2D U+6587⟩ ⟨U+5317 U+4EAC⟩'})
    """

    def __init__(self) -> None:
        self._keys: dict[str, str] = {}

    @property
    def codes(self) -> dict[str, str]:
        """The codes of every name by its key."""
        return {key: codes for codes, key in self._keys.items()}

    def short(self, text: str) -> str:
        """``text`` :func:`printable`, with a key in place of many codes; what is marked as English stays so."""
        return piecewise(text, lambda part: _RUN.sub(self._key, printable(part)))

    def short_all(self, value: Any) -> Any:
        """``value`` (nested dicts and lists) with every string in it :meth:`short`."""
        if isinstance(value, str):
            return self.short(value)
        if isinstance(value, dict):
            return {key: self.short_all(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.short_all(inner) for inner in value]
        return value

    def _key(self, run: re.Match[str]) -> str:
        if run[0].count("U+") <= _SHORT:
            return run[0]
        return self._keys.setdefault(run[0], said("⟨name {n}⟩", n=len(self._keys) + 1))
