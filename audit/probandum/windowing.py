"""Windowing: metered windows of fresh work, measured, found in the journal of an interrupted run, or replayed."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from probandum import codec
from probandum.budget import Purse, Spent
from probandum.energy import Meter, NoMeter, idle_watts
from probandum.errors import DataError, TargetError
from probandum.evidence import Reading, Request, Response
from probandum.packing import checked, unanswered
from probandum.probe import Window
from probandum.target import Target

#: Why a window of a system behind an address has no joules.
_ELSEWHERE = "the system computes behind an address: what that takes cannot be measured from here"


class WindowJournal(Protocol):
    """Where windows are kept as they are measured, and found again when a run resumes."""

    def window(self, key: str) -> Window | None:
        """A recorded energy window; None where it is absent."""
        ...

    def write_window(self, key: str, window: Window) -> None:
        """Keep one energy window."""
        ...


class Windows:
    """Measures the windows of a run. ``replayed``: those of an earlier record, in place of the meter."""

    def __init__(
        self,
        target: Target,
        *,
        journal: WindowJournal | None,
        meter: Meter,
        replayed: Mapping[str, Window] | None,
        purse: Purse,
    ) -> None:
        self._target = target
        self._journal = journal
        # A counter of this machine would count the waiting here and not the work there.
        self._meter = NoMeter(_ELSEWHERE) if target.remote else meter
        self._replayed = replayed
        self._purse = purse

    def of(
        self, probe: str, works: Sequence[Sequence[Request]], *, repeats: int, seconds: float, warm_up: int
    ) -> Iterator[tuple[str, Window]]:
        """Metered windows of fresh work with their keys, by turns; see :meth:`probandum.probe.Ask.window`."""
        names = [[request.digest for request in work] for work in works]
        warm, idle = False, None
        for repeat, (place, requests) in itertools.product(range(repeats), enumerate(works)):
            turn = names[0] if len(works) == 1 else [names, place]
            key = codec.digest_of([probe, turn, repeats, seconds, warm_up, repeat])
            window = self._journal.window(key) if self._journal else None
            if window is None and self._replayed is not None:
                window = replayed_window(self._replayed, key, probe)
                if self._journal:
                    self._journal.write_window(key, window)
            if window is None:
                self._purse.refuse(())
                if not warm:
                    self._target.synchronise()
                    idle = idle_watts(self._meter, seconds)
                    for work in [*works] * warm_up:
                        self._target.answer(work)
                    warm = True
                window = self._measured(requests, seconds)
                window = replace(window, reading=replace(window.reading, idle_watts=idle))
                if self._journal:
                    self._journal.write_window(key, window)
            yield key, window

    def _measured(self, requests: Sequence[Request], seconds: float) -> Window:
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


def replayed_window(replayed: Mapping[str, Window], key: str, what: str) -> Window:
    """The recorded window ``key``; DataError where the replayed record measured other work."""
    if key not in replayed:
        raise DataError(
            f"energy.replay: the record holds no reading of this work of {what}",
            remedy="replay the record of the same plan and model",
        )
    return replayed[key]
