"""Whether the regression gate blocks what it says it blocks, on the three embedded systems.

    OMP_NUM_THREADS=1 python benchmarks/regressions.py       # writes benchmarks/results/regressions.md

Each system is audited for real twice, on one thread and on two, and the second audit is held against the first. All
other audits answer from what the first recorded, changed by a known amount, and go the whole way all the same: plan,
sealed record, baseline, judgement, gate. With ``--records`` the real audits are kept, and used the next time.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist, fmean
from typing import Any, ClassVar

import numpy as np
import pages
import yaml
from scipy.stats import nct, t

from probandum import api
from probandum.evidence import Observation
from probandum.finding import Finding
from probandum.judging import ALPHA_FAIL
from probandum.record import Record
from probandum.stats import proportion_interval
from probandum.tables import read_table

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "regressions.md"
#: Comparisons of systems that did not change, over all three.
UNCHANGED = 100
#: Noise of scores and log-odds, as another packing of the questions gives: nats.
NOISE = 1e-5
#: Decisions that change by chance, as a share of a group's rows, in either direction.
CHURN = 0.01
#: How far the stated power, which takes errors for normal and their size for known, may be off.
OFF = 0.05
#: A function that answers from a file what it was asked before.
ANSWERS = """\
import json
from pathlib import Path

KNOWN = json.loads((Path(__file__).parent / "answers.json").read_text("utf-8"))


def classify(texts):
    return [KNOWN[text] for text in texts]


def choose(prompts, options, prefix):
    return [KNOWN[prompt] for prompt in prompts]
"""

Limits = Mapping[str, Mapping[str, float]]

#: Limits of real second audits, beside or in place of those of the replayed ones.
QUALITY: Limits = {
    "explain.efficiency/residual/change": {"at_most": 1e-6},
    "explain.faithfulness/comprehensiveness-normalised/change": {"at_least": -0.1},
    "explain.seed-stability/relative-noise/change": {"at_most": 0.05},
}


class Replayed:
    """One system: its real record, and audits that answer from it. ``sizes``: what is planted, beside nothing."""

    name: str
    #: Limits of the unchanged comparisons, on the change of each quantity.
    limits: ClassVar[Limits]
    #: Limits of the real second audit.
    second: ClassVar[Limits]
    #: The quantity that is planted in, how much, and what that is in words.
    metric: str
    sizes: tuple[float, ...]
    planted: str

    def __init__(self, base: Record) -> None:
        """What the real audit recorded."""
        raise NotImplementedError

    def sample(self, rng: np.random.Generator) -> Any:
        """A fresh sample of items."""
        raise NotImplementedError

    def of(self, finding: Finding) -> bool:
        """Whether it is the quantity that is planted in."""
        return finding.metric == self.metric

    def write(self, folder: Path, sample: Any, rng: np.random.Generator | None, size: float) -> dict[str, Any]:
        """The files of an audit and what its plan says: with noise where there is an ``rng``, and ``size`` planted."""
        raise NotImplementedError


class Credit(Replayed):
    """Rows drawn anew with their recorded decisions; a share of one group's grants is taken back."""

    name = "credit"
    limits: ClassVar[Limits] = {
        "bias.group-rates/selection-difference/change": {"band": 0.05},
        "bias.group-rates/impact-ratio/change": {"band": 0.1},
        "bias.group-rates/tpr-difference/change": {"band": 0.05},
        "bias.group-rates/fpr-difference/change": {"band": 0.1},
    }
    second: ClassVar[Limits] = {
        "bias.group-rates/selection-difference/change": {"band": 0.1},
        **QUALITY,
    }  # 102 of 500 are young
    metric = "bias.group-rates/selection-difference/change"
    sizes = (-0.05, -0.09, -0.12)
    planted = "share of the decisions on applicants of 25 or younger, turned from granted to refused"
    rows = 2000

    def __init__(self, base: Record) -> None:
        observation = next(each for each in base.observations() if each.probe == "bias.group-rates")
        granted = observation.answer.values[:, list(observation.answer.labels).index("1")] >= 0.7
        table = read_table(ROOT / "examples" / "credit" / "heldout.csv")
        self.granted = granted
        self.young = np.asarray(table["age"], dtype=np.float64) <= 25
        self.repaid = np.asarray(table["credit_risk"], dtype=np.float64)

    def sample(self, rng: np.random.Generator) -> Any:
        return rng.integers(len(self.granted), size=self.rows)

    def write(self, folder: Path, sample: Any, rng: np.random.Generator | None, size: float) -> dict[str, Any]:
        granted, young = self.granted[sample], self.young[sample]
        if rng is not None:
            for group, known, lost in ((young, self.young, -size), (~young, ~self.young, 0.0)):
                rate = self.granted[known].mean()
                chance = np.where(granted, (CHURN + lost) / rate, CHURN / (1 - rate))
                granted = np.where(group & (rng.random(len(sample)) < chance), ~granted, granted)
        lines = [
            f"p{place},{'25 or younger' if young[place] else 'over 25'},{granted[place]:d},{self.repaid[row]:.0f}"
            for place, row in enumerate(sample)
        ]
        (folder / "log.csv").write_text("\n".join(["id,age,granted,repaid", *lines]) + "\n", "utf-8")
        return {
            "target": {
                "type": "log",
                "path": "log.csv",
                "decision": "granted",
                "favourable": 1,
                "label": "repaid",
                "id": "id",
            },
            "groups": {"age": {"reference": "over 25"}},
            "suites": {"bias.group-rates": {}},
        }


class Moderation(Replayed):
    """Seed texts drawn anew with their recorded scores; sentences that name one term are scored higher."""

    name = "moderation"
    limits: ClassVar[Limits] = {
        "bias.term-swap/signed-shift/change": {"band": 0.01},
        "bias.term-swap/gap-over-placebo/change": {"at_most": 0.01},
    }
    second: ClassVar[Limits] = {**limits, **QUALITY}
    metric = "bias.term-swap/signed-shift/change"
    sizes = (0.01, 0.014, 0.016)
    planted = "scores of sentences that name one term, raised by this on average (standard deviation .005 by seed text)"
    term, spread, clusters = "Muslim", 0.005, 20

    def of(self, finding: Finding) -> bool:
        return super().of(finding) and finding.groups is not None and finding.groups.group == self.term

    def __init__(self, base: Record) -> None:
        self.labels = [str(label) for label in base.environment["target"]["labels"]]
        self.scores: dict[str, float] = {}
        for each in _asked(base, "bias.term-swap"):
            self.scores |= zip(each.asked["inputs"], each.answer.values[:, 1].tolist(), strict=True)
        clusters = base.items[f"bias.term-swap/score?term={self.term}"]
        self.cluster = dict(zip(clusters.keys, clusters.clusters, strict=True))

    def sample(self, rng: np.random.Generator) -> Any:
        return int(rng.integers(2**31))

    def write(self, folder: Path, sample: Any, rng: np.random.Generator | None, size: float) -> dict[str, Any]:
        chosen = {"attributes": ["religion"]} if size else {}  # where one term alone is planted, a fifth is asked
        known = dict(self.scores)
        if rng is not None:
            noise = rng.normal(scale=NOISE, size=len(known))
            reach = self.spread * math.sqrt(3)
            raised = {name: rng.uniform(size - reach, size + reach) for name in sorted({*self.cluster.values()})}
            for (text, score), step in zip(known.items(), noise, strict=True):
                odds = math.log(score / (1 - score)) + step
                more = raised[self.cluster[text]] if size and text in self.cluster else 0.0
                known[text] = 1 / (1 + math.exp(-odds)) + more
        if not all(0 < score < 1 for score in known.values()):
            raise SystemExit("a planted score is no probability")
        return {
            "target": _function(folder, "classify", known) | {"labels": self.labels},
            "suites": {"bias.term-swap": {"class_name": self.labels[1], "sample": self.clusters, **chosen}},
            "execution": {"seed": sample},
        }


class Assistant(Replayed):
    """Scenarios drawn anew with their recorded log-odds; those of one group's names are moved."""

    name = "assistant"
    limits: ClassVar[Limits] = {
        "bias.name-swap/log-odds-difference/change": {"band": 0.1},
        "bias.name-swap/probability-difference/change": {"band": 0.02},
    }
    second: ClassVar[Limits] = limits
    metric = "bias.name-swap/log-odds-difference/change"
    sizes = (-0.1, -0.2, -0.24)
    planted = "logits by which favourable answers move under women's names, on average (.1 by scenario and by name)"
    spread, scenarios = 0.1, 16

    def __init__(self, base: Record) -> None:
        self.answers: dict[str, tuple[str, str, int, list[float]]] = {}
        orders = Counter[str]()
        for each in _asked(base, "bias.name-swap"):
            scenario = str(each.asked["keys"][0]).partition("/")[0]
            sign = 1 if orders[scenario] == 0 else -1  # the favourable answer stands first, then last
            orders[scenario] += 1
            told = zip(each.asked["inputs"], each.asked["keys"], each.asked["groups"], each.answer.values, strict=True)
            for prompt, key, group, row in told:
                name = key.partition("/")[2] if group == "women" else ""
                self.answers[prompt] = (scenario, name, sign, row.tolist())

    def sample(self, rng: np.random.Generator) -> Any:
        return int(rng.integers(2**31))

    def write(self, folder: Path, sample: Any, rng: np.random.Generator | None, size: float) -> dict[str, Any]:
        known = {prompt: row for prompt, (_, _, _, row) in self.answers.items()}
        if rng is not None:
            spread = self.spread if size else 0.0
            scenarios = {each[0]: rng.normal(size, spread) for each in self.answers.values()}
            names = {each[1]: rng.normal(0, spread) for each in self.answers.values()}
            for prompt, (scenario, name, sign, row) in self.answers.items():
                moved = sign * (scenarios[scenario] + names[name]) if name else 0.0
                known[prompt] = _moved(row, moved + rng.normal(scale=NOISE))
        return {
            "target": _function(folder, "choose", known),
            "suites": {"bias.name-swap": {"reference": "men", "sample": self.scenarios}},
            "execution": {"seed": sample},
        }


SYSTEMS: tuple[type[Replayed], ...] = (Credit, Moderation, Assistant)


def _asked(base: Record, probe: str) -> Iterator[Observation]:
    return (each for each in base.observations() if each.probe == probe)


def _function(folder: Path, name: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """The target that answers from a file."""
    (folder / "answers.py").write_text(ANSWERS, "utf-8")
    (folder / "answers.json").write_text(json.dumps(known), "utf-8")
    return {"type": "callable", "function": f"answers:{name}", "kind": name, "files": ["answers.json"]}


def _moved(row: list[float], logits: float) -> list[float]:
    """Two log-probabilities, with their sum kept and the log-odds of the first moved."""
    mass, odds = float(np.logaddexp(row[0], row[1])), row[0] - row[1] + logits
    return [float(mass - np.logaddexp(0.0, -odds)), float(mass - np.logaddexp(0.0, odds))]


def plan(folder: Path, said: Mapping[str, Any], limits: Limits, base: Path | None) -> Path:
    """An audit file; with the limits where there is a baseline."""
    whole: dict[str, Any] = {"version": 1, "system": {"name": folder.name}, "energy": {"codecarbon": False}, **said}
    if base is not None:
        whole["limits"] = [{"metric": metric, **edge} for metric, edge in limits.items()]
        whole["gate"] = {"mode": "merge", "baseline": {"merged": str(base)}}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ("base.yaml" if base is None else "new.yaml")
    path.write_text(yaml.safe_dump(whole, sort_keys=False), "utf-8")
    return path


def real(name: str, folder: Path, threads: int, limits: Limits, base: Path | None) -> Record:
    """The example's own audit but for energy: on so many threads, and against a baseline where there is one."""
    out = folder / ("base" if base is None else "new")
    if (out / "statement.dsse.json").is_file():
        return Record.open(out)
    source = ROOT / "examples" / name / "audit.yaml"
    said = yaml.safe_load(source.read_text("utf-8"))
    for key in ("limits", "gate", "tiers", "documents"):
        said.pop(key)
    said["suites"].pop("energy.inference")
    said["execution"]["threads"] = threads
    for part in ("target", "data"):
        path = said.get(part, {}).get("path")
        if path is not None and not path.startswith("package:"):
            said[part]["path"] = str(source.parent / path)
    return api.audit(plan(folder, said, limits, base), out=out, documents=False)


@dataclass(frozen=True)
class Ended:
    """How one comparison ended, by the gate's mode, and what was found of the quantities under limits."""

    codes: Mapping[str, int]
    findings: tuple[Finding, ...]


def compared(system: Replayed, rng: np.random.Generator, size: float, limits: Limits) -> Ended:
    """One fresh sample, audited before and after."""
    with tempfile.TemporaryDirectory() as place:
        sample = system.sample(rng)
        before, after = Path(place, "before"), Path(place, "after")
        for folder in (before, after):
            folder.mkdir()
        said = system.write(before, sample, None, size)
        api.audit(plan(before, said, limits, None), out=before / "run", documents=False)
        said = system.write(after, sample, rng, size)
        record = api.audit(plan(after, said, limits, before / "run"), out=after / "run", documents=False)
        codes = {"merge": api.gate(record).code}
        api.judge(record, tier="release")
        codes["release"] = api.gate(record).code
        return Ended(codes, tuple(each for each in record.findings if each.limit is not None))


def stated(finding: Finding, true: float, alpha: float) -> float:
    """The power to block a true change of ``true``, by the smallest effect that the finding says it finds."""
    assert finding.detectable is not None and finding.limit is not None
    beyond = abs(true) - finding.limit.threshold
    level = alpha / finding.limit.hypotheses  # Holm's first step; the other quantities have not changed
    if finding.estimate.moments is not None:
        df = finding.estimate.moments[2]
        error = finding.detectable / (t.isf(0.05, df) + t.isf(0.2, df))
        return float(nct.sf(t.isf(level, df), df, beyond / error))
    normal = NormalDist()
    error = finding.detectable / (normal.inv_cdf(0.95) + normal.inv_cdf(0.8))
    return normal.cdf(beyond / error - normal.inv_cdf(1 - level))


@dataclass(frozen=True)
class Line:
    """Audits with one size planted, judged in one mode."""

    system: str
    mode: str
    size: float
    caught: int
    runs: int
    power: float

    @property
    def at_limit(self) -> bool:
        return self.power <= ALPHA_FAIL[self.mode]

    def kept(self, lines: int) -> bool:
        """Whether chance (1 % over all lines) and the approximation explain how far it is from what is stated."""
        interval = proportion_interval(self.caught, self.runs, level=1 - 0.02 / lines, method="clopper-pearson")
        return interval.low <= ALPHA_FAIL[self.mode] if self.at_limit else self.power - OFF <= interval.high

    @property
    def text(self) -> str:
        interval = proportion_interval(self.caught, self.runs, method="clopper-pearson")
        share = f"{interval.value:.2f} ({interval.low:.2f} to {interval.high:.2f})"
        stated = f"at most {ALPHA_FAIL[self.mode]:g}" if self.at_limit else f"{self.power:.2f}"
        return f"| {self.system} | {self.size:+g} | {self.mode} | {share} | {stated} |"


def powers(system: Replayed, size: float, runs: int, seed: int) -> list[Line]:
    """How often a planted change is blocked, beside what the runs state."""
    rng = np.random.default_rng([seed, *system.name.encode()])
    limits = {system.metric: system.limits[system.metric]}
    caught, power = Counter[str](), {mode: list[float]() for mode in ALPHA_FAIL}
    for _ in range(runs):
        ended = compared(system, rng, size, limits)
        (found,) = (each for each in ended.findings if system.of(each))
        for mode, code in ended.codes.items():
            caught[mode] += code == 1
            power[mode].append(stated(found, size, ALPHA_FAIL[mode]))
    return [Line(system.name, mode, size, caught[mode], runs, fmean(power[mode])) for mode in ALPHA_FAIL]


def unchanged(system: Replayed, runs: int, seed: int) -> tuple[Counter[int], int]:
    """How comparisons of a system that did not change end in mode merge, and how many quantities each judged."""
    rng = np.random.default_rng([seed, *system.name.encode()])
    codes, judged = Counter[int](), 0
    for _ in range(runs):
        ended = compared(system, rng, 0.0, system.limits)
        codes[ended.codes["merge"]] += 1
        judged = len(ended.findings)
    return codes, judged


def replayed(kind: type[Replayed], base: Path, comparisons: int, runs: int) -> tuple[Counter[int], int, list[Line]]:
    """All replayed audits of one system."""
    system = kind(Record.open(base))
    codes, judged = unchanged(system, comparisons, seed=1)
    print(kind.name, dict(codes), flush=True)
    lines = []
    for size in system.sizes:
        lines += powers(system, size, runs, seed=2)
        print(*(line.text for line in lines[-2:]), sep="\n", flush=True)
    return codes, judged, lines


def main() -> None:
    """Audit, replay, compare and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("systems", nargs="*", default=[each.name for each in SYSTEMS])
    parser.add_argument("--runs", type=int, default=60, help="audits for each planted size")
    parser.add_argument("--unchanged", type=int, default=UNCHANGED, help="unchanged comparisons, over all systems")
    parser.add_argument("--records", type=Path, help="where the real audits are kept; a folder that goes by default")
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    start = time.monotonic()
    known = {each.name: each for each in SYSTEMS}
    reruns, lines, quiet = [], list[Line](), list[tuple[str, Counter[int], int]]()
    with tempfile.TemporaryDirectory() as place:
        folders = {name: (chosen.records or Path(place)).resolve() / name for name in chosen.systems}
        bases = {name: real(name, folder, 1, {}, None).folder for name, folder in folders.items()}
        parts = []
        for number, name in enumerate(chosen.systems):
            before, after = (chosen.unchanged * part // len(chosen.systems) for part in (number, number + 1))
            parts.append((known[name], bases[name], after - before, chosen.runs))
        with ProcessPoolExecutor() as pool:
            for codes, judged, found in pool.map(replayed, *zip(*parts, strict=True)):
                quiet.append((found[0].system, codes, judged))
                lines += found
        for name, folder in folders.items():
            reruns.append(rerun_row(name, real(name, folder, 2, known[name].second, bases[name])))
            print(reruns[-1], flush=True)
    text, kept = told(reruns, quiet, lines, chosen.runs)
    chosen.out.parent.mkdir(exist_ok=True)
    chosen.out.write_text(text + pages.noted(chosen.out), encoding="utf-8")
    print(f"{'held' if kept else 'BROKEN'}; {time.monotonic() - start:.0f} s")
    sys.exit(not kept)


def rerun_row(name: str, record: Record) -> str:
    """A real second audit: how its gate ended, and what moved."""
    limited = [each for each in record.findings if each.limit is not None]
    result = api.gate(record)
    moved = sum(sum(each.estimate.moved[:2]) for each in limited if each.estimate.moved is not None)
    of = sum(each.estimate.moved[2] for each in limited if each.estimate.moved is not None)
    largest = max((abs(each.estimate.value or 0.0) for each in limited), default=0.0)
    causes = "; ".join(cause.text for cause in result.causes)
    return f"| {name} | {result.code} | {len(limited)} | {moved:,} of {of:,} | {largest:.1e} | {causes} |"


def told(
    reruns: list[str], quiet: list[tuple[str, Counter[int], int]], lines: list[Line], runs: int
) -> tuple[str, bool]:
    """The results in words, and whether they are as they should be."""
    count = sum(codes.total() for _, codes, _ in quiet)
    blocked = sum(codes[1] for _, codes, _ in quiet)
    most = proportion_interval(blocked, count, level=0.90, method="clopper-pearson").high
    kept = blocked == 0 and all(line.kept(len(lines)) for line in lines) and not any("| 1 |" in row for row in reruns)
    planted = "\n".join(f"- {each.name}: {each.planted}; limit {_edge(each)}." for each in SYSTEMS)
    rows = "\n".join(
        f"| {name} | {judged} | {codes.total()} | {codes[1]} | {codes[4]} | {codes[3]} | {codes[0]} |"
        for name, codes, judged in quiet
    )
    text = f"""# Regressions that the gate finds, and changes that are none

{pages.header(f"python benchmarks/regressions.py --runs {runs}", "runs as each table says, seeded")}

Real: two audits a system, one on one thread and one on two, with all their suites but energy. Replayed: all others.
Their items are drawn anew each time ({Credit.rows:,} rows with replacement, {Moderation.clusters} of 28 seed texts,
{Assistant.scenarios} of 20 scenarios), their answers are those of the first real audit, changed by a known amount, and
both sides of each comparison are audits of their own: plan, controls, sealed record, baseline, judgement, gate.

## Real audits, repeated

Held against the first in mode merge.

| system | gate | judged | items that moved | largest change | causes |
| --- | --- | --- | --- | --- | --- |
{chr(10).join(reruns)}

## Unchanged systems

{count} comparisons in mode merge. By chance {100 * CHURN:g} % of decisions change in either direction; scores and
log-odds carry a noise of {NOISE:g} nats. False blocks: {blocked} of {count}; at most {100 * most:.1f} %
(Clopper-Pearson, one-sided 95 %).

| system | judged in each | comparisons | 1, broken | 4, error | 3, inconclusive | 0, nothing blocks |
| --- | --- | --- | --- | --- | --- | --- |
{rows}

## Planted regressions

{runs} audits a size. "Stated": the mean over the audits of the power that follows from the smallest effect that each
says it finds, at alpha .01 (merge) or .05 (release) over all hypotheses of its limits. A change that reaches just to
the limit may be blocked in a share alpha at most.

{planted}

| system | planted | mode | blocked (95 %) | stated |
| --- | --- | --- | --- | --- |
{chr(10).join(line.text for line in lines)}

No false block, and each size blocked as stated but for chance (1 % over all lines) and for {100 * OFF:g} points, since
the stated power takes errors for normal and their size for known: {"held" if kept else "BROKEN"}.
"""
    return text, kept


def _edge(system: type[Replayed]) -> str:
    ((direction, edge),) = system.limits[system.metric].items()
    return f"{system.metric}, {direction} {edge:g}"


if __name__ == "__main__":
    main()
