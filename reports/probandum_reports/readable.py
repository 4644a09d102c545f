"""Raw lines as a person reads them: what was sent, and what came back, as recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from probandum import codec
from probandum.evidence import Observation, PerToken, PlaceNames, Response
from probandum_reports import saying
from probandum_reports.fields import exact
from probandum_reports.messages import counted, said

#: How much of a raw line a page shows: inputs, and characters of a text.
_INPUTS, _CHARACTERS = 3, 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One raw line as a person reads it: ``asked`` and ``answered`` are (name, text) pairs."""

    line: int
    kind: str
    asked: Sequence[tuple[str, str]]
    answered: Sequence[tuple[str, str]]
    more: int = 0


def readable(observation: Observation, line: int) -> Sample:
    """An observation as a person reads it: the first inputs and what was answered to them."""
    asked, answer = observation.asked, observation.answer
    n = int(asked.get("n", 0))
    if observation.purged:
        gone = counted(
            n,
            "questions and answers of {n} input; their digests stand in this line of the file",
            "questions and answers of {n:,} inputs; their digests stand in this line of the file",
        )
        deleted = [(said("deleted"), gone)]
        return Sample(line=line, kind=str(asked["kind"]), asked=[], answered=deleted)
    pairs: list[tuple[str, str]] = []
    if "rows" in asked:
        columns = cut(", ".join(asked.get("columns", [])), 300)
        table = counted(n, "{n} row of the columns {columns}", "{n:,} rows of the columns {columns}", columns=columns)
        pairs.append((table, str(asked["rows"])))
    texts = [str(text) for text in asked.get("inputs", ())]
    told: list[tuple[str, str]] = []
    for index in range(min(n, _INPUTS)):
        name = named(asked, index)
        if index < len(texts):
            pairs.append((name, cut(texts[index])))
        told.append((name, cut(answered(asked, answer, index))))
    if asked.get("prefix"):
        pairs.append((said("the answer begins"), str(asked["prefix"])))
    if asked.get("masks"):
        pairs.append((said("changed versions of"), cut(plain(asked["masks"].get("base", "")), 300)))
    if answer.error is not None:
        told = [(said("no answer"), answer.error)]
    return Sample(line=line, kind=str(asked.get("kind", "")), asked=pairs, answered=told, more=max(0, n - _INPUTS))


def named(asked: Mapping[str, Any], index: int) -> str:
    """How an input is called: its key and group, or its place."""
    names = {"keys": PlaceNames(int(asked["n"]))} if asked.get("places") else {}
    names |= {name: asked[name] for name in ("keys", "groups") if name in asked}
    parts = [str(each[index]) for each in names.values() if index < len(each)]
    return ", ".join(cut(part, 80) for part in parts) or said("input {n}", n=index + 1)


def answered(asked: Mapping[str, Any], answer: Response, index: int) -> str:
    """The answer to one input, as recorded: option or class and number, text, or refusal."""
    if index in answer.refused:
        return said("refused")
    if index < len(answer.texts):
        return answer.texts[index]
    if answer.outputs is None:
        return said("no answer")
    row = answer.outputs[index]
    numbers = [float(value) for value in row] if getattr(row, "ndim", 0) else [float(row)]
    options = [str(option[0]) for option in asked.get("options", ()) if option]
    names = list(answer.labels) if len(answer.labels) == len(numbers) else options
    unit = saying.unit("nat") if asked.get("kind") in ("choose", "score") else ""
    values = [f"{exact(number)} {unit}".rstrip() for number in numbers]
    if len(names) == len(numbers):
        named = [f"{name.strip()}: {value}" for name, value in zip(names, values, strict=True)]
        return "; ".join([*named, *(_tokens(each) for each in answer.per_token[index : index + 1])])
    return ", ".join(values)


def _tokens(each: PerToken) -> str:
    """The tokens of a text, each with its number.

    >>> _tokens(PerToken(tokens=("a", "b"), starts=(0, 2), ends=(1, 3), values=(0.5, -1.0)))
    'tokens: a 0.5, b −1'
    """
    values = [f"{token} {exact(value)}" for token, value in zip(each.tokens, each.values, strict=True)]
    return said("tokens: {values}", values=", ".join(values))


def plain(value: object) -> str:
    """An option's value as a person would write it."""
    if value is None or value == []:
        return said("not set")
    if isinstance(value, str):
        return value
    return cut(codec.encode(value).decode(), 400)


def cut(text: str, longest: int = _CHARACTERS) -> str:
    """``text``, or its beginning with how much of it is left out.

    >>> cut("abcdef", 4)
    'abcd … (2 more characters in the file)'
    """
    if len(text) <= longest:
        return text
    return counted(
        len(text) - longest,
        "{text} … ({n} more character in the file)",
        "{text} … ({n:,} more characters in the file)",
        text=text[:longest],
    )
