"""A server that speaks the OpenAI protocol: OpenAI itself, vLLM, llama.cpp, TGI, Ollama, ``transformers serve``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, Literal

from probandum.errors import UsageError
from probandum.evidence import Capability, Request, Response
from probandum.keywords import Seconds, Sendable, Text
from probandum.packing import total
from probandum.target import Piece, Problem, Target, TargetContext, target
from probandum.targets.access import Access, Concurrency, Retries, filled
from probandum.targets.acquainted import met_again, told
from probandum.targets.answering import unable
from probandum.targets.dialect import Dialect
from probandum.targets.endpoint import Endpoint
from probandum.targets.generating import Decoding, MostTokens
from probandum.targets.handshake import shake
from probandum.targets.openai_asking import Asking
from probandum.targets.openai_plan import Seed, Temperature, TopP, extra_of, omitted, refuse_system, with_path
from probandum.targets.openai_reading import Reading
from probandum.targets.phrasing import Bodies, Phrasing
from probandum.targets.prompting import attempt
from probandum.targets.token_counts import TokenCounts
from probandum.targets.usage import counted, spent


@target("openai")
class OpenAITarget(Target):
    """Texts of a model behind an OpenAI-compatible server and, where a handshake shows them, log-probabilities.

    ``url``: the server's address with the path before ``/chat/completions``, by default ``/v1``. ``model``: as the
    server calls it. ``api``: ``chat``, where a prompt is the user's message, after ``system`` where there is one; or
    ``completions``, where it is the text as it is. ``key_env``, ``headers``, ``concurrency``, ``timeout``,
    ``retries``, ``ca_file`` and ``proxy`` as in :class:`probandum.targets.access.Access`.

    ``temperature``, ``top_p``, ``max_tokens`` and ``seed`` are sent with every request that does not say otherwise,
    since servers fill in what is left out; so are the keys of ``extra``, such as ``top_k`` and
    ``repetition_penalty`` of vLLM. A request that samples gets a seed of its own, made of ``seed`` and the request.
    ``omit`` names those of temperature, top_p and seed that a server refuses: the server's own then apply.

    ``samples``: whether it answers by chance also at temperature 0. What is asked at another temperature is taken to:
    a server need not heed the seed.

    Options are chosen among by the listed probabilities of the first token of the answer or, where an echoed prompt
    is found to be scored rightly, by the log-probability of the whole option. A chat cannot be made to begin its
    answer with a scripted start: the start is not sent, and options are compared without their leading space.
    """

    remote = True

    def __init__(
        self,
        context: TargetContext,
        *,
        url: str,
        model: Text,
        api: Literal["chat", "completions"] = "chat",
        system: str | None = None,
        key_env: str | None = None,
        headers: Mapping[str, str] | None = None,
        concurrency: Concurrency = 4,
        timeout: Seconds = 120.0,
        retries: Retries = 4,
        ca_file: Text | None = None,
        proxy: str | None = None,
        temperature: Temperature = 0.0,
        top_p: TopP = 1.0,
        max_tokens: MostTokens = 128,
        seed: Seed = 0,
        omit: Sequence[str] = (),
        samples: bool = False,
        extra: Annotated[Mapping[str, Any], Sendable()] | None = None,
    ) -> None:
        refuse_system(system, api)
        self._sampling = {"temperature": temperature, "top_p": top_p, "max_new_tokens": max_tokens}
        self._seed = seed
        decoding = Decoding(max_new_tokens=max_tokens, temperature=float(temperature), top_p=float(top_p))
        access = Access(
            url=with_path(url),
            key_env=key_env,
            headers=headers,
            concurrency=concurrency,
            timeout=timeout,
            retries=retries,
            ca_file=None if ca_file is None else context.resolve(ca_file),
            proxy=proxy,
            sent={"extra": extra or {}},
        )
        left_out, self._extra = omitted(omit, {}), extra_of(extra or {})
        sent = filled(self._extra, ("extra",))
        dialect = Dialect(api=api, model=model, system=system, extra=sent, omit=left_out)
        self._access, self._endpoint = access, Endpoint(access)
        self.endpoints = self._endpoint.addresses
        self.side_by_side = concurrency
        self._met = shake(self._endpoint, dialect, decoding, seed=seed)
        self._dialect = self._met.dialect
        self._phrasing = Phrasing(dialect=self._dialect, decoding=decoding, seed=seed, top=self._met.top)
        self._reading = Reading(chat=api == "chat", echo=self._met.echo)
        self._asking = Asking(self._endpoint, self._met)
        self.passing = ("system_fingerprints",) if self._met.several else ()
        self._samples, self.steady = samples, self._met.canary is not None
        self.capabilities = self._met.capabilities
        self.why_not = self._met.why_not
        self.cautions = tuple(self._cautions())

    @classmethod
    def problems(cls, options: Mapping[str, Any], context: TargetContext) -> Iterator[Problem]:
        """What is wrong with the address, the environment, and what the server is to be sent."""
        yield from Access.problems({**options, "url": with_path(options["url"])}, context)
        for check in (
            lambda: refuse_system(options.get("system"), options.get("api", "chat")),
            lambda: extra_of(options.get("extra") or {}),
            lambda: omitted(options.get("omit", ()), options),
        ):
            try:
                check()
            except UsageError as error:
                yield Problem.of(error)

    def identity(self) -> Mapping[str, Any]:
        """What the server says of itself, what it is sent with every request, and what the handshake found."""
        return {
            "url": self._endpoint.base,
            "model": self._dialect.model,
            "api": self._dialect.api,
            "system": self._dialect.system,
            "sampling": {
                **self._sampling,
                "seed": self._seed,
                **self._extra,
                **dict.fromkeys(self._dialect.omit),
            },
            **self._met.facts(),
        }

    @property
    def attempts(self) -> int:
        """The most tries that one ask of the last round took."""
        return self._asking.attempts

    @property
    def took(self) -> tuple[int, int]:
        """As the server states them with every reply."""
        return spent(self._asking.came)

    def keep_with(self, keep: Callable[[], None]) -> None:
        """Have answers kept as they arrive."""
        self._endpoint.keep = keep

    @property
    def kept(self) -> Sequence[Piece]:
        """Each input of the last round whose asks were all answered."""
        return tuple(self._asking.kept)

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """One response a request. Asks are sent side by side, and each answer stands in its place."""
        ways = {Capability.GENERATE: self._written, Capability.CHOOSE: self._chosen, Capability.SCORE: self._scored}
        responses = [Response(error=unable(self, request)) for request in requests]
        self._asking.begin(requests)
        for kind in (each for each in ways if each in self.capabilities):
            places = [place for place, request in enumerate(requests) if request.kind is kind]
            for place, response in zip(places, ways[kind]([requests[place] for place in places]), strict=True):
                responses[place] = response
        return responses

    def tokens(self, requests: Sequence[Request]) -> list[int | None]:
        """As the server counts them where it can be asked to; 0 for a request that cannot be asked."""
        if self._counts is None:
            return [None] * len(requests)
        made = [self._bodies(request) for request in requests]
        counts = iter(self._counts.of([body for bodies in made for body in bodies]))
        return [total([next(counts) for _ in bodies]) for bodies in made]

    def writes(self, requests: Sequence[Request]) -> list[int | None]:
        """The most tokens that its asks allow, one for a choice or a score."""
        return [sum(body[self._dialect.limit] for body in self._bodies(request)) for request in requests]

    @cached_property
    def _counts(self) -> TokenCounts | None:
        return TokenCounts.found(self._access, self._met.first, self._met.read)

    def _bodies(self, request: Request) -> Bodies:
        """What is sent for a request, before it is known whether a choice has to be asked by echo too."""
        if unable(self, request):
            return []
        by_first = request.kind is Capability.CHOOSE and self._met.top
        ways = {Capability.GENERATE: self._phrasing.drafts, Capability.SCORE: self._phrasing.echoes}
        bodies = attempt(self._phrasing.firsts if by_first else ways.get(request.kind, self._phrasing.echoes), request)
        return [] if isinstance(bodies, str) else bodies

    def check(self) -> str | None:
        """Why the server is not the one that the audit began with; None where it answers and states the same.

        A fingerprint that is new is a caution, where the server still answers in the same words.
        """
        asking = self._asking
        if asking.changed is None:
            again = met_again(self._endpoint, self._met, seen=asking.seen)
            asking.changed = again.changed
            asking.seen |= again.fingerprints
            if (caution := told(self._met, asking.seen, again.fingerprints)) is not None:
                self.cautions = (*self._cautions(), caution)
        return asking.changed

    def samples(self, request: Request) -> bool:
        """Where the plan says so; and of texts, where the handshake showed it, or the temperature is above 0."""
        if self._samples or request.kind is not Capability.GENERATE:
            return self._samples
        return not self.steady or float(request.parameters.get("temperature", self._sampling["temperature"])) > 0

    def _written(self, requests: Sequence[Request]) -> list[Response]:
        return self._asking.ask(requests, self._phrasing.drafts, self._reading.texts)

    def _chosen(self, requests: Sequence[Request]) -> list[Response]:
        """By first tokens; a request of which these leave one input open is asked by echo, where that is used."""
        if not self._met.top:
            return self._scored(requests)
        found = self._asking.ask(requests, self._phrasing.firsts, self._reading.by_first_token)
        again = [place for place, each in enumerate(found) if each.error is None and each.outputs is None]
        scored = self._scored([requests[place] for place in again])
        for place, response in zip(again, scored, strict=True):
            asked = response, found[place]
            found[place] = counted(response, [(each.input_tokens, each.output_tokens) for each in asked])
        return found

    def _scored(self, requests: Sequence[Request]) -> list[Response]:
        return self._asking.ask(requests, self._phrasing.echoes, self._reading.by_echo)

    def _cautions(self) -> list[str]:
        found = [
            f"The system is an endpoint, {self._endpoint.base}: its identity is what it says of itself.",
            *self._met.refused,
            *(
                f"{name} is not sent (target.omit): a default of the server applies, which nothing here states."
                for name in self._dialect.omit
            ),
        ]
        if Capability.CHOOSE in self.capabilities and self._dialect.api == "chat":
            found.append(
                "Options were compared by the first token of the answer, and no scripted start was sent: a chat API "
                "cannot be made to begin its answer with one."
            )
        elif Capability.CHOOSE in self.capabilities and not self._met.echo:
            found.append("Options were compared by the first token of the answer.")
        return found
