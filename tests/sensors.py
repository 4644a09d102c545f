"""Counters of known power, for tests of what energy probes make of them."""

from __future__ import annotations

import time

from probandum.energy import CounterMeter, Meter


class Watts:
    """A counter behind which a part of constant power stands."""

    def __init__(self, watts: float, part: str = "gpu") -> None:
        self.watts = watts
        self.part = part
        self.grade = "B"
        self.covers = f"{part} of the test"

    def read(self) -> float:
        """Joules since the clock began."""
        return self.watts * time.perf_counter()

    def between(self, before: float, after: float) -> float:
        """The difference."""
        return after - before


def metered(*sensors: Watts) -> Meter:
    """A meter of these parts; the others have none."""
    why = {part: f"no {part} sensor" for part in ("gpu", "cpu", "dram")}
    return CounterMeter(
        "test", sensors, {part: text for part, text in why.items() if part not in {s.part for s in sensors}}
    )
