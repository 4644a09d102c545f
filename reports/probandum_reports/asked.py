"""What a document asks of the card: every path that its template names, what stands there, who supplies it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from probandum.document import CardField
from probandum.law import catalogue
from probandum_reports import basis, dpia_reasons, fria_bridge, prior_consultation, processing_moments
from probandum_reports.documents import Entry, FactLine, Template, about
from probandum_reports.risk_rows import FIELDS, place
from probandum_reports.saying import decapitalised

#: A path and its label in a sentence of a template.
_QUOTED = re.compile(r"""\bcard\(\s*(['"])(?P<path>.+?)\1\s*,\s*(['"])(?P<label>.+?)\3""")

#: Topics of questions whose answers the proposed classification shows.
_CLASSIFYING = (
    *("Scope", "Who answers for it", "Prohibited practices", "Products", "Listed uses", "General-purpose models"),
)


def _of_label() -> Iterable[FactLine]:
    """What documents print of the label that their figures rest on."""
    return (about(card, what) for _, card, what in basis.STATED)


#: Parts that print fields of the card which no template names, each with their lines.
_BUILT: Mapping[str | None, Callable[[], Iterable[FactLine]]] = {
    "dpia_consultation": prior_consultation.lines,
    "dpia_reasons": dpia_reasons.lines,
    "fria_references": fria_bridge.versions,
    "fria_scope": fria_bridge.scoped,
    "label": _of_label,
    "processing_moments": processing_moments.lines,
}


def lines(entry: Entry) -> Iterator[tuple[FactLine, bool]]:
    """The lines for facts of a piece of a section, its part's own among them; whether only a person may state each."""
    yield from entry.of_card()
    yield from ((line, line.human) for line in _BUILT.get(entry.builtin, tuple)())


def fields(template: Template) -> tuple[CardField, ...]:
    """The fields in reading order, each path once; where one asks for a person, all do."""
    found: dict[str, CardField] = {}
    for here in template.walk():
        asks, supplies = here.asks or template.requirement, here.supplier or template.supplier
        for field in (each for entry in here.section.content for each in _asked(entry, asks, supplies)):
            known = found.setdefault(field.path, field)
            if field.human and not known.human:
                found[field.path] = field
    return tuple(found.values())


def _asked(entry: Entry, requirement: str, supplier: str) -> Iterator[CardField]:
    """What one piece of a section reads from the card."""
    for line, human in lines(entry):
        if line.card is not None:
            yield _field(line, requirement, supplier, human=human)
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
