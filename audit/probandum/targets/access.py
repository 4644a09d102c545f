"""How a plan says that a server is reached, with every secret read from the environment and written nowhere."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qsl, quote_plus, unquote, urlsplit

from probandum.confiding import FROM_ENVIRONMENT, REMEDY, confided, names_secret
from probandum.errors import UsageError
from probandum.keywords import Between, Place, leaves
from probandum.target import Problem, TargetContext
from probandum.targets.hiding import Secrets
from probandum.targets.loading import said

#: A token of RFC 9110.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: Keys of a plan that are sent beside the question, in which ``env:NAME`` is read from the environment.
SENT = ("extra", "request", "parameters", "inputs", "identity")
#: The fewest characters of a secret: wherever a server repeats one it is blanked, and a shorter one stands in ordinary
#: words of an answer, too. No service gives out keys as short as that.
SHORTEST_SECRET = 8

#: How many asks are under way at once: each holds a connection, and a process may open about a thousand.
Concurrency = Annotated[int, Between(least=1, most=1000)]
#: Tries after the first; the wait between two grows to a minute.
Retries = Annotated[int, Between(least=0, most=100)]
#: Inputs of one ask.
Batch = Annotated[int, Between(least=1, most=1_000_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How a plan says a server is reached.

    ``key_env``: the environment variable that holds the key, sent as a bearer token. ``headers``: sent with every
    ask; a value ``env:NAME`` is read from the environment, and headers that hold secrets can be given in no other
    way. ``timeout``: seconds for one try, from connecting to the last byte. ``retries``: tries after the first.
    ``proxy`` and ``ca_file``: the environment's own settings are not read, so that the plan says all; a proxy that
    wants a name and a password is ``env:NAME``, a variable that holds its address with both. ``sent``: the plan's keys
    of :data:`SENT`, in which a value ``env:NAME`` is read as in a header.
    """

    url: str
    key_env: str | None = None
    headers: Mapping[str, str] | None = None
    concurrency: int = 4
    timeout: float = 120.0
    retries: int = 4
    ca_file: Path | None = None
    proxy: str | None = None
    sent: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, url: str, keys: Mapping[str, Any], resolve: Callable[[str], Path]) -> Access:
        """What the keys under ``target:`` say of it, whatever else stands there. ``resolve``: where its paths lead."""
        own = {each.name for each in fields(cls)} - {"url", "sent"}
        given = {name: keys[name] for name in own if name in keys}
        if given.get("ca_file") is not None:
            given["ca_file"] = resolve(given["ca_file"])
        sent = {name: keys[name] for name in SENT if keys.get(name) is not None}
        return cls(url=url, **{**given, "sent": sent})

    @classmethod
    def problems(cls, keys: Mapping[str, Any], context: TargetContext) -> Iterator[Problem]:
        """What is wrong with the keys, the environment variables that they name, or the file of authorities."""
        try:
            access = cls.of(keys["url"], keys, context.resolve)
        except UsageError as error:
            yield Problem.of(error)
            return
        yield from access.unsendable()
        checks: list[Callable[[], object]] = [access.secrets, access.proxy_address]
        if access.ca_file is not None:
            checks.append(lambda: trusted(access.ca_file))
        for check in checks:
            try:
                check()
            except UsageError as error:
                yield Problem.of(error)
        for place, name in _variables(access.sent):
            try:
                _from_environment(place, name)
            except UsageError as error:
                yield Problem(place, "; ".join(error.lines()).partition(": ")[2])

    def __post_init__(self) -> None:
        """UsageError naming the first key that cannot be meant; no message repeats a secret."""
        _check_address("url", self.url)
        if self.proxy is not None and not self.proxy.startswith(FROM_ENVIRONMENT):
            _check_address("proxy", self.proxy)

    def unsendable(self) -> Iterator[Problem]:
        """What is wrong with the headers that stand in the plan: names and values that HTTP does not carry."""
        for name, value in (self.headers or {}).items():
            if not isinstance(name, str) or _NAME.fullmatch(name) is None:
                yield Problem(("headers", name), "no name of a header, which holds letters, digits and signs alone")
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                yield Problem(("headers", name), "expected text")
            elif not _sendable(str(value)):
                yield Problem(("headers", name), "holds characters that no header can; write them in ASCII")

    def secrets(self) -> dict[str, str]:
        """The headers whose values come from the environment."""
        found = {}
        if self.key_env is not None:
            found["Authorization"] = f"Bearer {_from_environment(('key_env',), self.key_env)}"
        for name, value in (self.headers or {}).items():
            if str(value).startswith(FROM_ENVIRONMENT):
                found[name] = _from_environment(("headers", name), str(value).removeprefix(FROM_ENVIRONMENT))
            elif names_secret(name):
                raise UsageError(
                    f"target.headers.{name}: a secret is not written into a plan", remedy=f"{REMEDY}, or use key_env"
                )
        return found

    def proxy_address(self) -> str | None:
        """The proxy's address, with name and password where the environment gives them."""
        if self.proxy is None or not self.proxy.startswith(FROM_ENVIRONMENT):
            return self.proxy
        found = _from_environment(("proxy",), self.proxy.removeprefix(FROM_ENVIRONMENT))
        _check_address("proxy", found, secret=True)
        if 0 < len(unquote(urlsplit(found).password or "")) < SHORTEST_SECRET:
            raise UsageError(
                f"target.proxy: the password has fewer than {SHORTEST_SECRET} characters, and one as short as that "
                "would be blanked in answers, too",
                remedy="name a proxy that wants a longer one, or none",
            )
        return found

    def hiding(self) -> Secrets:
        """What blanks all that comes from the environment."""
        found = [*self.secrets().values(), *(_from_environment(*each) for each in _variables(self.sent))]
        parts = urlsplit(self.proxy_address() or "")
        if parts.password:
            found += [unquote(parts.password), f"{unquote(parts.username or '')}:{unquote(parts.password)}"]
        return Secrets(found)


def _check_address(name: str, url: str, *, secret: bool = False) -> None:
    """UsageError where ``url`` is no address of a server; ``secret``: whether name and password may stand in it."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError:
        raise UsageError(f"target.{name}: expected an address such as http://127.0.0.1:8000/v1") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"target.{name}: expected an address such as http://127.0.0.1:8000/v1")
    if (parts.username is not None and not secret) or any(names_secret(key) for key, _ in parse_qsl(parts.query)):
        remedy = "name the environment variable that holds it under key_env, or a header with env:NAME"
        if name == "proxy":
            remedy = f"write {FROM_ENVIRONMENT}NAME, the environment variable that holds the whole address"
        raise UsageError(f"target.{name}: holds a secret, which is not written into a plan", remedy=remedy)
    if parts.query or parts.fragment:
        raise UsageError(f"target.{name}: expected an address without query and fragment")


def address(url: str) -> str:
    """Scheme, host and port of a URL, without name and password.

    >>> address("http://127.0.0.1:8000/v1"), address("http://me:secret@proxy:3128")
    ('http://127.0.0.1:8000', 'http://proxy:3128')
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def filled(value: Any, place: Place = ()) -> Any:
    """What is sent of a part of the plan: each ``env:NAME`` in it, and in the query of a path, with its value."""
    if isinstance(value, Mapping):
        return {key: filled(each, (*place, key)) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [filled(each, (*place, index)) for index, each in enumerate(value)]
    if (name := confided(value)) is not None:
        return _from_environment(place, name)
    return value


def filled_path(path: str, place: Place) -> str:
    """A path whose query has the value of every ``env:NAME`` in it.

    >>> filled_path("/version?stage=a%20b", ("identity", "path"))
    '/version?stage=a%20b'
    """
    before, mark, query = path.partition("?")
    pairs = []
    for pair in query.split("&"):
        name, sign, value = pair.partition("=")
        known = confided(unquote(value))
        pairs.append(f"{name}{sign}{value if known is None else quote_plus(_from_environment(place, known))}")
    return f"{before}{mark}{'&'.join(pairs)}"


def _variables(value: Any) -> Iterator[tuple[Place, str]]:
    """The environment variables that what is sent names, and where."""
    for place, each in leaves(value):
        if (name := confided(each)) is not None:
            yield place, name
        elif isinstance(each, str) and place == ("identity", "path"):
            named = (confided(part) for _, part in parse_qsl(urlsplit(each).query))
            yield from ((place, name) for name in named if name is not None)


def _from_environment(place: Place, name: str) -> str:
    """The value of an environment variable; UsageError where there is none, or none that can be sent."""
    key = ".".join(map(str, place))
    value = os.environ.get(name, "") if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) else ""
    if not value:  # a person may have written the secret itself: it is not repeated
        raise UsageError(
            f"target.{key}: names no environment variable that is set",
            remedy="set it, or check its name; the secret itself does not belong here",
        )
    if len(value.removeprefix("Bearer ").strip()) < SHORTEST_SECRET:
        raise UsageError(
            f"target.{key}: the environment variable holds fewer than {SHORTEST_SECRET} characters, and a secret as "
            "short as that would be blanked in answers, too",
            remedy="leave the key out where the server wants none, and write what is no secret into the plan",
        )
    if not _sendable(value) and place[0] not in SENT:
        raise UsageError(f"target.{key}: the environment variable holds characters that no header can")
    if not value.isprintable():
        raise UsageError(f"target.{key}: the environment variable holds characters that cannot be sent")
    return value


def _sendable(value: str) -> bool:
    """Whether a header can hold a value as it is."""
    return value.isascii() and value.isprintable() and value == value.strip()


def trusted(ca_file: Path | None) -> ssl.SSLContext:
    """Whose certificates are believed: the machine's authorities, or those of ``ca_file``."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"target.ca_file: {ca_file}: {error.strerror or said(error)}") from None
