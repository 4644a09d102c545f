"""The counters of this machine: total energy of NVIDIA GPUs by NVML, of CPU packages and their memory by RAPL."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from probandum.errors import DataError

POWERCAP = Path("/sys/class/powercap")


@dataclass(frozen=True, slots=True)
class NvmlSensor:
    """The total-energy counter of one NVIDIA GPU (Volta and newer), in millijoules since the driver was loaded."""

    handle: object
    covers: str
    part: str = field(default="gpu", init=False)
    grade: str = field(default="B", init=False)

    def watts(self) -> float:
        """The power now, an average over a short time before it."""
        import pynvml

        return float(pynvml.nvmlDeviceGetPowerUsage(self.handle)) / 1000.0

    def tells_power(self) -> bool:
        """Whether the driver tells it."""
        return self._told(self.watts) is not None

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
    grade: str = field(default="B", init=False)

    def read(self) -> float:
        """Joules in the counter."""
        return int(self.file.read_text("ascii")) / 1e6

    def between(self, before: float, after: float) -> float:
        """The difference, one wrap undone."""
        return after - before if after >= before else after - before + self.wraps_at


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
