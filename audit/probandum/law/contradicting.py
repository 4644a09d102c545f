"""Answers of a card that cannot hold together: said, and never resolved, since a person alone knows which is meant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from probandum.law.card_keys import conditions_of, section_of, truth
from probandum.stating import NONE, named, words

#: Words of products, by the section of Annex I in which their law stands.
_PRODUCTS: Mapping[str, tuple[str, ...]] = {
    "A": ("toy", "lift", "radio", "medical", "watercraft", "pressure", "cableway", "protective equipment", "gaseous"),
    "B": ("machinery", "aviation", "vehicle", "marine", "rail"),
}


def contradictions(plain: Mapping[str, Any]) -> Mapping[str, tuple[str, ...]]:
    """What of a card of plain values contradicts itself, by the step of the classification that it concerns.

    >>> contradictions({"annex_i": "none", "safety_component": True})["product"]
    ('The card contradicts itself: annex_i says that there is no such product, and safety_component says yes.',)
    """
    found = {
        "parties": _of_roles(plain),
        "product": [*_of_sections(plain), *_of_conditions(plain)],
        "use": _of_exceptions(plain),
        "data_protection": _of_data(plain),
    }
    return {step: tuple(f"The card contradicts itself: {said}." for said in told) for step, told in found.items()}


def _of_roles(plain: Mapping[str, Any]) -> list[str]:
    own = re.match(r"(provider and deployer|provider|deployer)\b", words(plain.get("role")).lower())
    parties = [] if own is None else own[1].split(" and ")
    return [f"role says {each}, and {each} says that there is none" for each in parties if _is_none(plain.get(each))]


def _of_sections(plain: Mapping[str, Any]) -> list[str]:
    section, law = section_of(plain), ", ".join(named(plain.get("annex_i")) or ()).lower()
    if section is None:
        return []
    other = "B" if section == "A" else "A"
    ours, theirs = (_first(_PRODUCTS[each], law) for each in (section, other))
    if ours or not theirs:
        return []
    return [f"annex_i_section says {section}, and the law on {theirs} stands in Section {other}"]


def _first(stems: tuple[str, ...], text: str) -> str:
    """The first word of a text that begins with one of the stems; empty where none does."""
    found = (re.search(rf"\b{stem}\w*", text) for stem in stems)
    return next((each.group() for each in found if each), "")


def _of_conditions(plain: Mapping[str, Any]) -> list[str]:
    keys = ("safety_component", "third_party_assessment")
    met = [key for key in keys if truth(plain, key)]
    if named(plain.get("annex_i")) != () or not met:
        return []
    return [f"annex_i says that there is no such product, and {' and '.join(met)} says yes"]


def _of_exceptions(plain: Mapping[str, Any]) -> list[str]:
    if not conditions_of(plain) or named(plain.get("annex_iii")) != ():
        return []
    return ["art_6_3 claims an exception for a listed use, and annex_iii says that there is none"]


def _of_data(plain: Mapping[str, Any]) -> list[str]:
    said = words(plain.get("personal_data"))
    if not said or re.match(r"(none|no|nothing)\b", said.lower()) or not _is_none(plain.get("controller")):
        return []
    return ["personal_data says which are processed, and controller says that there is none"]


def _is_none(party: object) -> bool:
    return party is False or (isinstance(party, str) and party.strip().lower() in NONE)
