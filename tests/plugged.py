"""A third party's probe, installed as pip leaves one, and the command line in a process of its own that sees it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROBE = '''\
"""A probe of a third party."""

from collections.abc import Iterator

from probandum import Estimate
from probandum.controls import Examined
from probandum.evidence import Capability
from probandum.probe import Ask, Measure, probe


@probe(
    "bias.count",
    version=3,
    requirements=["ai-act:annex-iv:3"],
    needs=Capability.PREDICT,
    metrics={"rows": "rows"},
)
class Count:
    """How many rows there are.

    More than that it does not know.
    """

    controls = (
        Examined(name="more", kind="positive", function=lambda probe, ask: (True, "one more")),
        Examined(name="same", kind="negative", function=lambda probe, ask: (True, "as many")),
    )

    def __init__(self, *, factor: int = 1) -> None:
        self.factor = factor

    def measure(self, ask: Ask) -> Iterator[Measure]:
        n = self.factor * len(ask.subject)
        yield Measure(
            metric="rows",
            estimate=Estimate(value=n, low=n, high=n, n=n, unit="rows", method="exact", counts=((n, n),)),
            mode="disclosure",
        )
'''


def installed(site: Path, source: str, *, name: str = "count", version: str = "1.4") -> None:
    """A package with an entry point, as pip leaves one."""
    (site / f"acme_{name}.py").write_text(source, "utf-8")
    info = site / f"acme_{name}-{version}.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: acme-{name}\nVersion: {version}\n", "utf-8")
    (info / "entry_points.txt").write_text(f"[probandum]\n{name} = acme_{name}\n", "utf-8")


def command(folder: Path, *words: object) -> tuple[int, str, str]:
    """The command line in a process of its own that sees the packages in ``folder``."""
    program = "from probandum.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(folder)},
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout, done.stderr
