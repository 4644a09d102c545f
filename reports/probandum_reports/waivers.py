"""Waivers: what each accepts, whether it is in force, and if not, why it accepts nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from probandum.dossier import Dossier
from probandum.finding import Finding, Verdict, Waiver
from probandum_reports import saying
from probandum_reports.messages import said

#: What a document may quote of a waiver, under ``waiver:<finding>.<name>``.
DECLARED = ("owner", "reason", "expires", "bound")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One waiver with the finding it names, None where the record has none; ``state`` says how it stands.

    ``ended``: the gate counted it, and on the day of the document it is over.
    """

    waiver: Waiver
    finding: Finding | None
    state: str
    in_force: bool
    ended: bool = False

    def said(self, name: str) -> str:
        """What stands at ``waiver:<finding>.<name>``."""
        words: Mapping[str, str] = {
            "owner": self.waiver.owner,
            "reason": self.waiver.reason,
            "expires": self.waiver.expires,
            "bound": said("none") if self.waiver.worst is None else saying.number(self.waiver.worst),
            "state": self.state,
        }
        return words[name]


def standings(dossier: Dossier) -> tuple[Standing, ...]:
    """Every waiver of the judgement, those in force first."""
    findings = {finding.id: finding for finding in dossier.findings}
    found = [_standing(waiver, findings.get(waiver.finding), dossier) for waiver in dossier.waivers]
    return tuple(sorted(found, key=lambda each: not each.in_force))


def not_blocking(finding: Finding, dossier: Dossier) -> bool:
    """Whether a finding is inconclusive, waived by nobody, and let through because the gate decided over a merge."""
    return finding.verdict is Verdict.INCONCLUSIVE and finding.waiver is None and dossier.gate.get("mode") == "merge"


def _standing(waiver: Waiver, finding: Finding | None, dossier: Dossier) -> Standing:
    if finding is not None and finding.waiver is not None:
        ended = dossier.as_of[:10] > waiver.expires
        state = said("in force")
        if ended:
            state = said("in force on {day}, when the gate decided; it has ended since", day=dossier.judged_on)
        return Standing(waiver=waiver, finding=finding, state=state, in_force=True, ended=ended)
    return Standing(waiver=waiver, finding=finding, state=_idle(waiver, finding, dossier.judged_on), in_force=False)


def _idle(waiver: Waiver, finding: Finding | None, day: str) -> str:
    """Why a waiver accepts nothing."""
    if finding is None:
        return said("accepts nothing: it matches no finding of this record")
    if day > waiver.expires:
        return said("accepts nothing: it expired on {day}", day=waiver.expires)
    if day < waiver.set_on:
        return said("accepts nothing yet: it begins on {day}", day=waiver.set_on)
    if finding.verdict is Verdict.ERROR:
        return said("accepts nothing: what could not be measured cannot be accepted")
    if finding.verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE):
        return said("accepts nothing: the finding does not block")
    bound = saying.number(waiver.worst or 0)
    return said("accepts nothing: the value is beyond its bound of {bound}", bound=bound)
