"""Reading back what people wrote into a Word file: its fields, and whether anything else was changed.

The document is rendered again from its record, and both are compared. What was locked has to stand there as it was,
in the same order; every field is known by the path in the card that its tag names. Other programs than Word drop tags
and locks when they save (LibreOffice does), and keep bookmarks: those around each field name it, too.
"""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from probandum.document import Gap
from probandum.dossier import Dossier
from probandum.errors import DataError, MissingDependency
from probandum.filling import Entry, Filled, Origin
from probandum_reports import docx as paper
from probandum_reports.build import build
from probandum_reports.nodes import gaps
from probandum_reports.ooxml import MARKED, PROPERTIES, mark, name_of, properties_of, tag
from probandum_reports.view import View

#: What a Word file may hold at most once it is unpacked, in bytes: our longest have a tenth of it.
MOST_BYTES = 512 * 2**20
_WRITTEN = "name a .docx that `probandum report` wrote"
_AGAIN = "fill in a document as it was written, and change its fields alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A content control: its tag, or the bookmark around it where that was dropped, its title, and its text."""

    name: str | None
    bookmark: str | None
    title: str
    text: str


def origin(path: Path) -> Origin:
    """Which document the Word file in ``path`` says it is; DataError where it is no such file."""
    found = properties_of(_opened(path))
    told = {
        name: found.get(f"{PROPERTIES}{name}", "")
        for name in ("document", "record", "judgement", "template", "as-of", "language", "tool")
    }
    if not (told["document"] and told["record"] and told["judgement"]):
        raise DataError(f"{path}: does not say of which record it is", remedy=_WRITTEN)
    return Origin(as_of=told.pop("as-of"), **told)


def filled(dossier: Dossier, path: Path) -> Filled:
    """What people wrote into the fields of a document of ``dossier``, the one that the file says it is.

    DataError where a value that was locked is not as the record gives it, where a field is no field of the document,
    is filled in two ways, or holds a date that is none.
    """
    view = View(build(origin(path).document, dossier), dossier)
    fields = {gap.card: gap for gap in gaps(view.document.nodes) if gap.card is not None}
    written = _Fields(fields)
    there = list(controls(_opened(path)))
    before = list(controls(paper.form(view)))
    said = [(written.name(each), each) for each in there]
    known = _tags(before)
    unknown = [each.name for name, each in said if name is None and each.name not in known]
    if unknown:
        raise DataError(f"{path}: {unknown[0]!r} is no field of this document", remedy=_AGAIN)
    _refuse_changed(
        path,
        [each for each in before if written.name(each) is None],
        [each for name, each in said if name is None],
    )
    return written.read(path, [(name, each) for name, each in said if name is not None], before)


class _Fields:
    """The fields of a document by their names: a path in the card, alone or with what else it asks for."""

    def __init__(self, gaps_by_path: Mapping[str, Gap]) -> None:
        self._gaps = gaps_by_path
        names = [f"{path}{end}" for path in gaps_by_path for end in ("", paper.BY, paper.DATE)]
        self._by_tag = {tag(name): name for name in names}
        self._by_mark = {mark(tag(name)): name for name in names}

    def name(self, control: Control) -> str | None:
        """The name of the field that a control is; None where it is none."""
        if control.name is not None:
            return self._by_tag.get(control.name)
        return None if control.bookmark is None else self._by_mark.get(f"{control.bookmark.rpartition('_')[0]}_")

    def read(self, path: Path, found: Sequence[tuple[str, Control]], before: Sequence[Control]) -> Filled:
        """The entries of all fields; ``before``: the controls as they were, with their placeholders."""
        empty = {name: each.text for each in before if (name := self.name(each)) is not None}
        said: dict[str, str] = {}
        for name, each in found:
            text = _clean(each.text.replace(empty[name], ""))  # a program may leave the placeholder beside the words
            if text and said.setdefault(name, text) != text:
                raise DataError(
                    f"{path}: {name} is filled in twice, with {_short(said[name])} and {_short(text)}",
                    remedy="leave one of them empty, or write the same",
                )
        entries = []
        for place, gap in self._gaps.items():
            value, by, date = (said.get(f"{place}{end}") for end in ("", paper.BY, paper.DATE))
            if value is None and (by or date):
                raise DataError(f"{path}: {place} says by whom or when, and not what", remedy="fill in the field, too")
            if value is not None:
                entries.append(Entry(path=place, what=gap.what, value=value, by=by, date=_day(path, place, date)))
        return Filled(entries=tuple(entries), empty=len(self._gaps) - len(entries))


def controls(word: Any) -> Iterator[Control]:
    """Every content control of an opened Word file in reading order, but those of its contents."""
    for control in word.element.body.iter(name_of("sdt")):
        properties = control.find(name_of("sdtPr"))
        if properties is None or properties.find(name_of("docPartObj")) is not None:
            continue
        name, title = properties.find(name_of("tag")), properties.find(name_of("alias"))
        yield Control(
            name=None if name is None else str(name.get(name_of("val"))),
            bookmark=_bookmark(control),
            title="" if title is None else str(title.get(name_of("val"))),
            text=_text(control.find(name_of("sdtContent"))),
        )


def _opened(path: Path) -> Any:
    try:
        import docx
        from docx.opc.exceptions import PackageNotFoundError
    except ImportError:
        raise MissingDependency("python-docx", needed_for="reading Word files", extra="docx") from None
    try:
        with zipfile.ZipFile(path) as package:
            if sum(each.file_size for each in package.infolist()) > MOST_BYTES:
                raise DataError(f"{path}: unpacks to more than {MOST_BYTES:,} bytes", remedy=_WRITTEN)
        return docx.Document(str(path))
    except (PackageNotFoundError, OSError, SyntaxError, LookupError, ValueError, zipfile.BadZipFile) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path}: not a Word file: {error}", remedy=_WRITTEN) from None


def _bookmark(control: Any) -> str | None:
    """The bookmark of a field that begins right before a control, or within it."""
    names: list[str] = []
    for before in control.itersiblings(preceding=True):
        if before.tag not in (name_of("bookmarkStart"), name_of("bookmarkEnd")):
            break
        names.append(str(before.get(name_of("name"))))
    names += [str(each.get(name_of("name"))) for each in control.iter(name_of("bookmarkStart"))]
    return next((name for name in names if name.startswith(MARKED)), None)


def _text(content: Any) -> str:
    """What stands in a control, with its line breaks; what was deleted, and the codes of fields, is not there."""
    said: list[str] = []
    for each in () if content is None else content.iter():
        if each.tag == name_of("t"):
            if next(each.iterancestors(name_of("moveFrom")), None) is None:
                said.append(each.text or "")
        elif each.tag in (name_of("br"), name_of("cr")) or (each.tag == name_of("p") and said):
            said.append("\n")
        elif each.tag == name_of("tab"):
            said.append(" ")
    return "".join(said)


def _tags(controls: Sequence[Control]) -> set[str | None]:
    """The tags of a document's own; None, since programs may drop any."""
    return {None, *(each.name for each in controls)}


def _refuse_changed(path: Path, before: Sequence[Control], there: Sequence[Control]) -> None:
    """DataError where what was locked is not there as it was, naming the first."""
    place = next((place for place, pair in enumerate(zip(before, there, strict=False)) if not _alike(*pair)), None)
    if place is None and len(before) == len(there):
        return
    place = min(len(before), len(there)) if place is None else place
    one, other = before[place : place + 1], there[place : place + 1]
    if other and len(there) > len(before) and (not one or _alike(one[0], there[place + 1])):
        said = f"a locked value stands there that the record does not have: {_short(other[0].text)}"
    elif one and len(before) > len(there) and (not other or _alike(before[place + 1], other[0])):
        said = f"{_title(one[0])}: its locked value is missing: {_short(one[0].text)}"
    else:
        said = f"{_title(one[0])}: the record says {_short(one[0].text)}, and the file {_short(other[0].text)}"
    raise DataError(f"{path}: {said}", remedy=_AGAIN)


def _alike(one: Control, other: Control) -> bool:
    """Whether a control is the one that it was: its text, and its tag where that was not dropped."""
    return _clean(one.text) == _clean(other.text) and other.name in (None, one.name)


def _title(control: Control) -> str:
    return control.title or str(control.name)


def _clean(text: str) -> str:
    """A text with one blank between words, line by line, and no empty line around it.

    >>> _clean(" a  b \\n\\n c ")
    'a b\\n\\nc'
    """
    return "\n".join(" ".join(line.split()) for line in text.split("\n")).strip("\n")


def _short(text: str) -> str:
    said = " ".join(text.split())
    return repr(said if len(said) <= 60 else f"{said[:59]}…")


def _day(path: Path, place: str, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        raise DataError(f"{path}: {place}: {text!r} is no date", remedy="write it as 2026-11-29") from None
