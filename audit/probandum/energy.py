"""Meters: counters read at the boundaries of a window, no thread of ours.

A meter covers what its sensors cover: whole GPUs, whole CPU packages. Where a part has no sensor its joules are
None with the reason; they are never 0 and never a guess.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from probandum.errors import DataError, UsageError
from probandum.evidence import Reading
from probandum.resources import from_home
from probandum.wall_log import ExternalLog

#: NVML's counter moves about every 100 ms (measurement C-1).
NVML_UPDATE_SECONDS = 0.1
POWERCAP = Path("/sys/class/powercap")


class Meter(Protocol):
    """Something that can say what a stretch of work took."""

    def begin(self) -> object:
        """Read the counters now; the token goes into :meth:`end`."""
        ...

    def end(self, token: object) -> Reading:
        """Read the counters again; the window is what lies between."""
        ...


class Sensor(Protocol):
    """One counter of joules that only ever grows."""

    @property
    def part(self) -> str:
        """gpu, cpu or dram."""
        ...

    @property
    def covers(self) -> str:
        """What the joules include, in words."""
        ...

    def read(self) -> float:
        """Joules so far."""
        ...

    def between(self, before: float, after: float) -> float:
        """Joules from one reading to the next, a wrap of the counter undone; DataError where it ran backwards."""
        ...


class NoMeter:
    """No sensor: the time is measured, every joule is None with the reason."""

    def __init__(self, gpu: str = "no energy meter was used", cpu: str | None = None) -> None:
        rest = gpu if cpu is None else cpu
        self.why = {"gpu": gpu, "cpu": rest, "dram": rest}

    def begin(self) -> object:
        """The time now."""
        return time.perf_counter()

    def end(self, token: object) -> Reading:
        """Seconds, and why there is nothing else."""
        assert isinstance(token, float)
        return Reading(seconds=time.perf_counter() - token, meter="none", grade="D", why=self.why)


@dataclass(frozen=True, slots=True)
class _Token:
    seconds: float
    joules: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class CounterMeter:
    """Hardware counters, read at both ends of a window: grade B (measurement C-0).

    ``why`` says for each part without a sensor what is missing; ``beside``, asked after a window, in what state the
    parts are and who else uses them.
    """

    name: str
    sensors: Sequence[Sensor]
    why: Mapping[str, str]
    beside: Callable[[], Sequence[str]] = tuple

    def begin(self) -> object:
        """Every counter now."""
        return _Token(time.perf_counter(), tuple(sensor.read() for sensor in self.sensors))

    def end(self, token: object) -> Reading:
        """Joules by part; a counter that ran backwards makes its part None with the reason."""
        assert isinstance(token, _Token)
        seconds = time.perf_counter() - token.seconds
        why, joules = dict(self.why), dict[str, float]()
        for sensor, before in zip(self.sensors, token.joules, strict=True):
            try:
                joules[sensor.part] = joules.get(sensor.part, 0.0) + sensor.between(before, sensor.read())
            except DataError as error:
                why[sensor.part] = error.message
        parts = {part: value for part, value in joules.items() if part not in why}
        watts = sum(parts.values()) / seconds if seconds > 0 else 0.0
        return Reading(
            gpu_joules=parts.get("gpu"),
            cpu_joules=parts.get("cpu"),
            dram_joules=parts.get("dram"),
            why=why,
            seconds=seconds,
            meter=self.name,
            grade="B",
            covers=tuple(sensor.covers for sensor in self.sensors if sensor.part in parts),
            resolution_joules=watts * NVML_UPDATE_SECONDS if "gpu" in parts else None,
            notes=("The joules are those of the whole parts, other processes and idle power included.", *self.beside()),
        )


@dataclass(frozen=True, slots=True)
class NvmlSensor:
    """The total-energy counter of one NVIDIA GPU (Volta and newer), in millijoules since the driver was loaded."""

    handle: object
    covers: str
    part: str = field(default="gpu", init=False)

    def read(self) -> float:
        """Joules since the driver was loaded."""
        import pynvml

        return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(self.handle)) / 1000.0

    def between(self, before: float, after: float) -> float:
        """The difference; a driver that was loaded again starts from 0."""
        if after < before:
            raise DataError(f"{self.covers}: the energy counter ran backwards (was the driver loaded again?)")
        return after - before

    def state(self) -> str:
        """What bears on the joules besides the work: temperature, power limit, processes; of each what can be read.

        In a container the driver may number processes otherwise, or list none.
        """
        import pynvml

        celsius = self._told(lambda: pynvml.nvmlDeviceGetTemperature(self.handle, pynvml.NVML_TEMPERATURE_GPU))
        milliwatts = self._told(lambda: pynvml.nvmlDeviceGetEnforcedPowerLimit(self.handle))
        running = self._told(lambda: [each.pid for each in pynvml.nvmlDeviceGetComputeRunningProcesses(self.handle)])
        facts = [] if celsius is None else [f"{celsius} degrees Celsius"]
        facts += [] if milliwatts is None else [f"power limit {milliwatts / 1000:.0f} W"]
        if running is not None:
            compute = "1 process computes" if len(running) == 1 else f"{len(running)} processes compute"
            facts.append(f"{compute} on it" + ", this one included" * (os.getpid() in running))
        return f"{self.covers}: {', '.join(facts) or 'its state cannot be read'}"

    @staticmethod
    def _told(ask: Callable[[], Any]) -> Any:
        """What the driver says; None where this card or container does not offer it."""
        import pynvml

        try:
            return ask()
        except pynvml.NVMLError:
            return None


@dataclass(frozen=True, slots=True)
class RaplSensor:
    """One RAPL domain of the powercap tree, in microjoules, wrapping at ``wraps_at`` joules."""

    file: Path
    part: str
    covers: str
    wraps_at: float

    def read(self) -> float:
        """Joules in the counter."""
        return int(self.file.read_text("ascii")) / 1e6

    def between(self, before: float, after: float) -> float:
        """The difference, one wrap undone."""
        return after - before if after >= before else after - before + self.wraps_at


def idle_watts(meter: Meter, seconds: float) -> float | None:
    """The power of the metered parts while nothing is asked of them, over ``seconds``; None where they are not read.

    With the model loaded and the device at rest this is what is subtracted from gross energy (measurement C-2).
    """
    if meter.end(meter.begin()).joules is None:
        return None
    token = meter.begin()
    time.sleep(seconds)
    reading = meter.end(token)
    return None if reading.joules is None else reading.joules / reading.seconds


class EnergySettings(Protocol):
    """What the plan says under ``energy``."""

    @property
    def meter(self) -> str:
        """auto, nvml, rapl or none."""
        ...

    @property
    def log(self) -> str | None:
        """An external meter's log file."""
        ...


def make_meter(settings: EnergySettings, folder: Path) -> Meter:
    """The meter that the plan asks for; UsageError where it names a sensor that this machine lacks."""
    if settings.log is not None:
        return ExternalLog(folder / from_home(settings.log))
    if settings.meter == "none":
        return NoMeter("the plan says energy.meter: none")
    gpu, no_gpu = nvml_sensors() if settings.meter != "rapl" else ([], "the plan asks for rapl alone")
    cpu, no_cpu = rapl_sensors() if settings.meter != "nvml" else ([], "the plan asks for nvml alone")
    sensors: list[Sensor] = [*gpu, *cpu]
    if not sensors and settings.meter != "auto":
        raise UsageError(
            f"energy.meter: {settings.meter}: {no_gpu if settings.meter == 'nvml' else no_cpu}", remedy="use auto"
        )
    why = {part: no_gpu if part == "gpu" else no_cpu for part in ("gpu", "cpu", "dram")}
    for sensor in sensors:
        why.pop(sensor.part, None)
    if not sensors:
        return NoMeter(no_gpu, no_cpu)
    name = " + ".join(["NVML"] * bool(gpu) + ["RAPL"] * bool(cpu))
    return CounterMeter(name, sensors, why, lambda: tuple(each.state() for each in gpu))


def nvml_sensors() -> tuple[list[NvmlSensor], str]:
    """Every GPU whose energy counter can be read; or why there is none."""
    try:
        import pynvml

        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        sensors: list[NvmlSensor] = []
        for index, handle in enumerate(handles):
            pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
            name = pynvml.nvmlDeviceGetName(handle)
            sensors.append(NvmlSensor(handle, f"GPU {index} {name}"))
    except ImportError:
        return [], "no GPU sensor: nvidia-ml-py is not installed"
    except Exception as error:  # the vendor's errors are one class with many meanings
        return [], f"no GPU sensor: {' '.join(str(error).split()) or type(error).__name__}"
    return sensors, "" if sensors else "no GPU sensor: no NVIDIA GPU"


def rapl_sensors(root: Path = POWERCAP) -> tuple[list[RaplSensor], str]:
    """The package and DRAM domains that can be read; or why there is none.

    Cores lie inside their package, and ``psys`` around all of it: neither is added, so that nothing counts twice.
    """
    sensors: list[RaplSensor] = []
    refused = ""
    for domain in sorted(root.glob("intel-rapl:*")):
        try:
            name = (domain / "name").read_text("ascii").strip()
            if not name.startswith(("package", "dram")):
                continue
            wraps_at = int((domain / "max_energy_range_uj").read_text("ascii")) / 1e6
            part = "dram" if name == "dram" else "cpu"
            sensor = RaplSensor(domain / "energy_uj", part, f"CPU {name} ({domain.name})", wraps_at)
            sensor.read()
        except OSError as error:
            refused = f"no CPU sensor: {domain / 'energy_uj'}: {error.strerror or error}"
            continue
        sensors.append(sensor)
    if sensors:
        return sensors, "this machine has no such RAPL domain"
    return [], refused or "no CPU sensor: this machine offers no RAPL counters"
