"""Rates of groups as measures: the share of each group, and the gaps and ratios of every comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

from probandum.finding import Estimate, Groups, SubReason, Verdict
from probandum.probe import Measure
from probandum.row_items import RowItems
from probandum.subject import Grouping, Outcomes, Subject
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
    pair_of,
    present,
    too_small,
)
from probandum_probes.bias.designed import DesignedRates
from probandum_probes.estimates import from_counts

#: Everything that is measured of groups, by unit.
METRICS = {
    **{rate.name: "share" for rate in RATES},
    **{rate.gap: "share difference" for rate in COMPARED},
    "impact-ratio": "ratio",
    "error-rates": "share",
}


def measures_of(groupings: Sequence[Grouping], subject: Subject, outcomes: Outcomes) -> Iterator[Measure]:
    """All rates of all groups and all comparisons between them; the first measure carries the rows for all."""
    labelled = outcomes.positive is not None
    measured = _counted if not subject.design else _designed
    yield from measured(groupings, subject, outcomes)
    if not labelled:
        why = "the plan names no label, so nobody can say which decisions were errors"
        yield unsaid("error-rates", why, None, Verdict.NOT_APPLICABLE, n=len(subject))


def _designed(groupings: Sequence[Grouping], subject: Subject, outcomes: Outcomes) -> Iterator[Measure]:
    """By the weights and the persons that the plan declares."""
    rates = DesignedRates(subject, outcomes)
    yield from rates.measures(groupings)
    for grouping in groupings:
        if not rates.pairs(grouping):
            yield _alone(grouping, count(grouping, outcomes))


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
        yield _alone(grouping, cells)
    for rate in COMPARED if labelled else (SELECTION,):
        for group, reference in pairs:
            where = groups_of(grouping, group, reference)
            pair, rows = pair_of(rate, cells, group, reference)
            small = too_small(rate, (where.group, str(where.reference)), pair, rows)
            gap = _gap(rate.gap, "newcombe", where, pair, small)
            yield replace(gap, counted=counted("difference", rate, grouping, group, reference))
            if rate is SELECTION:
                ratio = _gap("impact-ratio", "koopman", where, pair, small)
                yield replace(ratio, counted=counted("ratio", rate, grouping, group, reference))


def _alone(grouping: Grouping, cells: Cells) -> Measure:
    """An attribute in which nobody can be compared with anybody."""
    only = Groups(attribute=grouping.attribute, group=grouping.names[int(cells.sum(axis=1).argmax())])
    why = f"{grouping.attribute} has no two groups to compare"
    return unsaid(SELECTION.gap, why, only, Verdict.INCONCLUSIVE, n=int(cells.sum()))


def _gap(metric: str, method: Literal["newcombe", "koopman"], where: Groups, pair: Pair, small: str | None) -> Measure:
    """One comparison; ``small`` says why it allows no verdict."""
    (_, n1), (x2, n2) = pair
    if small is None and method == "koopman" and x2 == 0:
        why = f"nobody in {where.reference} was selected, so there is no ratio; the difference says what can be said"
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
    unit = "ratio" if metric == "impact-ratio" else "share"
    missing = Estimate.missing(why, n=n, unit=unit)
    return Measure(metric=metric, groups=where, estimate=missing, verdict=verdict, sub_reason=reason, why=why)
