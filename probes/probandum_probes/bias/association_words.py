"""Word sets for association tests: two sets of targets, two of attributes, sentences to put them in, a neutral pool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from probandum.errors import DataError, PlanError, did_you_mean
from probandum.units import so_many
from probandum.yaml_source import YamlSource, read_yaml
from probandum_probes.bias.swap_texts import entries
from probandum_probes.public_files import read_json

_KEYS = ("id", "targets", "attributes")
_SLOT = "{word}"
#: The four sets of a published test, and where such files are.
_PUBLISHED = ("targ1", "targ2", "attr1", "attr2")
_WHERE = "WEAT and SEAT are published by May et al. (2019) at github.com/W4ngatang/sent-bias, in the folder tests"


class WordSet(NamedTuple):
    """Words under a name."""

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """One test: are ``x`` rather than ``y`` near ``a`` rather than ``b``?"""

    id: str
    x: WordSet
    y: WordSet
    a: WordSet
    b: WordSet

    @property
    def words(self) -> tuple[str, ...]:
        """All of its words."""
        return self.x.words + self.y.words + self.a.words + self.b.words


@dataclass(frozen=True, slots=True, kw_only=True)
class WordFile:
    """What a file of word sets holds. ``pool``: neutral words that random attribute sets are drawn from.

    ``published``: the sets are in the form of the publications.
    """

    tests: tuple[Association, ...]
    templates: tuple[str, ...] = ()
    pool: tuple[str, ...] = ()
    published: bool = False


def read_published(paths: Sequence[Path]) -> WordFile:
    """Tests in the form of May et al., one a file, which names it: .json, or .jsonl as they call it; DataError.

    A file holds ``targ1``, ``targ2``, ``attr1`` and ``attr2``, each with its ``category`` and its ``examples``: words,
    or whole sentences. An example that stands in a set twice counts once, as it does in their code.
    """
    tests: dict[str, Association] = {}
    for path in paths:
        found = read_json(path)
        if not isinstance(found, dict):
            raise DataError(f"{path.name}: expected {', '.join(_PUBLISHED)}", remedy=_WHERE)
        x, y, a, b = (_examples(found.get(name), f"{path.name}: {name}") for name in _PUBLISHED)
        made = Association(id=path.stem, x=x, y=y, a=a, b=b)
        both = next((word for word in x.words if word in y.words), None)
        if both is not None:
            raise DataError(f"{path.name}: {both!r} stands in both targets", remedy="leave it in one of them")
        if len(x.words) != len(y.words):
            told = f"{x.name} has {len(x.words)} different examples and {y.name} {len(y.words)}"
            raise DataError(f"{path.name}: {told}", remedy="expected equally many, since the test exchanges them")
        if made.id in tests:
            raise DataError(f"{path.name}: a test of that name is there already", remedy="name its file otherwise")
        tests[made.id] = made
    return WordFile(tests=tuple(tests.values()), published=True)


def _examples(found: Any, where: str) -> WordSet:
    """One set of a published test."""
    name, examples = (found.get("category"), found.get("examples")) if isinstance(found, dict) else (None, None)
    texts = isinstance(examples, list) and all(isinstance(each, str) and each.strip() for each in examples)
    if not isinstance(name, str) or not texts:
        raise DataError(f"{where}: expected a category and a list of examples", remedy=_WHERE)
    words = tuple(dict.fromkeys(each.strip() for each in examples or ()))
    if len(words) < 2:
        raise DataError(f"{where}: {so_many(len(words), 'examples')}", remedy="expected at least 2, all different")
    return WordSet(name, words)


def read_word_sets(path: Path) -> WordFile:
    """The entries under ``tests:``, the sentences under ``templates:`` and the words under ``pool:``; PlanError.

    An entry has an ``id``, two sets of equally many words under ``targets`` and two under ``attributes``, each set
    under its name. Without templates words are tested alone, without a pool no random sets are drawn.
    """
    source = read_yaml(path)
    problems: list[str] = []
    tests: dict[str, Association] = {}
    for index, entry in entries(source, "tests", problems):
        made = _test(source, ("tests", index), entry, problems)
        if made is not None and made.id in tests:
            problems.append(source.problem(("tests", index, "id"), f"{made.id!r} occurs twice"))
        elif made is not None:
            tests[made.id] = made
    templates = _words(source, ("templates",), source.values.get("templates", []), problems, least=0)
    problems += [
        source.problem(("templates", index), f"the slot {_SLOT} must stand in it once")
        for index, template in enumerate(templates)
        if template.count(_SLOT) != 1
    ]
    pool = _words(source, ("pool",), source.values.get("pool", []), problems, least=0)
    if problems:
        raise PlanError(problems)
    return WordFile(tests=tuple(tests.values()), templates=templates, pool=pool)


def sentences(word: str, templates: Sequence[str]) -> tuple[str, ...]:
    """The word in every template.

    >>> sentences("pear", ("This is the {word}.",))
    ('This is the pear.',)
    """
    return tuple(template.replace(_SLOT, word) for template in templates)


def _test(
    source: YamlSource, place: tuple[str | int, ...], entry: Mapping[str, object], problems: list[str]
) -> Association | None:
    """One test; None after noting what is wrong with it."""
    before = len(problems)
    problems += [
        source.problem((*place, key), f"unknown key{did_you_mean(key, _KEYS)}") for key in entry if key not in _KEYS
    ]
    name = entry.get("id")
    if not isinstance(name, str) or not name:
        problems.append(source.problem((*place, "id") if "id" in entry else place, "expected a text under 'id'"))
    pairs = [_pair(source, place, key, entry, problems) for key in ("targets", "attributes")]
    if len(problems) > before:
        return None
    (x, y), (a, b) = pairs
    made = Association(id=str(name), x=x, y=y, a=a, b=b)
    twice = next((word for word in made.words if made.words.count(word) > 1), None)
    if twice is not None:
        problems.append(source.problem(place, f"{twice!r} stands in it twice"))
    if len(x.words) != len(y.words):
        told = f"{x.name} has {so_many(len(x.words), 'words')} and {y.name} {len(y.words)}; expected equally many"
        problems.append(source.problem((*place, "targets"), told))
    return made if len(problems) == before else None


def _pair(
    source: YamlSource, place: tuple[str | int, ...], key: str, entry: Mapping[str, object], problems: list[str]
) -> list[WordSet]:
    """Both sets under ``key``."""
    found = entry.get(key)
    if not isinstance(found, dict) or len(found) != 2:
        problems.append(source.problem((*place, key) if key in entry else place, f"expected two sets under {key!r}"))
        return []
    return [
        WordSet(str(name), _words(source, (*place, key, name), words, problems, least=2))
        for name, words in found.items()
    ]


def _words(
    source: YamlSource, place: tuple[str | int, ...], found: object, problems: list[str], *, least: int
) -> tuple[str, ...]:
    """A list of different texts, ``least`` at least."""
    if not isinstance(found, list) or not all(isinstance(each, str) and each.strip() for each in found):
        problems.append(source.problem(place, "expected a list of texts; write words such as no in quotes"))
        return ()
    if len(set(found)) < len(found) or len(found) < least:
        problems.append(source.problem(place, f"expected at least {least} texts, all different"))
        return ()
    return tuple(found)
