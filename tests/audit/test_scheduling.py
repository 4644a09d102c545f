"""When work emits least: means by hand, no advice below the forecast's error, and every refusal in one line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands import entered
from probandum import api, running
from probandum.cli_schedule import Energy, said
from probandum.energy import NoMeter
from probandum.errors import DataError
from probandum.evidence import Reading
from probandum.record import Record, write_json
from probandum.scheduling import Advice, Slot, Start, advise, gaps, moment, read_forecast, starts
from probandum.totalling import PARTLY
from records import write_plan, write_sklearn_plan
from sensors import Watts, metered

HEAD = "time,grams,low,high\n"
DAY = HEAD + "0,400,360,440\n3600,380,340,420\n7200,150,120,180\n10800,390,350,430\n"


def written(folder: Path, text: str) -> Path:
    """A forecast."""
    path = folder / "forecast.csv"
    path.write_text(text, "utf-8")
    return path


def test_the_least_start_is_that_of_the_lowest_mean(tmp_path: Path) -> None:
    """Two hours: the first starts take 390, 265 and 270 g on average; 265 lies below 390 beyond its error."""
    found = advise(read_forecast(written(tmp_path, DAY)), 7200.0, since=0.0, region="")

    assert [390.0, 265.0, 270.0] == [
        each.grams for each in starts(read_forecast(tmp_path / "forecast.csv"), 7200.0, since=0.0)
    ]
    assert (0.0, 3600.0) == (found.now.at, found.least.at)
    assert (125.0, 50.0, 200.0) == found.saved
    assert found.advised


def test_nothing_is_advised_below_the_error_of_the_forecast(tmp_path: Path) -> None:
    """380 g lie below 400 g, and both are off by 40 g."""
    found = advise(read_forecast(written(tmp_path, DAY)), 3600.0, since=0.0, before=7200.0, region="")

    assert (3600.0, 380.0) == (found.least.at, found.least.grams)
    assert not found.advised


def test_another_region_may_be_less_at_once(tmp_path: Path) -> None:
    """The same hour elsewhere."""
    text = "time,grams,region\n0,400,DE\n3600,400,DE\n0,50,SE\n3600,50,SE\n"
    found = advise(read_forecast(written(tmp_path, text), error=0.2), 3600.0, since=0.0, region="DE")

    assert ("SE", 0.0, True) == (found.least.region, found.least.at, found.advised)
    assert (320.0, 480.0) == (found.now.low, found.now.high)


@given(st.lists(st.floats(1.0, 900.0), min_size=2, max_size=12), st.floats(0.1, 3.0), st.floats(0.0, 1.0))
def test_a_mean_lies_within_its_slots_and_the_least_start_is_no_worse_than_now(
    grams: list[float], hours: float, since: float
) -> None:
    """Whatever the forecast."""
    slots = [
        Slot(region="", start=float(i), end=i + 1.0, grams=each, low=0.9 * each, high=1.1 * each)
        for i, each in enumerate(grams)
    ]
    found = list(starts(slots, hours, since=since))

    assert all(min(grams) - 1e-9 <= each.grams <= max(grams) + 1e-9 for each in found)
    assert all(each.low <= each.grams <= each.high for each in found)
    if found:
        advice = advise(slots, hours, since=since, region="")
        assert advice.least.grams <= advice.now.grams
        assert not advice.advised or advice.saved[1] > 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time,grams\n0,1\n1,2\n", "no column 'low'"),
        ("when,grams,low,high\n", "no column 'time'"),
        (HEAD + "0,400,360,440\n", "fewer than 2 rows"),
        (HEAD, "fewer than 2 rows"),
        (HEAD + "0,400,410,440\n1,1,1,1\n", "row 1: expected 0 <= low <= grams <= high, got 410, 400 and 440"),
        (HEAD + "0,400,360,440\n0,400,360,440\n", "row 2: the time does not follow the one before"),
        (HEAD + "2026-11-28T21:00,1,1,1\n", "row 1: '2026-11-28T21:00' does not say in which zone"),
        (HEAD + "soon,1,1,1\n", "row 1: 'soon' is no time"),
        (HEAD + "0,much,1,1\n", "row 1: column 'grams' holds 'much', expected a number of grams"),
        (HEAD + "0,400\n3600,1,1,1\n", "row 1: column 'low' holds '', expected a number of grams"),
        (HEAD + "0,nan,1,1\n", "row 1: column 'grams' holds 'nan', expected a number of grams"),
        (HEAD + "0,-1,-2,1\n", "row 1: expected 0 <= low <= grams <= high, got -2, -1 and 1"),
        (HEAD + "0,400,5,360,440\n", "row 1: more cells than columns"),
        (HEAD + "1764284400000,1,1,2\n", "row 1: '1764284400000' is no time from 1970 to 2199"),
        (HEAD + "nan,1,1,2\n", "row 1: 'nan' is no time from 1970 to 2199"),
        (HEAD + "2026-10-25T02:30 Europe/Berlin,1,1,2\n", "row 1: '2026-10-25T02:30 Europe/Berlin' is no time"),
        (HEAD + "0,1,1,1\n1,2,2,2\n", "low and high are alike in every row"),
        (HEAD.replace("low,high", "low,high,low") + "0,1,1,1,1\n", "twice the column 'low'"),
        ("time,grams,low,high,region\n0,1,1,2,DE\n1,1,1,2,\n", "row 2: no region"),
    ],
)
def test_a_forecast_that_is_none_is_refused_by_its_row(tmp_path: Path, text: str, said: str) -> None:
    """One line, with what was expected."""
    with pytest.raises(DataError) as caught:
        read_forecast(written(tmp_path, text))

    assert caught.value.message.endswith(said)


def test_a_time_with_its_offset_is_read() -> None:
    """Midnight in Berlin in winter is 23:00 UTC of the day before."""
    assert 1_764_284_400.0 == moment("2025-11-28T00:00+01:00", "at")


def test_the_hour_that_a_clock_shows_twice_is_told_by_its_offset(tmp_path: Path) -> None:
    """When summer ends in Berlin: 02:00 comes twice, an hour apart; without an offset nobody could tell."""
    rows = ("01:00+02:00,400", "02:00+02:00,300", "02:00+01:00,100", "03:00+01:00,350")
    text = "time,grams\n" + "".join(f"2026-10-25T{row}\n" for row in rows)
    slots = read_forecast(written(tmp_path, text), error=0.1)
    found = advise(slots, 3600.0, since=slots[0].start, region="")

    assert [3600.0] * 4 == [each.end - each.start for each in slots]
    assert (7200.0, 100.0) == (found.least.at - slots[0].start, found.least.grams)


def test_no_start_runs_into_a_gap_of_the_forecast(tmp_path: Path) -> None:
    """The row at 02:00 is missing: what is forecast there is nothing, and no longer the row before."""
    text = HEAD + "0,400,360,440\n3600,50,45,55\n10800,300,270,330\n14400,300,270,330\n"
    slots = read_forecast(written(tmp_path, text))

    assert 1 == gaps(slots)
    assert [3600.0, 7200.0, 14400.0, 18000.0] == [each.end for each in slots]
    assert [0.0, 10800.0] == [each.at for each in starts(slots, 7200.0, since=0.0)]
    told = entered(tmp_path, "schedule", "forecast.csv", "--hours", 2, "--at", 0)
    assert "note   the forecast has 1 gap; no start that runs into one was weighed" == told.out.splitlines()[-1]
    with pytest.raises(DataError, match="does not cover 1 h from 1970-01-01 02:30 UTC on"):
        advise(slots, 3600.0, since=9000.0, region="")


def test_a_year_of_quarter_hours_takes_no_longer_than_a_moment(tmp_path: Path) -> None:
    """35,000 starts, each of a mean over 40 slots; the least is where the minimum lies."""
    slots = [
        Slot(region="", start=900.0 * i, end=900.0 * (i + 1), grams=g, low=g, high=g)
        for i in range(35_000)
        for g in [100.0 if 20_000 <= i < 20_040 else 300.0]
    ]
    found = advise(slots, 36_000.0, since=450.0, region="")

    assert 20_000 * 900.0 == found.least.at
    assert pytest.approx(100.0) == found.least.grams


def test_the_command_names_the_regions_and_the_end_of_the_time(tmp_path: Path) -> None:
    """Which one is yours, one that is none, work that is not done by --before, and an error stated twice."""
    text = "time,grams,region\n0,400,DE\n3600,400,DE\n0,50,SE\n3600,50,SE\n"
    written(tmp_path, text)
    for words, told in [
        (("--error", 0.1), "several regions, and none is said to be yours"),
        (("--error", 0.1, "--region", "FR"), "no region 'FR'"),
        (("--error", 0.1, "--region", "DE", "--before", 60), "is not done by 1970-01-01 00:01 UTC"),
        (("--error", 0, "--region", "DE"), "error: 0"),
        (("--kwh", "inf", "--error", 0.1), "kwh: inf"),
    ]:
        found = entered(tmp_path, "schedule", "forecast.csv", "--at", 0, "--hours", 1, *words)
        assert (2, True) == (found.code, told in found.err), found.err
    written(tmp_path, DAY)
    assert "states its own error" in entered(tmp_path, "schedule", "forecast.csv", "--hours", 1, "--error", 0.1).err


def test_a_grid_that_emits_nothing_now_is_left_alone(tmp_path: Path) -> None:
    """Where starting now emits nothing no other start does better, in no region."""
    text = "time,grams,low,high,region\n0,0,0,9,DE\n3600,0,0,9,DE\n0,0,0,9,SE\n3600,1,0,9,SE\n"
    written(tmp_path, text)
    found = entered(tmp_path, "schedule", "forecast.csv", "--at", 0, "--hours", 1, "--region", "DE")

    assert 0 == found.code, found.err
    assert "advice none: no start in the forecast emits less" == found.out.splitlines()[-1]


def test_an_estimate_of_the_work_is_told_with_its_range() -> None:
    """Grade D: a half to twice of what is saved (measurement C-0)."""
    now, least = (Start(region="", at=0.0, grams=g, low=g, high=g) for g in (400.0, 100.0))
    energy = Energy(kwh=1.0, low=0.5, high=2.0, how="as told")
    told = list(said(Advice(now=now, least=least), energy=energy))

    assert "work   1 kWh (as told): 300 g CO2e (150 to 600)" == told[3]


class Opinion:
    """A second opinion, in place of codecarbon's, that the audit took a kilowatt-hour in half an hour."""

    def __init__(self, settings: object) -> None:
        pass

    def start(self) -> None:
        """Nothing."""

    def stop(self) -> Reading:
        """A kilowatt-hour."""
        return Reading(cpu_joules=3.6e6, seconds=1800.0, meter="opinion", grade="D")


def metered_audit(folder: Path, monkeypatch: pytest.MonkeyPatch, *watts: Watts) -> Record:
    """An audit with a second opinion and these parts, whose forecast lies beside it."""
    monkeypatch.setattr(running, "AuditMeter", Opinion)
    monkeypatch.setattr(running, "make_meter", lambda settings, place: metered(*watts) if watts else NoMeter())
    suites = "bias.group-rates: {}, energy.inference: {repeats: 2, seconds: 0.01, precision: null}"
    plan = write_sklearn_plan(folder, suites=suites)
    quick = "{codecarbon: false, idle_seconds: 0, warm_up_seconds: 0}"
    plan.write_text(plan.read_text("utf-8").replace("{codecarbon: false}", quick), "utf-8")
    written(folder, DAY)
    return api.audit(plan, out=folder / "run", documents=False)


def test_the_metered_energy_of_an_audit_counts_before_any_estimate_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What energy.json holds, grade B with its range; the estimate alone where nothing was metered."""
    for name, watts, told in (
        ("counted", [Watts(50.0)], "(metered by test, grade B, a factor of 1.05 either way): "),
        (
            "estimated",
            [],
            "work   1 kWh (estimated by opinion, grade D, a factor of 2 either way): 250 g CO2e (90 to 640)",
        ),
    ):
        record = metered_audit(tmp_path / name, monkeypatch, *watts)
        found = entered(tmp_path / name, "schedule", "forecast.csv", "run", "--at", 0)
        (work,) = (line for line in found.out.splitlines() if line.startswith("work"))

        assert record.energy.kwh is not None
        assert work.startswith(f"work   {record.energy.kwh.mid:.3g} kWh (")
        assert told in work


def test_how_long_an_audit_took_that_was_interrupted_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its last part took less; with --hours there is an answer."""
    record = metered_audit(tmp_path, monkeypatch)
    readings = record.readings
    readings["audit"] = replace(readings["audit"], notes=(PARTLY,))
    write_json(record.ask / "readings.json", readings)
    refused = entered(tmp_path, "schedule", "forecast.csv", "run", "--at", 0)
    told = entered(tmp_path, "schedule", "forecast.csv", "run", "--at", 0, "--hours", 1)

    assert (2, f"error: run: how long it took is not known: {PARTLY}; give --hours\n") == (refused.code, refused.err)
    assert 0 == told.code


def test_the_command_says_both_starts_and_what_is_saved(tmp_path: Path) -> None:
    """In energy of the work, where that is told; else in intensities alone."""
    written(tmp_path, DAY)
    found = entered(tmp_path, "schedule", "forecast.csv", "--hours", 1, "--at", 0, "--kwh", 2)

    assert 0 == found.code, found.err
    assert [
        "now    1970-01-01 00:00 UTC: 400 g CO2e/kWh (360 to 440)",
        "least  1970-01-01 02:00 UTC: 150 g CO2e/kWh (120 to 180)",
        "saved  250 g CO2e/kWh (180 to 320), 62 % of now",
        "work   2 kWh (as told): 500 g CO2e (360 to 640)",
        "advice start 1970-01-01 02:00 UTC: even its worst is below the best of now",
    ] == found.out.splitlines()


def test_the_command_refuses_work_of_unknown_length_and_a_short_forecast(tmp_path: Path) -> None:
    """With 2, in one line."""
    written(tmp_path, DAY)
    for words, told in [
        (("--at", 0), "how long the work takes is not known"),
        (("--at", 0, "--hours", 9), "does not cover 9 h from 1970-01-01 00:00 UTC on"),
        (("--at", "later", "--hours", 1), "at: 'later' is no time"),
        (("--at", 0, "--hours", 1, "--error", 2), "error: 2"),
    ]:
        found = entered(tmp_path, "schedule", "forecast.csv", *words)
        assert 2 == found.code
        assert told in found.err
        assert 1 == len(found.err.splitlines()) or "\n  " in found.err, found.err


def test_an_audit_lends_its_time(tmp_path: Path) -> None:
    """A record stands in for --hours."""
    record = api.audit(write_plan(tmp_path), out=tmp_path / "run", documents=False)
    written(tmp_path, DAY)
    found = entered(tmp_path, "schedule", "forecast.csv", record.folder, "--at", 0)

    assert 0 == found.code, found.err
    assert found.out.startswith("now    1970-01-01 00:00 UTC: 400 g")
