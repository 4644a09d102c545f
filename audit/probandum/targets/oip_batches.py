"""All rows of a block in the batches that a server takes: what is sent, what came back, and what is left of a break."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from probandum.errors import TargetError
from probandum.evidence import Request, Response, Table
from probandum.target import Piece
from probandum.targets.answering import Inputs
from probandum.targets.oip_asking import Answer, Asked, Server, Stated, broken
from probandum.targets.oip_plan import Output, is_probability
from probandum.targets.oip_tensors import Input, Tensor


class Batches:
    """A model of a server, asked in batches of at most ``size`` rows.

    ``where``: the server in messages; ``model``: as it was asked for. ``parameters``: sent with every request.
    ``version``: the one that answers, as far as anybody said. ``nan``: whether a missing number can be sent;
    ``instead``: how it could be. ``changed``: why the model is not the one that was met.
    """

    def __init__(
        self,
        server: Server,
        stated: Stated,
        *,
        where: str,
        model: str,
        inputs: Sequence[Input],
        output: Output,
        size: int,
        parameters: Mapping[str, Any],
        version: str | None,
        nan: bool,
        instead: str,
    ) -> None:
        self._server, self._stated, self._where, self._model = server, stated, where, model
        self._inputs, self._output = tuple(inputs), output
        self._size, self._parameters = size, parameters
        self._nan, self._instead = nan, instead
        self.version = version
        self.changed: str | None = None
        self._named: str | None = None
        #: What was answered to which inputs in this round, and what is under way: inputs and batches with their starts.
        self._came: list[tuple[Inputs, range, npt.NDArray[Any]]] = []
        self._under_way: tuple[Inputs, list[tuple[int, Asked]]] | None = None

    def begin(self) -> None:
        """A new round."""
        self._came, self._under_way = [], None

    def values(self, inputs: Inputs) -> npt.NDArray[Any]:
        """The output's values for all inputs, in as many requests as the batch allows."""
        whole = self._tensors(inputs)
        starts = range(0, len(inputs), self._size)
        batches = [self._part(whole, start, min(start + self._size, len(inputs))) for start in starts]
        self._under_way = inputs, list(zip(starts, batches, strict=True))
        try:
            answers = self._server.infer(batches)
        except ValueError:  # an input is at fault, and each block is asked alone
            self._under_way = None
            raise
        values = [self._read(batch, answer) for batch, answer in zip(batches, answers, strict=True)]
        widths = {each.shape[1:] for each in values}
        if len(widths) > 1:
            raise broken(self._where, f"answers of the shapes {sorted(widths)} a row")
        found = np.concatenate(values)
        self._came.append((inputs, range(len(inputs)), found))
        self._under_way = None
        return found

    def pieces(self, requests: Sequence[Request], response: Callable[[npt.NDArray[Any]], Response]) -> Iterator[Piece]:
        """What came, by the requests that it belongs to: asked alone, or all of them joined."""
        seen: set[tuple[int, int]] = set()
        for inputs, rows, values in (*self._came, *self._so_far()):
            alone = next((place for place, request in enumerate(requests) if request.inputs is inputs), None)
            start = 0
            for place, request in enumerate(requests):
                if alone not in (None, place):
                    continue
                here = range(max(rows.start - start, 0), min(rows.stop - start, len(request)))
                if here and seen.isdisjoint((place, row) for row in here):
                    seen.update((place, row) for row in here)
                    part = values[here.start + start - rows.start : here.stop + start - rows.start]
                    yield Piece(place=place, inputs=here, response=response(part))
                start += len(request)

    def _so_far(self) -> Iterator[tuple[Inputs, range, npt.NDArray[Any]]]:
        """The batches that were answered of those under way."""
        if self._under_way is None:
            return
        inputs, batches = self._under_way
        for (start, batch), answer in zip(batches, self._server.came, strict=False):
            if answer is not None:
                with contextlib.suppress(TargetError):  # outside the protocol, or another version's: asked again
                    yield inputs, range(start, start + batch.rows), self._read(batch, answer)

    def _tensors(self, inputs: Inputs) -> tuple[Tensor, ...]:
        if isinstance(inputs, Table):
            return tuple(each.of_rows(inputs, nan=self._nan, instead=self._instead) for each in self._inputs)
        return tuple(each.of_texts(inputs) for each in self._inputs)

    def _part(self, whole: Sequence[Tensor], start: int, end: int) -> Asked:
        tensors = tuple(replace(tensor, values=tensor.values[start:end]) for tensor in whole)
        return Asked(inputs=tensors, rows=end - start, output=self._output.name, parameters=self._parameters)

    def _read(self, batch: Asked, answer: Answer) -> npt.NDArray[Any]:
        """The output that was wanted; TargetError where it is not there, of another size, or another model's."""
        self._refuse_other(answer)
        tensor = self._wanted(answer)
        if tensor.values.shape[:1] != (batch.rows,) or tensor.values.ndim > 2:
            raise broken(
                self._where, f"{tensor.name!r} has the shape {list(tensor.values.shape)} for {batch.rows} rows"
            )
        if self._output.kind == "probability" and not is_probability(tensor.datatype):
            raise TargetError(
                f"{self._where}: the output {tensor.name!r} is {tensor.datatype}: classes, no probabilities",
                remedy="name the output of probabilities, such as predict_proba, or say kind: label, in target.outputs",
            )
        return tensor.values

    def _wanted(self, answer: Answer) -> Tensor:
        name = self._output.name
        found = [tensor for tensor in answer.outputs if name is None or tensor.name == name]
        if len(found) != 1:
            there = ", ".join(tensor.name for tensor in answer.outputs) or "none"
            raise TargetError(
                f"{self._where}: expected {'one output' if name is None else f'the output {name!r}'}, found: {there}",
                remedy="name one of them under target.outputs",
            )
        return found[0]

    def _refuse_other(self, answer: Answer) -> None:
        if answer.model and self._named is None and _is_of(answer.model, self._model):
            self._named = answer.model
        if answer.model not in ("", self._named):
            self.changed = f"model {self._named or self._model!r} was asked, and {answer.model!r} answered"
        if answer.version and self.version is None:
            self.version = answer.version
        if self.changed is None and answer.version and answer.version != self.version:
            self.changed = f"{self._stated.model} answered as version {self.version}, and then as {answer.version}"
        if self.changed is not None:
            raise TargetError(f"{self._where}: {self.changed}", remedy="audit one model and one version at a time")


def _is_of(named: str, model: str) -> bool:
    """Whether an answer comes from what was asked: ModelMesh puts a digest of the model behind its name.

    >>> _is_of("credit__isvc-3c2cb2d4e0", "credit"), _is_of("credit2", "credit")
    (True, False)
    """
    return named == model or named.startswith(f"{model}__")
