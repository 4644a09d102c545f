"""Decisions and errors by group: selection rates, error rates and precision, and how far they lie apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from probandum import stats
from probandum.controls import Examined
from probandum.errors import DataError
from probandum.evidence import Capability
from probandum.finding import Estimate, Groups, SubReason, Verdict
from probandum.probe import Ask, Measure, probe
from probandum.row_items import RowItems
from probandum.subject import Grouping
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
    decisions,
    groupings,
    groups_of,
    pair_of,
    present,
    too_small,
)
from probandum_probes.bias.gap_controls import no_gap, planted_gap
from probandum_probes.bias.sampling import refuse_sample, sampled_rows


@probe(
    "bias.group-rates",
    version=1,
    requirements=[
        "ai-act:art-9:6",
        "ai-act:art-10:2:f",
        "ai-act:art-13:3:b:v",
        "ai-act:art-27:1:d",
        "ai-act:annex-iv:2:g",
        "ai-act:annex-iv:3",
        "gdpr:5:1:a",
        "gdpr:35:7:c",
    ],
    needs=Capability.PREDICT,
    metrics={
        **{rate.name: "share" for rate in RATES},
        **{rate.gap: "share difference" for rate in COMPARED},
        "impact-ratio": "ratio",
        "error-rates": "share",
    },
    attributes="plan",
)
class GroupRates:
    """Shares of favourable decisions, of errors and of right detections per group, and how far they lie apart.

    Of each group, shown and never judged (Wilson): ``selection-rate`` = favourable / rows, ``tpr`` = found
    positive / positives, ``fpr`` = found positive / negatives, ``fnr`` = 1 - tpr, ``ppv`` = positives / found
    positive. Of each group g and reference h: ``selection-difference``, ``tpr-difference``,
    ``fpr-difference``, ``ppv-difference`` = rate of g - rate of h, from -1 to 1, neutral 0 (Newcombe 1998,
    method 10); ``impact-ratio`` = selection rate of g / of h, neutral 1 (Koopman 1984), which does not exist
    where nobody in h was selected. Without a declared reference every ordered pair is compared.

    A verdict needs 30 rows in both groups and 5 favourable and 5 unfavourable decisions expected at their pooled
    rate; 30 positives (tpr) or negatives (fpr); 30 found positive among 100 rows (ppv). Smaller groups are
    shown and INCONCLUSIVE. Rows that state no group are counted and shown. The label may itself be biased, and
    then so are the rates that rest on it. ``intersections``: how many attributes to cross at most.
    ``sample``: ask about so many rows only, drawn with the plan's seed; a smaller sample is part of a larger one.

    Hardt, Price and Srebro 2016 (error rates); Chouldechova 2017 (why not all gaps can vanish at once).
    """

    controls = (
        Examined(name="groups without a gap", kind="negative", function=no_gap),
        Examined(name="planted gap", kind="positive", function=planted_gap),
    )

    def __init__(self, *, intersections: Literal[1, 2, 3] = 1, sample: int | None = None) -> None:
        refuse_sample("bias.group-rates", sample)
        self.intersections = intersections
        self.sample = sample

    def measure(self, ask: Ask) -> Iterator[Measure]:
        """Ask for all decisions at once, count, and compare."""
        subject, answer = decisions(sampled_rows(ask, self.sample))
        if not subject.groupings:
            raise DataError("the plan declares no groups to compare", remedy="add groups: to the plan")
        outcomes = subject.outcomes(answer)
        labelled = outcomes.positive is not None
        codes = {name: grouping.codes for name, grouping in subject.groupings.items()}
        rows: RowItems | None = subject.row_items({OUTCOME: cell_of(outcomes), **codes})
        for grouping in groupings(subject, self.intersections):
            cells = count(grouping, outcomes)
            for rate in RATES if labelled else (SELECTION,):
                for each in _rates(rate, grouping, cells):
                    yield replace(each, rows=rows)
                    rows = None  # one measure carries them for all
            yield from _gaps(grouping, cells, labelled)
        if not labelled:
            why = "the plan names no label, so nobody can say which decisions were errors"
            yield _unsaid("error-rates", why, None, Verdict.NOT_APPLICABLE, n=len(subject))


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
            estimate=_estimated("wilson", ((events, trials),)) if trials else none,
            mode="disclosure",
            counted=counted("share", rate, grouping, index),
        )


def _gaps(grouping: Grouping, cells: Cells, labelled: bool) -> Iterator[Measure]:
    """Every comparison of one attribute."""
    pairs = compared(grouping, cells)
    if not pairs:
        only = Groups(attribute=grouping.attribute, group=grouping.names[int(cells.sum(axis=1).argmax())])
        why = f"{grouping.attribute} has no two groups to compare"
        yield _unsaid(SELECTION.gap, why, only, Verdict.INCONCLUSIVE, n=int(cells.sum()))
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


def _gap(metric: str, method: Literal["newcombe", "koopman"], where: Groups, pair: Pair, small: str | None) -> Measure:
    """One comparison; ``small`` says why it allows no verdict."""
    (_, n1), (x2, n2) = pair
    if small is None and method == "koopman" and x2 == 0:
        why = f"nobody in {where.reference} was selected, so there is no ratio; the difference says what can be said"
        return _unsaid(metric, why, where, Verdict.NOT_APPLICABLE, n=n1 + n2)
    if small is not None and (0 in (n1, n2) or (method == "koopman" and x2 == 0)):
        return _unsaid(metric, small, where, Verdict.INCONCLUSIVE, n=n1 + n2, reason=SubReason.SMALL_GROUP)
    estimate = _estimated(method, pair)
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


def _unsaid(
    metric: str, why: str, where: Groups | None, verdict: Verdict, *, n: int, reason: SubReason = SubReason.NO_DATA
) -> Measure:
    """A quantity that does not exist, with its reason."""
    unit = "ratio" if metric == "impact-ratio" else "share"
    missing = Estimate.missing(why, n=n, unit=unit)
    return Measure(metric=metric, groups=where, estimate=missing, verdict=verdict, sub_reason=reason, why=why)


def _estimated(method: Literal["wilson", "newcombe", "koopman"], counts: tuple[tuple[int, int], ...]) -> Estimate:
    interval = stats.bounds(method, level=0.95, counts=counts)
    n = sum(trials for _, trials in counts)
    return Estimate(
        value=interval.value,
        low=interval.low,
        high=interval.high,
        level=interval.level,
        n=n,
        n_effective=n,
        unit="ratio" if method == "koopman" else "share",
        method=method,
        counts=counts,
    )
