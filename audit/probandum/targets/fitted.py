"""A fitted classifier of scikit-learn's kind: what it says of itself, and how it is asked for probabilities."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from probandum.errors import TargetError
from probandum.evidence import Floats, Table
from probandum.gaps import with_missing
from probandum.targets.answering import Inputs, own_names
from probandum.targets.loading import need, said
from probandum.targets.tree_values import by_shap, methods_of
from probandum.units import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a model says of itself.

    ``classes``: their names in its own order; None where it gives no class probabilities. ``numeric``: whether it gives
    numbers instead. ``outputs``: how many things it predicts at once. ``columns``: the names it was trained on;
    ``width``: how many columns it takes. ``warned``: what was said against it when it was loaded; ``about``: what else
    identifies it. ``attributes``: how it can say what its columns did to an answer (``evidence.ATTRIBUTED_ROWS``).
    """

    module: str
    type: str
    classes: tuple[str, ...] | None
    outputs: int
    columns: tuple[str, ...] | None
    width: int | None
    numeric: bool = False
    warned: tuple[str, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)
    attributes: tuple[str, ...] = ()


def refuse_no_numbers(file: str, facts: Facts) -> None:
    """TargetError where a model gives no number a row, and the plan declares that its outcome is one."""
    if not facts.numeric or facts.outputs > 1:
        what = "with several outputs" if facts.outputs > 1 else "which is no regression"
        raise TargetError(
            f"{file}: a {facts.type}, {what}, and the plan declares a numeric outcome",
            remedy="leave decision.outcome out for class probabilities, or audit its numbers with target log",
        )


def columns_of(
    file: str, facts: Facts, features: Sequence[str], as_named: Callable[[str], str] = str
) -> tuple[str, ...]:
    """The plan's columns in the model's own order; TargetError where ``features`` do not cover them.

    ``as_named``: how the library writes a column's name into a model.
    """
    if facts.columns is not None:
        ours = {as_named(name): name for name in features}
        absent = [name for name in facts.columns if features and name not in ours]
        if absent:
            raise TargetError(
                f"{file}: the model takes the column {absent[0]!r}, which data.features lacks",
                remedy=f"its columns: {', '.join(facts.columns)}",
            )
        return tuple(ours.get(name, name) for name in facts.columns)
    if features and facts.width is not None and facts.width != len(features):
        raise TargetError(
            f"{file}: the model takes {counted(facts.width, 'column')}, data.features names {len(features)}"
        )
    return tuple(features)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The bytes of one file. ``trusted``: types beyond the safe list that a skops file may hold."""

    kind: Literal["pickle", "skops", "xgboost", "lightgbm"]
    name: str
    data: bytes
    trusted: tuple[str, ...] = ()


class Fitted(Protocol):
    """A classifier, in this process or in another."""

    @property
    def facts(self) -> Facts:
        """What it says of itself."""
        ...

    def probabilities(self, inputs: Inputs) -> Floats:
        """Of every class, shape (inputs, classes), or the numbers of one that has none; whatever the model raises."""
        ...

    def attributions(self, method: str, rows: Table, background: int) -> Floats:
        """Base and attributions of the second class in log-odds, shape (rows, 1 + columns)."""
        ...

    def close(self) -> None:
        """Give memory back."""
        ...


class Held:
    """A classifier in this process, behind its vectorizer where it has one; ``missing``: an empty text is a gap."""

    def __init__(
        self, model: Any, vectorizer: Any = None, *, warned: Sequence[str] = (), missing: bool = False
    ) -> None:
        self._model, self._vectorizer, self._missing = model, vectorizer, missing
        self.facts = _facts(model, warned)

    def probabilities(self, inputs: Inputs) -> Floats:
        """As the model gives them."""
        prepared = self._rows(inputs) if isinstance(inputs, Table) else self._texts(inputs)
        asked = self._model.predict if self.facts.numeric else self._model.predict_proba
        return np.asarray(asked(prepared), dtype=np.float64)

    def attributions(self, method: str, rows: Table, background: int) -> Floats:
        """As shap gives them; only of models whose facts say so."""
        return by_shap(self._model, rows.matrix(), background=background, method=method)

    def close(self) -> None:
        """Nothing: memory goes with the object."""

    def _texts(self, texts: tuple[str, ...]) -> Any:
        return list(texts) if self._vectorizer is None else self._vectorizer.transform(list(texts))

    def _rows(self, rows: Table) -> Any:
        """What the model was trained on: a data frame where it knows column names, else a matrix."""
        columns = {name: with_missing(column) if self._missing else column for name, column in rows.columns.items()}
        if self.facts.columns is not None:
            frame = need("pandas", needed_for="a model trained on a data frame", extra="sklearn").DataFrame
            return frame(columns)
        if all(column.dtype.kind in "fiub" for column in columns.values()):
            return rows.matrix()
        matrix = np.empty((len(rows), len(columns)), dtype=object)
        for index, column in enumerate(columns.values()):
            matrix[:, index] = column
        return matrix


def load(parts: Sequence[Part], *, missing: bool = False) -> Held:
    """The model, and behind it the vectorizer where there is one; TargetError where a file cannot be loaded.

    A pickle runs whatever code is in it. ``missing``: an empty text among its columns is a gap.
    """
    loaded: list[Any] = []
    warned: list[str] = []
    for part in parts:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            loaded.append(_unpickled(part) if part.kind == "pickle" else _from_skops(part))
        warned += _version_cautions(part.name, caught)
    return Held(*loaded, warned=warned, missing=missing)


def _from_skops(part: Part) -> Any:
    skops = need("skops.io", needed_for=part.name, extra="skops")
    try:
        return skops.loads(part.data, trusted=list(part.trusted))
    except Exception as error:  # a damaged file fails in as many ways as it has parts
        raise TargetError(f"{part.name}: cannot be loaded: {said(error)}") from None


def _unpickled(part: Part) -> Any:
    joblib = need("joblib", needed_for=part.name, extra="sklearn")
    try:
        return joblib.load(io.BytesIO(part.data))
    except (Exception, SystemExit) as error:  # unpickling runs the file's own code
        raise TargetError(f"{part.name}: cannot be unpickled: {said(error)}") from None


def _facts(model: Any, warned: Sequence[str]) -> Facts:
    known, width = getattr(model, "feature_names_in_", None), getattr(model, "n_features_in_", None)
    classes = getattr(model, "classes_", None) if hasattr(model, "predict_proba") else None
    several = isinstance(classes, list)
    return Facts(
        module=type(model).__module__,
        type=type(model).__qualname__,
        classes=None if classes is None else () if several else own_names(np.asarray(classes)),
        outputs=len(classes) if several and classes is not None else 1,
        columns=None if known is None else tuple(str(name) for name in known),
        width=None if width is None else int(width),
        numeric=classes is None and _is_regressor(model),
        warned=tuple(warned),
        attributes=methods_of(model),
    )


def _is_regressor(model: Any) -> bool:
    """Whether the model says that it predicts numbers."""
    from sklearn.base import is_regressor

    try:
        return bool(is_regressor(model))
    except Exception:  # what a model says of itself is its own code
        return False


def _version_cautions(name: str, caught: Sequence[warnings.WarningMessage]) -> list[str]:
    """Models saved by another scikit-learn, as cautions; every other warning goes on to where it was going."""
    from sklearn.exceptions import InconsistentVersionWarning

    cautions: dict[str, None] = {}
    for each in caught:
        if isinstance(each.message, InconsistentVersionWarning):
            saved, now = each.message.original_sklearn_version, each.message.current_sklearn_version
            cautions[f"{name} was saved with scikit-learn {saved} and loaded with {now}; its answers may differ."] = (
                None
            )
        else:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    return list(cautions)
