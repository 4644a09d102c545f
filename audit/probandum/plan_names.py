"""Names of a plan that options of suites give: features, columns of the rows, attributes whose groups are compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from probandum.errors import did_you_mean, meant_or_known
from probandum.keywords import Facts, Rule, Wrong


@dataclass(frozen=True, slots=True)
class Names(Rule):
    """A text that names something of the plan: a ``feature`` of the model, a ``column`` of the rows, an ``attribute``.

    An attribute under groups may stand for a column.

    >>> list(Names("feature").beside("agee", Facts(features=("age", "job"))))
    [((), "no feature 'agee', did you mean 'age'?; the model takes: age, job")]
    >>> list(Names("attribute").beside("gender", Facts(attributes=("sex",))))
    [((), "no attribute 'gender' under groups; known: sex")]
    """

    what: Literal["feature", "column", "attribute"]

    def beside(self, value: Any, facts: Facts) -> Wrong:
        """A name that nothing has."""
        text: str | None = None
        if self.what == "attribute":
            if value not in facts.attributes:
                known = meant_or_known(value, facts.attributes) if facts.attributes else ", which the plan leaves out"
                text = f"no attribute {value!r} under groups{known}"
        elif self.what == "feature" and facts.features:
            if value not in facts.features:
                taken = ", ".join(facts.features)
                text = f"no feature {value!r}{did_you_mean(value, facts.features)}; the model takes: {taken}"
        elif self.what == "feature" or value not in facts.attributes:
            text = facts.unread(value)
        if text is not None:
            yield (), text


@dataclass(frozen=True, slots=True)
class Stratifying(Rule):
    """The name of something within whose values groups can still be compared.

    >>> facts = Facts(attributes=("race",), holding={"ethnicity": "race"}, answered=("score",))
    >>> [text for _, text in Stratifying().beside("ethnicity", facts)]
    ["'ethnicity' holds the groups of 'race', and within it none are left to compare; name 'race', or leave it out"]
    >>> [text for _, text in Stratifying().beside("score", facts)]
    ["'score' is what the system answered, and within it nothing is left to compare; leave it out"]
    """

    def beside(self, value: Any, facts: Facts) -> Wrong:
        """A column of answers, or of groups that have another name."""
        if value in facts.attributes:
            return
        if value in facts.answered:
            yield (), f"{value!r} is what the system answered, and within it nothing is left to compare; leave it out"
        elif (attribute := facts.holding.get(value)) is not None:
            told = f"{value!r} holds the groups of {attribute!r}, and within it none are left to compare"
            yield (), f"{told}; name {attribute!r}, or leave it out"


@dataclass(frozen=True, slots=True)
class Crossed(Rule):
    """Of how many attributes crossings are made, ``least`` where the plan does not say it.

    >>> Crossed(2).absent("order", Facts(attributes=("sex",)))
    'a crossing takes 2 attributes under groups, and the plan has 1'
    """

    least: int

    def beside(self, value: Any, facts: Facts) -> Wrong:
        """More than the plan has."""
        if len(facts.attributes) < value:
            yield (), f"a crossing takes {value} attributes under groups, and the plan has {len(facts.attributes)}"

    def absent(self, key: str, facts: Facts) -> str | None:
        """The least is more than the plan has."""
        return next((text for _, text in self.beside(self.least, facts)), None)
