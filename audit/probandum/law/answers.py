"""The card's answers as far as they classify a system: each read once, None where the card does not say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from probandum.law.card_keys import conditions_of, practices_of, product_of, section_of, truth
from probandum.law.contradicting import contradictions
from probandum.law.entries import UseCase
from probandum.law.loading import Catalogue
from probandum.law.scope import outside
from probandum.law.steps import Step
from probandum.stating import named, plainly, stated, words


class Answers:
    """What a card answers; UnknownName where it names an unknown point, condition, practice or section."""

    def __init__(self, card: Mapping[str, Any], law: Catalogue) -> None:
        self.card, self.law = card, law
        self.plain: Mapping[str, Any] = plainly(card)
        points = named(self.plain.get("annex_iii"))
        self.cases: tuple[UseCase, ...] = tuple(law.use_case(point) for point in points or ())
        self.listed = None if points is None else bool(points)
        self.profiling = truth(self.plain, "profiling")
        self.conditions = conditions_of(self.plain)
        self.practices = practices_of(self.plain, law)
        self.product = product_of(self.plain)
        self.section = section_of(self.plain)
        self.outside = outside(card)
        self._contradictions = contradictions(self.plain)

    @property
    def listed_high(self) -> bool | None:
        """Whether the listed use makes the system high-risk by what the card says; None where that is open."""
        if not self.listed:
            return self.listed
        if self.profiling or not self.conditions:
            return True
        return None if self.profiling is None else False

    @property
    def points(self) -> str:
        """The points of Annex III that the card names, in words."""
        return ", ".join(case.point for case in self.cases)

    def names(self, party: str) -> bool:
        """Whether the card names somebody there."""
        found = self.plain.get(party)
        return bool(found) and (isinstance(found, Mapping) or bool(named(found)))

    def step(
        self,
        id: str,
        question: str,
        *paths: str,
        reasoning: tuple[str, ...],
        requirements: tuple[str, ...],
        unsettled: tuple[str, ...] = (),
        changes: tuple[str, ...] = (),
    ) -> Step:
        """A step with what the card states at the paths."""
        found = {path: said for path in paths if (said := stated(self.card, path)) is not None}
        told = {path: text for path, said in found.items() if (text := words(said.value))}
        return Step(
            id=id,
            question=question,
            answers=tuple(told.items()),
            silent=tuple(path for path in paths if path not in told),
            reasoning=reasoning,
            requirements=requirements,
            unsettled=(*self._contradictions.get(id, ()), *unsettled),
            changes=changes,
        )
