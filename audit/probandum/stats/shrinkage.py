"""Rates of many small groups: shrunk towards their common rate for display, and how far the raw ones differ.

Shrinkage ranks and draws; it never judges, because it hides small groups that are harmed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from probandum.stats.checking import refuse_count, refuse_share, refuse_trials

#: The least intraclass correlation: groups that look all alike are shrunk nearly, and never quite, to one rate.
LEAST_CORRELATION = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Shrunk:
    """The posterior rates of groups under one beta prior with the mean ``common`` and the weight ``weight`` rows.

    ``posteriors``: the two parameters of each group's beta distribution, in the order given.
    """

    common: float
    correlation: float
    weight: float
    posteriors: tuple[tuple[float, float], ...]

    @property
    def rates(self) -> tuple[float, ...]:
        """The posterior mean of each group."""
        return tuple(a / (a + b) for a, b in self.posteriors)

    def credible(self, *, level: float = 0.95) -> tuple[tuple[float, float], ...]:
        """The central interval of each posterior, with the prior taken for known: too narrow where groups are few."""
        from scipy.special import betaincinv

        refuse_share("level", level)
        tails = ((1 - level) / 2, (1 + level) / 2)
        return tuple((float(betaincinv(a, b, tails[0])), float(betaincinv(a, b, tails[1]))) for a, b in self.posteriors)


def shrunk_rates(events: Sequence[int], trials: Sequence[int]) -> Shrunk:
    """Beta-binomial empirical Bayes of at least 2 groups, ``events[i]`` of ``trials[i]``, moments by variance analysis.

    With m the pooled rate, N all trials of k groups, p_i = x_i / n_i::

        n0  = (N - sum n^2 / N) / (k - 1)
        MSB = sum n (p - m)^2 / (k - 1),   MSW = sum n p (1 - p) / (N - k)
        rho = (MSB - MSW) / (MSB + (n0 - 1) MSW), from 1e-6 to 1 - 1e-6
        M   = 1 / rho - 1;  posterior Beta(x + m M, n - x + (1 - m) M)

    Where the pooled rate is 0 or 1, half an event of one more trial is added to it, so that no group is certain.

    >>> found = shrunk_rates([1, 9], [10, 10])  # MSB = 3.2, MSW = 0.1, rho = 3.1 / 4.1
    >>> round(found.correlation, 4), [round(rate, 4) for rate in found.rates]
    (0.7561, [0.1125, 0.8875])
    """
    _refuse_groups(events, trials)
    x, n = np.asarray(events, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    k, total = len(x), float(n.sum())
    if total <= k:
        raise ValueError("every group has one trial; expected more than one somewhere, or nothing varies within groups")
    pooled, rates = float(x.sum()) / total, x / n
    mean_size = (total - float((n**2).sum()) / total) / (k - 1)
    between = float((n * (rates - pooled) ** 2).sum()) / (k - 1)
    within = float((n * rates * (1 - rates)).sum()) / (total - k)
    whole = between + (mean_size - 1) * within
    raw = (between - within) / whole if whole > 0 else 0.0
    correlation = min(max(raw, LEAST_CORRELATION), 1 - LEAST_CORRELATION)
    if pooled in (0.0, 1.0):
        pooled = (float(x.sum()) + 0.5) / (total + 1)
    weight = 1 / correlation - 1
    posteriors = zip((x + pooled * weight).tolist(), (n - x + (1 - pooled) * weight).tolist(), strict=True)
    return Shrunk(common=pooled, correlation=correlation, weight=weight, posteriors=tuple(posteriors))


def differential_fairness(events: Sequence[int], trials: Sequence[int]) -> float:
    """The epsilon of differential fairness (Foulds et al. 2020), from 0 upwards, neutral value 0, smoothed.

    The largest ``|log p_g - log p_h|`` over pairs of groups and over both outcomes, with
    ``p = (x + 1/2) / (n + 1)`` for the event and ``(n - x + 1/2) / (n + 1)`` for the other. A point value, biased
    upwards in small groups.

    >>> round(differential_fairness([4, 19], [9, 39]), 4)  # 4.5 / 10 and 19.5 / 40; 5.5 / 10 and 20.5 / 40
    0.08
    """
    _refuse_groups(events, trials)
    widest = 0.0
    for counted in (events, [n - x for x, n in zip(events, trials, strict=True)]):
        logs = [math.log((x + 0.5) / (n + 1)) for x, n in zip(counted, trials, strict=True)]
        widest = max(widest, max(logs) - min(logs))
    return widest


def _refuse_groups(events: Sequence[int], trials: Sequence[int]) -> None:
    if len(events) != len(trials) or len(events) < 2:
        raise ValueError(
            f"events and trials have {len(events)} and {len(trials)} groups; expected the same, at least 2"
        )
    for index, (x, n) in enumerate(zip(events, trials, strict=True)):
        refuse_trials(f"trials[{index}]", n)
        refuse_count(f"events[{index}]", x, n, f"trials[{index}]")
