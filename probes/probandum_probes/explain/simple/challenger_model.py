"""The challenger: explainable boosting, a sum of curves of one feature and of few of two, fitted to what came true."""

from __future__ import annotations

from typing import Any

import numpy as np

from probandum.errors import MissingDependency
from probandum.evidence import Column, Floats, Table
from probandum.subject import Bools, Codes, as_text

#: Bins of either feature of a pair.
PAIR_BINS = 8


def challenger(table: Table, positive: Bools, fold: Codes, *, seed: int, interactions: int, bags: int) -> Floats:
    """P(positive) of every row by models that have not seen its fold, shape (rows,); the same under the same seed.

    An ExplainableBoostingClassifier of InterpretML (Nori et al. 2019) in one thread with so many pairs of features at
    most, the mean of ``bags`` runs. MissingDependency where the library is not installed.
    """
    columns = [part for name in table for part in _columns(table[name])]
    kinds = ["continuous" if part.dtype.kind == "f" else "nominal" for part in columns]
    matrix = np.empty((len(table), len(columns)), dtype=object)
    for place, part in enumerate(columns):
        matrix[:, place] = part.tolist()
    found = np.empty(len(positive))
    for number in np.unique(fold):
        held = fold == number
        model = _boosting()(
            feature_types=kinds,
            interactions=min(interactions, len(columns) * (len(columns) - 1) // 2),
            outer_bags=bags,
            max_interaction_bins=PAIR_BINS,
            random_state=seed,
            n_jobs=1,
        )
        model.fit(matrix[~held], positive[~held].astype(np.int64))
        found[held] = model.predict_proba(matrix[held])[:, 1]
    return found


def _columns(column: Column) -> list[Column]:
    """A column as it is; gaps of numbers are the mean, and a column of their own."""
    if column.dtype.kind != "f":
        return [as_text(column)]
    known = np.isfinite(column)
    if known.all():
        return [column]
    filled = np.where(known, column, float(column[known].mean()) if known.any() else 0.0)
    return [filled, np.where(known, "stated", "not stated")]


def _boosting() -> Any:
    try:
        from interpret.glassbox import ExplainableBoostingClassifier
    except ImportError:
        raise MissingDependency("interpret-core", needed_for="explain.challenger", extra="explain") from None
    return ExplainableBoostingClassifier
