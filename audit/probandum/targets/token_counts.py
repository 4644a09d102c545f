"""How many tokens a server will read, counted by the server itself and before it is asked for an answer.

There is no one way to ask for that, and what a server counts need not be what it charges: a way is used once it has
given, for one request that was answered, the number of tokens which the server says it read of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from probandum import codec
from probandum.errors import TargetError
from probandum.targets.access import Access
from probandum.targets.endpoint import Call, Endpoint

Body = Mapping[str, Any]
#: The path from the server's root, and what it is sent for one ask; None for one that it has no words for.
Way = tuple[str, Callable[[Body], object | None]]


def _as_asked(body: Body) -> object:
    """vLLM: the model and the messages or the prompt, as in the ask."""
    return {key: body[key] for key in ("model", "messages", "prompt") if key in body}


def _as_content(body: Body) -> object | None:
    """The server of llama.cpp."""
    return {"content": body["prompt"], "add_special": True} if "prompt" in body else None


def _as_input(body: Body) -> object | None:
    """The server of llama-cpp-python."""
    return {"input": body["prompt"]} if "prompt" in body else None


_WAYS: tuple[Way, ...] = (
    ("/tokenize", _as_asked),
    ("/tokenize", _as_content),
    ("/extras/tokenize/count", _as_input),
)


class TokenCounts:
    """Counts of one server, in the one way that was found right; see :meth:`found`."""

    def __init__(self, server: Endpoint, way: Way) -> None:
        self._server = server
        self._path, self._said = way
        self._known: dict[str, int | None] = {}

    @classmethod
    def found(cls, access: Access, body: Body, read: int | None) -> TokenCounts | None:
        """The way that counts ``read`` tokens for ``body``, as the server said when it answered; None without one."""
        if read is None:
            return None
        server = Endpoint(replace(access, url=access.url.rstrip("/").removesuffix("/v1"), retries=0))
        for way in _WAYS:
            counts = cls(server, way)
            try:
                if counts.of([body]) == [read]:
                    return counts
            except TargetError:
                continue
        return None

    def of(self, bodies: Sequence[Body]) -> list[int | None]:
        """The tokens of each ask; None where the server does not count them."""
        names = [codec.digest_of(self._said(body)) for body in bodies]
        new = {name: body for name, body in zip(names, bodies, strict=True) if name not in self._known}
        said = {name: self._said(body) for name, body in new.items()}
        asked = [name for name in new if said[name] is not None]
        replies = self._server.send([Call(path=self._path, body=said[name]) for name in asked])
        self._known |= dict.fromkeys(new)
        self._known |= {name: _count(reply.text) for name, reply in zip(asked, replies, strict=True) if reply.well}
        return [self._known[name] for name in names]


def _count(text: str) -> int | None:
    """The count in an answer: a number, or as many as there are tokens.

    >>> _count('{"count": 3, "tokens": []}'), _count('{"tokens": [1, 2]}'), _count('"no"')
    (3, 2, None)
    """
    try:
        found = codec.decode(dict[str, Any], text.encode())
    except ValueError:
        return None
    count, tokens = found.get("count"), found.get("tokens")
    if isinstance(count, int) and not isinstance(count, bool):
        return count
    return len(tokens) if isinstance(tokens, list) else None
