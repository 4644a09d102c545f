"""What two published remedies would decide: thresholds by group, and a model that learned from reweighted rows.

Nothing here touches the audited system: thresholds are set on scores that it gave, and since it cannot be trained
here, what weights do is shown on a stand-in model of the same features.
"""

from __future__ import annotations

import warnings
from typing import Any, Literal

import numpy as np

from probandum.errors import MissingDependency
from probandum.evidence import Floats, Table
from probandum.subject import Bools, Codes
from probandum_probes.bias.predicting import boosted, encoded

#: What thresholds by group are to make equal, as fairlearn names it.
CONSTRAINTS: dict[str, Literal["demographic_parity", "equalized_odds"]] = {
    "thresholds-for-equal-selection": "demographic_parity",
    "thresholds-for-equal-errors": "equalized_odds",
}
REWEIGHING = "reweighing"
#: So many rows on average stand for a row of unequal weight where a method takes no weights.
_COPIES = 10


def thresholds(
    score: Floats,
    positive: Bools,
    codes: Codes,
    fit: Bools,
    *,
    constraint: str,
    seed: int,
    weights: Floats | None = None,
) -> Bools:
    """Which rows fairlearn's ``ThresholdOptimizer`` finds positive, fitted on the rows ``fit`` for most accuracy.

    It draws lots where a threshold would have to lie between two scores; ``seed`` says which. Every group must have
    positives and negatives among ``fit`` (Hardt, Price and Srebro 2016). It takes no ``weights``: rows are repeated.
    """
    optimizer = _optimizer(constraint)
    rows, learned = score[:, None], np.flatnonzero(fit)
    if weights is not None:
        learned = np.repeat(learned, copies(weights[fit]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the library's own dependencies deprecate among themselves
        optimizer.fit(rows[learned], positive[learned].astype(int), sensitive_features=codes[learned])
        return np.asarray(optimizer.predict(rows, sensitive_features=codes, random_state=seed) == 1)


def copies(weights: Floats) -> Codes:
    """How often each row is repeated where a method takes no weights: as they say, where these are small whole numbers.

    Else ten rows a row on average, shared out by the weights, which errs by less than one of them a row.

    >>> copies(np.array([2.0, 4.0, 2.0])).tolist(), copies(np.array([0.5, 1.5])).tolist()
    ([1, 2, 1], [5, 15])
    """
    whole = weights.astype(np.int64)
    if (whole == weights).all():
        whole = whole // np.gcd.reduce(whole)
        if whole.sum() <= _COPIES * len(whole):
            return np.asarray(whole)
    shared = np.cumsum(weights) / weights.sum() * _COPIES * len(weights)
    return np.asarray(np.diff(np.floor(shared + 0.5).astype(np.int64), prepend=0))


def reweighing(positive: Bools, codes: Codes, weights: Floats | None = None) -> Floats:
    """Weights under which label and group are independent: P(g) P(y) / P(g, y) (Kamiran and Calders 2012).

    ``weights``: how many persons each row stands for, by which shares are taken and results multiplied.

    >>> y, g = np.array([True, True, True, False]), np.array([0, 0, 1, 1])
    >>> reweighing(y, g).tolist()  # of group 1 one of two is positive, of all three of four
    [0.75, 0.75, 1.5, 0.5]
    """
    each = np.ones(len(codes)) if weights is None else weights
    found = each.copy()

    def share(rows: Bools) -> float:
        return float(each[rows].sum() / each.sum())

    for group in np.unique(codes):
        for label in (True, False):
            cell = (codes == group) & (positive == label)
            if each[cell].any():
                found[cell] *= share(codes == group) * share(positive == label) / share(cell)
    return found


def stand_in(
    table: Table,
    positive: Bools,
    fit: Bools,
    *,
    share: float,
    seed: int,
    weights: Floats | None = None,
    counted: Floats | None = None,
    persons: int = 0,
) -> Bools:
    """Which rows gradient-boosted trees find positive that learned from ``fit``: as large a ``share`` of them.

    ``weights``: those of the rows ``fit`` in training; ``counted``: how many of the population each of them stands for,
    where there are ``persons`` of unequal weight among them.
    """
    values, texts = encoded(table)
    score = boosted(values[fit], positive[fit], values, texts, seed=seed, weights=weights)
    if counted is None:
        return np.asarray(score >= np.quantile(score[fit], 1.0 - share, method="higher"))
    return np.asarray(score >= _quantile(score[fit], 1.0 - share, counted, persons))


def _quantile(score: Floats, share: float, weights: Floats, persons: int) -> float:
    """The smallest score up to which a share of the weight lies, a person's counted in; of equal ones numpy's "higher".

    >>> _quantile(np.arange(5.0), 0.6, np.full(5, 2.0), 5), float(np.quantile(np.arange(5.0), 0.6, method="higher"))
    (3.0, 3.0)
    """
    values, place = np.unique(score, return_inverse=True)
    upto, whole = np.cumsum(np.bincount(place, weights=weights)), float(weights.sum())
    each = whole / persons
    return float(values[np.flatnonzero(upto - each >= (whole - each) * share - 1e-9 * whole)[0]])


def _optimizer(constraint: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from fairlearn.postprocessing import ThresholdOptimizer
            from sklearn.base import BaseEstimator
    except ImportError:
        raise MissingDependency("fairlearn", needed_for="thresholds by group", extra="fairness") from None

    class Given(BaseEstimator):  # type: ignore[misc]
        """Scores that are known already, as the library asks a fitted model for them."""

        def __init__(self) -> None:
            self.fitted_ = True

        def fit(self, rows: Floats, labels: Floats) -> Given:
            """There is nothing to learn."""
            return self

        def predict_proba(self, rows: Floats) -> Floats:
            """1 - score, score."""
            score = np.asarray(rows, dtype=np.float64)[:, 0]
            return np.column_stack([1.0 - score, score])

    return ThresholdOptimizer(
        estimator=Given(),
        constraints=constraint,
        objective="accuracy_score",
        prefit=True,
        predict_method="predict_proba",
    )
