"""Whether a server still is the system that the audit began with: questions that it answered are asked again.

A greeting tells no two fine-tunes of one model apart, and one row no two models of one task. So a seeded sample of what
was really asked, from the first question to the last, is asked once more, and never of a cache. Rows of which one
request holds many are asked together, any other question alone.

1. When the asking is over, by 64 requests and one for each 20 of the run. Where all answers are those of then, the
   system is the same, as far as so many questions can show.
2. Otherwise those that were answered most otherwise, and some of all, are asked twice more, inputs that can be
   together and then alone again; ``discerning`` says whether these are answers of one system, of another one, or of two
   by turns. Where some questions seem to have two answers and too few to tell, as many others are asked as well.
3. Before an interrupted run asks anything new, by a tenth of what is recorded, at least 4 questions and at most 16
   requests, so that a run that is interrupted again and again goes on; where these leave it open, by as many as in the
   end. 16 questions meet another answer in 95 of 100 times where 17 % have one, and 4 where 53 % have. The check in the
   end finds the others, for which one session has to be long enough: it begins anew in each.

All of these count as spent, also where a run is interrupted. What cannot be told becomes a caution of the record, and
so does which change so many questions would have missed.
"""

from __future__ import annotations

import inspect
import itertools
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from probandum.budget import Purse, Spent
from probandum.discerning import discern
from probandum.errors import BudgetSpent, Exchanged, TargetError, Unreachable
from probandum.evidence import Reading, Request, Response
from probandum.packing import checked
from probandum.probe import Window
from probandum.rehearing import Found, exchanged, looks, unclear
from probandum.remembering import KEPT, Question, Sample, alone, blocks, joined
from probandum.target import Target

#: How many requests ask again at least, where so much was asked, and the share of those of the run beyond that.
FLOOR, SHARE = 64, 0.05
#: The probability with which a change may be missed.
MISSED = 0.05
#: How many are drawn to be asked twice more, whatever was answered, and how many are because they were otherwise.
OTHERS = 64
#: How many questions are asked again at least, and requests at most, of a run that is taken up.
FEW, SOME = 4, 16
#: What is kept for the questions of the check in the end, as a multiple of the mean of all: they may be longer ones.
_ABOVE = 1.1
_MORE = "run it again with a larger execution.budget: what was asked is kept"
_RESUME = "see that the server runs; the same command asks what was not answered"


class Journal(Protocol):
    """Where it is written down what was spent."""

    def write_again(self, window: Window) -> None:
        """Keep what asking again took."""
        ...


def asked_again(inputs: int, *, at_once: int = 1) -> int:
    """The most questions that are asked again of so many in the end, where all are answered as before.

    ``at_once``: how many one request holds. 64 requests and one for each 20 of the run; no more than are kept.

    >>> asked_again(10), asked_again(600), asked_again(600, at_once=10), asked_again(1_000_000)
    (10, 94, 598, 598)
    """
    return min(inputs, KEPT, FLOOR * at_once + math.floor(SHARE * inputs))


def asked_on_resuming(inputs: int, *, at_once: int = 1) -> int:
    """The same before an interrupted run goes on, of which so many are recorded.

    >>> asked_on_resuming(3), asked_on_resuming(36), asked_on_resuming(126, at_once=7), asked_on_resuming(10_000)
    (3, 4, 12, 16)
    """
    return min(inputs, KEPT, max(FEW, min(inputs // 10, SOME * at_once)))


def share_seen(questions: int, *, missed: float = MISSED) -> float:
    """The smallest share q of other answers that so many questions miss with a probability of at most ``missed``.

    Each misses it with the probability 1 - q, so that n of them do with (1 - q)^n. Half of the fewest that a run is
    asked again, and half of all that are kept:

    >>> share_seen(2, missed=0.25), round(share_seen(FLOOR // 2), 3), round(share_seen(KEPT // 2), 3), share_seen(0)
    (0.5, 0.089, 0.01, 1.0)
    """
    return 1.0 - missed ** (1.0 / questions) if questions else 1.0


class Reasking:
    """What one run knows of its server. ``cautions``: what the last check could not tell.

    What it asks is paid for from ``purse``, and written into ``journal``, so that a run that is taken up knows of it.
    """

    def __init__(
        self, target: Target, *, seed: int, purse: Purse | None = None, journal: Journal | None = None
    ) -> None:
        self._target = target
        self._sample = Sample(seed)
        self._purse, self._journal = purse, journal
        self._recalled = False
        self.cautions: tuple[str, ...] = ()

    def takes(self, requests: int) -> Spent:
        """What the check in the end takes once so many were asked, a tenth of the tokens above the mean of all."""
        again = asked_again(requests, at_once=self._target.at_once)
        read, written = (math.ceil(_ABOVE * again * each) for each in self._sample.took)
        return Spent(requests=again, input_tokens=read, output_tokens=written)

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
            self._compare(asked_on_resuming(self._sample.seen, at_once=self._at_once), in_the_end=False)
            self.cautions = ()  # the check in the end says what holds of the whole run

    def refuse_other(self) -> None:
        """Exchanged, naming the question, where another system answers; Unreachable where one is not answered."""
        self.cautions = ()
        most = asked_again(self._sample.seen, at_once=self._at_once)
        questions = self._compare(most, in_the_end=True)
        if not self.cautions:  # else less shows than that
            self._say_what_shows(questions)

    @property
    def _at_once(self) -> int:
        return 1 if self._sample.words else self._target.at_once

    @property
    def _tell(self) -> str:
        """What a plan says of such a target where it answers by chance; empty where it has no key for that."""
        return "target.samples: true" if "samples" in inspect.signature(type(self._target)).parameters else ""

    def _compare(self, most: int, *, in_the_end: bool) -> Sequence[Question]:
        """The questions that were asked again, at most so many; others too where these leave it open."""
        questions = self._sample.spread(most)
        if self._purse is not None and not in_the_end:
            self._purse.refuse([each.request for each in questions])
        else:
            self._refuse_beyond(questions)
        found = self._compared(questions)
        if not all(each.same for each in found):
            found = self._again(found)
            if self._discern(found):
                known = {each.question.place for each in found}
                more = 2 * most if in_the_end else asked_again(self._sample.seen, at_once=self._at_once)
                others = [each for each in self._sample.spread(more) if each.place not in known]
                self._refuse_beyond(others)
                self._discern([*found, *self._again(self._compared(others), drawing=False)])
        return questions

    def _say_what_shows(self, questions: Sequence[Question]) -> None:
        """Which change of the system so few questions would have missed; nothing where all were asked again."""
        of = self._sample.seen
        if len(questions) == of:
            return
        share = share_seen(sum(2 * each.place < of for each in questions))
        told = (
            f"When the asking was over, {len(questions):,} of its {of:,} questions were asked again, to see that the "
            f"system is the same: one that became another in the second half of the audit, and answers {share:.2%} of "
            f"the questions otherwise, would have been missed with a probability of at most {MISSED:.0%}. Of a change "
            "in the first half only the questions before it can tell, and of two systems that answer by turns those "
            "that met one and then the other: the fewer these are, the more often it is missed."
        )
        self.cautions += (told,)

    def _again(self, found: Sequence[Found], *, drawing: bool = True) -> list[Found]:
        """The same with two more answers to some that are drawn, and to as many of those answered most otherwise."""
        drawn = np.linspace(0, len(found) - 1, min(OTHERS, len(found))).round().astype(int).tolist() if drawing else []
        some = {*drawn}
        others = [place for place, each in enumerate(found) if place not in some and not each.same]
        others.sort(key=lambda place: -found[place].between(found[place].then, found[place].now[0]))
        asked = sorted({*some, *others[:OTHERS]})
        self._refuse_beyond([found[place].question for place in asked], times=2)
        all_found = list(found)
        for place, more in zip(asked, self._twice([found[place] for place in asked]), strict=True):
            each = found[place]
            all_found[place] = replace(each, now=(*each.now, *more), drawn=place in some)
        return all_found

    def _refuse_beyond(self, questions: Sequence[Question], *, times: int = 1) -> None:
        """BudgetSpent where asking these again is beyond the budget, by what they took the first time."""
        read, written = (math.ceil(times * sum(each.took[kind] for each in questions)) for kind in (0, 1))
        more = Spent(requests=times * len(questions), input_tokens=read, output_tokens=written)
        if self._purse is not None and questions and (why := self._purse.beyond(more)) is not None:
            raise BudgetSpent(f"whether it is the same system still has to be asked, and {why}", remedy=_MORE)

    def _discern(self, found: Sequence[Found]) -> bool:
        """Exchanged where answers are no chance of one system; whether more questions would tell more."""
        self.cautions = ()
        open_ = False
        for kind, samples in itertools.product(("texts", "nats", "else"), (False, True)):
            asked = [each for each in found if each.kind == kind and self._samples(each) is samples]
            if not asked:
                continue
            for look in looks(asked, samples=samples):
                shown = discern(look.apart, look.answers, samples=look.samples)
                if shown.says != "same":
                    raise exchanged(asked, shown, tell="" if samples else self._tell)
                open_ |= shown.open
                self.cautions += tuple(unclear(asked, shown, look))
        return open_

    def _samples(self, found: Found) -> bool:
        return self._target.samples(found.question.request)

    def _add(self, probe: str, requests: Sequence[Request], responses: Sequence[Response]) -> None:
        for request, response in zip(requests, responses, strict=True):
            self._sample.add(probe, request, response)

    def _twice(self, found: Sequence[Found]) -> Iterator[tuple[Response, Response]]:
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

    def _compared(self, questions: Sequence[Question]) -> list[Found]:
        """Each question asked once more."""
        answers = self._together(questions) if self._at_once > 1 else self._alone(questions)
        return [Found(question=each, now=(answer,)) for each, answer in zip(questions, answers, strict=True)]

    def _answered(self, requests: Sequence[Request]) -> list[Response]:
        if not requests:
            return []
        began = time.perf_counter()
        try:
            answers = self._target.answer(requests)
        except BaseException as error:
            came = [(len(piece.inputs), piece.response) for piece in self._target.kept]
            self._pay(came, seconds=time.perf_counter() - began)
            if not isinstance(error, TargetError) or isinstance(error, Unreachable):
                raise
            raise self._changed() or _incomparable(error.message) from None
        asked = [(len(request), answer) for request, answer in zip(requests, answers, strict=True)]
        self._pay(asked, seconds=time.perf_counter() - began)
        answers = [checked(request, answer) for request, answer in zip(requests, answers, strict=True)]
        wrong = next((answer.error for answer in answers if answer.error is not None), None)
        if wrong is not None:
            raise _incomparable(wrong)
        return answers

    def _pay(self, answers: Sequence[tuple[int, Response]], *, seconds: float) -> None:
        """Take note of what asking again took, and write it down."""
        spent = Spent.on(answers, seconds=round(seconds, 6))
        if self._purse is not None:
            self._purse.pay(spent)
        if self._journal is not None and spent.requests:
            self._journal.write_again(
                Window(
                    reading=Reading(seconds=spent.seconds, meter="none", grade="D"),
                    requests=spent.requests,
                    input_tokens=spent.input_tokens if spent.counted else None,
                    output_tokens=spent.output_tokens if spent.counted else None,
                )
            )

    def _changed(self) -> Exchanged | None:
        """What the target itself says of another system that it met."""
        try:
            why = self._target.check()
        except TargetError:
            return None
        return None if why is None else Exchanged(why)


def _incomparable(why: str) -> Unreachable:
    return Unreachable(f"asked again whether it is still the same system: {why}", remedy=_RESUME)
