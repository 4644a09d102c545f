"""Which attributes that an audit compares look like special categories of personal data, by their names.

A name proves nothing: a column may hold less or more than it is called. Groups that stand in the texts of probes, and
in no rows of the plan, are known from the findings about them; each word for a group suggests a category of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from probandum.finding import Finding
from probandum_reports.messages import said

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
_EQUALITY = r"sex|gender|female|male|age|nationality|citizenship|foreign\w*|marital\w*|language"
#: The same by words for groups of persons, as texts name them; of a column they would say little.
_WORDS: Mapping[str, str] = {
    "racial or ethnic origin": (
        r"black\w*|white|caucasians?|asians?|(?:afro.?)?americans?|africans?|arab\w*|turk\w*|pol(?:es?|ish)|chinese|"
        r"indian\w*|hispanics?|latin[oax]\w*|roma|romani|gypsy|british|english|german\w*|europeans?|anglo\w*|"
        r"indigenous|aborigin\w*|mexicans?|migrants?|immigrants?|refugees?|foreigners?|south.?asian|east.?asian"
    ),
    "political opinions": r"conservatives?|liberals?|republicans?|democrats?|socialists?|communists?|anarchists?",
    "religious or philosophical beliefs": (
        r"christian\w*|muslims?|islam\w*|jew\w*|hindus?|buddhis\w*|sikhs?|catholics?|protestants?|atheis\w*|"
        r"mormons?|agnostics?|pagans?"
    ),
    "health": (
        r"(?:non.?)?disabled|able.?bodied|blind|deaf|autis\w*|wheelchair\w*|dementia|depress\w*|ill|sick|"
        r"neurodivergent|mute|paralyzed|paraplegic"
    ),
    "sex life or sexual orientation": r"straight|heterosexual\w*|gays?|lesbians?|bisexual\w*|queer|asexual|pansexual",
}
_OF_SEX_AND_AGE = (
    r"(?:fe)?males?|(?:wo)?m[ae]n|girls?|boys?|trans\w*|cis\w*|non.?binary|young\w*|old\w*|elder\w*|aged|mothers?|"
    r"fathers?|married|single|divorced"
)


class Suggested(NamedTuple):
    """What a name suggests, in words, and whether that is a special category or an offence.

    ``of_texts``: the attribute is no column of the plan; texts that probes asked name its groups.
    """

    words: str
    special: bool
    of_texts: bool = False


def suggested(*names: str) -> Suggested:
    """What names of an attribute and of its column suggest.

    >>> suggested("race").words, suggested("prior_convictions").words
    ('racial or ethnic origin, by its name (Art. 9(1) GDPR)', 'offences, by its name (Art. 10 GDPR)')
    >>> suggested("ageGroup").words, suggested("amount").words
    ('no special category by its name; may matter under equality law', 'no special category by its name')
    """
    words = re.sub(r"[^a-z0-9]+", " ", " ".join(re.sub(r"([a-z])([A-Z])", r"\1 \2", name) for name in names).lower())
    found = [category for category, pattern in _NAMED.items() if re.search(rf"\b(?:{pattern})\b", words)]
    if found:
        categories = ", ".join(map(said, found))
        return Suggested(said("{categories}, by its name (Art. 9(1) GDPR)", categories=categories), True)
    if re.search(rf"\b(?:{_OFFENCE})\b", words):
        return Suggested(said("offences, by its name (Art. 10 GDPR)"), True)
    if re.search(rf"\b(?:{_EQUALITY})\b", words):
        return Suggested(said("no special category by its name; may matter under equality law"), False)
    return Suggested(said("no special category by its name"), False)


def of_plan(plan: Mapping[str, Any]) -> dict[str, Suggested]:
    """What names suggest of all attributes by which a plan compares persons, and of inputs that may be special.

    Each attribute says whether its column is an input, where the plan names those.
    """
    ask = plan.get("ask", {})
    inputs = (ask.get("data") or {}).get("features") or ()
    found: dict[str, Suggested] = {}
    for name, group in (ask.get("groups") or {}).items():
        column = str(group.get("column", "")) if isinstance(group, Mapping) else ""
        found[name] = suggested(name, column)
        if inputs:
            found[name] = _used(found[name], (column or name) in inputs)
    for name in inputs:
        if name not in found and (special := suggested(str(name))).special:
            found[str(name)] = _used(special, True)
    return found


def of_record(plan: Mapping[str, Any], findings: Iterable[Finding]) -> dict[str, Suggested]:
    """:func:`of_plan`, and what the groups suggest that findings compare and the plan does not name."""
    return of_plan(plan) | {name: _of_words(groups) for name, groups in in_texts(plan, findings).items()}


def in_texts(plan: Mapping[str, Any], findings: Iterable[Finding]) -> dict[str, list[str]]:
    """The groups of every attribute that the plan does not name, as findings name them.

    Where some comparisons of an attribute may be judged, what is shown beside them (neutral words) is left out.
    """
    of_plan = (plan.get("ask", {}).get("groups") or {}).keys()
    by_attribute: dict[str, list[Finding]] = {}
    for each in findings:
        if each.groups is not None and not of_plan >= {*each.groups.attribute.split("*")}:
            by_attribute.setdefault(each.groups.attribute, []).append(each)
    found: dict[str, list[str]] = {}
    for attribute, about in by_attribute.items():
        judged = [each for each in about if each.groups and each.groups.reference and each.mode == "gate"]
        places = [each.groups for each in judged or about if each.groups]
        names = [name for each in places for name in (each.group, each.reference) if name]
        found[attribute] = list(dict.fromkeys(names))
    return found


def _of_words(groups: Iterable[str]) -> Suggested:
    """What words for groups suggest, category by category.

    >>> _of_words(["gay", "straight", "female", "all texts"]).words
    'groups named in texts; sex life or sexual orientation, by the words (Art. 9(1) GDPR): gay, straight; no special \
category by the words, may matter under equality law: female; no category by the words: all texts'
    """
    by: dict[str, list[str]] = {}
    for group in groups:
        words = re.sub(r"[\W_]+", " ", group.lower())
        categories = [name for name, pattern in _WORDS.items() if re.search(rf"\b(?:{pattern})\b", words)]
        categories += [name for name, pattern in _NAMED.items() if re.search(rf"\b(?:{pattern})\b", words)]
        if not categories:
            plain = re.search(rf"\b(?:{_OF_SEX_AND_AGE}|{_EQUALITY})\b", words) is not None
            categories = ["equality" if plain else "none"]
        for name in dict.fromkeys(categories):
            by.setdefault(name, []).append(group)
    equal, rest = by.pop("equality", []), by.pop("none", [])
    told = [said("groups named in texts")]
    for name, named in by.items():
        category, listed = said(name), ", ".join(named)
        told.append(said("{category}, by the words (Art. 9(1) GDPR): {words}", category=category, words=listed))
    if equal:
        listed = ", ".join(equal)
        told.append(said("no special category by the words, may matter under equality law: {words}", words=listed))
    if rest:
        told.append(said("no category by the words: {words}", words=", ".join(rest)))
    return Suggested("; ".join(told), bool(by), of_texts=True)


def _used(suggestion: Suggested, as_input: bool) -> Suggested:
    """What a name suggests, and whether its column is an input."""
    words = suggestion.words
    told = said("an input; {words}", words=words) if as_input else said("no input; {words}", words=words)
    return Suggested(told, suggestion.special)
