"""What metering costs: windows of real work with the meter and without, by turns, as a ratio with its interval.

    OMP_NUM_THREADS=1 python benchmarks/metering.py           # writes benchmarks/results/metering.md
    OMP_NUM_THREADS=1 python benchmarks/metering.py --short   # three pairs of each, prints alone

A pair is the same work twice, *bare* and *metered*, the order turned from pair to pair. *Metered* does what an audit
does around a window by default: counters read at both ends, other processes looked for, the reading written to the
journal and synced. The counters are those of files in the form of Linux's powercap tree, two packages and their memory,
since a machine may show none; where it shows its own, a third way reads these. *Beside codecarbon* is the bare work
while the second opinion over a whole audit goes on.

*Overhead* is the CPU time of the whole process over that of the work's own thread within the work, beside the same of
the bare run: what lies around the work, or in another thread, counts, and how fast the work itself went does not. *CPU
time* and *clock* are the plain ratios of each pair, which hold the noise of the work. All are geometric means over the
pairs with Student's interval on the logarithm.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pages
from recording import MODEL, blocks, tabular
from scoring import requests_of

from probandum import stats
from probandum.crowding import Crowd
from probandum.energy import CounterMeter, Meter
from probandum.journal import RunJournal
from probandum.packing import packs
from probandum.plan_file import Energy
from probandum.probe import Window
from probandum.second_opinion import AuditMeter
from probandum.sensing import RaplSensor, rapl_sensors
from probandum.target import TargetContext, make_target
from probandum.targets import load_builtin
from probandum_probes.bias.name_swap import NameSwap

PAGE = Path(__file__).parent / "results" / "metering.md"
#: What metering may take of the work.
MOST = 0.01
Around = Callable[[], AbstractContextManager[object]]


@dataclass(kw_only=True)
class Work:
    """Something that takes a while, and the ratios that were found of it by way."""

    name: str
    run: Callable[[], object]
    seconds: list[float] = field(default_factory=list)
    overhead: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)
    wall: dict[str, list[float]] = field(default_factory=dict)


def powercap(folder: Path) -> list[RaplSensor]:
    """The sensors of two packages and their memory, in files of the form of Linux's tree."""
    for package in range(2):
        for number, name in (("", f"package-{package}"), (":0", "dram")):
            place = folder / f"intel-rapl:{package}{number}"
            place.mkdir(parents=True)
            joules = f"{1 + package}{len(number)}3456789"  # two domains with one count are taken for one
            for file, text in (("name", name), ("energy_uj", joules), ("max_energy_range_uj", "262143328850")):
                (place / file).write_text(f"{text}\n", "ascii")
    sensors, why = rapl_sensors(folder)
    assert len(sensors) == 4, why
    return sensors


@contextmanager
def metered(meter: Meter, journal: RunJournal, numbers: Any) -> Any:
    """A window, from the first reading to the synced line."""
    token = meter.begin()
    yield
    meter.look()
    window = Window(reading=meter.end(token), requests=1, input_tokens=None, output_tokens=None)
    journal.write_window(f"window:{next(numbers)}", window)


@contextmanager
def beside_codecarbon() -> Any:
    """The second opinion, started before and stopped after; only what lies between is timed."""
    opinion = AuditMeter(Energy(country="DEU"))
    opinion.start()
    try:
        yield
    finally:
        opinion.stop()


class Taken(NamedTuple):
    """CPU seconds of the process over those of the work's thread within it, CPU seconds, and seconds of the clock."""

    overhead: float
    cpu: float
    wall: float


def taken(work: Work, around: Around) -> Taken:
    """What the work and what stands around it take."""
    wall, cpu = time.perf_counter(), time.process_time()
    with around():
        own = time.thread_time()
        work.run()
        own = time.thread_time() - own
    cpu = time.process_time() - cpu
    return Taken(cpu / own, cpu, time.perf_counter() - wall)


def pair(work: Work, way: str, around: Around, turn: int, outside: Around = nullcontext) -> None:
    """The work in that way and bare, one after the other; ``outside``: what goes on around that way, untimed."""
    found = {}
    for name in (way, "bare") if turn % 2 else ("bare", way):
        with (outside if name == way else nullcontext)():
            found[name] = taken(work, around if name == way else nullcontext)
    work.seconds.append(found["bare"].cpu)
    for place, ratios in enumerate((work.overhead, work.cpu, work.wall)):
        ratios.setdefault(way, []).append(found[way][place] / found["bare"][place])


def ratio(values: Sequence[float]) -> stats.Interval:
    """The geometric mean with its 95 % interval.

    >>> found = ratio([0.99, 1.0, 1.01])
    >>> round(found.value, 4), found.low < 1.0 < found.high
    (1.0, True)
    """
    return stats.log_mean_interval(values)


def told(found: stats.Interval) -> str:
    """In per cent beside the bare work."""
    return "{:+.2f} % ({:+.2f} to {:+.2f})".format(*(100 * (each - 1) for each in (found.value, found.low, found.high)))


def goal(work: Work, way: str) -> list[str]:
    """Whether metering takes less than 1 % of the work's CPU time, as far as the pairs can tell."""
    found = ratio(work.overhead[way])
    reached = True if found.high < 1 + MOST else False if found.low > 1 + MOST else None
    return pages.goal(f"{work.name}, {way}", "below 1 % of the work", told(found), reached)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="three pairs of each; prints alone")
    parser.add_argument("--pairs", type=int, default=10, help="of each way and work (default: 10)")
    given = parser.parse_args()
    before, pairs = pages.load(), 3 if given.short else given.pairs
    load_builtin()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        works = worked(folder)
        journal = RunJournal(folder / "journal.jsonl")
        numbers = iter(range(10**9))
        meters = {"counters in files": powercap(folder / "powercap")}
        if own := rapl_sensors()[0]:
            meters["counters of this machine"] = own
        ways = {
            name: partial(metered, CounterMeter("RAPL", sensors, {"gpu": "none"}, crowd=Crowd()), journal, numbers)
            for name, sensors in meters.items()
        }
        try:
            for work in works:
                work.run()
                for turn in range(pairs):
                    for way, around in ways.items():
                        pair(work, way, around, turn)
                    pair(work, "beside codecarbon", nullcontext, turn, outside=beside_codecarbon)
        finally:
            journal.close()
    parts = [
        __doc__.split("\n\n", 2)[2],
        "## Goals\n\n" + pages.table(pages.GOALS, [goal(work, way) for work in works for way in work.cpu]),
        "## Ratios\n\n"
        + pages.table(["", "", "pairs", "CPU-seconds of the work", "overhead", "CPU time", "clock"], rows(works)),
    ]
    pages.write(
        Path(os.devnull) if given.short else PAGE,
        "What metering costs",
        "python benchmarks/metering.py",
        before,
        ("codecarbon", "scikit-learn", "torch", "transformers"),
        parts,
        repeats=f"{pairs} pairs of each way and work",
    )


def worked(folder: Path) -> list[Work]:
    """Options of a language model, and rows of a logistic regression: seconds of either."""
    model = make_target("transformers", TargetContext(folder=folder, device="cpu", threads=1), {"model": MODEL})
    asked = [pack for request in requests_of(NameSwap())[:1] for pack in packs([request])]
    fast, rows_ = tabular(folder), packs(blocks(32, 65536))

    def scored() -> None:
        for pack in asked:
            model.answer(pack)

    def predicted() -> None:
        for _ in range(4):
            for pack in rows_:
                fast.answer(pack)

    return [Work(name="SmolLM2-135M, options", run=scored), Work(name="scikit-learn, rows", run=predicted)]


def rows(works: Sequence[Work]) -> list[list[object]]:
    """A line a work and way."""
    return [
        [
            work.name,
            way,
            len(work.cpu[way]),
            pages.spread(work.seconds),
            *(told(ratio(each[way])) for each in (work.overhead, work.cpu, work.wall)),
        ]
        for work in works
        for way in work.cpu
    ]


if __name__ == "__main__":
    main()
