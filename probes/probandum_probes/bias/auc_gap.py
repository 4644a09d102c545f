"""How well scores rank positives over negatives in each group, across groups, and how far these lie apart."""

from __future__ import annotations

from collections.abc import Iterator

from probandum.controls import Examined
from probandum.evidence import Capability
from probandum.finding import Estimate, Groups, SubReason, Verdict
from probandum.probe import Ask, Measure, probe
from probandum.subject import Grouping
from probandum_probes.bias.areas import Sides, area, area_difference, overall_area
from probandum_probes.bias.auc_controls import no_auc_gap, planted_auc_gap
from probandum_probes.bias.counting import groups_of
from probandum_probes.bias.rates import unsaid, unsaid_all
from probandum_probes.bias.requirements import PERFORMANCE
from probandum_probes.bias.sampling import refuse_sample
from probandum_probes.bias.scored import OVERALL, RowValues, Scored, pairs_of, scored, sizes_of
from probandum_probes.bias.weighted import PersonValues, persons_of, values_of
from probandum_probes.bias.worth import few, persons_compared

#: The fewest positives, and negatives, of a group that allow a verdict.
SMALLEST = 15
#: What a limit may judge.
_JUDGED = ("auc-difference", "xauc-difference")


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
    honours=("weight", "cluster"),
    judged=("auc-difference", "xauc-difference"),
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

    Where the plan declares ``weight``, ``cluster`` or both of its rows, each row of a pair is drawn by its weight, and
    intervals rest on persons: what a person adds to an AUC by DeLong's placements is added up over all of their rows
    before it is squared, with CR2's variance (Obuchowski 1997; Pustejovsky and Tipton 2018), on the logit for one AUC.
    n counts persons, and the 15 positives and negatives are persons of equal weight (Kish 1965).

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
            yield from unsaid_all((OVERALL, *_JUDGED), found, None, Verdict.NOT_APPLICABLE, n=len(ask.subject))
            return
        subject = found.subject
        overall = overall_area(subject, found.score, found.positive)
        if overall is None:
            one = "positive" if persons_of(subject, found.positive) < 2 else "negative"
            why = f"fewer than two {'persons have a row that is' if subject.design else 'rows are'} {one}"
            yield unsaid(OVERALL, why, None, Verdict.INCONCLUSIVE, n=len(found.score))
            for grouping in subject.groupings.values():
                yield from _alone(found, grouping, why)
            return
        yield overall
        barred = _barred(found, overall)
        groupings = list(subject.groupings.values())
        kept = values_of(subject, 2 * persons_compared(subject, groupings))
        for grouping in groupings:
            yield from _areas(found, grouping)
            yield from _gaps(found, grouping, barred, kept)


def _barred(found: Scored, overall: Measure) -> tuple[SubReason, str] | None:
    """Why no comparison of this system gets a verdict; None where some may."""
    if overall.verdict is Verdict.ERROR:
        return SubReason.AGAINST_LABELS, "the scores run against the labels; see overall-auc"
    scores = found.score[found.subject.weights > 0]
    if scores.min() == scores.max():
        return SubReason.NO_DYNAMIC_RANGE, f"every row has the score {scores[0]:g}: nothing is ranked"
    return None


def _areas(found: Scored, grouping: Grouping) -> Iterator[Measure]:
    """One AUC a group, and one xAUC an ordered pair."""
    for index, name in enumerate(grouping.names):
        yield _shown("auc", Groups(attribute=grouping.attribute, group=name), found, grouping, (index, index))
    both = dict.fromkeys(pair for group, other in pairs_of(grouping) for pair in ((group, other), (other, group)))
    for pair in both:
        yield _shown("xauc", groups_of(grouping, *pair), found, grouping, pair)


def _shown(metric: str, where: Groups, found: Scored, grouping: Grouping, pair: tuple[int, int]) -> Measure:
    """Positives of one group over negatives of another, or why there is no AUC of them."""
    among = (grouping.codes == pair[0]) | (grouping.codes == pair[1])
    missing = _fewer_than_two(found, grouping, pair)
    if missing is None:
        estimate = area(found, _sides(found, grouping, pair), among)
    else:
        estimate = Estimate.missing(missing, n=persons_of(found.subject, among), unit="share")
    return Measure(metric=metric, groups=where, estimate=estimate, mode="disclosure")


def _gaps(
    found: Scored, grouping: Grouping, barred: tuple[SubReason, str] | None, kept: RowValues | PersonValues
) -> Iterator[Measure]:
    """Both differences of every comparison of one attribute."""
    pairs = pairs_of(grouping)
    if not pairs:
        yield from _alone(found, grouping, f"{grouping.attribute} has no two groups to compare")
    for group, other in pairs:
        ends = (group, group), (other, other)
        crossed = (group, other), (other, group)
        for metric, areas in {"auc-difference": ends, "xauc-difference": crossed}.items():
            yield _gap(metric, found, grouping, (group, other), areas, barred, kept)


def _alone(found: Scored, grouping: Grouping, why: str) -> Iterator[Measure]:
    """An attribute in which nothing can be compared."""
    only = Groups(attribute=grouping.attribute, group=grouping.names[int(sizes_of(grouping).argmax())])
    yield from unsaid_all(_JUDGED, why, only, Verdict.INCONCLUSIVE, n=len(found.score))


def _gap(
    metric: str,
    found: Scored,
    grouping: Grouping,
    pair: tuple[int, int],
    areas: tuple[tuple[int, int], tuple[int, int]],
    barred: tuple[SubReason, str] | None,
    kept: RowValues | PersonValues,
) -> Measure:
    where = groups_of(grouping, *pair)
    group, other = (grouping.codes == index for index in pair)
    small = too_few(found, grouping, pair)
    if any(_fewer_than_two(found, grouping, each) for each in areas):
        assert small is not None
        n = persons_of(found.subject, group | other)
        return unsaid(metric, small, where, Verdict.INCONCLUSIVE, n=n, reason=SubReason.SMALL_GROUP)
    first, second = (_sides(found, grouping, each) for each in areas)
    estimate, influence = area_difference(found, first, second)
    assert estimate.value is not None
    reason, why = (SubReason.SMALL_GROUP, small) if small is not None else barred or (None, None)
    return Measure(
        metric=metric,
        groups=where,
        estimate=estimate,
        verdict=None if reason is None else Verdict.INCONCLUSIVE,
        sub_reason=reason,
        why=why,
        items=kept.items(estimate.value, influence, group, other, unit="share"),
    )


def too_few(found: Scored, grouping: Grouping, pair: tuple[int, int]) -> str | None:
    """Why two groups do not allow a verdict; None where they do."""
    for index in pair:
        inside = grouping.codes == index
        for rows, kind in ((found.positive & inside, "positives"), (~found.positive & inside, "negatives")):
            if (told := few(found.subject, grouping.names[index], rows, SMALLEST, kind=kind)) is not None:
                return told
    return None


def _sides(found: Scored, grouping: Grouping, pair: tuple[int, int]) -> Sides:
    """The positives of one group, and the negatives of another."""
    return found.positive & (grouping.codes == pair[0]), ~found.positive & (grouping.codes == pair[1])


def _fewer_than_two(found: Scored, grouping: Grouping, pair: tuple[int, int]) -> str | None:
    """Which of the two sides is too small for any interval."""
    among = "persons among the " if found.subject.design else ""
    for rows, index, kind in zip(_sides(found, grouping, pair), pair, ("positives", "negatives"), strict=True):
        if persons_of(found.subject, rows) < 2:
            return f"{grouping.names[index]} has fewer than two {among}{kind}"
    return None
