"""The counters of this machine: total energy of NVIDIA GPUs by NVML, of CPU packages and their memory by RAPL."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from probandum.errors import DataError

POWERCAP = Path("/sys/class/powercap")
THERMAL = Path("/sys/class/thermal")
#: Two counters of one part so few joules apart are one counter that was read twice: each stands somewhere in hundreds
#: of kilojoules.
MIRRORED = 0.5
#: No CPU package, and no memory of one, takes more watts over a minute (convention). By it a counter of 262 kJ cannot
#: wrap twice between two readings that lie less than 437 s apart.
MOST_WATTS = 600.0


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

    def celsius(self) -> float | None:
        """Its temperature now; None where the driver does not tell it."""
        import pynvml

        told = self._told(lambda: pynvml.nvmlDeviceGetTemperature(self.handle, pynvml.NVML_TEMPERATURE_GPU))
        return None if told is None else float(told)

    def processes(self) -> list[int] | None:
        """The numbers of the processes that compute on it; None where the driver does not tell.

        In a container the driver may number processes otherwise, or list none.
        """
        import pynvml

        found: list[int] | None = self._told(
            lambda: [each.pid for each in pynvml.nvmlDeviceGetComputeRunningProcesses(self.handle)]
        )
        return found

    def state(self) -> str:
        """What bears on the joules besides the work, of each what can be read.

        Temperature, clock, power limit, error correction, partitions and the driver.
        """
        import pynvml

        celsius = self.celsius()
        clock = self._told(lambda: pynvml.nvmlDeviceGetClockInfo(self.handle, pynvml.NVML_CLOCK_SM))
        milliwatts = self._told(lambda: pynvml.nvmlDeviceGetEnforcedPowerLimit(self.handle))
        corrects = self._told(lambda: pynvml.nvmlDeviceGetEccMode(self.handle)[0])
        parted = self._told(lambda: pynvml.nvmlDeviceGetMigMode(self.handle)[0])
        driver = self._told(pynvml.nvmlSystemGetDriverVersion)
        facts = [] if celsius is None else [f"{celsius:.0f} degrees Celsius"]
        facts += [] if clock is None else [f"clock {clock} MHz"]
        facts += [] if milliwatts is None else [f"power limit {milliwatts / 1000:.0f} W"]
        facts += [] if corrects is None else [f"error correction {'on' if corrects else 'off'}"]
        facts += [] if parted is None else [f"{'cut into' if parted else 'no'} MIG partitions"]
        facts += [] if driver is None else [f"driver {driver}"]
        return f"{self.covers}: {', '.join(facts) or 'its state cannot be read'}"

    @staticmethod
    def _told(ask: Callable[[], Any]) -> Any:
        """What the driver says; None where this card or container does not offer it."""
        import pynvml

        try:
            return ask()
        except pynvml.NVMLError:
            return None


class Counted(NamedTuple):
    """Joules since the first reading of a counter, and how often it may have wrapped unseen between two of them."""

    joules: float
    unseen: int


@dataclass(slots=True)
class RaplSensor:
    """One RAPL domain of the powercap tree, in microjoules, wrapping at ``wraps_at`` joules; ``clock`` tells seconds.

    Whoever reads it often enough sees every wrap. Where so long passed between two readings that it may have wrapped
    more than once, what lies between is not known.
    """

    file: Path
    part: str
    covers: str
    wraps_at: float
    clock: Callable[[], float] = time.perf_counter
    grade: str = field(default="B", init=False)
    _counted: Counted = field(default=Counted(0.0, 0), init=False)
    _last: tuple[float, float] | None = field(default=None, init=False)

    @property
    def longest(self) -> float:
        """How many seconds may lie between two readings."""
        return self.wraps_at / MOST_WATTS

    def stands_at(self) -> float:
        """Joules in the counter now."""
        return int(self.file.read_text("ascii")) / 1e6

    def read(self) -> Counted:
        """Joules since the first reading, every wrap undone."""
        now, joules = self.clock(), self.stands_at()
        if self._last is not None:
            then, before = self._last
            grown = joules - before if joules >= before else joules - before + self.wraps_at
            unseen = self._counted.unseen + (now - then >= self.longest)
            self._counted = Counted(self._counted.joules + grown, unseen)
        self._last = now, joules
        return self._counted

    def between(self, before: Counted, after: Counted) -> float:
        """The difference; DataError where the counter may have wrapped more than once between two readings."""
        if after.unseen > before.unseen:
            raise DataError(
                f"{self.covers}: {self.longest:.0f} s or more lay between two readings, and at {MOST_WATTS:g} W its "
                f"counter, which starts again after {self.wraps_at:.0f} J, may have done so twice"
            )
        return after.joules - before.joules


def nvml_sensors() -> tuple[list[NvmlSensor], str]:
    """Every GPU that this process may use and whose energy counter can be read; or why there is none."""
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    try:
        import pynvml

        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        names = [str(pynvml.nvmlDeviceGetName(handle)) for handle in handles]
        places = list(range(len(handles)))
        if shown is not None:
            known = [str(pynvml.nvmlDeviceGetUUID(handle)) for handle in handles]
            places = visible(shown, known, numbered=len(set(names)) == 1 or _by_bus())
        sensors: list[NvmlSensor] = []
        for index in places:
            pynvml.nvmlDeviceGetTotalEnergyConsumption(handles[index])
            sensors.append(NvmlSensor(handles[index], f"GPU {index} {names[index]}"))
    except ImportError:
        return [], "no GPU sensor: nvidia-ml-py is not installed"
    except Exception as error:  # the vendor's errors are one class with many meanings
        return [], f"no GPU sensor: {' '.join(str(error).split()) or type(error).__name__}"
    if not sensors and shown is not None and handles:
        return [], "no GPU sensor: CUDA_VISIBLE_DEVICES shows this process none"
    return sensors, "" if sensors else "no GPU sensor: no NVIDIA GPU"


def _by_bus() -> bool:
    """Whether CUDA numbers cards as the driver does; else it begins with the fastest."""
    return os.environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID"


def visible(shown: str, known: Sequence[str], *, numbered: bool) -> list[int]:
    """The places of the cards that ``CUDA_VISIBLE_DEVICES`` shows, by the unique names that are ``known``.

    All of them where it gives numbers that are not the driver's (``numbered``): none that works may be left out. As
    for CUDA, the first entry that is no card hides those behind it.

    >>> known = ["GPU-a1", "GPU-b2", "GPU-c3"]
    >>> visible("2,0,-1,1", known, numbered=True), visible("", known, numbered=True)
    ([0, 2], [])
    >>> visible("GPU-b", known, numbered=False), visible("2", known, numbered=False)
    ([1], [0, 1, 2])
    """
    found: set[int] = set()
    for entry in filter(None, (each.strip() for each in shown.split(","))):
        if entry.startswith("MIG-") or (entry.isdigit() and not numbered):
            return list(range(len(known)))
        places = [place for place, name in enumerate(known) if name.startswith(entry)]
        places = [int(entry)] if entry.isdigit() and int(entry) < len(known) else places
        if len(places) != 1:
            break
        found |= set(places)
    return sorted(found)


def rapl_sensors(root: Path = POWERCAP) -> tuple[list[RaplSensor], str]:
    """The package and DRAM domains that can be read; or why there is none.

    Cores lie inside their package, and ``psys`` around all of it: neither is added, so that nothing counts twice. Nor
    is a domain whose counter shows what another one does: dies of one socket may each mirror the counter of it all.
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
            joules = sensor.stands_at()
        except OSError as error:
            refused = f"no CPU sensor: {domain / 'energy_uj'}: {error.strerror or error}"
            continue
        known = [each.stands_at() for each in sensors if each.part == part]
        if joules == 0 or all(abs(each - joules) >= MIRRORED for each in known):
            sensors.append(sensor)
    if sensors:
        return sensors, "this machine has no such RAPL domain"
    return [], refused or "no CPU sensor: this machine offers no RAPL counters"


def package_celsius(root: Path = THERMAL) -> float | None:
    """The temperature of the hottest CPU package; None where the kernel does not tell it."""
    found: list[float] = []
    for zone in root.glob("thermal_zone*"):
        with suppress(OSError, ValueError):
            if (zone / "type").read_text("ascii").strip() == "x86_pkg_temp":
                found.append(int((zone / "temp").read_text("ascii")) / 1000)
    return max(found, default=None)
