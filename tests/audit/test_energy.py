"""Meters: what lies between two readings of a counter, and nothing where there is no counter."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from probandum.energy import CounterMeter, NoMeter, Sensor, make_meter
from probandum.errors import DataError, UsageError
from probandum.grid import grid_intensity
from probandum.plan_file import Energy, Intensity
from probandum.resting import idle_watts
from probandum.sampled_power import SampledPower
from probandum.second_opinion import AuditMeter
from probandum.sensing import RaplSensor, rapl_sensors
from probandum.wall_log import ExternalLog, read_log


@dataclass
class Counter:
    """A counter that a test moves."""

    joules: float = 0.0
    part: str = "gpu"
    covers: str = "GPU 0 of the test"
    grade: str = "B"

    def read(self) -> float:
        """Where it stands."""
        return self.joules

    def between(self, before: float, after: float) -> float:
        """The difference; backwards is an error."""
        if after < before:
            raise DataError("the counter ran backwards")
        return after - before


def powercap(root: Path, name: str, microjoules: int, *, domain: str = "intel-rapl:0") -> Path:
    """A RAPL domain as the kernel shows it."""
    folder = root / domain
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "energy_uj").write_text(f"{microjoules}\n")
    (folder / "max_energy_range_uj").write_text("262143328850\n")
    return folder


def test_a_window_is_the_difference_of_its_counters() -> None:
    """Joules by part, grade B, and the covered parts by name."""
    gpu, cpu = Counter(1000.0), Counter(50.0, part="cpu", covers="CPU package-0")
    sensors: list[Sensor] = [gpu, cpu]
    meter = CounterMeter("NVML + RAPL", sensors, {"dram": "no such domain"})
    token = meter.begin()
    gpu.joules, cpu.joules = 1030.0, 57.0
    reading = meter.end(token)

    assert (30.0, 7.0, None, 37.0) == (reading.gpu_joules, reading.cpu_joules, reading.dram_joules, reading.joules)
    assert ("B", {"dram": "no such domain"}) == (reading.grade, dict(reading.why))
    assert ("GPU 0 of the test", "CPU package-0") == reading.covers


def test_a_counter_that_ran_backwards_gives_no_joules() -> None:
    """A driver that was loaded again must not turn into a negative or a small number."""
    gpu = Counter(1000.0)
    meter = CounterMeter("NVML", [gpu], {"cpu": "none", "dram": "none"})
    token = meter.begin()
    gpu.joules = 3.0
    reading = meter.end(token)

    assert reading.gpu_joules is None
    assert "the counter ran backwards" == reading.why["gpu"]


def test_without_a_meter_time_is_measured_and_every_joule_is_missing_with_its_reason() -> None:
    """Absent is None, never 0."""
    meter = NoMeter("no GPU", "no RAPL")
    reading = meter.end(meter.begin())

    assert None is reading.joules
    assert {"gpu": "no GPU", "cpu": "no RAPL", "dram": "no RAPL"} == dict(reading.why)
    assert "D" == reading.grade


def test_rapl_takes_packages_and_dram_and_leaves_out_what_lies_inside_or_around_them(tmp_path: Path) -> None:
    """Cores and psys would count the same joules twice."""
    powercap(tmp_path, "package-0", 5_000_000)
    powercap(tmp_path, "core", 3_000_000, domain="intel-rapl:0:0")
    powercap(tmp_path, "dram", 1_000_000, domain="intel-rapl:0:1")
    powercap(tmp_path, "psys", 9_000_000, domain="intel-rapl:1")
    sensors, _ = rapl_sensors(tmp_path)

    assert [("cpu", 5.0), ("dram", 1.0)] == [(sensor.part, sensor.stands_at()) for sensor in sensors]


class Package:
    """A CPU package of 250 W, whose counter stands in a file and starts again after 262 kJ; a test moves its clock."""

    WRAPS_AT = 262_143.0

    def __init__(self, folder: Path) -> None:
        self.file = folder / "energy_uj"
        self.seconds = 0.0
        self.sensor = RaplSensor(self.file, "cpu", "CPU package-0", self.WRAPS_AT, clock=lambda: self.seconds)
        self.meter = CounterMeter("RAPL", [self.sensor], {}, clock=lambda: self.seconds)
        self.after(100.0)

    def after(self, seconds: float) -> None:
        """So much later."""
        self.seconds += seconds
        self.file.write_text(f"{int(1e6 * (250.0 * self.seconds % self.WRAPS_AT))}\n", "ascii")


def test_a_rapl_counter_that_wraps_is_mended_however_often_it_does_so(tmp_path: Path) -> None:
    """An hour at 250 W wraps it three times; looks between packs of five minutes see each of them."""
    package = Package(tmp_path)
    token = package.meter.begin()
    for _ in range(12):
        package.after(300.0)
        package.meter.look()
    reading = package.meter.end(token)

    assert 3600 * 250.0 == pytest.approx(reading.cpu_joules)
    assert (3600.0, "B") == (reading.seconds, reading.grade)


def test_a_rapl_counter_that_nobody_read_for_so_long_that_it_may_wrap_twice_gives_no_joules(tmp_path: Path) -> None:
    """An hour at 250 W between two readings would be told as four minutes of it; what is read afterwards is sound."""
    package = Package(tmp_path)
    token = package.meter.begin()
    package.after(3600.0)
    unseen = package.meter.end(token)
    token = package.meter.begin()
    package.after(300.0)
    seen = package.meter.end(token)

    assert None is unseen.joules
    assert "CPU package-0: 437 s or more lay between two readings" in unseen.why["cpu"]
    assert 300 * 250.0 == pytest.approx(seen.cpu_joules)


def test_a_machine_without_rapl_says_so(tmp_path: Path) -> None:
    """No sensor has a reason."""
    assert ([], "no CPU sensor: this machine offers no RAPL counters") == rapl_sensors(tmp_path)


def test_the_log_of_a_meter_at_the_wall_is_integrated_over_the_window(tmp_path: Path) -> None:
    """A steady 40 W over the window is 40 J a second, grade A."""
    log = tmp_path / "wall.csv"
    now = time.time()
    log.write_text("time,watts\n" + "".join(f"{now + second},40\n" for second in range(-5, 60)))
    meter = ExternalLog(log)
    token = meter.begin()
    time.sleep(0.02)
    reading = meter.end(token)

    assert "A" == reading.grade
    assert reading.joules == pytest.approx(40 * reading.seconds, rel=1e-6)


def test_the_next_row_of_a_meter_that_is_still_writing_is_waited_for(tmp_path: Path) -> None:
    """A window ends between two rows of the log: its last piece stands there a moment later."""
    log, stop = tmp_path / "wall.csv", threading.Event()
    log.write_text("time,watts\n" + "".join(f"{time.time() + at / 20},40\n" for at in range(-3, 1)))

    def write() -> None:
        while not stop.wait(0.05):
            with log.open("a") as file:
                file.write(f"{time.time()},40\n")

    meter, writing = ExternalLog(log), threading.Thread(target=write)
    writing.start()
    try:
        token = meter.begin()
        time.sleep(0.12)
        reading = meter.end(token)
    finally:
        stop.set()
        writing.join()

    assert reading.joules == pytest.approx(40 * reading.seconds, rel=1e-6)


def test_a_log_that_does_not_cover_the_window_gives_no_joules(tmp_path: Path) -> None:
    """A meter that stopped is no reading of 0."""
    log = tmp_path / "wall.csv"
    log.write_text("time,watts\n1,40\n2,40\n")
    meter = ExternalLog(log)
    reading = meter.end(meter.begin())

    assert None is reading.joules
    assert "wall.csv does not cover this window" == reading.why["cpu"]


def test_a_row_that_is_still_being_written_is_left_out(tmp_path: Path) -> None:
    """Half a number is another number."""
    log = tmp_path / "wall.csv"
    log.write_text("time, watts\n1,40\n2,41\n3,4")

    assert [(1.0, 40.0), (2.0, 41.0)] == read_log(log)


def test_a_log_that_broke_during_the_audit_gives_no_joules_and_says_why(tmp_path: Path) -> None:
    """A reading with its reason, and no end of the audit."""
    log = tmp_path / "wall.csv"
    log.write_text("time,watts\n1,40\n2,40\n")
    meter = ExternalLog(log)
    token = meter.begin()
    log.write_text("time,watts\n1,40\n2,off\n")
    broken = meter.end(token)
    log.unlink()
    gone = meter.end(token)

    assert (None, None) == (broken.joules, gone.joules)
    assert f"energy.log: {log}: row 2: column 'watts' holds 'off', expected a number" == broken.why["cpu"]
    assert f"energy.log: {log}: no such file" == gone.why["cpu"]


def test_a_sensor_that_the_plan_names_and_the_machine_lacks_is_an_error(tmp_path: Path) -> None:
    """Asking for NVML where there is none must not become an audit without it."""
    from probandum.sensing import nvml_sensors

    if nvml_sensors()[0]:
        pytest.skip("this machine has an NVML sensor")
    with pytest.raises(UsageError, match=r"energy\.meter: nvml: no GPU sensor"):
        make_meter(Energy(meter="nvml"), tmp_path)


def test_the_grid_intensity_of_a_country_comes_with_its_year() -> None:
    """An unknown country is an error: a world average in its place would be silent."""
    assert (380.95, 2023) == grid_intensity("DEU")
    with pytest.raises(UsageError, match="has no 'XXX'"):
        grid_intensity("XXX")


def test_the_second_opinion_is_an_estimate_of_grade_d_with_its_intensity(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment variable of codecarbon's own does not replace what the plan says."""
    monkeypatch.setenv("CODECARBON_FORCE_CARBON_INTENSITY_G_CO2E_KWH", "1")
    meter = AuditMeter(Energy(country="DEU"))
    meter.start()
    sum(i * i for i in range(200_000))
    reading = meter.stop()

    assert "D" == reading.grade
    assert "380.95 g CO2e/kWh (2023)" in reading.notes[0]
    assert reading.joules is not None and reading.joules > 0
    assert 0 not in (reading.gpu_joules, reading.cpu_joules, reading.dram_joules)


def test_without_a_country_the_second_opinion_says_nothing() -> None:
    """A guessed country would be a wrong number with many digits."""
    meter = AuditMeter(Energy())
    meter.start()
    reading = meter.stop()

    assert None is reading.joules
    assert "the plan names neither energy.country nor energy.intensity" in reading.why["cpu"]


def test_an_intensity_of_the_plan_s_own_is_a_grid_like_any_other() -> None:
    """Kilowatt-hours need no country, and the estimate is told with the figure that was declared."""
    meter = AuditMeter(Energy(intensity=Intensity(mid=300.0, year=2024, source="the operator")))
    meter.start()
    sum(i * i for i in range(200_000))
    reading = meter.stop()

    assert reading.joules is not None and reading.joules > 0
    assert "the grid's intensity as the plan declares it: 300 g CO2e/kWh (2024, the operator)" == reading.notes[0]


class Steady(Counter):
    """A counter behind which 80 W stand."""

    def read(self) -> float:
        """Joules since the clock began."""
        return 80.0 * time.perf_counter()


def test_idle_power_is_what_the_parts_take_while_nothing_is_asked() -> None:
    """Watts over the window; without a sensor None, and no time is lost waiting for it."""
    assert 80.0 == pytest.approx(idle_watts(CounterMeter("test", [Steady()], {}), 0.1), rel=0.1)
    began = time.perf_counter()
    assert None is idle_watts(NoMeter("no GPU"), 30.0)
    assert time.perf_counter() - began < 30.0


def test_a_card_is_read_with_its_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its temperature stands in the notes, and who else computes on it; what the driver does not tell is left out."""
    import pynvml

    def refused(handle: object) -> int:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

    millijoules = iter((10_000, 12_000, 12_500))
    processes = [SimpleNamespace(pid=os.getpid()), SimpleNamespace(pid=1)]
    for name, told in {
        "nvmlInit": lambda: None,
        "nvmlDeviceGetCount": lambda: 1,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetName": lambda handle: "Test card",
        "nvmlDeviceGetTotalEnergyConsumption": lambda handle: next(millijoules),
        "nvmlDeviceGetTemperature": lambda handle, sensor: 41,
        "nvmlDeviceGetEnforcedPowerLimit": refused,
        "nvmlDeviceGetComputeRunningProcesses": lambda handle: processes,
    }.items():
        monkeypatch.setattr(pynvml, name, told)
    meter = make_meter(Energy(meter="nvml"), tmp_path)
    reading = meter.end(meter.begin())

    assert 0.5 == reading.gpu_joules
    assert ("GPU 0 Test card",) == reading.covers
    assert "GPU 0 Test card: 41 degrees Celsius" == reading.notes[-1]
    assert "windows of 10 s or more are exact to that" in reading.notes[1]
    assert "GPU 0 Test card: 1 other process computes on it, beside this one" == reading.others[-1]
    assert " cores" in reading.others[0]
    assert {"GPU 0 Test card": 41.0} == meter.temperatures()


class Square:
    """A load that draws 300 W and 100 W by turns, each for a tenth of a second, on a clock of its own."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def watts(self) -> float:
        """The power now."""
        return 300.0 if int(self.seconds * 10) % 2 == 0 else 100.0

    def clock(self) -> float:
        """The time now."""
        return self.seconds


def test_sampled_power_integrates_a_known_trace() -> None:
    """A rising power is integrated exactly, a square one to within 2 % over 50 looks of no rhythm: grade C."""
    load = Square()
    rising = SampledPower(watts=lambda: 10.0 * load.seconds, covers="a ramp", clock=load.clock)
    square = SampledPower(watts=load.watts, covers="a square", clock=load.clock)
    meter = CounterMeter("power", [rising, square], {})
    token = meter.begin()
    for step in range(2000):
        load.seconds += 0.005 if step % 3 else 0.0052
        meter.look()
    reading = meter.end(token)

    assert "C" == reading.grade
    assert 10.0 * load.seconds**2 / 2 + 200.0 * load.seconds == pytest.approx(reading.joules, rel=0.02)


def test_power_that_was_hardly_looked_at_is_no_reading() -> None:
    """Two ends make no integral."""
    load = Square()
    meter = CounterMeter("power", [SampledPower(watts=load.watts, covers="GPU 0", clock=load.clock)], {})
    reading = meter.end(meter.begin())

    assert None is reading.joules
    assert "GPU 0: power was read 1 times in the window, and 10 are needed" == reading.why["gpu"]


@pytest.mark.parametrize(("counted", "grade"), [(2000.0, "B"), (1700.0, "C")])
def test_two_meters_of_one_part_that_disagree_lower_the_grade(counted: float, grade: str) -> None:
    """200 W over ten seconds are 2,000 J; a counter that says 1,700 is 18 % away, and the reading says so."""
    load, gpu = Square(), Counter()
    witness = SampledPower(watts=lambda: 200.0, covers="GPU 0 of the test", clock=load.clock)
    meter = CounterMeter("NVML", [gpu], {}, witnesses={0: witness})
    token = meter.begin()
    for _ in range(20):
        load.seconds += 0.5
        meter.look()
    gpu.joules = counted
    reading = meter.end(token)

    assert (grade, counted) == (reading.grade, reading.gpu_joules)
    assert (grade == "C") == any("two meters lie 18 % apart" in note for note in reading.notes)


@pytest.mark.parametrize(
    ("shown", "names", "covers"),
    [
        (None, ("H200", "H200"), ("GPU 0 H200", "GPU 1 H200")),
        ("1", ("H200", "H200"), ("GPU 1 H200",)),
        ("1", ("T4", "H200"), ("GPU 0 T4", "GPU 1 H200")),  # CUDA's numbers begin with the fastest
        ("GPU-uuid-0", ("T4", "H200"), ("GPU 0 T4",)),
        ("", ("H200", "H200"), ()),
    ],
)
def test_the_cards_that_a_process_cannot_use_are_not_counted(
    shown: str | None, names: tuple[str, ...], covers: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What others do on them is no energy of the audit; where it cannot be told which they are, all are."""
    import pynvml

    from probandum.sensing import nvml_sensors

    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if shown is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
    for name, told in {
        "nvmlInit": lambda: None,
        "nvmlDeviceGetCount": lambda: len(names),
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetName": lambda handle: names[handle],
        "nvmlDeviceGetUUID": lambda handle: f"GPU-uuid-{handle}",
        "nvmlDeviceGetTotalEnergyConsumption": lambda handle: 1000,
    }.items():
        monkeypatch.setattr(pynvml, name, told)
    sensors, why = nvml_sensors()

    assert covers == tuple(sensor.covers for sensor in sensors)
    assert bool(covers) == (why == "")
