"""Baselines of a gate: the audits that a change is measured against, and what a gate makes of their comparison.

Two of them: the last audit that was merged, and a pinned release. Steps that are each too small to see add up, and
only the second sees the sum.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from probandum import codec
from probandum.comparing import Measured, compare
from probandum.comparison import Change, Comparison
from probandum.errors import PlanError, RecordError, UsageError
from probandum.finding import Estimate, Finding, Judgement, Limit, SubReason, Verdict, finding_id
from probandum.judging import limit_on
from probandum.pinning import pinned
from probandum.plan import Plan
from probandum.probe import Measure, ProbeResult
from probandum.record import Record, read_bytes
from probandum.sealing import statement_digest
from probandum.verifying import verify

#: Where a judgement keeps its comparisons.
FILE = "changes.json"
#: So many items are named; the rest is counted.
_NAMED = 5


def refuse_unsound(plan: Plan, out: Path | None = None) -> None:
    """PlanError for a baseline that is not there, RecordError for a damaged one; before anything is asked.

    UsageError where the record to be written, in ``out``, would be its own baseline.
    """
    for name, folder in plan.baselines.items():
        where = plan.located("gate", "baseline", name)
        if not (folder / "ask" / "environment.json").is_file():
            hint = "name a folder that `probandum audit` wrote, or leave the baseline out of the first audit"
            raise PlanError([f"{where}: no audit record in {folder}; {hint}"])
        if out is not None and folder.resolve() == out.resolve():
            raise _own(name, folder)
        for step in verify(Record.open(folder)):
            if step.held is False:
                raise RecordError(
                    f"{where}: {folder}: {step.said}",
                    remedy="the baseline is damaged; restore it, or pin another one",
                )


def comparisons(plan: Plan, record: Record) -> tuple[Comparison, ...]:
    """``record`` beside every baseline of ``plan``."""
    if not plan.baselines:
        return ()
    refuse_unsound(plan, record.folder)
    new = Measured(record, statement_digest(record.folder))
    made = []
    for name, folder in plan.baselines.items():
        base = Measured(Record.open(folder), statement_digest(folder))
        if base.named.statement == new.named.statement:
            raise _own(name, folder)
        compared = compare(base, new, name=name)
        listed = plan.must_not_change
        made.append(replace(compared, pinned=pinned(base, new, listed)) if listed else compared)
    return tuple(made)


def _own(name: str, folder: Path) -> UsageError:
    return UsageError(
        f"gate.baseline.{name}: {folder} is the record under audit itself, and a record is no baseline of its own",
        remedy="write the audit into another folder with --out",
    )


def kept(judgement: Path) -> tuple[Comparison, ...]:
    """The comparisons that a judgement holds; none where it had no baseline."""
    path = judgement / FILE
    if not path.is_file():
        return ()
    return tuple(codec.decode(list[Comparison], read_bytes(path), what=str(path)))


def with_changes(
    results: Iterable[ProbeResult], comparisons: Sequence[Comparison], limits: Sequence[Limit]
) -> tuple[ProbeResult, ...]:
    """``results`` with their changes as further measures: of what is judged, of readings, and of what a limit names."""
    changed: dict[str, list[Measure]] = {}
    for comparison in comparisons:
        for change in comparison.changes:
            if (measure := _measure(comparison.name, change, limits)) is not None:
                changed.setdefault(change.probe, []).append(measure)
    return tuple(
        replace(result, measures=(*result.measures, *changed.get(result.probe, ())))
        if result.status == "measured"
        else result
        for result in results
    )


def _measure(baseline: str, change: Change, limits: Sequence[Limit]) -> Measure | None:
    """A change as a probe would have measured it; where a limit asks for one that cannot be compared, an ERROR.

    Nothing is concluded from a reading that was taken beside other work.
    """
    measure = Measure(
        metric=f"{change.metric}/change",
        estimate=change.estimate,
        groups=change.groups,
        facets={**change.facets, "baseline": baseline},
        evidence=change.evidence,
    )
    limited = limit_on(f"{change.probe}/{measure.metric}", measure, limits) is not None
    if not limited and change.mode != "gate" and not change.windows:
        return None
    if change.crowded:
        return replace(measure, verdict=Verdict.INCONCLUSIVE, sub_reason=SubReason.CROWDED, why=change.crowded)
    if change.comparable or not limited:
        return measure
    why = f"not comparable: {change.estimate.why}"
    return replace(measure, verdict=Verdict.ERROR, sub_reason=SubReason.NOT_COMPARABLE, why=why)


def pinned_findings(comparisons: Iterable[Comparison]) -> tuple[Finding, ...]:
    """One finding a baseline about the items that may not change: exact, and without an error rate."""
    return tuple(_pinned(comparison) for comparison in comparisons if comparison.pinned is not None)


def _pinned(comparison: Comparison) -> Finding:
    assert comparison.pinned is not None
    found = comparison.pinned
    count = float(len(found.changed))
    barring = [difference.text for difference in comparison.differences if difference.bars]
    verdict, sub_reason, why = Verdict.PASS, None, None
    if found.changed:
        verdict, why = Verdict.FAIL, f"{_names(found.changed)} changed"
    if barring:
        verdict, sub_reason, why = Verdict.ERROR, SubReason.NOT_COMPARABLE, f"not comparable: {'; '.join(barring)}"
    elif found.unknown and not found.changed:
        verdict, sub_reason = Verdict.ERROR, SubReason.NOT_COMPARABLE
        why = f"not measured alike in both audits: {_names(found.unknown)}"
    facets = {"baseline": comparison.name}
    return Finding(
        id=finding_id("run/must-not-change", None, facets),
        probe="run",
        metric="run/must-not-change",
        facets=facets,
        estimate=Estimate(
            value=count,
            low=count,
            high=count,
            n=found.listed,
            unit="items",
            method="exact",
            design="every listed item, one by one",
        ),
        limit=_none_at_all(count),
        verdict=verdict,
        sub_reason=sub_reason,
        why=why,
    )


def _none_at_all(count: float) -> Judgement:
    """The limit that listing an item sets."""
    p = 0.0 if count > 0 else 1.0
    return Judgement(
        direction="at_most",
        threshold=0.0,
        around=0.0,
        margin=0.0,
        effective=0.0,
        alpha_fail=0.0,
        alpha_pass=0.0,
        lower=count,
        upper=count,
        p_fail=p,
        p_adjusted=p,
        hypotheses=1,
        family="must-not-change",
        source="project",
        citation=None,
        set_by=None,
        set_on=None,
        reason="gate.must_not_change",
        line=None,
    )


def _names(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - _NAMED} more" if len(keys) > _NAMED else ""
    return ", ".join(keys[:_NAMED]) + more
