"""Raw observations as reports may copy them: rows by their place alone, and texts without what points at one person.

The record keeps what was asked and answered to the byte; reports are filed and passed on. An id of a row is somebody's
number at the bank, and a model may repeat an address that it was trained on. What is masked is what has a form of its
own: addresses of e-mail and of machines, telephone, account, card and identity numbers. Names have none, and stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from probandum.evidence import Observation, PerToken, Response

#: What points at one person or machine, the longest forms first, and what stands in its place.
_FORMS = (
    ("e-mail address", r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    ("account number", r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"),
    ("card number", r"\b(?:\d{4}[ -]?){3}\d{1,7}\b"),
    ("identity number", r"\b\d{3}-\d{2}-\d{4}\b"),
    ("telephone number", r"(?:\+\d|\(\d{2,5}\)|\b0\d)(?:[ /()-]{0,2}\d){6,13}\b|\b\d{3}-\d{3}-\d{4}\b"),
    ("network address", r"\b\d{1,3}(?:\.\d{1,3}){3}\b"),
)
_ANY = re.compile("|".join(f"(?P<f{place}>{form})" for place, (_, form) in enumerate(_FORMS)))
#: Lists of texts in a question, an entry an input, and texts that stand once.
_LISTS, _SINGLE = ("inputs", "keys", "groups", "continuations"), ("prefix",)
#: What names the rows of a question one by one.
_OF_ROWS = ("keys", "groups")
_BLANK = "[masked]"


def masked(text: str) -> str:
    """``text`` with what points at one person written as what it is.

    >>> masked("Mail jo.doe@example.org or call +49 30 1234567, not 2026-11-01"), masked("1,299 of 0.123456789")
    ('Mail [e-mail address] or call [telephone number], not 2026-11-01', '1,299 of 0.123456789')
    """
    if "@" not in text and not any(map(str.isdigit, text)):
        return text
    return _ANY.sub(lambda found: f"[{_FORMS[int(str(found.lastgroup)[1:])][0]}]", text)


def pseudonymised(observation: Observation) -> Observation:
    """An observation as a report may hold it; the same where nothing in it points at anybody."""
    asked, answer = observation.asked, observation.answer
    if observation.purged:
        return observation
    if "rows" in asked:
        asked = {name: value for name, value in asked.items() if name not in _OF_ROWS}
    else:
        asked = dict(_question(asked))
    return replace(observation, asked=asked, answer=_answer(observation.asked, answer))


def _question(asked: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in asked.items():
        if name in _LISTS and isinstance(value, list | tuple):
            yield name, [masked(each) if isinstance(each, str) else each for each in value]
        elif name in _SINGLE and isinstance(value, str):
            yield name, masked(value)
        elif name == "masks" and isinstance(value, Mapping) and isinstance(value.get("base"), str):
            yield name, {**value, "base": masked(value["base"])}
        else:
            yield name, value


def _answer(asked: Mapping[str, Any], answer: Response) -> Response:
    """Answers in words; tokens of a text whose characters are masked go with them."""
    inputs = asked.get("inputs", ())
    tokens = tuple(
        _tokens(each, str(inputs[index])) if index < len(inputs) else each
        for index, each in enumerate(answer.per_token)
    )
    error = None if answer.error is None else masked(answer.error)
    return replace(answer, texts=tuple(map(masked, answer.texts)), per_token=tokens, error=error)


def _tokens(each: PerToken, text: str) -> PerToken:
    spans = [found.span() for found in _ANY.finditer(text)]
    if not spans:
        return each
    shown = tuple(
        _BLANK if any(start < last and first < end for first, last in spans) else token
        for token, start, end in zip(each.tokens, each.starts, each.ends, strict=True)
    )
    return replace(each, tokens=shown)
