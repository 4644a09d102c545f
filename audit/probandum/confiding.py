"""Secrets that a plan may not hold, since its record is passed on: known by the name of their key, or by their form.

They stand in the environment, and the plan names the variable: ``env:NAME``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from probandum.keywords import Place, leaves

#: How a value begins that stands in the environment.
FROM_ENVIRONMENT = "env:"
#: What to do about a secret.
REMEDY = f"write {FROM_ENVIRONMENT}NAME, the environment variable that holds it, as the whole value"
#: Keys of targets below which a plan writes what is sent with every question; elsewhere names are those of a model's
#: own parts, columns and labels.
_SENT = frozenset({"extra", "headers", "identity", "inputs", "parameters", "request"})
#: The same of a key of the target's own, such as an address, in which no variable is read.
_ELSEWHERE = f"name the environment variable that holds it under key_env, or in a header as {FROM_ENVIRONMENT}NAME"
_SECRET = re.compile(
    r"auth(?!or(?!i[sz]))|key(?!word)|secret|cookie|passw|passphrase|pwd|credential|bearer|jwt|signature|"
    r"(?<![a-z])sig(?![a-z])",
    re.IGNORECASE,
)
#: A token that is no number; ``max_tokens``, ``stop_token_ids`` and a ``tokenizer`` are none to keep.
_TOKEN = re.compile(r"token(?!i[sz])", re.IGNORECASE)
#: Keys of well-known services, as they begin and as long as they are at least.
_FORMS = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"sk-(?:[A-Za-z0-9]+[-_])*(?=[A-Za-z]*[0-9])[A-Za-z0-9]{16,}"
    r"|[sr]k_(?:live|test)_[A-Za-z0-9]{16,}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"
    r"|gh[opsur]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{20,}"
    r"|hf_[A-Za-z0-9]{20,}"
    r"|A[KS]IA[A-Z0-9]{16}"
    r"|AIza[A-Za-z0-9_-]{35}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,}"
    r")"
)
#: A whole text that stands for a value of the question, as in ``target.request``.
_PLACEHOLDER = re.compile(r"\{[^{}]+\}")


def names_secret(name: object, value: object = "") -> bool:
    """Whether a key, of a header, a query or JSON, is called as secrets are; of a number no ``token`` is one.

    >>> [names_secret(name) for name in ("X-Api-Key", "accessToken", "Authorization", "sig", "author", "keywords")]
    [True, True, True, True, False, False]
    >>> names_secret("max_tokens", 64), names_secret("password", 1234), names_secret("use_auth", True)
    (False, True, False)
    """
    if value is None or isinstance(value, bool):
        return False
    called = str(name)
    return _SECRET.search(called) is not None or (isinstance(value, str) and _TOKEN.search(called) is not None)


def looks_secret(text: str) -> bool:
    """Whether a text holds what has the form of a well-known key.

    >>> looks_secret("http://host/sk-live-0123456789abcdef/v1"), looks_secret("http://host/sk-learn-credit-scoring-v2")
    (True, False)
    """
    return _FORMS.search(text) is not None


def confided(value: object) -> str | None:
    """The environment variable that a value names; None where it is a value of its own.

    >>> confided("env:TEAM_KEY"), confided("env: {text}")
    ('TEAM_KEY', None)
    """
    found = re.fullmatch(rf"{FROM_ENVIRONMENT}([A-Za-z_][A-Za-z0-9_]*)", value) if isinstance(value, str) else None
    return found[1] if found else None


def secret_places(options: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    """Where secrets stand below ``target:``, and what to say of each, which repeats none.

    The names of the top are the target's own, such as ``key_env``. Below those that are sent a secret is what has the
    name of one anywhere above it, in the query of an address or a path too; anywhere, what has the form of a
    well-known key.

    >>> [place for place, _ in secret_places({"key_env": "A", "extra": {"auth": ["x"], "api_key": "env:A"}})]
    [('extra', 'auth', 0)]
    """
    for place, value in leaves(options):
        if confided(value) is not None or (isinstance(value, str) and _PLACEHOLDER.fullmatch(value)):
            continue
        named = value != "" and not _SENT.isdisjoint(place) and any(names_secret(step, value) for step in place[1:])
        if named or (isinstance(value, str) and (looks_secret(value) or (place[1:] and _asks_with_one(value)))):
            yield place, f"a secret is not written into a plan; {REMEDY if place[1:] else _ELSEWHERE}"


def _asks_with_one(text: str) -> bool:
    """Whether a text is an address or a path whose query holds a secret."""
    if not text.startswith(("http://", "https://", "/")):
        return False
    try:
        query = parse_qsl(urlsplit(text).query)
    except ValueError:
        return False
    return any(names_secret(name) and confided(value) is None for name, value in query)
