"""Strips: one estimate's interval against its limit, small enough to stand in a line of a table.

All strips of a metric share one scale, so that rows can be compared. Positions are shares of the width.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from probandum.finding import Finding

#: The narrowest a scale is drawn, as a share of the largest number on it, so that nothing divides by zero.
_LEAST = 1e-6
_PADDING = 0.08


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


def span(findings: Iterable[Finding]) -> tuple[float, float]:
    """The scale that holds every interval and every limit of ``findings``, with a little room."""
    numbers: list[float] = []
    for finding in findings:
        estimate = finding.estimate
        numbers += [edge for edge in (estimate.low, estimate.value, estimate.high) if edge is not None]
        if finding.limit is not None:
            numbers += [edge for edge in finding.limit.edges() if edge is not None]
    low, high = min(numbers), max(numbers)
    room = _PADDING * max(high - low, _LEAST * max(abs(low), abs(high)), _LEAST)
    return low - room, high + room


def _family(findings: list[Finding]) -> Iterable[tuple[Finding, Strip]]:
    low, high = span(findings)

    def at(number: float) -> float:
        return round((number - low) / (high - low), 4)

    for finding in findings:
        estimate = finding.estimate
        assert estimate.low is not None and estimate.value is not None and estimate.high is not None
        edges = (None, None) if finding.limit is None else finding.limit.edges()
        inside = [at(edge) for edge in edges if edge is not None]
        origin = neutral(finding)
        yield (
            finding,
            Strip(
                low=at(estimate.low),
                value=at(estimate.value),
                high=at(estimate.high),
                good=None
                if finding.limit is None
                else (0.0 if edges[0] is None else at(edges[0]), 1.0 if edges[1] is None else at(edges[1])),
                limits=tuple(inside),
                origin=at(origin) if origin is not None and low <= origin <= high else None,
            ),
        )
