"""Whether a server still is the system that the audit began with: questions that it answered are asked again.

A greeting tells no two fine-tunes of one model apart, and one row no two models of one task. So a seeded sample of what
was really asked, from the first question to the last, is asked once more, and never of a cache: by a run that was
interrupted before it asks anything new, and when the asking is over. Rows of which one request holds many are asked
together, any other question alone.

1. Where all answers are those of then, the system is the same, as far as so many questions can show.
2. Otherwise those that were answered otherwise, and some of all, are asked twice more, inputs that can be
   together and then alone again, which shows how far the answers of one system lie apart.
3. A number is another system's where it lies further from each new one than ten times as far. A text or a decision is
   where it stays another one. Where the system answers in other words itself from one time to the next, there must be
   so many others as chance leaves in one of a thousand checks.

What cannot be told so becomes a caution of the record, and so does which change so many questions would have missed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from probandum.errors import Exchanged, TargetError, Unreachable
from probandum.evidence import Request, Response
from probandum.packing import checked
from probandum.remembering import ELSE, KEPT, NATS, Question, Sample, alone, apart, blocks, equal, joined, said
from probandum.target import Target

#: How many requests ask again at least, where so much was asked, and the share of those of the run beyond that.
FLOOR, SHARE = 64, 0.05
#: The probability with which a change may be missed.
MISSED = 0.05
#: How many are drawn to be asked twice more, whatever was answered.
OTHERS = 64
#: How much further than it was seen to.
_WIDER = 10.0
#: How rare others must be where chance answers.
_CHANCE = 1e-3
_RESUME = "see that the server runs; the same command asks what was not answered"


def asked_again(inputs: int, *, at_once: int = 1) -> int:
    """The most questions that are asked again of so many, where all are answered as before.

    ``at_once``: how many one request holds. 64 requests and one for each 20 of the run; no more than are kept.

    >>> asked_again(10), asked_again(600), asked_again(600, at_once=10), asked_again(1_000_000)
    (10, 94, 598, 598)
    """
    return min(inputs, KEPT, FLOOR * at_once + math.floor(SHARE * inputs))


def share_seen(questions: int, *, missed: float = MISSED) -> float:
    """The smallest share q of other answers that so many questions miss with a probability of at most ``missed``.

    Each misses it with the probability 1 - q, so that n of them do with (1 - q)^n. Half of the fewest that a run is
    asked again, and half of all that are kept:

    >>> share_seen(2, missed=0.25), round(share_seen(FLOOR // 2), 3), round(share_seen(KEPT // 2), 3), share_seen(0)
    (0.5, 0.089, 0.01, 1.0)
    """
    return 1.0 - missed ** (1.0 / questions) if questions else 1.0


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
        at_once = 1 if self._sample.words else self._target.at_once
        questions = self._sample.spread(asked_again(self._sample.seen, at_once=at_once))
        self.cautions = ()
        found = self._compared(questions, together=at_once > 1)
        if not all(each.same for each in found):
            self._refuse_others(found)
        if not self.cautions:  # else less shows than that
            self._say_what_shows(questions)

    def _say_what_shows(self, questions: Sequence[Question]) -> None:
        """Which change of the system so few questions would have missed; nothing where all were asked again."""
        of = self._sample.seen
        if len(questions) == of:
            return
        share = share_seen(sum(2 * each.place < of for each in questions))
        told = (
            f"When the asking was over, {len(questions):,} of its {of:,} questions were asked again, to see that the "
            f"system is the same: one that became another in the second half of the audit, and answers {share:.2%} of "
            f"the questions otherwise, would have been missed with a probability of at most {MISSED:.0%}."
        )
        self.cautions += (told,)

    def _refuse_others(self, found: Sequence[_Found]) -> None:
        """Exchanged where an answer that is not that of then is no chance of one system."""
        some = {*np.linspace(0, len(found) - 1, min(OTHERS, len(found))).round().astype(int).tolist()}
        asked = [place for place, each in enumerate(found) if place in some or not each.same]
        twice = self._twice([found[place] for place in asked])
        again = {
            place: replace(found[place], now=(*found[place].now, *more))
            for place, more in zip(asked, twice, strict=True)
        }
        words = {place: each for place, each in again.items() if each.question.in_words}
        self._refuse_numbers([again[place] for place in asked if place not in words])
        drawn = [each for place, each in words.items() if place in some]
        self._refuse_words([each for each in found if each.question.in_words], list(words.values()), drawn)

    def _refuse_numbers(self, found: Sequence[_Found]) -> None:
        own = [pair.apart for each in found for pair in each.own]
        most = max((each for each in own if np.isfinite(each)), default=0.0)
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

    def _refuse_words(self, found: Sequence[_Found], again: Sequence[_Found], drawn: Sequence[_Found]) -> None:
        """``again``: those of ``found`` that were asked three times; ``drawn``: the same without those that were only
        because they were answered otherwise.
        """
        at_first = [each for each in found if not each.same]
        if self._target.steady is not False and all(each.steady for each in again):
            if at_first:
                raise self._exchanged(at_first[0])
            return
        own = [pair for each in drawn for pair in each.own]
        differ = sum(not equal(each.one, each.other) for each in own)
        if _tail(len(at_first), len(found), differ, len(own)) < _CHANCE:
            raise self._exchanged(at_first[0])
        if at_first:
            told = (
                f"Asked again, the system answered {len(at_first)} of {len(found)} questions in other words than "
                f"in the audit, and itself in other words from one time to the next in {differ} of {len(own)}: "
                "that its model was not exchanged meanwhile, these answers cannot show."
            )
            self.cautions += (told,)

    def _exchanged(self, found: _Found) -> Exchanged:
        then, now = said(found.then), said(found.now[0])
        return Exchanged(f"asked {found.question} again, it answered {now}, and {then} before: this is another system")

    def _add(self, probe: str, requests: Sequence[Request], responses: Sequence[Response]) -> None:
        for request, response in zip(requests, responses, strict=True):
            self._sample.add(probe, request, response)

    def _twice(self, found: Sequence[_Found]) -> Iterator[tuple[Response, Response]]:
        questions = [each.question for each in found]
        return zip(self._together(questions), self._alone(questions), strict=True)

    def _together(self, questions: Sequence[Question]) -> list[Response]:
        """The answers to all questions once more, those that can stand in one block together; texts are asked alone."""
        written = [each for each in questions if each.response.texts]
        answers = dict(zip((each.place for each in written), self._alone(written), strict=True))
        for block in blocks([each for each in questions if not each.response.texts]):
            (answer,) = self._answered([joined(block)])
            for row, each in enumerate(block):
                answers[each.place] = alone(answer, row)
        return [answers[each.place] for each in questions]

    def _alone(self, questions: Sequence[Question]) -> list[Response]:
        """The answers to all questions once more, each asked alone."""
        return self._answered([each.request for each in questions])

    def _compared(self, questions: Sequence[Question], *, together: bool) -> list[_Found]:
        """Each question asked once more."""
        answers = self._together(questions) if together else self._alone(questions)
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
    def steady(self) -> bool:
        """Whether it was answered in the same words each time."""
        return all(equal(each.one, each.other) for each in self.own)

    @property
    def own(self) -> list[_Pair]:
        """What was answered now, one time and the next."""
        return [
            _Pair(question=self.question, one=one, other=other)
            for one, other in zip(self.now, self.now[1:], strict=False)
        ]


def _tail(others: int, of: int, own: int, pairs: int) -> float:
    """The probability of at least so many others, were ``others + own`` drawn at random from ``of + pairs``.

    >>> _tail(2, 2, 0, 2), _tail(0, 5, 1, 5)
    (0.16666666666666666, 1.0)
    """
    from scipy.stats import hypergeom

    return float(hypergeom.sf(others - 1, of + pairs, others + own, of)) if of and others else 1.0


def _incomparable(why: str) -> Unreachable:
    return Unreachable(f"asked again whether it is still the same system: {why}", remedy=_RESUME)
