"""What probes of texts ask alike, and how they tell an answer that they can use from one that they cannot."""

from __future__ import annotations

import numpy as np

from probandum.errors import DataError, UnknownName
from probandum.evidence import Capability, Request, Response
from probandum.probe import Ask

#: Texts of one request to a classifier.
BLOCK = 256


def class_place(ask: Ask, class_name: str | None) -> int:
    """The column of a class among a classifier's answers, the last where none is named; DataError, UnknownName."""
    name = class_name or (ask.labels[-1] if ask.labels else None)
    if name is None:
        raise DataError("the system names no classes", remedy="set target.labels")
    if name not in ask.labels:
        raise UnknownName("class", name, ask.labels)
    return ask.labels.index(name)


def likelihood(before: str, text: str, key: str, *, group: str = "") -> Request:
    """A request for the log-likelihood in nats of ``text`` after ``before``, as they stand, without a chat template."""
    return Request(
        kind=Capability.SCORE,
        inputs=(before,),
        continuations=(text,),
        parameters={"chat_template": False},
        keys=(key,),
        groups=(group,) if group else (),
    )


def unusable(
    request: Request, response: Response, *, inputs: str, what: str, columns: int, or_more: bool = False
) -> str | None:
    """Why an answer does not hold ``what``, finite, in so many columns for all inputs; None where it does.

    ``inputs``: what they are, in the plural; ``or_more``: further columns are none of the caller's concern.

    >>> asked = Request(kind=Capability.CLASSIFY, inputs=("a", "b"))
    >>> unusable(asked, Response(refused=(1,)), inputs="texts", what="class probabilities", columns=2)
    '1 of 2 texts were declined'
    >>> unusable(asked, Response(outputs=np.zeros((2, 1))), inputs="texts", what="class probabilities", columns=2)
    'the answer holds no class probabilities'
    """
    values = response.outputs
    if response.error is not None:
        return response.error
    if response.refused:
        return f"{len(response.refused)} of {len(request)} {inputs} were declined"
    if values is None or values.ndim != 2 or len(values) != len(request):
        return f"the answer holds no {what}"
    width = values.shape[1]
    if width != columns and not (or_more and width > columns):
        return f"the answer holds no {what}"
    return None if np.isfinite(values).all() else "the answer is not finite"


def unclassified(request: Request, response: Response, place: int) -> str | None:
    """Why an answer holds no probability of the class at ``place`` for all texts; None where it does."""
    return unusable(request, response, inputs="texts", what="class probabilities", columns=place + 1, or_more=True)
