"""The classification that a card declares, as far as entries and roles of the law pack hang on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from probandum.law.card_keys import IN_SCOPE, conditions_of, placed, product_of, product_silence, section_of, truth
from probandum.law.entries import ACTS, Requirement, Role
from probandum.law.loading import Catalogue
from probandum.stating import Stated, named

#: What speaks of products of Annex I Section B alone, and all that it leaves to apply to what is high-risk by one.
_SECTION_B = "ai-act:art-2:2"
_OF_SECTION_B = (_SECTION_B, "ai-act:art-6:1", "ai-act:art-60a", "ai-act:art-111:2")


class System:
    """The classification that the card declares; None is: it does not say. ``outside``: who denies all of the Act."""

    def __init__(self, card: Mapping[str, Any], law: Catalogue, *, outside: Stated | None = None) -> None:
        self.outside = outside
        points = named(card.get("annex_iii"))
        self.cases = tuple(law.use_case(point) for point in points or ())
        self._placed = placed(card)
        self.points = None if points is None else tuple(case.point for case in self.cases)
        listed = None if points is None else bool(points)
        self.product = product_of(card)
        self._product_silence = product_silence(card)
        #: Whether a law of Annex I is named, of which the conditions of Art. 6(1) may be unsaid.
        self.product_named = self.product is not False and bool(named(card.get("annex_i")))
        self._section = section_of(card) if self.product_named else None
        conditions, profiling = conditions_of(card), truth(card, "profiling")
        claimed = bool(conditions)
        remarks = [] if listed is not False else ["the use is not listed in Annex III"]
        if outside is not None:
            told = f"outside the scope of the Act, by {outside.by} on {outside.on}, with reasons not examined here"
            remarks.insert(
                0,
                f"{told}: nothing of the Act is counted but what it asks of the provider of a general-purpose model "
                "that the card names, and the GDPR and the law on equal treatment stay",
            )
        elif truth(card, IN_SCOPE) is False:
            remarks.insert(0, "in_scope: denied without reasons, or without who says so and when: counts for nothing")
        if claimed and profiling:
            claimed = False
            remarks.append("art_6_3 is claimed and profiling is declared: Art. 6(3), third subparagraph, closes it")
        elif claimed and listed:
            remarks.append("Art. 6(3) is relied on: the provider's own conclusion (Art. 6(4)), not examined here")
        if self._section == "B":
            remarks.append(
                "Annex I Section B: of the Act only Art. 6(1), 60a and 102 to 112 apply where the system is high-risk "
                "by it alone, see ai-act:art-2:2 [not settled]"
            )
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
        self._of_models = {name for name, role in law.pack.roles.items() if role.party == "gpai"}

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
        """Whether its points are among those of the role; of one of all high-risk systems, or a product of Annex I."""
        if not role.points and not role.except_points:
            return True
        listed = self._among_points(role)
        if role.system != "high-risk":
            return listed
        silent = self.product is None and self.annex_iii is True and not self.product_named  # classified without it
        return _or(listed, False if silent else self.product)

    def _among_points(self, role: Role) -> bool | None:
        if self.points is None:
            return None
        inside = [not role.points or among(point, role.points) for point in self.points]
        outside = [among(point, role.except_points) for point in self.points]
        return any(a and not b for a, b in zip(inside, outside, strict=True))

    def reaches(self, requirement: Requirement, law: Catalogue, role: str) -> bool:
        """Whether an entry binds by this role: by a product of Section B alone, Art. 2(2) leaves little of the Act.

        Of a system outside the Act nothing is left but what binds providers of models, which are no such system.
        """
        other = requirement.act != ACTS["ai-act"]
        if self.outside is not None and not other:
            return role in self._of_models
        if other or requirement.id.startswith(_OF_SECTION_B) or self._section != "B" or self.annex_iii is True:
            return True
        if self.product is True:
            return role in self._of_models
        return law.pack.roles[role].system not in ("high-risk", "annex-i")

    def concerns(self, requirement: Requirement) -> bool:
        """Whether an entry can bind this system at all: none deleted, restated, of another route or point."""
        if requirement.kind == "deleted" or requirement.see:
            return False
        outside = self.outside is not None and requirement.act == ACTS["ai-act"]
        if outside and self._of_models.isdisjoint(requirement.applies_to):
            return False
        if requirement.id.startswith("ai-act:annex-iii:") and self.points is not None:
            return requirement.id in self._ids
        if self._placed and _of_older(requirement) and self._placed >= str(requirement.dates.legacy_before):
            return False
        if requirement.id == _SECTION_B and self._section == "A":
            return False
        if requirement.route == "annex-i":
            return self.product_named or (self.product is None and self.annex_iii is not True)
        if requirement.route == "annex-iii":
            return bool(self.points) or (self.points is None and self.product is not True)
        return True

    @property
    def by_product(self) -> bool:
        """Whether it is high-risk by a product of Annex I or not at all: other dates are those of that route."""
        return self.only_product or (self.annex_iii is False and self.product_named)

    @property
    def spared(self) -> bool:
        """Whether nothing of what binds high-risk systems binds it: outside the Act, by Section B alone, or if none."""
        return self.outside is not None or self.high is False or (self.only_product and self._section == "B")


def _of_older(requirement: Requirement) -> bool:
    """Whether an entry speaks of nothing but what came before a day, such as Art. 111(3) and (4)."""
    return requirement.dates.legacy_by is not None and requirement.dates.legacy_by == requirement.dates.formal


def among(point: str, points: Sequence[str]) -> bool:
    """Whether a point of Annex III is one of these, or of one of these areas."""
    return any(point == each or point.startswith(f"{each}(") for each in points)


def _and(a: bool | None, b: bool | None) -> bool | None:
    if a is False or b is False:
        return False
    return None if a is None or b is None else True


def _or(a: bool | None, b: bool | None) -> bool | None:
    if a is True or b is True:
        return True
    return None if a is None or b is None else False
