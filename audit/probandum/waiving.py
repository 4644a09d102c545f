"""Waiving: which waivers are in force, and why the others accept nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from probandum.finding import Finding, Verdict, Waiver


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """A waiver that accepts nothing, and why, with what to do about it."""

    waiver: Waiver
    why: str

    @property
    def said(self) -> str:
        """The waiver with the finding it names and its line.

        >>> waiver = Waiver(finding="p/m?sex=F", owner="A", reason="B", set_on="", expires="", line=7)
        >>> Idle(waiver=waiver, why=why_idle(waiver, None, "")).said
        'waiver for p/m?sex=F (line 7) matches no finding'
        """
        return f"waiver for {self.waiver.finding} (line {self.waiver.line}) {self.why}"


def standing(findings: Iterable[Finding], idle: Iterable[Idle]) -> tuple[Finding, ...]:
    """``findings`` without the waivers that are ``idle``."""
    named = {each.waiver.finding for each in idle}
    return tuple(replace(each, waiver=None) if each.id in named else each for each in findings)


def in_force(waiver: Waiver, day: str) -> bool:
    """Whether ``day`` (ISO date) lies between a waiver's first and last, both of them its own."""
    return waiver.set_on <= day <= waiver.expires


def idle_waivers(findings: Iterable[Finding], waivers: Iterable[Waiver], day: str) -> tuple[Idle, ...]:
    """The ``waivers`` that accept nothing of ``findings``, which were judged with them on ``day`` (ISO date)."""
    found = {finding.id: finding for finding in findings}
    return tuple(
        Idle(waiver=waiver, why=why_idle(waiver, finding, day))
        for waiver in waivers
        if (finding := found.get(waiver.finding)) is None or finding.waiver is None
    )


def why_idle(waiver: Waiver, finding: Finding | None, day: str) -> str:
    """Why a waiver accepts nothing on ``day``, and what to do."""
    if finding is None:
        return "matches no finding"
    if finding.verdict is Verdict.ERROR:
        return "accepts nothing: what could not be measured cannot be accepted"
    if finding.verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE):
        return "accepts nothing: the finding does not block"
    if day > waiver.expires:
        return f"ended on {waiver.expires}: mend what was found, or renew it in the plan and judge again"
    if day < waiver.set_on:
        return f"begins on {waiver.set_on} and accepts nothing yet: judge again then"
    return f"accepts nothing: the value is beyond its bound of {waiver.worst:g}"


def waiver_words(waiver: Waiver) -> str:
    """What a waiver accepts, by whom, until when and why.

    >>> accepted = Waiver(finding="p/m", owner="A", reason="B", set_on="2026-11-01", expires="2026-12-01", worst=0.74)
    >>> waiver_words(accepted)
    'waived by A until 2026-12-01, no worse than 0.74: B'
    """
    bound = "" if waiver.worst is None else f", no worse than {waiver.worst:g}"
    return f"waived by {waiver.owner} until {waiver.expires}{bound}: {waiver.reason}"
