"""Sequential testing: stop as soon as the outcomes have decided, however often one looked."""

from __future__ import annotations

import math
from collections.abc import Iterable

from probandum.finding import Direction, Stream, Verdict
from probandum.stats.betting import Past, Side, gain, refuted
from probandum.stats.checking import refuse_number, refuse_share, refuse_trials
from probandum.stats.evalues import e_mean


class SequentialTest:
    """Whether the mean of a stream keeps a limit, decided after as few outcomes as the evidence needs.

    ``tau`` is the limit: the most (``at_most``) or the least (``at_least``) that the mean may be, or how far it
    may be from ``around`` (``band``). PASS once the capital betted on the good side reaches 1 / ``alpha_pass``
    (in a band: at both edges, not necessarily at once); FAIL once that betted on a bad side reaches
    ``hypotheses`` / ``alpha_fail``, where ``hypotheses`` counts the one-sided hypotheses of the family that is
    corrected together (a band has two of its own); INCONCLUSIVE after ``n_max`` outcomes. At the limit itself
    it ever passes with probability ``alpha_pass`` at most, and ever fails with ``alpha_fail`` at most.

    Outcomes come in random order from ``span``: 0/1 (``binary``) or anything between. Differences of pairs have
    the span (-1, 1). Drawn without replacement from a finite ``population`` the mean is that population's; a
    limit that the rest can no longer change is decided at once, and a census is exact. Clusters enter as their
    means. Waudby-Smith and Ramdas (2024), Ville (1939).

    >>> test = SequentialTest(0.05, n_max=1000)
    >>> test.extend([0] * 1000).value, test.n
    ('PASS', 81)
    """

    __slots__ = (
        "_edges",
        "_past",
        "_values",
        "alpha_fail",
        "alpha_pass",
        "binary",
        "hypotheses",
        "n_max",
        "population",
        "span",
        "verdict",
    )

    def __init__(
        self,
        tau: float,
        *,
        alpha_pass: float = 0.05,
        alpha_fail: float = 0.05,
        n_max: int,
        direction: Direction = "at_most",
        around: float = 0.0,
        hypotheses: int = 1,
        population: int | None = None,
        binary: bool = True,
        span: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        refuse_share("alpha_pass", alpha_pass)
        refuse_share("alpha_fail", alpha_fail)
        refuse_trials("n_max", n_max)
        refuse_trials("hypotheses", hypotheses)
        if population is not None:
            refuse_trials("population", population)
        self.alpha_pass, self.alpha_fail, self.n_max = alpha_pass, alpha_fail, n_max
        self.population, self.binary, self.span = population, binary, span
        self._edges = _edges(tau, direction, around, span)
        self.hypotheses = max(hypotheses, len(self._edges))
        self._past = Past()
        self._values: list[float] = []
        self.verdict: Verdict | None = None

    @property
    def n(self) -> int:
        """How many outcomes were taken in."""
        return len(self._values)

    @property
    def stream(self) -> Stream:
        """All that was seen, for an ``Estimate``; a new test extended by its values is in the same state."""
        return Stream(values=tuple(self._values), span=self.span, binary=self.binary, population=self.population)

    @property
    def e_pass(self) -> float:
        """The e-value, now, against a violated limit; ``math.inf`` where that is refuted outright."""
        return min(edge.evidence(edge.good, self._past, self.population) for edge in self._edges)

    @property
    def e_fail(self) -> float:
        """The e-value, now, against a kept limit; in a band the mean of those of its edges."""
        return e_mean([edge.evidence(edge.bad, self._past, self.population) for edge in self._edges])

    @property
    def p_pass(self) -> float:
        """The p-value of "the limit is violated", one over the largest e-value so far; valid at any time."""
        return min(1.0, math.exp(-self._log_pass()))

    @property
    def p_fail(self) -> float:
        """The p-value of "the limit is kept", likewise; for Holm's correction."""
        return min(1.0, len(self._edges) * math.exp(-self._log_fail()))

    def update(self, x: float) -> Verdict | None:
        """Take in one outcome; the verdict once there is one, else None.

        ValueError for an outcome that is none, and once the test has stopped.
        """
        if self.verdict is not None:
            raise ValueError(f"the test stopped with {self.verdict} after {self.n} outcomes; expected no more")
        low, high = self.span
        if not low <= x <= high or (self.binary and low < x < high):
            expected = f"{low} or {high}" if self.binary else f"a number from {low} to {high}"
            raise ValueError(f"x is {x}; expected {expected}")
        scaled = (x - low) / (high - low)
        for edge in self._edges:
            edge.bet(scaled, self._past, binary=self.binary, population=self.population)
        self._past.add(scaled)
        self._values.append(float(x))
        self.verdict = self._decided()
        return self.verdict

    def extend(self, xs: Iterable[float]) -> Verdict | None:
        """Take in outcomes until there is a verdict; the rest is left unseen."""
        for x in xs:
            if self.update(x) is not None:
                break
        return self.verdict

    def _decided(self) -> Verdict | None:
        if self._log_pass() >= -math.log(self.alpha_pass):
            return Verdict.PASS
        if self._log_fail() >= math.log(self.hypotheses / self.alpha_fail):
            return Verdict.FAIL
        if self.n == self.population:
            # A census on the limit itself refutes neither side of it, and keeps it.
            return Verdict.PASS
        return Verdict.INCONCLUSIVE if self.n >= self.n_max else None

    def _log_pass(self) -> float:
        return min(edge.against(edge.good, self._past, self.population) for edge in self._edges)

    def _log_fail(self) -> float:
        return max(edge.against(edge.bad, self._past, self.population) for edge in self._edges)


class _Edge:
    """One edge of what a limit tolerates, with the capital betted on each side of it."""

    __slots__ = ("at", "bad", "good", "most", "now")

    def __init__(self, at: float, good: Side) -> None:
        self.at = at
        self.good: Side = good
        self.bad: Side = "above" if good == "below" else "below"
        self.now: dict[Side, float] = {"above": 0.0, "below": 0.0}
        self.most: dict[Side, float] = {"above": 0.0, "below": 0.0}

    def bet(self, x: float, past: Past, *, binary: bool, population: int | None) -> None:
        """Settle both bets laid before ``x`` came."""
        for side in self.now:
            self.now[side] += float(gain(x, past, self.at, side, binary=binary, population=population))
            self.most[side] = max(self.most[side], self.now[side])

    def evidence(self, side: Side, past: Past, population: int | None) -> float:
        """The capital for ``side`` as it stands; infinite once nothing else can be."""
        if refuted(past, self.at, side, population):
            return math.inf
        return math.exp(self.now[side]) if self.now[side] < 709 else math.inf

    def against(self, side: Side, past: Past, population: int | None) -> float:
        """The largest log capital for ``side``; 0 while the mean is not there, infinite once nothing else can be."""
        if past.n == 0 or (past.total >= self.at * past.n if side == "below" else past.total <= self.at * past.n):
            return 0.0
        return math.inf if refuted(past, self.at, side, population) else self.most[side]


def _edges(tau: float, direction: str, around: float, span: tuple[float, float]) -> list[_Edge]:
    """The edges of the limit that lie within ``span``; ValueError where the limit leaves nothing to decide."""
    low, high = span
    refuse_number("tau", tau)
    refuse_number("around", around)
    goods: dict[Side, float]
    if direction == "band":
        if tau <= 0:
            raise ValueError(f"tau is {tau}; a band expects how far from {around} is tolerated, more than 0")
        goods = {"below": around + tau, "above": around - tau}
    elif direction in ("at_most", "at_least"):
        goods = {"below" if direction == "at_most" else "above": tau}
    else:
        raise ValueError(f"direction is {direction!r}; expected at_most, at_least or band")
    edges = [_Edge((at - low) / (high - low), good) for good, at in goods.items() if low < at < high]
    if not edges:
        raise ValueError(
            f"the limit lies at {list(goods.values())}; expected an edge strictly between {low} and {high}"
        )
    return edges
