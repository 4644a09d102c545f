"""What targets behind HTTP share: bounded concurrency, time limits, retries, and secrets that are never written.

Every ask can be sent again: it asks for an answer and changes nothing. What a server will never answer (a wrong
key, a redirect) and what it does not answer after all retries is a TargetError. Any other status comes back as a
:class:`Reply`, since only the target knows whether an input or the server is at fault.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from probandum import codec
from probandum.errors import TargetError, Unreachable
from probandum.evidence import Floats, Response
from probandum.targets.access import Access, address, trusted
from probandum.targets.hiding import Secrets
from probandum.targets.loading import need, said

T = TypeVar("T")

#: The wait before the first retry, in seconds; it doubles with every further one.
BACKOFF_SECONDS = 0.5
#: The longest wait between two tries, in seconds; a server that asks for a longer one is not waited for.
LONGEST_WAIT_SECONDS = 60.0
#: The largest answer that is read, in bytes.
LARGEST_ANSWER = 256 * 2**20

#: Too early, too many, or a fault of the server's own.
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
_REFUSED = frozenset({401, 403, 407})
#: How it is told that the connection broke: the system may be as it was, and answer when the run is resumed.
_LOST = "no answer: "
#: What to do about it.
GOES_ON = "see that the server runs; the same command goes on from what was answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One ask: ``body`` is sent as JSON by POST, None is a GET. ``retries`` None: as many as the plan says."""

    path: str
    body: object | None = None
    retries: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back, and after how many tries.

    Whatever is read of it has no secret in it, since secrets are blanked here: in the body as it came, and once more
    in every text that is decoded from it.
    """

    status: int
    body: str = field(repr=False)
    attempts: int
    secrets: Secrets = field(repr=False)

    @property
    def well(self) -> bool:
        """Whether the server says that it answered."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as it came."""
        return self.secrets.hidden(self.body)

    def json(self) -> Any:
        """The body; ValueError in one line where it is no JSON, NaN and infinities among it."""
        try:
            return self.secrets.hidden_in(json.loads(self.body, parse_constant=_no_number))
        except ValueError as error:
            raise ValueError(f"the answer is no JSON: {' '.join(str(error).split())}") from None
        except RecursionError:
            raise ValueError("the answer is no JSON: it nests too deep") from None

    def problem(self) -> str:
        """A bad status in one line, with what the server said of it."""
        words = " ".join(self.secrets.hidden(_complaint(self.body)).split())
        return f"the server answered {self.status}: {words[:300]}" if words else f"the server answered {self.status}"


class Endpoint:
    """A server that is asked by HTTP, several asks at a time; answers come in the order of the asks.

    A round runs in an event loop on a thread of its own, so that it works wherever a program runs, in a notebook too,
    and Ctrl-C ends it at once. Nothing stays open between two rounds.
    """

    def __init__(self, access: Access) -> None:
        self._library = need("httpx2", needed_for="a target behind HTTP", extra="endpoints")
        self._access = access
        self._base = access.url.rstrip("/")
        secrets = access.secrets()
        plain = {name: str(value) for name, value in (access.headers or {}).items() if name not in secrets}
        self._secrets = access.hiding()
        self._proxy = access.proxy_address()
        self._headers = {"User-Agent": "probandum", "Content-Type": "application/json", **plain, **secrets}
        self._verify = trusted(access.ca_file)
        #: The most tries that an ask of the last round took.
        self.attempts = 1

    @property
    def base(self) -> str:
        """The address below which everything is asked."""
        return self._base

    @property
    def addresses(self) -> tuple[str, ...]:
        """What connections are opened to: the server, or the proxy before it and the server."""
        return tuple(address(url) for url in (self._proxy, self._access.url) if url is not None)

    def send(self, calls: Sequence[Call]) -> list[Reply]:
        """One reply a call, in order; TargetError where one is not answered, and then none is waited for."""
        replies = _apart(self._all(calls)) if calls else []
        self.attempts = max((reply.attempts for reply in replies), default=1)
        return replies

    async def _all(self, calls: Sequence[Call]) -> list[Reply]:
        places = asyncio.Semaphore(self._access.concurrency)
        async with self._client() as client:
            tasks = [asyncio.ensure_future(self._one(client, call, places)) for call in calls]
            try:
                return list(await asyncio.gather(*tasks))
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def _client(self) -> Any:
        return self._library.AsyncClient(
            headers=self._headers,
            timeout=self._access.timeout,
            limits=self._library.Limits(max_connections=self._access.concurrency),
            verify=self._verify,
            proxy=self._proxy,
            trust_env=False,
            follow_redirects=False,
        )

    async def _one(self, client: Any, call: Call, places: asyncio.Semaphore) -> Reply:
        """One call with its retries; a call that waits leaves its place to others."""
        retries = self._access.retries if call.retries is None else call.retries
        for attempt in range(1, retries + 2):
            async with places:
                status, body, after, failed = await self._try(client, call)
            reply = Reply(status=status, body=body, attempts=attempt, secrets=self._secrets)
            if status in _REFUSED or 300 <= status < 400:
                self._refuse(call, reply)
            if not failed and status not in _PASSING:
                return reply
            why = failed or reply.problem()
            wait = after if after is not None else min(BACKOFF_SECONDS * 2 ** (attempt - 1), LONGEST_WAIT_SECONDS)
            if attempt <= retries and wait <= LONGEST_WAIT_SECONDS:
                await asyncio.sleep(wait)
                continue
            asked = f", and asks to wait {wait:.0f} seconds" if wait > LONGEST_WAIT_SECONDS else ""
            times = "once" if attempt == 1 else f"{attempt} times"
            said_of_it = f"{self._base}{call.path}: asked {times}, {why}{asked}"
            if failed.startswith(_LOST):
                raise Unreachable(said_of_it, remedy=GOES_ON)
            raise TargetError(said_of_it, remedy="see what the server's own log says of it")
        raise AssertionError("the last try returns or raises")

    async def _try(self, client: Any, call: Call) -> tuple[int, str, float | None, str]:
        """Status, body and asked-for wait of one try, or in words why there are none."""
        method = "GET" if call.body is None else "POST"
        content = None if call.body is None else codec.encode(call.body)
        try:
            async with (
                asyncio.timeout(self._access.timeout),
                client.stream(method, f"{self._base}{call.path}", content=content) as response,
            ):
                data = bytearray()
                async for part in response.aiter_bytes():
                    data += part
                    if len(data) > LARGEST_ANSWER:
                        raise TargetError(f"{self._base}{call.path}: an answer of more than {LARGEST_ANSWER} bytes")
        except (TimeoutError, self._library.TimeoutException):
            return 0, "", None, f"no whole answer in {self._access.timeout:g} seconds"
        except (self._library.TransportError, self._library.DecodingError, OSError) as error:
            return 0, "", None, f"{_LOST}{self._secrets.hidden(said(error))}"
        wait = _seconds(response.headers.get("Retry-After"))
        return int(response.status_code), data.decode("utf-8", "replace"), wait, ""

    def _refuse(self, call: Call, reply: Reply) -> None:
        remedy = "check target.key_env"
        if reply.status < 400:
            remedy = "check target.url: redirects are not followed"
        elif reply.status == 407:
            remedy = "check target.proxy: env:NAME is a variable that holds its address with name and password"
        raise TargetError(f"{self._base}{call.path}: {reply.problem()}", remedy=remedy)


def compared(again: Response, where: str) -> Floats:
    """The answer to a question that was answered before; Unreachable where there is none to compare."""
    if again.outputs is None:
        raise incomparable(where, again.error or "no answer came")
    return again.values


def incomparable(where: str, why: str) -> Unreachable:
    """A broken reply to what was answered before: it says nothing of the system, and the run can be resumed."""
    return Unreachable(f"{where}: asked again whether it is still the same system: {why}", remedy=GOES_ON)


def _apart(work: Coroutine[Any, Any, T]) -> T:
    """What ``work`` gives, from an event loop on a thread of its own; an interruption here cancels it there."""
    with closing(asyncio.new_event_loop()) as loop, ThreadPoolExecutor(max_workers=1) as pool:
        task = loop.create_task(work)
        future = pool.submit(loop.run_until_complete, task)
        try:
            return future.result()
        finally:
            if not future.done():
                loop.call_soon_threadsafe(task.cancel)


def _complaint(text: str) -> str:
    """What a server says went wrong: the message in its JSON, or its text as it is."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    for key in ("error", "detail", "message"):
        if isinstance(found, dict) and key in found:
            found = found[key]
    return found if isinstance(found, str) else json.dumps(found)


def _no_number(name: str) -> Any:
    raise ValueError(f"it holds {name}, which is no number")


def _seconds(after: str | None) -> float | None:
    """A ``Retry-After`` in seconds from now: it says seconds or a date (RFC 9110, 10.2.3); None where it says neither.

    >>> _seconds("7"), _seconds("soon"), _seconds("Thu, 01 Jan 1970 00:00:00 GMT")
    (7.0, None, 0.0)
    """
    if after is None:
        return None
    if re.fullmatch(r"\s*\d+(\.\d+)?\s*", after):
        return float(after)
    try:
        then = parsedate_to_datetime(after)
    except ValueError:
        return None
    aware = then if then.tzinfo is not None else then.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.fromtimestamp(time.time(), UTC)).total_seconds())
