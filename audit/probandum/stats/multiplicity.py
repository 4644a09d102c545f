"""Adjusted p-values for families of hypotheses."""

from __future__ import annotations

from collections.abc import Sequence

from probandum.stats.checking import refuse_probabilities


def holm(p: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values (1979), in the order given: the family-wise error holds under any dependence.

    Each is ``(hypotheses not yet rejected) * p``, at most 1 and never below that of a smaller p.

    >>> holm([0.03, 0.01, 0.02])
    [0.04, 0.03, 0.04]
    """
    refuse_probabilities("p", p)
    adjusted = [0.0] * len(p)
    largest = 0.0
    for rank, index in enumerate(_ascending(p)):
        largest = max(largest, min(1.0, (len(p) - rank) * p[index]))
        adjusted[index] = largest
    return adjusted


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's adjusted p-values (1995), in the order given; for exploratory tables only.

    The false discovery rate holds under independence or positive dependence.

    >>> benjamini_hochberg([0.04, 0.01, 0.03])
    [0.04, 0.03, 0.04]
    """
    refuse_probabilities("p", p)
    adjusted = [0.0] * len(p)
    smallest = 1.0
    for rank, index in reversed(list(enumerate(_ascending(p), start=1))):
        smallest = min(smallest, p[index] * len(p) / rank)
        adjusted[index] = smallest
    return adjusted


def _ascending(p: Sequence[float]) -> list[int]:
    return sorted(range(len(p)), key=p.__getitem__)
