"""What a plan says of an OpenAI-compatible server beside how it is reached, checked before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from urllib.parse import urlsplit

from probandum.errors import UsageError
from probandum.keywords import Between

Temperature = Annotated[float, Between(least=0, most=100, what="a number")]
TopP = Annotated[float, Between(above=0, most=1, what="a number")]
#: Not below 0, which some servers take for a seed that they draw anew each time.
Seed = Annotated[int, Between(least=0, most=2**31 - 1)]

#: Sampling parameters that a plan may leave out, since some servers take no ask with them.
OMITTED = ("temperature", "top_p", "seed")
#: Keys of ``extra`` that would change what is asked, or what the plan says elsewhere.
_OWN = (
    *("model", "messages", "prompt", "system", "temperature", "top_p", "max_tokens", "max_completion_tokens", "seed"),
    *("stream", "logprobs", "top_logprobs", "echo", "n"),
)


def with_path(url: str) -> str:
    """The address with ``/v1`` where it names no path.

    >>> with_path("http://127.0.0.1:8000"), with_path("https://host/openai/v1/")
    ('http://127.0.0.1:8000/v1', 'https://host/openai/v1/')
    """
    try:
        return url if urlsplit(url).path.strip("/") else url.rstrip("/") + "/v1"
    except ValueError:
        return url  # refused where it is used


def refuse_system(system: str | None, api: str) -> None:
    """UsageError where there is no message that a system prompt could be."""
    if system is not None and api != "chat":
        raise UsageError("target.system: a completion has no messages", remedy="leave it out, or say api: chat")


def extra_of(extra: Mapping[str, Any]) -> Mapping[str, Any]:
    """Keys of the server's own; UsageError where one would stand in for a key of the plan."""
    twice = next((key for key in extra if key in _OWN), None)
    if twice is not None:
        raise UsageError(
            f"target.extra.{twice}: not an extra of the server", remedy="say it under target, or not at all"
        )
    return extra


def omitted(omit: Sequence[str], said: Mapping[str, Any]) -> tuple[str, ...]:
    """The parameters that are not sent; UsageError where one has to be, or ``said`` has a value for it."""
    for name in omit:
        if name not in OMITTED:
            raise UsageError(f"target.omit: {name!r} has to be sent", remedy=f"expected some of {', '.join(OMITTED)}")
        if name in said:
            raise UsageError(f"target.omit: {name} is said under target.{name}", remedy="leave out one of the two")
    return tuple(dict.fromkeys(omit))
