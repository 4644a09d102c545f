"""What every probe makes of worlds whose truth is known: faults of known size, systems on their limit, and none at all.

    OMP_NUM_THREADS=1 python benchmarks/planted.py [--runs N] [--jobs N]   # writes benchmarks/results/planted.md
    OMP_NUM_THREADS=1 python benchmarks/planted.py --runs 20 --only bias.auc-gap bias.bbq     # prints alone

With ``--kept FILE`` every 20 runs are written down as they end, and a run that was cut off goes on from there. With
``--again PROBE ...`` runs that another engine tried count too, but for those probes, whose sources have changed since;
the page says which engine tried which lines.

Each run draws a world, asks it by the probe with its controls, and judges what came out under one limit. Three worlds
a probe:

- **fault**: beyond the limit by twice the effect that the design is said to find (``Finding.detectable``, 80 % power
  at one-sided 5 %), measured on a world without a fault. At least 95 % of runs must FAIL.
- **edge**: exactly on the limit, where a FAIL is always false. At most alpha of runs may have any.
- **null**: no effect at all. At most alpha of runs may have any FAIL.

What is shown or indicates, and never gates, is judged here as if it did: what is tried are its intervals.

A control that fails makes its run an ERROR and no FAIL, so errors are told as well. The worlds stand in the modules
beside this file whose names end in ``_worlds``, by family.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import answer_worlds
import decision_worlds
import indicator_worlds
import numpy as np
import pages
import rate_worlds
import table_worlds
import text_worlds
from worlds import TIMES, World

from probandum.asking import Asker
from probandum.finding import Finding, Verdict, limit_words
from probandum.judging import ALPHA_FAIL, judge
from probandum.measuring import measure
from probandum.plugins import load_plugins
from probandum.probe import make_probe
from probandum.stats import proportion_interval

RESULTS = Path(__file__).parent / "results" / "planted.md"
ALPHA = ALPHA_FAIL["release"]
POWER = 0.95
#: What is found in 80 % of one-sided tests at 5 %, in half-widths of a 95 % interval.
FOUND = (1.645 + 0.842) / 1.96
WORLDS = (
    *table_worlds.WORLDS,
    *rate_worlds.WORLDS,
    *answer_worlds.WORLDS,
    *decision_worlds.WORLDS,
    *text_worlds.WORLDS,
    *indicator_worlds.WORLDS,
)
KINDS = ("fault", "edge", "null")
#: Runs that are tried, and written down, together.
CHUNK = 20
#: Which engine runs were tried with: those of another are not gone on from.
SOURCES = pages.engine()
#: What a chunk is kept under: the engine, and the name of the chunk.
_ENGINE = re.compile(r"(probandum \S+ with sources \S+) (.*)")
HELD = f"""\
A line of a fault is held where the share of FAILs is at least {POWER:g}. A line of an edge or a null is held where the
exact 95 % interval of the share reaches {ALPHA:g} or lies below it: a share above {ALPHA:g} whose interval reaches it
is within the chance of these runs, is held, and says so.
"""


def judged(world: World, effect: float, seed: int) -> list[Finding]:
    """What an audit of one world finds under the limit."""
    system, subject = world.draw(np.random.default_rng([seed, 7]), effect)
    asker = Asker(system, seed=seed, subject=subject)
    options = {**(world.options or {}), **{name: str(write()) for name, write in world.files.items()}}
    result = measure(make_probe(world.probe, options), asker)
    wanted = world.limit.metric.partition("/")[2]
    gating = tuple(replace(each, mode="gate") if each.metric == wanted else each for each in result.measures)
    result = replace(result, measures=gating)  # also what is shown alone: its intervals are tried as others' are
    return [finding for finding in judge([result], [world.limit]) if finding.metric == world.limit.metric]


def detectable(world: World) -> float:
    """The effect that the design is said to find, of the comparison in which the fault is planted.

    Where no finding says one, as of a bootstrap, it follows from the width of its 95 % interval.
    """
    findings = judged(world, world.null if world.stated_at is None else world.stated_at, 0)
    own = [each for each in findings if world.group in ("", each.groups.group if each.groups else "")]
    stated = [each.detectable for each in own if each.detectable is not None]
    widths = [each.estimate.high - each.estimate.low for each in own if each.estimate.high is not None]
    return float(max(stated)) if stated else max(widths) / 2 * FOUND


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """How many of the runs had any FAIL, any ERROR, and PASSES only."""

    runs: int
    fail: int
    error: int
    passed: int

    def __add__(self, other: Shares) -> Shares:
        """Both taken together.

        >>> Shares(runs=20, fail=1, error=0, passed=19) + Shares(runs=10, fail=0, error=1, passed=8)
        Shares(runs=30, fail=1, error=1, passed=27)
        """
        return Shares(**{name: value + getattr(other, name) for name, value in asdict(self).items()})

    @property
    def words(self) -> str:
        """FAILs with their exact 95 % interval, PASSES and ERRORS."""
        interval = proportion_interval(self.fail, self.runs, method="clopper-pearson")
        failed = f"{self.fail / self.runs:.3f} ({interval.low:.3f} to {interval.high:.3f})"
        return f"{failed} | {self.passed / self.runs:.3f} | {self.error}"

    def kept(self, kind: str) -> tuple[bool, str]:
        """Whether a line of this kind is held, and what the table says of it.

        >>> Shares(runs=200, fail=12, error=0, passed=0).kept("edge")  # .060, from .031 to .102
        (True, 'at most 0.05: above it, held since the interval reaches it')
        >>> Shares(runs=200, fail=19, error=0, passed=0).kept("edge")  # .095, from .058
        (False, 'at most 0.05: BROKEN')
        >>> Shares(runs=200, fail=189, error=0, passed=0).kept("fault")  # .945
        (False, 'at least 0.95: BROKEN')
        >>> Shares(runs=200, fail=9, error=0, passed=0).kept("null")
        (True, 'at most 0.05')
        """
        share = self.fail / self.runs
        if kind == "fault":
            return share >= POWER, f"at least {POWER:g}" + ("" if share >= POWER else ": BROKEN")
        low = proportion_interval(self.fail, self.runs, method="clopper-pearson").low
        if share <= ALPHA:
            return True, f"at most {ALPHA:g}"
        reaches = low <= ALPHA
        return reaches, f"at most {ALPHA:g}: " + (
            "above it, held since the interval reaches it" if reaches else "BROKEN"
        )


def shares(world: World, effect: float, runs: int, start: int) -> Shares:
    """The verdicts of ``runs`` worlds."""
    found = [{each.verdict for each in judged(world, effect, start + number)} for number in range(runs)]
    return Shares(
        runs=runs,
        fail=sum(Verdict.FAIL in each for each in found),
        error=sum(Verdict.ERROR in each for each in found),
        passed=sum(each == {Verdict.PASS} for each in found),
    )


@cache
def stated(place: int) -> float:
    """The effect that the design of a world is said to find, once a process."""
    return detectable(WORLDS[place])


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Some runs of one line of the table: those of the world at ``place`` with seeds from ``first`` on."""

    place: int
    kind: str
    first: int
    runs: int

    @property
    def probe(self) -> str:
        """Whose world it is."""
        return WORLDS[self.place].probe

    @property
    def name(self) -> str:
        """What it is kept under beside the engine: the world, by its words since some share a metric, and its seeds."""
        world = WORLDS[self.place]
        return f"{world.limit.metric} ({world.said}) {self.kind} {self.first} {self.runs}"

    def tried(self) -> tuple[float, float, Shares]:
        """The true value, the effect that the design is said to find, and the verdicts."""
        world, effect = WORLDS[self.place], stated(self.place)
        value = {"fault": world.beyond(effect), "edge": world.edge, "null": world.null}[self.kind]
        start = 100_000 * KINDS.index(self.kind) + 1 + self.first
        return value, effect, shares(world, value, self.runs, start)


class Kept:
    """Chunks that were tried before, by engine and name, in a file of JSON lines; without a file none.

    ``again``: probes of which those of this engine alone count; None: all probes.
    """

    def __init__(self, path: Path | None, again: Collection[str] | None = None) -> None:
        self._path = path
        self._again = again
        lines = path.read_text("utf-8").splitlines() if path is not None and path.is_file() else []
        self._found: dict[str, dict[str, tuple[float, float, Shares]]] = {}
        for said, value, effect, found in map(json.loads, lines):
            if (named := _ENGINE.fullmatch(said)) is not None:
                self._found.setdefault(named[2], {})[named[1]] = value, effect, Shares(**found)

    def engine(self, chunk: Chunk) -> str | None:
        """Which engine's runs of it count: this one's, where there are any."""
        known = self._found.get(chunk.name, {})
        others = self._again is not None and chunk.probe not in self._again
        return SOURCES if SOURCES in known else next(reversed(known), None) if others else None

    def __contains__(self, chunk: Chunk) -> bool:
        return self.engine(chunk) is not None

    def __getitem__(self, chunk: Chunk) -> tuple[float, float, Shares]:
        return self._found[chunk.name][str(self.engine(chunk))]

    def add(self, chunk: Chunk, found: tuple[float, float, Shares]) -> None:
        """Write it down at once."""
        self._found.setdefault(chunk.name, {})[SOURCES] = found
        if self._path is not None:
            value, effect, counted = found
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps([f"{SOURCES} {chunk.name}", value, effect, asdict(counted)]) + "\n")


def chunks(place: int, kind: str, runs: int) -> list[Chunk]:
    """A line in chunks."""
    return [
        Chunk(place=place, kind=kind, first=first, runs=min(CHUNK, runs - first)) for first in range(0, runs, CHUNK)
    ]


def line(parts: Sequence[Chunk], kept: Kept) -> tuple[str, bool]:
    """A line of the table from all of its chunks, and whether it is held."""
    kind, metric = parts[0].kind, WORLDS[parts[0].place].limit.metric
    value, effect, found = kept[parts[0]]
    for part in parts[1:]:
        found += kept[part][2]
    held, wanted = found.kept(kind)
    return f"| `{metric}` | {kind} | {value:+.3f} | {effect:.3f} | {found.words} | {wanted} |", held


def begin(place: str) -> None:
    """A process that tries worlds knows all probes, and leaves nothing behind outside a place."""
    tempfile.tempdir = place
    load_plugins()


@contextmanager
def trying(jobs: int, place: str) -> Iterator[Callable[[Sequence[Chunk]], Iterable[tuple[Chunk, Any]]]]:
    """What tries chunks, in this process or over several, and gives each as it ends; worlds keep files in a place."""
    if jobs == 1:
        begin(place)
        yield lambda wanted: ((chunk, chunk.tried()) for chunk in wanted)
        return
    with ProcessPoolExecutor(jobs, initializer=begin, initargs=(place,)) as pool:

        def over(wanted: Sequence[Chunk]) -> Iterator[tuple[Chunk, Any]]:
            asked = {pool.submit(chunk.tried): chunk for chunk in wanted}
            return ((asked[done], done.result()) for done in as_completed(asked))

        yield over


def engines(asked: Sequence[Sequence[Chunk]], kept: Kept) -> str:
    """Which engines tried which probes' lines, where another than this one did."""
    tried: dict[str, dict[str, None]] = {}
    for chunk in (chunk for parts in asked for chunk in parts):
        tried.setdefault(str(kept.engine(chunk)), {})[f"`{chunk.probe}`"] = None
    others = [f"{engine}: {', '.join(probes)}" for engine, probes in tried.items() if engine != SOURCES]
    if not others:
        return ""
    return f"\nTried before, of probes whose sources have not changed in what they compute, by {'; '.join(others)}.\n"


def page(places: Sequence[int], table: Sequence[str], runs: int, promise: str, before: str) -> str:
    """The results in Markdown; ``before``: which lines another engine tried."""
    described = "\n".join(
        f"- `{world.probe}`: {world.said}; limit {limit_words(world.limit)}." for world in (WORLDS[at] for at in places)
    )
    head = pages.header("python benchmarks/planted.py", f"{runs:,} runs a line, seeded", packages=("numpy", "scipy"))
    return f"""# Planted faults and nulls

{head}
{before}
Each run draws a world whose truth is known, asks it by the probe with its controls, and judges the outcome under one
limit in mode release (alpha {ALPHA:g}, Holm over all comparisons). "Fault": beyond the limit by {TIMES:g} times the
effect that the design is said to find; at least {POWER:g} of runs must FAIL. "Edge": exactly on the limit, where every
FAIL is false. "Null": nothing is amiss. "FAIL" and "ERROR" count runs with any, "PASS" those with nothing else. In
brackets exact 95 % intervals.

{HELD}
| quantity | world | true value | detectable | FAIL | PASS | ERROR | FAIL wanted |
| --- | --- | --- | --- | --- | --- | --- | --- |
{chr(10).join(table)}

{described}

Power and false FAILs as wanted on every line: {promise}.
"""


def main() -> None:
    """Simulate and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--only", nargs="+", metavar="PROBE", help="these alone; printed and not written")
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side; the figures are the same")
    parser.add_argument("--kept", type=Path, metavar="FILE", help="where tried runs stand, to go on from")
    parser.add_argument("--again", nargs="+", metavar="PROBE", help="with --kept: all others count by any engine")
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    known = list(dict.fromkeys(world.probe for world in WORLDS))
    if unknown := set(chosen.only or ()) - set(known):
        parser.error(f"no world for {', '.join(sorted(unknown))}; known: {', '.join(known)}")
    start = time.perf_counter()
    places = [at for at, world in enumerate(WORLDS) if not chosen.only or world.probe in chosen.only]
    asked = [chunks(at, kind, chosen.runs) for at in places for kind in KINDS]
    kept = Kept(chosen.kept, chosen.again)
    with tempfile.TemporaryDirectory() as place, trying(chosen.jobs, place) as tried:
        for chunk, found in tried([chunk for parts in asked for chunk in parts if chunk not in kept]):
            kept.add(chunk, found)
            for parts in asked:
                if chunk in parts and all(part in kept for part in parts):
                    print(line(parts, kept)[0], flush=True)
    lines = [line(parts, kept) for parts in asked]
    table, all_held = [made for made, _ in lines], all(held for _, held in lines)
    promise = "held" if all_held else "BROKEN"
    print(f"{promise}; {time.perf_counter() - start:.0f} s")
    if chosen.only:
        return
    chosen.out.parent.mkdir(exist_ok=True)
    chosen.out.write_text(
        page(places, table, chosen.runs, promise, engines(asked, kept)) + pages.noted(chosen.out), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
