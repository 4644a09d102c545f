"""Means over rows and repeats, both of which are samples: seeds of an explainer, permutations of a column."""

from __future__ import annotations

import math

import numpy as np

from probandum.evidence import Floats
from probandum.stats import Interval
from probandum.stats.means import Student, satterthwaite
from probandum.stats.resampling import DRAWS, sorted_draws, weighted_sums


def crossed_draws(values: Floats, *, rng: np.random.Generator) -> list[tuple[float, ...]]:
    """Sorted bootstrap draws of the mean of each quantity over rows and repeats, both resampled.

    ``values``, shape (rows, quantities, repeats). All quantities are resampled alike, so that they can be compared.

    >>> drawn = crossed_draws(np.ones((3, 2, 4)), rng=np.random.default_rng(1))
    >>> len(drawn), round(drawn[0][0], 9), round(drawn[1][-1], 9)
    (2, 1.0, 1.0)
    """
    rows, quantities, repeats = values.shape
    sums = weighted_sums(values.reshape(rows, -1), rng=rng, draws=DRAWS) / rows
    chosen = rng.multinomial(repeats, np.full(repeats, 1.0 / repeats), size=DRAWS) / repeats
    means = np.einsum("bqr,br->bq", sums.reshape(DRAWS, quantities, repeats), chosen)
    return [sorted_draws(means[:, quantity], DRAWS) for quantity in range(quantities)]


def crossed_interval(values: Floats) -> Interval:
    """Student's interval of a mean over rows and repeats, shape (rows, repeats), two of each at least.

    Its variance is that of the means of rows and that of the means of repeats; what both share counts twice, so that it
    is not too narrow. Degrees of freedom after Satterthwaite.

    >>> found = crossed_interval(np.array([[1.0, 2.0], [3.0, 4.0]]))
    >>> found.value, round((found.standard_error or 0.0) ** 2, 9)  # 2 / 2 + 0.5 / 2
    (2.5, 1.25)
    """
    both = (values.mean(axis=1), values.mean(axis=0))
    parts = [(float(means.var(ddof=1)) / len(means), float(len(means) - 1)) for means in both]
    error = math.sqrt(sum(variance for variance, _ in parts))
    student = Student(mean=float(values.mean()), standard_error=error, df=satterthwaite(*parts))
    return student.interval(level=0.95, method="t")
