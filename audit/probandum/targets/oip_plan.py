"""What a plan says of a model's tensors, laid over what the server states of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from probandum.errors import TargetError, UsageError, did_you_mean
from probandum.targets.deciding import Kind
from probandum.targets.oip_asking import TensorStated
from probandum.targets.oip_tensors import DATATYPES, NUMBERS, TEXT, Input
from probandum.units import counted

#: The one tensor of a model of which neither the plan nor the server says what it is called, as in MLServer.
DEFAULT_NAME = "predict"

_KEYS = ("name", "datatype", "columns", "rank", "parameters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Which output is read and what it says; no ``name``: the only one that comes."""

    name: str | None = None
    kind: Kind = "probability"


def inputs_of(
    said: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None,
    stated: Sequence[TensorStated],
    features: Sequence[str],
    *,
    texts: bool,
) -> tuple[Input, ...]:
    """The tensors to send.

    One tensor takes all ``features`` as a matrix, in their order; of several each takes the column of its name. What
    the plan leaves open the server's metadata say: names, datatypes, and whether a column's shape is [rows] or
    [rows, 1]. UsageError where the plan does not fit itself, TargetError where the metadata do not fit the plan.
    """
    if said is None:
        lines: list[Mapping[str, Any]] = [{"name": each.name} for each in stated] or [{}]
    else:
        lines = [said] if isinstance(said, Mapping) else list(said)
    if not lines or (texts and len(lines) > 1):
        raise UsageError(f"target.inputs: {len(lines)} tensors, expected {'one' if texts else 'at least one'}")
    made = tuple(_input(line, stated, features, alone=len(lines) == 1, texts=texts) for line in lines)
    names = [each.name for each in made]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UsageError(f"target.inputs: the name {twice!r} occurs twice")
    taken = {column for each in made for column in each.columns}
    if lost := next((feature for feature in features if not texts and feature not in taken), None):
        raise UsageError(
            f"target.inputs: no tensor takes {lost!r}, which data.features names",
            remedy="add it to a tensor's columns, or leave it out of data.features",
        )
    return made


def output_of(said: Mapping[str, Any] | None, stated: Sequence[TensorStated], *, texts: bool) -> Output:
    """The output to read; UsageError where the plan names none of several, or one that there is not."""
    plan = dict(said or {})
    _refuse_unknown("target.outputs", plan, ("name", "kind"))
    kind, name = plan.get("kind", "probability"), _name("target.outputs", plan)
    if kind not in get_args(Kind):
        raise UsageError(
            f"target.outputs.kind: {kind!r}{did_you_mean(str(kind), get_args(Kind))}",
            remedy=f"expected {', '.join(get_args(Kind))}",
        )
    if texts and kind != "probability":
        raise UsageError(f"target.outputs.kind: {kind}: of texts expected probability")
    known = [each.name for each in stated]
    if name is None and len(known) == 1:
        name = known[0]
    if known and name not in known:
        what = "names none" if name is None else f"{name!r} is none"
        raise UsageError(f"target.outputs: {what} of the model's outputs", remedy=f"its outputs: {', '.join(known)}")
    return Output(name=name, kind=kind)


def _input(
    line: Mapping[str, Any], stated: Sequence[TensorStated], features: Sequence[str], *, alone: bool, texts: bool
) -> Input:
    _refuse_unknown("target.inputs", line, _KEYS)
    name = _name("target.inputs", line) or (stated[0].name if len(stated) == 1 else DEFAULT_NAME)
    where = f"target.inputs: {name!r}"
    found = next((each for each in stated if each.name == name), None)
    if stated and found is None:
        raise UsageError(f"{where} is no input of the model", remedy=f"its inputs: {', '.join(s.name for s in stated)}")
    datatype = line.get("datatype")
    if datatype is None:
        datatype = found.datatype if found is not None else TEXT if texts else None
    if datatype is not None and datatype not in DATATYPES:
        raise UsageError(f"{where}: datatype {datatype!r}", remedy=f"expected one of {', '.join(DATATYPES)}")
    if texts and datatype != TEXT:
        raise UsageError(f"{where}: texts are {TEXT}, not {datatype}")
    columns = () if texts else _columns(where, line, features, name, alone=alone)
    rank = line.get("rank")
    if rank is None:
        rank = len(found.shape) if found is not None and found.shape else 1 if texts else 2
    if isinstance(rank, bool) or rank not in (1, 2):
        raise UsageError(f"{where}: rank {rank}", remedy="expected 1, the shape [rows], or 2, [rows, columns]")
    width = 1 if texts else len(columns)
    if rank == 1 and width > 1:
        raise UsageError(
            f"{where}: {counted(width, 'column')} in a tensor of rank 1", remedy="give each column a tensor of its own"
        )
    size = found.shape[-1] if found is not None and len(found.shape) == 2 else -1
    if size > 0 and width and size != width:
        raise TargetError(f"{where}: the model takes {counted(size, 'column')}, the plan gives {width}")
    parameters = line.get("parameters") or {}
    if not isinstance(parameters, Mapping):
        raise UsageError(f"{where}: parameters: expected keys and values")
    return Input(name=name, datatype=datatype, columns=columns, rank=rank, parameters=dict(parameters))


def _name(where: str, line: Mapping[str, Any]) -> str | None:
    """What a tensor is called; None where the plan leaves it open, UsageError where it says nothing."""
    name = line.get("name")
    if name is not None and not _says(name):
        raise UsageError(f"{where}: name: {name!r}, expected some text")
    return None if name is None else str(name)


def _says(name: object) -> bool:
    return str(name).strip() != ""


def _columns(
    where: str, line: Mapping[str, Any], features: Sequence[str], name: str, *, alone: bool
) -> tuple[str, ...]:
    """The columns of one tensor; empty where the plan names no features and the rows themselves say."""
    said = line.get("columns")
    if said is not None and (not isinstance(said, list | tuple) or not said or not all(map(_says, said))):
        raise UsageError(f"{where}: columns: expected a list of names")
    columns = tuple(map(str, said)) if said is not None else tuple(features) if alone else (name,)
    for column in columns:
        if features and column not in features:
            raise UsageError(
                f"{where}: the column {column!r} is not among data.features{did_you_mean(column, features)}",
                remedy="name its columns, or add the column to data.features",
            )
    return columns


def _refuse_unknown(where: str, said: Mapping[str, Any], known: Sequence[str]) -> None:
    for key in said:
        if key not in known:
            raise UsageError(
                f"{where}: unknown key {key!r}{did_you_mean(str(key), known)}", remedy=f"known: {', '.join(known)}"
            )


def is_probability(datatype: str) -> bool:
    """Whether an output of this datatype may hold probabilities: whole numbers and texts are classes.

    >>> is_probability("FP32"), is_probability("INT64")
    (True, False)
    """
    return datatype in NUMBERS and NUMBERS[datatype].kind == "f"
