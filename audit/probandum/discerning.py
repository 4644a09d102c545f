"""Whether answers to questions that are asked again are of one system, of another one, or of two by turns.

Of each question there is the answer of then and one of now, and of some, drawn by chance, two more of now.

1. The noise of a system is what the nearest two of three answers lie apart in nine of ten questions. Where two systems
   answer by turns two of three are of one of them, so that their difference is none of it.
2. Answers lie beyond the bar where they are further apart than ten times the noise; than ten times the widest of the
   system's own differences, as far as rounding and batches bring answers apart; and never than half of what the answers
   span.
3. Another system is where the answer of then lies beyond the bar from each of now; of decisions, where more do than
   one in a thousand checks leaves of a system that has one in 250 such by itself. Two answer by turns where more
   questions have answers beyond the bar than one system leaves in one of a thousand checks that answers one in 500
   otherwise by itself, or one in 50 decisions, or one in 20 texts; and where most have no third answer beside the two.
4. Of a system that answers by chance there must be so many others than itself gives as chance leaves in one of a
   thousand checks.
5. Numbers that a system rounds to a decimal place jump by one step where the one behind them lies between two: by one
   step they are decisions under rule 3, or under rule 4 alone (``rehearing.looks``).

How often one system is accused all the same, by 100 simulated checks each of 94 of 600 questions, of a score that is
spread evenly from 0 to 1 (``tests/audit/test_discerning.py`` has some of them): in none where normal noise on the
score is .0001 to .01 and it is rounded to 2 or 3 places, or decided at a threshold; in 4 where it is .02 before a
threshold, and in 25 where it is .03; in all where it is .01 before it is rounded to one place. Where scores crowd at
the threshold n times as densely, an nth of that noise does as much. A number alone shows another system by rule 3,
which normal noise gives in one of 10^9 answers (6 of its standard deviations) and noise with tails as long as those of
t with 2 degrees of freedom in one of ten checks.

How often two systems that give another answer to a share of the questions are found, by as many: where each answers
half of the calls, by numbers at 15 % in 99, at 7.5 % in 92, at 3 % in 53 to 60; by decisions at 30 % in all, at 15 % in
95, at 7.5 % in 26 to 31, at 3 % in none. Where the second answers a tenth of the calls, by numbers at 15 % in 77 to 89,
at 7.5 % in 44 to 66; by decisions at 30 % in 56 to 82, at 15 % in 1 to 7. What is not found is no silent pass: other
answers that are no proof stand as a caution of the record, with their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from probandum.evidence import Floats

Answers = Literal["numbers", "decisions", "texts"]

#: How much further than the noise.
WIDER = 10.0
#: How rare it must be that chance answers so.
CHANCE = 1e-3
#: The share of questions that one system may answer otherwise by itself: a decision whose score lies about as near to
#: the threshold as its noise; and texts, of which one close call of many changes all that follows.
_ODD = {"numbers": 0.002, "decisions": 0.02, "texts": 0.05}
#: The share of decisions that were otherwise then, and are the same three times now, of one system.
_STAYED = 0.004
#: The difference of two numbers that a system rounds, in steps, that may be of the least noise.
_STEPS = 1.5
#: The share of them with a third answer from which on they are noise: three systems by turns leave one in four.
_THIRD = {"numbers": 0.5, "decisions": 0.5, "texts": 0.05}
_NOISE = 0.9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Again:
    """One question by how far each two of its answers lie apart, the first of them that of then.

    ``rounding``: how far rounding and batches may bring answers apart; ``most``: half of what the answers span;
    ``drawn``: whether it was asked twice more by chance, and not because it was answered otherwise; ``step``: of what
    the system rounds its answers to, 0 where it does not.
    """

    apart: Floats
    rounding: float
    most: float
    drawn: bool = False
    step: float = 0.0

    @property
    def least(self) -> float:
        """The least bar: within it answers are the same whatever else was answered."""
        return max(1.0, _STEPS * self.step)

    @property
    def thrice(self) -> bool:
        """Whether it was asked twice more."""
        return len(self.apart) > 2

    @property
    def nearest(self) -> float:
        """How far the nearest two of the answers of now lie apart."""
        return float(min(self.apart[1, 2], self.apart[1, 3], self.apart[2, 3]))

    @property
    def own(self) -> list[float]:
        """How far the answers of now lie apart, one time and the next."""
        return [float(self.apart[place, place + 1]) for place in range(1, len(self.apart) - 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Discerned:
    """What answers show. ``bars``: beyond what each question's answers are others; ``others`` and ``turned``: the
    places of questions with another answer than then, and with one and the other. ``open``: more questions would tell.
    """

    says: Literal["same", "other", "turns"]
    bars: tuple[float, ...]
    others: tuple[int, ...] = ()
    turned: tuple[int, ...] = ()
    at_first: tuple[int, ...] = ()
    own: int = 0
    pairs: int = 0
    open: bool = False


def discern(found: Sequence[Again], answers: Answers, *, samples: bool = False) -> Discerned:
    """What answers show of the systems behind them. ``samples``: the system is known to answer by chance."""
    noise = _noise(found) if answers == "numbers" else 0.0
    widest = max((each for again in found for each in again.own if np.isfinite(each)), default=0.0)
    bars = tuple(_bar(each, noise, widest) for each in found)
    pairs = list(enumerate(zip(found, bars, strict=True)))
    unlike = [place for place, (each, bar) in pairs if float(each.apart.max()) > bar]
    thrice = [place for place in unlike if found[place].thrice]
    others = tuple(place for place in thrice if float(found[place].apart[0, 1:].min()) > bars[place])
    turned = tuple(place for place in thrice if place not in others)
    at_first = tuple(place for place, (each, bar) in pairs if each.apart[0, 1] > bar)
    own = [one > bar for _, (each, bar) in pairs if each.drawn for one in each.own]
    thirds = [found[place].nearest > max(1.0, noise) for place in thrice]
    by_chance = samples or any(WIDER * noise > each.most for each in found)
    by_chance |= bool(thirds) and sum(thirds) > _THIRD[answers] * len(thirds)
    rare = _tail(len(at_first), len(found), sum(own), len(own)) < CHANCE
    says: Literal["same", "other", "turns"] = "same"
    if not by_chance and turned and _too_many(len(unlike), len(found), _ODD[answers]):
        says = "other" if len(others) > len(turned) else "turns"
    elif rare or (not by_chance and _stayed(len(others), len(turned), len(found), answers)):
        says = "other"
    return Discerned(
        says=says,
        bars=bars,
        others=others,
        turned=turned,
        at_first=at_first,
        own=sum(own),
        pairs=len(own),
        open=says == "same" and bool(turned or others) and not by_chance,
    )


def _noise(found: Sequence[Again]) -> float:
    nearest = [each.nearest for each in found if each.drawn and each.thrice and np.isfinite(each.nearest)]
    return float(np.quantile(nearest, _NOISE)) if nearest else 0.0


def _bar(each: Again, noise: float, widest: float) -> float:
    return max(each.least, min(max(WIDER * noise, min(WIDER * widest, each.rounding)), each.most))


def _stayed(others: int, turned: int, of: int, answers: Answers) -> bool:
    """Whether answers that were otherwise then, and stay the same now, are of another system."""
    if answers == "decisions":
        return _too_many(others, of, _STAYED)
    return others > 0 and (answers == "numbers" or not turned)


def _too_many(unlike: int, of: int, odd: float) -> bool:
    """Whether chance leaves so many of one system in fewer than one of a thousand checks."""
    from scipy.stats import binom

    return float(binom.sf(unlike - 1, of, odd)) < CHANCE


def _tail(others: int, of: int, own: int, pairs: int) -> float:
    """The probability of at least so many others, were ``others + own`` drawn at random from ``of + pairs``.

    >>> _tail(2, 2, 0, 2), _tail(0, 5, 1, 5)
    (0.16666666666666666, 1.0)
    """
    from scipy.stats import hypergeom

    return float(hypergeom.sf(others - 1, of + pairs, others + own, of)) if of and others else 1.0
