"""How closely features go together, from 0 to 1: where they do, a column cannot be changed as if it stood alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from probandum.evidence import Column, Floats, Table
from probandum.subject import Codes, as_text
from probandum_probes.bias.proxy_associations import cramers_v

#: From here on features are said to go together.
CLOSE = 0.5
#: Cells of a partner of numbers, and partners, within which a column is dealt out.
BINS, PARTNERS = 4, 2


def associations(rows: Table) -> dict[str, dict[str, float]]:
    """Of each feature every other one with how closely they go together.

    Two numbers: Spearman's correlation without its sign. A number and a text: the root of epsilon squared (Kelley
    1935), which by chance is 0, of the number's ranks. Two texts: Cramer's V, corrected for bias (Bergsma 2013).

    >>> rows = Table({"a": np.arange(4.0), "b": np.array([0.0, 1.0, 4.0, 9.0]), "c": np.array(["x", "y", "x", "y"])})
    >>> {name: round(found, 9) for name, found in associations(rows)["a"].items()}
    {'b': 1.0, 'c': 0.0}
    """
    names = list(rows)
    ranks = {name: _ranks(rows[name]) for name in names if rows[name].dtype.kind == "f"}
    codes = {name: np.unique(as_text(rows[name]), return_inverse=True)[1] for name in names if name not in ranks}
    found: dict[str, dict[str, float]] = {name: {} for name in names}
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            found[one][other] = found[other][one] = _together(one, other, ranks, codes)
    return found


def partners(found: Mapping[str, float]) -> list[str]:
    """The features that go with one, the closest first, two at most."""
    close = [name for name, size in found.items() if size > CLOSE]
    return sorted(close, key=lambda name: -found[name])[:PARTNERS]


def cells(rows: Table, names: list[str]) -> Codes:
    """Rows that are alike in some features: numbers in quarters, texts by value; codes from 0.

    >>> cells(Table({"a": np.arange(8.0), "b": np.array(list("xxyyxxyy"))}), ["a", "b"]).tolist()
    [0, 0, 1, 1, 2, 2, 3, 3]
    """
    code = np.zeros(len(rows), dtype=np.int64)
    for name in names:
        column = rows[name]
        own = _quarters(column) if column.dtype.kind == "f" else np.unique(as_text(column), return_inverse=True)[1]
        code = code * (int(own.max()) + 1) + own
    return np.unique(code, return_inverse=True)[1]


def dealt(code: Codes, repeats: int, rng: np.random.Generator) -> Codes:
    """Which row each row takes its value from, shape (rows, repeats): a permutation within each cell.

    >>> dealt(np.array([0, 1, 0, 1]), 2, np.random.default_rng(1)).shape
    (4, 2)
    """
    home = np.argsort(code, kind="stable")
    found = np.empty((len(code), repeats), dtype=np.int64)
    for repeat in range(repeats):
        found[home, repeat] = np.lexsort((rng.random(len(code)), code))
    return found


def _quarters(column: Column) -> Codes:
    """Quarters of the known numbers, and gaps by themselves."""
    known = np.isfinite(column)
    if not known.any():
        return np.zeros(len(column), dtype=np.int64)
    edges = np.unique(np.quantile(column[known], np.arange(1, BINS) / BINS, method="inverted_cdf"))
    return np.where(known, np.searchsorted(edges, np.where(known, column, 0.0)), len(edges) + 1)


def _ranks(column: Column) -> Floats:
    """Mean ranks; gaps stay gaps."""
    known = np.isfinite(column)
    _, places, counts = np.unique(column[known], return_inverse=True, return_counts=True)
    ranks = np.full(len(column), np.nan)
    ranks[known] = (np.cumsum(counts) - (counts - 1) / 2)[places]
    return ranks


def _together(one: str, other: str, ranks: Mapping[str, Floats], codes: Mapping[str, Codes]) -> float:
    if one in ranks and other in ranks:
        return _correlation(ranks[one], ranks[other])
    if one in ranks:
        return _explained(ranks[one], codes[other])
    return _explained(ranks[other], codes[one]) if other in ranks else _cramer(codes[one], codes[other])


def _correlation(first: Floats, second: Floats) -> float:
    known = np.isfinite(first) & np.isfinite(second)
    a, b = first[known], second[known]
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return min(1.0, abs(float(np.corrcoef(a, b)[0, 1])))


def _explained(ranks: Floats, code: Codes) -> float:
    """The root of epsilon squared: 1 - mean square within / mean square of all, 0 where chance does as well."""
    known = np.isfinite(ranks)
    values, groups = ranks[known], np.unique(code[known], return_inverse=True)[1]
    if len(values) < 2 or np.ptp(values) == 0 or len(values) <= int(groups.max()) + 1:
        return 0.0
    means = np.bincount(groups, weights=values) / np.bincount(groups)
    within = float(((values - means[groups]) ** 2).sum()) / (len(values) - int(groups.max()) - 1)
    return float(max(0.0, 1.0 - within / float(values.var(ddof=1))) ** 0.5)


def _cramer(first: Codes, second: Codes) -> float:
    rows, columns, n = int(first.max()) + 1, int(second.max()) + 1, len(first)
    if min(rows, columns) < 2 or n < 2:
        return 0.0
    table = np.bincount(first * columns + second, minlength=rows * columns).reshape(rows, columns)
    square = max(0.0, float(cramers_v(table.astype(np.float64))) ** 2 - (rows - 1) * (columns - 1) / (n - 1))
    least = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)) - 1
    return float(min(1.0, (square / least) ** 0.5)) if least > 0 else 0.0
