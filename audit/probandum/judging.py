"""Judging: a pure function of what was measured and of limits. Changing a limit never needs the model.

PASS is a claim and needs evidence: the one-sided bound lies on the good side of the limit. FAIL is a claim
too: after Holm's correction over all one-sided FAIL hypotheses of a family, the bound lies on the bad side.
Everything else is INCONCLUSIVE and says why. PASS is not corrected: a suite passes only if all its parts do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from probandum import stats, weighing
from probandum.errors import UsageError
from probandum.finding import Estimate, Finding, Judgement, Limit, SubReason, Verdict, Waiver, finding_id, parse_metric
from probandum.mirroring import Hypothesis, Mirrors
from probandum.probe import Measure, ProbeResult
from probandum.steadiness import unsteady

#: One-sided error rates by gate mode: a merge is blocked on stronger evidence than a release.
ALPHA_FAIL: Mapping[str, float] = {"release": 0.05, "merge": 0.01}


#: Reasons that more observations of the same kind do not take away.
_NO_NUMBER_HELPS = (SubReason.BAND_UNINFORMATIVE, SubReason.PROMPT_UNSTABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One measure on its way to a finding, with the limit that applies to it and its FAIL hypotheses."""

    result: ProbeResult
    measure: Measure
    limit: Limit | None
    p_fail: float | None = None
    p_adjusted: float | None = None
    hypotheses: int = 0

    @property
    def metric(self) -> str:
        return f"{self.result.probe}/{self.measure.metric}"

    @property
    def judged(self) -> bool:
        """Whether the limit can be applied at all: there is a number, and the data allow a verdict."""
        return (
            self.limit is not None
            and self.measure.mode == "gate"
            and self.measure.verdict is None
            and self.measure.estimate.value is not None
        )


def judge(
    results: Sequence[ProbeResult],
    limits: Sequence[Limit],
    *,
    mode: str = "release",
    waivers: Sequence[Waiver] = (),
    as_of: str | None = None,
) -> tuple[Finding, ...]:
    """Findings in the order of ``results``; UsageError where two limits claim the same quantity.

    ``as_of`` (ISO date) decides which waivers are in force; without it none is.
    """
    cases = [
        _Case(result=result, measure=measure, limit=limit_on(f"{result.probe}/{measure.metric}", measure, limits))
        for result in results
        for measure in result.measures
    ]
    cases = _with_p_values(cases, mode)
    by_result: dict[str, list[_Case]] = {result.probe: [] for result in results}
    for case in cases:
        by_result[case.result.probe].append(case)
    findings: list[Finding] = []
    for result in results:
        if result.status == "measured":
            findings += [_finding(case, mode) for case in by_result[result.probe]]
        if result.status != "measured" or not result.measures:
            findings.append(_unmeasured(result))
    accepted = {
        waiver.finding: waiver for waiver in waivers if as_of is not None and waiver.set_on <= as_of <= waiver.expires
    }
    return tuple(_waived(finding, accepted) for finding in findings)


def unused_limits(results: Sequence[ProbeResult], limits: Sequence[Limit]) -> list[Limit]:
    """Limits that no measure to be judged matched: an audit that says nothing of them would be thinner.

    What a probe says does not apply, to no group in particular, it says of every group that a limit may name.
    """
    absent = {
        f"{result.probe}/{measure.metric}"
        for result in results
        for measure in result.measures
        if measure.mode == "gate" and measure.groups is None and measure.verdict is Verdict.NOT_APPLICABLE
    }
    used = {
        id(limit)
        for result in results
        for measure in result.measures
        if measure.mode == "gate"
        and (limit := limit_on(f"{result.probe}/{measure.metric}", measure, limits)) is not None
    }
    return [limit for limit in limits if id(limit) not in used and limit.metric not in absent]


def _coordinates(of: Measure | Finding) -> dict[str, str]:
    place = dict(of.facets)
    if of.groups is not None:
        place |= {"attribute": of.groups.attribute, "group": of.groups.group}
        if of.groups.reference is not None:
            place["reference"] = of.groups.reference
    return place


def limit_on(metric: str, of: Measure | Finding, limits: Sequence[Limit]) -> Limit | None:
    """The most specific of ``limits`` on the quantity ``of``, which is one of ``metric`` (probe/name)."""
    place = _coordinates(of)
    fitting = [limit for limit in limits if limit.fits(metric, place)]
    if not fitting:
        return None
    fitting.sort(key=lambda limit: -len(limit.groups))
    if len(fitting) > 1 and len(fitting[0].groups) == len(fitting[1].groups):
        raise UsageError(
            f"two limits claim {finding_id(metric, of.groups, of.facets)} "
            f"(lines {fitting[0].line} and {fitting[1].line})",
            remedy="narrow one of them with groups:",
        )
    return fitting[0]


def _alpha_fail(limit: Limit, mode: str) -> float:
    return ALPHA_FAIL[mode] if limit.alpha is None else limit.alpha


def _with_p_values(cases: Sequence[_Case], mode: str) -> list[_Case]:
    """Holm over the one-sided FAIL hypotheses of each family; a band has two.

    Of two groups compared in both orders what is one hypothesis is counted once.
    """
    raw: dict[int, list[float]] = {}
    families: dict[str, dict[Hypothesis, float]] = {}
    asked: dict[int, list[Hypothesis]] = {}
    mirrors = Mirrors([(case.metric, case.measure) if case.judged else None for case in cases])
    for index, case in enumerate(cases):
        if not case.judged or case.limit is None:
            continue
        raw[index] = weighing.fail_p_values(case.measure.estimate, case.limit)
        low, high = case.limit.edges()
        sides = [(side, edge) for side, edge in ((1, high), (-1, low)) if edge is not None]
        asked[index] = [mirrors.hypothesis(index, side, edge) for side, edge in sides]
        family = families.setdefault(case.limit.family, {})
        for hypothesis, p in zip(asked[index], raw[index], strict=True):
            family[hypothesis] = min(p, family.get(hypothesis, 1.0))
    adjusted: dict[str, dict[Hypothesis, float]] = {
        name: dict(zip(family, stats.holm(list(family.values())), strict=True)) for name, family in families.items()
    }
    return [
        replace(
            case,
            p_fail=min(1.0, len(raw[index]) * min(raw[index])),
            p_adjusted=min(1.0, *(float(adjusted[case.limit.family][each]) for each in asked[index])),
            hypotheses=len(families[case.limit.family]),
        )
        if index in raw and case.limit is not None
        else case
        for index, case in enumerate(cases)
    ]


def _finding(case: _Case, mode: str) -> Finding:
    measure, result = case.measure, case.result
    judgement: Judgement | None = None
    n_needed: int | None = None
    verdict, sub_reason, why = measure.verdict, measure.sub_reason, measure.why
    limit = case.limit if measure.mode == "gate" else None
    unlimited = limit is None
    if verdict is Verdict.INCONCLUSIVE and unlimited:
        verdict, sub_reason = Verdict.NOT_APPLICABLE, SubReason.NO_LIMIT  # no limit, no verdict; the reason is kept
    elif verdict is None and measure.estimate.value is None:
        verdict = Verdict.NOT_APPLICABLE if unlimited else Verdict.INCONCLUSIVE
        sub_reason, why = SubReason.NO_DATA, measure.estimate.why
    elif verdict is None and measure.mode != "gate":
        verdict, sub_reason = Verdict.NOT_APPLICABLE, SubReason.NO_LIMIT
        why = "reported, not judged" if measure.mode == "disclosure" else "an indicator, never judged"
    elif verdict is None and case.limit is None:
        verdict, sub_reason, why = Verdict.NOT_APPLICABLE, SubReason.NO_LIMIT, "the plan sets no limit"
    elif case.judged and case.limit is not None:
        judgement = weighing.applied(
            measure.estimate,
            case.limit,
            alpha_fail=_alpha_fail(case.limit, mode),
            p_fail=case.p_fail,
            p_adjusted=case.p_adjusted,
            count=case.hypotheses,
        )
        verdict, sub_reason, why = weighing.verdict(measure.estimate, case.limit, judgement)
        contradiction = unsteady(verdict, case.limit, measure.halves, measure.varied)
        if contradiction is not None:
            verdict, sub_reason, why = Verdict.INCONCLUSIVE, SubReason.PROMPT_UNSTABLE, contradiction
        if verdict is Verdict.INCONCLUSIVE and sub_reason not in _NO_NUMBER_HELPS:
            n_needed = weighing.n_needed(measure.estimate, case.limit, judgement)
        if mode == "merge" and parse_metric(case.metric).change and verdict is not Verdict.FAIL:
            small = weighing.underdesigned(measure.estimate, case.limit)
            if small is not None:
                verdict, sub_reason, why = Verdict.ERROR, SubReason.UNDERDESIGNED, small
    assert verdict is not None
    if judgement is None and limit is not None and verdict in (Verdict.INCONCLUSIVE, Verdict.ERROR):
        judgement = weighing.covering(limit, alpha_fail=_alpha_fail(limit, mode))
    verdict, sub_reason, why = _under_controls(result, verdict, sub_reason, why)
    return Finding(
        id=finding_id(case.metric, measure.groups, measure.facets),
        probe=result.probe,
        metric=case.metric,
        groups=measure.groups,
        facets=measure.facets,
        estimate=measure.estimate,
        limit=judgement,
        verdict=verdict,
        sub_reason=sub_reason,
        why=why,
        detectable=weighing.detectable(measure.estimate),
        n_needed=n_needed,
        mode=measure.mode,
        controls=control_states(result),
        requirements=result.requirements,
        evidence=measure.evidence,
    )


def control_states(result: ProbeResult) -> dict[str, str]:
    """Positive and negative controls in one word each: held, failed, inconclusive, or missing."""
    states = {}
    for kind in ("positive", "negative"):
        outcomes = [outcome.held for outcome in result.controls if outcome.kind == kind]
        if not outcomes:
            states[kind] = "missing"
        elif any(held is False for held in outcomes):
            states[kind] = "failed"
        else:
            states[kind] = "inconclusive" if any(held is None for held in outcomes) else "held"
    return states


def _under_controls(
    result: ProbeResult, verdict: Verdict, sub_reason: SubReason | None, why: str | None
) -> tuple[Verdict, SubReason | None, str | None]:
    """A failed or missing control makes everything its probe says an ERROR; an inconclusive one bars PASS."""
    states = control_states(result)
    bad = [f"{kind} control {state}" for kind, state in states.items() if state in ("failed", "missing")]
    if bad:
        details = "; ".join(f"{o.name}: {o.detail}" for o in result.controls if o.held is False)
        told = f" ({result.quoted(details)})" if details else ""
        return Verdict.ERROR, SubReason.CONTROL_FAILED, ", ".join(bad) + told
    if verdict is Verdict.PASS and "inconclusive" in states.values():
        return Verdict.INCONCLUSIVE, SubReason.CONTROL_INCONCLUSIVE, "a control could not tell"
    return verdict, sub_reason, why


def _unmeasured(result: ProbeResult) -> Finding:
    """The one finding of a probe that measured nothing, so that it is never silence."""
    verdict = Verdict.NOT_APPLICABLE if result.status == "not_applicable" else Verdict.ERROR
    reason = SubReason.NO_CAPABILITY if verdict is Verdict.NOT_APPLICABLE else result.sub_reason or SubReason.CRASHED
    why = result.why or "the probe measured nothing"
    return Finding(
        id=f"{result.probe}/run",
        probe=result.probe,
        metric=f"{result.probe}/run",
        estimate=Estimate.missing(why, unit="run"),
        verdict=verdict,
        sub_reason=reason,
        why=why,
        requirements=result.requirements,
    )


def _waived(finding: Finding, waivers: Mapping[str, Waiver]) -> Finding:
    """``finding`` with its waiver, where it is one that a waiver can accept and its bound holds."""
    waiver = waivers.get(finding.id)
    if waiver is None or finding.verdict not in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        return finding
    if waiver.worst is not None and (finding.limit is None or not _within(finding, finding.limit, waiver.worst)):
        return finding
    return replace(finding, waiver=waiver)


def _within(finding: Finding, limit: Judgement, worst: float) -> bool:
    value = finding.estimate.value
    if value is None:
        return False
    if limit.direction == "at_least":
        return value >= worst
    if limit.direction == "at_most":
        return value <= worst
    return abs(value - limit.around) <= abs(worst - limit.around)
