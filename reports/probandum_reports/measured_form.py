"""Figures that no text of a template may hold: what was measured enters a document as a finding, and in no other way.

A figure is in measured form where it is a decimal fraction, a percentage, so many of so many, or what follows ``n =``.
What numbers a section is none, where a title, a label or a caption of the same file begins with it, nor is what stands
behind a word that cites (Annex, Section, Measure, version), nor a date or a version with three parts. A constant that
a text needs, such as the ratio of a guideline, is said in words: four fifths, five per cent.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence

from probandum.errors import PlanError
from probandum.yaml_source import YamlSource
from probandum_reports.messages import TEXTS

_FIGURE = re.compile(
    r"(?<![\w.])(?:\d*\.\d+|0,\d+)(?!\w|\.\w)"  # a decimal fraction
    r"|(?<![\w.])\d[\d.,]*\s*(?:[%‰]|per\s?cent)"
    r"|\bn\s*=\s*\S+"
    r"|(?<![\w./])\d+\s+(?:out\s+)?of\s+(?:the\s+)?\d+\b(?!\s+(?:jan|feb|mar|apr|may|ju[nl]|aug|sep|oct|nov|dec))",
    re.IGNORECASE,
)
_CITED = re.compile(r"\b(?:Art(?:icles?|s?\.)|Annex(?: [IVX]+)?|Section|Measure|Recital|version)\s+\d+(?:\.\d+)*")
_SECTION = re.compile(r"(?<![\w.])\d\.\d(?:\.[a-z])?(?![\w.]\w)")
_NUMBERED = re.compile(rf"{_SECTION.pattern}(?:,? (?:to|and) {_SECTION.pattern})? (?=[A-Z])")

Place = tuple[str | int, ...]


def figure(text: str, sections: Collection[str] = ()) -> str | None:
    """The first figure in measured form in a text; None where it holds none. ``sections``: numbers of sections.

    >>> figure("The accuracy is 0.97."), figure("right in 97 per cent"), figure("3 of 4 groups"), figure("n = 500")
    ('0.97', '97 per cent', '3 of 4', 'n = 500')
    >>> figure("Article 14(4)(a) of (EU) 2024/1689, from 2027-12-02"), figure("Measure 1.1"), figure("four fifths")
    (None, None, None)
    >>> figure("against the impacts of 3.1", ["3.1"])
    """
    plain = _CITED.sub(" ", unicodedata.normalize("NFKC", text))
    plain = _SECTION.sub(lambda found: " " if found[0] in sections else found[0], plain)
    found = _FIGURE.search(plain)
    return None if found is None else found[0]


def refuse(source: YamlSource) -> None:
    """PlanError with every figure that a text of a template holds, as ``file:line:column: path: message``."""
    texts = list(_texts(source.values))
    numbered = [_NUMBERED.match(text) for place, text in texts if place[-1] in ("title", "label", "caption")]
    sections = {number for match in numbered if match is not None for number in _SECTION.findall(match[0])}
    found = [(place, held) for place, text in texts if (held := figure(text, sections)) is not None]
    if found:
        said = "the figure {held!r} is no finding of a record; show the finding, or say a constant in words"
        raise PlanError([source.problem(place, said.format(held=held)) for place, held in found])


def _texts(value: object, place: Place = (), *, shown: bool = False) -> Iterator[tuple[Place, str]]:
    """Every text that a reader sees, with its place in the file."""
    if isinstance(value, str) and shown:
        yield place, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(inner, (*place, key), shown=key in TEXTS)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*place, index), shown=shown)
