"""What a document asks of the card: every path that its template names, what stands there, who supplies it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from probandum.document import CardField
from probandum.law import catalogue
from probandum_reports.documents import Entry, FactLine, Section, Template, about
from probandum_reports.risk_rows import FIELDS, place
from probandum_reports.saying import decapitalised

#: A path and its label in a sentence of a template.
_QUOTED = re.compile(r"""\bcard\(\s*(['"])(?P<path>.+?)\1\s*,\s*(['"])(?P<label>.+?)\3""")

#: Topics of questions whose answers the proposed classification shows.
_CLASSIFYING = ("Who answers for it", "Prohibited practices", "Products", "Listed uses", "General-purpose models")


def fields(template: Template) -> tuple[CardField, ...]:
    """The fields in reading order, each path once; where one asks for a person, all do."""
    found: dict[str, CardField] = {}
    for field in _within(template.sections, template.requirement, template.supplier):
        known = found.setdefault(field.path, field)
        if field.human and not known.human:
            found[field.path] = field
    return tuple(found.values())


def _within(sections: tuple[Section, ...], requirement: str, supplier: str) -> Iterator[CardField]:
    for section in sections:
        asks, supplies = section.requirement or requirement, section.supplier or supplier
        for entry in section.content:
            yield from _asked(entry, asks, supplies)
        yield from _within(section.sections, asks, supplies)


def _asked(entry: Entry, requirement: str, supplier: str) -> Iterator[CardField]:
    """What one piece of a section reads from the card."""
    for line in (*(entry.facts or ()), *(entry.human or ())):
        if line.card is not None:
            yield _field(line, requirement, supplier, human=line.human or entry.human is not None)
    for sentence in entry.lines or ():
        for match in _QUOTED.finditer(sentence):
            yield _field(about(match["path"], match["label"]), requirement, supplier, human=False)
    for form in entry.form or ():
        asked = catalogue().form[form.field]
        yield CardField(path=form.card, what=f"{asked.label}: {asked.what}", requirement=requirement, supplier=supplier)
    if entry.builtin == "classification":
        for question in catalogue().questions:
            asks = question.requirements[0] if question.requirements else requirement
            if question.when == "always" and question.topic in _CLASSIFYING:
                yield CardField(
                    path=question.path, what=decapitalised(question.ask), requirement=asks, supplier=supplier
                )
    for threat in entry.risks.threats if entry.risks else ():
        named = f"{threat.id}, {decapitalised(threat.name)}"
        for name, what in FIELDS.items():
            line = FactLine(card=place(threat, name), label=what.format(risk=named))
            yield _field(line, requirement, supplier, human=True)


def _field(line: FactLine, requirement: str, supplier: str, *, human: bool) -> CardField:
    return CardField(
        path=line.card or "",
        what=line.what or decapitalised(line.label),
        requirement=line.requirement or requirement,
        supplier=line.supplier or supplier,
        human=human,
    )
