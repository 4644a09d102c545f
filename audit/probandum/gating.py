"""The gate: numbered steps over a sealed record, an exit code, and every cause printed.

    0  every judged finding passes, is waived and in force, or is inconclusive in a merge
    1  a limit is broken
    2  the command or the plan is wrong (raised as UsageError, never decided here)
    3  inconclusive, or nothing was judged
    4  the audit could not be carried out or trusted

The code is the first of 2, 4, 1, 3, 0 that has a cause.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from probandum import codec, sampling, speech
from probandum.assuring import assurances, moved_words
from probandum.attempts import Attempts
from probandum.chaining import Again
from probandum.dates import as_of_day
from probandum.errors import ProbandumError
from probandum.finding import Finding, Limit, SubReason, Verdict, Waiver, limit_words, parse_metric
from probandum.record import Record, read_bytes
from probandum.sealing import unchecked
from probandum.speech import Spoken
from probandum.verifying import stale, verify
from probandum.waiving import Idle, idle_waivers, in_force, standing, waiver_words, why_idle


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One reason for the exit code, with the finding or step it comes from."""

    code: int
    text: str
    finding: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """What the gate decided and why.

    ``counts``: findings by verdict. ``judged``: findings that a limit was applied to; ``unjudged``: those that a limit
    covers and that the data forbid to judge. ``notes``: what did not pass and does not block, each with the reason.
    ``assurances``: what the verdicts promise. ``idle``: waivers that accept nothing, each with the reason.
    ``attempts``: on the same model, as far as the record knows; None where there is no record. ``stale``: what to say
    where the reports beside it are of another judgement; None where they are not. ``unchecked``: what to
    say where the record is signed and no signature was checked; None elsewhere.
    """

    code: int
    mode: str
    causes: tuple[Cause, ...]
    counts: Mapping[str, int]
    judged: int
    unjudged: int = 0
    notes: tuple[str, ...] = ()
    idle: tuple[Idle, ...] = ()
    assurances: tuple[str, ...] = ()
    attempts: Attempts | None = None
    stale: str | None = None
    unchecked: str | None = None

    @property
    def trusted(self) -> bool:
        """Whether there is a record that held its verification, so that its findings may be told."""
        return bool(self.counts)


def gate(record: Record, *, again: Again, key: Ed25519PublicKey | None = None, as_of: str | None = None) -> GateResult:
    """Decide over the present judgement of ``record``; ``again`` judges it once more from what is sealed.

    A waiver accepts nothing after its end, however long ago the findings were judged: ``as_of`` is the ISO date that
    decides, by default today (UTC); UsageError where it is none, or lies before the record began.

    1. verify digests and seals
    2. every planned probe has findings, and every limit a quantity
    3. controls held and no probe broke
    4. baselines comparable
    5. verdicts, with waivers in force
    6. something was judged
    """
    # 1. verify digests and seals
    broken = [step for step in verify(record, key=key, again=again) if step.held is False]
    causes = [Cause(code=4, text=step.said) for step in broken]
    if broken:
        return GateResult(code=4, mode="", causes=tuple(causes), counts={}, judged=0)
    started = str(record.environment["started"])
    if as_of is None:
        day = max(datetime.datetime.now(datetime.UTC).date().isoformat(), started[:10])
    else:
        day = as_of_day(as_of, started=started).isoformat()
    result = on_day(load_gate(record), record.findings, day)
    return replace(result, stale=stale(record), unchecked=unchecked(record.folder, key))


def on_day(result: GateResult, findings: Iterable[Finding], day: str) -> GateResult:
    """``result`` on a ``day`` (ISO date): findings block again whose waiver was in force when they were judged only.

    ``findings``: as they were judged, with the waivers that were in force then.
    """
    ended = {
        each.id: Idle(waiver=waiver, why=why_idle(waiver, each, day))
        for each in findings
        if (waiver := each.waiver) is not None and not in_force(waiver, day)
    }
    if not ended:
        return result
    idle = (*result.idle, *ended.values())
    now = standing(findings, ended.values())
    blocking = _verdict_causes([each for each in now if each.id in ended], mode=result.mode, idle=idle)
    causes = (*result.causes, *blocking)
    return replace(result, code=_code(causes), causes=causes, notes=notes(now, result.mode), idle=idle)


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
    as_of: str = "",
    attempts: Attempts | None = None,
) -> GateResult:
    """Steps 2 to 6. ``unused`` are limits that met no quantity; ``planned`` the probes of the plan.

    ``as_of``: the ISO date on which ``findings`` were judged. A waiver that accepts nothing blocks nothing; it is said.
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
    idle = idle_waivers(findings, waivers, as_of)
    verdict_causes, judged = decide(findings, mode=mode, idle=idle)
    causes += verdict_causes
    return GateResult(
        code=_code(causes),
        mode=mode,
        causes=tuple(causes),
        counts=tally(findings),
        judged=judged,
        unjudged=sum(finding.limit is not None and not finding.judged for finding in findings),
        notes=notes(findings, mode),
        assurances=assurances(findings, mode),
        idle=idle,
        attempts=attempts,
    )


def _code(causes: Iterable[Cause]) -> int:
    found = {cause.code for cause in causes}
    return next((code for code in (4, 1, 3) if code in found), 0)


def _measured(findings: Iterable[Finding]) -> set[str]:
    """Probes that measured something; one that could not run says so in a finding of its own."""
    return {finding.probe for finding in findings if not finding.metric.endswith("/run")}


def decide(findings: Sequence[Finding], *, mode: str, idle: Iterable[Idle] = ()) -> tuple[list[Cause], int]:
    """Steps 3 to 6: the causes that verdicts give, and how many findings a limit was applied to."""
    causes = _verdict_causes(findings, mode=mode, idle=idle)
    # 6. something was judged
    judged = sum(finding.judged for finding in findings)
    if judged == 0:
        causes.append(Cause(code=3, text=_unjudged_words(findings)))
    return causes, judged


def _unjudged_words(findings: Iterable[Finding]) -> str:
    """Why no limit was applied to a number: each that covers a finding lacks data, or another reason."""
    covered = [finding for finding in findings if finding.limit is not None]
    if covered and all(finding.sub_reason is SubReason.NO_DATA for finding in covered):
        return "no limit could be applied: every covered finding lacks data"
    return "nothing was judged: no limit of the plan was applied to a number"


def _verdict_causes(findings: Iterable[Finding], *, mode: str, idle: Iterable[Idle]) -> list[Cause]:
    causes: list[Cause] = []
    words = _waiver_words(idle)
    for finding in findings:
        waived = words.get(finding.id, "")
        text = f"{finding.id}: {said(finding)}{waived}"
        # 4. baselines comparable
        if finding.sub_reason is SubReason.NOT_COMPARABLE:
            text = f"{finding.id}: the baseline is {finding.why}{waived}"
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
    return causes


def _waiver_words(idle: Iterable[Idle]) -> dict[str, str]:
    """What is said behind a finding whose waiver accepts nothing."""
    return {each.waiver.finding: f"; the waiver by {each.waiver.owner} {each.why}" for each in idle}


def notes(findings: Iterable[Finding], mode: str) -> tuple[str, ...]:
    """What did not pass and does not block: findings that are waived, and in a merge those without a verdict."""
    made = []
    for finding in findings:
        if (waiver := finding.waiver) is not None:
            made.append(f"{finding.id}: {said(finding)}; {waiver_words(waiver)}")
        elif finding.verdict is Verdict.INCONCLUSIVE and mode == "merge":
            made.append(f"{finding.id}: {said(finding)}; does not block a merge")
    return tuple(made)


def retold(result: GateResult, findings: Sequence[Finding]) -> GateResult:
    """``result`` in the words of these ``findings``, all those of the record, some of which may withhold figures."""
    words = {each.finding: each for each in _verdict_causes(findings, mode=result.mode, idle=result.idle)}
    causes = tuple(words.get(each.finding, each) for each in result.causes)
    return replace(result, causes=causes, notes=notes(findings, result.mode))


#: What the gate's codes mean; of 0, by whether something is noted that does not block.
_MEANINGS = Spoken(
    {
        1: "a limit is broken",
        2: "the command or the plan is wrong; nothing was run",
        3: "inconclusive",
        4: "the audit could not be carried out or trusted",
    }
)
_NOTHING = Spoken({True: "nothing blocks", False: "every judged finding passes"})


def meaning(result: GateResult) -> str:
    """The exit code in words."""
    if result.code == 3 and not result.judged:
        return speech.said("nothing was judged")
    return _NOTHING[bool(result.notes)] if result.code == 0 else _MEANINGS[result.code]


def headline(result: GateResult) -> str:
    """The exit code with its meaning, as summaries begin."""
    return speech.said("gate {code}, {meaning}", code=result.code, meaning=meaning(result))


#: How strictly the gate decides, by its mode.
_MODES = Spoken(
    {
        "release": "release: what is inconclusive blocks, unless somebody accepts it",
        "merge": "merge: what is inconclusive blocks nothing, and a broken limit needs stronger evidence",
    }
)


def strictness(result: GateResult) -> str:
    """The mode that the gate decided in, with what it means."""
    return _MODES.get(result.mode, result.mode)


def said(finding: Finding) -> str:
    """A finding in one line: verdict, value with interval and n, limit or reason."""
    return "; ".join([finding.verdict.value, *facts(finding)])


def facts(finding: Finding) -> list[str]:
    """What a verdict rests on, in pieces: value with interval and n, limit, reason, n needed."""
    parts = []
    estimate = finding.estimate
    if estimate.value is not None:
        parts.append(f"{estimate.value:.4g}{estimate.spread('.4g')}, {sampling.counted(estimate)}")
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
