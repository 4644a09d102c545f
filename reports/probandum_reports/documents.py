"""What ``templates/<id>/document.yaml`` may say, read and checked; errors name file, line and column.

A section answers one provision. Its content says, line by line, where each statement comes from: prose of the
template, facts of the card or of the run, findings by selector, or a field that only a person may fill.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from probandum import codec
from probandum.document import DocumentSpec
from probandum.errors import PlanError, UnknownName
from probandum.resources import shipped
from probandum.yaml_source import read_yaml
from probandum_reports.shelf import Shelf
from probandum_reports.template_parts import Part, Words, checked
from probandum_reports.threats import Regime, Selection, Threat, register

Style = Literal["body", "lead", "note", "warning"]
#: Parts of a document that are the same in all of them and follow from the record alone.
Builtin = Literal[
    "notices",
    "verdicts",
    "causes",
    "limits",
    "figures",
    "label",
    "states",
    "waivers",
    "run",
    "probes",
    "controls",
    "inputs",
    "bands",
    "matrix",
    "classification",
    "alert_rules",
    "risks_found",
    "audit_energy",
    "open_items",
    "all_findings",
    "gate",
    "gravest",
    "not_passed",
    "tally",
    "not_measured",
    "to_decide",
    "changes",
    "energy_factors",
    "energy_meters",
    "affected_groups",
    "fria_scope",
    "fria_references",
    "dpia_reasons",
    "dpia_presence",
    "dpia_consultation",
    "special_attributes",
    "no_basis",
    "processing_moments",
    "decision_in_short",
    "decision_outcome",
    "decision_told",
    "decision_reasons",
    "decision_alternatives",
    "decision_sureness",
    "decision_attributes",
    "decision_provenance",
    "decision_every_factor",
]


def _scope(what: str) -> Any:
    """The provisions that ``what`` hangs on."""
    asked = "Where by the card none of these provisions binds anybody, or may,"
    return Field((), description=f"{asked} {what} is not asked for; what is stated or measured stands.")


class FactLine(Part):
    """One fact of the card or of the run under a label; what is not there becomes a gap."""

    label: Words = Field(description="How the fact is called in the document.")
    card: Words | None = Field(None, description="Its path in the system card.")
    run: Words | None = Field(None, description="Its path in the facts of the run, without the leading run.")
    what: Words | None = Field(None, description="What is missing where it is absent; by default the label.")
    supplier: Words | None = Field(None, description="Who can supply it; by default the section's supplier.")
    requirement: Words | None = Field(None, description="The provision that asks; by default the section's.")
    human: bool = Field(False, description="Only a named person may state it: it needs value, by and date.")
    recorded: Words | None = Field(None, description="The fact of the run that answers it where the card does not.")
    optional: bool = Field(False, description="Whether nothing is missing where nobody states it.")
    after: Words | None = Field(None, description="The path of a person's statement without which this one waits.")
    in_parts: bool = Field(False, description="Whether of keys below its path only those are printed that are asked.")
    scope: tuple[Words, ...] = _scope("it")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.card is None) == (self.run is None):
            raise ValueError("expected exactly one of card and run")
        if self.human and self.card is None:
            raise ValueError("a field for people stands in the card")
        return self


class BlankLine(Part):
    """One line of a form that a person fills on paper or in Word, and that nothing ever fills before."""

    label: Words = Field(description="How the line is called in the form.")
    what: Words = Field(description="What a person is to state there.")
    requirement: Words | None = Field(None, description="The provision that asks; by default the section's.")


class FindingsEntry(Part):
    """A table of findings; where none fits, a gap says that nothing was assessed."""

    select: Selection = Field(description="Which findings: those that fit the selector, or any of several.")
    caption: Words = Field(description="The table's caption.")
    missing: Words = Field(description="What was not assessed where no finding fits.")
    chart: Words | None = Field(None, description="The caption of a chart of their intervals.")
    answers: Selection | None = Field(None, description="Those that answer what is asked, where not all of them do.")
    full: bool = Field(False, description="Every one of them in small print, however many, with methods; no chart.")


class RisksEntry(Part):
    """The rows of the shared risk register that belong to one assessment."""

    regimes: Annotated[tuple[Regime, ...], Field(min_length=1)]

    @property
    def threats(self) -> tuple[Threat, ...]:
        """The rows, in the register's order."""
        return tuple(threat for threat in register() if threat.regime in self.regimes)


class WordsTable(Part):
    """A table of the template's own words, such as what a scale means; it states nothing of the system."""

    caption: Words
    header: Annotated[tuple[Words, ...], Field(min_length=2)]
    rows: Annotated[tuple[tuple[Words, ...], ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _even(self) -> Self:
        if any(len(row) != len(self.header) for row in self.rows):
            raise ValueError(f"expected {len(self.header)} cells in every row, as in the header")
        return self


class FormLine(Part):
    """One field of the Model Documentation Form, by its id in the catalogue, and where its statement stands."""

    field: Words = Field(description="Its id in the catalogue, which has label, unit, choices and recipients.")
    card: Words = Field(description="The path in the system card that answers it.")
    run: Words | None = Field(None, description="The fact of the run that answers it where the card does not.")
    measured: Selection | None = Field(None, description="The findings that answer it, where there are any.")


class RequirementsEntry(Part):
    """A table of provisions: whom each binds, from when, and what of it is measured, declared or missing."""

    ids: tuple[Words, ...] = Field(description="Patterns of requirement ids.")
    caption: Words = Field(description="The table's caption.")
    which: Literal["all", "binding", "not_binding", "unnamed"] = Field(
        "all",
        description="All; what binds by the card, or may; what the card rules out; or what binds others than it names.",
    )
    answered: bool = Field(True, description="Whether a last column says how the record answers each.")


class Entry(Part):
    """One piece of a section's content; exactly one kind."""

    text: Words | None = Field(None, description="Prose; Jinja over the law's dates and the seal.")
    style: Style = Field("body", description="How prose looks.")
    lines: tuple[Words, ...] | None = Field(None, description="Sentences with card(path) and run(path) in them.")
    facts: tuple[FactLine, ...] | None = Field(None, description="Facts as a table.")
    findings: FindingsEntry | None = Field(None, description="Findings as a table.")
    human: tuple[FactLine, ...] | None = Field(None, description="Fields that only a named person may fill.")
    blank: tuple[BlankLine, ...] | None = Field(None, description="A form that stays blank, whatever the card says.")
    risks: RisksEntry | None = Field(None, description="Rows of the shared risk register, likelihoods proposed.")
    table: WordsTable | None = Field(None, description="A table of the template's own words.")
    requirements: RequirementsEntry | None = Field(None, description="Provisions and how each is answered.")
    form: tuple[FormLine, ...] | None = Field(None, description="Fields of the Model Documentation Form.")
    builtin: Builtin | None = Field(None, description="A part that every document has.")
    caption: Words | None = Field(None, description="The caption of a table of facts or fields.")
    binding: Words | None = Field(None, description="A provision: only where by the card it binds somebody, or may.")
    unbound: Words | None = Field(None, description="A provision: only where by the card it binds nobody and cannot.")
    having: Selection | None = Field(None, description="Only where the record holds an answer by findings like these.")
    lacking: Selection | None = Field(None, description="Only where the record holds no answer by such findings.")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = (
            "text",
            "lines",
            "facts",
            "findings",
            "human",
            "blank",
            "risks",
            "table",
            "requirements",
            "form",
            "builtin",
        )
        given = [name for name in kinds if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"expected exactly one of {', '.join(kinds)}; got {', '.join(given) or 'none'}")
        if any(getattr(self, name) for name in ("facts", "human", "form", "blank")) and self.caption is None:
            raise ValueError("a table needs a caption")
        return self

    def of_card(self) -> Iterator[tuple[FactLine, bool]]:
        """Its lines for facts, each with whether only a named person may state it."""
        yield from ((line, line.human) for line in self.facts or ())
        yield from ((line, True) for line in self.human or ())


class Section(Part):
    """A heading, the provision it answers, and what stands under it."""

    title: Words = Field(description="The heading.")
    requirement: Words | None = Field(None, description="The id of the provision it answers.")
    asks: Words | None = Field(None, description="What the provision asks, in own words.")
    supplier: Words | None = Field(None, description="Who can supply what is missing here.")
    binding: Words | None = Field(
        None,
        description="A provision: where by the card it binds nobody and cannot, a sentence stands for the content.",
    )
    scope: tuple[Words, ...] = _scope("what stands in it")
    of_model: bool = Field(
        False,
        description="Whether it asks of a general-purpose model: where the card names no provider of one, nothing that "
        "is known of the system fills it, and where it says that there is none, it is left out, heading and all.",
    )
    content: tuple[Entry, ...] = ()
    sections: tuple[Section, ...] = ()

    @property
    def hangs(self) -> tuple[str, ...]:
        """The provisions of which one must bind somebody, or may, for it to be asked for; none where it always is."""
        return self.scope if self.binding is None else (self.binding,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A section where it stands: the provision and the supplier that it or a section above it names, if any does.

    ``hangs``: the provisions of which one must bind somebody, or may, for it to be asked for; and for those above it.
    """

    section: Section
    asks: str | None
    supplier: str | None
    hangs: tuple[tuple[str, ...], ...]


class Template(Part):
    """A document: front matter and sections."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    title: Words
    subtitle: Words
    summary: Words = Field(description="One sentence for the index.")
    audience: Words = Field(description="Who reads it.")
    reviewer: Words = Field(description="Who must review it before anybody may call it final.")
    supplier: Words = Field(description="Who supplies what is missing, where a section names nobody.")
    requirement: Words = Field(description="The provision that asks for the document.")
    sections: Annotated[tuple[Section, ...], Field(min_length=1)]
    scope: tuple[Words, ...] = _scope("the document")
    refers: tuple[Words, ...] = Field(
        (), description="Other documents that it refers to once they are reviewed, and that refer to none."
    )
    brief: bool = Field(False, description="Whether it is short: set without a page of its own for cover and contents.")
    hub_metadata: bool = Field(False, description="Whether its Markdown begins with the metadata that model hubs read.")
    ends: Words | None = Field(
        None, description="The shared sections that it ends with, templates/_shared/<name>.yaml."
    )

    def walk(self) -> Iterator[Placed]:
        """Every section in reading order, with what it or a section above it names."""

        def below(sections: tuple[Section, ...], above: Placed | None) -> Iterator[Placed]:
            for section in sections:
                here = Placed(
                    section=section,
                    asks=section.requirement or (above.asks if above else None),
                    supplier=section.supplier or (above.supplier if above else None),
                    hangs=(*(above.hangs if above else ()), section.hangs),
                )
                yield here
                yield from below(section.sections, here)

        return below(self.sections, None)

    def entries(self) -> Iterator[Entry]:
        """Every piece of content, in reading order."""
        return (entry for place in self.walk() for entry in place.section.content)

    @property
    def every_finding(self) -> bool:
        """Whether it holds every finding of the record, and not a choice of them."""
        return any(entry.builtin == "all_findings" for entry in self.entries())

    def requirements(self) -> tuple[str, ...]:
        """The ids of all provisions that it answers, in order."""
        found: dict[str, None] = {self.requirement: None}
        for place in self.walk():
            named = [place.section.requirement]
            for entry in place.section.content:
                named += [line.requirement for line, _ in entry.of_card()]
                named += [line.requirement for line in entry.blank or ()]
            found |= {each: None for each in named if each is not None}
        return tuple(found)

    def line(self, card: str) -> FactLine | None:
        """The line for a fact of the card, with the provision and the supplier that its section gives it."""
        for place in self.walk():
            for line in (each for entry in place.section.content for each in entry.facts or ()):
                if line.card == card:
                    given = {
                        "requirement": line.requirement or place.asks or self.requirement,
                        "supplier": line.supplier or place.supplier or self.supplier,
                    }
                    return line.model_copy(update=given)
        return None

    def threats(self) -> tuple[Threat, ...]:
        """The rows of all its risk tables."""
        return tuple(threat for entry in self.entries() if entry.risks for threat in entry.risks.threats)

    def spec(self) -> DocumentSpec:
        """What the core knows of it."""
        return DocumentSpec(
            id=self.id,
            title=self.title,
            summary=self.summary,
            audience=self.audience,
            requirements=self.requirements(),
            digest=codec.digest_of(self.model_dump(mode="json")),
            refers=self.refers,
        )


@cache
def templates() -> Mapping[str, Template]:
    """All shipped documents by id."""
    paths = {path.parent.name: path for path in sorted(shipped("templates").glob("*/document.yaml"))}
    return Shelf(paths, lambda name: read_template(paths[name]))


def template(name: str) -> Template:
    """One shipped document; UnknownName with a suggestion."""
    known = templates()
    if name not in known:
        raise UnknownName("document", name, known)
    return known[name]


def about(card: str, label: str) -> FactLine:
    """A fact of the card in a sentence; what the technical documentation asks for is asked as it asks for it."""
    known = template("annex_iv").line(card)
    given = {} if known is None else {"requirement": known.requirement, "supplier": known.supplier}
    return FactLine(card=card, label=label, **given)


@cache
def explanation() -> Template:
    """The explanation of one decision, which no audit writes of itself."""
    return read_template(shipped("templates") / "explanation" / "decision.yaml")


@cache
def template_digest(name: str) -> str:
    """The digest of all that a shipped document's template says; empty where there is none of that name."""
    known = templates()
    return known[name].spec().digest if name in known else ""


def referred(name: str) -> tuple[str, ...]:
    """The documents that a shipped one refers to once they are reviewed."""
    known = templates()
    return known[name].refers if name in known else ()


def read_template(path: Path) -> Template:
    """A template with the sections it shares; PlanError with every problem as ``file:line:column: path: message``."""
    source = read_yaml(path, quick=True)
    made = checked(Template, source)
    if made.id != path.parent.name:
        raise PlanError([source.problem(("id",), f"expected {path.parent.name!r}, as the folder, got {made.id!r}")])
    if made.ends is None:
        return made
    known = {each.stem: each for each in (shipped("templates") / "_shared").glob("*.yaml")}
    if made.ends not in known:
        said = f"no shared sections {made.ends!r}; known: {', '.join(sorted(known))}"
        raise PlanError([source.problem(("ends",), said)])
    shared = checked(_Shared, read_yaml(known[made.ends], quick=True))
    return made.model_copy(update={"sections": (*made.sections, *(_owned(each, made.id) for each in shared.sections))})


class _Shared(Part):
    """Sections that several documents end with."""

    sections: Annotated[tuple[Section, ...], Field(min_length=1)]


def _owned(section: Section, document: str) -> Section:
    """A shared section whose paths of the card are those of one document."""

    def own(line: FactLine) -> FactLine:
        return line.model_copy(update={"card": line.card.replace("{id}", document)}) if line.card else line

    content = tuple(
        entry.model_copy(
            update={name: tuple(map(own, getattr(entry, name) or ())) or None for name in ("facts", "human")}
        )
        for entry in section.content
    )
    inner = tuple(_owned(each, document) for each in section.sections)
    return section.model_copy(update={"content": content, "sections": inner})
