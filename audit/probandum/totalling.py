"""The energy of a whole audit: what its probes took together, with its grade, its range and the CO2e of it.

The sum of the metered probes; where no meter read any of them, the estimate of a second opinion; where there is
neither, None with the reasons. The range is a convention for the grade: two meters of one part may lie 5 % apart before
the grade falls (A, B); sampled power was found 35 % wrong (C, Yang, Adamek and Armour 2024); an estimate is taken to be
wrong by a factor of two (D).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from probandum.energy import graded
from probandum.evidence import Reading
from probandum.siting import MISSING, Site
from probandum.units import JOULES_PER_KWH

#: By what factor a figure may be off, either way.
OFF: Mapping[str, float] = {"A": 1.05, "B": 1.05, "C": 1.35, "D": 2.0}
#: The reading that a second opinion made of the whole audit.
SECOND = "audit"
#: Why a reading is dropped where the work that it stands for was done before it began, or elsewhere.
PARTLY = "part of the answers came from an interrupted run or a cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A figure between its least and its most."""

    low: float
    mid: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEnergy:
    """What an audit took, in kWh, and the grams of CO2e of that; None with ``why``, or ``why_no_grams``.

    ``of``: how many of ``probes`` were read; ``left_out``: why the others were not. ``how``: meter and origin of every
    factor, in words. ``notes``: what else is to be known of it.
    """

    kwh: Span | None = None
    grams: Span | None = None
    grade: str = "D"
    of: int = 0
    probes: int = 0
    left_out: tuple[str, ...] = ()
    how: str = ""
    why: str | None = None
    why_no_grams: str | None = None
    notes: tuple[str, ...] = ()


def total(readings: Mapping[str, Reading], site: Site) -> AuditEnergy:
    """What the probes of an audit took together.

    Two readings by counters, of 1.8 MJ each, are one kWh; at 300 g and a PUE of 1.2 these are 360 g:

    >>> from probandum.siting import GridIntensity
    >>> grid = GridIntensity(low=200.0, mid=300.0, high=400.0, year=2024, source="the operator")
    >>> site = Site(grid=grid, pue=(1.2, 1.2, 1.2), pue_declared=True)
    >>> each = Reading(cpu_joules=1.8e6, seconds=9.0, meter="RAPL", grade="B")
    >>> found = total({"a": each, "b": each}, site)
    >>> found.kwh.mid, found.grams.mid, found.grade
    (1.0, 360.0, 'B')
    """
    probes = {name: reading for name, reading in readings.items() if name != SECOND}
    second = readings.get(SECOND)
    read = {name: reading for name, reading in probes.items() if reading.joules is not None}
    counted = read if read or second is None or second.joules is None else {SECOND: second}
    left_out = tuple(f"{name}: {_why(each)}" for name, each in probes.items() if name not in read) if read else ()
    if not counted:
        why = "; ".join(dict.fromkeys(_why(each) for each in readings.values())) or "nothing was metered"
        return AuditEnergy(probes=len(probes), why=why, why_no_grams=why)
    joules = {place: reading.joules or 0.0 for place, reading in enumerate(counted.values())}
    grade = graded(joules, {place: reading.grade for place, reading in enumerate(counted.values())})
    kwh, off = math.fsum(joules.values()) / JOULES_PER_KWH, OFF[grade]
    spanned = Span(low=kwh / off, mid=kwh, high=kwh * off)
    meters = " and ".join(dict.fromkeys(reading.meter for reading in counted.values()))
    how = f"estimated by {meters}, of the whole run" if grade == "D" else f"metered by {meters}, probe by probe"
    return AuditEnergy(
        kwh=spanned,
        grams=_grams(spanned, site),
        grade=grade,
        of=len(read),
        probes=len(probes),
        left_out=left_out,
        how=f"{how}, a factor of {off:g} either way by convention{_factors(site)}",
        why_no_grams=None if site.grid is not None else MISSING["grid"],
        notes=tuple(_beside(read, second)),
    )


def _grams(kwh: Span, site: Site) -> Span | None:
    """At the least, the middle and the most of every factor."""
    if site.grid is None:
        return None
    low, mid, high = site.pue
    return Span(
        low=kwh.low * site.grid.low * low, mid=kwh.mid * site.grid.mid * mid, high=kwh.high * site.grid.high * high
    )


def _factors(site: Site) -> str:
    if site.grid is None:
        return ""
    low, mid, high = site.pue
    facility = f"PUE {mid:g}, as the plan declares" if site.pue_declared else f"PUE {low:g} to {high:g}, a convention"
    grid = site.grid
    return (
        f"; grid {grid.low:.0f}, {grid.mid:.0f} and {grid.high:.0f} g CO2e/kWh, location-based, of {grid.year} "
        f"({grid.source}); {facility}"
    )


def _beside(read: Mapping[str, Reading], second: Reading | None) -> Iterator[str]:
    """Where a second opinion read the same GPU: how far it lies from the counter."""
    ours = [reading.gpu_joules for reading in read.values() if reading.gpu_joules is not None]
    if ours and second is not None and second.gpu_joules is not None:
        share = abs(second.gpu_joules - math.fsum(ours)) / math.fsum(ours)
        yield (
            f"{second.meter} read {second.gpu_joules:.4g} J of the GPU over the whole run, the probes "
            f"{math.fsum(ours):.4g} J: {100 * share:.1f} % apart"
        )


def _why(reading: Reading) -> str:
    return "; ".join(dict.fromkeys(reading.why.values())) or "no reason recorded"
