"""Models that people can read, fitted to what a system says: a sum over features, and a small tree.

Texts are one column a value, the rarer values together; gaps of numbers are the mean and a column of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType

import numpy as np

from probandum.errors import MissingDependency
from probandum.evidence import Column, Floats, Table
from probandum.probe import Ask
from probandum.subject import Codes, Subject, as_text

#: Parts into which rows are cut: each row is foretold by a model that has not seen it.
FOLDS = 5
#: Values of a text with a column of their own, and rows that a leaf of a tree holds at least.
MOST_VALUES, LEAF = 50, 5

#: What a model says of the rows in the last matrix, fitted to values and weights of those in the first.
Fit = Callable[[Floats, Floats, Floats, Floats], Floats]


def readable(depth: int) -> Mapping[str, Fit]:
    """The surrogates by name."""
    return {"linear": linear, "tree": partial(tree, depth=depth)}


def encoded(table: Table) -> Floats:
    """Columns of numbers with mean 0 and variance 1, or 0 throughout.

    >>> rows = Table({"debt": np.array([1.0, 3.0]), "job": np.array(["cook", "baker"])})
    >>> encoded(rows).tolist()
    [[-1.0, -1.0, 1.0], [1.0, 1.0, -1.0]]
    """
    columns = [part for name in table for part in _columns(table[name])]
    matrix = np.column_stack(columns)
    centred = matrix - matrix.mean(axis=0)
    spread = centred.std(axis=0)
    scaled: Floats = centred / np.where(spread > 0, spread, 1.0)
    return scaled


def folds(ask: Ask, subject: Subject) -> Codes:
    """Of each row its fold, all rows of a person, or of one id, in the same."""
    persons = subject.persons
    if subject.cluster is None and subject.row_id is not None:
        persons = np.unique(as_text(subject.table[subject.row_id]), return_inverse=True)[1].reshape(-1)
    count = int(persons.max()) + 1 if len(persons) else 0
    fold = np.empty(count, dtype=np.int64)
    fold[ask.rng("folds").permutation(count)] = np.arange(count) % FOLDS
    return np.asarray(fold[persons])


def held_out(fit: Fit, matrix: Floats, values: Floats, weights: Floats, fold: Codes) -> Floats:
    """What models say of rows that they have not seen, shape (rows,)."""
    found = np.empty(len(values))
    for number in np.unique(fold):
        held = fold == number
        found[held] = fit(matrix[~held], values[~held], weights[~held], matrix[held])
    return found


def linear(matrix: Floats, values: Floats, weights: Floats, asked: Floats) -> Floats:
    """Weighted least squares, the shortest solution where columns say the same.

    >>> x = np.array([[0.0], [1.0], [2.0]])
    >>> linear(x, np.array([1.0, 3.0, 5.0]), np.ones(3), np.array([[10.0]])).round(6).tolist()
    [21.0]
    """
    root = np.sqrt(weights)
    ones = np.ones((len(matrix), 1))
    slopes = np.linalg.lstsq(root[:, None] * np.hstack([ones, matrix]), root * values, rcond=None)[0]
    said: Floats = slopes[0] + asked @ slopes[1:]
    return said


def tree(matrix: Floats, values: Floats, weights: Floats, asked: Floats, *, depth: int) -> Floats:
    """A regression tree of so many steps down at most, with five rows in a leaf at least."""
    grown = _sklearn().tree.DecisionTreeRegressor(max_depth=depth, min_samples_leaf=LEAF, random_state=0)
    said: Floats = grown.fit(matrix, values, sample_weight=weights).predict(asked)
    return said


def _columns(column: Column) -> list[Floats]:
    if column.dtype.kind == "f":
        known = np.isfinite(column)
        mean = float(column[known].mean()) if known.any() else 0.0
        filled: Floats = np.where(known, column, mean)
        return [filled] if known.all() else [filled, (~known).astype(np.float64)]
    _, codes, counts = np.unique(as_text(column), return_inverse=True, return_counts=True)
    frequent = np.argsort(-counts, kind="stable")[:MOST_VALUES]
    return [(codes.reshape(-1) == place).astype(np.float64) for place in np.sort(frequent)]


def _sklearn() -> ModuleType:
    try:
        import sklearn.tree
    except ImportError:
        raise MissingDependency("scikit-learn", needed_for="surrogate trees", extra="explain") from None
    module: ModuleType = sklearn
    return module
