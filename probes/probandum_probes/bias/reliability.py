"""What is shown of calibration and never judged: the debiased error, bin by bin, and the bin that misses the most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from probandum import stats
from probandum.evidence import Floats
from probandum.finding import Estimate, Groups
from probandum.probe import Measure
from probandum.subject import Bools, Codes
from probandum_probes.bias.counting import crossings
from probandum_probes.bias.scored import Scored
from probandum_probes.estimates import exactly, from_counts, from_draws, from_interval

#: The fewest rows of a group that allow a verdict, and of a group or a bin of which calibration is told.
SMALLEST = 100
#: Bins of the reliability data, alike for all groups, each with about as many of all rows.
SHOWN_BINS = 10
#: Resamples behind an interval of the calibration error, and labels drawn anew for what it is by chance.
_DRAWS, _MOST_DRAWN = 1000, 20_000_000


def calibration_error(found: Scored, where: Groups, inside: Bools, rng: np.random.Generator) -> Measure:
    """The debiased calibration error of a group, with its interval and what chance alone gives."""
    n = int(inside.sum())
    if n < SMALLEST:
        return absent("debiased-ece", where, few_rows(where.group, n), n=n)
    p, y = found.score[inside], found.positive[inside]
    binned = stats.reliability(p, y)
    draws = _squared_draws(binned, rng)
    by_chance = stats.calibration_null(p, rng=rng, draws=max(100, min(_DRAWS, _MOST_DRAWN // n)))
    design = f"rows resampled within {len(binned.n)} bins; predictions that come true give up to {by_chance:.3f}"
    return Measure(
        metric="debiased-ece",
        groups=where,
        estimate=from_draws("bootstrap", binned.debiased, draws, n=n, unit="share", design=design),
        mode="disclosure",
    )


def _squared_draws(binned: stats.Reliability, rng: np.random.Generator) -> tuple[float, ...]:
    """Sorted draws of the debiased error.

    Resampled bins scatter about the bins that were seen, whose own scatter is part of how far they miss: the draws
    are moved by that much, so that they lie about the debiased value.
    """
    shares = binned.events / binned.n
    events = rng.binomial(binned.n, shares, size=(_DRAWS, len(binned.n))) / binned.n
    weights = binned.n / binned.n.sum()
    squared = (weights * ((binned.predicted - events) ** 2 - events * (1 - events) / (binned.n - 1))).sum(axis=1)
    seen = float((weights * (binned.predicted - shares) ** 2).sum())
    moved = np.maximum(0.0, squared - seen + binned.squared)
    return tuple(np.sort(np.sqrt(moved)).tolist())


def shared_bins(score: Floats) -> Codes:
    """The bin of every row, 0 to 9 at most, of about equal mass over all rows; equal predictions share one."""
    edges = np.unique(np.quantile(score, np.arange(1, SHOWN_BINS) / SHOWN_BINS, method="inverted_cdf"))
    codes = np.searchsorted(edges, score, side="left")
    return np.unique(codes, return_inverse=True)[1]


def reliability_data(found: Scored, where: Groups, inside: Bools, bins: Codes) -> Iterator[Measure]:
    """What was predicted and what came true, bin by bin."""
    many = int(bins.max()) + 1
    for number in range(many):
        rows = inside & (bins == number)
        n = int(rows.sum())
        if n == 0:
            continue
        place = {"bin": f"{number + 1} of {many}"}
        p = found.score[rows]
        yield Measure(
            metric="predicted-rate",
            groups=where,
            facets=place,
            estimate=exactly(float(p.mean()), n=n, unit="share", design="of these rows"),
            mode="disclosure",
        )
        counts = ((int(found.positive[rows].sum()), n),)
        yield Measure(
            metric="observed-rate",
            groups=where,
            facets=place,
            estimate=from_counts("wilson", counts),
            mode="disclosure",
        )


def multicalibration(found: Scored, bins: Codes) -> Measure:
    """The group and bin in which predictions miss the most."""
    gaps = found.positive - found.score
    worst, name, many = None, "", 0
    for grouping in [*found.subject.groupings.values(), *crossings(found.subject, 2)]:
        cells = grouping.codes * (int(bins.max()) + 1) + bins
        sizes = np.bincount(cells)
        means = np.bincount(cells, weights=gaps) / np.maximum(sizes, 1)
        large = np.flatnonzero(sizes >= SMALLEST)
        many += len(large)
        for cell in large.tolist():
            if worst is None or abs(means[cell]) > abs(worst[0]):
                group, number = divmod(cell, int(bins.max()) + 1)
                worst = (float(means[cell]), cells == cell)
                name = f"{grouping.attribute}={grouping.names[group]}, bin {number + 1} of {int(bins.max()) + 1}"
    metric = "multicalibration-error"
    if worst is None:
        return absent(metric, None, f"no group has a bin of {SMALLEST} rows", n=len(gaps), unit="share")
    rows = worst[1]
    interval = stats.calibration_in_the_large(found.score[rows], found.positive[rows])
    design = f"{name}; picked from {many} as the furthest from 0, so that its interval is too narrow"
    told = from_interval(interval, n=int(rows.sum()), unit="share", design=design)
    return Measure(metric=metric, estimate=told, mode="indicator")


def few_rows(name: str, n: int) -> str:
    """That a group is too small to be told of."""
    return f"{name} has {n or 'no'} rows; calibration needs {SMALLEST}"


def absent(
    metric: str,
    where: Groups | None,
    why: str,
    *,
    n: int,
    unit: str = "share",
    facets: Mapping[str, str] | None = None,
) -> Measure:
    """What is shown as absent, with its reason."""
    missing = Estimate.missing(why, n=n, unit=unit)
    return Measure(metric=metric, groups=where, facets=facets or {}, estimate=missing, mode="disclosure")
