"""Names for one explained decision: its columns, values, outcomes and directions, in plain words.

They are called as the card calls them (``columns``, ``decision``), and by their own names where it does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from probandum.dossier import Dossier
from probandum.reasons import Band, Factor, Reasons

_STRENGTH: Mapping[Band, str] = {"strong": "strongly", "medium": "somewhat", "weak": "slightly"}


class DecisionNames:
    """What the decision of a dossier, and what it rests on, is called."""

    def __init__(self, dossier: Dossier) -> None:
        assert dossier.decision is not None
        self.decision: Reasons = dossier.decision
        self.dossier = dossier
        columns, outcomes = dossier.card.get("columns"), dossier.card.get("decision")
        self.columns: Mapping[str, Any] = columns if isinstance(columns, Mapping) else {}
        self.outcomes: Mapping[str, Any] = outcomes if isinstance(outcomes, Mapping) else {}

    # Names.

    def name(self, column: str) -> str:
        """What a column is called."""
        said = self.declared(column, "name")
        return said or (f"“{column}”" if self.decision.text else column.replace("_", " "))

    def value(self, column: str, value: str, *, quoted: bool = False) -> str:
        """What a value of it means; within a sentence meanings of codes are ``quoted``."""
        if value in ("", "nan"):
            return "not stated"
        meanings = self.columns[column].get("values") if isinstance(self.columns.get(column), Mapping) else None
        if isinstance(meanings, Mapping) and value in meanings:
            said = " ".join(str(meanings[value]).split())
            return f"“{said}”" if quoted else said
        unit = self.declared(column, "unit")
        return f"{_grouped(value)} {unit}" if unit else _grouped(value)

    def item(self, factor: Factor) -> str:
        """A factor with its value: ``duration: 36 months``; of a text the word and where it stands."""
        told = factor.told
        if self.decision.text:
            return f"{self.name(told.name)} ({told.value})"
        return f"{self.name(told.name)}: {self.value(told.name, told.value)}"

    def declared(self, column: str, key: str) -> str:
        """What the card declares of a column, such as ``source``; empty where it is silent."""
        said = self.columns.get(column)
        if isinstance(said, str) and key == "name":
            return " ".join(said.split())
        return " ".join(str(said[key]).split()) if isinstance(said, Mapping) and said.get(key) is not None else ""

    def outcome(self, label: str) -> str:
        """What is decided where the system answers ``label``."""
        favourable = self._favourable(label)
        if favourable is None:
            return f"the answer “{label}”"
        said = self.outcomes.get("favourable" if favourable else "unfavourable")
        if said:
            return " ".join(str(said).split())
        return f"{'favourable' if favourable else 'not favourable'} to you (answer “{label}”)"

    def _favourable(self, label: str) -> bool | None:
        own = self.decision.favourable
        if own is None or label == self.decision.label:
            return own
        if len(self.decision.answer.labels) == 2:
            return not own
        declared = (self.dossier.plan.get("ask", {}).get("decision") or {}).get("favourable")
        return None if declared is None else str(declared) == label

    # Directions.

    @property
    def turn(self) -> float:
        """1 where log-odds of the decision are those of the class that is shown, -1 where they are of the other one."""
        return 1.0 if self.decision.label == self.decision.shown else -1.0

    def direction(self, weight: float) -> str:
        """Which way a factor points.

        For or against the person, where the plan says which decision is good for them; toward or against the decision.
        """
        toward = weight > 0
        said = f"{'toward' if toward else 'against'} the decision"
        if self.decision.favourable is None:
            return said
        return f"{'for' if toward == self.decision.favourable else 'against'} you"

    @property
    def ways(self) -> tuple[str, str]:
        """What a step to higher and to lower estimates of the class that is shown is for."""
        higher = self.direction(self.turn)
        return higher, self.direction(-self.turn)

    @property
    def shown(self) -> str:
        """What is estimated."""
        said = self.outcomes.get("estimate")
        return " ".join(str(said or f"the probability of “{self.decision.shown}” as the system sees it").split())

    def strength(self, bands: tuple[Band, Band]) -> str:
        """How strong: one band, or two where the spread allows both."""
        weakest, strongest = (_STRENGTH[each] for each in bands)
        return weakest if weakest == strongest else f"{weakest} to {strongest}"

    def part(self, factor: Factor) -> str:
        """Strength and direction of a factor."""
        return f"{self.strength(factor.bands)} {self.direction(factor.weight.value)}"


def _grouped(value: str) -> str:
    """A number of five digits and more with its thousands apart.

    >>> _grouped("12000"), _grouped("9055"), _grouped("A12"), _grouped("1234567.5")
    ('12,000', '9055', 'A12', '1,234,567.5')
    """
    whole, point, rest = value.partition(".")
    return f"{int(whole):,}{point}{rest}" if whole.isdecimal() and len(whole) > 4 else value
