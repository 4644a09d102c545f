"""How rounds are answered: de-duplicated, packed, asked, recorded, and never asked twice.

How a round is packed is a pure function of the round and of what this run asked before it, never of what a
cache or an interrupted run left behind: batch composition moves float32 results in the fifth digit, so the
pack is the unit of recording and of resuming.
"""

from __future__ import annotations

import hashlib
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from probandum import codec
from probandum.budget import Purse, Spent
from probandum.cache import Cached
from probandum.energy import Meter, NoMeter, idle_watts
from probandum.errors import BudgetSpent, DataError, ProbeError, TargetError
from probandum.evidence import CACHED, SMALLER, Capability, Observation, Reading, Request, Response, Table
from probandum.probe import Window
from probandum.stopping import Rules, Stopper
from probandum.subject import Subject
from probandum.target import Target

_ELSEWHERE = "the system computes behind an address: what that takes cannot be measured from here"

#: Inputs a pack: what is lost when a run is killed, against how much can share one batch.
PACK_INPUTS: Mapping[Capability, int] = {
    Capability.CHOOSE: 160,
    Capability.SCORE: 256,
    Capability.GENERATE: 8,
    Capability.CLASSIFY: 8192,
    Capability.PREDICT: 65536,
    Capability.EMBED: 1024,
    Capability.ATTRIBUTE: 64,
}


class Journal(Protocol):
    """Where packs are written as they are answered, and found again when a run resumes."""

    def recorded(self, pack: str) -> list[Observation] | None:
        """The observations of a whole recorded pack, in order; None where it is absent or incomplete."""
        ...

    def write(self, observations: Sequence[Observation]) -> None:
        """Keep one pack; on return it survives kill -9."""
        ...

    def window(self, key: str) -> Window | None:
        """A recorded energy window; None where it is absent."""
        ...

    def write_window(self, key: str, window: Window) -> None:
        """Keep one energy window."""
        ...


class Cache(Protocol):
    """Answers that outlive a run."""

    def get(self, pack: str) -> Cached | None:
        """The answers to a pack; None where they are not known."""
        ...

    def put(self, pack: str, responses: Sequence[Response]) -> None:
        """Keep the answers to a pack."""
        ...


class Asker:
    """Answers rounds for all probes of a run. ``progress(probe, done, of)`` is told of inputs in a round.

    ``asked_before`` counts answers of an interrupted run, ``asked_elsewhere`` those from a shared cache;
    ``planned`` the inputs that each probe was the first to ask for, answered or not; ``cut_short`` the probes that
    the budget did not reach for.
    ``replayed``: the windows of an earlier record, in place of the meter. ``purse``: what the budget leaves;
    BudgetSpent where it does not reach. ``rules``: by what sequential probes stop.
    """

    def __init__(
        self,
        target: Target,
        *,
        seed: int,
        subject: Subject | None = None,
        journal: Journal | None = None,
        cache: Cache | None = None,
        meter: Meter | None = None,
        replayed: Mapping[str, Window] | None = None,
        purse: Purse | None = None,
        rules: Rules | None = None,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> None:
        self.target = target
        self.purse = purse if purse is not None else Purse()
        self.rules = rules if rules is not None else Rules()
        self.seed = seed
        self.subject = subject
        self.journal = journal
        self.meter = meter if meter is not None else NoMeter()
        # A counter of this machine would count the waiting here and not the work there.
        self._window_meter = NoMeter(_ELSEWHERE) if target.remote else self.meter
        self._cache = cache
        self._replayed = replayed
        self._progress = progress or (lambda probe, done, of: None)
        self._answers: dict[str, Response] = {}
        self._fresh: Counter[str] = Counter()
        self._wanted: set[str] = set()
        self.planned: Counter[str] = Counter()
        self.asked_now = 0
        self.asked_before = 0
        self.asked_elsewhere = 0
        self.cut_short: set[str] = set()

    def for_probe(self, probe: str) -> ProbeAsk:
        """The ask that one probe gets."""
        return ProbeAsk(self, probe)

    def answer(self, probe: str, requests: Sequence[Request]) -> list[Response]:
        """Answers to a whole round, in its order; ProbeError where the target has no such capability."""
        for request in requests:
            if request.kind not in self.target.capabilities:
                raise ProbeError(f"{probe} asked for {request.kind}, which target {self.target.name} cannot answer")
        keys = [self._key(request) for request in requests]
        missing = {key: request for key, request in zip(keys, requests, strict=True) if key not in self._answers}
        unasked = iter(missing)
        done, of = 0, sum(len(request) for request in missing.values())
        self.planned[probe] += sum(len(request) for key, request in missing.items() if key not in self._wanted)
        self._wanted.update(missing)
        self._progress(probe, done, of)
        for pack in packs(list(missing.values())):
            named = list(itertools.islice(unasked, len(pack)))
            with self._noting(probe):
                self._answers.update(zip(named, self._answer_pack(probe, named, pack), strict=True))
            done += sum(len(request) for request in pack)
            self._progress(probe, done, of)
        return [
            self._answers.pop(key) if request.fresh else self._answers[key]
            for key, request in zip(keys, requests, strict=True)
        ]

    @contextmanager
    def _noting(self, probe: str) -> Iterator[None]:
        """Note which probe the budget did not reach for."""
        try:
            yield
        except BudgetSpent:
            self.cut_short.add(probe)
            raise

    def _key(self, request: Request) -> str:
        """What an answer is kept under; every fresh ask is one of its own, counted over the run."""
        if not request.fresh:
            return request.digest
        self._fresh[request.digest] += 1
        return f"fresh:{self._fresh[request.digest]}:{request.digest}"

    def _answer_pack(self, probe: str, keys: Sequence[str], pack: Sequence[Request]) -> list[Response]:
        name = codec.digest_of(keys)
        recorded = self.journal.recorded(name) if self.journal else None
        if recorded is not None:
            self.asked_before += len(recorded)
            return [observation.answer for observation in recorded]
        started = time.perf_counter()
        responses, placement = self._cached_or_asked(name, pack)
        seconds = round(time.perf_counter() - started, 6)
        asked = not placement.startswith(CACHED)
        if asked:
            inputs = [len(request) for request in pack]
            self.purse.pay(Spent.on(zip(inputs, responses, strict=True), seconds=seconds))
        if self.journal:
            self.journal.write(
                [
                    Observation(
                        request=request.digest,
                        response=response.digest,
                        probe=probe,
                        attempt=self.target.attempts if asked else 1,
                        seconds=seconds,
                        placement=placement,
                        pack=name,
                        index=index,
                        size=len(pack),
                        asked=describe(request),
                        answer=response,
                    )
                    for index, (request, response) in enumerate(zip(pack, responses, strict=True))
                ]
            )
        return responses

    def _cached_or_asked(self, name: str, pack: Sequence[Request]) -> tuple[list[Response], str]:
        """The answers to a pack, and where they came from."""
        shared = None if any(request.fresh for request in pack) else self._cache
        if shared is not None and (cached := shared.get(name)) is not None:
            self.asked_elsewhere += len(pack)
            return cached.responses, f"{CACHED}{cached.answered}"
        self.purse.refuse(pack)
        responses = self.target.answer(pack)
        if len(responses) != len(pack):
            raise TargetError(f"target {self.target.name} gave {len(responses)} answers to {len(pack)} requests")
        responses = [_checked(request, response) for request, response in zip(pack, responses, strict=True)]
        self.asked_now += len(pack)
        if (smaller := self.target.smaller_batches) is not None:  # these are not the numbers that others ask for
            return responses, f"{SMALLER}{smaller}"
        if shared is not None:
            shared.put(name, responses)
        return responses, "local"

    def windows(
        self, probe: str, requests: Sequence[Request], *, repeats: int, seconds: float, warm_up: int
    ) -> Iterator[tuple[str, Window]]:
        """Metered windows of fresh work with their keys; see :meth:`probandum.probe.Ask.window`."""
        names = [request.digest for request in requests]
        warm, idle = False, None
        for repeat in range(repeats):
            key = codec.digest_of([probe, names, repeats, seconds, warm_up, repeat])
            window = self.journal.window(key) if self.journal else None
            if window is None and self._replayed is not None:
                window = replayed_window(self._replayed, key, probe)
                if self.journal:
                    self.journal.write_window(key, window)
            if window is None:
                with self._noting(probe):
                    self.purse.refuse(())
                if not warm:
                    self.target.synchronise()
                    idle = idle_watts(self._window_meter, seconds)
                    for _ in range(warm_up):
                        self.target.answer(requests)
                    warm = True
                window = self._measure_window(requests, seconds)
                self.purse.pay(Spent.on_window(window))
                window = replace(window, reading=replace(window.reading, idle_watts=idle))
                if self.journal:
                    self.journal.write_window(key, window)
            self._progress(probe, repeat + 1, repeats)
            yield key, window

    def _measure_window(self, requests: Sequence[Request], seconds: float) -> Window:
        self.target.synchronise()
        token = self._window_meter.begin()
        started = time.perf_counter()
        count, tokens_in, tokens_out = 0, 0, 0
        counted = True
        answers: list[Response] = []
        while time.perf_counter() - started < seconds:
            answers = self.target.answer(requests)
            for response in answers:
                counted = counted and response.input_tokens is not None
                tokens_in += response.input_tokens or 0
                tokens_out += response.output_tokens or 0
            count += sum(len(request) for request in requests)
        self.target.synchronise()
        reading: Reading = self._window_meter.end(token)
        for request, response in zip(requests, answers, strict=True):
            if why := _unanswered(_checked(request, response)):
                raise TargetError(f"target {self.target.name} failed in an energy window: {why}")
        return Window(
            reading=reading,
            requests=count,
            input_tokens=tokens_in if counted else None,
            output_tokens=tokens_out if counted else None,
        )


class ProbeAsk:
    """One probe's ask: an :class:`Asker` that remembers which evidence the probe used."""

    def __init__(self, asker: Asker, probe: str) -> None:
        self._asker = asker
        self._probe = probe
        self.evidence: dict[str, None] = {}

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the target can answer."""
        return self._asker.target.capabilities

    @property
    def labels(self) -> tuple[str, ...]:
        """The target's class names."""
        return self._asker.target.labels

    @property
    def remote(self) -> bool:
        """Whether the system computes elsewhere, so that windows have its time and no joules."""
        return self._asker.target.remote

    @property
    def subject(self) -> Subject:
        """The rows under audit; DataError where the plan names none."""
        if self._asker.subject is None:
            raise DataError(f"{self._probe} needs rows, and the plan names no data", remedy="add data.path to the plan")
        return self._asker.subject

    def __call__(self, requests: Sequence[Request]) -> list[Response]:
        """Answers to a whole round."""
        for request in requests:
            self.evidence.setdefault(request.digest)
        return self._asker.answer(self._probe, requests)

    def stopper(self, metric: str, *, place: Mapping[str, str] | None = None, quantities: int = 1) -> Stopper:
        """When to stop asking for ``metric``; see :meth:`probandum.probe.Ask.stopper`."""
        return self._asker.rules.stopper(f"{self._probe}/{metric}", place or {}, quantities)

    def rng(self, *names: str) -> np.random.Generator:
        """Seeded by the plan's seed, the probe and ``names``."""
        material = "\x1f".join([str(self._asker.seed), self._probe, *names]).encode()
        return np.random.default_rng(int.from_bytes(hashlib.sha256(material).digest()[:16], "big"))

    def window(self, requests: Sequence[Request], *, repeats: int, seconds: float, warm_up: int) -> Iterator[Window]:
        """Metered windows of fresh work; each is evidence of its own."""
        for key, window in self._asker.windows(
            self._probe, requests, repeats=repeats, seconds=seconds, warm_up=warm_up
        ):
            self.evidence.setdefault(key)
            yield window


def replayed_window(replayed: Mapping[str, Window], key: str, what: str) -> Window:
    """The recorded window ``key``; DataError where the replayed record measured other work."""
    if key not in replayed:
        raise DataError(
            f"energy.replay: the record holds no reading of this work of {what}",
            remedy="replay the record of the same plan and model",
        )
    return replayed[key]


def packs(requests: Sequence[Request]) -> list[list[Request]]:
    """``requests`` in packs of one kind and at least ``PACK_INPUTS`` inputs; a pure function of the round."""
    made: list[list[Request]] = []
    size = 0
    for request in requests:
        if not made or size >= PACK_INPUTS[request.kind] or made[-1][0].kind != request.kind:
            made.append([])
            size = 0
        made[-1].append(request)
        size += len(request)
    return made


def describe(request: Request) -> dict[str, Any]:
    """What the journal says was asked: texts as sent; of rows only digest and keys, not the persons in them."""
    said: dict[str, Any] = {"kind": str(request.kind), "n": len(request)}
    if isinstance(request.inputs, Table):
        said["rows"] = request.inputs.digest
        said["columns"] = list(request.inputs)
    elif request.masks is None:
        said["inputs"] = list(request.inputs)
    if request.masks is not None:
        said["masks"] = codec.builtins(request.masks)
    elif request.keys:
        said["keys"] = list(request.keys)
    for name in ("groups", "options", "continuations"):
        if getattr(request, name):
            said[name] = list(getattr(request, name))
    if request.prefix:
        said["prefix"] = request.prefix
    if request.parameters:
        said["parameters"] = dict(request.parameters)
    if request.repeat:
        said["repeat"] = request.repeat
    return said


def _unanswered(response: Response) -> str | None:
    """Why a response is no answer: what refusing takes is not what answering takes."""
    if response.error is not None:
        return response.error
    if response.refused:
        return f"it declined {len(response.refused)} inputs"
    return "its answer is empty" if response.outputs is None and not response.texts else None


def _checked(request: Request, response: Response) -> Response:
    """``response`` in float64, as the journal gives it back; an error in its place where it does not fit the inputs.

    It fits with one finite row of numbers, or one text, an input.
    """
    if response.error is not None:
        return response
    if response.texts and len(response.texts) != len(request):
        return Response(error=f"{len(response.texts)} texts to {len(request)} inputs")
    if response.outputs is None:
        return response
    outputs = np.asarray(response.outputs, dtype=np.float64)
    if outputs.shape[:1] != (len(request),):
        return Response(error=f"answers of shape {outputs.shape} to {len(request)} inputs")
    finite = np.isfinite(outputs).reshape(len(outputs), -1).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        name = request.keys[row] if request.keys else f"input {row + 1}"
        return Response(error=f"{name}: the system answered {outputs[row].tolist()}, which is not finite")
    return replace(response, outputs=outputs)
