"""Accumulated local effects of numbers and partial dependence: what f does along one feature.

Both say the same where a feature stands alone. Where features go together partial dependence asks about rows that do
not occur, and local effects, which move a row within its own bin only, do not (Apley and Zhu 2020).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from probandum import stats
from probandum.evidence import Column, Floats
from probandum.stats.means import Student, satterthwaite
from probandum.subject import Codes, as_text

#: Values of a text of which the dependence is shown: the most frequent ones.
MOST_VALUES = 8
#: Rows that lie at or beyond what is shown of a column at least, so that no edge tells a single person's value.
BEYOND = 10


class Bins(NamedTuple):
    """Bins of a column with about as many rows each: ``edges``, shape (bins + 1,), each a value that occurs.

    ``of``: the bin of each row, shape (rows,), which holds its upper edge; -1 for a gap, and beyond the edges.
    """

    edges: Floats
    of: Codes


class Curve(NamedTuple):
    """An effect at each edge, centred so that its mean over all rows is 0, and from the first edge to the last."""

    at_edges: list[stats.Interval]
    rise: stats.Interval


def few(rows: int) -> int:
    """How many rows an edge or a value stands for at least: ten, of under a hundred rows a tenth.

    >>> few(300), few(40), few(4)
    (10, 4, 1)
    """
    return max(1, min(BEYOND, rows // BEYOND))


def bins_of(column: Floats, count: int) -> Bins | None:
    """Quantile bins between the tenth lowest and the tenth highest row; None where these have the same value.

    >>> found = bins_of(np.array([1.0, 2.0, 3.0, 4.0]), 2)
    >>> found.edges.tolist(), found.of.tolist()
    ([1.0, 2.0, 4.0], [0, 0, 1, 1])
    """
    ordered = np.sort(column[np.isfinite(column)])
    if len(ordered) == 0:
        return None
    low, high = ordered[few(len(ordered)) - 1], ordered[-few(len(ordered))]
    inner = ordered[(ordered >= low) & (ordered <= high)]
    if len(inner) == 0 or low == high:
        return None
    edges = np.unique(np.quantile(inner, np.linspace(0.0, 1.0, count + 1), method="inverted_cdf"))
    inside = (column >= low) & (column <= high)
    place = np.searchsorted(edges, np.where(inside, column, low), side="left")
    return Bins(edges, np.where(inside, np.maximum(place - 1, 0), -1))


def ends(bins: Bins, column: Floats) -> Floats:
    """Of each row the two edges of its bin, shape (rows, 2); what lies in none stays as it is."""
    inside = bins.of >= 0
    low, high = (np.where(inside, bins.edges[np.maximum(bins.of, 0) + side], column) for side in (0, 1))
    return np.column_stack([low, high])


def accumulated(bins: Bins, steps: Floats) -> Curve:
    """The first-order effect of Apley and Zhu (2020) from what f does across each row's own bin, shape (rows,).

    Steps are averaged within bins and added up; intervals are Welch's of independent rows, with the bins as given.

    >>> bins = bins_of(np.array([0.0, 1.0, 1.0, 2.0, 2.0]), 2)
    >>> [round(each.value, 9) for each in accumulated(bins, np.full(5, 3.0)).at_edges]  # f = 3 x
    [-2.7, 0.3, 3.3]
    """
    inside, width = bins.of[bins.of >= 0], len(bins.edges) - 1
    values = steps[bins.of >= 0]
    counts = np.bincount(inside, minlength=width)
    means = np.bincount(inside, weights=values, minlength=width) / counts
    squares = np.bincount(inside, weights=(values - means[inside]) ** 2, minlength=width)
    errors = squares / np.maximum(counts - 1, 1) / counts
    shares = counts / counts.sum()
    above = shares.sum() - np.cumsum(shares) + shares / 2  # how far a bin's step lies below the mean row
    reached = np.tril(np.ones((width + 1, width)), -1) - above
    return Curve(
        [_summed(factors, means, errors, counts) for factors in reached],
        _summed(np.ones(width), means, errors, counts),
    )


def _summed(factors: Floats, means: Floats, errors: Floats, counts: Codes) -> stats.Interval:
    """A sum of means times factors; bins of one row show no variance and lend none."""
    parts = [
        (float(factor**2 * error), float(count - 1))
        for factor, error, count in zip(factors, errors, counts, strict=True)
        if count > 1
    ] or [(0.0, 1.0)]
    error = math.sqrt(sum(variance for variance, _ in parts))
    student = Student(mean=float(factors @ means), standard_error=error, df=satterthwaite(*parts))
    return student.interval(level=0.95, method="t")


def levels(column: Column) -> list[str]:
    """The most frequent values of a text, the most frequent first; those of a few rows are left out.

    >>> levels(np.array(["a", "b", "b"])), levels(np.array(["a"] + ["b"] * 99))
    (['b', 'a'], ['b'])
    """
    values, counts = np.unique(as_text(column), return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST_VALUES]
    return [str(values[place]) for place in order if counts[place] >= few(len(column))]


def named(edges: Floats) -> list[str]:
    """Edges in few digits, in all of them where few would make two alike.

    >>> named(np.array([1.0, 2.5])), named(np.array([0.1234567, 0.1234568]))
    (['1', '2.5'], ['0.1234567', '0.1234568'])
    """
    short = [f"{edge:.6g}" for edge in edges.tolist()]
    return short if len(set(short)) == len(short) else [str(each) for each in as_text(edges).tolist()]
