"""Hints for the person who classifies: uses of Annex III whose words stand in a purpose. No finding follows.

A word of the catalogue that ends in ``*`` stands for all that begin so.
"""

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
    >>> [(case.point, word) for case, word in near_uses("Says who reoffends", catalogue())]
    [('6(d)', 'reoffends')]
    """
    text = purpose.lower()
    found = []
    for case in law.use_cases.values():
        words = (re.search(_pattern(each), text) for each in case.keywords)
        word = next((each.group() for each in words if each), None)
        if word is not None and case not in known:
            found.append((case, word))
    return tuple(found)


def _pattern(word: str) -> str:
    r"""The whole word or words; a star stands for the rest of a word.

    >>> _pattern("job appl*")
    '(?<!\\w)job\\ appl[\\w-]*(?!\\w)'
    """
    inner = r"[\w-]*".join(re.escape(part) for part in word.split("*"))
    return rf"(?<!\w){inner}(?!\w)"


def about_uses(purpose: str, named: Collection[UseCase], law: Catalogue) -> tuple[str, ...]:
    """The hints as sentences."""
    return tuple(
        f"Hint, no finding: the purpose has the word “{word}” of Annex III {case.point}, {case.title}, which the card "
        "does not name."
        for case, word in near_uses(purpose, law, known=named)
    )
