"""Practices of Art. 5(1) that a card names: what whoever reads anything about the system is told first.

No class makes a prohibited practice lawful, so what is told here stands before what binds, and on every cover.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from probandum.law.card_keys import practices_of
from probandum.law.loading import Catalogue
from probandum.speech import said
from probandum.stating import plainly


def prohibited(card: Mapping[str, Any], law: Catalogue, as_of: str) -> dict[str, str]:
    """By the id of each practice that the card names: that Art. 5(1) prohibits it, since when or from when.

    >>> from probandum.law import catalogue
    >>> prohibited({"art_5": "ba"}, catalogue(), "2026-11-23")
    {'ai-act:art-5:1:ba': 'The card names a practice of Art. 5(1)(ba), which is prohibited from 2026-12-02.'}
    """
    named = practices_of(plainly(card), law) or ()
    return {
        id: said(
            "The card names a practice of {provision}, which is prohibited {when}.",
            provision=law.get(id).citation,
            when=law.get(id).dates.said(as_of=as_of),
        )
        for id in named
    }


def named(ids: tuple[str, ...], law: Catalogue) -> str:
    """Practices with the days from which they are prohibited, in words that hold on any day.

    >>> from probandum.law import catalogue
    >>> named(("ai-act:art-5:1:f", "ai-act:art-5:1:ba"), catalogue())
    'Art. 5(1)(f), prohibited with effect from 2025-02-02, and of Art. 5(1)(ba), prohibited with effect from 2026-12-02'
    """
    told = (f"{law.get(id).citation}, prohibited with effect from {law.get(id).dates.formal}" for id in ids)
    return ", and of ".join(told)
