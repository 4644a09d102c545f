"""What the benchmarks' result pages have in common: machine, load, spread, and notes by hand that are kept."""

from __future__ import annotations

import datetime
import os
import statistics
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

_NOTES = "\n## Notes, by hand\n"


def machine() -> str:
    """The processor, the cores that may be used and the memory.

    >>> " cores, " in machine()
    True
    """
    facts = dict(_facts(Path("/proc/cpuinfo")))
    flags = set(facts.get("flags", "").split())
    wide = " with AVX-512" if "avx512f" in flags else " with AVX2" if "avx2" in flags else ""
    memory = dict(_facts(Path("/proc/meminfo"))).get("MemTotal", "0 kB").split()[0]
    name = facts.get("model name", "a processor")
    return f"{name}{wide}, {len(os.sched_getaffinity(0))} cores, {int(memory) / 2**20:.0f} GiB"


def _facts(path: Path) -> Iterable[tuple[str, str]]:
    for line in reversed(path.read_text("utf-8").splitlines()):
        name, _, value = line.partition(":")
        yield name.strip(), value.strip()


def load() -> float:
    """Processes that ran or waited to run over the last minute."""
    return os.getloadavg()[0]


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Median, and the smallest and largest behind it.

    >>> spread([3.0, 1.0, 2.0]), spread([1.5])
    ('2.00 (1.00 to 3.00)', '1.50')
    """
    middle = f"{statistics.median(values):,.{digits}f}"
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table.

    >>> print(table(["a", "b"], [[1, "c"]]))
    | a | b |
    | --- | --- |
    | 1 | c |
    """
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def goal(name: str, wanted: str, found: str, reached: bool) -> list[str]:
    """A line of the table of goals."""
    return [name, wanted, found, "reached" if reached else "**missed**"]


GOALS = ("", "goal", "measured", "")


def write(page: Path, title: str, command: str, before: float, packages: Sequence[str], parts: Iterable[str]) -> None:
    """Write a page and print it; what stands there under *Notes, by hand* stays.

    ``before``: the load when the measurement began. ``packages``: those whose versions matter.
    """
    notes = page.read_text("utf-8").partition(_NOTES)[2] if page.is_file() else ""
    used = ", ".join(f"{name} {version(name)}" for name in packages)
    today = datetime.date.today().isoformat()
    said = f"Written by `{command}`, {today}. {machine()}; load {before:.1f} to {load():.1f}. {used}."
    text = "\n\n".join([f"# {title}", said, *(part.strip() for part in parts)]) + "\n"
    page.write_text(text + (_NOTES + notes if notes else ""), "utf-8")
    print(text)
