"""Controls of the probe of calibration: predictions that come true, and one group's shifted by a known amount.

Both work on the answers that were already given and ask the system nothing.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np

from probandum import stats
from probandum.evidence import Floats, Table
from probandum.finding import Estimate, Groups
from probandum.probe import Ask, Probe
from probandum.subject import Bools, Subject
from probandum_probes.bias.gap_controls import TWICE, excluded_twice, few_false, z_at
from probandum_probes.bias.in_the_large import error_of_difference, too_few
from probandum_probes.bias.recalibration import log_odds
from probandum_probes.bias.scored import Recorded, Scored, of_rows, probabilities, rescored
from probandum_probes.bias.sharpest import Place, sharpest

#: Worlds in which predictions come true that the negative control draws, and the rows of a group in each: at most so
#: many, or more where fewer would hold too few of the rarer outcome.
NULL_DRAWS = 300
NULL_ROWS, NULL_EXPECTED = 2000, 50
#: Shifts in log-odds that the positive control tries, the smallest that the data can show first.
SHIFTS = (0.5, -0.5, 1.0, -1.0, 2.0, -2.0, 4.0, -4.0)
_NOWHERE = "no two groups have rows, or persons, enough, with enough of both outcomes predicted"


def come_true(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """Labels drawn by the predictions: the probe must find no gap, and few intervals of many such worlds may.

    All labels of a person are drawn by one number, so that they are as alike as predictions that come true allow.
    """
    found = probabilities(ask, getattr(probe, "sample", None))
    place = None if isinstance(found, str) else sharpest(found, partial(_error, found))
    if isinstance(found, str) or place is None:
        return None, found if isinstance(found, str) else _NOWHERE
    rng = ask.rng("come-true")
    seen = []
    for _ in range(2):
        drawn = _labelled(found, _come_true(found, rng))
        if drawn is None:
            return None, "all labels are alike, so that none can be drawn"
        each = _difference(probe, Recorded(ask, subject=drawn, answer=found.answer), place.where)
        seen.append(stats.bounds(str(each.method), level=TWICE, moments=each.moments))
    if excluded_twice(seen):
        said = " and ".join(f"{wide.low:+.4f} to {wide.high:+.4f}" for wide in seen)
        return False, f"predictions came true twice, and {place.where} still differed by {said}"
    return few_false(NULL_DRAWS, _null_worlds(found, place, rng))


def _come_true(found: Scored, rng: np.random.Generator) -> Bools:
    persons = found.subject.persons
    return np.asarray(rng.random(int(persons.max()) + 1)[persons] < found.score)


def _null_worlds(found: Scored, place: Place, rng: np.random.Generator) -> int:
    """Of worlds whose labels the predictions decide, how many intervals excluded parity."""
    fewer = of_rows(found, np.concatenate([_some(found, side, rng) for side in place.sides]))
    codes = fewer.subject.groupings[place.grouping.attribute].codes
    sides = [np.asarray(codes == index) for index in (place.group, place.reference)]
    rejected = 0
    for _ in range(NULL_DRAWS):
        interval = error_of_difference(replace(fewer, positive=_come_true(fewer, rng)), *sides)
        rejected += not interval.low <= 0 <= interval.high
    return rejected


def _some(found: Scored, side: Bools, rng: np.random.Generator) -> np.ndarray:
    """Rows of a side, all of each person among them, no more than a world needs."""
    rows = np.flatnonzero(side & (found.subject.weights > 0))
    share = float(found.score[rows].mean())
    wanted = max(NULL_ROWS, math.ceil(NULL_EXPECTED / max(min(share, 1 - share), 1e-9)))
    if len(rows) <= wanted:
        return rows
    if not found.subject.design:
        return rng.choice(rows, wanted, replace=False)
    persons = found.subject.persons[rows]
    place = rng.permutation(int(persons.max()) + 1)[persons]
    return np.asarray(rows[place <= np.sort(place)[wanted - 1]])


def planted_shift(probe: Probe, ask: Ask) -> tuple[bool | None, str]:
    """Log-odds of one group moved: the probe must say by how much its calibration moved, and tell new gap from old.

    The shift is the smallest of half a logit and more that moves the mean prediction by at least (z at 5 % over all
    one-sided hypotheses + z at 1 %) standard errors.
    """
    found = probabilities(ask, getattr(probe, "sample", None))
    place = None if isinstance(found, str) else sharpest(found, partial(_error, found))
    if isinstance(found, str) or place is None:
        return None, found if isinstance(found, str) else _NOWHERE
    inside, outside = place.sides
    alpha = 0.05 / place.hypotheses
    wide = (z_at(alpha) + z_at(0.01)) * place.error
    for shift in SHIFTS:
        scores = _shifted(found.score, inside, shift)
        move = _mean(found, found.score - scores, inside)
        if abs(move) >= wide:
            break
    else:
        return None, f"no shift of up to {max(SHIFTS):g} logits moves {place.where} far enough to be seen"
    gaps = found.positive - found.score
    old = _mean(found, gaps, inside) - _mean(found, gaps, outside)
    answer = rescored(found, scores)
    seen = _difference(probe, Recorded(ask, subject=found.subject, answer=answer), place.where)
    if seen.value is None or abs(seen.value - old - move) > 1e-9:
        return False, f"{place.where} came out as {seen.value}; by the rows' means it is {old + move}"
    p = stats.p_value(str(seen.method), old, side="above" if move > 0 else "below", moments=seen.moments)
    said = f"{shift:+g} logits were planted in {place.where}; the difference moved by {seen.value - old:+.4f}"
    return p < alpha, f"{said}, p = {p:.2g}"


def _mean(found: Scored, values: Floats, rows: Bools) -> float:
    return float(np.average(values[rows], weights=found.subject.weights[rows]))


def _error(found: Scored, *sides: Bools) -> float | None:
    """The standard error of a difference in calibration; None where a side has too few rows, or persons."""
    if any(too_few(found, "", side) is not None for side in sides):
        return None
    return error_of_difference(found, *sides).standard_error or 0.0


def _shifted(score: Floats, inside: Bools, shift: float) -> Floats:
    """Scores of a group, moved by so many logits."""
    from scipy.special import expit

    changed = score.copy()
    changed[inside] = expit(log_odds(score[inside]) + shift)
    return changed


def _labelled(found: Scored, positive: Bools) -> Subject | None:
    """The same rows with other labels; None where all of theirs are alike, so that nobody knows the other's name."""
    subject = found.subject
    assert subject.label is not None
    column = subject.table[subject.label]
    if found.positive.all() or not found.positive.any():
        return None
    labels = np.where(positive, column[found.positive][0], column[~found.positive][0])
    columns = {**subject.table.columns, subject.label: labels}
    return replace(subject, table=Table(columns))


def _difference(probe: Probe, ask: Ask, where: Groups) -> Estimate:
    """What the probe itself says of one pair of groups."""
    measured = (each for each in probe.measure(ask) if each.metric == "calibration-difference")
    return next(each.estimate for each in measured if each.groups == where)
