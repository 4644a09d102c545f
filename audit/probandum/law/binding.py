"""What binds a system, whom and from when, judged from its card alone through the roles of the law pack.

Three answers, never a verdict: a role binds by what the card says, does not, or is open because the card does not
say. The card is believed: ``annex_iii: 5(b)`` is the declarer's classification, and ``annex_iii: none`` as well.

Card keys that are read, each plain or with who said it and when: the parties (``provider``, ``deployer``,
``controller`` ...; ``gpai`` for the provider of a general-purpose model, or none); ``annex_iii`` (a point, a list of
points, or none); ``annex_i`` (a product law, or none), with ``annex_i_section`` (A or B), ``safety_component`` and
``third_party_assessment`` (the two conditions of Art. 6(1)); ``art_6_3`` (the condition claimed, or none);
``profiling``; ``in_scope`` and ``placed_on_market``, of which ``scope`` speaks; ``roles`` (names that apply, or name:
true or false), which settles what no other key can say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from probandum.law import scope
from probandum.law.applying import Applying
from probandum.law.card_keys import placed, product_silence, settled_roles
from probandum.law.entries import ACTS, Requirement, Role, UseCase
from probandum.law.loading import Catalogue, catalogue
from probandum.law.scope import outside
from probandum.law.system import System, among
from probandum.stating import NONE, plainly

#: The parties of whom every system has one, so that a card without them has left them out.
_PARTIES = ("provider", "deployer", "controller")
#: The party of whom a card is asked whether there is one: its silence settles nothing.
_MODEL = "gpai"
#: Kinds of system that have the duties of high-risk ones, which Art. 111(2) puts off for older ones.
_HIGH = ("high-risk", "annex-iii", "annex-i")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A requirement that binds by what the card says: the roles and the parties, as ``provider Example Bank AG``."""

    requirement: Requirement
    roles: tuple[str, ...]
    parties: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A role that the card leaves open, why, and the requirements that hang on it and are not bound already."""

    role: str
    why: str
    requirements: tuple[Requirement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unnamed:
    """A party that the card does not name, and what would bind it by role; ``duties`` counts each duty once."""

    party: str
    duties: int
    roles: tuple[Open, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """The answer for one card; ``unsaid`` are the keys whose silence leaves something open.

    ``unnamed``: what may bind parties that the card does not name; ``bound`` and ``open`` hold nothing of it.
    ``silent``: other parties of whom it says nothing, and whom duties may bind. ``placing``: what Art. 111(2) makes of
    the day on which the system came onto the market, empty where nothing hangs on it. ``applying``: from when entries
    apply to it.
    """

    cases: tuple[UseCase, ...]
    bound: tuple[Bound, ...]
    open: tuple[Open, ...]
    unsaid: tuple[str, ...]
    unnamed: tuple[Unnamed, ...]
    silent: tuple[Unnamed, ...]
    remarks: tuple[str, ...]
    placing: str
    applying: Applying


def bind(card: Mapping[str, Any], *, law: Catalogue | None = None) -> Binding:
    """What binds the system of ``card``; UnknownName where the card names an unknown point or role."""
    known = law or catalogue()
    denied, card = outside(card), plainly(card)
    system = System(card, known, outside=denied)
    settled = settled_roles(card, known)
    states = {name: _state(name, card, system, settled, known) for name in known.pack.roles}
    bound: list[Bound] = []
    for requirement in known.requirements.values():
        roles = tuple(
            name for name in requirement.applies_to if states[name] is True and system.reaches(requirement, known, name)
        )
        if roles and system.concerns(requirement):
            parties = dict.fromkeys(_holder(known.pack.roles[name], card) for name in roles)
            bound.append(Bound(requirement=requirement, roles=roles, parties=tuple(parties)))
    taken = {each.requirement.id for each in bound}
    opens: list[Open] = []
    for name, state in states.items():
        if isinstance(state, str):
            hanging = [each for each in _hanging(name, system, known) if each.id not in taken]
            if hanging:
                opens.append(Open(role=name, why=state, requirements=tuple(hanging)))
    missing = [party for party in known.pack.parties if card.get(party) is None and party != _MODEL]
    unnamed = [_unnamed(party, card, system, settled, known) for party in missing]
    unsaid = [party for party in _PARTIES if card.get(party) is None]
    if denied is None:
        unsaid += _unsaid(card, system)
    return Binding(
        cases=system.cases,
        bound=tuple(bound),
        open=tuple(opens),
        unsaid=tuple(unsaid),
        unnamed=tuple(each for each in unnamed if each.party in _PARTIES),
        silent=tuple(each for each in unnamed if each.party not in _PARTIES and each.duties),
        remarks=system.remarks,
        placing="" if system.spared else scope.remark(card, known, product_route=system.by_product),
        applying=_applying(card, system, states, known),
    )


def _applying(card: Mapping[str, Any], system: System, states: Mapping[str, bool | str], law: Catalogue) -> Applying:
    """From when entries apply: by the route of the system, and what Art. 111(2) puts off of those that bind or may."""
    by_product = system.by_product
    older = "" if system.spared else scope.older(card, law, product_route=by_product)
    if not older:
        return Applying(route=_route(system))
    put_off = [each.id for each in law.requirements.values() if system.concerns(each) and _put_off(each, states, law)]
    return Applying(route=_route(system), older=older, placed=placed(card) or "", put_off=frozenset(put_off))


def _route(system: System) -> Literal["annex-i", "annex-iii"] | None:
    """Which of the two dates is the system's own; None where the card leaves that open, or none is."""
    if system.annex_iii:
        return "annex-iii"
    return "annex-i" if system.by_product else None


def _put_off(requirement: Requirement, states: Mapping[str, bool | str], law: Catalogue) -> bool:
    """Whether an entry is a duty of the Act that binds by nothing else than that the system is high-risk.

    That hangs on the roles that bind here, or may; where none does, on all that it names.
    """
    roles = [role for role in requirement.applies_to if states[role] is not False] or requirement.applies_to
    of_act = requirement.kind == "duty" and requirement.act == ACTS["ai-act"]
    return of_act and all(law.pack.roles[role].system in _HIGH for role in roles)


def _unsaid(card: Mapping[str, Any], system: System) -> list[str]:
    """The keys, but those of parties, whose silence leaves something open."""
    unsaid = ["annex_iii"] if card.get("annex_iii") is None else []
    unsaid += [key for key in product_silence(card) if key != "annex_i" or not system.cases]  # classified without it
    unsaid += ["art_6_3"] if system.points and system.excepted is None else []
    return unsaid + ([_MODEL] if card.get(_MODEL) is None else [])


def _hanging(role: str, system: System, law: Catalogue) -> list[Requirement]:
    """Every entry that can bind the system and that hangs on ``role``."""
    return [
        each
        for each in law.requirements.values()
        if role in each.applies_to and system.concerns(each) and system.reaches(each, law, role)
    ]


def _unnamed(
    party: str, card: Mapping[str, Any], system: System, settled: Mapping[str, bool], law: Catalogue
) -> Unnamed:
    """What would bind ``party``, if the card named it, by role."""
    assumed = {**card, party: True}
    roles: list[Open] = []
    for name, role in law.pack.roles.items():
        state = _state(name, assumed, system, settled, law) if role.party == party else False
        if state is not False and (hanging := _hanging(name, system, law)):
            roles.append(Open(role=name, why="" if state is True else str(state), requirements=tuple(hanging)))
    duties = {each.id for role in roles for each in role.requirements if each.kind == "duty"}
    return Unnamed(party=party, duties=len(duties), roles=tuple(roles))


def _state(
    name: str, card: Mapping[str, Any], system: System, settled: Mapping[str, bool], law: Catalogue
) -> bool | str:
    """True or False where the card settles it, else why it is open."""
    role = law.pack.roles[name]
    silent = role.party == _MODEL and card.get(_MODEL) is None and system.outside is None
    if role.party is None or (_absent(card.get(role.party)) and not silent):
        return False
    kind, place = system.is_(role.system), system.at(role)
    said = settled.get(name, settled.get(role.settled_by or name))
    exempt = _exempt(role, settled, law)
    if kind is False or place is False or said is False or exempt is True:
        return False
    if silent:  # what else the role hangs on is asked once there is such a model
        return f"the card does not say {_MODEL}"
    certain = said or any(among(point, role.certain_at) for point in system.points or ())
    reasons = []
    if kind is None or place is None:
        # what is high-risk by a listed use already hangs on whether it is a product as well
        about = "annex-i" if kind and role.system == "high-risk" else role.system
        reasons.append(f"{_UNCLASSIFIED[about or 'annex-iii']} (the card does not say {system.unsaid(about)})")
    if role.condition is not None and not certain:
        reasons.append(f"if {role.condition}")
    if exempt:
        reasons.append(exempt)
    return " and ".join(reasons) or True


def _exempt(role: Role, settled: Mapping[str, bool], law: Catalogue) -> bool | str:
    """Whether an exemption takes the role away, or in words why that is open.

    It does where the card settles the role that is exempt, and denies the one that gives the exemption up.
    """
    if role.unless is None or role.but is None or settled.get(role.unless) is False or settled.get(role.but):
        return False
    if settled.get(role.unless) is None:
        return f"unless {law.pack.roles[role.unless].condition}"
    return True if settled.get(role.but) is False else f"if {law.pack.roles[role.but].condition}"


_UNCLASSIFIED = {
    "high-risk": "if the system is high-risk",
    "annex-iii": "if the use is listed in Annex III",
    "annex-i": "if it is a product, or its safety component, under Annex I",
    "excepted": "if the use is listed in Annex III and Art. 6(3) is relied on",
    "other": "if the system is not high-risk",
}


def _absent(party: object) -> bool:
    return party is None or party is False or (isinstance(party, str) and party.strip().lower() in ("", *NONE))


def _holder(role: Role, card: Mapping[str, Any]) -> str:
    party = card.get(role.party or "")
    name = party.get("name") if isinstance(party, Mapping) else party if isinstance(party, str) else None
    return f"{role.party} {name}" if name else str(role.party)
