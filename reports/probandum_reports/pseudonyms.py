"""Raw observations as reports may copy them: rows by their place alone, and texts without what points at one person.

The record keeps what was asked and answered to the byte; reports are filed and passed on. An id of a row is somebody's
number at the bank, and a model may repeat an address that it was trained on. What is masked is what has a form of its
own: addresses of e-mail and of machines, telephone, account, card and identity numbers. Names have none, and stay.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from probandum.evidence import Observation, PerToken, Response

#: Before a number that is no decimals of another one, nor the end of a date.
_ALONE = r"(?<!\d\.)(?<!\b0,)(?<!\d[-/:])"
_DATE = r"(?!\d{1,2}(?P<apart>[-/. ])\d{1,2}(?P=apart)\d{4}\b)"
#: How telephone numbers begin outside the United States.
_CALLED = rf"\+\d|\(0? ?\d{{2,5}}\)|{_ALONE}\b{_DATE}0(?:0?[1-9]|[ ]\d{{2,5}}[ ]?[/-])"
#: What points at one person or machine, the longest forms first, and what stands in its place.
_FORMS = (
    ("e-mail address", r"[\w.+-]+[@\uff20][\w-]+(?:[.\uff0e][\w-]+)+"),
    ("account number", r"\b[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]{4}){2,7}(?:[ -]?[A-Za-z0-9]{1,3})?\b"),
    ("network address", r"(?<![\w:])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{1,4})?(?![\w:])"),
    ("card number", _ALONE + r"\b(?:(?:\d{4}[ -]?){3}\d{1,7}|3[47]\d{2}[ -]?\d{6}[ -]?\d{5})\b"),
    ("identity number", r"\b\d{3}-\d{2}-\d{4}\b"),
    ("tax number", _ALONE + r"\b(?:[1-9]\d \d{3} \d{3} \d{3}(?! ?\d)|[1-9]\d{10}|\d{2,3}/\d{3}/\d{5})\b"),
    ("telephone number", rf"(?:{_CALLED})(?:[ /()-]{{0,3}}\d){{6,13}}\b"),
    ("telephone number", rf"{_ALONE}\b(?:1[-. ])?\d{{3}}(?P<between>[-.])\d{{3}}(?P=between)\d{{4}}\b"),
    ("network address", r"\b\d{1,3}(?:\.\d{1,3}){3}\b"),
)
_SOME = re.compile(r"[\d@\uff20]")
_ANY = re.compile("|".join(f"(?P<f{place}>{form})" for place, (_, form) in enumerate(_FORMS)))
#: As many figures has an address of version 6 at least: fewer are slices and times.
_FIGURES = 4
#: Lists of texts in a question, an entry an input, and texts that stand once.
_LISTS, _SINGLE = ("inputs", "keys", "groups", "continuations"), ("prefix",)
#: What names the rows of a question one by one.
_OF_ROWS = ("keys", "groups")
_BLANK = "[masked]"


@lru_cache(maxsize=1 << 15)  # a row has one name in every finding that it is an item of
def masked(text: str) -> str:
    """``text`` with what points at one person written as what it is.

    >>> masked("Mail jo.doe@example.org or call +49 30 1234567, not 2026-11-01"), masked("1,299 of 0.123456789")
    ('Mail [e-mail address] or call [telephone number], not 2026-11-01', '1,299 of 0.123456789')
    """
    told, end = [], 0
    for first, last, what in _found(text):
        told += [text[end:first], f"[{what}]"]
        end = last
    return "".join([*told, text[end:]])


def _found(text: str) -> Iterator[tuple[int, int, str]]:
    """What in a text points at one person: where it begins and ends, and what it is."""
    if not _SOME.search(text):
        return
    start = 0
    while (found := _ANY.search(text, start)) is not None:
        what = next(name for place, (name, _) in enumerate(_FORMS) if found[f"f{place}"] is not None)
        if _holds(what, found[0]):
            yield *found.span(), what
            start = found.end()
        else:
            start = found.start() + 1


def _holds(what: str, said: str) -> bool:
    """Whether a text of a form is one by its check digits, where without them it may be anything else.

    >>> [_holds("account number", each) for each in ("de89370400440532013000", "ab12cdef0123", "in10 some more text")]
    [True, False, False]
    >>> [_holds("network address", each) for each in ("2001:db8::1", "10:20:30", "1::2", "192.168.0.1")]
    [True, False, False, True]
    >>> [_holds("card number", each) for each in ("4111111111111111", "371449635398431", "1732838400000000000")]
    [True, True, False]
    >>> [_holds("tax number", each) for each in ("86095742719", "86095742718", "86 095 742 719")]
    [True, False, True]
    """
    if what == "account number" and not (said.isupper() and "-" not in said):
        plain = re.sub("[ -]", "", said).lower()
        return int("".join(str(int(each, 36)) for each in plain[4:] + plain[:4])) % 97 == 1
    if what == "network address" and ":" in said:
        return sum(each not in ":." for each in said) >= _FIGURES and _is_address(said)
    if what == "tax number" and said.isdecimal():
        return _checked(said) == int(said[-1])
    if what == "card number" and said.isdecimal():
        doubled = (int(each) * (1 + place % 2) for place, each in enumerate(reversed(said)))
        return sum(sum(divmod(each, 10)) for each in doubled) % 10 == 0
    return True


def _checked(said: str) -> int:
    """The check digit of the digits before the last, by ISO/IEC 7064 MOD 11,10."""
    carried = 10
    for each in said[:-1]:
        carried = ((int(each) + carried) % 10 or 10) * 2 % 11
    return (11 - carried) % 10


def _is_address(said: str) -> bool:
    try:
        return bool(ipaddress.IPv6Address(said))
    except ValueError:
        return False


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
    spans = [(first, last) for first, last, _ in _found(text)]
    if not spans:
        return each
    shown = tuple(
        _BLANK if any(start < last and first < end for first, last in spans) else token
        for token, start, end in zip(each.tokens, each.starts, each.ends, strict=True)
    )
    return replace(each, tokens=shown)
