"""A run that can be killed: ``python killed.py PLAN OUT``, with a probe that asks in ten rounds.

The audited function appends a line to ``calls.txt`` at every call, and ends its process with SIGKILL at the call
whose number stands in ``kill_at.txt``: no handler, no exit, as a power cut would.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from probandum import stats
from probandum.controls import Examined
from probandum.evidence import Capability, Request
from probandum.finding import Estimate
from probandum.probe import Ask, Measure, probe

SYSTEM = """\
import os, signal
from pathlib import Path

HERE = Path(__file__).parent

def score(texts):
    with (HERE / "calls.txt").open("a") as file:
        file.write(f"{texts[0]}\\n")
    calls = len((HERE / "calls.txt").read_text().splitlines())
    if (HERE / "kill_at.txt").exists() and calls == int((HERE / "kill_at.txt").read_text()):
        os.kill(os.getpid(), signal.SIGKILL)
    return [0.1 + 0.8 * (sum(map(ord, text)) % 97) / 97 for text in texts]
"""

PLAN = """\
version: 1
system: {name: Slow system, version: "1"}
target: {type: callable, function: "system:score", kind: classify}
suites: {bias.rounds: {}}
limits:
  - {metric: bias.rounds/mean, at_most: 0.9}
energy: {codecarbon: false}
"""

ROUNDS = 10


class Rounds:
    """The mean score of forty texts, asked in ten rounds."""

    controls = (
        Examined(name="always", kind="positive", function=lambda probe, ask: (True, "")),
        Examined(name="always", kind="negative", function=lambda probe, ask: (True, "")),
    )

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """One mean."""
        scores: list[float] = []
        for number in range(ROUNDS):
            texts = tuple(f"round {number} text {place}" for place in range(4))
            (answer,) = ask([Request(kind=Capability.CLASSIFY, inputs=texts)])
            scores += answer.values[:, 1].tolist()
        interval = stats.mean_interval(scores)
        assert interval.standard_error is not None and interval.df is not None
        yield Measure(
            metric="mean",
            estimate=Estimate(
                value=interval.value,
                low=interval.low,
                high=interval.high,
                n=len(scores),
                unit="share",
                method="t",
                moments=(float(np.mean(scores)), interval.standard_error, interval.df),
            ),
        )


def write(folder: Path) -> Path:
    """The plan and its system in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "system.py").write_text(SYSTEM, "utf-8")
    (folder / "audit.yaml").write_text(PLAN, "utf-8")
    return folder / "audit.yaml"


if __name__ == "__main__":  # registered here alone, so that no other test meets this probe
    from probandum import api

    probe("bias.rounds", version=1, requirements=["ai-act:annex-iv:3"], needs=Capability.CLASSIFY)(Rounds)
    api.audit(sys.argv[1], out=sys.argv[2], documents=False)
