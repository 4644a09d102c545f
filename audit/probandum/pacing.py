"""Pacing: how long the present round of a probe will still take."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable

#: Of how many packs and seconds an estimate of the time left is made at least, and of how many packs at most.
_PACKS, _SECONDS, _RECENT = 3, 5.0, 20
#: A pack that took less, in seconds, was found in a journal or a cache, and says nothing of the system.
_FOUND = 0.005


class Pace:
    """How long the present round will still take, from the last packs that the system itself answered.

    What was found, of an interrupted run or in a cache, came at once: it shortens the round and sets no pace.
    ``clock``: seconds from any beginning.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked: deque[tuple[int, float]] = deque(maxlen=_RECENT)
        self._done = self._of = 0
        self._since = clock()

    def progress(self, done: int, of: int) -> None:
        """``done`` of ``of`` inputs of the present round are answered."""
        now = self._clock()
        if done > self._done and now - self._since >= _FOUND:
            self._asked.append((done - self._done, now - self._since))
        self._done, self._of, self._since = done, of, now

    def seconds_left(self) -> float | None:
        """Seconds to the end of the round; None where too little was answered to say, or nothing is left."""
        seconds = sum(each for _, each in self._asked)
        if len(self._asked) < _PACKS or seconds < _SECONDS or self._done >= self._of:
            return None
        pace = seconds / sum(inputs for inputs, _ in self._asked)
        return max(0.0, (self._of - self._done) * pace - (self._clock() - self._since))

    @property
    def left(self) -> str:
        """The time left in words; empty where it cannot be said."""
        seconds = self.seconds_left()
        return "" if seconds is None else f"about {roughly(seconds)} left in this round"


def roughly(seconds: float) -> str:
    """A duration as exactly as an estimate of it is worth.

    >>> roughly(20), roughly(200), roughly(5400)
    ('1 min', '4 min', '1 h 30 min')
    """
    minutes = max(1, math.ceil(seconds / 60))
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(5 * math.ceil(minutes / 5), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
