"""The day that a judgement, a document or a table speaks of: one check for every ``--as-of``; and days to come."""

from __future__ import annotations

import datetime
import re

from probandum.errors import UsageError

# datetime reads 20261123 and 2026-W48-1 too, which do not sort as text beside the dates of limits and waivers.
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def to_come(day: str) -> bool:
    """Whether an ISO date has begun nowhere on Earth yet, so that nobody can have said or done a thing on it.

    >>> to_come("2026-01-31"), to_come("9999-12-31")
    (False, True)
    """
    furthest = datetime.timezone(datetime.timedelta(hours=14))  # where each day begins first
    return datetime.date.fromisoformat(day) > datetime.datetime.now(furthest).date()


def said_on(text: str | None, *, label: str = "", remedy: str) -> str:
    """The ISO date on which somebody says they did a thing, by default today (UTC); UsageError where it can be none.

    ``label``: what the error says before the date.

    >>> said_on("2026-11-23", remedy="give the day")
    '2026-11-23'
    """
    found = datetime.datetime.now(datetime.UTC).date().isoformat() if text is None else text
    if _named(found) is None:
        raise UsageError(f"{label}{found!r} is no date", remedy="write it as 2026-11-29")
    if to_come(found):
        raise UsageError(f"{label}{found} is still to come", remedy=remedy)
    return found


def _named(text: str) -> datetime.date | None:
    """The day that a text names in the one form that sorts; None where it names none."""
    try:
        return datetime.date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def as_of_day(text: str, *, started: str | None = None) -> datetime.date:
    """The day that ``text`` names; UsageError where it is no such day, or lies before a record began.

    ``started``: the ISO time at which the record began, where there is one: nothing was known before it. A day to
    come is allowed, to see what will have expired by then.

    >>> as_of_day("2026-11-23", started="2026-11-22T09:30:00+00:00").isoformat()
    '2026-11-23'
    """
    day = _named(text)
    if day is None:
        raise UsageError(f"as-of: expected a date such as 2026-11-23, got {text!r}")
    if started is not None and text < started[:10]:
        raise UsageError(
            f"as-of: {text} lies before {started[:10]}, when the record began", remedy="name that day or a later one"
        )
    return day
