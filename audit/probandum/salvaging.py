"""Salvaging: what of a pack was answered so far is recorded piece by piece, and asked no second time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from probandum import codec
from probandum.evidence import Observation, Request, Response
from probandum.packing import Answered, checked, gaps, joined, part
from probandum.target import Target

#: What the journal holds of a pack, by its name and its requests; None where it does not hold it.
Recorded = Callable[[str, Sequence[Request]], "list[Response] | None"]


class PieceJournal(Protocol):
    """Where pieces are kept, and found again when a run resumes."""

    def parts(self, block: str) -> list[Observation]:
        """What was recorded of a block alone, each a pack of its own."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """What is left to ask of the request that answers are kept under ``key`` of: its inputs from ``start`` on."""

    key: str
    request: Request
    start: int

    @property
    def places(self) -> range:
        """Which inputs of the whole request these are."""
        return range(self.start, self.start + len(self.request))


class Salvage:
    """Of packs that are recorded in pieces: by the key of a request, which of its inputs were answered, and how."""

    def __init__(self, target: Target, journal: PieceJournal | None) -> None:
        self._target = target
        self._journal = journal
        self._pieces: dict[str, list[Answered]] = {}

    def begun(self, key: str, request: Request, recorded: Recorded) -> list[Answered]:
        """What was answered of a request whose pack broke, by the inputs; of an interrupted run too."""
        if key not in self._pieces and self._journal and self._target.remote:
            for observation in self._journal.parts(request.block or request.digest):
                start = observation.places.start - request.start
                inputs = range(start, start + len(observation.places))
                if observation.pack != _name_of_piece(key, start) or inputs.stop > len(request):
                    continue
                answers = recorded(observation.pack, [part(request, start, inputs.stop)]) or []
                self._pieces.setdefault(key, []).extend((inputs, answer) for answer in answers)
        return sorted(self._pieces.get(key, []), key=lambda each: each[0].start)

    def pieces(self, pack: Sequence[Rest]) -> list[tuple[str, Rest, Response]]:
        """What came of a pack since this was asked before, each piece with the name of the pack that it is alone."""
        known = {each.key: {place for inputs, _ in self._pieces.get(each.key, ()) for place in inputs} for each in pack}
        found = []
        for piece in self._target.kept:
            asked = pack[piece.place]
            start = asked.start + piece.inputs.start
            if start in known[asked.key]:
                continue
            request = part(asked.request, piece.inputs.start, piece.inputs.stop)
            response = checked(request, piece.response)
            self._pieces.setdefault(asked.key, []).append((range(start, start + len(request)), response))
            rest = Rest(key=asked.key, request=request, start=start)
            found.append((_name_of_piece(asked.key, start), rest, response))
        return found

    def rest(self, pack: Sequence[Rest], responses: Sequence[Response]) -> list[tuple[Rest, Response]]:
        """What is left to record of a pack that was answered, of which pieces were recorded before."""
        found = []
        for asked, response in zip(pack, responses, strict=True):
            pieces = self._within(asked)
            for gap in gaps([inputs for inputs, _ in pieces], len(asked.request)):
                request = part(asked.request, gap.start, gap.stop)
                rest = Rest(key=asked.key, request=request, start=asked.start + gap.start)
                found.append((rest, without(response, gap, [piece for _, piece in pieces])))
        return found

    def whole(self, asked: Rest, rest: Sequence[tuple[Rest, Response]]) -> Response:
        """The answer from all its pieces, as a run that is taken up puts them together."""
        others = [
            (range(each.start - asked.start, each.start - asked.start + len(each.request)), response)
            for each, response in rest
            if each.key == asked.key and each.start in asked.places
        ]
        return joined([*self._within(asked), *others])

    def _within(self, asked: Rest) -> list[Answered]:
        """The pieces of what was asked, by its own inputs."""
        found = [
            (range(inputs.start - asked.start, inputs.stop - asked.start), response)
            for inputs, response in self._pieces.get(asked.key, ())
            if inputs.start in asked.places
        ]
        return sorted(found, key=lambda each: each[0].start)


def without(response: Response, inputs: range, pieces: Sequence[Response]) -> Response:
    """What was answered to some inputs of a request, the others of which stand in ``pieces`` with their tokens.

    >>> both = Response(texts=("a", "b"), input_tokens=9, output_tokens=2)
    >>> rest = without(both, range(1, 2), [Response(texts=("a",), input_tokens=4, output_tokens=1)])
    >>> rest.texts, rest.input_tokens, rest.output_tokens
    (('b',), 5, 1)
    """
    read = _left(response.input_tokens, [piece.input_tokens for piece in pieces])
    written = _left(response.output_tokens, [piece.output_tokens for piece in pieces])
    if response.error is not None:
        return replace(response, input_tokens=read, output_tokens=written)
    here = slice(inputs.start, inputs.stop)
    return Response(
        outputs=None if response.outputs is None else response.outputs[here],
        per_token=response.per_token[here],
        texts=response.texts[here],
        labels=response.labels,
        input_tokens=read,
        output_tokens=written,
        refused=tuple(row - inputs.start for row in response.refused if row in inputs),
    )


def _left(whole: int | None, parts: Sequence[int | None]) -> int | None:
    known = [each for each in parts if each is not None]
    return None if whole is None or len(known) < len(parts) else max(0, whole - sum(known))


def left(keys: Sequence[str], pack: Sequence[Request], begun: Sequence[Sequence[Answered]]) -> list[Rest]:
    """What is not answered yet of the requests of a pack, of which ``begun`` was."""
    return [
        Rest(key=key, request=part(request, gap.start, gap.stop), start=gap.start)
        for key, request, answers in zip(keys, pack, begun, strict=True)
        for gap in gaps([inputs for inputs, _ in answers], len(request))
    ]


def name_of_rest(rest: Sequence[Rest]) -> str:
    """What the pack is called that holds what is left of a pack."""
    return codec.digest_of([[each.key, each.start, len(each.request)] for each in rest])


def _name_of_piece(key: str, start: int) -> str:
    """What the pack is called that holds the inputs of a request from ``start`` on, since its own pack broke."""
    return codec.digest_of(["piece", key, start])
