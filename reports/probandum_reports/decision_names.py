"""Names for one explained decision: its columns, values, outcomes and directions, in plain words.

They are called as the card calls them (``columns``, ``decision``), and by their own names where it does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from probandum.dossier import Dossier
from probandum.reasons import Band, Factor, Reasons
from probandum_reports import card_names

#: Words of a passage that is named whole; of a longer one the first and the last.
_WHOLE = 3
#: What is said of a part that is none, in place of a direction.
NO_PART = "without any part"
_STRENGTH: Mapping[Band, str] = {"strong": "strongly", "medium": "somewhat", "weak": "slightly"}


class DecisionNames:
    """What the decision of a dossier, and what it rests on, is called."""

    def __init__(self, dossier: Dossier) -> None:
        assert dossier.decision is not None
        self.decision: Reasons = dossier.decision
        self.dossier = dossier
        outcomes = dossier.card.get("decision")
        self.outcomes: Mapping[str, Any] = outcomes if isinstance(outcomes, Mapping) else {}

    # Names.

    def name(self, column: str) -> str:
        """What a column is called."""
        if self.decision.text:
            return f"“{passage(column)}”"
        return self.declared(column, "name") or column.replace("_", " ")

    def value(self, column: str, value: str, *, quoted: bool = False) -> str:
        """What a value of it means; within a sentence meanings of codes are ``quoted``."""
        if value in ("", "nan"):
            return "not stated"
        if (said := card_names.meanings(self.dossier.card, column).get(value)) is not None:
            return f"“{said}”" if quoted else said
        unit = self.declared(column, "unit")
        return f"{_grouped(value)} {unit}" if unit else _grouped(value)

    def item(self, factor: Factor, *, whole: bool = False) -> str:
        """A factor with its value: ``duration: 36 months``; of a text the word, or passage, and where it stands.

        A long passage is named by its ends, unless it is wanted ``whole``.
        """
        told = factor.told
        if self.decision.text:
            return f"{f'“{told.name}”' if whole else self.name(told.name)} ({told.value})"
        return f"{self.name(told.name)}: {self.value(told.name, told.value)}"

    def declared(self, column: str, key: str) -> str:
        """What the card declares of a column, such as ``source``; empty where it is silent."""
        return card_names.declared(self.dossier.card, column, key)

    def in_order(self) -> list[Factor]:
        """The words or passages of a text as they stand in it, which the value of each says: ``words 3 to 5``."""
        return sorted(self.decision.factors, key=lambda each: int(each.told.value.split()[1]))

    @property
    def thing(self) -> str:
        """What one factor is: of a long text several words together."""
        if not self.decision.text:
            return "thing"
        return "word" if all(each.told.value.startswith("word ") for each in self.decision.factors) else "passage"

    def outcome(self, label: str) -> str:
        """What is decided where the system answers ``label``."""
        favourable = self._favourable(label)
        if favourable is None:
            return f"the answer “{self.label(label)}”"
        said = self.outcomes.get("favourable" if favourable else "unfavourable")
        if said:
            return " ".join(str(said).split())
        return f"{'favourable' if favourable else 'not favourable'} to you (answer “{self.label(label)}”)"

    def label(self, label: str) -> str:
        """What an answer is called."""
        return card_names.called_class(self.dossier.card, label)

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
        What is 0 points nowhere.
        """
        if weight == 0:
            return NO_PART
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
        own = f"the probability of “{self.label(self.decision.shown)}” as the system sees it"
        return " ".join(str(said or own).split())

    def strength(self, bands: tuple[Band, Band]) -> str:
        """How strong: one band, or two where the spread allows both."""
        weakest, strongest = (_STRENGTH[each] for each in bands)
        return weakest if weakest == strongest else f"{weakest} to {strongest}"

    def part(self, factor: Factor) -> str:
        """Strength and direction of a factor."""
        return f"{self.strength(factor.bands)} {self.direction(factor.weight.value)}"


def passage(text: str) -> str:
    """Words of a text, of more than three the first and the last.

    >>> passage("the quick fox"), passage("the quick brown fox")
    ('the quick fox', 'the … fox')
    """
    words = text.split()
    return text if len(words) <= _WHOLE else f"{words[0]} … {words[-1]}"


def _grouped(value: str) -> str:
    """A number of five digits and more with its thousands apart.

    >>> _grouped("12000"), _grouped("9055"), _grouped("A12"), _grouped("1234567.5")
    ('12,000', '9055', 'A12', '1,234,567.5')
    """
    whole, point, rest = value.partition(".")
    return f"{int(whole):,}{point}{rest}" if whole.isdecimal() and len(whole) > 4 else value
