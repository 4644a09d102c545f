"""Means over rows and repeats, both of which are samples: parts of a background, permutations of a column."""

from __future__ import annotations

import math

from probandum.evidence import Floats
from probandum.stats import Interval
from probandum.stats.means import Student, satterthwaite


def crossed_interval(values: Floats) -> Interval:
    """Student's interval of a mean over rows and repeats, shape (rows, repeats), two of each at least.

    Its variance is that of the means of rows and that of the means of repeats; what both share counts twice, so that it
    is not too narrow. Degrees of freedom after Satterthwaite.

    >>> import numpy as np
    >>> found = crossed_interval(np.array([[1.0, 2.0], [3.0, 4.0]]))
    >>> found.value, round((found.standard_error or 0.0) ** 2, 9)  # 2 / 2 + 0.5 / 2
    (2.5, 1.25)
    """
    both = (values.mean(axis=1), values.mean(axis=0))
    parts = [(float(means.var(ddof=1)) / len(means), float(len(means) - 1)) for means in both]
    error = math.sqrt(sum(variance for variance, _ in parts))
    student = Student(mean=float(values.mean()), standard_error=error, df=satterthwaite(*parts))
    return student.interval(level=0.95, method="t")
