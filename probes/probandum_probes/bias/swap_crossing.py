"""Which part of the crossing of cases, persons and ways to ask is asked: all of it, or a Latin-square sample."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from probandum.errors import DataError
from probandum.probe import Ask
from probandum_probes.bias.sampling import sampled
from probandum_probes.bias.swap_design import Attribute, Case
from probandum_probes.bias.swap_sources import Source

#: A case and a way, with the (attribute, person) that are asked so.
Together = tuple[int, int, list[tuple[int, int]]]


def crossed(
    ask: Ask, source: Source, *, whole: bool, cells: int, sample: int | None
) -> tuple[tuple[Case, ...], list[Any]]:
    """The cases that are asked, and by attribute which (case, person, way) are; ``cells`` of them, if not the whole."""
    cases = sampled(ask, source.cases, sample)
    return cases, [_asked_of(ask, cases, attribute, len(source.ways), whole, cells) for attribute in source.attributes]


def fit_for(cases: Sequence[Case], attribute: Attribute) -> list[int]:
    """Places of the cases in which the attribute may not lawfully matter; DataError where there are none."""
    kept = [place for place, case in enumerate(cases) if attribute.name not in case.may_matter]
    if not kept:
        raise DataError(
            f"{attribute.name} may matter in every scenario", remedy="compare another attribute, or other domains"
        )
    return kept


def _asked_of(ask: Ask, cases: Sequence[Case], attribute: Attribute, ways: int, whole: bool, cells: int) -> Any:
    kept = fit_for(cases, attribute)
    some = [cases[place] for place in kept]
    asked = np.zeros((len(cases), len(attribute.persons), ways), dtype=np.bool_)
    rng = ask.rng("crossing", attribute.name, attribute.reference)
    asked[kept] = (
        np.ones((len(some), len(attribute.persons), ways), dtype=np.bool_)
        if whole
        else latin(some, attribute, ways, cells, rng)
    )
    return asked


def latin(cases: Sequence[Case], attribute: Attribute, ways: int, cells: int, rng: np.random.Generator) -> Any:
    """``cells`` of the crossing, the same for every group, shape (cases, persons, ways).

    Pass after pass goes through all cases, in an order that takes domains and languages in turn. In pass p the case i
    has slot ``a_i + p`` and way ``b_i + p``, counted round, so that no cell recurs and each case meets as many
    different ones as there are passes: a Latin square of cases and passes. ``a`` takes all slots once before any again,
    ``b`` all ways, so that a pass is balanced over both wherever it ends.
    """
    number, slots = len(cases), attribute.slots
    order = _in_turn(cases, rng)
    slot_names, way_names = rng.permutation(slots), rng.permutation(ways)
    first_slot, first_way = _in_blocks(number, slots, rng), _in_blocks(number, ways, rng)
    asked = np.zeros((number, len(attribute.persons), ways), dtype=np.bool_)
    starts = [int(attribute.columns(group)[0]) for group in attribute.groups]
    for cell in range(min(cells, number * slots * ways)):
        place, turn = cell % number, cell // number
        slot = int(slot_names[(first_slot[place] + turn) % slots])
        # after a whole round of slots and ways together the shift keeps apart what would recur
        way = int(way_names[(first_way[place] + turn + turn // math.lcm(slots, ways)) % ways])
        for start in starts:
            asked[order[place], start + slot, way] = True
    return asked


def _in_blocks(number: int, of: int, rng: np.random.Generator) -> Any:
    """``number`` values below ``of``: all of them in random order, then all again."""
    return np.concatenate([rng.permutation(of) for _ in range(-(-number // of))])[:number]


def _in_turn(cases: Sequence[Case], rng: np.random.Generator) -> list[int]:
    """Places of the cases: one of each domain and language, then another of each."""
    kinds: dict[tuple[str, str], list[int]] = {}
    for place in rng.permutation(len(cases)).tolist():
        kinds.setdefault((cases[place].domain, cases[place].language), []).append(place)
    turns = itertools.zip_longest(*(kinds[kind] for kind in sorted(kinds)))
    return [place for turn in turns for place in turn if place is not None]


def asked_together(asked: Sequence[Any]) -> Iterator[Together]:
    """Case, way, and the (attribute, person) asked so, in the order of cases and ways; nothing where none is."""
    if not asked:
        return
    cases, _, ways = asked[0].shape
    for case, way in itertools.product(range(cases), range(ways)):
        who = [
            (place, int(person)) for place, each in enumerate(asked) for person in np.flatnonzero(each[case, :, way])
        ]
        if who:
            yield case, way, who
