"""Whether a server still is the system that the audit began with: questions that it answered are asked again.

A greeting tells no two fine-tunes of one model apart, and one row no two models of one task. So a seeded sample of what
was really asked, from the first question to the last, is asked once more, one input at a time and never of a cache: by
a run that was interrupted before it asks anything new, and when the asking is over.

1. Where all answers are those of then, the system is the same.
2. Otherwise the sample is asked twice more, inputs that can be together and then alone again, which shows how far the
   answers of one system lie apart.
3. A number is another system's where it lies further from each new one than ten times as far. Of texts and decisions
   two that stay others are another system's; a single one of many is followed by more questions. Where the system
   answers in other words itself from one time to the next, there must be so many others as chance leaves in one of a
   thousand checks.

What cannot be told so becomes a caution of the record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from probandum.errors import Exchanged, TargetError, Unreachable
from probandum.evidence import Request, Response
from probandum.packing import checked
from probandum.remembering import ELSE, KEPT, NATS, Question, Sample, alone, apart, blocks, equal, joined, said
from probandum.target import Target

#: How many questions are asked again that were answered in numbers: hardly two models agree in one of them.
NUMBERS = 16
#: How many that were answered by a decision or a text: two models may agree in most.
WORDS = KEPT
#: How much further than it was seen to.
_WIDER = 10.0
#: Below so many texts and decisions a single other one is no chance; and how rare others must be where chance answers.
_FEW, _CHANCE = 16, 1e-3
_RESUME = "see that the server runs; the same command goes on from what was answered"


def asked_again(inputs: int) -> int:
    """The most questions that are asked again of so many, where all are answered as before.

    >>> asked_again(10), asked_again(5000)
    (10, 64)
    """
    return min(inputs, WORDS)


class Reasking:
    """What one run knows of its server. ``cautions``: what the last check could not tell."""

    def __init__(self, target: Target, *, seed: int) -> None:
        self._target = target
        self._sample = Sample(seed)
        self._recalled = False
        self.cautions: tuple[str, ...] = ()

    def recall(self, probe: str, requests: Sequence[Request], responses: Sequence[Response]) -> None:
        """Take note of what an interrupted run was answered."""
        self._recalled = True
        self._add(probe, requests, responses)

    def note(self, probe: str, requests: Sequence[Request], responses: Sequence[Response]) -> None:
        """Take note of what was answered now."""
        self._recalled = False
        self._add(probe, requests, responses)

    def before_more(self) -> None:
        """Exchanged where an interrupted run is taken up, and another system answers what was answered before."""
        if self._recalled:
            self._recalled = False
            self.refuse_other()

    def refuse_other(self) -> None:
        """Exchanged, naming the question, where another system answers; Unreachable where one is not answered."""
        kept = self._sample.spread()
        words = [each for each in kept if each.in_words]
        numbers = _evenly([each for each in kept if not each.in_words], NUMBERS)
        asked = _evenly(words, WORDS)
        self.cautions = ()
        found = self._compared([*numbers, *asked])
        if all(each.same for each in found):
            return
        found = [replace(each, now=(*each.now, *more)) for each, more in zip(found, self._twice(found), strict=True)]
        own = [pair for each in found for pair in each.own]
        self._refuse_numbers(found[: len(numbers)], [pair for pair in own if not pair.question.in_words])
        rest = [each for each in words if each not in asked]
        self._refuse_words(found[len(numbers) :], rest, [pair for pair in own if pair.question.in_words])

    def _refuse_numbers(self, found: Sequence[_Found], own: Sequence[_Pair]) -> None:
        most = max((each.apart for each in own if np.isfinite(each.apart)), default=0.0)
        for each in found:
            if min(_Pair(question=each.question, one=each.then, other=now).apart for now in each.now) > max(
                1.0, _WIDER * most
            ):
                raise self._exchanged(each)
        if most > 1.0 and found:
            told = (
                "Asked the same questions again, the system gave other numbers itself from one time to the next: a "
                f"change of its answers by less than {_WIDER * most * found[0].least:.2g}{found[0].unit} during the "
                "audit could not have been told from that."
            )
            self.cautions += (told,)

    def _refuse_words(self, found: Sequence[_Found], rest: Sequence[Question], own: Sequence[_Pair]) -> None:
        others = [each for each in found if all(not equal(each.then, now) for now in each.now)]
        differ = sum(not equal(each.one, each.other) for each in own)
        if differ or self._target.steady is False:
            at_first = [each for each in found if not equal(each.then, each.now[0])]
            if _tail(len(at_first), len(found), differ, len(own)) < _CHANCE:
                raise self._exchanged(at_first[0])
            if at_first:
                told = (
                    f"Asked again, the system answered {len(at_first)} of {len(found)} questions in other words than "
                    f"in the audit, and itself in other words from one time to the next in {differ} of {len(own)}: "
                    "that its model was not exchanged meanwhile, these answers cannot show."
                )
                self.cautions += (told,)
            return
        if len(others) == 1 and len(found) >= _FEW:
            others += [each for each in self._compared(rest) if not each.same]
            if len(others) == 1:
                told = (
                    f"Asked again, the system answered {others[0].question} otherwise than in the audit, and "
                    f"{len(found) + len(rest) - 1} others as before: it was taken to be the same system."
                )
                self.cautions += (told,)
                return
        if others:
            raise self._exchanged(others[0])

    def _exchanged(self, found: _Found) -> Exchanged:
        then, now = said(found.then), said(found.now[0])
        return Exchanged(f"asked {found.question} again, it answered {now}, and {then} before: this is another system")

    def _add(self, probe: str, requests: Sequence[Request], responses: Sequence[Response]) -> None:
        for request, response in zip(requests, responses, strict=True):
            self._sample.add(probe, request, response)

    def _twice(self, found: Sequence[_Found]) -> Iterator[tuple[Response, Response]]:
        questions = [each.question for each in found]
        return zip(self._together(questions), (each.now[0] for each in self._compared(questions)), strict=True)

    def _together(self, questions: Sequence[Question]) -> list[Response]:
        """The answers to all questions once more, those that can stand in one block together; texts are asked alone."""
        written = [each for each in questions if each.response.texts]
        answers = {each.place: found.now[0] for each, found in zip(written, self._compared(written), strict=True)}
        for block in blocks([each for each in questions if not each.response.texts]):
            (answer,) = self._answered([joined(block)])
            for row, each in enumerate(block):
                answers[each.place] = alone(answer, row)
        return [answers[each.place] for each in questions]

    def _compared(self, questions: Sequence[Question]) -> list[_Found]:
        """Each question asked once more."""
        answers = self._answered([each.request for each in questions])
        return [_Found(question=each, now=(answer,)) for each, answer in zip(questions, answers, strict=True)]

    def _answered(self, requests: Sequence[Request]) -> list[Response]:
        if not requests:
            return []
        try:
            answers = self._target.answer(requests)
        except Unreachable:
            raise
        except TargetError as error:
            raise self._changed() or _incomparable(error.message) from None
        answers = [checked(request, answer) for request, answer in zip(requests, answers, strict=True)]
        wrong = next((answer.error for answer in answers if answer.error is not None), None)
        if wrong is not None:
            raise _incomparable(wrong)
        return answers

    def _changed(self) -> Exchanged | None:
        """What the target itself says of another system that it met."""
        try:
            why = self._target.check()
        except TargetError:
            return None
        return None if why is None else Exchanged(why)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Pair:
    """Two answers to one question."""

    question: Question
    one: Response
    other: Response

    @property
    def apart(self) -> float:
        return apart(self.one, self.other, nats=self.question.nats)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    """A question and what was answered to it now, once or three times."""

    question: Question
    now: tuple[Response, ...]

    @property
    def then(self) -> Response:
        return self.question.response

    @property
    def least(self) -> float:
        return (NATS if self.question.nats else ELSE)[0]

    @property
    def unit(self) -> str:
        return " nats" if self.question.nats else ""

    @property
    def same(self) -> bool:
        if self.question.in_words:
            return equal(self.then, self.now[0])
        return apart(self.then, self.now[0], nats=self.question.nats) <= 1.0

    @property
    def own(self) -> list[_Pair]:
        """What was answered now, one time and the next."""
        return [
            _Pair(question=self.question, one=one, other=other)
            for one, other in zip(self.now, self.now[1:], strict=False)
        ]


def _evenly(questions: Sequence[Question], most: int) -> list[Question]:
    """At most so many of them, from the first to the last."""
    if len(questions) <= most:
        return list(questions)
    return [questions[place] for place in np.linspace(0, len(questions) - 1, most).round().astype(int)]


def _tail(others: int, of: int, own: int, pairs: int) -> float:
    """The probability of at least so many others, were ``others + own`` drawn at random from ``of + pairs``.

    >>> _tail(2, 2, 0, 2), _tail(0, 5, 1, 5)
    (0.16666666666666666, 1.0)
    """
    from scipy.stats import hypergeom

    return float(hypergeom.sf(others - 1, of + pairs, others + own, of)) if of and others else 1.0


def _incomparable(why: str) -> Unreachable:
    return Unreachable(f"asked again whether it is still the same system: {why}", remedy=_RESUME)
