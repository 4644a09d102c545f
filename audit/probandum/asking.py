"""How rounds are answered: de-duplicated, packed, asked, recorded, and never asked twice.

How a round is packed is a pure function of the round and of what this run asked before it, never of what a
cache or an interrupted run left behind: batch composition moves float32 results in the fifth digit, so the
pack is the unit of recording and of resuming.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Protocol

from probandum import codec
from probandum.budget import Purse
from probandum.cache import Cached
from probandum.energy import Meter, NoMeter
from probandum.errors import BudgetSpent, ProbeError, TargetError
from probandum.evidence import Observation, Reading, Request, Response
from probandum.gaps import with_cells_named
from probandum.keeping import Keeper, WrittenJournal
from probandum.packing import PACK_INPUTS, checked, elsewhere, joined, packs, parts, whole
from probandum.probe import Window
from probandum.probe_ask import ProbeAsk
from probandum.reasking import Reasking
from probandum.rereading import refuse_other
from probandum.resting import Conduct
from probandum.salvaging import Rest, left, name_of_rest
from probandum.siting import Site
from probandum.stopping import Rules
from probandum.subject import Subject
from probandum.target import Target
from probandum.windowing import WindowJournal, Windows


class Journal(WindowJournal, WrittenJournal, Protocol):
    """Where packs are written as they are answered, and found again when a run resumes."""

    def recorded(self, pack: str) -> list[Observation] | None:
        """The observations of a whole recorded pack, in order; None where it is absent or incomplete."""
        ...

    def place(self, pack: str) -> tuple[str, int]:
        """The file and the line at which a recorded pack begins."""
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

    ``asked_before`` counts answers and windows of an interrupted run, ``asked_elsewhere`` answers from a shared cache;
    ``planned`` the inputs that each probe was the first to ask for, answered or not; ``cut_short`` the probes that
    the budget did not reach for, and ``unanswered`` those that a server did not answer after all retries, with the
    reason.
    ``replayed``: the windows of an earlier record, in place of the meter. ``purse``: what the budget leaves;
    BudgetSpent where it does not reach. ``rules``: by what sequential probes stop. ``site``: what turns joules into
    emissions. ``reasking``: whether a server stays the same system, where that is to be found out. ``conduct``: how
    long metered parts rest and warm up; ``bare``: what they took at rest before the system was loaded.
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
        site: Site | None = None,
        reasking: Reasking | None = None,
        progress: Callable[[str, int, int], None] | None = None,
        conduct: Conduct | None = None,
        bare: Reading | None = None,
    ) -> None:
        self.target = target
        self.purse = purse if purse is not None else Purse()
        self.rules = rules if rules is not None else Rules()
        self.site = site if site is not None else Site()
        self.reasking = reasking
        self.seed = seed
        self.subject = subject
        self.journal = journal
        self.meter = meter if meter is not None else NoMeter()
        self._cache = cache
        self._pack_inputs = elsewhere(target.side_by_side) if target.remote else PACK_INPUTS
        self._windows = Windows(
            target,
            journal=journal,
            meter=self.meter,
            replayed=replayed,
            purse=self.purse,
            conduct=conduct if conduct is not None else Conduct(),
            bare=bare,
        )
        self._progress = progress or (lambda probe, done, of: None)
        self._answers: dict[str, Response] = {}
        self._keeper = Keeper(target, journal=journal, purse=self.purse, sound=self._checked)
        self._fresh: Counter[str] = Counter()
        self._wanted: set[str] = set()
        self.planned: Counter[str] = Counter()
        self._answered_before = 0
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
        known = partial(self._recorded, probe)
        begun = [self._keeper.salvage.begun(key, request, known) for key, request in zip(keys, pack, strict=True)]
        rest = left(keys, pack, begun)
        if any(begun):
            name = name_of_rest(rest)
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
        self._answered_before += len(recorded)
        answers = [observation.answer for observation in recorded]
        if self.reasking is not None:
            self.reasking.recall(probe, pack, answers)
        return answers

    def _ask_pack(self, probe: str, name: str, pack: Sequence[Rest]) -> list[Response]:
        """The answers to what is not recorded yet, of the shared cache or of the target."""
        requests = [each.request for each in pack]
        shared = None if any(request.fresh for request in requests) else self._cache
        if shared is not None and (cached := shared.get(name)) is not None:
            self.asked_elsewhere += len(pack)
            responses = cached.responses
            self._keeper.write_cached(probe, name, pack, responses, on=cached.answered)
        else:
            responses = self._asked(probe, name, pack)
            if shared is not None and self.target.smaller_batches is None:  # else others ask for other numbers
                shared.put(name, responses)
        if self.reasking is not None:
            self.reasking.note(probe, requests, responses)
        return responses

    def _asked(self, probe: str, name: str, pack: Sequence[Rest]) -> list[Response]:
        requests = [each.request for each in pack]
        self.purse.refuse(requests)
        if self.reasking is not None:
            self.reasking.before_more()
            self.purse.refuse(requests)
        with self._naming_cells(requests):
            answers = self._keeper.answers(probe, name, pack)
        self.meter.look()
        return answers

    def _checked(self, request: Request, response: Response) -> Response:
        """A response that fits its request; beside an error the cells are named that may be its cause."""
        sound = checked(request, response)
        return sound if sound.error is None else replace(sound, error=self._with_cells(sound.error, [request]))

    @contextmanager
    def _naming_cells(self, requests: Sequence[Request]) -> Iterator[None]:
        """Name the cells that may be the cause beside what a system says when it breaks on them."""
        try:
            yield
        except TargetError as error:
            if type(error) is not TargetError:  # a lost connection, say, for which no row is to blame
                raise
            raise TargetError(self._with_cells(error.message, requests), remedy=error.remedy) from None

    def _with_cells(self, why: str, requests: Sequence[Request]) -> str:
        return why if self.subject is None else with_cells_named(why, requests, self.subject.gaps)

    def windows(
        self,
        probe: str,
        requests: Sequence[Request],
        *,
        repeats: int,
        seconds: float,
        warm_up: int,
        against: Sequence[Request] = (),
    ) -> Iterator[tuple[str, Window]]:
        """Metered windows of fresh work with their keys; see :meth:`probandum.probe.Ask.window`."""
        works = [requests, against] if against else [requests]
        windows = self._windows.of(probe, works, repeats=repeats, seconds=seconds, warm_up=warm_up)
        with self._noting(probe), self._naming_cells([*requests, *against]):
            for done, (key, window) in enumerate(windows, 1):
                self._progress(probe, done, len(works) * repeats)
                yield key, window

    @property
    def asked_before(self) -> int:
        """What came from an interrupted run so far, answers and windows."""
        return self._answered_before + self._windows.measured_before

    @property
    def metered(self) -> bool:
        """Whether windows have joules."""
        return self._windows.metered

    def rest(self) -> tuple[Window, ...]:
        """Windows with the system loaded and nothing asked; see :meth:`probandum.probe.Ask.rest`."""
        return self._windows.rest()

    def resting(self, reading: Reading) -> Reading:
        """A reading with the power at rest, as far as it is known."""
        return self._windows.resting(reading)
