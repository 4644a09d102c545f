"""A model behind the Open Inference Protocol, v2: MLServer, Seldon Core, KServe, Triton; over HTTP or gRPC."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Annotated, Any, Literal

import numpy.typing as npt

from probandum import codec
from probandum.errors import TargetError, UsageError
from probandum.evidence import Capability, Floats, Request, Response
from probandum.keywords import Seconds, Sendable, Text
from probandum.target import Piece, Problem, Target, TargetContext, kind_of, target
from probandum.targets.access import Access, Batch, Concurrency, Retries, filled
from probandum.targets.answering import Labels, answered, class_names, probabilities, unable
from probandum.targets.deciding import Deciding, deciding
from probandum.targets.endpoint import incomparable
from probandum.targets.loading import said
from probandum.targets.misfit import Misfit
from probandum.targets.oip_asking import Server, Stated, broken, other_than
from probandum.targets.oip_batches import Batches
from probandum.targets.oip_grpc import GrpcServer, refuse_beyond_grpc
from probandum.targets.oip_http import HttpServer
from probandum.targets.oip_plan import Output, inputs_of, output_of
from probandum.targets.oip_tensors import Input


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
    ``{content_type: str}`` for texts there. ``batch``: the most rows of one request. ``samples``:
    whether the model answers by chance, so that the same row may have another answer the next time.

    ``outputs``: ``{name, kind}``. ``probability``: one row of class probabilities a row, or one number, which is that
    of the second of two classes. ``score``: one number a row, of which ``decision.threshold`` and above is the
    positive decision. ``label``: one class a row, and no threshold; what needs probabilities is then not applicable.

    A value that a tensor's datatype does not hold is an error that names row and column: nothing is sent. A missing
    number is none of JSON's; over gRPC it is NaN where ``data.missing`` is ``keep`` and the tensor is one of floats,
    and a text without a value is empty. So is an input that the server refuses. A server that does not answer, or
    outside the protocol, or as another model or version of it, is a TargetError.
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
        samples: bool = False,
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
        self._url, self._protocol = url.rstrip("/"), protocol
        self.at_once = self._batch
        self.steady = False if samples else None
        self.side_by_side = concurrency * self._batch
        made = GrpcServer if protocol == "grpc" else HttpServer
        self._server: Server = made(access, model=model, version=version)
        try:
            self.endpoints = self._server.addresses
            self._stated = self._server.stated()
            self._inputs = inputs_of(inputs, self._stated.inputs, context.features, texts=texts)
            places = (("inputs", each.name, "parameters") for each in self._inputs)
            sent_inputs = tuple(
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
        self._batches = Batches(
            self._server,
            self._stated,
            where=self._url,
            model=model,
            inputs=sent_inputs,
            output=self._output,
            size=batch,
            parameters=filled(self._parameters, ("parameters",)),
            version=version or self._stated.serving,
            nan=context.missing and protocol == "grpc",
            instead=" that JSON can say; protocol: grpc sends it" if context.missing else "",
        )
        self._round: Sequence[Request] = ()
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

    @classmethod
    def answers_only(cls, options: Mapping[str, Any]) -> frozenset[Capability] | None:
        """The kind that the plan says."""
        return kind_of(options, usual=Capability.PREDICT)

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
        self._round = requests
        self._batches.begin()
        if self._deciding is None:
            return answered(self, requests, self._batches.values)
        return [self._decided(request, self._deciding) for request in requests]

    def keep_with(self, keep: Callable[[], None]) -> None:
        """Have answers kept as they arrive."""
        self._server.keep_with(keep)

    @property
    def kept(self) -> Sequence[Piece]:
        """The rows of each batch of the last round that was answered."""
        return tuple(self._batches.pieces(self._round, self._response))

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
            if self._batches.changed is None:
                raise
        return self._batches.changed

    def _look_again(self) -> None:
        if self._batches.changed is None and other_than(self._stated, self._server.stated()):
            self._batches.changed = f"{self._stated.model} is not what it was when the audit began: its metadata differ"

    def close(self) -> None:
        """End the connections."""
        self._server.close()

    def _decided(self, request: Request, deciding: Deciding) -> Response:
        """Decisions of one block, as a log of decisions has them."""
        if why := unable(self, request):
            return Response(error=why)
        try:
            outputs = self._decisions(self._batches.values(request.inputs), deciding)
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
        if self._batches.version is None:
            found.append(
                f"{self._stated.model}: the server states no version of the model, so that a change of it during the "
                "audit would show in its answers to questions that were asked before alone."
            )
        return found


def _plain(value: Stated | Input | Output) -> dict[str, Any]:
    """A value as JSON gives it back."""
    made: dict[str, Any] = json.loads(codec.encode(asdict(value)))
    return made
