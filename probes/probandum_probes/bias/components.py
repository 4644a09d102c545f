"""How much of what varies lies in each thing that was varied: variance components of an unbalanced crossed design.

Henderson's (1953) method 1. With ``y`` = mean + one effect of each factor + rest, the sums of squares of level means
``T_f = sum over levels of (sum of y)^2 / n`` have expectations that are linear in the variances, so these follow from
solving for them. In a balanced design they are those of the analysis of variance. They may be negative.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from probandum.evidence import Floats

#: What no factor explains.
REST = "rest"


@dataclass(frozen=True, kw_only=True, eq=False)
class Tables:
    """Sums, counts and cross counts by cluster, so that clusters can be drawn again without going through the values.

    ``sums`` and ``counts`` by factor: shape (clusters, levels). ``crossed`` by two factors: (clusters, levels, levels).
    ``squares``: sums of squares by cluster.
    """

    sums: Mapping[str, Floats]
    counts: Mapping[str, Floats]
    crossed: Mapping[tuple[str, str], Floats]
    totals: Floats
    sizes: Floats
    squares: Floats


def tabled(values: Floats, clusters: Any, factors: Mapping[str, Any]) -> Tables:
    """The tables of ``values``; ``clusters`` and each of ``factors`` are codes from 0, one a value."""
    number = int(clusters.max()) + 1

    def summed(weights: Floats | None, *codes: Any) -> Floats:
        shape = (number, *(int(code.max()) + 1 for code in codes))
        flat = np.ravel_multi_index((clusters, *codes), shape)
        return np.bincount(flat, weights=weights, minlength=int(np.prod(shape))).reshape(shape).astype(np.float64)

    return Tables(
        sums={name: summed(values, codes) for name, codes in factors.items()},
        counts={name: summed(None, codes) for name, codes in factors.items()},
        crossed={
            (one, two): summed(None, factors[one], factors[two])
            for place, one in enumerate(factors)
            for two in list(factors)[place + 1 :]
        },
        totals=summed(values),
        sizes=summed(None),
        squares=summed(values**2),
    )


def solved(tables: Tables, times: Floats, *, name: str) -> dict[str, float]:
    """The variance of the clusters, called ``name``, of each factor and of the rest.

    ``times``: how often each cluster counts; one that counts twice is two clusters. Empty where the design cannot tell
    the factors apart.

    >>> y = np.array([0.0, 2.0, 4.0, 6.0])  # rows 0 and 1, columns 0 and 1: no rest; rows differ by 4, columns by 2
    >>> tables = tabled(y, np.array([0, 0, 1, 1]), {"column": np.array([0, 1, 0, 1])})
    >>> {part: round(value, 9) for part, value in solved(tables, np.ones(2), name="row").items()}
    {'row': 8.0, 'column': 2.0, 'rest': 0.0}
    """
    used, factors = times > 0, list(tables.sums)
    total, n = float(times @ tables.totals), float(times @ tables.sizes)
    levels = {each: times @ tables.counts[each] for each in factors}
    held = {each: levels[each] > 0 for each in factors}
    squares = [float((times[used] * tables.totals[used] ** 2 / tables.sizes[used]).sum())]
    squares += [_share((times @ tables.sums[each])[held[each]], levels[each][held[each]]) for each in factors]
    numbers = [float(times.sum())] + [float(held[each].sum()) for each in factors]

    # rows: the factors' sums of squares, then that of all values; columns: factors, then the rest; less the mean's
    size = len(squares)
    mean = [float(times @ tables.sizes**2) / n] + [float((levels[each] ** 2).sum()) / n for each in factors] + [1.0]
    left = np.zeros((size + 1, size + 1))
    left[0, 0] = n
    for place, each in enumerate(factors, 1):
        of_clusters = (times[used, None] * tables.counts[each][used] ** 2 / tables.sizes[used, None]).sum()
        left[0, place] = of_clusters
        weighed = times @ tables.counts[each] ** 2
        left[place, 0] = (weighed[held[each]] / levels[each][held[each]]).sum()
        left[place, place] = n
    for (one, two), counts in tables.crossed.items():
        shared = np.tensordot(times, counts, axes=1) ** 2
        first, second = factors.index(one) + 1, factors.index(two) + 1
        left[first, second] = (shared[held[one]].sum(axis=1) / levels[one][held[one]]).sum()
        left[second, first] = (shared[:, held[two]].sum(axis=0) / levels[two][held[two]]).sum()
    left[:size, size] = numbers
    left[size] = n
    right = np.array([*squares, float(times @ tables.squares)]) - total**2 / n
    left -= np.array(mean)
    if np.linalg.matrix_rank(left) <= size:
        return {}
    found = np.linalg.solve(left, right)
    return dict(zip((name, *factors, REST), found.tolist(), strict=True))


def _share(sums: Floats, counts: Floats) -> float:
    return float((sums**2 / counts).sum())
