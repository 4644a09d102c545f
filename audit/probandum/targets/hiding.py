"""Secrets that a server repeats, blanked in every form in which it may repeat them."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import html
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote_plus

import numpy as np

BLANK = "[secret]"
#: The shortest part of a secret, or form of one, that is blanked: a shorter one would blank ordinary words.
SHORTEST = 6
#: How often an escaped text is taken for one that was escaped again.
_DEEPEST = 8
_ESCAPE = re.compile(
    r"\\+u00([0-7][0-9a-fA-F])|\\+x([0-7][0-9a-fA-F])|%([0-7][0-9a-fA-F])|\\+([^A-Za-z0-9\s])|\\+[nrt]"
)


class Secrets:
    """What a plan keeps secret, as the environment holds it.

    A server may repeat all of it, the part behind a scheme, one value of a cookie or the password of a pair; plain, in
    base64, broken by line breaks, or with escapes of JSON, URLs and HTML, one inside the other.

    >>> Secrets(["ApiKey sk/abc"]).hidden(r"bad key sk\\/abc, sk%2Fabc or c2svYWJj")
    'bad key [secret], [secret] or [secret]'
    """

    def __init__(self, values: Iterable[str]) -> None:
        parts = {part for value in values for part in _parts(value)}
        coded = {form for part in parts if len(part) >= SHORTEST for form in _coded(part)}
        self._forms = sorted(parts | coded, key=lambda form: (-len(form), form))
        whole = ["".join(form.split()) for form in self._forms]
        self._broken = [(form, re.compile(r"\s*".join(map(re.escape, form)))) for form in whole]

    def hidden(self, text: str) -> str:
        """``text`` without a secret; one that hid behind escapes takes these with it."""
        text = self._blanked(text)
        if self._forms and any(sign in text for sign in "\\%&"):
            plain = _unescaped(text)
            blanked = self._blanked(plain)
            return text if blanked == plain else blanked
        return text

    def hidden_in(self, value: Any) -> Any:
        """``value``, JSON or a dataclass, without a secret in any text, a key among them."""
        if not self._forms or value is None or isinstance(value, int | float):
            return value
        if isinstance(value, str):
            return self.hidden(value)
        if isinstance(value, Mapping):
            return {self.hidden_in(key): self.hidden_in(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(map(self.hidden_in, value))
        if isinstance(value, np.ndarray):
            if value.dtype.kind not in "OU":
                return value
            kind = np.str_ if value.dtype.kind == "U" else np.object_
            blanked = [self.hidden_in(each) for each in value.reshape(-1).tolist()]
            return np.array(blanked, dtype=kind).reshape(value.shape)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = [field.name for field in dataclasses.fields(value)]
            return dataclasses.replace(value, **{name: self.hidden_in(getattr(value, name)) for name in fields})
        return value

    def _blanked(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, BLANK)
        together = "".join(text.split()) if self._broken else ""
        for form, broken in self._broken:
            if form in together:
                text = broken.sub(BLANK, text)
        return text


def _parts(value: str) -> Iterator[str]:
    """What of a secret says enough to be used without the rest.

    >>> list(_parts("ApiKey sk-12345")), list(_parts("session=s3cr3t-1; dark=1"))
    (['ApiKey sk-12345', 'sk-12345'], ['session=s3cr3t-1; dark=1', 's3cr3t-1'])
    """
    whole = value.removeprefix("Bearer ")
    scheme, _, behind = whole.partition(" ")
    parts = [behind.strip() if "=" not in scheme else "", *re.findall(r'=\s*"?([^\s;,"]+)', whole)]
    if scheme.lower() == "basic":
        parts += _of_pair(behind)
    yield whole
    yield from (part for part in parts if len(part) >= SHORTEST)


def _of_pair(coded: str) -> list[str]:
    """Name and password, and the password alone, of what is sent as basic credentials; none where it is no pair."""
    try:
        pair = base64.b64decode(coded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return []
    return [pair, pair.partition(":")[2]]


def _coded(secret: str) -> Iterator[str]:
    """A secret as URLs write it, and as it stands in the base64 of any text that holds it.

    >>> any(form in base64.b64encode(b"me:s3cr3t").decode() for form in _coded("s3cr3t"))
    True
    """
    yield quote_plus(secret)
    for alphabet in (b"+/", b"-_"):
        yield base64.b64encode(secret.encode(), alphabet).decode()
        for before in range(3):  # a sign of base64 holds six bits, so that what stands before decides how they fall
            data = bytes(before) + secret.encode()
            core = base64.b64encode(data, alphabet).decode()[-(-8 * before // 6) : 8 * len(data) // 6]
            if len(core) >= SHORTEST:
                yield core


def _unescaped(text: str) -> str:
    """``text`` without escapes of JSON, URLs and HTML, as far as they stand for the letters of a secret.

    >>> _unescaped(r"a\\/b \\u003c %252f &#x2f;")
    'a/b < / /'
    """
    for _ in range(_DEEPEST):
        plain = html.unescape(_ESCAPE.sub(_letter, text))
        if plain == text:
            break
        text = plain
    return text


def _letter(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    if code is not None:
        return chr(int(code, 16))
    return match[4] or " "  # a line break or a tab
