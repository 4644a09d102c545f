"""A reading of energy in words: never a sum without its parts, what they cover, its grade and its caveats."""

from __future__ import annotations

from collections.abc import Iterable

from probandum.evidence import Reading
from probandum.speech import english
from probandum.totalling import AuditEnergy, Span
from probandum_reports import saying
from probandum_reports.messages import Spoken, counted, said

_PARTS = Spoken({"gpu": "GPU", "cpu": "CPU", "dram": "memory"})


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
        return said("estimated {total}: {parts}", total=total, parts=parts)
    if reading.covers:
        return said("{total}: {parts} (covers {covers})", total=total, parts=parts, covers=", ".join(reading.covers))
    return f"{total}: {parts}"


def caveat(reading: Reading) -> str:
    """The grade, the meter, and what the meter itself says of its figures, in sentences.

    >>> caveat(Reading(cpu_joules=1.0, seconds=1.0, meter="model 3", grade="D", notes=("Mind a factor of two.",)))
    'Measurement grade D: estimated from a model of the machine, not measured (model 3). Mind a factor of two.'
    """
    graded = f"{saying.grade(reading.grade)} ({reading.meter})"
    return saying.sentence([graded, *map(english, reading.notes), *_at_rest(reading), *_others(reading)])


def _at_rest(reading: Reading) -> Iterable[str]:
    """What the parts took with nothing asked.

    >>> list(_at_rest(Reading(cpu_joules=9.0, seconds=1.0, meter="RAPL", grade="B", idle_watts=7.25, bare_watts=7.0)))
    ['at rest the parts took 7.25 W with the system loaded, 7.00 W before']
    """
    if reading.idle_watts is not None:
        loaded = saying.amount(reading.idle_watts, "watt")
        if reading.bare_watts is None:
            yield said("at rest the parts took {loaded} with the system loaded", loaded=loaded)
        else:
            told = "at rest the parts took {loaded} with the system loaded, {before} before"
            yield said(told, loaded=loaded, before=saying.amount(reading.bare_watts, "watt"))


def _others(reading: Reading) -> Iterable[str]:
    if reading.others:
        yield said("others on the machine meanwhile: {others}", others=english("; ".join(reading.others)))


def whole(energy: AuditEnergy) -> str:
    """What the whole audit took, with its range, its grade, and what was left out.

    >>> spans = Span(low=0.019, mid=0.02, high=0.021)
    >>> whole(AuditEnergy(kwh=spans, grade="B", of=1, probes=2, left_out=("b: cached",), how="read"))
    '0.0200 kWh (0.0190 to 0.0210), measurement grade B: hardware counters. Read. 1 of 2 probes is left out: b: cached.'
    >>> whole(AuditEnergy(why="no meter"))
    'no value: no meter'
    """
    if energy.kwh is None:
        return f"{saying.no_value()}: {english(energy.why or '')}"
    left = counted(
        len(energy.left_out),
        "{n} of {all} probes is left out: {probes}",
        "{n} of {all} probes are left out: {probes}",
        all=energy.probes,
        probes=english("; ".join(energy.left_out)),
    )
    notes = [english(energy.how), *([left] if energy.left_out else []), *map(english, energy.notes)]
    hours = said("estimated {value}", value=_hours(energy.kwh)) if energy.grade == "D" else _hours(energy.kwh)
    return f"{hours}, {saying.grade(energy.grade)}. {saying.sentence(notes)}"


def _hours(kwh: Span) -> str:
    """In kWh, or in Wh where that is less than a thousandth.

    >>> _hours(Span(low=1e-5, mid=2e-5, high=4e-5))
    '0.0200 Wh (0.0100 to 0.0400)'
    """
    if kwh.mid >= 1e-3:
        return _spanned(kwh, "kilowatt-hour")
    return _spanned(Span(low=1000 * kwh.low, mid=1000 * kwh.mid, high=1000 * kwh.high), "watt-hour")


def emissions(energy: AuditEnergy) -> str:
    """The CO2e of the whole audit, at the least, the middle and the most of every factor.

    >>> emissions(AuditEnergy(grams=Span(low=1.0, mid=2.0, high=4.0))), emissions(AuditEnergy(why_no_grams="no grid"))
    ('2.00 g CO2e (1.00 to 4.00)', 'no value: no grid')
    """
    if energy.grams is None:
        why = energy.why_no_grams or energy.why
        return f"{saying.no_value()}: {english(why) if why else said('no grid is declared')}"
    low, mid, high = saying.figures([energy.grams.low, energy.grams.mid, energy.grams.high], "gram")
    told = said("{mid} g CO2e ({low} to {high})", mid=mid, low=low, high=high)
    return said("estimated {value}", value=told) if energy.kwh is not None and energy.grade == "D" else told


def _spanned(span: Span, unit: str) -> str:
    low, mid, high = saying.figures([span.low, span.mid, span.high], unit)
    return said("{mid} {unit} ({low} to {high})", mid=mid, unit=saying.unit(unit), low=low, high=high)


def coverage(readings: Iterable[Reading]) -> list[str]:
    """What several readings cover and warn of, each said once."""
    metered = [reading for reading in readings if reading.joules is not None]
    covers = dict.fromkeys(part for reading in metered if not _estimated(reading) for part in reading.covers)
    notes = dict.fromkeys(note for reading in metered for note in reading.notes)
    return [*([said("The joules cover {parts}.", parts=", ".join(covers))] if covers else []), *notes]


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
            yield said("{part} model {joules} (a guess for the memory of the whole machine)", part=name, joules=text)
        elif part == "cpu" and reading.covers:
            yield f"{name} {text} ({', '.join(reading.covers)})"
        else:
            yield f"{name} {text}"
