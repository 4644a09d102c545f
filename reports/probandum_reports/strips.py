"""Strips: one estimate's interval against its limit, small enough to stand in a line of a table.

All strips of a metric share one scale, so that rows can be compared. Positions are shares of the width.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from probandum.finding import Finding, Judgement

#: Numbers closer than this, as a share of the largest of them, are drawn as one, on a scale as wide as that is large.
_LEAST = 1e-6
_PADDING = 0.08
#: The most that a quantity of a unit can be, either way.
_MOST: Mapping[str, float] = {"share": 1.0, "correlation": 1.0, "p-value": 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """Where things stand between 0 (left) and 1 (right).

    ``limits``: the edges of the tolerated region ``good``, one or two. ``origin``: where no effect lies, when
    the scale shows it.
    """

    low: float
    value: float
    high: float
    good: tuple[float, float] | None
    limits: tuple[float, ...]
    origin: float | None


def strips(findings: Iterable[Finding]) -> dict[str, Strip]:
    """A strip for every finding that has a value, by finding id."""
    by_metric: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.estimate.value is not None:
            by_metric.setdefault(finding.metric, []).append(finding)
    return {finding.id: strip for family in by_metric.values() for finding, strip in _family(family)}


def neutral(finding: Finding) -> float | None:
    """The value that means no effect: 1 for a ratio, 0 for a difference; None where a quantity has none.

    A score or an amount has no such value, nor has the rate of one group alone.
    """
    if finding.groups is not None and finding.groups.reference is None:
        return None
    return {"ratio": 1.0, "share": 0.0, "logit": 0.0, "nat": 0.0, "correlation": 0.0}.get(finding.estimate.unit)


def extent(findings: Iterable[Finding]) -> tuple[float, float]:
    """The least and the most that a quantity can be, as far as its unit and what was found of it say.

    A share is at most 1, either way. What is never below 0, nor limited below 0, has nothing there; an interval that
    goes further all the same is held.
    """
    found = list(findings)
    numbers = [number for each in found for number in _numbers(each)]
    limits = [each.limit for each in found if each.limit is not None]
    below = min([*numbers, *(limit.threshold for limit in limits if limit.direction == "at_least")], default=0.0)
    below = min([below, *(limit.around - limit.threshold for limit in limits if limit.direction == "band")])
    most = max((_MOST.get(each.estimate.unit, math.inf) for each in found), default=math.inf)
    return min([*numbers, -most if below < 0 else 0.0]), max([*numbers, most])


def span(findings: Iterable[Finding]) -> tuple[float, float]:
    """The scale that holds every interval and every limit of ``findings``, with a little room where anything can be."""
    found = list(findings)
    least, most = extent(found)
    numbers = [number for each in found for number in _numbers(each)]
    numbers += [edge for each in found if each.limit is not None for edge in edges(each.limit, (least, most))]
    low, high = min(numbers), max(numbers)
    wide = high - low
    if wide <= _LEAST * max(abs(low), abs(high)):
        wide = max(abs(low), abs(high)) or 1.0
    return max(low - _PADDING * wide, least), min(high + _PADDING * wide, most)


def edges(limit: Judgement, within: tuple[float, float]) -> list[float]:
    """Where a limit begins or ends to tolerate, without what lies beyond what a quantity can be."""
    return [edge for edge in limit.edges() if edge is not None and within[0] <= edge <= within[1]]


def tolerated_side(limit: Judgement, within: tuple[float, float]) -> tuple[float, float]:
    """From where to where a limit tolerates, within a scale."""
    least, most = within
    low, high = limit.edges()
    return (
        least if low is None else min(max(low, least), most),
        most if high is None else min(max(high, least), most),
    )


def _numbers(finding: Finding) -> Sequence[float]:
    estimate = finding.estimate
    return [number for number in (estimate.low, estimate.value, estimate.high) if number is not None]


def _family(findings: list[Finding]) -> Iterable[tuple[Finding, Strip]]:
    scale = low, high = span(findings)

    def at(number: float) -> float:
        return round((number - low) / (high - low), 4)

    for finding in findings:
        estimate = finding.estimate
        assert estimate.low is not None and estimate.value is not None and estimate.high is not None
        good = None if finding.limit is None else tolerated_side(finding.limit, scale)
        origin = neutral(finding)
        yield (
            finding,
            Strip(
                low=at(estimate.low),
                value=at(estimate.value),
                high=at(estimate.high),
                good=None if good is None else (at(good[0]), at(good[1])),
                limits=() if finding.limit is None else tuple(at(edge) for edge in edges(finding.limit, scale)),
                origin=at(origin) if origin is not None and low <= origin <= high else None,
            ),
        )
