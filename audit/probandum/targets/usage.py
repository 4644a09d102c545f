"""The tokens that a server says its replies took, those without an answer among them: they cost no less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from probandum.evidence import Response
from probandum.packing import total
from probandum.targets.dialect import usage_of
from probandum.targets.endpoint import Reply

#: Tokens read and written; None where they are not stated.
Usage = tuple[int | None, int | None]


def used(replies: Sequence[Reply | None]) -> list[Usage]:
    """What each reply states."""
    return [_used(reply) for reply in replies if reply is not None]


def spent(replies: Sequence[Reply | None]) -> tuple[int, int]:
    """Tokens read and written by all replies, as far as they state them."""
    usage = used(replies)
    return _stated([read for read, _ in usage]) or 0, _stated([written for _, written in usage]) or 0


def counted(response: Response, usage: Sequence[Usage]) -> Response:
    """With the tokens of all its replies. Of an answer all are stated or none; of an error, what is stated counts."""
    read, written = [each for each, _ in usage], [each for _, each in usage]
    summed = total if response.error is None else _stated
    return replace(response, input_tokens=summed(read), output_tokens=summed(written))


def _stated(counts: Sequence[int | None]) -> int | None:
    """The sum of what is known; None where nothing is."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _used(reply: Reply) -> Usage:
    try:
        return usage_of(reply.json())
    except ValueError:
        return None, None
