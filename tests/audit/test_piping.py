"""Output that nobody reads, and commands that break: neither is ever the code of a broken limit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from probandum import api
from records import write_plan

BIN = Path(sys.executable).parent / "probandum"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plan whose limit is broken, and its record."""
    base = tmp_path_factory.mktemp("piped")
    api.audit(write_plan(base), out=base / "run", documents=False)
    return base


def code(folder: Path, shell: str) -> int:
    """The code of the first command of a pipe, as a shell sees it."""
    script = f"set -o pipefail; {shell}; exit ${{PIPESTATUS[0]}}"
    return subprocess.run(["bash", "-c", script], check=False, cwd=folder, stderr=subprocess.DEVNULL).returncode


@pytest.mark.parametrize("reader", ["| true", "| head -1 >/dev/null", "2>&1 | true", ">&-"])
@pytest.mark.parametrize(("words", "ends"), [("gate run", 1), ("verify run", 0), ("--help", 0)])
def test_a_reader_that_leaves_changes_no_code(folder: Path, words: str, ends: int, reader: str) -> None:
    """At any moment, the interpreter's end among them; a pipe of standard error, too."""
    assert ends == code(folder, f"{BIN} {words} {reader}")


def test_an_audit_goes_on_when_its_reader_leaves(folder: Path, tmp_path: Path) -> None:
    """It is sealed, judged, and ends with the gate's code."""
    assert 1 == code(folder, f"{BIN} audit audit.yaml --out {tmp_path}/again | head -1")

    assert [] == [step.title for step in api.verify(tmp_path / "again") if step.held is False]
    assert (folder / "run" / "findings.json").read_bytes() == (tmp_path / "again" / "findings.json").read_bytes()


def test_output_that_a_full_disk_does_not_hold_is_4(folder: Path) -> None:
    """Somebody wanted it, and does not have it."""
    ended = subprocess.run(
        ["bash", "-c", f"{BIN} verify run >/dev/full"], check=False, cwd=folder, capture_output=True, text=True
    )

    assert 4 == ended.returncode
    assert 1 == len(ended.stderr.splitlines())
    assert "No space left on device" in ended.stderr


@pytest.mark.parametrize(
    ("crash", "said"),
    [("raise KeyError('x')", "KeyError: 'x'"), ("sys.exit(0)", "SystemExit: 0"), ("sys.exit(1)", "SystemExit: 1")],
)
def test_a_defect_is_4_in_one_line_and_never_a_broken_limit(crash: str, said: str) -> None:
    """Whatever breaks, wherever: a library that ends the process among it."""
    program = f"import sys\nfrom probandum import cli, doctor\ndef examine():\n    {crash}\n"
    program += "doctor.examine = examine\ncli.main()\n"
    ended = subprocess.run([sys.executable, "-c", program, "doctor"], check=False, capture_output=True, text=True)

    line = f"error: probandum broke: {said}; give the same command with --debug, and report what it shows\n"
    assert (4, line) == (ended.returncode, ended.stderr)


def test_a_function_under_audit_that_ends_the_process_ends_no_audit_well(tmp_path: Path) -> None:
    """Code 0 would be a pass."""
    (tmp_path / "system.py").write_text("import sys\n\ndef f(texts):\n    sys.exit(0)\n")
    plan = "version: 1\nsystem: {name: S, version: '1'}\nsuites: {bias.term-swap: {}}\n"
    plan += "target: {type: callable, function: 'system:f', kind: classify, labels: [harmless, offensive]}\n"
    (tmp_path / "audit.yaml").write_text(f"{plan}decision: {{favourable: harmless}}\n")
    ended = subprocess.run(
        [BIN, "audit", "audit.yaml", "--out", "run"], check=False, capture_output=True, text=True, cwd=tmp_path
    )

    assert 4 == ended.returncode
    assert "gate 4: the audit could not be carried out or trusted" in ended.stdout
