"""The keys of a plan that a constructor takes, checked against its annotations before it is called.

What a key may hold beyond its type stands beside the type, in ``Annotated``: so every target says it in the same way,
and none has to look for it.
"""

from __future__ import annotations

import inspect
import math
import sys
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from probandum.errors import UsageError, did_you_mean

#: Keys and list places, from the top of a part of the plan.
Place = tuple[str | int, ...]
Wrong = Iterator[tuple[Place, str]]
#: What a whole number of a plan has to fit in, since records hold it so.
_WHOLE = 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the rest of a plan shows, which values of its options are held against.

    ``features``: the columns that the model takes, empty where the plan does not say it. ``attributes``: whose groups
    are compared, ``holding`` by the column that holds them. ``answered``: the columns that hold what a recorded system
    answered. ``unread``: why a column of the rows is not read, None where it is, or where there are none.
    ``answers``: the kinds of request that the target answers at most, None where only loading it tells; ``target``: its
    name.
    """

    features: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    holding: Mapping[str, str] = field(default_factory=dict)
    answered: tuple[str, ...] = ()
    unread: Callable[[str], str | None] = lambda column: None
    answers: frozenset[str] | None = None
    target: str = ""


class Rule:
    """What values of a type a key can mean; it stands in ``Annotated[TYPE, RULE]``."""

    def wrong(self, value: Any) -> Wrong:
        """What is wrong with a ``value`` of the type, and where in it."""
        return iter(())

    def beside(self, value: Any, facts: Facts) -> Wrong:
        """What is wrong with it beside what else the plan says, and where in it."""
        return iter(())

    def absent(self, key: str, facts: Facts) -> str | None:
        """What is wrong where the plan leaves ``key`` out; None where that is as well."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Between(Rule):
    """Numbers from ``least``, or from ``above`` on and without it, to ``most``.

    >>> [text for _, text in Between(least=1, most=1000).wrong(0)]
    ['0, expected a whole number from 1 to 1,000']
    >>> [text for _, text in Between(above=0, most=1, what="a number").wrong(1.5)]
    ['1.5, expected a number above 0, at most 1']
    """

    most: float
    least: float = -math.inf
    above: float = -math.inf
    what: str = "a whole number"

    def wrong(self, value: Any) -> Wrong:
        """A number outside."""
        if self.least <= value <= self.most and value > self.above:
            return
        least, above, most = (f"{edge:,.10g}" for edge in (self.least, self.above, self.most))
        span = f"from {least} to {most}" if self.above == -math.inf else f"above {above}, at most {most}"
        yield (), f"{value!r}, expected {self.what} {span}"


@dataclass(frozen=True, slots=True)
class Filled(Rule):
    """Text with more than blanks in it."""

    def wrong(self, value: Any) -> Wrong:
        """A text that says nothing."""
        if not value.strip():
            yield (), f"{value!r}, expected some text"


@dataclass(frozen=True, slots=True)
class Needed(Rule):
    """What every audit has to say, though a probe is made without it to look at it; ``how`` to say it.

    >>> list(Needed("name the file").beside(" ", Facts()))
    [((), "' ' says nothing; name the file")]
    """

    how: str

    def beside(self, value: Any, facts: Facts) -> Wrong:
        """Nothing, an empty list, or blanks."""
        if not (value.strip() if isinstance(value, str) else value):
            yield (), f"{value!r} says nothing; {self.how}"

    def absent(self, key: str, facts: Facts) -> str:
        """Always wrong."""
        return f"the key {key!r} is missing: {self.how}"


@dataclass(frozen=True, slots=True)
class Distinct(Rule):
    """A list in which nothing stands twice.

    >>> list(Distinct().wrong(["age", "sex", "age"]))
    [((2,), "'age' stands twice; keep one of the two")]
    """

    def wrong(self, value: Any) -> Wrong:
        """Whatever stood before."""
        for index, each in enumerate(value):
            if each in value[:index]:
                yield (index,), f"{each!r} stands twice; keep one of the two"


@dataclass(frozen=True, slots=True)
class Sendable(Rule):
    """Keys and values as JSON carries them: finite numbers, and whole ones of at most 64 bits.

    >>> [place for place, _ in Sendable().wrong({"a": [1, {"b": float("nan")}], "c": 2**64})]
    [('a', 1, 'b'), ('c',)]
    """

    def wrong(self, value: Any) -> Wrong:
        """Every number that would be lost or refused on the way."""
        for place, each in leaves(value):
            if isinstance(each, int | float) and not _finite(each):
                yield place, f"{each!r}, expected a finite number"


def leaves(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Everything in a value that holds nothing else, with the place where it stands.

    >>> list(leaves({"a": [1, "b"], "c": {}}))
    [(('a', 0), 1), (('a', 1), 'b')]
    """
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from leaves(each, (*place, key))
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from leaves(each, (*place, index))
    else:
        yield place, value


#: A text that has to say something, such as a name or a path.
Text = Annotated[str, Filled()]
#: Seconds that somebody may wait: a week at most.
Seconds = Annotated[float, Between(above=0, most=604_800, what="seconds")]


class WrongKeyword(NamedTuple):
    """A key that does not fit: ``key`` the one whose value is wrong, ``place`` where something stands at all."""

    key: str | None
    place: Place
    text: str
    remedy: str | None = None


def check_keywords(cls: type, options: Mapping[str, Any], *, what: str, skip: int = 0) -> None:
    """UsageError naming the first key that the constructor of ``cls`` does not take, cannot take so, or lacks."""
    for wrong in (*wrong_keywords(cls, options, skip=skip), *wrong_values(cls, options, skip=skip)):
        inside = "" if wrong.key is None else "".join(f".{step}" for step in wrong.place)
        raise UsageError(f"{what}{inside}: {wrong.text}", remedy=wrong.remedy)


def wrong_keywords(cls: type, options: Mapping[str, Any], *, skip: int = 0) -> Iterator[WrongKeyword]:
    """Every key that the constructor of ``cls`` does not take, lacks, or cannot take with a value of that type."""
    parameters = _parameters(cls, skip)
    names = [p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]
    for key in options:
        if key not in names:
            text = f"unknown key {key!r}{did_you_mean(key, names)}"
            yield WrongKeyword(None, (key,), text, f"known: {', '.join(names) or 'none'}")
    for parameter in parameters:
        if parameter.name in names and parameter.default is inspect.Parameter.empty and parameter.name not in options:
            yield WrongKeyword(None, (), f"the key {parameter.name!r} is missing")
    for name, hint in _given(parameters, options):
        if not _fits(options[name], hint):
            yield WrongKeyword(name, (name,), _misfit(options[name], hint))


def wrong_values(cls: type, options: Mapping[str, Any], *, skip: int = 0) -> Iterator[WrongKeyword]:
    """What the rules of the constructor of ``cls`` say of values that have the right type."""
    for name, hint in _given(_parameters(cls, skip), options):
        if _fits(options[name], hint):
            for place, text in _beyond(options[name], hint):
                yield WrongKeyword(name, (name, *place), text)


def wrong_beside(cls: type, options: Mapping[str, Any], facts: Facts, *, skip: int = 0) -> Iterator[WrongKeyword]:
    """What the rules of the constructor of ``cls`` say of values of the right type beside the rest of the plan."""
    for name, hint in _given(_parameters(cls, skip), options):
        if _fits(options[name], hint):
            for place, text in _ruled(options[name], hint, lambda rule, value: rule.beside(value, facts)):
                yield WrongKeyword(name, (name, *place), text)
    for each in _parameters(cls, skip):
        rules = typing.get_args(each.annotation)[1:] if typing.get_origin(each.annotation) is Annotated else ()
        if each.name not in options:
            said = (rule.absent(each.name, facts) for rule in rules)
            yield from (WrongKeyword(None, (), text) for text in said if text is not None)


def told(cls: type, options: Mapping[str, Any], *, skip: int = 0) -> frozenset[str | int]:
    """The keys of which :func:`wrong_values` says something, so that nothing needs to be said of them once more."""
    return frozenset(each.place[0] for each in wrong_values(cls, options, skip=skip))


def fitting(cls: type, options: Mapping[str, Any], *, skip: int = 0) -> dict[str, Any]:
    """``options`` without what :func:`wrong_keywords` finds in them, so that nothing reads a value of another type."""
    wrong = {each.place for each in wrong_keywords(cls, options, skip=skip)}
    return {key: value for key, value in options.items() if (key,) not in wrong}


def _parameters(cls: type, skip: int) -> list[inspect.Parameter]:
    return list(inspect.signature(cls, eval_str=True).parameters.values())[skip:]


def _given(parameters: Iterable[inspect.Parameter], options: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The keys of ``options`` with their annotations."""
    for each in parameters:
        if each.name in options and each.annotation is not inspect.Parameter.empty:
            yield each.name, each.annotation


def _misfit(value: object, hint: Any) -> str:
    endless = isinstance(value, int | float) and not _finite(value) and _fits(0, hint)
    return f"expected {'a finite number' if endless else _plain(hint)}, got {value!r}"


def _beyond(value: Any, hint: Any) -> Wrong:
    """What the rules say of a value of the right type."""
    return _ruled(value, hint, lambda rule, each: rule.wrong(each))


def _ruled(value: Any, hint: Any, say: Callable[[Rule, Any], Wrong]) -> Wrong:
    """What each rule of an annotation ``say``s of a value of the right type, or of what it holds."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        yield from _ruled(value, inner[0], say)
        for rule in inner[1:]:
            yield from say(rule, value)
    elif origin in (typing.Union, types.UnionType):
        yield from _ruled(value, next(part for part in inner if _fits(value, part)), say)
    elif origin in _LISTS:
        for index, item in enumerate(value):
            yield from (((index, *place), text) for place, text in _ruled(item, inner[0], say))
    elif origin in _KEYED:
        for key, item in value.items():
            if _fits(key, inner[0]):
                yield from (((key, *place), text) for place, text in _ruled(key, inner[0], say))
            if _fits(item, inner[1]):
                yield from (((key, *place), text) for place, text in _ruled(item, inner[1], say))


_LISTS = (tuple, list, Sequence, typing.get_origin(Sequence[str]))
_KEYED = (dict, Mapping, typing.get_origin(Mapping[str, str]))


def _fits(value: object, hint: Any) -> bool:
    """Whether a YAML value can stand where ``hint`` is annotated."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return True
    if origin is Annotated:
        return _fits(value, inner[0])
    if origin is typing.Literal:
        return value in inner
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, part) for part in inner)
    if origin in _LISTS:
        return isinstance(value, list | tuple) and all(_fits(item, inner[0]) for item in value)
    if origin in _KEYED:
        return isinstance(value, Mapping)
    if hint is Path:
        return isinstance(value, str)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and _finite(value)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool) and _finite(value)
    return isinstance(value, hint) if isinstance(hint, type) else True


def _finite(value: int | float) -> bool:
    """Whether a number is one that can be computed with and written down.

    >>> _finite(0.5), _finite(float("nan")), _finite(float("-inf")), _finite(2**64)
    (True, False, False, False)
    """
    return -_WHOLE <= value < _WHOLE if isinstance(value, int) else abs(value) <= sys.float_info.max


def _plain(hint: Any) -> str:
    names = {
        int: "a whole number",
        float: "a number",
        str: "text",
        bool: "true or false",
        type(None): "nothing",
        Path: "a file name",
    }
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return _plain(inner[0])
    if origin is typing.Literal:
        return " or ".join(repr(option) for option in inner)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_plain(part) for part in inner)
    if hint in names:
        return names[hint]
    if origin in _KEYED:
        return "keys and values"
    return "a list" if origin in _LISTS else str(hint)
