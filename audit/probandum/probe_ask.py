"""What one probe asks through: the rounds of a run, and what of them the probe used as evidence."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np

from probandum.errors import DataError
from probandum.evidence import Capability, Request, Response
from probandum.probe import Window
from probandum.shapes import Shape, Shapeless
from probandum.siting import Site
from probandum.stopping import Rules, Stopper
from probandum.subject import Subject
from probandum.target import Target


class Rounds(Protocol):
    """Whoever answers rounds for all probes of a run."""

    target: Target
    subject: Subject | None
    rules: Rules
    seed: int
    site: Site

    def answer(self, probe: str, requests: Sequence[Request]) -> list[Response]:
        """Answers to a whole round, in its order."""
        ...

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
        """Metered windows of fresh work with their keys."""
        ...

    @property
    def metered(self) -> bool:
        """Whether windows have joules."""
        ...

    def rest(self) -> Sequence[Window]:
        """Metered windows with the system loaded and nothing asked."""
        ...


class ProbeAsk:
    """One probe's ask, which remembers which evidence the probe used."""

    def __init__(self, rounds: Rounds, probe: str, honours: Collection[str]) -> None:
        self._rounds = rounds
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
        return self._rounds.target.capabilities

    @property
    def labels(self) -> tuple[str, ...]:
        """The target's class names."""
        return self._rounds.target.labels

    @property
    def remote(self) -> bool:
        """Whether the system computes elsewhere, so that windows have its time and no joules."""
        return self._rounds.target.remote

    @property
    def weights_here(self) -> bool:
        """Whether the system is known by the weights of its model, which are on this machine."""
        return self._rounds.target.shareable

    @property
    def site(self) -> Site:
        """What turns joules of the machine into emissions, as far as the plan declares it."""
        return self._rounds.site

    @property
    def metered(self) -> bool:
        """Whether windows have joules."""
        return self._rounds.metered

    @property
    def shape(self) -> Shape | Shapeless:
        """What one pass of the system's model multiplies, or why that is not known."""
        return self._rounds.target.shape

    @property
    def subject(self) -> Subject:
        """The rows under audit; DataError where the plan names none, or declares of them what the probe ignores."""
        subject = self._rounds.subject
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
        answers = self._rounds.answer(self._probe, requests)
        for request, answer in zip(requests, answers, strict=True):
            if answer.error is not None:
                self._unanswered[request.digest] = len(request), answer.error
        return answers

    def stopper(self, metric: str, *, place: Mapping[str, str] | None = None, quantities: int = 1) -> Stopper:
        """When to stop asking for ``metric``; see :meth:`probandum.probe.Ask.stopper`."""
        return self._rounds.rules.stopper(f"{self._probe}/{metric}", place or {}, quantities)

    def rng(self, *names: str) -> np.random.Generator:
        """Seeded by the plan's seed, the probe and ``names``."""
        material = "\x1f".join([str(self._rounds.seed), self._probe, *names]).encode()
        return np.random.default_rng(int.from_bytes(hashlib.sha256(material).digest()[:16], "big"))

    def window(
        self,
        requests: Sequence[Request],
        *,
        repeats: int,
        seconds: float,
        warm_up: int,
        against: Sequence[Request] = (),
    ) -> Iterator[Window]:
        """Metered windows of fresh work; each is evidence of its own."""
        windows = self._rounds.windows(
            self._probe, requests, repeats=repeats, seconds=seconds, warm_up=warm_up, against=against
        )
        for key, window in windows:
            self.evidence.setdefault(key)
            yield window

    def rest(self) -> Sequence[Window]:
        """Metered windows with the system loaded and nothing asked."""
        return self._rounds.rest()
