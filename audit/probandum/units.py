"""The units that metrics are declared in: what they can hold, and the unit of a difference.

A metric that subtracts is declared so: ``share`` lies from 0 to 1, ``share difference`` from -1 to 1. The
estimates of both carry the unit ``share``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

JOULES_PER_WATT_HOUR = 3600.0
JOULES_PER_KWH = 1000 * JOULES_PER_WATT_HOUR
_DIFFERENCE = " difference"
_NOT_NEGATIVE = (0.0, math.inf)
#: Units that cannot hold every number; all others can.
_RANGES: Mapping[str, tuple[float, float]] = {
    "share": (0.0, 1.0),
    "ratio": _NOT_NEGATIVE,
    "gigaflop": _NOT_NEGATIVE,
    "gram": _NOT_NEGATIVE,
    "joule": _NOT_NEGATIVE,
    "watt-hour": _NOT_NEGATIVE,
    "second": _NOT_NEGATIVE,
    "samples": _NOT_NEGATIVE,
    "median deviation": _NOT_NEGATIVE,
}


def difference_of(unit: str) -> str:
    """The unit of a difference of two quantities of ``unit``, such as a change against a baseline."""
    return unit + _DIFFERENCE


def estimated_in(unit: str) -> str:
    """The unit that estimates of a metric declared in ``unit`` carry.

    >>> estimated_in("share difference"), estimated_in("ratio")
    ('share', 'ratio')
    """
    return unit.partition(_DIFFERENCE)[0]


def range_of(unit: str) -> tuple[float, float]:
    """The lowest and the highest number that a quantity of ``unit`` can be; a difference spans both ways.

    >>> range_of("share"), range_of("share difference"), range_of("ratio"), range_of("ratio difference")
    ((0.0, 1.0), (-1.0, 1.0), (0.0, inf), (-inf, inf))
    """
    if unit.endswith(_DIFFERENCE):
        low, high = range_of(unit.removesuffix(_DIFFERENCE))
        return low - high, high - low
    return _RANGES.get(unit, (-math.inf, math.inf))


def range_in_words(unit: str) -> str:
    """What :func:`range_of` says, in words.

    >>> range_in_words("share"), range_in_words("ratio"), range_in_words("logit")
    ('from 0 to 1', '0 or more', 'any number')
    """
    low, high = range_of(unit)
    if math.isinf(high):
        return "any number" if math.isinf(low) else f"{low:g} or more"
    return f"from {low:g} to {high:g}"


def counted(number: int, what: str) -> str:
    """So many of a thing, in words.

    >>> counted(1, "row"), counted(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def so_many(number: int, things: str) -> str:
    """So many of things that are called in the plural, such as those of a group; no number where there are none.

    >>> so_many(0, "rows"), so_many(1, "persons among the positives")
    ('no rows', '1 person among the positives')
    """
    first, *more = things.split(" ")
    return " ".join(["no" if number == 0 else f"{number:,}", first.removesuffix("s") if number == 1 else first, *more])
