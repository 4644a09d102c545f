"""How well scores rank positives over negatives in each group, across groups, and how far these lie apart."""

from __future__ import annotations

from collections.abc import Iterator

from probandum import stats
from probandum.controls import Examined
from probandum.evidence import Capability
from probandum.finding import Estimate, Groups, SubReason, Verdict
from probandum.probe import Ask, Measure, probe
from probandum.stats import Area
from probandum.subject import Grouping
from probandum_probes.bias.auc_controls import no_auc_gap, planted_auc_gap
from probandum_probes.bias.counting import groups_of
from probandum_probes.bias.rates import unsaid
from probandum_probes.bias.requirements import PERFORMANCE
from probandum_probes.bias.sampling import refuse_sample
from probandum_probes.bias.scored import (
    OVERALL,
    RowValues,
    Scored,
    against_labels,
    pairs_of,
    rows_compared,
    scored,
    sizes_of,
)
from probandum_probes.estimates import from_interval

#: The fewest positives, and negatives, of a group that allow a verdict.
SMALLEST = 15


@probe(
    "bias.auc-gap",
    version=1,
    requirements=PERFORMANCE,
    needs=Capability.PREDICT,
    metrics={
        OVERALL: "share",
        "auc": "share",
        "xauc": "share",
        "auc-difference": "share difference",
        "xauc-difference": "share difference",
    },
    attributes="plan",
)
class AucGap:
    """How well scores rank positives over negatives within each group and across groups, and how far these lie apart.

    Shown and never judged (DeLong on the logit): ``auc`` of a group = P(score of its positive > score of its
    negative), ties half; ``xauc`` of g over h = P(score of a positive of g > score of a negative of h). Of each group
    g and reference h: ``auc-difference`` = auc of g - auc of h; ``xauc-difference`` = xauc of g over h - xauc of h
    over g, below 0 where negatives of h overtake positives of g more often than the other way round. Both from -1 to
    1, neutral 0; the rows of two AUCs are disjoint, so their variances add up. Without a declared reference every
    ordered pair is compared.

    ``overall-auc``, of all rows, comes first: where its 95 % interval lies below 0.5 the scores run against the
    labels. That is an ERROR, and nothing by group gets a verdict. A verdict needs 15 positives and 15 negatives in both
    groups, and scores that are not all alike. Equal AUCs do not make error rates equal, nor the other way round: what
    ranks alike in each group may still lie higher in one. The label may itself be biased, and then so is all of this.

    ``sample``: ask about so many rows only, drawn with the plan's seed. Over 200,000 rows in all comparisons together
    no items are kept, and a limit on a change needs a sample.

    DeLong, DeLong and Clarke-Pearson 1988; Sun and Xu 2014 (ties); Kallus and Zhou 2019 (xAUC).
    """

    controls = (
        Examined(name="groups without a gap", kind="negative", function=no_auc_gap),
        Examined(name="planted gap", kind="positive", function=planted_auc_gap),
    )

    def __init__(self, *, sample: int | None = None) -> None:
        refuse_sample("bias.auc-gap", sample)
        self.sample = sample

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Ask for all scores at once, and rank them."""
        found = scored(ask, self.sample)
        if isinstance(found, str):
            yield unsaid("auc-difference", found, None, Verdict.INCONCLUSIVE, n=len(ask.subject))
            return
        overall = against_labels(found.score, found.positive)
        if overall is None:
            one = "positive" if found.positive.sum() < 2 else "negative"
            yield unsaid(OVERALL, f"fewer than two rows are {one}", None, Verdict.INCONCLUSIVE, n=len(found.score))
            return
        yield overall
        barred = _barred(found, overall)
        groupings = list(found.subject.groupings.values())
        kept = RowValues(found.subject, 2 * rows_compared(groupings))
        for grouping in groupings:
            yield from _areas(found, grouping)
            yield from _gaps(found, grouping, barred, kept)


def _barred(found: Scored, overall: Measure) -> tuple[SubReason, str] | None:
    """Why no comparison of this system gets a verdict; None where some may."""
    if overall.verdict is Verdict.ERROR:
        return SubReason.AGAINST_LABELS, "the scores run against the labels; see overall-auc"
    if found.score.min() == found.score.max():
        return SubReason.NO_DYNAMIC_RANGE, f"every row has the score {found.score[0]:g}: nothing is ranked"
    return None


def _areas(found: Scored, grouping: Grouping) -> Iterator[Measure]:
    """One AUC a group, and one xAUC an ordered pair."""
    for index, name in enumerate(grouping.names):
        where = Groups(attribute=grouping.attribute, group=name)
        yield _shown("auc", where, _area(found, grouping, index, index), n=int(sizes_of(grouping)[index]))
    both = dict.fromkeys(pair for group, other in pairs_of(grouping) for pair in ((group, other), (other, group)))
    for pair in both:
        n = int(sizes_of(grouping)[list(pair)].sum())
        yield _shown("xauc", groups_of(grouping, *pair), _area(found, grouping, *pair), n=n)


def _shown(metric: str, where: Groups, area: Area | str, *, n: int) -> Measure:
    """One AUC, or why there is none."""
    if isinstance(area, str):
        estimate = Estimate.missing(area, n=n, unit="share")
    else:
        estimate = from_interval(area.interval(), n=n, unit="share")
    return Measure(metric=metric, groups=where, estimate=estimate, mode="disclosure")


def _gaps(
    found: Scored, grouping: Grouping, barred: tuple[SubReason, str] | None, kept: RowValues
) -> Iterator[Measure]:
    """Both differences of every comparison of one attribute."""
    pairs = pairs_of(grouping)
    if not pairs:
        only = Groups(attribute=grouping.attribute, group=grouping.names[int(sizes_of(grouping).argmax())])
        why = f"{grouping.attribute} has no two groups to compare"
        yield unsaid("auc-difference", why, only, Verdict.INCONCLUSIVE, n=len(found.score))
    for group, other in pairs:
        ends = (group, group), (other, other)
        crossed = (group, other), (other, group)
        for metric, (one, two) in {"auc-difference": ends, "xauc-difference": crossed}.items():
            areas = _area(found, grouping, *one), _area(found, grouping, *two)
            yield _gap(metric, found, grouping, (group, other), areas, barred, kept)


def _gap(
    metric: str,
    found: Scored,
    grouping: Grouping,
    pair: tuple[int, int],
    areas: tuple[Area | str, Area | str],
    barred: tuple[SubReason, str] | None,
    kept: RowValues,
) -> Measure:
    where = groups_of(grouping, *pair)
    group, other = (grouping.codes == index for index in pair)
    n = int(group.sum() + other.sum())
    small = too_few(found, grouping, pair)
    first, second = areas
    if isinstance(first, str) or isinstance(second, str):
        assert small is not None
        return unsaid(metric, small, where, Verdict.INCONCLUSIVE, n=n, reason=SubReason.SMALL_GROUP)
    interval = stats.auc_difference_interval(first, second)
    influence = first.influence - second.influence
    reason, why = (SubReason.SMALL_GROUP, small) if small is not None else barred or (None, None)
    return Measure(
        metric=metric,
        groups=where,
        estimate=from_interval(interval, n=n, unit="share"),
        verdict=None if reason is None else Verdict.INCONCLUSIVE,
        sub_reason=reason,
        why=why,
        items=kept.items(interval.value, influence, group, other, unit="share"),
    )


def too_few(found: Scored, grouping: Grouping, pair: tuple[int, int]) -> str | None:
    """Why two groups do not allow a verdict; None where they do."""
    for index in pair:
        for count, kind in zip(found.of(grouping.codes == index), ("positives", "negatives"), strict=True):
            if count < SMALLEST:
                return f"{grouping.names[index]} has {count or 'no'} {kind}; a verdict needs {SMALLEST}"
    return None


def _area(found: Scored, grouping: Grouping, group: int, other: int) -> Area | str:
    """Positives of one group over negatives of another, or which of them are too few for any interval."""
    above, below = found.positive & (grouping.codes == group), ~found.positive & (grouping.codes == other)
    for rows, name, kind in ((above, grouping.names[group], "positives"), (below, grouping.names[other], "negatives")):
        if rows.sum() < 2:
            return f"{name} has fewer than two {kind}"
    return stats.area(found.score, above, below)
