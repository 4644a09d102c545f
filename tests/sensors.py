"""Counters of known power, for tests of what energy probes make of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from probandum.crowding import Company, Crowd, Presence
from probandum.energy import CounterMeter


class Clock:
    """The time that a meter read last, so that counters stand where they stood then, however busy the machine is."""

    def __init__(self) -> None:
        self.last = time.perf_counter()

    def __call__(self) -> float:
        """The time now."""
        self.last = time.perf_counter()
        return self.last


class Watts:
    """A counter behind which a part of constant power stands."""

    def __init__(self, watts: float, part: str = "gpu") -> None:
        self.watts = watts
        self.part = part
        self.grade = "B"
        self.covers = f"{part} of the test"
        self.clock: Clock | None = None

    def read(self) -> float:
        """Joules since the clock began."""
        return self.watts * (time.perf_counter() if self.clock is None else self.clock.last)

    def between(self, before: float, after: float) -> float:
        """The difference."""
        return after - before


class Working(Watts):
    """A part of constant power at rest, to which each round of work that ``rounds`` notes adds so many joules."""

    def __init__(self, watts: float, joules: float, rounds: Sequence[object], part: str = "gpu") -> None:
        super().__init__(watts, part)
        self.joules = joules
        self.rounds = rounds

    def read(self) -> float:
        """Joules at rest and of the rounds."""
        return super().read() + self.joules * len(self.rounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Others(Crowd):
    """Other processes, which take a share of all processor time, however busy the machine of a test is."""

    taking: float = 0.0

    def since(self, before: Presence) -> Company:
        """The share, and nothing in words."""
        return Company((), self.taking)


def metered(*sensors: Watts, crowd: Crowd | None = None) -> CounterMeter:
    """A meter of these parts; the others have none."""
    clock = Clock()
    for sensor in sensors:
        sensor.clock = clock
    why = {part: f"no {part} sensor" for part in ("gpu", "cpu", "dram")}
    missing = {part: text for part, text in why.items() if part not in {sensor.part for sensor in sensors}}
    return CounterMeter("test", sensors, missing, crowd=crowd, clock=clock)
