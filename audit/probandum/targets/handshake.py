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
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from probandum.errors import TargetError
from probandum.evidence import Capability
from probandum.targets.acquainted import TIMES, Handshake, canary_of, fingerprints_of, owner_of
from probandum.targets.dialect import Answer, Dialect, Unreadable, Wordless
from probandum.targets.endpoint import Call, Endpoint, Reply
from probandum.targets.generating import Decoding
from probandum.targets.openai_plan import OMITTED

#: How many of the most probable tokens are asked for, the most first: what servers allow differs.
TOPS = (100, 20, 5)
#: How far the log-probability of a token may be from the one that it was written with, in nats a token.
ECHO_TOLERANCE = 0.05
_QUESTION = "Count from one to ten in words."
_START = "One, two, three,"
#: Tokens of an answer to a plain request.
_WORDS = 16


def shake(endpoint: Endpoint, dialect: Dialect, decoding: Decoding, *, seed: int) -> Handshake:
    """The handshake; TargetError where the server does not answer one plain request."""
    return _Meeting(endpoint, dialect, decoding, seed).handshake()


class _Meeting:
    """One handshake while it goes on."""

    def __init__(self, endpoint: Endpoint, dialect: Dialect, decoding: Decoding, seed: int) -> None:
        self._endpoint = endpoint
        self._dialect = dialect
        self._decoding = decoding
        self._seed = seed
        self._most = _WORDS
        self._refused: list[str] = []

    def handshake(self) -> Handshake:
        first, greedy = self._first()  # 1
        why_no_tops = self._why_no_tops(first, greedy)
        top, why_no_tops, written = (0, why_no_tops, None) if why_no_tops else self._tops()  # 2
        if written is None:
            self._refused.append(f"The server's log-probabilities are not used: {why_no_tops}.")
        why_no_echo = self._echo(written, why_no_tops)  # 3
        answers = [first, *(self._plain(self._words(greedy)) for _ in range(TIMES - 1))]  # 4
        canary = canary_of(answers) if greedy else None
        if canary is None:
            reason = "takes no greedy request" if "temperature" not in self._dialect.omit else "is sent no temperature"
            if greedy:
                reason = "answered the same greedy request " + ("differently" if first.text else "with an empty text")
            self._refused.append(
                f"The server {reason}: its texts differ between two audits of one model, and a change of the model "
                "during the audit shows only in what it says of itself."
            )
        return Handshake(
            dialect=self._dialect,
            stated={"model": first.model, "owned_by": owner_of(self._endpoint, self._dialect.model)},
            fingerprints=self._fingerprints(answers),
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
        greedy = "temperature" not in self._dialect.omit
        reply = self._send(self._body(self._words(greedy)))
        if reply.status == 400 and "max_completion_tokens" in reply.text and self._dialect.limit == "max_tokens":
            self._dialect = replace(self._dialect, limit="max_completion_tokens")
            reply = self._send(self._body(self._words(greedy)))
        if greedy and reply.status == 400 and "temperature" in reply.text and self._decoding.temperature > 0:
            greedy = False
            reply = self._send(self._body(self._words(greedy)))
        if self._most < self._decoding.max_new_tokens and _spent(reply):
            self._most = self._decoding.max_new_tokens  # as many as the plan allows an answer
            reply = self._send(self._body(self._words(greedy)))
        return self._read(reply), greedy

    def _words(self, greedy: bool = True) -> Decoding:
        return Decoding(max_new_tokens=self._most) if greedy else replace(self._decoding, max_new_tokens=self._most)

    def _why_no_tops(self, first: Answer, greedy: bool) -> str:
        """Why no log-probabilities are asked for; empty where they are."""
        if first.reasoned:
            return "the model reasons before it answers, and the first tokens that it writes are not of its answer"
        if "temperature" in self._dialect.omit:
            return "the plan leaves the temperature out, and the handshake needs greedy requests"
        return "" if greedy else _NOT_GREEDY

    def _tops(self) -> tuple[int, str, Answer | None]:
        """How many tokens come with their log-probabilities, or 0 and why; and an answer with them."""
        why = ""
        for top in TOPS:
            found = self._tried(self._body(self._words(), top=top))
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

    def _fingerprints(self, answers: Sequence[Answer]) -> frozenset[str]:
        found = fingerprints_of(answers)
        if len(found) > 1:
            self._refused.append("The server's system fingerprint changed from one request to the next.")
        return found

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
            failed = f"{self._endpoint.base}{self._dialect.path}: the handshake failed: {error}"
            allowed = f"it was allowed {self._most}" if isinstance(error, Wordless) else None
            raise TargetError(failed, remedy=allowed or self._remedy(reply)) from None

    def _remedy(self, reply: Reply) -> str:
        """What to do about a plain request that was not answered."""
        sampling = (name for name in OMITTED if name not in self._dialect.omit)
        named = next((name for name in sampling if reply.status in (400, 422) and name in reply.text), None)
        if named is None:
            return "check target.url, target.model and target.api"
        return f"say another target.{named}, or leave it out by target.omit: [{named}], and the server's own applies"

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


def _spent(reply: Reply) -> bool:
    """Whether the model used up its tokens before it answered."""
    try:
        Answer.read(reply.json())
    except ValueError as error:
        return isinstance(error, Wordless)
    return False


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
