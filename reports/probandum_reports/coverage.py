"""Provision by provision: whom it binds, from when, and what of it is measured, declared or missing.

A provision is measured where findings with a number name it, or are of a metric that the catalogue gives it; it is
declared where the card says what a line of a document, or the catalogue, asks for it. What neither answers is a gap.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Protocol

from probandum.document import Cell, Fact, Gap, Node, Table, Text
from probandum.dossier import Dossier
from probandum.finding import Finding, Verdict
from probandum.law import Binding, Requirement, bind, catalogue
from probandum.units import counted
from probandum_reports import facts
from probandum_reports.documents import RequirementsEntry, Section, templates
from probandum_reports.selecting import matches

_HEADER = ("Provision", "What it asks, in own words", "Binds", "Applies", "How this record answers it")
#: Stands behind a summary of the catalogue that its own checks leave open.
NOT_SETTLED = " Not settled: ask counsel."
#: Entries that ask nothing of anybody, by what they are.
_NO_DUTY: Mapping[str, str] = {
    "permission": "a permission: asks nothing unless it is used",
    "classification": "classifies: asks nothing of itself",
    "criterion": "a criterion for others to apply",
    "voluntary": "voluntary",
    "background": "background: asks nothing of itself",
    "deleted": "deleted: no duty",
}


class Parts(Protocol):
    """What the table reads and leaves."""

    dossier: Dossier

    def named_gap(self, what: str, requirement: str, supplier: str, *, field: str = "") -> Gap:
        """A gap that is one field wherever it is shown."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a record holds on one provision: its findings with a number, those without, and facts of the card."""

    measured: tuple[Finding, ...] = ()
    unmeasured: tuple[Finding, ...] = ()
    declared: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The answer in words; empty where there is none."""
        said = []
        if self.measured:
            probes = dict.fromkeys(each.probe for each in self.measured)
            said.append(f"measured: {counted(len(self.measured), 'finding')} of {', '.join(probes)}")
        if self.unmeasured:
            said.append(f"asked without a number: {counted(len(self.unmeasured), 'finding')}")
        if self.declared:
            whole = len(self.declared) + len(self.missing)
            said.append(f"declared: {len(self.declared)} of {counted(whole, 'fact')}")
        return "; ".join(said)


def table(entry: RequirementsEntry, parts: Parts) -> Iterable[Node]:
    """The provisions that fit ``entry``, each with its answer; nothing bound is said to be so, too."""
    law, binding = catalogue(), bind(parts.dossier.card)
    bound = {each.requirement.id: each for each in binding.bound}
    open_ = _open(binding)
    rows: list[tuple[Cell, ...]] = []
    for requirement in law.requirements.values():
        if not matches(requirement.id, entry.ids):
            continue
        found = bound.get(requirement.id)
        binding_ = found is not None or requirement.id in open_
        if entry.which != "all" and binding_ != (entry.which == "binding"):
            continue
        if found is not None:
            binds = ", ".join(found.parties)
        else:
            binds = f"open: {open_[requirement.id]}" if binding_ else "nobody, by what the card says"
        asks = requirement.summary + (NOT_SETTLED if requirement.verify else "")
        route = found is not None and found.product_route
        when = requirement.dates.said(as_of=parts.dossier.as_of, product_route=route)
        answers = (_cell(requirement, parts, binding_),) if entry.answered else ()
        rows.append((f"{requirement.cited} [{requirement.id}]", asks, binds, when, *answers))
    if rows:
        header = _HEADER if entry.answered else _HEADER[:-1]
        yield Table(caption=entry.caption, header=header, rows=tuple(rows), style="dense")
    else:
        yield Text(text="By what the card says, there is no such provision.", style="note")


def standing(card: Mapping[str, Any], requirement: str) -> tuple[bool, str]:
    """Whether a provision binds anybody by what the card says, or may; and what to say where that is not plain."""
    binding, cited = bind(card), catalogue().get(requirement).cited
    if any(each.requirement.id == requirement for each in binding.bound):
        return True, ""
    if (why := _open(binding).get(requirement)) is not None:
        return True, f"Whether {cited} binds anybody here is open: {why}."
    return False, f"By what the card says, {cited} binds nobody here. A change of the card changes this."


def _open(binding: Binding) -> Mapping[str, str]:
    """What hangs on a role that the card leaves open, or on a party that it does not name, and why."""
    found: dict[str, str] = {}
    for role in binding.open:
        for requirement in role.requirements:
            found.setdefault(requirement.id, role.why)
    for party in binding.unnamed:
        for role in party.roles:
            for requirement in role.requirements:
                found.setdefault(requirement.id, role.why or f"the card names no {party.party}")
    return found


def _cell(requirement: Requirement, parts: Parts, binds: bool) -> Cell:
    said = resolve(parts.dossier, requirement.id)
    if said:
        measured = bool(answers(parts.dossier)[requirement.id].measured)
        return Fact(path=f"coverage:{requirement.id}", value=said, origin="measured" if measured else "declared")
    if requirement.kind != "duty":
        return _NO_DUTY[requirement.kind]
    if not binds:
        return "not applicable by what the card says"
    supplier = catalogue().supplier(requirement)
    return parts.named_gap("an answer to this provision", requirement.id, supplier, field=f"{requirement.id} ")


@cache
def summaries() -> frozenset[str]:
    """What the table quotes of the catalogue, as it stands in cells: the law's words, and no claim of the product."""
    return frozenset(each.summary + (NOT_SETTLED if each.verify else "") for each in catalogue().requirements.values())


def resolve(dossier: Dossier, requirement: str) -> str:
    """The words of the answer to a provision, for the table and for checking it; empty where there is none."""
    return answers(dossier)[requirement].words


@lru_cache(maxsize=1)
def answers(dossier: Dossier) -> Mapping[str, Answer]:
    """What the record holds on each provision of the catalogue, by its id."""
    law = catalogue()
    spoken: dict[str, list[int]] = defaultdict(list)
    for index, finding in enumerate(dossier.findings):
        for name in (*finding.requirements, finding.metric, finding.probe):
            spoken[name].append(index)
    found: dict[str, Answer] = {}
    for requirement in law.requirements.values():
        targets = {target for group in law.metric_targets(requirement).values() for target in group}
        places = sorted({index for name in (requirement.id, *targets) for index in spoken.get(name, ())})
        about = [dossier.findings[index] for index in places]
        asked = _asked().get(requirement.id) or _of_catalogue(requirement)
        said = [path for path, human in asked.items() if facts.card_fact(dossier.card, path, human=human) is not None]
        found[requirement.id] = Answer(
            measured=tuple(each for each in about if _known(each)),
            unmeasured=tuple(each for each in about if not _known(each)),
            declared=tuple(said),
            missing=tuple(path for path in asked if path not in said),
        )
    return found


def _known(finding: Finding) -> bool:
    """Whether a finding has a number that its controls let stand."""
    return finding.estimate.value is not None and finding.verdict is not Verdict.ERROR


def _of_catalogue(requirement: Requirement) -> dict[str, bool]:
    """The paths of the card that the catalogue itself names for a provision, where no document asks for any."""
    pairs = (each.partition(".") for each in requirement.inputs)
    return {path: root == "human" for root, _, path in pairs if root in ("card", "human")}


@cache
def _asked() -> Mapping[str, Mapping[str, bool]]:
    """What shipped documents ask the card by provision: each path, and whether a person alone may state it.

    A provision is asked about by sections that name it. Where the document of its own article or annex has some, other
    documents, which show the same things to other readers, add nothing to what it asks.
    """
    own: dict[str, dict[str, bool]] = defaultdict(dict)
    others: dict[str, dict[str, bool]] = defaultdict(dict)

    def walk(sections: Iterable[Section], above: str | None, document: str) -> None:
        for section in sections:
            asks = section.requirement or above
            for entry in section.content:
                for human, lines in ((False, entry.facts or ()), (True, entry.human or ())):
                    for line in lines:
                        if line.card is not None and (asked := line.requirement or asks) is not None:
                            found = own if _part(asked) == _part(document) else others
                            found[asked].setdefault(line.card, human or line.human)
            walk(section.sections, asks, document)

    for template in templates().values():
        walk(template.sections, None, template.requirement)
    return {**others, **own}


def _part(requirement: str) -> str:
    """The article or annex of a provision.

    >>> _part("ai-act:annex-iv:2:g")
    'ai-act:annex-iv'
    """
    return ":".join(requirement.split(":")[:2])
