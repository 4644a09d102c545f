"""Keeping: a pack is asked, recorded and paid for; what takes long is recorded as it arrives.

A server may take minutes over a pack, and each answer may be paid for. So what came of it is recorded about once a
second while it is under way, and once more where it breaks or is interrupted: a run that is killed loses a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from probandum.budget import Purse, Spent
from probandum.errors import TargetError, Unrecorded
from probandum.evidence import CACHED, LOCAL, SMALLER, Observation, Request, Response
from probandum.packing import describe
from probandum.salvaging import PieceJournal, Rest, Salvage, name_of_rest
from probandum.target import Target
from probandum.units import counted


class WrittenJournal(PieceJournal, Protocol):
    """Where packs are written as they are answered."""

    def write(self, observations: Sequence[Observation]) -> None:
        """Keep whole packs; on return they survive kill -9."""
        ...


@dataclass(slots=True, kw_only=True)
class _UnderWay:
    """A pack that is being asked.

    ``paid``: what was recorded of it; ``since``: until when its time was paid for; ``unrecorded``: why its answers
    cannot be kept as they arrive, whatever the target makes of that.
    """

    probe: str
    pack: Sequence[Rest]
    paid: Spent = field(default_factory=Spent)
    since: float = field(default_factory=time.perf_counter)
    unrecorded: Unrecorded | None = None

    def seconds(self) -> float:
        """How long it has been asked since this was called."""
        now = time.perf_counter()
        took, self.since = round(now - self.since, 6), now
        return took


class Keeper:
    """Asks one target for the packs of a run. ``sound``: an answer that fits its request, or its error."""

    def __init__(
        self,
        target: Target,
        *,
        journal: WrittenJournal | None,
        purse: Purse,
        sound: Callable[[Request, Response], Response],
    ) -> None:
        self.salvage = Salvage(target, journal)
        self._target, self._journal, self._purse, self._sound = target, journal, purse, sound
        self._under_way: _UnderWay | None = None
        target.keep_with(self._keep)

    def answers(self, probe: str, name: str, pack: Sequence[Rest]) -> list[Response]:
        """The answers of the target, recorded and paid for; where one ask breaks the pack, those to the others are."""
        now = self._under_way = _UnderWay(probe=probe, pack=pack)
        try:
            responses = self._asked(now)
        except (TargetError, KeyboardInterrupt, SystemExit):
            self._keep()
            read, written = self._target.took
            more = max(0, read - now.paid.input_tokens), max(0, written - now.paid.output_tokens)
            self._purse.pay(replace(Spent.in_vain(more), seconds=now.seconds()))
            raise
        finally:
            self._under_way = None
        if not now.paid.requests:
            self._settle(probe, name, pack, responses, seconds=now.seconds())
            return responses
        rest = self.salvage.rest(pack, responses)
        if rest:
            others, answers = [each for each, _ in rest], [response for _, response in rest]
            self._settle(probe, name_of_rest(others), others, answers, seconds=now.seconds())
        return [self.salvage.whole(each, rest) for each in pack]

    def write_cached(self, probe: str, name: str, pack: Sequence[Rest], responses: Sequence[Response], on: str) -> None:
        """Record a pack that was answered before the run, ``on`` a day; it costs nothing."""
        self._write(_observed(probe, name, pack, responses, placement=f"{CACHED}{on}"))

    def _asked(self, now: _UnderWay) -> list[Response]:
        requests = [each.request for each in now.pack]
        responses = self._target.answer(requests)
        if now.unrecorded is not None:
            raise now.unrecorded
        if len(responses) != len(requests):
            told = f"{counted(len(responses), 'answer')} to {counted(len(requests), 'request')}"
            raise TargetError(f"target {self._target.name} gave {told}")
        responses = [self._sound(request, response) for request, response in zip(requests, responses, strict=True)]
        if now.paid.requests:
            self._keep()
        return responses

    def _settle(
        self, probe: str, name: str, pack: Sequence[Rest], responses: Sequence[Response], *, seconds: float
    ) -> None:
        """Record a pack that was answered, and pay for it."""
        smaller, attempts = self._target.smaller_batches, self._target.attempts
        self._purse.pay(Spent.on(_inputs(pack, responses), seconds=seconds))
        placement = LOCAL if smaller is None else f"{SMALLER}{smaller}"
        self._write(_observed(probe, name, pack, responses, placement=placement, seconds=seconds, attempts=attempts))

    def _keep(self) -> None:
        """Record what came of the pack under way since this was called, each piece alone, and pay for it."""
        now = self._under_way
        if now is None or now.unrecorded is not None:
            return
        pieces = self.salvage.pieces(now.pack)
        if not pieces:
            return
        seconds, attempts = now.seconds(), self._target.attempts
        paid = Spent.on(_inputs([each for _, each, _ in pieces], [answer for _, _, answer in pieces]), seconds=seconds)
        self._purse.pay(paid)
        now.paid += paid
        written: list[Observation] = []
        for name, piece, response in pieces:
            took = 0.0 if written else seconds  # once, since all of them took it together
            written += _observed(now.probe, name, [piece], [response], seconds=took, attempts=attempts)
        try:
            self._write(written)
        except Unrecorded as error:
            now.unrecorded = error
            raise

    def _write(self, observations: Sequence[Observation]) -> None:
        if self._journal is not None:
            self._journal.write(observations)


def _inputs(pack: Sequence[Rest], responses: Sequence[Response]) -> list[tuple[int, Response]]:
    return [(len(each.request), response) for each, response in zip(pack, responses, strict=True)]


def _observed(
    probe: str,
    name: str,
    pack: Sequence[Rest],
    responses: Sequence[Response],
    *,
    placement: str = LOCAL,
    seconds: float = 0.0,
    attempts: int = 1,
) -> list[Observation]:
    """A pack as the journal holds it."""
    return [
        Observation(
            request=each.request.digest,
            response=response.digest,
            probe=probe,
            attempt=attempts,
            seconds=seconds,
            placement=placement,
            pack=name,
            index=index,
            size=len(pack),
            asked=describe(each.request),
            answer=response,
        )
        for index, (each, response) in enumerate(zip(pack, responses, strict=True))
    ]
