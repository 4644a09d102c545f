"""The text of a Word file outside its fields, paragraph by paragraph, as far as every program keeps it.

Programs split runs, number pages anew and write hyphens, blanks and unseen marks in their own ways; that is no change.
Whatever a reader can see is text: that of boxes, notes and formulas, words drawn as pictures of letters, files put in.
What a reader cannot see is none, so that hidden words are missing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

from probandum_reports.ooxml import name_of
from probandum_reports.word_seen import Looks
from probandum_reports.word_signs import UNSEEN, alike, mark_of

#: Fields whose results every program works out anew; whatever else stands there as a result is text.
_COUNTED = ("PAGE", "NUMPAGES")
_NUMBER = re.compile(r"\s*[0-9]+\s*")
#: Where another file stands in this one.
_FILES = tuple(map(name_of, ("altChunk", "subDoc")))
_ROOTS = ("header", "footer", "footnotes", "endnotes")


def paragraphs(word: Any, is_field: Callable[[Any], bool]) -> Iterator[str]:
    """What the body says outside its fields, a paragraph at a time, none of them empty."""
    yield from _said(word.element.body, is_field, Looks(word))


def around(word: Any) -> dict[str, list[str]]:
    """What stands in headers, footers and notes: the texts that differ, by kind of part."""
    from docx.oxml import parse_xml

    found: dict[str, set[str]] = {kind: set() for kind in _ROOTS}
    looks = Looks(word)
    for part in word.part.package.iter_parts():
        kind = part.content_type.rpartition("+")[0].rpartition(".")[2]
        if kind in found:
            root = getattr(part, "element", None)
            said = " ".join(_said(parse_xml(part.blob) if root is None else root, lambda control: False, looks))
            found[kind].update([said] if said else [])
    return {kind: sorted(texts) for kind, texts in found.items()}


def contents(word: Any) -> frozenset[str]:
    """The lines of its contents, to which programs add the number of a page."""
    styled = (each for each in word.element.body.iter(name_of("p")) if _style(each).lower().startswith("toc"))
    looks = Looks(word)
    return frozenset(text for each in styled if (text := _paragraph(each, lambda control: False, looks)))


def unnumbered(text: str) -> str:
    """A line of contents without the number of its page.

    >>> unnumbered("4. Limits 12"), unnumbered("Limits")
    ('4. Limits', 'Limits')
    """
    return re.sub(r"\s+[0-9]+$", "", text)


def _said(root: Any, is_field: Callable[[Any], bool], looks: Looks) -> Iterator[str]:
    for each in root.iter(name_of("p"), *_FILES):
        if each.tag in _FILES:
            yield "(another file that was put in)"
        elif text := _paragraph(each, is_field, looks):
            yield text


def _style(paragraph: Any) -> str:
    style = paragraph.find(f"{name_of('pPr')}/{name_of('pStyle')}")
    return "" if style is None else str(style.get(name_of("val")))


def _paragraph(paragraph: Any, is_field: Callable[[Any], bool], looks: Looks) -> str:
    """What a paragraph itself says: paragraphs of boxes within it stand for themselves."""
    parts: list[str] = []
    codes: list[str] = []  # of fields that have begun and not ended, the innermost last
    begun: list[int] = []  # where the result of each begins among the parts

    def walk(node: Any) -> None:
        for each in node:
            tag = each.tag
            if tag == name_of("p") or tag in UNSEEN or (tag == name_of("r") and _empty(each, looks)):
                continue
            if tag == name_of("sdt") and is_field(each):
                parts.append(" ")
            elif tag == name_of("fldChar"):
                state = each.get(name_of("fldCharType"))
                if state == "begin":
                    codes.append("")
                    begun.append(len(parts))
                elif codes and state == "separate":
                    begun[-1] = len(parts)
                elif codes and state == "end":
                    settle(codes.pop(), begun.pop())
            elif tag == name_of("instrText"):
                if codes:
                    codes[-1] += each.text or ""
            elif tag == name_of("fldSimple"):
                start = len(parts)
                walk(each)
                settle(str(each.get(name_of("instr"))), start)
            elif (mark := mark_of(each)) is not None:
                parts.append(mark)
            elif not isinstance(tag, str):
                continue  # a comment of the XML
            elif tag.endswith("}t"):
                parts.append(each.text or "")
            elif tag.endswith("}textpath"):
                parts.append(f" {each.get('string', '')} ")
            else:
                walk(each)

    def settle(code: str, start: int) -> None:
        result = "".join(parts[start:])
        if code.split()[:1] and code.split()[0] in _COUNTED and _NUMBER.fullmatch(result):
            parts[start:] = ["#"]

    walk(paragraph)
    seen = (each for each in alike("".join(parts)) if unicodedata.category(each) != "Cf")
    return " ".join("".join(seen).split())


def _empty(run: Any, looks: Looks) -> bool:
    """Whether a run has a text that nobody sees; codes of fields are read whoever sees them."""
    return run.find(name_of("fldChar")) is None and run.find(name_of("instrText")) is None and looks.hidden(run)
