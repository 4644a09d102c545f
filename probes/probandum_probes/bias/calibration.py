"""Whether predicted probabilities come true in each group, and whether they do so alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from probandum.controls import Examined
from probandum.evidence import Capability, Floats
from probandum.finding import Groups, SubReason, Verdict
from probandum.probe import Ask, Measure, probe
from probandum.subject import Bools, Grouping
from probandum_probes.bias.areas import overall_area
from probandum_probes.bias.calibration_controls import come_true, planted_shift
from probandum_probes.bias.counting import groups_of
from probandum_probes.bias.in_the_large import SMALLEST, in_the_large, too_few
from probandum_probes.bias.rates import unsaid
from probandum_probes.bias.recalibration import Sample, interaction, recalibrated
from probandum_probes.bias.reliability import (
    absent,
    calibration_error,
    multicalibration,
    reliability_data,
    shared_bins,
)
from probandum_probes.bias.requirements import PERFORMANCE
from probandum_probes.bias.sampling import refuse_sample
from probandum_probes.bias.scored import OVERALL, RowValues, Scored, pairs_of, probabilities, sizes_of
from probandum_probes.bias.tallies import design_in_words
from probandum_probes.bias.weighted import PersonValues, persons_of, values_of
from probandum_probes.bias.worth import few, persons_compared, worth_of
from probandum_probes.estimates import from_moments, point


@probe(
    "bias.calibration",
    version=1,
    requirements=PERFORMANCE,
    needs=Capability.PREDICT,
    metrics={
        OVERALL: "share",
        "calibration-in-the-large": "share difference",
        "calibration-difference": "share difference",
        "recalibration-intercept": "logit",
        "recalibration-slope": "slope",
        "recalibration-p-value": "p-value",
        "debiased-ece": "share",
        "predicted-rate": "share",
        "observed-rate": "share",
        "multicalibration-error": "share difference",
    },
    facets=("compared", "bin"),
    attributes="plan",
    honours=("weight", "cluster"),
    judged=("calibration-difference",),
)
class Calibration:
    """Whether what is predicted with 30 % comes true in 30 of 100 cases, in each group and alike in all of them.

    Of each group, shown and never judged: ``calibration-in-the-large`` = mean(label) - mean(predicted), above 0 where
    more came true than was predicted (Student); ``recalibration-intercept`` and ``recalibration-slope`` of
    logit P(positive) = intercept + slope logit(predicted), 0 and 1 where predictions come true (Wald; predictions count
    as no closer to 0 and 1 than 1e-6); ``debiased-ece``, the root of the squared calibration error less what small bins
    add (15 bins of equal mass, rows resampled within bins), beside its 95 % point where predictions come true;
    ``observed-rate`` (Wilson) beside ``predicted-rate`` in 10 bins that are the same for all groups.

    Judged, of each group g and reference h: ``calibration-difference`` = calibration in the large of g - of h, from -2
    to 2, neutral 0 (Welch). Without a declared reference every ordered pair is compared. A verdict needs 100 rows
    in both groups, of which 5 are predicted to be positive and 5 negative, and scores that do not run against the
    labels. The gap in calibration errors is not judged, since of
    groups of unequal size it is mostly bias.

    ``recalibration-p-value``: likelihood-ratio test of one line for all groups of an attribute (100 rows and more)
    against a line for each. ``multicalibration-error``: the mean of label - predicted furthest from 0 over declared
    groups, their crossings and bins of 100 rows or more; it was picked after looking.

    Where the plan declares ``weight``, ``cluster`` or both of its rows, means are those of the population and intervals
    rest on persons: linearised, CR2 (Pustejovsky and Tipton 2018) with Satterthwaite's degrees of freedom, of a rate in
    a bin exact ones of as many persons as say as much (Korn and Graubard 1998). The line is the one of most weighted
    likelihood, with errors of sums over persons (Binder 1983). n counts persons, smallest numbers persons of equal
    weight (Kish 1965). Its likelihood-ratio test and the calibration error, whose debiasing and whose chance level take
    rows as independent, are then left out, and say so.

    Scores outside 0 to 1 are no probabilities, and the probe is then not applicable. Parity of predictive values is in
    ``bias.group-rates``. The label may itself be biased, and then so is all of this.
    ``sample``: ask about so many rows only, drawn with the plan's seed. Over 200,000 rows in all comparisons together
    no items are kept, and a limit on a change needs a sample.

    Cox 1958; Kumar, Liang and Ma 2019 (debiased); Hebert-Johnson et al. 2018 (multicalibration).
    """

    controls = (
        Examined(name="predictions that come true", kind="negative", function=come_true),
        Examined(name="planted shift", kind="positive", function=planted_shift),
    )

    def __init__(self, *, sample: int | None = None) -> None:
        refuse_sample("bias.calibration", sample)
        self.sample = sample

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Ask for all probabilities at once, and hold them against what came true."""
        found = probabilities(ask, self.sample)
        if isinstance(found, str):
            yield unsaid("calibration-difference", found, None, Verdict.NOT_APPLICABLE, n=len(ask.subject))
            return
        subject = found.subject
        overall = overall_area(subject, found.score, found.positive)
        if overall is not None:
            yield overall
        against = overall is not None and overall.verdict is Verdict.ERROR
        groupings = list(subject.groupings.values())
        kept = values_of(subject, persons_compared(subject, groupings))
        bins = shared_bins(found.score)
        for grouping in groupings:
            for index, name in enumerate(grouping.names):
                where = Groups(attribute=grouping.attribute, group=name)
                inside = grouping.codes == index
                yield _in_the_large(found, where, inside)
                yield from _line(found, where, inside)
                yield calibration_error(found, where, inside, ask.rng("ece", grouping.attribute, name))
                yield from reliability_data(found, where, inside, bins)
            yield _interaction(found, grouping)
            yield from _gaps(found, grouping, kept, against=against)
        yield multicalibration(found, bins)


def _in_the_large(found: Scored, where: Groups, inside: Bools) -> Measure:
    metric, n = "calibration-in-the-large", persons_of(found.subject, inside)
    if n < 2:
        who = "persons" if found.subject.design else "rows"
        return absent(metric, where, f"{where.group} has fewer than two {who}", n=n)
    return Measure(metric=metric, groups=where, estimate=in_the_large(found, inside)[0], mode="disclosure")


def _line(found: Scored, where: Groups, inside: Bools) -> Iterator[Measure]:
    """Intercept and slope of a group."""
    subject = found.subject
    n, effective = worth_of(subject, inside)
    small = few(subject, where.group, inside, SMALLEST, needs="calibration needs")
    line = recalibrated(*_rows(found, inside)) if small is None else small
    design = design_in_words(subject) if subject.design else None
    for metric, unit in (("recalibration-intercept", "logit"), ("recalibration-slope", "slope")):
        if isinstance(line, str):
            why = line if small is not None else f"{where.group}: {line}"
            yield absent(metric, where, why, n=n, unit=unit)
        else:
            value, error = (line.slope, line.slope_error) if unit == "slope" else (line.intercept, line.intercept_error)
            told = from_moments("t", (value, error, effective - 2), n=n, unit=unit, design=design)
            estimate = replace(told, n_effective=effective) if subject.design else told
            yield Measure(metric=metric, groups=where, estimate=estimate, mode="disclosure")


def _rows(found: Scored, inside: Bools) -> tuple[Floats, Bools, Sample | None]:
    """Predictions and labels of some rows, with their weights and persons where the plan declares any."""
    subject = found.subject
    sample = Sample(weights=subject.weights[inside], persons=subject.persons[inside]) if subject.design else None
    return found.score[inside], found.positive[inside], sample


def _interaction(found: Scored, grouping: Grouping) -> Measure:
    """Whether the lines of an attribute's groups differ."""
    metric, place, unit = "recalibration-p-value", {"compared": grouping.attribute}, "p-value"
    if found.subject.design:
        why = (
            "a likelihood-ratio test takes rows as independent and of equal weight; "
            "the intercepts and slopes of the groups say, with their intervals, what can be said"
        )
        return absent(metric, None, why, n=persons_of(found.subject, grouping.codes >= 0), unit=unit, facets=place)
    sides = [grouping.codes == index for index in range(len(grouping.names))]
    large = [side for side in sides if side.sum() >= SMALLEST]
    tested = interaction([(found.score[side], found.positive[side]) for side in large])
    n = sum(int(side.sum()) for side in large)
    if isinstance(tested, str):
        return absent(metric, None, tested, n=n, unit=unit, facets=place)
    design = (
        f"likelihood-ratio test of {len(large)} groups: chi-squared {tested.statistic:.2f} on {tested.df} degrees of "
        "freedom"
    )
    estimate = point(tested.p, n=n, unit=unit, design=design)
    return Measure(metric=metric, facets=place, estimate=estimate, mode="disclosure")


def _gaps(found: Scored, grouping: Grouping, kept: RowValues | PersonValues, *, against: bool) -> Iterator[Measure]:
    """Every comparison of one attribute."""
    metric, pairs = "calibration-difference", pairs_of(grouping)
    if not pairs:
        only = Groups(attribute=grouping.attribute, group=grouping.names[int(sizes_of(grouping).argmax())])
        why = f"{grouping.attribute} has no two groups to compare"
        yield unsaid(metric, why, only, Verdict.INCONCLUSIVE, n=len(found.score))
    for group, reference in pairs:
        where = groups_of(grouping, group, reference)
        sides = [grouping.codes == index for index in (group, reference)]
        sizes = [persons_of(found.subject, side) for side in sides]
        named = zip((where.group, str(where.reference)), sides, strict=True)
        small = next((told for name, side in named if (told := too_few(found, name, side)) is not None), None)
        if min(sizes) < 2:
            reason = SubReason.SMALL_GROUP
            assert small is not None
            n = persons_of(found.subject, sides[0] | sides[1])
            yield unsaid(metric, small, where, Verdict.INCONCLUSIVE, n=n, reason=reason)
            continue
        estimate, influence = in_the_large(found, *sides)
        assert estimate.value is not None
        barred: tuple[SubReason, str] | None = (SubReason.SMALL_GROUP, small) if small is not None else None
        if barred is None and against:
            barred = SubReason.AGAINST_LABELS, "the scores run against the labels; see overall-auc"
        yield Measure(
            metric=metric,
            groups=where,
            estimate=estimate,
            verdict=None if barred is None else Verdict.INCONCLUSIVE,
            sub_reason=None if barred is None else barred[0],
            why=None if barred is None else barred[1],
            items=kept.items(estimate.value, influence, sides[0], sides[1], unit="share"),
        )
