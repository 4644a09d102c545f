"""What an OpenAI-compatible server was found to be in the handshake, and whether it still is when the asking is over.

Another model leaves no record. A reply that is broken, or leaves out what others state, says nothing of the model; and
a server that runs on several machines may answer with several system fingerprints and be one system.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from probandum import codec
from probandum.errors import TargetError, whole
from probandum.evidence import Capability
from probandum.targets.dialect import Answer, Dialect, Unreadable
from probandum.targets.endpoint import Call, Endpoint, Reply, incomparable

#: How often the first request is sent in a handshake, and at the end where another fingerprint was seen.
TIMES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """What the server says it is, and what it was found to do.

    ``stated``: model and owner. ``fingerprints``: of the systems that answered; a server that runs on several machines
    may have several. ``top``: of how many tokens it can be asked for the log-probabilities, 0 for none; ``echo``:
    whether those of a prompt can be used. ``canary``: the digest of a greedy answer that was the same three times;
    None where it was not, or no greedy answer can be had. ``refused``: what it was found not to do, in sentences.
    ``why_not``: the reason for a kind of request that it cannot answer. ``first``: the first request as it was sent;
    ``read``: the tokens of it that the server says it read, None where it does not say.
    """

    dialect: Dialect
    stated: Mapping[str, str | None]
    fingerprints: frozenset[str]
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

    @property
    def several(self) -> bool:
        """Whether another fingerprint need not be another system: the same words tell, or the server has several."""
        return self.canary is not None or len(self.fingerprints) > 1

    def facts(self) -> dict[str, Any]:
        """What a record says of it."""
        return {
            "stated": dict(self.stated),
            "system_fingerprints": sorted(self.fingerprints),
            "listed_tokens": self.top,
            "prompt_log_probabilities": self.echo,
            "canary": self.canary,
        }

    def changed(self, answer: Answer) -> str | None:
        """Why ``answer`` comes from another system than the one that was met; None where nothing says so.

        An answer that leaves out what others state says nothing. Another fingerprint is another system only where
        nothing else can tell.
        """
        model, fingerprint = self.stated["model"], answer.fingerprint
        if None not in (model, answer.model) and answer.model != model:
            return f"the server said its model was {model!r}, and now says {answer.model!r}"
        if fingerprint is not None and self.fingerprints and fingerprint not in self.fingerprints and not self.several:
            (then,) = self.fingerprints
            return f"the server said its system fingerprint was {then!r}, and now says {fingerprint!r}"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """What was found when the asking was over. ``changed``: why it is another system, None where nothing says so.

    ``fingerprints``: of the systems that answered then.
    """

    changed: str | None
    fingerprints: frozenset[str]


def met_again(endpoint: Endpoint, met: Handshake, *, seen: Set[str]) -> Again:
    """The first request once more; ``seen``: the fingerprints of all that answered in between.

    Where one is new, it is sent as often as in the handshake, so that more than one of the systems behind the server
    may answer. Unreachable where no answer comes that could be compared: that says nothing of the system, and the run
    can be resumed.
    """
    times = TIMES if seen - met.fingerprints else 1
    answers = [
        _compared(endpoint, met, reply)
        for reply in endpoint.send([Call(path=met.dialect.path, body=met.first)] * times)
    ]
    why = next((why for answer in answers if (why := met.changed(answer)) is not None), None)
    if why is None and met.canary is not None and canary_of(answers) != met.canary:
        why = "the server answers the same greedy request with other words than before the audit"
    then, now = met.stated["owned_by"], owner_of(endpoint, met.dialect.model)
    if why is None and None not in (then, now) and then != now:
        why = "the server names another owner of the model than before the audit"
    return Again(changed=why, fingerprints=fingerprints_of(answers))


def told(met: Handshake, seen: Set[str], again: Set[str]) -> str | None:
    """A caution of fingerprints beyond those of the handshake; None where there are none.

    ``seen``: those of all answers; ``again``: those of the answers to the first request when the asking was over.
    """
    new = sorted(seen - met.fingerprints)
    if not new:
        return None
    found = f"The server stated the system fingerprint {', '.join(new)}" + (
        f" beside {', '.join(sorted(met.fingerprints))} of the handshake" if met.fingerprints else ""
    )
    if met.canary is None:
        return f"{found}: that its systems are alike, nothing shows."
    unmet = [each for each in new if each not in again]
    if unmet:
        return f"{found}; {', '.join(unmet)} was not met again, and that it is like the others, nothing shows."
    return f"{found}; asked the handshake's question again, it answered in the same words."


def _compared(endpoint: Endpoint, met: Handshake, reply: Reply) -> Answer:
    try:
        if not reply.well:
            raise Unreadable(reply.problem())
        return Answer.read(reply.json())
    except ValueError as error:
        raise incomparable(f"{endpoint.base}{met.dialect.path}", str(error)) from None


def canary_of(answers: Sequence[Answer]) -> str | None:
    """The digest of what all answers say; None where they differ, or say nothing."""
    texts = {answer.text for answer in answers}
    return codec.digest(texts.pop().encode()) if len(texts) == 1 and texts != {""} else None


def fingerprints_of(answers: Sequence[Answer]) -> frozenset[str]:
    """The system fingerprints that the answers state."""
    return frozenset(answer.fingerprint for answer in answers if answer.fingerprint is not None)


def owner_of(endpoint: Endpoint, model: str) -> str | None:
    """Whom the list of models names as the owner; None where there is no list, or not this model on it."""
    try:
        (reply,) = endpoint.send([Call(path="/models", retries=0)])
        listed = reply.json()["data"] if reply.well else []
        named = [each["owned_by"] for each in listed if each["id"] == model]
    except (TargetError, ValueError, KeyError, TypeError):
        return None
    return whole(str(named[0])) if named else None
