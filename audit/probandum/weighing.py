"""Weighing one estimate against one limit: p-values of a FAIL, bounds of a PASS, and what a verdict would need.

A FAIL lies beyond what the limit tolerates. A PASS lies within it, and on a difference of two rates within a
fifth of the larger rate as well: an absolute tolerance alone is passed trivially where outcomes are rare. Rates
of .04 and .01, at 500 rows each, lie within a band of .05 in 59 % of samples.
"""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist
from typing import Any, NamedTuple

from probandum import sampling, stats
from probandum.finding import Estimate, Judgement, Limit, SubReason, Verdict, parse_metric

ALPHA_PASS = 0.05
#: How much of the larger of two rates a PASS may leave between them.
TOLERATED_SHARE = 0.2
#: The power that a check of a merge must have.
PLANNED_POWER = 0.80

_RATE_DIFFERENCES = frozenset(
    {"newcombe", "miettinen-nurminen", "stratified-miettinen-nurminen", "mantel-haenszel-difference"}
)
Reasoned = tuple[Verdict, SubReason | None, str | None]
Edges = tuple[float | None, float | None]


class Rates(NamedTuple):
    """The rates behind a difference, each over its strata by Cochran's weights n1 n2 / (n1 + n2)."""

    group: float
    reference: float
    pooled: float


def basis_of(estimate: Estimate) -> dict[str, Any]:
    """What ``probandum.stats`` needs of an estimate beside its method."""
    return {
        "counts": estimate.counts,
        "moments": estimate.moments,
        "draws": estimate.draws,
        "stream": estimate.stream,
        "value": estimate.value,
    }


def fail_p_values(estimate: Estimate, limit: Limit) -> list[float]:
    """One-sided p-values of "beyond the limit": one a side that the limit has."""
    low, high = limit.edges()
    assert estimate.method is not None
    values = []
    if high is not None:
        values.append(stats.p_value(estimate.method, high, side="above", **basis_of(estimate)))
    if low is not None:
        values.append(stats.p_value(estimate.method, low, side="below", **basis_of(estimate)))
    return values


def covering(limit: Limit, *, alpha_fail: float) -> Judgement:
    """The limit on an estimate that the data forbid to judge: declared, and not applied."""
    return Judgement(
        direction=limit.direction,
        threshold=limit.threshold,
        around=limit.around,
        margin=limit.margin,
        effective=None,
        alpha_fail=alpha_fail,
        alpha_pass=ALPHA_PASS,
        lower=None,
        upper=None,
        p_fail=None,
        p_adjusted=None,
        hypotheses=0,
        family=limit.family,
        source=limit.source,
        citation=limit.citation,
        set_by=limit.set_by,
        set_on=limit.set_on,
        reason=limit.reason,
        line=limit.line,
    )


def applied(
    estimate: Estimate, limit: Limit, *, alpha_fail: float, p_fail: float | None, p_adjusted: float | None, count: int
) -> Judgement:
    """The limit beside its one-sided bounds; ``count``: hypotheses that Holm's correction ran over."""
    interval = stats.bounds(estimate.method or "", level=1 - 2 * ALPHA_PASS, **basis_of(estimate))
    return replace(
        covering(limit, alpha_fail=alpha_fail),
        effective=effective(estimate, limit),
        lower=interval.low,
        upper=interval.high,
        p_fail=p_fail,
        p_adjusted=p_adjusted,
        hypotheses=count,
    )


def rates_of(estimate: Estimate, limit: Limit) -> Rates | None:
    """Both rates and the pooled rate behind a difference of rates; None for any other quantity.

    None for a change against a baseline too: what it may be is declared as an absolute drop, whatever the rate.
    """
    if parse_metric(limit.metric).change:
        return None
    if estimate.rates is not None:
        return Rates(*estimate.rates)
    if estimate.method not in _RATE_DIFFERENCES or estimate.counts is None:
        return None
    strata = list(zip(estimate.counts[::2], estimate.counts[1::2], strict=True))
    weights = [n1 * n2 / (n1 + n2) for (_, n1), (_, n2) in strata]

    def mean(rates: list[float]) -> float:
        return math.fsum(w * rate for w, rate in zip(weights, rates, strict=True)) / math.fsum(weights)

    return Rates(
        group=mean([x / n for (x, n), _ in strata]),
        reference=mean([x / n for _, (x, n) in strata]),
        pooled=mean([(x1 + x2) / (n1 + n2) for (x1, n1), (x2, n2) in strata]),
    )


def effective(estimate: Estimate, limit: Limit) -> float:
    """What a PASS must stay within: the half-width of a band, or the edge of a one-sided limit.

    On a difference of rates a half-width is at most a fifth of the larger rate, and an edge lies no further than
    that beyond 0. A band around another value than 0 keeps its middle: somebody declared how far apart the rates
    are to lie, and what rare outcomes make trivial is the tolerance on either side of it.
    """
    low, high = limit.edges()
    rates = rates_of(estimate, limit)
    most = math.inf if rates is None else TOLERATED_SHARE * max(rates.group, rates.reference)
    if limit.direction == "band":
        return min(limit.threshold + limit.margin, most)
    if high is not None:
        return min(high, most)
    assert low is not None
    return max(low, -most)


def uninformative(estimate: Estimate, limit: Limit) -> float | None:
    """The pooled rate, where the tolerance is half of it or more, so that no PASS says anything; None elsewhere."""
    rates = rates_of(estimate, limit)
    low, high = limit.edges()
    tolerance = limit.threshold + limit.margin if limit.direction == "band" else -low if low is not None else high
    return rates.pooled if rates is not None and tolerance is not None and tolerance >= rates.pooled / 2 else None


def verdict(estimate: Estimate, limit: Limit, judged: Judgement) -> Reasoned:
    """The verdict with its reason; of several reasons: uninformative, underpowered, budget, near the threshold."""
    assert judged.p_adjusted is not None and judged.lower is not None and judged.upper is not None
    if judged.p_adjusted < judged.alpha_fail:
        return Verdict.FAIL, None, None
    if (pooled := uninformative(estimate, limit)) is not None:
        why = (
            f"the {_named(limit)} is wide against a pooled rate of {pooled:.3f}; judge the ratio instead, on both "
            "sides with band: 0.2 and around: 1, on one with at_least: 0.8"
        )
        return Verdict.INCONCLUSIVE, SubReason.BAND_UNINFORMATIVE, why
    low, high = _required(judged)
    if _between((judged.lower, judged.upper), low, high):
        return Verdict.PASS, None, None
    if not stats.can_pass(estimate.method or "", low=low, high=high, **basis_of(estimate)):
        why = "even the best possible data of this size could not pass"
        broken = _outside_alone(judged)
        return Verdict.INCONCLUSIVE, SubReason.UNDERPOWERED, why if broken is None else f"{broken}; {why}"
    if estimate.stream is not None:
        return Verdict.INCONCLUSIVE, SubReason.BUDGET, "the outcomes ended before they had decided"
    return Verdict.INCONCLUSIVE, SubReason.NEAR_THRESHOLD, _near(limit, judged)


def _named(limit: Limit) -> str:
    return "band" if limit.direction == "band" else "limit"


def _near(limit: Limit, judged: Judgement) -> str:
    """Which of the ways of lying near the threshold it is."""
    if (broken := _outside_alone(judged)) is not None:
        return broken
    low, high = limit.edges()
    assert judged.lower is not None and judged.upper is not None
    if _between((judged.lower, judged.upper), low, high):
        return (
            f"inside the {_named(limit)}, and not within {abs(_effective(judged)):.3g}, "
            "a fifth of the larger rate, as a pass must be"
        )
    if (low is not None and judged.upper < low) or (high is not None and judged.lower > high):
        return (
            f"the bound of one side lies outside the {_named(limit)}, and {_p(judged)} is not below "
            f"{judged.alpha_fail:g}, as a fail must be"
        )
    return "the interval contains the limit"


def _outside_alone(judged: Judgement) -> str | None:
    """That the quantity lies outside the limit until others are judged beside it; None where it does not."""
    if not judged.broken_alone:
        return None
    others = f"Holm's correction over {judged.hypotheses} hypotheses"
    return f"outside the limit on its own ({_p(judged)}), and not after {others}"


def _p(judged: Judgement) -> str:
    assert judged.p_fail is not None
    return "p < 0.001" if judged.p_fail < 0.001 else f"p = {judged.p_fail:.3f}"


def _required(judged: Judgement) -> Edges:
    """The edges that a PASS must lie between."""
    edge = _effective(judged)
    if judged.direction == "band":
        return judged.around - edge, judged.around + edge
    return (None, edge) if judged.direction == "at_most" else (edge, None)


def _effective(judged: Judgement) -> float:
    assert judged.effective is not None, "the limit was not applied"
    return judged.effective


def _between(bounds: tuple[float, float], low: float | None, high: float | None) -> bool:
    return (low is None or bounds[0] >= low) and (high is None or bounds[1] <= high)


def n_needed(estimate: Estimate, limit: Limit, judged: Judgement) -> int | None:
    """About how many observations a verdict needs; None where no number helps, as between a PASS and a FAIL."""
    assert estimate.value is not None
    value = (estimate.value, estimate.value)
    low, high = _required(judged)
    if not _between(value, low, high):
        low, high = limit.edges()
        if _between(value, low, high):
            return None
    needed = stats.n_for_verdict(
        estimate.method or "",
        low=low,
        high=high,
        n=max(estimate.n, 1),
        alpha_pass=judged.alpha_pass,
        alpha_fail=judged.alpha_fail / max(judged.hypotheses, 1),
        **basis_of(estimate),
    )
    return None if needed is None else sampling.grown(estimate, needed)


def detectable(estimate: Estimate) -> float | None:
    """The smallest effect that the estimate's design finds with 80 % power at one-sided 5 %."""
    return None if estimate.value is None else stats.detectable(estimate.method or "", **basis_of(estimate))


def underdesigned(estimate: Estimate, limit: Limit) -> str | None:
    """Why a check of a change is too small for the drop that its limit declares; None where it is large enough.

    Its power is that of a PASS where nothing has changed: ``Phi(drop / SE - z_.95)``, and of both sides of a band
    the sum of both less 1. It must be .8. SE is the design's, whatever the observed change. None too where nothing
    varied (``exact``, or no spread at all), since the design then has no error that one could plan for.

    >>> drop = Limit(metric="p/m/change", direction="at_most", threshold=0.02)
    >>> pairs = {"value": 0.0, "low": -0.02, "high": 0.02, "unit": "share", "method": "tango"}
    >>> large = Estimate(n=1000, counts=((25, 25), (1000, 1000)), **pairs)
    >>> small = Estimate(n=400, counts=((10, 10), (400, 400)), **pairs)
    >>> underdesigned(large, drop)
    >>> underdesigned(small, drop)
    'an unchanged system would pass this check in 54 % of runs; a check of a merge must pass it in 80 %'
    """
    effect = detectable(estimate)
    if effect is None:
        return None
    normal = NormalDist()
    per_error = (normal.inv_cdf(1 - ALPHA_PASS) + normal.inv_cdf(PLANNED_POWER)) / effect
    low, high = limit.edges()
    drops = [drop for drop in (high, None if low is None else -low) if drop is not None]
    sides = [normal.cdf(drop * per_error - normal.inv_cdf(1 - ALPHA_PASS)) for drop in drops]
    power = max(0.0, math.fsum(sides) - (len(sides) - 1))
    if power >= PLANNED_POWER:
        return None
    return (
        f"an unchanged system would pass this check in {power:.0%} of runs; "
        f"a check of a merge must pass it in {PLANNED_POWER:.0%}"
    ).replace("%", " %")
