"""Two audits of the same energy agree within their interval; a tenth more is found, and no change is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from probandum import api, running, stats
from probandum.changing import change_of_items
from probandum.comparing import Measured, compare
from probandum.energy import CounterMeter, Sensor
from probandum.evidence import Items
from probandum.finding import Limit
from probandum.sampled_power import SampledPower
from probandum.weighing import fail_p_values
from records import write_sklearn_plan
from sensors import Watts

#: The spread of repeated windows of one machine, as measurement C-1 has it.
CV = 0.018
RUNS = 4000


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
    plan = write_sklearn_plan(folder, suites="energy.inference: {repeats: 3, seconds: 0.05}")
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
