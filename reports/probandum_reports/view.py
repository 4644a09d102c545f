"""A document as words: what every renderer prints, worked out once.

Renderers walk the tree and print the strings of :class:`probandum_reports.sayings.Shown`; none of them formats a
number, so all five formats say the same.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import cached_property
from typing import Any

from probandum import codec
from probandum.document import Cell, Document, Fact, Gap, Inline, Number, Text
from probandum.dossier import Dossier
from probandum.finding import Finding, Groups
from probandum_reports.decision_words import DecisionWords
from probandum_reports.messages import said
from probandum_reports.sayings import Shown, sayings
from probandum_reports.wording import ORIGINS, Mark

#: What whoever writes documents decides, and the version of the toolkit that writes them.
_OF_WRITING = ("run.as_of", "run.law", "run.law.gdpr", "run.law_age")
#: What of a decision stands in the data and the plan, and is not measured.
_DATA = ("decision:row", "decision:told.", "decision:threshold", "decision:flagged.")


class View:
    """A document and its dossier, with every finding in words.

    ``document`` may be any document of the dossier; the evidence pages use one of their own. ``drawn``: charts, and
    other bytes that are the same in all of them, kept for all documents of the dossier and all formats; without it each
    is made anew.
    """

    def __init__(self, document: Document, dossier: Dossier, drawn: dict[Hashable, bytes] | None = None) -> None:
        self.document = document
        self.dossier = dossier
        self._drawn = drawn
        self._sayings = sayings(dossier)

    @cached_property
    def decided(self) -> Mapping[str, str]:
        """What may be said of the one decision that the document explains, by path; nothing where it explains none."""
        return {} if self.dossier.decision is None else DecisionWords(self.dossier).facts()

    @cached_property
    def quoted(self) -> tuple[str, ...]:
        """Names and values of people's own that stand in what the document says of the decision, the longest first."""
        return () if self.dossier.decision is None else DecisionWords(self.dossier).quoted()

    @property
    def suppressed(self) -> Mapping[str, str]:
        """What stands in place of each figure that is withheld, by finding id."""
        return self._sayings.suppressed

    @property
    def reversed(self) -> Mapping[tuple[str, Groups | None], Finding]:
        """By probe and groups, the finding which says that strata turn a difference of all rows round for certain."""
        return self._sayings.reversed

    def shown(self, finding_id: str) -> Shown:
        """The finding in words; RecordError for an id that the record does not hold."""
        return self._sayings.shown(finding_id)

    def once(self, what: Hashable, draw: Callable[[], bytes]) -> bytes:
        """What ``draw`` makes, kept under ``what`` where charts are."""
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
            return said("measured")
        if isinstance(node, Gap):
            return said("for a person to fill") if node.origin == "human" else said("missing")
        if isinstance(node, Text):
            return ""
        mark = mark_of(node)
        if mark == "recorded":
            return ORIGINS[mark][0].lower()
        if mark is None:
            return ""
        if of_another(node):
            return said("declared")
        if node.origin != "declared":
            return said("proposed, for a person to accept") if node.origin == "proposed" else said(node.origin)
        by = node.by or said("nobody named")
        return (
            said("declared by {by} on {on}", by=by, on=node.on) if node.on else said("declared by {by}, undated", by=by)
        )

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


def mark_of(node: Number | Fact | Gap) -> Mark | None:
    """How a statement is marked; None where it belongs to the number or the row beside it, whose mark it shares.

    None as well of the day and the text of the law that documents are written by: no run recorded them.
    """
    if isinstance(node, Number):
        return "measured"
    if isinstance(node, Gap):
        return node.origin
    if node.path.startswith("finding:") and node.path.endswith(".held_against"):
        return None  # it names who set the limit, and when
    if node.path in _OF_WRITING:
        return None
    if node.origin != "measured":
        return node.origin
    if node.path.startswith("coverage:"):  # an answer by findings with a number
        return "measured"
    if node.path.startswith("decision:"):
        return "recorded" if node.path.startswith(_DATA) else "measured"
    return None if of_another(node) else "recorded"


def of_another(fact: Fact) -> bool:
    """Whether a fact belongs to the number beside it, a table of counts, or a waiver whose owner speaks for it."""
    of_row = fact.path.startswith("waiver:") and not fact.path.endswith(".owner")
    return of_row or fact.path.startswith(("finding:", "states:", "tally:"))


def asked_of(gap: Gap) -> str:
    """How a field or a gap begins on paper: who is to write it, or can supply what is missing.

    >>> asked_of(Gap(what="the intended purpose", citation="Annex IV(1)(a)", supplier="provider", field_id="x"))
    'Missing. Can be supplied by: provider'
    """
    if gap.origin == "human":
        return said("To be written by: {supplier}", supplier=gap.supplier)
    return said("{mark}. Can be supplied by: {supplier}", mark=ORIGINS[gap.origin][0], supplier=gap.supplier)


def gap_text(gap: Gap) -> str:
    """A gap in words: what is missing, under which provision, and who can supply it.

    >>> gap_text(Gap(what="the intended purpose", citation="Annex IV(1)(a)", supplier="provider", field_id="x"))
    'Missing: the intended purpose (Annex IV(1)(a); to be supplied by: provider)'
    """
    head = said("NOT COMPLETED - required") if gap.origin == "human" else said("Missing")
    return said(
        "{head}: {what} ({citation}; to be supplied by: {supplier})",
        head=head,
        what=gap.what,
        citation=gap.citation,
        supplier=gap.supplier,
    )
