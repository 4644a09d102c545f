"""Packing: what of a round is answered at once, what the journal says was asked, and whether an answer fits it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from probandum import codec
from probandum.errors import whole as written
from probandum.evidence import Capability, PlaceNames, Request, Response, Table
from probandum.units import counted

#: Inputs a pack: what is lost when a run is killed, against how much can share one batch on this machine.
PACK_INPUTS: Mapping[Capability, int] = {
    Capability.CHOOSE: 160,
    Capability.SCORE: 256,
    Capability.GENERATE: 8,
    Capability.CLASSIFY: 8192,
    Capability.PREDICT: 65536,
    Capability.EMBED: 1024,
    Capability.RECALL: 65536,
    Capability.ATTRIBUTE: 64,
    Capability.RANDOMISE: 256,
}


#: Some inputs of a request, and what was answered to them.
Answered = tuple[range, Response]
#: What is wrong with a text that no file can hold: a lone surrogate, as half of an emoji is one.
HALF = "the system answered half a character, which is no text"


#: The most inputs a pack of a system elsewhere, unless it is asked about more side by side: each may be paid for.
PACK_ELSEWHERE = 64


def elsewhere(side_by_side: int) -> dict[Capability, int]:
    """Inputs a pack of a system elsewhere that is sent so many at the same time: whole turns, and at least one.

    >>> [elsewhere(sent)[Capability.PREDICT] for sent in (1, 4, 60, 4096)], elsewhere(3)[Capability.GENERATE]
    ([64, 64, 60, 4096], 6)
    """
    return {
        kind: side_by_side * max(min(inputs, PACK_ELSEWHERE) // side_by_side, 1) for kind, inputs in PACK_INPUTS.items()
    }


def parts(request: Request, most: int) -> list[Request]:
    """A block in blocks of at most ``most`` inputs, each of which says what it is a part of; itself where it fits."""
    if len(request) <= most:
        return [request]
    return [part(request, start, min(start + most, len(request))) for start in range(0, len(request), most)]


def head(requests: Sequence[Request], most: int) -> tuple[Request, ...]:
    """The first ``most`` inputs of a pack, its last request cut where it must be; all of it where it holds no more."""
    found: list[Request] = []
    for request in requests:
        room = most - sum(map(len, found))
        if room <= 0:
            break
        found.append(request if len(request) <= room else part(request, 0, room))
    return tuple(found)


def letters(request: Request) -> int:
    """The letters of its texts and of what follows each; 0 of rows."""
    texts = () if isinstance(request.inputs, Table) else request.inputs
    return sum(map(len, texts)) + sum(map(len, request.continuations))


def part(request: Request, start: int, end: int) -> Request:
    """Some of the inputs of a block, or of a part of one, as a part of that block; itself where it is all of them."""
    if (start, end) == (0, len(request)):
        return request
    inputs, masks = request.inputs, request.masks
    return replace(
        request,
        inputs=inputs.take(np.arange(start, end)) if isinstance(inputs, Table) else inputs[start:end],
        continuations=request.continuations[start:end],
        masks=None if masks is None else masks.part(start, end),
        keys=request.keys[start:end],
        groups=request.groups[start:end],
        block=request.block or request.digest,
        start=request.start + start,
    )


def whole(places: Sequence[range], responses: Sequence[Response]) -> Response:
    """The answer to a block from those to its parts, ``places``: which of its inputs each part holds.

    It is the first error of a part, before which stands where that part lies, unless it says so itself.
    """
    if len(responses) == 1:
        return responses[0]
    for inputs, response in zip(places, responses, strict=True):
        if response.error is not None:
            where = "" if response.error.startswith("inputs ") else f"inputs {inputs.start + 1} to {inputs.stop}: "
            return Response(error=f"{where}{response.error}")
    outputs = [response.outputs for response in responses if response.outputs is not None]
    if outputs and (len(outputs) < len(responses) or len({each.shape[1:] for each in outputs}) > 1):
        return Response(error="the system answered parts of the block in different shapes")
    return Response(
        outputs=np.concatenate(outputs) if outputs else None,
        per_token=tuple(each for response in responses for each in response.per_token),
        texts=tuple(text for response in responses for text in response.texts),
        labels=responses[0].labels,
        input_tokens=total([response.input_tokens for response in responses]),
        output_tokens=total([response.output_tokens for response in responses]),
        refused=tuple(
            inputs[row] for inputs, response in zip(places, responses, strict=True) for row in response.refused
        ),
    )


def gaps(answered: Sequence[range], inputs: int) -> list[range]:
    """Which of so many inputs were not answered.

    >>> gaps([range(1, 2), range(3, 4)], 6), gaps([], 2), gaps([range(0, 2)], 2)
    ([range(0, 1), range(2, 3), range(4, 6)], [range(0, 2)], [])
    """
    ends = [0, *(each.stop for each in answered)]
    starts = [*(each.start for each in answered), inputs]
    return [range(end, start) for end, start in zip(ends, starts, strict=True) if end < start]


def joined(answers: Sequence[Answered]) -> Response:
    """The answer to a request from those to its inputs; the first error among them where there is one."""
    ordered = sorted(answers, key=lambda each: each[0].start)
    wrong = next((response for _, response in ordered if response.error is not None), None)
    return wrong or whole([inputs for inputs, _ in ordered], [response for _, response in ordered])


def total(counts: Sequence[int | None]) -> int | None:
    """The sum; None where one is not known.

    >>> total([1, 2]), total([1, None])
    (3, None)
    """
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def packs(
    requests: Sequence[Request], inputs: Mapping[Capability, int] = PACK_INPUTS, *, at_most: bool = False
) -> list[list[Request]]:
    """``requests`` in packs of one kind and at least so many ``inputs``; a pure function of the round.

    ``at_most``: no more than so many where no request alone holds more, since all of a pack may be lost.
    """
    made: list[list[Request]] = []
    size = 0
    for request in requests:
        full = size + len(request) > inputs[request.kind] if at_most else size >= inputs[request.kind]
        if not made or full or made[-1][0].kind != request.kind:
            made.append([])
            size = 0
        made[-1].append(request)
        size += len(request)
    return made


def describe(request: Request) -> dict[str, Any]:
    """What the journal says was asked: texts as sent; of rows only digest and keys, not the persons in them."""
    said: dict[str, Any] = {"kind": str(request.kind), "n": len(request)}
    if isinstance(request.inputs, Table):
        said["rows"] = request.inputs.digest
        said["columns"] = list(request.inputs)
    elif request.masks is None:
        said["inputs"] = list(request.inputs)
    if request.masks is not None:
        said["masks"] = codec.builtins(request.masks)
    elif isinstance(request.keys, PlaceNames):
        said["places"] = True
    elif request.keys:
        said["keys"] = list(request.keys)
    for name in ("groups", "options", "continuations"):
        if getattr(request, name):
            said[name] = list(getattr(request, name))
    if request.prefix:
        said["prefix"] = request.prefix
    if request.parameters:
        said["parameters"] = dict(request.parameters)
    if request.repeat:
        said["repeat"] = request.repeat
    if request.block:
        said |= {"block": request.block, "start": request.start}
    return said


def unanswered(response: Response) -> str | None:
    """Why a response is no answer: what refusing takes is not what answering takes."""
    if response.error is not None:
        return response.error
    if response.refused:
        return f"it declined {counted(len(response.refused), 'input')}"
    return "its answer is empty" if response.outputs is None and not response.texts else None


def checked(request: Request, response: Response) -> Response:
    """``response`` in float64, as the journal gives it back; an error in its place where it does not fit the inputs,
    with the tokens that it took.

    It fits with one finite row of numbers, or one text, an input, and with finite numbers for its tokens where these
    were asked for.
    """
    if response.error is not None:
        return replace(response, error=written(response.error))
    for row, text in enumerate(response.texts):
        if written(text) != text:
            return _unfit(response, f"{name_of(request, min(row, len(request) - 1))}: {HALF}")
    if response.texts and len(response.texts) != len(request):
        return _unfit(response, f"{counted(len(response.texts), 'text')} to {counted(len(request), 'input')}")
    tokens = len(request) if request.by_token else 0
    if len(response.per_token) != tokens:
        return _unfit(
            response, f"numbers for the tokens of {counted(len(response.per_token), 'text')}, expected {tokens}"
        )
    for row, each in enumerate(response.per_token):
        if not np.isfinite(each.values).all():
            return _unfit(
                response, f"{name_of(request, row)}: the system answered numbers for tokens that are not finite"
            )
    if response.outputs is None:
        return response
    outputs = np.asarray(response.outputs, dtype=np.float64)
    if outputs.shape[:1] != (request.answers,):
        return _unfit(response, f"answers of shape {outputs.shape} to {counted(request.answers, 'input')}")
    finite = np.isfinite(outputs).reshape(len(outputs), -1).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        said = f"the system answered {outputs[row].tolist()}, which is not finite"
        return _unfit(response, f"{name_of(request, len(request) - request.answers + row)}: {said}")
    return replace(response, outputs=outputs)


def _unfit(response: Response, why: str) -> Response:
    return Response(error=why, input_tokens=response.input_tokens, output_tokens=response.output_tokens)


def name_of(request: Request, row: int) -> str:
    """What an error calls an input: its key where it has one, else its place in the block, of a part of one too."""
    return request.keys[row] if request.keys else f"input {request.start + row + 1}"
