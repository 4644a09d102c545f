"""Judging: a pure function of what was measured and of limits. Changing a limit never needs the model.

PASS is a claim and needs evidence: the one-sided bound lies on the good side of the limit. FAIL is a claim
too: after Holm's correction over all one-sided FAIL hypotheses of a family, the bound lies on the bad side.
Everything else is INCONCLUSIVE and says why. PASS is not corrected: a suite passes only if all its parts do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from probandum import stats
from probandum.errors import UsageError
from probandum.finding import Estimate, Finding, Judgement, Limit, SubReason, Verdict, Waiver, finding_id
from probandum.probe import Measure, ProbeResult

#: One-sided error rates by gate mode: a merge is blocked on stronger evidence than a release.
ALPHA_FAIL: Mapping[str, float] = {"release": 0.05, "merge": 0.01}
ALPHA_PASS = 0.05


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
        _Case(result=result, measure=measure, limit=_limit_for(result, measure, limits))
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
    """Limits that no measure to be judged matched: an audit that says nothing of them would be thinner."""
    used = {
        id(limit)
        for result in results
        for measure in result.measures
        if measure.mode == "gate" and (limit := _limit_for(result, measure, limits)) is not None
    }
    return [limit for limit in limits if id(limit) not in used]


def _coordinates(measure: Measure) -> dict[str, str]:
    place = dict(measure.facets)
    if measure.groups is not None:
        place |= {"attribute": measure.groups.attribute, "group": measure.groups.group}
        if measure.groups.reference is not None:
            place["reference"] = measure.groups.reference
    return place


def _limit_for(result: ProbeResult, measure: Measure, limits: Sequence[Limit]) -> Limit | None:
    """The most specific limit on this quantity."""
    metric = f"{result.probe}/{measure.metric}"
    place = _coordinates(measure)
    fitting = [
        limit
        for limit in limits
        if limit.metric == metric and all(place.get(key) == value for key, value in limit.groups.items())
    ]
    if not fitting:
        return None
    fitting.sort(key=lambda limit: -len(limit.groups))
    if len(fitting) > 1 and len(fitting[0].groups) == len(fitting[1].groups):
        raise UsageError(
            f"two limits claim {finding_id(metric, measure.groups, measure.facets)} "
            f"(lines {fitting[0].line} and {fitting[1].line})",
            remedy="narrow one of them with groups:",
        )
    return fitting[0]


def _basis(estimate: Estimate) -> dict[str, Any]:
    return {
        "counts": estimate.counts,
        "moments": estimate.moments,
        "draws": estimate.draws,
        "stream": estimate.stream,
        "value": estimate.value,
    }


def _alpha_fail(limit: Limit, mode: str) -> float:
    return ALPHA_FAIL[mode] if limit.alpha is None else limit.alpha


def _with_p_values(cases: Sequence[_Case], mode: str) -> list[_Case]:
    """Holm over the one-sided FAIL hypotheses of each family; a band has two."""
    raw: dict[int, list[float]] = {}
    families: dict[str, list[tuple[int, float]]] = {}
    for index, case in enumerate(cases):
        if not case.judged or case.limit is None:
            continue
        raw[index] = _fail_p_values(case.measure.estimate, case.limit)
        families.setdefault(case.limit.family, []).extend((index, p) for p in raw[index])
    adjusted: dict[int, float] = {}
    for hypotheses in families.values():
        for (index, _), p in zip(hypotheses, stats.holm([p for _, p in hypotheses]), strict=True):
            adjusted[index] = min(adjusted.get(index, 1.0), float(p))
    return [
        replace(
            case,
            p_fail=min(1.0, len(raw[index]) * min(raw[index])),
            p_adjusted=adjusted[index],
            hypotheses=len(families[case.limit.family]),
        )
        if index in raw and case.limit is not None
        else case
        for index, case in enumerate(cases)
    ]


def _edges(limit: Limit) -> tuple[float | None, float | None]:
    """The lowest and the highest value that the limit, with its margin, tolerates."""
    if limit.direction == "at_most":
        return None, limit.threshold + limit.margin
    if limit.direction == "at_least":
        return limit.threshold - limit.margin, None
    half = limit.threshold + limit.margin
    return limit.around - half, limit.around + half


def _fail_p_values(estimate: Estimate, limit: Limit) -> list[float]:
    low, high = _edges(limit)
    assert estimate.method is not None
    values = []
    if high is not None:
        values.append(stats.p_value(estimate.method, high, side="above", **_basis(estimate)))
    if low is not None:
        values.append(stats.p_value(estimate.method, low, side="below", **_basis(estimate)))
    return values


def _finding(case: _Case, mode: str) -> Finding:
    measure, result = case.measure, case.result
    judgement: Judgement | None = None
    detectable: float | None = None
    n_needed: int | None = None
    verdict, sub_reason, why = measure.verdict, measure.sub_reason, measure.why
    if measure.estimate.value is not None:
        detectable = stats.detectable(measure.estimate.method or "", **_basis(measure.estimate))
    unlimited = case.limit is None or measure.mode != "gate"
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
        judgement = _applied(case, case.limit, mode)
        verdict, sub_reason, why = _verdict(measure.estimate, case.limit, judgement)
        if verdict is Verdict.INCONCLUSIVE and sub_reason is not SubReason.BAND_UNINFORMATIVE:
            n_needed = _n_needed(measure.estimate, case.limit, judgement)
    assert verdict is not None
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
        detectable=detectable,
        n_needed=n_needed,
        mode=measure.mode,
        controls=control_states(result),
        requirements=result.requirements,
        evidence=measure.evidence,
    )


def _applied(case: _Case, limit: Limit, mode: str) -> Judgement:
    estimate = case.measure.estimate
    interval = stats.bounds(estimate.method or "", level=1 - 2 * ALPHA_PASS, **_basis(estimate))
    return Judgement(
        direction=limit.direction,
        threshold=limit.threshold,
        around=limit.around,
        margin=limit.margin,
        effective=_effective(estimate, limit),
        alpha_fail=_alpha_fail(limit, mode),
        alpha_pass=ALPHA_PASS,
        lower=interval.low,
        upper=interval.high,
        p_fail=case.p_fail,
        p_adjusted=case.p_adjusted,
        hypotheses=case.hypotheses,
        family=limit.family,
        source=limit.source,
        citation=limit.citation,
        set_by=limit.set_by,
        set_on=limit.set_on,
        reason=limit.reason,
        line=limit.line,
    )


def _pair_rates(estimate: Estimate) -> tuple[float, float, float] | None:
    """Both rates and the pooled rate of a difference of two shares; None for any other quantity."""
    if estimate.unit != "share" or estimate.method != "newcombe" or estimate.counts is None:
        return None
    (x1, n1), (x2, n2) = estimate.counts
    return x1 / n1, x2 / n2, (x1 + x2) / (n1 + n2)


def _effective(estimate: Estimate, limit: Limit) -> float:
    """The tolerance a PASS must show.

    An absolute band on a difference of rates is passed trivially where outcomes are rare, so a PASS must
    stay within a fifth of the larger rate as well.
    """
    half = limit.threshold + limit.margin if limit.direction != "at_least" else limit.threshold - limit.margin
    rates = _pair_rates(estimate)
    if limit.direction == "band" and limit.around == 0 and rates is not None:
        return min(half, 0.2 * max(rates[0], rates[1]))
    return half


def _verdict(estimate: Estimate, limit: Limit, applied: Judgement) -> tuple[Verdict, SubReason | None, str | None]:
    assert applied.p_adjusted is not None and applied.lower is not None and applied.upper is not None
    if applied.p_adjusted < applied.alpha_fail:
        return Verdict.FAIL, None, None
    low, high = _edges(limit)
    if limit.direction == "band":
        low, high = limit.around - applied.effective, limit.around + applied.effective
    inside = (low is None or applied.lower >= low) and (high is None or applied.upper <= high)
    rates = _pair_rates(estimate)
    if limit.direction == "band" and rates is not None and limit.threshold + limit.margin >= rates[2] / 2:
        if inside or applied.effective < limit.threshold:
            return (
                Verdict.INCONCLUSIVE,
                SubReason.BAND_UNINFORMATIVE,
                f"the band is wide against a pooled rate of {rates[2]:.3f}; judge the ratio instead",
            )
    elif inside:
        return Verdict.PASS, None, None
    if not stats.can_pass(estimate.method or "", low=low, high=high, **_basis(estimate)):
        return Verdict.INCONCLUSIVE, SubReason.UNDERPOWERED, "even the best possible data of this size could not pass"
    if estimate.stream is not None:
        return Verdict.INCONCLUSIVE, SubReason.BUDGET, "the outcomes ended before they had decided"
    if (high is not None and applied.lower > high) or (low is not None and applied.upper < low):
        why = f"outside the limit on its own, and not after Holm's correction over {applied.hypotheses} hypotheses"
        return Verdict.INCONCLUSIVE, SubReason.NEAR_THRESHOLD, why
    return Verdict.INCONCLUSIVE, SubReason.NEAR_THRESHOLD, "the interval contains the limit"


def _n_needed(estimate: Estimate, limit: Limit, applied: Judgement) -> int | None:
    """About how many observations a verdict needs; None where no number helps, as between a PASS and a FAIL."""
    assert estimate.value is not None
    low, high = _edges(limit)
    if limit.direction == "band":
        if abs(estimate.value - limit.around) <= applied.effective:
            low, high = limit.around - applied.effective, limit.around + applied.effective
        elif abs(estimate.value - limit.around) <= limit.threshold + limit.margin:
            return None
    return stats.n_for_verdict(
        estimate.method or "",
        low=low,
        high=high,
        n=max(estimate.n, 1),
        alpha_pass=applied.alpha_pass,
        alpha_fail=applied.alpha_fail / max(applied.hypotheses, 1),
        **_basis(estimate),
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
        return Verdict.ERROR, SubReason.CONTROL_FAILED, ", ".join(bad) + (f" ({details})" if details else "")
    if verdict is Verdict.PASS and "inconclusive" in states.values():
        return Verdict.INCONCLUSIVE, SubReason.CONTROL_INCONCLUSIVE, "a control could not tell"
    return verdict, sub_reason, why


def _unmeasured(result: ProbeResult) -> Finding:
    """The one finding of a probe that measured nothing, so that it is never silence."""
    verdict = Verdict.NOT_APPLICABLE if result.status == "not_applicable" else Verdict.ERROR
    reason = SubReason.NO_CAPABILITY if verdict is Verdict.NOT_APPLICABLE else SubReason.CRASHED
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
