"""Answers of a card that cannot hold together: said, and never resolved, since a person alone knows which is meant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from probandum.law.card_keys import conditions_of, section_of, truth
from probandum.stating import NONE, named, words

#: Words of products, and numbers of acts, by the section of Annex I in which their law stands.
_PRODUCTS: Mapping[str, tuple[str, ...]] = {
    "A": (
        *("toy", "2009/48", "watercraft", "recreational craft", "2013/53", "lift", "2014/33", "explosive", "atex"),
        *("2014/34", "radio", "2014/53", "pressure", "2014/68", "cableway", "2016/424", "protective equipment"),
        *("2016/425", "gaseous", "2016/426", "medical", "2017/745", "in vitro", "2017/746"),
    ),
    "B": (
        *("machinery", "2023/1230", "2006/42", "aviation", "aircraft", "drone", "300/2008", "2018/1139", "vehicle"),
        *("tractor", "motorcycle", "168/2013", "167/2013", "2018/858", "2019/2144", "marine", "2014/90", "rail"),
        "2016/797",
    ),
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


def section_shown(plain: Mapping[str, Any]) -> tuple[str, str] | None:
    """The section of Annex I in which the law that the card names stands, and the word that shows it; None if unclear.

    >>> section_shown({"annex_i": "Regulation (EU) 2023/1230"}), section_shown({"annex_i": "a law"})
    (('B', '2023/1230'), None)
    """
    law = ", ".join(named(plain.get("annex_i")) or ()).lower()
    found = {section: word for section, stems in _PRODUCTS.items() if (word := _first(stems, law))}
    return next(iter(found.items())) if len(found) == 1 else None


def _of_sections(plain: Mapping[str, Any]) -> list[str]:
    said, shown = section_of(plain), section_shown(plain)
    if said is None or shown is None or said == shown[0]:
        return []
    return [f"annex_i_section says {said}, and the law on {shown[1]} stands in Section {shown[0]}"]


def _first(stems: tuple[str, ...], text: str) -> str:
    """The first word of a text that begins with one of the stems; empty where none does. A number is a whole one."""
    found = (re.search(rf"\b{stem}(?!\d)\w*" if stem[0].isdigit() else rf"\b{stem}\w*", text) for stem in stems)
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
