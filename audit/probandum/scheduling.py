"""When and where the same work would emit least, by a forecast of grid intensities with its error.

A forecast says what the grid will emit for a kWh, slot by slot, and how far it may be off. The work runs without a
pause; its emissions are its energy times the mean intensity of the slots it runs in. Errors of the slots of one start
are taken to go together, so that a mean is off as far as its slots are. Another start is advised only where even its
worst is below the best of starting now.
"""

from __future__ import annotations

import csv
import datetime
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from probandum.errors import DataError

_COLUMNS = "expected the columns time, grams, low, high, and region where there are several"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Grams of CO2e for a kWh from ``start`` on, in Unix seconds, to ``end``; ``low`` and ``high`` are its error."""

    region: str
    start: float
    end: float
    grams: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The mean intensity of work that begins in ``region`` at ``at``, in Unix seconds, with its error."""

    region: str
    at: float
    grams: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """Starting now beside the least start. ``advised``: whether it lies below beyond the error of the forecast."""

    now: Start
    least: Start

    @property
    def advised(self) -> bool:
        """Whether even the worst of the least start is below the best of starting now."""
        return self.least.high < self.now.low

    @property
    def saved(self) -> tuple[float, float, float]:
        """Grams for a kWh that are saved: as forecast, at least, at most."""
        now, least = self.now, self.least
        return now.grams - least.grams, now.low - least.high, now.high - least.low


def starts(slots: Sequence[Slot], seconds: float, *, since: float, before: float = math.inf) -> Iterator[Start]:
    """Each start of ``seconds`` of work from ``since`` on that ends ``before``: at once and at the head of every slot.

    >>> day = [Slot(region="", start=i, end=i + 1, grams=g, low=g, high=g) for i, g in enumerate((300.0, 100.0, 200.0))]
    >>> [(each.at, round(each.grams, 1)) for each in starts(day, 1.5, since=0.5)]
    [(0.5, 166.7), (1, 133.3)]
    """
    regions: dict[str, list[Slot]] = {}
    for slot in slots:
        regions.setdefault(slot.region, []).append(slot)
    for region, its in regions.items():
        for at in [since, *(slot.start for slot in its if slot.start > since)]:
            if its[0].start <= at and at + seconds <= min(before, its[-1].end):
                yield _start(region, its, at, seconds)


def _start(region: str, slots: Sequence[Slot], at: float, seconds: float) -> Start:
    within = [(max(0.0, min(slot.end, at + seconds) - max(slot.start, at)) / seconds, slot) for slot in slots]
    return Start(
        region=region,
        at=at,
        grams=sum(part * slot.grams for part, slot in within),
        low=sum(part * slot.low for part, slot in within),
        high=sum(part * slot.high for part, slot in within),
    )


def advise(slots: Sequence[Slot], seconds: float, *, since: float, region: str, before: float = math.inf) -> Advice:
    """The least start of all regions beside starting at once in ``region``; DataError where there is no forecast."""
    found = list(starts(slots, seconds, since=since, before=before))
    now = next((each for each in found if each.region == region and each.at == since), None)
    if now is None:
        where = f" of region {region!r}" if region else ""
        raise DataError(
            f"the forecast{where} does not cover {seconds / 3600:.2g} h from {as_time(since)} on",
            remedy="name a forecast that begins before it and reaches beyond the work, or a later --at",
        )
    return Advice(now=now, least=min(found, key=lambda each: (each.grams, each.at)))


def as_time(seconds: float) -> str:
    """A moment in UTC, to the minute.

    >>> as_time(0)
    '1970-01-01 00:00 UTC'
    """
    return f"{datetime.datetime.fromtimestamp(seconds, datetime.UTC):%Y-%m-%d %H:%M} UTC"


def read_forecast(path: Path, *, error: float | None = None) -> list[Slot]:
    """The slots of a CSV file: ``time`` (ISO 8601 with its offset, or Unix seconds), ``grams``, ``low`` and ``high``.

    Each holds until the next of its region, the last as long as the one before. ``error``: the relative error of a
    forecast without ``low`` and ``high``. DataError names the row that is wrong; rows count from 1 below the header.
    """
    what = f"forecast: {path}"
    try:
        lines = csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline=""), strict=True, skipinitialspace=True)
        columns, rows = lines.fieldnames or (), list(lines)
    except OSError as problem:
        raise DataError(f"{what}: {problem.strerror or problem}", remedy=_COLUMNS) from None
    except (UnicodeDecodeError, csv.Error):
        raise DataError(f"{what}: no CSV file in UTF-8", remedy=_COLUMNS) from None
    needed = ("time", "grams") if error is not None else ("time", "grams", "low", "high")
    if missing := [name for name in needed if name not in columns]:
        hint = "a forecast without its error advises nothing; state one with --error, such as --error 0.15"
        raise DataError(f"{what}: no column {missing[0]!r}", remedy=hint if missing[0] in ("low", "high") else _COLUMNS)
    points: dict[str, list[tuple[float, float, float, float]]] = {}
    for number, row in enumerate(rows, 1):
        where = f"{what}: row {number}"
        at, grams = moment(row["time"], where), _number(row, "grams", where)
        low = _number(row, "low", where) if error is None else grams * (1 - error)
        high = _number(row, "high", where) if error is None else grams * (1 + error)
        if not 0 <= low <= grams <= high:
            raise DataError(f"{where}: expected 0 <= low <= grams <= high, got {low:g}, {grams:g} and {high:g}")
        its = points.setdefault(row.get("region") or "", [])
        if its and at <= its[-1][0]:
            raise DataError(f"{where}: the time does not follow the one before", remedy="times rise within a region")
        its.append((at, grams, low, high))
    if short := [region for region, its in points.items() if len(its) < 2] or (not points and [""]):
        raise DataError(f"{what}: fewer than 2 rows{f' of region {short[0]!r}' if short[0] else ''}", remedy=_COLUMNS)
    return [slot for region, its in points.items() for slot in _slots(region, its)]


def _slots(region: str, its: Sequence[tuple[float, float, float, float]]) -> Iterator[Slot]:
    ends = [at for at, *_ in its[1:]]
    ends.append(its[-1][0] + its[-1][0] - its[-2][0])
    for (at, grams, low, high), end in zip(its, ends, strict=True):
        yield Slot(region=region, start=at, end=end, grams=grams, low=low, high=high)


def moment(cell: str | None, where: str) -> float:
    """Unix seconds of a time in ISO 8601 with its offset, or of Unix seconds; DataError names ``where``."""
    text = (cell or "").strip()
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise DataError(f"{where}: {text!r} is no time", remedy="such as 2026-11-28T21:00+00:00") from None
    if moment.tzinfo is None:
        raise DataError(f"{where}: {text!r} does not say in which zone", remedy="such as 2026-11-28T21:00+00:00")
    return moment.timestamp()


def _number(row: Mapping[str, str | None], name: str, where: str) -> float:
    try:
        value = float(row[name] or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{where}: column {name!r} holds {row[name]!r}, expected a number of grams")
    return value
