"""How well features tell who belongs to a group: cross-fitted AUCs of all features together and of each alone.

Rows are held out in five folds, all rows of a person in one. A score is compared with others of its own fold only: rows
of two folds were scored by two models, and each of these has seen the other row, which alone would draw the AUC below
0.5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from probandum import stats
from probandum.errors import MissingDependency
from probandum.evidence import Column, Floats, Table
from probandum.gaps import numbers_in
from probandum.stats.auc import DeLong
from probandum.subject import Bools, Codes, Subject, as_text

FOLDS = 5
#: Bins of a number, and values of a text that stand for themselves; the others are one.
BINS = 20
MOST_VALUES = 250
#: Rows that a model of all features learns from and is tried on at most, drawn with the plan's seed.
MOST_ROWS = 20_000

#: Standard errors below this are what rounding leaves of none.
_ROUNDING = 1e-12

#: Scores of the rows in the second mask by a model of those in the first.
Fitted = Callable[[Bools, Bools], Floats]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sampled:
    """How rows were sampled: how many of the population each stands for, and a code from 0 for whom it is about."""

    weights: Floats
    persons: Codes

    @classmethod
    def of(cls, subject: Subject, rows: Codes) -> Sampled | None:
        """Of some rows; None where the plan declares nothing of it."""
        if not subject.design:
            return None
        persons = np.unique(subject.persons[rows], return_inverse=True)[1].reshape(-1)
        return cls(weights=subject.weights[rows], persons=persons)

    def scaled(self, rows: Bools) -> Floats:
        """The weights of some rows, those of one person 1 in all on average."""
        weights, persons = self.weights[rows], len(np.unique(self.persons[rows]))
        return np.asarray(weights * persons / weights.sum())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CrossFitted:
    """The mean of the AUCs of all folds, with the moments of its interval on the logit (see ``DeLong``).

    ``n``: all rows, or persons.
    """

    value: float
    standard_error: float
    df: float
    n: int

    def interval(self, *, level: float = 0.95) -> stats.Interval:
        """DeLong's, over persons where there are any."""
        family = DeLong(area=self.value, standard_error=self.standard_error, df=self.df)
        return family.interval(level=level, method="delong")


def folds(member: Bools, rng: np.random.Generator, sampled: Sampled | None = None) -> Codes:
    """Of each row its fold, those in the group and the others spread evenly over all; a person's rows in one.

    >>> found = folds(np.array([True] * 5 + [False] * 10), np.random.default_rng(1))
    >>> np.bincount(found[:5]).tolist(), np.bincount(found[5:]).tolist()
    ([1, 1, 1, 1, 1], [2, 2, 2, 2, 2])
    """
    persons = np.arange(len(member)) if sampled is None else sampled.persons
    inside = member[np.unique(persons, return_index=True)[1]]
    found = np.zeros(len(inside), dtype=np.int64)
    for side in (inside, ~inside):
        chosen = rng.permutation(np.flatnonzero(side))
        found[chosen] = np.arange(len(chosen)) % FOLDS
    return found[persons]


def cross_fitted(fitted: Fitted, member: Bools, fold: Codes, sampled: Sampled | None = None) -> CrossFitted:
    """The mean of the AUCs of all folds, each of rows that its model has not seen; 10 rows of either kind at least."""
    scores = np.zeros(len(member))
    for number in range(FOLDS):
        held = fold == number
        scores[held] = fitted(~held, held)
    if sampled is not None:
        return _over_persons(scores, member, fold, sampled)
    value, influence = 0.0, np.zeros(len(member))
    for number in range(FOLDS):
        held = fold == number
        one = stats.area(scores, member & held, ~member & held)
        value += one.value / FOLDS
        influence += one.influence / FOLDS
    moments = stats.Area(value=value, influence=influence, above=member, below=~member).interval()
    assert moments.standard_error is not None and moments.df is not None
    return CrossFitted(value=value, standard_error=moments.standard_error, df=moments.df, n=len(member))


def _over_persons(scores: Floats, member: Bools, fold: Codes, sampled: Sampled) -> CrossFitted:
    """The same by weights: a mean of the placements of either kind in each fold, which errs as those do together."""
    value, placed, cells = 0.0, np.zeros(len(scores)), 2 * fold + ~member
    for number in range(FOLDS):
        held = fold == number
        one = stats.weighted_area(scores, sampled.weights, member & held, ~member & held)
        value += one.value / FOLDS
        placed[held] = one.placements[held]
    value = min(value, 1.0)
    sums = stats.ClusterSums.of(placed, sampled.weights, sampled.persons, cells)
    found = sums.contrast(dict.fromkeys(range(2 * FOLDS), 1 / FOLDS))
    n, error, df = len(np.unique(sampled.persons)), found.standard_error, found.df
    if error < _ROUNDING or value in (0.0, 1.0):
        kinds = stats.ClusterSums.of(placed, sampled.weights, sampled.persons, (~member).astype(np.int64))
        error, df = 0.0, min(kinds.effective_size(kind) for kind in (0, 1))
    return CrossFitted(value=value, standard_error=error, df=df, n=n)


def together(table: Table, member: Bools, fold: Codes, *, seed: int, sampled: Sampled | None = None) -> CrossFitted:
    """The AUC of gradient-boosted trees on all columns of a table."""
    values, texts = encoded(table)

    def fitted(seen: Bools, held: Bools) -> Floats:
        weights = None if sampled is None else sampled.scaled(seen)
        return boosted(values[seen], member[seen], values[held], texts, seed=seed, weights=weights)

    return cross_fitted(fitted, member, fold, sampled)


def alone(column: Column, member: Bools, fold: Codes, sampled: Sampled | None = None) -> CrossFitted:
    """The AUC of one column: the group's share among the other rows of a bin, or of a value, one row of each added."""
    codes = coded(column, None if sampled is None else sampled.weights)
    width = int(codes.max()) + 1

    def fitted(seen: Bools, held: Bools) -> Floats:
        weights = np.ones(int(seen.sum())) if sampled is None else sampled.scaled(seen)
        rows = np.bincount(codes[seen], weights=weights, minlength=width)
        many = np.bincount(codes[seen], weights=weights * member[seen], minlength=width)
        share = float(many.sum() / rows.sum())
        return np.asarray(((many + share) / (rows + 1.0))[codes[held]], dtype=np.float64)

    return cross_fitted(fitted, member, fold, sampled)


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
    ensemble = _sklearn().ensemble
    with _threads().limit(limits=1):
        model = ensemble.HistGradientBoostingClassifier(
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
        numbers = numbers_in(table[name])
        columns.append(_values(table[name]).astype(np.float64) if numbers is None else numbers)
        texts.append(numbers is None)
    return np.column_stack(columns), texts


def coded(column: Column, weights: Floats | None = None) -> Codes:
    """A column as codes: numbers in 20 bins with about as many rows each, gaps and the values of texts by themselves.

    ``weights``: how many rows each counts for.

    >>> coded(np.array([0.0, 0.0, 3.0])).tolist(), coded(np.array(["b", "a", "b"])).tolist()
    ([0, 0, 1], [1, 0, 1])
    """
    numbers = numbers_in(column)
    if numbers is None:
        return _values(column)
    known = np.isfinite(numbers)
    distinct = np.unique(numbers[known])
    if len(distinct) > BINS:
        even = weights is None or bool((weights == weights[0]).all())  # one row too many or few is another bin
        each = None if weights is None or even else weights[known]
        cuts = np.quantile(numbers[known], np.arange(1, BINS) / BINS, method="inverted_cdf", weights=each)
        distinct = np.unique(np.append(cuts, distinct[-1]))
    return np.where(known, np.searchsorted(distinct, np.where(known, numbers, 0.0)), len(distinct))


def _values(column: Column) -> Codes:
    """Codes of texts in their order; beyond so many values the rarer ones share the last code."""
    distinct, codes, counts = np.unique(as_text(column), return_inverse=True, return_counts=True)
    if len(distinct) <= MOST_VALUES:
        return codes
    kept = np.sort(np.argsort(-counts, kind="stable")[: MOST_VALUES - 1])
    places = np.full(len(distinct), MOST_VALUES - 1)
    places[kept] = np.arange(MOST_VALUES - 1)
    return np.asarray(places[codes])


@cache
def _threads() -> Any:
    """What says in how many threads the libraries compute; looking for them takes as long as a small model does."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _sklearn() -> ModuleType:
    try:
        import sklearn.ensemble
    except ImportError:
        raise MissingDependency("scikit-learn", needed_for="gradient-boosted trees", extra="sklearn") from None
    module: ModuleType = sklearn
    return module
