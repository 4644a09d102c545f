"""How often each interval of ``probandum.stats`` holds the truth: by simulation, and exactly for methods of counts.

    OMP_NUM_THREADS=1 python benchmarks/interval_coverage.py           # writes benchmarks/results/interval_coverage.md

Intervals of counts: every table that has a chance is given its interval once, which makes the coverage exact up to the
last digits; the simulation draws from the same tables and must agree with it. All others: fresh data a run.
"""

from __future__ import annotations

import argparse
import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pages
from numpy.random import Generator
from scipy import stats as scipy_stats

from probandum import stats
from probandum.stats.intervals import Interval

LEVEL = 0.95
COMMAND = "python benchmarks/interval_coverage.py"
RESULTS = Path(__file__).parent / "results" / "interval_coverage.md"
Shares = tuple[tuple[float, int], ...]


@dataclass(frozen=True)
class Coverage:
    """One line: what covered how often, beside what it should be."""

    method: str
    setting: str
    exact: float | None
    share: float
    runs: int
    width: float
    note: str = ""

    @property
    def error(self) -> float:
        """The simulation error of the share."""
        expected = LEVEL if self.exact is None else self.exact
        return math.sqrt(max(expected * (1 - expected), 1 / self.runs) / self.runs)

    @property
    def agrees(self) -> bool:
        """Within 3 simulation errors of the exact value, or of the level."""
        return abs(self.share - (LEVEL if self.exact is None else self.exact)) <= 3 * self.error

    def line(self) -> str:
        exact = "" if self.exact is None else f"{self.exact:.4f}"
        agrees = "yes" if self.agrees else "above" if self.share > LEVEL else "below"
        note = f" {self.note}" if self.note else ""
        return (
            f"| {self.method} | {self.setting} | {exact} | {self.share:.4f} ± {1.96 * self.error:.4f} "
            f"| {self.width:.3f} | {agrees}{note} |"
        )


def tables(shares: Shares) -> Iterator[tuple[tuple[tuple[int, int], ...], float]]:
    """All independent binomial counts with their probability, but those that never occur."""
    possible = [
        [((x, n), w) for x, w in enumerate(scipy_stats.binom.pmf(np.arange(n + 1), n, p)) if w > 1e-10]
        for p, n in shares
    ]
    for chosen in itertools.product(*possible):
        yield tuple(pair for pair, _ in chosen), math.prod(w for _, w in chosen)


def trinomial(n: int, better: float, worse: float) -> Iterator[tuple[tuple[tuple[int, int], ...], float]]:
    """All counts of pairs that got better and worse, with their probability."""
    law = scipy_stats.multinomial(n, [better, worse, 1 - better - worse])
    for x, z in itertools.product(range(n + 1), repeat=2):
        weight = law.pmf([x, z, n - x - z]) if x + z <= n else 0.0
        if weight > 1e-10:
            yield ((x, z), (n, n)), float(weight)


def of_counts(
    method: str, setting: str, truth: float, met: Iterator[tuple[Any, float]], runs: int, rng: Generator
) -> Coverage:
    """Exact coverage over all tables, and that of ``runs`` tables drawn from them."""
    weights, held, widths = [], [], []
    refused = 0.0
    for counts, weight in met:
        try:
            interval = stats.bounds(method, level=LEVEL, counts=counts)
        except ValueError:  # a ratio to nothing, or a cell too small for the method
            refused += weight
            continue
        weights.append(weight)
        held.append(interval.low <= truth <= interval.high)
        widths.append(min(interval.high, 99.0) - interval.low)
    law = np.array(weights) / sum(weights)
    drawn = np.array(held)[rng.choice(len(law), size=runs, p=law)]
    note = f"({refused:.1%} refused)" if refused > 5e-4 else ""
    return Coverage(method, setting, float(law @ held), float(drawn.mean()), runs, float(law @ widths), note)


def of_draws(
    method: str, setting: str, truth: float, draw: Callable[[], Interval], runs: int, note: str = ""
) -> Coverage:
    """Coverage over fresh data."""
    found = [draw() for _ in range(runs)]
    held = sum(each.low <= truth <= each.high for each in found)
    width = float(np.mean([each.high - each.low for each in found]))
    return Coverage(method, setting, None, held / runs, runs, width, note)


def shares(runs: int, rng: Generator) -> Iterator[Coverage]:
    """One share, two, and pairs."""
    for p, n in ((0.02, 100), (0.1, 30), (0.3, 100), (0.5, 500)):
        for method in ("wilson", "clopper-pearson"):
            yield of_counts(method, f"{p} of {n}", p, tables(((p, n),)), runs, rng)
    for (p1, n1), (p2, n2) in (
        ((0.3, 40), (0.3, 50)),
        ((0.1, 60), (0.04, 40)),
        ((0.6, 30), (0.2, 90)),
        ((0.5, 120), (0.4, 100)),
    ):
        setting = f"{p1} of {n1}, {p2} of {n2}"
        for method in ("newcombe", "miettinen-nurminen"):
            yield of_counts(method, setting, p1 - p2, tables(((p1, n1), (p2, n2))), runs, rng)
        for method in ("koopman", "katz") if min(p1 * n1, p2 * n2) > 30 else ("koopman",):
            yield of_counts(method, setting, p1 / p2, tables(((p1, n1), (p2, n2))), runs, rng)
    for n, better, worse in ((50, 0.1, 0.05), (80, 0.02, 0.02), (60, 0.3, 0.1)):
        yield of_counts(
            "tango", f"{better} better, {worse} worse of {n}", better - worse, trinomial(n, better, worse), runs, rng
        )


def strata(runs: int, rng: Generator) -> Iterator[Coverage]:
    """Common differences and ratios: few large strata, and many small ones."""
    for count, n1, n2 in ((4, 30, 50), (40, 3, 4)):
        base = np.linspace(0.15, 0.5, count)
        setting = f"{count} strata of {n1} and {n2}"

        def draw(shares: Any, base: Any = base, n1: int = n1, n2: int = n2) -> list[Any]:
            x1, x2 = rng.binomial(n1, shares), rng.binomial(n2, base)
            return [((int(a), n1), (int(b), n2)) for a, b in zip(x1, x2, strict=True)]

        apart, times, odds = base + 0.1, 1.3 * base, 2 * base / (1 + base)
        for method in ("stratified-miettinen-nurminen", "mantel-haenszel-difference"):
            yield of_draws(
                method,
                setting,
                0.1,
                lambda draw=draw, apart=apart, method=method: stats.stratified_difference_interval(  # type: ignore[misc]
                    draw(apart), method=method
                ),
                runs,
            )
        yield of_draws(
            "mantel-haenszel-ratio",
            setting,
            1.3,
            lambda draw=draw, times=times: stats.stratified_ratio_interval(draw(times)),  # type: ignore[misc]
            runs,
        )
        yield of_draws(
            "mantel-haenszel-odds",
            setting,
            2.0,
            lambda draw=draw, odds=odds: stats.odds_ratio_interval(draw(odds)),  # type: ignore[misc]
            runs,
        )


def means(runs: int, rng: Generator) -> Iterator[Coverage]:
    """Student, Welch, the logarithm, and two ways."""
    yield of_draws("t", "10 normal", 0.0, lambda: stats.mean_interval(rng.normal(size=10)), runs)
    skewed = math.exp(0.5)
    yield of_draws(
        "t",
        "40 log-normal",
        skewed,
        lambda: stats.mean_interval(rng.lognormal(size=40)),
        runs,
        "(skewed: known to fall short)",
    )
    yield of_draws("log-t", "10 log-normal", 1.0, lambda: stats.log_mean_interval(rng.lognormal(size=10)), runs)
    yield of_draws(
        "welch",
        "8 of sd 3, 20 of sd 1",
        0.0,
        lambda: stats.welch_interval(rng.normal(0, 3, 8), rng.normal(size=20)),
        runs,
    )

    def templates_by_names() -> Interval:
        common, slope = rng.normal(size=(12, 1)), rng.normal(0, 0.3, (12, 1))
        first, second = (
            common + side * slope / 2 + rng.normal(0, 0.2, (1, 6)) + rng.normal(0, 0.1, (12, 6)) for side in (1, -1)
        )
        return stats.two_way_interval(first, second)

    yield of_draws("two-way", "12 templates, 6 + 6 names", 0.0, templates_by_names, runs)


def areas(runs: int, rng: Generator) -> Iterator[Coverage]:
    """AUCs and their gaps."""

    def shifted(area: float) -> float:
        return math.sqrt(2) * float(scipy_stats.norm.ppf(area))

    for area, m, n in ((0.7, 15, 15), (0.7, 50, 100), (0.95, 30, 30), (0.95, 200, 200)):
        yield of_draws(
            "delong",
            f"AUC {area}, {m} and {n}",
            area,
            lambda area=area, m=m, n=n: stats.auc_interval(  # type: ignore[misc]
                rng.normal(shifted(area), 1, m), rng.normal(size=n)
            ),
            runs,
        )
    steps = np.arange(1, 6)
    up, down = np.array([1, 2, 3, 4, 5]) / 15, np.array([5, 4, 3, 2, 1]) / 15
    tied = float(sum(up[i] * (down[:i].sum() + down[i] / 2) for i in range(5)))
    yield of_draws(
        "delong",
        f"AUC {tied:.3f} of five tied scores, 40 and 60",
        tied,
        lambda: stats.auc_interval(rng.choice(steps, 40, p=up), rng.choice(steps, 60, p=down)),
        runs,
    )

    def apart() -> Interval:
        y, g = rng.random(300) < 0.4, rng.random(300) < 0.35
        score = rng.normal(size=300) + y
        return stats.auc_difference_interval(stats.area(score, y & g, ~y & g), stats.area(score, y & ~g, ~y & ~g))

    def paired() -> Interval:
        y = rng.random(120) < 0.4
        common = rng.normal(size=120) + y
        one, other = (common + rng.normal(0, 0.5, 120) for _ in range(2))
        return stats.auc_difference_interval(stats.area(one, y, ~y), stats.area(other, y, ~y))

    def nested() -> Interval:
        y, g = rng.random(300) < 0.4, rng.random(300) < 0.35
        score = rng.normal(size=300) + y
        return stats.auc_difference_interval(stats.area(score, y & g, ~y & g), stats.area(score, y, ~y))

    yield of_draws("delong-difference", "two groups of 300 rows", 0.0, apart, runs)
    yield of_draws("delong-difference", "two scores of 120 rows", 0.0, paired, runs)
    yield of_draws("delong-difference", "a third of 300 rows against all", 0.0, nested, runs)


def ratio(totals: Any) -> Any:
    """The mean over rows, of totals of rows and values."""
    return totals[:, 1] / totals[:, 0]


def clusters(runs: int, rng: Generator) -> Iterator[Coverage]:
    """CR2 and BCa over clusters of unequal size."""

    def rows(count: int) -> tuple[Any, Any]:
        codes = np.repeat(np.arange(count), rng.integers(1, 13, count))
        return codes, rng.normal(size=len(codes)) + rng.normal(size=count)[codes]

    def mean() -> Interval:
        codes, y = rows(10)
        return stats.cluster_mean_interval(y, codes)

    def nested() -> Interval:
        codes, y = rows(20)
        return stats.cluster_difference_interval(y, codes, codes < 8)

    def crossed() -> Interval:
        codes, y = rows(20)
        return stats.cluster_difference_interval(y, codes, rng.random(len(y)) < 0.4)

    yield of_draws("cr2", "mean, 10 clusters of 1 to 12", 0.0, mean, runs)
    yield of_draws("cr2", "difference, 8 and 12 clusters", 0.0, nested, runs)
    yield of_draws("cr2", "difference within 20 clusters", 0.0, crossed, runs)

    def bca(draw: Callable[[Any], Any], count: int) -> Callable[[], Interval]:
        def once() -> Interval:
            codes = np.repeat(np.arange(count), rng.integers(1, 6, count))
            y = draw(count)[codes] + rng.normal(0, 0.3, len(codes))
            sums = np.stack([np.bincount(codes), np.bincount(codes, weights=y)], axis=1)
            draws = stats.bca_draws(sums, ratio, rng=rng)
            return stats.bounds("bca", level=LEVEL, draws=draws, value=float(y.mean()))

        return once

    yield of_draws("bca", "mean, 40 clusters, normal", 0.0, bca(lambda k: rng.normal(size=k), 40), runs)
    yield of_draws(
        "bca",
        "mean, 100 clusters, exponential",
        1.0,
        bca(lambda k: rng.exponential(size=k), 100),
        runs,
    )


def counted(runs: int, rng: Generator) -> Iterator[Coverage]:
    """The bootstrap of counts, and calibration."""
    law = np.array([[0.28, 0.12, 0.06, 0.14], [0.22, 0.05, 0.05, 0.08]])  # TN, FP, FN, TP of two groups

    def gap(cells: Any) -> Any:
        rate = cells[..., 1] / (cells[..., 0] + cells[..., 1])
        return rate[..., 0] - rate[..., 1]

    def once() -> Interval:
        cells = rng.multinomial(600, law.ravel()).reshape(2, 4)
        draws = stats.multinomial_draws(cells, gap, rng=rng)
        return stats.percentile_interval(float(gap(cells)), draws)

    yield of_draws("bootstrap", "difference of false positive rates, 600 rows", float(gap(law)), once, runs)
    p = rng.beta(1, 4, 200)
    yield of_draws(
        "t",
        "calibration in the large, 200 rows at 20 %",
        0.0,
        lambda: stats.calibration_in_the_large(p, rng.random(200) < p),
        runs,
    )


PARTS: Sequence[tuple[str, Callable[[int, Generator], Iterator[Coverage]]]] = (
    ("Shares", shares),
    ("Strata", strata),
    ("Means", means),
    ("Areas under the curve", areas),
    ("Clusters", clusters),
    ("Counts resampled, and calibration", counted),
)


def main() -> None:
    """Simulate and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=4000)
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    start = time.process_time()
    text = f"""# Coverage of every interval

{pages.header(COMMAND, f"{chosen.runs:,} runs a line, seeded", packages=("numpy", "scipy"))}

± is 1.96 simulation errors. All intervals are 95 %. "Exact": the coverage over all tables there are, for methods of
counts. "Agrees": the simulation lies within 3 of its errors of that, or of 95 % where there is no exact value;
"above" is an interval wider than it need be, "below" one that is too narrow.
"""
    header = "| method | data | exact | simulated | mean width | agrees |\n| --- | --- | --- | --- | --- | --- |\n"
    every: list[Coverage] = []
    for seed, (title, part) in enumerate(PARTS):
        text += f"\n## {title}\n\n{header}"
        for found in part(chosen.runs, np.random.default_rng(seed)):
            every.append(found)
            text += found.line() + "\n"
            print(found.line(), flush=True)
    off = [found for found in every if not found.agrees]
    text += f"\n{len(every) - len(off)} of {len(every)} agree.\n"
    chosen.out.parent.mkdir(exist_ok=True)
    chosen.out.write_text(text + pages.noted(chosen.out), encoding="utf-8")
    print(f"{len(off)} of {len(every)} do not agree; {time.process_time() - start:.0f} CPU s")


if __name__ == "__main__":
    main()
