"""What the card calls columns, their values and classes, and which columns hold codes, whose numbers have no order."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from probandum.finding import Finding
from probandum_reports.messages import said

#: How a probe writes down which class it explains.
_EXPLAINED = re.compile(r"""log-odds of (['"])(.+?)\1(?:;|$)""")


def declared(card: Mapping[str, Any], column: str, key: str) -> str:
    """What the card declares of a column, such as ``source``; empty where it is silent.

    >>> declared({"columns": {"job": "occupation"}}, "job", "name"), declared({}, "job", "name")
    ('occupation', '')
    """
    stated = _of(card, "columns").get(column)
    if isinstance(stated, str) and key == "name":
        return " ".join(stated.split())
    return " ".join(str(stated[key]).split()) if isinstance(stated, Mapping) and stated.get(key) is not None else ""


def called(card: Mapping[str, Any], column: str) -> str:
    """The name of a column: the card's, or its own."""
    return declared(card, column, "name") or column


def meanings(card: Mapping[str, Any], column: str) -> Mapping[str, str]:
    """What each code of a column means; empty of a column that holds no codes.

    >>> meanings({"columns": {"housing": {"values": {1: "for free", 3: "owned"}}}}, "housing")
    {'1': 'for free', '3': 'owned'}
    """
    stated = _of(card, "columns").get(column)
    return _named(stated.get("values")) if isinstance(stated, Mapping) else {}


def coded(card: Mapping[str, Any], column: str) -> bool:
    """Whether a column holds codes whose meanings the card gives: their numbers are names, and none is the higher."""
    return bool(meanings(card, column))


def called_class(card: Mapping[str, Any], label: str) -> str:
    """The name of a class: the card's (``decision.classes``), or as the system writes it.

    >>> called_class({"decision": {"classes": {1: "repaid as agreed"}}}, "1"), called_class({}, "1")
    ('repaid as agreed', '1')
    """
    return _named(_of(card, "decision").get("classes")).get(label, label)


def explained(card: Mapping[str, Any], finding: Finding) -> str:
    """The class that a finding explains, in words."""
    found = _EXPLAINED.search(finding.estimate.design or "")
    return said("the class that is explained") if found is None else f"“{called_class(card, found[2])}”"


def facets(card: Mapping[str, Any], finding: Finding) -> dict[str, str]:
    """The facets of a finding as the card has them: a feature by its name, a code of it by its meaning."""
    stated, feature = dict(finding.facets), finding.facets.get("feature")
    if feature is not None:
        stated["feature"] = called(card, feature)
        if "at" in stated:
            stated["at"] = meanings(card, feature).get(stated["at"], stated["at"])
    return stated


def _of(card: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = card.get(key)
    return found if isinstance(found, Mapping) else {}


def _named(codes: object) -> dict[str, str]:
    """What each of some codes means; none of what is no mapping."""
    return {str(key): " ".join(str(each).split()) for key, each in codes.items()} if isinstance(codes, Mapping) else {}
