"""A scikit-learn classifier from a file: skops, or pickle with an explicit flag and its digest."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from probandum.errors import TargetError, UnsafeRefused, UsageError, did_you_mean
from probandum.evidence import Capability, Request, Response, Table
from probandum.subject import as_text
from probandum.target import Target, TargetContext, target
from probandum.targets.answering import Inputs, answered, class_names
from probandum.targets.loading import ModelFile, model_path, need, said, versions

_PICKLES = (".joblib", ".pkl", ".pickle")


@target("sklearn")
class SklearnTarget(Target):
    """Class probabilities of a scikit-learn classifier, over table rows or over texts.

    ``path``: ``.skops``, or ``.joblib``, ``.pkl`` with ``unsafe_pickle: true`` and ``sha256``;
    ``package:NAME/path`` lies in an installed package. ``vectorizer``: a second file that turns texts into
    the model's inputs. ``kind``: predict (rows) or classify (texts), by default classify with a vectorizer.
    ``labels``: class names in the order of the model's classes. ``trusted``: types beyond the safe list that
    a skops file may hold, only beside its ``sha256``.
    """

    shareable = True

    def __init__(
        self,
        context: TargetContext,
        *,
        path: str,
        vectorizer: str | None = None,
        kind: str | None = None,
        labels: Sequence[object] = (),
        sha256: str | None = None,
        vectorizer_sha256: str | None = None,
        unsafe_pickle: bool = False,
        trusted: Sequence[str] = (),
    ) -> None:
        need("sklearn", needed_for="target sklearn", extra="sklearn")
        kind = kind or ("classify" if vectorizer else "predict")
        if kind not in ("predict", "classify"):
            raise UsageError(f"target.kind: {kind!r}, expected predict or classify{did_you_mean(kind, ['classify'])}")
        self.capabilities = frozenset({Capability(kind)})
        self._file = model_path(context, path).name
        self._model, self._digest, cautions = _load(
            model_path(context, path), sha256=sha256, unsafe=unsafe_pickle, trusted=trusted, key="sha256"
        )
        self._vectorizer, self._vectorizer_digest = None, None
        if vectorizer is not None:
            self._vectorizer, self._vectorizer_digest, more = _load(
                model_path(context, vectorizer),
                sha256=vectorizer_sha256,
                unsafe=unsafe_pickle,
                trusted=trusted,
                key="vectorizer_sha256",
            )
            cautions = [*cautions, *more]
        self.cautions = tuple(cautions)
        self.labels = _labels(self._file, self._model, labels)
        self._names = self._column_names(context.features)

    @classmethod
    def sources(cls, context: TargetContext, options: Mapping[str, Any]) -> tuple[Path, ...]:
        """The model's file, and the vectorizer's."""
        named = (options.get("path"), options.get("vectorizer"))
        return tuple(model_path(context, path) for path in named if isinstance(path, str))

    def identity(self) -> Mapping[str, Any]:
        """Digests of the files, the class, and the versions that ran it."""
        return {
            "file": self._file,
            "sha256": self._digest,
            "vectorizer_sha256": self._vectorizer_digest,
            "class": f"{type(self._model).__module__}.{type(self._model).__qualname__}",
            "columns": list(self._names),
            "precision": "float64",
            "versions": dict(versions(("scikit-learn", "numpy", "scipy", "joblib", "skops"))),
        }

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """Probabilities in the order of ``labels``; all blocks of a pack in one call of the model."""
        return answered(self, requests, self._ask)

    def _ask(self, inputs: Inputs) -> Any:
        prepared = self._rows(inputs) if isinstance(inputs, Table) else self._texts(inputs)
        return self._model.predict_proba(prepared)

    def _texts(self, texts: tuple[str, ...]) -> Any:
        return list(texts) if self._vectorizer is None else self._vectorizer.transform(list(texts))

    def _rows(self, table: Table) -> Any:
        """What the model was trained on: a data frame where it knows column names, else a matrix."""
        absent = [name for name in self._names if name not in table]
        if absent:
            raise KeyError(f"the rows lack the column {absent[0]!r}")
        rows = table.select(self._names) if self._names else table
        if hasattr(self._model, "feature_names_in_"):
            frame = need("pandas", needed_for="a model trained on a data frame", extra="sklearn").DataFrame
            return frame(rows.columns)
        if all(column.dtype.kind in "fiub" for column in rows.columns.values()):
            return rows.matrix()
        matrix = np.empty((len(rows), len(rows.columns)), dtype=object)
        for index, column in enumerate(rows.columns.values()):
            matrix[:, index] = column
        return matrix

    def _column_names(self, features: Sequence[str]) -> tuple[str, ...]:
        """The columns in the model's own order; TargetError where the plan's features do not cover them."""
        known = getattr(self._model, "feature_names_in_", None)
        count = getattr(self._model, "n_features_in_", None)
        if self._vectorizer is not None or Capability.CLASSIFY in self.capabilities:
            return ()
        if known is not None:
            names = tuple(str(name) for name in known)
            absent = [name for name in names if features and name not in features]
            if absent:
                raise TargetError(
                    f"{self._file}: the model takes the column {absent[0]!r}, which data.features lacks",
                    remedy=f"its columns: {', '.join(names)}",
                )
            return names
        if features and count is not None and count != len(features):
            raise TargetError(f"{self._file}: the model takes {count} columns, data.features names {len(features)}")
        return tuple(features)


def _load(
    path: Path, *, sha256: str | None, unsafe: bool, trusted: Sequence[str], key: str
) -> tuple[Any, str, list[str]]:
    """The object in a file, the file's digest, and cautions for every report."""
    suffix = path.suffix.lower()
    if suffix not in (".skops", *_PICKLES):
        raise UsageError(
            f"{path.name}: unknown kind of model file {suffix!r}", remedy="expected .skops or .joblib, .pkl"
        )
    if suffix in _PICKLES and unsafe is not True:
        raise UnsafeRefused(
            f"{path.name}: loading a pickle runs whatever code is in it",
            remedy="convert it to .skops or ONNX, or, if you trust its source, "
            f"set unsafe_pickle: true and {key} in the target",
        )
    file = ModelFile.read(path, sha256=sha256)
    if suffix in _PICKLES and sha256 is None:
        raise UnsafeRefused(
            f"{path.name}: a pickle is loaded only where the plan names its SHA-256",
            remedy=f"if you trust this file, add {key}: {file.digest.removeprefix('sha256:')}",
        )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if suffix == ".skops":
            loaded, cautions = _load_skops(file, sha256, trusted, key)
        else:
            loaded, cautions = _load_pickle(file)
    return loaded, file.digest, [*cautions, *_version_cautions(file.path.name, caught)]


def _load_skops(file: ModelFile, sha256: str | None, trusted: Sequence[str], key: str) -> tuple[Any, list[str]]:
    skops = need("skops.io", needed_for=file.path.name, extra="skops")
    if trusted and sha256 is None:
        raise UnsafeRefused(
            f"{file.path.name}: types are trusted only in a file whose SHA-256 the plan names",
            remedy=f"if you trust this file, add {key}: {file.digest.removeprefix('sha256:')}",
        )
    try:
        found = skops.get_untrusted_types(data=file.data)
    except Exception as error:  # a damaged zip fails in as many ways as it has parts
        raise TargetError(f"{file.path.name}: no skops file: {said(error)}") from None
    refused = sorted(set(found) - set(trusted))
    if refused:
        raise UnsafeRefused(
            f"{file.path.name}: holds types that are not on the safe list: {', '.join(refused)}",
            remedy=f"if you trust this file, name them under target.trusted beside its {key}",
        )
    try:
        loaded = skops.loads(file.data, trusted=found)
    except Exception as error:
        raise TargetError(f"{file.path.name}: cannot be loaded: {said(error)}") from None
    cautions = [f"{file.path.name} holds types beyond the safe list, trusted by the plan: {', '.join(found)}."]
    return loaded, cautions if found else []


def _load_pickle(file: ModelFile) -> tuple[Any, list[str]]:
    joblib = need("joblib", needed_for=file.path.name, extra="sklearn")
    try:
        loaded = joblib.load(io.BytesIO(file.data))
    except (Exception, SystemExit) as error:  # unpickling runs the file's own code
        raise TargetError(f"{file.path.name}: cannot be unpickled: {said(error)}") from None
    return loaded, [
        f"{file.path.name} was unpickled (unsafe_pickle: true), which runs code from the file; its SHA-256 was checked."
    ]


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


def _labels(file: str, model: Any, labels: Sequence[object]) -> tuple[str, ...]:
    """Class names as text, in the order of ``classes_``; TargetError where the object gives no probabilities."""
    if not hasattr(model, "predict_proba") or not hasattr(model, "classes_"):
        raise TargetError(
            f"{file}: a {type(model).__name__} without class probabilities (predict_proba)",
            remedy="calibrate it, for example in a CalibratedClassifierCV, or audit its decisions with target log",
        )
    classes = model.classes_
    if isinstance(classes, list):
        raise TargetError(f"{file}: a {type(model).__name__} with several outputs; expected one")
    if labels and len(labels) != len(classes):
        raise UsageError(f"target.labels: {len(labels)} names for {len(classes)} classes")
    if labels:
        return class_names(labels)
    kept = np.asarray(classes)
    return tuple(str(text) for text in (as_text(kept) if kept.dtype.kind in "fb" else kept.tolist()))
