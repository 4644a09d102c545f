"""What binds a system, whom and from when, judged from its card alone through the roles of the law pack.

Three answers, never a verdict: a role binds by what the card says, does not, or is open because the card does not
say. The card is believed: ``annex_iii: 5(b)`` is the declarer's classification, and ``annex_iii: none`` as well.

Card keys that are read, each plain or with who said it and when: the parties (``provider``, ``deployer``,
``controller`` ...; ``gpai`` for the provider of a general-purpose model, or none); ``annex_iii`` (a point, a list of
points, or none); ``annex_i`` (a product law, or none), with ``annex_i_section`` (A or B), ``safety_component`` and
``third_party_assessment`` (the two conditions of Art. 6(1)); ``art_6_3`` (the condition claimed, or none);
``profiling``; ``roles`` (names that apply, or name: true or false), which settles what no other key can say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from probandum.law.card_keys import conditions_of, product_of, product_silence, section_of, settled_roles, truth
from probandum.law.entries import Requirement, Role, UseCase
from probandum.law.loading import Catalogue, catalogue
from probandum.stating import NONE, named, plainly

#: The parties of whom every system has one, so that a card without them has left them out.
_PARTIES = ("provider", "deployer", "controller")
#: The party of whom a card is asked whether there is one: its silence settles nothing.
_MODEL = "gpai"
#: All that Art. 2(2) leaves to apply to a system that is high-risk through a product of Annex I Section B.
_OF_SECTION_B = ("ai-act:art-2:2", "ai-act:art-6:1", "ai-act:art-60a")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A requirement that binds by what the card says: the roles and the parties, as ``provider Example Bank AG``.

    ``product_route``: its date is that of Annex I Section A.
    """

    requirement: Requirement
    roles: tuple[str, ...]
    parties: tuple[str, ...]
    product_route: bool = False


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
    """

    cases: tuple[UseCase, ...]
    bound: tuple[Bound, ...]
    open: tuple[Open, ...]
    unsaid: tuple[str, ...]
    unnamed: tuple[Unnamed, ...]
    remarks: tuple[str, ...]


def bind(card: Mapping[str, Any], *, law: Catalogue | None = None) -> Binding:
    """What binds the system of ``card``; UnknownName where the card names an unknown point or role."""
    known = law or catalogue()
    card = plainly(card)
    system = _System(card, known)
    settled = settled_roles(card, known)
    states = {name: _state(name, role, card, system, settled) for name, role in known.pack.roles.items()}
    bound: list[Bound] = []
    for requirement in known.requirements.values():
        roles = tuple(
            name for name in requirement.applies_to if states[name] is True and system.reaches(requirement, known, name)
        )
        if roles and system.concerns(requirement):
            parties = dict.fromkeys(_holder(known.pack.roles[name], card) for name in roles)
            bound.append(
                Bound(
                    requirement=requirement,
                    roles=roles,
                    parties=tuple(parties),
                    product_route=system.only_product and requirement.dates.annex_i is not None,
                )
            )
    taken = {each.requirement.id for each in bound}
    opens: list[Open] = []
    for name, state in states.items():
        if isinstance(state, str):
            hanging = [each for each in _hanging(name, system, known) if each.id not in taken]
            if hanging:
                opens.append(Open(role=name, why=state, requirements=tuple(hanging)))
    unnamed = [_unnamed(party, card, system, settled, known) for party in _PARTIES if card.get(party) is None]
    unsaid = [key for key in (*_PARTIES, "annex_iii") if card.get(key) is None]
    unsaid += [key for key in product_silence(card) if key != "annex_i" or not system.cases]  # classified without it
    unsaid += ["art_6_3"] if system.points and system.excepted is None else []
    unsaid += [_MODEL] if card.get(_MODEL) is None else []
    return Binding(
        cases=system.cases,
        bound=tuple(bound),
        open=tuple(opens),
        unsaid=tuple(unsaid),
        unnamed=tuple(unnamed),
        remarks=system.remarks,
    )


def _hanging(role: str, system: _System, law: Catalogue) -> list[Requirement]:
    """Every entry that can bind the system and that hangs on ``role``."""
    return [
        each
        for each in law.requirements.values()
        if role in each.applies_to and system.concerns(each) and system.reaches(each, law, role)
    ]


def _unnamed(
    party: str, card: Mapping[str, Any], system: _System, settled: Mapping[str, bool], law: Catalogue
) -> Unnamed:
    """What would bind ``party``, if the card named it, by role."""
    assumed = {**card, party: True}
    roles: list[Open] = []
    for name, role in law.pack.roles.items():
        state = _state(name, role, assumed, system, settled) if role.party == party else False
        if state is not False and (hanging := _hanging(name, system, law)):
            roles.append(Open(role=name, why="" if state is True else str(state), requirements=tuple(hanging)))
    duties = {each.id for role in roles for each in role.requirements if each.kind == "duty"}
    return Unnamed(party=party, duties=len(duties), roles=tuple(roles))


class _System:
    """The classification that the card declares; None is: it does not say."""

    def __init__(self, card: Mapping[str, Any], law: Catalogue) -> None:
        points = named(card.get("annex_iii"))
        self.cases = tuple(law.use_case(point) for point in points or ())
        self.points = None if points is None else tuple(case.point for case in self.cases)
        listed = None if points is None else bool(points)
        self.product = product_of(card)
        self._product_silence = product_silence(card)
        #: Whether a law of Annex I is named, of which the conditions of Art. 6(1) may be unsaid.
        self.product_named = self.product is not False and bool(named(card.get("annex_i")))
        self.section_b = self.product_named and section_of(card) == "B"
        conditions, profiling = conditions_of(card), truth(card, "profiling")
        claimed = bool(conditions)
        remarks = [] if listed is not False else ["the use is not listed in Annex III"]
        if claimed and profiling:
            claimed = False
            remarks.append("art_6_3 is claimed and profiling is declared: Art. 6(3), third subparagraph, closes it")
        elif claimed and listed:
            remarks.append("Art. 6(3) is relied on: the provider's own conclusion (Art. 6(4)), not examined here")
        if self.section_b:
            remarks.append("Annex I Section B: of the Act little applies directly, see ai-act:art-2:2")
        elif self.product_named and section_of(card) is None:
            remarks.append("Annex I applies, read as its Section A; for products of Section B see ai-act:art-2:2")
        elif self.product is False and named(card.get("annex_i")):
            remarks.append("Annex I: a condition of Art. 6(1) is said not to hold")
        self.remarks = tuple(remarks)
        self.excepted = None if listed is None or conditions is None else listed and claimed
        if listed is False or profiling:  # either closes the exception, whatever is claimed
            self.excepted = False
        self.annex_iii = _and(listed, not claimed)
        #: Whether the exception hangs on profiling, of which the card does not speak.
        self.unprofiled = bool(listed and claimed and profiling is None)
        if self.unprofiled:
            self.annex_iii = None
        self.high = _or(self.annex_iii, self.product)
        self.only_product = self.product is True and self.annex_iii is not True
        self._ids = {case.id for case in self.cases}

    def is_(self, kind: str | None) -> bool | None:
        """Whether the system is of the kind that a role names."""
        answers = {
            None: True,
            "high-risk": self.high,
            "annex-iii": self.annex_iii,
            "annex-i": self.product,
            "excepted": self.excepted,
            "other": None if self.high is None else not self.high,
        }
        return answers[kind]

    def unsaid(self, kind: str | None) -> str:
        """The keys whose silence leaves a kind of system open."""
        silent = [] if kind == "annex-i" or self.points is not None else ["annex_iii"]
        if kind in ("annex-i", "high-risk", "other"):
            silent += self._product_silence
        if kind == "excepted" and not silent:
            return "art_6_3"
        return " and ".join(silent if kind == "annex-i" or not self.unprofiled else ["profiling", *silent])

    def at(self, role: Role) -> bool | None:
        """Whether its points are among those of the role."""
        if not role.points and not role.except_points:
            return True
        if self.points is None:
            return None
        inside = [not role.points or _among(point, role.points) for point in self.points]
        outside = [_among(point, role.except_points) for point in self.points]
        return any(a and not b for a, b in zip(inside, outside, strict=True))

    def reaches(self, requirement: Requirement, law: Catalogue, role: str) -> bool:
        """Whether an entry binds by this role: by a product of Section B alone, little of what binds high-risk does."""
        if not self.section_b or self.annex_iii is True or requirement.id.startswith(_OF_SECTION_B):
            return True
        return law.pack.roles[role].system not in ("high-risk", "annex-i")

    def concerns(self, requirement: Requirement) -> bool:
        """Whether an entry can bind this system at all: no deleted one, no restatement, no other route or point."""
        if requirement.kind == "deleted" or requirement.see:
            return False
        if requirement.id.startswith("ai-act:annex-iii:") and self.points is not None:
            return requirement.id in self._ids
        if requirement.route == "annex-i":
            return self.product_named or (self.product is None and self.annex_iii is not True)
        if requirement.route == "annex-iii":
            return bool(self.points) or (self.points is None and self.product is not True)
        return True


def _state(name: str, role: Role, card: Mapping[str, Any], system: _System, settled: Mapping[str, bool]) -> bool | str:
    """True or False where the card settles it, else why it is open."""
    silent = role.party == _MODEL and card.get(_MODEL) is None
    if role.party is None or (_absent(card.get(role.party)) and not silent):
        return False
    kind, place = system.is_(role.system), system.at(role)
    said = settled.get(name, settled.get(role.settled_by or name))
    if kind is False or place is False or said is False:
        return False
    if silent:  # what else the role hangs on is asked once there is such a model
        return f"the card does not say {_MODEL}"
    certain = said or any(_among(point, role.certain_at) for point in system.points or ())
    reasons = []
    if kind is None or place is None:
        reasons.append(
            f"{_UNCLASSIFIED[role.system or 'annex-iii']} (the card does not say {system.unsaid(role.system)})"
        )
    if role.condition is not None and not certain:
        reasons.append(f"if {role.condition}")
    return " and ".join(reasons) or True


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


def _among(point: str, points: Sequence[str]) -> bool:
    return any(point == each or point.startswith(f"{each}(") for each in points)


def _and(a: bool | None, b: bool | None) -> bool | None:
    if a is False or b is False:
        return False
    return None if a is None or b is None else True


def _or(a: bool | None, b: bool | None) -> bool | None:
    if a is True or b is True:
        return True
    return None if a is None or b is None else False
