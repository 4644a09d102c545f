"""The findings of a dossier in words, each said once, whatever documents, pages and formats show it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from probandum import codec
from probandum.dossier import Dossier
from probandum.errors import RecordError
from probandum.finding import Finding, Groups, Judgement
from probandum.withholding import withheld
from probandum_reports import estimate_words, judgement_words, owners, saying
from probandum_reports.messages import said


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One finding in words; every renderer prints these strings.

    ``facets``: columns and codes among them as the card calls them. ``threshold`` is the limit as declared, ``limit``
    as it was applied. ``href`` is relative to the reports folder.
    ``suppressed``: the figure describes fewer than ten persons (or
    would give such a figure away), and value, interval and n say so instead.
    """

    finding: Finding
    title: str
    facets: Mapping[str, str]
    about: str
    value: str
    interval: str
    n: str
    verdict: str
    limit: str
    threshold: str
    limit_source: str
    reason: str
    undecided: str
    controls: str
    method: str
    anchor: str
    href: str
    suppressed: bool

    @property
    def held_against(self) -> str:
        """The limit as it was applied with whose it is, or that there is none, and why nothing is decided."""
        limit = owners.whose(self.limit, self.finding.limit) or said("none")
        return f"{limit}; {self.undecided}" if self.undecided else limit


#: A difference over all rows and that within strata.
_CRUDE_AND_ADJUSTED = ("crude-difference", "adjusted-difference")


@lru_cache(maxsize=4)
def sayings(dossier: Dossier) -> Sayings:
    """The findings of a dossier in words, kept for all its documents."""
    return Sayings(dossier)


class Sayings:
    """Every finding of ``dossier`` in words, said when it is first asked for."""

    def __init__(self, dossier: Dossier) -> None:
        self.dossier = dossier
        self._findings: Mapping[str, Finding] = {finding.id: finding for finding in dossier.findings}
        self._shown: dict[str, Shown] = {}

    @cached_property
    def suppressed(self) -> Mapping[str, str]:
        """What stands in place of each figure that is withheld, by finding id."""
        return withheld(self.dossier.findings, self.dossier.plan.get("ask", {}).get("groups") or ())

    @cached_property
    def reversed(self) -> Mapping[tuple[str, Groups | None], Finding]:
        """By probe and groups, the finding which says that strata turn a difference of all rows round for certain."""
        return {
            (each.probe, each.groups): each
            for each in self.dossier.findings
            if each.metric.endswith("/sign-reversal") and each.estimate.value == 1.0 and each.id not in self.suppressed
        }

    def shown(self, finding_id: str) -> Shown:
        """The finding in words; RecordError for an id that the record does not hold."""
        if finding_id not in self._shown:
            if finding_id not in self._findings:
                raise RecordError(f"no finding {finding_id} in the record", remedy="build the document again")
            self._shown[finding_id] = self._say(self._findings[finding_id])
        return self._shown[finding_id]

    def _say(self, finding: Finding) -> Shown:
        estimate = finding.estimate
        why_not = self.suppressed.get(finding.id)
        hidden = None if why_not is None else said(why_not)
        grade = self.grade(finding)
        value = estimate_words.value(estimate)
        if grade == "D" and estimate.value is not None:
            value = said("estimated {value}", value=value)
        method = estimate_words.method(estimate)
        if grade is not None and estimate.value is not None:
            method = "; ".join(part for part in (method, saying.grade(grade)) if part)
        anchor = anchor_of(finding)
        facets = saying.facets(finding, self.dossier.card)
        verdict = saying.verdict(finding.verdict)
        return Shown(
            finding=finding,
            title=saying.metric(finding.metric),
            facets=facets,
            about=saying.about(finding, facets),
            value=hidden or value,
            interval=hidden or estimate_words.interval(estimate),
            n=hidden or estimate_words.n(estimate),
            verdict=verdict if finding.waiver is None else said("{verdict}, waived", verdict=verdict),
            limit=judgement_words.limit(finding.limit, withheld=hidden is not None),
            threshold=judgement_words.threshold(finding.limit),
            limit_source=judgement_words.limit_source(finding.limit, finding.metric, fixed=self._fixed(finding)),
            reason=judgement_words.reason(finding, withheld=hidden is not None, reversed=self._turned(finding)),
            undecided=judgement_words.undecided(finding, withheld=hidden is not None),
            controls=saying.controls(finding.controls),
            method=method,
            anchor=anchor,
            href=f"evidence/{finding.probe}.html#{anchor}",
            suppressed=hidden is not None,
        )

    def _turned(self, finding: Finding) -> bool:
        """Whether a finding is one of two differences that point in opposite directions."""
        compared = finding.metric.rpartition("/")[2] in _CRUDE_AND_ADJUSTED
        return compared and not finding.facets and (finding.probe, finding.groups) in self.reversed

    def grade(self, finding: Finding) -> str | None:
        """The worst measurement grade behind a finding of energy; None for any other, such as a time."""
        if finding.estimate.unit == "second":
            return None  # read off a clock, whatever meters there were
        grades = [self.dossier.windows[key].reading.grade for key in finding.evidence if key in self.dossier.windows]
        if "grade" in finding.facets:
            grades.append(finding.facets["grade"])
        return max(grades) if grades else None

    def _fixed(self, finding: Finding) -> str:
        """Whether the limit is known to have preceded the test: it stands in the plan that the run was sealed with."""
        started = str(self.dossier.environment.get("started", ""))[:10]
        judged, lock = finding.limit, self.dossier.lock
        if judged is None or not started:
            return ""
        planned = self.dossier.plan.get("judge", {})
        if finding.metric == "run/must-not-change" and planned.get("gate", {}).get("must_not_change"):
            return said("The list stood in the plan when the run began on {started}.", started=started)
        if lock is not None and lock["precedes"]:
            if any(_same_limit(codec.builtins(line), finding.metric, judged) for line in lock["held"]):
                signed = said(", signed with key {key}", key=lock["key_id"]) if lock["signed"] else said(", unsigned")
                return said(
                    "Fixed before testing: locked on {day}{signed}; the run began on {started}.",
                    day=lock["made"][:10],
                    signed=signed,
                    started=started,
                )
            return said(
                "Not fixed before testing: it was changed or added after the lock of {day}.", day=lock["made"][:10]
            )
        if any(_same_limit(line, finding.metric, judged) for line in planned.get("limits", ())):
            return said(
                "It stood in the plan when the run began on {started}; no lock shows that it was fixed before.",
                started=started,
            )
        return said(
            "Not fixed before testing: the plan held another limit, or none, when the run began on {started}.",
            started=started,
        )


def _same_limit(line: Mapping[str, Any], metric: str, judged: Judgement) -> bool:
    """Whether a limit, as the plan or as a lock writes it, is the one that was applied."""
    number = line.get(judged.direction, line.get("threshold") if line.get("direction") == judged.direction else None)
    written = (line.get("metric"), number, line.get("around", 0), line.get("margin", 0))
    return written == (metric, judged.threshold, judged.around, judged.margin)


def anchor_of(finding: Finding) -> str:
    """A readable, unique, URL-safe name of a finding."""
    words = re.sub(r"[^a-z0-9]+", "-", finding.id.rpartition("/")[2].lower()).strip("-")
    return f"{words[:48].strip('-')}-{hashlib.sha256(finding.id.encode()).hexdigest()[:8]}"
