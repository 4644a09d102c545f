"""The command ``probandum schedule``: when and where work would emit least, by a forecast with its error."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from probandum.cli_plan import Debug
from probandum.errors import DataError, UsageError
from probandum.scheduling import Advice, Start, advise, as_time, gaps, moment, read_forecast
from probandum.units import counted

if TYPE_CHECKING:
    from probandum.record import Record
    from probandum.totalling import AuditEnergy


def schedule(
    forecast: Annotated[Path, typer.Argument(metavar="FORECAST", help="CSV: time, grams, low, high, perhaps region.")],
    run: Annotated[Path | None, typer.Argument(metavar="[RUN]", help="An audit, whose time and energy count.")] = None,
    hours: Annotated[float | None, typer.Option(help="How long the work takes.", min=0.0)] = None,
    kwh: Annotated[float | None, typer.Option(help="What it takes.", min=0.0)] = None,
    region: Annotated[str, typer.Option(help="Where it would run now, where the forecast has several.")] = "",
    at: Annotated[str | None, typer.Option(help="Now, such as 2026-11-28T21:00+00:00.")] = None,
    before: Annotated[str | None, typer.Option(help="When the work must be done.")] = None,
    error: Annotated[float | None, typer.Option(help="The forecast's relative error, where it states none.")] = None,
    debug: Debug = False,
) -> None:
    """When and where the same work would emit least; nothing is advised below the error of the forecast."""
    if error is not None and not 0 < error < 1:
        raise UsageError(f"error: {error:g}", remedy="expected a share of the intensity, above 0 and below 1")
    for name, number in (("hours", hours), ("kwh", kwh)):
        if number is not None and not math.isfinite(number):
            raise UsageError(f"{name}: {number:g}", remedy="expected a number")
    seconds, energy = _work(run, hours, kwh)
    since = time.time() if at is None else moment(at, "at")
    until = float("inf") if before is None else moment(before, "before")
    slots = read_forecast(forecast, error=error)
    found = advise(slots, seconds, since=since, before=until, region=region)
    for line in said(found, energy=energy):
        print(line)
    if missing := gaps(slots):
        print(f"note   the forecast has {counted(missing, 'gap')}; no start that runs into one was weighed")


class Energy(NamedTuple):
    """Kilowatt-hours of the work, how far they may be off, and how they came about."""

    kwh: float
    low: float
    high: float
    how: str


def _work(run: Path | None, hours: float | None, kwh: float | None) -> tuple[float, Energy | None]:
    """Seconds and energy of the work; what is typed comes first."""
    seconds = None if hours is None else hours * 3600
    energy = None if kwh is None else Energy(kwh, kwh, kwh, "as told")
    if run is not None:
        from probandum.record import Record

        record = Record.open(run)
        seconds = _seconds(record) if seconds is None else seconds
        energy = _of_audit(record.energy) if energy is None else energy
    if not seconds:
        raise DataError("how long the work takes is not known", remedy="name an audit, or --hours above 0")
    return seconds, energy


def _seconds(record: Record) -> float | None:
    """How long the audit took; DataError where it was interrupted, and only how long its last part took is known."""
    from probandum.totalling import PARTLY, SECOND

    whole = record.readings.get(SECOND)
    if whole is not None and PARTLY in whole.notes:
        raise DataError(f"{record.folder}: how long it took is not known: {PARTLY}", remedy="give --hours")
    return None if whole is None else whole.seconds


def _of_audit(whole: AuditEnergy) -> Energy | None:
    """What the audit took, with the range of its grade; None where nothing told it."""
    from probandum.totalling import OFF

    if whole.kwh is None:
        return None
    how, off = whole.how.partition(",")[0], f"a factor of {OFF[whole.grade]:g}"
    read = f", {whole.of} of {counted(whole.probes, 'probe')}" if whole.left_out else ""
    return Energy(whole.kwh.mid, whole.kwh.low, whole.kwh.high, f"{how}{read}, grade {whole.grade}, {off} either way")


def said(found: Advice, *, energy: Energy | None) -> Iterator[str]:
    """Both starts, what is saved, and whether anything is advised, line by line."""
    yield f"now    {_start(found.now)}"
    if found.least == found.now:
        yield "advice none: no start in the forecast emits less"
        return
    yield f"least  {_start(found.least)}"
    saved, least, most = found.saved
    yield f"saved  {saved:.0f} g CO2e/kWh ({least:.0f} to {most:.0f}), {100 * saved / found.now.grams:.0f} % of now"
    if energy is not None:
        bounds = [took * grams for took in (energy.low, energy.high) for grams in (least, most)]
        grams = f"{energy.kwh * saved:.3g} g CO2e ({min(bounds):.3g} to {max(bounds):.3g})"
        yield f"work   {energy.kwh:.3g} kWh ({energy.how}): {grams}"
    if found.advised:
        yield f"advice start {_where(found.least)}: even its worst is below the best of now"
    else:
        yield "advice none: the difference is no larger than the error of the forecast"


def _start(start: Start) -> str:
    return f"{_where(start)}: {start.grams:.0f} g CO2e/kWh ({start.low:.0f} to {start.high:.0f})"


def _where(start: Start) -> str:
    return f"{as_time(start.at)}" + (f" in {start.region}" if start.region else "")
