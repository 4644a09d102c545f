"""What targets share when they answer: one call of the model for all blocks of a pack, and checked probabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt

from probandum.errors import TargetError, UsageError
from probandum.evidence import Capability, Floats, Request, Response, Table
from probandum.keywords import Rule, Wrong
from probandum.subject import NUMERIC, as_text
from probandum.target import Target
from probandum.targets.loading import said
from probandum.targets.misfit import Misfit
from probandum.targets.naming import miscalled
from probandum.units import counted

#: How far class probabilities may sum from 1: what half precision and rounding to three digits leave.
SUM_TOLERANCE = 2e-3

Inputs = tuple[str, ...] | Table


def answered(
    target: Target,
    requests: Sequence[Request],
    ask: Callable[[Inputs], npt.ArrayLike],
    *,
    attributed: Callable[[Request], Response] | None = None,
) -> list[Response]:
    """Class probabilities, or numbers, for every request, from one call of ``ask`` over all their inputs.

    ``attributed`` answers a request for attributions, where the target can give any.

    Where the blocks do not fit together, or the call fails, each is asked alone, so that an error stays with
    the block that caused it. A TargetError of ``ask`` is no block's: it is raised.
    """
    explains = Capability.ATTRIBUTE in target.capabilities
    if attributed is not None and explains and requests and requests[0].kind is Capability.ATTRIBUTE:
        return [attributed(request) for request in requests]
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
    except Misfit as error:
        return Response(error=error.within(request))
    except (Exception, SystemExit) as error:
        return Response(error=said(error))
    return Response(outputs=values, labels=target.labels)


def class_names(labels: Sequence[object]) -> tuple[str, ...]:
    """The names that a plan gives to classes; UsageError where two are alike, since answers go by them."""
    names = tuple(str(label) for label in labels)
    if (twice := named_twice(names)) is not None:
        raise UsageError(f"target.labels: the name {twice!r} occurs twice", remedy="name each class differently")
    return names


def own_names(classes: npt.NDArray[Any]) -> tuple[str, ...]:
    """What a model's own classes are called: as a file would show them.

    >>> own_names(np.array([0.0, 1.0])), own_names(np.array([False, True]))
    (('0', '1'), ('0', '1'))
    """
    return tuple(str(text) for text in (as_text(classes) if classes.dtype.kind in "fb" else classes.tolist()))


def names_of(labels: Sequence[object], own: Sequence[str], *, counted_from_0: bool = False) -> tuple[str, ...]:
    """What classes are called: as the plan says, or as the model itself; UsageError where the two cannot both be."""
    if (text := misnamed(labels, own, counted_from_0=counted_from_0)) is not None:
        raise UsageError(f"target.labels: {text}")
    return class_names(labels) or tuple(own)


def misnamed(labels: Sequence[object], own: Sequence[str], *, counted_from_0: bool = False) -> str | None:
    """What is wrong with the plan's names of classes that the model calls ``own``, in the order of its probabilities.

    ``counted_from_0``: its file holds no names of classes, and these are their numbers.

    >>> misnamed(["bad", "good"], ("0", "1")), misnamed(["a"], ("0", "1"))
    (None, '1 name for 2 classes')
    """
    names = [str(label) for label in labels]
    if names and len(names) != len(own):
        return f"{counted(len(names), 'name')} for {len(own)} classes"
    if names and (text := miscalled(names, own, counted=counted_from_0)) is not None:
        return f"{text}; write its names in its order, or others than its own, or leave labels out"
    return None


def named_twice(names: Sequence[str]) -> str | None:
    """The first name that occurs twice; None where none does."""
    return next((name for name in names if names.count(name) > 1), None)


@dataclass(frozen=True, slots=True)
class ClassNames(Rule):
    """Names of classes: at least one, each some text or number, and none twice."""

    def wrong(self, value: Any) -> Wrong:
        """No names, what is no name, and a name that occurs twice."""
        if not value:
            yield (), "names no class; name each, or leave labels out"
        for index, label in enumerate(value):
            if label is None or isinstance(label, list | Mapping) or not str(label).strip():
                yield (index,), f"expected the name of a class, got {label!r}"
        if (twice := named_twice([str(label) for label in value])) is not None:
            yield (), f"the name {twice!r} occurs twice; name each class differently"


#: The key of class names.
Labels = Annotated[Sequence[object], ClassNames()]


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
        raise ValueError(f"expected one number for each of {counted(rows, 'row')}, got shape {array.shape}")
    if not np.isfinite(array).all():
        row = int(np.argmin(np.isfinite(array.reshape(rows))))
        raise Misfit(row, f"the model answered {array.reshape(rows)[row]}, which is no finite number")
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
            f"expected {counted(rows, 'row')} of {len(labels)} classes ({', '.join(labels)}), got shape {array.shape}"
        )
    sound = ((array >= 0) & (array <= 1)).all(axis=1) & (np.abs(array.sum(axis=1) - 1.0) <= SUM_TOLERANCE)
    if not sound.all():
        row = int(np.argmin(sound))
        raise Misfit(row, f"{array[row].tolist()} are no class probabilities, 0 to 1 and summing to 1")
    return array
