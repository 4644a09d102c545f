"""What was changed in a Word file beside its fields: the first locked value, text, picture, header or note, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from probandum.errors import DataError
from probandum_reports import word_pictures, word_text
from probandum_reports.ooxml import name_of
from probandum_reports.word_controls import Control, clean, short
from probandum_reports.word_pictures import Picture
from probandum_reports.word_signs import alike

AGAIN = "fill in a document as it was written, and change its fields alone"
T = TypeVar("T")
#: Rows and cells that Track Changes took out or put in, and rows that are hidden: by where that is said.
_ROWS = {
    ("trPr", "del"): "a row of a table is deleted, and the change tracked",
    ("trPr", "ins"): "a row of a table is put in, and the change tracked",
    ("trPr", "hidden"): "a row of a table is hidden",
    ("tcPr", "cellDel"): "a cell of a table is deleted, and the change tracked",
    ("tcPr", "cellIns"): "a cell of a table is put in, and the change tracked",
    ("tcPr", "cellMerge"): "cells of a table are merged, and the change tracked",
}
#: Codes of fields whose results programs work out from the document alone: contents, pages and links within it.
_FIELDS = frozenset({"HYPERLINK", "NUMPAGES", "PAGE", "PAGEREF", "TOC"})


def refuse_changed(path: Path, before: Sequence[Control], there: Sequence[Control]) -> None:
    """DataError where what was locked is not there as it was, naming the first."""
    found = _first(before, there, _alike)
    if found is None:
        return
    old, new = found
    if old is None:
        said = f"a locked value stands there that the record does not have: {_says(new)}"
    elif new is None:
        said = f"{_title(old)}: its locked value is missing: {_says(old)}"
    else:
        said = f"{_title(old)}: the record says {_says(old)}, and the file {_says(new)}"
    raise DataError(f"{path}: {said}", remedy=AGAIN)


def refuse_unlocked(path: Path, before: Sequence[Control], there: Sequence[Control]) -> None:
    """DataError where a locked value, in order as it was, is locked no more; programs that drop tags drop all locks."""
    for old, new in zip(before, there, strict=True):
        if old.locked and not new.locked and new.name is not None:
            raise DataError(f"{path}: {_title(old)}: its lock was taken away", remedy=AGAIN)


def refuse_foreign(path: Path, word: Any) -> None:
    """DataError where something stands there that shows, or hides, other than what the file says as it is."""
    body = word.element.body
    for (place, name), said in _ROWS.items():
        found = body.iter(name_of(name))
        if any(
            each.getparent().tag == name_of(place) and each.get(name_of("val")) not in ("0", "false") for each in found
        ):
            raise DataError(f"{path}: {said}", remedy=f"reject the change, or show the row; {AGAIN}")
    if any(isinstance(each.tag, str) and each.tag.endswith("}dataBinding") for each in body.iter()):
        raise DataError(f"{path}: a control is bound to other data, which stand in its place", remedy=AGAIN)
    for code in (*_codes(body), *(str(each.get(name_of("instr"))) for each in body.iter(name_of("fldSimple")))):
        if (kind := next(iter(code.split()), "")) and kind.upper() not in _FIELDS:
            raise DataError(f"{path}: a field {short(code)} stands there, which shows what it fetches", remedy=AGAIN)


def _codes(body: Any) -> Iterator[str]:
    """The code of every field that spans runs, whole: programs write one in pieces."""
    open_: list[str] = []
    for each in body.iter(name_of("fldChar"), name_of("instrText")):
        state = each.get(name_of("fldCharType"))
        if state == "begin":
            open_.append("")
        elif state == "end" and open_:
            yield open_.pop()
        elif each.tag == name_of("instrText") and open_:
            open_[-1] += each.text or ""


def refuse_other_pictures(path: Path, before: Sequence[Picture], word: Any) -> None:
    """DataError where what is drawn in the text is not what was drawn there, naming the first by its place."""
    there = word_pictures.pictures(word)
    for place, (old, new) in enumerate(zip(before, there, strict=False), 1):
        if (wrong := word_pictures.differs(old, new)) is not None:
            remedy = f"{AGAIN}, and have pictures kept as they are"
            raise DataError(f"{path}: the picture of figure {place} {wrong}", remedy=remedy)
    if len(there) != len(before):
        said = f"{len(there)} pictures stand there, and the record has {len(before)}"
        raise DataError(f"{path}: {said}", remedy=AGAIN)
    if (kind := next(word_pictures.around(word), None)) is not None:
        raise DataError(f"{path}: {kind}: a picture stands there that the record does not have", remedy=AGAIN)


def refuse_other_text(path: Path, before: Sequence[str], there: Sequence[str], contents: frozenset[str]) -> None:
    """DataError where a paragraph is not there as it was, naming the first; ``contents`` may get numbers of pages."""
    found = _first(before, there, lambda old, new: new == old or (old in contents and word_text.unnumbered(new) == old))
    if found is None:
        return
    old, new = found
    if old is None:
        said = f"a text stands outside the fields that the record does not have: {short(new or '')}"
    elif new is None:
        said = f"a text outside the fields is missing: {short(old)}"
    else:
        said = f"a text outside the fields was changed: {_differing(old, new)}"
    raise DataError(f"{path}: {said}", remedy=AGAIN)


def refuse_other_parts(path: Path, before: Mapping[str, Sequence[str]], there: Mapping[str, Sequence[str]]) -> None:
    """DataError where headers, footers or notes do not say what they said."""
    for kind, texts in before.items():
        if new := next((each for each in there[kind] if each not in texts), None):
            raise DataError(f"{path}: {kind}: the record does not have the text {short(new)}", remedy=AGAIN)
        if old := next((each for each in texts if each not in there[kind]), None):
            raise DataError(f"{path}: {kind}: the text {short(old)} is missing", remedy=AGAIN)


def _first(before: Sequence[T], there: Sequence[T], alike: Callable[[T, T], bool]) -> tuple[T | None, T | None] | None:
    """Where two sequences differ first: what both have there, or the only one that has; None where nothing does.

    >>> _first("abc", "abc", str.__eq__), _first("abc", "aXbc", str.__eq__), _first("abc", "ac", str.__eq__)
    (None, (None, 'X'), ('b', None))
    """
    place = next((place for place, pair in enumerate(zip(before, there, strict=False)) if not alike(*pair)), None)
    if place is None and len(before) == len(there):
        return None
    place = min(len(before), len(there)) if place is None else place
    one, other = before[place : place + 1], there[place : place + 1]
    if other and len(there) > len(before) and (not one or alike(one[0], there[place + 1])):
        return None, other[0]
    if one and len(before) > len(there) and (not other or alike(before[place + 1], other[0])):
        return one[0], None
    return one[0], other[0]


def _differing(old: str, new: str) -> str:
    """Two texts from where they begin to differ, with some words before."""
    same = next((at for at, (one, other) in enumerate(zip(old, new, strict=False)) if one != other), len(old))
    start = old.rfind(" ", 0, max(same - 20, 0)) + 1
    return f"the record says {short(old[start:])}, and the file {short(new[start:])}"


def _alike(one: Control, other: Control) -> bool:
    """Whether a control is the one that it was: its text, and its tag where that was not dropped."""
    return clean(alike(one.text)) == clean(alike(other.text)) and other.name in (None, one.name)


def _says(control: Control | None) -> str:
    return "" if control is None else short(control.text)


def _title(control: Control) -> str:
    return control.title or str(control.name)
