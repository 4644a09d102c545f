"""The keys of a card that classify: what each may say, and how it is read. The card is one of plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from probandum.errors import UnknownName, UsageError
from probandum.law.loading import Catalogue, catalogue
from probandum.stating import named, plainly

#: The conditions of Art. 6(3) that a card may claim.
CONDITIONS = ("a", "b", "c", "d")


def conditions_of(card: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The conditions of Art. 6(3) that a card claims; None where it does not say, empty for none.

    >>> conditions_of({"art_6_3": ["Art. 6(3)(a)", "d"]})
    ('a', 'd')
    """
    found = named(card.get("art_6_3"))
    if found is None:
        return None
    letters = []
    for each in found:
        letter = each.lower().replace(" ", "").removeprefix("art.").removeprefix("6(3)").strip("()")
        if letter not in CONDITIONS:
            raise UnknownName("condition of Art. 6(3)", each, CONDITIONS)
        letters.append(letter)
    return tuple(dict.fromkeys(letters))


def practices_of(card: Mapping[str, Any], law: Catalogue) -> tuple[str, ...] | None:
    """The ids of the practices of Art. 5(1) that a card names; None where it does not say, empty for none.

    >>> from probandum.law import catalogue
    >>> practices_of({"art_5": "Art. 5(1)(f)"}, catalogue()), practices_of({"art_5": "none"}, catalogue())
    (('ai-act:art-5:1:f',), ())
    """
    found = named(card.get("art_5"))
    if found is None:
        return None
    known = {id.rpartition(":")[2]: id for id in law.requirements if id.startswith("ai-act:art-5:1:")}
    ids = []
    for each in found:
        letter = each.lower().replace(" ", "").removeprefix("art.").removeprefix("5(1)").strip("()")
        if letter not in known:
            raise UnknownName("practice of Art. 5(1)", each, known)
        ids.append(known[letter])
    return tuple(dict.fromkeys(ids))


def section_of(card: Mapping[str, Any]) -> str | None:
    """The section of Annex I that the card names, A or B; None where it names none."""
    found = card.get("annex_i_section")
    if found is None:
        return None
    section = str(found).strip().upper().removeprefix("SECTION ")
    if section not in ("A", "B"):
        raise UnknownName("section of Annex I", str(found), ("A", "B"))
    return section


def truth(card: Mapping[str, Any], key: str) -> bool | None:
    """Whether the card says yes or no; None where it says neither."""
    found = card.get(key)
    if found is None or isinstance(found, bool):
        return found
    raise UsageError(f"{key}: expected true or false, got {found!r}", remedy="correct the card")


def settled_roles(card: Mapping[str, Any], law: Catalogue) -> dict[str, bool]:
    """The roles that the card settles, by name: those that hang on a condition; others follow from its other keys."""
    conditional = [name for name, role in law.pack.roles.items() if role.condition is not None]
    said = card.get("roles") or {}
    if isinstance(said, str) or not isinstance(said, Mapping | Sequence):
        raise UsageError(f"roles: expected a list of role names, or name: true or false, got {said!r}")
    pairs = said if isinstance(said, Mapping) else dict.fromkeys(said, True)
    for name, value in pairs.items():
        if name not in conditional:
            raise UnknownName("role", str(name), conditional)
        if not isinstance(value, bool):
            raise UsageError(f"roles.{name}: expected true or false, got {value!r}")
    return dict(pairs)


def card_problem(card: Mapping[str, Any]) -> str | None:
    """What of a card's classifying keys cannot be read, in one line; None where all can."""
    plain, law = plainly(card), catalogue()
    try:
        for point in named(plain.get("annex_iii")) or ():
            law.use_case(point)
        named(plain.get("annex_i"))
        section_of(plain)
        conditions_of(plain)
        practices_of(plain, law)
        settled_roles(plain, law)
        for key in ("profiling", "safety_component", "third_party_assessment"):
            truth(plain, key)
    except UsageError as error:
        return error.lines()[0]
    return None


def product_of(card: Mapping[str, Any]) -> bool | None:
    """Whether the product route is declared: a law of Annex I, and no condition of Art. 6(1) that is denied."""
    conditions = [truth(card, key) for key in ("safety_component", "third_party_assessment")]
    section_of(card)
    products = named(card.get("annex_i"))
    if products is None:
        return None
    return bool(products) and False not in conditions
