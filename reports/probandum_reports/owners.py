"""Whose a limit is, in so few words that they fit the cell which says the limit."""

from __future__ import annotations

from collections.abc import Mapping

from probandum.finding import Judgement
from probandum_reports import judgement_words
from probandum_reports.messages import Spoken, said

#: What kind of authority a limit rests on, by the source that the plan names.
_SOURCES: Mapping[str, str] = Spoken(
    {
        "law": "declared as set by law",
        "standard": "a standard",
        "guideline": "a guideline",
        "foreign-guideline": "foreign guideline, not EU law",
        "convention": "a convention",
        "project": "own tolerance",
    }
)


def whose(limit: str, judgement: Judgement | None) -> str:
    """A ``limit`` in words with what it rests on, who set it and when (ISO date); '' where there is none."""
    if judgement is None:
        return ""
    return said(
        "{limit}, {source}, set by {owner}{dated}",
        limit=limit,
        source=_SOURCES.get(judgement.source, judgement.source),
        owner=judgement_words.owner(judgement),
        dated=judgement_words.dated(judgement),
    )
