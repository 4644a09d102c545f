"""The language that is spoken: sentences are written here in English, and told as a catalogue of messages says them.

Nothing is spoken but English unless somebody says so (:func:`speaking_in`), which only those do who write documents:
what stands in a record is always English. A sentence with values in it is one message with their names in braces, so
that a translator orders it; one that counts has a form for each number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, TypeVar, cast

#: The language in which documents are written where nobody asks for another.
ENGLISH = "en"
K = TypeVar("K")
V = TypeVar("V", covariant=True)


class Forms(NamedTuple):
    """A text that counts, in another language: its forms, and which of them fits a number."""

    texts: tuple[str, ...]
    which: Callable[[int], int]


#: Translations by their English text; of one that counts, by that for one thing.
Catalogue = Mapping[str, str | Forms]
_SPOKEN: ContextVar[tuple[str, Catalogue]] = ContextVar("spoken", default=(ENGLISH, {}))


@contextmanager
def speaking_in(language: str, catalogue: Catalogue) -> Iterator[None]:
    """Within it, :func:`said` and :func:`counted` give the texts of ``catalogue``, which is of ``language``."""
    before = _SPOKEN.set((language, catalogue))
    try:
        yield
    finally:
        _SPOKEN.reset(before)


def language() -> str:
    """The language that is spoken."""
    return _SPOKEN.get()[0]


def said(text: str, /, **values: object) -> str:
    """``text`` in the language that is spoken, or as it stands, with ``values`` at the places that it names.

    >>> said("Findings by verdict"), said("not reviewed; {who} must review it", who="the provider")
    ('Findings by verdict', 'not reviewed; the provider must review it')
    """
    found = _SPOKEN.get()[1].get(text, text)
    told = found.texts[0] if isinstance(found, Forms) else found
    return told.format(**values) if values else told


def counted(n: int, one: str, many: str, /, **values: object) -> str:
    """So many of a thing: ``one`` or ``many`` of them, or the form of the language that is spoken, with ``n`` in it.

    >>> counted(1, "{n} finding", "{n:,} findings"), counted(1200, "{n} finding", "{n:,} findings")
    ('1 finding', '1,200 findings')
    """
    found = _SPOKEN.get()[1].get(one)
    told = found.texts[found.which(n)] if isinstance(found, Forms) else one if n == 1 else many
    return told.format(n=n, **values)


def noted(text: str) -> str:
    """``text`` as it stands: marks words for translators that are kept in English and :func:`said` where they show.

    >>> noted("assets")
    'assets'
    """
    return text


class Spoken(Mapping[K, V]):
    """Words by name, each in the language that is spoken when it is asked for; of a pair of words each.

    >>> Spoken({"missing": ("Missing", "A fact that nobody has supplied yet.")})["missing"][0]
    'Missing'
    """

    def __init__(self, words: Mapping[K, V]) -> None:
        self._words = words

    def __getitem__(self, name: K) -> V:
        """The words under a name."""
        return cast(V, _told(self._words[name]))

    def __iter__(self) -> Iterator[K]:
        """The names, in their order."""
        return iter(self._words)

    def __len__(self) -> int:
        """How many names there are."""
        return len(self._words)


def _told(words: Any) -> Any:
    if isinstance(words, str):
        return said(words)
    return tuple(map(_told, words)) if isinstance(words, tuple) else words


#: Stand around words that stay English where another language is spoken; of private use, so that they are never seen.
_OPENS, _CLOSES = "\ue001", "\ue002"
_KEPT = re.compile(f"{_OPENS}([^{_OPENS}{_CLOSES}]*){_CLOSES}")


def english(text: str) -> str:
    """``text``, which is English in every language, such as one of the law pack or of the record, marked as that.

    >>> with speaking_in("de", {}):
    ...     list(pieces(f"Gefragt: {english('the provider')}"))
    [('Gefragt: ', False), ('the provider', True)]
    >>> english("the provider")
    'the provider'
    """
    return remarked(bare(text), bool(text) and language() != ENGLISH)


def remarked(text: str, kept: bool) -> str:
    """``text``, marked where it is ``kept`` in English."""
    return f"{_OPENS}{text}{_CLOSES}" if kept else text


def begun(text: str) -> str:
    """``text`` as a sentence begins, also where it is marked.

    >>> begun("the interval contains the limit")
    'The interval contains the limit'
    """
    at = int(text.startswith(_OPENS))
    return f"{text[:at]}{text[at : at + 1].upper()}{text[at + 1 :]}"


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """``text`` in parts, each with whether it is marked as English; in English nothing is, whatever a value holds."""
    for place, part in enumerate([text] if language() == ENGLISH else _KEPT.split(text)):
        if part:
            yield part, place % 2 == 1


def piecewise(text: str, tell: Callable[[str], str]) -> str:
    """``text`` as ``tell`` tells each of its parts, which are marked as they were.

    >>> piecewise("the provider", str.upper)
    'THE PROVIDER'
    """
    if language() == ENGLISH:
        return tell(text)
    return "".join(remarked(tell(part), kept) for part, kept in pieces(text))


def bare(text: str) -> str:
    """``text`` without marks, for what cannot say in which language a word is; in English there are none."""
    return text if language() == ENGLISH else text.replace(_OPENS, "").replace(_CLOSES, "")
