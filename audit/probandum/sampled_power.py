"""Power that is sampled and integrated: grade C, since a board measures its power a part of the time.

On recent boards the power that the driver tells is an average over a short part of each of its periods, so that a
load with a rhythm of its own can be read 35 % wrong (Yang, Adamek and Armour 2024). Looking between the answers of
many repeated rounds, which fall where they fall in these periods, and long windows are what makes it come out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from probandum.errors import DataError

#: With fewer looks a window is an interpolation between its ends.
FEWEST = 10
#: How far a counter and the sampled power of one part may lie apart, as a share of the counter's joules.
APART = 0.05


@dataclass(slots=True, kw_only=True)
class SampledPower:
    """One part whose power can be read; its joules are the trapezoids between the looks.

    ``watts`` reads the power now; ``clock`` tells seconds.
    """

    watts: Callable[[], float]
    covers: str
    part: str = "gpu"
    clock: Callable[[], float] = time.perf_counter
    grade: str = field(default="C", init=False)
    _joules: float = field(default=0.0, init=False)
    _looks: int = field(default=0, init=False)
    _last: tuple[float, float] | None = field(default=None, init=False)

    def look(self) -> None:
        """Read the power once more."""
        now, watts = self.clock(), self.watts()
        if self._last is not None:
            then, before = self._last
            self._joules += (now - then) * (watts + before) / 2
        self._last = now, watts
        self._looks += 1

    def read(self) -> tuple[float, int]:
        """Joules and looks so far, this one counted."""
        self.look()
        return self._joules, self._looks

    def between(self, before: tuple[float, int], after: tuple[float, int]) -> float:
        """Joules from one reading to the next; DataError where power was looked at too seldom between them."""
        looks = after[1] - before[1]
        if looks < FEWEST:
            raise DataError(f"{self.covers}: power was read {looks} times in the window, and {FEWEST} are needed")
        return after[0] - before[0]


def apart(counted: float, sampled: float) -> str:
    """How far the two lie apart, in words, where that is more than 5 %; '' where it is not.

    >>> apart(100.0, 104.0), apart(100.0, 90.0)
    ('', '10 % apart: 100 J by its counter, 90 J by its sampled power')
    """
    share = abs(sampled - counted) / counted if counted > 0 else 0.0
    if share <= APART:
        return ""
    return f"{share:.0%} apart: {counted:.4g} J by its counter, {sampled:.4g} J by its sampled power".replace("%", " %")
