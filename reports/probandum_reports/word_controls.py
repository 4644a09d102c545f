"""Content controls of a Word file: those of Word, and what LibreOffice makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from probandum_reports.ooxml import MARKED, name_of
from probandum_reports.word_seen import Looks
from probandum_reports.word_signs import UNKNOWN, UNSEEN, in_run, is_known


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A content control: its tag, or the bookmark around it where that was dropped, its title, and what a reader sees.

    ``elements``: what it is in the tree, more than one where a program wrote one field as several controls. ``split``:
    such a program left what can be read in more than one way. ``locked``: nobody may edit or delete it.
    """

    name: str | None
    bookmark: str | None
    title: str
    text: str
    elements: tuple[Any, ...] = ()
    split: bool = False
    locked: bool = False


def controls(word: Any) -> Iterator[Control]:
    """Every content control of an opened Word file in reading order, but those of its contents.

    What stands within one bookmark of a field, without tags, is one field.
    """
    looks = Looks(word)
    open_: dict[str, str] = {}
    torn: set[str] = set()
    found: list[tuple[str | None, Any]] = []
    for each in word.element.body.iter(*map(name_of, ("p", "bookmarkStart", "bookmarkEnd", "sdt", "br"))):
        if each.tag == name_of("p"):
            open_.clear()
        elif each.tag == name_of("bookmarkStart"):
            if str(each.get(name_of("name"))).startswith(MARKED):
                open_[str(each.get(name_of("id")))] = str(each.get(name_of("name")))
        elif each.tag == name_of("bookmarkEnd"):
            open_.pop(str(each.get(name_of("id"))), None)
        elif each.tag == name_of("br"):
            if open_ and next(each.iterancestors(name_of("sdt")), None) is None:
                torn.update(open_.values())
        elif (properties := each.find(name_of("sdtPr"))) is not None and properties.find(name_of("docPartObj")) is None:
            within = (str(start.get(name_of("name"))) for start in each.iter(name_of("bookmarkStart")))
            inner = next((name for name in within if name.startswith(MARKED)), None)
            found.append((inner or next(reversed(open_.values()), None), each))
    groups: list[tuple[str | None, list[Any]]] = []
    for bookmark, control in found:
        if groups and bookmark is not None and groups[-1][0] == bookmark and _tag(control) is None:
            groups[-1][1].append(control)
        else:
            groups.append((bookmark, [control]))
    for bookmark, members in groups:
        yield _control(bookmark, members, looks, torn=bookmark in torn)


def _control(bookmark: str | None, members: Sequence[Any], looks: Looks, *, torn: bool) -> Control:
    title = members[0].find(f"{name_of('sdtPr')}/{name_of('alias')}")
    name, texts = _tag(members[0]), [_text(each.find(name_of("sdtContent")), looks) for each in members]
    whole, lock = _whole(texts), members[0].find(f"{name_of('sdtPr')}/{name_of('lock')}")
    return Control(
        name=name,
        bookmark=bookmark,
        title="" if title is None else str(title.get(name_of("val"))),
        text=texts[0] if whole is None else whole,
        elements=tuple(members),
        split=name is None and (torn or whole is None),
        locked=lock is not None and lock.get(name_of("val")) == "sdtContentLocked",
    )


def _tag(control: Any) -> str | None:
    found = control.find(f"{name_of('sdtPr')}/{name_of('tag')}")
    return None if found is None else str(found.get(name_of("val")))


def _whole(texts: Sequence[str]) -> str | None:
    """What a field says that LibreOffice wrote as several controls: the first says all of it.

    Each further one begins with a piece in another script and says all of it again. None where that is not so.

    >>> _whole(["Ann \u4eac B", "\u4eac Ann \u4eac B", "BAnn \u4eac B"]), _whole(["Ann ", "Bea"])
    ('Ann \u4eac B', None)
    """
    whole, rest = texts[0], texts[1:]
    pieces = "".join(each.removesuffix(whole) for each in rest)
    again = all(each.endswith(whole) for each in rest) and "".join(whole.split()).endswith("".join(pieces.split()))
    return whole if again else None


def _text(content: Any, looks: Looks) -> str:
    """What stands in a control, with its line breaks; what was deleted or hidden, and codes of fields, is not there."""
    said: list[str] = []

    def walk(node: Any) -> None:
        for each in node:
            if not isinstance(each.tag, str) or each.tag in UNSEEN:
                continue
            if each.tag == name_of("r"):
                said.extend(() if looks.hidden(each) else map(in_run, each))
            elif not is_known(each):
                said.append(UNKNOWN)
            else:
                if each.tag == name_of("p") and said:
                    said.append("\n")
                walk(each)

    walk(() if content is None else content)
    return "".join(said)


def clean(text: str) -> str:
    """A text with one blank between words, line by line, and no empty line around it.

    >>> clean(" a  b \\n\\n c ")
    'a b\\n\\nc'
    """
    return "\n".join(" ".join(line.split()) for line in text.split("\n")).strip("\n")


def short(text: str) -> str:
    """A text as messages quote it."""
    said = " ".join(text.replace(UNKNOWN, "(a symbol)").split())
    return repr(said if len(said) <= 60 else f"{said[:59]}…")
