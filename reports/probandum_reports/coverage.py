"""Provision by provision: whom it binds, from when, and what of it is measured, declared or missing.

A provision is measured where findings with a number name it, or are of a metric that the catalogue gives it, unless
it asks for what no finding of an audit is; it is declared where the card says what a line of a document, or the
catalogue, asks for it. What neither answers is a gap. An entry that restates another one has no row of its own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Protocol

from probandum.document import Cell, Fact, Gap, Node, Table, Text
from probandum.dossier import Dossier
from probandum.finding import Finding, Verdict
from probandum.law import Binding, Requirement, bind, catalogue
from probandum.stating import NONE
from probandum.units import counted
from probandum_reports import facts
from probandum_reports.documents import RequirementsEntry, templates
from probandum_reports.selecting import matches
from probandum_reports.view import View

_HEADER = ("Provision", "What it asks, in own words", "Binds", "Applies", "How this record answers it")
#: How many paths of the card an answer lists for each who declares them.
_FEW = 3
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

    def named_gap(self, what: str, requirement: str, supplier: str, *, field: str = "", card: str | None = None) -> Gap:
        """A gap that is one field wherever it is shown; ``card`` fills it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a record holds on one provision: its findings with a number, those without, and facts of the card."""

    measured: tuple[Finding, ...] = ()
    unmeasured: tuple[Finding, ...] = ()
    declared: tuple[Fact, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def by(self) -> str | None:
        """Who declares the facts: one name where they share it, else each with the paths of theirs."""
        speakers: dict[str, list[str]] = {}
        for fact in self.declared:
            speakers.setdefault(fact.by or "nobody named", []).append(fact.path)
        if len(speakers) < 2:
            return self.declared[0].by if self.declared else None
        return f"several: {'; '.join(f'{name} ({_listed(paths)})' for name, paths in speakers.items())}"

    @property
    def on(self) -> str | None:
        """On which day, or between which days, the facts were declared; None where one of them has no day."""
        days = sorted({fact.on or "" for fact in self.declared})
        if not days or not days[0]:
            return None
        return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"

    @property
    def words(self) -> str:
        """The answer in words; empty where there is none."""
        said = []
        if self.measured:
            probes = dict.fromkeys(each.probe for each in self.measured)
            said.append(f"measured: {counted(len(self.measured), 'finding')} of {', '.join(probes)}")
        if self.unmeasured:
            said.append(f"asked without a number: {counted(len(self.unmeasured), 'finding')}")
        if self.declared or (self.measured and self.missing):
            whole = len(self.declared) + len(self.missing)
            said.append(f"declared: {len(self.declared)} of {counted(whole, 'fact')} asked for")
            if self.declared and self.measured:  # the mark of the cell is that of what was measured
                said[-1] += f" by {self.by or 'nobody named'}, {self.on or 'undated'}"
        return "; ".join(said)


def table(entry: RequirementsEntry, parts: Parts) -> Iterable[Node]:
    """The provisions that fit ``entry``, each with its answer; nothing bound is said to be so, too."""
    law, binding = catalogue(), bind(parts.dossier.card)
    bound = {each.requirement.id: each for each in binding.bound}
    open_ = {**_of_products(parts.dossier.card), **_open(binding)}
    rows: list[tuple[Cell, ...]] = []
    for requirement in law.requirements.values():
        if requirement.see or not matches(requirement.id, entry.ids):
            continue
        found = bound.get(requirement.id)
        binding_ = found is not None or requirement.id in open_
        unnamed = "" if binding_ else _unnamed(requirement, parts.dossier)
        which = "binding" if binding_ else "unnamed" if unnamed else "not_binding"
        if entry.which not in ("all", which):
            continue
        if found is not None:
            binds = ", ".join(found.parties)
        else:
            binds = f"open: {open_[requirement.id]}" if binding_ else unnamed or "nobody, by what the card says"
        asks = requirement.summary + (NOT_SETTLED if requirement.verify else "")
        route = found is not None and found.product_route
        when = requirement.dates.said(as_of=parts.dossier.as_of, product_route=route)
        answers = (_cell(requirement, parts, binding_, unnamed),) if entry.answered else ()
        rows.append((f"{requirement.cited} [{requirement.id}]", asks, binds, when, *answers))
    if rows:
        header = _HEADER if entry.answered else _HEADER[:-1]
        yield Table(caption=entry.caption, header=header, rows=tuple(rows), style="dense")
    else:
        yield Text(text="By what the card says, there is no such provision.", style="note")


def reach(card: Mapping[str, Any], requirement: str) -> tuple[tuple[str, ...], str]:
    """The parties that a provision binds by the card, or why it may bind some; neither where it binds nobody."""
    binding = bind(card)
    for each in binding.bound:
        if each.requirement.id == requirement:
            return each.parties, ""
    return (), _open(binding).get(requirement, "")


def standing(card: Mapping[str, Any], requirement: str) -> tuple[bool, str]:
    """Whether a provision binds anybody by what the card says, or may; and what to say where that is not plain."""
    (parties, why), cited = reach(card, requirement), catalogue().get(requirement).cited
    if parties:
        return True, ""
    if why:
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


def _unnamed(requirement: Requirement, dossier: Dossier) -> str:
    """Of what binds nobody here: whom it would bind of whom the card says nothing; empty where the card rules it out.

    Public bodies, whom no card of a system names, are named as what they are.
    """
    roles = [catalogue().pack.roles[name] for name in requirement.applies_to]
    if requirement.kind != "deleted" and roles and all(role.party is None for role in roles):
        return f"{', '.join(dict.fromkeys(role.words or '' for role in roles))}, no party of the card"
    silent = [party.replace("_", " ") for party, ids in _silent(dossier).items() if requirement.id in ids]
    return f"nobody named: the card names no {' and no '.join(silent)}" if silent else ""


@lru_cache(maxsize=1)
def _silent(dossier: Dossier) -> Mapping[str, frozenset[str]]:
    """What would bind, or might, each party of whom the card says nothing, if there were one."""
    found: dict[str, frozenset[str]] = {}
    for party in catalogue().pack.parties:
        if dossier.card.get(party) is None:
            supposed = bind({**dossier.card, party: True})
            found[party] = frozenset((*(each.requirement.id for each in supposed.bound), *_open(supposed)))
    return found


def _of_products(card: Mapping[str, Any]) -> Mapping[str, str]:
    """What hangs on the product route alone, where the card does not speak of it.

    A listed use is classified without that route, and so nothing of it is asked then; it is not ruled out.
    """
    if card.get("annex_i") is not None:
        return {}
    known = catalogue().requirements.values()
    return {
        each.id: "the card does not say annex_i" for each in known if each.route == "annex-i" and each.kind != "deleted"
    }


def _cell(requirement: Requirement, parts: Parts, binds: bool, unnamed: str) -> Cell:
    if not binds:
        if requirement.kind != "duty":
            return _NO_DUTY[requirement.kind]
        return "nothing asked: no such party is named" if unnamed else "not applicable by what the card says"
    answer = answers(parts.dossier)[requirement.id]
    path, duty = f"coverage:{requirement.id}", requirement.kind == "duty"
    if answer.measured or (answer.words and not answer.declared and not duty):
        return Fact(path=path, value=answer.words, origin="measured")
    if answer.declared:
        return Fact(path=path, value=answer.words, by=answer.by, on=answer.on)
    if not duty:
        return _NO_DUTY[requirement.kind]
    what = f"an answer to {requirement.cited}" + (f" ({answer.words})" if answer.words else "")
    return parts.named_gap(what, requirement.id, catalogue().supplier(requirement), card=_answered_at(requirement.id))


def _answered_at(requirement: str) -> str:
    """Where the card answers a provision that no document asks about.

    >>> _answered_at("ai-act:art-4:1")
    'provisions.ai_act_art_4_1'
    """
    return f"provisions.{re.sub('[^a-z0-9]+', '_', requirement)}"


@cache
def summaries() -> frozenset[str]:
    """What the table quotes of the catalogue, as it stands in cells: the law's words, and no claim of the product."""
    return frozenset(each.summary + (NOT_SETTLED if each.verify else "") for each in catalogue().requirements.values())


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
        if _of_a_model(requirement) and not _model_named(dossier.card):
            found[requirement.id] = Answer(missing=tuple(_asked().get(requirement.id) or _of_catalogue(requirement)))
            continue
        places: set[int] = set()
        if requirement.id not in law.metric_map.acts:
            targets = {target for group in law.metric_targets(requirement).values() for target in group}
            places |= {at for target in targets for at in spoken.get(target, ())}
            metered = not law.metric_map.metrics["energy"].keys().isdisjoint(requirement.metrics)
            # a probe of energy also finds times and shares, which answer nothing that asks for energy by its metrics
            named = spoken.get(requirement.id, ())
            places |= {at for at in named if not (metered and dossier.findings[at].probe.startswith("energy."))}
        about = [dossier.findings[at] for at in sorted(places)]
        asked = _asked().get(requirement.id) or _of_catalogue(requirement)
        stated = [facts.card_fact(dossier.card, path, human=human) for path, human in asked.items()]
        stated.append(facts.card_fact(dossier.card, _answered_at(requirement.id), human=True))
        said = tuple(fact for fact in stated if fact is not None)
        told = {fact.path for fact in said}
        found[requirement.id] = Answer(
            measured=tuple(each for each in about if _known(each)),
            unmeasured=tuple(each for each in about if not _known(each)),
            declared=said,
            missing=tuple(path for path in asked if path not in told),
        )
    return found


def _of_a_model(requirement: Requirement) -> bool:
    """Whether a provision speaks of a general-purpose model alone."""
    return bool(requirement.applies_to) and all(name.startswith("gpai") for name in requirement.applies_to)


def _model_named(card: Mapping[str, Any]) -> bool:
    """Whether the card names who provides such a model: what is known of a system is no answer on another's model."""
    fact = facts.card_fact(card, "gpai")
    return fact is not None and fact.value.lower() not in NONE


def _listed(paths: Sequence[str]) -> str:
    """The first of these paths, and how many more.

    >>> _listed(["purpose", "version", "data.labelling", "role"])
    'purpose, version, data.labelling and 1 more'
    """
    more = f" and {len(paths) - _FEW} more" if len(paths) > _FEW else ""
    return ", ".join(paths[:_FEW]) + more


def _known(finding: Finding) -> bool:
    """Whether a finding has a number that its controls let stand."""
    return finding.estimate.value is not None and finding.verdict is not Verdict.ERROR


def _of_catalogue(requirement: Requirement) -> dict[str, bool]:
    """The paths of the card that the catalogue itself names for a provision, where no document asks for any.

    A question of the card about all practices of Art. 5(1) is one about each of them. Of other questions only those on
    data and oversight ask what a provision asks: that a party is named, say, answers no duty of that party.
    """
    pairs = (each.partition(".") for each in requirement.inputs)
    named = {path: root == "human" for root, _, path in pairs if root in ("card", "human")}
    if requirement.id.startswith("ai-act:art-5:1:"):
        return named or {"art_5": False}
    asked = (each for each in catalogue().questions if each.topic in ("Data", "Oversight"))
    return named or {each.path: False for each in asked if requirement.id in each.requirements}


@cache
def _asked() -> Mapping[str, Mapping[str, bool]]:
    """What shipped documents ask the card by provision: each path, and whether a person alone may state it.

    A provision is asked about by sections that name it. Where the document of its own article or annex has some, other
    documents, which show the same things to other readers, add nothing to what it asks.
    """
    own: dict[str, dict[str, bool]] = defaultdict(dict)
    others: dict[str, dict[str, bool]] = defaultdict(dict)
    for template in templates().values():
        for place in template.walk():
            for line, human in (each for entry in place.section.content for each in entry.of_card()):
                if line.card is not None and (asked := line.requirement or place.asks) is not None:
                    found = own if _part(asked) == _part(template.requirement) else others
                    found[asked].setdefault(line.card, human)
    return {**others, **own}


def _part(requirement: str) -> str:
    """The article or annex of a provision.

    >>> _part("ai-act:annex-iv:2:g")
    'ai-act:annex-iv'
    """
    return ":".join(requirement.split(":")[:2])
