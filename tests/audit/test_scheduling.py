"""When work emits least: means by hand, no advice below the forecast's error, and every refusal in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands import entered
from probandum import api
from probandum.errors import DataError
from probandum.scheduling import Slot, advise, moment, read_forecast, starts
from records import write_plan

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


def test_the_command_says_both_starts_and_what_is_saved(tmp_path: Path) -> None:
    """In energy of the work, where that is told; else in intensities alone."""
    written(tmp_path, DAY)
    found = entered(tmp_path, "schedule", "forecast.csv", "--hours", 1, "--at", 0, "--kwh", 2)

    assert 0 == found.code, found.err
    assert [
        "now    1970-01-01 00:00 UTC: 400 g CO2e/kWh (360 to 440)",
        "least  1970-01-01 02:00 UTC: 150 g CO2e/kWh (120 to 180)",
        "saved  250 g CO2e/kWh (180 to 320), 62% of now",
        "work   2 kWh (as told): 500 g CO2e (360 to 640)",
        "advice start 1970-01-01 02:00 UTC: even its worst is below the best of now",
    ] == found.out.splitlines()


def test_the_command_refuses_work_of_unknown_length_and_a_short_forecast(tmp_path: Path) -> None:
    """With 2, in one line."""
    written(tmp_path, DAY)
    for words, said in [
        (("--at", 0), "how long the work takes is not known"),
        (("--at", 0, "--hours", 9), "does not cover 9 h from 1970-01-01 00:00 UTC on"),
        (("--at", "later", "--hours", 1), "at: 'later' is no time"),
        (("--at", 0, "--hours", 1, "--error", 2), "error: 2"),
    ]:
        found = entered(tmp_path, "schedule", "forecast.csv", *words)
        assert 2 == found.code
        assert said in found.err
        assert 1 == len(found.err.splitlines()) or "\n  " in found.err, found.err


def test_an_audit_lends_its_time(tmp_path: Path) -> None:
    """A record stands in for --hours."""
    record = api.audit(write_plan(tmp_path), out=tmp_path / "run", documents=False)
    written(tmp_path, DAY)
    found = entered(tmp_path, "schedule", "forecast.csv", record.folder, "--at", 0)

    assert 0 == found.code, found.err
    assert found.out.startswith("now    1970-01-01 00:00 UTC: 400 g")
