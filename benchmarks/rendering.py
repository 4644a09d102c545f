"""What writing all documents of an audit costs, and whether they are the same to the byte when written again.

    python benchmarks/rendering.py                # audits examples/credit; writes benchmarks/results/rendering.md
    python benchmarks/rendering.py --record RUN   # the same of an audit that is there
    python benchmarks/rendering.py --short        # an audit of a few inputs, once each, prints alone

Each line is `probandum report RUN --document all` in a fresh process: it starts, checks the record's digests, reads it,
writes the entry page, the evidence pages and every document in the formats named, and seals them. Seconds of the CPU
are the kernel's of user and system together, on all cores; those by the clock depend on what else the machine did,
which is why the load stands above. Every round writes into a new folder, and the files of two rounds are compared.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import pages

ROOT = Path(__file__).parents[1]
PAGE = Path(__file__).parent / "results" / "rendering.md"
PROBANDUM = "import sys; from probandum.cli import main; main()"
#: What is written in one go.
WAYS: dict[str, tuple[str, ...]] = {
    "entry and evidence pages, with one summary": (),
    "HTML": ("html",),
    "PDF": ("pdf",),
    "Word": ("docx",),
    "Markdown": ("md",),
    "JSON": ("json",),
    "all formats": ("html", "pdf", "docx", "md", "json", "cyclonedx", "in-toto"),
}
#: The sources of documents, which the digest of the engine in a page's head leaves out.
SOURCES = ("reports/probandum_reports", "templates")
SUFFIXES = frozenset({".py", ".yaml", ".html", ".css", ".typ", ".otf", ".ttf"})
#: What the documents are to take by the clock on two quiet cores, in seconds.
SECONDS = 10


def recorded(folder: Path, *, short: bool) -> Path:
    """The record of an audit of the credit example."""
    words = ["audit", str(ROOT / "examples" / "credit" / "audit.yaml"), "--out", str(folder / "run"), "--exit-zero"]
    words += ["--tier", "pr"] if short else []
    subprocess.run([sys.executable, "-c", PROBANDUM, *words], check=True, capture_output=True)
    return folder / "run"


def written(record: Path, formats: tuple[str, ...], folder: Path) -> tuple[float, float]:
    """Seconds by the clock and of the CPU that writing the documents takes."""
    words = ["report", str(record), "--out", str(folder), "--document", "all" if formats else "summary"]
    for name in formats or ("md",):
        words += ["--format", name]
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", PROBANDUM, *words], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(words)}: ended with {process.returncode}")
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file, by its path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def sources() -> str:
    """A digest of what renders and of the templates."""
    paths = [path for folder in SOURCES for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES]
    named = (f"{path.relative_to(ROOT)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n" for path in sorted(paths))
    return hashlib.sha256("".join(named).encode()).hexdigest()[:12]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--record", type=Path, metavar="RUN", help="an audit that is there")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    repeats = 1 if given.short else given.repeats
    with tempfile.TemporaryDirectory() as place:
        record = given.record or recorded(Path(place), short=given.short)
        before = pages.load()
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in WAYS}
        seen: dict[str, list[dict[str, str]]] = {name: [] for name in WAYS}
        for turn in range(repeats + 1):  # the first round reads files from the disk, and is compared alone
            for number, (name, formats) in enumerate(WAYS.items()):
                folder = Path(place) / f"{turn}-{number}"
                taken = written(record, formats, folder)
                seen[name].append(digests(folder))
                if turn:
                    found[name].append(taken)
    alike = {name: all(each == rounds[0] for each in rounds) for name, rounds in seen.items()}
    rows = [
        [
            name,
            str(len(seen[name][0])),
            pages.spread([cpu for _, cpu in taken]),
            pages.spread([clock for clock, _ in taken]),
            "yes" if alike[name] else "**no**",
        ]
        for name, taken in found.items()
    ]
    clock = [each for each, _ in found["all formats"]]
    same = all(alike.values())
    goals = [
        pages.goal("", f"all documents, all formats: under {SECONDS} s by the clock", f"{median(clock):.1f}",
                   None if min(clock) < SECONDS <= max(clock) else max(clock) < SECONDS),
        pages.goal("", "written again: the same bytes", "the same" if same else "others", same),
    ]  # fmt: skip
    parts = [
        __doc__.split("\n\n", 2)[2],
        f"Written by sources of documents with the digest sha256:{sources()}.",
        "## Goals\n\n" + pages.table(pages.GOALS, goals),
        "## Seconds\n\n" + pages.table(["", "files", "CPU-seconds", "by the clock", "the same bytes"], rows),
    ]
    pages.write(
        Path(os.devnull) if given.short else PAGE,
        "What writing the documents costs",
        "python benchmarks/rendering.py",
        before,
        ("typst", "python-docx", "matplotlib"),
        parts,
        repeats=f"{repeats} {'round' if repeats == 1 else 'rounds'} after one that is not counted",
    )


if __name__ == "__main__":
    main()
