"""Provision by provision: whom it binds, from when, and what of it is measured, declared or missing.

A provision is measured where findings with a number name it, or are of a metric that the catalogue gives it, unless
it asks for what no finding of an audit is; it is declared where the card says what a line of a document, or the
catalogue, asks for it. What neither answers is a gap, and so is what is missing beside an answer. An entry that
restates another one has no row of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Protocol

from probandum.document import Cell, Fact, Gap, Node, Table, Text
from probandum.dossier import Dossier
from probandum.law import Requirement, catalogue
from probandum.law.entries import ACTS
from probandum.law.scope import outside
from probandum.speech import english
from probandum_reports import facts
from probandum_reports.answering import Answer, answered_at, answers
from probandum_reports.citing import roles_of
from probandum_reports.documents import RequirementsEntry
from probandum_reports.messages import Spoken, said
from probandum_reports.selecting import matches
from probandum_reports.standing import Reach, applying, reaches
from probandum_reports.view import View

_HEADER = ("Provision", "What it asks, in own words", "Binds", "Applies", "How this record answers it")
#: Stands behind a summary of the catalogue that its own checks leave open.
NOT_SETTLED = "Not settled: ask counsel."
#: Entries that ask nothing of anybody, by what they are.
_NO_DUTY: Mapping[str, str] = Spoken(
    {
        "permission": "a permission: asks nothing unless it is used",
        "classification": "classifies: asks nothing of itself",
        "criterion": "a criterion for others to apply",
        "voluntary": "voluntary",
        "background": "background: asks nothing of itself",
        "deleted": "deleted: no duty",
    }
)


class Parts(Protocol):
    """What the table reads and leaves."""

    dossier: Dossier

    def named_gap(self, what: str, requirement: str, supplier: str, *, field: str = "", card: str | None = None) -> Gap:
        """A gap that is one field wherever it is shown; ``card`` fills it."""
        ...


def table(entry: RequirementsEntry, parts: Parts) -> Iterable[Node]:
    """The provisions that fit ``entry``, each with its answer; nothing bound is said to be so, too."""
    reached, found = reaches(parts.dossier), answers(parts.dossier)
    applies = applying(parts.dossier.card)
    rows: list[tuple[Cell, ...]] = []
    for requirement in _own():
        reach, answer = reached[requirement.id], found[requirement.id]
        which = "binding" if reach.binding else "unnamed" if reach.unnamed else "not_binding"
        if not matches(requirement.id, entry.ids) or entry.which not in ("all", which):
            continue
        when = applies.when(requirement, parts.dossier.as_of)
        name, whom = f"{requirement.cited} [{requirement.id}]", (reach.words, when)
        if not entry.answered:
            rows.append((name, _asks(requirement), *whom))
            continue
        rows.append((name, _asks(requirement), *whom, _cell(requirement, reach, answer, parts)))
        if reach.binding and requirement.kind == "duty" and answer.rest:
            rest = said("the rest of an answer to {provision}: {what}", provision=requirement.cited, what=answer.rest)
            rows.append((name, said("the same; what is missing of its answer"), *whom, _gap(rest, requirement, parts)))
    if rows:
        header = _HEADER if entry.answered else _HEADER[:-1]
        yield Table(caption=entry.caption, header=header, rows=tuple(rows), style="dense")
    else:
        none = said("By what the card says, there is no such provision.")
        denied = facts.denied(parts.dossier) if any(each.startswith("ai-act") for each in entry.ids) else ()
        yield Text(text=" ".join([*(each.value for each in denied), none]), style="note")


def _own() -> Iterable[Requirement]:
    """The provisions that have a row: those that restate no other."""
    return (each for each in catalogue().requirements.values() if not each.see)


def _cell(requirement: Requirement, reach: Reach, answer: Answer, parts: Parts) -> Cell:
    """How a record answers a provision: a fact of the record or of the card, a gap, or in words why there is none."""
    duty = requirement.kind == "duty"
    if not reach.binding:
        if not duty:
            return _NO_DUTY[requirement.kind]
        if reach.unnamed:
            return said("nothing asked: no such party is named")
        denied = outside(parts.dossier.card)
        if denied is not None and requirement.act == ACTS["ai-act"]:
            who = {"name": denied.by, "day": denied.on}
            return said("not applicable: outside the Act by {name} on {day}, not examined here", **who)
        return said("not applicable by what the card says")
    if answer.measured:
        return Fact(path=f"coverage:{requirement.id}", value=answer.words, origin="measured")
    if answer.declared:
        return Fact(path=f"coverage:{requirement.id}", value=answer.words, by=answer.by, on=answer.on)
    if duty:
        what = said("an answer to {provision}", provision=requirement.cited)
        return _gap(f"{what} ({answer.words})" if answer.words else what, requirement, parts)
    if answer.words:  # no figure of the system: that probes spoke to it, and in vain
        return Fact(path=f"coverage.asked:{requirement.id}", value=answer.words, origin="measured")
    return _NO_DUTY[requirement.kind]


def _gap(what: str, requirement: Requirement, parts: Parts) -> Gap:
    return parts.named_gap(what, requirement.id, roles_of(requirement.id), card=answered_at(requirement.id))


#: What a row of the matrix is counted under, and what that means.
_STATES: Mapping[str, tuple[str, str]] = Spoken(
    {
        "measured": ("Measured", "findings of this audit answer it, at least in part"),
        "declared": ("Declared", "the card alone answers it, at least in part"),
        "missing": ("Missing", "a duty that nothing answers"),
        "no_duty": ("Nothing asked", "a permission, a classification or background, of which nothing is known here"),
        "unnamed": ("No such party", "it would bind a party of which the card says nothing, or a public body"),
        "not_applicable": ("Not applicable", "the card rules it out"),
    }
)
#: Whom the rows bind that are counted; the columns of their table.
_REACH: Mapping[str, str] = Spoken(
    {"bind": "Bind somebody", "open": "Open whether they bind", "nobody": "Bind nobody here"}
)


def states(parts: Parts) -> Iterable[Node]:
    """How many provisions are in which state, by whether they bind somebody by the card."""
    counts = _counts(parts.dossier)
    rows: list[tuple[Cell, ...]] = []
    for state, (name, meaning) in _STATES.items():
        found = (
            Fact(path=f"states:{state}.{reach}", value=f"{counts[state, reach]:,}", origin="measured")
            for reach in _REACH
        )
        rows.append((name, *found, meaning))
    header = (said("State"), *_REACH.values(), said("Meaning"))
    yield Table(caption="Provisions by how they are answered", header=header, rows=tuple(rows))


def counted_at(dossier: Dossier, path: str) -> str:
    """How many provisions stand at ``state.reach``, for checking the table of states."""
    state, _, reach = path.partition(".")
    return f"{_counts(dossier)[state, reach]:,}"


def _counts(dossier: Dossier) -> Counter[tuple[str, str]]:
    reached, answered = reaches(dossier), answers(dossier)
    return Counter(_state(each, reached[each.id], answered[each.id]) for each in _own())


def _state(requirement: Requirement, reach: Reach, answer: Answer) -> tuple[str, str]:
    if not reach.binding:
        return ("unnamed" if reach.unnamed else "not_applicable"), "nobody"
    of = "bind" if reach.parties else "open"
    if answer.measured or answer.declared:
        return ("measured" if answer.measured else "declared"), of
    return ("missing" if requirement.kind == "duty" else "no_duty"), of


def summaries() -> frozenset[str]:
    """What the table quotes of the catalogue, as it stands in cells: the law's words, and no claim of the product."""
    return frozenset(map(_asks, catalogue().requirements.values()))


def _asks(requirement: Requirement) -> str:
    """What a provision asks, by the catalogue, and whether that is settled."""
    summary = english(requirement.summary)
    return f"{summary} {said(NOT_SETTLED)}" if requirement.verify else summary


def leads(view: View, fact: Fact) -> list[tuple[str, str]]:
    """The probes whose findings answer the provision of a fact of the matrix, each with the page of its evidence."""
    if not fact.path.startswith("coverage:"):
        return []
    measured = answers(view.dossier)[fact.path.removeprefix("coverage:")].measured
    first = {each.probe: each.id for each in reversed(measured)}
    return [(probe, view.shown(id).href.partition("#")[0]) for probe, id in sorted(first.items())]


def resolve(dossier: Dossier, requirement: str) -> str:
    """The words of the answer to a provision, for the table and for checking it; empty where there is none."""
    return answers(dossier)[requirement].words
