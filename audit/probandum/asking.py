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
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from probandum import codec
from probandum.budget import Purse, Spent
from probandum.cache import Cached
from probandum.energy import Meter, NoMeter
from probandum.errors import BudgetSpent, DataError, ProbeError, TargetError
from probandum.evidence import CACHED, LOCAL, SMALLER, Capability, Observation, Request, Response
from probandum.packing import (
    PACK_INPUTS,
    Answered,
    checked,
    describe,
    elsewhere,
    gaps,
    joined,
    packs,
    part,
    parts,
    whole,
)
from probandum.probe import Window
from probandum.reasking import Reasking
from probandum.rereading import refuse_other
from probandum.stopping import Rules, Stopper
from probandum.subject import Subject
from probandum.target import Target
from probandum.windowing import WindowJournal, Windows


class Journal(WindowJournal, Protocol):
    """Where packs are written as they are answered, and found again when a run resumes."""

    def recorded(self, pack: str) -> list[Observation] | None:
        """The observations of a whole recorded pack, in order; None where it is absent or incomplete."""
        ...

    def parts(self, block: str) -> list[Observation]:
        """What was recorded of a block alone, each a pack of its own."""
        ...

    def place(self, pack: str) -> tuple[str, int]:
        """The file and the line at which a recorded pack begins."""
        ...

    def write(self, observations: Sequence[Observation]) -> None:
        """Keep one pack; on return it survives kill -9."""
        ...


class Cache(Protocol):
    """Answers that outlive a run."""

    def get(self, pack: str) -> Cached | None:
        """The answers to a pack; None where they are not known."""
        ...

    def put(self, pack: str, responses: Sequence[Response]) -> None:
        """Keep the answers to a pack."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rest:
    """What is left to ask of the request that answers are kept under ``key`` of: its inputs from ``start`` on."""

    key: str
    request: Request
    start: int

    @property
    def places(self) -> range:
        """Which inputs of the whole request these are."""
        return range(self.start, self.start + len(self.request))


class Asker:
    """Answers rounds for all probes of a run. ``progress(probe, done, of)`` is told of inputs in a round.

    ``asked_before`` counts answers of an interrupted run, ``asked_elsewhere`` those from a shared cache;
    ``planned`` the inputs that each probe was the first to ask for, answered or not; ``cut_short`` the probes that
    the budget did not reach for, and ``unanswered`` those that a server did not answer after all retries, with the
    reason.
    ``replayed``: the windows of an earlier record, in place of the meter. ``purse``: what the budget leaves;
    BudgetSpent where it does not reach. ``rules``: by what sequential probes stop. ``reasking``: whether a server stays
    the same system, where that is to be found out.
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
        reasking: Reasking | None = None,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> None:
        self.target = target
        self.purse = purse if purse is not None else Purse()
        self.rules = rules if rules is not None else Rules()
        self.reasking = reasking
        self.seed = seed
        self.subject = subject
        self.journal = journal
        self.meter = meter if meter is not None else NoMeter()
        self._cache = cache
        self._pack_inputs = elsewhere(target.side_by_side) if target.remote else PACK_INPUTS
        self._windows = Windows(target, journal=journal, meter=self.meter, replayed=replayed, purse=self.purse)
        self._progress = progress or (lambda probe, done, of: None)
        self._answers: dict[str, Response] = {}
        #: Of packs that broke: by the key of a request, which of its inputs were answered, and how.
        self._broken: dict[str, list[Answered]] = {}
        self._fresh: Counter[str] = Counter()
        self._wanted: set[str] = set()
        self.planned: Counter[str] = Counter()
        self.asked_now = 0
        self.asked_before = 0
        self.asked_elsewhere = 0
        self.cut_short: set[str] = set()
        self.unanswered: dict[str, str] = {}

    def for_probe(self, probe: str, *, honours: Collection[str] = ()) -> ProbeAsk:
        """The ask that one probe gets; ``honours``: what of the rows' sampling it takes into account."""
        return ProbeAsk(self, probe, honours)

    def answer(self, probe: str, requests: Sequence[Request]) -> list[Response]:
        """Answers to a whole round, in its order; ProbeError where the target has no such capability."""
        for request in requests:
            if request.kind not in self.target.capabilities:
                raise ProbeError(f"{probe} asked for {request.kind}, which target {self.target.name} cannot answer")
        if not self.target.remote:
            return self._answer(probe, requests)
        asked = [parts(request, self._pack_inputs[request.kind]) for request in requests]
        answers = iter(self._answer(probe, [part for each in asked for part in each]))
        return [whole([part.places for part in each], [next(answers) for _ in each]) for each in asked]

    def _answer(self, probe: str, requests: Sequence[Request]) -> list[Response]:
        """Answers to a round whose blocks are no larger than a pack may be."""
        keys = [self._key(request) for request in requests]
        missing = {key: request for key, request in zip(keys, requests, strict=True) if key not in self._answers}
        unasked = iter(missing)
        done, of = 0, sum(len(request) for request in missing.values())
        self.planned[probe] += sum(len(request) for key, request in missing.items() if key not in self._wanted)
        self._wanted.update(missing)
        self._progress(probe, done, of)
        for pack in packs(list(missing.values()), self._pack_inputs, at_most=self.target.remote):
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
        """Note which probe the budget did not reach for, and which one a server did not answer."""
        try:
            yield
        except BudgetSpent:
            self.cut_short.add(probe)
            raise
        except TargetError as error:
            if self.target.remote:
                self.unanswered.setdefault(probe, "; ".join(error.lines()))
            raise

    def _key(self, request: Request) -> str:
        """What an answer is kept under; every fresh ask is one of its own, counted over the run."""
        name = f"{request.block}:{request.start}" if request.block else request.digest
        if not request.fresh:
            return name
        self._fresh[name] += 1
        return f"fresh:{self._fresh[name]}:{name}"

    def _answer_pack(self, probe: str, keys: Sequence[str], pack: Sequence[Request]) -> list[Response]:
        """The answers to a pack. What of it was answered when it broke before is not asked again."""
        name = codec.digest_of(keys)
        recorded = self._recorded(probe, name, pack)
        if recorded is not None:
            return recorded
        begun = [self._begun(probe, key, request) for key, request in zip(keys, pack, strict=True)]
        rest = [
            _Rest(key=key, request=part(request, gap.start, gap.stop), start=gap.start)
            for key, request, answers in zip(keys, pack, begun, strict=True)
            for gap in gaps([inputs for inputs, _ in answers], len(request))
        ]
        if any(begun):
            name = codec.digest_of([[each.key, each.start, len(each.request)] for each in rest])
            recorded = self._recorded(probe, name, [each.request for each in rest]) if rest else []
        if recorded is None:
            recorded = self._ask_pack(probe, name, rest)
        if not any(begun):
            return recorded
        places = {key: place for place, key in enumerate(keys)}
        for each, response in zip(rest, recorded, strict=True):
            begun[places[each.key]].append((each.places, response))
        return [joined(answers) for answers in begun]

    def _recorded(self, probe: str, name: str, pack: Sequence[Request]) -> list[Response] | None:
        """What the journal holds of a pack; None where it does not hold it."""
        recorded = self.journal.recorded(name) if self.journal else None
        if recorded is None:
            return None
        assert self.journal is not None
        refuse_other(recorded, probe, pack, first=self.journal.place(name))
        self.asked_before += len(recorded)
        answers = [observation.answer for observation in recorded]
        if self.reasking is not None:
            self.reasking.recall(probe, pack, answers)
        return answers

    def _begun(self, probe: str, key: str, request: Request) -> list[Answered]:
        """What was answered of a request whose pack broke, by the inputs; of an interrupted run too."""
        if key not in self._broken and self.journal and self.target.remote:
            for observation in self.journal.parts(request.block or request.digest):
                start = observation.places.start - request.start
                inputs = range(start, start + len(observation.places))
                if observation.pack != _name_of_piece(key, start) or inputs.stop > len(request):
                    continue
                answers = self._recorded(probe, observation.pack, [part(request, start, inputs.stop)]) or []
                self._broken.setdefault(key, []).extend((inputs, answer) for answer in answers)
        return sorted(self._broken.get(key, []), key=lambda each: each[0].start)

    def _ask_pack(self, probe: str, name: str, pack: Sequence[_Rest]) -> list[Response]:
        """The answers to what is not recorded yet; where one ask breaks it, those to the others are recorded."""
        started = time.perf_counter()
        requests = [each.request for each in pack]
        try:
            responses, placement = self._cached_or_asked(name, requests)
        except TargetError:
            self._keep(probe, pack, seconds=round(time.perf_counter() - started, 6))
            raise
        seconds = round(time.perf_counter() - started, 6)
        asked = not placement.startswith(CACHED)
        if asked:
            inputs = [len(request) for request in requests]
            self.purse.pay(Spent.on(zip(inputs, responses, strict=True), seconds=seconds))
        self._write(probe, name, requests, responses, seconds=seconds, placement=placement)
        if self.reasking is not None:
            self.reasking.note(probe, requests, responses)
        return responses

    def _keep(self, probe: str, pack: Sequence[_Rest], *, seconds: float) -> None:
        """Record what was answered of a pack that broke, each piece alone, and pay for all that the system did."""
        kept: list[tuple[int, Response]] = []
        for piece in self.target.kept:
            asked = pack[piece.place]
            request = part(asked.request, piece.inputs.start, piece.inputs.stop)
            response = checked(request, piece.response)
            start = asked.start + piece.inputs.start
            self._broken.setdefault(asked.key, []).append((range(start, start + len(request)), response))
            name = _name_of_piece(asked.key, start)
            took = 0.0 if kept else seconds  # once, since all of them took it together
            self._write(probe, name, [request], [response], seconds=took, placement=LOCAL)
            self.asked_now += 1
            kept.append((len(request), response))
        paid = Spent.on(kept, seconds=seconds)
        read, written = self.target.took
        more = max(0, read - paid.input_tokens), max(0, written - paid.output_tokens)
        self.purse.pay(paid + Spent.in_vain(more))

    def _write(
        self,
        probe: str,
        name: str,
        pack: Sequence[Request],
        responses: Sequence[Response],
        *,
        seconds: float,
        placement: str,
    ) -> None:
        """Record a pack."""
        if self.journal is None:
            return
        self.journal.write(
            [
                Observation(
                    request=request.digest,
                    response=response.digest,
                    probe=probe,
                    attempt=1 if placement.startswith(CACHED) else self.target.attempts,
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

    def _cached_or_asked(self, name: str, pack: Sequence[Request]) -> tuple[list[Response], str]:
        """The answers to a pack, and where they came from."""
        shared = None if any(request.fresh for request in pack) else self._cache
        if shared is not None and (cached := shared.get(name)) is not None:
            self.asked_elsewhere += len(pack)
            return cached.responses, f"{CACHED}{cached.answered}"
        self.purse.refuse(pack)
        if self.reasking is not None:
            self.reasking.before_more()
        responses = self.target.answer(pack)
        if len(responses) != len(pack):
            raise TargetError(f"target {self.target.name} gave {len(responses)} answers to {len(pack)} requests")
        responses = [checked(request, response) for request, response in zip(pack, responses, strict=True)]
        self.asked_now += len(pack)
        if (smaller := self.target.smaller_batches) is not None:  # these are not the numbers that others ask for
            return responses, f"{SMALLER}{smaller}"
        if shared is not None:
            shared.put(name, responses)
        return responses, LOCAL

    def windows(
        self, probe: str, requests: Sequence[Request], *, repeats: int, seconds: float, warm_up: int
    ) -> Iterator[tuple[str, Window]]:
        """Metered windows of fresh work with their keys; see :meth:`probandum.probe.Ask.window`."""
        windows = self._windows.of(probe, requests, repeats=repeats, seconds=seconds, warm_up=warm_up)
        with self._noting(probe):
            for done, (key, window) in enumerate(windows, 1):
                self._progress(probe, done, repeats)
                yield key, window


def _name_of_piece(key: str, start: int) -> str:
    """What the pack is called that holds the inputs of a request from ``start`` on, since its own pack broke."""
    return codec.digest_of(["piece", key, start])


class ProbeAsk:
    """One probe's ask: an :class:`Asker` that remembers which evidence the probe used."""

    def __init__(self, asker: Asker, probe: str, honours: Collection[str]) -> None:
        self._asker = asker
        self._probe = probe
        self._honours = honours
        self.evidence: dict[str, None] = {}
        self._unanswered: dict[str, tuple[int, str]] = {}

    @property
    def unanswered(self) -> str | None:
        """How many inputs got an error in place of an answer, and the first such error; None where none did."""
        if not self._unanswered:
            return None
        inputs = sum(count for count, _ in self._unanswered.values())
        what = "input was" if inputs == 1 else "inputs were"
        return f"{inputs:,} {what} not answered: {next(iter(self._unanswered.values()))[1]}"

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
        """The rows under audit; DataError where the plan names none, or declares of them what the probe ignores."""
        subject = self._asker.subject
        if subject is None:
            raise DataError(f"{self._probe} needs rows, and the plan names no data", remedy="add data.path to the plan")
        ignored = [key for key in subject.design if key not in self._honours]
        if ignored:
            columns = " and ".join(f"{key} {getattr(subject, key)!r}" for key in ignored)
            raise DataError(
                f"the plan declares the {columns} of the rows, which {self._probe} does not take into account: its "
                "figures would be those of other rows and its intervals too narrow",
                remedy="leave the probe out, or audit rows of equal weight, one a person, in a plan of their own",
            )
        return subject

    def __call__(self, requests: Sequence[Request]) -> list[Response]:
        """Answers to a whole round."""
        for request in requests:
            self.evidence.setdefault(request.digest)
        answers = self._asker.answer(self._probe, requests)
        for request, answer in zip(requests, answers, strict=True):
            if answer.error is not None:
                self._unanswered[request.digest] = len(request), answer.error
        return answers

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
