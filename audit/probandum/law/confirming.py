"""What a confirmed class rests on: the answers that classify, kept in the card as they stood when a person confirmed.

A class that was confirmed for other answers is confirmed by nobody. Where the card does not say for which answers it
was, as where a person wrote it by hand, an answer that was stated on a later day with a date of its own tells.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from probandum.law.card_keys import IN_SCOPE
from probandum.law.scope import REASONS
from probandum.stating import Stated, stated, words

#: Where a named person confirms or corrects the proposal, and where the answers stand that lay before them.
CONFIRMED = "classification.confirmed"
ANSWERS = "classification.answers"
#: The answers that lead to a class.
_CLASSIFYING = (
    IN_SCOPE,
    REASONS,
    "purpose",
    "art_5",
    "annex_i",
    "annex_i_section",
    "safety_component",
    "third_party_assessment",
    "annex_iii",
    "profiling",
    "art_6_3",
)


def kept(card: Mapping[str, Any]) -> dict[str, str | None]:
    """What is written beside a confirmation, by path: each answer in words; None takes away what stood there before.

    >>> kept({"annex_iii": "5(b)", "profiling": True, "classification": {"answers": {"art_6_3": "a"}}})
    {'classification.answers.annex_iii': '5(b)', 'classification.answers.profiling': 'yes', \
'classification.answers.art_6_3': None}
    """
    now, before = _answers(card), _before(card) or {}
    return {f"{ANSWERS}.{key}": now.get(key) for key in _CLASSIFYING if key in now or key in before}


def changed(card: Mapping[str, Any]) -> tuple[str, ...]:
    """The keys that say something else than when the class was confirmed; empty where nobody confirmed it.

    >>> said = {"confirmed": {"value": "High-risk", "by": "A", "date": "2026-11-01"}, "answers": {"annex_iii": "4(a)"}}
    >>> changed({"annex_iii": "none", "classification": said}), changed({"annex_iii": "4(a)", "classification": said})
    (('annex_iii',), ())
    >>> later = {"value": "none", "by": "B", "date": "2026-11-02"}
    >>> changed({"annex_iii": later, "classification": {"confirmed": said["confirmed"]}})
    ('annex_iii',)
    """
    confirmed = stated(card, CONFIRMED)
    if confirmed is None:
        return ()
    before, now = _before(card), _answers(card)
    if before is not None:
        return tuple(key for key in _CLASSIFYING if now.get(key) != before.get(key))
    answers = {key: stated(card, key) for key in _CLASSIFYING}
    day = confirmed.on or ""
    return tuple(key for key, said in answers.items() if said is not None and said.own and (said.on or "") > day > "")


def _answers(card: Mapping[str, Any]) -> dict[str, str]:
    """The answers that classify, in words."""
    found = {key: _worded(key, said) for key in _CLASSIFYING if (said := stated(card, key)) is not None}
    return {key: text for key, text in found.items() if text}


def _worded(key: str, said: Stated) -> str:
    """An answer in words; a denial of the Act is as good as who makes it, who is named with it."""
    text = words(said.value)
    return f"{text}, by {said.by}" if key == IN_SCOPE and said.value is False and said.by else text


def _before(card: Mapping[str, Any]) -> dict[str, str] | None:
    """The answers that a class was confirmed for; None where the card does not say."""
    said = stated(card, ANSWERS)
    if said is None or not isinstance(said.value, Mapping):
        return None
    return {str(key): text for key, value in said.value.items() if (text := words(value))}
