"""Rows asked again with one column replaced: what permutations, effects and dependences rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from probandum.errors import ProbeError
from probandum.evidence import Capability, Column, Floats, Request, Table
from probandum.probe import Ask
from probandum.subject import Codes, Subject
from probandum_probes.explain.worlds import answered, class_scores, in_rounds

Columns = npt.NDArray[np.generic]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """One column of all rows replaced: ``values``, shape (rows, versions), of the column's own kind."""

    feature: str
    values: Columns


class Answer(NamedTuple):
    """f of rows, and the digest of the request that it answers."""

    scores: Floats
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Questioned:
    """Rows of the features, and f of each as it stands: the log-odds of the class in the column ``label``.

    ``places``: where they stand among all rows under audit.
    """

    ask: Ask
    rows: Table
    label: int
    before: Answer
    places: Codes

    @classmethod
    def open(cls, ask: Ask, features: Sequence[str], label: int, count: int) -> Questioned:
        """``count`` rows drawn by the plan's seed, or all where there are fewer."""
        subject = ask.subject
        places = np.sort(ask.rng("questioned").permutation(len(subject))[:count])
        rows = subject.table.select(tuple(features)).take(places)
        return cls(ask=ask, rows=rows, label=label, before=_asked(ask, [rows], label)[0], places=places)

    def __len__(self) -> int:
        return len(self.rows)

    def answers(self, questions: Sequence[Question]) -> list[Answer]:
        """f of every version, shape (rows, versions); of a row and a value that recur it is asked once.

        From one round, or from as few as hold some hundred thousand rows each.
        """
        distinct = [self._distinct(each) for each in questions]
        found = _asked(self.ask, [block for block, _ in distinct], self.label)
        return [each._replace(scores=each.scores[places]) for each, (_, places) in zip(found, distinct, strict=True)]

    def _distinct(self, question: Question) -> tuple[Table, Codes]:
        """The rows to ask, and which of them stands for each row and version."""
        known, codes = np.unique(question.values, return_inverse=True)
        codes = codes.reshape(question.values.shape)
        cells = np.arange(len(self))[:, None] * len(known) + codes
        asked, places = np.unique(cells, return_inverse=True)
        source, value = np.divmod(asked, len(known))
        columns: dict[str, Column] = {name: self.rows[name][source] for name in self.rows}
        columns[question.feature] = known[value]
        return Table(columns), places.reshape(cells.shape)


def _asked(ask: Ask, blocks: Sequence[Table], label: int) -> list[Answer]:
    found = []
    for part in in_rounds([len(block) for block in blocks]):
        requests = [Request(kind=Capability.PREDICT, inputs=block) for block in blocks[part.start : part.stop]]
        for request, answer in zip(requests, ask(requests), strict=True):
            found.append(Answer(class_scores(answered(answer, "rows"), np.array(label)).log_odds, request.digest))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """The class whose log-odds are explained in every row: its column, and what it is in words."""

    label: int
    said: str


def explained_class(subject: Subject, labels: Sequence[str]) -> Explained:
    """The class that the favourable decision rests on, else the last; ProbeError where the system has no two classes.

    >>> explained_class(Subject(table=Table({})), ("no", "yes"))
    Explained(label=1, said="log-odds of 'yes'")
    """
    if len(labels) < 2:
        raise ProbeError(f"the system has {len(labels)} classes; expected two at least")
    decision, place = subject.decision, len(labels) - 1
    if decision is not None and decision.positive in labels:
        place = labels.index(decision.positive)
        if len(labels) == 2 and decision.favourable != decision.positive:
            place = 1 - place
    return Explained(label=place, said=f"log-odds of {labels[place]!r}")


def without(subject: Subject, columns: Sequence[str]) -> Subject:
    """The rows with these features alone."""
    return replace(subject, table=subject.table.select(tuple(columns)), features=tuple(columns))
