"""Limits that a plan cannot PASS, however good the system is: said before it is asked.

Known beforehand is what follows from numbers alone: too few items for a verdict, a share of so many trials, and the
spread that a probe expects of published designs. Everything else depends on the answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from probandum import stats
from probandum.finding import Estimate, Limit, SubReason, Verdict, limit_words
from probandum.probe import Expected, ExpectedShare, Measure, Probe, ProbeResult, TooLittle

_SHARES = ("wilson", "clopper-pearson")
_TOO_FEW = (SubReason.SMALL_GROUP, SubReason.UNDERPOWERED)


def beyond_expectation(limits: Sequence[Limit], probes: Mapping[str, Probe]) -> Iterator[tuple[Limit, str]]:
    """Limits that even the best value could not meet at the error that the probe expects; nothing is asked."""
    for limit in limits:
        name, _, metric = limit.metric.rpartition("/")
        expects = getattr(probes.get(name), "expected", None)
        expected: Expected | ExpectedShare | TooLittle | None = (
            None if expects is None else expects(metric, limit.groups)
        )
        low, high = limit.edges()
        if isinstance(expected, TooLittle):
            yield limit, expected.why
            continue
        if isinstance(expected, ExpectedShare):
            if not stats.can_pass("clopper-pearson", low=low, high=high, counts=((0, expected.trials),)):
                yield limit, f"even the best possible answers to {expected.trials} {expected.what} could not"
            continue
        if expected is None:
            continue
        moments = (expected.best, expected.error, expected.df)
        if not stats.can_pass("t", low=low, high=high, moments=moments):
            reach = stats.bounds("t", level=0.90, moments=moments).high - expected.best
            yield limit, f"even an estimate of {expected.best:g} has bounds {reach:.2g} away, if {expected.assuming}"


def out_of_reach(limits: Sequence[Limit], dry_runs: Sequence[Mapping[str, ProbeResult]]) -> Iterator[tuple[Limit, str]]:
    """Limits that no answers of a plan's size could meet, from dry runs with different answers."""
    for limit in limits:
        name = limit.metric.rpartition("/")[0]
        whys = [_why_not(limit, run[name]) for run in dry_runs if name in run]
        if whys and whys[0] is not None and None not in whys:
            yield limit, whys[0]


def said(limit: Limit, why: str) -> str:
    """One such limit in one line."""
    place = "" if limit.line is None else f" (line {limit.line})"
    return f"{limit.metric} {limit_words(limit)}{place} cannot PASS as planned: {why}"


def _why_not(limit: Limit, result: ProbeResult) -> str | None:
    """Why no quantity of the limit can PASS; None where one may."""
    measures = [each for each in result.measures if limit.fits(f"{result.probe}/{each.metric}", _place(each))]
    whys = [_barred(each) or _hopeless(limit, each.estimate) for each in measures if each.mode == "gate"]
    return whys[0] if whys and None not in whys else None


def _place(measure: Measure) -> dict[str, str]:
    place = dict(measure.facets)
    if measure.groups is not None:
        place |= {"attribute": measure.groups.attribute, "group": measure.groups.group}
        place |= {} if measure.groups.reference is None else {"reference": measure.groups.reference}
    return place


def _barred(measure: Measure) -> str | None:
    few = measure.verdict is Verdict.INCONCLUSIVE and measure.sub_reason in _TOO_FEW
    return measure.why if few else None


def _hopeless(limit: Limit, estimate: Estimate) -> str | None:
    if estimate.method not in _SHARES or estimate.counts is None:
        return None
    low, high = limit.edges()
    if stats.can_pass(estimate.method, low=low, high=high, counts=estimate.counts):
        return None
    return f"even the best possible answers to n = {estimate.n} could not"
