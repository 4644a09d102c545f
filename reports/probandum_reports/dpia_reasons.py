"""Why an assessment of data protection is due: facts of the card, and what rules propose from them.

Art. 35(3) and national lists ask for it; of the nine criteria of WP248, two make a high risk presumed. That is that
guideline's rule of thumb, and a person decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from probandum.document import Cell, Fact, Gap, Node, Table
from probandum_reports.documents import FactLine
from probandum_reports.filling_in import Parts, proposal, states_yes
from probandum_reports.messages import said

#: By key of ``triggers`` in the card: what is asked, with yes or no first, and by which provision.
FACTS: Mapping[str, tuple[str, str]] = {
    "systematic_evaluation": (
        "systematic and extensive automated evaluation of people that decisions with legal or similar effect rest on",
        "gdpr:35:3:a",
    ),
    "large_scale_special": ("special categories or offence data on a large scale", "gdpr:35:3:b"),
    "public_monitoring": ("systematic monitoring of a publicly accessible area on a large scale", "gdpr:35:3:c"),
    "national_list": ("an operation on the list of a national authority; name the Member States", "gdpr:35:4-6"),
    "legislative": (
        "a law under Art. 6(1)(c) or (e) that regulates this operation and was itself assessed; name both",
        "gdpr:35:10",
    ),
}
_GROUNDS: Mapping[str, str] = {
    "systematic_evaluation": "Art. 35(3)(a)",
    "large_scale_special": "Art. 35(3)(b)",
    "public_monitoring": "Art. 35(3)(c)",
    "national_list": "National list",
    "legislative": "Art. 35(10)",
}
#: The nine criteria of WP248 rev.01, in its order.
CRITERIA: Mapping[str, str] = {
    "scoring": "evaluation or scoring of people",
    "automated_decision": "automated decisions with legal or similar significant effect",
    "monitoring": "systematic monitoring",
    "sensitive": "sensitive data, or data of a highly personal nature",
    "large_scale": "processing on a large scale",
    "matching": "data sets matched or combined",
    "vulnerable": "vulnerable people concerned",
    "new_technology": "new technology, or a new use of technology",
    "prevents": "people kept from a right, a service or a contract",
}
_NINE: Mapping[str, tuple[str, str]] = {key: (what, "gdpr:35:1") for key, what in CRITERIA.items()}


def lines() -> Iterable[FactLine]:
    """What is asked of the card: the facts of the law, then the nine criteria."""
    return (*_by_key(FACTS).values(), *_by_key(_NINE).values())


def table(parts: Parts) -> Iterable[Node]:
    """The facts, the nine criteria, and what follows from them as a proposal."""
    found, nine = ({key: parts.filled(line) for key, line in _by_key(of).items()} for of in (FACTS, _NINE))
    rows: list[tuple[Cell, ...]] = [
        (f"{said(_GROUNDS[key])}: {said(FACTS[key][0])}", fact) for key, fact in found.items()
    ]
    rows += [
        (said("Criterion {number} of 9: {criterion}", number=number, criterion=said(CRITERIA[key])), fact)
        for number, (key, fact) in enumerate(nine.items(), 1)
    ]
    yield Table(caption="Facts that speak for an assessment", header=("Ground", "Statement"), rows=tuple(rows))
    follows = (
        (said("Art. 35(3) and national lists"), _by_law(found)),
        (said("The nine criteria of WP248, a guideline"), _by_criteria(nine)),
        (said("Art. 35(10)"), _by_legislation(found["legislative"])),
    )
    proposed = tuple((label, proposal(f"dpia.reasons.{index}", text)) for index, (label, text) in enumerate(follows))
    yield Table(caption="What follows, for a person to accept", header=("Rule", "Proposal"), rows=proposed)


def _by_key(facts: Mapping[str, tuple[str, str]]) -> dict[str, FactLine]:
    """A line for each fact of ``triggers``, by its key."""
    return {
        key: FactLine(
            label=what,
            card=f"triggers.{key}",
            what=said("yes or no, and why: {what}", what=said(what)),
            requirement=requirement,
        )
        for key, (what, requirement) in facts.items()
    }


def _by_law(found: Mapping[str, Fact | Gap]) -> str:
    asked = [states_yes(fact) for key, fact in found.items() if key != "legislative"]
    if True in asked:
        return said("required, by a fact that the card states")
    return said("not settled: the card leaves a fact open") if None in asked else said("not required by these facts")


def _by_criteria(nine: Mapping[str, Fact | Gap]) -> str:
    asked = [states_yes(fact) for fact in nine.values()]
    if asked.count(True) > 1:
        return said("presumed required: more than one criterion is met")
    if None in asked:
        return said("not settled: the card leaves criteria open")
    if True in asked:
        return said("a person decides: one criterion is met")
    return said("no criterion is met: a person records why no assessment is made")


def _by_legislation(fact: Fact | Gap) -> str:
    stated = states_yes(fact)
    if stated is None:
        return said("not settled: the card does not say")
    if stated:
        return said("a person decides: Art. 35(1) to (7) then do not apply unless the Member State says so")
    return said("no such law: Art. 35(1) to (7) apply")
