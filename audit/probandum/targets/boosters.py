"""Boosted trees from the native formats of XGBoost and LightGBM, as they run in a process of their own.

Both libraries end the process that reads some damaged files, so nothing here runs in the process of the audit. Rows
become a matrix of numbers; texts in a categorical column become the codes that the model itself states, since both
libraries take a category that they never saw for another one, or for a missing value, without a word. A gap is NaN,
which both take for a missing value.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from probandum.errors import TargetError
from probandum.evidence import ATTRIBUTED_ROWS, Column, Floats, Table
from probandum.gaps import absent
from probandum.subject import NUMBER, as_text
from probandum.targets.answering import Inputs
from probandum.targets.fitted import Facts, Part
from probandum.targets.loading import need
from probandum.targets.misfit import Misfit
from probandum.targets.tree_values import INTERVENTIONAL, PATH_DEPENDENT, by_shap

#: Objectives whose answer is one number a row: an amount, or a score that ranks.
_XGBOOST_NUMBERS = ("reg:", "count:poisson", "rank:", "survival:")
_LIGHTGBM_NUMBERS = frozenset(
    {
        "regression",
        "regression_l1",
        "huber",
        "fair",
        "poisson",
        "quantile",
        "mape",
        "gamma",
        "tweedie",
        "lambdarank",
        "rank_xendcg",
    }
)
_PREFIX = re.compile(r"^\[[\d:]+\] \S+:\d+: ")


class XGBoostHeld:
    """A booster of XGBoost, in this process; of trees after the best round none answers, as in its own classifiers."""

    def __init__(self, part: Part, threads: int, *, missing: bool = False) -> None:
        self._missing = missing
        self._library = need("xgboost", needed_for=part.name, extra="xgb")
        self._booster = self._library.Booster({"nthread": threads} if threads else {})
        try:
            self._booster.load_model(bytearray(part.data))
            learner = json.loads(self._booster.save_config())["learner"]
            names, self._kinds = self._booster.feature_names, self._booster.feature_types
            best = self._booster.attr("best_iteration")
            self._rounds = self._booster.num_boosted_rounds() if best is None else int(best) + 1
            classes = int(learner["learner_model_param"]["num_class"])
            outputs = int(learner["learner_model_param"].get("num_target", 1))
            objective = str(learner["objective"]["name"])
            categorical = "c" in (self._kinds or ())
            self._categories = _xgboost_categories(self._booster, names) if categorical else {}
        except Exception as error:
            raise TargetError(f"{part.name}: no model of XGBoost: {_first_line(error)}") from None
        self.facts = Facts(
            module="xgboost",
            type=f"{objective} model",
            classes=_numbered({"binary:logistic": 2, "multi:softprob": classes}.get(objective, 0)),
            numeric=objective.startswith(_XGBOOST_NUMBERS),
            outputs=outputs,
            columns=None if names is None else tuple(names),
            width=self._booster.num_features(),
            about={"objective": objective, "rounds": str(self._rounds)},
            attributes=_methods(objective == "binary:logistic" and outputs == 1),
        )

    def probabilities(self, inputs: Inputs) -> Floats:
        """Of every class, or of the second of two."""
        found = self._booster.predict(self._data(inputs), iteration_range=(0, self._rounds))
        return np.asarray(found, dtype=np.float64)

    def attributions(self, method: str, rows: Table, background: int) -> Floats:
        """Interventional ones by shap, path-dependent ones by the library; ValueError of columns with categories."""
        if method == INTERVENTIONAL:
            _refuse_categories(self._categories)
            rounds = self._booster[: self._rounds]
            return by_shap(rounds, _matrix(rows, {}), background=background, method=method)
        matrix = self._data(rows)
        found = self._booster.predict(matrix, pred_contribs=True, iteration_range=(0, self._rounds))
        return _base_first(found)

    def close(self) -> None:
        """Nothing: memory goes with the object."""

    def _data(self, inputs: Inputs) -> Any:
        return self._library.DMatrix(
            _matrix(inputs, self._categories, missing=self._missing),
            feature_names=self._booster.feature_names,
            feature_types=self._kinds,
            enable_categorical=bool(self._categories),
        )


class LightGBMHeld:
    """A booster of LightGBM, in this process."""

    def __init__(self, part: Part, threads: int, *, missing: bool = False) -> None:
        self._missing = missing
        library = need("lightgbm", needed_for=part.name, extra="lgbm")
        self._threads = threads
        try:
            text = part.data.decode("utf-8")
            self._booster = library.Booster(model_str=text)
            names = tuple(self._booster.feature_name())
            head = dict(line.split("=", 1) for line in text.partition("\nTree=")[0].splitlines() if "=" in line)
            objective, classes = head.get("objective", "custom").split(" ")[0], int(head.get("num_class", 1))
            self._categories = _lightgbm_categories(self._booster, names)
        except Exception as error:
            raise TargetError(f"{part.name}: no model of LightGBM: {_first_line(error)}") from None
        self.facts = Facts(
            module="lightgbm",
            type=f"{objective} model",
            classes=_numbered({"binary": 2, "multiclass": classes}.get(objective, 0)),
            numeric=objective in _LIGHTGBM_NUMBERS,
            outputs=1,
            columns=None if names == tuple(f"Column_{place}" for place in range(len(names))) else names,
            width=len(names),
            about={"objective": objective, "rounds": str(self._booster.current_iteration())},
            attributes=_methods(objective == "binary"),
        )

    def probabilities(self, inputs: Inputs) -> Floats:
        """Of every class, or of the second of two."""
        matrix = _matrix(inputs, self._categories, missing=self._missing)
        found = self._booster.predict(matrix, num_threads=self._threads)
        return np.asarray(found, dtype=np.float64)

    def attributions(self, method: str, rows: Table, background: int) -> Floats:
        """Interventional ones by shap, path-dependent ones by the library; ValueError of columns with categories."""
        if method == INTERVENTIONAL:
            _refuse_categories(self._categories)
            return by_shap(self._booster, _matrix(rows, {}), background=background, method=method)
        matrix = _matrix(rows, self._categories, missing=self._missing)
        return _base_first(self._booster.predict(matrix, pred_contrib=True, num_threads=self._threads))

    def close(self) -> None:
        """Nothing: memory goes with the object."""


def _methods(two_classes: bool) -> tuple[str, ...]:
    """How trees can be attributed: of two classes alone are the log-odds a sum over trees."""
    if not two_classes:
        return ()
    return tuple(ATTRIBUTED_ROWS) if importlib.util.find_spec("shap") is not None else (PATH_DEPENDENT,)


def _refuse_categories(categories: Mapping[str, Sequence[str]]) -> None:
    if categories:
        raise ValueError(f"{INTERVENTIONAL} knows no columns with categories; {PATH_DEPENDENT} does")


def _base_first(contributions: Any) -> Floats:
    """Base and attributions from the libraries' order, which has the base last."""
    return np.roll(np.asarray(contributions, dtype=np.float64), 1, axis=1)


def _numbered(classes: int) -> tuple[str, ...] | None:
    """Both formats number classes from 0."""
    return tuple(str(number) for number in range(classes)) or None


def _xgboost_categories(booster: Any, names: Sequence[str] | None) -> dict[str, tuple[str, ...]]:
    """The categories of every column that has some, in the order of their codes.

    ValueError for names beyond ASCII: the library cuts them at the wrong places when it writes a file.
    """
    model = json.loads(bytes(booster.save_raw("json")))["learner"]["gradient_booster"]
    found = {}
    for name, each in zip(names or (), model.get("model", {}).get("cats", {}).get("enc", ()), strict=False):
        values, offsets = each["values"], each.get("offsets")
        if offsets is None:
            found[name] = tuple(as_text(np.array(values, dtype=np.float64)).tolist())
        elif any(byte < 0 for byte in values):
            raise ValueError(f"column {name!r}: names of categories beyond ASCII, which XGBoost does not keep whole")
        elif len(offsets) > 1:
            text = bytes(values).decode("ascii")
            found[name] = tuple(text[start:end] for start, end in itertools.pairwise(offsets))
    return {name: categories for name, categories in found.items() if categories}


def _lightgbm_categories(booster: Any, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The categories of every column that has some, in the order of their codes; ValueError where it is unclear."""
    known = booster.pandas_categorical or []
    places = booster.params.get("categorical_feature") or []
    if not known:
        return {}
    if not isinstance(places, list) or len(places) != len(known):
        raise ValueError("it was trained on ordered categories too, and does not say which columns have which")
    return {names[int(place)]: tuple(map(_as_read, values)) for place, values in zip(places, known, strict=True)}


def _as_read(value: object) -> str:
    """A category as a file shows it: numbers as :func:`as_text` writes them."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(as_text(np.array([value], dtype=np.float64))[0]) if number else str(value)


def _matrix(inputs: Inputs, categories: Mapping[str, Sequence[str]], *, missing: bool = False) -> Floats:
    """Rows as numbers; ValueError names a category that the model does not know, or a text that is no number.

    ``missing``: an empty text is a gap.
    """
    if not isinstance(inputs, Table):
        raise TypeError("expected rows, got texts")
    columns = inputs.columns.items()
    return np.column_stack([_numbers(name, each, categories.get(name), missing=missing) for name, each in columns])


def _numbers(name: str, column: Column, categories: Sequence[str] | None, *, missing: bool) -> Floats:
    if categories is None:
        if column.dtype.kind != "f":
            row = next((row for row, value in enumerate(column.tolist()) if not NUMBER.fullmatch(str(value))), 0)
            raise Misfit(
                row, f"column {name!r} holds the text {str(column[row])!r}, and the model takes numbers", what="row"
            )
        return np.asarray(column, dtype=np.float64)
    distinct, places = np.unique(column, return_inverse=True)
    code = {category: float(number) for number, category in enumerate(categories)}
    texts = as_text(distinct).tolist()
    if missing:
        code |= {text: np.nan for text, gap in zip(texts, absent(distinct).tolist(), strict=True) if gap}
    unknown = next((text for text in texts if text not in code), None)
    if unknown is not None:
        raise ValueError(f"column {name!r}: the model knows no category {unknown!r}; it knows {', '.join(categories)}")
    return np.array([code[text] for text in texts], dtype=np.float64)[places]


def _first_line(error: Exception) -> str:
    """What a library says, without the time, the place in its source and the stack.

    >>> _first_line(ValueError("[04:37:53] /src/json.cc:409: Unknown construct: 1\\n    nonsense\\nStack trace:"))
    'ValueError: Unknown construct: 1'
    """
    first = (str(error).splitlines() or [""])[0]
    return f"{type(error).__name__}: {_PREFIX.sub('', first)}"
