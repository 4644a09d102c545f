"""Packing: what of a round is answered at once, what the journal says was asked, and whether an answer fits it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from probandum import codec
from probandum.evidence import Capability, PlaceNames, Request, Response, Table

#: Inputs a pack: what is lost when a run is killed, against how much can share one batch.
PACK_INPUTS: Mapping[Capability, int] = {
    Capability.CHOOSE: 160,
    Capability.SCORE: 256,
    Capability.GENERATE: 8,
    Capability.CLASSIFY: 8192,
    Capability.PREDICT: 65536,
    Capability.EMBED: 1024,
    Capability.RECALL: 65536,
    Capability.ATTRIBUTE: 64,
}


def packs(requests: Sequence[Request]) -> list[list[Request]]:
    """``requests`` in packs of one kind and at least ``PACK_INPUTS`` inputs; a pure function of the round."""
    made: list[list[Request]] = []
    size = 0
    for request in requests:
        if not made or size >= PACK_INPUTS[request.kind] or made[-1][0].kind != request.kind:
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
    return said


def unanswered(response: Response) -> str | None:
    """Why a response is no answer: what refusing takes is not what answering takes."""
    if response.error is not None:
        return response.error
    if response.refused:
        return f"it declined {len(response.refused)} inputs"
    return "its answer is empty" if response.outputs is None and not response.texts else None


def checked(request: Request, response: Response) -> Response:
    """``response`` in float64, as the journal gives it back; an error in its place where it does not fit the inputs.

    It fits with one finite row of numbers, or one text, an input, and with finite numbers for its tokens where these
    were asked for.
    """
    if response.error is not None:
        return response
    if response.texts and len(response.texts) != len(request):
        return Response(error=f"{len(response.texts)} texts to {len(request)} inputs")
    tokens = len(request) if request.kind is Capability.ATTRIBUTE else 0
    if len(response.per_token) != tokens:
        return Response(error=f"numbers for the tokens of {len(response.per_token)} texts, expected {tokens}")
    for row, each in enumerate(response.per_token):
        if not np.isfinite(each.values).all():
            return Response(error=f"{_name(request, row)}: the system answered numbers for tokens that are not finite")
    if response.outputs is None:
        return response
    outputs = np.asarray(response.outputs, dtype=np.float64)
    if outputs.shape[:1] != (len(request),):
        return Response(error=f"answers of shape {outputs.shape} to {len(request)} inputs")
    finite = np.isfinite(outputs).reshape(len(outputs), -1).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        said = f"the system answered {outputs[row].tolist()}, which is not finite"
        return Response(error=f"{_name(request, row)}: {said}")
    return replace(response, outputs=outputs)


def _name(request: Request, row: int) -> str:
    """What an error calls an input."""
    return request.keys[row] if request.keys else f"input {row + 1}"
