"""Shapley values of boosted trees with two classes, whose log-odds are a sum over trees.

Interventional ones are shap's TreeExplainer's, over a background of rows; path-dependent ones those that XGBoost and
LightGBM compute themselves, and of scikit-learn's trees again shap's. The explained number is the log-odds of the
second class, or of the first with all signs turned round.
"""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from probandum.errors import TargetError
from probandum.evidence import ATTRIBUTED_ROWS, Floats, Request, Response, Table
from probandum.targets.loading import need, said

INTERVENTIONAL, PATH_DEPENDENT = ATTRIBUTED_ROWS
#: Classifiers of scikit-learn that add up log-odds over trees; forests average probabilities, and are none.
_BOOSTED = ("GradientBoostingClassifier", "HistGradientBoostingClassifier")

#: Attributions by a method of rows behind so many of the background: (rows, 1 + columns), base first.
Attribute = Callable[[str, Table, int], Floats]


def methods_of(model: Any) -> tuple[str, ...]:
    """How a fitted classifier of scikit-learn can be attributed; none where its log-odds are no sum over trees."""
    boosted = type(model).__module__.startswith("sklearn.ensemble.") and type(model).__name__ in _BOOSTED
    fits = boosted and len(model.classes_) == 2 and importlib.util.find_spec("shap") is not None
    return tuple(ATTRIBUTED_ROWS) if fits else ()


def by_shap(model: Any, rows: Floats, *, background: int, method: str) -> Floats:
    """Base and attributions of the ``rows`` behind the background, shape (rows, 1 + columns).

    shap's own check that they add up raises where they do not.
    """
    _import_again("sklearn", "pandas")
    interventional = method == INTERVENTIONAL
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the library deprecates among its own models and imports
        shap = need("shap", needed_for="Shapley values of trees", extra="explain")
        explainer = shap.TreeExplainer(
            model,
            data=rows[:background] if interventional else None,
            feature_perturbation="interventional" if interventional else "tree_path_dependent",
            model_output="raw",
        )
        found = np.asarray(explainer.shap_values(rows[background:], check_additivity=True), dtype=np.float64)
    if found.ndim == 3:  # one of each class
        found = found[..., -1]
    base = float(np.asarray(explainer.expected_value, dtype=np.float64).reshape(-1)[-1])
    return np.column_stack([np.full(len(found), base), found])


def _import_again(*modules: str) -> None:
    """Allow the import of what a process of boosted trees leaves out."""
    for module in modules:
        if sys.modules.get(module, module) is None:
            del sys.modules[module]


def attributed(
    request: Request,
    *,
    labels: tuple[str, ...],
    methods: tuple[str, ...],
    columns: tuple[str, ...],
    attribute: Attribute,
    probabilities: Callable[[Table], Floats],
) -> Response:
    """The answer to an attribute request of rows; what cannot be meant, or what the library raises, is its error.

    ``columns``: those of the model, empty where it takes all that come.
    """
    try:
        method, background, which = _meant(request, labels, methods)
        rows = request.table.select(columns) if columns else request.table
        said_of = attribute(method, rows, background)
        explained = rows.take(np.arange(background, len(rows)))
        chances = probabilities(explained).reshape(len(explained), -1)[:, -1]
        with np.errstate(divide="ignore"):
            score = np.log(chances) - np.log1p(-chances)
    except TargetError:
        raise
    except (Exception, SystemExit) as error:
        return Response(error=said(error))
    sign = 1.0 if which == 1 else -1.0
    residual = said_of.sum(axis=1) - score
    whole = np.column_stack([np.full(len(score), float(which)), sign * score, sign * said_of[:, 0], sign * residual])
    return Response(outputs=np.column_stack([whole, sign * said_of[:, 1:]]), labels=(*ATTRIBUTED_ROWS[method], *rows))


def _meant(request: Request, labels: tuple[str, ...], methods: tuple[str, ...]) -> tuple[str, int, int]:
    """Method, background and place of the class that a request names; ValueError says what cannot be meant."""
    given = dict(request.parameters)
    method, background, name = given.pop("method", None), given.pop("background", 0), given.pop("class", None)
    if given:
        raise ValueError(f"parameter {next(iter(given))}: not known; known: method, background, class")
    if method not in methods:
        raise ValueError(f"parameter method: {method!r}, expected {' or '.join(methods)}")
    if name not in labels:
        raise ValueError(f"parameter class: {name!r} is no class; known: {', '.join(labels)}")
    least, most = (1, len(request) - 1) if method == INTERVENTIONAL else (0, 0)
    if not isinstance(background, int) or isinstance(background, bool) or not least <= background <= most:
        raise ValueError(f"parameter background: {background!r}, expected {least} to {most} rows")
    return str(method), background, labels.index(str(name))
