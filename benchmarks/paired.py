"""Ours and a library's, in turn on the same system: CPU-seconds, their ratio, and whether both say the same."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np
import pages

from probandum.evidence import Request, Response
from probandum.target import Target

#: How far numbers may lie apart that are meant to be equal: float64, over thousands of versions.
EQUAL = 1e-6
HEAD = ("what", "inputs", "ours, CPU-s", "of which the system", "theirs, CPU-s", "ratio", "attributions")


def cpu(target: Target) -> float:
    """CPU-seconds so far, of this process and of the target's."""
    return time.process_time() + target.cpu_seconds_apart


class Clocked:
    """A target whose answers are timed for a while; ``seconds`` of the CPU so far."""

    def __init__(self, target: Target) -> None:
        self._target, self._answer, self.seconds = target, target.answer, 0.0

    def __enter__(self) -> None:
        self._target.answer = self._timed  # type: ignore[method-assign]

    def __exit__(self, *error: object) -> None:
        self._target.answer = self._answer  # type: ignore[method-assign]

    def _timed(self, requests: Sequence[Request]) -> list[Response]:
        before = cpu(self._target)
        answers = self._answer(requests)
        self.seconds += cpu(self._target) - before
        return answers


@dataclass(kw_only=True)
class Case:
    """One comparison. ``made``: how inputs and samples are named; ``goal``: the least ratio, None where none is set.

    ``exact``: what both are held against where they need not be equal. ``within``: of each run of ours the CPU-seconds
    that the system itself took, which nothing can save. ``near``: how far apart equal numbers may lie.
    """

    name: str
    made: str
    ours: Callable[[], list[np.ndarray]]
    theirs: Callable[[], list[np.ndarray]]
    target: Target
    goal: tuple[str, float] | None = None
    exact: list[np.ndarray] | None = None
    near: float = EQUAL
    pairs: list[tuple[float, float]] = field(default_factory=list)
    within: list[float] = field(default_factory=list)
    apart: float = 0.0
    errors: tuple[float, float] = (0.0, 0.0)

    def run(self, repeats: int) -> None:
        """Both in turn, once uncounted and then ``repeats`` times."""
        for turn in range(repeats + 1):
            system = Clocked(self.target)
            with system:
                mine, ours = self._timed(self.ours)
            yours, theirs = self._timed(self.theirs)
            if turn:
                self.pairs.append((mine, yours))
                self.within.append(system.seconds)
        self.apart = max(float(np.abs(one - two).max()) for one, two in zip(ours, theirs, strict=True))
        if self.exact is not None:
            self.errors = tuple(  # type: ignore[assignment]
                float(np.mean([np.abs(one - true).mean() for one, true in zip(found, self.exact, strict=True)]))
                for found in (ours, theirs)
            )

    def _timed(self, work: Callable[[], list[np.ndarray]]) -> tuple[float, list[np.ndarray]]:
        before = cpu(self.target)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = work()
        return cpu(self.target) - before, found

    @property
    def ratio(self) -> float:
        """How many times as long theirs take."""
        return median(theirs / ours for ours, theirs in self.pairs)

    @property
    def sound(self) -> bool:
        """Whether attributions are equal, or ours no further from the exact ones."""
        return self.apart <= self.near if self.exact is None else self.errors[0] <= self.errors[1]

    def line(self) -> list[str]:
        """A line of the table."""
        ours, theirs = zip(*self.pairs, strict=True)
        said = f"{self.apart:.0e} apart"
        if self.exact is not None:
            said = f"mean error {self.errors[0]:.4f}, theirs {self.errors[1]:.4f}"
        share = median(inside / whole for inside, whole in zip(self.within, ours, strict=True))
        return [
            self.name,
            self.made,
            pages.spread(ours),
            f"{share:.0%}",
            pages.spread(theirs),
            f"{self.ratio:.2f}",
            said,
        ]

    def goal_line(self) -> list[str]:
        """A line of the table of goals."""
        assert self.goal is not None
        name, least = self.goal
        wanted = f"at least {least:g} times as fast, {'equal values' if self.exact is None else 'no greater error'}"
        enough = {theirs >= least * ours for ours, theirs in self.pairs}
        reached = self.sound and (True in enough if len(enough) == 1 else None)
        return pages.goal(name, f"{self.name}: {wanted}", f"{self.ratio:.2f}", reached)
