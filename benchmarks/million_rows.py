"""Audits of a million rows in one pass of memory: decisions in a log, and an ONNX model that is asked.

    OMP_NUM_THREADS=1 python benchmarks/million_rows.py         # writes benchmarks/results/million_rows.md

Each audit runs in a process of its own, from a file to a sealed record without documents, over three groups crossed
with two. What a row costs is the slope of the peak of memory between an eighth of the rows and all of them, so that
libraries and the interpreter do not count. The file itself holds ten columns, of which the audit names four to seven.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pages

RESULTS = Path(__file__).parent / "results" / "million_rows.md"
ROWS = 1_000_000
SYSTEM = 'version: 1\nsystem: {name: Scorer, version: "1"}\n'
ABOUT = """\
`bias.group-rates` over race and sex and `bias.intersections` over their crossing, from the file to a sealed record and
without documents. Bytes on disk are those of the record's folder; those of memory are the slope of the peak between an
eighth of the rows and all of them. Figures are medians of repeats, the targets in turn, with the smallest and the
largest.
"""
#: What is audited: the target and the file.
CASES = (("log", "rows.csv"), ("log", "rows.parquet"), ("onnx", "rows.parquet"))
GROUPS = """\
groups:
  race: {reference: A}
  sex: {reference: m}
suites: {bias.group-rates: {}, bias.intersections: {}}
limits: [{metric: bias.group-rates/impact-ratio, at_least: 0.8}]
energy: {codecarbon: false}
"""
PLANS = {
    "log": "target: {type: log, path: rows.parquet, decision: granted, favourable: 1, label: repaid}\n",
    "onnx": "target: {type: onnx, path: model.onnx, labels: [0, 1]}\n"
    "data: {path: rows.parquet, label: repaid, features: [a, b, c, d]}\n"
    "decision: {favourable: 1}\n",
}


def write(folder: Path, rows: int, kind: str, name: str) -> None:
    """The rows, the model and the plan."""
    import pyarrow as arrow
    from pyarrow import csv, parquet

    rng = np.random.default_rng(1)
    features = {column: rng.normal(size=rows) for column in "abcd"}
    repaid = (features["a"] + rng.normal(size=rows) > 0).astype(np.int8)
    table = arrow.table(
        {
            "id": np.arange(rows),
            "race": rng.choice(["A", "B", "C"], rows, p=[0.6, 0.3, 0.1]),
            "sex": rng.choice(["f", "m"], rows),
            "repaid": repaid,
            "granted": (features["a"] > 0).astype(np.int8),
            **features,
            "note": rng.integers(0, 100, rows),
        }
    )
    if name.endswith(".csv"):
        csv.write_csv(table, folder / name)
    else:
        parquet.write_table(table, folder / name)
    if kind == "onnx":
        from skl2onnx import to_onnx
        from sklearn.linear_model import LogisticRegression

        sample = np.column_stack([column[:5000] for column in features.values()])
        model = to_onnx(
            LogisticRegression().fit(sample, repaid[:5000]), sample[:1].astype(np.float32), options={"zipmap": False}
        )
        (folder / "model.onnx").write_bytes(model.SerializeToString())
    (folder / "audit.yaml").write_text(SYSTEM + PLANS[kind].replace("rows.parquet", name) + GROUPS, "utf-8")


def measured(folder: Path) -> None:
    """One audit in this process; its seconds and its peak of memory on standard output."""
    from probandum import api

    began, cpu = time.perf_counter(), time.process_time()
    record = api.audit(folder / "audit.yaml", out=folder / "run", documents=False)
    assert any(finding.estimate.value is not None for finding in record.findings)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    disk = sum(path.stat().st_size for path in record.folder.rglob("*") if path.is_file())
    found = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu, "peak": peak, "disk": disk}
    print(json.dumps(found))


def audited(rows: int, kind: str, name: str) -> dict[str, float]:
    """The same in a process of its own, over files of its own."""
    with tempfile.TemporaryDirectory() as place:
        subprocess.run([sys.executable, __file__, "--write", place, kind, name, "--rows", str(rows)], check=True)
        done = subprocess.run([sys.executable, __file__, "--one", place], check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def row(kind: str, name: str, taken: Sequence[tuple[dict[str, float], dict[str, float]]], rows: int) -> list[str]:
    """A line of the table: medians and spread of what few rows and many took."""
    slopes = [(many["peak"] - few["peak"]) / (rows - rows // 8) for few, many in taken]
    return [
        kind,
        name.partition(".")[2],
        pages.spread([many["cpu"] for _, many in taken], 1),
        pages.spread([many["peak"] / 2**20 for _, many in taken], 0),
        pages.spread(slopes, 0),
        pages.spread([many["disk"] / rows for _, many in taken], 1),
    ]


def main() -> None:
    """Audit, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=ROWS, help="any other number is printed alone")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--write", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.write:
        return write(Path(asked.write[0]), asked.rows, asked.write[1], asked.write[2])
    if asked.one:
        return measured(asked.one)
    before = pages.load()
    found: dict[tuple[str, str], list[tuple[dict[str, float], dict[str, float]]]] = {case: [] for case in CASES}
    for _ in range(asked.repeats):
        for case, taken in found.items():
            taken.append((audited(asked.rows // 8, *case), audited(asked.rows, *case)))
            print(*case, taken[-1][1], file=sys.stderr)
    head = ["target", "file", "CPU-seconds", "peak memory, MiB", "bytes of memory a row", "bytes on disk a row"]
    lines = [row(*case, taken, asked.rows) for case, taken in found.items()]
    pages.write(
        RESULTS if asked.rows == ROWS else Path(os.devnull),
        "A million rows in one pass of memory",
        "python benchmarks/million_rows.py",
        before,
        ("numpy", "pyarrow", "onnxruntime", "zstandard"),
        [f"{asked.rows:,} rows.\n{ABOUT}", pages.table(head, lines)],
        repeats=f"{asked.repeats} repeats",
    )
    return None


if __name__ == "__main__":
    main()
