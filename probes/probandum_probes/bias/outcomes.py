"""Outcomes that are numbers, by group: what is compared of them, and how far two groups lie apart.

Every comparison is a contrast of two means of one number a row, to first order where it is no mean itself (a root, a
ratio to a spread), so that weights and persons enter in one place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from probandum import stats
from probandum.controls import AskThrough
from probandum.evidence import Floats, Response
from probandum.finding import SubReason, Verdict
from probandum.probe import Ask, Measure
from probandum.stats.means import Student
from probandum.subject import NUMERIC, Bools, Grouping, Subject
from probandum.units import so_many
from probandum_probes.bias.counting import SMALLEST_GROUP, compared, decisions, refuse_no_groups
from probandum_probes.bias.sampling import sampled_rows
from probandum_probes.bias.scored import sizes_of
from probandum_probes.bias.tallies import Two, design_in_words
from probandum_probes.estimates import from_moments

#: What the estimates of outcomes are said in: as the system decides, euros or points or years.
UNIT = "outcome"
#: What a difference over a spread is said in.
SPREADS = "standard deviation"


@dataclass(frozen=True, kw_only=True, eq=False)
class Numbers:
    """Rows with a number that was decided on each, and with one that turned out where the plan names a label."""

    subject: Subject
    answer: Response
    decided: Floats
    quantile: float

    @cached_property
    def error(self) -> Floats | None:
        """What was decided beyond what turned out."""
        actual = self.subject.actual
        return None if actual is None else self.decided - actual

    @cached_property
    def weights(self) -> Floats:
        """How many persons each row stands for."""
        return self.subject.weights

    @property
    def design(self) -> str | None:
        """What stands for an observation, where the plan declares it."""
        return design_in_words(self.subject) if self.subject.design else None

    def sums(self, values: Floats, grouping: Grouping) -> stats.ClusterSums:
        """What every person adds to the mean of ``values`` in each group."""
        return stats.ClusterSums.of(values, self.weights, self.subject.persons, grouping.codes)

    def sides(self, grouping: Grouping, pair: Two) -> tuple[Bools, Bools]:
        """The rows of a group and of its reference that stand for somebody."""
        first, second = ((grouping.codes == group) & (self.weights > 0) for group in pair)
        return first, second

    def mean(self, values: Floats, rows: Bools) -> float:
        """The weighted mean over some rows."""
        return float(np.average(values[rows], weights=self.weights[rows]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A mean of one number a row, or its root: how well, or how high, a group is decided on."""

    name: str
    gap: str
    values: Callable[[Numbers], Floats]
    root: bool = False


def _known(numbers: Numbers) -> Floats:
    assert numbers.error is not None
    return numbers.error


def pinball(error: Floats, quantile: float) -> Floats:
    """The loss by which a quantile is the best guess: an outcome above the prediction costs ``quantile`` a unit.

    >>> pinball(np.array([-1.0, 1.0]), 0.75).tolist()  # one unit too low, one too high
    [0.75, 0.25]
    """
    return np.maximum(-quantile * error, (1 - quantile) * error)


OUTCOME = Loss(name="mean-outcome", gap="mean-difference", values=lambda numbers: numbers.decided)
#: What rests on what turned out.
LOSSES = (
    Loss(name="mean-error", gap="error-difference", values=_known),
    Loss(name="mae", gap="mae-difference", values=lambda numbers: np.abs(_known(numbers))),
    Loss(name="rmse", gap="rmse-difference", values=lambda numbers: _known(numbers) ** 2, root=True),
    Loss(
        name="quantile-loss",
        gap="quantile-loss-difference",
        values=lambda numbers: pinball(_known(numbers), numbers.quantile),
    ),
)
#: What a gap over a spread is called, by the gap.
SCALED: Mapping[str, str] = {"mean-difference": "difference-in-sd", "error-difference": "error-difference-in-sd"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contrast:
    """A comparison: its value, and one number a row whose difference of means errs as the value does."""

    value: float
    influence: Floats

    def student(self, numbers: Numbers, grouping: Grouping, pair: Two) -> tuple[str, Student]:
        """The method and the moments: Welch's over rows, CR2's where the plan declares weights or persons."""
        if numbers.subject.design:
            found = numbers.sums(self.influence, grouping).contrast({pair[0]: 1.0, pair[1]: -1.0})
            return "cr2", Student(mean=self.value, standard_error=found.standard_error, df=found.df)
        first, second = (self.influence[side] for side in numbers.sides(grouping, pair))
        interval = stats.welch_interval(first, second)
        assert interval.standard_error is not None and interval.df is not None
        return "welch", Student(mean=self.value, standard_error=interval.standard_error, df=interval.df)


def gap(numbers: Numbers, loss: Loss, grouping: Grouping, pair: Two) -> Contrast:
    """A loss of a group less that of its reference; of roots, each row's square over twice the root of its group."""
    values = loss.values(numbers)
    means = [numbers.mean(values, side) for side in numbers.sides(grouping, pair)]
    if not loss.root:
        return Contrast(value=means[0] - means[1], influence=values)
    roots, influence = [math.sqrt(mean) for mean in means], np.zeros(len(values))
    for side, root in zip(numbers.sides(grouping, pair), roots, strict=True):
        influence[side] = values[side] / (2 * root) if root > 0 else 0.0
    return Contrast(value=roots[0] - roots[1], influence=influence)


def scaled(numbers: Numbers, raw: Contrast, spread: tuple[float, Floats]) -> Contrast:
    """A gap over a spread, whose own error enters: ``(D - D_true) / S - D (S^2 - S_true^2) / (2 S^3)``.

    ``spread``: S, and one number a row whose mean over both groups errs as S^2 does, shared out to the two groups.
    """
    size, shared = spread
    influence = raw.influence / size - raw.value / (2 * size**3) * shared
    return Contrast(value=raw.value / size, influence=influence)


def overall_spread(numbers: Numbers, grouping: Grouping, pair: Two) -> tuple[float, Floats]:
    """The standard deviation of what was decided on everybody in the two groups, and how its square errs.

    >>> two = Grouping(attribute="a", codes=np.array([0, 0, 1, 1]), names=("a", "b"))
    >>> from probandum.evidence import Table
    >>> rows = Subject(table=Table({"x": np.zeros(4)}))
    >>> decided = np.array([1.0, 3.0, 1.0, 3.0])
    >>> found = Numbers(subject=rows, answer=Response(), decided=decided, quantile=0.5)
    >>> overall_spread(found, two, (0, 1))[0]
    1.0
    """
    sides = numbers.sides(grouping, pair)
    both = sides[0] | sides[1]
    squares = (numbers.decided - numbers.mean(numbers.decided, both)) ** 2
    whole = float(numbers.weights[both].sum())
    shared = np.zeros(len(squares))
    for side, sign in zip(sides, (1.0, -1.0), strict=True):
        shared[side] = sign * squares[side] * numbers.weights[side].sum() / whole
    return 0.0 if alike(numbers.decided[both]) else math.sqrt(numbers.mean(squares, both)), shared


def alike(values: Floats) -> bool:
    """Whether all numbers are the same; their mean may differ from them in the last digit."""
    return bool((values == values[0]).all())


def within_spread(numbers: Numbers, grouping: Grouping, pair: Two) -> tuple[float, Floats]:
    """The standard deviation within the two groups, pooled by their degrees of freedom, and how its square errs."""
    sides = numbers.sides(grouping, pair)
    sizes = [int(side.sum()) for side in sides]
    free = [size - 1 for size in sizes]
    shared, pooled = np.zeros(len(numbers.decided)), 0.0
    for side, sign, size, degrees in zip(sides, (1.0, -1.0), sizes, free, strict=True):
        squares = (numbers.decided[side] - numbers.mean(numbers.decided, side)) ** 2
        squares *= size / degrees  # unbiased where weights are equal
        share = degrees / sum(free)
        pooled += share * float(np.average(squares, weights=numbers.weights[side]))
        shared[side] = sign * share * squares
    return 0.0 if all(alike(numbers.decided[side]) for side in sides) else math.sqrt(pooled), shared


def distance(numbers: Numbers, grouping: Grouping, pair: Two) -> float:
    """Kolmogorov's and Smirnov's distance: the largest gap between the two weighted cumulative distributions."""
    first, second = numbers.sides(grouping, pair)
    points = np.unique(numbers.decided[first | second])
    shares = []
    for side in (first, second):
        order = np.argsort(numbers.decided[side], kind="stable")
        below = np.concatenate([[0.0], np.cumsum(numbers.weights[side][order])])
        places = np.searchsorted(numbers.decided[side][order], points, side="right")
        shares.append(below[places] / below[-1])
    return float(np.abs(shares[0] - shares[1]).max())


def too_small(numbers: Numbers, grouping: Grouping, pair: Two) -> str | None:
    """Why two groups do not allow a verdict; None where they do. Persons count, whatever the number of rows."""
    sums = numbers.sums(numbers.decided, grouping)
    who = "persons" if numbers.subject.design else "rows"
    for group in pair:
        size = sums.size(group)
        if size < SMALLEST_GROUP:
            return f"{grouping.names[group]} has {so_many(size, who)}; a verdict needs {SMALLEST_GROUP}"
    return None


def numbers_of(ask: Ask, sample: int | None, quantile: float) -> Numbers | str:
    """The rows with the numbers decided on them, or why there are none; DataError where the plan names no groups."""
    ask = sampled_rows(ask, sample)
    if not ask.subject.numeric:
        return (
            "the plan declares decisions, and no number that was decided: decision: {outcome: numeric} of a model, "
            "decision: {number: COLUMN} of a log"
        )
    subject, answer = decisions(ask)
    refuse_no_groups(subject)
    return Numbers(subject=subject, answer=answer, decided=subject.numbers(answer), quantile=quantile)


def pairs_of(numbers: Numbers, grouping: Grouping) -> list[Two]:
    """Which groups are compared with which: all with the declared reference, else every ordered pair."""
    return compared(grouping, sizes_of(grouping)[:, None])


def against_outcomes(numbers: Numbers, level: float) -> Measure | None:
    """The ERROR that higher numbers go with lower outcomes; None where they do not for certain.

    The correlation is the mean of products of standard scores, and ``level`` that of the interval which must lie below
    0: figures by group would then be read the wrong way round.
    """
    actual = numbers.subject.actual
    everybody = numbers.weights > 0
    if actual is None or everybody.sum() < 3 or len(np.unique(numbers.subject.persons[everybody])) < 2:
        return None
    scores = []
    for values in (numbers.decided, actual):
        if alike(values[everybody]):
            return None
        gaps = values - numbers.mean(values, everybody)
        scores.append(gaps / math.sqrt(numbers.mean(gaps**2, everybody)))
    one = np.zeros(len(actual), dtype=np.int64)
    sums = stats.ClusterSums.of(scores[0] * scores[1], numbers.weights, numbers.subject.persons, one)
    found = sums.contrast({0: 1.0})
    if found.interval(level=level, method="cr2").high >= 0:
        return None
    moments = (found.mean, found.standard_error, found.df)
    estimate = from_moments("cr2", moments, n=sums.size(0), unit="correlation", design=numbers.design)
    return Measure(
        metric="overall-correlation",
        estimate=estimate,
        mode="disclosure",
        verdict=Verdict.ERROR,
        sub_reason=SubReason.AGAINST_LABELS,
        why=(
            f"the numbers run against what turned out: their correlation is {estimate.value:.3f} ({estimate.low:.3f} "
            f"to {estimate.high:.3f}). Either the system does worse than chance, or the plan names another column than "
            "the outcome, or a number is read the wrong way round; settle which before reading any figure by group"
        ),
    )


class RecordedNumbers(AskThrough):
    """Numbers that were given already, changed, under other declarations of the rows: nothing is asked."""

    def __init__(self, ask: Ask, *, subject: Subject, decided: Floats) -> None:
        super().__init__(ask, subject=subject)
        self._decided = decided

    def __call__(self, requests: object) -> list[Response]:
        """The numbers, to the one request for all rows."""
        return [Response(outputs=self._decided[:, None], labels=(NUMERIC,))]
