"""What one test says of a record: a pure function of its findings and of what the gate decided."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from probandum.errors import UsageError, did_you_mean
from probandum.export.writing import line
from probandum.finding import Finding, Limit, Verdict, join, limit_words
from probandum.gating import GateResult, said
from probandum.judging import limit_on
from probandum.probe import ControlOutcome, ProbeResult
from probandum.waiving import waiver_words
from probandum.withholding import hidden

_VERDICTS = {1: Verdict.FAIL, 2: Verdict.ERROR, 3: Verdict.INCONCLUSIVE, 4: Verdict.ERROR}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A verdict over findings, in the lines that a person reads.

    ``waived``: what did not pass is accepted. ``blocks``: whether the gate lets nothing through while the verdict is
    INCONCLUSIVE; ``always`` where no setting may say otherwise.
    """

    verdict: Verdict
    lines: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    waived: bool = False
    blocks: bool = True
    always: bool = False


def on_findings(findings: Sequence[Finding], *, mode: str) -> Check:
    """The verdict that ``findings`` have together, those that are waived aside."""
    verdict = join(finding.verdict for finding in findings if finding.waiver is None)
    return Check(
        verdict=verdict,
        lines=tuple(_told(finding) for finding in findings if finding.verdict is not Verdict.PASS),
        findings=tuple(findings),
        waived=_clean(verdict) and any(finding.waiver is not None for finding in findings),
        blocks=mode == "release",
    )


def on_limit(limit: Limit, limits: Sequence[Limit], findings: Sequence[Finding], *, mode: str) -> Check:
    """What one of a plan's ``limits`` says: of the findings that it judges, or why there are none."""
    probe = limit.metric.partition("/")[0]
    judged = [finding for finding in findings if _limit_on(finding, limits) is limit]
    judged = judged or [finding for finding in findings if finding.id == f"{probe}/run"]
    if not judged:
        text = f"limit on {limit.metric} (line {limit.line}) met no quantity that is judged"
        return Check(verdict=Verdict.ERROR, lines=(text,))
    return on_findings(judged, mode=mode)


def on_probe(name: str, results: Iterable[ProbeResult], findings: Iterable[Finding]) -> Check:
    """Whether a probe ran and its controls held; what its limits say stands in tests of their own."""
    probed = next((result for result in results if result.probe == name), None)
    if probed is None:
        return Check(verdict=Verdict.ERROR, lines=(f"{name} was planned and left no finding",))
    broken = [finding for finding in findings if finding.probe == name and finding.verdict is Verdict.ERROR]
    if broken:
        return Check(verdict=Verdict.ERROR, lines=tuple(_by_reason(name, broken)), findings=tuple(broken))
    if probed.status == "not_applicable":
        return Check(verdict=Verdict.NOT_APPLICABLE, lines=(line(f"{name}: {probed.why}"),))
    unsure = tuple(line(f"{each.kind} control {each.name} could not tell: {each.detail}") for each in _unsure(probed))
    verdict = Verdict.INCONCLUSIVE if unsure else Verdict.PASS
    return Check(verdict=verdict, lines=unsure, blocks=False)  # it bars the PASS of each finding, and these block


def on_accounting(limits: Sequence[Limit], findings: Iterable[Finding], result: GateResult) -> Check:
    """Every cause of the gate that no probe's and no limit's test tells."""
    told = [finding for finding in findings if finding.verdict is Verdict.ERROR or _limit_on(finding, limits)]
    return on_causes(result, told={finding.id for finding in told})


def on_causes(result: GateResult, *, told: Collection[str] = ()) -> Check:
    """The gate's causes but those of the findings ``told`` elsewhere."""
    causes = [cause for cause in result.causes if cause.finding not in told]
    verdict = join([Verdict.PASS, *(_VERDICTS[cause.code] for cause in causes)])
    return Check(verdict=verdict, lines=tuple(line(cause.text) for cause in causes), always=True)


def on_name(name: str, findings: Sequence[Finding], *, mode: str) -> Check:
    """What a record says of a finding's id, a metric or a probe; UsageError where it says nothing of it.

    Without a limit there is no verdict: INCONCLUSIVE.
    """
    named = [finding for finding in findings if name in (finding.id, finding.metric, finding.probe)]
    if not named:
        metrics = {finding.metric for finding in findings}
        hint = did_you_mean(name, metrics | {finding.id for finding in findings})
        raise UsageError(
            f"the audit has no finding, metric or probe {name!r}{hint}", remedy=f"it has: {', '.join(sorted(metrics))}"
        )
    judged = [finding for finding in named if finding.verdict is not Verdict.NOT_APPLICABLE]
    if judged:
        return on_findings(judged, mode=mode)
    lines = (f"{name}: nothing was judged", *map(_told, named))
    return Check(verdict=Verdict.INCONCLUSIVE, lines=lines, findings=tuple(named), always=True)


def on_gate(findings: Iterable[Finding], result: GateResult) -> Check:
    """What the whole gate says."""
    judged = [finding for finding in findings if finding.verdict is not Verdict.NOT_APPLICABLE]
    parts = (on_findings(judged, mode=result.mode), on_causes(result, told={finding.id for finding in judged}))
    verdict = join(part.verdict for part in parts)
    missing = [part for part in parts if part.verdict is Verdict.INCONCLUSIVE]
    return Check(
        verdict=verdict,
        lines=tuple(text for part in parts for text in part.lines),
        findings=tuple(judged),
        waived=_clean(verdict) and parts[0].waived,
        blocks=any(part.blocks for part in missing),
        always=any(part.always for part in missing),
    )


def properties(check: Check) -> Iterator[tuple[str, object]]:
    """What JUnit files keep of a check: a block a finding, each beginning with ``audit.finding``."""
    for finding in check.findings:
        estimate = finding.estimate
        yield "audit.finding", line(finding.id)
        yield "audit.verdict", finding.verdict.value
        if estimate.value is not None:
            yield from zip(
                ("audit.value", "audit.low", "audit.high"), (estimate.value, estimate.low, estimate.high), strict=True
            )
        if not hidden(estimate):
            yield "audit.n", estimate.n
        if finding.limit is not None:
            yield "audit.limit", limit_words(finding.limit)


def _limit_on(finding: Finding, limits: Sequence[Limit]) -> Limit | None:
    return limit_on(finding.metric, finding, limits) if finding.mode == "gate" else None


def _told(finding: Finding) -> str:
    """A finding in one line: names come from data, and none of them begins a line of a log."""
    accepted = f"; {waiver_words(finding.waiver)}" if finding.waiver is not None else ""
    return line(f"{finding.id}: {said(finding)}{accepted}")


def _by_reason(name: str, findings: Iterable[Finding]) -> Iterator[str]:
    """A reason once, with the finding or how many have it: a failed control makes every finding an ERROR."""
    reasons: dict[str | None, list[str]] = {}
    for finding in findings:
        reasons.setdefault(finding.why, []).append(finding.id)
    for why, ids in reasons.items():
        subject = ids[0] if len(ids) == 1 else f"{name}, {len(ids)} findings"
        yield line(f"{subject}: ERROR; {why}")


def _unsure(probed: ProbeResult) -> list[ControlOutcome]:
    return [outcome for outcome in probed.controls if outcome.held is None]


def _clean(verdict: Verdict) -> bool:
    return verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE)
