"""Keys of a plan: held against the annotations of what takes them, and every target says what its keys can mean."""

from __future__ import annotations

import inspect
import math
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import pytest

from probandum.errors import UsageError
from probandum.keywords import (
    Between,
    Rule,
    Sendable,
    Text,
    check_keywords,
    fitting,
    told,
    wrong_keywords,
    wrong_values,
)
from probandum.target import TargetContext, known_targets
from probandum.targets import load_builtin

load_builtin()


class Keys:
    """One key of every kind."""

    def __init__(
        self,
        *,
        word: str,
        number: float = 0.0,
        count: int | None = None,
        flag: bool = False,
        choice: typing.Literal["a", "b"] = "a",
        names: Sequence[str] = (),
        spec: str | Mapping[str, Any] = "",
        path: Path | None = None,
        anything: object = None,
        share: Annotated[float, Between(above=0, most=1, what="a number")] = 1.0,
        batch: Annotated[int, Between(least=1, most=1000)] = 1,
        name: Text | None = None,
        files: Sequence[Text] = (),
        extra: Annotated[Mapping[str, Any], Sendable()] | None = None,
    ) -> None:
        """Nothing."""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "it: the key 'word' is missing"),
        ({"word": "a", "nunber": 1}, "it: unknown key 'nunber', did you mean 'number'?"),
        ({"word": 5}, "it.word: expected text, got 5"),
        ({"word": None}, "it.word: expected text, got None"),
        ({"word": "a", "number": "1"}, "it.number: expected a number, got '1'"),
        ({"word": "a", "number": True}, "it.number: expected a number, got True"),
        ({"word": "a", "count": 1.5}, "it.count: expected a whole number or nothing, got 1.5"),
        ({"word": "a", "flag": "yes"}, "it.flag: expected true or false, got 'yes'"),
        ({"word": "a", "choice": "c"}, "it.choice: expected 'a' or 'b', got 'c'"),
        ({"word": "a", "names": "abc"}, "it.names: expected a list, got 'abc'"),
        ({"word": "a", "names": ["a", 1]}, "it.names: expected a list, got ['a', 1]"),
        ({"word": "a", "spec": 1}, "it.spec: expected text or keys and values, got 1"),
        ({"word": "a", "path": 1}, "it.path: expected a file name or nothing, got 1"),
        ({"word": "a", "number": math.nan}, "it.number: expected a finite number, got nan"),
        ({"word": "a", "number": -math.inf}, "it.number: expected a finite number, got -inf"),
        ({"word": "a", "number": 10**400}, f"it.number: expected a finite number, got 1{'0' * 400}"),
        ({"word": "a", "count": 2**63}, f"it.count: expected a finite number, got {2**63}"),
        ({"word": "a", "share": 0}, "it.share: 0, expected a number above 0, at most 1"),
        ({"word": "a", "share": 1.5}, "it.share: 1.5, expected a number above 0, at most 1"),
        ({"word": "a", "batch": 0}, "it.batch: 0, expected a whole number from 1 to 1,000"),
        ({"word": "a", "batch": 1001}, "it.batch: 1001, expected a whole number from 1 to 1,000"),
        ({"word": "a", "batch": 2.0}, "it.batch: expected a whole number, got 2.0"),
        ({"word": "a", "name": " "}, "it.name: ' ', expected some text"),
        ({"word": "a", "files": ["a", ""]}, "it.files.1: '', expected some text"),
        ({"word": "a", "extra": {"a": [0, math.inf]}}, "it.extra.a.1: inf, expected a finite number"),
    ],
)
def test_a_key_that_does_not_fit_is_named_with_what_was_expected(options: Mapping[str, Any], message: str) -> None:
    """In the words of a plan, not of Python."""
    with pytest.raises(UsageError) as caught:
        check_keywords(Keys, options, what="it")

    assert message == caught.value.message


@pytest.mark.parametrize(
    "options",
    [
        {"word": "a"},
        {"word": "a", "number": 1, "count": None, "flag": True, "choice": "b"},
        {"word": "", "share": 1, "batch": 1000, "name": None, "files": ["a"], "extra": {"a": [1, "b", None, True]}},
        {"word": "a", "count": 3, "names": ["a"], "spec": {"column": "a"}, "path": "x.txt", "anything": [1]},
    ],
)
def test_keys_that_fit_are_taken(options: Mapping[str, Any]) -> None:
    """A whole number is a number, and nothing is nothing."""
    check_keywords(Keys, options, what="it")


def test_a_value_that_no_rule_allows_has_the_right_type() -> None:
    """It is told once, and does not keep anybody from reading the other keys."""
    options = {"word": "a", "batch": 0, "count": "b", "files": ["", " "]}

    assert {"word", "batch", "files"} == set(fitting(Keys, options))
    assert {"batch", "files"} == told(Keys, options)
    assert [("batch",), ("files", 0), ("files", 1)] == [each.place for each in wrong_values(Keys, options)]


def test_every_builtin_target_says_what_kind_each_key_is() -> None:
    """Without that a plan's mistake would be found inside the target, or not at all."""
    for name, cls in known_targets().items():
        parameters = list(inspect.signature(cls, eval_str=True).parameters.values())
        assert TargetContext is parameters[0].annotation, name
        assert all(each.kind is each.KEYWORD_ONLY for each in parameters[1:]), name
        assert all(each.annotation is not each.empty for each in parameters), name


#: Texts that may be empty, or that their target looks into itself.
OWN_WORDS = {"system", "key_env", "proxy", "url", "kind", "task", "function", "response", "refused", "omit"}


def rules(hint: Any) -> Iterator[tuple[Any, tuple[Rule, ...]]]:
    """The plain types of an annotation, each with its rules."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        yield from ((type, (*found, *hint.__metadata__)) for type, found in rules(inner[0]))
    elif inner and origin is not typing.Literal:
        for part in inner[:1] if origin in (Sequence, Mapping) else inner:
            yield from rules(part)
    else:
        yield hint, ()


@pytest.mark.parametrize("name", known_targets())
def test_every_number_of_a_target_has_bounds_and_every_name_says_something(name: str) -> None:
    """A new key joins them: what nobody can mean is found before anything is loaded or asked."""
    parameters = list(inspect.signature(known_targets()[name], eval_str=True).parameters.values())[1:]
    for each in parameters:
        for type, found in rules(each.annotation):
            if type in (int, float):
                assert any(isinstance(rule, Between) for rule in found), each.name
            if type is str and each.name not in OWN_WORDS and "Mapping" not in str(each.annotation):
                assert found, each.name


@pytest.mark.parametrize("name", known_targets())
def test_no_target_takes_a_number_or_a_text_that_means_nothing(name: str) -> None:
    """Each of its numbers at 0 and below, beyond all bounds and not finite; each name without a letter."""
    cls = known_targets()[name]
    for each in list(inspect.signature(cls, eval_str=True).parameters.values())[1:]:
        plain = {type for type, found in rules(each.annotation) if found}
        wrong: list[Any] = [-1, 10**18, 10**30, math.nan, math.inf] if plain & {int, float} else []
        wrong += ["", " "] if str in plain and "Sendable" not in str(each.annotation) else []
        for value in wrong:
            with pytest.raises(UsageError, match=rf"it\.{each.name}: "):
                _checked_alone(cls, each.name, value)


def _checked_alone(cls: type, key: str, value: object) -> None:
    """One key of a class, without those that it lacks."""
    for wrong in (*wrong_keywords(cls, {key: value}, skip=1), *wrong_values(cls, {key: value}, skip=1)):
        if wrong.key == key:
            raise UsageError(f"it.{key}: {wrong.text}")
