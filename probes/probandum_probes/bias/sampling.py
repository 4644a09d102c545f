"""Smaller samples of what a probe asks: drawn with the plan's seed, and each a part of every larger one.

So a merge that asks little and a night that asks much share answers and items. What is left out is never asked; a
sample of another size is another question, and another record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np

from probandum.controls import ChangedSubject
from probandum.errors import DataError
from probandum.probe import Ask
from probandum.subject import Subject

T = TypeVar("T")


def refuse_sample(probe: str, sample: int | None) -> None:
    """DataError where ``sample`` holds too little for any interval."""
    if sample is not None and sample < 2:
        raise DataError(f"suites.{probe}.sample: {sample}", remedy="expected at least 2, or nothing for all")


def sampled(ask: Ask, items: Sequence[T], sample: int | None) -> tuple[T, ...]:
    """``sample`` of the items in their own order; all of them where there are no more, or none is asked for."""
    return tuple(items[place] for place in _places(ask, len(items), sample))


def sampled_rows(ask: Ask, sample: int | None) -> Ask:
    """The same ask over ``sample`` rows of the subject."""
    if sample is None or sample >= len(ask.subject):
        return ask
    places = np.array(_places(ask, len(ask.subject), sample))

    def fewer(subject: Subject) -> Subject:
        groupings = {name: replace(each, codes=each.codes[places]) for name, each in subject.groupings.items()}
        return replace(subject, table=subject.table.take(places), groupings=groupings)

    return ChangedSubject(ask, fewer)


def _places(ask: Ask, count: int, sample: int | None) -> list[int]:
    """The first ``sample`` of one seeded order, sorted: a prefix of it lies in every longer one."""
    if sample is None or sample >= count:
        return list(range(count))
    return sorted(ask.rng("sample").permutation(count)[:sample].tolist())
