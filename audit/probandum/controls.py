"""Controls: the same probe on a changed world, where what it must see is known.

A positive control plants an effect of known size; a negative one takes every effect away. Most change the
answers that were already given, so they cost no request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from probandum.evidence import Capability, Request, Response
from probandum.probe import Ask, ControlOutcome, Measure, Probe, Window
from probandum.shapes import Shape, Shapeless
from probandum.siting import Site
from probandum.stopping import Stopper
from probandum.subject import Subject


class AskThrough:
    """An ask that passes everything on; subclasses change one thing. ``subject``: rows in place of the audit's."""

    def __init__(self, ask: Ask, *, subject: Subject | None = None) -> None:
        self._ask = ask
        self._subject = subject

    @property
    def capabilities(self) -> frozenset[Capability]:
        """As the audited system's."""
        return self._ask.capabilities

    @property
    def labels(self) -> tuple[str, ...]:
        """As the audited system's."""
        return self._ask.labels

    @property
    def remote(self) -> bool:
        """As the audited system."""
        return self._ask.remote

    @property
    def weights_here(self) -> bool:
        """As the audited system's."""
        return self._ask.weights_here

    @property
    def site(self) -> Site:
        """As the audit's."""
        return self._ask.site

    @property
    def metered(self) -> bool:
        """As the audit's."""
        return self._ask.metered

    @property
    def shape(self) -> Shape | Shapeless:
        """As the audited system's."""
        return self._ask.shape

    @property
    def subject(self) -> Subject:
        """As the audit's, unless others take their place."""
        return self._ask.subject if self._subject is None else self._subject

    def __call__(self, requests: Sequence[Request]) -> list[Response]:
        """As the audited system answers."""
        return self._ask(requests)

    def rng(self, *names: str) -> np.random.Generator:
        """As the audit's."""
        return self._ask.rng(*names)

    def window(
        self,
        requests: Sequence[Request],
        *,
        repeats: int,
        seconds: float,
        warm_up: int,
        against: Sequence[Request] = (),
    ) -> Iterator[Window]:
        """As the audit's."""
        return self._ask.window(requests, repeats=repeats, seconds=seconds, warm_up=warm_up, against=against)

    def rest(self) -> Sequence[Window]:
        """As the audit's."""
        return self._ask.rest()

    def stopper(self, metric: str, *, place: Mapping[str, str] | None = None, quantities: int = 1) -> Stopper:
        """As the audit's."""
        return self._ask.stopper(metric, place=place, quantities=quantities)


class ChangedAnswers(AskThrough):
    """Every answer passes through ``change(request, response)``: planted effects, noise, constant models."""

    def __init__(self, ask: Ask, change: Callable[[Request, Response], Response]) -> None:
        super().__init__(ask)
        self._change = change

    def __call__(self, requests: Sequence[Request]) -> list[Response]:
        """The system's answers, changed."""
        answers = self._ask(requests)
        return [self._change(request, answer) for request, answer in zip(requests, answers, strict=True)]


class ChangedRequests(AskThrough):
    """Every request passes through ``change`` before the system sees it: blinded names, swapped terms."""

    def __init__(self, ask: Ask, change: Callable[[Request], Request]) -> None:
        super().__init__(ask)
        self._change = change

    def __call__(self, requests: Sequence[Request]) -> list[Response]:
        """The system's answers to the changed requests."""
        return self._ask([self._change(request) for request in requests])


class ChangedSubject(AskThrough):
    """The rows under audit pass through ``change``: permuted groups, planted gaps."""

    def __init__(self, ask: Ask, change: Callable[[Subject], Subject]) -> None:
        super().__init__(ask, subject=change(ask.subject))


#: What a check says: whether the control held (None: it could not tell), and the numbers behind it.
Check = Callable[[list[Measure], Callable[[], list[Measure]]], tuple[bool | None, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rerun:
    """Run the probe again behind ``change`` and let ``check(after, before)`` say whether it saw what it must.

    ``after`` are the measures on the changed world; ``before()`` computes those on the real one when needed.
    """

    name: str
    kind: Literal["positive", "negative"]
    change: Callable[[Ask], Ask]
    check: Check

    def run(self, probe: Probe, ask: Ask) -> ControlOutcome:
        """The outcome, with its numbers in words."""
        after = list(probe.measure(self.change(ask)))
        held, detail = self.check(after, lambda: list(probe.measure(ask)))
        return ControlOutcome(name=self.name, kind=self.kind, held=held, detail=detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """A control that is a plain function of the probe and its ask, where a rerun would not fit."""

    name: str
    kind: Literal["positive", "negative"]
    function: Callable[[Probe, Ask], tuple[bool | None, str]]

    def run(self, probe: Probe, ask: Ask) -> ControlOutcome:
        """The outcome, with its numbers in words."""
        held, detail = self.function(probe, ask)
        return ControlOutcome(name=self.name, kind=self.kind, held=held, detail=detail)
