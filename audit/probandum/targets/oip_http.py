"""The Open Inference Protocol over HTTP: JSON both ways."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from probandum import codec
from probandum.errors import TargetError, Unreachable
from probandum.targets.access import Access
from probandum.targets.endpoint import Call, Endpoint, Reply
from probandum.targets.oip_asking import Answer, Asked, Stated, TensorStated, broken, serving_version
from probandum.targets.oip_tensors import from_json

#: What a server answers where it refuses an input, and will whenever it is asked.
_REFUSES_INPUT = frozenset({400, 413, 415, 422})


class HttpServer:
    """A model behind ``/v2/models/NAME`` of a server."""

    def __init__(self, access: Access, *, model: str, version: str | None) -> None:
        self._model, self._version = model, version
        self._where = access.url.rstrip("/")
        self._path = f"/v2/models/{quote(model, safe='')}"
        if version is not None:
            self._path += f"/versions/{quote(version, safe='')}"
        self._endpoint = Endpoint(access)
        self.addresses = self._endpoint.addresses

    @property
    def attempts(self) -> int:
        """The most tries that one batch of the last round took."""
        return self._endpoint.attempts

    def keep_with(self, keep: Callable[[], None]) -> None:
        """Call ``keep`` about once a second while a round is under way."""
        self._endpoint.keep = keep

    def stated(self) -> Stated:
        """Metadata of server and model, and where the server has an index of its models what it says there."""
        (model,) = self._endpoint.send([Call(path=self._path)])
        said = self._metadata(model)
        server, index = self._extra(Call(path="/v2")), self._extra(Call(path="/v2/repository/index", body={}))
        return Stated(
            server={name: server[name] for name in ("name", "version", "extensions") if name in server}
            if isinstance(server, dict)
            else {},
            model=str(said.get("name") or self._model),
            versions=tuple(map(str, said.get("versions") or ())),
            platform=str(said.get("platform") or ""),
            serving=serving_version(_ready(index), self._model, self._version),
            inputs=self._tensors(said.get("inputs")),
            outputs=self._tensors(said.get("outputs")),
        )

    def infer(self, batches: Sequence[Asked]) -> list[Answer]:
        """One answer a batch, several at a time."""
        path = f"{self._path}/infer"
        replies = self._endpoint.send([Call(path=path, body=_body(batch)) for batch in batches])
        return [self._answer(reply) for reply in replies]

    @property
    def came(self) -> Sequence[Answer | None]:
        """What was answered to each batch of the last round; None where nothing was that could be read."""
        return [self._readable(reply) for reply in self._endpoint.came]

    def _readable(self, reply: Reply | None) -> Answer | None:
        try:
            return None if reply is None else self._answer(reply)
        except (TargetError, ValueError):
            return None

    def close(self) -> None:
        """Nothing: connections end with their round."""

    def _answer(self, reply: Reply) -> Answer:
        if reply.status in _REFUSES_INPUT:
            raise ValueError(reply.problem())
        if not reply.well:
            raise TargetError(f"{self._where}: model {self._model!r}: {reply.problem()}")
        said = self._json(reply)
        outputs = said.get("outputs")
        if not isinstance(outputs, list):
            raise broken(self._where, "the answer holds no outputs")
        try:
            tensors = tuple(from_json(each) for each in outputs)
        except ValueError as error:
            raise broken(self._where, str(error)) from None
        named = str(said.get("model_name") or "")
        return Answer(outputs=tensors, model=named, version=str(said.get("model_version") or ""))

    def _metadata(self, reply: Reply) -> dict[str, Any]:
        if not reply.well:
            raise TargetError(
                f"{self._where}: model {self._model!r}: {reply.problem()}",
                remedy="check target.model and target.url, which ends before /v2",
            )
        said = self._json(reply)
        try:
            codec.encode(said)
        except UnicodeEncodeError:
            raise broken(self._where, "its metadata hold half a character, which is no text") from None
        return said

    def _json(self, reply: Reply) -> dict[str, Any]:
        try:
            said = reply.json()
        except ValueError as error:
            raise broken(self._where, str(error)) from None
        if not isinstance(said, dict):
            raise broken(self._where, "the answer is no JSON object")
        return said

    def _extra(self, call: Call) -> Any:
        """What a server need not have, and a gateway need not let through; None where it does not come."""
        try:
            (reply,) = self._endpoint.send([call])
            said = reply.json() if reply.well else None
            codec.encode(said)  # what no file can hold says nothing
            return said
        except Unreachable:  # a lost connection says nothing of what the server has
            raise
        except (TargetError, ValueError):
            return None

    def _tensors(self, said: Any) -> tuple[TensorStated, ...]:
        try:
            return tuple(
                TensorStated(
                    name=str(each["name"]),
                    datatype=str(each["datatype"]).removeprefix("TYPE_"),
                    shape=tuple(int(size) for size in each.get("shape") or ()),
                )
                for each in said or ()
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            raise broken(
                self._where, f"the metadata of model {self._model!r} does not say what its tensors are"
            ) from None


def _body(batch: Asked) -> dict[str, Any]:
    """A batch as the protocol's JSON."""
    body: dict[str, Any] = {"inputs": [tensor.as_json() for tensor in batch.inputs]}
    if batch.output is not None:
        body["outputs"] = [{"name": batch.output}]
    if batch.parameters:
        body["parameters"] = dict(batch.parameters)
    return body


def _ready(index: Any) -> list[tuple[str, str, str]]:
    """Name, version and state of every model of an index."""
    found = [each for each in index if isinstance(each, dict)] if isinstance(index, list) else []
    return [(str(each.get("name")), str(each.get("version") or ""), str(each.get("state"))) for each in found]
