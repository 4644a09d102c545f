"""What `plan estimate` predicts of the three embedded audits, against what they then ask and take.

Each is estimated and run in a process of its own, without documents; CPU-seconds of the run are the kernel's, and its
clock runs from the start of the process to its end. The results depend on the machine, the clock's on what else runs
there, which the load before each says; that the requests of probes that do not follow the answers are exact does not.

    python benchmarks/estimate.py             # writes benchmarks/results/estimate.md; ten minutes on two quiet cores
    python benchmarks/estimate.py credit --tier pr --out /tmp/estimate.md         # one audit as a merge asks
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pages

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "estimate.md"
EXAMPLES = ("credit", "moderation", "assistant")
#: How far the prediction of CPU-seconds may be off.
GOAL = 0.25

ESTIMATE = """\
import json, sys
from pathlib import Path
from probandum.estimating import forecast
from probandum.plan import Plan
found = forecast(Plan.load(Path(sys.argv[1])).at_tier(sys.argv[2] or None), since_start=True)
probes = [
    {"probe": p.probe, "requests": [p.requests.low, p.requests.value, p.requests.high],
     "tokens": None if p.tokens_in is None else [p.tokens_in.low, p.tokens_in.value, p.tokens_in.high]
    }
    for p in found.probes
]
print(json.dumps({"probes": probes, "cpu": found.cost.cpu_seconds, "clock": found.clock, "joules": found.joules}))
"""
AUDIT = """\
import sys
from probandum import api
api.audit(sys.argv[1], out=sys.argv[2], tier=sys.argv[3] or None, documents=False)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """What one audit asked and took.

    ``asked``: requests and tokens by probe, energy windows apart, tokens None where they are not counted. ``joules``:
    what the plan's meter read over all probes, None where it read nothing.
    """

    asked: dict[str, list[int | None]]
    cpu_seconds: float
    seconds: float
    joules: float | None


def estimated(plan: Path, tier: str) -> dict[str, Any]:
    """The forecast."""
    command = [sys.executable, "-c", ESTIMATE, str(plan), tier]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def audited(plan: Path, out: Path, tier: str) -> Audited:
    """One audit in a process of its own."""
    began = time.perf_counter()
    with tempfile.TemporaryFile() as errors:  # a pipe that nobody reads would fill up and stop the audit
        process = subprocess.Popen([sys.executable, "-c", AUDIT, str(plan), str(out), tier], stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        errors.seek(0)
        if status != 0:
            raise SystemExit(errors.read().decode())
    from probandum.record import Record

    record = Record.open(out)
    asked: dict[str, list[int | None]] = {each.probe: [0, 0] for each in record.results}
    for each in record.observations():
        counts, tokens = asked[each.probe], each.answer.input_tokens
        counts[0] = (counts[0] or 0) + int(each.asked["n"])
        counts[1] = None if tokens is None or counts[1] is None else counts[1] + tokens
    read = [reading.joules for name, reading in record.readings.items() if name != "audit"]
    joules = None if None in read else sum(each for each in read if each is not None)
    return Audited(asked=asked, cpu_seconds=usage.ru_utime + usage.ru_stime, seconds=seconds, joules=joules)


def ranged(predicted: list[float] | None, taken: float | None, divided: float = 1.0, digits: str = ".0f") -> str:
    """Cells of a table: a predicted range, what was taken, and whether that lies within.

    >>> ranged([46.0, 93.0], 60.0), ranged(None, 60.0)
    ('46 to 93 | 60 | yes', 'not known | 60 | cannot be said')
    """
    said = "not read" if taken is None else f"{taken / divided:{digits}}"
    if predicted is None:
        return f"not known | {said} | cannot be said"
    low, high = predicted
    inside = "cannot be said" if taken is None else "yes" if low <= taken <= high else "NO"
    return f"{low / divided:{digits}} to {high / divided:{digits}} | {said} | {inside}"


def said(counts: list[int] | None) -> str:
    """A prediction: one number where it is exact."""
    if counts is None:
        return "not counted"
    low, value, high = counts
    return f"{value:,}" if low == high else f"{value:,} ({low:,} to {high:,})"


def main() -> None:
    """Estimate, run, compare and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("examples", nargs="*", default=EXAMPLES)
    parser.add_argument("--tier", default="", help="what the plans ask at this tier: pr, nightly or release")
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    rows = [
        "| audit | probe | requests predicted | asked | tokens predicted | read |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    costs = ["| audit | CPU-seconds predicted | taken | off by | within |", "| --- | --- | --- | --- | --- |"]
    clocks = [
        "| audit | load before | seconds predicted | taken | inside | the estimate took, s |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    energy = ["| audit | Wh predicted | read | inside |", "| --- | --- | --- | --- |"]
    for example in chosen.examples:
        plan = ROOT / "examples" / example / "audit.yaml"
        load, began = os.getloadavg()[0], time.perf_counter()
        found = estimated(plan, chosen.tier)
        took = time.perf_counter() - began
        with tempfile.TemporaryDirectory() as folder:
            audit = audited(plan, Path(folder) / "run", chosen.tier)
        for probe in found["probes"]:
            requests, tokens = audit.asked[probe["probe"]]
            read = "not counted" if tokens is None else f"{tokens:,}"
            told = [said(probe["requests"]), f"{requests:,}", said(probe["tokens"]), read]
            rows.append(f"| {example} | {probe['probe']} | {' | '.join(told)} |")
        off = found["cpu"] / audit.cpu_seconds - 1
        within = "yes" if abs(off) <= GOAL else "NO"
        costs.append(f"| {example} | {found['cpu']:.1f} | {audit.cpu_seconds:.1f} | {off:+.1%} | {within} |")
        clocks.append(f"| {example} | {load:.2f} | {ranged(found['clock'], audit.seconds)} | {took:.0f} |")
        energy.append(f"| {example} | {ranged(found['joules'], audit.joules, 3600.0, '.3g')} |")
        print(*rows, *costs, *clocks, *energy, sep="\n", flush=True)
    newline, at = "\n", f" --tier {chosen.tier}" if chosen.tier else ""
    text = f"""# Predicted and taken

{pages.header(f"python benchmarks/estimate.py{at}", "each audit once")}

{__doc__.split(newline, 2)[2].partition(f"{newline}    python")[0].strip()}

## Requests and tokens

Energy windows apart, which ask as much as fits into their seconds.

{newline.join(rows)}

## CPU-seconds

The goal is {GOAL:.0%}.

{newline.join(costs)}

## Seconds by the clock

Predicted from an idle machine to one twice as busy as it was during the estimate; load: processes that wanted a core
over the minute before.

{newline.join(clocks)}

## Energy

At the mean power of the calibration over the seconds by the clock; read: the plan's meter over all probes.

{newline.join(energy)}
"""
    chosen.out.write_text(text + pages.noted(chosen.out), encoding="utf-8")


if __name__ == "__main__":
    main()
