"""How well features tell who belongs to a group: cross-fitted AUCs of all features together and of each alone.

Rows are held out in five folds. A score is compared with others of its own fold only: rows of two folds were scored
by two models, and each of these has seen the other row, which alone would draw the AUC below 0.5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType

import numpy as np

from probandum import stats
from probandum.errors import MissingDependency
from probandum.evidence import Column, Floats, Table
from probandum.stats import Area
from probandum.subject import NUMBER, Bools, Codes, as_text

FOLDS = 5
#: Bins of a number, and values of a text that stand for themselves; the others are one.
BINS = 20
MOST_VALUES = 250
#: Rows that a model of all features learns from and is tried on at most, drawn with the plan's seed.
MOST_ROWS = 20_000

#: Scores of the rows in the second mask by a model of those in the first.
Fitted = Callable[[Bools, Bools], Floats]


def folds(member: Bools, rng: np.random.Generator) -> Codes:
    """Of each row its fold, those in the group and the others spread evenly over all.

    >>> found = folds(np.array([True] * 5 + [False] * 10), np.random.default_rng(1))
    >>> np.bincount(found[:5]).tolist(), np.bincount(found[5:]).tolist()
    ([1, 1, 1, 1, 1], [2, 2, 2, 2, 2])
    """
    found = np.zeros(len(member), dtype=np.int64)
    for side in (member, ~member):
        rows = rng.permutation(np.flatnonzero(side))
        found[rows] = np.arange(len(rows)) % FOLDS
    return found


def cross_fitted(fitted: Fitted, member: Bools, fold: Codes) -> Area:
    """The mean of the AUCs of all folds, each of rows that its model has not seen; 10 rows of either kind at least."""
    value, influence = 0.0, np.zeros(len(member))
    for number in range(FOLDS):
        held = fold == number
        scores = np.zeros(len(member))
        scores[held] = fitted(~held, held)
        one = stats.area(scores, member & held, ~member & held)
        value += one.value / FOLDS
        influence += one.influence / FOLDS
    return Area(value=value, influence=influence, above=member, below=~member)


def together(table: Table, member: Bools, fold: Codes, *, seed: int) -> Area:
    """The AUC of gradient-boosted trees on all columns of a table."""
    values, texts = encoded(table)

    def fitted(seen: Bools, held: Bools) -> Floats:
        return boosted(values[seen], member[seen], values[held], texts, seed=seed)

    return cross_fitted(fitted, member, fold)


def alone(column: Column, member: Bools, fold: Codes) -> Area:
    """The AUC of one column: the group's share among the other rows of a bin, or of a value, one row of each added."""
    codes = coded(column)

    def fitted(seen: Bools, held: Bools) -> Floats:
        width = int(codes.max()) + 1
        rows = np.bincount(codes[seen], minlength=width)
        many = np.bincount(codes[seen & member], minlength=width)
        share = float(member[seen].mean())
        return np.asarray(((many + share) / (rows + 1.0))[codes[held]], dtype=np.float64)

    return cross_fitted(fitted, member, fold)


def boosted(
    values: Floats,
    labels: Bools,
    asked: Floats,
    texts: Sequence[bool],
    *,
    seed: int,
    weights: Floats | None = None,
) -> Floats:
    """P(label) of the rows ``asked`` by gradient-boosted trees on ``values``, in one thread, so that it is the same."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        model = _sklearn().ensemble.HistGradientBoostingClassifier(
            max_iter=100,
            max_leaf_nodes=15,
            early_stopping=False,
            categorical_features=np.asarray(texts, dtype=bool) if any(texts) else None,
            random_state=seed,
        )
        model.fit(values, labels, sample_weight=weights)
        return np.asarray(model.predict_proba(asked)[:, 1], dtype=np.float64)


def encoded(table: Table) -> tuple[Floats, list[bool]]:
    """Columns as numbers, gaps as NaN, and which of them are codes of texts.

    >>> values, texts = encoded(Table({"debt": np.array([1.0, 2.0]), "job": np.array(["cook", "baker"])}))
    >>> values.tolist(), texts
    ([[1.0, 1.0], [2.0, 0.0]], [False, True])
    """
    columns, texts = [], []
    for name in table:
        numbers = numbers_of(table[name])
        columns.append(_values(table[name]).astype(np.float64) if numbers is None else numbers)
        texts.append(numbers is None)
    return np.column_stack(columns), texts


def coded(column: Column) -> Codes:
    """A column as codes: numbers in 20 bins with about as many rows each, gaps and the values of texts by themselves.

    >>> coded(np.array([0.0, 0.0, 3.0])).tolist(), coded(np.array(["b", "a", "b"])).tolist()
    ([0, 0, 1], [1, 0, 1])
    """
    numbers = numbers_of(column)
    if numbers is None:
        return _values(column)
    known = np.isfinite(numbers)
    distinct = np.unique(numbers[known])
    if len(distinct) > BINS:
        cuts = np.quantile(numbers[known], np.arange(1, BINS) / BINS, method="inverted_cdf")
        distinct = np.unique(np.append(cuts, distinct[-1]))
    return np.where(known, np.searchsorted(distinct, np.where(known, numbers, 0.0)), len(distinct))


def numbers_of(column: Column) -> Floats | None:
    """A column of numbers, gaps as NaN; None where it holds texts."""
    if column.dtype.kind in "fiub":
        return np.asarray(column, dtype=np.float64)
    texts = as_text(column)
    stated = texts != ""
    if not stated.any() or not all(NUMBER.fullmatch(text) for text in np.unique(texts[stated]).tolist()):
        return None
    found = np.full(len(texts), np.nan)
    found[stated] = texts[stated].astype(np.float64)
    return found


def _values(column: Column) -> Codes:
    """Codes of texts in their order; beyond so many values the rarer ones share the last code."""
    distinct, codes, counts = np.unique(as_text(column), return_inverse=True, return_counts=True)
    if len(distinct) <= MOST_VALUES:
        return codes
    kept = np.sort(np.argsort(-counts, kind="stable")[: MOST_VALUES - 1])
    places = np.full(len(distinct), MOST_VALUES - 1)
    places[kept] = np.arange(MOST_VALUES - 1)
    return np.asarray(places[codes])


def _sklearn() -> ModuleType:
    try:
        import sklearn.ensemble
    except ImportError:
        raise MissingDependency("scikit-learn", needed_for="gradient-boosted trees", extra="sklearn") from None
    module: ModuleType = sklearn
    return module
