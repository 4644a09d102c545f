"""What the benchmarks' result pages have in common: machine, load, spread, and notes by hand that are kept."""

from __future__ import annotations

import datetime
import hashlib
import os
import statistics
import time
import tomllib
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: The sources whose digest says which engine a page is of.
_SOURCES = ("audit/probandum", "probes/probandum_probes")
_BEGAN = time.time()
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


def engine() -> str:
    """The version of the toolkit and a digest of the sources of its core and probes, whatever the date.

    Sources that were changed after the measurement began are said to be: what ran may be either.

    >>> engine().startswith("probandum ")
    True
    """
    digest, paths = hashlib.sha256(), sorted(path for folder in _SOURCES for path in (ROOT / folder).rglob("*.py"))
    for path in paths:
        digest.update(f"{path.relative_to(ROOT).as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    release = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    changed = ", changed while this ran" if max(path.stat().st_mtime for path in paths) > _BEGAN else ""
    return f"probandum {release} with sources sha256:{digest.hexdigest()[:12]}{changed}"


def header(
    command: str,
    repeats: str,
    *,
    packages: Sequence[str] = (),
    device: str | None = None,
    before: float | None = None,
) -> str:
    """Who wrote a page and when; how often a figure was taken; on what machine, of which engine.

    ``device``: what is said in place of this machine's processor. ``before``: the load when the measurement began.
    """
    loaded = "" if before is None else f"; load {before:.1f} to {load():.1f}"
    used = [engine(), *(f"{name} {version(name)}" for name in packages)]
    today = datetime.date.today().isoformat()
    return f"Written by `{command}`, {today}; {repeats}. {device or machine()}{loaded}. {', '.join(used)}."


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


def goal(name: str, wanted: str, found: str, reached: bool | None) -> list[str]:
    """A line of the table of goals; None where repeats do not agree whether it is reached."""
    return [name, wanted, found, {True: "reached", False: "**missed**", None: "**not decided**"}[reached]]


GOALS = ("", "goal", "measured", "")


def write(
    page: Path,
    title: str,
    command: str,
    before: float,
    packages: Sequence[str],
    parts: Iterable[str],
    *,
    repeats: str,
    device: str | None = None,
) -> None:
    """Write a page and print it; what stands there under *Notes, by hand* stays.

    ``before``: the load when the measurement began. ``packages``: those whose versions matter. ``repeats``: how often
    a figure was taken, in words.
    """
    said = header(command, repeats, packages=packages, device=device, before=before)
    text = "\n\n".join([f"# {title}", said, *(part.strip() for part in parts)]) + "\n"
    page.write_text(text + noted(page), "utf-8")
    print(text)


def noted(page: Path) -> str:
    """What stands at the end of a page under *Notes, by hand*, its title included; nothing of a page that is none."""
    _, title, notes = page.read_text("utf-8").partition(_NOTES) if page.is_file() else ("", "", "")
    return title + notes
