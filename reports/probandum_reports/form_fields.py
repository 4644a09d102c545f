"""Fields of the Model Documentation Form for general-purpose models: what each asks, who receives it, and its answer.

Labels, units, choices and recipients are the catalogue's. A choice is ticked where the card names it; who receives a
field is printed as not confirmed where no copy of the form showed it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from probandum.document import Cell, Fact, Gap, Node, Number, Table
from probandum.dossier import Dossier
from probandum.law import FormField, catalogue
from probandum.speech import english
from probandum.stating import plainly, stated, words
from probandum_reports import facts, saying
from probandum_reports.answering import model_named
from probandum_reports.documents import FormLine
from probandum_reports.messages import Spoken, counted, said
from probandum_reports.selecting import answered, select
from probandum_reports.tables import name
from probandum_reports.view import View

#: Who receives a field, as the form abbreviates it.
RECIPIENTS = Spoken({"ai-office": "AIO", "national-authorities": "NCA", "downstream-providers": "DP"})
TICKED, OPEN = "■", "□"
_FORM = "GPAI Model Documentation Form"
_CONFIRMED = {
    "recalled": "{boxes}. Not confirmed: recalled, and no copy consulted shows it",
    "assumed": "{boxes}. Not confirmed: a field of the form's header",
}
_HEADER = ("Field", "What it asks, in own words", "Who receives it", "Statement")


class Parts(Protocol):
    """What the table reads."""

    dossier: Dossier

    @property
    def view(self) -> View:
        """The findings in words."""
        ...


def table(lines: Sequence[FormLine], caption: str, parts: Parts) -> Iterable[Node]:
    """The fields in the order of ``lines``; findings that measure one stand above what the card says of it."""
    rows: list[tuple[Cell, ...]] = []
    for line in lines:
        field = catalogue().form[line.field]
        head = (english(field.label), asked(field), recipients(field))
        named = model_named(parts.dossier.card)
        measured = select(parts.dossier.findings, line.measured) if line.measured and named else ()
        found = list(filter(answered, measured))
        rows += [(*head, Number(finding=each.id, label=name(parts.view.shown(each.id)))) for each in found]
        if (stands := answer(line, parts.dossier)) is not None or not found:
            rows.append((*head, stands or _gap(line, field, named=named)))
    yield Table(caption=caption, header=_HEADER, rows=tuple(rows))


def asked(field: FormField) -> str:
    """What a field asks, with its unit, its choices and its length."""
    asks = [english(field.what)]
    asks += [said("Unit: {unit}.", unit=english(field.unit))] if field.unit else []
    asks += [said("Choices: {choices}.", choices=english("; ".join(field.options)))] if field.options else []
    asks += [counted(field.words, "About {n} word.", "About {n} words.")] if field.words else []
    asks += [english(field.note)] if field.note else []
    return " ".join(asks)


def recipients(field: FormField) -> str:
    """The tick boxes of a field, and whether a copy of the form confirms them."""
    ticked = (f"{TICKED if key in field.recipients else OPEN}\u00a0{short}" for key, short in RECIPIENTS.items())
    boxes = " ".join(ticked)
    return said(_CONFIRMED.get(field.recipients_confidence, "{boxes}"), boxes=boxes)


def answer(line: FormLine, dossier: Dossier) -> Fact | None:
    """What the card says of a field, its choices ticked; else the fact of the run that answers it, or None.

    What the run recorded, and what the card says of the system, speaks for the model only where the card names its
    provider.
    """
    if not _speaks(line, dossier):
        return None
    field = catalogue().form[line.field]
    fact = facts.card_fact(dossier.card, line.card)
    if fact is None:
        known = line.run is not None and model_named(dossier.card)
        return facts.run_fact(dossier, line.run or "") if known else None
    if not field.options:
        return fact
    return replace(fact, path=f"form:{line.field}@{line.card}", value=_chosen(dossier, line.field, line.card))


def _speaks(line: FormLine, dossier: Dossier) -> bool:
    """Whether what the card says at the path of a field is of the model."""
    return line.card.startswith("gpai") or model_named(dossier.card)


def resolve(dossier: Dossier, path: str) -> str:
    """The words of an answer with choices, for checking it; ``path``: the field, an at sign, the path in the card."""
    field, _, card = path.partition("@")
    return _chosen(dossier, field, card)


def _chosen(dossier: Dossier, field: str, card: str) -> str:
    found = stated(dossier.card, card)
    return "" if found is None else ticked(catalogue().form[field].options, plainly(found.value))


def ticked(options: Sequence[str], value: Any) -> str:
    """The choices of a field, those that ``value`` names ticked; what is no choice stands behind ``other``, or last.

    A mapping names them under ``ticked`` and may say more.

    >>> ticked(("text", "images", "other"), ["text", "tables"])
    '■ text □ images ■ other: tables'
    >>> ticked(("text", "images"), {"ticked": "text", "maximum": "8,192 tokens"})
    '■ text □ images; maximum: 8,192 tokens'
    >>> ticked(("1-500M", "500M-5B"), "about 1B")
    '□ 1-500M □ 500M-5B; about 1B'
    """
    more = {key: each for key, each in value.items() if key != "ticked"} if isinstance(value, Mapping) else {}
    named = value.get("ticked", []) if isinstance(value, Mapping) else value
    names = [words(each) for each in (named if isinstance(named, list) else [named])]
    other = next((each for each in options if each.startswith("other")), None)
    beyond = [each for each in names if each not in options]
    boxes = [f"{TICKED if each in names or (each == other and beyond) else OPEN} {each}" for each in options]
    answer = " ".join(boxes)
    if beyond:
        answer += f"{': ' if other == options[-1] else '; '}{', '.join(beyond)}"
    return answer + (f"; {words(more)}" if more else "")


def _gap(line: FormLine, field: FormField, *, named: bool) -> Gap:
    """The gap of a field; what speaks of the system fills it only once the provider of a model is ``named``."""
    what = english(saying.decapitalised(field.label))
    return Gap(
        what=said("{field}, in {unit}", field=what, unit=english(field.unit)) if field.unit else what,
        citation=f"{_FORM}, {field.citation}" if field.citation else _FORM,
        supplier=english(catalogue().supplier(field)),
        field_id=line.card,
        card=line.card if named or line.card.startswith("gpai") else None,
    )
