"""Two thousand resamples of five metrics over two sensitive features, against fairlearn's bootstrap of the same rows.

    OMP_NUM_THREADS=1 python benchmarks/resampling.py         # writes benchmarks/results/resampling.md

Ours counts rows once, as ``bias.group-rates`` does, and resamples the counts; fairlearn resamples rows. First both run
in full on few rows, where their intervals must agree up to the noise of their draws. Then both run on a million rows,
without resampling, whose values must be equal, and with it, of which fairlearn does a few resamples, and its time for
all of them is extrapolated. Seconds are of the CPU.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pages

from probandum import stats
from probandum.evidence import Table
from probandum.matching import make_groupings
from probandum.subject import Grouping, Outcomes
from probandum_probes.bias.counting import FALSE_POSITIVES, PRECISION, SELECTION, TRUE_POSITIVES, Rate, count

METRICS = ("accuracy", "selection", "tpr", "fpr", "precision")
ENDS = (0.025, 0.975)
#: How many times as fast as fairlearn's point values ours must be.
GOAL = 50
PACKAGES = ("numpy", "pandas", "scikit-learn", "fairlearn")
RESULTS = Path(__file__).parent / "results" / "resampling.md"

_CELL = np.arange(8)
_DETECTED, _POSITIVE = _CELL // 2 % 2 == 1, _CELL % 2 == 1
ACCURACY = Rate(name="accuracy", gap="", events=_DETECTED == _POSITIVE, trials=np.full(8, True), unit="rows")
RATES = (ACCURACY, SELECTION, TRUE_POSITIVES, FALSE_POSITIVES, PRECISION)


def rows(n: int, seed: int) -> dict[str, Any]:
    """People of five races and two sexes, an outcome, and a decision that is better at it for one of the sexes."""
    rng = np.random.default_rng(seed)
    y = rng.random(n) < 0.3
    sex = rng.choice(["f", "m"], n)
    return {
        "race": rng.choice(["A", "B", "C", "D", "E"], n, p=[0.4, 0.25, 0.15, 0.1, 0.1]),
        "sex": sex,
        "y": y,
        "p": rng.random(n) < np.where(y, 0.7, 0.15) + 0.05 * (sex == "m"),
    }


def grouped(data: dict[str, Any]) -> Grouping:
    """Race crossed with sex, from their text."""
    table = Table({name: data[name] for name in ("race", "sex")})
    made = make_groupings({"race": {}, "sex": {}}, table)
    return made["race"].cross(made["sex"])


def counted(grouping: Grouping, data: dict[str, Any]) -> Any:
    """Counts by group and cell; "selected" is what both libraries call the decision for the positive."""
    return count(grouping, Outcomes(favourable=data["p"], detected=data["p"], positive=data["y"]))


def metrics(cells: Any) -> Any:
    """The five metrics of tables of shape (..., groups, 8), as (..., groups, 5)."""
    return np.stack(
        [cells[..., rate.events & rate.trials].sum(-1) / cells[..., rate.trials].sum(-1) for rate in RATES], axis=-1
    )


def resampled(cells: Any, draws: int, seed: int) -> Any:
    """Percentile intervals, shape (2, groups, 5)."""
    tables = stats.resampled_tables(cells, rng=np.random.default_rng(seed), draws=draws)
    return np.quantile(metrics(tables), ENDS, axis=0)


def fairlearn_frame(data: dict[str, Any], resamples: int | None) -> Any:
    """fairlearn's MetricFrame with its own bootstrap."""
    import pandas as pd
    from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate
    from sklearn.metrics import accuracy_score, precision_score

    named = (accuracy_score, selection_rate, true_positive_rate, false_positive_rate, precision_score)
    bootstrap = {} if resamples is None else {"n_boot": resamples, "ci_quantiles": list(ENDS), "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return MetricFrame(
            metrics=dict(zip(METRICS, named, strict=True)),
            y_true=pd.Series(data["y"].astype(np.int8)),
            y_pred=pd.Series(data["p"].astype(np.int8)),
            sensitive_features=pd.DataFrame({"race": data["race"], "sex": data["sex"]}),
            **bootstrap,
        )


@contextmanager
def patched() -> Any:
    """fairlearn without its slowest line: ``np.stack`` over the single values of one column."""
    from fairlearn.metrics import _annotated_metric_function as module

    class Quick:
        def __getattr__(self, name: str) -> Any:
            return getattr(np, name)

        @staticmethod
        def stack(values: Any) -> Any:
            array = np.asarray(values)
            return np.stack(list(array)) if array.dtype == object else array

    theirs, module.np = module.np, Quick()
    try:
        yield
    finally:
        module.np = theirs


def seconds(work: Callable[[], Any], repeats: int = 1) -> tuple[Any, float]:
    """A result, and the least CPU seconds that it took."""
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        result = work()
        taken.append(time.process_time() - start)
    return result, min(taken)


def equality(n: int, resamples: int) -> tuple[str, float]:
    """Both bootstraps in full on the same rows: their ends compared in units of the noise of the draws."""
    data = rows(n, 1)
    cells = counted(grouped(data), data)
    frame, taken = seconds(lambda: fairlearn_frame(data, resamples))
    draws = 10 * resamples
    values = metrics(stats.resampled_tables(cells, rng=np.random.default_rng(2), draws=draws))
    theirs = np.array([end.to_numpy(dtype=float) for end in frame.by_group_ci])
    ours = np.quantile(values, ENDS, axis=0)
    widths = (ours[1] - ours[0]) / (theirs[1] - theirs[0])
    # Which share of our draws lies below their end: a uniform rank whose noise is known, without a density.
    below = ((values < theirs[:, None]).mean(1) + (values <= theirs[:, None]).mean(1)) / 2
    nominal = np.array(ENDS)[:, None, None]
    z = (below - nominal) / np.sqrt(nominal * (1 - nominal) * (1 / resamples + 1 / draws))
    point = np.abs(frame.by_group.to_numpy(dtype=float) - metrics(cells)).max()
    report = f"""{n:,} rows, 10 groups, 5 metrics: fairlearn {resamples:,} resamples in {taken:.0f} s, ours {draws:,}.

| what | value |
| --- | --- |
| largest difference of a point value | {point:.1e} |
| widths, ours over fairlearn's | median {np.median(widths):.3f}, {widths.min():.3f} to {widths.max():.3f} |
| ends in units of the noise of the draws, {z.size} ends | mean {z.mean():.2f}, spread {z.std():.2f} (1: only noise) |
| largest of them | {np.abs(z).max():.2f} |"""
    return report, float(np.abs(z).max())


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """CPU seconds on some rows: of values alone, ours, fairlearn's and fairlearn's patched, and of all resamples.

    ``apart``: the largest difference of a point value. ``each``: of one resample, fairlearn's and patched.
    """

    rows: int
    ours: float
    points: tuple[float, float]
    apart: float
    whole: float
    each: tuple[float, float]
    resamples: int

    @property
    def point_ratios(self) -> list[float]:
        """How many times as long fairlearn and fairlearn patched take for the values alone."""
        return [theirs / self.ours for theirs in self.points]

    @property
    def totals(self) -> list[float]:
        """What all resamples take in fairlearn and in fairlearn patched, extrapolated."""
        return [plain + each * self.resamples for plain, each in zip(self.points, self.each, strict=True)]

    def point_line(self) -> str:
        """A line of the table of values alone."""
        theirs = [f"{taken:.2f} | {ratio:,.0f}" for taken, ratio in zip(self.points, self.point_ratios, strict=True)]
        return f"| {self.rows:,} | {self.ours:.4f} | {' | '.join(theirs)} | {self.apart:.1e} |"

    def whole_line(self) -> str:
        """A line of the table of all resamples."""
        theirs = [
            f"{each:.2f} | {total / 3600:.2f} h | {total / self.whole:,.0f}"
            for each, total in zip(self.each, self.totals, strict=True)
        ]
        return f"| {self.rows:,} | {self.whole:.3f} | {' | '.join(theirs)} |"


def speed(n: int, resamples: int, some: int) -> Timed:
    """All of ours with and without resampling, and fairlearn and fairlearn patched without any and with a few."""
    data = rows(n, 3)
    values, ours = seconds(lambda: metrics(counted(grouped(data), data)), 5)
    _, whole = seconds(lambda: resampled(counted(grouped(data), data), resamples, 4), 5)
    points, each, apart = [], [], 0.0
    for context in (None, patched()):
        with context or warnings.catch_warnings():
            frame, plain = seconds(lambda: fairlearn_frame(data, None), 2)
            _, booted = seconds(lambda: fairlearn_frame(data, some))
        points.append(plain)
        each.append((booted - plain) / some)
        apart = max(apart, float(np.abs(frame.by_group.to_numpy(dtype=float) - values).max()))
    return Timed(
        rows=n,
        ours=ours,
        points=(points[0], points[1]),
        apart=apart,
        whole=whole,
        each=(each[0], each[1]),
        resamples=resamples,
    )


def size(n: int, draws: int) -> str:
    """Ten million rows whose groups are codes already: seconds and memory."""
    data = rows(n, 5)
    grouping = grouped(data)
    del data["race"], data["sex"]
    _, taken = seconds(lambda: resampled(counted(grouping, data), draws, 6), 3)
    tracemalloc.start()
    resampled(counted(grouping, data), draws, 6)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    memory = f"{peak / n:.1f} bytes a row beyond the data"
    return f"{n:,} rows with coded groups, {draws:,} resamples: {taken:.2f} s, {memory}."


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resamples", type=int, default=2000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    start = time.process_time()
    equal, worst = equality(4000, chosen.resamples)
    print(equal, flush=True)
    timed = []
    for n, some in ((chosen.rows // 10, 5), (chosen.rows, 2)):
        timed.append(speed(n, chosen.resamples, some))
        print(timed[-1].point_line(), timed[-1].whole_line(), sep="\n", flush=True)
    large = size(10 * chosen.rows, chosen.resamples // 2)
    newline, last = "\n", timed[-1]
    plain, quick = (min(each.point_ratios[place] for each in timed) for place in (0, 1))
    apart, reached = max(each.apart for each in timed), "yes" if plain >= GOAL else "NO"
    ratio = last.totals[0] / last.whole
    text = f"""# Resampling counts against resampling rows

{pages.header("python benchmarks/resampling.py", "each time taken once", packages=PACKAGES)}

CPU seconds of one thread, {chosen.resamples:,} resamples, two sensitive features with 10 groups, accuracy, selection
rate, true and false positive rate, precision.

## The same intervals

{equal}

## Values alone

Ours: groups from their text, counts, all rates by group. fairlearn: a `MetricFrame` and its `by_group`, without
resampling. "Patched": without its `np.stack` over the single values of a column, which gives the same values.

| rows | ours, s | fairlearn, s | ratio | patched, s | ratio | largest difference of a value |
| --- | --- | --- | --- | --- | --- | --- |
{newline.join(each.point_line() for each in timed)}

Equal values: {"yes" if apart == 0 else "NO"}. At least {GOAL} times as fast: {reached}, {plain:,.0f}
times; as fairlearn patched, {quick:,.0f} times.

## Time of all resamples

Ours: groups from their text, counts, all resamples and all intervals. fairlearn: one resample measured, all of them
extrapolated from it.

| rows | ours, s | fairlearn, s a resample | all | ratio | patched, s a resample | all | ratio |
| --- | --- | --- | --- | --- | --- | --- | --- |
{newline.join(each.whole_line() for each in timed)}

{large}

Ends within the noise of the draws (largest below 4): {"yes" if worst < 4 else "NO"}. At {chosen.rows:,} rows fairlearn
takes {ratio:,.0f} times as long.
"""
    chosen.out.parent.mkdir(exist_ok=True)
    chosen.out.write_text(text + pages.noted(chosen.out), encoding="utf-8")
    print(f"{large}\nratio {ratio:,.0f}; {time.process_time() - start:.0f} CPU s")


if __name__ == "__main__":
    main()
