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


def thresholds(score: Floats, positive: Bools, codes: Codes, fit: Bools, *, constraint: str, seed: int) -> Bools:
    """Which rows fairlearn's ``ThresholdOptimizer`` finds positive, fitted on the rows ``fit`` for most accuracy.

    It draws lots where a threshold would have to lie between two scores; ``seed`` says which. Every group must have
    positives and negatives among ``fit`` (Hardt, Price and Srebro 2016).
    """
    optimizer = _optimizer(constraint)
    rows = score[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the library's own dependencies deprecate among themselves
        optimizer.fit(rows[fit], positive[fit].astype(int), sensitive_features=codes[fit])
        return np.asarray(optimizer.predict(rows, sensitive_features=codes, random_state=seed) == 1)


def reweighing(positive: Bools, codes: Codes) -> Floats:
    """Weights under which label and group are independent: P(g) P(y) / P(g, y) (Kamiran and Calders 2012).

    >>> y, g = np.array([True, True, True, False]), np.array([0, 0, 1, 1])
    >>> reweighing(y, g).tolist()  # of group 1 one of two is positive, of all three of four
    [0.75, 0.75, 1.5, 0.5]
    """
    found = np.ones(len(codes))
    for group in np.unique(codes):
        for label in (True, False):
            cell = (codes == group) & (positive == label)
            if cell.any():
                found[cell] = (codes == group).mean() * (positive == label).mean() / cell.mean()
    return found


def stand_in(
    table: Table, positive: Bools, fit: Bools, *, share: float, seed: int, weights: Floats | None = None
) -> Bools:
    """Which rows gradient-boosted trees find positive that learned from ``fit``: as large a ``share`` of them."""
    values, texts = encoded(table)
    score = boosted(values[fit], positive[fit], values, texts, seed=seed, weights=weights)
    cut = np.quantile(score[fit], 1.0 - share, method="higher")
    return np.asarray(score >= cut)


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
