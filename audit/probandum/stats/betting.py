"""Betting against a limit: capital that cannot grow in expectation while the null hypothesis holds.

Before each outcome x in [0, 1] a bet of size ``lam`` is laid against "mean = m", and the capital is multiplied
by ``1 + lam (x - m)``. Bets below 0 speak for a mean below m, bets above 0 for one above; each side keeps a
capital of its own. Under the null the capital exceeds 1 / alpha at any time, ever, with probability alpha at
most (Ville 1939), so one may look after every outcome and stop at will. Bets use the past only::

    0/1 outcomes    lam = (guess - m) / (m (1 - m)),  guess = (sum + w m) / (t + w),  w = 1 / (2 min(m, 1 - m))
    others          lam = (mean - m) / (variance + (mean - m)^2),  aGRAPA of Waudby-Smith and Ramdas (2024)

with |lam| at most 0.9 (others: 0.5) of the bet that could lose everything. Drawn without replacement from N
items, the next outcome has the mean (N m - sum) / (N - t) in place of m. Calling x what was 1 - x turns the
sides and changes nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from probandum.finding import Stream
from probandum.stats.families import Family, last_inside
from probandum.stats.intervals import Interval, interval_of

Side = Literal["above", "below"]

#: How much of the ruinous bet is ever laid: 0/1 outcomes, others.
BOLDEST = {True: 0.9, False: 0.5}

#: How near to 0 or 1 the mean of what is left counts as there.
TOLERANCE = 1e-9


@dataclass(slots=True, kw_only=True)
class Past:
    """What was seen before an outcome: one number each, or arrays for every outcome of streams at once.

    ``mean`` and ``variance`` start as if a first outcome had been 1/2 with variance 1/4.
    """

    n: Any = 0
    total: Any = 0.0
    squares: Any = 0.25

    @property
    def mean(self) -> Any:
        """The regularised mean."""
        return (0.5 + self.total) / (self.n + 1)

    @property
    def variance(self) -> Any:
        """The regularised variance, around the means of their times."""
        return self.squares / (self.n + 1)

    def add(self, x: float) -> None:
        """Take in one outcome."""
        self.n += 1
        self.total += x
        self.squares += (x - self.mean) ** 2

    @classmethod
    def before_each(cls, xs: Any) -> Past:
        """The pasts of all outcomes of streams, shape (..., n)."""
        before = np.arange(xs.shape[-1])
        totals = np.cumsum(xs, axis=-1)
        means = (0.5 + totals) / (before + 2)
        squares = 0.25 + np.cumsum((xs - means) ** 2, axis=-1)
        first = np.zeros_like(xs[..., :1])
        return cls(
            n=before,
            total=np.concatenate([first, totals[..., :-1]], axis=-1),
            squares=np.concatenate([first + 0.25, squares[..., :-1]], axis=-1),
        )


def gain(x: Any, past: Past, m: float, side: Side, *, binary: bool, population: int | None) -> Any:
    """The log growth of the capital on ``side`` of m (0 < m < 1) by the outcome x: numbers or arrays alike.

    While the mean of what is left is 0 or 1 nothing is betted: the next outcome can only refute it outright.
    """
    here = m if population is None else (population * m - past.total) / (population - past.n)
    open_to_bets = (here > TOLERANCE) & (here < 1 - TOLERANCE)
    here = np.where(open_to_bets, here, 0.5)
    if binary:
        weight = 0.5 / min(m, 1 - m)
        bet = ((past.total + weight * m) / (past.n + weight) - here) / (here * (1 - here))
    else:
        gap = past.mean - here
        bet = gap / (past.variance + gap * gap)
    if side == "below":
        bet = np.minimum(np.maximum(bet, -BOLDEST[binary] / (1 - here)), 0.0)
    else:
        bet = np.maximum(np.minimum(bet, BOLDEST[binary] / here), 0.0)
    return np.where(open_to_bets, np.log1p(bet * (x - here)), 0.0)


def refuted(past: Past, m: float, side: Side, population: int | None) -> bool:
    """Whether what is left of a finite population can no longer bring its mean to m; then it is on ``side``."""
    if population is None:
        return False
    rest, left = population * m - past.total, population - past.n
    if left:
        rest /= left
    return bool(rest > min(left, 1) + TOLERANCE) if side == "below" else bool(rest < -TOLERANCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Betting(Family):
    """The mean of an ordered stream, with bounds and p-values that hold however it was decided when to stop.

    p = 1 / (largest capital so far), and a bound is where p reaches ``alpha``. Nothing is ever said to lie on
    the side of a limit where its mean so far does not lie, so bounds contain the mean and the two sides cannot
    both be shown. Bounds are found by bisection: the limits that are refuted are all those beyond the bound,
    except for orders made up to the contrary, which a random order is not.
    """

    stream: Stream

    @property
    def value(self) -> float:
        """The plain mean. At a stopping time it lies, on average, further from the limit than the truth."""
        return self.outward(self._mean(self._scaled()))

    def lower(self, alpha: float) -> float:
        """The smallest mean that ``alpha`` does not refute; a census has no other than its own."""
        if len(self.stream.values) == self.stream.population:
            return self.value
        xs = self._scaled()
        past = Past.before_each(xs)
        return self.outward(last_inside(lambda m: self._p(m, "above", xs, past) > alpha, self._mean(xs), 0.0))

    def upper(self, alpha: float) -> float:
        """The largest mean that ``alpha`` does not refute; a census has no other than its own."""
        if len(self.stream.values) == self.stream.population:
            return self.value
        xs = self._scaled()
        past = Past.before_each(xs)
        return self.outward(last_inside(lambda m: self._p(m, "below", xs, past) > alpha, self._mean(xs), 1.0))

    def p_above(self, limit: float) -> float:
        """One over the largest capital of the bets on a mean above ``limit``, at most 1."""
        xs = self._scaled()
        return self._p(self.inward(limit), "above", xs, Past.before_each(xs))

    def p_below(self, limit: float) -> float:
        """One over the largest capital of the bets on a mean below ``limit``, at most 1."""
        xs = self._scaled()
        return self._p(self.inward(limit), "below", xs, Past.before_each(xs))

    def spread(self) -> float:
        """The standard deviation of one outcome, never 0."""
        xs = self._scaled()
        squares = 0.25 + float(((xs - xs.mean()) ** 2).sum())
        low, high = self.stream.span
        return (high - low) * math.sqrt(squares / (len(xs) + 1))

    def speed(self, limit: float, side: Side) -> float:
        """The log growth an outcome would bring on average, were bets laid that know the stream."""
        xs, m = self._scaled(), self.inward(limit)
        if not 0 < m < 1:
            return 0.0
        whole = Past(n=len(xs), total=float(xs.sum()), squares=float(Past.before_each(np.append(xs, 0.0)).squares[-1]))
        return float(gain(xs, whole, m, side, binary=self.stream.binary, population=None).mean())

    def inward(self, limit: float) -> float:
        """A limit of the stream on the scale from 0 to 1."""
        low, high = self.stream.span
        return (limit - low) / (high - low)

    def outward(self, m: float) -> float:
        """A mean on the scale from 0 to 1 in the unit of the stream."""
        low, high = self.stream.span
        return low + (high - low) * m

    def _scaled(self) -> Any:
        low, high = self.stream.span
        return (np.array(self.stream.values) - low) / (high - low)

    def _mean(self, xs: Any) -> float:
        return min(max(float(xs.sum()) / len(xs), 0.0), 1.0)

    def _p(self, m: float, side: Side, xs: Any, past: Past) -> float:
        mean, population = self._mean(xs), self.stream.population
        if (mean >= m) if side == "below" else (mean <= m):
            return 1.0
        if not 0 < m < 1:
            return 0.0  # the outcomes do not reach that far, or have left that end
        seen = Past(n=len(xs), total=float(xs.sum()))
        if refuted(seen, m, side, population):
            return 0.0
        gains = gain(xs, past, m, side, binary=self.stream.binary, population=population)
        return math.exp(-max(0.0, float(np.cumsum(gains).max())))


def confidence_sequence(
    xs: Any,
    *,
    alpha: float,
    span: tuple[float, float] = (0.0, 1.0),
    binary: bool = True,
    population: int | None = None,
) -> Interval:
    """The interval of the mean of an ordered stream that holds at every time at once, whenever one stopped.

    ``xs``: shape (n,), n at least 1, within ``span``, in random order. Each end alone errs with probability
    ``alpha``; both, as the ``level`` says, with 2 alpha. The ends are where the bets of ``SequentialTest`` on
    that limit would just not have decided, so that they never contradict it. ``binary=False`` for values
    between the ends of ``span``; ``population``: drawn without replacement from so many.

    81 calls without an event are the fewest that pass a limit of 5 %:

    >>> [round(confidence_sequence([0] * n, alpha=0.05).high, 4) for n in (80, 81)]
    [0.0503, 0.0497]
    """
    stream = Stream(values=tuple(float(x) for x in xs), span=span, binary=binary, population=population)
    return interval_of(Betting(stream=stream), level=1 - 2 * alpha, method="sequential")
