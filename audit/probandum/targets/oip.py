"""A model behind the Open Inference Protocol, v2: MLServer, Seldon Core, KServe, Triton; over HTTP or gRPC."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt

from probandum import codec
from probandum.errors import TargetError, UsageError
from probandum.evidence import Capability, Floats, Request, Response, Table
from probandum.keywords import Seconds, Sendable, Text
from probandum.target import Piece, Problem, Target, TargetContext, target
from probandum.targets.access import Access, Batch, Concurrency, Retries, filled
from probandum.targets.answering import Inputs, Labels, answered, class_names, probabilities, unable
from probandum.targets.deciding import Deciding, deciding
from probandum.targets.endpoint import incomparable
from probandum.targets.loading import said
from probandum.targets.misfit import Misfit
from probandum.targets.oip_asking import Answer, Asked, Server, Stated, broken, other_than
from probandum.targets.oip_grpc import GrpcServer, refuse_beyond_grpc
from probandum.targets.oip_http import HttpServer
from probandum.targets.oip_plan import Output, inputs_of, is_probability, output_of
from probandum.targets.oip_tensors import Input, Tensor


@target("oip")
class OipTarget(Target):
    """Class probabilities, scores or classes that a served model gives table rows, or class probabilities of texts.

    ``url``: the server's address, which ends before ``/v2``; over gRPC host and port alone. ``model``, ``version``: as
    the server calls them. ``kind``: predict (rows) or classify (texts). ``labels``: class names in the order of the
    model's probabilities. ``key_env``, ``headers``, ``concurrency``, ``timeout``, ``retries``, ``ca_file`` and
    ``proxy`` as in :class:`probandum.targets.access.Access`.

    ``inputs``: one tensor ``{name, datatype, columns, rank, parameters}`` or a list of them; all keys may be left out.
    One tensor is a matrix of all of ``data.features`` in their order; of several each takes the column of its name.
    The metadata of the model say what the plan leaves open; where they are empty, a tensor of numbers is FP64, one of
    texts BYTES, the only one is called ``predict``, and a column has the shape [rows, 1]. ``parameters``: sent with
    every request, as ``{content_type: pd}`` for a data frame in MLServer; those of a tensor with it, as
    ``{content_type: str}`` for texts there. ``batch``: the most rows of one request.

    ``outputs``: ``{name, kind}``. ``probability``: one row of class probabilities a row, or one number, which is that
    of the second of two classes. ``score``: one number a row, of which ``decision.threshold`` and above is the
    positive decision. ``label``: one class a row, and no threshold; what needs probabilities is then not applicable.

    A value that is missing, or that a tensor's datatype does not hold, is an error that names row and column: nothing
    is sent. So is an input that the server refuses. A server that does not answer, or outside the protocol, or as
    another version of the model, is a TargetError.
    """

    remote = True

    def __init__(
        self,
        context: TargetContext,
        *,
        url: str,
        model: Text,
        version: Text | None = None,
        protocol: Literal["http", "grpc"] = "http",
        kind: Literal["predict", "classify"] = "predict",
        inputs: Annotated[Mapping[str, Any] | Sequence[Mapping[str, Any]], Sendable()] | None = None,
        outputs: Mapping[str, Any] | None = None,
        labels: Labels = ("0", "1"),
        parameters: Annotated[Mapping[str, Any], Sendable()] | None = None,
        batch: Batch = 1024,
        key_env: str | None = None,
        headers: Mapping[str, str] | None = None,
        concurrency: Concurrency = 4,
        timeout: Seconds = 120.0,
        retries: Retries = 4,
        ca_file: Text | None = None,
        proxy: str | None = None,
    ) -> None:
        texts = kind == "classify"
        self.capabilities = frozenset({Capability(kind)})
        classes = class_names(labels)
        self._batch, self._parameters = batch, dict(parameters or {})
        access = Access(
            url=url,
            key_env=key_env,
            headers=headers,
            concurrency=concurrency,
            timeout=timeout,
            retries=retries,
            ca_file=None if ca_file is None else context.resolve(ca_file),
            proxy=proxy,
            sent={"inputs": inputs or {}, "parameters": self._parameters},
        )
        self._sent_parameters = filled(self._parameters, ("parameters",))
        self._url, self._protocol = url.rstrip("/"), protocol
        self.side_by_side = concurrency * self._batch
        made = GrpcServer if protocol == "grpc" else HttpServer
        self._server: Server = made(access, model=model, version=version)
        try:
            self.endpoints = self._server.addresses
            self._stated = self._server.stated()
            self._inputs = inputs_of(inputs, self._stated.inputs, context.features, texts=texts)
            places = (("inputs", each.name, "parameters") for each in self._inputs)
            self._sent_inputs = tuple(
                replace(each, parameters=filled(each.parameters, place))
                for each, place in zip(self._inputs, places, strict=True)
            )
            self._output = output_of(outputs, self._stated.outputs, texts=texts)
            where = f"target.outputs.kind: {self._output.kind}"
            self._deciding = deciding(self._output.kind, classes, context, where=where)
        except BaseException:
            self._server.close()
            raise
        self.labels = classes if self._deciding is None else self._deciding.labels
        self._version = version or self._stated.serving
        #: Of the last round: what was answered to which inputs, and these as pieces of it where it broke.
        self._came: list[tuple[Inputs, range, npt.NDArray[Any]]] = []
        self._kept: tuple[Piece, ...] = ()
        self._changed: str | None = None
        self.cautions = tuple(self._cautions())

    @classmethod
    def problems(cls, options: Mapping[str, Any], context: TargetContext) -> Iterator[Problem]:
        """What is wrong with the address, the environment and the tensors, as far as the plan alone can say."""
        unreachable = list(Access.problems(options, context))
        yield from unreachable
        texts = options.get("kind") == "classify"
        checks: list[Callable[[], object]] = [lambda: output_of(options.get("outputs"), (), texts=texts)]
        if options.get("protocol") == "grpc" and not unreachable:
            checks.append(lambda: refuse_beyond_grpc(options["url"], options.get("proxy")))
        if options.get("inputs") is not None:
            checks.append(lambda: inputs_of(options["inputs"], (), context.features, texts=texts))
        for check in checks:
            try:
                check()
            except UsageError as error:
                yield Problem.of(error)

    @classmethod
    def gives_probabilities(cls, options: Mapping[str, Any]) -> bool:
        """Not where the output is a score, which may be any number, or a class."""
        said = options.get("outputs")
        return not isinstance(said, Mapping) or said.get("kind", "probability") == "probability"

    def identity(self) -> Mapping[str, Any]:
        """What server and model state of themselves, with its digest, and what they are sent; no digest of weights."""
        stated = _plain(self._stated)
        return {
            "url": self._url,
            "protocol": self._protocol,
            **stated,
            "stated_sha256": codec.digest_of(stated),
            "version": self._stated.serving,
            "sends": [_plain(each) for each in self._inputs],
            "reads": _plain(self._output),
            "parameters": self._parameters,
            "batch": self._batch,
        }

    @property
    def attempts(self) -> int:
        """The most tries that one batch of the last round took."""
        return self._server.attempts

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """One response a request: probabilities in the order of ``labels``, or decisions where the model gives them."""
        self._came, self._kept = [], ()
        try:
            if self._deciding is None:
                return answered(self, requests, self._asked)
            return [self._decided(request, self._deciding) for request in requests]
        except TargetError:
            self._kept = tuple(self._pieces(requests))
            raise

    @property
    def kept(self) -> Sequence[Piece]:
        """The rows of each batch that was answered when the last round broke."""
        return self._kept

    def _pieces(self, requests: Sequence[Request]) -> Iterator[Piece]:
        """What came, by the requests that it belongs to: asked alone, or all of them joined."""
        seen: set[tuple[int, int]] = set()
        for inputs, rows, values in self._came:
            alone = next((place for place, request in enumerate(requests) if request.inputs is inputs), None)
            start = 0
            for place, request in enumerate(requests):
                if alone not in (None, place):
                    continue
                here = range(max(rows.start - start, 0), min(rows.stop - start, len(request)))
                if here and seen.isdisjoint((place, row) for row in here):
                    seen.update((place, row) for row in here)
                    part = values[here.start + start - rows.start : here.stop + start - rows.start]
                    yield Piece(place=place, inputs=here, response=self._response(part))
                start += len(request)

    def _response(self, values: npt.NDArray[Any]) -> Response:
        """The answer that the output's values are; what is none is its error."""
        try:
            if self._deciding is not None:
                return Response(outputs=self._decisions(values, self._deciding), labels=self.labels)
            return Response(outputs=probabilities(values, len(values), self.labels), labels=self.labels)
        except (TargetError, ValueError) as error:
            return Response(error=said(error))

    def check(self) -> str | None:
        """Why the server is not the one that the audit began with; None where it states the same."""
        try:
            self._look_again()
        except ValueError as refused:
            raise incomparable(self._url, str(refused)) from None
        except TargetError:
            if self._changed is None:
                raise
        return self._changed

    def _look_again(self) -> None:
        if self._changed is None and other_than(self._stated, self._server.stated()):
            self._changed = f"{self._stated.model} is not what it was when the audit began: its metadata differ"

    def close(self) -> None:
        """End the connections."""
        self._server.close()

    def _asked(self, inputs: Inputs) -> npt.NDArray[Any]:
        """The output's values for all inputs, in as many requests as the batch allows."""
        whole = self._tensors(inputs)
        starts = range(0, len(inputs), self._batch)
        batches = [self._part(whole, start, min(start + self._batch, len(inputs))) for start in starts]
        try:
            answers = self._server.infer(batches)
            values = [self._read(batch, answer) for batch, answer in zip(batches, answers, strict=True)]
        except TargetError:
            self._keep(inputs, starts, batches)
            raise
        widths = {each.shape[1:] for each in values}
        if len(widths) > 1:
            raise broken(self._url, f"answers of the shapes {sorted(widths)} a row")
        found = np.concatenate(values)
        self._came.append((inputs, range(len(inputs)), found))
        return found

    def _keep(self, inputs: Inputs, starts: Sequence[int], batches: Sequence[Asked]) -> None:
        """The batches that were answered when another one was not."""
        for start, batch, answer in zip(starts, batches, self._server.came, strict=True):
            if answer is not None:
                with contextlib.suppress(TargetError):  # outside the protocol, or another version's: asked again
                    self._came.append((inputs, range(start, start + batch.rows), self._read(batch, answer)))

    def _tensors(self, inputs: Inputs) -> tuple[Tensor, ...]:
        if isinstance(inputs, Table):
            return tuple(each.of_rows(inputs) for each in self._sent_inputs)
        return tuple(each.of_texts(inputs) for each in self._sent_inputs)

    def _part(self, whole: Sequence[Tensor], start: int, end: int) -> Asked:
        tensors = tuple(replace(tensor, values=tensor.values[start:end]) for tensor in whole)
        return Asked(inputs=tensors, rows=end - start, output=self._output.name, parameters=self._sent_parameters)

    def _read(self, batch: Asked, answer: Answer) -> npt.NDArray[Any]:
        """The output that was wanted; TargetError where it is not there, of another size, or another model's."""
        self._refuse_other(answer)
        tensor = self._wanted(answer)
        if tensor.values.shape[:1] != (batch.rows,) or tensor.values.ndim > 2:
            raise broken(self._url, f"{tensor.name!r} has the shape {list(tensor.values.shape)} for {batch.rows} rows")
        if self._deciding is None and not is_probability(tensor.datatype):
            raise TargetError(
                f"{self._url}: the output {tensor.name!r} is {tensor.datatype}: classes, no probabilities",
                remedy="name the output of probabilities, such as predict_proba, or say kind: label, in target.outputs",
            )
        return tensor.values

    def _wanted(self, answer: Answer) -> Tensor:
        name = self._output.name
        found = [tensor for tensor in answer.outputs if name is None or tensor.name == name]
        if len(found) != 1:
            there = ", ".join(tensor.name for tensor in answer.outputs) or "none"
            raise TargetError(
                f"{self._url}: expected {'one output' if name is None else f'the output {name!r}'}, found: {there}",
                remedy="name one of them under target.outputs",
            )
        return found[0]

    def _refuse_other(self, answer: Answer) -> None:
        if answer.version and self._version is None:
            self._version = answer.version
        if answer.version and answer.version != self._version:
            self._changed = f"{self._stated.model} answered as version {self._version}, and then as {answer.version}"
        if self._changed is not None:
            raise TargetError(f"{self._url}: {self._changed}", remedy="audit one version at a time")

    def _decided(self, request: Request, deciding: Deciding) -> Response:
        """Decisions of one block, as a log of decisions has them."""
        if why := unable(self, request):
            return Response(error=why)
        try:
            outputs = self._decisions(self._asked(request.inputs), deciding)
        except TargetError:
            raise
        except Misfit as error:
            return Response(error=error.within(request))
        except Exception as error:
            return Response(error=said(error))
        return Response(outputs=outputs, labels=self.labels)

    def _decisions(self, values: npt.NDArray[Any], deciding: Deciding) -> Floats:
        if values.ndim == 2 and values.shape[1] != 1:
            raise broken(self._url, f"{values.shape[1]} values a row, expected one {self._output.kind}")
        return deciding.decisions(values.reshape(-1))

    def _cautions(self) -> list[str]:
        found = [f"The system is an endpoint, {self._url}: its identity is what it says of itself."]
        if self._version is None:
            found.append(
                f"{self._stated.model}: the server states no version of the model, so that a change of it during the "
                "audit would show in its answers to questions that were asked before alone."
            )
        return found


def _plain(value: Stated | Input | Output) -> dict[str, Any]:
    """A value as JSON gives it back."""
    made: dict[str, Any] = json.loads(codec.encode(asdict(value)))
    return made
