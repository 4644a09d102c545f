"""Whom a provision binds by what the card says: parties; why that is open; a party that the card does not name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from probandum import codec
from probandum.dossier import Dossier
from probandum.law import Binding, Requirement, bind, catalogue
from probandum.law.applying import Applying
from probandum.law.entries import ACTS
from probandum.law.scope import denial, outside
from probandum.speech import english, language
from probandum_reports.card_keys_told import in_words
from probandum_reports.documents import Template
from probandum_reports.messages import said


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What the card says of whom one provision binds.

    ``parties``: those that it binds; ``why``: what leaves open whether it binds; ``unnamed``: of what binds nobody
    here, whom it would bind of whom the card says nothing.
    """

    parties: tuple[str, ...] = ()
    why: str = ""
    unnamed: str = ""

    @property
    def binding(self) -> bool:
        """Whether it binds somebody, or may."""
        return bool(self.parties or self.why)

    @property
    def words(self) -> str:
        """Whom it binds, in words."""
        if self.parties:
            return english(", ".join(self.parties))
        if self.why:
            return said("open: {why}", why=self.why)
        return self.unnamed or said("nobody, by what the card says")


def reaches(dossier: Dossier) -> Mapping[str, Reach]:
    """Whom each provision of the catalogue binds by the card of a record, by its id."""
    told, silent = _told(dossier.card), _silent(codec.encode(dossier.card))
    open_ = {**_of_products(dossier.card), **told.open}
    found: dict[str, Reach] = {}
    for id, requirement in catalogue().requirements.items():
        if id in told.parties:
            found[id] = Reach(parties=told.parties[id])
        elif id in open_:
            found[id] = Reach(why=open_[id])
        else:
            found[id] = Reach(unnamed=_unnamed(requirement, silent))
    return found


def reach(card: Mapping[str, Any], requirement: str) -> tuple[tuple[str, ...], str]:
    """The parties that a provision binds by the card, or why it may bind some; neither where it binds nobody."""
    told = _told(card)
    if (parties := told.parties.get(requirement)) is not None:
        return parties, ""
    return (), told.open.get(requirement, "")


def applying(card: Mapping[str, Any]) -> Applying:
    """From when provisions apply by the card."""
    return _told(card).applying


class _Told(NamedTuple):
    """What binds by a card, and whom; what may, and why; and from when."""

    parties: Mapping[str, tuple[str, ...]]
    open: Mapping[str, str]
    applying: Applying


def _told(card: Mapping[str, Any]) -> _Told:
    """What binds by a card, which each section of a document asks anew, in the language spoken."""
    return _bound(codec.encode(card), language())


@lru_cache(maxsize=1)
def _bound(card: bytes, spoken: str) -> _Told:
    binding = bind(codec.decode(dict[str, Any], card))
    parties = {each.requirement.id: each.parties for each in binding.bound}
    return _Told(parties=parties, open=_open(binding), applying=binding.applying)


def standing(card: Mapping[str, Any], *requirements: str) -> tuple[bool, str]:
    """Whether one of the provisions binds anybody by the card, or may; and what to say where that is not plain.

    What hangs on no provision is asked of everybody.
    """
    reached = [(catalogue().get(each), *reach(card, each)) for each in requirements]
    if not reached or any(parties for _, parties, _ in reached):
        return True, ""
    open_ = "Whether {provision} binds anybody here is open: {why}."
    told = [said(open_, provision=entry.cited, why=why) for entry, _, why in reached if why]
    if told:
        return True, " ".join(told)
    return False, _nobody(card, requirements)


def under(template: Template, card: Mapping[str, Any]) -> Template:
    """A document as who is bound to make it is asked for it.

    Where its own provision binds nobody by the card, and another of those that it hangs on does, the review and what no
    section has a provision or a supplier for are asked for by that one, of whom the part about it names.
    """
    if standing(card, template.requirement)[0]:
        return template
    for place in template.walk():
        if place.asks is not None and place.asks in template.scope and standing(card, place.asks)[0]:
            given = {"requirement": place.asks, "supplier": place.supplier or template.supplier}
            return template.model_copy(update=given)
    return template


def _nobody(card: Mapping[str, Any], requirements: Sequence[str]) -> str:
    """That provisions bind nobody, by whom the Act is denied, and of which party they would bind nothing is said."""
    entries = [catalogue().get(each) for each in requirements]
    named, one = "; ".join(each.cited for each in entries), len(entries) == 1
    if all(each.act == ACTS["ai-act"] for each in entries) and (denied := denial(card)):
        none = (
            "{denied} {provision} is therefore taken to bind nobody here. A change of the card changes this."
            if one
            else "{denied} None of these is therefore taken to bind anybody here: {provision}. A change of the card "
            "changes this."
        )
        return said(none, denied=denied, provision=named)
    none = (
        "By what the card says, {provision} binds nobody here. A change of the card changes this."
        if one
        else "By what the card says, none of these binds anybody here: {provision}. A change of the card changes this."
    )
    told, silent = said(none, provision=named), _would_bind(_silent(codec.encode(card)), requirements)
    return f"{told} {said('Among its parties the card names no {parties}.', parties=silent)}" if silent else told


def _open(binding: Binding) -> Mapping[str, str]:
    """What hangs on a role that the card leaves open, or on a party that it does not name, and why."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for role in binding.open:
        for requirement in role.requirements:
            found[requirement.id][english(in_words(role.why))] = None
    for party in binding.unnamed:
        for role in party.roles:
            for requirement in role.requirements:
                unnamed = said("the card names no {party}", party=english(party.party))
                found[requirement.id][english(in_words(role.why)) or unnamed] = None
    return {id: "; ".join(reasons) for id, reasons in found.items()}


def _unnamed(requirement: Requirement, silent: Mapping[str, frozenset[str]]) -> str:
    """Of what binds nobody here: whom it would bind of whom the card says nothing; empty where the card rules it out.

    Public bodies, whom no card of a system names, are named as what they are.
    """
    roles = [catalogue().pack.roles[name] for name in requirement.applies_to]
    if requirement.kind != "deleted" and roles and all(role.party is None for role in roles):
        words = english(", ".join(dict.fromkeys(role.words or "" for role in roles)))
        return said("{roles}, no party of the card", roles=words)
    parties = _would_bind(silent, (requirement.id,))
    return said("nobody named: the card names no {parties}", parties=parties) if parties else ""


def _would_bind(silent: Mapping[str, frozenset[str]], requirements: Sequence[str]) -> str:
    """The parties of whom the card says nothing and whom one of the provisions would bind, or might; else empty."""
    parties = (party.replace("_", " ") for party, ids in silent.items() if not ids.isdisjoint(requirements))
    return said(" and no ").join(map(english, parties))


@lru_cache(maxsize=1)
def _silent(card: bytes) -> Mapping[str, frozenset[str]]:
    """What would bind, or might, each party of whom the card says nothing, if there were one."""
    told = codec.decode(dict[str, Any], card)
    found: dict[str, frozenset[str]] = {}
    for party in catalogue().pack.parties:
        if told.get(party) is None:
            supposed = bind({**told, party: True})
            found[party] = frozenset((*(each.requirement.id for each in supposed.bound), *_open(supposed)))
    return found


def _of_products(card: Mapping[str, Any]) -> Mapping[str, str]:
    """What hangs on the product route alone, where the card does not speak of it.

    A listed use is classified without that route, and so nothing of it is asked then; it is not ruled out.
    """
    if card.get("annex_i") is not None or outside(card) is not None:
        return {}
    known = catalogue().requirements.values()
    why = said("the card does not say which law of Annex I covers it, if any")
    return {each.id: why for each in known if each.route == "annex-i" and each.kind != "deleted"}
