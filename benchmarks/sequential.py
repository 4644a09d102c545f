"""What the sequential test does, by simulation: error rates at the limit, and the calls it takes elsewhere.

    OMP_NUM_THREADS=1 python benchmarks/sequential.py          # writes benchmarks/results/sequential.md

Runs are vectorised with the bets of ``probandum.stats.betting`` themselves. Every figure is seeded.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pages
from numpy.random import Generator

from probandum import stats
from probandum.finding import Stream, Verdict
from probandum.stats.betting import Betting, Past, gain

Side = Literal["above", "below"]
Draw = Callable[[Generator, int, int], Any]

LOG_20 = math.log(20)
RESULTS = Path(__file__).parent / "results" / "sequential.md"

#: True rate, exact fixed-n plan that knows it, mean calls and 90th percentile, as published for a limit of 5 %.
PUBLISHED = (
    (0.00, 59, 81, 81),
    (0.01, 153, 148, 262),
    (0.02, 311, 316, 607),
    (0.03, 832, 845, 1682),
    (0.08, 572, 562, 1130),
    (0.10, 233, 211, 422),
    (0.20, 38, 36, 70),
)


def capital(xs: Any, m: float, side: Side, *, binary: bool = True, population: int | None = None) -> Any:
    """The log capital after each outcome, shape (runs, n)."""
    return np.cumsum(gain(xs, Past.before_each(xs), m, side, binary=binary, population=population), axis=1)


def blocks(draw: Draw, runs: int, n: int, seed: int) -> Iterator[Any]:
    """``runs`` streams of ``n`` outcomes, as many at once as memory likes."""
    rng = np.random.default_rng(seed)
    size = max(1, 2_000_000 // n)
    for start in range(0, runs, size):
        yield draw(rng, min(size, runs - start), n)


def bernoulli(rate: float) -> Draw:
    """Independent 0/1 outcomes."""
    return lambda rng, runs, n: (rng.random((runs, n)) < rate).astype(float)


def orders(bad: int, population: int) -> Draw:
    """Random orders of a finite set with ``bad`` ones."""
    items = np.repeat([1.0, 0.0], [bad, population - bad])
    return lambda rng, runs, n: rng.permuted(np.tile(items, (runs, 1)), axis=1)[:, :n]


def ever(
    draw: Draw, m: float, side: Side, *, runs: int, n: int, seed: int, every: int = 1, at: float = 20, **how: Any
) -> float:
    """The share of runs whose capital was ever ``at`` or more at one of the looks."""
    found = [
        (capital(xs, m, side, **how)[:, every - 1 :: every] >= math.log(at)).any(axis=1)
        for xs in blocks(draw, runs, n, seed)
    ]
    return float(np.concatenate(found).mean())


def calls(draw: Draw, m: float, *, runs: int, n: int, seed: int, **how: Any) -> tuple[Any, float]:
    """The calls of each run until a verdict (n where there is none), and the share that passed."""
    taken, passed = [], 0
    for xs in blocks(draw, runs, n, seed):
        below, above = (capital(xs, m, side, **how) >= LOG_20 for side in ("below", "above"))
        decided = below | above
        first = decided.argmax(axis=1)
        some = decided.any(axis=1)
        taken.append(np.where(some, first + 1, n))
        passed += int((some & below[np.arange(len(xs)), first]).sum())
    return np.concatenate(taken), passed / runs


def percent(share: float, runs: int) -> str:
    """A share with its simulation error."""
    return f"{100 * share:.1f} ± {196 * math.sqrt(max(share * (1 - share), 1 / runs) / runs):.1f}"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def without_events() -> str:
    """Streams without an event: no simulation."""
    rows = []
    for tau, printed in (
        (0.01, "410 / 588"),
        (0.02, "204 / 293"),
        (0.05, "81 / 116"),
        (0.10, "40 / 57"),
        (0.20, "19 / 27"),
    ):
        found = []
        for alpha in (0.05, 0.01):
            test = stats.SequentialTest(tau, alpha_pass=alpha, n_max=1000)
            test.extend([0] * 1000)
            found.append(str(test.n))
        rows.append((tau, " / ".join(found), printed))
    ends = [
        (n, f"{stats.confidence_sequence([0] * n, alpha=0.05).high:.5f}", printed)
        for n, printed in ((50, ".0795"), (81, ".0495"), (100, ".040"), (200, ".020"), (500, ".008"))
    ]
    return (
        table(("limit", "calls to PASS, alpha .05 / .01", "published"), rows)
        + "\n\nUpper ends of the confidence sequence; the published ones are points of a grid of .0005.\n\n"
        + table(("calls", "upper end, alpha .05", "published"), ends)
    )


def at_the_limit(runs: int) -> str:
    """Ever-PASS and ever-FAIL where the truth is the limit."""
    rows = []
    for tau in (0.01, 0.05, 0.2, 0.5):
        for n, every in ((1000, 10), (1000, 1), (5000, 10)):
            some = runs if n == 1000 else runs // 4
            found = [
                percent(ever(bernoulli(tau), tau, side, runs=some, n=n, seed=1, every=every), some)
                for side in ("below", "above")
            ]
            rows.append((tau, n, every, *found, some))
    return table(("limit = rate", "calls", "look every", "ever PASS, %", "ever FAIL, %", "runs"), rows)


def calls_needed(runs: int) -> str:
    """Calls until a verdict at a limit of 5 %."""
    rows = []
    for rate, fixed, mean, most in PUBLISHED:
        taken, passed = calls(bernoulli(rate), 0.05, runs=runs, n=10_000, seed=2)
        right = passed if rate < 0.05 else 1 - passed
        ours = (f"{taken.mean():.0f} ± {1.96 * taken.std() / math.sqrt(runs):.0f}", mean)
        rows.append((rate, fixed, *ours, f"{np.quantile(taken, 0.9):.0f}", most, f"{100 * right:.1f}"))
    head = ("true rate", "fixed n, if known", "mean calls", "published", "90th percentile", "published", "right, %")
    return table(head, rows)


def without_replacement(runs: int) -> str:
    """Finite sets: errors beside the edge, and what knowing their size saves."""
    rows = []
    for bad, wrong in ((50, "above"), (51, "below")):
        side: Side = "above" if wrong == "above" else "below"
        share = ever(orders(bad, 1000), 0.05, side, runs=runs, n=1000, seed=3, population=1000)
        looks = ever(orders(bad, 1000), 0.05, side, runs=runs, n=1000, seed=3, population=1000, every=10)
        name = "FAIL" if wrong == "above" else "PASS"
        rows.append((bad, name, percent(share, runs), percent(looks, runs)))
    saved = []
    for bad in (0, 20, 30, 80, 100):
        finite, _ = calls(orders(bad, 1000), 0.05, runs=2000, n=1000, seed=4, population=1000)
        endless, _ = calls(bernoulli(bad / 1000), 0.05, runs=2000, n=1000, seed=4)
        saved.append((bad, f"{finite.mean():.0f}", f"{endless.mean():.0f}"))
    return (
        table(("bad of 1000", "wrong verdict", "ever by betting, %", "looks every 10, %"), rows)
        + "\n\nAll other runs end right: a census is exact. Mean calls, with a cap of 1000:\n\n"
        + table(("bad of 1000", "without replacement", "with replacement"), saved)
    )


def bands(runs: int) -> str:
    """A band of 0.1 around 0.5: at its edge, in its middle, and outside."""
    rows = []
    for rate in (0.6, 0.4, 0.5, 0.65):
        passed, failed, taken = 0, 0, []
        for xs in blocks(bernoulli(rate), runs, 2000, 5):
            edge = {(m, side): capital(xs, m, side) for m in (0.4, 0.6) for side in ("below", "above")}
            good = (
                np.maximum.accumulate(
                    np.minimum(*(np.maximum.accumulate(edge[at], axis=1) for at in ((0.6, "below"), (0.4, "above")))),
                    axis=1,
                )
                >= LOG_20
            )
            bad = np.maximum(edge[0.6, "above"], edge[0.4, "below"]) >= math.log(40)
            passed += int((good.any(axis=1) & ~_before(bad, good)).sum())
            failed += int((bad.any(axis=1) & ~_before(good, bad)).sum())
            decided = good | bad
            taken.append(np.where(decided.any(axis=1), decided.argmax(axis=1) + 1, 2000))
        rows.append(
            (rate, percent(passed / runs, runs), percent(failed / runs, runs), f"{np.concatenate(taken).mean():.0f}")
        )
    return table(("true rate", "PASS, %", "FAIL, %", "mean calls of 2000"), rows)


def _before(first: Any, second: Any) -> Any:
    """In which runs ``first`` held earlier than ``second``."""
    never = first.shape[1] + 1
    times = [np.where(each.any(axis=1), each.argmax(axis=1), never) for each in (first, second)]
    return times[0] < times[1]


def other_outcomes(runs: int) -> str:
    """Values between 0 and 1, differences of pairs, means of clusters, and least shares, at their limits."""

    def skewed(rng: Generator, some: int, n: int) -> Any:
        return rng.beta(0.2, 1.8, size=(some, n))

    def pairs(rng: Generator, some: int, n: int) -> Any:
        return rng.choice([0.0, 0.5, 1.0], p=[0.1, 0.8, 0.1], size=(some, n))

    def clusters(rng: Generator, some: int, n: int) -> Any:
        sizes = rng.integers(1, 9, size=(some, n))
        rates = rng.beta(2.0 / sizes, 2.0 / sizes)  # small clusters vary most; their unweighted mean is 1/2
        return rng.binomial(sizes, rates) / sizes

    cases: tuple[tuple[str, Draw, float, bool], ...] = (
        ("Beta(0.2, 1.8) values", skewed, 0.1, False),
        ("pairs: 10 % better, 10 % worse, difference 0", pairs, 0.5, False),
        ("means of clusters of 1 to 8", clusters, 0.5, False),
        ("0/1 at 0.05, with the bets for values", bernoulli(0.05), 0.05, False),
        ("0/1 at least 0.95", bernoulli(0.95), 0.95, True),
    )
    rows = []
    for name, draw, m, binary in cases:
        found = [
            percent(ever(draw, m, side, runs=runs, n=1000, seed=6, every=10, binary=binary), runs)
            for side in ("below", "above")
        ]
        rows.append((name, m, *found))
    return table(("outcomes", "limit = mean", "ever below, %", "ever above, %"), rows)


def families(runs: int) -> str:
    """Twenty hypotheses at their limits: how often Holm rejects any, and what the larger threshold costs."""
    rows = []
    for k in (1, 5, 20):
        reached = [
            (capital(xs, 0.05, "above") >= math.log(20 * k)).any(axis=1)
            for xs in blocks(bernoulli(0.05), runs * k // 5, 1000, 7)
        ]
        false: Any = np.concatenate(reached).reshape(-1, k).any(axis=1)
        taken = []
        for xs in blocks(bernoulli(0.15), 2000, 1000, 8):
            decided = capital(xs, 0.05, "above") >= math.log(20 * k)
            taken.append(np.where(decided.any(axis=1), decided.argmax(axis=1) + 1, 1000))
        rows.append((k, percent(float(false.mean()), len(false)), f"{np.concatenate(taken).mean():.0f}"))
    return table(("hypotheses", "any false FAIL, %", "mean calls to FAIL a rate of 0.15 at 0.05"), rows)


def agreement(runs: int) -> str:
    """Whether refuted limits are all those beyond the bound, and whether interval and verdict ever disagree."""
    rng = np.random.default_rng(9)
    limits = np.linspace(0.004, 0.996, 249)
    holes = disagreements = 0
    for run in range(runs):
        rate, tau, binary = rng.beta(0.5, 0.5), float(rng.uniform(0.02, 0.98)), run % 2 == 0
        n = int(rng.integers(10, 500))
        xs = (rng.random(n) < rate).astype(float) if binary else rng.beta(3 * rate + 0.01, 3 * (1 - rate) + 0.01, n)
        family = Betting(stream=Stream(values=tuple(xs.tolist()), binary=binary))
        refuted = [family.p_below(float(m)) <= 0.05 for m in limits] if run < runs // 4 else [True]
        holes += refuted != sorted(refuted)
        test = stats.SequentialTest(tau, n_max=n, binary=binary)
        test.extend(xs.tolist())
        interval = stats.confidence_sequence(test.stream.values, alpha=0.05, binary=binary)
        said = {Verdict.PASS: interval.high < tau, Verdict.FAIL: interval.low > tau}
        disagreements += not said.get(test.verdict, interval.low <= tau <= interval.high)  # type: ignore[arg-type]
    return table(
        ("what", "times", "of random streams"),
        (
            ("a limit that is not refuted beyond one that is", holes, runs // 4),
            ("a verdict that its confidence sequence contradicts", disagreements, runs),
        ),
    )


def main() -> None:
    """Simulate and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    runs, start = chosen.runs, time.perf_counter()
    parts = (
        ("Without an event", "Exact.", without_events()),
        ("At the limit itself", "Both error rates are 5 % a side.", at_the_limit(runs)),
        ("Calls until a verdict", "Limit 5 %, cap 10,000, looks at every call.", calls_needed(runs // 2)),
        ("Without replacement", "Limit 5 % of 1000 items.", without_replacement(runs)),
        ("Band", "0.5 ± 0.1, looks at every call, FAIL at 2 / alpha.", bands(runs // 2)),
        ("Other outcomes", "1000 outcomes, looks every 10.", other_outcomes(runs)),
        ("Families", "Independent streams at a limit of 5 %, FAIL at K / alpha.", families(runs)),
        ("Interval and verdict", "0/1 and other values, any rate, any limit.", agreement(runs // 5)),
    )
    repeats = f"{runs:,} runs a figure unless said otherwise, seeded"
    said = pages.header("python benchmarks/sequential.py", repeats, packages=("numpy", "scipy"))
    text = f"# Sequential tests by betting\n\n{said}\n\n± is 1.96 simulation errors.\n"
    for title, note, body in parts:
        text += f"\n## {title}\n\n{note}\n\n{body}\n"
    chosen.out.parent.mkdir(exist_ok=True)
    chosen.out.write_text(text + pages.noted(chosen.out), encoding="utf-8")
    print(text)
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
