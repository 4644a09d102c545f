"""Names for one explained decision: its columns, values, outcomes and directions, in plain words.

They are called as the card calls them (``columns``, ``decision``), and by their own names where it does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from probandum.dossier import Dossier
from probandum.reasons import Band, Factor, Reasons
from probandum_reports import card_names
from probandum_reports.messages import Spoken, counted, noted, said

#: Words of a passage that is named whole; of a longer one the first and the last.
_WHOLE = 3
#: What is said of a part that is none, in place of a direction.
NO_PART = noted("without any part")
_STRENGTHS: Mapping[Band, str] = {"strong": "strongly", "medium": "somewhat", "weak": "slightly"}
_SPOKEN: Mapping[Band, str] = Spoken({"strong": "strongly", "medium": "somewhat", "weak": "slightly"})
#: Which way a factor points, by whether it moves the answer there and whether that is good for the person.
_WAYS: Mapping[tuple[bool, bool | None], str] = {
    (True, None): noted("toward the decision"),
    (False, None): noted("against the decision"),
    (True, True): noted("for you"),
    (False, False): noted("for you"),
    (True, False): noted("against you"),
    (False, True): noted("against you"),
}


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
            return said("not stated")
        if (meaning := card_names.meanings(self.dossier.card, column).get(value)) is not None:
            return f"“{meaning}”" if quoted else meaning
        unit = self.declared(column, "unit")
        return f"{_grouped(value)} {unit}" if unit else _grouped(value)

    def item(self, factor: Factor, *, whole: bool = False) -> str:
        """A factor with its value: ``duration: 36 months``; of a text the word, or passage, and where it stands.

        A long passage is named by its ends, unless it is wanted ``whole``.
        """
        told = factor.told
        if self.decision.text:
            return f"{f'“{told.name}”' if whole else self.name(told.name)} ({place_of(told.value)})"
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
            return said("thing")
        return said("passage") if self.in_passages else said("word")

    @property
    def in_passages(self) -> bool:
        """Whether a factor of a text is several words together."""
        return not all(each.told.value.startswith("word ") for each in self.decision.factors)

    def things(self, count: int) -> str:
        """So many of them."""
        if not self.decision.text:
            return counted(count, "{n} thing", "{n:,} things")
        if self.in_passages:
            return counted(count, "{n} passage", "{n:,} passages")
        return counted(count, "{n} word", "{n:,} words")

    def outcome(self, label: str) -> str:
        """What is decided where the system answers ``label``."""
        favourable = self._favourable(label)
        if favourable is None:
            return said("the answer “{answer}”", answer=self.label(label))
        stated = self.outcomes.get("favourable" if favourable else "unfavourable")
        if stated:
            return " ".join(str(stated).split())
        if favourable:
            return said("favourable to you (answer “{answer}”)", answer=self.label(label))
        return said("not favourable to you (answer “{answer}”)", answer=self.label(label))

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
        return said(self._way(weight))

    def _way(self, weight: float) -> str:
        return NO_PART if weight == 0 else _WAYS[weight > 0, self.decision.favourable]

    @property
    def ways(self) -> tuple[str, str]:
        """What a step to higher and to lower estimates of the class that is shown is for."""
        higher = self.direction(self.turn)
        return higher, self.direction(-self.turn)

    @property
    def shown(self) -> str:
        """What is estimated."""
        own = said("the probability of “{answer}” as the system sees it", answer=self.label(self.decision.shown))
        return " ".join(str(self.outcomes.get("estimate") or own).split())

    def strength(self, bands: tuple[Band, Band]) -> str:
        """How strong: one band, or two where the spread allows both."""
        weakest, strongest = (_SPOKEN[each] for each in bands)
        return weakest if weakest == strongest else said("{low} to {high}", low=weakest, high=strongest)

    def part(self, factor: Factor) -> str:
        """Strength and direction of a factor."""
        strength, way = self.strength(factor.bands), self.direction(factor.weight.value)
        return said("{strength} {direction}", strength=strength, direction=way)

    def key(self, factor: Factor) -> str:
        """The same as the end of a path, which is the same in every language."""
        words = " to ".join(dict.fromkeys(_STRENGTHS[each] for each in factor.bands))
        return f"{words[:1].upper()}{words[1:]} {self._way(factor.weight.value)}"


def place_of(value: str) -> str:
    """Where a word or passage stands in its text, which a reasoner says in English.

    >>> place_of("word 3"), place_of("words 3 to 5")
    ('word 3', 'words 3 to 5')
    """
    _, *numbers = value.split()
    if not numbers:
        return value
    first, *more = numbers
    return said("words {first} to {last}", first=first, last=more[-1]) if more else said("word {n}", n=first)


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
