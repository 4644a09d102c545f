"""From a template and a dossier to the content tree: prose, facts, findings, and gaps where a fact is missing.

What is measured enters as a Number, what is declared as a Fact with its path, and what is absent as a Gap that
names the provision and who can supply it; nothing else carries data.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

from jinja2 import Environment, StrictUndefined, TemplateError

from probandum.document import Cell, Document, Fact, Gap, Heading, Inline, Listing, Node, Number, Table, Text
from probandum.dossier import Dossier
from probandum.errors import UsageError
from probandum_reports import coverage, decision_annex, decision_parts, facts, parts, risks, saying
from probandum_reports.citing import cited, dates_of, law_checked, law_version, roles_of
from probandum_reports.decision_parts import DecisionParts
from probandum_reports.documents import Entry, FactLine, Section, Template, Threat, explanation, template
from probandum_reports.nodes import gaps
from probandum_reports.pictures import placed
from probandum_reports.selecting import select
from probandum_reports.tables import name
from probandum_reports.view import View

_MARK = "\x00"
#: Parts of the explanation of one decision.
_OF_DECISION = {**decision_parts.BUILTINS, **decision_annex.BUILTINS}
#: Holds the place of the table of all gaps until the rest is built.
_OPEN_ITEMS = Text(text="")


def build(document_id: str, dossier: Dossier) -> Document:
    """The document ``document_id`` of ``dossier``; UnknownName where there is no such document."""
    return Builder(template(document_id), dossier).document()


def explained(dossier: Dossier) -> Document:
    """The explanation of the decision of ``dossier``."""
    return Builder(explanation(), dossier).document()


class Builder:
    """Fills one template from one dossier."""

    def __init__(self, template: Template, dossier: Dossier) -> None:
        self.template = template
        self.dossier = dossier
        self._anchors: Counter[str] = Counter()
        self._fields: Counter[str] = Counter()
        self._jinja = Environment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False)
        self._jinja.globals |= {
            "dates": lambda requirement: dates_of(requirement, as_of=dossier.as_of),
            "cited": cited,
            "law": law_version(),
            "law_checked": law_checked(),
            "as_of": dossier.as_of,
            "signed": bool(dossier.seal.get("signed")),
        }

    @cached_property
    def view(self) -> View:
        """The findings in words, for cells that quote them."""
        return View(
            Document(id=self.template.id, title="", subtitle="", status="", front=(), nodes=()),
            self.dossier,
        )

    @cached_property
    def _decision(self) -> DecisionParts:
        return DecisionParts(self)

    def document(self) -> Document:
        """The whole tree."""
        nodes: list[Node] = []
        for section in self.template.sections:
            nodes += self._section(section, level=1, above=None)
        nodes = [parts.open_items(nodes) if node is _OPEN_ITEMS else node for node in nodes]
        return Document(
            id=self.template.id,
            title=self.template.title,
            subtitle=self.template.subtitle,
            status=self._status(nodes),
            front=parts.front(self.dossier) if self.dossier.decision is None else decision_parts.front(self.dossier),
            nodes=tuple(nodes),
            requirements=self.template.requirements(),
            every_finding=self.template.every_finding,
        )

    def _status(self, nodes: Sequence[Node]) -> str:
        """A draft until a named reviewer signs and no field waits for a person."""
        fields = {gap.field_id: gap for gap in gaps(nodes)}
        people = sum(gap.origin == "human" for gap in fields.values())
        review = facts.card_fact(self.dossier.card, f"review.{self.template.id}", human=True)
        if review is None:
            reviewed = f"not reviewed; {self.template.reviewer} must review it"
        else:
            reviewed = f"reviewed by {review.by} on {review.on}"
        missing = f"{len(fields) - people} facts are missing and {people} fields wait for a person"
        state = "Draft" if fields or review is None else "Reviewed"
        if self.dossier.decision is not None and self.dossier.decision.held_back:
            state = "Held back, to be looked at by a person"
        return f"{state}: {missing}; {reviewed}"

    # Sections.

    def _section(self, section: Section, *, level: int, above: Section | None) -> Iterable[Node]:
        requirement = section.requirement or (above.requirement if above else None) or self.template.requirement
        supplier = section.supplier or (above.supplier if above else None) or self.template.supplier
        here = section.model_copy(update={"requirement": requirement, "supplier": supplier})
        citation = None if section.requirement is None else f"{cited(requirement)} [{requirement}]"
        yield Heading(
            text=section.title, level=level, anchor=self._unique(section.title, self._anchors), citation=citation
        )
        if section.asks is not None:
            yield Text(text=self._asked(requirement, section.asks), style="note")
        for index, entry in enumerate(section.content):
            yield from self._entry(entry, here, f"{section.title}, content {index + 1}", level=level)
        for inner in section.sections:
            yield from self._section(inner, level=level + 1, above=here)

    def _asked(self, requirement: str, asks: str) -> str:
        text = f"Asked of {roles_of(requirement)}: {asks}"
        own = dates_of(requirement, as_of=self.dossier.as_of)
        if own != dates_of(self.template.requirement, as_of=self.dossier.as_of):
            text += f" Applies {own}."
        return text

    def _entry(self, entry: Entry, section: Section, where: str, *, level: int) -> Iterable[Node]:
        if entry.text is not None:
            yield Text(text=self._prose(entry.text, where), style=entry.style)
        elif entry.lines is not None:
            yield Listing(entries=tuple(self._line(line, section, where) for line in entry.lines))
        elif entry.facts is not None or entry.human is not None:
            lines = entry.facts or entry.human or ()
            rows = tuple(row for line in lines for row in self._rows(line, section, human=entry.human is not None))
            yield Table(caption=entry.caption or section.title, header=("Field", "Statement"), rows=rows)
        elif (table := entry.findings) is not None:
            chosen = select(self.dossier.findings, table.select)
            if chosen:
                yield from placed(self.view, chosen, caption=table.caption, chart=table.chart)
            else:
                yield self._gap(f"not assessed: {table.missing}", section, supplier="the auditor, by adding a suite")
        elif entry.risks is not None:
            for threat in entry.risks:
                yield from self._risk(threat, section, level=level + 1)
        elif entry.requirements is not None:
            yield from coverage.table(entry.requirements, self)
        elif entry.builtin == "open_items":
            yield _OPEN_ITEMS
        elif entry.builtin is not None and entry.builtin.startswith("decision_"):
            yield from _OF_DECISION[entry.builtin](self._decision)
        elif entry.builtin is not None:
            yield from parts.BUILTINS[entry.builtin](self)

    # Prose.

    def _prose(self, source: str, where: str, **names: Any) -> str:
        try:
            return " ".join(self._jinja.from_string(source).render(**names).split(" ")).strip()
        except TemplateError as error:
            raise UsageError(f"templates/{self.template.id}/document.yaml: {where}: {error}") from None

    def _line(self, source: str, section: Section, where: str) -> tuple[Inline, ...]:
        nodes: list[Inline] = []

        def mark(node: Inline) -> str:
            nodes.append(node)
            return f"{_MARK}{len(nodes) - 1}{_MARK}"

        text = self._prose(
            source,
            where,
            card=lambda path, label: mark(self._fact(FactLine(card=path, label=label), section)),
            run=lambda path, label: mark(self._fact(FactLine(run=path, label=label), section)),
        )
        pieces = text.split(_MARK)
        inline: list[Inline] = [
            nodes[int(piece)] if index % 2 else Text(text=piece) for index, piece in enumerate(pieces)
        ]
        return tuple(node for node in inline if not isinstance(node, Text) or node.text)

    # Facts and gaps.

    def _rows(self, line: FactLine, section: Section, *, human: bool) -> Iterator[tuple[str, Fact | Gap]]:
        """One row a line; what identifies the system is many things, and each has its own."""
        parts = facts.identity(self.dossier) if line.run == "target.identity" else {}
        for part in parts:
            label = f"{line.label}: {part}" if part == next(iter(parts)) else f"Identity: {part}"
            if (fact := facts.run_fact(self.dossier, f"{line.run}.{part}")) is not None:
                yield label, fact
        if not parts:
            yield line.label, self._fact(line, section, human=human)

    def _fact(self, line: FactLine, section: Section, *, human: bool = False) -> Fact | Gap:
        people = human or line.human
        if line.run is not None:
            fact = facts.run_fact(self.dossier, line.run)
        else:
            fact = facts.card_fact(self.dossier.card, line.card or "", human=people)
        return fact or self._gap(
            line.what or saying.decapitalised(line.label),
            section,
            supplier=line.supplier,
            requirement=line.requirement,
            human=people,
        )

    def _gap(
        self,
        what: str,
        section: Section,
        *,
        supplier: str | None = None,
        requirement: str | None = None,
        human: bool = False,
    ) -> Gap:
        asked = requirement or section.requirement or self.template.requirement
        return Gap(
            what=what,
            citation=cited(asked),
            supplier=supplier or section.supplier or self.template.supplier,
            field_id=self._unique(f"{asked} {what}", self._fields),
            origin="human" if human else "missing",
        )

    def limit_gap(self, what: str, requirement: str, supplier: str) -> Gap:
        """A gap in what a limit says of itself: one field, wherever the limit is shown."""
        return self.named_gap(what, requirement, supplier, field="limit ")

    def stated(self, card: str, what: str) -> Fact | Gap:
        """What the card says at a path; where it says nothing, one gap, which the template's own line leaves, too."""
        if (fact := facts.card_fact(self.dossier.card, card)) is not None:
            return fact
        line = self.template.line(card) or FactLine(label=what, card=card)
        asked, what = line.requirement or self.template.requirement, line.what or saying.decapitalised(line.label)
        supplier = line.supplier or self.template.supplier
        return Gap(what=what, citation=cited(asked), supplier=supplier, field_id=_slug(f"{asked} {what}"))

    def named_gap(self, what: str, requirement: str, supplier: str, *, field: str = "") -> Gap:
        """A gap that is one field wherever it is shown; ``field``: what its name begins with."""
        return Gap(what=what, citation=cited(requirement), supplier=supplier, field_id=_slug(f"{field}{what}"))

    def _unique(self, text: str, taken: Counter[str]) -> str:
        slug = _slug(text)
        taken[slug] += 1
        return slug if taken[slug] == 1 else f"{slug}-{taken[slug]}"

    # Risks.

    def _risk(self, threat: Threat, section: Section, *, level: int) -> Iterable[Node]:
        silent = risks.silent_ones(self.dossier.results, self.view.suppressed)
        proposal = risks.propose(threat, self.dossier.findings, silent=silent)
        place = f"dpia.risks.{threat.id}"
        named = f"{threat.id}, {saying.decapitalised(threat.name)}"
        person = {
            key: self._fact(FactLine(card=f"{place}.{key}", label=f"{label} of {named}"), section, human=True)
            for key, label in _RISK_FIELDS.items()
        }
        basis: Cell
        if proposal.basis is None:
            basis = self._gap(
                f"not assessed: evidence on {named}",
                section,
                supplier="the auditor, by adding a suite; a person, by an argument",
            )
        else:
            basis = Number(finding=proposal.basis.id, label=name(self.view.shown(proposal.basis.id)))
        rows: list[tuple[Cell, ...]] = [
            ("Possible impact on a person", threat.impact),
            ("Worst evidence of this audit", basis),
            (
                "Likelihood, proposed",
                Fact(path=f"proposal:{threat.id}.likelihood", value=proposal.words, origin="proposed"),
            ),
            ("Likelihood, accepted", person["likelihood"]),
            ("Severity", person["severity"]),
        ]
        severity, likelihood = person["severity"], person["likelihood"]
        if isinstance(severity, Fact) and isinstance(likelihood, Fact):
            found = risks.level(severity.value, likelihood.value)
            if found is not None:
                rows.append(
                    (
                        "Level by the matrix",
                        Fact(path=f"proposal:{threat.id}.level", value=found, origin="proposed"),
                    )
                )
        rows += [("Measures", person["measures"]), ("Residual level", person["residual"])]
        rows.append(("Acceptable, and who says so", person["acceptable"]))
        title = f"{threat.id} {threat.name}"
        yield Heading(text=title, level=level, anchor=self._unique(title, self._anchors))
        yield Table(caption=f"Risk {threat.id}", header=("Field", "Statement"), rows=tuple(rows))


_RISK_FIELDS = {
    "likelihood": "accepted likelihood",
    "severity": "severity",
    "measures": "additional measures",
    "residual": "residual level",
    "acceptable": "acceptance",
}


def _slug(text: str) -> str:
    """``text`` as a name that begins with a letter.

    >>> _slug("2(e) Human oversight")
    's2-e-human-oversight'
    """
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return (f"s{slug}" if slug[:1].isdigit() else slug)[:64].strip("-") or "x"
