"""Stopping early: a sequential probe asks until its limit is decided, looking after 50, 100, 200, ... outcomes.

What is kept is the ordered outcomes. Their confidence sequence holds at every limit and at whatever time one stopped,
so that another limit may judge them later, and only power is lost. Measurement F4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from probandum import stats
from probandum.errors import BudgetSpent
from probandum.finding import Estimate, Limit, Stream

#: The first look; every other one is after twice as many outcomes.
FIRST_LOOK = 50


def looks(most: int) -> Iterator[tuple[int, int]]:
    """From which outcome to which each look reaches.

    >>> list(looks(180))
    [(0, 50), (50, 100), (100, 180)]
    """
    start, stop = 0, FIRST_LOOK
    while start < most:
        yield start, min(stop, most)
        start, stop = stop, 2 * stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """By what a run may stop asking: the plan's limits, and the one-sided error rates of a PASS and of a FAIL."""

    limits: tuple[Limit, ...] = ()
    alpha_pass: float = 0.05
    alpha_fail: float = 0.05

    def stopper(self, metric: str, place: Mapping[str, str], quantities: int) -> Stopper:
        """The rule for ``metric`` at ``place``, by the most specific limit on it."""
        fitting = [limit for limit in self.limits if limit.fits(metric, place)]
        limit = max(fitting, key=lambda each: len(each.groups), default=None)
        if limit is None:
            return Stopper(None, alpha_pass=self.alpha_pass, alpha_fail=self.alpha_fail, hypotheses=1)
        family = [each for each in self.limits if each.family == limit.family]
        return Stopper(
            limit,
            alpha_pass=self.alpha_pass,
            alpha_fail=self.alpha_fail if limit.alpha is None else limit.alpha,
            hypotheses=sum((quantities if each is limit else 1) * (1 + (each.direction == "band")) for each in family),
        )


class Stopper:
    """The plan's limit on one quantity as a rule for when to stop asking; without a limit all is asked.

    It stops once a PASS is shown at ``alpha_pass``, or a FAIL at ``alpha_fail`` / ``hypotheses``: as many one-sided
    hypotheses as the family that is corrected together is known to hold. Where it holds more, Holm's correction may
    leave a FAIL undecided.
    """

    def __init__(self, limit: Limit | None, *, alpha_pass: float, alpha_fail: float, hypotheses: int) -> None:
        self.limit = limit
        self.alpha_pass = alpha_pass
        self.alpha_fail = alpha_fail
        self.hypotheses = hypotheses

    def estimate(
        self,
        draw: Callable[[int, int], Sequence[float]],
        *,
        most: int,
        unit: str,
        span: tuple[float, float] = (0.0, 1.0),
        binary: bool = True,
        population: int | None = None,
    ) -> Estimate:
        """The mean of the outcomes ``draw(start, stop)`` in their order, asked look by look until decided.

        ``most``: outcomes at most. The order must be random, such as a seeded permutation: what is said rests on it.
        ``span``, ``binary`` and ``population`` as of a :class:`~probandum.finding.Stream`. Where the plan's budget
        ends the asking, the outcomes so far stand; BudgetSpent where there are none.
        """
        values: list[float] = []
        stream: Stream | None = None
        ended = f"all {most} were asked"
        for start, stop in looks(most):
            try:
                values += [float(value) for value in draw(start, stop)]
            except BudgetSpent as error:
                if stream is None:
                    raise
                ended = error.message
                break
            stream = Stream(values=tuple(values), span=span, binary=binary, population=population)
            if (found := self.decided(stream)) is not None:
                ended = f"stopped by the plan's limit, which {found}"
                break
        if stream is None:
            raise ValueError(f"most is {most}; expected at least 1 outcome")
        interval = stats.bounds("sequential", level=0.95, stream=stream)
        return Estimate(
            value=interval.value,
            low=interval.low,
            high=interval.high,
            level=interval.level,
            n=len(values),
            n_effective=len(values),
            unit=unit,
            method="sequential",
            design=f"sequential, looks after {FIRST_LOOK} outcomes and every doubling; {ended}",
            stream=stream,
        )

    def decided(self, stream: Stream) -> Literal["holds", "is broken"] | None:
        """What ``stream`` shows of the limit: that it holds, that it is broken, or neither yet."""
        if self.limit is None:
            return None
        low, high = self.limit.edges()

        def p(edge: float, side: Literal["above", "below"]) -> float:
            return stats.p_value("sequential", edge, side=side, stream=stream)

        good = [p(edge, side) for edge, side in _sides(low, high, good=True)]
        bad = [p(edge, side) for edge, side in _sides(low, high, good=False)]
        if max(good) <= self.alpha_pass:
            return "holds"
        return "is broken" if min(bad) < self.alpha_fail / self.hypotheses else None


def _sides(low: float | None, high: float | None, *, good: bool) -> Iterator[tuple[float, Literal["above", "below"]]]:
    """Each edge of what a limit tolerates, with the side of it that is good, or bad."""
    if high is not None:
        yield high, "below" if good else "above"
    if low is not None:
        yield low, "above" if good else "below"
