"""A scikit-learn classifier from a file: skops, or pickle with an explicit flag and its digest."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from probandum.errors import MissingDependency, TargetError, UnsafeRefused, UsageError, did_you_mean
from probandum.evidence import Capability, Request, Response, Table
from probandum.keywords import Seconds, Text
from probandum.subject import NUMERIC
from probandum.target import Problem, Target, TargetContext, kind_of, target
from probandum.targets.answering import Inputs, Labels, answered, misnamed, names_of
from probandum.targets.apart import Apart
from probandum.targets.fitted import Facts, Fitted, Part, columns_of, load, refuse_no_numbers
from probandum.targets.forms import Sha256, no_skops, other_file, skops_classes
from probandum.targets.loading import ModelFile, file_digest, model_path, need, said
from probandum.targets.tree_values import attributed
from probandum.versions import installed

_PICKLES = (".joblib", ".pkl", ".pickle")
_KINDS = ("predict", "classify")
#: The keys of files, each with that of its digest.
_DIGESTS = {"path": "sha256", "vectorizer": "vectorizer_sha256"}


@target("sklearn")
class SklearnTarget(Target):
    """Class probabilities of a scikit-learn classifier, over table rows or over texts.

    ``path``: ``.skops``, or ``.joblib``, ``.pkl`` with ``unsafe_pickle: true`` and ``sha256``;
    ``package:NAME/path`` lies in an installed package. ``vectorizer``: a second file that turns texts into
    the model's inputs. ``kind``: predict (rows) or classify (texts), by default classify with a vectorizer.
    ``labels``: class names in the order of the model's classes. With ``decision.outcome: numeric`` in the plan it is a
    regression, and answers one number a row. ``trusted``: types beyond the safe list that
    a skops file may hold, only beside its ``sha256``. A pickle is loaded and asked in a process of its own, which
    is ended where it takes more than ``timeout`` seconds.
    """

    shareable = True
    numeric = True

    def __init__(
        self,
        context: TargetContext,
        *,
        path: Text,
        vectorizer: Text | None = None,
        kind: str | None = None,
        labels: Labels = (),
        sha256: Sha256 | None = None,
        vectorizer_sha256: Sha256 | None = None,
        unsafe_pickle: bool = False,
        trusted: Sequence[Text] = (),
        timeout: Seconds = 600.0,
    ) -> None:
        if importlib.util.find_spec("sklearn") is None:
            raise MissingDependency("sklearn", needed_for="target sklearn", extra="sklearn")
        kind = kind or ("classify" if vectorizer else "predict")
        self.capabilities = frozenset({Capability(kind)})
        first = _read(context, path, sha256, unsafe_pickle, trusted, "sha256")
        second = None
        if vectorizer is not None:
            second = _read(context, vectorizer, vectorizer_sha256, unsafe_pickle, trusted, "vectorizer_sha256")
        self._file, self._digest = first.part.name, first.digest
        self._vectorizer_digest = None if second is None else second.digest
        parts = [each.part for each in (first, second) if each is not None]
        pickled = any(part.kind == "pickle" for part in parts)
        missing = context.missing
        self._fitted: Fitted = (
            Apart(parts, timeout=timeout, missing=missing) if pickled else load(parts, missing=missing)
        )
        cautions = [each.caution for each in (first, second) if each is not None and each.caution]
        try:
            self.cautions = (*cautions, *self._fitted.facts.warned)
            if context.numeric and Capability.PREDICT not in self.capabilities:
                raise UsageError("target.kind: a numeric outcome is one of rows", remedy="expected kind: predict")
            if context.numeric:
                refuse_no_numbers(self._file, self._fitted.facts)
            self.labels = (NUMERIC,) if context.numeric else _labels(self._file, self._fitted.facts, labels)
            of_texts = second is not None or Capability.CLASSIFY in self.capabilities
            self._names = () if of_texts else columns_of(self._file, self._fitted.facts, context.features)
            if self._fitted.facts.attributes and not of_texts and not context.numeric:
                self.capabilities = self.capabilities | {Capability.ATTRIBUTE}
        except BaseException:
            self._fitted.close()
            raise

    @property
    def cpu_seconds_apart(self) -> float:
        """Those of the process that holds a pickled model."""
        return self._fitted.cpu_seconds if isinstance(self._fitted, Apart) else 0.0

    @classmethod
    def problems(cls, options: Mapping[str, Any], context: TargetContext) -> Iterator[Problem]:
        """What is wrong with the kind."""
        kind = options.get("kind")
        if kind is not None and kind not in _KINDS:
            yield Problem(("kind",), f"{kind!r}, expected predict or classify{did_you_mean(kind, _KINDS)}")

    @classmethod
    def file_problems(cls, options: Mapping[str, Any], context: TargetContext) -> Iterator[Problem]:
        """A file that is no skops file, an unpickling that the plan does not allow, and another file than the plan's.

        Which types a skops file holds, and what a pickle is, shows when they are loaded.
        """
        for key, digest in _DIGESTS.items():
            if options.get(key) is None:
                continue
            path = model_path(context, options[key])
            try:
                suffix = _allowed(path, options.get(digest), options.get("unsafe_pickle") is True, digest)
            except (UsageError, UnsafeRefused) as error:
                yield Problem((key,), "; ".join(error.lines()))
                continue
            if suffix == ".skops" and (text := no_skops(path)):
                yield Problem((key,), text)
            elif suffix == ".skops" and key == "path" and (own := cls.own_classes(options, context)):
                text = misnamed(options.get("labels", ()), own)
                yield from [] if text is None else [Problem(("labels",), text)]
            yield from other_file(path, options, digest)

    @classmethod
    def own_classes(cls, options: Mapping[str, Any], context: TargetContext) -> tuple[str, ...]:
        """Those in a skops file."""
        return skops_classes(model_path(context, options["path"]))

    @classmethod
    def sources(cls, context: TargetContext, options: Mapping[str, Any]) -> tuple[Path, ...]:
        """The model's file, and the vectorizer's."""
        named = (options.get("path"), options.get("vectorizer"))
        return tuple(model_path(context, path) for path in named if isinstance(path, str))

    @classmethod
    def answers_only(cls, options: Mapping[str, Any]) -> frozenset[Capability] | None:
        """Texts, or rows and their attributions where the model is one of boosted trees."""
        kind = kind_of(options, usual=Capability.CLASSIFY if options.get("vectorizer") else Capability.PREDICT)
        return kind | {Capability.ATTRIBUTE} if kind is not None and Capability.PREDICT in kind else kind

    def identity(self) -> Mapping[str, Any]:
        """Digests of the files, the class, and the versions that ran it."""
        return {
            "file": self._file,
            "sha256": self._digest,
            "vectorizer_sha256": self._vectorizer_digest,
            "class": f"{self._fitted.facts.module}.{self._fitted.facts.type}",
            "columns": list(self._names),
            "precision": "float64",
            "versions": installed(("scikit-learn", "numpy", "scipy", "joblib", "skops")),
        }

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """Probabilities in the order of ``labels``, all blocks of a pack in one call of the model; or attributions."""
        return answered(self, requests, self._ask, attributed=self._attributed)

    def _attributed(self, request: Request) -> Response:
        return attributed(
            request,
            labels=self.labels,
            methods=self._fitted.facts.attributes,
            columns=self._names,
            attribute=self._fitted.attributions,
            probabilities=self._fitted.probabilities,
        )

    def close(self) -> None:
        """Give memory back, and end the process of an unpickled model."""
        self._fitted.close()

    def _ask(self, inputs: Inputs) -> Any:
        if not isinstance(inputs, Table):
            return self._fitted.probabilities(inputs)
        return self._fitted.probabilities(inputs.select(self._names) if self._names else inputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A file that may be loaded, its digest, and what every report says of it."""

    part: Part
    digest: str
    caution: str


def _read(
    context: TargetContext, path: str, sha256: str | None, unsafe: bool, trusted: Sequence[str], key: str
) -> _Read:
    """A file that was found to be what the plan says; UnsafeRefused where loading it was not allowed."""
    place = model_path(context, path)
    suffix = _allowed(place, sha256, unsafe, key)
    file = ModelFile.read(place, sha256=sha256)
    if suffix == ".skops":
        found = _beyond_the_safe_list(file, sha256, trusted, key)
        caution = f"{place.name} holds types beyond the safe list, trusted by the plan: {', '.join(found)}."
        part = Part(kind="skops", name=place.name, data=file.data, trusted=tuple(found))
        return _Read(part=part, digest=file.digest, caution=caution if found else "")
    caution = (
        f"{place.name} was unpickled (unsafe_pickle: true), which runs code from the file; its SHA-256 was checked. "
        "The code ran in a process of its own without sockets: that hinders code that means harm and stops none."
    )
    return _Read(part=Part(kind="pickle", name=place.name, data=file.data), digest=file.digest, caution=caution)


def _allowed(place: Path, sha256: str | None, unsafe: bool, key: str) -> str:
    """The suffix of a file that the plan allows to load; UsageError of another kind, UnsafeRefused of a pickle."""
    suffix = place.suffix.lower()
    if suffix not in (".skops", *_PICKLES):
        raise UsageError(
            f"{place.name}: unknown kind of model file {suffix!r}", remedy="expected .skops or .joblib, .pkl"
        )
    if suffix in _PICKLES and unsafe is not True:
        raise UnsafeRefused(
            f"{place.name}: loading a pickle runs whatever code is in it",
            remedy="convert it to .skops or ONNX, or, if you trust its source, "
            f"set unsafe_pickle: true and {key} in the target",
        )
    if suffix in _PICKLES and sha256 is None:
        raise UnsafeRefused(
            f"{place.name}: a pickle is loaded only where the plan names its SHA-256",
            remedy=f"if you trust this file, add {key}: {file_digest(place).removeprefix('sha256:')}",
        )
    return suffix


def _beyond_the_safe_list(file: ModelFile, sha256: str | None, trusted: Sequence[str], key: str) -> list[str]:
    """The types of a skops file that only the plan's trust allows; UnsafeRefused where it does not."""
    skops = need("skops.io", needed_for=file.path.name, extra="skops")
    if trusted and sha256 is None:
        raise UnsafeRefused(
            f"{file.path.name}: types are trusted only in a file whose SHA-256 the plan names",
            remedy=f"if you trust this file, add {key}: {file.digest.removeprefix('sha256:')}",
        )
    try:
        found: list[str] = skops.get_untrusted_types(data=file.data)
    except Exception as error:  # a damaged zip fails in as many ways as it has parts
        raise TargetError(f"{file.path.name}: no skops file: {said(error)}") from None
    refused = sorted(set(found) - set(trusted))
    if refused:
        raise UnsafeRefused(
            f"{file.path.name}: holds types that are not on the safe list: {', '.join(refused)}",
            remedy=f"if you trust this file, name them under target.trusted beside its {key}",
        )
    return found


def _labels(file: str, facts: Facts, labels: Sequence[object]) -> tuple[str, ...]:
    """Class names as text, in the model's order; TargetError where it gives no probabilities."""
    if facts.classes is None:
        raise TargetError(
            f"{file}: a {facts.type} without class probabilities (predict_proba)",
            remedy="declare decision.outcome: numeric"
            if facts.numeric
            else "calibrate it, for example in a CalibratedClassifierCV, or audit its decisions with target log",
        )
    if facts.outputs > 1:
        raise TargetError(f"{file}: a {facts.type} with several outputs; expected one")
    return names_of(labels, facts.classes)
