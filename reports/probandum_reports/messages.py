"""What documents say in another language: gettext catalogues under ``templates/_locale/<language>/*.po``.

The English text is the message; a language is a folder of catalogues and no code. What a catalogue does not hold, or
holds as fuzzy, stays English. ``pybabel`` makes and updates the files (CONTRIBUTING.md says how); what they translate
is found by :func:`extracted` and :func:`literals`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import yaml
from pydantic import BaseModel

from probandum.document import ENGLISH, Document, Fact, Figure, Gap, Heading, Listing, Number, Table, Text
from probandum.errors import DataError, MissingDependency, UnknownName
from probandum.resources import shipped

#: Keys of a template under which texts stand that a reader sees; what stands under other keys are names and paths.
TEXTS = {"title", "subtitle", "summary", "audience", "reviewer", "supplier", "asks", "text", "lines", "label", "what"}
TEXTS |= {"caption", "missing", "chart", "name", "impact", "rights", "header", "rows"}
_SPOKEN: ContextVar[tuple[str, Mapping[str, str]] | None] = ContextVar("spoken", default=None)
M = TypeVar("M", bound=BaseModel)
K = TypeVar("K")
V = TypeVar("V", covariant=True)
#: What a method of Babel's extraction gives: a line, a function, the text, comments.
Extracted = tuple[int, str, str, list[str]]


def languages() -> tuple[str, ...]:
    """The languages that documents can be written in."""
    return (ENGLISH, *sorted(path.name for path in (shipped("templates") / "_locale").glob("*") if path.is_dir()))


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Within it, :func:`said` gives the texts of ``language``; UnknownName where it has no catalogue.

    A language of a region that has none of its own is written as everywhere.
    """
    known = spoken_for(language, languages())
    before = _SPOKEN.set((known, catalogue(known)))
    try:
        yield
    finally:
        _SPOKEN.reset(before)


def spoken_for(language: str, known: Sequence[str]) -> str:
    """The one of the ``known`` languages that stands for ``language``: itself, else the one without its region.

    >>> spoken_for("de_AT", ["en", "de"]), spoken_for("de-AT", ["en", "de_AT", "de"]), spoken_for("fr_CA", ["en"])
    ('de', 'de_AT', 'fr_CA')
    """
    region = language.replace("-", "_")
    return next((each for each in (language, region, region.partition("_")[0]) if each in known), language)


def said(text: str) -> str:
    """``text`` in the language that is spoken, or as it stands.

    >>> said("Findings by verdict")
    'Findings by verdict'
    """
    spoken = _SPOKEN.get()
    return text if spoken is None else spoken[1].get(text, text)


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


def tag() -> tuple[str, str | None]:
    """The language that is spoken and its region, as files name them; English is spelt as in Britain.

    >>> tag()
    ('en', 'GB')
    """
    spoken = _SPOKEN.get()
    language, _, region = (ENGLISH if spoken is None else spoken[0]).replace("_", "-").partition("-")
    return language, region or ("GB" if language == ENGLISH else None)


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """The messages of a language by their English text; those of English are none."""
    if language == ENGLISH:
        return {}
    if language not in languages():
        raise UnknownName("language", language, languages())
    return read(shipped("templates") / "_locale" / language)


def read(folder: Path) -> Mapping[str, str]:
    """All catalogues of a folder as one; DataError where two of them translate a text in different ways."""
    try:
        from babel.messages.pofile import read_po
    except ImportError:
        raise MissingDependency("babel", needed_for="documents in other languages", extra="languages") from None
    found: dict[str, str] = {}
    for path in sorted(folder.glob("*.po")):
        with path.open("rb") as file:
            messages = read_po(file)
        for message in messages:
            if not (isinstance(message.id, str) and message.id and message.string) or message.fuzzy:
                continue
            if found.setdefault(message.id, str(message.string)) != message.string:
                raise DataError(f"{path}:{message.lineno}: {message.id[:60]!r} is translated otherwise in another file")
    return found


def in_language(model: M) -> M:
    """A template, or a part of one, with every text in the language that is spoken."""
    spoken = _SPOKEN.get()
    if spoken is None or not spoken[1]:
        return model
    return type(model).model_validate(_said(model.model_dump(exclude_unset=True)))


def _said(value: Any, key: str = "") -> Any:
    if isinstance(value, str):
        return said(value) if key in TEXTS else value
    if isinstance(value, Mapping):
        return {name: _said(inner, str(name)) for name, inner in value.items()}
    if isinstance(value, Sequence):
        return type(value)(_said(inner, key) for inner in value)  # type: ignore[call-arg]
    return value


def spoken(document: Document) -> Document:
    """The document with the words that builders put around its facts, captions and headers among them, translated."""
    current = _SPOKEN.get()
    return document if current is None or not current[1] else replace(document, nodes=tuple(map(_node, document.nodes)))


def _node(node: Any) -> Any:
    match node:
        case str():
            return said(node)
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
            return replace(node, caption=said(node.caption), twin=_node(node.twin))
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


def literals(file: IO[bytes], keywords: Any, comment_tags: Any, options: Any) -> Iterator[Extracted]:
    """Every text of a Python file that may stand in a document, with its line; the same kind of method.

    Words of two letters or more that begin large or have a space between them, and no docstring: too many rather than
    too few, since a translator can leave out what no reader sees.
    """
    tree = ast.parse(file.read())
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            text = node.value
            if len(text) > 1 and text[0].isalpha() and text == text.strip() and (" " in text or text[0].isupper()):
                yield node.lineno, "", text, []
