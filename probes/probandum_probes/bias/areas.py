"""AUCs as estimates: DeLong's of rows, and where the plan declares weights or persons, linearised over persons."""

from __future__ import annotations

import numpy as np

from probandum import stats
from probandum.evidence import Floats
from probandum.finding import Estimate
from probandum.probe import Measure
from probandum.subject import Bools, Subject
from probandum_probes.bias.scored import OVERALL, Scored, against_labels, opposed
from probandum_probes.bias.tallies import design_in_words
from probandum_probes.bias.weighted import persons_of
from probandum_probes.bias.worth import worth_of
from probandum_probes.estimates import from_interval, from_moments

#: Rows that should rank above, and those that should rank below.
Sides = tuple[Bools, Bools]


def overall_area(
    subject: Subject, score: Floats, positive: Bools, *, what: str = "scores", level: float = 0.95
) -> Measure | None:
    """How well the scores of everybody rank positives over negatives, as ``against_labels`` says it of rows."""
    if not subject.design:
        return against_labels(score, positive, what=what, level=level)
    sides = positive, ~positive
    if min(persons_of(subject, side) for side in sides) < 2:
        return None
    estimate = _over_persons(subject, score, sides, np.ones(len(score), dtype=np.bool_))
    if stats.bounds("cr2-logit", level=level, moments=estimate.moments).high >= 0.5:
        return Measure(metric=OVERALL, estimate=estimate, mode="disclosure")
    return opposed(estimate, what=what)


def area(found: Scored, sides: Sides, among: Bools) -> Estimate:
    """One AUC, of which each side has two rows, or persons; ``among``: the rows that n counts."""
    if found.subject.design:
        return _over_persons(found.subject, found.score, sides, among)
    return from_interval(stats.area(found.score, *sides).interval(), n=int(among.sum()), unit="share")


def varied(found: Scored, sides: Sides) -> bool:
    """Whether any row of an AUC came out otherwise than the rest."""
    if not found.subject.design:
        return stats.area(found.score, *sides).varied
    return stats.weighted_area(found.score, found.subject.weights, *sides).varied


def area_difference(found: Scored, first: Sides, second: Sides) -> tuple[Estimate, Floats]:
    """One AUC less another of other rows, and what each row adds to that about its value."""
    subject, unit = found.subject, "share"
    if not subject.design:
        areas = [stats.area(found.score, *sides) for sides in (first, second)]
        interval = stats.auc_difference_interval(*areas)
        n = sum(int(side.sum()) for sides in (first, second) for side in sides)
        return from_interval(interval, n=n, unit=unit), areas[0].influence - areas[1].influence
    placed = [stats.weighted_area(found.score, subject.weights, *sides) for sides in (first, second)]
    linear = stats.clustered_area(*placed, weights=subject.weights, clusters=subject.persons)
    student, everybody = linear.student, np.any([*first, *second], axis=0)
    n = persons_of(subject, everybody)
    estimate = from_moments(
        "cr2",
        (student.mean, student.standard_error, student.df),
        n=n,
        n_effective=min(float(n), sum(worth_of(subject, side).effective for side in (*first, *second))),
        unit=unit,
        design=design_in_words(subject),
    )
    return estimate, linear.influence


def _over_persons(subject: Subject, score: Floats, sides: Sides, among: Bools) -> Estimate:
    placed = stats.weighted_area(score, subject.weights, *sides)
    student = stats.clustered_area(placed, weights=subject.weights, clusters=subject.persons).student
    n = persons_of(subject, among)
    return from_moments(
        "cr2-logit",
        (student.mean, student.standard_error, student.df),
        n=n,
        n_effective=min(float(n), sum(worth_of(subject, side).effective for side in sides)),
        unit="share",
        design=design_in_words(subject),
    )
