"""Calibration in the large as estimates: of rows, and where the plan declares weights or persons, over persons."""

from __future__ import annotations

import math

import numpy as np

from probandum import stats
from probandum.evidence import Floats
from probandum.finding import Estimate
from probandum.stats.means import satterthwaite
from probandum.subject import Bools
from probandum_probes.bias.counting import SMALLEST_EXPECTED
from probandum_probes.bias.scored import Scored
from probandum_probes.bias.tallies import design_in_words
from probandum_probes.bias.weighted import persons_of
from probandum_probes.bias.worth import few, worth_of
from probandum_probes.estimates import from_interval, from_moments

#: The fewest rows of a group that allow a verdict, and of a group or a bin of which calibration is told.
SMALLEST = 100


def in_the_large(found: Scored, *sides: Bools) -> tuple[Estimate, Floats]:
    """Mean(label) - mean(predicted) of some rows, less that of others where there are some, and what each row adds.

    Each side has two rows, or persons. One side of rows has Student's interval, two have Welch's; those of persons are
    linearised, CR2.
    """
    subject, weights = found.subject, found.subject.weights
    everybody = np.any(sides, axis=0)
    n = persons_of(subject, everybody)
    if subject.design:
        linear = _over_persons(found, *sides)
        student = linear.student
        estimate = from_moments(
            "cr2",
            (student.mean, student.standard_error, student.df),
            n=n,
            n_effective=min(float(n), sum(worth_of(subject, side).effective for side in sides)),
            unit="share",
            design=design_in_words(subject),
        )
        influence = np.zeros(len(weights))
        influence[everybody] = linear.influence
        return estimate, influence
    if len(sides) == 1:
        interval = stats.calibration_in_the_large(found.score[everybody], found.positive[everybody])
    else:
        interval = _welch(found, *sides)
    gaps, influence = found.positive - found.score, np.zeros(len(weights))
    for sign, side in zip((1, -1), sides, strict=False):
        influence[side] = sign * (gaps[side] - gaps[side].mean()) / int(side.sum())
    return from_interval(interval, n=n, unit="share"), influence


def error_of_difference(found: Scored, group: Bools, reference: Bools) -> stats.Interval:
    """The interval of the difference alone, without what else an estimate holds."""
    if not found.subject.design:
        return _welch(found, group, reference)
    return _over_persons(found, group, reference).student.interval(level=0.95, method="cr2")


def too_few(found: Scored, name: str, inside: Bools) -> str | None:
    """Why a group does not allow a verdict; None where it does."""
    subject = found.subject
    if (told := few(subject, name, inside, SMALLEST, needs="calibration needs")) is not None:
        return told
    n, effective = worth_of(subject, inside)
    expected = effective * float(np.average(found.score[inside], weights=subject.weights[inside]))
    for many, kind in ((expected, "positives"), (effective - expected, "negatives")):
        if many < SMALLEST_EXPECTED:
            who = f"{n} persons" if subject.design else f"{n} rows"
            return f"of {name}'s {who} {many:.1f} are predicted to be {kind}; a verdict needs {SMALLEST_EXPECTED}"
    return None


def _welch(found: Scored, *sides: Bools) -> stats.Interval:
    parts = [stats.calibration_in_the_large(found.score[side], found.positive[side]) for side in sides]
    variances = [((part.standard_error or 0.0) ** 2, part.df or 1.0) for part in parts]
    error = math.sqrt(math.fsum(variance for variance, _ in variances))
    moments = (parts[0].value - parts[1].value, error, satterthwaite(*variances))
    return stats.bounds("welch", level=0.95, moments=moments)


def _over_persons(found: Scored, *sides: Bools) -> stats.Linearised:
    """Of the rows on any side, in their order."""
    everybody, subject = np.any(sides, axis=0), found.subject
    return stats.clustered_calibration_in_the_large(
        found.score[everybody],
        found.positive[everybody],
        weights=subject.weights[everybody],
        clusters=subject.persons[everybody],
        groups=np.select(sides, range(len(sides)))[everybody],
    )
