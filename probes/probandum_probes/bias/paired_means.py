"""Means of paired differences that may all be 0: a rare event that did not happen is no certainty."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from probandum.finding import Estimate
from probandum_probes.estimates import from_moments


def paired_moments(differences: Sequence[float], *, step: float) -> tuple[float, float, float]:
    """Mean, standard error and degrees of freedom of at least 2 differences, with one more change of ``step`` each way.

    As Bonett and Price (2012) do for pairs of yes and no, to whose variance this comes where ``step`` is 1 and all
    differences are -1, 0 or 1: with m = (sum d) / (n + 2), the variance is
    ``((sum d^2 + 2 step^2) / (n + 2) - m^2) / (n + 2)``. The mean stays the plain one. So differences
    of which none left 0 have an interval with a width.

    >>> value, error, df = paired_moments([0.0] * 98, step=1.0)
    >>> value, round(error, 6), df  # sqrt(2 / 100 / 100)
    (0.0, 0.014142, 97.0)
    """
    values = np.array(differences, dtype=np.float64)
    count = len(values) + 2
    spread = (float((values**2).sum()) + 2 * step**2) / count - (float(values.sum()) / count) ** 2
    return float(values.mean()), math.sqrt(spread / count), float(len(values) - 1)


def paired_mean(differences: Sequence[float], *, step: float, design: str, unit: str = "share", n: int) -> Estimate:
    """The mean of paired differences as an estimate; missing where there are fewer than two."""
    if len(differences) < 2:
        return Estimate.missing("fewer than two pairs have no interval", n=n, unit=unit)
    moments = paired_moments(differences, step=step)
    return from_moments("t", moments, n=n, n_effective=len(differences), unit=unit, design=design)
