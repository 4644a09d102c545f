"""A reading of energy in words: never a sum without its parts, what they cover, its grade and its caveats."""

from __future__ import annotations

from collections.abc import Iterable

from probandum.evidence import Reading
from probandum_reports import saying

_PARTS = {"gpu": "GPU", "cpu": "CPU", "dram": "memory"}


def took(reading: Reading, *, over: str = "") -> str:
    """The joules with their parts, said to be estimated where no meter read them; '' where there are none.

    ``over`` stands behind the sum, such as how long it took.

    >>> took(Reading(cpu_joules=125.0, dram_joules=1174.0, seconds=118.0, meter="model", grade="D"))
    'estimated 1,299 J: CPU 125 J, memory model 1,174 J (a guess for the memory of the whole machine)'
    >>> took(Reading(cpu_joules=41.0, seconds=3.2, meter="rapl", grade="B"), over="over 3.20 s")
    '41.0 J over 3.20 s: CPU 41.0 J'
    """
    if reading.joules is None:
        return ""
    total = f"{saying.amount(reading.joules, 'joule')} {over}".rstrip()
    if reading.grade == "A" and reading.covers:  # a meter at the wall reads no part of its own
        return f"{total}: {', '.join(reading.covers)}"
    parts = ", ".join(_of_parts(reading))
    if _estimated(reading):
        return f"estimated {total}: {parts}"
    return f"{total}: {parts}" + (f" (covers {', '.join(reading.covers)})" if reading.covers else "")


def caveat(reading: Reading) -> str:
    """The grade, the meter, and what the meter itself says of its figures, in sentences.

    >>> caveat(Reading(cpu_joules=1.0, seconds=1.0, meter="model 3", grade="D", notes=("Mind a factor of two.",)))
    'Measurement grade D: estimated from a model of the machine, not measured (model 3). Mind a factor of two.'
    """
    return saying.sentence([f"{saying.grade(reading.grade)} ({reading.meter})", *reading.notes])


def coverage(readings: Iterable[Reading]) -> list[str]:
    """What several readings cover and warn of, each said once."""
    metered = [reading for reading in readings if reading.joules is not None]
    covers = dict.fromkeys(part for reading in metered if not _estimated(reading) for part in reading.covers)
    notes = dict.fromkeys(note for reading in metered for note in reading.notes)
    return [*([f"The joules cover {', '.join(covers)}."] if covers else []), *notes]


def _estimated(reading: Reading) -> bool:
    return reading.grade == "D"


def _of_parts(reading: Reading) -> Iterable[str]:
    """Each part that was read; what a model covers is said of the part that it is true of, the processor."""
    for part, name in _PARTS.items():
        joules = getattr(reading, f"{part}_joules")
        if joules is None:
            continue
        text = saying.amount(joules, "joule")
        if not _estimated(reading):
            yield f"{name} {text}"
        elif part == "dram":
            yield f"{name} model {text} (a guess for the memory of the whole machine)"
        elif part == "cpu" and reading.covers:
            yield f"{name} {text} ({', '.join(reading.covers)})"
        else:
            yield f"{name} {text}"
