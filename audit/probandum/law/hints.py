"""Hints for the person who classifies: uses of Annex III whose words stand in a purpose. No finding follows."""

from __future__ import annotations

import re
from collections.abc import Collection

from probandum.law.entries import UseCase
from probandum.law.loading import Catalogue


def near_uses(purpose: str, law: Catalogue, *, known: Collection[UseCase] = ()) -> tuple[tuple[UseCase, str], ...]:
    """Uses that the purpose shares a word with, and that word; those that the card names already are left out.

    >>> from probandum.law import catalogue
    >>> [(case.point, word) for case, word in near_uses("Ranks job ads", catalogue())]
    [('4(a)', 'job ads')]
    """
    text = purpose.lower()
    found = []
    for case in law.use_cases.values():
        word = next((each for each in case.keywords if re.search(rf"\b{re.escape(each)}\b", text)), None)
        if word is not None and case not in known:
            found.append((case, word))
    return tuple(found)


def about_uses(purpose: str, named: Collection[UseCase], law: Catalogue) -> tuple[str, ...]:
    """The hints as sentences."""
    return tuple(
        f"Hint, no finding: the purpose has the word “{word}” of Annex III {case.point}, {case.title}, which the card "
        "does not name."
        for case, word in near_uses(purpose, law, known=named)
    )
