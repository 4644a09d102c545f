"""What the marks of a Word file's runs stand for in a reader's eyes: read alike in fields, locked values and beside."""

from __future__ import annotations

import re
from typing import Any

from probandum_reports.ooxml import name_of

#: What stands for a sign that nobody here knows the letter of; no text of XML can hold it, so that it is found.
UNKNOWN = "\uffff"
#: What no reader sees: what was deleted or moved away, and how things look.
UNSEEN = frozenset(map(name_of, ("del", "moveFrom", "sdtPr", "rPr", "pPr", "sectPr")))
_MARKS = {
    **dict.fromkeys(map(name_of, ("br", "cr")), "\n"),
    **dict.fromkeys(map(name_of, ("tab", "ptab")), " "),
    name_of("noBreakHyphen"): "\u2011",
    name_of("softHyphen"): "",
    # Which letter a symbol shows, its font decides; a day and a number of a page, the program.
    **dict.fromkeys(map(name_of, ("sym", "pgNum")), UNKNOWN),
    **{name_of(f"{part}{form}"): UNKNOWN for part in ("day", "month", "year") for form in ("Short", "Long")},
}
#: What stands in a run beside words and is none: codes of fields, what was deleted, where programs broke pages.
_SILENT = frozenset(
    map(name_of, ("rPr", "fldChar", "instrText", "delInstrText", "delText", "lastRenderedPageBreak"))
) | {name_of("commentReference"), name_of("annotationRef")}
#: Characters whose letter a font decides: programs keep symbols as such.
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010fffd]")
_HYPHENS = str.maketrans(dict.fromkeys("\u2010\u2011", "-"))


def mark_of(element: Any) -> str | None:
    """What an element stands for that is no text itself; None where it stands for nothing, or for what it holds."""
    return _MARKS.get(element.tag)


def in_run(element: Any) -> str:
    """What a part of a run says; :data:`UNKNOWN` where that is more than letters, such as a picture."""
    if element.tag == name_of("t"):
        return _PRIVATE.sub(UNKNOWN, element.text or "")
    if not isinstance(element.tag, str) or element.tag in _SILENT:
        return ""
    return _MARKS.get(element.tag, UNKNOWN)


def is_known(element: Any) -> bool:
    """Whether an element around runs is one of Word's own, and no formula or drawing."""
    return bool(element.tag.startswith(name_of("")))


def alike(text: str) -> str:
    """A text with every hyphen written alike, as programs write them in their own ways.

    >>> alike("10\u201120")
    '10-20'
    """
    return text.translate(_HYPHENS)
