"""What a world of `planted.py` is, and what worlds of rows have in common."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from probandum.evidence import Capability, Request, Response, Table
from probandum.finding import Limit
from probandum.subject import Decision, Grouping, Subject
from probandum.target import Target

#: How many times the stated detectable effect a fault lies beyond the limit.
TIMES = 2.0
Generator = np.random.Generator
#: What a world draws: a system, and its rows where it has some.
Drawn = tuple[Target, Subject | None]


@cache
def folder() -> Path:
    """Where the files of all worlds lie."""
    return Path(tempfile.mkdtemp(prefix="probandum-planted-"))


def written(name: str, lines: Sequence[str]) -> Path:
    """A file of so many lines."""
    path = folder() / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def either(p: Any, labels: Sequence[str]) -> Response:
    """1 - p, p."""
    return Response(outputs=np.column_stack([1 - p, p]), labels=tuple(labels))


class Listed(Target):
    """Answers each row with the probability of the positive class that stands in it."""

    name = "listed"
    capabilities = frozenset({Capability.PREDICT})
    labels = ("0", "1")

    def identity(self) -> Mapping[str, Any]:
        """It has no parameter."""
        return {"rule": "listed"}

    def answer(self, requests: Sequence[Request]) -> list[Response]:
        """1 - p, p."""
        return [either(np.asarray(each.table["p"], dtype=np.float64), self.labels) for each in requests]


@dataclass(frozen=True, kw_only=True)
class World:
    """How a probe is tried: ``draw(rng, effect)`` makes a system and its rows whose true quantity is ``effect``.

    ``effect`` is the judged quantity of the group ``harmed``, such as a difference; ``null`` where nothing is amiss.
    ``stated_at``: where the design says what it finds, if not there: a rate of 0 has no spread. ``files``: options that
    are files, by what writes them.
    """

    limit: Limit
    draw: Callable[[Generator, float], Drawn]
    said: str
    null: float = 0.0
    group: str = ""
    options: Mapping[str, Any] | None = None
    files: Mapping[str, Callable[[], Path]] = field(default_factory=dict)
    stated_at: float | None = None

    @property
    def probe(self) -> str:
        """What is tried: the probe that measures what the limit judges."""
        return self.limit.metric.partition("/")[0]

    @property
    def edge(self) -> float:
        """The end of the limit at which the fault is planted."""
        low, high = self.limit.edges()
        return float(low if low is not None else high or 0.0)

    def beyond(self, detectable: float) -> float:
        """Where a fault lies that the design must see."""
        low, _ = self.limit.edges()
        return self.edge - TIMES * detectable if low is not None else self.edge + TIMES * detectable


def rows(p: Any, outcome: Any, **groups: tuple[Any, Sequence[str]]) -> tuple[Target, Subject]:
    """Predicted probabilities with their outcomes, in groups (codes and names) whose last one is the reference."""
    return Listed(), Subject(
        table=Table({"p": np.asarray(p, dtype=np.float64), "outcome": np.asarray(outcome, dtype=np.float64)}),
        features=("p",),
        label="outcome",
        groupings={
            name: Grouping(attribute=name, codes=np.asarray(codes), names=tuple(names), reference=names[-1])
            for name, (codes, names) in groups.items()
        },
        decision=Decision(favourable="1", positive="1", threshold=0.5),
    )


def selected(rng: Generator, rates: Any) -> Any:
    """Scores of rows that are selected with these rates."""
    return np.where(rng.random(len(rates)) < rates, 0.9, 0.1)
