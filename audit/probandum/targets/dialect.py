"""What OpenAI-compatible servers are sent and what they send back: bodies, texts, and log-probabilities of tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from probandum.errors import whole
from probandum.targets.generating import Decoding

Api = Literal["chat", "completions"]
#: The most probable tokens at one place with their log-probabilities in nats.
Top = tuple[tuple[str, float], ...]

#: Where the tokens that an answer may have are said.
MORE_TOKENS = "target.max_tokens, or tokens of the suite where that says its own"

#: Some servers write a number of this size where the logarithm of 0 would stand.
_FLOOR = -9000.0
#: How far above 0 rounding may leave a log-probability.
_ROUNDING = 1e-3


class Unreadable(ValueError):
    """A reply that is not of the protocol; its message, one line, becomes the error of a response."""


class Wordless(Unreadable):
    """A reply in which the model used up its tokens before it wrote an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one server is asked. ``extra``: keys of its own; ``limit``: what it calls the most tokens to write.

    ``omit``: sampling parameters that are not sent, because it takes no ask with them.
    """

    api: Api
    model: str
    system: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    omit: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Where asks are sent, below the server's address."""
        return "/chat/completions" if self.api == "chat" else "/completions"

    def body(
        self, text: str, decoding: Decoding, *, seed: int, top: int | None = None, echo: bool = False
    ) -> dict[str, Any]:
        """One ask. Every sampling parameter is said: what is left out, servers fill in from defaults of their own.

        ``top``: also the log-probabilities of so many tokens at each place; ``echo``: of the prompt's tokens too.
        """
        made: dict[str, Any] = {
            "model": self.model,
            "temperature": decoding.temperature,
            "top_p": decoding.top_p,
            self.limit: decoding.max_new_tokens,
            "seed": seed,
            "stream": False,
        }
        if self.api == "chat":
            system = [] if self.system is None else [{"role": "system", "content": self.system}]
            made["messages"] = [*system, {"role": "user", "content": text}]
        else:
            made["prompt"] = text
        if top is not None:
            made |= {"logprobs": True, "top_logprobs": top} if self.api == "chat" else {"logprobs": top}
        if echo:
            made["echo"] = True
        return {key: value for key, value in {**made, **self.extra}.items() if key not in self.omit}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One reply. ``tokens``, ``logprobs`` and ``tops`` run side by side, and are empty where none came.

    A log-probability is None where the server gives none, as of the first token of a prompt. ``refused``: the server
    says that the model declined, or that a filter did. ``reasoned``: it wrote something else before its answer.
    """

    model: str | None
    fingerprint: str | None
    text: str
    refused: bool = False
    reasoned: bool = False
    tokens: tuple[str, ...] = ()
    logprobs: tuple[float | None, ...] = ()
    tops: tuple[Top, ...] = ()
    input_tokens: int | None = None
    output_tokens: int | None = None

    @classmethod
    def read(cls, found: Any) -> Answer:
        """The reply as it stands in the JSON; Unreadable says what it lacks."""
        choices = _part(found, "choices", list)
        if not choices:
            raise Unreadable("no choice among the server's answer, expected one")
        reasoned = _reasoned(choices[0], found)
        text, refused = _text(choices[0], reasoned)
        read, written = usage_of(found)
        tokens, logprobs, tops = _logprobs(choices[0].get("logprobs"))
        return cls(
            model=_said(found.get("model")),
            fingerprint=_said(found.get("system_fingerprint")),
            text=text,
            refused=refused,
            reasoned=reasoned,
            tokens=tokens,
            logprobs=logprobs,
            tops=tops,
            input_tokens=read,
            output_tokens=written,
        )


def usage_of(found: Any) -> tuple[int | None, int | None]:
    """The tokens that a reply, one without an answer too, says were read and written; None where it does not say.

    Of two and their sum, two say the third.

    >>> usage_of({"usage": {"prompt_tokens": 3, "completion_tokens": 1}}), usage_of({}), usage_of([])
    ((3, 1), (None, None), (None, None))
    >>> usage_of({"usage": {"prompt_tokens": 3, "total_tokens": 4}}), usage_of({"usage": {"prompt_tokens": 3}})
    ((3, 1), (3, None))
    """
    usage = _inside(found, "usage")
    read, written, both = (_count(usage.get(f"{name}_tokens")) for name in ("prompt", "completion", "total"))
    if both is not None:
        written = _count(both - read) if written is None and read is not None else written
        read = _count(both - written) if read is None and written is not None else read
    return read, written


def _reasoned(choice: Any, found: Any) -> bool:
    """Whether the model wrote something before its answer, by one of the names that servers have for it."""
    message = _inside(choice, "message")
    said = any(isinstance(message.get(name), str) and message[name] for name in ("reasoning_content", "reasoning"))
    return said or bool(_count(_inside(_inside(found, "usage"), "completion_tokens_details").get("reasoning_tokens")))


def _text(choice: Any, reasoned: bool) -> tuple[str, bool]:
    """What was written, and whether that is a refusal."""
    filtered = isinstance(choice, dict) and choice.get("finish_reason") == "content_filter"
    if isinstance(choice, dict) and "message" in choice:
        message = _part(choice, "message", dict)
        if isinstance(message.get("refusal"), str) and message["refusal"]:
            return message["refusal"], True
        if not message.get("content") and not filtered and (why := _wordless(choice, message, reasoned)) is not None:
            raise Wordless(why)
        return ("" if filtered and message.get("content") is None else _part(message, "content", str)), filtered
    return _part(choice, "text", str), filtered


def _wordless(choice: Mapping[str, Any], message: Mapping[str, Any], reasoned: bool) -> str | None:
    """Why a message without content is no answer; None where it is an empty one, or none at all."""
    if choice.get("finish_reason") == "length" and (reasoned or message.get("content") is None):
        how = "on reasoning and wrote no answer" if reasoned else "and wrote no answer"
        return f"the model used up its tokens {how}; allow it more: {MORE_TOKENS}"
    return "the model reasoned and wrote no answer" if reasoned else None


def _inside(found: Any, name: str) -> Mapping[str, Any]:
    """The object under ``name``; an empty one where there is none."""
    held = found.get(name) if isinstance(found, dict) else None
    return held if isinstance(held, dict) else {}


def _logprobs(found: Any) -> tuple[tuple[str, ...], tuple[float | None, ...], tuple[Top, ...]]:
    """Tokens with their log-probabilities, in the form of chats or in that of completions."""
    if found is None:
        return (), (), ()
    if not isinstance(found, dict):
        raise Unreadable(f"logprobs are {type(found).__name__}, expected an object")
    if found.get("content") is not None:
        places = _part(found, "content", list)
        pairs = [_pair(place) for place in places]
        tops = tuple(tuple(_pair(each) for each in place.get("top_logprobs") or []) for place in places)
        return tuple(token for token, _ in pairs), tuple(value for _, value in pairs), tops
    tokens = _part(found, "tokens", list)
    values = _part(found, "token_logprobs", list)
    listed = found.get("top_logprobs") or [None] * len(tokens)
    if not len(tokens) == len(values) == len(listed):
        raise Unreadable(f"{len(values)} log-probabilities and {len(listed)} lists of them to {len(tokens)} tokens")
    if not all(isinstance(token, str) for token in tokens):
        raise Unreadable("a token that is no text")
    tops = tuple(
        tuple((str(token), _nats(value)) for token, value in each.items()) if isinstance(each, dict) else ()
        for each in listed
    )
    return tuple(tokens), tuple(None if value is None else _nats(value) for value in values), tops


def _pair(found: Any) -> tuple[str, float]:
    return _part(found, "token", str), _nats(_part(found, "logprob", int | float))


def _nats(value: Any) -> float:
    """A log-probability; Unreadable where it is none."""
    if not isinstance(value, int | float) or isinstance(value, bool) or value != value or value > _ROUNDING:
        raise Unreadable(f"{value!r} is no log-probability")
    if value < _FLOOR:
        raise Unreadable(f"{value!r} is a floor in place of a log-probability")
    return min(0.0, float(value))


def _part(found: Any, name: str, kind: Any) -> Any:
    if not isinstance(found, dict) or not isinstance(found.get(name), kind):
        raise Unreadable(f"the server's answer has no {name}")
    return found[name]


def _said(value: Any) -> str | None:
    return whole(value) if isinstance(value, str) and value else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
