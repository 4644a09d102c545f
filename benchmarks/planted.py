"""What every probe makes of worlds whose truth is known: faults of known size, systems on their limit, and none at all.

    OMP_NUM_THREADS=1 python benchmarks/planted.py [--runs N] [--only PROBE]   # writes benchmarks/results/planted.md

Each run draws a world, asks it by the probe with its controls, and judges what came out under one limit. Three worlds
a probe:

- **fault**: beyond the limit by twice the effect that the design is said to find (``Finding.detectable``, 80 % power
  at one-sided 5 %), measured on a world without a fault. At least 95 % of runs must FAIL.
- **edge**: exactly on the limit, where a FAIL is always false. At most alpha of runs may have any.
- **null**: no effect at all. At most alpha of runs may have any FAIL.

A control that fails makes its run an ERROR and no FAIL, so errors are told as well.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from probandum.asking import Asker
from probandum.evidence import Capability, Request, Response, Table
from probandum.finding import Finding, Limit, Verdict, limit_words
from probandum.judging import ALPHA_FAIL, judge
from probandum.measuring import measure
from probandum.plugins import load_plugins
from probandum.probe import make_probe
from probandum.stats import proportion_interval
from probandum.subject import Decision, Grouping, Subject
from probandum.target import Target

RESULTS = Path(__file__).parent / "results" / "planted.md"
ALPHA = ALPHA_FAIL["release"]
POWER = 0.95
#: How many times the stated detectable effect a fault lies beyond the limit.
TIMES = 2.0
Generator = np.random.Generator


class Listed(Target):
    """Answers each row with the probability of the positive class that stands in it."""

    name = "listed"
    capabilities = frozenset({Capability.PREDICT})
    labels = ("0", "1")

    def identity(self) -> Mapping[str, Any]:
        """It has no parameter."""
        return {"rule": "listed"}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """1 - p, p."""
        found = [np.asarray(request.table["p"], dtype=np.float64) for request in requests]
        return [Response(outputs=np.column_stack([1 - each, each]), labels=self.labels) for each in found]


@dataclass(frozen=True, kw_only=True)
class World:
    """How a probe is tried: ``draw(rng, effect)`` makes a system and its rows whose true quantity is ``effect``.

    ``effect`` is the judged quantity of the group ``harmed``, such as a difference; ``null`` where nothing is amiss.
    ``stated_at``: where the design says what it finds, if not there: a rate of 0 has no spread.
    """

    probe: str
    limit: Limit
    draw: Callable[[Generator, float], tuple[Target, Subject | None]]
    null: float
    said: str
    group: str = ""
    options: Mapping[str, Any] | None = None
    stated_at: float | None = None

    @property
    def edge(self) -> float:
        """The end of the limit at which the fault is planted."""
        low, high = self.limit.edges()
        return float(low if low is not None else high or 0.0)

    def beyond(self, detectable: float) -> float:
        """Where a fault lies that the design must see."""
        low, _ = self.limit.edges()
        return self.edge - TIMES * detectable if low is not None else self.edge + TIMES * detectable


def rows(p: Any, outcome: Any, **groups: tuple[Any, Sequence[str]]) -> tuple[Target, Subject]:
    """Predicted probabilities with their outcomes, in groups (codes and names) whose last one is the reference."""
    return Listed(), Subject(
        table=Table({"p": np.asarray(p, dtype=np.float64), "outcome": np.asarray(outcome, dtype=np.float64)}),
        features=("p",),
        label="outcome",
        groupings={
            name: Grouping(attribute=name, codes=np.asarray(codes), names=tuple(names), reference=names[-1])
            for name, (codes, names) in groups.items()
        },
        decision=Decision(favourable="1", positive="1", threshold=0.5),
    )


def selected(rng: Generator, rates: Any) -> Any:
    """Scores of rows that are selected with these rates."""
    return np.where(rng.random(len(rates)) < rates, 0.9, 0.1)


def group_rates(rng: Generator, effect: float) -> tuple[Target, Subject]:
    """1,500 rows of two groups each; half of B are selected, and that share and ``effect`` of A."""
    codes = np.repeat([0, 1], 1500)
    return rows(selected(rng, np.where(codes == 0, 0.5 + effect, 0.5)), codes % 2, g=(codes, "AB"))


def auc_gap(rng: Generator, effect: float) -> tuple[Target, Subject]:
    """1,500 rows of two groups each with normal scores; the AUC of B is .80, and of A ``effect`` more."""
    from scipy.special import expit
    from scipy.stats import norm

    codes = np.repeat([0, 1], 1500)
    positive = rng.random(3000) < 0.5
    apart = np.sqrt(2) * norm.ppf(np.where(codes == 0, 0.8 + effect, 0.8))
    return rows(expit(apart * positive - apart / 2 + rng.normal(size=3000)), positive, g=(codes, "AB"))


def calibration(rng: Generator, effect: float) -> tuple[Target, Subject]:
    """1,500 rows of two groups each; what is predicted comes true in B, and ``effect`` more often in A."""
    codes = np.repeat([0, 1], 1500)
    p = rng.uniform(0.3, 0.7, 3000)
    return rows(p, rng.random(3000) < p + effect * (codes == 0), g=(codes, "AB"))


def intersections(rng: Generator, effect: float) -> tuple[Target, Subject]:
    """1,500 rows of four crossed groups each; half are selected, of one group ``effect`` times as many."""
    codes = np.repeat(np.arange(4), 1500)
    p = selected(rng, np.where(codes == 0, 0.5 * effect, 0.5))
    return rows(p, codes % 2, g=(codes // 2, "AB"), h=(codes % 2, "CD"))


def conditional_parity(rng: Generator, effect: float) -> tuple[Target, Subject]:
    """1,500 rows of two groups each, A mostly where .4 are selected and B where .6; of A ``effect`` more."""
    codes = np.repeat([0, 1], 1500)
    hard = np.arange(3000) % 3 < np.where(codes == 0, 2, 1)
    system, subject = rows(selected(rng, np.where(hard, 0.4, 0.6) + effect * (codes == 0)), codes % 2, g=(codes, "AB"))
    factor = np.where(hard, "hard", "easy")
    return system, replace(subject, table=Table({**subject.table.columns, "factor": factor}))


class Switched(Listed):
    """Answers as listed for whoever is not of A, and turns the decision round for A where ``u`` is below ``share``."""

    name = "switched"

    def __init__(self, share: float) -> None:
        self.share = share

    def identity(self) -> Mapping[str, Any]:
        """Its only parameter."""
        return {"rule": "switched", "share": self.share}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """1 - p, p."""
        tables = [request.table for request in requests]
        turned = [(table["a"] == 1) & (table["u"] < self.share) for table in tables]
        found = [np.where(turn, 1 - table["p"], table["p"]) for turn, table in zip(turned, tables, strict=True)]
        return [Response(outputs=np.column_stack([1 - each, each]), labels=self.labels) for each in found]


def attribute_flip(rng: Generator, effect: float) -> tuple[Target, Subject]:
    """1,500 rows of two groups each; the decision on a row depends on its group with the probability ``effect``."""
    codes = np.repeat([0, 1], 1500)
    _, subject = rows(selected(rng, np.full(3000, 0.5)), codes % 2, g=(codes, "AB"))
    table = Table({**subject.table.columns, "a": 1.0 - codes, "u": rng.random(3000)})
    return Switched(effect), replace(subject, table=table, features=("p", "a", "u"))


WORLDS = (
    World(
        probe="bias.group-rates",
        limit=Limit(metric="bias.group-rates/selection-difference", direction="band", threshold=0.05),
        draw=group_rates,
        null=0.0,
        said="two groups of 1,500, half selected",
    ),
    World(
        probe="bias.auc-gap",
        limit=Limit(metric="bias.auc-gap/auc-difference", direction="band", threshold=0.05),
        draw=auc_gap,
        null=0.0,
        said="two groups of 1,500, AUC .80",
    ),
    World(
        probe="bias.calibration",
        limit=Limit(metric="bias.calibration/calibration-difference", direction="band", threshold=0.05),
        draw=calibration,
        null=0.0,
        said="two groups of 1,500, predictions from .3 to .7",
    ),
    World(
        probe="bias.conditional-parity",
        limit=Limit(metric="bias.conditional-parity/adjusted-difference", direction="band", threshold=0.05),
        draw=conditional_parity,
        null=0.0,
        said="two groups of 1,500, unevenly in two strata that select .4 and .6",
        options={"given": ("factor",), "reason": "planted"},
    ),
    World(
        probe="bias.attribute-flip",
        limit=Limit(metric="bias.attribute-flip/attribute-flip-rate", direction="at_most", threshold=0.01),
        draw=attribute_flip,
        null=0.0,
        stated_at=0.01,
        said="two groups of 1,500, half selected",
    ),
    World(
        probe="bias.intersections",
        limit=Limit(metric="bias.intersections/impact-ratio", direction="at_least", threshold=0.8),
        draw=intersections,
        null=1.0,
        group="A*C",
        said="four crossed groups of 1,500, half selected",
    ),
)


def judged(world: World, effect: float, seed: int) -> list[Finding]:
    """What an audit of one world finds under the limit."""
    system, subject = world.draw(np.random.default_rng([seed, 7]), effect)
    asker = Asker(system, seed=seed, subject=subject)
    result = measure(make_probe(world.probe, world.options or {}), asker)
    return [finding for finding in judge([result], [world.limit]) if finding.metric == world.limit.metric]


def detectable(world: World) -> float:
    """The effect that the design is said to find, of the comparison in which the fault is planted."""
    findings = judged(world, world.null if world.stated_at is None else world.stated_at, 0)
    stated = [each.detectable for each in findings if world.group in ("", each.groups.group if each.groups else "")]
    return float(max(value for value in stated if value is not None))


@dataclass(frozen=True, kw_only=True)
class Shares:
    """How many of the runs had any FAIL, any ERROR, and PASSES only."""

    runs: int
    fail: int
    error: int
    passed: int

    @property
    def words(self) -> str:
        """FAILs with their exact 95 % interval, PASSES and ERRORS."""
        interval = proportion_interval(self.fail, self.runs, method="clopper-pearson")
        failed = f"{self.fail / self.runs:.3f} ({interval.low:.3f} to {interval.high:.3f})"
        return f"{failed} | {self.passed / self.runs:.3f} | {self.error}"


def shares(world: World, effect: float, runs: int, start: int) -> Shares:
    """The verdicts of ``runs`` worlds."""
    found = [{each.verdict for each in judged(world, effect, start + number)} for number in range(runs)]
    return Shares(
        runs=runs,
        fail=sum(Verdict.FAIL in each for each in found),
        error=sum(Verdict.ERROR in each for each in found),
        passed=sum(each == {Verdict.PASS} for each in found),
    )


def quiet(found: Shares) -> bool:
    """Whether the share of FAILs is no more than alpha, as far as the runs can tell: their lower bound is not above."""
    return proportion_interval(found.fail, found.runs, level=0.95, method="clopper-pearson").low <= ALPHA


def lines(world: World, runs: int) -> tuple[list[str], bool]:
    """Three lines of the table, and whether the probe keeps its promise in all of them."""
    effect = detectable(world)
    fault = world.beyond(effect)
    made, kept = [], True
    for number, (name, value) in enumerate((("fault", fault), ("edge", world.edge), ("null", world.null))):
        found = shares(world, value, runs, 100_000 * number + 1)
        held = found.fail >= POWER * runs if name == "fault" else quiet(found)
        kept = kept and held
        wanted = f"at least {POWER:g}" if name == "fault" else f"at most {ALPHA:g}"
        made.append(
            f"| `{world.limit.metric}` | {name} | {value:+.3f} | {effect:.3f} | {found.words} | {wanted}"
            f"{'' if held else ': BROKEN'} |"
        )
        print(made[-1], flush=True)
    return made, kept


def main() -> None:
    """Simulate and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--only", metavar="PROBE", help="one probe alone; the results are printed and not written")
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    load_plugins()
    start = time.process_time()
    worlds = [world for world in WORLDS if chosen.only in (None, world.probe)]
    if not worlds:
        parser.error(f"no world for {chosen.only}; known: {', '.join(dict.fromkeys(w.probe for w in WORLDS))}")
    table, kept = [], True
    for world in worlds:
        made, held = lines(world, chosen.runs)
        table += made
        kept = kept and held
    promise = "held" if kept else "BROKEN"
    print(f"{promise}; {time.process_time() - start:.0f} CPU s")
    if chosen.only:
        return
    described = "\n".join(f"- `{world.probe}`: {world.said}; limit {limit_words(world.limit)}." for world in worlds)
    text = f"""# Planted faults and nulls

Written by `python benchmarks/planted.py`; {chosen.runs:,} runs a line, in brackets exact 95 % intervals.

Each run draws a world whose truth is known, asks it by the probe with its controls, and judges the outcome under one
limit in mode release (alpha {ALPHA:g}, Holm over all comparisons). "Fault": beyond the limit by {TIMES:g} times the
effect that the design is said to find; at least {POWER:g} of runs must FAIL. "Edge": exactly on the limit, where every
FAIL is false. "Null": nothing is amiss. "FAIL" and "ERROR" count runs with any, "PASS" those with nothing else.

| quantity | world | true value | detectable | FAIL | PASS | ERROR | FAIL wanted |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""
    text += "\n".join(table)
    text += f"\n\n{described}\n\nPower and false FAILs as wanted on every line: {promise}.\n"
    chosen.out.parent.mkdir(exist_ok=True)
    chosen.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
