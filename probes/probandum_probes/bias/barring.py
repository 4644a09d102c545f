"""Measures with what bars a verdict on them: nothing, too little, a broken answer; and those that are only shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from probandum.evidence import Items
from probandum.finding import Estimate, Groups, SubReason, Verdict
from probandum.probe import Measure
from probandum.steadiness import Halves, Varied

Mode = Literal["gate", "disclosure", "indicator"]
#: The verdict that remains, its reason, and the reason in words.
Bar = tuple[Verdict, SubReason, str]
#: Reasons that make an ERROR of what they bar: the instrument is broken, or what it was told.
_BROKEN = (SubReason.INVALID_ANSWERS, SubReason.CONTROL_FAILED)


def too_small(why: str | None) -> Bar | None:
    """The bar of a sample that is too small; None where ``why`` names none."""
    return None if why is None else (Verdict.INCONCLUSIVE, SubReason.SMALL_GROUP, why)


def not_all(incomplete: str | None, count: int, fewest: int, what: str) -> Bar | None:
    """The bar of a benchmark some of whose items have no score, or that has too few; None where it has enough."""
    if incomplete is not None:
        return Verdict.INCONCLUSIVE, SubReason.NO_DATA, incomplete
    return too_small(f"{count} {what}; {fewest} are needed" if count < fewest else None)


def judged(
    metric: str,
    estimate: Estimate,
    bar: Bar | None,
    groups: Groups | None = None,
    *,
    facets: Mapping[str, str] | None = None,
    mode: Mode = "gate",
    items: Items | None = None,
    halves: tuple[Halves, ...] = (),
    varied: Varied | None = None,
) -> Measure:
    """A figure that a limit may judge, unless something bars it."""
    verdict, reason, why = bar or (None, None, None)
    return Measure(
        metric=metric,
        estimate=estimate,
        groups=groups,
        facets=facets or {},
        mode=mode,
        verdict=verdict,
        sub_reason=reason,
        why=why,
        items=items,
        halves=halves,
        varied=varied,
    )


def shown(
    metric: str,
    estimate: Estimate,
    groups: Groups | None = None,
    *,
    facets: Mapping[str, str] | None = None,
    items: Items | None = None,
) -> Measure:
    """A figure that is never judged."""
    return judged(metric, estimate, None, groups, facets=facets, mode="disclosure", items=items)


def unsaid(
    metric: str,
    why: str,
    groups: Groups | None = None,
    reason: SubReason = SubReason.INVALID_ANSWERS,
    *,
    facets: Mapping[str, str] | None = None,
    mode: Mode = "gate",
    unit: str = "share",
) -> Measure:
    """A figure that there is not: an ERROR where answers or the instrument are broken, INCONCLUSIVE else."""
    verdict = Verdict.ERROR if reason in _BROKEN else Verdict.INCONCLUSIVE
    missing = Estimate.missing(why, unit=unit)
    return judged(metric, missing, (verdict, reason, why), groups, facets=facets, mode=mode)
