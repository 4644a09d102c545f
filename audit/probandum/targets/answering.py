"""What targets share when they answer: one call of the model for all blocks of a pack, and checked probabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from probandum.errors import TargetError, UsageError
from probandum.evidence import Floats, Request, Response, Table
from probandum.subject import NUMERIC
from probandum.target import Problem, Target
from probandum.targets.loading import said

#: How far class probabilities may sum from 1: what half precision and rounding to three digits leave.
SUM_TOLERANCE = 2e-3

Inputs = tuple[str, ...] | Table


def answered(target: Target, requests: Sequence[Request], ask: Callable[[Inputs], npt.ArrayLike]) -> list[Response]:
    """Class probabilities, or numbers, for every request, from one call of ``ask`` over all their inputs.

    Where the blocks do not fit together, or the call fails, each is asked alone, so that an error stays with
    the block that caused it. A TargetError of ``ask`` is no block's: it is raised.
    """
    if len(requests) == 1:
        return [_answered_alone(target, requests[0], ask)]
    try:
        for request in requests:
            _refuse_unable(target, request)
        inputs = joined([request.inputs for request in requests])
        values = _read(ask(inputs), len(inputs), target.labels)
    except TargetError:
        raise
    except (Exception, SystemExit):
        return [_answered_alone(target, request, ask) for request in requests]
    ends = np.cumsum([len(request) for request in requests])
    return [Response(outputs=block, labels=target.labels) for block in np.split(values, ends[:-1])]


def _answered_alone(target: Target, request: Request, ask: Callable[[Inputs], npt.ArrayLike]) -> Response:
    """One block; whatever goes wrong inside the system, an attempt to end the process too, is its error."""
    try:
        _refuse_unable(target, request)
        values = _read(ask(request.inputs), len(request), target.labels)
    except TargetError:
        raise
    except (Exception, SystemExit) as error:
        return Response(error=said(error))
    return Response(outputs=values, labels=target.labels)


def class_names(labels: Sequence[object]) -> tuple[str, ...]:
    """The names that a plan gives to classes; UsageError where two are alike, since answers go by them."""
    names = tuple(str(label) for label in labels)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(f"target.labels: the name {twice!r} occurs twice", remedy="name each class differently")
    return names


def wrong_names(options: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with ``options["labels"]``: no names, none at all, or what :func:`class_names` says."""
    labels = options.get("labels")
    if labels is None:
        return
    if not labels:
        yield Problem(("labels",), "names no class; name each, or leave labels out")
    for index, label in enumerate(labels):
        if label is None or isinstance(label, list | Mapping):
            yield Problem(("labels", index), f"expected the name of a class, got {label!r}")
    try:
        class_names(labels)
    except UsageError as error:
        yield Problem.of(error)


def opening(
    requests: Sequence[Request], responses: Sequence[Response], *, inputs: int
) -> tuple[Request, Response] | None:
    """A question that can be asked again: at most ``inputs`` of the first that was answered in numbers, if any was."""
    pairs = zip(requests, responses, strict=True)
    well = next(((asked, said) for asked, said in pairs if said.outputs is not None and not said.refused), None)
    if well is None:
        return None
    request, response = well
    inputs = min(inputs, len(request))
    kept = request.inputs.take(np.arange(inputs)) if isinstance(request.inputs, Table) else request.inputs[:inputs]
    asked = Request(kind=request.kind, inputs=kept, options=request.options, prefix=request.prefix)
    return asked, replace(response, outputs=response.values[:inputs])


def unable(target: Target, request: Request) -> str | None:
    """Why ``target`` cannot answer requests of this kind; None where it can."""
    if request.kind in target.capabilities:
        return None
    return f"target {target.name} cannot answer {request.kind}"


def _refuse_unable(target: Target, request: Request) -> None:
    if why := unable(target, request):
        raise TypeError(why)


def joined(blocks: Sequence[Inputs]) -> Inputs:
    """All blocks one behind the other; ValueError where they differ in kind or columns.

    >>> joined([("a", "b"), ("c",)])
    ('a', 'b', 'c')
    """
    tables = [block for block in blocks if isinstance(block, Table)]
    if not tables:
        return tuple(text for block in blocks if not isinstance(block, Table) for text in block)
    shapes = {tuple((name, column.dtype.kind) for name, column in table.columns.items()) for table in tables}
    if len(tables) < len(blocks) or len(shapes) > 1:
        raise ValueError("the blocks differ in kind or columns")
    return Table({name: np.concatenate([table[name] for table in tables]) for name in tables[0]})


def _read(values: npt.ArrayLike, rows: int, labels: tuple[str, ...]) -> Floats:
    """``values`` as what the target's labels say that they are."""
    return numbers(values, rows) if labels == (NUMERIC,) else probabilities(values, rows, labels)


def numbers(values: npt.ArrayLike, rows: int) -> Floats:
    """``values`` as one number a row, shape (rows, 1); ValueError says what they are instead.

    >>> numbers([0.25, 3.0], 2).tolist()
    [[0.25], [3.0]]
    """
    array = np.asarray(values, dtype=np.float64)
    if array.shape not in ((rows,), (rows, 1)):
        raise ValueError(f"expected one number for each of {rows} rows, got shape {array.shape}")
    if not np.isfinite(array).all():
        row = int(np.argmin(np.isfinite(array.reshape(rows))))
        raise ValueError(f"input {row + 1}: the model answered {array.reshape(rows)[row]}, which is no finite number")
    return array.reshape(rows, 1)


def probabilities(values: npt.ArrayLike, rows: int, labels: Sequence[str]) -> Floats:
    """``values`` as class probabilities of shape (rows, classes); ValueError says what they are instead.

    One number a row is the probability of the second of two classes.

    >>> probabilities([0.25], 1, ("no", "yes")).tolist()
    [[0.75, 0.25]]
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 1 and len(labels) == 2:
        array = np.column_stack([1.0 - array, array])
    if array.shape != (rows, len(labels)):
        raise ValueError(
            f"expected {rows} rows of {len(labels)} classes ({', '.join(labels)}), got shape {array.shape}"
        )
    sound = ((array >= 0) & (array <= 1)).all(axis=1) & (np.abs(array.sum(axis=1) - 1.0) <= SUM_TOLERANCE)
    if not sound.all():
        row = int(np.argmin(sound))
        raise ValueError(f"input {row + 1}: {array[row].tolist()} are no class probabilities, 0 to 1 and summing to 1")
    return array
