"""What an OpenAI-compatible server can really do, found out before it is audited.

Servers that speak the same protocol differ without saying so: log-probabilities that were asked for do not come, or
those of a prompt are off by one token. What fails here is refused, with its reason; what is left is what is used.

1. One greedy request: the server lives, and says what it is.
2. The same with the most probable tokens: they came, and are the model's own.
3. The prompt with the answer behind it, echoed: each token has the log-probability that it had when it was written.
4. The first request twice more: the same words each time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from probandum import codec
from probandum.errors import TargetError
from probandum.evidence import Capability
from probandum.targets.dialect import Answer, Dialect, Unreadable
from probandum.targets.endpoint import Call, Endpoint, Reply
from probandum.targets.generating import Decoding

#: How many of the most probable tokens are asked for, the most first: what servers allow differs.
TOPS = (100, 20, 5)
#: How far the log-probability of a token may be from the one that it was written with, in nats a token.
ECHO_TOLERANCE = 0.05
_QUESTION = "Count from one to ten in words."
_START = "One, two, three,"
_WORDS = Decoding(max_new_tokens=16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """What the server says it is, and what it was found to do.

    ``top``: of how many tokens it can be asked for the log-probabilities, 0 for none; ``echo``: whether those of a
    prompt can be used. ``canary``: the digest of a greedy answer that was the same three times; None where it was
    not, or the server takes no greedy request. ``refused``: what it was found not to do, in sentences. ``why_not``:
    the reason for a kind of request that it cannot answer. ``first``: the first request as it was sent; ``read``: the
    tokens of it that the server says it read, None where it does not say.
    """

    dialect: Dialect
    stated: Mapping[str, str | None]
    top: int
    echo: bool
    canary: str | None
    refused: tuple[str, ...]
    why_not: Mapping[Capability, str]
    first: Mapping[str, Any]
    read: int | None

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the server can be asked."""
        return frozenset({Capability.GENERATE, Capability.CHOOSE, Capability.SCORE} - set(self.why_not))

    def facts(self) -> dict[str, Any]:
        """What a record says of it."""
        return {
            "stated": dict(self.stated),
            "listed_tokens": self.top,
            "prompt_log_probabilities": self.echo,
            "canary": self.canary,
        }

    def changed(self, answer: Answer) -> str | None:
        """Why ``answer`` comes from another system than the one that was met; None where nothing says so."""
        for what, then, now in (
            ("model", self.stated["model"], answer.model),
            ("system fingerprint", self.stated["system_fingerprint"], answer.fingerprint),
        ):
            if then is not None and now != then:
                return f"the server said its {what} was {then!r}, and now says {now!r}"
        return None


def shake(endpoint: Endpoint, dialect: Dialect, decoding: Decoding, *, seed: int) -> Handshake:
    """The handshake; TargetError where the server does not answer one plain request."""
    return _Meeting(endpoint, dialect, decoding, seed).handshake()


def met_again(endpoint: Endpoint, met: Handshake, decoding: Decoding, *, seed: int) -> str | None:
    """Why the server is not the one that was met any more; None where it answers and states the same.

    ``decoding``: the plan's, for a server that takes no greedy request.
    """
    asked = _WORDS if met.canary is not None else replace(decoding, max_new_tokens=_WORDS.max_new_tokens)
    body = met.dialect.body(_prompt(met.dialect), asked, seed=seed)
    (reply,) = endpoint.send([Call(path=met.dialect.path, body=body)])
    if not reply.well:
        return f"the server answered the handshake, and now {reply.problem()}"
    try:
        answer = Answer.read(reply.json())
    except (Unreadable, ValueError) as error:
        return f"the server answered the handshake, and now {error}"
    if (why := met.changed(answer)) is not None:
        return why
    if met.canary is not None and _canary([answer]) != met.canary:
        return "the server answers the same greedy request with other words than before the audit"
    if _owner(endpoint, met.dialect.model) != met.stated["owned_by"]:
        return "the server names another owner of the model than before the audit"
    return None


class _Meeting:
    """One handshake while it goes on."""

    def __init__(self, endpoint: Endpoint, dialect: Dialect, decoding: Decoding, seed: int) -> None:
        self._endpoint = endpoint
        self._dialect = dialect
        self._decoding = decoding
        self._seed = seed
        self._refused: list[str] = []

    def handshake(self) -> Handshake:
        first, greedy = self._first()  # 1
        top, why_no_tops, written = self._tops() if greedy else (0, _NOT_GREEDY, None)  # 2
        if written is None:
            self._refused.append(f"The server's log-probabilities are not used: {why_no_tops}.")
        why_no_echo = self._echo(written, why_no_tops)  # 3
        again = [self._plain(self._words(greedy)) for _ in range(2)]  # 4
        canary = _canary([first, *again]) if greedy else None
        if canary is None:
            reason = "answered the same greedy request differently" if greedy else "takes no greedy request"
            self._refused.append(
                f"The server {reason}: its texts differ between two audits of one model, and a change of the model "
                "during the audit shows only in what it says of itself."
            )
        return Handshake(
            dialect=self._dialect,
            stated=self._stated([first, *again]),
            top=top,
            echo=why_no_echo is None,
            canary=canary,
            refused=tuple(self._refused),
            why_not=_why_not(top, why_no_tops, why_no_echo),
            first=self._body(self._words(greedy)),
            read=first.input_tokens,
        )

    def _first(self) -> tuple[Answer, bool]:
        """The first answer, and whether it is a greedy one."""
        body = self._body(_WORDS)
        reply = self._send(body)
        if reply.status == 400 and "max_completion_tokens" in reply.text and self._dialect.limit == "max_tokens":
            self._dialect = replace(self._dialect, limit="max_completion_tokens")
            reply = self._send(self._body(_WORDS))
        greedy = not (reply.status == 400 and "temperature" in reply.text and self._decoding.temperature > 0)
        if not greedy:
            reply = self._send(self._body(self._words(greedy)))
        return self._read(reply), greedy

    def _words(self, greedy: bool) -> Decoding:
        return _WORDS if greedy else replace(self._decoding, max_new_tokens=_WORDS.max_new_tokens)

    def _tops(self) -> tuple[int, str, Answer | None]:
        """How many tokens come with their log-probabilities, or 0 and why; and an answer with them."""
        why = ""
        for top in TOPS:
            found = self._tried(self._body(_WORDS, top=top))
            if isinstance(found, str):
                why = f"asked for the log-probabilities of {top} tokens, {found}"
                continue
            count = min((len(each) for each in found.tops), default=0)
            if not found.tokens or count < 2:
                why = "asked for log-probabilities, the server answers without them and without a word of it"
            elif (wrong := _not_the_models(found)) is not None:
                why = wrong
            else:
                if _penalised(found):
                    self._refused.append(_PENALISED)
                return top, "", found
        return 0, why, None

    def _echo(self, written: Answer | None, why_no_tops: str) -> str | None:
        """Why the log-probabilities of prompts cannot be used; None where they can."""
        if self._dialect.api == "chat":
            return "a chat API gives no log-probabilities of a prompt"
        if written is None:
            return f"those of a prompt cannot be checked: {why_no_tops}"
        text, count = _said_by(written)
        if not text:
            return "those of a prompt cannot be checked: the server wrote nothing in the handshake"
        found = self._tried(self._body(Decoding(max_new_tokens=1), behind=text, top=1, echo=True))
        if isinstance(found, str):
            return f"asked for the log-probabilities of a prompt, {found}"
        why = _echo_apart(written, found, count)
        if why is not None:
            self._refused.append(f"The server's log-probabilities of prompts are not used: {why}.")
        return why

    def _stated(self, answers: Sequence[Answer]) -> dict[str, str | None]:
        prints = {answer.fingerprint for answer in answers}
        if len(prints) > 1:
            self._refused.append("The server's system fingerprint changed from one request to the next.")
        return {
            "model": answers[0].model,
            "system_fingerprint": prints.pop() if len(prints) == 1 else None,
            "owned_by": _owner(self._endpoint, self._dialect.model),
        }

    def _body(self, decoding: Decoding, *, behind: str = "", top: int | None = None, echo: bool = False) -> Any:
        text = _prompt(self._dialect) + behind
        return self._dialect.body(text, decoding, seed=self._seed, top=top, echo=echo)

    def _plain(self, decoding: Decoding) -> Answer:
        return self._read(self._send(self._body(decoding)))

    def _send(self, body: Any, retries: int | None = None) -> Reply:
        (reply,) = self._endpoint.send([Call(path=self._dialect.path, body=body, retries=retries)])
        return reply

    def _read(self, reply: Reply) -> Answer:
        """The answer to a plain request, without which there is nothing to audit."""
        try:
            if not reply.well:
                raise Unreadable(reply.problem())
            return Answer.read(reply.json())
        except ValueError as error:
            where = f"{self._endpoint.base}{self._dialect.path}"
            raise TargetError(
                f"{where}: the handshake failed: {error}", remedy="check target.url, target.model and target.api"
            ) from None

    def _tried(self, body: Any) -> Answer | str:
        """The answer to a request that a server need not be able to answer, or why there is none."""
        try:
            reply = self._send(body, retries=1)
            # What a server says of an error may hold the number of the request: the same in no second handshake.
            return Answer.read(reply.json()) if reply.well else f"the server answered {reply.status}"
        except TargetError:
            return "the server fails"
        except ValueError as error:
            return str(error)


_PENALISED = (
    "Asked for a greedy answer, the server writes other tokens than the most probable ones: it applies a default of "
    "its own, such as a repetition penalty, which can be set under target.extra (repeat_penalty: 1.0 or "
    "repetition_penalty: 1.0)."
)
_NOT_GREEDY = "the server takes no greedy request, which the handshake needs"


def _prompt(dialect: Dialect) -> str:
    return _QUESTION if dialect.api == "chat" else _START


def _canary(answers: Sequence[Answer]) -> str | None:
    """The digest of what all answers say; None where they differ."""
    texts = {answer.text for answer in answers}
    return codec.digest(texts.pop().encode()) if len(texts) == 1 else None


def _not_the_models(answer: Answer) -> str | None:
    """Why listed log-probabilities are not those of the model; None where they may be."""
    for token, value, top in zip(answer.tokens, answer.logprobs, answer.tops, strict=True):
        mass = sum(math.exp(each) for _, each in top)
        if mass > 1.01:
            return f"the listed tokens have more than all of the probability together at {token!r}"
        if value is None or min(abs(each - value) for _, each in top) > ECHO_TOLERANCE:
            return f"the log-probability of the written token {token!r} is not among the listed ones"
    if all(value is not None and value > -1e-9 for value in answer.logprobs):
        return "every written token has the probability 1: these are not the model's probabilities"
    return None


def _penalised(answer: Answer) -> bool:
    """Whether a greedy answer holds a token that is clearly less probable than another one was in its place."""
    best = [max(value for _, value in top) for top in answer.tops]
    written = zip(answer.logprobs, best, strict=True)
    return any(value is not None and value < most - ECHO_TOLERANCE for value, most in written)


def _said_by(answer: Answer) -> tuple[str, int]:
    """The text that tokens spell, and how many they are; a token that ends the answer spells nothing."""
    for count in range(len(answer.tokens), 0, -1):
        if (text := "".join(answer.tokens[:count])) and answer.text.startswith(text):
            return text, count
    return "", 0


def _echo_apart(written: Answer, echoed: Answer, count: int) -> str | None:
    """Why an echoed prompt does not say what was said when its end was written; None where it does."""
    tokens, values = written.tokens[:count], written.logprobs[:count]
    behind = 1 if echoed.output_tokens is None else echoed.output_tokens
    end = len(echoed.tokens) - behind
    if end + behind <= count:
        return "asked to echo the prompt, the server answers without it and without a word of it"
    listed = echoed.tokens[end - count : end] == tokens
    if not listed and echoed.tokens[-count:] == tokens:
        end = len(echoed.tokens)  # the prompt alone, without what was written behind it
    elif not listed:
        return "an echoed prompt is cut into other tokens than an answer, so that they cannot be compared"
    for token, then, now in zip(tokens, values, echoed.logprobs[end - count : end], strict=True):
        if then is None or now is None or abs(then - now) > ECHO_TOLERANCE:
            return (
                f"they differ by more than {ECHO_TOLERANCE:g} nats from those that the same tokens were written with, "
                f"first at {token!r}"
            )
    return None if listed else "an echoed prompt is listed without the token behind it, which is not understood here"


def _why_not(top: int, why_no_tops: str, why_no_echo: str | None) -> dict[Capability, str]:
    """The reason for each kind of request that cannot be answered."""
    found = {}
    if why_no_echo is not None:
        found[Capability.SCORE] = why_no_echo
    if not top and why_no_echo is not None:
        found[Capability.CHOOSE] = why_no_tops
    return found


def _owner(endpoint: Endpoint, model: str) -> str | None:
    """Whom the list of models names as the owner; None where there is no list, or not this model on it."""
    try:
        (reply,) = endpoint.send([Call(path="/models", retries=0)])
        listed = reply.json()["data"] if reply.well else []
        named = [each["owned_by"] for each in listed if each["id"] == model]
    except (TargetError, ValueError, KeyError, TypeError):
        return None
    return str(named[0]) if named else None
