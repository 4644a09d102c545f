"""The Open Inference Protocol over gRPC: tensors as bytes, both ways."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from threading import Event
from typing import Any, TypeVar
from urllib.parse import urlsplit

from probandum.errors import DataError, TargetError, Unasked, Unreachable, UsageError
from probandum.targets import endpoint
from probandum.targets.access import Access, address
from probandum.targets.loading import need
from probandum.targets.oip_asking import Answer, Asked, Stated, TensorStated, broken, serving_version
from probandum.targets.oip_messages import SERVICE, entries, messages
from probandum.targets.oip_tensors import TEXT, Tensor, from_bytes, from_json

T = TypeVar("T")

#: Refuses an input, and will whenever it is asked.
_REFUSES_INPUT = ("INVALID_ARGUMENT", "OUT_OF_RANGE", "FAILED_PRECONDITION")
#: Says no to whoever asks, and will whenever it is asked.
_REFUSES = ("UNAUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND", "UNIMPLEMENTED")


class GrpcServer:
    """A model of a server's GRPCInferenceService; ``https`` in the address means TLS."""

    def __init__(self, access: Access, *, model: str, version: str | None) -> None:
        refuse_beyond_grpc(access.url, access.proxy)
        os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # what it else writes on stderr would break a progress bar
        self._grpc = need("grpc", needed_for="target oip over gRPC", extra="oip")
        self._access, self._model, self._version = access, model, version or ""
        self._where = address(access.url)
        self._made = messages()
        secrets = access.secrets()
        self._secrets = access.hiding()
        headers = {**(access.headers or {}), **secrets}
        self._metadata = tuple((name.lower(), str(value)) for name, value in headers.items())
        self._channel = self._opened(urlsplit(access.url))
        self._running: set[Any] = set()
        self._given_up = Event()
        self._interrupted = Event()
        self._keep: Callable[[], None] | None = None
        #: What was answered to each batch of the last round so far; None where nothing was.
        self.came: list[Answer | None] = []
        #: The most tries that one batch of the last round took.
        self.attempts = 1
        self.addresses: tuple[str, ...] = (self._where,)

    def keep_with(self, keep: Callable[[], None]) -> None:
        """Call ``keep`` about once a second while a round is under way."""
        self._keep = keep

    def stated(self) -> Stated:
        """Metadata of server and model, and where the server has an index of its models what it says there."""
        server = self._call("ServerMetadata", self._made["ServerMetadataRequest"](), may_lack=True)
        model = self._call("ModelMetadata", self._made["ModelMetadataRequest"](name=self._model, version=self._version))
        index = self._call("RepositoryIndex", self._made["RepositoryIndexRequest"](), may_lack=True)
        named = [(each.name, each.version, each.state) for each in index.models] if index is not None else []
        stated = Stated(
            server={}
            if server is None
            else {"name": server.name, "version": server.version, "extensions": list(server.extensions)},
            model=model.name or self._model,
            versions=tuple(model.versions),
            platform=model.platform,
            serving=serving_version(named, self._model, self._version or None),
            inputs=_tensors(model.inputs),
            outputs=_tensors(model.outputs),
        )
        return self._without_secrets(stated)

    def infer(self, batches: Sequence[Asked]) -> list[Answer]:
        """One answer a batch, several at a time; what is under way is waited for unless Ctrl-C ends it."""
        self.attempts, self.came = 1, [None] * len(batches)
        try:
            with ThreadPoolExecutor(self._access.concurrency, thread_name_prefix="probandum-grpc") as pool:
                return self._all([pool.submit(self._one, place, batch) for place, batch in enumerate(batches)])
        finally:
            self._given_up.clear()
            self._interrupted.clear()

    def _all(self, asked: Sequence[Future[Answer]]) -> list[Answer]:
        try:
            waiting = self._waited(asked)
            if waiting:
                self._given_up.set()
                for each in waiting:
                    each.cancel()
                wait(asked)
        except BaseException:
            self._interrupted.set()
            self._given_up.set()
            for each in asked:
                each.cancel()
            for call in tuple(self._running):
                call.cancel()
            raise
        done = [each for each in asked if not each.cancelled()]
        failed = [error for each in done if (error := each.exception()) is not None]
        if failed:
            raise next((error for error in failed if not isinstance(error, Unasked)), failed[0])
        return [each.result() for each in asked]

    def close(self) -> None:
        """End the connection."""
        self._channel.close()

    def _waited(self, asked: Sequence[Future[Answer]]) -> set[Future[Answer]]:
        """What is left once all were answered or one failed; what comes until then is kept meanwhile."""
        while True:
            seconds = None if self._keep is None else endpoint.KEEPING_SECONDS
            ended, waiting = wait(asked, timeout=seconds, return_when=FIRST_EXCEPTION)
            if not waiting or self._keep is None or any(each.exception() is not None for each in ended):
                return waiting
            self._keep()

    def _one(self, place: int, batch: Asked) -> Answer:
        """One batch of a round; that it failed is known before its thread takes the next one."""
        try:
            self.came[place] = answer = self._infer(batch)
        except Exception:
            self._given_up.set()
            raise
        return answer

    def _infer(self, batch: Asked) -> Answer:
        request = self._made["ModelInferRequest"](model_name=self._model, model_version=self._version)
        request.parameters.extend(entries(batch.parameters))
        for tensor in batch.inputs:
            made = request.inputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.values.shape)
            made.parameters.extend(entries(tensor.parameters))
            request.raw_input_contents.append(tensor.as_bytes())
        if batch.output is not None:
            request.outputs.add(name=batch.output)
        response = self._call("ModelInfer", request)
        raw = list(response.raw_output_contents)
        if raw and len(raw) != len(response.outputs):
            raise broken(self._where, f"{len(raw)} contents for {len(response.outputs)} outputs")
        try:
            outputs = tuple(
                from_bytes(each.name, each.datatype, list(each.shape), raw[place]) if raw else _from_contents(each)
                for place, each in enumerate(response.outputs)
            )
        except ValueError as error:
            raise broken(self._where, self._secrets.hidden(str(error))) from None
        return self._without_secrets(Answer(outputs=outputs, model=response.model_name, version=response.model_version))

    def _call(self, method: str, request: Any, *, may_lack: bool = False) -> Any:
        """The answer after retries. None: the server has no such method, and need not. ValueError: a refused input."""
        for attempt in range(1, self._access.retries + 2):
            if self._given_up.is_set():
                raise Unasked(f"{self._where}: {method} not asked, since another ask was not answered")
            self.attempts = max(self.attempts, attempt)
            call = self._method(method).future(request, timeout=self._access.timeout, metadata=self._metadata)
            self._running.add(call)
            if self._interrupted.is_set():
                call.cancel()
            try:
                return call.result()
            except self._grpc.RpcError as error:
                code, why = error.code().name, self._said(error)
            except self._grpc.FutureCancelledError:
                code, why = "CANCELLED", "given up"
            finally:
                self._running.discard(call)
            if code in _REFUSES and may_lack:
                return None
            if code in _REFUSES_INPUT:
                raise ValueError(why)
            if code in _REFUSES:
                raise TargetError(
                    f"{self._where}: model {self._model!r}: {why}", remedy="check target.url, model and key_env"
                )
            pause = min(endpoint.BACKOFF_SECONDS * 2 ** (attempt - 1), endpoint.LONGEST_WAIT_SECONDS)
            if attempt > self._access.retries or self._given_up.wait(pause):
                break
        times = "once" if attempt == 1 else f"{attempt} times"
        raise (Unreachable if code == "UNAVAILABLE" else TargetError)(
            f"{self._where}: {method} asked {times}, {why}",
            remedy=endpoint.TRUST
            if "CERTIFICATE_VERIFY_FAILED" in why
            else endpoint.GOES_ON
            if code == "UNAVAILABLE"
            else endpoint.GOES_ON_TOO,
        )

    def _method(self, method: str) -> Any:
        kind = self._made[f"{method}Response"]
        return self._channel.unary_unary(
            f"/{SERVICE}/{method}", request_serializer=_serialised, response_deserializer=kind.FromString
        )

    def _said(self, error: Any) -> str:
        """A status in one line, without the secrets of the plan."""
        words = " ".join(self._secrets.hidden(str(error.details() or "")).split())[:300]
        return (
            f"the server answered {error.code().name}: {words}" if words else f"the server answered {error.code().name}"
        )

    def _without_secrets(self, said: T) -> T:
        """What the server says, decoded, with every secret in it blanked."""
        found: T = self._secrets.hidden_in(said)
        return found

    def _opened(self, parts: Any) -> Any:
        options = [
            ("grpc.max_receive_message_length", endpoint.LARGEST_ANSWER),
            ("grpc.max_send_message_length", endpoint.LARGEST_ANSWER),
            ("grpc.enable_http_proxy", 0),  # the environment's proxy is not used: the plan says all
            ("grpc.enable_retries", 0),
            ("grpc.primary_user_agent", "probandum"),
        ]
        if parts.scheme == "http":
            return self._grpc.insecure_channel(parts.netloc, options=options)
        authorities = None
        if self._access.ca_file is not None:
            try:
                authorities = self._access.ca_file.read_bytes()
            except OSError as error:
                raise DataError(f"target.ca_file: {self._access.ca_file}: {error.strerror or error}") from None
        return self._grpc.secure_channel(
            parts.netloc, self._grpc.ssl_channel_credentials(root_certificates=authorities), options=options
        )


def refuse_beyond_grpc(url: str, proxy: str | None) -> None:
    """UsageError where a plan says of the way to a server what HTTP has and gRPC has not."""
    parts = urlsplit(url)
    if parts.path.strip("/") or parts.port is None:
        raise UsageError(f"target.url: {url}: over gRPC expected host and port alone, as http://host:8081")
    if proxy is not None:
        raise UsageError("target.proxy: only with protocol: http", remedy="leave proxy or protocol: grpc away")


def _serialised(message: Any) -> bytes:
    return bytes(message.SerializeToString())


def _tensors(said: Any) -> tuple[TensorStated, ...]:
    return tuple(TensorStated(name=each.name, datatype=each.datatype, shape=tuple(each.shape)) for each in said)


def _from_contents(said: Any) -> Tensor:
    """A tensor whose values stand in the message, in the field of their kind."""
    held = next((list(values) for _, values in said.contents.ListFields()), [])
    if said.datatype == TEXT:
        held = [text.decode() for text in held]
    return from_json({"name": said.name, "datatype": said.datatype, "shape": list(said.shape), "data": held})
