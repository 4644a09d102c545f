"""Two audits of the same energy agree within their interval; a tenth more is found, and no change is not."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from codecarbon.emissions_tracker import BaseEmissionsTracker, OfflineEmissionsTracker

from probandum import api, running, stats
from probandum.changing import change_of_items
from probandum.comparing import Measured, compare
from probandum.energy import CounterMeter, Sensor
from probandum.environment import processor
from probandum.evidence import Items
from probandum.export.comparison import markdown
from probandum.finding import Limit, SubReason, Verdict
from probandum.plan_file import Energy
from probandum.record import Record
from probandum.sampled_power import SampledPower
from probandum.second_opinion import AuditMeter
from probandum.weighing import fail_p_values
from probandum_probes.energy.inference import repeats_for
from probandum_reports.comparison import page
from records import write_sklearn_plan
from sensors import Others, Watts, metered

#: The spread of repeated windows of one machine, as measurement C-1 has it.
CV = 0.018
RUNS = 4000
#: What a plan says of energy in a test: hardly any rest, and no warming up.
QUICK = "{codecarbon: false, idle_seconds: 0, warm_up_seconds: 0}"


def windows(rng: np.random.Generator, joules: float) -> Items:
    """Ten windows of so many joules a token."""
    values = joules * np.exp(CV * rng.standard_normal(10))
    return Items(
        keys=tuple(f"window-{number}" for number in range(10)),
        strata=("10 windows of at least 10 s; work a",) * 10,
        values=tuple(values.tolist()),
        unit="joule",
        form="windows",
    )


def test_two_runs_of_one_system_agree_within_their_stated_interval() -> None:
    """At least 94 of 100, at 95 %."""
    rng = np.random.default_rng(11)
    found = [stats.relative_change_interval(windows(rng, 2.0).values, windows(rng, 2.0).values) for _ in range(RUNS)]

    assert 0.94 <= np.mean([each.low <= 0.0 <= each.high for each in found]) <= 0.96


@pytest.mark.parametrize(("more", "least", "most"), [(1.10, 0.99, 1.0), (1.0, 0.0, 0.05), (1.02, 0.0, 0.07)])
def test_a_tenth_more_is_found_and_no_change_is_not(more: float, least: float, most: float) -> None:
    """Under the limit of 2 % more: a tenth FAILs, nothing and 2 % themselves do not beyond their error."""
    rng = np.random.default_rng(12)
    limit = Limit(metric="energy.inference/joules-per-output-token/change", direction="at_most", threshold=0.02)
    failed = []
    for _ in range(RUNS // 16):
        change = change_of_items(windows(rng, 2.0), windows(rng, 2.0 * more), design="", unit="joule", sampled=False)
        failed.append(max(fail_p_values(change, limit)) < 0.05)

    assert least <= np.mean(failed) <= most


def audited(folder: Path, sensor: Sensor, monkeypatch: pytest.MonkeyPatch) -> Measured:
    """A record of a scorer whose windows that sensor metered."""
    meter = CounterMeter("test", [sensor], {"cpu": "none", "dram": "none"})
    monkeypatch.setattr(running, "make_meter", lambda settings, place: meter)
    plan = write_sklearn_plan(folder, suites="energy.inference: {repeats: 3, seconds: 0.05, precision: null}")
    plan.write_text(plan.read_text("utf-8").replace("{codecarbon: false}", QUICK), "utf-8")
    return Measured(api.audit(plan, out=folder / "run", documents=False), "a statement")


def test_a_change_of_energy_is_told_of_counters_and_not_of_sampled_power(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Grade B leaves a number, grade C the reason; the time, read off a clock, is compared whatever metered."""
    counter = Watts(50.0)
    sampled = SampledPower(watts=lambda: 50.0, covers="gpu of the test")
    counted = compare(*(audited(tmp_path / name, counter, monkeypatch) for name in ("a", "b")))
    coarse = compare(*(audited(tmp_path / name, sampled, monkeypatch) for name in ("c", "d")))
    found = {each.metric: each for each in counted.changes}, {each.metric: each for each in coarse.changes}

    assert found[0]["joules-per-request"].comparable
    assert found[0]["joules-per-request"].estimate.value is not None
    assert not found[1]["joules-per-request"].comparable
    assert "metered at grade C" in (found[1]["joules-per-request"].estimate.why or "")
    assert found[1]["seconds-per-request"].comparable


def test_energy_of_another_processor_is_not_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many cores of another model are another machine, and its name is the reason."""
    one, other = (audited(tmp_path / name, Watts(50.0), monkeypatch) for name in ("a", "b"))
    own = other.environment["machine"]["processor"]
    machine = {**other.environment["machine"], "processor": "Another CPU"}
    other.environment = {**other.environment, "machine": machine}
    changes = {each.metric: each for each in compare(one, other).changes}

    assert processor() == own
    for metric in ("joules-per-request", "seconds-per-request"):
        assert not changes[metric].comparable
        assert f"another machine, processor Another CPU; the baseline: {own}" == changes[metric].estimate.why


def test_the_processor_is_told_by_its_name_or_its_numbers(tmp_path: Path) -> None:
    """Of several cores by the first; the files are those of an Intel and of an Arm machine."""
    named, numbered = tmp_path / "named", tmp_path / "numbered"
    named.write_text("processor\t: 0\nmodel name\t: Intel(R) Xeon(R)\n\nprocessor\t: 1\nmodel name\t: Other\n", "utf-8")
    numbered.write_text("processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n", "utf-8")

    assert "Intel(R) Xeon(R)" == processor(named)
    assert "CPU implementer 0x41, CPU part 0xd0c" == processor(numbered)


def test_two_audits_whose_pilots_fix_their_windows_agree_within_their_interval() -> None:
    """As the probe meters: a pilot of five, then as many windows as its spread says; at least 94 of 100 pairs."""
    rng = np.random.default_rng(13)

    def metered_joules() -> list[float]:
        pilot = windows(rng, 2.0).values[:5]
        n = max(repeats_for(pilot, 0.02, most=30), 6)
        return [2.0 * float(np.exp(CV * rng.standard_normal())) for _ in range(n)]

    pairs = [stats.relative_change_interval(metered_joules(), metered_joules()) for _ in range(1000)]

    assert 0.94 <= np.mean([each.low <= 0.0 <= each.high for each in pairs])


class PerRow(Watts):
    """A counter to which each row that the scorer answers adds so many joules, a little more or less by window."""

    def __init__(self, joules: float, rows: Mapping[str, int]) -> None:
        super().__init__(5.0)
        self.joules = joules
        self.rows = rows
        self.rng = np.random.default_rng(int(1000 * joules))
        self.gone, self.seen = 0.0, 0

    def read(self) -> float:
        """Joules of the rows since the last reading, with the spread of a real machine."""
        fresh, self.seen = self.rows["answered"] - self.seen, self.rows["answered"]
        self.gone += fresh * self.joules * float(np.exp(CV / 3 * self.rng.standard_normal()))
        return super().read() + self.gone


def metered_audit(
    folder: Path, joules: float, monkeypatch: pytest.MonkeyPatch, *, gate: str = "", others: float = 0.0
) -> Record:
    """An audit of a scorer whose every row takes so many joules, beside a baseline where ``gate`` names one.

    ``others``: the share of the processor time that other processes take meanwhile.
    """
    from probandum.targets.sklearn import SklearnTarget

    rows = {"answered": 0}
    plain = SklearnTarget.answer

    def counted(self: Any, requests: Any) -> Any:
        rows["answered"] += sum(len(request) for request in requests)
        return plain(self, requests)

    meter = metered(PerRow(joules, rows), crowd=Others(taking=others))
    monkeypatch.setattr(SklearnTarget, "answer", counted)
    monkeypatch.setattr(running, "make_meter", lambda settings, place: meter)
    plan = write_sklearn_plan(folder, suites="energy.inference: {repeats: 3, seconds: 0.02, precision: 0.003, most: 9}")
    energy = "{codecarbon: false, idle_seconds: 0.2, warm_up_seconds: 0}"
    plan.write_text(plan.read_text("utf-8").replace("{codecarbon: false}", energy) + gate, "utf-8")
    made = api.audit(plan, out=folder / "run", documents=False)
    monkeypatch.setattr(SklearnTarget, "answer", plain)
    return made


GATE = """\
limits:
  - metric: energy.inference/joules-per-request/change
    at_most: 0.02
    set_by: Board
    set_on: 2026-01-01
    reason: More is paid for
gate: {baseline: {merged: BASE}}
"""


@pytest.mark.parametrize(("then", "now", "joules"), [(0.0, 0.4, 2.8), (0.4, 0.0, 2.0)])
def test_what_was_metered_beside_other_work_neither_passes_nor_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: float, now: float, joules: float
) -> None:
    """Whoever else was there may have taken what a model seems to; the finding, the page and the summary say so."""
    metered_audit(tmp_path / "base", 2.0, monkeypatch, others=then)
    gate = GATE.replace("BASE", str(tmp_path / "base" / "run"))
    record = metered_audit(tmp_path / "new", joules, monkeypatch, gate=gate, others=now)
    (change,) = (each for each in record.findings if each.metric == "energy.inference/joules-per-request/change")
    comparison = api.compare(tmp_path / "base" / "run", record)
    said = (
        f"other processes took {100 * now:.0f} % of the processor time while it was metered, {100 * then:.0f} % while"
    )

    assert (Verdict.INCONCLUSIVE, SubReason.CROWDED) == (change.verdict, change.sub_reason)
    assert said in (change.why or "")
    assert change.estimate.value is not None
    assert said in markdown(comparison).decode()
    assert said in page(comparison).decode()


def test_a_tenth_more_of_a_whole_audit_breaks_its_limit_and_no_change_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """energy.inference/joules-per-request/change at most 2 %: from the plan to the verdict."""
    metered_audit(tmp_path / "base", 2.0, monkeypatch)
    gate = GATE.replace("BASE", str(tmp_path / "base" / "run"))
    verdicts = {
        name: [
            (finding.verdict, finding.estimate.value)
            for finding in metered_audit(tmp_path / name, joules, monkeypatch, gate=gate).findings
            if finding.metric == "energy.inference/joules-per-request/change"
        ]
        for name, joules in (("same", 2.001), ("more", 2.2))
    }
    (same, none), (more, tenth) = (verdicts[name][0] for name in ("same", "more"))

    assert (Verdict.PASS, Verdict.FAIL) == (same, more)
    assert 0.0 == pytest.approx(none, abs=0.01)
    assert 0.10 == pytest.approx(tenth, abs=0.01)


class Steps(Watts):
    """A counter that grows by a power of two from each reading to the next, whatever the time."""

    def __init__(self) -> None:
        super().__init__(0.0)
        self.number = 0

    def read(self) -> float:
        """The next step."""
        self.number += 1
        return 64.0 * self.number


def test_a_trace_of_known_joules_comes_out_to_the_last_digit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """64 J between any two readings: of windows, of the probe as long as it ran, of the whole audit, and replayed."""
    sensor = Steps()
    meter = CounterMeter("test", [sensor], {"cpu": "none", "dram": "none"})
    monkeypatch.setattr(running, "make_meter", lambda settings, place: meter)
    suites = "energy.inference: {repeats: 2, seconds: 0.01, precision: null}"
    plan = write_sklearn_plan(tmp_path, suites=suites)
    plan.write_text(plan.read_text("utf-8").replace("{codecarbon: false}", QUICK), "utf-8")
    record = api.audit(plan, out=tmp_path / "run", documents=False)
    last = sensor.number
    windows = [each.reading.joules for each in record.windows().values() if each.requests]
    probe = record.readings["energy.inference"].joules

    assert {64.0} == set(windows)
    assert 64.0 * (last - 1) == probe
    assert record.energy.kwh is not None and record.energy.kwh.mid == probe / 3.6e6
    text = plan.read_text("utf-8").replace("energy: {codecarbon: false,", f"energy: {{replay: {tmp_path / 'run'},")
    plan.write_text(text, "utf-8")
    again = api.audit(plan, out=tmp_path / "again", documents=False)
    assert last == sensor.number
    assert record.windows() == again.windows()
    assert record.readings == again.readings
    assert record.energy == again.energy
    assert record.results == again.results


#: For options of codecarbon whose kind is told: what would change a result, its place in a file, or where it is sent.
TRAPS = {
    "country_iso_code": "SWE",
    "force_carbon_intensity_g_co2e_kwh": "1",
    "pue": "9",
    "wue": "9",
    "force_cpu_power": "500000",
    "force_ram_power": "500000",
    "tracking_mode": "machine",
    "output_methods": "csv",
    "output_dir": "a folder that is missing",
    "gpu_ids": "7",
    "measure_power_secs": "0.5",
    "api_call_interval": "1",
    "log_level": "debug",
    "allow_multiple_runs": "False",
    "force_mode_cpu_load": "True",
    "rapl_include_dram": "True",
    "rapl_prefer_psys": "True",
}


def traps_of() -> dict[str, str]:
    """Every option of codecarbon's trackers with a value that is nobody's: a text where nothing better is known."""
    options: dict[str, object] = {}
    for tracker in (BaseEmissionsTracker, OfflineEmissionsTracker):
        options |= inspect.signature(inspect.unwrap(tracker.__init__)).parameters
    names = [name for name in options if name not in ("self", "args", "kwargs")]
    assert set(TRAPS) <= set(names)
    return {name: TRAPS.get(name, "True" if name.startswith("save_to_") else "trap") for name in names}


def test_every_option_of_codecarbon_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tracker is the same, to each of its settings, whatever its environment says."""

    def conf() -> dict[str, object]:
        meter = AuditMeter(Energy(country="DEU"))
        meter.start()
        meter.stop()
        known = {"longitude", "latitude", "hardware"}
        return {name: value for name, value in meter._tracker._conf.items() if name not in known}

    plain = conf()
    for name, value in traps_of().items():
        monkeypatch.setenv(f"CODECARBON_{name.upper()}", value)

    assert {"force_cpu_power", "force_ram_power", "gpu_ids", "output_dir", "pue", "cloud_provider"} <= set(plain)
    assert plain == conf()


def test_a_settings_file_that_codecarbon_cannot_read_is_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stops codecarbon, and not the audit."""
    (tmp_path / ".codecarbon.config").write_text("no section\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    meter = AuditMeter(Energy(country="DEU"))
    meter.start()
    reading = meter.stop()

    assert None is reading.joules
    assert ".codecarbon.config" in reading.why["cpu"]


def test_codecarbon_s_own_settings_change_nothing_of_a_whole_audit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them in the environment, and in files of the home and of the working folder."""
    traps = traps_of()
    plan = write_sklearn_plan(tmp_path, suites="energy.inference: {repeats: 2, seconds: 0.01, precision: null}")
    text = plan.read_text("utf-8").replace("{codecarbon: false}", "{country: DEU, meter: none}")
    plan.write_text(text, "utf-8")
    for name, value in traps.items():
        monkeypatch.setenv(f"CODECARBON_{name.upper()}", value)
    lines = "\n".join(f"{name} = {value}" for name, value in traps.items())
    for folder in (tmp_path / "home", tmp_path / "here"):
        folder.mkdir()
        (folder / ".codecarbon.config").write_text(f"[codecarbon]\n{lines}\n", "utf-8")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "here")
    record = api.audit(plan, out=tmp_path / "run", documents=False)
    opinion, whole = record.readings["audit"], record.energy

    assert opinion.joules is not None and opinion.joules / opinion.seconds < 5000
    assert "380.95 g CO2e/kWh (2023)" in opinion.notes[0]
    assert opinion.joules is not None and whole.kwh is not None and whole.grams is not None
    assert opinion.joules / 3.6e6 == pytest.approx(whole.kwh.mid)
    assert 380.95 * 1.3 == pytest.approx(whole.grams.mid / whole.kwh.mid)
    assert [0.5, 2.0] == pytest.approx([whole.kwh.low / whole.kwh.mid, whole.kwh.high / whole.kwh.mid])
    assert ("D", 0) == (whole.grade, whole.of)
    assert "estimated by codecarbon" in whole.how
    assert [".codecarbon.config"] == [path.name for path in (tmp_path / "here").iterdir()]


@pytest.mark.parametrize(
    ("emissions", "pue", "why"),
    [(0.00038095, 1.0, ""), (0.000001, 1.0, "codecarbon took 1 g CO2e/kWh"), (0.00038095, 9.0, "energy by 9, a PUE")],
)
def test_an_opinion_of_other_settings_than_its_own_is_none(emissions: float, pue: float, why: str) -> None:
    """Were codecarbon to take another intensity or PUE after all, it is told and not used."""

    class Tracker:
        """One that has measured a watt-hour."""

        final_emissions_data = SimpleNamespace(
            energy_consumed=0.001,
            gpu_energy=0.0,
            cpu_energy=0.001,
            ram_energy=0.0,
            emissions=emissions,
            pue=pue,
            codecarbon_version="3.3.2",
            cpu_model="of the test",
        )

        def stop(self) -> None:
            """Nothing."""

    meter = AuditMeter(Energy(country="DEU"))
    meter._tracker, meter._intensity = Tracker(), 380.95
    reading = meter.stop()

    assert (not why) == (reading.joules is not None)
    assert why in reading.why["gpu"] if why else reading.joules == pytest.approx(3600.0)
