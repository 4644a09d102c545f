"""Which attributes of a plan look like special categories of personal data, by their names.

A name proves nothing: a column may hold less or more than it is called.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

#: Special categories of Art. 9(1), and offence data of Art. 10, by words that stand in names of columns.
_NAMED: Mapping[str, str] = {
    "racial or ethnic origin": r"rac(?:e|ial)|ethnic\w*|skin|tribe|caste|roma",
    "political opinions": r"politic\w*|partisan\w*|voter?s?|vote[ds]?",
    "religious or philosophical beliefs": r"religio\w*|faith|belief\w*|creed|church|confession",
    "trade-union membership": r"trade unions?|unioni[sz]\w*|union member\w*",
    "genetic data": r"genetic\w*|genom\w*|dna",
    "biometric data": r"biometric\w*|fingerprint\w*|iris|voiceprint\w*",
    "health": r"health\w*|disab\w*|disease\w*|diagnos\w*|illness\w*|medic(?!are)\w*|pregnan\w*|hiv|handicap\w*",
    "sex life or sexual orientation": r"(?:sexual|orientation)\w*|gay|lesbian|lgbt\w*|homosexual\w*",
}
_OFFENCE = r"crim\w*|convict\w*|offence\w*|offense\w*|arrest\w*|recidiv\w*|prison\w*"
#: What is said of a name that suggests none of them.
NO_CATEGORY = "no special category by its name"
_EQUALITY = r"sex|gender|female|male|age|nationality|citizenship|foreign\w*|marital\w*|language"


def suggested(*names: str) -> str:
    """What names of an attribute and of its column suggest.

    >>> suggested("race"), suggested("prior_convictions")
    ('racial or ethnic origin, by its name (Art. 9(1) GDPR)', 'offences, by its name (Art. 10 GDPR)')
    >>> suggested("ageGroup"), suggested("amount")
    ('no special category by its name; may matter under equality law', 'no special category by its name')
    """
    words = re.sub(r"[^a-z0-9]+", " ", " ".join(re.sub(r"([a-z])([A-Z])", r"\1 \2", name) for name in names).lower())
    found = [category for category, pattern in _NAMED.items() if re.search(rf"\b(?:{pattern})\b", words)]
    if found:
        return f"{', '.join(found)}, by its name (Art. 9(1) GDPR)"
    if re.search(rf"\b(?:{_OFFENCE})\b", words):
        return "offences, by its name (Art. 10 GDPR)"
    if re.search(rf"\b(?:{_EQUALITY})\b", words):
        return f"{NO_CATEGORY}; may matter under equality law"
    return NO_CATEGORY


def of_plan(plan: Mapping[str, Any]) -> dict[str, str]:
    """What names suggest of all attributes by which a plan compares persons, and of inputs that may be special.

    Each attribute says whether its column is an input, where the plan names those.
    """
    ask = plan.get("ask", {})
    inputs = (ask.get("data") or {}).get("features") or ()
    found = {}
    for name, group in (ask.get("groups") or {}).items():
        column = str(group.get("column", "")) if isinstance(group, Mapping) else ""
        used = ("an input; " if (column or name) in inputs else "no input; ") if inputs else ""
        found[name] = used + suggested(name, column)
    for name in inputs:
        said = suggested(str(name))
        if name not in found and NO_CATEGORY not in said:
            found[str(name)] = f"an input; {said}"
    return found
