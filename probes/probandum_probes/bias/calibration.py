"""Whether predicted probabilities come true in each group, and whether they do so alike."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from probandum import stats
from probandum.controls import Examined
from probandum.evidence import Capability
from probandum.finding import Groups, SubReason, Verdict
from probandum.probe import Ask, Measure, probe
from probandum.subject import Bools, Grouping
from probandum_probes.bias.calibration_controls import come_true, planted_shift
from probandum_probes.bias.counting import SMALLEST_EXPECTED, groups_of
from probandum_probes.bias.rates import unsaid
from probandum_probes.bias.recalibration import interaction, recalibrated
from probandum_probes.bias.reliability import (
    SMALLEST,
    absent,
    calibration_error,
    few_rows,
    multicalibration,
    reliability_data,
    shared_bins,
)
from probandum_probes.bias.requirements import PERFORMANCE
from probandum_probes.bias.sampling import refuse_sample
from probandum_probes.bias.scored import (
    OVERALL,
    RowValues,
    Scored,
    against_labels,
    calibration_gap,
    pairs_of,
    probabilities,
    rows_compared,
    sizes_of,
)
from probandum_probes.estimates import exactly, from_interval


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
            yield unsaid("calibration-difference", found, None, Verdict.INCONCLUSIVE, n=len(ask.subject))
            return
        overall = against_labels(found.score, found.positive)
        if overall is not None:
            yield overall
        against = overall is not None and overall.verdict is Verdict.ERROR
        groupings = list(found.subject.groupings.values())
        kept = RowValues(found.subject, rows_compared(groupings))
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
    n = int(inside.sum())
    if n < 2:
        return absent("calibration-in-the-large", where, f"{where.group} has fewer than two rows", n=n)
    interval = stats.calibration_in_the_large(found.score[inside], found.positive[inside])
    return Measure(
        metric="calibration-in-the-large",
        groups=where,
        estimate=from_interval(interval, n=n, unit="share"),
        mode="disclosure",
    )


def _line(found: Scored, where: Groups, inside: Bools) -> Iterator[Measure]:
    """Intercept and slope of a group."""
    n = int(inside.sum())
    line = recalibrated(found.score[inside], found.positive[inside]) if n else "nobody is in it"
    for metric, unit in (("recalibration-intercept", "logit"), ("recalibration-slope", "slope")):
        if n < SMALLEST:
            yield absent(metric, where, few_rows(where.group, n), n=n, unit=unit)
        elif isinstance(line, str):
            yield absent(metric, where, f"{where.group}: {line}", n=n, unit=unit)
        else:
            value, error = (line.slope, line.slope_error) if unit == "slope" else (line.intercept, line.intercept_error)
            interval = stats.bounds("t", level=0.95, moments=(value, error, float(n - 2)))
            yield Measure(
                metric=metric, groups=where, estimate=from_interval(interval, n=n, unit=unit), mode="disclosure"
            )


def _interaction(found: Scored, grouping: Grouping) -> Measure:
    """Whether the lines of an attribute's groups differ."""
    sides = [grouping.codes == index for index in range(len(grouping.names))]
    large = [side for side in sides if side.sum() >= SMALLEST]
    tested = interaction([(found.score[side], found.positive[side]) for side in large])
    n = sum(int(side.sum()) for side in large)
    place = {"compared": grouping.attribute}
    if isinstance(tested, str):
        return absent("recalibration-p-value", None, tested, n=n, unit="p-value", facets=place)
    design = (
        f"likelihood-ratio test of {len(large)} groups: chi-squared {tested.statistic:.2f} on {tested.df} degrees of "
        "freedom"
    )
    estimate = exactly(tested.p, n=n, unit="p-value", design=design)
    return Measure(metric="recalibration-p-value", facets=place, estimate=estimate, mode="disclosure")


def _gaps(found: Scored, grouping: Grouping, kept: RowValues, *, against: bool) -> Iterator[Measure]:
    """Every comparison of one attribute."""
    pairs = pairs_of(grouping)
    if not pairs:
        only = Groups(attribute=grouping.attribute, group=grouping.names[int(sizes_of(grouping).argmax())])
        why = f"{grouping.attribute} has no two groups to compare"
        yield unsaid("calibration-difference", why, only, Verdict.INCONCLUSIVE, n=len(found.score))
    gaps = found.positive - found.score
    for group, reference in pairs:
        where = groups_of(grouping, group, reference)
        sides = [grouping.codes == index for index in (group, reference)]
        sizes = [int(side.sum()) for side in sides]
        named = zip((where.group, str(where.reference)), sides, strict=True)
        small = next((told for name, side in named if (told := too_few(found, name, side)) is not None), None)
        if min(sizes) < 2:
            reason = SubReason.SMALL_GROUP
            assert small is not None
            yield unsaid("calibration-difference", small, where, Verdict.INCONCLUSIVE, n=sum(sizes), reason=reason)
            continue
        interval = calibration_gap(found, *sides)
        influence = np.zeros(len(gaps))
        for sign, side, size in zip((1, -1), sides, sizes, strict=True):
            influence[side] = sign * (gaps[side] - gaps[side].mean()) / size
        barred: tuple[SubReason, str] | None = (SubReason.SMALL_GROUP, small) if small is not None else None
        if barred is None and against:
            barred = SubReason.AGAINST_LABELS, "the scores run against the labels; see overall-auc"
        yield Measure(
            metric="calibration-difference",
            groups=where,
            estimate=from_interval(interval, n=sum(sizes), unit="share"),
            verdict=None if barred is None else Verdict.INCONCLUSIVE,
            sub_reason=None if barred is None else barred[0],
            why=None if barred is None else barred[1],
            items=kept.items(interval.value, influence, *sides, unit="share"),
        )


def too_few(found: Scored, name: str, inside: Bools) -> str | None:
    """Why a group does not allow a verdict; None where it does."""
    n = int(inside.sum())
    if n < SMALLEST:
        return few_rows(name, n)
    expected = float(found.score[inside].sum())
    for many, kind in ((expected, "positives"), (n - expected, "negatives")):
        if many < SMALLEST_EXPECTED:
            return f"of {name}'s {n} rows {many:.1f} are predicted to be {kind}; a verdict needs {SMALLEST_EXPECTED}"
    return None
