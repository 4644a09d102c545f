"""YAML that people wrote, with the place of every value, so that an error can name file, line and column.

Beyond plain YAML: a key given twice is an error, ``${NAME}`` reads the environment, and ``extends: FILE`` at the
top inherits from another file, whose mappings are merged key by key and whose other values are replaced. The plain
word ``TODO`` is a value that a person has yet to decide: an error, told by the comment beside it.
"""

from __future__ import annotations

import datetime
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from probandum.errors import PlanError
from probandum.yaml_nodes import composed

Place = tuple[str | int, ...]

#: A value that is still to be decided; in quotes it is a text like any other.
UNDECIDED = "TODO"

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
#: What YAML's escapes can write and UTF-8 or a file name cannot hold.
_UNUSABLE = re.compile("[\0\ud800-\udfff]")
#: Two halves of one character.
_HALVES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
#: What canonical JSON holds of whole numbers.
_INTEGERS = (-(2**63), 2**64 - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Where something stands: file as the user named it, line and column from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlSource:
    """The values of a YAML file, ``marks`` by path, the bytes as written, and the files it inherits from.

    A mark stands at the key of a mapping's entry and at the start of a sequence's. ``undecided``: what to say of values
    that are still to be decided. ``variables``: texts that the environment had a part in.
    """

    path: Path
    data: bytes
    values: dict[str, Any]
    marks: Mapping[Place, Mark]
    inherited: tuple[Path, ...] = ()
    problems: tuple[str, ...] = ()
    undecided: Mapping[Place, str] = field(default_factory=dict)
    variables: frozenset[Place] = frozenset()

    def mark(self, place: Sequence[str | int]) -> Mark:
        """The place of a value, or of the nearest value around it."""
        wanted = tuple(place)
        while wanted and wanted not in self.marks:
            wanted = wanted[:-1]
        return self.marks.get(wanted) or Mark(file=str(self.path), line=1, column=1)

    def problem(self, place: Sequence[str | int], message: str) -> str:
        """One line for :class:`PlanError`: ``file:line:column: path: message``."""
        name = ".".join(str(part) for part in place)
        return f"{self.mark(place)}: {name}: {message}" if name else f"{self.mark(place)}: {message}"


def read_yaml(path: Path, *, collect: bool = False, quick: bool = False, seen: tuple[Path, ...] = ()) -> YamlSource:
    """The mapping in ``path``; PlanError names every duplicate key, unset variable and undecided value at once.

    With ``collect`` these are left in ``problems`` and ``undecided`` for a caller who has more to say. ``quick`` is for
    files of ours: read by libyaml, which knows not every escape of JSON and says otherwise what is broken.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PlanError([f"{path}: {error.strerror or error}; check the path"]) from None
    reader = _Reader(str(path))
    values = reader.read(composed(path, data, quick=quick))
    if not isinstance(values, dict):
        raise PlanError([f"{path}:1:1: expected keys and values, found {_kind(values)}"])
    if reader.problems and not collect:
        raise PlanError(reader.problems)
    if reader.undecided and not collect and not seen:
        raise PlanError(list(reader.undecided.values()))
    problems = tuple(reader.problems)
    base_name = values.pop("extends", None)
    if base_name is None:
        return YamlSource(
            path=path,
            data=data,
            values=values,
            marks=reader.marks,
            problems=problems,
            undecided=reader.undecided,
            variables=frozenset(reader.variables),
        )
    mark = reader.marks[("extends",)]
    base_path = path.parent / str(base_name)
    if base_path.resolve() in [known.resolve() for known in (*seen, path)]:
        raise PlanError([f"{mark}: extends: {base_name} extends this file in turn"])
    base = read_yaml(base_path, seen=(*seen, path))
    merged = _merged(base.values, values)
    undecided = {**base.undecided, **reader.undecided}
    return YamlSource(
        path=path,
        data=data,
        values=merged,
        marks={**base.marks, **reader.marks},
        inherited=(base_path, *base.inherited),
        problems=problems,
        undecided={place: said for place, said in undecided.items() if _at(merged, place) == UNDECIDED},
        variables=frozenset(reader.variables | {place for place in base.variables if place not in reader.marks}),
    )


class _Reader:
    """Turns composed nodes into values, noting where each stands and what is wrong."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.marks: dict[Place, Mark] = {}
        self.problems: list[str] = []
        self.undecided: dict[Place, str] = {}
        self.variables: set[Place] = set()
        self._plain = yaml.SafeLoader("")

    def read(self, node: yaml.Node, place: Place = ()) -> Any:
        self.marks.setdefault(place, self._mark(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(inner, (*place, index)) for index, inner in enumerate(node.value)]
        return self._scalar(node, place)

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        values: dict[str, Any] = {}
        try:
            self._plain.flatten_mapping(node)  # merge keys (<<), before duplicates are looked for
        except yaml.MarkedYAMLError as error:
            self._note(node, place, error.problem)
        for key_node, value_node in node.value:
            key = self._usable(str(self._constructed(key_node, place)), key_node, place)
            here = (*place, key)
            if key in values:
                self._note(key_node, here, f"the key occurs twice (line {self.marks[here].line})")
                continue
            self.marks[here] = self._mark(key_node)
            values[key] = self.read(value_node, here)
        return values

    def _scalar(self, node: yaml.Node, place: Place) -> Any:
        value = self._constructed(node, place)
        if value == UNDECIDED and getattr(node, "style", None) is None:
            question = _comment(node)
            said = f"still to be decided: {question}" if question else "still to be decided"
            self.undecided[place] = f"{self._mark(node)}: {'.'.join(map(str, place))}: {said}"
        if isinstance(value, datetime.date):
            return value.isoformat()
        if isinstance(value, str):
            if _VARIABLE.search(value):
                self.variables.add(place)
            return self._usable(self._expanded(value, node, place), node, place)
        if isinstance(value, float) and not math.isfinite(value):
            self._note(node, place, f"{node.value} is no finite number")
            return 1.0
        if isinstance(value, int) and not _INTEGERS[0] <= value <= _INTEGERS[1]:
            self._note(node, place, f"{node.value:.20}... has more digits than 64 bits hold; write it in quotes")
            return 1
        return value

    def _usable(self, text: str, node: yaml.Node, place: Place) -> str:
        """``text``; a problem where no file name and no document can hold it.

        JSON writes a character beyond the first 65,536 as two halves, which YAML reads as two characters.
        """
        text = _HALVES.sub(_whole, text)
        if _UNUSABLE.search(text):
            self._note(node, place, "the text holds NUL or half a character, which no file can")
        return _UNUSABLE.sub("?", text)

    def _constructed(self, node: yaml.Node, place: Place) -> Any:
        """What a node stands for by its tag; None, and a problem, where it does not fit its tag."""
        try:
            return self._plain.construct_object(node, deep=True)
        except yaml.MarkedYAMLError as error:
            self._note(node, place, error.problem)
        except (ValueError, LookupError, AttributeError) as error:  # PyYAML's constructors check little themselves
            kind = node.tag.rpartition(":")[2]
            why = f": {error}" if type(error) is ValueError else ""
            self._note(node, place, f"{str(node.value)[:40]!r} cannot be read as {kind}{why}")
        return None

    def _note(self, node: yaml.Node, place: Place, problem: str | None) -> None:
        name = ".".join(map(str, place))
        said = " ".join((problem or "broken YAML").split())
        self.problems.append(f"{self._mark(node)}: {name}: {said}" if name else f"{self._mark(node)}: {said}")

    def _expanded(self, text: str, node: yaml.Node, place: Place) -> str:
        def value_of(match: re.Match[str]) -> str:
            name = match.group(1)
            if name not in os.environ:
                self._note(node, place, f"the environment has no variable {name!r}")
            return os.environ.get(name, "")

        return _VARIABLE.sub(value_of, text)

    def _mark(self, node: yaml.Node) -> Mark:
        return Mark(file=self.file, line=node.start_mark.line + 1, column=node.start_mark.column + 1)


def as_plain(text: str) -> Any:
    """What a text would be if it stood in a file without quotes: a number or a truth, where it is one.

    >>> as_plain("0.8"), as_plain("true"), as_plain("[1")
    (0.8, True, '[1')
    """
    loader = yaml.SafeLoader("")
    tag = loader.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return loader.construct_object(yaml.ScalarNode(tag, text))


def _comment(node: yaml.Node) -> str:
    """The comment behind a value, with the lines below it that carry it on in the same column."""
    mark: Any = node.end_mark
    first, *rest = mark.buffer[mark.pointer :].rstrip("\0").splitlines() or [""]
    found = re.search(r"(?:^|\s)#\s*(.*)", first)
    if found is None:
        return ""
    column = mark.column + first.index("#", found.start())
    said = [found[1]]
    for line in rest:
        if line[:column].strip() or line[column : column + 1] != "#":
            break
        said.append(line[column + 1 :])
    return " ".join(" ".join(said).split())


def _at(values: Any, place: Place) -> Any:
    """The value at a place; None where there is none any more."""
    for part in place:
        try:
            values = values[part]
        except (LookupError, TypeError):
            return None
    return values


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        inner = merged.get(key)
        merged[key] = _merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return merged


def _kind(value: object) -> str:
    return {list: "a list", str: "text", type(None): "nothing"}.get(type(value), type(value).__name__)


def _whole(halves: re.Match[str]) -> str:
    """The character whose halves were matched."""
    return halves[0].encode("utf-16", "surrogatepass").decode("utf-16")
