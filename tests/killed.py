"""A run that can be killed: ``python killed.py PLAN OUT [KILL ...]``, with a probe that asks in ten rounds.

The audited function appends a line to ``calls.txt`` at every call, and ends its process with SIGKILL at the call
whose number stands in ``kill_at.txt``: no handler, no exit, as a power cut would.

Each KILL is a process of its own that audits and is killed: ``12`` before its twelfth touch of a file of the record
(opened to be written, renamed, removed, or a folder made), ``0.02s`` so many seconds after it began. The last process
is not killed. How long each took, what it asked, and what the journal held when it was gone, is printed as one line of
JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from probandum import stats
from probandum.controls import Examined
from probandum.evidence import Capability, Observation, Request
from probandum.finding import Estimate
from probandum.journal import journal_entries
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

#: The same of a system on a server, which is asked for one block of texts.
SERVED = """\
version: 1
system: {name: Served system, version: "1"}
target:
  {type: http, url: "URL/score", kind: classify, request: {texts: "{texts}"}, response: "predictions[].score",
   labels: [bad, good], batch: 16, identity: {path: /version, value: model.name}}
suites: {bias.block: {}}
limits:
  - {metric: bias.block/mean, at_most: 0.9}
energy: {codecarbon: false}
"""

ROUNDS = 10
BLOCK = 960


class Rounds:
    """The mean score of forty texts, asked in ten rounds."""

    controls = (
        Examined(name="always", kind="positive", function=lambda probe, ask: (True, "")),
        Examined(name="always", kind="negative", function=lambda probe, ask: (True, "")),
    )

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """One mean."""
        scores: list[float] = []
        for texts in self.rounds():
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

    def rounds(self) -> Iterator[tuple[str, ...]]:
        """The texts of each round."""
        for number in range(ROUNDS):
            yield tuple(f"round {number} text {place}" for place in range(4))


class Block(Rounds):
    """The same of all texts in one request."""

    def rounds(self) -> Iterator[tuple[str, ...]]:
        """One."""
        yield tuple(f"text {place:05d}{'!' * (place % 60)}" for place in range(BLOCK))


def write(folder: Path, *, url: str | None = None) -> Path:
    """The plan and its system in ``folder``; ``url``: of the server that answers in its place."""
    folder.mkdir(parents=True, exist_ok=True)
    if url is not None:
        (folder / "audit.yaml").write_text(SERVED.replace("URL", url), "utf-8")
        return folder / "audit.yaml"
    (folder / "system.py").write_text(SYSTEM, "utf-8")
    (folder / "audit.yaml").write_text(PLAN, "utf-8")
    return folder / "audit.yaml"


def register() -> None:
    """Make the probe known; in processes of their own alone, so that no other test meets it."""
    requirements, metrics = ["ai-act:annex-iv:3"], {"mean": "share"}
    for name, cls in (("bias.rounds", Rounds), ("bias.block", Block)):
        probe(name, version=1, requirements=requirements, needs=Capability.CLASSIFY, metrics=metrics)(cls)


def audit(plan: str, out: str, *, kill_at: int | None = None) -> NoReturn:
    """Audit in a process of its own, which ends itself before its touch of the record numbered ``kill_at``.

    Its number stands in ``pid.txt`` beside the plan, so that others may end it, too.
    """
    (Path(plan).parent / "pid.txt").write_text(str(os.getpid()), "utf-8")
    touched = 0

    def touching(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal touched
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if (writes or event in ("os.rename", "os.remove", "os.mkdir")) and str(arguments[0]).startswith(out):
            touched += 1
            if touched == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(touching)
    from probandum import api

    try:
        api.audit(plan, out=out, documents=False)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def one(plan: str, out: str, kill: str | None) -> dict[str, Any]:
    """One process, killed or not: how it ended, what it asked, and what is recorded behind it."""
    calls, journal = Path(plan).parent / "calls.txt", Path(out) / "journal.jsonl"
    before = len(calls.read_text("utf-8").splitlines()) if calls.exists() else 0
    began = time.perf_counter()
    child = os.fork()
    if child == 0:
        audit(plan, out, kill_at=int(kill) if kill is not None and not kill.endswith("s") else None)
    if kill is not None and kill.endswith("s"):
        time.sleep(float(kill[:-1]))
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    asked = calls.read_text("utf-8").splitlines()[before:] if calls.exists() else []
    entries = [entry for entry in journal_entries(journal) if isinstance(entry, Observation)]
    return {
        "ended": os.waitstatus_to_exitcode(status),
        "seconds": time.perf_counter() - began,
        "asked": asked,
        "recorded": [entry.asked["inputs"][0] for entry in entries],
        "inputs": [text for entry in entries for text in entry.asked["inputs"]],
    }


if __name__ == "__main__":
    from probandum import api

    register()
    if len(sys.argv) == 3:
        api.audit(sys.argv[1], out=sys.argv[2], documents=False)
    else:
        api.check_plan(sys.argv[1])  # loads what an audit loads, so that processes are killed at their work
        for kill in (*sys.argv[3:], None):
            sys.stdout.write(f"{json.dumps(one(sys.argv[1], sys.argv[2], kill))}\n")
            sys.stdout.flush()
