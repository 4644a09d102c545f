"""A document as words: what every renderer prints, worked out once.

Renderers walk the tree and print the strings of :class:`Shown`; none of them formats a number, so all five
formats say the same.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from probandum import codec
from probandum.document import Cell, Document, Fact, Gap, Inline, Number, Text
from probandum.dossier import Dossier
from probandum.errors import RecordError
from probandum.finding import Finding, Groups, Judgement
from probandum.withholding import withheld
from probandum_reports import saying
from probandum_reports.decision_words import DecisionWords
from probandum_reports.wording import ORIGINS, Mark


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
    controls: str
    method: str
    anchor: str
    href: str
    suppressed: bool


#: A difference over all rows and that within strata.
_CRUDE_AND_ADJUSTED = ("crude-difference", "adjusted-difference")
#: What of a decision stands in the data and the plan, and is not measured.
_DATA = ("decision:row", "decision:told.", "decision:threshold", "decision:flagged.")


class View:
    """A document and its dossier, with every finding in words.

    ``document`` may be any document of the dossier; the evidence pages use one of their own. ``drawn``: charts that
    are kept for all documents of the dossier and all formats; without it each is drawn anew.
    """

    def __init__(self, document: Document, dossier: Dossier, drawn: dict[Hashable, bytes] | None = None) -> None:
        self.document = document
        self.dossier = dossier
        self._drawn = drawn
        self._findings: Mapping[str, Finding] = {finding.id: finding for finding in dossier.findings}
        self._shown: dict[str, Shown] = {}

    @cached_property
    def suppressed(self) -> Mapping[str, str]:
        """What stands in place of each figure that is withheld, by finding id."""
        return withheld(self.dossier.findings, self.dossier.plan.get("ask", {}).get("groups") or ())

    @cached_property
    def decided(self) -> Mapping[str, str]:
        """What may be said of the one decision that the document explains, by path; nothing where it explains none."""
        return {} if self.dossier.decision is None else DecisionWords(self.dossier).facts()

    @cached_property
    def quoted(self) -> tuple[str, ...]:
        """Names and values of people's own that stand in what the document says of the decision, the longest first."""
        return () if self.dossier.decision is None else DecisionWords(self.dossier).quoted()

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
                raise RecordError(
                    f"document {self.document.id}: no finding {finding_id} in the record", remedy="build it again"
                )
            self._shown[finding_id] = self._say(self._findings[finding_id])
        return self._shown[finding_id]

    def once(self, what: Hashable, draw: Callable[[], bytes]) -> bytes:
        """What ``draw`` draws, kept under ``what`` where charts are."""
        if self._drawn is None:
            return draw()
        if what not in self._drawn:
            self._drawn[what] = draw()
        return self._drawn[what]

    def cell(self, cell: Cell) -> str:
        """The plain text of a table cell; a number without a label says no name, which its row gives."""
        if isinstance(cell, Number) and cell.label is None:
            return self.result(cell.finding)
        return cell if isinstance(cell, str) else self.inline(cell)

    def inline(self, node: Inline) -> str:
        """The plain text of a node in a line."""
        if isinstance(node, Text):
            return node.text
        if isinstance(node, Fact):
            return node.value
        if isinstance(node, Gap):
            return gap_text(node)
        shown = self.shown(node.finding)
        label = node.label or ", ".join(part for part in (shown.title, shown.about) if part)
        return f"{label}: {self.result(node.finding)}"

    def result(self, finding_id: str) -> str:
        """Value, interval, n and verdict of a finding, without its name."""
        shown = self.shown(finding_id)
        parts = [shown.value if shown.suppressed or not shown.interval else f"{shown.value} ({shown.interval})"]
        if not shown.suppressed:
            parts.append(shown.n)
        return f"{', '.join(parts)}; {shown.verdict}"

    def provenance(self, node: Inline) -> str:
        """Where a statement comes from, in a few words; '' for prose.

        A declared fact says by whom and when; a rule's proposal says that it waits for a person. What belongs to
        the number beside it says no more than that: a reason nothing, a limit that it is declared. Of a waiver its
        owner says it for the whole row.
        """
        if isinstance(node, Number):
            return "measured"
        if isinstance(node, Gap):
            return "for a person to fill" if node.origin == "human" else "missing"
        if isinstance(node, Text):
            return ""
        mark = mark_of(node)
        if mark == "recorded":
            return ORIGINS[mark][0].lower()
        if _of_another(node):
            return "" if mark is None else "declared"
        if node.origin != "declared":
            return "proposed, for a person to accept" if node.origin == "proposed" else node.origin
        return f"declared by {node.by or 'nobody named'}" + (f" on {node.on}" if node.on else ", undated")

    def public(self, finding_id: str) -> dict[str, Any]:
        """The finding as a published JSON value, without its figures where they are withheld.

        What takes thousands of entries stays in the record. Of resampled draws a reader gets the number; of the
        digests of raw observations the number, their own digest, and the page that shows them.
        """
        shown = self.shown(finding_id)
        finding = shown.finding
        plain: dict[str, Any] = codec.builtins(finding)
        draws = plain["estimate"].pop("draws")
        plain["estimate"].pop("stream")
        plain["estimate"]["resampled"] = None if draws is None else len(draws)
        plain["evidence"] = {
            "observations": len(finding.evidence),
            "digest": codec.digest_of(finding.evidence),
            "page": shown.href,
        }
        if shown.suppressed:
            plain["estimate"] = {"value": None, "unit": finding.estimate.unit, "why": shown.value}
            for name in ("why", "detectable", "n_needed", "evidence"):
                plain[name] = None
            if plain["limit"] is not None:
                for name in ("lower", "upper", "p_fail", "p_adjusted", "effective"):
                    plain["limit"][name] = None
        return plain

    def number(self, node: Number) -> Shown:
        """The finding behind a number node."""
        return self.shown(node.finding)

    def _say(self, finding: Finding) -> Shown:
        estimate = finding.estimate
        hidden = self.suppressed.get(finding.id)
        grade = self.grade(finding)
        value = saying.value(estimate)
        if grade == "D" and estimate.value is not None:
            value = f"estimated {value}"
        method = saying.method(estimate)
        if grade is not None and estimate.value is not None:
            method = "; ".join(part for part in (method, saying.grade(grade)) if part)
        anchor = anchor_of(finding)
        facets = saying.facets(finding, self.dossier.card)
        return Shown(
            finding=finding,
            title=saying.metric(finding.metric),
            facets=facets,
            about=saying.about(finding, facets),
            value=hidden or value,
            interval=hidden or saying.interval(estimate),
            n=hidden or saying.n(estimate),
            verdict=saying.verdict(finding.verdict) + (", waived" if finding.waiver is not None else ""),
            limit=saying.limit(finding.limit, withheld=hidden is not None),
            threshold=saying.threshold(finding.limit),
            limit_source=saying.limit_source(finding.limit, finding.metric, fixed=self._fixed(finding)),
            reason=saying.reason(finding, withheld=hidden is not None, reversed=self._turned(finding)),
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
            return f"The list stood in the plan when the run began on {started}."
        if lock is not None and lock["precedes"]:
            if any(_same_limit(codec.builtins(line), finding.metric, judged) for line in lock["held"]):
                key = f", signed with key {lock['key_id']}" if lock["signed"] else ", unsigned"
                return f"Fixed before testing: locked on {lock['made'][:10]}{key}; the run began on {started}."
            return f"Not fixed before testing: it was changed or added after the lock of {lock['made'][:10]}."
        if any(_same_limit(line, finding.metric, judged) for line in planned.get("limits", ())):
            return f"It stood in the plan when the run began on {started}; no lock shows that it was fixed before."
        return f"Not fixed before testing: the plan held another limit, or none, when the run began on {started}."


def mark_of(node: Number | Fact | Gap) -> Mark | None:
    """How a statement is marked; None where it belongs to the number or the row beside it, whose mark it shares."""
    if isinstance(node, Number):
        return "measured"
    if isinstance(node, Gap) or node.origin != "measured":
        return node.origin
    if node.path.startswith("decision:"):
        return "recorded" if node.path.startswith(_DATA) else "measured"
    return None if _of_another(node) else "recorded"


def _of_another(fact: Fact) -> bool:
    """Whether a fact belongs to the number beside it, or to a waiver whose owner speaks for the whole row."""
    of_row = fact.path.startswith("waiver:") and not fact.path.endswith(".owner")
    return of_row or fact.path.startswith("finding:")


def _same_limit(line: Mapping[str, Any], metric: str, judged: Judgement) -> bool:
    """Whether a limit, as the plan or as a lock writes it, is the one that was applied."""
    number = line.get(judged.direction, line.get("threshold") if line.get("direction") == judged.direction else None)
    written = (line.get("metric"), number, line.get("around", 0), line.get("margin", 0))
    return written == (metric, judged.threshold, judged.around, judged.margin)


def gap_text(gap: Gap) -> str:
    """A gap in words: what is missing, under which provision, and who can supply it.

    >>> gap_text(Gap(what="the intended purpose", citation="Annex IV(1)(a)", supplier="provider", field_id="x"))
    'Missing: the intended purpose (Annex IV(1)(a); to be supplied by: provider)'
    """
    head = "NOT COMPLETED - required" if gap.origin == "human" else "Missing"
    return f"{head}: {gap.what} ({gap.citation}; to be supplied by: {gap.supplier})"


def anchor_of(finding: Finding) -> str:
    """A readable, unique, URL-safe name of a finding."""
    words = re.sub(r"[^a-z0-9]+", "-", finding.id.rpartition("/")[2].lower()).strip("-")
    return f"{words[:48].strip('-')}-{hashlib.sha256(finding.id.encode()).hexdigest()[:8]}"
