"""What the targets of boosted trees share: a file, a process that holds it, and columns in the model's own order."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from probandum.errors import MissingDependency, TargetError, UsageError
from probandum.evidence import Capability, Request, Response, Table
from probandum.keywords import Seconds, Text
from probandum.subject import NUMERIC
from probandum.target import Problem, Target, TargetContext
from probandum.targets.answering import Inputs, Labels, answered, misnamed, names_of
from probandum.targets.apart import Apart
from probandum.targets.fitted import Part, columns_of, refuse_no_numbers
from probandum.targets.forms import Sha256, other_file
from probandum.targets.loading import ModelFile, model_path
from probandum.targets.tree_values import attributed
from probandum.versions import installed


class BoostedTarget(Target):
    """Class probabilities of boosted trees over table rows, or with ``decision.outcome: numeric`` one number a row.

    A subclass says which library runs it, what its files are called, and which objectives give probabilities.
    """

    capabilities = frozenset({Capability.PREDICT})
    shareable = True
    numeric = True
    module: ClassVar[Literal["xgboost", "lightgbm"]]
    packages: ClassVar[tuple[str, ...]]
    extra: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    objectives: ClassVar[str]

    def __init__(
        self,
        context: TargetContext,
        *,
        path: Text,
        labels: Labels = (),
        sha256: Sha256 | None = None,
        timeout: Seconds = 600.0,
    ) -> None:
        if importlib.util.find_spec(self.module) is None:
            raise MissingDependency(self.module, needed_for=f"target {self.name}", extra=self.extra)
        if context.device.startswith("cuda"):
            raise TargetError(f"execution.device: target {self.name} runs on the CPU", remedy="use device: cpu")
        file = ModelFile.read(model_path(context, path), sha256=sha256)
        self._file, self._digest = file.path.name, file.digest
        if text := self._other_kind(file.path):
            raise UsageError(text)
        if not file.data:
            raise TargetError(f"{self._file}: the file is empty")
        part = Part(kind=self.module, name=self._file, data=file.data)
        self._fitted = Apart([part], timeout=timeout, threads=context.threads, quiet=True, missing=context.missing)
        try:
            if context.numeric:
                refuse_no_numbers(self._file, self._fitted.facts)
            self.labels = (NUMERIC,) if context.numeric else self._class_names(labels)
            self._names = columns_of(self._file, self._fitted.facts, context.features, self.as_named)
            if self._fitted.facts.attributes and not context.numeric:
                self.capabilities = self.capabilities | {Capability.ATTRIBUTE}
        except BaseException:
            self._fitted.close()
            raise

    @property
    def cpu_seconds_apart(self) -> float:
        """Those of the process that holds the model."""
        return self._fitted.cpu_seconds

    @classmethod
    def file_problems(cls, options: Mapping[str, Any], context: TargetContext) -> Iterator[Problem]:
        """A file that is no model of the library, or another than the plan's; the rest shows when it is loaded."""
        path = model_path(context, options["path"])
        if text := cls._other_kind(path) or cls.no_model(path):
            yield Problem(("path",), text)
        labels = options.get("labels", ())
        numbers = [str(number) for number in range(len(labels))]
        if (text := misnamed(labels, numbers, counted_from_0=True)) is not None:
            yield Problem(("labels",), text)
        yield from other_file(path, options)

    @classmethod
    def no_model(cls, path: Path) -> str | None:
        """What to say of a file that the library cannot have written; None where it may have."""
        raise NotImplementedError

    @classmethod
    def _other_kind(cls, path: Path) -> str | None:
        if path.suffix.lower() in cls.suffixes:
            return None
        return f"{path.name}: unknown kind of model file {path.suffix!r}; expected {' or '.join(cls.suffixes)}"

    @classmethod
    def as_named(cls, column: str) -> str:
        """A column as the library names it in a model."""
        return column

    @classmethod
    def answers_only(cls, options: Mapping[str, Any]) -> frozenset[Capability] | None:
        """Rows, and their attributions where the trees have two classes."""
        return cls.capabilities | {Capability.ATTRIBUTE}

    def identity(self) -> Mapping[str, Any]:
        """The digest of the file, its objective and rounds, the columns, and the versions that ran it."""
        return {
            "file": self._file,
            "sha256": self._digest,
            **self._fitted.facts.about,
            "columns": list(self._names),
            "versions": installed((*self.packages, "numpy")),
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
            attribute=lambda method, rows, count: self._fitted.attributions(method, self._as_trained(rows), count),
            probabilities=lambda rows: self._fitted.probabilities(self._as_trained(rows)),
        )

    def close(self) -> None:
        """End the process of the model."""
        self._fitted.close()

    def _ask(self, inputs: Inputs) -> Any:
        if not isinstance(inputs, Table):
            raise TypeError("expected rows, got texts")
        return self._fitted.probabilities(self._as_trained(inputs.select(self._names) if self._names else inputs))

    def _as_trained(self, rows: Table) -> Table:
        return Table({self.as_named(name): rows[name] for name in rows})

    def _class_names(self, labels: Sequence[object]) -> tuple[str, ...]:
        """The plan's names, or the numbers of the classes; TargetError where the model gives no probabilities."""
        facts = self._fitted.facts
        if facts.classes is None or facts.outputs > 1:
            why = "several outputs" if facts.outputs > 1 else "no class probabilities"
            raise TargetError(
                f"{self._file}: a {facts.type}, which gives {why}",
                remedy=f"train it with {self.objectives}, or audit its decisions with target log",
            )
        return names_of(labels, facts.classes, counted_from_0=True)
