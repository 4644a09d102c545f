"""Trying: which columns a model takes, and whether it takes rows without a value; it is asked about a few rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from probandum.columns import MISSING
from probandum.declaring import Choice, Declared, listed
from probandum.errors import ProbandumError, TargetError, UsageError
from probandum.evidence import Capability, Column, Request, Table
from probandum.gaps import absent, numbers_in
from probandum.profiling import Profile
from probandum.target import Target, TargetContext, make_target

#: Rows that it is asked about.
_ROWS = 5


def columns_taken(
    type: str,
    context: TargetContext,
    options: Mapping[str, Any],
    profile: Profile,
    declared: Declared,
    named: Sequence[str],
) -> Choice:
    """The columns that the model takes: those it names, else the first choice with which it answers a few rows."""
    if named and all(name in profile.columns for name in named):
        return Choice(value=list(named), why="as the model names them")
    if named:
        absent = listed([name for name in named if name not in profile.columns])
        raise UsageError(f"{profile.file}: lacks columns that the model takes: {absent}", remedy="give its own rows")
    why = "no choice that was tried fits"
    for candidate, said in _candidates(profile, declared):
        try:
            target = make_target(type, replace(context, features=tuple(candidate)), options)
        except ProbandumError as error:
            why = error.message
            continue
        try:
            answer = _answer(target, _few(profile, candidate, gaps=False))
        finally:
            target.close()
        if answer is None:
            return Choice(value=candidate, why=f"{said}: a guess, the model names none")
        why = answer
    question = f"which columns, in which order, does the model take? {' '.join(why.split())[:200]}"
    return Choice(why=question, decided=False)


def _candidates(profile: Profile, declared: Declared) -> Iterator[tuple[list[str], str]]:
    """Columns that a model may take, the likeliest first."""
    rest = [name for name in profile.columns if name not in declared.named]
    protected = {*declared.groups, *declared.left_out}
    said = f"all columns but {listed(declared.named)}" if declared.named else "all columns"
    for columns, words in (
        (rest, said),
        ([name for name in rest if name not in protected], f"{said} and protected ones"),
    ):
        numbers = [name for name in columns if profile.columns[name].numeric]
        for chosen, which in ((columns, words), (numbers, f"the numbers of {words}")):
            if chosen:
                yield chosen, which


def gaps_taken(
    type: str, context: TargetContext, options: Mapping[str, Any], profile: Profile, features: Choice
) -> Choice | None:
    """Whether the model takes rows that lack a value, a few of which it is asked about; None where no row does."""
    if not features.decided or not (names := [name for name in features.value if profile.columns[name].missing]):
        return None
    rows = _few(profile, features.value, gaps=True)
    told = f"some rows have no value in {listed(names)}"
    target = make_target(type, replace(context, features=tuple(features.value), missing=True), options)
    try:
        why = _answer(target, rows)
    finally:
        target.close()
    if why is None:
        return Choice(value="keep", why=f"{told}: asked about {len(rows)} of them, the model answered")
    said = " ".join(why.split())[:200]
    return Choice(
        decided=False, why=f"{told}, and an audit refuses them: asked about {len(rows)}, the model said {said}"
    )


def _few(profile: Profile, features: Sequence[str], *, gaps: bool) -> Table:
    """A few rows as a model would be asked about them: with ``gaps`` the first that lack a value in each column that
    has gaps, else whole ones, where there are any.
    """
    table = Table({name: _as_read(profile, name) for name in features})
    lacking = {name: absent(column) for name, column in table.columns.items()}
    if gaps:
        first = {int(cells.argmax()): None for cells in lacking.values() if cells.any()}
        return table.take(list(first))
    whole = np.flatnonzero(~np.logical_or.reduce(list(lacking.values())))
    return table.take((whole if len(whole) else np.arange(len(profile)))[:_ROWS])


def _as_read(profile: Profile, name: str) -> Column:
    """A column as an audit reads it that keeps gaps."""
    column = profile.table[name]
    if not profile.columns[name].numeric or column.dtype.kind == "f":
        return column
    numbers = numbers_in(np.where(np.isin(column, MISSING), "", column))
    return column if numbers is None else numbers


def _answer(target: Target, rows: Table) -> str | None:
    """Why the target does not answer a few rows; None where it does."""
    try:
        (response,) = target.answer([Request(kind=Capability.PREDICT, inputs=rows)])
    except TargetError as error:
        return error.message
    return response.error
