"""A classifier in ONNX, run by onnxruntime."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from probandum.errors import DataError, TargetError, UsageError
from probandum.evidence import Capability, Request, Response, Table
from probandum.keywords import Text
from probandum.subject import NUMERIC, as_text
from probandum.target import Problem, Target, TargetContext, target
from probandum.targets.answering import Inputs, Labels, answered, class_names, misnamed, names_of
from probandum.targets.casting import cast, refuse_gap_as_text
from probandum.targets.devices import threads_said
from probandum.targets.forms import Sha256, no_onnx, other_file
from probandum.targets.loading import ModelFile, file_digest, model_path, need, said
from probandum.targets.onnx_files import class_labels, external_files, missing_file
from probandum.units import counted
from probandum.versions import installed

_NUMPY = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}
_ZIPMAPS = ("seq(map(int64,tensor(float)))", "seq(map(string,tensor(float)))")
_NUMBERS = ("tensor(float)", "tensor(double)")
_PROBABILITIES = (*_NUMBERS, *_ZIPMAPS)


@target("onnx")
class OnnxTarget(Target):
    """Class probabilities of an ONNX model over table rows.

    One input of rank 2 takes ``data.features`` as a matrix in their order; several inputs take the columns
    of their names. ``output``: the name of the probabilities where the model has several such outputs.
    ``labels``: class names in the order of its columns; a model whose probabilities are a map of names (zipmap)
    says them itself. One probability a row is that of the second of two labels. With ``decision.outcome: numeric`` in
    the plan it is a regression, and ``output`` its one number a row. ``sha256``: what the file must be. Files beside
    it that hold its weights (external data) belong to the model, each with its digest. With ``data.missing:
    keep`` a missing number is NaN in a tensor of floats, and an error in any other; a text without a value is empty.
    A model whose first dimension is fixed is asked in blocks of so many rows, the last of which repeats its last row.
    """

    capabilities = frozenset({Capability.PREDICT})
    shareable = True
    numeric = True

    def __init__(
        self,
        context: TargetContext,
        *,
        path: Text,
        labels: Labels = (),
        output: Text | None = None,
        sha256: Sha256 | None = None,
    ) -> None:
        runtime = need("onnxruntime", needed_for="target onnx", extra="onnx")
        file = ModelFile.read(model_path(context, path), sha256=sha256)
        self._file, self._digest = file.path.name, file.digest
        self._named = class_labels(file.data)
        beside = external_files(file.path, file.data)
        if text := missing_file(file.path, beside):
            raise DataError(text)
        self._external = {name: file_digest(each) for name, each in beside.items()}
        self._provider = _provider(runtime, context.device)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = context.threads or threads_said()
        options.log_severity_level = 4  # errors are raised; on stderr they would break a progress bar
        held = str(file.path) if self._external else file.data  # files beside it are found from its path alone
        try:
            self._session = runtime.InferenceSession(held, options, providers=[self._provider])
        except Exception as error:  # the runtime has an exception type for each way to be no model
            raise TargetError(f"{self._file}: no ONNX model: {said(error)}") from None
        self._inputs = {each.name: each for each in self._session.get_inputs()}
        self._columns = self._input_columns(context.features)
        self._at_once = self._rows_at_once()
        self._output = self._read_output(output, _NUMBERS if context.numeric else _PROBABILITIES)
        if context.numeric:
            self._refuse_several()
        self.labels = (NUMERIC,) if context.numeric else self._class_names(labels)

    @classmethod
    def sources(cls, context: TargetContext, options: Mapping[str, Any]) -> tuple[Path, ...]:
        """The file, and those beside it that hold its weights, as far as they are there."""
        path = model_path(context, options["path"])
        if not path.is_file():
            return (path,)
        try:
            beside = external_files(path, path.read_bytes())
        except DataError:
            beside = {}
        return (path, *(each for each in beside.values() if each.is_file()))

    @classmethod
    def file_problems(cls, options: Mapping[str, Any], context: TargetContext) -> Iterator[Problem]:
        """A file that is no ONNX model, or another than the plan's; its inputs and outputs show when it is loaded."""
        path = model_path(context, options["path"])
        try:
            text = no_onnx(path) or missing_file(path, external_files(path, path.read_bytes()))
        except DataError as error:
            text = "; ".join(error.lines())
        if text:
            yield Problem(("path",), text)
        elif (own := cls.own_classes(options, context)) and not context.numeric:
            wrong = misnamed(options.get("labels", ()), own)
            yield from [] if wrong is None else [Problem(("labels",), wrong)]
        yield from other_file(path, options)

    @classmethod
    def own_classes(cls, options: Mapping[str, Any], context: TargetContext) -> tuple[str, ...]:
        """Those of a map of probabilities."""
        return class_labels(model_path(context, options["path"]).read_bytes())

    @classmethod
    def answers_only(cls, options: Mapping[str, Any]) -> frozenset[Capability] | None:
        """Rows alone."""
        return cls.capabilities

    def identity(self) -> Mapping[str, Any]:
        """The digest of the file and of those with its weights, its inputs and output, where and by what it ran."""
        return {
            "file": self._file,
            "sha256": self._digest,
            **({"external_data": self._external} if self._external else {}),
            "inputs": {name: each.type for name, each in self._inputs.items()},
            "output": self._output.name,
            "columns": list(self._columns),
            "provider": self._provider,
            "versions": installed(("onnxruntime", "onnxruntime-gpu", "numpy")),
        }

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """Probabilities in the order of ``labels``; all blocks of a pack in one call of the model."""
        return answered(self, requests, self._ask)

    def _ask(self, inputs: Inputs) -> npt.ArrayLike:
        if not isinstance(inputs, Table):
            raise TypeError("expected rows, got texts")
        feed, size = self._feed(inputs), self._at_once
        if size is None:
            return self._run(feed)
        starts = range(0, len(inputs), size)
        blocks = [self._run({name: _block(each, start, size) for name, each in feed.items()}) for start in starts]
        return np.concatenate(blocks)[: len(inputs)]

    def _run(self, feed: Mapping[str, Any]) -> npt.NDArray[Any]:
        """The output of one call of the model."""
        (values,) = self._session.run([self._output.name], feed)
        if self._output.type in _ZIPMAPS:
            values = [[row[key] for key in sorted(row)] for row in values]
        return np.asarray(values, dtype=np.float64)

    def _feed(self, table: Table) -> dict[str, Any]:
        """The rows as the model's inputs: one matrix, or one array of shape (rows, 1) or (rows,) a column."""
        rows = table.select(self._columns) if self._columns else table
        if len(self._inputs) == 1 and not self._by_name:
            (only,) = self._inputs.values()
            columns = [_cast(column, only.type, name) for name, column in rows.columns.items()]
            return {only.name: np.column_stack(columns)}
        return {
            name: _cast(rows[name], each.type, name).reshape((-1, 1) if len(each.shape) == 2 else (-1,))
            for name, each in self._inputs.items()
        }

    def _rows_at_once(self) -> int | None:
        """How many rows the model takes in one call, no more and no fewer; None where it takes any number.

        TargetError where its inputs take different numbers.
        """
        sizes = {each.shape[0] for each in self._inputs.values() if isinstance(each.shape[0], int)}
        if len(sizes) > 1 or sizes == {0}:
            raise TargetError(
                f"{self._file}: its inputs take different numbers of rows: {', '.join(map(str, sorted(sizes)))}",
                remedy="save it with a first dimension that is free (dynamic axes)",
            )
        return sizes.pop() if sizes else None

    @property
    def _by_name(self) -> bool:
        """Whether each input stands for one column."""
        return len(self._inputs) > 1 or set(self._inputs) == set(self._columns)

    def _input_columns(self, features: Sequence[str]) -> tuple[str, ...]:
        for each in self._inputs.values():
            if each.type not in _NUMPY or not 1 <= len(each.shape) <= 2:
                raise TargetError(
                    f"{self._file}: input {each.name!r} is a {each.type} of rank {len(each.shape)}",
                    remedy="expected numbers or strings, one matrix or one column an input",
                )
        if len(self._inputs) > 1:
            absent = [name for name in self._inputs if features and name not in features]
            if absent:
                raise TargetError(
                    f"{self._file}: the model takes the column {absent[0]!r}, which data.features lacks",
                    remedy=f"its columns: {', '.join(self._inputs)}",
                )
            return tuple(self._inputs)
        (only,) = self._inputs.values()
        width = only.shape[-1]
        if features and len(only.shape) == 2 and isinstance(width, int) and width != len(features):
            raise TargetError(
                f"{self._file}: the model takes {counted(width, 'column')}, data.features names {len(features)}"
            )
        return tuple(features)

    def _refuse_several(self) -> None:
        """TargetError where the model says that it gives several numbers a row."""
        width = self._output.shape[-1] if len(self._output.shape) == 2 else 1
        if len(self._output.shape) > 2 or (isinstance(width, int) and width != 1):
            raise TargetError(
                f"{self._file}: output {self._output.name!r} has the shape {self._output.shape}, "
                "and the plan declares a numeric outcome",
                remedy="expected one number a row; leave decision.outcome out for class probabilities",
            )

    def _read_output(self, name: str | None, kinds: Sequence[str]) -> Any:
        outputs = {each.name: each for each in self._session.get_outputs() if each.type in kinds}
        if name is None and len(outputs) == 1:
            return next(iter(outputs.values()))
        if name not in outputs:
            found = ", ".join(outputs) or "none"
            what = "numbers" if kinds is _NUMBERS else "probabilities"
            raise UsageError(
                f"target.output: {name!r} is no output of {what} of {self._file}", remedy=f"its outputs: {found}"
            )
        return outputs[name]

    def _class_names(self, labels: Sequence[object]) -> tuple[str, ...]:
        """The plan's names or the model's own; UsageError where the plan names more or fewer than there are."""
        if self._output.type in _ZIPMAPS and (self._named or not labels):
            return names_of(labels, self._named or self._own_labels())
        names = class_names(labels) or self._own_labels()
        width = self._output.shape[-1] if self._output.type not in _ZIPMAPS and len(self._output.shape) == 2 else None
        if isinstance(width, int) and width > 1 and width != len(names):
            raise UsageError(f"target.labels: {counted(len(names), 'name')} for {width} classes")
        return names

    def _own_labels(self) -> tuple[str, ...]:
        """The class names of a zipmap, in the order in which :meth:`_ask` puts them; UsageError for a plain tensor."""
        if self._output.type not in _ZIPMAPS:
            raise UsageError(
                f"target.labels: {self._file} does not say what its classes are called",
                remedy="name them in the order of the model's probabilities",
            )
        feed = {
            name: np.zeros([size if isinstance(size, int) else 1 for size in each.shape], dtype=_NUMPY[each.type])
            if each.type != "tensor(string)"
            else np.full([size if isinstance(size, int) else 1 for size in each.shape], "", dtype=object)
            for name, each in self._inputs.items()
        }
        try:
            (values,) = self._session.run([self._output.name], feed)
        except Exception as error:
            raise TargetError(f"{self._file}: does not answer a row of zeros: {said(error)}") from None
        return tuple(str(key) for key in sorted(values[0]))


def _provider(runtime: Any, device: str) -> str:
    """The execution provider for a device; TargetError where it is not there: it is never swapped in silence."""
    wanted = "CUDAExecutionProvider" if device.startswith("cuda") else "CPUExecutionProvider"
    if wanted not in runtime.get_available_providers():
        raise TargetError(
            f"execution.device: onnxruntime has no {wanted} here", remedy="install onnxruntime-gpu, or use device: cpu"
        )
    return wanted


def _block(values: npt.NDArray[Any], start: int, size: int) -> npt.NDArray[Any]:
    """So many rows from ``start`` on, the last one again where there are fewer.

    >>> _block(np.arange(5), 3, 3).tolist()
    [3, 4, 4]
    """
    return values[np.minimum(np.arange(start, start + size), len(values) - 1)]


def _cast(column: npt.NDArray[Any], kind: str, name: str) -> npt.NDArray[Any]:
    """A column as the model's input wants it; ValueError naming row and column where it does not hold a value."""
    if kind == "tensor(string)":
        refuse_gap_as_text(column, name)
        return as_text(column).astype(object)
    return cast(column, _NUMPY[kind], name, called=np.dtype(_NUMPY[kind]).name, missing=True)
