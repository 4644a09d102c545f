"""The windows of an energy probe as another meter would read them, for controls, and what metered them in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from probandum.controls import AskThrough
from probandum.evidence import Reading, Request
from probandum.probe import Ask, Window

#: Beside every figure of watt-hours for 1,000 requests.
NOT_COMPARABLE = (
    "in the style of the AI Energy Score, not comparable off its hardware and prompts, and no official rating"
)
#: Seconds of a metered window: a hundred steps of NVML's counter, so that one is 1 % of it (measurement C-1).
_METERED = 10.0


class _ChangedWindows(AskThrough):
    """Every window's reading passes through ``change``."""

    def __init__(self, ask: Ask, change: Callable[[Reading], Reading]) -> None:
        super().__init__(ask)
        self._change = change

    def window(
        self,
        requests: Sequence[Request],
        *,
        repeats: int,
        seconds: float,
        warm_up: int,
        against: Sequence[Request] = (),
    ) -> Iterator[Window]:
        """The same windows, read by another meter."""
        for window in super().window(requests, repeats=repeats, seconds=seconds, warm_up=warm_up, against=against):
            yield replace(window, reading=self._change(window.reading))


def _doubled(reading: Reading) -> Reading:
    """Twice the joules in twice the time; where there is no sensor, ten joules a second in place of none."""
    joules = 2 * reading.joules if reading.joules is not None else 20 * reading.seconds
    return replace(reading, gpu_joules=joules, cpu_joules=None, dram_joules=None, seconds=2 * reading.seconds)


def _without_sensor(reading: Reading) -> Reading:
    return replace(reading, gpu_joules=None, cpu_joules=None, dram_joules=None, why={"gpu": "the sensor was unplugged"})


def least_seconds(ask: Ask, wanted: float | None, *, unmetered: float) -> float:
    """Seconds of a window at least: as the plan says, else ten where joules are read."""
    return wanted if wanted is not None else _METERED if ask.metered else unmetered


def doubled_windows(ask: Ask) -> Ask:
    """The same windows at twice the time and the joules."""
    return _ChangedWindows(ask, _doubled)


def without_sensor(ask: Ask) -> Ask:
    """The same windows without any joule."""
    return _ChangedWindows(ask, _without_sensor)


def metered_by(windows: Sequence[Window]) -> str:
    """Meter and worst grade in words; grade D stands for an estimate or for nothing but time."""
    grade = max(window.reading.grade for window in windows)
    covers = dict.fromkeys(part for window in windows for part in window.reading.covers)
    return f"meter {windows[0].reading.meter}, grade {grade}" + (f", covers {', '.join(covers)}" if covers else "")


def joules_of(windows: Sequence[Window]) -> tuple[list[float] | None, str]:
    """Joules of every window; None where one has none, with the reason, since a mean over the rest would lie."""
    joules = [window.reading.joules for window in windows]
    if all(value is not None and value > 0 for value in joules):
        return [value for value in joules if value is not None], ""
    missing = next(window.reading for window in windows if not window.reading.joules)
    if missing.joules is not None:
        return None, "the counter did not move in a window; ask for longer windows"
    reasons = dict.fromkeys(missing.why[part] for part in ("gpu", "cpu", "dram") if part in missing.why)
    return None, "; ".join(reasons) or "the meter read no part"
