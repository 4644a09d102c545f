"""Resting: the power of the metered parts while nothing is asked, before the model is loaded and with it in memory.

With the model loaded and the device at rest this is what is subtracted from gross energy (measurement C-2).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from probandum.energy import Meter
from probandum.evidence import Reading

#: In how many windows the rest with the model loaded is metered; every other one is held against those between.
PIECES = 10
#: How often sampled power is looked at in one of them.
_LOOKS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Conduct:
    """How windows are metered, as the plan says under ``energy``; seconds at rest, of warming up, and of that at most.

    The defaults are those of whoever asks without a plan: hardly any rest, and no more warming than a probe asks for.
    """

    idle_seconds: float = 0.1
    warm_up_seconds: float = 0.0
    warm_up_at_most: float = 0.0


def at_rest(meter: Meter, seconds: float, pieces: int) -> list[Reading]:
    """So many windows over the second half of ``seconds``, in which nothing is asked; in the first the parts settle.

    None where the meter reads nothing, such as a log that does not cover them.
    """
    piece = seconds / 2 / pieces
    if seconds <= 0 or not meter.reads or _rested(meter, piece).joules is None:
        return []
    time.sleep(max(0.0, seconds / 2 - piece))
    found = [_rested(meter, piece) for _ in range(pieces)]
    return [] if any(each.joules is None for each in found) else found


def _rested(meter: Meter, seconds: float) -> Reading:
    token = meter.begin()
    for _ in range(_LOOKS):
        time.sleep(seconds / _LOOKS)
        meter.look()
    return meter.end(token)


def watts_of(readings: Sequence[Reading]) -> float | None:
    """The power over all of them together; None where there are none, or one has no joules.

    >>> each = [Reading(cpu_joules=joules, seconds=2.0, meter="RAPL", grade="B") for joules in (10.0, 14.0)]
    >>> watts_of(each), watts_of([])
    (6.0, None)
    """
    joules = [each.joules for each in readings]
    if not joules or any(each is None for each in joules):
        return None
    return sum(each or 0.0 for each in joules) / sum(each.seconds for each in readings)


def idle_watts(meter: Meter, seconds: float) -> float | None:
    """The power of the metered parts while nothing is asked of them; None where they are not read."""
    return watts_of(at_rest(meter, seconds, 1))
