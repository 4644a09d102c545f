"""YAML into frozen dataclasses, strictly: the fields of the dataclass are the schema, and every fault is one line.

Nothing is coerced but dates, which are ISO text in our values whether or not the file quotes them.
"""

from __future__ import annotations

import datetime
import types
import typing
from collections.abc import Hashable, Mapping
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal, NewType, TypeVar

import yaml

from probandum.errors import DataError, did_you_mean

T = TypeVar("T")

#: A calendar date as ISO text, ``2027-12-02``: comparable as text.
Date = NewType("Date", str)

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]  # libyaml's loader where PyYAML was built with it: ten times faster
    """Refuses a key that stands twice, of which plain YAML silently keeps the last; a day that is none has its line."""

    def construct_day(self, node: yaml.ScalarNode) -> object:
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError as error:
            problem = f"{node.value} is no date: {error}"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key.value!r} stands twice", key.start_mark)
            seen.add(key.value)
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
        return mapping


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.construct_day)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping that a YAML file holds; DataError names the file and, where it can, the line."""
    try:
        value = yaml.load(path.read_bytes(), Loader=_Loader)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}", remedy="install probandum again") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark is not None else str(path)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise DataError(f"{where}: no valid YAML: {problem}") from None
    if not isinstance(value, dict):
        raise DataError(f"{path}: expected a mapping, got {type(value).__name__}")
    return value


def build(kind: type[T], raw: object, where: str) -> T:
    """``raw`` as a ``kind``; DataError, starting with ``where``, on an unknown, missing or mistyped key."""
    if not isinstance(raw, Mapping):
        raise DataError(f"{where}: expected a mapping, got {type(raw).__name__}")
    schema = _schema(typing.cast(Any, kind))
    for key in raw:
        if key not in schema:
            raise DataError(f"{where}: unknown key {key!r}{did_you_mean(str(key), schema)}")
    missing = [key for key, (_, required) in schema.items() if required and key not in raw]
    if missing:
        raise DataError(f"{where}: missing key {missing[0]!r}")
    return kind(**{key: _value(schema[key][0], value, where, key) for key, value in raw.items()})


@cache
def _schema(kind: Any) -> dict[str, tuple[Any, bool]]:
    """Each field's annotation, and whether it must be given."""
    hints = typing.get_type_hints(kind)
    return {
        field.name: (hints[field.name], field.default is MISSING and field.default_factory is MISSING)
        for field in fields(kind)
    }


def _value(annotation: Any, raw: Any, where: str, key: str) -> Any:
    if annotation is Date:
        return _date(raw, where, key)
    if annotation in (str, bool, int):
        return _plain(annotation, raw, where, key)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        if raw not in arguments:
            suggestion = did_you_mean(str(raw), map(str, arguments))
            raise DataError(f"{where}: {key} is {raw!r}{suggestion}; one of {', '.join(map(str, arguments))}")
        return raw
    if origin in (typing.Union, types.UnionType):
        inner = next(argument for argument in arguments if argument is not types.NoneType)
        return None if raw is None else _value(inner, raw, where, key)
    if origin is tuple:
        if not isinstance(raw, list | tuple):
            raise DataError(f"{where}: {key}: expected a list, got {type(raw).__name__}")
        return tuple(_value(arguments[0], item, where, key) for item in raw)
    if origin is Mapping:
        if not isinstance(raw, Mapping):
            raise DataError(f"{where}: {key}: expected a mapping, got {type(raw).__name__}")
        return {_plain(str, name, where, key): _value(arguments[1], item, where, key) for name, item in raw.items()}
    return build(annotation, raw, f"{where}: {key}")


def _plain(annotation: type, raw: Any, where: str, key: str) -> Any:
    if type(raw) is not annotation:
        raise DataError(f"{where}: {key}: expected {annotation.__name__}, got {type(raw).__name__} {raw!r}")
    return raw


def _date(raw: Any, where: str, key: str) -> Date:
    if type(raw) is datetime.date:
        return Date(raw.isoformat())
    raise DataError(f"{where}: {key}: expected a date such as 2027-12-02, got {raw!r}")
