"""Meters: counters read at the boundaries of a window, no thread of ours."""

from __future__ import annotations

import time
from typing import Protocol

from probandum.evidence import Reading


class Meter(Protocol):
    """Something that can say what a stretch of work took."""

    def begin(self) -> object:
        """Read the counters now; the token goes into :meth:`end`."""
        ...

    def end(self, token: object) -> Reading:
        """Read the counters again; the window is what lies between."""
        ...


class NoMeter:
    """No sensor: the time is measured, every joule is None with the reason."""

    def begin(self) -> object:
        """The time now."""
        return time.perf_counter()

    def end(self, token: object) -> Reading:
        """Seconds, and why there is nothing else."""
        assert isinstance(token, float)
        why = "no energy meter was used"
        return Reading(
            seconds=time.perf_counter() - token, meter="none", grade="D", why={"gpu": why, "cpu": why, "dram": why}
        )
