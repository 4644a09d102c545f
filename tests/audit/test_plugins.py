"""Plugins: a third party's probe comes in by the same door as ours, and one that does not load stops the run."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugged import PROBE, command, installed
from probandum.evidence import Capability
from probandum.plugins import load_plugins
from probandum.probe import known_probes
from probandum.record import Record
from records import write_plan


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
    assert "bias.count: 1 quantity," in out
    assert (1600, ["ai-act:annex-iv:3"]) == (rows["estimate"]["value"], rows["requirements"])
    assert {"positive": "held", "negative": "held"} == rows["controls"]
    assert {"bias.count": "acme-count"} == {
        each.probe: each.author for each in Record.open(tmp_path / "run").results if each.author
    }
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
