"""A question that was asked again and its answers: how far these lie apart, and what is said of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from probandum.discerning import Again, Answers, Discerned
from probandum.errors import Exchanged
from probandum.evidence import Response
from probandum.remembering import ELSE, NATS, Question, apart, equal, numbers, said

#: How far rounding, and what else stands in a batch, may bring answers of one system apart: nats of a log-probability;
#: else a share of what all answers span.
_ROUNDING_NATS, _ROUNDING = 0.5, 0.05
#: The share of what all answers span beyond which a difference is none of rounding, however much a system differs.
_MOST = 0.5
#: The most decimals that numbers are taken to be rounded to: further ones lie within what one system may answer apart.
_DECIMALS = 4
#: How exact a number of single precision is, as a share of it.
_SINGLE = 1.2e-7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """A question and what was answered to it now, once or three times; ``drawn``: whatever was answered first."""

    question: Question
    now: tuple[Response, ...]
    drawn: bool = False

    @property
    def then(self) -> Response:
        """What was answered in the audit."""
        return self.question.response

    @property
    def answers(self) -> tuple[Response, ...]:
        """All of them, that of then first."""
        return (self.then, *self.now)

    @property
    def kind(self) -> Literal["texts", "nats", "else"]:
        """What is compared: texts, log-probabilities, or numbers that are no logarithms."""
        return "texts" if self.then.texts else "nats" if self.question.nats else "else"

    @property
    def decides(self) -> bool:
        """Whether each answer is a decision."""
        return all(bool(np.isin(numbers(each), (0.0, 1.0)).all()) for each in self.answers)

    @property
    def least(self) -> float:
        """How far one system may answer apart, in what its answer counts."""
        least, share = NATS if self.question.nats else ELSE
        return least + share * float(np.abs(numbers(self.then)).max(initial=0.0))

    @property
    def same(self) -> bool:
        """Whether it was answered as before, at first."""
        return self.between(self.then, self.now[0]) <= 1.0

    def between(self, one: Response, other: Response) -> float:
        """How far two answers lie apart, in what one system may; two texts are the same or not."""
        if self.kind == "texts":
            return 0.0 if equal(one, other) else np.inf
        return apart(one, other, nats=self.question.nats)

    def beyond(self, bar: float) -> tuple[Response, Response]:
        """Two answers that lie further apart than this."""
        return next((one, other) for one in self.answers for other in self.answers if self.between(one, other) > bar)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One way to look at answers. ``samples``: other ones are no second system's, as long as they are by chance."""

    apart: Sequence[Again]
    answers: Answers
    samples: bool


def looks(found: Sequence[Found], *, samples: bool) -> Iterator[Look]:
    """The ways to look at questions of one kind. ``samples``: the system is known to answer by chance.

    Numbers that a system rounds jump by one step where the one behind them lies between two: by less than that they
    are the same, and by one step each counts as a decision does; by chance where a step is less than what rounding may
    bring apart, or the system itself answers further apart than by one.
    """
    first = found[0]
    if first.kind == "texts":
        yield Look(apart=distances(found), answers="texts", samples=samples)
    elif first.kind == "else" and all(each.decides for each in found):
        yield Look(apart=distances(found), answers="decisions", samples=samples)
    else:
        step = 0.0 if first.kind == "nats" else step_of([numbers(each) for one in found for each in one.answers])
        apart = distances(found, step=step)
        yield Look(apart=apart, answers="numbers", samples=samples)
        if step > 0:
            chance = step <= _ROUNDING * _span(found) or any(max(each.own, default=0.0) > each.least for each in apart)
            yield Look(apart=distances(found), answers="decisions", samples=samples or chance)


def step_of(values: Sequence[np.ndarray]) -> float:
    """The step of the coarsest decimal grid, down to 0.0001, that all values lie on, as exact as single precision; 0
    where they lie on none.

    >>> step_of([np.array([0.25, 0.5])]), step_of([np.array([3.0, 120.0])]), step_of([np.array([0.123456])])
    (0.01, 1.0, 0.0)
    """
    every = np.concatenate([each.reshape(-1) for each in values]).astype(np.float64)
    every = every[np.isfinite(every)]
    for decimals in range(_DECIMALS + 1):
        steps = every * 10.0**decimals
        if bool((np.abs(steps - np.round(steps)) <= 1e-9 + _SINGLE * np.abs(steps)).all()):
            return 10.0**-decimals if every.size else 0.0
    return 0.0


def _span(found: Sequence[Found]) -> float:
    """What all answers of then span."""
    values = np.concatenate([numbers(each.then).reshape(-1) for each in found])
    values = values[np.isfinite(values)]
    return float(np.ptp(values)) if values.size else 0.0


def distances(found: Sequence[Found], *, step: float = 0.0) -> list[Again]:
    """How far the answers to each question lie apart; all are of one kind. ``step``: of what they are rounded to."""
    span = _span(found)
    made = []
    for each in found:
        between = [[each.between(one, other) for other in each.answers] for one in each.answers]
        rounding = _ROUNDING_NATS if each.kind == "nats" else _ROUNDING * span
        made.append(
            Again(
                apart=np.asarray(between, dtype=np.float64),
                rounding=rounding / each.least,
                most=max(rounding, _MOST * span) / each.least,
                drawn=each.drawn,
                step=step / each.least,
            )
        )
    return made


def exchanged(found: Sequence[Found], shown: Discerned, *, tell: str = "") -> Exchanged:
    """What is said where answers are no chance of one system. ``tell``: what a plan says of one that has it."""
    chance = tell and f" (of one that answers by chance, or is noisy near a threshold, {tell} says so)"
    if shown.says == "other":
        each = found[(*shown.others, *shown.at_first)[0]]
        then, now = said(each.then), said(each.now[0])
        told = f"asked {each.question} again, it answered {now}, and {then} before: this is another system"
        return Exchanged(f"{told}{chance}")
    place = shown.turned[0]
    one, other = found[place].beyond(shown.bars[place])
    return Exchanged(
        f"the address answers as two systems by turns: of {len(found):,} questions that were asked again "
        f"{len(shown.others) + len(shown.turned):,} had another answer from one time to the next, such as "
        f"{found[place].question}: {said(one)}, and {said(other)}{chance}"
    )


def unclear(found: Sequence[Found], shown: Discerned, look: Look) -> Iterator[str]:
    """Cautions on what answers of one system could not show."""
    wider = [
        bar * each.least
        for bar, apart, each in zip(shown.bars, look.apart, found, strict=True)
        if bar > apart.least  # else by what it rounds to alone
    ]
    if look.answers == "numbers" and wider:
        yield (
            "Asked the same questions again, the system gave other numbers itself from one time to the next: a "
            f"change of its answers by less than {max(wider):.2g}{' nats' if found[0].kind == 'nats' else ''} during "
            "the audit could not have been told from that."
        )
    if shown.at_first or shown.turned:
        yield (
            f"Asked again, the system answered {len(shown.at_first)} of {len(found)} questions otherwise than in the "
            f"audit, and itself otherwise from one time to the next in {shown.own} of {shown.pairs}: that its model "
            "was not exchanged meanwhile, these answers cannot show, nor that no two systems answered by turns that "
            "agree in most of them."
        )
