"""Raw lines as a person reads them: what was sent, and what came back, as recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from probandum import codec
from probandum.evidence import Observation, PerToken, PlaceNames, Response
from probandum_reports.fields import exact

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
        deleted = [("deleted", f"questions and answers of {n:,} inputs; their digests stand in this line of the file")]
        return Sample(line=line, kind=str(asked["kind"]), asked=[], answered=deleted)
    pairs: list[tuple[str, str]] = []
    if "rows" in asked:
        pairs.append((f"{n:,} rows of the columns {cut(', '.join(asked.get('columns', [])), 300)}", str(asked["rows"])))
    texts = [str(text) for text in asked.get("inputs", ())]
    said: list[tuple[str, str]] = []
    for index in range(min(n, _INPUTS)):
        name = named(asked, index)
        if index < len(texts):
            pairs.append((name, cut(texts[index])))
        said.append((name, cut(answered(asked, answer, index))))
    if asked.get("prefix"):
        pairs.append(("the answer begins", str(asked["prefix"])))
    if asked.get("masks"):
        pairs.append(("changed versions of", cut(plain(asked["masks"].get("base", "")), 300)))
    if answer.error is not None:
        said = [("no answer", answer.error)]
    return Sample(line=line, kind=str(asked.get("kind", "")), asked=pairs, answered=said, more=max(0, n - _INPUTS))


def named(asked: Mapping[str, Any], index: int) -> str:
    """How an input is called: its key and group, or its place."""
    names = {"keys": PlaceNames(int(asked["n"]))} if asked.get("places") else {}
    names |= {name: asked[name] for name in ("keys", "groups") if name in asked}
    parts = [str(each[index]) for each in names.values() if index < len(each)]
    return ", ".join(cut(part, 80) for part in parts) or f"input {index + 1}"


def answered(asked: Mapping[str, Any], answer: Response, index: int) -> str:
    """The answer to one input, as recorded: option or class and number, text, or refusal."""
    if index in answer.refused:
        return "refused"
    if index < len(answer.texts):
        return answer.texts[index]
    if answer.outputs is None:
        return "no answer"
    row = answer.outputs[index]
    numbers = [float(value) for value in row] if getattr(row, "ndim", 0) else [float(row)]
    options = [str(option[0]) for option in asked.get("options", ()) if option]
    names = list(answer.labels) if len(answer.labels) == len(numbers) else options
    unit = " nats" if asked.get("kind") in ("choose", "score") else ""
    if len(names) == len(numbers):
        said = [f"{name.strip()}: {exact(number)}{unit}" for name, number in zip(names, numbers, strict=True)]
        return "; ".join([*said, *(_tokens(each) for each in answer.per_token[index : index + 1])])
    return ", ".join(f"{exact(number)}{unit}" for number in numbers)


def _tokens(each: PerToken) -> str:
    """The tokens of a text, each with its number.

    >>> _tokens(PerToken(tokens=("a", "b"), starts=(0, 2), ends=(1, 3), values=(0.5, -1.0)))
    'tokens: a 0.5, b −1'
    """
    said = [f"{token} {exact(value)}" for token, value in zip(each.tokens, each.values, strict=True)]
    return f"tokens: {', '.join(said)}"


def plain(value: object) -> str:
    """An option's value as a person would write it."""
    if value is None or value == []:
        return "not set"
    if isinstance(value, str):
        return value
    return cut(codec.encode(value).decode(), 400)


def cut(text: str, longest: int = _CHARACTERS) -> str:
    """``text``, or its beginning with how much of it is left out.

    >>> cut("abcdef", 4)
    'abcd … (2 more characters in the file)'
    """
    return text if len(text) <= longest else f"{text[:longest]} … ({len(text) - longest:,} more characters in the file)"
