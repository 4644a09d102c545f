"""From a card to a proposed classification under the AI Act, step by step, as a pure function of the card.

A proposal and never a verdict: the provider classifies, from the purpose that it intends, and a named person confirms.
That a person looks at the output changes nothing, a sector is no use, and whether there is profiling is for people to
say; what the catalogue knows of a use is printed as a hint.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from probandum.law import following, listed, practices, scoping
from probandum.law.answers import Answers
from probandum.law.binding import bind
from probandum.law.card_keys import PRODUCT_CONDITIONS, product_silence, truth
from probandum.law.confirming import CONFIRMED, changed
from probandum.law.contradicting import section_shown
from probandum.law.hints import near_uses
from probandum.law.loading import Catalogue, catalogue
from probandum.law.scope import parties_in_chain
from probandum.law.steps import Proposal, Step
from probandum.stating import named, stated, words


def classify(card: Mapping[str, Any], *, law: Catalogue | None = None) -> Proposal:
    """What the card's answers lead to; UnknownName where it names an unknown point, condition or practice.

    1. Whether the Act speaks of it; where not, no class follows. 2. The purpose and who answers for the system.
    3. Prohibited practices. 4. The product route, Art. 6(1). 5. The listed uses, Art. 6(2), with profiling and the
    exceptions of Art. 6(3). 6. What these lead to. 7. What follows from it, and what binds whatever the class: models,
    transparency, data protection.
    """
    known = law or catalogue()
    answers = Answers(card, known)
    route = _route(answers)
    steps = (
        scoping.scope(answers),
        _purpose(answers),
        _parties(answers),
        _practices(answers),
        *(_classes(answers) if answers.outside is None else ()),
        route,
        *(following.steps(answers) if answers.outside is None else following.outside(answers)),
    )
    said = stated(card, CONFIRMED)
    confirmed, others = said if said is not None and said.own and words(said.value) else None, changed(card)
    return Proposal(
        steps=steps,
        outcome=route.reasoning[0],
        confirmed=None if others else confirmed,
        overtaken=(confirmed, others) if confirmed is not None and others else None,
        applying=bind(card, law=known).applying,
    )


def _classes(answers: Answers) -> Iterator[Step]:
    """The ways to a class."""
    yield _product(answers)
    yield from listed.steps(answers)
    yield _oversight(answers)


def _purpose(answers: Answers) -> Step:
    rules = answers.law.heads["annex_iii"].rules
    said = answers.plain.get("purpose")
    return answers.step(
        "purpose",
        "What is the system for?",
        "purpose",
        reasoning=(rules["purpose"], rules["sector"]),
        requirements=("ai-act:art-6:2",),
        unsettled=() if said else ("The card states no purpose: without one nothing can be classified.",),
        changes=("Another intended purpose, also one that instructions or promotional material suggest.",),
    )


_BECOMES_PROVIDER = (
    "A deployer, importer, distributor or third party becomes provider by its own name on a high-risk system, by a "
    "substantial modification, or by a purpose that makes a system high-risk."
)


#: Who else may bear duties of the Act where the card's own role is neither provider nor deployer.
_CHAIN = ("importer", "distributor", "authorised_representative")


def _parties(answers: Answers) -> Step:
    missing = [each for each in ("provider", "deployer") if answers.plain.get(each) is None]
    chain = _CHAIN if parties_in_chain(answers.plain, answers.law) else ()
    missing += [each for each in chain if answers.plain.get(each) is None]
    return answers.step(
        "parties",
        "Who answers for it?",
        "role",
        "provider",
        "deployer",
        *chain,
        reasoning=(
            "The provider classifies and documents. Arts 9 to 15 bind it; Arts 26 and 27, among others, the deployer.",
            _BECOMES_PROVIDER,
        ),
        requirements=("ai-act:art-25:1:a", "ai-act:art-25:1:b", "ai-act:art-25:1:c"),
        unsettled=tuple(f"The card names no {each.replace('_', ' ')}." for each in missing),
    )


def _practices(answers: Answers) -> Step:
    if answers.practices is None:
        reasoning = "Nobody has said whether a practice of Art. 5(1) is part of the purpose."
        unsettled: tuple[str, ...] = ("Whether a prohibited practice is at hand: the card does not say (art_5).",)
    elif answers.practices:
        reasoning = (
            f"The card names a practice of {practices.named(answers.practices, answers.law)}, apart from exceptions in "
            "its own letter. No class makes it lawful: a lawyer looks at it before anything else."
        )
        unsettled = ()
    else:
        reasoning = "The card says that no practice of Art. 5(1) is part of the purpose."
        unsettled = ()
    hinted = (case for case, _ in near_uses(words(answers.plain.get("purpose")), answers.law, known=answers.cases))
    near = tuple(trap for case in (*answers.cases, *hinted) for trap in case.traps if "prohibited" in trap)
    return answers.step(
        "practices",
        "Is a practice of Art. 5(1) at hand?",
        "art_5",
        reasoning=(reasoning, *(f"To look at for this use: {trap}." for trap in dict.fromkeys(near))),
        requirements=tuple(answers.practices or ("ai-act:art-5:1:a",)),
        unsettled=unsettled,
    )


def _product(answers: Answers) -> Step:
    plain = answers.plain
    law_named = named(plain.get("annex_i"))
    conditions = {key: truth(plain, key) for key in PRODUCT_CONDITIONS}
    unsettled: list[str] = []
    changes: list[str] = []
    if law_named is None:
        reasoning = "The card does not say whether the system is a product, or a safety component, under Annex I."
        unsettled.append("The product route of Art. 6(1): the card does not say annex_i.")
    elif not law_named:
        reasoning = "The card says that no law of Annex I covers the system as product or safety component."
        changes.append("A product under a law of Annex I that the system is, or is a safety component of.")
    elif answers.product is False:
        denied = " and ".join(key for key, said in conditions.items() if said is False)
        reasoning = f"Both conditions of Art. 6(1) must be met, and the card denies one ({denied})."
        changes.append("Both conditions of Art. 6(1) being met.")
    else:
        met = "says that both" if all(conditions.values()) else "does not say whether both"
        reasoning = f"The card names a law of Annex I, and {met} conditions of Art. 6(1) are met."
        unsettled += [
            f"A condition of Art. 6(1): the card does not say {key}." for key, is_ in conditions.items() if is_ is None
        ]
        if answers.section is None:
            shown = section_shown(plain)
            hint = f" Hint, no finding: the law on {shown[1]} stands in Section {shown[0]}." if shown else ""
            unsettled.append(f"The section of Annex I: the card does not say annex_i_section.{hint}")
    asked = ["annex_i", *(("annex_i_section", *conditions) if law_named else ())]
    requirements = ["ai-act:art-6:1:a", "ai-act:art-6:1:b"]
    if law_named:
        requirements += ["ai-act:art-3:14", "ai-act:art-6:1c"]
    if answers.section == "B":
        requirements.append("ai-act:art-2:2")
    return answers.step(
        "product",
        "Is it a product, or a safety component, under Annex I?",
        *asked,
        reasoning=(reasoning,),
        requirements=tuple(requirements),
        unsettled=tuple(unsettled),
        changes=tuple(changes),
    )


def _oversight(answers: Answers) -> Step:
    return answers.step(
        "oversight",
        "Does a person look at the output?",
        "oversight.measures",
        reasoning=(
            f"{answers.law.heads['annex_iii'].rules['person']} For high-risk systems, oversight is a duty of its own.",
        ),
        requirements=("ai-act:art-14:1",),
    )


def _route(answers: Answers) -> Step:
    """What the answers lead to; the first sentence is the proposal."""
    routes = []
    if answers.listed_high:
        routes.append(f"Art. 6(2) with Annex III {answers.points}")
    if answers.product:
        routes.append(f"Art. 6(1) with Annex I Section {answers.section}")
    open_ones = [*(["annex_iii"] if answers.listed is None else []), *product_silence(answers.plain)]
    if answers.listed_high is None and answers.listed:
        open_ones.insert(0, "profiling")
    claimed = ", ".join(f"({letter})" for letter in answers.conditions or ())
    if answers.outside is not None:
        said = (
            f"Proposed: outside the AI Act, as {answers.outside.by} said on {answers.outside.on} with reasons; the "
            "GDPR and the law on equal treatment stay."
        )
        if answers.names("gpai"):
            said += " So does what the Act asks of the provider of a general-purpose model."
    elif routes:
        said = f"Proposed: high-risk, by {' and by '.join(routes)}."
        if answers.section == "B" and answers.product and not answers.listed_high:
            said += " Of the Act little applies directly to products under Section B; not settled."
    elif open_ones:
        *before, last = open_ones
        keys = f"{', '.join(before)} and {last}" if before else last
        said = f"Open: the card does not say {keys}, without which no class can be proposed."
    elif answers.listed:
        said = (
            f"Proposed: a use of Annex III {answers.points} for which the provider relies on Art. 6(3){claimed}, its "
            "own conclusion, to be documented (Art. 6(4)) and registered (Art. 49(2))."
        )
    else:
        said = (
            "Proposed: no route to high-risk is declared, neither Art. 6(1) nor Art. 6(2); that the system has none is "
            "for the provider to conclude."
        )
    if answers.practices:
        said = (
            f"Before any class: the card names a practice of {practices.named(answers.practices, answers.law)}. {said}"
        )
    return answers.step(
        "route",
        "What do these answers lead to?",
        reasoning=(said, "A proposal from what the card says: a named person confirms or corrects it."),
        requirements=("ai-act:art-6:2",) if answers.product is not True else ("ai-act:art-6:1:a", "ai-act:art-6:2"),
    )
