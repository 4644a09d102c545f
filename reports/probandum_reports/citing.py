"""Provisions in words: citation, dates, whom they bind, and which text of the law is meant."""

from __future__ import annotations

from probandum.law import catalogue, show


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
    return law.supplier(law.get(requirement))


def dates_of(requirement: str, *, as_of: str) -> str:
    """From when a provision applies; both dates where the practical one is a reading, and the product route's.

    Of a date of the timeline, such as the day on which a template is due, the day alone.

    >>> dates_of("ai-act:annex-iv:2:g", as_of="2026-11-02")
    'from 2027-12-02 (first set for 2026-08-02); on the product route of Annex I, Section A: from 2028-08-02 \
(first set for 2027-08-02)'
    >>> dates_of("ai-act-date:c-72-3", as_of="2026-11-02")
    '2027-09-02 (first set for 2026-02-02)'
    """
    law = catalogue()
    if (milestone := law.timeline.get(requirement)) is not None:
        return milestone.dates.said()
    dates = law.get(requirement).dates
    said = dates.said(as_of=as_of)
    if dates.annex_i is None:
        return said
    return f"{said}; on the product route of Annex I, Section A: {dates.said(as_of=as_of, product_route=True)}"


def law_version() -> str:
    """The text of the law that documents speak of."""
    return catalogue().pack.statement


def law_age(as_of: str) -> str:
    """That the law was last looked at too long before a day; empty where it was not."""
    said = (show.staleness(as_of) or "").removeprefix("warning: ")
    return said and f"{said[:1].upper()}{said[1:]}."


def law_checked() -> str:
    """The day on which the law was last looked at."""
    return str(catalogue().pack.as_of)
