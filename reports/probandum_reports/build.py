"""From a template and a dossier to the content tree: prose, facts, findings, and gaps where a fact is missing.

What is measured enters as a Number, what is declared as a Fact with its path, and what is absent as a Gap that
names the provision and who can supply it; nothing else carries data.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from jinja2 import Environment, StrictUndefined, TemplateError

from probandum.document import Cell, Document, Fact, Gap, Heading, Inline, Listing, Node, Table, Text
from probandum.dossier import Dossier
from probandum.errors import UsageError
from probandum_reports import (
    affected_groups,
    answering,
    coverage,
    decision_annex,
    decision_parts,
    dpia_presence,
    dpia_reasons,
    facts,
    form_fields,
    fria_bridge,
    measured_form,
    parts,
    prior_consultation,
    processing_moments,
    risk_rows,
    saying,
    special_categories,
    standing,
    supplying,
    unasked,
)
from probandum_reports.citing import cited, dates_of, law_checked, law_version, marked, roles_of
from probandum_reports.decision_parts import DecisionParts
from probandum_reports.documents import Entry, FactLine, Section, Template, about, explanation, template
from probandum_reports.filling_in import Parts
from probandum_reports.messages import said, spoken
from probandum_reports.nodes import fields, gaps
from probandum_reports.pictures import placed
from probandum_reports.selecting import answered, select
from probandum_reports.tables import in_full
from probandum_reports.view import View

_MARK = "\x00"
#: Parts of the explanation of one decision.
_OF_DECISION = {**decision_parts.BUILTINS, **decision_annex.BUILTINS}
#: Parts of assessments about persons.
_OF_ASSESSMENTS: Mapping[str, Callable[[Parts], Iterable[Node]]] = {
    "affected_groups": affected_groups.table,
    "fria_scope": fria_bridge.scope,
    "fria_references": fria_bridge.references,
    "dpia_reasons": dpia_reasons.table,
    "dpia_presence": dpia_presence.table,
    "dpia_consultation": prior_consultation.check,
    "special_attributes": special_categories.table,
    "processing_moments": processing_moments.table,
}
#: Hold the places of what follows from the rest until that is built.
_LATER: Mapping[str, Node] = {name: Text(text="") for name in ("figures", "limits", "open_items")}


def build(document_id: str, dossier: Dossier) -> Document:
    """The document ``document_id`` of ``dossier``; UnknownName where there is no such document."""
    return spoken(Builder(template(document_id), dossier).document())


def explained(dossier: Dossier) -> Document:
    """The explanation of the decision of ``dossier``."""
    return spoken(Builder(explanation(), dossier).document())


class Builder:
    """Fills one template from one dossier."""

    def __init__(self, template: Template, dossier: Dossier) -> None:
        self.template = standing.under(template, dossier.card)
        self.dossier = dossier
        self._anchors: Counter[str] = Counter()
        self._fields: Counter[str] = Counter()
        self._jinja = Environment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False)
        self._jinja.globals |= {
            "dates": self._dates,
            "cited": cited,
            "law": law_version(),
            "law_checked": law_checked(),
            "as_of": dossier.as_of,
            "signed": bool(dossier.seal.get("signed")),
        }

    @cached_property
    def view(self) -> View:
        """The findings in words, for cells that quote them."""
        whole = self.template.every_finding
        return View(
            Document(id=self.template.id, title="", subtitle="", status="", front=(), nodes=(), every_finding=whole),
            self.dossier,
        )

    @cached_property
    def _decision(self) -> DecisionParts:
        return DecisionParts(self)

    @cached_property
    def _standing(self) -> tuple[bool, str]:
        """Whether what the document hangs on binds anybody by the card, or may, and what its head says of that."""
        return standing.standing(self.dossier.card, *self.template.scope)

    def document(self) -> Document:
        """The whole tree."""
        nodes: list[Node] = []
        for section in self.template.sections:
            nodes += self._section(section, level=1, above=None)
        if not self._standing[0]:
            nodes = unasked.left(nodes, document=self.template.id, places=_LATER.values(), whole=True)
        nodes = self._filled_in("figures", nodes, lambda: parts.figures(nodes))
        nodes = self._filled_in("limits", nodes, lambda: parts.limits_shown(self, nodes))
        nodes = self._filled_in("open_items", nodes, lambda: [parts.open_items(nodes)])
        return Document(
            id=self.template.id,
            title=self.template.title,
            subtitle=self.template.subtitle,
            status=self._status(nodes),
            front=self._front(),
            nodes=tuple(_once(nodes)),
            requirements=self.template.requirements(),
            every_finding=self.template.every_finding,
            brief=self.template.brief,
            hub_metadata=self.template.hub_metadata,
        )

    @staticmethod
    def _filled_in(name: str, nodes: Sequence[Node], made: Callable[[], Iterable[Node]]) -> list[Node]:
        """The nodes with what is made of them in the place that was held for it."""
        return [new for node in nodes for new in (made() if node is _LATER[name] else [node])]

    def _front(self) -> tuple[Fact, ...]:
        if self.dossier.decision is not None:
            return decision_parts.front(self.dossier)
        return parts.front(self.dossier, self.template.requirements(), brief=self.template.brief)

    def _status(self, nodes: Sequence[Node]) -> str:
        """A draft until a named reviewer signs and no field waits for a person."""
        open_ = fields(nodes)
        people = sum(gap.origin == "human" for gap in open_.values())
        reviews = facts.reviews(self.dossier, self.template.id)
        if not reviews:
            reviewed = said("not reviewed; {who} must review it", who=said(self.template.reviewer))
        else:
            names = [said("by {name} on {date}", name=each.name, date=each.date) for each in reviews]
            reviewed = said("reviewed {by}", by=", ".join(names))
        missing = saying.still_open(len(open_) - people, people)
        if not self._standing[0]:
            missing = said("asked of nobody, by what the card says; {missing}", missing=missing)
        state = "Draft" if open_ or not reviews else "Final" if self.dossier.final else "Reviewed"
        if self.dossier.decision is not None and self.dossier.decision.held_back:
            state = "Held back, to be looked at by a person"
        return said("{state}: {missing}; {reviewed}", state=said(state), missing=missing, reviewed=reviewed)

    # Sections.

    def _section(self, section: Section, *, level: int, above: Section | None) -> Iterable[Node]:
        requirement = section.requirement or (above.requirement if above else None) or self.template.requirement
        supplier = section.supplier or (above.supplier if above else None) or self.template.supplier
        of_model = section.of_model or (above is not None and above.of_model)
        here = section.model_copy(update={"requirement": requirement, "supplier": supplier, "of_model": of_model})
        binds, why = standing.standing(self.dossier.card, *section.hangs)
        if of_model and not binds and not answering.model_named(self.dossier.card):
            return
        asks_here = section.requirement is not None
        citation = f"{marked(cited(requirement), requirement)} [{requirement}]" if asks_here else None
        yield Heading(
            text=section.title, level=level, anchor=self._unique(section.title, self._anchors), citation=citation
        )
        if section.asks is not None:
            yield Text(text=self._asked(requirement, section.asks), style="note")
        bound, head = self._standing
        if bound and why not in head:  # else the head of the document says it
            yield Text(text=why, style="note")
        if binds:
            yield from self._content(section, here, level=level)
        elif section.binding is None:
            content = list(self._content(section, here, level=level))
            yield from unasked.left(content, document=self.template.id, places=_LATER.values())

    def _content(self, section: Section, here: Section, *, level: int) -> Iterable[Node]:
        """What stands under the heading of a section, which is ``here`` with what those above it give it."""
        for index, entry in enumerate(section.content):
            if self._stands(entry, here):
                yield from self._entry(entry, here, f"{section.title}, content {index + 1}", level=level)
        for inner in section.sections:
            yield from self._section(inner, level=level + 1, above=here)

    def _stands(self, entry: Entry, section: Section) -> bool:
        """Whether a piece stands where provisions bind as they do by the card, and where findings are what they are."""
        bound = ((entry.binding, True), (entry.unbound, False))
        found = ((entry.having, True), (entry.lacking, False))
        shown = () if self._of_another(section) else self.dossier.findings
        return all(not id or standing.standing(self.dossier.card, id)[0] is binds for id, binds in bound) and all(
            not these or any(map(answered, select(shown, these))) is there for these, there in found
        )

    def _of_another(self, section: Section, card: str = "") -> bool:
        """Whether a section asks of a model of which the card names no provider, and ``card`` speaks of the system."""
        of_model = card.startswith(("gpai", "roles.gpai"))
        return section.of_model and not of_model and not answering.model_named(self.dossier.card)

    def _asked(self, requirement: str, asks: str) -> str:
        whom, own = roles_of(requirement), self._dates(requirement)
        if own == self._dates(self.template.requirement):
            return said("Asked of {whom}: {asks}", whom=whom, asks=said(asks))
        return said("Asked of {whom}: {asks} Applies {when}.", whom=whom, asks=said(asks), when=own)

    def _dates(self, requirement: str) -> str:
        """From when a provision applies by the card, as of the day of the document."""
        return dates_of(requirement, as_of=self.dossier.as_of, applying=standing.applying(self.dossier.card))

    def _entry(self, entry: Entry, section: Section, where: str, *, level: int) -> Iterable[Node]:
        if entry.text is not None:
            yield Text(text=self._prose(entry.text, where), style=entry.style)
        elif entry.lines is not None:
            yield Listing(entries=tuple(self._line(line, section, where) for line in entry.lines))
        elif entry.facts is not None or entry.human is not None:
            lines = entry.facts or entry.human or ()
            rows = tuple(row for line in lines for row in self._rows(line, section, human=entry.human is not None))
            yield Table(caption=entry.caption or section.title, header=("Field", "Statement"), rows=rows)
        elif entry.blank is not None:
            yield Table(
                caption=entry.caption or section.title,
                header=("Field", "Statement"),
                rows=tuple(
                    (
                        marked(said(each.label), each.requirement),
                        self._gap(each.what, section, requirement=each.requirement, human=True, blank=True),
                    )
                    for each in entry.blank
                ),
            )
        elif (table := entry.findings) is not None:
            if self._of_another(section):
                yield Text(
                    text=(
                        "No finding of the audit stands here until the card names the provider of the model (its key "
                        "gpai): what was asked is a system, and it may rest on another's model."
                    ),
                    style="note",
                )
                return
            chosen = select(self.dossier.findings, table.select)
            wanted = table.answers or table.select
            if not any(map(answered, select(chosen, wanted))):
                asked = section.requirement or self.template.requirement
                yield self.unassessed(table.missing, asked, supplying.supplier(self.dossier, wanted, asked))
            if chosen and table.full:
                yield from in_full(self.view, chosen, caption=said(table.caption))
            elif chosen:
                chart = None if table.chart is None else said(table.chart)
                yield from placed(self.view, chosen, caption=said(table.caption), chart=chart)
        elif entry.risks is not None:
            for threat in entry.risks.threats:
                title = f"{threat.id} {said(threat.name)}"
                yield Heading(text=title, level=level + 1, anchor=self._unique(title, self._anchors))
                asked = section.requirement or self.template.requirement
                yield risk_rows.row(threat, self, lambda line: self._fact(line, section, human=True), asked=asked)
        elif entry.table is not None:
            words = tuple(tuple(map(said, row)) for row in entry.table.rows)
            yield Table(caption=entry.table.caption, header=entry.table.header, rows=words)
        elif entry.form is not None:
            yield from form_fields.table(entry.form, said(entry.caption or section.title), self)
        elif entry.requirements is not None:
            yield from coverage.table(entry.requirements, self)
        elif entry.builtin is not None and entry.builtin in _LATER:
            yield _LATER[entry.builtin]
        elif entry.builtin is not None and entry.builtin.startswith("decision_"):
            yield from _OF_DECISION[entry.builtin](self._decision)
        elif entry.builtin is not None:
            yield from (_OF_ASSESSMENTS.get(entry.builtin) or parts.BUILTINS[entry.builtin])(self)

    # Prose.

    def _prose(self, source: str, where: str, **names: Any) -> str:
        place, text = f"templates/{self.template.id}/document.yaml: {where}", said(source)
        try:
            made = " ".join(self._jinja.from_string(text).render(**names).split(" ")).strip()
        except TemplateError as error:
            raise UsageError(f"{place}: {error}") from None
        if (held := measured_form.figure(made)) is not None and held not in text:  # those of the text were checked
            raise UsageError(f"{place}: it works out the figure {held!r}, which is no finding of the record")
        return made

    def _line(self, source: str, section: Section, where: str) -> tuple[Inline, ...]:
        nodes: list[Inline] = []

        def mark(node: Inline) -> str:
            nodes.append(node)
            return f"{_MARK}{len(nodes) - 1}{_MARK}"

        text = self._prose(
            source,
            where,
            card=lambda path, label: mark(self._fact(about(path, label), section)),
            run=lambda path, label: mark(self._fact(FactLine(run=path, label=label), section)),
        )
        pieces = text.split(_MARK)
        inline: list[Inline] = [
            nodes[int(piece)] if index % 2 else Text(text=piece) for index, piece in enumerate(pieces)
        ]
        return tuple(node for node in inline if not isinstance(node, Text) or node.text)

    # Facts and gaps.

    def _rows(self, line: FactLine, section: Section, *, human: bool) -> Iterator[tuple[str, Cell]]:
        """One row a line; what identifies the system is many things, and each has its own, as has each review."""
        if line.card == facts.review_field(self.template.id):
            found = facts.review_facts(self.dossier, self.template.id)
            yield from found
            if not found:
                yield said(line.label), self._fact(line, section, human=human)
            return
        parts = facts.identity(self.dossier) if line.run == "target.identity" else {}
        for part in parts:
            label = f"{said(line.label if part == next(iter(parts)) else 'Identity')}: {part}"
            if (fact := facts.run_fact(self.dossier, f"{line.run}.{part}")) is not None:
                yield label, fact
        if not parts:
            stated = self._fact(line, section, human=human)
            if isinstance(stated, Gap) and not standing.standing(self.dossier.card, *line.scope)[0]:
                return
            left = line.optional and isinstance(stated, Gap)
            of_law = self.dossier.decision is None  # nobody who is sent an explanation has a use for it
            label = marked(said(line.label), line.requirement) if of_law else said(line.label)
            yield label, said("not stated, which is optional") if left else stated

    def _fact(self, line: FactLine, section: Section, *, human: bool = False) -> Fact | Gap:
        people, card = human or line.human, line.card
        if card is not None and self._of_another(section, card):
            return self._gap(
                said(
                    "{what}; what the card says of the system stands here once it names the provider of the model",
                    what=_wanted(line),
                ),
                section,
                supplier=line.supplier,
                requirement=line.requirement,
                card="gpai",
                fillable=False,  # here, where another thing is asked
            )
        if line.run is not None:  # what no run recorded, a named person may state
            card = f"not_recorded.{line.run.replace('.', '_')}"
            recorded = facts.run_fact(self.dossier, line.run)
            fact = recorded or facts.card_fact(self.dossier.card, card, human=True)
        else:
            fact = facts.card_fact(self.dossier.card, card or "", human=people)
            fact = fact or (line.recorded and facts.run_fact(self.dossier, line.recorded)) or None
        waits = line.after is not None and facts.card_fact(self.dossier.card, line.after, human=True) is None
        what = _wanted(line)
        return (None if waits else fact) or self._gap(
            said("{what}; it waits for an earlier field", what=what) if waits else what,
            section,
            supplier=line.supplier,
            requirement=line.requirement,
            human=people,
            card=card,
            fillable=line.card != facts.review_field(self.template.id),
        )

    def unassessed(self, what: str, requirement: str, supplier: str) -> Fact | Gap:
        """That nothing was measured of it, or what a named person says in its place; one field wherever it is shown."""
        card = f"not_assessed.{_slug(what).replace('-', '_')}"
        label = said("Not assessed by this audit, {what}", what=said(what))
        fact = facts.card_fact(self.dossier.card, card, label=label, human=True)
        return fact or self.named_gap(said("not assessed: {what}", what=said(what)), requirement, supplier, card=card)

    def _gap(
        self,
        what: str,
        section: Section,
        *,
        supplier: str | None = None,
        requirement: str | None = None,
        human: bool = False,
        card: str | None = None,
        fillable: bool = True,
        blank: bool = False,
    ) -> Gap:
        asked = requirement or section.requirement or self.template.requirement
        return Gap(
            what=what,
            citation=cited(asked),
            supplier=supplier or section.supplier or self.template.supplier,
            field_id=card or self._unique(f"{asked} {what}", self._fields),
            origin="human" if human else "missing",
            card=card if fillable else None,
            blank=blank,
        )

    def filled(self, line: FactLine, *, human: bool = False) -> Fact | Gap:
        """What the card says on a line that stands in no section, or the gap in its place."""
        return self._fact(line, Section(title=line.label), human=human)

    def draft(self, document: str) -> bool:
        """Whether another document of the record is a draft: a field of it is open, or nobody reviewed it."""
        nodes = Builder(template(document), self.dossier).document().nodes
        return any(gaps(nodes)) or not facts.reviews(self.dossier, document)

    def limit_gap(self, what: str, requirement: str, supplier: str) -> Gap:
        """A gap in what a limit says of itself: one field, wherever the limit is shown."""
        return self.named_gap(what, requirement, supplier, field="limit ")

    def stated(self, card: str, what: str) -> Fact | Gap:
        """What the card says at a path; where it says nothing, one gap, which the template's own line leaves, too."""
        if (fact := facts.card_fact(self.dossier.card, card)) is not None:
            return fact
        line = self.template.line(card) or FactLine(label=what, card=card)
        asked = line.requirement or self.template.requirement
        what = _wanted(line)
        supplier = line.supplier or self.template.supplier
        return Gap(what=what, citation=cited(asked), supplier=supplier, field_id=card, card=card)

    def named_gap(self, what: str, requirement: str, supplier: str, *, field: str = "", card: str | None = None) -> Gap:
        """A gap that is one field wherever it is shown; ``field`` begins its name, ``card`` fills it."""
        name = card or _slug(f"{field}{what}")
        return Gap(what=what, citation=cited(requirement), supplier=supplier, field_id=name, card=card)

    def _unique(self, text: str, taken: Counter[str]) -> str:
        slug = _slug(text)
        taken[slug] += 1
        return slug if taken[slug] == 1 else f"{slug}-{taken[slug]}"


def _once(nodes: Sequence[Node]) -> Iterator[Node]:
    """The nodes, of which a text is not said twice in a row."""
    for above, node in zip([None, *nodes], nodes, strict=False):
        if not (isinstance(node, Text) and node == above):
            yield node


def _wanted(line: FactLine) -> str:
    """What a line asks for, in words."""
    return said(line.what) if line.what else saying.decapitalised(said(line.label))


def _slug(text: str) -> str:
    """``text`` as a name that begins with a letter.

    >>> _slug("2(e) Human oversight")
    's2-e-human-oversight'
    """
    slug = re.sub(r"[\W_]+", "-", text.lower()).strip("-")
    return (f"s{slug}" if slug[:1].isdigit() else slug)[:64].strip("-") or "x"
