"""What targets behind HTTP share: bounded concurrency, time limits, retries, and secrets that are never written.

Every ask can be sent again: it asks for an answer and changes nothing. What a server will never answer (a wrong
key, a redirect) and what it does not answer after all retries, or with what is no JSON, is a TargetError. Any other
status comes back as a :class:`Reply`, since only the target knows whether an input or the server is at fault.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import ssl
import time
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from probandum import codec
from probandum.errors import TargetError, Unasked, Unreachable, whole
from probandum.targets.access import Access, address, trusted
from probandum.targets.hiding import Secrets
from probandum.targets.loading import need, said

T = TypeVar("T")

#: The wait before the first retry, in seconds; it doubles with every further one.
BACKOFF_SECONDS = 0.5
#: The longest wait between two tries, in seconds; a server that asks for a longer one is not waited for.
LONGEST_WAIT_SECONDS = 60.0
#: How often whoever keeps answers is called while a round is under way, in seconds.
KEEPING_SECONDS = 1.0
#: The largest answer that is read, in bytes.
LARGEST_ANSWER = 256 * 2**20

#: Too early, too many, or a fault of the server's own.
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
_REFUSED = frozenset({401, 403, 407})
#: How it is told that the connection broke: the system may be as it was, and answer when the run is resumed.
_LOST = "no answer: "
#: How a line of server-sent events begins, a comment that keeps a connection open among them.
_STREAMS = ("data:", "event:", "id:", "retry:", ":")
#: What to do about a certificate that no known authority vouches for.
TRUST = "name the file of the authority that signed it under target.ca_file, or check target.url"
#: What to do about a lost connection, and about what a server answers and should not.
GOES_ON = "see that the server runs; the same command asks what was not answered"
GOES_ON_TOO = "see what the server's own log says of it; the same command asks what was not answered"


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
            found = json.loads(self.body, parse_constant=_no_number, object_pairs_hook=_one_of_each)
            return self.secrets.hidden_in(found)
        except ValueError as error:
            said = self.secrets.hidden(" ".join(str(error).split()))  # a key that stands twice is named in it
            raise ValueError(f"the answer is no JSON: {said}") from None
        except RecursionError:
            raise ValueError("the answer is no JSON: it nests too deep") from None

    def problem(self) -> str:
        """A bad status in one line, with what the server said of it."""
        words = whole(" ".join(self.secrets.hidden(_complaint(self.body)).split()))
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
        #: What came back in the last round so far, by the place of its call; None where nothing did, or one broke it.
        self.came: list[Reply | None] = []
        #: What is called every :data:`KEEPING_SECONDS` while a round is under way.
        self.keep: Callable[[], None] | None = None

    @property
    def base(self) -> str:
        """The address below which everything is asked."""
        return self._base

    @property
    def addresses(self) -> tuple[str, ...]:
        """What connections are opened to: the server, or the proxy before it and the server."""
        return tuple(address(url) for url in (self._proxy, self._access.url) if url is not None)

    def send(self, calls: Sequence[Call]) -> list[Reply]:
        """One reply a call, in order; TargetError where one is not answered.

        Then nothing more is sent, and what is under way is waited for: it may be paid for. It stands in ``came``.
        """
        self.came = [None] * len(calls)
        return _apart(self._all(calls), self.keep) if calls else []

    @property
    def attempts(self) -> int:
        """The most tries that an ask of the last round took so far."""
        return max((reply.attempts for reply in self.came if reply is not None), default=1)

    async def _all(self, calls: Sequence[Call]) -> list[Reply]:
        places = asyncio.Semaphore(self._access.concurrency)
        broken = asyncio.Event()
        async with self._client() as client:
            tasks = [
                asyncio.ensure_future(self._one(client, call, place, places, broken))
                for place, call in enumerate(calls)
            ]
            try:
                ended = await asyncio.gather(*tasks, return_exceptions=True)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        failed = [each for each in ended if isinstance(each, BaseException)]
        if failed:
            raise next((each for each in failed if not isinstance(each, Unasked)), failed[0])
        return [each for each in ended if isinstance(each, Reply)]

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

    async def _one(
        self, client: Any, call: Call, place: int, places: asyncio.Semaphore, broken: asyncio.Event
    ) -> Reply:
        """One call with its retries; a call that waits leaves its place to others. ``broken``: another one failed."""
        try:
            self.came[place] = reply = await self._tried(client, call, places, broken)
        except Exception:
            broken.set()
            raise
        return reply

    async def _tried(self, client: Any, call: Call, places: asyncio.Semaphore, broken: asyncio.Event) -> Reply:
        retries = self._access.retries if call.retries is None else call.retries
        for attempt in range(1, retries + 2):
            async with places:
                if broken.is_set():
                    raise Unasked(f"{self._where(call)}: not asked, since another ask was not answered")
                status, body, after, failed = await self._try(client, call)
            reply = Reply(status=status, body=body, attempts=attempt, secrets=self._secrets)
            if status in _REFUSED or 300 <= status < 400:
                self._refuse(call, reply)
            if not failed and reply.well and call.body is not None:
                failed = _no_json(body)
            if not failed and status not in _PASSING:
                return reply
            why = failed or reply.problem()
            wait = after if after is not None else min(BACKOFF_SECONDS * 2 ** (attempt - 1), LONGEST_WAIT_SECONDS)
            if attempt <= retries and wait <= LONGEST_WAIT_SECONDS:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(broken.wait(), wait)
                continue
            asked = f", and asks to wait {_in_words(wait)}" if wait > LONGEST_WAIT_SECONDS else ""
            times = "once" if attempt == 1 else f"{attempt} times"
            said_of_it = f"{self._where(call)}: asked {times}, {why}{asked}"
            if failed.startswith(_LOST):
                raise Unreachable(said_of_it, remedy=GOES_ON)
            raise TargetError(said_of_it, remedy=GOES_ON_TOO)
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
                        raise TargetError(f"{self._where(call)}: an answer of more than {LARGEST_ANSWER} bytes")
        except (TimeoutError, self._library.TimeoutException):
            return 0, "", None, f"no whole answer in {self._access.timeout:g} seconds"
        except (self._library.TransportError, self._library.DecodingError, OSError) as error:
            if (why := _distrusted(error)) is not None:
                raise Unreachable(f"{self._where(call)}: its certificate is not trusted: {why}", remedy=TRUST) from None
            return 0, "", None, f"{_LOST}{self._secrets.hidden(said(error))}"
        after = _seconds(response.headers.get("Retry-After"))
        text = data.decode("utf-8", "replace").removeprefix("\ufeff")  # RFC 8259, 8.1: a reader may ignore that mark
        return int(response.status_code), text, after, ""

    def _refuse(self, call: Call, reply: Reply) -> None:
        remedy = "check target.key_env"
        if reply.status < 400:
            remedy = "check target.url: redirects are not followed"
        elif reply.status == 407:
            remedy = "check target.proxy: env:NAME is a variable that holds its address with name and password"
        raise TargetError(f"{self._where(call)}: {reply.problem()}", remedy=remedy)

    def _where(self, call: Call) -> str:
        """What is asked, as messages name it."""
        return self._secrets.hidden(f"{self._base}{call.path}")


def incomparable(where: str, why: str) -> Unreachable:
    """A broken reply to what was answered before: it says nothing of the system, and the run can be resumed."""
    return Unreachable(f"{where}: asked again whether it is still the same system: {why}", remedy=GOES_ON)


def _apart(work: Coroutine[Any, Any, T], keep: Callable[[], None] | None) -> T:
    """What ``work`` gives, from an event loop on a thread of its own; an interruption here cancels it there.

    ``keep`` is called here meanwhile.
    """
    with closing(asyncio.new_event_loop()) as loop, ThreadPoolExecutor(max_workers=1) as pool:
        task = loop.create_task(work)
        future = pool.submit(loop.run_until_complete, task)
        try:
            while keep is not None and not wait([future], timeout=KEEPING_SECONDS).done:
                keep()
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


def _no_json(text: str) -> str:
    """Why a body that should be JSON is none, as where half of it came or a proxy answered; empty where it is."""
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        if text.lstrip().startswith(_STREAMS):
            return "the server streams its answer (server-sent events), though it was not asked to"
        nests = isinstance(error, RecursionError)
        return f"the answer is no JSON: {'it nests too deep' if nests else ' '.join(str(error).split())}"
    return ""


def _one_of_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON; ValueError where a key stands in it twice with other values, of which one would be dropped."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found and json.dumps(found[key], sort_keys=True) != json.dumps(value, sort_keys=True):
            raise ValueError(f"it holds the key '{key}' twice, with other values")
        found[key] = value
    return found


def _no_number(name: str) -> Any:
    raise ValueError(f"it holds {name}, which is no number")


def _distrusted(error: BaseException) -> str | None:
    """Why a certificate is not believed, where that is what ended a try; None where it is not."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return seen.verify_message
        seen = seen.__cause__ or seen.__context__
    return None


def _in_words(seconds: float) -> str:
    """A wait as a person reads it; of one beyond a day nobody needs to know how long it is.

    >>> _in_words(90.0), _in_words(float("inf"))
    ('90 seconds', 'more than a day')
    """
    return "more than a day" if seconds > 86_400 else f"{seconds:.0f} seconds"


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
