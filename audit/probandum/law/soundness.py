"""What an entry of the law pack must hold beyond its schema: dates that fit their kind, whom it binds, a source."""

from __future__ import annotations

from probandum.law.entries import Dates, FormField, Milestone, Requirement

#: Of each kind of date: whether the formal, the practical and the day of deletion must be there.
_DAYS = {
    "law": (True, False, False),
    "reading": (True, True, False),
    "deleted": (False, False, True),
    "in-force": (False, False, False),
    "none": (False, False, False),
}


def flaw(entry: object) -> str | None:
    """What is wrong with an entry, in words; None where nothing is, or where it is of a list that binds nobody.

    A reading without both of its days would be printed as a plain date, and a deleted duty would bind.
    """
    if not isinstance(entry, Requirement | Milestone | FormField):
        return None
    for name in ("applies_to", "source"):
        if not getattr(entry, name):
            return f"{name}: expected one at least"
    if isinstance(entry, FormField):
        return None
    if isinstance(entry, Requirement) and (entry.kind == "deleted") != (entry.dates.kind == "deleted"):
        return f"kind is {entry.kind!r} and its dates are of the kind {entry.dates.kind!r}: deleted is both or neither"
    return _of_dates(entry.dates)


def _of_dates(dates: Dates) -> str | None:
    """What is wrong with dates.

    >>> _of_dates(Dates(kind="reading", formal="2026-08-02"))
    "dates: practical: expected a day, as they are of the kind 'reading'"
    """
    for name, wanted in zip(("formal", "practical", "deleted"), _DAYS[dates.kind], strict=True):
        if (getattr(dates, name) is not None) != wanted:
            return f"dates: {name}: expected {'a day' if wanted else 'none'}, as they are of the kind {dates.kind!r}"
    if dates.practical is not None and dates.formal is not None and dates.practical <= dates.formal:
        return f"dates: practical: expected a day after {dates.formal}, got {dates.practical}"
    return None
