"""Controls of the probe of AUC gaps: no gap where there is none, and a planted one found with its size.

Both work on the answers that were already given and ask the system nothing.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from probandum import stats
from probandum.evidence import Floats
from probandum.finding import Estimate, Groups
from probandum.probe import Ask, Probe
from probandum.subject import Bools
from probandum_probes.bias.counting import Mask
from probandum_probes.bias.gap_controls import FALSE_ALARM, NULL_ERROR, TWICE, excluded_twice, permuted, z_at
from probandum_probes.bias.scored import Recorded, Scored, rescored, scored
from probandum_probes.bias.sharpest import Place, sharpest

#: Worlds without a gap that the negative control draws, and the most rows of a group in each.
NULL_DRAWS = 300
NULL_ROWS = 400
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
        seen.append(stats.bounds("delong-difference", level=TWICE, moments=each.moments))
    if excluded_twice(seen):
        said = " and ".join(f"{wide.low:+.4f} to {wide.high:+.4f}" for wide in seen)
        return False, f"groups were permuted twice, and {place.where} still differed by {said}"
    rejected = _null_worlds(found, place, ask.rng("null"))
    from scipy.stats import binom

    allowed = int(binom.ppf(1 - FALSE_ALARM, NULL_DRAWS, NULL_ERROR))
    said = f"{rejected} of {NULL_DRAWS} intervals show a gap where there is none; up to {allowed} may"
    return rejected <= allowed, said


def _null_worlds(found: Scored, place: Place, rng: np.random.Generator) -> int:
    """Of worlds in which both groups are samples of all rows, how many intervals excluded parity.

    Each group has as many positives and negatives as it has, up to a number that keeps a world small.
    """
    pools = np.flatnonzero(found.positive), np.flatnonzero(~found.positive)
    sizes = [[min(count, NULL_ROWS) for count in found.of(side)] for side in place.sides]
    rejected = 0
    for _ in range(NULL_DRAWS):
        drawn = [[rng.choice(pool, size) for pool, size in zip(pools, side, strict=True)] for side in sizes]
        rows = np.concatenate([part for side in drawn for part in side])
        kinds = np.repeat(np.arange(4), [len(part) for side in drawn for part in side])
        first, second = (stats.area(found.score[rows], kinds == side, kinds == side + 1) for side in (0, 2))
        interval = stats.auc_difference_interval(first, second)
        rejected += not interval.low <= 0 <= interval.high
    return rejected


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
    p = stats.p_value("delong-difference", old, side="above" if move > 0 else "below", moments=seen.moments)
    said = f"a gap of {move:+.4f} was planted in {place.where}; the difference moved by {seen.value - old:+.4f}"
    return p < alpha, f"{said}, p = {p:.2g}"


_NOWHERE = f"no two groups have {FEWEST} positives and {FEWEST} negatives each, with scores that differ"


def _error(found: Scored, *sides: Bools) -> float | None:
    """The standard error of a difference of AUCs; None where a side has too few rows, or too little to rank."""
    if min(count for side in sides for count in found.of(side)) < FEWEST:
        return None
    areas = [stats.area(found.score, found.positive & side, ~found.positive & side) for side in sides]
    return stats.auc_difference_interval(*areas).standard_error or 0.0 if all(each.varied for each in areas) else None


def _difference(probe: Probe, ask: Ask, where: Groups) -> Estimate:
    """What the probe itself says of one pair of groups."""
    return next(
        each.estimate for each in probe.measure(ask) if each.metric == "auc-difference" and each.groups == where
    )


def _plainly(found: Scored, scores: Floats, place: Place) -> float:
    """The gap in AUC by ranks (Mann and Whitney 1947): a second opinion on the probe's."""
    from scipy.stats import rankdata

    areas = []
    for side in place.sides:
        positive = found.positive[side]
        m, n = int(positive.sum()), int((~positive).sum())
        areas.append(float((rankdata(scores[side])[positive].sum() - m * (m + 1) / 2) / (m * n)))
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
