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
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from probandum.errors import DataError

_COLUMNS = "expected the columns time, grams, low, high, and region where there are several"
#: An offset tells the two hours apart that a clock shows twice when summer ends.
_TIME = "such as 2026-11-28T21:00+00:00, with the offset of that hour"
#: The year 2200, in Unix seconds.
_LATEST = 7_258_118_400.0
#: Rows that stand further apart than this, in steps of most others, leave a gap between them.
_GAP = 1.5
#: Seconds that are no gap: times of today are no finer than a quarter of a microsecond.
_ROUNDING = 1e-3
_Point = tuple[float, float, float, float]


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

    Work that would run where the forecast says nothing is no start.

    >>> day = [Slot(region="", start=i, end=i + 1, grams=g, low=g, high=g) for i, g in enumerate((300.0, 100.0, 200.0))]
    >>> [(each.at, round(each.grams, 1)) for each in starts(day, 1.5, since=0.5)]
    [(0.5, 166.7), (1, 133.3)]
    >>> [each.at for each in starts([day[0], day[2]], 1.0, since=0.0)]
    [0.0, 2]
    """
    for region, its in _by_region(slots).items():
        known = _Integrals(its)
        for at in [since, *(slot.start for slot in its if slot.start > since)]:
            if at + seconds <= before and known.cover(at, at + seconds):
                yield known.start(region, at, seconds)


def _by_region(slots: Sequence[Slot]) -> dict[str, list[Slot]]:
    regions: dict[str, list[Slot]] = {}
    for slot in slots:
        regions.setdefault(slot.region, []).append(slot)
    return regions


class _Integrals:
    """Intensities of one region, added up from its first slot on, so that a mean takes two readings."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        import numpy as np

        edges = np.array([edge for slot in slots for edge in (slot.start, slot.end)])
        self._edges, self._interp = edges, np.interp
        self._sums = {}
        for name in ("grams", "low", "high", "covered"):
            height = [1.0 if name == "covered" else getattr(slot, name) for slot in slots]
            steps = np.zeros(len(edges))
            steps[1::2] = np.array(height) * (edges[1::2] - edges[::2])
            self._sums[name] = np.cumsum(steps)

    def _mean(self, name: str, at: float, end: float) -> float:
        upto, since = self._interp([end, at], self._edges, self._sums[name])
        return float((upto - since) / (end - at))

    def cover(self, at: float, end: float) -> bool:
        """Whether the forecast speaks of all of the time."""
        within = bool(self._edges[0] <= at and end <= self._edges[-1])
        return within and (1 - self._mean("covered", at, end)) * (end - at) < _ROUNDING

    def start(self, region: str, at: float, seconds: float) -> Start:
        """The means over the work."""
        grams, low, high = (self._mean(name, at, at + seconds) for name in ("grams", "low", "high"))
        return Start(region=region, at=at, grams=grams, low=min(low, grams), high=max(high, grams))


def advise(slots: Sequence[Slot], seconds: float, *, since: float, region: str, before: float = math.inf) -> Advice:
    """The least start of all regions beside starting at once in ``region``; DataError where there is no forecast."""
    regions = _by_region(slots)
    if region not in regions:
        known = ", ".join(sorted(regions)) or "none"
        told = f"no region {region!r}" if region else "several regions, and none is said to be yours"
        raise DataError(f"the forecast has {told}", remedy=f"expected --region, one of: {known}")
    if since + seconds > before:
        raise DataError(
            f"work of {seconds / 3600:.2g} h that begins {as_time(since)} is not done by {as_time(before)}",
            remedy="give it a later --before",
        )
    found = list(starts(slots, seconds, since=since, before=before))
    now = next((each for each in found if each.region == region and each.at == since), None)
    if now is None:
        where, its = f" of region {region!r}" if region else "", regions[region]
        raise DataError(
            f"the forecast{where} does not cover {seconds / 3600:.2g} h from {as_time(since)} on",
            remedy=f"it speaks of {as_time(its[0].start)} to {as_time(its[-1].end)}, gaps left out: name a longer one, "
            "or a later --at",
        )
    return Advice(now=now, least=min(found, key=lambda each: (each.grams, each != now, each.at)))


def as_time(seconds: float) -> str:
    """A moment in UTC, to the minute.

    >>> as_time(0)
    '1970-01-01 00:00 UTC'
    """
    return f"{datetime.datetime.fromtimestamp(seconds, datetime.UTC):%Y-%m-%d %H:%M} UTC"


def read_forecast(path: Path, *, error: float | None = None) -> list[Slot]:
    """The slots of a CSV file: ``time`` (ISO 8601 with its offset, or Unix seconds), ``grams``, ``low`` and ``high``.

    Each holds until the next of its region, the last as long as most do; a row that is missing leaves a gap, in which
    nothing is forecast. ``error``: the relative error of a forecast without ``low`` and ``high``. DataError names the
    row that is wrong; rows count from 1 below the header.
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
    if error is not None and (stated := [name for name in ("low", "high") if name in columns]):
        raise DataError(f"{what}: it states its own error, in column {stated[0]!r}", remedy="leave --error out")
    if twice := [name for name in columns if columns.count(name) > 1]:
        raise DataError(f"{what}: twice the column {twice[0]!r}", remedy=_COLUMNS)
    points: dict[str, list[_Point]] = {}
    for number, row in enumerate(rows, 1):
        region, point = _point(row, f"{what}: row {number}", error)
        its = points.setdefault(region, [])
        if its and point[0] <= its[-1][0]:
            raise DataError(
                f"{what}: row {number}: the time does not follow the one before", remedy="times rise within a region"
            )
        its.append(point)
    if short := [region for region, its in points.items() if len(its) < 2] or (not points and [""]):
        raise DataError(f"{what}: fewer than 2 rows{f' of region {short[0]!r}' if short[0] else ''}", remedy=_COLUMNS)
    if all(low == high for its in points.values() for _, _, low, high in its):
        raise DataError(
            f"{what}: low and high are alike in every row",
            remedy="a forecast without an error advises nothing: state how far it may be off",
        )
    return [slot for region, its in points.items() for slot in _slots(region, its)]


def _point(row: Mapping[str, str | None], where: str, error: float | None) -> tuple[str, _Point]:
    """The region of a row, and its time with its three intensities."""
    if None in row:
        raise DataError(f"{where}: more cells than columns", remedy="a decimal comma is none: write 400.5")
    if "region" in row and not (row["region"] or "").strip():
        raise DataError(f"{where}: no region", remedy="name one in every row, or leave the column out")
    at, grams = moment(row["time"], where), _number(row, "grams", where)
    low = _number(row, "low", where) if error is None else grams * (1 - error)
    high = _number(row, "high", where) if error is None else grams * (1 + error)
    if not 0 <= low <= grams <= high:
        raise DataError(f"{where}: expected 0 <= low <= grams <= high, got {low:g}, {grams:g} and {high:g}")
    return (row.get("region") or "").strip(), (at, grams, low, high)


def _slots(region: str, its: Sequence[_Point]) -> Iterator[Slot]:
    """A slot a row, to the next one; the last, and one before a gap, as long as most others."""
    steps = [later[0] - earlier[0] for earlier, later in pairwise(its)]
    usual = statistics.median_low(steps)
    for (at, grams, low, high), step in zip(its, [*steps, usual], strict=True):
        length = step if step <= _GAP * usual else usual
        yield Slot(region=region, start=at, end=at + length, grams=grams, low=low, high=high)


def gaps(slots: Sequence[Slot]) -> int:
    """How often a forecast says nothing for a while, within its regions.

    >>> slots = [Slot(region="", start=i, end=i + 1, grams=1, low=1, high=1) for i in (0, 1, 3)]
    >>> gaps(slots)
    1
    """
    return sum(
        later.start > earlier.end + _ROUNDING for its in _by_region(slots).values() for earlier, later in pairwise(its)
    )


def moment(cell: str | None, where: str) -> float:
    """Unix seconds of a time in ISO 8601 with its offset, or of Unix seconds; DataError names ``where``."""
    text = (cell or "").strip()
    try:
        seconds = float(text)
    except ValueError:
        seconds = _in_zone(text, where).timestamp()
    if not 0 <= seconds < _LATEST:
        raise DataError(f"{where}: {text!r} is no time from 1970 to 2199", remedy="expected seconds, no milliseconds")
    return seconds


def _in_zone(text: str, where: str) -> datetime.datetime:
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise DataError(f"{where}: {text!r} is no time", remedy=_TIME) from None
    if moment.tzinfo is None:
        raise DataError(f"{where}: {text!r} does not say in which zone", remedy=_TIME)
    return moment


def _number(row: Mapping[str, str | None], name: str, where: str) -> float:
    try:
        value = float(row[name] or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{where}: column {name!r} holds {row[name] or ''!r}, expected a number of grams")
    return value
