"""Controls of the search for slices: none of permuted groups is confirmed, and one in which a gap is planted is found.

Both work on the answers that were already given and ask the system nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from probandum.evidence import Response
from probandum.finding import Groups
from probandum.probe import Ask, Measure, Probe
from probandum.subject import Bools, Grouping, Subject
from probandum_probes.bias.counting import decisions, groups_of
from probandum_probes.bias.gap_controls import permuted, turn_round, z_at
from probandum_probes.bias.halving import first_half, order_of_persons
from probandum_probes.bias.sampling import sampled_rows
from probandum_probes.bias.scored import Recorded, pairs_of, sizes_of
from probandum_probes.bias.slices import CONFIRMED, FEWEST, Factor, Seen, Trial, search

#: Worlds of permuted groups, in none of which a slice should be confirmed, and a level that both reach once in 10,000.
WORLDS, SURE = 2, 0.01
_NOWHERE = f"no slice holds {FEWEST} rows of two groups in both halves"


class _Place(NamedTuple):
    """The comparison of most rows."""

    subject: Subject
    answer: Response
    grouping: Grouping
    pair: tuple[int, int]

    @property
    def where(self) -> Groups:
        return groups_of(self.grouping, *self.pair)


def no_slices(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """Of groups dealt out anew no slice holds more than chance: twice none may be confirmed at 1 %."""
    ask = sampled_rows(ask, getattr(probe, "sample", None))
    place = _place(probe, ask)
    if isinstance(place, str):
        return None, place
    lowest = []
    for number in range(WORLDS):
        order = order_of_persons(place.subject, ask.rng("permuted", str(number)))
        world = Recorded(ask, subject=permuted(place.subject, order), answer=place.answer)
        values = [each.estimate.value for each in _of(probe, world, place.where) if each.metric == "slice-p"]
        lowest.append(min((value for value in values if value is not None), default=1.0))
    said = " and ".join(f"{p:.2g}" for p in lowest)
    held = not all(p <= SURE for p in lowest)
    return held, f"groups were permuted twice; the smallest adjusted p-values of a slice were {said}"


def planted_slice(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """Decisions on one group turned round in one slice alone: slices there must be found and confirmed.

    The planted excess is at least (z at 5 % over all slices + z at 1 %) standard errors wide in the half that confirms.
    """
    ask = sampled_rows(ask, getattr(probe, "sample", None))
    place = _place(probe, ask)
    if isinstance(place, str):
        return None, place
    planted = _planted(probe, ask, place)
    if planted is None:
        return None, f"no slice has room for a gap that {place.where} could show"
    name, rows, answer = planted
    trial, first = _trial(probe, place, answer), first_half(ask)
    towards = trial.towards(first)
    factors: list[Factor] = probe.factors(place.subject, place.grouping)  # type: ignore[attr-defined]
    found, _ = search(factors, trial, first, towards=towards, most=probe.slices)  # type: ignore[attr-defined]
    inside = {each.name: each.rows for each in found if (each.rows & rows).sum() >= each.rows.sum() / 2}
    if not inside:
        return None, f"a gap was planted where {name}, and the widest slices of these decisions lie elsewhere"
    told = _of(probe, Recorded(ask, subject=place.subject, answer=answer), place.where)
    lowest = 1.0
    for each in told:
        within, value = inside.get(str(each.facets.get("slice"))), each.estimate.value
        if within is None or value is None:
            continue
        counted = Seen.of(trial, within, ~first)
        expected = None if counted is None else counted.excess().value
        if each.metric == "slice-excess" and (expected is None or abs(value - expected) > 1e-9):
            return False, f"the excess where {each.facets['slice']} came out as {value}; by its rows it is {expected}"
        if each.metric == "slice-p":
            lowest = min(lowest, value)
    said = (
        f"a gap was planted where {name}; of {len(inside)} slices found there the smallest adjusted p is {lowest:.2g}"
    )
    return lowest <= CONFIRMED, said


def _planted(probe: Probe, ask: Ask, place: _Place) -> tuple[str, Bools, Response] | None:
    """The slice of one column with the widest planted gap, its rows and the answers; None where none is wide enough."""
    factors: list[Factor] = probe.factors(place.subject, place.grouping)  # type: ignore[attr-defined]
    decision = place.subject.decision
    if decision is None:
        return None
    first, trial = first_half(ask), _trial(probe, place, place.answer)
    towards = trial.towards(first)
    best: tuple[float, str, Bools, Response] | None = None
    for factor in factors:
        for code, name in enumerate(factor.names):
            rows = factor.codes == code
            if any(Seen.of(trial, rows, half) is None for half in (first, ~first)):
                continue
            turned = np.flatnonzero(rows & trial.group & (trial.event != (towards > 0)))
            answer = turn_round(place.answer, turned, decision)
            changed = _trial(probe, place, answer)
            (y1, m1), (y2, m2) = changed.within(first)
            seen = Seen.of(changed, rows, ~first)
            if seen is None or (y1 / m1 - y2 / m2) * towards < 0:
                continue
            interval = seen.excess()
            score = towards * interval.value / float(interval.standard_error or 1.0)
            if best is None or score > best[0]:
                best = score, name, rows, answer
    wanted = z_at(0.05 / probe.slices) + z_at(0.01)  # type: ignore[attr-defined]
    return None if best is None or best[0] < wanted else best[1:]


def _place(probe: Probe, ask: Ask) -> _Place | str:
    """Where there is most to see, or why a control can't tell anything."""
    subject, answer = decisions(ask)
    if probe.gap != "selection-difference" and subject.positive is None:  # type: ignore[attr-defined]
        return "the plan names no label"
    places = [
        (int(sizes_of(grouping)[list(pair)].min()), grouping, pair)
        for grouping in subject.groupings.values()
        for pair in pairs_of(grouping)
        if pair[0] < pair[1] or grouping.reference is not None
    ]
    if not places:
        return _NOWHERE
    _, grouping, pair = max(places, key=lambda each: each[0])
    place = _Place(subject, answer, grouping, pair)
    searched = _trial(probe, place, answer).persons(first_half(ask))
    return place if min(searched) >= 2 * FEWEST else _NOWHERE


def _trial(probe: Probe, place: _Place, answer: Response) -> Trial:
    outcomes = place.subject.outcomes(answer)
    found: Trial = probe.trial(place.subject, outcomes, place.grouping, place.pair)  # type: ignore[attr-defined]
    return found


def _of(probe: Probe, ask: Ask, where: Groups) -> list[Measure]:
    """What the probe itself says of one pair of groups."""
    return [each for each in probe.measure(ask) if each.groups == where]
