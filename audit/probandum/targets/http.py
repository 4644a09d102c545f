"""Any JSON endpoint, asked and read as the plan maps it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from probandum import codec
from probandum.errors import TargetError
from probandum.evidence import Capability, Request, Response, Table
from probandum.keywords import Place, Seconds, Sendable, Text
from probandum.packing import part
from probandum.target import Piece, Problem, Target, TargetContext, kind_of, target
from probandum.targets.access import Access, Batch, Concurrency, Retries, address, filled, filled_path
from probandum.targets.answering import Labels, class_names, unable
from probandum.targets.deciding import Kind, deciding
from probandum.targets.endpoint import Call, Endpoint, Reply
from probandum.targets.mapped import Reading, short
from probandum.targets.mapping import Expression, Template, as_it_is, refuse_unsaid, stands_for
from probandum.targets.misfit import Misfit
from probandum.versions import installed

#: Asks that are under way or waiting at once: their bodies are in memory.
_ROUND = 1024


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

    ``samples``: whether it answers by chance, so that the same question may have another answer the next time.
    ``identity``: ``{path: /version, value: EXPRESSION}``, asked by GET when the audit begins and ends. ``key_env``,
    ``headers``, ``concurrency``, ``timeout``, ``retries``, ``ca_file`` and ``proxy`` as in
    :class:`probandum.targets.access.Access`.
    """

    remote = True

    def __init__(
        self,
        context: TargetContext,
        *,
        url: str,
        kind: Literal["predict", "classify", "choose", "generate"],
        request: Annotated[Mapping[str, Any] | Sequence[Any] | str, Sendable()],
        response: str,
        returns: Literal["probabilities", "decisions"] = "probabilities",
        labels: Labels = ("0", "1"),
        refused: str | None = None,
        batch: Batch = 64,
        identity: Mapping[str, str] | None = None,
        samples: bool = False,
        key_env: str | None = None,
        headers: Mapping[str, str] | None = None,
        concurrency: Concurrency = 4,
        timeout: Seconds = 120.0,
        retries: Retries = 4,
        ca_file: Text | None = None,
        proxy: str | None = None,
    ) -> None:
        self._kind = Capability(kind)
        self._features, self._missing = context.features, context.missing
        self._template = Template(body=request)
        self._sent = Template(body=as_it_is(filled(request, ("request",)), request))
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
            sent={"request": request, "identity": identity or {}},
        )
        self._url, self._path = url, urlsplit(url).path
        self._endpoint = Endpoint(replace(access, url=address(url)))
        self.endpoints = self._endpoint.addresses
        self.at_once = self._batch or 1
        self.steady = False if samples else None
        self.side_by_side = concurrency * self.at_once
        self._round: tuple[Sequence[Request], list[_Ask], list[Reply]] = ((), [], [])
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
        if options.get("returns") == "decisions" and kind in (Capability.CHOOSE, Capability.GENERATE):
            yield Problem(("returns",), f"decisions are no answer to {kind}")
        yield from Access.problems(options, context)

    @classmethod
    def gives_probabilities(cls, options: Mapping[str, Any]) -> bool:
        """Not where it decides itself."""
        return options.get("returns") != "decisions"

    @classmethod
    def answers_only(cls, options: Mapping[str, Any]) -> frozenset[Capability] | None:
        """The kind that the plan says."""
        return kind_of(options)

    def identity(self) -> Mapping[str, Any]:
        """The address, how it is asked and read, and what the server states of itself."""
        return {
            "url": self._url,
            "mapping": self._mapping,
            "mapping_digest": codec.digest_of(self._mapping),
            "stated": self._stated,
            "versions": installed(("jmespath",)),
        }

    @property
    def attempts(self) -> int:
        """The most tries that one ask of the last round took."""
        came = [*self._round[2], *self._endpoint.came]
        return max((reply.attempts for reply in came if reply is not None), default=1)

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
        replies: list[Reply] = []
        self._endpoint.came = []
        self._round = requests, asks, replies
        for start in range(0, len(asks), _ROUND):
            came = self._endpoint.send([Call(path=self._path, body=ask.body) for ask in asks[start : start + _ROUND]])
            self._endpoint.came = []
            replies += came
        for ask, reply in zip(asks, replies, strict=True):
            try:
                read[ask.request] += self._reading.found(reply, len(ask.inputs))
            except ValueError as error:
                failed.setdefault(ask.request, _misfit(requests[ask.request], ask, error))
        return [
            Response(error=failed[index]) if index in failed else self._reading.response_to(request, read[index])
            for index, request in enumerate(requests)
        ]

    def keep_with(self, keep: Callable[[], None]) -> None:
        """Have answers kept as they arrive."""
        self._endpoint.keep = keep

    @property
    def kept(self) -> Sequence[Piece]:
        """The inputs of each call of the last round that was answered."""
        requests, asks, replies = self._round
        came = zip(asks, [*replies, *self._endpoint.came], strict=False)
        return [self._piece(requests, ask, reply) for ask, reply in came if reply is not None]

    def _piece(self, requests: Sequence[Request], ask: _Ask, reply: Reply) -> Piece:
        """What was answered to one call."""
        request = part(requests[ask.request], ask.inputs.start, ask.inputs.stop)
        try:
            response = self._reading.response_to(request, self._reading.found(reply, len(ask.inputs)))
        except ValueError as error:
            response = Response(error=_misfit(requests[ask.request], ask, error))
        return Piece(place=ask.request, inputs=ask.inputs, response=response)

    def check(self) -> str | None:
        """Why the system is not the one that the audit began with; None where it states the same, or nothing."""
        now = self._state()
        return None if now == self._stated else f"it stated {short(self._stated)} and now states {short(now)}"

    def _cautions(self) -> Iterator[str]:
        if self._stated_at is None:
            yield (
                f"{self._url} states no version that the plan names (target.identity): the system is known by its "
                "address, and a change of it during the audit by other answers to questions that were asked before."
            )
        if self._reading.decides and self._reading.deciding is None:
            yield f"{self._url} states decisions of texts, which stand as probabilities of 0 and 1."

    def _state(self) -> Any:
        """What the server states of itself; TargetError where the plan says that it does, and it does not."""
        if self._stated_at is None:
            return None
        path = filled_path(self._stated_at["path"], ("identity", "path"))
        (reply,) = self._endpoint.send([Call(path=path)])
        try:
            if not reply.well:
                raise ValueError(reply.problem())
            found = Expression(str(self._stated_at["value"])).of(reply.json())
            if found is None:
                raise ValueError("the expression finds nothing in the answer")
            codec.encode(found)
        except UnicodeEncodeError:
            where = f"{self._endpoint.addresses[-1]}{self._stated_at['path']}"
            raise TargetError(f"target.identity: {where}: half a character, which is no text") from None
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
        return [_Ask(request=index, inputs=chunk, body=self._body(request, chunk)) for chunk in chunks]

    def _body(self, request: Request, chunk: range) -> Any:
        """What is sent for some inputs; a row of which it cannot be said is named."""
        try:
            return self._sent.filled(stands_for(request, chunk, self._features, missing=self._missing).__getitem__)
        except ValueError as error:
            if not isinstance(request.inputs, Table):
                raise
            raise Misfit(request.start + chunk.start, str(error), what="row") from None


def _misfit(request: Request, ask: _Ask, error: ValueError) -> str:
    """Which inputs a call held whose answer could not be read."""
    first, last = request.start + ask.inputs.start, request.start + ask.inputs.stop
    return str(Misfit(first, str(error))) if last - first == 1 else f"inputs {first + 1} to {last}: {error}"
