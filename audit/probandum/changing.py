"""The change of a quantity between two audits: the same functional, applied to the differences of paired items.

An item that both audits asked about is its own control, so most of what makes items differ cancels. Which interval
follows from how the items were sampled: in clusters, as templates crossed with names, as pairs of 0 and 1. Means and
contrasts are linear, so that their change is that of the differences; a ratio of means is taken to first order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from probandum import sampling, stats
from probandum.evidence import Floats, Items
from probandum.finding import Estimate

#: The share of the baseline's items that must recur: a comparison over fewer would be one of another benchmark.
RECURRING = 0.95
#: Fewer clusters get a caution: Student's t then rests on few degrees of freedom.
FEWEST_CLUSTERS = 20


class NotComparable(ValueError):
    """The two audits hold nothing that could be compared item by item; the message says why."""


def change_of_items(base: Items, new: Items, *, design: str | None, unit: str, sampled: bool = False) -> Estimate:
    """New less base over the items that both hold; NotComparable where too few recur.

    ``design`` is that of the quantity itself, whose clusters are named there. ``unit``: the quantity's. ``sampled``:
    one of the audits asked a declared sample of what the other did.
    """
    if new.form != base.form:
        raise NotComparable(f"its items make up a {new.form}, and those of the baseline a {base.form}")
    if new.form == "windows":
        return _of_windows(base, new)
    first, second, told = _paired(base, new, sampled)
    before, after = np.array(base.values)[first], np.array(new.values)[second]
    shared = replace(
        new,
        keys=tuple(new.keys[place] for place in second),
        strata=tuple(new.strata[place] for place in second),
        values=tuple((after - before).tolist()),
        clusters=_picked(new.clusters, second),
        crossed=_picked(new.crossed, second),
        sides=_picked(new.sides, second),
        weights=_picked(new.weights, second),
        contents=_picked(new.contents, second),
    )
    towards = np.array(shared.sides or 1)
    moved = _moved_of(np.sign(after - before) * towards)
    if new.form == "share":
        return of_shares(moved, unit, told)
    if new.form == "largest":
        value = float(after.max() - before.max())
        return Estimate(
            value=value, low=value, high=value, n=len(after), unit=unit, method="exact", moved=moved, design=told
        )
    if new.form == "two-way":
        return _two_way(shared, moved, _words(design, told), unit)
    if new.form == "ratio":
        gaps = _influence(after, np.array(new.weights)[second]) - _influence(before, np.array(base.weights)[first])
        return _mean(gaps, (), moved, told, unit)
    return _mean(after - before, shared.clusters, moved, _words(design, told), unit)


def value_of(items: Items) -> float | None:
    """What items make up by their form, which their quantity must be; None where they are too few for an interval."""
    values = np.array(items.values)
    if items.form == "windows":
        return float(np.exp(np.log(values).mean()))
    if items.form == "largest":
        return float(values.max())
    if items.form == "ratio":
        return float(values.mean() / np.mean(items.weights))
    if items.form == "two-way":
        return _two_way(items, (0, 0, 0), "", items.unit).value
    return _mean(values, items.clusters, (0, 0, 0), "", items.unit).value


def _paired(base: Items, new: Items, sampled: bool) -> tuple[list[int], list[int], str]:
    """The places of the items that both hold, in the order of ``new``, and how many they are in words."""
    known = {name: place for place, name in enumerate(_names_of(base))}
    names = _names_of(new)
    if len(known) < len(base.keys) or len(set(names)) < len(names):
        raise NotComparable("its items have no keys of their own")
    pairs = [(known[name], place) for place, name in enumerate(names) if name in known]
    told = recurring(len(pairs), len(known), len(names), "items", sampled=sampled)
    return [first for first, _ in pairs], [second for _, second in pairs], told


def _names_of(items: Items) -> list[tuple[str, str]]:
    """What an item is: its key, and its content where the key does not say it."""
    return list(zip(items.keys, items.contents or ("",) * len(items.keys), strict=True))


def recurring(shared: int, base: int, new: int, what: str, *, sampled: bool = False, hint: str = "") -> str:
    """How many recur; NotComparable where they are too few of the baseline's, or of the sample where one is declared.

    >>> recurring(98, 100, 99, "items")
    '98 items paired; 2 left out; 1 new'
    """
    known, whose = (min(base, new), "the smaller audit's") if sampled else (base, "the baseline's")
    if shared < RECURRING * known or shared == 0:
        raise NotComparable(
            f"{shared:,} of {whose} {known:,} {what} recur, under {RECURRING:.0%}{hint}".replace("%", " %")
        )
    extra = [f"{base - shared:,} left out" if base > shared else "", f"{new - shared:,} new" if new > shared else ""]
    return "; ".join([f"{shared:,} {what} paired", *filter(None, extra)])


def _of_windows(base: Items, new: Items) -> Estimate:
    """The relative change of independent repeats: Welch's t on logarithms."""
    if {*base.strata} != {*new.strata}:
        raise NotComparable(f"it was metered otherwise: {new.strata[0]}; the baseline: {base.strata[0]}")
    interval = stats.relative_change_interval(new.values, base.values)
    assert interval.standard_error is not None and interval.df is not None
    return Estimate(
        value=interval.value,
        low=interval.low,
        high=interval.high,
        n=len(new.values) + len(base.values),
        unit="relative",
        method=interval.method,
        design=f"{len(new.values)} windows and {len(base.values)} of the baseline, independent",
        moments=(float(np.log1p(interval.value)), interval.standard_error, interval.df),
    )


def of_shares(moved: tuple[int, int, int], unit: str, told: str) -> Estimate:
    """The change of a share of pairs: Tango's interval, and McNemar's exact test at 0."""
    up, down, n = moved
    counts = ((up, down), (n, n))
    interval = stats.bounds("mcnemar-tango", level=0.95, counts=counts)
    return Estimate(
        value=interval.value,
        low=interval.low,
        high=interval.high,
        n=n,
        unit=unit,
        method="mcnemar-tango",
        counts=counts,
        moved=moved,
        design=told,
    )


def _mean(gaps: Floats, clusters: Sequence[str], moved: tuple[int, int, int], design: str, unit: str) -> Estimate:
    """Student's t over the means of clusters; each item is one where there are none."""
    means = gaps
    if clusters:
        names, codes = np.unique(np.array(clusters), return_inverse=True)
        means = np.bincount(codes, weights=gaps, minlength=len(names)) / np.bincount(codes)
    if len(means) < 2:
        return Estimate.missing("one cluster alone has no interval", n=len(gaps), unit=unit)
    return _student(stats.mean_interval(means), len(gaps), len(means), moved, design, unit)


def _two_way(items: Items, moved: tuple[int, int, int], design: str, unit: str) -> Estimate:
    """The two-way interval over the grid of differences; cells that one of the audits lacks are filled in."""
    rows, row = np.unique(np.array(items.clusters), return_inverse=True)
    columns, column = np.unique(np.array(items.crossed), return_inverse=True)
    grid, valid = np.zeros((len(rows), len(columns))), np.zeros((len(rows), len(columns)), dtype=np.bool_)
    grid[row, column], valid[row, column] = items.values, True
    side = np.zeros(len(columns), dtype=np.int64)
    side[column] = items.sides
    taken, plus, minus = stats.kept(valid, np.flatnonzero(side > 0), np.flatnonzero(side < 0))
    if min(len(taken), len(plus), len(minus)) < 2:
        return Estimate.missing("fewer than two rows or columns recur", n=len(items.keys), unit=unit)
    parts = (stats.filled(grid[np.ix_(taken, part)], valid[np.ix_(taken, part)]) for part in (plus, minus))
    interval = stats.two_way_interval(*parts)
    return _student(interval, len(items.keys), len(taken), moved, design, unit)


def _student(
    interval: stats.Interval, n: int, clusters: int, moved: tuple[int, int, int], design: str, unit: str
) -> Estimate:
    assert interval.standard_error is not None and interval.df is not None
    if clusters < FEWEST_CLUSTERS and clusters < n:
        design += f"; caution: {clusters} clusters are few, the interval rests on {interval.df:.1f} degrees of freedom"
    return Estimate(
        value=interval.value,
        low=interval.low,
        high=interval.high,
        n=n,
        n_effective=interval.df + 1,
        unit=unit,
        method="t",
        design=design,
        moments=(interval.value, interval.standard_error, interval.df),
        moved=moved,
    )


def _influence(values: Floats, weights: Floats) -> Floats:
    """What each item adds to a ratio of means, to first order: their mean is the ratio."""
    ratio = float(values.mean() / weights.mean())
    return np.asarray(ratio + (values - ratio * weights) / weights.mean())


def _moved_of(steps: npt.NDArray[Any]) -> tuple[int, int, int]:
    """How many steps rise, how many fall, and how many there are."""
    return int((steps > 0).sum()), int((steps < 0).sum()), len(steps)


def _picked(values: tuple[Any, ...], places: Sequence[int]) -> tuple[Any, ...]:
    return tuple(values[place] for place in places) if values else ()


def _words(design: str | None, told: str) -> str:
    """The design of the quantity, which names what is sampled, and the pairs."""
    sampled = (design or "").partition(";")[0] if sampling.units(design) else ""
    return f"{sampled}; {told}" if sampled else told
