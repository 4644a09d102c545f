"""Strata of rows by factors: values of their own, bins with about as many rows each, or groups that a plan declares."""

from __future__ import annotations

import itertools

import numpy as np

from probandum.errors import DataError
from probandum.evidence import Column, Floats
from probandum.gaps import absent, numbers_in
from probandum.subject import UNKNOWN, Codes, Grouping, Subject, as_text

#: A text column of more values is no factor, and more strata than this leave nothing to compare in any of them.
MOST_VALUES = 50
MOST_STRATA = 1000

Coded = tuple[Codes, list[str]]


def strata_of(subject: Subject, factors: tuple[str, ...], bins: int, *, what: str) -> Grouping:
    """The strata in which somebody is, each named by its value of every factor.

    A factor is an attribute that the plan declares, with its groups, or else a column: of at most ``bins`` numbers, or
    of texts, every value stands for itself; of more numbers there are up to ``bins`` bins with about as many rows each,
    equal numbers together. Rows without a value are a stratum of their own. ``what`` begins the DataError about a
    factor that is none.
    """
    coded = [_factor(subject, name, bins, what) for name in factors]
    codes, names = coded[0]
    for more, added in coded[1:]:
        kept, codes = np.unique(codes * len(added) + more, return_inverse=True)
        names = [f"{names[place // len(added)]}, {added[place % len(added)]}" for place in kept.tolist()]
        if len(names) > MOST_STRATA:
            raise DataError(
                f"{what}: {', '.join(factors)} make more than {MOST_STRATA:,} strata",
                remedy="name fewer factors, or fewer bins",
            )
    return Grouping(attribute=", ".join(factors), codes=codes, names=tuple(names))


def _factor(subject: Subject, name: str, bins: int, what: str) -> Coded:
    if name in subject.groupings:
        declared = subject.groupings[name]
        return declared.codes, [f"{name} {group}" for group in declared.names]
    if name in subject.answers:
        raise DataError(f"{what}: {name} is what the system answered; within it nothing is left to compare")
    if name not in subject.table:
        raise DataError(
            f"{what}: no column {name!r} was read; found: {', '.join(subject.table)}",
            remedy="name a feature of the model, an attribute under groups:, or a column that the log reads",
        )
    column = subject.table[name]
    numbers = numbers_in(column)
    return _texts(name, column, what) if numbers is None else _with_gaps(name, numbers, bins)


def _numbers(name: str, values: Floats, bins: int) -> Coded:
    """Bins of numbers, each with its upper edge.

    >>> codes, names = _numbers("debt", np.array([0.0, 0.0, 0.0, 1.0, 5.0, 9.0]), 2)
    >>> codes.tolist(), names
    ([0, 0, 0, 1, 1, 1], ['debt up to 0', 'debt over 0'])
    """
    distinct = np.unique(values)
    if len(distinct) <= bins:
        return np.searchsorted(distinct, values), [f"{name} {value}" for value in as_text(distinct).tolist()]
    edges = np.quantile(values, np.arange(1, bins) / bins, method="inverted_cdf")
    edges = np.unique(np.where(edges == distinct[-1], distinct[-2], edges))
    shown = _shown(edges)
    between = [f"over {low} to {high}" for low, high in itertools.pairwise(shown)]
    names = [f"{name} {span}" for span in (f"up to {shown[0]}", *between, f"over {shown[-1]}")]
    return np.searchsorted(edges, values), names


def _shown(edges: Floats) -> list[str]:
    """Edges with as few digits as tell them apart, six at least."""
    for digits in range(6, 17):
        shown = [f"{edge:.{digits}g}" for edge in edges]
        if len(set(shown)) == len(edges):
            return shown
    return [repr(edge) for edge in edges.tolist()]


def _with_gaps(name: str, numbers: Floats, bins: int) -> Coded:
    """Numbers in bins, the gaps a stratum apart.

    >>> codes, names = _with_gaps("debt", np.array([1.0, np.nan, 2.0]), 2)
    >>> codes.tolist(), names
    ([0, 2, 1], ['debt 1', 'debt 2', 'debt (not stated)'])
    """
    gaps = absent(numbers)
    if not gaps.any():
        return _numbers(name, numbers, bins)
    codes = np.zeros(len(numbers), dtype=np.int64)
    codes[~gaps], names = _numbers(name, numbers[~gaps], bins)
    codes[gaps] = len(names)
    return codes, [*names, f"{name} {UNKNOWN}"]


def _texts(name: str, column: Column, what: str) -> Coded:
    """Every text for itself."""
    texts = np.where(absent(column), "", as_text(column))
    distinct = np.unique(texts)
    if len(distinct) > MOST_VALUES:
        raise DataError(
            f"{what}: {name} has {len(distinct):,} values; within each nothing is left to compare",
            remedy=f"coarsen it to at most {MOST_VALUES}",
        )
    return np.searchsorted(distinct, texts), [f"{name} {text or UNKNOWN}" for text in distinct.tolist()]
