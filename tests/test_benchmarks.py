"""The benchmarks: what is listed is there, every script can be asked what it does, every page says what it is of."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from paths import ROOT

FOLDER = ROOT / "benchmarks"
PAGES = sorted((FOLDER / "results").glob("*.md"))
#: Scripts that print alone, one that no GPU was at hand for yet, and a program that another one starts.
WITHOUT_PAGE, STARTED = {"scoring", "energy_tokens"}, {"harness_peer"}
SCRIPTS = sorted(
    path.stem
    for path in FOLDER.glob("*.py")
    if '__name__ == "__main__"' in path.read_text("utf-8") and path.stem not in STARTED
)


def run(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """What Python does with these words, on one thread."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "default"}
    return subprocess.run(
        [sys.executable, *words], check=False, capture_output=True, text=True, cwd=cwd, env=environment
    )


def test_the_list_of_benchmarks_is_the_scripts_that_there_are() -> None:
    """Each once, in order; and each writes a page of its own name, except for those that print alone."""
    listed = re.findall(r"^\| `(\w+)\.py` \|", (FOLDER / "README.md").read_text("utf-8"), re.MULTILINE)

    assert SCRIPTS == listed
    assert {path.stem for path in PAGES} == set(SCRIPTS) - WITHOUT_PAGE


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_by_what_it_was_written_and_of_which_engine(page: Path) -> None:
    """The command, and a digest of sources, which no date stands for."""
    head = page.read_text("utf-8").partition("\n## ")[0]

    assert f"Written by `python benchmarks/{page.stem}.py" in head
    assert re.search(r"sha256:[0-9a-f]{12}\b", head)


def test_the_formulas_of_the_benchmarks_are_what_their_examples_say() -> None:
    """Operations of a model, memory of one of 8 billion weights, when a line of a page is held or reached."""
    done = run(
        "-m",
        "doctest",
        "pages.py",
        "llamas.py",
        "planted.py",
        "harness.py",
        "metering.py",
        "energy_tokens.py",
        cwd=FOLDER,
    )

    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


def test_notes_by_hand_stay_when_a_page_is_written_anew(tmp_path: Path) -> None:
    """What stands under them is the end of the new page, too, whose head is another."""
    notes = "\n## Notes, by hand\n\n- kept\n"
    (tmp_path / "page.md").write_text(f"# Old\n{notes}", "utf-8")
    done = run(
        "benchmarks/four_fifths.py", "--runs", "20", "--real", "1", "--out", str(tmp_path / "page.md")
    )  # the quickest of all
    text = (tmp_path / "page.md").read_text("utf-8")

    assert (0, "") == (done.returncode, done.stderr)
    assert text.startswith("# The four-fifths rule with evidence\n")
    assert text.endswith(f".\n{notes}")


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_benchmark_says_what_it_does(script: str) -> None:
    """Its first line stands in its help, which needs no GPU, server or peer."""
    done = run(f"benchmarks/{script}.py", "--help")
    first = (FOLDER / f"{script}.py").read_text("utf-8").split('"""')[1].splitlines()[0]

    assert (0, "") == (done.returncode, done.stderr)
    assert "".join(first.split()) in "".join(done.stdout.split())


@pytest.mark.slow
def test_the_requests_that_benchmarks_score_are_those_of_the_probe() -> None:
    """All 1,600 prompts of bias.name-swap, without what its noise floor asks again."""
    done = run("-m", "doctest", "scoring.py", cwd=FOLDER)

    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


@pytest.mark.slow
def test_the_benchmark_of_a_gpu_goes_its_way_on_a_cpu(tmp_path: Path) -> None:
    """Every way is timed as often as there are rounds, gives the same answers, and has its share of the products."""
    done = run("benchmarks/gpu_scoring.py", "--tiny", "--out", str(tmp_path / "page.md"))
    assert (0, "") == (done.returncode, done.stderr.partition("GiB of")[0].partition("tiny, bfloat16")[0])
    (row,) = json.loads((tmp_path / "page.json").read_text("utf-8"))
    page = (tmp_path / "page.md").read_text("utf-8")

    assert {"shared": 2, "batched": 2, "single": 2, "writing": 2} == {
        name: len(way["seconds"]) for name, way in row["ways"].items()
    }
    assert max(row["apart"].values()) < 0.05
    assert row["ways"]["shared"]["computed"] < row["ways"]["batched"]["computed"] < row["ways"]["shared"]["tokens"]
    assert re.search(r"\| tiny \| bfloat16 \| writing \| [\d.e-]+ \| .* \| 0\.\d+ \(0\.\d+ to 0\.\d+\)", page)
    assert "| tiny | bfloat16 | head | 64 x 64 x 49,152 |" in page


@pytest.mark.slow
def test_joules_a_token_go_their_way_on_a_cpu(tmp_path: Path) -> None:
    """Both precisions at two batch sizes, every text as long as was asked for, and no joule without a meter."""
    done = run("benchmarks/energy_tokens.py", "--tiny", "--out", str(tmp_path / "page.md"))
    assert 0 == done.returncode, done.stderr
    cases = json.loads((tmp_path / "page.json").read_text("utf-8"))

    assert [("bfloat16", 1), ("bfloat16", 4), ("8bit", 1), ("8bit", 4)] == [
        (each["precision"], each["batch"]) for each in cases
    ]
    assert {4.0} == {each["tokens"] / case["batch"] for case in cases for each in case["windows"]}
    assert {None} == {each["counter"] for case in cases for each in case["windows"]}
    assert (tmp_path / "page.md").read_text("utf-8").count("none: a model of no size, not metered") == 4
