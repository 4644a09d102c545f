"""Reading a plan: from YAML to its model, and what does not fit it, one line a place, all of it at once."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from probandum import codec
from probandum.errors import PlanError, meant_or_known
from probandum.plan_file import PlanFile, SystemCard
from probandum.yaml_source import YamlSource, as_plain, read_yaml

#: What pydantic says of a text where a number or a truth belongs.
_NO_TEXT = ("float_type", "int_type", "bool_type")
#: What people call the kinds of values, by what pydantic says of another one.
_EXPECTED = {
    "model_type": "keys and values",
    "model_attributes_type": "keys and values",
    "dict_type": "keys and values",
    "list_type": "a list",
    "string_type": "text",
    "string_too_short": "some text",
    "too_short": "at least one entry",
    "float_type": "a number",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "finite_number": "a finite number",
    "date_type": "a date such as 2026-11-28",
    "date_parsing": "a date such as 2026-11-28",
    "date_from_datetime_parsing": "a date such as 2026-11-28",
    "date_from_datetime_inexact": "a date such as 2026-11-28",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "{ge:g} or more",
    "less_than": "less than {lt:g}",
    "string_pattern_mismatch": "text that matches {pattern}",
    "literal_error": "{expected}",
}


def model_of(source: YamlSource) -> PlanFile:
    """The model of a plan; PlanError with everything that does not fit it, each with its place."""
    try:
        return PlanFile.model_validate(source.values)
    except ValidationError as error:
        found = error
    values = copy.deepcopy(source.values)
    texts = {_place(values, each["loc"]) for each in found.errors() if each["type"] in _NO_TEXT}
    for place in texts & source.variables:  # the environment has texts alone
        inside: Any = values
        for step in place[:-1]:
            inside = inside[step]
        inside[place[-1]] = as_plain(inside[place[-1]])
    try:
        return PlanFile.model_validate(values)
    except ValidationError as error:
        raise PlanError(_problems(source, error)) from None


def card_of(source: YamlSource, file: PlanFile) -> Mapping[str, Any]:
    """The system card, from the plan or from the file that it names; PlanError with every problem and its place."""
    if not isinstance(file.system, str):
        return _plain(file.system)
    path = source.path.parent / file.system
    if not path.is_file():
        said = f"no file {file.system}; expected a system card, or the path of a file that holds one"
        raise PlanError([source.problem(("system",), said)])
    return card_in(read_yaml(path, collect=True))


def card_in(source: YamlSource) -> Mapping[str, Any]:
    """The card that a file holds; PlanError with every problem of it, each with its place."""
    problems = [*source.problems, *source.undecided.values()]
    try:
        card = _plain(SystemCard.model_validate(source.values))
    except ValidationError as error:
        raise PlanError([*problems, *_problems(source, error)]) from None
    if problems:
        raise PlanError(problems)
    return card


def _plain(card: BaseModel) -> Mapping[str, Any]:
    values: Mapping[str, Any] = codec.builtins(card.model_dump(mode="json", exclude_none=True))
    return values


def _problems(source: YamlSource, error: ValidationError) -> list[str]:
    """One line a place; what several branches of a union say is joined."""
    said: dict[tuple[str | int, ...], dict[str, None]] = {}
    for each in error.errors(include_url=False):
        place = _place(source.values, each["loc"], missing=each["type"] == "missing")
        if place not in source.undecided:
            said.setdefault(place, {}).setdefault(_message(each, place))
    inner = {place[:length] for place in said for length in range(len(place))}
    return [source.problem(place, _either(list(texts))) for place, texts in said.items() if place not in inner]


def _place(values: Any, steps: tuple[str | int, ...], *, missing: bool = False) -> tuple[str | int, ...]:
    """pydantic's path without the steps that name a branch of a union and no key of the file."""
    place: list[str | int] = []
    for number, step in enumerate(steps, 1):
        if isinstance(values, dict) and step in values:
            values = values[step]
        elif isinstance(values, list) and isinstance(step, int) and step < len(values):
            values = values[step]
        elif not (missing and number == len(steps)):
            continue
        place.append(step)
    return tuple(place)


def _message(each: Any, place: tuple[str | int, ...]) -> str:
    if each["type"] == "extra_forbidden":
        known = PlanFile.keys_at(place[:-1])
        return f"unknown key {str(place[-1])!r}{meant_or_known(str(place[-1]), known)}"
    if each["type"] == "missing":
        return "the key is missing"
    if each["type"] not in _EXPECTED:
        return str(each["msg"]).removeprefix("Value error, ").replace("Input should be", "expected")
    expected = _EXPECTED[each["type"]].format(**each.get("ctx", {}))
    return f"expected {expected}, got {_shown(each['input'])}"


def _shown(value: object) -> str:
    """A value of the file in few words.

    >>> _shown("0.8"), _shown(True), _shown({}), _shown([1]), _shown(None)
    ("'0.8'", 'true', 'nothing', 'a list', 'nothing')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return repr(value)
    if not value:
        return "nothing"
    return "a list" if isinstance(value, list) else "keys and values"


def _either(texts: Sequence[str]) -> str:
    """What several branches of a union expect of one value, in one sentence.

    >>> _either(["expected a whole number, got 'none'", "expected 'auto', got 'none'"])
    "expected a whole number or 'auto', got 'none'"
    """
    parts = [re.fullmatch(r"expected (.*), got (.*)", text) for text in texts]
    wanted = {part[1]: None for part in parts if part}
    got = {part[2] for part in parts if part}
    if None in parts or len(got) != 1:
        return " or ".join(texts)
    return f"expected {' or '.join(wanted)}, got {got.pop()}"
