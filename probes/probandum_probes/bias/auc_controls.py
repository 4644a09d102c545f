"""Controls of the probe of AUC gaps: no gap where there is none, and a planted one found with its size.

Both work on the answers that were already given and ask the system nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from probandum import stats
from probandum.evidence import Floats
from probandum.finding import Estimate, Groups
from probandum.probe import Ask, Probe
from probandum.subject import Bools
from probandum_probes.bias.areas import area_difference, varied
from probandum_probes.bias.counting import Mask
from probandum_probes.bias.gap_controls import (
    FALSE_ALARM,
    FEWEST_DRAWS,
    NULL_ERROR,
    TWICE,
    excluded_twice,
    permuted,
    z_at,
)
from probandum_probes.bias.scored import Recorded, Scored, of_rows, rescored, scored
from probandum_probes.bias.sharpest import Place, sharpest
from probandum_probes.bias.weighted import persons_of
from probandum_probes.bias.worth import few, worth_of

#: Worlds without a gap that the negative control draws, and the most rows of a group in each.
NULL_DRAWS = 300
NULL_ROWS = 400
#: Persons among whom such worlds are drawn at most.
MOST_PERSONS = 10_000
#: The fewest positives and negatives of a group of which a control can tell anything.
FEWEST = 15


def no_auc_gap(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """Permuted groups have no gap that the probe may find, and of groups drawn alike few intervals may show one."""
    found = scored(ask, getattr(probe, "sample", None))
    place = None if isinstance(found, str) else sharpest(found, partial(_error, found))
    if isinstance(found, str) or place is None:
        return None, found if isinstance(found, str) else _NOWHERE
    seen = []
    for number in ("first", "second"):
        order = ask.rng("permuted", number).permutation(len(found.score))
        world = Recorded(ask, subject=permuted(found.subject, order), answer=found.answer)
        each = _difference(probe, world, place.where)
        if each.moments is None:
            return None, f"groups were permuted, and {place.where} then had no AUCs to compare: {each.why}"
        seen.append(stats.bounds(str(each.method), level=TWICE, moments=each.moments))
    if excluded_twice(seen):
        said = " and ".join(f"{wide.low:+.4f} to {wide.high:+.4f}" for wide in seen)
        return False, f"groups were permuted twice, and {place.where} still differed by {said}"
    draw = _dealt_worlds if found.subject.design else _drawn_worlds
    outside = [not each.low <= 0 <= each.high for each in draw(found, place, ask.rng("null"))]
    if len(outside) < FEWEST_DRAWS:
        return None, f"only {len(outside)} worlds without a gap had persons enough to be compared"
    from scipy.stats import binom

    allowed = int(binom.ppf(1 - FALSE_ALARM, len(outside), NULL_ERROR))
    said = f"{sum(outside)} of {len(outside)} intervals show a gap where there is none; up to {allowed} may"
    return sum(outside) <= allowed, said


def _drawn_worlds(found: Scored, place: Place, rng: np.random.Generator) -> Iterator[stats.Interval]:
    """Both groups are samples of all rows.

    Each group has as many positives and negatives as it has, up to a number that keeps a world small.
    """
    pools = np.flatnonzero(found.positive), np.flatnonzero(~found.positive)
    sizes = [[min(int((side & kind).sum()), NULL_ROWS) for kind in _kinds(found)] for side in place.sides]
    for _ in range(NULL_DRAWS):
        drawn = [[rng.choice(pool, size) for pool, size in zip(pools, side, strict=True)] for side in sizes]
        rows = np.concatenate([part for side in drawn for part in side])
        kinds = np.repeat(np.arange(4), [len(part) for side in drawn for part in side])
        first, second = (stats.area(found.score[rows], kinds == side, kinds == side + 1) for side in (0, 2))
        yield stats.auc_difference_interval(first, second)


def _dealt_worlds(found: Scored, place: Place, rng: np.random.Generator) -> Iterator[stats.Interval]:
    """Persons of both groups, with all their rows there, are dealt out to two groups at random."""
    compared = np.flatnonzero((place.sides[0] | place.sides[1]) & (found.subject.weights > 0))
    everybody = np.unique(found.subject.persons[compared])
    pool = everybody if len(everybody) <= MOST_PERSONS else rng.choice(everybody, MOST_PERSONS, replace=False)
    fewer = of_rows(found, compared[np.isin(found.subject.persons[compared], pool)])
    persons, weights = fewer.subject.persons, fewer.subject.weights
    sizes = [worth_of(found.subject, side).n for side in place.sides]
    many = min(len(pool), 4 * NULL_ROWS)
    first = min(max(round(many * sizes[0] / sum(sizes)), 1), many - 1)
    for _ in range(NULL_DRAWS):
        side = np.full(len(pool), -1)
        drawn = rng.choice(len(pool), many, replace=False)
        side[drawn[:first]], side[drawn[first:]] = 0, 1
        codes = side[persons]
        cells = [[(codes == each) & kind for kind in _kinds(fewer)] for each in (0, 1)]
        if min(persons_of(fewer.subject, cell) for each in cells for cell in each) < 2:
            continue
        areas = [stats.weighted_area(fewer.score, weights, *each) for each in cells]
        student = stats.clustered_area(*areas, weights=weights, clusters=persons).student
        yield student.interval(level=0.95, method="cr2")


def _kinds(found: Scored) -> tuple[Bools, Bools]:
    """The positives, and the negatives."""
    return found.positive, ~found.positive


def planted_auc_gap(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """Scores of one group dealt out anew: the probe must say by how much its AUC moved, and tell new gap from old.

    Either they are mirrored, which turns the AUC into 1 - AUC, or the highest go to the positives; whichever moves it
    further. That must be at least (z at 5 % over all one-sided hypotheses + z at 1 %) standard errors.
    """
    found = scored(ask, getattr(probe, "sample", None))
    place = None if isinstance(found, str) else sharpest(found, partial(_error, found))
    if isinstance(found, str) or place is None:
        return None, found if isinstance(found, str) else _NOWHERE
    alpha = 0.05 / place.hypotheses
    old = _plainly(found, found.score, place)
    worlds = [_mirrored(found.score, place.sides[0]), _separated(found.score, found.positive, place.sides[0])]
    moves = [_plainly(found, scores, place) - old for scores in worlds]
    scores, move = max(zip(worlds, moves, strict=True), key=lambda each: abs(each[1]))
    if abs(move) < (z_at(alpha) + z_at(0.01)) * place.error:
        return None, f"no room for a gap that {place.where} could show"
    world = Recorded(ask, subject=found.subject, answer=rescored(found, scores))
    seen = _difference(probe, world, place.where)
    if seen.value is None or seen.moments is None or abs(seen.value - old - move) > 1e-9:
        return False, f"{place.where} came out as {seen.value}; by its pairs it is {old + move}"
    p = stats.p_value(str(seen.method), old, side="above" if move > 0 else "below", moments=seen.moments)
    said = f"a gap of {move:+.4f} was planted in {place.where}; the difference moved by {seen.value - old:+.4f}"
    return p < alpha, f"{said}, p = {p:.2g}"


_NOWHERE = f"no two groups have {FEWEST} positives and {FEWEST} negatives each, with scores that differ"


def _error(found: Scored, *sides: Bools) -> float | None:
    """The standard error of a difference of AUCs; None where a side has too few rows, or too little to rank."""
    kinds = [(found.positive & side, ~found.positive & side) for side in sides]
    if any(few(found.subject, "", rows, FEWEST) is not None for each in kinds for rows in each):
        return None
    if not all(varied(found, each) for each in kinds):
        return None
    (estimate, _) = area_difference(found, *kinds)
    assert estimate.moments is not None
    return estimate.moments[1]


def _difference(probe: Probe, ask: Ask, where: Groups) -> Estimate:
    """What the probe itself says of one pair of groups."""
    return next(
        each.estimate for each in probe.measure(ask) if each.metric == "auc-difference" and each.groups == where
    )


def _plainly(found: Scored, scores: Floats, place: Place) -> float:
    """The gap in AUC by the trapezoids under both curves: a second opinion on the probe's."""
    weights, areas = found.subject.weights, []
    for side in place.sides:
        order = np.argsort(-scores[side], kind="stable")
        last = np.append(np.flatnonzero(np.diff(scores[side][order])), len(order) - 1)
        right, wrong = (np.append(0.0, np.cumsum((weights[side] * kind[side])[order])[last]) for kind in _kinds(found))
        areas.append(float(np.trapezoid(right, wrong)) / float(right[-1] * wrong[-1]))
    return areas[0] - areas[1]


def _mirrored(scores: Floats, inside: Mask) -> Floats:
    """Scores of a group in the opposite order."""
    changed = scores.copy()
    changed[inside] = scores[inside].min() + scores[inside].max() - scores[inside]
    return changed


def _separated(scores: Floats, positive: Mask, inside: Mask) -> Floats:
    """The scores of a group, the highest of them given to its positives."""
    changed = scores.copy()
    rows = np.flatnonzero(inside)
    changed[rows[np.argsort(positive[rows], kind="stable")]] = np.sort(scores[rows])
    return changed
