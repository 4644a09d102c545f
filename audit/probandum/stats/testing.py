"""Tests: McNemar's exact test of paired outcomes, and equivalence by two one-sided tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from probandum.finding import Stream
from probandum.stats.basis import Counts, family_of
from probandum.stats.checking import refuse_count, refuse_number
from probandum.stats.paired import half_tail


def mcnemar(
    better: int, worse: int, *, alternative: Literal["worse", "better", "two-sided"], mid: bool = False
) -> float:
    """The exact p-value of McNemar's test (1947) that changed pairs go both ways equally often.

    Of the pairs that changed, ``better`` improved and ``worse`` deteriorated. ``alternative`` is what a small p
    speaks for: ``worse`` (P(Bin(better + worse, 1/2) >= worse)), ``better``, or ``two-sided`` (twice the smaller
    tail). ``mid`` counts half of the observed point: less conservative, for information. No changed pair: 1.

    >>> mcnemar(0, 4, alternative="worse"), mcnemar(0, 4, alternative="worse", mid=True)
    (0.0625, 0.03125)
    """
    refuse_count("better", better)
    refuse_count("worse", worse)
    if alternative == "worse":
        return half_tail(worse, better + worse, mid)
    if alternative == "better":
        return half_tail(better, better + worse, mid)
    if alternative == "two-sided":
        return min(1.0, 2 * half_tail(max(better, worse), better + worse, mid))
    raise ValueError(f"alternative is {alternative!r}; expected worse, better or two-sided")


def equivalence(
    method: str,
    margin: float,
    *,
    around: float = 0.0,
    counts: Counts | None = None,
    moments: tuple[float, float, float] | None = None,
    draws: Sequence[float] | None = None,
    stream: Stream | None = None,
    value: float | None = None,
) -> float:
    """The p-value that a quantity lies within ``margin`` of ``around`` (TOST, Schuirmann 1987).

    The larger of two one-sided p-values; below alpha exactly where the interval at level 1 - 2 alpha lies
    strictly inside the band. Not small never means different.

    >>> equivalence("newcombe", 0.05, counts=((500, 1000), (500, 1000))) < 0.05
    True
    >>> equivalence("newcombe", 0.05, counts=((50, 100), (50, 100))) < 0.05
    False
    """
    refuse_number("margin", margin)
    refuse_number("around", around)
    if margin <= 0:
        raise ValueError(f"margin is {margin}; expected more than 0")
    family = family_of(method, counts=counts, moments=moments, draws=draws, stream=stream, value=value)
    return max(family.p_above(around - margin), family.p_below(around + margin))
