"""Rates of groups as measures: the share of each group, and the gaps and ratios of every comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from probandum.finding import Estimate, Groups, SubReason, Verdict
from probandum.probe import Measure
from probandum.row_items import RowItems
from probandum.subject import Grouping, Outcomes, Subject
from probandum_probes.bias.areas import overall_area
from probandum_probes.bias.beside import BESIDE, Costs, beside
from probandum_probes.bias.counting import (
    COMPARED,
    OUTCOME,
    RATES,
    SELECTION,
    Cells,
    Pair,
    Rate,
    cell_of,
    compared,
    count,
    counted,
    groups_of,
    no_ratio,
    pair_of,
    present,
    too_small,
)
from probandum_probes.bias.designed import DesignedRates
from probandum_probes.bias.scored import OVERALL
from probandum_probes.estimates import from_counts

#: Decisions may have nothing to do with the label, and chance alone must not call that an error.
CERTAIN = 0.998
#: Everything that is measured of groups, by unit.
METRICS = {
    **{rate.name: "share" for rate in RATES},
    **{rate.gap: "share difference" for rate in COMPARED},
    **{rate.ratio: "ratio" for rate in COMPARED},
    **BESIDE,
    OVERALL: "share",
}
#: Everything that a limit may judge, and of that what rests on labels.
JUDGED = tuple(metric for rate in COMPARED for metric in (rate.gap, rate.ratio))
OF_ERRORS = tuple(metric for metric in JUDGED if metric not in (SELECTION.gap, SELECTION.ratio))


def measures_of(
    groupings: Sequence[Grouping], subject: Subject, outcomes: Outcomes, costs: Costs | None = None
) -> Iterator[Measure]:
    """All rates of all groups and all comparisons between them.

    Where decisions run against the labels that comes first, as an ERROR, and no comparison that rests on labels is
    judged. The first measure of a group carries the rows for all.
    """
    against = against_decisions(subject, outcomes)
    if against is not None:
        yield against
    measured = _counted if not subject.design else _designed
    for each in measured(groupings, subject, outcomes):
        barred = against is not None and each.metric in OF_ERRORS and each.verdict is None
        yield _against(each) if barred else each
    for grouping in groupings:
        yield from beside(grouping, subject, outcomes, costs)
    if outcomes.positive is None:
        why = "the plan names no label, so nobody can say which decisions were errors"
        yield from unsaid_all(OF_ERRORS, why, None, Verdict.NOT_APPLICABLE, n=len(subject))


def against_decisions(subject: Subject, outcomes: Outcomes) -> Measure | None:
    """The ERROR that decisions run against the labels; None where they do not, or where there are no labels."""
    if outcomes.positive is None:
        return None
    said = outcomes.detected.astype(np.float64)
    ranked = overall_area(subject, said, outcomes.positive, what="decisions", level=CERTAIN)
    return ranked if ranked is not None and ranked.verdict is not None else None


def _against(measure: Measure) -> Measure:
    """A comparison that nobody can read while decisions run against the labels."""
    why = f"the decisions run against the labels; see {OVERALL}"
    return replace(measure, verdict=Verdict.INCONCLUSIVE, sub_reason=SubReason.AGAINST_LABELS, why=why)


def _designed(groupings: Sequence[Grouping], subject: Subject, outcomes: Outcomes) -> Iterator[Measure]:
    """By the weights and the persons that the plan declares."""
    rates = DesignedRates(subject, outcomes)
    yield from rates.measures(groupings)
    for grouping in groupings:
        if not rates.pairs(grouping):
            yield from _alone(grouping, count(grouping, outcomes), labelled=rates.labelled)


def _counted(groupings: Sequence[Grouping], subject: Subject, outcomes: Outcomes) -> Iterator[Measure]:
    """By counts of rows, each of which is a person."""
    labelled = outcomes.positive is not None
    codes = {name: grouping.codes for name, grouping in subject.groupings.items()}
    rows: RowItems | None = subject.row_items({OUTCOME: cell_of(outcomes), **codes})
    for grouping in groupings:
        cells = count(grouping, outcomes)
        for rate in RATES if labelled else (SELECTION,):
            for each in _rates(rate, grouping, cells):
                yield replace(each, rows=rows)
                rows = None  # one measure carries them for all
        yield from _gaps(grouping, cells, labelled)


def _rates(rate: Rate, grouping: Grouping, cells: Cells) -> Iterator[Measure]:
    """One share a group."""
    counts = rate.counts(cells).tolist()
    for index in present(grouping, cells):
        events, trials = counts[index]
        name = grouping.names[index]
        none = Estimate.missing(f"{name} has no {rate.unit}", unit="share")
        yield Measure(
            metric=rate.name,
            groups=Groups(attribute=grouping.attribute, group=name),
            estimate=from_counts("wilson", ((events, trials),)) if trials else none,
            mode="disclosure",
            counted=counted("share", rate, grouping, index),
        )


def _gaps(grouping: Grouping, cells: Cells, labelled: bool) -> Iterator[Measure]:
    """Every comparison of one attribute."""
    pairs = compared(grouping, cells)
    if not pairs:
        yield from _alone(grouping, cells, labelled=labelled)
    for rate in COMPARED if labelled else (SELECTION,):
        for group, reference in pairs:
            where = groups_of(grouping, group, reference)
            pair, rows = pair_of(rate, cells, group, reference)
            small = too_small(rate, (where.group, str(where.reference)), pair, rows)
            gap = _gap(rate, "newcombe", where, pair, small)
            yield replace(gap, counted=counted("difference", rate, grouping, group, reference))
            ratio = _gap(rate, "koopman", where, pair, small)
            yield replace(ratio, counted=counted("ratio", rate, grouping, group, reference))


def _alone(grouping: Grouping, cells: Cells, *, labelled: bool) -> Iterator[Measure]:
    """An attribute in which nobody can be compared with anybody."""
    only = Groups(attribute=grouping.attribute, group=grouping.names[int(cells.sum(axis=1).argmax())])
    why = f"{grouping.attribute} has no two groups to compare"
    judged = JUDGED if labelled else (SELECTION.gap, SELECTION.ratio)
    yield from unsaid_all(judged, why, only, Verdict.INCONCLUSIVE, n=int(cells.sum()))


def _gap(rate: Rate, method: Literal["newcombe", "koopman"], where: Groups, pair: Pair, small: str | None) -> Measure:
    """One comparison; ``small`` says why it allows no verdict."""
    metric = rate.ratio if method == "koopman" else rate.gap
    (_, n1), (x2, n2) = pair
    if small is None and method == "koopman" and x2 == 0:
        why = no_ratio(rate, str(where.reference))
        return unsaid(metric, why, where, Verdict.NOT_APPLICABLE, n=n1 + n2)
    if small is not None and (0 in (n1, n2) or (method == "koopman" and x2 == 0)):
        return unsaid(metric, small, where, Verdict.INCONCLUSIVE, n=n1 + n2, reason=SubReason.SMALL_GROUP)
    estimate = from_counts(method, pair, unit="ratio" if method == "koopman" else "share")
    if small is None:
        return Measure(metric=metric, groups=where, estimate=estimate)
    return Measure(
        metric=metric,
        groups=where,
        estimate=estimate,
        verdict=Verdict.INCONCLUSIVE,
        sub_reason=SubReason.SMALL_GROUP,
        why=small,
    )


def unsaid(
    metric: str, why: str, where: Groups | None, verdict: Verdict, *, n: int, reason: SubReason = SubReason.NO_DATA
) -> Measure:
    """A quantity that does not exist, with its reason."""
    missing = Estimate.missing(why, n=n, unit="ratio" if metric.endswith("-ratio") else "share")
    return Measure(metric=metric, groups=where, estimate=missing, verdict=verdict, sub_reason=reason, why=why)


def unsaid_all(
    metrics: Sequence[str],
    why: str,
    where: Groups | None,
    verdict: Verdict,
    *,
    n: int,
    reason: SubReason = SubReason.NO_DATA,
) -> Iterator[Measure]:
    """The same of several, so that a limit on any of them meets its quantity."""
    for metric in metrics:
        yield unsaid(metric, why, where, verdict, n=n, reason=reason)
