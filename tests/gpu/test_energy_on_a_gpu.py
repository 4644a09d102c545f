"""The energy counter of a GPU: cheap to read, true to the work, and honest about who else is there."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fakes import Notes
from probandum import api
from probandum.asking import Asker
from probandum.energy import NVML_UPDATE_SECONDS, make_meter
from probandum.evidence import Reading
from probandum.judging import control_states
from probandum.measuring import measure
from probandum.plan_file import Energy
from probandum.plugins import load_plugins
from probandum.probe import make_probe
from probandum.resting import Conduct, idle_watts
from probandum.sensing import nvml_sensors
from probandum.target import TargetContext, make_target
from probandum.targets import load_builtin
from tiny_models import save_llama

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
load_plugins()
load_builtin()

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available() or not nvml_sensors()[0], reason="no NVIDIA energy counter"),
]

#: Seconds of a window: a hundred steps of the counter, so that one step is 1 % of it (measurement C-1).
WINDOW = 10.0


def meter() -> Any:
    """The GPU's counter alone."""
    return make_meter(Energy(meter="nvml"), Path())


def burn(steps: int) -> Reading:
    """What ``steps`` products of two large matrices took."""
    there = meter()
    matrix = torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16)
    torch.cuda.synchronize()
    token = there.begin()
    for _ in range(steps):
        matrix @ matrix
    torch.cuda.synchronize()
    reading: Reading = there.end(token)
    return reading


def test_reading_a_counter_takes_little_of_the_time_between_its_steps() -> None:
    """A tenth at most, so that reading it at the ends of a window adds nothing to the window."""
    (sensor, *_), _ = nvml_sensors()
    took = []
    for _ in range(200):
        began = time.perf_counter()
        sensor.read()
        took.append(time.perf_counter() - began)

    assert np.median(took) < NVML_UPDATE_SECONDS / 10


def test_a_reading_says_in_what_state_the_card_was() -> None:
    """Temperature, power limit and driver stand in the notes, processes beside them; the joules are of grade B."""
    torch.zeros(1, device="cuda")
    there = meter()
    reading = there.end(there.begin())

    assert "B" == reading.grade
    assert torch.cuda.get_device_name(0) in reading.covers[0]
    assert "degrees Celsius" in reading.notes[-1]
    assert "power limit" in reading.notes[-1]
    assert "driver" in reading.notes[-1]
    assert "on it" in reading.others[-1]
    assert there.temperatures()
    assert {"cpu", "dram"} == set(reading.why)


@pytest.mark.slow
def test_sleep_takes_idle_power_and_no_more() -> None:
    """Control C-4: with nothing to do, net energy is 0 within 2 % of idle energy."""
    torch.cuda.synchronize()
    time.sleep(WINDOW)  # after other work the card comes to rest first
    idle = idle_watts(meter(), 2 * WINDOW)
    there = meter()
    token = there.begin()
    time.sleep(WINDOW)
    reading = there.end(token)

    assert idle is not None and reading.joules is not None
    assert reading.joules - idle * reading.seconds == pytest.approx(0.0, abs=0.02 * idle * reading.seconds)


@pytest.mark.slow
def test_twice_the_work_takes_twice_the_net_energy() -> None:
    """Control C-4: a slope of 2.00 within 0.05."""
    idle = idle_watts(meter(), WINDOW)
    assert idle is not None
    warm = burn(2000)
    steps = int(2000 * WINDOW / warm.seconds)
    burn(steps)  # to the temperature of the work
    once, twice = burn(steps), burn(2 * steps)
    net = [reading.joules - idle * reading.seconds for reading in (once, twice) if reading.joules is not None]

    assert 2.0 == pytest.approx(net[1] / net[0], abs=0.05)


def test_an_answer_of_a_model_has_joules_above_idle(tmp_path: Path) -> None:
    """energy.inference on CUDA: gross and net joules, of the card by name, and its controls hold."""
    context = TargetContext(folder=tmp_path, device="cuda", threads=1)
    wide: dict[str, Any] = {
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
    }
    target = make_target("transformers", context, {"path": str(save_llama(tmp_path, **wide))})
    probe = make_probe("energy.inference", {"seconds": 2.0, "tokens": 8})
    conduct = Conduct(idle_seconds=20.0, warm_up_seconds=5.0, warm_up_at_most=30.0)
    result = measure(probe, Asker(target, seed=1, journal=Notes(), meter=meter(), conduct=conduct))
    found: dict[str, Any] = {each.metric: each.estimate for each in result.measures}

    assert "measured" == result.status, result.why
    assert 0 < found["net-joules-per-request"].value < found["joules-per-request"].value
    assert torch.cuda.get_device_name(0) in found["joules-per-request"].design
    assert "net of idle power" in found["net-joules-per-request"].design
    assert {"positive": "held", "negative": "held"} == control_states(result)
    assert 8 * found["joules-per-output-token"].value == pytest.approx(found["joules-per-request"].value, rel=1e-6)


def test_a_plan_runs_on_the_gpu_and_its_record_names_it(tmp_path: Path) -> None:
    """From the audit file to the record: device auto, the counter's readings, the card in the environment."""
    save_llama(tmp_path / "model")
    (tmp_path / "audit.yaml").write_text(PLAN, "utf-8")
    api.audit(tmp_path / "audit.yaml", out=tmp_path / "run", documents=False)
    environment = json.loads((tmp_path / "run/ask/environment.json").read_text("utf-8"))
    readings = json.loads((tmp_path / "run/ask/readings.json").read_text("utf-8"))

    assert torch.cuda.get_device_name(0) == environment["target"]["identity"]["gpu"]
    assert readings["energy.inference"]["gpu_joules"] > 0


PLAN = """\
version: 1
system:
  name: Loan assistant
  version: "1"
  purpose: Answers questions on loans
  provider: {name: Example Bank AG, contact: compliance@example.org}
target: {type: transformers, path: model}
suites:
  energy.inference: {repeats: 2, seconds: 1, tokens: 8}
energy: {codecarbon: false, idle_seconds: 4, warm_up_seconds: 2, warm_up_at_most: 10}
"""
