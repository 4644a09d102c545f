"""Reading back what people wrote into a Word file: its fields, and whether anything else was changed.

The document is rendered again from its record, and both are compared. What was locked has to stand there as it was,
in the same order, and so has all other text that a reader sees, and every picture; every field is known by the path in
the card that its tag names. Other programs than Word drop tags and locks when they save (LibreOffice does), and keep
bookmarks: those around each field name it, too. How words look, beyond being seen, where they stand on a page, comments
and macros are not compared.
"""

from __future__ import annotations

import datetime
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from probandum.dates import as_of_day, to_come
from probandum.document import Gap
from probandum.dossier import Dossier
from probandum.errors import DataError, MissingDependency, UsageError
from probandum.filling import Entry, Filled, Origin
from probandum.speech import bare
from probandum_reports import docx as paper
from probandum_reports import word_text
from probandum_reports.build import build
from probandum_reports.nodes import gaps
from probandum_reports.ooxml import PROPERTIES, mark, properties_of, tag
from probandum_reports.view import View
from probandum_reports.word_changes import (
    AGAIN,
    refuse_changed,
    refuse_foreign,
    refuse_other_parts,
    refuse_other_pictures,
    refuse_other_text,
    refuse_unlocked,
)
from probandum_reports.word_controls import Control, clean, controls, short
from probandum_reports.word_pictures import pictures
from probandum_reports.word_signs import UNKNOWN

#: What a Word file may hold at most once it is unpacked, in bytes: our longest have a tenth of it.
MOST_BYTES = 512 * 2**20
#: What reading a damaged package ends in, and what may stand before XML in it.
_BROKEN = (
    *(AttributeError, OSError, SyntaxError, LookupError, ValueError, NotImplementedError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error),
)
_BEFORE = b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"
_WRITTEN = "name a .docx that `probandum report` wrote"
_ELSEWHERE = "write one line in one script there, or fill it in with another program, or by hand in the card"


def origin(path: Path) -> Origin:
    """Which document the Word file in ``path`` says it is; DataError where it is no such file."""
    return _origin(path, _opened(path))


def _origin(path: Path, word: Any) -> Origin:
    found = properties_of(word)
    told = {
        name: found.get(f"{PROPERTIES}{name}", "")
        for name in ("document", "record", "judgement", "template", "as-of", "language", "tool")
    }
    if not (told["document"] and told["record"] and told["judgement"]):
        raise DataError(f"{path}: does not say of which record it is", remedy=_WRITTEN)
    try:
        as_of_day(told["as-of"])
    except UsageError as error:
        raise DataError(f"{path}: {error.message}", remedy=_WRITTEN) from None
    reviews = tuple(found.get(f"{PROPERTIES}reviews", "").split())
    final = found.get(f"{PROPERTIES}final") == "yes"
    return Origin(as_of=told.pop("as-of"), reviews=reviews, final=final, **told)


def filled(dossier: Dossier, path: Path, *, original: Path | None = None) -> Filled:
    """What people wrote into the fields of a document of ``dossier``, the one that the file says it is.

    ``original``: the file as it was written, where it is still there sealed: its pictures are those of the record,
    whatever draws them now. DataError where a value that was locked, or any other text or picture, is not as the record
    gives it, where a field is no field of the document, is filled in two ways, was split, or holds a date that is none.
    """
    word = _opened(path)
    says = _origin(path, word)
    sealed = None if original is None else _opened(original)
    if original is not None and _origin(original, sealed) != says:
        sealed = None
    view = View(build(says.document, dossier), dossier)
    fields = {gap.card: gap for gap in gaps(view.document.nodes) if gap.card is not None}
    written = _Fields(fields)
    form = paper.form(view, pictures=sealed is None)
    refuse_foreign(path, word)
    there = list(controls(word))
    before = list(controls(form))
    said = [(written.name(each), each) for each in there]
    known = _tags(before)
    unknown = [each.name for name, each in said if name is None and each.name not in known]
    if unknown:
        raise DataError(f"{path}: {unknown[0]!r} is no field of this document", remedy=AGAIN)
    locked = [each for each in before if written.name(each) is None], [each for name, each in said if name is None]
    refuse_changed(path, *locked)
    refuse_unlocked(path, *locked)
    if split := next(((name, each) for name, each in said if name is not None and each.split), None):
        raise DataError(
            f"{path}: {split[0]}: LibreOffice is known to split fields of more than one line or script, and left "
            f"{short(split[1].text)}, which can be read in more than one way",
            remedy=_ELSEWHERE,
        )
    if odd := next(((name, each.text) for name, each in said if name is not None and UNKNOWN in each.text), None):
        raise DataError(
            f"{path}: {odd[0]}: holds a sign that is kept as no letter, such as a symbol, a formula or a drawing: "
            f"{short(odd[1])}",
            remedy="write it as a letter, or in words",
        )
    refuse_other_text(path, _outside(form, before, written), _outside(word, there, written), word_text.contents(form))
    refuse_other_parts(path, word_text.around(form), word_text.around(word))
    refuse_other_pictures(path, pictures(form if sealed is None else sealed), word)
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
            text = clean(each.text.replace(empty[name], ""))  # a program may leave the placeholder beside the words
            if text and said.setdefault(name, text) != text:
                raise DataError(
                    f"{path}: {name} is filled in twice, with {short(said[name])} and {short(text)}",
                    remedy="leave one of them empty, or write the same",
                )
        entries = []
        for place, gap in self._gaps.items():
            value, by, date = (said.get(f"{place}{end}") for end in ("", paper.BY, paper.DATE))
            if value is None and (by or date):
                raise DataError(f"{path}: {place} says by whom or when, and not what", remedy="fill in the field, too")
            if value is not None:
                entries.append(Entry(path=place, what=bare(gap.what), value=value, by=by, date=_day(path, place, date)))
        return Filled(entries=tuple(entries), empty=len(self._gaps) - len(entries))


def _opened(path: Path) -> Any:
    try:
        import docx
        from docx.opc.exceptions import PackageNotFoundError
    except ImportError:
        raise MissingDependency("python-docx", needed_for="reading Word files", extra="docx") from None
    try:
        with zipfile.ZipFile(path) as package:
            _refuse_odd(path, package)
        word = docx.Document(str(path))
        if getattr(word.element, "body", None) is None:
            raise DataError(f"{path}: not a Word file: it has no text", remedy=_WRITTEN)
        return word
    except FileNotFoundError:
        raise DataError(f"{path}: no such file", remedy=_WRITTEN) from None
    except DataError:
        raise
    except (PackageNotFoundError, *_BROKEN) as error:
        raise DataError(f"{path}: not a Word file: {error}", remedy=_WRITTEN) from None


def _refuse_odd(path: Path, package: zipfile.ZipFile) -> None:
    """DataError where a package holds too much, a part twice, or XML with definitions of its own, or that is broken."""
    from docx.oxml import parse_xml

    parts = package.infolist()
    if sum(each.file_size for each in parts) > MOST_BYTES:
        raise DataError(f"{path}: unpacks to more than {MOST_BYTES:,} bytes", remedy=_WRITTEN)
    if twice := next((name for name, many in Counter(each.filename for each in parts).items() if many > 1), None):
        raise DataError(f"{path}: holds {twice} twice", remedy=_WRITTEN)
    for each in parts:
        data = package.read(each)
        if not each.filename.endswith((".xml", ".rels")) and not data.lstrip(_BEFORE).startswith(b"<"):
            continue
        if parse_xml(data).getroottree().docinfo.doctype:  # the parser expands and fetches nothing
            raise DataError(f"{path}: {each.filename} defines what its words stand for", remedy=_WRITTEN)


def _outside(word: Any, found: Sequence[Control], written: _Fields) -> list[str]:
    """What a document says outside its fields, paragraph by paragraph."""
    fields = {each for control in found if written.name(control) is not None for each in control.elements}
    return list(word_text.paragraphs(word, fields.__contains__))


def _tags(controls: Sequence[Control]) -> set[str | None]:
    """The tags of a document's own; None, since programs may drop any."""
    return {None, *(each.name for each in controls)}


def _day(path: Path, place: str, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        day = datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        raise DataError(f"{path}: {place}: {text!r} is no date", remedy="write it as 2026-11-29") from None
    if to_come(day):
        raise DataError(f"{path}: {place}: {day} is still to come", remedy="give the day on which it was stated")
    return day
