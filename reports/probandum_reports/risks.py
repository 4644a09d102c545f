"""Likelihoods that evidence proposes, for a person to accept or change; severity is never proposed.

The rules, of which none is law: the worse bound of the interval and the worst group speak, not the average; a
probe never proposes less than 2, since passing shows resistance to the tests that were run; what was not run,
failed, or had too few samples is unknown, counts as 3, and never makes anything low. Where a metric has no band,
the plan's own limit speaks: broken proposes 3, kept proposes 2.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from probandum.finding import Finding, Verdict, finding_id
from probandum.probe import ProbeResult
from probandum_reports.messages import Spoken, counted, noted, said
from probandum_reports.selecting import in_order, matches
from probandum_reports.threats import Band, Threat

LEVELS: Mapping[int, str] = Spoken({1: "negligible", 2: "limited", 3: "significant", 4: "maximum"})
UNKNOWN = 3
#: Verdicts from the gravest on; what only a band reads has none, and is no easier than a pass.
_GRAVITY: Mapping[Verdict, int] = {
    Verdict.FAIL: 0,
    Verdict.ERROR: 1,
    Verdict.INCONCLUSIVE: 2,
    Verdict.NOT_APPLICABLE: 3,
    Verdict.PASS: 4,
}

#: Rows: severity 1 to 4; columns: likelihood 1 to 4. A convention of this toolkit, not law.
MATRIX: Mapping[int, tuple[str, str, str, str]] = {
    1: ("low", "low", "low", "medium"),
    2: ("low", "medium", "medium", "high"),
    3: ("medium", "medium", "high", "very high"),
    4: ("high", "high", "very high", "very high"),
}
_LEVELS = (noted("very high"), noted("high"), noted("medium"), noted("low"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A proposed likelihood: ``level`` None is unknown.

    ``worst``: the finding whose verdict is the gravest. ``basis``: the one that decided the level, where any did.
    """

    level: int | None
    worst: Finding | None
    why: str
    basis: Finding | None = None

    @property
    def words(self) -> str:
        """The proposal as a reader sees it."""
        level = UNKNOWN if self.level is None else self.level
        shown = f"{level}, {LEVELS[level]}"
        if self.level is None:
            return said("unknown, shown as {level}: {why}", level=shown, why=self.why)
        return said("{level}: {why}", level=shown, why=self.why)


def propose(threat: Threat, findings: Iterable[Finding], *, silent: frozenset[str] = frozenset()) -> Proposal:
    """What the findings of a threat propose; unknown where none can speak.

    ``silent`` are the ids of findings that say nothing here, whatever their interval: see :func:`silent_ones`.
    """
    relevant = () if threat.select is None else in_order(findings, threat.select)
    speaking = [finding for finding in relevant if _speaks(threat.bands, finding)]
    if not speaking:
        told = next((each for each in relevant if each.estimate.value is not None and each.id not in silent), None)
        if told is None:
            return Proposal(level=None, worst=None, why=said("not assessed, no probe of this audit measured it"))
        why = said("measured, and no limit or band says what a number of it means")
        return Proposal(level=None, worst=told, why=why)
    levels = {each.id: level for each in speaking if (level := _level(threat.bands, each, silent))}
    mute = len(speaking) - len(levels)
    # 1. the gravest verdict; of one verdict the highest level, then the bound furthest beyond its limit
    ranked = sorted(
        speaking,
        key=lambda each: (_GRAVITY[each.verdict], each.id in silent, -levels.get(each.id, 0), -_beyond(each)),
    )
    worst = ranked[0]
    if not levels:
        return Proposal(level=None, worst=worst, why=said("nothing that was measured allows a proposal"))
    # 2. the highest level decides, whatever verdict it has
    level = max(levels.values())
    basis = next(each for each in ranked if levels.get(each.id) == level)
    if mute and level < UNKNOWN:
        why = counted(
            mute,
            "one quantity could not be assessed; the rest proposes {level}",
            "{n} quantities could not be assessed; the rest proposes {level}",
            level=level,
        )
        return Proposal(level=None, worst=worst, why=why)
    if _band(threat.bands, basis):
        why = said("by the toolkit's bands, from the finding that proposes most")
        worst_one = said("by the toolkit's bands, from the worst finding")
    else:
        why = said("by the plan's limit, from the finding that proposes most")
        worst_one = said("by the plan's limit, from the worst finding")
    return Proposal(level=level, worst=worst, basis=basis, why=worst_one if basis is worst else why)


def silent_ones(results: Iterable[ProbeResult], withheld: Iterable[str]) -> frozenset[str]:
    """Findings that are not shown, and those of which the probe itself says that the data allow no verdict."""
    barred = {
        finding_id(f"{result.probe}/{measure.metric}", measure.groups, measure.facets)
        for result in results
        for measure in result.measures
        if measure.verdict is not None
    }
    return frozenset(withheld) | barred


def level(severity: str, likelihood: str, *, known: bool = True) -> str | None:
    """The level of a risk by the matrix; None where either is not a number from 1 to 4.

    ``known``: evidence spoke; where it did not, the level is never low.

    >>> level("4, maximum", "1"), level("1", "1"), level("1", "1", known=False)
    ('high', 'low', 'medium, since evidence is missing; the matrix alone says low')
    """
    try:
        found = MATRIX[int(severity.strip()[:1])][int(likelihood.strip()[:1]) - 1]
    except (KeyError, ValueError, IndexError):
        return None
    if found == "low" and not known:
        return said("medium, since evidence is missing; the matrix alone says low")
    return said(found)


def stated_level(text: str) -> str | None:
    """The level that a person's statement begins with, in English or as documents say it; None where with none.

    >>> stated_level("Very high: no measure helps"), stated_level("high"), stated_level("no longer high")
    ('very high', 'high', None)
    """
    stated = text.strip().lower()
    words = ((level, word) for level in _LEVELS for word in {level, said(level).lower()})
    return next((level for level, word in words if re.match(rf"{re.escape(word)}\b", stated)), None)


def _level(bands: Sequence[Band], finding: Finding, silent: frozenset[str]) -> int | None:
    """The level one finding proposes; None where it cannot speak."""
    estimate = finding.estimate
    if finding.verdict is Verdict.ERROR or finding.id in silent:
        return None
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return None
    band = _band(bands, finding)
    if band is not None and band.kind == "hits":
        return 2 if estimate.value == 0 else 4
    if band is None:
        return {Verdict.FAIL: 3, Verdict.PASS: 2}.get(finding.verdict) if finding.limit is not None else None
    if band.kind in ("ratio", "high_is_good"):
        worse = estimate.low
        if band.kind == "ratio" and estimate.high > 0:
            worse = min(estimate.low, 1 / estimate.high)
        return 2 if worse >= band.limited else 3 if worse >= band.significant else 4
    worse = max(abs(estimate.low), abs(estimate.high)) if band.kind == "gap" else estimate.high
    return 2 if worse <= band.limited else 3 if worse <= band.significant else 4


def _speaks(bands: Sequence[Band], finding: Finding) -> bool:
    """Whether a finding was to say something of the threat: a band or a limit, or what might be judged has no value."""
    return (
        _band(bands, finding) is not None
        or finding.limit is not None
        or finding.verdict is Verdict.ERROR
        or (finding.estimate.value is None and finding.mode == "gate")
    )


def _beyond(finding: Finding) -> float:
    """How far the worse bound lies beyond the limit, as a share of the limit; below 0 within it."""
    low, high, judged = finding.estimate.low, finding.estimate.high, finding.limit
    if judged is None or low is None or high is None:
        return -math.inf
    least, most = judged.edges()
    sides = [least - low] if least is not None else []
    sides += [high - most] if most is not None else []
    return max(sides) / (abs(judged.threshold) or 1.0)


def _band(bands: Sequence[Band], finding: Finding) -> Band | None:
    return next((band for band in bands if matches(finding.metric, band.metrics)), None)
