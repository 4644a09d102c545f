"""How windows are metered: rest before and after loading, warming up to a steady state, and who else was there."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from fakes import KeywordClassifier, Notes
from probandum import api, running
from probandum.asking import Asker
from probandum.crowding import Company, Crowd
from probandum.energy import CounterMeter, NoMeter
from probandum.evidence import Capability, Reading, Request, Response
from probandum.plan_file import Energy
from probandum.record import Record
from probandum.resting import PIECES, Conduct, at_rest, idle_watts
from probandum.sampled_power import SampledPower
from probandum.sensing import package_celsius, rapl_sensors
from probandum.wall_log import ExternalLog
from probandum.warming import drift_of, warmed
from records import write_sklearn_plan
from sensors import Clock, Watts, metered

#: A plan's own seconds, few enough for a test.
QUICK = "{codecarbon: false, idle_seconds: 0.2, warm_up_seconds: 0.05, warm_up_at_most: 0.5}"


class Machine:
    """A clock that a test moves, and a part that grows as warm as the time says."""

    def __init__(self, *, warm_after: float = 0.0, rounds: Sequence[float] = (1.0,)) -> None:
        self.seconds = 0.0
        self.warm_after = warm_after
        self.rounds = list(rounds)
        self.done = 0

    def work(self) -> None:
        """A round; the last of their lengths is that of all further ones."""
        self.seconds += self.rounds[min(self.done, len(self.rounds) - 1)]
        self.done += 1

    def clock(self) -> float:
        """The time now."""
        return self.seconds

    def temperatures(self) -> Mapping[str, float]:
        """A degree in ten seconds until it is warm, in whole degrees as sensors tell them."""
        return {"GPU 0": float(int(40 + min(self.seconds, self.warm_after) / 10))}

    def warmed(self, *, seconds: float = 30.0, at_most: float = 180.0) -> Any:
        """What warming up comes to."""
        return warmed(self.work, seconds=seconds, at_most=at_most, temperatures=self.temperatures, clock=self.clock)


def test_a_steady_machine_is_warm_after_the_least_of_seconds() -> None:
    """30 s of rounds of a second each, and no degree of drift."""
    warmth = Machine().warmed()

    assert (30.0, True, 0.0) == (warmth.seconds, warmth.steady, warmth.spread)
    assert {"GPU 0": 0.0} == warmth.drift


def test_a_machine_that_still_warms_up_is_waited_for() -> None:
    """A degree in ten seconds for a minute: three in 30 s, until half a minute later."""
    warmth = Machine(warm_after=60.0).warmed()

    assert warmth.steady
    assert 60.0 < warmth.seconds <= 100.0
    assert abs(warmth.drift["GPU 0"]) < 1.0


def test_rounds_that_grow_faster_are_waited_for() -> None:
    """Each of the first ones takes a tenth less than the one before it."""
    rounds = [6.0 * 0.9**number for number in range(12)]
    warmth = Machine(rounds=rounds).warmed()

    assert warmth.steady
    assert warmth.seconds > sum(rounds) - 6.0
    assert warmth.spread < 0.02


def test_what_never_grows_steady_ends_with_the_bound_and_says_so() -> None:
    """Windows are metered all the same, and each tells it."""
    warmth = Machine(warm_after=1e9).warmed(at_most=90.0)

    assert not warmth.steady
    assert 90.0 <= warmth.seconds < 97.0
    assert "Warmed up for 90 s: not steady" in warmth.said
    assert "GPU 0 drifts 3.0 degrees in 30 s" in warmth.said.replace("2.9", "3.0").replace("3.1", "3.0")


def test_a_sensor_that_flickers_between_two_degrees_does_not_drift() -> None:
    """Whole degrees are all that it tells."""
    felt = [(float(second), {"CPU": 60.0 + second % 2}) for second in range(31)]

    assert abs(drift_of(felt, "CPU")) < 0.1
    assert 0.0 == drift_of(felt[:1], "CPU")


def test_rest_is_metered_in_its_second_half_and_without_a_meter_takes_no_time() -> None:
    """So many windows of equal length; sampled power is looked at often enough in each."""
    clock = Clock()
    sampled = SampledPower(watts=lambda: 35.0, covers="GPU 0", clock=clock)
    readings = at_rest(CounterMeter("power", [sampled], {}), 0.2, 4)

    assert 4 == len(readings)
    assert {"C"} == {each.grade for each in readings}
    assert 35.0 == pytest.approx(idle_watts(metered(Watts(35.0)), 0.02))
    assert [] == at_rest(NoMeter("no GPU"), 3600.0, PIECES)


def test_a_log_that_does_not_cover_the_rest_tells_no_idle_power(tmp_path: Path) -> None:
    """And nobody waits for it."""
    (tmp_path / "wall.csv").write_text("time,watts\n1,40\n2,40\n", "utf-8")

    assert [] == at_rest(ExternalLog(tmp_path / "wall.csv"), 3600.0 * PIECES * 1e-6, PIECES)


def window(asker: Asker, text: str = "a", **more: Any) -> list[Any]:
    """Two short windows."""
    given: dict[str, Any] = {"repeats": 2, "seconds": 0.01, "warm_up": 1, **more}
    requests = [Request(kind=Capability.CLASSIFY, inputs=(text,), fresh=True)]
    return list(asker.for_probe("energy.a").window(requests, **given))


class Counting(KeywordClassifier):
    """Counts its rounds."""

    def __init__(self) -> None:
        super().__init__()
        self.rounds = 0

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """The answers, counted."""
        self.rounds += 1
        return super().answer(requests)


def test_work_is_warmed_up_once_and_not_at_all_without_a_meter() -> None:
    """Pilot and windows of the same work follow each other; other work warms up anew."""
    conduct = Conduct(idle_seconds=0.02, warm_up_seconds=0.05, warm_up_at_most=0.06)
    target = Counting()
    asker = Asker(target, seed=1, journal=Notes(), meter=metered(Watts(9.0)), conduct=conduct)
    warming = []
    for given in ({"text": "a"}, {"text": "a", "repeats": 3}, {"text": "b"}):
        before = target.rounds
        found = window(asker, **given)
        warming.append(target.rounds - before - sum(each.requests for each in found))
        assert all("Warmed up for" in " ".join(each.reading.notes) for each in found)
    bare = Asker(Counting(), seed=1, journal=Notes(), meter=NoMeter(), conduct=conduct)
    unmetered = window(bare)

    assert warming[0] > 5 and warming[1] == 0 and warming[2] > 5
    assert [] == [note for each in unmetered for note in each.reading.notes]
    assert isinstance(bare.target, Counting)
    assert 1 + sum(each.requests for each in unmetered) == bare.target.rounds


def test_the_meter_is_looked_at_after_every_pack_and_round() -> None:
    """So that a counter that starts again at 0 is seen to do so, and sampled power is sampled."""
    looks: list[None] = []

    class Looked(CounterMeter):
        """Counts the looks."""

        def look(self) -> None:
            """One more."""
            looks.append(None)

    asker = Asker(Counting(), seed=1, journal=Notes(), meter=Looked("test", [Watts(9.0)], {}))
    for number in range(3):
        asker.answer("bias.a", [Request(kind=Capability.CLASSIFY, inputs=(f"text {number}",))])
    after_packs, rounds = len(looks), asker.target.rounds  # type: ignore[attr-defined]
    window(asker)

    assert (3, 3) == (after_packs, rounds)
    assert asker.target.rounds <= len(looks)  # type: ignore[attr-defined]


def test_a_run_that_resumes_keeps_the_rest_that_it_metered_and_a_replay_finds_it() -> None:
    """What was written down is read again, and the machine rests no second time."""
    notes, bare = Notes(), metered(Watts(3.0))
    before = at_rest(bare, 0.02, 1)[0]
    of_probe = Reading(cpu_joules=1.0, seconds=1.0, meter="test", grade="B")
    first = Asker(KeywordClassifier(), seed=1, journal=notes, meter=metered(Watts(9.0)), bare=before)
    assert of_probe == first.resting(of_probe)
    found = window(first)
    again = Asker(KeywordClassifier(), seed=1, journal=notes, meter=metered(Watts(500.0)))
    replay = Asker(KeywordClassifier(), seed=1, journal=Notes(), replayed=notes.windows)

    assert [9.0] * 2 == [pytest.approx(each.reading.idle_watts) for each in found]
    assert [3.0] * 2 == [pytest.approx(each.reading.bare_watts) for each in found]
    assert first.resting(of_probe) == again.resting(of_probe) == replay.resting(of_probe)
    assert [9.0, 3.0] == pytest.approx([first.resting(of_probe).idle_watts, first.resting(of_probe).bare_watts])
    assert first.rest() == again.rest() == replay.rest()
    assert PIECES == len(replay.rest())
    assert found == window(again) == window(replay)
    assert (True, True, False) == (again.metered, replay.metered, Asker(KeywordClassifier(), seed=1).metered)
    assert PIECES + 1 + 2 == len(notes.windows)


def test_sampled_windows_begin_after_a_pause_and_a_round_that_is_not_metered() -> None:
    """So that none keeps step with the sensor, and the rise is over."""
    conduct = Conduct(idle_seconds=0.0)
    target = Counting()
    meter = CounterMeter("power", [SampledPower(watts=lambda: 35.0, covers="GPU 0")], {})
    found = window(Asker(target, seed=1, journal=Notes(), meter=meter, conduct=conduct), repeats=3)

    assert 1 + 3 + sum(each.requests for each in found) == target.rounds


def test_an_audit_tells_idle_power_before_and_with_the_system_and_who_else_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the plan to the record: every reading with joules carries them, and the record says what all took."""
    crowd = Crowd(cards={"GPU 0": lambda: [os.getpid(), 1]})

    def meter(settings: Energy, folder: Path) -> CounterMeter:
        clock = Clock()
        sensor = Watts(50.0)
        sensor.clock = clock
        return CounterMeter("test", [sensor], {"cpu": "none", "dram": "none"}, crowd=crowd, clock=clock)

    monkeypatch.setattr(running, "make_meter", meter)
    plan = write_sklearn_plan(tmp_path, suites="energy.inference: {repeats: 2, seconds: 0.05, precision: null}")
    energy = QUICK.replace("{", "{pue: 1.5, intensity: {mid: 400, low: 300, high: 500, year: 2024, source: grid}, ")
    plan.write_text(plan.read_text("utf-8").replace("{codecarbon: false}", energy), "utf-8")
    record = api.audit(plan, out=tmp_path / "run", documents=False)
    api.report(record, documents=["annex_iv"], formats=["md"])
    readings, whole = record.readings, record.energy

    reading = readings["energy.inference"]
    assert [50.0, 50.0] == pytest.approx([reading.idle_watts, reading.bare_watts])
    assert "GPU 0: 1 other process computes on it, beside this one" == reading.others[-1]
    kept = record.windows()
    assert {"rest:bare", "rest:loaded:1"} <= set(kept)
    worked = [each.reading for each in kept.values() if each.requests]
    assert all(each.idle_watts == pytest.approx(50.0) and each.others for each in worked)
    assert all("Warmed up" in " ".join(each.notes) for each in worked)
    joules = reading.joules
    assert joules is not None and whole.kwh is not None and whole.grams is not None
    assert joules / 3.6e6 == pytest.approx(whole.kwh.mid)
    assert [1.05, 400 * 1.5] == pytest.approx([whole.kwh.high / whole.kwh.mid, whole.grams.mid / whole.kwh.mid])
    assert ("B", 1, 1) == (whole.grade, whole.of, whole.probes)
    page = (record.reports / "index.html").read_text("utf-8")
    assert "at rest the parts took 50.0 W with the system loaded, 50.0 W before" in page.replace("At rest", "at rest")
    assert "GPU 0: 1 other process computes on it" in page
    assert "g CO2e (" in page
    windows = (record.reports / "evidence" / "energy.inference.html").read_text("utf-8")
    assert "idle power 50.0 W, 50.0 W before loading; other processes took " in windows
    told = (record.reports / "annex_iv.md").read_text("utf-8")
    assert "CO2e of the whole audit" in told and "Metered by test, probe by probe" in told
    assert [] == [step.number for step in api.verify(record) if step.held is False]


def test_without_a_meter_nothing_rests_and_the_energy_of_the_audit_is_missing_with_its_reason(tmp_path: Path) -> None:
    """An audit with the defaults of the plan, a minute of rest among them, is done at once."""
    plan = write_sklearn_plan(tmp_path, suites="energy.inference: {repeats: 2, seconds: 0.01}")
    text = plan.read_text("utf-8").replace("{codecarbon: false}", "{codecarbon: false, meter: none}")
    plan.write_text(text, "utf-8")
    record = api.audit(plan, out=tmp_path / "run", documents=False)

    assert not [key for key in record.windows() if key.startswith("rest:")]
    assert (None, None) == (record.energy.kwh, record.energy.grams)
    assert "the plan says energy.meter: none" in (record.energy.why or "")
    assert Record.open(tmp_path / "run").energy == record.energy


def test_the_processor_time_of_others_is_that_of_all_less_ones_own(tmp_path: Path) -> None:
    """Two cores at work for others, by the kernel's own counts; where it tells none, nothing is said."""
    tick = os.sysconf("SC_CLK_TCK")
    stat = tmp_path / "stat"
    stat.write_text("cpu  0 0 0 0 0 0 0 0 0 0\n", "ascii")
    crowd = Crowd(proc=tmp_path)
    before = crowd.now()
    stat.write_text(f"cpu  {10**6 * tick} 0 0 0 0 0 0 0 0 0\n", "ascii")
    (said,), share = crowd.since(before)

    assert said.startswith("other processes took ") and said.endswith(f" of {os.cpu_count()} cores")
    assert float(said.split()[3]) > 1000.0
    assert share is not None and 0.999 < share <= 1.0
    assert Company() == Crowd(proc=tmp_path / "nowhere").since(Crowd(proc=tmp_path / "nowhere").now())


def test_one_s_own_work_and_that_of_one_s_children_is_not_others(tmp_path: Path) -> None:
    """Of a machine whose only work is this process, others took nothing."""
    (tmp_path / "stat").write_text("cpu  0 0 0 0 0 0 0 0 0 0\n", "ascii")
    crowd = Crowd(proc=tmp_path)
    before = crowd.now()
    sum(number * number for number in range(200_000))
    (said,), share = crowd.since(before)

    assert said.startswith("other processes took 0.0 of")
    assert share in (0.0, None)  # None where so little work took no tick of the clock


def test_a_die_that_mirrors_the_counter_of_its_socket_is_counted_once(tmp_path: Path) -> None:
    """Two domains that show the same joules are one counter; those of another socket are its own."""
    for domain, microjoules in (("0", 81_000_000), ("1", 81_100_000), ("2", 12_000_000), ("3", 0), ("4", 0)):
        folder = tmp_path / f"intel-rapl:{domain}"
        folder.mkdir()
        (folder / "name").write_text(f"package-{domain}\n", "ascii")
        (folder / "energy_uj").write_text(f"{microjoules}\n", "ascii")
        (folder / "max_energy_range_uj").write_text("262143328850\n", "ascii")
    found, _ = rapl_sensors(tmp_path)

    assert [81.0, 12.0, 0.0, 0.0] == [sensor.stands_at() for sensor in found]


def test_the_temperature_of_the_hottest_package_is_read(tmp_path: Path) -> None:
    """Other zones are of other parts; without any there is none."""
    for number, (kind, celsius) in enumerate((("acpitz", 90_000), ("x86_pkg_temp", 61_000), ("x86_pkg_temp", 58_500))):
        zone = tmp_path / f"thermal_zone{number}"
        zone.mkdir()
        (zone / "type").write_text(f"{kind}\n", "ascii")
        (zone / "temp").write_text(f"{celsius}\n", "ascii")

    assert 61.0 == package_celsius(tmp_path)
    assert None is package_celsius(tmp_path / "nowhere")


@pytest.mark.parametrize(("gpu", "cpu", "grade"), [(95.0, 5.0, "B"), (80.0, 20.0, "C")])
def test_the_grade_is_the_worst_of_any_part_above_a_tenth(gpu: float, cpu: float, grade: str) -> None:
    """Sampled power of a part that took 5 % leaves counters what they are."""
    part = Watts(cpu, "cpu")
    part.grade = "C"
    meter = metered(Watts(gpu), part)
    token = meter.begin()
    sum(range(1000))

    assert grade == meter.end(token).grade
