"""How far the law pack is from a day that is asked about: checked too long before it, or of a text that came later."""

from __future__ import annotations

import datetime

from probandum import speech
from probandum.dates import as_of_day
from probandum.law.loading import Catalogue, catalogue


def staleness(as_of: str, *, law: Catalogue | None = None) -> str | None:
    """A warning where the pack does not fit ``as_of``, else None."""
    told = stale(as_of, law=law)
    return None if told is None else f"warning: {told}"


def stale(as_of: str, *, law: Catalogue | None = None) -> str | None:
    """That the pack is older at ``as_of`` than it says it may grow, or knows no text of that day; None where it fits.

    >>> stale("2026-07-26")
    'the law pack knows the text of the law since 2026-07-27 alone: what applied on 2026-07-26 may have been another'
    """
    pack = (law or catalogue()).pack
    day = as_of_day(as_of)
    if day.isoformat() < pack.law_text:
        return speech.said(
            "the law pack knows the text of the law since {since} alone: what applied on {day} may have been another",
            since=pack.law_text,
            day=as_of,
        )
    age = (day - datetime.date.fromisoformat(pack.as_of)).days
    if age <= pack.stale_after_days:
        return None
    return speech.counted(
        age,
        "the law pack was checked on {checked}, {n} day before {day}; more than {most} is stale: update it, or check "
        "each date in the Official Journal",
        "the law pack was checked on {checked}, {n} days before {day}; more than {most} is stale: update it, or check "
        "each date in the Official Journal",
        checked=pack.as_of,
        day=as_of,
        most=pack.stale_after_days,
    )
