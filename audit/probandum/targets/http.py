"""Any JSON endpoint, asked and read as the plan maps it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import urlsplit

import numpy as np

from probandum import codec
from probandum.errors import TargetError
from probandum.evidence import Capability, Request, Response
from probandum.target import Place, Problem, Target, TargetContext, target
from probandum.targets.access import Access, address
from probandum.targets.answering import class_names, opening, unable, wrong_names
from probandum.targets.deciding import Kind, deciding
from probandum.targets.endpoint import Call, Endpoint, compared
from probandum.targets.loading import versions
from probandum.targets.mapped import Reading, short
from probandum.targets.mapping import Expression, Template, refuse_unsaid, stands_for

#: Asks that are under way or waiting at once: their bodies are in memory.
_ROUND = 1024
#: How far two answers to one question may lie apart before they are another system's: single precision leaves less.
SAME = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ask:
    """One call for some inputs of one request."""

    request: int
    inputs: range
    body: Any


@target("http")
class HttpTarget(Target):
    """A JSON endpoint: what is asked and how its answer is read stand in the plan.

    ``kind``: predict (rows), classify (texts), choose (among answers) or generate (texts). ``request``: the JSON that
    is sent by POST, with placeholders. One input a call: ``{row}`` (an object), ``{row.NAME}``, ``{values}`` (a
    list in the order of ``data.features``), ``{text}``. Many: ``{rows}``, ``{matrix}``, ``{columns}`` (an object of
    lists), ``{texts}``, at most ``batch`` a call. For choose also ``{options}`` (a list of texts) and ``{prefix}``;
    for generate ``{parameters}`` (an object) and ``{parameters.NAME}``.

    ``response``: a JMESPath expression that finds the answer, or the list of answers where a call holds many. An
    answer is a list of probabilities in the order of ``labels``, an object of them by name, or one number for the
    second of two; with ``returns: decisions`` one of the labels, which of rows stands as a decision, as in a log, so
    that what needs probabilities is not applicable; for choose probabilities in the order of the options, or by
    name; for generate a text. ``refused``: an expression, true where the system declined; a list
    where a call holds many.

    ``identity``: ``{path: /version, value: EXPRESSION}``, asked by GET when the audit begins and ends. Without it
    the first question is asked again at the end. ``key_env``, ``headers``, ``concurrency``, ``timeout``,
    ``retries``, ``ca_file`` and ``proxy`` as in :class:`probandum.targets.access.Access`.
    """

    remote = True

    def __init__(
        self,
        context: TargetContext,
        *,
        url: str,
        kind: Literal["predict", "classify", "choose", "generate"],
        request: Mapping[str, Any] | Sequence[Any] | str,
        response: str,
        returns: Literal["probabilities", "decisions"] = "probabilities",
        labels: Sequence[object] = ("0", "1"),
        refused: str | None = None,
        batch: int = 64,
        identity: Mapping[str, str] | None = None,
        key_env: str | None = None,
        headers: Mapping[str, str] | None = None,
        concurrency: int = 4,
        timeout: float = 120.0,
        retries: int = 4,
        ca_file: str | None = None,
        proxy: str | None = None,
    ) -> None:
        self._kind = Capability(kind)
        self._features = context.features
        self._template = Template(body=request)
        self._batch = batch if self._template.batches(self._kind) else None
        self._mapping = {
            "kind": kind,
            "request": request,
            "response": response,
            "returns": returns,
            "refused": refused,
            "batch": self._batch,
        }
        self._stated_at = identity
        self.capabilities = frozenset({self._kind})
        classes = class_names(labels) if self._kind in (Capability.PREDICT, Capability.CLASSIFY) else ()
        decides = returns == "decisions"
        says: Kind = "label" if decides and self._kind is Capability.PREDICT else "probability"
        made = deciding(says, classes, context, where="target.returns: decisions")
        self.labels = classes if made is None else made.labels
        self._reading = Reading(
            kind=self._kind,
            labels=classes,
            response=Expression(response),
            refused=None if refused is None else Expression(refused),
            batched=self._batch is not None,
            decides=decides,
            deciding=made,
        )
        access = Access(
            url=url,
            key_env=key_env,
            headers=headers,
            concurrency=concurrency,
            timeout=timeout,
            retries=retries,
            ca_file=None if ca_file is None else context.resolve(ca_file),
            proxy=proxy,
        )
        self._url, self._path = url, urlsplit(url).path
        self._endpoint = Endpoint(replace(access, url=address(url)))
        self.endpoints = self._endpoint.addresses
        self.side_by_side = concurrency * (self._batch or 1)
        #: A question that can be asked again, and how it was answered.
        self._first: tuple[Request, Response] | None = None
        self._stated = self._state()
        self.cautions = tuple(self._cautions())

    @classmethod
    def problems(cls, options: Mapping[str, Any], context: TargetContext) -> Iterator[Problem]:
        """What is wrong with the mapping, the address, and what the environment must hold."""
        kind = Capability(options["kind"])
        yield from Template(body=options["request"]).problems(kind, context.features)
        stated = options.get("identity")
        expressions: dict[Place, Any] = {("response",): options["response"], ("refused",): options.get("refused")}
        if stated is not None:
            if set(stated) != {"path", "value"} or not str(stated.get("path")).startswith("/"):
                yield Problem(("identity",), "expected {path: /PATH, value: EXPRESSION}")
            else:
                expressions["identity", "value"] = str(stated["value"])
        for place, text in expressions.items():
            try:
                if text is not None:
                    Expression(text)
            except ValueError as error:
                yield Problem(place, str(error))
        if options.get("batch", 1) < 1:
            yield Problem(("batch",), f"{options['batch']}, expected a whole number from 1")
        if options.get("returns") == "decisions" and kind in (Capability.CHOOSE, Capability.GENERATE):
            yield Problem(("returns",), f"decisions are no answer to {kind}")
        yield from Access.problems(options, context)
        yield from wrong_names(options)

    @classmethod
    def gives_probabilities(cls, options: Mapping[str, Any]) -> bool:
        """Not where it decides itself."""
        return options.get("returns") != "decisions"

    def identity(self) -> Mapping[str, Any]:
        """The address, how it is asked and read, and what the server states of itself."""
        return {
            "url": self._url,
            "mapping": self._mapping,
            "mapping_digest": codec.digest_of(self._mapping),
            "stated": self._stated,
            "versions": dict(versions(("jmespath",))),
        }

    @property
    def attempts(self) -> int:
        """The most tries that one ask of the last round took."""
        return self._endpoint.attempts

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """One response a request; a call holds inputs of one request alone, so that errors stay with it."""
        asks: list[_Ask] = []
        failed: dict[int, str] = {}
        for index, request in enumerate(requests):
            try:
                asks += self._asks(index, request)
            except (ValueError, KeyError, TypeError) as error:
                failed[index] = str(error.args[0] if error.args else error)
        read: dict[int, list[Any]] = {index: [] for index in range(len(requests))}
        for start in range(0, len(asks), _ROUND):
            part = asks[start : start + _ROUND]
            replies = self._endpoint.send([Call(path=self._path, body=ask.body) for ask in part])
            for ask, reply in zip(part, replies, strict=True):
                try:
                    read[ask.request] += self._reading.found(reply, len(ask.inputs))
                except ValueError as error:
                    failed.setdefault(ask.request, f"input {ask.inputs.start + 1}: {error}")
        responses = [
            Response(error=failed[index]) if index in failed else self._reading.response_to(request, read[index])
            for index, request in enumerate(requests)
        ]
        self.recall(requests, responses)
        return responses

    def recall(self, requests: Sequence[Request], responses: Sequence[Response]) -> None:
        """Keep the first question that can be asked again, and how it was answered."""
        if self._first is None:
            self._first = opening(requests, responses, inputs=self._batch or 1)

    def check(self) -> str | None:
        """Why the system is not the one that the audit began with; None where it states or answers the same."""
        if self._stated_at is not None:
            now = self._state()
            return None if now == self._stated else f"it stated {short(self._stated)} and now states {short(now)}"
        if self._first is None:
            return None
        request, then = self._first
        (again,) = self.answer([request])
        now = compared(again, self._url)
        if then.values.shape != now.shape or not np.allclose(then.values, now, atol=SAME, rtol=0):
            said = f"it answered {short(now.tolist())}, not {short(then.values.tolist())}"
            return f"asked its first question again {said}"
        return None

    def _cautions(self) -> Iterator[str]:
        if self._stated_at is None:
            yield (
                f"{self._url} states no version that the plan names (target.identity): the system is known by its "
                "address, and a change of it during the audit by another answer to the first question alone."
            )
        if self._reading.decides and self._reading.deciding is None:
            yield f"{self._url} states decisions of texts, which stand as probabilities of 0 and 1."

    def _state(self) -> Any:
        """What the server states of itself; TargetError where the plan says that it does, and it does not."""
        if self._stated_at is None:
            return None
        (reply,) = self._endpoint.send([Call(path=self._stated_at["path"])])
        try:
            if not reply.well:
                raise ValueError(reply.problem())
            found = Expression(str(self._stated_at["value"])).of(reply.json())
            if found is None:
                raise ValueError("the expression finds nothing in the answer")
        except ValueError as error:
            raise TargetError(
                f"target.identity: {self._endpoint.addresses[-1]}{self._stated_at['path']}: {error}"
            ) from None
        return found

    def _asks(self, index: int, request: Request) -> list[_Ask]:
        """The calls for one request; ValueError or KeyError where it asks for what the mapping cannot say."""
        if why := unable(self, request):
            raise ValueError(why)
        refuse_unsaid(request, self._template.names())
        size = self._batch or 1
        chunks = [range(start, min(start + size, len(request))) for start in range(0, len(request), size)]
        return [
            _Ask(
                request=index,
                inputs=chunk,
                body=self._template.filled(stands_for(request, chunk, self._features).__getitem__),
            )
            for chunk in chunks
        ]
