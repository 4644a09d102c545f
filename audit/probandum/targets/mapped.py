"""Answers of a JSON endpoint as the toolkit's own: found by expressions, checked, and never guessed at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from probandum.evidence import Capability, Floats, Request, Response
from probandum.subject import spelled
from probandum.targets.answering import SUM_TOLERANCE, probabilities
from probandum.targets.deciding import Deciding
from probandum.targets.endpoint import Reply
from probandum.targets.mapping import Expression, spoken
from probandum.targets.misfit import Misfit
from probandum.units import counted

_DECLINED = object()
#: What stands for null while it is found out which answers are.
_NULL = "\0null"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How replies are read. ``batched``: whether a call holds many inputs; ``decides``: whether it says labels;
    ``deciding``: how those of rows become decisions, as a log has them.
    """

    kind: Capability
    labels: tuple[str, ...]
    response: Expression
    refused: Expression | None
    batched: bool
    decides: bool
    deciding: Deciding | None = None

    def found(self, reply: Reply, inputs: int) -> list[Any]:
        """What was found for each input of a call; ValueError where it is not one answer each."""
        if self.refused is not None and not self.batched and _true(self.refused, reply):
            return [_DECLINED]
        if not reply.well:
            raise ValueError(reply.problem())
        answer = reply.json()
        found = self.response.of(answer)
        declined = self._declined(answer, inputs)
        if not self.batched:
            found = [found]
        if not isinstance(found, list):
            raise ValueError(f"target.response finds {short(found)}, expected a list of {counted(inputs, 'answer')}")
        if len(found) != inputs:
            why = self._nulls(answer, inputs) or _lacking(answer, inputs, len(found))
            raise ValueError(f"{counted(len(found), 'answer')} to {counted(inputs, 'input')}{why}")
        found = [_DECLINED if no else each for no, each in zip(declined, found, strict=True)]
        if any(each is None for each in found):
            raise ValueError("target.response finds nothing in the answer")
        return found

    def _nulls(self, answer: Any, inputs: int) -> str:
        """Which answers are null, where it is these that lack: an expression leaves them out."""
        found = self.response.of(_marked(answer))
        places = [place for place, each in enumerate(found) if each == _NULL] if isinstance(found, list) else []
        if not places or len(found) != inputs:
            return ""
        return f": null for {counted(len(places), 'input')} of this call, the first of them input {places[0] + 1} of it"

    def _declined(self, answer: Any, inputs: int) -> list[Any]:
        """Which inputs of a call of many the system declined."""
        said = None if self.refused is None or not self.batched else self.refused.of(answer)
        if said is None:
            return [False] * inputs
        if not isinstance(said, list) or len(said) != inputs:
            raise ValueError(f"target.refused finds {short(said)}, expected a list of {inputs} times true or false")
        return said

    def response_to(self, request: Request, found: Sequence[Any]) -> Response:
        """The response to a request from what was found for each of its inputs; what does not fit is its error."""
        declined = tuple(place for place, each in enumerate(found) if each is _DECLINED)
        try:
            if self.kind is Capability.GENERATE:
                return Response(texts=tuple(map(_written, found)), refused=declined)
            names = self.labels or spoken(request)
            rows = [self._numbers(each, names) for each in found]
            if self.kind is Capability.CHOOSE:
                return Response(outputs=_logarithms(rows), refused=declined)
            values = probabilities(rows, len(request), names)
            if self.deciding is not None:
                decided = self.deciding.decisions(np.array(self.labels)[values.argmax(axis=1)])
                decided[list(declined)] = 0.0  # of these it decided nothing
                return Response(outputs=decided, labels=self.deciding.labels, refused=declined)
            return Response(outputs=values, labels=self.labels, refused=declined)
        except Misfit as error:
            return Response(error=error.within(request))
        except (ValueError, OverflowError) as error:
            return Response(error=str(error))

    def _numbers(self, found: Any, names: Sequence[str]) -> list[float]:
        """One answer as a number a name; what a declined input holds counts for nothing."""
        if found is _DECLINED:
            return [1.0 / len(names)] * len(names)
        if self.decides:
            said = spelled(found, names)
            if isinstance(found, list | dict) or said not in names:
                raise ValueError(f"it decided {short(found)}, which is none of {', '.join(names)}")
            return [float(name == said) for name in names]
        if isinstance(found, dict):
            if set(found) != set(names):
                raise ValueError(f"it answered for {short(sorted(found))}, expected {', '.join(names)}")
            found = [found[name] for name in names]
        if _number(found) and len(names) == 2 and self.kind is not Capability.CHOOSE:
            return [1.0 - found, float(found)]
        if not isinstance(found, list) or len(found) != len(names) or not all(map(_number, found)):
            what = _texts(found)
            raise ValueError(f"it answered {what}, expected {len(names)} probabilities ({', '.join(names)})")
        return [float(number) for number in found]


def _marked(answer: Any) -> Any:
    """An answer with a text in place of each null."""
    if isinstance(answer, dict):
        return {key: _marked(each) for key, each in answer.items()}
    if isinstance(answer, list):
        return [_marked(each) for each in answer]
    return _NULL if answer is None else answer


def _lacking(answer: Any, inputs: int, found: int) -> str:
    """The first of as many objects as inputs without a key that as many of them have as answers were found.

    >>> _lacking({"rows": [{"p": 0.1}, {"q": 0.2}, {"p": 0.3}]}, 3, 2)
    ": input 2 of this call has no key 'p'"
    """
    if isinstance(answer, list) and len(answer) == inputs and all(isinstance(each, dict) for each in answer):
        for key, count in Counter(key for each in answer for key in each).items():
            if count == found:
                place = next(place for place, each in enumerate(answer) if key not in each)
                return f": input {place + 1} of this call has no key {short(repr(key))}"
    inside = answer.values() if isinstance(answer, dict) else answer if isinstance(answer, list) else ()
    return next(filter(None, (_lacking(each, inputs, found) for each in inside)), "")


def _true(expression: Expression, reply: Reply) -> bool:
    """Whether a reply, an unwell one too, says that the system declined."""
    try:
        return bool(expression.of(reply.json()))
    except ValueError:
        return False


def _logarithms(rows: Sequence[Sequence[float]]) -> Floats:
    """Log-probabilities in nats of answer options; Misfit where one is no probability or 0."""
    array = np.asarray(rows, dtype=np.float64)
    sound = ((array > 0) & (array <= 1)).all(axis=1) & (array.sum(axis=1) <= 1 + SUM_TOLERANCE)
    if not sound.all():
        row = int(np.argmin(sound))
        raise Misfit(row, f"{array[row].tolist()} are no probabilities above 0, summing to at most 1")
    return np.asarray(np.log(array))


def _written(found: Any) -> str:
    if found is _DECLINED:
        return ""
    if not isinstance(found, str):
        raise ValueError(f"it answered {short(found)}, expected a text")
    return found


def _texts(found: object) -> str:
    """What was found, with a word on numbers that came as text.

    >>> _texts("0.5"), _texts(["0.5", "0.5"]), _texts(0.5)
    ("the text '0.5'", "texts: ['0.5', '0.5']", '0.5')
    """
    if isinstance(found, str):
        return f"the text {short(repr(found))}"
    listed = isinstance(found, list) and any(isinstance(each, str) for each in found)
    return f"texts: {short(found)}" if listed else short(found)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def short(value: object) -> str:
    """A value of an answer in a message."""
    text = " ".join(str(value).split())
    return text if len(text) <= 80 else f"{text[:80]}..."
