"""Warming: work before the first metered window, until throughput and temperature are steady (measurement C-1)."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

#: So many stretches of work in a row whose throughput spreads less than so far are steady (a share of their mean).
STRETCHES, SPREAD = 5, 0.02
#: So many degrees Celsius in so many seconds are still steady.
DEGREES, OVER = 1.0, 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Warmth:
    """What warming up came to.

    ``spread``: of the throughput of the last stretches; ``drift``: degrees in 30 seconds by part.
    """

    seconds: float
    steady: bool
    spread: float | None
    drift: Mapping[str, float]

    @property
    def said(self) -> str:
        """In one sentence.

        >>> Warmth(seconds=42.0, steady=True, spread=0.008, drift={"GPU 0": 0.3}).said
        'Warmed up for 42 s: steady, throughput spreads 0.8 % over 5 stretches, GPU 0 drifts 0.3 degrees in 30 s.'
        >>> Warmth(seconds=180.0, steady=False, spread=0.031, drift={}).said
        'Warmed up for 180 s: not steady, throughput spreads 3.1 % over 5 stretches, no temperature can be read.'
        """
        how = "too few stretches to tell"
        if self.spread is not None:
            how = f"throughput spreads {100 * self.spread:.1f} % over {STRETCHES} stretches"
        heat = [f"{part} drifts {degrees:.1f} degrees in {OVER:.0f} s" for part, degrees in self.drift.items()]
        heat = heat or ["no temperature can be read"]
        word = "steady" if self.steady else "not steady"
        return f"Warmed up for {self.seconds:.0f} s: {word}, {', '.join([how, *heat])}."


def warmed(
    work: Callable[[], None],
    *,
    seconds: float,
    at_most: float,
    temperatures: Callable[[], Mapping[str, float]],
    clock: Callable[[], float] = time.perf_counter,
) -> Warmth:
    """Work until it is steady, for at least ``seconds`` and not much longer than ``at_most``.

    A stretch lasts a fifth of ``seconds``, or one round of ``work`` where that takes longer. Steady is what spreads
    less than 2 % over the last five of them, while no part that tells its temperature drifts by a degree in 30 seconds.
    """
    began = clock()
    rates: deque[float] = deque(maxlen=STRETCHES)
    felt: list[tuple[float, Mapping[str, float]]] = [(began, temperatures())]
    while True:
        start, rounds = clock(), 0
        while (now := clock()) - start < seconds / STRETCHES or not rounds:
            work()
            rounds += 1
        rates.append(rounds / (now - start))
        felt.append((now, temperatures()))
        felt = [each for each in felt if each[0] >= now - max(seconds, OVER)]
        spread = float(np.std(rates, ddof=1) / np.mean(rates)) if len(rates) == STRETCHES else None
        drift = {part: drift_of(felt, part) for part in felt[-1][1]}
        steady = spread is not None and spread < SPREAD and all(abs(each) < DEGREES for each in drift.values())
        if (steady and now - began >= seconds) or now - began >= at_most:
            return Warmth(seconds=now - began, steady=steady, spread=spread, drift=drift)


def drift_of(felt: Sequence[tuple[float, Mapping[str, float]]], part: str) -> float:
    """Degrees that a part drifts in 30 seconds, by a straight line through what was felt of it.

    A line, since sensors tell whole degrees: one that flickers between two does not drift.

    >>> drift_of([(0.0, {"GPU": 60.0}), (15.0, {"GPU": 61.0}), (30.0, {"GPU": 62.0})], "GPU")
    2.0
    """
    known = [(at, degrees[part]) for at, degrees in felt if part in degrees]
    if len(known) < 2:
        return 0.0
    times, degrees = (np.array(column) for column in zip(*known, strict=True))
    times = times - times.mean()
    return round(float(times @ degrees / (times @ times)) * OVER, 9)
