"""The log of a meter at the wall: read whole, refused where it is none, and integrated over a window."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from probandum.crowding import Company, Crowd
from probandum.errors import DataError
from probandum.evidence import Reading

#: How many of the last rows say how often the meter writes, and the most seconds that its next row is waited for.
_STEPS, _LONGEST = 10, 30.0


class ExternalLog:
    """The log of a meter at the wall, a CSV with the columns ``time`` (Unix seconds) and ``watts``: grade A.

    It is read when a window ends; the window must lie within it, or there is no reading. DataError where it is no
    such log when the audit begins.
    """

    reads = True
    sampled = False

    def __init__(self, path: Path, crowd: Crowd | None = None) -> None:
        self._path = path
        self._crowd = crowd
        read_log(path)

    def begin(self) -> object:
        """The clock time now, since the log goes by it."""
        there = None if self._crowd is None else self._crowd.now()
        return (time.time(), time.perf_counter(), there)

    def temperatures(self) -> Mapping[str, float]:
        """None: a meter at the wall tells no temperature."""
        return {}

    def look(self) -> None:
        """Nothing: the log is written by the meter."""

    def end(self, token: object) -> Reading:
        """Watts integrated over the window by trapezoids; None with the reason where the log broke since."""
        assert isinstance(token, tuple)
        started, began, there = token
        seconds = time.perf_counter() - began
        company = Company() if self._crowd is None else self._crowd.since(there)
        why = dict.fromkeys(("gpu", "dram"), "the meter at the wall does not tell parts apart")
        try:
            joules = _integrated(self._written(started + seconds), started, seconds)
            missing = f"{self._path.name} does not cover this window"
        except DataError as error:
            joules, missing = None, error.message
        if joules is None:
            why["cpu"] = missing
        return Reading(
            cpu_joules=joules,
            why=why,
            seconds=seconds,
            meter=f"external log {self._path.name}",
            grade="A" if joules is not None else "D",
            covers=("the whole machine at the wall",) if joules is not None else (),
            others=company.said if joules is not None else (),
            others_share=company.share if joules is not None else None,
            notes=("The joules of the whole machine are entered under cpu.",),
        )

    def _written(self, until: float) -> list[tuple[float, float]]:
        """The log once it reaches ``until``: the next row of a meter that still writes is waited for."""
        rows = read_log(self._path)
        step = max(later[0] - earlier[0] for earlier, later in pairwise(rows[-_STEPS:]))
        patience = time.monotonic() + min(2 * step, _LONGEST)
        alive = until - rows[-1][0] <= 2 * step
        while alive and rows[-1][0] < until and time.monotonic() < patience:
            time.sleep(min(step / 4, 0.25))
            rows = read_log(self._path)
        return rows


def read_log(path: Path) -> list[tuple[float, float]]:
    """Unix seconds and watts of a meter's log, row by row; DataError names the file and the row that is wrong.

    Rows count from 1 below the header; times rise, watts are 0 or more, and there are at least two rows.

    A last line without its end is left out: the meter is still writing it.
    """
    import csv
    import io

    what = f"energy.log: {path}"
    try:
        text = path.read_text("utf-8-sig")
        whole = io.StringIO(text[: text.rfind("\n") + 1], newline="")
        lines = csv.DictReader(whole, strict=True, skipinitialspace=True)
        columns = lines.fieldnames or ()
        rows = list(lines)
    except FileNotFoundError:
        raise DataError(f"{what}: no such file", remedy="start the meter before the audit") from None
    except OSError as error:
        raise DataError(f"{what}: {error.strerror or error}", remedy="check the path in the plan") from None
    except (UnicodeDecodeError, csv.Error):
        raise DataError(f"{what}: no CSV file in UTF-8", remedy="expected the columns time and watts") from None
    for name in ("time", "watts"):
        if columns.count(name) != 1:
            found = "no column" if name not in columns else "twice the column"
            raise DataError(f"{what}: {found} {name!r}", remedy=f"found: {', '.join(columns) or 'nothing'}")
    numbers: list[tuple[float, float]] = []
    for number, row in enumerate(rows, 1):
        at, watts = (_finite(row[name], f"{what}: row {number}: column {name!r}") for name in ("time", "watts"))
        if numbers and at <= numbers[-1][0]:
            raise DataError(
                f"{what}: row {number}: the time {at!r} does not follow {numbers[-1][0]!r}",
                remedy="times rise from row to row, in Unix seconds",
            )
        if watts < 0:
            raise DataError(f"{what}: row {number}: {watts:g} watts, expected 0 or more")
        numbers.append((at, watts))
    if len(numbers) < 2:
        raise DataError(f"{what}: fewer than 2 whole rows", remedy="start the meter before the audit")
    return numbers


def _finite(cell: str | None, where: str) -> float:
    try:
        value = float(cell or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{where} holds {cell or ''!r}, expected a number", remedy="mend the log, or start a new one")
    return value


def _integrated(rows: Sequence[tuple[float, float]], start: float, seconds: float) -> float | None:
    """Joules from ``start`` on; None where the log does not cover the window. Times are taken from ``start``.

    >>> _integrated([(10.0, 40.0), (12.0, 60.0)], 10.0, 2.0)
    100.0
    """
    import numpy as np

    times, watts = np.array([row[0] for row in rows]) - start, np.array([row[1] for row in rows])
    if times[0] > 0 or times[-1] < seconds:
        return None
    grid = np.concatenate([[0.0], times[(times > 0) & (times < seconds)], [seconds]])
    return float(np.trapezoid(np.interp(grid, times, watts), grid))
