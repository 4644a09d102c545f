"""YAML that people wrote, with the place of every value, so that an error can name file, line and column.

Beyond plain YAML: a key given twice is an error, ``${NAME}`` reads the environment, and ``extends: FILE`` at the
top inherits from another file, whose mappings are merged key by key and whose other values are replaced.
"""

from __future__ import annotations

import datetime
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from probandum.errors import PlanError

Place = tuple[str | int, ...]

_VARIABLE = re.compile(r"\$\{([^}]*)\}")


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

    A mark stands at the key of a mapping's entry and at the start of a sequence's.
    """

    path: Path
    data: bytes
    values: dict[str, Any]
    marks: Mapping[Place, Mark]
    inherited: tuple[Path, ...] = ()
    problems: tuple[str, ...] = ()

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


def read_yaml(path: Path, *, collect: bool = False, seen: tuple[Path, ...] = ()) -> YamlSource:
    """The mapping in ``path``; PlanError names every duplicate key and unset variable at once.

    With ``collect`` these are left in ``problems`` for a caller who has more to say.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PlanError([f"{path}: {error.strerror or error}; check the path"]) from None
    reader = _Reader(str(path))
    values = reader.read(_compose(path, data))
    if not isinstance(values, dict):
        raise PlanError([f"{path}:1:1: expected keys and values, found {_kind(values)}"])
    if reader.problems and not collect:
        raise PlanError(reader.problems)
    problems = tuple(reader.problems)
    base_name = values.pop("extends", None)
    if base_name is None:
        return YamlSource(path=path, data=data, values=values, marks=reader.marks, problems=problems)
    mark = reader.marks[("extends",)]
    base_path = path.parent / str(base_name)
    if base_path.resolve() in [known.resolve() for known in (*seen, path)]:
        raise PlanError([f"{mark}: extends: {base_name} extends this file in turn"])
    base = read_yaml(base_path, seen=(*seen, path))
    return YamlSource(
        path=path,
        data=data,
        values=_merged(base.values, values),
        marks={**base.marks, **reader.marks},
        inherited=(base_path, *base.inherited),
        problems=problems,
    )


def _compose(path: Path, data: bytes) -> yaml.Node:
    try:
        text = data.decode("utf-8-sig")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except UnicodeDecodeError:
        raise PlanError([f"{path}:1:1: not UTF-8 text"]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else f"{path}:1:1"
        raise PlanError([f"{where}: broken YAML: {error.problem or error.context}"]) from None
    except yaml.YAMLError as error:
        raise PlanError([f"{path}:1:1: broken YAML: {' '.join(str(error).split())}"]) from None
    if node is None:
        raise PlanError([f"{path}:1:1: the file is empty"])
    return node


class _Reader:
    """Turns composed nodes into values, noting where each stands and what is wrong."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.marks: dict[Place, Mark] = {}
        self.problems: list[str] = []
        self._plain = yaml.SafeLoader("")

    def read(self, node: yaml.Node, place: Place = ()) -> Any:
        self.marks.setdefault(place, self._mark(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(inner, (*place, index)) for index, inner in enumerate(node.value)]
        return self._scalar(node, place)

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        self._plain.flatten_mapping(node)  # merge keys (<<), before duplicates are looked for
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(self._plain.construct_object(key_node, deep=True))
            here = (*place, key)
            if key in values:
                name = ".".join(map(str, here))
                self.problems.append(
                    f"{self._mark(key_node)}: {name}: the key occurs twice (line {self.marks[here].line})"
                )
                continue
            self.marks[here] = self._mark(key_node)
            values[key] = self.read(value_node, here)
        return values

    def _scalar(self, node: yaml.Node, place: Place) -> Any:
        try:
            value = self._plain.construct_object(node, deep=True)
        except (yaml.YAMLError, ValueError) as error:
            self.problems.append(f"{self._mark(node)}: {'.'.join(map(str, place))}: {' '.join(str(error).split())}")
            return None
        if isinstance(value, datetime.date):
            return value.isoformat()
        return self._expanded(value, node, place) if isinstance(value, str) else value

    def _expanded(self, text: str, node: yaml.Node, place: Place) -> str:
        def value_of(match: re.Match[str]) -> str:
            name = match.group(1)
            if name not in os.environ:
                where = ".".join(map(str, place))
                self.problems.append(f"{self._mark(node)}: {where}: the environment has no variable {name!r}")
            return os.environ.get(name, "")

        return _VARIABLE.sub(value_of, text)

    def _mark(self, node: yaml.Node) -> Mark:
        return Mark(file=self.file, line=node.start_mark.line + 1, column=node.start_mark.column + 1)


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        inner = merged.get(key)
        merged[key] = _merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return merged


def _kind(value: object) -> str:
    return {list: "a list", str: "text", type(None): "nothing"}.get(type(value), type(value).__name__)
