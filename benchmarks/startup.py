"""What the command costs before it does anything, against a start that imports every library at once.

    python benchmarks/startup.py              # writes benchmarks/results/startup.md
    python benchmarks/startup.py --short      # twice each, prints alone

Every command runs in a fresh process, in turn with the others. Seconds are the kernel's of user and system together;
the first round, which reads files from the disk and compiles modules, is dropped. Memory is the largest resident set of
one run. The record that is reported on is an audit of 600 rows of a log, with two documents in the format named.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
import pages

ROOT = Path(__file__).parents[1]
PAGE = Path(__file__).parent / "results" / "startup.md"
EAGER = (
    "import torch, transformers, shap, lime.lime_text, lime.lime_tabular, fairlearn.metrics, codecarbon\n"
    "from transformers import AutoModelForCausalLM, AutoTokenizer"
)
HEAVY = ("torch", "transformers", "sklearn", "pandas", "shap", "matplotlib")
#: What goal 7 allows: seconds of the CPU, and the share of the eager start.
SECONDS, SHARE = 0.25, 1 / 20
#: What the design budgets beside it, in MiB.
MEMORY = 40
PLAN = """\
version: 1
system: {name: Lender, version: "1"}
target: {type: log, path: rows.csv, decision: granted, favourable: 1}
groups: {town: {reference: Ayr}}
suites: {bias.group-rates: {}}
limits: [{metric: bias.group-rates/impact-ratio, at_least: 0.8}]
documents: [annex_iv, dpia]
energy: {codecarbon: false}
"""
#: What runs, and whether the budget of goal 7 is meant for it.
COMMANDS: dict[str, tuple[str, ...]] = {
    "`--help`": ("--help",),
    "`--version`": ("--version",),
    "`plan check` of a log": ("plan", "check", "{folder}/audit.yaml"),
    "`plan check` of examples/credit": ("plan", "check", str(ROOT / "examples" / "credit" / "audit.yaml")),
    "`plan check` of examples/assistant": ("plan", "check", str(ROOT / "examples" / "assistant" / "audit.yaml")),
    "`gate RUN`": ("gate", "{folder}/run"),
    "`report RUN`, Markdown": ("report", "{folder}/run", "--out", "{folder}/md", "--format", "md"),
    "`report RUN`, HTML": ("report", "{folder}/run", "--out", "{folder}/html", "--format", "html"),
    "`report RUN`, PDF": ("report", "{folder}/run", "--out", "{folder}/pdf", "--format", "pdf"),
}
#: Modules are kept compiled, as they are where the package is installed.
COMPILING = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
PROBANDUM = "import sys; from probandum.cli import main; main()"
#: What a run beside the timed ones tells at its end: heavy libraries, and the peak of memory, into which the kernel's
#: own count for children mixes that of their parent.
TELL = f"""\
import atexit, re, sys
def tell():
    peak = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]
    print("\\nat the end", peak, *[name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
atexit.register(tell)
"""


def recorded(folder: Path) -> None:
    """An audit to report on."""
    rng = np.random.default_rng(1)
    rows = zip(rng.choice(["Ayr", "Bath", "Cork"], 600), rng.integers(0, 2, 600), strict=True)
    (folder / "rows.csv").write_text("town,granted\n" + "".join(f"{town},{granted}\n" for town, granted in rows))
    (folder / "audit.yaml").write_text(PLAN, "utf-8")
    command = [sys.executable, "-c", PROBANDUM, "audit", str(folder / "audit.yaml"), "--out", str(folder / "run")]
    subprocess.run([*command, "--exit-zero"], check=True, capture_output=True)


def taken(program: str, *words: str) -> float:
    """CPU-seconds of a fresh interpreter; what it prints is dropped."""
    nowhere = subprocess.DEVNULL
    process = subprocess.Popen([sys.executable, "-c", program, *words], stdout=nowhere, stderr=nowhere, env=COMPILING)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1, 3):  # a gate may block, and does its work all the same
        raise SystemExit(f"{' '.join(words) or 'the eager start'}: ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def told(program: str, *words: str) -> tuple[float, str]:
    """The peak of memory in MiB, and the heavy libraries loaded."""
    done = subprocess.run([sys.executable, "-c", TELL + program, *words], capture_output=True, text=True, check=False)
    line = next(line for line in done.stderr.splitlines() if line.startswith("at the end"))
    peak, *heavy = line.removeprefix("at the end").split()
    return int(peak) / 1024, ", ".join(heavy) or "none"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--repeats", type=int, default=9)
    given = parser.parse_args()
    before, repeats = pages.load(), 2 if given.short else given.repeats
    with tempfile.TemporaryDirectory() as place:
        recorded(Path(place))
        ways = {name: (PROBANDUM, *(word.format(folder=place) for word in words)) for name, words in COMMANDS.items()}
        ways = {"a bare interpreter": ("pass",), **ways, "everything imported": (EAGER,)}
        found: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(repeats + 1):
            for name, way in ways.items():
                measured = taken(*way)
                if turn:
                    found[name].append(measured)
        ended = {name: told(*way) for name, way in ways.items()}
    eager = found["everything imported"]
    shares = {name: median(own / whole for own, whole in zip(cpu, eager, strict=True)) for name, cpu in found.items()}
    rows = [
        [name, pages.spread(cpu, 3), f"{ended[name][0]:.0f}", f"1/{1 / shares[name]:.0f}", ended[name][1]]
        for name, cpu in found.items()
    ]
    helped, share, held = median(found["`--help`"]), shares["`--help`"], ended["`--help`"][0]
    checked, rendered = (median(found[name]) for name in ("`plan check` of a log", "`report RUN`, HTML"))
    seconds = f"at most {SECONDS} CPU-seconds"
    goals = [
        pages.goal("7", f"`--help`: {seconds}", f"{helped:.3f}", helped <= SECONDS),
        pages.goal("7", "`--help`: at most 1/20 of the eager start", f"1/{1 / share:.0f}", share <= SHARE),
        pages.goal("budget", f"`--help`: at most {MEMORY} MiB", f"{held:.0f}", held <= MEMORY),
        pages.goal("budget", f"`plan check`: {seconds}", f"{checked:.3f}", checked <= SECONDS),
        pages.goal("budget", f"`report`, HTML: {seconds}", f"{rendered:.3f}", rendered <= SECONDS),
    ]
    head = ["", "CPU-seconds", "MiB", "of the eager start", "heavy libraries loaded"]
    parts = [
        __doc__.split("\n\n", 2)[2],
        "## Goals\n\n" + pages.table(pages.GOALS, goals),
        f"Medians, with the smallest and the largest of {repeats} rounds.\n\n" + pages.table(head, rows),
        f"Everything imported is:\n\n```python\n{EAGER}\n```",
    ]
    page = Path(os.devnull) if given.short else PAGE
    packages = ("torch", "transformers", "shap", "fairlearn", "typer")
    pages.write(
        page,
        "Start-up",
        "python benchmarks/startup.py",
        before,
        packages,
        parts,
        repeats=f"{repeats} rounds of every command in turn",
    )


if __name__ == "__main__":
    main()
