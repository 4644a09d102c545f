"""Plugins: a third party's probe comes in by the same door as ours, and one that does not load stops the run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from probandum.evidence import Capability
from probandum.plugins import load_plugins
from probandum.probe import known_probes
from records import write_plan

PROBE = '''\
"""A probe of a third party."""

from collections.abc import Iterator

from probandum import Estimate
from probandum.controls import Examined
from probandum.evidence import Capability
from probandum.probe import Ask, Measure, probe


@probe("bias.count", version=3, requirements=["ai-act:annex-iv:3"], needs=Capability.PREDICT)
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
    info.mkdir(parents=True)
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


def test_a_third_partys_probe_is_listed_and_runs(tmp_path: Path) -> None:
    """With its options checked, its findings in the record, and its package's version in the environment."""
    import json

    installed(tmp_path, PROBE)
    plan = write_plan(tmp_path)
    plan.write_text(plan.read_text("utf-8").replace("suites:\n", "suites:\n  bias.count: {factor: 2}\n"), "utf-8")
    code, out, err = command(tmp_path, "audit", plan, "--out", "run")
    findings = json.loads((tmp_path / "run/findings.json").read_text("utf-8"))
    environment = json.loads((tmp_path / "run/ask/environment.json").read_text("utf-8"))
    (rows,) = [finding for finding in findings if finding["probe"] == "bias.count"]

    assert (1, "") == (code, err)
    assert "bias.count: 1 quantities" in out
    assert (1600, ["ai-act:annex-iv:3"]) == (rows["estimate"]["value"], rows["requirements"])
    assert {"positive": "held", "negative": "held"} == rows["controls"]
    assert "count (acme-count 1.4)" in environment["tool"]["plugins"]
    assert "bias.count  How many rows there are." in command(tmp_path, "probes")[1].splitlines()


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import no_such_module\n", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("def f(:\n", "SyntaxError: invalid syntax"),
        ("raise SystemExit(0)\n", "SystemExit: 0"),
        ("raise ValueError('two\\nlines')\n", "ValueError: two lines"),
        (PROBE.replace('kind="negative"', 'kind="positive"'), "TypeError: probe bias.count needs one positive and one"),
    ],
)
def test_a_plugin_that_does_not_load_stops_the_run(tmp_path: Path, source: str, why: str) -> None:
    """One line that names it, and code 4: an audit that quietly lost a probe would be thinner."""
    installed(tmp_path, source)
    code, _, err = command(tmp_path, "audit", write_plan(tmp_path), "--out", "run")

    assert 4 == code
    assert 1 == len(err.splitlines())
    assert err.startswith(f"error: plugin count = acme_count of acme-count 1.4 does not load: {why}")
    assert err.endswith("; mend or uninstall it\n")
    assert not (tmp_path / "run").exists()


def test_no_plugin_takes_the_name_of_another_probe(tmp_path: Path) -> None:
    """Which of the two audits would depend on the order of imports: both are named."""
    installed(tmp_path, PROBE.replace("bias.count", "bias.group-rates"))
    code, _, err = command(tmp_path, "probes")

    assert 4 == code
    assert "probe bias.group-rates is registered already, by acme_count.Count" in err


def test_our_own_probes_come_in_as_plugins() -> None:
    """By name and version, once."""
    loaded = load_plugins()

    assert sorted(loaded) == list(loaded)
    assert {"probes", "reports"} <= {each.partition(" ")[0] for each in loaded}
    assert loaded is load_plugins()
    assert Capability.PREDICT in known_probes()["bias.group-rates"].needs
