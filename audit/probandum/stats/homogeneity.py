"""Whether one odds ratio fits all strata: the tests of Breslow and Day, and of Woolf."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from probandum.stats.strata import MantelHaenszelOdds, Stratum
from probandum.stats.stratified import Strata, checked, flat, refuse_odds


@dataclass(frozen=True, slots=True, kw_only=True)
class Homogeneity:
    """A chi-squared test that the odds ratio is the same in all strata; ``p_value`` small means: it is not."""

    statistic: float
    df: int
    p_value: float


def breslow_day(strata: Strata, *, tarone: bool = True) -> Homogeneity:
    """Breslow and Day's test (1980) of equal odds ratios, with Tarone's correction (1985).

    ``sum((x1 - E)^2 / V)``, E the expected x1 under the common odds ratio, V its variance, less
    ``sum(x1 - E)^2 / sum V`` (Tarone). Strata without events, or with nothing else, say nothing and cost their
    degree of freedom. ValueError with fewer than two strata that do, or without a common odds ratio.

    >>> round(breslow_day([((10, 20), (5, 20)), ((20, 40), (10, 40))]).statistic, 9)
    0.0
    """
    informative = _informative(checked(flat(strata)))
    odds = MantelHaenszelOdds(tuple(refuse_odds(informative))).value
    statistic = gap = spread = 0.0
    for x1, n1, x2, n2 in informative:
        expected = _expected(odds, n1, n2, x1 + x2)
        cells = (expected, x1 + x2 - expected, n1 - expected, n2 - x1 - x2 + expected)
        variance = 1 / math.fsum(1 / cell for cell in cells)
        statistic += (x1 - expected) ** 2 / variance
        gap, spread = gap + x1 - expected, spread + variance
    if tarone:
        statistic -= gap * gap / spread
    return _homogeneity(statistic, len(informative) - 1)


def woolf(strata: Strata) -> Homogeneity:
    """Woolf's test (1955) of equal odds ratios: the weighted squares of log odds ratios around their mean.

    Weights are the inverse variances ``1 / (1/x1 + 1/(n1-x1) + 1/x2 + 1/(n2-x2))``. Where any cell is empty, a
    half is added to every cell (Haldane 1956).

    >>> round(woolf([((10, 20), (5, 20)), ((20, 40), (10, 40))]).statistic, 9)
    0.0
    """
    tables = [(x1, n1 - x1, x2, n2 - x2) for x1, n1, x2, n2 in _informative(checked(flat(strata)))]
    half = 0.5 if any(cell == 0 for table in tables for cell in table) else 0.0
    logs, weights = [], []
    for a, b, c, d in ([cell + half for cell in table] for table in tables):
        logs.append(math.log(a * d / (b * c)))
        weights.append(1 / (1 / a + 1 / b + 1 / c + 1 / d))
    mean = math.fsum(w * log for w, log in zip(weights, logs, strict=True)) / math.fsum(weights)
    statistic = math.fsum(w * (log - mean) ** 2 for w, log in zip(weights, logs, strict=True))
    return _homogeneity(statistic, len(tables) - 1)


def _informative(strata: Iterable[Stratum]) -> list[Stratum]:
    """The strata with an event and with something else."""
    kept = [(x1, n1, x2, n2) for x1, n1, x2, n2 in strata if 0 < x1 + x2 < n1 + n2]
    if len(kept) < 2:
        raise ValueError(f"{len(kept)} strata have events and others; a test of equality expects at least 2")
    return kept


def _expected(odds: float, n1: float, n2: float, events: float) -> float:
    """The events of the group at which the odds ratio of the stratum, with its margins, is ``odds``."""
    half = (n2 - events + odds * (events + n1)) / 2
    root = math.sqrt(max(0.0, half * half + (1 - odds) * odds * events * n1))
    # Two forms of one root, so that nothing is subtracted from its like.
    return odds * events * n1 / (half + root) if half >= 0 else (root - half) / (1 - odds)


def _homogeneity(statistic: float, df: int) -> Homogeneity:
    from scipy.special import chdtrc

    statistic = max(0.0, statistic)
    return Homogeneity(statistic=statistic, df=df, p_value=float(chdtrc(df, statistic)))
