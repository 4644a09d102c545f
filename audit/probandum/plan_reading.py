"""Reading a plan: from YAML to its model, and what does not fit it, one line a place, all of it at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from probandum import codec
from probandum.errors import PlanError, meant_or_known
from probandum.plan_file import PlanFile, SystemCard
from probandum.yaml_source import YamlSource, read_yaml


def model_of(source: YamlSource) -> PlanFile:
    """The model of a plan; PlanError with everything that does not fit it, each with its place."""
    try:
        return PlanFile.model_validate(source.values)
    except ValidationError as error:
        raise PlanError(_problems(source, error)) from None


def card_of(path: Path, file: PlanFile) -> Mapping[str, Any]:
    """The system card, from the plan or from the file that it names."""
    if not isinstance(file.system, str):
        return _plain(file.system)
    card = read_yaml(path.parent / file.system)
    try:
        return _plain(SystemCard.model_validate(card.values))
    except ValidationError as error:
        raise PlanError(_problems(card, error)) from None


def _plain(card: BaseModel) -> Mapping[str, Any]:
    values: Mapping[str, Any] = codec.builtins(card.model_dump(mode="json", exclude_none=True))
    return values


def _problems(source: YamlSource, error: ValidationError) -> list[str]:
    """One line a place, in the order of the file; what several branches of a union say is joined."""
    said: dict[tuple[str | int, ...], dict[str, None]] = {}
    for each in error.errors(include_url=False):
        place = _place(source.values, each["loc"], missing=each["type"] == "missing")
        if place not in source.undecided:
            said.setdefault(place, {}).setdefault(_message(each, place))
    inner = {place[:length] for place in said for length in range(len(place))}
    problems = [(source.mark(place), place, " or ".join(texts)) for place, texts in said.items() if place not in inner]
    problems.sort(key=lambda problem: (problem[0].line, problem[0].column))
    return [source.problem(place, text) for _, place, text in problems]


def _place(values: Any, steps: tuple[str | int, ...], *, missing: bool) -> tuple[str | int, ...]:
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
    text = str(each["msg"]).removeprefix("Value error, ").replace("Input should be", "expected")
    shown = each.get("input")
    got = f", got {shown!r}" if isinstance(shown, str | int | float | bool) and repr(shown) not in text else ""
    return f"{text[0].lower()}{text[1:]}{got}"
