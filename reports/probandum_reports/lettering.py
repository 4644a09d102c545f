"""Which characters the shipped fonts can show, and what stands for those they cannot.

An archivable file may hold no character without its shape, so a name in a script that no shipped font has
would stop the whole document. It is written as codes instead, or, where these would be many, under a number with
its codes in a table of its own; the attached findings hold it verbatim. A letter with a mark on it is drawn from one
font or not at all: the typesetter drops a letter whose mark stands in another.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Set
from functools import cache
from pathlib import Path
from typing import Any

from probandum.errors import DataError
from probandum.resources import shipped
from probandum.speech import bare, piecewise
from probandum_reports.messages import said

#: Categories that change how others are shown, or have no shape of their own.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
#: The font of running text, which holds every mark that any of them holds, and those of other faces.
_TEXT = "Inter-Regular.otf"
_FACES: Mapping[str, str] = {"serif": "Vollkorn-Medium.ttf", "mono": "JetBrainsMono-Regular.ttf"}
#: Neighbouring words of codes, and how many codes stand where they are.
_CODES = r"⟨U\+[0-9A-F]+(?: U\+[0-9A-F]+)*⟩"
_RUN, _SHORT = re.compile(f"{_CODES}(?: {_CODES})*"), 3


def fonts() -> Path:
    """The folder of the shipped fonts."""
    return shipped("templates") / "_render" / "fonts"


@cache
def _held() -> Mapping[str, frozenset[str]]:
    """The characters that each shipped font has a shape for, by its file."""
    from fontTools.ttLib import TTFont

    held: dict[str, frozenset[str]] = {}
    for path in sorted(path for path in fonts().iterdir() if path.suffix in (".otf", ".ttf")):
        with TTFont(path, lazy=True) as font:
            held[path.name] = frozenset(map(chr, font.getBestCmap()))
    if not held.keys() >= {_TEXT, *_FACES.values()}:
        raise DataError(f"{fonts()}: fonts are missing", remedy="install probandum again")
    return held


@cache
def covered() -> frozenset[str]:
    """The characters that at least one shipped font has a shape for."""
    return frozenset().union(*_held().values())


@cache
def _marks() -> frozenset[str]:
    """Those among them that sit on the letter before them."""
    return frozenset(each for each in covered() if unicodedata.category(each).startswith("M"))


@cache
def _on_a_letter() -> re.Pattern[str]:
    return re.compile(f"{_class(_marks())}+")


def _class(characters: Set[str], sign: str = "") -> str:
    """Characters as a class of a pattern, which the typesetter reads, too; ``sign``: "^" for all others."""
    return f"[{sign}{re.escape(''.join(sorted(characters)))}]"


def printable(text: str) -> str:
    r"""``text`` composed (NFC), with what the fonts cannot show, or what hides, written as its code.

    Line breaks stay. Codes are U+ and the hexadecimal number, several in one pair of brackets.

    >>> printable("Łódź ≥ 0.8"), printable("中文 ok"), printable("a\u202eb")
    ('Łódź ≥ 0.8', '⟨U+4E2D U+6587⟩ ok', 'a⟨U+202E⟩b')
    """
    if text.isascii() and text.isprintable():
        return text
    composed = unicodedata.normalize("NFC", bare(text)).replace("\r\n", "\n").replace("\t", " ")
    used = set(composed)
    unseen = {each for each in used if not _seen(each)}
    unmarked = used - unseen - _held()[_TEXT] - {"\n"}
    ways = [f"{_class(unseen)}{_class(_marks())}*"] if unseen else []
    ways += [f"{_class(unmarked)}{_class(_marks())}+"] if unmarked else []
    return re.sub(f"(?:{'|'.join(ways)})+", _coded, composed) if ways else composed


def written(text: str) -> bool:
    r"""Whether ``text`` is :func:`printable` as it stands, or composed.

    >>> written("e\u0301"), written("中文")
    (True, False)
    """
    return printable(text) == unicodedata.normalize("NFC", text)


def _seen(character: str) -> bool:
    if character == "\n":
        return True
    return unicodedata.category(character) not in _UNSEEN and character in covered()


def faces(text: str) -> dict[str, str]:
    r"""What each face but that of running text may set of ``text``, as a class of a pattern; empty where that is all.

    A letter that stands with a mark which the face lacks, or that it lacks itself, is left to the font of running
    text; so is every mark, since a mark of the class would hold its letter there.

    >>> faces("Łódź, o\u0301 and \u025b")
    {'serif': '', 'mono': ''}
    >>> sorted(set("abc\u025b") - set(faces("M\u025b\u0303nsa")["serif"]))
    ['a', 'b', 'c']
    """
    found = {text[max(marks.start() - 1, 0) : marks.end()] for marks in _on_a_letter().finditer(text)}
    left = {face: {each[0] for each in found if not _held()[file] >= set(each)} for face, file in _FACES.items()}
    return {face: _class(letters | _marks(), "^") if letters else "" for face, letters in left.items()}


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
        if text.isascii() and text.isprintable():
            return text
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
