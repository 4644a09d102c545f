"""Meters: counters read at the boundaries of a window, no thread of ours.

A meter covers what its sensors cover: whole GPUs, whole CPU packages. Where a part has no sensor its joules are
None with the reason; they are never 0 and never a guess.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from probandum.crowding import Company, Crowd, Presence
from probandum.errors import DataError, UsageError
from probandum.evidence import Reading
from probandum.resources import from_home
from probandum.sampled_power import SampledPower, apart
from probandum.sensing import NvmlSensor, RaplSensor, nvml_sensors, package_celsius, rapl_sensors
from probandum.wall_log import ExternalLog

#: NVML's counter moves about every 100 ms (measurement C-1).
NVML_UPDATE_SECONDS = 0.1
#: How much of a window's joules one step of that counter may be: 1 % takes windows of ten seconds (measurement C-1).
STEP = 0.01
#: A part that took no more of all joules does not lower the grade of the others (measurement C-0).
SLIGHT = 0.10
_WHOLE_PARTS = (
    "The joules are those of the whole parts, other processes and idle power included; fans, drives, network and "
    "losses of the power supply are left out."
)
_COARSE = "One step of the GPU's counter may be more than 1 % of the window: windows of 10 s or more are exact to that."


class Meter(Protocol):
    """Something that can say what a stretch of work took.

    ``reads``: whether it reads any joules; ``sampled``: whether some of them are of power that is sampled.
    """

    @property
    def reads(self) -> bool:
        """Whether there is a sensor at all."""
        ...

    @property
    def sampled(self) -> bool:
        """Whether power is sampled, so that windows begin where they fall in its periods, after its rise."""
        ...

    def temperatures(self) -> Mapping[str, float]:
        """Degrees Celsius of the metered parts that tell theirs."""
        ...

    def begin(self) -> object:
        """Read the counters now; the token goes into :meth:`end`."""
        ...

    def look(self) -> None:
        """Read what has to be read in the middle of a window, too; nothing where both ends of it do."""
        ...

    def end(self, token: object) -> Reading:
        """Read the counters again; the window is what lies between."""
        ...


class Sensor(Protocol):
    """One counter of joules that only ever grows. ``grade``: B of a hardware counter, C of sampled power."""

    @property
    def part(self) -> str:
        """gpu, cpu or dram."""
        ...

    @property
    def covers(self) -> str:
        """What the joules include, in words."""
        ...

    @property
    def grade(self) -> str:
        """How its joules come about (measurement C-0)."""
        ...

    def read(self) -> Any:
        """How far it has come."""
        ...

    def between(self, before: Any, after: Any) -> float:
        """Joules from one reading to the next, a wrap of the counter undone; DataError where it ran backwards."""
        ...


class NoMeter:
    """No sensor: the time is measured, every joule is None with the reason."""

    reads = False
    sampled = False

    def __init__(self, gpu: str = "no energy meter was used", cpu: str | None = None) -> None:
        rest = gpu if cpu is None else cpu
        self.why = {"gpu": gpu, "cpu": rest, "dram": rest}

    def begin(self) -> object:
        """The time now."""
        return time.perf_counter()

    def temperatures(self) -> Mapping[str, float]:
        """None is read."""
        return {}

    def look(self) -> None:
        """Nothing."""

    def end(self, token: object) -> Reading:
        """Seconds, and why there is nothing else."""
        assert isinstance(token, float)
        return Reading(seconds=time.perf_counter() - token, meter="none", grade="D", why=self.why)


@dataclass(frozen=True, slots=True)
class _Token:
    there: Presence | None
    seconds: float
    read: tuple[Any, ...]
    witnessed: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class CounterMeter:
    """Sensors that are read at both ends of a window.

    The grade is the worst of any part that took more than a tenth of the joules. ``why`` says for each part without a
    sensor what is missing; ``beside``, asked after a window, in what state the parts are; ``crowd``: who else uses
    them; ``heat``: degrees Celsius by part; ``clock`` tells seconds. ``witnesses``: by the place of a sensor the
    sampled power of the same part, which lowers its grade to C where the two lie more than 5 % apart.
    """

    name: str
    sensors: Sequence[Sensor]
    why: Mapping[str, str]
    beside: Callable[[], Sequence[str]] = tuple
    witnesses: Mapping[int, SampledPower] = field(default_factory=dict)
    crowd: Crowd | None = None
    heat: Callable[[], Mapping[str, float]] = dict
    clock: Callable[[], float] = time.perf_counter

    @property
    def reads(self) -> bool:
        """Where there is a sensor."""
        return bool(self.sensors)

    @property
    def sampled(self) -> bool:
        """Where a part has no counter, or a witness beside it."""
        return any(isinstance(each, SampledPower) for each in (*self.sensors, *self.witnesses.values()))

    def temperatures(self) -> Mapping[str, float]:
        """Those that the parts tell."""
        return self.heat()

    def begin(self) -> object:
        """Who is there, then every sensor now."""
        there = None if self.crowd is None else self.crowd.now()
        witnessed = tuple(each.read() for each in self.witnesses.values())
        return _Token(there, self.clock(), tuple(sensor.read() for sensor in self.sensors), witnessed)

    def look(self) -> None:
        """The power of the parts whose power is sampled, and the counters that start again at 0."""
        for each in (*self.sensors, *self.witnesses.values()):
            if isinstance(each, SampledPower):
                each.look()
            elif isinstance(each, RaplSensor):
                each.read()

    def end(self, token: object) -> Reading:
        """Joules by part; a counter that ran backwards makes its part None with the reason."""
        assert isinstance(token, _Token)
        seconds = self.clock() - token.seconds
        why, joules, each = dict(self.why), dict[str, float](), dict[int, float]()
        for place, (sensor, before) in enumerate(zip(self.sensors, token.read, strict=True)):
            try:
                each[place] = sensor.between(before, sensor.read())
                joules[sensor.part] = joules.get(sensor.part, 0.0) + each[place]
            except DataError as error:
                why[sensor.part] = error.message
        differ = dict(self._differ(each, token.witnessed))
        company = Company() if self.crowd is None or token.there is None else self.crowd.since(token.there)
        parts = {part: value for part, value in joules.items() if part not in why}
        counted = {place: value for place, value in each.items() if self.sensors[place].part in parts}
        grades = {place: "C" if place in differ else self.sensors[place].grade for place in counted}
        watts = sum(parts.values()) / seconds if seconds > 0 else 0.0
        stepping = any(self.sensors[place].part == "gpu" and self.sensors[place].grade == "B" for place in counted)
        coarse = stepping and STEP * seconds < NVML_UPDATE_SECONDS
        return Reading(
            gpu_joules=parts.get("gpu"),
            cpu_joules=parts.get("cpu"),
            dram_joules=parts.get("dram"),
            why=why,
            seconds=seconds,
            meter=self.name,
            grade=graded(counted, grades),
            covers=tuple(sensor.covers for sensor in self.sensors if sensor.part in parts),
            resolution_joules=watts * NVML_UPDATE_SECONDS if "gpu" in parts else None,
            others=company.said,
            others_share=company.share,
            notes=(
                _WHOLE_PARTS,
                *([_COARSE] * coarse),
                *differ.values(),
                *self.beside(),
            ),
        )

    def _differ(self, joules: Mapping[int, float], witnessed: Sequence[Any]) -> Iterator[tuple[int, str]]:
        """Which counters their parts' sampled power contradicts; one that was sampled too seldom says nothing."""
        for (place, witness), before in zip(self.witnesses.items(), witnessed, strict=True):
            with suppress(DataError):
                if place in joules and (told := apart(joules[place], witness.between(before, witness.read()))):
                    yield place, f"{self.sensors[place].covers}: two meters lie {told}."


def graded(joules: Mapping[int, float], grades: Mapping[int, str]) -> str:
    """The worst grade of any part that took more than a tenth of all joules, D of none (measurement C-0).

    >>> graded({0: 95.0, 1: 5.0}, {0: "B", 1: "C"}), graded({0: 80.0, 1: 20.0}, {0: "B", 1: "C"}), graded({}, {})
    ('B', 'C', 'D')
    """
    whole = sum(joules.values())
    return max((grades[place] for place, value in joules.items() if value > SLIGHT * whole or not whole), default="D")


class EnergySettings(Protocol):
    """What the plan says under ``energy``."""

    @property
    def meter(self) -> str:
        """auto, nvml, nvml-power, rapl or none."""
        ...

    @property
    def log(self) -> str | None:
        """An external meter's log file."""
        ...


def make_meter(settings: EnergySettings, folder: Path) -> Meter:
    """The meter that the plan asks for; UsageError where it names a sensor that this machine lacks."""
    if settings.log is not None:
        return ExternalLog(folder / from_home(settings.log), Crowd())
    if settings.meter == "none":
        return NoMeter("the plan says energy.meter: none")
    gpu, no_gpu = nvml_sensors() if settings.meter != "rapl" else ([], "the plan asks for rapl alone")
    only = settings.meter.startswith("nvml")
    cpu, no_cpu = rapl_sensors() if not only else ([], f"the plan asks for {settings.meter} alone")
    sampled = {
        place: SampledPower(watts=each.watts, covers=each.covers)
        for place, each in enumerate(gpu)
        if each.tells_power()
    }
    counting = settings.meter != "nvml-power"
    sensors: list[Sensor] = [*(gpu if counting else sampled.values()), *cpu]
    if not sensors and settings.meter != "auto":
        raise UsageError(f"energy.meter: {settings.meter}: {no_gpu if only else no_cpu}", remedy="use auto")
    why = {part: no_gpu if part == "gpu" else no_cpu for part in ("gpu", "cpu", "dram")}
    for sensor in sensors:
        why.pop(sensor.part, None)
    if not sensors:
        return NoMeter(no_gpu, no_cpu)
    name = " + ".join(["NVML" if counting else "NVML power"] * bool(gpu) + ["RAPL"] * bool(cpu))
    return CounterMeter(
        name,
        sensors,
        why,
        lambda: tuple(each.state() for each in gpu),
        sampled if counting else {},
        Crowd(cards={each.covers: each.processes for each in gpu}),
        lambda: _heat(gpu, processor=bool(cpu)),
    )


def _heat(gpu: Sequence[NvmlSensor], *, processor: bool) -> Mapping[str, float]:
    """Degrees Celsius of the metered parts that tell theirs."""
    found = {each.covers: each.celsius() for each in gpu}
    found |= {"CPU": package_celsius()} if processor else {}
    return {part: celsius for part, celsius in found.items() if celsius is not None}
