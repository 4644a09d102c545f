"""What is shown of calibration and never judged: the debiased error, bin by bin, and the bin that misses the most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from probandum import stats
from probandum.evidence import Floats
from probandum.finding import Estimate, Groups
from probandum.probe import Measure
from probandum.subject import Bools, Codes
from probandum_probes.bias.counting import crossings
from probandum_probes.bias.in_the_large import SMALLEST, in_the_large
from probandum_probes.bias.scored import Scored
from probandum_probes.bias.weighted import Shares, persons_of
from probandum_probes.bias.worth import ROUNDING, few
from probandum_probes.estimates import from_counts, from_draws, point

#: Bins of the reliability data, alike for all groups, each with about as many of all rows.
SHOWN_BINS = 10
#: Resamples behind an interval of the calibration error, and labels drawn anew for what it is by chance.
_DRAWS, _MOST_DRAWN = 1000, 20_000_000


def calibration_error(found: Scored, where: Groups, inside: Bools, rng: np.random.Generator) -> Measure:
    """The debiased calibration error of a group, with its interval and what chance alone gives."""
    n = persons_of(found.subject, inside)
    if found.subject.design:
        why = (
            "the calibration error is debiased, and told from chance, as that of independent rows of equal weight; "
            "calibration-in-the-large and observed-rate honour what the plan declares"
        )
        return absent("debiased-ece", where, why, n=n)
    if (small := few(found.subject, where.group, inside, SMALLEST, needs="calibration needs")) is not None:
        return absent("debiased-ece", where, small, n=n)
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
    """What was predicted and what came true, bin by bin; where the plan declares them, by weights and over persons."""
    many, subject = int(bins.max()) + 1, found.subject
    rates = Shares.of(found.positive, subject, bins, inside) if subject.design else None
    who = "rows" if rates is None else "persons"
    for number in range(many):
        rows = inside & (bins == number) & (subject.weights > 0)
        n = persons_of(subject, rows)
        if n == 0:
            continue
        place = {"bin": f"{number + 1} of {many}"}
        predicted = float(np.average(found.score[rows], weights=subject.weights[rows]))
        yield Measure(
            metric="predicted-rate",
            groups=where,
            facets=place,
            estimate=point(predicted, n=n, unit="share", design=f"of these {who}"),
            mode="disclosure",
        )
        counts = ((int(found.positive[rows].sum()), n),)
        yield Measure(
            metric="observed-rate",
            groups=where,
            facets=place,
            estimate=from_counts("wilson", counts) if rates is None else rates.share(number),
            mode="disclosure",
        )


def multicalibration(found: Scored, bins: Codes) -> Measure:
    """The group and bin in which predictions miss the most."""
    subject = found.subject
    worst, name, many = None, "", 0
    for grouping in [*subject.groupings.values(), *crossings(subject, 2)]:
        cells = grouping.codes * (int(bins.max()) + 1) + bins
        effective, means = _by_cell(found, cells)
        large = np.flatnonzero(effective >= SMALLEST - ROUNDING)
        many += len(large)
        for cell in large.tolist():
            if worst is None or abs(means[cell]) > abs(worst[0]):
                group, number = divmod(cell, int(bins.max()) + 1)
                worst = (float(means[cell]), cells == cell)
                name = f"{grouping.attribute}={grouping.names[group]}, bin {number + 1} of {int(bins.max()) + 1}"
    metric = "multicalibration-error"
    if worst is None:
        who = "persons" if subject.design else "rows"
        return absent(metric, None, f"no group has a bin of {SMALLEST} {who}", n=len(bins), unit="share")
    told = in_the_large(found, worst[1])[0]
    design = f"{name}; picked from {many} as the furthest from 0, so that its interval is too narrow"
    more = f"{design}; {told.design}" if told.design else design
    return Measure(metric=metric, estimate=replace(told, design=more), mode="indicator")


def _by_cell(found: Scored, cells: Codes) -> tuple[Floats, Floats]:
    """What each cell is worth, in rows or in persons of equal weight, and how far its predictions miss on average."""
    gaps, subject = found.positive - found.score, found.subject
    if not subject.design:
        sizes = np.bincount(cells)
        return sizes.astype(np.float64), np.bincount(cells, weights=gaps) / np.maximum(sizes, 1)
    sums = stats.ClusterSums.of(gaps, subject.weights, subject.persons, cells)
    parts = (sums.weights, sums.weights**2, sums.weighted)
    totals, squares, missed = (np.bincount(sums.groups, weights=part) for part in parts)
    some = totals > 0
    effective, means = np.zeros(len(totals)), np.zeros(len(totals))
    effective[some], means[some] = totals[some] ** 2 / squares[some], missed[some] / totals[some]
    return effective, means


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
