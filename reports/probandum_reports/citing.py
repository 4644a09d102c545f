"""Provisions in words: citation, dates, whom they bind, and which text of the law is meant."""

from __future__ import annotations

from probandum.law import catalogue
from probandum.law.age import stale
from probandum.law.applying import Applying
from probandum.speech import english
from probandum_reports.messages import said


def cited(requirement: str) -> str:
    """The citation with its act.

    >>> cited("ai-act:annex-iv:2:g")
    'AI Act, Annex IV(2)(g)'
    """
    return catalogue().get(requirement).cited


def roles_of(requirement: str) -> str:
    """Whom a provision binds, in words.

    >>> roles_of("gdpr:35:7:c")
    'the controller'
    """
    law = catalogue()
    return english(law.supplier(law.get(requirement)))


def dates_of(requirement: str, *, as_of: str, applying: Applying) -> str:
    """From when a provision applies by what a card says; both dates where the practical one is a reading.

    Of a date of the timeline, such as the day on which a template is due, the day alone.

    >>> dates_of("ai-act:annex-iv:2:g", as_of="2026-11-02", applying=Applying())
    'from 2027-12-02 (first set for 2026-08-02); on the product route of Annex I, Section A: from 2028-08-02 \
(first set for 2027-08-02)'
    >>> dates_of("ai-act-date:c-72-3", as_of="2026-11-02", applying=Applying())
    '2027-09-02 (first set for 2026-02-02)'
    """
    law = catalogue()
    if (milestone := law.timeline.get(requirement)) is not None:
        return milestone.dates.said()
    return applying.when(law.get(requirement), as_of)


def marked(words: str, requirement: str | None) -> str:
    """``words``, marked where the catalogue does not take as settled what a provision says, or when it applies.

    >>> marked("Person who submits", "ai-act:annex-viii:c:2"), marked("Purpose", "ai-act:annex-iv:1:a")
    ('Person who submits [not settled]', 'Purpose')
    """
    entry = catalogue().requirements.get(requirement or "")
    return said("{words} [not settled]", words=words) if entry is not None and entry.verify else words


def law_version() -> str:
    """The text of the law that documents speak of."""
    return english(catalogue().pack.statement)


def gdpr_version() -> str:
    """The text of the GDPR that documents speak of, and the day on which it was last looked at.

    >>> gdpr_version().partition(",")[0]
    'Regulation (EU) 2016/679'
    """
    head = catalogue().heads["gdpr"]
    return said("{text}; last looked at on {day}", text=english(head.statement or ""), day=head.as_of)


def law_age(as_of: str) -> str:
    """That the law was last looked at too long before a day; empty where it was not."""
    told = stale(as_of) or ""
    return told and f"{told[:1].upper()}{told[1:]}."


def law_checked() -> str:
    """The day on which the law was last looked at."""
    return str(catalogue().pack.as_of)
