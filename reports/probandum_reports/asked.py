"""What a document asks of the card: every path that its template names, what stands there, who supplies it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from probandum.document import CardField
from probandum.law import catalogue
from probandum.law.confirming import CONFIRMED
from probandum.stating import stated
from probandum_reports import basis, dpia_reasons, facts, fria_bridge, prior_consultation, processing_moments, standing
from probandum_reports.documents import Entry, FactLine, Template, about
from probandum_reports.risk_rows import FIELDS, place
from probandum_reports.saying import decapitalised

#: Groups of provisions, of each of which one must bind somebody, or may, for something to be asked.
Hangs = tuple[tuple[str, ...], ...]
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
}


def lines(entry: Entry, card: Mapping[str, Any] | None = None) -> Iterator[tuple[FactLine, bool]]:
    """The lines for facts of a piece of a section, its part's own among them; whether only a person may state each.

    Of a part that asks as the ``card`` stands, what it asks of that card; else all that it may ask.
    """
    yield from entry.of_card()
    if entry.builtin == "processing_moments":
        yield from ((line, line.human) for line in processing_moments.lines(card))
    yield from ((line, line.human) for line in _BUILT.get(entry.builtin, tuple)())


def fields(template: Template, card: Mapping[str, Any] | None = None) -> tuple[CardField, ...]:
    """The fields in reading order, each path once; where one asks for a person, all do.

    Of a ``card`` at hand those that it states, and those that the document asks of it: nothing of what hangs on
    provisions that bind nobody by it, but the class of the system and a review.
    """
    found: dict[str, CardField] = {}
    always = (CONFIRMED, facts.review_field(template.id))
    for field, hangs in _read(template, card):
        if card is None or field.path in always or stated(card, field.path) is not None or _binds(card, hangs):
            known = found.setdefault(field.path, field)
            if field.human and not known.human:
                found[field.path] = field
    return tuple(found.values())


def _read(template: Template, card: Mapping[str, Any] | None) -> Iterator[tuple[CardField, Hangs]]:
    """All that a document reads from the card, and what each hangs on."""
    written = template if card is None else standing.under(template, card)
    for here in written.walk():
        asks, supplies = here.asks or written.requirement, here.supplier or written.supplier
        for entry in here.section.content:
            above = (written.scope, *here.hangs, () if entry.binding is None else (entry.binding,))
            for field, scope in _asked(entry, asks, supplies, card):
                yield field, (*above, scope)


def _binds(card: Mapping[str, Any], hangs: Hangs) -> bool:
    """Whether of each group of provisions one binds somebody by the card, or may."""
    return all(standing.standing(card, *each)[0] for each in hangs)


def _asked(
    entry: Entry, requirement: str, supplier: str, card: Mapping[str, Any] | None
) -> Iterator[tuple[CardField, tuple[str, ...]]]:
    """What one piece of a section reads from the card, each with the provisions that it hangs on beside its section."""
    for line, human in lines(entry, card):
        if line.card is not None:
            yield _field(line, requirement, supplier, human=human), line.scope
    yield from ((field, ()) for field in _beside(entry, requirement, supplier))


def _beside(entry: Entry, requirement: str, supplier: str) -> Iterator[CardField]:
    """What one piece of a section reads from the card without lines for facts."""
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
        in_parts=line.in_parts,
    )
