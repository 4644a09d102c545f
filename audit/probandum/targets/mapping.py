"""How a plan maps questions to JSON and answers back: a template with placeholders, and JMESPath expressions."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from probandum.errors import did_you_mean
from probandum.evidence import Capability, Column, Request, Table
from probandum.gaps import absent
from probandum.keywords import Place, leaves
from probandum.target import Problem
from probandum.targets.loading import need, said

#: What stands for each kind of question: for one input, and for all inputs of a call; after the dot comes a name.
ONE: Mapping[Capability, tuple[str, ...]] = {
    Capability.PREDICT: ("row", "row.", "values"),
    Capability.CLASSIFY: ("text",),
    Capability.CHOOSE: ("text",),
    Capability.GENERATE: ("text",),
}
MANY: Mapping[Capability, tuple[str, ...]] = {
    Capability.PREDICT: ("rows", "matrix", "columns"),
    Capability.CLASSIFY: ("texts",),
    Capability.CHOOSE: ("texts",),
    Capability.GENERATE: ("texts",),
}
#: What is the same for all inputs of a request.
SHARED: Mapping[Capability, tuple[str, ...]] = {
    Capability.PREDICT: (),
    Capability.CLASSIFY: (),
    Capability.CHOOSE: ("options", "prefix"),
    Capability.GENERATE: ("parameters", "parameters."),
}
#: Placeholders whose values are text or one number, so that they may stand inside a longer text.
_SCALARS = ("text", "prefix", "row.", "parameters.")

_LARGEST_WHOLE = 2**53

_MARK = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """The JSON that one ask sends, with placeholders in its texts.

    A text that is one placeholder becomes its value, with its JSON type; inside a longer text only texts and numbers
    can stand. ``{{`` and ``}}`` are braces. Values are never read for placeholders.
    """

    body: Any

    def problems(self, kind: Capability, features: Sequence[str] = ()) -> Iterator[Problem]:
        """What cannot be filled in for questions of this kind; ``features``: the columns, where the plan names them."""
        wrong = [
            Problem(place, why)
            for place, text in _texts(self.body, ("request",))
            for why in _faults(text, kind, features)
        ]
        yield from wrong
        used = {_family(name) for name in self.names()}
        ones, many = (sorted(used & {*names[kind]}) for names in (ONE, MANY))
        if ones and many:
            one, other = _shown(ones), _shown(many)
            yield Problem(("request",), f"{one} stands for one input and {other} for many; use one of the two kinds")
        elif not ones and not many and not wrong:
            choice = _shown((*ONE[kind], *MANY[kind]))
            yield Problem(("request",), f"it holds no input, so every ask would be the same; add one of {choice}")

    def names(self) -> set[str]:
        """The placeholders used."""
        found = (_MARK.findall(text) for _, text in _texts(self.body, ()) if text is not None)
        return {name for names in found for name in names if name}

    def batches(self, kind: Capability) -> bool:
        """Whether one ask holds many inputs."""
        return not self.names().isdisjoint(MANY[kind])

    def filled(self, value: Callable[[str], Any]) -> Any:
        """The body with the value of every placeholder.

        >>> template = Template(body={"q": "Is {text} rude?", "k": ["{n}", 1], "{{": True})
        >>> template.filled({"text": "{n}", "n": 3}.__getitem__)
        {'q': 'Is {n} rude?', 'k': [3, 1], '{{': True}
        """
        return _filled(self.body, value)


def as_it_is(value: Any, written: Any) -> Any:
    """A template whose texts that are not ``written`` so are sent as they are, braces among them.

    >>> as_it_is(["{text}", "s{cret"], ["{text}", "env:TEAM_KEY"])
    ['{text}', 's{{cret']
    """
    if isinstance(value, Mapping):
        return {key: as_it_is(each, written[key]) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [as_it_is(each, then) for each, then in zip(value, written, strict=True)]
    return value if value == written else str(value).replace("{", "{{").replace("}", "}}")


def stands_for(request: Request, chunk: range, features: Sequence[str], *, missing: bool = False) -> dict[str, Any]:
    """The value of every placeholder for some inputs of a request; KeyError where a row lacks a column.

    ``missing``: rows may lack values, each of which is null; else one of a number is a ValueError.
    """
    if isinstance(request.inputs, Table):
        return _rows(request.inputs, chunk, features, missing=missing)
    texts = list(request.inputs[chunk.start : chunk.stop])
    return {
        "text": texts[0],
        "texts": texts,
        "prefix": request.prefix,
        "options": list(spoken(request)),
        "parameters": dict(request.parameters),
        **{f"parameters.{name}": value for name, value in request.parameters.items()},
    }


def refuse_unsaid(request: Request, used: Collection[str]) -> None:
    """ValueError where a request holds something that none of the placeholders ``used`` sends."""
    if request.prefix and "prefix" not in used:
        raise ValueError("the question has a scripted start, and target.request no {prefix}")
    if request.options and "options" not in used:
        raise ValueError("the question has options, and target.request no {options}")
    for name in request.parameters:
        if "parameters" not in used and f"parameters.{name}" not in used:
            raise ValueError(f"the question has the parameter {name}, and target.request no {{parameters.{name}}}")


def spoken(request: Request) -> tuple[str, ...]:
    """The options as texts: the first variant of each, without the space that leads it."""
    return tuple(variants[0].strip() for variants in request.options)


class Expression:
    """A JMESPath expression; ValueError where it is none."""

    def __init__(self, text: str) -> None:
        self._library = need("jmespath", needed_for="target http", extra="endpoints")
        try:
            self._compiled = self._library.compile(text)
        except self._library.exceptions.JMESPathError as error:
            raise ValueError(f"no JMESPath expression: {said(error)}") from None

    def of(self, answer: object) -> Any:
        """What the expression finds in an answer, None where nothing; ValueError where it cannot be applied."""
        try:
            return self._compiled.search(answer)
        except (self._library.exceptions.JMESPathError, TypeError, ValueError) as error:
            raise ValueError(f"the expression does not fit the answer: {said(error)}") from None
        except RecursionError:
            raise ValueError("the expression does not fit the answer: it nests too deep") from None


def _family(name: str) -> str:
    """A placeholder without the name behind its dot.

    >>> _family("row.age"), _family("rows")
    ('row.', 'rows')
    """
    head, dot, _ = name.partition(".")
    return head + dot


def _shown(names: Sequence[str]) -> str:
    """Placeholders as a plan writes them.

    >>> _shown(["text", "row."])
    '{text}, {row.NAME}'
    """
    return ", ".join(f"{{{name}NAME}}" if name.endswith(".") else f"{{{name}}}" for name in names)


def _faults(text: str | None, kind: Capability, features: Sequence[str]) -> Iterator[str]:
    """Why a text of the template cannot be filled in."""
    if text is None:
        yield "no JSON value; write it in quotes"
        return
    for match in _MARK.finditer(text):
        name = match.group(1)
        if match.group() in ("{{", "}}"):
            continue
        if name is None:
            yield f"a single {match.group()!r}; write {match.group() * 2!r} for the sign itself"
        elif (why := _unknown(name, (*ONE[kind], *MANY[kind], *SHARED[kind]), features)) is not None:
            yield why
        elif match.group() != text and _family(name) not in _SCALARS:
            yield f"{{{name}}} is no text; it has to be the whole value"


def _unknown(name: str, known: Sequence[str], features: Sequence[str]) -> str | None:
    """Why nothing can stand for a placeholder; None where something can."""
    if _family(name) not in known or name.endswith("."):
        return f"unknown placeholder {{{name}}}{did_you_mean(name, known)}; known: {_shown(known)}"
    column = name.partition(".")[2]
    if name.startswith("row.") and features and column not in features:
        return f"{{{name}}}: data.features has no {column!r}{did_you_mean(column, features)}"
    return None


def _texts(body: Any, place: Place) -> Iterator[tuple[Place, str | None]]:
    """Every text with its place; None for what JSON cannot hold, such as a date that YAML made."""
    for where, each in leaves(body, place):
        if isinstance(each, str):
            yield where, each
        elif each is not None and not isinstance(each, bool | int | float):
            yield where, None


def _filled(body: Any, value: Callable[[str], Any]) -> Any:
    if isinstance(body, Mapping):
        return {key: _filled(inner, value) for key, inner in body.items()}
    if isinstance(body, list | tuple):
        return [_filled(inner, value) for inner in body]
    if not isinstance(body, str):
        return body
    if (whole := _MARK.fullmatch(body)) is not None and whole.group(1) is not None:
        return value(whole.group(1))
    return _MARK.sub(lambda match: match.group()[0] if match.group(1) is None else _inside(match[1], value), body)


def _inside(name: str, value: Callable[[str], Any]) -> str:
    """A value inside a longer text; ValueError where there is none, since no word stands for that."""
    if (found := value(name)) is None:
        raise ValueError(f"{{{name}}} stands inside a longer text and has no value; make it the whole value, for null")
    return str(found)


def _rows(table: Table, chunk: range, features: Sequence[str], *, missing: bool) -> dict[str, Any]:
    """What stands for some rows; KeyError where one lacks a column."""
    chosen = table.select(features) if features else table
    names = tuple(chosen)
    parts = {name: chosen[name][chunk.start : chunk.stop] for name in names}
    columns = {name: _plain(each, missing=missing) for name, each in parts.items()}
    matrix = [list(row) for row in zip(*columns.values(), strict=True)]
    rows = [dict(zip(names, row, strict=True)) for row in matrix]
    ones = {f"row.{name}": value for name, value in rows[0].items()}
    return {"row": rows[0], "values": matrix[0], "rows": rows, "matrix": matrix, "columns": columns, **ones}


def _plain(column: Column, *, missing: bool) -> list[Any]:
    """Numbers as a file shows them: whole ones without a point, gaps as None; ValueError where one is not finite."""
    made: list[Any] = []
    for value, gap in zip(column.tolist(), (absent(column) & missing).tolist(), strict=True):
        if gap:
            made.append(None)
            continue
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{value} is no number that JSON can say")
        whole = isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST_WHOLE
        made.append(int(value) if whole else value)
    return made
