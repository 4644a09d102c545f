"""The gate: numbered steps over a sealed record, an exit code, and every cause printed.

    0  every judged finding passes, is waived and in force, or is inconclusive in a merge
    1  a limit is broken
    2  the command or the plan is wrong (raised as UsageError, never decided here)
    3  inconclusive, or nothing was judged
    4  the audit could not be carried out or trusted

The code is the first of 2, 4, 1, 3, 0 that has a cause.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from probandum import codec, sampling
from probandum.assuring import assurances, moved_words
from probandum.errors import ProbandumError
from probandum.finding import Finding, Limit, SubReason, Verdict, Waiver, limit_words, parse_metric
from probandum.record import Record, read_bytes
from probandum.verifying import verify


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One reason for the exit code, with the finding or step it comes from."""

    code: int
    text: str
    finding: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """What the gate decided and why.

    ``counts``: findings by verdict. ``notes``: what did not pass and does not block, each with the reason.
    ``assurances``: what the verdicts of a merge promise. ``unmatched``: waivers of findings that the record does not
    have; they accept nothing.
    """

    code: int
    mode: str
    causes: tuple[Cause, ...]
    counts: Mapping[str, int]
    judged: int
    notes: tuple[str, ...] = ()
    unmatched: tuple[Waiver, ...] = ()
    assurances: tuple[str, ...] = ()

    @property
    def trusted(self) -> bool:
        """Whether there is a record that held its verification, so that its findings may be told."""
        return bool(self.counts)


def gate(record: Record, *, key: Any = None) -> GateResult:
    """Decide over the present judgement of ``record``.

    1. verify digests and seals
    2. every planned probe has findings, and every limit a quantity
    3. controls held and no probe broke
    4. baselines comparable
    5. verdicts, with waivers in force
    6. something was judged
    """
    # 1. verify digests and seals
    broken = [step for step in verify(record, key=key) if step.held is False]
    causes = [Cause(code=4, text=f"verification step {step.number}, {step.title}: {step.detail}") for step in broken]
    if broken:
        return GateResult(code=4, mode="", causes=tuple(causes), counts={}, judged=0)
    return load_gate(record)


def failed(error: ProbandumError) -> GateResult:
    """The result of an audit that ended in ``error`` and left no record that one could gate."""
    causes = tuple(Cause(code=error.exit_code, text=line) for line in error.lines())
    return GateResult(code=error.exit_code, mode="", causes=causes, counts={}, judged=0)


def load_gate(record: Record, judgement: str | None = None) -> GateResult:
    """What a judgement of ``record``, by default the present one, decided, steps 2 to 6."""
    path = record.judgement(judgement) / "gate.json"
    return codec.decode(GateResult, read_bytes(path), what=str(path))


def decided(
    findings: Sequence[Finding],
    unused: Sequence[Limit],
    planned: Iterable[str],
    *,
    mode: str,
    waivers: Sequence[Waiver] = (),
) -> GateResult:
    """Steps 2 to 6. ``unused`` are limits that met no quantity; ``planned`` the probes of the plan.

    A waiver that matches no finding of the record blocks nothing, since it accepts nothing; it is said.
    """
    # 2. every planned probe has findings, and every limit a quantity
    seen = {finding.probe for finding in findings}
    causes = [Cause(code=4, text=f"{probe} was planned and left no finding") for probe in planned if probe not in seen]
    causes += [
        Cause(code=4, text=f"limit on {limit.metric} (line {limit.line}) met no quantity that is judged")
        for limit in unused
        if parse_metric(limit.metric).probe in _measured(findings)
    ]
    # 3. to 6.
    verdict_causes, judged = decide(findings, mode=mode)
    causes += verdict_causes
    code = next((code for code in (4, 1, 3) if any(cause.code == code for cause in causes)), 0)
    known = {finding.id for finding in findings}
    return GateResult(
        code=code,
        mode=mode,
        causes=tuple(causes),
        counts=tally(findings),
        judged=judged,
        notes=notes(findings, mode),
        assurances=assurances(findings, mode),
        unmatched=tuple(waiver for waiver in waivers if waiver.finding not in known),
    )


def _measured(findings: Iterable[Finding]) -> set[str]:
    """Probes that measured something; one that could not run says so in a finding of its own."""
    return {finding.probe for finding in findings if not finding.metric.endswith("/run")}


def decide(findings: Iterable[Finding], *, mode: str) -> tuple[list[Cause], int]:
    """Steps 3 to 6: the causes that verdicts give, and how many findings a limit was applied to."""
    causes: list[Cause] = []
    judged = 0
    for finding in findings:
        judged += finding.limit is not None
        text = f"{finding.id}: {said(finding)}"
        # 4. baselines comparable
        if finding.sub_reason is SubReason.NOT_COMPARABLE:
            text = f"{finding.id}: the baseline is {finding.why}"
            causes.append(Cause(code=4, text=text, finding=finding.id))
        # 3. controls held and no probe broke
        elif finding.verdict is Verdict.ERROR:
            causes.append(Cause(code=4, text=text, finding=finding.id))
        # 5. verdicts, with waivers in force
        elif finding.waiver is not None:
            continue
        elif finding.verdict is Verdict.FAIL:
            causes.append(Cause(code=1, text=text, finding=finding.id))
        elif finding.verdict is Verdict.INCONCLUSIVE and mode == "release":
            causes.append(Cause(code=3, text=text, finding=finding.id))
    # 6. something was judged
    if judged == 0:
        causes.append(Cause(code=3, text="nothing was judged: no limit of the plan met a measured quantity"))
    return causes, judged


def notes(findings: Iterable[Finding], mode: str) -> tuple[str, ...]:
    """What did not pass and does not block: findings that are waived, and in a merge those without a verdict."""
    made = []
    for finding in findings:
        if (waiver := finding.waiver) is not None:
            made.append(f"{finding.id}: {said(finding)}; {waiver_words(waiver)}")
        elif finding.verdict is Verdict.INCONCLUSIVE and mode == "merge":
            made.append(f"{finding.id}: {said(finding)}; does not block a merge")
    return tuple(made)


def waiver_words(waiver: Waiver) -> str:
    """What a waiver accepts, by whom, until when and why.

    >>> accepted = Waiver(finding="p/m", owner="A", reason="B", set_on="2026-11-01", expires="2026-12-01", worst=0.74)
    >>> waiver_words(accepted)
    'waived by A until 2026-12-01, no worse than 0.74: B'
    """
    bound = "" if waiver.worst is None else f", no worse than {waiver.worst:g}"
    return f"waived by {waiver.owner} until {waiver.expires}{bound}: {waiver.reason}"


def unmatched_words(waiver: Waiver) -> str:
    """What is wrong with a waiver that matches no finding.

    >>> unmatched_words(Waiver(finding="p/m?sex=F", owner="A", reason="B", set_on="", expires="", line=7))
    'waiver for p/m?sex=F (line 7) matches no finding'
    """
    return f"waiver for {waiver.finding} (line {waiver.line}) matches no finding"


def meaning(result: GateResult) -> str:
    """The exit code in words."""
    return {
        0: "nothing blocks" if result.notes else "every judged finding passes",
        1: "a limit is broken",
        2: "the command or the plan is wrong; nothing was run",
        3: "inconclusive, or nothing was judged",
        4: "the audit could not be carried out or trusted",
    }[result.code]


def said(finding: Finding) -> str:
    """A finding in one line: verdict, value with interval and n, limit or reason."""
    return "; ".join([finding.verdict.value, *facts(finding)])


def facts(finding: Finding) -> list[str]:
    """What a verdict rests on, in pieces: value with interval and n, limit, reason, n needed."""
    parts = []
    estimate = finding.estimate
    if estimate.value is not None:
        parts.append(f"{estimate.value:.4g} ({estimate.low:.4g} to {estimate.high:.4g}), {sampling.counted(estimate)}")
    if moved := moved_words(estimate, finding.limit):
        parts.append(moved)
    if finding.limit is not None:
        parts.append(f"limit {limit_words(finding.limit)}")
    if finding.why:
        parts.append(finding.why)
    if needed := sampling.needed(finding):
        parts.append(f"a verdict would need about {needed}")
    return parts


def tally(findings: Iterable[Finding]) -> dict[str, int]:
    """How many findings carry each verdict."""
    counts = Counter(finding.verdict.value for finding in findings)
    return {verdict.value: counts.get(verdict.value, 0) for verdict in Verdict}
