"""Windowing: metered windows of fresh work, measured, found in the journal of an interrupted run, or replayed."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from probandum import codec
from probandum.budget import Purse, Spent
from probandum.energy import NVML_UPDATE_SECONDS, Meter, NoMeter
from probandum.errors import DataError, TargetError
from probandum.evidence import Reading, Request, Response
from probandum.packing import checked, unanswered
from probandum.probe import Window
from probandum.resting import PIECES, Conduct, at_rest, watts_of
from probandum.target import Target
from probandum.warming import warmed

#: Why a window of a system behind an address has no joules.
_ELSEWHERE = "the system computes behind an address: what that takes cannot be measured from here"
#: What the windows at rest are called, before the model was loaded and with it in memory.
_BARE = "rest:bare"
_LOADED = tuple(f"rest:loaded:{number}" for number in range(1, PIECES + 1))


class WindowJournal(Protocol):
    """Where windows are kept as they are measured, and found again when a run resumes."""

    def window(self, key: str) -> Window | None:
        """A recorded energy window; None where it is absent."""
        ...

    def write_window(self, key: str, window: Window) -> None:
        """Keep one energy window."""
        ...


class Windows:
    """Measures the windows of a run. ``replayed``: those of an earlier record, in place of the meter.

    ``conduct``: how long the parts rest and warm up; ``bare``: what they took before the model was loaded.
    ``measured_before`` counts windows of work that an interrupted run measured.
    """

    def __init__(
        self,
        target: Target,
        *,
        journal: WindowJournal | None,
        meter: Meter,
        replayed: Mapping[str, Window] | None,
        purse: Purse,
        conduct: Conduct,
        bare: Reading | None,
    ) -> None:
        self._target = target
        self._journal = journal
        # A counter of this machine would count the waiting here and not the work there.
        self._meter = NoMeter(_ELSEWHERE) if target.remote else meter
        self._replayed = replayed
        self._purse = purse
        self._conduct = conduct
        self._bare = bare
        self._rest: tuple[Window, ...] | None = None
        self._warm_for: Sequence[Sequence[str]] = ()
        self._warmth = ""
        self._written: set[str] = set()
        self.measured_before = 0

    @property
    def metered(self) -> bool:
        """Whether windows of work have joules."""
        if self._replayed is None:
            return self._meter.reads
        return any(each.requests and each.reading.joules is not None for each in self._replayed.values())

    def rest(self) -> tuple[Window, ...]:
        """Windows with the model loaded and nothing asked, metered once a run; none where no meter reads."""
        if self._rest is None:
            self._rest = self._replayed_rest() if self._replayed is not None else tuple(self._rested())
        return self._rest

    def _known_rest(self) -> tuple[Window, ...]:
        """The rest that an earlier run metered, of this record or of the one that is replayed."""
        if self._replayed is not None:
            return self.rest()
        return tuple(window for window in map(self._kept, _LOADED) if window is not None)

    def _replayed_rest(self) -> tuple[Window, ...]:
        known = {key: window for key, window in (self._replayed or {}).items() if key in (_BARE, *_LOADED)}
        return tuple(window for key, window in known.items() if self._keep(key, window) and key != _BARE)

    def _rested(self) -> Iterator[Window]:
        if self._bare is not None:
            self._keep(_BARE, _of_rest(self._bare))
        known = {key: self._kept(key) for key in _LOADED}
        missing = [key for key, window in known.items() if window is None]
        if missing:
            self._target.synchronise()
            rested = at_rest(self._meter, self._conduct.idle_seconds, len(missing))
            known |= {key: self._keep(key, _of_rest(each)) for key, each in zip(missing, rested, strict=False)}
        yield from (window for window in known.values() if window is not None)

    def resting(self, reading: Reading) -> Reading:
        """A reading with the power at rest, before the model was loaded and with it, as far as they are known."""
        rest = self._rest or self._known_rest()
        if reading.joules is None or not rest:
            return reading
        bare = self._kept(_BARE)
        return replace(
            reading,
            idle_watts=watts_of([each.reading for each in rest]),
            bare_watts=None if bare is None else watts_of([bare.reading]),
        )

    def _told(self, reading: Reading) -> Reading:
        """A reading of work with the power at rest, and how warm the parts were."""
        if reading.joules is None or not self._warmth:
            return self.resting(reading)
        return self.resting(replace(reading, notes=(*reading.notes, self._warmth)))

    def _kept(self, key: str) -> Window | None:
        return self._journal.window(key) if self._journal else None

    def _keep(self, key: str, window: Window) -> Window:
        """Write a window down, unless one of its name was: a run that resumes keeps what it read first."""
        if (known := self._kept(key)) is not None:
            return known
        self._written.add(key)
        if self._journal:
            self._journal.write_window(key, window)
        return window

    def of(
        self, probe: str, works: Sequence[Sequence[Request]], *, repeats: int, seconds: float, warm_up: int
    ) -> Iterator[tuple[str, Window]]:
        """Metered windows of fresh work with their keys, by turns; see :meth:`probandum.probe.Ask.window`."""
        names = [[request.digest for request in work] for work in works]
        for repeat, (place, requests) in itertools.product(range(repeats), enumerate(works)):
            turn = names[0] if len(works) == 1 else [names, place]
            key = codec.digest_of([probe, turn, repeats, seconds, warm_up, repeat])
            window = self._kept(key)
            self.measured_before += window is not None and key not in self._written
            if window is None and self._replayed is not None:
                window = self._keep(key, replayed_window(self._replayed, key, probe))
            if window is None:
                self._purse.refuse(())
                self._warm_up(names, works, warm_up)
                window = self._measured(requests, seconds, phase=key)
                window = self._keep(key, replace(window, reading=self._told(window.reading)))
            yield key, window

    def _warm_up(self, names: Sequence[Sequence[str]], works: Sequence[Sequence[Request]], rounds: int) -> None:
        """Rest first, then so many rounds, and where joules are read on until the work is steady; once for one work."""
        if self._warm_for == names:
            return
        self.rest()
        self._target.synchronise()

        def work() -> None:
            for each in works:
                self._target.answer(each)
                self._meter.look()
            self._target.synchronise()

        for _ in range(rounds):
            work()
        self._warmth = ""
        if self._meter.reads and self._conduct.warm_up_seconds > 0:
            self._warmth = warmed(
                work,
                seconds=self._conduct.warm_up_seconds,
                at_most=self._conduct.warm_up_at_most,
                temperatures=self._meter.temperatures,
            ).said
        self._warm_for = names

    def _lead_in(self, requests: Sequence[Request], phase: str) -> None:
        """Of power that is sampled: a pause of random length, so that no window keeps step, and the rise of a round."""
        part = int(phase[-8:], 16) / 2**32
        time.sleep(part * NVML_UPDATE_SECONDS)
        self._target.answer(requests)

    def _measured(self, requests: Sequence[Request], seconds: float, *, phase: str) -> Window:
        if self._meter.sampled:
            self._lead_in(requests, phase)
        self._target.synchronise()
        token = self._meter.begin()
        started = time.perf_counter()
        count, tokens_in, tokens_out = 0, 0, 0
        counted = True
        answers: list[Response] = []
        while time.perf_counter() - started < seconds:
            try:
                answers = self._target.answer(requests)
            except TargetError:
                read, written = self._target.took
                self._purse.pay(Spent(input_tokens=tokens_in + read, output_tokens=tokens_out + written))
                raise
            for response in answers:
                known = None not in (response.input_tokens, response.output_tokens)
                counted = counted and (known or response.error is not None)
                tokens_in += response.input_tokens or 0
                tokens_out += response.output_tokens or 0
            count += sum(len(request) for request in requests)
            self._meter.look()
        self._target.synchronise()
        reading: Reading = self._meter.end(token)
        window = Window(
            reading=reading,
            requests=count,
            input_tokens=tokens_in if counted else None,
            output_tokens=tokens_out if counted else None,
        )
        self._purse.pay(Spent.on_window(window))  # one that failed cost no less
        for request, response in zip(requests, answers, strict=True):
            if why := unanswered(checked(request, response)):
                raise TargetError(f"target {self._target.name} failed in an energy window: {why}")
        return window


def _of_rest(reading: Reading) -> Window:
    return Window(reading=reading, requests=0, input_tokens=None, output_tokens=None)


def replayed_window(replayed: Mapping[str, Window], key: str, what: str) -> Window:
    """The recorded window ``key``; DataError where the replayed record measured other work."""
    if key not in replayed:
        raise DataError(
            f"energy.replay: the record holds no reading of this work of {what}",
            remedy="replay the record of the same plan and model",
        )
    return replayed[key]
