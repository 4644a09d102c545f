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
from typing import Protocol

import numpy as np

from probandum import codec
from probandum.budget import Purse, Spent
from probandum.cache import Cached
from probandum.energy import Meter, NoMeter
from probandum.errors import BudgetSpent, DataError, ProbeError, TargetError
from probandum.evidence import CACHED, SMALLER, Capability, Observation, Request, Response
from probandum.packing import PACK_INPUTS, checked, describe, elsewhere, packs, parts, whole
from probandum.probe import Window
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
        self._cache = cache
        self._pack_inputs = elsewhere(target.side_by_side) if target.remote else PACK_INPUTS
        self._windows = Windows(target, journal=journal, meter=self.meter, replayed=replayed, purse=self.purse)
        self._progress = progress or (lambda probe, done, of: None)
        self._answers: dict[str, Response] = {}
        self._fresh: Counter[str] = Counter()
        self._wanted: set[str] = set()
        self.planned: Counter[str] = Counter()
        self.asked_now = 0
        self.asked_before = 0
        self.asked_elsewhere = 0
        self.cut_short: set[str] = set()

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
        for pack in packs(list(missing.values()), self._pack_inputs):
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
        name = f"{request.block}:{request.start}" if request.block else request.digest
        if not request.fresh:
            return name
        self._fresh[name] += 1
        return f"fresh:{self._fresh[name]}:{name}"

    def _answer_pack(self, probe: str, keys: Sequence[str], pack: Sequence[Request]) -> list[Response]:
        name = codec.digest_of(keys)
        recorded = self.journal.recorded(name) if self.journal else None
        if recorded is not None:
            assert self.journal is not None
            refuse_other(recorded, probe, pack, first=self.journal.place(name))
            self.asked_before += len(recorded)
            answers = [observation.answer for observation in recorded]
            self.target.recall(pack, answers)
            return answers
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
        responses = [checked(request, response) for request, response in zip(pack, responses, strict=True)]
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
        windows = self._windows.of(probe, requests, repeats=repeats, seconds=seconds, warm_up=warm_up)
        with self._noting(probe):
            for done, (key, window) in enumerate(windows, 1):
                self._progress(probe, done, repeats)
                yield key, window


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
