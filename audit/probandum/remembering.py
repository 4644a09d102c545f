"""What a run was asked and answered, kept to be asked again: a sample that is spread over it, and answers compared."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from probandum.evidence import Capability, Request, Response, Table
from probandum.packing import name_of, part

#: How many questions are kept at least, where so many were asked; twice as many at most. With half of them in the
#: first half of a run, a change of 1 % of the answers from its middle on is missed with a probability of 5 %.
KEPT = 598
#: How far the same system may answer apart: as much, and as much of the number. In nats, since a log-probability rests
#: on many sums in half precision; else in what the number counts, a probability mostly.
NATS, ELSE = (0.02, 1e-3), (1e-4, 1e-4)
_COMPARED = frozenset(
    {Capability.CHOOSE, Capability.SCORE, Capability.GENERATE, Capability.CLASSIFY, Capability.PREDICT}
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """One input that was asked, the ``place``-th of the run from 0, and its answer; ``took``: the tokens that it read
    and wrote, of many inputs in one request the mean.
    """

    place: int
    probe: str
    request: Request
    response: Response
    took: tuple[float, float] = (0.0, 0.0)

    @property
    def nats(self) -> bool:
        """Whether the numbers are log-probabilities."""
        return self.request.kind in (Capability.CHOOSE, Capability.SCORE)

    def __str__(self) -> str:
        name, inputs = name_of(self.request, 0), self.request.inputs
        said = f", {_short(inputs[0])}" if isinstance(inputs, tuple) else ""
        return f"question {self.place + 1:,} ({self.probe}, {name}{said})"


class Sample:
    """Questions spread evenly over all that were added: the first, the last, and one of each stretch between."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._stretch = 1
        self._drawn: dict[int, tuple[int, Question]] = {}
        self._ends: list[Question] = []
        self._seen = 0
        self._took = 0.0, 0.0

    def add(self, probe: str, request: Request, response: Response) -> None:
        """Take note of a block and its answer; of what was declined, or not answered, nothing."""
        values = response.outputs if response.outputs is not None else response.texts
        if response.error is not None or request.kind not in _COMPARED or len(values) != len(request):
            return
        last = None
        read, written = _took(request, response)
        for row in sorted({*range(len(request))} - {*response.refused}):
            weight = self._weight(self._seen)
            held = self._drawn.get(self._seen // self._stretch)
            if self._seen == 0:
                self._ends = [_question(0, probe, request, response, row)]
            if held is None or weight < held[0]:
                question = _question(self._seen, probe, request, response, row)
                self._drawn[self._seen // self._stretch] = weight, question
            self._seen += 1
            self._took = self._took[0] + read, self._took[1] + written
            if len(self._drawn) > 2 * KEPT:
                self._widen()
            last = row
        if last is not None:
            self._ends = [*self._ends[:1], _question(self._seen - 1, probe, request, response, last)]

    @property
    def seen(self) -> int:
        """How many inputs were answered that can be asked again."""
        return self._seen

    @property
    def took(self) -> tuple[float, float]:
        """The mean of the tokens that each read and wrote."""
        read, written = self._took
        return read / max(1, self._seen), written / max(1, self._seen)

    @property
    def words(self) -> bool:
        """Whether any of them was answered by a text."""
        return any(each.response.texts for each in (*self._ends, *(question for _, question in self._drawn.values())))

    def spread(self, most: int) -> list[Question]:
        """``most`` of what is kept, or all of it: the first, the last, and of each stretch between one by chance."""
        kept = {each.place: each for each in (*self._ends, *(question for _, question in self._drawn.values()))}
        places = sorted(kept)
        if len(places) <= most:
            return [kept[place] for place in places]
        ends = np.linspace(1, len(places) - 1, most - 1).round().astype(int).tolist()
        drawn = [min(places[start:end], key=self._weight) for start, end in itertools.pairwise(ends)]
        return [kept[place] for place in (places[0], *drawn, places[-1])]

    def _weight(self, place: int) -> int:
        return zlib.crc32(f"{self._seed}/{place}".encode())

    def _widen(self) -> None:
        """Make one stretch of each two."""
        self._stretch *= 2
        drawn, self._drawn = self._drawn, {}
        for weight, question in drawn.values():
            held = self._drawn.get(question.place // self._stretch)
            if held is None or weight < held[0]:
                self._drawn[question.place // self._stretch] = weight, question


def _question(place: int, probe: str, request: Request, response: Response, row: int) -> Question:
    return Question(
        place=place,
        probe=probe,
        request=part(request, row, row + 1),
        response=alone(response, row),
        took=_took(request, response),
    )


def _took(request: Request, response: Response) -> tuple[float, float]:
    """The tokens that each input read and wrote."""
    return (response.input_tokens or 0) / len(request), (response.output_tokens or 0) / len(request)


def alone(response: Response, row: int) -> Response:
    """What was answered to one input of a block."""
    outputs = None if response.outputs is None else response.outputs[row : row + 1]
    refused = (0,) if row in response.refused else ()
    return Response(outputs=outputs, texts=response.texts[row : row + 1], labels=response.labels, refused=refused)


def blocks(questions: Sequence[Question]) -> Iterator[list[Question]]:
    """Questions that one block can hold."""
    found: dict[Any, list[Question]] = {}
    for each in questions:
        request = each.request
        columns = tuple(request.inputs) if isinstance(request.inputs, Table) else None
        parameters = tuple(request.parameters.items())
        key = request.kind, request.options, request.prefix, parameters, bool(request.continuations), columns
        found.setdefault(key, []).append(each)
    yield from found.values()


def joined(block: Sequence[Question]) -> Request:
    """All questions as one block."""
    requests = [each.request for each in block]
    tables = [request.inputs for request in requests if isinstance(request.inputs, Table)]
    texts = tuple(text for request in requests if not isinstance(request.inputs, Table) for text in request.inputs)
    rows = Table({name: np.concatenate([table[name] for table in tables]) for name in tables[0]}) if tables else None
    return Request(
        kind=requests[0].kind,
        inputs=texts if rows is None else rows,
        options=requests[0].options,
        prefix=requests[0].prefix,
        continuations=tuple(text for request in requests for text in request.continuations),
        parameters=requests[0].parameters,
    )


def numbers(response: Response) -> np.ndarray:
    """The numbers of an answer; of a score and what follows from it, the score alone."""
    outputs = np.asarray(response.outputs if response.outputs is not None else np.zeros((1, 0)))
    return outputs[:, [-1]] if response.labels[-1:] == ("score",) else outputs


def equal(one: Response, other: Response) -> bool:
    """Whether two answers say the same; declining says something else than answering."""
    return one.texts == other.texts and one.refused == other.refused and np.array_equal(numbers(one), numbers(other))


def apart(one: Response, other: Response, *, nats: bool) -> float:
    """How far two answers lie apart, in what the same system may; infinite where one of them is none in numbers.

    >>> half, less = (Response(outputs=np.array([[share, 1 - share]])) for share in (0.5, 0.4997))
    >>> round(apart(half, less, nats=False), 2)
    2.0
    """
    first, second = numbers(one), numbers(other)
    if first.shape != second.shape or one.refused != other.refused or not first.size:
        return np.inf
    least, share = NATS if nats else ELSE
    return float((np.abs(first - second) / (least + share * np.abs(first))).max())


def said(response: Response) -> str:
    """An answer in a message."""
    if response.refused:
        return "nothing, since it declined"
    if response.texts:
        return _short(response.texts[0])
    names = response.labels if len(response.labels) == response.values.shape[-1] else ()
    numbers = [f"{number:.6g}" for number in response.values.reshape(-1)]
    return (
        ", ".join(f"{name} {number}" for name, number in zip(names, numbers, strict=True))
        if names
        else ", ".join(numbers)
    )


def _short(text: str) -> str:
    text = " ".join(text.split())
    return repr(text if len(text) <= 60 else f"{text[:60]}...")
