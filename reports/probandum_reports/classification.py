"""The proposed classification of a system, step by step: what the card says, what follows, the law; never a verdict."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Protocol

from probandum.document import Cell, Fact, Gap, Listing, Node, Table, Text
from probandum.dossier import Dossier
from probandum.law import Question, catalogue
from probandum.law.classifying import classify
from probandum.law.steps import Proposal, Step
from probandum.speech import english
from probandum_reports.card_keys_told import called, in_words
from probandum_reports.documents import FactLine
from probandum_reports.messages import said
from probandum_reports.saying import decapitalised

#: How the paths of the proposal's facts begin.
PLACE = "proposal:classification"


class Parts(Protocol):
    """What the part reads and leaves."""

    dossier: Dossier

    def filled(self, line: FactLine, *, human: bool = False) -> Fact | Gap:
        """What the card says on a line that stands in no section, or the gap in its place."""
        ...


def steps(parts: Parts) -> Iterable[Node]:
    """The outcome, and a table of the steps with what is open in each and what would lead elsewhere."""
    proposal, told = _proposed(parts.dossier)
    yield Text(
        text=(
            "What follows is worked out from the answers of the card by fixed rules, and is a proposal. The provider "
            "classifies, and a named person confirms or corrects it below. A person who looks at the output changes no "
            "class; a sector is no listed use; whether there is profiling is for people to say."
        ),
        style="note",
    )
    rows = [row for number, step in enumerate(proposal.steps, 1) for row in _rows(number, step, proposal, parts)]
    entries = [(Text(text=f"{said('What the answers lead to.')} "), _fact("outcome", told["outcome"]))]
    if "overtaken" in told:
        entries.append((Text(text=f"{said('No longer confirmed.')} "), _fact("overtaken", told["overtaken"])))
    yield Listing(entries=tuple(entries))
    header = ("Question, and what it rests on", "What the card says", "What follows, proposed")
    yield Table(caption="The proposed classification, step by step", header=header, rows=tuple(rows))


def proposed(proposal: Proposal) -> dict[str, str]:
    """All that the proposal says, by the end of its path; a document that says anything else is refused."""
    told = {"outcome": english(in_words(proposal.outcome))} | {step.id: _follows(step) for step in proposal.steps}
    if proposal.overtaken is not None:
        before, others = proposal.overtaken
        told["overtaken"] = said(
            "{name} confirmed a class on {day} for other answers ({keys}): nobody has confirmed it as the card stands.",
            name=before.by,
            day=before.on,
            keys=english(", ".join(map(called, others))),
        )
    return told


def _follows(step: Step) -> str:
    """What follows from the answers to a step, what is open in it, and what would lead elsewhere."""
    told = [english(in_words(" ".join(step.reasoning)))]
    if step.unsettled:
        told.append(said("Not settled: {what}", what=english(in_words(" ".join(step.unsettled)))))
    if step.changes:
        changes = " ".join(decapitalised(text) for text in step.changes)
        told.append(said("It would lead elsewhere: {changes}", changes=english(changes)))
    return " ".join(filter(None, told))


def resolved(dossier: Dossier, path: str) -> str | None:
    """What the proposal says at a path of one of its facts."""
    return _proposed(dossier)[1].get(path.removeprefix(f"{PLACE}."))


@lru_cache(maxsize=4)
def _proposed(dossier: Dossier) -> tuple[Proposal, dict[str, str]]:
    """The proposal of a dossier, worked out once for all documents."""
    proposal = classify(dossier.card)
    return proposal, proposed(proposal)


def _rows(number: int, step: Step, proposal: Proposal, parts: Parts) -> Iterable[tuple[Cell, ...]]:
    """A row for each answer; the law and what follows stand in the first."""
    law = catalogue()
    cited = "; ".join(step.cited(law, parts.dossier.as_of, proposal.applying))
    reasoning = _fact(step.id, _follows(step))
    paths = [path for path, _ in step.answers] + list(step.silent)
    question = f"{number}. {english(step.question)} {cited}"
    yield (question, _stated(paths[0], parts) if paths else said("follows from the steps before"), reasoning)
    for path in paths[1:]:
        yield (f"{number}. {english(_called(path))}", _stated(path, parts), said("see above"))


def _stated(path: str, parts: Parts) -> Fact | Gap:
    """What the card says at a path; else a gap, which is one field wherever a document leaves it."""
    question = _questions().get(path)
    what = said("the answer to: {question}", question=english(question.ask)) if question else path
    requirement = question.requirements[0] if question and question.requirements else None
    supplier = "controller" if (requirement or "").startswith("gdpr:") else None
    return parts.filled(FactLine(card=path, label=what, what=what, requirement=requirement, supplier=supplier))


def _called(path: str) -> str:
    """What a path of the card is called in a table."""
    name = path.rpartition(".")[2].replace("_", " ").replace("-", " ")
    return decapitalised(name)


@cache
def _questions() -> dict[str, Question]:
    return {question.path: question for question in catalogue().questions}


def _fact(name: str, value: str) -> Fact:
    return Fact(path=f"{PLACE}.{name}", value=value, origin="proposed")
