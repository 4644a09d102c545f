"""What documents say in another language: gettext catalogues under ``templates/_locale/<language>/*.po``.

The English text is the message; a language is a folder of catalogues and no code. What a catalogue does not hold, or
holds as fuzzy, stays English. ``pybabel`` makes and updates the files (CONTRIBUTING.md says how); what they translate
is found by :func:`extracted` and :func:`literals`. How they are told apart and told is ``probandum.speech``, which is
passed on here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from gettext import c2py
from pathlib import Path
from typing import IO, Any

import yaml

from probandum import speech
from probandum.document import Document, Fact, Figure, Gap, Heading, Listing, Number, Table, Text
from probandum.errors import DataError, MissingDependency, UnknownName
from probandum.resources import shipped
from probandum.speech import ENGLISH, Catalogue, Forms, Spoken, counted, noted, said, speaking_in

__all__ = ["Spoken", "counted", "noted", "said"]

#: Keys of a template under which texts stand that a reader sees; what stands under other keys are names and paths.
TEXTS = {"title", "subtitle", "summary", "audience", "reviewer", "supplier", "asks", "text", "lines", "label", "what"}
TEXTS |= {"caption", "missing", "chart", "name", "impact", "rights", "header", "rows"}
#: What a text leaves open: a name in braces, or what Jinja fills in, known by its function and its first argument.
_OPEN = re.compile(r"\{\{\s*([\w.]+(?:\(\s*'[^']*')?).*?\}\}|\{(\w+)(?::,)?\}")
#: What a method of Babel's extraction gives: a line, a function, the text or the two of a plural, comments.
Extracted = tuple[int, str, str | tuple[str, str], list[str]]


def languages() -> tuple[str, ...]:
    """The languages that documents can be written in."""
    return (ENGLISH, *sorted(path.name for path in (shipped("templates") / "_locale").glob("*") if path.is_dir()))


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Within it, :func:`said` gives the texts of ``language``; UnknownName where it has no catalogue.

    A language of a region that has none of its own is written as everywhere.
    """
    known = spoken_for(language, languages())
    with speaking_in(known, catalogue(known)):
        yield


def spoken_for(language: str, known: Sequence[str]) -> str:
    """The one of the ``known`` languages that stands for ``language``: itself, else the one without its region.

    >>> spoken_for("de_AT", ["en", "de"]), spoken_for("de-AT", ["en", "de_AT", "de"]), spoken_for("fr_CA", ["en"])
    ('de', 'de_AT', 'fr_CA')
    """
    region = language.replace("-", "_")
    return next((each for each in (language, region, region.partition("_")[0]) if each in known), language)


def tag() -> tuple[str, str | None]:
    """The language that is spoken and its region, as files name them; English is spelt as in Britain.

    >>> tag()
    ('en', 'GB')
    """
    language, _, region = speech.language().replace("_", "-").partition("-")
    return language, region or ("GB" if language == ENGLISH else None)


@cache
def catalogue(language: str) -> Catalogue:
    """The messages of a language by their English text; those of English are none."""
    if language == ENGLISH:
        return {}
    if language not in languages():
        raise UnknownName("language", language, languages())
    return read(shipped("templates") / "_locale" / language)


def read(folder: Path) -> Catalogue:
    """All catalogues of a folder as one.

    DataError where two of them translate a text in different ways, or one leaves out what a text has a place for, or
    lacks a form that its language has.
    """
    try:
        from babel.messages.pofile import read_po
    except ImportError:
        raise MissingDependency("babel", needed_for="documents in other languages", extra="languages") from None
    found: dict[str, str | Forms] = {}
    for path in sorted(folder.glob("*.po")):
        with path.open("rb") as file:
            messages = read_po(file)
        which = c2py(messages.plural_expr)
        for message in messages:
            english, forms = _each(message.id), _each(message.string or "")
            if message.fuzzy or not any(english) or not any(forms):
                continue
            place = f"{path}:{message.lineno}: {english[0][:60]!r}"
            wanted = messages.num_plurals if len(english) > 1 else 1
            if len(forms) != wanted or not all(forms):
                raise DataError(f"{place} has {len([*filter(None, forms)])} forms, and its language {wanted}")
            told_anyway = {"n"} if len(english) > 1 else set()  # one form may say the number as a word, or not at all
            for form in forms:
                named, asked = _places(form) | told_anyway, _places(english[-1]) | told_anyway
                if named != asked:
                    raise DataError(
                        f"{place} has places for {_listed(asked)}, and its translation for {_listed(named)}"
                    )
            told = Forms(forms, which) if len(english) > 1 else forms[0]
            if _texts_of(found.setdefault(english[0], told)) != forms:
                raise DataError(f"{place} is translated otherwise in another file")
    return found


def _each(text: str | Sequence[str]) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def _texts_of(told: str | Forms) -> tuple[str, ...]:
    return told.texts if isinstance(told, Forms) else (told,)


def _places(text: str) -> set[str]:
    """What a text has a place for; a brace that opens or closes none is one of its own.

    >>> sorted(_places("{n:,} of {{ card('name', 'the name') }}")), _places("{n of them")
    (["card('name'", 'n'], {'{'})
    """
    return {jinja or name for jinja, name in _OPEN.findall(text)} | {*re.findall("[{}]", _OPEN.sub("", text))}


def _listed(places: set[str]) -> str:
    return ", ".join(sorted(places)) or "nothing"


def spoken(document: Document) -> Document:
    """The document with every text that is a whole node, caption, header or label in the language that is spoken.

    Values stand in facts, numbers and cells, and are nobody's to translate; what is put together of words and values
    was said by whoever put it together.
    """
    if speech.language() == ENGLISH:
        return document
    return replace(
        document,
        title=said(document.title),
        subtitle=said(document.subtitle),
        front=tuple(map(_node, document.front)),
        nodes=tuple(map(_node, document.nodes)),
    )


def _node(node: Any) -> Any:
    match node:
        case Text() | Heading():
            return replace(node, text=said(node.text))
        case Gap():
            return replace(node, what=said(node.what), supplier=said(node.supplier))
        case Fact() | Number() if node.label:
            return replace(node, label=said(node.label))
        case Table():
            rows = tuple(tuple(map(_node, row)) for row in node.rows)
            return replace(node, caption=said(node.caption), header=tuple(map(said, node.header)), rows=rows)
        case Figure():
            return replace(node, caption=said(node.caption), alt=said(node.alt), twin=_node(node.twin))
        case Listing():
            return replace(node, entries=tuple(tuple(map(_node, entry)) for entry in node.entries))
    return node


def extracted(file: IO[bytes], keywords: Any, comment_tags: Any, options: Any) -> Iterator[Extracted]:
    """Every text of a template with its line, for ``pybabel extract`` (a method of its mapping file)."""
    root = yaml.compose(file.read().decode(), Loader=yaml.SafeLoader)
    for line, text in _texts(root, ""):
        yield line, "", text, []


def _texts(node: Any, key: str) -> Iterator[tuple[int, str]]:
    if isinstance(node, yaml.ScalarNode):
        if key in TEXTS:
            yield node.start_mark.line + 1, str(node.value).strip()
    elif isinstance(node, yaml.MappingNode):
        for name, inner in node.value:
            yield from _texts(inner, name.value)
    elif isinstance(node, yaml.SequenceNode):
        for inner in node.value:
            yield from _texts(inner, key)


def sentences(file: IO[bytes], keywords: Any, comment_tags: Any, options: Any) -> Iterator[Extracted]:
    """What a Python file hands to :func:`said`, :func:`counted`, :func:`noted` and :class:`Spoken`, with its line."""
    for line, function, text, _ in _told(ast.parse(file.read())):
        yield line, function, text, []


def literals(file: IO[bytes], keywords: Any, comment_tags: Any, options: Any) -> Iterator[Extracted]:
    """The same, and every other text of a Python file that may stand in a document.

    These are words of two letters or more that begin large or have a space between them, and no docstring: too many
    rather than too few, since a translator can leave out what no reader sees. A part of an f-string is none: what is
    put together there cannot be translated.
    """
    tree = ast.parse(file.read())
    passed = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
    passed |= {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for line, function, text, constants in _told(tree):
        passed.update(map(id, constants))
        yield line, function, text, []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed:
            text = node.value
            begins = text[:1].isalpha() or _OPEN.match(text) is not None
            if len(text) > 1 and begins and text == text.strip() and (" " in text or text[0].isupper()):
                yield node.lineno, "", text, []


def _told(tree: ast.AST) -> Iterator[tuple[int, str, str | tuple[str, str], list[ast.Constant]]]:
    """Every text that is handed to a function of ``probandum.speech``, and the constants that it stands in."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        match call.func, call.args:
            case ast.Name(id="counted") | ast.Attribute(value=ast.Name(id="speech"), attr="counted"), [_, one, many]:
                pair = [*_texts_in(one), *_texts_in(many)]
                if len(pair) == 2:
                    yield call.lineno, "ngettext", (pair[0][0], pair[1][0]), [constant for _, constant in pair]
            case (
                (ast.Name(id="said" | "noted") | ast.Attribute(value=ast.Name(id="speech"), attr="said" | "noted")),
                [given],
            ):
                chosen = [given.body, given.orelse] if isinstance(given, ast.IfExp) else [given]
                for text, constant in (each for word in chosen for each in _texts_in(word)):
                    yield constant.lineno, "", text, [constant]
            case ast.Name(id="Spoken"), [ast.Dict(values=values)]:
                for text, constant in (
                    each for value in values for word in ast.walk(value) for each in _texts_in(word)
                ):
                    yield constant.lineno, "", text, [constant]


def _texts_in(node: ast.AST) -> list[tuple[str, ast.Constant]]:
    """The text that a constant holds; none of any other node."""
    return [(node.value, node)] if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value else []
