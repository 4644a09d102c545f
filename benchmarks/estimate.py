"""What `plan estimate` predicts of the three embedded audits, against what they then ask and take.

Each is estimated and run in a process of its own, without documents; CPU-seconds of the run are the kernel's. The
results depend on the machine; that the requests of probes that do not follow the answers are exact does not.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

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
found = forecast(Plan.load(Path(sys.argv[1])), since_start=True)
probes = [
    {"probe": p.probe, "requests": [p.requests.low, p.requests.value, p.requests.high],
     "tokens": None if p.tokens_in is None else [p.tokens_in.low, p.tokens_in.value, p.tokens_in.high]
    }
    for p in found.probes
]
print(json.dumps({"probes": probes, "cpu": found.cost.cpu_seconds}))
"""
AUDIT = """\
import sys
from probandum import api
api.audit(sys.argv[1], out=sys.argv[2], documents=False)
"""


def estimated(plan: Path) -> dict[str, Any]:
    """The forecast."""
    done = subprocess.run([sys.executable, "-c", ESTIMATE, str(plan)], check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def audited(plan: Path, out: Path) -> tuple[dict[str, list[int | None]], float]:
    """Requests and tokens by probe, energy windows apart, and CPU-seconds."""
    process = subprocess.Popen([sys.executable, "-c", AUDIT, str(plan), str(out)], stderr=subprocess.PIPE)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(process.stderr.read().decode() if process.stderr else "the audit failed")
    from probandum.record import Record

    record = Record.open(out)
    found: dict[str, list[int | None]] = {each.probe: [0, 0] for each in record.results}
    for each in record.observations():
        counts, tokens = found[each.probe], each.answer.input_tokens
        counts[0] = (counts[0] or 0) + int(each.asked["n"])
        counts[1] = None if tokens is None or counts[1] is None else counts[1] + tokens
    return found, usage.ru_utime + usage.ru_stime


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
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    rows = [
        "| audit | probe | requests predicted | asked | tokens predicted | read |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    times = [
        "| audit | CPU-seconds predicted | taken | off by |",
        "| --- | --- | --- | --- |",
    ]
    for example in chosen.examples:
        plan = ROOT / "examples" / example / "audit.yaml"
        found = estimated(plan)
        with tempfile.TemporaryDirectory() as folder:
            asked, cpu = audited(plan, Path(folder) / "run")
        for probe in found["probes"]:
            requests, tokens = asked[probe["probe"]]
            read = "not counted" if tokens is None else f"{tokens:,}"
            told = [said(probe["requests"]), f"{requests:,}", said(probe["tokens"]), read]
            rows.append(f"| {example} | {probe['probe']} | {' | '.join(told)} |")
        times.append(f"| {example} | {found['cpu']:.1f} | {cpu:.1f} | {found['cpu'] / cpu - 1:+.1%} |")
        print(*rows, *times, sep="\n", flush=True)
    text = f"# Predicted and taken\n\nWritten by `python benchmarks/estimate.py` on {os.cpu_count()} cores.\n\n"
    text += f"{__doc__.split(chr(10), 2)[2]}\n"
    text += "## Requests and tokens\n\nEnergy windows apart, which ask as much as fits into their seconds.\n\n"
    text += f"{chr(10).join(rows)}\n"
    text += f"\n## CPU-seconds\n\nThe goal is {GOAL:.0%}.\n\n{chr(10).join(times)}\n"
    chosen.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
