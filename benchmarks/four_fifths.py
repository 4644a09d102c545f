"""What the four-fifths rule says of decisions made at known rates, by simulation, against flagging the plain ratio.

    OMP_NUM_THREADS=1 python benchmarks/four_fifths.py        # writes benchmarks/results/four_fifths.md

Every ordered pair of groups is judged by the impact ratio "at least 0.8": Koopman's interval, FAIL after Holm over
the pairs, PASS if every pair passes. ``probandum.judging`` does so with the first runs of each scenario; all runs
are then judged by the score statistic alone, vectorised, which must give the same verdicts.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pages

from probandum import stats
from probandum.finding import Estimate, Groups, Limit, Verdict, join
from probandum.judging import judge
from probandum.probe import ControlOutcome, Measure, ProbeResult

LIMIT = 0.8
ALPHA = 0.05
RESULTS = Path(__file__).parent / "results" / "four_fifths.md"
HELD = tuple(ControlOutcome(name=kind, kind=kind, held=True, detail="") for kind in ("positive", "negative"))


@dataclass(frozen=True)
class Scenario:
    """Groups of ``n`` with their true rates, and what was published: FAIL, PASS, and the plain flag."""

    name: str
    rates: Sequence[float]
    n: int
    published: tuple[float, float, float]

    @property
    def parity(self) -> bool:
        return len(set(self.rates)) == 1


SCENARIOS = (
    Scenario("parity .30, 2 groups of 100", [0.3] * 2, 100, (0.003, 0.000, 0.304)),
    Scenario("parity .30, 5 groups of 500", [0.3] * 5, 500, (0.000, 0.035, 0.144)),
    Scenario("parity .30, 5 groups of 2000", [0.3] * 5, 2000, (0.000, 0.975, 0.000)),
    Scenario("parity .50, 8 groups of 1000", [0.5] * 8, 1000, (0.000, 0.980, 0.000)),
    Scenario("ratio .8: .30 and .24, of 1000", [0.3, 0.24], 1000, (0.025, 0.050, 0.501)),
    Scenario("ratio .6: .30 and .18, of 515", [0.3, 0.18], 515, (0.714, 0.000, 0.995)),
)


def judged(events: Sequence[int], n: int) -> Verdict:
    """The verdict of an audit that measured these selections."""
    measures = []
    for group, reference in itertools.permutations(range(len(events)), 2):
        counts = ((events[group], n), (events[reference], n))
        interval = stats.bounds("koopman", level=0.95, counts=counts)
        measures.append(
            Measure(
                metric="impact-ratio",
                groups=Groups(attribute="group", group=str(group), reference=str(reference)),
                estimate=Estimate(
                    value=interval.value,
                    low=interval.low,
                    high=interval.high,
                    n=2 * n,
                    unit="ratio",
                    method="koopman",
                    counts=counts,
                ),
            )
        )
    result = ProbeResult(probe="rates", version=1, status="measured", measures=tuple(measures), controls=HELD)
    limit = Limit(metric="rates/impact-ratio", direction="at_least", threshold=LIMIT)
    return join(finding.verdict for finding in judge([result], [limit]))


def score(x1: Any, x2: Any, n: int) -> Any:
    """Koopman's statistic of "ratio = 0.8" for groups of one size; below 0 where the ratio is smaller."""
    half = (LIMIT * (n + x2) + x1 + n) / 2
    p2 = (x1 + x2) / (half + np.sqrt(np.maximum(0.0, half**2 - LIMIT * 2 * n * (x1 + x2))))
    p1 = LIMIT * p2
    variance = p1 * (1 - p1) / n + LIMIT**2 * p2 * (1 - p2) / n
    return (x1 - LIMIT * x2) / n / np.sqrt(variance)


def vectorised(events: Any, n: int) -> tuple[Any, Any, Any]:
    """Which runs FAIL, which PASS, and which the plain ratio flags; ``events`` has the shape (runs, groups)."""
    pairs = np.array(list(itertools.permutations(range(events.shape[1]), 2)))
    z = score(events[:, pairs[:, 0]], events[:, pairs[:, 1]], n)
    # Holm rejects something exactly where the smallest p-value times the number of pairs is below alpha.
    fail = (-z).max(axis=1) > stats.families.normal_quantile(ALPHA / len(pairs))
    passed = z.min(axis=1) >= stats.families.normal_quantile(ALPHA)
    return fail, passed & ~fail, events.min(axis=1) < LIMIT * events.max(axis=1)


def row(scenario: Scenario, runs: int, real: int, seed: int) -> tuple[str, bool]:
    """One line of the table, and whether the scenario keeps its promise."""
    rng = np.random.default_rng(seed)
    events = rng.binomial(scenario.n, scenario.rates, size=(runs, len(scenario.rates)))
    fail, passed, flagged = vectorised(events, scenario.n)
    differing = sum(
        judged(found, scenario.n) != (Verdict.FAIL if f else Verdict.PASS if p else Verdict.INCONCLUSIVE)
        for found, f, p in zip(events[:real].tolist(), fail, passed, strict=False)
    )
    cells = []
    for found, published in zip((fail, passed, flagged), scenario.published, strict=True):
        share = float(found.mean())
        error = 1.96 * np.sqrt(max(share * (1 - share), 1 / runs) / runs)
        cells.append(f"{share:.4f} ± {error:.4f} | {published:.3f}")
    kept = differing == 0 and not (scenario.parity and fail.mean() > 0.005)
    return f"| {scenario.name} | {' | '.join(cells)} | {real - differing} of {real} |", kept


def main() -> None:
    """Simulate and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--real", type=int, default=1000, help="runs that are judged by the audit's own judge as well")
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    start = time.process_time()
    lines, kept = [], True
    for seed, scenario in enumerate(SCENARIOS):
        line, held = row(scenario, chosen.runs, chosen.real, seed)
        lines.append(line)
        kept = kept and held
        print(line, flush=True)
    promise = "held" if kept else "BROKEN"
    text = f"""# The four-fifths rule with evidence

{pages.header("python benchmarks/four_fifths.py", f"{chosen.runs:,} runs a scenario, seeded", packages=("numpy",))}

± is 1.96 simulation errors. Every ordered pair of groups: impact ratio at least {LIMIT}, Koopman's interval, alpha
{ALPHA}, Holm over the pairs for FAIL, every pair for PASS. "Plain flag": the smallest rate is below four fifths of
the largest. "Same verdict": runs that `probandum.judging` judged as well, and how many of these agree.

| scenario | FAIL | published | PASS | published | plain flag | published | same verdict |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""
    text += "\n".join(lines)
    text += f"\n\nFalse FAIL under exact parity at most 0.5 %, and every verdict the same: {promise}.\n"
    chosen.out.parent.mkdir(exist_ok=True)
    chosen.out.write_text(text + pages.noted(chosen.out), encoding="utf-8")
    print(f"{promise}; {time.process_time() - start:.0f} CPU s")


if __name__ == "__main__":
    main()
